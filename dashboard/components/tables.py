"""Small tables of a page: rows that are all there, in reading order."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from dash import dcc, html

from dashboard import paths


class Column(NamedTuple):
    """A column of a table: its title, and whether it is a quantity (aligned right)."""

    title: str
    amount: bool = False


def table(caption: str, columns: Sequence[Column], rows: Iterable[Sequence[Any]], **more: Any) -> html.Div:
    """A table; its caption says to who cannot see it what it shows, and a wide one scrolls by itself."""
    styled = ["amount" if column.amount else None for column in columns]
    head = html.Tr(
        [
            html.Th(column.title, scope="col", className=style)
            for column, style in zip(columns, styled, strict=True)
        ]
    )
    body = [
        html.Tr([html.Td(cell, className=style) for cell, style in zip(row, styled, strict=True)])
        for row in rows
    ]
    return html.Div(
        html.Table([html.Caption(caption, className="unseen"), html.Thead(head), html.Tbody(body)], **more),
        className="scroll",
        tabIndex="0",
        role="region",
        **{"aria-label": caption},
    )


def facts(pairs: Iterable[tuple[str, Any]]) -> html.Dl:
    """Names with their values below them, side by side as far as there is room."""
    return html.Dl([html.Div([html.Dt(name), html.Dd(value)]) for name, value in pairs], className="card")


def account_link(account_id: str, text: str | None = None) -> dcc.Link:
    """The way to an account's page."""
    return dcc.Link(text or account_id, href=paths.to(paths.ACCOUNT, account_id=account_id), className="mono")


def band(name: str | None) -> html.Span | None:
    """A band as a coloured word; the word says it too."""
    return html.Span(name, className=f"band {name}") if name else None
