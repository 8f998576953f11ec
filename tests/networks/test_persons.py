from datetime import datetime

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from finpat.networks.judgements import JUDGEMENT
from finpat.networks.persons import judged_persons, persons_of


def test_accounts_of_one_holder_are_one_person_named_by_its_first_account():
    accounts = pl.DataFrame({"account_id": ["A", "B", "C", "D"], "holder_id": ["h", None, "h", None]})
    assert persons_of(accounts).tolist() == [0, 1, 0, 3]


def test_a_shared_telephone_makes_no_person():
    accounts = pl.DataFrame({"account_id": ["A", "B"], "phone": ["+421", "+421"]})
    assert persons_of(accounts).tolist() == [0, 1]


def judged(*rows):
    return pl.DataFrame(
        [{"kind": "account", "left_id": left, "right_id": right, "verdict": verdict,
          "judged_at": datetime(2026, 1, day)} for day, (left, right, verdict) in enumerate(rows, start=1)],
        schema=JUDGEMENT,
    )  # fmt: skip


FOUR = pl.DataFrame({"account_id": list("ABCD"), "holder_id": ["h", "h", "i", None]})


def groups(accounts, judgements):
    named, refused = judged_persons(accounts, judgements)
    return persons_of(named).tolist(), len(refused)


def test_accounts_judged_to_be_the_same_persons_are_and_all_of_either_holder_with_them():
    assert groups(FOUR, judged(("D", "C", "same"))) == ([0, 0, 2, 2], 0)
    assert groups(FOUR, judged(("C", "B", "same"))) == ([0, 0, 0, 3], 0)
    assert groups(FOUR, judged(("A", "C", "same"), ("C", "D", "same"))) == ([0, 0, 0, 0], 0)


def test_accounts_of_one_holder_that_are_judged_not_to_be_the_same_are_parted():
    assert groups(FOUR, judged(("A", "B", "not_same"))) == ([0, 1, 2, 3], 0)


def test_nothing_joins_what_is_judged_apart_and_the_judgement_that_would_is_named():
    assert groups(FOUR, judged(("A", "C", "not_same"), ("A", "D", "same"), ("C", "D", "same"))) == (
        [0, 0, 2, 0], 1
    )  # fmt: skip


def test_undecided_unknown_accounts_and_other_kinds_change_nothing():
    told = judged(("A", "C", "undecided"), ("A", "Z", "same"))
    other = judged(("A", "C", "same")).with_columns(kind=pl.lit("ad_cluster"))
    assert groups(FOUR, told) == groups(FOUR, other) == (persons_of(FOUR).tolist(), 0)


ACCOUNTS = st.sampled_from("ABCD")
JUDGED = st.tuples(ACCOUNTS, ACCOUNTS, st.sampled_from(["same", "not_same"])).filter(
    lambda row: row[0] < row[1]
)


@settings(deadline=None, max_examples=50)
@given(st.lists(JUDGED, max_size=6, unique_by=lambda row: row[:2]))
def test_two_judged_apart_are_never_one_person(rows):
    persons, refused = groups(FOUR, judged(*rows))
    place = dict(zip("ABCD", persons, strict=True))
    for one, other, verdict in rows:
        assert verdict == "same" or place[one] != place[other]
    kept = sum(place[one] == place[other] for one, other, verdict in rows if verdict == "same")
    assert kept + refused == sum(verdict == "same" for *_, verdict in rows)
