"""Third-party receipts: HT-P2P-01 to HT-P2P-08."""

import polars as pl
import pytest

from tests.factory import at
from tests.indicators.support import found, judge, ledger, missing, values


def got(day, who="P", amount=100, hour=0.0, **changes):
    """Money from a person."""
    return {
        "booked_at": at(day, hour),
        "amount_minor": round(amount * 100),
        "channel": "p2p",
        "counterparty_id": who,
        **changes,
    }


def paid(day, who="Q", amount=100, hour=0.0, **changes):
    return got(day, who, amount, hour, direction="debit", **changes)


# HT-P2P-01

MANY = [got(day, f"P{day}") for day in range(15)]


def test_fifteen_payers_who_pay_once_are_found():
    assert values("HT-P2P-01", ledger(*MANY)) == {
        "payer_count": 15,
        "once_share": 1.0,
        "peer_median": None,
        "receipt_count": 15,
        "sum": 1_500,
    }


def beside(payers, peers=30, of_peers=1, month=0.0):
    """A is paid by so many, and each of `peers` others by `of_peers` persons."""
    rows = [got(n / 10 + month, f"P{n}") for n in range(payers)]
    return ledger(
        *rows, *(got(n, f"R{n}", account_id=f"O{m:02}") for m in range(peers - 1) for n in range(of_peers))
    )


def test_five_payers_are_many_where_peers_have_hardly_any():
    assert found("HT-P2P-01", beside(5)) == ["A"]
    assert found("HT-P2P-01", beside(4)) == []
    (told,) = judge("HT-P2P-01", beside(5)).findings["values"]
    bounds = {value["name"]: (value["value"], value["threshold"]) for value in told}
    assert bounds["payer_count"] == (5, 5)
    assert bounds["peer_median"] == (1, None)


@pytest.mark.parametrize(("payers", "expected"), [(9, ["A"]), (8, [])])
def test_three_spreads_above_peers_are_many(payers, expected):
    assert found("HT-P2P-01", beside(payers, of_peers=6)) == expected  # a spread is one payer at least


def test_fifteen_are_many_whatever_peers_have():
    assert "A" in found("HT-P2P-01", beside(15, of_peers=14))


def test_with_fewer_than_thirty_peers_five_payers_cannot_be_judged():
    assert found("HT-P2P-01", beside(5, peers=29)) == []
    assert missing("HT-P2P-01", beside(5, peers=29)) == [("A", "peer group of 30 accounts")]
    assert missing("HT-P2P-01", beside(4, peers=29)) == []


@pytest.mark.parametrize(
    ("why", "rows"),
    [
        ("fourteen are few", MANY[:14]),
        ("the first is a month old", [got(-16, "P0"), *MANY[1:]]),
        ("one names an invoice", [*MANY[:14], got(14, "P14", description="Invoice 12")]),
        ("one is cash", [*MANY[:14], got(14, "CASH", channel="cash")]),
        ("one is a payment company", [*MANY[:14], got(14, "P14", counterparty_name="Stripe")]),
        ("one is an employer", [*MANY[:14], got(14, "P14", channel="transfer")]),
        ("nobody knows one of them", [*MANY[:14], got(14, None)]),
        ("money out is no receipt", [*MANY[:14], paid(14, "P14")]),
        ("shelters are never counted", [*MANY[:14], got(14, "P14", counterparty_name="Frauenhaus")]),
    ],
)
def test_many_payers_are_not_found_when(why, rows):
    assert found("HT-P2P-01", ledger(*rows)) == []


@pytest.mark.parametrize(("regulars", "expected"), [(6, ["A"]), (7, [])])
def test_seven_of_ten_payers_have_paid_twice_at_most(regulars, expected):
    crowd = [got(day / 2, f"P{day}") for day in range(20)]
    before = [got(-100 * (n + 1) - day, f"P{n}") for n in range(20) for day in range(1 + (n < regulars))]
    assert found("HT-P2P-01", ledger(*crowd, *before)) == expected


def test_a_transfer_from_an_account_held_by_a_person_is_money_from_a_person():
    rows = [*MANY[:14], got(14, "H", channel="transfer"), paid(20, "Z", account_id="H", channel="fee")]

    def holder(kind):
        return pl.DataFrame({"account_id": ["H", "A"], "holder_type": [kind, "person"]})

    assert found("HT-P2P-01", ledger(*rows, accounts=holder("person"))) == ["A"]
    assert found("HT-P2P-01", ledger(*rows, accounts=holder("business"))) == []


def test_a_shop_that_pays_by_wallet_is_no_person():
    rows = [*MANY[:14], got(14, "H"), paid(20, "Z", account_id="H", channel="fee")]
    shop = pl.DataFrame({"account_id": ["H"], "holder_type": ["business"]})
    assert found("HT-P2P-01", ledger(*rows)) == ["A"]
    assert found("HT-P2P-01", ledger(*rows, accounts=shop)) == []


def test_two_accounts_of_one_payer_are_one_payer():
    held = [paid(20, "Z", account_id=f"P{n}", channel="fee") for n in range(2)]
    payer = pl.DataFrame({"account_id": ["P0", "P1"], "holder_id": ["h", "h"]})
    assert found("HT-P2P-01", ledger(*MANY, *held)) == ["A"]
    assert found("HT-P2P-01", ledger(*MANY, *held, accounts=payer)) == []


def test_without_payments_between_persons_receipts_cannot_be_judged():
    rows = [{**row, "channel": "transfer"} for row in MANY]
    for number in ("01", "05"):
        assert missing(f"HT-P2P-{number}", ledger(*rows)) == [(None, "p2p")]
    assert missing("HT-P2P-02", ledger(*rows)) == [(None, "p2p, local_hour")]


# HT-P2P-02

PRICES = [
    got(2 * n, f"P{n}", (100, 150)[n % 2], hour=8 - 3 * (n % 2), local_zone="Etc/UTC") for n in range(12)
]


def test_evening_receipts_of_few_round_amounts_from_new_payers_are_found():
    assert values("HT-P2P-02", ledger(*PRICES)) == {
        "receipt_count": 12,
        "price_share": 1.0,
        "evening_share": 0.5,
        "new_share": 1.0,
        "payer_count": 12,
        "sum": 1_500,
    }


def changed(first, **changes):
    """PRICES with the first of them changed."""
    return [{**row, **changes} if n < first else row for n, row in enumerate(PRICES)]


@pytest.mark.parametrize(
    ("why", "rows"),
    [
        ("eleven are few", PRICES[:11]),
        ("the first is a month old", changed(1, booked_at=at(-9, 8))),
        ("most come by day", changed(1, booked_at=at(0, 5.9))),
        ("the prices are not round", [{**row, "amount_minor": row["amount_minor"] + 500} for row in PRICES]),
        (
            "the prices are many",
            [{**row, "amount_minor": 100_00 + 10_00 * n} for n, row in enumerate(PRICES)],
        ),
    ],
)
def test_a_price_list_is_not_found_when(why, rows):
    assert found("HT-P2P-02", ledger(*rows)) == []


@pytest.mark.parametrize(("hour", "expected"), [(17.9, []), (18, ["A"]), (27.9, ["A"]), (28, [])])
def test_the_evening_lasts_from_six_to_four(hour, expected):
    rows = [{**row, "booked_at": at(n, hour - 12)} for n, row in enumerate(PRICES)]
    assert found("HT-P2P-02", ledger(*rows)) == expected


@pytest.mark.parametrize(("known", "expected"), [(4, ["A"]), (5, [])])
def test_six_of_ten_payers_are_new(known, expected):
    before = [got(-100, f"P{n}", local_zone="Etc/UTC") for n in range(known)]
    assert found("HT-P2P-02", ledger(*before, *PRICES)) == expected


@pytest.mark.parametrize(("odd", "expected"), [(3, ["A"]), (4, [])])
def test_seven_of_ten_receipts_have_one_of_four_prices(odd, expected):
    rows = [{**row, "amount_minor": 101_11 + n} if n < odd else row for n, row in enumerate(PRICES)]
    assert found("HT-P2P-02", ledger(*rows)) == expected


def test_receipts_without_local_hours_are_named():
    rows = [{**row, "local_zone": None} for row in PRICES]
    known = got(0, account_id="Z", local_zone="Etc/UTC")
    assert missing("HT-P2P-02", ledger(*rows, known)) == [("A", "local_hour")]


# HT-P2P-03

HUB = [got(day / 2, f"X{day}", account_id="U") for day in range(15)]
COLLECTED = [
    row for n in range(5) for row in (got(10 + n, f"P{n}", 50), paid(10 + n, "U", 40, hour=12, mirrored=True))
]
SHORT = [{**row, "amount_minor": 29_99} if "direction" in row else row for row in COLLECTED]
ELSEWHERE = [{**row, "counterparty_id": "W"} if "direction" in row else row for row in COLLECTED]
OTHER = got(0, "CASH", account_id="Z", channel="cash", merchant_category="5411")


def test_a_collector_who_sends_on_to_somebody_paid_by_many_is_found():
    data = ledger(*HUB, *COLLECTED, OTHER)
    assert found("HT-P2P-03", data) == ["A"]
    assert values("HT-P2P-03", data) == {"payer_count": 5, "sent_share": 0.8, "in": 250, "sent": 200}
    result = judge("HT-P2P-03", data)
    assert result.findings["window_end"].to_list() == [at(14, 12)]
    assert len(result.evidence) == 10


@pytest.mark.parametrize(
    ("why", "rows"),
    [
        ("four are few", [*HUB, *COLLECTED[:8]]),
        ("too little is sent", [*HUB, *SHORT]),
        ("it is sent after three days", [*HUB, *COLLECTED[:8], got(14, "P4", 200), paid(17.001, "U", 200)]),
        ("nobody knows that many pay the payee", [*HUB[:13], *COLLECTED]),
        ("many pay the payee only later", [*[{**row, "booked_at": at(40)} for row in HUB], *COLLECTED]),
        ("it goes to somebody else", [*HUB, *ELSEWHERE]),
        ("the person pays for adverts", [*HUB, *COLLECTED, paid(0, "L", 9, merchant_category="7311")]),
        ("the person pays for a hotel", [*HUB, *COLLECTED, paid(9, "L", 9, merchant_category="7011")]),
    ],
)
def test_a_collector_is_not_found_when(why, rows):
    assert found("HT-P2P-03", ledger(*rows, OTHER)) == []


def test_three_days_and_six_tenths_are_enough():
    rows = [got(9 + n / 9, f"P{n}", 50) for n in range(5)]
    data = ledger(*HUB, *rows, paid(12, "U", 150), OTHER)
    assert found("HT-P2P-03", data) == ["A"]


# HT-P2P-04

SWEPT = [row for n in range(5) for row in (got(n, f"P{n}", 100), paid(n, "U", 70, hour=10))]


def test_an_account_whose_receipts_leave_for_one_payee_is_found():
    assert values("HT-P2P-04", ledger(*SWEPT)) == {"day_count": 5, "swept_share": 0.7, "swept": 350}
    assert found("HT-P2P-04", ledger(*[{**row, "mirrored": True} for row in SWEPT])) == ["A"]


@pytest.mark.parametrize(
    ("why", "rows"),
    [
        ("four days are few", SWEPT[:8]),
        ("too little leaves", [*SWEPT[:8], got(4, "P4", 100), paid(4, "U", 69.99, hour=10)]),
        ("it leaves after a day", [*SWEPT[:8], got(4, "P4", 100), paid(5.001, "U", 70)]),
        ("it goes to somebody else", [*SWEPT[:8], got(4, "P4", 100), paid(4, "W", 70, hour=10)]),
        ("the fifth day comes a month later", [*SWEPT[:8], got(30, "P4", 100), paid(30, "U", 70, hour=10)]),
    ],
)
def test_a_sweep_is_not_found_when(why, rows):
    assert found("HT-P2P-04", ledger(*rows)) == []


# HT-P2P-05

LIVES = [paid(10 + n, "V", 100, account_id="U", mirrored=True) for n in range(3)]


def test_an_account_that_lives_on_one_payer_whom_many_pay_is_found():
    data = ledger(*HUB, *LIVES, got(11, "E", 128, account_id="V", channel="transfer"))
    assert found("HT-P2P-05", data) == ["V"]
    assert values("HT-P2P-05", data)["given_share"] == pytest.approx(300 / 428)
    assert len(judge("HT-P2P-05", data).evidence) == 3


@pytest.mark.parametrize(
    ("why", "rows"),
    [
        ("two payments are few", [*HUB, *LIVES[:2]]),
        ("other money is more", [*HUB, *LIVES, got(11, "E", 129, account_id="V", channel="transfer")]),
        ("the third comes two months later", [*HUB, *LIVES[:2], {**LIVES[2], "booked_at": at(70)}]),
        ("few pay the payer", [*HUB[:14], *LIVES]),
        ("many pay the payer only later", [*[{**row, "booked_at": at(40)} for row in HUB], *LIVES]),
    ],
)
def test_living_on_one_payer_is_not_found_when(why, rows):
    assert found("HT-P2P-05", ledger(*rows)) == []


# HT-P2P-06

HOLDER = pl.DataFrame({"account_id": ["A"], "holder_name": ["Maria Example"]})
NAMED = [
    got(day, f"P{day}", description=f"for you {name}")
    for day, name in enumerate(("(Ruby)", '"Ruby"', "[Bella Rose]"))
]


def test_three_payers_who_write_a_second_name_are_found_and_the_name_is_not_told():
    data = ledger(*NAMED, accounts=HOLDER)
    assert values("HT-P2P-06", data) == {"payer_count": 3, "receipt_count": 3, "sum": 300}
    (sentence,) = judge("HT-P2P-06", data).findings["sentence"].to_list()
    assert "Ruby" not in sentence
    assert "Bella" not in sentence


@pytest.mark.parametrize(
    "text", ["“Ruby”", "„Ruby“", "«Ruby»", "»Ruby«", "x 'Ruby'", "jane@example.com (Ruby)"]
)
def test_a_second_name_stands_in_brackets_or_quotation_marks(text):
    rows = [*NAMED[:2], got(2, "P2", description=text)]
    assert found("HT-P2P-06", ledger(*rows, accounts=HOLDER)) == ["A"]


@pytest.mark.parametrize(
    ("why", "last"),
    [
        ("two are few", []),
        ("one payer writes twice", [got(2, "P1", description="(Ruby)")]),
        ("the third comes two months later", [got(60, "P2", description="(Ruby)")]),
        ("nothing stands in brackets", [got(2, "P2", description="Ruby")]),
        ("it is the holder's own name", [got(2, "P2", description="(maria) (Maria)")]),
        ("it is part of it", [got(2, "P2", description="(Maria Rose)")]),
        ("a month is no name", [got(2, "P2", description="(March)")]),
        ("a word of the vocabulary is no name", [got(2, "P2", description="(Rent)")]),
        ("a number is no name", [got(2, "P2", description="(12 B)")]),
        ("a sentence is no name", [got(2, "P2", description="(See you next week)")]),
        ("an apostrophe is no mark", [got(2, "P2", description="Anna's and Ruby's")]),
    ],
)
def test_second_names_are_not_found_when(why, last):
    assert found("HT-P2P-06", ledger(*NAMED[:2], *last, accounts=HOLDER)) == []


def test_an_unknown_holder_leaves_open_whose_name_it_is():
    holders = HOLDER.with_columns(account_id=pl.lit("B"))
    data = ledger(*NAMED, got(0, account_id="B"), accounts=holders)
    assert missing("HT-P2P-06", data) == [("A", "holder_name")]
    assert missing("HT-P2P-06", ledger(*NAMED)) == [(None, "holder_name")]


# HT-P2P-07

WORDS = [got(day, f"P{day}", description="Incall, thanks") for day in range(3)]


def test_words_of_the_reviewed_list_by_three_payers_are_found_and_not_told():
    data = ledger(*WORDS)
    assert values("HT-P2P-07", data) == {"payer_count": 3, "receipt_count": 3, "sum": 300}
    assert "incall" not in judge("HT-P2P-07", data).findings["sentence"][0].lower()


@pytest.mark.parametrize(
    ("why", "last"),
    [
        ("two are few", []),
        ("one payer writes twice", [got(2, "P1", description="incall")]),
        ("the third comes two months later", [got(60, "P2", description="incall")]),
        ("the third writes something else", [got(2, "P2", description="recalled")]),
        ("money out is no receipt", [paid(2, "P2", description="incall")]),
    ],
)
def test_service_words_are_not_found_when(why, last):
    assert found("HT-P2P-07", ledger(*WORDS[:2], *last)) == []


def test_without_references_words_cannot_be_judged():
    assert missing("HT-P2P-07", ledger(got(0))) == [(None, "description")]


# HT-P2P-08

PERSON = pl.DataFrame({"account_id": ["A"], "holder_type": ["person"]})
PAYOUTS = [got(day, "S", channel="transfer", counterparty_name="STRIPE") for day in range(4)]


def test_four_payouts_of_a_payment_company_to_a_person_are_found():
    assert values("HT-P2P-08", ledger(*PAYOUTS, accounts=PERSON)) == {"receipt_count": 4, "sum": 400}


@pytest.mark.parametrize(
    ("why", "rows"),
    [
        ("three are few", PAYOUTS[:3]),
        ("the fourth comes a month later", [*PAYOUTS[:3], {**PAYOUTS[3], "booked_at": at(30)}]),
        ("the fourth is a refund", [*PAYOUTS[:3], {**PAYOUTS[3], "description": "refund"}]),
        ("the fourth is paid", [*PAYOUTS[:3], {**PAYOUTS[3], "direction": "debit"}]),
    ],
)
def test_a_payment_company_is_not_found_when(why, rows):
    assert found("HT-P2P-08", ledger(*rows, accounts=PERSON)) == []


def test_a_business_may_be_paid_by_payment_companies():
    shop = PERSON.with_columns(holder_type=pl.lit("business"))
    assert found("HT-P2P-08", ledger(*PAYOUTS, accounts=shop)) == []


def test_an_unknown_type_of_holder_is_named():
    elsewhere = PERSON.with_columns(account_id=pl.lit("B"))
    data = ledger(*PAYOUTS, got(0, account_id="B"), accounts=elsewhere)
    assert missing("HT-P2P-08", data) == [("A", "holder_type")]
