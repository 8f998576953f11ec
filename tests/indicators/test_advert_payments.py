"""Advert payments without an advert feed: HT-ADS-01, 07, 08, 09, 10, 13, 18."""

import polars as pl
import pytest

from tests.factory import at
from tests.indicators.support import found, judge, ledger, missing, values


def advert(day, amount=24, **changes):
    """A payment to an advertising platform."""
    return {
        "booked_at": at(day),
        "amount_minor": round(amount * 100),
        "direction": "debit",
        "channel": "card",
        "counterparty_id": "P",
        "merchant_category": "7311",
        **changes,
    }


def other(day, amount=24, **changes):
    return advert(day, amount, **{"merchant_category": "5411", **changes})


def got(day, amount, **changes):
    """Money from a person."""
    common = {"booked_at": at(day), "amount_minor": round(amount * 100), "channel": "p2p"}
    return {**common, "counterparty_id": "X", **changes}


# HT-ADS-01

SMALL = [advert(day) for day in range(6)]


def test_six_small_advert_payments_at_the_platforms_price_are_found():
    assert values("HT-ADS-01", ledger(*SMALL)) == {"payment_count": 6, "price_share": 1.0, "sum": 144}


@pytest.mark.parametrize(
    ("why", "rows"),
    [
        ("five are few", SMALL[:5]),
        ("the sixth comes a week after the first", [*SMALL[:5], advert(7)]),
        ("half are not small", SMALL[:2] + [advert(day, 60) for day in range(2, 6)]),
        ("no price is seen twice", [advert(day, 20 + day) for day in range(6)]),
        ("no category says adverts", [other(day) for day in range(6)]),
        ("money back is no payment", [{**row, "direction": "credit"} for row in SMALL]),
        ("one of them failed", [*SMALL[:5], advert(5, status="failed")]),
    ],
)
def test_small_repeated_payments_are_not_found_when(why, rows):
    assert found("HT-ADS-01", ledger(*rows)) == []


@pytest.mark.parametrize(("median", "expected"), [(50, ["A"]), (50.01, [])])
def test_half_of_the_payments_are_of_at_most_fifty_units(median, expected):
    rows = [advert(day, median) for day in range(3)] + [advert(day, 80) for day in range(3, 6)]
    assert found("HT-ADS-01", ledger(*rows)) == expected


@pytest.mark.parametrize(("odd", "expected"), [(2, ["A"]), (3, [])])
def test_six_of_ten_amounts_are_prices_of_the_platform(odd, expected):
    rows = [advert(day, 20 + (day if day < odd else 30)) for day in range(6)]
    crowd = [advert(day, 50, account_id=f"o{day}") for day in range(30)]
    assert found("HT-ADS-01", ledger(*rows, *crowd), min_price_share=0.6) == expected


def test_payments_in_two_accounts_of_one_person_count_together():
    rows = [{**row, "account_id": "AB"[n % 2], "counterparty_id": "P"} for n, row in enumerate(SMALL)]
    holders = pl.DataFrame({"account_id": ["A", "B"], "holder_id": ["h", "h"]})
    assert found("HT-ADS-01", ledger(*rows, accounts=holders)) == ["A", "B"]
    assert found("HT-ADS-01", ledger(*rows)) == []


def test_without_category_payee_or_text_adverts_cannot_be_judged():
    data = ledger(*[{**row, "merchant_category": None} for row in SMALL])
    for indicator in ("01", "07", "08", "09", "10", "13", "18"):
        ((account, field),) = missing(f"HT-ADS-{indicator}", data)
        assert account is None
        assert "merchant" in field


# HT-ADS-07

CROWD = [advert(day, 20, account_id=f"o{day}") for day in range(40)]
TOP = [advert(day, 90) for day in range(4)]


def test_four_premium_payments_are_found():
    assert values("HT-ADS-07", ledger(*TOP, *CROWD)) == {"payment_count": 4, "sum": 360}


@pytest.mark.parametrize(
    ("why", "rows"),
    [
        ("three are few", [*TOP[:3], *CROWD]),
        ("the fourth comes a month after the first", [*TOP[:3], advert(30, 90), *CROWD]),
        ("below the top tenth", [*TOP, *[{**row, "amount_minor": 95_00} for row in CROWD[:10]], *CROWD[10:]]),
        ("all pay alike", [advert(day, 20) for day in range(4)] + CROWD),
    ],
)
def test_premium_placement_is_not_found_when(why, rows):
    assert found("HT-ADS-07", ledger(*rows)) == []


def test_a_platform_with_few_payments_is_not_judged():
    assert missing("HT-ADS-07", ledger(*TOP, *CROWD[:25])) == [("A", "30 payments to the platform")]
    assert missing("HT-ADS-07", ledger(*TOP, *CROWD[:26])) == []


# HT-ADS-08

ABROAD = [advert(day, country="NL") for day in range(5)]
HOME = pl.DataFrame({"account_id": ["A"], "country": ["DE"]})


def test_five_advert_payments_abroad_are_found():
    assert values("HT-ADS-08", ledger(*ABROAD, accounts=HOME)) == {
        "payment_count": 5,
        "country_count": 1,
        "sum": 120,
    }


@pytest.mark.parametrize(
    ("why", "rows"),
    [
        ("four are few", ABROAD[:4]),
        ("one is at home", [*ABROAD[:4], advert(4, country="de ")]),
        ("the fifth comes a month after the first", [*ABROAD[:4], advert(30, country="NL")]),
        ("bread is no advert", [*ABROAD[:4], other(4, country="NL")]),
    ],
)
def test_sites_abroad_are_not_found_when(why, rows):
    assert found("HT-ADS-08", ledger(*rows, accounts=HOME)) == []


def test_an_unknown_country_of_the_payment_or_of_the_holder_is_named():
    nowhere = [{**row, "country": None} for row in ABROAD]
    assert missing("HT-ADS-08", ledger(*nowhere, accounts=HOME)) == [("A", "country")]
    assert missing("HT-ADS-08", ledger(*nowhere, other(9, country="DE"), accounts=HOME)) == [("A", "country")]
    homeless = HOME.with_columns(account_id=pl.lit("B"))
    assert missing("HT-ADS-08", ledger(*ABROAD, accounts=homeless)) == [("A", "country of the holder")]
    assert missing("HT-ADS-08", ledger(*nowhere)) == [(None, "country")]


# HT-ADS-09

FUNDED = [row for day in range(4) for row in (got(day, 24), advert(day + 0.5))]


def test_adverts_paid_with_money_just_received_are_found():
    result = judge("HT-ADS-09", ledger(*FUNDED))
    (row,) = result.findings.rows(named=True)
    assert (row["account_id"], row["window_start"], row["window_end"]) == ("A", at(0), at(3.5))
    assert len(result.evidence) == 8
    assert values("HT-ADS-09", ledger(*FUNDED)) == {
        "funded_count": 4,
        "funded_share": 1.0,
        "payment_count": 4,
        "sum": 96,
    }


def test_cash_funds_adverts_too():
    rows = [{**row, "channel": "cash"} if row["channel"] == "p2p" else row for row in FUNDED]
    assert found("HT-ADS-09", ledger(*rows)) == ["A"]


@pytest.mark.parametrize(
    ("why", "rows"),
    [
        ("three are few", FUNDED[:6]),
        ("the money is older than a day", [*FUNDED[:6], got(3, 24), advert(4.001)]),
        ("the receipt does not cover it", [*FUNDED[:6], got(3, 23.99), advert(3.5)]),
        ("older means are used first", [got(-9, 24), *FUNDED]),
        ("wages are no gift", [*FUNDED[:6], got(3, 24, channel="transfer"), advert(3.5)]),
        ("the fourth comes a month later", [*FUNDED[:6], got(40, 24), advert(40.5)]),
        (
            "most were paid out of older means",
            [got(-9, 48), advert(-2), advert(-1), *FUNDED],
        ),
    ],
)
def test_adverts_are_not_found_paid_with_money_just_received_when(why, rows):
    assert found("HT-ADS-09", ledger(*rows)) == []


def test_the_money_may_be_exactly_a_day_old():
    assert found("HT-ADS-09", ledger(*FUNDED[:6], got(3, 24), advert(4))) == ["A"]


# HT-ADS-10


def prepaid(day, amount, **changes):
    return advert(day, amount, **{"merchant_category": "6540", **changes})


def crypto(day, amount, **changes):
    return advert(day, amount, **{"merchant_category": "6051", **changes})


def links(day, bought=100, buy_after=1.0, spend_after=1.0):
    return [
        prepaid(day, 100),
        crypto(day + buy_after, bought),
        advert(day + buy_after + spend_after, 40, channel="crypto"),
    ]


def test_two_chains_of_prepaid_card_crypto_and_advert_are_found():
    data = ledger(*links(0), *links(20))
    result = judge("HT-ADS-10", data)
    assert result.findings["window_start"].to_list() == [at(0)]
    assert len(result.evidence) == 6
    assert values("HT-ADS-10", data) == {"chain_count": 2, "bought": 200}


@pytest.mark.parametrize(
    ("why", "second"),
    [
        ("one is few", []),
        ("too little goes into crypto", links(20, bought=79.99)),
        ("more goes into crypto", links(20, bought=105.01)),
        ("the purchase comes after three days", links(20, buy_after=3.001)),
        ("the advert comes after three days", links(20, spend_after=3.001)),
        ("the second comes two months after the first", links(60)),
        ("one step is missing", links(20)[:2]),
        ("the order is another", [crypto(20, 100), prepaid(21, 100), advert(22)]),
    ],
)
def test_a_prepaid_chain_is_not_found_when(why, second):
    assert found("HT-ADS-10", ledger(*links(0), *second)) == []


@pytest.mark.parametrize("changes", [{"bought": 80}, {"bought": 105}, {"buy_after": 3}, {"spend_after": 3}])
def test_a_prepaid_chain_is_found_at_its_bounds(changes):
    assert found("HT-ADS-10", ledger(*links(0), *links(20, **changes))) == ["A"]


def test_each_payment_belongs_to_one_chain():
    rows = [prepaid(0, 100), crypto(1, 100), crypto(1.1, 100), advert(2), advert(2.1)]
    assert found("HT-ADS-10", ledger(*rows, prepaid(50, 100))) == []


def test_the_steps_of_a_chain_may_share_a_date():
    rows = [*links(0, buy_after=0, spend_after=0), *links(9, buy_after=0, spend_after=0)]
    for order in (rows, rows[::-1]):
        assert found("HT-ADS-10", ledger(*[{**row, "has_time": False} for row in order])) == ["A"]


def test_a_load_of_the_own_prepaid_account_begins_a_chain():
    rows = [
        {**row, "direction": "credit", "channel": "prepaid"} if row["merchant_category"] == "6540" else row
        for row in links(0) + links(20)
    ]
    assert found("HT-ADS-10", ledger(*rows)) == ["A"]


# HT-ADS-13

MASSES = [advert(day + n * n / 900) for day in range(3) for n in range(15)]
EVEN = [advert(n / 3) for n in range(20)]


def test_fifteen_adverts_a_day_on_three_days_are_found():
    assert values("HT-ADS-13", ledger(*MASSES)) == {"payment_count": 45, "day_count": 3, "gap_cv": None}


def test_adverts_as_even_as_a_machines_are_found():
    told = values("HT-ADS-13", ledger(*EVEN))
    assert told == {"payment_count": 20, "day_count": None, "gap_cv": pytest.approx(0, abs=1e-6)}


@pytest.mark.parametrize(
    ("why", "rows"),
    [
        ("fourteen on the third day", MASSES[:-1]),
        ("two days", MASSES[:30]),
        ("the third day comes two weeks later", MASSES[:30] + [advert(15)] * 15),
        ("nineteen even ones", EVEN[:19]),
        ("twenty uneven ones", [advert(n * n / 40) for n in range(20)]),
        ("bread", [other(n / 3) for n in range(20)]),
    ],
)  # fmt: skip
def test_machine_regular_posting_is_not_found_when(why, rows):
    assert found("HT-ADS-13", ledger(*rows)) == []


@pytest.mark.parametrize(("jitter", "expected"), [(0.24, ["A"]), (0.26, [])])
def test_gaps_vary_by_less_than_a_quarter_of_their_mean(jitter, expected):
    # Gaps of 1 - jitter and 1 + jitter thirds of a day in turn have that variation.
    instants = [0.0]
    for n in range(20):
        instants.append(instants[-1] + (1 + (jitter if n % 2 else -jitter)) / 3)
    assert found("HT-ADS-13", ledger(*[advert(moment) for moment in instants])) == expected


def test_gaps_between_dates_cannot_be_judged():
    rows = [{**advert(n // 3), "has_time": False} for n in range(20)]
    assert missing("HT-ADS-13", ledger(*rows)) == [("A", "time")]


# HT-ADS-18

NIGHT = [
    advert(day + 11 / 24, channel="prepaid", local_zone="Etc/UTC") if day % 2 == 0
    else advert(day, local_zone="Etc/UTC")
    for day in range(6)
]  # fmt: skip


def test_anonymous_advert_payments_at_night_are_found():
    assert values("HT-ADS-18", ledger(*NIGHT)) == {
        "payment_count": 6,
        "night_share": 0.5,
        "anonymous_share": 0.5,
        "sum": 144,
    }


@pytest.mark.parametrize(
    ("why", "rows"),
    [
        ("five are few", NIGHT[:5]),
        ("most come by day", [*NIGHT[:4], advert(4, local_zone="Etc/UTC", channel="prepaid"), NIGHT[5]]),
        ("most are paid by card", [*NIGHT[:4], {**NIGHT[4], "channel": "card"}, NIGHT[5]]),
        ("the first is two weeks old", [{**NIGHT[0], "booked_at": at(-12 + 11 / 24)}, *NIGHT[1:]]),
    ],
)
def test_night_buying_is_not_found_when(why, rows):
    assert found("HT-ADS-18", ledger(*rows)) == []


def test_night_begins_at_ten_and_ends_at_six():
    def moved(hour):
        return [{**row, "booked_at": at(n, hour - 12)} for n, row in enumerate(NIGHT)]

    assert [bool(found("HT-ADS-18", ledger(*moved(hour)))) for hour in (21.9, 22, 29.9, 30)] == [
        False,
        True,
        True,
        False,
    ]


def test_payment_companies_hide_the_payer_too():
    rows = [{**row, "channel": "card", "description": "PAYPAL"} for row in NIGHT]
    assert found("HT-ADS-18", ledger(*rows)) == ["A"]


def test_without_local_hours_the_night_cannot_be_judged():
    known = {**other(0), "account_id": "Z", "local_zone": "Etc/UTC"}
    rows = [{**row, "local_zone": None} for row in NIGHT]
    assert missing("HT-ADS-18", ledger(*rows, known)) == [("A", "local_hour")]
