"""Bookings that did not take effect: pending, failed, taken back. Their money has not moved."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from finpat import detection
from finpat.config import Settings
from finpat.features import FEATURES, build_features
from finpat.features.base import NO_PAYMENT
from finpat.ledger import build_ledger, effective_legs, effective_part
from finpat.schemas import NOT_EFFECTIVE, STATUSES
from tests import factory
from tests.factory import at

LIFE = [
    {"account_id": account, "counterparty_id": other, "booked_at": at(day, hour=n), "mirrored": True,
     "amount_minor": 1_000 + 37 * day + n, "direction": "debit", "channel": "transfer"}
    for day in range(40)
    for n, (account, other) in enumerate((("A", "B"), ("B", "C"), ("C", "A")))
]  # fmt: skip


def features(*rows):
    return build_features(factory.ledger(*rows), Settings(threads=1))


def numbered(rows):
    """The rows with a key of their own, so that further rows do not change the order of ties."""
    return [{"row_key": 1_000 + number, **row} for number, row in enumerate(rows)]


def test_of_the_stored_states_only_booked_takes_effect():
    assert set(STATUSES) - set(NOT_EFFECTIVE) == {"booked"}


@pytest.mark.parametrize("status", ["failed", "pending", "reversed", " Declined ", "CANCELLED"])
def test_a_transfer_that_did_not_take_effect_changes_no_feature(status):
    failed = {**LIFE[0], "amount_minor": 9_999_99, "status": status, "row_key": 1}
    plain = features(*numbered(LIFE))
    for when in (at(-50), at(20, hour=0, minute=1), at(100)):
        assert_frame_equal(features(*numbered(LIFE), {**failed, "booked_at": when}), plain)


def test_the_same_transfer_once_booked_does_change_features():
    booked = {**LIFE[0], "amount_minor": 9_999_99, "status": "booked", "row_key": 1}
    assert not features(*numbered(LIFE), booked).equals(features(*numbered(LIFE)))


def test_a_payment_and_its_counter_booking_that_are_both_reversed_net_to_nothing():
    paid = {**LIFE[0], "amount_minor": 5_000_00, "status": "reversed", "booked_at": at(10), "row_key": 1}
    back = {**paid, "direction": "credit", "booked_at": at(12), "row_key": 2}
    assert_frame_equal(features(*numbered(LIFE), paid, back), features(*numbered(LIFE)))


def test_no_status_and_booked_are_the_same():
    told = [{**row, "status": "booked" if number % 2 else None} for number, row in enumerate(LIFE)]
    assert_frame_equal(features(*told), features(*LIFE))
    ledger = factory.ledger(*told)
    assert effective_legs(ledger) is None
    assert effective_part(ledger) is ledger


def test_an_account_whose_every_booking_failed_still_has_its_row():
    failed = {**LIFE[0], "account_id": "D", "status": "failed", "row_key": 1}
    table = features(*numbered(LIFE), failed)
    assert table["account_id"].to_list() == ["A", "B", "C", "D"]
    row = table.row(3, named=True)
    never = [feature.name for feature in FEATURES if feature.null_rule == "never"]
    assert {row[name] for name in never} == {0}
    assert {feature.name for feature in FEATURES if feature.null_rule == NO_PAYMENT} <= {
        name for name, value in row.items() if value is None
    }


def test_where_no_booking_took_effect_every_account_has_zeros():
    table = features({"status": "failed"}, {"account_id": "Z", "status": "pending", "booked_at": at(2)})
    never = [feature.name for feature in FEATURES if feature.null_rule == "never"]
    assert set(table.select(never).unpivot()["value"]) == {0}


def test_an_account_whose_every_booking_failed_gets_an_anomaly_score():
    ledger = factory.ledger(*numbered(LIFE), {**LIFE[0], "account_id": "D", "status": "failed", "row_key": 1})
    table, currencies = build_features(ledger, Settings(threads=1)), ledger.accounts["currency"]
    scores = detection.score(detection.fit(table, currencies, Settings(threads=1)), table, currencies).scores
    assert scores["anomaly_score"].null_count() == 0


def test_a_failed_booking_in_another_currency_does_not_choose_the_accounts_currency():
    rows = [{"currency": "EUR", "row_key": 9}, *({"currency": "USD", "status": "failed"} for _ in range(3))]
    rows += [{"account_id": "Z", "currency": "USD", "status": "failed"}]
    currencies = dict(factory.ledger(*rows).accounts.select("account_id", "currency").rows())
    assert currencies == {"A": "EUR", "Z": "USD"}, "where no booking took effect, all choose"


def test_a_failed_transfer_changes_no_anomaly_score():
    draw = np.random.default_rng(5)
    rows = numbered(
        [
            {"account_id": f"A{draw.integers(40)}", "counterparty_id": f"A{draw.integers(40)}",
             "direction": "debit", "mirrored": True, "booked_at": at(float(draw.uniform(0, 90))),
             "amount_minor": int(draw.integers(100, 100_000))}
            for _ in range(1_500)
        ]
    )  # fmt: skip
    failed = {**rows[0], "amount_minor": 77_777_77, "booked_at": at(45), "row_key": 1, "status": "failed"}

    def scores(payments):
        ledger = factory.ledger(*payments)
        table = build_features(ledger, Settings(threads=1))
        currencies = ledger.accounts["currency"]
        model = detection.fit(table, currencies, Settings(threads=1))
        return detection.score(model, table, currencies).scores

    assert_frame_equal(scores([*rows, failed]), scores(rows), check_exact=True)


@settings(max_examples=30, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from("ABC"), st.sampled_from("ABCX"), st.integers(0, 40 * 24), st.integers(1, 10**7),
            st.sampled_from([word for word in NOT_EFFECTIVE]), st.booleans(),
        ),
        max_size=12,
    )
)  # fmt: skip
def test_whatever_did_not_take_effect_leaves_the_table_as_it_was(extra):
    more = [
        {"account_id": account, "counterparty_id": other, "booked_at": at(hour=hour), "amount_minor": amount,
         "status": status, "mirrored": other != "X", "direction": "credit" if credit else "debit",
         "row_key": number}
        for number, (account, other, hour, amount, status, credit) in enumerate(extra)
    ]  # fmt: skip
    payments = factory.payments(*numbered(LIFE), *more)
    shuffled = payments.sample(fraction=1.0, shuffle=True, seed=len(extra))
    assert_frame_equal(build_features(build_ledger(shuffled), Settings(threads=1)), features(*numbered(LIFE)))
