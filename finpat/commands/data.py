"""Commands that take data in and judge it: inspect, ingest, quarantine, doctor."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from finpat.commands.terminal import (
    json_option,
    note,
    now,
    rows_read,
    say,
    say_json,
    table,
    workspace_option,
)
from finpat.errors import AmbiguousSourceError, SourceError, UsageError

if TYPE_CHECKING:
    from finpat.config import Settings
    from finpat.sources import Mapping, Source
    from finpat.store.load import LoadReport
    from finpat.store.quality import Check
    from finpat.store.workspace import Workspace

_TABLES = "transactions|accounts|ads|ad_payments|watchlist"
as_option = click.option("--as", "as_table", metavar="TABLE", help=f"What the files hold: {_TABLES}.")
answers_option = click.option(
    "--set",
    "answers",
    multiple=True,
    metavar="KEY=VALUE",
    help="Settle what a file leaves open, e.g. --set time.zone=Europe/Berlin; `finpat inspect` asks.",
)


def read_answers(words: tuple[str, ...]) -> dict[str, Any]:
    """KEY=VALUE words as a dictionary.

    Raises:
        UsageError: a word without `=`.
    """
    answers = {}
    for word in words:
        key, equals, value = word.partition("=")
        if not equals or not key:
            raise UsageError(f"--set {word!r}: expected KEY=VALUE, e.g. --set time.zone=Europe/Berlin")
        answers[key.strip()] = _value(value.strip())
    return answers


def _value(text: str) -> Any:
    """A list or table of TOML as such, anything else as the text that it is."""
    import tomllib

    if text[:1] in ("[", "{"):
        try:
            return tomllib.loads(f"value = {text}")["value"]
        except tomllib.TOMLDecodeError:
            raise UsageError(f"--set ...={text}: expected a TOML list or table, e.g. ['%d/%m/%Y']") from None
    return text


def check_table(name: str | None) -> None:
    """Raise UsageError where `name` is no table that files are loaded as."""
    known = _TABLES.split("|")
    if name is not None and name not in known:
        raise UsageError.unknown("table", name, known)


def choose_mapping(
    source: Source, as_table: str | None, mapping: str | None, answers: dict[str, Any]
) -> tuple[Mapping, bool]:
    """The mapping to read a source with, and whether it was proposed from the file's columns.

    The named one; else the ready one that fits; else the proposal, once everything in it is settled.

    Raises:
        AmbiguousSourceError: the file leaves something open.
    """
    from finpat import sources
    from finpat.sources.reading import columns_of as source_columns

    if mapping is not None:
        named = sources.load_mapping(mapping, as_table)
        columns = source_columns(source, named.dialect) if answers else ()
        return sources.with_answers(named, answers, columns, str(source.path)), False
    inspection = sources.inspect_source(source.path, as_table)
    try:
        return inspection.mapping(answers), inspection.ready is None
    except AmbiguousSourceError as error:
        raise AmbiguousSourceError(f"{error}; or settle it here: --set KEY=VALUE") from None


def load_file(
    workspace: Workspace,
    source: Source,
    mapping: Mapping,
    settings: Settings,
    progress: Callable[[int], None] | None = None,
) -> LoadReport:
    """Load one export by its mapping, at this instant."""
    from finpat.store.load import load_batches, loading

    file = loading(source, mapping, settings, str(source.path.absolute()))
    return load_batches(
        workspace,
        file.batches,
        file.origin,
        settings=settings,
        now=now(),
        progress=progress,
        raw_rows=file.raw_rows,
    )


@click.command(epilog="Example: finpat ingest statements/*.csv --as transactions")
@click.argument("files", nargs=-1, required=True, metavar="FILE...", type=click.Path(path_type=Path))
@as_option
@click.option("--mapping", metavar="NAME-or-FILE", help="Default: the ready mapping that fits the columns.")
@answers_option
@click.option(
    "--replace",
    "replacing",
    is_flag=True,
    help="Put FILE in the place of its earlier load: that of the same content, else the last from this path. "
    "Several files are replaced together or not at all.",
)
@workspace_option
@json_option
def ingest(
    files: tuple[Path, ...],
    as_table: str | None,
    mapping: str | None,
    answers: tuple[str, ...],
    replacing: bool,
    workspace: Path,
    as_json: bool,
) -> None:
    """Load exports; the same file twice adds nothing, bad rows go to quarantine with reasons."""
    if as_table is None and mapping is None:
        raise UsageError(f"say what the files hold: --as {_TABLES}, or --mapping")
    check_table(as_table)
    settled = read_answers(answers)
    from finpat.config import load_settings
    from finpat.sources import open_source
    from finpat.store.workspace import Workspace

    settings = load_settings(workspace)
    reports: list[LoadReport] = []
    failed: list[dict[str, str]] = []
    if replacing:
        for report, chosen, proposed in _replace(files, as_table, mapping, settled, workspace, settings):
            reports.append(report)
            if not as_json:
                _tell(report, chosen, proposed)
    for path in () if replacing else files:
        try:
            source = open_source(path)
            chosen, proposed = choose_mapping(source, as_table, mapping, settled)
            folder = Workspace.create(workspace)
            with rows_read(path.name) as progress:
                report = load_file(folder, source, chosen, settings, progress)
        except SourceError as error:
            if len(files) == 1:
                raise
            # The other files are independent of this one: they are loaded all the same.
            note(f"finpat: {error}")
            failed.append({"file": str(path), "error": str(error)})
            continue
        reports.append(report)
        if not as_json:
            _tell(report, chosen, proposed)
    checks = _quality(workspace, reports, settings)
    if as_json:
        answer: dict[str, Any] = {"files": [asdict(report) for report in reports]}
        answer |= {"checks": [asdict(check) for check in checks]}
        say_json(answer | ({"failed": failed} if failed else {}))
    else:
        for check in checks:
            say(f"{check.severity}: {check.subject}: {check.sentence}")
    if failed:
        raise click.exceptions.Exit(2)


def _replace(
    files: tuple[Path, ...],
    as_table: str | None,
    mapping: str | None,
    answers: dict[str, Any],
    workspace: Path,
    settings: Settings,
) -> list[tuple[LoadReport, Mapping, bool]]:
    """Put files in the place of their earlier loads, at this instant; with each, how it was read."""
    from finpat.sources import open_source
    from finpat.store.load import loading, replace
    from finpat.store.workspace import Workspace

    sources = [open_source(path) for path in files]
    read_by = [choose_mapping(source, as_table, mapping, answers) for source in sources]
    made = [
        loading(source, chosen, settings, str(source.path.absolute()))
        for source, (chosen, _) in zip(sources, read_by, strict=True)
    ]
    with rows_read(", ".join(path.name for path in files)) as progress:
        reports = replace(Workspace.create(workspace), made, settings=settings, now=now(), progress=progress)
    return [(report, chosen, proposed) for report, (chosen, proposed) in zip(reports, read_by, strict=True)]


def _quality(workspace: Path, reports: list[LoadReport], settings: Settings) -> list[Check]:
    """What is odd about the transactions just loaded: gaps, overlaps, odd times, currencies without rate."""
    new = [report.file_id for report in reports if report.table == "transactions" and report.loaded]
    if not new:
        return []
    from finpat.rates import load_rates
    from finpat.store.quality import check_data
    from finpat.store.workspace import Workspace

    rated = load_rates(settings.fx, workspace).currencies
    return check_data(Workspace.open(workspace), rated=rated, file_ids=new)


def _tell(report: LoadReport, mapping: Mapping, proposed: bool) -> None:
    say(
        f"{report.file}: {report.rows:,} rows: {report.loaded:,} loaded, {report.duplicate:,} duplicate, "
        f"{report.quarantined:,} quarantined"
    )
    if report.replaced is not None:
        say(f"  in the place of its earlier load (file {report.replaced}, now retired)")
    if report.already_loaded:
        say("  the same file had been loaded before")
    say(f"  mapping: {'proposed from the columns; `finpat inspect` shows it' if proposed else mapping.name}")
    for reason, count in report.reasons.items():
        say(f"  {count:,} x {reason}")
    for told in report.notes:
        say(f"  {told}")
    if report.quarantined:
        note("see the rows with `finpat quarantine list`")


@click.command(epilog="Example: finpat inspect statement.csv --write statement.toml")
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path))
@as_option
@answers_option
@click.option(
    "--write",
    "target",
    type=click.Path(path_type=Path),
    is_flag=False,
    flag_value=Path("-"),
    metavar="[MAPPING.toml]",
    help="Write the proposed mapping, to be reviewed and named with --mapping; default: FILE.toml here.",
)
@click.option("--force", is_flag=True, help="Replace a mapping file that is there.")
@json_option
def inspect(
    file: Path,
    as_table: str | None,
    answers: tuple[str, ...],
    target: Path | None,
    force: bool,
    as_json: bool,
) -> None:
    """Say what a file looks like, how finpat would read it, and what only a person can settle."""
    check_table(as_table)
    settled = read_answers(answers)
    from finpat.sources import inspect_source, to_toml

    found = inspect_source(file, as_table)
    is_settled = found.ready is not None or all(question.option in settled for question in found.questions)
    text = to_toml(found.mapping(settled)) if is_settled else found.to_toml()
    if target is not None:
        target = Path(f"{file.name}.toml") if target == Path("-") else target
        if target.exists() and not force:
            raise UsageError(f"{target}: is there already; name another file after --write, or add --force")
        try:
            target.write_text(text, encoding="utf-8")
        except OSError as error:
            raise UsageError(f"{target}: cannot be written: {error.strerror}") from None
    if as_json:
        say_json(
            {
                "file": str(file),
                "table": found.table,
                "layout": found.layout,
                "ready_mapping": found.ready,
                "columns": [asdict(column) for column in found.columns],
                "questions": [asdict(question) for question in found.questions],
                "notes": list(found.notes),
                "mapping": text,
                "written": None if target is None else str(target),
            }
        )
        return
    say(f"{file}: {', '.join(f'{name} {value}' for name, value in found.layout.items())}")
    if found.ready is not None:
        say(f"the ready mapping {found.ready} fits; `finpat ingest {file} --as {found.table}` loads it")
    say()
    table(
        ("column", "is", "sure", "values"),
        [
            (column.name, column.canonical or "(kept as it is)",
             f"{column.confidence:.0%}" if column.canonical else "", "  ".join(column.samples))
            for column in found.columns
        ],
    )  # fmt: skip
    for told in found.notes:
        say(told)
    for question in found.questions:
        if question.option not in settled:
            choices = f" One of: {', '.join(question.choices)}." if question.choices else ""
            say(f"to settle: {question.text}.{choices} --set {question.option}=...")
    if target is not None:
        say(f"mapping written to {target}; review it, then `finpat ingest {file} --mapping {target}`")
    elif found.ready is None:
        say("--write writes the proposed mapping to a file")


@click.command("list", epilog="Example: finpat quarantine list --limit 0 --json")
@click.option("--limit", type=click.IntRange(0), default=50, show_default=True, help="So many rows; 0: all.")
@click.option("--with-corrected", is_flag=True, help="Also rows that a corrected file has brought since.")
@workspace_option
@json_option
def list_quarantine(limit: int, with_corrected: bool, workspace: Path, as_json: bool) -> None:
    """Rows that could not be loaded: file, line, column, reason and the row as it was written."""
    from finpat.store import quarantine
    from finpat.store.workspace import Workspace

    rows = quarantine.list_quarantine(Workspace.open(workspace), with_corrected=with_corrected)
    shown = rows.head(limit) if limit else rows
    if as_json:
        say_json({"total": rows.height, "rows": shown.to_dicts()})
        return
    names = ("file", "source_line", "column", "reason", "message", "raw")
    table(names, shown.select(names).rows(), right=("source_line",))
    if shown.height < rows.height:
        note(
            f"{shown.height:,} of {rows.height:,} rows; --limit 0 lists all, `quarantine export` writes them"
        )


@click.command("export", epilog="Example: finpat quarantine export --out to_correct")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Folder for one file per source, in the source's own layout; default: in the workspace's exports.",
)
@workspace_option
@json_option
def export_quarantine(out: Path | None, workspace: Path, as_json: bool) -> None:
    """Write the bad rows as their sources wrote them, to be corrected and ingested again."""
    from finpat.store import quarantine
    from finpat.store.workspace import Workspace

    folder = Workspace.open(workspace)
    written = quarantine.export_quarantine(folder, out or folder.exports / "quarantine")
    if as_json:
        say_json({"files": [str(path) for path in written]})
        return
    for path in written:
        say(str(path))


@click.command(epilog="Example: finpat doctor --json")
@workspace_option
@json_option
def doctor(workspace: Path, as_json: bool) -> None:
    """Check the health of workspace and data: damaged files, gaps, overlaps, zone faults, missing rates."""
    from finpat.config import load_settings
    from finpat.rates import load_rates
    from finpat.store.doctor import doctor as examine
    from finpat.store.workspace import Workspace

    folder = Workspace.open(workspace)
    rates = load_rates(load_settings(folder.path).fx, folder.path)
    checks = examine(folder, rated=rates.currencies)
    if as_json:
        say_json({"checks": [asdict(check) for check in checks]})
    else:
        for check in checks:
            say(f"{check.severity:8} {check.id:14} {check.subject}: {check.sentence}")
    if any(check.severity == "error" for check in checks):
        raise click.exceptions.Exit(1)
