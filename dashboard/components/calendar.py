"""Days as small squares, a column a week: where rows are, and where none came."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl
from dash import html

from dashboard.words import count, number

LEVELS = 4


def calendar(days: pl.DataFrame) -> html.Div:
    """One square per day (columns day, row_count), darker for more rows, hatched for none; a row per year."""
    if not days.height:
        return html.Div()
    counts: dict[date, int] = dict(zip(days["day"], days["row_count"], strict=True))
    top = max(1, *counts.values())
    years = sorted({day.year for day in counts})
    return html.Div([_year(year, counts, top) for year in years], className="calendar")


def _year(year: int, counts: dict[date, int], top: int) -> html.Div:
    first = date(year, 1, 1)
    start = first - timedelta(days=first.weekday())
    squares = []
    for at in range(54 * 7):
        day = start + timedelta(days=at)
        if day.year != year:
            squares.append(html.Span(className="square none"))
            continue
        rows = counts.get(day)
        if rows is None:
            squares.append(html.Span(className="square none", title=f"{day}: outside the period"))
        else:
            level = 0 if rows == 0 else 1 + min(LEVELS - 1, LEVELS * rows // (top + 1))
            squares.append(html.Span(className=f"square level-{level}", title=f"{day}: {count(rows, 'row')}"))
    missing = sum(1 for day, rows in counts.items() if day.year == year and rows == 0)
    told = f"{year}: {number(missing)} days without a row"
    return html.Div([html.H3(told), html.Div(squares, className="days", role="img", **{"aria-label": told})])
