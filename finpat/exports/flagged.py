"""The flagged-account list as a file: csv and xlsx for people, parquet and json for programs.

Possible victims are kept out of the list of subjects and written to a file (xlsx: a sheet) of their own:
FinCEN asks that "a potential victim ... should not be reported as the subject of a SAR" (FIN-2020-A008).
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl

from finpat.errors import UsageError
from finpat.exports import cells, workbook
from finpat.readmodel import ReadModel
from finpat.readmodel.schema import LIST_COLUMNS

POSSIBLE_VICTIM = "possible_victim"
# Says what to do, not who they are: a file's name is seen by many (tipping-off, safety of the person).
PROTECT = "protect"


@dataclass(frozen=True)
class Choice:
    """Which accounts: the `top` (0: all) with `min_score` and more, and not chosen so in run `new_since`."""

    top: int = 0
    min_score: int = 0
    new_since: str | None = None


@dataclass(frozen=True)
class Exported:
    """What was written."""

    files: tuple[Path, ...]
    manifest: Path
    subjects: int
    protected: int
    neutralised: int = field(default=0)


def write_csv(frame: pl.DataFrame, path: Path) -> int:
    """Write a file for people to open; returns how many cells were neutralised. Amounts need `currency`."""
    shown, count = cells.neutralised(_instants_as_text(cells.amounts_as_text(frame)))
    amounts = [name for name, dtype in frame.schema.items() if isinstance(dtype, pl.Decimal)]
    # Amounts are text by now so that every currency keeps its decimals; only real text is quoted.
    text = shown.with_columns(
        (pl.lit('"') + pl.col(name).str.replace_all('"', '""', literal=True) + pl.lit('"')).alias(name)
        for name, dtype in shown.schema.items()
        if dtype == pl.String and name not in amounts
    )
    text.write_csv(path, quote_style="never", null_value="")
    return count


def _instants_as_text(frame: pl.DataFrame) -> pl.DataFrame:
    """UTC instants as ISO 8601 with the zone said."""
    return frame.with_columns(pl.col(pl.Datetime).dt.strftime("%Y-%m-%dT%H:%M:%SZ"))


def _write_parquet(frame: pl.DataFrame, path: Path) -> int:
    frame.with_columns(pl.col(pl.Datetime).dt.replace_time_zone("UTC")).write_parquet(path)
    return 0


def _write_json(frame: pl.DataFrame, path: Path) -> int:
    path.write_text(as_json(frame), encoding="utf-8")
    return 0


def as_json(frame: pl.DataFrame) -> str:
    """Rows as a JSON array."""
    return json.dumps(json_rows(frame), ensure_ascii=False, indent=1) + "\n"


def json_rows(frame: pl.DataFrame) -> list[dict[str, Any]]:
    """Rows as plain values: amounts are numbers, instants ISO 8601 with Z."""
    return _instants_as_text(frame).with_columns(pl.col(pl.Decimal).cast(pl.Float64)).to_dicts()


_WRITERS: Mapping[str, Callable[[pl.DataFrame, Path], int]] = {
    "csv": write_csv,
    "parquet": _write_parquet,
    "json": _write_json,
}
FORMATS = (*_WRITERS, "xlsx")


def split_subjects(listed: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The list without possible victims, and the possible victims, both in the list's columns and order."""
    listed = listed.select(LIST_COLUMNS)
    is_possible_victim = (pl.col("possible_role") == POSSIBLE_VICTIM).fill_null(False)
    return listed.filter(~is_possible_victim), listed.filter(is_possible_victim)


def with_states(listed: pl.DataFrame, states: Mapping[str, str] | None) -> pl.DataFrame:
    """The list with the state of each account's alert (null: it has none); None leaves the list as it is.

    A state says who has to do what; what an alert came to, a report above all, is no part of any list.
    """
    if states is None:
        return listed
    found = [states.get(account_id) for account_id in listed["account_id"]]
    return listed.with_columns(status=pl.Series(found, dtype=pl.String))


def export_flagged(
    model: ReadModel,
    out: Path,
    format_: str,
    choice: Choice,
    *,
    earlier: ReadModel | None = None,
    states: Mapping[str, str] | None = None,
    force: bool = False,
    made_at: datetime,
) -> Exported:
    """Write the list to `out`, possible victims apart, and a manifest beside it.

    `earlier` is the read model of run `choice.new_since`, `states` the alerts' by account. Files
    appear whole or not at all.

    Raises:
        UsageError: unknown format, a file is there already (without `force`), or it cannot be written.
    """
    if format_ not in FORMATS:
        raise UsageError.unknown("format", format_, FORMATS)
    protect = out.with_name(f"{out.stem}-{PROTECT}{out.suffix}")
    record = out.with_name(out.name + ".manifest.json")
    listed = with_states(model.flagged(choice.top, choice.min_score, earlier), states)
    subjects, protected = split_subjects(listed)
    apart = format_ != "xlsx" and protected.height > 0
    for path in (out, record, protect):
        if path.exists() and not force:
            raise UsageError(f"{path}: is there already; choose another --out, or --force to replace it")
    if out.exists() and out.is_dir():
        raise UsageError(f"{out}: is a folder; --out names the file to write")
    provenance = _provenance(model, format_, choice, subjects.height, protected.height, made_at)
    written: list[tuple[Path, int, str]] = []
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        if format_ == "xlsx":
            ids = subjects["account_id"].to_list()
            evidence = model.evidence_of(ids, limit=workbook.MAX_ROWS + 1)
            sheets = {"flagged": subjects, PROTECT: protected, "evidence": evidence}
            neutralised = 0
            _whole(out, lambda path: workbook.write_workbook(path, sheets, provenance))
            written.append((out, subjects.height + protected.height, "flagged accounts"))
        else:
            write = _WRITERS[format_]
            neutralised = _whole(out, lambda path: write(subjects, path))
            written.append((out, subjects.height, "flagged accounts"))
            if apart:
                neutralised += _whole(protect, lambda path: write(protected, path))
                written.append(
                    (protect, protected.height, "possible victims: protect and refer, no subjects")
                )
            else:
                protect.unlink(missing_ok=True)
        provenance["neutralised_cells"] = neutralised
        provenance["files"] = [
            {"file": path.name, "rows": rows, "holds": holds, "sha256": _sha256(path)}
            for path, rows, holds in written
        ]
        text = json.dumps(provenance, ensure_ascii=False, indent=1) + "\n"
        _whole(record, lambda path: path.write_text(text, encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{error.filename or out}: cannot be written: {error.strerror or error}") from None
    return Exported(
        tuple(path for path, _, _ in written), record, subjects.height, protected.height, neutralised
    )


def _whole(path: Path, write: Callable[[Path], int]) -> int:
    """Write under a temporary name and rename."""
    building = path.with_name(f".{path.name}.building")
    try:
        result = write(building)
        os.replace(building, path)
    finally:
        building.unlink(missing_ok=True)
    return result


def _sha256(path: Path) -> str:
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def _provenance(
    model: ReadModel, format_: str, choice: Choice, subjects: int, protected: int, made_at: datetime
) -> dict[str, Any]:
    """Where the list comes from: enough to make the same list again."""
    run = model.manifest()
    return {
        "run_id": run["run_id"],
        "as_of": run["as_of"],
        "made_at": made_at.isoformat(),
        "format": format_,
        "choice": asdict(choice),
        "accounts_scored": run["counts"]["accounts"],
        "subjects": subjects,
        "possible_victims_apart": protected,
        "data_fingerprint": run["data"]["fingerprint"],
        "settings_hash": run["settings_hash"],
        "versions": run["versions"],
    }
