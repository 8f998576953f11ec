"""Who is asking, and what a role may do.

Hiding a button is no protection: every callback that reads personal data or writes is behind `requires`,
and the gate of the server (`dashboard.security`) lets nobody in who has not signed in.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Literal, ParamSpec, TypeVar

from flask import abort, g, has_request_context

Right = Literal[
    "view",  # lists, findings, figures; personal data masked
    "reveal",  # personal data and texts of adverts, with a reason that is kept
    "work",  # take alerts, write notes, propose and make decisions
    "assign",  # give alerts to others, many at once
    "approve",  # second pair of eyes
    "export",  # lists and case files leave the system
    "audit",  # read the audit trail
    "settings",  # thresholds, suppressions for everybody
    "users",  # accounts of users and their roles
]

_ANALYST: frozenset[Right] = frozenset({"view", "reveal", "work"})
RIGHTS: dict[str, frozenset[Right]] = {
    "viewer": frozenset({"view"}),
    "analyst": _ANALYST,
    "lead": _ANALYST | {"assign", "approve", "export", "settings"},
    "compliance_officer": _ANALYST | {"approve", "export", "audit"},
    # Runs the system, does not read cases: who gives the rights does not use them.
    "administrator": frozenset({"view", "audit", "settings", "users"}),
}


@dataclass(frozen=True)
class User:
    """Somebody who is signed in: the name that casework and the audit trail keep, and the role."""

    name: str
    role: str
    session: str = ""  # hash of the browser's token; what is revealed is revealed to it
    must_change_password: bool = False

    @property
    def role_name(self) -> str:
        """The role as words."""
        return self.role.replace("_", " ")

    def may(self, right: Right) -> bool:
        """Whether the role has this right."""
        return right in RIGHTS[self.role]


GUEST = User("guest", "viewer")  # the read-only demonstration, on this machine only

P = ParamSpec("P")
R = TypeVar("R")


def user() -> User:
    """Who makes the request that is being answered; the guest where no gate has said otherwise."""
    found: User = g.get("user", GUEST) if has_request_context() else GUEST
    return found


def may(right: Right) -> bool:
    """Whether who is asking has this right."""
    return user().may(right)


def requires(right: Right) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Refuse a callback or layout (403) to those without this right; goes below `@callback`.

    The gate reads the right from the function (`right_of`) and refuses before anything runs; the check in
    here holds where there is no gate.
    """

    def guarded(function: Callable[P, R]) -> Callable[P, R]:
        @wraps(function)
        def checked(*args: P.args, **kwargs: P.kwargs) -> R:
            if not may(right):
                abort(403, description=f"your role, {user().role_name}, may not do this")
            if has_request_context():
                g.right = right  # what is written now is written by this right
            return function(*args, **kwargs)

        checked.__dict__["right"] = right
        return checked

    return guarded


def right_of(function: Callable[..., object]) -> Right:
    """The right that a callback or layout asks for; `view` where it names none."""
    found: Right = "view"
    inner: object = function
    while inner is not None:
        found = vars(inner).get("right", found)
        inner = vars(inner).get("__wrapped__")
    return found
