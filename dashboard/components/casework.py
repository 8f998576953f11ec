"""The place of casework on an account's page: state, who has it, notes, decisions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dash import html

from dashboard.components.table import facts
from dashboard.words import name


def panel(account: Mapping[str, Any], run_id: str) -> list[Any]:
    """What was decided about the account, and what can be done next."""
    return [
        html.Section(
            [
                html.H2("Casework"),
                facts([("State of the alert", name(account["status"])), ("Run", run_id)]),
            ],
            className="card",
        )
    ]
