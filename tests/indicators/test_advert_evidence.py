"""Which adverts stand behind a finding."""

from __future__ import annotations

from datetime import datetime, timedelta

import polars as pl

from finpat.adverts.adverts import build_adverts
from finpat.config import Settings
from finpat.indicators import INDICATORS
from finpat.indicators.advert_evidence import MOST, adverts_behind
from finpat.indicators.evaluation import Findings
from finpat.networks.identifiers import identifier_uses
from tests.factory import ledger

START = datetime(2026, 3, 2, 12)


def day(n):
    return START + timedelta(days=n)


def behind(indicator, posted, paid, rows, *, phone=None, window=(0, 9), evidence=(0,)):
    people = pl.DataFrame({"account_id": ["A"], "phone": ["0470 12 34 56"], "country": ["BE"]})
    data = ledger(*rows, accounts=people)
    ads = pl.DataFrame(
        {"ad_id": [f"ad{n}" for n in range(len(posted))], "platform": "Board", "country": "BE",
         "posted_at": [day(n) for n in posted], "phone": phone or [None] * len(posted)},
        schema_overrides={"phone": pl.String},
    )  # fmt: skip
    payments = pl.DataFrame(
        [{"payment_id": f"p{n}", "paid_at": day(posted[n]), "platform": "Board", "amount_minor": amount,
          "currency": "USD", "account_id": "A", "ad_id": f"ad{n}"} for n, amount in paid],
        schema={"payment_id": pl.String, "paid_at": pl.Datetime("us"), "platform": pl.String,
                "amount_minor": pl.Int64, "currency": pl.String, "account_id": pl.String, "ad_id": pl.String},
    )  # fmt: skip
    adverts = build_adverts(ads, payments, data, Settings())
    found = Findings(
        pl.DataFrame(
            {"finding_id": ["f"], "indicator_id": [indicator], "account_id": ["A"], "state": ["found"],
             "window_start": [day(window[0])], "window_end": [day(window[1])]}
        ),
        pl.DataFrame({"finding_id": "f", "row": pl.Series(evidence, dtype=pl.UInt32)}),
    )  # fmt: skip
    uses = identifier_uses(data, adverts, payments)
    return adverts_behind(found, INDICATORS, data.accounts["account_id"], adverts, uses).rows()


def spent(n, amount=500):
    return {"account_id": "A", "direction": "debit", "booked_at": day(n), "amount_minor": amount,
            "channel": "card", "counterparty_id": None}  # fmt: skip


def test_adverts_that_an_evidence_row_goes_with_are_behind_the_finding_and_others_are_not():
    rows = [spent(1), spent(4)]
    told = behind("HT-ADS-03", [1, 4], [(0, 500), (1, 500)], rows, evidence=(0,))
    assert told == [("f", 0)]


def test_what_the_platform_says_was_paid_within_the_window_is_there_though_no_statement_shows_it():
    assert behind("HT-ADS-03", [9, 1, 10], [(0, 7), (1, 7), (2, 7)], [spent(1)]) == [("f", 1), ("f", 0)]


def test_an_own_contact_is_behind_that_finding_alone():
    shown = ["0032470123456", "0470 99 99 99"]
    assert behind("HT-ADS-11", [1, 2], [], [spent(1)], phone=shown) == [("f", 0)]
    assert behind("HT-ADS-03", [1, 2], [], [spent(1)], phone=shown) == []


def test_an_indicator_that_needs_no_adverts_has_none():
    assert behind("HT-ADS-01", [1], [(0, 500)], [spent(1)]) == []


def test_of_very_many_the_oldest_are_kept():
    posted = [n / 100 for n in range(MOST + 20, 0, -1)]
    told = behind("HT-ADS-03", posted, [(n, 7) for n in range(len(posted))], [spent(1)])
    assert [ad for _, ad in told] == list(range(MOST + 19, 19, -1))
