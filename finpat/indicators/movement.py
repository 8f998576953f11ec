"""Accommodation and movement (HT-MOV): stays, tickets, rides, and where cash and cards turn up.

A person is one subject, whatever the number and currency of the accounts. Lodging that was given back counts
nowhere but in HT-MOV-05. See places_visited for stays, home and distances.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from finpat.indicators.base import Indicator, Outcome, Value, parameter
from finpat.indicators.context import IS_CASH, IS_CREDIT, Context, days, hours
from finpat.indicators.places_visited import (
    accounts_of,
    by_person,
    charges,
    count_before,
    during_stays,
    kept_charges,
    placed,
    refunds,
    repeated,
    stays,
    with_home,
)
from finpat.indicators.structuring import EVIDENCE
from finpat.indicators.tallies import lacking
from finpat.indicators.windows import trailing, with_rows
from finpat.movement.deposits import WHERE, spent_elsewhere
from finpat.movement.presence import IS_NIGHT, IS_PRESENT, NIGHT_DAY
from finpat.places import distance_km, located
from finpat.vocabulary import of_kind

PROJECT_PROTECT = "FINTRAC-2016-OA003 (Project Protect)"
UPDATED = "FINTRAC-2021-OA001 (Updated Indicators)"
FINCEN_2020 = "FinCEN FIN-2020-A008"
ON_SITE = ~of_kind("remote_sale")  # paid to the house itself, not to a booking site


@dataclass(frozen=True)
class ShortStays:
    """Parameters of HT-MOV-01."""

    min_cities: int = parameter(3, "cities away from home; D", stricter="higher", low=2)
    max_nights: int = parameter(4, "nights of a short stay; D", stricter="lower", low=1)
    window_days: float = parameter(14.0, "a relatively short time; D", stricter="lower", low=1)
    paid_days: float = parameter(
        90.0, "wages and travel expenses paid back are looked for this long; D", low=1
    )
    min_wages: int = parameter(2, "wages in that time before travel is taken for work; D", low=1)


def find_short_stays(context: Context, p: ShortStays) -> Outcome:
    """Short stays in one city after another, none of them home.

    In 14 days stays of at most 4 nights in 3 or more cities other than home, and as many stays. Home is the
    city of most card purchases of the 180 days before (10 or more); where it is unknown, one city more is
    asked for, since one of them may be home. Somebody whom an employer pays (2 or more wages in 90 days) and
    who got travel expenses back in that time travels for work and is left out.
    """
    every, rooms = stays(context)
    short = with_home(context, with_rows(every.filter(pl.col("nights") <= p.max_nights), p.min_cities))
    away = short.filter(pl.col("home").is_null() | (pl.col("home") != pl.col("place")))
    width = days(p.window_days)
    inside = pl.col("check_in") > pl.col("booked_at").last() - pl.duration(microseconds=width)
    windows = (
        trailing(
            away,
            width,
            pl.col("place").filter(inside).n_unique().cast(pl.Int64).alias("city_count"),
            inside.sum().alias("stay_count"),
            pl.col("check_in").filter(inside).min(),
            pl.col("home").last(),
        )
        .with_columns(city_count=pl.col("city_count") - pl.col("home").is_null())
        .filter(pl.col("city_count") >= p.min_cities, pl.col("stay_count") >= p.min_cities)
        .with_columns(window_start="check_in")
    )
    wages = by_person(context, IS_CREDIT & of_kind("payroll"))
    expenses = by_person(context, IS_CREDIT & of_kind("expenses"))
    for_work = (count_before(wages, windows, days(p.paid_days)) >= p.min_wages) & (
        count_before(expenses, windows, days(p.paid_days)) >= 1
    )
    rows = rooms.join(away.select("stay"), on="stay", how="semi", maintain_order="left")
    nowhere = kept_charges(context, "lodging").filter(ON_SITE, pl.col("city").is_null())
    return Outcome(windows.filter(~for_work), rows.select(EVIDENCE), lacking(nowhere, p.min_cities, "city"))


MOV_01 = Indicator(
    id="HT-MOV-01",
    name="Chain of short stays",
    role="NET",
    weight="W",
    source=f"{PROJECT_PROTECT}, accommodations; {FINCEN_2020}, financial indicator 1",
    evidence="V1, D",
    parameters=ShortStays(),
    values=(
        Value("city_count", "count", ">=", "min_cities"),
        Value("stay_count", "count", ">=", "min_cities"),
    ),
    fact="{stay_count} stays of at most {max_nights} nights in {city_count} cities away from home within "
    "{window_days} days",
    caution="sales staff, trades, drivers and artists on tour",
    find=find_short_stays,
    needs=("merchant", "city"),
)


# ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class CashAtStays:
    """Parameters of HT-MOV-03."""

    min_cities: int = parameter(2, "cities with both; D", stricter="higher", low=1)
    min_withdrawals: int = parameter(
        3, "withdrawals that weigh like one deposit: every traveller draws cash; D", stricter="higher", low=1
    )
    hours_before: float = parameter(6.0, "before check-in; D", low=0)
    hours_after: float = parameter(24.0, "after the last charge; D", low=0)
    window_days: float = parameter(30.0, "one month; D", stricter="lower", low=1)


def find_cash_at_stays(context: Context, p: CashAtStays) -> Outcome:
    """Cash is paid in, or drawn again and again, in the cities of the stays.

    In 30 days stays in 2 or more cities, in each of which, from 6 hours before the first lodging charge to 24
    hours after the last, the person paid cash in or drew cash 3 or more times. Rows without a time of day
    cannot show hours and are left out.
    """
    every, rooms = stays(context)
    travellers = accounts_of(context, every["subject"].unique())
    cash = placed(by_person(context, IS_CASH & pl.col("has_time"), "city", "is_credit", accounts=travellers))
    near = during_stays(cash, every.filter("is_timed"), hours(p.hours_before), hours(p.hours_after))
    held = (
        near.group_by("stay")
        .agg(
            deposits=IS_CREDIT.sum().cast(pl.Int64),
            withdrawals=(~IS_CREDIT).sum().cast(pl.Int64),
            first_cash=pl.col("booked_at").min(),
            last_cash=pl.col("booked_at").max(),
        )
        .filter((pl.col("deposits") >= 1) | (pl.col("withdrawals") >= p.min_withdrawals))
        .join(every, on="stay")
        .select(
            "subject", "place", "stay", "deposits", "withdrawals",
            start_at=pl.min_horizontal("first_cash", "check_in"),
            booked_at=pl.max_horizontal("last_cash", "check_out"),
        )
        .sort("subject", "booked_at", "stay")
    )  # fmt: skip
    windows = repeated(
        held,
        days(p.window_days),
        p.min_cities,
        pl.col("place").n_unique().alias("city_count"),
        pl.col("deposits").sum().alias("deposit_count"),
        pl.col("withdrawals").sum().alias("withdrawal_count"),
    ).filter(pl.col("city_count") >= p.min_cities)
    chosen = held.select("stay")
    rows = [
        frame.join(chosen, on="stay", how="semi", maintain_order="left").select(EVIDENCE)
        for frame in (rooms, near)
    ]
    dated = rooms.filter(~pl.col("has_time"), pl.col("place").n_unique().over("subject") >= p.min_cities)
    return Outcome(windows, pl.concat(rows), lacking(dated, p.min_cities, "time"))


MOV_03 = Indicator(
    id="HT-MOV-03",
    name="Cash where the stays are",
    role="NET",
    weight="M",
    source=f"{UPDATED}, general list (city of booking and of cash deposits)",
    evidence="V1, U",
    parameters=CashAtStays(),
    values=(
        Value("city_count", "count", ">=", "min_cities"),
        Value("deposit_count", "count"),
        Value("withdrawal_count", "count"),
    ),
    fact="stays in {city_count} cities within {window_days} days with cash in the same city: "
    "{deposit_count} deposits, {withdrawal_count} withdrawals",
    caution="travellers, all of whom draw cash; deposits say more",
    find=find_cash_at_stays,
    needs=("merchant", "city", "time"),
)


# ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class TwoRooms:
    """Parameters of HT-MOV-04."""

    min_charges: int = parameter(2, "charges of one house on one date; literal", stricter="higher", low=2)
    min_count: int = parameter(2, "times that happens; D", stricter="higher", low=1)
    window_days: float = parameter(30.0, "one month; D", stricter="lower", low=1)


def find_two_rooms(context: Context, p: TwoRooms) -> Outcome:
    """Two rooms in one house on the same date, more than once.

    In 30 days, twice or more: 2 or more lodging charges of one merchant on one local date that were not given
    back. Booking sites sell rooms of many houses and are left out.
    """
    rooms = kept_charges(context, "lodging").filter(ON_SITE)
    same = ("subject", "merchant", "local_day")
    several = rooms.filter(pl.col("merchant").is_not_null()).filter(pl.len().over(same) >= p.min_charges)
    dates = several.group_by(same).agg(
        charges=pl.len(), start_at=pl.col("booked_at").min(), booked_at=pl.col("booked_at").max()
    )
    windows = repeated(
        dates.sort("subject", "booked_at", "start_at", "merchant"),
        days(p.window_days),
        p.min_count,
        pl.col("charges").sum().alias("charge_count"),
    )
    nameless = rooms.filter(pl.col("merchant").is_null())
    lack = lacking(nameless, p.min_count * p.min_charges, "counterparty_name")
    return Outcome(windows, several.select(EVIDENCE), lack)


MOV_04 = Indicator(
    id="HT-MOV-04",
    name="Two rooms on the same dates",
    role="PC",
    weight="M",
    source=f"{PROJECT_PROTECT}, patterns",
    evidence="V1, D",
    parameters=TwoRooms(),
    values=(Value("event_count", "count", ">=", "min_count"), Value("charge_count", "count")),
    fact="{event_count} times within {window_days} days two or more rooms were paid in one house on the same "
    "date, {charge_count} charges",
    caution="families and teams, and houses that book the deposit apart",
    find=find_two_rooms,
    needs=("merchant",),
)


# ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class LodgingRefunds:
    """Parameters of HT-MOV-05."""

    within_days: float = parameter(10.0, "charge to refund; D", stricter="lower", low=0)
    tolerance: float = parameter(0.01, "the amounts differ by at most; D", stricter="lower", low=0, high=0.5)
    min_count: int = parameter(2, "pairs; D", stricter="higher", low=1)
    window_days: float = parameter(60.0, "two months; D", stricter="lower", low=1)


def find_lodging_refunds(context: Context, p: LodgingRefunds) -> Outcome:
    """Lodging is paid and soon given back in full, more than once.

    In 60 days 2 or more lodging charges that the same merchant gave back, within 10 days and 1 % of the
    amount; each refund belongs to one charge. Bookings whose status says that they were reversed are releases
    of an authorisation and left out.
    """
    legs = charges(context, "lodging").with_row_index("charge")
    pairs = refunds(legs, days(p.within_days), p.tolerance)
    given = legs.select("charge", "subject", "amount_minor", start_at="booked_at")
    back = legs.select(booked_at="booked_at", refund="charge")
    events = pairs.join(given, on="charge").join(back, on="refund").sort("subject", "booked_at", "charge")
    windows = repeated(events, days(p.window_days), p.min_count)
    used = pl.concat([pairs["charge"], pairs["refund"]])
    nameless = legs.filter(pl.col("merchant").is_null(), IS_CREDIT)
    return Outcome(
        windows,
        legs.filter(pl.col("charge").is_in(used.implode())).select(EVIDENCE),
        lacking(nameless, p.min_count, "counterparty_name"),
    )


MOV_05 = Indicator(
    id="HT-MOV-05",
    name="Lodging charged and given back",
    role="NET",
    weight="M",
    source=f"{PROJECT_PROTECT}, patterns; {UPDATED}, short stays (refund, the stay perhaps paid in cash)",
    evidence="V1, D",
    parameters=LodgingRefunds(),
    values=(Value("event_count", "count", ">=", "min_count"),),
    fact="{event_count} lodging charges within {window_days} days were given back in full within "
    "{within_days} days",
    caution="travellers whose authorisations are released by a refund",
    find=find_lodging_refunds,
    needs=("merchant",),
)


# ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class RoundLodging:
    """Parameters of HT-MOV-06."""

    step: int = parameter(10, "units of currency that the amount is a multiple of; D", low=1)
    min_count: int = parameter(3, "charges; D", stricter="higher", low=1)
    window_days: float = parameter(30.0, "one month; D", stricter="lower", low=1)


def find_round_lodging(context: Context, p: RoundLodging) -> Outcome:
    """Lodging charges of round sums.

    In 30 days 3 or more lodging charges, none given back, whose amount is a multiple of 10 in its currency.
    """
    rooms = kept_charges(context, "lodging")
    is_round = pl.col("amount_minor") % (p.step * context.minor_per_unit()) == 0
    rounded = rooms.filter(is_round).with_columns(start_at="booked_at")
    return Outcome(repeated(rounded, days(p.window_days), p.min_count), rounded.select(EVIDENCE))


MOV_06 = Indicator(
    id="HT-MOV-06",
    name="Round sums for lodging",
    role="NET",
    weight="W",
    source=f"{PROJECT_PROTECT}, patterns (rounded hotel transactions)",
    evidence="V1, D",
    parameters=RoundLodging(),
    values=(Value("event_count", "count", ">=", "min_count"),),
    fact="{event_count} lodging charges of round sums within {window_days} days",
    caution="guests of houses whose prices are round, taxes included",
    find=find_round_lodging,
    needs=("merchant",),
)


# ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class SeveralTickets:
    """Parameters of HT-MOV-07."""

    min_count: int = parameter(3, "tickets within the hours; D", stricter="higher", low=2)
    within_hours: float = parameter(24.0, "bought together; D", stricter="lower", low=0)


def find_several_tickets(context: Context, p: SeveralTickets) -> Outcome:
    """Several long-distance tickets are bought together.

    Within 24 hours 3 or more charges of airlines, railways or coaches, none given back. Passengers, lead time
    and one-way fares are in no export's columns, so the catalogue's conditions on them are not judged: people
    with 3 or more tickets spread over 14 days are named as lacking them.
    """
    tickets = kept_charges(context, "transport_far").with_columns(start_at="booked_at")
    windows = repeated(tickets, hours(p.within_hours), p.min_count)
    spread = trailing(with_rows(tickets, p.min_count), days(14), pl.len().alias("n"))
    spread = spread.filter(pl.col("n") >= p.min_count)
    unjudged = tickets.join(
        spread.select("subject").unique(), on="subject", how="semi", maintain_order="left"
    )
    return Outcome(windows, tickets.select(EVIDENCE), lacking(unjudged, p.min_count, "passenger names"))


MOV_07 = Indicator(
    id="HT-MOV-07",
    name="Long-distance tickets for several people",
    role="PC",
    weight="M",
    source=f"{PROJECT_PROTECT}, distance transport; FATF/APG 2018 (one-way and last-minute tickets)",
    evidence="V1, V2, D",
    parameters=SeveralTickets(),
    values=(Value("event_count", "count", ">=", "min_count"),),
    fact="{event_count} long-distance tickets within {within_hours} hours",
    caution="travel agents, parents and families who move",
    find=find_several_tickets,
    needs=("merchant",),
)


# ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class DenseRides:
    """Parameters of HT-MOV-08."""

    min_count: int = parameter(20, "rides in the window; D", stricter="higher", low=1)
    window_days: float = parameter(7.0, "one week; D", stricter="lower", low=1)
    min_in_day: int = parameter(6, "or rides of one day; D", stricter="higher", low=1)
    min_night_share: float = parameter(0.5, "of them at night; D", stricter="higher", low=0, high=1)


def find_dense_rides(context: Context, p: DenseRides) -> Outcome:
    """Taxis and local transport again and again, half of them at night.

    20 or more rides within 7 days, or 6 or more of one day, half of them between 22:00 and 06:00 local time.
    Rides before 06:00 belong to the day before. Rides whose local hour is unknown are left out.
    """
    rides = kept_charges(context, "transport_local").with_columns(is_night=IS_NIGHT, day=NIGHT_DAY)
    clocked = rides.filter(pl.col("local_hour").is_not_null())
    told = [pl.len().alias("ride_count"), pl.col("is_night").mean().alias("night_share")]
    weeks = trailing(with_rows(clocked, p.min_count), days(p.window_days), *told)
    nights = clocked.group_by("subject", "day").agg(
        *told, window_start=pl.col("booked_at").min(), window_end=pl.col("booked_at").max()
    )
    windows = pl.concat(
        [
            frame.with_columns(needed=pl.lit(least), period_days=pl.lit(length)).select(
                "subject", "window_start", "window_end", "ride_count", "night_share", "needed", "period_days"
            )
            for frame, least, length in ((weeks, p.min_count, p.window_days), (nights, p.min_in_day, 1.0))
        ]
    ).filter(pl.col("ride_count") >= pl.col("needed"), pl.col("night_share") >= p.min_night_share)
    unclocked = rides.filter(pl.col("local_hour").is_null())
    return Outcome(windows, clocked.select(EVIDENCE), lacking(unclocked, p.min_count, "local_hour"))


MOV_08 = Indicator(
    id="HT-MOV-08",
    name="Dense local transport at night",
    role="NET",
    weight="W",
    source=f"{PROJECT_PROTECT}, local transport; {FINCEN_2020}, financial indicator 2",
    evidence="V1, D",
    parameters=DenseRides(),
    values=(
        Value("ride_count", "count", ">=", "needed"),
        Value("night_share", "share", ">=", "min_night_share"),
        Value("period_days", "days"),
    ),
    fact="{ride_count} rides within {period_days} days, {night_share} of them at night",
    caution="commuters and people who work or go out at night",
    find=find_dense_rides,
    needs=("merchant", "local_hour"),
)


# ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class SpentElsewhere:
    """Parameters of HT-MOV-09."""

    min_km: float = parameter(100.0, "between the cities; D", stricter="higher", low=0)
    within_hours: float = parameter(36.0, "the same or the next day, literal", stricter="lower", low=0)
    min_count: int = parameter(3, "deposits; D", stricter="higher", low=1)
    window_days: float = parameter(30.0, "one month; D", stricter="lower", low=1)


def find_spent_elsewhere(context: Context, p: SpentElsewhere) -> Outcome:
    """Money comes in in one city and is drawn or spent far away within a day or two.

    In 30 days 3 or more deposits of cash, each followed within 36 hours by a withdrawal or a card purchase on
    the spot in a city 100 km or more away. Money from persons does not count: its place is its payer's. Rows
    without a time of day are left out, and so are pairs of cities of which the place of one is not clear.
    """
    paid_in = IS_CREDIT & IS_CASH & pl.col("city").is_not_null()
    spent = IS_PRESENT | (IS_CASH & pl.col("city").is_not_null())
    timed = pl.col("has_time")
    deposits = with_rows(by_person(context, paid_in & timed, "city", "country"), p.min_count)
    who = accounts_of(context, deposits["subject"].unique())
    spends = by_person(context, spent & ~IS_CREDIT & timed, "city", "country", accounts=who)
    after, unclear = spent_elsewhere(deposits, spends, p.min_km, hours(p.within_hours))
    events = after.select("subject", "km", start_at="booked_at", booked_at="at_there")
    windows = repeated(events, days(p.window_days), p.min_count, pl.col("km").min().alias("least_km"))
    there = after.select("subject", account="account_there", booked_at="at_there", row="row_there")
    unplaced = deposits.join(unclear, on=WHERE, how="semi", nulls_equal=True)
    return Outcome(
        windows,
        pl.concat([after.select(EVIDENCE), there.select(EVIDENCE)]),
        lacking(unplaced, p.min_count, "place of the city"),
    )


MOV_09 = Indicator(
    id="HT-MOV-09",
    name="Paid in here, spent there",
    role="NET",
    weight="S",
    source=f"{PROJECT_PROTECT}, patterns; {FINCEN_2020}, funnel account typology",
    evidence="V1, D",
    parameters=SpentElsewhere(),
    values=(
        Value("event_count", "count", ">=", "min_count"),
        Value("least_km", "km", ">=", "min_km"),
    ),
    fact="{event_count} deposits within {window_days} days were each followed within {within_hours} hours by "
    "spending {least_km} away or more",
    caution="joint accounts, students and truck drivers",
    find=find_spent_elsewhere,
    needs=("city", "country", "time"),
)


# ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class SimultaneousPresence:
    """Parameters of HT-MOV-10."""

    max_kmh: float = parameter(900.0, "faster than an airliner; D", stricter="higher", low=1)
    min_km: float = parameter(50.0, "distance at which two places are apart", stricter="higher", low=0)
    at_once_minutes: float = parameter(20.0, "nobody covers that distance so fast", stricter="lower", low=0)
    min_count: int = parameter(2, "times; D", stricter="higher", low=1)
    window_days: float = parameter(30.0, "one month; D", stricter="lower", low=1)


def find_simultaneous_presence(context: Context, p: SimultaneousPresence) -> Outcome:
    """One account's cards are used in two places at once.

    In 30 days, twice or more: two successive withdrawals or card purchases on the spot of one account, more
    than 50 km apart, within 20 minutes or faster than 900 km/h. What is sold from afar is left out, and so
    are rows without a time of day.
    """
    legs = context.legs(IS_PRESENT & pl.col("has_time"), "city", "country")
    before = pl.col("account", "booked_at", "row", "city", "country").shift(1).name.suffix("_before")
    gap = (pl.col("booked_at") - pl.col("booked_at_before")).dt.total_microseconds()
    moves = (
        legs.with_columns(before)
        .filter(
            pl.col("account") == pl.col("account_before"),
            pl.col("city") != pl.col("city_before"),
            # Half the equator at that speed, or the minutes: nothing slower can be too fast.
            gap <= max(hours(20_038 / p.max_kmh), hours(p.at_once_minutes / 60)),
        )
        .with_columns(hours=gap / hours(1))
    )
    moves = located(located(moves), "_before").with_columns(km=distance_km("_before"))
    at_once = pl.col("hours") * 60 <= p.at_once_minutes
    too_fast = pl.col("km") > p.max_kmh * pl.col("hours")
    events = moves.filter(pl.col("km") > p.min_km, at_once | too_fast).with_columns(
        start_at="booked_at_before"
    )
    windows = repeated(events, days(p.window_days), p.min_count, pl.col("km").max().alias("most_km"))
    earlier = events.select("subject", "account", booked_at="booked_at_before", row="row_before")
    unplaced = moves.filter(pl.col("km").is_null(), at_once)
    return Outcome(
        windows,
        pl.concat([events.select(EVIDENCE), earlier.select(EVIDENCE)]).unique(),
        lacking(unplaced, p.min_count, "place of the city"),
    )


MOV_10 = Indicator(
    id="HT-MOV-10",
    name="Two places at once",
    role="PV",
    weight="M",
    source=f"{PROJECT_PROTECT}, patterns (row 3)",
    evidence="V1, D",
    parameters=SimultaneousPresence(),
    values=(Value("event_count", "count", ">=", "min_count"), Value("most_km", "km", ">", "min_km")),
    fact="{event_count} times within {window_days} days the account's cards were used in two places at once, "
    "up to {most_km} apart",
    caution="families with additional cards, and shops that send their sales later",
    find=find_simultaneous_presence,
    needs=("city", "country", "time"),
)


# ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ParkingAtStays:
    """Parameters of HT-MOV-11."""

    max_amount: float = parameter(15.0, "units of currency; D", stricter="lower", low=0)
    min_count: int = parameter(8, "payments; D", stricter="higher", low=1)
    min_share: float = parameter(0.5, "of them where and when a stay is; D", stricter="higher", low=0, high=1)
    window_days: float = parameter(30.0, "one month; D", low=1)


def find_parking_at_stays(context: Context, p: ParkingAtStays) -> Outcome:
    """Small parking fees again and again, half of them in the city of a stay.

    In 30 days 8 or more parking fees of at most 15, half of them in the city of a stay from its first local
    date to the day after its last.
    """
    small = pl.col("amount_minor") <= p.max_amount * context.minor_per_unit()
    parked = with_rows(placed(kept_charges(context, "parking").filter(small)), p.min_count)
    days_of = stays(context)[0].select("subject", "place", "last_day", opens="first_day").sort("opens")
    told = (
        parked.sort("local_day", maintain_order=True)
        .join_asof(
            days_of, left_on="local_day", right_on="opens", by=["subject", "place"], check_sortedness=False
        )
        .with_columns(at_stay=(pl.col("local_day") <= pl.col("last_day") + 1).fill_null(False))
        .sort("subject", "booked_at", maintain_order=True)
    )
    at_stay = pl.col("at_stay").mean().alias("stay_share")
    windows = trailing(told, days(p.window_days), pl.len().alias("parking_count"), at_stay).filter(
        pl.col("parking_count") >= p.min_count, pl.col("stay_share") >= p.min_share
    )
    return Outcome(windows, told.select(EVIDENCE))


MOV_11 = Indicator(
    id="HT-MOV-11",
    name="Parking fees around stays",
    role="NET",
    weight="W",
    source=f"{UPDATED}, general list and short stays (frequent low-value payments for parking)",
    evidence="V1, D",
    parameters=ParkingAtStays(),
    values=(
        Value("parking_count", "count", ">=", "min_count"),
        Value("stay_share", "share", ">=", "min_share"),
    ),
    fact="{parking_count} small parking fees within {window_days} days, {stay_share} of them at stays",
    caution="people who drive in cities",
    find=find_parking_at_stays,
    needs=("merchant", "city"),
)


# ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class PaidForTraveller:
    """Parameters of HT-MOV-12."""

    min_km: float = parameter(100.0, "between payer and what is paid; D", stricter="higher", low=0)
    min_count: int = parameter(2, "cities and dates; D", stricter="higher", low=1)
    window_days: float = parameter(30.0, "one month; D", stricter="lower", low=1)


def find_paid_for_traveller(context: Context, p: PaidForTraveller) -> Outcome:
    """Somebody pays rooms and rides far away, where a person they exchange money with is.

    In 30 days, on 2 or more occasions (city and local date): a lodging or local transport charge in a city,
    while the payer's own card is used on the spot 100 km or more away that date and, from the day before to
    the day after, nowhere in that city; and a person with whom the payer has exchanged money person to person
    before uses a card on the spot in that city on that date. The finding is the payer's alone.
    """
    paid = located(placed(kept_charges(context, "lodging", "transport_local")))
    paid = paid.filter(pl.col("latitude").is_not_null()).with_row_index("paid")
    who = accounts_of(context, paid["subject"].unique())
    links = _partners(context, who)
    paid = paid.join(links.select("subject").unique(), on="subject", how="semi", maintain_order="left")
    seen = IS_PRESENT & ~of_kind("lodging", "transport_local")
    people = accounts_of(context, pl.concat([links["subject"], links["partner"]]).unique())
    presence = located(placed(by_person(context, seen, "city", "country", "local_day", accounts=people)))
    spot = ["subject", "place", "local_day"]
    own = presence.select(*EVIDENCE, "place", "local_day", "latitude", "longitude").rename(
        {"account": "account_there", "booked_at": "at_there", "row": "row_there", "place": "place_there",
         "latitude": "latitude_there", "longitude": "longitude_there"}
    ).unique(["subject", "local_day", "place_there"], keep="first", maintain_order=True)  # fmt: skip
    far = (
        paid.join(own, on=["subject", "local_day"])
        .filter(distance_km("_there") >= p.min_km)
        .sort("paid", "at_there", "row_there")
        .unique("paid", keep="first", maintain_order=True)
    )
    was_there = pl.concat(
        [presence.select("subject", "place", pl.col("local_day") + shift) for shift in (-1, 0, 1)]
    ).unique()
    far = far.join(was_there, on=spot, how="anti", maintain_order="left")
    spotted = presence.select(partner="subject", place="place", local_day="local_day").unique()
    with_partner = (
        far.select("paid", "subject", "place", "local_day", "booked_at")
        .join(links, on="subject")
        .filter(pl.col("linked_at") <= pl.col("booked_at"))
        .join(spotted, on=["partner", "place", "local_day"], how="semi")
        .group_by("paid")
        .agg(partners=pl.col("partner").unique())
    )
    held = far.join(with_partner, on="paid").with_columns(
        start_at=pl.min_horizontal("booked_at", "at_there"), at=pl.max_horizontal("booked_at", "at_there")
    )
    occasions = held.group_by(spot).agg(
        pl.col("start_at").min(), pl.col("partners").first(), booked_at=pl.col("at").max()
    )
    windows = repeated(
        occasions.sort("subject", "booked_at", "place"),
        days(p.window_days),
        p.min_count,
        pl.col("partners").list.explode().n_unique().alias("partner_count"),
    )
    there = held.select("subject", account="account_there", booked_at="at_there", row="row_there")
    return Outcome(windows, pl.concat([held.select(EVIDENCE), there.select(EVIDENCE)]).unique())


def _partners(context: Context, who: npt.NDArray[np.bool_]) -> pl.DataFrame:
    """subject, partner (another person who holds an account here), linked_at: their first payment."""
    between = pl.col("channel").is_in(["p2p", "wallet"]) & context.counterparty_known()
    legs = by_person(context, between, "counterparty", accounts=who)
    held = pl.DataFrame({"counterparty": context.party_of_account, "partner": context.persons})
    return (
        legs.join(held.cast(pl.UInt32), on="counterparty")
        .filter(pl.col("partner") != pl.col("subject"))
        .group_by("subject", "partner")
        .agg(linked_at=pl.col("booked_at").min())
    )


MOV_12 = Indicator(
    id="HT-MOV-12",
    name="The payer is not the traveller",
    role="PC",
    weight="S",
    source=f"{UPDATED} (running costs paid by others)",
    evidence="V1, D",
    parameters=PaidForTraveller(),
    values=(Value("event_count", "count", ">=", "min_count"), Value("partner_count", "count")),
    fact="on {event_count} occasions within {window_days} days rooms or rides were paid far from where the "
    "payer was, in the city where a person they exchange money with was",
    caution="parents and companies that pay for others",
    find=find_paid_for_traveller,
    needs=("merchant", "city", "country"),
    uses_peers=True,
)


INDICATORS = (
    MOV_01,
    MOV_03,
    MOV_04,
    MOV_05,
    MOV_06,
    MOV_07,
    MOV_08,
    MOV_09,
    MOV_10,
    MOV_11,
    MOV_12,
)
