"""Night activity: HT-NIT-01 to HT-NIT-03."""

import polars as pl
import pytest

from tests.factory import at
from tests.indicators.support import found, judge, ledger, missing, values


def clock(day, hour):
    """An instant by the clock of Berlin (winter: one hour ahead of UTC); START is noon UTC."""
    return at(day, hour - 13)


def cash(day, hour, **changes):
    return {
        "booked_at": clock(day, hour),
        "channel": "cash",
        "counterparty_id": "CASH",
        "local_zone": "Europe/Berlin",
        **changes,
    }


def holder(kind):
    return pl.DataFrame(
        {"account_id": ["A"], "holder_type": [kind]}, schema_overrides={"holder_type": pl.String}
    )


# HT-NIT-01

NIGHTS = [cash(day, 23) for day in range(5)]
BY_DAY = [cash(-1 - day, 12) for day in range(9)]


def test_cash_at_night_is_found():
    assert values("HT-NIT-01", ledger(*NIGHTS)) == {"night_count": 5, "night_share": 1}


@pytest.mark.parametrize(
    ("why", "rows"),
    [
        ("four", NIGHTS[:4]),
        ("fewer than two fifths", [*BY_DAY[:8], *NIGHTS]),
        ("six in the morning is day", [*NIGHTS[:4], cash(5, 6)]),
        ("a minute before ten in the evening is day", [*NIGHTS[:4], cash(5, 21.98)]),
        ("the fifth comes a month later", [*NIGHTS[:4], cash(30, 23)]),
        ("a card is no cash", [*NIGHTS[:4], cash(5, 23, channel="card")]),
        ("it failed", [*NIGHTS[:4], cash(5, 23, status="failed")]),
    ],
)
def test_no_night_cash_when(why, rows):
    assert found("HT-NIT-01", ledger(*rows)) == []


def test_night_cash_bounds():
    assert found("HT-NIT-01", ledger(*NIGHTS[:4], cash(5, 5.98))) == ["A"]
    assert found("HT-NIT-01", ledger(*NIGHTS[:4], cash(5, 22))) == ["A"]
    assert found("HT-NIT-01", ledger(*NIGHTS[:4], cash(30, 22.9))) == ["A"]


def test_exactly_two_fifths_are_enough():
    six = [*NIGHTS, cash(5, 23)]
    assert found("HT-NIT-01", ledger(*BY_DAY, *six)) == ["A"]
    assert found("HT-NIT-01", ledger(*BY_DAY, cash(-1, 13), *six)) == []


def test_the_hour_is_that_of_the_place():
    elsewhere = [{**row, "local_zone": "America/New_York"} for row in NIGHTS]
    assert found("HT-NIT-01", ledger(*elsewhere)) == []


def test_cash_without_a_known_place_cannot_be_judged():
    nowhere = [{**row, "local_zone": None} for row in NIGHTS]
    assert missing("HT-NIT-01", ledger(*nowhere, cash(0, 12, account_id="B"))) == [("A", "local_hour")]
    assert missing("HT-NIT-01", ledger(*nowhere)) == [(None, "local_hour")]


# HT-NIT-02

MACHINES = [cash(day, 1, branch_id=f"m{day}") for day in range(3)]


def test_night_deposits_at_three_machines_are_found():
    assert values("HT-NIT-02", ledger(*MACHINES)) == {"terminal_count": 3, "deposit_count": 3}


@pytest.mark.parametrize(
    ("why", "rows"),
    [
        ("two machines", [*MACHINES[:2], cash(2, 1, branch_id="m1")]),
        ("by day", [*MACHINES[:2], cash(2, 12, branch_id="m2")]),
        ("a withdrawal", [*MACHINES[:2], cash(2, 1, branch_id="m2", direction="debit")]),
        ("two weeks later", [*MACHINES[:2], cash(14, 1, branch_id="m2")]),
    ],
)
def test_no_night_deposits_at_several_machines_when(why, rows):
    assert found("HT-NIT-02", ledger(*rows)) == []


def test_the_third_machine_a_moment_before_two_weeks_have_passed_counts():
    assert found("HT-NIT-02", ledger(*MACHINES[:2], cash(13.99, 1, branch_id="m2"))) == ["A"]


@pytest.mark.parametrize(("kind", "expected"), [("business", []), ("person", ["A"]), (None, ["A"])])
def test_a_business_may_use_night_safes(kind, expected):
    assert found("HT-NIT-02", ledger(*MACHINES, accounts=holder(kind))) == expected


@pytest.mark.parametrize(("lost", "field"), [("branch_id", "branch_id"), ("local_zone", "local_hour")])
def test_deposits_without_machine_or_place_cannot_be_judged(lost, field):
    rows = [{**row, lost: None} for row in MACHINES]
    assert missing("HT-NIT-02", ledger(*rows, cash(0, 12, account_id="B", branch_id="m"))) == [("A", field)]


# HT-NIT-03


def received(day, hour, payer, **changes):
    return {"booked_at": clock(day, hour), "channel": "p2p", "counterparty_id": payer, **changes}


def bet(day, hour, **changes):
    return cash(
        day, hour, channel="card", direction="debit", merchant_category="7995", counterparty_id="W", **changes
    )


BETS = [part for day in range(3) for part in (*[received(day, 20, f"P{n}") for n in range(3)], bet(day, 23))]


def test_night_bets_hours_after_receipts_from_several_people_are_found():
    findings = judge("HT-NIT-03", ledger(*BETS))
    assert {value["name"]: value["value"] for value in findings.findings["values"][0]} == {
        "event_count": 3,
        "payer_count": 3,
    }
    assert findings.evidence["row"].to_list() == list(range(12))


@pytest.mark.parametrize(
    ("why", "rows"),
    [
        ("two bets", BETS[:8]),
        ("two payers", [*BETS[:10], received(2, 20, "P1"), bet(2, 23)]),
        ("six hours later", [*BETS[:11], bet(3, 2)]),
        ("in the afternoon", [*BETS[:8], *[received(2, 12, f"P{n}") for n in range(3)], bet(2, 13)]),
        ("by bank transfer", [*BETS[:10], received(2, 20, "P2", channel="transfer"), BETS[11]]),
        ("after the bet", [*BETS[:10], received(2, 23.1, "P2"), BETS[11]]),
        ("a month later", [*BETS[:8], *[received(31, 20, f"P{n}") for n in range(3)], bet(31, 23)]),
    ],
)
def test_no_night_bets_when(why, rows):
    assert found("HT-NIT-03", ledger(*rows)) == []


def test_a_bet_just_within_six_hours_counts():
    assert found("HT-NIT-03", ledger(*BETS[:11], bet(3, 1.99))) == ["A"]


def test_bets_without_a_known_place_cannot_be_judged():
    rows = [{**row, "local_zone": None} for row in BETS]
    assert missing("HT-NIT-03", ledger(*rows, cash(0, 12, account_id="B"))) == [("A", "local_hour")]
