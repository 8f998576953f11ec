"""Upkeep spending (HT-SPD): what is bought for several people, and cards and telephones bought with it.

A person is one subject. Where amounts are summed or held against peers, it is what the person holds in one
currency. Purchases that were given back do not count.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from finpat.indicators.base import Indicator, Outcome, Value, parameter
from finpat.indicators.context import (
    IS_CASH,
    IS_CREDIT,
    SMALLEST_PEER_GROUP,
    Context,
    days,
)
from finpat.indicators.movement import FINCEN_2020, PROJECT_PROTECT, UPDATED
from finpat.indicators.parties import PERSONAL_CHANNELS
from finpat.indicators.places_visited import (
    RETURN_COLUMNS,
    accounts_of,
    by_holding,
    count_before,
    first_before,
    holders,
    kept_charges,
    repeated,
    stays,
    total_before,
    with_returns,
)
from finpat.indicators.structuring import EVIDENCE
from finpat.indicators.tallies import lacking
from finpat.indicators.velocity import PEERS_MISSING
from finpat.indicators.windows import trailing, with_rows
from finpat.ledger import NO_PARTY
from finpat.movement.presence import IS_NIGHT
from finpat.vocabulary import kind_bits, of_kind

IS_P2P = pl.col("channel").is_in(PERSONAL_CHANNELS)
# What a household spends on its members.
BASKET = {
    "meals": ("food_fast", "delivery"),
    "pharmacy": ("pharmacy",),
    "apparel_beauty": ("apparel_beauty",),
    "grocery": ("grocery",),
    "lodging": ("lodging",),
    "transport": ("transport_local",),
}


def debits_kept(context: Context, *kinds: str) -> pl.DataFrame:
    """Debits of `kinds` that were not given back, subject as of by_holding, with RETURN_COLUMNS."""
    legs = by_holding(context, of_kind(*kinds), "kinds", *RETURN_COLUMNS)
    return with_returns(context, legs).filter(~IS_CREDIT, ~pl.col("is_returned"))


def needed_of_peers(context: Context, peaks: pl.DataFrame, z: float, floor: pl.Expr) -> pl.DataFrame:
    """subject, needed, peers: what lies `z` spreads above the median of peers' own highest values.

    peaks: subject (of by_holding), x: the highest value of each. floor: the least spread that is believed, an
    expression on unit_minor. peers is the size of the group.
    """
    who = peaks.join(holders(context, peaks["subject"]), on="subject")
    spread = context.peer_spread(who.select("account", "currency", "x"))
    return who.join(spread, on=["peer_group", "currency"], how="left").select(
        "subject",
        "peers",
        needed=pl.col("peer_median") + z * pl.max_horizontal("peer_spread", floor),
    )


@dataclass(frozen=True)
class UpkeepBasket:
    """Parameters of HT-SPD-01."""

    min_kinds: int = parameter(4, "of six kinds of purchase; D", stricter="higher", low=1)
    min_z_peer: float = parameter(2.0, "spreads above peers, in each kind; D", stricter="higher", low=0)
    min_third_party: float = parameter(
        0.6, "of the inflow is cash or from persons; D", stricter="higher", low=0, high=1
    )
    window_days: float = parameter(14.0, "two weeks; D", low=1)


def find_upkeep_basket(context: Context, p: UpkeepBasket) -> Outcome:
    """Everyday purchases as for several people, paid from cash and receipts from persons.

    In 14 days 4 or more of meals (fast food, deliveries), pharmacies, clothing and beauty, food shops,
    lodging and local transport, in each of which the number of purchases lies 2 or more spreads (1 at least)
    above the median of what peers reach at their highest; and 0.6 of the inflow of those days is cash or from
    persons.
    """
    width = days(p.window_days)
    bought = debits_kept(context, *[kind for kinds in BASKET.values() for kind in kinds])
    parts, needs = {}, []
    for name, kinds in BASKET.items():
        part = bought.filter((pl.col("kinds") & kind_bits(*kinds)) != 0)
        parts[name] = part
        peaks = (
            part.select("subject", x=count_before(part, part, width, "booked_at")).group_by("subject").max()
        )
        needed = needed_of_peers(context, peaks, p.min_z_peer, pl.lit(1.0)).join(peaks, on="subject")
        needs.append(needed.with_columns(part=pl.lit(name)))
    in_reach = (pl.col("x") >= pl.col("needed")) | (pl.col("peers") < SMALLEST_PEER_GROUP)
    able = pl.concat(needs).filter(in_reach)
    able = able.filter(pl.len().over("subject") >= p.min_kinds)
    asked = bought.join(able.select("subject").unique(), on="subject", how="semi", maintain_order="left")
    asked = asked.select("subject", "account", window_end="booked_at").unique(
        ["subject", "window_end"], keep="first", maintain_order=True
    )
    tried = [
        asked.with_columns(count=count_before(part, asked, width)).join(
            able.filter(pl.col("part") == name), on="subject"
        )
        for name, part in parts.items()
    ]
    has_peers = pl.col("peers") >= SMALLEST_PEER_GROUP
    reached = (
        pl.concat(tried)
        .group_by("subject", "account", "window_end")
        .agg(
            kind_count=((pl.col("count") >= pl.col("needed")) & has_peers).sum().cast(pl.Int64),
            open_count=((pl.col("count") > 0) & ~has_peers).sum().cast(pl.Int64),
            purchase_count=pl.col("count").sum(),
        )
        .sort("subject", "window_end")
    )
    told = _with_third_party(context, reached, width).filter(pl.col("third_party_share") >= p.min_third_party)
    windows = told.filter(pl.col("kind_count") >= p.min_kinds)
    windows = windows.with_columns(window_start=first_before(bought, windows, width))
    small_group = told.filter(pl.col("kind_count") + pl.col("open_count") >= p.min_kinds)
    small_group = small_group.filter(pl.col("kind_count") < p.min_kinds)
    return Outcome(
        windows,
        bought.join(windows.select("subject").unique(), on="subject", how="semi").select(EVIDENCE),
        small_group.select("account", missing_field=pl.lit(PEERS_MISSING)).unique(),
    )


def _with_third_party(context: Context, asked: pl.DataFrame, width_us: int) -> pl.DataFrame:
    """`asked` (subject, account, window_end) with what came in up to then and `third_party_share` of it."""
    who = accounts_of(context, context.persons[asked["account"].unique().to_numpy()])
    inflow = by_holding(context, IS_CREDIT, "channel", accounts=who, own=False)
    others = inflow.filter(IS_P2P | IS_CASH)
    return asked.with_columns(
        in_minor=total_before(inflow, "moved_minor", asked, width_us),
        third_minor=total_before(others, "moved_minor", asked, width_us),
    ).with_columns(
        third_party_share=pl.when(pl.col("in_minor") > 0).then(pl.col("third_minor") / pl.col("in_minor"))
    )


SPD_01 = Indicator(
    id="HT-SPD-01",
    name="Upkeep for several people",
    role="NET",
    weight="M",
    source=f"{FINCEN_2020}, financial indicator 2; {PROJECT_PROTECT} (food, drug stores, transport)",
    evidence="V1, D",
    parameters=UpkeepBasket(),
    values=(
        Value("kind_count", "count", ">=", "min_kinds"),
        Value("purchase_count", "count"),
        Value("third_party_share", "share", ">=", "min_third_party"),
    ),
    fact="{purchase_count} everyday purchases within {window_days} days, in {kind_count} kinds far more "
    "than peers, while {third_party_share} of the money that came in was cash or from persons",
    caution="large households and carers",
    find=find_upkeep_basket,
    needs=("merchant",),
    uses_peers=True,
)


# ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class SeveralDeliveries:
    """Parameters of HT-SPD-02."""

    min_in_day: int = parameter(3, "deliveries on one date; D", stricter="higher", low=2)
    min_days: int = parameter(3, "such dates; D", stricter="higher", low=1)
    window_days: float = parameter(30.0, "one month; D", stricter="lower", low=1)


def find_several_deliveries(context: Context, p: SeveralDeliveries) -> Outcome:
    """Several meals a day are delivered, also while the person stays in a hotel.

    In 30 days 3 or more local dates with 3 or more deliveries of meals each, at least one of them from the
    first date of a stay to the day after its last.
    """
    ordered = with_rows(kept_charges(context, "delivery"), p.min_in_day, ("subject", "local_day"))
    dates = ordered.group_by("subject", "local_day").agg(
        deliveries=pl.len(), start_at=pl.col("booked_at").min(), booked_at=pl.col("booked_at").max()
    )
    # Of stays that overlap, the one that ends last covers the date.
    covers = (
        stays(context)[0]
        .sort("subject", "first_day", "last_day")
        .select("subject", opens="first_day", ends=pl.col("last_day").cum_max().over("subject"))
        .sort("opens", maintain_order=True)
    )
    dates = (
        dates.sort("local_day", "subject")
        .join_asof(covers, left_on="local_day", right_on="opens", by="subject", check_sortedness=False)
        .with_columns(at_stay=(pl.col("local_day") <= pl.col("ends") + 1).fill_null(False))
    )
    windows = repeated(
        dates,
        days(p.window_days),
        p.min_days,
        pl.col("at_stay").sum().alias("stay_day_count"),
        pl.col("deliveries").sum().alias("delivery_count"),
    ).filter(pl.col("stay_day_count") >= 1)
    return Outcome(windows, ordered.select(EVIDENCE))


SPD_02 = Indicator(
    id="HT-SPD-02",
    name="Several meals delivered a day",
    role="NET",
    weight="W",
    source=f"{UPDATED}, general list (deliveries on the same day, for several people)",
    evidence="V1, D",
    parameters=SeveralDeliveries(),
    values=(
        Value("event_count", "days", ">=", "min_days"),
        Value("delivery_count", "count"),
        Value("stay_day_count", "days"),
    ),
    fact="{delivery_count} meals delivered on {event_count} days within {window_days} days, {min_in_day} or "
    "more each day, on {stay_day_count} of them during a hotel stay",
    caution="office managers and families",
    find=find_several_deliveries,
    needs=("merchant",),
)


# ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class CardsAtTheCounter:
    """Parameters of HT-SPD-03."""

    face_step: float = parameter(25.0, "units of currency: cards are sold in multiples of it; D", low=1)
    fees: tuple[float, ...] = parameter(
        (0.0, 2.95, 3.95, 4.95, 5.95, 6.95, 7.95),
        "activation fees as sold, within the 0 to 8 of the catalogue: every fee in between would fit a third "
        "of all purchases; D",
    )
    min_count: int = parameter(4, "such purchases; D", stricter="higher", low=2)
    min_z_peer: float = parameter(
        3.0, "or spreads above peers' convenience shopping; D", stricter="higher", low=0
    )
    masked_months: tuple[int, ...] = parameter((12,), "months of gifts, left out")
    window_days: float = parameter(30.0, "one month; D", low=1)


def find_cards_at_the_counter(context: Context, p: CardsAtTheCounter) -> Outcome:
    """Round purchases where gift cards hang by the till.

    In 30 days 4 or more purchases in food shops, convenience shops and pharmacies whose amount is a multiple
    of 25 plus an activation fee; or convenience shopping 3 or more spreads above what peers spend so at their
    highest. December, the month of gifts, is left out.
    """
    width = days(p.window_days)
    bought = debits_kept(context, "grocery", "convenience", "pharmacy")
    bought = bought.filter(~pl.col("booked_at").dt.month().is_in(list(p.masked_months)))
    unit, step = context.minor_per_unit(), p.face_step * context.minor_per_unit()
    faces = [
        (pl.col("amount_minor") - (fee * unit).round().cast(pl.Int64)) % step.cast(pl.Int64) == 0
        for fee in p.fees
    ]
    is_card = pl.any_horizontal(faces) & (pl.col("amount_minor") >= step)
    cards = bought.filter(is_card)
    by_face = repeated(
        cards.with_columns(start_at="booked_at"),
        width,
        p.min_count,
        pl.col("moved_minor").sum().alias("spent_minor"),
    ).rename({"event_count": "card_count"})
    shops = bought.filter(of_kind("convenience"))
    spent = shops.select(
        "subject",
        "account",
        "booked_at",
        spent_minor=total_before(shops, "moved_minor", shops, width, "booked_at"),
    )
    peaks = spent.group_by("subject").agg(x=pl.col("spent_minor").max())
    needed = needed_of_peers(context, peaks, p.min_z_peer, pl.col("unit_minor").cast(pl.Float64))
    high = spent.join(needed, on="subject", maintain_order="left").rename({"booked_at": "window_end"})
    high = high.filter(pl.col("spent_minor") >= pl.col("needed"))
    judged = high.filter(pl.col("peers") >= SMALLEST_PEER_GROUP)
    by_sum = judged.select(
        "subject",
        "window_end",
        "spent_minor",
        window_start=first_before(shops, judged, width),
        card_count=count_before(cards, judged, width),
    )
    unjudged = high.filter(pl.col("peers") < SMALLEST_PEER_GROUP)
    shopped = shops.join(judged.select("subject").unique(), on="subject", how="semi", maintain_order="left")
    return Outcome(
        pl.concat([by_face.cast({"card_count": pl.Int64}), by_sum], how="diagonal"),
        pl.concat([cards.select(EVIDENCE), shopped.select(EVIDENCE)]).unique(),
        unjudged.select("account", missing_field=pl.lit(PEERS_MISSING)).unique(),
    )


SPD_03 = Indicator(
    id="HT-SPD-03",
    name="Round purchases where cards are sold",
    role="NET",
    weight="M",
    source=f"{UPDATED}, general list (rows 1 and 2)",
    evidence="V1, D",
    parameters=CardsAtTheCounter(),
    values=(Value("card_count", "count"), Value("spent_minor", "money")),
    fact="{spent} spent where gift cards are sold within {window_days} days, {card_count} purchases of a "
    "card's face value and fee",
    caution="people who give gift cards",
    find=find_cards_at_the_counter,
    needs=("merchant",),
    uses_peers=True,
)


# ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class SeveralPrepaidCards:
    """Parameters of HT-SPD-04."""

    min_cards: int = parameter(3, "cards; D", stricter="higher", low=2)
    min_sum: float = parameter(300.0, "units of currency in all; D", stricter="higher", low=0)
    window_days: float = parameter(30.0, "one month; D", stricter="lower", low=1)


def find_several_prepaid_cards(context: Context, p: SeveralPrepaidCards) -> Outcome:
    """Several prepaid cards are loaded.

    In 30 days one person loads 3 or more prepaid cards with 300 or more in all. A card is what a payment of
    the channel `prepaid` goes to, or the masked card number in its text; loads that name neither are left
    out.
    """
    legs = by_holding(context, _IS_LOAD, *RETURN_COLUMNS, "channel", "description", own=False)
    loads = with_returns(context, legs).filter(~IS_CREDIT, ~pl.col("is_returned"))
    written = pl.col("description").cast(pl.String).str.extract(MASKED_CARD, 1)
    to = pl.when(pl.col("channel") == "prepaid").then(pl.format("#{}", "merchant"))
    loads = loads.with_columns(card=pl.coalesce(pl.format("*{}", written), to))
    named = with_rows(loads.filter(pl.col("card").is_not_null()), p.min_cards)
    windows = (
        trailing(
            named,
            days(p.window_days),
            pl.col("card").n_unique().alias("card_count"),
            pl.col("moved_minor").sum().alias("sum_minor"),
        )
        .join(holders(context, named["subject"]).select("subject", "unit_minor"), on="subject")
        .with_columns(needed_minor=(p.min_sum * pl.col("unit_minor")).ceil().cast(pl.Int64))
        .filter(pl.col("card_count") >= p.min_cards, pl.col("sum_minor") >= pl.col("needed_minor"))
    )
    nameless = loads.filter(pl.col("card").is_null())
    return Outcome(windows, named.select(EVIDENCE), lacking(nameless, p.min_cards, "card that was loaded"))


MASKED_CARD = r"(?:[*xX\u{2022}]{2,}[ -]?)+(\d{3,6})\b"  # four or so last digits after what hides the others
_IS_LOAD = (pl.col("channel") == "prepaid") | of_kind("prepaid")

SPD_04 = Indicator(
    id="HT-SPD-04",
    name="Several prepaid cards loaded",
    role="PC",
    weight="M",
    source=f"{FINCEN_2020}, financial indicator 5; {UPDATED}",
    evidence="V1, D",
    parameters=SeveralPrepaidCards(),
    values=(
        Value("card_count", "count", ">=", "min_cards"),
        Value("sum_minor", "money", ">=", "needed_minor"),
    ),
    fact="{card_count} prepaid cards were loaded within {window_days} days with {sum} in all",
    caution="households without bank accounts",
    find=find_several_prepaid_cards,
)


# ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class FundedCard:
    """Parameters of HT-SPD-05."""

    min_share: float = parameter(0.9, "of the inflow from one other; D", stricter="higher", low=0.5, high=1)
    min_count: int = parameter(3, "loads by that other; D", stricter="higher", low=1)
    window_days: float = parameter(60.0, "two months; D", low=1)
    min_signs: int = parameter(
        1, "night or lodging payments: an allowance alone is none; D", stricter="higher", low=0
    )


def find_funded_card(context: Context, p: FundedCard) -> Outcome:
    """A prepaid card lives on another person's money.

    In 60 days 3 or more loads of a prepaid account by one other party, 0.9 of all that came in, while its
    holder loads nothing (no cash, nothing from own accounts), and 1 or more lodging or night payments (22:00
    to 06:00 local time) are made with it. The finding is the card's alone, not the payer's.
    """
    width = days(p.window_days)
    columns = ("channel", "counterparty", "account_minor", "is_credit")
    is_load = IS_CREDIT & _IS_LOAD & context.counterparty_known()
    loads = with_rows(context.legs(is_load, *columns, own=False), p.min_count)
    prepaid = np.zeros(context.ledger.account_count, np.bool_)
    prepaid[loads["account"].to_numpy()] = True
    inflow = context.legs(IS_CREDIT, "account_minor", accounts=prepaid)
    moved = context.legs(IS_CREDIT & ~IS_CASH & ~context.is_cash_party(), "row", accounts=prepaid, own=False)
    own_rows = inflow.join(
        moved.select("account", "row"), on=["account", "row"], how="anti", maintain_order="left"
    )
    payers = (
        loads.select("subject", "counterparty")
        .unique()
        .sort("subject", "counterparty")
        .with_row_index("pair")
    )
    paired = loads.join(payers, on=["subject", "counterparty"]).sort("pair", "booked_at", maintain_order=True)
    of_payer = trailing(
        paired,
        width,
        pl.len().alias("load_count"),
        pl.col("account_minor").sum().alias("load_minor"),
        pl.col("account").first(),
        by=("pair", "subject"),
    ).filter(pl.col("load_count") >= p.min_count)
    night = IS_NIGHT & pl.col("local_hour").is_not_null()
    spent = context.legs(~IS_CREDIT, "kinds", "local_hour", accounts=prepaid)
    signs = spent.filter(night | of_kind("lodging"))
    windows = (
        of_payer.with_columns(
            in_minor=total_before(
                inflow.with_columns(pl.col("account_minor").fill_null(0)), "account_minor", of_payer, width
            ),
            own_count=count_before(own_rows, of_payer, width),
            sign_count=count_before(signs, of_payer, width),
        )
        .with_columns(payer_share=pl.col("load_minor") / pl.col("in_minor"))
        .filter(pl.col("payer_share") >= p.min_share, pl.col("own_count") == 0)
    )
    unclocked = spent.filter(pl.col("local_hour").is_null(), ~of_kind("lodging"))
    unsigned = windows.filter(pl.col("sign_count") < p.min_signs)
    unsigned = unsigned.join(unclocked.select("account").unique(), on="account", how="semi")
    return Outcome(
        windows.filter(pl.col("sign_count") >= p.min_signs),
        pl.concat([loads.select(EVIDENCE), signs.select(EVIDENCE)]),
        unsigned.select("account", missing_field=pl.lit("local_hour")).unique(),
    )


SPD_05 = Indicator(
    id="HT-SPD-05",
    name="Card that lives on another person's money",
    role="PV",
    weight="S",
    source=f"{UPDATED}, general list",
    evidence="V1, D",
    parameters=FundedCard(),
    values=(
        Value("load_count", "count", ">=", "min_count"),
        Value("payer_share", "share", ">=", "min_share"),
        Value("load_minor", "money"),
        Value("sign_count", "count", ">=", "min_signs"),
    ),
    fact="one other party loaded the card {load_count} times within {window_days} days with {load}, "
    "{payer_share} of all that came in, and {sign_count} night or lodging payments were made with it",
    caution="allowances to teenagers and partners",
    find=find_funded_card,
)


# ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class TelecomPayees:
    """Parameters of HT-SPD-06."""

    min_payees: int = parameter(5, "companies or numbers; D", stricter="higher", low=2)
    window_days: float = parameter(30.0, "one month; D", stricter="lower", low=1)


def find_telecom_payees(context: Context, p: TelecomPayees) -> Outcome:
    """Many telephones are paid for.

    In 30 days payments of one person for 5 or more telephone companies or topped-up numbers, none given
    back. A number is one in the text with its country code; where there is none the company counts.
    """
    calls = kept_charges(context, "telecom")
    number = pl.col("description").cast(pl.String).str.extract(TELEPHONE, 1).str.replace_all(r"\D", "")
    calls = calls.with_columns(payee=pl.coalesce(pl.format("+{}", number), pl.format("#{}", "merchant")))
    named = with_rows(calls.filter(pl.col("payee").is_not_null()), p.min_payees)
    windows = trailing(
        named,
        days(p.window_days),
        pl.col("payee").n_unique().alias("payee_count"),
        pl.len().alias("payment_count"),
    ).filter(pl.col("payee_count") >= p.min_payees)
    nameless = calls.filter(pl.col("payee").is_null())
    return Outcome(windows, named.select(EVIDENCE), lacking(nameless, p.min_payees, "counterparty_name"))


TELEPHONE = r"(?:\+|\b00)(\d(?:[ /.-]?\d){7,14})\b"

SPD_06 = Indicator(
    id="HT-SPD-06",
    name="Many telephones paid for",
    role="PC",
    weight="M",
    source=f"{UPDATED}, general list",
    evidence="V1, D",
    parameters=TelecomPayees(),
    values=(Value("payee_count", "count", ">=", "min_payees"), Value("payment_count", "count")),
    fact="{payment_count} payments for {payee_count} telephone companies or numbers within "
    "{window_days} days",
    caution="families and resellers",
    find=find_telecom_payees,
    needs=("merchant",),
)


# ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class LavishSpending:
    """Parameters of HT-SPD-07."""

    min_luxury: float = parameter(0.25, "of the outflow; D", stricter="higher", low=0, high=1)
    min_third_party: float = parameter(0.6, "of the inflow; D", stricter="higher", low=0, high=1)
    min_payers: int = parameter(5, "persons behind receipts that are no cash; D", stricter="higher", low=1)
    min_sum: float = parameter(
        500.0, "units of currency: lavish, not a round of drinks; chosen", stricter="higher", low=0
    )
    window_days: float = parameter(60.0, "two months; D", low=1)


def find_lavish_spending(context: Context, p: LavishSpending) -> Outcome:
    """Luxury is bought from cash and many people's money, by somebody without wages.

    In 60 days 0.25 of the outflow, and 500 or more, goes to luxury, while 0.6 of the inflow is cash, or cash
    and receipts from 5 or more persons, and no wage comes in.
    """
    width = days(p.window_days)
    bought = debits_kept(context, "luxury")
    who = accounts_of(context, context.persons[bought["account"].unique().to_numpy()])
    asked = bought.select("subject", "account", window_end="booked_at").unique(
        ["subject", "window_end"], keep="first", maintain_order=True
    )
    outflow = by_holding(context, ~IS_CREDIT, accounts=who, own=False)
    inflow = by_holding(context, IS_CREDIT, "channel", "counterparty", "kinds", accounts=who, own=False)
    cash, personal = inflow.filter(IS_CASH), inflow.filter(IS_P2P)
    told = asked.with_columns(
        luxury_minor=total_before(bought, "moved_minor", asked, width),
        out_minor=total_before(outflow, "moved_minor", asked, width),
        in_minor=total_before(inflow, "moved_minor", asked, width),
        cash_minor=total_before(cash, "moved_minor", asked, width),
        personal_minor=total_before(personal, "moved_minor", asked, width),
        wage_count=count_before(inflow.filter(of_kind("payroll")), asked, width),
    ).join(
        holders(context, asked["subject"]).select("subject", "unit_minor"),
        on="subject",
        maintain_order="left",
    )
    third = (pl.col("cash_minor") + pl.col("personal_minor")) / pl.col("in_minor")
    told = told.with_columns(
        luxury_share=pl.col("luxury_minor") / pl.col("out_minor"), third_party_share=third
    ).filter(
        pl.col("in_minor") > 0,
        pl.col("luxury_share") >= p.min_luxury,
        pl.col("luxury_minor") >= p.min_sum * pl.col("unit_minor"),
        pl.col("third_party_share") >= p.min_third_party,
        pl.col("wage_count") == 0,
    )
    told = told.join(_payers_before(personal, told, width), on=["subject", "window_end"], how="left")
    windows = told.filter(
        (pl.col("payer_count").fill_null(0) >= p.min_payers)
        | (pl.col("cash_minor") >= p.min_third_party * pl.col("in_minor"))
    ).with_columns(pl.col("payer_count").fill_null(0))
    windows = windows.with_columns(window_start=first_before(inflow, windows, width))
    rows = [bought, cash, personal]
    return Outcome(windows, pl.concat([frame.select(EVIDENCE) for frame in rows]))


def _payers_before(receipts: pl.DataFrame, asked: pl.DataFrame, width_us: int) -> pl.DataFrame:
    """subject, window_end, payer_count: distinct known payers up to each window_end of `asked`."""
    both = pl.concat(
        [
            receipts.select("subject", "booked_at", payer=pl.col("counterparty")),
            asked.select("subject", booked_at="window_end", payer=pl.lit(None, pl.UInt32)),
        ]
    ).join(asked.select("subject").unique(), on="subject", how="semi")
    both = both.with_columns(payer=pl.when(pl.col("payer") != int(NO_PARTY)).then("payer"))
    return (
        trailing(
            both.sort("subject", "booked_at"),
            width_us,
            pl.col("payer").drop_nulls().n_unique().alias("payer_count"),
        )
        .drop("window_start")
        .unique(["subject", "window_end"])
    )


SPD_07 = Indicator(
    id="HT-SPD-07",
    name="Lavish spending of third-party money",
    role="PC",
    weight="M",
    source=f"{UPDATED}, short stays (lavish purchases)",
    evidence="V1, D",
    parameters=LavishSpending(),
    values=(
        Value("luxury_share", "share", ">=", "min_luxury"),
        Value("luxury_minor", "money"),
        Value("third_party_share", "share", ">=", "min_third_party"),
        Value("payer_count", "count"),
    ),
    fact="{luxury} of luxury, {luxury_share} of what went out within {window_days} days, while "
    "{third_party_share} of what came in was cash or from persons ({payer_count} of them) and no wage did",
    caution="influencers, people who live on tips, family money",
    find=find_lavish_spending,
    needs=("merchant",),
)


# ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class CollectCalls:
    """Parameters of HT-SPD-08."""

    min_count: int = parameter(2, "payments; D", stricter="higher", low=1)
    window_days: float = parameter(60.0, "two months; D", stricter="lower", low=1)


def find_collect_calls(context: Context, p: CollectCalls) -> Outcome:
    """Payments for calls that the called party pays, such as those from a prison.

    In 60 days 2 or more of them. Switched off as shipped: it would fall on the families of prisoners. It
    gives context where an investigation asks for it.
    """
    calls = kept_charges(context, "collect_call").with_columns(start_at="booked_at")
    return Outcome(repeated(calls, days(p.window_days), p.min_count), calls.select(EVIDENCE))


SPD_08 = Indicator(
    id="HT-SPD-08",
    name="Collect calls paid",
    role="NET",
    weight="W",
    source=f"{UPDATED}, short stays",
    evidence="V1, D",
    parameters=CollectCalls(),
    values=(Value("event_count", "count", ">=", "min_count"),),
    fact="{event_count} payments for collect calls within {window_days} days",
    caution="the families of prisoners",
    find=find_collect_calls,
    needs=("merchant",),
    enabled=False,
)


# ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class NoOrdinaryLife:
    """Parameters of HT-SPD-09."""

    min_count: int = parameter(8, "inflows; D", stricter="higher", low=1)
    max_share: float = parameter(
        0.05, "of the mean inflow is left at the end of a day; D", stricter="lower", low=0, high=1
    )
    min_days: float = parameter(0.8, "of the days; D", stricter="higher", low=0, high=1)
    window_days: int = parameter(60, "two months; D", low=7)


ORDINARY = ("grocery", "utility", "telecom", "rent", "payroll")


def find_no_ordinary_life(
    context: Context, p: NoOrdinaryLife, ordinary: tuple[str, ...] = ORDINARY
) -> Outcome:
    """Money comes in and is gone the same day, and nothing of daily life is ever bought.

    In 60 days 8 or more inflows of a person's only account, on 0.8 of the days a balance at the end of the
    day of at most 0.05 of the mean inflow (the last one known stays until the next booking), and no payment
    for food, utilities, telephone or rent, and no wage. Accounts of businesses are left out.
    """
    people = context.accounts.select(
        only=pl.len().over(pl.Series("person", context.persons)) == 1,
        natural=(pl.col("holder_type") == "person").fill_null(False),
    )
    judged = people.select(pl.col("only") & pl.col("natural")).to_series().to_numpy()
    width = days(p.window_days)
    columns = ("is_credit", "local_day", "account_minor", "balance_after_minor", "kinds")
    legs = context.legs(pl.col("account_minor").is_not_null(), *columns, accounts=judged)
    life = legs.filter(of_kind(*ordinary))
    inflows = with_rows(legs.filter(IS_CREDIT), p.min_count)
    running = legs.join(inflows.select("subject").unique(), on="subject", how="semi", maintain_order="left")
    evenings = (
        running.group_by("subject", "local_day", maintain_order=True)
        .agg(pl.col("account", "booked_at", "balance_after_minor").last())
        .sort("subject", "booked_at", maintain_order=True)  # clocks of two places may disagree about the day
    )
    evenings = evenings.with_columns(
        window_end="booked_at",
    ).with_columns(
        in_count=count_before(inflows, evenings, width, "booked_at"),
        in_minor=total_before(inflows, "account_minor", evenings, width, "booked_at"),
        life_count=count_before(life, evenings, width, "booked_at"),
    ).drop("window_end")  # fmt: skip
    # Sums over a window of evenings: the bound moves with the mean inflow of the window's last evening.
    bound = p.max_share * pl.col("in_minor").last() / pl.col("in_count").last()
    lasts = pl.col("local_day").diff().shift(-1).fill_null(1).clip(0)
    holds = (pl.col("in_count") >= p.min_count) & (pl.col("life_count") == 0)
    able = evenings.filter(holds.any().over("subject"))
    known = able.filter(pl.col("balance_after_minor").is_not_null())
    spans = trailing(
        known,
        width,
        lasts.sum().alias("day_count"),
        lasts.filter(pl.col("balance_after_minor") <= bound).sum().alias("empty_days"),
        pl.col("in_count", "in_minor", "life_count", "account").last(),
    )
    windows = spans.with_columns(empty_share=pl.col("empty_days") / pl.col("day_count")).filter(
        pl.col("in_count") >= p.min_count, pl.col("life_count") == 0, pl.col("empty_share") >= p.min_days
    )
    windows = windows.with_columns(window_start=first_before(running, windows, width))
    blind = able.filter(holds, pl.col("balance_after_minor").is_null())
    return Outcome(
        windows,
        running.join(windows.select("subject").unique(), on="subject", how="semi").select(EVIDENCE),
        blind.select("account", missing_field=pl.lit("balance_after")).unique(),
    )


SPD_09 = Indicator(
    id="HT-SPD-09",
    name="No ordinary life on the account",
    role="PV",
    weight="S",
    source=f"{PROJECT_PROTECT}, patterns (row 7: kept depleted, no purchases)",
    evidence="V1, D",
    parameters=NoOrdinaryLife(),
    values=(
        Value("in_count", "count", ">=", "min_count"),
        Value("empty_share", "share", ">=", "min_days"),
        Value("in_minor", "money"),
    ),
    fact="{in} came in {in_count} times within {window_days} days, the account was empty on "
    "{empty_share} of the days, and nothing of daily life was paid from it",
    caution="second accounts that the data does not know to be second",
    find=find_no_ordinary_life,
    needs=("merchant", "balance_after_minor", "holder_type"),
)


INDICATORS = (
    SPD_01,
    SPD_02,
    SPD_03,
    SPD_04,
    SPD_05,
    SPD_06,
    SPD_07,
    SPD_08,
    SPD_09,
)
