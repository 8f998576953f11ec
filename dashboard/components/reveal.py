"""The way to personal data: a button, a reason, and how long it is shown."""

from __future__ import annotations

from typing import Any

from dash import dcc, html

from dashboard import access, ids, masking, words


def reveal_button(object_kind: str, object_id: str) -> Any:
    """Asks for a reason and shows the personal data of this object; says so where it is shown already.

    Nothing for readers who may not reveal. What it does is `masking.give_reason`.
    """
    if masking.is_revealed(object_id, object_kind):
        until = words.instant(masking.revealed_until(object_id, object_kind))
        return html.Span(f"Personal data shown until {until}", className="help", role="status")
    if not access.may("reveal"):
        return None
    of = {"kind": object_kind, "object": object_id}
    return html.Details(
        [
            html.Summary("Show personal data"),
            html.Div(
                [
                    html.Label(
                        [
                            "Reason, kept in the audit trail",
                            dcc.Input(id={"type": ids.REVEAL_REASON, **of}, maxLength=200),
                        ]
                    ),
                    html.Button("Show", id={"type": ids.REVEAL, **of}, type="button"),
                    html.P(id={"type": ids.REVEAL_SAID, **of}, role="status", className="help"),
                ],
                className="stack",
            ),
        ],
        className="reveal",
    )
