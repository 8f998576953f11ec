"""Identifiers: one form for accounts and adverts, who uses each, and how common it is."""

from __future__ import annotations

from datetime import datetime

import polars as pl
import pytest

from finpat.adverts.adverts import build_adverts
from finpat.config import Settings
from finpat.networks.identifiers import (
    contacts,
    identifier_tables,
    identifier_uses,
    written_forms,
)  # fmt: skip
from tests.factory import at, ledger

NO_PAYMENTS = pl.DataFrame(schema={"payment_id": pl.String})
POSTED = datetime(2026, 3, 4)
WALLET = "0xABCDEF0123456789abcdef0123456789ABCDEF01"


def holders(*rows):
    return pl.DataFrame(
        [
            {"holder_id": None, "phone": None, "email": None, "address": None, "country": "BE", **r}
            for r in rows
        ],
        schema_overrides={n: pl.String for n in ("holder_id", "phone", "email", "address")},
    )


def ads(*rows):
    return pl.DataFrame(
        [{"ad_id": f"ad{n}", "platform": "Board", "posted_at": POSTED, "country": "BE", "phone": None,
          "text": None, **row} for n, row in enumerate(rows)],
        schema_overrides={"phone": pl.String, "text": pl.String},
    )  # fmt: skip


def used(data, adverts=None, payments=NO_PAYMENTS):
    made = None if adverts is None else build_adverts(adverts, payments, data, Settings())
    return identifier_uses(data, made, payments), made


def test_an_accounts_number_meets_the_advert_that_shows_it_however_both_are_written():
    data = ledger({"account_id": "A"}, accounts=holders({"account_id": "A", "phone": "0470 12 34 56"}))
    uses, _ = used(data, ads({"text": "bel ☎ 0032 470/12.34.56"}, {"phone": "+32 470 123456"}))
    same = uses.filter(pl.col("kind") == "phone")
    assert same["value"].unique().to_list() == ["+32470123456"]
    assert same.select("account", "ad").rows() == [(0, None), (None, 0), (None, 1)]


@pytest.mark.parametrize("number", ["", "123456", "000 000 000", "999-9999-999", None])
def test_a_placeholder_is_no_telephone_number(number):
    assert contacts(holders({"account_id": "A", "phone": number})).is_empty()


def test_a_number_without_a_known_country_equals_only_the_same_digits():
    frame = holders(
        {"account_id": "A", "phone": "0470 123 456", "country": None},
        {"account_id": "B", "phone": "0470123456", "country": None},
        {"account_id": "C", "phone": "0470123456"},
    )
    assert contacts(frame)["value"].to_list() == ["+32470123456", "~0470123456", "~0470123456"]


def test_devices_are_the_accounts_own_and_wallets_are_those_not_held_here():
    data = ledger(
        {"device_id": "d1", "direction": "debit"},
        {"device_id": "payers", "direction": "credit"},
        {"channel": "crypto", "direction": "debit", "counterparty_id": WALLET},
        {"channel": "crypto", "direction": "debit", "counterparty_id": "Z"},
        {"account_id": "Z", "booked_at": at(1)},
    )  # fmt: skip
    uses, _ = used(data)
    assert uses.select("kind", "value", "count").rows() == [
        ("device", "d1", 1), ("wallet", WALLET.lower(), 1),
    ]  # fmt: skip
    assert uses["rows"].to_list() == [[0], [2]]


def test_what_the_payer_of_an_advert_gave_ties_account_and_advert():
    payments = pl.DataFrame(
        {"payment_id": ["p1", "p2"], "paid_at": [POSTED, POSTED], "platform": "Board",
         "amount_minor": [500, 500], "currency": "USD", "payer_reference": ["bc1qx", "bc1qx"],
         "account_id": ["A", "A"], "ad_id": ["ad0", None], "email": ["Who@Example.com ", None]}
    )  # fmt: skip
    uses, _ = used(ledger({"account_id": "A"}), ads({}), payments)
    assert uses.select("kind", "value", "account", "ad", "count", "payment_ids").rows() == [
        ("email", "who@example.com", 0, None, 1, ["p1"]),
        ("email", "who@example.com", None, 0, 1, ["p1"]),
        ("wallet", "bc1qx", 0, None, 2, ["p1", "p2"]),
        ("wallet", "bc1qx", None, 0, 1, ["p1"]),
    ]


def test_persons_and_posters_share_a_value_not_accounts_and_adverts():
    people = holders(
        {"account_id": "A", "holder_id": "H", "email": "x@example.com"},
        {"account_id": "B", "holder_id": "H", "email": "X@example.com"},
        {"account_id": "C", "holder_id": "I", "email": "x@example.com"},
    )
    data = ledger(*({"account_id": name} for name in "ABC"), accounts=people)
    posted = ads(*({"text": "new in town write to x@example.com"} for _ in range(3)))
    uses, made = used(data, posted)
    tables = identifier_tables(uses, data, made, pl.Series(["t"] * 3))
    row = tables["identifiers"].row(by_predicate=pl.col("kind") == "email", named=True)
    assert (row["account_count"], row["person_count"]) == (3, 2)
    assert (row["ad_count"], row["poster_count"], row["shared_by"]) == (3, 1, 3)
    assert row["weight"] == pytest.approx(1 / 1.584962500721156)
    assert tables["identifier_values"].height == tables["identifiers"].height


def test_an_identifier_keeps_its_name_when_data_is_added_and_kinds_do_not_meet():
    person = {"account_id": "A", "holder_id": "7700900123", "phone": "7700900123", "country": None}
    data = ledger({"account_id": "A"}, accounts=holders(person))
    more = ledger({"account_id": "A"}, {"account_id": "B"}, accounts=holders(person, {"account_id": "B"}))
    before, after = (
        identifier_tables(used(each)[0], each, None, pl.Series(["t", "u"]))["identifiers"]
        for each in (data, more)
    )
    assert before["identifier_id"].is_in(after["identifier_id"].implode()).all()
    assert before["identifier_id"].n_unique() == 2


def test_access_numbers_and_authorised_users_are_told_as_what_they_are():
    people = holders(
        {"account_id": "A", "holder_id": "H", "authorised_users": "I@2026-01-31; J",
         "access_phones": "+32 470 12 34 56@2026-01-31"}
    )  # fmt: skip
    uses, _ = used(ledger({"account_id": "A"}, accounts=people))
    assert uses.select("kind", "value", "how").rows() == [
        ("holder", "H", "stated"), ("holder", "I", "authorised"), ("holder", "J", "authorised"),
        ("phone", "+32470123456", "access"),
    ]  # fmt: skip


def test_a_text_is_read_as_every_kind_that_it_may_be():
    forms = set(written_forms("0470 12 34 56", ["BE", "NL"]).rows())
    assert {("phone", "+32470123456"), ("phone", "~0470123456"), ("holder", "0470 12 34 56")} <= forms
    assert ("email", "a@example.com") in written_forms(" A@Example.com", []).rows()
    assert ("handle", "telegram:ann.example") in written_forms("https://t.me/ann.example", []).rows()
