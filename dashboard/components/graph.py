"""The one way a figure gets onto a page."""

from __future__ import annotations

from typing import Any

from dash import dcc, get_asset_url
from plotly.graph_objects import Figure


def graph(figure: Figure | None, height: int, *, id: str | None = None, label: str, **more: Any) -> dcc.Graph:
    """A figure of a fixed height in pixels; `label` says to who cannot see it what it shows.

    The height is never left open: a figure that grows when its script arrives moves what is below it, and
    clicks miss.
    """
    config = {
        # plotly.js 4 offers to send every figure to its maker's cloud unless both are switched off.
        "showSendToCloud": False,
        "plotlyServerURL": "",
        "displaylogo": False,
        "responsive": True,
        "topojsonURL": get_asset_url("topojson/"),
        "modeBarButtonsToRemove": ["lasso2d", "select2d", "autoScale2d"],
    }
    drawn = figure if figure is not None else Figure()
    drawn.update_layout(height=height, meta={"label": label})
    named = {"id": id} if id else {}
    return dcc.Graph(figure=drawn, config=config, style={"height": f"{height}px"}, **named, **more)
