"""`finpat case`: an analyst's day at the terminal, over a published run."""

from __future__ import annotations

import json

import polars as pl
import pytest

from finpat.casework import users
from finpat.casework.database import Database
from finpat.cli import run_command
from finpat.store.workspace import Workspace
from tests.casework.conftest import NOON
from tests.readmodel.published import publish_sample


@pytest.fixture
def workspace(tmp_path):
    """A workspace with a published run: 007 is a subject, VICTIM a possible victim, Z is low."""
    folder = Workspace.create(tmp_path / "ws")
    publish_sample(folder.path)
    (folder.path / "finpat.toml").write_text("[casework]\nquota_share = 0\n")
    assert run_command(["case", "follow", "-w", str(folder.path)]) == 0
    return folder.path


@pytest.fixture
def finpat(workspace, capsys):
    """Run a command on the workspace: its exit code, stdout and stderr."""

    def run(*words, user="ana"):
        capsys.readouterr()
        named = ["--user", user] if user and words[1] not in READING else []
        code = run_command([*words, *named, "-w", str(workspace)])
        told = capsys.readouterr()
        return code, told.out, told.err

    return run


READING = {"list", "show", "workload", "requests", "judgements", "follow", "verify"}


def settle(workspace, text):
    (workspace / "finpat.toml").write_text(f"[casework]\nquota_share = 0\n{text}\n")


def one(finpat, number):
    return json.loads(finpat("case", "show", str(number), "--json")[1])[0]


def test_an_alert_from_the_queue_to_its_report(finpat):
    code, out, _ = finpat("case", "list", "--json")
    assert code == 0
    assert [(row["account_id"], row["groups"]) for row in json.loads(out)["alerts"]] == [
        ("007", ["money movement"])
    ]
    assert finpat("case", "claim", "1", "--version", "1")[0] == 0
    assert finpat("case", "note", "1", "Called the branch")[0] == 0
    assert finpat("case", "decide", "1", "--as", "suspicious", "--reason", "cash under the threshold")[0] == 0
    words = ["case", "close", "1", "--as", "reported", "--reason", "filed", "--reference", "SAR-1"]
    assert finpat(*words, "--reference-date", "2026-04-03")[:2] == (0, "alert 1: closed, reported\n")
    _, out, _ = finpat("case", "show", "1")
    for told in (
        "closed, with ana",
        "decided suspicious by ana: cash under the threshold",
        "decided reported, SAR-1 of 2026-04-03 by ana: filed",
        "by ana: Called the branch",
        "run 0001: opened",
        "ana: closed",
    ):
        assert told in out
    assert finpat("audit", "verify", user=None)[0] == 0


def test_possible_victims_are_listed_apart_and_referred(finpat):
    _, out, _ = finpat("case", "list")
    assert "VICTIM" not in out
    _, out, _ = finpat("case", "list", "--queue", "protect")
    assert out.startswith("Possible victims: protect and refer")
    assert "VICTIM" in out
    code, _, err = finpat("case", "close", "2", "--as", "suspicious", "--reason", "x")
    assert code == 2
    assert "never the subject of a report" in err


def test_the_second_of_two_gets_one_line_and_code_2(finpat):
    finpat("case", "claim", "1", "--version", "1", user="ben")
    code, out, err = finpat("case", "claim", "1", "--version", "1")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "ben took it at" in err


def test_alerts_are_given_held_moved_and_reopened(finpat):
    assert finpat("case", "assign", "1", "2", "--to", "ben")[:2] == (0, "2 alerts given to ben\n")
    assert one(finpat, 1)["assignee"] == "ben"
    assert finpat("case", "assign", "1", "--to-nobody")[0] == 0
    assert finpat("case", "assign", "1")[0] == 2
    assert finpat("case", "wait", "1", "--reason", "asked the branch", "--until", "2026-04-09")[0] == 0
    assert (one(finpat, 1)["state"], one(finpat, 1)["waits_until"]) == ("waiting", "2026-04-09")
    assert finpat("case", "resume", "1")[0] == 0
    assert finpat("case", "close", "1", "--as", "undetermined", "--reason", "no reply")[0] == 0
    assert finpat("case", "reopen", "1", "--reason", "a reply came")[0] == 0
    assert finpat("case", "move", "1", "protect", "--reason", "statement of the shelter")[0] == 0
    assert (one(finpat, 1)["state"], one(finpat, 1)["queue"]) == ("reopened", "protect")
    _, out, _ = finpat("case", "workload")
    assert [line.split()[:4] for line in out.splitlines()[1:]] == [
        ["protect", "nobody", "reopened", "1"], ["protect", "ben", "new", "1"]
    ]  # fmt: skip


def test_four_eyes_at_the_terminal(finpat, workspace):
    settle(workspace, 'four_eyes = ["close"]')
    _, out, _ = finpat("case", "close", "1", "--as", "not_suspicious", "--reason", "seasonal wages")
    assert out == "alert 1: request 4 waits for somebody else's approval\n"
    _, out, _ = finpat("case", "requests")
    assert out.splitlines()[1].split()[0] == "4"
    assert finpat("case", "approve", "4")[0] == 2
    assert finpat("case", "refuse", "4", "--reason", "explain the cash", user="lea")[0] == 0
    finpat("case", "close", "1", "--as", "not_suspicious", "--reason", "seasonal wages")
    (asked,) = json.loads(finpat("case", "requests", "--json")[1])
    assert finpat("case", "approve", str(asked["number"]), user="lea")[0] == 0
    assert one(finpat, 1)["state"] == "closed"


def test_an_account_is_suppressed_with_what_the_newest_run_says_of_it(finpat):
    words = ("case", "suppress", "007", "--reason", "daily takings")
    assert finpat(*words, "--until", "2020-01-01")[0] == 2
    assert finpat("case", "suppress", "nobody", "--reason", "x", "--until", "2099-01-01")[0] == 2
    from datetime import UTC, datetime, timedelta

    soon = (datetime.now(UTC) + timedelta(days=30)).date()
    code, out, _ = finpat(*words, "--until", str(soon), "--indicator", "ST-STRUCT-01")
    assert code == 0
    assert finpat("case", "lift", out.split()[1].rstrip(":"), "--reason", "shop closed")[0] == 0


def test_files_go_in_and_out(finpat, tmp_path):
    path = tmp_path / "statement.txt"
    path.write_text("words")
    assert finpat("case", "note", "1", "statement", "--file", str(path))[0] == 0
    (file,) = one(finpat, 1)["files"]
    out = tmp_path / "saved.txt"
    assert finpat("case", "save", str(file["number"]), "--out", str(out))[0] == 0
    assert out.read_text() == "words"
    assert finpat("case", "save", str(file["number"]), "--out", str(out))[0] == 2


def test_judgements_are_kept_listed_and_undone(finpat):
    _, out, _ = finpat("case", "judge", "person", "P2", "P1", "--as", "same", "--reason", "same passport")
    number = out.split()[1].rstrip(":")
    (row,) = json.loads(finpat("case", "judgements", "--json")[1])
    assert (row["left_id"], row["right_id"], row["verdict"]) == ("P1", "P2", "same")
    assert finpat("case", "undo", number, "--reason", "wrong pair")[0] == 0
    assert json.loads(finpat("case", "judgements", "--json")[1]) == []


def test_the_texts_of_what_came_to_nothing_can_be_dropped(finpat):
    code, out, _ = finpat("case", "purge", "--json")
    assert (code, json.loads(out)) == (0, {"alerts": 0, "notes": 0, "files": 0, "swept": 0})


def test_another_name_than_the_login_is_kept_with_the_login(finpat, monkeypatch):
    monkeypatch.setattr("getpass.getuser", lambda: "root")
    finpat("case", "claim", "1", user="ana")
    finpat("case", "claim", "2", user="root")
    _, out, _ = finpat("audit", "list", "--json", "--action", "alert.claimed", user=None)
    assert [(entry["actor"], entry["details"].get("login")) for entry in json.loads(out)] == [
        ("root", None), ("ana", "root")
    ]  # fmt: skip


def test_where_there_are_users_their_names_roles_and_leave_count(finpat, workspace):
    with Database.open(workspace / "casework") as database, database.writing("setup", NOON) as change:
        for name, role in (("Ana", "analyst"), ("lea", "lead"), ("vic", "viewer"), ("ex", "analyst")):
            users.add(change, name, role)
        users.disable(change, "ex")
    assert "no user 'anna'" in finpat("case", "claim", "1", user="anna")[2]
    assert "user ex is disabled" in finpat("case", "claim", "1", user="ex")[2]
    assert (
        "user vic is viewer, whose role has no right to work" in finpat("case", "claim", "1", user="vic")[2]
    )
    assert "no right to assign" in finpat("case", "assign", "1", "--to", "lea", user="Ana")[2]
    assert "no right to work" in finpat("case", "assign", "1", "--to", "vic", user="lea")[2]
    assert finpat("case", "claim", "1", user="ana")[0] == 0
    assert one(finpat, 1)["assignee"] == "Ana"


def test_the_list_tells_the_state_of_each_alert_and_not_what_it_came_to(finpat, tmp_path):
    finpat("case", "claim", "1")
    finpat("case", "decide", "1", "--as", "suspicious", "--reason", "x")
    _, out, _ = finpat("flagged", "--json")
    told = json.loads(out)
    assert {row["account_id"]: row["status"] for row in told["accounts"] + told["protect"]} == {
        "007": "in_review", "VICTIM": "new", "Z": None
    }  # fmt: skip
    target = tmp_path / "list.parquet"
    assert finpat("flagged", "--out", str(target))[0] == 0
    assert pl.read_parquet(target)["status"].to_list() == ["in_review", None]


def test_what_leaves_and_what_is_revealed_is_in_the_trail(finpat, tmp_path):
    finpat("flagged", "--out", str(tmp_path / "list.csv"))
    finpat("explain", "007", "--reveal", "--reason", "name for the report", user=None)
    _, out, _ = finpat("audit", "list", "--json", user=None)
    first, second = json.loads(out)[:2]
    assert (first["action"], first["object_id"], first["details"]["reason"]) == (
        "data.revealed", "007", "name for the report"
    )  # fmt: skip
    assert (second["action"], second["object_id"], second["details"]["file"]) == (
        "list.exported",
        "0001",
        "list.csv",
    )


def test_exporting_and_revealing_take_a_second_person_where_the_settings_ask(finpat, workspace, tmp_path):
    settle(workspace, 'four_eyes = ["export", "reveal"]')
    target = tmp_path / "list.csv"
    code, _, err = finpat("flagged", "--out", str(target))
    assert code == 2
    assert "`finpat case ask export list 0001 --reason TEXT`" in err
    assert not target.exists()
    finpat("case", "ask", "export", "list", "0001", "--reason", "monthly report")
    (asked,) = json.loads(finpat("case", "requests", "--json")[1])
    assert finpat("flagged", "--out", str(target), "--approval", str(asked["number"]))[0] == 2
    assert finpat("case", "approve", str(asked["number"]), user="lea")[0] == 0
    assert finpat("flagged", "--out", str(target), "--approval", str(asked["number"]))[0] == 0
    assert target.exists()
    assert finpat("explain", "007", "--reveal", "--reason", "x")[0] == 2


def test_a_run_whose_alerts_cannot_follow_stands_all_the_same(finpat, workspace, capsys):
    from finpat.commands.analysis import follow

    settle(workspace, 'url = "postgresql://ana:secret@127.0.0.1:1/x"')
    assert follow(Workspace.open(workspace), "0001") is None
    told = capsys.readouterr().err
    assert finpat("flagged", "--json")[0] == 0
    assert "repeat with `finpat case follow`" in told
    assert "secret" not in told
