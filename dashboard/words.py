"""Numbers, money, instants and names as the reader's locale writes them.

What is missing is a dash, never a zero.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError, dates, numbers
from flask import g, has_request_context, request

from finpat.money import decimals_of

MISSING = "–"
_FALLBACK = "en_GB"


def locale() -> str:
    """The reader's locale: the first of the browser's languages that is known."""
    if not has_request_context():
        return _FALLBACK
    if "locale" not in g:
        g.locale = next((tag for tag in _wanted() if _is_known(tag)), _FALLBACK)
    chosen: str = g.locale
    return chosen


def _wanted() -> list[str]:
    return [tag.replace("-", "_") for tag, _ in request.accept_languages]


def _is_known(tag: str) -> bool:
    try:
        Locale.parse(tag)
    except (UnknownLocaleError, ValueError):
        return False
    return True


def number(value: float | Decimal | None, digits: int = 0) -> str:
    """A number with grouping and at most `digits` decimals."""
    if value is None:
        return MISSING
    pattern = "#,##0" + ("." + "#" * digits if digits else "")
    return numbers.format_decimal(value, format=pattern, locale=locale())


def share(value: float | None) -> str:
    """A share of 0 to 1 as a percentage."""
    return MISSING if value is None else numbers.format_percent(value, format="#,##0.#%", locale=locale())


def money(amount: Decimal | None, currency: str | None) -> str:
    """An amount with its currency's decimals and the currency's code, since signs are shared by many."""
    if amount is None:
        return MISSING
    if currency is None:
        return number(amount, 8)
    digits = decimals_of(currency)
    pattern = "#,##0" + ("." + "0" * digits if digits else "")
    # A no-break space keeps amount and currency on one line.
    return f"{numbers.format_decimal(amount, format=pattern, locale=locale())}\u00a0{currency}"


def instant(value: datetime | None, zone: str | None = None) -> str:
    """An instant (naive UTC) to the minute: in `zone` with the zone named, else in UTC."""
    if value is None:
        return MISSING
    local = value.replace(tzinfo=ZoneInfo("UTC")).astimezone(ZoneInfo(zone or "UTC"))
    return f"{dates.format_datetime(local, 'yyyy-MM-dd HH:mm', locale=locale())}\u00a0{zone or 'UTC'}"


def day(value: date | datetime | None) -> str:
    """A day as year-month-day, which no reader takes for another."""
    return MISSING if value is None else value.strftime("%Y-%m-%d")


def name(word: str | None) -> str:
    """A name out of the tables as words: `possible_mule` is `possible mule`."""
    return MISSING if not word else word.replace("_", " ")


def count(n: int, one: str, many: str | None = None) -> str:
    """`1 account`, `2,310 accounts`."""
    return f"{number(n)} {one if n == 1 else many or one + 's'}"


def duration(seconds: float | None) -> str:
    """A length of time in the largest unit that leaves more than one of it: `4 min`, `3.5 h`, `2 days`."""
    if seconds is None:
        return MISSING
    for unit, length in (("days", 86_400), ("h", 3_600), ("min", 60)):
        if abs(seconds) >= length * (2 if unit == "days" else 1):
            return f"{number(seconds / length, 1)}\u00a0{unit}"
    return f"{number(seconds, 1)}\u00a0s"
