"""Structuring: rows in and rows out of the queries in queries/structuring."""

from __future__ import annotations

from tests.queries.case import answer, days_before, finding, flagged, published, rows


def test_an_account_is_listed_when_structuring_was_found_in_two_weeks_and_not_when_in_one(tmp_path):
    model = published(
        tmp_path / "ws",
        flagged_accounts=[
            flagged(1, "TWO", score=500),
            flagged(2, "ONE"),
            flagged(3, "WEAK"),
            flagged(4, "OLD"),
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
    )
    result = answer("recurring_structuring_accounts", model)
    assert rows(result, "account_id", "score", "week_count", "indicators") == [
        ("TWO", 500, 2, "ST-STRUCT-01;ST-STRUCT-02")
    ]
    longer = answer("recurring_structuring_accounts", model, lookback_days=91)
    assert rows(longer, "account_id") == [("OLD",), ("TWO",)]
    assert answer("recurring_structuring_accounts", model, due=days_before(5)).count == 0
