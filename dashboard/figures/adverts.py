"""Figures of adverts."""

from __future__ import annotations

import polars as pl
from plotly.graph_objects import Figure, Scatter

from dashboard.figures.theme import drawn, palette

LANE = 34  # pixels of a city's lane


def lanes_height(days: pl.DataFrame) -> int:
    """Pixels that `city_lanes` needs: a lane a city."""
    return 110 + LANE * days["city"].n_unique()


def city_lanes(days: pl.DataFrame, scheme: str) -> Figure:
    """Adverts of a cluster: each city a lane, each day with adverts a mark, larger for more.

    days: city, platform, day, adverts. Shape and colour say the site.
    """
    colours = palette(scheme)
    figure = Figure()
    for number, platform in enumerate(days["platform"].unique().sort().to_list()):
        some = days.filter(pl.col("platform") == platform)
        figure.add_trace(
            Scatter(
                x=some["day"].to_list(),
                y=some["city"].to_list(),
                mode="markers",
                name=platform or "site not named",
                marker={
                    "symbol": ("circle", "diamond", "square", "cross", "triangle-up", "star")[number % 6],
                    "size": (7 + 2 * some["adverts"].clip(1, 8)).to_list(),
                    "color": colours.series[number % len(colours.series)],
                },
                customdata=some["adverts"].to_list(),
                hovertemplate="%{x|%a %Y-%m-%d}: %{customdata} adverts<extra>%{y}</extra>",
            )
        )
    drawn(figure, scheme)
    cities = days.group_by("city").agg(pl.col("day").min()).sort("day", "city")["city"].to_list()
    figure.update_layout(hovermode="closest", margin={"t": 30}, showlegend=True)
    figure.update_xaxes(type="date")
    return figure.update_yaxes(type="category", categoryorder="array", categoryarray=cities[::-1])
