"""Saved views of a user: a name and whatever the page that made it needs to show it again."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import Connection, delete, insert, select

from finpat.casework import audit, texts
from finpat.casework.database import Change
from finpat.casework.tables import saved_views
from finpat.errors import CaseworkError, UsageError

LARGEST = 10_000  # characters of a definition


def save_view(change: Change, name: str, definition: dict[str, Any]) -> None:
    """Keep a view of the actor's under a name, in place of an earlier one of that name.

    Raises:
        UsageError: the name cannot be kept, or the definition is too large.
    """
    kept = texts.line(name, "name of the view")
    text = audit.canonical(definition)
    if len(text) > LARGEST:
        raise UsageError(f"view {kept!r}: its definition is larger than {LARGEST:,} characters")
    _remove(change, kept)
    row = {"owner": change.actor, "name": kept, "definition": text, "saved_at": change.at}
    change.execute(insert(saved_views), [row])
    change.record("view.saved", "view", kept, {"definition": definition})


def remove_view(change: Change, name: str) -> None:
    """Forget a view of the actor's.

    Raises:
        CaseworkError: there is none of this name.
    """
    if not _remove(change, name):
        raise CaseworkError(f"{change.actor} has no view {name!r}")
    change.record("view.removed", "view", name)


def _remove(change: Change, name: str) -> bool:
    mine = (saved_views.c.owner == change.actor) & (saved_views.c.name == name)
    return change.execute(delete(saved_views).where(mine)).rowcount > 0


def views_of(connection: Connection, owner: str) -> dict[str, dict[str, Any]]:
    """The views of a user by name."""
    query = select(saved_views).where(saved_views.c.owner == owner).order_by(saved_views.c.name)
    return {row.name: json.loads(row.definition) for row in connection.execute(query)}
