"""What holds for every indicator of adverts, crypto-assets, receipts from persons and fronts."""

from datetime import timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from finpat.config import IndicatorSettings, Settings
from finpat.indicators import INDICATORS, evaluate
from finpat.ledger import build_ledger
from tests.factory import at, payments
from tests.indicators.support import BY_ID, ledger

FAMILIES = ("HT-ADS", "HT-P2P", "HT-RES", "HT-FRT", "CR")
MINE = [
    indicator.id
    for indicator in INDICATORS
    if indicator.family in FAMILIES and "adverts" not in indicator.needs  # those have tests with adverts
]


def lively_ledger():
    """Persons paid by many others who buy crypto-assets and adverts; deterministic, told by their number."""
    from numpy.random import default_rng

    draw = default_rng(11)
    rows = []

    def add(who, day, hour, amount, **changes):
        rows.append(
            {
                "account_id": f"a{who:02}",
                "booked_at": at(day, hour - 12, int(draw.integers(0, 30))),
                "amount_minor": round(amount * 100),
                "local_zone": "Etc/UTC",
                "country": "NL",
                **changes,
            }
        )

    for who in range(24):
        for number in range(30):
            day, hour = number + who % 3, (2, 14, 23)[who % 3]
            amount = (100, 50, 30, 200, 61)[int(draw.integers(0, 4 + (who % 5 == 0)))]
            payer = f"P{who}-{int(draw.integers(0, (4, 12, 40)[who % 3]))}"
            gift = {"channel": "p2p", "counterparty_id": payer}
            if who % 4 == 1:
                gift["description"] = "full service"
            if who % 4 == 2:
                gift["description"] = 'for "Ruby"'
            if who % 6 == 3:
                gift["counterparty_name"] = "Stripe"
            add(who, day, hour, amount, **gift)
            spent = {"direction": "debit", "counterparty_id": "S"}
            if who % 2 == 0:
                kind = {"merchant_category": "6051", "channel": "card"}
                add(who, day, hour + 0.6, 0.95 * amount, **spent, **kind)
            if who % 3 == 0 and number % 5 == 0:
                add(who, day, hour + 0.5, amount, **spent, merchant_category="6540", channel="card")
            if who % 4 < 3:
                advert = {"merchant_category": "7311", "channel": ("card", "prepaid")[who % 2]}
                for part in range(1 + 15 * (who == 8)):
                    price = (12, 24, 12, 90)[int(draw.integers(0, 3 + (who == 5)))] if who != 13 else amount
                    add(who, day, hour + 0.7 + part / 50, price, **spent, **advert)
            if who in (7, 19):  # they pay for nothing else, and send it to one whom many pay
                add(who, day, hour + 0.9, amount, **spent | {"counterparty_id": "a11"}, channel="p2p")
            if who == 11:
                add(11, day, hour, amount, channel="p2p", counterparty_id=f"Q{number}")
            if who == 11 and number > 20:
                add(11, day, hour + 0.95, 10, direction="debit", counterparty_id="a24", channel="p2p")
                add(24, day, hour + 0.95, 10, counterparty_id="a11", channel="p2p")
            if who % 5 == 1 and number % 4 == 0:
                add(who, day, hour, 300, **spent, description="Bitcoin ATM")
    holders = pl.DataFrame(
        {
            "account_id": [f"a{who:02}" for who in range(25)],
            "holder_id": [f"h{who}" for who in range(25)],
            "holder_name": [f"Maria Example {who}" for who in range(25)],
            "holder_type": ["person" if who % 8 else "business" for who in range(25)],
            "country": ["DE"] * 25,
        }
    )
    return ledger(*rows, accounts=holders)


@pytest.fixture(scope="module")
def lively():
    return lively_ledger()


# These need premises, shops with thirty peers, or two accounts of one owner; test_fronts.py has them.
NOT_LIVED = (
    "HT-RES-01", "HT-RES-02", "HT-FRT-01", "HT-FRT-02", "HT-FRT-03", "HT-FRT-04", "HT-FRT-05", "HT-FRT-06",
)  # fmt: skip


def test_the_lively_ledger_shows_the_indicators(lively):
    result = evaluate(lively, pl.DataFrame(), Settings())
    found = result.findings.filter(pl.col("state") == "found", pl.col("indicator_id").is_in(MINE))
    assert set(MINE) - set(found["indicator_id"]) == set(NOT_LIVED)
    evidenced = result.evidence["finding_id"].unique()
    assert found.filter(~pl.col("finding_id").is_in(evidenced.implode())).is_empty()


# Loose enough that a handful of payments shows most of them.
LOOSE = Settings(
    indicators={indicator.id: IndicatorSettings(enabled=indicator.id in MINE) for indicator in INDICATORS}
    | {
        name: IndicatorSettings(**{"min_count": 2, **values})
        for name, values in {
            "HT-ADS-01": {"min_price_share": 0.3},
            "HT-ADS-07": {"min_payments": 2, "price_quantile": 0.5, "min_count": 1},
            "HT-ADS-08": {},
            "HT-ADS-09": {"min_count": 1, "min_share": 0.3},
            "HT-ADS-10": {"min_count": 1},
            "HT-ADS-13": {"min_count": 3, "max_gap_cv": 1.0},
            "HT-ADS-18": {"min_night_share": 0.2, "min_anonymous_share": 0.2},
            "CR-ONRAMP-01": {"min_count": 1, "min_payers": 2},
            "CR-MICRO-02": {"min_count": 3, "min_gap_cv": 0.0},
        }.items()
    }
    | {
        name: IndicatorSettings(**values)
        for name, values in {
            "CR-BROKER-03": {"min_payers": 2},
            "HT-P2P-01": {"min_payers": 2, "min_once_share": 0.2},
            "HT-P2P-02": {"min_count": 3, "min_new_share": 0.1, "min_evening_share": 0.2},
            "HT-P2P-03": {"min_payers": 2, "min_share": 0.2},
            "HT-P2P-04": {"min_days": 1, "min_share": 0.2},
            "HT-P2P-05": {"min_count": 1, "min_share": 0.2},
            "HT-P2P-06": {"min_payers": 2},
            "HT-P2P-07": {"min_payers": 2},
            "HT-P2P-08": {"min_count": 1},
        }.items()
    }
)
drawn = st.lists(
    st.fixed_dictionaries(
        {
            "booked_at": st.integers(0, 60 * 8).map(lambda step: at(hour=1.5 * step)),
            "account_id": st.sampled_from(["A", "B", "C"]),
            "counterparty_id": st.sampled_from(["A", "P", "Q", "R", "CASH", None]),
            "direction": st.sampled_from(["credit", "debit"]),
            "amount_minor": st.sampled_from([12_00, 24_00, 25_00, 100_00, 95_00]),
            "channel": st.sampled_from(["cash", "card", "p2p", "prepaid", "crypto"]),
            "merchant_category": st.sampled_from(["7311", "6051", "6540", None]),
            "description": st.sampled_from(["full service", 'x "Ruby"', "stripe", "rent", None]),
            "local_zone": st.sampled_from(["Europe/Berlin", None]),
            "country": st.sampled_from(["DE", "NL", None]),
        }
    ),
    min_size=1,
    max_size=60,
)
HOLDERS = pl.DataFrame(
    {
        "account_id": ["A", "B", "C"],
        "holder_id": ["h", "i", "i"],
        "holder_name": ["Maria Example", None, None],
        "holder_type": ["person", "business", "business"],
        "country": ["DE", None, "CZ"],
    }
)


def told(rows, frame=None, **how):
    data = build_ledger(payments(*rows) if frame is None else frame, HOLDERS)
    return evaluate(data, pl.DataFrame(), LOOSE, **how).findings


@settings(max_examples=15, deadline=None)
@given(drawn, st.randoms(use_true_random=False))
def test_the_order_of_rows_changes_nothing(rows, random):
    frame = payments(*rows)
    shuffled = frame.sample(fraction=1, shuffle=True, seed=random.randrange(2**31))
    assert_frame_equal(told(rows, frame), told(rows, shuffled))


def known(frame, *conditions):
    return frame.filter(pl.col("state") == "found", *conditions)


@settings(max_examples=10, deadline=None)
@given(drawn)
def test_later_rows_never_change_earlier_findings(rows):
    later = [
        {**row, "booked_at": row["booked_at"] + timedelta(days=800), "row_key": 1_000 + number}
        for number, row in enumerate(rows)
    ]
    alone = [indicator for indicator in MINE if not BY_ID[indicator].uses_peers]
    pick = pl.col("indicator_id").is_in(alone)
    after = known(told([*rows, *later]), pick, pl.col("window_end") < at(400))
    assert_frame_equal(known(told(rows), pick), after)
