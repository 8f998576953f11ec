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
_STATEMENTS = ("Stmt", "Rpt", "Ntfctn")
_DIRECTIONS = {"CRDT": "credit", "DBIT": "debit"}

COLUMNS = (
    "transaction_id", "booked_at", "account_id", "direction", "amount", "currency", "counterparty_id",
    "counterparty_name", "channel", "merchant_category", "description",
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
        name = etree.QName(element).localname
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
                inside = etree.QName(element).localname == "Ntry"
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
    while before is not None and etree.QName(before).localname == "Ntry":
        parent.remove(before)
        before = element.getprevious()


def _line(element: Any) -> int:
    line: int = element.sourceline or 0
    if line >= _BIG_LINE and element.text and not element.text.strip():
        line -= element.text.count("\n")
    return line


class _Statement:
    """One Stmt, Rpt or Ntfctn: what its entries share."""

    def __init__(self, element: Any) -> None:
        self.space = etree.QName(element).namespace
        self.paths: dict[str, str] = {}
        self.id = self.text(element, "Id")
        self.account = self.text(element, "Acct/Id/IBAN") or self.text(element, "Acct/Id/Othr/Id")
        self.account = self.account or self.text(element, "Acct/Id/PrtryAcct/Id")
        self.currency = self.text(element, "Acct/Ccy")
        self.count = 0
        self.balance = Balance(self.id or self.account or "without id")
        for balance in element.iterfind(self.path("Bal")):
            code = self.text(balance, "Tp/CdOrPrtry/Cd") or self.text(balance, "Tp/Cd")
            if code in ("OPBD", "PRCD") and self.balance.opening is None:
                self.balance.opening = self._balance(balance)
            elif code == "CLBD":
                self.balance.closing = self._balance(balance)

    def _balance(self, element: Any) -> tuple[Decimal, str] | None:
        amount, currency = self.amount(element, "Amt")
        number = exact(amount)
        if number is None or currency is None:
            return None
        return (-number if self.text(element, "CdtDbtInd") == "DBIT" else number), currency

    # ------------------------------------------------------------------------------------------- elements

    def path(self, path: str) -> str:
        """The path with each step in the statement's namespace."""
        found = self.paths.get(path)
        if found is None:
            space = f"{{{self.space}}}" if self.space else ""
            found = "/".join(space + step for step in path.split("/"))
            self.paths[path] = found
        return found

    def text(self, element: Any, path: str) -> str | None:
        """The stripped text at the path; None where there is none."""
        found = element.findtext(self.path(path))
        return found.strip() or None if found else None

    def texts(self, element: Any, path: str) -> list[str]:
        """All texts at the path."""
        return [found.text for found in element.iterfind(self.path(path)) if found.text]

    def amount(self, element: Any, path: str) -> tuple[str | None, str | None]:
        """(number as written, currency) at the path."""
        found = element.find(self.path(path))
        if found is None:
            return None, None
        return (found.text or "").strip() or None, found.get("Ccy")

    # ------------------------------------------------------------------------------------------- entries

    def items(self, entry: Any) -> Iterator[Item]:
        """The rows of one Ntry."""
        self.count += 1
        status = self.text(entry, "Sts/Cd") or self.text(entry, "Sts/Prtry") or self.text(entry, "Sts")
        if status not in (None, "BOOK"):
            message = f"status {status}: not booked; a booked entry comes in a later statement"
            yield Reject(_line(entry), "status", "not_booked", message, _raw(entry))
            return
        shared = self._shared(entry)
        self.balance.add(shared["amount"], shared["currency"], shared["direction"])
        details = list(entry.iterfind(self.path("NtryDtls/TxDtls")))
        amounts = self._amounts(details, shared) if len(details) > 1 else None
        if amounts is None:
            yield Entry(_line(entry), self._whole(entry, details, shared), lambda: _raw(entry))
            return
        shared["entry_id"] = shared["entry_id"] or f"{self.id or self.account or ''}#{self.count}"
        for detail, (amount, direction) in zip(details, amounts, strict=True):
            values = {**shared, "amount": amount, "direction": direction}
            values["payments_in_entry"] = str(len(details))
            values |= self._detail(entry, detail, values)
            values["reference"] = reference_of(self.text(detail, "Refs/AcctSvcrRef"))
            yield _entry(entry, detail, values)

    def _shared(self, entry: Any) -> dict[str, str | None]:
        amount, currency = self.amount(entry, "Amt")
        indicator = self.text(entry, "CdtDbtInd") or ""
        value_date = self.text(entry, "ValDt/Dt") or self.text(entry, "ValDt/DtTm")
        booked = self.text(entry, "BookgDt/DtTm") or self.text(entry, "BookgDt/Dt")
        reversal = self.text(entry, "RvslInd")
        reference = reference_of(self.text(entry, "AcctSvcrRef"))
        return {
            "booked_at": booked or value_date,
            "account_id": self.account,
            "direction": _DIRECTIONS.get(indicator, indicator),
            "amount": amount,
            "currency": currency or self.currency,
            "statement_id": self.id,
            "entry_id": reference or reference_of(self.text(entry, "NtryRef")),
            "reference": reference,
            "value_date": value_date,
            "reversal": "true" if reversal in ("true", "1") else None,
        }

    def _amounts(self, details: list[Any], shared: dict[str, str | None]) -> list[tuple[str, str]] | None:
        """(amount, direction) of each payment in the entry's currency; None unless they make up the entry."""
        whole, direction = exact(shared["amount"]), shared["direction"]
        if whole is None or direction not in ("credit", "debit"):
            return None
        found: list[tuple[str, str]] = []
        total = Decimal(0)
        for detail in details:
            stated = [
                self.amount(detail, path)
                for path in ("Amt", "AmtDtls/TxAmt/Amt", "AmtDtls/InstdAmt/Amt", "AmtDtls/CntrValAmt/Amt")
            ]
            amount = next((text for text, code in stated if text and code == shared["currency"]), None)
            number = exact(amount)
            if amount is None or number is None:
                return None
            way = _DIRECTIONS.get(self.text(detail, "CdtDbtInd") or "", direction)
            total += number if way == direction else -number
            found.append((amount, way))
        return found if total == whole else None

    def _whole(self, entry: Any, details: list[Any], shared: dict[str, str | None]) -> dict[str, str | None]:
        """An entry as one row: with its one payment's parties, or without where it has several."""
        if len(details) == 1:
            values = shared | self._detail(entry, details[0], shared)
            values["reference"] = shared["reference"] or reference_of(
                self.text(details[0], "Refs/AcctSvcrRef")
            )
            return values
        batch = self.text(entry, "NtryDtls/Btch/NbOfTxs")
        values = shared | self._detail(entry, entry, shared)
        values["payments_in_entry"] = str(len(details)) if details else batch
        if details:
            parties = [self._party(detail, shared) for detail in details]
            values["parties_in_entry"] = joined(
                [joined((party["counterparty_id"], party["counterparty_name"])) for party in parties], "; "
            )
        return values

    def _detail(self, entry: Any, detail: Any, shared: dict[str, str | None]) -> dict[str, str | None]:
        code, channel = self._code(detail)
        if code is None or (channel is None and detail is not entry):
            outer, outer_channel = self._code(entry)
            code, channel = code or outer, channel or outer_channel
        original, original_currency = self.amount(detail, "AmtDtls/InstdAmt/Amt")
        if original_currency in (None, shared["currency"]):
            original, original_currency = self.amount(entry, "AmtDtls/InstdAmt/Amt")
        if original_currency in (None, shared["currency"]):
            original = original_currency = None
        rate = "CcyXchg/XchgRate"
        return self._party(detail, shared) | {
            "channel": channel,
            "merchant_category": self._merchant_category(detail) or self._merchant_category(entry),
            "description": joined(
                [
                    *self.texts(detail, "RmtInf/Ustrd"),
                    *self.texts(detail, "RmtInf/Strd/CdtrRefInf/Ref"),
                    *self.texts(detail, "RmtInf/Strd/AddtlRmtInf"),
                    self.text(detail, "AddtlTxInf"),
                    self.text(entry, "AddtlNtryInf"),
                ]
            ),
            "bank_transaction_code": code,
            "end_to_end_id": reference_of(self.text(detail, "Refs/EndToEndId")),
            "mandate_id": reference_of(self.text(detail, "Refs/MndtId")),
            "purpose": self.text(detail, "Purp/Cd") or self.text(detail, "Purp/Prtry"),
            "original_amount": original,
            "original_currency": original_currency,
            "exchange_rate": self.text(detail, f"AmtDtls/InstdAmt/{rate}")
            or self.text(detail, f"AmtDtls/TxAmt/{rate}")
            or self.text(entry, f"AmtDtls/InstdAmt/{rate}"),
        }

    def _party(self, detail: Any, shared: dict[str, str | None]) -> dict[str, str | None]:
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
            "counterparty_bank": self.text(detail, f"{bank}/BICFI")
            or self.text(detail, f"{bank}/BIC")
            or self.text(detail, f"{bank}/Nm"),
            "counterparty_country": self.text(detail, f"RltdPties/{side}/PstlAdr/Ctry")
            or self.text(detail, f"RltdPties/{side}/Pty/PstlAdr/Ctry"),
            "ultimate_party": self._name(detail, f"RltdPties/Ultmt{side}"),
        }

    def _name(self, detail: Any, party: str) -> str | None:
        return (
            self.text(detail, f"{party}/Nm")
            or self.text(detail, f"{party}/Pty/Nm")
            or self.text(detail, f"{party}/Agt/FinInstnId/Nm")
        )

    def _account_of(self, detail: Any, side: str) -> str | None:
        account = f"RltdPties/{side}Acct"
        found = self.text(detail, f"{account}/Id/IBAN") or self.text(detail, f"{account}/Id/Othr/Id")
        return found or self.text(detail, f"{account}/Prxy/Id")

    def _code(self, element: Any) -> tuple[str | None, str | None]:
        """(bank transaction code as written, channel that it stands for)."""
        domain = self.text(element, "BkTxCd/Domn/Cd")
        if domain is None:
            return self.text(element, "BkTxCd/Prtry/Cd"), None
        family = self.text(element, "BkTxCd/Domn/Fmly/Cd") or ""
        sub = self.text(element, "BkTxCd/Domn/Fmly/SubFmlyCd") or ""
        channel = None
        if sub in _FEES:
            channel = "fee"
        elif domain == "PMNT":
            channel = _SUBFAMILIES.get((family, sub)) or _FAMILIES.get(family)
        return "/".join((domain, family, sub)), channel

    def _merchant_category(self, element: Any) -> str | None:
        card = element.find(self.path("CardTx"))
        if card is None:
            return None
        codes = (found.text or "" for found in card.iter("{*}MrchntCtgyCd"))
        return next((code.strip() for code in codes if code.strip()), None)


def _entry(entry: Any, detail: Any, values: dict[str, str | None]) -> Entry:
    return Entry(_line(detail), values, lambda: _raw(detail))


def _raw(element: Any) -> str:
    text: str = etree.tostring(element, encoding="unicode", with_tail=False)
    return text


FORMAT = Format(COLUMNS, read)
