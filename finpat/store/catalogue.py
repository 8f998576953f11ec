"""The catalogue: the loaded files and the rows in quarantine. Its commit is what makes a file loaded."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from datetime import datetime
from importlib import resources
from pathlib import Path

import duckdb

from finpat.errors import StoreError
from finpat.schemas import TABLES
from finpat.store.failures import told_in_one_line
from finpat.store.workspace import Workspace, sync_folder

MEMORY_LIMIT = "400MB"  # DuckDB spills beyond it; with Polars' share a load stays below one gigabyte
SPILL = "store/spill"  # where DuckDB puts what a comparison of rows cannot hold in memory
SEGMENT_NAME = re.compile(r"\d+\.parquet")


@dataclass(frozen=True)
class StoredFile:
    """One row of `files`.

    Instants are naive UTC. header: the source's columns; delimiter: null where it is no delimited text.
    segment: relative to the workspace, null where nothing was new. place: position among the loaded files.
    path: where the file lay when it was loaded; null where that is not known.
    """

    file_id: int
    table_name: str
    name: str
    sha256: str
    bytes: int
    mapping_name: str
    mapping_text: str
    mapping_sha256: str
    header: list[str]
    delimiter: str | None
    source_rows: int
    loaded: int
    duplicate: int
    quarantined: int
    first_at: datetime | None
    last_at: datetime | None
    ingested_at: datetime
    segment: str | None
    segment_sha256: str | None
    columns: list[str]
    place: int
    path: str | None


FILE_COLUMNS = tuple(column.name for column in fields(StoredFile))


def migrations() -> list[tuple[int, str]]:
    """The catalogue's migrations in order: number, SQL."""
    folder = resources.files("finpat.store") / "migrations"
    found = [
        (int(file.name[:4]), file.read_text(encoding="utf-8"))
        for file in folder.iterdir()
        if file.name.endswith(".sql")
    ]
    return sorted(found)


def _version(connection: duckdb.DuckDBPyConnection) -> int:
    has_table = connection.execute(
        "select count(*) from duckdb_tables() "
        "where table_name = 'migrations' and database_name = current_database()"
    ).fetchall()[0][0]
    if not has_table:
        return 0
    return int(connection.execute("select coalesce(max(number), 0) from migrations").fetchall()[0][0])


def _check_version(path: Path, version: int) -> None:
    newest = migrations()[-1][0]
    if version > newest:
        raise StoreError(
            f"{path}: has catalogue version {version}, this finpat knows up to {newest}; "
            "install a newer finpat."
        )


def _migrate(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    version = _version(connection)
    _check_version(path, version)
    for number, sql in migrations():
        if number > version:
            with transaction(connection):
                if number == 1:
                    connection.execute("create table migrations (number integer primary key)")
                connection.execute(sql)
                connection.execute("insert into migrations values (?)", [number])


@contextmanager
def transaction(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """All or nothing."""
    connection.begin()
    try:
        yield
    except BaseException:
        try:
            connection.rollback()
        except duckdb.Error:
            pass  # a full disk has already made DuckDB roll back; the first error is the one to tell
        raise
    connection.commit()


def _create(path: Path) -> None:
    """Make an empty catalogue, which gets its name when it is whole.

    A process killed while DuckDB makes a file leaves one that nobody can open.
    """
    draft = path.with_name(path.name + ".part")
    for left in (draft, draft.with_name(draft.name + ".wal")):
        left.unlink(missing_ok=True)
    connection = duckdb.connect(str(draft))
    try:
        _migrate(connection, path)
    finally:
        connection.close()
    draft.replace(path)
    sync_folder(path.parent)


@contextmanager
def open_for_writing(workspace: Workspace, purpose: str) -> Iterator[duckdb.DuckDBPyConnection]:
    """The catalogue for the one writer: locked, in its newest version, swept of what a killed load left.

    Raises:
        StoreError: another process is writing or reading it, or the folder cannot be written.
    """
    with workspace.writing(purpose):
        with told_in_one_line(workspace.path, f"opening the catalogue to {purpose}"):
            if not workspace.catalogue.exists():
                _create(workspace.catalogue)
            connection = duckdb.connect(str(workspace.catalogue))
            try:
                connection.execute(f"set memory_limit = '{MEMORY_LIMIT}'")
                _migrate(connection, workspace.catalogue)
                sweep(workspace, connection)
            except BaseException:
                connection.close()
                raise
        try:
            yield connection
        finally:
            connection.close()


@contextmanager
def open_for_reading(workspace: Workspace) -> Iterator[duckdb.DuckDBPyConnection]:
    """The catalogue, read-only and for a moment; an empty one where nothing was ever loaded.

    Raises:
        StoreError: a process is writing, or a newer finpat wrote the catalogue.
    """
    if not workspace.catalogue.exists():
        connection = duckdb.connect(":memory:")
        try:
            _migrate(connection, workspace.catalogue)
            yield connection
        finally:
            connection.close()
        return
    with told_in_one_line(workspace.path, "reading the catalogue"):
        connection = duckdb.connect(str(workspace.catalogue), read_only=True)
        try:
            version = _version(connection)
            _check_version(workspace.catalogue, version)
            if (
                version < migrations()[-1][0]
            ):  # an older finpat wrote it, or was killed before it wrote anything
                connection.close()
                connection = _migrated_copy(workspace.catalogue, version)
            yield connection
        finally:
            connection.close()


def _migrated_copy(path: Path, version: int) -> duckdb.DuckDBPyConnection:
    """An older catalogue in memory, in its newest version; the file stays as it is."""
    connection = duckdb.connect(":memory:")
    try:
        if version:
            literal = str(path).replace("'", "''")
            connection.execute(f"attach '{literal}' as older (read_only)")
            connection.execute("copy from database older to memory")
            connection.execute("detach older")
        _migrate(connection, path)
    except BaseException:
        connection.close()
        raise
    return connection


def stored_files(connection: duckdb.DuckDBPyConnection, table: str | None = None) -> list[StoredFile]:
    """Loaded files in the order they came, of one table or of all."""
    rows = connection.execute(
        f"select {', '.join(FILE_COLUMNS)} from files where ? is null or table_name = ? "
        "order by place, file_id",
        [table, table],
    ).fetchall()
    return [StoredFile(*row) for row in rows]


def read_files(workspace: Workspace, table: str | None = None) -> list[StoredFile]:
    """Loaded files in the order they came, of one table or of all."""
    with open_for_reading(workspace) as connection:
        return stored_files(connection, table)


def next_file_id(connection: duckdb.DuckDBPyConnection) -> int:
    """A number that no file has had, retired ones included."""
    last = connection.execute(
        "select max(file_id) from (select file_id from files union all select file_id from retired)"
    ).fetchall()[0][0]
    return int(last or 0) + 1


def orphans(workspace: Workspace, known: list[StoredFile]) -> list[Path]:
    """Files among the segments that no catalogue row names: what a killed load left behind."""
    named = {workspace.path / file.segment for file in known if file.segment}
    found: list[Path] = []
    for table in TABLES:
        folder = workspace.segments(table)
        if folder.is_dir():
            found += [path for path in sorted(folder.iterdir()) if path not in named]
    return found


def sweep(workspace: Workspace, connection: duckdb.DuckDBPyConnection) -> None:
    """Delete what a killed load left behind. Only names that a load gives are touched."""
    for path in orphans(workspace, stored_files(connection)):
        if SEGMENT_NAME.fullmatch(path.name.removesuffix(".part").removesuffix(".draft")):
            path.unlink()
    shutil.rmtree(workspace.path / SPILL, ignore_errors=True)
