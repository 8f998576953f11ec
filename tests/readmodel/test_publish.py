"""Publishing: what the file holds, in which order, and that it is there wholly or not at all."""

from __future__ import annotations

import dataclasses
from datetime import datetime
from decimal import Decimal

import duckdb
import polars as pl
import pytest

from finpat.readmodel import ReadModel, make_current, publish, schema
from finpat.readmodel.api import current_path
from tests.readmodel.published import AS_OF, publication, publish_sample, segment


def transactions_of(folder, *segments, as_of=AS_OF):
    empty = dataclasses.replace(publication(folder), segments=segments, as_of=as_of)
    with ReadModel(publish(folder / "readmodel", empty)) as model:
        return model.table("transactions")


def test_a_published_file_has_the_declared_tables_columns_types_and_comments(tmp_path):
    path = publish_sample(tmp_path)
    with duckdb.connect(str(path), read_only=True) as connection:
        found = connection.execute(
            "SELECT table_name, column_name, data_type, comment FROM duckdb_columns() "
            "WHERE schema_name = 'rm' ORDER BY table_name, column_index"
        ).fetchall()
    declared = [
        (table.name, column.name, column.type.replace(", ", ","), column.doc)
        for table in sorted(schema.TABLES, key=lambda table: table.name)
        for column in table.columns
    ]
    found = [
        (table, column, type_.replace(", ", ",").replace('"', ""), doc)
        for table, column, type_, doc in found
        if (table, column) != ("account_features", "cash_in_count_7d")
    ]
    assert found == declared


def test_a_mirrored_row_is_two_legs_with_sides_and_direction_swapped(tmp_path):
    row = {
        "account_id": "A",
        "counterparty_id": "B",
        "mirrored": True,
        "counterparty_name": "Bee",
        "balance_after_minor": 5,
    }
    legs = transactions_of(tmp_path, segment(tmp_path, rows=[row]))
    assert legs.select("account_id", "counterparty_id", "direction", "mirrored").rows() == [
        ("A", "B", "debit", False),
        ("B", "A", "credit", True),
    ]
    assert legs["counterparty_name"].to_list() == ["Bee", None], "Bee is the mirror's own holder"
    assert legs["balance_after"].to_list() == [Decimal("0.05000000"), None]


@pytest.mark.parametrize(
    ("currency", "minor", "amount"),
    [
        ("EUR", 1, "0.01"),
        ("JPY", 150, "1.50"),
        ("KWD", 1, "0.001"),
        ("BTC", 1, "0.00000001"),
        ("EUR", 2**63 - 1, "92233720368547758.07"),
    ],
)
def test_amounts_are_exact_in_every_currency(tmp_path, currency, minor, amount):
    legs = transactions_of(tmp_path, segment(tmp_path, currency=currency, amount_minor=minor))
    assert legs["amount"].item() == Decimal(amount)


def test_rows_are_stored_by_account_and_time_whatever_order_they_were_loaded_in(tmp_path):
    rows = [
        {"account_id": account, "booked_at": datetime(2026, 3, day), "transaction_id": f"{account}{day}"}
        for account in "CAB"
        for day in (9, 2, 5)
    ]
    path = publish(
        tmp_path / "readmodel",
        dataclasses.replace(
            publication(tmp_path),
            segments=[segment(tmp_path, "X", rows[:4]), segment(tmp_path, "Y", rows[4:])],
        ),
    )
    with duckdb.connect(str(path), read_only=True) as connection:
        stored = connection.execute("SELECT account_id, booked_at FROM rm.transactions").fetchall()
    assert stored == sorted(stored)
    assert len(stored) == 9


def test_rows_booked_after_as_of_are_left_out_and_the_instant_itself_is_kept(tmp_path):
    rows = [{"booked_at": datetime(2026, 3, day), "transaction_id": str(day)} for day in (1, 2, 3)]
    legs = transactions_of(tmp_path, segment(tmp_path, rows=rows), as_of=datetime(2026, 3, 2))
    assert legs["transaction_id"].to_list() == ["1", "2"]


def test_further_columns_of_differing_sources_stay_as_they_were(tmp_path):
    first = segment(tmp_path, "X", extra={"Ref": "a"})
    second = segment(tmp_path, "Y", extra={"Memo": "=b", "Till": "3"})
    legs = transactions_of(tmp_path, first, second)
    assert legs["extra"].to_list() == ['{"Ref":"a"}', '{"Memo":"=b","Till":"3"}']
    assert legs["source_file"].to_list() == ["x.csv", "y.csv"]


def test_a_run_without_transactions_is_published_empty(tmp_path):
    assert transactions_of(tmp_path).height == 0


def test_a_failed_publication_leaves_the_one_before_and_no_half_file(tmp_path):
    before = publish_sample(tmp_path)
    broken = publication(tmp_path, "0002", findings=pl.DataFrame({"finding_id": [["not", "text"]]}))
    broken = dataclasses.replace(
        broken, segments=[dataclasses.replace(broken.segments[0], path=tmp_path / "gone.parquet")]
    )
    with pytest.raises(FileNotFoundError):
        publish(tmp_path / "readmodel", broken)
    assert current_path(tmp_path / "readmodel") == before
    assert sorted(path.name for path in (tmp_path / "readmodel").iterdir()) == ["0001.duckdb", "CURRENT"]


def test_an_open_reader_does_not_block_the_next_run_and_keeps_its_own(tmp_path):
    publish_sample(tmp_path, "0001")
    with ReadModel(current_path(tmp_path / "readmodel")) as reader:
        second = publish_sample(tmp_path, "0002")
        assert reader.run_id == "0001"
        make_current(tmp_path / "readmodel", second)
        with ReadModel(current_path(tmp_path / "readmodel")) as later:
            assert later.run_id == "0002"
