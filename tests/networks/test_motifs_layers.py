"""Blocks, stacks and layered fans are what their definitions say, compared with slow readable forms."""

from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from finpat.networks.motifs_layers import find_blocks, find_layered_fans
from tests.networks.support import DAY, as_list, graph, pay, random_payments

BLOCK = {"width": 3 * DAY, "new_within": 2 * DAY, "payers": 2, "payees": 3, "density": 0.8}


def newly(payments, since, low, high, new):
    """(payer, payee) -> places of their new payments in (low, high]."""
    told = {}
    for place, (p, first) in enumerate(zip(payments, since, strict=True)):
        if low < p[2] <= high and p[2] - first <= new:
            told.setdefault((p[0], p[1]), []).append(place)
    return told


def blocks_slowly(pairs, payers, payees, density, of=None, without=frozenset()):
    """(payers, payees, pairs that pay) of every smallest block."""
    ins = sorted({a for a, _ in pairs}) if of is None else sorted(of)
    outs = sorted({b for _, b in pairs} - without)
    for sources in combinations(ins, payers):
        reached = [b for b in outs if b not in sources and any((a, b) in pairs for a in sources)]
        for sinks in combinations(reached, payees):
            present = sum((a, b) in pairs for a in sources for b in sinks)
            if present >= density * payers * payees - 1e-9:
                yield sources, sinks, present


def told_together(found):
    """Payers, payees and the densest of blocks."""
    return {a for s, _, _ in found for a in s}, {b for _, t, _ in found for b in t}, max(n for *_, n in found)


def ending(payments, since, width, new, payers, payees, density):
    """For each person and instant of a new payment: the blocks in the window that it is a payer of."""
    moments = {(p[0], p[2]) for p, first in zip(payments, since, strict=True) if p[2] - first <= new}
    for node, now in sorted(moments):
        pairs = newly(payments, since, now - width, now, new)
        found = [b for b in blocks_slowly(pairs, payers, payees, density) if node in b[0]]
        if found:
            yield node, now, pairs, found


@settings(max_examples=120, deadline=None)
@given(
    rows=random_payments(people=7, most=45),
    density=st.sampled_from([0.8, 1.0]),
    payers=st.integers(2, 3),
    payees=st.integers(2, 3),
    threads=st.integers(1, 3),
)
def test_blocks_are_those_that_going_through_all_sets_finds(rows, density, payers, payees, threads):
    _, edges = graph(*rows)
    options = BLOCK | {"density": density, "payers": payers, "payees": payees}
    found = find_blocks(edges, **options, threads=threads)
    payments, since = as_list(edges), edges.since.tolist()
    expected, inside = [], set()
    for node, now, pairs, blocks in ending(payments, since, 3 * DAY, 2 * DAY, payers, payees, density):
        ins, outs, best = told_together(blocks)
        places = [place for (a, b), some in pairs.items() if a in ins and b in outs for place in some]
        inside |= {(node, place) for place in places}
        expected.append((node, now, min(payments[i][2] for i in places), len(ins), len(outs), best))
    told = zip(
        edges.senders[found.ends].tolist(),
        found.stops.tolist(),
        found.starts.tolist(),
        found.payers.tolist(),
        found.payees.tolist(),
        found.present.tolist(),
        strict=True,
    )
    assert sorted(told) == expected
    assert sorted(zip(found.payer.tolist(), found.payments.tolist(), strict=True)) == sorted(inside)
    assert found.cut == 0


@settings(max_examples=120, deadline=None)
@given(rows=random_payments(people=8, most=60), threads=st.integers(1, 3))
def test_stacks_are_blocks_whose_payees_pay_a_later_block(rows, threads):
    _, edges = graph(*rows)
    options = BLOCK | {"payees": 2, "density": 0.8, "new_within": 90 * DAY}
    found = find_blocks(edges, **options, after=4 * DAY, threads=threads)
    payments, since = as_list(edges), edges.since.tolist()
    expected, inside = [], set()
    for node, now, pairs, blocks in ending(payments, since, 3 * DAY, 90 * DAY, 2, 2, 0.8):
        ins, outs, _ = told_together(blocks)
        after = newly(payments, since, now, now + 4 * DAY, 90 * DAY)
        second = list(blocks_slowly(after, 2, 2, 0.8, of=outs, without=ins))
        if not second:
            continue
        middle, ends, best = told_together(second)
        places = [i for (a, b), some in pairs.items() if a in ins and b in outs for i in some]
        later = [i for (a, b), some in after.items() if a in middle and b in ends for i in some]
        inside |= {(node, place) for place in (*places, *later)}
        expected.append(
            (
                node,
                min(payments[i][2] for i in places),
                max(payments[i][2] for i in later),
                len(ins),
                len(middle),
                len(ends),
                best,
            )
        )
    columns = (
        edges.senders[found.ends],
        found.starts,
        found.stops,
        found.payers,
        found.middle,
        found.payees,
        found.present,
    )
    assert sorted(zip(*(column.tolist() for column in columns), strict=True)) == sorted(expected)
    assert sorted(zip(found.payer.tolist(), found.payments.tolist(), strict=True)) == sorted(inside)


def test_a_search_for_blocks_that_ends_at_its_budget_says_so():
    rows = [pay(f"P{a}", f"Q{b}", (a * 9 + b) / 100) for a in range(9) for b in range(9)]
    _, edges = graph(pay("S", "T", -90), *rows)
    options = BLOCK | {"new_within": 90 * DAY}
    assert find_blocks(edges, **options).cut == 0
    assert find_blocks(edges, **options, steps=20).cut > 0


def test_everybody_paying_everybody_stays_within_the_budget():
    rows = [pay(f"P{a}", f"Q{b}", (a * 70 + b) / 2_000) for a in range(70) for b in range(70)]
    _, edges = graph(pay("S", "T", -90), *rows)
    found = find_blocks(edges, **BLOCK | {"new_within": 90 * DAY}, after=3 * DAY, steps=2_000)
    assert found.cut > 0
    assert found.ends.size == 0


def layered_slowly(payments, since, incoming, width, new, fan, least):
    """(root, first, last, persons in the middle, money) of every window, and (root, payment) of all."""
    me, root, money = (0, 1, 4) if incoming else (1, 0, 3)
    sign = 1 if incoming else -1
    fans = {}
    for place, p in enumerate(payments):
        outer = [
            i
            for i, q in enumerate(payments)
            if q[root] == p[me]
            and q[me] != p[root]
            and q[2] - since[i] <= new
            and 0 < sign * (p[2] - q[2]) < width
        ]
        if len({payments[i][me] for i in outer}) >= fan:
            fans[place] = outer
    windows, rows = [], set()
    for who, now in sorted({(payments[i][root], payments[i][2]) for i in fans}):
        mine = [i for i in fans if payments[i][root] == who and now - width < payments[i][2] <= now]
        if len({payments[i][me] for i in mine}) < least:
            continue
        every = set(mine) | {j for i in mine for j in fans[i]}
        rows |= {(who, i) for i in every}
        at = [payments[i][2] for i in every]
        windows.append(
            (
                who,
                min(at),
                max(at),
                len({payments[i][me] for i in mine}),
                sum(payments[i][money] for i in mine),
            )
        )
    return windows, rows


@settings(max_examples=150, deadline=None)
@given(
    rows=random_payments(people=8, most=60),
    incoming=st.booleans(),
    new=st.sampled_from([2, 90]),
    threads=st.integers(1, 3),
)
def test_layered_fans_are_those_that_looking_at_every_payment_finds(rows, incoming, new, threads):
    _, edges = graph(*rows)
    fans = find_layered_fans(
        edges, incoming=incoming, width=4 * DAY, new_within=new * DAY, fan=2, least=2, threads=threads
    )
    windows, members = layered_slowly(
        as_list(edges), edges.since.tolist(), incoming, 4 * DAY, new * DAY, 2, 2
    )
    assert sorted(zip(*fans.windows.tolist(), strict=True)) == sorted(windows)
    assert set(zip(fans.roots.tolist(), fans.payments.tolist(), strict=True)) == members
    assert len(members) == fans.payments.size


@pytest.mark.parametrize("incoming", [True, False])
def test_a_hub_of_layers_is_told_with_each_payment_once(incoming):
    rows = [pay(f"P{a}", f"C{c}", (a + c) / 100) for a in range(40) for c in range(40)]
    rows += [pay(f"C{c}", "R", 1 + n / 10) for c in range(40) for n in range(10)]
    if not incoming:
        rows = [{**pay(r["counterparty_id"], r["account_id"], 0), "booked_at": r["booked_at"]} for r in rows]
        latest = max(r["booked_at"] for r in rows)
        rows = [{**r, "booked_at": rows[0]["booked_at"] + (latest - r["booked_at"])} for r in rows]
    _, edges = graph(pay("S", "T", -60), *rows)
    fans = find_layered_fans(edges, incoming=incoming, width=7 * DAY, new_within=90 * DAY, fan=3, least=3)
    assert fans.payments.size == len(rows)
    assert fans.windows[3].max() == 40
