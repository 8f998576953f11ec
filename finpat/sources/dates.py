"""Dates: which strptime formats fit a column, and reading it by them.

Where day and month could be either over all values, both readings are told.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as arrow

from finpat.sources.mapping import Mapping

_CLOCKS = (
    "",
    " %H:%M:%S%.f",
    "T%H:%M:%S%.f",
    " %H:%M",
    "T%H:%M",
    ", %I:%M:%S %p",
    " %I:%M:%S %p",
    " %I:%M %p",
    " %H.%M.%S",
    " %H.%M",
)
_ZONES = ("", " %z", "%#z", " UTC", "Z")
_YEAR_FIRST = ("%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%Y%m%d")
_DAY_FIRST = ("%d/%m/%Y", "%d.%m.%Y", "%d-%m-%Y", "%d %m %Y", "%d/%m/%y", "%d.%m.%y", "%d-%m-%y", "%d.%m.%Y.")
_MONTH_FIRST = ("%m/%d/%Y", "%m.%d.%Y", "%m-%d-%Y", "%m %d %Y", "%m/%d/%y", "%m.%d.%y", "%m-%d-%y")
_NAMED = (
    "%d %b %Y",
    "%d-%b-%Y",
    "%d-%b-%y",
    "%d %b %y",
    "%b %d, %Y",
    "%b %d %Y",
    "%d %B %Y",
    "%B %d, %Y",
    "%d/%b/%Y",
    "%d. %b %Y",
    "%d%b%Y",
)
_OTHER = (
    "%Y%m%d%H%M%S[0:GMT]",
    "%Y%m%d%H%M%S",
    "%Y%m%d%H%M%S.000",
    "%Y-%m-%d-%H.%M.%S%.f",
    "%a %b %d %H:%M:%S %Y",
    "%a, %d %b %Y",
)
_SAMPLE = 2000
_LETTERS, _DIGIT = re.compile(r"[^\W\d_]+"), re.compile(r"\d")


@dataclass(frozen=True)
class DateOrders:
    """Formats that read every value, day first or month first; empty where it cannot be."""

    day_first: tuple[str, ...]
    month_first: tuple[str, ...]

    @property
    def ambiguous(self) -> bool:
        """Whether both orders read every value, and not to the same dates."""
        return bool(self.day_first) and bool(self.month_first) and self.day_first != self.month_first

    @property
    def formats(self) -> tuple[str, ...]:
        """The formats where there is one reading only; empty where there is none or a choice."""
        return () if self.ambiguous else self.day_first or self.month_first


def find_formats(values: Iterable[str], share: float = 1.0) -> DateOrders:
    """The formats that read at least `share` of the values, for both orders of day and month.

    Of many values an even sample is tried, so give them in an order that does not change between runs.
    """
    some = list(dict.fromkeys(values))
    if len(some) > _SAMPLE:
        step = len(some) / _SAMPLE
        some = [some[int(i * step)] for i in range(_SAMPLE)]
    distinct = list(dict.fromkeys(value.strip() for value in some if value and value.strip()))
    shapes: dict[str, list[str]] = {}
    for value in distinct:
        shapes.setdefault(_shape(value), []).append(value)
    day, missed_day = _cover(shapes, (*_YEAR_FIRST, *_DAY_FIRST))
    month, missed_month = _cover(shapes, (*_YEAR_FIRST, *_MONTH_FIRST))
    allowed = (1 - share) * len(distinct)
    day = day if missed_day <= allowed else ()
    month = month if missed_month <= allowed else ()
    if day and month and missed_day != missed_month:  # one order reads more of them: the other is wrong
        day, month = (day, ()) if missed_day < missed_month else ((), month)
    return DateOrders(day, month)


def _shape(value: str) -> str:
    """The value with digits and letters levelled, so that each way of writing is tried once."""
    return _LETTERS.sub("a", _DIGIT.sub("9", value))


def _cover(shapes: dict[str, list[str]], dates: tuple[str, ...]) -> tuple[tuple[str, ...], int]:
    """(formats that together read the values, values that none reads)."""
    chosen: list[str] = []
    missed = 0
    for values in shapes.values():
        best, read = "", 0
        for form in [*chosen, *_candidates(values[0], dates)]:
            count = _count(values, form)
            if count > read:
                best, read = form, count
            if read == len(values):
                break
        missed += len(values) - read
        if best and best not in chosen:
            chosen.append(best)
    return tuple(chosen), missed


def _candidates(value: str, dates: tuple[str, ...]) -> list[str]:
    """Formats that could read a value of this shape."""
    found = [
        date + clock + zone
        for date in (*dates, *_NAMED)
        for clock in _CLOCKS
        for zone in (_ZONES if clock else ("",))
        if (":" in clock) == (":" in value.split("+")[0]) or "." in clock
    ]
    if ":" not in value:
        found = [form for form in found if ":" not in form]
    else:
        found = [form for form in found if ":" in form]
    return [*found, *_OTHER]


def _count(values: list[str], form: str) -> int:
    parsed = pl.Series(values).str.strptime(pl.Datetime("us"), form, strict=False, cache=False)
    years = parsed.dt.year()
    return int((years.is_between(1900, 2199)).sum())


def read_instants(
    value: pl.Series, clock: pl.Series | None, formats: Sequence[str], mapping: Mapping
) -> tuple[pl.Series, pl.Series, pl.Series | None]:
    """(naive instants, what was written, whether there is a time of day or None where all have one).

    Zoned values come out in UTC; others on the clock that the source writes.
    """
    text = value.cast(pl.String)
    count = len(value)
    if isinstance(value.dtype, pl.Datetime):
        if value.dtype.time_zone is not None:
            value = value.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
        return value.cast(pl.Datetime("us")), text, None
    if value.dtype == pl.Date and (clock is None or clock.dtype != pl.String):
        parsed = value.cast(pl.Datetime("us"))
        if clock is None:
            return parsed, text, pl.repeat(False, count, dtype=pl.Boolean, eager=True)
        return parsed + clock.cast(pl.Duration("us")).fill_null(0), text, clock.is_not_null()
    if mapping.time.unit is not None:
        return (
            _counted(value, mapping),
            text,
            pl.repeat(mapping.time.unit != "d", count, dtype=pl.Boolean, eager=True),
        )
    written = text
    if clock is not None:
        both = pl.DataFrame({"date": text, "time": clock.cast(pl.String)})
        joined = pl.concat_str("date", "time", separator=" ")
        written = both.select(pl.when(pl.col("time").is_null()).then("date").otherwise(joined)).to_series()
    return _parsed(written, formats), text, _has_time(written, formats)


def _parsed(text: pl.Series, formats: Sequence[str]) -> pl.Series:
    result: pl.Series | None = None
    for form in formats:
        found = _strptime(text, form)
        result = found if result is None else result.zip_with(result.is_not_null(), found)
        if not result.null_count():
            break
    if result is None:
        return pl.Series([None] * len(text), dtype=pl.Datetime("us"))
    return result


def _strptime(text: pl.Series, form: str) -> pl.Series:
    if form in _ISO_FORMS:
        exact = _iso_instants(text, _ISO_FORMS[form])
        if exact is not None:
            return exact
    parsed = text.str.strptime(pl.Datetime("us"), form, strict=False, cache=False)
    if isinstance(parsed.dtype, pl.Datetime) and parsed.dtype.time_zone is not None:
        parsed = parsed.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
    return parsed


# Formats of ISO 8601 that Arrow reads ten times as fast, and what stands between date and time in them.
_ISO_FORMS = {"%Y-%m-%dT%H:%M:%S%.f": "T", "%Y-%m-%d %H:%M:%S%.f": " "}


def _iso_instants(text: pl.Series, mark: str) -> pl.Series | None:
    """Instants by Arrow's reader of ISO 8601; None where one value is not complete and plain."""
    if text.null_count() or not len(text):
        return None
    values = text.rechunk().to_arrow()
    _, starts, letters = values.buffers()
    at = np.frombuffer(starts, np.int64)[values.offset : values.offset + len(values) + 1]
    if int(np.diff(at).min()) < len("2026-01-31T12:34:56"):
        return None  # Arrow takes times without seconds, which are another format
    if not np.all(np.frombuffer(letters, np.uint8)[at[:-1] + len("2026-01-31")] == ord(mark)):
        return None
    try:
        return pl.Series(arrow.cast(values, pa.timestamp("us")))
    except pa.ArrowInvalid:
        return None


def has_clock(form: str) -> bool:
    """Whether a strptime format reads a time of day."""
    return any(mark in form for mark in ("%H", "%I", "%T", "%R", "%s", "%X", "%c", "%+"))


def has_zone(form: str) -> bool:
    """Whether a strptime format reads a zone, so that what it reads is an instant."""
    return any(mark in form for mark in ("%z", "%:z", "%#z", "%s", "%+")) or form.endswith(("Z", "[0:GMT]"))


def _has_time(text: pl.Series, formats: Sequence[str]) -> pl.Series | None:
    with_clock = [form for form in formats if has_clock(form)]
    if len(with_clock) == len(formats) and formats:
        return None
    if not with_clock:
        return pl.repeat(False, len(text), dtype=pl.Boolean, eager=True)
    return _parsed(text, with_clock).is_not_null()


def _counted(value: pl.Series, mapping: Mapping) -> pl.Series:
    """Instants of a column that counts units since an origin."""
    size = {"us": 1, "ms": 1_000, "s": 1_000_000, "min": 60_000_000, "h": 3_600_000_000, "d": 86_400_000_000}
    unit = mapping.time.unit
    assert unit is not None
    exact = value.cast(pl.Decimal(38, 6), strict=False) if not value.dtype.is_float() else value
    micros = (exact.cast(pl.Float64) if value.dtype.is_float() else exact).to_frame("n").select(
        (pl.col("n") * size[unit]).cast(pl.Int64, strict=False)
    ).to_series()  # fmt: skip
    start = int((mapping.time.origin - type(mapping.time.origin)(1970, 1, 1)).total_seconds()) * 1_000_000
    return (micros + start).cast(pl.Datetime("us"))
