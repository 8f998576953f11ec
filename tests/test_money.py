from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from finpat.money import decimals_of, from_minor, is_iso_currency, to_minor


@pytest.mark.parametrize(
    ("currency", "decimals"),
    [("EUR", 2), ("JPY", 2), ("KWD", 3), ("CLF", 4), ("BGN", 2), ("BTC", 8), ("USDT", 8)],
)
def test_a_currency_keeps_at_least_two_decimals_and_a_crypto_ticker_eight(currency, decimals):
    assert decimals_of(currency) == decimals


def test_historic_codes_are_currencies_and_tickers_are_not():
    assert is_iso_currency("DEM")
    assert not is_iso_currency("BTC")


def test_an_amount_with_more_decimals_than_its_currency_is_refused_not_rounded():
    with pytest.raises(ValueError, match=r"1\.005 has more decimals than EUR holds \(2\)"):
        to_minor(Decimal("1.005"), "EUR")
    assert to_minor(Decimal("1.000"), "EUR") == 100


@given(st.integers(-(10**18), 10**18), st.sampled_from(["EUR", "KWD", "BTC", "JPY"]))
def test_minor_units_and_amounts_are_two_forms_of_one_number(minor, currency):
    assert to_minor(from_minor(minor, currency), currency) == minor
