"""/hotspots: what cities look like week by week, above the privacy floor, with forecast and interval."""

from __future__ import annotations

from typing import Any

import dash
import dash_mantine_components as dmc
import polars as pl
from dash import Input, Output, State, callback, html

from dashboard import ids, paths
from dashboard.access import requires
from dashboard.components.graph import graph
from dashboard.components.page import nothing, page, section
from dashboard.components.tables import columns, table
from dashboard.figures.hotspots import weeks
from dashboard.state import read_model, scheme
from dashboard.words import day, number
from finpat.movement import NOT_MEANT

dash.register_page(__name__, path=paths.HOTSPOTS, title="Hotspots – finpat", name="Hotspots")

SERIES, CITY, SHOWN = "hotspots-series", "hotspots-city", "hotspots-shown"
NAMES = {
    "adverts": "adverts",
    "new_phones": "numbers first advertised there",
    "lodging": "persons who paid for a room",
    "night_cash": "persons with cash at night",
}
ALL = "all cities together"
WEEKS = columns("@Week", "#Counted", "#Expected", "#Low", "#High", "#Distance from the usual")


@requires("view")
def layout(series: str = "adverts", **_query: str) -> html.Div:
    """The choice, the figure, and what it does not mean."""
    model = read_model()
    rows = model.hotspots()
    lead = "Counts by city and week. Fewer than ten persons are never shown."
    meaning = section("What this does not mean", html.P(NOT_MEANT))
    if not rows.height:
        return page(
            "Hotspots", nothing("No city has ten persons in a week."), meaning, run_id=model.run_id, lead=lead
        )
    cities = [ALL, *rows["city"].drop_nulls().unique().sort().to_list()]
    return page(
        "Hotspots",
        html.Div(
            [
                dmc.Select(
                    label="Series",
                    data=[{"value": key, "label": text} for key, text in NAMES.items()],
                    value=series,
                    id=SERIES,
                    allowDeselect=False,
                    w="18rem",
                ),
                dmc.Select(label="City", data=cities, value=ALL, id=CITY, searchable=True),
            ],
            className="actions card",
        ),
        html.Div(id=SHOWN),
        meaning,
        run_id=model.run_id,
        lead=lead,
    )  # fmt: skip


@callback(Output(SHOWN, "children"), Input(SERIES, "value"), Input(CITY, "value"), State(ids.RUN, "data"))
@requires("view")
def shown(series: str, city: str, run_id: str) -> Any:
    """One city's weeks as a figure and as a table."""
    rows = read_model(run_id).hotspots(series)
    chosen = rows.filter(pl.col("city").is_null() if city == ALL else pl.col("city") == city).sort("week")
    if not chosen.height:
        return nothing(f"{city} has no week with ten persons or more in this series.", "Choose another.")
    cells = [
        (
            day(row["week"]),
            "withheld" if row["is_withheld"] else number(row["value"]),
            number(row["forecast"], 1), number(row["low"], 1), number(row["high"], 1), number(row["z"], 1),
        )
        for row in reversed(chosen.to_dicts())
    ]  # fmt: skip
    title = f"{city}: {NAMES[series]}"
    return section(
        title,
        graph(weeks(chosen, scheme()), 320, label=f"{title}, by week, with forecast"),
        table(title, WEEKS, cells),
        help="The forecast of a week comes from the weeks before it. Three and more is unusual.",
    )
