"""BAI2 cash management balance reports: one row per transaction detail (record 16).

Source: Cash Management Balance Reporting Specifications, version 2 (BAI). Amounts are whole minor units of
the account's currency, which the account (03) or its group (02) states, US dollars where neither does. The
type code tells the side: 100 to 399 and 920 to 959 are credits, 400 to 699 and 960 to 999 debits. A row is
booked on the as-of date of its group; the time of a group is that of the report, not of the payment.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from finpat.money import official_decimals
from finpat.sources.delimited import Reject
from finpat.sources.source import Source
from finpat.sources.statements.entries import Entry, Format, Item, Remark, joined, reference_of, text_lines

COLUMNS = (
    "transaction_id", "booked_at", "account_id", "direction", "amount", "currency", "counterparty_id",
    "channel", "description",
    "reference", "customer_reference", "type_code", "value_date", "bank_id",
)  # fmt: skip

_NEXT = re.compile(r"/\s+(?=(?:02|03|16|49|88|98|99),)")  # several records in one line
_DEFAULT_CURRENCY = "USD"


_TOTALS = {"credit": "100", "debit": "400"}  # summary codes of all credits and all debits


@dataclass
class _Record:
    """One record with its continuations (88): code, line it starts in, fields, and the text after them."""

    code: str
    line: int
    body: str
    raw: str


def read(source: Source, encoding: str | None) -> Iterator[Item]:
    """The file's transaction details, in its order."""
    bank = booked = currency = account = None
    group_currency = _DEFAULT_CURRENCY
    ended = False
    totals: dict[str, int] = {}  # of the open account: what its summary states, less its entries
    for record in _records(text_lines(source, encoding)):
        fields = [part.strip() for part in record.body.split(",")] + [""] * 8
        if record.code == "02":
            bank, booked = fields[2] or None, _date(fields[4])
            group_currency = fields[6] or _DEFAULT_CURRENCY
            account = None
        elif record.code == "03":
            account, currency = fields[1] or None, fields[2] or group_currency
            totals = _totals(fields)
        elif record.code == "16":
            yield _item(record, account, currency or group_currency, booked, bank)
            if re.fullmatch(r"\d{3}", fields[1]) and re.fullmatch(r"[-+]?\d+", fields[2]):
                kind = _TOTALS.get(_direction(int(fields[1])) or "", "")
                totals[kind] = totals.get(kind, 0) - int(fields[2])
        elif record.code == "49":
            yield from _remarks(account, totals)
        elif record.code == "99":
            ended = True
    if not ended:
        yield Remark("the file ends without its trailer (record 99), so it may be cut off")


def _records(lines: Iterator[str]) -> Iterator[_Record]:
    current: _Record | None = None
    for number, line in enumerate(lines, 1):
        for part in _NEXT.split(line.strip()):
            code = part[:2]
            if current is not None and (code == "88" or not re.match(r"\d\d(,|/|$)", part)):
                current.raw += "\n" + part
                current.body = _continued(current, part.removeprefix("88,"))
            elif part:
                if current is not None:
                    yield current
                current = _Record(code, number, _content(part), part)
    if current is not None:
        yield current


def _content(part: str) -> str:
    return part.rstrip().removesuffix("/")


def _continued(record: _Record, part: str) -> str:
    """The record with a continuation: further text once the text has begun, else further fields."""
    if record.code == "16" and (place := _text_at(record.body.split(","))) is not None:
        if record.body.count(",") >= place:
            return f"{record.body} {_content(part)}"
    return f"{record.body},{_content(part)}"


def _text_at(fields: list[str]) -> int | None:
    """Position of a detail's text, which depends on its type of funds; None where that cannot be told."""
    funds = fields[3].strip().upper() if len(fields) > 3 else ""
    if funds in ("", "0", "1", "2", "Z"):
        return 6
    if funds == "V":
        return 8
    if funds == "S":
        return 9
    if funds == "D" and len(fields) > 4 and fields[4].strip().isdigit():
        return 7 + 2 * int(fields[4])
    return None


def _item(record: _Record, account: str | None, currency: str, booked: str | None, bank: str | None) -> Item:
    fields = record.body.split(",")
    code, amount = (part.strip() for part in [*fields, "", ""][1:3])
    place = _text_at(fields)
    if place is None or not re.fullmatch(r"\d{3}", code) or not re.fullmatch(r"[-+]?\d+", amount):
        message = "expected 16,type code,amount in whole minor units,type of funds,..."
        return Reject(record.line, None, "malformed_entry", message, record.raw)
    direction = _direction(int(code))
    if direction is None:
        message = f"type code {code} is neither a credit (100-399, 920-959) nor a debit (400-699, 960-999)"
        return Reject(record.line, "direction", "unknown_direction", message, record.raw)
    fields += [""] * (place + 1 - len(fields))
    values: dict[str, str | None] = {
        "booked_at": booked,
        "account_id": account,
        "direction": direction,
        "amount": _major(amount, official_decimals(currency)),
        "currency": currency,
        "channel": code,
        "description": joined([",".join(fields[place:])]),
        "reference": reference_of(fields[place - 2]),
        "customer_reference": reference_of(fields[place - 1]),
        "type_code": code,
        "value_date": _date(fields[4].strip()) if fields[3].strip().upper() == "V" else None,
        "bank_id": bank,
    }
    return Entry(record.line, values, lambda: record.raw)


def _totals(fields: list[str]) -> dict[str, int]:
    """The totals of credits and debits that an account (03) states, by summary code."""
    found: dict[str, int] = {}
    at = 3
    while at + 1 < len(fields) and fields[at]:
        if fields[at] in _TOTALS.values() and re.fullmatch(r"[-+]?\d+", fields[at + 1]):
            found[fields[at]] = int(fields[at + 1])
        place = _text_at(["", "", "", *fields[at + 3 : at + 5]])
        if place is None:
            break
        at += place - 2
    return found


def _remarks(account: str | None, totals: dict[str, int]) -> Iterator[Remark]:
    for direction, code in _TOTALS.items():
        # Without any entry the bank has sent balances only.
        if totals.get(code) and {"100", "400"} <= totals.keys():
            yield Remark(
                f"account {account}: its {direction} entries differ by {abs(totals[code]):,} minor units "
                "from the total that it states, so entries may be missing"
            )


def _direction(code: int) -> str | None:
    if 100 <= code <= 399 or 920 <= code <= 959:
        return "credit"
    if 400 <= code <= 699 or 960 <= code <= 999:
        return "debit"
    return None


def _major(minor: str, decimals: int) -> str:
    sign = "-" if minor.startswith("-") else ""
    digits = minor.lstrip("+-").lstrip("0").rjust(decimals + 1, "0")
    return sign + (f"{digits[:-decimals]}.{digits[-decimals:]}" if decimals else digits)


def _date(text: str) -> str | None:
    """YYMMDD or YYYYMMDD as an ISO date; anything else stays as it is."""
    if re.fullmatch(r"\d{6}", text):
        text = ("19" if text[:2] >= "80" else "20") + text
    if not re.fullmatch(r"\d{8}", text):
        return text or None
    return f"{text[:4]}-{text[4:6]}-{text[6:]}"


FORMAT = Format(COLUMNS, read)
