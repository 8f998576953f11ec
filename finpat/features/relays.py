# mypy: allow-untyped-defs, allow-untyped-calls
"""Relays: an amount that comes in and goes on to somebody else, when chance hardly explains it.

An account with many payments repeats an amount by accident, and everybody pays 100.00. So each repetition is
weighed by what chance would give: going back from an outgoing payment, the j-th incoming one is j chances to
have its amount, each as likely as that amount is among all payments of the ledger. The *strength* of a relay
is -log10 of their product: 3 says one in a thousand. 4,871.36 received on Monday and sent on Tuesday is
strong, 100.00 and 100.00 is nothing, in one data set as in another.

A relay is an outgoing payment and an incoming one of the very same amount from another counterparty, less
than 7 days before or at the same instant, both counterparties known. The latest such incoming payment among
the last 64 is taken, and each payment is in one relay at most. Amounts are compared as they were written, and
both currencies must have equally many decimals: a number that outlives a change of currency is a relay too.

A relay has three ends: the account that passes the money on (the relay), the one that the money came from
(its origin) and the one that it goes to (its destination). The strongest of an account's relays has the
logarithm of the number of its chances taken off: who pays a thousand times meets one in a thousand by chance.
"""

from __future__ import annotations

import numpy as np

from finpat.compiled import frozen, in_blocks, kernel
from finpat.features.base import DAY, Feature, Floats, Group, Ints, Legs
from finpat.ledger import NO_PARTY

RELAY_WINDOW = 7 * DAY
RELAY_SEARCH = 64  # incoming payments; the 64th weakens a relay by 1.8, and work for hubs stays bounded
STRONG = 3.0  # beyond one in a thousand, for all payments of the account together
_UNKNOWN = int(NO_PARTY)
_NOT_JUDGED = "no incoming or no outgoing payment with a known counterparty"
_NO_HELD_PAYER = "no incoming payment from a held account, so that the payer's own payments are not seen"
_NO_HELD_BENEFICIARY = "no outgoing payment to a held account, so that what became of it is not seen"

_FEATURES = (
    Feature(
        "relay_count",
        "relays",
        "count",
        "Incoming payments of which the very amount went on to somebody else within 7 days, against all "
        "chance (one in a thousand).",
        _NOT_JUDGED,
        "7d",
    ),
    Feature(
        "relayed_on_count",
        "relays",
        "count",
        "Outgoing payments that the receiver passed on unchanged within 7 days, against all chance.",
        _NO_HELD_BENEFICIARY,
        "7d",
    ),
    Feature(
        "relayed_to_count",
        "relays",
        "count",
        "Incoming payments that the payer had received unchanged from a third party within 7 days, against "
        "all chance.",
        _NO_HELD_PAYER,
        "7d",
    ),
    Feature(
        "relay_strength",
        "relays",
        "score",
        "How far from chance the strongest relay through the account is, in powers of ten.",
        _NOT_JUDGED,
        "7d",
    ),
    Feature(
        "relayed_on_strength",
        "relays",
        "score",
        "How far from chance the strongest relay of the account's own money is, in powers of ten.",
        _NO_HELD_BENEFICIARY,
        "7d",
    ),
    Feature(
        "relayed_to_strength",
        "relays",
        "score",
        "How far from chance the strongest relay that ended at the account is, in powers of ten.",
        _NO_HELD_PAYER,
        "7d",
    ),
    Feature(
        "relayed_minor_share",
        "relays",
        "share",
        "Share of all incoming money of which the very amount went on to somebody else within 7 days, chance "
        "being less than one in ten.",
        f"{_NOT_JUDGED}; or no incoming payment that could be converted",
        "7d",
    ),
)


@kernel
def times(ordered, value):
    """How often a value stands in a sorted array."""
    return np.searchsorted(ordered, value, side="right") - np.searchsorted(ordered, value, side="left")


@kernel
def find_relays(
    first, last, offsets, instants, amounts, own, currencies, unit_sizes, credits, parties, usual, found,
    strengths,
):  # fmt: skip
    """Relays of accounts [first, last); returns their number.

    usual: the amounts (`own`) of all legs of the ledger, sorted. found: one row of (account, origin's party,
    destination's party, what came in in the account's currency) per relay, with room for every outgoing leg;
    strengths: their strengths. Only relays of a strength above 0 are kept.
    """
    longest = 0
    for account in range(first, last):
        longest = max(longest, offsets[account + 1] - offsets[account])
    incoming = np.empty(longest, np.int64)  # legs that came in, in time order
    used = np.empty(longest, np.bool_)
    habits = np.empty(longest, np.int64)  # the account's own amounts, sorted once a relay is met
    size = 0
    for account in range(first, last):
        begin, end = offsets[account], offsets[account + 1]
        count = end - begin
        tail = 0
        met = False
        group = begin
        while group < end:
            now = instants[group]
            after = group
            while after < end and instants[after] == now:
                if credits[after] and parties[after] != _UNKNOWN:
                    incoming[tail] = after
                    used[tail] = False
                    tail += 1
                after += 1
            for leg in range(group, after):
                if credits[leg] or parties[leg] == _UNKNOWN:
                    continue
                back = tail - 1
                stop = max(0, tail - RELAY_SEARCH)
                while back >= stop and now - instants[incoming[back]] < RELAY_WINDOW:
                    source = incoming[back]
                    if (
                        own[source] == own[leg]
                        and not used[back]
                        and parties[source] != parties[leg]
                        and unit_sizes[currencies[source]] == unit_sizes[currencies[leg]]
                    ):
                        used[back] = True
                        if not met:
                            habits[:count] = own[begin:end]
                            habits[:count].sort()
                            met = True
                        common = max(1, times(usual, own[leg]) - 4) / usual.size
                        habit = (times(habits[:count], own[leg]) - 2) / count  # but for this pair
                        strength = -np.log10((tail - back) * max(common, habit))
                        if strength > 0:
                            found[size, 0] = account
                            found[size, 1] = parties[source]
                            found[size, 2] = parties[leg]
                            found[size, 3] = max(amounts[source], 0)
                            strengths[size] = strength
                            size += 1
                        break
                    back -= 1
            group = after
    return size


@kernel
def _count_legs(offsets, amounts, credits, parties, held, known, paid_in):
    """known: accounts x (incoming, outgoing, incoming from held, outgoing to held); zeros on entry."""
    for account in range(offsets.size - 1):
        for leg in range(offsets[account], offsets[account + 1]):
            if credits[leg]:
                paid_in[account] += max(amounts[leg], 0)
            if parties[leg] != _UNKNOWN:
                side = 0 if credits[leg] else 1
                known[account, side] += 1
                known[account, 2 + side] += held[parties[leg]] >= 0


@kernel
def _gather(found, strengths, held, chances, counts, peaks, passed):
    """Add each relay to its three ends: counts and peaks are ends x accounts, chances accounts x ends.

    The peak of an origin is its second strongest relay. passed: what went through each account in relays that
    one in ten such accounts would not have by chance.
    """
    strongest = np.zeros(peaks.shape[1])  # of each origin
    for relay in range(strengths.size):
        for end in range(3):
            account = found[relay, 0] if end == 0 else held[found[relay, end]]
            if account < 0:
                continue
            strength = strengths[relay] - np.log10(max(1, chances[account, end]))
            counts[end, account] += strength >= STRONG
            if end == 1:
                peaks[end, account] = max(peaks[end, account], min(strongest[account], strength))
                strongest[account] = max(strongest[account], strength)
            else:
                peaks[end, account] = max(peaks[end, account], strength)
            if end == 0 and strength >= 1.0:
                passed[account] += found[relay, 3]


def _fill_group(legs: Legs, ints: Ints, floats: Floats, threads: int) -> None:
    usual = frozen(np.sort(legs.own))
    pieces: dict[int, tuple[Ints, Floats]] = {}

    def work(first: int, last: int) -> None:
        room = int(np.count_nonzero(~legs.credits[legs.offsets[first] : legs.offsets[last]]))
        found, strengths = np.empty((room, 4), np.int64), np.empty(room)
        size = find_relays(
            first, last, legs.offsets, legs.instants, legs.amounts, legs.own, legs.currencies,
            legs.unit_sizes, legs.credits, legs.parties, usual, found, strengths,
        )  # fmt: skip
        pieces[first] = found[:size].copy(), strengths[:size].copy()

    in_blocks(legs.blocks, threads, lambda: work)
    accounts = legs.account_count
    held = np.full(legs.party_count, -1, np.int64)  # party -> account
    held[legs.ledger.parties.search_sorted(legs.ledger.accounts["account_id"]).to_numpy()] = np.arange(
        accounts
    )
    known = np.zeros((accounts, 4), np.int64)
    paid_in = np.zeros(accounts, np.int64)
    _count_legs(legs.offsets, legs.amounts, legs.credits, legs.parties, held, known, paid_in)
    counts, peaks = np.zeros((3, accounts), np.int64), np.zeros((3, accounts))
    passed = np.zeros(accounts, np.int64)
    found = np.concatenate([pieces[first][0] for first in sorted(pieces)])
    strengths = np.concatenate([pieces[first][1] for first in sorted(pieces)])
    # An account's chances as relay and as origin are its outgoing payments, as destination its incoming ones.
    _gather(found, strengths, held, np.ascontiguousarray(known[:, [1, 3, 2]]), counts, peaks, passed)
    judged = np.stack([(known[:, 0] > 0) & (known[:, 1] > 0), known[:, 3] > 0, known[:, 2] > 0])
    ints[:] = np.where(judged, counts, ints)
    floats[:3] = np.where(judged, peaks, floats[:3])
    both = judged[0] & (paid_in > 0)
    floats[3, both] = passed[both] / paid_in[both]


RELAYS = Group(_FEATURES, _fill_group)
