"""Alerts: their states, who works on them, and the one way in which a row of them is changed.

An alert belongs to one account and holds one or more groups of typologies (`run_list.GROUPS`); no two alerts
of an account share a group, so a further run opens none for facts that one has been opened for.
`following.py` opens them, `decisions.py` closes them.

Whoever changes an alert says which version of it was seen. Where somebody has changed it since,
`ConflictError` tells who and what, and nothing of the later change is kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from sqlalchemy import Connection, RowMapping, select, update

from finpat.casework import audit, texts
from finpat.casework.database import Change
from finpat.casework.tables import alerts
from finpat.casework.tables import audit as trail
from finpat.errors import CaseworkError, ConflictError

SUBJECTS, PROTECT = QUEUES = ("subjects", "protect")
NEW, REOPENED, IN_REVIEW, WAITING, PENDING, CLOSED = STATES = (
    "new",
    "reopened",
    "in_review",
    "waiting",
    "pending_approval",
    "closed",
)
# What an action of the trail did, for the person who comes second.
DONE = {
    "alert.opened": "opened it",
    "alert.joined": "added further facts to it",
    "alert.reopened": "reopened it",
    "alert.assigned": "gave it to somebody else",
    "alert.claimed": "took it",
    "alert.released": "gave it back",
    "alert.waiting": "put it on hold",
    "alert.resumed": "took it up again",
    "alert.moved": "moved it to another queue",
    "alert.decided": "decided on it",
    "alert.closing": "asked for approval to close it",
    "alert.refused": "refused to close it",
    "alert.withdrawn": "took back the request to close it",
    "alert.closed": "closed it",
    "alert.purged": "dropped its texts",
}


def row_of(connection: Connection, number: int) -> RowMapping:
    """The alert of this number.

    Raises:
        CaseworkError: there is none.
    """
    row = connection.execute(select(alerts).where(alerts.c.number == number)).mappings().one_or_none()
    if row is None:
        raise CaseworkError(f"there is no alert {number}; `finpat case list` shows those there are")
    return row


def seen(change: Change, number: int, version: int | None) -> RowMapping:
    """The alert as it is now, which has to be as the actor saw it (None: whatever it is).

    Raises:
        ConflictError: somebody has changed it since.
        CaseworkError: there is no such alert.
    """
    row = row_of(change.connection, number)
    if version is not None and version != row["version"]:
        raise ConflictError(_conflict(change.connection, row))
    return row


def _conflict(connection: Connection, row: RowMapping) -> str:
    last = connection.execute(
        select(trail.c.action, trail.c.actor, trail.c.at)
        .where(trail.c.object_kind == "alert", trail.c.object_id == str(row["number"]))
        .where(trail.c.action.in_(DONE))
        .order_by(trail.c.sequence.desc())
        .limit(1)
    ).one()
    return (
        f"alert {row['number']} of account {row['account_id']}: {last.actor} {DONE[last.action]} at "
        f"{last.at.isoformat(sep=' ', timespec='minutes')} UTC, after you looked; nothing of yours was "
        "kept: look again and repeat"
    )


def revise(
    change: Change, row: RowMapping, action: str, details: Mapping[str, Any] | None = None, **values: Any
) -> int:
    """Give an alert new values and the next version, and tell of it; the entry's number.

    `details` come into the audit trail together with the state, assignee and version that the alert has now.
    """
    now = dict(row) | values
    version = row["version"] + 1
    change.execute(
        update(alerts)
        .where(alerts.c.number == row["number"])
        .values(**values, version=version, changed_at=change.at, changed_by=change.actor)
    )
    return change.record(
        action,
        "alert",
        row["number"],
        {
            "account_id": row["account_id"],
            "state": now["state"],
            "assignee": now["assignee"],
            "queue": now["queue"],
            "version": version,
        }
        | dict(details or {}),
    )


def claim(change: Change, number: int, *, version: int | None = None) -> None:
    """Take an alert that nobody, or somebody else, has: the actor reviews it now.

    Raises:
        CaseworkError: it is closed, or waits for approval.
        ConflictError: somebody has changed it since it was seen.
    """
    row = _open(change, number, version)
    revise(change, row, "alert.claimed", state=IN_REVIEW, assignee=change.actor, waits_until=None)


def assign(change: Change, versions: Mapping[int, int | None], assignee: str | None) -> None:
    """Give alerts to somebody, or back to nobody (None), all or none of them; `versions` as they were seen.

    Raises:
        CaseworkError: one of them is closed, or waits for approval.
        ConflictError: somebody has changed one since it was seen.
    """
    who = None if assignee is None else texts.line(assignee, "assignee")
    for number, version in sorted(versions.items()):
        row = _open(change, number, version)
        state = row["state"] if who else (NEW if row["state"] == IN_REVIEW else row["state"])
        action = "alert.assigned" if who else "alert.released"
        revise(change, row, action, {"before": row["assignee"]}, assignee=who, state=state)


def wait(
    change: Change, number: int, reason: str, *, until: date | None = None, version: int | None = None
) -> None:
    """Put an alert on hold: for a reply, a document; `until` is the day to look again.

    Raises:
        CaseworkError: it is closed, or waits for approval.
        ConflictError: somebody has changed it since it was seen.
    """
    row = _open(change, number, version)
    told = {"reason": texts.line(reason, "reason", texts.REASON), "until": until}
    revise(change, row, "alert.waiting", told, state=WAITING, waits_until=until)


def resume(change: Change, number: int, *, version: int | None = None) -> None:
    """Take up an alert that was on hold.

    Raises:
        CaseworkError: it is not on hold.
        ConflictError: somebody has changed it since it was seen.
    """
    row = seen(change, number, version)
    if row["state"] != WAITING:
        raise CaseworkError(f"alert {number} is {in_words(row['state'])}, not on hold")
    revise(change, row, "alert.resumed", state=IN_REVIEW, waits_until=None)


def reopen(change: Change, number: int, reason: str, *, version: int | None = None) -> None:
    """Open a closed alert again.

    Raises:
        CaseworkError: it is not closed.
        ConflictError: somebody has changed it since it was seen.
    """
    row = seen(change, number, version)
    if row["state"] != CLOSED:
        raise CaseworkError(f"alert {number} is {in_words(row['state'])}; only a closed one can be reopened")
    told = {"reason": texts.line(reason, "reason", texts.REASON)}
    revise(
        change,
        row,
        "alert.reopened",
        told,
        state=REOPENED,
        assignee=None,
        closed_at=None,
        reopened_count=row["reopened_count"] + 1,
    )


def move(change: Change, number: int, queue: str, reason: str, *, version: int | None = None) -> None:
    """Move an alert between the subjects and the possible victims, who are to be protected and referred.

    A run moves into `protect` only; out of it takes a person and a reason.

    Raises:
        CaseworkError: there is no such queue, it is there already, or it waits for approval.
        ConflictError: somebody has changed it since it was seen.
    """
    if queue not in QUEUES:
        raise CaseworkError(f"there is no queue {queue!r}; expected {' or '.join(QUEUES)}")
    row = seen(change, number, version)
    if row["queue"] == queue:
        raise CaseworkError(f"alert {number} is in queue {queue} already")
    if row["state"] == PENDING:
        raise CaseworkError(f"alert {number} waits for approval; that comes first")
    told = {"before": row["queue"], "reason": texts.line(reason, "reason", texts.REASON)}
    revise(change, row, "alert.moved", told, queue=queue)


def in_words(state: str) -> str:
    """A state for a sentence."""
    return state.replace("_", " ")


def _open(change: Change, number: int, version: int | None) -> RowMapping:
    row = seen(change, number, version)
    if row["state"] == CLOSED:
        raise CaseworkError(f"alert {number} is closed; reopen it first")
    if row["state"] == PENDING:
        raise CaseworkError(f"alert {number} waits for approval; that comes first")
    return row


def history(connection: Connection, number: int, limit: int = 1000) -> list[audit.Entry]:
    """What was done to an alert, newest first."""
    return audit.entries(connection, object_kind="alert", object_id=str(number), limit=limit)
