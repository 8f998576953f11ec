# mypy: allow-untyped-defs, allow-untyped-calls
"""Scores from fitted arrays: distances to references (as PyOD's Sampling has them), paths, densities.

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
def walk_trees(values, left, right, feature, threshold, length, roots, first, last, totals, parts):
    """Add up over the trees how much shorter than a tree's mean the paths of accounts [first, last) are.

    values: accounts x columns (float32). Nodes as in `IsolationTrees`. totals: accounts. parts: accounts x
    columns, the same by the column that each cut is made in; empty: not wanted.
    """
    wanted = parts.size > 0
    for tree in range(roots.size):
        root = roots[tree]
        for account in range(first, last):
            node = root
            while left[node] >= 0:
                column = feature[node]
                below = left[node] if values[account, column] <= threshold[node] else right[node]
                if wanted:
                    parts[account, column] += length[node] - length[below]
                node = below
            totals[account] += length[root] - length[node]


@kernel
def mixture_surprise(values, offsets, means, sharpness, first, last, totals):
    """Fill totals of accounts [first, last) with -log of the mixture's density.

    values: accounts x columns. Components as in `Mixture`.
    """
    densities = np.empty(offsets.size)
    for account in range(first, last):
        highest = -np.inf
        for component in range(offsets.size):
            squares = 0.0
            for column in range(values.shape[1]):
                gap = (values[account, column] - means[component, column]) * sharpness[component, column]
                squares += gap * gap
            densities[component] = offsets[component] - 0.5 * squares
            highest = max(highest, densities[component])
        total = 0.0
        for component in range(offsets.size):
            total += np.exp(densities[component] - highest)
        totals[account] = -(highest + np.log(total))
