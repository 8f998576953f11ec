# mypy: allow-untyped-defs, allow-untyped-calls
"""Structuring: several payments just below a round limit within days.

Generic: legal thresholds belong to the indicators. A payment is just below a limit from 80 % of it on
(amounts.just_below_round).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from finpat.compiled import in_blocks, kernel
from finpat.features.amounts import just_below_round
from finpat.features.base import WINDOWS, Feature, Floats, Group, Ints, Legs
from finpat.features.velocity import window_peaks
from finpat.schemas import CHANNELS

STRUCTURING_WINDOWS = ("24h", "7d")
_CASH = CHANNELS.index("cash")


def _features() -> Iterator[Feature]:
    for side, paid, verb in (
        ("credit", "paid_in", "incoming payments"),
        ("debit", "paid_out", "outgoing payments"),
        ("cash_credit", "cash_paid_in", "cash deposits"),
    ):
        for window in STRUCTURING_WINDOWS:
            for name, kind, what in (
                (
                    f"{side}_just_below_count_{window}_peak",
                    "count",
                    f"Most {verb} just below a round limit in {window}.",
                ),
                (
                    f"{paid}_just_below_minor_{window}_peak",
                    "money",
                    f"Largest total of {verb} just below a round limit in {window}.",
                ),
            ):
                null = "never" if kind == "count" else f"such {verb} exist, but none could be converted"
                yield Feature(name, "structuring", kind, what, null, window)  # type: ignore[arg-type]
                yield Feature(
                    f"{name}_at",
                    "structuring",
                    "instant",
                    f"End of that window: {what}",
                    "none",
                    window,
                    role="display",
                )


@kernel
def _fill(
    first, last, offsets, instants, amounts, own, currencies, unit_sizes, credits, channels, widths, ints
):
    """Fill accounts [first, last); rows (credit, debit, cash credit) x window x (count, at, sum, at)."""
    longest = 0
    for account in range(first, last):
        longest = max(longest, offsets[account + 1] - offsets[account])
    near = np.empty(longest, np.int64)
    at = np.empty(longest, np.int64)
    minor = np.empty(longest, np.int64)
    nobody = np.empty(0, np.uint32)
    no_counters = np.empty(0, np.int32)
    out = np.empty(6, np.int64)
    for account in range(first, last):
        begin, end = offsets[account], offsets[account + 1]
        found = 0
        for leg in range(begin, end):
            if just_below_round(own[leg], unit_sizes[currencies[leg]]):
                near[found] = leg
                found += 1
        for side in range(3):
            size = converted = 0
            for index in range(found):
                leg = near[index]
                if credits[leg] == (side == 1) or (
                    side == 2 and channels[leg] != _CASH
                ):  # side 2: cash credits
                    continue
                at[size] = instants[leg]
                minor[size] = max(amounts[leg], 0)
                converted += amounts[leg] >= 0
                size += 1
            for window in range(widths.size):
                row = (side * widths.size + window) * 4
                out[:] = 0
                if size > 0:
                    window_peaks(at, minor, nobody, size, widths[window], no_counters, out)
                ints[row, account] = out[0]
                if size == 0 or converted > 0:
                    ints[row + 2, account] = out[2]
                if out[0] > 0:
                    ints[row + 1, account] = out[1]
                if out[2] > 0:
                    ints[row + 3, account] = out[3]


def _fill_group(legs: Legs, ints: Ints, _floats: Floats, threads: int) -> None:
    widths = np.array([WINDOWS[window] for window in STRUCTURING_WINDOWS])
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
                legs.own,
                legs.currencies,
                legs.unit_sizes,
                legs.credits,
                legs.channels,
                widths,
                ints,
            )
        ),
    )


STRUCTURING = Group(tuple(_features()), _fill_group)
