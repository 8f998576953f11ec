"""Premises and fronts (HT-RES, HT-FRT): rents and rates of several places, and businesses that are none.

What a payment was for is read off merchant category, payee and text (finpat.vocabulary). Windows belong to
the person or business that holds the accounts.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from finpat.compiled import frozen, kernel
from finpat.indicators.base import Indicator, Outcome, Value, parameter
from finpat.indicators.context import IS_CASH, IS_CREDIT, SMALLEST_PEER_GROUP, Context, days, hours
from finpat.indicators.labour import accounts_of, takings
from finpat.indicators.parties import is_personal, with_payer
from finpat.indicators.receipts import holder_types
from finpat.indicators.structuring import EVIDENCE
from finpat.indicators.tallies import lacking, tally
from finpat.indicators.windows import Timeline, allocate, with_rows
from finpat.places import normalised
from finpat.vocabulary import of_kind


def _month(local_day: str = "local_day") -> pl.Expr:
    """The calendar month of a local day, as its first date."""
    return pl.col(local_day).cast(pl.Date).dt.truncate("1mo")


# ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class SeveralRents:
    """Parameters of HT-RES-01."""

    min_landlords: int = parameter(3, "landlords in one calendar month; D", stricter="higher", low=2)
    min_months: int = parameter(2, "such months; D", stricter="higher", low=1)
    window_days: float = parameter(365.0, "the months lie within; chosen", low=31)


def find_several_rents(context: Context, p: SeveralRents) -> Outcome:
    """One person pays rent for several flats.

    In 365 days 2 or more calendar months in which rent goes from personal accounts to 3 or more landlords.
    Landlords whose account is unknown are left out.
    """
    rents = context.legs(
        of_kind("rent") & ~IS_CREDIT & context.counterparty_known(),
        "amount_minor",
        "counterparty",
        "local_day",
        person=True,
        own=False,
    )
    rents = with_payer(context, holder_types(context, rents)).rename({"payer": "landlord"})
    rents = rents.with_columns(month=_month())
    month = ["subject", "month"]
    rents = rents.filter(pl.col("landlord").n_unique().over(month) >= p.min_landlords)
    personal = rents.filter(pl.col("holder_type") == "person")
    # The month counts from the payment on that names its last landlord of several.
    nth = personal.unique([*month, "landlord"], keep="first", maintain_order=True).with_columns(
        nth=pl.int_range(1, pl.len() + 1).over(month)
    )
    reached = personal.join(
        nth.filter(pl.col("nth") == p.min_landlords).select(*month, "row", reaches=pl.lit(True)),
        on=[*month, "row"],
        how="left",
        maintain_order="left",
    ).with_columns(pl.col("reaches").fill_null(False))
    windows = tally(
        reached,
        days(p.window_days),
        sums={"month_count": pl.col("reaches"), "sum_minor": pl.col("amount_minor")},
        distinct={"landlord_count": pl.col("landlord")},
    ).filter(pl.col("month_count") >= p.min_months)
    unknown = lacking(rents.filter(pl.col("holder_type").is_null()), p.min_months, "holder_type")
    return Outcome(windows, personal.select(EVIDENCE), unknown)


RES_01 = Indicator(
    id="HT-RES-01",
    name="Rent for several flats",
    role="PC",
    weight="M",
    source="FINTRAC-2021-OA001, private-residence section (one party for several apartments in a month)",
    evidence="V1, D",
    parameters=SeveralRents(),
    values=(
        Value("month_count", "count", ">=", "min_months"),
        Value("landlord_count", "count", ">=", "min_landlords"),
        Value("sum_minor", "money"),
    ),
    fact="rent went to {landlord_count} landlords within {window_days} days, to {min_landlords} or more in "
    "each of {month_count} calendar months, {sum} in all",
    caution="parents who pay for their children, and people who move house",
    find=find_several_rents,
    needs=("merchant", "holder_type"),
)


# ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class SeveralTowns:
    """Parameters of HT-RES-02."""

    min_towns: int = parameter(2, "municipalities; D", stricter="higher", low=1)
    window_days: float = parameter(365.0, "one year; D", low=1)


def find_several_towns(context: Context, p: SeveralTowns) -> Outcome:
    """Property tax, electricity or water is paid in several municipalities.

    In 365 days such payments in 2 or more cities, one or more of which is named in no address of the holder.
    """
    paid = context.legs(of_kind("property_tax", "utility") & ~IS_CREDIT, "city", "amount_minor", person=True)
    town = pl.format(" {} ", normalised(pl.col("city").cast(pl.String)))
    person = pl.Series("person", context.persons, dtype=pl.UInt32)
    address = pl.format(" {} ", normalised(pl.col("address").cast(pl.String)))
    homes = (
        context.accounts.select("account", person=person)
        .with_columns(context.accounts.select(address=address))
        .with_columns(addresses=pl.col("address").drop_nulls().sort().str.join(" | ").over("person"))
    )
    placed = (
        paid.filter(pl.col("city").is_not_null())
        .with_columns(town=town)
        .join(homes.select("account", "addresses"), on="account", how="left", maintain_order="left")
        .with_columns(pl.col("addresses").replace("", None))
    )
    elsewhere = ~pl.col("addresses").str.contains(pl.col("town"), literal=True)
    windows = tally(
        placed.filter(pl.col("addresses").is_not_null()),
        days(p.window_days),
        sums={"payment_count": pl.lit(1), "sum_minor": pl.col("amount_minor")},
        distinct={"town_count": pl.col("town"), "foreign_count": pl.when(elsewhere).then("town")},
    ).filter(pl.col("town_count") >= p.min_towns, pl.col("foreign_count") >= 1)
    unknown = placed.filter(
        pl.col("addresses").is_null(), pl.col("town").n_unique().over("subject") >= p.min_towns
    )
    unplaced = paid.filter(pl.col("city").is_null())
    return Outcome(
        windows,
        placed.select(EVIDENCE),
        pl.concat([lacking(unknown, 1, "address"), lacking(unplaced, p.min_towns, "city")]),
    )


RES_02 = Indicator(
    id="HT-RES-02",
    name="Rates in several municipalities",
    role="PC",
    weight="W",
    source="FINTRAC-2021-OA001, private-residence list (property tax and utilities)",
    evidence="V1, D",
    parameters=SeveralTowns(),
    values=(
        Value("town_count", "count", ">=", "min_towns"),
        Value("foreign_count", "count"),
        Value("payment_count", "count"),
        Value("sum_minor", "money"),
    ),
    fact="property tax or utilities were paid in {town_count} municipalities within {window_days} days, "
    "{foreign_count} of them in no address of the holder",
    caution="landlords, and people with a second home",
    find=find_several_towns,
    needs=("merchant", "city", "address"),
)


# ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class AfterHours:
    """Parameters of HT-FRT-01."""

    min_share: float = parameter(
        0.3, "of the card receipts outside business hours; D", stricter="higher", low=0, high=1
    )
    min_count: int = parameter(10, "of them; D", stricter="higher", low=1)
    min_days: int = parameter(10, "dates with one; D", stricter="higher", low=1)
    window_days: float = parameter(30.0, "one month; D", low=0.1)
    odd_share: float = parameter(
        0.1,
        "of peers' receipts fall into the hours that count as outside (below the 5th and above the 95th "
        "percentile)",
        stricter="lower",
        low=0,
        high=0.5,
    )


def odd_hours(takings: pl.DataFrame, odd_share: float) -> pl.DataFrame:
    """Hours in which the businesses of one category take least: merchant_category, local_hour, peers.

    takings: account, merchant_category, local_hour. Each business weighs the same. The hours are the emptiest
    ones, which together hold `odd_share` of the takings or less; so a trade that runs past midnight has none
    cut out of its night. peers: businesses of the category.
    """
    hours = pl.DataFrame({"local_hour": range(24)}, schema={"local_hour": pl.Int8})
    spread = (
        takings.group_by("merchant_category", "account", "local_hour")
        .len()
        .with_columns(share=pl.col("len") / pl.col("len").sum().over("merchant_category", "account"))
    )
    peers = spread.group_by("merchant_category").agg(peers=pl.col("account").n_unique())
    return (
        peers.join(hours, how="cross")
        .join(
            spread.group_by("merchant_category", "local_hour").agg(pl.col("share").sum()),
            on=["merchant_category", "local_hour"],
            how="left",
        )
        # Rounded, since sums in another order differ in their last digits.
        .with_columns(share=(pl.col("share").fill_null(0.0) / pl.col("peers")).round(9))
        .sort("merchant_category", "share", "local_hour")
        .filter(pl.col("share").cum_sum().over("merchant_category") <= odd_share)
        .select("merchant_category", "local_hour", "peers")
    )


def find_after_hours(context: Context, p: AfterHours) -> Outcome:
    """A business takes cards when businesses of its kind are closed.

    In 30 days 10 or more card receipts, on 10 or more dates, and 0.3 or more of all of them, fall into the
    hours in which businesses of the same merchant category take least: together 0.1 of their receipts or
    less. Receipts without a local hour are left out; categories with fewer than 30 businesses are not judged.
    """
    legs = context.legs(
        IS_CREDIT & (pl.col("channel") == "card"),
        "local_hour",
        "local_day",
        "merchant_category",
        "amount_minor",
        person=True,
    )
    legs = holder_types(context, legs).filter(pl.col("holder_type") == "business")
    legs = with_rows(legs.with_columns(pl.col("merchant_category").cast(pl.String)), p.min_count)
    known = legs.drop_nulls(["local_hour", "merchant_category"])
    size = known.group_by("merchant_category").agg(peers=pl.col("account").n_unique())
    judged = known.join(
        size.filter(pl.col("peers") >= SMALLEST_PEER_GROUP), on="merchant_category", maintain_order="left"
    )
    odd = odd_hours(judged, p.odd_share).select("merchant_category", "local_hour", is_odd=pl.lit(True))
    judged = judged.join(
        odd, on=["merchant_category", "local_hour"], how="left", maintain_order="left"
    ).with_columns(pl.col("is_odd").fill_null(False))
    windows = (
        tally(
            judged,
            days(p.window_days),
            sums={
                "receipt_count": pl.lit(1),
                "odd_count": pl.col("is_odd"),
                "odd_minor": pl.when("is_odd").then("amount_minor"),
            },
            distinct={"day_count": pl.when("is_odd").then("local_day")},
        )
        .with_columns(odd_share_found=pl.col("odd_count") / pl.col("receipt_count"))
        .filter(
            pl.col("odd_count") >= p.min_count,
            pl.col("day_count") >= p.min_days,
            pl.col("odd_share_found") >= p.min_share,
        )
    )
    small = known.join(judged.select("account").unique(), on="account", how="anti")
    unjudged = [
        lacking(small, p.min_count, f"peer group of {SMALLEST_PEER_GROUP} businesses"),
        *(
            lacking(legs.filter(pl.col(name).is_null()), p.min_count, name)
            for name in ("local_hour", "merchant_category")
        ),
    ]
    return Outcome(windows, judged.filter("is_odd").select(EVIDENCE), pl.concat(unjudged))


FRT_01 = Indicator(
    id="HT-FRT-01",
    name="Card receipts after hours",
    role="BIZ",
    weight="S",
    source="FINTRAC Project Protect indicators, row 7; FINTRAC-2021-OA001, storefront list; FinCEN "
    "FIN-2020-A008, financial indicator 3",
    evidence="V1, D",
    parameters=AfterHours(),
    values=(
        Value("odd_count", "count", ">=", "min_count"),
        Value("odd_share_found", "share", ">=", "min_share"),
        Value("day_count", "count", ">=", "min_days"),
        Value("receipt_count", "count"),
        Value("odd_minor", "money"),
    ),
    fact="{odd_count} of {receipt_count} card receipts within {window_days} days, on {day_count} days, came "
    "at hours at which businesses of its kind hardly take any, {odd} in all",
    caution="terminals in another time zone, and receipts that are booked in batches",
    find=find_after_hours,
    needs=("local_hour", "merchant_category", "holder_type"),
    uses_peers=True,
)


# ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class CashOnly:
    """Parameters of HT-FRT-02."""

    min_count: int = parameter(8, "cash deposits; D", stricter="higher", low=1)
    window_days: float = parameter(60.0, "two months; D", stricter="", low=0.1)


def find_cash_only(context: Context, p: CashOnly) -> Outcome:
    """Cash is paid in again and again, and nothing that a living or a business brings in otherwise.

    In 60 days 8 or more cash deposits, and no transfer, card receipt or wage comes in.
    """
    ordinary = pl.col("channel").is_in(["transfer", "card", "cheque"]) | of_kind("payroll", "benefit")
    credits = context.legs(
        IS_CREDIT & (IS_CASH | ordinary), "channel", "amount_minor", person=True, own=False
    )
    cash = pl.col("channel").is_in(["cash", "atm"])
    credits = credits.filter(cash.sum().over("subject") >= p.min_count)
    windows = tally(
        credits,
        days(p.window_days),
        sums={
            "deposit_count": cash,
            "other_count": ~cash,
            "sum_minor": pl.when(cash).then("amount_minor"),
        },
    ).filter(pl.col("deposit_count") >= p.min_count, pl.col("other_count") == 0)
    return Outcome(windows, credits.filter(cash).select(EVIDENCE))


FRT_02 = Indicator(
    id="HT-FRT-02",
    name="Cash and nothing else",
    role="NET",
    weight="M",
    source="FinCEN FIN-2020-A008, financial indicator 4",
    evidence="V1, D",
    parameters=CashOnly(),
    values=(Value("deposit_count", "count", ">=", "min_count"), Value("sum_minor", "money")),
    fact="{deposit_count} cash deposits of {sum} in all within {window_days} days, and no transfer, card "
    "receipt or wage",
    caution="market traders, and old people who save their cash",
    find=find_cash_only,
)


# ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Takings:
    """Parameters of HT-FRT-03."""

    min_multiple: float = parameter(2.5, "of what peers take in; U", stricter="higher", low=0.1)
    window_days: float = parameter(90.0, "three months", low=1)


FOOTPRINT = of_kind("payroll", "rent", "utility")
BUSINESS_PEERS = f"peer group of {SMALLEST_PEER_GROUP} businesses"


def trades(context: Context) -> pl.DataFrame:
    """The trade of each business: account, merchant_category, the commonest of its holder's receipts.

    Of equally common ones the smallest; accounts whose receipts have none are left out.
    """
    receipts = context.legs(
        IS_CREDIT & pl.col("merchant_category").is_not_null(),
        "merchant_category",
        accounts=accounts_of(context, "business"),
    )
    person = pl.Series("person", context.persons, dtype=pl.UInt32)
    of_account = context.accounts.select("account", person)
    return (
        receipts.join(of_account, on="account")
        .group_by("person", pl.col("merchant_category").cast(pl.String))
        .len()
        .sort("person", "len", "merchant_category", descending=[False, True, False])
        .unique("person", keep="first", maintain_order=True)
        .join(of_account, on="person")
        .select("account", "merchant_category")
    )


def footprints(context: Context, window_days: float) -> tuple[pl.DataFrame, pl.DataFrame]:
    """`labour.takings` with merchant_category (null: unknown) and cost_minor: wages, rent, utilities paid."""
    windows, rows = takings(context, window_days)
    costs = context.legs(~IS_CREDIT & FOOTPRINT, "amount_minor", person=True)
    end = windows["window_end"].cast(pl.Int64).to_numpy()
    paid = Timeline.of(costs).total(
        costs["amount_minor"].to_numpy(), windows["subject"].to_numpy(), end - days(window_days), end
    )
    return (
        windows.with_columns(cost_minor=pl.Series(paid, dtype=pl.Int64)).join(
            trades(context), on="account", how="left", maintain_order="left"
        ),
        rows,
    )


def find_takings(context: Context, p: Takings) -> Outcome:
    """A business takes in much more than its trade, and has less staff and premises than its trade.

    Within 90 days a business takes in 2.5 times or more of what businesses of the same merchant category and
    currency reach at their highest (their median), and pays less for wages, rent and utilities in the same
    days than they do (the median of what they pay in their best 90 days). It has been there for all of the 90
    days. The trade is the commonest merchant category of the receipts; trades of fewer than 30 businesses are
    not judged.
    """
    key = ["merchant_category", "currency"]

    def best(part: Context) -> pl.DataFrame:
        known = footprints(part, p.window_days)[0].drop_nulls("merchant_category")
        return (
            known.sort("subject", "inflow_minor", "window_end", descending=[False, True, False])
            .unique("subject", keep="first", maintain_order=True)
            .select("account", *key, "inflow_minor", "cost_minor")
        )

    def medians() -> pl.DataFrame:
        return (
            context.over_slices(("best takings", p.window_days), best)
            .group_by(key)
            .agg(
                peers=pl.len(),
                peer_takings=pl.col("inflow_minor").median(),
                peer_cost=pl.col("cost_minor").median(),
            )
        )

    peers = context.whole.once(("peers of takings", p.window_days), medians)
    windows, rows = footprints(context, p.window_days)
    held = windows.join(peers, on=key, how="left", maintain_order="left").with_columns(
        bound_minor=p.min_multiple * pl.col("peer_takings")
    )
    enough = pl.col("peers") >= SMALLEST_PEER_GROUP
    unjudged = [
        held.filter(which).select("account", missing_field=pl.lit(field)).unique()
        for which, field in (
            (pl.col("merchant_category").is_null(), "merchant_category"),
            (~enough, BUSINESS_PEERS),
        )
    ]
    found = held.filter(
        enough,
        pl.col("inflow_minor") >= pl.col("bound_minor"),
        pl.col("cost_minor") < pl.col("peer_cost"),
    )
    return Outcome(found, rows.select(EVIDENCE), pl.concat(unjudged))


FRT_03 = Indicator(
    id="HT-FRT-03",
    name="Takings exceed the footprint",
    role="BIZ",
    weight="M",
    source="FinCEN FIN-2020-A008, financial indicator 3; FinCEN FIN-2023-Alert001, red flag 6",
    evidence="V1, U",
    parameters=Takings(),
    values=(
        Value("inflow_minor", "money", ">=", "bound_minor"),
        Value("cost_minor", "money", "<", "peer_cost"),
    ),
    fact="a business took in {inflow} within {window_days} days, {min_multiple} times or more of what its "
    "trade does, and paid {cost} for staff, rent and utilities, less than its trade does",
    caution="a shop that is suddenly in fashion, and businesses whose other bank pays the bills",
    find=find_takings,
    needs=("merchant_category", "holder_type"),
    uses_peers=True,
    across=False,
)


# ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Parked:
    """Parameters of HT-FRT-04."""

    min_share: float = parameter(
        0.8, "of an inflow goes to the business, and of that on; D", stricter="higher", low=0.01, high=1
    )
    within_hours: float = parameter(24.0, "inflow to payment to the business; D", stricter="", low=0)
    out_within_hours: float = parameter(72.0, "until the business has paid it out; D", stricter="", low=0)
    min_count: int = parameter(3, "inflows that take this way; D", stricter="higher", low=1)
    window_days: float = parameter(30.0, "one month; D", low=0.1)


def find_parked(context: Context, p: Parked) -> Outcome:
    """What persons and cash bring into a personal account is parked in a business and drained from there.

    In 30 days 3 or more inflows from persons or of cash, of each of which 0.8 or more goes from the personal
    account to one business account within 24 hours, in payments of which the business pays 0.8 or more on to
    persons or in cash within 72 hours; all first in, first out. Both accounts have to be held here, and the
    payment has to be one row or two rows of one instant.
    """
    held = {kind: accounts_of(context, kind) for kind in ("person", "business")}
    parties = {kind: pl.Series(context.party_of_account[held[kind]]).implode() for kind in held}
    brought = IS_CREDIT & (is_personal(context) | IS_CASH)
    parks = ~IS_CREDIT & pl.col("counterparty").is_in(parties["business"])
    parked_in = IS_CREDIT & pl.col("counterparty").is_in(parties["person"])
    drains = ~IS_CREDIT & (is_personal(context) | IS_CASH) & ~of_kind("payroll")
    # Who paid whom, when and how much, names the two legs of one payment, whether in one row or in two.
    first = _passed(context, held["person"], brought, parks, p.within_hours).rename(
        {name: name.replace("out_", "pay_") for name in ("out_party", "out_at", "out_row", "out_minor")}
    )
    second = _passed(context, held["business"], parked_in, drains, p.out_within_hours).select(
        "out_at", "out_row", business="account", credit_leg="in_leg", payer_party="in_party", pay_at="in_at",
        credit_row="in_row", pay_minor="in_minor", drained_minor="piece_minor",
    )  # fmt: skip
    drained = (
        second.group_by("credit_leg", "business", "payer_party", "pay_at", "pay_minor")
        .agg(pl.col("drained_minor").sum(), drained_at=pl.col("out_at").max())
        .filter(pl.col("drained_minor") >= p.min_share * pl.col("pay_minor") - 1e-6)
        .sort("credit_leg")
    )
    accounts = pl.DataFrame({"party": context.party_of_account}).with_row_index("code")
    first = first.join(accounts, left_on="pay_party", right_on="party").rename({"code": "business"})
    drained = drained.join(accounts, left_on="payer_party", right_on="party").rename({"code": "account"})
    way = ["account", "business", "pay_at", "pay_minor"]
    taken = first.join(drained.unique(way, keep="first", maintain_order=True), on=way)
    episodes = (
        taken.group_by("subject", "currency", "account", "business", "in_leg", "in_at", "in_minor")
        .agg(pl.col("piece_minor").sum(), pl.col("drained_at").max())
        .filter(pl.col("piece_minor") >= p.min_share * pl.col("in_minor") - 1e-6)
        .sort("subject", "business", "in_at", "in_leg")
        .with_columns(pair=pl.struct("subject", "business").rle_id().cast(pl.UInt64))
    )
    windows = (
        episodes.rolling("in_at", period=f"{days(p.window_days)}us", group_by="pair")
        .agg(
            pl.col("currency").first(),
            episode_count=pl.len(),
            parked_minor=pl.col("piece_minor").sum(),
            window_start=pl.col("in_at").first(),
            window_end=pl.col("drained_at").max(),
        )
        .filter(pl.col("episode_count") >= p.min_count)
        .select(pl.exclude("pair", "in_at"), subject="pair")
    )
    went = taken.join(episodes.select("in_leg", "business", "pair"), on=["in_leg", "business"])
    left = second.join(went.select("credit_leg", "pair").unique(), on="credit_leg")
    rows = [
        rows.select(
            subject="pair", account=pl.col(account).cast(pl.UInt32), booked_at=at, row=row, role=pl.lit(role)
        )
        for rows, account, at, row, role in (
            (went, "account", "in_at", "in_row", "PC"),
            (went, "account", "pay_at", "pay_row", "PC"),
            (left, "business", "pay_at", "credit_row", "BIZ"),
            (left, "business", "out_at", "out_row", "BIZ"),
        )
    ]
    return Outcome(windows, pl.concat(rows).unique())


def _passed(
    context: Context, held: npt.NDArray[np.bool_], comes: pl.Expr, goes: pl.Expr, within_hours: float
) -> pl.DataFrame:
    """Pieces of `goes` paid out of money of `comes`, first in, first out, at the accounts `held`.

    Columns: subject (account and currency), account, currency, and of either leg its number, party, instant,
    row and amount: in_leg, in_party, in_at, in_row, in_minor, out_party, out_at, out_row, out_minor;
    piece_minor.
    """
    size = context.ledger.account_count
    able = held
    for condition in (comes, goes):
        some = context.legs(condition, accounts=able)["account"].to_numpy()
        able = able & (np.bincount(some, minlength=size) > 0)
    columns = ("is_credit", "amount_minor", "counterparty", "channel", "kinds")
    legs = context.legs(pl.lit(True), *columns, accounts=able)
    legs = legs.with_columns(
        context.coded(pl.col("account")), comes=comes, goes=goes, moved_minor="amount_minor"
    ).sort("subject", "booked_at", maintain_order=True)
    ordered, pieces = allocate(legs, hours(within_hours))
    told = {"at": "booked_at", "row": "row", "minor": "amount_minor", "party": "counterparty", "leg": "leg"}
    into, out = (
        ordered.filter(pl.col(which).fill_null(False)).select(
            *kept, **{f"{side}_{name}": column for name, column in told.items()}
        )
        for side, which, kept in (("in", "comes", ("subject", "account", "currency")), ("out", "goes", ()))
    )
    return (
        pieces.drop("dwell_us")
        .join(into, on="in_leg")
        .join(out, on="out_leg")
        .sort("in_leg", "out_leg")
        .drop("out_leg")
    )


FRT_04 = Indicator(
    id="HT-FRT-04",
    name="Parked in a business and drained",
    role="PC",
    weight="S",
    source="FINTRAC-2021-OA001, list (funds parked in a business account, then withdrawn or sent)",
    evidence="V1, D",
    parameters=Parked(),
    values=(Value("episode_count", "count", ">=", "min_count"), Value("parked_minor", "money")),
    fact="{episode_count} times within {window_days} days money of persons or cash went from a personal "
    "account through a business within hours and out again to persons or in cash, {parked} in all",
    caution="sole traders who manage their cash over both accounts",
    find=find_parked,
    needs=("holder_type", "p2p"),
    across=True,
)


# ----------------------------------------------------------------------------------------------------


@kernel
def net_changes(first, subject, account, change):  # type: ignore[no-untyped-def]
    """Per row: the sum over accounts of what each gained or lost in the rows first to row, without sign."""
    balance = np.zeros(account.max() + 1 if len(account) else 0, np.int64)
    apart = np.empty(len(first), np.int64)
    total = 0
    head = 0
    for row in range(len(first)):
        total -= abs(balance[account[row]])
        balance[account[row]] += change[row]
        total += abs(balance[account[row]])
        while head < first[row]:
            total -= abs(balance[account[head]])
            balance[account[head]] -= change[head]
            total += abs(balance[account[head]])
            head += 1
        apart[row] = total
    return apart


@dataclass(frozen=True)
class Circulation:
    """Parameters of HT-FRT-05."""

    min_ratio: float = parameter(
        10.0, "turnover to what remains moved in the end; D", stricter="higher", low=1
    )
    min_count: int = parameter(6, "transfers; chosen", stricter="higher", low=2)
    window_days: float = parameter(60.0, "two months; D", low=0.1)


def find_circulation(context: Context, p: Circulation) -> Outcome:
    """Money goes round between the accounts of one owner and ends up where it was.

    In 60 days 6 or more transfers between business accounts of one holder whose sum is 10 or more times what
    has moved in the end: half the sum, over the accounts, of what each gained or lost by them.
    """
    businesses = context.accounts.filter(pl.col("holder_type").cast(pl.String) == "business")
    pairs = context.own_accounts.join(businesses.select("account"), on="account", how="semi")
    listed = np.zeros(context.ledger.account_count, np.bool_)
    listed[pairs["account"].to_numpy()] = True
    among = pl.col("counterparty").is_in(pairs["counterparty"].unique().implode())
    legs = context.legs(
        among, "is_credit", "amount_minor", "counterparty", person=True, accounts=listed
    ).join(pairs, on=["account", "counterparty"], how="semi", maintain_order="left")
    windows = tally(
        legs,
        days(p.window_days),
        sums={
            "transfer_count": ~IS_CREDIT,
            "turnover_minor": pl.when(~IS_CREDIT).then("amount_minor"),
        },
    )
    change = legs.select(pl.when(IS_CREDIT).then("amount_minor").otherwise(-pl.col("amount_minor")))
    # One window ends at each instant: its last row knows all of the rows before it.
    first = np.zeros(legs.height, np.int64)
    first[windows["last"].to_numpy()] = windows["first"].to_numpy()
    first = np.maximum.accumulate(first)
    apart = net_changes(
        frozen(first),
        frozen(legs["subject"].cast(pl.UInt64).to_numpy()),
        frozen(legs["account"].cast(pl.Int64).to_numpy()),
        frozen(change.to_series().to_numpy()),
    )
    windows = (
        windows.with_columns(moved_minor=pl.Series(apart[windows["last"].to_numpy()] // 2, dtype=pl.Int64))
        .with_columns(ratio=pl.col("turnover_minor") / pl.max_horizontal("moved_minor", 1))
        .filter(pl.col("transfer_count") >= p.min_count, pl.col("ratio") >= p.min_ratio)
    )
    return Outcome(windows, legs.select(EVIDENCE))


FRT_05 = Indicator(
    id="HT-FRT-05",
    name="Circulation among one owner's accounts",
    role="BIZ",
    weight="M",
    source="FINTRAC-2021-OA001, list (transfers among entities of one owner)",
    evidence="V1, D",
    parameters=Circulation(),
    values=(
        Value("ratio", "ratio", ">=", "min_ratio"),
        Value("transfer_count", "count", ">=", "min_count"),
        Value("turnover_minor", "money"),
        Value("moved_minor", "money"),
    ),
    fact="{transfer_count} transfers of {turnover} in all between accounts of one owner within "
    "{window_days} days moved {moved} in the end",
    caution="the treasury of a group of companies",
    find=find_circulation,
    needs=("holder_id", "holder_type"),
)


# ----------------------------------------------------------------------------------------------------

IBAN = r"^([A-Z]{2})[0-9]{2}([A-Z0-9]{4})[A-Z0-9]{7,26}$"  # country, check digits, start of the bank's code


@dataclass(frozen=True)
class CardAdvance:
    """Parameters of HT-FRT-06."""

    min_banks: int = parameter(3, "banks that the card is paid from; D", stricter="higher", low=2)
    min_advance_share: float = parameter(
        0.3, "of what the card pays out is cash; D", stricter="higher", low=0, high=1
    )
    window_days: float = parameter(30.0, "one month; D", low=0.1)


def find_card_advance(context: Context, p: CardAdvance) -> Outcome:
    """A credit card is paid off from several banks and drawn in cash.

    In 30 days payments of a person's card bills come from 3 or more banks, and 0.3 or more of what the card
    accounts pay out is cash. The bank is read off the payer's IBAN: its country and the first four characters
    of the bank's code, so that branches of one bank are seldom taken for two.
    """
    is_bill = of_kind("card_payment") & IS_CREDIT
    bills = with_rows(context.legs(is_bill, person=True), p.min_banks)
    cards = np.zeros(context.ledger.account_count, np.bool_)
    cards[bills["account"].unique().to_numpy()] = True
    columns = ("is_credit", "amount_minor", "channel", "counterparty", "kinds")
    legs = context.legs(pl.lit(True), *columns, person=True, accounts=cards).with_columns(is_bill=is_bill)
    parties = context.ledger.parties.to_frame("party_id").with_row_index("counterparty")
    payers = legs.filter("is_bill").select("counterparty").unique().join(parties, on="counterparty")
    groups = pl.col("party_id").str.replace_all(" ", "").str.to_uppercase().str.extract_groups(IBAN)
    banks = payers.with_columns(groups.alias("groups")).select(
        "counterparty",
        bank=pl.col("groups").struct.field("1") + pl.col("groups").struct.field("2"),
        is_bill=pl.lit(True),
    )
    legs = legs.join(banks, on=["counterparty", "is_bill"], how="left", maintain_order="left")
    advance = ~IS_CREDIT & (IS_CASH | of_kind("cash_advance"))
    windows = (
        tally(
            legs,
            days(p.window_days),
            sums={
                "advance_minor": pl.when(advance).then("amount_minor"),
                "out_minor": pl.when(~IS_CREDIT).then("amount_minor"),
            },
            distinct={"bank_count": pl.col("bank")},
        )
        .with_columns(advance_share=pl.col("advance_minor") / pl.col("out_minor"))
        .filter(
            pl.col("out_minor") > 0,
            pl.col("bank_count") >= p.min_banks,
            pl.col("advance_share") >= p.min_advance_share,
        )
    )
    unknown = lacking(legs.filter("is_bill", pl.col("bank").is_null()), p.min_banks, "IBAN of the payer")
    return Outcome(windows, legs.filter(pl.col("is_bill") | advance).select(EVIDENCE), unknown)


FRT_06 = Indicator(
    id="HT-FRT-06",
    name="Card paid from many banks, then cash",
    role="NET",
    weight="M",
    source="FINTRAC-2021-OA001, list (credit card payments from several institutions, then cash advances)",
    evidence="V1, D",
    parameters=CardAdvance(),
    values=(
        Value("bank_count", "count", ">=", "min_banks"),
        Value("advance_share", "share", ">=", "min_advance_share"),
        Value("advance_minor", "money"),
    ),
    fact="a credit card was paid off from {bank_count} banks within {window_days} days, and {advance_share} "
    "of what it paid out was cash, {advance} in all",
    caution="people who move a debt from card to card",
    find=find_card_advance,
    needs=("merchant",),
)


INDICATORS = (RES_01, RES_02, FRT_01, FRT_02, FRT_03, FRT_04, FRT_05, FRT_06)
