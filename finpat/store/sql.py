"""The stored rows for people who write SQL: a DuckDB connection with one view for each table."""

from __future__ import annotations

import duckdb

from finpat.money import decimals_of
from finpat.schemas import TABLES, Column
from finpat.store.catalogue import StoredFile, read_files
from finpat.store.keys import EVENTS
from finpat.store.workspace import Workspace

_TYPES = {"instant": "timestamp", "date": "date", "decimal": "decimal(38, 8)"}
_SWAPPED = {
    "account_id": "counterparty_id",
    "counterparty_id": "account_id",
    "direction": "if(direction = 'credit', 'debit', 'credit')",
    "counterparty_name": "null",  # it names the mirror's own account
    "balance_after": "null",  # it is the balance of the side that the row was written for
}


def connect(workspace: Workspace) -> duckdb.DuckDBPyConnection:
    """A connection in memory with the views transactions, accounts, ads, ad_payments and watchlist.

    transactions has one row for each leg, so a mirrored row is there twice; amounts are exact decimals. Every
    view has the table's columns (null where no file has one) with source_file and source_line. The other
    tables are as loaded: of accounts, ads and watchlist each version of a key is a row. Nothing that is done
    with the connection changes the workspace.

    Raises:
        StoreError: a process is writing to the workspace.
    """
    files = [file for file in read_files(workspace) if file.segment]
    connection = duckdb.connect(":memory:")
    connection.execute("create table currencies (currency varchar primary key, unit decimal(18, 12))")
    for table in TABLES.values():
        parts = [part for file in files if file.table_name == table.name for part in _parts(workspace, file)]
        if table.name in EVENTS and parts:
            paths = [
                str(workspace.path / file.segment)
                for file in files
                if file.segment and file.table_name == table.name
            ]
            found = connection.execute("select distinct currency from read_parquet(?)", [paths]).fetchall()
            for (code,) in found:
                connection.execute(
                    "insert or ignore into currencies values (?, 10.0 ** ?)", [code, -decimals_of(code)]
                )
        nothing = ", ".join(f'null::{_type(column)} as "{column.name}"' for column in table.columns)
        parts = parts or [
            f"select {nothing}, null::varchar as source_file, null::bigint as source_line where false"
        ]
        connection.execute(f"create view {table.name} as {' union all '.join(parts)}")
    return connection


def _type(column: Column) -> str:
    return _TYPES.get(column.kind, "varchar")


def _parts(workspace: Workspace, file: StoredFile) -> list[str]:
    """The select statements of one segment: the written legs, and the mirrors where there are any."""
    assert file.segment is not None
    path = _literal(str(workspace.path / file.segment))
    mirrors = {"mirrored", "counterparty_id"} <= set(file.columns)
    parts = []
    for mirror in (False, True) if mirrors else (False,):
        listed = [_value(file, column, mirror=mirror) for column in TABLES[file.table_name].columns]
        source = f"read_parquet({path})" + (
            " join currencies using (currency)" if file.table_name in EVENTS else ""
        )
        parts.append(
            f"select {', '.join(listed)}, {_literal(file.name)} as source_file, source_line from {source}"
            + (" where mirrored" if mirror else "")
        )
    return parts


def _value(file: StoredFile, column: Column, *, mirror: bool) -> str:
    minor = f"{column.name}_minor"
    if mirror and column.name in _SWAPPED:
        value = _SWAPPED[column.name]
        value = value if value not in ("account_id", "counterparty_id") or value in file.columns else "null"
    elif minor in file.columns:
        value = f"{minor}::decimal(20, 0) * unit"
    else:
        value = f'"{column.name}"' if column.name in file.columns else "null"
    return f'cast({value} as {_type(column)}) as "{column.name}"'


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
