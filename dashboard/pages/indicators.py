"""/indicators: the catalogue, with what came of each indicator in this run and what it could not judge."""

from __future__ import annotations

from typing import Any

import dash
import dash_mantine_components as dmc
from dash import Input, Output, State, callback, dcc, html

from dashboard import ids, paths
from dashboard.access import requires
from dashboard.components.page import nothing, page, section
from dashboard.components.tables import columns, table
from dashboard.state import read_model
from dashboard.words import count, name, number
from finpat.readmodel.indicator_page import catalogue

dash.register_page(__name__, path=paths.INDICATORS, title="Indicators – finpat", name="Indicators")

TEXT, SHOWN, LIST = "indicators-text", "indicators-shown", "indicators-list"
EVERY, FOUND, UNJUDGED, OFF = "all", "found something", "could not be judged", "switched off"
COLUMNS = columns(
    "Id", "What it says", "Typology", "Argues for", "Weight", "#Accounts", "#Among the first 100",
    "#Not evaluable", "State",
)  # fmt: skip


@requires("view")
def layout(text: str = "", **_query: str) -> html.Div:
    """The catalogue with its two filters."""
    return page(
        "Indicators",
        html.Div(
            [
                dmc.Select(label="Show", data=[EVERY, FOUND, UNJUDGED, OFF], value=EVERY, id=SHOWN),
                dmc.TextInput(label="Id or words", value=text, id=TEXT, debounce=300),
            ],
            className="actions card",
        ),
        html.Div(id=LIST),
        run_id=read_model().run_id,
        lead="Cited red flags. An indicator is a reason to look, never a conclusion; each says who shows the "
        "same innocently.",
    )


@callback(Output(LIST, "children"), Input(SHOWN, "value"), Input(TEXT, "value"), State(ids.RUN, "data"))
@requires("view")
def listed(shown: str | None, text: str | None, run_id: str) -> Any:
    """The indicators that the filters choose."""
    words = (text or "").strip().lower()
    rows = [
        row
        for row in catalogue(read_model(run_id)).iter_rows(named=True)
        if _is_shown(row, shown) and words in f"{row['indicator_id']} {row['name']} {row['typology']}".lower()
    ]
    if not rows:
        return nothing("No indicator is like this.", "Choose all, or clear the words.")
    cells = [
        (
            dcc.Link(row["indicator_id"], href=paths.to(paths.INDICATOR, indicator_id=row["indicator_id"])),
            row["name"], row["typology"], name(row["role"]), row["weight"], number(row["found"]),
            number(row["first_hundred"]), number(row["unjudged"]), _state(row),
        )
        for row in rows
    ]  # fmt: skip
    return section(count(len(rows), "indicator"), table("Indicators", COLUMNS, cells))


def _is_shown(row: dict[str, Any], shown: str | None) -> bool:
    if shown == FOUND:
        return bool(row["found"])
    if shown == UNJUDGED:
        return bool(row["unjudged"] or row["missing_field"])
    return not row["enabled"] if shown == OFF else True


def _state(row: dict[str, Any]) -> str:
    if not row["enabled"]:
        return "switched off"
    return f"the data lacks {row['missing_field']}" if row["missing_field"] else "judged"
