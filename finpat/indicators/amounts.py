"""Structuring (ST) by amounts: roundness, leading digits, and equal amounts from several senders."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy import special  # type: ignore[import-untyped]

from finpat.indicators.base import Indicator, Outcome, Value, parameter
from finpat.indicators.context import NO_LEG, SMALLEST_PEER_GROUP, Context, days, hours
from finpat.indicators.screens import (
    Bools,
    alike,
    any_leg,
    channel_set,
    is_round_often,
    tally_digits,
    tally_round,
)
from finpat.indicators.structuring import EVIDENCE, binomial_tail, empty_windows
from finpat.indicators.windows import trailing, with_rows
from finpat.schemas import CHANNELS


@dataclass(frozen=True)
class RoundAmounts:
    """Parameters of ST-ROUND-12."""

    probability: float = parameter(
        0.001, "binomial tail against the channel; D", stricter="lower", low=0, high=1
    )
    min_count: int = parameter(20, "rows; D", stricter="higher", low=2)
    window_days: float = parameter(90.0, "a quarter; D", low=1)
    round_to: int = parameter(100, "units of currency; D", low=1)
    large_from: int = parameter(5_000, "units of currency from which large_round_to decides; D", low=1)
    large_round_to: int = parameter(1_000, "units of currency; D", low=1)


def find_round_amounts(context: Context, p: RoundAmounts) -> Outcome:
    """More round amounts than the same channels usually show.

    Of 20 or more rows in 90 days more are round (multiples of 100, from 5 000 on of 1 000) than the shares of
    their channels, directions and currencies among all accounts make likely: binomial tail below 0.001.
    Machines pay round amounts only, so rows of the channel atm never count.
    """
    legs, unit = context.arrays, context.minor_per_unit()
    kept = context.effective & ~channel_set("atm")[legs.channels]
    is_round, shares, accounts = tally_round(legs, kept, p.round_to, p.large_from, p.large_round_to)
    group = ["channel", "is_credit", "currency"]
    peers = context.by_group(peer_share=shares, peers=accounts)
    # Fewer round rows than this reach the probability nowhere, even if every row were round.
    least_share = float(shares[shares > 0].min(initial=1.0 if (shares > 0).any() else 0.5))
    fewest = math.log(max(p.probability, 1e-300)) / math.log(min(least_share, 0.999_999))

    def screen() -> Bools:
        where = (legs.credits.astype(np.uint8), legs.channels, legs.currencies)
        is_known = kept & (accounts[where] >= SMALLEST_PEER_GROUP)
        often = is_round_often(
            legs,
            is_round,
            shares,
            is_known,
            width=days(p.window_days),
            count=p.min_count,
            probability=p.probability,
            threads=context.threads,
        )
        return often | any_leg(legs, kept & ~is_known, p.min_count)

    columns = ("channel", "is_credit", "amount_minor")
    chosen = context.screened(screen)
    rows = context.legs(pl.col("channel") != "atm", *columns, accounts=chosen)
    is_large = pl.col("amount_minor") >= p.large_from * unit
    step = pl.when(is_large).then(p.large_round_to * unit).otherwise(p.round_to * unit)
    rows = rows.with_columns(is_round=pl.col("amount_minor") % step == 0)
    rounds = pl.col("is_round").sum().over("subject")
    busy = with_rows(rows, p.min_count).filter(rounds >= min(fewest, p.min_count))
    busy = busy.join(peers, on=group, how="left", maintain_order="left")
    few = pl.col("peers") < SMALLEST_PEER_GROUP
    small = busy.filter(few).group_by("account").len().filter(pl.col("len") >= p.min_count)
    judged = busy.filter(~few)
    at_round = (
        trailing(
            with_rows(judged, p.min_count),
            days(p.window_days),
            pl.len().alias("row_count"),
            pl.col("is_round").sum().alias("round_count"),
            pl.col("peer_share").mean(),
            pl.col("is_round").last().alias("ends_round"),
        )
        .filter(pl.col("row_count") >= p.min_count, "ends_round")
        .with_columns(round_share=pl.col("round_count") / pl.col("row_count"))
        .filter(pl.col("round_share") > pl.col("peer_share"))
    )
    tail = binomial_tail(
        at_round["round_count"].to_numpy(),
        at_round["row_count"].to_numpy(),
        at_round["peer_share"].to_numpy(),
    )
    windows = at_round.with_columns(chance=pl.Series(tail, dtype=pl.Float64)).filter(
        pl.col("chance") < p.probability
    )
    missing = pl.lit(f"peer group of {SMALLEST_PEER_GROUP} accounts")
    return Outcome(
        windows, judged.filter("is_round").select(EVIDENCE), small.select("account", missing_field=missing)
    )


ROUND_12 = Indicator(
    id="ST-ROUND-12",
    name="Excess of round amounts",
    role="NET",
    weight="W",
    source="FINTRAC ML/TF indicators for financial entities (rounded sums atypical for the client)",
    evidence="V1",
    parameters=RoundAmounts(),
    values=(
        Value("round_share", "share", ">", "peer_share"),
        Value("row_count", "count", ">=", "min_count"),
        Value("chance", "probability", "<", "probability"),
    ),
    fact="{round_share} of {row_count} amounts are round within {window_days} days, where "
    "{round_share_bound} is usual "
    "for these channels",
    caution="rent, savings plans and pocket money",
    find=find_round_amounts,
    uses_peers=True,
)


# ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class DigitLaw:
    """Parameters of ST-BENF-13."""

    max_first: float = parameter(0.015, "mean deviation of first digits (Nigrini)", stricter="higher", low=0)
    min_first: int = parameter(1_000, "simulated: chance exceeds it in 0.1 % here", stricter="higher", low=10)
    max_two: float = parameter(0.0022, "mean deviation of two digits (Nigrini)", stricter="higher", low=0)
    min_two: int = parameter(3_000, "simulated: 93 % false at 1 000", stricter="higher", low=10)
    probability: float = parameter(1e-6, "chi-squared tail of first digits", stricter="lower", low=0, high=1)


def find_digit_law(context: Context, p: DigitLaw) -> Outcome:
    """Leading digits of a whole portfolio that do not follow Benford's law.

    All amounts of one channel, direction and currency: first digits deviate by more than 0.015 on average or
    with a chi-squared tail below 1e-6 (1 000 rows or more), or first two digits by more than 0.0022 (3 000
    rows or more). A statement about the portfolio, never about an account.
    """
    counts = tally_digits(context.arrays, context.effective)
    records: list[dict[str, Any]] = []
    for side, channel, currency in np.argwhere(counts.sum(axis=-1) >= min(p.min_first, p.min_two)).tolist():
        told = digit_deviation(counts[side, channel, currency])
        first = told["first_deviation"] > p.max_first or told["chi_tail"] < p.probability
        if (told["row_count"] >= p.min_first and first) or (
            told["row_count"] >= p.min_two and told["two_deviation"] > p.max_two
        ):
            name, code = CHANNELS[channel], context.currencies[currency]
            part = f"{name} {('debits', 'credits')[side]} in {code}"
            where = (pl.col("channel") == name) & (pl.col("is_credit") == bool(side))
            whose = pl.col("currency") == code if len(context.currencies) > 1 else pl.lit(True)
            lies_in = where & whose & (pl.col("amount_minor") > 0)
            span = context.ledger.legs.lazy().filter(lies_in, pl.Series(context.effective))
            ends = span.select(window_start=pl.col("booked_at").min(), window_end=pl.col("booked_at").max())
            records.append(
                {"subject": len(records), "part": part, **ends.collect().row(0, named=True), **told}
            )
    windows = pl.DataFrame(records) if records else empty_windows()
    return Outcome(windows.sort("part") if records else windows, context.no_legs())


def digit_deviation(rows: npt.NDArray[np.int64]) -> dict[str, float]:
    """Distance from Benford's law. rows: by first two digits, 0..99 (none below 10)."""
    total = rows.sum()
    shares = rows[10:] / total
    law = np.log10(1 + 1 / np.arange(10, 100))
    first, first_law = shares.reshape(9, 10).sum(axis=1), law.reshape(9, 10).sum(axis=1)
    chi = total * float(((first - first_law) ** 2 / first_law).sum())
    return {
        "first_deviation": float(np.abs(first - first_law).mean()),
        "two_deviation": float(np.abs(shares - law).mean()),
        "chi_tail": float(special.gammaincc(4.0, chi / 2)),  # chi-squared, 8 degrees of freedom
        "row_count": int(total),
    }


BENF_13 = Indicator(
    id="ST-BENF-13",
    name="Digit-law deviation of the portfolio",
    role="NET",
    weight="W",
    source="Nigrini's conformity bounds (literature); limits distort digits (Winter et al.)",
    evidence="M, V1",
    parameters=DigitLaw(),
    values=(
        Value("first_deviation", "probability", ">", "max_first"),
        Value("two_deviation", "probability", ">", "max_two"),
        Value("chi_tail", "probability", "<", "probability"),
        Value("row_count", "count", ">=", "min_first"),
    ),
    fact="the leading digits of {row_count} amounts ({part}) do not follow Benford's law: mean deviation "
    "{first_deviation}, chi-squared tail {chi_tail}",
    caution="capped, priced or agreed amounts, which never follow it",
    find=find_digit_law,
    level="portfolio",
    uses_peers=True,
)


# ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class CoordinatedRemittances:
    """Parameters of ST-REMIT-14."""

    min_senders: int = parameter(4, "senders to one beneficiary; D", stricter="higher", low=2)
    tolerance: float = parameter(
        0.05, "how far the smallest may lie below the largest; D", low=0.0001, high=0.9
    )
    window_hours: float = parameter(48.0, "hours; D", low=0.1)
    max_chance: float = parameter(
        1e-6,
        "that so many amounts lie together by chance; chosen: the busiest have a million occasions",
        stricter="lower",
        low=0,
        high=1,
    )
    max_senders: int = parameter(
        500,
        "senders of one beneficiary in all, beyond which it is a merchant, utility or employer; D",
        low=2,
    )


def find_coordinated(context: Context, p: CoordinatedRemittances) -> Outcome:
    """Several senders pay one beneficiary nearly the same amount at nearly the same time.

    Within 48 hours 4 or more senders, amounts within 5 % of each other, by transfer, P2P or wallet, and more
    of them than chance puts there: the amounts from half to twice as much that the beneficiary received in
    those hours make so many likely with less than one in a million. Each held account among senders and
    beneficiary gets the finding. A beneficiary with more than 500 senders in all (a merchant, a utility, the
    outside world of a ledger) is left out. Receivers' names are not in the data, so beneficiaries who share a
    city and a surname cannot be brought together.
    """
    payments = _payments(context)
    # Networks are of people: a beneficiary whom everybody pays would make every window a crowd.
    many = pl.col("sender").n_unique() > p.max_senders
    hubs = payments.group_by("subject").agg(many).filter("sender")["subject"]
    payments = payments.filter(~pl.col("subject").is_in(hubs.implode()))
    key = payments["subject"].to_numpy()
    edges = np.append(np.flatnonzero(np.diff(key, prepend=-1)), len(key)).astype(np.int64)
    told, member = alike(
        edges,
        payments["booked_at"].cast(pl.Int64).to_numpy(),
        payments["amount_minor"].to_numpy(),
        payments["sender"].to_numpy(),
        width=hours(p.window_hours),
        tolerance=p.tolerance,
        least=p.min_senders,
        chance=p.max_chance,
        threads=context.threads,
    )
    ends = np.flatnonzero(told[:, 0])
    windows = payments[ends].select(
        "subject",
        "currency",
        window_end="booked_at",
        sender_count=pl.Series(told[ends, 0]),
        window_start=pl.Series(told[ends, 1]).cast(pl.Datetime("us")),
        largest_minor=pl.Series(told[ends, 2]),
        sum_minor=pl.Series(told[ends, 3]),
        nearby_count=pl.Series(told[ends, 4]),
    )
    chosen = payments.select("subject", "booked_at", "row").filter(pl.Series(member))
    owners = [
        chosen.with_columns(leg=pl.Series(legs[chosen["row"].to_numpy()])).filter(pl.col("leg") < NO_LEG)
        for legs in context.legs_of_rows
    ]
    rows = pl.concat(owners)
    return Outcome(
        windows,
        rows.with_columns(account=context.ledger.legs["account"].gather(rows["leg"])).select(EVIDENCE),
    )


def _payments(context: Context) -> pl.DataFrame:
    """Payments to known beneficiaries, each once, by beneficiary and time.

    Columns: subject (the beneficiary and the currency), booked_at, amount_minor, currency, sender (party),
    row.
    """
    legs = context.arrays
    party = legs.parties < len(context.ledger.parties)
    cash = context.ledger.parties.index_of("CASH")
    if cash is not None:
        party &= legs.parties != cash
    paid = context.moving & party & channel_set("transfer", "p2p", "wallet")[legs.channels]
    # A payment that two statements show is told by the beneficiary's.
    shown = np.zeros(context.legs_of_rows[0].size, np.bool_)
    row = context.ledger.legs["row"].to_numpy()
    shown[row[paid & legs.credits]] = True
    told = np.flatnonzero(paid & (legs.credits | ~shown[row]))
    columns = ["account", "booked_at", "amount_minor", "row", "is_credit", "counterparty"]
    if len(context.currencies) > 1:
        columns.append("currency")
    frame = context.ledger.legs.select(columns)[told]
    if len(context.currencies) <= 1:
        code = pl.Series("currency", context.currencies[:1] or [None], dtype=context.currency_type)
        frame = frame.with_columns(code.new_from_index(0, frame.height))
    own = pl.Series(context.party_of_account[frame["account"].to_numpy()])
    frame = frame.with_columns(
        sender=pl.when("is_credit").then("counterparty").otherwise(own),
        beneficiary=pl.when("is_credit").then(own).otherwise("counterparty"),
    )
    coded = context.coded(pl.col("beneficiary"))
    frame = frame.select(coded, "booked_at", "amount_minor", "currency", "sender", "row", "is_credit")
    if bool(frame["is_credit"].all()) and len(context.currencies) <= 1:
        return frame.drop("is_credit")  # the ledger's own order
    return frame.sort("subject", "booked_at", maintain_order=True).drop("is_credit")


REMIT_14 = Indicator(
    id="ST-REMIT-14",
    name="Coordinated small remittances",
    role="NET",
    weight="S",
    source="FINTRAC ML/TF indicators for financial entities (similar amounts to one receiver)",
    evidence="V1",
    parameters=CoordinatedRemittances(),
    values=(
        Value("sender_count", "count", ">=", "min_senders"),
        Value("nearby_count", "count"),
        Value("sum_minor", "money"),
        Value("largest_minor", "money"),
    ),
    fact="{sender_count} senders paid one beneficiary amounts alike (the largest {largest}) within "
    "{window_hours} hours, "
    "{sum} in all",
    caution="collections for a feast or a gift, savings clubs, dues of members",
    find=find_coordinated,
    across=True,
)


INDICATORS = (ROUND_12, BENF_13, REMIT_14)
