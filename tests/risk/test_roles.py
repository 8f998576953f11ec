"""Roles argued both ways: which fact speaks for a role, which against, and what would settle it."""

from datetime import datetime

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from finpat.indicators import INDICATORS
from finpat.risk import account_findings, role_arguments
from finpat.risk.arguments import ARGUMENTS
from finpat.risk.roles import (
    ARGUMENT_SCHEMA,
    CONTROL_GATE,
    CONTROLLER_FACTS,
    FORWARDING,
    MULE_INDICATORS,
    NO_WORDS,
    ROLES,
)
from tests.risk.test_rank import finding, found, ranked

ROOMS = finding("A", "HT-MOV-12", "S", "PC", fact="rooms were paid on 3 occasions")
WAGES = finding("A", "HT-LAB-02", "S", "PV", fact="3 wages left within 24 h")
ADVERTS = finding("A", "HT-ADS-01", "W", "NET")
COLLECTED = finding("A", "HT-P2P-03", "S", "NET", fact="5 persons paid in")


def argued(*findings, account="A"):
    told = found(*findings)
    table = role_arguments(account_findings(told.findings), told.evidence)
    return {row["possible_role"]: row for row in table.filter(account_id=account).to_dicts()}


def test_a_fact_of_the_controllers_side_speaks_for_one_role_and_against_the_other():
    told = argued(ROOMS, WAGES, ADVERTS)
    paid = "pays rooms or journeys for others (HT-MOV-12: rooms were paid on 3 occasions)"
    swept = "loses the own wage on payday (HT-LAB-02: 3 wages left within 24 h)"
    assert told["possible_controller"]["speaks_for"] == [paid]
    assert told["possible_controller"]["speaks_against"] == [swept]
    assert told["possible_victim"]["speaks_for"] == [swept]
    assert told["possible_victim"]["speaks_against"] == [paid]
    assert (
        told["possible_controller"]["findings_for"] == told["possible_victim"]["findings_against"] == ["F0"]
    )


def test_where_both_sides_argue_the_role_stays_unclear_and_the_text_says_so():
    told = argued(ROOMS, WAGES, ADVERTS)
    assert {row["standing"] for row in told.values()} == {"contested"}
    for row in told.values():
        assert "both sides argue, so the role stays unclear" in row["verdict"]
    assert ranked(ROOMS, WAGES, ADVERTS, A=99.0)["possible_role"][0] == "unclear"


def test_one_document_would_settle_each_role():
    told = argued(ROOMS, WAGES, ADVERTS)
    assert told["possible_controller"]["settled_by"].startswith("the booking: who ordered and paid")
    assert "in private" in told["possible_victim"]["settled_by"]


def test_the_document_is_that_of_the_fact_that_decides_not_of_the_heaviest_one():
    phones = finding("A", "HT-SPD-06", "S", "PC")
    lavish = finding("A", "HT-SPD-07", "M", "PC")
    assert (
        argued(phones, lavish)["possible_controller"]["settled_by"] == ARGUMENTS["HT-SPD-07", "PC"].settled_by
    )


@pytest.mark.parametrize(
    ("why", "findings", "missing"),
    [
        ("mere receipt", (finding("A", "HT-P2P-04", "S", "PC"), ADVERTS), "a fact of the controller's side"),
        ("no control", (finding("A", "HT-SPD-07", "M", "PC"), ADVERTS), "the control gate"),
        ("one family", (ROOMS,), "findings of 2 families"),
        ("all weak", ({**ROOMS, "weight": "W"}, ADVERTS), "not weak"),
        ("two rows", ({**ROOMS, "rows": 2}, {**ADVERTS, "rows": 0}), "3 rows of evidence"),
    ],
)
def test_what_a_role_lacks_is_told(why, findings, missing):
    row = argued(*findings)["possible_controller"]
    assert row["standing"] == "not_enough", why
    (lacking,) = row["lacking"]
    assert missing in lacking
    assert missing in row["verdict"]


@pytest.mark.parametrize(("fact", "holds"), [(ROOMS, True), (finding("A", "HT-SPD-07", "M", "PC"), False)])
def test_the_control_gate_is_told_with_every_role(fact, holds):
    assert [row["control_gate"] for row in argued(fact, ADVERTS).values()] == [holds]


def test_a_collector_may_be_a_mule_and_receipt_speaks_against_a_controller():
    both = argued(COLLECTED, finding("A", "HT-RES-01", "M", "PC"))
    assert both["possible_mule"]["standing"] == "named"
    assert both["possible_controller"]["speaks_against"][0].startswith("collects money of others")
    assert both["possible_mule"]["speaks_against"][0].startswith("pays rent for several flats")


def test_of_two_roles_whose_rules_hold_the_one_not_named_says_so():
    told = argued(ROOMS, COLLECTED, ADVERTS)
    assert told["possible_controller"]["standing"] == "named"
    assert told["possible_mule"]["standing"] == "outranked"


def test_money_patterns_are_told_but_count_for_nothing():
    passing = finding("A", "VE-PASS-01", "S", "NET", fact="12 inflows were passed on")
    row = argued(passing, ADVERTS)["possible_mule"]
    assert row["speaks_for"] == [
        "passes money on soon after it comes (VE-PASS-01: 12 inflows were passed on)"
    ]
    assert (row["standing"], row["strength_for"]) == ("not_enough", None)


def test_an_account_without_a_finding_of_trafficking_is_not_argued_about():
    assert argued(finding("A", "VE-FUNNEL-07", "S", "PC/NET"), finding("A", "VE-PASS-01", "S")) == {}


def test_a_finding_that_speaks_for_both_roles_speaks_against_neither():
    told = argued(finding("A", "HT-CTL-01", "S", "PV/PC"), ADVERTS)
    assert told["possible_victim"]["speaks_against"] == told["possible_controller"]["speaks_against"] == []


def test_findings_of_one_indicator_are_one_argument_told_by_the_latest():
    later = {**ROOMS, "window_end": datetime(2026, 5, 1), "fact": "rooms were paid on 9 occasions"}
    told = argued(later, ROOMS, ADVERTS)["possible_controller"]
    assert told["speaks_for"] == [
        "pays rooms or journeys for others (HT-MOV-12, 2 findings: rooms were paid on 9 occasions)"
    ]
    assert told["findings_for"] == ["F0"]


def test_who_shows_the_same_innocently_stands_beside_the_role():
    assert argued(ROOMS, ADVERTS)["possible_controller"]["also_common_for"] == ["shops that bank takings"]


def test_strength_is_that_of_the_heaviest_argument():
    row = argued({**ROOMS, "weight": "M"}, finding("A", "HT-RES-02", "W", "PC"), WAGES)["possible_controller"]
    assert (row["strength_for"], row["strength_against"]) == ("medium", "strong")


def test_an_indicator_without_words_of_its_own_is_told_by_its_fact():
    row = argued(finding("A", "HT-XYZ-99", "S", "PC", fact="99 things"), ROOMS)["possible_controller"]
    assert row["speaks_for"][1] == "99 things (HT-XYZ-99)"
    alone = argued(finding("A", "HT-XYZ-99", "S", "PC", fact="99 things"))["possible_controller"]
    assert alone["settled_by"] == NO_WORDS


def test_no_finding_gives_an_empty_table_of_the_same_columns():
    told = found()
    empty = role_arguments(account_findings(told.findings), told.evidence)
    assert dict(empty.schema) == ARGUMENT_SCHEMA
    assert empty.height == 0


# Which indicators argue


def test_every_trafficking_indicator_that_argues_for_a_role_has_words_and_a_document():
    argues = {
        (item.id, code)
        for item in INDICATORS
        if item.id.startswith("HT-")
        for code in item.role.split("/")
        if code != "NET"
    }
    assert sorted(argues - set(ARGUMENTS)) == []


def test_every_indicator_that_can_name_a_role_has_words():
    known = {indicator for indicator, _ in ARGUMENTS}
    assert {*CONTROLLER_FACTS, *MULE_INDICATORS, *FORWARDING} <= known
    assert {item for item in CONTROL_GATE if item not in ("HT-ADS-04", "HT-ADS-17")} <= known  # role unknown


# Decisions and arguments never part

DRAWN = st.lists(
    st.builds(
        finding,
        st.sampled_from("AB"),
        st.sampled_from(
            ["HT-MOV-12", "HT-LAB-02", "HT-P2P-03", "HT-FRT-04", "HT-CTL-01", "HT-ADS-01", "VE-PASS-01"]
        ),
        st.sampled_from("SMW"),
        st.sampled_from(["PC", "PV", "NET", "BIZ", "PV/PC", "PC/NET", "PV/NET"]),
        st.integers(0, 3),
    ),
    max_size=7,
)


@given(DRAWN, st.randoms())
@settings(max_examples=80, deadline=None)
def test_the_list_names_the_role_that_the_arguments_name_in_whatever_order_findings_come(drawn, shuffle):
    listed = ranked(*drawn, A=50.0, B=50.0)
    numbered = found(*drawn)
    told = role_arguments(account_findings(numbered.findings), numbered.evidence)
    named = dict(told.filter(standing="named").select("account_id", "possible_role").rows())
    assert told.filter(standing="named").height == len(named)
    for account, role in listed.select("account_id", "possible_role").iter_rows():
        assert role == named.get(account, "unclear")
    mixed = found(*drawn)
    order = list(range(mixed.findings.height))
    shuffle.shuffle(order)
    again = role_arguments(account_findings(mixed.findings[order]), mixed.evidence)
    assert again.equals(told)
    assert set(told["possible_role"]) <= set(ROLES.values())
    assert told.filter(pl.col("speaks_for").list.len() != pl.col("findings_for").list.len()).height == 0


@given(DRAWN)
@settings(max_examples=60, deadline=None)
def test_a_possible_controller_and_a_possible_victim_are_never_both_named_and_never_with_facts_of_both(drawn):
    numbered = found(*drawn)
    told = role_arguments(account_findings(numbered.findings), numbered.evidence)
    for _, rows in told.group_by("account_id"):
        standing = dict(rows.select("possible_role", "standing").rows())
        if standing.get("possible_controller") == "named":
            assert standing.get("possible_victim", "not_enough") == "not_enough"
        if "contested" in standing.values():
            assert "named" not in standing.values()
