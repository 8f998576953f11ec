"""Due times, the ledger and the pass: each slot once, in order, with the answer of its time."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from datetime import datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from filelock import FileLock
from prometheus_client.parser import text_string_to_metric_families

from finpat.cli import run_command
from finpat.scheduled import service
from finpat.scheduled.catalogue import read_catalogue
from finpat.scheduled.due import chosen_slots, due_slots
from finpat.scheduled.ledger import Ledger
from finpat.scheduled.settings import ScheduleSettings
from finpat.store.workspace import Workspace
from tests.queries.case import flagged, published
from tests.scheduled import month
from tests.scheduled.case import query_of, write_query

ROOT = Path(__file__).parents[2]
DAY = datetime(2026, 3, 3)
SQL = "select account_id, score from rm.flagged_accounts order by account_id"
FAST = ScheduleSettings(first_wait_s=0)


@pytest.fixture
def workspace(tmp_path):
    published(
        tmp_path / "ws", started_at="2026-03-01T00:00:00", flagged_accounts=[flagged(1, "A"), flagged(2, "B")]
    )
    return Workspace(tmp_path / "ws")


def settled(workspace, now, sql=SQL, settings=FAST, name="asked", **front):
    """One pass at `now` with one query, which is on the schedule since the day before DAY."""
    folder = workspace.path.parent / "sql"
    write_query(folder, sql, name, **{"schedule": "0 6 * * *", "outputs": ["csv", "csv new"], **front})
    with Ledger(workspace.schedule) as ledger:
        ledger.known_since(name, DAY - timedelta(days=1))
    catalogue = read_catalogue(folder, folder / "none")
    return service.run_due(workspace, catalogue, settings, now, lambda: now)


def runs_of(workspace):
    with Ledger(workspace.schedule) as ledger:
        return list(reversed(ledger.runs()))


@pytest.mark.parametrize(
    ("why", "zone", "after", "until", "slots"),
    [
        ("a time that the clock leaves out is due when the gap ends", "Europe/Sofia",
         "2026-03-28T12:00", "2026-03-30T12:00",
         ["2026-03-29T01:00", "2026-03-30T00:30"]),
        ("a time that comes twice is due once", "Europe/Sofia", "2026-10-24T12:00", "2026-10-26T12:00",
         ["2026-10-25T00:30", "2026-10-26T01:30"]),
        ("the last instant belongs to it and the first does not", "UTC", "2026-03-01T03:30",
         "2026-03-02T03:30", ["2026-03-02T03:30"]),
        ("a clock that went back has nothing due", "UTC", "2026-03-02T03:30", "2026-03-01T03:30", []),
    ],
)  # fmt: skip
def test_due_times_across_clock_changes(why, zone, after, until, slots):
    found = due_slots("30 3 * * *", zone, datetime.fromisoformat(after), datetime.fromisoformat(until))
    assert [slot.isoformat(timespec="minutes") for slot in found] == slots, why


def test_missed_slots_are_all_run_or_only_the_newest_as_the_query_says(tmp_path):
    slots = [DAY, DAY + timedelta(days=1), DAY + timedelta(days=2)]
    every = query_of(tmp_path, SQL, schedule="0 0 * * *", catch_up="all")
    newest = query_of(tmp_path, SQL, schedule="0 0 * * *", catch_up="last")
    assert chosen_slots(every, slots) == (slots, [])
    assert chosen_slots(newest, slots) == (slots[2:], slots[:2])
    assert chosen_slots(newest, []) == ([], [])


def test_a_query_is_due_from_when_it_was_first_seen_and_not_for_the_time_before(workspace):
    folder = workspace.path.parent / "sql"
    write_query(folder, SQL, schedule="0 6 * * *")
    catalogue = read_catalogue(folder, folder / "none")
    for now, count in ((DAY, 0), (DAY + timedelta(hours=6), 1), (DAY + timedelta(hours=7), 1)):
        service.run_due(workspace, catalogue, FAST, now, lambda now=now: now)
        assert len(runs_of(workspace)) == count


def test_a_settled_slot_never_runs_again_and_missed_ones_run_in_order(workspace):
    done = settled(workspace, DAY + timedelta(days=2, hours=7))
    assert [slot.day for _, slot in done.ok] == [2, 3, 4, 5]
    assert settled(workspace, DAY + timedelta(days=2, hours=8)).ok == []


def test_a_late_run_gives_the_answer_of_its_time_from_the_run_that_was_there_then(workspace):
    published(
        workspace.path, run_id="0002", started_at="2026-03-03T12:00:00", flagged_accounts=[flagged(1, "C")]
    )
    sql = "select account_id, $as_of as asked_at from rm.flagged_accounts order by account_id"
    settled(
        workspace, DAY + timedelta(days=9), sql, params={"as_of": {"type": "instant", "default": "today"}}
    )
    told = [(run["slot"], run["run_id"], run["parameters"]["as_of"]) for run in runs_of(workspace)]
    assert told[1] == ("2026-03-03T06:00:00", "0001", "2026-03-03 06:00:00")
    assert told[2] == ("2026-03-04T06:00:00", "0002", "2026-03-04 06:00:00")


def test_a_slot_before_the_first_run_was_published_is_skipped_with_the_reason(workspace):
    for path in workspace.readmodel.glob("*.duckdb"):
        path.unlink()
    published(workspace.path, started_at="2026-03-02T12:00:00", flagged_accounts=[flagged(1, "A")])
    settled(workspace, DAY + timedelta(hours=7))
    told = [(run["state"], run["error"]) for run in runs_of(workspace)]
    assert told == [("skipped", "no run had been published by then"), ("ok", None)]


def test_each_run_is_recorded_with_its_text_parameters_data_rows_and_files(workspace):
    settled(workspace, DAY + timedelta(hours=7), max_rows=1)
    first, second = runs_of(workspace)
    assert (first["state"], first["rows"], first["new_rows"], first["is_cut"]) == ("ok", 1, 1, True)
    assert (second["new_rows"], second["run_id"], second["data_fingerprint"]) == (0, "0001", "f1")
    text = (workspace.path.parent / "sql" / "own" / "asked.sql").read_bytes()
    assert first["text_sha256"] == hashlib.sha256(text).hexdigest()
    names = [Path(file["file"]).name for file in first["files"]]
    assert names[0] == "asked-20260302T0600+0000-run0001-new.csv"
    for file in first["files"]:
        path = workspace.path / file["file"]
        assert file["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
        assert path.parent == workspace.exports / "asked"
    assert not list(workspace.exports.rglob("*.building"))


def test_new_rows_are_those_whose_grain_the_run_before_on_this_schedule_did_not_give(workspace):
    settled(workspace, DAY + timedelta(hours=7))
    rows = [flagged(1, "B", score=7), flagged(2, "C", possible_role="possible_victim"), flagged(3, "D")]
    published(workspace.path, run_id="0002", started_at="2026-03-03T12:00:00", flagged_accounts=rows)
    settled(workspace, DAY + timedelta(days=1, hours=7))
    folder = workspace.exports / "asked"
    stem = "asked-20260304T0600+0000-run0002"
    assert pl.read_csv(folder / f"{stem}.csv")["account_id"].to_list() == ["B", "D"]
    assert pl.read_csv(folder / f"{stem}-new.csv")["account_id"].to_list() == ["D"]
    assert pl.read_csv(folder / f"{stem}-new-protect.csv")["account_id"].to_list() == ["C"]
    assert runs_of(workspace)[-1]["new_rows"] == 2
    kept = (workspace.schedule / "ledger.sqlite").read_bytes() + b"".join(
        path.read_bytes() for path in workspace.schedule.glob("ledger.sqlite-*")
    )
    assert b"account_id" not in kept, "the ledger holds no value of a row"


def test_previous_is_the_run_that_the_query_read_last_time(workspace):
    sql = """
    select f.account_id from rm.flagged_accounts as f
    left join previous.flagged_accounts as p using (account_id)
    where p.account_id is null order by f.account_id
    """
    settled(workspace, DAY - timedelta(days=1) + timedelta(hours=7), sql)
    for number, names in ((2, "AX"), (3, "AXY")):
        rows = [flagged(n + 1, name) for n, name in enumerate(names)]
        started = f"2026-03-02T1{number}:00:00"
        published(workspace.path, run_id=f"000{number}", started_at=started, flagged_accounts=rows)
    settled(workspace, DAY + timedelta(hours=7), sql)
    assert [run["rows"] for run in runs_of(workspace)] == [2, 2], (
        "X and Y are new since run 0001, not since 0002"
    )


def test_what_is_wrong_in_itself_fails_at_once_and_is_recorded_with_its_reason(workspace):
    sql = "select x as account_id from rm.accounts order by account_id"
    done = settled(workspace, DAY + timedelta(hours=7), sql)
    assert len(done.failed) == 2
    assert not done.is_clean
    assert "line" in runs_of(workspace)[0]["error"]


@pytest.mark.parametrize(("failures", "state"), [(3, "ok"), (4, "failed")])
def test_what_failed_to_read_is_tried_again_so_many_times(workspace, monkeypatch, failures, state):
    calls = []
    real = service.run_query

    def unsteady(*given, **named):
        calls.append(1)
        if len(calls) <= failures:
            raise OSError("the disk did not answer")
        return real(*given, **named)

    monkeypatch.setattr(service, "run_query", unsteady)
    settled(workspace, DAY - timedelta(days=1) + timedelta(hours=7))
    (run,) = runs_of(workspace)
    assert run["state"] == state
    assert len(calls) == 4


def test_a_query_that_takes_the_process_with_it_is_not_run_for_ever(workspace, monkeypatch):
    morning = DAY - timedelta(days=1) + timedelta(hours=7)

    def crash(*_, **__):
        raise MemoryError

    monkeypatch.setattr(service, "run_query", crash)
    for _ in range(3):
        with pytest.raises(MemoryError):
            settled(workspace, morning)
    assert len(settled(workspace, morning).failed) == 1
    (run,) = runs_of(workspace)
    assert (run["state"], run["tries"]) == ("failed", 4)
    assert "the process ended 3 times while it ran" in run["error"]


def test_one_query_that_fails_stops_no_other(workspace):
    folder = workspace.path.parent / "sql"
    write_query(
        folder, "select nosuch as account_id from rm.accounts order by all", "a_bad", schedule="0 6 * * *"
    )
    with Ledger(workspace.schedule) as ledger:
        ledger.known_since("a_bad", DAY - timedelta(days=1))
    done = settled(workspace, DAY - timedelta(days=1) + timedelta(hours=7))
    assert ([name for name, _ in done.failed], [name for name, _ in done.ok]) == (["a_bad"], ["asked"])


def test_a_second_scheduler_does_nothing_and_says_so_without_an_alarm(workspace, capsys):
    workspace.schedule.mkdir(exist_ok=True)
    with FileLock(workspace.schedule / "lock"):
        code = run_command(["schedule", "--once", "-w", str(workspace.path), "--json"])
    captured = capsys.readouterr()
    assert (code, json.loads(captured.out)) == (0, {"busy": True})
    assert "another scheduler is at work" in captured.err
    assert runs_of(workspace) == []


def test_metrics_are_in_the_standard_format_and_count_what_the_ledger_has(workspace):
    settled(workspace, DAY + timedelta(hours=7))
    text = (workspace.schedule / "metrics.prom").read_text()
    values = {
        (sample.name, sample.labels.get("state")): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    assert values["finpat_schedule_runs_total", "ok"] == 2
    assert values["finpat_schedule_last_rows", None] == 2
    assert values["finpat_schedule_last_success_timestamp_seconds", None] == 1772517600  # 3 March 06:00 UTC


def test_status_tells_what_ran_and_what_is_due_next(workspace, capsys):
    settled(workspace, DAY + timedelta(hours=7))
    write_query(workspace.queries, SQL, schedule="0 6 * * *")
    assert run_command(["schedule", "status", "-w", str(workspace.path), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [run["state"] for run in told["runs"]] == ["ok", "ok"]
    assert "asked" in [item["query"] for item in told["next"]]
    assert run_command(["schedule", "status", "-w", str(workspace.path), "--query", "askd"]) == 2
    assert "Did you mean 'asked'?" in capsys.readouterr().err


def test_the_service_runs_shows_metrics_on_loopback_and_ends_on_sigterm(workspace):
    import socket

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = ["schedule", "-w", str(workspace.path), "--metrics-port", str(port)]
    code = f"import sys; from finpat.cli import run_command; sys.exit(run_command({words!r}))"
    process = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stderr=subprocess.PIPE, text=True)
    try:
        told = None
        for _ in range(600):
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
                    told = answer.read().decode()
                if (workspace.schedule / "metrics.prom").exists():
                    break
            except OSError:
                pass
            time.sleep(0.1)
        assert told is not None
        assert "finpat_schedule_heartbeat_timestamp_seconds" in told
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=60)
        assert process.returncode == 0, err
    finally:
        if process.poll() is None:
            os.kill(process.pid, signal.SIGKILL)
            process.communicate()


@pytest.mark.slow
def test_a_month_with_clock_changes_sleep_and_kills_runs_each_slot_once(tmp_path):
    workspace = month.play(tmp_path)
    due = month.expected()
    runs = runs_of(workspace)
    for name, (_, _, catch_up) in month.QUERIES.items():
        mine = [run for run in runs if run["query"] == name]
        assert [datetime.fromisoformat(run["slot"]) for run in mine] == due[name]
        states = {run["state"] for run in mine}
        assert states <= ({"ok", "skipped"} if catch_up == "last" else {"ok"})
        finished = [run["finished_at"] for run in mine if run["state"] == "ok"]
        assert finished == sorted(finished), "missed slots are caught up in order"
    assert sum(run["tries"] > 1 for run in runs) == 3, "three kills came between claim and settlement"
    for run in runs:
        assert (run["parameters"] is None) == (run["state"] == "skipped")
        for file in run["files"]:
            path = workspace.path / file["file"]
            assert file["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    told = {Path(file["file"]) for run in runs for file in run["files"]}
    there = {path.relative_to(workspace.path) for path in workspace.exports.rglob("*") if path.is_file()}
    assert {path for path in there if path.suffix != ".building"} == told, "no file without a run, none lost"
    assert month.PAGE.read_text(encoding="utf-8") == month.page(workspace), (
        "run: python -m tests.scheduled.month"
    )
