"""What people write into casework: kept as written, checked for what no database or terminal can hold."""

from __future__ import annotations

import hashlib
import unicodedata

from finpat.errors import UsageError

NAME = 200  # characters of a name or a reference
REASON = 2_000  # characters of a reason
NOTE = 20_000  # characters of a note


def line(text: str, what: str, longest: int = NAME) -> str:
    """One line that says something, without blanks around it.

    Raises:
        UsageError: it is empty, too long, or has characters that cannot be printed.
    """
    kept = note(text, what, longest)
    if "\n" in kept or "\t" in kept:
        raise UsageError(f"{what}: expected one line")
    return kept


def note(text: str, what: str, longest: int = NOTE) -> str:
    """A text of one or more lines, without blanks around it.

    Raises:
        UsageError: as `line`, but for line breaks and tabs.
    """
    kept = text.replace("\r\n", "\n").strip()
    if not kept:
        raise UsageError(f"{what}: is empty; say something")
    if len(kept) > longest:
        raise UsageError(f"{what}: has {len(kept):,} characters; at most {longest:,} are kept")
    for char in kept:
        # Cc: control; Cs: half of a pair, which no UTF-8 holds; the rest turns or hides what stands beside
        # it.
        if (unicodedata.category(char) in ("Cc", "Cs") and char not in "\n\t") or char in TURNING:
            raise UsageError(f"{what}: holds a character that cannot be shown (U+{ord(char):04X})")
    return kept


TURNING = {chr(code) for code in (*range(0x202A, 0x202F), *range(0x2066, 0x206A))}


def digest(text: str) -> str:
    """SHA-256 of a text: what the audit trail keeps of it, so that the text itself can be dropped later."""
    return hashlib.sha256(text.encode("utf-8")).hexdigest()
