"""The exported list: read back as its reader would, with hostile cells, in every format."""

from __future__ import annotations

import csv
import hashlib
import json
from datetime import UTC, datetime
from decimal import Decimal

import duckdb
import openpyxl
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from finpat.errors import UsageError
from finpat.exports import FORMATS, Choice, export_flagged
from finpat.exports.cells import neutralised
from finpat.readmodel import ReadModel
from finpat.readmodel.schema import LIST_COLUMNS
from tests.readmodel.published import HOSTILE, flagged_row, publish_sample

ALL = Choice()
NOW = datetime(2026, 4, 2, 8, tzinfo=UTC)


@pytest.fixture
def model(tmp_path):
    with ReadModel(publish_sample(tmp_path)) as opened:
        yield opened


def export(model, out, format_, choice=ALL, **options):
    return export_flagged(model, out, format_, choice, made_at=NOW, **options)


def rows_of(path, format_):
    if format_ == "csv":
        with path.open(newline="", encoding="utf-8") as handle:
            return list(csv.DictReader(handle))
    if format_ == "json":
        return json.loads(path.read_text("utf-8"))
    if format_ == "parquet":
        return pl.read_parquet(path).to_dicts()
    header, *rows = openpyxl.load_workbook(path)["flagged"].iter_rows(values_only=True)
    return [dict(zip(header, row, strict=True)) for row in rows]


@pytest.mark.parametrize("format_", FORMATS)
def test_every_format_has_the_columns_of_the_contract_in_order_best_first(tmp_path, model, format_):
    export(model, tmp_path / f"list.{format_}", format_)
    rows = rows_of(tmp_path / f"list.{format_}", format_)
    assert [tuple(row) for row in rows] == [LIST_COLUMNS] * 2
    assert [row["account_id"] for row in rows] == ["007", "Z"], "ids keep their zeros"


@pytest.mark.parametrize("format_", FORMATS)
def test_possible_victims_are_kept_apart_from_the_subjects(tmp_path, model, format_):
    done = export(model, tmp_path / f"list.{format_}", format_)
    assert "VICTIM" not in [row["account_id"] for row in rows_of(tmp_path / f"list.{format_}", format_)]
    assert (done.subjects, done.protected) == (2, 1)
    if format_ == "xlsx":
        sheet = openpyxl.load_workbook(done.files[0])["protect"]
        assert [row[1] for row in sheet.iter_rows(min_row=2, values_only=True)] == ["VICTIM"]
    else:
        assert done.files[1].name == f"list-protect.{format_}", "the name does not say who they are"
        assert [row["account_id"] for row in rows_of(done.files[1], format_)] == ["VICTIM"]


def test_csv_neutralises_formulas_and_keeps_exact_amounts(tmp_path, model):
    done = export(model, tmp_path / "list.csv", "csv")
    first = rows_of(tmp_path / "list.csv", "csv")[0]
    assert first["holder_name"] == "'" + HOSTILE
    assert first["reason"] == "'+1 more than peers"
    assert (first["amount_in"], first["amount_out"]) == ("1234.50", "0.05")
    assert first["first_seen"] == "2026-03-02T12:00:00Z"
    assert first["network_id"] == ""
    assert done.neutralised == 2


def test_csv_is_read_by_duckdb_with_types_that_fit(tmp_path, model):
    export(model, tmp_path / "list.csv", "csv")
    with duckdb.connect() as connection:
        described = connection.execute(f"DESCRIBE FROM read_csv('{tmp_path / 'list.csv'}')").fetchall()
    types = {name: type_ for name, type_, *_ in described}
    assert types["score"] == "BIGINT"
    assert types["amount_in"] == "DOUBLE"
    assert types["first_seen"] == "TIMESTAMP WITH TIME ZONE"


@pytest.mark.parametrize("format_", ["parquet", "json"])
def test_formats_for_programs_carry_the_text_unchanged(tmp_path, model, format_):
    export(model, tmp_path / "list", format_)
    assert rows_of(tmp_path / "list", format_)[0]["holder_name"] == HOSTILE


def test_parquet_amounts_are_exact_decimals_and_instants_have_a_zone(tmp_path, model):
    export(model, tmp_path / "list.parquet", "parquet")
    row = rows_of(tmp_path / "list.parquet", "parquet")[0]
    assert row["amount_in"] == Decimal("1234.5")
    assert row["first_seen"] == datetime(2026, 3, 2, 12, tzinfo=UTC)


def test_xlsx_cells_are_typed_and_nothing_in_them_runs(tmp_path, model):
    export(model, tmp_path / "list.xlsx", "xlsx")
    book = openpyxl.load_workbook(tmp_path / "list.xlsx")
    assert book.sheetnames == ["flagged", "protect", "evidence", "dictionary", "provenance"]
    sheet = book["flagged"]
    assert sheet.freeze_panes == "A2"
    first = dict(zip(LIST_COLUMNS, sheet[2], strict=True))
    assert {name: first[name].data_type for name in ("account_id", "holder_name", "score", "amount_in")} == {
        "account_id": "s", "holder_name": "s", "score": "n", "amount_in": "n",
    }  # fmt: skip
    assert first["holder_name"].value == HOSTILE
    assert first["first_seen"].value == datetime(2026, 3, 2, 12)
    cells = [cell for page in book for row in page.iter_rows() for cell in row]
    assert not [cell.coordinate for cell in cells if cell.data_type == "f" or cell.hyperlink]


def test_the_evidence_sheet_names_file_and_line_of_every_row(tmp_path, model):
    export(model, tmp_path / "list.xlsx", "xlsx")
    header, *rows = openpyxl.load_workbook(tmp_path / "list.xlsx")["evidence"].iter_rows(values_only=True)
    shown = [dict(zip(header, row, strict=True)) for row in rows]
    assert [(row["account_id"], row["source_file"], row["source_line"], row["amount"]) for row in shown] == [
        ("007", "s1.csv", line, 9999) for line in (3, 4, 2)
    ]


def test_the_manifest_beside_the_list_names_run_choice_and_hashes(tmp_path, model):
    done = export(model, tmp_path / "list.csv", "csv", Choice(top=2, min_score=5))
    manifest = json.loads(done.manifest.read_text("utf-8"))
    assert (manifest["run_id"], manifest["settings_hash"]) == ("0001", "h1")
    assert manifest["choice"] == {"top": 2, "min_score": 5, "new_since": None}
    assert [(entry["file"], entry["rows"]) for entry in manifest["files"]] == [
        ("list.csv", 1),
        ("list-protect.csv", 1),
    ]
    for entry in manifest["files"]:
        assert hashlib.sha256((tmp_path / entry["file"]).read_bytes()).hexdigest() == entry["sha256"]


@pytest.mark.parametrize("there", ["list.csv", "list-protect.csv", "list.csv.manifest.json"])
def test_nothing_is_overwritten_without_force(tmp_path, model, there):
    (tmp_path / there).write_text("mine")
    with pytest.raises(UsageError, match=f"{there}: is there already"):
        export(model, tmp_path / "list.csv", "csv")
    assert (tmp_path / there).read_text() == "mine"
    export(model, tmp_path / "list.csv", "csv", force=True)
    assert (tmp_path / there).read_text() != "mine"


def test_force_leaves_no_list_of_possible_victims_from_an_earlier_export(tmp_path, model):
    (tmp_path / "list-protect.csv").write_text("old")
    done = export(model, tmp_path / "list.csv", "csv", Choice(top=1), force=True)
    assert not (tmp_path / "list-protect.csv").exists()
    assert done.files == (tmp_path / "list.csv",)


def test_new_since_leaves_out_whom_the_same_choice_gave_before(tmp_path, model):
    earlier_rows = pl.DataFrame(
        [flagged_row(1, "Z"), flagged_row(2, "007")], schema_overrides={"network_id": pl.String}
    ).with_columns(pl.col("amount_in", "amount_out").cast(pl.Decimal(28, 8)))
    with ReadModel(publish_sample(tmp_path / "earlier", flagged_accounts=earlier_rows)) as earlier:
        export(model, tmp_path / "all.json", "json", Choice(new_since="0001"), earlier=earlier)
        export(model, tmp_path / "one.json", "json", Choice(top=1, new_since="0001"), earlier=earlier)
    assert rows_of(tmp_path / "all.json", "json") == []
    assert [row["account_id"] for row in rows_of(tmp_path / "one.json", "json")] == ["007"]


def test_an_unknown_format_names_the_known_ones(tmp_path, model):
    with pytest.raises(UsageError, match="Did you mean 'xlsx'"):
        export(model, tmp_path / "list.xls", "xls")


def test_a_folder_that_is_a_file_is_one_clear_error(tmp_path, model):
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="cannot be written"):
        export(model, tmp_path / "file" / "list.csv", "csv")


@given(
    st.text(max_size=20),
    st.sampled_from(["", " ", "\t", "\n", "\u00a0", "\x00"]),
    st.sampled_from("=+-@＝＋－＠"),
)
def test_no_neutralised_text_begins_a_formula_and_the_rest_is_untouched(tail, lead, sign):
    frame = pl.DataFrame({"hostile": [lead + sign + tail], "plain": ["a" + tail]})
    shown, count = neutralised(frame)
    assert shown["hostile"].item() == "'" + lead + sign + tail
    assert shown["plain"].item() == "a" + tail
    assert count == 1
