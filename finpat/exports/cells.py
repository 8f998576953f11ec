"""Cells that a spreadsheet shows as they are.

A cell that begins with a formula sign is run by spreadsheet programs when a CSV file is opened (OWASP, "CSV
Injection"). Names and descriptions come from whoever sends a payment, so they are neutralised for people;
files for machines carry them unchanged.
"""

from __future__ import annotations

import polars as pl

from finpat import money

# The signs that start a formula, their full-width forms, and the white space that programs skip before them.
FORMULA_START = r"^[\s\x00]*[=+\-@＝＋－＠]|^[\t\r\n]"
MAX_CELL = 32_767  # characters that one xlsx cell holds (Excel specifications and limits)


def starts_formula(column: str) -> pl.Expr:
    """Whether a spreadsheet would run the text of this column."""
    return pl.col(column).str.contains(FORMULA_START).fill_null(False)


def neutralised(frame: pl.DataFrame) -> tuple[pl.DataFrame, int]:
    """The frame with an apostrophe before each text that would start a formula, and how many those are."""
    texts = [name for name, dtype in frame.schema.items() if dtype == pl.String]
    count = int(frame.select(pl.sum_horizontal(pl.lit(0), *[starts_formula(t).sum() for t in texts])).item())
    shown = frame.with_columns(
        pl.when(starts_formula(name)).then(pl.lit("'") + pl.col(name)).otherwise(name).alias(name)
        for name in texts
    )
    return shown, count


def amounts_as_text(frame: pl.DataFrame) -> pl.DataFrame:
    """Decimal columns as text with the decimals of the row's `currency`, e.g. 1234.50."""
    columns = [name for name, dtype in frame.schema.items() if isinstance(dtype, pl.Decimal)]
    currencies = frame["currency"].unique().drop_nulls().to_list() if columns else []
    decimals = pl.col("currency").replace_strict(
        currencies, [money.decimals_of(code) for code in currencies], default=None, return_dtype=pl.Int32
    )
    kept = sorted({money.decimals_of(code) for code in currencies})

    def text(name: str) -> pl.Expr:
        shown = pl.col(name).cast(pl.String)
        for places in kept:
            scaled = pl.col(name).cast(pl.Decimal(28, places)).cast(pl.String)
            shown = pl.when(decimals == places).then(scaled).otherwise(shown)
        return shown.alias(name)

    return frame.with_columns(text(name) for name in columns)
