# mypy: allow-untyped-defs, allow-untyped-calls
"""Order of the ledger's legs, by counting: payments in time order are dealt out to their accounts.

Account codes are dense, so a counting sort puts the legs in order of account in linear time and leaves those
of each account in time order; a general sort of all legs costs many times as much.
"""

from __future__ import annotations

import numpy as np

from finpat.compiled import frozen, kernel

__all__ = [
    "account_of_legs",
    "commonest_code",
    "count_legs",
    "frozen",
    "number_held",
    "place_legs",
    "settle_ties",
]

NONE = np.uint32(0xFFFFFFFF)
SHORT_RUN = 24  # ties up to this many are put in order by insertion


@kernel
def settle_ties(order, instants, keys):
    """Put the positions in `order` whose instants are equal in order of their keys.

    order: positions of payments by instant; changed in place.
    """
    size = order.size
    begin = 0
    while begin < size:
        now = instants[order[begin]]
        end = begin + 1
        while end < size and instants[order[end]] == now:
            end += 1
        if end - begin > SHORT_RUN:
            run = order[begin:end].copy()
            order[begin:end] = run[np.argsort(keys[run])]
        else:
            for right in range(begin + 1, end):
                position = order[right]
                key = keys[position]
                left = right
                while left > begin and keys[order[left - 1]] > key:
                    order[left] = order[left - 1]
                    left -= 1
                order[left] = position
        begin = end


@kernel
def number_held(accounts, counterparties, mirrored, party_count):
    """Account code of each party: 0, 1, ... in party order for those held, NONE for the others.

    A party is held if it is the account of a payment, or the counterparty of a mirrored one.
    """
    number = np.full(party_count, NONE, np.uint32)
    for payment in range(accounts.size):
        number[accounts[payment]] = 0
        if mirrored[payment]:
            number[counterparties[payment]] = 0
    held = 0
    for party in range(party_count):
        if number[party] != NONE:
            number[party] = held
            held += 1
    return number


@kernel
def count_legs(accounts, counterparties, mirrored, account_of_party, account_count):
    """Offsets: the legs of account i will be [offsets[i], offsets[i + 1])."""
    offsets = np.zeros(account_count + 1, np.int64)
    for payment in range(accounts.size):
        offsets[account_of_party[accounts[payment]] + 1] += 1
        if mirrored[payment]:
            offsets[account_of_party[counterparties[payment]] + 1] += 1
    for account in range(account_count):
        offsets[account + 1] += offsets[account]
    return offsets


@kernel
def place_legs(order, accounts, counterparties, mirrored, credits, account_of_party, offsets):
    """Deal out the payments to their accounts; returns payment, counterparty and is_credit of each leg.

    order: positions of the payments by (instant, key). A payment to oneself has its debit first.
    """
    size = offsets[-1]
    free = offsets[:-1].copy()
    row = np.empty(size, np.uint32)
    party = np.empty(size, np.uint32)
    is_credit = np.empty(size, np.bool_)
    for payment in order:
        written, other = accounts[payment], counterparties[payment]
        credit = credits[payment]
        mirror_first = credit and mirrored[payment] and written == other
        for turn in range(2):
            if (turn == 0) == mirror_first:
                if not mirrored[payment]:
                    continue
                account = account_of_party[other]
                slot = free[account]
                party[slot] = written
                is_credit[slot] = not credit
            else:
                account = account_of_party[written]
                slot = free[account]
                party[slot] = other
                is_credit[slot] = credit
            row[slot] = payment
            free[account] = slot + 1
    return row, party, is_credit


@kernel
def account_of_legs(offsets):
    """Account code of each leg."""
    account = np.empty(offsets[-1], np.uint32)
    for code in range(offsets.size - 1):
        account[offsets[code] : offsets[code + 1]] = code
    return account


@kernel
def commonest_code(offsets, codes, code_count):
    """For each account the code that most of its legs have; ties by the smaller code."""
    best = np.zeros(offsets.size - 1, np.uint32)
    counts = np.zeros(code_count, np.int64)
    for account in range(offsets.size - 1):
        for leg in range(offsets[account], offsets[account + 1]):
            counts[codes[leg]] += 1
        for leg in range(offsets[account], offsets[account + 1]):
            code, winner = codes[leg], best[account]
            if counts[code] > counts[winner] or (counts[code] == counts[winner] and code < winner):
                best[account] = code
        for leg in range(offsets[account], offsets[account + 1]):
            counts[codes[leg]] = 0
    return best
