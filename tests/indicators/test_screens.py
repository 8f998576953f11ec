"""Screens leave out only accounts that cannot be found: findings are the same with and without them."""

import math
from datetime import timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from finpat.compiled import frozen
from finpat.config import IndicatorSettings, Settings
from finpat.features.base import read_legs
from finpat.indicators import INDICATORS
from finpat.indicators.evaluation import evaluate_indicators
from finpat.indicators.screens import alike, busy_days, mix_breaks
from finpat.indicators.windows import mirror_bound, pair_mirrors
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
    assert {"VE-LAT-02", "VE-MIRROR-08", "VE-DEPSEND-11", "VE-PASS-01", "VE-BURST-09"} <= found


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


def plain_alike(rows, width, tolerance, least, chance):
    """told of `alike` for one beneficiary, by trying every band of every window."""
    told = []
    for now, mine, _ in rows:
        inside = [row for row in rows if now - width < row[0] <= now]
        best = None
        for top in sorted({amount for _, amount, _ in inside}):
            band = [row for row in inside if top * (1 - tolerance) <= row[1] <= top]
            if min(band, key=lambda row: row[1])[1] <= mine <= top:
                senders = len({sender for _, _, sender in band})
                if best is None or senders > best[0]:
                    best = (senders, min(row[0] for row in band), top, band)
        senders, _, top, band = best
        low = min(row[1] for row in band)
        around = sum(low > row[1] >= top * (1 - tolerance) / 2 or top < row[1] <= 2 * top for row in inside)
        usual = around * -math.log(1 - tolerance) / (2 * math.log(2))
        reached = 1 - sum(math.exp(-usual) * usual**n / math.factorial(n) for n in range(senders))
        if senders < least or (around and reached >= chance):
            told.append([0, 0, 0, 0, 0])
        else:
            told.append([senders, min(row[0] for row in band), top, sum(row[1] for row in band), around])
    return told


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 30), st.sampled_from([60, 96, 97, 100, 101, 105, 180]), st.integers(0, 5)),
        min_size=1,
        max_size=40,
    ),
    st.sampled_from([0.05, 0.2, 1.0]),
)
def test_amounts_alike_are_those_of_a_plain_search(drawn, chance):
    rows = sorted(drawn, key=lambda row: row[0])
    at, amount, sender = (np.array(column) for column in zip(*rows, strict=True))
    told, member = alike(
        np.array([0, 0, len(rows)]), at, amount, sender.astype(np.uint32),
        width=8, tolerance=0.05, least=2, chance=chance, threads=1,
    )  # fmt: skip
    expected = plain_alike(rows, 8, 0.05, 2, chance)
    assert told.tolist() == expected
    inside = set()
    for (now, _, _), (senders, _, top, _, _) in zip(rows, expected, strict=True):
        if senders:
            bands = [row for row in rows if now - 8 < row[0] <= now and top * 0.95 <= row[1] <= top]
            inside |= set(bands)
    assert [bool(is_one) for is_one in member] == [row in inside for row in rows]


def test_many_payments_of_one_amount_cost_their_senders_not_their_square():
    size = 300_000  # each compared with each of the others would be 90 milliards of comparisons
    sender = (np.arange(size) % 5).astype(np.uint32)
    told, member = alike(
        np.array([0, size]), np.arange(size), np.full(size, 100_00), sender,
        width=size + 1, tolerance=0.05, least=4, chance=1e-6, threads=1,
    )  # fmt: skip
    assert member.all()
    assert told[-1].tolist() == [5, 0, 100_00, size * 100_00, 0]
    assert (told[:3, 0] == 0).all()
    assert told[3].tolist() == [4, 0, 100_00, 4 * 100_00, 0]


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from([20, 65, 200]), st.sampled_from([1, 3]), st.integers(2, 40))
def test_mirrors_are_those_of_a_plain_search_in_small_and_large_accounts(seed, size, parties, horizon):
    draw = np.random.default_rng(seed)
    at = np.sort(draw.integers(0, 60, size))
    amount = draw.choice([100, 95, 90, 88, 87, 50], size)
    credit, party = draw.random(size) < 0.5, draw.integers(0, parties, size).astype(np.uint32)
    keep = mirror_bound(0.12)
    expected, taken = [], set()
    for row in range(size):
        match = next(
            (
                other
                for other in range(row)
                if credit[other] and not credit[row] and other not in taken and party[other] != party[row]
                and at[row] - at[other] <= horizon and keep * amount[other] <= amount[row] <= amount[other]
            ),
            -1,
        )  # fmt: skip
        expected.append(match)
        taken.add(match)
    source = pair_mirrors(*map(frozen, (np.zeros(size, np.uint32), at, amount, credit, party)), horizon, keep)
    assert source.tolist() == expected


def test_a_day_of_inflows_that_no_outflow_mirrors_costs_no_square():
    size = 400_000  # half of them tried with each of the other half would be 40 milliards of comparisons
    credit = np.arange(size) < size // 2
    amount = np.where(credit, 100, np.where(np.arange(size) % 2, 99, 10))
    legs = (np.zeros(size, np.uint32), np.arange(size), amount, credit, (~credit).astype(np.uint32))
    source = pair_mirrors(*map(frozen, legs), size + 1, mirror_bound(0.12))
    assert (source[credit] == -1).all()
    assert (source[~credit & (amount == 10)] == -1).all()
    assert source[amount == 99].tolist() == list(range(size // 4))
