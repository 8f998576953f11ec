# mypy: allow-untyped-defs, allow-untyped-calls
"""Kernels of the motifs: loops over the payments of one node, or over what follows one payment.

Windows are (t - w, t] backwards and (t, t + w] forwards: what follows a payment is later than it. Every
kernel gets the graph as arrays (`motifs_edges.Graph`), works on a run of nodes or payments and writes to
those alone, so that runs can be computed side by side.
"""

from __future__ import annotations

import numpy as np

from finpat.compiled import kernel
from finpat.networks.motifs_edges import UNKNOWN_VALUE

SLACK = 1e-9  # share of a bound: 0.9 is no binary number, and exactly the bound is inside


@kernel
def count_followers(first, last, graph, horizon, low, high, steps, count, cut):
    """How many payments pass on each payment into nodes [first, last). See `fill_followers`.

    cut: 1 for payments whose receiver made more than `steps` payments within the horizon; the later ones are
    not seen.
    """
    in_offsets, in_edges, out_offsets, senders = (
        graph.in_offsets,
        graph.in_edges,
        graph.out_offsets,
        graph.senders,
    )
    receivers, instants, sent, received = graph.receivers, graph.instants, graph.sent, graph.received
    for node in range(first, last):
        left = out_offsets[node]
        end = out_offsets[node + 1]
        if left == end:
            continue
        for place in range(in_offsets[node], in_offsets[node + 1]):
            edge = in_edges[place]
            now = instants[edge]
            while left < end and instants[left] <= now:
                left += 1
            value = received[edge]
            if value == UNKNOWN_VALUE:
                continue
            least, most = low * value * (1 - SLACK), high * value * (1 + SLACK)
            source = senders[edge]
            found = 0
            last_seen = min(end, left + steps)
            after = left
            while after < last_seen and instants[after] <= now + horizon:
                if least <= sent[after] <= most and receivers[after] != source:
                    found += 1
                after += 1
            if after == left + steps and after < end and instants[after] <= now + horizon:
                cut[edge] = 1
            count[edge] = found


@kernel
def fill_followers(first, last, graph, horizon, low, high, steps, offsets, followers):
    """The payments that pass on each payment into nodes [first, last), in order of time.

    A payment is passed on by a later one of its receiver, at most `horizon` after it, of `low` to `high`
    times its value, to somebody else than it came from.
    """
    in_offsets, in_edges, out_offsets, senders = (
        graph.in_offsets,
        graph.in_edges,
        graph.out_offsets,
        graph.senders,
    )
    receivers, instants, sent, received = graph.receivers, graph.instants, graph.sent, graph.received
    for node in range(first, last):
        left = out_offsets[node]
        end = out_offsets[node + 1]
        if left == end:
            continue
        for place in range(in_offsets[node], in_offsets[node + 1]):
            edge = in_edges[place]
            now = instants[edge]
            while left < end and instants[left] <= now:
                left += 1
            if offsets[edge] == offsets[edge + 1]:
                continue
            value = received[edge]
            least, most = low * value * (1 - SLACK), high * value * (1 + SLACK)
            source = senders[edge]
            slot = offsets[edge]
            last_seen = min(end, left + steps)
            for after in range(left, last_seen):
                if instants[after] > now + horizon:
                    break
                if least <= sent[after] <= most and receivers[after] != source:
                    followers[slot] = after
                    slot += 1


@kernel
def extend_chains(first, last, offsets, followers, hops, longer):
    """longer: hops of the longest chain that begins with each payment in [first, last), one round further.

    Returns whether any grew.
    """
    grew = False
    for edge in range(first, last):
        best = hops[edge]
        for place in range(offsets[edge], offsets[edge + 1]):
            best = max(best, hops[followers[place]] + 1)
        longer[edge] = best
        grew |= best > hops[edge]
    return grew


@kernel
def find_fans(
    first,
    last,
    offsets,
    order,
    partners,
    instants,
    values,
    since,
    width,
    new_within,
    least,
    share,
    held,
    sums,
    out,
):
    """Windows (t - width, t] of the payments of each node with partners that are new to it.

    A partner is new in a payment at most `new_within` after their first. held, sums: 0 for each node, and 0
    again afterwards. out: peaks; rows distinct new partners, sum of their payments, distinct partners with
    payments of one very value.

    Returns the windows with `least` new partners of whom none has more than `share` of their money: rows
    node, first and last instant, partners, money of all, money of the largest.
    """
    windows = np.empty((6, 16), np.int64)
    found = 0
    for node in range(first, last):
        begin, end = offsets[node], offsets[node + 1]
        left = right = begin
        partners_now = total = 0
        most = most_minor = most_equal = 0
        while right < end:
            now = instants[order[right]]
            entered = right
            while right < end and instants[order[right]] == now:
                edge = order[right]
                if now - since[edge] <= new_within:
                    held[partners[edge]] += 1
                    partners_now += held[partners[edge]] == 1
                    total += max(values[edge], 0)
                    sums[partners[edge]] += max(values[edge], 0)
                right += 1
            while instants[order[left]] <= now - width:
                edge = order[left]
                if instants[edge] - since[edge] <= new_within:
                    held[partners[edge]] -= 1
                    partners_now -= held[partners[edge]] == 0
                    total -= max(values[edge], 0)
                    sums[partners[edge]] -= max(values[edge], 0)
                left += 1
            if partners_now >= least:
                top = since_then = 0
                begins = now
                for place in range(left, right):
                    edge = order[place]
                    if instants[edge] - since[edge] <= new_within:
                        top = max(top, sums[partners[edge]])
                        begins = min(begins, instants[edge])
                        since_then = instants[edge]
                if since_then == now and top <= share * total * (1 + SLACK):
                    if found == windows.shape[1]:
                        windows = np.concatenate((windows, np.empty_like(windows)), axis=1)
                    windows[0, found], windows[1, found], windows[2, found] = node, begins, now
                    windows[3, found], windows[4, found], windows[5, found] = partners_now, total, top
                    found += 1
            most = max(most, partners_now)
            most_minor = max(most_minor, total)
            if partners_now > most_equal:
                most_equal = max(
                    most_equal,
                    _equal_partners(
                        left, entered, right, order, partners, instants, values, since, new_within
                    ),
                )
        for place in range(left, end):
            edge = order[place]
            if instants[edge] - since[edge] <= new_within:
                held[partners[edge]] = 0
                sums[partners[edge]] = 0
        out[0, node], out[1, node], out[2, node] = most, most_minor, most_equal
    return windows[:, :found].copy()


@kernel
def _equal_partners(left, entered, right, order, partners, instants, values, since, new_within):
    """Most distinct new partners in [left, right) that share the value of one payment in [entered, right)."""
    best = 0
    who = np.empty(right - left, np.uint32)
    for place in range(entered, right):
        value = values[order[place]]
        size = 0
        for earlier in range(left, right):
            edge = order[earlier]
            if values[edge] != value or value == UNKNOWN_VALUE or instants[edge] - since[edge] > new_within:
                continue
            known = False
            for index in range(size):
                if who[index] == partners[edge]:
                    known = True
                    break
            if not known:
                who[size] = partners[edge]
                size += 1
        best = max(best, size)
    return best


@kernel
def find_gathers(first, last, graph, since, width, after, new_within, least, low, high, ins, outs, out):
    """Money gathered from new payers in (t - width, t] and scattered to new beneficiaries in (t, t + after].

    t: each instant of a payment in. Who is on both sides counts on neither. ins, outs: 0 for each node, and 0
    again afterwards. out: peaks; rows people on the smaller side, and money on the smaller side of what is
    returned.

    Returns where at least `least` people are on each side and out over in is `low` to `high`: rows node,
    first and last instant, payers, beneficiaries, money in, money out.
    """
    windows = np.empty((7, 16), np.int64)
    found = 0
    in_offsets, in_edges, out_offsets, senders = (
        graph.in_offsets,
        graph.in_edges,
        graph.out_offsets,
        graph.senders,
    )
    receivers, instants, sent, received = graph.receivers, graph.instants, graph.sent, graph.received
    for node in range(first, last):
        in_begin, in_end = in_offsets[node], in_offsets[node + 1]
        out_begin, out_end = out_offsets[node], out_offsets[node + 1]
        if in_begin == in_end or out_begin == out_end:
            continue
        left = right = in_begin
        gone = come = out_begin
        payers = beneficiaries = gathered = scattered = 0
        width_best = minor_best = 0
        while right < in_end:
            now = instants[in_edges[right]]
            while right < in_end and instants[in_edges[right]] == now:
                edge = in_edges[right]
                if now - since[edge] <= new_within:
                    who = senders[edge]
                    ins[who] += 1
                    gathered += max(received[edge], 0)
                    if ins[who] == 1:
                        payers += outs[who] == 0
                        beneficiaries -= outs[who] > 0
                right += 1
            while instants[in_edges[left]] <= now - width:
                edge = in_edges[left]
                if instants[edge] - since[edge] <= new_within:
                    who = senders[edge]
                    ins[who] -= 1
                    gathered -= max(received[edge], 0)
                    if ins[who] == 0:
                        payers -= outs[who] == 0
                        beneficiaries += outs[who] > 0
                left += 1
            while come < out_end and instants[come] <= now + after:
                if instants[come] - since[come] <= new_within:
                    who = receivers[come]
                    outs[who] += 1
                    scattered += max(sent[come], 0)
                    if outs[who] == 1:
                        beneficiaries += ins[who] == 0
                        payers -= ins[who] > 0
                come += 1
            while gone < come and instants[gone] <= now:
                if instants[gone] - since[gone] <= new_within:
                    who = receivers[gone]
                    outs[who] -= 1
                    scattered -= max(sent[gone], 0)
                    if outs[who] == 0:
                        beneficiaries -= ins[who] == 0
                        payers += ins[who] > 0
                gone += 1
            people = min(payers, beneficiaries)
            width_best = max(width_best, people)
            if people >= least and low * gathered * (1 - SLACK) <= scattered <= high * gathered * (1 + SLACK):
                minor_best = max(minor_best, min(gathered, scattered))
                if found == windows.shape[1]:
                    windows = np.concatenate((windows, np.empty_like(windows)), axis=1)
                windows[0, found], windows[1, found] = node, instants[in_edges[left]]
                windows[2, found] = instants[come - 1]
                windows[3, found], windows[4, found] = payers, beneficiaries
                windows[5, found], windows[6, found] = gathered, scattered
                found += 1
        for place in range(left, in_end):
            ins[senders[in_edges[place]]] = 0
        for edge in range(gone, come):
            outs[receivers[edge]] = 0
        out[0, node], out[1, node] = width_best, minor_best
    return windows[:, :found].copy()


@kernel
def find_cycles(first, last, graph, offsets, followers, span, longest, steps, cut):
    """Cycles of three to `longest` payments, each passed on by the next, the first one in [first, last).

    All within `span` after the first payment; no node twice. cut: 1 for first payments after which more than
    `steps` payments were looked at; the cycles after that are not seen. Returns sizes and payments of the
    cycles.
    """
    in_offsets, in_edges, senders, receivers = (
        graph.in_offsets,
        graph.in_edges,
        graph.senders,
        graph.receivers,
    )
    instants = graph.instants
    path = np.empty(longest, np.uint32)
    place = np.empty(longest, np.int64)
    sizes = np.empty(64, np.uint8)
    found = np.empty(256, np.uint32)
    cycles = payments = 0
    for start in range(first, last):
        if offsets[start] == offsets[start + 1]:
            continue
        home = senders[start]
        latest = instants[start] + span
        if not _is_paid_within(home, instants[start], latest, in_offsets, in_edges, instants):
            continue
        path[0] = start
        place[0] = offsets[start]
        depth = 1
        taken = 0
        while depth > 0:
            edge = path[depth - 1]
            if place[depth - 1] == offsets[edge + 1]:
                depth -= 1
                continue
            after = followers[place[depth - 1]]
            place[depth - 1] += 1
            taken += 1
            if taken > steps:
                cut[start] = 1
                break
            if instants[after] > latest:
                place[depth - 1] = offsets[edge + 1]  # followers are in order of time
                continue
            target = receivers[after]
            if target == home:
                if depth >= 2:
                    if cycles == sizes.size:
                        sizes = np.concatenate((sizes, np.empty_like(sizes)))
                    while payments + depth + 1 > found.size:
                        found = np.concatenate((found, np.empty_like(found)))
                    for index in range(depth):
                        found[payments + index] = path[index]
                    found[payments + depth] = after
                    sizes[cycles] = depth + 1
                    cycles += 1
                    payments += depth + 1
                continue
            if depth + 1 >= longest:
                continue
            again = False
            for index in range(depth):
                again |= receivers[path[index]] == target
            if not again:
                path[depth] = after
                place[depth] = offsets[after]
                depth += 1
    return sizes[:cycles].copy(), found[:payments].copy()


@kernel
def _is_paid_within(node, after, until, in_offsets, in_edges, instants):
    """Whether `node` is paid in (after, until]."""
    low, high = in_offsets[node], in_offsets[node + 1]
    while low < high:
        middle = (low + high) >> 1
        if instants[in_edges[middle]] > after:
            high = middle
        else:
            low = middle + 1
    return low < in_offsets[node + 1] and instants[in_edges[low]] <= until


@kernel
def find_scatters(first, last, graph, offsets, followers, width, least, held):
    """Money that leaves a node in [first, last) by several others and meets again at one.

    For each node and each place where its money meets: the window (t - width, t] of the node's payments with
    most distinct intermediaries that pass them on there, of equal ones the first; at least `least`.
    held: 0 for each node, and 0 again afterwards.

    Returns sizes (pairs of each find) and pairs: first payments, second payments.
    """
    out_offsets, receivers, instants = graph.out_offsets, graph.receivers, graph.instants
    sizes = np.empty(64, np.uint32)
    into = np.empty(256, np.uint32)
    onward = np.empty(256, np.uint32)
    finds = pairs = 0
    for node in range(first, last):
        begin, end = out_offsets[node], out_offsets[node + 1]
        total = offsets[end] - offsets[begin]
        if total < least:
            continue
        edge_of = np.empty(total, np.uint32)
        target = np.empty(total, np.uint32)
        size = 0
        for edge in range(begin, end):
            for place in range(offsets[edge], offsets[edge + 1]):
                edge_of[size] = edge
                target[size] = receivers[followers[place]]
                size += 1
        order = np.argsort(target, kind="mergesort")
        start = 0
        while start < size:
            stop = start
            while stop < size and target[order[stop]] == target[order[start]]:
                stop += 1
            if stop - start >= least and target[order[start]] != node:
                best = best_left = best_right = distinct = 0
                left = start
                for right in range(start, stop):
                    now = instants[edge_of[order[right]]]
                    while instants[edge_of[order[left]]] <= now - width:
                        middle = receivers[edge_of[order[left]]]
                        held[middle] -= 1
                        distinct -= held[middle] == 0
                        left += 1
                    middle = receivers[edge_of[order[right]]]
                    held[middle] += 1
                    distinct += held[middle] == 1
                    if distinct > best:
                        best, best_left, best_right = distinct, left, right + 1
                for index in range(left, stop):
                    held[receivers[edge_of[order[index]]]] = 0
                if best >= least:
                    if finds == sizes.size:
                        sizes = np.concatenate((sizes, np.empty_like(sizes)))
                    count = best_right - best_left
                    while pairs + count > into.size:
                        into = np.concatenate((into, np.empty_like(into)))
                        onward = np.concatenate((onward, np.empty_like(onward)))
                    for index in range(best_left, best_right):
                        position = offsets[begin] + order[index]
                        into[pairs] = edge_of[order[index]]
                        onward[pairs] = followers[position]
                        pairs += 1
                    sizes[finds] = count
                    finds += 1
            start = stop
    return sizes[:finds].copy(), into[:pairs].copy(), onward[:pairs].copy()
