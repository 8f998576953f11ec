"""Published samples of statement formats against their counts and sums (where they are at hand)."""

import json
import os
import re
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from finpat.config import Settings
from finpat.errors import AmbiguousSourceError
from finpat.money import from_minor
from finpat.sources import detect_mapping, load_mapping, open_source, read_batches
from finpat.sources.mapping import parse_mapping

FOLDER = os.environ.get("FINPAT_DEV_DATA")
pytestmark = pytest.mark.skipif(not FOLDER, reason="FINPAT_DEV_DATA does not point at the development sets")
FORMATS = Path(FOLDER or ".") / "formats"


def samples(*kinds):
    if not FOLDER:
        return []
    manifest = json.loads((FORMATS / "MANIFEST.json").read_text())
    return [pytest.param(item, id=item["file"]) for item in manifest if item["kind"] in kinds]


def read(name, mapping=None):
    source = open_source(FORMATS / name)
    batches = list(read_batches(source, mapping or detect_mapping(source, "transactions"), Settings()))
    rows = pl.concat([batch.rows for batch in batches])
    rejects = pl.concat([batch.rejects for batch in batches])
    assert sum(batch.source_rows for batch in batches) == rows.height + rejects.height
    return rows, rejects, [note for batch in batches for note in batch.notes]


def signed_sum(rows):
    amounts = zip(rows["direction"], rows["amount_minor"], rows["currency"], strict=True)
    return sum(
        (from_minor(n, code) * (1 if side == "credit" else -1) for side, n, code in amounts), Decimal(0)
    )


@pytest.mark.parametrize("item", samples("camt", "ofx", "mt940", "bai2"))
def test_a_sample_gives_all_its_transactions_and_their_sum(item):
    expected = item["expected"]
    rows, rejects, _ = read(item["file"])
    text = (FORMATS / item["file"]).read_text(encoding="utf-8", errors="replace")
    count = expected["transactions"]
    if item["kind"] == "bai2":  # the manifest counts lines; some lines hold two records
        count += len(re.findall(r"/ +16,", text))
    assert rows.height + rejects.height == count
    if "signed_sum" in expected:
        # The manifest's MT940 sums take a reversed credit (RC) for a credit.
        marks = re.findall(r"^:61:\d{6,10}RC[A-Z]?(\d+,\d*)", text, re.MULTILINE)
        reversed_credits = sum((Decimal(mark.replace(",", ".").rstrip(".")) for mark in marks), Decimal(0))
        assert rejects.is_empty()
        assert signed_sum(rows) == Decimal(expected["signed_sum"]) - 2 * reversed_credits
    lines = text.splitlines()
    starts = {"camt": "<Ntry", "mt940": ":61:", "ofx": "<STMTTRN", "bai2": "16,"}[item["kind"]]
    assert all(starts in lines[line - 1] for line in rows["source_line"])


def test_balances_prove_that_a_reversed_credit_takes_money_out():
    rows, _, notes = read("mt940_sepa_betterplace.sta")
    assert rows.height == 97
    assert not [note for note in notes if "balance" in note]


def test_a_broken_amount_or_date_is_quarantined_with_its_text():
    rows, rejects, _ = read("ofx_broken_decimal.ofx")
    assert rows.is_empty()
    assert rejects["reason"].to_list() == ["impossible_date"]
    assert "$120" in rejects["raw"][0]


@pytest.mark.parametrize("item", samples("qif"))
def test_a_qif_sample_gives_a_row_for_each_record_once_its_gaps_are_stated(item):
    ready = load_mapping("qif").model_dump(exclude_defaults=True)
    constants = {"currency": {"constant": "EUR"}, "account_id": {"constant": "A-1"}}
    values = {**ready, "columns": {**ready["columns"], **constants}}
    if item["file"] == "qif_splits.qif":
        with pytest.raises(AmbiguousSourceError):
            read(item["file"], parse_mapping(values, "stated"))
        values["time"] = {"formats": ["%m/%d/%y"]}
    rows, rejects, _ = read(item["file"], parse_mapping(values, "stated"))
    assert (rows.height, rejects.height) == (item["expected"]["records_caret"], 0)
    assert rows["amount_minor"].to_list() == (
        [100_000, 7_500] if "splits" in item["file"] else [1000, 2000, 3000]
    )


def test_text_that_calls_itself_an_excel_file_is_read_as_the_table_it_is():
    assert open_source(FORMATS / "xls_swedbank_se.xls").kind == "delimited"
