"""/audit: who did what, when; whether the trail is whole; and the way out of it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import dash
import polars as pl
from dash import Input, Output, State, callback, dcc, html
from dash.exceptions import PreventUpdate

from dashboard import access, paths
from dashboard.access import requires
from dashboard.components.page import nothing, page, refused, section
from dashboard.components.tables import columns, table
from dashboard.state import casework, now
from dashboard.words import count, instant, number
from finpat.casework import audit
from finpat.exports.cells import neutralised

dash.register_page(__name__, path=paths.AUDIT, title="Audit – finpat", name="Audit")

VERIFY, VERDICT, EXPORT, FILE, CHOICE = (
    "audit-verify",
    "audit-verdict",
    "audit-export",
    "audit-file",
    "audit-choice",
)
SHOWN = 100  # entries on a page
EXPORTED = 1_000_000  # more than a spreadsheet holds
COLUMNS = columns("#Entry", "@When", "Who", "What", "Of", "Details")


@requires("audit")
def layout(
    by: str = "", action: str = "", of: str = "", since: str = "", until: str = "", before: str = "", **_: str
) -> html.Div:
    """The entries that the address asks for, newest first."""
    choice = {"by": by, "action": action, "of": of, "since": since, "until": until}
    try:
        narrowed = _narrowed(choice)
        place = int(before) if before else None
    except ValueError as error:
        return page("Audit", refused(f"This choice cannot be read: {error}.", "Days are written 2026-03-31."))
    with casework().reading() as connection:
        entries = audit.entries(connection, **narrowed, before=place, limit=SHOWN)
    older = {key: value for key, value in choice.items() if value}
    if len(entries) == SHOWN:
        older["before"] = str(entries[-1].sequence)
    return page(
        "Audit",
        section("Choose", _form(choice)),
        section(
            "Entries",
            table(count(len(entries), "entry", "entries"), COLUMNS, [_row(entry) for entry in entries])
            if entries
            else nothing("No entry is of this choice.", "Widen it, or leave all fields empty."),
            dcc.Link("Older entries", href=paths.to(paths.AUDIT, **older), className="button quiet")
            if "before" in older
            else None,
        ),
        html.Div(id=VERDICT, role="status"),
        dcc.Download(id=FILE),
        dcc.Store(id=CHOICE, data=choice),
        lead="Append-only, and each entry is chained to the one before: a change anywhere shows.",
        actions=[
            html.Button("Verify the trail", id=VERIFY, type="button"),
            html.Button("Export this choice", id=EXPORT, type="button", className="quiet"),
        ],
    )


def _form(choice: dict[str, str]) -> html.Form:
    """A plain form: the choice is in the address, to be kept and handed on."""
    fields = (
        ("by", "Who", "name"),
        ("action", "What", "alert, or alert.closed"),
        ("of", "Of", "account:DE-1042"),
        ("since", "From", "2026-03-01"),
        ("until", "Before", "2026-04-01"),
    )
    inputs = [
        html.Label([title, dcc.Input(name=key, value=choice[key], placeholder=hint, maxLength=200)])
        for key, title, hint in fields
    ]
    button = html.Button("Show", type="submit")
    return html.Form([*inputs, button], action=paths.AUDIT, method="GET", className="row")


def _narrowed(choice: dict[str, str]) -> dict[str, Any]:
    """The choice as `audit.entries` takes it.

    Raises:
        ValueError: a day is none.
    """
    kind, _, object_id = choice["of"].partition(":")
    days = {key: datetime.fromisoformat(choice[key]) if choice[key] else None for key in ("since", "until")}
    return {
        "actor": choice["by"] or None,
        "action": choice["action"] or None,
        "object_kind": kind or None,
        "object_id": object_id or None,
        **{key: moment.replace(tzinfo=None) if moment else None for key, moment in days.items()},
    }


def _row(entry: audit.Entry) -> list[Any]:
    return [
        number(entry.sequence),
        instant(entry.at),
        entry.actor,
        html.Code(entry.action),
        f"{entry.object_kind} {entry.object_id}",
        html.Code("" if entry.details == "{}" else entry.details),
    ]


@callback(Output(VERDICT, "children"), Input(VERIFY, "n_clicks"), prevent_initial_call=True)
@requires("audit")
def verify(clicks: int | None) -> Any:
    """Walk the whole trail and say what was found."""
    if not clicks:
        raise PreventUpdate
    verdict = casework().verify()
    if verdict.fault:
        return refused(
            f"The trail is not whole: {verdict.fault}.", "Keep a copy of it as it is, and find out why."
        )
    newest = str(verdict.newest) if verdict.newest else "none"
    return html.Div(
        [
            html.P(f"The trail is whole: {count(verdict.entries, 'entry', 'entries')}."),
            html.P(["Newest, to be noted outside: ", html.Code(newest)], className="help"),
        ],
        className="card",
    )


@callback(Output(FILE, "data"), Input(EXPORT, "n_clicks"), State(CHOICE, "data"), prevent_initial_call=True)
@requires("audit")
def export(clicks: int | None, choice: dict[str, str]) -> Any:
    """The choice as CSV, with what a spreadsheet would run neutralised; the export is an entry itself."""
    if not clicks:
        raise PreventUpdate
    with casework().reading() as connection:
        entries = audit.entries(connection, **_narrowed(choice), limit=EXPORTED)
    at = now()
    with casework().writing(access.user().name, at) as change:
        change.record("audit.exported", "audit", "trail", {"entries": len(entries), **choice})
    schema = dict.fromkeys(audit.Entry.__dataclass_fields__, pl.String) | {"sequence": pl.Int64}
    rows = [{**vars(entry), "at": entry.at.isoformat() + "Z"} for entry in entries]
    shown, _ = neutralised(pl.DataFrame(rows, schema=schema))
    return {"content": shown.write_csv(), "filename": f"audit-{at:%Y%m%d-%H%M}.csv", "type": "text/csv"}
