"""Adverts with their payers: HT-ADS-02 to 06, 11, 12, 14 to 17, HT-MOV-02, CR-ADPAY-04."""

from decimal import Decimal

import polars as pl
import pytest

from finpat.adverts.adverts import build_adverts
from finpat.config import Settings
from tests.factory import at
from tests.indicators.support import found, judge, ledger, missing, values

ONE = "new in town ask for anna sweet and kind private flat near the central station"
TWO = "holiday is here and bella waits for you with champagne in a quiet street by the park"
THREE = "carla from the coast visits for a few days only do not miss this special occasion"
NUMBERS = ["+12125550123", "+12125550177", "+12125550188"]


def advert(day, account="A", **changes):
    """An advert that the platform says the account paid for (None: nobody's), and the payment booked."""
    defaults = {"city": "New York", "country": "US", "platform": "board", "phone": NUMBERS[0], "text": None}
    return {"day": day, "account": account, "posted": day, **defaults, **changes}


def world(*adverts, rows=(), accounts=None, stated=True):
    """(ledger, adverts) of these adverts, their payments, and further booked `rows`."""
    booked = [
        {"booked_at": at(row["day"]), "amount_minor": 9_50 + n, "direction": "debit", "channel": "card",
         "counterparty_id": "P", "merchant_category": "7311", "account_id": row["account"]}
        for n, row in enumerate(adverts) if row["account"]
    ]  # fmt: skip
    data = ledger(*booked, *rows, accounts=accounts)
    ads = pl.DataFrame(
        [{"ad_id": f"a{n:02}", "posted_at": at(row["posted"]), "price": Decimal(950 + n) / 100, **row}
         for n, row in enumerate(adverts)], infer_schema_length=None,
    ).with_columns(pl.col("phone", "text", "city").cast(pl.String))  # fmt: skip
    paid = pl.DataFrame(
        [{"payment_id": f"p{n}", "paid_at": at(row["day"]), "platform": row["platform"], "currency": "USD",
          "amount_minor": 9_50 + n, "account_id": row["account"], "ad_id": f"a{n:02}"}
         for n, row in enumerate(adverts) if row["account"] and stated],
        schema_overrides={"account_id": pl.String},
    )  # fmt: skip
    paid = paid if paid.height else pl.DataFrame(schema={"payment_id": pl.String})
    return data, build_adverts(ads, paid, data, Settings())


def who(indicator_id, *adverts, parameters=None, **changes):
    data, feed = world(*adverts, **changes)
    return found(indicator_id, data, adverts=feed, **(parameters or {}))


def told(indicator_id, *adverts, **changes):
    data, feed = world(*adverts, **changes)
    return values(indicator_id, data, adverts=feed)


FEED = ("HT-ADS-02", "HT-ADS-03", "HT-ADS-04", "HT-ADS-05", "HT-ADS-06", "HT-ADS-11", "HT-ADS-12",
        "HT-ADS-14", "HT-ADS-15", "HT-ADS-16", "HT-ADS-17")  # fmt: skip


def test_without_adverts_none_of_them_can_be_judged():
    data = ledger({"merchant_category": "7311", "direction": "debit"})
    for indicator_id in FEED:
        assert missing(indicator_id, data) == [(None, "adverts")]


# HT-ADS-02

CITIES = ["Boston", "Chicago", "Dallas", "Denver"]


def tour(*days):
    return [advert(day, city=city) for day, city in zip(days, CITIES, strict=False)]


def test_adverts_in_three_cities_within_a_week_or_four_within_three_are_found():
    assert told("HT-ADS-02", *tour(0, 3, 6)) == {"city_count": 3, "ad_count": 3}
    assert who("HT-ADS-02", *tour(0, 3, 7)) == []
    assert who("HT-ADS-02", *tour(0, 6, 13, 20)) == ["A"]
    assert who("HT-ADS-02", *tour(0, 6, 13, 21)) == []


def test_two_cities_or_somebody_elses_adverts_are_no_tour():
    assert who("HT-ADS-02", *tour(0, 3)) == []
    assert who("HT-ADS-02", *tour(0, 3), advert(4, "B", city="Denver"), advert(5, None, city="Miami")) == []


# HT-ADS-03

MANY = [advert(n, phone=NUMBERS[n % 3], text=(ONE, TWO, THREE)[n % 3]) for n in range(6)]


def test_one_payer_for_three_numbers_and_texts_is_found():
    assert told("HT-ADS-03", *MANY) == {"person_count": 3, "phone_count": 3, "text_count": 3, "ad_count": 6}


@pytest.mark.parametrize(
    ("why", "adverts"),
    [
        ("each must have two adverts", MANY[:5]),
        ("one text with three numbers may be one person", [{**row, "text": ONE} for row in MANY]),
        ("two numbers and texts are few", [row for row in MANY if row["text"] != THREE]),
        ("two payers share them", [{**row, "account": "AB"[n % 2]} for n, row in enumerate(MANY)]),
        ("the last comes a month after the first", [*MANY[:5], {**MANY[5], "day": 32}]),
    ],
)
def test_one_payer_for_many_is_not_found_when(why, adverts):
    assert who("HT-ADS-03", *adverts) == [], why


# HT-ADS-04


def test_two_persons_who_pay_for_one_number_are_found():
    assert who("HT-ADS-04", advert(0), advert(29, "B")) == ["A", "B"]
    assert who("HT-ADS-04", advert(0), advert(30, "B")) == []
    assert who("HT-ADS-04", advert(0), advert(9, "B", phone=NUMBERS[1])) == []


def test_one_person_or_one_household_that_pays_for_a_number_is_not():
    one = pl.DataFrame({"account_id": ["A", "B"], "holder_id": ["h", "h"]})
    home = pl.DataFrame({"account_id": ["A", "B"], "address": ["1 Main St", "1 MAIN ST."]})
    for accounts in (one, home):
        assert who("HT-ADS-04", advert(0), advert(9, "B"), accounts=accounts) == []


# HT-ADS-05


@pytest.mark.parametrize("same", [{"text": None}, {"phone": None, "text": ONE}])
def test_one_number_or_text_on_three_platforms_within_two_days_is_found(same):
    rows = [advert(day, platform=name, **same) for day, name in ((0, "x"), (1, "y"), (1.99, "z"))]
    assert who("HT-ADS-05", *rows) == ["A"]
    assert who("HT-ADS-05", *rows[:2]) == []
    assert who("HT-ADS-05", *rows[:2], advert(2, platform="z", **same)) == []


# HT-ADS-06


def test_a_number_in_three_cities_that_can_be_reached_is_found():
    assert told("HT-ADS-06", *tour(0, 5, 13)) == {"city_count": 3, "ad_count": 3}
    assert who("HT-ADS-06", *tour(0, 5, 14)) == []
    assert who("HT-ADS-06", *tour(0, 5)) == []
    assert who("HT-ADS-06", *tour(0, 0.01, 0.02)) == [], "nobody travels so fast"


# HT-ADS-11

HOLDER = pl.DataFrame({"account_id": ["A"], "phone": ["(212) 555-0123"], "country": ["US"]})


def test_the_accounts_own_number_in_an_advert_is_found_whoever_paid():
    rows = [{"account_id": "A", "booked_at": at(3)}]
    assert who("HT-ADS-11", advert(0, None), rows=rows, accounts=HOLDER) == ["A"]
    assert who("HT-ADS-11", advert(0, None, phone=NUMBERS[1]), rows=rows, accounts=HOLDER) == []
    mail = pl.DataFrame({"account_id": ["A"], "email": ["Anna@Example.org "]})
    text = "write to anna@example.org"
    assert who("HT-ADS-11", advert(0, None, phone=None, text=text), rows=rows, accounts=mail) == ["A"]


# HT-ADS-12

TIMES = [3.11, 8.57, 12.83, 17.29]


def timed(*days, delay=120, last=28.0):
    rows = [advert(day - delay / 86_400, posted=day) for day in days]
    return [*rows, advert(0, None, phone=None), advert(last, None, phone=None)]


def test_payments_in_time_with_a_clusters_adverts_are_found_without_any_reference():
    told_values = told("HT-ADS-12", *timed(*TIMES), stated=False)
    assert told_values["payment_count"] == 4
    assert told_values["delay_minutes"] == pytest.approx(2)
    assert who("HT-ADS-12", *timed(*TIMES[:2]), stated=False) == []
    assert who("HT-ADS-12", *timed(*TIMES, delay=301), stated=False) == []


def test_a_link_from_under_three_weeks_of_adverts_weighs_less():
    for last, weight in ((28.0, "S"), (18.0, "M")):
        data, feed = world(*timed(*TIMES, last=last), stated=False)
        findings = judge("HT-ADS-12", data, adverts=feed).findings
        assert findings["weight"].to_list() == [weight]
    assert "consistent with having paid for" in findings["fact"][0]


# HT-ADS-14


def test_numbers_from_another_zone_in_three_cities_are_found():
    assert who("HT-ADS-14", *tour(0, 3, 6), parameters={"min_share": 0.6}) == ["A"], "Boston shares the zone"
    assert who("HT-ADS-14", *tour(0, 3, 6), parameters={"min_share": 0.7}) == []
    assert who("HT-ADS-14", *tour(0, 3)) == []


# HT-ADS-15

HIDDEN = "call two one two five five five zero one two three"


def test_adverts_that_hide_their_number_are_found():
    hidden = [advert(day, phone=None, text=HIDDEN) for day in range(2)]
    plain = [advert(day, text="call 212-555-0123") for day in range(3)]
    assert who("HT-ADS-15", *hidden, *plain[:2]) == ["A"]
    assert who("HT-ADS-15", *hidden, *plain) == ["A"], "the two hidden ones alone are all of a window"
    assert who("HT-ADS-15", *hidden[:1], *plain[:1]) == []
    assert who("HT-ADS-15", *plain) == []


# HT-ADS-16


def test_adverts_of_work_and_of_services_by_one_payer_are_found():
    work, service = advert(0, text="work abroad, good wages"), advert(100, text="escort and companionship")
    assert told("HT-ADS-16", work, service) == {"job_count": 1, "service_count": 1}
    assert who("HT-ADS-16", work, {**service, "account": "B"}) == []
    assert who("HT-ADS-16", work, {**service, "day": 180}) == []
    assert who("HT-ADS-16", work, work) == []


# HT-ADS-17


def test_one_text_with_two_numbers_is_found():
    rows = [advert(day, text=ONE, phone=NUMBERS[day % 2]) for day in range(3)]
    assert told("HT-ADS-17", *rows)["identity_count"] == 2
    assert who("HT-ADS-17", *rows[:2]) == []
    assert who("HT-ADS-17", *[{**row, "phone": NUMBERS[0]} for row in rows]) == []
    shared = [advert(day, "AB"[day % 2], text=ONE) for day in range(3)]
    assert who("HT-ADS-17", *shared) == ["A", "B"]


# HT-MOV-02


def hotel(day, city):
    return {"account_id": "A", "booked_at": at(day), "direction": "debit", "channel": "card", "city": city,
            "country": "US", "merchant_category": "7011", "counterparty_id": "H"}  # fmt: skip


def test_lodging_in_two_cities_where_adverts_appear_is_found():
    adverts = tour(0, 5)
    assert who("HT-MOV-02", *adverts, rows=[hotel(2, "boston"), hotel(7, "CHICAGO")]) == ["A"]
    assert who("HT-MOV-02", *adverts, rows=[hotel(2, "Boston"), hotel(7.01, "Chicago")]) == []
    assert who("HT-MOV-02", *adverts, rows=[hotel(2, "Boston"), hotel(7, "Denver")]) == []
    assert who("HT-MOV-02", *adverts, rows=[hotel(0, "Boston"), hotel(1, "Boston")]) == []


# CR-ADPAY-04


def coin(day):
    return {"account_id": "A", "booked_at": at(day), "direction": "debit", "channel": "crypto",
            "merchant_category": "6051", "counterparty_id": "X", "amount_minor": 77}  # fmt: skip


def test_crypto_bought_a_day_before_adverts_in_time_with_payments_is_found():
    adverts = timed(*TIMES)
    near = [coin(TIMES[0] - 1), coin(TIMES[1] - 0.5)]
    assert who("CR-ADPAY-04", *adverts, rows=near, stated=False) == ["A"]
    assert who("CR-ADPAY-04", *adverts, rows=near[1:], stated=False) == []
    assert who("CR-ADPAY-04", *adverts, rows=[coin(TIMES[0] - 1.01), near[1]], stated=False) == []
    assert who("CR-ADPAY-04", *adverts[:2], *adverts[4:], rows=near, stated=False) == []
