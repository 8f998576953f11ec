"""Rows as a grid asks for them."""

from __future__ import annotations

import pytest

from finpat.errors import UsageError
from finpat.readmodel import ReadModel
from finpat.readmodel.rows import Condition, Listing, Wanted
from tests.readmodel.published import publish_sample

LISTED = Listing(
    "SELECT * FROM (VALUES ('a', 1, TIMESTAMP '2026-01-01 10:00', 'X-1;X-2'), ('B', 2, NULL, 'X-2'), "
    "('c', 2, TIMESTAMP '2026-03-01 00:00', NULL), ('d', NULL, TIMESTAMP '2026-02-01 00:00', '')) "
    "AS t(name, score, seen, ids)",
    {"name": "text", "score": "number", "seen": "instant", "ids": "text"},
    ("name",),
    (("score", True),),
)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    with ReadModel(publish_sample(tmp_path_factory.mktemp("rows"))) as opened:
        yield opened


def names(model, *conditions, order=(), offset=0, limit=10):
    rows = LISTED.rows(model, Wanted(offset, limit, conditions, order))
    return rows.frame["name"].to_list(), rows.total


def test_ties_are_broken_by_the_key_and_what_is_missing_comes_last(model):
    assert names(model) == (["B", "c", "a", "d"], 4)
    assert names(model, order=(("score", False),)) == (["a", "B", "c", "d"], 4)
    assert names(model, order=(("name", True),)) == (["d", "c", "a", "B"], 4)


def test_a_page_tells_how_many_there_are_in_all(model):
    assert names(model, offset=1, limit=2) == (["c", "a"], 4)
    assert names(model, offset=9) == ([], 4)


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        (Condition("name", "contains", ("b",)), ["B"]),
        (Condition("name", "not_contains", ("b",)), ["c", "a", "d"]),
        (Condition("name", "equals", ("A",)), ["a"]),
        (Condition("name", "not_equal", ("A",)), ["B", "c", "d"]),
        (Condition("name", "starts", ("C",)), ["c"]),
        (Condition("ids", "ends", ("-1",)), []),
        (Condition("ids", "ends", ("-2",)), ["B", "a"]),
        (Condition("name", "any_of", ("a", "c")), ["c", "a"]),
        (Condition("ids", "none_of", ("X-2",)), ["c", "a", "d"]),
        (Condition("ids", "lists", ("X-1",)), ["a"]),
        (Condition("ids", "lists", ("X-1", "X-2")), ["B", "a"]),
        (Condition("score", "equals", (2,)), ["B", "c"]),
        (Condition("score", "less", (2,)), ["a"]),
        (Condition("score", "at_most", (2,)), ["B", "c", "a"]),
        (Condition("score", "greater", (1,)), ["B", "c"]),
        (Condition("score", "at_least", (1,)), ["B", "c", "a"]),
        (Condition("score", "between", (1, 1.5)), ["a"]),
        (Condition("score", "empty"), ["d"]),
        (Condition("ids", "filled"), ["B", "a", "d"]),
        (Condition("seen", "less", ("2026-02-01",)), ["a"]),
        (Condition("seen", "between", ("2026-02-01", "2026-03-01 23:59:59")), ["c", "d"]),
    ],
    ids=str,
)
def test_a_condition_keeps_the_rows_that_meet_it(model, condition, found):
    assert names(model, condition) == (found, len(found))


def test_all_conditions_hold_together(model):
    both = (Condition("score", "equals", (2,)), Condition("name", "contains", ("c",)))
    assert names(model, *both) == (["c"], 1)


@pytest.mark.parametrize("value", ["' OR true --", "x'); DROP TABLE rm.runs; --", "%", "_", "\\"])
def test_a_value_is_never_sql_and_never_a_pattern(model, value):
    assert names(model, Condition("name", "contains", (value,))) == ([], 0)


def test_unknown_columns_and_operators_are_refused_by_name(model):
    with pytest.raises(UsageError, match="column"):
        names(model, Condition('score" OR 1=1 --', "equals", (1,)))
    with pytest.raises(UsageError, match="column"):
        names(model, order=(("rowid; --", True),))
    with pytest.raises(UsageError, match="operator"):
        names(model, Condition("score", "near", (1,)))


def test_a_page_has_an_end(model):
    with pytest.raises(UsageError, match="at most"):
        names(model, limit=1_000_000)


def test_an_export_has_every_row_of_the_choice(model):
    chosen = Wanted(2, 1, (Condition("score", "filled"),), (("name", False),))
    assert LISTED.all_rows(model, chosen)["name"].to_list() == ["B", "a", "c"]
