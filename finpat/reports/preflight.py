"""What keeps a draft from being written, field by field."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

# What XML 1.0 allows besides tab, line feed and carriage return (section 2.2); those become spaces.
_NOT_XML = re.compile("[^\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True)
class Fault:
    """One field that is missing or cannot be used, and what to do."""

    field: str
    problem: str

    def __str__(self) -> str:
        return f"{self.field}: {self.problem}"


@dataclass(frozen=True)
class Wanted:
    """A field of a form: where its value comes from, its greatest length and its pattern, if any."""

    field: str
    value: str
    length: int
    pattern: str = r".*"
    expected: str = ""


def one_line(text: str) -> str:
    """The text as forms take it: no control characters, single spaces, none at either end."""
    return " ".join(_NOT_XML.sub(" ", text).split())


def faults_in(wanted: Iterable[Wanted]) -> list[Fault]:
    """The fields that are missing, too long or against their pattern."""
    found = []
    for item in wanted:
        value = one_line(item.value)
        if not value:
            found.append(Fault(item.field, "is missing"))
        elif len(value) > item.length:
            found.append(Fault(item.field, f"has {len(value)} characters, at most {item.length} fit"))
        elif not re.fullmatch(item.pattern, value):
            found.append(Fault(item.field, f"expected {item.expected}"))
    return found
