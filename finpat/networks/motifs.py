"""Motifs: patterns that money makes between persons, exact within stated limits.

A payment is *passed on* by a later payment of its receiver, at most a horizon after it and of nearly its
value, to somebody else. Chains, cycles and scatter-gathers are made of payments passed on; fans and
gather-scatters of windows over the payments of one person.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from finpat.compiled import frozen, in_blocks
from finpat.networks import motifs_kernels as kernels
from finpat.networks.motifs_edges import Codes, Edges, Ints

FOLLOWERS_SEEN = 256  # payments of a receiver looked at after each payment; bounds the work at busy nodes
STEPS = 10_000  # payments looked at for the cycles of one first payment
NO_WINDOWS = 1 << 40  # more partners than anybody has
EDGES_AT_A_TIME = 64  # runs of payments that are worked off side by side

Blocks = list[tuple[int, int]]


@dataclass(frozen=True)
class Followers:
    """Which payments pass on which: those of payment e are payments[offsets[e]:offsets[e + 1]], by time.

    cut: payments after which more than FOLLOWERS_SEEN payments of the receiver lay within the horizon; the
    later of them were not looked at.
    """

    offsets: Ints
    payments: Codes
    cut: int

    @property
    def edge_count(self) -> int:
        """Number of payments."""
        return self.offsets.size - 1

    @cached_property
    def blocks(self) -> Blocks:
        """Runs of payments, whatever the threads."""
        cuts = np.unique(np.linspace(0, self.edge_count, EDGES_AT_A_TIME + 1).astype(np.int64))
        return list(pairwise(cuts.tolist()))

    @cached_property
    def reverse(self) -> Followers:
        """Which payments are passed on by which."""
        counts = np.bincount(self.payments, minlength=self.edge_count)
        offsets = np.concatenate([[0], np.cumsum(counts)])
        sources = np.repeat(np.arange(self.edge_count, dtype=np.uint32), np.diff(self.offsets))
        order = np.argsort(self.payments, kind="stable")
        return Followers(frozen(offsets), frozen(sources[order]), self.cut)


@dataclass(frozen=True)
class Paths:
    """Sequences of payments: sequence i is payments[offsets[i]:offsets[i + 1]].

    cut: sequences' first payments whose search ended at the step budget.
    """

    offsets: Ints
    payments: Codes
    cut: int

    @property
    def count(self) -> int:
        """Number of sequences."""
        return self.offsets.size - 1

    @property
    def which(self) -> Ints:
        """The sequence of each payment."""
        return np.repeat(np.arange(self.count), np.diff(self.offsets))


@dataclass(frozen=True)
class Scatters:
    """Finds of one node's money meeting again at another.

    Find i is made of the pairs offsets[i] to offsets[i + 1]: `into` an intermediary, `onward` from it.
    """

    offsets: Ints
    into: Codes
    onward: Codes

    @property
    def count(self) -> int:
        """Number of finds."""
        return self.offsets.size - 1

    @property
    def which(self) -> Ints:
        """The find of each pair."""
        return np.repeat(np.arange(self.count), np.diff(self.offsets))


def collected(
    blocks: Blocks, threads: int, start: Callable[[], Callable[[int, int], tuple[Any, ...]]]
) -> list[npt.NDArray[Any]]:
    """What each block returned, joined in the order of the blocks."""
    parts: dict[int, tuple[Any, ...]] = {}

    def begin() -> Callable[[int, int], object]:
        work = start()

        def one(first: int, last: int) -> None:
            parts[first] = work(first, last)

        return one

    in_blocks(blocks, threads, begin)
    return [np.concatenate(column) for column in zip(*(parts[first] for first in sorted(parts)), strict=True)]


def find_followers(
    edges: Edges, *, horizon: int, low: float, high: float, threads: int = 1, steps: int = FOLLOWERS_SEEN
) -> Followers:
    """Which payments pass on which.

    A payment is passed on by those of its receiver at most `horizon` microseconds later, of `low` to `high`
    times its value, to somebody else. `steps` payments of the receiver are looked at.
    """
    graph = edges.graph
    count = np.zeros(edges.instants.size, np.int64)
    cut = np.zeros(edges.instants.size, np.uint8)
    in_blocks(
        edges.blocks,
        threads,
        lambda: (
            lambda first, last: kernels.count_followers(
                first, last, graph, horizon, low, high, steps, count, cut
            )
        ),
    )
    offsets = frozen(np.concatenate([[0], np.cumsum(count)]))
    followers = np.empty(int(offsets[-1]), np.uint32)
    in_blocks(
        edges.blocks,
        threads,
        lambda: (
            lambda first, last: kernels.fill_followers(
                first, last, graph, horizon, low, high, steps, offsets, followers
            )
        ),
    )
    return Followers(offsets, frozen(followers), int(cut.sum()))


def chain_lengths(followers: Followers, longest: int, threads: int = 1) -> Ints:
    """Payments of the longest chain that begins with each payment, itself included; at most `longest`."""
    hops = np.ones(followers.edge_count, np.int64)
    for _ in range(longest - 1):
        longer = np.empty_like(hops)
        grew: list[bool] = []
        before = frozen(hops)
        in_blocks(
            followers.blocks,
            threads,
            lambda before=before, longer=longer, grew=grew: (  # type: ignore[misc]
                lambda first, last: grew.append(
                    kernels.extend_chains(first, last, followers.offsets, followers.payments, before, longer)
                )
            ),
        )
        hops = longer
        if not any(grew):
            break
    return hops


def find_cycles(
    edges: Edges, followers: Followers, *, span: int, longest: int, threads: int = 1, steps: int = STEPS
) -> Paths:
    """Cycles of 3 to `longest` payments, each passed on by the next, all within `span` of the first.

    Nobody is met twice, and each cycle is told once, from its earliest payment.
    """
    graph = edges.graph
    cut = np.zeros(edges.instants.size, np.uint8)
    if not edges.instants.size:
        return Paths(np.zeros(1, np.int64), np.zeros(0, np.uint32), 0)
    sizes, payments = collected(
        followers.blocks,
        threads,
        lambda: (
            lambda first, last: kernels.find_cycles(
                first, last, graph, followers.offsets, followers.payments, span, longest, steps, cut
            )
        ),
    )
    return Paths(np.concatenate([[0], np.cumsum(sizes, dtype=np.int64)]), payments, int(cut.sum()))


def find_scatters(
    edges: Edges, followers: Followers, *, width: int, least: int, threads: int = 1
) -> Scatters:
    """Money of one node that meets again at another by `least` intermediaries or more.

    For each two nodes the window of `width` microseconds with the most intermediaries.
    """
    graph = edges.graph
    node_count = edges.node_count
    if not edges.instants.size:
        return Scatters(np.zeros(1, np.int64), np.zeros(0, np.uint32), np.zeros(0, np.uint32))

    def start() -> Callable[[int, int], tuple[Any, ...]]:
        held = np.zeros(node_count, np.int32)
        return lambda first, last: kernels.find_scatters(
            first, last, graph, followers.offsets, followers.payments, width, least, held
        )

    sizes, into, onward = collected(edges.blocks, threads, start)
    return Scatters(np.concatenate([[0], np.cumsum(sizes, dtype=np.int64)]), into, onward)


@dataclass(frozen=True)
class Windows:
    """What windows over the payments of single nodes show.

    peaks: per node. found: one column per window that meets the conditions; rows as the functions say.
    """

    peaks: Ints
    found: Ints


def _windows(
    edges: Edges, peaks: Ints, rows: int, threads: int, start: Callable[[], Callable[[int, int], Any]]
) -> Windows:
    """Peaks and windows of all nodes. start: as in `in_blocks`, each call returning `rows` rows."""

    def begin() -> Callable[[int, int], tuple[Any, ...]]:
        work = start()
        return lambda first, last: (work(first, last).T,)

    parts = collected(edges.blocks, threads, begin)
    found = parts[0].T if parts else np.zeros((rows, 0), np.int64)
    return Windows(peaks, np.ascontiguousarray(found))


def find_fans(
    edges: Edges,
    *,
    incoming: bool,
    width: int,
    new_within: int,
    least: int = NO_WINDOWS,
    top_share: float = 1.0,
    threads: int = 1,
) -> Windows:
    """Windows of `width` microseconds over the payments of each node with partners that are new to it.

    A partner is new in a payment at most `new_within` after their first. peaks: rows distinct partners, minor
    units of the node's currency, distinct partners with payments of one value. found: windows with `least`
    partners of whom none has more than `top_share` of the money; rows node, first and last instant, partners,
    money, money of the largest partner.
    """
    peaks = np.zeros((3, edges.node_count), np.int64)
    if incoming:
        offsets, order, partners, values = edges.in_offsets, edges.in_edges, edges.senders, edges.received
    else:
        order = frozen(np.arange(edges.instants.size, dtype=np.uint32))
        offsets, partners, values = edges.out_offsets, edges.receivers, edges.sent

    def start() -> Callable[[int, int], object]:
        held, sums = np.zeros(edges.node_count, np.int32), np.zeros(edges.node_count, np.int64)
        return lambda first, last: kernels.find_fans(
            first, last, offsets, order, partners, edges.instants, values, edges.since, width, new_within,
            least, top_share, held, sums, peaks,
        )  # fmt: skip

    return _windows(edges, peaks, 6, threads, start)


def find_gathers(
    edges: Edges,
    *,
    width: int,
    after: int,
    new_within: int,
    low: float,
    high: float,
    least: int,
    threads: int = 1,
) -> Windows:
    """Money gathered from new payers in (t - width, t] and scattered to new beneficiaries in (t, t + after].

    peaks: rows people on the smaller side, money on the smaller side of what is found. found: at least
    `least` people on each side, out over in `low` to `high`; rows node, first and last instant, payers,
    beneficiaries, money in, money out. Who is on both sides counts on neither.
    """
    peaks = np.zeros((2, edges.node_count), np.int64)
    graph = edges.graph

    def start() -> Callable[[int, int], object]:
        ins, outs = np.zeros(edges.node_count, np.int32), np.zeros(edges.node_count, np.int32)
        return lambda first, last: kernels.find_gathers(
            first, last, graph, edges.since, width, after, new_within, least, low, high, ins, outs, peaks
        )

    return _windows(edges, peaks, 7, threads, start)
