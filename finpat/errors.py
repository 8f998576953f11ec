"""Errors that a user can act on: what is wrong, where, what was expected, what to do.

`exit_code` is 2 for usage and input, 1 for anything else. The command line prints the message as one line on
stderr; the traceback only with `--debug`.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def nearest(name: str, known: Iterable[str]) -> str:
    """Return " Did you mean 'x'?" for the known name that is closest in spelling, else an empty string."""
    match = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f" Did you mean {match[0]!r}?" if match else ""


class FinpatError(Exception):
    """Base of every error whose message is meant for the user."""

    exit_code = 1


class UsageError(FinpatError):
    """The command's words or the settings are off."""

    exit_code = 2

    @classmethod
    def unknown(cls, kind: str, name: str, known: Iterable[str]) -> UsageError:
        """`name` is not one of the `known` names of this `kind`; the message gives the nearest one."""
        known = sorted(known)
        hint = nearest(name, known) or f" Known: {', '.join(known)}."
        return cls(f"unknown {kind} {name!r}.{hint}")


class SettingsError(UsageError):
    """A key or value of finpat.toml cannot be used."""


class SourceError(FinpatError):
    """An input file cannot be read or understood."""

    exit_code = 2


class AmbiguousSourceError(SourceError):
    """A whole file leaves day/month, decimal sign, zone or currency open; the user has to say which."""


class StoreError(FinpatError):
    """The workspace cannot be opened, read or written."""

    exit_code = 2


class RunError(FinpatError):
    """A run cannot be made, found or rebuilt."""

    exit_code = 2


class CaseworkError(FinpatError):
    """Casework cannot be opened, read or written, or a rule of it forbids what was asked."""

    exit_code = 2


class ConflictError(CaseworkError):
    """Somebody else changed the same thing meanwhile; nothing of the later change was kept."""


class QueryError(FinpatError):
    """A query cannot be read, breaks a rule, or could not be answered within its limits."""

    exit_code = 2

    @classmethod
    def at(cls, file: object, line: int, message: str) -> QueryError:
        """What is wrong in a line of a query's file."""
        return cls(f"{file} line {line}: {message}")
