"""The same-author score: blind to contacts, alive to habits, fair to pairs of either kind."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from finpat.adverts.authors import (
    MEASURES,
    caught_at,
    drawn_pairs,
    fit_authors,
    pair_measures,
    written_style,
)  # fmt: skip
from finpat.evaluation.authors import made_adverts, measured, pair_figures


def measures(one, other, *more):
    texts = written_style(pl.DataFrame({"text": [one, other, *more]}))["text"]
    values = pair_measures(texts, np.array([0]), np.array([1]))[0]
    return dict(zip(MEASURES, values, strict=True))


def test_contacts_and_numbers_are_out_of_the_text_before_anything_is_measured():
    text = "call 0470 12-34.56 or a.b@example.com, t.me @ann_x www.x.org/y"
    told = written_style(pl.DataFrame({"title": ["Ann"], "text": [text]}))["text"][0]
    assert told.split() == ["Ann", "call", "0", "or", ",", "t.me"]
    assert written_style(pl.DataFrame({"text": [None, " "]}))["text"].to_list() == [None, None]


def test_a_shared_number_changes_no_measure():
    texts = ("new in town ! call", "quiet street. write")
    with_one = measures(*(f"{text} +32 470 12 34 56" for text in texts))
    with_two = measures(texts[0] + " +32 470 12 34 56", texts[1] + " 0032470999999")
    assert with_one == with_two


@pytest.mark.parametrize(("measure", "same", "other"), [
    ("characters", ("neew in towwn", "neew in towwn tonight"), ("neew in towwn", "quiet street")),
    ("punctuation", ("one!! two!!", "three!! four!!"), ("one!! two!!", "three... four...")),
    ("pictographs", ("one ❤", "two ❤"), ("one ❤", "two ★")),
    ("capitals", ("ONE TWO", "THREE FOUR"), ("ONE TWO", "three four")),
    ("lines", ("one\ntwo\nthree", "four\nfive\nsix"), ("one\ntwo\nthree", "four five six")),
    ("spaces", ("one , two , x", "six , four , y"), ("one , two , x", "six, four, y")),
    ("price_form", ("for 100 €", "for 250 €"), ("for 100 €", "for $250")),
])  # fmt: skip
def test_a_shared_habit_makes_a_pair_more_alike(measure, same, other):
    pool = ("some other advert, plain", "ANOTHER one\nof those ! $5")
    assert measures(*same, *pool)[measure] > measures(*other, *pool)[measure]


def test_the_score_learns_from_some_authors_what_tells_others_apart():
    made = made_adverts(80, 8, 0.9)
    figures = measured(written_style(made)["text"], made["author"].to_numpy())
    assert figures["reworded"] > 0.5
    assert figures["reworded"] > figures["words_alone"]


def test_authors_without_habits_cannot_be_told_apart():
    made = made_adverts(80, 8, 0.0)
    assert measured(written_style(made)["text"], made["author"].to_numpy())["all"] < 0.05


def test_pairs_are_drawn_author_by_author_and_never_of_a_text_with_itself():
    authors = np.array([0] * 90 + [1] * 2 + [2])
    left, right, same = drawn_pairs(authors, 500)
    assert (left != right).all()
    assert ((authors[left] == authors[right]) == same).all()
    small = (authors[left[same]] == 1).mean()
    assert 0.4 < small < 0.6, "an author of two texts is drawn as often as one of ninety"


def test_true_positives_are_counted_above_the_score_of_one_false_positive_in_a_hundred():
    others = np.arange(100) / 100
    scores = np.concatenate([others, [0.99, 0.995, 1.0, 0.5]])
    same = np.arange(104) >= 100
    assert caught_at(scores, same) == 0.5


def test_both_kinds_of_pairs_are_needed_and_the_score_is_a_probability():
    values = np.column_stack([np.arange(10.0)] * len(MEASURES))
    with pytest.raises(ValueError, match="both needed"):
        fit_authors(values, np.ones(10, bool))
    scores = fit_authors(values, np.arange(10) > 4).score(values)
    assert (np.diff(scores) > 0).all()
    assert 0 < scores[0] < 0.5 < scores[-1] < 1


def test_pairs_of_clusters_are_counted_against_pairs_of_true_groups():
    truth = pl.Series(["a", "a", "a", "b", "b"])
    found = pl.Series(["x", "x", None, "x", "y"])
    assert pair_figures(found, truth) == {"precision": 1 / 3, "recall": 1 / 4}
    assert pair_figures(pl.Series([None] * 5, dtype=pl.String), truth) == {"precision": 0.0, "recall": 0.0}
