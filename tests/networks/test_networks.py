"""Networks: what ties accounts, how common a value may be, and names that stay."""

from dataclasses import replace
from datetime import timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from finpat.adverts.adverts import build_adverts
from finpat.config import Settings
from finpat.ledger import build_ledger
from finpat.networks.identifiers import identifier_uses
from finpat.networks.judgements import JUDGEMENT, without_denied
from finpat.networks.networks import MOST_ACCOUNTS, build_networks
from finpat.networks.persons import judged_persons
from tests.factory import START, at, ledger, payments


def pay(one, two, day, amount=100, **changes):
    return {
        "account_id": one, "counterparty_id": two, "direction": "debit", "mirrored": True,
        "booked_at": at(day), "amount_minor": amount * 100, **changes,
    }  # fmt: skip


def use(account, day=0, **changes):
    return pay(account, f"shop of {account}", day, **{"mirrored": False, "channel": "card", **changes})


def groups(data):
    """Members of each network, by account id."""
    made = build_networks(data)
    names = data.accounts["account_id"]
    members = made.members.with_columns(account_id=names.gather(made.members["account"]))
    return sorted(sorted(part["account_id"]) for _, part in members.group_by("network_id"))


def accounts(**people):
    return pl.DataFrame([{"account_id": name, **values} for name, values in people.items()])


THREE = [pay("A", "B", day) for day in (0, 10, 20)]


def test_three_payments_that_are_all_one_sends_and_receives_tie():
    made = build_networks(ledger(*THREE))
    (edge,) = made.edges.rows(named=True)
    assert (edge["kind"], edge["weight"], edge["count"], edge["amount_minor"]) == ("payment", 1.0, 3, 300_00)
    assert (edge["first_at"], edge["last_at"], edge["rows"]) == (at(0), at(20), [0, 1, 2])
    assert made.networks.select("kind", "member_count", "person_count").rows() == [("payment", 2, 2)]


@pytest.mark.parametrize(
    ("why", "rows"),
    [
        ("two payments", THREE[:2]),
        ("spread over more than 90 days", [pay("A", "B", day) for day in (0, 45, 90)]),
        ("by card", [{**row, "channel": "card"} for row in THREE]),
        ("one failed", [*THREE[:2], {**THREE[2], "status": "failed"}]),
        ("one was declined", [*THREE[:2], {**THREE[2], "status": "Declined"}]),
        ("a small share of what both do",
         [*THREE, pay("A", "X", 5, 900, mirrored=False), pay("Y", "B", 5, 900), use("Y")]),
        ("the payee is not held here", [{**row, "mirrored": False} for row in THREE]),
    ],
)  # fmt: skip
def test_no_payment_tie(why, rows):
    assert groups(ledger(*rows, use("A"), use("B"))) == [], why


@pytest.mark.parametrize("contact", [
    {"phone": "+44 20 7946 0018"}, {"email": "One@Example.com "}, {"address": "12 Mill Lane"},
])  # fmt: skip
def test_a_rare_contact_ties(contact):
    people = accounts(A=contact, B=contact, C={})
    assert groups(ledger(use("A"), use("B"), use("C"), accounts=people)) == [["A", "B"]]


def test_a_rare_device_ties_with_its_rows_as_evidence():
    data = ledger(use("A", device_id="D"), use("B", 1, device_id="D"), use("C", device_id="E"))
    made = build_networks(data)
    (edge,) = made.edges.rows(named=True)
    assert (edge["kind"], edge["shared_by"], edge["count"], edge["rows"]) == ("device", 2, 2, [0, 1])


def test_the_more_share_a_value_the_less_it_weighs_and_hubs_tie_nobody():
    def shared_by(count):
        people = accounts(**{f"P{n:02}": {"phone": "+442079460018"} for n in range(count)})
        return build_networks(ledger(*(use(f"P{n:02}") for n in range(count)), accounts=people)).edges[
            "weight"
        ]

    assert set(shared_by(2)) == {1.0}
    assert set(shared_by(4)) == {0.5}
    assert shared_by(10).len() == 45
    assert shared_by(11).is_empty()


def test_accounts_of_one_holder_alone_are_no_network_but_come_along():
    people = accounts(A={"holder_id": "h"}, C={"holder_id": "h"}, B={"holder_id": "b"})
    assert groups(ledger(use("A"), use("C"), accounts=people)) == []
    assert groups(ledger(*THREE, use("C"), accounts=people)) == [["A", "B", "C"]]


def test_accounts_of_one_holder_that_join_later_do_not_rename_a_network():
    people = accounts(P={"holder_id": "h"}, Q={"holder_id": "h"})
    rows = [use("P", -9), use("Q", -9), *THREE]
    before = build_networks(ledger(*rows, accounts=people))
    after = build_networks(ledger(*rows, *(pay("P", "A", day) for day in (30, 40, 50)), accounts=people))
    assert before.networks["network_id"].to_list() == after.networks["network_id"].to_list()
    assert after.networks["member_count"].to_list() == [4]


def chain(count):
    return [
        row
        for n in range(count)
        for row in (pay(f"P{n:03}", f"P{n + 1:03}", n / 10 + day) for day in (0, 10, 20))
    ]


def test_a_tie_that_would_make_a_network_too_large_is_cut():
    made = build_networks(ledger(*chain(MOST_ACCOUNTS + 9)))
    assert made.networks["member_count"].max() <= MOST_ACCOUNTS
    assert made.bridges >= 1


parties = st.sampled_from("ABCDEFGH")
drafts = st.lists(st.tuples(parties, parties, st.integers(0, 120), st.integers(1, 9)), max_size=60)


def rows_of(drafted):
    return [
        pay(one, two, day, amount) | {"row_key": number}
        for number, (one, two, day, amount) in enumerate(drafted)
        if one != two
    ]


@settings(deadline=None, max_examples=40)
@given(drafts, st.integers(0, 120))
def test_later_rows_never_rename_a_network_unless_two_merge(drafted, until):
    rows = rows_of(drafted)
    early = [row for row in rows if row["booked_at"] <= START + timedelta(days=until)]
    if not early:
        return
    before, after = (_named_members(build_ledger(payments(*some))) for some in (early, rows))
    where = {account: name for name, members in after.items() for account in members}
    for name, members in before.items():
        (now,) = {where[account] for account in members}
        assert now == name or (now in before and before[now] <= set(after[now]))


def _named_members(data):
    made = build_networks(data)
    names = data.accounts["account_id"]
    members = made.members.with_columns(account_id=names.gather(made.members["account"]))
    return {key[0]: set(part["account_id"]) for key, part in members.group_by("network_id")}


@settings(deadline=None, max_examples=40)
@given(drafts, st.randoms())
def test_the_order_of_rows_changes_no_network(drafted, random):
    rows = rows_of(drafted)
    if not rows:
        return
    shuffled = random.sample(rows, len(rows))
    first, second = (build_networks(build_ledger(payments(*some))) for some in (rows, shuffled))
    assert first.networks.equals(second.networks)
    assert first.members.equals(second.members)
    assert first.edges.drop("rows").equals(second.edges.drop("rows"))


# Three persons around one who sweeps to nobody: strong ties by a telephone each.
def trio(*names):
    return {name: {"phone": f"+3247012340{names[0]}"} for name in names}


def meeting(days, device="D", one="1", other="4"):
    """Uses of one device by two accounts on each of these days."""
    return [use(name, day, device_id=f"{device}{day}") for day in days for name in (one, other)]


TRIOS = trio(*"123") | trio(*"456")


def trios_with(*rows, **more):
    people = accounts(**TRIOS)
    return groups(ledger(*(use(name) for name in TRIOS), *rows, accounts=people, **more))


def test_a_tie_of_little_weight_between_two_groups_of_three_is_a_weak_bridge_and_cut():
    apart = [["1", "2", "3"], ["4", "5", "6"]]
    seven = [use(name, 9, device_id="K") for name in ("1", "4", "a", "b", "c", "d", "e")]
    found = trios_with(*seven)
    assert ["4", "5", "6"] in found or ["1", "2", "3"] in found
    assert not any({"1", "4"} <= set(members) for members in found)
    assert trios_with() == apart
    made = build_networks(ledger(*(use(name) for name in TRIOS), *seven, accounts=accounts(**TRIOS)))
    assert made.weak_bridges > 0
    assert made.bridges == 0


def test_a_strong_tie_joins_two_groups_of_three_and_so_do_weak_ones_together():
    assert trios_with(*meeting([9])) == [["1", "2", "3", "4", "5", "6"]]
    weak = [pay("1", "4", day, 40) for day in (5, 6, 7)] + [pay("1", f"X{n}", 5, 12, mirrored=False)
            for n in range(16)] + [pay("Y", "4", 4, 100)]  # fmt: skip
    (edge,) = build_networks(ledger(*weak, use("1"), use("Y"), use("X"))).edges.rows(named=True)
    assert 0.3 <= edge["weight"] < 0.5
    assert trios_with(*weak, use("Y")) == [["1", "2", "3"], ["4", "5", "6"]]
    others = {"1": "2", "4": "5", "Y": "Z"}
    also = [
        row | {end: others.get(row[end], row[end]) for end in ("account_id", "counterparty_id")}
        for row in weak
    ]
    assert trios_with(*weak, *also, use("Y"), use("Z")) == [["1", "2", "3", "4", "5", "6"]]


def banked(account, day, amount=100):
    return {"account_id": account, "counterparty_id": None, "channel": "cash", "booked_at": at(day),
            "amount_minor": amount * 100}  # fmt: skip


def test_passing_on_what_comes_in_ties_even_where_it_is_little_of_what_the_other_receives():
    swept = [row for day in (0, 5, 10) for row in (banked("A", day), pay("A", "B", day + 1, 70))]
    rich = [pay("E", "B", day, 5000) | {"account_id": "B", "counterparty_id": "E", "direction": "credit",
            "mirrored": False} for day in range(12)]  # fmt: skip
    (edge,) = build_networks(ledger(*swept, *rich)).edges.rows(named=True)
    assert (edge["kind"], edge["weight"], edge["shared_by"], edge["count"]) == ("sweep", 1.0, 1, 3)
    assert edge["amount_minor"] == 210_00


@pytest.mark.parametrize(("why", "share", "days"), [
    ("less than 0.7 of it", 0.69, (0, 5, 10)), ("twice only", 0.9, (0, 5)),
    ("spread over more than 90 days", 0.9, (0, 45, 91)),
])  # fmt: skip
def test_no_sweep(why, share, days):
    rich = [{**banked("B", day, 99_000), "counterparty_id": "E", "channel": "transfer"} for day in days]
    rows = [row for day in days for row in (banked("A", day), pay("A", "B", day + 1, round(share * 100)))]
    assert groups(ledger(*rows, *rich)) == [], why


def test_a_wallet_that_two_use_ties_them_and_one_held_here_does_not():
    paid = [pay(name, "bc1q", day, channel="crypto", mirrored=False) for name, day in (("A", 0), ("B", 5))]
    made = build_networks(ledger(*paid))
    (edge,) = made.edges.rows(named=True)
    assert (edge["kind"], edge["identifier_id"].split(":")[0], edge["rows"]) == ("wallet", "wallet", [0, 1])
    assert groups(ledger(*({**row, "counterparty_id": "C"} for row in paid), use("C"))) == []


def test_who_may_use_anothers_account_is_tied_to_its_holder():
    people = accounts(A={"holder_id": "a", "authorised_users": "b@2026-01-02"}, B={"holder_id": "b"})
    made = build_networks(ledger(use("A"), use("B"), accounts=people))
    assert made.edges["kind"].to_list() == ["authorised"]


def advertised(*shown, **links):
    """Adverts of one poster that show these telephone numbers; their payers by account code."""
    frame = pl.DataFrame(
        {"ad_id": [f"ad{n}" for n in range(len(shown))], "platform": "Board", "country": "BE", "phone": shown,
         "posted_at": [at(n) for n in range(len(shown))],
         "text": "new in town, call me any day of the week"},
        schema_overrides={"phone": pl.String},
    )  # fmt: skip
    paid = pl.DataFrame(
        [{"payment_id": f"p{n}", "paid_at": at(n), "platform": "Board", "amount_minor": 500,
          "currency": "USD", "account_id": account, "ad_id": ad}
         for n, (ad, account) in enumerate(links.items())],
        schema={"payment_id": pl.String, "paid_at": pl.Datetime("us"), "platform": pl.String,
                "amount_minor": pl.Int64, "currency": pl.String, "account_id": pl.String, "ad_id": pl.String},
    )  # fmt: skip
    return frame, paid


def test_accounts_that_one_posters_adverts_lead_to_are_tied_by_number_and_by_payment():
    people = accounts(A={"phone": "0470 12 34 56", "country": "BE"}, B={"country": "BE"}, C={"country": "BE"})
    data = ledger(use("A"), use("B"), use("C"), accounts=people)
    ads, paid = advertised("0032470123456", None, ad1="B")
    adverts = build_adverts(ads, paid, data, Settings())
    made = build_networks(data, identifier_uses(data, adverts, paid), adverts)
    (edge,) = made.edges.rows(named=True)
    assert (edge["kind"], edge["shared_by"], edge["count"], edge["weight"]) == ("advert", 2, 2, 1.0)
    assert edge["ad_ids"] == ["ad0", "ad1"]


def judged(*rows):
    return pl.DataFrame(
        [{"kind": "account", "left_id": left, "right_id": right, "verdict": verdict, "judged_at": moment}
         for left, right, verdict, moment in rows],
        schema=JUDGEMENT,
    )  # fmt: skip


def obeyed(data, judgements):
    named, _ = judged_persons(data.accounts, judgements)
    data = replace(data, accounts=named)
    uses = without_denied(
        identifier_uses(data, None, pl.DataFrame()), data.accounts["account_id"], judgements
    )
    made = build_networks(data, uses, None, judgements)
    names = data.accounts["account_id"]
    members = made.members.with_columns(account_id=names.gather(made.members["account"]))
    return sorted(sorted(part["account_id"]) for _, part in members.group_by("network_id"))


@pytest.mark.parametrize("rows", [
    THREE,
    [use("A", device_id="D"), use("B", 1, device_id="D")],
    [pay(name, "bc1q", 3, channel="crypto", mirrored=False) for name in "AB"],
])  # fmt: skip
def test_what_is_judged_not_to_be_the_same_is_tied_by_later_rows_only(rows):
    data = ledger(*rows, use("A"), use("B"))
    assert obeyed(data, judged(("A", "B", "undecided", at(40)))) == [["A", "B"]]
    denied = judged(("A", "B", "not_same", at(40)))
    assert obeyed(data, denied) == []
    later = [{**row, "booked_at": row["booked_at"] + timedelta(days=60)} for row in rows]
    assert obeyed(ledger(*rows, *later, use("A"), use("B")), denied) == [["A", "B"]]


def test_a_contact_without_a_date_is_never_new_evidence():
    people = accounts(A={"email": "x@example.com"}, B={"email": "x@example.com"})
    data = ledger(use("A"), use("B"), use("A", 90), use("B", 90), accounts=people)
    assert obeyed(data, judged(("B", "A", "not_same", at(40)))) == []


def test_a_number_judged_not_to_be_the_accounts_ties_it_to_nobody():
    people = accounts(**{name: {"email": "x@example.com"} for name in "ABC"})
    data = ledger(*(use(name) for name in "ABC"), accounts=people)
    name = build_networks(data).edges["identifier_id"][0]
    denied = judged((name, "B", "not_same", at(40))).with_columns(kind=pl.lit("identifier"))
    assert obeyed(data, denied) == [["A", "C"]]


def test_accounts_judged_to_be_one_persons_are_no_network_and_come_along():
    data = ledger(*THREE, use("C"))
    same = judged(("C", "B", "same", at(40)))
    assert obeyed(data, same) == [["A", "B", "C"]]
    assert obeyed(ledger(*THREE), judged(("A", "B", "same", at(40)))) == []


moments = st.integers(0, 60)
acts = st.lists(st.tuples(st.sampled_from("ABCDEFGH"), st.sampled_from("XYZ"), moments), max_size=30)


@settings(deadline=None, max_examples=40)
@given(drafts, acts, moments)
def test_a_network_only_ever_grows_or_merges_when_later_rows_come(drafted, used, until):
    rows = rows_of(drafted) + [
        use(who, day, device_id=device, row_key=1000 + number)
        for number, (who, device, day) in enumerate(used)
    ]
    early = [row for row in rows if row["booked_at"] <= START + timedelta(days=until)]
    if not early:
        return
    before, after = (_named_members(build_ledger(payments(*some))) for some in (early, rows))
    where = {account: name for name, members in after.items() for account in members}
    for name, members in before.items():
        (now,) = {where[account] for account in members}
        assert now == name or now in before
