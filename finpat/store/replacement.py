"""Putting a new load of a file in the place of an earlier one, in the transaction of the new load.

Which earlier load it is: the one of the same content; else the latest of a file at the same path. Its
segment, quarantine entries and catalogue row go, and its entry among the retired loads stays.

Rows of a later file that count as known because of a row of the replaced one are stored nowhere else: without
that row they would be lost. The same holds of rows that contradicted it, and of files that bring its
quarantined rows corrected. Such files have to be replaced in the same transaction, where they are judged anew
in their order; without them nothing is replaced.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

import duckdb

from finpat.errors import SourceError
from finpat.store.catalogue import StoredFile, open_for_reading, stored_files
from finpat.store.workspace import Workspace


@dataclass(frozen=True)
class Retired:
    """A load that another one replaced. Instants are naive UTC."""

    file_id: int
    name: str
    mapping_name: str
    replaced_by: int
    retired_at: datetime


@dataclass(frozen=True)
class Dependent:
    """A loaded file whose rows were judged by those of another; rows: how many, None if not counted."""

    file: StoredFile
    of: StoredFile
    rows: int | None


def find_earlier(files: Iterable[StoredFile], sha256: str, path: str | None) -> StoredFile | None:
    """The load that a new one of this content and path takes the place of; None if there is none."""
    files = sorted(files, key=lambda file: file.file_id, reverse=True)
    same_content = next((file for file in files if file.sha256 == sha256), None)
    if same_content is not None or path is None:
        return same_content
    return next((file for file in files if file.path == path), None)


def dependents(connection: duckdb.DuckDBPyConnection, replaced: Iterable[StoredFile]) -> list[Dependent]:
    """Loaded files, beside the replaced ones, that rely on their rows or correct those in quarantine."""
    mine = {file.file_id: file for file in replaced}
    others = {file.file_id: file for file in stored_files(connection) if file.file_id not in mine}
    found = connection.execute(
        """
        select file_id, of_file_id, if(count(row_count) = count(*), sum(row_count)::bigint, null)
        from (
            select file_id, of_file_id, row_count from judged_by
            union all
            select corrected_by, file_id, count(*) from quarantine where corrected_by is not null group by all
        )
        where list_contains(?, of_file_id)
        group by all order by all
        """,
        [list(mine)],
    ).fetchall()
    return [Dependent(others[by], mine[of], rows) for by, of, rows in found if by in others]


def all_dependents(connection: duckdb.DuckDBPyConnection, replaced: Iterable[StoredFile]) -> list[Dependent]:
    """The dependents of the replaced loads, those of the dependents, and so on."""
    found: list[Dependent] = []
    files = list(replaced)
    while added := dependents(connection, files):
        found += added
        files += {each.file.file_id: each.file for each in added}.values()
    return found


def check_dependents(found: list[Dependent]) -> None:
    """Refuse a replacement that would lose rows; `found` is what `all_dependents` says.

    Raises:
        SourceError: there are dependents; the message names the files to replace together.
    """
    if not found:
        return
    first = found[0]
    count = "some rows" if first.rows is None else f"{first.rows:,} row{'s' if first.rows != 1 else ''}"
    together = " ".join(
        dict.fromkeys([*(each.of.name for each in found), *(each.file.name for each in found)])
    )
    raise SourceError(
        f"{first.of.name}: {count} of {first.file.name} (loaded {first.file.ingested_at:%Y-%m-%d}) "
        f"{'may ' if first.rows is None else ''}count as known, or as corrections, because of this file, and "
        f"would be lost without it. Replace them together: finpat ingest --replace {together}. "
        "Nothing was changed."
    )


def retire(connection: duckdb.DuckDBPyConnection, files: Iterable[StoredFile]) -> None:
    """Take the loads out of the catalogue; entries that they had corrected are open again."""
    numbers = [file.file_id for file in files]
    for table, column in (
        ("files", "file_id"),
        ("quarantine", "file_id"),
        ("days", "file_id"),
        ("judged_by", "file_id"),
        ("judged_by", "of_file_id"),
    ):
        connection.execute(f"delete from {table} where list_contains(?, {column})", [numbers])
    connection.execute(
        "update quarantine set corrected_by = null where list_contains(?, corrected_by)", [numbers]
    )


def keep_as_retired(
    connection: duckdb.DuckDBPyConnection, file: StoredFile, replaced_by: int, now: datetime
) -> None:
    """Enter a load among the retired ones, with the number of the one that took its place."""
    connection.execute(
        "insert into retired values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            file.file_id, file.table_name, file.name, file.sha256, file.mapping_name, file.mapping_text,
            file.source_rows, file.loaded, file.ingested_at, replaced_by, now,
        ],
    )  # fmt: skip


def keep_judged_by(
    connection: duckdb.DuckDBPyConnection, file_id: int, rows_by_file: Mapping[int, int]
) -> None:
    """Enter how many rows of a new load were judged by rows of each stored file."""
    for of_file_id, rows in sorted(rows_by_file.items()):
        connection.execute("insert into judged_by values (?, ?, ?)", [file_id, of_file_id, rows])


def successors(connection: duckdb.DuckDBPyConnection) -> dict[int, int]:
    """Number of each retired load -> number of the load that stands in its place today."""
    after = dict(connection.execute("select file_id, replaced_by from retired").fetchall())
    found = {}
    for number in after:
        last = number
        while last in after:
            last = after[last]
        found[number] = last
    return found


def read_retired(workspace: Workspace) -> dict[int, Retired]:
    """The retired loads by number.

    Raises:
        StoreError: a process is writing to the workspace.
    """
    with open_for_reading(workspace) as connection:
        rows = connection.execute(
            "select file_id, name, mapping_name, replaced_by, retired_at from retired"
        ).fetchall()
    return {row[0]: Retired(*row) for row in rows}
