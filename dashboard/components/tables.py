"""Small tables of a page: rows that are all there, in reading order."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from dash import dcc, html

from dashboard import paths


class Column(NamedTuple):
    """A column of a table: its title and how its cells stand."""

    title: str
    style: str | None


def columns(*titles: str) -> tuple[Column, ...]:
    """Columns by their titles: `#Rows` is a quantity (aligned right), `@From` a day (on one line)."""
    styles = {"#": "amount", "@": "day"}
    return tuple(Column(title.lstrip("#@"), styles.get(title[0])) for title in titles)


def table(caption: str, columns: Sequence[Column], rows: Iterable[Sequence[Any]], **more: Any) -> html.Div:
    """A table; its caption says to who cannot see it what it shows, and a wide one scrolls by itself."""
    head = html.Tr([html.Th(column.title, scope="col", className=column.style) for column in columns])
    body = [
        html.Tr([html.Td(cell, className=column.style) for cell, column in zip(row, columns, strict=True)])
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
