"""What tells where somebody was, and what does not."""

from __future__ import annotations

from datetime import datetime

import polars as pl
import pytest

from tests.movement.support import advert, adverts, at, built, card, cash, days, ledger


def test_rooms_cards_and_cash_tell_a_city_each_under_its_own_name() -> None:
    movement = built(
        ledger(
            card(0, "Berlin", merchant_category="7011"),
            card(0.1, "Berlin"),
            cash(1, "Hamburg"),
            cash(2, "Bremen", "credit"),
        )
    )
    assert days(movement) == [
        (0, "Berlin", ["lodging", "card"]),
        (1, "Hamburg", ["cash_out"]),
        (2, "Bremen", ["cash_in"]),
    ]


@pytest.mark.parametrize(
    "elsewhere",
    [
        {"channel": "p2p", "direction": "credit"},
        {"channel": "wallet", "direction": "credit"},
        {"channel": "card", "direction": "credit"},
        {"channel": "p2p", "direction": "debit"},
        {"channel": "transfer", "direction": "debit"},
        {"merchant_category": "4511"},
        {"merchant_category": "4814"},
        {"status": "declined"},
        {"status": "reversed"},
    ],
)
def test_a_payers_city_a_sellers_city_and_what_failed_tell_nothing(elsewhere: dict[str, str]) -> None:
    movement = built(ledger(card(0, "Berlin"), card(1, "Hamburg"), card(2, "Munich", **elsewhere)))
    assert [city for _, city, _ in days(movement)] == ["Berlin", "Hamburg"]


def test_who_was_seen_in_one_city_has_no_circuit() -> None:
    movement = built(ledger(card(0, "Berlin"), card(1, "BERLIN "), card(2, "Berlin")))
    assert movement.persons.is_empty()
    assert movement.stays.is_empty()


def test_the_accounts_of_one_holder_make_one_circuit() -> None:
    held = pl.DataFrame({"account_id": ["A", "C"], "holder_id": ["H", "H"]})
    movement = built(ledger(card(0, "Berlin"), card(1, "Hamburg", account_id="C"), accounts=held))
    assert [city for _, city, _ in days(movement)] == ["Berlin", "Hamburg"]


def test_spellings_of_a_city_are_one_place_and_show_the_commonest() -> None:
    movement = built(
        ledger(
            card(0, "Köln"), card(1, "Köln"), card(2, "KOLN"), card(3, "Köln", country=None), card(4, "Essen")
        )
    )
    assert sorted(movement.places["city"]) == ["Essen", "Köln"]


def test_a_city_name_of_two_countries_is_two_places_and_one_without_country_is_neither() -> None:
    movement = built(
        ledger(
            card(0, "London", country="GB"), card(1, "London", country="CA"), card(2, "London", country=None)
        )
    )
    assert movement.places.sort("country", nulls_last=True)["country"].to_list() == ["CA", "GB", None]
    assert movement.places["latitude"].null_count() == 1


def test_a_day_is_that_of_the_city() -> None:
    late = datetime(2026, 3, 2, 23, 30)  # UTC; past midnight in Berlin
    movement = built(
        ledger(card(0, "Berlin", booked_at=late, local_zone="Europe/Berlin"), card(5, "Hamburg")),
        adverts(advert("1", 0, "Hamburg", posted_at=late, account=0)),
    )
    assert [(day, city) for day, city, _ in days(movement)][:2] == [(1, "Berlin"), (1, "Hamburg")]


def test_a_platform_that_writes_only_dates_keeps_them() -> None:
    dated = adverts(
        advert("1", 0, "Los Angeles", country="US", posted_at=datetime(2026, 3, 2), account=0, has_time=False)
    )
    movement = built(ledger(card(0, "Berlin"), card(1, "Hamburg")), dated)
    assert (0, "Los Angeles", ["advert"]) in days(movement)


def test_adverts_are_of_whom_payments_go_with_and_of_their_cluster() -> None:
    known = adverts(
        advert("1", 0, "Berlin", cluster="K", account=0),
        advert("2", 2, "Essen", cluster="K"),
        advert("3", 4, "Bremen"),
    )
    movement = built(ledger(card(1, "Hamburg")), known)
    assert days(movement) == [(0, "Berlin", ["advert"]), (1, "Hamburg", ["card"])]
    cells = movement.clusters.join(movement.places, on="place")
    assert cells.select("cluster", "city").sort("city").rows() == [("K", "Berlin"), ("K", "Essen")]


def test_without_cities_nobody_has_a_circuit() -> None:
    movement = built(ledger({"booked_at": at(0)}, {"booked_at": at(1)}))
    assert movement.persons.is_empty()
    assert movement.places.is_empty()
    assert movement.rows.is_empty()
