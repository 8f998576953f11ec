"""Networks: what ties accounts, how common a value may be, and names that stay."""

from datetime import timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from finpat.ledger import build_ledger
from finpat.networks.networks import MOST_ACCOUNTS, build_networks
from tests.factory import START, at, ledger, payments


def pay(one, two, day, amount=100, **changes):
    return {
        "account_id": one, "counterparty_id": two, "direction": "debit", "mirrored": True,
        "booked_at": at(day), "amount_minor": amount * 100, **changes,
    }  # fmt: skip


def use(account, day=0, **changes):
    return pay(account, f"shop of {account}", day, **{"mirrored": False, "channel": "card", **changes})


def groups(data):
    """Members of each network, by account id."""
    made = build_networks(data)
    names = data.accounts["account_id"]
    members = made.members.with_columns(account_id=names.gather(made.members["account"]))
    return sorted(sorted(part["account_id"]) for _, part in members.group_by("network_id"))


def accounts(**people):
    return pl.DataFrame([{"account_id": name, **values} for name, values in people.items()])


THREE = [pay("A", "B", day) for day in (0, 10, 20)]


def test_three_payments_that_are_all_one_sends_and_receives_tie():
    made = build_networks(ledger(*THREE))
    (edge,) = made.edges.rows(named=True)
    assert (edge["kind"], edge["weight"], edge["count"], edge["amount_minor"]) == ("payment", 1.0, 3, 300_00)
    assert (edge["first_at"], edge["last_at"], edge["rows"]) == (at(0), at(20), [0, 1, 2])
    assert made.networks.select("kind", "member_count", "person_count").rows() == [("payment", 2, 2)]


@pytest.mark.parametrize(
    ("why", "rows"),
    [
        ("two payments", THREE[:2]),
        ("spread over more than 90 days", [pay("A", "B", day) for day in (0, 45, 90)]),
        ("by card", [{**row, "channel": "card"} for row in THREE]),
        ("one failed", [*THREE[:2], {**THREE[2], "status": "failed"}]),
        ("one was declined", [*THREE[:2], {**THREE[2], "status": "Declined"}]),
        ("a small share of what both do",
         [*THREE, pay("A", "X", 5, 900, mirrored=False), pay("Y", "B", 5, 900), use("Y")]),
        ("the payee is not held here", [{**row, "mirrored": False} for row in THREE]),
    ],
)  # fmt: skip
def test_no_payment_tie(why, rows):
    assert groups(ledger(*rows, use("A"), use("B"))) == [], why


@pytest.mark.parametrize("contact", [
    {"phone": "+44 20 7946 0018"}, {"email": "One@Example.com "}, {"address": "12 Mill Lane"},
])  # fmt: skip
def test_a_rare_contact_ties(contact):
    people = accounts(A=contact, B=contact, C={})
    assert groups(ledger(use("A"), use("B"), use("C"), accounts=people)) == [["A", "B"]]


def test_a_rare_device_ties_with_its_rows_as_evidence():
    data = ledger(use("A", device_id="D"), use("B", 1, device_id="D"), use("C", device_id="E"))
    made = build_networks(data)
    (edge,) = made.edges.rows(named=True)
    assert (edge["kind"], edge["shared_by"], edge["count"], edge["rows"]) == ("device", 2, 2, [0, 1])


def test_the_more_share_a_value_the_less_it_weighs_and_hubs_tie_nobody():
    def shared_by(count):
        people = accounts(**{f"P{n:02}": {"phone": "+442079460018"} for n in range(count)})
        return build_networks(ledger(*(use(f"P{n:02}") for n in range(count)), accounts=people)).edges[
            "weight"
        ]

    assert set(shared_by(2)) == {1.0}
    assert set(shared_by(5)) == {0.25}
    assert shared_by(10).len() == 45
    assert shared_by(11).is_empty()


def test_accounts_of_one_holder_alone_are_no_network_but_come_along():
    people = accounts(A={"holder_id": "h"}, C={"holder_id": "h"}, B={"holder_id": "b"})
    assert groups(ledger(use("A"), use("C"), accounts=people)) == []
    assert groups(ledger(*THREE, use("C"), accounts=people)) == [["A", "B", "C"]]


def test_accounts_of_one_holder_that_join_later_do_not_rename_a_network():
    people = accounts(P={"holder_id": "h"}, Q={"holder_id": "h"})
    rows = [use("P", -9), use("Q", -9), *THREE]
    before = build_networks(ledger(*rows, accounts=people))
    after = build_networks(ledger(*rows, *(pay("P", "A", day) for day in (30, 40, 50)), accounts=people))
    assert before.networks["network_id"].to_list() == after.networks["network_id"].to_list()
    assert after.networks["member_count"].to_list() == [4]


def chain(count):
    return [
        row
        for n in range(count)
        for row in (pay(f"P{n:03}", f"P{n + 1:03}", n / 10 + day) for day in (0, 10, 20))
    ]


def test_a_tie_that_would_make_a_network_too_large_is_cut():
    made = build_networks(ledger(*chain(MOST_ACCOUNTS + 9)))
    assert made.networks["member_count"].max() <= MOST_ACCOUNTS
    assert made.bridges >= 1


parties = st.sampled_from("ABCDEFGH")
drafts = st.lists(st.tuples(parties, parties, st.integers(0, 120), st.integers(1, 9)), max_size=60)


def rows_of(drafted):
    return [
        pay(one, two, day, amount) | {"row_key": number}
        for number, (one, two, day, amount) in enumerate(drafted)
        if one != two
    ]


@settings(deadline=None, max_examples=60)
@given(drafts, st.integers(0, 120))
def test_later_rows_never_rename_a_network_unless_two_merge(drafted, until):
    rows = rows_of(drafted)
    early = [row for row in rows if row["booked_at"] <= START + timedelta(days=until)]
    if not early:
        return
    before, after = (_named_members(build_ledger(payments(*some))) for some in (early, rows))
    where = {account: name for name, members in after.items() for account in members}
    for name, members in before.items():
        (now,) = {where[account] for account in members}
        assert now == name or (now in before and before[now] <= set(after[now]))


def _named_members(data):
    made = build_networks(data)
    names = data.accounts["account_id"]
    members = made.members.with_columns(account_id=names.gather(made.members["account"]))
    return {key[0]: set(part["account_id"]) for key, part in members.group_by("network_id")}


@settings(deadline=None, max_examples=40)
@given(drafts, st.randoms())
def test_the_order_of_rows_changes_no_network(drafted, random):
    rows = rows_of(drafted)
    if not rows:
        return
    shuffled = random.sample(rows, len(rows))
    first, second = (build_networks(build_ledger(payments(*some))) for some in (rows, shuffled))
    assert first.networks.equals(second.networks)
    assert first.members.equals(second.members)
    assert first.edges.drop("rows").equals(second.edges.drop("rows"))
