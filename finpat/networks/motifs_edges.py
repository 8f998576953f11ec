# mypy: allow-untyped-defs, allow-untyped-calls
"""Payments between persons: the graph that motifs are looked for in.

A node is a person: the accounts of one holder taken together, or a party that is not held. An edge is one
payment, once, whether one row or both sides' statements tell of it. Left out, and counted: payments whose
other side is unknown or is cash, those by card, cash or fee (the other side is a shop or the bank), transfers
between accounts of one person, and every payment of a hub, a node with more partners than the degree cap.

Values are compared where money passes through, so each edge has two: `sent` in the sender's currency and
`received` in the receiver's. The currency of a person is that of its busiest account, of a party that is not
held the one that most of its payments are in; a payment in another currency without a rate has no value
there and joins no motif that compares values.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from finpat.compiled import account_blocks, frozen, in_blocks, kernel
from finpat.ledger import NO_PARTY, Ledger
from finpat.money import decimals_of
from finpat.networks.persons import persons_of
from finpat.schemas import BETWEEN_PERSONS, CASH, CHANNELS

Ints = npt.NDArray[np.int64]
Codes = npt.NDArray[np.uint32]
Bools = npt.NDArray[np.bool_]

UNKNOWN_VALUE = -1
DEGREE_CAP = 500
SAME_PAYMENT = 3 * 86_400_000_000  # two statements of one payment lie at most this far apart (settlement)
HISTORY = 30 * 86_400_000_000  # a relation is called new only if the data reaches so far before it
LONG_AGO = -(2**62)
_NONE = np.uint32(0xFFFFFFFF)
_UNKNOWN_PARTY = int(NO_PARTY)


@dataclass(frozen=True)
class LeftOut:
    """How many payments and nodes the graph does without, and why.

    unknown: other side unknown, or cash. impersonal: by card, cash, fee or prepaid. own: between accounts of
    one person. twice: second statement of a payment already there. hubs: nodes beyond the degree cap;
    at_hubs: their payments. small: below the floor.
    """

    unknown: int = 0
    impersonal: int = 0
    own: int = 0
    twice: int = 0
    hubs: int = 0
    at_hubs: int = 0
    small: int = 0


class Graph(NamedTuple):
    """The arrays of `Edges` that kernels walk along, under the same names."""

    in_offsets: Ints
    in_edges: Codes
    out_offsets: Ints
    senders: Codes
    receivers: Codes
    instants: Ints
    sent: Ints
    received: Ints


@dataclass(frozen=True)
class Edges:
    """Payments between persons, in order of (sender, instant, ledger order).

    senders, receivers: nodes, codes among the ledger's parties (of a person: its first account's).
    instants: microseconds. sent, received: value in the sender's, the receiver's currency, minor units;
        UNKNOWN_VALUE where there is none. since: instant of the first payment of this sender to this
        receiver, of any size; LONG_AGO for those of the data's first 30 days (of short data: its first
        quarter), which may be older.
    rows: the ledger's `row` of the payment; second_rows: of its second statement, else the same.
    out_offsets: the edges of node v are [out_offsets[v], out_offsets[v + 1]).
    in_offsets, in_edges: edges into node v are in_edges[in_offsets[v]:in_offsets[v + 1]], in order of time.
    node_of_account: account code -> node. is_held, is_hub: per node. unit_of_node, unit_of_account: currency,
        position in `currencies`.
    """

    senders: Codes
    receivers: Codes
    instants: Ints
    sent: Ints
    received: Ints
    since: Ints
    rows: Codes
    second_rows: Codes
    out_offsets: Ints
    in_offsets: Ints
    in_edges: Codes
    node_of_account: Codes
    is_held: Bools
    is_hub: Bools
    left_out: LeftOut
    unit_of_node: npt.NDArray[np.uint16] = field(repr=False)
    unit_of_account: npt.NDArray[np.uint16] = field(repr=False)
    currencies: tuple[str, ...] = ()

    @property
    def node_count(self) -> int:
        """Number of node codes."""
        return self.out_offsets.size - 1

    @property
    def graph(self) -> Graph:
        """The arrays as kernels take them."""
        return Graph(*(getattr(self, name) for name in Graph._fields))

    @cached_property
    def blocks(self) -> list[tuple[int, int]]:
        """Runs of nodes with about equally many payments, in and out."""
        return account_blocks(self.out_offsets + self.in_offsets)


@kernel
def _legs_of_rows(offsets, rows, credits, debit_of, credit_of):
    """Fill the debit and the credit leg of every row; NONE where it has none."""
    for leg in range(offsets[-1]):
        if credits[leg]:
            credit_of[rows[leg]] = leg
        else:
            debit_of[rows[leg]] = leg


@kernel
def _chosen_legs(
    offsets, parties, credits, channels, rows, kept, debit_of, personal, cash, node_of_account, node_of_party
):
    """One leg per payment between two persons, and how many were left out: unknown, impersonal, own."""
    chosen = np.empty(offsets[-1], np.uint32)
    size = unknown = impersonal = own = 0
    for account in range(offsets.size - 1):
        node = node_of_account[account]
        for leg in range(offsets[account], offsets[account + 1]):
            if (credits[leg] and debit_of[rows[leg]] != _NONE) or not kept[leg]:
                continue
            if not personal[channels[leg]]:
                impersonal += 1
            elif parties[leg] == _UNKNOWN_PARTY or parties[leg] == cash:
                unknown += 1
            elif node_of_party[parties[leg]] == node:
                own += 1
            else:
                chosen[size] = leg
                size += 1
    return chosen[:size].copy(), unknown, impersonal, own


@kernel
def _counted(key, count):
    """Offsets of a counting sort by `key`."""
    offsets = np.zeros(count + 1, np.int64)
    for index in range(key.size):
        offsets[key[index] + 1] += 1
    for code in range(count):
        offsets[code + 1] += offsets[code]
    return offsets


@kernel
def _dealt(key, offsets):
    """Positions in order of `key`, those of one key in their own order."""
    free = offsets[:-1].copy()
    order = np.empty(key.size, np.uint32)
    for index in range(key.size):
        order[free[key[index]]] = index
        free[key[index]] += 1
    return order


@kernel
def _timed(first, last, offsets, order, instants):
    """Put each run of `order` in order of instants, ties in the order they are in."""
    for node in range(first, last):
        begin, end = offsets[node], offsets[node + 1]
        for index in range(begin + 1, end):
            if instants[order[index]] < instants[order[index - 1]]:
                run = order[begin:end].copy()
                order[begin:end] = run[np.argsort(instants[run], kind="mergesort")]
                break


@kernel
def _since(out_offsets, receivers, instants, met, first_at, since):
    """Instant of the first payment of each edge's pair. met: NONE for each node; first_at: scratch."""
    for node in range(out_offsets.size - 1):
        for edge in range(out_offsets[node], out_offsets[node + 1]):
            other = receivers[edge]
            if met[other] != node:
                met[other] = node
                first_at[other] = instants[edge]
            since[edge] = first_at[other]


@kernel
def _is_hub(out_offsets, receivers, in_offsets, in_edges, senders, cap, met):
    """Nodes with more than `cap` partners. met: NONE for each node."""
    hub = np.zeros(out_offsets.size - 1, np.bool_)
    for node in range(out_offsets.size - 1):
        if out_offsets[node + 1] - out_offsets[node] + in_offsets[node + 1] - in_offsets[node] <= cap:
            continue
        partners = 0
        for edge in range(out_offsets[node], out_offsets[node + 1]):
            if met[receivers[edge]] != node:
                met[receivers[edge]] = node
                partners += 1
        for place in range(in_offsets[node], in_offsets[node + 1]):
            other = senders[in_edges[place]]
            if met[other] != node:
                met[other] = node
                partners += 1
        hub[node] = partners > cap
    return hub


@kernel
def _same_payments(group, instants, is_credit, width, partner):
    """Pair debits and credits of one group, each with the earliest free one at most `width` away.

    Positions are in order of (group, instant). partner: filled with the other's position; -1 for none.
    """
    size = group.size
    begin = 0
    while begin < size:
        end = begin
        while end < size and group[end] == group[begin]:
            end += 1
        debit = credit = begin
        while True:
            while debit < end and is_credit[debit]:
                debit += 1
            while credit < end and not is_credit[credit]:
                credit += 1
            if debit >= end or credit >= end:
                break
            if abs(instants[debit] - instants[credit]) <= width:
                partner[debit] = credit
                partner[credit] = debit
                debit += 1
                credit += 1
            elif instants[debit] < instants[credit]:
                debit += 1
            else:
                credit += 1
        begin = end


def _time_order(offsets: Ints, order: Codes, instants: Ints, threads: int) -> None:
    """Put the runs of `order` into order of time, in place."""
    in_blocks(
        account_blocks(offsets),
        threads,
        lambda: lambda first, last: _timed(first, last, offsets, order, instants),
    )


def _party_of_account(ledger: Ledger) -> Codes:
    """Account code -> its code among the parties (both are sorted by id)."""
    codes = pl.DataFrame({"account_id": ledger.parties}).with_row_index("party")
    held = ledger.accounts.select("account_id").join(
        codes, on="account_id", how="left", maintain_order="left"
    )
    return held["party"].to_numpy().astype(np.uint32)


def _units(ledger: Ledger, persons: Codes) -> tuple[npt.NDArray[np.uint16], npt.NDArray[np.uint16]]:
    """Currency of each account, and of its person: that of the busiest account, ties by the first.

    Codes are positions in the sorted list of the ledger's currencies (of legs where they differ).
    """
    codes = ledger.accounts["currency"].cast(pl.String).cast(pl.Enum(_currencies(ledger))).to_physical()
    own = codes.cast(pl.UInt16).to_numpy()
    order = np.lexsort(
        (np.arange(own.size), -ledger.accounts["leg_count"].to_numpy().astype(np.int64), persons)
    )
    busiest = np.full(own.size, 0, np.uint16)
    first = np.flatnonzero(np.diff(persons[order], prepend=-1))
    busiest[persons[order][first]] = own[order][first]
    return own, busiest[persons]


def _currencies(ledger: Ledger) -> list[str]:
    """Currencies of the legs, in the order of their codes; of the accounts where the legs have one only."""
    dtype = ledger.legs.schema.get("currency")
    if dtype is not None:
        return pl.Series(dtype.categories).to_list()  # type: ignore[attr-defined]
    return ledger.accounts["currency"].cast(pl.String).drop_nulls().unique().sort().to_list() or ["XXX"]


def build_edges(
    ledger: Ledger,
    *,
    kept: Bools | None = None,
    floor: float = 0.0,
    degree_cap: int = DEGREE_CAP,
    threads: int = 1,
) -> Edges:
    """The payments between persons of a ledger.

    kept: one truth value per leg, e.g. whether it took effect; all where None. floor: payments below it, in
    units of their own currency, are left out, after partners were counted and first payments found, so that a
    higher floor makes no new hubs' neighbours and no new pairs. The result does not depend on `threads`, nor
    on the order of the ledger's payments.
    """
    legs = ledger.legs
    size = legs.height
    node_count = len(ledger.parties)
    offsets = frozen(ledger.offsets)
    credits = frozen(legs["is_credit"].to_numpy())
    parties = frozen(legs["counterparty"].to_numpy())
    rows = frozen(legs["row"].to_numpy())
    own = frozen(legs["amount_minor"].to_numpy())
    instants = frozen(legs["booked_at"].cast(pl.Int64).to_numpy())
    party_of_account = _party_of_account(ledger)
    persons = persons_of(ledger.accounts)
    node_of_account = party_of_account[persons]
    node_of_party = np.arange(node_count, dtype=np.uint32)
    node_of_party[party_of_account] = node_of_account
    is_held = np.zeros(node_count, np.bool_)
    is_held[node_of_account] = True

    highest = int(rows.max(initial=0)) + 1
    debit_of, credit_of = np.full(highest, _NONE), np.full(highest, _NONE)
    _legs_of_rows(offsets, rows, credits, debit_of, credit_of)
    cash = ledger.parties.index_of(CASH)
    chosen, unknown, impersonal, own_transfers = _chosen_legs(
        offsets,
        parties,
        credits,
        frozen(legs["channel"].to_physical().to_numpy()),
        rows,
        frozen(np.ones(size, np.bool_) if kept is None else kept),
        frozen(debit_of),
        frozen(np.array([name in BETWEEN_PERSONS for name in CHANNELS])),
        _UNKNOWN_PARTY if cash is None else cash,
        frozen(node_of_account),
        frozen(node_of_party),
    )
    del debit_of
    account_of_leg = np.repeat(np.arange(offsets.size - 1, dtype=np.uint32), np.diff(offsets))
    mine = node_of_account[account_of_leg[chosen]]
    theirs = node_of_party[parties[chosen]]
    is_credit = credits[chosen]
    senders = np.where(is_credit, theirs, mine)
    receivers = np.where(is_credit, mine, theirs)
    at = instants[chosen]
    row = rows[chosen]
    second_row = row
    mate = np.where(is_credit, _NONE, credit_of[row])
    del credit_of, mine, theirs
    twice = 0
    lone = (mate == _NONE) & is_held[senders] & is_held[receivers]
    if (
        lone.any()
    ):  # both ends are held, but this row tells of one leg: the other's statement may tell it again
        currency = _leg_currencies(legs, size)[chosen]
        partner = _second_statements(senders, receivers, at, own[chosen], currency, is_credit, lone)
        again = (partner >= 0) & is_credit
        first = (partner >= 0) & ~is_credit
        mate = mate.copy()
        mate[first] = chosen[partner[first]]
        second_row = row.copy()
        second_row[first] = row[partner[first]]
        twice = int(again.sum())
        stays = ~again
        chosen, senders, receivers = chosen[stays], senders[stays], receivers[stays]
        at, row, second_row, mate, is_credit = (
            at[stays],
            row[stays],
            second_row[stays],
            mate[stays],
            is_credit[stays],
        )

    unit_of_account, unit_of_person = _units(ledger, persons)
    unit_of_node = np.zeros(node_count, np.uint16)
    unit_of_node[node_of_account] = unit_of_person
    if "currency" in legs.columns:
        currency = _leg_currencies(legs, size)[chosen]
        unit_of_node = _units_of_strangers(senders, receivers, currency, is_held, unit_of_node)
        told = mate != _NONE
        near, far = np.where(is_credit, receivers, senders), np.where(is_credit, senders, receivers)
        other = np.where(told, mate, chosen)
        is_main = unit_of_account == unit_of_node[node_of_account]  # of accounts
        converted = legs["account_minor"].fill_null(UNKNOWN_VALUE).to_numpy()
        near_value = np.where(is_main[account_of_leg[chosen]], converted[chosen], UNKNOWN_VALUE)
        far_value = np.where(
            told,
            np.where(is_main[account_of_leg[other]], converted[other], UNKNOWN_VALUE),
            np.where(currency == unit_of_node[far], own[chosen], UNKNOWN_VALUE),
        )
        sent = np.where(is_credit, far_value, near_value)
        received = np.where(is_credit, near_value, far_value)
        del near, far, other, told, near_value, far_value, converted, currency
    else:
        sent = received = own[chosen]
    large = _is_large(ledger, chosen, floor)
    del account_of_leg, mate, is_credit

    order = _dealt(senders, out_offsets := _counted(senders, node_count))
    _time_order(out_offsets, order, at, threads)
    senders, receivers, at = senders[order], receivers[order], at[order]
    in_offsets = _counted(receivers, node_count)
    in_edges = _dealt(receivers, in_offsets)
    since = np.empty(at.size, np.int64)
    _since(out_offsets, receivers, at, np.full(node_count, _NONE), np.empty(node_count, np.int64), since)
    if at.size:
        start, span = int(at.min()), int(at.max() - at.min())
        since[since < start + min(HISTORY, span // 4)] = LONG_AGO
    hub = _is_hub(
        out_offsets, receivers, in_offsets, in_edges, senders, degree_cap, np.full(node_count, _NONE)
    )
    at_hub = hub[senders] | hub[receivers]
    keep = ~at_hub if large is None else ~at_hub & large[order]
    left_out = LeftOut(
        unknown=unknown,
        impersonal=impersonal,
        own=own_transfers,
        twice=twice,
        hubs=int(hub.sum()),
        at_hubs=int(at_hub.sum()),
        small=int(keep.size - at_hub.sum() - keep.sum()),
    )
    if not keep.all():
        order = order[keep]
        senders, receivers, at, since = senders[keep], receivers[keep], at[keep], since[keep]
        out_offsets = _counted(senders, node_count)
        in_offsets = _counted(receivers, node_count)
        in_edges = _dealt(receivers, in_offsets)
    _time_order(in_offsets, in_edges, at, threads)
    values = frozen(sent[order])
    said = frozen(row[order])
    return Edges(
        senders=frozen(senders),
        receivers=frozen(receivers),
        instants=frozen(at),
        sent=values,
        received=values if received is sent else frozen(received[order]),
        since=frozen(since),
        rows=said,
        second_rows=said if second_row is row else frozen(second_row[order]),
        out_offsets=frozen(out_offsets),
        in_offsets=frozen(in_offsets),
        in_edges=frozen(in_edges),
        node_of_account=frozen(node_of_account),
        is_held=frozen(is_held),
        is_hub=frozen(hub),
        currencies=tuple(_currencies(ledger)),
        left_out=left_out,
        unit_of_node=frozen(unit_of_node),
        unit_of_account=frozen(unit_of_account),
    )


def _leg_currencies(legs: pl.DataFrame, size: int) -> npt.NDArray[np.uint16]:
    """Currency code of each leg; 0 where the data has one only."""
    if "currency" not in legs.columns:
        return np.zeros(size, np.uint16)
    return legs["currency"].to_physical().cast(pl.UInt16).to_numpy()


def _is_large(ledger: Ledger, chosen: Codes, floor: float) -> Bools | None:
    """Which of the chosen legs reach `floor` units of their currency; None for all."""
    if floor <= 0:
        return None
    units = np.array([10 ** decimals_of(code) for code in _currencies(ledger)], np.float64)
    bound = np.ceil(floor * units - 1e-9).astype(np.int64)
    code = _leg_currencies(ledger.legs, ledger.legs.height)[chosen]
    large: Bools = ledger.legs["amount_minor"].to_numpy()[chosen] >= bound[code]
    return large


def _second_statements(
    senders: Codes, receivers: Codes, at: Ints, own: Ints, currency: Any, is_credit: Bools, lone: Bools
) -> Ints:
    """For each payment told by one leg, the position of the other party's statement of it; -1 for none."""
    place = np.flatnonzero(lone)
    order = place[
        np.lexsort(
            (is_credit[place], at[place], currency[place], own[place], receivers[place], senders[place])
        )
    ]
    keys = (senders[order], receivers[order], own[order], currency[order])
    changes = np.zeros(order.size, np.bool_)
    for key in keys:
        changes[1:] |= key[1:] != key[:-1]
    paired = np.full(order.size, -1, np.int64)
    _same_payments(
        frozen(np.cumsum(changes)), frozen(at[order]), frozen(is_credit[order]), SAME_PAYMENT, paired
    )
    partner = np.full(lone.size, -1, np.int64)
    partner[order] = np.where(paired >= 0, order[paired], -1)
    return partner


def _units_of_strangers(
    senders: Codes, receivers: Codes, currency: Any, is_held: Bools, unit_of_node: npt.NDArray[np.uint16]
) -> npt.NDArray[np.uint16]:
    """`unit_of_node` with the currency that most payments of each party not held are in, ties by the code."""
    seen = [
        pl.DataFrame({"node": node[~is_held[node]], "currency": currency[~is_held[node]]})
        for node in (senders, receivers)
    ]
    most = (
        pl.concat(seen)
        .group_by("node", "currency")
        .len()
        .sort("node", "len", "currency", descending=[False, True, False])
        .group_by("node", maintain_order=True)
        .first()
    )
    units = unit_of_node.copy()
    units[most["node"].to_numpy()] = most["currency"].to_numpy()
    return units
