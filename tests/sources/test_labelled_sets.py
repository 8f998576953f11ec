"""The sets that finpat is measured on, read without a word about their layout (where they are at hand)."""

import json
import os
from pathlib import Path

import polars as pl
import pytest

from finpat.config import Settings
from finpat.sources import detect_mapping, open_source, read_batches

FOLDER = os.environ.get("FINPAT_DEV_DATA")
pytestmark = pytest.mark.skipif(not FOLDER, reason="FINPAT_DEV_DATA does not point at the development sets")

MAPPINGS = {
    "amlgentex_small": "edges_amlgentex",
    "amlsim_small": "edges",
    "amlsim_official_fanin": "edges",
    "paysim_small": "edges_paysim",
    "synthfin_small": "edges",
    "tide_small": "edges_tide",
}


@pytest.mark.parametrize("name", MAPPINGS)
def test_every_row_of_a_labelled_set_is_loaded_or_is_an_amount_of_zero(name):
    path = Path(FOLDER) / name / "transactions.parquet"
    expected = pl.read_parquet(path)
    source = open_source(path)
    mapping = detect_mapping(source, "transactions")
    assert mapping is not None
    assert mapping.name == MAPPINGS[name]
    batches = list(read_batches(source, mapping, Settings()))
    rows = pl.concat([batch.rows for batch in batches])
    rejects = pl.concat([batch.rejects for batch in batches])
    assert rows.height == expected.filter(pl.col("amount") > 0).height
    assert rejects["reason"].unique().to_list() in ([], ["zero_amount"])
    assert rows.height + rejects.height == expected.height == sum(batch.source_rows for batch in batches)
    kept = expected.filter(pl.col("amount") > 0)
    assert rows["amount_minor"].sum() == (kept["amount"] * 100).round().cast(pl.Int64).sum()
    assert (rows["booked_at"] == kept["ts"]).all()
    assert json.loads(rejects["raw"][0])["amount"] == 0 if rejects.height else True


def test_sets_with_dates_only_are_told_as_such():
    for name, precision in (("amlsim_small", "day"), ("amlgentex_small", "day"), ("tide_small", "second")):
        source = open_source(Path(FOLDER) / name / "transactions.parquet")
        mapping = detect_mapping(source, "transactions")
        first = next(iter(read_batches(source, mapping, Settings())))
        assert first.rows["time_precision"].unique().to_list() == [precision]
        assert bool(first.notes) == (precision == "day")


def test_outside_parties_of_the_simulators_are_not_held():
    for name, outside in (("paysim_small", "^[MB]W"), ("amlgentex_small", "^(CASH_OR_SINK|INCOME_SOURCE)$")):
        source = open_source(Path(FOLDER) / name / "transactions.parquet")
        rows = next(iter(read_batches(source, detect_mapping(source, "transactions"), Settings()))).rows
        assert not rows["account_id"].str.contains(outside).any()
        mirrored = rows.filter("mirrored")
        assert mirrored.height
        assert not mirrored["counterparty_id"].str.contains(outside).any()
