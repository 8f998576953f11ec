"""The ledger's order, its mirrors, its clock."""

import polars as pl
from polars.testing import assert_frame_equal

from finpat.ledger import NO_PARTY, build_ledger
from tests import factory
from tests.factory import at


def test_a_mirrored_payment_becomes_a_debit_and_a_credit():
    ledger = factory.ledger(
        {"account_id": "A", "counterparty_id": "B", "direction": "debit", "mirrored": True}
    )
    assert ledger.accounts["account_id"].to_list() == ["A", "B"]
    assert ledger.legs.select("account", "is_credit").rows() == [(0, False), (1, True)]
    assert ledger.legs["row"].to_list() == [0, 0]


def test_an_unmirrored_counterparty_is_no_account():
    ledger = factory.ledger({"account_id": "A", "counterparty_id": "SHOP"})
    assert ledger.accounts["account_id"].to_list() == ["A"]
    assert ledger.parties.to_list() == ["A", "SHOP"]


def test_an_unknown_counterparty_has_no_party_code():
    assert factory.ledger({"counterparty_id": None}).legs["counterparty"].to_list() == [int(NO_PARTY)]


def test_row_order_does_not_matter():
    rows = factory.payments(
        *({"booked_at": at(day % 3), "amount_minor": day, "mirrored": True, "account_id": "AB"[day % 2],
           "counterparty_id": "C"} for day in range(1, 30))
    )  # fmt: skip
    straight = build_ledger(rows)
    shuffled = build_ledger(rows.sample(fraction=1, shuffle=True, seed=3))
    assert_frame_equal(straight.legs.drop("row"), shuffled.legs.drop("row"))
    assert_frame_equal(straight.accounts, shuffled.accounts)


def test_the_account_currency_is_that_of_most_legs():
    ledger = factory.ledger({"currency": "EUR"}, {"currency": "EUR"}, {"currency": "GBP"})
    assert ledger.accounts["currency"].to_list() == ["EUR"]
    assert ledger.legs["account_minor"].to_list() == [100_00, 100_00, None]
    assert ledger.unconverted == 1


def test_the_local_hour_needs_a_place_and_a_time():
    ledger = factory.ledger(
        {"local_zone": "Europe/Sofia", "booked_at": at(hour=11)},
        {"local_zone": None, "booked_at": at(hour=12)},
        {"local_zone": "Europe/Sofia", "has_time": False, "booked_at": at(hour=13)},
    )
    assert ledger.legs["local_hour"].to_list() == [1, None, None]
    day = (at().date() - at().date().replace(1970, 1, 1)).days
    assert ledger.legs["local_day"].to_list() == [day + 1, day + 1, day + 1]


def test_offsets_delimit_each_account():
    ledger = factory.ledger({"account_id": "A"}, {"account_id": "B"}, {"account_id": "B"})
    assert ledger.offsets.tolist() == [0, 1, 3]
    assert ledger.legs["account"].to_list() == [0, 1, 1]
    assert ledger.legs.schema["account"] == pl.UInt32


def test_the_other_sides_leg_of_a_two_sided_row_does_not_carry_its_own_name_as_counterparty():
    legs = factory.ledger(
        {"account_id": "A", "counterparty_id": "B", "direction": "debit", "mirrored": True,
         "counterparty_name": "Bea", "description": "rent"},
    ).legs  # fmt: skip
    assert legs.select("is_credit", pl.col("counterparty_name", "description").cast(pl.String)).rows() == [
        (False, "Bea", "rent"),
        (True, None, "rent"),
    ]
