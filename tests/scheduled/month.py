"""A month of schedules: clock changes, a machine asleep, processes killed in the middle of their work.

`play(folder)` plays March 2026 with five queries; the clocks go forward in New York on the 8th and in Europe
on the 29th. `python -m tests.scheduled.month` writes docs/schedule_month.md; a test holds the file against a
month played anew.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from finpat.scheduled import files, service
from finpat.scheduled.catalogue import read_catalogue
from finpat.scheduled.ledger import Ledger
from finpat.scheduled.settings import ScheduleSettings
from finpat.store.workspace import Workspace
from tests.queries.case import flagged, published
from tests.scheduled.case import write_query

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "schedule_month.md"
START, END = datetime(2026, 3, 1), datetime(2026, 4, 1)
PASS_EVERY = timedelta(hours=3)
ASLEEP = (
    (datetime(2026, 3, 10, 18), datetime(2026, 3, 14, 9)),
    (datetime(2026, 3, 27, 12), datetime(2026, 3, 30, 8)),  # over the clock change
)
# A real process is killed with SIGKILL in the pass at this instant, at this point of its work.
KILLED = {
    datetime(2026, 3, 5, 3): "claimed",
    datetime(2026, 3, 8, 9): "half_written",
    datetime(2026, 3, 14, 9): "written",
    datetime(2026, 3, 20, 3): "settled",
}
QUERIES = {
    "sofia_daily": ("30 3 * * *", "Europe/Sofia", "all"),
    "new_york_daily": ("30 2 * * *", "America/New_York", "all"),
    "twice_a_day": ("0 6,18 * * *", "UTC", "all"),
    "berlin_workdays": ("0 7 * * 1-5", "Europe/Berlin", "last"),
    "first_of_month": ("0 5 1 * *", "UTC", "all"),
}
SQL = """
select account_id, score, $as_of as asked_at
from rm.flagged_accounts
where score >= 0 and account_id is not null
order by account_id
"""


def expected() -> dict[str, list[datetime]]:
    """Every due time by hand: minutes of UTC, not a cron library."""

    def days(first: int, last: int, hour: int, minute: int = 0) -> list[datetime]:
        return [datetime(2026, 3, day, hour, minute) for day in range(first, last + 1)]

    # 03:30 does not exist in Sofia on the 29th, nor 02:30 in New York on the 8th: due when the gap ends.
    workdays = [*days(1, 28, 6), *days(29, 31, 5)]
    return {
        "sofia_daily": [*days(1, 28, 1, 30), datetime(2026, 3, 29, 1), *days(30, 31, 0, 30)],
        "new_york_daily": [*days(1, 7, 7, 30), datetime(2026, 3, 8, 7), *days(9, 31, 6, 30)],
        "twice_a_day": sorted([*days(1, 31, 6), *days(1, 31, 18)]),
        "berlin_workdays": [slot for slot in workdays if slot.weekday() < 5],
        "first_of_month": [datetime(2026, 3, 1, 5)],
    }


def prepare(folder: Path) -> Workspace:
    """A workspace with its queries and a run for each week."""
    for name, (cron, zone, catch_up) in QUERIES.items():
        write_query(
            folder / "sql", SQL, name, schedule=cron, zone=zone, catch_up=catch_up,
            outputs=["csv", "csv new"],
            params={"as_of": {"type": "instant", "default": "today"}},
        )  # fmt: skip
    for week in range(5):
        at = START + timedelta(days=7 * week - 1)
        accounts = [flagged(n + 1, f"A{n}", score=n) for n in range(3 + week)]
        published(
            folder / "ws", run_id=f"{week + 1:04}", started_at=at.isoformat(), flagged_accounts=accounts
        )
    return Workspace(folder / "ws")


def one_pass(folder: Path, now: datetime) -> None:
    """One pass of the only scheduler at an instant."""
    workspace = Workspace(folder / "ws")
    catalogue = read_catalogue(folder / "sql", folder / "none")
    with service.only_scheduler(workspace):
        service.run_due(workspace, catalogue, ScheduleSettings(), now, lambda: now)


def die_in_pass(folder: Path, now: datetime, point: str) -> None:
    """A pass in this process, which ends with SIGKILL at a point of its first run."""

    def die(*_: Any, **__: Any) -> Any:
        os.kill(os.getpid(), signal.SIGKILL)

    if point == "claimed":
        service.model_at = die
    elif point == "half_written":
        real = files.os.replace
        files.os.replace = lambda *names: (real(*names), die())
    elif point == "written":
        real_write = service._write
        service._write = lambda *given: (real_write(*given), die())
    else:
        service._deliver = die
    one_pass(folder, now)


def play(folder: Path) -> Workspace:
    """Play the month; every killed process is a real one."""
    workspace = prepare(folder)
    now = START
    while now <= END:
        if not any(begins <= now < ends for begins, ends in ASLEEP):
            if now in KILLED:
                words = (str(folder), now.isoformat(), KILLED[now])
                ended = subprocess.run(
                    [sys.executable, "-m", "tests.scheduled.month", *words], cwd=ROOT, check=False
                )
                assert ended.returncode == -signal.SIGKILL, ended
            else:
                one_pass(folder, now)
        now += PASS_EVERY
    return workspace


def table(workspace: Workspace) -> list[tuple[Any, ...]]:
    """The rows under HEAD, one for each query."""
    due = expected()
    with Ledger(workspace.schedule) as ledger:
        runs = ledger.runs()
    lines = []
    for name, (cron, zone, catch_up) in QUERIES.items():
        mine = [run for run in runs if run["query"] == name]
        slots = Counter(datetime.fromisoformat(run["slot"]) for run in mine)
        ok = [run for run in mine if run["state"] == "ok"]
        late = [
            run for run in ok
            if datetime.fromisoformat(run["finished_at"]) - datetime.fromisoformat(run["slot"]) > PASS_EVERY
        ]  # fmt: skip
        lines.append(
            (
                name, cron, zone, catch_up, len(due[name]), len(ok), len(late),
                sum(run["tries"] > 1 for run in ok), sum(run["state"] == "skipped" for run in mine),
                len(set(due[name]) - slots.keys()),
                sum(slots.values()) - len(slots) + len(slots.keys() - set(due[name])),
            )
        )  # fmt: skip
    return lines


HEAD = ("query", "schedule", "zone", "missed", "due", "run once", "of them late", "after a kill", "skipped",
        "lost", "doubled or not due")  # fmt: skip


def page(workspace: Workspace) -> str:
    """docs/schedule_month.md."""
    sleeps = "; ".join(f"{a:%d %B %H:%M} to {b:%d %B %H:%M}" for a, b in ASLEEP)
    kills = "; ".join(f"{at:%d %B %H:%M}, {point.replace('_', ' ')}" for at, point in KILLED.items())
    lines = [
        "# A month of schedules",
        "",
        "March 2026 played with five queries by `python -m tests.scheduled.month`; a test plays it again and",
        "compares. A pass looks for due slots every three hours. The clocks go forward in New York on",
        "the 8th and in Europe on the 29th: 02:30 and 03:30 do not exist on those days, and the slots are",
        "due when the gap ends. Due times are counted by hand, not by the library that the schedule uses.",
        "",
        f"Machine asleep (UTC): {sleeps}.",
        "",
        f"Process killed with SIGKILL in the middle of a run (UTC): {kills}.",
        "",
        "| " + " | ".join(HEAD) + " |",
        "|" + "---|" * len(HEAD),
        *(
            "| " + " | ".join(str(cell) for cell in line).replace("*", "\\*") + " |"
            for line in table(workspace)
        ),
        "",
        "Late: settled more than one pass after its due time, with the answer of that time: parameter",
        "`as_of` is the slot, and the run that is read is the newest that was there then. Skipped: missed",
        "slots of a query that catches up on the newest only.",
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    if len(sys.argv) == 4:
        die_in_pass(Path(sys.argv[1]), datetime.fromisoformat(sys.argv[2]), sys.argv[3])
        sys.exit(3)  # it should have been killed
    with tempfile.TemporaryDirectory() as made:
        PAGE.write_text(page(play(Path(made))), encoding="utf-8")
    print(json.dumps({"written": str(PAGE)}))
