"""/indicators/<indicator_id>: what it finds, what came of it, its thresholds tried before they are saved."""

from __future__ import annotations

import json
from typing import Any

import dash
import dash_mantine_components as dmc
from dash import ALL, Input, Output, State, callback, dcc, html
from dash.exceptions import PreventUpdate

from dashboard import ids, jobs, paths
from dashboard.access import requires
from dashboard.components.page import nothing, page, refused, section
from dashboard.components.tables import account_link, band, columns, facts, table
from dashboard.state import read_model, read_models
from dashboard.words import count, day, name, number
from finpat.errors import FinpatError
from finpat.readmodel import indicator_page

dash.register_page(__name__, path_template=paths.INDICATOR, title="Indicator – finpat", name="Indicator")

INDICATOR_ID, TRY, JOB, WAIT, TRIED = (f"indicator-{part}" for part in ("id", "try", "job", "wait", "tried"))
PARAMETER = "indicator-parameter"
ROWS = 50
ACCOUNTS = columns("#Rank", "Account", "#Score", "Band", "Possible role", "What was found", "@From", "@To")
PLACES = columns("#Rank", "Account", "#Score", "Band", "Possible role", "Why")


@requires("view")
def layout(indicator_id: str = "", **_query: str) -> html.Div:
    """The card, the bench, and the accounts found."""
    model = read_model()
    card = indicator_page.indicator(model, indicator_id)
    if card is None:
        return page(
            "Indicator",
            refused(f"The catalogue has no indicator {indicator_id}.", "Choose one from the list."),
            dcc.Link("All indicators", href=paths.INDICATORS),
            run_id=model.run_id,
        )
    rows, total = indicator_page.found_by(model, indicator_id, limit=ROWS)
    return page(
        f"{indicator_id}: {card['name']}",
        facts(
            [
                ("Argues for", name(card["role"])),
                ("Weight alone", card["weight"]),
                ("Typology", card["typology"]),
                ("Accounts found", number(card["found"])),
                ("Among the first 100", number(card["first_hundred"])),
                ("Not evaluable", number(card["unjudged"])),
                ("Measured precision", card["measured_precision"]),
            ]
        ),
        section(
            "What it finds", html.P(card["definition"]), html.P(["Source: ", card["source"]]),
            html.P(["Also common for: ", card["also_common_for"]]), _missing(model, indicator_id),
        ),
        _bench(card),
        section(
            f"{count(total, 'finding')}, by place in the list",
            table("Findings", ACCOUNTS, [_found(row) for row in rows.iter_rows(named=True)])
            if rows.height
            else nothing("Nothing was found.", "That is no proof of absence: see what could not be judged."),
            html.P(f"The first {ROWS}; the queue filters by indicator.") if total > ROWS else None,
        ),
        dcc.Store(id=INDICATOR_ID, data=indicator_id),
        dcc.Store(id=JOB),
        dcc.Interval(id=WAIT, interval=700, disabled=True),
        run_id=model.run_id,
        lead="A reason to look, never a conclusion.",
    )  # fmt: skip


def _found(row: dict[str, Any]) -> tuple[Any, ...]:
    return (
        number(row["rank"]), account_link(row["account_id"]) if row["account_id"] else "all data",
        number(row["score"]), band(row["band"]), name(row["possible_role"]), row["fact"],
        day(row["window_start"]), day(row["window_end"]),
    )  # fmt: skip


def _missing(model: Any, indicator_id: str) -> Any:
    rows = indicator_page.missing_fields(model, indicator_id)
    told = [
        f"all data lacks {row['missing_field']}"
        if row["everybody"]
        else f"{count(row['accounts'], 'account')} without {row['missing_field']}"
        for row in rows.iter_rows(named=True)
    ]
    return html.P(["Could not be judged: ", "; ".join(told), "."]) if told else None


def _bench(card: dict[str, Any]) -> Any:
    """Inputs for the numeric parameters, and the button that tries them."""
    parameters = json.loads(card["parameters"])
    fields = [
        dmc.NumberInput(
            label=name(key),
            description=item["why"],
            value=item["default"],
            id={"type": PARAMETER, "name": key},
            style={"width": "17rem"},
        )
        for key, item in parameters.items()
        if isinstance(item["default"], int | float) and not isinstance(item["default"], bool)
    ]
    if not fields:
        return section("Thresholds", nothing("This indicator has no numeric parameter."))
    return section(
        "Try other thresholds",
        html.Div(fields, className="actions", style={"alignItems": "end"}),
        html.P(html.Button("Try", id=TRY, type="button")),
        html.Div(id=TRIED, role="status"),
        help="The run's own data is judged again with these values; nothing is saved. Shown are the shipped "
        "defaults; what the run's settings say is the value before.",
    )


@callback(
    Output(JOB, "data"), Output(WAIT, "disabled"), Output(TRIED, "children"),
    Input(TRY, "n_clicks"), State({"type": PARAMETER, "name": ALL}, "value"),
    State({"type": PARAMETER, "name": ALL}, "id"), State(INDICATOR_ID, "data"), State(ids.RUN, "data"),
    prevent_initial_call=True,
)  # fmt: skip
@requires("work")
def start(
    clicks: int | None, values: list[Any], names: list[dict[str, str]], indicator_id: str, run_id: str
) -> Any:
    """Begin a trial in the background; the page asks for its end."""
    if not clicks:
        raise PreventUpdate
    wanted = {
        item["name"]: value for item, value in zip(names, values, strict=True) if value not in (None, "")
    }
    job = jobs.submit(_try, read_models().folder.parent, run_id, indicator_id, wanted)
    return job, False, html.P("Trying …", className="help")


def _try(workspace: Any, run_id: str, indicator_id: str, wanted: dict[str, Any]) -> Any:
    # Loads the indicators and their kernels, which no page else needs.
    from finpat.trial import try_indicator

    return try_indicator(workspace, run_id, indicator_id, wanted)


@callback(
    Output(TRIED, "children", allow_duplicate=True), Output(WAIT, "disabled", allow_duplicate=True),
    Input(WAIT, "n_intervals"), State(JOB, "data"), State(ids.RUN, "data"), prevent_initial_call=True,
)  # fmt: skip
@requires("work")
def finish(_: int, job: str | None, run_id: str) -> Any:
    """What a trial found, once it has ended."""
    future = jobs.outcome(job)
    if future is None:
        return nothing("The trial is no longer kept.", "Try again."), True
    if not future.done():
        raise PreventUpdate
    try:
        trial = future.result()
    except FinpatError as error:
        return refused(str(error), "Change the value and try again."), True
    return _told(trial, read_model(run_id)), True


def _told(trial: Any, model: Any) -> html.Div:
    changed = [(key, was, now) for key, was, now in trial.parameters if was != now]
    if not changed:
        return html.Div(nothing("Every value is the run's own: the run says what comes of them."))
    lines = [f"{key} = {now}" for key, _, now in changed]
    parts = [
        facts(
            [
                ("Accounts found", number(len(trial.found))),
                ("New", number(len(trial.gained))),
                ("No longer", number(len(trial.lost))),
                ("Just below the line", number(trial.below)),
            ]
        ),
        html.P(["Changed: ", "; ".join(f"{key} {was} to {now}" for key, was, now in changed)]),
    ]
    for title, accounts in (
        ("New", trial.gained),
        ("No longer found", trial.lost),
        ("A drawn sample just below the line", trial.drawn),
    ):
        if accounts:
            places = indicator_page.accounts_in_list(model, list(accounts))
            cells = [
                (
                    number(row["rank"]), account_link(row["account_id"]), number(row["score"]),
                    band(row["band"]), name(row["possible_role"]), row["reason"],
                )
                for row in places.iter_rows(named=True)
            ]  # fmt: skip
            parts += [html.H3(title), table(title, PLACES, cells)]
    if trial.loosened:
        looser = "; ".join(f"{key} {value}" for key, _, value in trial.loosened)
        parts.append(html.P(f"Just below the line: found with {looser}, but not with the values tried."))
    parts += [
        html.H3("To keep it"),
        html.P("Put this into the workspace's finpat.toml; the next run uses it and its manifest says so."),
        html.Pre("\n".join([f"[indicators.{trial.indicator_id}]", *lines])),
    ]
    return html.Div(parts)
