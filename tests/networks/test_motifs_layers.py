"""Blocks and stacks are what their definitions say, compared with slow readable forms."""

import math
from itertools import combinations

from hypothesis import given, settings
from hypothesis import strategies as st

from finpat.networks.motifs_layers import find_blocks
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


def by_chance(mean, count):
    """Chance of `count` or more of a Poisson variable."""
    return 1 - sum(math.exp(-mean) * mean**k / math.factorial(k) for k in range(count))


def unlikely(pairs, node, most):
    """`pairs` without those of payers who share as many payees with `node` as chance lets `most` do."""
    reached = {b for a, b in pairs if a == node}
    others = sum(b in reached for a, b in pairs if a != node)
    payers = {a for a, _ in pairs}

    def expected(payer):
        own = {b for a, b in pairs if a == payer}
        mean = others * len(own) / max(len(pairs) - len(reached), 1)
        return len(payers) * by_chance(mean, len(own & reached))

    kept = {payer for payer in payers if payer == node or expected(payer) <= most}
    return {pair: places for pair, places in pairs.items() if pair[0] in kept}


def ending(payments, since, width, new, payers, payees, density, chance=math.inf):
    """For each person and instant of a new payment: the blocks in the window that it is a payer of."""
    moments = {(p[0], p[2]) for p, first in zip(payments, since, strict=True) if p[2] - first <= new}
    for node, now in sorted(moments):
        pairs = unlikely(newly(payments, since, now - width, now, new), node, chance)
        found = [b for b in blocks_slowly(pairs, payers, payees, density) if node in b[0]]
        if found:
            yield node, now, pairs, found


@settings(max_examples=200, deadline=None)
@given(
    rows=random_payments(people=7, most=45),
    density=st.sampled_from([0.8, 1.0]),
    payers=st.integers(2, 3),
    payees=st.integers(2, 3),
    chance=st.sampled_from([0.4, 1.0, 2.0, math.inf]),
    threads=st.integers(1, 3),
)
def test_blocks_are_those_that_going_through_all_sets_finds(rows, density, payers, payees, chance, threads):
    _, edges = graph(*rows)
    options = BLOCK | {"density": density, "payers": payers, "payees": payees, "chance": chance}
    found = find_blocks(edges, **options, threads=threads)
    payments, since = as_list(edges), edges.since.tolist()
    expected, inside = [], set()
    for node, now, pairs, blocks in ending(
        payments, since, 3 * DAY, 2 * DAY, payers, payees, density, chance
    ):
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
