"""/networks/<network_id>: who is tied to whom, by what, when, and the rows behind each tie."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import dash
import dash_mantine_components as dmc
import polars as pl
from dash import Input, Output, State, callback, ctx, dcc, html
from dash.exceptions import PreventUpdate

from dashboard import ids, paths
from dashboard.access import requires
from dashboard.components.network import elements, network_drawing
from dashboard.components.page import nothing, page, refused, section
from dashboard.components.tables import account_link, band, columns, facts, table
from dashboard.state import read_model, scheme
from dashboard.words import MISSING, count, day, instant, money, name, number
from finpat.readmodel import network_page

dash.register_page(__name__, path_template=paths.NETWORK, title="Network – finpat", name="Network")

NETWORK_ID, DRAWING, PERIOD, KINDS = "network-id", "network-drawing", "network-period", "network-kinds"
DETAIL, EXPANDED, FROM, TO, WAY = (
    "network-detail",
    "network-expanded",
    "network-from",
    "network-to",
    "network-way",
)
_DAY_ONE = datetime(1970, 1, 1)
MEMBERS = columns("Account", "#Rank", "#Score", "Band", "Possible role", "What argues for it")
TIES = columns("From", "To", "Tie", "#Rows", "#Money", "@First", "@Last", "#Shared by")
ROWS = columns("@When", "Account", "Direction", "#Amount", "Counterparty", "Channel", "File", "#Line")


def _days(at: datetime | None) -> int:
    return 0 if at is None else (at - _DAY_ONE).days


def _slider(first: int, last: int) -> dcc.RangeSlider:
    marks = {at: day(_DAY_ONE + timedelta(days=at)) for at in (first, (first + last) // 2, last)}
    return dcc.RangeSlider(
        first, last, 1, value=[first, last], marks=marks, id=PERIOD, allow_direct_input=False
    )


@requires("view")
def layout(network_id: str = "", **_query: str) -> html.Div:
    """The drawing with its controls, the members, and room for what is chosen in the drawing."""
    model = read_model()
    network = model.network(network_id)
    if network is None:
        return page(
            "Network",
            refused(
                f"Run {model.run_id} has no network {network_id}.",
                "It may be of another run; go to the list.",
            ),
            dcc.Link("All networks", href=paths.NETWORKS),
            run_id=model.run_id,
        )
    drawing = network_page.drawing(model, network_id)
    kinds = (network["kind"] or "").split(";")
    members = drawing.nodes["account_id"].to_list()
    first, last = _days(network["first_at"]), _days(network["last_at"])
    controls = html.Div(
        [
            html.Div(
                [
                    html.Label("Between", htmlFor=PERIOD),
                    _slider(first, last + 1),
                ],
                style={"flex": "1 1 24rem"},
            ),
            dcc.Checklist(kinds, kinds, id=KINDS, inline=True, className="choices"),
        ],
        className="actions",
    )
    left_out = (
        html.P(
            f"{count(drawing.left_out, 'member')} placed lower in the list are not drawn.", className="help"
        )
        if drawing.left_out
        else None
    )
    return page(
        f"Network {network_id}",
        facts(
            [
                ("Accounts", number(network["member_count"])),
                ("Persons", number(network["person_count"])),
                ("Tied by", ", ".join(kinds)),
                ("Moved between them", money(network["amount"], network["currency"])),
                ("From", instant(network["first_at"])),
                ("To", instant(network["last_at"])),
            ]
        ),
        section(
            "Drawing",
            controls,
            network_drawing(DRAWING, elements(drawing), scheme() == "dark"),
            left_out,
            help="Shape: possible role (diamond controller, hexagon victim, triangle mule, square business). "
            "Colour: band. Tap an account for its counterparties, a line for the rows behind it.",
        ),
        html.Div(id=DETAIL, role="status"),
        section(
            "Way between two accounts",
            html.Div(
                [
                    dmc.Select(label="From", data=members, id=FROM, searchable=True),
                    dmc.Select(label="To", data=members, id=TO, searchable=True),
                ],
                className="actions",
            ),
            html.Div(id=WAY),
        ),
        section("Members", _members(drawing.nodes)),
        dcc.Store(id=NETWORK_ID, data=network_id),
        dcc.Store(id=EXPANDED, data=None),
        run_id=model.run_id,
        lead=network["reason"],
    )


def _members(nodes: pl.DataFrame) -> Any:
    cells = [
        (
            account_link(row["account_id"]), number(row["rank"]), number(row["score"]), band(row["band"]),
            name(row["possible_role"]), row["reason"] or MISSING,
        )
        for row in nodes.iter_rows(named=True)
    ]  # fmt: skip
    return table("Members of the network", MEMBERS, cells)


@callback(
    Output(DRAWING, "elements"), Output(EXPANDED, "data"),
    Input(PERIOD, "value"), Input(KINDS, "value"), Input(DRAWING, "tapNodeData"),
    State(EXPANDED, "data"), State(NETWORK_ID, "data"), State(ids.RUN, "data"),
    prevent_initial_call=True,
)  # fmt: skip
@requires("view")
def redrawn(
    period: list[int], kinds: list[str], tapped: dict[str, str] | None, expanded: dict[str, Any] | None,
    network_id: str, run_id: str,
) -> Any:  # fmt: skip
    """The ties of the period and kinds chosen, with the counterparties of the account tapped last."""
    model = read_model(run_id)
    if ctx.triggered_id == DRAWING and tapped is not None:
        expanded = _opened(tapped["id"], expanded)
    drawing = network_page.drawing(
        model,
        network_id,
        since=_DAY_ONE + timedelta(days=period[0]),
        until=_DAY_ONE + timedelta(days=period[1]),
        kinds=kinds or ["none"],
    )
    if expanded is None or expanded["of"] not in drawing.nodes["account_id"]:
        return elements(drawing), None
    outside = network_page.counterparties_of(model, expanded["of"], limit=expanded["shown"])
    return elements(drawing, outside, expanded["of"]), expanded


def _opened(tapped: str, before: dict[str, Any] | None) -> dict[str, Any]:
    """Which member is expanded, and how far: tapping `n more` shows the next piece."""
    if tapped.startswith("more:") and before is not None:
        return {"of": before["of"], "shown": before["shown"] + network_page.STEP}
    return {"of": tapped, "shown": network_page.STEP}


@callback(
    Output(DETAIL, "children"), Input(DRAWING, "tapNodeData"), Input(DRAWING, "tapEdgeData"),
    State(NETWORK_ID, "data"), State(ids.RUN, "data"), prevent_initial_call=True,
)  # fmt: skip
@requires("view")
def chosen(node: dict[str, str] | None, edge: dict[str, str] | None, network_id: str, run_id: str) -> Any:
    """What is tapped: an account with whom it deals, or what ties two accounts with the rows behind it."""
    model = read_model(run_id)
    if ctx.triggered[0]["prop_id"].endswith("tapEdgeData") and edge is not None:
        return _tie(model, network_id, edge["source"], edge["target"])
    if node is None or node["id"].startswith("more:"):
        raise PreventUpdate
    return _account(model, node["id"])


def _account(model: Any, account_id: str) -> Any:
    account = model.account(account_id)
    others = network_page.counterparties_of(model, account_id)
    if account is None and not others.height:
        return section(
            account_id,
            nothing("No account of this run: only payments with it are known."),
        )
    head = [html.P(account["reason"])] if account is not None else []
    cells = [
        (
            account_link(row["counterparty_id"]) if row["known"] else row["counterparty_id"],
            "paid by" if row["direction"] == "credit" else "pays", number(row["count"]),
            money(row["amount"], row["currency"]), day(row["first_at"]), day(row["last_at"]),
            number(row["shared_by"]),
        )
        for row in others.iter_rows(named=True)
    ]  # fmt: skip
    titles = columns(
        "Counterparty", "Direction", "#Rows", "#Money", "@First", "@Last", "#Accounts that share it"
    )
    link = account_link(account_id, "Open the account") if account is not None else None
    return section(account_id, *head, table(f"Counterparties of {account_id}", titles, cells), link)


def _tie(model: Any, network_id: str, one: str, other: str) -> Any:
    ties = network_page.ties_between(model, network_id, one, other)
    rows = network_page.behind_edge(model, network_id, one, other)
    parts: list[Any] = [_ties(ties)] if ties.height else []
    if rows.height:
        cells = [
            (
                instant(row["booked_at"], None), account_link(row["account_id"]), row["direction"],
                money(row["amount"], row["currency"]), row["counterparty_id"] or MISSING,
                row["channel"],
                row["source_file"], number(row["source_line"]),
            )
            for row in rows.iter_rows(named=True)
        ]  # fmt: skip
        parts.append(table("Transactions behind the tie", ROWS, cells))
    if not parts:
        parts.append(nothing("Payments to or from outside the network.", "Tap the account for their sums."))
    return section(f"What ties {one} and {other}", *parts)


def _ties(edges: pl.DataFrame) -> Any:
    cells = [
        (
            account_link(row["from_id"]), account_link(row["to_id"]), name(row["kind"]), number(row["count"]),
            money(row["amount"], row["currency"]), day(row["first_at"]), day(row["last_at"]),
            number(row["shared_by"]),
        )
        for row in edges.iter_rows(named=True)
    ]  # fmt: skip
    return table("Ties", TIES, cells)


@callback(
    Output(WAY, "children"), Input(FROM, "value"), Input(TO, "value"),
    State(NETWORK_ID, "data"), State(ids.RUN, "data"), prevent_initial_call=True,
)  # fmt: skip
@requires("view")
def way(start: str | None, end: str | None, network_id: str, run_id: str) -> Any:
    """The strongest chain of ties between the two accounts chosen."""
    if not start or not end or start == end:
        return html.P("Choose two accounts.", className="help")
    steps = network_page.path_between(read_model(run_id), network_id, start, end)
    if not steps.height:
        return nothing("No chain of ties leads from one to the other inside this network.")
    return html.Div([html.P(count(steps.height, "step")), _ties(steps)])
