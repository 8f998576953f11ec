"""Flats with adverts and context: HT-RES-03, CX-HOT-01, CX-CORR-02."""

import polars as pl
import pytest

from finpat.movement.hotspots import HISTORY
from tests.factory import at
from tests.indicators.support import found, judge, ledger, missing, values
from tests.indicators.test_advert_feed import advert, world

HOLDER = pl.DataFrame({"account_id": ["A"], "holder_id": ["p"], "holder_type": ["person"]})


def booked(day, amount, direction="debit", **changes):
    return {"booked_at": at(day), "amount_minor": amount * 100, "direction": direction,
            "balance_after_minor": 5_00, **changes}  # fmt: skip


def rent(day, landlord, city="Boston", **changes):
    return booked(day, 500, counterparty_id=landlord, description="Rent", city=city, country="US", **changes)


# HT-RES-03; the first of a test is the second of March.

IDLE = [
    part
    for n in range(8)
    for part in (
        booked(2 * n, 100, "credit", balance_after_minor=105_00),
        booked(2 * n + 0.1, 100, channel="atm", counterparty_id="CASH"),
    )
]
FLATS = [rent(month + n / 10, f"L{n}") for month in (1.2, 35) for n in range(3)]
BOSTON = [advert(5 + n, city="Boston") for n in range(3)]
ELSEWHERE = [advert(5.5 + n / 10, city="Chicago") for n in range(3)]


def flats(*adverts, rows=(*IDLE, *FLATS), parameters=None, holders=HOLDER):
    data, feed = world(*adverts, rows=rows, accounts=holders)
    return found("HT-RES-03", data, adverts=feed, **(parameters or {}))


def test_flats_where_half_the_adverts_are_and_an_idle_account_are_found():
    assert flats(*BOSTON, *ELSEWHERE) == ["A"]
    data, feed = world(*BOSTON, rows=[*IDLE, *FLATS], accounts=HOLDER)
    assert values("HT-RES-03", data, adverts=feed) == {"flat_share": 1.0, "ad_count": 3}


@pytest.mark.parametrize(
    ("why", "adverts", "rows"),
    [
        ("more than half the adverts are elsewhere", [*ELSEWHERE, *BOSTON[2:]], [*IDLE, *FLATS]),
        ("two adverts are few", BOSTON[:2], [*IDLE, *FLATS]),
        ("they are spread over two months", [advert(5 + 30 * n, city="Boston") for n in range(3)],
         [*IDLE, *FLATS]),
        ("two landlords are few", BOSTON, [*IDLE, *[row for row in FLATS if row["counterparty_id"] != "L2"]]),
        ("food is bought", BOSTON, [*IDLE, *FLATS, booked(3, 5, merchant_category="5411", channel="card")]),
        ("the account keeps its money", BOSTON,
         [{**row, "balance_after_minor": 900_00} for row in IDLE] + FLATS),
        ("the flats are elsewhere", BOSTON, [*IDLE, *[{**row, "city": "Miami"} for row in FLATS]]),
    ],
)  # fmt: skip
def test_flats_with_adverts_are_not_found_when(why, adverts, rows):
    assert flats(*adverts, rows=rows) == [], why


def test_rents_without_a_city_cannot_be_compared_with_adverts():
    rows = [*IDLE, *[{**row, "city": None} for row in FLATS], rent(90, "L9", account_id="B")]
    data, feed = world(*BOSTON, rows=rows, accounts=HOLDER)
    assert missing("HT-RES-03", data, adverts=feed) == [("A", "city")]


def test_another_persons_flats_or_adverts_do_not_count():
    both = pl.concat([HOLDER, HOLDER.with_columns(account_id=pl.lit("B"), holder_id=pl.lit("q"))])
    assert flats(*[advert(5 + n, "B", city="Boston") for n in range(3)], holders=both) == []


# CX-HOT-01


def weeks(last, city="Essen", usual=12, before=HISTORY):
    """So many persons a week who pay for a room and draw cash at night; in the last week `last` of them."""
    rows = []
    for week in range(before + 1):
        for person in range(last if week == before else usual):
            who = {
                "account_id": f"P{person:03}",
                "city": city,
                "country": "DE",
                "local_zone": "Europe/Berlin",
            }
            room = {"channel": "card", "merchant_category": "7011", "counterparty_id": "H"}
            rows.append({"booked_at": at(7 * week + 1), "direction": "debit", **room, **who})
            night = {"channel": "atm", "counterparty_id": "CASH"}
            rows.append({"booked_at": at(7 * week + 2, 11), "direction": "debit", **night, **who})
    edge = {"account_id": "E", "direction": "debit"}
    return ledger({"booked_at": at(0), **edge}, *rows, {"booked_at": at(7 * before + 6.4), **edge})


def high(data, **parameters):
    findings = judge("CX-HOT-01", data, **parameters).findings.filter(pl.col("state") == "found")
    return findings.select("account_id", "fact").rows()


def test_a_week_in_which_two_series_are_three_spreads_high_is_told_of_the_city():
    # Median 12, no deviation: the spread is the square root of 12, so that 23 is 3.2 spreads above.
    ((account, fact),) = high(weeks(23))
    assert account is None
    assert fact.startswith("Essen, DE: 2 of")


def test_the_bound_itself_is_high_and_a_person_less_is_not():
    assert len(high(weeks(23), min_z=(23 - 12) / 12**0.5)) == 1
    assert high(weeks(22)) == []


def test_one_series_of_two_or_too_short_a_past_is_no_high_week():
    assert high(weeks(40), min_series=3) == []
    assert high(weeks(40, before=HISTORY - 1)) == []


def test_numbers_about_few_persons_are_not_judged():
    assert high(weeks(30, usual=9)) == []


def test_without_cities_there_is_no_week_of_a_city():
    assert missing("CX-HOT-01", ledger({"direction": "debit"})) == [(None, "city")]


# CX-CORR-02

CHAIN = ("Toronto > Kingston > Montreal > Quebec",)


def room(day, city, **changes):
    return {"booked_at": at(day), "direction": "debit", "channel": "card", "merchant_category": "7011",
            "counterparty_id": f"H{city}", "city": city, "country": "CA", **changes}  # fmt: skip


def along(*rows, corridors=CHAIN, **parameters):
    return found("CX-CORR-02", ledger(*rows), enabled=True, corridors=corridors, **parameters)


@pytest.mark.parametrize("way", [1, -1])
def test_three_cities_of_a_chain_in_order_either_way_are_found(way):
    cities = ["Toronto", "Kingston", "Quebec"][::way]
    assert along(*[room(5 * n, city) for n, city in enumerate(cities)]) == ["A"]
    data = ledger(*[room(5 * n, city) for n, city in enumerate([*cities, cities[0]])])
    assert values("CX-CORR-02", data, enabled=True, corridors=CHAIN) == {"city_count": 3}


@pytest.mark.parametrize(
    ("why", "visits"),
    [
        ("two cities are few", [(0, "Toronto"), (5, "Kingston"), (6, "Kingston")]),
        ("the order is another", [(0, "Kingston"), (5, "Toronto"), (10, "Quebec"), (12, "Montreal")][0:3]),
        ("three weeks have passed", [(0, "Toronto"), (5, "Kingston"), (21, "Quebec")]),
        ("one is in no chain", [(0, "Toronto"), (5, "Ottawa"), (10, "Quebec")]),
    ],
)
def test_a_passage_is_not_found_when(why, visits):
    assert along(*[room(day, city) for day, city in visits]) == [], why


def test_within_three_weeks_less_a_moment_it_is_found():
    assert along(room(0, "Toronto"), room(5, "Kingston"), room(20.99, "Quebec")) == ["A"]


def test_adverts_count_like_rooms():
    ads = [advert(5 * n, city=city, country="CA") for n, city in enumerate(["Toronto", "Kingston"])]
    data, feed = world(*ads, rows=[room(12, "Montreal")])
    assert found("CX-CORR-02", data, adverts=feed, enabled=True, corridors=CHAIN) == ["A"]


def test_no_corridor_is_shipped():
    rows = [room(5 * n, city) for n, city in enumerate(["Toronto", "Kingston", "Quebec"])]
    assert along(*rows, corridors=()) == []
