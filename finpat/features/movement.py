# mypy: allow-untyped-defs, allow-untyped-calls
"""Movement: money that leaves soon after it came in.

Each outgoing payment is funded by the oldest incoming money that is still there (first in, first out), each
minor unit once. Money at rest for 30 days is savings and funds nothing any more. At one instant incoming
payments come before outgoing ones, so that date-only data can show money leaving on the day it came.

A pair is an outgoing payment within 12 % of one earlier incoming payment, less than 48 hours before, from
another counterparty; the latest such incoming payment is taken, each payment is in one pair at most, and the
search goes back 256 incoming payments.
"""

from __future__ import annotations

import numpy as np

from finpat.compiled import in_blocks, kernel
from finpat.features.base import DAY, HOUR, Feature, Floats, Group, Ints, Legs
from finpat.features.selection import weighted_median
from finpat.ledger import NO_PARTY

PASS_WINDOWS = {"2h": 2 * HOUR, "24h": DAY, "48h": 2 * DAY, "7d": 7 * DAY}
REST = 30 * DAY  # money that stays this long has come to rest
PAIR_WINDOW = 2 * DAY
PAIR_TOLERANCE = 12  # percent of the incoming amount: fees and cuts that mules keep
PAIR_SEARCH = 256  # bounds the work for hubs, where chance pairs say nothing anyway
EMPTIED = 90  # percent of an incoming payment
_UNKNOWN = int(NO_PARTY)
_NO_INFLOW = "no incoming payment that could be converted"

_FEATURES = (
    *(
        Feature(
            f"passed_on_share_{window}",
            "pass_through",
            "share",
            f"Share of incoming money that left again within {window}.",
            _NO_INFLOW if window != "2h" else "no incoming payment with a time that could be converted",
            window,
        )
        for window in PASS_WINDOWS
    ),
    Feature(
        "passed_on_largest_minor_24h",
        "pass_through",
        "money",
        "Most of one incoming payment that left again within 24h.",
        _NO_INFLOW,
        "24h",
    ),
    Feature(
        "passed_on_largest_minor_24h_at",
        "pass_through",
        "instant",
        "When that payment came in.",
        "nothing left within 24h",
        "24h",
        role="display",
    ),
    Feature(
        "passed_on_dwell_median_hours",
        "pass_through",
        "duration",
        "How long the median unit of money stayed before it left.",
        "no incoming money left within 30 days",
        "30d",
    ),
    Feature(
        "passed_on_dwell_mean_hours",
        "pass_through",
        "duration",
        "How long money stayed before it left, weighted by value.",
        "no incoming money left within 30 days",
        "30d",
    ),
    Feature(
        "emptied_share_7d",
        "pass_through",
        "share",
        "Share of incoming payments of which at least 90 % left again within 7 days.",
        _NO_INFLOW,
        "7d",
    ),
    Feature(
        "paid_out_funded_share",
        "pass_through",
        "share",
        "Share of outgoing money that incoming payments of the last 30 days paid for.",
        "no outgoing payment that could be converted",
        "30d",
    ),
    Feature(
        "net_flow_ratio",
        "pass_through",
        "ratio",
        "Money in less money out, over their sum; -1 to 1.",
        "no payment that could be converted",
    ),
    Feature(
        "matched_pair_count",
        "pass_through",
        "count",
        "Outgoing payments within 12 % of an incoming one less than 48 hours before, to somebody else.",
        "payments in both directions, but none with a known counterparty in one of them",
        "48h",
    ),
    Feature(
        "matched_minor_share",
        "pass_through",
        "share",
        "Value of the incoming side of those pairs over all incoming.",
        "as matched_pair_count; or " + _NO_INFLOW,
        "48h",
    ),
    Feature(
        "matched_delay_mean_hours",
        "pass_through",
        "duration",
        "Mean time between the two payments of a pair.",
        "no pair",
        "48h",
    ),
)


@kernel
def _fill(first, last, offsets, instants, amounts, credits, timed, parties, widths, ints, floats):
    """Fill accounts [first, last); rows as declared. widths: 2h, 24h, 48h, 7d."""
    longest = 0
    for account in range(first, last):
        longest = max(longest, offsets[account + 1] - offsets[account])
    in_at = np.empty(longest, np.int64)
    in_minor = np.empty(longest, np.int64)
    in_left = np.empty(longest, np.int64)
    in_party = np.empty(longest, np.uint32)
    in_timed = np.empty(longest, np.bool_)
    in_paired = np.empty(longest, np.bool_)
    left_day = np.empty(longest, np.int64)  # value that left within 24 hours, of each incoming payment
    left_week = np.empty(longest, np.int64)
    lags = np.empty(longest, np.int64)
    slices = np.empty(longest, np.int64)
    passed = np.empty(4, np.int64)
    for account in range(first, last):
        begin, end = offsets[account], offsets[account + 1]
        passed[:] = 0
        head = tail = parts = pairs = 0
        paid_in = paid_in_timed = paid_out = funded = paired_minor = 0
        lag_value = pair_lag = 0.0
        known_in = known_out = ins = outs = 0
        group = begin
        while group < end:
            now = instants[group]
            after = group
            while after < end and instants[after] == now:
                if credits[after] and amounts[after] >= 0:
                    in_at[tail] = now
                    in_minor[tail] = in_left[tail] = amounts[after]
                    in_party[tail] = parties[after]
                    in_timed[tail] = timed[after]
                    in_paired[tail] = False
                    left_day[tail] = left_week[tail] = 0
                    paid_in += amounts[after]
                    if timed[after]:
                        paid_in_timed += amounts[after]
                    known_in += parties[after] != _UNKNOWN
                    ins += 1
                    tail += 1
                after += 1
            for leg in range(group, after):
                if credits[leg] or amounts[leg] < 0:
                    continue
                minor = amounts[leg]
                party = parties[leg]
                paid_out += minor
                outs += 1
                known_out += party != _UNKNOWN
                need = minor
                while head < tail and need > 0:
                    lag = now - in_at[head]
                    if lag >= REST:
                        head += 1
                        continue
                    part = min(need, in_left[head])
                    need -= part
                    in_left[head] -= part
                    if part > 0:
                        funded += part
                        lag_value += lag / HOUR * part
                        lags[parts] = lag
                        slices[parts] = part
                        parts += 1
                        if lag < widths[0] and in_timed[head] and timed[leg]:
                            passed[0] += part
                        for window in range(1, 4):
                            if lag < widths[window]:
                                passed[window] += part
                        if lag < DAY:
                            left_day[head] += part
                        if lag < widths[3]:
                            left_week[head] += part
                    if in_left[head] == 0:
                        head += 1
                if party == _UNKNOWN:
                    continue
                back = tail - 1
                stop = max(0, tail - PAIR_SEARCH)
                while back >= stop and now - in_at[back] < PAIR_WINDOW:
                    if (
                        not in_paired[back]
                        and in_party[back] != party
                        and in_party[back] != _UNKNOWN
                        and 100 * abs(in_minor[back] - minor) <= PAIR_TOLERANCE * in_minor[back]
                    ):
                        in_paired[back] = True
                        pairs += 1
                        paired_minor += in_minor[back]
                        pair_lag += (now - in_at[back]) / HOUR
                        break
                    back -= 1
            group = after
        if paid_in > 0:
            if paid_in_timed > 0:
                floats[0, account] = passed[0] / paid_in_timed
            for window in range(1, 4):
                floats[window, account] = passed[window] / paid_in
            best = emptied = 0
            best_at = 0
            for index in range(tail):
                if left_day[index] > best:
                    best, best_at = left_day[index], in_at[index]
                emptied += 100 * left_week[index] >= EMPTIED * in_minor[index]
            ints[0, account] = best
            if best > 0:
                ints[1, account] = best_at
            floats[6, account] = emptied / ins
        if funded > 0:
            floats[4, account] = weighted_median(lags, slices, parts, funded) / HOUR
            floats[5, account] = lag_value / funded
        if paid_out > 0:
            floats[7, account] = funded / paid_out
        if paid_in + paid_out > 0:
            floats[8, account] = (paid_in - paid_out) / (paid_in + paid_out)
        if ins == 0 or outs == 0 or (known_in > 0 and known_out > 0):
            ints[2, account] = pairs
            if paid_in > 0:
                floats[9, account] = paired_minor / paid_in
            if pairs > 0:
                floats[10, account] = pair_lag / pairs


def _fill_group(legs: Legs, ints: Ints, floats: Floats, threads: int) -> None:
    widths = np.array(list(PASS_WINDOWS.values()))
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
                legs.timed,
                legs.parties,
                widths,
                ints,
                floats,
            )
        ),
    )


MOVEMENT = Group(_FEATURES, _fill_group)
