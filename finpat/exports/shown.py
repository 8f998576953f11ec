"""The part of a queue that a person sees, as a file: the same accounts in the same order.

What holds for the whole list (`flagged`) holds here: cells that a spreadsheet would run are neutralised,
amounts keep their currency's decimals, and possible victims are in no list of subjects.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import polars as pl

from finpat.errors import UsageError
from finpat.exports.flagged import POSSIBLE_VICTIM, write_csv
from finpat.exports.workbook import write_workbook
from finpat.readmodel import ReadModel
from finpat.readmodel.schema import LIST_COLUMNS

SHOWN_FORMATS = ("csv", "xlsx")


def shown_list(
    model: ReadModel, listed: pl.DataFrame, format_: str, choice: Mapping[str, Any], made_at: datetime
) -> bytes:
    """The accounts of `listed` in its order, as a file's bytes; names of holders are left out.

    choice: what was filtered and by which order, kept in the workbook's sheet `provenance`.

    Raises:
        UsageError: unknown format, or subjects and possible victims are mixed.
    """
    if format_ not in SHOWN_FORMATS:
        raise UsageError.unknown("format", format_, SHOWN_FORMATS)
    protected = listed.filter(pl.col("possible_role") == POSSIBLE_VICTIM).height
    if 0 < protected < listed.height:
        raise UsageError("a list holds subjects or possible victims, never both")
    frame = listed.select(name for name in LIST_COLUMNS if name != "holder_name")
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"list.{format_}"
        if format_ == "csv":
            write_csv(frame, path)
        else:
            manifest = model.manifest()
            provenance = {
                "run_id": manifest["run_id"],
                "as_of": manifest["as_of"],
                "made_at": made_at.isoformat(),
                "data_fingerprint": manifest["data"]["fingerprint"],
                "settings_hash": manifest["settings_hash"],
                "accounts": frame.height,
                **choice,
            }
            write_workbook(path, {"protect" if protected else "flagged": frame}, provenance)
        return path.read_bytes()
