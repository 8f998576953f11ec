"""Decisions: what an alert came to, kept apart by what each kind of it proves.

*Suspicious* is an analyst's view, *reported* a filing with number and date, *feedback* what the authority
answered, *confirmed* what somebody else established. Only the last is knowledge about the account: a report
is no proof, and whoever learns from decisions has to know which is which. An alert collects them in the
course of time, also after it was closed. *Referred* is for possible victims: protect and refer; they are
never the subject of a report (FIN-2020-A008).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import RowMapping, insert, select

from finpat.casework import alerts as states
from finpat.casework import requests, suppressions, texts
from finpat.casework.database import Change
from finpat.casework.tables import dispositions
from finpat.config import CaseworkSettings
from finpat.errors import CaseworkError, UsageError

SUSPICIOUS, REPORTED, FEEDBACK, CONFIRMED, NOT_SUSPICIOUS, UNDETERMINED, REFERRED = KINDS = (
    "suspicious",
    "reported",
    "feedback",
    "confirmed",
    "not_suspicious",
    "undetermined",
    "referred",
)
CAME_TO_NOTHING = (NOT_SUSPICIOUS, UNDETERMINED)
CLOSING = tuple(kind for kind in KINDS if kind != FEEDBACK)
# Of a possible victim's alert nothing is said that makes them a subject.
OF_PROTECTED = (REFERRED, *CAME_TO_NOTHING)


@dataclass(frozen=True)
class Decision:
    """One disposition as somebody states it.

    reference: number of the report or of the answer, name of what confirmed it. reference_on: its date.
    """

    kind: str
    reason: str
    reference: str | None = None
    reference_on: date | None = None

    def checked(self) -> Decision:
        """The decision with its texts as they are kept.

        Raises:
            UsageError: it is no kind of decision, lacks its reason, or a report lacks its number and date.
        """
        if self.kind not in KINDS:
            raise UsageError.unknown("decision", self.kind, KINDS)
        if self.kind == REPORTED and not (self.reference and self.reference_on):
            raise UsageError("decision 'reported': give the report's number and its date")
        if self.reference_on and not self.reference:
            raise UsageError(f"decision {self.kind!r}: a date of a reference needs the reference")
        reference = texts.line(self.reference, "reference") if self.reference else None
        return Decision(
            self.kind, texts.note(self.reason, "reason", texts.REASON), reference, self.reference_on
        )


@dataclass(frozen=True)
class Closing:
    """What asking to close an alert came to: the decision's number, or that of the request to be approved."""

    decision: int | None
    request: int | None


def decide(change: Change, number: int, decision: Decision, *, version: int | None = None) -> int:
    """Keep a decision on an alert, open or closed, without closing it; its number.

    Raises:
        CaseworkError: the decision cannot be made on this alert.
        ConflictError: somebody has changed it since it was seen.
        UsageError: as `Decision.checked`.
    """
    row = states.seen(change, number, version)
    decision = decision.checked()
    _allow(change, row, decision)
    if row["state"] == states.PENDING:
        raise CaseworkError(f"alert {number} waits for approval; that comes first")
    return _keep(change, row, decision, "alert.decided", change.actor, None)


def close(
    change: Change,
    number: int,
    decision: Decision,
    settings: CaseworkSettings,
    *,
    version: int | None = None,
) -> Closing:
    """Close an alert with a decision; where the settings ask for four eyes, ask for approval.

    Raises:
        CaseworkError: it is closed, waits for approval, or the decision cannot be made on it.
        ConflictError: somebody has changed it since it was seen.
        UsageError: as `Decision.checked`.
    """
    row = states.seen(change, number, version)
    if row["state"] == states.CLOSED:
        raise CaseworkError(f"alert {number} is closed already")
    if row["state"] == states.PENDING:
        raise CaseworkError(f"alert {number} waits for approval already")
    decision = decision.checked()
    if decision.kind not in CLOSING:
        raise CaseworkError(f"nothing is closed as {decision.kind!r}; expected {', '.join(CLOSING)}")
    _allow(change, row, decision)
    if "close" not in settings.four_eyes:
        return Closing(_close(change, row, decision, change.actor, None), None)
    carried = {
        "kind": decision.kind,
        "reason": decision.reason,
        "reference": decision.reference,
        "reference_on": decision.reference_on,
        "state": row["state"],
    }
    request = requests.ask(change, "close", "alert", number, decision.reason, carried)
    states.revise(change, row, "alert.closing", {"request": request}, state=states.PENDING)
    return Closing(None, request)


def suppress(
    change: Change,
    account_id: str,
    reason: str,
    expires_on: date,
    settings: CaseworkSettings,
    *,
    indicator_id: str | None = None,
    score: int,
    findings: int,
) -> tuple[int | None, int | None]:
    """Suppress alerts of an account (of one indicator); the suppression's number, or the request's.

    Raises:
        UsageError: the day cannot be.
    """
    suppressions.checked_expiry(expires_on, change.at, settings)
    if "suppress" not in settings.four_eyes:
        made = suppressions.make(
            change, account_id, reason, expires_on, indicator_id=indicator_id, score=score, findings=findings
        )
        return made, None
    carried = {
        "indicator_id": indicator_id,
        "reason": reason,
        "expires_on": expires_on,
        "score": score,
        "findings": findings,
    }
    return None, requests.ask(change, "suppress", "account", account_id, reason, carried)


def approve(change: Change, number: int, settings: CaseworkSettings, reason: str = "") -> RowMapping:
    """Approve somebody else's request: closing and suppressing happen now, an export or reveal may follow.

    Raises:
        CaseworkError: there is none, it is settled, it is the actor's own, or it cannot be done any more.
    """
    asked = requests.settle(change, number, True, reason, settings)
    carried = requests.details_of(asked)
    if asked["action"] == "close":
        row = states.row_of(change.connection, int(asked["object_id"]))
        decision = Decision(
            carried["kind"], carried["reason"], carried["reference"], _day(carried["reference_on"])
        )
        _allow(change, row, decision)  # it may have come into the queue of possible victims meanwhile
        _close(change, row, decision, asked["requested_by"], change.actor)
    elif asked["action"] == "suppress":
        suppressions.make(
            change,
            asked["object_id"],
            carried["reason"],
            suppressions.checked_expiry(date.fromisoformat(carried["expires_on"]), change.at, settings),
            indicator_id=carried["indicator_id"],
            score=carried["score"],
            findings=carried["findings"],
            owner=asked["requested_by"],
            approved_by=change.actor,
        )
    return asked


def refuse(change: Change, number: int, settings: CaseworkSettings, reason: str) -> RowMapping:
    """Refuse somebody else's request; an alert that was to be closed goes back to where it was.

    Raises:
        CaseworkError: there is none, it is settled, or it is the actor's own.
        UsageError: there is no reason.
    """
    asked = requests.settle(change, number, False, texts.line(reason, "reason", texts.REASON), settings)
    _give_back(change, asked, "alert.refused", {"reason": reason})
    return asked


def withdraw(change: Change, number: int) -> RowMapping:
    """Take back one's own request; an alert that was to be closed goes back to where it was.

    Raises:
        CaseworkError: there is none, it is settled, or it is somebody else's.
    """
    asked = requests.withdraw(change, number)
    _give_back(change, asked, "alert.withdrawn", {})
    return asked


def _give_back(change: Change, asked: RowMapping, action: str, told: dict[str, Any]) -> None:
    if asked["action"] == "close":
        row = states.row_of(change.connection, int(asked["object_id"]))
        before = requests.details_of(asked)["state"]
        states.revise(change, row, action, told | {"request": asked["number"]}, state=before)


def _allow(change: Change, row: RowMapping, decision: Decision) -> None:
    """Whether this decision can be made on this alert now."""
    number, kind = row["number"], decision.kind
    if row["queue"] == states.PROTECT and kind not in OF_PROTECTED:
        raise CaseworkError(
            f"alert {number} is about a possible victim: protect and refer, never the subject of a report; "
            f"expected {', '.join(OF_PROTECTED)}"
        )
    if row["queue"] != states.PROTECT and kind == REFERRED:
        raise CaseworkError(f"alert {number} is not about a possible victim; move it to their queue first")
    earlier = set(change.ask(select(dispositions.c.kind).where(dispositions.c.alert == number)).scalars())
    needed = {REPORTED: SUSPICIOUS, FEEDBACK: REPORTED}.get(kind)
    if needed and needed not in earlier:
        raise CaseworkError(f"alert {number}: {kind!r} comes after {needed!r}, which nobody has decided yet")


def _close(
    change: Change, row: RowMapping, decision: Decision, decided_by: str, approved_by: str | None
) -> int:
    return _keep(
        change,
        row,
        decision,
        "alert.closed",
        decided_by,
        approved_by,
        state=states.CLOSED,
        closed_at=change.at,
        waits_until=None,
        # Growth is measured from what was known when it was decided.
        basis_score=row["score"],
        basis_findings=row["findings"],
    )


def _keep(
    change: Change,
    row: RowMapping,
    decision: Decision,
    action: str,
    decided_by: str,
    approved_by: str | None,
    **values: Any,
) -> int:
    number = change.number
    kept = {
        "kind": decision.kind,
        "reference": decision.reference,
        "reference_on": decision.reference_on,
        "decided_by": decided_by,
        "approved_by": approved_by,
    }
    told = kept | {"reason_sha256": texts.digest(decision.reason)}
    # What an authority answers is no view of what the account did: the decision before it stands.
    standing = row["disposition"] if decision.kind == FEEDBACK else decision.kind
    states.revise(change, row, action, told, disposition=standing, **values)
    change.execute(
        insert(dispositions),
        [
            kept
            | {
                "number": number,
                "alert": row["number"],
                "reason": decision.reason,
                "decided_at": change.at,
            }
        ],
    )
    return number


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None
