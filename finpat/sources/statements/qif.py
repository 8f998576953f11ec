"""QIF (Quicken Interchange Format): one row per record of a bank, cash or card section.

The format states no currency, names the account only in an `!Account` record, and does not say whether day
or month comes first: what is open has to be stated in a mapping. Splits divide one payment over categories;
they stay together in `splits`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from finpat.errors import SourceError
from finpat.sources.delimited import Reject
from finpat.sources.source import Source
from finpat.sources.statements.entries import Entry, Format, Item, joined, reference_of, text_lines

COLUMNS = (
    "booked_at", "account_id", "amount", "counterparty_id", "counterparty_name", "description",
    "reference", "category", "cleared", "address", "splits",
)  # fmt: skip

_PAYMENTS = ("bank", "cash", "ccard", "oth a", "oth l")
_TRANSFER = re.compile(r"\[([^\]]+)\]")


def read(source: Source, encoding: str | None) -> Iterator[Item]:
    """The file's payments, in its order.

    Raises:
        SourceError: the file ends inside a record.
    """
    section, account = "", None
    record: list[str] = []
    start = 0
    for number, line in enumerate(text_lines(source, encoding), 1):
        if line.startswith("!"):
            section = line[1:].strip().casefold()
        elif line.startswith("^"):
            if section == "account":
                account = next((text[1:].strip() for text in record if text.startswith("N")), account)
            elif section.removeprefix("type:") in _PAYMENTS and record:
                yield _entry(start, record, account)
            elif section.startswith("type:invst") and record:
                message = "a trade of securities, not a payment; finpat reads payments"
                yield Reject(start, None, "not_a_payment", message, "\n".join(record))
            record = []
        elif line.strip():
            start = start if record else number
            record.append(line)
    if record:
        raise SourceError(
            f"{source.path} line {start}: the file ends inside a record (no ^ after it), so it is cut off; "
            "copy it again"
        )


def _entry(line: int, record: list[str], account: str | None) -> Entry:
    found: dict[str, str] = {}
    address: list[str] = []
    splits: list[str] = []
    for text in record:
        code, value = text[0], text[1:].strip()
        if code == "A":
            address.append(value)
        elif code == "S":
            splits.append(value)
        elif code in ("E", "$", "%") and splits:
            splits[-1] += " " + value.removeprefix("=")
        else:
            found.setdefault(code, value)
    category = found.get("L")
    transfer = _TRANSFER.match(category or "")
    values: dict[str, str | None] = {
        "booked_at": _date(found.get("D")),
        "account_id": account,
        "amount": found.get("T") or found.get("U"),
        "counterparty_id": transfer.group(1) if transfer else None,
        "counterparty_name": joined([found.get("P")]),
        "description": joined([found.get("P"), found.get("M")]),
        "reference": reference_of(found.get("N")),
        "category": category,
        "cleared": found.get("C"),
        "address": joined(address, ", "),
        "splits": "; ".join(splits) or None,
    }
    return Entry(line, values, lambda: "\n".join(record))


def _date(text: str | None) -> str | None:
    """The date without Quicken's blanks; an apostrophe stands before years from 2000 on (1/ 6'10)."""
    if text is None:
        return None
    text = text.replace(" ", "")
    return re.sub(r"'(\d\d)$", r"/20\1", text).replace("'", "/")


FORMAT = Format(COLUMNS, read)
