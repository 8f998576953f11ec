"""Money: exact amounts as Int64 minor units, one fixed number of decimals for each currency.

A currency's decimals here are at least two even where ISO 4217 says none: exports of yen accounts do carry
two decimals (card schemes and wallets write them), and an exact store must hold what was written. Crypto
tickers have eight (one satoshi). An amount with more decimals than its currency holds is rejected at the
door, never rounded, unless the mapping declares the rounding.
"""

from __future__ import annotations

from decimal import Decimal
from functools import cache

CRYPTO_DECIMALS = 8  # one satoshi; the finest unit that exchange exports write for every ticker alike
MIN_FIAT_DECIMALS = 2
NO_CURRENCY = "XXX"  # ISO 4217 code for "no currency involved"


@cache
def _iso_decimals() -> dict[str, int]:
    from babel.core import get_global  # babel keeps historic codes

    known = {code for codes in get_global("territory_currencies").values() for code, *_ in codes}
    fractions = get_global("currency_fractions")
    default = fractions["DEFAULT"][0]
    return {code: fractions.get(code, (default,))[0] for code in known | {NO_CURRENCY}}


def is_iso_currency(code: str) -> bool:
    """Whether `code` is, or was, an ISO 4217 currency."""
    return code in _iso_decimals()


def official_decimals(currency: str) -> int:
    """Number of decimals that ISO 4217 gives `currency` (yen 0): what formats of minor units mean."""
    return _iso_decimals().get(currency, CRYPTO_DECIMALS)


def decimals_of(currency: str) -> int:
    """Number of decimals that the store keeps for `currency` (2 or more; crypto tickers 8)."""
    iso = _iso_decimals().get(currency)
    return CRYPTO_DECIMALS if iso is None else max(iso, MIN_FIAT_DECIMALS)


def to_minor(amount: Decimal, currency: str) -> int:
    """Exact minor units of `amount`.

    Raises:
        ValueError: the amount has more decimals than the currency holds.
    """
    scaled = amount.scaleb(decimals_of(currency))
    if scaled != scaled.to_integral_value():
        raise ValueError(f"{amount} has more decimals than {currency} holds ({decimals_of(currency)})")
    return int(scaled)


def from_minor(minor: int, currency: str) -> Decimal:
    """The decimal amount that `minor` units of `currency` stand for."""
    return Decimal(minor).scaleb(-decimals_of(currency))
