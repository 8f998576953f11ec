from __future__ import annotations

import tempfile
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from finpat.store import duplicates
from finpat.store.payments import locate, read_payments
from finpat.store.workspace import Workspace
from tests.store.exports import ingest, row

# Few accounts, amounts and ids, so that rows meet often.
payment = st.fixed_dictionaries(
    {
        "account_id": st.sampled_from("AB"),
        "counterparty_id": st.sampled_from("CD"),
        "amount_minor": st.sampled_from([100, 200]),
        "description": st.sampled_from([None, "rent"]),
    }
)
export = st.lists(payment, min_size=1, max_size=6)
exports = st.lists(export, min_size=1, max_size=4)


@pytest.fixture(autouse=True, params=[duplicates.PART_ROWS, 2], ids=["keys at once", "keys in parts"])
def _parts(request, monkeypatch):
    """Every property holds where keys are compared at once and where they are compared in several parts."""
    monkeypatch.setattr(duplicates, "PART_ROWS", request.param)


few = settings(
    max_examples=8,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)


def content(values: dict) -> tuple:
    return tuple(values[name] for name in ("account_id", "counterparty_id", "amount_minor", "description"))


@few
@given(exports)
def test_without_ids_the_store_has_each_row_as_often_as_the_file_that_has_it_most_often(files):
    with tempfile.TemporaryDirectory() as folder:
        workspace = Workspace.create(Path(folder) / "case")
        expected: Counter = Counter()
        for number, rows in enumerate(files):
            made = [
                {key: value for key, value in row(**values).items() if key != "transaction_id"}
                for values in rows
            ]
            report = ingest(workspace, f"{number}.csv", made, size=2)
            before = sum(expected.values())
            expected |= Counter(content(values) for values in rows)
            assert report.rows == len(rows) == report.loaded + report.duplicate + report.quarantined
            assert report.quarantined == 0
            assert report.loaded == sum(expected.values()) - before
        stored = locate(workspace, range(read_payments(workspace).height))
        assert Counter(content(values) for values in stored.iter_rows(named=True)) == expected
        assert stored["transaction_id"].n_unique() == stored.height


@few
@given(st.data())
def test_with_ids_each_payment_is_stored_once_however_files_split_overlap_and_reorder_it(data):
    payments = data.draw(st.lists(payment, min_size=1, max_size=12))
    rows = [row(transaction_id=f"T{n}", mirrored=n % 3 == 0, **values) for n, values in enumerate(payments)]
    picks = st.lists(st.integers(0, len(rows) - 1), min_size=1, max_size=15)
    with tempfile.TemporaryDirectory() as folder:
        workspace = Workspace.create(Path(folder) / "case")
        seen: set[int] = set()
        for number, chosen in enumerate(data.draw(st.lists(picks, min_size=1, max_size=4))):
            report = ingest(workspace, f"{number}.csv", [rows[pick] for pick in chosen], size=3)
            new = set(chosen) - seen
            seen |= new
            assert (report.loaded, report.duplicate, report.quarantined) == (
                len(new),
                len(chosen) - len(new),
                0,
            )
        stored = locate(workspace, range(read_payments(workspace).height))
        assert sorted(stored["transaction_id"]) == sorted(f"T{n}" for n in seen)


@few
@given(
    st.lists(st.tuples(st.integers(0, 3), st.sampled_from(["both", "from", "to"])), min_size=1, max_size=8),
    st.integers(1, 8),
)
def test_two_sided_and_one_sided_exports_of_the_same_payments_never_double_a_leg(views, cut):
    """Whatever comes first, and in one file or in two: a leg is there once if any view shows it."""

    def seen_as(number: int, view: str) -> dict:
        if view == "to":
            return row(transaction_id=f"T{number}", account_id="B", counterparty_id="A", direction="credit")
        return row(transaction_id=f"T{number}", mirrored=view == "both")

    with tempfile.TemporaryDirectory() as folder:
        workspace = Workspace.create(Path(folder) / "case")
        for name, part in (("1.csv", views[:cut]), ("2.csv", views[cut:])):
            if part:
                report = ingest(workspace, name, [seen_as(*view) for view in part], mapping=name)
                assert report.quarantined == 0
                assert report.rows == report.loaded + report.duplicate
        stored = locate(workspace, range(read_payments(workspace).height))
        legs: list[tuple] = []
        for values in stored.iter_rows(named=True):
            legs.append((values["transaction_id"], values["account_id"]))
            if values["mirrored"]:
                legs.append((values["transaction_id"], values["counterparty_id"]))
        sides = {"both": ["A", "B"], "from": ["A"], "to": ["B"]}
        assert sorted(legs) == sorted(
            {(f"T{number}", side) for number, view in views for side in sides[view]}
        )
