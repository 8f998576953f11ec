"""Adverts and their payments are taken in like transactions: nothing lost, nothing twice, amounts exact."""

from __future__ import annotations

import json
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from finpat.config import Settings
from finpat.sources import inspect_source, open_source
from finpat.store.load import LoadReport, load
from finpat.store.payments import read_table
from finpat.store.quarantine import list_quarantine
from finpat.store.sql import connect
from finpat.store.workspace import Workspace
from tests.store.exports import NOW

INVOICES = """Invoice No,Invoice Date,Site,Ad ID,Total,Currency,Payment Method,Card Token,Billing Email
I-1,2026-02-03 10:00:00,cityboard,A-1,"1,012.50",USD,card,tok_1,a@example.org
I-2,2026-02-04 11:00:00,cityboard,A-2,12.50,USD,card,tok_1,
I-3,2026-02-31 11:00:00,cityboard,A-2,12.50,USD,card,tok_1,
I-4,2026-02-05 11:00:00,cityboard,A-2,-12.50,USD,card,tok_1,
"""
CHARGES = """charge_id;created_utc;merchant_descriptor;amount;currency;card_fingerprint;client_ip
ch_1;2026-02-03T10:00:00Z;CITYBOARD ADS;0.900;KWD;fp_1;203.0.113.9
ch_2;2026-02-03T10:05:00Z;CITYBOARD ADS;9.99;EUR;fp_1;
ch_3;2026-02-03T10:06:00Z;CITYBOARD ADS;9.999;EUR;fp_1;
"""
CRAWL = [
    {"post_id": 7, "site": "cityboard", "posted": "2026-02-03T10:00:00+01:00", "body": "hello",
     "phone": "555-0101", "location": "Ghent"},
    {"post_id": 8, "site": "cityboard", "posted": "2026-02-03T11:00:00+01:00", "body": "good day"},
    {"post_id": 9, "site": None, "posted": "2026-02-03T12:00:00+01:00", "body": "no site"},
]  # fmt: skip


def take_in(workspace: Workspace, path: Path, table: str) -> tuple[LoadReport, str | None]:
    inspection = inspect_source(path, table)
    report = load(workspace, open_source(path), inspection.mapping(), settings=Settings(), now=NOW)
    return report, inspection.ready


def written(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def crawl(path: Path, kind: str) -> Path:
    if kind == "parquet":
        pl.DataFrame(CRAWL).write_parquet(path)
        return path
    if kind == "csv":
        pl.DataFrame(CRAWL).write_csv(path)
        return path
    lines = [json.dumps(post) for post in CRAWL]
    return written(path, "\n".join(lines) + "\n" if kind == "ndjson" else f"[{','.join(lines)}]")


def test_a_platforms_invoices_are_read_to_the_cent(workspace: Workspace, tmp_path: Path):
    report, ready = take_in(workspace, written(tmp_path / "invoices.csv", INVOICES), "ad_payments")
    assert (ready, report.loaded, report.duplicate, report.quarantined) == ("platform_invoices", 2, 0, 2)
    payments = read_table(workspace, "ad_payments")
    assert payments["amount_minor"].to_list() == [101250, 1250]
    assert payments["payer_reference"].to_list() == ["tok_1", "tok_1"]
    assert list_quarantine(workspace)["reason"].to_list() == ["impossible_date", "negative_amount"]


def test_a_card_processors_charges_keep_the_decimals_of_their_currency(workspace: Workspace, tmp_path: Path):
    report, ready = take_in(workspace, written(tmp_path / "charges.csv", CHARGES), "ad_payments")
    assert (ready, report.loaded, report.quarantined) == ("card_processor_ads", 2, 1)
    assert read_table(workspace, "ad_payments")["amount_minor"].to_list() == [900, 999]
    amounts = connect(workspace).execute("select amount from ad_payments order by payment_id").fetchall()
    assert amounts == [(Decimal("0.9"),), (Decimal("9.99"),)]


@pytest.mark.parametrize("kind", ["ndjson", "json", "csv", "parquet"])
def test_collected_adverts_are_the_same_in_whatever_format_they_come(
    workspace: Workspace, tmp_path: Path, kind: str
):
    path = crawl(tmp_path / f"crawl.{kind}", kind)
    report, ready = take_in(workspace, path, "ads")
    assert (ready, report.loaded, report.quarantined) == ("classifieds_crawl", 2, 1)
    ads = read_table(workspace, "ads")
    assert ads.select("ad_id", "platform", "posted_at", "city", "phone").rows() == [
        ("7", "cityboard", datetime(2026, 2, 3, 9), "Ghent", "555-0101"),
        ("8", "cityboard", datetime(2026, 2, 3, 10), None, None),
    ]
    again, _ = take_in(workspace, path, "ads")
    assert again.already_loaded


def test_overlapping_invoices_add_only_what_is_new_and_another_amount_is_a_conflict(
    workspace: Workspace, tmp_path: Path
):
    take_in(workspace, written(tmp_path / "february.csv", INVOICES), "ad_payments")
    more = (
        INVOICES.replace('"1,012.50"', "1.00")
        + "I-5,2026-03-01 10:00:00,cityboard,A-9,3.00,USD,card,tok_2,\n"
    )
    report, _ = take_in(workspace, written(tmp_path / "march.csv", more), "ad_payments")
    assert (report.loaded, report.duplicate) == (1, 1)
    assert report.reasons["duplicate_key"] == 1
    assert read_table(workspace, "ad_payments")["amount_minor"].to_list() == [101250, 1250, 300]
