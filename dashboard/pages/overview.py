"""/: what changed since the run before, what is to be done, and where to begin."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import dash
from dash import dcc, html

from dashboard import paths
from dashboard.access import requires
from dashboard.components.account import role_in_words, to_account
from dashboard.components.page import nothing, page, section
from dashboard.components.table import facts, table
from dashboard.state import casework, has_casework, read_model, read_models
from dashboard.words import MISSING, count, day, instant, name, number
from finpat.casework import questions
from finpat.explain import NO_VERDICT
from finpat.readmodel import ReadModel
from finpat.readmodel import changes as asked
from finpat.readmodel.account_page import reporting_zone
from finpat.readmodel.changes import Changes
from finpat.readmodel.queue import Filters, queue
from finpat.readmodel.rows import Wanted

dash.register_page(__name__, path=paths.OVERVIEW, title="Overview – finpat", name="Overview")
FIRST = 10
CHANGED_SHOWN = 12
WHAT = {
    "new": "new",
    "gone": "gone",
    "risen": "risen",
    "fallen": "fallen",
}


@requires("view")
def layout(**_query: str) -> html.Div:
    """The overview of the newest run."""
    model = read_model()
    manifest, zone = model.manifest(), reporting_zone(model)
    at = {key: instant(datetime.fromisoformat(manifest[key]), zone) for key in ("started_at", "as_of")}
    runs = read_models().newest(2)
    earlier = next((run for run in runs if run.run_id != model.run_id), None)
    return page(
        "Overview",
        _bands(model),
        _changes(None if earlier is None else asked.changes(earlier, model)),
        html.Div([_workload(), _health(model)], className="grid-2"),
        _first(model),
        run_id=model.run_id,
        lead=f"Run {model.run_id} of {at['started_at']}, rows up to {at['as_of']}. {NO_VERDICT}",
    )


def _bands(model: ReadModel) -> html.Section:
    def tile(title: Any, value: int, href: str) -> html.Div:
        return html.Div(
            [
                html.P(title),
                dcc.Link(number(value), href=href, className="figure-value"),
            ],
            className="card tile",
        )

    told = asked.bands(model)
    tiles = [
        tile(
            html.Span(row["band"], className=f"band {row['band']}"),
            row["subjects"],
            f"{paths.QUEUE}?band={row['band']}",
        )
        for row in told.iter_rows(named=True)
    ]
    protect = html.Span("protect and refer", className="band protect")
    tiles.append(tile(protect, int(told["protect"].sum()), paths.PROTECT))
    return html.Section(
        [html.H2("Accounts by band", className="unseen"), html.Div(tiles, className="grid-4")]
    )


def _changes(told: Changes | None) -> html.Section:
    if told is None:
        return section(
            "What changed",
            nothing(
                "This is the first run, so there is nothing to compare it with.",
                "Load further exports with `finpat ingest`, then `finpat run`.",
            ),
        )
    causes = {
        True: f"Since run {told.earlier} changed: {told.cause}.",
        False: f"Neither data nor settings changed since run {told.earlier}.",
    }
    counted = html.P(
        [
            html.Span([html.B(number(told.counts[kind])), f" {words}"], className="counted")
            for kind, words in WHAT.items()
        ]
    )
    rows = [
        (
            WHAT[row["kind"]],
            to_account(row["account_id"]),
            f"{number(row['score_before'])} → {number(row['score'])}",
            html.Span(row["band"], className=f"band {row['band']}") if row["band"] else MISSING,
            _ids(row["gained"]),
            _ids(row["lost"]),
            _brief(row["reason"]),
        )
        for row in told.frame.head(CHANGED_SHOWN).iter_rows(named=True)
    ]
    headers = ("What", "Account", "Score", "Band", "Indicators gained", "Lost", "Why")
    listed = (
        table(headers, rows, label="Accounts that changed", amounts=(2,))
        if rows
        else nothing("No account moved noticeably.")
    )
    more = told.frame.height - len(rows)
    return section(
        "What changed",
        counted,
        listed,
        html.P(f"The largest {len(rows)} of {count(told.frame.height, 'change')}.", className="help")
        if more > 0
        else None,
        help=f"{causes[bool(told.cause)]} New and gone: in the bands critical and high. "
        f"Risen and fallen: by {asked.NOTICEABLE} points or more.",
    )


def _brief(reason: str) -> html.P:
    """The first two lines of a reason; the account's page has the whole."""
    return html.P(reason, className="brief", title=reason)


def _ids(text: str | None) -> str:
    return (text or "").strip(";").replace(";", ", ") or MISSING


def _workload() -> html.Section:
    if not has_casework():
        return section("Workload", nothing("No casework is kept here.", "Start it with `finpat dashboard`."))
    with casework().reading() as connection:
        rows = questions.workload(connection)
    if not rows:
        return section(
            "Workload",
            nothing("No alert is open.", "Alerts follow each run; this one gave cause for none."),
        )
    listed = [
        (
            "protect and refer" if row["queue"] == "protect" else "queue",
            row["assignee"] or "nobody",
            name(row["state"]),
            _to_alerts(row),
            day(row["oldest_at"]),
        )
        for row in rows
    ]
    headers = ("Queue", "Assignee", "State", "Alerts", "Oldest")
    return section("Workload", table(headers, listed, label="Open alerts", amounts=(3,)))


def _to_alerts(row: Mapping[str, Any]) -> dcc.Link:
    address = paths.PROTECT if row["queue"] == "protect" else paths.QUEUE
    who = row["assignee"] or "nobody"
    return dcc.Link(number(row["alerts"]), href=paths.to(address, state=row["state"], assignee=who))


def _health(model: ReadModel) -> html.Section:
    told, manifest = asked.health(model), model.manifest()
    warnings = manifest.get("warnings") or []
    return section(
        "Data health",
        facts(
            [
                ("Files", dcc.Link(number(told["files"]), href=paths.DATA)),
                ("Rows read", number(told["rows"])),
                ("Loaded", number(told["loaded"])),
                ("There already", number(told["duplicate"])),
                ("Set aside with a reason", number(told["quarantined"])),
                ("Indicators that lack a field", number(told["not_evaluable"])),
            ]
        ),
        html.Ul([html.Li(text) for text in warnings]) if warnings else None,
    )


def _first(model: ReadModel) -> html.Section:
    listed = queue(model, "subjects", Filters(), Wanted(limit=FIRST)).frame
    if not listed.height:
        return section("First in the queue", nothing("The list is empty."))
    rows = [
        (
            number(row["rank"]),
            to_account(row["account_id"]),
            number(row["score"]),
            html.Span(row["band"], className=f"band {row['band']}"),
            role_in_words(row["possible_role"]),
            _brief(row["reason"]),
        )
        for row in listed.iter_rows(named=True)
    ]
    headers = ("Rank", "Account", "Score", "Band", "Possible role", "Why")
    return section(
        "First in the queue",
        table(headers, rows, label="First in the queue", amounts=(0, 2)),
        dcc.Link("The whole queue", href=paths.QUEUE),
        help="Possible victims are in a queue of their own.",
    )
