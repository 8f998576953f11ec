# mypy: allow-untyped-defs, allow-untyped-calls
"""Own past: a week of an account against the half year before it, that week left out.

Weeks of seven times 24 hours are counted back from the end of the ledger. A week's past are the whole weeks
of the 180 days before it (25), from the first week that the account saw in full; silent weeks are zeros.
Deviation: (week - median) / (1.4826 MAD), the divisor being at least one unit: one payment, one unit of the
account's currency. An account that does the same every week is so judged by what it adds, and not by zero.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from finpat.compiled import frozen, in_blocks, kernel
from finpat.features.base import DAY, Feature, Floats, Group, Ints, Legs
from finpat.features.selection import nth_smallest
from finpat.money import decimals_of

WEEK = 7 * DAY
PAST_WEEKS = 25  # whole weeks in 180 days
LEAST_WEEKS = 8  # chosen: below it the median absolute deviation is that of two or three weeks
NORMAL = 1.4826  # standard deviations of a normal distribution in one median absolute deviation
_SERIES = (
    ("credit_count", "Incoming payments"),
    ("debit_count", "Outgoing payments"),
    ("paid_in_minor", "Incoming money"),
    ("paid_out_minor", "Outgoing money"),
)


def _features() -> Iterator[Feature]:
    for name, what in _SERIES:
        null = f"no week with any has {LEAST_WEEKS} whole weeks of the account before it"
        yield Feature(
            f"{name}_7d_own_past_peak",
            "own_past",
            "score",
            f"{what} of the week farthest above the account's own 180 days before it, in robust deviations.",
            null,
            "7d",
            role="display",
        )
        yield Feature(
            f"{name}_7d_own_past_peak_at",
            "own_past",
            "instant",
            f"End of that week: {what[0].lower()}{what[1:]}.",
            null,
            "7d",
            role="display",
        )


@kernel
def _middle(values, size, scratch):
    """Twice the median of values[:size]; scratch is overwritten."""
    scratch[:size] = values[:size]
    low = nth_smallest(scratch, size, (size - 1) // 2)
    return low + (low if size % 2 else nth_smallest(scratch, size, size // 2))


@kernel
def _fill(first, last, offsets, instants, amounts, credits, units, end, most_weeks, ints, floats):
    """Fill accounts [first, last); rows as declared. units: minor units of one unit, for each account."""
    weeks = np.zeros((4, most_weeks), np.int64)
    past = np.empty(PAST_WEEKS, np.int64)
    distances = np.empty(PAST_WEEKS, np.int64)
    scratch = np.empty(PAST_WEEKS, np.int64)
    for account in range(first, last):
        begin, stop = offsets[account], offsets[account + 1]
        if begin == stop:
            continue
        oldest = (end - instants[begin]) // WEEK  # seen in part only
        if oldest <= LEAST_WEEKS:
            continue
        for leg in range(begin, stop):
            week = (end - instants[leg]) // WEEK
            side = 0 if credits[leg] else 1
            weeks[side, week] += 1
            weeks[2 + side, week] += max(amounts[leg], 0)
        for series in range(4):
            floor = 1.0 if series < 2 else float(units[account])
            best, at = -np.inf, -1
            for week in range(oldest - 1 - LEAST_WEEKS, -1, -1):
                value = weeks[series, week]
                if value == 0:
                    continue
                size = min(PAST_WEEKS, oldest - 1 - week)
                past[:size] = weeks[series, week + 1 : week + 1 + size]
                twice = _middle(past, size, scratch)
                above = value - twice / 2
                if above / floor <= best:
                    continue  # no spread is below the floor, so it cannot be the farthest
                for place in range(size):
                    distances[place] = abs(2 * past[place] - twice)
                deviation = _middle(distances, size, scratch) / 4
                score = above / max(NORMAL * deviation, floor)
                if score > best:
                    best, at = score, week
            if at >= 0:
                floats[series, account] = best
                ints[series, account] = end - at * WEEK
        weeks[:, : oldest + 1] = 0


def _fill_group(legs: Legs, ints: Ints, floats: Floats, threads: int) -> None:
    currencies = legs.ledger.accounts["currency"]
    sizes = {code: 10 ** decimals_of(code) for code in currencies.unique().drop_nulls()}
    units = frozen(np.array([sizes.get(code, 1) for code in currencies], np.int64))
    most_weeks = int(legs.end - legs.instants.min(initial=legs.end)) // WEEK + 1
    in_blocks(
        legs.blocks,
        threads,
        lambda: (
            lambda first, last: _fill(
                first,
                last,
                legs.offsets,
                legs.instants,
                legs.amounts,
                legs.credits,
                units,
                legs.end,
                most_weeks,
                ints,
                floats,
            )
        ),
    )


OWN_PAST = Group(tuple(_features()), _fill_group)
