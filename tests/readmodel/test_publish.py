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
from tests.readmodel.published import export, legs_of, publication, publish_sample


def transactions_of(folder, *exports):
    only = dataclasses.replace(publication(), legs=legs_of(*exports) if exports else None)
    with ReadModel(publish(folder / "readmodel", only)) as model:
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
    legs = transactions_of(tmp_path, export(rows=[row]))
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
    legs = transactions_of(tmp_path, export(currency=currency, amount_minor=minor))
    assert legs["amount"].item() == Decimal(amount)


def test_rows_are_stored_by_account_and_time_whatever_order_they_were_loaded_in(tmp_path):
    rows = [
        {"account_id": account, "booked_at": datetime(2026, 3, day), "transaction_id": f"{account}{day}"}
        for account in "CAB"
        for day in (9, 2, 5)
    ]
    loaded = legs_of(export("X", rows[:4]), export("Y", rows[4:]))
    path = publish(tmp_path / "readmodel", dataclasses.replace(publication(), legs=loaded))
    with duckdb.connect(str(path), read_only=True) as connection:
        stored = connection.execute(
            "SELECT account_id, booked_at, transaction_id FROM rm.transactions"
        ).fetchall()
    assert stored == sorted((row["account_id"], row["booked_at"], row["transaction_id"]) for row in rows)


def test_legs_that_need_several_batches_are_the_same_as_in_one(tmp_path, monkeypatch):
    rows = [
        {"account_id": f"A{n % 5}", "counterparty_id": f"A{n % 7}" if n % 3 else None, "mirrored": n % 2 == 0,
         "booked_at": datetime(2026, 3, 1 + n % 9), "transaction_id": f"t{n}",
         "city": "Ghent" if n % 4 else None,
         "counterparty_name": f"name {n}", "currency": "EUR" if n % 5 else "BTC", "amount_minor": n + 1}
        for n in range(60)
    ]  # fmt: skip
    one = transactions_of(tmp_path / "one", export("X", rows[:20]), export("Y", rows[20:]))
    monkeypatch.setattr("finpat.readmodel.legs.BATCH_LEGS", 7)
    assert transactions_of(tmp_path / "many", export("X", rows[:20]), export("Y", rows[20:])).equals(one)
    assert one.height == 60 + sum(1 for n in range(60) if n % 2 == 0 and n % 3)
    by_id = {row["transaction_id"]: row for row in one.filter(~pl.col("mirrored")).iter_rows(named=True)}
    for n, row in enumerate(rows):
        stored = by_id[row["transaction_id"]]
        assert {name: stored[name] for name in row if name not in ("amount_minor", "mirrored")} == {
            name: value for name, value in row.items() if name not in ("amount_minor", "mirrored")
        }
        assert stored["amount"] == Decimal(n + 1).scaleb(-8 if n % 5 == 0 else -2)
        assert (stored["source_file"], stored["source_id"]) == (("x.csv", "1") if n < 20 else ("y.csv", "2"))
        assert stored["source_line"] == (n if n < 20 else n - 20) + 2


def test_a_payment_to_oneself_has_one_written_leg_and_one_mirror(tmp_path):
    row = {"account_id": "A", "counterparty_id": "A", "mirrored": True, "direction": "credit"}
    legs = transactions_of(tmp_path, export(rows=[row]))
    assert legs.select("direction", "mirrored").rows() == [("debit", True), ("credit", False)]


def test_rows_that_did_not_take_effect_are_published_with_their_state_and_who_stood_at_the_counter(tmp_path):
    rows = [{"status": "failed", "conductor_id": "P1"}, {"status": None}, {"status": "booked"}]
    legs = transactions_of(tmp_path, export(rows=rows))
    assert legs.select("status", "conductor_id").rows() == [("failed", "P1"), (None, None), ("booked", None)]


def test_a_date_without_a_time_is_told_as_such(tmp_path):
    rows = [{"has_time": True, "transaction_id": "1"}, {"has_time": False, "transaction_id": "2"}]
    legs = transactions_of(tmp_path, export(rows=rows))
    assert legs["time_precision"].to_list() == ["second", "day"]


def test_further_columns_of_differing_sources_stay_as_they_were(tmp_path):
    first = export("X", extra='{"Ref":"a"}')
    second = export("Y", extra='{"Memo":"=b","Till":"3"}')
    legs = transactions_of(tmp_path, first, second)
    assert legs["extra"].to_list() == ['{"Ref":"a"}', '{"Memo":"=b","Till":"3"}']
    assert legs["source_file"].to_list() == ["x.csv", "y.csv"]


def test_a_run_without_transactions_is_published_empty(tmp_path):
    assert transactions_of(tmp_path).height == 0


def test_a_failed_publication_leaves_the_one_before_and_no_half_file(tmp_path):
    before = publish_sample(tmp_path)
    findings = pl.DataFrame({"finding_id": ["F1"], "window_start": ["yesterday"]})
    broken = publication("0002", findings=findings)
    with pytest.raises(duckdb.ConversionException):
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


def test_a_frame_for_an_undeclared_table_is_refused_before_anything_is_written(tmp_path):
    with pytest.raises(ValueError, match="no table netwroks"):
        publish(tmp_path / "readmodel", publication(netwroks=pl.DataFrame({"network_id": ["N1"]})))
    assert not (tmp_path / "readmodel").exists()


def test_minor_units_of_any_table_become_exact_decimals(tmp_path):
    payments = pl.DataFrame(
        {"payment_id": ["b", "a", "c"], "paid_at": [datetime(2026, 3, 1)] * 3, "platform": ["P"] * 3,
         "amount_minor": [1, 2**63 - 1, None], "currency": ["BTC", "EUR", "EUR"]}
    )  # fmt: skip
    with ReadModel(publish_sample(tmp_path, ad_payments=payments)) as model:
        assert model.table("ad_payments").select("payment_id", "amount").rows() == [
            ("a", Decimal("92233720368547758.07")),
            ("b", Decimal("0.00000001")),
            ("c", None),
        ]


def test_the_tables_that_are_asked_for_one_account_have_an_index(tmp_path):
    with duckdb.connect(str(publish_sample(tmp_path)), read_only=True) as connection:
        indexed = connection.execute(
            "SELECT table_name, expressions FROM duckdb_indexes() ORDER BY 1"
        ).fetchall()
    assert [(table, str(columns).strip("[]'")) for table, columns in indexed] == [
        ("accounts", "account_id"),
        ("flagged_accounts", "account_id"),
    ]
