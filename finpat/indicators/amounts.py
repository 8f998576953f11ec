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
from finpat.indicators.context import IS_CREDIT, SMALLEST_PEER_GROUP, Context, days, hours
from finpat.indicators.structuring import EVIDENCE, binomial_tail, empty_windows
from finpat.indicators.windows import trailing, with_rows


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
    legs = context.legs(pl.col("channel") != "atm", "channel", "is_credit", "amount_minor")
    unit = context.minor_per_unit()
    is_large = pl.col("amount_minor") >= p.large_from * unit
    step = pl.when(is_large).then(p.large_round_to * unit).otherwise(p.round_to * unit)
    group = ["channel", "is_credit", "currency"]
    legs = legs.with_columns(is_round=pl.col("amount_minor") % step == 0)
    peers = legs.group_by(group).agg(peer_share=pl.col("is_round").mean(), peers=pl.col("account").n_unique())
    # Fewer round rows than this reach the probability nowhere, even if every row were round.
    least_share = float(
        peers.select(pl.col("peer_share").filter(pl.col("peer_share") > 0).min().fill_null(0.5)).item()
    )
    fewest = math.log(max(p.probability, 1e-300)) / math.log(min(least_share, 0.999_999))
    rounds = pl.col("is_round").sum().over("subject")
    busy = with_rows(legs, p.min_count).filter(rounds >= min(fewest, p.min_count))
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
    legs = context.legs(pl.col("amount_minor") > 0, "channel", "is_credit", "amount_minor")
    kind = pl.when("is_credit").then(pl.lit("credits")).otherwise(pl.lit("debits"))
    # The tenfold amount has the same leading digits, and always two of them.
    two = (pl.col("amount_minor").cast(pl.String) + "0").str.head(2).cast(pl.Int32)
    counts = (
        legs.group_by("channel", kind.alias("kind"), "currency", two.alias("two"))
        .agg(
            pl.len().alias("n"),
            pl.col("booked_at").min().alias("first"),
            pl.col("booked_at").max().alias("last"),
        )
        .with_columns(part=pl.format("{} {} in {}", pl.col("channel").cast(pl.String), "kind", "currency"))
    )
    records: list[dict[str, Any]] = []
    for part in counts["part"].unique().sort():
        group = counts.filter(pl.col("part") == part)
        told = digit_deviation(group["two"].to_numpy(), group["n"].to_numpy())
        first = told["first_deviation"] > p.max_first or told["chi_tail"] < p.probability
        if (told["row_count"] >= p.min_first and first) or (
            told["row_count"] >= p.min_two and told["two_deviation"] > p.max_two
        ):
            span = {"window_start": group["first"].min(), "window_end": group["last"].max()}
            records.append({"subject": len(records), "part": part, **span, **told})
    windows = pl.DataFrame(records) if records else empty_windows()
    return Outcome(windows, legs.select(EVIDENCE))


def digit_deviation(two: npt.NDArray[Any], counts: npt.NDArray[Any]) -> dict[str, float]:
    """Distance from Benford's law. two: first two digits (10..99); counts: rows with them."""
    rows = np.zeros(100)
    np.add.at(rows, two, counts)
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
        0.05, "how far the smallest may lie below the largest; D", stricter="lower", low=0.0001, high=0.9
    )
    window_hours: float = parameter(48.0, "hours; D", stricter="lower", low=0.1)


def find_coordinated(context: Context, p: CoordinatedRemittances) -> Outcome:
    """Several senders pay one beneficiary nearly the same amount at nearly the same time.

    Within 48 hours 4 or more senders, amounts within 5 % of each other, by transfer, P2P or wallet. Each held
    account among senders and beneficiary gets the finding. Receivers' names are not in the data, so
    beneficiaries who share a city and a surname cannot be brought together.
    """
    where = pl.col("channel").is_in(["transfer", "p2p", "wallet"]) & context.counterparty_known()
    legs = context.legs(where, "is_credit", "amount_minor", "counterparty", own=False)
    own = pl.Series("own", context.party_of_account[legs["account"].to_numpy()])
    legs = legs.with_columns(own).with_columns(
        sender=pl.when(IS_CREDIT).then("counterparty").otherwise("own"),
        beneficiary=pl.when(IS_CREDIT).then("own").otherwise("counterparty"),
    )
    legs = legs.with_columns(context.coded(pl.col("beneficiary")))
    legs = legs.filter(pl.col("sender").n_unique().over("subject") >= p.min_senders)
    # A transfer that two statements show is two rows alike in all but the account: it breaks the tie.
    payments = legs.unique(["row", "subject"], keep="first", maintain_order=True).sort(
        "subject", "booked_at", "amount_minor", "sender", "account", maintain_order=True
    )
    # Amounts within the tolerance of each other share a band of logarithms twice as wide, in one of two
    # shifted
    # rasters. That coarse test loses nothing, and leaves the exact one little to do.
    width = -2 * math.log(1 - p.tolerance)
    coarse = []
    for shift in (0.0, 0.5):
        band = (pl.col("amount_minor").log() / width + shift).floor().cast(pl.Int64)
        banded = payments.with_columns(band=band).sort("subject", "band", "booked_at", maintain_order=True)
        banded = banded.filter(pl.col("sender").n_unique().over("subject", "band") >= p.min_senders)
        dense = trailing(
            banded,
            hours(p.window_hours),
            pl.col("sender").n_unique().alias("senders"),
            by=("subject", "band"),
        )
        coarse.append(dense.filter(pl.col("senders") >= p.min_senders).select("subject", "window_end"))
    ends = pl.concat(coarse).unique().sort("subject", "window_end")
    candidates = payments.join(
        ends.select("subject").unique(), on="subject", how="semi", maintain_order="left"
    )
    windows, members = _similar_amounts(candidates, ends, p)
    rows = legs.drop("subject").join(members, on="row").select(EVIDENCE)
    return Outcome(windows, rows)


def _similar_amounts(
    payments: pl.DataFrame, ends: pl.DataFrame, p: CoordinatedRemittances
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Windows ending at `ends` with enough senders of similar amounts; and their payments (subject, row)."""
    found: list[dict[str, Any]] = []
    chosen: set[tuple[int, int]] = set()
    by_subject = {key[0]: group for key, group in payments.group_by("subject", maintain_order=True)}
    width = hours(p.window_hours)
    for (subject,), group in ends.group_by("subject", maintain_order=True):
        rows = by_subject[subject]
        at = rows["booked_at"].cast(pl.Int64).to_numpy()
        amount, sender, row = (
            rows["amount_minor"].to_numpy(),
            rows["sender"].to_numpy(),
            rows["row"].to_numpy(),
        )
        for end in group["window_end"].cast(pl.Int64).to_numpy():
            window = slice(
                np.searchsorted(at, end - width, side="right"), np.searchsorted(at, end, side="right")
            )
            best = _most_senders(amount[window], sender[window], p.tolerance)
            if best[0] < p.min_senders:
                continue
            picked = np.arange(window.start, window.stop)[best[1]]
            chosen.update((int(subject), int(row[index])) for index in picked)
            found.append(
                {
                    "subject": subject,
                    "window_start": int(at[picked].min()),
                    "window_end": int(at[picked].max()),
                    "sender_count": best[0],
                    "sum_minor": int(amount[picked].sum()),
                    "largest_minor": int(amount[picked].max()),
                    "currency": rows["currency"][0],
                }
            )
    if not found:
        return empty_windows(), pl.DataFrame(schema={"subject": pl.UInt64, "row": pl.UInt32})
    windows = pl.DataFrame(found).with_columns(pl.col("window_start", "window_end").cast(pl.Datetime("us")))
    members = pl.DataFrame(sorted(chosen), schema={"subject": pl.UInt64, "row": pl.UInt32}, orient="row")
    return windows.with_columns(pl.col("subject").cast(pl.UInt64)), members


def _most_senders(
    amount: npt.NDArray[Any], sender: npt.NDArray[Any], tolerance: float
) -> tuple[int, npt.NDArray[np.int64]]:
    """The most senders whose amounts are within the tolerance, and their payments."""
    order = np.argsort(amount, kind="stable")
    low = np.searchsorted(amount[order], amount[order] * (1 - tolerance), side="left")
    best, picked = 0, order[:0]
    for last in range(len(order)):
        if last + 1 - low[last] < best:
            continue
        inside = order[low[last] : last + 1]
        senders = len(np.unique(sender[inside]))
        if senders > best:
            best, picked = senders, inside
    return best, picked


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
        Value("sum_minor", "money"),
        Value("largest_minor", "money"),
    ),
    fact="{sender_count} senders paid one beneficiary amounts alike (the largest {largest}) within "
    "{window_hours} hours, "
    "{sum} in all",
    caution="collections for a feast or a gift",
    find=find_coordinated,
)
