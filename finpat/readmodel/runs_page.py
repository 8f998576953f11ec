"""What the pages of runs and of data ask: runs beside each other, files, days with and without rows.

A file that was published by an older version has no coverage; `finpat run` makes a new one.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl

from finpat.errors import RunError
from finpat.readmodel.api import ReadModel


def published_runs(folder: Path, limit: int = 100) -> list[dict[str, Any]]:
    """The newest published runs of a `readmodel` folder, newest first.

    Each has the columns of rm.runs but the manifest, and `counts` and `warnings` of it. A file that
    cannot be read is told: `run_id` and `trouble`.
    """
    runs: list[dict[str, Any]] = []
    for path in sorted(folder.glob("[0-9]*.duckdb"), reverse=True)[:limit]:
        try:
            with ReadModel(path) as model:
                row = model.ask("SELECT * EXCLUDE (manifest) FROM rm.runs").row(0, named=True)
                manifest = model.manifest()
        except RunError as error:
            runs.append({"run_id": path.stem, "trouble": str(error)})
            continue
        runs.append(row | {name: manifest.get(name) for name in ("counts", "warnings")})
    return runs


def changed_settings(before: dict[str, Any], after: dict[str, Any]) -> list[tuple[str, Any, Any]]:
    """Settings that differ between two manifests: dotted name, value before, value after (None: not set)."""
    old, new = _flat(before["settings"]), _flat(after["settings"])
    return [
        (name, old.get(name), new.get(name))
        for name in sorted(old.keys() | new.keys())
        if old.get(name) != new.get(name)
    ]


def changed_files(before: dict[str, Any], after: dict[str, Any]) -> tuple[list[str], list[str]]:
    """Names of the files that only the later run read, and of those that only the earlier one read."""
    old = {entry["sha256"]: entry["name"] for entry in before["data"]["files"]}
    new = {entry["sha256"]: entry["name"] for entry in after["data"]["files"]}
    return (
        sorted(name for key, name in new.items() if key not in old),
        sorted(name for key, name in old.items() if key not in new),
    )


def _flat(settings: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in settings.items():
        if isinstance(value, dict):
            flat |= _flat(value, f"{prefix}{name}.")
        else:
            flat[prefix + name] = value
    return flat


def coverage(model: ReadModel) -> pl.DataFrame:
    """Rows by day over all files: day, row_count, files; every day from the first to the last, gaps as 0."""
    return model.ask(
        "WITH days AS (SELECT unnest(generate_series(min(day), max(day), INTERVAL 1 DAY))::DATE AS day "
        "FROM rm.coverage) SELECT d.day, coalesce(sum(c.row_count), 0)::BIGINT AS row_count, "
        "count(c.source_id) AS files FROM days d LEFT JOIN rm.coverage c USING (day) "
        "GROUP BY d.day ORDER BY d.day"
    )


def gaps(model: ReadModel, days: int = 3) -> pl.DataFrame:
    """Stretches of at least `days` days without any row: source_id, file, first_day, last_day, days.

    Each file by itself, between its own first and last day.
    """
    return model.ask(
        "WITH following AS (SELECT source_id, day, "
        "lead(day) OVER (PARTITION BY source_id ORDER BY day) AS next FROM rm.coverage WHERE row_count > 0) "
        "SELECT f.source_id, s.file, (day + 1)::DATE AS first_day, (next - 1)::DATE AS last_day, "
        "(next - day - 1)::BIGINT AS days FROM following f LEFT JOIN rm.sources s USING (source_id) "
        "WHERE next - day - 1 >= $days ORDER BY days DESC, f.source_id, first_day",
        days=days,
    )


def quarantined(model: ReadModel) -> pl.DataFrame:
    """Rows that were not loaded, by file and reason, most first: the columns of rm.quarantined and `file`."""
    return model.ask(
        "SELECT s.file, q.* FROM rm.quarantined q LEFT JOIN rm.sources s USING (source_id) "
        "ORDER BY row_count DESC, source_id, column_name, reason"
    )
