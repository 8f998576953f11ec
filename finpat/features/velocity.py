# mypy: allow-untyped-defs, allow-untyped-calls
"""Velocity: payments, money and counterparties in the account's busiest hour, day, week and month.

For every instant at which the account is booked, the window (t - w, t] of one direction is counted; the
feature is the largest of them, and its `_at` the first instant that reaches it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from finpat.compiled import in_blocks, kernel
from finpat.features.base import WINDOWS, Feature, Floats, Group, Ints, Legs
from finpat.ledger import NO_PARTY

NEEDS_TIME = {"1h"}  # windows shorter than a day say nothing about legs of which only the date is known
_UNKNOWN = int(NO_PARTY)


_SIDES = (("credit", "paid_in", "payer", "incoming"), ("debit", "paid_out", "beneficiary", "outgoing"))


def _features() -> Iterator[Feature]:
    for side, paid, party, verb in _SIDES:
        for window in WINDOWS:
            timeless = "no payment of the account has a time" if window in NEEDS_TIME else ""
            for name, kind, what, null in (
                (f"{side}_count_{window}_peak", "count", f"Most {verb} payments in {window}.", "never"),
                (
                    f"{paid}_minor_{window}_peak",
                    "money",
                    f"Largest {verb} total in {window}.",
                    f"{verb} payments exist, but none could be converted to the account's currency",
                ),
                (
                    f"{party}_count_{window}_peak",
                    "count",
                    f"Most distinct parties of {verb} payments in {window}.",
                    f"{verb} payments exist, but no counterparty is known",
                ),
            ):
                rules = [rule for rule in (null.removeprefix("never"), timeless) if rule]
                rule = "; or ".join(rules) or "never"
                yield Feature(name, "velocity", kind, what, rule, window)  # type: ignore[arg-type]
                yield Feature(
                    f"{name}_at",
                    "velocity",
                    "instant",
                    f"End of that window: {what}",
                    f"no {verb} payment",
                    window,
                    role="display",
                )


@kernel
def window_peaks(instants, amounts, parties, size, width, counters, out):
    """Peaks over the windows (t - width, t] of size legs in time order.

    counters: zeros, one per party, and zeros again afterwards; empty: distinct counterparties are not
        counted.
    out: zeros on entry; count, at, sum, at, distinct, at: `at` is the first window end that reaches the peak.
    """
    left = right = 0
    total = distinct = 0
    counting = counters.size > 0
    while right < size:
        now = instants[right]
        while right < size and instants[right] == now:  # all legs of one instant enter together
            total += amounts[right]
            if counting and parties[right] != _UNKNOWN:
                if counters[parties[right]] == 0:
                    distinct += 1
                counters[parties[right]] += 1
            right += 1
        while instants[left] <= now - width:
            total -= amounts[left]
            if counting and parties[left] != _UNKNOWN:
                counters[parties[left]] -= 1
                if counters[parties[left]] == 0:
                    distinct -= 1
            left += 1
        if right - left > out[0]:
            out[0], out[1] = right - left, now
        if total > out[2]:
            out[2], out[3] = total, now
        if distinct > out[4]:
            out[4], out[5] = distinct, now
    if counting:
        for index in range(left, size):
            if parties[index] != _UNKNOWN:
                counters[parties[index]] = 0


@kernel
def _fill(first, last, offsets, instants, amounts, credits, timed, parties, widths, short, counters, ints):
    """Fill the peaks of accounts [first, last).

    widths: window lengths in microseconds. short: True for the windows that only legs with a time can be in.
    counters: zeros, one per party (or empty: distinct counterparties are not counted); zeros again
        afterwards.
    ints: rows direction x window x (count, at, sum, at, distinct, at).
    """
    longest = 0
    for account in range(first, last):
        longest = max(longest, offsets[account + 1] - offsets[account])
    at = np.empty(longest, np.int64)
    minor = np.empty(longest, np.int64)
    party = np.empty(longest, np.uint32)
    at_timed = np.empty(longest, np.int64)
    minor_timed = np.empty(longest, np.int64)
    party_timed = np.empty(longest, np.uint32)
    out = np.empty(6, np.int64)
    for account in range(first, last):
        begin, end = offsets[account], offsets[account + 1]
        any_time = False
        for leg in range(begin, end):
            if timed[leg]:
                any_time = True
                break
        for side in range(2):
            size = size_timed = known = converted = known_timed = converted_timed = 0
            for leg in range(begin, end):
                if credits[leg] != (side == 0):
                    continue
                at[size] = instants[leg]
                value = amounts[leg]
                if value >= 0:
                    converted += 1
                else:
                    value = 0
                minor[size] = value
                party[size] = parties[leg]
                known += parties[leg] != _UNKNOWN
                size += 1
                if timed[leg]:
                    at_timed[size_timed] = instants[leg]
                    minor_timed[size_timed] = value
                    party_timed[size_timed] = parties[leg]
                    converted_timed += amounts[leg] >= 0
                    known_timed += parties[leg] != _UNKNOWN
                    size_timed += 1
            for window in range(widths.size):
                row = (side * widths.size + window) * 6
                if short[window] and not any_time:
                    continue
                out[:] = 0
                if short[window]:
                    window_peaks(
                        at_timed, minor_timed, party_timed, size_timed, widths[window], counters, out
                    )
                    legs, has_money, has_party = size_timed, converted_timed, known_timed
                else:
                    window_peaks(at, minor, party, size, widths[window], counters, out)
                    legs, has_money, has_party = size, converted, known
                ints[row, account] = out[0]
                if out[0] > 0:
                    ints[row + 1, account] = out[1]
                if legs == 0 or has_money > 0:
                    ints[row + 2, account] = out[2]
                    if out[2] > 0:
                        ints[row + 3, account] = out[3]
                if counters.size > 0 and (legs == 0 or has_party > 0):
                    ints[row + 4, account] = out[4]
                    if out[4] > 0:
                        ints[row + 5, account] = out[5]


def fill_peaks(
    legs: Legs, ints: Ints, widths: list[int], short: list[bool], threads: int, distinct: bool = True
) -> None:
    """Peaks of any windows: see `_fill` for the rows of `ints`."""

    def start() -> Callable[[int, int], object]:
        counters = np.zeros(legs.party_count if distinct else 0, np.int32)
        return lambda first, last: _fill(
            first,
            last,
            legs.offsets,
            legs.instants,
            legs.amounts,
            legs.credits,
            legs.timed,
            legs.parties,
            np.array(widths),
            np.array(short),
            counters,
            ints,
        )

    in_blocks(legs.blocks, threads, start)


def _fill_group(legs: Legs, ints: Ints, _floats: Floats, threads: int) -> None:
    fill_peaks(legs, ints, list(WINDOWS.values()), [window in NEEDS_TIME for window in WINDOWS], threads)


VELOCITY = Group(tuple(_features()), _fill_group)
