# mypy: allow-untyped-defs, allow-untyped-calls
"""Change: silences, bursts and the last 30 days against the account's own past.

Periods of 30 days are counted back from the end of the ledger. Weeks are local calendar weeks, Monday to
Sunday.
"""

from __future__ import annotations

import numpy as np

from finpat.compiled import in_blocks, kernel
from finpat.features.base import DAY, HOUR, NO_PAYMENT, Feature, Floats, Group, Ints, Legs

FORTNIGHT = 14 * DAY
PERIOD = 30 * DAY
MIN_PERIODS = 2  # whole earlier periods of 30 days
MIN_WEEKS = 4
_NO_PAST = f"fewer than {MIN_PERIODS} whole earlier periods of 30 days"

_FEATURES = (
    Feature(
        "longest_gap_hours",
        "dormancy",
        "duration",
        "Longest silence between two payments.",
        "only one payment",
    ),
    Feature("busiest_14d_count", "dormancy", "count", "Most payments in a fortnight.", "never", "14d"),
    Feature(
        "busiest_14d_count_at",
        "dormancy",
        "instant",
        "End of the busiest fortnight.",
        NO_PAYMENT,
        "14d",
        role="display",
    ),
    Feature(
        "gap_before_busiest_14d_hours",
        "dormancy",
        "duration",
        "Silence just before the busiest fortnight.",
        "it holds the account's first payment",
        "14d",
    ),
    Feature(
        "recent_count_ratio_30d",
        "change",
        "ratio",
        "Payments of the last 30 days + 1, over the median of earlier periods + 1.",
        _NO_PAST,
        "30d",
    ),
    Feature(
        "recent_minor_ratio_30d",
        "change",
        "ratio",
        "Money moved in the last 30 days over the median of earlier periods.",
        _NO_PAST + ", or their median is zero",
        "30d",
    ),
    Feature(
        "weekly_minor_robust_z_peak",
        "change",
        "score",
        "Busiest week's money against the median week: (peak - median) / (1.4826 MAD), the MAD being at "
        "least a tenth of the median and a hundredth of the peak.",
        f"fewer than {MIN_WEEKS} weeks from first to last payment, or nothing could be converted",
        "7d",
    ),
    Feature(
        "weekly_minor_robust_z_peak_on",
        "change",
        "instant",
        "Monday of that week, local date.",
        "as weekly_minor_robust_z_peak",
        "7d",
        role="display",
    ),
    Feature(
        "active_week_share",
        "change",
        "share",
        "Share of weeks with a payment, from the first to the last.",
        NO_PAYMENT,
    ),
)


@kernel
def _median(values, size):
    """Median of values[:size] as a float. Sorts values[:size]."""
    chosen = values[:size]
    chosen.sort()
    return (chosen[(size - 1) // 2] + chosen[size // 2]) / 2


@kernel
def _fill(
    first,
    last,
    offsets,
    instants,
    amounts,
    days,
    first_day,
    day_count,
    ledger_start,
    ledger_end,
    ints,
    floats,
):
    """Fill accounts [first, last); rows as declared."""
    period_count = (ledger_end - ledger_start) // PERIOD + 1
    week_count = day_count // 7 + 2
    counts = np.zeros(period_count, np.int64)
    sums = np.zeros(period_count, np.int64)
    weeks = np.zeros(week_count, np.int64)
    used = np.zeros(week_count, np.int64)
    scratch = np.empty(max(period_count, week_count), np.int64)
    distances = np.empty(week_count, np.float64)
    first_week = (first_day + 3) // 7
    for account in range(first, last):
        begin, end = offsets[account], offsets[account + 1]
        if begin == end:
            ints[0, account] = 0
            continue
        gap = 0
        left = right = begin
        busiest, busiest_left, busiest_at = 0, begin, instants[begin]
        while right < end:
            now = instants[right]
            if right > begin:
                gap = max(gap, now - instants[right - 1])
            while right < end and instants[right] == now:
                right += 1
            while instants[left] <= now - FORTNIGHT:
                left += 1
            if right - left > busiest:
                busiest, busiest_left, busiest_at = right - left, left, now
        ints[0, account] = busiest
        ints[1, account] = busiest_at
        if end - begin > 1:
            floats[0, account] = gap / HOUR
        if busiest_left > begin:
            floats[1, account] = (instants[busiest_left] - instants[busiest_left - 1]) / HOUR

        oldest = (ledger_end - instants[begin]) // PERIOD  # only in part: the account began in it
        low_week, high_week = week_count, -1
        converted = 0
        for leg in range(begin, end):
            period = (ledger_end - instants[leg]) // PERIOD
            week = (days[leg] + 3) // 7 - first_week
            low_week, high_week = min(low_week, week), max(high_week, week)
            counts[period] += 1
            used[week] = 1
            if amounts[leg] >= 0:
                converted += 1
                sums[period] += amounts[leg]
                weeks[week] += amounts[leg]
        earlier = oldest - 1
        if earlier >= MIN_PERIODS:
            scratch[:earlier] = counts[1:oldest]
            floats[2, account] = (counts[0] + 1) / (_median(scratch, earlier) + 1)
            scratch[:earlier] = sums[1:oldest]
            usual = _median(scratch, earlier)
            if usual > 0:
                floats[3, account] = sums[0] / usual
        span = high_week - low_week + 1
        active = 0
        peak, peak_week = -1, 0
        for week in range(low_week, high_week + 1):
            active += used[week]
            if weeks[week] > peak:
                peak, peak_week = weeks[week], week
            scratch[week - low_week] = weeks[week]
        floats[5, account] = active / span
        if span >= MIN_WEEKS and converted > 0 and peak > 0:
            usual = _median(scratch, span)
            for week in range(low_week, high_week + 1):
                distances[week - low_week] = abs(weeks[week] - usual)
            chosen = distances[:span]
            chosen.sort()
            deviation = (chosen[(span - 1) // 2] + chosen[span // 2]) / 2
            deviation = max(deviation, 0.1 * usual, 0.01 * peak)
            floats[4, account] = (peak - usual) / (1.4826 * deviation)
            ints[2, account] = ((peak_week + first_week) * 7 - 3) * DAY
        counts[: oldest + 1] = 0
        sums[: oldest + 1] = 0
        weeks[low_week : high_week + 1] = 0
        used[low_week : high_week + 1] = 0


def _fill_group(legs: Legs, ints: Ints, floats: Floats, threads: int) -> None:
    first_day, last_day = legs.day_span
    ledger_start = int(legs.instants.min(initial=legs.end))
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
                legs.days,
                first_day,
                last_day - first_day + 1,
                ledger_start,
                legs.end,
                ints,
                floats,
            )
        ),
    )


CHANGE = Group(_FEATURES, _fill_group)
