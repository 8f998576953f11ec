# mypy: allow-untyped-defs, allow-untyped-calls
"""Channels: how money moves, how much of it as cash, and whether that changed in the last 30 days."""

from __future__ import annotations

import numpy as np

from finpat.compiled import in_blocks, kernel
from finpat.features.base import DAY, NO_PAYMENT, Feature, Floats, Group, Ints, Legs
from finpat.schemas import CHANNELS

RECENT = 30 * DAY
MIN_RECENT = 5  # payments in each of the two periods that are compared
CASH_CHANNELS = ("cash", "atm")
_CASH = np.array([channel in CASH_CHANNELS for channel in CHANNELS])

_FEATURES = (
    *(
        Feature(
            f"{channel}_share", "channels", "share", f"Share of payments by channel `{channel}`.", NO_PAYMENT
        )
        for channel in CHANNELS
    ),
    Feature(
        "cash_in_share",
        "channels",
        "share",
        "Share of incoming money that came as cash or through a machine.",
        "no incoming payment that could be converted",
    ),
    Feature(
        "cash_out_share",
        "channels",
        "share",
        "Share of outgoing money that left as cash or through a machine.",
        "no outgoing payment that could be converted",
    ),
    Feature(
        "channel_distance_30d",
        "channels",
        "score",
        "Jensen-Shannon distance (base 2; 0 same, 1 disjoint) of the last 30 days' channel mix from before.",
        f"fewer than {MIN_RECENT} payments in one of the two periods",
        "30d",
    ),
    Feature("channel_count", "channels", "count", "Distinct channels.", "never"),
)


@kernel
def _fill(first, last, offsets, instants, amounts, credits, channels, is_cash, ledger_end, ints, floats):
    """Fill accounts [first, last); rows as declared."""
    kinds = is_cash.size
    mix = np.empty((2, kinds), np.int64)  # earlier, last 30 days
    size = np.empty(2, np.int64)
    total = np.empty(2, np.int64)  # credit, debit
    cash = np.empty(2, np.int64)
    for account in range(first, last):
        begin, end = offsets[account], offsets[account + 1]
        if begin == end:
            ints[0, account] = 0
            continue
        mix[:] = 0
        size[:] = 0
        total[:] = 0
        cash[:] = 0
        for leg in range(begin, end):
            recent = 1 if instants[leg] > ledger_end - RECENT else 0
            mix[recent, channels[leg]] += 1
            size[recent] += 1
            if amounts[leg] >= 0:
                side = 0 if credits[leg] else 1
                total[side] += amounts[leg]
                if is_cash[channels[leg]]:
                    cash[side] += amounts[leg]
        distinct = 0
        divergence = 0.0
        compared = size[0] >= MIN_RECENT and size[1] >= MIN_RECENT
        for kind in range(kinds):
            together = mix[0, kind] + mix[1, kind]
            distinct += together > 0
            floats[kind, account] = together / (end - begin)
            if compared and together > 0:
                before, now = mix[0, kind] / size[0], mix[1, kind] / size[1]
                middle = (before + now) / 2
                if before > 0:
                    divergence += before * np.log2(before / middle) / 2
                if now > 0:
                    divergence += now * np.log2(now / middle) / 2
        for side in range(2):
            if total[side] > 0:
                floats[kinds + side, account] = cash[side] / total[side]
        if compared:
            floats[kinds + 2, account] = np.sqrt(max(divergence, 0.0))
        ints[0, account] = distinct


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
                legs.amounts,
                legs.credits,
                legs.channels,
                _CASH,
                legs.end,
                ints,
                floats,
            )
        ),
    )


CHANNEL_MIX = Group(_FEATURES, _fill_group)
