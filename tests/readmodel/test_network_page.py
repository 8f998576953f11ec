"""What the page of a network asks, on a run made by hand."""

from __future__ import annotations

import dataclasses
from datetime import datetime

import polars as pl
import pytest

from finpat.readmodel import ReadModel, network_page, publish, runs_page
from tests.readmodel.published import export, legs_of, publication, publish_sample

NETWORK = "N1"


def edge(from_id, to_id, kind="payment", weight=0.5, first="2026-01-01", last="2026-02-01", evidence=()):
    return {
        "network_id": NETWORK, "from_id": from_id, "to_id": to_id, "kind": kind, "weight": weight, "count": 1,
        "first_at": datetime.fromisoformat(first), "last_at": datetime.fromisoformat(last),
        "evidence": list(evidence),
    }  # fmt: skip


@pytest.fixture
def model(tmp_path):
    edges = [
        edge("A", "B", evidence=["S1-2"]),
        edge("B", "C", weight=0.5, first="2026-03-01", last="2026-03-05"),
        edge("A", "C", weight=0.1),
        edge("A", "B", kind="phone", weight=0.9),
    ]
    tables = {
        "networks": pl.DataFrame([{"network_id": NETWORK, "kind": "payment;phone", "member_count": 3}]),
        "network_members": pl.DataFrame([{"network_id": NETWORK, "account_id": name} for name in "ABC"]),
        "network_edges": pl.DataFrame(edges),
    }
    rows = [
        {"counterparty_id": "SHOP", "amount_minor": 10_00},
        {"counterparty_id": "B", "amount_minor": 90_00},
    ]
    accounts = pl.DataFrame({"account_id": list("ABC"), "currency": ["EUR"] * 3})
    made = publication(accounts=accounts, **tables)
    held = dataclasses.replace(made, legs=legs_of(export(rows=rows)))
    with ReadModel(publish(tmp_path, held)) as opened:
        yield opened


def ties(edges):
    return set(edges.select("from_id", "to_id", "kind").rows())


def test_a_tie_is_drawn_where_its_time_touches_the_period(model):
    late = network_page.drawing(model, NETWORK, since=datetime(2026, 2, 2))
    assert ties(late.edges) == {("B", "C", "payment")}
    touching = network_page.drawing(model, NETWORK, since=datetime(2026, 2, 1), until=datetime(2026, 3, 1))
    assert touching.edges.height == 4


def test_positions_stay_where_they_are_when_ties_are_left_out(model):
    every = network_page.drawing(model, NETWORK).nodes
    few = network_page.drawing(model, NETWORK, kinds=["phone"])
    assert ties(few.edges) == {("A", "B", "phone")}
    assert few.nodes.equals(every)


def test_members_beyond_what_is_drawn_are_counted(model, monkeypatch):
    monkeypatch.setattr(network_page, "DRAWN", 2)
    drawing = network_page.drawing(model, NETWORK)
    assert (drawing.nodes.height, drawing.left_out) == (2, 1)
    assert ties(drawing.edges) == {("A", "B", "payment"), ("A", "B", "phone")}


def test_a_way_prefers_strong_ties_to_few_steps(model):
    steps = network_page.path_between(model, NETWORK, "A", "C")
    assert steps.select("from_id", "to_id", "kind").rows() == [("A", "B", "phone"), ("B", "C", "payment")]


def test_there_is_no_way_to_an_account_outside_the_network(model):
    assert network_page.path_between(model, NETWORK, "A", "Z").height == 0


def test_counterparties_come_most_money_first_and_say_how_many_remain(model):
    first = network_page.counterparties_of(model, "A", limit=1)
    assert first.select("counterparty_id", "known", "remaining").rows() == [("B", True, 1)]
    second = network_page.counterparties_of(model, "A", start=1, limit=1)
    assert second.select("counterparty_id", "known", "remaining").rows() == [("SHOP", False, 0)]


def test_behind_an_edge_are_its_own_rows(model):
    assert network_page.behind_edge(model, NETWORK, "A", "B")["transaction_id"].to_list() == ["S1-2"]
    assert network_page.behind_edge(model, NETWORK, "A", "C").height == 0


@pytest.mark.parametrize(("choice", "found"), [
    ({}, 1), ({"kind": "phone"}, 1), ({"kind": "email"}, 0), ({"text": "n1"}, 1), ({"text": "c"}, 1),
    ({"text": "z"}, 0), ({"start": 1}, 0),
])  # fmt: skip
def test_networks_are_chosen_by_tie_and_by_part_of_a_name(model, choice, found):
    rows, _ = network_page.networks_page(model, **choice)
    assert rows.height == found


def coverage(*days):
    return pl.DataFrame([
        {"source_id": source, "day": datetime.fromisoformat(day).date(), "row_count": rows, "credit_count": 0}
        for source, day, rows in days
    ])  # fmt: skip


def test_the_calendar_has_every_day_between_the_first_and_the_last(tmp_path):
    days = coverage(("1", "2026-01-01", 2), ("2", "2026-01-01", 3), ("1", "2026-01-04", 1))
    with ReadModel(publish_sample(tmp_path, coverage=days)) as model:
        assert runs_page.coverage(model).select("row_count", "files").rows() == [
            (5, 2),
            (0, 0),
            (0, 0),
            (1, 1),
        ]


@pytest.mark.parametrize(("days", "found"), [(2, 1), (3, 0)])
def test_a_gap_is_as_long_as_the_days_inside_it(tmp_path, days, found):
    held = coverage(("1", "2026-01-01", 2), ("2", "2026-01-02", 3), ("1", "2026-01-04", 1))
    with ReadModel(publish_sample(tmp_path, coverage=held)) as model:
        assert runs_page.gaps(model, days).height == found


def test_settings_that_differ_are_named_with_both_values():
    before = {"settings": {"a": 1, "b": {"c": 2}}}
    after = {"settings": {"a": 1, "b": {"c": 3, "d": 4}}}
    assert runs_page.changed_settings(before, after) == [("b.c", 2, 3), ("b.d", None, 4)]
