"""Advert payments (HT-ADS): what payments for online adverts tell without the adverts themselves.

An advert payment is a payment out whose merchant category, payee or text names an advertising platform
(kind `advert` of the vocabulary); a platform is its payee, and all payees without an id are one. Windows
belong to the person who holds the accounts.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from finpat.compiled import frozen, kernel
from finpat.indicators.base import Indicator, Outcome, Value, parameter
from finpat.indicators.context import IS_CASH, IS_CREDIT, Context, days, hours
from finpat.indicators.parties import is_personal
from finpat.indicators.structuring import EVIDENCE
from finpat.indicators.tallies import gap_variation, lacking, reaching_back, tally
from finpat.indicators.windows import allocate, with_rows
from finpat.movement.presence import IS_NIGHT
from finpat.vocabulary import of_kind

IS_ADVERT_PAYMENT = of_kind("advert") & ~IS_CREDIT
EVER = 2**62  # microseconds: a horizon that nothing is older than
PRICE_KEY = ["counterparty", "currency", "amount_minor"]


def advert_payments(context: Context, *columns: str) -> pl.DataFrame:
    """Advert payments by the person who made them: the columns of `Context.legs`, amount_minor."""
    return context.legs(IS_ADVERT_PAYMENT, "amount_minor", *columns, person=True)


# ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class SmallRepeated:
    """Parameters of HT-ADS-01."""

    window_days: float = parameter(7.0, "relatively short timelines; D", low=0.1)
    min_count: int = parameter(6, "advert payments; D", stricter="higher", low=2)
    max_median: float = parameter(
        50.0,
        "units of currency, well under the 100 that the source names; D",
        stricter="lower",
        low=0,
    )
    min_price_share: float = parameter(
        0.6, "of the amounts are prices of the platform; D", stricter="higher", low=0, high=1
    )
    cover_share: float = parameter(
        0.8, "of a platform's payments, which its prices are the fewest amounts to cover", low=0.01, high=1
    )


def with_price(payments: pl.DataFrame, cover_share: float) -> pl.DataFrame:
    """`payments` with is_price: whether the amount is one of the platform's prices.

    Prices are the fewest amounts that cover `cover_share` of all payments to the platform in one currency;
    an amount that was paid once is none. Of amounts paid equally often the smaller counts first.
    """
    platform = PRICE_KEY[:2]
    prices = (
        payments.group_by(PRICE_KEY)
        .agg(paid=pl.len().cast(pl.Int64))
        .sort(*platform, "paid", "amount_minor", descending=[False, False, True, False])
        .with_columns(before=(pl.col("paid").cum_sum() - pl.col("paid")).over(platform))
        .filter(pl.col("before") < cover_share * pl.col("paid").sum().over(platform), pl.col("paid") > 1)
        .select(*PRICE_KEY, is_price=pl.lit(True))
    )
    return payments.join(prices, on=PRICE_KEY, how="left", maintain_order="left").with_columns(
        pl.col("is_price").fill_null(False)
    )


def find_small_repeated(context: Context, p: SmallRepeated) -> Outcome:
    """Small advert payments again and again, at the platform's prices.

    In 7 days 6 or more advert payments, half or more of them of at most 50 units of currency, and 0.6 or more
    of the amounts are prices of their platform: the fewest amounts that cover 0.8 of all payments to it here,
    each paid twice or more.
    """
    payments = with_price(advert_payments(context, "counterparty"), p.cover_share)
    rows = with_rows(payments, p.min_count)
    small = pl.col("amount_minor") <= p.max_median * context.minor_per_unit()
    windows = (
        tally(
            rows,
            days(p.window_days),
            sums={
                "payment_count": pl.lit(1),
                "sum_minor": pl.col("amount_minor"),
                "small_count": small,
                "price_count": pl.col("is_price"),
            },
        )
        .with_columns(
            price_share=pl.col("price_count") / pl.col("payment_count"),
            small_share=pl.col("small_count") / pl.col("payment_count"),
        )
        .filter(
            pl.col("payment_count") >= p.min_count,
            pl.col("small_share") >= 0.5,
            pl.col("price_share") >= p.min_price_share,
        )
    )
    return Outcome(windows, rows.select(EVIDENCE))


ADS_01 = Indicator(
    id="HT-ADS-01",
    name="Small repeated advert payments",
    role="NET",
    weight="W",
    source="FINTRAC Project Protect indicators (multiples of small amounts in short timelines); FinCEN "
    "FIN-2014-A008, Appendix B (small posting fees to online classifieds)",
    evidence="V1, V2, D",
    parameters=SmallRepeated(),
    values=(
        Value("payment_count", "count", ">=", "min_count"),
        Value("price_share", "share", ">=", "min_price_share"),
        Value("sum_minor", "money"),
    ),
    fact="{payment_count} small advert payments within {window_days} days, {price_share} of them at the "
    "platform's prices, {sum} in all",
    caution="anybody who sells by classified adverts, landlords, musicians, and independent sex workers who "
    "pay for their own adverts, which is legal in many places",
    find=find_small_repeated,
    needs=("merchant",),
    uses_peers=True,
)


# ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Premium:
    """Parameters of HT-ADS-07."""

    window_days: float = parameter(30.0, "one month; D", low=0.1)
    min_count: int = parameter(4, "premium payments; D", stricter="higher", low=1)
    price_quantile: float = parameter(
        0.9, "of the platform's payments; D", stricter="higher", low=0.5, high=1
    )
    min_payments: int = parameter(30, "to a platform before its prices are known; D", low=2)


def find_premium(context: Context, p: Premium) -> Outcome:
    """Advert payments at the top of what the platform takes.

    In 30 days 4 or more advert payments that reach the 90th percentile of all payments to their platform, and
    exceed its median. A platform with fewer than 30 payments is not judged.
    """
    platform = ["counterparty", "currency"]
    payments = advert_payments(context, "counterparty").with_columns(
        known=pl.len().over(platform) >= p.min_payments,
        median_minor=pl.col("amount_minor").median().over(platform),
        premium_minor=pl.col("amount_minor").quantile(p.price_quantile, "linear").over(platform),
    )
    amount = pl.col("amount_minor")
    premium = with_rows(
        payments.filter("known", amount >= pl.col("premium_minor"), amount > pl.col("median_minor")),
        p.min_count,
    )
    windows = tally(
        premium, days(p.window_days), sums={"payment_count": pl.lit(1), "sum_minor": amount}
    ).filter(pl.col("payment_count") >= p.min_count)
    few = lacking(
        payments.filter(~pl.col("known")), p.min_count, f"{p.min_payments} payments to the platform"
    )
    return Outcome(windows, premium.select(EVIDENCE), few)


ADS_07 = Indicator(
    id="HT-ADS-07",
    name="Premium placement",
    role="PC",
    weight="W",
    source="FINTRAC-2021-OA001, general list (frequent payments of premium fees)",
    evidence="V1, D",
    parameters=Premium(),
    values=(Value("payment_count", "count", ">=", "min_count"), Value("sum_minor", "money")),
    fact="{payment_count} advert payments at the top of the platform's prices within {window_days} days, "
    "{sum} in all",
    caution="independents who do well",
    find=find_premium,
    needs=("merchant",),
    uses_peers=True,
)


# ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ForeignSites:
    """Parameters of HT-ADS-08."""

    window_days: float = parameter(30.0, "one month; D", low=0.1)
    min_count: int = parameter(5, "advert payments abroad (`frequent`); D", stricter="higher", low=1)


def find_foreign_sites(context: Context, p: ForeignSites) -> Outcome:
    """Advert payments to platforms abroad.

    In 30 days 5 or more advert payments in a country other than the holder's. Countries are compared as their
    two letters.
    """
    known = ("country",) if "country" in context.ledger.legs.columns else ()
    payments = advert_payments(context, *known)
    if not known:  # the holders' countries alone
        payments = payments.with_columns(country=pl.lit(None, pl.String))
    home = context.accounts.select("account", home=_letters("country"))
    payments = payments.join(home, on="account", how="left", maintain_order="left").with_columns(
        place=_letters("country")
    )
    abroad = with_rows(payments.filter(pl.col("place") != pl.col("home")), p.min_count)
    windows = tally(
        abroad,
        days(p.window_days),
        sums={"payment_count": pl.lit(1), "sum_minor": pl.col("amount_minor")},
        distinct={"country_count": pl.col("place")},
    ).filter(pl.col("payment_count") >= p.min_count)
    unknown = [
        lacking(payments.filter(pl.col(name).is_null()), p.min_count, field)
        for name, field in (("place", "country"), ("home", "country of the holder"))
    ]
    return Outcome(windows, abroad.select(EVIDENCE), pl.concat(unknown))


def _letters(country: str) -> pl.Expr:
    """A country's two letters in capitals; null for an empty text."""
    letters = pl.col(country).cast(pl.String).str.strip_chars().str.to_uppercase()
    return pl.when(letters != "").then(letters)


ADS_08 = Indicator(
    id="HT-ADS-08",
    name="Classified sites abroad",
    role="NET",
    weight="W",
    source="FinCEN FIN-2020-A008, financial indicator 7; GAO-21-385 (platforms moved overseas, so that this "
    "is common now)",
    evidence="V1, V2, D",
    parameters=ForeignSites(),
    values=(
        Value("payment_count", "count", ">=", "min_count"),
        Value("country_count", "count"),
        Value("sum_minor", "money"),
    ),
    fact="{payment_count} advert payments in {country_count} foreign countries within {window_days} days, "
    "{sum} in all",
    caution="everybody whose platform is paid through a company abroad: the country is often that of the "
    "payment company",
    find=find_foreign_sites,
    needs=("merchant", "country"),
)


# ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class JustFunded:
    """Parameters of HT-ADS-09."""

    within_hours: float = parameter(24.0, "receipt to advert payment; D", stricter="lower", low=0)
    min_share: float = parameter(
        0.7, "of the advert payments are so funded; D", stricter="higher", low=0, high=1
    )
    min_count: int = parameter(4, "advert payments so funded; D", stricter="higher", low=1)
    window_days: float = parameter(30.0, "one month; D", low=0.1)


def find_just_funded(context: Context, p: JustFunded) -> Outcome:
    """Adverts are paid with money that others, or cash, brought in just before.

    In 30 days 4 or more advert payments, and 0.7 or more of them all, are paid in full with money that came
    from persons or in cash at most 24 hours before. Money is used first in, first out over everything that
    the person's accounts have seen, so that a payment out of older means does not count; the balance before
    the first booking is unknown and taken to be spent.
    """
    payers = advert_payments(context)["account"].unique().to_numpy()
    legs = context.legs(
        pl.lit(True),
        "is_credit",
        "amount_minor",
        "channel",
        "counterparty",
        "kinds",
        person=True,
        own=False,
        accounts=np.isin(context.persons, context.persons[payers]),
    ).with_columns(
        moved_minor="amount_minor",
        is_advert=IS_ADVERT_PAYMENT,
        is_given=IS_CREDIT & (IS_CASH | is_personal(context)),
    )
    ordered, pieces = allocate(legs, EVER)
    given = ordered.filter("is_given").select(in_leg="leg", in_at="booked_at")
    fresh = (
        pieces.filter(pl.col("dwell_us") <= hours(p.within_hours))
        .join(given, on="in_leg")
        .group_by("out_leg")
        .agg(funded_minor=pl.col("piece_minor").sum(), in_at=pl.col("in_at").min())
    )
    payments = (
        ordered.join(fresh, left_on="leg", right_on="out_leg", how="left", maintain_order="left")
        .filter("is_advert")
        .with_columns(is_funded=(pl.col("funded_minor") >= pl.col("moved_minor")).fill_null(False))
    )
    payments = payments.filter(pl.col("is_funded").sum().over("subject") >= p.min_count)
    windows = (
        tally(
            payments,
            days(p.window_days),
            sums={
                "payment_count": pl.lit(1),
                "funded_count": pl.col("is_funded"),
                "sum_minor": pl.col("moved_minor"),
            },
        )
        .with_columns(funded_share=pl.col("funded_count") / pl.col("payment_count"))
        .filter(pl.col("funded_count") >= p.min_count, pl.col("funded_share") >= p.min_share)
    )
    used = pl.concat([payments.select(EVIDENCE), ordered.filter("is_given").select(EVIDENCE)])
    return Outcome(reaching_back(windows, payments["in_at"]), used)


ADS_09 = Indicator(
    id="HT-ADS-09",
    name="Adverts paid with money just received",
    role="PV",
    weight="M",
    source="FINTRAC-2021-OA001 (transfers and prepaid cards fund running costs); FINTRAC Project Protect "
    "indicators (accounts kept depleted)",
    evidence="V1, D",
    parameters=JustFunded(),
    values=(
        Value("funded_count", "count", ">=", "min_count"),
        Value("funded_share", "share", ">=", "min_share"),
        Value("payment_count", "count"),
        Value("sum_minor", "money"),
    ),
    fact="{funded_count} of {payment_count} advert payments within {window_days} days were paid with money "
    "that others or cash brought in at most {within_hours} hours before, {sum} in all",
    caution="students and gig workers who live from hand to mouth",
    find=find_just_funded,
    needs=("merchant",),
)


# ----------------------------------------------------------------------------------------------------

PREPAID, CRYPTO, SPENT = 0, 1, 2  # the three steps of a chain


@kernel
def chain(subject, instant, amount, step, low, high, first_wait, second_wait):  # type: ignore[no-untyped-def]
    """Chains of steps 0, 1 and 2, each row used once, the oldest first.

    A step 1 of `low` to `high` times the amount follows step 0 by at most `first_wait`; a step 2 follows that
    by at most `second_wait`. Returns per row the step 1 that a step 2 follows, and the step 0 that a step 1
    follows; -1 where there is none.
    """
    size = len(subject)
    bought = np.full(size, -1, np.int64)
    spent = np.full(size, -1, np.int64)
    taken = np.zeros(size, np.bool_)
    starts = np.empty(size, np.int64)  # steps 0 and chained steps 1 of this subject, oldest first
    middles = np.empty(size, np.int64)
    start_head = start_end = middle_head = middle_end = 0
    for row in range(size):
        if row == 0 or subject[row] != subject[row - 1]:
            start_head, middle_head = start_end, middle_end
        if step[row] == 0:
            starts[start_end] = row
            start_end += 1
        elif step[row] == 1:
            while start_head < start_end and (
                taken[starts[start_head]] or instant[row] - instant[starts[start_head]] > first_wait
            ):
                start_head += 1
            for place in range(start_head, start_end):
                origin = starts[place]
                share = amount[row] / amount[origin]
                if not taken[origin] and low <= share <= high:
                    bought[row] = origin
                    taken[origin] = True
                    middles[middle_end] = row
                    middle_end += 1
                    break
        else:
            while middle_head < middle_end and instant[row] - instant[middles[middle_head]] > second_wait:
                middle_head += 1
            if middle_head < middle_end:
                spent[row] = middles[middle_head]
                middle_head += 1
    return spent, bought


@dataclass(frozen=True)
class PrepaidChain:
    """Parameters of HT-ADS-10."""

    buy_days: float = parameter(3.0, "prepaid purchase to crypto purchase; D", stricter="lower", low=0)
    spend_days: float = parameter(3.0, "crypto purchase to advert payment; D", stricter="lower", low=0)
    low_share: float = parameter(
        0.8, "of the prepaid amount goes into crypto; D", stricter="higher", low=0.01, high=1
    )
    high_share: float = parameter(1.05, "of it at most; D", low=1)
    min_count: int = parameter(2, "chains; D", stricter="higher", low=1)
    window_days: float = parameter(60.0, "two months; D", low=0.1)


def find_prepaid_chain(context: Context, p: PrepaidChain) -> Outcome:
    """A prepaid card is bought, turned into crypto-assets and then into adverts.

    In 60 days 2 or more chains, over all accounts of a person: a prepaid purchase or load, within 3 days
    a purchase of crypto-assets of 0.8 to 1.05 of it, within 3 days of that a payment to an advertising
    platform or to a company that collects payments for others. Each payment belongs to one chain.
    """
    is_spent = of_kind("advert", "payment_processor") & ~IS_CREDIT
    is_crypto = (of_kind("crypto") | (pl.col("channel") == "crypto")) & ~IS_CREDIT
    is_prepaid = (of_kind("prepaid") & ~of_kind("telecom") & ~IS_CREDIT) | (
        (pl.col("channel") == "prepaid") & IS_CREDIT
    )
    columns = ("is_credit", "amount_minor", "channel", "kinds")
    legs = context.legs(is_spent | is_crypto | is_prepaid, *columns, person=True).with_columns(
        step=pl.when(is_spent).then(SPENT).when(is_crypto).then(CRYPTO).otherwise(PREPAID).cast(pl.Int64)
    )
    steps = (((pl.col("step") == step).sum().over("subject") >= p.min_count) for step in range(3))
    # Where only the date is known, the steps of one day may follow each other.
    legs = legs.filter(*steps, pl.col("amount_minor") > 0).sort(
        "subject", "booked_at", "step", maintain_order=True
    )
    spent, bought = chain(
        frozen(legs["subject"].cast(pl.UInt64).to_numpy()),
        frozen(legs["booked_at"].cast(pl.Int64).to_numpy()),
        frozen(legs["amount_minor"].to_numpy()),
        frozen(legs["step"].to_numpy()),
        # A hair of slack: 0.8 of an amount is inside although 0.8 is no binary number.
        p.low_share - 1e-12,
        p.high_share + 1e-12,
        days(p.buy_days),
        days(p.spend_days),
    )
    last = np.flatnonzero(spent >= 0)
    middle = spent[last]
    first = bought[middle]
    ends = legs[last].with_columns(
        begun_at=legs["booked_at"].gather(first),
        bought_minor=legs["amount_minor"].gather(middle),
    )
    windows = tally(
        ends,
        days(p.window_days),
        sums={"chain_count": pl.lit(1), "bought_minor": pl.col("bought_minor")},
    ).filter(pl.col("chain_count") >= p.min_count)
    used = legs[np.sort(np.concatenate([first, middle, last]))]
    return Outcome(reaching_back(windows, ends["begun_at"]), used.select(EVIDENCE))


ADS_10 = Indicator(
    id="HT-ADS-10",
    name="Prepaid card to crypto-assets to adverts",
    role="PC",
    weight="S",
    source="FinCEN FIN-2020-A008, case study 2; FATF/APG, Financial Flows from Human Trafficking (2018)",
    evidence="V1, V2, D",
    parameters=PrepaidChain(),
    values=(Value("chain_count", "count", ">=", "min_count"), Value("bought_minor", "money")),
    fact="{chain_count} times within {window_days} days a prepaid card was turned into crypto-assets and "
    "then into an advert payment or one through a payment company, {bought} of crypto-assets in all",
    caution="users of crypto-assets without a bank account; rare otherwise",
    find=find_prepaid_chain,
    needs=("merchant",),
)


# ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class MachineRegular:
    """Parameters of HT-ADS-13."""

    window_days: float = parameter(14.0, "two weeks; D", low=0.1)
    min_per_day: int = parameter(15, "advert payments on one day; D", stricter="higher", low=2)
    min_days: int = parameter(3, "such days; D", stricter="higher", low=1)
    max_gap_cv: float = parameter(
        0.25,
        "spread of the gaps over their mean, 1 by chance; D",
        stricter="lower",
        low=0,
    )
    min_count: int = parameter(20, "payments before gaps are judged; D", stricter="higher", low=3)


def find_machine_regular(context: Context, p: MachineRegular) -> Outcome:
    """Adverts are paid for in masses, or with the regularity of a machine.

    In 14 days 15 or more advert payments on each of 3 or more days; or 20 or more payments whose gaps vary by
    less than 0.25 of their mean. Gaps need the time of day. Monthly renewals cannot show either.
    """
    rows = advert_payments(context, "local_day", "has_time").with_columns(
        fills_day=pl.int_range(1, pl.len() + 1).over("subject", "local_day") == p.min_per_day
    )
    many = tally(
        with_rows(rows, p.min_per_day * p.min_days),
        days(p.window_days),
        sums={"payment_count": pl.lit(1), "day_count": pl.col("fills_day")},
    )
    timed = with_rows(rows.filter("has_time"), p.min_count)
    even = gap_variation(
        timed,
        tally(timed, days(p.window_days), sums={"payment_count": pl.lit(1), "day_count": pl.lit(0)}),
    )
    windows = pl.concat(
        [
            # Of the two, only what holds is told.
            many.filter(pl.col("day_count") >= p.min_days).with_columns(gap_cv=pl.lit(None, pl.Float64)),
            even.filter(pl.col("payment_count") >= p.min_count, pl.col("gap_cv") < p.max_gap_cv).with_columns(
                day_count=pl.lit(None, pl.Int64)
            ),
        ]
    )
    return Outcome(
        windows, rows.select(EVIDENCE), lacking(rows.filter(~pl.col("has_time")), p.min_count, "time")
    )


ADS_13 = Indicator(
    id="HT-ADS-13",
    name="Mass or machine-regular posting",
    role="PC",
    weight="M",
    source="Portnoff et al., Backpage and Bitcoin, KDD 2017, introduction (high ad output rate)",
    evidence="V1, D",
    parameters=MachineRegular(),
    values=(
        Value("payment_count", "count"),
        Value("day_count", "count", ">=", "min_days"),
        Value("gap_cv", "ratio", "<", "max_gap_cv"),
    ),
    fact="{payment_count} advert payments within {window_days} days, {min_per_day} or more on several days "
    "or at gaps as even as a machine's",
    caution="dealers who list their stock, and posting software",
    find=find_machine_regular,
    needs=("merchant",),
)


# ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class NightAnonymous:
    """Parameters of HT-ADS-18."""

    window_days: float = parameter(14.0, "two weeks; D", low=0.1)
    min_count: int = parameter(6, "advert payments with a local hour; D", stricter="higher", low=1)
    min_night_share: float = parameter(
        0.5, "of them between 22:00 and 06:00 local time; D", stricter="higher", low=0, high=1
    )
    min_anonymous_share: float = parameter(
        0.5, "of them by prepaid or gift card, crypto-asset or payment company; D", stricter="higher", low=0,
        high=1,
    )  # fmt: skip


def find_night_anonymous(context: Context, p: NightAnonymous) -> Outcome:
    """Adverts are paid for at night, by means that do not name the payer.

    In 14 days 6 or more advert payments, half or more of them between 22:00 and 06:00 local time, and half or
    more of them by prepaid card, gift card, crypto-assets or a company that collects payments. Payments
    without a local hour are left out.
    """
    rows = advert_payments(context, "local_hour", "channel", "kinds")
    anonymous = pl.col("channel").is_in(["prepaid", "crypto"]) | of_kind(
        "prepaid", "gift_card", "crypto", "payment_processor"
    )
    known = with_rows(rows.filter(pl.col("local_hour").is_not_null()), p.min_count)
    windows = (
        tally(
            known,
            days(p.window_days),
            sums={
                "payment_count": pl.lit(1),
                "night_count": IS_NIGHT,
                "anonymous_count": anonymous,
                "sum_minor": pl.col("amount_minor"),
            },
        )
        .with_columns(
            night_share=pl.col("night_count") / pl.col("payment_count"),
            anonymous_share=pl.col("anonymous_count") / pl.col("payment_count"),
        )
        .filter(
            pl.col("payment_count") >= p.min_count,
            pl.col("night_share") >= p.min_night_share,
            pl.col("anonymous_share") >= p.min_anonymous_share,
        )
    )
    unknown = lacking(rows.filter(pl.col("local_hour").is_null()), p.min_count, "local_hour")
    return Outcome(windows, known.select(EVIDENCE), unknown)


ADS_18 = Indicator(
    id="HT-ADS-18",
    name="Anonymous advert payments at night",
    role="NET",
    weight="M",
    source="FINTRAC Project Protect indicators (anonymous purchases online; 22:00 to 06:00); FinCEN "
    "FIN-2020-A008 (alternative payment methods)",
    evidence="V1, D",
    parameters=NightAnonymous(),
    values=(
        Value("payment_count", "count", ">=", "min_count"),
        Value("night_share", "share", ">=", "min_night_share"),
        Value("anonymous_share", "share", ">=", "min_anonymous_share"),
        Value("sum_minor", "money"),
    ),
    fact="{payment_count} advert payments within {window_days} days, {night_share} of them at night and "
    "{anonymous_share} by means that do not name the payer",
    caution="people who work at night, and users of crypto-assets",
    find=find_night_anonymous,
    needs=("merchant", "local_hour"),
)


INDICATORS = (ADS_01, ADS_07, ADS_08, ADS_09, ADS_10, ADS_13, ADS_18)
