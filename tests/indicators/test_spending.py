"""Upkeep spending: HT-SPD-01 to HT-SPD-09."""

import polars as pl
import pytest

from finpat.config import Settings
from finpat.indicators import evaluate
from tests.factory import at
from tests.indicators.support import found, judge, ledger, missing, values

FAST_FOOD, PHARMACY, CLOTHES, SHOP, HOTEL, TAXI = "5814", "5912", "5651", "5411", "7011", "4121"
CONVENIENCE, LUXURY, TELECOM = "5541", "5944", "4814"


def spent(day, category, amount=20, **changes):
    return {
        "booked_at": at(day),
        "amount_minor": round(amount * 100),
        "direction": "debit",
        "channel": "card",
        "merchant_category": category,
        "counterparty_id": f"M{category}",
        **changes,
    }


def received(day, amount=100, payer="P", channel="p2p", **changes):
    return {
        "booked_at": at(day),
        "amount_minor": round(amount * 100),
        "channel": channel,
        "counterparty_id": payer,
        **changes,
    }


def without(rows, **changes):
    return [{**row, **changes} for row in rows]


def accounts(**columns):
    return pl.DataFrame(columns)


def monthly(rows):
    """`rows`, a month between each and the next."""
    return [{**row, "booked_at": at(30 * n)} for n, row in enumerate(rows)]


# HT-SPD-01

KINDS = (FAST_FOOD, PHARMACY, CLOTHES, SHOP, HOTEL, TAXI)


def peers(count=30, kinds=KINDS):
    """Accounts that buy one thing of each kind."""
    return [spent(0, kind, account_id=f"p{n:02}") for n in range(count) for kind in kinds]


def household(kinds=4, each=3):
    """Each kind three times: two spreads of one above the peers' one."""
    return [spent(1 + n / 4, kind) for kind in KINDS[:kinds] for n in range(each)]


THIRD_PARTY = [received(0.5, 60), received(0.5, 40, channel="transfer")]


def test_a_basket_far_above_peers_paid_by_persons_is_found():
    told = values("HT-SPD-01", ledger(*peers(), *household(), *THIRD_PARTY))
    assert told == {"kind_count": 4, "purchase_count": 12, "third_party_share": 0.6}


@pytest.mark.parametrize(
    ("why", "rows"),
    [
        ("three kinds", [*household(3), *THIRD_PARTY]),
        ("two of each kind are less than two spreads", [*household(each=2), *THIRD_PARTY]),
        ("less than 0.6 is theirs", [*household(), *THIRD_PARTY, received(0.6, 1, channel="transfer")]),
        ("nothing came in", household()),
        ("it came in two weeks before", [*household(), received(-13)]),
        ("one was given back", [*household(), *THIRD_PARTY, spent(1, TAXI, direction="credit"),
                                spent(1.1, PHARMACY, direction="credit")]),
        ("spread over months", [*monthly(household()), *THIRD_PARTY]),
    ],
)  # fmt: skip
def test_no_upkeep_for_several_people_when(why, rows):
    assert found("HT-SPD-01", ledger(*peers(), *rows)) == []


def test_cash_counts_like_money_from_persons():
    rows = [*household(), received(0.5, payer="CASH", channel="cash")]
    assert found("HT-SPD-01", ledger(*peers(), *rows)) == ["A"]


def test_too_few_peers_to_hold_a_basket_against():
    rows = [*peers(28), *household(), *THIRD_PARTY]
    assert missing("HT-SPD-01", ledger(*rows)) == [("A", "peer group of 30 accounts")]
    assert found("HT-SPD-01", ledger(*peers(29), *household(), *THIRD_PARTY)) == ["A"]


# HT-SPD-02


def delivered(day, count=3, **changes):
    rows = [spent(day + n / 24, None, description="Uber Eats", **changes) for n in range(count)]
    return [{**row, "counterparty_id": "M"} for row in rows]


STAY = spent(0, HOTEL, 80, city="Berlin")
MEALS = [row for day in (0, 10, 20) for row in delivered(day)]


def test_several_meals_a_day_during_a_stay_are_found():
    assert values("HT-SPD-02", ledger(STAY, *MEALS)) == {
        "event_count": 3,
        "delivery_count": 9,
        "stay_day_count": 1,
    }


@pytest.mark.parametrize(
    ("why", "rows"),
    [
        ("two days", [STAY, *MEALS[:6]]),
        ("two meals on one of them", [STAY, *MEALS[:8]]),
        ("never during a stay", MEALS),
        ("the stay was over two days before", [{**STAY, "booked_at": at(-2)}, *MEALS]),
        ("the stay begins after", [{**STAY, "booked_at": at(21)}, *MEALS]),
        ("the third a month later", [STAY, *MEALS[:6], *delivered(30.1)]),
        ("one was given back", [STAY, *MEALS, {**MEALS[8], "booked_at": at(22), "direction": "credit"}]),
    ],
)
def test_no_meals_for_several_people_when(why, rows):
    if why.startswith("one was"):
        rows = [*rows[:-1], {**rows[-1], "amount_minor": 77_00}]
        rows[-2] = {**rows[-2], "amount_minor": 77_00}
    assert found("HT-SPD-02", ledger(*rows)) == []


def test_the_day_after_a_stay_still_belongs_to_it():
    assert found("HT-SPD-02", ledger({**STAY, "booked_at": at(-1)}, *MEALS)) == ["A"]


# HT-SPD-03

CARDS = [spent(day, SHOP, amount) for day, amount in enumerate((25, 53.95, 100, 205.95))]


def test_purchases_of_face_value_plus_fee_are_found():
    assert values("HT-SPD-03", ledger(*CARDS)) == {"card_count": 4, "spent": 384.90}


@pytest.mark.parametrize(
    ("why", "rows"),
    [
        ("three", CARDS[:3]),
        ("no fee is sold so", [*CARDS[:3], spent(3, SHOP, 55.00)]),
        ("less than the least face value", [*CARDS[:3], spent(3, SHOP, 5.95)]),
        ("clothes shops sell clothes", [*CARDS[:3], spent(3, CLOTHES, 100)]),
        ("the fourth a month later", [*CARDS[:3], spent(30, SHOP, 100)]),
        ("one was given back", [*CARDS, spent(5, SHOP, 100, direction="credit")]),
        ("in December", [{**row, "booked_at": at(280 + n)} for n, row in enumerate(CARDS)]),
    ],
)
def test_no_round_purchases_when(why, rows):
    assert found("HT-SPD-03", ledger(*rows)) == []


def test_convenience_shopping_three_spreads_above_peers_is_found():
    others = [spent(0, CONVENIENCE, 10, account_id=f"p{n:02}") for n in range(30)]
    assert found("HT-SPD-03", ledger(*others, spent(0, CONVENIENCE, 13))) == ["A"]
    assert found("HT-SPD-03", ledger(*others, spent(0, CONVENIENCE, 12.99))) == []
    few = ledger(*others[:28], spent(0, CONVENIENCE, 13))
    assert missing("HT-SPD-03", few) == [("A", "peer group of 30 accounts")]


# HT-SPD-04


def load(day, card, amount=100, **changes):
    return spent(day, None, amount, channel="prepaid", counterparty_id=card, **changes)


LOADS = [load(day, f"c{day}") for day in range(3)]


def test_three_prepaid_cards_loaded_are_found():
    assert values("HT-SPD-04", ledger(*LOADS)) == {"card_count": 3, "sum": 300}


@pytest.mark.parametrize(
    ("why", "rows"),
    [
        ("two cards", [*LOADS[:2], load(2, "c1")]),
        ("less than 300", [*LOADS[:2], load(2, "c2", 99.99)]),
        ("the third a month later", [*LOADS[:2], load(30, "c2")]),
        ("it was given back", [*LOADS, load(4, "c2", direction="credit")]),
        ("a load received", [*LOADS[:2], load(2, "c2", direction="credit")]),
    ],
)
def test_not_several_prepaid_cards_when(why, rows):
    assert found("HT-SPD-04", ledger(*rows)) == []


def test_a_masked_card_number_names_the_card():
    sold = [spent(day, "6540", 100, description=f"Card load ****{day}234") for day in range(3)]
    assert found("HT-SPD-04", ledger(*sold)) == ["A"]
    assert found("HT-SPD-04", ledger(*without(sold, description="Card load ****1234"))) == []
    assert missing("HT-SPD-04", ledger(*without(sold, description="Card load"))) == [
        ("A", "card that was loaded")
    ]


# HT-SPD-05


def funded(day, payer="P", **changes):
    return received(day, payer=payer, channel="prepaid", **changes)


HOTEL_NIGHT = spent(3, HOTEL, 80)
FUNDED = [funded(0), funded(1), funded(2), HOTEL_NIGHT]


def test_a_card_loaded_by_one_other_and_used_for_lodging_is_found():
    late = funded(4)
    assert values("HT-SPD-05", ledger(*FUNDED, late)) == {
        "load_count": 4,
        "payer_share": 1,
        "load": 400,
        "sign_count": 1,
    }


def test_nights_count_as_signs():
    night = spent(1.5, SHOP, 20, local_zone="Europe/Berlin")  # midnight UTC
    assert found("HT-SPD-05", ledger(*FUNDED[:3], night)) == ["A"]
    day = spent(1, SHOP, 20, local_zone="Europe/Berlin")
    assert found("HT-SPD-05", ledger(*FUNDED[:3], day)) == []


@pytest.mark.parametrize(
    ("why", "rows"),
    [
        ("two loads", [*FUNDED[:2], HOTEL_NIGHT, funded(4, "Q")]),
        ("others load it too", [*FUNDED, funded(4, "Q")]),
        ("the holder loads cash", [*FUNDED, funded(3.5), received(1, 1, "CASH", "cash")]),
        ("an allowance", [*FUNDED[:3], spent(3, SHOP), funded(4)]),
        ("money comes by bank", [*without(FUNDED[:3], channel="transfer"), HOTEL_NIGHT]),
        ("two months apart", [*FUNDED[1:], funded(61.5)]),
    ],
)
def test_no_funded_card_when(why, rows):
    assert found("HT-SPD-05", ledger(*rows)) == []


def test_the_holders_own_transfers_are_no_other_person():
    rows = [*FUNDED, funded(4), {**funded(0, payer="A"), "account_id": "P", "direction": "debit"}]
    same = accounts(account_id=["A", "P"], holder_id=["p", "p"])
    assert found("HT-SPD-05", ledger(*rows)) == ["A"]
    assert found("HT-SPD-05", ledger(*rows, accounts=same)) == []


def test_spending_without_a_known_hour_cannot_be_told_from_night():
    rows = [*FUNDED[:3], spent(0.5, SHOP)]
    assert missing("HT-SPD-05", ledger(*rows)) == [("A", "local_hour")]


# HT-SPD-06


def call(day, payee, **changes):
    return spent(day, TELECOM, 15, counterparty_id=payee, **changes)


CALLS = [call(day, f"T{day}") for day in range(5)]


def test_five_telephone_companies_are_found():
    assert values("HT-SPD-06", ledger(*CALLS)) == {"payee_count": 5, "payment_count": 5}


@pytest.mark.parametrize(
    ("why", "rows"),
    [
        ("four", [*CALLS[:4], call(4, "T1")]),
        ("the fifth a month later", [*CALLS[:4], call(30, "T4")]),
        ("it was given back", [*CALLS, call(6, "T4", direction="credit")]),
        ("electricity is no telephone", [*CALLS[:4], {**CALLS[4], "merchant_category": "4900"}]),
    ],
)
def test_not_many_telephones_when(why, rows):
    assert found("HT-SPD-06", ledger(*rows)) == []


def test_topped_up_numbers_are_told_apart():
    calls = [call(day, "T", description=f"TOP-UP +49 151 0000 000{day}") for day in range(5)]
    assert found("HT-SPD-06", ledger(*calls)) == ["A"]
    assert found("HT-SPD-06", ledger(*without(calls, description="TOP-UP 0049-151-00000001"))) == []
    assert (
        found(
            "HT-SPD-06", ledger(*[{**row, "description": f"ref 12345678{n}"} for n, row in enumerate(calls)])
        )
        == []
    )


def test_calls_of_unknown_payee_cannot_be_judged():
    assert missing("HT-SPD-06", ledger(*without(CALLS, counterparty_id=None))) == [("A", "counterparty_name")]


# HT-SPD-07

LAVISH = [
    *[received(n / 10, 120, payer=f"P{n}") for n in range(5)],
    received(0.6, 400, channel="transfer"),
    spent(1, LUXURY, 500),
    spent(2, SHOP, 1_500),
    spent(3, LUXURY, 0.01),
]


def test_luxury_from_many_peoples_money_is_found():
    told = values("HT-SPD-07", ledger(*LAVISH[:7]))
    assert told == {"luxury_share": 1, "luxury": 500, "third_party_share": 0.6, "payer_count": 5}


@pytest.mark.parametrize(
    ("why", "rows"),
    [
        ("below 500", [*LAVISH[:6], spent(1, LUXURY, 499.99)]),
        ("below a quarter", [*LAVISH[:6], spent(0.5, SHOP, 1_500.01), LAVISH[6]]),
        ("four persons", [*LAVISH[1:7], received(0.7, 120, payer="P1")]),
        ("less than 0.6", [*LAVISH[:7], received(0.7, 1, channel="transfer")]),
        ("a wage", [*LAVISH[:7], received(0.7, 1, description="Salary March")]),
        ("two months later", [*LAVISH[:6], spent(60.7, LUXURY, 500)]),
        ("it was given back", [*LAVISH[:7], spent(5, LUXURY, 500, direction="credit")]),
    ],
)
def test_no_lavish_spending_when(why, rows):
    assert found("HT-SPD-07", ledger(*rows)) == []


def test_a_quarter_of_the_outflow_is_enough_and_cash_needs_no_persons():
    assert found("HT-SPD-07", ledger(*LAVISH[:6], spent(0.5, SHOP, 1_500), LAVISH[6])) == ["A"]
    cash = received(0, 600, payer="CASH", channel="cash")
    assert found("HT-SPD-07", ledger(cash, *LAVISH[5:7])) == ["A"]


# HT-SPD-08


CALLED = [spent(day, None, 15, description="SECURUS calls") for day in (0, 59)]


def test_collect_calls_are_found():
    assert values("HT-SPD-08", ledger(*CALLED)) == {"event_count": 2}
    assert found("HT-SPD-08", ledger(*CALLED[:1])) == []
    assert found("HT-SPD-08", ledger(CALLED[0], {**CALLED[1], "booked_at": at(60)})) == []


def test_collect_calls_are_looked_for_only_where_that_is_asked_for():
    findings = evaluate(ledger(*CALLED), pl.DataFrame(), Settings()).findings
    assert "HT-SPD-08" not in findings["indicator_id"].to_list()


# HT-SPD-09

HOLDER = accounts(account_id=["A"], holder_id=["p"], holder_type=["person"])
EMPTY = [
    part
    for n in range(8)
    for part in (
        received(2 * n, 100, balance_after_minor=105_00),
        spent(2 * n + 0.1, "6011", 100, channel="atm", balance_after_minor=5_00),
    )
]


def judged(*rows, holders=HOLDER):
    return ledger(*rows, accounts=holders)


def test_an_account_that_is_emptied_and_never_lives_is_found():
    told = values("HT-SPD-09", judged(*EMPTY))
    assert told == {"in_count": 8, "empty_share": 1, "in": 800}


@pytest.mark.parametrize(
    ("why", "rows"),
    [
        ("seven inflows", EMPTY[2:]),
        ("more than 5 % is left", without(EMPTY, balance_after_minor=5_01)),
        ("it is full on more than a fifth of the days",
         [*EMPTY[:4], {**EMPTY[5], "balance_after_minor": 50_00}, *EMPTY[4:5], *EMPTY[6:7],
          {**EMPTY[7], "balance_after_minor": 50_00}, *EMPTY[8:]]),
        ("food is bought", [*EMPTY, spent(3, SHOP, 5, balance_after_minor=0)]),
        ("a wage comes in", [*EMPTY, received(3, 5, description="Salary", balance_after_minor=0)]),
        ("rent is paid", [*EMPTY, spent(3, "6513", 5, balance_after_minor=0)]),
        ("spread over months", [{**row, "booked_at": at(10 * n)} for n, row in enumerate(EMPTY)]),
    ],
)  # fmt: skip
def test_an_account_has_an_ordinary_life_when(why, rows):
    assert found("HT-SPD-09", judged(*rows)) == []


def test_a_balance_stays_until_the_next_booking():
    lasting = [*EMPTY[:15], {**EMPTY[15], "balance_after_minor": 50_00}]
    after = received(18, 1, balance_after_minor=0)
    assert found("HT-SPD-09", judged(*lasting, after)) == ["A"]  # 4 of 19 days are full, until then 1 of 15
    assert found("HT-SPD-09", judged(*lasting[2:], after)) == []


def test_clocks_that_disagree_about_the_day_do_no_harm():
    zones = ("Pacific/Kiritimati", "Pacific/Honolulu")
    abroad = [{**row, "local_zone": zones[n % 2]} for n, row in enumerate(EMPTY)]
    assert found("HT-SPD-09", judged(*abroad)) == ["A"]


@pytest.mark.parametrize(
    "columns",
    [
        {"account_id": ["A"], "holder_id": ["p"], "holder_type": ["business"]},
        {"account_id": ["A", "B"], "holder_id": ["p", "p"], "holder_type": ["person", "person"]},
    ],
)
def test_businesses_and_people_with_another_account_are_left_out(columns):
    rows = [*EMPTY, received(0, account_id="B")]
    assert found("HT-SPD-09", judged(*rows, holders=accounts(**columns))) == []


def test_without_balances_the_account_cannot_be_judged():
    rows = without(EMPTY, balance_after_minor=None)
    other = received(0, account_id="B", balance_after_minor=1)
    assert missing("HT-SPD-09", judged(*rows, other)) == [("A", "balance_after")]
    assert missing("HT-SPD-09", judged(*rows)) == [(None, "balance_after_minor")]
    assert missing("HT-SPD-09", ledger(*EMPTY)) == [(None, "holder_type")]


def test_the_evidence_is_what_came_in_and_left():
    assert judge("HT-SPD-09", judged(*EMPTY)).evidence.height == 16
