"""Users: who may sign in, in which role; kept in the casework database like everything that people do.

A name is unique whatever its capitals. Nobody is ever removed, since the audit trail names them: who leaves
is disabled. Changes end the sessions that they concern. What a role may do is the dashboard's to say.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, func, insert, select, update

from finpat.casework import passwords, refusals, texts
from finpat.casework.database import Change, Database
from finpat.casework.tables import sessions, users
from finpat.errors import CaseworkError, UsageError, nearest

ROLES = ("viewer", "analyst", "lead", "compliance_officer", "administrator")
ADMINISTRATOR = "administrator"
FIRST = "admin"  # the administrator that the first start makes
ONE_TIME_HOURS = 24  # a one-time password is good for so long


@dataclass(frozen=True)
class User:
    """One user. `subject` is the issuer and id of who signs in by single sign-on; instants are naive UTC.

    one_time_until: the password is a one-time one, good until then and to be changed at the first sign-in.
    """

    name: str
    role: str
    subject: str | None
    disabled_at: datetime | None
    one_time_until: datetime | None
    added_at: datetime
    added_by: str
    signed_in_at: datetime | None

    @property
    def state(self) -> str:
        """How the user signs in, or that they do not."""
        if self.disabled_at is not None:
            return "disabled"
        if self.subject is not None:
            return "single sign-on"
        return "one-time password" if self.one_time_until is not None else "password"


_SHOWN = [users.c[name] for name in User.__dataclass_fields__]


def listed(connection: Connection) -> list[User]:
    """All users by name, the disabled ones included."""
    return [User(*row) for row in connection.execute(select(*_SHOWN).order_by(users.c.name))]


def get(connection: Connection, name: str) -> User:
    """The user of this name.

    Raises:
        UsageError: there is none; names the nearest.
    """
    row = connection.execute(select(*_SHOWN).where(func.lower(users.c.name) == name.lower())).one_or_none()
    if row is None:
        close = nearest(name, connection.scalars(select(users.c.name)))
        raise UsageError(f"there is no user {name!r}.{close}")
    return User(*row)


def first_administrator(database: Database, at: datetime) -> tuple[str, str] | None:
    """Make the administrator of a system without users: name and one-time password; None where it has any."""
    with database.reading() as connection:
        if connection.execute(select(users.c.name).limit(1)).first():
            return None
    with database.writing("finpat", at) as change:
        if change.ask(select(users.c.name).limit(1)).first():  # another process was first
            return None
        return FIRST, add(change, FIRST, ADMINISTRATOR)


def add(change: Change, name: str, role: str) -> str:
    """Add a user; the one-time password to hand over.

    Raises:
        UsageError: there is a user of this name, the name cannot be used, or there is no such role.
    """
    name = _new_name(change.connection, name)
    password, hashed, until = _one_time(change.at)
    _insert(change, name, role, password_hash=hashed, one_time_until=until)
    change.record("user.added", "user", name, {"role": role})
    return password


def add_single_sign_on(change: Change, name: str, role: str, subject: str) -> str:
    """Add a user who signs in by single sign-on only; the name that was free.

    The provider's name for a person may be taken by somebody else here, who must not be given their account.
    """
    wanted, number = re.sub(r"[^\w.@ -]", "-", name).strip(" -.")[:60] or "user", 1
    free = wanted
    while _taken(change.connection, free):
        number += 1
        free = f"{wanted}-{number}"
    _insert(change, free, role, subject=subject)
    change.record("user.added", "user", free, {"role": role, "subject": subject})
    return free


def set_role(change: Change, name: str, role: str) -> None:
    """Give a user another role; open sessions end.

    Raises:
        UsageError: there is no such user or role.
        CaseworkError: it is oneself, or the last administrator.
    """
    user = _other(change, name)
    _known_role(role)
    if role == user.role:
        return
    _keep_an_administrator(change, user)
    change.execute(update(users).where(users.c.name == user.name).values(role=role))
    end_sessions(change, user.name)
    change.record("user.role_changed", "user", user.name, {"before": user.role, "role": role})


def follow_role(change: Change, name: str, before: str, role: str) -> None:
    """Take over the role that single sign-on gives a user; open sessions end where it is another one."""
    if role != before:
        change.execute(update(users).where(users.c.name == name).values(role=role))
        end_sessions(change, name)
        change.record("user.role_changed", "user", name, {"before": before, "role": role})


def disable(change: Change, name: str) -> None:
    """Let a user sign in no more; open sessions end.

    Raises:
        UsageError: there is no such user.
        CaseworkError: it is oneself, or the last administrator.
    """
    user = _other(change, name)
    if user.disabled_at is not None:
        return
    _keep_an_administrator(change, user)
    change.execute(update(users).where(users.c.name == user.name).values(disabled_at=change.at))
    end_sessions(change, user.name)
    change.record("user.disabled", "user", user.name)


def enable(change: Change, name: str) -> None:
    """Let a disabled user sign in again, with the password that they had.

    Raises:
        UsageError: there is no such user.
    """
    user = get(change.connection, name)
    if user.disabled_at is None:
        return
    change.execute(update(users).where(users.c.name == user.name).values(disabled_at=None))
    change.record("user.enabled", "user", user.name)


def reset(change: Change, name: str) -> str:
    """Give a user a one-time password in place of theirs; open sessions end, waits of the name too.

    Raises:
        UsageError: there is no such user.
        CaseworkError: the user signs in by single sign-on.
    """
    user = get(change.connection, name)
    if user.subject is not None:
        raise CaseworkError(f"{user.name} signs in by single sign-on and has no password here")
    password, hashed, until = _one_time(change.at)
    change.execute(
        update(users).where(users.c.name == user.name).values(password_hash=hashed, one_time_until=until)
    )
    end_sessions(change, user.name)
    refusals.forget(change, user.name)
    change.record("user.reset", "user", user.name)
    return password


def end_sessions(change: Change, name: str) -> None:
    """End every session of a user."""
    change.execute(delete(sessions).where(sessions.c.user_name == name))


def _insert(change: Change, name: str, role: str, **columns: object) -> None:
    _known_role(role)
    row = {"name": name, "role": role, "added_at": change.at, "added_by": change.actor, **columns}
    change.execute(insert(users), [row])


def _known_role(role: str) -> None:
    if role not in ROLES:
        raise UsageError.unknown("role", role, ROLES)


def _new_name(connection: Connection, name: str) -> str:
    name = texts.line(name, "user", 64)
    # Names stand in addresses of the trail and beside one another: nothing that looks like something else.
    if not re.fullmatch(r"[\w.@ -]+", name):
        raise UsageError(f"user {name!r}: expected letters, digits, spaces and . - _ @")
    if _taken(connection, name):
        raise UsageError(f"there is a user {name!r} already")
    return name


def _taken(connection: Connection, name: str) -> bool:
    found = select(users.c.name).where(func.lower(users.c.name) == name.lower())
    return connection.execute(found).first() is not None


def _one_time(at: datetime) -> tuple[str, str, datetime]:
    password = passwords.one_time()
    return password, passwords.kept(password), at + timedelta(hours=ONE_TIME_HOURS)


def _other(change: Change, name: str) -> User:
    """The user, who has to be another than who asks."""
    user = get(change.connection, name)
    if user.name.lower() == change.actor.lower():
        raise CaseworkError("nobody changes their own rights; another administrator has to do it")
    return user


def _keep_an_administrator(change: Change, user: User) -> None:
    others = select(users.c.name).where(
        users.c.role == ADMINISTRATOR, users.c.disabled_at.is_(None), users.c.name != user.name
    )
    if user.role == ADMINISTRATOR and not change.ask(others.limit(1)).first():
        raise CaseworkError(f"{user.name} is the last administrator; make another one first")
