"""Structuring of cash deposits: ST-STRUCT-01 to 05 and ST-BUNCH-06."""

import polars as pl
import pytest

from tests.factory import at
from tests.indicators.support import found, judge, ledger, missing, values

OLD = {"booked_at": at(-60), "amount_minor": 20_00}  # the account has a past


def cash(day: float, amount: float, **row):
    return {"booked_at": at(day), "amount_minor": round(amount * 100), "channel": "cash", **row}


THREE = (cash(0, 9_000), cash(1, 9_500), cash(2, 9_900))


def test_three_deposits_just_below_in_a_week_are_found_with_their_rows():
    findings = judge("ST-STRUCT-01", ledger(OLD, *THREE))
    assert findings.findings["account_id"].to_list() == ["A"]
    assert findings.evidence["row"].to_list() == [1, 2, 3]
    told = {value["name"]: (value["value"], value["threshold"]) for value in findings.findings["values"][0]}
    assert told["near_count"] == (3.0, 3.0)
    assert told["near_sum"] == (28_400.0, None)


@pytest.mark.parametrize(
    ("why", "rows"),
    [
        ("transfers are not cash", [{**row, "channel": "transfer"} for row in THREE]),
        ("withdrawals are judged apart", [{**row, "direction": "debit"} for row in THREE]),
        ("two prove little", THREE[:2]),
        ("below four fifths is ordinary", [*THREE[:2], cash(2, 7_999.99)]),
        ("above the threshold a report is filed anyway", [*THREE[:2], cash(2, 10_000.01)]),
        ("a row exactly seven days old is outside", [cash(0, 9_000), cash(3, 9_500), cash(7, 9_900)]),
        ("who also deposits above the threshold does not avoid it", [cash(-20, 12_000), *THREE]),
    ],
)
def test_just_below_is_not_found_when(why, rows):
    assert found("ST-STRUCT-01", ledger(OLD, *rows)) == []


def test_a_person_who_always_deposits_so_is_as_usual_unless_the_amounts_bunch():
    always = [cash(-7 * week - 1 - day, 9_000) for week in range(1, 20) for day in range(3)]
    never_bunched = {"ST-BUNCH-06": {"min_count": 900}}
    data = ledger({**OLD, "booked_at": at(-200)}, *always, *THREE)
    last_week = judge("ST-STRUCT-01", data, others=never_bunched).findings.filter(
        pl.col("window_end") >= at(0)
    )
    assert last_week.is_empty()
    with_bunching = judge("ST-STRUCT-01", data).findings
    assert with_bunching["window_end"].max() == at(2)


@pytest.mark.parametrize(("amount", "expected"), [(8_000.00, ["A"]), (10_000.00, ["A"])])
def test_just_below_includes_both_ends_of_what_us_law_leaves_unreported(amount, expected):
    assert found("ST-STRUCT-01", ledger(OLD, *THREE[:2], cash(2, amount))) == expected


def test_in_canada_exactly_the_threshold_is_reported():
    rows = [{**row, "currency": "CAD"} for row in (OLD, *THREE[:2])]
    assert found("ST-STRUCT-01", ledger(*rows, cash(2, 10_000.00, currency="CAD"))) == []
    assert found("ST-STRUCT-01", ledger(*rows, cash(2, 9_999.99, currency="CAD"))) == ["A"]


def test_within_seven_days_less_a_second_is_one_window():
    assert found(
        "ST-STRUCT-01",
        ledger(OLD, cash(0, 9_000), cash(3, 9_500), {**cash(0, 9_900), "booked_at": at(6, 23, 59, 59)}),
    ) == ["A"]


def test_without_a_past_the_count_cannot_be_judged():
    assert missing("ST-STRUCT-01", ledger(*THREE)) == [("A", "history before the window")]


def test_a_currency_without_threshold_is_not_evaluable_and_named():
    rows = [{**row, "currency": "GBP"} for row in (OLD, *THREE)]
    assert missing("ST-STRUCT-01", ledger(*rows)) == [("A", "legal threshold for GBP")]
    assert found("ST-STRUCT-01", ledger(*rows)) == []


def test_accounts_of_one_holder_are_one_person_and_each_gets_the_finding():
    accounts = pl.DataFrame({"account_id": ["A", "B"], "holder_id": ["h", "h"]})
    rows = [OLD, THREE[0], {**THREE[1], "account_id": "B"}, THREE[2]]
    data = ledger(*[{"counterparty_id": "CASH", **row} for row in rows], accounts=accounts)
    assert found("ST-STRUCT-01", data) == ["A", "B"]


def test_legs_that_did_not_take_effect_count_nowhere():
    rows = [OLD, *THREE[:2], {**THREE[2], "status": " Declined "}]
    assert found("ST-STRUCT-01", ledger(*rows)) == []
    assert found("ST-STRUCT-01", ledger(OLD, *THREE[:2], {**THREE[2], "status": "booked"})) == ["A"]


# ST-STRUCT-02


def same_day(*amounts, currency="USD", step=1 / 24, day=0.0):
    return [cash(day + index * step, amount, currency=currency) for index, amount in enumerate(amounts)]


def test_pieces_of_one_business_day_that_cross_the_threshold_are_found():
    assert values("ST-STRUCT-02", ledger(*same_day(4_000, 4_000, 2_000.01))) == {
        "piece_count": 3, "piece_sum": 10_000.01, "largest": 4_000,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("why", "rows"),
    [
        ("more than 10 000 is asked, not 10 000", same_day(4_000, 4_000, 2_000)),
        ("two pieces are two tills", same_day(6_000, 6_000)),
        ("one piece is reported by itself", same_day(1_000, 1_000, 10_000.01)),
        ("the next business day is another sum", [*same_day(4_000, 4_000), *same_day(4_000, day=1)]),
        ("money out is summed apart", [*same_day(4_000, 4_000), {**cash(0.1, 4_000), "direction": "debit"}]),
        ("currencies are never mixed", [*same_day(4_000, 4_000), *same_day(4_000, currency="CAD")]),
        ("australia takes each on its own", same_day(4_000, 4_000, 4_000, currency="AUD")),
    ],
)
def test_pieces_are_not_found_when(why, rows):
    assert found("ST-STRUCT-02", ledger(*rows)) == []


def test_weekend_deposits_belong_to_monday():
    saturday, monday = 5, 7  # START is a Monday
    rows = [cash(saturday, 4_000), cash(saturday + 1, 4_000), cash(monday, 4_000)]
    assert found("ST-STRUCT-02", ledger(*rows)) == ["A"]
    assert found("ST-STRUCT-02", ledger(cash(4, 4_000), *rows[:2])) == []


def test_canada_sums_over_24_hours_across_midnight_and_from_exactly_the_threshold():
    assert found("ST-STRUCT-02", ledger(*same_day(4_000, 4_000, 2_000, currency="CAD", step=0.49))) == ["A"]
    assert (
        found("ST-STRUCT-02", ledger(*same_day(4_000, 4_000, 2_000, currency="CAD", step=0.5))) == []
    )  # 24 h 00 m 00 s
    assert found("ST-STRUCT-02", ledger(*same_day(4_000, 4_000, 1_999.99, currency="CAD", step=0.1))) == []


def test_india_sums_over_the_calendar_month():
    rows = same_day(400_000, 400_000, 200_000.01, currency="INR", step=10)
    assert found("ST-STRUCT-02", ledger(*rows)) == ["A"]
    assert found("ST-STRUCT-02", ledger(*same_day(400_000, 400_000, 200_001, currency="INR", step=15))) == []


def test_linked_hours_are_a_setting():
    rows = same_day(4_000, 4_000, 2_000, currency="EUR", step=1)
    assert found("ST-STRUCT-02", ledger(*rows)) == []
    assert found("ST-STRUCT-02", ledger(*rows), linked_hours=72) == ["A"]


# ST-STRUCT-03


def depositors(count, *amounts):
    """Peers who bank cash now and then."""
    return [
        {**cash(day, amount), "account_id": f"peer{index:02}"}
        for index in range(count)
        for day, amount in enumerate(amounts)
    ]


SLOW = [cash(3 * index, 4_100) for index in range(5)]


def test_many_small_pieces_over_a_month_that_peers_do_not_reach_are_found():
    assert found("ST-STRUCT-03", ledger(*SLOW, *depositors(30, 300, 400))) == ["A"]


@pytest.mark.parametrize(
    ("why", "rows"),
    [
        ("the sum is below twice the threshold", [cash(3 * index, 3_999.99) for index in range(5)]),
        ("four pieces are few", [cash(3 * index, 5_100) for index in range(4)]),
        ("one piece is reported by itself", [*SLOW[:4], cash(13, 10_001)]),
        ("they lie on three dates", [cash(index // 2 * 3 + index % 2 / 24, 4_100) for index in range(5)]),
        ("they do not fit into thirty days", [cash(7.5 * index, 4_100) for index in range(5)]),
    ],
)
def test_slow_structuring_is_not_found_when(why, rows):
    assert found("ST-STRUCT-03", ledger(*rows, *depositors(30, 300, 400))) == []


def test_peers_who_bank_as_much_explain_the_sum():
    peers = [{**row, "account_id": f"peer{index:02}"} for index in range(30) for row in SLOW]
    assert found("ST-STRUCT-03", ledger(*SLOW, *peers)) == []


def test_fewer_than_thirty_peers_cannot_be_held_against():
    assert missing("ST-STRUCT-03", ledger(*SLOW, *depositors(28, 300))) == [
        ("A", "peer group of 30 accounts")
    ]
    assert found("ST-STRUCT-03", ledger(*SLOW, *depositors(29, 300))) == ["A"]


# ST-STRUCT-04


def at_branches(names, amount, day=0.0):
    return [cash(day + index / 24, amount, branch_id=name) for index, name in enumerate(names)]


def test_three_branches_in_a_day_that_sum_to_the_threshold_are_found():
    assert found("ST-STRUCT-04", ledger(*at_branches("abc", 3_400))) == ["A"]


@pytest.mark.parametrize(
    ("why", "rows"),
    [
        ("two branches are no tour", at_branches("aba", 3_400)),
        ("the sum stays at the threshold", [*at_branches("ab", 3_400), cash(0.2, 3_200, branch_id="c")]),
        ("a day lies between", [*at_branches("ab", 3_400), cash(1.05, 3_400, branch_id="c")]),
        ("two such days of less are few", [row for day in (0, 1) for row in at_branches("abc", 2_000, day)]),
        (
            "less than 0.6 of the threshold",
            [row for day in (0, 1, 2) for row in at_branches("abc", 1_999, day)],
        ),
        (
            "the third day is two weeks later",
            [row for day in (0, 1, 14) for row in at_branches("abc", 2_000, day)],
        ),
    ],
)
def test_branch_hopping_is_not_found_when(why, rows):
    assert found("ST-STRUCT-04", ledger(*rows)) == []


def test_three_days_of_a_good_part_of_the_threshold_are_found():
    assert found(
        "ST-STRUCT-04", ledger(*[row for day in (0, 1, 13) for row in at_branches("abc", 2_000, day)])
    ) == ["A"]


def test_without_branches_hopping_is_not_evaluable():
    assert missing("ST-STRUCT-04", ledger(*THREE)) == [(None, "branch_id")]


# ST-STRUCT-05


def by_people(names, amount, step=0.5):
    return [cash(index * step, amount, conductor_id=name) for index, name in enumerate(names)]


def test_three_people_paying_into_one_account_are_found():
    assert found("ST-STRUCT-05", ledger(*by_people(["x", "y", "z"], 3_400))) == ["A"]


def test_the_payer_named_on_the_deposit_stands_for_the_person_at_the_counter():
    rows = [cash(index, 3_400, counterparty_id=name) for index, name in enumerate(["x", "y", "z"])]
    assert found("ST-STRUCT-05", ledger(*rows)) == ["A"]


@pytest.mark.parametrize(
    ("why", "rows"),
    [
        ("two people", by_people(["x", "y", "x"], 3_400)),
        ("the sum stays at the threshold", by_people(["x", "y", "z", "z"], 2_500)),
        ("one amount alone is reported", [*by_people(["x", "y"], 3_400), cash(1, 10_001, conductor_id="z")]),
        ("three days have passed", by_people(["x", "y", "z"], 3_400, step=1.5)),
    ],
)
def test_several_depositors_are_not_found_when(why, rows):
    assert found("ST-STRUCT-05", ledger(*rows)) == []


def test_unnamed_depositors_are_not_evaluable():
    rows = [cash(index * 0.5, 3_400, counterparty_id="CASH") for index in range(3)]
    assert missing("ST-STRUCT-05", ledger(*rows)) == [("A", "conductor_id")]


# ST-BUNCH-06


def test_a_crowd_just_below_and_nobody_above_is_bunching():
    rows = [cash(7 * index, 8_500) for index in range(10)]
    assert values("ST-BUNCH-06", ledger(*rows))["below_count"] == 10


@pytest.mark.parametrize(
    ("why", "rows"),
    [
        ("nine of nine have probability 1/512", [cash(7 * index, 8_500) for index in range(9)]),
        ("as many lie above", [cash(7 * index, 8_500 if index % 2 else 11_000) for index in range(30)]),
        (
            "below is less than five times above",
            [cash(3 * index, 11_000 if index % 5 == 0 else 8_500) for index in range(45)],
        ),
        (
            "the density falls anyway",
            [cash(3 * index, 8_500 if index % 4 == 0 else 7_000) for index in range(48)],
        ),
        ("they lie more than a year apart", [cash(41 * index, 8_500) for index in range(10)]),
        ("the amounts are low", [cash(7 * index, 7_999) for index in range(10)]),
    ],
)
def test_bunching_is_not_found_when(why, rows):
    assert found("ST-BUNCH-06", ledger(*rows)) == []


def test_the_limit_of_machines_is_no_choice():
    rows = [{**cash(7 * index, 8_500), "channel": "atm"} for index in range(10)]
    others = [{**cash(0, 8_500), "channel": "atm", "account_id": f"o{index}"} for index in range(9)]
    assert found("ST-BUNCH-06", ledger(*rows, *others)) == []
    assert found("ST-BUNCH-06", ledger(*rows, *others[1:])) == ["A"]


def test_bunching_makes_a_past_above_the_threshold_no_excuse():
    crowd = [cash(-200 + 7 * index, 8_500) for index in range(20)]
    assert found("ST-STRUCT-01", ledger(cash(-210, 12_000), *crowd, *THREE)) == ["A"]
