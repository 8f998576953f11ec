"""Adverts meet accounts: what the platform states, what times and amounts say, and what stays unknown."""

from datetime import datetime, timedelta
from decimal import Decimal

import polars as pl

from finpat.adverts.adverts import build_adverts
from finpat.config import Settings
from tests.factory import ledger

START = datetime(2026, 3, 2)
DAYS = [3.11, 8.57, 12.83, 17.29]


def moment(day, seconds=0):
    return START + timedelta(days=day, seconds=seconds)


def ads(**changes):
    days = [*DAYS, 0.0, 28.0]
    frame = pl.DataFrame(
        {
            "ad_id": [f"a{n}" for n in range(6)],
            "platform": "City Board",
            "posted_at": [moment(day) for day in days],
            "city": ["Ghent", "Paris", "Ghent", "Lille", "Rome", "Rome"],
            "country": "BE",
            "phone": ["02 555 01 01"] * 4 + [None, None],
            "text": ["new in town"] * 4 + ["bicycle", "sofa"],
            "price": pl.Series([Decimal("9.50")] * 6, dtype=pl.Decimal(38, 8)),
        }
    )
    return frame.with_columns(**changes)


def booked(day, **changes):
    return {"booked_at": moment(day, -120), "amount_minor": 9_50, "direction": "debit", "channel": "card",
            "counterparty_id": None, "merchant_category": "7311", "account_id": "A", **changes}  # fmt: skip


NO_PAYMENTS = pl.DataFrame(schema={"payment_id": pl.String})


def test_an_accounts_own_advert_payments_are_tied_to_a_cluster_without_any_reference():
    data = ledger(*[booked(day) for day in DAYS])
    found = build_adverts(ads(), NO_PAYMENTS, data, Settings())
    (link,) = found.links.rows(named=True)
    assert (link["account"], link["cluster"], link["k"], link["rail"]) == (0, "a0", 4, 1)
    assert found.paid.select("ad", "is_stated").rows() == [(n, False) for n in range(4)]
    assert found.paid["row"].to_list() == [0, 1, 2, 3]
    tables = found.tables(data, pl.Series(["t0", "t1", "t2", "t3"]))
    assert tables["ad_payment_matches"]["transaction_id"].to_list() == ["t0", "t1", "t2", "t3"]
    assert tables["ad_payment_links"].select("account_id", "cluster_id").rows() == [("A", "a0")]
    assert tables["ad_clusters"].select("cluster_id", "ad_count", "city_count").rows() == [("a0", 4, 3)]


def test_the_platform_in_the_text_must_be_the_adverts():
    rows = [booked(day, description="CARD 1234 CITY-BOARD ADS") for day in DAYS]
    assert build_adverts(ads(), NO_PAYMENTS, ledger(*rows), Settings()).links.height == 1
    other = ads(platform=pl.when(pl.col("ad_id") == "a5").then(pl.lit("Else")).otherwise("platform"))
    rows = [booked(day, description="else.com ads") for day in DAYS]
    assert build_adverts(other, NO_PAYMENTS, ledger(*rows), Settings()).links.is_empty()


def test_prepaid_and_crypto_payments_are_tested_on_their_own_and_groceries_never():
    crypto = [booked(day, merchant_category="6051") for day in DAYS]
    assert build_adverts(ads(), NO_PAYMENTS, ledger(*crypto), Settings()).links["rail"].to_list() == [2]
    food = [booked(day, merchant_category="5411") for day in DAYS]
    assert build_adverts(ads(), NO_PAYMENTS, ledger(*food), Settings()).links.is_empty()


def test_what_the_platform_states_is_found_on_the_statement_and_named_as_stated():
    payments = pl.DataFrame(
        {
            "payment_id": ["p0", "p1", "p2"],
            "paid_at": [moment(3), moment(4), moment(5)],
            "platform": "City Board",
            "amount_minor": [9_50, 9_50, 9_50],
            "currency": "USD",
            "payer_reference": ["tok", "tok", "other"],
            "account_id": ["A", None, None],
            "ad_id": ["a0", "a1", "a2"],
        }
    )
    data = ledger(booked(3.5), booked(9, amount_minor=1))
    found = build_adverts(ads(), payments, data, Settings()).paid
    assert found.select("account", "ad", "payment_id", "is_stated").rows() == [
        (0, 0, "p0", True),
        (0, 1, "p1", True),
    ], "a card that names its account once has named it for all its payments"
    assert found["row"].to_list() == [0, 0]


def test_a_card_that_names_two_accounts_names_neither_for_the_rest():
    payments = pl.DataFrame(
        {
            "payment_id": ["p0", "p1", "p2"],
            "paid_at": [moment(3), moment(4), moment(5)],
            "platform": "City Board",
            "amount_minor": [9_50] * 3,
            "currency": "USD",
            "payer_reference": "tok",
            "account_id": ["A", "B", None],
            "ad_id": ["a0", "a1", "a2"],
        }
    )
    data = ledger(booked(3.5), booked(4.5, account_id="B"))
    found = build_adverts(ads(), payments, data, Settings()).paid
    assert found.select("account", "ad").rows() == [(0, 0), (1, 1)]


def test_an_advert_that_offers_work_or_hides_its_number_says_so():
    texts = [
        "work abroad, visa fee paid",
        "call two one two five five five zero one two three",
        None,
        "",
        "x",
        "y",
    ]
    found = build_adverts(ads(text=pl.Series(texts)), NO_PAYMENTS, ledger(booked(3)), Settings()).ads
    assert found["is_job"].to_list() == [True, *[False] * 5]
    assert found["is_hidden"].to_list()[2:] == [False] * 4
