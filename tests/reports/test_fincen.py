"""Drafts for FinCEN: valid under its schema, refused field by field, no possible victim a subject.

`EFL_SARXBatchSchema.xsd` is FinCEN's own file (version 1.2 of 17 December 2021): a work of the United States
Government, in the public domain there (17 USC 105).
"""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from finpat.cli import run_command
from finpat.config import FincenSettings
from finpat.errors import UsageError
from finpat.explain import explain_account
from finpat.indicators import INDICATORS
from finpat.readmodel import ReadModel
from finpat.reports import CROSSWALK, fincen_draft
from finpat.reports.fincen import SUBTYPES
from finpat.reports.narrative import pieces
from finpat.store.workspace import Workspace
from tests.readmodel.published import publish_sample

SCHEMA = etree.XMLSchema(etree.parse(Path(__file__).with_name("EFL_SARXBatchSchema.xsd")))
NAMES = {"f": "www.fincen.gov/base"}
ON = date(2026, 4, 2)
BANK = FincenSettings(
    institution="Example Bank", ein="123456789", transmitter_control_code="ABCD1234", regulator="4",
    street="1 Example St", city="Springfield", state="NY", zip="12345", country="US",
    contact="Compliance Office", phone="2125550100",
)  # fmt: skip
WHOLE = BANK.model_dump()


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    with ReadModel(publish_sample(tmp_path_factory.mktemp("run"))) as model:
        return explain_account(model, "007", reveal="a test")


@pytest.fixture(scope="module")
def told_of_possible_victim(tmp_path_factory):
    with ReadModel(publish_sample(tmp_path_factory.mktemp("run"))) as model:
        return explain_account(model, "VICTIM", reveal="a test")


def changed(told, **facts):
    return told | {"facts": told["facts"] | facts}


def parsed(draft):
    assert draft.faults == ()
    document = etree.fromstring(draft.document)
    SCHEMA.assertValid(document)
    return document


def texts(document, path):
    return document.xpath(f"//f:{path}/text()", namespaces=NAMES)


def test_a_draft_is_valid_under_the_schema_and_says_that_it_is_a_draft(told):
    document = parsed(fincen_draft(told, BANK, ON))
    assert texts(document, "Activity/f:Party/f:ActivityPartyTypeCode") == ["35", "37", "30", "8", "34", "33"]
    assert texts(document, "FilingInstitutionNotetoFinCEN") == ["HUMAN TRAFFICKING FIN-2020-A008"]
    assert document.xpath("//comment()")[0].text.startswith(" DRAFT, not filed")
    assert texts(document, "ActivityNarrativeText")[0].startswith("DRAFT, not filed")
    assert texts(document, "SuspiciousActivitySubtypeID") == ["114"]
    assert texts(document, "SuspiciousActivityTypeID") == ["1"]
    numbers = document.xpath("//@SeqNum")
    assert numbers == [str(number) for number in range(1, len(numbers) + 1)]


def test_facts_numbers_and_interpretation_are_kept_apart_in_this_order(told):
    narrative = "".join(texts(parsed(fincen_draft(told, BANK, ON)), "ActivityNarrativeText"))
    facts, numbers, interpretation = map(narrative.index, ("FACTS", "NUMBERS", "INTERPRETATION"))
    assert facts < narrative.index("[s1.csv:3]") < numbers < narrative.index("total = ") < interpretation
    assert interpretation < narrative.index("a person decides")


@pytest.mark.parametrize("field", sorted(WHOLE))
@pytest.mark.parametrize("value", ["", " \t\n", "\x00\x07", "x" * 200])
def test_each_field_of_the_institution_that_cannot_be_used_is_named_and_nothing_is_written(
    told, field, value
):
    draft = fincen_draft(told, BANK.model_copy(update={field: value}), ON)
    assert draft.document is None
    assert [fault.field for fault in draft.faults] == [f"[reports.fincen] {field}"]


def test_all_that_is_missing_is_listed_at_once(told):
    draft = fincen_draft(changed(told, holder={}, findings=[]), FincenSettings(), ON)
    assert [fault.field for fault in draft.faults] == [
        *(f"[reports.fincen] {name}" for name in WHOLE),
        "SuspiciousActivity",
        "SuspiciousActivitySubtypeID",
        "subject name",
    ]


def test_a_subject_without_a_name_is_said_to_be_unknown_by_the_officer_only(told):
    nameless = changed(told, holder={})
    assert [fault.field for fault in fincen_draft(nameless, BANK, ON).faults] == ["subject name"]
    document = parsed(fincen_draft(nameless, BANK, ON, subject_unknown=True))
    assert texts(document, "AllCriticalSubjectInformationUnavailableIndicator") == ["Y"]


def test_the_officer_s_subtypes_replace_those_proposed_and_unknown_ones_are_refused(told):
    document = parsed(fincen_draft(told, BANK, ON, subtypes=["927", "824", "927"]))
    assert texts(document, "SuspiciousActivitySubtypeID") == ["824", "927"]
    assert texts(document, "SuspiciousActivityTypeID") == ["8", "9"]
    assert fincen_draft(told, BANK, ON, subtypes=["123"]).faults[0].problem.startswith("123 is none of")


@pytest.mark.parametrize("subtype", SUBTYPES)
def test_every_subtype_that_can_be_chosen_is_one_of_the_schema(told, subtype):
    parsed(fincen_draft(told, BANK, ON, subtypes=[subtype]))


def test_amounts_are_stated_in_dollars_rounded_up_or_said_to_be_unknown(told):
    assert texts(parsed(fincen_draft(told, BANK, ON)), "AmountUnknownIndicator") == ["Y"]
    (finding,) = told["facts"]["findings"]
    rows = [row | {"currency": "USD", "amount": Decimal("9999.01")} for row in finding["evidence"]]
    twice = [finding | {"evidence": rows}, finding | {"evidence": rows}]
    document = parsed(fincen_draft(changed(told, findings=twice), BANK, ON))
    assert texts(document, "TotalSuspiciousAmountText") == ["29998"], "each row counts once"
    assert document.get("TotalAmount") == "29998"


def test_a_possible_victim_is_never_the_subject(told_of_possible_victim):
    with pytest.raises(UsageError, match="never the subject"):
        fincen_draft(told_of_possible_victim, BANK, ON, subtypes=["927"])


@given(st.text(min_size=1, max_size=150))
@settings(max_examples=60, deadline=None)
def test_hostile_names_make_a_valid_draft_or_a_fault(told, name):
    told = changed(told, holder={"holder_name": name, "holder_type": "business"})
    draft = fincen_draft(told, BANK, ON)
    if draft.document is None:
        assert [fault.field for fault in draft.faults] == ["subject name"]
    else:
        parsed(draft)


def test_markup_in_a_name_stays_text(told):
    name = '</fc2:Party><!-- ]]> & "x"\x07\r\n'
    document = parsed(fincen_draft(changed(told, holder={"holder_name": name}), BANK, ON))
    assert texts(document, "RawEntityIndividualLastName") == ['</fc2:Party><!-- ]]> & "x"']


def test_a_narrative_too_long_for_the_form_is_cut_and_said_to_be(told):
    (finding,) = told["facts"]["findings"]
    long = [finding | {"evidence": finding["evidence"] * 200}]
    draft = fincen_draft(changed(told, findings=long), BANK, ON)
    assert len(texts(parsed(draft), "ActivityNarrativeText")) == 5
    assert any("left out" in item for item in draft.to_complete)


@given(st.lists(st.text(max_size=30)), st.integers(1, 12))
def test_pieces_keep_every_word_and_fit(lines, length):
    made, fitted = pieces(lines, length, 10_000)
    assert fitted
    assert all(len(piece) <= length for piece in made)
    assert "".join("".join(made).split()) == "".join("".join(lines).split())


def test_the_crosswalk_has_every_indicator_with_words_of_its_own_source():
    sources = {indicator.id: indicator.source for indicator in INDICATORS}
    assert sorted(CROSSWALK) == sorted(sources)
    for row in CROSSWALK.values():
        assert all(part in sources[row.indicator_id] for part in row.advisory.split("; "))
        assert row.fincen_subtype in ("", *SUBTYPES)
        assert row.fincen_type == row.fincen_subtype[:-2]


def test_the_command_writes_a_draft_for_its_owner_alone_and_the_trail_tells(tmp_path, capsys):
    folder = Workspace.create(tmp_path / "work").path
    publish_sample(folder)
    out = tmp_path / "draft.xml"
    words = [
        "draft",
        "sar",
        "007",
        "--out",
        str(out),
        "--reason",
        "alert 17",
        "--user",
        "ana",
        "-w",
        str(folder),
    ]
    assert run_command(words) == 1
    assert "[reports.fincen] ein: is missing" in capsys.readouterr().out
    assert not out.exists()
    lines = [f"{name} = {json.dumps(value)}" for name, value in WHOLE.items()]
    (folder / "finpat.toml").write_text("[reports.fincen]\n" + "\n".join(lines) + "\n")
    assert run_command(words) == 0
    SCHEMA.assertValid(etree.parse(out))
    assert out.stat().st_mode & 0o777 == 0o600
    assert run_command(words) == 2, "never overwritten without --force"
    capsys.readouterr()
    assert run_command(["audit", "list", "--json", "-w", str(folder)]) == 0
    (entry,) = json.loads(capsys.readouterr().out)
    assert (entry["actor"], entry["object_id"], entry["details"]["file"]) == ("ana", "007", "draft.xml")
