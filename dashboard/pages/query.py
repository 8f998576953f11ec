"""/queries/<query>: one query of the compliance team: what it asks, why, and what it answers now."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import dash
from dash import Input, Output, State, callback, dcc, html
from dash.exceptions import PreventUpdate

from dashboard import ids, jobs, paths
from dashboard.access import requires
from dashboard.components.page import nothing, page, refused, section, told
from dashboard.components.tables import columns, facts, table
from dashboard.state import read_model, read_models
from dashboard.words import MISSING, count, instant, name, number
from finpat.errors import FinpatError
from finpat.scheduled import read_catalogue
from finpat.scheduled.ledger import scheduled_runs

dash.register_page(__name__, path_template=paths.QUERY, title="Query – finpat", name="Query")

NAME, RUN_NOW, JOB, WAIT, ANSWER = (f"query-{part}" for part in ("name", "run", "job", "wait", "answer"))
SHOWN = 200
HISTORY = 20
RUNS = columns("@Due", "State", "Run", "#Rows", "#New", "Files", "Error")


@requires("view")
def layout(query: str = "", **_query: str) -> html.Div:
    """One query: its card, its SQL, its answer now."""
    model = read_model()
    try:
        found = read_catalogue(
            own if (own := read_models().folder.parent / "queries").is_dir() else None
        ).get(query)
    except FinpatError as error:
        return page(
            "Query", refused(str(error), "Go back to the list."), dcc.Link("All queries", href=paths.QUERIES),
            run_id=model.run_id,
        )  # fmt: skip
    front = found.front
    return page(
        front.title,
        facts(
            [
                ("Name", front.name),
                ("Owner", front.owner),
                ("Schedule", f"{front.schedule} ({front.zone})" if front.schedule else "by hand"),
                ("Missed runs", front.catch_up),
                ("A row is", ", ".join(front.grain)),
                ("Limits", f"{number(front.max_rows)} rows, {front.timeout_s} s, {front.memory_mb} MB"),
            ]
        ),
        section(
            "Answer",
            html.P(html.Button("Run now", id=RUN_NOW, type="button")),
            html.Div(id=ANSWER, role="status"),
            help="Asked of the run of this page, with the parameters' defaults. Nothing is delivered.",
        ),
        _history(front.name),
        section("What to do with a row", html.Ol([html.Li(told(step)) for step in front.runbook])),
        section("Source", html.P(front.source)),
        section("SQL", html.Pre(found.text, className="sql", tabIndex="0")),
        dcc.Store(id=NAME, data=front.name),
        dcc.Store(id=JOB),
        dcc.Interval(id=WAIT, interval=700, disabled=True),
        run_id=model.run_id,
    )


def _history(query: str) -> Any:
    """What became of the query's last due slots; files by name."""
    folder = read_models().folder.parent / "schedule"
    runs = scheduled_runs(folder, query, HISTORY)
    if not runs:
        return section("History", nothing("No due run yet.", "`finpat schedule` runs what is due."))
    cells = [
        (
            run["slot"].replace("T", " "), run["state"], run["run_id"] or MISSING, number(run["rows"]),
            number(run["new_rows"]), ", ".join(Path(file["file"]).name for file in run["files"]) or MISSING,
            run["error"] or MISSING,
        )
        for run in runs
    ]  # fmt: skip
    return section("History", table("Due runs, newest first", RUNS, cells), help="Due times in UTC.")


@callback(
    Output(JOB, "data"), Output(WAIT, "disabled"), Output(ANSWER, "children"),
    Input(RUN_NOW, "n_clicks"), State(NAME, "data"), State(ids.RUN, "data"), prevent_initial_call=True,
)  # fmt: skip
@requires("work")
def start(clicks: int | None, query: str, run_id: str) -> Any:
    """Begin to answer the query in the background."""
    if not clicks:
        raise PreventUpdate
    from finpat.scheduled.answer import answer

    job = jobs.submit(answer, read_models().folder.parent, query, run_id)
    return job, False, html.P("Running …", className="help")


@callback(
    Output(ANSWER, "children", allow_duplicate=True), Output(WAIT, "disabled", allow_duplicate=True),
    Input(WAIT, "n_intervals"), State(JOB, "data"), prevent_initial_call=True,
)  # fmt: skip
@requires("work")
def finish(_: int, job: str | None) -> Any:
    """The rows, those of possible victims apart."""
    future = jobs.outcome(job)
    if future is None:
        return nothing("The answer is no longer kept.", "Run the query again."), True
    if not future.done():
        raise PreventUpdate
    try:
        result = future.result()
    except FinpatError as error:
        return refused(str(error), "Mend the query, or ask its owner."), True
    cut = "; there are more than its limit lets through" if result.cut else ""
    head = html.P(
        f"{count(result.count, 'row')} of run {result.run_id} up to {instant(result.as_of)}, in "
        f"{number(result.seconds, 2)} s{cut}."
    )
    parts = [_rows("Rows", result.rows)]
    if result.protect.height:
        parts += [html.H3("Possible victims: protect and refer"), _rows("Possible victims", result.protect)]
    return html.Div([head, *parts]), True


def _rows(title: str, rows: Any) -> Any:
    if not rows.height:
        return nothing("No row.")
    cells = [[MISSING if value is None else str(value) for value in row] for row in rows.head(SHOWN).rows()]
    more = html.P(f"The first {SHOWN} of {number(rows.height)}.") if rows.height > SHOWN else None
    return html.Div([table(title, columns(*[name(column) for column in rows.columns]), cells), more])
