"""Networks (NW): motifs of money between persons, in order of time and value.

Accounts of one holder are one person; own transfers, payments by card, cash or fee, those whose text or
category names wages, bills or the state, and everybody with more than 500 partners are left out
(finpat.networks.motifs_edges). A partner is new for 90 days after the first payment; partners of the data's
first 30 days are not called new. Each motif is an indicator of its own: blended into one, they tell less.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy.sparse import coo_array  # type: ignore[import-untyped]
from scipy.sparse.csgraph import connected_components  # type: ignore[import-untyped]

from finpat.compiled import frozen, thread_count
from finpat.indicators.base import Indicator, Outcome, Value, parameter
from finpat.indicators.context import NO_LEG, Context, days, hours
from finpat.networks.motifs import (
    FOLLOWERS_SEEN,
    STEPS,
    Followers,
    chain_lengths,
    find_cycles,
    find_fans,
    find_followers,
    find_gathers,
    find_scatters,
)
from finpat.networks.motifs_edges import DEGREE_CAP, Codes, Edges, Ints, build_edges
from finpat.networks.motifs_layered import LayeredFans, find_layered_fans
from finpat.networks.motifs_layers import (
    BLOCK_STEPS,
    LEAST_DENSITY,
    MOST_PAYERS,
    find_blocks,
)
from finpat.networks.motifs_rings import find_rings
from finpat.networks.motifs_shared import SHARED_STEPS, find_copayers
from finpat.schemas import BETWEEN_PERSONS, CHANNELS
from finpat.vocabulary import kind_bits

BILLS = kind_bits(
    "payroll", "tax", "benefit", "utility", "telecom", "interest", "refund", "card_payment", "protected"
)
ROWS_SHOWN = 20  # of patterns that grow with the data: everybody on one is shown its rows
NEW_DAYS = "a relation is new so long after its first payment (catalogue)"


def payments_between_persons(context: Context, floor: float) -> Edges:
    """The graph of the whole data, of payments of `floor` units of currency or more; once for each floor."""

    def build() -> Edges:
        kept = context.effective
        if context.has("merchant"):
            kept = frozen(kept & ((context.kinds.to_numpy() & BILLS) == 0))
        edges = build_edges(context.ledger, kept=kept, floor=floor, threads=thread_count(context.threads))
        if edges.left_out.hubs:
            context.note(
                f"network motifs leave out {edges.left_out.hubs:,} persons with more than {DEGREE_CAP} "
                f"partners, and their {edges.left_out.at_hubs:,} payments"
            )
        return edges

    made: Edges = context.once(("payments between persons", floor), build)
    return made


def followers(context: Context, floor: float, horizon: int, low: float, high: float) -> Followers:
    """Which payments pass on which, once for each choice of bounds."""

    def build() -> Followers:
        edges = payments_between_persons(context, floor)
        threads = thread_count(context.threads)
        made = find_followers(edges, horizon=horizon, low=low, high=high, threads=threads)
        if made.cut:
            context.note(
                f"network motifs look at {FOLLOWERS_SEEN} payments after a payment; {made.cut:,} payments "
                f"were followed by more within {horizon / days(1):g} days"
            )
        return made

    kept: Followers = context.once(("followers", floor, horizon, low, high), build)
    return kept


def _unjudged(context: Context, edges: Edges) -> pl.DataFrame:
    """Accounts whose other sides are all unknown, or too many to be looked at."""
    arrays = context.arrays
    personal = np.array([name in BETWEEN_PERSONS for name in CHANNELS])[arrays.channels]
    account = context.ledger.legs["account"].to_numpy()
    size = context.ledger.account_count
    looked = personal & context.effective
    known = pl.DataFrame({"kept": looked}).select(pl.col("kept") & pl.Series(_known(context))).to_series()
    some = np.bincount(account[looked], minlength=size) > 0
    told = np.bincount(account[known.to_numpy()], minlength=size) > 0
    hub = edges.is_hub[edges.node_of_account]
    lacking = pl.DataFrame({"account": np.flatnonzero(some & ~told).astype(np.uint32)})
    many = pl.DataFrame({"account": np.flatnonzero(hub).astype(np.uint32)})
    return pl.concat(
        [
            lacking.with_columns(missing_field=pl.lit("counterparty_id")),
            many.with_columns(
                missing_field=pl.lit(f"payments of a person with at most {DEGREE_CAP} partners")
            ),
        ]
    )


def _known(context: Context) -> npt.NDArray[np.bool_]:
    return context.ledger.legs.select(context.counterparty_known()).to_series().to_numpy()


def _evidence(
    context: Context, edges: Edges, subject: npt.NDArray[Any], chosen: Any, sides: str = "both"
) -> pl.DataFrame:
    """Rows of the chosen payments as evidence: of the sender's accounts, the receiver's, or of both.

    subject: one for each of `chosen`, positions in `edges`.
    """
    debit_of, credit_of = context.legs_of_rows
    parts = []
    for side, legs_of_row, rows in (
        ("sender", debit_of, edges.rows),
        ("receiver", credit_of, edges.second_rows),
    ):
        if sides not in (side, "both"):
            continue
        leg = legs_of_row[rows[chosen]]
        held = leg != NO_LEG
        legs = context.ledger.legs.select("account", "booked_at", "row")[leg[held]]
        # Two statements of one payment may differ by days: evidence lies where the motif saw the payment.
        at = pl.Series(edges.instants[chosen][held]).cast(pl.Datetime("us"))
        parts.append(legs.with_columns(booked_at=at, subject=pl.Series(subject[held]).cast(pl.Int64)))
    joined: pl.DataFrame = pl.concat(parts)
    return joined.select("subject", "account", "booked_at", "row")


def _windows(edges: Edges, subject: Any, start: Any, end: Any, node: Any, **values: Any) -> pl.DataFrame:
    """Windows with the currency of `node`, whose money they tell."""
    codes = pl.Series(edges.currencies, dtype=pl.String)
    return pl.DataFrame(
        {
            "subject": pl.Series(np.asarray(subject), dtype=pl.Int64),
            "window_start": pl.Series(np.asarray(start), dtype=pl.Int64).cast(pl.Datetime("us")),
            "window_end": pl.Series(np.asarray(end), dtype=pl.Int64).cast(pl.Datetime("us")),
            "currency": codes.gather(edges.unit_of_node[node].astype(np.uint32)),
            **{name: pl.Series(column) for name, column in values.items()},
        }
    )


def _of_nodes(edges: Edges, nodes: npt.NDArray[Any], incoming: bool, new_within: int) -> Codes:
    """Payments of some nodes with partners that are new to them."""
    ends = edges.receivers if incoming else edges.senders
    chosen = np.zeros(edges.node_count, np.bool_)
    chosen[nodes] = True
    return np.flatnonzero(chosen[ends] & (edges.instants - edges.since <= new_within)).astype(np.uint32)


def _connected(finds: Ints, payments: npt.NDArray[Any], count: int, size: int) -> npt.NDArray[np.int64]:
    """Find -> number of the finds that hang together by shared payments."""
    links = coo_array((np.ones(finds.size, np.int8), (finds, payments + count)), shape=(count + size,) * 2)
    _, label = connected_components(links, directed=False)
    return np.asarray(label[:count], np.int64)


# ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class FanIn:
    """Parameters of NW-FANIN-01."""

    min_payers: int = parameter(5, "AMLSim patterns have 5 to 10 accounts", stricter="higher", low=2)
    window_days: float = parameter(7.0, "AMLSim patterns span 5 to 20 days", low=0.1)
    max_top_share: float = parameter(0.4, "of the money from one payer", stricter="lower", low=0.01, high=1)
    new_days: float = parameter(90.0, NEW_DAYS, low=0)


@dataclass(frozen=True)
class FanOut:
    """Parameters of NW-FANOUT-02."""

    min_beneficiaries: int = parameter(5, "AMLSim patterns have 5 to 10 accounts", stricter="higher", low=2)
    window_days: float = parameter(7.0, "AMLSim patterns span 5 to 20 days", low=0.1)
    max_top_share: float = parameter(0.4, "of the money to one of them", stricter="lower", low=0.01, high=1)
    new_days: float = parameter(90.0, NEW_DAYS, low=0)


def _fans(context: Context, p: FanIn | FanOut, least: int, incoming: bool) -> Outcome:
    edges = payments_between_persons(context, 0.0)
    new_within = days(p.new_days)
    node, start, end, partners, money, largest = find_fans(
        edges,
        incoming=incoming,
        width=days(p.window_days),
        new_within=new_within,
        least=least,
        top_share=p.max_top_share,
        threads=thread_count(context.threads),
    ).found
    held = edges.is_held[node]
    node, start, end, partners = node[held], start[held], end[held], partners[held]
    money, largest = money[held], largest[held]
    windows = _windows(
        edges, node, start, end, node,
        partner_count=partners, moved_minor=money, top_share=largest / np.maximum(money, 1),
    )  # fmt: skip
    chosen = _of_nodes(edges, node, incoming, new_within)
    ends = edges.receivers if incoming else edges.senders
    rows = _evidence(context, edges, ends[chosen], chosen, "receiver" if incoming else "sender")
    return Outcome(windows, rows, _unjudged(context, edges))


def find_fan_in(context: Context, p: FanIn) -> Outcome:
    """Several new payers within a week, none of them the main one.

    5 or more persons who first paid this person at most 90 days before pay within 7 days, the largest of them
    0.4 of the money or less.
    """
    return _fans(context, p, p.min_payers, True)


def find_fan_out(context: Context, p: FanOut) -> Outcome:
    """Several new beneficiaries within a week, none of them the main one.

    This person pays 5 or more persons within 7 days whom it first paid at most 90 days before, the largest of
    them 0.4 of the money or less.
    """
    return _fans(context, p, p.min_beneficiaries, False)


AMLSIM = "AMLSim (code of the pattern); "
FANIN_01 = Indicator(
    id="NW-FANIN-01",
    name="Fan-in",
    role="NET",
    weight="M",
    source=f"{AMLSIM}SAML-D; public benchmark of motifs on SAML-D",
    evidence="V1, V2, D",
    parameters=FanIn(),
    values=(
        Value("partner_count", "count", ">=", "min_payers"),
        Value("moved_minor", "money"),
        Value("top_share", "share", "<=", "max_top_share"),
    ),
    fact="{partner_count} new payers sent {moved} within {window_days} days, the largest of them {top_share}",
    caution="collections for a gift, clubs, people who sell things online",
    find=find_fan_in,
    across=True,
    measured="7.5 % of persons found were part of a scheme in a public benchmark on SAML-D, not on own data",
)

FANOUT_02 = Indicator(
    id="NW-FANOUT-02",
    name="Fan-out",
    role="NET",
    weight="M",
    source=f"{AMLSIM}public benchmarks of motifs and of rules on SAML-D",
    evidence="V1, D",
    parameters=FanOut(),
    values=(
        Value("partner_count", "count", ">=", "min_beneficiaries"),
        Value("moved_minor", "money"),
        Value("top_share", "share", "<=", "max_top_share"),
    ),
    fact="{partner_count} new beneficiaries got {moved} within {window_days} days, the largest of them "
    "{top_share}",
    caution="wages of a small firm, shared bills",
    find=find_fan_out,
    across=True,
    measured="11.2 % of persons found were part of a scheme in a public benchmark on SAML-D, not on own data",
)


# ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class GatherScatter:
    """Parameters of NW-GS-03."""

    min_people: int = parameter(3, "on each side; D", stricter="higher", low=2)
    gather_days: float = parameter(7.0, "payments in; D", low=0.1)
    scatter_days: float = parameter(7.0, "payments out after them; D", low=0.1)
    min_ratio: float = parameter(0.7, "out over in; D", stricter="higher", low=0, high=1)
    max_ratio: float = parameter(1.05, "out over in; D", stricter="lower", low=1)
    new_days: float = parameter(90.0, NEW_DAYS, low=0)


def find_gather_scatter(context: Context, p: GatherScatter) -> Outcome:
    """Money gathered from several new payers goes out to several other new beneficiaries.

    3 or more new payers within 7 days, then 3 or more new beneficiaries within 7 days, nobody counted who is
    on both sides, and 0.7 to 1.05 of the money from new payers goes out to new beneficiaries.
    """
    edges = payments_between_persons(context, 0.0)
    new_within = days(p.new_days)
    node, start, end, payers, beneficiaries, gathered, scattered = find_gathers(
        edges,
        width=days(p.gather_days),
        after=days(p.scatter_days),
        new_within=new_within,
        low=p.min_ratio,
        high=p.max_ratio,
        least=p.min_people,
        threads=thread_count(context.threads),
    ).found
    held = edges.is_held[node]
    windows = _windows(
        edges, node, start, end, node,
        payer_count=payers, beneficiary_count=beneficiaries,
        gathered_minor=gathered, scattered_minor=scattered,
        out_ratio=scattered / np.maximum(gathered, 1),
    ).filter(pl.Series(held))  # fmt: skip
    into, out = (
        _of_nodes(edges, node[held], True, new_within),
        _of_nodes(edges, node[held], False, new_within),
    )
    rows = pl.concat(
        [
            _evidence(context, edges, edges.receivers[into], into, "receiver"),
            _evidence(context, edges, edges.senders[out], out, "sender"),
        ]
    )
    return Outcome(windows, rows, _unjudged(context, edges))


GS_03 = Indicator(
    id="NW-GS-03",
    name="Gather-scatter",
    role="NET",
    weight="S",
    source=f"{AMLSIM}public benchmark of motifs on SAML-D",
    evidence="V1, D",
    parameters=GatherScatter(),
    values=(
        Value("payer_count", "count", ">=", "min_people"),
        Value("beneficiary_count", "count", ">=", "min_people"),
        Value("gathered_minor", "money"),
        Value("scattered_minor", "money"),
        Value("out_ratio", "share", ">=", "min_ratio"),
    ),
    fact="{gathered} from {payer_count} new payers, then {scattered} to {beneficiary_count} new "
    "beneficiaries",
    caution="traders, treasurers of clubs, organisers of trips",
    find=find_gather_scatter,
    across=True,
)


# ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ScatterGather:
    """Parameters of NW-SG-04."""

    min_intermediaries: int = parameter(3, "persons in between; D", stricter="higher", low=2)
    min_share: float = parameter(
        0.7, "of a payment that goes on; AMLSim keeps 0.1 a hop; D", stricter="higher", low=0.01, high=1
    )
    max_share: float = parameter(1.02, "of a payment that goes on; D", stricter="lower", low=1)
    hop_days: float = parameter(
        7.0, "from a payment to the one that passes it on; D", stricter="lower", low=0
    )
    window_days: float = parameter(7.0, "payments of the source; D", stricter="lower", low=0.01)
    min_amount: float = parameter(100.0, "units of currency; small change meets by chance; D", low=0)


def find_scatter_gather(context: Context, p: ScatterGather) -> Outcome:
    """Money of one person reaches one other by several persons in between.

    Within 7 days a person pays 3 or more others, each of whom passes on 0.7 to 1.02 of a payment to one and
    the same further person within 7 days. Payments below 100 are not looked at.
    """
    edges = payments_between_persons(context, p.min_amount)
    chains = followers(context, p.min_amount, days(p.hop_days), p.min_share, p.max_share)
    scatters = find_scatters(
        edges,
        chains,
        width=days(p.window_days),
        least=p.min_intermediaries,
        threads=thread_count(context.threads),
    )
    which = scatters.which
    pairs = pl.DataFrame({"find": which, "into": scatters.into, "onward": scatters.onward})
    told = (
        pairs.with_columns(
            middle=pl.Series(edges.receivers[scatters.into]),
            start=pl.Series(edges.instants[scatters.into]),
            end=pl.Series(edges.instants[scatters.onward]),
            source=pl.Series(edges.senders[scatters.into]),
        )
        .group_by("find", maintain_order=True)
        .agg(
            pl.col("middle").n_unique(),
            pl.col("start").min(),
            pl.col("end").max(),
            pl.col("source").first(),
        )
    )
    once = pairs.select("find", "into").unique(maintain_order=True)
    sent = pl.DataFrame({"find": once["find"], "minor": edges.sent[once["into"].to_numpy()]})
    sent = sent.group_by("find").agg(pl.col("minor").sum()).sort("find")
    windows = _windows(
        edges, told["find"].to_numpy(), told["start"], told["end"], told["source"].to_numpy(),
        intermediary_count=told["middle"], scattered_minor=sent["minor"],
    )  # fmt: skip
    subject = np.concatenate([which, which])
    payments = np.concatenate([scatters.into, scatters.onward])
    return Outcome(windows, _evidence(context, edges, subject, payments), _unjudged(context, edges))


SG_04 = Indicator(
    id="NW-SG-04",
    name="Scatter-gather",
    role="NET",
    weight="S",
    source=f"{AMLSIM}SAML-D",
    evidence="V1, V2, D",
    parameters=ScatterGather(),
    values=(
        Value("intermediary_count", "count", ">=", "min_intermediaries"),
        Value("scattered_minor", "money"),
    ),
    fact="{scattered} of one person reached one other by {intermediary_count} persons in between",
    caution="gifts within a family",
    find=find_scatter_gather,
    across=True,
)


# ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Cycle:
    """Parameters of NW-CYCLE-05."""

    max_payments: int = parameter(6, "longest cycle; D", stricter="lower", low=3, high=12)
    window_days: float = parameter(14.0, "first to last payment; D", stricter="lower", low=0.01)
    min_share: float = parameter(
        0.8, "of a payment that goes on; AMLSim keeps 0.1 a hop; D", stricter="higher", low=0.01, high=1
    )
    max_share: float = parameter(1.02, "of a payment that goes on; D", stricter="lower", low=1)
    min_amount: float = parameter(100.0, "units of currency; small change meets by chance; D", low=0)


def find_money_cycles(context: Context, p: Cycle) -> Outcome:
    """Money comes back to where it started by two or more others.

    3 to 6 payments one after the other within 14 days, each of 0.8 to 1.02 of the one before, the last one to
    the first payer, nobody else twice. Payments below 100 are not looked at. Two persons who pay each other
    are no cycle.
    """
    edges = payments_between_persons(context, p.min_amount)
    width = days(p.window_days)
    chains = followers(context, p.min_amount, width, p.min_share, p.max_share)
    cycles = find_cycles(
        edges, chains, span=width, longest=p.max_payments, threads=thread_count(context.threads)
    )
    if cycles.cut:
        context.note(
            f"NW-CYCLE-05 looks at {STEPS:,} payments for the cycles of one; {cycles.cut:,} searches "
            "ended there"
        )
    which = cycles.which
    group = _connected(which, cycles.payments, cycles.count, edges.instants.size)
    first, last = cycles.payments[cycles.offsets[:-1]], cycles.payments[cycles.offsets[1:] - 1]
    home = edges.senders[first]
    returned = np.where(
        edges.received[last] < 0, np.nan, edges.received[last] / np.maximum(edges.sent[first], 1)
    )
    windows = _windows(
        edges, group, edges.instants[first], edges.instants[last], home,
        payment_count=np.diff(cycles.offsets), sent_minor=edges.sent[first],
        returned_share=pl.Series(returned).fill_nan(None),
    )  # fmt: skip
    return Outcome(
        windows, _evidence(context, edges, group[which], cycles.payments), _unjudged(context, edges)
    )


CYCLE_05 = Indicator(
    id="NW-CYCLE-05",
    name="Money in a circle",
    role="NET",
    weight="M",
    source=f"{AMLSIM}AMLworld (patterns by number of hops)",
    evidence="V1, D",
    parameters=Cycle(),
    values=(
        Value("payment_count", "count", "<=", "max_payments"),
        Value("sent_minor", "money"),
        Value("returned_share", "share"),
    ),
    fact="{sent} came back after {payment_count} payments from person to person, {returned_share} of it",
    caution="repaid loans, shared households",
    find=find_money_cycles,
    across=True,
)


# ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Chain:
    """Parameters of NW-CHAIN-08."""

    min_payments: int = parameter(4, "hops; D", stricter="higher", low=2, high=30)
    hop_hours: float = parameter(48.0, "from a payment to the next; D", stricter="lower", low=0)
    min_share: float = parameter(0.85, "of a payment that goes on; D", stricter="higher", low=0.01, high=1)
    max_share: float = parameter(1.02, "of a payment that goes on; D", stricter="lower", low=1)
    min_amount: float = parameter(100.0, "units of currency; small change meets by chance; D", low=0)


def find_chains(context: Context, p: Chain) -> Outcome:
    """Money goes on from person to person, soon and nearly whole.

    4 or more payments one after the other, each at most 48 hours after the one before and of 0.85 to 1.02 of
    it. Payments below 100 are not looked at. Chains that share a payment, or of which two payments run from
    one person to the same other within 48 hours, are told together; their branches are as many as begin in
    payments of their own, or end so, whichever is more.
    """
    edges = payments_between_persons(context, p.min_amount)
    threads = thread_count(context.threads)
    chains = followers(context, p.min_amount, hours(p.hop_hours), p.min_share, p.max_share)
    longest = edges.instants.size + 1
    onward = chain_lengths(chains, longest, threads)
    before = chain_lengths(chains.reverse, longest, threads)
    inside = np.flatnonzero(onward + before - 1 >= p.min_payments)
    group = _bundles(edges, chains, inside, hours(p.hop_hours))
    told = (
        pl.DataFrame(
            {
                "subject": group[inside],
                "at": edges.instants[inside],
                "edge": inside,
                "payments": (onward + before - 1)[inside],
                "starts": (before == 1)[inside],
                "ends": (onward == 1)[inside],
            }
        )
        .group_by("subject")
        .agg(
            pl.col("at").min().alias("start"),
            pl.col("at").max().alias("end"),
            pl.col("payments").max(),
            pl.max_horizontal(pl.col("starts").sum(), pl.col("ends").sum()).alias("branches"),
            # The first payment of the earliest longest chain stands for the value.
            pl.col("edge")
            .sort_by("payments", "starts", "at", "edge", descending=[True, True, False, False])
            .first(),
        )
        .sort("subject")
    )
    first = told["edge"].to_numpy()
    windows = _windows(
        edges, told["subject"].to_numpy(), told["start"], told["end"], edges.senders[first],
        payment_count=told["payments"], branch_count=told["branches"], sent_minor=edges.sent[first],
    )  # fmt: skip
    rows = _evidence(context, edges, group[inside], inside)
    return Outcome(windows, rows, _unjudged(context, edges))


def _bundles(edges: Edges, chains: Followers, inside: Ints, near: int) -> Ints:
    """Payment -> number of the chains that run together, for the payments `inside` chains.

    Together run payments that pass each other on, and those of one pair at most `near` apart.
    """
    sources = np.repeat(np.arange(chains.edge_count), np.diff(chains.offsets))
    both = np.isin(sources, inside) & np.isin(chains.payments, inside)
    by_pair = inside[np.lexsort((edges.instants[inside], edges.receivers[inside], edges.senders[inside]))]
    one, next_one = by_pair[:-1], by_pair[1:]
    beside = (
        (edges.senders[one] == edges.senders[next_one])
        & (edges.receivers[one] == edges.receivers[next_one])
        & (edges.instants[next_one] - edges.instants[one] <= near)
    )
    ends = (
        np.concatenate([sources[both], one[beside]]),
        np.concatenate([chains.payments[both].astype(np.int64), next_one[beside]]),
    )
    links = coo_array((np.ones(ends[0].size, np.int8), ends), shape=(chains.edge_count,) * 2)
    _, group = connected_components(links, directed=False)
    return np.asarray(group, np.int64)


CHAIN_08 = Indicator(
    id="NW-CHAIN-08",
    name="Layering chain",
    role="NET",
    weight="M",
    source=f"{AMLSIM}public benchmark of motifs on SAML-D",
    evidence="V1, D",
    parameters=Chain(),
    values=(
        Value("payment_count", "count", ">=", "min_payments"),
        Value("branch_count", "count"),
        Value("sent_minor", "money"),
    ),
    fact="{sent} went on from person to person {payment_count} times, within {hop_hours} hours each; "
    "branches that run together: {branch_count}",
    caution="supply chains",
    find=find_chains,
    across=True,
    rows_shown=ROWS_SHOWN,
)

# ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Bipartite:
    """Parameters of NW-BIP-06."""

    min_payers: int = parameter(2, "sources; D", stricter="higher", low=2, high=MOST_PAYERS)
    min_payees: int = parameter(3, "sinks; D", stricter="higher", low=2)
    min_density: float = parameter(
        0.8, "of the pairs of payer and payee that pay; D", stricter="higher", low=LEAST_DENSITY, high=1
    )
    max_chance: float = parameter(
        0.001, "payers who would by chance share as many payees with one of them; D", stricter="lower", low=0
    )
    window_days: float = parameter(7.0, "D", low=0.01)
    new_days: float = parameter(90.0, NEW_DAYS, low=0)


@dataclass(frozen=True)
class Stack:
    """Parameters of NW-STACK-07."""

    min_payers: int = parameter(2, "of each block; D", stricter="higher", low=2, high=MOST_PAYERS)
    min_payees: int = parameter(3, "of each block; D", stricter="higher", low=2)
    min_density: float = parameter(
        0.8, "of the pairs of payer and payee that pay; D", stricter="higher", low=LEAST_DENSITY, high=1
    )
    max_chance: float = parameter(
        0.001, "payers who would by chance share as many payees with one of them; D", stricter="lower", low=0
    )
    layer_days: float = parameter(7.0, "for each block, 14 days for both; D", low=0.01)
    new_days: float = parameter(90.0, NEW_DAYS, low=0)


def _blocks(context: Context, p: Bipartite | Stack, name: str, width: float, after: float) -> Outcome:
    edges = payments_between_persons(context, 0.0)
    blocks = find_blocks(
        edges,
        width=days(width),
        after=days(after),
        new_within=days(p.new_days),
        payers=p.min_payers,
        payees=p.min_payees,
        density=p.min_density,
        chance=p.max_chance,
        threads=thread_count(context.threads),
    )
    if blocks.cut:
        context.note(
            f"{name} looks at {BLOCK_STEPS:,} payments for the blocks that end with one; {blocks.cut:,} "
            "searches ended there"
        )
    payer = edges.senders[blocks.ends]
    windows = _windows(
        edges, payer, blocks.starts, blocks.stops, payer,
        payer_count=blocks.payers, middle_count=blocks.middle, payee_count=blocks.payees,
        paying_share=blocks.present / (p.min_payers * p.min_payees),
    )  # fmt: skip
    rows = _evidence(context, edges, blocks.payer, blocks.payments)
    return Outcome(windows, rows, _unjudged(context, edges))


def find_bipartite(context: Context, p: Bipartite) -> Outcome:
    """Several persons newly pay the same several others.

    Within 7 days 2 or more payers and 3 or more payees, nobody in both, where 0.8 of the pairs of payer and
    payee pay, each at most 90 days after the first payment of the two. Each payer shares so many payees with
    the one who completes the block that by chance, everybody newly paying and being paid by as many as they
    are, at most 0.001 payers would. Blocks that one person's payments complete are told together.
    """
    return _blocks(context, p, "NW-BIP-06", p.window_days, 0)


def find_stack(context: Context, p: Stack) -> Outcome:
    """Several persons newly pay the same several others, some of whom then pay the same further ones.

    A block as in NW-BIP-06 within 7 days, and within 7 days after its last payment another one: its payers
    were paid in the first block, its payees did not pay there. What ends with one payment is taken together.
    """
    return _blocks(context, p, "NW-STACK-07", p.layer_days, p.layer_days)


BIP_06 = Indicator(
    id="NW-BIP-06",
    name="Bipartite payments",
    role="NET",
    weight="M",
    source=f"{AMLSIM}public benchmark of rules on SAML-D",
    evidence="V1, D",
    parameters=Bipartite(),
    values=(
        Value("payer_count", "count", ">=", "min_payers"),
        Value("payee_count", "count", ">=", "min_payees"),
        Value("paying_share", "share", ">=", "min_density"),
    ),
    fact="{payer_count} persons newly paid the same {payee_count} others within {window_days} days",
    caution="suppliers and the shops they deliver to, members of one club",
    find=find_bipartite,
    across=True,
    rows_shown=ROWS_SHOWN,
    measured="of 47 accounts found on a labelled set with such schemes (amlgentex_dev) 40 are part of some "
    "scheme, of 56 on another 10; on the six others nobody is found",
)

STACK_07 = Indicator(
    id="NW-STACK-07",
    name="Stacked bipartite payments",
    role="NET",
    weight="S",
    source=f"{AMLSIM}SAML-D",
    evidence="V1, V2, D",
    parameters=Stack(),
    values=(
        Value("payer_count", "count", ">=", "min_payers"),
        Value("middle_count", "count", ">=", "min_payers"),
        Value("payee_count", "count", ">=", "min_payees"),
        Value("paying_share", "share", ">=", "min_density"),
    ),
    fact="{payer_count} persons paid the same others, {middle_count} of whom then paid the same "
    "{payee_count}",
    caution="chains of distribution",
    find=find_stack,
    across=True,
    rows_shown=ROWS_SHOWN,
    measured="finds nobody on the labelled sets",
)


# ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class LayeredFan:
    """Parameters of NW-LFAN-09."""

    min_collectors: int = parameter(3, "persons in the middle; D", stricter="higher", low=2)
    min_fan: int = parameter(3, "other partners of each of them; D", stricter="higher", low=2)
    min_ratio: float = parameter(
        0.7, "out over in, of each in the middle; D", stricter="higher", low=0, high=1
    )
    max_ratio: float = parameter(1.05, "out over in, of each in the middle; D", stricter="lower", low=1)
    min_part: float = parameter(
        0.5, "of the one person's money in the window: more than its other affairs; D", stricter="higher",
        low=0, high=1,
    )  # fmt: skip
    window_days: float = parameter(7.0, "for each layer; D", low=0.01)
    new_days: float = parameter(90.0, NEW_DAYS, low=0)


def find_layered(context: Context, p: LayeredFan) -> Outcome:
    """Several persons collect from several new payers each and all pay one; or the same the other way round.

    Within 7 days 3 or more persons pay one, each of whom 3 or more others newly paid in the 7 days before its
    payment, and who passes on 0.7 to 1.05 of that; so comes 0.5 or more of what the one gets in these days.
    The other way round: a person pays 3 or more others within 7 days, 0.5 or more of what it pays, each of
    whom newly pays 3 or more others in the 7 days after, 0.7 to 1.05 of it.
    """
    edges = payments_between_persons(context, 0.0)
    windows, rows = [], []
    for side, told in enumerate(("reached one person from", "went from one person to")):
        fans: LayeredFans = find_layered_fans(
            edges,
            incoming=side == 0,
            width=days(p.window_days),
            new_within=days(p.new_days),
            fan=p.min_fan,
            least=p.min_collectors,
            low=p.min_ratio,
            high=p.max_ratio,
            part=p.min_part,
            threads=thread_count(context.threads),
        )
        root, start, end, middle, money = fans.windows
        windows.append(
            _windows(
                edges, 2 * root + side, start, end, root, collector_count=middle, moved_minor=money
            ).with_columns(part=pl.lit(told))
        )
        rows.append(_evidence(context, edges, 2 * fans.roots.astype(np.int64) + side, fans.payments))
    return Outcome(pl.concat(windows), pl.concat(rows), _unjudged(context, edges))


LFAN_09 = Indicator(
    id="NW-LFAN-09",
    name="Layered fan",
    role="NET",
    weight="S",
    source="SAML-D (Layered_Fan_In, Layered_Fan_Out)",
    evidence="V2, D",
    parameters=LayeredFan(),
    values=(Value("collector_count", "count", ">=", "min_collectors"), Value("moved_minor", "money")),
    fact="{moved} {part} {collector_count} others, each with {min_fan} or more new partners of their own "
    "within {window_days} days",
    caution="royalties of a franchise, federations of clubs",
    find=find_layered,
    across=True,
    enabled=False,  # rare, but no sign yet that whom it finds is more often part of a scheme than others
    rows_shown=ROWS_SHOWN,
    measured="of 68 accounts found on one labelled set 2 are part of a scheme, of 51 on another 6, hardly "
    "more than of all accounts there; none of these sets has layered fans",
)


# ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class SharedPayees:
    """Parameters of NW-COPAY-10."""

    min_shared: int = parameter(3, "payees that both pay; D", stricter="higher", low=2)
    max_payers: int = parameter(20, "of a payee that counts as rare; D", stricter="lower", low=2)
    window_days: float = parameter(60.0, "D", low=0.01)
    min_cosine: float = parameter(0.5, "of what the two pay; D", stricter="higher", low=0.01, high=1)


def find_shared_payees(context: Context, p: SharedPayees) -> Outcome:
    """Two persons pay the same few others, whom hardly anybody else pays.

    Within 60 days both pay 3 or more payees of 20 payers or fewer in the 60 days up to the last payment to
    them, and the cosine of all they pay (paid or not, rare payees weighing more) is 0.5 or more. Who pays the
    other is no pair with them.
    """
    edges = payments_between_persons(context, 0.0)
    width = days(p.window_days)
    found, cut = find_copayers(
        edges, width=width, least=p.min_shared, rare=p.max_payers, alike=p.min_cosine,
        threads=thread_count(context.threads),
    )  # fmt: skip
    if cut:
        context.note(
            f"NW-COPAY-10 looks at {SHARED_STEPS:,} payments for the co-payers of one; {cut:,} searches "
            "ended there"
        )
    edge, other, start, shared, cosine = found
    one = edges.senders[edge].astype(np.int64)
    pair = np.minimum(one, other) * edges.node_count + np.maximum(one, other)
    pairs, subject = np.unique(pair, return_inverse=True)
    windows = _windows(
        edges, subject, start, edges.instants[edge], edges.senders[edge],
        shared_count=shared, likeness=cosine / 1e6,
    )  # fmt: skip
    payments, whose = _of_both(edges, pairs)
    return Outcome(windows, _evidence(context, edges, whose, payments, "sender"), _unjudged(context, edges))


def _of_both(edges: Edges, pairs: Ints) -> tuple[Codes, Ints]:
    """Payments of the persons of each pair (coded in one number) to payees of both, and the pair's place."""
    parts: list[npt.NDArray[np.int64]] = []
    for place, (one, two) in enumerate(zip(*np.divmod(pairs, max(edges.node_count, 1)), strict=True)):
        runs = [np.arange(edges.out_offsets[node], edges.out_offsets[node + 1]) for node in (one, two)]
        both = np.intersect1d(edges.receivers[runs[0]], edges.receivers[runs[1]])
        parts.extend(
            np.stack([run[kept], np.full(int(kept.sum()), place)])
            for run in runs
            for kept in [np.isin(edges.receivers[run], both)]
        )
    told = np.concatenate([np.zeros((2, 0), np.int64), *parts], axis=1)
    return told[0].astype(np.uint32), told[1]


COPAY_10 = Indicator(
    id="NW-COPAY-10",
    name="Same rare payees",
    role="NET",
    weight="M",
    source="practice of entity resolution",
    evidence="M, D",
    parameters=SharedPayees(),
    values=(
        Value("shared_count", "count", ">=", "min_shared"),
        Value("likeness", "share", ">=", "min_cosine"),
    ),
    fact="two persons both paid the same {shared_count} others, each with at most {max_payers} payers, "
    "within {window_days} days",
    caution="flatmates, colleagues",
    find=find_shared_payees,
    across=True,
    rows_shown=ROWS_SHOWN,
)


# ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Ring:
    """Parameters of NW-RING-11."""

    min_members: int = parameter(3, "persons (catalogue)", stricter="higher", low=3)
    max_members: int = parameter(30, "persons (catalogue); more are a community", stricter="lower", low=3)
    window_days: float = parameter(30.0, "two windows begin in each; D", low=0.01)
    min_tie: float = parameter(0.1, "of the money of both that a pair exchanges; D", low=0.01, high=1)
    min_inside: float = parameter(
        0.7, "of each member's money moved among them; D", stricter="higher", low=0.01, high=1
    )
    min_passed: float = parameter(
        0.5, "of what a member gets from them that is passed on to them; D", stricter="higher", low=0, high=1
    )
    hop_days: float = parameter(
        7.0, "from a payment to the one that passes it on; D", stricter="lower", low=0
    )
    min_share: float = parameter(
        0.7, "of a payment that goes on; AMLSim keeps 0.1 a hop; D", stricter="higher", low=0.01, high=1
    )
    max_share: float = parameter(1.02, "of a payment that goes on; D", stricter="lower", low=1)
    min_amount: float = parameter(100.0, "units of currency; small change meets by chance; D", low=0)


def find_money_rings(context: Context, p: Ring) -> Outcome:
    """A few persons move most of their money among themselves and pass it round.

    In a window of 30 days (one begins every 15) two persons are tied where what they pay each other is 0.1 or
    more of the money of both. 3 to 30 persons hang together by such ties; each moves 0.7 or more of its money
    along them, pays some of the others and is paid by some; and of what a member gets from the others, 0.5 or
    more on average is passed on to others of them within 7 days, 0.7 to 1.02 of it. Payments below 100 are
    not looked at. Rings that share payments are told together.
    """
    edges = payments_between_persons(context, p.min_amount)
    passing = followers(context, p.min_amount, days(p.hop_days), p.min_share, p.max_share)
    rings = find_rings(
        edges, passing, width=days(p.window_days), tie=p.min_tie, inside=p.min_inside, passed=p.min_passed,
        least=p.min_members, most=p.max_members,
    )  # fmt: skip
    which = rings.which
    group = _connected(which, rings.payments, rings.count, edges.instants.size)
    at = edges.instants[rings.payments]
    begins = rings.offsets[:-1]
    windows = _windows(
        edges, group, np.minimum.reduceat(at, begins) if at.size else at,
        np.maximum.reduceat(at, begins) if at.size else at, edges.senders[rings.payments[begins]],
        member_count=rings.members, inside_share=rings.inside, passed_share=rings.passed,
        payment_count=np.diff(rings.offsets),
    )  # fmt: skip
    rows = pl.DataFrame({"subject": group[which], "payment": rings.payments}).unique(maintain_order=True)
    return Outcome(
        windows,
        _evidence(context, edges, rows["subject"].to_numpy(), rows["payment"].to_numpy()),
        _unjudged(context, edges),
    )


RING_11 = Indicator(
    id="NW-RING-11",
    name="Ring",
    role="NET",
    weight="W",
    source="public benchmark of communities on SAML-D",
    evidence="V1, D",
    parameters=Ring(),
    values=(
        Value("inside_share", "share", ">=", "min_inside"),
        Value("passed_share", "share", ">=", "min_passed"),
        Value("member_count", "count", "<=", "max_members"),
        Value("payment_count", "count"),
    ),
    fact="{member_count} persons moved {inside_share} or more of their money among themselves in "
    "{payment_count} payments, and {passed_share} of what each got there was passed on there",
    caution="families, clubs, shared households",
    find=find_money_rings,
    across=True,
    rows_shown=ROWS_SHOWN,
    measured="finds nobody on the labelled sets; in a public benchmark on SAML-D communities found none of "
    "its rings, whose members make 1 % of their payments to each other",
)

INDICATORS = (
    FANIN_01, FANOUT_02, GS_03, SG_04, CYCLE_05, BIP_06, STACK_07, CHAIN_08, LFAN_09, COPAY_10, RING_11,
)  # fmt: skip
