"""Writing the read model: one DuckDB file per run, never written to again.

The file is built under a temporary name, checkpointed, closed and renamed; then CURRENT is replaced to name
it. Readers hold on to the file that they opened, so a run is never blocked by a reader and a reader never
sees half a run.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from finpat import money, schemas
from finpat.readmodel import schema

CURRENT = "CURRENT"


@dataclass(frozen=True)
class Segment:
    """One stored Parquet file of transactions, and the export that it was loaded from."""

    source_id: str
    file: str
    path: Path


@dataclass(frozen=True)
class Publication:
    """What one run hands to its readers.

    tables: frames by table name, with the columns of `schema` (further columns are left out, absent ones are
        null); a table without a frame is published empty. account_features may have any further columns.
    segments: where the transactions are; DuckDB expands and sorts them, never holding them all in memory.
    as_of: rows booked later are left out (naive UTC).
    """

    run_id: str
    manifest: Mapping[str, Any]
    tables: Mapping[str, pl.DataFrame]
    segments: Sequence[Segment]
    as_of: datetime
    threads: int = 0


def publish(folder: Path, publication: Publication, *, memory_limit: str = "1GB") -> Path:
    """Write `folder/<run_id>.duckdb`; once the run is complete, `make_current` points readers at it.

    Transactions are sorted outside memory beyond `memory_limit`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"{publication.run_id}.duckdb"
    building = folder / f".{publication.run_id}.building"
    _remove(building)
    settings: dict[str, Any] = {"memory_limit": memory_limit, "temp_directory": f"{building}.tmp"}
    if publication.threads:
        settings["threads"] = publication.threads
    try:
        with contextlib.closing(duckdb.connect(str(building), config=settings)) as connection:
            connection.execute("BEGIN")  # two hundred statements, one write to disk
            _create_tables(connection, publication.tables.get("account_features"))
            for table in schema.TABLES:
                frame = publication.tables.get(table.name)
                if frame is not None and table is not schema.TRANSACTIONS:
                    _insert_frame(connection, table, frame)
            _insert_transactions(connection, publication)
            connection.execute("COMMIT")
            connection.execute("CHECKPOINT")
        _sync(building)
        os.replace(building, target)
    finally:
        _remove(building)
    return target


def make_current(folder: Path, published: Path) -> None:
    """Point CURRENT at a published file; readers that look next open it."""
    pointer = folder / f".{CURRENT}.building"
    pointer.write_text(published.name + "\n", encoding="utf-8")
    _sync(pointer)
    os.replace(pointer, folder / CURRENT)


def _remove(building: Path) -> None:
    for leftover in (building, building.with_name(building.name + ".wal")):
        leftover.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    """Have the file on disk before a rename makes it visible."""
    with path.open("rb+") as handle:
        os.fsync(handle.fileno())


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


_FEATURE_TYPES: Mapping[type[pl.DataType], str] = {
    pl.Boolean: "BOOLEAN",
    pl.String: "VARCHAR",
    pl.Datetime: "TIMESTAMP",
    pl.Date: "DATE",
    pl.Float32: "FLOAT",
    pl.Float64: "DOUBLE",
}


def _feature_columns(features: pl.DataFrame | None) -> Iterator[tuple[str, str]]:
    if features is None:
        return
    for name, dtype in features.schema.items():
        if name != "account_id":
            yield name, _FEATURE_TYPES.get(dtype.base_type(), "BIGINT" if dtype.is_integer() else "VARCHAR")


def _create_tables(connection: duckdb.DuckDBPyConnection, features: pl.DataFrame | None) -> None:
    statements = [f"CREATE SCHEMA {schema.SCHEMA}"]
    for table in schema.TABLES:
        columns = [(column.name, column.type) for column in table.columns]
        if table is schema.ACCOUNT_FEATURES:
            columns += _feature_columns(features)
        name = f"{schema.SCHEMA}.{table.name}"
        statements.append(f"CREATE TABLE {name} ({', '.join(f'{_quoted(n)} {t}' for n, t in columns)})")
        statements.append(f"COMMENT ON TABLE {name} IS {_literal(table.doc)}")
        statements += [
            f"COMMENT ON COLUMN {name}.{_quoted(column.name)} IS {_literal(column.doc)}"
            for column in table.columns
        ]
    connection.execute("; ".join(statements))


def _insert_frame(connection: duckdb.DuckDBPyConnection, table: schema.Table, frame: pl.DataFrame) -> None:
    """Insert a frame in the table's order, its columns by name."""
    if table is schema.ACCOUNT_FEATURES:
        names = list(frame.columns)
    else:
        names = [name for name in table.names if name in frame.columns]
    # Sorted here and inserted in order: DuckDB keeps insertion order, so no second sort is needed.
    ordered = frame.select(names).sort([name for name in table.order if name in names], nulls_last=True)
    connection.register("_frame", ordered.to_arrow())
    listed = ", ".join(_quoted(name) for name in names)
    connection.execute(f"INSERT INTO {schema.SCHEMA}.{table.name} ({listed}) SELECT {listed} FROM _frame")
    connection.unregister("_frame")


def _scale(currencies: Sequence[str], column: str) -> str:
    """SQL for the exact decimal amount of minor units, by the row's currency."""
    by_decimals: dict[int, list[str]] = {}
    for currency in currencies:
        by_decimals.setdefault(money.decimals_of(currency), []).append(currency)
    # A product of integers: DECIMAL division would round, and a double would lose the last digit.
    branches = " ".join(
        f"WHEN currency IN ({', '.join(map(_literal, sorted(codes)))}) "
        f"THEN {column}::DECIMAL(20, 0) * {_unit(decimals)}::DECIMAL(8, 8)"
        for decimals, codes in sorted(by_decimals.items())
    )
    return f"(CASE {branches} END)::{schema.MONEY}"


def _unit(decimals: int) -> str:
    """One minor unit as a decimal literal: 2 -> 0.01."""
    return f"0.{'0' * (decimals - 1)}1"


def _insert_transactions(connection: duckdb.DuckDBPyConnection, publication: Publication) -> None:
    """Expand mirrored rows to two legs and store all legs sorted by account and time."""
    if not publication.segments:
        return
    files = pl.DataFrame(
        [(s.source_id, s.file, s.path.stem) for s in publication.segments],
        schema={"source_id": pl.String, "source_file": pl.String, "stem": pl.String},
        orient="row",
    )
    connection.register("_files", files.to_arrow())
    # Segments with one and the same schema are read together; `extra` has other fields in every layout.
    groups: dict[tuple[tuple[str, str], ...], list[str]] = {}
    for segment in publication.segments:
        columns = pl.read_parquet_schema(segment.path)
        layout = tuple((name, str(dtype)) for name, dtype in columns.items())
        groups.setdefault(layout, []).append(str(segment.path))
    paths = [path for group in groups.values() for path in group]
    currencies = [
        code
        for (code,) in connection.execute(
            "SELECT DISTINCT currency FROM read_parquet($paths)", {"paths": paths}
        ).fetchall()
    ]
    if not currencies:
        return
    parts = []
    seen = f"booked_at <= {_literal(publication.as_of.isoformat())}::TIMESTAMP"
    for layout, group in groups.items():
        present = {name for name, _ in layout}
        listed = "[" + ", ".join(_literal(path) for path in group) + "]"
        rows = (
            f"(SELECT *, parse_filename(filename, true) AS stem FROM read_parquet({listed}, filename=true))"
        )
        sides = [(False, "true"), (True, "mirrored")]
        for mirror, which in sides if "counterparty_id" in present else sides[:1]:
            leg = _leg(present, currencies, mirror=mirror)
            parts.append(f"SELECT {leg} FROM {rows} WHERE {seen} AND {which}")
    target = schema.TRANSACTIONS
    listed = ", ".join(_quoted(name) for name in target.names)
    connection.execute(
        f"INSERT INTO {schema.SCHEMA}.{target.name} ({listed}) SELECT {listed} "
        f"FROM ({' UNION ALL '.join(parts)}) JOIN _files USING (stem) ORDER BY {', '.join(target.order)}"
    )
    connection.unregister("_files")


def _leg(present: set[str], currencies: Sequence[str], *, mirror: bool) -> str:
    """The select list of one leg of a stored row; the mirror swaps the sides and turns the direction."""
    swapped = {
        "account_id": "counterparty_id",
        "counterparty_id": "account_id",
        "direction": "CASE direction WHEN 'debit' THEN 'credit' ELSE 'debit' END",
        "counterparty_name": "NULL::VARCHAR",  # names the mirror's own account, not its counterparty
        "balance_after": f"NULL::{schema.MONEY}",  # the balance of the side that the row was written for
    }
    listed = ["stem", f"{'true' if mirror else 'false'} AS mirrored", "source_line"]
    for column in schemas.TRANSACTIONS.columns:
        type_ = schema.DUCKDB_TYPES[column.kind]
        if mirror and column.name in swapped:
            value = swapped[column.name]
        elif column.kind == "decimal":
            minor = f"{column.name}_minor"
            value = _scale(currencies, minor) if minor in present else f"NULL::{type_}"
        else:
            value = _quoted(column.name) if column.name in present else f"NULL::{type_}"
        listed.append(f"{value} AS {_quoted(column.name)}")
    listed.append(("to_json(extra)" if "extra" in present else "NULL::JSON") + " AS extra")
    return ", ".join(listed)


def runs_row(manifest: Mapping[str, Any]) -> pl.DataFrame:
    """The one row of rm.runs for a manifest (see `finpat.pipeline`)."""
    return pl.DataFrame(
        {
            "run_id": [manifest["run_id"]],
            "as_of": [datetime.fromisoformat(manifest["as_of"])],
            "started_at": [datetime.fromisoformat(manifest["started_at"])],
            "data_fingerprint": [manifest["data"]["fingerprint"]],
            "settings_hash": [manifest["settings_hash"]],
            "finpat_version": [manifest["versions"]["finpat"]],
            "seed": [manifest["seed"]],
            "account_count": [manifest["counts"]["accounts"]],
            "transaction_count": [manifest["counts"]["transactions"]],
            "manifest": [json.dumps(manifest, sort_keys=True)],
        }
    )
