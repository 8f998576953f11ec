# mypy: allow-untyped-defs, allow-untyped-calls
"""Order statistics in linear time, for kernels: the k-th smallest number, and the weighted median."""

from __future__ import annotations

from finpat.compiled import kernel


@kernel
def nth_smallest(values, size, nth):
    """The element that would stand at position `nth` if values[:size] were sorted. Reorders values[:size]."""
    low, high = 0, size - 1
    while low < high:
        pivot = values[(low + high) >> 1]
        left, right = low, high
        while left <= right:
            while values[left] < pivot:
                left += 1
            while values[right] > pivot:
                right -= 1
            if left <= right:
                values[left], values[right] = values[right], values[left]
                left += 1
                right -= 1
        if nth <= right:
            high = right
        elif nth >= left:
            low = left
        else:
            break
    return values[nth]


@kernel
def weighted_median(values, weights, size, total):
    """The smallest value up to which at least half of the weight lies.

    weights: positive integers that sum to `total`. Reorders values[:size] and weights[:size] together.
    """
    low, high = 0, size - 1
    below = 0  # weight of everything left of `low`
    while low < high:
        pivot = values[(low + high) >> 1]
        left, right = low, high
        while left <= right:
            while values[left] < pivot:
                left += 1
            while values[right] > pivot:
                right -= 1
            if left <= right:
                values[left], values[right] = values[right], values[left]
                weights[left], weights[right] = weights[right], weights[left]
                left += 1
                right -= 1
        lower = below
        for index in range(low, right + 1):
            lower += weights[index]
        if 2 * lower >= total:
            high = right
            continue
        middle = lower
        for index in range(right + 1, left):
            middle += weights[index]
        if 2 * middle >= total:
            return pivot
        below = middle
        low = left
    return values[low]
