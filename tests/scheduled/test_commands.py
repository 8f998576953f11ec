"""`finpat query`: what it prints, writes, and says when something is off."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import subprocess
import sys
from pathlib import Path

import openpyxl
import polars as pl
import pytest

from finpat.cli import run_command
from finpat.store.workspace import Workspace
from tests.readmodel.published import HOSTILE, publish_sample
from tests.scheduled.case import write_query

ROOT = Path(__file__).parents[2]
LIST = """
select account_id, score, amount_in, currency, reason, first_seen::date as seen_on
from rm.flagged_accounts
order by account_id
"""


@pytest.fixture
def workspace(tmp_path):
    folder = Workspace.create(tmp_path / "ws")
    publish_sample(folder.path)
    write_query(folder.queries, LIST)
    return folder.path


def said(capsys, *words):
    code = run_command(list(words))
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_the_queries_of_the_workspace_are_listed_beside_the_shipped_ones(workspace, capsys):
    code, out, _ = said(capsys, "query", "list", "-w", str(workspace), "--json")
    listed = {query["name"]: query for query in json.loads(out)["queries"]}
    assert code == 0
    assert listed["asked"]["is_shipped"] is False
    assert listed["recurring_structuring_accounts"]["is_shipped"] is True


def test_a_result_on_the_terminal_keeps_possible_victims_apart(workspace, capsys):
    code, out, err = said(capsys, "query", "run", "asked", "-w", str(workspace))
    assert code == 0
    assert out.index("007") < out.index("protect and refer, no subjects") < out.index("VICTIM")
    assert "3 rows of run 0001" in err


def test_json_on_stdout_is_the_result_alone(workspace, capsys):
    _, out, _ = said(capsys, "query", "run", "asked", "-w", str(workspace), "--json")
    answer = json.loads(out)
    assert [row["account_id"] for row in answer["rows"]] == ["007", "Z"]
    assert [row["account_id"] for row in answer["protect"]] == ["VICTIM"]
    assert answer["rows"][0]["amount_in"] == "1234.50"
    assert (answer["query"], answer["run_id"], answer["is_cut"]) == ("asked", "0001", False)


def test_csv_on_stdout_has_no_cell_that_a_spreadsheet_runs_and_no_possible_victim(workspace, capsys):
    _, out, err = said(capsys, "query", "run", "asked", "-w", str(workspace), "--format", "csv")
    read = list(csv.DictReader(io.StringIO(out)))
    assert [row["account_id"] for row in read] == ["007", "Z"]
    assert read[0]["reason"] == "'+1 more than peers"
    assert read[0]["seen_on"] == "2026-03-02"
    assert "1 rows name a possible victim's account" in err


@pytest.mark.parametrize("format_", ["csv", "json", "parquet", "xlsx"])
def test_a_file_reads_back_as_the_result_with_a_manifest_beside_it(workspace, tmp_path, capsys, format_):
    out = tmp_path / f"answer.{format_}"
    code, printed, _ = said(capsys, "query", "run", "asked", "-w", str(workspace), "--out", str(out))
    assert code == 0
    assert str(out) in printed
    if format_ == "xlsx":
        book = openpyxl.load_workbook(out)
        header, *rows = book["rows"].iter_rows(values_only=True)
        ids = [row[header.index("account_id")] for row in rows]
        apart = [row[0] for row in book["protect"].iter_rows(min_row=2, values_only=True)]
    else:
        apart_file = tmp_path / f"answer-protect.{format_}"
        read = {
            "csv": lambda path: [row["account_id"] for row in csv.DictReader(io.StringIO(path.read_text()))],
            "json": lambda path: [row["account_id"] for row in json.loads(path.read_text())],
            "parquet": lambda path: pl.read_parquet(path)["account_id"].to_list(),
        }[format_]
        ids, apart = read(out), read(apart_file)
    assert (ids, apart) == (["007", "Z"], ["VICTIM"])
    manifest = json.loads((tmp_path / f"answer.{format_}.manifest.json").read_text())
    assert manifest["files"][0]["sha256"] == hashlib.sha256(out.read_bytes()).hexdigest()
    assert (manifest["rows"], manifest["rows_apart"], manifest["run_id"]) == (2, 1, "0001")


def test_a_file_that_is_there_is_not_replaced_without_force(workspace, tmp_path, capsys):
    out = tmp_path / "answer.csv"
    out.write_text("mine")
    words = ("query", "run", "asked", "-w", str(workspace), "--out", str(out))
    code, _, err = said(capsys, *words)
    assert (code, out.read_text()) == (2, "mine")
    assert "is there already" in err
    assert said(capsys, *words, "--force")[0] == 0


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["run", "recuring_structuring_accounts"], "Did you mean 'recurring_structuring_accounts'?"),
        (["run", "asked", "--param", "x"], "expected NAME=VALUE"),
        (["run", "asked", "--param", "x=1"], "asked: no parameter 'x'. It takes none."),
        (["run", "asked", "--format", "cvs"], "unknown format 'cvs'. Did you mean 'csv'?"),
        (["run", "asked", "--format", "xlsx"], "add --out FILE.xlsx"),
        (["run", "asked", "--out", "answer.txt"], "the format is not clear from the name"),
        (["run", "asked", "--run", "9"], "no run '9'"),
        (["list", "--typology", "strukturing"], "Did you mean 'structuring'?"),
        (["lst"], "Did you mean 'list'?"),
    ],
)
def test_what_is_off_is_one_line_with_the_nearest_right_word(workspace, capsys, words, told):
    code, out, err = (
        said(capsys, "query", *words, "-w", str(workspace))
        if words[0] != "lst"
        else said(capsys, "query", *words)
    )
    assert (code, out) == (2, "")
    assert told in err
    assert len(err.splitlines()) == 1


def test_lint_names_every_file_with_a_fault_and_exits_with_two(workspace, tmp_path, capsys):
    write_query(tmp_path / "mine", "select account_id from rm.acounts order by account_id")
    write_query(tmp_path / "mine", LIST, name="good")
    code, out, err = said(capsys, "query", "lint", str(tmp_path / "mine"))
    assert code == 2
    assert out.count("\n") == 1
    assert "there is no table 'rm.acounts'" in out
    assert "2 queries, 1 with a fault" in err


def test_a_broken_file_in_the_workspace_is_told_and_the_others_are_listed(workspace, capsys):
    write_query(workspace / "queries", LIST, name="broken", owner=None)
    code, out, err = said(capsys, "query", "list", "-w", str(workspace))
    assert code == 2
    assert "asked" in out
    assert "owner is missing" in err


def test_show_prints_what_a_reader_needs_before_running_it(workspace, capsys):
    code, out, _ = said(capsys, "query", "show", "recurring_structuring_accounts", "-w", str(workspace))
    assert code == 0
    for told in ("owner", "31 CFR 1010.314", "lookback_days", "one row per account_id", "from rm.findings"):
        assert told in out


def test_the_tables_that_a_query_may_read_are_listed_without_the_sealed_one(capsys):
    _, out, _ = said(capsys, "query", "tables", "--json")
    tables = json.loads(out)
    assert {"rm.findings", "previous.findings", "store.quarantine", "ref.thresholds"} <= tables.keys()
    assert "rm.ad_contents" not in tables


def test_names_stay_masked_in_every_output(workspace, capsys):
    write_query(
        workspace / "queries", "select * from rm.flagged_accounts order by account_id", name="all_of_it"
    )
    for words in ([], ["--json"], ["--format", "csv"]):
        _, out, err = said(capsys, "query", "run", "all_of_it", "-w", str(workspace), *words)
        assert HOSTILE not in out + err
        assert "HYPERLINK" not in out + err


def test_listing_queries_loads_neither_detectors_nor_indicators():
    code = (
        "import sys; from finpat.cli import run_command; run_command(['query', 'list', '--json']);"
        "sys.exit(any(name.split('.')[0] in ('pyod', 'numba', 'sklearn') for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True).returncode == 0
