# mypy: allow-untyped-defs, allow-untyped-calls
"""Counterparties: how many, how new, how concentrated, who pays back, who is shared with few others."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from finpat.compiled import in_blocks, kernel
from finpat.features.base import DAY, Feature, Floats, Group, Ints, Legs
from finpat.ledger import NO_PARTY

NEW = 30 * DAY
RARE_ACCOUNTS = 5  # a counterparty of 2 to 5 held accounts ties them together; shops have many more
_UNKNOWN = int(NO_PARTY)
_NOBODY = "no counterparty is known"

_FEATURES = (
    Feature(
        "payer_count",
        "counterparties",
        "count",
        "Distinct counterparties of incoming payments.",
        "incoming payments exist, but no counterparty is known",
    ),
    Feature(
        "beneficiary_count",
        "counterparties",
        "count",
        "Distinct counterparties of outgoing payments.",
        "outgoing payments exist, but no counterparty is known",
    ),
    Feature("counterparty_count", "counterparties", "count", "Distinct counterparties.", _NOBODY),
    Feature(
        "new_counterparty_share_30d",
        "counterparties",
        "share",
        "Of the counterparties of the last 30 days, the share first met in them.",
        "no known counterparty in the last 30 days, or the account's own history is no longer than that",
        "30d",
    ),
    Feature(
        "top_payer_share",
        "counterparties",
        "share",
        "Share of incoming money from the largest payer.",
        "no incoming money from a known counterparty",
    ),
    Feature(
        "top_beneficiary_share",
        "counterparties",
        "share",
        "Share of outgoing money to the largest beneficiary.",
        "no outgoing money to a known counterparty",
    ),
    Feature(
        "payer_balance_ratio",
        "counterparties",
        "ratio",
        "Payers less beneficiaries, over their sum: 1 all collecting, -1 all spreading.",
        _NOBODY,
    ),
    Feature(
        "reciprocal_share",
        "counterparties",
        "share",
        "Share of counterparties that both paid the account and were paid by it.",
        _NOBODY,
    ),
    Feature(
        "repeat_counterparty_share",
        "counterparties",
        "share",
        "Share of counterparties met in more than one payment.",
        _NOBODY,
    ),
    Feature(
        "rare_shared_counterparty_count",
        "counterparties",
        "count",
        f"Counterparties that 2 to {RARE_ACCOUNTS} held accounts deal with, this one included.",
        _NOBODY,
    ),
    Feature(
        "rare_shared_counterparty_share",
        "counterparties",
        "share",
        f"Share of counterparties that 2 to {RARE_ACCOUNTS} held accounts deal with.",
        _NOBODY,
    ),
    Feature(
        "exclusive_counterparty_share",
        "counterparties",
        "share",
        "Share of counterparties that no other held account deals with.",
        _NOBODY,
    ),
    Feature(
        "one_off_payer_count",
        "counterparties",
        "count",
        "Counterparties met in one payment only, which came in.",
        "incoming payments exist, but no counterparty is known",
    ),
    Feature(
        "one_off_beneficiary_count",
        "counterparties",
        "count",
        "Counterparties met in one payment only, which went out.",
        "outgoing payments exist, but no counterparty is known",
    ),
    Feature(
        "one_off_paid_in_share",
        "counterparties",
        "share",
        "Share of incoming money from counterparties met in that one payment only.",
        "no incoming money from a known counterparty",
    ),
    Feature(
        "one_off_paid_out_share",
        "counterparties",
        "share",
        "Share of outgoing money to counterparties met in that one payment only.",
        "no outgoing money to a known counterparty",
    ),
    Feature(
        "credit_count_per_payer",
        "counterparties",
        "ratio",
        "Incoming payments for each distinct payer: 1 where nobody pays twice.",
        "no incoming payment from a known counterparty",
    ),
    Feature(
        "debit_count_per_beneficiary",
        "counterparties",
        "ratio",
        "Outgoing payments for each distinct beneficiary: 1 where nobody is paid twice.",
        "no outgoing payment to a known counterparty",
    ),
    Feature(
        "counterparty_accounts_mean",
        "counterparties",
        "ratio",
        "Held accounts that its counterparties deal with, this one included, on average: high among hubs.",
        _NOBODY,
    ),
)


@kernel
def _accounts_per_party(offsets, parties, latest, degree):
    """degree[p]: distinct accounts with a leg to party p. latest: -1 for each party."""
    for account in range(offsets.size - 1):
        for leg in range(offsets[account], offsets[account + 1]):
            party = parties[leg]
            if party != _UNKNOWN and latest[party] != account:
                latest[party] = account
                degree[party] += 1


@kernel
def _fill(first, last, offsets, instants, amounts, credits, parties, degree, ledger_end, place, ints, floats):
    """Fill accounts [first, last); rows as declared. place: -1 for each party, and -1 again afterwards."""
    longest = 0
    for account in range(first, last):
        longest = max(longest, offsets[account + 1] - offsets[account])
    who = np.empty(longest, np.uint32)
    ins = np.empty(longest, np.int64)
    outs = np.empty(longest, np.int64)
    minor_in = np.empty(longest, np.int64)
    minor_out = np.empty(longest, np.int64)
    since = np.empty(longest, np.int64)
    until = np.empty(longest, np.int64)
    for account in range(first, last):
        begin, end = offsets[account], offsets[account + 1]
        found = credit_legs = debit_legs = 0
        for leg in range(begin, end):
            credit_legs += credits[leg]
            debit_legs += not credits[leg]
            party = parties[leg]
            if party == _UNKNOWN:
                continue
            at = place[party]
            if at < 0:
                at = found
                place[party] = found
                who[at] = party
                ins[at] = outs[at] = minor_in[at] = minor_out[at] = 0
                since[at] = instants[leg]
                found += 1
            until[at] = instants[leg]
            value = max(amounts[leg], 0)
            if credits[leg]:
                ins[at] += 1
                minor_in[at] += value
            else:
                outs[at] += 1
                minor_out[at] += value
        payers = beneficiaries = both = repeated = rare = alone = recent = new = 0
        total_in = total_out = top_in = top_out = 0
        once_in = once_out = once_minor_in = once_minor_out = known_in = known_out = reach = 0
        for at in range(found):
            place[who[at]] = -1
            payers += ins[at] > 0
            beneficiaries += outs[at] > 0
            both += ins[at] > 0 and outs[at] > 0
            repeated += ins[at] + outs[at] > 1
            rare += 2 <= degree[who[at]] <= RARE_ACCOUNTS
            alone += degree[who[at]] == 1
            recent += until[at] > ledger_end - NEW
            new += since[at] > ledger_end - NEW
            total_in += minor_in[at]
            total_out += minor_out[at]
            top_in = max(top_in, minor_in[at])
            top_out = max(top_out, minor_out[at])
            known_in += ins[at]
            known_out += outs[at]
            reach += degree[who[at]]
            if ins[at] + outs[at] == 1:
                once_in += ins[at]
                once_out += outs[at]
                once_minor_in += minor_in[at]
                once_minor_out += minor_out[at]
        if payers > 0 or credit_legs == 0:
            ints[0, account] = payers
            ints[4, account] = once_in
        if beneficiaries > 0 or debit_legs == 0:
            ints[1, account] = beneficiaries
            ints[5, account] = once_out
        if total_in > 0:
            floats[1, account] = top_in / total_in
            floats[8, account] = once_minor_in / total_in
        if total_out > 0:
            floats[2, account] = top_out / total_out
            floats[9, account] = once_minor_out / total_out
        if payers > 0:
            floats[10, account] = known_in / payers
        if beneficiaries > 0:
            floats[11, account] = known_out / beneficiaries
        if found == 0:
            continue
        ints[2, account] = found
        ints[3, account] = rare
        if recent > 0 and instants[begin] <= ledger_end - NEW:
            floats[0, account] = new / recent
        floats[3, account] = (payers - beneficiaries) / (payers + beneficiaries)
        floats[4, account] = both / found
        floats[5, account] = repeated / found
        floats[6, account] = rare / found
        floats[7, account] = alone / found
        floats[12, account] = reach / found


def _fill_group(legs: Legs, ints: Ints, floats: Floats, threads: int) -> None:
    degree = np.zeros(legs.party_count, np.int32)
    _accounts_per_party(legs.offsets, legs.parties, np.full(legs.party_count, -1, np.int64), degree)

    def start() -> Callable[[int, int], object]:
        place = np.full(legs.party_count, -1, np.int32)
        return lambda first, last: _fill(
            first,
            last,
            legs.offsets,
            legs.instants,
            legs.amounts,
            legs.credits,
            legs.parties,
            degree,
            legs.end,
            place,
            ints,
            floats,
        )

    in_blocks(legs.blocks, threads, start)


PEERS = Group(_FEATURES, _fill_group)
