"""Deposit here, spend there; HT-MOV-09's bounds are tested in tests/indicators/test_movement.py."""

from __future__ import annotations

import polars as pl

from tests.movement.support import at, built, card, cash, ledger


def test_cash_paid_in_is_paired_with_the_next_spending_far_away_and_soon() -> None:
    movement = built(
        ledger(
            cash(0, "Berlin", "credit"),
            card(0.5, "Hamburg"),
            card(0.6, "Munich"),
            cash(10, "Berlin", "credit"),
            card(12, "Hamburg"),
            cash(20, "Berlin", "credit"),
            card(20.5, "Potsdam"),
        )
    )
    (pair,) = movement.elsewhere.rows(named=True)
    assert (pair["city"], pair["city_there"], pair["booked_at"], pair["at_there"]) == (
        "Berlin",
        "Hamburg",
        at(0),
        at(0.5),
    )
    assert pair["km"] > 200


def test_another_account_of_the_holder_may_be_the_one_spent_from() -> None:
    held = pl.DataFrame({"account_id": ["A", "C"], "holder_id": ["H", "H"]})
    movement = built(ledger(cash(0, "Berlin", "credit"), card(0.5, "Hamburg", account_id="C"), accounts=held))
    assert movement.elsewhere.select("account", "account_there").rows() == [(0, 1)]


def test_rows_without_a_time_of_day_are_no_pair() -> None:
    movement = built(ledger(cash(0, "Berlin", "credit", has_time=False), card(0.5, "Hamburg")))
    assert movement.elsewhere.is_empty()
