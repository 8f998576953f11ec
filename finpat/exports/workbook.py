"""The list as an Excel workbook: typed cells, ids as text, nothing that runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from finpat import money
from finpat.errors import UsageError
from finpat.exports.cells import MAX_CELL

MAX_ROWS = 1_048_575  # rows of one sheet below the header (Excel specifications and limits)
_WIDTHS = {
    "reason": 80,
    "sentence": 60,
    "account_id": 24,
    "indicators": 36,
    "typologies": 28,
    "holder_name": 24,
}
_OPTIONS = {
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
    "constant_memory": True,
}


def write_workbook(path: Path, sheets: Mapping[str, pl.DataFrame], provenance: Mapping[str, Any]) -> int:
    """Write one sheet per frame and a last one with the provenance; returns 0, since no text is altered.

    A sheet named `evidence` that is too long is cut and says so in the provenance.

    Raises:
        UsageError: a list has more rows than a sheet holds.
    """
    notes = dict(provenance)
    with xlsxwriter.Workbook(str(path), _OPTIONS) as book:
        header = book.add_format({"bold": True, "bottom": 1})
        instant = book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
        amounts = {
            places: book.add_format({"num_format": "#,##0." + "0" * places})
            for places in range(money.MIN_FIAT_DECIMALS, money.CRYPTO_DECIMALS + 1)
        }
        for name, frame in sheets.items():
            if frame.height > MAX_ROWS:
                if name != "evidence":
                    raise UsageError(
                        f"{frame.height:,} accounts do not fit a sheet of {MAX_ROWS:,} rows; "
                        "use csv or parquet, or fewer with --top"
                    )
                notes["evidence_cut_at_rows"] = MAX_ROWS
            _write_sheet(book.add_worksheet(name), frame.head(MAX_ROWS), header, instant, amounts)
        flat = pl.DataFrame(
            [(key, str(value)) for key, value in notes.items()],
            schema={"what": pl.String, "value": pl.String},
            orient="row",
        )
        _write_sheet(book.add_worksheet("provenance"), flat, header, instant, amounts)
    return 0


def _write_sheet(
    sheet: Worksheet, frame: pl.DataFrame, header: Format, instant: Format, amounts: Mapping[int, Format]
) -> None:
    sheet.freeze_panes(1, 0)
    for column, name in enumerate(frame.columns):
        sheet.set_column(column, column, _WIDTHS.get(name, 18))
        sheet.write_string(0, column, name, header)
    if frame.height:
        sheet.autofilter(0, 0, frame.height, frame.width - 1)
    currency_at = frame.columns.index("currency") if "currency" in frame.columns else None
    write: dict[type, Callable[..., object]] = {
        str: lambda row, column, value, _: sheet.write_string(row, column, fitting(value)),
        bool: lambda row, column, value, _: sheet.write_boolean(row, column, value),
        datetime: lambda row, column, value, _: sheet.write_datetime(row, column, value, instant),
        Decimal: lambda row, column, value, places: sheet.write_number(row, column, value, amounts[places]),
    }
    for row, values in enumerate(frame.iter_rows(), start=1):
        places = money.MIN_FIAT_DECIMALS
        if currency_at is not None and values[currency_at]:
            places = money.decimals_of(values[currency_at])
        for column, value in enumerate(values):
            if value is not None:
                writer = write.get(type(value))
                if writer is None:
                    sheet.write_number(row, column, value)
                else:
                    writer(row, column, value, places)


def fitting(text: str) -> str:
    """The text as long as a cell holds; an ellipsis says that it was cut."""
    return text if len(text) <= MAX_CELL else text[: MAX_CELL - 1] + "…"
