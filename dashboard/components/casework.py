"""Casework on an account's page: state, who has it, notes, decisions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import dash_mantine_components as dmc
from dash import dcc, html

from dashboard import ids
from dashboard.access import User
from dashboard.components.table import facts
from dashboard.words import MISSING, count, day, instant, name
from finpat.casework.alerts import CLOSED, PENDING, PROTECT, WAITING, in_words
from finpat.casework.decisions import KINDS, OF_PROTECTED

NOTES_SHOWN = 5
EARLIER_SHOWN = 5


def panel(
    alert: Mapping[str, Any] | None, earlier: Sequence[Mapping[str, Any]], who: User, zone: str
) -> list[Any]:
    """What was decided about the account, and what this reader can do next.

    alert: as `questions.alert`; None where there is none. earlier: the account's further alerts.
    """
    if alert is None:
        return [
            html.Section(
                [
                    html.H2("Casework"),
                    html.P("No alert is open for this account.", className="help"),
                    html.P("Alerts follow each run: bands and ranks open them.", className="help"),
                ],
                className="card",
            )
        ]
    return [
        html.Section(
            [
                html.H2(f"Alert {alert['number']}"),
                dcc.Store(id=ids.CASE_ALERT, data={"number": alert["number"], "version": alert["version"]}),
                facts(
                    [
                        ("State", in_words(alert["state"])),
                        ("Assignee", alert["assignee"] or "nobody"),
                        ("Opened", day(alert["opened_at"])),
                        ("Look again on", day(alert["waits_until"]) if alert["waits_until"] else None),
                        ("Last decision", name(alert["disposition"]) if alert["disposition"] else None),
                        ("Changed", f"{instant(alert['changed_at'], zone)} by {alert['changed_by']}"),
                    ]
                ),
                *_doing(alert, who),
            ],
            className="card stack",
        ),
        _notes(alert["notes"], zone),
        _decisions(alert["decisions"], zone),
        _earlier(earlier),
    ]


def _button(action: str, title: str, kind: str = ids.CASE_DO, quiet: bool = True) -> html.Button:
    return html.Button(
        title,
        id={"type": kind, "action": action},
        type="button",
        className="quiet small" if quiet else "small",
    )


def _doing(alert: Mapping[str, Any], who: User) -> list[Any]:
    """The forms that this reader's role and the alert's state allow."""
    said = html.P(id=ids.CASE_SAID, role="status", className="help")
    if alert["state"] == PENDING:
        if not who.may("approve"):
            return [html.P("It waits for a second pair of eyes.", className="help"), said]
        return [
            html.Div(dmc.Textarea(id=ids.CASE_TEXT, label="Reason", autosize=True, minRows=2, size="xs")),
            html.Div(
                [
                    _button("approve", "Approve closing", ids.CASE_APPROVE, quiet=False),
                    _button("refuse", "Refuse", ids.CASE_APPROVE),
                ],
                className="chooser",
            ),
            said,
        ]
    if not who.may("work"):
        return [said]
    kinds = OF_PROTECTED if alert["queue"] == PROTECT else KINDS
    is_closed = alert["state"] == CLOSED
    acts = [_button("reopen", "Reopen")] if is_closed else [
        _button("claim", "Take it", quiet=False),
        _button("resume", "Take up again") if alert["state"] == WAITING else _button("wait", "Put on hold"),
    ]  # fmt: skip
    closing = [] if is_closed else [_button("close", "Close", quiet=False)]
    return [
        html.Div(acts, className="chooser"),
        html.Div(
            dmc.Textarea(
                id=ids.CASE_TEXT,
                label="Note, or reason for what is done",
                autosize=True,
                minRows=3,
                size="xs",
            )
        ),
        html.Div([_button("note", "Add as note")], className="chooser"),
        html.Div(
            dmc.Select(
                id=ids.CASE_KIND,
                label="Decision",
                data=[{"value": kind, "label": name(kind)} for kind in kinds],
                size="xs",
            )
        ),
        html.Div(dmc.TextInput(id=ids.CASE_REFERENCE, label="Its number, where it has one", size="xs")),
        html.Div(
            dmc.TextInput(
                id=ids.CASE_DAY,
                label="Day of the number, of looking again, or of expiry",
                placeholder="2026-01-31",
                size="xs",
            )
        ),
        html.Div(
            [*closing, _button("decide", "Keep decision"), _button("suppress", "Suppress until that day")],
            className="chooser",
        ),
        said,
    ]


def _notes(notes: Sequence[Mapping[str, Any]], zone: str) -> html.Section | None:
    if not notes:
        return None
    return html.Section(
        [
            html.H2("Notes"),
            *[
                html.Div(
                    [
                        html.P(
                            f"{note['written_by']}, {instant(note['written_at'], zone)}", className="help"
                        ),
                        html.P(note["text"], className="note"),
                    ]
                )
                for note in list(reversed(notes))[:NOTES_SHOWN]
            ],
            html.P(f"The newest {NOTES_SHOWN} of {count(len(notes), 'note')}.", className="help")
            if len(notes) > NOTES_SHOWN
            else None,
        ],
        className="card",
    )


def _decisions(decisions: Sequence[Mapping[str, Any]], zone: str) -> html.Section | None:
    if not decisions:
        return None
    return html.Section(
        [
            html.H2("Decisions"),
            *[
                html.Div(
                    [
                        html.P([html.B(name(made["kind"])), f" {made['reference'] or ''}"]),
                        html.P(made["reason"], className="note"),
                        html.P(
                            f"{made['decided_by']}, {instant(made['decided_at'], zone)}"
                            + (f"; approved by {made['approved_by']}" if made["approved_by"] else ""),
                            className="help",
                        ),
                    ]
                )
                for made in reversed(decisions)
            ],
        ],
        className="card",
    )


def _earlier(earlier: Sequence[Mapping[str, Any]]) -> html.Section | None:
    if not earlier:
        return None
    listed = [
        html.Li(
            f"Alert {row['number']}, {day(row['opened_at'])}: {in_words(row['state'])}, "
            f"{name(row['disposition']) if row['disposition'] else MISSING}"
        )
        for row in earlier[:EARLIER_SHOWN]
    ]
    return html.Section([html.H2("Further alerts"), html.Ul(listed)], className="card")
