"""Commands for people who know SQL: query list, show, tables, run, lint."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from finpat.commands.terminal import (
    json_option,
    note,
    now,
    say,
    say_json,
    table,
    workspace_option,
)
from finpat.errors import UsageError

if TYPE_CHECKING:
    from finpat.scheduled.catalogue import Catalogue, Query
    from finpat.scheduled.runner import Result

SHOWN_ROWS = 100  # of a result on a terminal
_FORMATS = ("table", "csv", "json", "parquet", "xlsx")
_BINARY = ("parquet", "xlsx")


def catalogue_of(workspace: Path) -> Catalogue:
    """The shipped queries, and those of the workspace where there is one."""
    from finpat.scheduled import read_catalogue
    from finpat.store.workspace import MARKER, Workspace

    own = Workspace(workspace).queries if (workspace / MARKER).is_file() else None
    return read_catalogue(own)


@click.command("list", epilog="Example: finpat query list --typology structuring")
@click.option("--typology", metavar="FOLDER", help="Only the queries of this folder.")
@workspace_option
@json_option
def list_queries(typology: str | None, workspace: Path, as_json: bool) -> None:
    """List the queries: shipped ones, and those in the workspace's folder queries/."""
    catalogue = catalogue_of(workspace)
    known = sorted({query.typology for query in catalogue})
    if typology is not None and typology not in known:
        raise UsageError.unknown("typology", typology, known)
    chosen = [query for query in catalogue if typology in (None, query.typology)]
    if as_json:
        say_json({"queries": [_card(query) for query in chosen], "broken": _broken(catalogue)})
    else:
        rows = [(q.name, q.typology, q.front.schedule or "by hand", q.front.title) for q in chosen]
        table(("name", "folder", "schedule", "title"), rows)
    for error in catalogue.broken.values():
        note(f"finpat: {error}")
    if catalogue.broken:
        raise click.exceptions.Exit(2)


def _broken(catalogue: Catalogue) -> list[str]:
    return [str(error) for error in catalogue.broken.values()]


def _card(query: Query) -> dict[str, Any]:
    return {
        **query.front.model_dump(mode="json"),
        "typology": query.typology,
        "file": str(query.path),
        "is_shipped": query.is_shipped,
        "text_sha256": query.text_sha256,
    }


@click.command("show", epilog="Example: finpat query show funnel_accounts")
@click.argument("name")
@workspace_option
@json_option
def show_query(name: str, workspace: Path, as_json: bool) -> None:
    """Print a query: what it asks, its parameters, its runbook and its SQL."""
    from finpat.scheduled.lint import check_query

    query = catalogue_of(workspace).get(name)
    columns = check_query(query)
    if as_json:
        say_json(_card(query) | {"columns": columns, "sql": query.text})
        return
    front = query.front
    say(front.title)
    say(f"file     {query.path}")
    say(f"owner    {front.owner}")
    say(f"due      {front.schedule or 'by hand only'} ({front.zone}), missed: {front.catch_up}")
    say(f"limits   {front.max_rows:,} rows, {front.timeout_s} s, {front.memory_mb:,} MB")
    say(f"source   {front.source}")
    for parameter, declared in front.params.items():
        default = "required" if declared.default is None else f"default {declared.default}"
        say(f"param    {parameter}: {declared.type}, {default}. {declared.doc}".rstrip())
    grain = ", ".join(front.grain)
    say(
        f"columns  {', '.join(f'{column} {type_}' for column, type_ in columns.items())}; one row per {grain}"
    )
    for number, step in enumerate(front.runbook, start=1):
        say(f"step {number}   {step}")
    say()
    say(query.text.partition("--- */")[2].strip())


@click.command("tables", epilog="Example: finpat query tables")
@workspace_option
@json_option
def list_tables(workspace: Path, as_json: bool) -> None:
    """List the tables and columns that a query may read."""
    from finpat.scheduled.sandbox import declared_columns
    from finpat.scheduled.tables import SEALED, TABLES

    shown = {
        f"{schema}.{name}": [
            {"column": c.name, "type": c.type, "meaning": c.doc} for c in declared_columns(schema, name)
        ]
        for schema, tables in TABLES.items()
        for name in tables
        if (schema, name) not in SEALED
    }
    if as_json:
        say_json(shown)
        return
    table(
        ("table", "columns"), [(name, ", ".join(c["column"] for c in made)) for name, made in shown.items()]
    )


@click.command(
    "run", epilog="Example: finpat query run funnel_accounts --param lookback_days=30 --format csv"
)
@click.argument("name")
@click.option("--param", "params", multiple=True, metavar="NAME=VALUE", help="A parameter's value.")
@click.option("--format", "format_", metavar="|".join(_FORMATS), help="Default: as --out ends, else table.")
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE", help="Write here, with a manifest.")
@click.option("--force", is_flag=True, help="Replace files that are there.")
@click.option("--run", "run_id", metavar="RUN", help="A run's number; default: the newest.")
@click.option("--previous", metavar="RUN", help="What `previous` shows; default: the run before.")
@workspace_option
@json_option
def run_one(
    name: str,
    params: tuple[str, ...],
    format_: str | None,
    out: Path | None,
    force: bool,
    run_id: str | None,
    previous: str | None,
    workspace: Path,
    as_json: bool,
) -> None:
    """Answer a query from the newest run; what it may read, take and return is limited."""
    chosen = "json" if as_json else _format(format_, out)
    if out is None and chosen in _BINARY:
        raise UsageError(f"--format {chosen} goes into a file: add --out FILE.{chosen}")
    if out is not None and chosen == "table":
        raise UsageError(f"{out}: the format is not clear from the name; add --format csv|json|parquet|xlsx")
    query = catalogue_of(workspace).get(name)
    result = _answer(query, workspace, run_id, previous, _parameters(params))
    if out is not None:
        from finpat.scheduled.files import write_result

        written = write_result(result, out, chosen, made_at=now(), force=force)
        for file in written:
            say(str(file.path))
    else:
        _print(result, chosen)
    _remark(result)


def _format(format_: str | None, out: Path | None) -> str:
    chosen = format_ or (out.suffix.lstrip(".").lower() if out else "table")
    if chosen not in _FORMATS:
        if out is not None and format_ is None:
            return "table"
        raise UsageError.unknown("format", chosen, _FORMATS)
    return chosen


def _parameters(words: tuple[str, ...]) -> dict[str, str]:
    given = {}
    for word in words:
        key, equals, value = word.partition("=")
        if not equals or not key.strip():
            raise UsageError(f"--param {word!r}: expected NAME=VALUE, e.g. --param lookback_days=30")
        given[key.strip()] = value
    return given


def _answer(
    query: Query, workspace: Path, run_id: str | None, previous: str | None, given: dict[str, str]
) -> Result:
    from finpat.commands.analysis import open_run
    from finpat.scheduled.answer import answer
    from finpat.scheduled.statement import parse_statement
    from finpat.store.workspace import Workspace

    parse_statement(query)  # a broken query is told before a missing run
    folder = Workspace.open(workspace)
    before = None
    with open_run(folder, run_id) as model:
        run = model.path.stem
    if previous is not None:
        with open_run(folder, previous) as model:
            before = model.path.stem
    return answer(workspace, query, run, given, previous=before)


def _print(result: Result, format_: str) -> None:
    """The result on stdout; protected rows only where they stand apart."""
    from finpat.scheduled.files import as_csv, json_rows, provenance_of

    if format_ == "json":
        told = provenance_of(result, now())
        say_json(told | {"rows": json_rows(result.rows), "protect": json_rows(result.protect)})
    elif format_ == "csv":
        click.echo(as_csv(result.rows), nl=False)
        if result.protect.height:
            note(
                f"{result.protect.height:,} rows name a possible victim's account (protect and refer) and "
                "are left out here; --out FILE writes them to a file of their own"
            )
    else:
        _print_table(result.rows)
        if result.protect.height:
            say()
            say("Possible victims: protect and refer, no subjects of a report")
            _print_table(result.protect)


def _print_table(rows: Any) -> None:
    from finpat.scheduled.files import json_rows

    plain = json_rows(rows.head(SHOWN_ROWS))
    numbers = [name for name, dtype in rows.schema.items() if dtype.is_numeric()]
    table(rows.columns, [[row[name] for name in rows.columns] for row in plain], right=numbers)
    if rows.height > SHOWN_ROWS:
        note(f"{SHOWN_ROWS} of {rows.height:,} rows; --out FILE writes them all")


def _remark(result: Result) -> None:
    note(
        f"{result.count:,} rows of run {result.run_id} (data up to {result.as_of.isoformat()}Z), "
        f"{result.seconds:.1f} s"
    )
    if result.cut:
        note(f"cut at {result.query.front.max_rows:,} rows, the query's max_rows: there are more")


@click.command("lint", epilog="Example: finpat query lint; finpat query lint my_queries/")
@click.argument(
    "folders", nargs=-1, type=click.Path(path_type=Path, exists=True, file_okay=False), metavar="[FOLDER]..."
)
@workspace_option
@json_option
def lint(folders: tuple[Path, ...], workspace: Path, as_json: bool) -> None:
    """Check queries without data: front matter, one SELECT, parameters, grain, types.

    Without a folder: the shipped queries and the workspace's own. Exit code 2 where one has a fault.
    """
    from finpat.scheduled.catalogue import shipped_folder
    from finpat.scheduled.lint import lint_folder
    from finpat.store.workspace import Workspace

    count, faults = 0, []
    for folder in folders or (shipped_folder(), Workspace(workspace).queries):
        checked, found = lint_folder(folder)
        count += checked
        faults += found
    if as_json:
        say_json({"queries": count, "faults": [str(fault) for fault in faults]})
    else:
        for fault in faults:
            say(str(fault))
        note(f"{count:,} queries, {len(faults):,} with a fault")
    if faults:
        raise click.exceptions.Exit(2)
