"""Structuring (ST) by instrument: identification limits, withdrawals, splits, cut-down amounts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from finpat.indicators.base import Indicator, Outcome, Value, parameter
from finpat.indicators.context import IS_CASH, IS_CREDIT, REFUSED, Context, days, hours
from finpat.indicators.structuring import (
    CASH_COLUMNS,
    DEPOSITS,
    EVIDENCE,
    WITHDRAWALS,
    JustBelow,
    SlowStructuring,
    cash_legs,
    empty_windows,
    holding_windows,
    just_below_windows,
    slow_windows,
    without_baseline,
)
from finpat.indicators.windows import Timeline, trailing, with_rows


@dataclass(frozen=True)
class IdentificationLimit:
    """Parameters of ST-ID3K-07."""

    floor_share: float = parameter(
        0.8, "just below starts here, as in ST-STRUCT-01", stricter="higher", low=0.1, high=0.99
    )
    min_count: int = parameter(3, "payments; D", stricter="higher", low=2)
    window_days: float = parameter(7.0, "one week; D", stricter="lower", low=0.1)
    funded_hours: float = parameter(24.0, "cash this long before pays for it; D", stricter="lower", low=0)


def find_identification_limit(context: Context, p: IdentificationLimit) -> Outcome:
    """Payments out of cash just paid in, each just below the identification threshold.

    Within 7 days 3 or more cheques or transfers out of one person's accounts, each in [0.8 T, T) of the
    threshold for instruments sold for cash and covered by cash of the 24 hours before; to one beneficiary, or
    so that those of one local date sum to T.
    """
    kinds = pl.col("channel").is_in(["cheque", "transfer"]) & ~IS_CREDIT
    out = context.with_limit(
        context.legs(kinds, *CASH_COLUMNS, "counterparty", person=True, own=False),
        "instrument_identification",
    )
    near = out.filter(
        pl.col("amount_minor") >= p.floor_share * pl.col("limit_minor"), ~pl.col("is_reportable")
    )
    cash = context.legs(DEPOSITS, *CASH_COLUMNS, person=True)
    covered = _paid_in_before(near, cash, hours(p.funded_hours)) >= near["amount_minor"].to_numpy()
    near = near.filter(pl.Series(covered, dtype=pl.Boolean))
    values = [
        pl.len().alias("payment_count"),
        pl.col("amount_minor").sum().alias("sum_minor"),
        pl.col("limit_minor").last(),
        pl.col("currency").first(),
    ]
    known = near.filter(context.counterparty_known())
    known = known.sort("subject", "counterparty", "booked_at", maintain_order=True)
    to_one = trailing(known, days(p.window_days), *values, by=("subject", "counterparty")).drop(
        "counterparty"
    )
    day_minor = pl.col("amount_minor").sum().over("subject", "local_day")
    crossing = near.with_columns(crosses=day_minor >= pl.col("reportable_from_minor"))
    in_a_day = trailing(crossing, days(p.window_days), *values, pl.col("crosses").any())
    windows = pl.concat([to_one, in_a_day.filter("crosses").drop("crosses")], how="diagonal").filter(
        pl.col("payment_count") >= p.min_count
    )
    paid_by_cash = out.join(cash.select("subject").unique(), on="subject", how="semi")
    return Outcome(windows, near.select(EVIDENCE), context.without_limit(paid_by_cash, p.min_count))


def _paid_in_before(payments: pl.DataFrame, cash: pl.DataFrame, width: int) -> npt.NDArray[np.int64]:
    """Cash that each payer paid in, in the payment's currency, in [t - width, t]."""
    at = payments["booked_at"].cast(pl.Int64).to_numpy()
    timeline = Timeline.of(cash)
    return timeline.total(cash["amount_minor"].to_numpy(), payments["subject"].to_numpy(), at - width - 1, at)


ID3K_07 = Indicator(
    id="ST-ID3K-07",
    name="Identification threshold avoided",
    role="NET",
    weight="M",
    source="31 CFR 1010.415; travel rule, 31 CFR 1010.410(f); FinCEN FIN-2014-A008",
    evidence="V1, V2",
    parameters=IdentificationLimit(),
    values=(
        Value("payment_count", "count", ">=", "min_count"),
        Value("sum_minor", "money"),
        Value("limit_minor", "money"),
    ),
    fact="{payment_count} payments out of cash just paid in, each just below the identification threshold "
    "of {limit}, "
    "within {window_days} days, {sum} in all",
    caution="remitters, most of whose payments are small",
    find=find_identification_limit,
)


# ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class SmallSplitting:
    """Parameters of ST-ID1K-08."""

    floor_share: float = parameter(0.8, "just below starts here", stricter="higher", low=0.1, high=0.99)
    min_count: int = parameter(4, "payments to one beneficiary; D", stricter="higher", low=2)
    window_days: float = parameter(7.0, "one week; D", stricter="lower", low=0.1)
    cap_accounts: int = parameter(10, "accounts that share the largest amount before it is a limit; D", low=2)


def find_small_splitting(context: Context, p: SmallSplitting) -> Outcome:
    """Several transfers to one beneficiary, each just below the amount from which it must carry names.

    Within 7 days 4 or more transfers out to one beneficiary or wallet, each in [0.8 T, T) with T about 1 000.
    Amounts equal to a network's own limit do not count.
    """
    payment = pl.col("channel").is_in(["transfer", "p2p", "wallet", "crypto"]) & ~IS_CREDIT
    columns = ("channel", "is_credit", "amount_minor", "counterparty")
    legs = context.with_limit(
        context.legs(payment & context.counterparty_known(), *columns, person=True, own=False),
        "transfer_identification",
    )
    band = legs.filter(
        pl.col("amount_minor") >= p.floor_share * pl.col("limit_minor"), ~pl.col("is_reportable")
    )
    pair = ("subject", "counterparty")
    near = with_rows(context.without_caps(band, p.cap_accounts).filter(~pl.col("is_cap")), p.min_count, pair)
    near = near.sort(*pair, "booked_at", maintain_order=True)
    windows = trailing(
        near,
        days(p.window_days),
        pl.len().alias("payment_count"),
        pl.col("amount_minor").sum().alias("sum_minor"),
        pl.col("limit_minor").last(),
        pl.col("currency").first(),
        by=pair,
    ).filter(pl.col("payment_count") >= p.min_count)
    # A finding is about one payer and one beneficiary.
    pairs = near.select(pair).unique().sort(pair).with_row_index("pair")

    def by_pair(frame: pl.DataFrame) -> pl.DataFrame:
        return (
            frame.join(pairs, on=pair, how="left", maintain_order="left")
            .drop(pair)
            .rename({"pair": "subject"})
        )

    repeated = legs.filter(pl.len().over(pair) >= p.min_count)
    return Outcome(
        by_pair(windows), by_pair(near).select(EVIDENCE), context.without_limit(repeated, p.min_count)
    )


ID1K_08 = Indicator(
    id="ST-ID1K-08",
    name="Split below the transfer threshold",
    role="NET",
    weight="W",
    source="FATF Recommendation 16; Regulation (EU) 2024/1624 Art. 19(2)-(3); Money Laundering "
    "Regulations 2017 reg. 27",
    evidence="V1, V2",
    parameters=SmallSplitting(),
    values=(
        Value("payment_count", "count", ">=", "min_count"),
        Value("sum_minor", "money"),
        Value("limit_minor", "money"),
    ),
    fact="{payment_count} transfers to one beneficiary, each just below {limit}, within {window_days} "
    "days, {sum} in all",
    caution="users of payment apps, whose limits lie just there too",
    find=find_small_splitting,
    uses_peers=True,
    across=False,
)


# ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class StructuredWithdrawals:
    """Parameters of ST-OUT-09."""

    min_at_limit: int = parameter(3, "withdrawals at the limit in 24 hours; D", stricter="higher", low=2)
    min_terminals: int = parameter(2, "machines used; D", stricter="higher", low=1)
    min_days: int = parameter(3, "days on which that happens; D", stricter="higher", low=1)
    window_days: float = parameter(14.0, "the days lie within; D", stricter="lower", low=1)
    cap_accounts: int = parameter(
        10, "accounts that share the largest amount before it is the limit; D", low=2
    )


def find_structured_withdrawals(context: Context, p: StructuredWithdrawals) -> Outcome:
    """Cash withdrawals kept below T, or drawn again and again at the machines' limit.

    Withdrawals that meet ST-STRUCT-01 or ST-STRUCT-03 with the parameters set there; or 3 or more at the
    machines' limit in 24 hours at 2 or more machines, on 3 or more dates within 14 days.
    """
    branch = ("branch_id",) if context.has("branch_id") else ()
    legs = cash_legs(context, WITHDRAWALS, *branch)
    just_below: JustBelow = context.find_parameters("ST-STRUCT-01")
    slow: SlowStructuring = context.find_parameters("ST-STRUCT-03")
    near_windows, near = just_below_windows(context, legs, just_below, context.find_parameters("ST-BUNCH-06"))
    holds, open_windows = holding_windows(near_windows, just_below)
    slow_held, small = slow_windows(context, legs, WITHDRAWALS, slow)
    told = ["subject", "window_start", "window_end", "withdrawal_count", "sum_minor", "currency"]
    parts = [
        frame.rename({count: "withdrawal_count", total: "sum_minor"}).select(told)
        for frame, count, total in (
            (holds, "near_count", "near_sum_minor"),
            (slow_held, "piece_count", "piece_sum_minor"),
        )
        if frame.height
    ]
    unjudged = [
        context.without_limit(legs, just_below.min_count),
        without_baseline(open_windows, near),
        small,
    ]
    at_limit = context.without_caps(legs, p.cap_accounts).filter("is_cap")
    if branch:
        parts.append(_at_limit_windows(at_limit.filter(pl.col("branch_id").is_not_null()), p).select(told))
    else:
        often = at_limit.filter(pl.len().over("subject", "local_day") >= p.min_at_limit)
        unjudged.append(often.select("account", missing_field=pl.lit("branch_id")).unique())
    windows = pl.concat(parts, how="vertical_relaxed") if parts else empty_windows(*told[3:5])
    return Outcome(windows, legs.select(EVIDENCE), pl.concat(unjudged))


def _at_limit_windows(at_limit: pl.DataFrame, p: StructuredWithdrawals) -> pl.DataFrame:
    """Windows with enough days on which the limit was drawn several times at several machines."""
    runs = (
        trailing(
            with_rows(at_limit, p.min_at_limit),
            hours(24),
            pl.len().alias("in_a_day"),
            pl.col("branch_id").n_unique().alias("terminals"),
            pl.col("local_day").last(),
            pl.col("currency").first(),
        )
        .filter(pl.col("in_a_day") >= p.min_at_limit, pl.col("terminals") >= p.min_terminals)
        .group_by("subject", "local_day")
        .agg(
            run_start=pl.col("window_start").min(),
            booked_at=pl.col("window_end").max(),
            currency=pl.col("currency").first(),
        )
        .sort("subject", "booked_at")
    )
    windows = (
        trailing(
            runs,
            days(p.window_days),
            pl.len().alias("day_count"),
            pl.col("run_start").min(),
            pl.col("currency").first(),
        )
        .filter(pl.col("day_count") >= p.min_days)
        .with_columns(window_start="run_start")
    )
    timeline = Timeline.of(at_limit)
    subject = windows["subject"].to_numpy()
    after = windows["window_start"].cast(pl.Int64).to_numpy() - 1
    until = windows["window_end"].cast(pl.Int64).to_numpy()
    return windows.with_columns(
        withdrawal_count=pl.Series(timeline.count(subject, after, until)).cast(pl.UInt32),
        sum_minor=pl.Series(timeline.total(at_limit["amount_minor"].to_numpy(), subject, after, until)),
    )


OUT_09 = Indicator(
    id="ST-OUT-09",
    name="Structured withdrawals",
    role="NET",
    weight="M",
    source="31 CFR 1010.311 (reports cover cash out); SAML-D typology Cash_Withdrawal",
    evidence="M, V2",
    parameters=StructuredWithdrawals(),
    values=(Value("withdrawal_count", "count"), Value("sum_minor", "money")),
    fact="{withdrawal_count} cash withdrawals kept below the threshold or drawn at the machines' limit, "
    "{sum} in all",
    caution="travellers who draw what machines allow",
    find=find_structured_withdrawals,
    uses_peers=True,
    across=False,
)


# ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class InstrumentSplit:
    """Parameters of ST-SPLIT-10."""

    min_instruments: int = parameter(3, "kinds of instrument on one date; D", stricter="higher", low=2)


def find_instrument_split(context: Context, p: InstrumentSplit) -> Outcome:
    """Cash spread on one day over several kinds of instrument, each payment below T and together T.

    On one local date one person uses cash over 3 or more of: deposit, cheque, transfer, prepaid card, crypto.
    Cash is what is paid in, or what pays an instrument directly (counterparty CASH); a payment out of the
    account is one of the instruments if that day's cash covers it. The sum is the cash alone, so nothing
    counts twice.
    """
    others = pl.col("channel").is_in(["cheque", "transfer", "prepaid", "crypto"])
    where = DEPOSITS | (others & (~IS_CREDIT | context.is_cash_party()))
    legs = context.with_limit(
        context.legs(where, *CASH_COLUMNS, "counterparty", person=True, own=False), "cash_report"
    )
    day = ("subject", "local_day")
    is_cash = IS_CASH | context.is_cash_party()
    legs = legs.with_columns(
        instrument=pl.when(IS_CASH).then(pl.lit("cash")).otherwise(pl.col("channel").cast(pl.String)),
        is_funding=is_cash,
        cash_minor=pl.when(is_cash).then("amount_minor").otherwise(0).sum().over(day),
    )
    covered = pl.col("is_funding") | (pl.col("amount_minor") <= pl.col("cash_minor"))
    used = legs.filter(covered, pl.col("cash_minor") > 0)
    windows = (
        used.group_by(day)
        .agg(
            pl.col("instrument").n_unique().alias("instrument_count"),
            pl.col("cash_minor").first().alias("sum_minor"),
            pl.col("is_reportable").any().alias("has_reportable"),
            pl.col("limit_minor").first(),
            pl.col("reportable_from_minor").first(),
            pl.col("currency").first(),
            window_start=pl.col("booked_at").min(),
            window_end=pl.col("booked_at").max(),
        )
        .filter(
            pl.col("instrument_count") >= p.min_instruments,
            ~pl.col("has_reportable"),
            pl.col("sum_minor") >= pl.col("reportable_from_minor"),
        )
    )
    several = used.filter(pl.col("instrument").n_unique().over(day) >= p.min_instruments)
    return Outcome(windows, used.select(EVIDENCE), context.without_limit(several, p.min_instruments))


SPLIT_10 = Indicator(
    id="ST-SPLIT-10",
    name="Split across instruments",
    role="NET",
    weight="S",
    source="FINTRAC ML/TF indicators for financial entities (cash, prepaid cards and money orders together)",
    evidence="V1",
    parameters=InstrumentSplit(),
    values=(
        Value("instrument_count", "count", ">=", "min_instruments"),
        Value("sum_minor", "money", ">=", "reportable_from_minor"),
    ),
    fact="{sum} of cash over {instrument_count} kinds of instrument on one day, each payment below the "
    "threshold of "
    "{sum_bound}",
    caution="payday routines",
    find=find_instrument_split,
)


# ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class CutDown:
    """Parameters of ST-RETRY-11."""

    within_hours: float = parameter(24.0, "the smaller payments follow within; D", low=0)
    low_share: float = parameter(0.8, "their sum is at least this share of it; D", stricter="higher", low=0)
    high_share: float = parameter(1.2, "and at most this share; D", stricter="lower", low=0)


def find_cut_down(context: Context, p: CutDown) -> Outcome:
    """A cash deposit of T or more does not go through, and smaller ones replace it.

    The booking is declined or cancelled, and within 24 hours deposits below T are accepted that sum to 0.8 to
    1.2 of it.
    """
    status = pl.col("status").cast(pl.String).str.strip_chars().str.to_lowercase()
    refused = context.with_limit(
        context.legs(DEPOSITS & status.is_in(REFUSED), *CASH_COLUMNS, person=True, effective=False),
        "cash_report",
    )
    accepted = cash_legs(context, DEPOSITS).filter(~pl.col("is_reportable"))
    tried = refused.filter("is_reportable")
    subject, at = tried["subject"].to_numpy(), tried["booked_at"].cast(pl.Int64).to_numpy()
    timeline = Timeline.of(accepted)
    # Pieces of the same instant follow the refusal as far as the data can tell.
    after, until = at - 1, at + hours(p.within_hours)
    count = timeline.count(subject, after, until)
    last = (
        accepted["booked_at"].gather(np.maximum(timeline.position(subject, until) - 1, 0))
        if len(accepted)
        else None
    )
    windows = (
        tried.rename({"amount_minor": "refused_minor"})
        .with_columns(
            piece_count=pl.Series(count),
            sum_minor=pl.Series(timeline.total(accepted["amount_minor"].to_numpy(), subject, after, until)),
            window_start="booked_at",
            window_end=pl.col("booked_at") if last is None else last,
        )
        .filter(
            pl.col("piece_count") >= 1,
            pl.col("sum_minor") >= p.low_share * pl.col("refused_minor"),
            pl.col("sum_minor") <= p.high_share * pl.col("refused_minor"),
        )
    )
    rows = pl.concat([tried.select(EVIDENCE), accepted.select(EVIDENCE)])
    return Outcome(windows, rows, context.without_limit(refused, 1))


RETRY_11 = Indicator(
    id="ST-RETRY-11",
    name="Cut down after a refusal",
    role="NET",
    weight="S",
    source="FINTRAC ML/TF indicators for financial entities (alters a transaction); FinCEN FIN-2020-A008, "
    "financial "
    "indicator 10",
    evidence="V1",
    parameters=CutDown(),
    values=(
        Value("refused_minor", "money", ">=", "reportable_from_minor"),
        Value("sum_minor", "money"),
        Value("piece_count", "count"),
    ),
    fact="a cash deposit of {refused} did not go through and {sum} in {piece_count} smaller deposits "
    "followed within "
    "{within_hours} hours",
    caution="mistyped amounts and limits of machines",
    find=find_cut_down,
    needs=("status",),
)


INDICATORS = (ID3K_07, ID1K_08, OUT_09, SPLIT_10, RETRY_11)
