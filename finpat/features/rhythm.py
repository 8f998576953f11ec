# mypy: allow-untyped-defs, allow-untyped-calls
"""Rhythm: night and weekend on the wall clock of the place, and how regular the gaps between payments are.

Hours are judged only where the place and the time of a payment are known; a payment with a date alone is
skipped, never counted as midnight. Its weekday is known and counts.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from finpat.compiled import in_blocks, kernel
from finpat.features.base import Feature, Floats, Group, Ints, Legs
from finpat.features.selection import nth_smallest

NIGHT_FROM, NIGHT_UNTIL = 22, 6  # local hours [22, 24) and [0, 6)
MIN_HOURS = 5  # payments; fewer spread over few hours whatever the habit
MIN_GAPS = 4
_NO_HOUR = "no such payment has a known place and time"


def _features() -> Iterator[Feature]:
    yield Feature(
        "night_share", "time_of_day", "share", "Share of payments from 22:00 to 05:59 local time.", _NO_HOUR
    )
    yield Feature(
        "credit_night_share",
        "time_of_day",
        "share",
        "Share of incoming payments from 22:00 to 05:59 local time.",
        _NO_HOUR,
    )
    yield Feature(
        "debit_night_share",
        "time_of_day",
        "share",
        "Share of outgoing payments from 22:00 to 05:59 local time.",
        _NO_HOUR,
    )
    yield Feature(
        "hour_entropy",
        "time_of_day",
        "share",
        "Entropy of the local hours of payments over that of an even spread; 0: always the same hour.",
        f"fewer than {MIN_HOURS} payments with a known place and time",
    )
    yield Feature(
        "weekend_share",
        "time_of_day",
        "share",
        "Share of payments on Saturday or Sunday, local date.",
        "no payment with a known local date",
    )
    for side, verb in (("credit", "incoming"), ("debit", "outgoing")):
        few = f"fewer than {MIN_GAPS} gaps between {verb} payments, or all of them at one instant"
        yield Feature(
            f"{side}_gap_median_hours", "regularity", "duration", f"Median gap between {verb} payments.", few
        )
        yield Feature(
            f"{side}_gap_dispersion",
            "regularity",
            "ratio",
            f"Quartile dispersion (q3 - q1) / (q3 + q1) of the gaps between {verb} payments; 0: clockwork.",
            few + ", or three quarters of the gaps are zero",
        )
        yield Feature(
            f"{side}_burstiness",
            "regularity",
            "score",
            f"Burstiness (s - m) / (s + m) of the gaps between {verb} payments (Goh and Barabasi 2008): "
            "-1 regular, 0 at random, 1 in bursts.",
            few,
        )


@kernel
def _fill(first, last, offsets, instants, credits, timed, days, hours, floats):
    """Fill accounts [first, last); rows as declared."""
    longest = 0
    for account in range(first, last):
        longest = max(longest, offsets[account + 1] - offsets[account])
    gaps = np.empty(longest, np.int64)
    spread = np.empty(24, np.int64)
    nights = np.empty(2, np.int64)
    known = np.empty(2, np.int64)
    for account in range(first, last):
        begin, end = offsets[account], offsets[account + 1]
        spread[:] = 0
        nights[:] = 0
        known[:] = 0
        weekend = dated = 0
        for leg in range(begin, end):
            hour = hours[leg]
            if hour >= 0:
                side = 0 if credits[leg] else 1
                known[side] += 1
                spread[hour] += 1
                nights[side] += hour >= NIGHT_FROM or hour < NIGHT_UNTIL
            if hour >= 0 or not timed[leg]:
                dated += 1
                weekend += (days[leg] + 3) % 7 >= 5  # 1970-01-01 was a Thursday
        both = known[0] + known[1]
        if both > 0:
            floats[0, account] = (nights[0] + nights[1]) / both
        if known[0] > 0:
            floats[1, account] = nights[0] / known[0]
        if known[1] > 0:
            floats[2, account] = nights[1] / known[1]
        if both >= MIN_HOURS:
            entropy = 0.0
            for hour in range(24):
                if spread[hour] > 0:
                    part = spread[hour] / both
                    entropy -= part * np.log(part)
            floats[3, account] = entropy / np.log(24.0)
        if dated > 0:
            floats[4, account] = weekend / dated
        for side in range(2):
            size = 0
            previous = np.int64(-1)
            total = 0
            for leg in range(begin, end):
                if credits[leg] != (side == 0):
                    continue
                if previous >= 0:
                    gaps[size] = instants[leg] - previous
                    total += gaps[size]
                    size += 1
                previous = instants[leg]
            if size < MIN_GAPS or total == 0:
                continue
            mean = total / size
            square = 0.0
            for index in range(size):
                square += (gaps[index] - mean) ** 2
            deviation = np.sqrt(square / size)
            low = nth_smallest(gaps, size, (size - 1) // 4)
            middle = nth_smallest(gaps, size, (size - 1) // 2)
            high = nth_smallest(gaps, size, (3 * (size - 1)) // 4)
            row = 5 + 3 * side
            floats[row, account] = middle / 3_600_000_000
            if low + high > 0:
                floats[row + 1, account] = (high - low) / (high + low)
            floats[row + 2, account] = (deviation - mean) / (deviation + mean)


def _fill_group(legs: Legs, _ints: Ints, floats: Floats, threads: int) -> None:
    in_blocks(
        legs.blocks,
        threads,
        lambda: (
            lambda first, last: _fill(
                first,
                last,
                legs.offsets,
                legs.instants,
                legs.credits,
                legs.timed,
                legs.days,
                legs.hours,
                floats,
            )
        ),
    )


RHYTHM = Group(tuple(_features()), _fill_group)
