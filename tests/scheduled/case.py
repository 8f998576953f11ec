"""A query written by a test, with a front matter that has a plain default for everything."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from finpat.scheduled.catalogue import Query, read_query

DEFAULTS: dict[str, Any] = {
    "title": "Accounts of a test",
    "owner": "compliance-monitoring",
    "grain": ["account_id"],
    "source": "a test of finpat",
    "runbook": "look at the row",
}


def write_query(folder: Path, sql: str, name: str = "asked", **front: Any) -> Path:
    """A query's file under `folder`/own; keys given as None are left out."""
    values = {"name": name, **DEFAULTS, **front}
    head = yaml.safe_dump({key: value for key, value in values.items() if value is not None}, sort_keys=False)
    path = folder / "own" / f"{name}.sql"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"/* ---\n{head}--- */\n{sql.strip()}\n", encoding="utf-8")
    return path


def query_of(folder: Path, sql: str, **front: Any) -> Query:
    """A query written by a test, read."""
    return read_query(write_query(folder, sql, **front))


def line_of(query_file: Path, words: str) -> int:
    """Line of a file where some words stand."""
    lines = query_file.read_text(encoding="utf-8").splitlines()
    return next(number for number, line in enumerate(lines, start=1) if words in line)
