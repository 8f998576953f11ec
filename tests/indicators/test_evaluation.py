"""What holds for every indicator: three states, merging, ids, order, strictness."""

import dataclasses
from datetime import timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from finpat.config import IndicatorSettings, Settings
from finpat.errors import SettingsError
from finpat.indicators import INDICATORS, evaluate
from finpat.indicators.base import Outcome, Value
from finpat.indicators.evaluation import EVIDENCE_SCHEMA, FINDINGS_SCHEMA, _filled, evaluate_indicators
from finpat.ledger import build_ledger
from tests.factory import at, payments
from tests.indicators.support import BY_ID, judge, ledger


def cash(day, amount=9_500, **changes):
    return {"booked_at": at(day), "amount_minor": amount * 100, "channel": "cash", **changes}


PAST = cash(-60, 20)


def result_of(frame, accounts=None, settings_=None):
    return evaluate(build_ledger(frame, accounts), pl.DataFrame(), settings_ or Settings())


def test_overlapping_windows_are_one_finding_with_all_their_evidence():
    findings = judge("ST-STRUCT-01", ledger(PAST, *[cash(day) for day in (0, 2, 4, 6, 8, 10)]))
    (row,) = findings.findings.rows(named=True)
    assert (row["window_start"], row["window_end"]) == (at(0), at(10))
    assert findings.evidence["row"].to_list() == [1, 2, 3, 4, 5, 6]
    assert row["values"][0] == {
        "name": "near_count",
        "value": 4.0,
        "unit": "count",
        "threshold": 3.0,
        "operator": ">=",
    }


def test_separate_windows_are_separate_findings():
    rows = [cash(day) for day in (0, 1, 2, 40, 41, 42)]
    findings = judge("ST-STRUCT-01", ledger(PAST, *rows), others={"ST-BUNCH-06": {"enabled": False}})
    assert findings.findings["window_start"].to_list() == [at(0), at(40)]
    assert findings.findings["finding_id"].n_unique() == 2


def test_the_sentence_says_what_when_by_which_parameters_from_which_source_and_who_else():
    (row,) = judge("ST-STRUCT-01", ledger(PAST, *[cash(day, city="Ulm") for day in range(3)])).findings.rows(
        named=True
    )
    assert row["sentence"] == (
        "3 cash deposits just below the threshold of 10,000.00 USD within 7 days, 28,500.00 USD in all (3 "
        "rows between "
        "2026-03-02 and 2026-03-04; Ulm); parameters floor_share=0.8, min_count=3, window_days=7, "
        "clear_days=365, min_z=2, "
        "history_days=180, min_history_weeks=4; seen in FFIEC BSA/AML Manual, Appendix G; FINTRAC ML/TF "
        "indicators for "
        "financial entities (structuring). Also common for cash retail whose takings lie on both sides of "
        "the threshold. "
        "Role: role unknown."
    )


def test_frames_have_the_declared_columns_even_when_empty():
    for data in (ledger(PAST), build_ledger(payments().clear())):
        result = evaluate(data, pl.DataFrame(), Settings())
        assert dict(result.findings.schema) == FINDINGS_SCHEMA
        assert dict(result.evidence.schema) == EVIDENCE_SCHEMA


def test_a_disabled_indicator_leaves_no_row():
    off = Settings(indicators={"ST-RETRY-11": IndicatorSettings(enabled=False)})
    ids = evaluate(ledger(PAST), pl.DataFrame(), off).findings["indicator_id"].to_list()
    assert "ST-RETRY-11" not in ids
    assert (
        "ST-RETRY-11" in evaluate(ledger(PAST), pl.DataFrame(), Settings()).findings["indicator_id"].to_list()
    )


def test_too_many_accounts_without_a_field_are_one_row():
    rows = [cash(day, currency="GBP", account_id=f"a{n:04}") for n in range(1_001) for day in range(3)]
    findings = judge("ST-STRUCT-01", ledger(*rows)).findings
    assert findings.select("account_id", "missing_field").rows() == [(None, "legal threshold for GBP")]


def test_an_unknown_jurisdiction_is_refused_before_anything_is_judged():
    with pytest.raises(SettingsError, match="no thresholds for 'USA'"):
        evaluate(ledger(PAST), pl.DataFrame(), Settings(jurisdictions=("USA",)))


CHANNELS = ["cash", "atm", "card", "transfer", "p2p", "prepaid", "cheque", "fee", "other"]
rows_of = st.lists(
    st.fixed_dictionaries(
        {
            "booked_at": st.integers(0, 24 * 12).map(lambda step: at(hour=2.5 * step)),
            "account_id": st.sampled_from(["A", "B", "C"]),
            "counterparty_id": st.sampled_from(["A", "P", "Q", "CASH", None]),
            "direction": st.sampled_from(["credit", "debit"]),
            "amount_minor": st.sampled_from(
                [100_00, 450_00, 950_00, 2_900_00, 4_100_00, 9_500_00, 10_000_00, 10_000_01]
            ),
            "channel": st.sampled_from(CHANNELS),
            "city": st.sampled_from(["X", "Y", "Z", None]),
            "branch_id": st.sampled_from(["k", "l", "m", None]),
            "local_zone": st.sampled_from(["Europe/Berlin", None]),
        }
    ),
    min_size=1,
    max_size=60,
)


def told(result):  # findings alone: rows are positions
    """Findings and the content of their evidence, without positions."""
    return result.findings


@settings(max_examples=15, deadline=None)
@given(rows_of, st.randoms(use_true_random=False))
def test_the_order_of_rows_changes_nothing(rows, random):
    frame = payments(*rows)
    shuffled = frame.sample(fraction=1, shuffle=True, seed=random.randrange(2**31))
    assert_frame_equal(told(result_of(frame)), told(result_of(shuffled)))


PAIRWISE = [
    indicator.id for indicator in INDICATORS if not indicator.uses_peers and indicator.id != "ST-REMIT-14"
]


@settings(max_examples=10, deadline=None)
@given(rows_of)
def test_other_accounts_never_change_mine_where_no_peers_are_used(rows):
    own = [
        row | {"counterparty_id": row["counterparty_id"] or "P"} for row in rows if row["account_id"] == "A"
    ]
    if not own:
        return
    mine = [{**row, "row_key": index} for index, row in enumerate(own)]
    others = [{**row, "row_key": 1_000 + index} for index, row in enumerate(rows) if row["account_id"] != "A"]
    pick = pl.col("account_id") == "A", pl.col("indicator_id").is_in(PAIRWISE), pl.col("state") == "found"
    alone, together = result_of(payments(*mine)), result_of(payments(*mine, *others))
    assert_frame_equal(alone.findings.filter(*pick), together.findings.filter(*pick))


@settings(max_examples=10, deadline=None)
@given(rows_of)
def test_later_rows_never_change_earlier_findings(rows):
    # One year and more later, so that no window and no merged finding reaches back; peers and the portfolio
    # may change.
    later = [
        {**row, "booked_at": row["booked_at"] + timedelta(days=800), "row_key": 1_000 + n}
        for n, row in enumerate(rows)
    ]
    before = result_of(payments(*rows)).findings.filter(pl.col("state") == "found")
    after = result_of(payments(*rows, *later)).findings.filter(
        pl.col("state") == "found", pl.col("window_end") < at(400)
    )
    pick = pl.col("indicator_id").is_in([*PAIRWISE, "ST-REMIT-14"])
    assert_frame_equal(before.filter(pick), after.filter(pick))


STYLES = (  # channel in, channel out, amounts, hour
    ("cash", "transfer", (9_500, 4_000), 9),
    ("transfer", "atm", (300, 310), 11),
    ("p2p", "p2p", (950, 900), 11),
    ("cash", "cheque", (2_900, 2_950), 2),
    ("card", "card", (23, 41), 3),
)


def busy_rows():
    """Forty accounts that pass money on in five styles, deterministic."""
    from numpy.random import default_rng

    draw = default_rng(5)
    rows = []
    for account in range(40):
        channel_in, channel_out, amounts, hour = STYLES[account % 5]
        common = {"account_id": f"a{account:02}", "local_zone": "Etc/UTC"}
        for number in range(36):
            day, city = 3 * number + account % 3, "XYZVW"[number % 5]
            minor = int(draw.choice(amounts)) * 100 + (0 if account % 7 else int(draw.integers(0, 99)))
            place = {"city": city, "branch_id": f"k{number % 4}"}
            amount = {"amount_minor": minor, "counterparty_id": f"P{number % 3}"}
            when = at(day, hour, int(draw.integers(0, 40)))
            rows.append({**common, **place, **amount, "booked_at": when, "channel": channel_in})
            rows.append({**rows[-1], "booked_at": when + timedelta(hours=1), "amount_minor": minor * 9 // 10})
            sent = {"direction": "debit", "channel": channel_out, "counterparty_id": "Q", "city": "U"}
            for part in range(2):
                later = when + timedelta(hours=1.5 + part / 10)
                rows.append(
                    {**common, **place, **sent, "amount_minor": minor * 95 // 100, "booked_at": later}
                )
    return rows


def busy_ledger():
    """A ledger of the busy accounts."""
    return ledger(*busy_rows())


def showing_rows():
    """Accounts that show what those of `busy_rows` do not, and ordinary ones to hold them against."""
    cash_in, cash_out = {"channel": "cash"}, {"channel": "cash", "direction": "debit"}

    def rows(account, *told):
        for day, hour, amount, changes in told:
            common = {"account_id": account, "local_zone": "Etc/UTC", "counterparty_id": "P0"}
            yield {**common, "booked_at": at(day, hour), "amount_minor": round(amount * 100), **changes}

    yield from rows(
        "hops",
        *[(0, n, 4_000, {**cash_in, "branch_id": f"k{n}", "counterparty_id": f"P{n}"}) for n in range(3)],
    )
    spread = [(0, 0, 6_000, cash_in), (0, 1, 5_000, cash_in)]
    paid = [(0, 2, amount, {"channel": name, "direction": "debit"})
            for name, amount in (("cheque", 4_000), ("transfer", 3_000))]  # fmt: skip
    yield from rows("splits", *spread, *paid)
    yield from rows("spikes", *[(1, n / 20, 30 + n, {}) for n in range(14)])
    yield from rows("jumps", *[(7 * n, 0, 100 + n, {}) for n in range(12)], (90, 0, 5_000, {}))
    awake = [(260, n, 900, {}) for n in range(8)]
    yield from rows("sleeps", *[(7 * n, 0, 100, {}) for n in range(5)], *awake)
    refused = (0, 0, 12_000, {**cash_in, "status": "declined"})
    yield from rows("retries", refused, (0, 1, 6_000, cash_in), (0, 2, 6_000, cash_in))
    yield from rows("draws", (-60, 0, 20, cash_out), *[(n, 0, 9_500, cash_out) for n in range(4)])
    collected = [(n, 0, 1_000, {**cash_in, "city": city}) for n, city in enumerate("XYZVW")]
    drawn = [(n, 5, 980, {**cash_out, "city": "U"}) for n in range(5)]
    yield from rows("funnels", *collected, *drawn)
    yield from rows("bursts", *[(n, 11 + m / 60, 25 + m, {}) for n in (0, 3, 6) for m in range(16)])
    before = [(2 * n, 0, 20 + n, {"channel": "card"}) for n in range(30)]
    yield from rows("turns", *before, *[(70 + n, 0, 40 + n, {"channel": "p2p"}) for n in range(25)])
    yield from rows("piles", *[(3 * n, 0, 6_000, cash_in) for n in range(9)])
    yield from rows("rounds", *[(3 * n, 0, 200, {"channel": "other"}) for n in range(28)])
    for number in range(32):
        small = [(n, 0, 12.34 + n, {"channel": "other"}) for n in range(5)]
        yield from rows(f"c{number:02}", (0, 0, 50 + number / 10, cash_in), *small)


def showing_ledger():
    """A ledger on which every indicator of the families ST and VE finds something."""
    rows = [*busy_rows(), *showing_rows()]
    names = sorted({row["account_id"] for row in rows})
    opened = pl.DataFrame({"account_id": names, "opened_on": [at(-5).date()] * len(names)})
    return ledger(*rows, accounts=opened)


@pytest.fixture(scope="module")
def busy():
    return busy_ledger()


def test_the_busy_ledger_is_busy(busy):
    result = evaluate(busy, pl.DataFrame(), Settings())
    found = result.findings.filter(pl.col("state") == "found")
    assert found["indicator_id"].n_unique() >= 8
    evidenced = result.evidence["finding_id"].unique()
    assert found.filter(
        pl.col("account_id").is_not_null(), ~pl.col("finding_id").is_in(evidenced.implode())
    ).is_empty()
    assert found["finding_id"].is_unique().all()


def test_a_finding_argues_for_the_role_that_its_rows_name_for_each_account():
    def find(context, _):
        role = pl.when(pl.col("account") == 0).then(pl.lit("PC")).otherwise(pl.lit("PV"))
        rows = context.legs(pl.lit(True)).with_columns(subject=pl.lit(0, pl.UInt32), role=role)
        windows = pl.DataFrame(
            {"subject": [0], "window_start": [at(0)], "window_end": [at(9)], "row_count": [2]},
            schema_overrides={"subject": pl.UInt32},
        )
        return Outcome(windows, rows)

    values = (Value("row_count", "count"),)
    made = dataclasses.replace(BY_ID["ST-STRUCT-01"], find=find, values=values, fact="seen")
    data = ledger(cash(1), cash(2, account_id="Z"))
    findings = evaluate_indicators((made,), data, pl.DataFrame(), Settings()).findings
    told = findings.sort("account_id")
    assert told.select("account_id", "role").rows() == [("A", "PC"), ("Z", "PV")]
    assert [text.rsplit(". ", 1)[1] for text in told["sentence"]] == [
        "Role: possible controller.",
        "Role: possible victim.",
    ]


@pytest.mark.parametrize(
    ("number", "told"), [("1", "on 1 day within 1 week"), ("21", "on 21 days within 1 week"), ("0", None)]
)
def test_one_day_is_told_in_the_singular(number, told):
    text = _filled("on {n} days within {w} weeks", {"w": "1"}, {"n": pl.Series([number])}).item()
    assert text == (told or f"on {number} days within 1 week")
