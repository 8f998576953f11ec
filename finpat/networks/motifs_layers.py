# mypy: allow-untyped-defs, allow-untyped-calls
"""Motifs of layers: blocks of payers and payees, and blocks upon blocks.

A *block* is a set of payers and a set of payees, nobody in both, where nearly every payer pays nearly every
payee within a window. A block of more persons has a block of the smallest numbers inside it that is as dense
(the mean over all of those is the density of the whole), so that looking for the smallest ones misses nobody
who is part of one. A *stack* is a block some of whose payees are the payers of a later block.

Where everybody pays many, blocks come by themselves. How many payees two payers share by chance follows from
how many each pays and how many others pay those: other pairs that end at the payees of the one fall to the
other payer as often as it is the payer of any pair (the configuration model: degrees kept, ends drawn).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from finpat.compiled import frozen, kernel
from finpat.networks.motifs import collected
from finpat.networks.motifs_edges import Bools, Codes, Edges, Ints

NO_NODE = np.uint32(0xFFFFFFFF)

BLOCK_STEPS = 2_000  # payments and payers looked at for the blocks that end with one payment
MOST_PAYERS = 4  # of the smallest block: sets of more are too many to be gone through
LEAST_DENSITY = 0.76  # of a block: above it any two of its payers (up to four) share a payee
NO_NUMBER, LEFT_OUT = -1, -2


@dataclass(frozen=True)
class Blocks:
    """Blocks, those that end with payments of one person at one instant taken together.

    ends: a payment that ends them. starts, stops: first and last instant. payers, payees: persons who are
    part of one (of a stack: `payers` of the first layer, `middle`, `payees` of the last). present: pairs of
    payer and payee in the densest. payments, payer: every payment of the blocks that a person's payments end,
    once, and that person. cut: payments whose search ended at the step budget.
    """

    ends: Ints
    starts: Ints
    stops: Ints
    payers: Ints
    middle: Ints
    payees: Ints
    present: Ints
    payments: Codes
    payer: Codes
    cut: int


@kernel
def first_after(edges, begin, end, instants, moment):
    """The first place in [begin, end) of `edges` (in order of time) later than `moment`, else end."""
    while begin < end:
        middle = (begin + end) >> 1
        if instants[edges[middle]] > moment:
            end = middle
        else:
            begin = middle + 1
    return begin


@kernel
def _payment_count(node, low, high, graph, order):
    """Payments that `node` makes in (low, high]."""
    begin, end = graph.out_offsets[node], graph.out_offsets[node + 1]
    return first_after(order, begin, end, graph.instants, high) - first_after(
        order, begin, end, graph.instants, low
    )


@kernel
def _payees(node, low, high, graph, order, is_new, number, named, seen, mark, payees, size, names):
    """Append the persons whom `node` newly pays in (low, high] to payees[size:], each once, as numbers.

    number: node -> its number, NO_NUMBER, or LEFT_OUT; named: number -> node; names: how many there are.
    seen: number -> the mark it was last met with. Returns size and names.
    """
    place = first_after(order, graph.out_offsets[node], graph.out_offsets[node + 1], graph.instants, high) - 1
    while place >= graph.out_offsets[node] and graph.instants[place] > low:
        other = graph.receivers[place]
        if is_new[place] and number[other] != LEFT_OUT:
            if number[other] == NO_NUMBER:
                number[other] = names
                named[names] = other
                seen[names] = -1
                names += 1
            if seen[number[other]] != mark:
                seen[number[other]] = mark
                payees[size] = number[other]
                size += 1
        place -= 1
    return size, names


@kernel
def _chance(mean, count):
    """Chance of `count` or more where `mean` are expected and each comes by itself (Poisson)."""
    if count <= 0:
        return 1.0
    if mean <= 0:
        return 0.0
    term = math.exp(count * math.log(mean) - mean - math.lgamma(count + 1))
    total = 0.0
    while term > 1e-12 * total or count < mean:
        total += term
        count += 1
        term *= mean / count
    return min(total, 1.0)


@kernel
def _following(out_offsets, receivers, instants, is_new, width, met, lasts):
    """Until when each new payment alone keeps its pair, and its payer, in windows of `width`.

    That is the next new payment of the pair (of the payer), or `width` later where there is none before.
    met: NO_NODE for each node, lasts: scratch. Returns both, 0 for payments that are not new.
    """
    pairs, payers = np.zeros(instants.size, np.int64), np.zeros(instants.size, np.int64)
    for node in range(out_offsets.size - 1):
        following = instants[out_offsets[node]] + width if out_offsets[node] < instants.size else 0
        known = False
        for edge in range(out_offsets[node + 1] - 1, out_offsets[node] - 1, -1):
            if not is_new[edge]:
                continue
            now, other = instants[edge], receivers[edge]
            pairs[edge] = min(now + width, lasts[other]) if met[other] == node else now + width
            payers[edge] = min(now + width, following) if known else now + width
            met[other], lasts[other] = node, now
            following, known = now, True
    return pairs, payers


@kernel
def _mark_blocks(forced, count, starts, payees, own, least, wide, missing, budget, tally, is_payer, is_payee):
    """Mark who is part of a block of `least` payers, `forced` the first of them, and `wide` payees.

    The payees of payer i are payees[starts[i]:starts[i + 1]]; own: the number of payer i among the payees,
    -1 where nobody pays it. Of the pairs at most `missing` do not pay. tally: 0 for each payee, and 0 again
    afterwards.

    Returns pairs of the densest block (0: none) and the steps left of `budget` (below 0: it was reached).
    """
    chosen = np.empty(least, np.int64)
    following = np.empty(least + 1, np.int64)
    alike = np.empty(least + 1, np.int64)
    best = 0
    chosen[0] = forced
    following[1] = forced + 1
    for place in range(starts[forced], starts[forced + 1]):
        tally[payees[place]] += 1
    depth = 1
    while depth > 0:
        if depth == least:
            alike[:] = 0
            for member in range(least):
                for place in range(starts[chosen[member]], starts[chosen[member] + 1]):
                    alike[tally[payees[place]]] += 1  # a payee of k payers is met k times
                    budget -= 1
            for member in range(least):
                if own[chosen[member]] >= 0:
                    met = tally[own[chosen[member]]]
                    alike[met] -= met
            present = 0
            lacking = 0  # of the fullest payees, all but one
            left = wide
            for payers in range(least, 0, -1):
                taken = min(left, alike[payers] // payers)
                present += taken * payers
                lacking += min(taken, max(left - 1, 0)) * (least - payers)
                left -= taken
            if left == 0 and least * wide - present <= missing:
                best = max(best, present)
                for member in range(least):
                    is_payer[chosen[member]] = 1
                for member in range(least):
                    for place in range(starts[chosen[member]], starts[chosen[member] + 1]):
                        payee = payees[place]
                        if least - tally[payee] + lacking <= missing:
                            inside = True
                            for other in range(least):
                                inside &= own[chosen[other]] != payee
                            if inside:
                                is_payee[payee] = 1
        elif following[depth] < count and budget >= 0:
            chosen[depth] = following[depth]
            following[depth] += 1
            for place in range(starts[chosen[depth]], starts[chosen[depth] + 1]):
                tally[payees[place]] += 1
                budget -= 1
            depth += 1
            if depth < least:
                following[depth] = chosen[depth - 1] + 1
            continue
        depth -= 1
        for place in range(starts[chosen[depth]], starts[chosen[depth] + 1]):
            tally[payees[place]] -= 1
    return best, budget


@kernel
def _told_payments(payer, low, high, graph, order, is_new, number, is_payee, whose, told, payments, size):
    """Append the new payments of `payer` in (low, high] to marked payees, unless told of `whose` before.

    told: per payment, the node it was last told of. Returns the payments, grown where needed, their number,
    and the first and the last instant of all of them.
    """
    first, last = high + 1, low
    begin, end = graph.out_offsets[payer], graph.out_offsets[payer + 1]
    place = first_after(order, begin, end, graph.instants, high) - 1
    while place >= begin and graph.instants[place] > low:
        if is_new[place] and number[graph.receivers[place]] >= 0 and is_payee[number[graph.receivers[place]]]:
            if told[place] != whose:
                told[place] = whose
                if size == payments.size:
                    payments = np.concatenate((payments, np.empty_like(payments)))
                payments[size] = place
                size += 1
            first = min(first, graph.instants[place])
            last = max(last, graph.instants[place])
        place -= 1
    return payments, size, first, last


@kernel
def _tell_later(
    now,
    after,
    graph,
    order,
    is_new,
    nodes,
    is_chosen,
    least,
    wide,
    missing,
    steps,
    number,
    whose,
    told,
    payments,
    size,
):
    """Tell the payments of blocks in (now, now + after] whose payers are the chosen of `nodes`.

    number: NO_NUMBER for each node, LEFT_OUT for those that may not be paid; so again afterwards.

    Returns payers, payees (both 0: no block), last instant, pairs of the densest, what is left of `steps`,
    and payments and their number as `_told_payments` does.
    """
    high = now + after
    payers, starts = np.empty(nodes.size, np.uint32), np.zeros(nodes.size + 1, np.int64)
    count = room = 0
    for index in range(nodes.size):
        if is_chosen[index]:
            room += _payment_count(nodes[index], now, high, graph, order)
            if room > steps:
                break
            payers[count] = nodes[index]
            count += 1
    left = steps - room
    room = min(room, steps)
    named, seen = np.empty(room, np.uint32), np.empty(room, np.int64)
    payees, tally = np.empty(room, np.int64), np.zeros(room, np.int64)
    is_payer, is_payee = np.zeros(nodes.size, np.uint8), np.zeros(room, np.uint8)
    length = names = 0
    for index in range(count):
        length, names = _payees(
            payers[index], now, high, graph, order, is_new, number, named, seen, index, payees, length, names
        )
        starts[index + 1] = length
    own = np.empty(count, np.int64)
    for index in range(count):
        own[index] = number[payers[index]]
    best = 0
    for forced in range(count - least + 1):
        if left < 0:
            break
        present, left = _mark_blocks(
            forced, count, starts, payees, own, least, wide, missing, left, tally, is_payer, is_payee
        )
        best = max(best, present)
    middle = ends = 0
    stop = now
    if best > 0:
        for index in range(count):
            if is_payer[index]:
                middle += 1
                payments, size, _, at = _told_payments(
                    payers[index], now, high, graph, order, is_new, number, is_payee, whose, told, payments,
                    size,
                )  # fmt: skip
                stop = max(stop, at)
        for index in range(names):
            ends += is_payee[index]
    for index in range(names):
        number[named[index]] = NO_NUMBER
    return middle, ends, stop, best, left, payments, size


@kernel
def _find_blocks(
    first, last, graph, order, is_new, width, after, least, wide, missing, rare, pairs, paying, steps, number,
    later_number, met, shared, told, cut,
):  # fmt: skip
    """Blocks that end with a payment of a node in [first, last), in (t - width, t].

    after: 0, or the width of the window (t, t + after] in which some of the payees are payers of a further
    block. pairs, paying: per payment, pairs and payers in the window that ends with it; rare: how many payers
    at most may share so many payees with the node by chance. number, later_number: NO_NUMBER, met: NO_NODE,
    shared: 0 for each node, and so again afterwards.
    told: per payment, NO_NODE or a node of another run.

    Returns finds (rows payment, first and last instant, payers, those in the middle, payees, pairs of the
    densest), their payments, and for each payment the node whose payments end the find.
    """
    instants, out_offsets, in_offsets, in_edges = (
        graph.instants, graph.out_offsets, graph.in_offsets, graph.in_edges,
    )  # fmt: skip
    found = np.empty((7, 16), np.int64)
    payments, whose = np.empty(256, np.uint32), np.empty(256, np.uint32)
    finds = widest = size_told = 0
    for node in range(first, last):
        widest = max(widest, out_offsets[node + 1] - out_offsets[node])
    room = widest + 2 * steps + 1
    named, seen = np.empty(room, np.uint32), np.empty(room, np.int64)
    payees, tally = np.empty(room, np.int64), np.zeros(room, np.int64)
    is_payee = np.zeros(room, np.uint8)
    payers, starts = np.empty(steps + 2, np.uint32), np.empty(steps + 3, np.int64)
    own, is_payer = np.empty(steps + 2, np.int64), np.zeros(steps + 2, np.uint8)
    touched = np.empty(steps + 1, np.uint32)
    for node in range(first, last):
        begin, end = out_offsets[node], out_offsets[node + 1]
        fresh = False
        told_before = size_told
        for edge in range(begin, end):
            now = instants[edge]
            fresh |= is_new[edge] != 0
            if edge + 1 < end and instants[edge + 1] == now:
                continue
            if not fresh:
                continue
            fresh = False
            left = steps
            low = now - width
            payers[0], starts[0] = node, 0
            size, names = _payees(node, low, now, graph, order, is_new, number, named, seen, 0, payees, 0, 0)
            starts[1] = size
            count = 1
            if size >= wide - missing:
                near = ways = 0
                for index in range(size):
                    payee = named[payees[index]]
                    place = first_after(in_edges, in_offsets[payee], in_offsets[payee + 1], instants, now) - 1
                    while place >= in_offsets[payee] and instants[in_edges[place]] > low and left > 0:
                        left -= 1
                        payment = in_edges[place]
                        other = graph.senders[payment]
                        if is_new[payment] and other != node and met[other] != payee:
                            met[other] = payee
                            if shared[other] == 0:
                                touched[near] = other
                                near += 1
                            shared[other] += 1
                            ways += 1
                        place -= 1
                others = max(pairs[edge] - starts[1], 1)  # of the node's payees, other pairs pay `ways`
                for index in range(near):
                    other = touched[index]
                    if shared[other] >= wide - missing and left > 0:
                        left -= _payment_count(other, low, now, graph, order)
                        if left > 0:
                            payers[count] = other
                            size, names = _payees(
                                other, low, now, graph, order, is_new, number, named, seen, index + 1, payees,
                                size, names,
                            )  # fmt: skip
                            expected = ways * (size - starts[count]) / others
                            if paying[edge] * _chance(expected, shared[other]) <= rare:
                                count += 1
                                starts[count] = size
                            else:
                                size = starts[count]
                    met[other] = NO_NODE
                    shared[other] = 0
            best = 0
            if count >= least and left > 0:
                for index in range(count):
                    own[index] = number[payers[index]]
                best, left = _mark_blocks(
                    0, count, starts, payees, own, least, wide, missing, left, tally, is_payer, is_payee
                )
            if left <= 0:
                cut[edge] = 1
            if best > 0:
                middle = 0
                stop = now
                ends = 0
                if after > 0:
                    for index in range(count):
                        if is_payer[index]:
                            later_number[payers[index]] = LEFT_OUT
                    middle, ends, stop, best, left, payments, size_told = _tell_later(
                        now, after, graph, order, is_new, named[:names], is_payee, least, wide, missing,
                        steps, later_number, node, told, payments, size_told,
                    )  # fmt: skip
                    for index in range(count):
                        later_number[payers[index]] = NO_NUMBER
                    if left < 0:
                        cut[edge] = 1
                if after == 0 or middle > 0:
                    begins = now
                    sources = 0
                    for index in range(count):
                        if is_payer[index]:
                            sources += 1
                            payments, size_told, at, _ = _told_payments(
                                payers[index], low, now, graph, order, is_new, number, is_payee, node, told,
                                payments, size_told,
                            )  # fmt: skip
                            begins = min(begins, at)
                    if after == 0:
                        for index in range(names):
                            ends += is_payee[index]
                    if finds == found.shape[1]:
                        found = np.concatenate((found, np.empty_like(found)), axis=1)
                    found[0, finds], found[1, finds], found[2, finds] = edge, begins, stop
                    found[3, finds], found[4, finds], found[5, finds] = sources, middle, ends
                    found[6, finds] = best
                    finds += 1
            for index in range(names):
                number[named[index]] = -1
                is_payee[index] = 0
            for index in range(count):
                is_payer[index] = 0
        while whose.size < size_told:
            whose = np.concatenate((whose, np.empty_like(whose)))
        whose[told_before:size_told] = node
    return found[:, :finds].copy(), payments[:size_told].copy(), whose[:size_told].copy()


def find_blocks(
    edges: Edges,
    *,
    width: int,
    new_within: int,
    payers: int,
    payees: int,
    density: float,
    chance: float = np.inf,
    after: int = 0,
    threads: int = 1,
    steps: int = BLOCK_STEPS,
) -> Blocks:
    """Blocks of `payers` or more to `payees` or more in (t - width, t], t being that of a payment of theirs.

    A partner counts in a payment at most `new_within` after their first. `density`: of the pairs of payer and
    payee that pay, LEAST_DENSITY or more; `payers`: MOST_PAYERS at most. `chance`: beside the payer
    who ends a block only those count who share so many payees with that one that on average no more payers
    would do so by chance, everybody newly paying and being paid by as many in the window as they are. With
    `after`: stacks, that is blocks of whose payees some are the payers of a further block in (t, t + after],
    nobody of the first layer being paid in it.
    """
    missing = int((1 - density) * payers * payees + 1e-9)
    graph, is_new = edges.graph, newly_paid(edges, new_within)
    order = frozen(np.arange(edges.instants.size, dtype=np.uint32))
    pairs, paying = _in_windows(edges, is_new, width)
    cut = np.zeros(edges.instants.size, np.uint8)

    def start() -> Any:
        number, later_number = (np.full(edges.node_count, NO_NUMBER, np.int32) for _ in range(2))
        met, shared = np.full(edges.node_count, NO_NODE), np.zeros(edges.node_count, np.int32)
        told = np.full(edges.instants.size, NO_NODE)

        def one(first: int, last: int) -> tuple[Any, ...]:
            found, payments, payer = _find_blocks(
                first, last, graph, order, is_new, width, after, payers, payees, missing, chance, pairs,
                paying, steps, number, later_number, met, shared, told, cut,
            )  # fmt: skip
            return found.T, payments, payer

        return one

    if not edges.instants.size:
        nothing, nobody = np.zeros(0, np.int64), np.zeros(0, np.uint32)
        return Blocks(nothing, nothing, nothing, nothing, nothing, nothing, nothing, nobody, nobody, 0)
    found, payments, payer = collected(edges.blocks, threads, start)
    ends, starts, stops, first, middle, last, present = np.ascontiguousarray(found.T)
    return Blocks(ends, starts, stops, first, middle, last, present, payments, payer, int(cut.sum()))


def _in_windows(edges: Edges, is_new: Bools, width: int) -> tuple[Ints, Ints]:
    """Pairs and payers of new payments in (t - width, t], t being the instant of each payment."""
    nodes, starts = edges.node_count, np.sort(edges.instants[is_new])
    begun = np.searchsorted(starts, edges.instants, side="right")
    counts = (
        begun - np.searchsorted(np.sort(until[is_new]), edges.instants, side="right")
        for until in _following(
            edges.out_offsets, edges.receivers, edges.instants, is_new, width, np.full(nodes, NO_NODE),
            np.zeros(nodes, np.int64),
        )
    )  # fmt: skip
    pairs, payers = (frozen(count) for count in counts)
    return pairs, payers


def newly_paid(edges: Edges, new_within: int) -> Bools:
    """Per payment, whether it is at most `new_within` after the first of its two persons."""
    new: Bools = frozen(edges.instants - edges.since <= new_within)
    return new
