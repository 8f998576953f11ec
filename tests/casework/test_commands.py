"""Casework from the command line."""

from __future__ import annotations

import json

import pytest

from finpat.casework.database import Database
from finpat.cli import run_command
from finpat.store.workspace import Workspace
from tests.casework.conftest import NOON


@pytest.fixture
def workspace(tmp_path):
    """A workspace whose audit trail has two entries."""
    folder = Workspace.create(tmp_path / "ws")
    with Database.open(folder.casework) as database:
        for number, actor in enumerate(("ana", "ben"), 1):
            with database.writing(actor, NOON) as change:
                change.record("test.done", "test", number, {"text": "seen"})
    return folder.path


def test_a_whole_trail_verifies_and_tells_the_newest_entry_for_noting(workspace, capsys):
    assert run_command(["audit", "verify", "-w", str(workspace)]) == 0
    out = capsys.readouterr().out
    assert out.startswith("whole: 2 entries\nnewest: 2:")
    noted = out.split()[-1]
    assert run_command(["audit", "verify", "--anchor", noted, "-w", str(workspace)]) == 0


def test_a_broken_trail_ends_with_code_1_and_the_first_fault(workspace, capsys):
    noted = "5:" + "0" * 64
    assert run_command(["audit", "verify", "--anchor", noted, "--json", "-w", str(workspace)]) == 1
    answer = json.loads(capsys.readouterr().out)
    assert answer["whole"] is False
    assert answer["fault"].startswith("entries 3 to 5 were removed: the noted anchor")


def test_the_trail_is_listed_newest_first_and_can_be_narrowed(workspace, capsys):
    assert run_command(["audit", "list", "-w", str(workspace)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["entry", "2", "1"]
    assert run_command(["audit", "list", "--by", "ana", "--json", "-w", str(workspace)]) == 0
    (entry,) = json.loads(capsys.readouterr().out)
    assert (entry["object_id"], entry["details"]) == ("1", {"text": "seen"})
    assert run_command(["audit", "list", "--of", "test:2", "--limit", "1", "-w", str(workspace)]) == 0
    assert run_command(["audit", "list", "--of", "alert", "-w", str(workspace)]) == 2


def test_a_moved_trail_is_accepted_by_name_and_with_a_reason(workspace, capsys):
    (workspace / "casework" / "anchor.json").unlink()
    assert run_command(["audit", "verify", "-w", str(workspace)]) == 1
    words = ["audit", "anchor", "--reason", "moved", "--user", "lea", "-w", str(workspace)]
    assert run_command(words) == 0
    assert run_command(["audit", "verify", "-w", str(workspace)]) == 0
    assert "lea" in run_and_read(["audit", "list", "-w", str(workspace)], capsys)


def run_and_read(words, capsys):
    capsys.readouterr()
    assert run_command(words) == 0
    return capsys.readouterr().out


def test_the_database_of_the_settings_is_used(workspace, capsys):
    (workspace / "finpat.toml").write_text('[casework]\nurl = "postgresql://ana:secret@127.0.0.1:1/x"\n')
    assert run_command(["audit", "list", "-w", str(workspace)]) == 2
    told = capsys.readouterr().err
    assert "127.0.0.1" in told
    assert "secret" not in told
