"""Motifs of money between persons (NW): found where the definition holds, and not beyond its bounds."""

import math

import polars as pl
import pytest

from finpat.config import IndicatorSettings, Settings
from finpat.indicators.evaluation import evaluate_indicators
from finpat.ledger import build_ledger
from tests import factory
from tests.factory import at
from tests.indicators.support import BY_ID, found, judge, ledger, missing, values
from tests.networks.support import pay

OLD = [pay("S", "T", -60, 7)]  # the data reaches back, so that relations can be called new


def moved(rows, day):
    """The payments so many days later."""
    return [{**row, "booked_at": row["booked_at"] + (at(day) - at(0))} for row in rows]


def fan(count=5, amount=200, day=0.0, apart=1.5, **more):
    """`count` persons pay M, one after the other."""
    return [pay(f"P{n}", "M", day + n * apart, amount, **more) for n in range(count)]


def fan_out(count=5, amount=200, day=0.0, apart=1.5, **more):
    """M pays `count` persons, one after the other."""
    return [pay("M", f"Q{n}", day + n * apart, amount, **more) for n in range(count)]


# NW-FANIN-01, NW-FANOUT-02


def test_five_new_payers_in_a_week_are_found_with_their_payments():
    result = judge("NW-FANIN-01", ledger(*OLD, *fan()))
    assert result.findings["account_id"].to_list() == ["M"]
    assert result.evidence["row"].to_list() == [1, 2, 3, 4, 5]
    assert values("NW-FANIN-01", ledger(*OLD, *fan())) == {
        "partner_count": 5,
        "moved": 1000,
        "top_share": 0.2,
    }


def test_five_new_beneficiaries_in_a_week_are_found():
    assert found("NW-FANOUT-02", ledger(*OLD, *fan_out())) == ["M"]


@pytest.mark.parametrize(
    ("why", "rows"),
    [
        ("four payers are few", fan(4)),
        ("five payments of four payers are few", [*fan(4), pay("P0", "M", 6, 200)]),
        ("the window is a week", fan(apart=1.75)),
        ("one pays more than the rest may", [*fan(4), pay("P9", "M", 6, 534)]),
        ("they have paid for long", [*fan(day=-40), *fan(day=70)]),
        ("they pay by card", fan(channel="card")),
        ("they are paid", [pay("M", f"P{n}", n) for n in range(5)]),
    ],
)
def test_a_fan_in_is_not_found_when(why, rows):
    assert "M" not in found("NW-FANIN-01", ledger(*OLD, *rows)), why


@pytest.mark.parametrize(
    ("why", "rows"),
    [
        ("four are few", fan_out(4)),
        ("the window is a week", fan_out(apart=1.75)),
        ("one gets more than the rest may", [*fan_out(4), pay("M", "Q9", 6, 534)]),
        ("they have been paid for long", [*fan_out(day=-40), *fan_out(day=70)]),
    ],
)
def test_a_fan_out_is_not_found_when(why, rows):
    assert "M" not in found("NW-FANOUT-02", ledger(*OLD, *rows)), why


def test_two_fifths_from_one_payer_still_make_a_fan():
    rows = [*fan(4, 150), pay("P9", "M", 6, 400)]
    assert found("NW-FANIN-01", ledger(*OLD, *rows)) == ["M"]
    assert found("NW-FANIN-01", ledger(*OLD, *rows[:4], pay("P9", "M", 6, 400.01))) == []


def test_ninety_days_after_the_first_payment_a_payer_is_new_and_later_not():
    def again(day):
        return ledger(*OLD, *fan(amount=1, apart=0), *fan(day=day, apart=0))

    found_at = judge("NW-FANIN-01", again(90)).findings["window_end"].to_list()
    assert found_at == [at(0), at(90)]
    assert judge("NW-FANIN-01", again(90.001)).findings["window_end"].to_list() == [at(0)]


def test_partners_met_when_the_data_begins_are_not_called_new():
    assert found("NW-FANIN-01", ledger(*fan(), *fan(3, day=200))) == []


def test_a_person_collects_in_all_its_accounts_together():
    rows = [pay(f"P{n}", "MN"[n % 2], n, 200) for n in range(5)]
    holders = pl.DataFrame({"account_id": ["M", "N"], "holder_id": ["h", "h"]})
    data = factory.ledger(*OLD, *rows, accounts=holders)
    assert found("NW-FANIN-01", data) == ["M", "N"]
    assert found("NW-FANIN-01", ledger(*OLD, *rows)) == []


def test_wages_bills_and_refused_payments_make_no_fan():
    for change in ({"description": "LOHN MAI"}, {"status": "failed"}):
        assert found("NW-FANOUT-02", ledger(*OLD, *fan_out(**change))) == []
    assert found("NW-FANOUT-02", ledger(*OLD, *fan_out(description="danke"))) == ["M"]


def test_payments_without_other_sides_cannot_be_judged():
    rows = [pay("M", "Q", n, mirrored=False, counterparty_id=None) for n in range(5)]
    for name in (name for name in BY_ID if name.startswith("NW-")):
        assert missing(name, ledger(*OLD, *rows)) == [("M", "counterparty_id")]


def test_whoever_has_too_many_partners_is_not_judged_and_that_is_said():
    rows = [pay(f"P{n}", "M", n / 100, 200) for n in range(501)]
    assert missing("NW-FANIN-01", ledger(*OLD, *rows)) == [
        ("M", "payments of a person with at most 500 partners")
    ]
    assert found("NW-FANIN-01", ledger(*OLD, *rows[:500])) == ["M"]
    result = evaluate_indicators([BY_ID["NW-FANIN-01"]], ledger(*OLD, *rows), pl.DataFrame(), Settings())
    assert result.notes == (
        "network motifs leave out 1 persons with more than 500 partners, and their 501 payments",
    )


def test_payments_that_were_not_followed_to_the_end_are_counted_and_said():
    rows = [pay("A", "B", 0), *(pay("B", f"C{n}", 0.1 + n / 1_000, 5_000 + n) for n in range(300))]
    result = evaluate_indicators([BY_ID["NW-CHAIN-08"]], ledger(*rows), pl.DataFrame(), Settings())
    assert result.notes == (
        "network motifs look at 256 payments after a payment; 1 payments were followed by more within 2 days",
    )


# NW-GS-03


def through(ins=3, outs=3, share=1.0, gap=1.0, day=0.0):
    """`ins` persons pay M 100 each, then M pays `outs` others."""
    out = share * 100 * ins / outs
    return [*fan(ins, 100, day, 0), *fan_out(outs, out, day + gap, 0)]


def test_what_three_pay_and_three_others_get_is_found():
    told = values("NW-GS-03", ledger(*OLD, *through()))
    assert told == {
        "payer_count": 3,
        "beneficiary_count": 3,
        "gathered": 300,
        "scattered": 300,
        "out_ratio": 1,
    }


@pytest.mark.parametrize(
    ("why", "rows"),
    [
        ("two payers are few", through(ins=2)),
        ("two beneficiaries are few", through(outs=2)),
        ("too little goes out", through(share=0.69)),
        ("more goes out than came in", through(share=1.06)),
        ("it goes out a week later", through(gap=7.01)),
        ("it goes out before it comes in", through(gap=-1)),
        ("the payers get it back", [*fan(3, 100, 0, 0), *(pay("M", f"P{n}", 1, 100) for n in range(3))]),
    ],
)
def test_a_gather_scatter_is_not_found_when(why, rows):
    assert found("NW-GS-03", ledger(*OLD, *rows)) == [], why


@pytest.mark.parametrize("change", [{"share": 0.7}, {"share": 1.05}, {"gap": 7}])
def test_the_bounds_of_gather_scatter_are_inside(change):
    assert found("NW-GS-03", ledger(*OLD, *through(**change))) == ["M"]


# NW-SG-04


def by_others(count=3, share=0.9, gap=1.0, apart=1.0, amount=500):
    """U pays `count` persons, each of whom pays W a share of it."""
    return [
        row
        for n in range(count)
        for row in (pay("U", f"M{n}", n * apart, amount), pay(f"M{n}", "W", n * apart + gap, amount * share))
    ]


def test_money_that_meets_again_is_found_with_everybody_on_its_way():
    result = judge("NW-SG-04", ledger(*by_others()))
    assert result.findings["account_id"].to_list() == ["M0", "M1", "M2", "U", "W"]
    assert set(result.evidence["row"]) == set(range(6))
    assert result.findings["values"][0][0]["value"] == 3
    assert result.findings["values"][0][1]["value"] == 1_500


@pytest.mark.parametrize(
    ("why", "rows"),
    [
        ("two in between are few", by_others(2)),
        ("too little goes on", by_others(share=0.69)),
        ("more goes on than came", by_others(share=1.03)),
        ("it rests too long", by_others(gap=7.01)),
        ("it was sent before", by_others(gap=-1)),
        ("the source takes too long", by_others(apart=3.5)),
        ("it is small change", by_others(amount=99)),
        ("it goes to different persons", [*by_others(2), pay("U", "M2", 1, 500), pay("M2", "X", 2, 450)]),
        (
            "it comes back to the source",
            [{**r, "counterparty_id": "U"} if r["counterparty_id"] == "W" else r for r in by_others()],
        ),
    ],
)
def test_a_scatter_gather_is_not_found_when(why, rows):
    assert found("NW-SG-04", ledger(*rows)) == [], why


@pytest.mark.parametrize("change", [{"share": 0.7}, {"share": 1.02}, {"gap": 7}, {"amount": 143}])
def test_the_bounds_of_scatter_gather_are_inside(change):
    assert len(found("NW-SG-04", ledger(*by_others(**change)))) == 5


# NW-CYCLE-05


def ring(names="ABC", step=1.0, share=0.9, amount=1_000):
    """Each pays the next, the last the first, each a share of what came."""
    return [
        pay(name, names[(n + 1) % len(names)], n * step, amount * share**n) for n, name in enumerate(names)
    ]


def test_money_that_comes_back_is_found_with_everybody_on_its_way():
    result = judge("NW-CYCLE-05", ledger(*ring(), pay("A", "X", 1, 900)))
    assert result.findings["account_id"].to_list() == ["A", "B", "C"]
    assert set(result.evidence["row"]) == {0, 1, 2}
    told = {value["name"]: value["value"] for value in result.findings["values"][0]}
    assert told == {"payment_count": 3, "sent": 1_000, "returned_share": pytest.approx(0.81)}


@pytest.mark.parametrize(
    ("why", "rows"),
    [
        ("two who pay each other are no cycle", ring("AB")),
        ("seven are more than six", ring("ABCDEFG", share=1)),
        ("it takes more than two weeks", ring(step=7.001)),
        ("too much is kept", ring(share=0.79)),
        ("it grows on its way", ring(share=1.03)),
        ("all at one instant is no order", ring(step=0)),
        ("it is small change", ring(amount=120)),
        ("the order is another", ring(step=-1)),
        ("it ends elsewhere", [*ring()[:2], pay("C", "D", 2, 810)]),
    ],
)
def test_a_cycle_is_not_found_when(why, rows):
    assert found("NW-CYCLE-05", ledger(*rows)) == [], why


@pytest.mark.parametrize("rows", [ring(step=7), ring(share=0.8), ring(share=1.02), ring("ABCDEF", share=1)])
def test_the_bounds_of_a_cycle_are_inside(rows):
    assert found("NW-CYCLE-05", ledger(*rows)) == sorted({row["account_id"] for row in rows})


def test_own_accounts_make_no_cycle():
    holders = pl.DataFrame({"account_id": ["A", "B"], "holder_id": ["h", "h"]})
    assert found("NW-CYCLE-05", factory.ledger(*ring(), accounts=holders)) == []


def test_a_cycle_over_somebody_not_held_is_found_where_it_can_be_seen():
    rows = [
        pay("A", "X", 0, mirrored=False),
        pay("B", "X", 1, 950, mirrored=False, direction="credit"),
        pay("B", "A", 2, 930),
    ]
    assert found("NW-CYCLE-05", ledger(*rows)) == ["A", "B"]


# NW-CHAIN-08


def chain(count=4, step=1.0, share=0.95, amount=1_000):
    """A pays B, B pays C and so on."""
    return [pay("ABCDEFGH"[n], "ABCDEFGH"[n + 1], n * step, amount * share**n) for n in range(count)]


def test_four_payments_one_after_the_other_are_found_with_everybody_on_the_way():
    result = judge("NW-CHAIN-08", ledger(*chain(), pay("B", "X", 1, 50)))
    assert result.findings["account_id"].to_list() == ["A", "B", "C", "D", "E"]
    assert set(result.evidence["row"]) == {0, 1, 2, 3}
    told = {value["name"]: value["value"] for value in result.findings["values"][0]}
    assert told == {"payment_count": 4, "branch_count": 1, "sent": 1_000}


@pytest.mark.parametrize(
    ("why", "rows"),
    [
        ("three are few", chain(3)),
        ("it rests more than two days", chain(step=2.001)),
        ("too much is kept", chain(share=0.84)),
        ("it grows", chain(share=1.03)),
        ("at one instant there is no order", chain(step=0)),
        ("it is small change", chain(amount=115)),
        ("it goes back and forth", [pay("AB"[n % 2], "BA"[n % 2], n) for n in range(5)]),
    ],
)
def test_a_chain_is_not_found_when(why, rows):
    assert found("NW-CHAIN-08", ledger(*rows)) == [], why


@pytest.mark.parametrize(
    "change", [{"step": 2}, {"share": 0.85, "amount": 8_000}, {"share": 1.02, "amount": 2_500}]
)
def test_the_bounds_of_a_chain_are_inside(change):
    assert found("NW-CHAIN-08", ledger(*chain(**change))) == list("ABCDE")


def test_a_fork_of_a_chain_is_told_with_it():
    rows = [*chain(), pay("B", "X", 1, 950), pay("X", "Y", 2, 940), pay("Y", "Z", 3, 930)]
    assert found("NW-CHAIN-08", ledger(*rows)) == ["A", "B", "C", "D", "E", "X", "Y", "Z"]
    assert branches(*rows) == [2]


def branches(*rows):
    """Branches of each bundle of chains that A is told of."""
    told = judge("NW-CHAIN-08", ledger(*rows)).findings.filter(pl.col("account_id") == "A")["values"]
    return [value["value"] for values in told for value in values if value["name"] == "branch_count"]


def test_chains_that_end_or_begin_in_one_payment_are_counted_by_the_others():
    begin = [pay("X", "B", 0.5, 1_000), pay("Y", "B", 0.6, 1_000)]
    assert branches(*chain(), *begin) == [3]
    end = [pay("D", f"X{n}", 3, 1_000 * 0.95**3) for n in range(3)]
    assert branches(*chain(), *end) == [4]


@pytest.mark.parametrize(("later", "told"), [(2, [2]), (2.001, [1, 1])])
def test_chains_along_the_same_persons_at_the_same_time_are_one_finding(later, told):
    assert branches(*chain(), *moved(chain(amount=5_000), later)) == told


# NW-BIP-06


def block(payers="UV", payees="XYZ", day=0.0, apart=1.0, without=()):
    """Each payer pays each payee, one payment after the other."""
    pairs = [(u, x) for u in payers for x in payees if (u, x) not in without]
    return [pay(u, x, day + n * apart, 200) for n, (u, x) in enumerate(pairs)]


# A thousand pairs who newly pay at the same time: without them three shared payees are no surprise.
MANY = [
    pay(f"M{n:02}", f"N{n:02}{m:02}", day, 50) for n in range(40) for m in range(25) for day in (-0.01, 0.01)
]
OLD_AND_MANY = [*OLD, *MANY, *moved(MANY, 80)]


def test_two_who_newly_pay_the_same_three_are_found_with_them():
    result = judge("NW-BIP-06", ledger(*OLD_AND_MANY, *block()))
    assert result.findings["account_id"].to_list() == ["U", "V", "X", "Y", "Z"]
    assert set(result.evidence["row"]) == set(range(4001, 4007))
    told = {value["name"]: value["value"] for value in result.findings["values"][0]}
    assert told == {"payer_count": 2, "payee_count": 3, "paying_share": 1}


def test_of_six_pairs_five_are_enough_and_four_are_not():
    assert len(found("NW-BIP-06", ledger(*OLD_AND_MANY, *block(without=[("V", "Z")])))) == 5
    assert found("NW-BIP-06", ledger(*OLD_AND_MANY, *block(without=[("V", "Z"), ("U", "X")]))) == []
    assert found("NW-BIP-06", ledger(*OLD_AND_MANY, *block(without=[("V", "Z")])), min_density=1.0) == []


@pytest.mark.parametrize(
    ("why", "rows"),
    [
        ("one payer is no block", block("U", "XYZW")),
        ("two payees are few", block("UVW", "XY")),
        ("the window is a week", block(apart=1.75)),
        ("they have paid for long", [*block(day=-40), *block(day=80)]),
        ("a payer is among the payees", block("UV", "XYV", without=[("V", "V")])),
    ],
)
def test_a_block_is_not_found_when(why, rows):
    assert found("NW-BIP-06", ledger(*OLD_AND_MANY, *rows)) == [], why


def test_a_block_that_began_exactly_a_week_before_is_a_payment_short():
    assert found("NW-BIP-06", ledger(*OLD_AND_MANY, *block(apart=1.4)), min_density=1.0) == []
    assert len(found("NW-BIP-06", ledger(*OLD_AND_MANY, *block(apart=1.3999)), min_density=1.0)) == 5


def test_a_block_that_chance_would_bring_is_not_found():
    few = [pay("S", f"T{n}", -1, 7) for n in range(3)]
    assert found("NW-BIP-06", ledger(*OLD, *few, *block())) == []
    # 9 pairs newly pay, 6 of them not U's: V pays 3 of these, and 3 of them go to U's payees; 1.5 expected.
    chance = 3 * (1 - math.exp(-1.5) * (1 + 1.5 + 1.5**2 / 2))
    assert len(found("NW-BIP-06", ledger(*OLD, *few, *block()), max_chance=chance + 1e-9)) == 5
    assert found("NW-BIP-06", ledger(*OLD, *few, *block()), max_chance=chance - 1e-9) == []


def test_where_everybody_pays_everybody_nobody_is_found():
    rows = [pay(f"P{a:02}", f"Q{b:02}", a / 10 + b / 500, 50) for a in range(30) for b in range(30)]
    assert found("NW-BIP-06", ledger(*OLD, *rows)) == []
    assert found("NW-STACK-07", ledger(*OLD, *rows)) == []


# NW-STACK-07


def stack(gap=1.0, **more):
    """U and V pay X, Y and Z; then X and Y pay P, Q and R."""
    first = block(apart=0.1)
    return [*first, *block("XY", "PQR", day=0.5 + gap, apart=0.1, **more)]


def test_a_block_upon_a_block_is_found_with_all_three_layers():
    result = judge("NW-STACK-07", ledger(*OLD_AND_MANY, *stack()))
    assert result.findings["account_id"].to_list() == list("PQRUVXYZ")
    assert set(result.evidence["row"]) == set(range(4001, 4013))
    told = {value["name"]: value["value"] for value in result.findings["values"][0]}
    assert told == {"payer_count": 2, "middle_count": 2, "payee_count": 3, "paying_share": 1}


@pytest.mark.parametrize(
    ("why", "rows"),
    [
        ("it goes on too late", stack(gap=6.7)),
        ("it was sent before", stack(gap=-4)),
        ("one alone sends it on", stack(without=[("Y", "P"), ("Y", "Q"), ("Y", "R")])),
        ("others send it on", [*block(apart=0.1), *block("MN", "PQR", day=2, apart=0.1)]),
        ("it goes back to the first", [*block(apart=0.1), *block("XY", "UVR", day=2, apart=0.1)]),
        ("at one instant there is no order", [*block(apart=0), *block("XY", "PQR", apart=0)]),
    ],
)
def test_a_stack_is_not_found_when(why, rows):
    assert found("NW-STACK-07", ledger(*OLD_AND_MANY, *rows)) == [], why


def test_what_goes_on_within_a_week_of_the_first_layers_last_payment_is_found():
    at_the_end = [*block(apart=0), *block("XY", "PQR", day=7, apart=0)]
    assert len(found("NW-STACK-07", ledger(*OLD_AND_MANY, *at_the_end))) == 8
    beyond = [*block(apart=0), *block("XY", "PQR", day=7.001, apart=0)]
    assert found("NW-STACK-07", ledger(*OLD_AND_MANY, *beyond)) == []


# NW-LFAN-09


def layered(collectors=3, fan=3, apart=0.1, gap=1.0, step=0.0, share=1.0, back=False):
    """Each collector is paid by a fan of its own, then pays R; with `back` R pays and they pay the fans.

    share: of what comes in that goes on.
    """
    on, each = (fan * 300, 300 * share) if back else (fan * 300 * share, 300)
    rows = []
    for n in range(collectors):
        middle = f"C{n}"
        ends = [(f"P{n}{m}", middle, n * step + m * apart, each) for m in range(fan)]
        pairs = [*ends, (middle, "R", n * step + gap, on)]
        rows += [pay(y, x, 30 - day, much) if back else pay(x, y, day, much) for x, y, day, much in pairs]
    return rows


@pytest.mark.parametrize("back", [False, True])
def test_a_fan_of_fans_is_found_with_both_layers(back):
    result = judge("NW-LFAN-09", ledger(*OLD, *layered(back=back)))
    outer = [f"P{n}{m}" for n in range(3) for m in range(3)]
    assert result.findings["account_id"].to_list() == ["C0", "C1", "C2", *outer, "R"]
    assert set(result.evidence["row"]) == set(range(1, 13))
    told = {value["name"]: value["value"] for value in result.findings["values"][0]}
    assert told == {"collector_count": 3, "moved": 2_700}
    words = "2,700.00 USD went from one person to 3" if back else "2,700.00 USD reached one person from 3"
    assert result.findings["fact"][0].startswith(words)


@pytest.mark.parametrize("back", [False, True])
@pytest.mark.parametrize(
    ("why", "change"),
    [
        ("two collectors are few", {"collectors": 2}),
        ("fans of two are few", {"fan": 2}),
        ("the fan lies a week back", {"gap": 7}),
        ("the collectors are a week apart", {"step": 3.5}),
        ("at one instant there is no order", {"gap": 0, "apart": 0}),
        ("too little goes on", {"share": 0.699}),
        ("more goes on than came", {"share": 1.051}),
    ],
)
def test_a_layered_fan_is_not_found_when(why, change, back):
    assert found("NW-LFAN-09", ledger(*OLD, *layered(back=back, **change))) == [], why


@pytest.mark.parametrize("back", [False, True])
@pytest.mark.parametrize("change", [{"gap": 6.999}, {"step": 3.499}, {"share": 0.7}, {"share": 1.05}])
def test_the_bounds_of_a_layered_fan_are_inside(change, back):
    assert len(found("NW-LFAN-09", ledger(*OLD, *layered(back=back, **change)))) == 13


def test_a_layered_fan_is_half_of_the_one_persons_money_of_the_week():
    def besides(amount, day=0.0):
        return found("NW-LFAN-09", ledger(*OLD, *layered(), pay("Z", "R", day, amount)))

    assert len(besides(2_700)) == 13
    assert besides(2_700.01) == []
    assert len(besides(2_700.01, day=-6)) == 13  # exactly a week before the last payment of the fan


def test_what_goes_on_in_several_payments_goes_on_together():
    rows = [*layered(share=0.5), *(pay(f"C{n}", "R", 1.5, 300) for n in range(3))]
    assert len(found("NW-LFAN-09", ledger(*OLD, *rows))) == 13


def test_payers_known_for_long_make_no_layered_fan():
    assert found("NW-LFAN-09", ledger(*layered(), *moved(layered(), 100))) == []


# NW-COPAY-10


def test_two_who_pay_the_same_three_rare_payees_are_found_and_their_payees_are_not():
    result = judge("NW-COPAY-10", ledger(*block(), pay("V", "W", 0)))
    assert result.findings["account_id"].to_list() == ["U", "V"]
    assert set(result.evidence["row"]) == set(range(6))


@pytest.mark.parametrize(
    ("why", "rows"),
    [
        ("two payees are few", block(payees="XY")),
        ("the window is sixty days", block(apart=20)),
        ("they pay much else", [*block(), *(pay("U", f"O{n}", 0) for n in range(20))]),
        ("everybody pays them", block([f"P{n}" for n in range(21)], apart=0)),
    ],
)
def test_shared_payees_are_not_found_when(why, rows):
    assert found("NW-COPAY-10", ledger(*rows)) == [], why


def test_twenty_payers_are_still_few():
    assert len(set(found("NW-COPAY-10", ledger(*block([f"P{n}" for n in range(20)], apart=0.01))))) == 20


# NW-RING-11


def rounds(names="ABC", step=1.0, share=0.95, times=2, amount=1_000):
    """Money goes round among them: each pays the next one a share of what came."""
    return [
        pay(names[n % len(names)], names[(n + 1) % len(names)], n * step, amount * share**n)
        for n in range(times * len(names))
    ]


def test_three_who_pass_money_round_are_found_with_their_payments():
    result = judge("NW-RING-11", ledger(*rounds(), pay("A", "X", 1, 100)))
    assert result.findings["account_id"].to_list() == ["A", "B", "C"]
    assert set(result.evidence["row"]) == set(range(6))
    told = values_of(ledger(*rounds(), pay("A", "X", 1, 100)))
    sent, came = [1_000 * 0.95**n for n in (0, 3)], [1_000 * 0.95**n for n in (2, 5)]
    assert told == {
        "inside_share": pytest.approx(sum(sent + came) / (sum(sent + came) + 100)),
        "passed_share": pytest.approx((2 + came[0] / sum(came)) / 3),  # the last payment is not passed on
        "member_count": 3,
        "payment_count": 6,
    }


def outside(share):
    """Besides, A gets so much of all its money from others."""
    inside = sum(1_000 * 0.95**n for n in (0, 2, 3, 5))
    return [*rounds(), pay("X", "A", 0, inside * share / (1 - share))]


@pytest.mark.parametrize(
    ("why", "rows"),
    [
        ("two are a pair", rounds("AB")),
        ("more than thirty are a crowd", rounds([f"R{n:02}" for n in range(31)], step=0.4)),
        ("one moves too much elsewhere", outside(0.301)),
        ("each keeps what comes", rounds(share=0.69, amount=10_000)),
        ("it grows on its way", rounds(share=1.03)),
        ("it rests too long", rounds(step=7.01)),
        ("two months are too long", rounds(step=10)),
        ("it is small change", rounds(amount=99)),
        ("one only gets", [pay("A", "B", 0), pay("B", "C", 1, 950), pay("A", "C", 2, 900)]),
        ("one only pays", [pay("C", "B", 0), pay("C", "A", 1), *rounds("AB")]),
    ],
)
def test_a_ring_is_not_found_when(why, rows):
    assert found("NW-RING-11", ledger(*rows)) == [], why


@pytest.mark.parametrize(
    "rows",
    [
        outside(0.3),
        rounds(share=0.7, amount=10_000),
        rounds(share=1.02, times=1, amount=2_500),
        rounds(step=7, times=1),
        rounds([f"R{n:02}" for n in range(30)], step=0.4),
    ],
)
def test_the_bounds_of_a_ring_are_inside(rows):
    assert found("NW-RING-11", ledger(*rows)) == sorted({row["account_id"] for row in rows} - {"X"})


def test_half_of_what_members_get_goes_on_in_a_ring():
    def half(stays):  # B and C pass 900 on; at the end everybody keeps `stays`
        last = [pay("ABC"[n], "ABC"[(n + 1) % 3], 12, stays) for n in range(3)]
        return ledger(*moved([*rounds(share=1, times=1, amount=900), *last], -8))  # within 15 days

    assert found("NW-RING-11", half(300)) == ["A", "B", "C"]
    assert values_of(half(300))["passed_share"] == pytest.approx(0.5)
    assert found("NW-RING-11", half(301)) == []


def values_of(data):
    """Values of a ring's first finding."""
    return {value["name"]: value["value"] for value in judge("NW-RING-11", data).findings["values"][0]}


def test_a_tie_is_a_tenth_of_the_money_of_both():
    crowd = [f"R{n:02}" for n in range(12)]

    def everybody(count):
        return [
            pay(a, b, (n + m / 20) * 0.1, 1_000 - n)
            for n, a in enumerate(crowd[:count])
            for m, b in enumerate(crowd[:count])
            if a != b
        ]

    assert found("NW-RING-11", ledger(*everybody(10))) == crowd[:10]
    assert found("NW-RING-11", ledger(*everybody(12))) == []


def test_a_member_with_a_payment_of_unknown_value_is_no_member():
    strange = pay("A", "X", 1, 5, currency="EUR", mirrored=False)
    assert found("NW-RING-11", ledger(*rounds(), pay("A", "X", 1, 100, mirrored=False))) == ["A", "B", "C"]
    assert found("NW-RING-11", ledger(*rounds(), {**strange, "amount_minor": 50_000})) == []


def test_later_payments_leave_a_ring_as_it_was():
    def told(*more):
        return judge("NW-RING-11", ledger(*rounds(), *more)).findings.filter(pl.col("state") == "found")

    assert told().equals(told(pay("A", "X", 90, 50_000)))


def test_row_order_changes_no_motif():
    rows = [*OLD, *fan(), *through(day=30), *fan_out(day=60), *by_others(), *ring(), *chain()]
    rows += [*moved([*MANY, *stack()], 90), *moved(layered(), 120), *moved(rounds(), 180)]
    frame = factory.payments(*rows)
    own = [indicator for name, indicator in BY_ID.items() if name.startswith("NW-")]

    every = Settings(indicators={indicator.id: IndicatorSettings(enabled=True) for indicator in own})

    def told(payments):
        result = evaluate_indicators(own, build_ledger(payments), pl.DataFrame(), every)
        return result.findings, result.evidence.height

    straight, shuffled = told(frame), told(frame.sample(fraction=1, shuffle=True, seed=3))
    assert straight[0].equals(shuffled[0])
    assert straight[1] == shuffled[1]
    assert straight[0]["indicator_id"].n_unique() == len(own)
