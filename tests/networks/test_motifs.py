"""Motifs are what their definitions say, compared with slow readable forms on small graphs."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from finpat.networks.motifs import (
    chain_lengths,
    find_cycles,
    find_fans,
    find_followers,
    find_gathers,
    find_scatters,
)
from tests.networks.support import DAY, as_list, graph, names_of, pay, random_payments

LOW, HIGH = 0.8, 1.02


def follows(payments, horizon, low=LOW, high=HIGH):
    """Pairs of payments of which the second passes on the first."""
    return [
        (i, j)
        for (i, a), (j, b) in product(enumerate(payments), repeat=2)
        if a[1] == b[0] and b[1] != a[0] and 0 < b[2] - a[2] <= horizon and low * a[4] <= b[3] <= high * a[4]
    ]


def listed(followers):
    """Pairs of payments, the second passing on the first."""
    sources = np.repeat(np.arange(followers.edge_count), np.diff(followers.offsets)).tolist()
    return list(zip(sources, followers.payments.tolist(), strict=True))


def rings(payments, pairs, span, longest):
    """All cycles of payments passed on."""
    after = {}
    for i, j in pairs:
        after.setdefault(i, []).append(j)

    def walk(path):
        for j in after.get(path[-1], []):
            if payments[j][2] - payments[path[0]][2] > span:
                continue
            if payments[j][1] == payments[path[0]][0]:
                if len(path) >= 2:
                    yield (*path, j)
            elif len(path) + 1 < longest and payments[j][1] not in {payments[i][1] for i in path}:
                yield from walk((*path, j))

    return sorted(cycle for start in range(len(payments)) for cycle in walk((start,)))


@settings(max_examples=150, deadline=None)
@given(rows=random_payments(), days=st.sampled_from([1, 2, 5]), threads=st.integers(1, 3))
def test_what_passes_on_what(rows, days, threads):
    _, edges = graph(*rows)
    followers = find_followers(edges, horizon=days * DAY, low=LOW, high=HIGH, threads=threads)
    assert sorted(listed(followers)) == sorted(follows(as_list(edges), days * DAY))
    assert sorted(listed(followers.reverse)) == sorted((j, i) for i, j in listed(followers))


@pytest.mark.parametrize(
    ("days", "amount", "passes"),
    [
        (2, 80, True),
        (2.0001, 80, False),
        (1, 79.99, False),
        (1, 102, True),
        (1, 102.01, False),
        (0, 90, False),
    ],
)
def test_bounds_of_passing_on(days, amount, passes):
    _, edges = graph(pay("A", "B", 0, 100), pay("B", "C", days, amount))
    followers = find_followers(edges, horizon=2 * DAY, low=LOW, high=HIGH)
    assert bool(len(followers.payments)) == passes


def test_what_goes_back_to_where_it_came_from_is_not_passed_on():
    _, edges = graph(pay("A", "B", 0), pay("B", "A", 1))
    assert find_followers(edges, horizon=2 * DAY, low=LOW, high=HIGH).payments.size == 0


def test_payments_beyond_the_budget_are_not_seen_and_that_is_said():
    _, edges = graph(pay("A", "B", 0), *(pay("B", f"C{number}", number / 10 + 0.1) for number in range(5)))
    seen = find_followers(edges, horizon=2 * DAY, low=LOW, high=HIGH, steps=3)
    assert (seen.payments.size, seen.cut) == (3, 1)
    assert find_followers(edges, horizon=2 * DAY, low=LOW, high=HIGH, steps=5).cut == 0


@settings(max_examples=100, deadline=None)
@given(rows=random_payments())
def test_the_longest_chain_that_begins_with_each_payment(rows):
    _, edges = graph(*rows)
    payments = as_list(edges)
    pairs = follows(payments, 2 * DAY)

    def longest(edge):
        return 1 + max((longest(j) for i, j in pairs if i == edge), default=0)

    followers = find_followers(edges, horizon=2 * DAY, low=LOW, high=HIGH)
    assert chain_lengths(followers, 99).tolist() == [longest(edge) for edge in range(len(payments))]
    assert chain_lengths(followers, 3).tolist() == [min(3, longest(edge)) for edge in range(len(payments))]


@settings(max_examples=150, deadline=None)
@given(rows=random_payments(people=5), longest=st.integers(3, 5), threads=st.integers(1, 3))
def test_all_cycles_are_found_once(rows, longest, threads):
    _, edges = graph(*rows)
    followers = find_followers(edges, horizon=4 * DAY, low=LOW, high=HIGH)
    cycles = find_cycles(edges, followers, span=6 * DAY, longest=longest, threads=threads)
    found = [
        tuple(cycles.payments[begin:end].tolist())
        for begin, end in zip(cycles.offsets[:-1], cycles.offsets[1:], strict=True)
    ]
    payments = as_list(edges)
    assert sorted(found) == rings(payments, follows(payments, 4 * DAY), 6 * DAY, longest)


def test_a_planted_cycle_is_told_from_its_first_payment():
    ledger, edges = graph(
        pay("C", "D", 2, 810),
        pay("A", "B", 0),
        pay("D", "A", 3, 729),
        pay("B", "C", 1, 900),
        pay("B", "X", 1, 50),
    )
    followers = find_followers(edges, horizon=14 * DAY, low=LOW, high=HIGH)
    cycles = find_cycles(edges, followers, span=14 * DAY, longest=6)
    assert names_of(ledger, edges.senders[cycles.payments]) == ["A", "B", "C", "D"]


def test_a_search_that_ends_at_its_budget_says_so():
    rows = (
        [pay("A", f"B{n}", 0) for n in range(3)]
        + [pay(f"B{n}", "C", 1) for n in range(3)]
        + [pay("C", "A", 2)]
    )
    _, edges = graph(*rows)
    followers = find_followers(edges, horizon=7 * DAY, low=LOW, high=HIGH)
    assert find_cycles(edges, followers, span=14 * DAY, longest=6, steps=1).cut > 0
    all_of_them = find_cycles(edges, followers, span=14 * DAY, longest=6)
    assert (all_of_them.count, all_of_them.cut) == (3, 0)


def meetings(payments, pairs, width, least):
    """(source, end) -> most intermediaries of a window, at least `least`."""
    most = {}
    for source, end in {(payments[i][0], payments[j][1]) for i, j in pairs}:
        mine = [
            (payments[i][2], payments[i][1])
            for i, j in pairs
            if (payments[i][0], payments[j][1]) == (source, end)
        ]
        count = max(len({who for t, who in mine if now - width < t <= now}) for now, _ in mine)
        if count >= least:
            most[source, end] = count
    return most


@settings(max_examples=150, deadline=None)
@given(rows=random_payments(people=5, most=40), least=st.integers(2, 3), threads=st.integers(1, 3))
def test_money_that_scatters_and_meets_again(rows, least, threads):
    _, edges = graph(*rows)
    followers = find_followers(edges, horizon=4 * DAY, low=0.6, high=HIGH)
    scatters = find_scatters(edges, followers, width=3 * DAY, least=least, threads=threads)
    found = {}
    for find in range(scatters.count):
        pairs = slice(scatters.offsets[find], scatters.offsets[find + 1])
        into, onward = scatters.into[pairs], scatters.onward[pairs]
        assert (edges.receivers[into] == edges.senders[onward]).all()
        assert np.ptp(edges.instants[into]) < 3 * DAY
        (source,), (end,) = set(edges.senders[into].tolist()), set(edges.receivers[onward].tolist())
        found[source, end] = len(set(edges.receivers[into].tolist()))
    payments = as_list(edges)
    assert found == meetings(payments, follows(payments, 4 * DAY, low=0.6), 3 * DAY, least)


def fan_slowly(payments, since, node, incoming, width, new_within):
    """One (first, last, partners, money, money of the largest, partners with one value) per window end."""
    me, other, value = (1, 0, 4) if incoming else (0, 1, 3)
    mine = [
        p for p, first in zip(payments, since, strict=True) if p[me] == node and p[2] - first <= new_within
    ]
    told = []
    for now in sorted({p[2] for p in mine}):
        window = [p for p in mine if now - width < p[2] <= now]
        sums = {}
        for p in window:
            sums[p[other]] = sums.get(p[other], 0) + p[value]
        alike = max(len({p[other] for p in window if p[value] == v[value]}) for v in window)
        told.append(
            (min(p[2] for p in window), now, len(sums), sum(sums.values()), max(sums.values()), alike)
        )
    return told


@settings(max_examples=150, deadline=None)
@given(
    rows=random_payments(), incoming=st.booleans(), new=st.sampled_from([0, 2, 90]), threads=st.integers(1, 3)
)
def test_windows_of_fans(rows, incoming, new, threads):
    _, edges = graph(*rows)
    fans = find_fans(
        edges, incoming=incoming, width=2 * DAY, new_within=new * DAY, least=2, top_share=0.6, threads=threads
    )
    payments, since, expected = as_list(edges), edges.since.tolist(), []
    for node in range(edges.node_count):
        slow = fan_slowly(payments, since, node, incoming, 2 * DAY, new * DAY)
        peaks = [max((window[column] for window in slow), default=0) for column in (2, 3, 5)]
        assert fans.peaks[:, node].tolist() == peaks
        expected += [(node, *w[:5]) for w in slow if w[2] >= 2 and w[4] <= 0.6 * w[3] * (1 + 1e-9)]
    assert list(zip(*fans.found.tolist(), strict=True)) == expected


def gathers_slowly(payments, since, node, width, after):
    """One (last instant in, payers, beneficiaries, gathered, scattered) per instant of a payment in."""
    new = [p for p, first in zip(payments, since, strict=True) if p[2] - first <= 90 * DAY]
    for now in sorted({p[2] for p in payments if p[1] == node}):
        ins = [p for p in new if p[1] == node and now - width < p[2] <= now]
        outs = [p for p in new if p[0] == node and now < p[2] <= now + after]
        payers, paid = {p[0] for p in ins}, {p[1] for p in outs}
        yield len(payers - paid), len(paid - payers), sum(p[4] for p in ins), sum(p[3] for p in outs)


@settings(max_examples=200, deadline=None)
@given(rows=random_payments(people=8, most=60), threads=st.integers(1, 3), after=st.integers(1, 4))
def test_windows_of_gathering_and_scattering(rows, threads, after):
    _, edges = graph(*rows)
    gathers = find_gathers(
        edges,
        width=3 * DAY,
        after=after * DAY,
        new_within=90 * DAY,
        low=0.5,
        high=1.5,
        least=2,
        threads=threads,
    )
    payments, since, expected = as_list(edges), edges.since.tolist(), []
    for node in range(edges.node_count):
        slow = list(gathers_slowly(payments, since, node, 3 * DAY, after * DAY))
        met = [w for w in slow if min(w[:2]) >= 2 and 0.5 * w[2] <= w[3] <= 1.5 * w[2]]
        assert gathers.peaks[0, node] == (
            max((min(w[:2]) for w in slow), default=0) if any(w[3] for w in slow) else 0
        )
        assert gathers.peaks[1, node] == max((min(w[2:]) for w in met), default=0)
        expected += [(node, *w) for w in met]
    assert list(zip(*gathers.found[[0, 3, 4, 5, 6]].tolist(), strict=True)) == expected
