"""Slices hold whole persons, and findings do not depend on them; long evidence is cut and says so."""

from itertools import pairwise

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from finpat.config import Settings
from finpat.indicators import INDICATORS
from finpat.indicators.evaluation import evaluate_indicators
from finpat.indicators.slices import cut
from finpat.ledger import build_ledger
from tests.factory import at, payments
from tests.indicators.support import judge, ledger
from tests.indicators.test_evaluation import busy_ledger

HOLDERS = st.lists(st.sampled_from(["h1", "h2", "h3", None]), min_size=6, max_size=6)


def six_accounts(counts):
    return ledger(
        *[
            {"account_id": f"a{number}", "booked_at": at(hour=hour)}
            for number, count in enumerate(counts)
            for hour in range(count)
        ]
    )


@settings(max_examples=60, deadline=None)
@given(HOLDERS, st.lists(st.integers(1, 5), min_size=6, max_size=6), st.integers(1, 40))
def test_slices_hold_every_person_whole_and_every_leg_once(holders, counts, size):
    data = six_accounts(counts)
    first = [holders.index(holder) if holder is not None else number for number, holder in enumerate(holders)]
    parts = list(cut(data, np.array(first, np.uint32), size))
    assert sorted(code for part in parts for code in part.accounts.tolist()) == list(range(6))
    for part in parts:
        mine = part.accounts.tolist()
        assert all(first[code] in mine for code in mine)
        names = [f"a{code}" for code in mine]
        assert part.ledger.accounts["account_id"].to_list() == names
        assert np.diff(part.ledger.offsets).tolist() == [counts[code] for code in mine]
        told = part.ledger.legs.with_columns(
            account=pl.Series(part.accounts[part.ledger.legs["account"].to_numpy()])
        )
        positions = part.legs if isinstance(part.legs, np.ndarray) else np.arange(6 * 5)[part.legs]
        assert_frame_equal(told, data.legs[positions])
        assert told["account"].to_list() == [code for code in mine for _ in range(counts[code])]


def test_a_slice_is_not_much_larger_than_asked_for():
    parts = list(cut(six_accounts([4] * 6), np.arange(6, dtype=np.uint32), 8))
    assert [part.ledger.legs.height for part in parts] == [8, 8, 8]
    assert all(one.accounts.max() < other.accounts.min() for one, other in pairwise(parts))


@pytest.mark.parametrize("size", [1, 500, 2_000])
def test_slices_change_no_finding(size):
    plain = busy_ledger()
    holders = pl.DataFrame(
        {
            "account_id": plain.accounts["account_id"],
            "holder_id": [f"h{(7 * number) % 31}" for number in range(plain.account_count)],
        }
    )
    held = plain.accounts.join(holders, on="account_id", how="left", maintain_order="left")
    for data in (plain, type(plain)(held, plain.parties, plain.legs, plain.offsets)):
        whole = evaluate_indicators(INDICATORS, data, pl.DataFrame(), Settings())
        parts = evaluate_indicators(INDICATORS, data, pl.DataFrame(), Settings(), legs_at_once=size)
        assert whole.findings.height
        assert_frame_equal(whole.findings, parts.findings)
        assert_frame_equal(whole.evidence, parts.evidence)


def test_what_too_many_accounts_lack_is_one_row_whatever_the_slices():
    rows = [
        {"account_id": f"a{n:04}", "booked_at": at(day), "amount_minor": 9_500_00, "channel": "cash",
         "currency": "GBP"}
        for n in range(1_001) for day in range(3)
    ]  # fmt: skip
    parts = evaluate_indicators(
        INDICATORS, build_ledger(payments(*rows)), pl.DataFrame(), Settings(), legs_at_once=100
    )
    told = parts.findings.filter(pl.col("indicator_id") == "ST-STRUCT-01")
    assert told.select("account_id", "missing_field").rows() == [(None, "legal threshold for GBP")]


def test_a_long_finding_keeps_the_rows_of_its_most_extreme_window_and_says_how_many_there_are():
    steady = [{"booked_at": at(hour=2 * number)} for number in range(40)]
    busy = [{"booked_at": at(hour=79, minute=number)} for number in range(7)]
    findings = judge("VE-SPIKE-03", ledger(*steady, *busy))
    (row,) = findings.findings.rows(named=True)
    assert row["values"][0]["value"] == 19  # in the last 24 hours: 12 steady ones and 7
    assert findings.evidence["row"].to_list() == list(range(28, 38))
    assert "(47 rows between 2026-03-02 and 2026-03-05, 10 of them listed)" in row["sentence"]


def test_a_finding_with_as_many_rows_as_are_shown_lists_them_all():
    data = ledger(*[{"booked_at": at(minute=number)} for number in range(10)])
    findings = judge("VE-SPIKE-03", data)
    assert findings.evidence.height == 10
    assert "(10 rows on 2026-03-02)" in findings.findings["sentence"].item()
