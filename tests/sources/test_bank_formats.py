"""Exports of real banks against counts and sums that were taken by hand (where the samples are at hand)."""

import json
import os
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from finpat.config import Settings
from finpat.money import from_minor
from finpat.sources import inspect_source, open_source, read_batches

FOLDER = os.environ.get("FINPAT_DEV_DATA")
pytestmark = pytest.mark.skipif(not FOLDER, reason="FINPAT_DEV_DATA does not point at the development sets")

ACCOUNT = {"columns.account_id": "AC-1"}


def money(currency):
    return {**ACCOUNT, "columns.currency": currency}


# What only a person can say about each file; nothing where the file says it all.
ANSWERS = {
    "csv_b2y_20171001.csv": ACCOUNT,
    "csv_chase_creditcard.csv": {**money("USD"), "time.formats": ["%m/%d/%Y"]},
    "csv_french_headers.csv": ACCOUNT,
    "csv_kbc_mastercard.csv": {},
    "csv_monzo_uk.csv": ACCOUNT,
    "csv_raiffeisen_cz.csv": ACCOUNT,
    "csv_reckon_austrian_example.csv": ACCOUNT,
    "csv_reckon_chase.csv": money("USD"),
    "csv_reckon_danish_kroner_nordea_example.csv": money("DKK"),
    "csv_reckon_english_date_example.csv": {**money("USD"), "columns.credit": "5", "columns.debit": "4"},
    "csv_reckon_extratofake.csv": money("BRL"),
    "csv_reckon_french_example.csv": money("EUR"),
    "csv_reckon_german_date_example.csv": {**money("USD"), "columns.credit": "5", "columns.debit": "4"},
    "csv_reckon_harder_date_example.csv": money("AUD"),
    "csv_reckon_inversed_credit_card.csv": money("NZD"),
    "csv_reckon_nationwide.csv": {**money("GBP"), "columns.credit": "5", "columns.debit": "4"},
    "csv_reckon_some_other.csv": money("USD"),
    "csv_reckon_suntrust.csv": {**money("USD"), "columns.credit": "5", "columns.debit": "4"},
    "csv_spanish_headers.csv": {},
    "csv_sparkasse_de.csv": {},
    "csv_split_amounts.csv": {},
    "csv_transactionhistory.csv": {},
    "csv_trezor_wallet.csv": {**money("BTC"), "time.zone": "UTC"},
    "csv_wealthsimple_ca.csv": money("CAD"),
}
REJECTED = {"csv_raiffeisen_cz.csv": ["wrong_number_of_fields"]}  # a line of text among the rows


def expectations():
    if not FOLDER:
        return {}
    manifest = json.loads((Path(FOLDER) / "formats" / "MANIFEST.json").read_text())
    return {
        entry["file"]: entry["expected"] for entry in manifest if entry["kind"] == "csv" and entry["expected"]
    }


@pytest.mark.parametrize("name", ANSWERS)
def test_count_sum_and_dates_are_those_taken_by_hand(name):
    expected = expectations()[name]
    path = Path(FOLDER) / "formats" / name
    mapping = inspect_source(path, "transactions").mapping(ANSWERS[name])
    batches = list(read_batches(open_source(path), mapping, Settings()))
    rows = pl.concat([batch.rows for batch in batches])
    rejects = pl.concat([batch.rejects for batch in batches])
    assert rejects["reason"].to_list() == REJECTED.get(name, [])
    assert rows.height == expected["transactions"]
    signs = pl.when(pl.col("direction") == "credit").then(1).otherwise(-1)
    total = from_minor(rows.select((pl.col("amount_minor") * signs).sum()).item(), rows["currency"][0])
    assert total == Decimal(expected["signed_sum"])
    if "first_date" in expected:
        assert str(rows["booked_at"].min().date()) == expected["first_date"]
        assert str(rows["booked_at"].max().date()) == expected["last_date"]


def test_every_sample_with_a_known_answer_is_tested():
    assert expectations().keys() == ANSWERS.keys()


def test_a_header_without_rows_is_an_export_of_nothing():
    source = open_source(Path(FOLDER) / "formats" / "csv_reckon_bom_utf8_file.csv")
    mapping = inspect_source(source.path, "transactions").mapping(
        {**ACCOUNT, "amount.sign": "signed", "time.zone": "UTC", "columns.currency": "Currency"}
    )
    assert [batch.source_rows for batch in read_batches(source, mapping, Settings())] == [0]
