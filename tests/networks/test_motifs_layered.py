"""Layered fans are what their definition says, compared with a slow readable form."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from finpat.networks.motifs_layered import find_layered_fans
from tests.networks.support import DAY, as_list, graph, pay, random_payments


def layered_slowly(payments, since, incoming, width, new, fan, least, low, high, part):
    """(root, first, last, persons in the middle, money) of every window, and (root, payment) of all."""
    me, root, money = (0, 1, 4) if incoming else (1, 0, 3)
    sign = 1 if incoming else -1
    fans = {}

    def together(place):
        """Places of the payments of the same two that lie less than a width before (with the root)."""
        p = payments[place]
        return [
            i
            for i, q in enumerate(payments)
            if q[me] == p[me] and q[root] == p[root] and 0 <= sign * (p[2] - q[2]) < width
        ]

    def goes_on(place, outer):
        """Whether what the middle moves with the root is in proportion to its fan's money."""
        own = sum(payments[i][3 if incoming else 4] for i in together(place))
        fans_money = sum(payments[i][4 if incoming else 3] for i in outer)
        came, went = (fans_money, own) if incoming else (own, fans_money)
        return low * came <= went <= high * came

    outers = {}
    for place, p in enumerate(payments):
        outer = [
            i
            for i, q in enumerate(payments)
            if q[root] == p[me]
            and q[me] != p[root]
            and q[2] - since[i] <= new
            and 0 < sign * (p[2] - q[2]) < width
        ]
        outers[place] = outer
    for place, outer in outers.items():
        if len({payments[i][me] for i in outer}) >= fan and goes_on(place, outer):
            fans |= {i: outers[i] for i in together(place)}
    windows, rows = [], set()
    for who, now in sorted({(payments[i][root], payments[i][2]) for i in fans}):
        mine = [i for i in fans if payments[i][root] == who and now - width < payments[i][2] <= now]
        everything = sum(q[money] for q in payments if q[root] == who and now - width < q[2] <= now)
        if len({payments[i][me] for i in mine}) < least:
            continue
        if sum(payments[i][money] for i in mine) < part * everything:
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
    bounds=st.sampled_from([(0, 1e9, 0), (0.5, 1.5, 0), (0, 2, 0.75), (0.25, 1e9, 0.5)]),
    threads=st.integers(1, 3),
)
def test_layered_fans_are_those_that_looking_at_every_payment_finds(rows, incoming, new, bounds, threads):
    _, edges = graph(*rows)
    low, high, part = bounds
    fans = find_layered_fans(
        edges, incoming=incoming, width=4 * DAY, new_within=new * DAY, fan=2, least=2, low=low, high=high,
        part=part, threads=threads,
    )  # fmt: skip
    windows, members = layered_slowly(
        as_list(edges), edges.since.tolist(), incoming, 4 * DAY, new * DAY, 2, 2, low, high, part
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
    fans = find_layered_fans(
        edges, incoming=incoming, width=7 * DAY, new_within=90 * DAY, fan=3, least=3, low=0, high=99, part=0
    )
    assert fans.payments.size == len(rows)
    assert fans.windows[3].max() == 40
