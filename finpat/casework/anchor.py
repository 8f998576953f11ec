"""The anchor of the audit trail: a small file beside the database that says which entry was the newest.

It is written after each commit, so a process killed in between leaves it one change behind, never ahead. It
never moves over a break: where the trail no longer has the anchored entry, the file stays as it is and goes
on telling.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

from filelock import FileLock

from finpat.casework.audit import Anchor
from finpat.errors import CaseworkError


def read(path: Path) -> Anchor | None:
    """The anchored entry; None where there is no such file.

    Raises:
        CaseworkError: the file is not what was written.
    """
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        return Anchor(int(told["sequence"]), str(told["hash"]))
    except FileNotFoundError:
        return None
    except (ValueError, TypeError, KeyError):
        raise CaseworkError(
            f"{path}: is no anchor of an audit trail; restore it from a backup, or `finpat audit anchor`"
        ) from None


def parse(text: str) -> Anchor:
    """An anchor as `Anchor.__str__` prints it, NUMBER:HASH.

    Raises:
        CaseworkError: it is none.
    """
    number, _, hash_ = text.strip().partition(":")
    if not number.isdigit() or len(hash_) != 64 or set(hash_) - set("0123456789abcdef"):
        raise CaseworkError(f"anchor {text!r}: expected NUMBER:HASH as `finpat audit verify` prints it")
    return Anchor(int(number), hash_)


def advance(path: Path, newest: Anchor) -> None:
    """Let the file name `newest`, unless it names a later entry already."""
    with FileLock(path.with_suffix(".lock")):
        kept = read(path)
        if kept is None or kept.sequence < newest.sequence:
            _replace(path, json.dumps(newest._asdict()) + "\n")


def _replace(path: Path, text: str) -> None:
    """Write the file in one step: after a power cut it is the old one or the new one."""
    part = path.with_suffix(".part")
    with part.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
