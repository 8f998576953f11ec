"""Whether the advert circuit and the spending circuit are one, against what chance gives."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from finpat.movement.agreement import FEWEST_SHIFTS, LAG_DAYS, NEAR_DAYS, SHIFTS, agreement
from tests.movement.support import advert, adverts, built, card, ledger

Cells = list[tuple[int, int]]  # day, place


def frame(cells: Cells) -> pl.DataFrame:
    return pl.DataFrame(
        {"pair": [1] * len(cells), "day": [d for d, _ in cells], "place": [p for _, p in cells]},
        schema={"pair": pl.UInt32, "day": pl.Int32, "place": pl.UInt32},
    )


def told(ads: Cells, spent: Cells) -> dict[str, float | None]:
    return agreement(frame(ads), frame(spent)).row(0, named=True)


def tour(days: int, length: int, cities: int) -> Cells:
    """Some days in each city, in an order that does not repeat."""
    return [(day, (day // length) ** 2 % cities) for day in range(days)]


def test_a_tour_that_spends_where_it_advertises_agrees_far_more_than_chance() -> None:
    circuit = tour(90, 4, 11)
    result = told(circuit, circuit)
    assert result["agreement_share"] == 1.0
    assert result["chance_share"] < 0.4
    assert result["p_value"] == pytest.approx(1 / (1 + len(SHIFTS)))
    assert result["lag_days"] == 0


def test_who_lives_where_the_adverts_appear_agrees_no_more_than_chance() -> None:
    home = [(day, 1) for day in range(90)]
    result = told(home[::3], home)
    assert result["agreement_share"] == result["chance_share"] == 1.0
    assert result["p_value"] == 1.0


@pytest.mark.parametrize(
    ("lag", "agrees"), [(-NEAR_DAYS - 1, 0), (-NEAR_DAYS, 1), (NEAR_DAYS, 1), (NEAR_DAYS + 1, 0)]
)
def test_spending_agrees_from_the_day_before_to_the_day_after(lag: int, agrees: int) -> None:
    # Somewhere else is spent on the day itself, so that the day is compared.
    result = told([(20, 1)], [(20, 2), (20 + lag, 1)])
    assert (result["compared_days"], result["agreeing_days"]) == (1, agrees)
    assert result["lag_days"] == lag


def test_days_without_any_spending_near_are_not_compared() -> None:
    result = told([(0, 1), (50, 1)], [(50, 1)])
    assert (result["advert_days"], result["compared_days"], result["agreeing_days"]) == (2, 1, 1)
    nothing = told([(0, 1)], [(500, 1)])
    assert nothing["compared_days"] == 0
    assert nothing["agreement_share"] is None
    assert nothing["p_value"] is None
    assert nothing["lag_days"] is None


def test_too_few_comparable_calendars_tell_nothing_about_chance() -> None:
    result = told([(0, 1)], [(day, 1) for day in range(6)])
    assert result["agreement_share"] == 1.0
    assert result["chance_share"] is None
    assert result["p_value"] is None


CELLS = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 3)), min_size=1, max_size=25, unique=True)


@given(CELLS, CELLS)
@settings(deadline=None, max_examples=40)
def test_agreement_is_what_a_plain_count_over_moved_calendars_gives(ads: Cells, spent: Cells) -> None:
    where = set(spent)

    def count(shift: int) -> tuple[int, int]:
        compared = agreeing = 0
        for day, place in ads:
            near = range(day + shift - NEAR_DAYS, day + shift + NEAR_DAYS + 1)
            compared += any((d, p) in where for d in near for p in range(4))
            agreeing += any((d, place) in where for d in near)
        return compared, agreeing

    result = told(ads, spent)
    compared, agreeing = count(0)
    assert (result["compared_days"], result["agreeing_days"]) == (compared, agreeing)
    moved = [(c, a) for c, a in map(count, SHIFTS) if c and 2 * c >= compared]
    if len(moved) < FEWEST_SHIFTS or not compared:
        assert result["p_value"] is None
    else:
        shares = [a / c for c, a in moved]
        assert result["chance_share"] == pytest.approx(sum(shares) / len(shares))
        better = sum(share >= agreeing / compared for share in shares)
        assert result["p_value"] == pytest.approx((1 + better) / (1 + len(shares)))
    lags = []
    for day, place in ads:
        near = [lag for lag in range(-LAG_DAYS, LAG_DAYS + 1) if (day + lag, place) in where]
        lags += [min(near, key=lambda lag: (abs(lag), -lag))] if near else []
    middle = pl.Series(lags, dtype=pl.Float64).median()
    assert result["lag_days"] == middle


def test_a_persons_spending_is_held_against_its_clusters_and_all_paid_adverts() -> None:
    cities = ["Berlin", "Hamburg", "Bremen", "Essen", "Leipzig"]
    circuit = [(day, cities[place % 5]) for day, place in tour(60, 3, 7)]
    known = adverts(
        *[
            advert(f"a{day}", day, city, cluster="K", account=0 if day % 10 == 0 else None)
            for day, city in circuit
        ]
    )
    movement = built(ledger(*[card(day, city) for day, city in circuit]), known)
    rows = movement.agreements.select("subject", "cluster", "advert_days", "agreement_share").rows()
    assert rows == [(0, "K", 60, 1.0), (0, None, 6, 1.0)]
