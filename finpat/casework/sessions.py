"""Signing in, and the sessions that it begins: kept here, so that they end when they are ended.

The browser holds a random token, the database its SHA-256: who reads the database can sign in as nobody. A
wrong password and an unknown name get the same answer after the same work.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NoReturn

from sqlalchemy import delete, func, insert, or_, select, update

from finpat.casework import passwords, refusals
from finpat.casework import users as everybody
from finpat.casework.database import Change, Database
from finpat.casework.refusals import SignInError
from finpat.casework.tables import sessions, users
from finpat.config import DashboardSettings
from finpat.errors import UsageError

WRONG = "Name or password is wrong."
_UNKNOWN = "(unknown)"
_SEEN_EVERY = timedelta(minutes=1)  # finer than this, nobody needs to know when a session was last used


@dataclass(frozen=True)
class Session:
    """An open session: whose it is, in which role, and whether a password has to be chosen first."""

    user: str
    role: str
    must_change_password: bool
    token_hash: str


def sign_in(
    database: Database,
    name: str,
    password: str,
    token: str,
    address: str,
    at: datetime,
    settings: DashboardSettings,
) -> None:
    """Begin a session for the holder of `token`, a fresh one.

    Raises:
        SignInError: name or password are wrong, or too many were before.
    """
    name = name.strip()
    watched = refusals.watched(name, address, settings)
    refusals.count(database, watched, at, settings)
    with database.reading() as connection:
        row = connection.execute(select(users).where(func.lower(users.c.name) == name.lower())).one_or_none()
    hashed = None
    if row is not None and row.disabled_at is None and (row.one_time_until or at) >= at:
        hashed = row.password_hash
    if not passwords.is_right(password, hashed) or row is None:
        _refuse(database, row.name if row is not None else _UNKNOWN, watched, address, at)
    with database.writing(row.name, at) as change:
        still = select(users.c.password_hash).where(users.c.name == row.name, users.c.disabled_at.is_(None))
        if change.ask(still).scalar() != hashed:  # disabled or reset while the password was verified
            raise SignInError(WRONG)
        if passwords.is_outdated(row.password_hash):
            anew = passwords.kept(password)
            change.execute(update(users).where(users.c.name == row.name).values(password_hash=anew))
        refusals.take_back(change.connection, watched)
        begin(change, row.name, token, address, settings)


def sign_in_single(
    database: Database,
    subject: str,
    name: str,
    role: str | None,
    token: str,
    address: str,
    at: datetime,
    settings: DashboardSettings,
) -> None:
    """Begin a session for somebody whom the provider of single sign-on knows; new ones are added.

    subject: issuer and id there, by which a user is known whatever their name is. role: what the settings
    give them; None: nothing, so they are refused.

    Raises:
        SignInError: they have no role here, or are disabled.
    """
    with database.reading() as connection:
        user = connection.execute(select(users).where(users.c.subject == subject)).one_or_none()
    if role is None or (user is not None and user.disabled_at is not None):
        with database.writing("finpat", at) as change:
            told = {"address": address, "subject": subject}
            change.record("user.refused", "user", user.name if user is not None else _UNKNOWN, told)
        raise SignInError("You have no role here; ask an administrator.")
    with database.writing("finpat", at) as change:
        known = change.ask(select(users.c.name, users.c.role).where(users.c.subject == subject)).one_or_none()
        if known is None:
            name = everybody.add_single_sign_on(change, name, role, subject)
        else:
            name = known.name
            everybody.follow_role(change, name, known.role, role)
        begin(change, name, token, address, settings)


def begin(change: Change, name: str, token: str, address: str, settings: DashboardSettings) -> None:
    """Begin a session of a user whom the caller knows to be the one; sessions that are over are dropped."""
    change.execute(delete(sessions).where(_is_over(change.at, settings)))
    row = {
        "token_hash": kept(token),
        "user_name": name,
        "started_at": change.at,
        "seen_at": change.at,
        "ends_at": change.at + timedelta(hours=settings.session_hours),
        "address": address,
    }
    change.execute(insert(sessions), [row])
    change.execute(update(users).where(users.c.name == name).values(signed_in_at=change.at))
    change.record("user.signed_in", "user", name, {"address": address})


def current(
    database: Database, token: str, at: datetime, settings: DashboardSettings, *, is_used: bool = True
) -> Session | None:
    """The open session of a token; None where there is none, it is over, or its user is disabled.

    is_used: a person does something; what a page asks by itself keeps no session open.
    """
    with database.reading() as connection:
        row = connection.execute(
            select(sessions.c.seen_at, users.c.name, users.c.role, users.c.one_time_until)
            .join(users, users.c.name == sessions.c.user_name)
            .where(
                sessions.c.token_hash == kept(token),
                users.c.disabled_at.is_(None),
                ~_is_over(at, settings),
            )
        ).one_or_none()
    if row is None:
        return None
    if is_used and at - row.seen_at >= _SEEN_EVERY:
        with database.upkeep() as connection:
            connection.execute(
                update(sessions).where(sessions.c.token_hash == kept(token)).values(seen_at=at)
            )
    return Session(row.name, row.role, row.one_time_until is not None, kept(token))


def change_password(
    database: Database,
    name: str,
    current: str,
    chosen: str,
    token: str,
    address: str,
    at: datetime,
    settings: DashboardSettings,
) -> None:
    """Change one's own password: all sessions of the user end, that of `token` (a fresh one) begins.

    Raises:
        SignInError: the current password is wrong, or too many were before.
        UsageError: the chosen one is of those that are guessed first.
    """
    watched = refusals.watched(name, address, settings)
    refusals.count(database, watched, at, settings)
    with database.reading() as connection:
        hashed = connection.scalar(select(users.c.password_hash).where(users.c.name == name))
    if not passwords.is_right(current, hashed):
        _refuse(database, name, watched, address, at)
    with database.upkeep() as connection:
        refusals.take_back(connection, watched)
    passwords.check(chosen, name, settings.password_length)
    if passwords.is_right(chosen, hashed):
        raise UsageError("password: is the current one; choose another")
    with database.writing(name, at) as change:
        anew = update(users).where(users.c.name == name, users.c.password_hash == hashed)
        change.execute(anew.values(password_hash=passwords.kept(chosen), one_time_until=None))
        change.execute(delete(sessions).where(sessions.c.user_name == name))
        change.record("user.password_changed", "user", name)
        begin(change, name, token, address, settings)


def sign_out(database: Database, token: str, at: datetime) -> None:
    """End the session of a token, if it has one."""
    with database.reading() as connection:
        name = connection.scalar(select(sessions.c.user_name).where(sessions.c.token_hash == kept(token)))
    if name is None:
        return
    with database.writing(name, at) as change:
        change.execute(delete(sessions).where(sessions.c.token_hash == kept(token)))
        change.record("user.signed_out", "user", name)


def kept(token: str) -> str:
    """What is kept of a token."""
    return hashlib.sha256(token.encode()).hexdigest()


def _is_over(at: datetime, settings: DashboardSettings) -> Any:
    idle = at - timedelta(minutes=settings.idle_minutes)
    return or_(sessions.c.ends_at <= at, sessions.c.seen_at <= idle)


def _refuse(
    database: Database, name: str, watched: Mapping[str, int], address: str, at: datetime
) -> NoReturn:
    """Tell the trail of a refusal, and of the wait that it brings.

    Raises:
        SignInError: always.
    """
    with database.writing("finpat", at) as change:
        change.record("user.refused", "user", name, {"address": address})
        for wait in refusals.waits(change, watched):
            change.record(
                "user.locked",
                "address" if wait.is_address else "user",
                address if wait.is_address else name,
                {"until": wait.until, "attempts": wait.attempts, "address": address},
            )
    raise SignInError(WRONG)
