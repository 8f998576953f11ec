# mypy: allow-untyped-defs, allow-untyped-calls
"""Distances to the nearest of a few reference accounts: how PyOD's Sampling models score, for many of them at once.

A distance is the root mean square over the columns that both accounts know, so that a missing value takes no side.
Sums run over the columns in their order, one account at a time: a score is the same to the last bit whoever else is
scored, and on however many threads.
"""

from __future__ import annotations

import numpy as np

from finpat.compiled import kernel


@kernel
def nearest_distances(values, known, references, reference_known, subset_ends, first, last, distances, nearest):
    """Fill distances and nearest of accounts [first, last).

    values, known: accounts x columns (float32, bool). references, reference_known: columns x references (float32, float32
        0 or 1), the subsets side by side; subset s ends before subset_ends[s].
    distances: accounts (float64), the mean over the subsets of the distance to the nearest reference. nearest: accounts x
        subsets (int32), which one; -1 where none shares a known column.
    """
    count = references.shape[1]
    squares = np.empty(count, np.float32)
    shared = np.empty(count, np.float32)
    for account in range(first, last):
        squares[:] = 0
        shared[:] = 0
        for column in range(values.shape[1]):
            if known[account, column]:
                value = values[account, column]
                for reference in range(count):
                    gap = (value - references[column, reference]) * reference_known[column, reference]
                    squares[reference] += gap * gap
                    shared[reference] += reference_known[column, reference]
        total = 0.0
        used = 0
        begin = 0
        for subset in range(subset_ends.size):
            best = np.float32(np.inf)
            chosen = -1
            for reference in range(begin, subset_ends[subset]):
                if shared[reference] > 0:
                    square = squares[reference] / shared[reference]
                    if square < best:
                        best = square
                        chosen = reference
            begin = subset_ends[subset]
            nearest[account, subset] = chosen
            if chosen >= 0:
                total += np.sqrt(np.float64(best))
                used += 1
        distances[account] = total / used if used else 0.0
