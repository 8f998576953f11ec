"""/runs: what was computed when, from which files, with which settings, and how two runs differ."""

from __future__ import annotations

from typing import Any

import dash
import dash_mantine_components as dmc
from dash import Input, Output, callback, html

from dashboard import paths
from dashboard.access import requires
from dashboard.components.page import nothing, page, section
from dashboard.components.tables import columns, table
from dashboard.state import read_model, read_models
from dashboard.words import count, instant, number
from finpat.readmodel.runs_page import changed_files, changed_settings, published_runs

dash.register_page(__name__, path=paths.RUNS, title="Runs – finpat", name="Runs")

BEFORE, AFTER, DIFFERENCE = "runs-before", "runs-after", "runs-difference"
RUNS = columns(
    "Run",
    "@Data up to",
    "@Made",
    "#Accounts",
    "#Transactions",
    "#Findings",
    "#Not evaluable",
    "finpat",
    "Data",
    "Settings",
)
SETTINGS = columns("Setting", "Before", "After")


@requires("view")
def layout(**_query: str) -> html.Div:
    """All published runs, the newest one's stages and warnings, and two runs beside each other."""
    model = read_model()
    runs = published_runs(read_models().folder)
    names = [str(run["run_id"]) for run in runs if "trouble" not in run]
    manifest = model.manifest()
    before = names[1] if len(names) > 1 else None
    return page(
        "Runs",
        section(
            count(len(runs), "run"),
            table("Runs", RUNS, [_row(run) for run in runs if "trouble" not in run]),
            *[html.P(run["trouble"], className="refused") for run in runs if "trouble" in run],
            help="A run depends on its files, its settings and its as-of instant, on nothing else: "
            "`finpat verify RUN` rebuilds it and compares.",
        ),
        section(
            "Two runs beside each other",
            html.Div(
                [
                    dmc.Select(label="Before", data=names, value=before, id=BEFORE),
                    dmc.Select(label="After", data=names, value=names[0], id=AFTER),
                ],
                className="actions",
            ),
            html.Div(id=DIFFERENCE),
        ),
        section(
            f"Run {model.run_id}: warnings",
            html.Ul([html.Li(text) for text in manifest["warnings"]])
            if manifest["warnings"]
            else nothing("This run capped nothing and left nothing out."),
        ),
        run_id=model.run_id,
        lead="What was computed when, from which files and settings. A run never changes after it is made.",
    )


def _row(run: dict[str, Any]) -> tuple[Any, ...]:
    counts = run["counts"] or {}
    return (
        run["run_id"], instant(run["as_of"]), instant(run["started_at"]), number(run["account_count"]),
        number(run["transaction_count"]), number(counts.get("findings")), number(counts.get("not_evaluable")),
        run["finpat_version"],
        html.Code(str(run["data_fingerprint"])[:8]), html.Code(str(run["settings_hash"])[:8]),
    )  # fmt: skip


@callback(Output(DIFFERENCE, "children"), Input(BEFORE, "value"), Input(AFTER, "value"))
@requires("view")
def difference(before: str | None, after: str | None) -> Any:
    """What differs between two runs: files, settings, versions, and how many accounts each band has."""
    if not before or not after or before == after:
        return html.P("Choose two runs.", className="help")
    old, new = read_model(before).manifest(), read_model(after).manifest()
    added, gone = changed_files(old, new)
    settings = changed_settings(old, new)
    versions = [
        f"{name} {old['versions'].get(name)} to {now}"
        for name, now in new["versions"].items()
        if old["versions"].get(name) != now
    ]
    if not (added or gone or settings or versions) and old["as_of"] == new["as_of"]:
        return nothing("Nothing that a run depends on differs: both have the same result.")
    parts: list[Any] = []
    if old["as_of"] != new["as_of"]:
        parts.append(html.P(f"As of {old['as_of']}, then {new['as_of']} (UTC)."))
    if added:
        parts.append(html.P(["New files: ", ", ".join(added)]))
    if gone:
        parts.append(html.P(["No longer read: ", ", ".join(gone)]))
    if settings:
        cells = [(html.Code(name), _said(was), _said(now)) for name, was, now in settings]
        parts.append(table("Settings that differ", SETTINGS, cells))
    if versions:
        parts.append(html.P(["Versions: ", "; ".join(versions)]))
    return html.Div(parts)


def _said(value: Any) -> str:
    return "default" if value is None else str(value)
