"""What is dropped when its time is over: texts, reasons and files of alerts that came to nothing.

An alert that nobody found suspicious, referred or reported keeps its dates and its decision's kind, which
figures need; what people wrote about the account goes. The trail keeps digests and tells who dropped it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import Connection, delete, exists, select, update

from finpat.casework import alerts as states
from finpat.casework import attachments as files
from finpat.casework.database import Change
from finpat.casework.decisions import CAME_TO_NOTHING
from finpat.casework.tables import alerts, attachments, dispositions, notes, requests
from finpat.config import CaseworkSettings

_IN_FLIGHT = timedelta(days=1)  # a file as young as this may belong to a note that is being written


@dataclass(frozen=True)
class Purged:
    """How many alerts lost their texts, and how many notes and attached files those were."""

    alerts: int
    notes: int
    files: int


def due(connection: Connection, at: datetime, settings: CaseworkSettings) -> list[int]:
    """Alerts whose texts are to be dropped at an instant, by number."""
    month = at.year * 12 + at.month - 1 - settings.retention_months
    # The first day of that month at the latest: a day too long is no breach, a day too short may be a loss.
    before = datetime(month // 12, month % 12 + 1, 1)
    weighty = exists().where(
        dispositions.c.alert == alerts.c.number, dispositions.c.kind.not_in(CAME_TO_NOTHING)
    )
    query = (
        select(alerts.c.number)
        .where(alerts.c.state == states.CLOSED, alerts.c.closed_at < before, alerts.c.purged_at.is_(None))
        .where(~weighty)
        .order_by(alerts.c.number)
    )
    return list(connection.execute(query).scalars())


def purge(change: Change, settings: CaseworkSettings) -> Purged:
    """Drop the texts of the alerts that are due; `sweep` removes the files afterwards."""
    numbers = due(change.connection, change.at, settings)
    note_count = file_count = 0
    for number in numbers:
        row = states.row_of(change.connection, number)
        own = change.ask(select(notes.c.number).where(notes.c.alert == number)).scalars().all()
        note_count += len(own)
        file_count += change.execute(delete(attachments).where(attachments.c.note.in_(own))).rowcount
        change.execute(update(notes).where(notes.c.alert == number).values(text=""))
        change.execute(update(dispositions).where(dispositions.c.alert == number).values(reason=""))
        change.execute(
            update(requests)
            .where(requests.c.object_kind == "alert", requests.c.object_id == str(number))
            .values(reason="", details="", settled_reason=None)
        )
        states.revise(change, row, "alert.purged", {"notes": len(own)}, purged_at=change.at)
    return Purged(len(numbers), note_count, file_count)


def sweep(connection: Connection, folder: Path, at: datetime) -> int:
    """Remove files from `folder` (the workspace's `casework`) that no note has; how many."""
    known = set(connection.execute(select(attachments.c.sha256)).scalars())
    gone = 0
    for path in sorted((folder / files.FOLDER).glob("*/*")):
        written = datetime.fromtimestamp(path.stat().st_mtime, UTC).replace(tzinfo=None)
        if path.name not in known and written < at - _IN_FLIGHT:
            path.unlink()
            gone += 1
    return gone
