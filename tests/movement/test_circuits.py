"""Stays, and how one was reached from the one before."""

from __future__ import annotations

import random

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from finpat.movement.circuits import MAX_GAP_DAYS, ROWS_NAMED, day_cells, stays_of
from finpat.movement.presence import EMPTY
from tests.movement.support import advert, adverts, at, built, card, cash, ledger, stays


def test_days_in_one_city_are_one_stay_until_another_city_is_seen() -> None:
    movement = built(ledger(card(0, "Berlin"), card(1, "Berlin"), card(2, "Hamburg"), card(3, "Berlin")))
    assert stays(movement) == [(0, 1, "Berlin"), (2, 2, "Hamburg"), (3, 3, "Berlin")]


@pytest.mark.parametrize(("gap", "count"), [(MAX_GAP_DAYS, 1), (MAX_GAP_DAYS + 1, 2)])
def test_a_stay_ends_where_nothing_is_known_for_more_than_three_days(gap: int, count: int) -> None:
    movement = built(ledger(card(0, "Berlin"), card(gap, "Berlin"), card(gap + 20, "Hamburg")))
    assert [city for _, _, city in stays(movement)].count("Berlin") == count


def test_on_a_day_of_travel_the_clock_says_which_city_came_first() -> None:
    movement = built(
        ledger(
            card(0, "Berlin"),
            cash(1.2, "Hamburg"),
            card(1, "Berlin"),
            card(1.3, "Hamburg"),
            card(2, "Hamburg"),
        )
    )
    assert stays(movement) == [(0, 1, "Berlin"), (1, 2, "Hamburg")]


def test_without_a_clock_the_city_that_was_left_comes_first() -> None:
    dated = {"has_time": False}
    movement = built(
        ledger(
            *[
                card(d, city, **dated)
                for d, city in ((0, "Hamburg"), (1, "Hamburg"), (1, "Berlin"), (2, "Berlin"))
            ]
        )
    )
    assert stays(movement) == [(0, 1, "Hamburg"), (1, 2, "Berlin")]


def test_a_leg_has_distance_time_and_the_speed_they_imply() -> None:
    movement = built(ledger(card(0, "Berlin"), card(0.125, "Hamburg")))
    first, second = movement.stays.select("km", "hours", "kmh").rows()
    assert first == (None, None, None)
    km, hours, kmh = second
    assert km == pytest.approx(255, abs=5)
    assert hours == 3.0
    assert kmh == pytest.approx(km / 3)


def test_a_leg_without_a_clock_or_a_clear_place_implies_no_speed() -> None:
    dated = built(ledger(card(0, "Berlin", has_time=False), card(1, "Hamburg"))).stays.row(1, named=True)
    assert (dated["hours"], dated["kmh"]) == (None, None)
    assert dated["km"] > 200
    unclear = built(ledger(card(0, "Berlin"), card(1, "Nowhereville"))).stays.row(1, named=True)
    assert (unclear["km"], unclear["hours"], unclear["kmh"]) == (None, 24.0, None)


def test_cash_that_anybody_may_pay_in_makes_no_stay() -> None:
    movement = built(ledger(card(0, "Berlin"), cash(1, "Hamburg", "credit"), card(2, "Berlin")))
    assert stays(movement) == [(0, 2, "Berlin")]


def test_stays_of_adverts_are_kept_apart_from_stays_of_spending() -> None:
    known = adverts(advert("1", 0, "Bremen", account=0), advert("2", 1, "Bremen", account=0))
    movement = built(ledger(card(0, "Berlin"), card(1, "Hamburg")), known)
    assert stays(movement) == [(0, 0, "Berlin"), (1, 1, "Hamburg")]
    assert stays(movement, "adverts") == [(0, 1, "Bremen")]


def test_a_day_names_at_most_twenty_of_its_rows_and_counts_all() -> None:
    movement = built(ledger(*[card(minute / 1440, "Berlin") for minute in range(30)], card(3, "Hamburg")))
    cell = movement.persons.row(0, named=True)
    assert cell["row_count"] == 30
    assert len(cell["rows"]) == ROWS_NAMED


PLACES = pl.DataFrame(
    {"place": [0, 1, 2], "latitude": [50.0, 52.0, None], "longitude": [8.0, 10.0, None]},
    schema_overrides={"place": pl.UInt32},
)
ROWS = st.lists(
    st.tuples(st.integers(0, 2), st.integers(0, 12), st.integers(0, 2), st.integers(0, 23), st.booleans()),
    max_size=25,
)


def sightings(rows: list[tuple[int, int, int, int, bool]]) -> pl.DataFrame:
    told = [
        {"subject": s, "day": d, "place": p, "at": at(d, h if timed else 0), "has_time": timed, "row": n,
         "source": "card", "ad": None, "turn": n}
        for n, (s, d, p, h, timed) in enumerate(rows)
    ]  # fmt: skip
    schema = {**EMPTY.schema, "place": pl.UInt32}
    return pl.DataFrame(
        told, schema={n: t for n, t in schema.items() if n not in ("account", "city", "country")}
    )


@given(ROWS)
@settings(deadline=None, max_examples=40)
def test_stays_cover_every_sighting_once_and_follow_each_other(
    rows: list[tuple[int, int, int, int, bool]],
) -> None:
    found = stays_of(day_cells(sightings(rows)), PLACES)
    assert found["row_count"].sum() == len(rows)
    for subject, day, place, _, _ in rows:
        inside = pl.col("subject").eq(subject) & pl.col("place").eq(place)
        assert found.filter(inside, pl.col("first_day") <= day, pl.col("last_day") >= day).height
    for before, after in zip(found.rows(named=True), found.rows(named=True)[1:], strict=False):
        if before["subject"] == after["subject"]:
            assert before["last_day"] <= after["first_day"]
            apart = after["first_day"] - before["last_day"] > MAX_GAP_DAYS
            assert apart or before["place"] != after["place"]


@given(ROWS, st.randoms(use_true_random=False))
@settings(deadline=None, max_examples=40)
def test_circuits_do_not_depend_on_the_order_of_rows(
    rows: list[tuple[int, int, int, int, bool]], shuffle: random.Random
) -> None:
    told = sightings(rows)
    order = list(range(told.height))
    shuffle.shuffle(order)
    assert_frame_equal(day_cells(told), day_cells(told[order]))
    assert_frame_equal(stays_of(day_cells(told), PLACES), stays_of(day_cells(told[order]), PLACES))
