from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from finpat.store.doctor import doctor
from finpat.store.quality import check_data
from finpat.store.workspace import Workspace
from tests.store.exports import ingest, row

START = datetime(2026, 1, 1, 10, 17, 3)


def daily(count: int = 150, **changes):
    """One row a day at changing times, by turns in and out."""
    return [
        row(
            transaction_id=f"T{n}", booked_at=START + timedelta(days=n, seconds=n * 61 % 9973),
            direction="credit" if n % 2 else "debit", **changes,
        )
        for n in range(count)
    ]  # fmt: skip


def clock(r, **to):
    return {**r, "booked_at": r["booked_at"].replace(minute=0, second=0, **to)}


def thin_march(n, r):
    return None if r["booked_at"].month == 3 and n % 10 else r


def found(workspace: Workspace, **how) -> set[str]:
    return {check.id for check in check_data(workspace, **how)}


def test_ordinary_data_raises_nothing(workspace: Workspace):
    ingest(workspace, "a.csv", daily())
    assert found(workspace, rated={"USD"}) == set()


@pytest.mark.parametrize(
    ("check", "change"),
    [
        ("DQ-CONSTANT-TIME", lambda n, r: clock(r, hour=23)),
        ("DQ-FULL-HOURS", lambda n, r: clock(r, hour=n % 24)),
        ("DQ-SAME-INSTANT", lambda n, r: {**r, "booked_at": START} if n % 50 == 0 else r),
        ("DQ-DATE-ONLY", lambda n, r: {**r, "time_precision": "day"}),
        ("DQ-ONE-SIDED", lambda n, r: {**r, "direction": "debit"}),
        ("DQ-NO-RATE", lambda n, r: {**r, "currency": "XTS" if n == 0 else "USD"}),
        ("DQ-GAP", lambda n, r: {**r, "booked_at": r["booked_at"] + timedelta(days=20 if n > 70 else 0)}),
        ("DQ-THIN-MONTH", thin_march),
    ],
)  # fmt: skip
def test_a_fault_of_the_data_is_found_alone(workspace: Workspace, check: str, change):
    rows = [changed for n, r in enumerate(daily()) if (changed := change(n, r)) is not None]
    ingest(workspace, "a.csv", rows)
    assert found(workspace, rated={"USD"}) == {check}


def test_files_that_cover_the_same_days_are_told(workspace: Workspace):
    ingest(workspace, "a.csv", daily(150))
    ingest(workspace, "b.csv", daily(160)[100:])
    (check,) = check_data(workspace)
    assert (check.id, check.subject, check.figures["duplicates"]) == ("DQ-OVERLAP", "b.csv", 50)


def test_a_month_between_two_statements_of_an_account_is_told(workspace: Workspace):
    ingest(workspace, "a.csv", daily(40))
    ingest(workspace, "b.csv", daily(120)[80:])
    (check,) = check_data(workspace)
    assert (check.id, check.figures["accounts"]) == ("DQ-ACCOUNT-GAP", 1)


def test_a_healthy_workspace_is_said_to_be_one(workspace: Workspace):
    ingest(workspace, "a.csv", daily())
    assert {check.id: check.severity for check in doctor(workspace)} == {
        "WS-LOCK": "ok", "WS-SEGMENTS": "ok", "WS-DISK": "ok", "WS-READMODEL": "note",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("check", "damage"),
    [
        ("WS-SEGMENT-MISSING", lambda folder: (folder / "1.parquet").unlink()),
        ("WS-SEGMENT-CHANGED", lambda folder: (folder / "1.parquet").write_bytes(b"PAR1")),
        ("WS-ORPHAN", lambda folder: (folder / "7.parquet").touch()),
    ],
)
def test_damage_to_the_segments_is_found(workspace: Workspace, check: str, damage):
    ingest(workspace, "a.csv", daily())
    damage(workspace.segments("transactions"))
    assert check in {found.id for found in doctor(workspace)}


def test_a_pointer_to_a_read_model_that_is_gone_is_an_error(workspace: Workspace):
    (workspace.readmodel / "CURRENT").write_text("run-7.duckdb\n")
    assert ("WS-READMODEL", "error") in {(check.id, check.severity) for check in doctor(workspace)}
