from __future__ import annotations

import subprocess
import sys

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from finpat.places import coordinates_of, normalised, zone_of


def zone(country: str | None, city: str | None) -> str | None:
    schema = {"country": pl.String, "city": pl.String}
    frame = pl.DataFrame({"country": [country], "city": [city]}, schema=schema)
    return frame.select(zone_of(pl.col("country"), pl.col("city"))).item()


@pytest.mark.parametrize(
    ("country", "city", "expected"),
    [
        ("DE", None, "Europe/Berlin"),  # Büsingen's clock agrees with Berlin's
        ("DE", "Nowhere at all", "Europe/Berlin"),
        ("de", " köln ", "Europe/Berlin"),
        ("GB", "LONDON", "Europe/London"),
        ("ES", "Madrid", "Europe/Madrid"),
        ("ES", "Las Palmas de Gran Canaria", "Atlantic/Canary"),
        ("PT", "Ponta Delgada", "Atlantic/Azores"),
        ("US", "Chicago", "America/Chicago"),
        ("US", "New York", "America/New_York"),
        ("US", "ST. LOUIS", "America/Chicago"),
        ("US", "Saint Louis", "America/Chicago"),
        ("US", "Portland, OR", "America/Los_Angeles"),
        ("US", "PORTLAND ME", "America/New_York"),
        ("CA", "Montreal", "America/Toronto"),
        ("AU", "Perth WA", "Australia/Perth"),
        ("CN", "北京", "Asia/Shanghai"),
    ],
)
def test_a_place_that_is_clear_has_the_zone_of_its_wall_clock(country, city, expected):
    assert zone(country, city) == expected


@pytest.mark.parametrize(
    ("country", "city", "why_not"),
    [
        ("US", None, "a country of several zones needs the city"),
        ("ES", None, "the Canaries have their own time"),
        ("US", "Portland", "in Oregon and in Maine"),
        ("US", "Springfield", "in half a dozen states of two zones"),
        ("US", "Nowhere at all", "not in the gazetteer"),
        (None, "Berlin", "a city without a country may lie anywhere"),
        ("ZZ", "Berlin", "no such country"),
        ("", "", "nothing is said"),
    ],
)
def test_a_place_that_is_not_clear_has_no_zone_rather_than_utc(country, city, why_not):
    assert zone(country, city) is None, why_not


def test_each_row_gets_the_answer_of_its_own_place_whatever_the_order_and_the_text_type():
    frame = pl.DataFrame(
        {"country": ["US", "DE", None, "US", "US"], "city": ["Chicago", "Berlin", "Rome", None, "Portland"]}
    )
    columns = zone_of(pl.col("country"), pl.col("city")).alias("zone")
    forward = frame.with_columns(columns)
    assert forward["zone"].to_list() == ["America/Chicago", "Europe/Berlin", None, None, None]
    assert forward.reverse().equals(frame.reverse().with_columns(columns))
    assert frame.with_columns(pl.all().cast(pl.Categorical)).select(columns).equals(forward.select("zone"))
    assert frame.lazy().with_columns(columns).collect().equals(forward)


def test_no_rows_have_no_zones():
    frame = pl.DataFrame(schema={"country": pl.String, "city": pl.String})
    assert frame.select(zone_of(pl.col("country"), pl.col("city"))).to_series().dtype == pl.String


def test_coordinates_are_those_of_the_city_and_null_where_several_places_bear_the_name():
    frame = pl.DataFrame(
        {
            "country": ["DE", "US", "US", "DE", "DE"],
            "city": ["Hamburg", "Springfield", "Springfield IL", None, "Xyz"],
        }
    )
    found = frame.select(coordinates_of(pl.col("country"), pl.col("city")).alias("at")).unnest("at")
    assert found.row(0) == pytest.approx((53.55, 10.0), abs=0.1)
    assert found.row(2) == pytest.approx((39.8, -89.64), abs=0.1)
    assert [found.row(index) for index in (1, 3, 4)] == [(None, None)] * 3


@given(st.text(max_size=20))
def test_normalising_a_name_twice_changes_nothing_more(name):
    frame = pl.DataFrame({"name": [name]}, schema={"name": pl.String})
    once = frame.select(normalised(pl.col("name")))
    assert once.select(normalised(pl.col("name"))).equals(once)


@pytest.mark.parametrize("spelling", ["MÜNCHEN", "Munchen", "munich", "  München."])
def test_spellings_of_one_city_are_one_place(spelling):
    frame = pl.DataFrame({"country": ["DE"], "city": [spelling]})
    at = frame.select(coordinates_of(pl.col("country"), pl.col("city"))).item()
    assert at["latitude"] == pytest.approx(48.14, abs=0.05)


def test_the_gazetteer_is_read_only_when_a_place_is_asked_for():
    code = "import finpat.places as p; raise SystemExit(p._gazetteer.cache_info().currsize)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
