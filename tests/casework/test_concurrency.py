"""Two people or processes at once: one conflict message, nothing lost; a kill loses nothing committed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from finpat.casework import alerts, questions
from finpat.casework.database import Database
from finpat.errors import ConflictError
from tests.casework.conftest import NOON
from tests.casework.factory import follow, ranked
from tests.casework.test_alerts import doing, row

ROOT = Path(__file__).parents[2]
OPENING = """
import sys
from datetime import datetime
from pathlib import Path
from finpat.casework import alerts, notes
from finpat.casework.database import Database
from finpat.errors import ConflictError
folder, url, who = Path(sys.argv[1]), sys.argv[2] or None, sys.argv[3]
NOON = datetime(2026, 4, 1, 12)
"""


def process(code, folder, url, who):
    return subprocess.Popen(
        [sys.executable, "-c", OPENING + code, str(folder), url or "", who],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finished(*running):
    told = []
    for one in running:
        out, err = one.communicate(timeout=120)
        assert one.returncode == 0, err
        told.append(out.split())
    return told


def test_of_many_who_take_the_same_alert_at_once_one_has_it_and_the_rest_are_told(database):
    follow(database, ranked("A"))
    start = threading.Barrier(8)
    told = []

    def take(name):
        start.wait()
        try:
            doing(database, name, alerts.claim, 1, version=1)
        except ConflictError as error:
            told.append(str(error))

    workers = [threading.Thread(target=take, args=(f"user{n}",)) for n in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    winner = row(database)["assignee"]
    assert len(told) == 7
    assert all(
        f"alert 1 of account A: {winner} took it at 2026-04-01 12:00 UTC" in message for message in told
    )
    assert database.verify().fault is None


TAKING = """
taken = []
with Database.open(folder, url) as database:
    for number in range(1, 31):
        try:
            with database.writing(who, NOON) as change:
                alerts.claim(change, number, version=1)
            taken.append(number)
        except ConflictError:
            pass
print(*taken)
"""


def test_two_processes_that_take_from_one_queue_share_it_and_lose_nothing(database, folder, url):
    follow(database, *(ranked(f"A{n:02}") for n in range(30)))
    first, second = finished(process(TAKING, folder, url, "ana"), process(TAKING, folder, url, "ben"))
    assert sorted(map(int, first + second)) == list(range(1, 31))
    with database.reading() as connection:
        held = {found["number"]: found["assignee"] for found in questions.queue(connection, limit=99).rows}
    assert held == {int(number): "ana" for number in first} | {int(number): "ben" for number in second}
    verdict = database.verify()
    assert (verdict.fault, verdict.entries, verdict.unanchored) == (None, 61, 0)


def test_two_processes_that_open_a_new_database_at_once_make_one(tmp_path, url):
    code = """
with Database.open(folder, url) as database, database.writing(who, NOON) as change:
    change.record("test.done", "test", who)
"""
    finished(*(process(code, tmp_path / "casework", url, name) for name in ("ana", "ben", "carl")))
    with Database.open(tmp_path / "casework", url) as database:
        verdict = database.verify()
    assert (verdict.fault, verdict.entries, verdict.unanchored) == (None, 3, 0)


WRITING = """
with Database.open(folder, url) as database:
    for number in range(100_000):
        with database.writing(who, NOON) as change:
            note = notes.add_note(change, 1, f"note {number}")
        print(note, flush=True)
"""


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
@pytest.mark.parametrize("lines", [1, 7, 40])
def test_a_killed_writer_loses_nothing_that_it_was_told_is_kept(database, folder, url, lines):
    follow(database, ranked("A"))
    writer = process(WRITING, folder, url, "ana")
    kept = [int(writer.stdout.readline()) for _ in range(lines)]
    os.kill(writer.pid, signal.SIGKILL)
    kept += [int(line) for line in writer.stdout.read().split()]
    writer.wait(timeout=60)
    writer.stderr.close()
    writer.stdout.close()
    found = [note["number"] for note in row(database)["notes"]]
    assert found[: len(kept)] == kept
    assert len(found) <= len(kept) + 1
    verdict = database.verify()
    assert verdict.fault is None
    assert verdict.unanchored <= 1
    with database.writing("ben", NOON) as change:
        change.record("test.done", "test", 1)
    assert (database.verify().fault, database.verify().unanchored) == (None, 0)


def test_this_room_starts_without_what_takes_long_to_load():
    code = """
import finpat.casework.questions, finpat.casework.following, finpat.casework.decisions, finpat.casework.notes
import finpat.casework.retention, finpat.casework.judgements, finpat.casework.saved_views
print(*(name for name in ("polars", "duckdb", "numpy", "pandas", "dash", "flask") if name in sys.modules))
"""
    assert finished(process(code, ".", None, "ana")) == [[]]
