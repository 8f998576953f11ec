"""Sweeps: what leaves soon after it came, to one payee or at one machine."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import settings as with_settings
from hypothesis import strategies as st

from finpat.config import Settings
from finpat.indicators.context import Context, hours
from finpat.indicators.sweeps import (
    THIRD_PARTY_INFLOW,
    SweptToOne,
    SweptWages,
    received,
    sweeps,
    swept_to_one,
    swept_wages,
)
from finpat.indicators.thresholds import Thresholds
from tests.factory import at, ledger


def context_of(*rows, accounts=None, **options):
    settings = Settings()
    frame = pl.DataFrame(accounts) if accounts else None
    data = ledger(*rows, accounts=frame)
    return Context(
        data, pl.DataFrame(), settings, Thresholds.in_force(settings), lambda name: None, **options
    )


def paid(day, amount, *, hour=0.0, **changes):
    return {
        "booked_at": at(day, hour), "amount_minor": round(amount * 100), "channel": "p2p",
        "account_id": "V", "counterparty_id": f"client{day}", **changes,
    }  # fmt: skip


def sent(day, amount, *, hour=1.0, **changes):
    return {
        **paid(day, amount, hour=hour), "direction": "debit", "channel": "transfer", "counterparty_id": "U",
        **changes,
    }  # fmt: skip


def target_of(context, name):
    return context.ledger.parties.index_of(name)


FIVE_DAYS = [part for day in range(5) for part in (paid(day, 100), sent(day, 70))]


def test_five_days_on_which_exactly_the_share_leaves_for_one_payee_are_a_sweep():
    context = context_of(*FIVE_DAYS)
    windows, _ = swept_to_one(context, SweptToOne())
    assert windows.select("account", "target", "day_count", "swept_minor", "inflow_minor").rows() == [
        (0, target_of(context, "U"), 5, 350_00, 500_00)
    ]
    (start,), (end,) = windows["window_start"], windows["window_end"]
    assert (start, end) == (at(0), at(4, 1))


@pytest.mark.parametrize(
    ("why", "rows"),
    [
        ("four days", FIVE_DAYS[:-2]),
        ("a cent less than the share on one day", [*FIVE_DAYS[:-1], sent(4, 69.99)]),
        ("it stays longer than a day", [*FIVE_DAYS[:-1], sent(5, 70, hour=0.001)]),
        ("each time another payee", [
            part for day in range(5) for part in (paid(day, 100), sent(day, 100, counterparty_id=f"U{day}"))
        ]),
        ("wages are no third-party money", [
            part for day in range(5) for part in (paid(day, 100, channel="transfer"), sent(day, 100))
        ]),
        ("shops are paid by card", [
            part for day in range(5) for part in (paid(day, 100), sent(day, 100, channel="card"))
        ]),
        ("the payment did not take effect", [*FIVE_DAYS[:-1], sent(4, 70, status="failed")]),
        ("the days lie too far apart", [
            part for day in range(5) for part in (paid(day * 8, 100), sent(day * 8, 100))
        ]),
        ("the other money was there before", [
            part
            for day in range(5)
            for part in (paid(day, 100, hour=-1, channel="transfer"), paid(day, 100), sent(day, 100))
        ]),
    ],
)  # fmt: skip
def test_not_swept_to_one(why, rows):
    assert swept_to_one(context_of(*rows), SweptToOne())[0].height == 0, why


def test_exactly_the_horizon_later_still_belongs_to_the_inflow():
    rows = [part for day in range(0, 15, 3) for part in (paid(day, 100), sent(day + 1, 100, hour=0))]
    assert swept_to_one(context_of(*rows), SweptToOne())[0].height == 1


def test_an_outflow_serves_one_inflow_only():
    context = context_of(paid(0, 100), paid(0, 100, hour=0.5, counterparty_id="other"), sent(0, 100))
    found = sweeps(context, "p2p", THIRD_PARTY_INFLOW, 24)
    assert found.pieces["piece_minor"].sum() == 100_00
    assert found.of_inflows(0.7)["in_row"].to_list() == [0]


def test_two_accounts_of_one_holder_are_one_payee():
    rows = [
        part
        for day in range(5)
        for part in (paid(day, 100), sent(day, 100, counterparty_id=f"U{day % 2}", mirrored=True))
    ]
    people = [{"account_id": "U0", "holder_id": "u"}, {"account_id": "U1", "holder_id": "u"}]
    context = context_of(*rows, accounts=people)
    windows, _ = swept_to_one(context, SweptToOne())
    assert windows["day_count"].to_list() == [5]
    seen = received(context, windows)
    assert context.accounts["account_id"].gather(seen["account"]).unique().sort().to_list() == ["U0", "U1"]
    assert seen.height == 5


def test_money_to_an_own_account_is_no_sweep():
    rows = [part for day in range(5) for part in (paid(day, 100), sent(day, 100, mirrored=True))]
    people = [{"account_id": "U", "holder_id": "same"}, {"account_id": "V", "holder_id": "same"}]
    assert swept_to_one(context_of(*rows, accounts=people), SweptToOne())[0].height == 0


def drawn(day, amount, machine="ATM-1", **changes):
    return sent(day, amount, channel="atm", counterparty_id=None, branch_id=machine, **changes)


USUAL = [drawn(day, 20, account_id="U", hour=5) for day in range(3)]


def test_cash_drawn_at_the_usual_machine_of_a_payee_counts_as_gone_to_the_payee():
    rows = [part for day in range(5) for part in (paid(day, 100), drawn(day, 80))]
    paid_once = sent(0, 10, hour=0.5)
    assert swept_to_one(context_of(*rows, paid_once, *USUAL), SweptToOne())[0]["swept_minor"].to_list() == [
        410_00
    ]
    assert swept_to_one(context_of(*rows, *USUAL), SweptToOne())[0].height == 0, "never paid otherwise"
    assert swept_to_one(context_of(*rows, paid_once, *USUAL[:2]), SweptToOne())[0].height == 0, "not usual"


def wage(month, amount=1_000, **changes):
    return paid(
        30 * month, amount, channel="transfer", counterparty_id="Works", description="Salary", **changes
    )


def test_three_paydays_in_a_row_swept_in_cash_or_by_transfer_are_found():
    rows = [wage(0), drawn(0, 800), wage(1), sent(30, 800), wage(2), drawn(60, 800, machine=None)]
    windows, found = swept_wages(context_of(*rows), SweptWages())
    assert windows.select("payday_count", "swept_minor", "inflow_minor").rows() == [(3, 2_400_00, 3_000_00)]
    assert found.rows(windows).height == 6
    assert swept_wages(context_of(*rows), SweptWages(), one_payee=True)[0].height == 0


@pytest.mark.parametrize(
    ("why", "rows"),
    [
        ("a payday between is kept", [
            wage(0), drawn(0, 800), wage(1), wage(2), drawn(60, 800), wage(3), drawn(90, 800)
        ]),
        ("two paydays", [wage(0), drawn(0, 800), wage(1), drawn(30, 800)]),
        ("less than the share", [
            part for month in range(3) for part in (wage(month), drawn(30 * month, 799.99))
        ]),
        ("no wages", [
            part
            for month in range(3)
            for part in ({**wage(month), "description": "gift"}, drawn(30 * month, 900))
        ]),
    ],
)  # fmt: skip
def test_not_swept_wages(why, rows):
    assert swept_wages(context_of(*rows), SweptWages())[0].height == 0, why


payments = st.lists(
    st.tuples(st.integers(0, 200), st.integers(1, 500), st.booleans(), st.sampled_from(["U", "W", "X"])),
    min_size=1,
    max_size=25,
)


@with_settings(deadline=None, max_examples=40)
@given(payments)
def test_no_money_is_swept_twice_and_none_before_it_came(drafts):
    rows = [
        paid(0, amount, hour=hour) if credit else sent(0, amount, hour=hour, counterparty_id=payee)
        for hour, amount, credit, payee in drafts
    ]
    context = context_of(*rows)
    found = sweeps(context, "p2p", THIRD_PARTY_INFLOW, 24)
    amounts = {row: entry["amount_minor"] for row, entry in enumerate(rows)}
    when = {row: entry["booked_at"] for row, entry in enumerate(rows)}
    for side in ("in_row", "out_row"):
        for row, total in found.pieces.group_by(side).agg(pl.col("piece_minor").sum()).iter_rows():
            assert total <= amounts[row]
    for came, went in found.pieces.select("in_row", "out_row").iter_rows():
        assert 0 <= (when[went] - when[came]).total_seconds() * 1e6 <= hours(24)


def test_a_piece_of_the_accounts_at_a_time_gives_the_same_sweeps():
    rows = [
        {**part, "account_id": account, "mirrored": part["direction"] == "debit"}
        for account in ("V", "T", "S")
        for part in ({"direction": "credit", **entry} for entry in FIVE_DAYS)
    ]
    people = [{"account_id": "U", "holder_id": "u"}, {"account_id": "A", "holder_id": "u"}]
    more = paid(9, 5, account_id="A")
    together = context_of(*rows, more, accounts=people)
    apart = context_of(*rows, more, accounts=people, legs_at_once=1)
    windows, found = swept_to_one(together, SweptToOne())
    again, others = swept_to_one(apart, SweptToOne())
    assert windows.height == 3
    assert windows.sort("account").equals(again.sort("account"))
    assert found.pieces.sort(pl.all()).equals(others.pieces.sort(pl.all()))
    assert received(apart, again).height == 15


@with_settings(deadline=None, max_examples=40)
@given(payments, st.randoms())
def test_sweeps_do_not_depend_on_the_order_of_the_rows(drafts, random):
    rows = [
        (paid(0, amount, hour=hour) if credit else sent(0, amount, hour=hour, counterparty_id=payee))
        | {"row_key": number}
        for number, (hour, amount, credit, payee) in enumerate(drafts)
    ]
    shuffled = random.sample(rows, len(rows))
    parameters = SweptToOne(min_days=1, min_share=0.3)
    first, second = (
        swept_to_one(context_of(*some), parameters)[0].sort(pl.all()) for some in (rows, shuffled)
    )
    assert first.equals(second)
