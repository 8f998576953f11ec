"""Whether the tables hold what the audit trail tells: somebody may change a note and leave the trail alone.

The trail is walked once and says how each alert, decision, note, file, judgement, suppression and request has
to look; of texts it holds the digests. The first thing that looks otherwise, is missing, or that no entry
tells of, is named.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, select

from finpat.casework import texts
from finpat.casework.tables import (
    alerts,
    attachments,
    audit,
    dispositions,
    judgements,
    notes,
    requests,
    suppressions,
)

Thing = tuple[str, int]  # what it is in words, its number
Look = dict[str, Any]
GONE = texts.digest("")  # digest of a text that was dropped when its time was over
_ALERT = ("account_id", "state", "assignee", "queue", "version")
_DECISION = ("kind", "reference", "reference_on", "decided_by", "approved_by")
_JUDGEMENT = ("kind", "left_id", "right_id", "verdict")
_SUPPRESSION = ("account_id", "indicator_id", "owner", "expires_on", "approved_by")
_REQUEST = ("action", "object_kind", "object_id")


def first_difference(connection: Connection) -> str | None:
    """The thing of the lowest number that is not as the trail tells; None where all are."""
    told = _told(connection)
    faults = []
    for thing, look in _found(connection):
        expected = told.pop(thing, None)
        if expected is None:
            faults.append((thing[1], f"{thing[0]} {thing[1]} is told of by no entry of the trail"))
        elif wrong := sorted(name for name in expected if expected[name] != look.get(name)):
            faults.append((thing[1], f"{thing[0]} {thing[1]} is not as the trail tells: {', '.join(wrong)}"))
    faults += [(thing[1], f"{thing[0]} {thing[1]} was removed") for thing in told]
    return min(faults)[1] if faults else None


def _told(connection: Connection) -> dict[Thing, Look]:
    """How everything has to look after all entries."""
    expected = _Expected()
    kinds = {
        "alert": expected.alert,
        "judgement": expected.judgement,
        "suppression": expected.suppression,
        "request": expected.request,
    }
    query = select(audit).where(audit.c.object_kind.in_(kinds)).order_by(audit.c.sequence)
    for row in connection.execution_options(yield_per=5_000).execute(query):
        tell = kinds[row.object_kind]
        tell(row.sequence, int(row.object_id), row.action, row.actor, json.loads(row.details))
    return expected.things


class _Expected:
    """How things look so far; each method takes one entry about the kind that it is named after."""

    def __init__(self) -> None:
        self.things: dict[Thing, Look] = {}
        self._texts: dict[int, list[Thing]] = defaultdict(list)  # of an alert: what is dropped together

    def alert(self, sequence: int, number: int, action: str, actor: str, details: Look) -> None:
        if "version" in details:
            self.things["alert", number] = _part(details, _ALERT)
        if action in ("alert.decided", "alert.closed"):
            look = _part(details, _DECISION) | {"alert": number, "reason": details["reason_sha256"]}
            self._keep(number, ("decision", sequence), look)
        elif action == "alert.noted":
            look = {"alert": number, "text": details["text_sha256"], "written_by": actor}
            self._keep(number, ("note", sequence), look)
        elif action == "alert.attached":
            look = _part(details, ("note", "sha256")) | {"name": details["name_sha256"]}
            self._keep(number, ("attached file", sequence), look)
        elif action == "alert.purged":
            self._drop(self._texts.pop(number, []))

    def judgement(self, _: int, number: int, action: str, actor: str, details: Look) -> None:
        if action == "judgement.made":
            look = {"reason": details["reason_sha256"], "judged_by": actor, "undone_by": None}
            self.things["judgement", number] = _part(details, _JUDGEMENT) | look
        else:
            self.things["judgement", number]["undone_by"] = actor

    def suppression(self, _: int, number: int, action: str, actor: str, details: Look) -> None:
        if action == "suppression.made":
            look = {"reason": details["reason_sha256"], "ended_by": None}
            self.things["suppression", number] = _part(details, _SUPPRESSION) | look
        else:
            self.things["suppression", number]["ended_by"] = actor

    def request(self, _: int, number: int, action: str, actor: str, details: Look) -> None:
        if action == "request.made":
            look = {"reason": details["reason_sha256"], "details": details["details_sha256"]}
            look |= {"requested_by": actor, "state": "open", "settled_by": None}
            self.things["request", number] = _part(details, _REQUEST) | look
            if details["object_kind"] == "alert":
                self._texts[int(details["object_id"])].append(("request", number))
            return
        self.things["request", number]["state"] = details["state"]
        if action != "request.used":
            self.things["request", number]["settled_by"] = actor

    def _keep(self, alert: int, thing: Thing, look: Look) -> None:
        self.things[thing] = look
        self._texts[alert].append(thing)

    def _drop(self, things: list[Thing]) -> None:
        """What remains of an alert's texts after they were dropped (`retention.py`)."""
        for thing in things:
            if thing[0] == "attached file":
                del self.things[thing]
            else:
                texts_of = [name for name in ("reason", "text", "details") if name in self.things[thing]]
                self.things[thing] |= dict.fromkeys(texts_of, GONE)


def _part(details: Look, names: tuple[str, ...]) -> Look:
    return {name: details[name] for name in names}


def _found(connection: Connection) -> Iterator[tuple[Thing, Look]]:
    """How everything looks in the tables."""
    for kind, table, digested in (
        ("alert", alerts, ()),
        ("decision", dispositions, ("reason",)),
        ("note", notes, ("text",)),
        ("attached file", attachments, ("name",)),
        ("judgement", judgements, ("reason",)),
        ("suppression", suppressions, ("reason",)),
        ("request", requests, ("reason", "details")),
    ):
        query = select(table).order_by(table.c.number)
        for row in connection.execution_options(yield_per=5_000).execute(query).mappings():
            look = {str(name): _plain(value) for name, value in row.items()}
            for name in digested:
                look[name] = texts.digest(look[name])
            yield (kind, row["number"]), look


def _plain(value: Any) -> Any:
    """Days as the trail writes them."""
    return value.isoformat() if hasattr(value, "isoformat") else value
