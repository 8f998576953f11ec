"""Payments are tied to a cluster of adverts only where chance does not explain how often they coincide."""

from datetime import datetime, timedelta
from decimal import Decimal

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from finpat.adverts.link import Linking, link_payments
from finpat.adverts.simulation import World, measured, simulate

START = datetime(2026, 3, 2)
SPAN = [0.0, 28.0]  # days of adverts of somebody else, so that four weeks were seen


def adverts(*days, cluster="c", price="9.50", **changes):
    rows = [{"cluster": cluster, "price": price, "platform": "board", "day": day} for day in days]
    rows += [{"cluster": "other", "price": "1", "platform": "board", "day": day} for day in SPAN]
    return pl.DataFrame(
        {
            "cluster": [row["cluster"] for row in rows],
            "platform": [row["platform"] for row in rows],
            "posted_at": [START + timedelta(days=row["day"]) for row in rows],
            "price": pl.Series(
                [row["price"] and Decimal(row["price"]) for row in rows], dtype=pl.Decimal(38, 8)
            ),
        }
    ).with_columns(**{name: pl.lit(value) for name, value in {"has_time": True, **changes}.items()})


def payments(*days, seconds=120, amount=9_50, platform="board", has_time=True, payer=1):
    return pl.DataFrame(
        {
            "payer": pl.Series([payer] * len(days), dtype=pl.UInt32),
            "paid_at": [START + timedelta(days=day, seconds=-seconds) for day in days],
            "has_time": [has_time] * len(days),
            "platform": pl.Series([platform] * len(days), dtype=pl.String),
            "amount_minor": pl.Series([amount] * len(days), dtype=pl.Int64),
            "currency": ["USD"] * len(days),
        }
    )


DAYS = [3.11, 8.57, 12.83, 17.29]


def pairs(paid, ads, **rules):
    return link_payments(paid, ads, Linking(**rules)).links.select("payer", "cluster").rows()


def test_payments_just_before_a_clusters_adverts_are_consistent_with_having_paid_for_them():
    found = link_payments(payments(*DAYS), adverts(*DAYS))
    (link,) = found.links.rows(named=True)
    assert (link["payer"], link["cluster"], link["k"], link["matched"]) == (1, "c", 4, 4)
    assert (link["median_delay_s"], link["mad_delay_s"]) == (120, 0)
    assert (link["payment_share"], link["ad_share"]) == (1.0, 1.0)
    assert (link["method"], link["precision"], link["tested"]) == ("day_shift", "time", 1)
    assert link["expected"] == pytest.approx(0.5 / 27)
    assert found.matches.select("payment", "ad").rows() == [(0, 0), (1, 1), (2, 2), (3, 3)]


@pytest.mark.parametrize(
    ("why", "paid", "ads"),
    [
        ("two coincidences are few", payments(*DAYS[:2]), adverts(*DAYS)),
        ("the amount is another", payments(*DAYS, amount=9_51), adverts(*DAYS)),
        ("the platform is another", payments(*DAYS, platform="else"), adverts(*DAYS)),
        ("the advert comes too late", payments(*DAYS, seconds=301), adverts(*DAYS)),
        ("the advert came too early", payments(*DAYS, seconds=-61), adverts(*DAYS)),
        ("the adverts are no cluster", payments(*DAYS), adverts(*DAYS, cluster=None)),
        (
            "the cluster posts at this minute every day",
            payments(*[day + 0.5 for day in (3, 8, 12, 17)]),
            adverts(*[day + 0.5 for day in range(28)]),
        ),
    ],
)
def test_payments_are_not_tied_when(why, paid, ads):
    assert pairs(paid, ads) == [], why


@pytest.mark.parametrize("seconds", [300, -60])
def test_both_ends_of_the_time_belong_to_it(seconds):
    assert pairs(payments(*DAYS, seconds=seconds), adverts(*DAYS)) == [(1, "c")]


def test_a_payment_to_an_unknown_platform_may_be_to_any():
    assert pairs(payments(*DAYS, platform=None), adverts(*DAYS)) == [(1, "c")]


def test_an_advert_without_a_price_may_cost_what_its_platform_commonly_takes():
    ads = adverts(*DAYS, price=None)
    assert pairs(payments(*DAYS), ads) == [(1, "c")]
    odd = pl.concat([payments(day, amount=9_50 + place) for place, day in enumerate(DAYS)])
    assert pairs(odd, ads) == []


def test_more_pairs_tested_need_more_proof():
    many = [payments(*DAYS)]
    many += [
        payments(day + 0.3, payer=number) for number in range(2, 40) for day in (DAYS[number % 4] - 0.3,)
    ]
    paid = pl.concat(many)
    assert link_payments(paid, adverts(*DAYS)).links["tested"].to_list() == [39]
    assert pairs(paid, adverts(*DAYS), level=1e-9) == []


def test_under_three_weeks_of_adverts_rates_by_hour_of_the_week_stand_in():
    ads = adverts(*DAYS).with_columns(
        posted_at=pl.when(pl.col("cluster") == "other")
        .then(pl.lit(START + timedelta(days=10)))
        .otherwise("posted_at")
    )
    assert link_payments(payments(*DAYS), ads).links["method"].to_list() == ["hour_of_week"]


def test_rows_with_only_a_date_are_tested_by_days():
    days = [3, 8, 12, 17]
    found = link_payments(payments(*days, has_time=False, seconds=0), adverts(*days, has_time=False)).links
    assert found.select("precision", "k").rows() == [("day", 4)]
    busy = adverts(*range(28), has_time=False)
    assert pairs(payments(*days, has_time=False, seconds=0), busy) == []


def test_each_payment_is_matched_to_one_advert_and_each_advert_to_one_payment():
    twice = [day for day in DAYS for _ in range(2)]
    ads = adverts(*[day + extra for day in DAYS for extra in (0.0, 0.001)])
    found = link_payments(payments(*twice), ads)
    assert found.matches["payment"].is_unique().all()
    assert found.matches["ad"].is_unique().all()
    assert found.matches.height == 8
    one = link_payments(payments(*twice), adverts(*DAYS))
    assert (one.links["k"].item(), one.links["matched"].item()) == (8, 4)


def test_the_order_of_rows_changes_nothing():
    paid, ads = simulate(World(ads_per_day=100, posters=200))
    links = link_payments(paid, ads)
    turn = np.random.default_rng(3)
    order, other = turn.permutation(paid.height), turn.permutation(ads.height)
    again = link_payments(paid[order], ads[other])
    assert_frame_equal(links.links, again.links)
    back = again.matches.with_columns(
        payment=pl.Series(order).cast(pl.UInt32).gather(again.matches["payment"]),
        ad=pl.Series(other).cast(pl.UInt32).gather(again.matches["ad"]),
    ).sort("payer", "cluster", "payment", "ad")
    assert_frame_equal(links.matches, back)


@pytest.mark.parametrize("slots", [0.0, 0.3])
def test_true_payers_are_tied_and_coincidences_are_not_even_where_posters_share_slots(slots):
    figures = measured(*simulate(World(ads_per_day=1_000, posters=2_000, slots=slots, prices=8)), Linking())
    assert figures["payers"] > 100
    assert figures["precision"] >= 0.98
    assert figures["recall"] >= 0.8
    assert figures["raw_precision"] < 0.9
    assert figures["match_precision"] >= 0.95


def test_nothing_in_nothing_out():
    assert link_payments(payments(*DAYS).clear(), adverts()).links.is_empty()
    assert link_payments(payments(*DAYS), adverts().clear()).links.is_empty()
