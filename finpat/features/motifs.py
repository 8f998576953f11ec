"""Motifs: what an account's place is in the patterns that money makes between persons.

Accounts of one holder are one person, and each has the person's numbers. Only payments between persons
count: not those by card, cash or fee, nor between accounts of one person, nor those of anybody with more than
500 partners (finpat.networks.motifs_edges). A partner is new for 90 days after the first payment between the
two in that direction; partners of the data's first 30 days (of short data: its first quarter) never are.

A payment is passed on by a later one of its receiver, of nearly its value, to somebody else: within 7 days
and 80 to 102 % of it in cycles and where money scatters and meets again, within 48 hours and 85 to 102 % in
chains.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from finpat.features.base import DAY, NULL, Feature, Floats, Group, Ints, Legs
from finpat.networks.motifs import (
    chain_lengths,
    find_cycles,
    find_fans,
    find_followers,
    find_gathers,
    find_scatters,
)
from finpat.networks.motifs_edges import DEGREE_CAP, Edges, build_edges

NEW_WITHIN = 90 * DAY  # a relation older than that is no new one
WIDTHS = {"7d": 7 * DAY, "30d": 30 * DAY}
HORIZON = 7 * DAY
KEPT_LOW, KEPT_HIGH = 0.8, 1.02  # share of a payment that is passed on
GATHER_LOW, GATHER_HIGH = 0.7, 1.05
SOON, SOON_LOW = 2 * DAY, 0.85  # of chains: over 7 days nearly every payment is part of one by chance
GATHER_LEAST = 3  # persons on each side
CYCLE_SPAN = 14 * DAY
LONGEST = 10  # payments of a cycle, and of a chain that begins or ends at a payment
SCATTER_LEAST = 2
_NOBODY = f"no payment with another person whose other side is known, or more than {DEGREE_CAP} partners"
_OTHER_CURRENCY = f"{_NOBODY}; or the account's currency is not its person's main one"

_FEATURES = (
    *(
        Feature(
            f"new_{who}_{window}_peak",
            "motifs",
            "count",
            f"Most new persons that {verb} in any {window}.",
            _NOBODY,
            window,
        )
        for who, verb in (("payers", "paid it"), ("beneficiaries", "it paid"))
        for window in WIDTHS
    ),
    *(
        Feature(
            f"new_{side}_minor_7d_peak",
            "motifs",
            "money",
            f"Most money {side.replace('_', ' ')} {word} new persons in any 7d.",
            _OTHER_CURRENCY,
            "7d",
        )
        for side, word in (("paid_in", "by"), ("paid_out", "to"))
    ),
    *(
        Feature(
            f"equal_{who}_7d_peak",
            "motifs",
            "count",
            f"Most new persons that {verb} the very same amount in any 7d.",
            _NOBODY,
            "7d",
        )
        for who, verb in (("payers", "paid it"), ("beneficiaries", "it paid"))
    ),
    Feature(
        "gather_scatter_width_7d",
        "motifs",
        "count",
        "Most new payers in 7 days with as many new beneficiaries, no payer among them, in the next 7 days.",
        _NOBODY,
        "7d",
    ),
    Feature(
        "gather_scatter_minor_7d",
        "motifs",
        "money",
        "Most money so gathered from three or more and scattered to three or more, 70 to 105 % of it.",
        _OTHER_CURRENCY,
        "7d",
    ),
    Feature(
        "chain_payments",
        "motifs",
        "count",
        "Payments of the longest chain through the account, each passing on the one before within 48 hours.",
        _NOBODY,
        "48h",
    ),
    Feature(
        "beneficiary_passes_on_share",
        "motifs",
        "share",
        "Share of the account's payments that their receiver passed on within 48 hours.",
        f"no payment to another person; or {_NOBODY}",
        "48h",
    ),
    Feature(
        "payer_passes_on_share",
        "motifs",
        "share",
        "Share of the payments received with which their sender passed on another of the last 48 hours.",
        f"no payment from another person; or {_NOBODY}",
        "48h",
    ),
    Feature(
        "cycle_count",
        "motifs",
        "count",
        "First payments of cycles of three to ten that the account is part of, within 14 days.",
        _NOBODY,
        "14d",
    ),
    Feature(
        "cycle_minor",
        "motifs",
        "money",
        "Largest payment that the account made within such a cycle.",
        _OTHER_CURRENCY,
        "14d",
    ),
    Feature(
        "scatter_width_7d",
        "motifs",
        "count",
        "Most persons by whom the account's money of 7 days reached one and the same further person.",
        _NOBODY,
        "7d",
    ),
    Feature(
        "scatter_middle_width_7d",
        "motifs",
        "count",
        "Most persons that passed money on from one to one other side by side, the account among them.",
        _NOBODY,
        "7d",
    ),
    Feature(
        "scatter_end_width_7d",
        "motifs",
        "count",
        "Most persons by whom one and the same person's money of 7 days reached the account.",
        _NOBODY,
        "7d",
    ),
)
_INTS = [feature.name for feature in _FEATURES if feature.kind in ("count", "money")]


def _peak_at(nodes: npt.NDArray[Any], values: npt.NDArray[Any], count: int) -> Ints:
    """Largest value at each node; 0 where there is none."""
    peaks = np.zeros(count, np.int64)
    np.maximum.at(peaks, nodes, values)
    return peaks


def _figures(edges: Edges, threads: int) -> tuple[dict[str, Ints], dict[str, Floats]]:
    """The features of all nodes, by name."""
    nodes = edges.node_count
    counts: dict[str, Ints] = {}
    for window, width in WIDTHS.items():
        for who, side, incoming in (("payers", "paid_in", True), ("beneficiaries", "paid_out", False)):
            peaks = find_fans(
                edges, incoming=incoming, width=width, new_within=NEW_WITHIN, threads=threads
            ).peaks
            counts[f"new_{who}_{window}_peak"] = peaks[0]
            if window == "7d":
                counts[f"new_{side}_minor_7d_peak"] = peaks[1]
                counts[f"equal_{who}_7d_peak"] = peaks[2]
    counts["gather_scatter_width_7d"], counts["gather_scatter_minor_7d"] = find_gathers(
        edges,
        width=WIDTHS["7d"],
        after=WIDTHS["7d"],
        new_within=NEW_WITHIN,
        low=GATHER_LOW,
        high=GATHER_HIGH,
        least=GATHER_LEAST,
        threads=threads,
    ).peaks
    followers = find_followers(edges, horizon=HORIZON, low=KEPT_LOW, high=KEPT_HIGH, threads=threads)
    soon = find_followers(edges, horizon=SOON, low=SOON_LOW, high=KEPT_HIGH, threads=threads)
    onward = chain_lengths(soon, LONGEST, threads)
    before = chain_lengths(soon.reverse, LONGEST, threads)
    through = onward + before - 1
    ends = (edges.senders, edges.receivers)
    counts["chain_payments"] = np.maximum(*(_peak_at(end, through, nodes) for end in ends))
    shares = {}
    for name, end, passed in (
        ("beneficiary_passes_on_share", edges.senders, onward > 1),
        ("payer_passes_on_share", edges.receivers, before > 1),
    ):
        total = np.bincount(end, minlength=nodes)
        with np.errstate(invalid="ignore"):
            shares[name] = np.bincount(end[passed], minlength=nodes) / total
    cycles = find_cycles(edges, followers, span=CYCLE_SPAN, longest=LONGEST, threads=threads)
    first = cycles.payments[cycles.offsets[:-1]][cycles.which]
    member = np.unique(np.stack([edges.senders[cycles.payments], first], axis=1), axis=0)
    counts["cycle_count"] = np.bincount(member[:, 0], minlength=nodes)
    counts["cycle_minor"] = _peak_at(edges.senders[cycles.payments], edges.sent[cycles.payments], nodes)
    scatters = find_scatters(edges, followers, width=HORIZON, least=SCATTER_LEAST, threads=threads)
    which = scatters.which
    middle = edges.receivers[scatters.into]
    pairs = np.unique(np.stack([which, middle], axis=1), axis=0)
    widths = np.bincount(pairs[:, 0], minlength=scatters.count)[which]
    counts["scatter_width_7d"] = _peak_at(edges.senders[scatters.into], widths, nodes)
    counts["scatter_middle_width_7d"] = _peak_at(middle, widths, nodes)
    counts["scatter_end_width_7d"] = _peak_at(edges.receivers[scatters.onward], widths, nodes)
    return counts, shares


def _fill_group(legs: Legs, ints: Ints, floats: Floats, threads: int) -> None:
    edges = build_edges(legs.ledger, threads=threads)
    counts, shares = _figures(edges, threads)
    node = edges.node_of_account
    is_known = (np.diff(edges.out_offsets) + np.diff(edges.in_offsets) > 0)[node]
    is_main = is_known & (edges.unit_of_account == edges.unit_of_node[node])
    for row, name in enumerate(_INTS):
        told = is_main if "_minor" in name else is_known
        ints[row] = np.where(told, counts[name][node], NULL)
    for row, share in enumerate(shares.values()):
        floats[row] = share[node]


MOTIFS = Group(_FEATURES, _fill_group)
