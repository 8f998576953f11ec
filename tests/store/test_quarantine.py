from __future__ import annotations

import json
from pathlib import Path

import pytest

from finpat.config import Settings
from finpat.sources import load_mapping, open_source
from finpat.store.load import LoadReport, load
from finpat.store.payments import locate, read_payments
from finpat.store.quarantine import export_quarantine, list_quarantine
from finpat.store.workspace import Workspace
from tests.store.exports import NOW

MAPPING = """
table = "transactions"
[columns]
transaction_id = "Ref"
booked_at = "Date"
account_id = "Account"
amount = "Amount"
currency = { constant = "EUR" }
channel = { constant = "transfer" }
description = "Text"
[time]
formats = ["%Y-%m-%d"]
[amount]
decimal = ","
sign = "signed"
"""
STATEMENT = """Ref;Date;Account;Amount;Text
R1;2026-03-01;A;10,50;"one; two"
R2;2026-03-32;A;11,00;no such day
R3;2026-03-03;A;ten;"no; number"
R1;2026-03-01;A;99,00;contradicts the first
"""


@pytest.fixture
def mapping_file(tmp_path: Path) -> Path:
    path = tmp_path / "bank.toml"
    path.write_text(MAPPING)
    return path


def ingest(workspace: Workspace, path: Path, mapping: Path) -> LoadReport:
    return load(workspace, open_source(path), load_mapping(mapping), settings=Settings(), now=NOW)


def written(tmp_path: Path, text: str, name: str = "march.csv") -> Path:
    path = tmp_path / name
    path.write_text(text)
    return path


def test_quarantine_keeps_the_row_as_the_source_wrote_it(workspace, tmp_path, mapping_file):
    report = ingest(workspace, written(tmp_path, STATEMENT), mapping_file)
    assert (report.rows, report.loaded, report.duplicate, report.quarantined) == (4, 1, 0, 3)
    rows = list_quarantine(workspace)
    assert rows.select("source_line", "column", "raw", "state").rows() == [
        (3, "booked_at", "R2;2026-03-32;A;11,00;no such day", "open"),
        (4, "amount", 'R3;2026-03-03;A;ten;"no; number"', "open"),
        (5, "amount_minor", "R1;2026-03-01;A;99,00;contradicts the first", "open"),
    ]
    assert "stands already in line 2 of this file with another amount_minor" in rows["message"][2]


def test_a_corrected_export_is_loaded_by_the_same_mapping_and_closes_its_entries(
    workspace, tmp_path, mapping_file
):
    ingest(workspace, written(tmp_path, STATEMENT), mapping_file)
    (path,) = export_quarantine(workspace, tmp_path / "out")
    text = path.read_text()
    assert text.splitlines()[0].endswith("Ref;Date;Account;Amount;Text")
    path.write_text(
        text.replace("2026-03-32;A", "2026-03-31;A").replace(";ten;", ";12,00;").replace("R1;", "R4;")
    )
    report = ingest(workspace, path, mapping_file)
    assert (report.loaded, report.quarantined) == (3, 0)
    assert list_quarantine(workspace).is_empty()
    assert list_quarantine(workspace, with_corrected=True)["corrected_by"].to_list() == [2, 2, 2]
    amounts = read_payments(workspace)["amount_minor"]
    assert sorted(amounts) == [1050, 1100, 1200, 9900]
    assert set(locate(workspace, range(4))["description"]) >= {"one; two", "no; number"}


def test_rows_that_are_still_wrong_stay_open(workspace, tmp_path, mapping_file):
    ingest(workspace, written(tmp_path, STATEMENT), mapping_file)
    (path,) = export_quarantine(workspace, tmp_path / "out")
    path.write_text(path.read_text().replace("2026-03-32;A", "2026-03-31;A"))
    report = ingest(workspace, path, mapping_file)
    assert (report.loaded, report.quarantined) == (1, 2)
    entries = list_quarantine(workspace).filter(file_id=1)
    assert entries["source_line"].to_list() == [4, 5]


def test_rows_of_a_json_source_are_exported_as_cells(workspace, tmp_path, mapping_file):
    good = {"Ref": "J1", "Date": "2026-03-01", "Account": "A", "Amount": "1,00", "Text": "a"}
    bad = {**good, "Ref": "J2", "Amount": "much"}
    path = written(tmp_path, "".join(json.dumps(row) + "\n" for row in (good, bad)), "march.ndjson")
    ingest(workspace, path, mapping_file)
    (exported,) = export_quarantine(workspace, tmp_path / "out")
    exported.write_text(exported.read_text().replace(",much,", ',"2,00",'))
    assert ingest(workspace, exported, mapping_file).loaded == 1
    assert list_quarantine(workspace).is_empty()


def test_nothing_in_quarantine_makes_no_files(workspace, tmp_path):
    assert export_quarantine(workspace, tmp_path / "out") == []
    assert not (tmp_path / "out").exists()
