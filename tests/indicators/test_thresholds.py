"""Legal thresholds: operators, currencies, dates, jurisdictions."""

import re
import tomllib
from dataclasses import fields
from datetime import datetime

import polars as pl
import pytest

from finpat.config import Settings
from finpat.errors import SettingsError
from finpat.indicators import INDICATORS
from finpat.indicators.evaluation import evaluate_indicators
from finpat.indicators.thresholds import Threshold, Thresholds, parse_thresholds, shipped_thresholds

HEADER = ",".join(field.name for field in fields(Threshold))


def attached(
    currency: str,
    amount_minor: int,
    when: datetime = datetime(2026, 3, 2),
    jurisdictions: tuple[str, ...] = (),
):
    legs = pl.DataFrame({"currency": [currency], "amount_minor": [amount_minor], "booked_at": [when]})
    return Thresholds.of(jurisdictions).attach(legs, "cash_report").row(0, named=True)


@pytest.mark.parametrize(
    ("currency", "amount_minor", "caught"),
    [
        ("USD", 9_999_99, False), ("USD", 10_000_00, False), ("USD", 10_000_01, True),
        ("CAD", 9_999_99, False), ("CAD", 10_000_00, True), ("CAD", 10_000_01, True),
        ("AUD", 9_999_99, False), ("AUD", 10_000_00, True),
        ("ZAR", 49_999_99, False), ("ZAR", 50_000_00, True),
    ],
)  # fmt: skip
def test_more_than_and_at_least_differ_by_one_cent(currency, amount_minor, caught):
    assert (amount_minor >= attached(currency, amount_minor)["reportable_from_minor"]) is caught


@pytest.mark.parametrize(
    ("currency", "window"),
    [
        ("USD", "business_day"),
        ("CAD", "rolling_24h"),
        ("AUD", "single"),
        ("INR", "calendar_month"),
        ("EUR", "linked"),
    ],
)
def test_each_jurisdiction_sums_over_its_own_window(currency, window):
    assert attached(currency, 1)["legal_window"] == window


def test_a_currency_without_a_rule_has_no_limit():
    row = attached("GBP", 1)
    assert row["limit_minor"] is None
    assert row["reportable_from_minor"] is None


def test_the_rule_in_force_on_the_date_is_used():
    before = attached("EUR", 1, datetime(2027, 7, 9, 23, 59))
    after = attached("EUR", 1, datetime(2027, 7, 10))
    assert before["threshold_rule"] == "EU cash for goods traders"
    assert after["threshold_rule"] == "EU occasional transaction"


def test_before_any_rule_was_in_force_there_is_none():
    assert attached("EUR", 1, datetime(2017, 6, 25))["limit_minor"] is None


def test_only_configured_jurisdictions_apply():
    assert attached("USD", 1, jurisdictions=("EU",))["limit_minor"] is None
    assert attached("EUR", 1, jurisdictions=("EU",))["limit_minor"] == 10_000_00


def test_the_first_configured_jurisdiction_wins():
    rules = Thresholds.of(("FATF", "US")).applying("transfer_identification", "USD")
    assert rules[0].jurisdiction == "FATF"


def test_an_unknown_jurisdiction_is_named_with_the_nearest():
    with pytest.raises(SettingsError, match="no thresholds for 'UK'"):
        Thresholds.of(("UK",))


def test_rules_of_one_use_currency_and_jurisdiction_never_overlap_in_time():
    for rule in shipped_thresholds():
        if not rule.use:
            continue
        others = [
            other
            for other in shipped_thresholds()
            if other is not rule
            and (other.use, other.currency, other.jurisdiction)
            == (rule.use, rule.currency, rule.jurisdiction)
        ]
        for other in others:
            assert (rule.valid_to and rule.valid_to <= other.valid_from) or (
                other.valid_to and other.valid_to <= rule.valid_from
            ), (rule, other)


def test_every_rule_has_a_source_and_says_how_well_it_was_read():
    for rule in shipped_thresholds():
        assert rule.source, rule
        assert set(rule.evidence.split("/")) <= {"V1", "V2", "M"}, rule


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("US,x,cash_report,USD,=>,1,single,,2020-01-01,,s,M", "line 2, operator = '=>'"),
        ("US,x,cash_report,USD,>,ten,single,,2020-01-01,,s,M", "line 2, amount = 'ten'"),
        ("US,x,cash,USD,>,1,single,,2020-01-01,,s,M", "line 2, use = 'cash'"),
        ("US,x,cash_report,USD,>,1,weekly,,2020-01-01,,s,M", "line 2, window = 'weekly'"),
        ("US,x,cash_report,USD,>,1,single,,1.1.2020,,s,M", "line 2, valid_from = '1.1.2020'"),
        ("US,x,cash_report,USD,>,1.001,single,,2020-01-01,,s,M", "more decimals"),
    ],
)
def test_a_value_that_cannot_be_used_is_named_with_its_line(line, message):
    with pytest.raises(SettingsError, match=message):
        parse_thresholds([HEADER, line])


OWN = """
[[thresholds]]
jurisdiction = "GB"
instrument = "internal cash limit"
currency = "GBP"
operator = ">="
amount = 9_000
window = "business_day"
"""


def own(text):
    from finpat.config import parse_settings

    return parse_settings(tomllib.loads(text))


def test_with_an_own_threshold_pounds_can_be_judged():
    from tests.factory import at
    from tests.indicators.support import ledger as rows_of

    rows = [
        {"booked_at": at(hour=hour), "amount_minor": 3_000_00, "channel": "cash", "currency": "GBP"}
        for hour in range(3)
    ]
    for settings, state in ((Settings(), "not_evaluable"), (own(OWN), "found")):
        result = evaluate_indicators(INDICATORS, rows_of(*rows), pl.DataFrame(), settings)
        told = result.findings.filter(pl.col("indicator_id") == "ST-STRUCT-02")
        assert told["state"].to_list() == [state]


def test_an_own_threshold_replaces_the_shipped_one_of_its_jurisdiction_and_instrument():
    text = OWN.replace('"GB"', '"US"').replace("internal cash limit", "currency transaction report")
    (rule,) = Thresholds.in_force(own(text.replace("GBP", "USD"))).applying("cash_report", "USD")
    assert (rule.amount, rule.evidence) == (9_000, "own setting")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("operator", "operater", "unknown key 'thresholds.0.operater'. Did you mean 'operator'"),
        ('"business_day"', '"business_days"', "Did you mean 'business_day'"),
        ('"GBP"', '"gbp"', "ISO 4217"),
        ("9_000", "-1", "greater than 0"),
        ("amount = 9_000\n", "", "thresholds.0.amount is missing"),
        ("9_000", "0.001", "thresholds.0"),
    ],
)
def test_an_own_threshold_that_cannot_be_used_is_named(old, new, message):
    with pytest.raises(SettingsError, match=re.escape(message)):
        own(OWN.replace(old, new))
