# mypy: allow-untyped-defs, allow-untyped-calls
"""Layered fans: a person to whom several pass on what each got from several, or the other way round."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from finpat.compiled import frozen, in_blocks, kernel
from finpat.networks.motifs import find_fans
from finpat.networks.motifs_edges import LONG_AGO, Bools, Codes, Edges, Ints
from finpat.networks.motifs_kernels import SLACK
from finpat.networks.motifs_layers import first_after, newly_paid


@dataclass(frozen=True)
class LayeredFans:
    """Persons to whom several pass on what each got from several, or of whom several hand it on so.

    windows: rows root, first and last instant (the outer layer's included), persons in the middle, money
    between them and the root. payments, roots: every payment of both layers and whose find it is part of.
    """

    windows: Ints
    payments: Codes
    roots: Codes


@kernel
def _outer_fans(first, last, offsets, order, partners, values, hub_offsets, hub_order, roots, hub_values,
                times, is_new, width, fan, low, high, held, sums, moved, layered, farthest):  # fmt: skip
    """Mark the payments between a node in [first, last) and a root that pass on what a fan paid before.

    The node's other payments are order[offsets[node]:offsets[node + 1]], those with roots the same of
    hub_order, both by `times`; a fan are the distinct new partners in (t - width, t), the root left out. With
    `fan` of them or more, the node's payments with the root in (t - width, t] are all marked where they are
    `low` to `high` times the fan's. farthest: time of the earliest payment of the fan before each payment.
    held, sums, moved: 0 for each node, and so again.
    """
    for node in range(first, last):
        left = right = offsets[node]
        end = offsets[node + 1]
        behind = ahead = hub_offsets[node]
        hub_end = hub_offsets[node + 1]
        partners_now = total = 0
        for place in range(hub_offsets[node], hub_end):
            payment = hub_order[place]
            now = times[payment]
            while right < end and times[order[right]] < now:
                if is_new[order[right]]:
                    held[partners[order[right]]] += 1
                    partners_now += held[partners[order[right]]] == 1
                    sums[partners[order[right]]] += max(values[order[right]], 0)
                    total += max(values[order[right]], 0)
                right += 1
            while left < right and times[order[left]] <= now - width:
                if is_new[order[left]]:
                    held[partners[order[left]]] -= 1
                    partners_now -= held[partners[order[left]]] == 0
                    sums[partners[order[left]]] -= max(values[order[left]], 0)
                    total -= max(values[order[left]], 0)
                left += 1
            while ahead < hub_end and times[hub_order[ahead]] <= now:
                moved[roots[hub_order[ahead]]] += max(hub_values[hub_order[ahead]], 0)
                ahead += 1
            while behind < ahead and times[hub_order[behind]] <= now - width:
                moved[roots[hub_order[behind]]] -= max(hub_values[hub_order[behind]], 0)
                behind += 1
            root = roots[payment]
            came, went = total - sums[root], moved[root]
            layered[payment] = (
                partners_now - (held[root] > 0) >= fan
                and low * came * (1 - SLACK) <= went
                and went <= high * came * (1 + SLACK)
            )
            farthest[payment] = now
            for earlier in range(left, right):
                if is_new[order[earlier]] and partners[order[earlier]] != root:
                    farthest[payment] = times[order[earlier]]
                    break
        for place in range(left, right):
            held[partners[order[place]]] = 0
            sums[partners[order[place]]] = 0
        for place in range(behind, ahead):
            moved[roots[hub_order[place]]] = 0
        for place in range(hub_end - 1, hub_offsets[node] - 1, -1):  # and those that go on together with one
            payment = hub_order[place]
            root = roots[payment]
            if layered[payment]:
                moved[root] = place + 1
            elif moved[root] and times[hub_order[moved[root] - 1]] - times[payment] < width:
                layered[payment] = True
        for place in range(hub_offsets[node], hub_end):
            moved[roots[hub_order[place]]] = 0


@kernel
def _outer_payments(pairs, nodes, roots, offsets, order, partners, times, is_new, width):
    """The payments of the fans before the payments `pairs`, in order of (node, root, time); with the root."""
    payments, whose = np.empty(256, np.uint32), np.empty(256, np.uint32)
    size = 0
    begin = 0
    for index in range(pairs.size):
        payment = pairs[index]
        node, root, now = nodes[payment], roots[payment], times[payment]
        if index == 0 or nodes[pairs[index - 1]] != node or roots[pairs[index - 1]] != root:
            begin = offsets[node]
        place = max(begin, first_after(order, offsets[node], offsets[node + 1], times, now - width))
        while place < offsets[node + 1] and times[order[place]] < now:
            if is_new[order[place]] and partners[order[place]] != root:
                if size == payments.size:
                    payments = np.concatenate((payments, np.empty_like(payments)))
                    whose = np.concatenate((whose, np.empty_like(whose)))
                payments[size], whose[size] = order[place], root
                size += 1
            place += 1
        begin = max(begin, place)
    return payments[:size].copy(), whose[:size].copy()


def _turned(offsets: Ints, order: Codes) -> Codes:
    """Each run of `order` from its last to its first."""
    ends = np.repeat(offsets[:-1] + offsets[1:] - 1, np.diff(offsets))
    return frozen(order[ends - np.arange(order.size)])


def find_layered_fans(
    edges: Edges, *, incoming: bool, width: int, new_within: int, fan: int, least: int, low: float,
    high: float, part: float, threads: int = 1,
) -> LayeredFans:  # fmt: skip
    """Windows (t - width, t] in which `least` or more pay one root, each having just been paid by a fan.

    A fan: `fan` or more other persons who pay it in (t' - width, t'), t' being its payment to the root, each
    at most `new_within` after their first payment to it; `low` to `high` times their money goes on to the
    root in (t' - width, t'], all of which counts. With `incoming` false the other way round: the root pays
    them, and each pays a fan in (t', t' + width) of `low` to `high` times what the root pays it in
    [t', t' + width). `part`: least share of all that the root gets (pays) in the window.
    """
    out_order = frozen(np.arange(edges.instants.size, dtype=np.uint32))
    if incoming:
        times = edges.instants
        nodes, roots, partners = edges.senders, edges.receivers, edges.senders
        values, hub_values = edges.received, edges.sent
        offsets, order = edges.in_offsets, edges.in_edges
        hub_offsets, hub_order = edges.out_offsets, out_order
    else:
        times = frozen(-edges.instants)
        nodes, roots, partners = edges.receivers, edges.senders, edges.receivers
        values, hub_values = edges.sent, edges.received
        offsets, order = edges.out_offsets, _turned(edges.out_offsets, out_order)
        hub_offsets, hub_order = edges.in_offsets, _turned(edges.in_offsets, edges.in_edges)
    is_new = newly_paid(edges, new_within)
    layered, farthest = np.zeros(times.size, np.bool_), np.zeros(times.size, np.int64)
    # What comes in is the fan's, or the root's: the bounds are those of what the node moves with the root.
    low, high = (low, high) if incoming else (1 / high, 1 / low if low > 0 else np.inf)

    def start() -> Any:
        held = np.zeros(edges.node_count, np.int32)
        sums, moved = (np.zeros(edges.node_count, np.int64) for _ in range(2))
        return lambda first, last: _outer_fans(
            first, last, offsets, order, partners, values, hub_offsets, hub_order, roots, hub_values, times,
            is_new, width, fan, low, high, held, sums, moved, layered, farthest,
        )  # fmt: skip

    in_blocks(edges.blocks, threads, start)
    # A payment of a layered person counts, and no other: its pair is new at its own instant alone.
    marked = replace(edges, since=frozen(np.where(layered, edges.instants, LONG_AGO)))
    root, begin, end, middle, total, _ = find_fans(
        marked, incoming=incoming, width=width, new_within=0, least=least, threads=threads
    ).found
    if incoming:
        moved_all = _money_of(edges.in_offsets, edges.in_edges, edges.received, edges, root, end, width)
    else:
        moved_all = _money_of(edges.out_offsets, out_order, edges.sent, edges, root, end, width)
    main = total >= part * moved_all * (1 - SLACK)
    root, begin, end, middle, total = (column[main] for column in (root, begin, end, middle, total))
    chosen = np.flatnonzero(layered)
    chosen = chosen[np.lexsort((edges.instants[chosen], roots[chosen]))]
    inside, begin, end = _widened(
        root, begin, end, roots[chosen], edges.instants[chosen], np.abs(farthest[chosen])
    )
    chosen = chosen[inside]
    pairs = chosen[np.lexsort((times[chosen], roots[chosen], nodes[chosen]))].astype(np.uint32)
    outer, whose = _outer_payments(
        frozen(pairs), nodes, roots, offsets, order, partners, times, is_new, width
    )
    return LayeredFans(
        np.stack([root, begin, end, middle, total]),
        np.concatenate([pairs, outer]),
        np.concatenate([roots[pairs], whose]),
    )


def _money_of(
    offsets: Ints, order: Codes, values: Ints, edges: Edges, node: Ints, end: Ints, width: int
) -> Ints:
    """Money of each node's payments in (end - width, end].

    Those of a node are order[offsets[node]:offsets[node + 1]], by time.
    """
    running: Ints = np.concatenate([[0], np.cumsum(np.maximum(values[order], 0))])
    owner = np.repeat(np.arange(offsets.size - 1), np.diff(offsets))
    key = np.rec.fromarrays([owner, edges.instants[order]])
    low = np.searchsorted(key, np.rec.fromarrays([node, end - width]), side="right")
    high = np.searchsorted(key, np.rec.fromarrays([node, end]), side="right")
    return np.asarray(running[high] - running[low])


def _widened(
    root: Ints, begin: Ints, end: Ints, roots: npt.NDArray[Any], instants: Ints, farthest: Ints
) -> tuple[Bools, Ints, Ints]:
    """Which payments (in order of root and instant) lie in a window; windows up to the outer payments."""
    inside = np.zeros(roots.size + 1, np.int64)
    key = np.rec.fromarrays([roots.astype(np.int64), instants])
    lows = np.searchsorted(key, np.rec.fromarrays([root, begin]), side="left")
    highs = np.searchsorted(key, np.rec.fromarrays([root, end]), side="right")
    np.add.at(inside, lows, 1)
    np.subtract.at(inside, highs, 1)
    begins, ends = begin.copy(), end.copy()
    for window, (low, high) in enumerate(zip(lows.tolist(), highs.tolist(), strict=True)):
        begins[window] = min(begin[window], farthest[low:high].min())
        ends[window] = max(end[window], farthest[low:high].max())
    return np.cumsum(inside[:-1]) > 0, begins, ends
