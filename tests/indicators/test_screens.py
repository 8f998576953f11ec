"""Screens leave out only accounts that cannot be found: findings are the same with and without them."""

import math
from datetime import timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from finpat.config import IndicatorSettings, Settings
from finpat.features.base import read_legs
from finpat.indicators import INDICATORS
from finpat.indicators.evaluation import evaluate_indicators
from finpat.indicators.screens import busy_days, mix_breaks
from finpat.ledger import build_ledger
from tests.factory import at, payments
from tests.factory import ledger as plain_ledger
from tests.indicators.test_evaluation import busy_ledger

# Loose enough that a handful of payments shows every screened indicator.
LOOSE = Settings(
    indicators={
        name: IndicatorSettings(**values)
        for name, values in {
            "VE-PASS-01": {"min_cycles": 1, "min_in": 0, "peer_quantile": 0.0, "min_ratio": 0.5},
            "VE-LAT-02": {"min_count": 1, "min_share": 0.3},
            "VE-SPIKE-03": {"min_hour": 2, "min_day": 3},
            "VE-DORM-05": {"gap_days": 14, "min_count": 1, "min_ratio": 0.1},
            "VE-MIRROR-08": {"min_count": 1},
            "VE-BURST-09": {"min_count": 3, "min_dispersion": 1.0},
            "VE-DEPSEND-11": {"min_count": 1},
            "ST-ROUND-12": {"min_count": 2, "probability": 0.6},
        }.items()
    }
)
SCREENED = list(LOOSE.indicators)
draws = st.lists(
    st.fixed_dictionaries(
        {
            "booked_at": st.integers(0, 60 * 16).map(lambda step: at(hour=1.5 * step)),
            "account_id": st.sampled_from(["A", "B", "C"]),
            "counterparty_id": st.sampled_from(["A", "P", "Q", "CASH", None]),
            "direction": st.sampled_from(["credit", "debit"]),
            "amount_minor": st.sampled_from([100_00, 95_00, 90_00, 123_45, 5_000_00]),
            "channel": st.sampled_from(["cash", "atm", "transfer", "p2p", "fee", "other"]),
            "local_zone": st.sampled_from(["Europe/Berlin", None]),
        }
    ),
    min_size=1,
    max_size=80,
)


def both(data, chosen):
    """Findings with and without screens."""
    return [
        evaluate_indicators(INDICATORS, data, pl.DataFrame(), chosen, screening=screening)
        for screening in (True, False)
    ]


@settings(max_examples=25, deadline=None)
@given(draws)
def test_screens_change_no_finding(rows):
    peers = [{"account_id": f"p{n:02}", "booked_at": at(1), "amount_minor": 50} for n in range(30)]
    screened, whole = both(build_ledger(payments(*rows, *peers)), LOOSE)
    assert_frame_equal(screened.findings, whole.findings)
    assert_frame_equal(screened.evidence, whole.evidence)


def test_screens_change_no_finding_of_busy_accounts():
    screened, whole = both(busy_ledger(), LOOSE)
    assert_frame_equal(screened.findings, whole.findings)
    assert_frame_equal(screened.evidence, whole.evidence)
    found = set(whole.findings.filter(pl.col("state") == "found")["indicator_id"])
    assert {"VE-LAT-02", "VE-MIRROR-08", "VE-DEPSEND-11", "VE-PASS-01"} <= found


@pytest.mark.parametrize("seed", range(4))
def test_busy_days_are_those_of_a_plain_count(seed):
    draw = np.random.default_rng(seed)
    minutes = np.sort(draw.integers(0, 60 * 24 * 30, 160)).tolist()
    data = plain_ledger(*[{"booked_at": at(minute=minute)} for minute in minutes])
    back, needed = busy_days(
        read_legs(data),
        np.ones(160, np.bool_),
        width=86_400_000_000,
        count=5,
        past=10 * 86_400_000_000,
        quantile=0.9,
        threads=1,
    )
    times, day = data.legs["booked_at"].to_list(), timedelta(days=1)
    inside = [[other for other in times if end - day < other <= end] for end in times]
    expected = {}
    for index, end in enumerate(times):
        if (index + 1 < len(times) and times[index + 1] == end) or len(inside[index]) < 5:
            continue
        bound, before = 5, [other for other in times if other <= end - day]
        if before:
            past = [place for place, other in enumerate(times) if before[-1] - 10 * day < other <= before[-1]]
            counts = sorted(len(inside[place]) for place in past)
            bound = max(5, counts[int((len(counts) - 1) * 0.9 + 0.5)])
        if len(inside[index]) >= bound:
            expected[index] = (len(inside[index]), bound)
    assert expected
    assert {int(row): (int(back[row]), int(needed[row])) for row in np.flatnonzero(back)} == expected


def plain_distance(new, old):
    """Jensen-Shannon distance of two lists of words, base 2."""
    total = 0.0
    for word in {*new, *old}:
        one, other = new.count(word) / len(new), old.count(word) / len(old)
        for share in (one, other):
            total += share * math.log2(2 * share / (one + other)) / 2 if share else 0.0
    return math.sqrt(total)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 24 * 40), st.sampled_from(["card", "p2p", "fee"]), st.booleans()),
        min_size=1,
        max_size=60,
    )
)
def test_breaks_of_the_mix_are_those_of_a_plain_count(drawn):
    drawn = sorted(drawn, key=lambda leg: leg[0])
    data = plain_ledger(
        *[{"booked_at": at(hour=hour), "channel": channel} for hour, channel, _ in drawn],
        {"booked_at": at(3), "account_id": "B"},
    )
    legs, day = read_legs(data), 86_400_000_000
    kept = np.array([keep for _, _, keep in drawn] + [True])
    spots, told = mix_breaks(
        legs, legs.channels.astype(np.uint32), 11, kept,
        recent_us=5 * day, past_us=20 * day, count=2, distance=0.3, threads=1,
    )  # fmt: skip
    times, words = data.legs["booked_at"].to_list(), data.legs["channel"].to_list()
    mine = [leg for leg in range(len(drawn)) if kept[leg]]
    expected = {}
    for leg in mine:
        if any(times[other].date() == times[leg].date() for other in mine if other > leg):
            continue
        cut = times[leg] - timedelta(days=5)
        new = [other for other in mine if cut < times[other] and other <= leg]
        old = [other for other in mine if cut - timedelta(days=20) < times[other] <= cut]
        if len(new) < 2 or len(old) < 2:
            continue
        apart = plain_distance([words[other] for other in new], [words[other] for other in old])
        if apart >= 0.3:
            expected[(new[0], leg, len(new), len(old))] = pytest.approx(apart)
    assert {tuple(spot): apart for spot, apart in zip(spots.tolist(), told.tolist(), strict=True)} == expected
