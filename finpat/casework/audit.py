"""The audit trail: who did what, when, to which thing; append-only, each entry chained to the one before.

An entry's hash is SHA-256 over its columns and the hash of the entry before, so that changing, removing,
moving or putting in an entry breaks the chain at that place. What a chain cannot show by itself, entries
removed at its end, an anchor shows: a number and hash kept elsewhere (`anchor.py`, or noted by a person from
`finpat audit verify`).

The chain has no secret in it: somebody who may rewrite the database *and* every anchor can forge a whole one.
Note the newest hash outside from time to time.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, NamedTuple

from sqlalchemy import Connection, insert, select

from finpat.casework.tables import audit

BEGINNING = "0" * 64  # what the first entry has for the hash before it
_PIECE = 5_000  # entries held at a time while verifying


class Anchor(NamedTuple):
    """The newest entry as it was at some time: its number and its hash."""

    sequence: int
    hash: str

    def __str__(self) -> str:
        return f"{self.sequence}:{self.hash}"


@dataclass(frozen=True)
class Entry:
    """One row of the trail; `at` is naive UTC, `details` canonical JSON."""

    sequence: int
    at: datetime
    actor: str
    action: str
    object_kind: str
    object_id: str
    details: str
    previous_hash: str
    hash: str


@dataclass(frozen=True)
class Verdict:
    """What verifying found: how many entries there are, the newest, and the first fault (None: none).

    unanchored: entries written after the anchor, which no anchor vouches for yet.
    """

    entries: int
    newest: Anchor | None
    fault: str | None
    unanchored: int = 0


def canonical(value: Any) -> str:
    """A value as the one JSON text for it: keys in order, no blanks, instants ISO 8601, decimals as text."""
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False, default=_plain
    )


def _plain(value: Any) -> str:
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no canonical form")


def chained(
    before: Anchor | None,
    *,
    at: datetime,
    actor: str,
    action: str,
    object_kind: str,
    object_id: str,
    details: str,
) -> Entry:
    """The entry that follows `before` (None: the first)."""
    sequence, previous_hash = (before.sequence + 1, before.hash) if before else (1, BEGINNING)
    content = (sequence, at, actor, action, object_kind, object_id, details, previous_hash)
    return Entry(*content, hash=_digest(*content))


def _digest(sequence: int, at: datetime, *rest: str) -> str:
    content = canonical([sequence, at.isoformat(timespec="microseconds"), *rest])
    return hashlib.sha256(content.encode("utf-8")).hexdigest()


def newest(connection: Connection) -> Anchor | None:
    """The last entry of the trail; None where there is none."""
    row = connection.execute(
        select(audit.c.sequence, audit.c.hash).order_by(audit.c.sequence.desc()).limit(1)
    ).one_or_none()
    return Anchor(*row) if row else None


def holds(connection: Connection, anchor: Anchor) -> bool:
    """Whether the trail has the anchor's entry."""
    kept = connection.execute(select(audit.c.hash).where(audit.c.sequence == anchor.sequence)).scalar()
    return kept == anchor.hash


def append(connection: Connection, entries: Iterable[Entry]) -> None:
    """Write entries that `chained` made, in order."""
    rows = [asdict(entry) for entry in entries]
    if rows:
        connection.execute(insert(audit), rows)


def verify(connection: Connection, anchors: Mapping[str, Anchor]) -> Verdict:
    """Walk the whole trail and tell the first fault; `anchors` by where each was kept."""
    fault: str | None = None
    before: Anchor | None = None
    count = 0
    due = {anchor.sequence: (where, anchor) for where, anchor in sorted(anchors.items())}
    for entry in _all(connection):
        count += 1
        fault = fault or _fault_of(entry, before)
        where, anchor = due.get(entry.sequence, ("", None))
        if fault is None and anchor is not None and anchor.hash != entry.hash:
            fault = f"entry {entry.sequence} is not the one that was written: {where} has another hash for it"
        before = Anchor(entry.sequence, entry.hash)
    reached = before.sequence if before else 0
    for where, anchor in due.values():
        if fault is None and anchor.sequence > reached:
            missing = f"entry {reached + 1} was removed"
            if anchor.sequence > reached + 1:
                missing = f"entries {reached + 1} to {anchor.sequence} were removed"
            fault = f"{missing}: {where} has entry {anchor.sequence} for the newest"
    last = max(due, default=0)
    return Verdict(count, before, fault, max(0, reached - last))


def _all(connection: Connection) -> Iterator[Entry]:
    rows = connection.execution_options(yield_per=_PIECE).execute(select(audit).order_by(audit.c.sequence))
    for row in rows:
        yield Entry(*row)


def _fault_of(entry: Entry, before: Anchor | None) -> str | None:
    """What is wrong with an entry that comes after `before`; None where nothing is."""
    expected = before.sequence + 1 if before else 1
    if entry.sequence < expected:
        return f"entry {entry.sequence} was put in: the trail begins at 1"
    if entry.sequence > expected:
        return f"entry {expected} was removed: entry {entry.sequence} comes next"
    content = asdict(entry)
    told = content.pop("hash")
    if _digest(*content.values()) != told:
        return f"entry {entry.sequence} was changed or put in another place: its hash is of other content"
    if entry.previous_hash != (before.hash if before else BEGINNING):
        what = f"entry {before.sequence} was changed" if before else "entries before it were removed"
        return f"{what}: entry {entry.sequence} was written after another one than stands there"
    return None


def entries(
    connection: Connection,
    *,
    object_kind: str | None = None,
    object_id: str | None = None,
    actor: str | None = None,
    action: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    before: int | None = None,
    limit: int = 100,
) -> list[Entry]:
    """Entries of this choice, newest first: at most `limit`, those written before entry `before` only.

    `action` names one (`alert.opened`) or, without a point, all of a kind (`alert`). Instants are naive UTC;
    `since` is included, `until` is not.
    """
    query = select(audit).order_by(audit.c.sequence.desc()).limit(limit)
    for column, wanted in ((audit.c.object_kind, object_kind), (audit.c.object_id, object_id)):
        if wanted is not None:
            query = query.where(column == wanted)
    if actor is not None:
        query = query.where(audit.c.actor == actor)
    if action is not None:
        exact = "." in action
        query = query.where(
            audit.c.action == action if exact else audit.c.action.startswith(action + ".", autoescape=True)
        )
    if since is not None:
        query = query.where(audit.c.at >= since)
    if until is not None:
        query = query.where(audit.c.at < until)
    if before is not None:
        query = query.where(audit.c.sequence < before)
    return [Entry(*row) for row in connection.execute(query)]
