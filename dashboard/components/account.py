"""Parts of the page of one account."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from itertools import groupby
from typing import Any

import polars as pl
from dash import dcc, html

from dashboard import ids, paths
from dashboard.components.page import nothing
from dashboard.components.table import facts, table
from dashboard.masking import Kind, masked, shown
from dashboard.words import MISSING, count, day, instant, money, name, number, share
from finpat.explain import ADVICE, NO_VERDICT

FINDINGS_SHOWN = 5  # windows of one indicator that are listed at once; the others open
ROWS_SHOWN = 100  # evidence rows of one finding that are listed
_STANDING = {
    "named": "named in the list",
    "contested": "contested: facts speak for both sides, so the role stays unclear",
    "outranked": "its rules hold; another role goes before it",
    "not_enough": "not enough for naming it",
}


def to_account(account_id: str, text: str | None = None, **query: str) -> dcc.Link:
    """A link to the page of an account."""
    return dcc.Link(text or account_id, href=paths.to(paths.ACCOUNT, account_id=account_id, **query))


def role_in_words(role: str | None) -> str:
    """A possible role as the guardrails have it said; `unclear` is no role."""
    return "role unclear" if role in (None, "unclear") else name(role)


def place(account: Mapping[str, Any], of: int) -> list[Any]:
    """Band, possible role and rank in one line."""
    return [
        html.Span(account["band"], className=f"band {account['band']}"),
        " ",
        html.B(role_in_words(account["possible_role"])),
        f" · rank {number(account['rank'])} of {number(of)}",
        f" · more unusual than {number(account['anomaly_percentile'], 1)} % of accounts",
    ]


def protect(account: Mapping[str, Any]) -> list[Any]:
    """What to do, and what not, where the possible role asks for it."""
    advice = ADVICE.get(account["possible_role"])
    return [html.P(advice, className="card protect", role="note")] if advice else []


def short_header(account: Mapping[str, Any], of: int) -> html.Section:
    """The header of a part of the page: one line."""
    score = html.B(f"{number(account['score'])} of 1,000 ")
    return html.Section(
        [html.P([score, *place(account, of)]), *protect(account)],
        className="short",
        **{"aria-label": "Place in the list"},
    )


def header(account: Mapping[str, Any], of: int) -> html.Section:
    """Score, band, possible role and the sentence why."""
    return html.Section(
        [
            html.Div(
                [
                    html.Div(
                        [
                            html.Span(number(account["score"]), className="figure-value"),
                            html.Span("of 1,000", className="help"),
                        ],
                        className="score",
                    ),
                    html.Div(
                        [
                            html.P(place(account, of)),
                            html.P(account["reason"], className="why"),
                            html.P(NO_VERDICT, className="help"),
                        ]
                    ),
                ],
                className="head",
            ),
            *protect(account),
        ],
        className="card",
        **{"aria-label": "Place in the list"},
    )


def holder(account: Mapping[str, Any], zone: str) -> html.Dl:
    """Who holds the account and what it moved; names and contacts as their shapes."""
    account_id = str(account["account_id"])
    kinds: tuple[tuple[str, Kind], ...] = (
        ("holder_name", "name"), ("phone", "phone"), ("email", "email"), ("address", "name"),
        ("employer", "name"), ("introducer", "name"),
    )  # fmt: skip
    hidden = {key: shown(kind, account[key], account_id) if account.get(key) else None for key, kind in kinds}
    currency = account["currency"]
    return facts(
        [
            ("Holder", hidden["holder_name"]),
            ("Customer number", account.get("holder_id")),
            ("Kind of holder", name(account["holder_type"]) if account.get("holder_type") else None),
            ("Opened", day(account["opened_on"]) if account.get("opened_on") else None),
            ("Closed", day(account["closed_on"]) if account.get("closed_on") else None),
            ("Telephone", hidden["phone"]),
            ("E-mail", hidden["email"]),
            ("Address", hidden["address"]),
            ("Country", account.get("country")),
            ("Occupation", account.get("occupation")),
            (
                "Declared income a month",
                money(account["declared_monthly_income"], currency)
                if account.get("declared_monthly_income") is not None
                else None,
            ),
            ("Employer", hidden["employer"]),
            ("Introduced by", hidden["introducer"]),
            ("Others who may use it", _users(account.get("authorised_users"))),
            ("Paid in", money(account["amount_in"], currency)),
            ("Paid out", money(account["amount_out"], currency)),
            ("Transactions", number(account.get("leg_count"))),
            ("First seen", instant(account["first_seen"], zone)),
            ("Last seen", instant(account["last_seen"], zone)),
        ]
    )


def _users(text: str | None) -> str | None:
    return None if not text else count(text.count(";") + 1, "person")


def arguments(frame: pl.DataFrame) -> list[Any]:
    """Both sides of each role, and what would settle it."""
    if not frame.height:
        return [nothing("No finding argues for a role.", "The findings below say what was seen.")]
    return [_argument(row) for row in frame.iter_rows(named=True)]


def _argument(row: Mapping[str, Any]) -> html.Div:
    def side(title: str, texts: Sequence[str], strength: str | None) -> html.Div:
        weight = html.Span(f"heaviest: {strength}", className="tag") if strength else None
        listed = (
            html.Ul([html.Li(text) for text in texts]) if texts else html.P("No finding.", className="help")
        )
        return html.Div([html.H4([title, " ", weight]), listed])

    lacking = (
        html.P(["Not named, because: ", "; ".join(row["lacking"]), "."], className="help")
        if row["lacking"]
        else None
    )
    common = (
        html.P(["The same is common for ", "; ".join(row["also_common_for"]), "."], className="help")
        if row["also_common_for"]
        else None
    )
    return html.Div(
        [
            html.H3(
                [
                    role_in_words(row["possible_role"]).capitalize(),
                    " ",
                    html.Span(_STANDING.get(row["standing"], name(row["standing"])), className="tag"),
                ]
            ),
            html.P(row["verdict"]),
            html.Div(
                [
                    side("Speaks for it", row["speaks_for"], row["strength_for"]),
                    side("Speaks against it", row["speaks_against"], row["strength_against"]),
                ],
                className="sides",
            ),
            common,
            lacking,
            html.P([html.B("Would settle it: "), row["settled_by"], "."], className="settle"),
        ],
        className="argued",
    )


def findings(frame: pl.DataFrame, *, opened: Mapping[str, Any] | None = None) -> list[Any]:
    """Indicator by indicator, what was found; the rows behind a finding come when it is opened.

    frame: as `account_page.findings`. opened: the contents of findings that are to stand open (a case file).
    """
    if not frame.height:
        return [
            nothing(
                "No indicator was found on this account.",
                "Its score comes from how it differs from other accounts: see the tab Model.",
            )
        ]
    return [
        _indicator(list(rows), opened)
        for _, rows in groupby(frame.iter_rows(named=True), key=lambda row: str(row["indicator_id"]))
    ]


def _indicator(rows: Sequence[Mapping[str, Any]], opened: Mapping[str, Any] | None) -> html.Div:
    first = rows[0]
    shown = rows if opened is not None else rows[:FINDINGS_SHOWN]
    more = rows[len(shown) :]
    roles = " or ".join(role_in_words(role) for role in (first["role"] or "unclear").split(";"))
    return html.Div(
        [
            html.H3(
                [
                    html.Span(first["name"] or first["indicator_id"]),
                    dcc.Link(
                        first["indicator_id"],
                        href=paths.to(paths.INDICATOR, indicator_id=first["indicator_id"]),
                        className="mono tag",
                    ),
                    html.Span(f"weight: {first['weight']}", className="tag"),
                    html.Span(roles, className="tag"),
                    html.Span(count(len(rows), "window"), className="tag") if len(rows) > 1 else None,
                ]
            ),
            *[_finding(row, opened) for row in shown],
            html.Details(
                [
                    html.Summary(f"{count(len(more), 'earlier window')}"),
                    *[_finding(row, None) for row in more],
                ]
            )
            if more
            else None,
        ],
        className="indicator",
    )


def _finding(row: Mapping[str, Any], opened: Mapping[str, Any] | None) -> html.Div:
    finding_id = row["finding_id"]
    contents = None if opened is None else opened.get(finding_id)
    return html.Div(
        [
            html.Details(
                [
                    html.Summary(
                        [_sentence(row["fact"]), html.Span(f" {window(row)}", className="help")],
                        id={"type": ids.FINDING, "finding": finding_id},
                        n_clicks=0,
                    ),
                    html.Div(
                        contents if contents is not None else html.P("Loading …", className="help"),
                        id={"type": ids.EVIDENCE, "finding": finding_id},
                        className="opened",
                    ),
                ],
                open=contents is not None,
            ),
            html.Div([_value(value) for value in row["values"] or []], className="values"),
        ]
    )


def _sentence(text: str | None) -> str:
    return text[:1].upper() + text[1:] + "." if text else "Found."


def window(row: Mapping[str, Any]) -> str:
    """First and last day of a finding."""
    first, last = day(row["window_start"]), day(row["window_end"])
    return first if first == last else f"{first} to {last}"


def in_unit(value: float | None, unit: str) -> str:
    """A number of a finding in its unit, which is a currency where it is money."""
    if value is None:
        return MISSING
    if unit == "share":
        return share(value)
    if unit in ("count", ""):
        return number(value, 2)
    if unit in ("ratio", "score"):
        return number(value, 3)
    if unit == "probability":
        return f"{value:.2g}"
    if unit.isupper():
        return money(Decimal(str(value)), unit)
    return f"{number(value, 2)} {unit}"


def _value(value: Mapping[str, Any]) -> html.Span:
    bound = (
        f" (threshold {value['operator']} {in_unit(value['threshold'], value['unit'])})"
        if value["threshold"] is not None and value["operator"]
        else ""
    )
    return html.Span([f"{name(value['name'])} ", html.B(in_unit(value["value"], value["unit"])), bound])


def evidence(frame: pl.DataFrame, zone: str, account_id: str) -> html.Div:
    """The rows behind a finding, each with file and line; names and texts as their shapes."""
    if not frame.height:
        return nothing("This finding is about the whole account and names no single rows.")
    rows = [
        (
            _when(row, zone),
            _direction(row["direction"]),
            money(row["amount"], row["currency"]) if row["amount"] is not None else MISSING,
            row["channel"] or MISSING,
            row["counterparty_id"] or shown("name", row["counterparty_name"], account_id),
            row["city"] or MISSING,
            shown("name", row["description"], account_id),
            MISSING if row["account_id"] in (account_id, None) else to_account(row["account_id"]),
            html.Span(f"{row['source_file']}:{row['source_line']}", className="mono"),
        )
        for row in frame.head(ROWS_SHOWN).iter_rows(named=True)
    ]
    headers = (
        "When", "", "Amount", "By", "Other side", "City", "Text", "Other account", "File and line",
    )  # fmt: skip
    cut = (
        [html.P(f"The first {ROWS_SHOWN} of {count(frame.height, 'row')}.", className="help")]
        if frame.height > ROWS_SHOWN
        else []
    )
    return html.Div(
        [*cut, table(headers, rows, label="Rows behind the finding", amounts=(2,))], className="cells"
    )


def _when(row: Mapping[str, Any], zone: str) -> str:
    return day(row["booked_at"]) if row["time_precision"] == "day" else instant(row["booked_at"], zone)


def _direction(direction: str | None) -> str:
    return {"credit": "in", "debit": "out"}.get(direction or "", MISSING)


def card_of(row: Mapping[str, Any]) -> html.Div:
    """What a finding says in full, and where its indicator comes from."""
    return html.Div(
        [
            html.P(row["sentence"]),
            facts(
                [
                    ("Also common for", row.get("also_common_for")),
                    ("Source", row.get("source")),
                    ("Precision", row.get("measured_precision")),
                ]
            ),
        ]
    )


def contributions(frame: pl.DataFrame, currency: str | None) -> list[Any]:
    """Detector by detector, what made the score unusual, in sentences."""
    if not frame.height:
        return [
            nothing(
                "The anomaly detectors have nothing to say about this account.",
                "Contributions are kept for the accounts at the top of the list.",
            )
        ]
    return [
        html.Div(
            [
                html.H3(name(detector).capitalize()),
                html.Ul([html.Li(_contribution(row, currency)) for row in rows], className="plain"),
            ]
        )
        for detector, rows in groupby(frame.iter_rows(named=True), key=lambda row: str(row["detector"]))
    ]


def _contribution(row: Mapping[str, Any], currency: str | None) -> html.Details:
    unit = (currency or "") if row["kind"] == "money" else _UNITS.get(row["kind"] or "", "")
    doc = (row["doc"] or name(row["feature"])).rstrip(".")
    return html.Details(
        [
            html.Summary(
                [
                    f"{doc}: ",
                    html.B(in_unit(row["value"], unit)),
                    f", {row['direction']} against peers (median {in_unit(row['peer_median'], unit)}); ",
                    f"{share(row['share'])} of this detector's score",
                ],
                id={"type": ids.CONTRIBUTION, "feature": row["feature"], "detector": row["detector"]},
                n_clicks=0,
            ),
            html.Div(
                html.P("Loading …", className="help"),
                id={"type": ids.PEERS, "feature": row["feature"], "detector": row["detector"]},
                className="opened",
            ),
        ]
    )


_UNITS = {"count": "count", "share": "share", "ratio": "ratio", "duration": "hours", "score": "score"}


def ties(frame: pl.DataFrame, account_id: str, zone: str) -> html.Div:
    """What ties the account to others, network by network."""
    if not frame.height:
        return nothing("Nothing ties this account to another one of the institution.")
    rows = []
    for row in frame.iter_rows(named=True):
        other = row["to_id"] if row["from_id"] == account_id else row["from_id"]
        way = ""
        if row["kind"] == "payment":
            way = "pays it" if row["from_id"] == account_id else "is paid by it"
        rows.append(
            (
                to_account(other),
                f"{name(row['kind'])} {way}".strip(),
                number(row["weight"], 2),
                number(row["count"]),
                money(row["amount"], row["currency"]) if row["amount"] is not None else MISSING,
                day(row["first_at"]),
                day(row["last_at"]),
                dcc.Link(row["network_id"], href=paths.to(paths.NETWORK, network_id=row["network_id"])),
            )
        )
    headers = ("Other account", "Tied by", "Strength", "Rows", "Amount", "First", "Last", "Network")
    return table(headers, rows, label="What ties the account to others", amounts=(2, 3, 4))


def places_in_runs(frame: pl.DataFrame, current: str) -> html.Div:
    """Where the account stood in each run, and whether data or settings had changed."""
    rows, before = [], None
    for row in frame.sort("run_id").iter_rows(named=True):
        rows.append(
            (
                row["run_id"] + (" (this one)" if row["run_id"] == current else ""),
                day(row["as_of"]),
                f"{number(row['rank'])} of {number(row['of'])}",
                number(row["score"]),
                html.Span(row["band"], className=f"band {row['band']}"),
                role_in_words(row["possible_role"]),
                (row["indicators"] or "").replace(";", ", ") or MISSING,
                _cause(before, row),
            )
        )
        before = row
    headers = ("Run", "As of", "Rank", "Score", "Band", "Role", "Indicators", "Changed since the run before")
    return table(headers, rows[::-1], label="Places in earlier runs", amounts=(2, 3))


def _cause(before: Mapping[str, Any] | None, row: Mapping[str, Any]) -> str:
    if before is None:
        return MISSING
    causes = [
        word
        for word, column in (("data", "data_fingerprint"), ("settings", "settings_hash"))
        if before[column] != row[column]
    ]
    return " and ".join(causes) or "neither data nor settings"


def further_columns(frame: pl.DataFrame) -> html.Div:
    """What the bank's further columns hold; texts as their shapes unless they are few and short."""
    if not frame.height:
        return nothing("The files of this account have no further columns.")
    rows = [
        (
            html.Span(row["name"], className="mono"),
            number(row["rows"]),
            number(row["distinct_values"]),
            ", ".join(f"{_further(item['value'])} ({number(item['count'])})" for item in row["commonest"]),
        )
        for row in frame.iter_rows(named=True)
    ]
    headers = ("Column", "Rows with a value", "Distinct", "Commonest values")
    return table(headers, rows, label="Further columns of the bank", amounts=(1, 2))


def _further(text: str) -> str:
    # A column nobody declared may hold a name: words are masked, codes and numbers are not.
    return masked("name", text) if any(char.isspace() for char in text.strip()) or text.isalpha() else text


def unjudged(frame: pl.DataFrame) -> html.Div:
    """Indicators that could not look, and what they lacked."""
    if not frame.height:
        return nothing("Every indicator could be judged.")
    rows = [
        (
            row["indicator_id"],
            row["name"] or MISSING,
            name(row["missing_field"]),
            "all data" if row["whole"] else "this account",
        )
        for row in frame.iter_rows(named=True)
    ]
    return table(("Indicator", "Name", "Lacks", "Of"), rows, label="What could not be judged")


def ad_links(frame: pl.DataFrame) -> html.Div:
    """Clusters of adverts that the account's payments go with, and how far chance explains it."""
    if not frame.height:
        return nothing(
            "No payment of this account goes with adverts more often than chance explains.",
            "Links need adverts: load them with `finpat ingest FILE --as ads`, then make a run.",
        )
    rows = [
        (
            dcc.Link(row["cluster_id"], href=paths.to(paths.AD_CLUSTER, cluster_id=row["cluster_id"])),
            f"{number(row['k'])} against {number(row['expected'], 1)} by chance",
            f"{row['p_value']:.1e}" if row["p_value"] is not None else MISSING,
            f"{number(row['median_delay_s'] / 60, 0)} min" if row["median_delay_s"] is not None else MISSING,
            share(row["payment_share"]),
            share(row["ad_share"]),
            number(row["ad_count"]),
            name(row["rail"]),
            f"{name(row['method'])}, {number(row['tested'])} pairs tested",
        )
        for row in frame.iter_rows(named=True)
    ]
    headers = (
        "Cluster", "Coincidences", "Chance of as many", "Median delay", "Of its payments", "Of the adverts",
        "Adverts", "Paid by", "How it was tested",
    )  # fmt: skip
    return table(headers, rows, label="Links to clusters of adverts", amounts=(2, 3, 4, 5, 6))


def ad_matches(frame: pl.DataFrame, zone: str) -> html.Div:
    """Single payments with the adverts they go with."""
    if not frame.height:
        return nothing("No single payment is matched to a single advert.")
    rows = [
        (
            row["payment_id"] or row["transaction_id"],
            row["ad_id"],
            row["platform"] or MISSING,
            instant(row["posted_at"], zone),
            row["city"] or MISSING,
            f"{number(row['delay_s'] / 60, 0)} min" if row["delay_s"] is not None else MISSING,
            "stated by the platform" if row["is_stated"] else "consistent in time",
        )
        for row in frame.head(ROWS_SHOWN).iter_rows(named=True)
    ]
    headers = ("Payment", "Advert", "Platform", "Posted", "City", "Delay", "How it is known")
    return table(headers, rows, label="Payments and adverts", amounts=(5,))


def tabs(account_id: str, shown: str, titles: Iterable[tuple[str, str]]) -> html.Nav:
    """The parts of the page; each has an address of its own and is loaded when it is opened."""
    return html.Nav(
        [
            dcc.Link(
                [title, html.Span(" (open)", className="unseen")] if tab == shown else title,
                href=paths.to(paths.ACCOUNT, account_id=account_id, tab=tab),
                className="here" if tab == shown else "",
            )
            for tab, title in titles
        ],
        className="tabs",
        **{"aria-label": "Parts of this account"},
    )
