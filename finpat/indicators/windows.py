"""Windows over rows of many subjects: trailing values, positions, merging, first-in first-out.

Every window looks backwards: (t - w, t]. All rows of one instant belong to the same window.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from finpat.compiled import frozen, kernel

Ints = npt.NDArray[np.int64]


def trailing(
    rows: pl.DataFrame, width_us: int, *values: pl.Expr, by: tuple[str, ...] = ("subject",)
) -> pl.DataFrame:
    """One window per row of `rows`: `by`, window_start (its first row), window_end, `values`.

    rows: sorted by `by`, then booked_at. width_us: microseconds; a row exactly that old is outside.
    """
    return (
        rows.rolling("booked_at", period=timedelta(microseconds=width_us), group_by=list(by))
        .agg(*values, window_start=pl.col("booked_at").first())
        .rename({"booked_at": "window_end"})
    )


def with_rows(rows: pl.DataFrame, at_least: int, by: tuple[str, ...] = ("subject",)) -> pl.DataFrame:
    """The rows whose group has `at_least` rows in all: nothing else can reach that count in a window."""
    return rows.filter(pl.len().over(list(by)) >= at_least)


@kernel
def _positions(subject, instant, asked_subject, until):  # type: ignore[no-untyped-def]
    """How many rows come before (subject, until) or stand at it, for each one asked."""
    found = np.empty(len(asked_subject), np.int64)
    for place in range(len(asked_subject)):
        wanted, at = asked_subject[place], until[place]
        low, high = 0, len(subject)
        while low < high:
            middle = (low + high) // 2
            if subject[middle] < wanted or (subject[middle] == wanted and instant[middle] <= at):
                low = middle + 1
            else:
                high = middle
        found[place] = low
    return found


class Timeline:
    """Rows of many subjects in time order, addressed by instant."""

    def __init__(self, subject: npt.NDArray[Any], booked_at: npt.NDArray[Any]) -> None:
        """subject, booked_at (microseconds): sorted by subject, then instant."""
        self._subject = frozen(subject.astype(np.int64))
        self._instant = frozen(booked_at.astype(np.int64))

    @classmethod
    def of(cls, rows: pl.DataFrame) -> Timeline:
        """The timeline of a frame with subject and booked_at, sorted by both."""
        return cls(rows["subject"].to_numpy(), rows["booked_at"].cast(pl.Int64).to_numpy())

    def position(self, subject: npt.NDArray[Any], until: npt.NDArray[Any]) -> Ints:
        """Index of the first row of each `subject` after the instant `until`, rows at it included before."""
        asked = frozen(subject.astype(np.int64)), frozen(until.astype(np.int64))
        found: Ints = _positions(self._subject, self._instant, *asked)
        return found

    def count(self, subject: npt.NDArray[Any], after: npt.NDArray[Any], until: npt.NDArray[Any]) -> Ints:
        """Rows of each `subject` in (after, until]."""
        return self.position(subject, until) - self.position(subject, after)

    def total(
        self,
        amounts: npt.NDArray[Any],
        subject: npt.NDArray[Any],
        after: npt.NDArray[Any],
        until: npt.NDArray[Any],
    ) -> Ints:
        """Sum of `amounts` (one per row) of each `subject` in (after, until]."""
        running = np.concatenate([[0], np.cumsum(amounts.astype(np.int64))])
        return np.asarray(
            running[self.position(subject, until)] - running[self.position(subject, after)], dtype=np.int64
        )


@kernel
def _usual(subject, instant, word, word_subject, asked_subject, until, width, at_least):  # type: ignore[no-untyped-def]
    """The commonest word of each (until - width, until], -1 below `at_least` rows; of equals the first.

    Rows and windows are sorted by subject, then instant; words by subject, so those of one stand together.
    """
    found = np.full(len(asked_subject), -1, np.int64)
    count = np.zeros(len(word_subject), np.int64)
    old, new = 0, 0  # the window's rows are [old, new)
    low, high = 0, 0  # the subject's words are [low, high)
    for place in range(len(asked_subject)):
        wanted, at = asked_subject[place], until[place]
        if place == 0 or wanted != asked_subject[place - 1]:
            while new < len(subject) and subject[new] < wanted:
                new += 1
            old = new
            low = high
            while low < len(word_subject) and word_subject[low] < wanted:
                low += 1
            high = low
            while high < len(word_subject) and word_subject[high] == wanted:
                high += 1
        while new < len(subject) and subject[new] == wanted and instant[new] <= at:
            count[word[new]] += 1
            new += 1
        while old < new and instant[old] <= at - width:
            count[word[old]] -= 1
            old += 1
        if new - old >= at_least and new > old:
            best = low
            for other in range(low + 1, high):
                if count[other] > count[best]:
                    best = other
            found[place] = best
    return found


def usual_word(rows: pl.DataFrame, name: str, asked: pl.DataFrame, width_us: int, at_least: int) -> pl.Series:
    """The word that most rows of a subject had in the window up to each instant; one String per asked row.

    rows: subject, booked_at and the text `name`. asked: subject and booked_at. Null where fewer than
    `at_least` rows are in (booked_at - width_us, booked_at]; of equals the first by code point.
    """
    rows = rows.select("subject", "booked_at", pl.col(name).cast(pl.String).alias("word"))
    words = rows.select("subject", "word").unique().sort("subject", "word").with_row_index("number")
    rows = rows.join(words, on=["subject", "word"]).sort("subject", "booked_at")
    ordered = asked.select("subject", "booked_at").with_row_index("place").sort("subject", "booked_at")
    numbers = _usual(
        *(frozen(rows[column].cast(pl.Int64).to_numpy()) for column in ("subject", "booked_at", "number")),
        frozen(words["subject"].cast(pl.Int64).to_numpy()),
        *(frozen(ordered[column].cast(pl.Int64).to_numpy()) for column in ("subject", "booked_at")),
        width_us,
        at_least,
    )
    chosen = pl.Series(numbers)
    found = words["word"].gather(chosen.set(chosen < 0, None))
    return found.gather(ordered["place"].arg_sort()).alias("word")


def merge(windows: pl.DataFrame) -> pl.DataFrame:
    """Number overlapping windows of one subject alike: adds `span` (unique over all), first_at and last_at.

    Windows that share an instant overlap.
    """
    ordered = windows.sort("subject", "window_start", "window_end")
    reach = pl.col("window_end").cum_max().shift(1).over("subject")
    starts_new = (pl.col("window_start") > reach).fill_null(True)
    return ordered.with_columns(span=starts_new.cast(pl.UInt32).cum_sum()).with_columns(
        first_at=pl.col("window_start").min().over("span"), last_at=pl.col("window_end").max().over("span")
    )


@kernel
def take_first_in(account, instant, amount, is_credit, horizon):  # type: ignore[no-untyped-def]
    """First in, first out within a horizon. A credit older than the horizon has left the queue."""
    size = len(account)
    left = np.zeros(size, np.int64)
    into = np.empty(size, np.int64)  # every piece uses up a credit or a debit: no more pieces than legs
    out = np.empty(size, np.int64)
    moved = np.empty(size, np.int64)
    pieces = 0
    head = 0
    for row in range(size):
        if row == 0 or account[row] != account[row - 1]:
            head = row
        if is_credit[row]:
            left[row] = amount[row]
            continue
        need = amount[row]
        while need > 0 and head < row:
            if not is_credit[head] or left[head] == 0 or instant[row] - instant[head] > horizon:
                head += 1
                continue
            take = min(need, left[head])
            left[head] -= take
            need -= take
            into[pieces] = head
            out[pieces] = row
            moved[pieces] = take
            pieces += 1
    return into[:pieces], out[:pieces], moved[:pieces]


def allocate(legs: pl.DataFrame, horizon_us: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Allocate every outflow once, to the oldest inflows of the account at most `horizon_us` older.

    legs: subject, booked_at, is_credit, moved_minor (Int64, null rows are left out), in ledger order. Within
    one instant credits come first: what arrives may leave at once. A credit and a debit exactly the horizon
    apart do belong together.
    Returns (legs in the order used, with `leg`; pieces: in_leg, out_leg, piece_minor, dwell_us).
    """
    ordered = credits_first(legs).with_row_index("leg")
    instants = ordered["booked_at"].cast(pl.Int64).to_numpy()
    into, out, moved = take_first_in(
        frozen(ordered["subject"].to_numpy()),
        frozen(instants),
        frozen(ordered["moved_minor"].to_numpy()),
        frozen(ordered["is_credit"].to_numpy()),
        horizon_us,
    )
    pieces = pl.DataFrame(
        {
            "in_leg": into.astype(np.uint32),
            "out_leg": out.astype(np.uint32),
            "piece_minor": moved,
            "dwell_us": instants[out] - instants[into],
        }
    )
    return ordered, pieces


FEW_LEGS = 64  # accounts with no more legs are searched row by row, which needs no tree
NOBODY = np.int64(2**62)  # later than every row


@kernel
def _oldest_two(one, two, other, more, party):  # type: ignore[no-untyped-def]
    """Of two pairs (oldest row, oldest row of another party), the pair of both together."""
    if other < one:
        one, two, other, more = other, more, one, two
    # `one` is the oldest; the next is the oldest of the rest whose party is another.
    if one == NOBODY:
        return one, two
    if other != NOBODY and party[other] != party[one]:
        return one, min(two, other)
    if more != NOBODY and party[more] != party[one]:
        return one, min(two, more)
    return one, two


@kernel
def _put(tree, place, row, party):  # type: ignore[no-untyped-def]
    """Set the leaf `place` to a row, or to NOBODY; tree: (2 x leaves, 2), leaves in the second half."""
    node = place + tree.shape[0] // 2
    tree[node, 0], tree[node, 1] = row, NOBODY
    node //= 2
    while node >= 1:
        one, two = _oldest_two(
            tree[2 * node, 0], tree[2 * node, 1], tree[2 * node + 1, 0], tree[2 * node + 1, 1], party
        )
        tree[node, 0], tree[node, 1] = one, two
        node //= 2


@kernel
def _oldest_between(tree, low, high, party):  # type: ignore[no-untyped-def]
    """The oldest row in the leaves [low, high), and the oldest one of another party."""
    one = two = NOBODY
    low += tree.shape[0] // 2
    high += tree.shape[0] // 2
    while low < high:
        if low % 2:
            one, two = _oldest_two(one, two, tree[low, 0], tree[low, 1], party)
            low += 1
        if high % 2:
            high -= 1
            one, two = _oldest_two(one, two, tree[high, 0], tree[high, 1], party)
        low //= 2
        high //= 2
    return one, two


@kernel
def _pair_few(begin, end, instant, amount, is_credit, party, horizon, keep, source):  # type: ignore[no-untyped-def]
    """Pair the legs [begin, end) of one account by looking through the open credits of each debit."""
    taken = np.zeros(end - begin, np.bool_)
    head = begin
    for row in range(begin, end):
        if is_credit[row]:
            continue
        while head < row and (
            instant[row] - instant[head] > horizon or taken[head - begin] or not is_credit[head]
        ):
            head += 1
        for earlier in range(head, row):
            if (
                is_credit[earlier]
                and not taken[earlier - begin]
                and party[earlier] != party[row]
                and amount[row] <= amount[earlier]
                and amount[row] >= keep * amount[earlier]
            ):
                source[row] = earlier
                taken[earlier - begin] = True
                break


@kernel
def _pair_many(begin, end, instant, amount, is_credit, party, horizon, keep, source):  # type: ignore[no-untyped-def]
    """The same with the open credits in a tree by amount: each debit costs the tree's height."""
    inflows = np.flatnonzero(is_credit[begin:end]) + begin
    order = inflows[np.argsort(amount[inflows], kind="mergesort")]
    sizes = amount[order]
    place = np.empty(end - begin, np.int64)
    for rank in range(order.size):
        place[order[rank] - begin] = rank
    leaves = 1
    while leaves < order.size:
        leaves *= 2
    tree = np.full((2 * leaves, 2), NOBODY, np.int64)
    taken = np.zeros(end - begin, np.bool_)
    head = begin
    for row in range(begin, end):
        if is_credit[row]:
            _put(tree, place[row - begin], row, party)
            continue
        while head < row and instant[row] - instant[head] > horizon:
            if is_credit[head] and not taken[head - begin]:
                _put(tree, place[head - begin], NOBODY, party)
            head += 1
        low = np.searchsorted(sizes, amount[row])
        high = below = low
        above = order.size
        while below < above:  # the first credit that is too large for this debit
            middle = (below + above) // 2
            if amount[row] >= keep * sizes[middle]:
                below = middle + 1
            else:
                above = middle
        high = below
        one, two = _oldest_between(tree, low, high, party)
        earlier = one if one == NOBODY or party[one] != party[row] else two
        if earlier != NOBODY:
            source[row] = earlier
            taken[earlier - begin] = True
            _put(tree, place[earlier - begin], NOBODY, party)


@kernel
def pair_mirrors(account, instant, amount, is_credit, party, horizon, keep):  # type: ignore[no-untyped-def]
    """Pair each debit with the oldest unpaired credit that it mirrors; -1 where there is none."""
    size = len(account)
    source = np.full(size, -1, np.int64)
    begin = 0
    while begin < size:
        end = begin + 1
        while end < size and account[end] == account[begin]:
            end += 1
        if end - begin <= FEW_LEGS:
            _pair_few(begin, end, instant, amount, is_credit, party, horizon, keep, source)
        else:
            _pair_many(begin, end, instant, amount, is_credit, party, horizon, keep, source)
        begin = end
    return source


def mirror_bound(margin: float) -> float:
    """Share of an inflow that an outflow reaches if `margin` is kept back at most.

    A hair of slack, so that exactly the margin is inside although 1 - 0.12 is no binary number.
    """
    return 1.0 - margin - 1e-12


def mirror(legs: pl.DataFrame, horizon_us: int, keep: float) -> tuple[pl.DataFrame, Ints]:
    """Pair outflows with inflows from another party that are equal or larger by up to `keep`, each used once.

    legs: subject, booked_at, is_credit, moved_minor, counterparty, in ledger order; within one instant
    credits come first. Returns (legs in the order used, for each leg the index of the credit it mirrors, else
    -1).
    """
    ordered = credits_first(legs)
    source = pair_mirrors(
        frozen(ordered["subject"].to_numpy()),
        frozen(ordered["booked_at"].cast(pl.Int64).to_numpy()),
        frozen(ordered["moved_minor"].to_numpy()),
        frozen(ordered["is_credit"].to_numpy()),
        frozen(ordered["counterparty"].to_numpy()),
        horizon_us,
        keep,
    )
    return ordered, source


def credits_first(legs: pl.DataFrame) -> pl.DataFrame:
    """Legs with an amount, by subject and instant, credits before debits: what arrives may leave at once."""
    return (
        legs.filter(pl.col("moved_minor").is_not_null())
        .with_row_index("_place")
        .sort("subject", "booked_at", pl.col("is_credit").not_(), "_place")
        .drop("_place")
    )
