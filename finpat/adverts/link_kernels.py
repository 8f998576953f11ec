"""Kernels of payment links: which adverts appeared when a payment was made, and how often by chance.

Payments and adverts carry a key (platform and amount, as codes); a pair fits where the keys are equal and
the advert appears `before` microseconds before the payment to `after` microseconds after it, both included.
"""

from __future__ import annotations

import numpy as np

from finpat.compiled import kernel


@kernel
def first_fits(pay_key, pay_at, ad_key, ad_at, before, after):  # type: ignore[no-untyped-def]
    """Per payment: its first fitting advert and how many fit. Both sides are sorted by key, then instant."""
    first = np.empty(len(pay_key), np.int64)
    count = np.zeros(len(pay_key), np.int64)
    head = 0
    for pay in range(len(pay_key)):
        key, begin, end = pay_key[pay], pay_at[pay] - before, pay_at[pay] + after
        while head < len(ad_key) and (ad_key[head] < key or (ad_key[head] == key and ad_at[head] < begin)):
            head += 1
        first[pay] = head
        at = head
        while at < len(ad_key) and ad_key[at] == key and ad_at[at] <= end:
            at += 1
        count[pay] = at - head
    return first, count


@kernel
def _fits(ad_key, ad_at, low, high, key, begin, end):  # type: ignore[no-untyped-def]
    """Whether one of the adverts low to high (sorted by key, instant) has this key from begin to end."""
    stop = high
    while low < high:
        middle = (low + high) // 2
        if ad_key[middle] < key or (ad_key[middle] == key and ad_at[middle] < begin):
            low = middle + 1
        else:
            high = middle
    return low < stop and ad_key[low] == key and ad_at[low] <= end


@kernel
def shifted_counts(  # type: ignore[no-untyped-def]
    pay_from,
    pay_to,
    ad_from,
    ad_to,
    payment,
    pay_key,
    pay_at,
    ad_key,
    ad_at,
    before,
    after,
    shifts,
    first,
    last,
):
    """Per tested pair: coincidences over all shifts, payments that stay in the adverts' time, and unshifted.

    Pair i has the payment rows pay_from[i] to pay_to[i], rows of one payment together, and the advert rows
    ad_from[i] to ad_to[i] sorted by key and instant. first, last: when adverts were seen at all.
    """
    counted = np.zeros(len(pay_from), np.int64)
    stayed = np.zeros(len(pay_from), np.int64)
    there = np.zeros(len(pay_from), np.int64)
    for pair in range(len(pay_from)):
        for number in range(len(shifts) + 1):
            shift = 0 if number == len(shifts) else shifts[number]
            row = pay_from[pair]
            while row < pay_to[pair]:
                mine = payment[row]
                at = pay_at[row] + shift
                inside = first <= at + after and at - before <= last
                fits = False
                while row < pay_to[pair] and payment[row] == mine:
                    if inside and not fits:
                        fits = _fits(
                            ad_key, ad_at, ad_from[pair], ad_to[pair], pay_key[row], at - before, at + after
                        )
                    row += 1
                if number == len(shifts):
                    there[pair] += inside
                else:
                    stayed[pair] += inside
                    counted[pair] += fits
    return counted, stayed, there
