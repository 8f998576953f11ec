"""Rings are what their definition says, compared with a slow readable form."""

from itertools import combinations

from hypothesis import given, settings
from hypothesis import strategies as st

from finpat.networks.motifs import find_followers
from finpat.networks.motifs_rings import find_rings
from tests.networks.support import DAY, as_list, graph, pay, random_payments

WIDTH = 8 * DAY


def among(payments, places, people):
    """Places of the payments between two of `people`."""
    return [i for i in places if {payments[i][0], payments[i][1]} <= set(people)]


def tied_pairs(payments, places, tie):
    """(one, other) -> share of the money of `one` that the two exchange, where both shares reach `tie`."""
    money, pair = {}, {}
    for i in places:
        sender, receiver, _, sent, received = payments[i]
        for one, other, value in ((sender, receiver, sent), (receiver, sender, received)):
            money[one] = money.get(one, 0) + value
            pair[one, other] = pair.get((one, other), 0) + value
    share = {(one, other): value / money[one] for (one, other), value in pair.items()}
    return {
        (one, other): own for (one, other), own in share.items() if min(own, share[other, one]) >= tie - 1e-9
    }


def settled(payments, places, ties, people, inside):
    """Whether everybody of `people` moves enough along ties with the others, pays some and is paid."""
    for one in people:
        tied = {other for other in people if (one, other) in ties}
        if sum(ties[one, other] for other in tied) < inside - 1e-9:
            return False
        if not any(payments[i][0] == one and payments[i][1] in tied for i in places):
            return False
        if not any(payments[i][1] == one and payments[i][0] in tied for i in places):
            return False
    return True


def pieces(people, ties):
    """The connected sets of `people`."""
    left = set(people)
    while left:
        piece, edge = set(), {min(left)}
        while edge:
            piece |= edge
            edge = {b for a in edge for b in left - piece if (a, b) in ties}
        left -= piece
        yield sorted(piece)


def rings_slowly(payments, follows, *, tie, inside, passed, least, most):
    """(members, least share inside, share passed on, payments) of every ring of every window."""
    half = WIDTH // 2
    ends = {-(-p[2] // half) + later for p in payments for later in (0, 1)}
    for end in sorted(ends):
        places = [i for i, p in enumerate(payments) if end * half - WIDTH < p[2] <= end * half]
        ties = tied_pairs(payments, places, tie)
        everybody = sorted({payments[i][side] for i in places for side in (0, 1)})
        # All sets that are settled, together: of two such sets the union is settled as well.
        stays = set()
        for size in range(2, len(everybody) + 1):
            for people in combinations(everybody, size):
                if settled(payments, places, ties, people, inside):
                    stays |= set(people)
        for people in pieces(stays, ties):
            if not least <= len(people) <= most:
                continue
            own = [i for i in among(payments, places, people) if payments[i][:2] in ties]
            shares = []
            for one in people:
                got = [i for i in own if payments[i][1] == one]
                gone = [i for i in got if any((i, j) in follows for j in own)]
                shares.append(sum(payments[i][4] for i in gone) / sum(payments[i][4] for i in got))
            if sum(shares) / len(shares) >= passed - 1e-9:
                lowest = min(sum(ties.get((a, b), 0) for b in people) for a in people)
                yield len(people), round(lowest, 9), round(sum(shares) / len(shares), 9), tuple(own)


@settings(max_examples=150, deadline=None)
@given(
    rows=random_payments(people=7, most=24),
    tie=st.sampled_from([0.1, 0.3]),
    inside=st.sampled_from([0.4, 0.7, 1.0]),
    passed=st.sampled_from([0.0, 0.3]),
    most=st.sampled_from([4, 30]),
)
def test_rings_are_those_that_going_through_all_sets_finds(rows, tie, inside, passed, most):
    _, edges = graph(*rows)
    followers = find_followers(edges, horizon=3 * DAY, low=0.7, high=1.02)
    options = {"tie": tie, "inside": inside, "passed": passed, "least": 3, "most": most}
    found = find_rings(edges, followers, width=WIDTH, **options)
    payments = as_list(edges)
    follows = {
        (i, j)
        for i in range(followers.edge_count)
        for j in followers.payments[followers.offsets[i] : followers.offsets[i + 1]].tolist()
    }
    told = [
        (
            int(found.members[n]),
            round(float(found.inside[n]), 9),
            round(float(found.passed[n]), 9),
            tuple(found.payments[found.offsets[n] : found.offsets[n + 1]].tolist()),
        )
        for n in range(found.count)
    ]
    assert sorted(told) == sorted(rings_slowly(payments, follows, **options))


def test_no_payments_make_no_ring():
    _, edges = graph(pay("A", "A", 0))
    assert (
        find_rings(
            edges,
            find_followers(edges, horizon=DAY, low=0.7, high=1),
            width=WIDTH,
            tie=0.1,
            inside=0.7,
            passed=0,
        ).count
        == 0
    )
