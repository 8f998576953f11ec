"""A query's result as files: whole or not there at all, each with a manifest that tells where it comes from.

Rows that name a possible victim's account go to a file (xlsx: a sheet) of their own.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl

from finpat.errors import UsageError
from finpat.exports import cells, workbook
from finpat.scheduled.runner import Result

PROTECT = "protect"  # says what to do, not who they are: a file's name is seen by many


@dataclass(frozen=True)
class Written:
    """One file: its rows, size and hash, as the manifest and the ledger tell them."""

    path: Path
    rows: int
    bytes: int
    sha256: str


def write_result(
    result: Result, out: Path, format_: str, *, made_at: datetime, force: bool = False, **told: Any
) -> list[Written]:
    """Write a result to `out`, protected rows apart, and a manifest beside it; returns all that was written.

    told: what the manifest says besides.

    Raises:
        UsageError: a file is there already (without `force`).
    """
    protect = out.with_name(f"{out.stem}-{PROTECT}{out.suffix}")
    record = out.with_name(out.name + ".manifest.json")
    for path in (out, record, protect):
        if path.exists() and not force:
            raise UsageError(f"{path}: is there already; choose another --out, or --force to replace it")
    out.parent.mkdir(parents=True, exist_ok=True)
    provenance = provenance_of(result, made_at) | told
    if format_ == "xlsx":
        sheets = {"rows": _for_cells(result.rows), PROTECT: _for_cells(result.protect)}
        files = [_whole(out, result.count, lambda path: _write_workbook(path, sheets, provenance))]
    else:
        write = _WRITERS[format_]
        files = [_whole(out, result.rows.height, lambda path: write(result.rows, path))]
        if result.protect.height:
            files.append(_whole(protect, result.protect.height, lambda path: write(result.protect, path)))
    if len(files) == 1:
        protect.unlink(missing_ok=True)
    provenance["files"] = [{"file": f.path.name, "rows": f.rows, "sha256": f.sha256} for f in files]
    text = json.dumps(provenance, ensure_ascii=False, indent=1, default=str) + "\n"
    files.append(_whole(record, 0, lambda path: path.write_text(text, encoding="utf-8")))
    return files


def provenance_of(result: Result, made_at: datetime) -> dict[str, Any]:
    """Where a result comes from: enough to ask the same question again."""
    return {
        "query": result.query.name,
        "title": result.query.front.title,
        "source": result.query.front.source,
        "text_sha256": result.query.text_sha256,
        "parameters": {name: _plain(value) for name, value in result.parameters.items()},
        "run_id": result.run_id,
        "previous_run_id": result.previous_run_id,
        "as_of": result.as_of.isoformat(),
        "data_fingerprint": result.data_fingerprint,
        "made_at": made_at.isoformat(),
        "rows": result.rows.height,
        "rows_apart": result.protect.height,
        "is_cut": result.cut,
        "max_rows": result.query.front.max_rows,
        "reveals": list(result.query.front.reveals),
        "reveal_reason": result.query.front.reveal_reason,
    }


def _plain(value: Any) -> Any:
    """A value as JSON has it: days and instants as ISO 8601, exact numbers as text."""
    if isinstance(value, datetime):
        return value.isoformat() + "Z"
    if isinstance(value, date):
        return value.isoformat()
    return str(value) if isinstance(value, Decimal) else value


def json_rows(frame: pl.DataFrame) -> list[dict[str, Any]]:
    """Rows as plain values: amounts as exact text in their currency's decimals, instants ISO 8601 with Z."""
    return [
        {name: _plain(value) for name, value in row.items()}
        for row in cells.amounts_as_text(frame).iter_rows(named=True)
    ]


def as_csv(frame: pl.DataFrame) -> str:
    """Rows as CSV for people: no cell that a spreadsheet would run."""
    shown, _ = cells.neutralised(
        cells.amounts_as_text(_flat(frame)).with_columns(
            pl.col(pl.Datetime).dt.strftime("%Y-%m-%dT%H:%M:%SZ")
        )
    )
    return shown.write_csv(quote_style="necessary", null_value="")


def _flat(frame: pl.DataFrame) -> pl.DataFrame:
    """Lists as texts joined by `;`."""
    return frame.with_columns(
        pl.col(name).cast(pl.List(pl.String)).list.join(";")
        for name, dtype in frame.schema.items()
        if isinstance(dtype, pl.List)
    )


def _for_cells(frame: pl.DataFrame) -> pl.DataFrame:
    """As a workbook's cells hold it: days as instants at midnight, enumerations and lists as text."""
    return _flat(frame).with_columns(
        pl.col(pl.Date).cast(pl.Datetime("us")), pl.col(pl.Categorical, pl.Enum).cast(pl.String)
    )


def _write_workbook(path: Path, sheets: Mapping[str, pl.DataFrame], provenance: Mapping[str, Any]) -> None:
    workbook.write_workbook(path, sheets, provenance)


def _write_csv(frame: pl.DataFrame, path: Path) -> None:
    path.write_text(as_csv(frame), encoding="utf-8")


def _write_json(frame: pl.DataFrame, path: Path) -> None:
    path.write_text(json.dumps(json_rows(frame), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def _write_parquet(frame: pl.DataFrame, path: Path) -> None:
    frame.with_columns(pl.col(pl.Datetime).dt.replace_time_zone("UTC")).write_parquet(path)


_WRITERS: Mapping[str, Callable[[pl.DataFrame, Path], None]] = {
    "csv": _write_csv,
    "json": _write_json,
    "parquet": _write_parquet,
}


def _whole(path: Path, rows: int, write: Callable[[Path], object]) -> Written:
    """Write under a temporary name, have it on disk, and rename."""
    building = path.with_name(f".{path.name}.building")
    try:
        write(building)
        with building.open("rb+") as handle:
            os.fsync(handle.fileno())
            handle.seek(0)
            digest = hashlib.file_digest(handle, "sha256").hexdigest()
        size = building.stat().st_size
        os.replace(building, path)
    finally:
        building.unlink(missing_ok=True)
    return Written(path, rows, size, digest)
