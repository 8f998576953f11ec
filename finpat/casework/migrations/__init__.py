"""The steps that a casework database went through, in order of their numbers.

`NNNN_what.sql` runs on every database, `NNNN_what.sqlite.sql` and `NNNN_what.postgresql.sql` after it on
theirs. Statements are parted by blank lines, so that one that ends in `;` inside a trigger stays whole. A
released step is never changed: what is to be otherwise takes a further step.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable


@dataclass(frozen=True)
class Migration:
    """One step: its number, and the statements for one dialect."""

    number: int
    statements: tuple[str, ...]


def migrations(dialect: str) -> list[Migration]:
    """The steps for `sqlite` or `postgresql`, by number."""
    texts: dict[int, list[str]] = {}
    for file in sorted(resources.files(__package__).iterdir(), key=_place):
        stem, *rest = file.name.split(".")
        if rest == ["sql"] or rest == [dialect, "sql"]:
            texts.setdefault(int(stem[:4]), []).append(file.read_text(encoding="utf-8"))
    return [
        Migration(number, tuple(part.strip() for text in read for part in text.split("\n\n") if part.strip()))
        for number, read in sorted(texts.items())
    ]


def _place(file: Traversable) -> tuple[str, int]:
    """What runs on every database comes before what runs on one."""
    return file.name[:4], file.name.count(".")
