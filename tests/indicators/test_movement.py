"""Accommodation and movement: HT-MOV-01 and HT-MOV-03 to HT-MOV-12."""

import polars as pl
import pytest

from tests.factory import at
from tests.indicators.support import found, judge, ledger, missing, values

HOTEL, TAXI, AIRLINE, PARKING, SHOP = "7011", "4121", "4511", "7523", "5411"


def spent(day, category, amount=80, city="Berlin", hour=0, **changes):
    return {
        "booked_at": at(day, hour),
        "amount_minor": round(amount * 100),
        "direction": "debit",
        "channel": "card",
        "merchant_category": category,
        "city": city,
        "country": "DE",
        "counterparty_id": None,
        "counterparty_name": f"{category} {city}",
        **changes,
    }


def room(day, city="Berlin", amount=80.50, **changes):
    return spent(day, HOTEL, amount, city, **changes)


def refund(day, city="Berlin", amount=80.50, **changes):
    return room(day, city, amount, direction="credit", **changes)


def cash(day, city="Berlin", amount=300, **changes):
    return {
        "booked_at": at(day),
        "amount_minor": amount * 100,
        "channel": "cash",
        "counterparty_id": "CASH",
        "city": city,
        "country": "DE",
        **changes,
    }


def without(rows, **changes):
    return [{**row, **changes} for row in rows]


def changed(rows, among, **changes):
    """`rows`, those of a channel changed."""
    return [{**row, **changes} if row["channel"] == among else row for row in rows]


def moved(rows, here, there):
    """`rows`, those of one city in another."""
    return [{**row, "city": there} if row.get("city") == here else row for row in rows]


def held_by(*pairs):
    return pl.DataFrame(
        {"account_id": [account for account, _ in pairs], "holder_id": [holder for _, holder in pairs]}
    )


# HT-MOV-01

AT_HOME = [spent(-30 + day, SHOP, 20, "Jena") for day in range(10)]
TOUR = [room(0, "Berlin"), room(3, "Hamburg"), room(6, "Ulm")]


def test_short_stays_in_three_cities_away_from_home_are_found():
    assert values("HT-MOV-01", ledger(*AT_HOME, *TOUR)) == {"city_count": 3, "stay_count": 3}


@pytest.mark.parametrize(
    ("why", "rows"),
    [
        ("two cities", [*AT_HOME, *TOUR[:2], room(6, "Hamburg")]),
        ("one of the cities is home", [*AT_HOME, *TOUR[:2], room(6, "Jena")]),
        ("home may be one of three where it is unknown", TOUR),
        ("nine purchases do not make a home", [*AT_HOME[1:], *TOUR]),
        ("the last comes two weeks later", [*AT_HOME, *TOUR[:2], room(14, "Ulm")]),
        (
            "five nights are no short stay",
            [*AT_HOME, *TOUR, room(7.5, "Ulm"), room(9, "Ulm"), room(10, "Ulm")],
        ),
        ("it was given back", [*AT_HOME, *TOUR, refund(8, "Ulm")]),
        ("it was reversed", [*AT_HOME, *TOUR[:2], room(6, "Ulm", status="reversed")]),
        ("shops are no lodging", [*AT_HOME, *[{**row, "merchant_category": SHOP} for row in TOUR]]),
        (
            "a booking site tells no city",
            [*AT_HOME, *TOUR[:2], room(6, "Ulm", counterparty_name="BOOKING.COM")],
        ),
        (
            "somebody else stayed there",
            [*AT_HOME, *TOUR[:2], room(6, "Ulm", account_id="B")],
        ),
        (
            "an employer pays wages and travel expenses",
            [
                *AT_HOME,
                *TOUR,
                *[{"booked_at": at(-1 - 30 * n), "description": "Salary"} for n in range(2)],
                {"booked_at": at(-2), "description": "Travel expenses"},
            ],
        ),
    ],
)
def test_no_chain_of_short_stays_when(why, rows):
    assert found("HT-MOV-01", ledger(*rows)) == []


def test_short_stays_bounds():
    assert found("HT-MOV-01", ledger(*AT_HOME, *TOUR[:2], room(13.99, "Ulm"))) == ["A"]
    assert found("HT-MOV-01", ledger(*TOUR, room(9, "Bonn"))) == ["A"]  # home unknown: a fourth city
    four_nights = [room(6 + day, "Ulm") for day in (1.5, 3)]
    assert found("HT-MOV-01", ledger(*AT_HOME, *TOUR, *four_nights)) == ["A"]
    no_expenses = [{"booked_at": at(-1 - 30 * n), "description": "Salary"} for n in range(2)]
    assert found("HT-MOV-01", ledger(*AT_HOME, *TOUR, *no_expenses)) == ["A"]


def test_one_name_of_a_city_however_written_is_one_city():
    assert found("HT-MOV-01", ledger(*AT_HOME, *TOUR[:2], room(6, "HAMBURG"), room(6.5, "berlin"))) == []


def test_the_stays_of_one_person_count_together_over_accounts_and_currencies():
    rows = [*AT_HOME, *TOUR[:2], room(6, "Ulm", account_id="A2", currency="EUR")]
    assert found("HT-MOV-01", ledger(*rows, accounts=held_by(("A", "p"), ("A2", "p")))) == ["A", "A2"]
    assert found("HT-MOV-01", ledger(*rows, accounts=held_by(("A", "p"), ("A2", "q")))) == []


def test_lodging_without_a_city_and_data_without_merchants_are_named():
    nowhere = without(TOUR, city=None)
    assert missing("HT-MOV-01", ledger(*AT_HOME, *nowhere)) == [("A", "city")]
    assert missing("HT-MOV-01", ledger(cash(0))) == [(None, "merchant")]


# HT-MOV-03

BANKED = [*TOUR[:2], cash(0.5, "Berlin"), cash(3.5, "Hamburg")]


def test_cash_paid_in_where_the_stays_are_is_found():
    assert values("HT-MOV-03", ledger(*BANKED)) == {
        "city_count": 2,
        "deposit_count": 2,
        "withdrawal_count": 0,
    }


@pytest.mark.parametrize(
    ("why", "rows"),
    [
        ("one city only", [*BANKED[:3], cash(3.5, "Berlin")]),
        ("more than a day after the last charge", [*BANKED[:3], cash(4.01, "Hamburg")]),
        ("more than six hours before the first", [*BANKED[:3], cash(2.74, "Hamburg")]),
        (
            "two withdrawals",
            [*BANKED[:3], *[cash(3 + n / 9, "Hamburg", direction="debit") for n in range(2)]],
        ),
        ("a month apart", [*BANKED[:1], BANKED[2], room(31, "Hamburg"), cash(31, "Hamburg")]),
        ("a transfer is no cash", [*BANKED[:3], cash(3.5, "Hamburg", channel="transfer")]),
    ],
)
def test_no_cash_where_the_stays_are_when(why, rows):
    assert found("HT-MOV-03", ledger(*rows)) == []


def test_cash_at_stays_bounds():
    assert found("HT-MOV-03", ledger(*BANKED[:3], cash(4, "Hamburg"))) == ["A"]
    assert found("HT-MOV-03", ledger(*BANKED[:3], cash(2.75, "Hamburg"))) == ["A"]
    drawn = [cash(3 + n / 9, "Hamburg", direction="debit") for n in range(3)]
    assert found("HT-MOV-03", ledger(*BANKED[:3], *drawn)) == ["A"]


def test_the_evidence_is_the_lodging_and_the_cash_of_the_stays():
    other = cash(1, "Bonn")
    findings = judge("HT-MOV-03", ledger(*BANKED, other))
    assert findings.evidence["row"].to_list() == [0, 1, 2, 3]


def test_stays_known_by_date_only_cannot_be_held_against_hours():
    dated = [{**row, "has_time": False} for row in BANKED[:2]]
    assert missing("HT-MOV-03", ledger(*dated, *BANKED[2:])) == [("A", "time")]


# HT-MOV-04

TWICE = [room(day, hour=hour) for day in (0, 5) for hour in (0, 1)]


def test_two_rooms_on_one_date_twice_are_found():
    assert values("HT-MOV-04", ledger(*TWICE)) == {"event_count": 2, "charge_count": 4}


@pytest.mark.parametrize(
    ("why", "rows"),
    [
        ("once", [*TWICE[:3]]),
        ("another house", [*TWICE[:3], room(5, hour=1, counterparty_name="other")]),
        ("another date", [*TWICE[:3], room(6)]),
        ("one was given back", [*TWICE, refund(6)]),
        ("one failed", [*TWICE[:3], room(5, hour=1, status="failed")]),
        ("a month later", [*TWICE[:2], room(30.1), room(30.1)]),
        ("a booking site sells rooms of many houses", without(TWICE, counterparty_name="Airbnb")),
    ],
)
def test_not_two_rooms_when(why, rows):
    assert found("HT-MOV-04", ledger(*rows)) == []


def test_two_rooms_a_month_apart_bound():
    assert found("HT-MOV-04", ledger(*TWICE[:2], room(29.9), room(29.9))) == ["A"]


def test_without_the_house_two_rooms_cannot_be_told():
    assert missing("HT-MOV-04", ledger(*without(TWICE, counterparty_name=None))) == [
        ("A", "counterparty_name")
    ]


# HT-MOV-05

GIVEN_BACK = [room(0), refund(2), room(20, "Ulm", 99), refund(30, "Ulm", 99)]


def test_lodging_charged_and_given_back_twice_is_found():
    findings = judge("HT-MOV-05", ledger(*GIVEN_BACK))
    assert findings.findings["fact"].to_list() == [
        "2 lodging charges within 60 days were given back in full within 10 days"
    ]
    assert findings.evidence["row"].to_list() == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("why", "rows"),
    [
        ("once", GIVEN_BACK[:3]),
        ("another house gave back", [*GIVEN_BACK[:3], refund(21, "Bonn", 99)]),
        ("after more than ten days", [*GIVEN_BACK[:3], refund(30.001, "Ulm", 99)]),
        ("less than 99 %", [*GIVEN_BACK[:3], refund(21, "Ulm", 98.00)]),
        ("more than 101 %", [*GIVEN_BACK[:3], refund(21, "Ulm", 100.00)]),
        ("two refunds of one charge are one pair", [*GIVEN_BACK[:2], refund(3)]),
        ("the refund came first", [*GIVEN_BACK[:2], refund(19, "Ulm", 99), GIVEN_BACK[2]]),
        ("an authorisation released", [*GIVEN_BACK[:3], refund(21, "Ulm", 99, status="reversed")]),
        ("the pairs lie two months apart", [*GIVEN_BACK[:2], room(61), refund(62.1)]),
    ],
)
def test_lodging_is_not_given_back_when(why, rows):
    assert found("HT-MOV-05", ledger(*rows)) == []


@pytest.mark.parametrize("amount", [98.01, 99.99])
def test_a_refund_within_one_percent_is_the_charge_given_back(amount):
    assert found("HT-MOV-05", ledger(*GIVEN_BACK[:3], refund(21, "Ulm", amount))) == ["A"]


# HT-MOV-06

ROUND = [room(day, amount=100) for day in (0, 5, 10)]


def test_three_lodging_charges_of_round_sums_are_found():
    assert values("HT-MOV-06", ledger(*ROUND)) == {"event_count": 3}


@pytest.mark.parametrize(
    ("why", "rows"),
    [
        ("two are few", ROUND[:2]),
        ("cents", [*ROUND[:2], room(10, amount=100.50)]),
        ("no multiple of ten", [*ROUND[:2], room(10, amount=105)]),
        ("the third comes a month later", [*ROUND[:2], room(30, amount=100)]),
        ("it was given back", [*ROUND, refund(11, amount=100)]),
    ],
)
def test_lodging_is_not_round_when(why, rows):
    assert found("HT-MOV-06", ledger(*rows)) == []


def test_a_multiple_of_ten_is_counted_in_units_of_the_charges_currency():
    yen = without(ROUND, currency="JPY", amount_minor=5_000_00)
    assert found("HT-MOV-06", ledger(*yen)) == ["A"]
    assert found("HT-MOV-06", ledger(*without(yen, amount_minor=5_005_00))) == []


# HT-MOV-07

TICKETS = [spent(0, AIRLINE, 120, hour=hour) for hour in (0, 1, 2)]


def test_three_long_distance_tickets_within_a_day_are_found():
    assert values("HT-MOV-07", ledger(*TICKETS)) == {"event_count": 3}


@pytest.mark.parametrize(
    ("why", "rows"),
    [
        ("two", TICKETS[:2]),
        ("a full day later", [*TICKETS[:2], spent(1, AIRLINE)]),
        ("one was given back", [*TICKETS, spent(3, AIRLINE, 120, direction="credit")]),
        ("a taxi goes not far", [*TICKETS[:2], spent(0, TAXI)]),
    ],
)
def test_tickets_are_not_for_several_people_when(why, rows):
    assert found("HT-MOV-07", ledger(*rows)) == []


def test_tickets_bought_a_minute_short_of_a_day_apart_belong_together():
    assert found("HT-MOV-07", ledger(*TICKETS[:2], spent(0.999, AIRLINE))) == ["A"]


def test_tickets_spread_over_two_weeks_lack_the_passengers():
    spread = [spent(day, AIRLINE, 120) for day in (0, 4, 8)]
    assert missing("HT-MOV-07", ledger(*spread)) == [("A", "passenger names")]
    assert missing("HT-MOV-07", ledger(*spread[:2], spent(20, AIRLINE))) == []


# HT-MOV-08


def ride(day, hour, **changes):
    """A ride at `hour` on the clock of Berlin (winter: one hour ahead of UTC)."""
    return spent(day, TAXI, 12, hour=hour - 13, local_zone="Europe/Berlin", **changes)


ONE_NIGHT = [ride(0, hour) for hour in (22, 22.5, 23, 20, 21, 21.5)]


def test_six_rides_of_one_day_half_of_them_at_night_are_found():
    assert values("HT-MOV-08", ledger(*ONE_NIGHT)) == {"ride_count": 6, "night_share": 0.5, "period_days": 1}


@pytest.mark.parametrize(
    ("why", "rows"),
    [
        ("five rides", ONE_NIGHT[:5]),
        ("one more by day", [*ONE_NIGHT, ride(0, 19)]),
        ("a minute before ten is no night", [*ONE_NIGHT[1:], ride(0, 21.98)]),
        ("a ride given back", [*ONE_NIGHT, spent(5, TAXI, 12, direction="credit")]),
        ("a railway goes far", [*ONE_NIGHT[:5], {**ONE_NIGHT[5], "merchant_category": "4112"}]),
    ],
)
def test_rides_are_not_dense_when(why, rows):
    assert found("HT-MOV-08", ledger(*rows)) == []


def test_rides_after_midnight_belong_to_the_night_that_started_before():
    assert found("HT-MOV-08", ledger(*ONE_NIGHT[:5], ride(1, 5.9))) == ["A"]
    assert found("HT-MOV-08", ledger(*ONE_NIGHT[:5], ride(1, 6))) == []


def test_twenty_rides_of_a_week_half_of_them_at_night_are_found():
    week = [ride(day, hour) for day in range(5) for hour in (22, 23, 12, 13)]
    assert values("HT-MOV-08", ledger(*week)) == {"ride_count": 20, "night_share": 0.5, "period_days": 7}
    assert found("HT-MOV-08", ledger(*week[1:])) == []


def test_rides_without_a_known_place_cannot_be_judged():
    somewhere = [spent(day / 3, TAXI, 12) for day in range(20)]
    clocked = ride(200, 12, account_id="Z")
    assert missing("HT-MOV-08", ledger(*somewhere, clocked)) == [("A", "local_hour")]
    assert missing("HT-MOV-08", ledger(*somewhere)) == [(None, "local_hour")]


# HT-MOV-09

AWAY = [part for day in (0, 5, 10) for part in (cash(day, "Berlin"), spent(day + 1, SHOP, 50, "Hamburg"))]


def test_deposits_here_spent_far_away_within_a_day_or_two_are_found():
    told = values("HT-MOV-09", ledger(*AWAY))
    assert told["event_count"] == 3
    assert told["least_km"] == pytest.approx(255, abs=8)


@pytest.mark.parametrize(
    ("why", "rows"),
    [
        ("twice", AWAY[:4]),
        ("the third came later than 36 hours", [*AWAY[:5], spent(11.51, SHOP, 50, "Hamburg")]),
        ("near by", moved(AWAY, "Hamburg", "Potsdam")),
        ("the third a month after", [*AWAY[:4], cash(31.1), spent(31.2, SHOP, 50, "Hamburg")]),
        ("booked from afar", changed(AWAY, "card", merchant_category="4511")),
        ("a transfer has no place", changed(AWAY, "cash", channel="transfer")),
        ("spent before", changed(AWAY, "cash", booked_at=at(40))),
    ],
)  # fmt: skip
def test_money_is_not_spent_elsewhere_when(why, rows):
    assert found("HT-MOV-09", ledger(*rows)) == []


def test_spending_after_exactly_36_hours_and_drawing_cash_count():
    drawn = cash(11.5, "Hamburg", direction="debit", channel="atm")
    assert found("HT-MOV-09", ledger(*AWAY[:5], drawn)) == ["A"]


def test_the_least_distance_is_a_bound():
    least = values("HT-MOV-09", ledger(*AWAY))["least_km"]
    assert found("HT-MOV-09", ledger(*AWAY), min_km=least) == ["A"]
    assert found("HT-MOV-09", ledger(*AWAY), min_km=least + 0.001) == []


def test_a_city_whose_place_is_not_clear_cannot_be_judged():
    assert missing("HT-MOV-09", ledger(*moved(AWAY, "Hamburg", "Nowheresby"))) == [("A", "place of the city")]


# HT-MOV-10

PLACES = (("Berlin", 0), ("Hamburg", 1 / 3))
AT_ONCE = [spent(day, SHOP, 20, city, hour=hour) for day in (0, 10) for city, hour in PLACES]


def test_cards_used_in_two_places_at_once_are_found():
    told = values("HT-MOV-10", ledger(*AT_ONCE))
    assert told["event_count"] == 2
    assert told["most_km"] == pytest.approx(255, abs=8)


@pytest.mark.parametrize(
    ("why", "rows"),
    [
        ("once", AT_ONCE[:3]),
        ("21 minutes, as fast as a plane", [*AT_ONCE[:3], spent(10, SHOP, 20, "Hamburg", hour=0.35)]),
        ("near by", moved(AT_ONCE, "Hamburg", "Potsdam")),
        ("another account", [*AT_ONCE[:3], {**AT_ONCE[3], "account_id": "B"}]),
        ("a month later", [*AT_ONCE[:2], spent(31, SHOP, 20), spent(31, SHOP, 20, "Hamburg")]),
        ("sold from afar", [*AT_ONCE[:3], {**AT_ONCE[3], "merchant_category": "5968"}]),
        ("only the date is known", [*AT_ONCE[:3], {**AT_ONCE[3], "has_time": False}]),
        ("money back", [*AT_ONCE[:3], {**AT_ONCE[3], "direction": "credit"}]),
    ],
)  # fmt: skip
def test_nobody_is_in_two_places_when(why, rows):
    assert found("HT-MOV-10", ledger(*rows)) == []


def test_faster_than_an_airliner_is_too_fast():
    far = [spent(day, SHOP, 20, city, hour=hour, country=country) for day in (0, 10)
           for city, hour, country in (("Berlin", 0, "DE"), ("Madrid", 2, "ES"))]  # fmt: skip
    assert found("HT-MOV-10", ledger(*far)) == ["A"]  # 1870 km in two hours
    slower = [{**row, "booked_at": at(10 * (n // 2), 2.2 * (n % 2))} for n, row in enumerate(far)]
    assert found("HT-MOV-10", ledger(*slower)) == []


# HT-MOV-11

PARKED = [spent(day, PARKING, 3, "Ulm") for day in (0, 0.2, 1, 1.2)]
ELSEWHERE = [spent(10 + n, PARKING, 3, "Jena") for n in range(4)]
STAY = [room(0, "Ulm")]


def test_parking_fees_half_of_them_at_a_stay_are_found():
    assert values("HT-MOV-11", ledger(*STAY, *PARKED, *ELSEWHERE)) == {"parking_count": 8, "stay_share": 0.5}


@pytest.mark.parametrize(
    ("why", "rows"),
    [
        ("seven", [*STAY, *PARKED, *ELSEWHERE[1:]]),
        ("less than half", [*STAY, *PARKED[1:], spent(9, PARKING, 3, "Jena"), *ELSEWHERE]),
        ("no stay", [*PARKED, *ELSEWHERE]),
        ("the stay is elsewhere", [room(0, "Bonn"), *PARKED, *ELSEWHERE]),
        ("two days after the stay", [*STAY, *PARKED[1:], spent(2, PARKING, 3, "Ulm"), *ELSEWHERE]),
        ("a large fee", [*STAY, *PARKED[1:], spent(0, PARKING, 15.01, "Ulm"), *ELSEWHERE]),
        ("a month later", [*STAY, *PARKED, *ELSEWHERE[1:], spent(32, PARKING, 3, "Jena")]),
    ],
)
def test_parking_is_not_at_stays_when(why, rows):
    assert found("HT-MOV-11", ledger(*rows)) == []


def test_a_fee_of_fifteen_is_small():
    assert found("HT-MOV-11", ledger(*STAY, *PARKED[1:], spent(0, PARKING, 15, "Ulm"), *ELSEWHERE)) == ["A"]


# HT-MOV-12


def occasion(day, payer="A", traveller="Q", **changes):
    """A room in Hamburg paid by somebody who shops in Berlin, while another one shops in Hamburg."""
    return [
        room(day, "Hamburg", account_id=payer, **changes),
        spent(day, SHOP, 20, "Berlin", hour=2, account_id=payer),
        spent(day, SHOP, 20, "Hamburg", hour=3, account_id=traveller),
    ]


LINK = {"booked_at": at(-1), "channel": "p2p", "account_id": "Q", "counterparty_id": "A", "mirrored": True}
PAID_FOR = [LINK, *occasion(0), *occasion(5)]


def test_rooms_paid_far_away_where_a_partner_is_are_found_of_the_payer_alone():
    findings = judge("HT-MOV-12", ledger(*PAID_FOR))
    assert findings.findings["account_id"].to_list() == ["A"]
    told = {value["name"]: value["value"] for value in findings.findings["values"][0]}
    assert told == {"event_count": 2, "partner_count": 1}
    assert findings.evidence["row"].to_list() == [1, 2, 4, 5]


@pytest.mark.parametrize(
    ("why", "rows"),
    [
        ("once", PAID_FOR[:4]),
        ("nobody is known there", [*PAID_FOR[1:]]),
        ("they dealt with each other only later", [{**LINK, "booked_at": at(3)}, *PAID_FOR[1:]]),
        ("by bank transfer", [{**LINK, "channel": "transfer"}, *PAID_FOR[1:]]),
        ("nothing shows where the payer was", [*PAID_FOR[:5], *PAID_FOR[6:]]),
        ("the partner is elsewhere", [*PAID_FOR[:6], {**PAID_FOR[6], "city": "Bonn"}]),
        ("the payer is near by", moved(PAID_FOR, "Berlin", "Lüneburg")),
        ("the payer arrives the day after", [*PAID_FOR, spent(6, SHOP, 20, "Hamburg")]),
        ("the room was given back", [*PAID_FOR, refund(7, "Hamburg")]),
        ("a month later", [*PAID_FOR[:4], *occasion(30.5)]),
    ],
)  # fmt: skip
def test_the_payer_may_be_the_traveller_when(why, rows):
    assert found("HT-MOV-12", ledger(*rows)) == []


def test_an_account_of_the_payers_own_is_no_partner():
    own = held_by(("A", "p"), ("Q", "p"))
    assert found("HT-MOV-12", ledger(*PAID_FOR, accounts=own)) == []
