"""/data: the files that the run read, the days they cover, and the rows that could not be loaded."""

from __future__ import annotations

import dash
from dash import html

from dashboard import paths
from dashboard.access import requires
from dashboard.components.calendar import calendar
from dashboard.components.page import nothing, page, section
from dashboard.components.tables import columns, table
from dashboard.state import read_model
from dashboard.words import count, day, instant, name, number
from finpat.readmodel import runs_page

dash.register_page(__name__, path=paths.DATA, title="Data – finpat", name="Data")

FILES = columns(
    "File",
    "Loaded as",
    "Mapping",
    "#Rows",
    "#Loaded",
    "#Duplicate",
    "#Quarantined",
    "@From",
    "@To",
    "@Loaded at",
)
GAPS = columns("File", "@First day", "@Last day", "#Days")
SET_ASIDE = columns("File", "Column", "Reason", "#Rows", "#First line", "#Last line")
GAPS_SHOWN = 50


@requires("view")
def layout(**_query: str) -> html.Div:
    """Files, calendar, gaps and quarantine of the newest run."""
    model = read_model()
    files = model.sources()
    gaps = runs_page.gaps(model)
    aside = runs_page.quarantined(model)
    cells = [
        (
            row["file"], row["table_name"], row["mapping"], number(row["rows"]), number(row["loaded"]),
            number(row["duplicate"]), number(row["quarantined"]), day(row["first_at"]), day(row["last_at"]),
            instant(row["loaded_at"]),
        )
        for row in files.iter_rows(named=True)
    ]  # fmt: skip
    return page(
        "Data",
        section(
            count(files.height, "file"),
            table("Files", FILES, cells),
            help="Every row of a file is loaded, a duplicate, or in quarantine; the three sum to its rows.",
        ),
        section(
            "Coverage",
            calendar(runs_page.coverage(model)),
            help="A square per day, darker for more rows. Indicators see nothing on days without rows: "
            "a quiet account may be a missing file.",
        ),
        section(
            "Stretches without rows",
            table(
                "Stretches without rows",
                GAPS,
                [
                    (row["file"], day(row["first_day"]), day(row["last_day"]), number(row["days"]))
                    for row in gaps.head(GAPS_SHOWN).iter_rows(named=True)
                ],
            )
            if gaps.height
            else nothing("No file has three days in a row without a row."),
            html.P(f"The longest of {number(gaps.height)}.") if gaps.height > GAPS_SHOWN else None,
        ),
        section(
            "Quarantine",
            table(
                "Rows that could not be loaded",
                SET_ASIDE,
                [
                    (
                        row["file"], name(row["column_name"]), name(row["reason"]), number(row["row_count"]),
                        number(row["first_line"]), number(row["last_line"]),
                    )
                    for row in aside.iter_rows(named=True)
                ],
            )
            if aside.height
            else nothing("Every row of every file was loaded or is a duplicate."),
            help="The rows themselves are not shown here: `finpat quarantine list` shows them, "
            "`finpat quarantine export` writes them to be corrected and loaded again.",
        ),
        run_id=model.run_id,
        lead="What the run could see, and what it could not. `finpat doctor` looks deeper: clock faults, "
        "overlaps, missing rates.",
    )  # fmt: skip
