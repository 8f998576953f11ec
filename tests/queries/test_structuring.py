"""Structuring: rows in and rows out of the queries in queries/structuring."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

import pytest

from tests.queries.case import (
    answer,
    days_before,
    evidence,
    finding,
    flagged,
    leg,
    published,
    rows,
    value,
)


def test_an_account_is_listed_when_structuring_was_found_in_two_weeks_and_not_when_in_one(tmp_path):
    model = published(
        tmp_path / "ws",
        flagged_accounts=[
            flagged(1, "TWO", score=500), flagged(2, "ONE"), flagged(3, "WEAK"), flagged(4, "OLD")
        ],
        findings=[
            finding("F1", "TWO", "ST-STRUCT-01", window_end=days_before(3)),
            finding("F2", "TWO", "ST-STRUCT-02", window_end=days_before(17)),
            finding("F3", "ONE", "ST-STRUCT-01", window_end=days_before(3)),
            finding("F4", "ONE", "ST-STRUCT-02", window_end=days_before(4)),
            finding("F5", "WEAK", "ST-ROUND-12", window_end=days_before(3), weight="weak"),
            finding("F6", "WEAK", "ST-ROUND-12", window_end=days_before(17), weight="weak"),
            finding("F7", "OLD", "ST-STRUCT-01", window_end=days_before(3)),
            finding("F8", "OLD", "ST-STRUCT-01", window_end=days_before(90)),
            finding("F9", "ONE", "VE-PASS-01", window_end=days_before(17), typology="velocity"),
            finding("G1", "ONE", "ST-STRUCT-03", window_end=days_before(17), state="not_evaluable"),
        ],
    )  # fmt: skip
    result = answer("recurring_structuring_accounts", model)
    assert rows(result, "account_id", "score", "week_count", "indicators") == [
        ("TWO", 500, 2, "ST-STRUCT-01;ST-STRUCT-02")
    ]
    longer = answer("recurring_structuring_accounts", model, lookback_days=91)
    assert rows(longer, "account_id") == [("OLD",), ("TWO",)]
    assert answer("recurring_structuring_accounts", model, due=days_before(5)).count == 0


def cash(transaction_id, account_id, amount_minor, currency="USD", direction="credit", **changes):
    return leg(
        transaction_id, account_id, direction, amount_minor,
        **{"currency": currency, "channel": "cash", "counterparty_id": None, **changes},
    )  # fmt: skip


def test_cash_in_pieces_is_told_with_the_rule_and_window_of_its_own_currency(tmp_path):
    model = published(
        tmp_path / "ws",
        [cash("t1", "US", 600_000), cash("t2", "US", 500_001), cash("t3", "CA", 500_000, "CAD"),
         cash("t4", "CA", 500_000, "CAD"), cash("t5", "XX", 100, "XCD")],
        flagged_accounts=[flagged(1, "US", score=9), flagged(2, "CA", score=8), flagged(3, "XX")],
        findings=[finding("F1", "US", "ST-STRUCT-02"), finding("F2", "CA", "ST-STRUCT-02"),
                  finding("F3", "XX", "ST-STRUCT-02"), finding("F4", "US", "ST-ROUND-12", weight="weak")],
        finding_evidence=[
            *evidence("F1", ("t1", "US", "credit"), ("t2", "US", "credit")),
            *evidence("F2", ("t3", "CA", "credit"), ("t4", "CA", "credit")),
            *evidence("F3", ("t5", "XX", "credit")), *evidence("F4", ("t1", "US", "credit")),
        ],
    )  # fmt: skip
    result = answer("structuring_by_legal_window", model)
    assert rows(result, "account_id", "legal_window", "threshold", "most_pieces", "largest_sum") == [
        ("US", "business_day", Decimal(10_000), 2, Decimal("11000.01")),
        ("CA", "rolling_24h", Decimal(10_000), 2, Decimal(10_000)),
    ]
    assert result.rows["rule"].to_list()[0] == "US currency transaction report"


@pytest.mark.parametrize(
    ("why", "found", "payments"),
    [
        ("in the United States exactly the amount is not above it", False, [("USD", 10_000_00, 12)]),
        ("one cent more is", True, [("USD", 10_000_01, 12)]),
        ("pieces of one business day are one sum", True, [("USD", 6_000_00, 1), ("USD", 4_000_01, 23)]),
        ("pieces of two days are not", False, [("USD", 6_000_00, 23), ("USD", 4_000_01, 25)]),
        ("Canada sums 24 hours over midnight", True, [("CAD", 6_000_00, 13), ("CAD", 4_000_00, 36.9)]),
        ("a row exactly 24 hours old is outside", False, [("CAD", 6_000_00, 13), ("CAD", 4_000_00, 37)]),
        ("in Australia each stands on its own", False, [("AUD", 6_000_00, 1), ("AUD", 4_000_00, 2)]),
        ("and the amount itself is reported", True, [("AUD", 10_000_00, 1)]),
        ("a currency without a rule is not listed", False, [("XCD", 99_000_00, 1)]),
    ],
)  # fmt: skip
def test_a_person_is_listed_when_their_cash_reaches_the_amount_over_the_legal_window(
    tmp_path, why, found, payments
):
    from datetime import timedelta

    start = datetime(2026, 3, 27)
    legs = [
        cash(f"t{n}", f"A{n}", amount, currency, booked_at=start + timedelta(hours=hour))
        for n, (currency, amount, hour) in enumerate(payments)
    ]
    accounts = [{"account_id": f"A{n}", "holder_id": "P1"} for n in range(len(payments))]
    model = published(tmp_path / "ws", legs, accounts=accounts)
    assert (answer("cash_reports_due", model).count > 0) is found, why


def test_cash_that_came_in_and_cash_that_went_out_or_did_not_take_effect_are_not_one_sum(tmp_path):
    legs = [
        cash("t1", "A", 6_000_00),
        cash("t2", "A", 6_000_00, direction="debit"),
        cash("t3", "A", 6_000_00, status="failed"),
        cash("t4", "A", 60_000_00, channel="transfer"),
    ]
    model = published(tmp_path / "ws", legs)
    assert answer("cash_reports_due", model).count == 0


def test_a_threshold_of_ones_own_is_the_one_that_is_listed_by(tmp_path):
    own = {
        "jurisdiction": "US", "instrument": "house limit", "currency": "USD", "amount": 500,
        "window": "business_day", "operator": ">=",
    }  # fmt: skip
    model = published(tmp_path / "ws", [cash("t1", "A", 500_00)], settings={"thresholds": [own]})
    result = answer("cash_reports_due", model)
    assert rows(result, "person_id", "day", "rule", "held_sum") == [
        ("A", date(2026, 3, 25), "US house limit", Decimal(500))
    ]


def test_payments_just_below_an_identification_amount_are_told_by_currency_and_limit(tmp_path):
    def below(number, unit, limit, count, total):
        return finding(
            number, "A", "ST-ID1K-08",
            values=[value("payment_count", count), value("sum", total, unit=unit),
                    value("limit", limit, unit=unit)],
        )  # fmt: skip

    model = published(
        tmp_path / "ws",
        flagged_accounts=[flagged(1, "A")],
        findings=[below("F1", "EUR", 1000, 5, 4450.55), below("F2", "EUR", 1000, 6, 5000),
                  below("F3", "USD", 3000, 3, 8900), finding("F4", "A", "ST-STRUCT-01")],
    )  # fmt: skip
    result = answer("payments_below_identification", model)
    assert rows(result, "currency", "limit_amount", "finding_count", "payment_count", "amount") == [
        ("EUR", Decimal(1000), 2, 11, Decimal("9450.55")),
        ("USD", Decimal(3000), 1, 3, Decimal(8900)),
    ]
