"""Following ties: shortest paths, the weightiest of them, and what is named but not followed."""

from __future__ import annotations

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from finpat.networks.trace import ABOUT, HUB, LAST_HOP, TIE, Reach, follow_ties


class Drawn:
    """Ties drawn by hand, (one, other, weight); a thing's kind is the first letter of its id."""

    def __init__(self, ties, shared=None):
        both = [(one, two, weight) for a, b, weight in ties for one, two in ((a, b), (b, a))]
        self.ties = pl.DataFrame(
            [
                {"from_kind": one[0], "from_id": one, "to_kind": two[0], "to_id": two, "how": "drawn",
                 "weight": float(weight), "count": 1, "first_at": None, "last_at": None, "amount": None,
                 "currency": None, "evidence": [f"{min(one, two)}-{max(one, two)}"]}
                for one, two, weight in both
            ],
            schema=TIE,
        )  # fmt: skip
        self.shared = shared or {}

    def ties_of(self, things):
        return self.ties.join(things, left_on=["from_kind", "from_id"], right_on=["kind", "id"], how="semi")

    def about(self, things):
        known = [
            {"kind": id[0], "id": id, "label": f"the {id}", "shared_by": count, "rarity": 1 / count}
            for id, count in self.shared.items()
        ]
        return things.join(pl.DataFrame(known, schema=ABOUT), on=["kind", "id"])


def traced(ties, start="a1", shared=None, **reach):
    starts = pl.DataFrame({"kind": [start[0]], "id": [start]})
    return follow_ties(starts, Drawn(ties, shared), Reach(**{"least": 0.0} | reach))


def weights(trace):
    return {row["id"]: round(row["weight"], 4) for row in trace.things.to_dicts()}


def test_a_path_weighs_the_product_of_its_ties_and_passing_a_shared_value_costs_its_rarity():
    found = traced([("a1", "p1", 1), ("p1", "a2", 0.5)], shared={"p1": 4})
    assert weights(found) == {"p1": 0.25, "a2": 0.125}
    assert found.things["label"].to_list() == ["the p1", "a2"]


def test_a_thing_is_reached_by_a_shortest_path_and_of_those_by_the_weightiest():
    short_and_weak, long_and_strong = [("a1", "a9", 0.1)], [("a1", "a2", 1), ("a2", "a9", 1)]
    assert weights(traced(short_and_weak + long_and_strong))["a9"] == 0.1
    either = [("a1", "b1", 0.2), ("a1", "b2", 0.9), ("b1", "a9", 1), ("b2", "a9", 1)]
    assert traced(either).path_to("a", "a9")["id"].to_list() == ["b2", "a9"]


def test_every_step_of_a_path_has_its_evidence():
    found = traced([("a1", "p1", 1), ("p1", "a2", 1), ("a2", "a3", 1)])
    path = found.path_to("a", "a3")
    assert path["evidence"].to_list() == [["a1-p1"], ["a2-p1"], ["a2-a3"]]
    assert path["from_id"].to_list() == ["a1", "p1", "a2"]
    assert found.path_to("a", "nobody").is_empty()


def test_what_too_many_share_is_named_and_not_followed_and_a_start_is_followed_all_the_same():
    ties = [("a1", "p1", 1), ("p1", "a2", 1)]
    at_the_cap = traced(ties, shared={"p1": 25}, shared_by=25)
    assert weights(at_the_cap).keys() == {"p1", "a2"}
    above = traced(ties, shared={"p1": 26}, shared_by=25)
    assert above.things.select("id", "shared_by", "stopped").rows() == [("p1", 26, HUB)]
    assert weights(traced(ties, "p1", shared={"p1": 26})).keys() == {"a1", "a2"}


def test_it_stops_at_the_last_hop_and_says_where():
    chain = [(f"a{n}", f"a{n + 1}", 1) for n in range(1, 9)]
    found = traced(chain, hops=3)
    assert found.things.select("id", "hops", "stopped").rows() == [
        ("a2", 1, None), ("a3", 2, None), ("a4", 3, LAST_HOP),
    ]  # fmt: skip


def test_weak_paths_and_what_is_beyond_the_number_are_counted_and_not_lost_silently():
    found = traced([("a1", "a2", 0.5), ("a1", "a3", 0.49)], least=0.5)
    assert (weights(found), found.too_weak, found.left_out) == ({"a2": 0.5}, 1, 0)
    found = traced([("a1", f"a{n}", 1 / n) for n in range(2, 8)], things=2)
    assert (weights(found).keys(), found.left_out) == ({"a2", "a3"}, 4)


def test_something_too_weak_on_one_way_and_reached_on_another_is_not_counted_as_left_out():
    found = traced([("a1", "a9", 0.01), ("a1", "a2", 1), ("a2", "a9", 1)], least=0.1)
    assert (weights(found), found.too_weak) == ({"a2": 1.0, "a9": 1.0}, 0)


def test_ties_among_what_was_reached_are_told_once_however_they_were_met():
    found = traced([("a1", "a2", 1), ("a2", "a3", 1), ("a3", "a1", 1), ("a3", "a4", 0.001)], least=0.1)
    ends = {frozenset(row) for row in found.ties.select("from_id", "to_id").rows()}
    assert ends == {frozenset(pair) for pair in (("a1", "a2"), ("a2", "a3"), ("a1", "a3"))}
    assert found.ties.height == 3


def test_nothing_tied_is_an_empty_answer():
    found = traced([("a8", "a9", 1)])
    assert found.things.is_empty()
    assert found.ties.is_empty()
    assert found.starts["id"].to_list() == ["a1"]


THINGS = [f"{kind}{n}" for kind in "ap" for n in range(5)]
TIES = st.lists(
    st.tuples(st.sampled_from(THINGS), st.sampled_from(THINGS), st.sampled_from([0.1, 0.5, 1.0])).filter(
        lambda tie: tie[0] != tie[1]
    ),
    max_size=14,
    unique_by=lambda tie: frozenset(tie[:2]),
)


@settings(deadline=None, max_examples=40)
@given(ties=TIES, shuffled=st.randoms(use_true_random=False))
def test_the_order_in_which_ties_are_given_does_not_matter(ties, shuffled):
    other = list(ties)
    shuffled.shuffle(other)
    first, second = traced(ties), traced(other)
    assert first.things.equals(second.things)
    assert first.ties.equals(second.ties)


@settings(deadline=None, max_examples=40)
@given(ties=TIES)
def test_one_more_hop_never_loses_or_moves_what_was_reached(ties):
    near, far = traced(ties, hops=2).things, traced(ties, hops=3).things
    assert far.head(near.height).drop("stopped").equals(near.drop("stopped"))


@settings(deadline=None, max_examples=40)
@given(ties=TIES)
def test_a_tie_is_as_good_from_either_end(ties):
    there = {row["id"] for row in traced(ties, hops=8).things.to_dicts()}
    for end in there:
        assert "a1" in {row["id"] for row in traced(ties, end, hops=8).things.to_dicts()}
