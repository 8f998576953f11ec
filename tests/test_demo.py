"""The demonstration end to end: the sample exports in, the planted cases found, the run rebuilt the same."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from finpat.cli import run_command
from finpat.commands.demo import samples_folder
from finpat.indicators import INDICATORS


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo") / "ws"
    assert run_command(["demo", "-w", str(folder)]) == 0
    return folder


@pytest.mark.slow
def test_every_planted_account_shows_the_indicators_it_was_planted_with(workspace, capsys):
    capsys.readouterr()
    assert run_command(["flagged", "--top", "0", "--json", "-w", str(workspace)]) == 0
    answer = json.loads(capsys.readouterr().out)
    shown = {
        row["account_id"]: set(row["indicators"].split(";")) for row in answer["accounts"] + answer["protect"]
    }
    # The store does not yet hand over who stood at the counter, which ST-STRUCT-05 asks for.
    known = {indicator.id for indicator in INDICATORS if indicator.enabled} - {"ST-STRUCT-05"}
    planted = pl.read_csv(samples_folder() / "planted.csv", infer_schema=False)
    missed = {}
    for account, expected in planted.select("account_id", "expected_indicators").drop_nulls().iter_rows():
        lacking = (set(expected.split(";")) & known) - shown.get(account, set())
        if lacking:
            missed[account] = sorted(lacking)
    assert missed == {}


@pytest.mark.slow
def test_the_demonstration_can_run_twice_and_verify_finds_the_first_run_the_same(workspace, capsys):
    assert run_command(["demo", "-w", str(workspace)]) == 0
    assert "run 0002" in capsys.readouterr().out
    assert run_command(["verify", "1", "-w", str(workspace)]) == 0


@pytest.mark.slow
def test_the_list_and_its_best_account_can_be_exported_and_explained(workspace, tmp_path, capsys):
    assert run_command(["flagged", "--out", str(tmp_path / "list.xlsx"), "-w", str(workspace)]) == 0
    capsys.readouterr()
    assert run_command(["flagged", "--top", "1", "--json", "-w", str(workspace)]) == 0
    listed = json.loads(capsys.readouterr().out)
    best = (listed["accounts"] + listed["protect"])[0]["account_id"]
    assert run_command(["explain", best, "--json", "-w", str(workspace)]) == 0
    assert json.loads(capsys.readouterr().out)["place"]["rank"] == 1


@pytest.mark.slow
def test_decided_cases_give_a_second_order_that_evaluate_reports_beside_the_list(workspace, tmp_path, capsys):
    capsys.readouterr()
    assert run_command(["flagged", "--top", "0", "--json", "-w", str(workspace)]) == 0
    answer = json.loads(capsys.readouterr().out)
    listed = [row["account_id"] for row in answer["accounts"] + answer["protect"]]
    planted = set(pl.read_csv(samples_folder() / "planted.csv", infer_schema=False)["account_id"])
    decided = tmp_path / "decided.csv"
    pl.DataFrame({"account_id": listed, "label": [account in planted for account in listed]}).write_csv(
        decided
    )

    few = tmp_path / "few.csv"
    pl.read_csv(decided, infer_schema=False).head(30).write_csv(few)
    assert run_command(["learn", "--labels", str(few), "-w", str(workspace)]) == 2
    assert "too few labels to learn from" in capsys.readouterr().err

    assert run_command(["learn", "--labels", str(decided), "--json", "-w", str(workspace)]) == 0
    learned = json.loads(capsys.readouterr().out)
    assert learned["card"]["labels"]["positives"] > 50
    assert (Path(learned["folder"]) / "card.md").is_file()
    assert run_command(["evaluate", "--labels", str(decided), "--json", "-w", str(workspace)]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert figures["learned"]["out_of_fold"] == figures["accounts"] == len(listed)
    assert run_command(["flagged", "--top", "0", "--json", "-w", str(workspace)]) == 0
    assert json.loads(capsys.readouterr().out) == answer


@pytest.mark.slow
def test_the_demonstration_names_no_possible_victim_among_the_accounts_to_look_at_first(workspace, capsys):
    capsys.readouterr()
    assert run_command(["demo", "-w", str(workspace)]) == 0
    first, _, apart = capsys.readouterr().out.partition("Possible victims stand apart: protect and refer")
    assert first.count("  score ") == 10
    assert "role: possible victim" not in first
    assert "role: possible victim" in apart
