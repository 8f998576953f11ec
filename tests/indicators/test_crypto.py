"""Crypto-assets: CR-ONRAMP-01, CR-MICRO-02, CR-BROKER-03, CR-RISK-05."""

import pytest

from tests.factory import at
from tests.indicators.support import found, judge, ledger, missing, values


def got(day, amount, who, **changes):
    """Money from a person."""
    common = {"booked_at": at(day), "amount_minor": round(amount * 100), "channel": "p2p"}
    return {**common, "counterparty_id": who, **changes}


def cash(day, amount):
    return got(day, amount, "CASH", channel="cash")


def bought(day, amount, **changes):
    """A purchase of crypto-assets by card."""
    return {
        "booked_at": at(day),
        "amount_minor": round(amount * 100),
        "direction": "debit",
        "channel": "card",
        "counterparty_id": "EX",
        "merchant_category": "6051",
        **changes,
    }


# CR-ONRAMP-01


def burst(day, who=("P", "Q", "R"), apart=0.2, amount=100):
    return [got(day + n * apart, amount, name) for n, name in enumerate(who)]


TWICE = [*burst(0), bought(0.5, 300), *burst(9), bought(9.5, 300)]
CASHED = [cash(0, 300), bought(0.5, 300), cash(9, 300), bought(9.5, 300)]


@pytest.mark.parametrize("rows", [TWICE, CASHED])
def test_money_of_several_persons_or_cash_that_turns_into_crypto_assets_is_found(rows):
    assert values("CR-ONRAMP-01", ledger(*rows)) == {"purchase_count": 2, "turned": 600}


@pytest.mark.parametrize(
    ("why", "rows"),
    [
        ("once is few", TWICE[:4]),
        ("two persons are few", [*TWICE[:4], *burst(9, ("P", "Q", "Q")), bought(9.5, 300)]),
        ("the three lie two days apart", [*TWICE[:4], *burst(9, apart=1), bought(11.5, 300)]),
        ("too little is turned", [*TWICE[:4], *burst(9, amount=200), bought(9.5, 139.99)]),
        ("a day has passed", [*CASHED[:2], cash(9, 300), bought(10.001, 300)]),
        ("the second comes a month later", [*CASHED[:2], cash(40, 300), bought(40.5, 300)]),
        ("bread is no crypto-asset", [*CASHED[:3], bought(9.5, 300, merchant_category="5411")]),
        (
            "other money came first",
            [*CASHED[:2], got(8.9, 300, "W", channel="transfer"), cash(9, 300), bought(9.5, 300)],
        ),
    ],
)
def test_an_on_ramp_is_not_found_when(why, rows):
    assert found("CR-ONRAMP-01", ledger(*rows)) == []


def test_seven_tenths_of_an_inflow_and_a_full_day_are_enough():
    rows = [*CASHED[:2], cash(9, 300), bought(10, 210)]
    assert found("CR-ONRAMP-01", ledger(*rows)) == ["A"]
    assert found("CR-ONRAMP-01", ledger(*rows[:3], bought(10, 209.99))) == []


def test_without_channel_category_or_text_crypto_assets_cannot_be_judged():
    data = ledger(*[{**row, "merchant_category": None} for row in CASHED + burst(20)])
    for indicator in ("CR-ONRAMP-01", "CR-MICRO-02", "CR-BROKER-03"):
        assert missing(indicator, data) == [(None, "crypto")]
    assert missing("CR-ONRAMP-01", ledger(*CASHED[:3], bought(9.5, 300, channel="crypto"))) == []


# CR-MICRO-02

DAYS = (0, 1, 3, 4, 8, 9)
MICRO = [bought(day, (3, 12, 24)[n % 3]) for n, day in enumerate(DAYS)]


def test_small_crypto_payments_of_few_amounts_are_found():
    told = values("CR-MICRO-02", ledger(*MICRO))
    assert (told["payment_count"], told["values_share"], told["sum"]) == (6, 1, 78)


@pytest.mark.parametrize(
    ("why", "rows"),
    [
        ("five are few", MICRO[:5]),
        ("one is larger", [*MICRO[:5], bought(9, 50.01)]),
        ("the sixth comes two weeks after the first", [*MICRO[:5], bought(14, 24)]),
        ("the amounts are many", [bought(day, 3 + day) for day in DAYS]),
        ("it is a saving plan", [bought(2 * n, 12) for n in range(6)]),
        ("it is a sale", [{**row, "direction": "credit"} for row in MICRO]),
    ],
)
def test_small_purchases_are_not_found_when(why, rows):
    assert found("CR-MICRO-02", ledger(*rows)) == []


def test_fifty_units_are_small_and_four_of_five_payments_share_four_amounts():
    assert found("CR-MICRO-02", ledger(*MICRO[:5], bought(9, 50))) == ["A"]
    amounts = (3, 5, 6, 7, 8, 9, 3, 3, 5)
    rows = [bought(n * n / 9, amount) for n, amount in enumerate(amounts)]
    assert found("CR-MICRO-02", ledger(*rows, bought(9, 7))) == ["A"]
    assert found("CR-MICRO-02", ledger(*rows, bought(9, 10))) == []


# CR-BROKER-03

PAIRS = [row for n in range(5) for row in (got(3 * n, 100, f"P{n}"), bought(3 * n + 0.2, 95))]


def test_purchases_that_follow_receipts_of_five_persons_are_found():
    data = ledger(*PAIRS)
    assert values("CR-BROKER-03", data) == {"payer_count": 5, "pair_count": 5, "bought": 475}
    result = judge("CR-BROKER-03", data)
    assert result.findings["window_start"].to_list() == [at(0)]
    assert len(result.evidence) == 10


@pytest.mark.parametrize(
    ("why", "last"),
    [
        ("four are few", []),
        ("one of them pays twice", [got(12, 100, "P0"), bought(12.2, 95)]),
        ("the purchase is smaller", [got(12, 100, "P4"), bought(12.2, 89.99)]),
        ("the purchase is larger", [got(12, 100, "P4"), bought(12.2, 100.01)]),
        ("six hours have passed", [got(12, 100, "P4"), bought(12.251, 95)]),
        ("the fifth comes a month later", [got(40, 100, "P4"), bought(40.2, 95)]),
        ("an employer is no person", [got(12, 100, "P4", channel="transfer"), bought(12.2, 95)]),
        ("nobody knows the payer", [got(12, 100, None), bought(12.2, 95)]),
    ],
)
def test_a_broker_is_not_found_when(why, last):
    assert found("CR-BROKER-03", ledger(*PAIRS[:8], *last)) == []


@pytest.mark.parametrize(("after", "amount"), [(0.25, 95), (0.2, 90), (0.2, 100)])
def test_a_broker_is_found_at_the_bounds(after, amount):
    assert found("CR-BROKER-03", ledger(*PAIRS[:8], got(12, 100, "P4"), bought(12 + after, amount))) == ["A"]


def test_without_payments_between_persons_a_broker_cannot_be_judged():
    rows = [{**row, "channel": "transfer"} for row in PAIRS]
    assert missing("CR-BROKER-03", ledger(*rows)) == [(None, "p2p")]


# CR-RISK-05

KIOSK = [bought(day, 999.99, merchant_category=None, description="Bitcoin ATM 12") for day in range(3)]


def test_three_payments_at_kiosks_are_found():
    told = values("CR-RISK-05", ledger(*KIOSK))
    assert told == {"mixer_count": 0, "kiosk_count": 3, "sum": pytest.approx(2_999.97)}


@pytest.mark.parametrize(
    ("why", "rows"),
    [
        ("two are few", KIOSK[:2]),
        ("a thousand is not below a thousand", [*KIOSK[:2], {**KIOSK[2], "amount_minor": 1_000_00}]),
        ("the third comes two weeks after the first", [*KIOSK[:2], {**KIOSK[2], "booked_at": at(14)}]),
        ("an exchange is no kiosk", [*KIOSK[:2], bought(2, 500)]),
    ],
)
def test_risky_services_are_not_found_when(why, rows):
    assert found("CR-RISK-05", ledger(*rows)) == []


@pytest.mark.parametrize("direction", ["credit", "debit"])
def test_one_payment_with_a_mixer_is_found_in_both_directions(direction):
    row = bought(0, 5_000, description="CHIPMIXER", direction=direction)
    assert values("CR-RISK-05", ledger(row)) == {"mixer_count": 1, "kiosk_count": 0, "sum": 5_000}


def test_without_any_text_or_category_services_cannot_be_judged():
    assert missing("CR-RISK-05", ledger(got(0, 1, "P"))) == [(None, "merchant")]
