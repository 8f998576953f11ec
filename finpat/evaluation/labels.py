"""Labels: the known answers that an evaluation compares a ranked list with (`schemas.LABELS`)."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from finpat.errors import SourceError, nearest

LABEL_COLUMNS = ("account_id", "label", "role", "typology")
_WORDS = {"0": False, "1": True, "false": False, "true": True}


def read_labels(path: Path) -> pl.DataFrame:
    """Labels from a CSV or Parquet file, checked; see `check_labels` for the columns.

    Raises:
        SourceError: the file is missing, unreadable, empty, lacks a column or holds a label other than 0 and
        1.
    """
    if not path.is_file():
        raise SourceError(
            f"{path}: no such labels file. Expected a CSV or Parquet file with account_id and label."
        )
    try:
        if path.suffix.lower() in {".parquet", ".pq"}:
            frame = pl.read_parquet(path)
        else:
            frame = pl.read_csv(path, infer_schema=False, encoding="utf8")
    except (pl.exceptions.PolarsError, OSError, UnicodeDecodeError) as error:
        first = (str(error).splitlines() or ["unknown fault"])[0]
        raise SourceError(f"{path}: cannot be read as CSV or Parquet: {first}") from None
    return check_labels(frame, str(path))


def check_labels(frame: pl.DataFrame, origin: str = "labels") -> pl.DataFrame:
    """One row per labelled account: account_id, is_positive, role?, typology? as text, in the frame's order.

    Raises:
        SourceError: naming the first row that has no account, no label, a label other than 0 and 1, or an
        account
            that an earlier row has labelled already.
    """
    for name in ("account_id", "label"):
        if name not in frame.columns:
            raise SourceError(
                f"{origin}: column {name!r} is missing. It has: {', '.join(frame.columns) or 'no columns'}."
                f"{nearest(name, frame.columns)}"
            )
    if frame.is_empty():
        raise SourceError(f"{origin}: no rows. Expected one row for each labelled account.")
    kept = [name for name in LABEL_COLUMNS if name in frame.columns]
    text = frame.select(pl.col(kept).cast(pl.String).str.strip_chars()).with_row_index("row", offset=1)
    text = text.with_columns(
        is_positive=pl.col("label").str.to_lowercase().str.replace(r"^([01])\.0+$", "$1").replace_strict(
            _WORDS, default=None, return_dtype=pl.Boolean
        )
    )  # fmt: skip
    faulty = text.filter(pl.col("account_id").fill_null("") == "").head(1)
    if faulty.height:
        raise SourceError(
            f"{origin} row {faulty['row'][0]:,}: account_id is empty, expected the account's id."
        )
    faulty = text.filter(pl.col("is_positive").is_null()).head(1)
    if faulty.height:
        raise SourceError(
            f"{origin} row {faulty['row'][0]:,}: label is {faulty['label'][0]!r}, expected 0 or 1."
        )
    faulty = text.filter(~pl.col("account_id").is_first_distinct()).head(1)
    if faulty.height:
        account = faulty["account_id"][0]
        raise SourceError(
            f"{origin} row {faulty['row'][0]:,}: account {account!r} is labelled a second time."
        )
    return text.select("account_id", "is_positive", *(name for name in kept if name in ("role", "typology")))
