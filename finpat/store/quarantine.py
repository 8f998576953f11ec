"""Rows that could not be loaded: listed, and given back as files that can be corrected and loaded again.

An exported file has the source's own columns, so the mapping that read the source reads it too, and in front
of them what is wrong with each row. Those further columns come back with the corrected rows, and a row that
is loaded, or found to be loaded already, marks its entry here as corrected. A file without a header has no
place for them; its entries stay open.
"""

from __future__ import annotations

import csv
import io
import json
import tomllib
from collections.abc import Sequence
from pathlib import Path

import duckdb
import polars as pl

from finpat.sources.mapping import Dialect, parse_mapping
from finpat.store.catalogue import StoredFile, open_for_reading, stored_files
from finpat.store.failures import told_in_one_line
from finpat.store.replacement import successors
from finpat.store.workspace import Workspace

# Columns in front of the source's own in an exported file.
FILE_COLUMN, LINE_COLUMN = "finpat_file_id", "finpat_line"
MARKS = (FILE_COLUMN, "finpat_file", LINE_COLUMN, "finpat_column", "finpat_reason", "finpat_message")


def list_quarantine(workspace: Workspace, *, with_corrected: bool = False) -> pl.DataFrame:
    """The rows in quarantine, by file and line.

    Columns: file_id, file, table, source_line, column (null where the whole row is bad), reason, message, raw
    (the row as the source wrote it), state (`open` or `corrected`), corrected_by (file_id that brought the
    row).

    Raises:
        StoreError: a process is writing to the workspace.
    """
    with open_for_reading(workspace) as connection:
        rows: pl.DataFrame = connection.sql(
            """
            select
                quarantine.file_id, files.name as file, files.table_name as "table", source_line, "column",
                reason, message, raw, if(corrected_by is null, 'open', 'corrected') as state, corrected_by
            from quarantine join files using (file_id)
            order by file_id, source_line, reason
            """
        ).pl()
    return rows if with_corrected else rows.filter(pl.col("state") == "open")


def export_quarantine(
    workspace: Workspace, folder: Path, file_ids: Sequence[int] | None = None
) -> list[Path]:
    """Write the open rows to `folder`, one file per source file (all, or `file_ids`); returns the paths.

    Correct the cells, leave the columns finpat_... as they are, and load the file with the mapping that its
    name ends in. The cells are the source's own, unchanged: a spreadsheet may take a text for a formula.

    Raises:
        StoreError: a process is writing to the workspace, or the folder cannot be written.
    """
    rows = list_quarantine(workspace)
    with open_for_reading(workspace) as connection:
        files = {file.file_id: file for file in stored_files(connection)}
    written = []
    with told_in_one_line(folder, "exporting the quarantine"):
        for (file_id,), mine in rows.group_by("file_id", maintain_order=True):
            file = files[int(str(file_id))]
            if file_ids is not None and file.file_id not in file_ids:
                continue
            folder.mkdir(parents=True, exist_ok=True)
            path = folder / f"quarantine-{file.file_id}-{Path(file.name).stem}.{file.mapping_name}.csv"
            dialect = parse_mapping(tomllib.loads(file.mapping_text), file.mapping_name).dialect
            text = _as_csv(file, dialect, mine)
            path.write_text(text, encoding=dialect.encoding or "utf-8", errors="backslashreplace", newline="")
            written.append(path)
    return written


def _as_csv(file: StoredFile, dialect: Dialect, rows: pl.DataFrame) -> str:
    text = io.StringIO()
    writer = csv.writer(text, delimiter=file.delimiter or dialect.delimiter or ",", quotechar=dialect.quote)
    has_header = dialect.header_line != 0
    for _ in range(
        (dialect.header_line or 1) - 1
    ):  # the mapping says that so many lines stand above the header
        text.write("rows from the quarantine of finpat\r\n")
    if has_header:
        writer.writerow([*MARKS, *file.header])
    for row in rows.iter_rows(named=True):
        marks = [
            row["file_id"],
            row["file"],
            row["source_line"],
            row["column"],
            row["reason"],
            row["message"],
        ]
        writer.writerow([*(marks if has_header else []), *_cells(file, dialect, row["raw"] or "")])
    return text.getvalue()


def _cells(file: StoredFile, dialect: Dialect, raw: str) -> list[str]:
    """The cells of one raw row in the order of the source's columns; one cell if it cannot be split."""
    if file.delimiter is not None:
        try:
            return next(
                csv.reader(io.StringIO(raw, newline=""), delimiter=file.delimiter, quotechar=dialect.quote),
                [""],
            )
        except csv.Error:
            return [raw]
    try:
        values = json.loads(raw)
    except ValueError:
        return [raw]
    return [_cell(values.get(name)) for name in file.header] if isinstance(values, dict) else [raw]


def _cell(value: object) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def marks_of(draft: Path) -> pl.DataFrame:
    """Rows of a draft that come from an exported quarantine: position, of_file, of_line, source_line."""
    rows = pl.scan_parquet(draft)
    extra = rows.collect_schema().get("extra")
    fields = {field.name for field in extra.fields} if isinstance(extra, pl.Struct) else set()
    if not {FILE_COLUMN, LINE_COLUMN} <= fields:
        return pl.DataFrame()
    marks = rows.select(
        "source_line",
        of_file=pl.col("extra").struct.field(FILE_COLUMN).cast(pl.Int64, strict=False),
        of_line=pl.col("extra").struct.field(LINE_COLUMN).cast(pl.Int64, strict=False),
    )
    return marks.drop_nulls().collect()


def mark_corrected(connection: duckdb.DuckDBPyConnection, file_id: int, marks: pl.DataFrame) -> None:
    """Mark the entries that `marks` (see `marks_of`) name as corrected by a file.

    Entries of a file that was replaced since are those of the file in its place.
    """
    if marks.is_empty():
        return
    marks = marks.with_columns(pl.col("of_file").replace(successors(connection)))
    connection.register("marks", marks.to_arrow())
    connection.execute(
        """
        update quarantine set corrected_by = ?
        where corrected_by is null and (file_id, source_line) in (select (of_file, of_line) from marks)
        """,
        [file_id],
    )
    connection.unregister("marks")
