"""The flagged-account list as a file: csv and xlsx for people, parquet and json for programs.

A manifest beside each list says where it comes from; `finpat.exports.verification` holds the two together.

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
from finpat.readmodel import schema as tables
from finpat.readmodel.masking import name_shape
from finpat.readmodel.schema import LIST_COLUMNS

MANIFEST_SUFFIX = ".manifest.json"
# Both keep possible victims out of the subjects and marked.
VICTIM_SAFE = "victim-safe"  # their names, and what bookings say of them, only as shapes
FULL = "full"  # as the sources have them, for a stated reason
PROFILES = (VICTIM_SAFE, FULL)
POSSIBLE_VICTIM = "possible_victim"
# Says what to do, not who they are: a file's name is seen by many (tipping-off, safety of the person).
PROTECT = "protect"
SUBJECTS = "flagged"
EVIDENCE = "evidence"
DICTIONARY = "dictionary"


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


def csv_cells(frame: pl.DataFrame) -> tuple[pl.DataFrame, int]:
    """The cells of a CSV file for people, and how many of them were neutralised."""
    return cells.neutralised(_instants_as_text(cells.amounts_as_text(frame)))


def write_csv(frame: pl.DataFrame, path: Path) -> int:
    """Write a file for people to open; returns how many cells were neutralised. Amounts need `currency`."""
    shown, count = csv_cells(frame)
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


@dataclass(frozen=True)
class Contents:
    """What an export holds: subjects, possible victims, and the rows behind the findings on subjects."""

    subjects: pl.DataFrame
    protected: pl.DataFrame
    evidence: pl.DataFrame | None


def contents(
    model: ReadModel,
    choice: Choice,
    profile: str,
    *,
    with_evidence: bool,
    earlier: ReadModel | None = None,
    states: Mapping[str, str] | None = None,
) -> Contents:
    """What an export of this choice holds.

    `earlier` is the read model of run `choice.new_since`, `states` the alerts' by account. The profile
    `victim-safe` shows a possible victim's name as its shape, in bookings with others too.
    """
    listed = model.flagged(choice.top, choice.min_score, earlier)
    subjects, protected = split_subjects(with_states(listed, states))
    evidence = None
    if with_evidence:
        ids = subjects["account_id"].to_list()
        evidence = model.evidence_of(ids, limit=workbook.MAX_ROWS + 1)
    if profile == VICTIM_SAFE:
        protected = _as_shapes(protected, ("holder_name",), pl.lit(True))
        if evidence is not None:
            ranked = model.ranked().filter(pl.col("possible_role") == POSSIBLE_VICTIM)
            with_them = pl.col("counterparty_id").is_in(ranked["account_id"].implode()).fill_null(False)
            evidence = _as_shapes(evidence, ("counterparty_name", "description"), with_them)
    return Contents(subjects, protected, evidence)


def _as_shapes(frame: pl.DataFrame, columns: tuple[str, ...], where: pl.Expr) -> pl.DataFrame:
    """The frame with the shape of these texts in place of them, in the rows `where` says."""
    return frame.with_columns(
        pl.when(where).then(pl.col(name).map_elements(name_shape, pl.String)).otherwise(name).alias(name)
        for name in columns
    )


def data_dictionary(sheets: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """One row per sheet and column: its type and meaning as the read model declares them."""
    declared = {
        column.name: column
        for table in (tables.FINDING_EVIDENCE, tables.TRANSACTIONS, tables.FINDINGS)
        for column in table.columns
    }
    of_list = {column.name: column for column in tables.FLAGGED_ACCOUNTS.columns}
    rows = []
    for sheet, frame in sheets.items():
        known = declared if sheet == EVIDENCE else of_list
        rows += [(sheet, name, known[name].type, known[name].doc) for name in frame.columns]
    return pl.DataFrame(rows, schema=["sheet", "column", "type", "meaning"], orient="row")


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
    made_at: datetime,
    made_by: str | None = None,
    profile: str = VICTIM_SAFE,
    reason: str | None = None,
    earlier: ReadModel | None = None,
    states: Mapping[str, str] | None = None,
    force: bool = False,
) -> Exported:
    """Write the list to `out`, possible victims apart, and a manifest beside it.

    `earlier` is the read model of run `choice.new_since`, `states` the alerts' by account, `reason` why
    possible victims are named (profile `full`). Files appear whole or not at all.

    Raises:
        UsageError: unknown format or profile, `full` without a reason, a file is there already (without
            `force`), or it cannot be written.
    """
    if format_ not in FORMATS:
        raise UsageError.unknown("format", format_, FORMATS)
    check_profile(profile, reason)
    protect = out.with_name(f"{out.stem}-{PROTECT}{out.suffix}")
    record = manifest_path(out)
    for path in (out, record, protect):
        if path.exists() and not force:
            raise UsageError(f"{path}: is there already; choose another --out, or --force to replace it")
    if out.exists() and out.is_dir():
        raise UsageError(f"{out}: is a folder; --out names the file to write")
    in_workbook = format_ == "xlsx"
    held = contents(model, choice, profile, with_evidence=in_workbook, earlier=earlier, states=states)
    subjects, protected = held.subjects, held.protected
    provenance = _provenance(model, format_, choice, held, made_at) | {
        "made_by": made_by,
        "profile": profile,
        "reason": reason,
        "status_from": "run" if states is None else "casework",
        "columns": list(LIST_COLUMNS),
    }
    written: list[tuple[Path, int, str]] = []
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        if held.evidence is not None:
            sheets = {SUBJECTS: subjects, PROTECT: protected, EVIDENCE: held.evidence}
            sheets[DICTIONARY] = data_dictionary(sheets)
            neutralised = 0
            _whole(out, lambda path: workbook.write_workbook(path, sheets, provenance))
            written.append((out, subjects.height + protected.height, "flagged accounts"))
            protect.unlink(missing_ok=True)
        else:
            write = _WRITERS[format_]
            neutralised = _whole(out, lambda path: write(subjects, path))
            written.append((out, subjects.height, "flagged accounts"))
            if protected.height:
                neutralised += _whole(protect, lambda path: write(protected, path))
                written.append(
                    (protect, protected.height, "possible victims: protect and refer, no subjects")
                )
            else:
                protect.unlink(missing_ok=True)
        provenance["neutralised_cells"] = neutralised
        provenance["files"] = [
            {"file": path.name, "rows": rows, "holds": holds, "sha256": sha256_of(path)}
            for path, rows, holds in written
        ]
        text = json.dumps(provenance, ensure_ascii=False, indent=1) + "\n"
        _whole(record, lambda path: path.write_text(text, encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{error.filename or out}: cannot be written: {error.strerror or error}") from None
    return Exported(
        tuple(path for path, _, _ in written), record, subjects.height, protected.height, neutralised
    )


def check_profile(profile: str, reason: str | None) -> None:
    """Refuse an unknown profile, and `full` without a reason.

    Raises:
        UsageError: either.
    """
    if profile not in PROFILES:
        raise UsageError.unknown("profile", profile, PROFILES)
    if profile == FULL and not (reason or "").strip():
        raise UsageError("--profile full names possible victims: say why with --reason TEXT")
    if profile != FULL and reason is not None:
        raise UsageError("--reason goes with --profile full, which names possible victims")


def manifest_path(out: Path) -> Path:
    """Where the manifest of an exported file is."""
    return out.with_name(out.name + MANIFEST_SUFFIX)


def _whole(path: Path, write: Callable[[Path], int]) -> int:
    """Write under a temporary name and rename."""
    building = path.with_name(f".{path.name}.building")
    try:
        result = write(building)
        os.replace(building, path)
    finally:
        building.unlink(missing_ok=True)
    return result


def sha256_of(path: Path) -> str:
    """Hash of a file's bytes."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def _provenance(
    model: ReadModel, format_: str, choice: Choice, held: Contents, made_at: datetime
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
        "subjects": held.subjects.height,
        "possible_victims_apart": held.protected.height,
        "data_fingerprint": run["data"]["fingerprint"],
        "settings_hash": run["settings_hash"],
        "versions": run["versions"],
    }
