"""Persons who pay the same rare payees, compared with a slow readable form on small graphs."""

from math import log, sqrt

from hypothesis import given, settings
from hypothesis import strategies as st

from finpat.networks.motifs_shared import find_copayers
from tests.networks.support import DAY, as_list, graph, pay, random_payments


def slowly(payments, width, least, rare, alike):
    """(person, instant, other, first instant, shared payees) of every pair."""
    everybody = len({p[0] for p in payments})

    def payers(payee, now):
        last = max(p[2] for p in payments if p[1] == payee and p[2] <= now)
        return len({p[0] for p in payments if p[1] == payee and last - width < p[2] <= last})

    for node, now in sorted({(p[0], p[2]) for p in payments}):
        window = [p for p in payments if now - width < p[2] <= now]
        paid = {a: {p[1] for p in window if p[0] == a} for a in {p[0] for p in window}}
        weight = {b: log(1 + everybody / payers(b, now)) ** 2 for b in {p[1] for p in window}}
        few = {b for b in weight if 2 <= payers(b, now) <= rare}
        if not any(p[0] == node and p[2] == now and p[1] in few for p in window):
            continue
        for other in sorted(paid):
            shared = paid[node] & paid[other] & few
            if other == node or len(shared) < least or other in paid[node]:
                continue
            length = sqrt(sum(weight[b] for b in paid[node]) * sum(weight[b] for b in paid[other]))
            if sum(weight[b] for b in paid[node] & paid[other]) / length >= alike * (1 - 1e-9):
                first = min(p[2] for p in window if p[0] in (node, other) and p[1] in shared)
                yield node, now, other, first, len(shared)


@settings(max_examples=100, deadline=None)
@given(rows=random_payments(people=8, most=60), rare=st.integers(2, 4), threads=st.integers(1, 3))
def test_pairs_are_those_that_comparing_everybody_finds(rows, rare, threads):
    _, edges = graph(*rows)
    found, cut = find_copayers(edges, width=4 * DAY, least=2, rare=rare, alike=0.5, threads=threads)
    payments = as_list(edges)
    told = [
        (payments[edge][0], payments[edge][2], other, first, count)
        for edge, other, first, count, _ in zip(*found.tolist(), strict=True)
    ]
    assert sorted(told) == sorted(slowly(payments, 4 * DAY, 2, rare, 0.5))
    assert cut == 0


def test_a_busy_payee_ends_the_search_and_that_is_said():
    _, edges = graph(*[pay(f"P{n % 3}", f"Q{n % 4}", n / 100) for n in range(300)])
    assert find_copayers(edges, width=9 * DAY, least=3, rare=20, alike=0.5, steps=10)[1] > 0
