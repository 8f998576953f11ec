"""SWIFT MT940 statements and MT942 interim reports: one row per statement line (field 61).

Fields are told by their tag at the start of a line; what follows up to the next tag belongs to them. Field
61 is read by the SWIFT standard (Category 9, Customer Statement Message); what banks write in field 86 is
taken apart where it is structured: `?nn` codes of German and Austrian banks (DFÜ agreement, annex 3), and
the `/NAME/`-like words of Dutch ones. Other text becomes the description as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from finpat.sources.delimited import Reject
from finpat.sources.source import Source
from finpat.sources.statements.entries import (
    Balance,
    Entry,
    Format,
    Item,
    exact,
    is_iban,
    joined,
    reference_of,
    text_lines,
)

COLUMNS = (
    "transaction_id", "booked_at", "account_id", "direction", "amount", "currency", "counterparty_id",
    "counterparty_name", "channel", "description",
    "reference", "customer_reference", "statement_id", "value_date", "reversal", "type_code", "posting_code",
    "posting_text", "end_to_end_id", "mandate_id", "counterparty_bank",
)  # fmt: skip

_TAG = re.compile(r":(\d{2,3}[A-Z]?|NS):")
_LINE_LENGTH = 65  # of field 86; a full line may be cut inside a word
_PART_LENGTH = 27  # of a `?nn` part
_ENTRY = re.compile(
    r"(?P<value>\d{6})(?P<booked>\d{4})?(?P<mark>R[CD]|E[CD]|C|D)(?P<funds>[A-Z])?"
    r"(?P<amount>\d[\d]*[,.]?\d*|,\d+)(?P<type>[SNF].{3})(?P<reference>[^\n]*)(?:\n(?P<further>.*))?",
    re.DOTALL,
)
_BALANCE = re.compile(r"(?P<side>[CD])\d{6}(?P<currency>[A-Z]{3})(?P<amount>[\d,.]+)")
_FLOOR = re.compile(r"(?P<currency>[A-Z]{3})[CD]?[\d,.]+")
_CUSTOMER_REFERENCE = 16

# Channel by the three letters after N, S or F (SWIFT transaction type identification codes).
_TYPES = {
    **dict.fromkeys(("BNK", "CLR", "COL", "DCR", "DDT", "RTI", "STO", "TRF"), "transfer"),
    **dict.fromkeys(("CHK", "LBX", "TCK"), "cheque"),
    **dict.fromkeys(("CHG", "COM"), "fee"),
}
# Channel by posting code of German banks (the first three digits of a structured field 86).
_POSTING_CODES = {"082": "cash", "083": "cash", "808": "fee", "809": "fee"}
_SEPA = re.compile(r"(?:^|(?<=[\s,]))(EREF|KREF|MREF|CRED|DEBT|COAM|OAMT|SVWZ|ABWA|ABWE|IBAN|BIC|PURP)\+\s*")
_WORDS = re.compile(
    r"/(TRTP|IBAN|BIC|NAME|REMI|EREF|MARF|CSID|CNTP|ORDP|BENM|ULTC|ULTD|PREF|PURP|RTRN|ISDT|SVCL)/"
)


@dataclass
class _Field:
    """One field of a message: its tag, the line it starts in, its lines without the tag."""

    tag: str
    line: int
    lines: list[str] = field(default_factory=list)


def read(source: Source, encoding: str | None) -> Iterator[Item]:
    """The statement lines of all messages in the file, in its order."""
    message: _Message | None = None
    entry: _Field | None = None
    details: list[_Field] = []
    for item in _fields(text_lines(source, encoding)):
        if item.tag == "61" or item.tag == "20" or item.tag.startswith("62"):
            if message is not None and entry is not None:
                yield message.item(entry, details)
            entry, details = None, []
        if item.tag == "20" or message is None:
            if message is not None:
                yield from message.balance.remarks()
            message = _Message()
        if item.tag == "61":
            entry = item
        elif item.tag in ("86", "NS") and entry is not None:
            details.append(item)
        else:
            message.take(item)
    if message is not None:
        if entry is not None:
            yield message.item(entry, details)
        yield from message.balance.remarks()


def _fields(lines: Iterator[str]) -> Iterator[_Field]:
    current: _Field | None = None
    for number, line in enumerate(lines, 1):
        line = line.strip("\x01\x02\x03\r").rstrip()
        tag = _TAG.match(line)
        if tag is not None:
            if current is not None:
                yield current
            current = _Field(tag.group(1), number, [line[tag.end() :]])
        elif line in ("-", "-}") or line.startswith("-}{") or line.startswith("{1:"):
            if current is not None:
                yield current
            current = None
        elif current is not None:
            current.lines.append(line)
    if current is not None:
        yield current


class _Message:
    """One message: what its statement lines share."""

    def __init__(self) -> None:
        self.account: str | None = None
        self.currency: str | None = None
        self.number: str | None = None
        self.balance = Balance("without number")

    def take(self, item: _Field) -> None:
        """Keep what a field says about the whole message."""
        text = item.lines[0].strip()
        if item.tag == "25":
            self.account = text or None
        elif item.tag in ("28", "28C"):
            self.number = text or None
            self.balance.name = f"{self.number} of {self.account}"
        elif item.tag in ("60F", "60M", "62F", "62M"):
            found = _BALANCE.match(text)
            if found is None:
                return
            amount = exact(_plain(found["amount"])) or Decimal(0)
            value = (-amount if found["side"] == "D" else amount), found["currency"]
            self.currency = found["currency"]
            if item.tag.startswith("60"):
                self.balance.opening = value
            else:
                self.balance.closing = value
        elif item.tag == "34F" and (floor := _FLOOR.match(text)) is not None:
            self.currency = floor["currency"]

    def item(self, entry: _Field, details: list[_Field]) -> Item:
        """The row of one field 61 and the fields 86 that follow it."""
        raw = "\n".join(f":{item.tag}:" + "\n".join(item.lines).rstrip() for item in [entry, *details])
        found = _ENTRY.match("\n".join(entry.lines).rstrip())
        if found is None:
            self.balance.known = False
            message = (
                "expected :61: with value date, mark (C, D, RC, RD), amount with a comma, type, reference"
            )
            return Reject(entry.line, None, "malformed_entry", message, raw)
        mark = found["mark"]
        if mark.startswith("E"):
            message = f"{mark}: expected, not booked; a booked entry comes in a later statement"
            return Reject(entry.line, "status", "not_booked", message, raw)
        values = self._values(found)
        texts = [_unwrapped(item.lines, item.tag) for item in details]
        told = _details(texts)
        further = found["further"] or ""
        values["description"] = joined([further, told.pop("description", None)])
        values["customer_reference"] = values["customer_reference"] or told.pop("customer_reference", None)
        values |= told
        values["channel"] = _POSTING_CODES.get(told.get("posting_code") or "") or _TYPES.get(
            found["type"][1:]
        )
        self.balance.add(values["amount"], self.currency, values["direction"])
        return Entry(entry.line, values, lambda: raw)

    def _values(self, found: re.Match[str]) -> dict[str, str | None]:
        mark = found["mark"]
        customer, _, bank = found["reference"].partition("//")
        rest = customer[_CUSTOMER_REFERENCE:].strip()
        value_date = _date(found["value"])
        # A reversed credit (RC) takes money out, a reversed debit (RD) puts it back.
        return {
            "booked_at": _booking_date(found["booked"], found["value"]) if found["booked"] else value_date,
            "value_date": value_date,
            "account_id": self.account,
            "currency": self.currency,
            "amount": _plain(found["amount"]),
            "direction": "credit" if mark in ("C", "RD") else "debit",
            "reversal": "true" if mark in ("RC", "RD") else None,
            "type_code": found["type"],
            "reference": reference_of(bank),
            "customer_reference": joined([reference_of(customer[:_CUSTOMER_REFERENCE]), rest]),
            "statement_id": self.number,
        }


def _plain(text: str) -> str:
    """An amount with a decimal point and without leading zeros."""
    whole, _, part = text.replace(".", ",").partition(",")
    whole = whole.lstrip("0") or "0"
    return f"{whole}.{part}" if part else whole


def _date(text: str) -> str:
    """YYMMDD as an ISO date; years from 80 on are of the 20th century, as the standard has it."""
    century = "19" if text[:2] >= "80" else "20"
    return f"{century}{text[:2]}-{text[2:4]}-{text[4:]}"


def _booking_date(text: str, value: str) -> str:
    """The entry date (MMDD) in the year that brings it nearest to the value date."""
    year = int(_date(value)[:4])
    try:
        around = date.fromisoformat(_date(value))
        near = [
            date(at, int(text[:2]), int(text[2:])) for at in (year - 1, year, year + 1) if _is_day(at, text)
        ]
        return min(near, key=lambda day: abs(day - around)).isoformat()
    except ValueError:
        return f"{year}-{text[:2]}-{text[2:]}"  # no such day: quarantined with what was written


def _is_day(year: int, text: str) -> bool:
    try:
        date(year, int(text[:2]), int(text[2:]))
    except ValueError:
        return False
    return True


def _unwrapped(lines: list[str], tag: str) -> str:
    """The lines of a field as one text: a full line goes on in the next without a space."""
    if tag == "NS":
        return " ".join(line[2:].strip() for line in lines)
    text = ""
    structured = re.match(r"\d{3}[?>]\d\d|/[A-Z]{4}/", lines[0]) is not None
    for index, line in enumerate(lines):
        cut = structured or len(lines[index - 1]) >= _LINE_LENGTH - len(f":{tag}:") * (index == 1)
        text += line if cut or not text else " " + line
    return text


def _details(texts: list[str]) -> dict[str, str | None]:
    """What the fields 86 of an entry say, by column."""
    if len(texts) == 1:
        text = texts[0]
        code = re.match(r"(\d{3})([?>])(?=\d\d)", text)
        if code is not None:
            return _german(code.group(1), text[3:], code.group(2))
        if _WORDS.match(text):
            return _dutch(text)
    return {"description": joined(texts)}


def _german(posting_code: str, text: str, mark: str) -> dict[str, str | None]:
    parts = re.split(rf"{re.escape(mark)}(\d\d)", text)
    codes: dict[str, str] = {}
    for code, part in zip(parts[1::2], parts[2::2], strict=True):
        codes[code] = codes.get(code, "") + part
    purpose = _spliced([codes.get(str(code), "") for code in (*range(20, 30), *range(60, 64))])
    sepa = _worded(_SEPA, purpose)
    name = _spliced([codes.get("32", ""), codes.get("33", "")])
    account = codes.get("31", "").replace(" ", "") or sepa.get("IBAN", "").replace(" ", "")
    bank = codes.get("30", "").strip() or sepa.get("BIC", "").strip()
    if account and bank.isdigit() and not is_iban(account):
        account = f"{bank}/{account}"  # a German account number means something only with its bank code
    return {
        "description": joined([sepa["SVWZ"]] if "SVWZ" in sepa else [purpose]),
        "counterparty_id": account or None,
        "counterparty_name": joined([name]),
        "counterparty_bank": bank or None,
        "posting_code": posting_code,
        "posting_text": joined([codes.get("00")]),
        "end_to_end_id": _first_line(sepa.get("EREF")),
        "mandate_id": _first_line(sepa.get("MREF")),
        "customer_reference": _first_line(sepa.get("KREF")),
    }


def _spliced(parts: list[str]) -> str:
    """Parts of a text that goes on in the next one where a part is full; else a new line begins."""
    text = ""
    for part in parts:
        text += part if not part or len(part) >= _PART_LENGTH else part + "\n"
    return text


def _first_line(text: str | None) -> str | None:
    return reference_of((text or "").strip().split("\n")[0])


def _dutch(text: str) -> dict[str, str | None]:
    words = _worded(_WORDS, text)
    party = [part.strip() for part in words.get("CNTP", "").split("/")] + [""] * 4
    remittance = re.sub(r"^(USTD|STRD)/+", "", words.get("REMI", "")).strip("/ ")
    account = words.get("IBAN", "").strip("/ ") or party[0]
    return {
        "description": joined([remittance]),
        "counterparty_id": account.replace(" ", "") or None,
        "counterparty_name": joined([words.get("NAME", "").strip("/ ") or party[2]]),
        "counterparty_bank": words.get("BIC", "").strip("/ ") or party[1] or None,
        "posting_text": joined([words.get("TRTP", "").strip("/ ")]),
        "end_to_end_id": reference_of(words.get("EREF", "").strip("/ ")),
        "mandate_id": reference_of(words.get("MARF", "").strip("/ ")),
    }


def _worded(pattern: re.Pattern[str], text: str) -> dict[str, str]:
    """What stands after each key word of the text."""
    parts = pattern.split(text)
    words: dict[str, str] = {}
    for word, part in zip(parts[1::2], parts[2::2], strict=True):
        words.setdefault(word, part)
    return words


FORMAT = Format(COLUMNS, read)
