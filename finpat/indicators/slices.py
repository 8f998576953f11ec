"""Slices of a ledger: some whole persons at a time, which bounds the memory of an evaluation.

A slice is a ledger of its own whose accounts have codes from 0. It keeps the parties, and each leg's `row`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from finpat.ledger import Ledger

LEGS_AT_ONCE = 2_000_000  # chosen: some hundred MB in the busiest indicator, and few enough rounds


@dataclass(frozen=True)
class Slice:
    """Some accounts of a ledger as a ledger.

    accounts: their codes in the whole ledger, ascending; code in the slice -> code in the whole. legs: where
    its legs lie in the whole ledger, in the slice's order.
    """

    ledger: Ledger
    accounts: npt.NDArray[np.uint32]
    legs: slice | npt.NDArray[np.uint32]


def cut(ledger: Ledger, persons: npt.NDArray[np.uint32], legs_at_once: int) -> Iterator[Slice]:
    """All accounts of the ledger, in slices of whole persons with about `legs_at_once` legs.

    persons: account code -> smallest code of its holder's accounts. Persons come in order of their code; one
    with many legs makes its slice as much larger.
    """
    size = np.bincount(persons, weights=np.diff(ledger.offsets), minlength=len(persons)).astype(np.int64)
    of_account = ((np.cumsum(size) - size) // max(legs_at_once, 1))[persons]
    order = np.argsort(of_account, kind="stable").astype(np.uint32)
    edges = np.flatnonzero(np.diff(of_account[order], prepend=-1, append=-1))
    for begin, end in pairwise(edges.tolist()):
        yield _slice(ledger, order[begin:end])


def _slice(ledger: Ledger, accounts: npt.NDArray[np.uint32]) -> Slice:
    counts = np.diff(ledger.offsets)[accounts]
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    first, last = int(accounts[0]), int(accounts[-1])
    legs: Any
    if last - first + 1 == len(accounts):  # neighbours: their legs lie together and are not copied
        legs = slice(int(ledger.offsets[first]), int(ledger.offsets[last + 1]))
        table = ledger.legs.slice(legs.start, legs.stop - legs.start)
    else:
        start = np.repeat(ledger.offsets[accounts] - offsets[:-1], counts)
        legs = (start + np.arange(offsets[-1])).astype(np.uint32)
        table = ledger.legs[legs]
    own = pl.Series("account", np.repeat(np.arange(len(accounts), dtype=np.uint32), counts))
    part = replace(
        ledger,
        accounts=ledger.accounts[accounts],
        legs=table.with_columns(own),
        offsets=offsets,
        unconverted=table["account_minor"].null_count(),
    )
    return Slice(part, accounts, legs)
