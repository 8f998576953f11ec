"""Standing: accounts against the accounts like them."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl
import pytest

from finpat.config import Settings
from finpat.features import build_features
from finpat.features.base import read_legs
from finpat.features.standing import COMPARED, home_places, peer_groups
from finpat.ledger import build_ledger
from tests import factory
from tests.factory import at

PEAK = "paid_in_minor_30d_peak_among_peers"


def accounts_of(amounts, prefix="A", **changes):
    """One incoming payment each."""
    return [
        {"account_id": f"{prefix}{row:03}", "counterparty_id": "Z", "amount_minor": amount, **changes}
        for row, amount in enumerate(amounts)
    ]


def table_of(*rows, accounts=None):
    return build_features(factory.ledger(*rows, accounts=accounts), Settings())


def test_of_29_peers_nothing_is_said_and_of_30_each_is_judged():
    few = table_of(*accounts_of([100_00] * 28 + [150_00]))
    assert few["peer_count"].unique().to_list() == [29]
    assert few[PEAK].null_count() == 29
    enough = table_of(*accounts_of([100_00] * 29 + [150_00]))
    assert enough["peer_count"].unique().to_list() == [30]
    assert enough[PEAK].to_list() == [0.0] * 29 + [50.0]  # all alike: measured in single dollars


def test_the_deviation_is_robust_and_one_outlier_moves_nobody_else():
    amounts = [(100 + row) * 100 for row in range(41)]
    calm = table_of(*accounts_of(amounts))[PEAK].to_list()
    assert calm[0] == pytest.approx(-20 / (1.4826 * 10))
    wild = table_of(*accounts_of([*amounts[:40], 990_00]))[PEAK].to_list()
    assert wild[:40] == calm[:40]
    assert wild[40] > 50


def test_members_whose_value_is_unknown_are_no_peers_of_that_feature():
    rows = accounts_of([100_00] * 30) + accounts_of([100_00], "B", direction="debit")
    table = table_of(*rows)
    assert table["peer_count"].unique().to_list() == [31]
    assert table["cash_in_share_among_peers"].null_count() == 1  # who was never paid has no share
    few = table_of(*rows[1:])
    assert few["cash_in_share_among_peers"].null_count() == few.height


@pytest.mark.parametrize(
    ("column", "one", "other"),
    [
        ("holder_type", "person", "business"),
        ("holder_type", "person", None),
        ("opened_on", date(2026, 2, 1), date(2020, 2, 1)),
        ("opened_on", date(2026, 2, 1), None),
    ],
)
def test_holders_and_ages_that_differ_or_are_unknown_are_different_groups(column, one, other):
    rows = accounts_of([100_00] * 60)
    values = [one if row % 2 else other for row in range(60)]
    holders = pl.DataFrame({"account_id": [row["account_id"] for row in rows], column: values})
    assert table_of(*rows, accounts=holders)["peer_count"].unique().to_list() == [30]


def test_accounts_of_another_currency_and_of_another_turnover_are_no_peers():
    rows = [
        *accounts_of([100_00] * 3),
        *accounts_of([100_00] * 4, "B", currency="SEK"),
        *accounts_of([99_999_00] * 5, "C"),
        *accounts_of([100_000_00] * 6, "D"),
    ]
    assert table_of(*rows)["peer_count"].to_list() == [3] * 3 + [4] * 4 + [5] * 5 + [6] * 6


def test_turnover_counts_by_month_from_the_first_payment_to_the_last():
    rows = accounts_of([100_00] * 2) + [
        {"account_id": "B", "booked_at": at(day), "amount_minor": 100_00} for day in range(0, 301, 30)
    ]
    assert table_of(*rows)["peer_count"].to_list() == [3, 3, 3]


def test_the_home_is_where_most_payments_happened_and_the_first_met_of_several():
    ledger = factory.ledger(
        *(
            {"account_id": "A", "booked_at": at(day), "city": city, "country": "BG", "direction": "debit"}
            for day, city in enumerate(["Ruse", "Varna", None, "Varna"])
        ),
        *(
            {"account_id": "B", "booked_at": at(day), "city": city, "direction": "debit"}
            for day, city in enumerate(["Ruse", "Varna"])
        ),
        {"account_id": "C", "city": None},
        {"account_id": "D", "city": "Varna", "country": "BG", "direction": "debit"},
        {"account_id": "E", "city": "Varna", "country": "RU", "direction": "debit"},
    )
    home = home_places(read_legs(ledger)).tolist()
    assert home[0] == home[3] != home[4]  # a name in two countries is two places
    assert home[1] not in (home[0], home[4])
    assert home[2] == -1


def test_the_city_of_money_that_others_send_is_nobodys_home_and_no_place_of_the_account():
    ledger = factory.ledger(
        *[{"account_id": "A", "booked_at": at(day), "city": "Ruse", "channel": "p2p"} for day in range(3)],
        {"account_id": "A", "booked_at": at(4), "city": "Varna", "direction": "debit", "channel": "p2p"},
        {"account_id": "B", "city": "Ruse", "channel": "p2p"},
        {"account_id": "C", "city": "Varna", "channel": "cash"},
    )
    home = home_places(read_legs(ledger)).tolist()
    assert home[0] == home[2] >= 0
    assert home[1] == -1
    table = build_features(ledger, Settings(threads=1))
    assert table["city_count"].to_list() == [1, None, 1]
    assert table["city_change_count"].to_list() == [0, None, 0]


def test_the_size_of_the_home_place_is_counted_in_accounts():
    rows = accounts_of([100_00] * 100, city="Sofia", channel="cash")
    rows += accounts_of([100_00] * 99, "B", city="Ruse", channel="cash")
    rows += accounts_of([100_00] * 2, "C")
    legs = read_legs(factory.ledger(*rows))
    groups = peer_groups(build_features(legs.ledger, Settings()), legs)
    assert groups["place"].to_list() == [1] * 100 + [0] * 99 + [None] * 2


def test_neither_threads_nor_the_order_of_rows_matter():
    rows = [
        {"account_id": f"A{row:03}", "counterparty_id": f"P{(row * step) % 17}",
         "booked_at": at(step * 3, row % 24), "city": ("Ruse", "Varna", None)[row % 3],
         "amount_minor": 50_00 + (row * 7919 + step * 104_729) % 40_000,
         "direction": "debit" if (row + step) % 3 else "credit",
         "channel": "cash" if (row + step) % 2 else "transfer", "local_zone": "Europe/Sofia"}
        for row in range(90)
        for step in range(8)
    ]  # fmt: skip
    table = factory.payments(*rows)
    one, other = (
        build_features(build_ledger(frame), Settings(threads=threads))
        for frame, threads in ((table, 1), (table.sample(fraction=1.0, shuffle=True, seed=4), 2))
    )
    wanted = ["peer_count", *(f"{name}_among_peers" for name in COMPARED)]
    assert one.select(wanted).equals(other.select(wanted))
    assert any(one[name].drop_nulls().n_unique() > 3 for name in wanted[1:])


def test_an_account_opened_later_than_the_last_payment_is_a_young_one():
    rows = accounts_of([100_00] * 2)
    opened = [at(0).date() + timedelta(days=9), at(0).date()]
    holders = pl.DataFrame({"account_id": ["A000", "A001"], "opened_on": opened})
    assert table_of(*rows, accounts=holders)["peer_count"].to_list() == [2, 2]
