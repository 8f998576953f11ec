"""Personal data shown for a reason: to one session, of one object, for a while; the trail keeps why."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import Connection, insert, select

from finpat.casework import requests, texts
from finpat.casework.database import Change
from finpat.casework.tables import reveals
from finpat.config import Settings


class Answer(NamedTuple):
    """What became of it: shown until (naive UTC), or else the request that somebody else has to approve."""

    until: datetime | None
    request: int | None


def reveal(
    change: Change, token_hash: str, object_kind: str, object_id: str, reason: str, settings: Settings
) -> Answer:
    """Show the personal data of one object to one session.

    Where the settings want four eyes, the first call asks for approval, and one after the approval shows.

    Raises:
        UsageError: the reason is empty or too long.
    """
    request = requests.use_or_ask(change, "reveal", object_kind, object_id, reason, settings.casework)
    if request is not None:
        return Answer(None, request)
    until = change.at + timedelta(minutes=settings.dashboard.reveal_minutes)
    details = {"reason": texts.line(reason, "reason"), "until": until}
    number = change.record("data.revealed", object_kind, object_id, details)
    row = {
        "number": number,
        "token_hash": token_hash,
        "object_kind": object_kind,
        "object_id": object_id,
        "until": until,
    }
    change.execute(insert(reveals), [row])
    return Answer(until, None)


def shown_to(connection: Connection, token_hash: str, at: datetime) -> dict[tuple[str, str], datetime]:
    """The objects, as kind and id, whose personal data a session may see, and until when."""
    rows = connection.execute(
        select(reveals)
        .where(reveals.c.token_hash == token_hash, reveals.c.until > at)
        .order_by(reveals.c.until)
    )
    return {(row.object_kind, row.object_id): row.until for row in rows}
