"""What the statement formats have in common: entries, remarks, and their way into pieces of rows."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

import polars as pl

from finpat.schemas import CASH
from finpat.sources.delimited import LINE, RawPiece, Reject
from finpat.sources.source import Source

# What banks write where they have no reference to give.
NO_REFERENCE = frozenset({"NONREF", "NOTPROVIDED", "NOT PROVIDED", "NOREF", "N/A", "NONE"})
_NOTED = 3  # remarks that are told one by one; further ones are counted


@dataclass(frozen=True, slots=True)
class Entry:
    """One movement of money as the file has it: values by column, and its text for the quarantine."""

    line: int
    values: dict[str, str | None]
    raw: Callable[[], str]


@dataclass(frozen=True, slots=True)
class Remark:
    """Something about a statement as a whole that its reader should know."""

    text: str


Item = Entry | Reject | Remark


@dataclass(frozen=True)
class Format:
    """One statement format: the columns of its rows, and how a source is read."""

    columns: tuple[str, ...]
    read: Callable[[Source, str | None], Iterator[Item]]


def pieces_of(
    form: Format, source: Source, encoding: str | None, repeated: frozenset[str], rows: int
) -> Iterator[RawPiece]:
    """The items of a source as pieces of at most `rows` rows; always one piece, and all remarks in the last.

    repeated: references that cannot be ids.
    """
    entries: list[Entry] = []
    rejects: list[Reject] = []
    remarks: list[str] = []
    for item in form.read(source, encoding):
        if isinstance(item, Entry):
            entries.append(_identified(item, repeated))
        elif isinstance(item, Reject):
            rejects.append(item)
        else:
            remarks.append(item.text)
        if len(entries) + len(rejects) == rows:
            yield _piece(form, entries, rejects, ())
            entries, rejects = [], []
    told = [f"{source.name}: {text}" for text in remarks[:_NOTED]]
    if len(remarks) > _NOTED:
        told.append(f"{source.name}: {len(remarks) - _NOTED:,} further statements with such a remark")
    yield _piece(form, entries, rejects, tuple(told))


def text_lines(source: Source, encoding: str | None) -> Iterator[str]:
    """The lines of a text without their ends; bytes that are no UTF-8 show as hex escapes."""
    rest = b""
    for block in source.text(encoding=encoding):
        *lines, rest = (rest + block).split(b"\n")
        for line in lines:
            yield line.removesuffix(b"\r").decode("utf-8", "backslashreplace")
    if rest:
        yield rest.removesuffix(b"\r").decode("utf-8", "backslashreplace")


def is_announced(entry: Entry) -> bool:
    """Whether the entry is not booked yet."""
    return entry.values.get("status") == "pending"


def _identified(entry: Entry, repeated: frozenset[str]) -> Entry:
    values = entry.values
    reference = values.get("reference")
    # What is only announced must not take the id of the booking that follows under the same reference.
    values["transaction_id"] = None if reference in repeated or is_announced(entry) else reference
    if (values.get("channel") or "").casefold() in ("cash", "atm") and not values.get("counterparty_id"):
        values["counterparty_id"] = CASH
    return entry


def _piece(form: Format, entries: list[Entry], rejects: Iterable[Reject], notes: tuple[str, ...]) -> RawPiece:
    columns = {
        name: pl.Series([entry.values.get(name) or None for entry in entries], dtype=pl.String)
        for name in form.columns
    }
    lines = pl.Series([entry.line for entry in entries], dtype=pl.Int64)
    frame = pl.DataFrame({**columns, LINE: lines})
    return RawPiece(frame, tuple(rejects), lambda rows: [entries[row].raw() for row in rows], notes=notes)


def reference_of(text: str | None) -> str | None:
    """A reference, or None where the bank says that there is none."""
    text = (text or "").strip()
    return None if not text or text.upper() in NO_REFERENCE or not text.strip("0") else text


def joined(parts: Iterable[str | None], separator: str = " ") -> str | None:
    """The parts that say something new, in order, with runs of white space levelled."""
    told: list[str] = []
    for part in parts:
        text = " ".join((part or "").split())
        if text and text not in told:
            told.append(text)
    return separator.join(told) or None


def exact(text: str | None) -> Decimal | None:
    """The number that the text states with a decimal point; None where it states none."""
    try:
        number = Decimal(text or "")
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


class Balance:
    """Checks that the entries of one statement lead from its opening to its closing balance."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.opening: tuple[Decimal, str] | None = None
        self.closing: tuple[Decimal, str] | None = None
        self.sum = Decimal(0)
        self.known = True

    def add(self, amount: str | None, currency: str | None, direction: str | None) -> None:
        """Count one booked entry."""
        number = exact(amount)
        if number is None or direction not in ("credit", "debit"):
            self.known = False
        elif self.opening is not None and currency != self.opening[1]:
            self.known = False
        else:
            self.sum += number if direction == "credit" else -number

    def remarks(self) -> Iterator[Remark]:
        """One remark if the statement contradicts itself; none where it lacks a balance."""
        if self.opening is None or self.closing is None or not self.known:
            return
        if self.opening[1] != self.closing[1]:
            return
        missing = self.closing[0] - self.opening[0] - self.sum
        if missing:
            yield Remark(
                f"statement {self.name}: its entries do not lead from the opening to the closing balance; "
                f"{missing:f} {self.closing[1]} are missing, so entries may be missing too"
            )


_IBAN = re.compile(r"[A-Z]{2}\d{2}[A-Z0-9]{11,30}")


def is_iban(text: str) -> bool:
    """Whether the text is an IBAN by its form and its check digits (ISO 13616, modulo 97)."""
    if not _IBAN.fullmatch(text):
        return False
    turned = text[4:] + text[:4]
    return int("".join(str(int(letter, 36)) for letter in turned)) % 97 == 1
