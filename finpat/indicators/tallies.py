"""Tallies of trailing windows: sums, distinct values and repeated values, in one pass over the rows.

One window ends at each instant of a subject: (t - w, t], all rows of one instant included. The work grows
with the rows, not with the rows of a window, so that an account with a hundred thousand payments a month
costs no more per payment than any other.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from finpat.compiled import frozen, kernel
from finpat.indicators.windows import with_rows

Ints = npt.NDArray[np.int64]


@kernel
def first_rows(subject, instant, width):  # type: ignore[no-untyped-def]
    """Per row: the first row of its subject that is younger than `width` at the row's instant."""
    first = np.empty(len(subject), np.int64)
    head = 0
    for row in range(len(subject)):
        while subject[head] != subject[row] or instant[row] - instant[head] >= width:
            head += 1
        first[row] = head
    return first


@kernel
def distinct_codes(first, code, size):  # type: ignore[no-untyped-def]
    """Per row: how many different codes stand in the rows first to row. A negative code counts nothing."""
    seen = np.zeros(size, np.int64)
    distinct = np.empty(len(first), np.int64)
    count = 0
    head = 0
    for row in range(len(first)):
        if code[row] >= 0:
            count += seen[code[row]] == 0
            seen[code[row]] += 1
        while head < first[row]:
            if code[head] >= 0:
                seen[code[head]] -= 1
                count -= seen[code[head]] == 0
            head += 1
        distinct[row] = count
    return distinct


@kernel
def commonest_codes(first, code, size, places):  # type: ignore[no-untyped-def]
    """Per row: how many of the rows first to row have one of the `places` commonest codes among them.

    The codes are kept in falling order of their count. As a count changes by one only, a code changes places
    with the outermost one of equal count and the order holds: `above[c]` codes have a count above c.
    """
    order = np.arange(size)
    place = np.arange(size)
    seen = np.zeros(size, np.int64)
    above = np.zeros(len(first) + 1, np.int64)
    covered = np.empty(len(first), np.int64)
    head = 0
    for row in range(len(first)):
        mine = code[row]
        if mine >= 0:
            target = above[seen[mine]]
            other = order[target]
            order[place[mine]], place[other] = other, place[mine]
            order[target], place[mine] = mine, target
            above[seen[mine]] += 1
            seen[mine] += 1
        while head < first[row]:
            mine = code[head]
            if mine >= 0:
                target = above[seen[mine] - 1] - 1
                other = order[target]
                order[place[mine]], place[other] = other, place[mine]
                order[target], place[mine] = mine, target
                seen[mine] -= 1
                above[seen[mine]] -= 1
            head += 1
        total = 0
        for position in range(min(places, size)):
            total += seen[order[position]]
        covered[row] = total
    return covered


def tally(
    rows: pl.DataFrame,
    width_us: int,
    *,
    sums: Mapping[str, pl.Expr] | None = None,
    distinct: Mapping[str, pl.Expr] | None = None,
    commonest: Mapping[str, tuple[pl.Expr, int]] | None = None,
) -> pl.DataFrame:
    """One window per subject and instant of `rows`.

    rows: sorted by subject, then booked_at; `account` and `currency` are carried where rows have them.
    width_us: microseconds; a row exactly that old is outside.
    sums: name -> what to add up (truth values or integers; null adds nothing).
    distinct: name -> of what to count the different values, null not among them.
    commonest: name -> of what, and how many of its most frequent values: the rows that have one of those.
    Returns subject, window_start (its first row), window_end, account, currency, one Int64 column per name,
    and the positions in `rows` of its first and last row (`first`, `last`).
    """
    subject = frozen(rows["subject"].cast(pl.UInt64).to_numpy())
    instant = frozen(rows["booked_at"].cast(pl.Int64).to_numpy())
    first = frozen(first_rows(subject, instant, width_us))
    ends = np.ones(len(subject), np.bool_)
    ends[:-1] = (subject[1:] != subject[:-1]) | (instant[1:] != instant[:-1])
    last = np.flatnonzero(ends)
    start = first[last]
    told: dict[str, Any] = {}
    for name, value in (sums or {}).items():
        running = np.concatenate([[0], np.cumsum(_values(rows, value.cast(pl.Int64).fill_null(0)))])
        told[name] = running[last + 1] - running[start]
    for name, value in (distinct or {}).items():
        told[name] = distinct_codes(first, *_codes(rows, value))[last]
    for name, (value, places) in (commonest or {}).items():
        told[name] = commonest_codes(first, *_codes(rows, value), places)[last]
    carried = [name for name in ("subject", "account", "currency") if name in rows.columns]
    return rows.select(carried)[last].with_columns(
        window_start=rows["booked_at"].gather(start),
        window_end=rows["booked_at"].gather(last),
        first=pl.Series(start, dtype=pl.Int64),
        last=pl.Series(last, dtype=pl.Int64),
        **{name: pl.Series(value, dtype=pl.Int64) for name, value in told.items()},
    )


def _values(rows: pl.DataFrame, value: pl.Expr) -> Ints:
    return rows.with_columns(value.alias("_value"))["_value"].to_numpy()


def _codes(rows: pl.DataFrame, value: pl.Expr) -> tuple[npt.NDArray[Any], int]:
    """The values as codes counted from zero, -1 for null; and how many codes there may be."""
    column = rows.with_columns(value.alias("_value"))["_value"]
    codes = column.rank("dense").cast(pl.Int64).fill_null(0).to_numpy() - 1
    return frozen(codes), int(codes.max(initial=0)) + 1


def lacking(rows: pl.DataFrame, at_least: int, field: str) -> pl.DataFrame:
    """Unjudged (see Outcome): the accounts of subjects with `at_least` of `rows`, which lack `field`."""
    return with_rows(rows, at_least).select("account", missing_field=pl.lit(field)).unique()


def covered(height: int, windows: pl.DataFrame) -> pl.Series:
    """Per row of a tallied frame of `height` rows: whether any of `windows` (of that tally) holds it."""
    begin, end = windows["first"].to_numpy(), windows["last"].to_numpy() + 1
    change = np.bincount(begin, minlength=height + 1) - np.bincount(end, minlength=height + 1)
    return pl.Series(np.cumsum(change)[:height] > 0, dtype=pl.Boolean)


def reaching_back(windows: pl.DataFrame, begun_at: pl.Series) -> pl.DataFrame:
    """`windows` (of `tally`) that start where the first of their rows began.

    begun_at: one instant per row tallied, null where the row began with itself; never falling in a subject.
    """
    begun = begun_at.gather(windows["first"])
    return windows.with_columns(window_start=pl.min_horizontal("window_start", begun.alias("begun_at")))


def gap_variation(rows: pl.DataFrame, windows: pl.DataFrame) -> pl.DataFrame:
    """`windows` (of `tally` over `rows`) with gap_cv: how unevenly the rows of a window follow each other.

    It is the standard deviation of the gaps between successive rows over their mean; null with fewer than two
    gaps, and where all rows fall on one instant. Gaps are taken in whole seconds.
    """
    second = rows["booked_at"].cast(pl.Int64).to_numpy() // 1_000_000
    gap = np.diff(second, prepend=second[:1]) if len(second) else second
    # A gap of a window lies between two of its rows: that of its first row reaches out of it.
    begin, end = windows["first"].to_numpy() + 1, windows["last"].to_numpy() + 1
    # Integers, so that the long gaps between subjects cost no digits of the short ones.
    total, squares = (
        running[end] - running[begin]
        for running in (np.concatenate([[0], np.cumsum(part)]) for part in (gap, gap**2))
    )
    count = end - begin
    with np.errstate(divide="ignore", invalid="ignore"):
        variation = np.sqrt(np.maximum(squares * count / total.astype(float) ** 2 - 1.0, 0.0))
    known = (count >= 2) & (total > 0)
    return windows.with_columns(
        gap_cv=pl.Series(np.where(known, variation, np.nan), nan_to_null=True, dtype=pl.Float64)
    )
