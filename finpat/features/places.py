# mypy: allow-untyped-defs, allow-untyped-calls
"""Places: cities, countries and devices, and moves between cities; null where the data does not say."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt
import polars as pl

from finpat.compiled import frozen, in_blocks, kernel
from finpat.features.base import Feature, Floats, Group, Ints, Legs
from finpat.ledger import IS_OWN_ACT

_COLUMNS = ("city", "country", "device_id", "branch_id", "merchant_category")
# Of money that others send, these are the payer's; a category is the merchant's on a refund too.
_OWN_ONLY = ("city", "country", "device_id", "branch_id")
_WORDS = {
    "city": "cities where the account itself paid, or paid cash or a cheque in",
    "country": "countries where the account itself paid, or paid cash or a cheque in",
    "device_id": "devices that the account itself paid from",
    "branch_id": "branches or terminals where the account itself paid, or paid cash or a cheque in",
    "merchant_category": "merchant categories",
}


def _features() -> Iterator[Feature]:
    for column in _COLUMNS:
        name = column.removesuffix("_id")
        null = f"no {'own ' if column in _OWN_ONLY else ''}payment with a {column}"
        yield Feature(f"{name}_count", "places", "count", f"Distinct {_WORDS[column]}.", null)
        yield Feature(
            f"{name}_change_count",
            "places",
            "count",
            f"Times that {column} differs from the one last known, of the same payments.",
            null,
        )


@kernel
def _fill(first, last, offsets, codes, known, seen, count, changes):
    """Fill accounts [first, last). seen: -1 for each code."""
    for account in range(first, last):
        distinct = moves = 0
        latest = -1
        for leg in range(offsets[account], offsets[account + 1]):
            if not known[leg]:
                continue
            code = codes[leg]
            if seen[code] != account:
                seen[code] = account
                distinct += 1
            moves += latest >= 0 and code != latest
            latest = code
        if distinct > 0:
            count[account] = distinct
            changes[account] = moves


def _fill_column(
    legs: Legs, codes: npt.NDArray[np.uint32], known: npt.NDArray[np.bool_], ints: Ints, threads: int
) -> None:
    kinds = int(codes.max()) + 1
    counts, changes = ints[0], ints[1]

    def start() -> Callable[[int, int], object]:
        seen = np.full(kinds, -1, np.int64)
        return lambda first, last: _fill(first, last, legs.offsets, codes, known, seen, counts, changes)

    in_blocks(legs.blocks, threads, start)


def _fill_group(legs: Legs, ints: Ints, _floats: Floats, threads: int) -> None:
    for position, column in enumerate(_COLUMNS):
        if column not in legs.ledger.legs.columns:
            continue
        physical = legs.ledger.legs[column].to_physical()
        codes = frozen(physical.cast(pl.UInt32).fill_null(0).to_numpy())
        stated = physical.is_not_null()
        if column in _OWN_ONLY:
            stated = stated & legs.ledger.legs.select(IS_OWN_ACT).to_series()
        known = frozen(stated.to_numpy())
        _fill_column(legs, codes, known, ints[2 * position : 2 * position + 2], threads)


PLACES = Group(tuple(_features()), _fill_group)
