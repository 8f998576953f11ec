"""Notes on alerts, with files. A note is never changed; a further one corrects it.

Adding one changes no version: two people may write at the same time.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import Connection, RowMapping, insert, select

from finpat.casework import alerts as states
from finpat.casework import attachments, texts
from finpat.casework.attachments import Stored
from finpat.casework.database import Change
from finpat.casework.tables import attachments as attached
from finpat.casework.tables import notes
from finpat.errors import CaseworkError


def add_note(change: Change, number: int, text: str, files: Sequence[Stored] = ()) -> int:
    """Write a note on an alert, with files that `attachments.store` has put in place; its number.

    Raises:
        CaseworkError: there is no such alert.
        UsageError: the text cannot be kept.
    """
    alert = states.row_of(change.connection, number)
    note = change.number
    kept = texts.note(text, "note")
    change.execute(
        insert(notes),
        [
            {
                "number": note,
                "alert": number,
                "text": kept,
                "written_by": change.actor,
                "written_at": change.at,
            }
        ],
    )
    told = {"account_id": alert["account_id"], "text_sha256": texts.digest(kept), "files": len(files)}
    change.record("alert.noted", "alert", number, told)
    for file in files:
        row = {"number": change.number, "note": note, **vars(file)}
        change.execute(insert(attached), [row])
        # A file's name may tell whose it is: like a note's text it stays out of the trail.
        known = {"note": note, "name_sha256": texts.digest(file.name), "sha256": file.sha256}
        change.record("alert.attached", "alert", number, known)
    return note


def notes_of(connection: Connection, number: int) -> list[RowMapping]:
    """The notes of an alert in order of time."""
    query = select(notes).where(notes.c.alert == number).order_by(notes.c.number)
    return list(connection.execute(query).mappings())


def files_of(connection: Connection, number: int) -> list[RowMapping]:
    """The files attached to an alert's notes in order of time."""
    query = (
        select(attached)
        .join(notes, notes.c.number == attached.c.note)
        .where(notes.c.alert == number)
        .order_by(attached.c.number)
    )
    return list(connection.execute(query).mappings())


def open_file(connection: Connection, folder: Path, number: int) -> tuple[RowMapping, Path]:
    """An attached file by its number: what is known of it, and where it lies, checked.

    Raises:
        CaseworkError: there is none, or it is not what was attached.
    """
    row = connection.execute(select(attached).where(attached.c.number == number)).mappings().one_or_none()
    if row is None:
        raise CaseworkError(f"there is no attached file {number}")
    return row, attachments.read(folder, row["sha256"])
