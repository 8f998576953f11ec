"""Refused attempts to sign in: each one makes the next wait, for the name and for the address it came from.

Names that nobody has are counted like any other, so that waiting does not tell which exist. Who may try again
at once: whose password was right, or was reset.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import Connection, delete, insert, select, update

from finpat.casework.database import Change, Database
from finpat.casework.tables import refusals
from finpat.config import DashboardSettings
from finpat.errors import CaseworkError

_FORGOTTEN = timedelta(days=1)  # refusals older than this no longer count
_LONGEST_WAIT = timedelta(minutes=15)


class SignInError(CaseworkError):
    """Signing in is refused; the message is the same for a wrong password and an unknown name."""


class Wait(NamedTuple):
    """Somebody has to wait: the name or the address, until when, after how many attempts."""

    is_address: bool
    until: datetime
    attempts: int


def watched(name: str, address: str, settings: DashboardSettings) -> dict[str, int]:
    """What an attempt counts for, and how many attempts each has before it waits."""
    return {_of_name(name): settings.attempts_per_user, _of_address(address): settings.attempts_per_address}


def count(database: Database, watched: Mapping[str, int], at: datetime, settings: DashboardSettings) -> None:
    """Count an attempt before it is judged, so that attempts at the same time all count.

    Raises:
        SignInError: the name or the address has to wait; then nothing is counted.
    """
    with database.upkeep() as connection:
        connection.execute(delete(refusals).where(refusals.c.last_at <= at - _FORGOTTEN))
        rows = connection.execute(select(refusals).where(refusals.c.of_what.in_(watched))).all()
        waits = [row.wait_until for row in rows if row.wait_until and row.wait_until > at]
        if waits:
            seconds = max(1, round((max(waits) - at).total_seconds()))
            raise SignInError(f"Too many attempts. Wait {_spoken(seconds)}, then try again.")
        before = {row.of_what: row.attempts for row in rows}
        for what, free in watched.items():
            attempts = before.get(what, 0) + 1
            values = {"attempts": attempts, "last_at": at, "wait_until": None}
            if attempts >= free:
                first = timedelta(seconds=settings.first_wait_seconds)
                values["wait_until"] = at + min(_LONGEST_WAIT, first * 2 ** min(attempts - free, 20))
            if what in before:
                connection.execute(update(refusals).where(refusals.c.of_what == what).values(**values))
            else:
                connection.execute(insert(refusals), [{"of_what": what, **values}])


def take_back(connection: Connection, watched: Mapping[str, int]) -> None:
    """The attempt was right: the name begins anew, the address has one less."""
    name, address = watched
    connection.execute(delete(refusals).where(refusals.c.of_what == name))
    connection.execute(
        update(refusals)
        .where(refusals.c.of_what == address)
        .values(attempts=refusals.c.attempts - 1, wait_until=None)
    )


def waits(change: Change, watched: Mapping[str, int]) -> list[Wait]:
    """Which of `watched` have to wait now."""
    rows = change.ask(
        select(refusals)
        .where(refusals.c.of_what.in_(watched), refusals.c.wait_until > change.at)
        .order_by(refusals.c.of_what)
    )
    return [Wait(row.of_what.startswith("address:"), row.wait_until, row.attempts) for row in rows]


def forget(change: Change, name: str) -> None:
    """Let a user try again at once."""
    change.execute(delete(refusals).where(refusals.c.of_what == _of_name(name)))


def _of_name(name: str) -> str:
    # People type passwords into the wrong field; what they typed is not kept.
    return "name:" + hashlib.sha256(name.strip().lower().encode()).hexdigest()


def _of_address(address: str) -> str:
    return f"address:{address}"


def _spoken(seconds: int) -> str:
    return f"{seconds} seconds" if seconds < 90 else f"{round(seconds / 60)} minutes"
