"""Users from the command line."""

from __future__ import annotations

import json
import re

import pytest
from argon2 import PasswordHasher

from finpat.casework import audit, passwords, sessions
from finpat.casework.database import Database
from finpat.casework.refusals import SignInError
from finpat.cli import run_command
from finpat.commands.terminal import now
from finpat.config import DashboardSettings
from finpat.store.workspace import Workspace


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """Runs `finpat user ...` in a workspace; exit code, stdout and stderr."""
    monkeypatch.setattr(passwords, "_HASHER", PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))
    folder = Workspace.create(tmp_path / "ws")

    def running(*words):
        code = run_command(["user", *words, "-w", str(folder.path)])
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    running.casework = folder.casework
    return running


def listed(run):
    return {user["name"]: user for user in json.loads(run("list", "--json")[1])}


def test_a_user_is_added_with_a_one_time_password_on_stdout_alone(run):
    code, out, err = run("add", "ana", "--role", "analyst", "--user", "root")
    assert code == 0
    assert re.fullmatch(r"\w{5}(-\w{5}){3}\n", out)
    assert out.strip() not in err
    assert listed(run)["ana"]["role"] == "analyst"
    with Database.open(run.casework) as database, database.reading() as connection:
        [entry] = audit.entries(connection, action="user")
    assert (entry.actor, entry.action, entry.object_id) == ("root", "user.added", "ana")
    assert out.strip() not in entry.details


def test_the_printed_password_signs_in(run):
    password = run("add", "ana", "--role", "analyst")[1].strip()
    anew = run("reset", "ana")[1].strip()
    with Database.open(run.casework) as database:
        with pytest.raises(SignInError):
            sessions.sign_in(database, "ana", password, "t", "here", now(), DashboardSettings())
        sessions.sign_in(database, "ana", anew, "t", "here", now(), DashboardSettings())
        assert sessions.current(database, "t", now(), DashboardSettings()).must_change_password


def test_roles_change_and_users_are_disabled_and_enabled(run):
    run("add", "ana", "--role", "analyst")
    assert run("role", "ana", "lead")[0] == 0
    assert run("disable", "ana")[0] == 0
    assert (listed(run)["ana"]["role"], listed(run)["ana"]["disabled_at"] is None) == ("lead", False)
    assert "disabled" in run("list")[1]
    assert run("enable", "ana")[0] == 0
    assert listed(run)["ana"]["disabled_at"] is None


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("add", "ana", "--role", "analist"), "Did you mean 'analyst'"),
        (("add", "ana"), "--role"),
        (("disable", "nobody"), "there is no user 'nobody'"),
        (("reset", "nobody"), "there is no user 'nobody'"),
    ],
)
def test_what_cannot_be_done_is_one_line(run, words, said):
    code, out, err = run(*words)
    assert code == 2
    assert out == ""
    assert said in err
    assert err.count("\n") == 1


def test_an_empty_list_says_what_to_do(run):
    code, _, err = run("list")
    assert code == 0
    assert "finpat user add" in err
