# mypy: allow-untyped-defs, allow-untyped-calls
"""Amounts: how much in all, typical sizes, round amounts, price lattices, amounts just below a round limit.

Totals and sizes are in the account's currency. What the written figure looks like (round, repeated, just
below a limit) is judged in the currency it was written in.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from finpat.compiled import in_blocks, kernel
from finpat.features.base import NO_PAYMENT, Feature, Floats, Group, Ints, Legs

MIN_LATTICE_LEGS = 5  # fewer payments do not make a price list
LATTICE_COVER = 80  # percent of payments that the lattice has to cover
NO_MONEY = "no such payment, or none could be converted to the account's currency"


def _features() -> Iterator[Feature]:
    for side, paid, verb in (("credit", "paid_in", "incoming"), ("debit", "paid_out", "outgoing")):
        yield Feature(f"{side}_count", "aggregates", "count", f"Number of {verb} payments.", "never")
        yield Feature(
            f"{paid}_minor",
            "aggregates",
            "money",
            f"Total of {verb} payments.",
            f"{verb} payments exist, but none could be converted",
        )
        for what, doc in (
            ("mean", "Mean, rounded to a whole minor unit"),
            ("median", "Median, rounded up to a whole minor unit"),
            ("p95", "Smallest amount that 95 % do not exceed"),
            ("min", "Smallest"),
            ("max", "Largest"),
        ):
            yield Feature(
                f"{paid}_{what}_minor", "aggregates", "money", f"{doc}, of {verb} payments.", NO_MONEY
            )
        yield Feature(
            f"{side}_active_days", "aggregates", "count", f"Local days with an {verb} payment.", "never"
        )
        yield Feature(
            f"{paid}_lattice_amounts",
            "amounts",
            "count",
            f"Fewest distinct amounts that cover {LATTICE_COVER} % of {verb} payments.",
            f"fewer than {MIN_LATTICE_LEGS} {verb} payments",
        )
        yield Feature(
            f"{paid}_variation",
            "aggregates",
            "ratio",
            f"Standard deviation of {verb} amounts over their mean.",
            NO_MONEY,
        )
        yield Feature(
            f"{paid}_largest_share", "amounts", "share", f"Largest {verb} payment over their total.", NO_MONEY
        )
        for units in (10, 100, 1000):
            yield Feature(
                f"{paid}_round_{units}_share",
                "amounts",
                "share",
                f"Share of {verb} payments divisible by {units} units of their currency.",
                f"no {verb} payment",
            )
        yield Feature(
            f"{paid}_just_below_share",
            "amounts",
            "share",
            f"Share of {verb} payments of 80 % to just under 100 % of 1 or 5 times a power of ten, "
            "from 1,000 units on.",
            f"no {verb} payment",
        )
        few = f"fewer than {MIN_LATTICE_LEGS} {verb} payments"
        yield Feature(
            f"{paid}_repeated_share",
            "amounts",
            "share",
            f"Share of {verb} payments whose exact amount occurs more than once.",
            few,
        )
        yield Feature(
            f"{paid}_commonest_share",
            "amounts",
            "share",
            f"Share of {verb} payments with the commonest exact amount.",
            few,
        )
        yield Feature(
            f"{paid}_amount_entropy",
            "amounts",
            "share",
            f"Entropy of exact {verb} amounts over that of all-different ones; 0: all the same.",
            few,
        )
    yield Feature("active_days", "aggregates", "count", "Local days with a payment.", "never")
    yield Feature(
        "unconverted_count",
        "aggregates",
        "count",
        "Payments in a currency without a rate to the account's; left out of every money feature.",
        "never",
        role="display",
    )
    yield Feature(
        "span_hours", "aggregates", "duration", "Time from the first payment to the last.", NO_PAYMENT
    )
    yield Feature(
        "count_per_active_day", "aggregates", "ratio", "Payments per local day with a payment.", NO_PAYMENT
    )


@kernel
def just_below_round(minor, unit):
    """Whether `minor` is in [0.8 L, L) for a limit L of 1,000, 5,000, 10,000, 50,000 ... units."""
    limit = 1000 * unit
    factor = 5
    while limit <= minor:
        limit *= factor
        factor = 7 - factor  # 5, 2, 5, 2 ...
    return 5 * minor >= 4 * limit


@kernel
def _fill(
    first,
    last,
    offsets,
    instants,
    amounts,
    own,
    currencies,
    unit_sizes,
    credits,
    days,
    first_day,
    day_count,
    ints,
    floats,
):
    """Fill the features of accounts [first, last); rows as declared."""
    longest = 0
    for account in range(first, last):
        longest = max(longest, offsets[account + 1] - offsets[account])
    minor = np.empty(longest, np.int64)
    written = np.empty(longest, np.int64)
    runs = np.empty(longest, np.int64)
    seen = np.full(
        (3, day_count), -1, np.int64
    )  # last account that was active on a day: credit, debit, either
    for account in range(first, last):
        begin, end = offsets[account], offsets[account + 1]
        unconverted = any_days = 0
        for leg in range(begin, end):
            unconverted += amounts[leg] < 0
            day = days[leg] - first_day
            if seen[2, day] != account:
                seen[2, day] = account
                any_days += 1
        for side in range(2):
            size = count = total = active = 0
            round_10 = round_100 = round_1000 = below = 0
            same = True
            for leg in range(begin, end):
                if credits[leg] != (side == 0):
                    continue
                figure = own[leg]
                written[count] = figure
                count += 1
                same = same and figure == amounts[leg]
                if amounts[leg] >= 0:
                    minor[size] = amounts[leg]
                    size += 1
                    total += amounts[leg]
                unit = unit_sizes[currencies[leg]]
                if figure % (10 * unit) == 0:
                    round_10 += 1
                    if figure % (100 * unit) == 0:
                        round_100 += 1
                        round_1000 += figure % (1000 * unit) == 0
                below += just_below_round(figure, unit)
                day = days[leg] - first_day
                if seen[side, day] != account:
                    seen[side, day] = account
                    active += 1
            whole, real = side * 9, side * 9
            ints[whole, account] = count
            if size > 0 or count == 0:
                ints[whole + 1, account] = total
            ints[whole + 7, account] = active
            if count == 0:
                continue
            if size > 0:
                chosen = minor[:size]
                chosen.sort()
                mean = total / size
                square = 0.0
                for index in range(size):
                    square += (chosen[index] - mean) ** 2
                ints[whole + 2, account] = (2 * total + size) // (2 * size)
                ints[whole + 3, account] = (chosen[(size - 1) // 2] + chosen[size // 2] + 1) // 2
                ints[whole + 4, account] = chosen[(95 * size + 99) // 100 - 1]
                ints[whole + 5, account] = chosen[0]
                ints[whole + 6, account] = chosen[size - 1]
                if total > 0:
                    floats[real, account] = np.sqrt(square / size) / mean
                    floats[real + 1, account] = chosen[size - 1] / total
            floats[real + 2, account] = round_10 / count
            floats[real + 3, account] = round_100 / count
            floats[real + 4, account] = round_1000 / count
            floats[real + 5, account] = below / count
            if count < MIN_LATTICE_LEGS:
                continue
            figures = minor[:count] if same else written[:count]
            if not same:
                figures.sort()
            kinds = repeated = 0
            index = 0
            entropy = 0.0
            while index < count:
                upto = index
                while upto < count and figures[upto] == figures[index]:
                    upto += 1
                runs[kinds] = upto - index
                kinds += 1
                if upto - index > 1:
                    repeated += upto - index
                part = (upto - index) / count
                entropy -= part * np.log(part)
                index = upto
            lengths = runs[:kinds]
            lengths.sort()
            covered = needed = 0
            while 100 * covered < LATTICE_COVER * count:
                needed += 1
                covered += lengths[kinds - needed]
            ints[whole + 8, account] = needed
            floats[real + 6, account] = repeated / count
            floats[real + 7, account] = lengths[kinds - 1] / count
            floats[real + 8, account] = entropy / np.log(count)
        ints[18, account] = any_days
        ints[19, account] = unconverted
        if end > begin:
            floats[18, account] = (instants[end - 1] - instants[begin]) / 3_600_000_000
            floats[19, account] = (end - begin) / any_days


def _fill_group(legs: Legs, ints: Ints, floats: Floats, threads: int) -> None:
    first_day, last_day = legs.day_span
    in_blocks(
        legs.blocks,
        threads,
        lambda: (
            lambda first, last: _fill(
                first,
                last,
                legs.offsets,
                legs.instants,
                legs.amounts,
                legs.own,
                legs.currencies,
                legs.unit_sizes,
                legs.credits,
                legs.days,
                first_day,
                last_day - first_day + 1,
                ints,
                floats,
            )
        ),
    )


AMOUNTS = Group(tuple(_features()), _fill_group)
