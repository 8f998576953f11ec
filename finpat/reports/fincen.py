"""A draft for FinCEN's suspicious activity form: batch XML of schema 2.0 (FinCEN SAR XML user guide 1.6).

The schema orders the elements of a party by name, a subtype before its type, and numbers every element
(`SeqNum`) once in the file. What the schema lets pass E-Filing still refuses without a transmitter control
code, tax numbers and addresses, so the pre-flight asks for them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_CEILING, Decimal
from typing import Any

from lxml import etree

from finpat.config import FincenSettings
from finpat.errors import UsageError
from finpat.reports.crosswalk import CROSSWALK
from finpat.reports.narrative import DRAFT, paragraphs, pieces
from finpat.reports.preflight import Fault, Wanted, faults_in, one_line

NAMESPACE = "www.fincen.gov/base"
KEY_TERM = "HUMAN TRAFFICKING FIN-2020-A008"  # FinCEN asks for it in the note and the narrative
NARRATIVE_LENGTH, NARRATIVE_COUNT = 4_000, 5
SUBTYPES = (
    "111", "112", "113", "114", "402", "405", "804", "805", "807", "808", "809", "812", "821", "824", "905",
    "909", "910", "911", "925", "926", "927", "928",
)  # fmt: skip
_NINE_DIGITS = r"[0-9]{9}"


@dataclass(frozen=True)
class Draft:
    """A document, and what the officer has to complete; no document where there are faults."""

    document: bytes | None
    faults: tuple[Fault, ...]
    to_complete: tuple[str, ...]


def fincen_draft(
    explanation: Mapping[str, Any],
    settings: FincenSettings,
    on: date,
    *,
    subtypes: Sequence[str] = (),
    subject_unknown: bool = False,
) -> Draft:
    """A draft about one account, or what keeps it from being written.

    explanation: what `explain_account` says with names shown. subtypes: suspicious activity subtypes that
    the officer chose; none: those that the crosswalk proposes. subject_unknown: nothing is known of the
    holder.

    Raises:
        UsageError: the account is that of a possible victim, who is never a subject (FIN-2020-A008).
    """
    if explanation["interpretation"]["possible_role"] == "possible_victim":
        raise UsageError(
            f"{explanation['account_id']} is the account of a possible victim, who is never the subject of a "
            "report (FIN-2020-A008): protect and refer; they belong in the narrative about others"
        )
    facts = explanation["facts"]
    chosen = list(dict.fromkeys(subtypes)) or _proposed(facts["findings"])
    texts, fitted = pieces(paragraphs(explanation, KEY_TERM), NARRATIVE_LENGTH, NARRATIVE_COUNT)
    faults = faults_in(_wanted(settings))
    if not facts["findings"]:
        faults.append(Fault("SuspiciousActivity", "the account has no finding to report"))
    if not chosen:
        faults.append(
            Fault(
                "SuspiciousActivitySubtypeID", "no finding has a subtype in the crosswalk; choose --subtype"
            )
        )
    for subtype in chosen:
        if subtype not in SUBTYPES:
            faults.append(Fault("SuspiciousActivitySubtypeID", f"{subtype} is none of {', '.join(SUBTYPES)}"))
    subject = [Wanted("subject account number", explanation["account_id"], 40)]
    if not subject_unknown:
        subject.append(Wanted("subject name", facts["holder"].get("holder_name") or "", 150))
    faults += faults_in(subject)
    if faults:
        return Draft(None, tuple(faults), ())
    to_complete = ["subject: address, tax number, date of birth are not in the data: look them up"]
    is_business = facts["holder"].get("holder_type") == "business"
    if not subject_unknown and not is_business:
        to_complete.append("subject: the data has the whole name only; divide it into last and first name")
    amount = _amount(facts["findings"])
    if amount is None:
        to_complete.append("amount: not all of it is in US dollars; state it in dollars")
    if not fitted:
        to_complete.append("narrative: longer than the form holds; the end was left out")
    batch = _Batch()
    activity = batch.start(on)
    batch.parties(activity, settings, explanation, subject_unknown=subject_unknown, is_business=is_business)
    batch.suspicion(activity, facts, chosen, amount)
    for number, text in enumerate(texts, start=1):
        told = batch.add(activity, "ActivityNarrativeInformation")
        batch.put(told, ActivityNarrativeSequenceNumber=str(number), ActivityNarrativeText=text)
    return Draft(batch.as_bytes(), (), tuple(to_complete))


def _proposed(findings: Sequence[Mapping[str, Any]]) -> list[str]:
    """Subtypes of the crosswalk for these findings, each once, in order."""
    found = {
        CROSSWALK[row["indicator_id"]].fincen_subtype for row in findings if row["indicator_id"] in CROSSWALK
    }
    return sorted(found - {""})


def _amount(findings: Sequence[Mapping[str, Any]]) -> str | None:
    """Sum of the evidence rows in whole dollars, each row once; None where one is in another currency."""
    rows = {(row["transaction_id"], row["direction"]): row for item in findings for row in item["evidence"]}
    if not rows or any(row["currency"] != "USD" for row in rows.values()):
        return None
    total = sum((Decimal(row["amount"]) for row in rows.values()), Decimal(0))
    return str(total.quantize(Decimal(1), ROUND_CEILING))


def _wanted(settings: FincenSettings) -> list[Wanted]:
    """What E-Filing asks of the institution."""
    nine = "nine digits"

    def of(name: str, length: int, pattern: str = r".*", expected: str = "") -> Wanted:
        return Wanted(f"[reports.fincen] {name}", getattr(settings, name), length, pattern, expected)

    return [
        of("institution", 150),
        of("ein", 25, _NINE_DIGITS, nine),
        of("transmitter_control_code", 8, r"[A-Za-z0-9]{8}", "eight letters or digits"),
        of("regulator", 2, r"1|2|3|4|6|7|9|13|99", "1, 2, 3, 4, 6, 7, 9, 13 or 99 (not applicable)"),
        of("street", 100),
        of("city", 50),
        of("state", 3, r"[A-Z]{2}", "two capitals, e.g. NY"),
        of("zip", 9, r"[0-9]{5}([0-9]{4})?", "five or nine digits"),
        of("country", 2, r"[A-Z]{2}", "two capitals, e.g. US"),
        of("contact", 150),
        of("phone", 16, r"[0-9]{10,16}", "digits only, ten or more"),
    ]


class _Batch:
    """A document whose elements are numbered in their order as it ends."""

    def __init__(self) -> None:
        self.root = etree.Element(f"{{{NAMESPACE}}}EFilingBatchXML", nsmap={"fc2": NAMESPACE})
        self.root.append(etree.Comment(f" {DRAFT} "))
        self.put(self.root, FormTypeCode="SARX")

    def add(self, parent: Any, name: str, **values: str) -> Any:
        """A numbered element with these children."""
        child = etree.SubElement(parent, f"{{{NAMESPACE}}}{name}", SeqNum="0")
        self.put(child, **values)
        return child

    def put(self, parent: Any, **values: str) -> None:
        """Children with text, in the order given."""
        for name, value in values.items():
            etree.SubElement(parent, f"{{{NAMESPACE}}}{name}").text = one_line(value)

    def start(self, on: date) -> Any:
        """The activity with its date, note and kind (an initial report)."""
        activity = self.add(
            self.root, "Activity", FilingDateText=f"{on:%Y%m%d}", FilingInstitutionNotetoFinCEN=KEY_TERM
        )
        self.add(activity, "ActivityAssociation", InitialReportIndicator="Y")
        return activity

    def parties(
        self,
        activity: Any,
        settings: FincenSettings,
        explanation: Mapping[str, Any],
        *,
        subject_unknown: bool,
        is_business: bool,
    ) -> None:
        """Transmitter 35, its contact 37, institution 30, contact 8, place of activity 34, subject 33."""
        named = {"PartyNameTypeCode": "L", "RawPartyFullName": settings.institution}
        contact = {"PartyNameTypeCode": "L", "RawPartyFullName": settings.contact}
        regulator = {"PrimaryRegulatorTypeCode": settings.regulator}
        for code, name, of_institution in (
            ("35", named, {}),
            ("37", contact, None),
            ("30", named, regulator),
            ("8", contact, None),
            ("34", named, regulator),
        ):
            party = self.add(activity, "Party", ActivityPartyTypeCode=code, **(of_institution or {}))
            self.add(party, "PartyName", **name)
            if of_institution is not None:
                self._address(party, settings)
            if code in ("35", "8"):
                self.add(party, "PhoneNumber", PhoneNumberText=settings.phone)
            if of_institution is not None:
                self._identified(party, settings.ein, "2")
            if code == "35":
                self._identified(party, settings.transmitter_control_code, "28")
        flags = {"AllCriticalSubjectInformationUnavailableIndicator": "Y"} if subject_unknown else {}
        if is_business:
            flags["PartyAsEntityOrganizationIndicator"] = "Y"
        subject = self.add(activity, "Party", ActivityPartyTypeCode="33", **flags)
        if not subject_unknown:
            first = {} if is_business else {"FirstNameUnknownIndicator": "Y"}
            name = explanation["facts"]["holder"]["holder_name"]
            self.add(subject, "PartyName", **first, PartyNameTypeCode="L", RawEntityIndividualLastName=name)
        held = self.add(subject, "PartyAccountAssociation", PartyAccountAssociationTypeCode="7")
        bank = self.add(held, "Party", ActivityPartyTypeCode="41")
        self._identified(bank, settings.ein, "2")
        account = self.add(bank, "Account", AccountNumberText=explanation["account_id"])
        self.add(account, "PartyAccountAssociation", PartyAccountAssociationTypeCode="5")

    def _address(self, party: Any, settings: FincenSettings) -> None:
        self.add(
            party,
            "Address",
            RawCityText=settings.city,
            RawCountryCodeText=settings.country,
            RawStateCodeText=settings.state,
            RawStreetAddress1Text=settings.street,
            RawZIPCode=settings.zip,
        )

    def _identified(self, party: Any, number: str, kind: str) -> None:
        values = {"PartyIdentificationNumberText": number, "PartyIdentificationTypeCode": kind}
        self.add(party, "PartyIdentification", **values)

    def suspicion(
        self, activity: Any, facts: Mapping[str, Any], subtypes: Sequence[str], amount: str | None
    ) -> None:
        """Days, amount and classification of what was found."""
        starts = [row["window_start"] for row in facts["findings"] if row["window_start"]]
        ends = [row["window_end"] for row in facts["findings"] if row["window_end"]]
        told = self.add(activity, "SuspiciousActivity")
        if amount is None:
            self.put(told, AmountUnknownIndicator="Y")
        self.put(
            told,
            SuspiciousActivityFromDateText=f"{min(starts, default=facts['first_seen']):%Y%m%d}",
            SuspiciousActivityToDateText=f"{max(ends, default=facts['last_seen']):%Y%m%d}",
        )
        if amount is not None:
            self.put(told, TotalSuspiciousAmountText=amount)
        for subtype in sorted(subtypes):
            self.add(
                told,
                "SuspiciousActivityClassification",
                SuspiciousActivitySubtypeID=subtype,
                SuspiciousActivityTypeID=subtype[:-2],
            )

    def as_bytes(self) -> bytes:
        """The document, numbered and counted."""
        numbered = [element for element in self.root.iter(etree.Element) if "SeqNum" in element.attrib]
        for number, element in enumerate(numbered, start=1):
            element.set("SeqNum", str(number))
        parties = self.root.findall(f"{{{NAMESPACE}}}Activity/{{{NAMESPACE}}}Party")
        amounts = [int(found.text) for found in self.root.iter(f"{{{NAMESPACE}}}TotalSuspiciousAmountText")]
        counts = {"TotalAmount": sum(amounts), "PartyCount": len(parties), "ActivityCount": 1,
                  "ActivityAttachmentCount": 0, "AttachmentCount": 0}  # fmt: skip
        for name, count in counts.items():
            self.root.set(name, str(count))
        made: bytes = etree.tostring(self.root, xml_declaration=True, encoding="UTF-8", pretty_print=True)
        return made
