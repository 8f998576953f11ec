"""The connection that queries run on: it cannot write, reach files or the network, or load extensions.

A database in memory, with the published run attached read-only and shown through views that mask personal
data. Everything is attached and copied before the door is shut; then external access is switched off and the
configuration locked, which DuckDB allows in this direction only.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import polars as pl

from finpat.errors import QueryError, RunError
from finpat.readmodel import schema
from finpat.readmodel.schema import Column
from finpat.scheduled.catalogue import Query
from finpat.scheduled.statement import Statement
from finpat.scheduled.tables import BESIDE, MASKED, PERSONAL, READ_MODELS, SEALED, TABLES

THREADS = 2  # a query beside the dashboard and a run leaves them room


@dataclass(frozen=True)
class Reach:
    """What a query may see.

    model: the published run's file. previous: that of the run before, if there is one. beside: frames of the
    other schemas by (schema, table), with their declared columns; a table without a frame is empty.
    """

    model: Path
    previous: Path | None = None
    beside: Mapping[tuple[str, str], pl.DataFrame] = field(default_factory=dict)


@contextlib.contextmanager
def open_locked(reach: Reach, query: Query, statement: Statement) -> Iterator[duckdb.DuckDBPyConnection]:
    """The locked connection for one query.

    Raises:
        RunError: a published run cannot be read, or another version of finpat published it.
    """
    with _memory(query.front.memory_mb) as connection:
        for name in READ_MODELS:
            path = reach.model if name == "rm" else reach.previous
            if path is not None:
                _attach(connection, name, path)
                _show(connection, name, statement.tables, query.front.reveals, path)
            elif name in statement.schemas:
                _create_empty(connection, name, _read_from(statement.tables, name))
        for name in BESIDE:
            _copy(connection, name, _read_from(statement.tables, name), reach.beside)
        _lock(connection)
        yield connection


@contextlib.contextmanager
def open_empty(query: Query, statement: Statement) -> Iterator[duckdb.DuckDBPyConnection]:
    """A locked connection where the tables that a query reads are there and empty: what lint asks."""
    with _memory(query.front.memory_mb) as connection:
        for name in statement.schemas:
            _create_empty(connection, name, _read_from(statement.tables, name))
        _lock(connection)
        yield connection


def _read_from(tables: Collection[tuple[str, str]], name: str) -> list[str]:
    return sorted(table for of, table in tables if of == name)


@contextlib.contextmanager
def _memory(memory_mb: int) -> Iterator[duckdb.DuckDBPyConnection]:
    settings: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": f"{memory_mb}MB",
        "threads": THREADS,
        "temp_directory": "",  # nothing is spilled: a query beyond its memory ends with an error
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
        "allow_community_extensions": "false",
        "python_enable_replacements": "false",  # a table name must not find a variable of this program
    }
    connection = duckdb.connect(":memory:", config=settings)
    try:
        connection.execute("SET TimeZone = 'UTC'")
        yield connection
    finally:
        connection.close()


def _lock(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _attach(connection: duckdb.DuckDBPyConnection, name: str, path: Path) -> None:
    try:
        connection.execute(f"ATTACH {_literal(str(path))} AS {name}_file (READ_ONLY)")
    except duckdb.Error as error:
        reason = str(error).splitlines()[0]
        raise RunError(f"{path}: cannot be read: {reason}; make it anew with `finpat run`") from None


def _show(
    connection: duckdb.DuckDBPyConnection,
    name: str,
    tables: Collection[tuple[str, str]],
    reveals: Collection[str],
    path: Path,
) -> None:
    """Views of the tables that a query reads, personal data masked but where the query reveals it."""
    connection.execute(f"CREATE SCHEMA {name}")
    for table in _read_from(tables, name):
        masks = [
            f"CASE WHEN {column} IS NOT NULL THEN {_literal(MASKED)} END AS {column}"
            for column, of in PERSONAL.items()
            if table in of and f"{table}.{column}" not in reveals
        ]
        shown = f"* REPLACE ({', '.join(masks)})" if masks else "*"
        try:
            connection.execute(
                f"CREATE VIEW {name}.{_quoted(table)} AS "
                f"SELECT {shown} FROM {name}_file.{schema.SCHEMA}.{_quoted(table)}"
            )
        except duckdb.Error as error:
            reason = str(error).splitlines()[0]
            raise RunError(
                f"{path}: was published by another version of finpat ({reason}); make it anew with "
                "`finpat run`"
            ) from None


def declared_columns(name: str, table: str) -> tuple[Column, ...]:
    """Declared columns of a table, those of the features included."""
    columns = TABLES[name][table]
    if name in READ_MODELS and table == schema.ACCOUNT_FEATURES.name:
        from finpat.readmodel.dictionary import feature_columns  # loads every feature: half a second

        return (*columns, *feature_columns())
    return columns


def _create_empty(connection: duckdb.DuckDBPyConnection, name: str, tables: Collection[str]) -> None:
    connection.execute(f"CREATE SCHEMA IF NOT EXISTS {name}")
    for table in tables:
        if (name, table) in SEALED:
            continue
        columns = ", ".join(f"{_quoted(c.name)} {c.type}" for c in declared_columns(name, table))
        connection.execute(f"CREATE TABLE {name}.{_quoted(table)} ({columns})")


def _copy(
    connection: duckdb.DuckDBPyConnection,
    name: str,
    tables: Collection[str],
    beside: Mapping[tuple[str, str], pl.DataFrame],
) -> None:
    """Tables beside the read model, copied into memory before the door is shut."""
    if not tables:
        return
    _create_empty(connection, name, tables)
    for table in tables:
        frame = beside.get((name, table))
        if frame is None or frame.is_empty():
            continue
        unknown = set(frame.columns) - {column.name for column in declared_columns(name, table)}
        if unknown:
            raise QueryError(f"{name}.{table} has undeclared columns: {', '.join(sorted(unknown))}")
        connection.register("_frame", frame.to_arrow())
        names = ", ".join(map(_quoted, frame.columns))
        connection.execute(f"INSERT INTO {name}.{_quoted(table)} ({names}) SELECT {names} FROM _frame")
        connection.unregister("_frame")
