"""Velocity against its readable form in Polars, and its edge rule."""

from datetime import timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from finpat.config import Settings
from finpat.features import build_features
from finpat.features.base import WINDOWS
from tests import factory
from tests.factory import at
from tests.features.oracle import legs_of, random_payments

LENGTHS = {
    "1h": timedelta(hours=1),
    "24h": timedelta(days=1),
    "7d": timedelta(days=7),
    "30d": timedelta(days=30),
}


def features(*rows, threads=1):
    return build_features(factory.ledger(*rows), Settings(threads=threads))


@pytest.mark.parametrize("window", list(WINDOWS))
def test_a_payment_exactly_one_window_old_is_outside(window):
    width = LENGTHS[window]
    table = features({"booked_at": at()}, {"booked_at": at() + width})
    assert table[f"credit_count_{window}_peak"].item() == 1
    assert table[f"credit_count_{window}_peak_at"].item() == at()


@pytest.mark.parametrize("window", list(WINDOWS))
def test_a_payment_one_microsecond_less_than_a_window_old_is_inside(window):
    width = LENGTHS[window] - timedelta(microseconds=1)
    table = features({"booked_at": at()}, {"booked_at": at() + width, "amount_minor": 5})
    assert table[f"credit_count_{window}_peak"].item() == 2
    assert table[f"paid_in_minor_{window}_peak"].item() == 100_05
    assert table[f"credit_count_{window}_peak_at"].item() == at() + width


def test_payments_of_one_instant_are_in_the_same_window():
    table = features(*[{"booked_at": at(), "counterparty_id": party} for party in "BCD"])
    assert table["payer_count_1h_peak"].item() == 3
    assert table["credit_count_1h_peak"].item() == 3


def test_a_date_without_a_time_cannot_be_judged_by_the_hour():
    table = features({"has_time": False}, {"has_time": False})
    assert table["credit_count_1h_peak"].item() is None
    assert table["credit_count_24h_peak"].item() == 2


def test_unknown_counterparties_are_not_one_counterparty():
    table = features({"counterparty_id": None}, {"counterparty_id": None, "direction": "debit"},
                     {"counterparty_id": "S", "direction": "debit"})  # fmt: skip
    assert table["payer_count_24h_peak"].item() is None
    assert table["beneficiary_count_24h_peak"].item() == 1


def test_nothing_outgoing_is_zero_and_has_no_instant():
    table = features({})
    assert table["debit_count_24h_peak"].item() == 0
    assert table["paid_out_minor_24h_peak"].item() == 0
    assert table["beneficiary_count_24h_peak"].item() == 0
    assert table["debit_count_24h_peak_at"].item() is None


def test_money_without_a_rate_is_not_counted_as_nothing():
    table = features({"currency": "EUR"}, {"currency": "EUR"}, {"currency": "SEK", "direction": "debit"})
    assert table["paid_out_minor_24h_peak"].item() is None
    assert table["debit_count_24h_peak"].item() == 1
    assert table["unconverted_count"].item() == 1


def peaks_in_polars(legs: pl.DataFrame, accounts: pl.DataFrame, side: bool, window: str) -> pl.DataFrame:
    """The definition: for each leg, all legs of the account and direction in (t - w, t]."""
    paid, party, name = ("paid_in", "payer", "credit") if side else ("paid_out", "beneficiary", "debit")
    chosen = legs.filter(pl.col("is_credit") == side)
    if window == "1h":
        chosen = chosen.filter("has_time")
    ends = chosen.select("account", end="booked_at").unique()
    inside = ends.join(chosen, on="account").filter(
        pl.col("booked_at") <= pl.col("end"), pl.col("booked_at") > pl.col("end") - LENGTHS[window]
    )
    sums = inside.group_by("account", "end").agg(
        count=pl.len(),
        minor=pl.col("account_minor").sum(),
        party=pl.col("counterparty_id").drop_nulls().n_unique(),
    )
    out = accounts
    for column, what in (("count", f"{name}_count"), ("minor", f"{paid}_minor"), ("party", f"{party}_count")):
        best = (
            sums.filter(pl.col(column) > 0).sort("account", column, "end", descending=[False, True, False])
            .group_by("account", maintain_order=True).first()
            .select("account", pl.col(column).cast(pl.Int64).alias(f"{what}_{window}_peak"),
                    pl.col("end").alias(f"{what}_{window}_peak_at"))
        )  # fmt: skip
        out = out.join(best, on="account", how="left")
    facts = chosen.group_by("account").agg(
        legs=pl.len(), money=pl.col("account_minor").count(), known=pl.col("counterparty_id").count()
    )
    timed = legs.group_by("account").agg(timed=pl.col("has_time").any())
    out = out.join(facts, on="account", how="left").join(timed, on="account", how="left").sort("account")
    judged = pl.col("timed") if window == "1h" else pl.lit(True)
    some = pl.col("legs").is_null()
    return out.select(
        *(
            expression
            for what, known in ((f"{name}_count", pl.lit(True)),
                                (f"{paid}_minor", some | (pl.col("money") > 0)),
                                (f"{party}_count", some | (pl.col("known") > 0)))
            for expression in (
                pl.when(judged & known).then(pl.col(f"{what}_{window}_peak").fill_null(0)),
                f"{what}_{window}_peak_at",
            )
        )
    )  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(payments=random_payments(), threads=st.sampled_from([1, 2, 5]))
def test_peaks_equal_their_definition(payments, threads):
    ledger = factory.build_ledger(payments)
    table = build_features(ledger, Settings(threads=threads))
    legs = legs_of(ledger)
    accounts = legs.select("account").unique().sort("account")
    for side in (True, False):
        for window in WINDOWS:
            expected = peaks_in_polars(legs, accounts, side, window)
            assert_frame_equal(table.select(expected.columns), expected)
