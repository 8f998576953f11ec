"""Suppressions: for a time, an account opens no alerts, or none that rest on one indicator.

Each has an owner, a reason, and a day on which it expires. It ends earlier when the account grows past what
it was when the suppression was made, by the bounds of the settings (`following.py`), or when somebody lifts
it.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, RowMapping, insert, select, update

from finpat.casework import texts
from finpat.casework.database import Change
from finpat.casework.tables import suppressions
from finpat.config import CaseworkSettings
from finpat.errors import CaseworkError, UsageError


def checked_expiry(expires_on: date, at: datetime, settings: CaseworkSettings) -> date:
    """The day, if it is one on which a suppression made now may expire.

    Raises:
        UsageError: it has passed already, or is further away than the settings allow.
    """
    latest = at.date() + timedelta(days=settings.suppression_days)
    if not at.date() < expires_on <= latest:
        raise UsageError(f"expiry {expires_on}: expected a day after {at.date()} and up to {latest}")
    return expires_on


def make(
    change: Change,
    account_id: str,
    reason: str,
    expires_on: date,
    *,
    indicator_id: str | None,
    score: int,
    findings: int,
    owner: str | None = None,
    approved_by: str | None = None,
) -> int:
    """Suppress an account's alerts, or those that rest on one indicator, up to the day before `expires_on`.

    score, findings: what the account has now, which growth is measured from. owner: who answers for it; the
    actor where nobody else is named. Where the settings ask for a second person, use `decisions.suppress`.
    """
    number = change.number
    row: dict[str, Any] = {
        "number": number,
        "account_id": account_id,
        "indicator_id": indicator_id,
        "owner": owner or change.actor,
        "reason": texts.note(reason, "reason", texts.REASON),
        "made_at": change.at,
        "expires_on": expires_on,
        "approved_by": approved_by,
        "basis_score": score,
        "basis_findings": findings,
    }
    change.execute(insert(suppressions), [row])
    told = {name: row[name] for name in ("account_id", "indicator_id", "owner", "expires_on", "approved_by")}
    return change.record(
        "suppression.made", "suppression", number, told | {"reason_sha256": texts.digest(row["reason"])}
    )


def lift(change: Change, number: int, reason: str) -> None:
    """End a suppression before its time.

    Raises:
        CaseworkError: there is none of this number, or it has ended.
    """
    row = change.ask(select(suppressions).where(suppressions.c.number == number)).mappings().one_or_none()
    if row is None:
        raise CaseworkError(f"there is no suppression {number}")
    if row["ended_at"] is not None or row["expires_on"] <= change.at.date():
        raise CaseworkError(f"suppression {number} has ended already")
    _end(change, row, texts.line(reason, "reason", texts.REASON))


def outgrown(change: Change, row: RowMapping, run_id: str, score: int, findings: int) -> None:
    """End a suppression whose account has grown past its basis."""
    grown = f"score {row['basis_score']} to {score}, findings {row['basis_findings']} to {findings}"
    _end(change, row, f"run {run_id}: {grown}")


def _end(change: Change, row: RowMapping, reason: str) -> None:
    change.execute(
        update(suppressions)
        .where(suppressions.c.number == row["number"])
        .values(ended_at=change.at, ended_by=change.actor, ended_reason=reason)
    )
    told = {"account_id": row["account_id"], "reason": reason}
    change.record("suppression.ended", "suppression", row["number"], told)


def active(connection: Connection, at: datetime) -> dict[str, list[RowMapping]]:
    """The suppressions in force at an instant, by account."""
    query = (
        select(suppressions)
        .where(suppressions.c.ended_at.is_(None), suppressions.c.expires_on > at.date())
        .order_by(suppressions.c.number)
    )
    found: dict[str, list[RowMapping]] = defaultdict(list)
    for row in connection.execute(query).mappings():
        found[row["account_id"]].append(row)
    return found
