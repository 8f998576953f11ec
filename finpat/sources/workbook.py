"""Excel workbooks (.xlsx, .xlsm, .xlsb, .xls) -> the text that a table of the same cells would have.

What comes out is read like any other delimited text: letterhead, header, mapping and footer work alike, and a
row's line is its row in the sheet. Numbers keep the 15 digits that Excel itself keeps and shows; dates become
ISO dates. A workbook lies in memory as a whole (a sheet holds 1,048,576 rows at most).
"""

from __future__ import annotations

import zipfile
from functools import lru_cache
from pathlib import Path

import polars as pl

from finpat.errors import SourceError

_OLD_EXCEL = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"  # an OLE container; .doc and .msg files are some too
_MOST_UNPACKED = 1 << 31  # bytes; what unpacks to more than this is no statement but a trap
_TIME_ALONE = r"^18(?:99-12-3[01]|00-01-00) "  # Excel's day 0 stands before a time without a date

_INSTANT = r"^(\d{4}-\d\d-\d\d) \d\d:\d\d:\d\d(?:\.\d+)?$"


def is_workbook(path: Path, magic: bytes) -> bool:
    """Whether the file is an Excel workbook, by what it holds."""
    if magic.startswith(_OLD_EXCEL):
        return True
    if not magic.startswith(b"PK\x03\x04"):
        return False
    try:
        with zipfile.ZipFile(path) as archive:
            return any(name.startswith("xl/workbook.") for name in archive.namelist())
    except (zipfile.BadZipFile, OSError):
        return False


@lru_cache(maxsize=1)
def sheet_as_text(path: Path, version: tuple[int, int]) -> bytes:
    """The one sheet that has rows, as CSV in UTF-8 without a header of its own.

    version: time of change and size of the file, so that a changed file is read again.

    Raises:
        SourceError: the workbook is damaged, locked by a password, or has rows in no or in several sheets.
    """
    import fastexcel  # only when a workbook is read

    _refuse_bomb(path)
    try:
        workbook = fastexcel.read_excel(path)
        found: dict[str, pl.DataFrame] = {}
        for name in workbook.sheet_names:
            sheet = workbook.load_sheet(name, header_row=None, skip_rows=0, dtypes="string")
            if sheet.height and sheet.width:
                found[name] = pl.DataFrame(sheet)
    except fastexcel.FastExcelError as error:
        reason = str(error).splitlines()[0]
        raise SourceError(
            f"{path}: the Excel workbook cannot be read ({reason}); a password has to be taken off, a "
            "damaged file copied again, or the sheet saved as CSV"
        ) from None
    if not found:
        raise SourceError(f"{path}: the Excel workbook has no rows")
    if len(found) > 1:
        raise SourceError(
            f"{path}: {len(found)} sheets have rows ({', '.join(found)}); save the one with the payments as "
            "a workbook of its own or as CSV"
        )
    (frame,) = found.values()
    cells = pl.all().str.replace_all(r"\s*[\r\n]+\s*", " ").str.replace(_TIME_ALONE, "")
    frame = frame.select(cells)
    dates = [name for name in frame.columns if _is_dates(frame[name])]
    frame = frame.with_columns(pl.col(dates).str.replace(_INSTANT, "$1"))
    return frame.write_csv(include_header=False, quote_style="necessary").encode()


def _is_dates(cells: pl.Series) -> bool:
    """Whether every instant in the column is a midnight: a date, which Excel keeps as an instant too."""
    instants = cells.filter(cells.str.contains(_INSTANT).fill_null(False))
    return len(instants) > 0 and instants.str.ends_with(" 00:00:00").all()


def _refuse_bomb(path: Path) -> None:
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            if sum(part.file_size for part in archive.infolist()) > _MOST_UNPACKED:
                raise SourceError(f"{path}: the workbook unpacks to more than 2 GB; save the sheet as CSV")
