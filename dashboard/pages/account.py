"""/accounts/<account_id>: one account, everything about it, a part at a time.

Each part has an address (`?tab=`) and asks only for what it shows; what is folded asks when it is unfolded.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import unquote

import dash
import polars as pl
from dash import ALL, MATCH, Input, Output, State, callback, ctx, dcc, html, no_update
from plotly.graph_objects import Figure

from dashboard import access, ids, paths
from dashboard.access import requires
from dashboard.components import account as parts
from dashboard.components.casework import panel
from dashboard.components.graph import graph
from dashboard.components.grid import answer, column, grid, plain, wanted
from dashboard.components.page import nothing, page, refused, section
from dashboard.components.reveal import reveal_button
from dashboard.components.table import facts, table
from dashboard.figures import account as figures
from dashboard.masking import shown
from dashboard.state import casework, has_casework, now, read_model, read_models, scheme, settings
from dashboard.words import MISSING, count, day, instant, money, name, number, share
from finpat.casework import alerts, decisions, notes, questions
from finpat.casework.decisions import Decision
from finpat.errors import UsageError
from finpat.readmodel import ReadModel
from finpat.readmodel import account_page as asked
from finpat.readmodel.rows import Wanted

dash.register_page(__name__, path_template=paths.ACCOUNT, title="Account – finpat", name="Account")

TABS = (
    ("summary", "Summary"),
    ("time", "Money in time"),
    ("others", "Counterparties"),
    ("places", "Places"),
    ("adverts", "Adverts"),
    ("model", "Model"),
    ("ties", "Ties"),
    ("rows", "Transactions"),
    ("record", "Record"),
)
FILE = "file"  # the case file: what is printed
WIDE = ("others", "adverts", "ties", "rows", "record", FILE)  # tables that need the width
RANGES: tuple[tuple[str, int | None], ...] = (
    ("All", None),
    ("1 year", 365),
    ("90 days", 90),
    ("30 days", 30),
)
FIRST_OTHERS = 20  # counterparties in a case file


@requires("view")
def layout(account_id: str = "", tab: str = "summary", **_query: str) -> html.Div:
    """The account's header and the part of its page that is asked for."""
    model, account_id = read_model(), unquote(account_id)
    account = model.account(account_id)
    if account is None:
        return _unknown(model, account_id)
    known = dict(TABS)
    show = _PARTS.get(tab, _summary)
    shown = tab if tab in known or tab == FILE else "summary"
    to_file = dcc.Link(
        "Case file", href=paths.to(paths.ACCOUNT, account_id=account_id, tab=FILE), className="button quiet"
    )
    printing = html.Button("Print", id=ids.PRINT, type="button", className="quiet")
    zone, of = asked.reporting_zone(model), model.account_count()
    header = parts.header if shown in ("summary", FILE) else parts.short_header
    content = html.Div([header(account, of), *show(model, account, zone)])
    beside = html.Aside(_casework(account_id, zone), **{"aria-label": "Casework"})
    return page(
        f"Account {account_id}",
        dcc.Store(id=ids.ACCOUNT_ID, data=account_id),
        parts.tabs(account_id, shown, TABS),
        html.Div(
            [content] if shown in WIDE else [content, beside], className="wide" if shown in WIDE else "case"
        ),
        run_id=model.run_id,
        lead=f"Run {model.run_id}, rows up to {instant(_as_of(model), zone)}",
        actions=printing if shown == FILE else to_file,
    )


def _casework(account_id: str, zone: str) -> Parts:
    """The panel of the account's alert: the open one, else the newest."""
    if not has_casework():
        return panel(None, (), access.user(), zone)
    with casework().reading() as connection:
        held = questions.alerts_of(connection, account_id)
        alert = questions.alert(connection, held[0]["number"]) if held else None
    return panel(alert, held[1:], access.user(), zone)


@callback(
    Output(ids.CASE_SAID, "children"),
    Input({"type": ids.CASE_DO, "action": ALL}, "n_clicks"),
    State(ids.CASE_ALERT, "data"),
    State(ids.CASE_TEXT, "value"),
    State(ids.CASE_KIND, "value"),
    State(ids.CASE_REFERENCE, "value"),
    State(ids.CASE_DAY, "value"),
    State(ids.ACCOUNT_ID, "data"),
    State(ids.RUN, "data"),
    prevent_initial_call=True,
)
@requires("work")
def work(
    clicks: list[int | None],
    seen: Mapping[str, int],
    text: str | None,
    kind: str | None,
    reference: str | None,
    on: str | None,
    account_id: str,
    run_id: str,
) -> Any:
    """Do what the button says to the alert as it was shown; then the page is drawn anew."""
    chosen = ctx.triggered_id
    if not any(clicks) or not isinstance(chosen, dict):
        return no_update
    number, version, action = seen["number"], seen["version"], chosen["action"]
    that_day, reason = _day_of(on), text or ""
    decision = Decision(kind or "", reason, reference or None, that_day if reference else None)
    of_casework = settings().casework
    with casework().writing(access.user().name, now()) as change:
        if action == "claim":
            alerts.claim(change, number, version=version)
        elif action == "wait":
            alerts.wait(change, number, reason, until=that_day, version=version)
        elif action == "resume":
            alerts.resume(change, number, version=version)
        elif action == "reopen":
            alerts.reopen(change, number, reason, version=version)
        elif action == "note":
            notes.add_note(change, number, reason)
        elif action == "decide":
            decisions.decide(change, number, decision, version=version)
        elif action == "close":
            decisions.close(change, number, decision, of_casework, version=version)
        else:
            if that_day is None:
                raise UsageError("suppression: say until which day, like 2026-01-31")
            account = read_model(run_id).account(account_id) or {}
            found = asked.findings(read_model(run_id), account_id).height
            score = int(account.get("score") or 0)
            decisions.suppress(change, account_id, reason, that_day, of_casework, score=score, findings=found)
    dash.set_props(ids.RELOAD, {"data": now().isoformat()})
    return "Done."


@callback(
    Output(ids.CASE_SAID, "children", allow_duplicate=True),
    Input({"type": ids.CASE_APPROVE, "action": ALL}, "n_clicks"),
    State(ids.CASE_ALERT, "data"),
    State(ids.CASE_TEXT, "value"),
    prevent_initial_call=True,
)
@requires("approve")
def second_pair_of_eyes(clicks: list[int | None], seen: Mapping[str, int], text: str | None) -> Any:
    """Approve or refuse what somebody else asked for."""
    chosen = ctx.triggered_id
    if not any(clicks) or not isinstance(chosen, dict):
        return no_update
    with casework().writing(access.user().name, now()) as change:
        asked_for = questions.alert(change.connection, seen["number"])["requests"]
        request = asked_for[-1]["number"]
        if chosen["action"] == "approve":
            decisions.approve(change, request, settings().casework, text or "")
        else:
            decisions.refuse(change, request, settings().casework, text or "")
    dash.set_props(ids.RELOAD, {"data": now().isoformat()})
    return "Done."


def _day_of(text: str | None) -> date | None:
    """A day as year-month-day.

    Raises:
        UsageError: it is none.
    """
    if not text:
        return None
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        raise UsageError(f"day {text!r}: expected year-month-day, like 2026-01-31") from None


def _unknown(model: ReadModel, account_id: str) -> html.Div:
    near = model.nearest_account(account_id)
    return page(
        "Account not found",
        refused(
            f"Run {model.run_id} has no account {account_id!r}.",
            "It may be misspelt, or have no transaction up to the run's as-of instant.",
        ),
        html.P(["Did you mean ", parts.to_account(near), "?"]) if near else None,
        dcc.Link("To the queue", href=paths.QUEUE),
        run_id=model.run_id,
    )


def _as_of(model: ReadModel) -> datetime:
    return datetime.fromisoformat(model.manifest()["as_of"])


Parts = list[Any]


def _summary(model: ReadModel, account: Mapping[str, Any], zone: str) -> Parts:
    account_id = str(account["account_id"])
    return [
        section("Who and how much", parts.holder(account, zone), reveal_button("account", account_id)),
        section(
            "Roles, argued both ways",
            *parts.arguments(model.role_arguments_of(account_id)),
            help="Interpretation: a role is a hypothesis, and one document may settle it either way.",
        ),
        section(
            "What was found",
            *parts.findings(asked.findings(model, account_id)),
            help="Open a finding for its rows, its numbers against other accounts, and its source.",
        ),
    ]


def _time(model: ReadModel, account: Mapping[str, Any], zone: str) -> Parts:
    account_id = str(account["account_id"])
    figure, note, lanes = _timeline(model, account_id, None, None)
    if figure is None:
        return [section("Money in time", nothing("The account has no rows."))]
    buttons = [
        html.Button(
            title, id={"type": ids.ACCOUNT_RANGE, "days": days or 0}, type="button", className="quiet"
        )
        for title, days in RANGES
    ]
    return [
        section(
            "Money in time",
            html.Div(
                [*buttons, html.Span(note, id=ids.ACCOUNT_TIMELINE_NOTE, className="help", role="status")],
                className="chooser",
            ),
            graph(
                figure,
                figures.lane_height(lanes),
                id=ids.ACCOUNT_TIMELINE,
                label=f"Money in and out of account {account_id} over time, its balance, what lasted when",
            ),
            help="Drag over the figure to see a time more closely; a double click shows all. Hatched: cash.",
        ),
        section(
            "Hours of the week",
            html.Div(_hours(model, account_id, "place"), id=ids.ACCOUNT_HOURS),
        ),
    ]


def _timeline(
    model: ReadModel, account_id: str, first: date | None, last: date | None
) -> tuple[Figure | None, str, int]:
    """The figure, what it leaves out, and how many lanes it has."""
    told = asked.timeline(model, account_id, first, last)
    if told is None:
        return None, "", 0
    lanes = asked.lanes(model, account_id)
    marks = asked.marked_days(model, account_id)
    figure = figures.timeline(
        told.frame,
        lanes,
        marks,
        shown=(told.first, told.last),
        step=told.step,
        currency=told.currency or "",
        scheme=scheme(),
    )
    left_out = [
        f"{count(told.elsewhere, 'row')} in other currencies" if told.elsewhere else "",
        f"{count(told.not_effective, 'row')} that moved no money" if told.not_effective else "",
    ]
    without = " and ".join(text for text in left_out if text)
    note = f"By {told.step}, {day(told.first)} to {day(told.last)}" + (
        f"; without {without}" if without else ""
    )
    return figure, note, len({title for title, _, _ in lanes}) + marks["kind"].n_unique()


@callback(
    Output(ids.ACCOUNT_TIMELINE, "figure"),
    Output(ids.ACCOUNT_TIMELINE_NOTE, "children"),
    Input({"type": ids.ACCOUNT_RANGE, "days": ALL}, "n_clicks"),
    State(ids.ACCOUNT_ID, "data"),
    State(ids.RUN, "data"),
    prevent_initial_call=True,
)
@requires("view")
def show_last_days(clicks: list[int | None], account_id: str, run_id: str) -> tuple[Any, Any]:
    """The timeline of the account's last days, as many as the button says."""
    chosen = ctx.triggered_id
    if not any(clicks) or not isinstance(chosen, dict):
        return no_update, no_update
    model = read_model(run_id)
    return _drawn(model, account_id, *_last_days(model, account_id, int(chosen["days"])))


# A callback of its own: a figure that is redrawn tells its size, and of two calls of one callback Dash
# throws the answer of the first away.
@callback(
    Output(ids.ACCOUNT_TIMELINE, "figure", allow_duplicate=True),
    Output(ids.ACCOUNT_TIMELINE_NOTE, "children", allow_duplicate=True),
    Input(ids.ACCOUNT_TIMELINE, "relayoutData"),
    State(ids.ACCOUNT_ID, "data"),
    State(ids.RUN, "data"),
    prevent_initial_call=True,
)
@requires("view")
def show_range(moved: Mapping[str, Any] | None, account_id: str, run_id: str) -> tuple[Any, Any]:
    """The timeline of the time that was zoomed to, summed anew for it."""
    bounds = _bounds(moved or {})
    if bounds is None:
        return no_update, no_update
    return _drawn(read_model(run_id), account_id, *bounds)


def _drawn(model: ReadModel, account_id: str, first: date | None, last: date | None) -> tuple[Any, Any]:
    figure, note, lanes = _timeline(model, account_id, first, last)
    if figure is None:
        return no_update, no_update
    return figure.update_layout(height=figures.lane_height(lanes)), note


def _bounds(moved: Mapping[str, Any]) -> tuple[date | None, date | None] | None:
    """First and last day that the reader zoomed to; (None, None) for all, None where nothing was zoomed."""
    for axis in ("xaxis", "xaxis2", "xaxis3"):
        if f"{axis}.range[0]" in moved:
            ends = moved[f"{axis}.range[0]"], moved[f"{axis}.range[1]"]
            first, last = (date.fromisoformat(str(end)[:10]) for end in ends)
            return first, max(first, last)
        if moved.get(f"{axis}.autorange"):
            return None, None
    return None


def _last_days(model: ReadModel, account_id: str, days: int) -> tuple[date | None, date | None]:
    if not days:
        return None, None
    account = model.account(account_id)
    last = (account or {}).get("last_seen") or _as_of(model)
    return last.date() - timedelta(days=days - 1), last.date()


@callback(
    Output(ids.ACCOUNT_HOURS, "children"),
    Input({"type": ids.ACCOUNT_CLOCK, "clock": ALL}, "n_clicks"),
    State(ids.ACCOUNT_ID, "data"),
    State(ids.RUN, "data"),
    prevent_initial_call=True,
)
@requires("view")
def show_hours(clicks: list[int | None], account_id: str, run_id: str) -> Any:
    """The hours of the week on the clock that was chosen."""
    chosen = ctx.triggered_id
    if not any(clicks) or not isinstance(chosen, dict):
        return no_update
    return _hours(read_model(run_id), account_id, chosen["clock"])


def _hours(model: ReadModel, account_id: str, clock: str) -> Parts:
    """The clocks to choose from, and the hours on this one."""
    zone = asked.reporting_zone(model)
    clocks = (("place", "Clock of the place"), ("reports", f"Clock of the reports ({zone})"))
    buttons = [
        html.Button(
            title,
            id={"type": ids.ACCOUNT_CLOCK, "clock": which},
            type="button",
            className="" if which == clock else "quiet",
            **{"aria-pressed": str(which == clock).lower()},
        )
        for which, title in clocks
    ]
    return [html.Div(buttons, className="chooser"), *_week(model, account_id, clock)]


def _week(model: ReadModel, account_id: str, clock: str) -> Parts:
    told = asked.hours(model, account_id, at_the_place=clock == "place")
    left_out = [
        f"{count(told.unplaced, 'row')} whose place, and so whose clock, is not known"
        if told.unplaced
        else "",
        f"{count(told.dateless, 'row')} that have a day only" if told.dateless else "",
    ]
    without = " and ".join(text for text in left_out if text)
    note = html.P(
        f"{count(told.placed, 'row')} drawn" + (f"; without {without}" if without else "") + ".",
        className="help",
        role="status",
    )
    if not told.placed:
        return [
            nothing(
                "No row says at which hour it happened where it happened.",
                "Choose the clock of the reports to see the hours as they were written.",
            ),
            note,
        ]
    figure = figures.week(told.frame, scheme())
    return [note, graph(figure, 260, label=f"Rows of account {account_id} by weekday and hour")]


def _others(model: ReadModel, account: Mapping[str, Any], _zone: str) -> Parts:
    told = asked.cash_and_unknown(model, str(account["account_id"]))
    return [
        section(
            "Counterparties",
            grid(
                ids.ACCOUNT_COUNTERPARTIES,
                [
                    column("counterparty", "Counterparty", cellRenderer="Linked", flex=2, minWidth=180),
                    plain("name", "Name", flex=1, minWidth=110),
                    column("band", "Band", cellRenderer="Band", width=100),
                    column("news", "New", width=80),
                    column("channels", "By", width=110),
                    column("count_in", "Rows in", kind="number", width=95),
                    column("amount_in", "Paid in", kind="number", width=140),
                    column("count_out", "Rows out", kind="number", width=95),
                    column("amount_out", "Paid out", kind="number", width=140),
                    column("first_at", "First", kind="instant", width=110),
                    column("last_at", "Last", kind="instant", width=110),
                ],
                label="Counterparties of the account",
            ),
            help=(
                f"Of {count(told['rows'], 'row')}, {number(told['cash'])} are cash; of "
                f"{number(told['unknown'])} the other side is not known. New: first paid within the last "
                f"{asked.NEW_DAYS} days. A band marks an account of this institution."
            ),
        )
    ]


@callback(
    Output(ids.ACCOUNT_COUNTERPARTIES, "getRowsResponse"),
    Input(ids.ACCOUNT_COUNTERPARTIES, "getRowsRequest"),
    State(ids.ACCOUNT_ID, "data"),
    State(ids.RUN, "data"),
    prevent_initial_call=True,
)
@requires("view")
def show_counterparties(request: Mapping[str, Any], account_id: str, run_id: str) -> Any:
    """The counterparties that the grid asks for."""
    if request is None:
        return no_update
    rows = asked.counterparties(read_model(run_id), account_id, wanted(request))
    return answer(rows, [_counterparty(row, account_id) for row in rows.frame.iter_rows(named=True)])


def _counterparty(row: Mapping[str, Any], account_id: str) -> dict[str, Any]:
    held = row["held"]
    return {
        "key": f"{row['counterparty']} {row['currency']}",
        "counterparty": row["counterparty"],
        "counterparty_href": paths.to(paths.ACCOUNT, account_id=held) if held else None,
        "name": _shape(row["counterparty_name"], account_id),
        "band": row["band"],
        "news": row["news"],
        "channels": (row["channels"] or "").replace(";", ", "),
        "count_in": number(row["count_in"]),
        "amount_in": money(row["amount_in"], row["currency"]) if row["count_in"] else MISSING,
        "count_out": number(row["count_out"]),
        "amount_out": money(row["amount_out"], row["currency"]) if row["count_out"] else MISSING,
        "first_at": day(row["first_at"]),
        "last_at": day(row["last_at"]),
    }


def _shape(text: str | None, account_id: str) -> str:
    """A name or text of a row as this reader may see it; the protected are shown to nobody."""
    return asked.PROTECTED if text == asked.PROTECTED else shown("name", text, account_id)


def _places(model: ReadModel, account: Mapping[str, Any], zone: str) -> Parts:
    account_id = str(account["account_id"])
    cells = asked.days_in_cities(model, account_id)
    if not cells.height:
        return [
            section(
                "City by day",
                nothing(
                    "No row says where the account's cards or cash were used.",
                    "Places need the columns city and country; see what the mapping of the file reads.",
                ),
            )
        ]
    cities = cells.select("city", "country").n_unique()
    rows = [
        (city["city"], city["country"] or MISSING, number(city["days"]), number(city["count"]),
         day(city["first"]), day(city["last"]))
        for city in asked.cities(cells).iter_rows(named=True)
    ]  # fmt: skip
    return [
        section(
            "City by day",
            graph(
                figures.circuit(cells, scheme()),
                120 + 26 * min(cities, 24),
                label=f"Days of account {account_id} in each of {count(cities, 'city', 'cities')}",
            ),
            help="Where a card was used at a counter or machine, or cash was drawn or paid in; local days.",
        ),
        section(
            "On the map",
            graph(
                figures.route(cells, scheme()),
                420,
                label="The same cities on a map, tied in the order in which they were reached",
            ),
            help="Lines tie one city to the next in order of time. Cities that are not clear are not drawn.",
        ),
        section(
            "Cities",
            table(
                ("City", "Country", "Days", "Rows", "First day", "Last day"),
                rows,
                label="Cities of the account",
                amounts=(2, 3),
            ),
        ),
    ]


def _adverts(model: ReadModel, account: Mapping[str, Any], zone: str) -> Parts:
    account_id = str(account["account_id"])
    paid = asked.ad_payments_of(model, account_id)
    listed = [
        (instant(row["paid_at"], zone), row["platform"], money(row["amount"], row["currency"]),
         row["method"] or MISSING, row["payer_reference"] or MISSING, row["ad_id"] or MISSING,
         f"{row['source_file']}:{row['source_line']}")
        for row in paid.head(parts.ROWS_SHOWN).iter_rows(named=True)
    ]  # fmt: skip
    headers = ("Paid", "Platform", "Amount", "Method", "Reference", "Advert", "File and line")
    return [
        section(
            "Clusters of adverts its payments go with",
            parts.ad_links(model.ad_links_of(account_id)),
            help="How often a payment was followed by an advert of the cluster, against what chance gives.",
        ),
        section("Payments and adverts", parts.ad_matches(model.ad_matches_of(account_id), zone)),
        section(
            "What platforms say it paid",
            table(headers, listed, label="Payments to platforms", amounts=(2,))
            if listed
            else nothing("No platform's export names this account as payer."),
        ),
    ]


def _model(model: ReadModel, account: Mapping[str, Any], _zone: str) -> Parts:
    frame = asked.contributions(model, str(account["account_id"]))
    return [
        section(
            "What makes it unusual",
            *parts.contributions(
                frame.filter(pl.col("place") <= asked.CONTRIBUTIONS_SHOWN), account["currency"]
            ),
            help=(
                f"Its anomaly score is higher than that of {number(account['anomaly_percentile'], 1)} % of "
                "accounts. Computed, not judged: unusual is not wrong. Open a line for all accounts."
            ),
        )
    ]


@callback(
    Output({"type": ids.PEERS, "feature": MATCH, "detector": MATCH}, "children"),
    Input({"type": ids.CONTRIBUTION, "feature": MATCH, "detector": MATCH}, "n_clicks"),
    State(ids.ACCOUNT_ID, "data"),
    State(ids.RUN, "data"),
    prevent_initial_call=True,
)
@requires("view")
def show_peers(clicks: int, account_id: str, run_id: str) -> Any:
    """All accounts in one feature, when its line is opened for the first time."""
    chosen = ctx.triggered_id
    if clicks != 1 or not isinstance(chosen, dict):
        return no_update
    told = asked.peers_of(read_model(run_id), account_id, chosen["feature"])
    if told is None or not told.known:
        return nothing("No account has this number.")
    beyond = f" {count(told.beyond, 'account')} beyond the right edge." if told.beyond else ""
    return [
        graph(
            figures.standing(told.histogram, told.value, told.median, scheme()),
            180,
            label=f"{told.doc} All accounts, with this one",
        ),
        html.P(
            f"Higher than {share(told.share_below)} of the {count(told.known, 'account')} that have it."
            f"{beyond} The count of accounts is on a scale of powers of ten.",
            className="help",
        ),
    ]


def _ties(model: ReadModel, account: Mapping[str, Any], zone: str) -> Parts:
    account_id = str(account["account_id"])
    to_network = (
        dcc.Link(
            f"Network {account['network_id']}",
            href=paths.to(paths.NETWORK, network_id=account["network_id"]),
            className="button quiet",
        )
        if account["network_id"]
        else None
    )
    return [
        section(
            "What ties it to other accounts",
            to_network,
            parts.ties(model.links_of(account_id), account_id, zone),
            help="Strength is 1 for what two share alone, less the more share it.",
        )
    ]


def _rows(model: ReadModel, account: Mapping[str, Any], zone: str) -> Parts:
    return [
        section(
            "Transactions",
            grid(
                ids.ACCOUNT_TRANSACTIONS,
                [
                    column("booked_at", "When", kind="instant", width=195, sort="desc"),
                    column("direction", "", width=70),
                    column("amount", "Amount", kind="number", width=140),
                    column("channel", "By", width=100),
                    column("counterparty_id", "Counterparty", minWidth=150, flex=1, cellRenderer="Linked"),
                    plain("counterparty_name", "Name", width=120),
                    plain("description", "Text", width=140),
                    column("merchant_category", "MCC", width=85),
                    column("city", "City", width=120),
                    column("country", "Country", width=95),
                    column("balance_after", "Balance", kind="number", width=140),
                    column("status", "Status", width=100),
                    column("device_id", "Device", width=130),
                    column("branch_id", "Branch", width=110),
                    column("source_file", "File", width=150),
                    column("source_line", "Line", kind="number", width=90),
                ],
                label="Transactions of the account",
                height=640,
            ),
            help=f"Times are of {zone}. Names and texts are masked.",
        )
    ]


@callback(
    Output(ids.ACCOUNT_TRANSACTIONS, "getRowsResponse"),
    Input(ids.ACCOUNT_TRANSACTIONS, "getRowsRequest"),
    State(ids.ACCOUNT_ID, "data"),
    State(ids.RUN, "data"),
    prevent_initial_call=True,
)
@requires("view")
def show_transactions(request: Mapping[str, Any], account_id: str, run_id: str) -> Any:
    """The rows that the grid asks for."""
    if request is None:
        return no_update
    model = read_model(run_id)
    rows, zone = asked.transactions(model, account_id, wanted(request)), asked.reporting_zone(model)
    return answer(rows, [_transaction(row, zone, account_id) for row in rows.frame.iter_rows(named=True)])


def _transaction(row: Mapping[str, Any], zone: str, account_id: str) -> dict[str, Any]:
    shown = {key: row[key] if row[key] is not None else MISSING for key in _AS_WRITTEN}
    balance = row["balance_after"]
    return shown | {
        "key": f"{row['transaction_id']} {row['direction']}",
        "booked_at": day(row["booked_at"])
        if row["time_precision"] == "day"
        else instant(row["booked_at"], zone),
        "direction": {"credit": "in", "debit": "out"}[row["direction"]],
        "amount": money(row["amount"], row["currency"]),
        "balance_after": MISSING if balance is None else money(balance, row["currency"]),
        "counterparty_name": _shape(row["counterparty_name"], account_id),
        "description": _shape(row["description"], account_id),
        "source_line": number(row["source_line"]),
    }


_AS_WRITTEN = (
    "channel", "counterparty_id", "merchant_category", "city", "country", "status", "device_id", "branch_id",
    "source_file",
)  # fmt: skip


def _record(model: ReadModel, account: Mapping[str, Any], zone: str) -> Parts:
    account_id = str(account["account_id"])
    return [
        section(
            "Places in earlier runs",
            parts.places_in_runs(asked.places_in(read_models().newest(), account_id), model.run_id),
        ),
        section(
            "What else the bank's files say",
            parts.further_columns(asked.further_columns(model, account_id)),
            help="Columns that no mapping reads, kept as they were. Words are masked, codes are not.",
        ),
        section("What could not be judged", parts.unjudged(asked.unjudged(model, account_id))),
    ]


def _file(model: ReadModel, account: Mapping[str, Any], zone: str) -> Parts:
    account_id = str(account["account_id"])
    found = asked.findings(model, account_id)
    opened = {
        row["finding_id"]: [
            html.P(row["sentence"]),
            parts.evidence(asked.evidence_of_finding(model, row["finding_id"]), zone, account_id),
        ]
        for row in found.iter_rows(named=True)
    }
    figure, note, lanes = _timeline(model, account_id, None, None)
    cells = asked.days_in_cities(model, account_id)
    others = asked.counterparties(model, account_id, Wanted(limit=FIRST_OTHERS))
    columns = ("counterparty", "name", "channels", "count_in", "amount_in", "count_out", "amount_out",
               "first_at", "last_at")  # fmt: skip
    return [
        section("Who and how much", parts.holder(account, zone)),
        section("Roles, argued both ways", *parts.arguments(model.role_arguments_of(account_id))),
        section("What was found", *parts.findings(found, opened=opened)),
        section(
            "Money in time",
            graph(figure, figures.lane_height(lanes), label="Money in time")
            if figure
            else nothing("No rows."),
            html.P(note, className="help"),
        ),
        section("Hours of the week", *_week(model, account_id, "place")),
        section(
            f"The first {FIRST_OTHERS} of {count(others.total, 'counterparty', 'counterparties')}",
            table(
                ("Counterparty", "Name", "By", "Rows in", "Paid in", "Rows out", "Paid out", "First", "Last"),
                [
                    [_counterparty(row, account_id)[key] for key in columns]
                    for row in others.frame.iter_rows(named=True)
                ],
                label="Counterparties",
                amounts=(3, 4, 5, 6),
            ),
        ),
        section("City by day", graph(figures.circuit(cells, scheme()), 300, label="City by day"))
        if cells.height
        else None,
        section("Adverts", parts.ad_links(model.ad_links_of(account_id))),
        section("Ties", parts.ties(model.links_of(account_id), account_id, zone)),
        section(
            "Where this comes from",
            facts(
                [
                    ("Run", model.run_id),
                    ("As of", instant(_as_of(model), zone)),
                    ("Data", model.manifest()["data"]["fingerprint"][:16]),
                    ("Settings", model.manifest()["settings_hash"][:16]),
                    ("finpat", model.manifest()["versions"]["finpat"]),
                ]
            ),
        ),
    ]


_PARTS: dict[str, Callable[[ReadModel, Mapping[str, Any], str], Parts]] = {
    "summary": _summary,
    "time": _time,
    "others": _others,
    "places": _places,
    "adverts": _adverts,
    "model": _model,
    "ties": _ties,
    "rows": _rows,
    "record": _record,
    FILE: _file,
}


@callback(
    Output({"type": ids.EVIDENCE, "finding": MATCH}, "children"),
    Input({"type": ids.FINDING, "finding": MATCH}, "n_clicks"),
    State(ids.ACCOUNT_ID, "data"),
    State(ids.RUN, "data"),
    prevent_initial_call=True,
)
@requires("view")
def show_evidence(clicks: int, account_id: str, run_id: str) -> Any:
    """What is behind a finding, when it is opened for the first time."""
    chosen = ctx.triggered_id
    if clicks != 1 or not isinstance(chosen, dict):
        return no_update
    return _behind(read_model(run_id), account_id, chosen["finding"])


def _behind(model: ReadModel, account_id: str, finding_id: str) -> Parts:
    found = asked.finding(model, finding_id)
    if found is None:
        return [nothing("This finding is not part of the run.")]
    zone = asked.reporting_zone(model)
    bounded = [value for value in found["values"] or [] if value["threshold"] is not None]
    return [
        parts.card_of(found),
        html.Div([_among_others(model, found, value) for value in bounded], className="grid-2"),
        parts.evidence(asked.evidence_of_finding(model, finding_id), zone, account_id),
    ]


def _among_others(model: ReadModel, found: Mapping[str, Any], value: Mapping[str, Any]) -> html.Div:
    others = asked.others_with(model, found["indicator_id"], value["name"])["value"].to_list()
    title = f"{name(value['name'])}: {parts.in_unit(value['value'], value['unit'])}".capitalize()
    return html.Div(
        [
            html.H4(title),
            graph(
                figures.found_values(others, value["value"], value["threshold"], scheme()),
                150,
                label=f"{name(value['name'])} on the accounts where this was found, with this one",
            ),
            html.P(f"Among the {count(len(others), 'account')} on which this was found.", className="help"),
        ]
    )
