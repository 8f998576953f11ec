# mypy: allow-untyped-defs, allow-untyped-calls
"""Motifs of shared payees: two persons who pay the same few others that hardly anybody else pays."""

from __future__ import annotations

from typing import Any

import numpy as np

from finpat.compiled import in_blocks, kernel
from finpat.networks.motifs import collected
from finpat.networks.motifs_edges import Edges, Ints

SHARED_STEPS = 10_000  # payments looked at for the co-payers at one instant of a person


@kernel
def _count_payers(first, last, graph, width, held, payers):
    """payers: per payment into nodes [first, last), the distinct payers of its payee in (t - width, t].

    held: 0 for each node, and 0 again afterwards.
    """
    instants, senders, in_edges = graph.instants, graph.senders, graph.in_edges
    for node in range(first, last):
        left = right = graph.in_offsets[node]
        end = graph.in_offsets[node + 1]
        distinct = 0
        while right < end:
            now = instants[in_edges[right]]
            entered = right
            while right < end and instants[in_edges[right]] == now:
                held[senders[in_edges[right]]] += 1
                distinct += held[senders[in_edges[right]]] == 1
                right += 1
            while instants[in_edges[left]] <= now - width:
                held[senders[in_edges[left]]] -= 1
                distinct -= held[senders[in_edges[left]]] == 0
                left += 1
            for place in range(entered, right):
                payers[in_edges[place]] = distinct
        for place in range(left, end):
            held[senders[in_edges[place]]] = 0


@kernel
def _last_into(node, now, graph):
    """The place of the last payment into `node` at `now` or before; one before its first if there is none."""
    low, high = graph.in_offsets[node], graph.in_offsets[node + 1]
    while low < high:
        middle = (low + high) >> 1
        if graph.instants[graph.in_edges[middle]] > now:
            high = middle
        else:
            low = middle + 1
    return low - 1


@kernel
def _find_copayers(
    first, last, graph, payers, everybody, width, least, rare, alike, steps, mine, theirs, met, shared, cut
):
    """Pairs of a node in [first, last) and another that share payees at an instant of a payment of the node.

    mine, met: -1, shared: 0 for each node, and so again afterwards; theirs: scratch.
    Returns rows payment, the other, first instant, shared payees, cosine in millionths.
    """
    instants, receivers, senders = graph.instants, graph.receivers, graph.senders
    found = np.empty((5, 16), np.int64)
    touched = np.empty(steps, np.uint32)
    finds = stamp = most = 0
    theirs[:] = -1
    for node in range(first, last):
        most = max(most, graph.out_offsets[node + 1] - graph.out_offsets[node])
    payees = np.empty(most, np.int64)  # of the window, each once
    for node in range(first, last):
        begin, end = graph.out_offsets[node], graph.out_offsets[node + 1]
        left = begin
        for edge in range(begin, end):
            now = instants[edge]
            if edge + 1 < end and instants[edge + 1] == now:
                continue
            while instants[left] <= now - width:
                left += 1
            if edge + 1 - left < least:
                continue
            fresh = False  # whether one of the rare payees is paid now
            place = edge
            while place >= left and instants[place] == now:
                known = payers[graph.in_edges[_last_into(receivers[place], now, graph)]]
                fresh |= 2 <= known <= rare
                place -= 1
            if not fresh:
                continue
            size = edge + 1 - left
            near = taken = distinct = 0
            norm = -1.0  # told when somebody is compared
            for place in range(left, edge + 1):
                payee = receivers[place]
                if mine[payee] >= 0:
                    continue
                known = payers[graph.in_edges[_last_into(payee, now, graph)]]
                mine[payee] = known
                payees[distinct] = payee
                distinct += 1
            for place in range(left, edge + 1):
                payee = receivers[place]
                if not 2 <= mine[payee] <= rare or met[payee] == -2:
                    continue
                met[payee] = -2
                stamp += 1
                at = _last_into(payee, now, graph)
                while at >= graph.in_offsets[payee] and instants[graph.in_edges[at]] > now - width:
                    taken += 1
                    if taken >= steps:
                        break
                    other = senders[graph.in_edges[at]]
                    if other != node and theirs[other] != stamp:
                        theirs[other] = stamp
                        if shared[other] == 0:
                            touched[near] = other
                            near += 1
                        shared[other] += 1
                    at -= 1
            cut[edge] = taken >= steps
            for index in range(near):
                other = touched[index]
                if shared[other] >= least and mine[other] < 0:
                    if norm < 0:
                        norm = 0.0
                        for own in range(distinct):
                            norm += np.log(1 + everybody / mine[payees[own]]) ** 2
                    stamp += 1
                    common = other_norm = 0.0
                    earliest = now
                    place = graph.out_offsets[other + 1] - 1
                    while place >= graph.out_offsets[other] and instants[place] > now - width:
                        payee = receivers[place]
                        if instants[place] <= now:
                            if 2 <= mine[payee] <= rare:
                                earliest = min(earliest, instants[place])
                            if theirs[payee] != stamp:
                                theirs[payee] = stamp
                                known = payers[graph.in_edges[_last_into(payee, now, graph)]]
                                weight = np.log(1 + everybody / known) ** 2
                                other_norm += weight
                                common += weight if mine[payee] >= 0 else 0.0
                        place -= 1
                    for own in range(left, left + size):
                        if theirs[receivers[own]] == stamp and 2 <= mine[receivers[own]] <= rare:
                            earliest = min(earliest, instants[own])
                            break
                    cosine = common / np.sqrt(norm * other_norm)
                    if cosine >= alike * (1 - 1e-9):
                        if finds == found.shape[1]:
                            found = np.concatenate((found, np.empty_like(found)), axis=1)
                        found[0, finds], found[1, finds], found[2, finds] = edge, other, earliest
                        found[3, finds], found[4, finds] = shared[other], round(cosine * 1e6)
                        finds += 1
                shared[other] = 0
            for index in range(near):
                shared[touched[index]] = 0
            for place in range(left, edge + 1):
                mine[receivers[place]] = -1
                met[receivers[place]] = -1
    return found[:, :finds].copy()


def find_copayers(
    edges: Edges, *, width: int, least: int, rare: int, alike: float, threads: int = 1,
    steps: int = SHARED_STEPS,
) -> tuple[Ints, int]:  # fmt: skip
    """Pairs of persons who pay `least` or more of the same payees in (t - width, t], t a payment to one.

    Shared payees have 2 to `rare` payers in the `width` that end with the last payment to them. `alike`:
    cosine of what both pay (paid or not, each payee weighted ln(1 + all payers of the data / its payers)).
    Who pays the other is no pair with them.

    Returns rows payment (that ends it), the other payer, first instant, shared payees, cosine in millionths;
    and how many searches ended at the step budget, the co-payers beyond it not being seen.
    """
    size, nodes = edges.instants.size, edges.node_count
    if not size:
        return np.zeros((5, 0), np.int64), 0
    graph, payers, cut = edges.graph, np.zeros(size, np.int64), np.zeros(size, np.uint8)

    def begin() -> Any:
        held = np.zeros(nodes, np.int32)
        return lambda first, last: _count_payers(first, last, graph, width, held, payers)

    in_blocks(edges.blocks, threads, begin)
    everybody = int((np.diff(edges.out_offsets) > 0).sum())

    def start() -> Any:
        mine, theirs, met = (np.full(nodes, -1, np.int64) for _ in range(3))
        shared = np.zeros(nodes, np.int64)
        return lambda first, last: (
            _find_copayers(
                first, last, graph, payers, everybody, width, least, rare, alike, steps, mine, theirs, met,
                shared, cut,
            ).T,
        )  # fmt: skip

    (found,) = collected(edges.blocks, threads, start)
    return np.ascontiguousarray(found.T), int(cut.sum())
