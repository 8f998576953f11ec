"""Rings: a few persons who move most of their money among themselves and pass it round.

Two persons are tied in a window where what they pay each other is much of the money of both. Who moves too
little with those tied to it, or does not both pay and get paid by them, is taken away until everybody left
does: what remains is the same whatever the order, and whoever belongs to a set in which all do so is in it. A
ring is a connected piece of it, of few persons, in which money is passed on.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array  # type: ignore[import-untyped]
from scipy.sparse.csgraph import connected_components  # type: ignore[import-untyped]

from finpat.networks.motifs import Followers
from finpat.networks.motifs_edges import Bools, Edges, Ints
from finpat.networks.motifs_kernels import SLACK

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Rings:
    """Rings: the payments of ring i are payments[offsets[i]:offsets[i + 1]], by position in `Edges`.

    members: persons. inside: the least share that one of them moves with the others of all it moves. passed:
    share of what a member gets from the others that is passed on to others, mean over the members.
    """

    offsets: Ints
    payments: Ints
    members: Ints
    inside: Floats
    passed: Floats

    @property
    def count(self) -> int:
        """Number of rings."""
        return self.members.size

    @property
    def which(self) -> Ints:
        """The ring of each payment."""
        return np.repeat(np.arange(self.count), np.diff(self.offsets))


@dataclass(frozen=True)
class _Ties:
    """Pairs of persons, low < high, and what share of each one's money they exchange.

    pays: whether low pays high; is_paid: whether high pays low. tie: per payment, its pair.
    """

    low: Ints
    high: Ints
    of_low: Floats
    of_high: Floats
    pays: Bools
    is_paid: Bools
    tie: Ints


def _ties(edges: Edges, chosen: Ints) -> _Ties:
    """The pairs between whom the chosen payments run."""
    sender, receiver = edges.senders[chosen].astype(np.int64), edges.receivers[chosen].astype(np.int64)
    sent, received = np.maximum(edges.sent[chosen], 0), np.maximum(edges.received[chosen], 0)
    size = edges.node_count
    money = np.bincount(sender, sent, size) + np.bincount(receiver, received, size)
    # A payment without a value in somebody's currency may be any share of that one's money.
    money[sender[edges.sent[chosen] < 0]] = np.inf
    money[receiver[edges.received[chosen] < 0]] = np.inf
    forth = sender < receiver
    key = np.minimum(sender, receiver) * size + np.maximum(sender, receiver)
    pairs, tie = np.unique(key, return_inverse=True)
    low, high = np.divmod(pairs, max(size, 1))

    def share(values: Ints, of: Ints) -> Floats:
        total = np.bincount(tie, values, pairs.size)
        made: Floats = np.divide(total, money[of], out=np.zeros(pairs.size), where=money[of] > 0)
        return made

    return _Ties(
        low,
        high,
        share(np.where(forth, sent, received), low),
        share(np.where(forth, received, sent), high),
        np.bincount(tie[forth], minlength=pairs.size) > 0,
        np.bincount(tie[~forth], minlength=pairs.size) > 0,
        tie,
    )


def _remaining(ties: _Ties, tied: Bools, least: float, size: int) -> tuple[Bools, Floats]:
    """Ties between those who stay, and what share of its money each person moves along them.

    Who moves less than `least` with those tied to it who stay, or does not both pay them and get paid, goes.
    """
    kept = np.flatnonzero(tied)
    share: Floats
    while True:
        low, high = ties.low[kept], ties.high[kept]
        ends = np.concatenate([low, high])
        share = np.bincount(ends, np.concatenate([ties.of_low[kept], ties.of_high[kept]]), size).astype(float)
        pays = np.bincount(ends, np.concatenate([ties.pays[kept], ties.is_paid[kept]]), size) > 0
        is_paid = np.bincount(ends, np.concatenate([ties.is_paid[kept], ties.pays[kept]]), size) > 0
        stays = (share >= least * (1 - SLACK)) & pays & is_paid
        both = stays[low] & stays[high]
        if both.all():
            break
        kept = kept[both]
    remains: Bools = np.zeros(tied.size, np.bool_)
    remains[kept] = True
    return remains, share


def _passed(edges: Edges, followers: Followers, payments: Ints, ring: Ints) -> Bools:
    """Which of the payments are passed on by one of the same ring. payments: sorted, `ring` of each."""
    counts = followers.offsets[payments + 1] - followers.offsets[payments]
    source = np.repeat(np.arange(payments.size), counts)
    begin = followers.offsets[payments] - np.concatenate([[0], np.cumsum(counts)[:-1]])
    after = followers.payments[np.arange(source.size) + begin[source]].astype(np.int64)
    place = np.minimum(np.searchsorted(payments, after), max(payments.size - 1, 0))
    same = (payments[place] == after) & (ring[place] == ring[source])
    return np.bincount(source[same], minlength=payments.size) > 0


def _rings_among(
    edges: Edges, followers: Followers, chosen: Ints, *, tie: float, inside: float, passed: float,
    least: int, most: int,
) -> Rings:  # fmt: skip
    """The rings that the chosen payments (sorted) make. Parameters: see `find_rings`."""
    size = edges.node_count
    ties = _ties(edges, chosen)
    tied = np.minimum(ties.of_low, ties.of_high) >= tie * (1 - SLACK)
    remains, share = _remaining(ties, tied, inside, size)
    kept = np.flatnonzero(remains)
    links = coo_array((np.ones(kept.size, np.int8), (ties.low[kept], ties.high[kept])), shape=(size, size))
    _, piece = connected_components(links, directed=False)
    people = np.unique(np.concatenate([ties.low[kept], ties.high[kept]]))
    members = np.bincount(piece[people], minlength=size)
    fits = (members >= least) & (members <= most)
    mine = remains[ties.tie] & fits[piece[edges.senders[chosen]]]
    payments = chosen[mine]
    ring = piece[edges.senders[payments]].astype(np.int64)

    onward = _passed(edges, followers, payments, ring)
    receiver, received = edges.receivers[payments], edges.received[payments]
    got = np.bincount(receiver, received, size)
    gone = np.bincount(receiver[onward], received[onward], size)
    people = people[fits[piece[people]]]
    each = np.divide(gone, got, out=np.zeros(size), where=got > 0)[people]
    mean = np.bincount(piece[people], each, size) / np.maximum(members, 1)
    lowest = np.full(size, np.inf)
    np.minimum.at(lowest, piece[people], share[people])

    told = mean[ring] >= passed * (1 - SLACK)
    payments, ring = payments[told], ring[told]
    order = np.argsort(ring, kind="stable")
    names, counts = np.unique(ring, return_counts=True)
    offsets = np.concatenate([[0], np.cumsum(counts)])
    return Rings(offsets, payments[order], members[names], lowest[names], mean[names])


def find_rings(
    edges: Edges, followers: Followers, *, width: int, tie: float, inside: float, passed: float,
    least: int = 3, most: int = 30,
) -> Rings:  # fmt: skip
    """Rings of `least` to `most` persons in windows of `width` microseconds, two to each width.

    Windows are (t - width, t], t every half width since 1970, so that later payments move none. `tie`: share
    of the money of both (what they send and receive) that two persons exchange; `inside`: share of a member's
    money moved with members tied to it; `passed`: see `Rings`. Pairs with less than `tie` neither tie nor
    count. Who has a payment without a value in its currency is tied to nobody in that window.
    """
    order = np.argsort(edges.instants, kind="stable")
    at = edges.instants[order]
    half = max(width // 2, 1)
    last = np.unique(-(-at // half))
    found = []
    for end in np.union1d(last, last + 1).tolist():
        begin, stop = np.searchsorted(at, [end * half - width, end * half], side="right")
        found.append(
            _rings_among(
                edges, followers, np.sort(order[begin:stop]), tie=tie, inside=inside, passed=passed,
                least=least, most=most,
            )
        )  # fmt: skip
    nothing = np.zeros(0, np.int64)
    sizes = np.concatenate([nothing, *(np.diff(rings.offsets) for rings in found)])
    return Rings(
        np.concatenate([[0], np.cumsum(sizes)]),
        np.concatenate([nothing, *(rings.payments for rings in found)]),
        np.concatenate([nothing, *(rings.members for rings in found)]),
        np.concatenate([nothing, *(rings.inside for rings in found)]),
        np.concatenate([nothing, *(rings.passed for rings in found)]),
    )
