"""Crypto-assets (CR): money of others, or cash, that turns into crypto-assets.

A crypto payment is a payment out on the channel crypto, or one whose merchant category, payee or text names
an exchange or a seller (kind `crypto` of the vocabulary). Windows belong to the person who holds the
accounts.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import numpy.typing as npt
import polars as pl

from finpat.indicators.base import Indicator, Outcome, Value, parameter
from finpat.indicators.context import IS_CASH, IS_CREDIT, Context, days, hours
from finpat.indicators.parties import is_personal, receipts_from_persons, with_payer
from finpat.indicators.structuring import EVIDENCE
from finpat.indicators.tallies import covered, gap_variation, reaching_back, tally
from finpat.indicators.velocity import passed_on
from finpat.indicators.windows import mirror, mirror_bound, with_rows
from finpat.vocabulary import of_kind

IS_CRYPTO_PAYMENT = (of_kind("crypto") | (pl.col("channel") == "crypto")) & ~IS_CREDIT


def persons_with(context: Context, *frames: pl.DataFrame) -> npt.NDArray[np.bool_]:
    """Per account: whether its holder has a row in each of `frames` (with account)."""
    persons = context.persons
    everywhere = np.ones(len(persons), np.bool_)
    for frame in frames:
        everywhere &= np.isin(persons, persons[frame["account"].unique().to_numpy()])
    return everywhere


# ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class OnRamp:
    """Parameters of CR-ONRAMP-01."""

    min_payers: int = parameter(3, "persons who pay in within the burst; D", stricter="higher", low=1)
    burst_hours: float = parameter(48.0, "their payments lie within; D", stricter="lower", low=0.1)
    min_share: float = parameter(0.7, "of an inflow goes into crypto-assets; D", low=0.01, high=1)
    within_hours: float = parameter(24.0, "inflow to crypto payment; D", low=0)
    min_count: int = parameter(2, "crypto payments that use up such inflows; D", stricter="higher", low=1)
    window_days: float = parameter(30.0, "one month; D", low=0.1)


def find_on_ramp(context: Context, p: OnRamp) -> Outcome:
    """Cash, or money from several persons, is turned into crypto-assets at once.

    In 30 days 2 or more crypto payments that each complete an inflow: 0.7 or more of it has gone into
    crypto-assets within 24 hours, first in first out among all money of the person. Inflows that count are
    cash deposits, and receipts within 48 hours of which 3 or more different persons paid.
    """
    receipts = receipts_from_persons(context)
    bursts = tally(receipts, hours(p.burst_hours), distinct={"payer_count": pl.col("payer")}).filter(
        pl.col("payer_count") >= p.min_payers
    )
    burst = receipts.filter(covered(receipts.height, bursts))
    cash = context.legs(IS_CASH & IS_CREDIT, person=True, own=False)
    sources = pl.concat([burst.select(EVIDENCE), cash.select(EVIDENCE)])
    # Only a payment with such an inflow shortly before it can complete one.
    inflows = sources.select("subject", "booked_at", source_at="booked_at").sort("subject", "booked_at")
    lately = pl.col("booked_at") - pl.col("source_at") <= timedelta(microseconds=hours(p.within_hours))
    bought = with_rows(
        context.legs(IS_CRYPTO_PAYMENT, person=True, own=False)
        .join_asof(inflows, on="booked_at", by="subject", check_sortedness=False)
        .filter(lately),
        p.min_count,
    )
    legs = context.legs(
        pl.lit(True),
        "is_credit",
        "amount_minor",
        "channel",
        "kinds",
        person=True,
        own=False,
        accounts=persons_with(context, bought, sources),
    ).rename({"amount_minor": "moved_minor"})
    # Both legs of a transfer share a row: the account tells them apart.
    counts = sources.select("account", "row", is_source=pl.lit(True)).unique()
    legs = legs.join(counts, on=["account", "row"], how="left", maintain_order="left")
    is_source = pl.col("is_source").fill_null(False) & IS_CREDIT
    told = passed_on(legs, hours(p.within_hours), p.min_share, is_source, IS_CRYPTO_PAYMENT)
    used = told.filter("is_used")
    windows = tally(
        used,
        days(p.window_days),
        sums={"purchase_count": pl.col("completed") > 0, "turned_minor": pl.col("passed_minor")},
    ).filter(pl.col("purchase_count") >= p.min_count)
    return Outcome(windows, used.select(EVIDENCE))


ONRAMP_01 = Indicator(
    id="CR-ONRAMP-01",
    name="Cash or many payers, then crypto-assets",
    role="NET",
    weight="S",
    source="FINTRAC-2021-OA001, narrative and list (immediately after receiving several transfers)",
    evidence="V1, D",
    parameters=OnRamp(),
    values=(Value("purchase_count", "count", ">=", "min_count"), Value("turned_minor", "money")),
    fact="{purchase_count} crypto payments used up cash or the money of several persons within "
    "{within_hours} hours of its coming in, {turned} in all within {window_days} days",
    caution="investors who pool their money; wages and a single payer do not count",
    find=find_on_ramp,
    needs=("crypto",),
)


# ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class SmallPurchases:
    """Parameters of CR-MICRO-02."""

    window_days: float = parameter(14.0, "two weeks; D", low=0.1)
    min_count: int = parameter(6, "small crypto payments; D", stricter="higher", low=3)
    max_amount: float = parameter(50.0, "units of currency; D", stricter="lower", low=0)
    max_values: int = parameter(
        4, "amounts that most payments have (the source: multiples of 3, 12, 24); D", low=1
    )
    min_values_share: float = parameter(0.8, "of them have one of those; D", stricter="higher", low=0, high=1)
    min_gap_cv: float = parameter(
        0.1, "spread of the gaps over their mean: a saving plan has none; D", stricter="higher", low=0
    )


def find_small_purchases(context: Context, p: SmallPurchases) -> Outcome:
    """Small crypto payments again and again, of a few amounts, on no fixed schedule.

    In 14 days 6 or more crypto payments of at most 50 units of currency, 0.8 or more of them of one of the 4
    most frequent amounts. Where the gaps between them vary by less than 0.1 of their mean it is a saving
    plan, and left out.
    """
    small = context.legs(IS_CRYPTO_PAYMENT, "amount_minor", person=True)
    small = with_rows(
        small.filter(pl.col("amount_minor") <= p.max_amount * context.minor_per_unit()), p.min_count
    )
    windows = gap_variation(
        small,
        tally(
            small,
            days(p.window_days),
            sums={"payment_count": pl.lit(1), "sum_minor": pl.col("amount_minor")},
            commonest={"common_count": (pl.col("amount_minor"), p.max_values)},
        ),
    ).with_columns(values_share=pl.col("common_count") / pl.col("payment_count"))
    windows = windows.filter(
        pl.col("payment_count") >= p.min_count,
        pl.col("values_share") >= p.min_values_share,
        pl.col("gap_cv") >= p.min_gap_cv,
    )
    return Outcome(windows, small.select(EVIDENCE))


MICRO_02 = Indicator(
    id="CR-MICRO-02",
    name="Small repeated crypto payments",
    role="NET",
    weight="M",
    source="FINTRAC Project Protect indicators (multiples of small amounts)",
    evidence="V1, D",
    parameters=SmallPurchases(),
    values=(
        Value("payment_count", "count", ">=", "min_count"),
        Value("values_share", "share", ">=", "min_values_share"),
        Value("gap_cv", "ratio", ">=", "min_gap_cv"),
        Value("sum_minor", "money"),
    ),
    fact="{payment_count} small crypto payments within {window_days} days, {values_share} of them of at most "
    "{max_values} amounts, {sum} in all",
    caution="savers, whose fixed schedules are left out, and gamers",
    find=find_small_purchases,
    needs=("crypto",),
)


# ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Broker:
    """Parameters of CR-BROKER-03."""

    min_payers: int = parameter(5, "persons bought for; D", stricter="higher", low=2)
    margin: float = parameter(0.1, "kept back per purchase; D", low=0, high=0.9)
    within_hours: float = parameter(6.0, "receipt to crypto payment; D", low=0)
    window_days: float = parameter(30.0, "one month; D", low=0.1)


def find_broker(context: Context, p: Broker) -> Outcome:
    """Crypto-assets are bought for others: each receipt from a person turns into one purchase.

    In 30 days receipts of 5 or more different persons, each followed within 6 hours by a crypto payment of
    0.9 to 1 times its amount. Each payment belongs to one pair.
    """
    receipt = IS_CREDIT & context.counterparty_known() & is_personal(context)
    columns = ("is_credit", "amount_minor", "counterparty")
    legs = context.legs(receipt | IS_CRYPTO_PAYMENT, *columns, person=True, own=False)
    legs = with_payer(context, legs.rename({"amount_minor": "moved_minor"}))
    payers = pl.when(IS_CREDIT).then("payer").n_unique().over("subject")
    purchases = (~IS_CREDIT).sum().over("subject")
    legs = legs.filter(payers >= p.min_payers, purchases >= p.min_payers)
    ordered, source = mirror(legs, hours(p.within_hours), mirror_bound(p.margin))
    paired = np.flatnonzero(source >= 0)
    receipts = ordered[source[paired]]
    pairs = ordered[paired].with_columns(payer=receipts["payer"], in_at=receipts["booked_at"])
    windows = tally(
        pairs,
        days(p.window_days),
        sums={"pair_count": pl.lit(1), "bought_minor": pl.col("moved_minor")},
        distinct={"payer_count": pl.col("payer")},
    ).filter(pl.col("payer_count") >= p.min_payers)
    rows = ordered[np.union1d(paired, source[paired])]
    return Outcome(reaching_back(windows, pairs["in_at"]), rows.select(EVIDENCE))


BROKER_03 = Indicator(
    id="CR-BROKER-03",
    name="Crypto-assets bought for others",
    role="PC",
    weight="M",
    source="FINTRAC-2021-OA001, list (exchange on behalf of third parties)",
    evidence="V1, D",
    parameters=Broker(),
    values=(
        Value("payer_count", "count", ">=", "min_payers"),
        Value("pair_count", "count"),
        Value("bought_minor", "money"),
    ),
    fact="money of {payer_count} persons was turned into crypto-assets within {within_hours} hours, payment "
    "by payment, {bought} in all within {window_days} days",
    caution="informal traders of crypto-assets",
    find=find_broker,
    needs=("p2p", "crypto"),
)


# ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class RiskyServices:
    """Parameters of CR-RISK-05."""

    min_kiosk: int = parameter(3, "kiosk payments below the amount; D", stricter="higher", low=1)
    max_kiosk_amount: float = parameter(
        1_000.0, "units of currency, not itself included; D", stricter="lower", low=0
    )
    min_mixer: int = parameter(1, "payments from or to a listed service; D", stricter="higher", low=1)
    window_days: float = parameter(14.0, "two weeks; D", low=0.1)


def find_risky_services(context: Context, p: RiskyServices) -> Outcome:
    """Payments with services that hide where crypto-assets come from, or several at kiosks.

    In 14 days 1 or more payments, in or out, with a listed service (kind `mixer` of the vocabulary, to which
    `[dictionaries]` adds one's own list), or 3 or more payments of less than 1 000 units of currency with
    machines that sell crypto-assets.
    """
    legs = context.legs(of_kind("mixer", "kiosk"), "amount_minor", "kinds", person=True)
    small = pl.col("amount_minor") < p.max_kiosk_amount * context.minor_per_unit()
    legs = legs.with_columns(is_mixer=of_kind("mixer"), is_kiosk=of_kind("kiosk") & small).filter(
        pl.col("is_mixer") | pl.col("is_kiosk")
    )
    windows = tally(
        legs,
        days(p.window_days),
        sums={
            "mixer_count": pl.col("is_mixer"),
            "kiosk_count": pl.col("is_kiosk"),
            "sum_minor": pl.col("amount_minor"),
        },
    ).filter((pl.col("mixer_count") >= p.min_mixer) | (pl.col("kiosk_count") >= p.min_kiosk))
    return Outcome(windows, legs.select(EVIDENCE))


RISK_05 = Indicator(
    id="CR-RISK-05",
    name="Mixers and crypto kiosks",
    role="NET",
    weight="M",
    source="FinCEN FIN-2020-A008, financial indicator 8; FinCEN Financial Trend Analysis of 13 February 2024",
    evidence="V1, V2, D",
    parameters=RiskyServices(),
    values=(
        Value("mixer_count", "count"),
        Value("kiosk_count", "count"),
        Value("sum_minor", "money"),
    ),
    fact="{mixer_count} payments with services that hide where crypto-assets come from and {kiosk_count} "
    "small ones at crypto kiosks within {window_days} days, {sum} in all",
    caution="people who value privacy, and people without a bank account",
    find=find_risky_services,
    needs=("merchant",),
)


INDICATORS = (ONRAMP_01, MICRO_02, BROKER_03, RISK_05)
