"""OFX 1.x (SGML) and 2.x (XML): one row per statement transaction (STMTTRN).

Both are read by the same loose grammar, tag and text: files of version 2 that leave out end tags, and version
1 files without a header, are common. No entity is ever looked up but those of characters (`&amp;`).

Source of the meaning of elements: OFX Banking Specification 2.3. TRNAMT is negative where money goes out;
FITID is the bank's id; DTPOSTED is in GMT unless it names an offset.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from itertools import chain

from finpat.errors import SourceError
from finpat.sources.delimited import Reject
from finpat.sources.source import Source
from finpat.sources.statements.entries import Entry, Format, Item, joined, reference_of, text_lines

COLUMNS = (
    "transaction_id", "booked_at", "account_id", "amount", "currency", "counterparty_id",
    "counterparty_name", "channel", "description",
    "reference", "type", "bank_id", "value_date", "user_date", "check_number", "reference_number",
    "standard_industry_code", "original_currency", "exchange_rate", "counterparty_bank",
)  # fmt: skip

_TOKEN = re.compile(r"<(?P<end>/?)(?P<name>[A-Za-z0-9_.]+)(?:\s[^<>]*)?/?>(?P<text>[^<]*)")
_INSTANT = re.compile(
    r"(?P<day>\d{8})(?:(?P<hour>\d\d)(?P<minute>\d\d)?(?P<second>\d\d)?(?P<part>\.\d+)?)?"
    r"\s*(?:\[(?P<offset>[-+]?\d{1,2}(?:\.\d+)?)(?::[^\]]*)?\])?"
)
_AGGREGATES = frozenset(
    "STMTTRN STMTTRNP STMTRS CCSTMTRS INVSTMTRS BANKACCTFROM CCACCTFROM INVACCTFROM BANKACCTTO CCACCTTO "
    "CURRENCY ORIGCURRENCY PAYEE INVTRAN LEDGERBAL AVAILBAL".split()
)
_ROWS = ("STMTTRN", "STMTTRNP", "INVTRAN")


def read(source: Source, encoding: str | None) -> Iterator[Item]:
    """The file's transactions, in its order.

    Raises:
        SourceError: the file ends before its end tag, or holds no OFX.
    """
    state = _State()
    ended = False
    for line, end, name, text, raw in _tokens(text_lines(source, encoding)):
        ended = ended or (bool(end) and name == "OFX")
        if name in _AGGREGATES:
            yield from state.leave(name) if end else state.enter(name, line)
        elif not end and text:
            state.keep(name, text)
        state.note(raw)
    if not ended:
        raise SourceError(f"{source.path}: the OFX file ends without </OFX>, so it is cut off; copy it again")


def _tokens(lines: Iterator[str]) -> Iterator[tuple[int, str, str, str, str]]:
    """(line, "/" of an end tag, name, text after it, both as written) of each tag."""
    rest, line = "", 1
    for block in chain(lines, ("<",)):
        rest += block if block == "<" else block + "\n"
        cut = rest.rfind("<")
        if cut <= 0:
            continue
        done = 0
        for found in _TOKEN.finditer(rest, 0, cut):
            line += rest.count("\n", done, found.start())
            done = found.start()
            text = html.unescape(found["text"]).strip()
            yield line, found["end"], found["name"].upper(), text, found.group()
        line += rest.count("\n", done, cut)
        rest = rest[cut:]


class _State:
    """Where the reader is: the account, and the transaction that is open."""

    def __init__(self) -> None:
        self.currency: str | None = None
        self.account: dict[str, str] = {}
        self.inside: list[str] = []
        self.row: str | None = None  # name of the open transaction
        self.line = 0
        self.values: dict[str, str] = {}
        self.raw: list[str] = []

    def enter(self, name: str, line: int) -> Iterator[Item]:
        """An aggregate begins."""
        if name in _ROWS:
            yield from self._finish()
            self.row, self.line, self.values, self.raw = name, line, {}, []
            self.inside = [name]
            return
        if name.endswith("STMTRS") or name == "STMTRS":
            yield from self._finish()
            self.currency, self.account = None, {}
        elif name.endswith("ACCTFROM"):
            self.account = {}
        self.inside.append(name)

    def leave(self, name: str) -> Iterator[Item]:
        """An aggregate ends."""
        if name == self.row:
            self.raw.append(f"</{name}>")
            yield from self._finish()
        while self.inside and self.inside.pop() != name:
            pass

    def keep(self, name: str, text: str) -> None:
        """An element with a value."""
        where = self.inside[-1] if self.inside else ""
        if where.endswith("ACCTFROM"):
            self.account.setdefault(name, text)
        elif self.row is not None:
            key = name if where == self.row else f"{where}.{name}"
            self.values.setdefault(key, text)
        elif name == "CURDEF":
            self.currency = text

    def note(self, raw: str) -> None:
        """Keep the text of the open transaction for the quarantine."""
        if self.row is not None:
            self.raw.append(raw)

    def _finish(self) -> Iterator[Item]:
        if self.row is None:
            return
        row, values, raw = self.row, self.values, "".join(self.raw).strip()
        self.row = None
        if row == "STMTTRNP":
            message = "pending: not booked; a booked transaction comes in a later statement"
            yield Reject(self.line, "status", "not_booked", message, raw)
        elif row == "INVTRAN":
            message = "a trade of securities, not a payment; finpat reads payments"
            yield Reject(self.line, None, "not_a_payment", message, raw)
        else:
            yield Entry(self.line, self._values(values), lambda: raw)

    def _values(self, values: dict[str, str]) -> dict[str, str | None]:
        to = next((name for name in ("BANKACCTTO", "CCACCTTO") if f"{name}.ACCTID" in values), "BANKACCTTO")
        payee = values.get("NAME") or values.get("PAYEE.NAME")
        return {
            "booked_at": _instant(values.get("DTPOSTED")),
            "account_id": self.account.get("ACCTID"),
            "amount": _amount(values.get("TRNAMT")),
            "currency": values.get("CURRENCY.CURSYM") or self.currency,
            "counterparty_id": values.get(f"{to}.ACCTID"),
            "counterparty_name": joined([payee]),
            "channel": values.get("TRNTYPE", "").upper() or None,
            "description": joined([payee, values.get("EXTDNAME"), values.get("MEMO")]),
            "reference": reference_of(values.get("FITID")),
            "type": values.get("TRNTYPE"),
            "bank_id": self.account.get("BANKID"),
            "value_date": _instant(values.get("DTAVAIL")),
            "user_date": _instant(values.get("DTUSER")),
            "check_number": reference_of(values.get("CHECKNUM")),
            "reference_number": reference_of(values.get("REFNUM")),
            "standard_industry_code": values.get("SIC"),
            "original_currency": values.get("ORIGCURRENCY.CURSYM"),
            "exchange_rate": values.get("ORIGCURRENCY.CURRATE") or values.get("CURRENCY.CURRATE"),
            "counterparty_bank": values.get(f"{to}.BANKID"),
        }


def _amount(text: str | None) -> str | None:
    """An amount with a decimal point: the specification allows a comma for it, and no mark of thousands."""
    return re.sub(r"^([-+]?\d*),(\d*)$", r"\1.\2", text) if text else None


def _instant(text: str | None) -> str | None:
    """YYYYMMDDHHMMSS.XXX[offset:zone] in ISO form; what has another form stays as it is."""
    found = _INSTANT.fullmatch(text or "")
    if found is None:
        return text
    day = f"{found['day'][:4]}-{found['day'][4:6]}-{found['day'][6:]}"
    if found["hour"] is None:
        return day
    clock = f"{found['hour']}:{found['minute'] or '00'}:{found['second'] or '00'}{found['part'] or ''}"
    if found["offset"] is None:
        return f"{day}T{clock}"
    minutes = round(float(found["offset"]) * 60)
    sign = "-" if minutes < 0 else "+"
    return f"{day}T{clock}{sign}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"


FORMAT = Format(COLUMNS, read)
