from __future__ import annotations

from decimal import Decimal

from finpat.store.sql import connect
from finpat.store.workspace import Workspace
from tests.store.exports import ingest, row


def test_a_mirrored_row_is_two_legs_with_exact_amounts(workspace: Workspace):
    ingest(workspace, "it's.csv", [row(transaction_id="T1", mirrored=True, amount_minor=1005)])
    ingest(workspace, "b.csv", [row(transaction_id="T2", currency="BTC", amount_minor=1, city="Ghent")])
    with connect(workspace) as connection:
        legs = connection.execute(
            "select transaction_id, account_id, counterparty_id, direction, amount, city, source_file "
            "from transactions order by transaction_id, account_id"
        ).fetchall()
    assert legs == [
        ("T1", "A", "B", "debit", Decimal("10.05"), None, "it's.csv"),
        ("T1", "B", "A", "credit", Decimal("10.05"), None, "it's.csv"),
        ("T2", "A", "B", "debit", Decimal("0.00000001"), "Ghent", "b.csv"),
    ]


def test_an_empty_workspace_has_empty_views(workspace: Workspace):
    with connect(workspace) as connection:
        assert connection.execute("select count(*) from transactions").fetchall() == [(0,)]
        assert connection.execute("select count(*) from accounts").fetchall() == [(0,)]
