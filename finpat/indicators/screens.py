# mypy: allow-untyped-defs, allow-untyped-calls
"""Screens: which accounts an indicator has to look at, told by kernels in one pass over the ledger.

A screen is never stricter than its indicator: it tests some of the conditions of the definition, exactly or
more loosely, and an account that it leaves out cannot be found. The readable definition then runs over the
few
accounts that are left. Without screens the findings are the same, only later; tests hold the two together.

Kernels see the legs of one account at a time. `kept` is true for the legs that the definition looks at.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from finpat.compiled import account_blocks, frozen, in_blocks, kernel, thread_count
from finpat.features.base import DAY, Legs
from finpat.indicators.windows import pair_mirrors, take_first_in
from finpat.schemas import CHANNELS

Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]


def each_block(legs: Legs, threads: int, work: Callable[[int, int], object]) -> None:
    """`work(first, last)` over all accounts, in blocks."""
    in_blocks(legs.blocks, thread_count(threads), lambda: work)


def channel_set(*names: str) -> Bools:
    """True at the positions of the channels named."""
    return frozen(np.array([name in names for name in CHANNELS]))


@kernel
def _credits_first(begin, end, instants, credits, kept, place):
    """Positions of the kept legs of one account into `place`, credits first within an instant; how many."""
    size = 0
    group = begin
    while group < end:
        after = group
        while after < end and instants[after] == instants[group]:
            if credits[after] and kept[after]:
                place[size] = after
                size += 1
            after += 1
        for leg in range(group, after):
            if not credits[leg] and kept[leg]:
                place[size] = leg
                size += 1
        group = after
    return size


@kernel
def _has_gap(first, last, offsets, instants, kept, gap, out):
    """out: accounts with two neighbouring kept legs at least `gap` apart."""
    for account in range(first, last):
        before = -1
        for leg in range(offsets[account], offsets[account + 1]):
            if not kept[leg]:
                continue
            if before >= 0 and instants[leg] - instants[before] >= gap:
                out[account] = True
                break
            before = leg


def has_gap(legs: Legs, kept: Bools, gap: int, threads: int) -> Bools:
    """Accounts with two neighbouring kept legs at least `gap` microseconds apart."""
    out = np.zeros(legs.account_count, np.bool_)
    each_block(
        legs, threads, lambda a, b: _has_gap(a, b, legs.offsets, legs.instants, frozen(kept), gap, out)
    )
    return out


@kernel
def _is_dense(first, last, offsets, instants, kept, width, count, inside):
    """inside: the kept legs that lie in a window of `width` with at least `count` of them."""
    for account in range(first, last):
        begin, end = offsets[account], offsets[account + 1]
        left = begin
        size = 0
        done = begin  # legs before this one have been told
        right = begin
        while right < end:
            now = instants[right]
            while right < end and instants[right] == now:
                size += kept[right]
                right += 1
            while instants[left] <= now - width:
                size -= kept[left]
                left += 1
            if size >= count:
                for leg in range(max(left, done), right):
                    inside[leg] = kept[leg]
                done = right


def is_dense(legs: Legs, kept: Bools, width: int, count: int, threads: int) -> Bools:
    """The kept legs that lie in a window (t - width, t] of their account with at least `count` kept legs."""
    inside = np.zeros(kept.size, np.bool_)
    each_block(
        legs,
        threads,
        lambda a, b: _is_dense(a, b, legs.offsets, legs.instants, frozen(kept), width, count, inside),
    )
    return inside


@kernel
def _peak_inflow(first, last, offsets, instants, amounts, credits, kept, width, out):
    """out: largest sum of kept credits in a window; -1 for accounts without one."""
    for account in range(first, last):
        begin, end = offsets[account], offsets[account + 1]
        left = right = begin
        total = 0
        best = -1
        while right < end:
            now = instants[right]
            while right < end and instants[right] == now:
                if kept[right] and credits[right]:
                    total += amounts[right]
                    best = max(best, 0)
                right += 1
            while instants[left] <= now - width:
                if kept[left] and credits[left]:
                    total -= amounts[left]
                left += 1
            best = max(best, total) if best >= 0 else best
        out[account] = best


def peak_inflow(legs: Legs, kept: Bools, width: int, threads: int) -> Ints:
    """Largest sum of an account's kept credits in a window (t - width, t]; -1 without any."""
    out = np.empty(legs.account_count, np.int64)
    each_block(
        legs,
        threads,
        lambda a, b: _peak_inflow(
            a, b, legs.offsets, legs.instants, legs.amounts, legs.credits, frozen(kept), width, out
        ),
    )
    return out


@kernel
def _passes_on(
    first, last, offsets, instants, amounts, credits, channels, kept, goes_in, goes_out, horizon, share,
    width, count, needed, ratio, out,
):  # fmt: skip
    """See passes_on."""
    longest = 0
    for account in range(first, last):
        longest = max(longest, offsets[account + 1] - offsets[account])
    place = np.empty(longest, np.int64)
    at = np.empty(longest, np.int64)
    minor = np.empty(longest, np.int64)
    credit = np.empty(longest, np.bool_)
    gone = np.empty(longest, np.int64)
    completed = np.empty(longest, np.int64)
    one = np.zeros(longest, np.uint32)
    for account in range(first, last):
        if needed[account] < 0:
            continue
        begin, end = offsets[account], offsets[account + 1]
        ins = outs = 0
        for leg in range(begin, end):
            if kept[leg]:
                if credits[leg]:
                    ins += goes_in[channels[leg]]
                else:
                    outs += goes_out[channels[leg]]
        if ins < count or outs == 0:
            continue
        size = _credits_first(begin, end, instants, credits, kept, place)
        for row in range(size):
            leg = place[row]
            at[row], minor[row], credit[row] = instants[leg], amounts[leg], credits[leg]
            gone[row] = completed[row] = 0
        into, outof, moved = take_first_in(one[:size], at[:size], minor[:size], credit[:size], horizon)
        whole = 0
        for piece in range(moved.size):
            source, debit = into[piece], outof[piece]
            if not goes_in[channels[place[source]]] or not goes_out[channels[place[debit]]]:
                continue
            before = gone[source]
            gone[source] += moved[piece]
            if gone[source] >= share * minor[source] and before < share * minor[source]:
                completed[debit] += 1
                whole += 1
        if whole < count:
            continue
        left = right = 0
        paid_in = paid_out = cycles = 0
        while right < size:
            now = at[right]
            while right < size and at[right] == now:
                if credit[right]:
                    paid_in += minor[right]
                else:
                    paid_out += minor[right]
                cycles += completed[right]
                right += 1
            while at[left] <= now - width:
                if credit[left]:
                    paid_in -= minor[left]
                else:
                    paid_out -= minor[left]
                cycles -= completed[left]
                left += 1
            if (
                cycles >= count
                and paid_in >= needed[account]
                and min(paid_in, paid_out) >= ratio * max(paid_in, paid_out) * (1 - 1e-12)
            ):
                out[account] = True
                break


def passes_on(
    legs: Legs,
    kept: Bools,
    goes_in: Bools,
    goes_out: Bools,
    *,
    horizon: int,
    share: float,
    width: int,
    count: int,
    needed: Ints | None = None,
    ratio: float = 0.0,
    threads: int,
) -> Bools:
    """Accounts that pass on `count` inflows within one window (t - width, t].

    An inflow by a channel of goes_in is passed on by the debit of a channel of goes_out with which `share` of
    it has left, first in first out among all kept legs, at most `horizon` later. needed: inflow of the
    window,
    per account; -1 for accounts that cannot qualify. ratio: smaller over larger of in and out in the window.
    """
    out = np.zeros(legs.account_count, np.bool_)
    least = np.zeros(legs.account_count, np.int64) if needed is None else needed
    each_block(
        legs,
        threads,
        lambda a, b: _passes_on(
            a, b, legs.offsets, legs.instants, legs.amounts, legs.credits, legs.channels, frozen(kept),
            goes_in, goes_out, horizon, float(share), width, count, frozen(least), float(ratio), out,
        ),
    )  # fmt: skip
    return out


@kernel
def _mirrors(
    first, last, offsets, instants, amounts, credits, parties, kept, horizon, keep, width, count, out
):
    """See mirrors."""
    longest = 0
    for account in range(first, last):
        longest = max(longest, offsets[account + 1] - offsets[account])
    place = np.empty(longest, np.int64)
    at = np.empty(longest, np.int64)
    minor = np.empty(longest, np.int64)
    credit = np.empty(longest, np.bool_)
    party = np.empty(longest, np.uint32)
    one = np.zeros(longest, np.uint32)
    for account in range(first, last):
        size = _credits_first(offsets[account], offsets[account + 1], instants, credits, kept, place)
        ins = 0
        for row in range(size):
            leg = place[row]
            at[row], minor[row], credit[row] = instants[leg], amounts[leg], credits[leg]
            party[row] = parties[leg]
            ins += credit[row]
        if ins < count or size - ins < count:
            continue
        source = pair_mirrors(one[:size], at[:size], minor[:size], credit[:size], party[:size], horizon, keep)
        left = pairs = 0
        for right in range(size):
            if source[right] < 0:
                continue
            pairs += 1
            while at[left] <= at[right] - width:
                pairs -= source[left] >= 0
                left += 1
            if pairs >= count:
                out[account] = True
                break


def mirrors(
    legs: Legs, kept: Bools, *, horizon: int, keep: float, width: int, count: int, threads: int
) -> Bools:
    """Accounts with `count` mirrored outflows (windows.mirror) within one window (t - width, t]."""
    out = np.zeros(legs.account_count, np.bool_)
    each_block(
        legs,
        threads,
        lambda a, b: _mirrors(
            a, b, legs.offsets, legs.instants, legs.amounts, legs.credits, legs.parties, frozen(kept),
            horizon, keep, width, count, out,
        ),
    )  # fmt: skip
    return out


@kernel
def _middle(values, size):
    """Median of values[:size], which it sorts."""
    for index in range(1, size):
        value = values[index]
        place = index
        while place > 0 and values[place - 1] > value:
            values[place] = values[place - 1]
            place -= 1
        values[place] = value
    return (values[(size - 1) // 2] + values[size // 2]) / 2


@kernel
def _jumps(first, last, offsets, instants, amounts, kept, units, past, weeks_back, least_weeks, bounds):
    """See jumps. bounds: spreads, times the median, times the peak."""
    longest = 0
    for account in range(first, last):
        longest = max(longest, offsets[account + 1] - offsets[account])
    day = 86_400_000_000
    week = 7 * day
    at = np.empty(longest, np.int64)
    total = np.empty(longest, np.int64)  # of the seven days that end there, one per instant
    start = np.empty(longest, np.int64)  # first kept leg of those days
    stop = np.empty(longest, np.int64)
    ring = np.empty(longest, np.int64)  # windows of the past, largest first
    number = np.empty(longest, np.int64)  # weeks with bookings
    minor = np.empty(longest, np.float64)
    values = np.empty(weeks_back, np.float64)
    spots = np.empty((offsets[last] - offsets[first], 3), np.int64)
    told = np.empty((offsets[last] - offsets[first], 4), np.float64)
    found = 0
    for account in range(first, last):
        begin, end = offsets[account], offsets[account + 1]
        size = weeks = 0
        left = right = begin
        running = 0
        while right < end:
            now = instants[right]
            newest = -1
            while right < end and instants[right] == now:
                if kept[right]:
                    running += amounts[right]
                    newest = right
                    if weeks == 0 or number[weeks - 1] != now // week:
                        number[weeks], minor[weeks] = now // week, 0.0
                        weeks += 1
                    minor[weeks - 1] += amounts[right]
                right += 1
            while instants[left] <= now - week or (not kept[left] and left < newest):
                if kept[left]:
                    running -= amounts[left]
                left += 1
            if newest >= 0:
                at[size], total[size], start[size], stop[size] = now, running, left, newest
                size += 1
        if weeks < least_weeks:
            continue
        head = tail = entered = ended = 0
        for index in range(size):
            before = at[index] - week
            while at[entered] <= before:
                while tail > head and total[ring[tail - 1]] <= total[entered]:
                    tail -= 1
                ring[tail] = entered
                tail += 1
                entered += 1
            while ended < weeks and (number[ended] + 1) * week <= before:
                ended += 1
            if entered == 0 or ended < least_weeks:
                continue
            while at[ring[head]] <= at[entered - 1] - past:
                head += 1
            peak = total[ring[head]]
            if not total[index] / peak >= bounds[2]:
                continue
            if (before - (number[ended - 1] + 1) * week) // day >= past // day:
                continue
            size_past = 0
            back = ended - 1
            while back >= 0 and number[back] > number[ended - 1] - weeks_back:
                values[size_past] = minor[back]
                size_past += 1
                back -= 1
            if size_past < least_weeks:
                continue
            median = _middle(values, size_past)
            for place in range(size_past):
                values[place] = abs(values[place] - median)
            spread = 1.4826 * _middle(values, size_past)
            score = (total[index] - median) / max(spread, units[account])
            if score >= bounds[0] and total[index] >= bounds[1] * median:
                spots[found, 0], spots[found, 1], spots[found, 2] = start[index], stop[index], total[index]
                told[found, 0], told[found, 1] = score, median
                told[found, 2], told[found, 3] = size_past, total[index] / peak
                found += 1
    return spots[:found].copy(), told[:found].copy()


def jumps(
    legs: Legs,
    kept: Bools,
    units: Ints,
    *,
    spreads: float,
    times: float,
    peak_times: float,
    weeks: int,
    past_days: int,
    threads: int,
) -> tuple[Ints, npt.NDArray[np.float64]]:
    """Seven days (t - 7 d, t] whose sum of kept legs lies far above the account's own past.

    units: minor units in one unit of each account's currency, the least spread. spreads, times: above, and
    times, the median of the weeks with bookings (counted from 1970-01-01) that ended before the seven days,
    in
    the past_days up to the last of them; `weeks` of them at least. peak_times: times the largest seven days
    that ended in the past_days up to the last booking before.
    Returns windows x (first leg, last leg, sum) and windows x (spreads, median, weeks, times the peak).
    """
    parts: dict[int, tuple[Ints, npt.NDArray[np.float64]]] = {}
    bounds = frozen(np.array([spreads, times, peak_times], np.float64))

    def work(first: int, last: int) -> None:
        parts[first] = _jumps(
            first, last, legs.offsets, legs.instants, legs.amounts, frozen(kept), frozen(units),
            past_days * 86_400_000_000, max(1, past_days // 7), weeks, bounds,
        )  # fmt: skip

    each_block(legs, threads, work)
    ordered = [parts[first] for first in sorted(parts)]
    return np.concatenate([spots for spots, _ in ordered]), np.concatenate([told for _, told in ordered])


@kernel
def _mix_breaks(
    first, last, offsets, instants, kinds, kind_count, kept, recent_us, past_us, count, distance
):  # fmt: skip
    """See mix_breaks."""
    new = np.zeros(kind_count, np.int64)
    old = np.zeros(kind_count, np.int64)
    own = np.empty(kind_count, np.int64)
    is_own = np.zeros(kind_count, np.bool_)
    spots = np.empty((offsets[last] - offsets[first], 4), np.int64)
    told = np.empty(offsets[last] - offsets[first], np.float64)
    found = 0
    # The square of the distance is at most the total variation distance, which takes no logarithm.
    least = distance**2 - 1e-9
    for account in range(first, last):
        begin, end = offsets[account], offsets[account + 1]
        if end - begin < 2 * count:
            continue
        distinct = 0
        for leg in range(begin, end):
            if kept[leg] and not is_own[kinds[leg]]:
                is_own[kinds[leg]] = True
                own[distinct] = kinds[leg]
                distinct += 1
        if distinct > 1:
            middle = start = right = begin
            recent = past = 0
            while right < end:
                today = instants[right] // DAY
                newest = -1
                while right < end and instants[right] // DAY == today:
                    if kept[right]:
                        new[kinds[right]] += 1
                        recent += 1
                        newest = right
                    right += 1
                if newest < 0:
                    continue
                now = instants[newest]
                while instants[middle] <= now - recent_us or not kept[middle]:
                    if kept[middle]:
                        new[kinds[middle]] -= 1
                        old[kinds[middle]] += 1
                        recent -= 1
                        past += 1
                    middle += 1
                while start < middle and instants[start] <= now - recent_us - past_us:
                    if kept[start]:
                        old[kinds[start]] -= 1
                        past -= 1
                    start += 1
                if recent < count or past < count:
                    continue
                apart = 0
                for index in range(distinct):
                    apart += abs(new[own[index]] * past - old[own[index]] * recent)
                if apart < least * 2 * recent * past:
                    continue
                divergence = 0.0
                for index in range(distinct):
                    now_share, then_share = new[own[index]] / recent, old[own[index]] / past
                    both = (now_share + then_share) / 2
                    if now_share > 0:
                        divergence += now_share * np.log2(now_share / both) / 2
                    if then_share > 0:
                        divergence += then_share * np.log2(then_share / both) / 2
                apart_by = np.sqrt(min(max(divergence, 0.0), 1.0))
                if apart_by >= distance:
                    spots[found, 0], spots[found, 1] = middle, newest
                    spots[found, 2], spots[found, 3] = recent, past
                    told[found] = apart_by
                    found += 1
        for index in range(distinct):
            new[own[index]] = old[own[index]] = 0
            is_own[own[index]] = False
    return spots[:found].copy(), told[:found].copy()


def mix_breaks(
    legs: Legs,
    kinds: npt.NDArray[np.uint32],
    kind_count: int,
    kept: Bools,
    *,
    recent_us: int,
    past_us: int,
    count: int,
    distance: float,
    threads: int,
) -> tuple[Ints, npt.NDArray[np.float64]]:
    """Ends of days at which the mix of kinds lies `distance` or more from that of the past.

    Judged at the last kept leg of each day (UTC): the kept legs of (t - recent, t] against those of
    (t - recent - past, t - recent], `count` or more in both, by Jensen-Shannon distance (base 2). Its square
    is at most the total variation distance (Lin 1991, IEEE Transactions on Information Theory 37), so few
    days take logarithms. Returns windows x (first leg, last leg, recent legs, past legs), and the distances.
    """
    parts: dict[int, tuple[Ints, npt.NDArray[np.float64]]] = {}

    def work(first: int, last: int) -> None:
        parts[first] = _mix_breaks(
            first, last, legs.offsets, legs.instants, frozen(kinds), kind_count, frozen(kept), recent_us,
            past_us, count, float(distance),
        )  # fmt: skip

    each_block(legs, threads, work)
    return joined(parts, 4)


def joined(
    parts: dict[int, tuple[Ints, npt.NDArray[np.float64]]], width: int
) -> tuple[Ints, npt.NDArray[np.float64]]:
    """What the blocks found, in order of account."""
    ordered = [parts[first] for first in sorted(parts)]
    if not ordered:
        return np.empty((0, width), np.int64), np.empty(0, np.float64)
    return np.concatenate([spots for spots, _ in ordered]), np.concatenate([told for _, told in ordered])


@kernel
def _is_round_often(
    first, last, offsets, instants, credits, channels, currencies, is_round, shares, kept, width, count,
    log_probability, log_factorial, out,
):  # fmt: skip
    """See is_round_often."""
    for account in range(first, last):
        begin, end = offsets[account], offsets[account + 1]
        left = right = begin
        rows = rounds = 0
        expected = 0.0
        while right < end:
            now = instants[right]
            any_round = False
            while right < end and instants[right] == now:
                if kept[right]:
                    rows += 1
                    rounds += is_round[right]
                    any_round |= is_round[right]
                    expected += shares[int(credits[right]), channels[right], currencies[right]]
                right += 1
            while instants[left] <= now - width:
                if kept[left]:
                    rows -= 1
                    rounds -= is_round[left]
                    expected -= shares[int(credits[left]), channels[left], currencies[left]]
                left += 1
            if rows < count or not any_round or rounds <= expected * (1 - 1e-9):
                continue
            chance = min(max(expected / rows, 1e-300), 1.0)
            if chance >= 1.0:
                continue
            exactly = (
                log_factorial[rows] - log_factorial[rounds] - log_factorial[rows - rounds]
                + rounds * np.log(chance) + (rows - rounds) * np.log1p(-chance)
            )  # fmt: skip
            if exactly < log_probability + 1e-3:
                out[account] = True
                break


def is_round_often(
    legs: Legs,
    is_round: Bools,
    shares: npt.NDArray[np.float64],
    kept: Bools,
    *,
    width: int,
    count: int,
    probability: float,
    threads: int,
) -> Bools:
    """Accounts that may have more round rows in a window (t - width, t] than `shares` make likely.

    shares: of round rows by (is_credit, channel, currency).

    The binomial tail is at least the probability of exactly so many, which is a few logarithms.
    """
    out = np.zeros(legs.account_count, np.bool_)
    largest = int(np.diff(legs.offsets).max(initial=0))
    log_factorial = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, largest + 2)))])
    log_probability = float(np.log(max(probability, 1e-300)))
    each_block(
        legs,
        threads,
        lambda a, b: _is_round_often(
            a, b, legs.offsets, legs.instants, legs.credits, legs.channels, legs.currencies, frozen(is_round),
            frozen(shares), frozen(kept), width, count, log_probability, frozen(log_factorial), out,
        ),
    )  # fmt: skip
    return out


def any_leg(legs: Legs, condition: npt.NDArray[Any], least: int = 1) -> Bools:
    """Accounts with at least `least` legs for which `condition` holds."""
    running = np.concatenate([[0], np.cumsum(condition, dtype=np.int64)])
    return np.asarray(np.diff(running[legs.offsets]) >= least)


@kernel
def _busy_days(first, last, offsets, instants, kept, width, count, past, quantile, back, needed):
    """See busy_days."""
    longest = 0
    for account in range(first, last):
        longest = max(longest, offsets[account + 1] - offsets[account])
    at = np.empty(longest, np.int64)
    place = np.empty(longest, np.int64)
    rows = np.empty(longest, np.int64)  # in the window that ends with the row's instant
    start = np.empty(longest, np.int64)
    tally = np.zeros(longest + 1, np.int64)  # how many rows of the past have each count
    for account in range(first, last):
        size = 0
        for leg in range(offsets[account], offsets[account + 1]):
            if kept[leg]:
                at[size], place[size] = instants[leg], leg
                size += 1
        if size < count:
            continue
        left = right = most = 0
        while right < size:
            now, begin = at[right], right
            while right < size and at[right] == now:
                right += 1
            while at[left] <= now - width:
                left += 1
            for row in range(begin, right):
                rows[row], start[row] = right - left, left
            most = max(most, right - left)
        if most < count:
            continue
        tally[: most + 1] = 0
        entered = gone = top = 0
        for row in range(size):
            if row + 1 < size and at[row + 1] == at[row]:
                continue  # all rows of one instant share a window, told by the last of them
            if rows[row] < count:
                continue
            while at[entered] <= at[row] - width:
                tally[rows[entered]] += 1
                top = max(top, rows[entered])
                entered += 1
            bound = float(count)
            if past > 0 and entered > 0:
                # The past ends with the last row before the window.
                while at[gone] <= at[entered - 1] - past:
                    tally[rows[gone]] -= 1
                    gone += 1
                known = entered - gone
                above = known - 1 - int(np.floor((known - 1) * quantile + 0.5))
                while top > 0 and tally[top] == 0:
                    top -= 1
                level, seen = top, tally[top]
                while seen <= above:
                    level -= 1
                    seen += tally[level]
                bound = max(bound, float(level))
            if rows[row] >= bound:
                back[place[row]] = place[row] - place[start[row]] + 1
                needed[place[row]] = np.uint32(bound)


def busy_days(
    legs: Legs, kept: Bools, *, width: int, count: int, past: int, quantile: float, threads: int
) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.uint32]]:
    """Windows (t - width, t] with `count` kept legs and no fewer than the account's own quantile.

    The own quantile is that of the counts of the windows that ended with each row up to `past` before the
    last
    row that precedes the window (the nearest count, a half upwards); without a `past` there is none. Returns
    per leg, 0 where it ends no such
    window: how many legs back the window begins (1: it is that leg), and the count that was needed.
    """
    back, needed = np.zeros(kept.size, np.uint32), np.zeros(kept.size, np.uint32)
    each_block(
        legs,
        threads,
        lambda a, b: _busy_days(
            a, b, legs.offsets, legs.instants, frozen(kept), width, count, past, float(quantile), back, needed
        ),
    )
    return back, needed


@kernel
def _add(tree, base, size, place, change):
    """Add to a running count (Fenwick 1994): tree[base : base + size], places from 0."""
    place += 1
    while place <= size:
        tree[base + place - 1] += change
        place += place & -place


@kernel
def _before(tree, base, place):
    """Sum of the counts at places below `place`."""
    total = 0
    while place > 0:
        total += tree[base + place - 1]
        place -= place & -place
    return total


@kernel
def _first_from(values, begin, end, bound):
    """First position in the ascending values[begin:end] that is at least `bound`."""
    while begin < end:
        middle = (begin + end) // 2
        if values[middle] < bound:
            begin = middle + 1
        else:
            end = middle
    return begin


@kernel
def _log_tail(usual, count):
    """Logarithm of the chance that a Poisson variable of mean `usual` reaches `count`."""
    if usual <= 0:
        return -np.inf
    log_term = -usual + count * np.log(usual)
    for number in range(2, count + 1):
        log_term -= np.log(number)
    total, part, number = 1.0, 1.0, count
    while part > 1e-12 * total and number < count + 1000:
        number += 1
        part *= usual / number
        total += part
    return min(log_term + np.log(total), 0.0)


@kernel
def _alike(
    first, last, edges, pair_edges, at, amount, pair, pair_amount, pair_sender, sender_count, queue, starts,
    width, tolerance, least, log_chance, told, member,
):  # fmt: skip
    """See alike. Payments of one amount and sender are a pair and are looked at together.

    queue: payments in order of (pair, time); starts: where each pair begins in it. A pair's payments inside
    the window are queue[head:tail], so a row costs its near pairs and not its near payments.
    """
    longest = 0
    for key in range(first, last):
        longest = max(longest, pair_edges[key + 1] - pair_edges[key])
    near = np.empty(longest, np.int64)
    band = -np.log(1 - tolerance)
    base = pair_edges[first]
    pairs = pair_edges[last] - base
    head = starts[base : base + pairs].copy()
    tail = head.copy()
    marked = head.copy()
    stamp = np.full(pairs, -1, np.int64)
    tree = np.zeros(pairs, np.int64)
    counters = np.zeros(sender_count, np.int32)
    for key in range(first, last):
        begin, end = edges[key], edges[key + 1]
        if end - begin < least:
            continue
        low_pair, high_pair = pair_edges[key], pair_edges[key + 1]
        offset, size = low_pair - base, high_pair - low_pair
        left = right = begin
        while right < end:
            now, group = at[right], right
            while right < end and at[right] == now:
                tail[pair[right] - base] += 1
                _add(tree, offset, size, pair[right] - low_pair, 1)
                right += 1
            while at[left] <= now - width:
                head[pair[left] - base] += 1
                _add(tree, offset, size, pair[left] - low_pair, -1)
                left += 1
            if right - left < least:
                continue
            for row in range(group, right):
                mine = amount[row]
                lowest = _first_from(pair_amount, low_pair, high_pair, mine * (1 - tolerance))
                beyond = lowest
                below, above = lowest, high_pair
                while below < above:  # the first whose own band no longer holds this amount
                    middle = (below + above) // 2
                    if mine >= pair_amount[middle] * (1 - tolerance):
                        below = middle + 1
                    else:
                        above = middle
                beyond = below
                count = 0
                if beyond - lowest <= right - left:
                    for one in range(lowest, beyond):
                        if tail[one - base] > head[one - base]:
                            near[count] = one
                            count += 1
                else:
                    for other in range(left, right):
                        one = pair[other]
                        if lowest <= one < beyond and stamp[one - base] != row:
                            stamp[one - base] = row
                            near[count] = one
                            count += 1
                    near[:count].sort()
                if count < least:
                    continue
                best = low = distinct = 0
                best_from = best_to = 0
                for high in range(count):
                    top = pair_amount[near[high]]
                    who = pair_sender[near[high]]
                    distinct += counters[who] == 0
                    counters[who] += 1
                    while pair_amount[near[low]] < top * (1 - tolerance):
                        who = pair_sender[near[low]]
                        counters[who] -= 1
                        distinct -= counters[who] == 0
                        low += 1
                    # The payment itself has to be among them.
                    if distinct > best and pair_amount[near[low]] <= mine <= top:
                        best, best_from, best_to = distinct, low, high
                for index in range(low, count):
                    counters[pair_sender[near[index]]] = 0
                if best < least:
                    continue
                best_low, best_high = pair_amount[near[best_from]], pair_amount[near[best_to]]
                while best_to + 1 < count and pair_amount[near[best_to + 1]] == best_high:
                    best_to += 1
                inner = _first_from(pair_amount, low_pair, high_pair, best_low) - low_pair
                outer = _first_from(pair_amount, low_pair, high_pair, best_high + 1) - low_pair
                half = _first_from(pair_amount, low_pair, high_pair, best_high * (1 - tolerance) / 2)
                twice = _first_from(pair_amount, low_pair, high_pair, 2 * best_high + 1)
                around = _before(tree, offset, inner) - _before(tree, offset, half - low_pair)
                around += _before(tree, offset, twice - low_pair) - _before(tree, offset, outer)
                if _log_tail(around * band / (2 * np.log(2.0)), best) >= log_chance:
                    continue
                told[row, 0], told[row, 1], told[row, 2] = best, now, best_high
                told[row, 4] = around
                for index in range(best_from, best_to + 1):
                    one = near[index] - base
                    told[row, 1] = min(told[row, 1], at[queue[head[one]]])
                    told[row, 3] += (tail[one] - head[one]) * pair_amount[near[index]]
                    for spot in range(max(marked[one], head[one]), tail[one]):
                        member[queue[spot]] = True
                    marked[one] = tail[one]


def alike(
    edges: Ints,
    at: Ints,
    amount: Ints,
    sender: npt.NDArray[np.uint32],
    *,
    width: int,
    tolerance: float,
    least: int,
    chance: float,
    threads: int,
) -> tuple[Ints, Bools]:
    """For each payment: the most senders of like amounts in (t - width, t], where that is more than chance.

    edges: payments of beneficiary k are [edges[k], edges[k + 1]), in time order. Amounts are alike if the
    smallest lies at most `tolerance` below the largest. Chance is the Poisson tail of the count that amounts
    around them, from half to twice as much, make likely where no amount is special. Returns payments x
    (senders, first instant, largest amount, sum, amounts around), zeros where nothing is found; and which
    payments are among those found.
    """
    told, member = np.zeros((at.size, 5), np.int64), np.zeros(at.size, np.bool_)
    key = np.repeat(np.arange(edges.size - 1), np.diff(edges))
    queue = np.lexsort((sender, amount, key))  # stable: payments of a pair stay in time order
    is_new = np.ones(at.size, np.bool_)
    is_new[1:] = (
        (np.diff(key[queue]) != 0) | (np.diff(amount[queue]) != 0) | (sender[queue][1:] != sender[queue][:-1])
    )
    starts = np.flatnonzero(is_new)
    pair = np.empty(at.size, np.int64)
    pair[queue] = np.cumsum(is_new) - 1
    pair_edges = np.searchsorted(starts, edges)
    work = (
        frozen(edges), frozen(pair_edges), frozen(at), frozen(amount), frozen(pair),
        frozen(amount[queue[starts]]), frozen(sender[queue[starts]]), int(sender.max(initial=0)) + 1,
        frozen(queue), frozen(starts), width, float(tolerance), least, float(np.log(max(chance, 1e-300))),
        told, member,
    )  # fmt: skip
    in_blocks(account_blocks(edges), thread_count(threads), lambda: lambda a, b: _alike(a, b, *work))
    return told, member


@kernel
def _tally_digits(first, last, offsets, own, credits, channels, currencies, kept, digits):
    """digits: credit x channel x currency x first two digits -> kept legs."""
    for leg in range(offsets[first], offsets[last]):
        value = own[leg]
        if not kept[leg] or value <= 0:
            continue
        if value < 10:
            value *= 10
        while value >= 100:
            value //= 10
        digits[int(credits[leg]), channels[leg], currencies[leg], value] += 1


def tally_digits(legs: Legs, kept: Bools) -> Ints:
    """Kept legs by (is_credit, channel, currency, first two digits of the amount); 5 counts as 50."""
    digits = np.zeros((2, len(CHANNELS), legs.unit_sizes.size, 100), np.int64)
    _tally_digits(
        0, legs.account_count, legs.offsets, legs.own, legs.credits, legs.channels,
        frozen(legs.currencies), frozen(kept), digits,
    )  # fmt: skip
    return digits


@kernel
def _tally_round(
    first, last, offsets, own, credits, channels, currencies, units, kept, steps, is_round, rows, accounts
):
    """See tally_round. rows: credit x channel x currency x (rows, round rows)."""
    seen = np.full(accounts.shape, -1, np.int64)
    for account in range(first, last):
        for leg in range(offsets[account], offsets[account + 1]):
            if not kept[leg]:
                continue
            side, channel, currency = int(credits[leg]), channels[leg], currencies[leg]
            unit = units[currency]
            step = steps[2] if own[leg] >= steps[1] * unit else steps[0]
            is_round[leg] = own[leg] % (step * unit) == 0
            rows[side, channel, currency, 0] += 1
            rows[side, channel, currency, 1] += is_round[leg]
            if seen[side, channel, currency] != account:
                seen[side, channel, currency] = account
                accounts[side, channel, currency] += 1


def tally_round(
    legs: Legs, kept: Bools, round_to: int, large_from: int, large_round_to: int
) -> tuple[Bools, npt.NDArray[np.float64], Ints]:
    """Which kept legs are round; by (is_credit, channel, currency) their share, and the accounts."""
    shape = (2, len(CHANNELS), legs.unit_sizes.size)
    is_round, rows, accounts = (
        np.zeros(kept.size, np.bool_),
        np.zeros((*shape, 2), np.int64),
        np.zeros(shape, np.int64),
    )
    _tally_round(
        0, legs.account_count, legs.offsets, legs.own, legs.credits, legs.channels,
        frozen(legs.currencies), legs.unit_sizes, frozen(kept),
        np.array([round_to, large_from, large_round_to]), is_round, rows, accounts,
    )  # fmt: skip
    return is_round, rows[..., 1] / np.maximum(rows[..., 0], 1), accounts


@kernel
def _in_bursts(first, last, offsets, instants, hours, kept, slots, count, nights, dispersion, out):
    """See in_bursts."""
    longest = 0
    for account in range(first, last):
        longest = max(longest, offsets[account + 1] - offsets[account])
    hour = np.empty(longest, np.int64)
    rows = np.empty(longest, np.int64)  # of each hour that has any
    late = np.empty(longest, np.int64)
    for account in range(first, last):
        size = 0
        for leg in range(offsets[account], offsets[account + 1]):
            if not kept[leg] or hours[leg] < 0:
                continue
            now = instants[leg] // 3_600_000_000
            if size == 0 or hour[size - 1] != now:
                hour[size], rows[size], late[size] = now, 0, 0
                size += 1
            rows[size - 1] += 1
            late[size - 1] += hours[leg] >= 22 or hours[leg] < 6
        left = total = at_night = squares = 0
        for right in range(size):
            total += rows[right]
            at_night += late[right]
            squares += rows[right] * rows[right]
            while hour[left] <= hour[right] - slots:
                total -= rows[left]
                at_night -= late[left]
                squares -= rows[left] * rows[left]
                left += 1
            mean = total / slots
            if (
                total >= count
                and at_night >= nights * total * (1 - 1e-9)
                and squares / slots - mean * mean >= dispersion * mean * (1 - 1e-9) - 1e-9
            ):
                out[account] = True
                break


def in_bursts(
    legs: Legs, kept: Bools, *, slots: int, count: int, nights: float, dispersion: float, threads: int
) -> Bools:
    """Accounts with `slots` hours that hold `count` kept legs, a share of `nights` of them at night.

    Only legs with a local hour count. dispersion: variance over mean of the counts per hour, at least.
    """
    out = np.zeros(legs.account_count, np.bool_)
    each_block(
        legs,
        threads,
        lambda a, b: _in_bursts(
            a, b, legs.offsets, legs.instants, legs.hours, frozen(kept), slots, count, float(nights),
            float(dispersion), out,
        ),
    )  # fmt: skip
    return out
