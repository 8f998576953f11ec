"""Premises and fronts: HT-RES-01, HT-RES-02, HT-FRT-01 to HT-FRT-06."""

from datetime import timedelta

import polars as pl
import pytest

from tests.factory import at
from tests.indicators.support import found, judge, ledger, missing, values


def paid(day, who="L", amount=500, **changes):
    return {
        "booked_at": at(day),
        "amount_minor": round(amount * 100),
        "direction": "debit",
        "counterparty_id": who,
        **changes,
    }


def got(day, who="P", amount=500, **changes):
    return paid(day, who, amount, **{"direction": "credit", **changes})


PERSON = pl.DataFrame({"account_id": ["A"], "holder_type": ["person"]})

# HT-RES-01; the first of a test is the second of March.

RENTS = [paid(month + n, f"L{n}", description="Rent") for month in (0, 35) for n in range(3)]


def test_rent_to_three_landlords_in_two_months_is_found():
    data = ledger(*RENTS, accounts=PERSON)
    assert values("HT-RES-01", data) == {"month_count": 2, "landlord_count": 3, "sum": 3_000}


A_YEAR_LATER = [{**row, "booked_at": at(380 + n)} for n, row in enumerate(RENTS[3:])]


@pytest.mark.parametrize(
    ("why", "rows"),
    [
        ("one month is few", RENTS[:3]),
        ("two landlords in the second month", RENTS[:5]),
        ("one landlord twice", [*RENTS[:5], paid(37, "L1", description="Rent")]),
        ("the third is paid a month later", [*RENTS[:5], paid(65, "L2", description="Rent")]),
        ("the second month comes a year later", RENTS[:3] + A_YEAR_LATER),
        ("one of them is no rent", [*RENTS[:5], paid(37, "L2", description="bread")]),
        ("one landlord is unknown", [*RENTS[:5], paid(37, None, description="Rent")]),
    ],
)  # fmt: skip
def test_several_rents_are_not_found_when(why, rows):
    assert found("HT-RES-01", ledger(*rows, accounts=PERSON)) == []


def test_a_business_may_rent_what_it_likes_and_an_unknown_holder_is_named():
    shop = PERSON.with_columns(holder_type=pl.lit("business"))
    assert found("HT-RES-01", ledger(*RENTS, accounts=shop)) == []
    data = ledger(*RENTS, got(0, account_id="B"), accounts=PERSON.with_columns(account_id=pl.lit("B")))
    assert missing("HT-RES-01", data) == [("A", "holder_type")]


# HT-RES-02

RATES = [paid(0, city="Brno", description="property tax"), paid(9, city="Olomouc", description="electricity")]


def lives_at(address):
    return pl.DataFrame({"account_id": ["A"], "address": [address]})


def test_rates_in_two_towns_one_of_which_is_in_no_address_are_found():
    data = ledger(*RATES, accounts=lives_at("Dlouhá 3, 602 00 BRNO"))
    told = values("HT-RES-02", data)
    assert told == {"town_count": 2, "foreign_count": 1, "payment_count": 2, "sum": 1_000}


@pytest.mark.parametrize(
    ("why", "rows", "address"),
    [
        ("both are in the address", RATES, "Brno; Olomouc"),
        ("one town is few", RATES[:1], "Praha"),
        ("it is one town", [RATES[0], {**RATES[1], "city": "BRNO"}], "Praha"),
        ("income tax is paid anywhere", [RATES[0], {**RATES[1], "description": "income tax"}], "Praha"),
        ("the second comes a year later", [RATES[0], {**RATES[1], "booked_at": at(365)}], "Praha"),
    ],
)
def test_several_towns_are_not_found_when(why, rows, address):
    assert found("HT-RES-02", ledger(*rows, accounts=lives_at(address))) == []


def test_unknown_towns_and_addresses_are_named():
    elsewhere = lives_at("Brno").with_columns(account_id=pl.lit("B"))
    assert missing("HT-RES-02", ledger(*RATES, got(0, account_id="B"), accounts=elsewhere)) == [
        ("A", "address")
    ]
    placeless = [{**row, "city": None} for row in RATES]
    data = ledger(*placeless, got(0, account_id="B", city="Brno"), accounts=lives_at("Brno"))
    assert missing("HT-RES-02", data) == [("A", "city")]


# HT-FRT-01


def taken(account, day, hour, **changes):
    common = {"channel": "card", "merchant_category": "7230", "local_zone": "Etc/UTC"}
    return got(day, "C", 50, account_id=account, **common) | {"booked_at": at(day, hour - 12), **changes}


PEERS = [taken(f"p{n:02}", day, 10 + day % 8) for n in range(30) for day in range(16)]
LATE = [taken("A", day, hour) for day in range(10) for hour in (23, 11, 13)]
SHOPS = pl.DataFrame(
    {"account_id": ["A", *[f"p{n:02}" for n in range(30)]], "holder_type": ["business"] * 31}
)


def test_card_receipts_at_hours_without_trade_are_found():
    data = ledger(*LATE, *PEERS, accounts=SHOPS)
    assert found("HT-FRT-01", data) == ["A"]
    told = values("HT-FRT-01", data)
    assert told == {
        "odd_count": 10,
        "odd_share_found": pytest.approx(1 / 3),
        "day_count": 10,
        "receipt_count": 30,
        "odd": 500,
    }
    assert len(judge("HT-FRT-01", data).evidence) == 10


@pytest.mark.parametrize(
    ("why", "rows"),
    [
        ("nine are few", LATE[3:]),
        ("the first is a month old", [{**LATE[0], "booked_at": at(-22, 11)}, *LATE[1:]]),
        ("two fall on one date", [{**LATE[0], "booked_at": at(1, 10)}, *LATE[1:]]),
        ("most come by day", [*LATE, *[taken("A", day, 14) for day in range(4)]]),
        ("money out is no receipt", [{**row, "direction": "debit"} for row in LATE]),
    ],
)  # fmt: skip
def test_after_hours_are_not_found_when(why, rows):
    assert found("HT-FRT-01", ledger(*rows, *PEERS, accounts=SHOPS)) == []


def test_three_tenths_of_the_receipts_are_enough():
    more = [taken("A", day, 14) for day in range(3)]
    assert found("HT-FRT-01", ledger(*LATE, *more, *PEERS, accounts=SHOPS)) == ["A"]


def test_a_trade_that_runs_past_midnight_keeps_its_night():
    night = [taken("A", day, hour) for day in range(10) for hour in (23, 26)]
    bars = [{**row, "booked_at": row["booked_at"] + timedelta(hours=12)} for row in PEERS]
    assert found("HT-FRT-01", ledger(*night, *PEERS, accounts=SHOPS)) == ["A"]
    assert found("HT-FRT-01", ledger(*night, *bars, accounts=SHOPS)) == []


def test_fewer_than_thirty_businesses_of_a_kind_are_no_peers():
    data = ledger(*LATE, *PEERS[32:], accounts=SHOPS)
    assert ("A", "peer group of 30 businesses") in missing("HT-FRT-01", data)


def test_a_person_is_no_business_and_hours_and_categories_have_to_be_known():
    persons = SHOPS.with_columns(holder_type=pl.lit("person"))
    assert found("HT-FRT-01", ledger(*LATE, *PEERS, accounts=persons)) == []
    for field, told in (("local_zone", "local_hour"), ("merchant_category", "merchant_category")):
        rows = [{**row, field: None} for row in LATE]
        assert missing("HT-FRT-01", ledger(*rows, *PEERS, accounts=SHOPS)) == [("A", told)]


# HT-FRT-02

CASH = [got(7 * n, "CASH", 100, channel="cash") for n in range(8)]


def test_eight_cash_deposits_and_nothing_else_are_found():
    assert values("HT-FRT-02", ledger(*CASH)) == {"deposit_count": 8, "sum": 800}


@pytest.mark.parametrize(
    ("why", "rows"),
    [
        ("seven are few", CASH[:7]),
        ("the first is two months old", [{**CASH[0], "booked_at": at(-11)}, *CASH[1:]]),
        ("a transfer comes in", [*CASH, got(20, "E")]),
        ("a card receipt comes in", [*CASH, got(20, "E", channel="card")]),
        ("a wage comes in", [*CASH, got(20, "E", channel="other", description="wages")]),
        ("cash is drawn", [{**row, "direction": "debit"} for row in CASH]),
    ],
)
def test_cash_only_is_not_found_when(why, rows):
    assert found("HT-FRT-02", ledger(*rows)) == []


def test_what_goes_out_or_comes_from_persons_is_no_living():
    rows = [paid(3, "S", channel="card"), got(4, "F", channel="p2p")]
    assert found("HT-FRT-02", ledger(*CASH, *rows)) == ["A"]


# HT-FRT-05

OWN = pl.DataFrame({"account_id": ["A", "B"], "holder_id": ["h", "h"], "holder_type": ["business"] * 2})
ROUND = [paid(n, "AB"[1 - n % 2], 1_000, account_id="AB"[n % 2], mirrored=True) for n in range(6)]


def test_money_that_goes_round_between_two_accounts_of_one_owner_is_found():
    data = ledger(*ROUND, accounts=OWN)
    assert found("HT-FRT-05", data) == ["A", "B"]
    result = judge("HT-FRT-05", data).findings["values"].to_list()[0]
    told = {value["name"]: value["value"] for value in result}
    assert (told["transfer_count"], told["turnover"], told["moved"]) == (6, 6_000, 0)


@pytest.mark.parametrize(("back", "expected"), [(455, ["A", "B"]), (454, [])])
def test_ten_times_as_much_is_moved_as_remains(back, expected):
    # 5 000 go there and back, and of 1 000 more not all comes back.
    rows = [*ROUND[:5], paid(5, "A", back, account_id="B", mirrored=True)]
    assert found("HT-FRT-05", ledger(*rows, accounts=OWN)) == expected


@pytest.mark.parametrize(
    ("why", "rows"),
    [
        ("five are few", ROUND[:5]),
        ("the sixth comes two months after the first", [*ROUND[:5], {**ROUND[5], "booked_at": at(60)}]),
        ("it stays", [{**row, "account_id": "A", "counterparty_id": "B"} for row in ROUND]),
        ("it goes to others", [{**row, "counterparty_id": "C", "mirrored": False} for row in ROUND]),
    ],
)
def test_circulation_is_not_found_when(why, rows):
    assert found("HT-FRT-05", ledger(*rows, accounts=OWN)) == []


def test_two_owners_or_a_person_do_not_circulate():
    for changes in ({"holder_id": ["h", "i"]}, {"holder_type": ["person"] * 2}):
        holders = OWN.with_columns(**{name: pl.Series(column) for name, column in changes.items()})
        assert found("HT-FRT-05", ledger(*ROUND, accounts=holders)) == []
    assert missing("HT-FRT-05", ledger(*ROUND, accounts=OWN.select("account_id", "holder_type"))) == [
        (None, "holder_id")
    ]


# HT-FRT-06

BILLS = [
    got(n, f"{bank}0000000000", 100, description="credit card payment")
    for n, bank in enumerate(("DE02AAAA", "DE02BBBB", "FR02AAAA"))
]
DRAWN = [paid(5, "S", 70, channel="card"), paid(6, None, 30, channel="atm")]


def test_a_card_paid_from_three_banks_and_drawn_in_cash_is_found():
    data = ledger(*BILLS, *DRAWN)
    assert values("HT-FRT-06", data) == {"bank_count": 3, "advance_share": 0.3, "advance": 30}


@pytest.mark.parametrize(
    ("why", "rows"),
    [
        ("two banks are few", [*BILLS[:2], {**BILLS[2], "counterparty_id": "DE55AAAA9999999999"}, *DRAWN]),
        ("the first is a month old", [{**BILLS[0], "booked_at": at(-24)}, *BILLS[1:], *DRAWN]),
        ("too little is cash", [*BILLS, DRAWN[0], paid(6, None, 29.99, channel="atm")]),
        ("one pays for something else", [*BILLS[:2], {**BILLS[2], "description": "gift"}, *DRAWN]),
        ("nothing is drawn", BILLS),
    ],
)
def test_card_advances_are_not_found_when(why, rows):
    assert found("HT-FRT-06", ledger(*rows)) == []


def test_banks_that_no_iban_tells_are_named():
    rows = [{**row, "counterparty_id": f"payer {n}"} for n, row in enumerate(BILLS)]
    assert missing("HT-FRT-06", ledger(*rows, *DRAWN)) == [("A", "IBAN of the payer")]


def test_amounts_of_two_currencies_are_never_summed():
    foreign = paid(6, None, 1_000, channel="atm", currency="JPY")
    assert found("HT-FRT-06", ledger(*BILLS, DRAWN[0], foreign)) == []


# HT-FRT-03: thirty shops that take 100 a day and pay 500 a month for rent, and one that takes more.


def shop(name, taking, rent, count=100):
    """A shop's receipts, one a day, and its rent; its money begins ninety days before the first window."""
    common = {"account_id": name, "merchant_category": "5812", "channel": "card"}
    rows = [got(day, "C", taking, **common) for day in range(count)]
    return rows + [
        paid(day, "L", rent, account_id=name, description="Rent", channel="transfer")
        for day in (5, 35, 65, 95)
    ]


SHOP_PEERS = [row for n in range(30) for row in shop(f"p{n:02}", 100, 500)]


def test_takings_far_above_the_trade_with_less_rent_are_found():
    data = ledger(*shop("A", 300, 100), *SHOP_PEERS, accounts=SHOPS)
    assert found("HT-FRT-03", data) == ["A"]
    (told,) = judge("HT-FRT-03", data).findings.filter(account_id="A")["values"].to_list()
    # 90 receipts in 90 days, and the three rents of a window.
    assert [(value["name"], value["value"], value["threshold"]) for value in told] == [
        ("inflow", 27_000, 22_500),
        ("cost", 300, 1_500),
    ]


@pytest.mark.parametrize(("taking", "expected"), [(250, ["A"]), (249.99, [])])
def test_two_and_a_half_times_the_trade_is_enough(taking, expected):
    assert found("HT-FRT-03", ledger(*shop("A", taking, 100), *SHOP_PEERS, accounts=SHOPS)) == expected


@pytest.mark.parametrize(("rent", "expected"), [(499.99, ["A"]), (500, [])])
def test_as_much_rent_as_the_trade_pays_is_footprint_enough(rent, expected):
    assert found("HT-FRT-03", ledger(*shop("A", 300, rent), *SHOP_PEERS, accounts=SHOPS)) == expected


@pytest.mark.parametrize(
    ("why", "rows", "accounts"),
    [
        ("it is a person", shop("A", 300, 100), SHOPS.with_columns(holder_type=pl.lit("person"))),
        ("it has been there for less than ninety days", shop("A", 300, 0, count=90)[:90], SHOPS),
    ],
)
def test_takings_are_not_found_when(why, rows, accounts):
    assert found("HT-FRT-03", ledger(*rows, *SHOP_PEERS, accounts=accounts)) == []


def test_a_trade_of_fewer_than_thirty_and_an_unknown_trade_are_not_judged():
    few = [row for row in SHOP_PEERS if row["account_id"] not in ("p28", "p29")]
    data = ledger(*shop("A", 300, 100), *few, accounts=SHOPS)
    assert ("A", "peer group of 30 businesses") in missing("HT-FRT-03", data)
    unknown = [{**row, "merchant_category": None} for row in shop("A", 300, 100)]
    assert missing("HT-FRT-03", ledger(*unknown, *SHOP_PEERS, accounts=SHOPS)) == [("A", "merchant_category")]


# HT-FRT-04

BOTH = pl.DataFrame({"account_id": ["A", "B"], "holder_type": ["person", "business"]})


def through(day, amount=1_000, to_business=1_000, drawn=1_000, pay_after=5.0, draw_after=20.0):
    """A person gets money, pays it to a business, and the business draws it in cash."""
    pay, draw = day + pay_after / 24, day + (pay_after + draw_after) / 24
    return [
        got(day, f"P{day}", amount, account_id="A", channel="p2p"),
        paid(pay, "B", to_business, account_id="A", mirrored=True),
        paid(draw, "CASH", drawn, account_id="B", channel="atm"),
    ]


PARKED = [row for day in (0, 6, 12) for row in through(day)]


def test_money_parked_in_a_business_and_drained_is_found_on_both_accounts():
    result = judge("HT-FRT-04", ledger(*PARKED, accounts=BOTH))
    rows = result.findings.filter(state="found").sort("account_id").to_dicts()
    assert [(row["account_id"], row["role"]) for row in rows] == [("A", "PC"), ("B", "BIZ")]
    told = {value["name"]: value["value"] for value in rows[0]["values"]}
    assert told == {"episode_count": 3, "parked": 3_000}
    assert result.evidence["row"].n_unique() == 9


def test_two_statements_of_one_payment_are_one_payment():
    rows = []
    for row in PARKED:
        rows.append({**row, "mirrored": False})
        if row["counterparty_id"] == "B":
            other = {"account_id": "B", "counterparty_id": "A", "direction": "credit", "mirrored": False}
            rows.append({**row, **other})
    assert found("HT-FRT-04", ledger(*rows, accounts=BOTH)) == ["A", "B"]


@pytest.mark.parametrize(
    ("why", "changes", "expected"),
    [
        ("at the bounds", {"to_business": 800, "drawn": 640, "pay_after": 24, "draw_after": 72}, ["A", "B"]),
        ("too little goes to the business", {"to_business": 799.99}, []),
        ("too little leaves it", {"drawn": 799.99}, []),
        ("it goes there a moment too late", {"pay_after": 24.001}, []),
        ("it leaves a moment too late", {"draw_after": 72.001}, []),
    ],
)
def test_parking_counts_up_to_its_bounds(why, changes, expected):
    rows = [*through(0, **changes), *PARKED[3:]]
    assert found("HT-FRT-04", ledger(*rows, accounts=BOTH)) == expected, why


def altered(account, **changes):
    """What `account` books outside its payments to the business, changed."""
    return [
        {**row, **changes} if row["account_id"] == account and row["counterparty_id"] != "B" else row
        for row in PARKED
    ]


@pytest.mark.parametrize(
    ("why", "rows", "accounts"),
    [
        ("two are few", PARKED[:6], BOTH),
        ("the third comes a month after the first", [*PARKED[:6], *through(30)], BOTH),
        ("both are persons", PARKED, BOTH.with_columns(holder_type=pl.lit("person"))),
        ("both are businesses", PARKED, BOTH.with_columns(holder_type=pl.lit("business"))),
        ("an employer pays in", altered("A", channel="transfer"), BOTH),
        ("the business pays a supplier", altered("B", channel="transfer", counterparty_id="S"), BOTH),
    ],
)  # fmt: skip
def test_parking_is_not_found_when(why, rows, accounts):
    assert found("HT-FRT-04", ledger(*rows, accounts=accounts)) == []
