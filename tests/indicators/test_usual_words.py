"""The commonest word of the rows in a window, and positions in a timeline, against counting by hand."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta

import numpy as np
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from finpat.indicators.windows import Timeline, usual_word

START = datetime(2026, 1, 1)
WIDTH = 5  # hours
ROWS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 12), st.sampled_from("abc")), max_size=25)
ASKED = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 14)), max_size=12)


def at(hour: int) -> datetime:
    return START + timedelta(hours=hour)


@settings(deadline=None, max_examples=60)
@given(ROWS, ASKED, st.integers(1, 3))
def test_the_usual_word_is_that_of_most_rows_in_the_window_and_of_equals_the_first(rows, asked, at_least):
    kept = pl.DataFrame(
        {"subject": [r[0] for r in rows], "booked_at": [at(r[1]) for r in rows], "w": [r[2] for r in rows]},
        {"subject": pl.UInt32, "booked_at": pl.Datetime("us"), "w": pl.String},
    )
    questions = pl.DataFrame(
        {"subject": [a[0] for a in asked], "booked_at": [at(a[1]) for a in asked]},
        {"subject": pl.UInt32, "booked_at": pl.Datetime("us")},
    )
    expected = []
    for subject, hour in asked:
        count = Counter(word for of, when, word in rows if of == subject and hour - WIDTH < when <= hour)
        best = min(count, key=lambda word: (-count[word], word), default=None)
        expected.append(best if count.total() >= at_least else None)
    assert usual_word(kept, "w", questions, WIDTH * 3_600_000_000, at_least).to_list() == expected


@settings(deadline=None, max_examples=60)
@given(ROWS, ASKED)
def test_a_position_counts_the_rows_up_to_and_at_the_instant(rows, asked):
    ordered = sorted((subject, hour) for subject, hour, _ in rows)
    line = Timeline(np.array([r[0] for r in ordered], np.int64), np.array([r[1] for r in ordered], np.int64))
    found = line.position(
        np.array([a[0] for a in asked], np.int64), np.array([a[1] for a in asked], np.int64)
    )
    assert found.tolist() == [sum(row <= question for row in ordered) for question in asked]
