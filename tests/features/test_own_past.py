"""Own past: weeks against the half year before them."""

from __future__ import annotations

import polars as pl
import pytest

from finpat.config import Settings
from finpat.features import build_features
from tests import factory
from tests.factory import at

WEEKS = 20
PEAK = "paid_in_minor_7d_own_past_peak"
COUNT = "credit_count_7d_own_past_peak"


def weekly(amounts, **changes):
    """One incoming payment a week, the last one at the end of the ledger; 0: none that week."""
    return [
        {"booked_at": at(7 * week), "amount_minor": amount, **changes}
        for week, amount in enumerate(amounts)
        if amount
    ]


def first_row(rows):
    return build_features(factory.ledger(*rows), Settings()).row(0, named=True)


def test_a_week_is_judged_by_the_weeks_before_it_and_not_by_itself():
    row = first_row(weekly([*range(100_00, 109_00, 1_00), 200_00]))
    # The first payment's week is seen in part: 8 whole weeks before the last, 101 to 108, MAD 2.
    assert row[PEAK] == pytest.approx((200 - 104.5) / (1.4826 * 2))
    assert row[f"{PEAK}_at"] == at(7 * 9)


def test_fewer_than_eight_whole_weeks_before_it_is_not_evaluable():
    assert first_row(weekly([100_00] * 9))[PEAK] is None
    assert first_row(weekly([100_00] * 10))[PEAK] == 0


def test_money_and_payments_that_are_every_week_the_same_are_measured_in_single_units():
    row = first_row(weekly([100_00] * WEEKS + [103_00]))
    assert row[PEAK] == 3.0  # three dollars above
    assert row[COUNT] == 0.0


def test_silent_weeks_are_part_of_the_past():
    row = first_row(weekly([100_00] + [0] * 12 + [50_00]))
    assert row[PEAK] == 50.0
    assert row[COUNT] == 1.0


def test_an_outgoing_payment_has_no_past_in_incoming_ones():
    row = first_row(weekly([100_00] * WEEKS, direction="debit"))
    assert row[PEAK] is None
    assert row["paid_out_minor_7d_own_past_peak"] == 0.0


def test_what_is_older_than_180_days_is_no_yardstick():
    old = [5_000_00] * 30
    assert first_row(weekly([*old, *[100_00] * 26, 200_00]))[PEAK] == 100.0


def test_one_wild_week_of_the_past_moves_the_yardstick_by_nothing():
    calm = first_row(weekly([100_00] * WEEKS + [150_00]))
    wild = first_row(weekly([100_00] * 10 + [101_00] + [100_00] * (WEEKS - 11) + [150_00]))
    assert wild[PEAK] == calm[PEAK] == 50.0


def test_a_payment_exactly_a_week_old_belongs_to_the_week_before():
    rows = weekly([100_00] * 15)
    on_edge = first_row([*rows, {"booked_at": at(7 * 13), "amount_minor": 70_00}])
    assert on_edge[f"{PEAK}_at"] == at(7 * 13)
    inside = first_row([*rows, {"booked_at": at(7 * 13, second=1), "amount_minor": 70_00}])
    assert inside[f"{PEAK}_at"] == at(7 * 14)


def test_a_currency_of_other_decimals_has_its_own_unit():
    row = first_row(weekly([100_00000000] * WEEKS + [103_00000000], currency="BTC"))
    assert row[PEAK] == 3.0


def test_neither_threads_nor_the_order_of_rows_matter():
    rows = [
        {"booked_at": at(day * 1.3), "account_id": name, "amount_minor": 10_00 + (day * 37) % 900,
         "direction": "debit" if day % 3 else "credit"}
        for day in range(200)
        for name in "ABC"
    ]  # fmt: skip
    table = factory.payments(*rows)
    one, other = (
        build_features(factory.build_ledger(frame), Settings(threads=threads))
        for frame, threads in ((table, 1), (table.sample(fraction=1.0, shuffle=True, seed=4), 2))
    )
    wanted = pl.selectors.contains("own_past")
    assert one.select(wanted).equals(other.select(wanted))
    assert one[PEAK].null_count() == 0
