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

from finpat import money
from finpat.readmodel import schema
from finpat.readmodel.legs import Legs

CURRENT = "CURRENT"


@dataclass(frozen=True)
class Publication:
    """What one run hands to its readers.

    tables: frames by table name, with the columns of `schema` (further columns are left out, absent ones are
        null); a table without a frame is published empty. account_features may have any further columns. An
        amount is a decimal, or minor units under `<name>_minor` in a frame with `currency`. Rows may be in
        any order.
    legs: the transactions, in the order of the ledger.
    """

    run_id: str
    manifest: Mapping[str, Any]
    tables: Mapping[str, pl.DataFrame]
    legs: Legs | None = None
    threads: int = 0


def publish(folder: Path, publication: Publication, *, memory_limit: str = "512MB") -> Path:
    """Write `folder/<run_id>.duckdb`; once the run is complete, `make_current` points readers at it.

    memory_limit: what DuckDB may hold while it writes.

    Raises:
        ValueError: a frame is for a table that the read model has not.
    """
    unknown = publication.tables.keys() - {table.name for table in schema.TABLES}
    if unknown:
        raise ValueError(f"the read model has no table {', '.join(sorted(unknown))}; declare it in schema.py")
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
            if publication.legs is not None and publication.legs.ledger.legs.height:
                _insert_legs(connection, publication.legs)
            connection.execute("COMMIT")
            for name in _LOOKED_UP_BY_ACCOUNT:
                connection.execute(f"CREATE INDEX {name}_account ON {schema.SCHEMA}.{name} (account_id)")
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


# Ids are all different: looking for a dictionary in them costs a quarter of publishing and saves little.
_STORED_AS = {("transactions", "transaction_id"): " USING COMPRESSION uncompressed"}

# One row of these is asked for at a time: an index halves the look-up at 100,000 accounts and costs 0.1 s.
_LOOKED_UP_BY_ACCOUNT = ("flagged_accounts", "accounts")


def _create_tables(connection: duckdb.DuckDBPyConnection, features: pl.DataFrame | None) -> None:
    statements = [f"CREATE SCHEMA {schema.SCHEMA}"]
    for table in schema.TABLES:
        columns = [(column.name, column.type) for column in table.columns]
        if table is schema.ACCOUNT_FEATURES:
            columns += _feature_columns(features)
        name = f"{schema.SCHEMA}.{table.name}"
        definitions = [f"{_quoted(n)} {t}{_STORED_AS.get((table.name, n), '')}" for n, t in columns]
        statements.append(f"CREATE TABLE {name} ({', '.join(definitions)})")
        statements.append(f"COMMENT ON TABLE {name} IS {_literal(table.doc)}")
        statements += [
            f"COMMENT ON COLUMN {name}.{_quoted(column.name)} IS {_literal(column.doc)}"
            for column in table.columns
        ]
    connection.execute("; ".join(statements))


def _insert_frame(connection: duckdb.DuckDBPyConnection, table: schema.Table, frame: pl.DataFrame) -> None:
    """Insert a frame in the table's order, its columns by name."""
    if table is schema.ACCOUNT_FEATURES:
        values = {name: _quoted(name) for name in frame.columns}
    else:
        values = {name: _quoted(name) for name in table.names if name in frame.columns}
        for name in table.names:
            if f"{name}_minor" in frame.columns and name not in values:
                codes = frame["currency"].drop_nulls().unique().cast(pl.String).to_list()
                values[name] = _scale(sorted(codes), _quoted(f"{name}_minor"))
    # DuckDB keeps insertion order, so no second sort is needed.
    order = [name for name in table.order if name in values]
    if not _is_in_order(frame, order):
        frame = frame.sort(order, nulls_last=True)
    read = [name for name in frame.columns if name in values or name.removesuffix("_minor") in values]
    connection.register("_frame", frame.select(read).to_arrow())
    connection.execute(
        f"INSERT INTO {schema.SCHEMA}.{table.name} ({', '.join(map(_quoted, values))}) "
        f"SELECT {', '.join(values.values())} FROM _frame"
    )
    connection.unregister("_frame")


def _is_in_order(frame: pl.DataFrame, names: Sequence[str]) -> bool:
    """Whether the rows are sorted by these columns already, which have no nulls; costs less than sorting."""
    tied, later = pl.lit(True), pl.lit(False)
    for name in names:
        before = pl.col(name).shift(1)
        later |= tied & (before < pl.col(name))
        tied &= before == pl.col(name)
    return bool(frame.select((later | tied).slice(1).fill_null(False).all()).item())


def _scale(currencies: Sequence[str], column: str) -> str:
    """SQL for the exact decimal amount of minor units, by the row's currency."""
    by_decimals: dict[int, list[str]] = {}
    for currency in currencies:
        by_decimals.setdefault(money.decimals_of(currency), []).append(currency)
    if not by_decimals:
        return f"NULL::{schema.MONEY}"
    # A product of integers: DECIMAL division would round, and a double would lose the last digit.
    exact = {
        decimals: f"{column}::DECIMAL(20, 0) * {_unit(decimals)}::DECIMAL(8, 8)" for decimals in by_decimals
    }
    if len(exact) == 1:
        return f"({exact.popitem()[1]})::{schema.MONEY}"
    branches = " ".join(
        f"WHEN currency IN ({', '.join(map(_literal, sorted(codes)))}) THEN {exact[decimals]}"
        for decimals, codes in sorted(by_decimals.items())
    )
    return f"(CASE {branches} END)::{schema.MONEY}"


def _unit(decimals: int) -> str:
    """One minor unit as a decimal literal: 2 -> 0.01."""
    return f"0.{'0' * (decimals - 1)}1"


def _insert_legs(connection: duckdb.DuckDBPyConnection, legs: Legs) -> None:
    """Store the legs as they come: sorted by account and time."""
    reader = legs.reader()
    values = {name: _quoted(name) for name in reader.schema.names}
    for name in ("amount", "balance_after"):
        if values.pop(f"{name}_minor", None):
            values[name] = _scale(legs.currencies, f"{name}_minor")
    connection.register("_legs", reader)
    connection.execute(
        f"INSERT INTO {schema.SCHEMA}.{schema.TRANSACTIONS.name} ({', '.join(map(_quoted, values))}) "
        f"SELECT {', '.join(values.values())} FROM _legs"
    )
    connection.unregister("_legs")


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
