# mypy: allow-untyped-defs, allow-untyped-calls
"""Amounts sent on unchanged: an incoming payment and, soon after, an outgoing one of the very same amount.

The amounts are compared as they were written, in each payment's own currency, and both currencies must have
equally many decimals; where the two differ, equal numbers are a coincidence or a plain relay (exports that
keep the number while the currency column changes). Pairs by value after conversion, with a margin for fees,
are in `movement`.

A pair is an outgoing payment of the same amount as one earlier or simultaneous incoming payment, less than 48
hours before, from another known counterparty; the latest such incoming payment is taken, each payment is in
one pair at most, and the search goes back 256 incoming payments.
"""

from __future__ import annotations

import numpy as np

from finpat.compiled import in_blocks, kernel
from finpat.features.base import Feature, Floats, Group, Ints, Legs
from finpat.features.movement import PAIR_SEARCH, PAIR_WINDOW
from finpat.ledger import NO_PARTY

_UNKNOWN = int(NO_PARTY)
_NOT_JUDGED = "payments in both directions, but none with a known counterparty in one of them"

_FEATURES = (
    Feature(
        "resent_unchanged_count",
        "pass_through",
        "count",
        "Outgoing payments of the very amount that came in less than 48 hours before, to somebody else.",
        _NOT_JUDGED,
        "48h",
    ),
    Feature(
        "resent_unchanged_share",
        "pass_through",
        "share",
        "Share of incoming payments of which the very amount went on within 48 hours to somebody else.",
        f"no incoming payment; or {_NOT_JUDGED}",
        "48h",
    ),
)


@kernel
def _fill(first, last, offsets, instants, own, currencies, unit_sizes, credits, parties, ints, floats):
    """Fill accounts [first, last); rows as declared."""
    longest = 0
    for account in range(first, last):
        longest = max(longest, offsets[account + 1] - offsets[account])
    incoming = np.empty(longest, np.int64)  # the legs that came in, in time order
    paired = np.empty(longest, np.bool_)
    for account in range(first, last):
        begin, end = offsets[account], offsets[account + 1]
        tail = pairs = outs = known_in = known_out = 0
        group = begin
        while group < end:
            now = instants[group]
            after = group
            while after < end and instants[after] == now:
                if credits[after]:
                    incoming[tail] = after
                    paired[tail] = False
                    known_in += parties[after] != _UNKNOWN
                    tail += 1
                after += 1
            for leg in range(group, after):
                if credits[leg]:
                    continue
                outs += 1
                if parties[leg] == _UNKNOWN:
                    continue
                known_out += 1
                back = tail - 1
                stop = max(0, tail - PAIR_SEARCH)
                while back >= stop and now - instants[incoming[back]] < PAIR_WINDOW:
                    source = incoming[back]
                    if (
                        own[source] == own[leg]
                        and not paired[back]
                        and parties[source] != parties[leg]
                        and parties[source] != _UNKNOWN
                        and unit_sizes[currencies[source]] == unit_sizes[currencies[leg]]
                    ):
                        paired[back] = True
                        pairs += 1
                        break
                    back -= 1
            group = after
        if tail == 0 or outs == 0 or (known_in > 0 and known_out > 0):
            ints[0, account] = pairs
            if tail > 0:
                floats[0, account] = pairs / tail


def _fill_group(legs: Legs, ints: Ints, floats: Floats, threads: int) -> None:
    in_blocks(
        legs.blocks,
        threads,
        lambda: (
            lambda first, last: _fill(
                first,
                last,
                legs.offsets,
                legs.instants,
                legs.own,
                legs.currencies,
                legs.unit_sizes,
                legs.credits,
                legs.parties,
                ints,
                floats,
            )
        ),
    )


RESENT = Group(_FEATURES, _fill_group)
