from __future__ import annotations

from datetime import date, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from finpat.config import FxSettings
from finpat.errors import SettingsError
from finpat.money import decimals_of
from finpat.rates import RATE_DECIMALS, Rates, ecb_table, load_rates

FRIDAY = date(2026, 3, 6)


def table(*rows: tuple[str, date, str]) -> pl.DataFrame:
    return pl.DataFrame(
        [(code, day, int(Decimal(rate).scaleb(RATE_DECIMALS))) for code, day, rate in rows],
        schema={"currency": pl.String, "day": pl.Date, "per_euro": pl.Int64},
        orient="row",
    ).sort("currency", "day")


SCHEMA = {"minor": pl.Int64, "source": pl.String, "target": pl.String, "day": pl.Date}
COLUMNS = [pl.col(name) for name in SCHEMA]


def convert(rates: Rates, minor: int | None, source: str | None, target: str, day: date | None) -> int | None:
    frame = pl.DataFrame([(minor, source, target, day)], schema=SCHEMA, orient="row")
    return frame.select(rates.convert(*COLUMNS)).item()


RATES = Rates((table(("USD", FRIDAY, "1.25"), ("GBP", FRIDAY, "0.8"), ("JPY", FRIDAY, "160"),
                     ("BTC", FRIDAY, "0.00001")),))  # fmt: skip


@pytest.mark.parametrize(
    ("minor", "source", "target", "expected"),
    [
        (100_00, "EUR", "USD", 125_00),
        (125_00, "USD", "EUR", 100_00),
        (100_00, "GBP", "USD", 156_25),  # over the euro: 1.25 / 0.8
        (1_00, "EUR", "JPY", 160_00),  # the store keeps two decimals of yen
        (1_00, "EUR", "BTC", 1_000),  # 0.00001 BTC = 1,000 satoshi
        (1_000, "BTC", "EUR", 1_00),
        (-100_00, "EUR", "USD", -125_00),
        (0, "EUR", "USD", 0),
    ],
)
def test_an_amount_goes_over_the_euro_and_keeps_each_currency_s_decimals(minor, source, target, expected):
    assert convert(RATES, minor, source, target, FRIDAY) == expected


@pytest.mark.parametrize(("minor", "expected"), [(2, 2), (6, 8), (10, 12), (-2, -2), (-6, -8), (3, 4)])
def test_a_half_minor_unit_goes_to_the_even_neighbour(minor, expected):
    # 1.25 a cent: 2 -> 2.5, 6 -> 7.5, 10 -> 12.5, 3 -> 3.75
    assert convert(RATES, minor, "EUR", "USD", FRIDAY) == expected


@pytest.mark.parametrize(
    ("source", "target", "day", "why"),
    [
        ("DOGE", "EUR", FRIDAY, "no such rate"),
        ("EUR", "DOGE", FRIDAY, "no such rate"),
        (None, "EUR", FRIDAY, "no currency"),
        ("USD", "EUR", None, "no day"),
        ("USD", "EUR", date(2026, 3, 5), "before the first rate: the future is not known"),
        ("USD", "EUR", date(2026, 3, 14), "eight days old"),
    ],
)
def test_without_a_rate_there_is_no_amount_rather_than_one_to_one(source, target, day, why):
    assert convert(RATES, 100, source, target, day) is None, why


def test_a_rate_serves_up_to_its_greatest_age():
    assert convert(RATES, 100_00, "EUR", "USD", date(2026, 3, 13)) == 125_00
    assert convert(Rates(RATES.tables, max_age_days=0), 100_00, "EUR", "USD", FRIDAY) == 125_00
    assert convert(Rates(RATES.tables, max_age_days=0), 100_00, "EUR", "USD", date(2026, 3, 7)) is None


def test_the_same_currency_is_the_same_amount_even_without_any_rate():
    assert convert(Rates(()), 12_345, "DOGE", "DOGE", FRIDAY) == 12_345
    assert convert(Rates(()), 12_345, "DOGE", "DOGE", None) == 12_345
    assert convert(Rates(()), None, "DOGE", "DOGE", FRIDAY) is None


def test_an_amount_too_large_for_the_store_is_null_rather_than_wrapped_around():
    assert convert(RATES, 9_000_000_000_000_000_000, "EUR", "JPY", FRIDAY) is None
    assert convert(RATES, 9_000_000_000_000_000_000, "JPY", "EUR", FRIDAY) == 56_250_000_000_000_000


def test_the_day_may_be_a_date_an_instant_or_days_since_1970():
    for day in (FRIDAY, datetime(2026, 3, 6, 23, 59), (FRIDAY - date(1970, 1, 1)).days):
        frame = pl.DataFrame({"minor": [100_00], "day": [day]})
        if isinstance(day, int):
            frame = frame.cast({"day": pl.Int32})
        found = frame.select(RATES.convert(pl.col("minor"), pl.lit("EUR"), pl.lit("USD"), pl.col("day")))
        assert found.item() == 125_00


@given(
    st.lists(
        st.tuples(
            st.integers(-(10**12), 10**12),
            st.sampled_from(["EUR", "USD", "GBP", "JPY", "BTC", "DOGE"]),
            st.sampled_from(["EUR", "USD", "GBP", "JPY", "BTC", "DOGE"]),
        ),
        min_size=1,
        max_size=20,
    )
)
def test_a_column_of_amounts_equals_decimal_arithmetic_row_by_row_in_any_order(rows):
    frame = pl.DataFrame(rows, schema=["minor", "source", "target"], orient="row").with_columns(day=FRIDAY)
    expression = RATES.convert(*COLUMNS).alias("out")
    per_euro = {"EUR": Decimal(1), "USD": Decimal("1.25"), "GBP": Decimal("0.8"), "JPY": Decimal(160),
                "BTC": Decimal("0.00001")}  # fmt: skip

    def slowly(minor: int, source: str, target: str) -> int | None:
        if source == target:
            return minor
        if "DOGE" in (source, target):
            return None
        shift = decimals_of(target) - decimals_of(source)
        exact = (Decimal(minor) * per_euro[target]).scaleb(shift) / per_euro[source]
        return int(exact.quantize(Decimal(1), ROUND_HALF_EVEN))

    expected = [slowly(*row) for row in rows]
    assert frame.select(expression)["out"].to_list() == expected
    assert frame.reverse().select(expression)["out"].to_list() == expected[::-1]


def test_the_ecb_rates_travel_with_the_package_and_are_exact():
    rates = load_rates(FxSettings(), Path("."))
    # ECB reference rates of 10 January 2019: USD 1.1535, JPY 124.7, GBP 0.90423.
    assert convert(rates, 100_00, "EUR", "USD", date(2019, 1, 10)) == 115_35
    assert convert(rates, 100_000_00, "EUR", "GBP", date(2019, 1, 10)) == 90_423_00
    assert convert(rates, 100_00, "EUR", "USD", date(2019, 1, 12)) is not None  # a Saturday
    assert convert(rates, 100_00, "EUR", "RUB", date(2023, 1, 10)) is None  # suspended since March 2022
    assert {"EUR", "USD", "CHF", "INR"} <= rates.currencies


def own(tmp_path: Path, text: str) -> Rates:
    (tmp_path / "rates.csv").write_text(text, encoding="utf-8")
    return load_rates(FxSettings(rates_file="rates.csv"), tmp_path)


def test_own_rates_go_before_the_ecb_s_and_add_currencies(tmp_path):
    rates = own(tmp_path, "date,currency,per_euro\n2019-01-10,USD,2\n2019-01-10,BTC,0.000315\n")
    assert convert(rates, 100_00, "EUR", "USD", date(2019, 1, 11)) == 200_00
    assert convert(rates, 100_00, "EUR", "BTC", date(2019, 1, 10)) == 3_150_000
    assert convert(rates, 100_00, "EUR", "USD", date(2018, 1, 10)) == 119_92  # the ECB's again
    assert rates.describe()["source"].startswith("rates.csv, then ECB")


def test_other_rates_have_another_fingerprint():
    usd = Rates((table(("USD", FRIDAY, "1.25")),))
    assert usd.fingerprint == Rates((table(("USD", FRIDAY, "1.25")),)).fingerprint
    assert usd.fingerprint != Rates((table(("USD", FRIDAY, "1.250000000001")),)).fingerprint
    assert usd.fingerprint != Rates(usd.tables, max_age_days=3).fingerprint


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("day,code,rate\n", "first line is 'day,code,rate'"),
        ("date,currency,per_euro\n2026-02-30,USD,1\n", "line 2: date is '2026-02-30'"),
        ("date,currency,per_euro\n2026-02-03,USD,1\n2026-02-04,usd,1\n", "line 3: currency is 'usd'"),
        ("date,currency,per_euro\n2026-02-03,EUR,1\n", "line 2: currency is 'EUR'"),
        ('date,currency,per_euro\n2026-02-03,USD,"1,25"\n', "line 2: per_euro is '1,25'"),
        ("date,currency,per_euro\n2026-02-03,USD,0\n", "line 2: per_euro is '0'"),
        ("date,currency,per_euro\n2026-02-03,USD,9999999\n", "line 2: per_euro is '9999999'"),
        ("date,currency,per_euro\n2026-02-03,USD,\n", "line 2: per_euro is ''"),
        ("date,currency,per_euro\n2026-02-03,USD,1\n2026-02-03,USD,2\n", "line 3: date is '2026-02-03'"),
        ("", "cannot be read as CSV"),
    ],
)
def test_an_own_rate_that_cannot_be_used_is_named_with_its_line(tmp_path, text, message):
    with pytest.raises(SettingsError, match=message):
        own(tmp_path, text)


def test_a_missing_rates_file_is_named(tmp_path):
    with pytest.raises(SettingsError, match=r"fx\.rates_file .*none\.csv: cannot be read"):
        load_rates(FxSettings(rates_file="none.csv"), tmp_path)


def test_every_ecb_rate_is_positive_and_one_per_currency_and_day():
    rates = ecb_table()
    assert rates["per_euro"].min() > 0
    assert rates.select("currency", "day").is_unique().all()
