"""The flagged-account list: order, bands, roles, sentences."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from finpat.config import Settings
from finpat.detection import Scores
from finpat.detection.contributions import CONTRIBUTIONS_SCHEMA
from finpat.risk import BANDS, COLUMNS, rank

BANNED = re.compile(r"traffick|victim|prostitut|criminal|suspicious|guilty", re.IGNORECASE)


@dataclass(frozen=True)
class Found:
    findings: pl.DataFrame
    evidence: pl.DataFrame


FINDING_SCHEMA = {
    "finding_id": pl.String,
    "account_id": pl.String,
    "indicator_id": pl.String,
    "typology": pl.String,
    "window_start": pl.Datetime("us"),
    "window_end": pl.Datetime("us"),
    "sentence": pl.String,
    "fact": pl.String,
    "weight": pl.String,
    "role": pl.String,
    "state": pl.String,
    "missing_field": pl.String,
}


def finding(account="A", indicator="ST-STRUCT-01", weight="M", role="NET", rows=3, **change):
    return {
        "account_id": account,
        "indicator_id": indicator,
        "typology": "structuring",
        "weight": weight,
        "role": role,
        "window_start": datetime(2026, 3, 1),
        "window_end": datetime(2026, 3, 6),
        "state": "found",
        "fact": "4 cash deposits just below 10,000.00 USD",
        "missing_field": None,
        "sentence": "4 cash deposits. Also common for shops that bank takings. Role: role unknown.",
        "rows": rows,
        **change,
    }


def found(*findings):
    numbered = [{"finding_id": f"F{index}", **one} for index, one in enumerate(findings)]
    evidence = [
        {"finding_id": one["finding_id"], "row": 10 * index + row}
        for index, one in enumerate(numbered)
        for row in range(one["rows"])
    ]
    frame = pl.DataFrame(
        [{key: one[key] for key in FINDING_SCHEMA} for one in numbered], schema=FINDING_SCHEMA
    )
    return Found(frame, pl.DataFrame(evidence, schema={"finding_id": pl.String, "row": pl.UInt32}))


def ranked(*findings, contributions=(), currency="USD", **percentiles):
    ids = list(percentiles) or ["A", "B"]
    shares = list(percentiles.values()) or [50.0, 50.0]
    accounts = pl.DataFrame(
        {
            "account_id": ids,
            "currency": [currency] * len(ids),
            "first_at": [datetime(2026, 1, 1)] * len(ids),
            "last_at": [datetime(2026, 3, 9)] * len(ids),
        }
    )
    features = pl.DataFrame(
        {
            "account_id": ids,
            "paid_in_minor": [123_456_789] * len(ids),
            "paid_out_minor": [None] * len(ids),
        },
        schema_overrides={"paid_out_minor": pl.Int64},
    )
    scores = Scores(
        pl.DataFrame(
            {
                "account_id": ids,
                "anomaly_score": [share / 100 for share in shares],
                "anomaly_percentile": shares,
            }
        ),
        pl.DataFrame(list(contributions), schema=CONTRIBUTIONS_SCHEMA, orient="row"),
    )
    return rank(accounts, features, found(*findings), scores, Settings())


def row_of(frame, account):
    return frame.row(by_predicate=pl.col("account_id") == account, named=True)


def test_every_account_is_listed_once_with_the_columns_of_the_contract():
    listed = ranked(A=10.0, B=99.0, C=50.0)
    assert tuple(listed.columns) == COLUMNS
    assert listed["account_id"].to_list() == ["B", "C", "A"]
    assert listed["rank"].to_list() == [1, 2, 3]
    assert listed["status"].to_list() == ["new"] * 3
    assert listed["reason"].null_count() == 0


def test_equal_accounts_are_ordered_by_account_id_so_that_the_order_is_strict():
    assert ranked(C=70.0, A=70.0, B=70.0)["account_id"].to_list() == ["A", "B", "C"]


def test_a_finding_raises_an_account_above_one_that_is_as_unusual():
    listed = ranked(finding("B"), A=80.0, B=80.0)
    assert listed["account_id"].to_list() == ["B", "A"]


def test_points_count_families_and_not_findings():
    once = ranked(finding("A"), A=80.0)
    twice = ranked(finding("A"), finding("A", "ST-STRUCT-03"), A=80.0)
    other = ranked(finding("A"), finding("A", "VE-PASS-01"), A=80.0)
    assert once["score"][0] == twice["score"][0] < other["score"][0]
    assert twice["indicators"][0] == "ST-STRUCT-01;ST-STRUCT-03"


@pytest.mark.parametrize(
    ("accounts", "showing", "points"),
    [
        (200, 1, 12), (200, 20, 12), (200, 28, 6), (200, 39, 0), (200, 40, 0), (200, 100, 0),
        (3_000, 30, 12), (3_000, 134, 6), (3_000, 600, 0),
        (199, 100, 12),
    ],
)  # fmt: skip
def test_an_indicator_counts_in_full_on_twenty_accounts_or_one_in_a_hundred_and_not_at_all_on_a_fifth(
    accounts, showing, points
):
    names = [f"A{index:04}" for index in range(accounts)]
    listed = ranked(*(finding(name) for name in names[:showing]), **dict.fromkeys(names, 80.0))
    assert listed["score"][0] - listed["score"][-1] == pytest.approx(points, abs=1)
    if points > 1:
        assert set(listed["account_id"].head(showing)) == set(names[:showing])


def test_the_score_is_the_documented_formula():
    # 99 % is two decades of rarity of four: place 0.45; a medium finding, two points of six: 0.1 / 3 more.
    assert ranked(A=99.0)["score"][0] == round(350 + 0.45 * 249)
    assert ranked(finding("A"), A=99.0)["score"][0] == round(350 + (0.45 + 0.1 / 3) * 249)
    assert ranked(finding("A"), A=90.0)["score"][0] == round((0.9 / 4 + 0.1 / 3) * 349)


STRONG = finding("A", weight="S")  # 3 points each
PASSING = finding("A", "VE-PASS-01", "S")
MEDIUM = finding("A", "HT-ADS-01", "M")


@pytest.mark.parametrize(
    ("why", "findings", "percentile", "band"),
    [
        ("nothing found, ordinary", (), 98.9, "low"),
        ("being one in a hundred is a reason to look", (), 99.0, "medium"),
        ("being unusual alone is never more", (), 100.0, "medium"),
        ("one strong finding is three points", (STRONG,), 50.0, "low"),
        ("two findings of one family are one", (STRONG, finding("A", "ST-STRUCT-03", "S")), 50.0, "low"),
        ("five points: watch", (STRONG, finding("A", "VE-PASS-01", "M")), 50.0, "medium"),
        ("four points: watch", (STRONG, finding("A", "VE-PASS-01", "W")), 50.0, "medium"),
        ("watch, not quite one in a hundred", (STRONG, finding("A", "VE-PASS-01", "W")), 98.9, "medium"),
        ("watch and one in a hundred", (STRONG, finding("A", "VE-PASS-01", "W")), 99.0, "high"),
        ("six points of two families: alert", (STRONG, PASSING), 0.0, "high"),
        ("alert, not quite one in twenty", (STRONG, PASSING), 94.9, "high"),
        ("alert and one in twenty", (STRONG, PASSING), 95.0, "critical"),
        (
            "six points without a strong one are watched",
            (finding("A", weight="M"), finding("A", "VE-PASS-01", "M"), MEDIUM),
            50.0,
            "medium",
        ),
    ],
)
def test_the_band_follows_the_composition_rule_and_the_anomaly(why, findings, percentile, band):
    assert ranked(*findings, A=percentile)["band"][0] == band, why


def test_a_strong_finding_that_a_fifth_of_the_accounts_shows_makes_no_alert():
    percentiles = {"A": 50.0} | {f"B{index:03}": 50.0 for index in range(199)}
    common = [finding(f"B{index:03}", weight="S") for index in range(60)]
    others = (PASSING, finding("A", "HT-ADS-01", "S"))
    assert row_of(ranked(*others, **percentiles), "A")["band"] == "high"
    listed = ranked(STRONG, PASSING, *common, **percentiles)
    assert row_of(listed, "A")["band"] == "low"


@given(
    st.lists(
        st.tuples(
            st.floats(0, 100),
            st.lists(
                st.tuples(
                    st.sampled_from(["ST-STRUCT-01", "VE-PASS-01", "HT-ADS-01"]), st.sampled_from("SMW")
                ),
                max_size=3,
            ),
        ),
        min_size=1,
        max_size=30,
    )
)
@settings(max_examples=60, deadline=None)
def test_no_account_of_a_lower_band_stands_above_one_of_a_higher(drawn):
    percentiles = {f"A{index}": percentile for index, (percentile, _) in enumerate(drawn)}
    findings = [
        finding(f"A{index}", indicator, weight)
        for index, (_, shown) in enumerate(drawn)
        for indicator, weight in shown
    ]
    listed = ranked(*findings, **percentiles)
    order = [name for name, _ in BANDS]
    assert [order.index(band) for band in listed["band"]] == sorted(order.index(b) for b in listed["band"])
    assert listed["score"].to_list() == sorted(listed["score"], reverse=True)
    bounds = {
        name: (lowest, above) for (name, lowest), above in zip(BANDS, (1001, 800, 600, 350), strict=True)
    }
    for band, score in zip(listed["band"], listed["score"], strict=True):
        assert bounds[band][0] <= score < bounds[band][1]


def test_what_could_not_be_evaluated_counts_for_nothing():
    listed = ranked(
        finding("A", state="not_evaluable", fact="not evaluable", missing_field="city"), A=80.0, B=80.0
    )
    assert listed["score"].n_unique() == 1
    assert listed["indicators"].to_list() == ["", ""]


def test_a_statement_about_the_whole_data_belongs_to_no_account():
    assert ranked(finding(None, "ST-BENF-13"), A=80.0)["indicators"].to_list() == [""]


# Roles: every guardrail by itself.
LABOUR = finding("A", "HT-LAB-01", "S", "PC")
CONTROL = finding("A", "HT-CTL-01", "S", "PV")


@pytest.mark.parametrize(
    ("why", "findings", "role"),
    [
        ("nothing found", (), "unclear"),
        (
            "structuring and velocity alone",
            (finding("A", weight="S", role="PC"), finding("A", "VE-FUNNEL-07", "S", "PC")),
            "unclear",
        ),
        ("one family alone", (LABOUR,), "unclear"),
        ("two families without control", (finding("A", "HT-ADS-02"), finding("A", "HT-MOV-01")), "unclear"),
        (
            "only weak ones",
            (finding("A", "HT-ADS-04", "W", "PC"), finding("A", "HT-CTL-06", "W", "PC")),
            "unclear",
        ),
        (
            "two rows of evidence",
            ({**LABOUR, "rows": 1}, {**finding("A", "HT-ADS-02"), "rows": 1}),
            "unclear",
        ),
        ("a controller's fact", (LABOUR, finding("A", "HT-ADS-02")), "possible_controller"),
        (
            "mere receipt is no controller's fact",
            (finding("A", "HT-P2P-03", "S", "PC"), finding("A", "HT-ADS-02")),
            "unclear",
        ),
        ("controlled by others", (CONTROL, finding("A", "HT-ADS-02")), "possible_victim"),
        ("facts for both sides", (LABOUR, CONTROL), "unclear"),
        (
            "a business",
            (finding("A", "HT-LAB-04", "S", "BIZ/PC"), finding("A", "HT-ADS-02")),
            "possible_front_business",
        ),
        (
            "forwards for others",
            (finding("A", "HT-P2P-03", "S", "NET"), finding("A", "HT-ADS-02")),
            "possible_mule",
        ),
    ],
)
def test_a_role_needs_trafficking_facts_of_two_families_control_and_evidence(why, findings, role):
    assert ranked(*findings, A=99.0)["possible_role"][0] == role, why


def test_the_reason_names_the_strongest_fact_its_dates_and_who_shows_it_innocently():
    listed = ranked(
        finding("A"),
        finding(
            "A", "VE-PASS-01", "S", fact="95 % of 12,000.00 USD left within 3 h", sentence="no caution here"
        ),
        A=90.0,
    )
    assert listed["reason"][0] == (
        "95 % of 12,000.00 USD left within 3 h (2026-03-01 to 2026-03-06); 4 cash deposits just below "
        "10,000.00 USD (2026-03-01 to 2026-03-06); also common for shops that bank takings."
    )


def test_without_a_finding_the_reason_names_the_feature_that_stands_out_most():
    told = ("A", "anomaly_score", "paid_in_max_minor", 1_250_000.0, 20_000.0, 5_000.0, "high", 0.4)
    reason = ranked(contributions=[told], A=99.64)["reason"][0]
    assert reason.startswith(
        "No red flag found; more unusual than 99.6 % of accounts, most by this number: largest"
    )
    assert ": 12,500.00 USD, where the median account has 200.00 USD, give or take 50.00 USD," in reason
    assert "_" not in reason


def test_a_quiet_account_says_so():
    assert ranked(A=41.26)["reason"][0] == "No red flag found; more unusual than 41.2 % of accounts."


def test_amounts_are_exact_decimals_in_the_currency_of_the_account():
    assert row_of(ranked(), "A")["amount_in"] == Decimal("1234567.89")
    assert row_of(ranked(), "A")["amount_out"] is None
    assert row_of(ranked(currency="BTC"), "A")["amount_in"] == Decimal("1.23456789")


def test_no_text_of_the_list_uses_a_word_that_judges_a_person():
    listed = ranked(LABOUR, CONTROL, finding("B"), A=99.0, B=10.0, C=5.0)
    for column in ("reason", "possible_role", "band", "status"):
        for text in listed[column].to_list():
            assert not BANNED.search(text.replace("possible_victim", "")), text


def test_the_order_of_findings_and_accounts_does_not_matter():
    findings = [finding("A"), finding("B", "VE-PASS-01", "S"), finding("A", "VE-PASS-01", "W")]
    straight = ranked(*findings, A=80.0, B=70.0, C=99.9)
    turned = ranked(*reversed(findings), C=99.9, B=70.0, A=80.0)
    assert straight.equals(turned)
