"""A table of a few rows; grids of many are in `grid`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from dash import html


def table(
    headers: Sequence[str], rows: Iterable[Sequence[Any]], *, label: str, amounts: Sequence[int] = ()
) -> html.Div:
    """Rows under headers; `amounts` are the places of columns that are read from the right.

    label: what the table holds, for those who hear it.
    """

    def kind(place: int) -> str:
        return "amount" if place in amounts else ""

    head = html.Tr([html.Th(text, scope="col", className=kind(place)) for place, text in enumerate(headers)])
    body = [html.Tr([html.Td(cell, className=kind(place)) for place, cell in enumerate(row)]) for row in rows]
    # What can be scrolled must be reached by the keyboard.
    return html.Div(
        html.Table([html.Thead(head), html.Tbody(body)]),
        className="scroll",
        tabIndex="0",
        role="region",
        **{"aria-label": label},
    )


def facts(pairs: Iterable[tuple[str, Any]]) -> html.Dl:
    """Names and values, side by side; pairs without a value are left out."""
    shown = [(name, value) for name, value in pairs if value is not None and value != ""]
    return html.Dl([html.Div([html.Dt(name), html.Dd(value)]) for name, value in shown], className="facts")
