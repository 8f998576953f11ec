"""Requests: one person asks, another one settles; what the settings name under `four_eyes` takes one.

Closing an alert and suppressing happen when they are approved (`decisions.py`). An approved export or reveal
is a permission that the requester may use once, within the hours of the settings. Whether somebody has the
right to approve is for the caller to know; that nobody settles a request of their own is this room's to keep.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, RowMapping, insert, select, update

from finpat.casework import audit, texts
from finpat.casework.database import Change
from finpat.casework.tables import requests
from finpat.config import CaseworkSettings
from finpat.errors import CaseworkError

ACTIONS = ("close", "export", "reveal", "suppress")
PERMISSIONS = ("export", "reveal")  # used by the requester after approval
OPEN, APPROVED, REFUSED, WITHDRAWN, USED = ("open", "approved", "refused", "withdrawn", "used")


def ask(
    change: Change,
    action: str,
    object_kind: str,
    object_id: object,
    reason: str,
    details: Mapping[str, Any] | None = None,
) -> int:
    """Ask another person to approve an action on one thing; the request's number."""
    if action not in ACTIONS:
        raise CaseworkError(f"there is no request to {action!r}; expected one of {', '.join(ACTIONS)}")
    number = change.number
    row: dict[str, Any] = {
        "number": number,
        "action": action,
        "object_kind": object_kind,
        "object_id": str(object_id),
        "details": audit.canonical(dict(details or {})),
        "reason": texts.note(reason, "reason", texts.REASON),
        "requested_by": change.actor,
        "requested_at": change.at,
        "state": OPEN,
    }
    change.execute(insert(requests), [row])
    told = {name: row[name] for name in ("action", "object_kind", "object_id")}
    digests = {"details_sha256": texts.digest(row["details"]), "reason_sha256": texts.digest(row["reason"])}
    return change.record("request.made", "request", number, told | digests)


def get(connection: Connection, number: int) -> RowMapping:
    """The request of this number.

    Raises:
        CaseworkError: there is none.
    """
    row = connection.execute(select(requests).where(requests.c.number == number)).mappings().one_or_none()
    if row is None:
        raise CaseworkError(f"there is no request {number}")
    return row


def settle(
    change: Change, number: int, approved: bool, reason: str, settings: CaseworkSettings
) -> RowMapping:
    """Approve or refuse a request; the request as it was asked.

    Raises:
        CaseworkError: there is none, it is settled, or it is the actor's own.
    """
    row = _unsettled(change, number)
    if row["requested_by"].casefold() == change.actor.casefold():
        raise CaseworkError(
            f"request {number} is {row['requested_by']}'s own; somebody else has to settle it"
        )
    values: dict[str, Any] = {
        "settled_reason": texts.line(reason, "reason", texts.REASON) if reason else None
    }
    if approved and row["action"] in PERMISSIONS:
        values["usable_until"] = change.at + timedelta(hours=settings.approval_hours)
    _settled(change, row, APPROVED if approved else REFUSED, **values)
    return row


def withdraw(change: Change, number: int) -> RowMapping:
    """Take back a request of one's own.

    Raises:
        CaseworkError: there is none, it is settled, or it is somebody else's.
    """
    row = _unsettled(change, number)
    if row["requested_by"].casefold() != change.actor.casefold():
        raise CaseworkError(f"request {number} is {row['requested_by']}'s; only they can take it back")
    _settled(change, row, WITHDRAWN)
    return row


def use(change: Change, number: int, action: str, object_kind: str, object_id: object) -> None:
    """Make use of an approved permission, once.

    Raises:
        CaseworkError: it is for something else or somebody else, not approved, used, or its time is over.
    """
    row = get(change.connection, number)
    if (row["action"], row["object_kind"], row["object_id"]) != (action, object_kind, str(object_id)):
        raise CaseworkError(
            f"request {number} is to {row['action']} {row['object_kind']} {row['object_id']}, not to "
            f"{action} {object_kind} {object_id}"
        )
    if row["requested_by"].casefold() != change.actor.casefold():
        raise CaseworkError(f"request {number} is {row['requested_by']}'s; ask for one of your own")
    if row["state"] != APPROVED:
        raise CaseworkError(f"request {number} is {row['state']}, not approved")
    if row["usable_until"] <= change.at:
        raise CaseworkError(f"request {number} could be used until {row['usable_until']} UTC; ask again")
    change.execute(update(requests).where(requests.c.number == number).values(state=USED, used_at=change.at))
    change.record("request.used", "request", number, {"state": USED})


def use_or_ask(
    change: Change, action: str, object_kind: str, object_id: str, reason: str, settings: CaseworkSettings
) -> int | None:
    """Whether the actor may do it now: None, or the number of the request that waits for somebody else.

    Where the settings want no four eyes for it, nothing is asked. Else the first call asks for approval, and
    one after the approval uses it up.
    """
    if action not in settings.four_eyes:
        return None
    number, state = _own(change, action, object_kind, object_id)
    if number is None:
        return ask(change, action, object_kind, object_id, reason)
    if state != APPROVED:
        return number
    use(change, number, action, object_kind, object_id)
    return None


def _own(change: Change, action: str, object_kind: str, object_id: str) -> tuple[int | None, str | None]:
    """The actor's newest request for it that waits or may be used, and its state."""
    row = change.ask(
        select(requests.c.number, requests.c.state, requests.c.usable_until)
        .where(
            requests.c.action == action,
            requests.c.object_kind == object_kind,
            requests.c.object_id == object_id,
            requests.c.requested_by == change.actor,
        )
        .order_by(requests.c.number.desc())
        .limit(1)
    ).one_or_none()
    if row is None or row.state not in (OPEN, APPROVED):
        return None, None
    if row.state == APPROVED and row.usable_until <= change.at:
        return None, None
    return row.number, row.state


def _unsettled(change: Change, number: int) -> RowMapping:
    row = get(change.connection, number)
    if row["state"] != OPEN:
        who = f" by {row['settled_by']}" if row["settled_by"] else ""
        raise CaseworkError(f"request {number} is {row['state']}{who} already")
    return row


def _settled(change: Change, row: RowMapping, state: str, **values: Any) -> None:
    change.execute(
        update(requests)
        .where(requests.c.number == row["number"])
        .values(state=state, settled_by=change.actor, settled_at=change.at, **values)
    )
    told = {"state": state, "reason": values.get("settled_reason")}
    change.record(f"request.{state}", "request", row["number"], told)


def details_of(row: RowMapping) -> dict[str, Any]:
    """What a request carries."""
    details: dict[str, Any] = json.loads(row["details"])
    return details


def unsettled(connection: Connection, actions: tuple[str, ...] = ACTIONS) -> list[RowMapping]:
    """Requests that wait for somebody, the oldest first."""
    query = (
        select(requests)
        .where(requests.c.state == OPEN, requests.c.action.in_(actions))
        .order_by(requests.c.number)
    )
    return list(connection.execute(query).mappings())
