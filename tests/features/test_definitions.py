"""Amounts, movement, counterparties, rhythm, change, channels, places against their plain definitions."""

from collections import Counter, deque
from datetime import timedelta
from itertools import pairwise
from math import log, log2, log10, sqrt
from statistics import mean, median, pstdev

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from finpat.config import Settings
from finpat.features import build_features
from finpat.ledger import build_ledger
from finpat.schemas import CHANNELS
from tests import factory
from tests.factory import at
from tests.features.oracle import legs_of, random_payments

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


def features(*rows):
    return build_features(factory.ledger(*rows), Settings(threads=1))


def amounts_of(legs: list[dict], side: bool, paid: str, name: str) -> dict:
    own = [leg["amount_minor"] for leg in legs if leg["is_credit"] == side]
    money = sorted(
        leg["account_minor"] for leg in legs if leg["is_credit"] == side and leg["account_minor"] is not None
    )
    days = {leg["local_day"] for leg in legs if leg["is_credit"] == side}
    out = {f"{name}_count": len(own), f"{name}_active_days": len(days)}
    out[f"{paid}_minor"] = sum(money) if money or not own else None
    if money:
        out |= {
            f"{paid}_mean_minor": (2 * sum(money) + len(money)) // (2 * len(money)),
            f"{paid}_median_minor": -int(-median(money) // 1),
            f"{paid}_p95_minor": next(
                m for m in money if 100 * sum(x <= m for x in money) >= 95 * len(money)
            ),
            f"{paid}_min_minor": money[0],
            f"{paid}_max_minor": money[-1],
            f"{paid}_variation": pstdev(money) / mean(money),
            f"{paid}_largest_share": money[-1] / sum(money),
        }
    if own:
        for units in (10, 100, 1000):
            out[f"{paid}_round_{units}_share"] = mean(m % (units * 100) == 0 for m in own)
        limits = [k * 10**p * 100 for p in range(3, 12) for k in (1, 5)]
        out[f"{paid}_just_below_share"] = mean(any(0.8 * x <= m < x for x in limits) for m in own)
    if len(own) >= 5:
        counts = sorted(Counter(own).values(), reverse=True)
        needed = next(k for k in range(1, len(counts) + 1) if 100 * sum(counts[:k]) >= 80 * len(own))
        out |= {
            f"{paid}_lattice_amounts": needed,
            f"{paid}_repeated_share": sum(c for c in counts if c > 1) / len(own),
            f"{paid}_commonest_share": counts[0] / len(own),
            f"{paid}_amount_entropy": -sum(c / len(own) * log(c / len(own)) for c in counts) / log(len(own)),
        }
    return out


def movement_of(legs: list[dict]) -> dict:
    """First in, first out, one minor unit after the other."""
    legs = [leg for leg in legs if leg["account_minor"] is not None]
    waiting: deque[list] = deque()
    passed: list[tuple[timedelta, int, bool]] = []
    credits = []
    for moment in sorted({leg["booked_at"] for leg in legs}):
        now = [leg for leg in legs if leg["booked_at"] == moment]
        for leg in (leg for leg in now if leg["is_credit"]):
            waiting.append([leg, leg["account_minor"]])
            credits.append({"leg": leg, "day": 0, "week": 0})
        for leg in (leg for leg in now if not leg["is_credit"]):
            need = leg["account_minor"]
            while waiting and need:
                first, left = waiting[0]
                lag = moment - first["booked_at"]
                part = min(need, left) if lag < 30 * DAY else 0
                need -= part
                waiting[0][1] -= part
                entry = next(c for c in credits if c["leg"] is first)
                if part:
                    passed.append((lag, part, first["has_time"] and leg["has_time"]))
                    entry["day"] += part if lag < DAY else 0
                    entry["week"] += part if lag < 7 * DAY else 0
                if waiting[0][1] == 0 or lag >= 30 * DAY:
                    waiting.popleft()
    paid_in = sum(c["leg"]["account_minor"] for c in credits)
    timed_in = sum(c["leg"]["account_minor"] for c in credits if c["leg"]["has_time"])
    paid_out = sum(leg["account_minor"] for leg in legs if not leg["is_credit"])
    out: dict = {}
    if timed_in:
        out["passed_on_share_2h"] = sum(v for lag, v, timed in passed if timed and lag < 2 * HOUR) / timed_in
    if paid_in:
        for name, width in (("24h", DAY), ("48h", 2 * DAY), ("7d", 7 * DAY)):
            out[f"passed_on_share_{name}"] = sum(v for lag, v, _ in passed if lag < width) / paid_in
        out["passed_on_largest_minor_24h"] = max(c["day"] for c in credits)
        out["emptied_share_7d"] = mean(100 * c["week"] >= 90 * c["leg"]["account_minor"] for c in credits)
    if passed:
        total = sum(v for _, v, _ in passed)
        out["passed_on_dwell_mean_hours"] = sum(lag / HOUR * v for lag, v, _ in passed) / total
        ordered = sorted(passed, key=lambda part: part[0])
        out["passed_on_dwell_median_hours"] = next(
            lag / HOUR
            for k, (lag, _, _) in enumerate(ordered)
            if 2 * sum(v for _, v, _ in ordered[: k + 1]) >= total
        )
    if paid_out:
        out["paid_out_funded_share"] = sum(v for _, v, _ in passed) / paid_out
    if paid_in + paid_out:
        out["net_flow_ratio"] = (paid_in - paid_out) / (paid_in + paid_out)
    return out


RELAY_FEATURES = (
    "relay_count", "relayed_on_count", "relayed_to_count", "relay_strength", "relayed_on_strength",
    "relayed_to_strength", "relayed_minor_share",
)  # fmt: skip


def relays_of(legs: list[dict], held: list[str]) -> list[dict]:
    """The relay features of every account, from the definition; legs in ledger order, held: account ids."""
    written = Counter(leg["amount_minor"] for leg in legs)
    relays = []
    for code in range(len(held)):
        mine = [leg for leg in legs if leg["account"] == code and leg["counterparty_id"] is not None]
        all_mine = [leg for leg in legs if leg["account"] == code]
        habit = Counter(leg["amount_minor"] for leg in all_mine)
        used: list[int] = []
        for out in mine:
            if out["is_credit"]:
                continue
            before = [leg for leg in mine if leg["is_credit"] and leg["booked_at"] <= out["booked_at"]]
            for chances, leg in enumerate(reversed(before[-64:]), start=1):
                if out["booked_at"] - leg["booked_at"] >= 7 * DAY:
                    break
                amount = out["amount_minor"]
                if (
                    leg["amount_minor"] == amount
                    and leg["position"] not in used
                    and leg["counterparty_id"] != out["counterparty_id"]
                ):
                    used.append(leg["position"])
                    chance = chances * max(
                        max(1, written[amount] - 4) / len(legs), (habit[amount] - 2) / len(all_mine)
                    )
                    if chance < 1:
                        ends = (held[code], leg["counterparty_id"], out["counterparty_id"])
                        relays.append((ends, -log10(chance), leg["account_minor"] or 0))
                    break
    rows = []
    for code, account in enumerate(held):
        mine = [leg for leg in legs if leg["account"] == code]
        known = {
            side: [leg for leg in mine if leg["is_credit"] == side and leg["counterparty_id"] is not None]
            for side in (True, False)
        }
        of_held = {side: [leg for leg in known[side] if leg["counterparty_id"] in held] for side in known}
        chances = (len(known[False]), len(of_held[False]), len(of_held[True]))
        judged = (known[True] and known[False], of_held[False], of_held[True])
        row: dict = {}
        for end, name in enumerate(("relay", "relayed_on", "relayed_to")):
            if not judged[end]:
                continue
            strengths = sorted(
                (
                    strength - log10(max(1, chances[end]))
                    for ends, strength, _ in relays
                    if ends[end] == account
                ),
                reverse=True,
            )
            row[f"{name}_count"] = sum(strength >= 3 for strength in strengths)
            counted = strengths[1:] if name == "relayed_on" else strengths
            row[f"{name}_strength"] = max(0.0, *counted[:1]) if counted else 0.0
        paid_in = sum(leg["account_minor"] or 0 for leg in mine if leg["is_credit"])
        if judged[0] and paid_in:
            passed = sum(
                minor for ends, strength, minor in relays
                if ends[0] == account and strength - log10(max(1, chances[0])) >= 1
            )  # fmt: skip
            row["relayed_minor_share"] = passed / paid_in
        rows.append(row)
    return rows


def peers_of(legs: list[dict], all_legs: list[dict], end) -> dict:
    known = [leg for leg in legs if leg["counterparty_id"] is not None]
    payers = {leg["counterparty_id"] for leg in known if leg["is_credit"]}
    payees = {leg["counterparty_id"] for leg in known if not leg["is_credit"]}
    every = payers | payees
    out: dict = {}
    if payers or not any(leg["is_credit"] for leg in legs):
        out["payer_count"] = len(payers)
    if payees or all(leg["is_credit"] for leg in legs):
        out["beneficiary_count"] = len(payees)
    met = Counter(leg["counterparty_id"] for leg in known)
    for is_credit, people, count, paid, per in (
        (True, payers, "one_off_payer_count", "one_off_paid_in_share", "credit_count_per_payer"),
        (False, payees, "one_off_beneficiary_count", "one_off_paid_out_share", "debit_count_per_beneficiary"),
    ):
        side = [leg for leg in known if leg["is_credit"] == is_credit]
        if people or not any(leg["is_credit"] == is_credit for leg in legs):
            out[count] = sum(met[p] == 1 for p in people)
        if people:
            out[per] = len(side) / len(people)
        total = sum(leg["account_minor"] or 0 for leg in side)
        if total:
            once = sum(leg["account_minor"] or 0 for leg in side if met[leg["counterparty_id"]] == 1)
            out[paid] = once / total
    if not every:
        return out
    degree = {p: len({leg["account"] for leg in all_legs if leg["counterparty_id"] == p}) for p in every}
    out["counterparty_accounts_mean"] = mean(degree.values())
    first = {p: min(leg["booked_at"] for leg in known if leg["counterparty_id"] == p) for p in every}
    recent = {leg["counterparty_id"] for leg in known if leg["booked_at"] > end - 30 * DAY}
    if recent and legs[0]["booked_at"] <= end - 30 * DAY:
        out["new_counterparty_share_30d"] = mean(first[p] > end - 30 * DAY for p in recent)
    rare = [p for p in every if 2 <= degree[p] <= 5]
    return out | {
        "counterparty_count": len(every),
        "payer_balance_ratio": (len(payers) - len(payees)) / (len(payers) + len(payees)),
        "reciprocal_share": len(payers & payees) / len(every),
        "repeat_counterparty_share": mean(
            sum(leg["counterparty_id"] == p for leg in known) > 1 for p in every
        ),
        "rare_shared_counterparty_count": len(rare),
        "rare_shared_counterparty_share": len(rare) / len(every),
        "exclusive_counterparty_share": mean(degree[p] == 1 for p in every),
    }


def rhythm_of(legs: list[dict]) -> dict:
    out: dict = {}
    hours = [leg["local_hour"] for leg in legs if leg["local_hour"] is not None]
    if hours:
        out["night_share"] = mean(hour >= 22 or hour < 6 for hour in hours)
    if len(hours) >= 5:
        parts = [count / len(hours) for count in Counter(hours).values()]
        out["hour_entropy"] = -sum(part * log(part) for part in parts) / log(24)
    dated = [leg for leg in legs if leg["local_hour"] is not None or not leg["has_time"]]
    if dated:
        out["weekend_share"] = mean((leg["local_day"] + 3) % 7 >= 5 for leg in dated)
    for side, name in ((True, "credit"), (False, "debit")):
        moments = [leg["booked_at"] for leg in legs if leg["is_credit"] == side]
        gaps = sorted((b - a) / HOUR for a, b in pairwise(moments))
        if len(gaps) >= 4 and sum(gaps):
            s, m = pstdev(gaps), mean(gaps)
            out[f"{name}_burstiness"] = (s - m) / (s + m)
            out[f"{name}_gap_median_hours"] = gaps[(len(gaps) - 1) // 2]
            low, high = gaps[(len(gaps) - 1) // 4], gaps[3 * (len(gaps) - 1) // 4]
            if low + high:
                out[f"{name}_gap_dispersion"] = (high - low) / (high + low)
    return out


def channels_of(legs: list[dict], end) -> dict:
    out = {f"{name}_share": mean(leg["channel"] == name for leg in legs) for name in CHANNELS}
    out["channel_count"] = len({leg["channel"] for leg in legs})
    for side, name in ((True, "cash_in_share"), (False, "cash_out_share")):
        money = [(leg["account_minor"], leg["channel"]) for leg in legs
                 if leg["is_credit"] == side and leg["account_minor"] is not None]  # fmt: skip
        if money:
            out[name] = sum(m for m, c in money if c in ("cash", "atm")) / sum(m for m, _ in money)
    now = [leg["channel"] for leg in legs if leg["booked_at"] > end - 30 * DAY]
    before = [leg["channel"] for leg in legs if leg["booked_at"] <= end - 30 * DAY]
    if len(now) >= 5 and len(before) >= 5:
        mixes = [{c: part.count(c) / len(part) for c in CHANNELS} for part in (now, before)]
        middle = {c: (mixes[0][c] + mixes[1][c]) / 2 for c in CHANNELS}
        halves = [sum(mix[c] * log2(mix[c] / middle[c]) for c in CHANNELS if mix[c]) for mix in mixes]
        out["channel_distance_30d"] = sqrt(max(sum(halves) / 2, 0))
    return out


def places_of(legs: list[dict]) -> dict:
    # The city of money that others send is theirs.
    own = [leg for leg in legs if not leg["is_credit"] or leg["channel"] in ("cash", "atm", "cheque")]
    cities = [leg["city"] for leg in own if leg.get("city") is not None]
    moves = sum(a != b for a, b in pairwise(cities))
    return {"city_count": len(set(cities)), "city_change_count": moves} if cities else {}


DEFINED = (
    [f"{paid}_{what}" for paid in ("paid_in", "paid_out") for what in (
        "minor", "mean_minor", "median_minor", "p95_minor", "min_minor", "max_minor", "variation",
        "largest_share",
        "round_10_share", "round_100_share", "round_1000_share", "just_below_share", "lattice_amounts",
        "repeated_share", "commonest_share", "amount_entropy")]
    + [f"{side}_{what}" for side in ("credit", "debit") for what in (
        "count", "active_days", "gap_median_hours", "gap_dispersion", "burstiness")]
    + ["passed_on_share_2h", "passed_on_share_24h", "passed_on_share_48h", "passed_on_share_7d",
       "passed_on_largest_minor_24h", "emptied_share_7d", "passed_on_dwell_mean_hours",
       "passed_on_dwell_median_hours", "paid_out_funded_share", "net_flow_ratio", "payer_count",
       "beneficiary_count", "counterparty_count", "new_counterparty_share_30d", "payer_balance_ratio",
       "reciprocal_share", "repeat_counterparty_share", "rare_shared_counterparty_count",
       "rare_shared_counterparty_share", "exclusive_counterparty_share", "night_share", "hour_entropy",
       "one_off_payer_count", "one_off_beneficiary_count", "one_off_paid_in_share",
       "one_off_paid_out_share", "credit_count_per_payer", "debit_count_per_beneficiary",
       "counterparty_accounts_mean", *RELAY_FEATURES,
       "weekend_share", "channel_count", "cash_in_share", "cash_out_share", "channel_distance_30d",
       "city_count", "city_change_count", *(f"{name}_share" for name in CHANNELS)]
)  # fmt: skip


@settings(max_examples=80, deadline=None)
@given(payments=random_payments(max_size=60), threads=st.sampled_from([1, 3]))
def test_features_equal_their_definitions(payments, threads):
    ledger = build_ledger(payments)
    table = build_features(ledger, Settings(threads=threads))
    legs = legs_of(ledger).to_dicts()
    end = max(leg["booked_at"] for leg in legs)
    relays = relays_of(legs, table["account_id"].to_list())
    for code, row in enumerate(table.iter_rows(named=True)):
        mine = [leg for leg in legs if leg["account"] == code]
        expected = {
            **amounts_of(mine, True, "paid_in", "credit"), **amounts_of(mine, False, "paid_out", "debit"),
            **movement_of(mine), **peers_of(mine, legs, end), **rhythm_of(mine), **channels_of(mine, end),
            **places_of(mine), **relays[code],
        }  # fmt: skip
        for name in DEFINED:
            want, found = expected.get(name), row[name]
            assert found == (want if want is None else pytest.approx(want, rel=1e-9, abs=1e-9)), name


def test_each_outgoing_payment_is_funded_once():
    debit = {"amount_minor": 100, "direction": "debit"}
    first, second = {**debit, "booked_at": at(hour=1)}, {**debit, "booked_at": at(hour=1, minute=1)}
    table = features({"amount_minor": 100}, first, second)
    assert table["passed_on_share_2h"].item() == 1.0
    assert table["paid_out_funded_share"].item() == 0.5


@pytest.mark.parametrize(
    ("change", "pairs"),
    [
        ({}, 1),
        ({"amount_minor": 112_00}, 1),
        ({"amount_minor": 112_01}, 0),
        ({"amount_minor": 88_00}, 1),
        ({"amount_minor": 87_99}, 0),
        ({"booked_at": at(2) - timedelta(microseconds=1)}, 1),
        ({"booked_at": at(2)}, 0),
        ({"counterparty_id": "PAYER"}, 0),
        ({"counterparty_id": None}, None),
    ],
)
def test_a_pair_is_within_twelve_percent_and_48_hours_and_to_somebody_else(change, pairs):
    out = {"counterparty_id": "PAYEE", "direction": "debit", "booked_at": at(hour=3), **change}
    assert features({"counterparty_id": "PAYER"}, out)["matched_pair_count"].item() == pairs


def test_a_payment_is_in_one_pair_at_most():
    table = features({"counterparty_id": "P"}, *[{"counterparty_id": "Q", "direction": "debit"}] * 3)
    assert table["matched_pair_count"].item() == 1
    assert table["matched_minor_share"].item() == 1.0


CROWD = [
    {
        "account_id": f"C{index}",
        "counterparty_id": "SHOP",
        "direction": "debit",
        "amount_minor": 1_000 + index,
    }
    for index in range(3_000)
]
RECEIVED = {"account_id": "M", "counterparty_id": "U", "amount_minor": 4_871_36}
SENT = {**RECEIVED, "counterparty_id": "W", "direction": "debit", "booked_at": at(day=1)}


def relay_through_m(*changes: dict, others: list[dict] = CROWD) -> dict:
    table = features(*others, RECEIVED, *({**SENT, **change} for change in changes))
    return table.filter(pl.col("account_id") == "M").row(0, named=True)


@pytest.mark.parametrize(
    ("why", "change", "count"),
    [
        ("the very amount, a day later, to somebody else", {}, 1),
        ("the number is kept while the currency changes", {"currency": "SEK"}, 1),
        ("other decimals make another amount", {"currency": "BTC"}, 0),
        ("another amount", {"amount_minor": 4_871_37}, 0),
        ("at the same instant", {"booked_at": at()}, 1),
        ("just within seven days", {"booked_at": at(7) - timedelta(microseconds=1)}, 1),
        ("seven days later", {"booked_at": at(7)}, 0),
        ("before it came", {"booked_at": at(-1)}, 0),
        ("back to the payer is no relay", {"counterparty_id": "U"}, 0),
        ("to nobody known", {"counterparty_id": None}, None),
    ],
)
def test_a_relay_is_the_very_amount_to_somebody_else_within_seven_days(why, change, count):
    assert relay_through_m(change)["relay_count"] == count, why


def test_an_amount_that_everybody_pays_is_no_relay():
    everybody = [{**row, "amount_minor": 4_871_36} for row in CROWD]
    row = relay_through_m({}, others=everybody)
    assert (row["relay_count"], row["relayed_minor_share"]) == (0, 0.0)
    assert row["relay_strength"] < 0.01


def test_an_amount_that_the_account_pays_every_month_is_no_relay():
    again = [{"booked_at": at(day=1 + 30 * month)} for month in range(12)]
    assert relay_through_m({})["relay_strength"] > 3
    assert relay_through_m(*again)["relay_count"] == 0


def test_who_pays_a_thousand_times_meets_a_relay_by_chance():
    busy = [{"amount_minor": 77 + index, "booked_at": at(day=20)} for index in range(1_000)]
    assert relay_through_m(*busy, {})["relay_count"] == 0


def test_an_origin_is_told_by_its_second_relay_and_a_destination_by_its_first():
    def relay(through: str, amount: int) -> list[dict]:
        come = {"account_id": through, "counterparty_id": "U", "amount_minor": amount}
        return [
            come,
            {**come, "account_id": "U", "counterparty_id": through, "direction": "debit"},
            {**come, "counterparty_id": "W", "direction": "debit"},
            {**come, "account_id": "W", "counterparty_id": through},
        ]

    one = features(*CROWD, *relay("M", 4_871_36))
    two = features(*CROWD, *relay("M", 4_871_36), *relay("N", 5_113_02))
    strength = {
        (name, table.height): table.filter(pl.col("account_id") == account)[name].item()
        for table in (one, two)
        for account, name in (("U", "relayed_on_strength"), ("W", "relayed_to_strength"))
    }
    assert strength["relayed_on_strength", one.height] == 0.0
    assert strength["relayed_on_strength", two.height] > 3
    assert strength["relayed_to_strength", one.height] > 3


def test_a_counterparty_is_met_once_only_if_it_neither_pays_again_nor_is_paid():
    rows = [
        {"counterparty_id": "ONCE", "amount_minor": 100},
        *[{"counterparty_id": "TWICE", "amount_minor": 100}] * 2,
        {"counterparty_id": "BOTH", "amount_minor": 100},
        {"counterparty_id": "BOTH", "amount_minor": 100, "direction": "debit"},
        {"counterparty_id": "PAID", "amount_minor": 300, "direction": "debit"},
    ]
    row = features(*rows).row(0, named=True)
    assert (row["one_off_payer_count"], row["one_off_beneficiary_count"]) == (1, 1)
    assert (row["one_off_paid_in_share"], row["one_off_paid_out_share"]) == (0.25, 0.75)
    assert (row["credit_count_per_payer"], row["debit_count_per_beneficiary"]) == (4 / 3, 1.0)


@pytest.mark.parametrize(
    ("minor", "near"), [(799_99, 0), (800_00, 1), (999_99, 1), (1_000_00, 0), (4_000_00, 1), (4_999_99, 1),
                        (5_000_00, 0), (8_000_00, 1), (9_999_99, 1), (10_000_00, 0), (40_000_00, 1)],
)  # fmt: skip
def test_just_below_a_round_limit_starts_at_four_fifths_of_it(minor, near):
    table = features({"amount_minor": minor, "channel": "cash"})
    assert table["paid_in_just_below_share"].item() == near
    assert table["credit_just_below_count_24h_peak"].item() == near
    assert table["cash_credit_just_below_count_7d_peak"].item() == near


def test_a_round_limit_is_one_of_the_currency_it_was_written_in():
    table = features(*[{"currency": "BTC", "amount_minor": 9_500 * 10**8}] * 2)
    assert table["paid_in_just_below_share"].item() == 1.0


def test_a_long_silence_before_the_busiest_fortnight_is_measured():
    burst = [{"booked_at": at(60, hour)} for hour in range(5)]
    table = features({"booked_at": at()}, {"booked_at": at(1)}, *burst)
    assert table["busiest_14d_count"].item() == 5
    assert table["gap_before_busiest_14d_hours"].item() == 59 * 24
    assert table["longest_gap_hours"].item() == 59 * 24


def test_the_last_thirty_days_are_judged_against_whole_earlier_periods():
    days = [0, 5, 35, 65, 95, 120, *([125] * 7)]
    table = features(*({"booked_at": at(day)} for day in days))
    ends = [(125 - day) // 30 for day in days]
    earlier = [ends.count(period) for period in range(1, max(ends))]
    assert table["recent_count_ratio_30d"].item() == (ends.count(0) + 1) / (median(earlier) + 1)


def test_the_busiest_week_stands_out_against_the_usual_one():
    weekly = [{"booked_at": at(7 * week), "amount_minor": 100_00 + week} for week in range(10)]
    table = features(*weekly, {"booked_at": at(15), "amount_minor": 5_000_00})
    gross = [m["amount_minor"] for m in weekly]
    gross[2] += 5_000_00
    usual = median(gross)
    spread = max(median(abs(g - usual) for g in gross), 0.1 * usual, 0.01 * max(gross))
    assert table["weekly_minor_robust_z_peak"].item() == pytest.approx(
        (max(gross) - usual) / (1.4826 * spread)
    )
    assert table["weekly_minor_robust_z_peak_on"].item().date() == at(14).date()


def test_weeks_are_not_judged_where_there_are_few():
    table = features(*({"booked_at": at(7 * week)} for week in range(3)))
    assert table["weekly_minor_robust_z_peak"].item() is None


def test_a_table_without_places_has_null_places():
    table = features({}, {})
    assert table.select(pl.col("city_count", "country_count", "device_count")).row(0) == (None, None, None)
