"""Structuring (ST): amounts kept below a threshold, sums split over pieces, places, people or instruments.

T is the legal threshold of a leg's own currency on its own date (thresholds.csv). Cash means the channels
cash and atm. Deposits and withdrawals are judged apart. Windows of cash rules belong to the person who holds
the accounts.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy import special  # type: ignore[import-untyped]

from finpat.indicators.base import Indicator, Outcome, Value, parameter
from finpat.indicators.context import (
    IS_CASH,
    IS_CREDIT,
    SMALLEST_PEER_GROUP,
    Context,
    days,
    hours,
)
from finpat.indicators.thresholds import Use
from finpat.indicators.windows import Timeline, trailing, with_rows

EVIDENCE = ("subject", "account", "booked_at", "row")
DEPOSITS = IS_CASH & IS_CREDIT
WITHDRAWALS = IS_CASH & ~IS_CREDIT
CASH_COLUMNS = ("channel", "is_credit", "amount_minor", "local_day")


def cash_legs(context: Context, where: pl.Expr, *columns: str, use: Use = "cash_report") -> pl.DataFrame:
    """Cash legs of persons, by currency, with their threshold."""
    return context.with_limit(context.legs(where, *CASH_COLUMNS, *columns, person=True), use)


def empty_windows(*values: str) -> pl.DataFrame:
    """No windows, with the columns an outcome needs."""
    names = ("subject", "window_start", "window_end", *values, "currency")
    return pl.DataFrame(schema=dict.fromkeys(names, pl.Null))


# ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Bunching:
    """Parameters of ST-BUNCH-06."""

    window_days: int = parameter(365, "one year of deposits shows both sides of T; D", low=1)
    floor_share: float = parameter(
        0.8, "the band below T starts at this share of T; simulated", low=0.1, high=0.99
    )
    above_share: float = parameter(1.25, "log-symmetric to the floor: 1 / 0.8", low=1.01)
    probability: float = parameter(
        0.001, "binomial tail; simulated: no legitimate depositor", stricter="lower", low=0, high=1
    )
    min_count: int = parameter(
        8, "fewer rows cannot reach the probability; simulated", stricter="higher", low=1
    )
    min_ratio: float = parameter(5.0, "below to above; simulated", stricter="higher", low=0)
    cap_accounts: int = parameter(
        10, "accounts that share the largest amount before it is a network's limit; D", low=2
    )


def bunching_windows(legs: pl.DataFrame, p: Bunching) -> pl.DataFrame:
    """Windows with far more rows just below T than just above. legs: of `cash_legs`, with is_cap."""
    amount, limit = pl.col("amount_minor"), pl.col("limit_minor")
    band = (
        legs.filter(
            limit.is_not_null(),
            ~pl.col("is_cap"),
            amount >= p.floor_share**2 * limit,
            amount < p.above_share * limit,
        )
        .with_columns(
            above=pl.col("is_reportable"),
            below=~pl.col("is_reportable") & (amount >= p.floor_share * limit),
        )
        .with_columns(further=~pl.col("above") & ~pl.col("below"))
    )
    band = band.filter(pl.col("below").sum().over("subject") >= max(1, math.ceil(p.min_ratio)))
    windows = trailing(
        band,
        days(p.window_days),
        pl.col("below").sum().alias("below_count"),
        pl.col("above").sum().alias("above_count"),
        pl.col("further").sum().alias("further_count"),
        pl.col("below").last().alias("ends_below"),
        pl.col("currency").first(),
        pl.col("limit_minor").last(),
    ).filter(
        pl.col("below_count") + pl.col("above_count") >= p.min_count,
        pl.col("below_count") >= p.min_ratio * pl.max_horizontal("above_count", 1),
    )
    below, above = windows["below_count"].to_numpy(), windows["above_count"].to_numpy()
    # With nobody above, a density that falls anyway may be the reason: continuing the fall from the band
    # further down
    # leaves below^2 / further expected above, and none of them with this probability.
    expected = below.astype(float) ** 2 / np.maximum(windows["further_count"].to_numpy(), 0.5)
    by_slope = np.where((above == 0) & (windows["further_count"].to_numpy() > 0), np.exp(-expected), 0.0)
    tail = np.maximum(binomial_tail(below, below + above, 0.5), by_slope)
    return windows.with_columns(probability=pl.Series(tail, dtype=pl.Float64)).filter(
        pl.col("probability") < p.probability
    )


def binomial_tail(
    at_least: npt.NDArray[Any], trials: npt.NDArray[Any], chance: float | npt.NDArray[Any]
) -> npt.NDArray[np.float64]:
    """P(X >= at_least) of a binomial variable."""
    successes = at_least.astype(float)
    tail = special.betainc(np.maximum(successes, 1), trials - np.maximum(successes, 1) + 1.0, chance)
    return np.where(successes <= 0, 1.0, tail).astype(np.float64)


def find_bunching(context: Context, p: Bunching) -> Outcome:
    """Cash deposits that crowd just below T.

    Over 365 days n in [0.8 T, T) is held against n in [T, 1.25 T): at least 8 rows, 5 times as many below as
    above, binomial tail below 0.001. Amounts equal to a machine's limit do not count.
    """
    legs = context.without_caps(cash_legs(context, DEPOSITS), p.cap_accounts)
    windows = bunching_windows(legs, p)
    near = legs.filter(
        ~pl.col("is_cap"),
        pl.col("amount_minor") >= p.floor_share * pl.col("limit_minor"),
        ~pl.col("is_reportable"),
    )
    return Outcome(windows, near.select(EVIDENCE), context.without_limit(legs, p.min_count))


BUNCH_06 = Indicator(
    id="ST-BUNCH-06",
    name="Bunching below the threshold",
    role="NET",
    weight="M",
    source="density-discontinuity test (statistics literature); defaults from a simulation of depositors",
    evidence="M, S",
    parameters=Bunching(),
    values=(
        Value("below_count", "count"),
        Value("above_count", "count"),
        Value("probability", "probability", "<", "probability"),
    ),
    fact="{below_count} cash deposits just below the reporting threshold against {above_count} just above "
    "it within "
    "{window_days} days, which chance gives with probability {probability}",
    caution="steady takings whose usual size happens to lie just below the threshold",
    find=find_bunching,
    uses_peers=True,  # limits of networks are learned from all accounts
    across=False,
)


# ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class JustBelow:
    """Parameters of ST-STRUCT-01."""

    floor_share: float = parameter(
        0.8,
        "just below starts at this share of T; practice uses 0.8 to 0.9; simulated",
        stricter="higher",
        low=0.1,
        high=0.99,
    )
    min_count: int = parameter(3, "two alone prove little; U", stricter="higher", low=2)
    window_days: float = parameter(7.0, "one week; D", stricter="lower", low=0.1)
    clear_days: int = parameter(
        365, "without bunching: no cash row of T or more in this time; D", stricter="higher", low=1
    )
    min_z: float = parameter(
        2.0, "without bunching: count against the person's own past; D", stricter="higher", low=0
    )
    history_days: int = parameter(180, "own past that the count is held against", low=14)
    min_history_weeks: int = parameter(
        4, "complete windows of own past before a baseline exists; D", stricter="higher", low=1
    )


def just_below_windows(
    context: Context, legs: pl.DataFrame, p: JustBelow, bunch: Bunching
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Windows of repeated amounts just below T, and their rows. legs: of `cash_legs`, one direction."""
    limit = pl.col("limit_minor")
    rows = legs.filter(limit.is_not_null())
    near = rows.filter(pl.col("amount_minor") >= p.floor_share * limit, ~pl.col("is_reportable"))
    windows = trailing(
        with_rows(near, p.min_count),
        days(p.window_days),
        pl.len().alias("near_count"),
        pl.col("amount_minor").sum().alias("near_sum_minor"),
        pl.col("currency").first(),
        limit.last(),
    ).filter(pl.col("near_count") >= p.min_count)
    if not windows.height:
        return windows, near
    subject = windows["subject"].to_numpy()
    end = windows["window_end"].cast(pl.Int64).to_numpy()
    reported = Timeline.of(rows.filter("is_reportable")).count(subject, end - days(p.clear_days), end)
    first = context.once("first_at", lambda: _first_by_person(context))
    first_at = near.select("subject", "account").unique("subject").join(first, on="account")
    begun = (
        windows.select("subject")
        .join(first_at, on="subject", how="left", maintain_order="left")["first_us"]
        .to_numpy()
    )
    z, complete = z_self_count(
        Timeline.of(near), subject, end, begun, days(p.window_days), days(p.history_days)
    )
    score = np.where(complete >= p.min_history_weeks, z, np.nan)
    crowded = bunching_windows(context.without_caps(legs, bunch.cap_accounts), bunch)
    bunched = crowded.select("subject", pl.col("window_end"), is_bunched=pl.lit(True)).unique()
    windows = windows.with_columns(
        reported_count=pl.Series(reported),
        z_self=pl.Series(score, nan_to_null=True),
        no_baseline=pl.Series(complete < p.min_history_weeks),
    ).join(bunched, on=["subject", "window_end"], how="left", maintain_order="left")
    return windows, near


def _first_by_person(context: Context) -> pl.DataFrame:
    """account, first_us: the first booking of the person who holds the account."""
    first = context.ledger.accounts["first_at"].cast(pl.Int64)
    frame = pl.DataFrame({"person": context.persons, "first_us": first}).with_row_index("account")
    return frame.select("account", pl.col("first_us").min().over("person"))


def z_self_count(
    timeline: Timeline,
    subject: npt.NDArray[Any],
    end: npt.NDArray[np.int64],
    begun: npt.NDArray[np.int64],
    width: int,
    past: int,
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """How unusual each window's count is for its subject, and how many complete earlier windows say so.

    (count - median) / max(1.4826 MAD, 1) over the windows of the same width before (end - width), as far back
    as `past` and not before the subject's first booking `begun`. NaN without one.
    """
    blocks = max(1, past // width)
    counts = np.full((len(end), blocks), np.nan)
    for block in range(blocks):
        until = end - width * (block + 1)
        known = until - width >= begun
        counts[known, block] = timeline.count(subject[known], until[known] - width, until[known])
    complete = np.sum(~np.isnan(counts), axis=1)
    center = np.full(len(end), np.nan)
    spread = np.full(len(end), np.nan)
    some = complete > 0
    center[some] = np.nanmedian(counts[some], axis=1)
    spread[some] = 1.4826 * np.nanmedian(np.abs(counts[some] - center[some, None]), axis=1)
    count = timeline.count(subject, end - width, end)
    return (count - center) / np.maximum(spread, 1.0), complete


def holding_windows(windows: pl.DataFrame, p: JustBelow) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The windows that hold, and those that only lack a baseline."""
    if not windows.height:
        return windows, windows
    clear = pl.col("reported_count") == 0
    holds = pl.col("is_bunched").fill_null(False) | (clear & (pl.col("z_self") >= p.min_z).fill_null(False))
    return windows.filter(holds), windows.filter(~holds, clear, pl.col("no_baseline"))


def without_baseline(open_windows: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """Accounts of windows that only lack a past to be held against."""
    if not open_windows.height:
        return pl.DataFrame(schema={"account": pl.UInt32, "missing_field": pl.String})
    return (
        open_windows.select("subject", "window_start", "window_end")
        .join(rows, on="subject")
        .filter(pl.col("booked_at").is_between("window_start", "window_end"))
        .select("account", missing_field=pl.lit("history before the window"))
        .unique()
    )


def find_just_below(context: Context, p: JustBelow) -> Outcome:
    """Repeated cash deposits just below T, where that is not how the person always banks.

    At least 3 cash deposits of one person in [0.8 T, T) within 7 days, and either ST-BUNCH-06 holds then, or
    the person had no cash deposit of T or more in 365 days and the count is 2 or more spreads above the own
    past.
    """
    legs = cash_legs(context, DEPOSITS)
    windows, near = just_below_windows(context, legs, p, context.find_parameters("ST-BUNCH-06"))
    holds, open_windows = holding_windows(windows, p)
    unjudged = pl.concat([context.without_limit(legs, p.min_count), without_baseline(open_windows, near)])
    return Outcome(holds, near.select(EVIDENCE), unjudged)


STRUCT_01 = Indicator(
    id="ST-STRUCT-01",
    name="Repeated just below the threshold",
    role="NET",
    weight="M",
    source="FFIEC BSA/AML Manual, Appendix G; FINTRAC ML/TF indicators for financial entities (structuring)",
    evidence="V1",
    parameters=JustBelow(),
    values=(
        Value("near_count", "count", ">=", "min_count"),
        Value("near_sum_minor", "money"),
        Value("limit_minor", "money"),
        Value("reported_count", "count"),
        Value("z_self", "score", ">=", "min_z"),
    ),
    fact="{near_count} cash deposits just below the threshold of {limit} within {window_days} days, "
    "{near_sum} in all",
    caution="cash retail whose takings lie on both sides of the threshold",
    find=find_just_below,
    uses_peers=True,  # through the limits of networks that ST-BUNCH-06 leaves out
    across=False,
)


# ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class LegalWindow:
    """Parameters of ST-STRUCT-02."""

    min_count: int = parameter(
        3,
        "2 tests the duty to report, 3 is worth a look (two tills of one shop); D",
        stricter="higher",
        low=2,
    )
    linked_hours: float = parameter(24.0, "where the law says `linked` without a period; D", low=1)


def legal_windows(legs: pl.DataFrame, p: LegalWindow) -> pl.DataFrame:
    """Windows of the law in which pieces that are each below T cross it together. legs: of `cash_legs`."""
    rows = legs.filter(pl.col("limit_minor").is_not_null())
    values = [
        pl.len().alias("piece_count"),
        pl.col("amount_minor").sum().alias("piece_sum_minor"),
        pl.col("amount_minor").max().alias("largest_minor"),
        pl.col("limit_minor").last(),
        pl.col("reportable_from_minor").last(),
        pl.col("currency").first(),
    ]
    parts = []
    for law in ("business_day", "calendar_month"):
        day = pl.from_epoch("local_day", time_unit="d")
        # A deposit of a weekend counts as received on the next business day (31 CFR 1010.313).
        weekend = pl.max_horizontal(day.dt.weekday() - 5, 0)
        period = (
            pl.col("local_day") + pl.when(weekend > 0).then(3 - weekend).otherwise(0)
            if law == "business_day"
            else day.dt.truncate("1mo").dt.epoch("d")
        )
        parts.append(
            rows.filter(pl.col("legal_window") == law)
            .group_by("subject", period.cast(pl.Int32).alias("period"))
            .agg(*values, window_start=pl.col("booked_at").min(), window_end=pl.col("booked_at").max())
            .drop("period")
        )
    for law, width in (("rolling_24h", hours(24)), ("linked", hours(p.linked_hours))):
        chosen = with_rows(rows.filter(pl.col("legal_window") == law), p.min_count)
        parts.append(trailing(chosen, width, *values))
    windows = pl.concat(parts, how="diagonal_relaxed")
    return windows.filter(
        pl.col("piece_count") >= p.min_count,
        pl.col("piece_sum_minor") >= pl.col("reportable_from_minor"),
        pl.col("largest_minor") < pl.col("reportable_from_minor"),
    )


def find_legal_window(context: Context, p: LegalWindow) -> Outcome:
    """Cash deposits that cross T only together, in the window that the law sums over.

    Cash deposits of one person cross T together in the window the law sums over (business day, 24 consecutive
    hours, calendar month, linked), by the law's operator, while each alone does not; 3 or more pieces. Where
    the law takes each transaction on its own, nothing is summed.
    """
    legs = cash_legs(context, DEPOSITS)
    return Outcome(legal_windows(legs, p), legs.select(EVIDENCE), context.without_limit(legs, p.min_count))


STRUCT_02 = Indicator(
    id="ST-STRUCT-02",
    name="Threshold crossed in pieces in the legal window",
    role="NET",
    weight="M",
    source="31 CFR 1010.313; FINTRAC 24-hour rule",
    evidence="V2, V1",
    parameters=LegalWindow(),
    values=(
        Value("piece_count", "count", ">=", "min_count"),
        Value("piece_sum_minor", "money", ">=", "reportable_from_minor"),
        Value("largest_minor", "money", "<", "reportable_from_minor"),
    ),
    fact="{piece_count} cash deposits of {piece_sum} together, none above {largest}, in one legal window "
    "with the "
    "threshold {piece_sum_bound}",
    caution="two tills of one shop",
    find=find_legal_window,
)


# ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class SlowStructuring:
    """Parameters of ST-STRUCT-03."""

    window_days: float = parameter(30.0, "one month; D", low=1)
    min_multiple: float = parameter(2.0, "sum in multiples of T; D", stricter="higher", low=0)
    min_count: int = parameter(5, "pieces; D", stricter="higher", low=2)
    min_z_peer: float = parameter(
        3.0, "cash businesses deposit as much: held against peers; D", stricter="higher", low=0
    )


def slow_sums(legs: pl.DataFrame, p: SlowStructuring) -> pl.DataFrame:
    """What cash of persons sums to in every window. legs: of `cash_legs`, one direction."""
    return trailing(
        legs.filter(pl.col("limit_minor").is_not_null()),
        days(p.window_days),
        pl.len().alias("piece_count"),
        pl.col("amount_minor").sum().alias("piece_sum_minor"),
        pl.col("is_reportable").any().alias("has_reportable"),
        pl.col("local_day").n_unique().alias("day_count"),
        pl.col("limit_minor").last(),
        pl.col("currency").first(),
        pl.col("account").last(),
    )


def slow_windows(
    context: Context, legs: pl.DataFrame, where: pl.Expr, p: SlowStructuring
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Windows of many small pieces that sum to a multiple of T; accounts with too few peers.

    legs: of `cash_legs`, of the direction `where`.
    """

    def highest(part: Context) -> pl.DataFrame:
        sums = slow_sums(cash_legs(part, where), p)
        return sums.group_by("account", "currency").agg(x=pl.col("piece_sum_minor").max())

    def spread() -> pl.DataFrame:
        return context.peer_spread(context.over_slices(("highest", str(where), p.window_days), highest))

    peers = context.whole.once(("slow peers", str(where), p.window_days), spread)
    windows = slow_sums(legs, p)
    held = (
        windows.filter(
            ~pl.col("has_reportable"),
            pl.col("piece_count") >= p.min_count,
            pl.col("day_count") >= p.min_count - 1,
            pl.col("piece_sum_minor") >= p.min_multiple * pl.col("limit_minor"),
        )
        .join(context.peer_groups(), on="account", how="left")
        .join(peers, on=["peer_group", "currency"], how="left")
    )
    small = held.filter(pl.col("peers") < SMALLEST_PEER_GROUP)
    held = (
        held.filter(pl.col("peers") >= SMALLEST_PEER_GROUP)
        .with_columns(
            z_peer=(pl.col("piece_sum_minor") - pl.col("peer_median"))
            / pl.max_horizontal("peer_spread", context.minor_per_unit()),
            bound_minor=(p.min_multiple * pl.col("limit_minor")).round().cast(pl.Int64),
        )
        .filter(pl.col("z_peer") >= p.min_z_peer)
    )
    missing = f"peer group of {SMALLEST_PEER_GROUP} accounts"
    return held, small.select("account", missing_field=pl.lit(missing)).unique()


def find_slow(context: Context, p: SlowStructuring) -> Outcome:
    """Many cash deposits below T that sum to a multiple of T within a month.

    In 30 days 5 or more cash deposits of one person, none reaching T, on at least 4 local dates, sum to 2 T
    or more, and the sum lies 3 or more spreads above what peers who bank cash reach at their highest.
    """
    legs = cash_legs(context, DEPOSITS)
    windows, small = slow_windows(context, legs, DEPOSITS, p)
    return Outcome(
        windows, legs.select(EVIDENCE), pl.concat([context.without_limit(legs, p.min_count), small])
    )


STRUCT_03 = Indicator(
    id="ST-STRUCT-03",
    name="Slow structuring",
    role="NET",
    weight="M",
    source="FFIEC BSA/AML Manual, Appendix G; 31 CFR 1010.100(xx)",
    evidence="V1",
    parameters=SlowStructuring(),
    values=(
        Value("piece_sum_minor", "money", ">=", "bound_minor"),
        Value("piece_count", "count", ">=", "min_count"),
        Value("day_count", "days"),
        Value("z_peer", "score", ">=", "min_z_peer"),
    ),
    fact="{piece_count} cash deposits below the threshold on {day_count} days within {window_days} days, "
    "{piece_sum} in all, "
    "{z_peer} spreads above peers",
    caution="businesses that bank cash",
    find=find_slow,
    uses_peers=True,
    across=False,
)


# ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class BranchHopping:
    """Parameters of ST-STRUCT-04."""

    min_branches: int = parameter(3, "branches or terminals in 24 hours; D", stricter="higher", low=2)
    part_share: float = parameter(0.6, "of T on one day, when repeated; D", stricter="higher", low=0, high=1)
    min_days: int = parameter(3, "days with that part of T; D", stricter="higher", low=1)
    window_days: float = parameter(14.0, "the days lie within; D", stricter="lower", low=1)


def find_branch_hopping(context: Context, p: BranchHopping) -> Outcome:
    """Cash deposits at several branches or machines in a day.

    Cash deposits of one person at 3 or more branches or terminals within 24 hours that sum to T; or at as
    many on one local date summing to 0.6 T, on 3 or more dates within 14 days.
    """
    known = cash_legs(context, DEPOSITS, "branch_id")
    legs = known.filter(pl.col("branch_id").is_not_null(), pl.col("limit_minor").is_not_null())
    values = [
        pl.col("branch_id").n_unique().alias("branch_count"),
        pl.col("amount_minor").sum().alias("sum_minor"),
        pl.col("limit_minor").last(),
        pl.col("reportable_from_minor").last(),
        pl.col("currency").first(),
    ]
    at_once = (
        trailing(with_rows(legs, p.min_branches), hours(24), *values)
        .filter(
            pl.col("branch_count") >= p.min_branches, pl.col("sum_minor") >= pl.col("reportable_from_minor")
        )
        .with_columns(day_count=pl.lit(1, pl.UInt32))
    )
    daily = (
        legs.group_by("subject", "local_day")
        .agg(*values, booked_at=pl.col("booked_at").max(), day_start=pl.col("booked_at").min())
        .filter(
            pl.col("branch_count") >= p.min_branches,
            pl.col("sum_minor") >= p.part_share * pl.col("limit_minor"),
        )
        .sort("subject", "booked_at")
    )
    # Days, not instants: the first and the last day of the window may lie up to its length apart, less one.
    on_days = (
        daily.with_columns(day=pl.col("local_day").cast(pl.Int64))
        .rolling("day", period=f"{math.ceil(p.window_days)}i", group_by="subject")
        .agg(
            pl.len().alias("day_count"),
            pl.col("branch_count").max(),
            pl.col("sum_minor").sum(),
            pl.col("limit_minor").last(),
            pl.col("currency").first(),
            window_start=pl.col("day_start").first(),
            window_end=pl.col("booked_at").last(),
        )
        .filter(pl.col("day_count") >= p.min_days)
    )
    windows = pl.concat([at_once, on_days], how="diagonal_relaxed").drop("day", strict=False)
    return Outcome(windows, legs.select(EVIDENCE), context.without_limit(known, p.min_branches))


STRUCT_04 = Indicator(
    id="ST-STRUCT-04",
    name="Branch or machine hopping",
    role="NET",
    weight="S",
    source="FINTRAC ML/TF indicators for financial entities (multiple branches); FINTRAC Project Protect "
    "indicators, "
    "patterns",
    evidence="V1",
    parameters=BranchHopping(),
    values=(
        Value("branch_count", "count", ">=", "min_branches"),
        Value("sum_minor", "money"),
        Value("limit_minor", "money"),
        Value("day_count", "days"),
    ),
    fact="cash deposits at {branch_count} branches or machines within a day on {day_count} days, {sum} in "
    "all against a "
    "threshold of {limit}",
    caution="the cashier of a business with several sites",
    find=find_branch_hopping,
    needs=("branch_id",),
)


# ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Smurfs:
    """Parameters of ST-STRUCT-05."""

    min_depositors: int = parameter(3, "people who pay in; D", stricter="higher", low=2)
    window_days: float = parameter(3.0, "days; D", low=0.1)


def find_smurfs(context: Context, p: Smurfs) -> Outcome:
    """Several people pay cash into the accounts of one person.

    Within 3 days 3 or more people pay cash into accounts of one person, each amount below T, together T or
    more. The person at the counter is conductor_id; where the source has none, the payer named as
    counterparty of the deposit.
    """
    conductor = ("conductor_id",) if context.has("conductor_id") else ()
    all_legs = cash_legs(context, DEPOSITS, "counterparty", *conductor)
    named = pl.when(context.counterparty_known()).then(pl.format("party {}", "counterparty"))
    who = pl.coalesce(pl.col("conductor_id").cast(pl.String), named) if conductor else named
    legs = all_legs.with_columns(depositor=who).filter(~pl.col("is_reportable"))
    known = legs.filter(pl.col("depositor").is_not_null())
    values = [
        pl.col("depositor").n_unique().alias("depositor_count"),
        pl.len().alias("deposit_count"),
        pl.col("amount_minor").sum().alias("sum_minor"),
        pl.col("limit_minor").last(),
        pl.col("reportable_from_minor").last(),
        pl.col("currency").first(),
    ]
    enough = pl.col("sum_minor") >= pl.col("reportable_from_minor")
    windows = trailing(with_rows(known, p.min_depositors), days(p.window_days), *values).filter(
        pl.col("depositor_count") >= p.min_depositors, enough
    )
    unnamed = legs.filter(pl.col("depositor").is_null())
    open_windows = trailing(with_rows(unnamed, p.min_depositors), days(p.window_days), *values).filter(
        pl.col("deposit_count") >= p.min_depositors, enough
    )
    lacking = without_baseline(open_windows, unnamed).with_columns(missing_field=pl.lit("conductor_id"))
    return Outcome(
        windows,
        known.select(EVIDENCE),
        pl.concat([context.without_limit(all_legs, p.min_depositors), lacking]),
    )


STRUCT_05 = Indicator(
    id="ST-STRUCT-05",
    name="Several depositors into one account",
    role="NET",
    weight="S",
    source="FINTRAC ML/TF indicators for financial entities (several people acting together); SAML-D "
    "typology Smurfing",
    evidence="V1, V2",
    parameters=Smurfs(),
    values=(
        Value("depositor_count", "count", ">=", "min_depositors"),
        Value("deposit_count", "count"),
        Value("sum_minor", "money", ">=", "reportable_from_minor"),
    ),
    fact="{depositor_count} people paid in cash in {deposit_count} deposits within {window_days} days, "
    "{sum} in all, each "
    "below the threshold",
    caution="rent collectors and congregations",
    find=find_smurfs,
)


INDICATORS = (STRUCT_01, STRUCT_02, STRUCT_03, STRUCT_04, STRUCT_05, BUNCH_06)
