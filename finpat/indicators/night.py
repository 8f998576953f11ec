"""Night activity (HT-NIT): cash and betting between 22:00 and 06:00 on the clock of the place.

The hour is the local one: a row whose place or time of day is unknown shows no night and is left out.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from finpat.indicators.base import Indicator, Outcome, Value, parameter
from finpat.indicators.context import IS_CASH, IS_CREDIT, Context, days, hours
from finpat.indicators.movement import PROJECT_PROTECT, UPDATED
from finpat.indicators.places_visited import accounts_of, by_person, repeated
from finpat.indicators.structuring import DEPOSITS, EVIDENCE
from finpat.indicators.tallies import lacking
from finpat.indicators.windows import trailing, with_rows
from finpat.movement.presence import IS_NIGHT
from finpat.vocabulary import of_kind


@dataclass(frozen=True)
class NightCash:
    """Parameters of HT-NIT-01."""

    min_count: int = parameter(5, "night rows; D", stricter="higher", low=1)
    min_share: float = parameter(0.4, "of the person's cash rows; D", stricter="higher", low=0, high=1)
    window_days: float = parameter(30.0, "one month; D", low=1)


def find_night_cash(context: Context, p: NightCash) -> Outcome:
    """Cash is paid in or drawn at night.

    In 30 days 5 or more cash rows of one person between 22:00 and 06:00 local time, and 0.4 of the person's
    cash rows whose local hour is known.
    """
    cash = by_person(context, IS_CASH, "local_hour").with_columns(is_night=IS_NIGHT)
    clocked = cash.filter(pl.col("local_hour").is_not_null())
    often = clocked.filter(pl.col("is_night").sum().over("subject") >= p.min_count)
    windows = trailing(
        often,
        days(p.window_days),
        pl.col("is_night").sum().alias("night_count"),
        pl.col("is_night").mean().alias("night_share"),
    ).filter(pl.col("night_count") >= p.min_count, pl.col("night_share") >= p.min_share)
    unclocked = cash.filter(pl.col("local_hour").is_null())
    return Outcome(
        windows, often.filter("is_night").select(EVIDENCE), lacking(unclocked, p.min_count, "local_hour")
    )


NIT_01 = Indicator(
    id="HT-NIT-01",
    name="Night cash",
    role="NET",
    weight="M",
    source=f"{PROJECT_PROTECT}, patterns (cash between 22:00 and 06:00)",
    evidence="V1, D",
    parameters=NightCash(),
    values=(
        Value("night_count", "count", ">=", "min_count"),
        Value("night_share", "share", ">=", "min_share"),
    ),
    fact="{night_count} cash bookings between 22:00 and 06:00 within {window_days} days, {night_share} of "
    "all cash bookings",
    caution="people who work at night: hospitality, taxis, shifts, casinos",
    find=find_night_cash,
    needs=("local_hour",),
)


# ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class NightMachines:
    """Parameters of HT-NIT-02."""

    min_terminals: int = parameter(3, "machines or branches; D", stricter="higher", low=2)
    window_days: float = parameter(14.0, "two weeks; D", stricter="lower", low=1)


def find_night_machines(context: Context, p: NightMachines) -> Outcome:
    """Cash is paid in at night at several machines.

    In 14 days cash deposits of one person between 22:00 and 06:00 local time at 3 or more machines or
    branches. Accounts known to be a business's, which use night safes, are left out.
    """
    is_business = (context.accounts["holder_type"] == "business").fill_null(False).to_numpy()
    night = by_person(context, DEPOSITS & IS_NIGHT, "branch_id", accounts=~is_business)
    known = with_rows(night.filter(pl.col("branch_id").is_not_null()), p.min_terminals)
    windows = trailing(
        known,
        days(p.window_days),
        pl.col("branch_id").n_unique().alias("terminal_count"),
        pl.len().alias("deposit_count"),
    ).filter(pl.col("terminal_count") >= p.min_terminals)
    unclocked = by_person(context, DEPOSITS & pl.col("local_hour").is_null(), accounts=~is_business)
    lack = [
        lacking(night.filter(pl.col("branch_id").is_null()), p.min_terminals, "branch_id"),
        lacking(unclocked, p.min_terminals, "local_hour"),
    ]
    return Outcome(windows, known.select(EVIDENCE), pl.concat(lack))


NIT_02 = Indicator(
    id="HT-NIT-02",
    name="Night deposits at several machines",
    role="NET",
    weight="M",
    source=f"{PROJECT_PROTECT}, patterns (rows 1 and 2)",
    evidence="V1, D",
    parameters=NightMachines(),
    values=(Value("terminal_count", "count", ">=", "min_terminals"), Value("deposit_count", "count")),
    fact="{deposit_count} cash deposits between 22:00 and 06:00 at {terminal_count} machines within "
    "{window_days} days",
    caution="shops that use night safes and are not known to be a business",
    find=find_night_machines,
    needs=("local_hour", "branch_id"),
)


# ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class NightBets:
    """Parameters of HT-NIT-03."""

    within_hours: float = parameter(6.0, "receipts to bet; D", stricter="lower", low=0)
    min_payers: int = parameter(3, "payers in that time; D", stricter="higher", low=1)
    min_count: int = parameter(3, "such bets; D", stricter="higher", low=1)
    window_days: float = parameter(30.0, "one month; D", stricter="lower", low=1)


def find_night_bets(context: Context, p: NightBets) -> Outcome:
    """Money from several people goes into betting at night, hours after it came.

    In 30 days 3 or more bets between 22:00 and 06:00 local time, each with person-to-person receipts from 3
    or more payers in the 6 hours up to it. Receipts without a time of day are left out.
    """
    bets = by_person(context, of_kind("gambling") & ~IS_CREDIT, "local_hour", "counterparty")
    who = accounts_of(context, bets["subject"].unique())
    received = IS_CREDIT & (pl.col("channel") == "p2p") & pl.col("has_time") & context.counterparty_known()
    receipts = by_person(context, received, "counterparty", accounts=who)
    night = with_rows(bets.filter(IS_NIGHT), p.min_count)
    both = pl.concat(
        [
            receipts.with_columns(is_bet=pl.lit(False)),
            night.drop("local_hour").with_columns(is_bet=pl.lit(True)),
        ]
    ).sort("subject", "booked_at", maintain_order=True)
    payers = pl.col("counterparty").filter(~pl.col("is_bet"))
    recent = trailing(
        both,
        hours(p.within_hours),
        payers.n_unique().alias("payers"),
        pl.col("booked_at").filter(~pl.col("is_bet")).min().alias("start_at"),
    ).select("subject", "payers", "start_at", booked_at="window_end")
    events = night.join(recent.unique(["subject", "booked_at"]), on=["subject", "booked_at"]).filter(
        pl.col("payers") >= p.min_payers
    )
    windows = repeated(events, days(p.window_days), p.min_count, pl.col("payers").min().alias("payer_count"))
    spent = events.select("subject", "booked_at", bet_at="booked_at").unique().sort("subject", "booked_at")
    used = receipts.join_asof(
        spent,
        on="booked_at",
        by="subject",
        strategy="forward",
        tolerance=f"{hours(p.within_hours)}us",
        check_sortedness=False,
    ).filter(pl.col("bet_at").is_not_null())
    unclocked = bets.filter(pl.col("local_hour").is_null())
    unclocked = unclocked.join(receipts.select("subject").unique(), on="subject", how="semi")
    return Outcome(
        windows,
        pl.concat([events.select(EVIDENCE), used.select(EVIDENCE)]),
        lacking(unclocked, p.min_count, "local_hour"),
    )


NIT_03 = Indicator(
    id="HT-NIT-03",
    name="Night betting with other people's money",
    role="NET",
    weight="W",
    source=f"{UPDATED}, short stays and general list",
    evidence="V1, D",
    parameters=NightBets(),
    values=(
        Value("event_count", "count", ">=", "min_count"),
        Value("payer_count", "count", ">=", "min_payers"),
    ),
    fact="{event_count} bets between 22:00 and 06:00 within {window_days} days, each within {within_hours} "
    "hours of receipts from {payer_count} or more people",
    caution="people who cannot stop betting, who need help and no report",
    find=find_night_bets,
    needs=("merchant", "local_hour"),
)


INDICATORS = (
    NIT_01,
    NIT_02,
    NIT_03,
)
