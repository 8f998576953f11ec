"""Tallies of trailing windows are those of a plain count."""

from collections import Counter
from datetime import timedelta
from itertools import pairwise

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from finpat.indicators.tallies import gap_variation, tally
from tests.factory import START

WIDTH = timedelta(days=3)
drawn = st.lists(
    st.tuples(st.sampled_from([1, 2]), st.integers(0, 40), st.sampled_from("abcdef") | st.none()), max_size=40
)


@given(drawn)
def test_sums_distinct_values_and_commonest_values_are_those_of_a_plain_count(rows):
    rows = sorted(rows, key=lambda row: row[:2])
    frame = pl.DataFrame(
        {
            "subject": [row[0] for row in rows],
            "booked_at": [START + timedelta(hours=6 * row[1]) for row in rows],
            "word": [row[2] for row in rows],
        },
        schema={"subject": pl.UInt64, "booked_at": pl.Datetime("us"), "word": pl.String},
    )
    windows = tally(
        frame,
        3 * 86_400_000_000,
        sums={"rows": pl.lit(1), "vowels": pl.col("word").is_in(["a", "e"])},
        distinct={"words": pl.col("word")},
        commonest={"top": (pl.col("word"), 2)},
    )
    told = gap_variation(frame, windows)
    seen = sorted({row[:2] for row in rows})
    assert told.height == len(seen)
    for (subject, step), window in zip(seen, told.iter_rows(named=True), strict=True):
        inside = [row for row in rows if row[0] == subject and step - 12 < row[1] <= step]
        counts = Counter(row[2] for row in inside if row[2])
        assert window["window_end"] == START + timedelta(hours=6 * step)
        assert window["window_start"] == START + timedelta(hours=6 * inside[0][1])
        assert window["rows"] == len(inside) == window["last"] - window["first"] + 1
        assert window["vowels"] == counts["a"] + counts["e"]
        assert window["words"] == len(counts)
        assert window["top"] == sum(count for _, count in counts.most_common(2))
        gaps = [later[1] - sooner[1] for sooner, later in pairwise(inside)]
        if len(gaps) < 2 or not sum(gaps):
            assert window["gap_cv"] is None
        else:
            mean = sum(gaps) / len(gaps)
            spread = (sum((gap - mean) ** 2 for gap in gaps) / len(gaps)) ** 0.5
            assert abs(window["gap_cv"] - spread / mean) < 1e-6
