"""Any other address."""

from __future__ import annotations

import dash
from dash import dcc, html

from dashboard import paths
from dashboard.components.page import page, refused

dash.register_page(__name__, title="Not found – finpat", name="Not found")


def layout(**_query: str) -> html.Div:
    """Says that there is no such page, and leads back."""
    return page(
        "Not found",
        refused(
            "There is no page at this address.",
            "It may have been mistyped, or be a link of an older version.",
        ),
        dcc.Link("To the queue", href=paths.QUEUE),
    )
