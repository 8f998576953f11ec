# mypy: allow-untyped-defs, allow-untyped-calls
"""Distances of accounts: to the nearest of a few references (what PyOD's Sampling computes), and whitened.

Sums run over the columns in their order, one account at a time: an account's distances are the same to the
last bit whoever else is scored, and on however many threads.
"""

from __future__ import annotations

import numpy as np

from finpat.compiled import kernel


@kernel
def nearest_references(values, references, subset_ends, first, last, distances, nearest):
    """Fill distances and nearest of accounts [first, last).

    values: accounts x columns (float32). references: columns x references (float32), the subsets side by
    side; subset s
        ends before subset_ends[s].
    distances: accounts (float64), mean over the subsets of the Euclidean distance to the nearest reference.
    nearest:
        accounts x subsets (int32), which one that is; the first of several at one distance.
    """
    squares = np.empty(references.shape[1], np.float32)
    for account in range(first, last):
        squares[:] = 0
        for column in range(values.shape[1]):
            value = values[account, column]
            for reference in range(references.shape[1]):
                gap = value - references[column, reference]
                squares[reference] += gap * gap
        total = 0.0
        begin = 0
        for subset in range(subset_ends.size):
            chosen = begin
            for reference in range(begin + 1, subset_ends[subset]):
                if squares[reference] < squares[chosen]:
                    chosen = reference
            begin = subset_ends[subset]
            nearest[account, subset] = chosen
            total += np.sqrt(np.float64(squares[chosen]))
        distances[account] = total / subset_ends.size


@kernel
def whitened_squares(values, mean, precision, first, last, squares):
    """Fill squares of accounts [first, last) with (x - mean) precision (x - mean).

    values: accounts x columns. precision: columns x columns, symmetric. squares: accounts.
    """
    count = values.shape[1]
    offsets = np.empty(count)
    projected = np.empty(count)
    for account in range(first, last):
        for column in range(count):
            offsets[column] = values[account, column] - mean[column]
        projected[:] = 0
        for column in range(count):
            offset = offsets[column]
            for other in range(count):
                projected[other] += offset * precision[column, other]
        total = 0.0
        for column in range(count):
            total += offsets[column] * projected[column]
        squares[account] = total


@kernel
def add_tails(values, known, column, side, knots, tails, usual, first, last, totals):
    """Add to totals of accounts [first, last) the tail of one column, less the usual one.

    values, known: accounts x columns. knots, tails: rising values (times side) and their tails, straight
    lines between them; equal knots are the end.
    """
    size = knots.size
    for account in range(first, last):
        if not known[account, column]:
            continue
        value = values[account, column] * side
        low, high = 0, size
        while low < high:
            middle = (low + high) >> 1
            if knots[middle] <= value:
                low = middle + 1
            else:
                high = middle
        if low == 0:
            tail = tails[0]
        elif low == size:
            tail = tails[size - 1]
        else:
            reach = (value - knots[low - 1]) / (knots[low] - knots[low - 1])
            tail = tails[low - 1] + reach * (tails[low] - tails[low - 1])
        totals[account] += tail - usual


@kernel
def covariance_sums(values, mean, sums):
    """Fill the upper half of sums (columns x columns) with sums of products of deviations."""
    count = values.shape[1]
    offsets = np.empty(count)
    for account in range(values.shape[0]):
        for column in range(count):
            offsets[column] = values[account, column] - mean[column]
        for column in range(count):
            offset = offsets[column]
            for other in range(column, count):
                sums[column, other] += offset * offsets[other]
