"""Velocity (VE): money that passes through, accounts that wake up or change, and where and when money moves.

Amounts are in the account's currency; legs without a rate to it are left out. Transfers between accounts of
one holder move nothing and are left out. Passing on is judged first in, first out: every outflow is allocated
once.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from finpat.features.base import UNKNOWN_MINOR
from finpat.indicators.base import Indicator, Outcome, Value, parameter
from finpat.indicators.context import (
    CASH_CHANNELS,
    IS_CREDIT,
    SMALLEST_PEER_GROUP,
    Context,
    days,
    hours,
)
from finpat.indicators.screens import (
    Bools,
    busy_days,
    channel_set,
    has_gap,
    in_bursts,
    jumps,
    mirrors,
    mix_breaks,
    passes_on,
    peak_inflow,
)
from finpat.indicators.structuring import DEPOSITS, EVIDENCE, WITHDRAWALS
from finpat.indicators.windows import allocate, mirror, mirror_bound, trailing, usual_word, with_rows
from finpat.money import decimals_of
from finpat.schemas import CHANNELS

PEERS_MISSING = f"peer group of {SMALLEST_PEER_GROUP} accounts"
IN_MINOR = pl.when(IS_CREDIT).then("moved_minor").otherwise(0)
OUT_MINOR = pl.when(IS_CREDIT).then(0).otherwise("moved_minor")
SENDING = ("transfer", "p2p", "wallet")
EVERY_CHANNEL = channel_set(*CHANNELS)


def moving_legs(
    context: Context, *columns: str, where: pl.Expr | None = None, accounts: Bools | None = None
) -> pl.DataFrame:
    """Legs of accounts with `is_credit` and `moved_minor` (account currency), without own transfers."""
    known = pl.col("account_minor").is_not_null()
    condition = known if where is None else known & where
    legs = context.legs(
        condition, "is_credit", "account_minor", "counterparty", *columns, own=False, accounts=accounts
    )
    return legs.rename({"account_minor": "moved_minor"})


def moved(context: Context) -> Bools:
    """Per leg: whether it is one of `moving_legs`."""
    kept: Bools = context.moving & (context.arrays.amounts != UNKNOWN_MINOR)
    return kept


def legs_within(
    context: Context, kept: Bools, first: npt.NDArray[np.int64], last: npt.NDArray[np.int64]
) -> pl.DataFrame:
    """Evidence of windows given by the positions of their first and last legs: the kept ones in any."""
    size = len(kept)
    covered = np.bincount(first, minlength=size)[:size] - np.bincount(last + 1, minlength=size + 1)[:size]
    inside = np.flatnonzero(kept & (np.cumsum(covered) > 0))
    legs = context.ledger.legs.select("account", "booked_at", "row")[inside]
    return legs.with_columns(subject="account").select(EVIDENCE)


def both_ways(legs: pl.DataFrame, least: int) -> pl.DataFrame:
    """The legs of subjects that have `least` credits and at least one debit."""
    inflows = IS_CREDIT.cast(pl.UInt32).sum().over("subject")
    return legs.filter(inflows >= least, pl.len().over("subject") > inflows)


def account_units(context: Context, frame: pl.DataFrame) -> pl.DataFrame:
    """`frame` (with account) plus `account_currency` and `unit_minor`, minor units in one unit of it."""
    codes = context.accounts.select("account", account_currency=pl.col("currency").cast(pl.String))
    units = {code: 10 ** decimals_of(code) for code in codes["account_currency"].unique()}
    codes = codes.with_columns(
        unit_minor=pl.col("account_currency").replace_strict(units, return_dtype=pl.Int64)
    )
    return frame.join(codes, on="account", how="left", maintain_order="left")


def passed_on(legs: pl.DataFrame, horizon_us: int, share: float, into: pl.Expr, out: pl.Expr) -> pl.DataFrame:
    """Legs in the order of allocation, with what each debit passes on of inflows at most `horizon_us` older.

    into, out: which credits and debits count; allocation is over all of them, so that no outflow serves
    twice. Adds passed_minor, completed (inflows of which `share` has left with this debit) and dwell_us (mean
    over the money of this debit), null for legs that pass nothing on.
    """
    ordered, pieces = allocate(legs, horizon_us)
    kinds = ordered.select(
        "leg",
        "booked_at",
        inflow_minor="moved_minor",
        goes_in=into.fill_null(False),
        goes_out=out.fill_null(False),
    )
    pieces = (
        pieces.join(kinds.select("leg", "inflow_minor", "goes_in"), left_on="in_leg", right_on="leg")
        .join(kinds.select("leg", "goes_out"), left_on="out_leg", right_on="leg")
        .filter("goes_in", "goes_out")
        .sort("in_leg", "out_leg")
        .with_columns(gone=pl.col("piece_minor").cum_sum().over("in_leg"))
        .with_columns(
            completes=(pl.col("gone") >= share * pl.col("inflow_minor"))
            & (pl.col("gone") - pl.col("piece_minor") < share * pl.col("inflow_minor"))
        )
    )
    by_debit = pieces.group_by("out_leg").agg(
        passed_minor=pl.col("piece_minor").sum(),
        completed=pl.col("completes").sum(),
        dwell_us=(pl.col("piece_minor") * pl.col("dwell_us").cast(pl.Float64)).sum()
        / pl.col("piece_minor").sum(),
    )
    used = pl.concat([pieces["in_leg"], pieces["out_leg"]]).unique()
    return ordered.join(
        by_debit, left_on="leg", right_on="out_leg", how="left", maintain_order="left"
    ).with_columns(is_used=pl.col("leg").is_in(used.implode()))


# ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class PassThrough:
    """Parameters of VE-PASS-01."""

    window_days: float = parameter(7.0, "one week; D", low=0.1)
    min_ratio: float = parameter(
        0.9, "smaller over larger of in and out; D", stricter="higher", low=0, high=1
    )
    max_dwell_hours: float = parameter(48.0, "median time money stays; D", stricter="lower", low=0)
    min_cycles: int = parameter(3, "inflows passed on; D", stricter="higher", low=1)
    cycle_share: float = parameter(
        0.5,
        "of an inflow that has to leave before it counts as passed on; D",
        stricter="higher",
        low=0.01,
        high=1,
    )
    min_in: float = parameter(1_000.0, "units of currency; D", stricter="higher", low=0)
    peer_quantile: float = parameter(0.75, "of peers' highest inflow; D", stricter="higher", low=0, high=1)


def needed_inflow(context: Context, p: PassThrough) -> pl.DataFrame:
    """Accounts of the whole data whose highest inflow is enough: account, peers, needed_minor."""

    def highest(part: Context) -> pl.DataFrame:
        peak = peak_inflow(part.arrays, moved(part), days(p.window_days), part.threads)
        return pl.DataFrame({"x": peak}).with_row_index("account").filter(pl.col("x") >= 0)

    def hold() -> pl.DataFrame:
        known = context.over_slices(("highest week", p.window_days), highest)
        key = ["peer_group", "account_currency"]
        groups = known.join(context.whole.peer_groups(), on="account", maintain_order="left")
        groups = account_units(context.whole, groups).with_columns(
            peers=pl.len().over(key),
            needed_minor=pl.max_horizontal(
                pl.col("x").quantile(p.peer_quantile, "linear").over(key), p.min_in * pl.col("unit_minor")
            )
            .ceil()
            .cast(pl.Int64),
        )
        return groups.filter(pl.col("x") >= pl.col("needed_minor")).select("account", "peers", "needed_minor")

    needed: pl.DataFrame = context.whole.once(("needed inflow", p), hold)
    return needed


def pass_through_windows(context: Context, p: PassThrough) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Windows of VE-PASS-01, the legs they are drawn from, and accounts whose peer group is too small."""
    width = days(p.window_days)
    kept = moved(context)
    able = context.here(needed_inflow(context, p))
    needed = np.full(context.ledger.account_count, -1, np.int64)
    needed[able["account"].to_numpy()] = able["needed_minor"].to_numpy()
    chosen = context.screened(
        lambda: passes_on(
            context.arrays,
            kept,
            EVERY_CHANNEL,
            EVERY_CHANNEL,
            horizon=hours(p.max_dwell_hours),
            share=p.cycle_share,
            width=width,
            count=p.min_cycles,
            needed=needed,
            ratio=p.min_ratio,
            threads=context.threads,
        )
    )
    everything = moving_legs(context, accounts=needed >= 0 if chosen is None else chosen)
    legs = both_ways(everything.join(able, on="account", maintain_order="left"), 1)
    sums = trailing(
        legs,
        width,
        IN_MINOR.sum().alias("in_minor"),
        OUT_MINOR.sum().alias("out_minor"),
        pl.col("needed_minor").first(),
    )
    ratio = pl.min_horizontal("in_minor", "out_minor") / pl.max_horizontal("in_minor", "out_minor")
    balanced = sums.filter(pl.col("in_minor") >= pl.col("needed_minor"), ratio >= p.min_ratio)
    legs = legs.join(balanced.select("subject").unique(), on="subject", how="semi", maintain_order="left")
    told = passed_on(legs, width, p.cycle_share, pl.lit(True), pl.lit(True))
    soon = passed_on(legs, hours(p.max_dwell_hours), p.cycle_share, pl.lit(True), pl.lit(True))
    told = told.with_columns(soon["completed"])
    windows = (
        trailing(
            told,
            width,
            IN_MINOR.sum().alias("in_minor"),
            OUT_MINOR.sum().alias("out_minor"),
            pl.col("completed").sum().alias("cycle_count"),
            pl.col("dwell_us").median().alias("dwell_us"),
            pl.col("needed_minor").first(),
            pl.col("peers").first(),
            pl.col("account").first(),
        )
        .with_columns(ratio=ratio, dwell_hours=pl.col("dwell_us") / hours(1))
        .filter(
            pl.col("in_minor") >= pl.col("needed_minor"),
            pl.col("ratio") >= p.min_ratio,
            pl.col("cycle_count") >= p.min_cycles,
            pl.col("dwell_hours") <= p.max_dwell_hours,
        )
    )
    small = windows.filter(pl.col("peers") < SMALLEST_PEER_GROUP).select(
        "account", missing_field=pl.lit(PEERS_MISSING)
    )
    return windows.filter(pl.col("peers") >= SMALLEST_PEER_GROUP), told.select(EVIDENCE), small.unique()


def _text(width_us: int) -> str:
    return f"{width_us}us"


def find_pass_through(context: Context, p: PassThrough) -> Outcome:
    """What comes in leaves again within days, again and again.

    In 7 days inflow reaches max(1 000, the upper quartile of peers' highest week), in and out differ by at
    most 10 %, money stays 48 hours or less (median over outflows, first in first out), and 3 or more inflows
    were passed on by half or more in that time.
    """
    return Outcome(*context.once(("pass", p), lambda: pass_through_windows(context, p)))


PASS_01 = Indicator(
    id="VE-PASS-01",
    name="Pass-through account",
    role="NET",
    weight="M",
    source="FINTRAC ML/TF indicators for financial entities (pass-through)",
    evidence="V1, D",
    parameters=PassThrough(),
    values=(
        Value("cycle_count", "count", ">=", "min_cycles"),
        Value("in_minor", "money", ">=", "needed_minor"),
        Value("out_minor", "money"),
        Value("ratio", "share", ">=", "min_ratio"),
        Value("dwell_hours", "hours", "<=", "max_dwell_hours"),
    ),
    fact="{in} came in and {out} left within {window_days} days, {cycle_count} inflows passed on after a "
    "median of "
    "{dwell_hours} hours",
    caution="wages in, rent out; alone it found almost nothing in a published test of rules on SAML-D",
    find=find_pass_through,
    uses_peers=True,
    across=False,
)


# ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class FastCashOut:
    """Parameters of VE-LAT-02."""

    within_hours: float = parameter(2.0, "inflow to cash; D", low=0)
    min_share: float = parameter(0.7, "of the inflow's value; D", stricter="higher", low=0.01, high=1)
    min_count: int = parameter(4, "inflows so cashed; D", stricter="higher", low=1)
    window_days: float = parameter(30.0, "one month; D", low=0.1)


def find_fast_cash_out(context: Context, p: FastCashOut) -> Outcome:
    """Money is drawn in cash within hours of coming in.

    In 30 days 0.7 of the value that came in was drawn in cash within 2 hours, first in first out, and 4 or
    more inflows lost that share so. Legs without a time of day cannot show hours and are left out.
    """
    chosen = None
    if bool(context.arrays.timed.all()):  # else accounts without times have to be named
        chosen = context.screened(
            lambda: passes_on(
                context.arrays,
                moved(context),
                EVERY_CHANNEL,
                channel_set(*CASH_CHANNELS),
                horizon=hours(p.within_hours),
                share=p.min_share,
                width=days(p.window_days),
                count=p.min_count,
                threads=context.threads,
            )
        )
    legs = moving_legs(context, "channel", "has_time", accounts=chosen)
    is_cash_out = ~IS_CREDIT & pl.col("channel").is_in(CASH_CHANNELS)
    legs = legs.filter(is_cash_out.sum().over("subject") > 0)
    dated = both_ways(legs.filter(~pl.col("has_time")), p.min_count)
    timed = both_ways(legs.filter("has_time"), p.min_count)
    told = passed_on(timed, hours(p.within_hours), p.min_share, pl.lit(True), is_cash_out)
    windows = (
        trailing(
            told,
            days(p.window_days),
            IN_MINOR.sum().alias("in_minor"),
            pl.col("passed_minor").sum().alias("cashed_minor"),
            pl.col("completed").sum().alias("cashed_count"),
        )
        .with_columns(cashed_share=pl.col("cashed_minor") / pl.col("in_minor"))
        .filter(pl.col("cashed_count") >= p.min_count, pl.col("cashed_share") >= p.min_share)
    )
    lacking = dated.select("account", missing_field=pl.lit("time")).unique()
    return Outcome(windows, told.filter("is_used").select(EVIDENCE), lacking)


LAT_02 = Indicator(
    id="VE-LAT-02",
    name="Fast cash-out",
    role="PV/NET",
    weight="M",
    source="FINTRAC Project Protect indicators (deposits followed by withdrawals)",
    evidence="V1, D",
    parameters=FastCashOut(),
    values=(
        Value("cashed_count", "count", ">=", "min_count"),
        Value("cashed_share", "share", ">=", "min_share"),
        Value("cashed_minor", "money"),
    ),
    fact="{cashed_share} of what came in within {window_days} days was drawn in cash within "
    "{within_hours} hours, "
    "{cashed_count} inflows, {cashed} in all",
    caution="people who live on cash",
    find=find_fast_cash_out,
    needs=("time",),
)


# ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class CountVelocity:
    """Parameters of VE-SPIKE-03."""

    min_hour: int = parameter(5, "rows in an hour; vendor practice, M", stricter="higher", low=2)
    min_day: int = parameter(10, "rows in 24 hours; U", stricter="higher", low=2)
    own_quantile: float = parameter(
        0.99, "of the account's own daily counts; D", stricter="higher", low=0, high=1
    )
    past_days: int = parameter(180, "own past, the last 24 hours excluded", low=2)


def find_count_velocity(context: Context, p: CountVelocity) -> Outcome:
    """Many payments in an hour or a day.

    5 or more rows within an hour; or within 24 hours 10 or more, and at least the 99th percentile of the
    account's own counts of 24 hours over the 180 days before. The hour needs the time of day.
    """
    legs, kept = context.arrays, context.moving
    timed = kept & legs.timed
    frames, spots = [], []
    for rows, width, least, past in ((timed, 1, p.min_hour, 0), (kept, 24, p.min_day, days(p.past_days))):
        back, needed = busy_days(
            legs,
            rows,
            width=hours(width),
            count=least,
            past=past,
            quantile=p.own_quantile,
            threads=context.threads,
        )
        last = np.flatnonzero(back)
        first = last - back[last] + 1
        running = np.concatenate([[0], np.cumsum(rows)])
        frames.append(
            pl.DataFrame(
                {
                    "subject": context.ledger.legs["account"].gather(last),
                    "window_start": context.ledger.legs["booked_at"].gather(first),
                    "window_end": context.ledger.legs["booked_at"].gather(last),
                    "row_count": pl.Series(running[last + 1] - running[first], dtype=pl.UInt32),
                    "window_hours": pl.repeat(width, len(last), eager=True),
                    "needed": pl.Series(needed[last], dtype=pl.Float64),
                }
            )
        )
        spots.append((first, last))
    first, last = (np.concatenate(ends) for ends in zip(*spots, strict=True))
    return Outcome(pl.concat(frames), legs_within(context, kept, first, last))


SPIKE_03 = Indicator(
    id="VE-SPIKE-03",
    name="Count velocity",
    role="NET",
    weight="W",
    source="common vendor rule",
    evidence="M, U",
    parameters=CountVelocity(),
    values=(Value("row_count", "count", ">=", "needed"), Value("window_hours", "hours")),
    fact="{row_count} payments within {window_hours} hours",
    caution="payments posted in batches",
    find=find_count_velocity,
    rows_shown=10,
)


# ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class BaselineJump:
    """Parameters of VE-AMT-04."""

    min_z: float = parameter(4.0, "spreads above the own median week; D", stricter="higher", low=0)
    min_ratio: float = parameter(3.0, "times the own median week; D", stricter="higher", low=0)
    min_weeks: int = parameter(8, "active weeks of history; D", stricter="higher", low=2)
    past_days: int = parameter(180, "own past", low=28)
    past_peak_ratio: float = parameter(
        1.5,
        "times the largest 7 days of the own past: with monthly pay every fourth week jumps over the median "
        "week; chosen",
        stricter="higher",
        low=0,
    )


WEEK_US = days(7)


def weekly_sums(legs: pl.DataFrame) -> pl.DataFrame:
    """subject, week (since 1970-01-01, seven days each), week_minor: weeks with bookings only, sorted."""
    return (
        legs.group_by("subject", week=pl.col("booked_at").cast(pl.Int64) // WEEK_US)
        .agg(week_minor=pl.col("moved_minor").sum())
        .sort("subject", "week")
    )


def find_baseline_jump(context: Context, p: BaselineJump) -> Outcome:
    """A week of turnover far above the account's own past.

    The sum of 7 days (in and out) lies 4 or more spreads above the median of the own active weeks that had
    ended before the window, up to 180 days back, and is 3 or more times that median; at least 8 such weeks.
    It is also 1.5 or more times the largest 7 days of the 180 days that end with the last booking before the
    window: what recurs every month is no jump.
    """
    codes = account_units(context, context.accounts.select("account"))
    spots, told = jumps(
        context.arrays,
        moved(context),
        codes["unit_minor"].to_numpy(),
        spreads=p.min_z,
        times=p.min_ratio,
        peak_times=p.past_peak_ratio,
        weeks=p.min_weeks,
        past_days=p.past_days,
        threads=context.threads,
    )
    first, last = spots[:, 0], spots[:, 1]
    legs = context.ledger.legs
    windows = pl.DataFrame(
        {
            "subject": legs["account"].gather(last),
            "window_start": legs["booked_at"].gather(first),
            "window_end": legs["booked_at"].gather(last),
            "sum_minor": spots[:, 2],
            "z_self": told[:, 0],
            "median_minor": told[:, 1],
            "week_count": told[:, 2].astype(np.int64),
            "past_ratio": told[:, 3],
            "needed_minor": p.min_ratio * told[:, 1],
        }
    )
    return Outcome(windows, legs_within(context, moved(context), first, last))


AMT_04 = Indicator(
    id="VE-AMT-04",
    name="Jump above the own baseline",
    role="NET",
    weight="W",
    source="FINTRAC ML/TF indicators for financial entities (change of activity); SAML-D typology "
    "Behavioural_Change",
    evidence="V1",
    parameters=BaselineJump(),
    values=(
        Value("z_self", "score", ">=", "min_z"),
        Value("sum_minor", "money", ">=", "needed_minor"),
        Value("past_ratio", "ratio", ">=", "past_peak_ratio"),
        Value("median_minor", "money"),
        Value("week_count", "count", ">=", "min_weeks"),
    ),
    fact="{sum} moved within 7 days, where {median} is the median of {week_count} weeks before",
    caution="buying a house, a bonus",
    find=find_baseline_jump,
)


# ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Dormancy:
    """Parameters of VE-DORM-05."""

    gap_days: float = parameter(180.0, "no booking by the customer; practice uses 3, 6, 12 months", low=14)
    window_days: float = parameter(14.0, "after waking; D", stricter="lower", low=0.1)
    min_count: int = parameter(5, "rows in the window; D", stricter="higher", low=1)
    min_ratio: float = parameter(5.0, "times the median active week; D", stricter="higher", low=0)
    weeks: int = parameter(12, "last active weeks before the gap; D", low=1)


def find_dormant(context: Context, p: Dormancy) -> Outcome:
    """An account sleeps for months, then moves a lot.

    180 days or more without a booking of the customer's own making, then within 14 days 5 or more rows that
    sum to 5 times the median of the last 12 active weeks. Fees, and credits of the channel `other` from
    nobody (interest), do not end the sleep.
    """
    passive = (pl.col("channel") == "fee") | (
        IS_CREDIT & (pl.col("channel") == "other") & ~context.counterparty_known()
    )
    chosen = None
    if context.screening:
        quiet = context.ledger.legs.select(passive.fill_null(False)).to_series().to_numpy()
        kept = moved(context) & ~quiet
        chosen = has_gap(context.arrays, kept, days(p.gap_days), context.threads)
    legs = moving_legs(context, "channel", where=~passive, accounts=chosen)
    slept = pl.col("booked_at").diff().over("subject") >= pl.duration(microseconds=days(p.gap_days))
    legs = legs.with_columns(wakes=slept.fill_null(False))
    sleepers = legs.filter(pl.col("wakes").any().over("subject")).with_columns(
        waking=pl.col("wakes").cast(pl.UInt32).cum_sum().over("subject")
    )
    awake = sleepers.with_columns(
        waking_at=pl.col("booked_at").min().over("subject", "waking"),
        slept_days=pl.col("booked_at").diff().over("subject").dt.total_microseconds() / days(1),
    ).with_columns(slept_days=pl.col("slept_days").first().over("subject", "waking"))
    weeks = (
        weekly_sums(sleepers)
        .join(awake.filter("wakes").select("subject", "waking", "waking_at"), on="subject")
        .filter(pl.col("week") * WEEK_US < pl.col("waking_at").cast(pl.Int64) - days(p.gap_days))
        .sort("subject", "waking", "week", descending=[False, False, True])
        .group_by("subject", "waking", maintain_order=True)
        .agg(median_minor=pl.col("week_minor").head(p.weeks).median())
    )
    windows = (
        awake.filter(
            pl.col("waking") > 0,
            (pl.col("booked_at") - pl.col("waking_at")).dt.total_microseconds() < days(p.window_days),
        )
        .group_by("subject", "waking")
        .agg(
            row_count=pl.len(),
            sum_minor=pl.col("moved_minor").sum(),
            slept_days=pl.col("slept_days").first(),
            window_start=pl.col("waking_at").first(),
            window_end=pl.col("booked_at").max(),
        )
        .join(weeks, on=["subject", "waking"])
        .with_columns(needed_minor=p.min_ratio * pl.col("median_minor"))
        .filter(pl.col("row_count") >= p.min_count, pl.col("sum_minor") >= pl.col("needed_minor"))
    )
    return Outcome(windows, sleepers.select(EVIDENCE))


DORM_05 = Indicator(
    id="VE-DORM-05",
    name="Dormant, then active",
    role="NET",
    weight="M",
    source="FINTRAC ML/TF indicators for financial entities (inactive account begins to see activity)",
    evidence="V1, D",
    parameters=Dormancy(),
    values=(
        Value("sum_minor", "money", ">=", "needed_minor"),
        Value("row_count", "count", ">=", "min_count"),
        Value("slept_days", "days", ">=", "gap_days"),
        Value("median_minor", "money"),
    ),
    fact="after {slept_days} days without a booking {row_count} payments of {sum} within {window_days} "
    "days, where {median} was the "
    "median active week",
    caution="seasonal accounts",
    find=find_dormant,
)


# ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class NewAccount:
    """Parameters of VE-NEW-06."""

    max_age_days: int = parameter(60, "age of a new account; D", stricter="lower", low=1)
    peer_quantile: float = parameter(0.95, "of new accounts' inflow; D", stricter="higher", low=0, high=1)


def find_new_account(context: Context, p: NewAccount) -> Outcome:
    """A new account receives more than new accounts do, and passes it on.

    VE-PASS-01 holds while the account is at most 60 days old, and its inflow up to that age reaches the 95th
    percentile of the inflow of accounts that were new during the data, in the same currency.
    """
    windows, rows, small = context.once(
        ("pass", context.find_parameters("VE-PASS-01")),
        lambda: pass_through_windows(context, context.find_parameters("VE-PASS-01")),
    )
    opened, new = _opened(context, p)
    bounds = context.whole.once(("new accounts", p), lambda: _new_account_bounds(context, p))
    inflow = _new_inflow(context, p)
    age = pl.duration(days=p.max_age_days)
    young = (
        windows.join(new, on="account")
        .filter(pl.col("window_end") <= pl.col("opened_at") + age)
        .drop("needed_minor")
        .join(bounds, on="account_currency")
        .sort("account", "window_end")
        .join_asof(
            inflow.select("account", "new_minor", "booked_at"),
            left_on="window_end",
            right_on="booked_at",
            by="account",
            strategy="backward",
            check_sortedness=False,
        )
        .with_columns(age_days=(pl.col("window_end") - pl.col("opened_at")).dt.total_days())
        .filter(pl.col("new_minor") >= pl.col("needed_minor"))
    )
    few = young.filter(pl.col("new_peers") < SMALLEST_PEER_GROUP).select(
        "account", missing_field=pl.lit("30 new accounts as peers")
    )
    unknown = (
        opened.filter(pl.col("opened_on").is_null())
        .join(windows.select("account").unique(), on="account")
        .select("account", missing_field=pl.lit("opened_on"))
    )
    return Outcome(
        young.filter(pl.col("new_peers") >= SMALLEST_PEER_GROUP),
        rows,
        pl.concat([few, unknown, small]).unique(),
    )


def _opened(context: Context, p: NewAccount) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Accounts with the day they were opened; and those whose day is known, with the instant."""
    opened = account_units(context, context.accounts.select("account", "opened_on"))
    at = pl.col("opened_on").cast(pl.Datetime("us"))
    return opened, opened.filter(pl.col("opened_on").is_not_null()).with_columns(opened_at=at)


def _new_inflow(context: Context, p: NewAccount) -> pl.DataFrame:
    """Credits of accounts that were new during the data, while they were, and new_minor, their sum so far."""
    first = context.whole.ledger.accounts["first_at"].min()
    age = pl.duration(days=p.max_age_days)
    _, new = _opened(context, p)
    new = new.filter(pl.col("opened_at") >= pl.lit(first) - age)
    is_new = np.zeros(context.ledger.account_count, np.bool_)
    is_new[new["account"].to_numpy()] = True
    return (
        moving_legs(context, where=IS_CREDIT, accounts=is_new)
        .join(new, on="account")
        .filter(pl.col("booked_at") <= pl.col("opened_at") + age)
        .sort("account", "booked_at")
        .with_columns(new_minor=pl.col("moved_minor").cum_sum().over("account"))
    )


def _new_account_bounds(context: Context, p: NewAccount) -> pl.DataFrame:
    """By currency: how many new accounts there are, and the inflow that few of them reach."""
    totals = context.over_slices(
        ("new inflow", p),
        lambda part: (
            _new_inflow(part, p).group_by("account", "account_currency").agg(x=pl.col("moved_minor").sum())
        ),
    )
    return totals.group_by("account_currency").agg(
        new_peers=pl.len(), needed_minor=pl.col("x").quantile(p.peer_quantile, "linear").ceil().cast(pl.Int64)
    )


NEW_06 = Indicator(
    id="VE-NEW-06",
    name="New-account burst",
    role="PV/NET",
    weight="M",
    source="practice against money mules",
    evidence="M, D",
    parameters=NewAccount(),
    values=(
        Value("new_minor", "money", ">=", "needed_minor"),
        Value("age_days", "days", "<=", "max_age_days"),
        Value("cycle_count", "count"),
    ),
    fact="{new} came into an account {age_days} days old, and {cycle_count} inflows were passed on",
    caution="people who move house or change banks",
    find=find_new_account,
    needs=("opened_on",),
    uses_peers=True,
    across=False,
)


# ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Funnel:
    """Parameters of VE-FUNNEL-07."""

    min_cities: int = parameter(3, "cities of deposit other than home; D", stricter="higher", low=1)
    window_days: float = parameter(14.0, "days; D", low=0.1)
    min_share: float = parameter(
        0.7, "of the deposits drawn in another city; D", stricter="higher", low=0.01, high=1
    )
    within_hours: float = parameter(48.0, "little time elapsing; D", low=0)
    max_cities: int = parameter(
        50, "cities of deposit beyond which it is a national business, which is not judged; chosen", low=1
    )
    home_days: int = parameter(180, "home is the city of most card payments in this time", low=1)
    home_rows: int = parameter(10, "card payments before a home is known", low=1)


def find_funnel(context: Context, p: Funnel) -> Outcome:
    """Cash comes in in many cities and is drawn in another one soon after.

    In 14 days cash deposits, each below T, in 3 or more cities other than the holder's, of which 0.7 is drawn
    in cash in another city than that of the deposit within 48 hours (first in first out). Home is the city of
    most card payments of the 180 days before (10 or more); where it is unknown, one city more is asked for,
    since one of them may be home. More than 50 cities in 14 days are a national business and left out.
    """
    legs = moving_legs(context, "channel", "city", "amount_minor", where=DEPOSITS | WITHDRAWALS)
    legs = context.with_limit(legs, "cash_report")
    unlimited = context.without_limit(
        legs.filter(IS_CREDIT, pl.col("city").n_unique().over("subject") >= p.min_cities), p.min_cities
    )
    legs = legs.filter(~(IS_CREDIT & pl.col("is_reportable").fill_null(True)))
    cities = pl.when(IS_CREDIT).then("city").drop_nulls().n_unique().over("subject")
    legs = both_ways(legs.filter(cities >= p.min_cities), p.min_cities)
    ordered, pieces = allocate(legs, hours(p.within_hours))
    place = ordered.select("leg", "city")
    apart = (
        pieces.join(place, left_on="in_leg", right_on="leg")
        .join(place, left_on="out_leg", right_on="leg", suffix="_out")
        .filter(pl.col("city") != pl.col("city_out"))
        .group_by("out_leg")
        .agg(passed_minor=pl.col("piece_minor").sum())
    )
    told = ordered.join(apart, left_on="leg", right_on="out_leg", how="left", maintain_order="left")
    windows = (
        trailing(
            told,
            days(p.window_days),
            # One more than the most that is judged: whole lists of a busy account would fill the memory.
            pl.col("city").filter(IS_CREDIT).drop_nulls().unique().head(p.max_cities + 1).alias("cities"),
            IN_MINOR.sum().alias("in_minor"),
            pl.col("passed_minor").sum().alias("drawn_minor"),
            pl.col("account").first(),
        )
        .filter(pl.col("cities").list.len().is_between(p.min_cities, p.max_cities))
        .with_columns(drawn_share=pl.col("drawn_minor") / pl.col("in_minor"))
        .filter(pl.col("drawn_share") >= p.min_share)
        # The last of a day stands for it: a finding is told once a day.
        .unique(["subject", pl.col("window_end").dt.date()], keep="last", maintain_order=True)
    )
    windows = _with_home(context, windows, p).with_columns(
        city_count=pl.when(pl.col("home").is_null())
        .then(pl.col("cities").list.len().cast(pl.Int64) - 1)
        .otherwise(
            pl.col("cities").list.len().cast(pl.Int64)
            - pl.col("cities").list.contains(pl.col("home")).cast(pl.Int64)
        )
    )
    return Outcome(windows.filter(pl.col("city_count") >= p.min_cities), told.select(EVIDENCE), unlimited)


def _with_home(context: Context, windows: pl.DataFrame, p: Funnel) -> pl.DataFrame:
    """`windows` with `home`, the city of most card payments before each window's end; null if too few."""
    cards = context.legs((pl.col("channel") == "card") & pl.col("city").is_not_null(), "city")
    cards = cards.join(windows.select("subject").unique(), on="subject", how="semi")
    asked = windows.select("subject", booked_at="window_end")
    home = usual_word(cards, "city", asked, days(p.home_days), p.home_rows)
    return windows.with_columns(home.alias("home"), pl.col("cities").cast(pl.List(pl.String)))


FUNNEL_07 = Indicator(
    id="VE-FUNNEL-07",
    name="Funnel account",
    role="PC/NET",
    weight="S",
    source="FinCEN FIN-2020-A008, typology 3 (as defined in FIN-2014-A005)",
    evidence="V1, D",
    parameters=Funnel(),
    values=(
        Value("city_count", "count", ">=", "min_cities"),
        Value("drawn_share", "share", ">=", "min_share"),
        Value("in_minor", "money"),
        Value("drawn_minor", "money"),
    ),
    fact="cash of {in} came in in {city_count} cities away from home within {window_days} days, and "
    "{drawn_share} of it was drawn in another "
    "city within {within_hours} hours",
    caution="businesses that work nationwide",
    find=find_funnel,
    needs=("city",),
)


# ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class MirrorAmounts:
    """Parameters of VE-MIRROR-08."""

    margin: float = parameter(
        0.12, "kept back per payment; generators keep 10 %", stricter="lower", low=0, high=0.9
    )
    within_hours: float = parameter(24.0, "inflow to outflow; D", stricter="lower", low=0)
    min_count: int = parameter(4, "pairs; D", stricter="higher", low=1)
    window_days: float = parameter(30.0, "one month; D", low=0.1)


def find_mirror_amounts(context: Context, p: MirrorAmounts) -> Outcome:
    """Inflows are followed by outflows of nearly the same amount to somebody else.

    In 30 days 4 or more pairs: an outflow to another party that is equal to an earlier inflow or up to 12 %
    smaller, at most 24 hours after it.
    Each payment belongs to one pair; both parties have to be known.
    """
    keep = mirror_bound(p.margin)

    def screen() -> Bools:
        known = context.ledger.legs.select(context.counterparty_known()).to_series().to_numpy()
        return mirrors(
            context.arrays,
            moved(context) & known,
            horizon=hours(p.within_hours),
            keep=keep,
            width=days(p.window_days),
            count=p.min_count,
            threads=context.threads,
        )

    chosen = context.screened(screen)
    legs = both_ways(moving_legs(context, where=context.counterparty_known(), accounts=chosen), p.min_count)
    outflows = (~IS_CREDIT).cast(pl.UInt32).sum().over("subject")
    ordered, source = mirror(legs.filter(outflows >= p.min_count), hours(p.within_hours), keep)
    paired = np.flatnonzero(source >= 0)
    inflows = ordered["booked_at"].gather(source[paired])
    pairs = ordered[paired].with_columns(in_at=inflows)
    windows = (
        trailing(
            pairs,
            days(p.window_days),
            pl.len().alias("pair_count"),
            pl.col("moved_minor").sum().alias("out_minor"),
            pl.col("in_at").min(),
        )
        .filter(pl.col("pair_count") >= p.min_count)
        .with_columns(window_start=pl.min_horizontal("window_start", "in_at"))
    )
    rows = ordered[np.union1d(paired, source[paired])]
    return Outcome(windows, rows.select(EVIDENCE))


MIRROR_08 = Indicator(
    id="VE-MIRROR-08",
    name="Mirror amounts",
    role="NET",
    weight="M",
    source="AMLSim generator (margin_ratio 0.1)",
    evidence="V1, D",
    parameters=MirrorAmounts(),
    values=(Value("pair_count", "count", ">=", "min_count"), Value("out_minor", "money")),
    fact="{pair_count} inflows were followed within {within_hours} hours by an outflow of nearly the same "
    "amount to somebody else, {out} in all "
    "within {window_days} days",
    caution="escrow and accounts that are emptied for bookkeeping",
    find=find_mirror_amounts,
)


# ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Bursts:
    """Parameters of VE-BURST-09."""

    min_dispersion: float = parameter(
        5.0, "variance over mean of hourly counts; 1 is chance; D", stricter="higher", low=0
    )
    min_count: int = parameter(30, "rows; D", stricter="higher", low=2)
    min_night_share: float = parameter(
        0.3, "of the rows between 22:00 and 06:00 local time; D", stricter="higher", low=0, high=1
    )
    window_days: int = parameter(30, "one month; D", low=1)


def find_bursts(context: Context, p: Bursts) -> Outcome:
    """Payments come in bursts, many of them at night.

    Over the last 30 days of hours the counts per hour have a variance of 5 or more times their mean, with 30
    or more rows of which 0.3 or more fall between 22:00 and 06:00 local time. Rows without a local hour are
    left out.
    """
    slots = p.window_days * 24

    def screen() -> Bools:
        return in_bursts(
            context.arrays,
            context.moving,
            slots=slots,
            count=p.min_count,
            nights=p.min_night_share,
            dispersion=p.min_dispersion,
            threads=context.threads,
        )

    legs = context.legs(
        pl.col("local_hour").is_not_null(),
        "local_hour",
        "counterparty",
        own=False,
        accounts=context.screened(screen),
    )
    night = (pl.col("local_hour") >= 22) | (pl.col("local_hour") < 6)
    legs = with_rows(legs.with_columns(night=night), p.min_count)
    legs = legs.filter(pl.col("night").sum().over("subject") >= p.min_night_share * p.min_count)
    hourly = (
        legs.group_by("subject", hour=pl.col("booked_at").dt.truncate("1h"))
        .agg(
            rows=pl.len().cast(pl.Int64),
            nights=pl.col("night").sum().cast(pl.Int64),
            first=pl.col("booked_at").min(),
            last=pl.col("booked_at").max(),
        )
        .sort("subject", "hour")
        .rename({"hour": "booked_at"})
    )
    mean = pl.col("row_count") / slots
    windows = (
        trailing(
            hourly,
            days(p.window_days),
            pl.col("rows").sum().alias("row_count"),
            (pl.col("rows") ** 2).sum().alias("squares"),
            pl.col("nights").sum(),
            pl.col("first").min(),
            pl.col("last").max(),
        )
        .filter(pl.col("row_count") >= p.min_count)
        .with_columns(
            dispersion=(pl.col("squares") / slots - mean**2) / mean,
            night_share=pl.col("nights") / pl.col("row_count"),
            window_start="first",
            window_end="last",
        )
        .filter(pl.col("dispersion") >= p.min_dispersion, pl.col("night_share") >= p.min_night_share)
    )
    return Outcome(windows, legs.select(EVIDENCE))


BURST_09 = Indicator(
    id="VE-BURST-09",
    name="Bursts, many at night",
    role="NET",
    weight="W",
    source="AMLGentex generator (levels of burstiness); 22:00 to 06:00 after FINTRAC Project Protect "
    "indicators",
    evidence="V1, D",
    parameters=Bursts(),
    values=(
        Value("dispersion", "ratio", ">=", "min_dispersion"),
        Value("row_count", "count", ">=", "min_count"),
        Value("night_share", "share", ">=", "min_night_share"),
    ),
    fact="{row_count} payments within {window_days} days came in bursts (hourly counts vary {dispersion} "
    "times as much as chance), {night_share} of "
    "them at night",
    caution="runs of wages or standing orders",
    find=find_bursts,
    needs=("local_hour",),
)


# ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class MixBreak:
    """Parameters of VE-MIX-10."""

    min_distance: float = parameter(
        0.5, "Jensen-Shannon distance, base 2, 0 to 1; D", stricter="higher", low=0, high=1
    )
    min_count: int = parameter(20, "rows in either period; D", stricter="higher", low=1)
    recent_days: int = parameter(30, "recent period; D", low=1)
    past_days: int = parameter(180, "period before it; D", low=1)


def find_mix_break(context: Context, p: MixBreak) -> Outcome:
    """The ways money moves change.

    The mix of channels (and merchant categories, where the data has them) of the last 30 days lies 0.5 or
    more from that of the 180 days before, by Jensen-Shannon distance, with 20 or more rows in both. Judged at
    the last booking of each day.
    """
    kinds, count = _kinds(context)
    kept = context.moving
    spots, distance = mix_breaks(
        context.arrays,
        kinds,
        count,
        kept,
        recent_us=days(p.recent_days),
        past_us=days(p.past_days),
        count=p.min_count,
        distance=p.min_distance,
        threads=context.threads,
    )
    first, last = spots[:, 0], spots[:, 1]
    legs = context.ledger.legs
    windows = pl.DataFrame(
        {
            "subject": legs["account"].gather(last),
            "window_start": legs["booked_at"].gather(first),
            "window_end": legs["booked_at"].gather(last),
            "distance": distance,
            "recent_count": spots[:, 2],
            "past_count": spots[:, 3],
        }
    )
    return Outcome(windows, legs_within(context, kept, first, last))


def _kinds(context: Context) -> tuple[npt.NDArray[np.uint32], int]:
    """Each leg's channel, and merchant category where the data has them, as one code; and how many."""
    channels = context.arrays.channels.astype(np.uint32)
    if not context.has("merchant_category"):
        return channels, len(CHANNELS)
    codes = context.ledger.legs["merchant_category"].to_physical().cast(pl.UInt32)
    used = codes.drop_nulls().unique().sort().to_numpy()
    place = np.zeros(int(used.max(initial=0)) + 2, np.uint32)
    place[used] = np.arange(1, used.size + 1)
    dense = place[codes.fill_null(place.size - 1).to_numpy()]  # 0: no category
    return dense * np.uint32(len(CHANNELS)) + channels, len(CHANNELS) * (used.size + 1)


MIX_10 = Indicator(
    id="VE-MIX-10",
    name="Break in the mix of channels",
    role="NET",
    weight="W",
    source="FINTRAC ML/TF indicators for financial entities (change of activity); SAML-D typology "
    "Behavioural_Change_2",
    evidence="V1, M",
    parameters=MixBreak(),
    values=(
        Value("distance", "ratio", ">=", "min_distance"),
        Value("recent_count", "count", ">=", "min_count"),
        Value("past_count", "count", ">=", "min_count"),
    ),
    fact="the mix of channels of {recent_count} payments in {recent_days} days lies {distance} (0 to 1) "
    "from that of {past_count} payments before",
    caution="a move, a new job, a new phone",
    find=find_mix_break,
    rows_shown=20,
)


# ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class DepositSend:
    """Parameters of VE-DEPSEND-11."""

    min_share: float = parameter(0.8, "of each deposit; D", stricter="higher", low=0.01, high=1)
    within_hours: float = parameter(24.0, "deposit to transfer; D", low=0)
    min_count: int = parameter(3, "deposits so sent; D", stricter="higher", low=1)
    window_days: float = parameter(30.0, "one month; D", low=0.1)


def find_deposit_send(context: Context, p: DepositSend) -> Outcome:
    """Cash is paid in and sent on within a day.

    In 30 days 3 or more cash deposits of each of which 0.8 or more left by transfer, P2P or wallet within 24
    hours, first in first out among all money of the account.
    """
    chosen = context.screened(
        lambda: passes_on(
            context.arrays,
            moved(context),
            channel_set(*CASH_CHANNELS),
            channel_set(*SENDING),
            horizon=hours(p.within_hours),
            share=p.min_share,
            width=days(p.window_days),
            count=p.min_count,
            threads=context.threads,
        )
    )
    legs = moving_legs(context, "channel", accounts=chosen)
    is_deposit = IS_CREDIT & pl.col("channel").is_in(CASH_CHANNELS)
    legs = both_ways(legs.filter(is_deposit.sum().over("subject") >= p.min_count), p.min_count)
    sends = pl.col("channel").is_in(SENDING)
    told = passed_on(legs, hours(p.within_hours), p.min_share, is_deposit, sends)
    used = told.filter("is_used")
    windows = trailing(
        used,
        days(p.window_days),
        pl.col("completed").sum().alias("sent_count"),
        pl.col("passed_minor").sum().alias("sent_minor"),
    ).filter(pl.col("sent_count") >= p.min_count)
    return Outcome(windows, used.select(EVIDENCE))


DEPSEND_11 = Indicator(
    id="VE-DEPSEND-11",
    name="Deposit and send",
    role="NET",
    weight="M",
    source="FINTRAC ML/TF indicators for financial entities (cash deposit followed immediately by a "
    "wire); SAML-D typology Deposit-Send",
    evidence="V1, D",
    parameters=DepositSend(),
    values=(Value("sent_count", "count", ">=", "min_count"), Value("sent_minor", "money")),
    fact="{sent_count} cash deposits were sent on within {within_hours} hours, {sent} in all within "
    "{window_days} days",
    caution="people who send money home, shops that bank takings and pay suppliers",
    find=find_deposit_send,
)


INDICATORS = (
    PASS_01,
    LAT_02,
    SPIKE_03,
    AMT_04,
    DORM_05,
    NEW_06,
    FUNNEL_07,
    MIRROR_08,
    BURST_09,
    MIX_10,
    DEPSEND_11,
)
