"""From the sample exports to findings: the planted cases are found, those who only resemble them are not."""

from __future__ import annotations

from datetime import datetime

import polars as pl
import pytest

from finpat.config import Settings
from finpat.features import build_features
from finpat.indicators import INDICATORS, evaluate
from finpat.ledger import build_ledger
from finpat.sources import load_mapping, open_source
from finpat.store.load import load
from finpat.store.payments import read_payments, read_table
from finpat.store.workspace import Workspace
from tests.samples.loading import SAMPLES, index


@pytest.fixture(scope="module")
def found(tmp_path_factory) -> pl.DataFrame:
    """account_id and indicator_id of every finding."""
    settings = Settings()
    workspace = Workspace.create(tmp_path_factory.mktemp("samples") / "workspace")
    for entry in index():
        mapping = load_mapping(SAMPLES / entry["mapping"], entry["table"])
        source = open_source(SAMPLES / entry["path"])
        report = load(workspace, source, mapping, settings=settings, now=datetime(2026, 7, 1))
        assert report.loaded == report.rows
    ledger = build_ledger(read_payments(workspace), read_table(workspace, "accounts"))
    findings = evaluate(ledger, build_features(ledger, settings), settings).findings
    return findings.filter(pl.col("state") == "found").select("account_id", "indicator_id").unique()


def test_every_planted_case_is_found_by_each_indicator_that_it_shows(found):
    known = {indicator.id for indicator in INDICATORS}
    planted = pl.read_csv(SAMPLES / "planted.csv", infer_schema=False)
    expected = planted.with_columns(indicator_id=pl.col("expected_indicators").str.split(";"))
    expected = expected.explode("indicator_id").filter(pl.col("indicator_id").is_in(sorted(known)))
    missed = expected.join(found, on=["account_id", "indicator_id"], how="anti")
    assert expected.height > 80
    assert missed.select("case_id", "account_id", "indicator_id").rows() == []


def test_nobody_but_the_planted_is_found_to_structure_cash(found):
    planted = pl.read_csv(SAMPLES / "planted.csv", infer_schema=False)
    structuring = found.filter(
        pl.col("indicator_id").str.contains("^(ST-STRUCT|ST-BUNCH|ST-OUT|VE-FUNNEL|VE-LAT)")
    )
    assert structuring.height > 30
    assert structuring.join(planted, on="account_id", how="anti").rows() == []
