"""ISO 20022 account reports, statements and notifications (camt.052, camt.053, camt.054), every version.

One row per booked entry (Ntry). An entry that stands for several payments (TxDtls) is split where their
amounts add up to its own; the parts keep its id in `entry_id`. Elements are found by name in the namespace of
the entry, so that versions 1 to 13 read alike: a party's name stands in Nm or, since version 8, in Pty/Nm; a
booking date is Dt or DtTm; a status is text or a code.

Source of the meaning of elements: ISO 20022 Message Definition Report, Bank-to-Customer Cash Management. The
reversal indicator tells that an entry takes back an earlier one; CdtDbtInd already says which way the money
goes, so it is not turned round.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from functools import lru_cache
from typing import Any

from lxml import etree

from finpat.errors import SourceError
from finpat.sources.delimited import Reject
from finpat.sources.source import Source
from finpat.sources.statements.entries import (
    Balance,
    Entry,
    Format,
    Item,
    exact,
    joined,
    reference_of,
)

_BLOCK = 1 << 16
_BIG_LINE = 65535  # libxml2 keeps a line number in 16 bits and from here on takes it from the text inside
_PAYMENT = "TxDtls"
_STATEMENTS = ("Stmt", "Rpt", "Ntfctn")
_PENDING = ("PDNG", "FUTR")  # announced, not booked (ISO 20022 external code set EntryStatus); INFO never is
_DIRECTIONS = {"CRDT": "credit", "DBIT": "debit"}

COLUMNS = (
    "transaction_id", "booked_at", "account_id", "direction", "amount", "currency", "counterparty_id",
    "counterparty_name", "channel", "merchant_category", "description", "status",
    "reference", "entry_id", "statement_id", "value_date", "reversal", "bank_transaction_code",
    "end_to_end_id", "mandate_id", "purpose", "original_amount", "original_currency", "exchange_rate",
    "counterparty_bank", "counterparty_country", "ultimate_party", "payments_in_entry", "parties_in_entry",
)  # fmt: skip

# Channel by family of the domain PMNT, and by sub-family where that says more (ISO 20022 external code set
# BankTransactionCode).
_FAMILIES = {
    "CCRD": "card", "MCRD": "card", "CNTR": "cash", "ICHQ": "cheque", "RCHQ": "cheque", "LBOX": "cheque",
    "ICDT": "transfer", "RCDT": "transfer", "IDDT": "transfer", "RDDT": "transfer", "IRCT": "transfer",
    "RRCT": "transfer", "ICCN": "transfer", "RCCN": "transfer",
}  # fmt: skip
_SUBFAMILIES = {
    ("CCRD", "CWDL"): "atm", ("CCRD", "XBCW"): "atm", ("CCRD", "CDPT"): "atm", ("CNTR", "CHKD"): "cheque",
    ("CNTR", "TCDP"): "cheque", ("CNTR", "TCWD"): "cheque",
}  # fmt: skip
_FEES = frozenset({"CHRG", "COMM", "FEES"})


def read(source: Source, encoding: str | None) -> Iterator[Item]:
    """The file's entries, in its order.

    Raises:
        SourceError: the XML is cut off or not well-formed, declares a document type, or holds no statement.
    """
    statement: _Statement | None = None
    found = False
    for event, element in _events(source, encoding):
        name = _name_of(element.tag)
        if event == "start":
            statement, found = None, True
        elif name == "Ntry":
            if statement is None:
                statement = _Statement(element.getparent())
            yield from statement.items(element)
            _drop_before(element)
        else:
            if statement is not None:
                yield from statement.balance.remarks()
            statement = None
            element.clear(keep_tail=True)
    if not found:
        raise SourceError(
            f"{source.path}: XML without a statement (Stmt), report (Rpt) or notification (Ntfctn)"
        )


def _events(source: Source, encoding: str | None) -> Iterator[tuple[str, Any]]:
    """Starts and ends of statements, ends of entries."""
    tags = [f"{{*}}{name}" for name in ("Ntry", *_STATEMENTS)]
    parser = etree.XMLPullParser(
        events=("start", "end"), tag=tags, resolve_entities=False, no_network=True, load_dtd=False,
        dtd_validation=False, huge_tree=False, remove_comments=True, remove_pis=True, encoding=encoding,
    )  # fmt: skip
    checked = False
    try:
        for block in source.blocks(_BLOCK):
            parser.feed(block)
            for event, element in parser.read_events():
                if not checked:
                    checked = True
                    _refuse_document_type(source, element)
                inside = _name_of(element.tag) == "Ntry"
                if not (inside and event == "start"):
                    yield event, element
        root = parser.close()
    except etree.XMLSyntaxError as error:
        line = error.lineno or 0
        raise SourceError(
            f"{source.path} line {line}: the XML is cut off or damaged ({_reason(error)}); copy it again"
        ) from None
    if not checked:
        _refuse_document_type(source, root)


def _reason(error: etree.XMLSyntaxError) -> str:
    return str(error.msg or "syntax error").split(", line")[0].strip()[:160]


def _refuse_document_type(source: Source, element: Any) -> None:
    if element.getroottree().docinfo.doctype:
        raise SourceError(
            f"{source.path}: the XML declares a document type (DOCTYPE); statements have none, and entities "
            "could pull in other files. Refused"
        )


def _drop_before(element: Any) -> None:
    """Free the entries before this one; lxml forbids removing the one whose end was just told."""
    parent = element.getparent()
    before = element.getprevious()
    while before is not None and before.tag == element.tag:
        parent.remove(before)
        before = element.getprevious()


def _line(element: Any) -> int:
    line: int = element.sourceline or 0
    if line >= _BIG_LINE and element.text and not element.text.strip():
        line -= element.text.count("\n")
    return line


Leaves = dict[str, list[tuple[str, str | None]]]  # (text, currency) of the elements that hold text, by path


def _leaves(element: Any) -> Leaves:
    """What stands inside the element, apart from its payments: one walk, as a look-up per path costs more."""
    found: Leaves = {}
    for child in element:
        name = _name_of(child.tag)
        if name != _PAYMENT:
            _gather(child, name, found)
    return found


def _gather(element: Any, path: str, found: Leaves) -> None:
    if len(element):
        for child in element:
            name = _name_of(child.tag)
            if name != _PAYMENT:
                _gather(child, f"{path}/{name}", found)
    elif text := (element.text or "").strip():
        found.setdefault(path, []).append((text, element.get("Ccy")))


@lru_cache(maxsize=4096)
def _name_of(tag: str) -> str:
    """The element's name without its namespace."""
    return tag.rpartition("}")[2]


def _text(leaves: Leaves, path: str) -> str | None:
    found = leaves.get(path)
    return found[0][0] if found else None


def _texts(leaves: Leaves, path: str) -> list[str]:
    return [text for text, _ in leaves.get(path, ())]


def _amount(leaves: Leaves, path: str) -> tuple[str | None, str | None]:
    """(number as written, currency) at the path."""
    found = leaves.get(path)
    return found[0] if found else (None, None)


class _Statement:
    """One Stmt, Rpt or Ntfctn: what its entries share."""

    def __init__(self, element: Any) -> None:
        header: Leaves = {}
        balances: list[Leaves] = []
        for child in element:
            name = _name_of(child.tag)
            if name == "Bal":
                balances.append(_leaves(child))
            elif name != "Ntry":
                _gather(child, name, header)
        self.id = _text(header, "Id")
        self.account = _text(header, "Acct/Id/IBAN") or _text(header, "Acct/Id/Othr/Id")
        self.account = self.account or _text(header, "Acct/Id/PrtryAcct/Id")
        self.currency = _text(header, "Acct/Ccy")
        self.count = 0
        self.balance = Balance(self.id or self.account or "without id")
        for balance in balances:
            code = _text(balance, "Tp/CdOrPrtry/Cd") or _text(balance, "Tp/Cd")
            if code in ("OPBD", "PRCD") and self.balance.opening is None:
                self.balance.opening = self._balance(balance)
            elif code == "CLBD":
                self.balance.closing = self._balance(balance)

    def _balance(self, balance: Leaves) -> tuple[Decimal, str] | None:
        amount, currency = _amount(balance, "Amt")
        number = exact(amount)
        if number is None or currency is None:
            return None
        return (-number if _text(balance, "CdtDbtInd") == "DBIT" else number), currency

    # ------------------------------------------------------------------------------------------- entries

    def items(self, element: Any) -> Iterator[Item]:
        """The rows of one Ntry."""
        self.count += 1
        entry = _leaves(element)
        status = _text(entry, "Sts/Cd") or _text(entry, "Sts/Prtry") or _text(entry, "Sts")
        if status not in (None, "BOOK", *_PENDING):
            message = f"status {status}: not a booking of this account, now or later"
            yield Reject(_line(element), "status", "not_booked", message, _raw(element))
            return
        shared = self._shared(entry)
        if status in _PENDING:
            shared["status"] = "pending"
        else:
            self.balance.add(shared["amount"], shared["currency"], shared["direction"])
        payments = list(element.iter(f"{{*}}{_PAYMENT}"))
        details = [_leaves(payment) for payment in payments]
        amounts = self._amounts(details, shared) if len(details) > 1 else None
        if amounts is None:
            yield Entry(_line(element), self._whole(entry, details, shared), lambda: _raw(element))
            return
        shared["entry_id"] = shared["entry_id"] or f"{self.id or self.account or ''}#{self.count}"
        for payment, detail, (amount, direction) in zip(payments, details, amounts, strict=True):
            values = {**shared, "amount": amount, "direction": direction}
            values["payments_in_entry"] = str(len(details))
            values |= self._detail(entry, detail, values)
            values["reference"] = reference_of(_text(detail, "Refs/AcctSvcrRef"))
            yield _entry(payment, values)

    def _shared(self, entry: Leaves) -> dict[str, str | None]:
        amount, currency = _amount(entry, "Amt")
        indicator = _text(entry, "CdtDbtInd") or ""
        value_date = _text(entry, "ValDt/Dt") or _text(entry, "ValDt/DtTm")
        booked = _text(entry, "BookgDt/DtTm") or _text(entry, "BookgDt/Dt")
        reversal = _text(entry, "RvslInd")
        reference = reference_of(_text(entry, "AcctSvcrRef"))
        return {
            "booked_at": booked or value_date,
            "account_id": self.account,
            "direction": _DIRECTIONS.get(indicator, indicator),
            "amount": amount,
            "currency": currency or self.currency,
            "statement_id": self.id,
            "entry_id": reference or reference_of(_text(entry, "NtryRef")),
            "reference": reference,
            "value_date": value_date,
            "reversal": "true" if reversal in ("true", "1") else None,
        }

    def _amounts(self, details: list[Leaves], shared: dict[str, str | None]) -> list[tuple[str, str]] | None:
        """(amount, direction) of each payment in the entry's currency; None unless they make up the entry."""
        whole, direction = exact(shared["amount"]), shared["direction"]
        if whole is None or direction not in ("credit", "debit"):
            return None
        found: list[tuple[str, str]] = []
        total = Decimal(0)
        for detail in details:
            stated = [
                _amount(detail, path)
                for path in ("Amt", "AmtDtls/TxAmt/Amt", "AmtDtls/InstdAmt/Amt", "AmtDtls/CntrValAmt/Amt")
            ]
            amount = next((text for text, code in stated if text and code == shared["currency"]), None)
            number = exact(amount)
            if amount is None or number is None:
                return None
            way = _DIRECTIONS.get(_text(detail, "CdtDbtInd") or "", direction)
            total += number if way == direction else -number
            found.append((amount, way))
        return found if total == whole else None

    def _whole(
        self, entry: Leaves, details: list[Leaves], shared: dict[str, str | None]
    ) -> dict[str, str | None]:
        """An entry as one row: with its one payment's parties, or without where it has several."""
        if len(details) == 1:
            values = shared | self._detail(entry, details[0], shared)
            values["reference"] = shared["reference"] or reference_of(_text(details[0], "Refs/AcctSvcrRef"))
            return values
        batch = _text(entry, "NtryDtls/Btch/NbOfTxs")
        values = shared | self._detail(entry, entry, shared)
        values["payments_in_entry"] = str(len(details)) if details else batch
        if details:
            parties = [self._party(detail, shared) for detail in details]
            values["parties_in_entry"] = joined(
                [joined((party["counterparty_id"], party["counterparty_name"])) for party in parties], "; "
            )
        return values

    def _detail(self, entry: Leaves, detail: Leaves, shared: dict[str, str | None]) -> dict[str, str | None]:
        code, channel = _code(detail)
        if code is None or (channel is None and detail is not entry):
            outer, outer_channel = _code(entry)
            code, channel = code or outer, channel or outer_channel
        original, original_currency = _amount(detail, "AmtDtls/InstdAmt/Amt")
        if original_currency in (None, shared["currency"]):
            original, original_currency = _amount(entry, "AmtDtls/InstdAmt/Amt")
        if original_currency in (None, shared["currency"]):
            original = original_currency = None
        rate = "CcyXchg/XchgRate"
        return self._party(detail, shared) | {
            "channel": channel,
            "merchant_category": _merchant_category(detail) or _merchant_category(entry),
            "description": joined(
                [
                    *_texts(detail, "RmtInf/Ustrd"),
                    *_texts(detail, "RmtInf/Strd/CdtrRefInf/Ref"),
                    *_texts(detail, "RmtInf/Strd/AddtlRmtInf"),
                    _text(detail, "AddtlTxInf"),
                    _text(entry, "AddtlNtryInf"),
                ]
            ),
            "bank_transaction_code": code,
            "end_to_end_id": reference_of(_text(detail, "Refs/EndToEndId")),
            "mandate_id": reference_of(_text(detail, "Refs/MndtId")),
            "purpose": _text(detail, "Purp/Cd") or _text(detail, "Purp/Prtry"),
            "original_amount": original,
            "original_currency": original_currency,
            "exchange_rate": _text(detail, f"AmtDtls/InstdAmt/{rate}")
            or _text(detail, f"AmtDtls/TxAmt/{rate}")
            or _text(entry, f"AmtDtls/InstdAmt/{rate}"),
        }

    def _party(self, detail: Leaves, shared: dict[str, str | None]) -> dict[str, str | None]:
        """The other side: who pays a credit, who is paid by a debit.

        A reversal keeps the parties of the payment that it takes back. Where the side that follows from this
        is the account itself, it is the other one.
        """
        payer = (shared["direction"] == "credit") != (shared.get("reversal") == "true")
        side, other = ("Dbtr", "Cdtr") if payer else ("Cdtr", "Dbtr")
        found = self._account_of(detail, side)
        if found is not None and found == self.account:
            turned = self._account_of(detail, other)
            if turned not in (None, found):
                side, found = other, turned
        bank = f"RltdAgts/{side}Agt/FinInstnId"
        return {
            "counterparty_id": found,
            "counterparty_name": self._name(detail, f"RltdPties/{side}"),
            "counterparty_bank": _text(detail, f"{bank}/BICFI")
            or _text(detail, f"{bank}/BIC")
            or _text(detail, f"{bank}/Nm"),
            "counterparty_country": _text(detail, f"RltdPties/{side}/PstlAdr/Ctry")
            or _text(detail, f"RltdPties/{side}/Pty/PstlAdr/Ctry"),
            "ultimate_party": self._name(detail, f"RltdPties/Ultmt{side}"),
        }

    def _name(self, detail: Leaves, party: str) -> str | None:
        return (
            _text(detail, f"{party}/Nm")
            or _text(detail, f"{party}/Pty/Nm")
            or _text(detail, f"{party}/Agt/FinInstnId/Nm")
        )

    def _account_of(self, detail: Leaves, side: str) -> str | None:
        account = f"RltdPties/{side}Acct"
        found = _text(detail, f"{account}/Id/IBAN") or _text(detail, f"{account}/Id/Othr/Id")
        return found or _text(detail, f"{account}/Prxy/Id")


def _code(leaves: Leaves) -> tuple[str | None, str | None]:
    """(bank transaction code as written, channel that it stands for)."""
    domain = _text(leaves, "BkTxCd/Domn/Cd")
    if domain is None:
        return _text(leaves, "BkTxCd/Prtry/Cd"), None
    family = _text(leaves, "BkTxCd/Domn/Fmly/Cd") or ""
    sub = _text(leaves, "BkTxCd/Domn/Fmly/SubFmlyCd") or ""
    channel = None
    if sub in _FEES:
        channel = "fee"
    elif domain == "PMNT":
        channel = _SUBFAMILIES.get((family, sub)) or _FAMILIES.get(family)
    return "/".join((domain, family, sub)), channel


def _merchant_category(leaves: Leaves) -> str | None:
    """The merchant category code of a card payment; versions differ in how deep it stands."""
    for path, found in leaves.items():
        if path.startswith("CardTx/") and path.endswith("/MrchntCtgyCd"):
            return found[0][0]
    return None


def _entry(payment: Any, values: dict[str, str | None]) -> Entry:
    return Entry(_line(payment), values, lambda: _raw(payment))


def _raw(element: Any) -> str:
    text: str = etree.tostring(element, encoding="unicode", with_tail=False)
    return text


FORMAT = Format(COLUMNS, read)
