"""Figures of city-week series."""

from __future__ import annotations

import polars as pl
from plotly.graph_objects import Figure, Scatter

from dashboard.figures.theme import drawn, palette


def weeks(rows: pl.DataFrame, scheme: str) -> Figure:
    """One city's series: counted values, forecast, and its interval as a band; withheld weeks are gaps.

    rows: week, value, forecast, low, high, in order of week.
    """
    colours = palette(scheme)
    week = rows["week"].to_list()
    interval = {"mode": "lines", "line": {"width": 0}, "hoverinfo": "skip"}
    figure = Figure(
        [
            Scatter(x=week, y=rows["high"].to_list(), showlegend=False, **interval),
            Scatter(
                x=week,
                y=rows["low"].to_list(),
                name="95 % interval",
                fill="tonexty",
                fillcolor=colours.scale[1][1],
                opacity=0.5,
                **interval,
            ),
            Scatter(
                x=week,
                y=rows["forecast"].to_list(),
                name="forecast",
                mode="lines",
                line={"dash": "dot", "color": colours.soft},
            ),
            Scatter(
                x=week,
                y=rows["value"].to_list(),
                name="counted",
                mode="lines+markers",
                line={"color": colours.accent},
            ),
        ]
    )
    drawn(figure, scheme)
    figure.update_layout(margin={"t": 30})
    figure.update_xaxes(type="date")
    return figure.update_yaxes(rangemode="tozero")
