"""The terminal: results on stdout, everything else on stderr, progress only where a person watches."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

# click, not typer: typer parses every option through pydantic, which each usage error would wait for (0.29).
workspace_option = click.option(
    "--workspace",
    "-w",
    envvar="FINPAT_WORKSPACE",
    metavar="DIR",
    type=click.Path(path_type=Path),
    default="finpat-workspace",
    help="The workspace folder (or FINPAT_WORKSPACE); ./finpat-workspace where none is named.",
)
json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print JSON on stdout and nothing else there."
)


def say(text: str = "") -> None:
    """A line of results on stdout."""
    click.echo(text)


def note(text: str) -> None:
    """A line for the person at the terminal, on stderr."""
    click.echo(text, err=True)


def say_json(value: Any) -> None:
    """A value as JSON on stdout; instants as ISO 8601, decimals and paths as text."""
    click.echo(json.dumps(value, ensure_ascii=False, indent=1, default=_plain))


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return instant(value)
    return str(value)


def instant(moment: datetime | None) -> str:
    """A naive UTC instant as ISO 8601 with its zone; a dash for none."""
    return "-" if moment is None else moment.replace(tzinfo=None).isoformat() + "Z"


def table(header: Sequence[str], rows: Sequence[Sequence[object]], right: Sequence[str] = ()) -> None:
    """Rows under their header in aligned columns; the columns named in `right` are set to the right."""
    cells = [["" if cell is None else one_line(str(cell)) for cell in row] for row in rows]
    widths = [max(len(line[at]) for line in [list(header), *cells]) for at in range(len(header))]
    for line in [list(header), *cells]:
        shown = [
            cell.rjust(width) if name in right else cell.ljust(width)
            for cell, width, name in zip(line, widths, header, strict=True)
        ]
        say("  ".join(shown).rstrip())


def one_line(text: str) -> str:
    """One printable line: a control sequence in a payer's name must not reach the terminal."""
    return "".join(char if char.isprintable() else " " for char in text)


def now() -> datetime:
    """This instant (naive UTC): the clock is read here and nowhere else."""
    return datetime.now(UTC).replace(tzinfo=None, microsecond=0)


Notify = Callable[[str], None]


@contextmanager
def stages() -> Iterator[Notify]:
    """A function that shows which stage is running: a spinner on a terminal, silence in a log."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console

    with Console(stderr=True).status("starting") as status:
        yield lambda stage: status.update(f"{stage} ...")


@contextmanager
def rows_read(label: str) -> Iterator[Callable[[int], None]]:
    """A function that shows how many rows of a file have been read, on a terminal only."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console

    with Console(stderr=True).status(label) as status:
        yield lambda rows: status.update(f"{label}: {rows:,} rows")
