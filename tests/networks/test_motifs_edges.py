"""The graph: each payment between two persons once, whoever's statement tells of it."""

from datetime import date

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from finpat.ledger import build_ledger
from finpat.networks.motifs_edges import LONG_AGO, build_edges
from finpat.rates import Rates
from tests import factory
from tests.factory import at
from tests.networks.support import as_list, graph, pay, random_payments, told


def test_a_row_of_both_sides_is_one_payment():
    assert told(*graph(pay("A", "B", 0))) == [("A", "B", 1_000, 1_000)]


def test_a_credit_from_somebody_not_held_is_a_payment_of_theirs():
    row = {"account_id": "A", "counterparty_id": "X", "direction": "credit", "amount_minor": 500}
    ledger, edges = graph(row)
    assert told(ledger, edges) == [("X", "A", 5, 5)]
    assert [bool(edges.is_held[code]) for code in range(2)] == [True, False]


def statements(day: float = 0, **change):
    """One payment from A to B as each of the two statements tells it."""
    debit = {**pay("A", "B", 0), "mirrored": False}
    credit = {**debit, "account_id": "B", "counterparty_id": "A", "direction": "credit", "booked_at": at(day)}
    return debit, {**credit, **change}


@pytest.mark.parametrize("day", [0, 2, 3, -3])
def test_two_statements_of_one_payment_are_one_payment(day):
    ledger, edges = graph(*statements(day))
    assert told(ledger, edges) == [("A", "B", 1_000, 1_000)]
    assert (edges.rows.tolist(), edges.second_rows.tolist()) == ([0], [1])
    assert edges.left_out.twice == 1


@pytest.mark.parametrize(
    ("why", "rows"),
    [
        ("too far apart", statements(3.01)),
        ("other amounts", statements(amount_minor=99_999)),
        ("other currencies", statements(currency="EUR")),
        ("the other way", statements(direction="debit")),
    ],
)
def test_two_payments_stay_two(why, rows):
    assert len(graph(*rows)[1].rows) == 2, why


def test_of_two_payments_and_three_statements_none_is_lost_and_one_is_told_once():
    debit, credit = statements(1)
    assert len(graph(debit, {**debit, "booked_at": at(0.5)}, credit)[1].rows) == 2


@pytest.mark.parametrize(
    ("counted", "row"),
    [
        ("unknown", pay("A", "B", 1, counterparty_id=None, mirrored=False)),
        ("unknown", pay("A", "CASH", 1, mirrored=False)),
        ("impersonal", pay("A", "B", 1, channel="card")),
        ("impersonal", pay("A", "B", 1, channel="cash")),
        ("impersonal", pay("A", "B", 1, channel="fee")),
        ("own", pay("A", "A", 1)),
    ],
)
def test_what_is_no_payment_between_persons_is_left_out_and_counted(counted, row):
    _, edges = graph(pay("A", "B", 0), row)
    assert len(edges.rows) == 1
    assert getattr(edges.left_out, counted) == 1


def test_accounts_of_one_holder_are_one_person_and_money_between_them_has_not_moved():
    holders = pl.DataFrame({"account_id": ["A", "B", "C"], "holder_id": ["h", "h", None]})
    ledger = factory.ledger(pay("A", "B", 0), pay("B", "C", 1), pay("A", "C", 2), accounts=holders)
    edges = build_edges(ledger)
    assert told(ledger, edges) == [("A", "C", 1_000, 1_000)] * 2
    assert edges.left_out.own == 1
    assert edges.instants.tolist() == sorted(edges.instants.tolist())


def test_a_leg_that_did_not_take_effect_is_left_out():
    ledger = factory.ledger(pay("A", "B", 0), pay("A", "C", 1))
    kept = (ledger.legs["booked_at"] == at(0)).to_numpy()
    assert told(ledger, build_edges(ledger, kept=kept)) == [("A", "B", 1_000, 1_000)]


def test_hubs_are_left_out_with_their_payments_and_counted():
    rows = [pay(f"P{number}", "HUB", number) for number in range(4)] + [pay("P0", "P1", 9)]
    assert len(graph(*rows, degree_cap=4)[1].rows) == 5
    ledger, edges = graph(*rows, degree_cap=3)
    assert told(ledger, edges) == [("P0", "P1", 1_000, 1_000)]
    assert (edges.left_out.hubs, edges.left_out.at_hubs) == (1, 4)


def test_many_payments_with_few_partners_make_no_hub():
    rows = [pay("A", "BC"[number % 2], number) for number in range(9)]
    assert len(graph(*rows, degree_cap=2)[1].rows) == 9


def test_the_floor_is_in_units_of_the_payments_own_currency_and_included():
    rows = [
        pay("A", "B", 0, 1_000),
        pay("A", "B", 1, 999.99),
        pay("A", "C", 2, 10, currency="BHD", amount_minor=1_000_000),  # three decimals
        pay("A", "C", 3, 9.99, currency="BHD", amount_minor=999_999),
    ]
    _, edges = graph(*rows, floor=1_000)
    assert edges.instants.size == 2
    assert edges.left_out.small == 2


def test_each_side_has_the_value_in_its_own_currency():
    table = pl.DataFrame(
        {"currency": ["USD"], "day": [date(2026, 3, 2)], "per_euro": [2 * 10**12]},
        schema_overrides={"per_euro": pl.Int64},
    )
    rows = [
        pay("A", "B", 0, 100, currency="USD"),
        *(pay("A", "X", day, currency="USD") for day in (1, 2)),
        *(pay("B", "X", day, currency="EUR") for day in (1, 2)),
    ]
    for rates, in_euro in ((Rates((table,)), 50), (None, -0.01)):
        ledger = build_ledger(factory.payments(*rows), rates=rates)
        assert told(ledger, build_edges(ledger))[0] == ("A", "B", 100, in_euro)


def test_a_pair_is_as_old_as_its_first_payment_of_any_size():
    rows = [pay("S", "T", 0), pay("A", "B", 40, 1), pay("A", "B", 200), pay("C", "B", 210)]
    _, edges = graph(*rows, floor=1_000)
    days = ((edges.instants - edges.since) / 86_400_000_000).tolist()
    assert days[:2] == [160, 0]


def test_a_pair_met_in_the_first_thirty_days_of_the_data_is_never_new():
    rows = [pay("S", "T", 0), pay("A", "B", 29.99), pay("A", "C", 30), pay("S", "T", 200)]
    _, edges = graph(*rows)
    assert (edges.since == LONG_AGO).tolist() == [True, False, True, True]


def test_of_short_data_the_first_quarter_is_what_cannot_be_called_new():
    rows = [pay("S", "T", 0), pay("A", "B", 0.9), pay("A", "C", 1), pay("S", "T", 4)]
    _, edges = graph(*rows)
    assert (edges.since == LONG_AGO).tolist() == [True, False, True, True]


@settings(max_examples=60, deadline=None)
@given(rows=random_payments(), seed=st.integers(0, 99), threads=st.integers(1, 4))
def test_neither_row_order_nor_threads_change_the_graph(rows, seed, threads):
    frame = factory.payments(*rows)
    shuffled = frame.sample(fraction=1, shuffle=True, seed=seed)
    straight, other = build_edges(build_ledger(frame)), build_edges(build_ledger(shuffled), threads=threads)
    assert as_list(straight) == as_list(other)
    assert straight.in_edges.tolist() == other.in_edges.tolist()
    assert frame[straight.rows.tolist()]["row_key"].equals(shuffled[other.rows.tolist()]["row_key"])


@settings(max_examples=60, deadline=None)
@given(rows=random_payments())
def test_payments_into_a_node_are_listed_in_order_of_time(rows):
    ledger, edges = graph(*rows)
    assert len(edges.rows) == len(rows)
    for node in range(len(ledger.parties)):
        mine = edges.in_edges[edges.in_offsets[node] : edges.in_offsets[node + 1]]
        assert (edges.receivers[mine] == node).all()
        assert edges.instants[mine].tolist() == sorted(edges.instants[mine].tolist())
        mine = range(edges.out_offsets[node], edges.out_offsets[node + 1])
        assert all(edges.senders[edge] == node for edge in mine)
