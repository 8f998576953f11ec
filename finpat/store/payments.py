"""Reading the store for a run: rows of the loaded files, in an order that depends on the files alone."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

import polars as pl

from finpat.errors import StoreError
from finpat.ledger import BALANCE, PLACE_COLUMNS, TEXT_COLUMNS
from finpat.schemas import CHANNEL_DTYPE, DIRECTION_DTYPE, TABLES
from finpat.store import keys
from finpat.store.catalogue import StoredFile, read_files
from finpat.store.workspace import Workspace

# Read where a file has them; `ledger.build_ledger` says what they are for.
OPTIONAL_COLUMNS = ("local_zone", *PLACE_COLUMNS, *TEXT_COLUMNS)
_NO_PAYMENTS: Mapping[str, pl.DataType | type[pl.DataType]] = {
    "booked_at": pl.Datetime("us"),
    "has_time": pl.Boolean,
    "account_id": pl.String,
    "counterparty_id": pl.String,
    "direction": DIRECTION_DTYPE,
    "amount_minor": pl.Int64,
    "currency": pl.Categorical,
    "channel": CHANNEL_DTYPE,
    "mirrored": pl.Boolean,
    "row_key": pl.UInt64,
}


def _chosen(workspace: Workspace, table: str, file_ids: Collection[int] | None) -> list[StoredFile]:
    files = read_files(workspace, table)
    if file_ids is not None:
        missing = set(file_ids) - {file.file_id for file in files}
        if missing:
            raise StoreError(f"{workspace.path}: no loaded {table} file has the number {min(missing)}.")
        files = [file for file in files if file.file_id in set(file_ids)]
    return [file for file in files if file.segment]


def _scan(workspace: Workspace, file: StoredFile, as_of: datetime | None) -> pl.LazyFrame:
    """The rows of one segment up to `as_of`, that instant included, in the file's order.

    Raises:
        StoreError: the segment is not there.
    """
    assert file.segment is not None
    path = workspace.path / file.segment
    if not path.exists():
        raise StoreError(
            f"{path}: is missing, though {file.name} was loaded into it; restore it from a backup."
        )
    rows = pl.scan_parquet(path)
    instant = next(
        (column.name for column in TABLES[file.table_name].columns if column.kind == "instant"), None
    )
    if as_of is not None and instant is not None:
        rows = rows.filter(pl.col(instant) <= as_of)
    return rows


def read_payments(
    workspace: Workspace, as_of: datetime | None = None, file_ids: Collection[int] | None = None
) -> pl.DataFrame:
    """The stored payments that a ledger is built from, files in the order they came, rows as in the file.

    A row's position here is its `row` everywhere in a run; `locate` finds it again. Columns: booked_at,
    has_time, account_id, counterparty_id (null where unknown), direction, amount_minor, currency, channel,
    mirrored, row_key; local_zone and the optional columns of the ledger where a file has them (null in the
    rows of files without). as_of: rows booked later are left out (naive UTC). file_ids: these files only.

    Raises:
        StoreError: a segment is missing, or a number names no loaded file.
    """
    parts = []
    for file in _chosen(workspace, "transactions", file_ids):
        present = set(file.columns)
        rows = _scan(workspace, file, as_of).select(
            "booked_at",
            "account_id",
            pl.col("counterparty_id")
            if "counterparty_id" in present
            else pl.lit(None, pl.String).alias("counterparty_id"),
            pl.col("direction").cast(DIRECTION_DTYPE),
            "amount_minor",
            pl.col("currency").cast(pl.Categorical),
            pl.col("channel").cast(CHANNEL_DTYPE),
            "mirrored",
            "row_key",
            *[pl.col(name).cast(pl.Categorical) for name in OPTIONAL_COLUMNS if name in present],
            *[pl.col(BALANCE) for _ in range(1) if BALANCE in present],
            has_time=pl.col("time_precision") != "day",
        )
        parts.append(rows)
    if not parts:
        return pl.DataFrame(schema=_NO_PAYMENTS)
    return pl.concat(parts, how="diagonal").collect()


def read_columns(
    workspace: Workspace,
    names: Collection[str],
    as_of: datetime | None = None,
    file_ids: Collection[int] | None = None,
) -> pl.DataFrame:
    """Chosen stored columns of the payments, row by row those of `read_payments(workspace, as_of, file_ids)`.

    Columns: `file_id` and those of `names` that some file has (null in the rows of files without). `extra` is
    JSON text, null where a row has no further value. Identifiers of accounts and words that repeat are
    Categorical.

    Raises:
        StoreError: a segment is missing, or a number names no loaded file.
    """
    parts = []
    for file in _chosen(workspace, "transactions", file_ids):
        parts.append(
            _scan(workspace, file, as_of).select(
                pl.lit(file.file_id, pl.Int32).alias("file_id"),
                *[_compact(file, name) for name in names if name in file.columns],
            )
        )
    if not parts:
        return pl.DataFrame(schema={"file_id": pl.Int32})
    return pl.concat(parts, how="diagonal").collect()


def _compact(file: StoredFile, name: str) -> pl.Expr:
    """A stored column in the form that holds it in the least memory."""
    if name == "direction":
        return pl.col(name).cast(DIRECTION_DTYPE)
    if name in ("account_id", "counterparty_id", "counterparty_name"):
        return pl.col(name).cast(pl.Categorical)
    if name == "extra":
        has_value = pl.any_horizontal(pl.col(name).struct.unnest().is_not_null())
        return pl.when(has_value).then(pl.col(name).struct.json_encode()).alias(name)
    return pl.col(name)


def locate(
    workspace: Workspace,
    rows: Sequence[int] | pl.Series,
    as_of: datetime | None = None,
    file_ids: Collection[int] | None = None,
) -> pl.DataFrame:
    """Everything that is known of some rows of `read_payments(workspace, as_of, file_ids)`, sorted by `row`.

    Columns: row, transaction_id, file_id, source_file, source_line, and the stored columns; `extra` (the
    source's further columns) as JSON text.

    Raises:
        StoreError: a segment is missing, or a row does not exist.
    """
    wanted = pl.Series("row", rows, pl.Int64).unique().sort()
    parts, start = [], 0
    for file in _chosen(workspace, "transactions", file_ids):
        scanned = _scan(workspace, file, as_of)
        count = file.loaded if as_of is None else scanned.select(pl.len()).collect().item()
        mine = wanted.filter((wanted >= start) & (wanted < start + count))
        if len(mine):
            found = (
                scanned.with_row_index("row", start)
                .with_columns(pl.col("row").cast(pl.Int64))
                .filter(pl.col("row").is_in(mine.implode()))
                .with_columns(file_id=pl.lit(file.file_id), source_file=pl.lit(file.name))
            )
            found = found.with_columns(pl.col(pl.Categorical).cast(pl.String))
            if "extra" in file.columns:
                found = found.with_columns(pl.col("extra").struct.json_encode())
            parts.append(found)
        start += count
    if len(wanted) and (wanted[0] < 0 or wanted[-1] >= start):
        raise StoreError(f"{workspace.path}: row {wanted[-1]} does not exist; there are {start}.")
    if not parts:
        return pl.DataFrame(schema={"row": pl.Int64, "transaction_id": pl.String, "file_id": pl.Int32,
                                    "source_file": pl.String, "source_line": pl.Int64})  # fmt: skip
    rows_found = pl.concat(parts, how="diagonal").collect().sort("row")
    first = ["row", "transaction_id", "file_id", "source_file", "source_line"]
    return rows_found.select(*first, pl.exclude(*first, "row_key"))


def read_table(
    workspace: Workspace, table: str, as_of: datetime | None = None, file_ids: Collection[int] | None = None
) -> pl.DataFrame:
    """The rows of accounts, ads, ad_payments or watchlist, one for each key, sorted by key.

    Where several files tell of one account, ad or watched value, each column has the latest value that any of
    them states, so a file without a column takes nothing away. Columns: the table's own that some file has
    (of ad_payments `amount_minor`, Int64 in minor units of the row's currency, in place of `amount`),
    and file_id and source_line of the row that came last.

    Raises:
        StoreError: a segment is missing, or a number names no loaded file.
    """
    declared = TABLES[table]
    parts = []
    for file in _chosen(workspace, table, file_ids):
        stored = [keys.stored_name(name, declared) for name in declared.names]
        names = [name for name in stored if name in file.columns]
        parts.append(
            _scan(workspace, file, as_of).select(*names, "source_line", file_id=pl.lit(file.file_id))
        )
    if not parts:
        return pl.DataFrame(schema={name: pl.String for name in declared.names})
    rows = pl.concat(parts, how="diagonal_relaxed").collect()
    if table not in keys.EVENTS:
        latest = [pl.col(name).drop_nulls().last() for name in rows.columns if name not in declared.key]
        rows = rows.group_by(declared.key, maintain_order=True).agg(latest)
    last = ["source_line", "file_id"]
    return rows.select(pl.exclude(last), *last).sort(declared.key)


def fingerprint(workspace: Workspace, file_ids: Collection[int] | None = None) -> str:
    """SHA-256 that names the loaded data: which files, read how, with how many new rows in each.

    It does not depend on the workspace's place, nor on the machine; the order of loading counts, because it
    decides which of two overlapping files a row came from.
    """
    files = [file for file in read_files(workspace) if file_ids is None or file.file_id in set(file_ids)]
    told = [
        [
            file.file_id,
            file.table_name,
            file.sha256,
            file.mapping_sha256,
            file.loaded,
            file.duplicate,
            file.quarantined,
        ]
        for file in files
    ]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()
