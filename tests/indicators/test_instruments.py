"""Structuring by instrument and amount: ST-ID3K-07 to ST-REMIT-14."""

import polars as pl
import pytest

from tests.factory import at
from tests.indicators.support import found, judge, ledger, missing, values


def row(day, amount, **changes):
    return {"booked_at": at(day), "amount_minor": round(amount * 100), **changes}


def cash(day, amount, **changes):
    return row(day, amount, channel="cash", counterparty_id="CASH", **changes)


def out(day, amount, channel="transfer", **changes):
    return row(day, amount, direction="debit", channel=channel, **changes)


# ST-ID3K-07

FUNDED = [part for day in (0, 1, 2) for part in (cash(day, 2_900), out(day + 0.1, 2_900))]


def test_cash_funded_payments_just_below_the_identification_threshold_are_found():
    assert values("ST-ID3K-07", ledger(*FUNDED)) == {"payment_count": 3, "sum": 8_700, "limit": 3_000}


@pytest.mark.parametrize(
    ("why", "rows"),
    [
        ("two are few", FUNDED[:4]),
        ("at the threshold names are taken", [*FUNDED[:4], cash(2, 3_000), out(2.1, 3_000)]),
        ("below four fifths is ordinary", [*FUNDED[:4], cash(2, 2_399.99), out(2.1, 2_399.99)]),
        ("no cash covers the last", [*FUNDED[:4], cash(2, 2_899), out(2.1, 2_900)]),
        ("the cash is older than a day", [*FUNDED[:4], cash(2, 2_900), out(3.001, 2_900)]),
        ("the last comes a week later", [*FUNDED[:4], cash(7, 2_900), out(7.1, 2_900)]),
        ("a card payment is no instrument", [*FUNDED[:4], cash(2, 2_900), out(2.1, 2_900, "card")]),
        (
            "other beneficiaries, and no day sums to it",
            [
                {**part, "counterparty_id": f"B{n}"} if "direction" in part else part
                for n, part in enumerate(FUNDED)
            ],
        ),
    ],
)
def test_the_identification_threshold_is_not_avoided_when(why, rows):
    assert found("ST-ID3K-07", ledger(*rows)) == []


def test_payments_of_one_day_that_sum_to_the_threshold_need_no_common_beneficiary():
    rows = [cash(0, 9_000)] + [out(0.01 * n, 2_500, counterparty_id=f"B{n}") for n in range(1, 4)]
    assert found("ST-ID3K-07", ledger(*rows)) == ["A"]


def test_a_currency_without_identification_threshold_is_named():
    rows = [{**part, "currency": "GBP"} for part in FUNDED]
    assert missing("ST-ID3K-07", ledger(*rows)) == [("A", "legal threshold for GBP")]


# ST-ID1K-08

SMALL = [out(day, 950, "p2p") for day in range(4)]


def test_four_transfers_just_below_a_thousand_to_one_beneficiary_are_found():
    assert found("ST-ID1K-08", ledger(*SMALL)) == ["A"]


@pytest.mark.parametrize(
    ("why", "rows"),
    [
        ("three are few", SMALL[:3]),
        ("somebody else gets the fourth", [*SMALL[:3], out(3, 950, "p2p", counterparty_id="C")]),
        ("more than a thousand carries names", [*SMALL[:3], out(3, 1_000.01, "p2p")]),
        ("below four fifths is ordinary", [*SMALL[:3], out(3, 799.99, "p2p")]),
        ("seven days have passed", [*SMALL[:3], out(7, 950, "p2p")]),
        ("money in is not sent", [*SMALL[:3], row(3, 950, channel="p2p")]),
        ("nobody knows the beneficiary", [{**part, "counterparty_id": None} for part in SMALL]),
    ],
)
def test_small_splitting_is_not_found_when(why, rows):
    assert found("ST-ID1K-08", ledger(*rows)) == []


@pytest.mark.parametrize(("others", "expected"), [(9, []), (8, ["A"])])
def test_the_limit_of_a_payment_app_is_learned_from_those_who_reach_it(others, expected):
    rows = [out(0, 950, "p2p", account_id=f"o{n}") for n in range(others)]
    assert found("ST-ID1K-08", ledger(*SMALL, *rows)) == expected


# ST-OUT-09


def drawn(day, amount, branch=None, **changes):
    return {**cash(day, amount, **changes), "channel": "atm", "direction": "debit", "branch_id": branch}


OLD = row(-60, 10)
TOUR = [drawn(day + n / 24, 500, "xyz"[n]) for day in (0, 1, 2) for n in range(3)]
AT_LIMIT = [drawn(0, 500, "x", account_id=f"o{n}") for n in range(9)]


def test_withdrawals_at_the_limit_of_several_machines_on_three_days_are_found():
    assert values("ST-OUT-09", ledger(*TOUR, *AT_LIMIT)) == {"withdrawal_count": 9, "sum": 4_500}


@pytest.mark.parametrize(
    ("why", "rows"),
    [
        ("two days", [*TOUR[:6], *AT_LIMIT]),
        ("one machine", [{**part, "branch_id": "x"} for part in TOUR] + AT_LIMIT),
        ("two a day", [part for n, part in enumerate(TOUR) if n % 3] + AT_LIMIT),
        ("no limit is known", [*TOUR, *AT_LIMIT[1:]]),
        ("below the limit", [{**part, "amount_minor": 490_00} for part in TOUR] + AT_LIMIT),
        (
            "the third day comes two weeks later",
            [*TOUR[:6], *[{**part, "booked_at": at(14.2)} for part in TOUR[6:]], *AT_LIMIT],
        ),
    ],
)
def test_structured_withdrawals_are_not_found_when(why, rows):
    assert found("ST-OUT-09", ledger(*rows)) == []


def test_withdrawals_just_below_the_threshold_are_found():
    assert found("ST-OUT-09", ledger(OLD, *[drawn(day, 9_500) for day in range(3)])) == ["A"]
    assert found("ST-OUT-09", ledger(OLD, *[drawn(day, 9_500) for day in range(2)])) == []


def test_without_terminals_the_limit_cannot_be_judged():
    rows = [{**part, "branch_id": None} for part in TOUR + AT_LIMIT]
    assert ("A", "branch_id") in missing("ST-OUT-09", ledger(*rows))


# ST-SPLIT-10

SPREAD = [
    cash(0, 4_000),
    out(0.01, 3_500, "cheque", counterparty_id="CASH"),
    out(0.02, 3_500, "prepaid", counterparty_id="CASH"),
]


def test_cash_over_three_instruments_on_a_day_is_found():
    assert values("ST-SPLIT-10", ledger(*SPREAD)) == {"instrument_count": 3, "sum": 11_000}


def test_payments_that_the_days_cash_covers_are_instruments_too():
    rows = [cash(0, 6_000), cash(0.01, 6_000), out(0.02, 5_000, "transfer"), out(0.03, 5_000, "crypto")]
    assert found("ST-SPLIT-10", ledger(*rows)) == ["A"]


@pytest.mark.parametrize(
    ("why", "rows"),
    [
        ("two instruments", [*SPREAD[:2], cash(0.03, 3500)]),
        ("the cash stays at the threshold", [cash(0, 3_000), *SPREAD[1:]]),
        ("one is reported by itself", [cash(0, 10_001), *SPREAD[1:]]),
        ("the next day", [*SPREAD[:2], {**SPREAD[2], "booked_at": at(1)}]),
        (
            "the day's cash does not cover it",
            [
                cash(0, 4_000),
                cash(0.1, 4_000),
                out(0.2, 11_001, "crypto"),
                out(0.3, 3_000, "cheque", counterparty_id="CASH"),
            ],
        ),
    ],
)
def test_a_split_across_instruments_is_not_found_when(why, rows):
    assert found("ST-SPLIT-10", ledger(*rows)) == []


# ST-RETRY-11

REFUSED = cash(0, 12_000, status="declined")


def test_smaller_deposits_after_a_refused_one_are_found():
    rows = [REFUSED, cash(0.1, 6_000, status="booked"), cash(0.2, 6_000, status="booked")]
    findings = judge("ST-RETRY-11", ledger(*rows))
    assert findings.findings["account_id"].to_list() == ["A"]
    assert findings.evidence["row"].to_list() == [0, 1, 2]


@pytest.mark.parametrize(("sums", "expected"), [(9_600.00, ["A"]), (9_599.99, []), (9_999.99, ["A"])])
def test_the_replacement_is_about_as_large(sums, expected):
    assert found("ST-RETRY-11", ledger(REFUSED, cash(0.1, sums, status="booked"))) == expected


@pytest.mark.parametrize(
    ("why", "rows"),
    [
        (
            "more than 1.2 times",
            [REFUSED, cash(0.1, 7_200, status="booked"), cash(0.2, 7_200.01, status="booked")],
        ),
        ("the first went through", [{**REFUSED, "status": "booked"}, cash(0.1, 9_999, status="booked")]),
        (
            "it was below the threshold",
            [cash(0, 9_999, status="declined"), cash(0.1, 9_999, status="booked")],
        ),
        ("a day has passed", [REFUSED, cash(1.001, 9_999, status="booked")]),
        ("the smaller came before", [REFUSED, cash(-0.1, 9_999, status="booked")]),
        ("the second is above the threshold too", [REFUSED, cash(0.1, 12_000, status="booked")]),
    ],
)
def test_a_cut_down_is_not_found_when(why, rows):
    assert found("ST-RETRY-11", ledger(*rows)) == []


def test_without_status_refusals_are_not_evaluable():
    assert missing("ST-RETRY-11", ledger(cash(0, 12_000))) == [(None, "status")]


# ST-ROUND-12


def crooked(count):
    return [row(day, 123.45 + day, account_id=f"peer{n:02}") for n in range(count) for day in range(20)]


ROUND = [row(day, 200) for day in range(20)]


def test_round_amounts_that_the_channel_does_not_explain_are_found():
    assert values("ST-ROUND-12", ledger(*ROUND, *crooked(29)))["round_share"] == 1.0


@pytest.mark.parametrize(
    ("why", "rows"),
    [
        ("nineteen rows are few", [*ROUND[:19], *crooked(40)]),
        ("the channel is round", [*ROUND, *[{**part, "amount_minor": 300_00} for part in crooked(40)]]),
        ("machines pay round amounts", [{**part, "channel": "atm"} for part in ROUND] + crooked(40)),
        ("large amounts must be thousands", [row(day, 5_500) for day in range(20)] + crooked(40)),
        ("they lie too far apart", [row(5 * day, 200) for day in range(20)] + crooked(40)),
    ],
)
def test_round_amounts_are_not_found_when(why, rows):
    assert found("ST-ROUND-12", ledger(*rows)) == []


def test_round_amounts_without_peers_are_not_evaluable():
    assert missing("ST-ROUND-12", ledger(*ROUND, row(0, 1.23)))[0] == ("A", "peer group of 30 accounts")


# ST-BENF-13


def benford(count):
    return [row(n / 1000, 10 ** (1 + 3 * (n + 0.5) / count)) for n in range(count)]


def test_equal_amounts_break_the_digit_law_of_the_portfolio_and_of_no_account():
    findings = judge("ST-BENF-13", ledger(*[row(n / 1000, 500 + n / 10) for n in range(1_000)])).findings
    assert findings["state"].to_list() == ["found"]
    assert findings["account_id"].to_list() == [None]


@pytest.mark.parametrize(
    ("why", "rows"),
    [("they follow it", benford(1_000)), ("999 rows are few", [row(n / 1000, 500) for n in range(999)])],
)
def test_the_digit_law_holds_when(why, rows):
    assert judge("ST-BENF-13", ledger(*rows)).findings.is_empty()


# ST-REMIT-14

SENT = [
    out(n / 10, amount, "p2p", account_id=f"s{n}", counterparty_id="R")
    for n, amount in enumerate((500, 490, 480, 475))
]


def test_four_senders_of_like_amounts_to_one_receiver_are_found_each():
    findings = judge("ST-REMIT-14", ledger(*SENT))
    assert findings.findings["account_id"].sort().to_list() == ["s0", "s1", "s2", "s3"]
    assert findings.findings["finding_id"].n_unique() == 4
    assert findings.evidence.height == 16


def test_the_receivers_account_shows_the_same():
    rows = [row(n / 10, 500, channel="p2p", counterparty_id=f"s{n}") for n in range(4)]
    assert found("ST-REMIT-14", ledger(*rows)) == ["A"]


@pytest.mark.parametrize(
    ("why", "rows"),
    [
        ("three senders", [*SENT[:3], {**SENT[3], "account_id": "s0"}]),
        ("one amount is more than five percent lower", [*SENT[:3], {**SENT[3], "amount_minor": 474_99}]),
        ("48 hours have passed", [*SENT[:3], {**SENT[3], "booked_at": at(2.2)}]),
        ("another receiver", [*SENT[:3], {**SENT[3], "counterparty_id": "Q"}]),
        ("card payments are shopping", [{**part, "channel": "card"} for part in SENT]),
    ],
)
def test_coordination_is_not_found_when(why, rows):
    assert found("ST-REMIT-14", ledger(*rows)) == []


def test_as_many_senders_as_chance_explains_are_not_found():
    # One amount nearby makes 0.037 like ones usual, and four of them a matter of 8 in 100 million; two make
    # 0.074 usual, and four a matter of 1.2 in a million, more than max_chance.
    nearby = [
        out(0.2, amount, "p2p", account_id=f"t{n}", counterparty_id="R")
        for n, amount in enumerate((700, 300))
    ]
    senders = ["s0", "s1", "s2", "s3"]
    assert found("ST-REMIT-14", ledger(*SENT, nearby[0])) == senders
    assert found("ST-REMIT-14", ledger(*SENT, *nearby)) == []
    assert found("ST-REMIT-14", ledger(*SENT, *nearby), max_chance=1.2e-6) == senders
    assert found("ST-REMIT-14", ledger(*SENT, *nearby), max_chance=1.1e-6) == []


def test_amounts_beyond_half_and_twice_explain_nothing():
    far = [out(0.2, n, "p2p", account_id=f"t{n}", counterparty_id="R") for n in (237, 1_001, 1_100)]
    assert found("ST-REMIT-14", ledger(*SENT, *far)) == ["s0", "s1", "s2", "s3"]


def test_a_row_exactly_48_hours_old_is_outside():
    rows = [{**SENT[0], "booked_at": at(0)}, *SENT[1:3], {**SENT[3], "booked_at": at(2)}]
    assert found("ST-REMIT-14", ledger(*rows)) == []


def test_a_receiver_whom_everybody_pays_is_left_out():
    others = [out(30 + n, 20 + n, "p2p", account_id=f"t{n}", counterparty_id="R") for n in range(3)]
    rows = ledger(*SENT, *others)
    assert found("ST-REMIT-14", rows, max_senders=7) == ["s0", "s1", "s2", "s3"]
    assert found("ST-REMIT-14", rows, max_senders=6) == []


def test_accounts_of_one_holder_do_not_remit_to_themselves():
    accounts = pl.DataFrame({"account_id": ["s0", "R"], "holder_id": ["h", "h"]})
    receiver = row(0, 1, account_id="R", counterparty_id="X", channel="card")
    assert found("ST-REMIT-14", ledger(*SENT, receiver, accounts=accounts)) == []
