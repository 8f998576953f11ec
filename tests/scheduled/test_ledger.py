"""The ledger of due runs, as a page reads it."""

from __future__ import annotations

from datetime import datetime

from finpat.scheduled.ledger import Ledger, scheduled_runs

AT = datetime(2026, 3, 2, 6)


def test_who_only_reads_makes_no_ledger(tmp_path):
    assert scheduled_runs(tmp_path / "schedule", "weekly") == []
    assert not (tmp_path / "schedule").exists()


def test_runs_of_one_query_come_newest_first_and_as_many_as_asked_for(tmp_path):
    with Ledger(tmp_path) as ledger:
        for day in (2, 9, 16):
            ledger.claim("weekly", AT.replace(day=day), AT)
        ledger.claim("other", AT, AT)
    slots = [run["slot"][:10] for run in scheduled_runs(tmp_path, "weekly", 2)]
    assert slots == ["2026-03-16", "2026-03-09"]
