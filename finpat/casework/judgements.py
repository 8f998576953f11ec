"""Judgements: that two ids stand for the same one, do not, or that nobody can say yet.

A log: each judgement stays, a later one on the same pair takes its place, and one that is undone gives the
place back to the one before. `current_judgements` is what later runs are told.
"""

from __future__ import annotations

from sqlalchemy import Connection, RowMapping, insert, select, update

from finpat.casework import texts
from finpat.casework.database import Change
from finpat.casework.tables import judgements
from finpat.errors import CaseworkError, UsageError

VERDICTS = ("same", "not_same", "undecided")


def judge(change: Change, kind: str, one: str, other: str, verdict: str, reason: str) -> int:
    """Keep a judgement on two ids of one `kind` (`account`, `person`, `ad_cluster`, ...); its number.

    The order of the two says nothing and is not kept.

    Raises:
        UsageError: there is no such verdict, the two are one, or something is left empty.
    """
    if verdict not in VERDICTS:
        raise UsageError.unknown("verdict", verdict, VERDICTS)
    left, right = sorted((texts.line(one, "first id"), texts.line(other, "second id")))
    if left == right:
        raise UsageError(f"{kind} {left}: is the same as itself")
    row = {
        "number": change.number,
        "kind": texts.line(kind, "kind"),
        "left_id": left,
        "right_id": right,
        "verdict": verdict,
        "reason": texts.note(reason, "reason", texts.REASON),
        "judged_by": change.actor,
        "judged_at": change.at,
    }
    change.execute(insert(judgements), [row])
    told = {name: row[name] for name in ("kind", "left_id", "right_id", "verdict")}
    return change.record(
        "judgement.made",
        "judgement",
        change.number,
        told | {"reason_sha256": texts.digest(str(row["reason"]))},
    )


def undo(change: Change, number: int, reason: str) -> None:
    """Take a judgement out of force.

    Raises:
        CaseworkError: there is none of this number, or it is undone already.
    """
    row = change.ask(select(judgements).where(judgements.c.number == number)).mappings().one_or_none()
    if row is None:
        raise CaseworkError(f"there is no judgement {number}")
    if row["undone_at"] is not None:
        raise CaseworkError(f"judgement {number} was undone by {row['undone_by']} already")
    why = texts.line(reason, "reason", texts.REASON)
    change.execute(
        update(judgements)
        .where(judgements.c.number == number)
        .values(undone_by=change.actor, undone_at=change.at, undone_reason=why)
    )
    change.record("judgement.undone", "judgement", number, {"reason": why})


def current_judgements(connection: Connection, kind: str | None = None) -> list[RowMapping]:
    """The judgement in force on each pair, by kind and ids: the newest that is not undone."""
    query = select(judgements).where(judgements.c.undone_at.is_(None)).order_by(judgements.c.number)
    if kind is not None:
        query = query.where(judgements.c.kind == kind)
    pairs = {
        (row["kind"], row["left_id"], row["right_id"]): row for row in connection.execute(query).mappings()
    }
    return [pairs[pair] for pair in sorted(pairs)]


def judgements_of(connection: Connection, kind: str, some_id: str) -> list[RowMapping]:
    """All judgements that one id is in, newest first, those undone included."""
    query = (
        select(judgements)
        .where(judgements.c.kind == kind)
        .where((judgements.c.left_id == some_id) | (judgements.c.right_id == some_id))
        .order_by(judgements.c.number.desc())
    )
    return list(connection.execute(query).mappings())
