"""Velocity: VE-PASS-01 to VE-DEPSEND-11."""

from datetime import date, timedelta

import polars as pl
import pytest

from tests.factory import START, at
from tests.indicators.support import found, judge, ledger, missing, values


def into(day, amount, channel="transfer", **changes):
    return {
        "booked_at": at(day),
        "amount_minor": round(amount * 100),
        "channel": channel,
        "counterparty_id": "P",
        **changes,
    }


def out(day, amount, channel="transfer", **changes):
    return {**into(day, amount, channel), "direction": "debit", "counterparty_id": "Q", **changes}


# VE-PASS-01


def idle(count, amount=100, **changes):
    return [into(0, amount, account_id=f"peer{n:02}", **changes) for n in range(count)]


PASSING = [part for day in (0, 1, 2) for part in (into(day, 2_000), out(day + 0.5, 1_900))]


def test_what_comes_in_and_leaves_three_times_is_found():
    told = values("VE-PASS-01", ledger(*PASSING, *idle(29)))
    # the second outflow takes 100 that are 36 hours old and 1 800 that are 12 hours old
    assert told.pop("dwell_hours") == pytest.approx((100 * 36 + 1_800 * 12) / 1_900)
    assert told == {"cycle_count": 3, "in": 6_000, "out": 5_700, "ratio": 0.95}


@pytest.mark.parametrize(
    ("why", "rows"),
    [
        ("two inflows", [*PASSING[:4], *idle(40)]),
        (
            "less than 0.9 leaves",
            [into(day, 2_000) for day in range(3)] + [out(day + 0.5, 1_790) for day in range(3)] + idle(40),
        ),
        ("below a thousand", [{**part, "amount_minor": 300_00} for part in PASSING] + idle(40)),
        (
            "it stays for days",
            [into(day / 10, 2_000) for day in range(3)]
            + [out(4 + day / 10, 2_000) for day in range(3)]
            + idle(40),
        ),
        ("peers receive more", [*PASSING, *idle(40, 9_000)]),
        (
            "outflows come first",
            [out(day, 2_000) for day in range(3)] + [into(3 + day, 2_000) for day in range(3)] + idle(40),
        ),
    ],
)
def test_pass_through_is_not_found_when(why, rows):
    assert "A" not in found("VE-PASS-01", ledger(*rows))


def test_without_thirty_peers_pass_through_cannot_be_judged():
    assert missing("VE-PASS-01", ledger(*PASSING, *idle(28))) == [("A", "peer group of 30 accounts")]


def test_moving_money_between_own_accounts_passes_nothing_on():
    accounts = pl.DataFrame({"account_id": ["A", "Q"], "holder_id": ["h", "h"]})
    rows = [*PASSING, into(0, 1, account_id="Q"), *idle(40)]
    assert found("VE-PASS-01", ledger(*rows, accounts=accounts)) == []
    assert found("VE-PASS-01", ledger(*rows)) == ["A"]


# VE-LAT-02

CASHED = [part for day in range(4) for part in (into(day, 200), out(day + 1 / 24, 150, "atm"))]


def test_inflows_drawn_in_cash_within_hours_are_found():
    assert values("VE-LAT-02", ledger(*CASHED)) == {"cashed_count": 4, "cashed_share": 0.75, "cashed": 600}


@pytest.mark.parametrize(
    ("why", "rows"),
    [
        ("three inflows", CASHED[:6]),
        (
            "less than 0.7",
            [{**part, "amount_minor": 139_99} if "direction" in part else part for part in CASHED],
        ),
        (
            "later than two hours",
            [
                {**p, "booked_at": p["booked_at"] + timedelta(hours=1.01)} if "direction" in p else p
                for p in CASHED
            ],
        ),
        ("spent by card", [{**p, "channel": "card"} if "direction" in p else p for p in CASHED]),
        ("other money stays", [*CASHED, into(3.02, 1_000)]),
        (
            "they lie more than a month apart",
            [{**p, "booked_at": START + (p["booked_at"] - START) * 10.5} for p in CASHED],
        ),
    ],
)
def test_fast_cash_out_is_not_found_when(why, rows):
    end = max(part["booked_at"] for part in rows)
    findings = judge("VE-LAT-02", ledger(*rows)).findings
    assert findings.filter(pl.col("window_end") == end).is_empty()
    assert why.startswith("other money") or findings.is_empty()


def test_exactly_two_hours_is_within_two_hours():
    rows = [
        {**p, "booked_at": p["booked_at"] + timedelta(hours=1)} if "direction" in p else p for p in CASHED
    ]
    assert found("VE-LAT-02", ledger(*rows)) == ["A"]


def test_dates_without_times_cannot_show_hours():
    dated = [{**part, "has_time": False} for part in CASHED]
    assert missing("VE-LAT-02", ledger(*dated)) == [(None, "time")]
    assert missing("VE-LAT-02", ledger(*dated, into(0, 1, account_id="B"))) == [("A", "time")]


# VE-SPIKE-03


def test_five_rows_in_an_hour_are_found_and_four_are_not():
    rows = [into(n * 14 / 1440, 10) for n in range(5)]
    assert values("VE-SPIKE-03", ledger(*rows)) == {"row_count": 5, "window_hours": 1}
    assert found("VE-SPIKE-03", ledger(*rows[:4])) == []


def test_the_fifth_row_exactly_an_hour_later_is_outside():
    assert found("VE-SPIKE-03", ledger(*[into(n * 15 / 1440, 10) for n in range(5)])) == []


def test_rows_without_time_of_day_show_no_hour_but_a_day():
    dated = [into(0, 10 + n, has_time=False) for n in range(10)]
    assert found("VE-SPIKE-03", ledger(*dated[:9])) == []
    assert values("VE-SPIKE-03", ledger(*dated)) == {"row_count": 10, "window_hours": 24}


def test_ten_rows_a_day_are_usual_for_who_often_has_more():
    often = [into(-20 + day + n * 0.07, 10) for day in range(10) for n in range(12)]
    assert values("VE-SPIKE-03", ledger(*[into(n * 0.07, 10) for n in range(10)]))["row_count"] == 10
    findings = judge("VE-SPIKE-03", ledger(*often, *[into(n * 0.07, 10) for n in range(10)])).findings
    assert findings.filter(pl.col("window_end") >= at(0)).is_empty()


# VE-AMT-04

WEEKS = [into(7 * week - 3, 100 + week) for week in range(-9, 0)]


def test_a_week_far_above_the_own_past_is_found():
    told = values("VE-AMT-04", ledger(*WEEKS, into(9, 400)))
    assert told["sum"] == 400
    assert told["week_count"] >= 8


@pytest.mark.parametrize(
    ("why", "rows"),
    [
        ("seven weeks of history", [*WEEKS[2:], into(9, 400)]),
        ("less than three times", [*WEEKS, into(9, 280)]),
        (
            "weeks always vary so",
            [into(7 * week - 3, 30 if week % 2 else 300) for week in range(-16, 0)] + [into(9, 600)],
        ),
    ],
)
def test_a_jump_is_not_found_when(why, rows):
    assert found("VE-AMT-04", ledger(*rows)) == []


# VE-DORM-05


def woken(gap, rows=5, amount=1_000, spread=1.0):
    start = at(gap)
    return [
        into(0, 200),
        into(-30, 200),
        *[into(0, amount, booked_at=start + timedelta(days=n * spread)) for n in range(rows)],
    ]


def test_a_sleeper_that_moves_much_is_found():
    assert values("VE-DORM-05", ledger(*woken(180)))["sum"] == 5_000


@pytest.mark.parametrize(
    ("why", "rows"),
    [
        ("179 days are no sleep", woken(179.9)),
        ("four rows are few", woken(180, rows=4)),
        ("less than five times the usual week", woken(180, amount=199.99)),
        ("more than two weeks", woken(180, spread=3.5)),
        ("it never slept", woken(30)),
    ],
)
def test_dormancy_is_not_found_when(why, rows):
    assert found("VE-DORM-05", ledger(*rows)) == []


def test_fees_and_interest_do_not_end_the_sleep():
    rows = [*woken(180), out(90, 5, "fee"), into(100, 1, "other", counterparty_id=None)]
    assert found("VE-DORM-05", ledger(*rows)) == ["A"]
    assert found("VE-DORM-05", ledger(*rows, out(100, 5, "card"))) == []


# VE-NEW-06


def opened(rows, first, others=date(2025, 12, 25)):
    names = sorted({part.get("account_id", "A") for part in rows})
    return pl.DataFrame(
        {"account_id": names, "opened_on": [first if name == "A" else others for name in names]}
    )


def new_rows(peers=29):
    """New accounts that receive 100 each; the passing one receives most of all."""
    return [into(-60, 1, account_id="old"), *PASSING, *idle(peers)]


def test_a_new_account_that_passes_much_on_is_found():
    rows = new_rows(30)
    accounts = opened(rows, date(2026, 2, 1), date(2026, 2, 1))
    assert found("VE-NEW-06", ledger(*rows, accounts=accounts)) == ["A"]


def test_an_account_of_61_days_is_not_new():
    rows = new_rows(30)
    accounts = opened(rows, date(2025, 12, 31), date(2025, 12, 31))
    assert found("VE-NEW-06", ledger(*rows, accounts=accounts)) == []


def test_who_receives_like_other_new_accounts_is_not_found():
    rows = [*new_rows(30), *[into(1, 7_000, account_id=f"peer{n:02}") for n in range(10)]]
    accounts = opened(rows, date(2026, 2, 1), date(2026, 2, 1))
    assert found("VE-NEW-06", ledger(*rows, accounts=accounts)) == []


def test_who_passes_nothing_on_is_not_found():
    rows = [part for part in new_rows(30) if "direction" not in part]
    accounts = opened(rows, date(2026, 2, 1), date(2026, 2, 1))
    assert found("VE-NEW-06", ledger(*rows, accounts=accounts)) == []


def test_without_opening_dates_new_accounts_are_not_evaluable():
    assert missing("VE-NEW-06", ledger(*new_rows())) == [(None, "opened_on")]


# VE-FUNNEL-07


def funnel(cities="XYZW", drawn_in="V", delay=1.0, amount=500, drawn=450):
    rows = []
    for n, city in enumerate(cities):
        rows.append(into(2 * n, amount, "cash", city=city))
        rows.append(out(2 * n + delay, drawn, "atm", city=drawn_in))
    return rows


HOME = [out(-day, 10, "card", city="X") for day in range(1, 11)]


def test_cash_of_many_cities_drawn_in_another_is_found():
    told = values("VE-FUNNEL-07", ledger(*funnel(), *HOME))
    assert (told["city_count"], told["drawn_share"]) == (3, 0.9)


def test_where_home_is_unknown_one_city_more_is_asked_for():
    assert found("VE-FUNNEL-07", ledger(*funnel("XYZW"))) == ["A"]
    assert found("VE-FUNNEL-07", ledger(*funnel("XYZ"))) == []


@pytest.mark.parametrize(
    ("why", "rows"),
    [
        ("home does not count", [*funnel("XYZ"), *HOME]),
        ("it is drawn where it came in", [part for city in "XYZW" for part in funnel(city, city)]),
        ("it is drawn three days later", funnel(delay=2.01, cities="XYZW")[:2] + funnel(delay=2.01)[2:]),
        ("less than 0.7 is drawn", funnel(drawn=349)),
        ("the deposits are reported", funnel(amount=10_001, drawn=10_001)),
        (
            "nobody knows the city",
            [{**part, "city": None} for part in funnel()] + [out(0, 1, "card", city="X")],
        ),
    ],
)
def test_a_funnel_is_not_found_when(why, rows):
    if why.startswith("it is drawn where"):
        rows = [{**part, "booked_at": at(2 * (n // 2) + n % 2)} for n, part in enumerate(rows)]
    if why.startswith("it is drawn three"):
        rows = [
            part
            for n, city in enumerate("XYZW")
            for part in (into(4 * n, 500, "cash", city=city), out(4 * n + 2.01, 450, "atm", city="V"))
        ]
    assert found("VE-FUNNEL-07", ledger(*rows)) == []


def test_without_cities_a_funnel_is_not_evaluable():
    assert missing("VE-FUNNEL-07", ledger(into(0, 1))) == [(None, "city")]


# VE-MIRROR-08

MIRRORED = [
    part for day in (0, 5, 10, 15) for part in (into(day, 1_000 + day), out(day + 1, (1_000 + day) * 0.88))
]


def test_outflows_that_mirror_inflows_are_found():
    assert values("VE-MIRROR-08", ledger(*MIRRORED))["pair_count"] == 4


@pytest.mark.parametrize(
    ("why", "rows"),
    [
        ("three pairs", MIRRORED[:6]),
        ("more than 12 % stays", [*MIRRORED[:7], out(16, 1_015 * 0.88 - 0.01)]),
        ("more leaves than came", [*MIRRORED[:7], out(16, 1_015.01)]),
        ("more than a day later", [*MIRRORED[:7], out(16.001, 1_015)]),
        ("it goes back to the payer", [*MIRRORED[:7], out(16, 1_015, counterparty_id="P")]),
        ("the payee is unknown", [*MIRRORED[:7], out(16, 1_015, counterparty_id=None)]),
        ("one inflow serves one outflow", [*MIRRORED[:6], out(10.9, 1_010), out(10.95, 1_010)]),
        (
            "more than a month apart",
            [part for day in (0, 5, 10, 30) for part in (into(day, 1_000), out(day + 1, 1_000))],
        ),
    ],
)
def test_mirror_amounts_are_not_found_when(why, rows):
    assert found("VE-MIRROR-08", ledger(*rows)) == []


# VE-BURST-09


def bursts(per_burst=8, count=4, hour=11, **changes):
    # START is noon UTC: 11 hours later it is 23:00
    return [
        into(3 * n, 10, booked_at=at(3 * n, hour, 2 * m), local_zone="Etc/UTC", **changes)
        for n in range(count)
        for m in range(per_burst)
    ]


def test_bursts_at_night_are_found():
    told = values("VE-BURST-09", ledger(*bursts()))
    assert told["row_count"] == 32
    assert told["night_share"] == 1.0


@pytest.mark.parametrize(
    ("why", "rows"),
    [
        ("29 rows are few", bursts()[:29]),
        ("by day", bursts(hour=1)),
        (
            "one row an hour",
            [into(0, 10, booked_at=at(n // 4, 10 + n % 4), local_zone="Etc/UTC") for n in range(40)],
        ),
        ("before 22:00", bursts(hour=9)),
    ],
)
def test_bursts_are_not_found_when(why, rows):
    assert found("VE-BURST-09", ledger(*rows)) == []


def test_without_a_place_the_local_hour_is_not_evaluable():
    assert missing("VE-BURST-09", ledger(into(0, 1))) == [(None, "local_hour")]


# VE-MIX-10


def mix(before, after, counts=(20, 20)):
    old = [out(-150 + 5 * n, 10, before) for n in range(counts[0])]
    return old + [out(n + 1, 10, after) for n in range(counts[1])]


def test_a_new_way_of_paying_is_found():
    assert values("VE-MIX-10", ledger(*mix("card", "p2p")))["distance"] == 1.0


@pytest.mark.parametrize(
    ("why", "rows"),
    [
        ("nineteen rows before", mix("card", "p2p", (19, 20))),
        ("nineteen rows after", mix("card", "p2p", (20, 19))),
        ("nothing changed", mix("card", "card")),
        ("half of it stayed", mix("card", "card") + [out(n + 1.5, 10, "p2p") for n in range(0, 20, 2)]),
    ],
)
def test_a_break_in_the_mix_is_not_found_when(why, rows):
    assert found("VE-MIX-10", ledger(*rows)) == []


# VE-DEPSEND-11

SENT = [part for day in (0, 5, 10) for part in (into(day, 500, "cash"), out(day + 1, 400))]


def test_cash_deposits_sent_on_within_a_day_are_found():
    assert values("VE-DEPSEND-11", ledger(*SENT)) == {"sent_count": 3, "sent": 1_200}


@pytest.mark.parametrize(
    ("why", "rows"),
    [
        ("two deposits", SENT[:4]),
        ("less than 0.8 is sent", [*SENT[:5], out(11, 399.99)]),
        ("more than a day later", [*SENT[:5], out(11.001, 400)]),
        ("spent by card", [*SENT[:5], out(11, 400, "card")]),
        ("the money was there before", [*SENT[:4], into(9.9, 400), *SENT[4:]]),
        ("no cash came in", [{**part, "channel": "transfer"} for part in SENT]),
        (
            "more than a month apart",
            [part for day in (0, 5, 31) for part in (into(day, 500, "cash"), out(day + 1, 400))],
        ),
    ],
)
def test_deposit_and_send_is_not_found_when(why, rows):
    if why.startswith("the money"):
        rows = [{**part, "booked_at": at(10.85)} if part is SENT[5] else part for part in rows]
    assert found("VE-DEPSEND-11", ledger(*rows)) == []


# Bounds of VE-AMT-04, from both sides. Nine weeks of 100 to 108: median 104, spread 1.4826 x 2.

STEADY = [into(7 * week - 3, 100) for week in range(-9, 0)]


@pytest.mark.parametrize(
    ("bound", "rows", "parameters", "is_found"),
    [
        ("min_ratio reached", [*STEADY, into(9, 300)], {}, True),
        ("min_ratio missed", [*STEADY, into(9, 299.99)], {}, False),
        ("past_peak_ratio reached", [*STEADY, into(-30, 100), into(9, 300)], {}, True),
        ("past_peak_ratio missed", [*STEADY, into(-30, 100), into(9, 300)], {"past_peak_ratio": 1.51}, False),
        ("min_z reached", [*STEADY, into(9, 304)], {"min_z": 204}, True),
        ("min_z missed", [*STEADY, into(9, 303)], {"min_z": 204}, False),
        ("min_weeks reached", [*STEADY[1:], into(9, 300)], {}, True),
        ("min_weeks missed", [*STEADY[2:], into(9, 300)], {}, False),
        ("past_days reached", [*STEADY, into(150, 300)], {}, True),
        ("past_days over", [*STEADY, into(190, 300)], {}, False),
    ],
)
def test_a_jump_at_its_bounds(bound, rows, parameters, is_found):
    assert (found("VE-AMT-04", ledger(*rows), **parameters) == ["A"]) is is_found, bound


def test_pay_that_comes_every_month_is_no_jump():
    living = [out(7 * week, 50) for week in range(24)]
    pay = [into(28 * month + 3, 2_000) for month in range(6)]
    after_the_first = judge("VE-AMT-04", ledger(*living, *pay)).findings.filter(pl.col("window_end") > at(40))
    assert after_the_first.is_empty()
    assert found("VE-AMT-04", ledger(*living, *pay, into(165, 3_200))) == ["A"]


@pytest.mark.parametrize(("new_peers", "is_judged"), [(28, False), (29, True)])
def test_without_thirty_new_accounts_a_new_account_cannot_be_judged(new_peers, is_judged):
    # Ten more are of the same age band, so that VE-PASS-01 has peers enough, but were opened too early.
    older = [into(0, 100, account_id=f"older{n}") for n in range(10)]
    rows = [*PASSING, *idle(new_peers), *older]
    names = sorted({part.get("account_id", "A") for part in rows})
    first = [date(2025, 12, 15) if name.startswith("older") else date(2026, 2, 1) for name in names]
    data = ledger(*rows, accounts=pl.DataFrame({"account_id": names, "opened_on": first}))
    assert found("VE-NEW-06", data) == (["A"] if is_judged else [])
    assert missing("VE-NEW-06", data) == ([] if is_judged else [("A", "30 new accounts as peers")])
