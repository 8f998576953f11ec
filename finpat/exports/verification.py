"""Whether an exported list still is what it was: its bytes against the manifest, its rows against the run.

Somebody who changes a list can change the manifest beside it too; the rows of the run are what they cannot
reach from there, so both are held against them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
from polars import selectors
from polars.exceptions import PolarsError

from finpat.errors import RunError, UsageError
from finpat.exports import workbook
from finpat.exports.flagged import (
    EVIDENCE,
    FORMATS,
    PROFILES,
    PROTECT,
    SUBJECTS,
    Choice,
    Contents,
    contents,
    csv_cells,
    json_rows,
    manifest_path,
    sha256_of,
)
from finpat.readmodel import ReadModel

_KEYS = ("run_id", "format", "choice", "profile", "status_from", "columns", "data_fingerprint",
         "settings_hash", "subjects", "possible_victims_apart", "files")  # fmt: skip
_DIGITS = 1e-15  # a workbook keeps 16 digits of a number
_EXCEL_STEP = pl.duration(milliseconds=1)  # and milliseconds of an instant


@dataclass(frozen=True)
class Verdict:
    """What was compared, and what differs; nothing does where `differences` is empty."""

    run_id: str
    compared: tuple[str, ...]
    differences: tuple[str, ...]


def read_manifest(out: Path) -> dict[str, Any]:
    """The manifest beside an exported list.

    Raises:
        UsageError: it is missing, or is no manifest of an exported list.
    """
    path = manifest_path(out)
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UsageError(
            f"{path}: is missing; a list is checked against the manifest that was written beside it"
        ) from None
    except (OSError, ValueError) as error:
        raise UsageError(f"{path}: cannot be read: {error}") from None
    if not isinstance(told, dict):
        raise UsageError(f"{path}: is no manifest of an exported list")
    missing = [key for key in _KEYS if key not in told]
    if missing:
        raise UsageError(f"{path}: is no manifest of an exported list: {', '.join(missing)} missing")
    named = [entry.get("file") if isinstance(entry, dict) else None for entry in told["files"]]
    if out.name not in named or any(
        not isinstance(name, str) or not name or Path(name).name != name for name in named
    ):
        raise UsageError(f"{path}: does not belong to {out.name}")
    if told["format"] not in FORMATS or told["profile"] not in PROFILES:
        raise UsageError(f"{path}: names the format or profile of another version of finpat")
    return told


def verify_export(out: Path, told: Mapping[str, Any], open_run: Callable[[str], ReadModel]) -> Verdict:
    """Hash and read an exported list again, and hold it against the run that it came from.

    told: its manifest; open_run gives the read model of a run by number. The state of alerts changes from
    day to day: where the list took it from casework it is not compared.

    Raises:
        RunError: the workspace has no such run.
        UsageError: the manifest's choice cannot be read.
    """
    try:
        choice = Choice(**told["choice"])
    except TypeError:
        raise UsageError(f"{manifest_path(out)}: names the choice of another version of finpat") from None
    with open_run(told["run_id"]) as model:
        earlier = open_run(choice.new_since) if choice.new_since else None
        try:
            differences = _manifest_differences(told, model.manifest())
            held = contents(
                model, choice, told["profile"], with_evidence=told["format"] == "xlsx", earlier=earlier
            )
        finally:
            if earlier is not None:
                earlier.close()
    for key, frame in (("subjects", held.subjects), ("possible_victims_apart", held.protected)):
        if told[key] != frame.height:
            differences.append(f"manifest: {key} is {told[key]}, the run has {frame.height}")
    if told["columns"] != held.subjects.columns:
        differences.append("manifest: columns are not those of the list")
    compared = ["manifest"]
    for entry in told["files"]:
        path = out.with_name(entry["file"])
        compared.append(path.name)
        differences += _file_differences(path, entry.get("sha256"))
    skipped = ("status",) if told["status_from"] == "casework" else ()
    for where, path, expected in _parts(out, told["format"], held):
        if path.exists():
            differences += _row_differences(where, path, told["format"], expected, skipped)
        elif path.name not in compared:
            differences.append(f"{path.name}: is missing")
    return Verdict(str(told["run_id"]), tuple(compared), tuple(differences))


def _manifest_differences(told: Mapping[str, Any], run: Mapping[str, Any]) -> list[str]:
    actual = {"data_fingerprint": run["data"]["fingerprint"], "settings_hash": run["settings_hash"]}
    return [
        f"manifest: {key} is {told[key]}, the run has {value}"
        for key, value in actual.items()
        if told[key] != value
    ]


def _file_differences(path: Path, expected: object) -> list[str]:
    """What is wrong with the bytes of one file."""
    try:
        actual = sha256_of(path)
    except FileNotFoundError:
        return [f"{path.name}: is missing"]
    except OSError as error:
        return [f"{path.name}: cannot be read: {error.strerror or error}"]
    return [] if actual == expected else [f"{path.name}: was changed: sha256 is {actual}, was {expected}"]


def _parts(out: Path, format_: str, held: Contents) -> list[tuple[str, Path, pl.DataFrame]]:
    """Name for the reader (a sheet in a workbook), file and expected rows of each part."""
    if held.evidence is not None:
        evidence = held.evidence.head(workbook.MAX_ROWS)
        return [(SUBJECTS, out, held.subjects), (PROTECT, out, held.protected), (EVIDENCE, out, evidence)]
    protect = out.with_name(f"{out.stem}-{PROTECT}{out.suffix}")
    apart = [(protect.name, protect, held.protected)] if held.protected.height else []
    return [(out.name, out, held.subjects), *apart]


def _row_differences(
    where: str, path: Path, format_: str, expected: pl.DataFrame, skipped: tuple[str, ...]
) -> list[str]:
    """The first difference between the rows in a file and those of the run."""
    try:
        if format_ == "json":
            rows = json.loads(path.read_text("utf-8"))
            return _first_difference_of_rows(where, rows, json_rows(expected), skipped)
        read, expected = _READERS[format_](path, where, expected)
    except (OSError, ValueError, PolarsError, RunError) as error:
        return [f"{where}: cannot be read again: {str(error).splitlines()[0]}"]
    if read.columns != expected.columns:
        return [f"{where}: the columns are not those of the list"]
    if read.height != expected.height:
        return [f"{where}: has {read.height:,} rows, the run {expected.height:,}"]
    for name in expected.columns:
        if name in skipped:
            continue
        different = _different(read[name], expected[name], exact=format_ != "xlsx")
        at = different.arg_max() if different.any() else None
        if at is not None:
            return [
                f"{where}: row {at + 1}, {name} is {read[name][at]!r}, the run has {expected[name][at]!r}"
            ]
    return []


def _first_difference_of_rows(
    where: str, rows: Any, expected: list[dict[str, Any]], skipped: tuple[str, ...]
) -> list[str]:
    if not isinstance(rows, list) or len(rows) != len(expected):
        count = f"{len(rows):,} rows" if isinstance(rows, list) else "no list of rows"
        return [f"{where}: has {count}, the run {len(expected):,}"]
    for at, (row, right) in enumerate(zip(rows, expected, strict=True), start=1):
        if not isinstance(row, dict) or list(row) != list(right):
            return [f"{where}: row {at}: the columns are not those of the list"]
        for name, value in right.items():
            if name not in skipped and row[name] != value:
                return [f"{where}: row {at}, {name} is {row[name]!r}, the run has {value!r}"]
    return []


def _different(read: pl.Series, expected: pl.Series, *, exact: bool) -> pl.Series:
    """Where two columns differ; numbers and instants of a workbook by more than it can hold."""
    pair = pl.DataFrame({"read": read, "expected": expected})
    unequal = pl.col("read").ne_missing(pl.col("expected"))
    if not exact and expected.dtype.is_float():
        tolerated = _DIGITS * pl.col("expected").abs()
        unequal &= ((pl.col("read") - pl.col("expected")).abs() > tolerated).fill_null(True)
    if not exact and expected.dtype == pl.Datetime:
        unequal &= ((pl.col("read") - pl.col("expected")).abs() > _EXCEL_STEP).fill_null(True)
    return pair.select(unequal).to_series()


def _read_csv(path: Path, _: str, expected: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The file, and what it should hold: texts as they are written, empty for null, numbers as numbers."""
    shown, _count = csv_cells(expected)
    read = pl.read_csv(path, infer_schema=False)
    if read.columns == shown.columns:
        numbers = {name: dtype for name, dtype in shown.schema.items() if dtype != pl.String}
        read = read.with_columns(
            pl.col(name).replace("", None).cast(dtype) for name, dtype in numbers.items()
        )
    empty = pl.col(pl.String).fill_null("")
    return read.with_columns(empty), shown.with_columns(empty)


def _read_parquet(path: Path, _: str, expected: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    read = pl.read_parquet(path, glob=False)
    return read, expected.with_columns(pl.col(pl.Datetime).dt.replace_time_zone("UTC"))


def _read_sheet(path: Path, sheet: str, expected: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The sheet with the types that a workbook has: texts, numbers, instants, yes or no."""
    shown = expected.with_columns(
        selectors.numeric().cast(pl.Float64), pl.col(pl.String).map_elements(workbook.fitting, pl.String)
    )
    import fastexcel

    try:
        read = pl.read_excel(
            path, sheet_name=sheet, schema_overrides=dict(shown.schema), raise_if_empty=False,
            drop_empty_rows=False,
        )  # fmt: skip
    except fastexcel.FastExcelError as error:
        raise ValueError(str(error)) from None
    if not shown.height and not read.height:
        return shown.clear(), shown
    return read, shown


_READERS: Mapping[str, Callable[[Path, str, pl.DataFrame], tuple[pl.DataFrame, pl.DataFrame]]] = {
    "csv": _read_csv,
    "parquet": _read_parquet,
    "xlsx": _read_sheet,
}
