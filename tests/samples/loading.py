"""Reading the sample exports by their mappings."""

from __future__ import annotations

import tomllib
from pathlib import Path

import polars as pl

from finpat.config import Settings
from finpat.sources import load_mapping, open_source, read_batches

SAMPLES = Path(__file__).parents[2] / "data_samples"


def index() -> list[dict[str, str]]:
    """The files of samples.toml: path, table, mapping."""
    return tomllib.loads((SAMPLES / "samples.toml").read_text(encoding="utf-8"))["file"]


def read_sample(entry: dict[str, str]) -> pl.DataFrame:
    """Canonical rows of one sample; every row of the file must be among them."""
    source = open_source(SAMPLES / entry["path"])
    batches = list(read_batches(source, load_mapping(SAMPLES / entry["mapping"], entry["table"]), Settings()))
    rows = pl.concat([batch.rows for batch in batches]).with_columns(pl.col(pl.Categorical).cast(pl.String))
    rejects = pl.concat([batch.rejects for batch in batches])
    assert rejects.is_empty(), rejects.head(3).to_dicts()
    assert rows.height == sum(batch.source_rows for batch in batches)
    return rows
