"""City-week series: what is counted, what is withheld, and what is expected of a week."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from finpat.config import Settings
from finpat.movement.hotspots import (
    AHEAD,
    FEWEST_WEEKS,
    HISTORY,
    LEAST,
    RUN_IN,
    build_hotspots,
    city_weeks,
    forecast,
    with_forecasts,
    with_z,
    withhold,
)
from tests.movement.support import advert, adverts, card, cash, ledger

SPAN = pl.DataFrame(
    {"series": ["lodging"], "first": [0], "last": [3]}, schema_overrides={"first": pl.Int32, "last": pl.Int32}
)


def counts(*cells: tuple[int, int, int]) -> pl.DataFrame:
    """(place, week, persons)."""
    rows = [("lodging", place, week, persons, persons) for place, week, persons in cells]
    schema = {
        "series": pl.String,
        "place": pl.UInt32,
        "week": pl.Int32,
        "value": pl.Int64,
        "persons": pl.Int64,
    }
    return pl.DataFrame(rows, schema=schema, orient="row")


def shown(cells: pl.DataFrame, spans: pl.DataFrame = SPAN) -> dict[tuple[int | None, int], int]:
    known = withhold(cells, spans).filter(~pl.col("is_withheld"))
    return {(place, week): value for place, week, value in known.select("place", "week", "value").iter_rows()}


def guests(count: int, day: float, city: str, first: int = 0) -> list[dict[str, Any]]:
    """So many persons who pay for a room."""
    return [card(day, city, account_id=f"P{first + n}", merchant_category="7011") for n in range(count)]


def test_a_cell_of_ten_persons_is_shown_and_one_of_nine_is_not() -> None:
    assert shown(counts((1, 0, LEAST), (2, 0, LEAST), (3, 0, LEAST - 1), (4, 0, LEAST - 1))) == {
        (1, 0): 10, (2, 0): 10, (None, 0): 38,
    }  # fmt: skip


def test_a_single_withheld_cell_takes_the_smallest_shown_one_with_it() -> None:
    assert shown(counts((1, 0, 30), (2, 0, 12), (3, 0, 4))) == {(1, 0): 30, (None, 0): 46}


def test_few_persons_in_several_withheld_cells_take_a_shown_one_with_them() -> None:
    assert shown(counts((1, 0, 30), (2, 0, 12), (3, 0, 4), (4, 0, 5))) == {(1, 0): 30, (None, 0): 51}
    assert shown(counts((1, 0, 30), (2, 0, 12), (3, 0, 4), (4, 0, 6)))[(2, 0)] == 12


def test_a_total_that_is_one_withheld_cell_is_withheld() -> None:
    assert shown(counts((1, 0, 4))) == {}
    assert shown(counts((1, 0, 15))) == {(1, 0): 15, (None, 0): 15}
    assert shown(counts((1, 0, 15), (2, 0, 3))) == {(None, 0): 18}


def test_a_week_without_anybody_looks_like_one_with_few() -> None:
    cells = withhold(counts((1, 0, 20), (1, 1, 0), (2, 0, 20), (2, 1, 3), (1, 2, 20), (2, 2, 20)), SPAN)
    withheld = (
        cells.filter(pl.col("place").is_in([1, 2]), "is_withheld").select("place", "week", "value").rows()
    )
    assert withheld == [(1, 1, None), (1, 3, None), (2, 1, None), (2, 3, None)]


def test_a_city_that_is_never_shown_is_not_named() -> None:
    assert withhold(counts((1, 0, 30), (2, 0, 9), (3, 0, 9)), SPAN)["place"].unique().to_list() == [None, 1]


@settings(deadline=None, max_examples=60)
@given(st.lists(st.integers(1, 30), min_size=1, max_size=7))
def test_no_withheld_cell_follows_from_what_is_shown(sizes: list[int]) -> None:
    known = shown(counts(*[(place, 0, size) for place, size in enumerate(sizes)]))
    hidden = [size for place, size in enumerate(sizes) if (place, 0) not in known]
    assert all(size >= LEAST for place, size in enumerate(sizes) if (place, 0) in known)
    if (None, 0) in known:
        assert known[(None, 0)] == sum(sizes)
        assert len(hidden) != 1
        assert not 0 < sum(hidden) < LEAST


def test_rooms_and_night_cash_are_counted_by_person_and_whole_week() -> None:
    monday = datetime(2026, 3, 2)
    zone = {"local_zone": "Europe/Berlin"}
    night = monday + timedelta(days=1, hours=22)
    data = ledger(
        card(0, "Berlin", booked_at=monday),
        *guests(3, 1, "Essen"),
        *guests(3, 2, "Essen"),  # the same persons once more
        cash(0, "Bremen", account_id="N", booked_at=night, **zone),
        cash(0, "Bremen", account_id="D", booked_at=monday + timedelta(days=1, hours=12), **zone),
        card(0, "Berlin", booked_at=monday + timedelta(days=13)),
        *guests(5, 14, "Essen"),  # a week that the data does not have whole
    )
    found, spans, places = city_weeks(data, None, Settings())
    named = found.join(places, on="place").select("series", "city", "value", "persons").sort("series").rows()
    assert named == [("lodging", "Essen", 3, 3), ("night_cash", "Bremen", 1, 1)]
    assert set(
        spans.filter(pl.col("series") == "lodging").select(pl.col("last") - pl.col("first")).rows()
    ) == {(1,)}


def test_adverts_are_counted_one_by_one_and_their_persons_by_poster() -> None:
    known = adverts(
        *[advert(f"k{n}", 7 + n / 24, "Bremen", cluster="K") for n in range(4)],
        advert("s1", 8, "Bremen"),
        advert("s2", 8, "Bremen"),
        advert("old", 0, "Bremen"),
        advert("new", 21, "Bremen"),
    )
    found, _, _ = city_weeks(ledger(card(0, "Berlin")), known, Settings())
    assert found.filter(pl.col("series") == "adverts").sort("value").select("value", "persons").rows()[
        -1
    ] == (6, 3)


def test_a_number_is_new_once_and_not_while_the_data_begins() -> None:
    from finpat.adverts.adverts import build_adverts

    weeks = [0, 1, RUN_IN + 1, RUN_IN + 2, RUN_IN + 3]
    rows = [(f"a{week}", START + timedelta(weeks=week), "030 2345 67" + str(10 + week)) for week in weeks]
    rows.append(("again", START + timedelta(weeks=RUN_IN + 4), "030 2345 67" + str(10 + weeks[2])))
    rows.append(("end", START + timedelta(weeks=RUN_IN + 6), None))
    ads = pl.DataFrame(rows, schema=["ad_id", "posted_at", "phone"], orient="row").with_columns(
        platform=pl.lit("board"),
        city=pl.lit("Berlin"),
        country=pl.lit("DE"),
        posted_at=pl.col("posted_at").cast(pl.Datetime("us")),
    )
    data = ledger(card(0, "Berlin"))
    known = build_adverts(ads, pl.DataFrame(), data, Settings())
    found, _, _ = city_weeks(data, known, Settings())
    fresh = found.filter(pl.col("series") == "new_phones").sort("week")
    assert fresh["value"].to_list() == [1, 1, 1]


START = datetime(2026, 3, 2, 12)


def series(values: list[int | None]) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "series": "lodging",
            "place": 1,
            "week": range(len(values)),
            "value": values,
            "is_withheld": [v is None for v in values],
        },
        schema={
            "series": pl.String,
            "place": pl.UInt32,
            "week": pl.Int32,
            "value": pl.Int64,
            "is_withheld": pl.Boolean,
        },
    )


def test_z_is_the_distance_from_the_median_of_the_half_year_before_in_robust_spreads() -> None:
    before = [20, 22, 24, 26] * 6 + [20, 26]
    z = with_z(series([*before, 40]))["z"]
    assert z[-1] == pytest.approx((40 - 23) / max(1.4826 * np.median(np.abs(np.array(before) - 23)), 23**0.5))
    assert z[:HISTORY].null_count() == HISTORY


@pytest.mark.parametrize(("known", "judged"), [(FEWEST_WEEKS, True), (FEWEST_WEEKS - 1, False)])
def test_z_needs_a_quarter_of_shown_weeks_among_those_before(known: int, judged: bool) -> None:
    z = with_z(series([20] * known + [None] * (HISTORY - known) + [40]))["z"]
    assert (z[-1] is not None) is judged


def test_an_ordinary_series_stays_in_its_band_about_nineteen_times_of_twenty() -> None:
    draw = np.random.default_rng(5)
    inside = []
    for _ in range(40):
        values = draw.poisson(30, 40).astype(float)
        _, low, high = forecast(values)
        inside.append(low[39] <= values[39] <= high[39])
    assert 0.88 <= np.mean(inside) <= 1.0


def test_the_newest_week_has_no_part_in_what_was_expected_of_it() -> None:
    values = [30 + n % 5 for n in range(30)]
    usual, strange = (with_forecasts(series([*values, last])) for last in (31, 300))
    columns = ["week", "forecast", "low", "high"]
    assert_frame_equal(usual[:31].select(columns), strange[:31].select(columns))
    assert strange["high"][30] < 300


def test_a_forecast_reaches_four_weeks_beyond_the_data_and_widens() -> None:
    told = with_forecasts(series([30 + n % 5 for n in range(30)]))
    ahead = told[30:]
    assert ahead.height == AHEAD
    assert ahead["value"].null_count() == AHEAD
    width = (ahead["high"] - ahead["low"]).to_list()
    assert width == sorted(width)
    assert not ahead["is_withheld"].any()


@pytest.mark.parametrize(("weeks", "told"), [(FEWEST_WEEKS, AHEAD), (FEWEST_WEEKS - 1, 0)])
def test_a_forecast_needs_a_quarter_of_shown_weeks(weeks: int, told: int) -> None:
    assert with_forecasts(series([20] * weeks))["forecast"].count() == told


def test_a_forecast_is_made_of_shown_weeks_alone() -> None:
    # What was withheld is not in the frame at all: two histories that differ there are the same to it.
    spans = pl.DataFrame({"series": ["lodging"], "first": [0], "last": [29]}, schema_overrides=SPAN.schema)
    few, none = (
        withhold(
            counts(
                *[(p, w, 20) for w in range(30) for p in (1, 2) if w != 7],
                (1, 7, hidden),
                (2, 7, 20),
                (3, 7, 9),
            ),
            spans,
        )
        for hidden in (9, 5)
    )
    chosen = pl.col("place") == 1
    assert_frame_equal(with_forecasts(few.filter(chosen)), with_forecasts(none.filter(chosen)))


def test_hotspots_do_not_depend_on_the_order_of_rows() -> None:
    rows = [row for week in range(14) for row in guests(11 + week % 3, 7 * week, "Essen")]
    rows += [row for week in range(14) for row in guests(12, 7 * week + 1, "Bremen", first=50)]
    rows += [card(-1, "Berlin"), card(7 * 14, "Berlin")]
    rows = [{**row, "row_key": key} for key, row in enumerate(rows)]
    one, other = (build_hotspots(ledger(*order), None, Settings()).table() for order in (rows, rows[::-1]))
    assert_frame_equal(one, other)
    essen = one.filter(pl.col("city") == "Essen")
    assert essen["value"].count() >= 12
    assert essen["week"].dt.weekday().unique().to_list() == [1]
    assert essen["forecast"].count() > 0
