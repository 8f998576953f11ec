"""Premises with adverts, and context (HT-RES-03, CX): flats where adverts appear, high weeks, corridors.

Context is about places and calendars: it says nothing about a person, weighs least and changes no role.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import polars as pl

from finpat.indicators.advert_feed import paid_adverts
from finpat.indicators.base import Indicator, Outcome, Value, parameter
from finpat.indicators.context import IS_CREDIT, Context, days
from finpat.indicators.fronts import find_several_rents
from finpat.indicators.places_visited import by_person, kept_charges, placed
from finpat.indicators.spending import ORDINARY, find_no_ordinary_life
from finpat.indicators.structuring import EVIDENCE
from finpat.indicators.tallies import lacking
from finpat.indicators.windows import trailing, with_rows
from finpat.ledger import DAY
from finpat.movement.hotspots import build_hotspots
from finpat.places import normalised
from finpat.vocabulary import of_kind


@dataclass(frozen=True)
class FlatsWithAdverts:
    """Parameters of HT-RES-03."""

    min_share: float = parameter(
        0.5, "of the adverts whose city is known; D", stricter="higher", low=0, high=1
    )
    min_ads: int = parameter(3, "fewer give no share; chosen", stricter="higher", low=1)
    window_days: float = parameter(60.0, "two months; D", low=1)


def find_flats_with_adverts(context: Context, p: FlatsWithAdverts) -> Outcome:
    """Rents go to several landlords where the payer's adverts appear, and the payer has no ordinary life.

    In 60 days 3 or more adverts that a person pays for, half of them or more in cities where the person pays
    rent, in the time of a finding of HT-RES-01 and of one of HT-SPD-09, rent not counted as ordinary life.
    """
    whole = context.whole
    rents = find_several_rents(whole, whole.find_parameters("HT-RES-01"))
    idle = find_no_ordinary_life(
        whole, whole.find_parameters("HT-SPD-09"), tuple(kind for kind in ORDINARY if kind != "rent")
    )
    during = [_of_persons(whole, outcome) for outcome in (rents, idle)]
    both = during[0].join(during[1], on="subject", suffix="_idle")
    both = both.filter(
        pl.col("opens") <= pl.col("closes_idle"), pl.col("opens_idle") <= pl.col("closes")
    ).select(
        "subject",
        opens=pl.max_horizontal("opens", "opens_idle"),
        closes=pl.min_horizontal("closes", "closes_idle"),
    )
    flats = by_person(whole, of_kind("rent") & ~IS_CREDIT, "city").with_columns(
        pl.col("subject").cast(pl.UInt64)
    )
    flats = flats.join(both.select("subject").unique(), on="subject", how="semi", maintain_order="left")
    known = placed(flats)
    ads = paid_adverts(context).filter(pl.col("city").is_not_null())
    ads = ads.join(both.select("subject").unique(), on="subject", how="semi", maintain_order="left")
    homes = known.select("subject", city="place").unique().with_columns(at_flat=True)
    told = ads.join(homes, on=["subject", "city"], how="left", maintain_order="left").with_columns(
        pl.col("at_flat").fill_null(False)
    )
    windows = trailing(
        told,
        days(p.window_days),
        pl.len().cast(pl.Int64).alias("ad_count"),
        pl.col("at_flat").mean().alias("flat_share"),
    ).filter(pl.col("ad_count") >= p.min_ads, pl.col("flat_share") >= p.min_share)
    meets = pl.col("window_start") <= pl.col("closes"), pl.col("opens") <= pl.col("window_end")
    windows = (
        windows.join(both, on="subject").filter(*meets).drop("opens", "closes").unique(maintain_order=True)
    )
    placeless = flats.join(known.select("subject").unique(), on="subject", how="anti")
    blind = with_rows(ads, p.min_ads).join(placeless, on="subject", how="semi")
    return Outcome(
        windows,
        pl.concat([told.select(EVIDENCE), known.select(EVIDENCE)]).unique(),
        lacking(blind, 1, "city"),
    )


def _of_persons(context: Context, outcome: Outcome) -> pl.DataFrame:
    """Subject (the person, UInt64), opens, closes: the times in which a person meets another indicator."""
    holders = outcome.rows.select("subject", "account").unique()
    persons = pl.Series(context.persons).gather(holders["account"]).cast(pl.UInt64)
    return (
        outcome.windows.select("subject", opens="window_start", closes="window_end")
        .join(holders.with_columns(person=persons).drop("account"), on="subject")
        .select("opens", "closes", subject="person")
        .unique()
    )


RES_03 = Indicator(
    id="HT-RES-03",
    name="Flats where the adverts are, and no ordinary life",
    role="PC",
    weight="S",
    source="FINTRAC-2021-OA001, private-residence section (the combination is this project's)",
    evidence="V1, D",
    parameters=FlatsWithAdverts(),
    values=(
        Value("flat_share", "share", ">=", "min_share"),
        Value("ad_count", "count", ">=", "min_ads"),
    ),
    fact="rent goes to several landlords where {flat_share} of {ad_count} adverts within {window_days} days "
    "appeared, which payments of the same person are consistent with, and nothing of daily life is paid",
    caution="people who let serviced flats",
    find=find_flats_with_adverts,
    needs=("adverts", "merchant", "holder_type", "balance_after_minor", "city"),
    across=True,
)


# ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class HotWeek:
    """Parameters of CX-HOT-01."""

    min_z: float = parameter(3.0, "robust spreads above the 26 weeks before; D", stricter="higher", low=0)
    min_series: int = parameter(2, "of four series, so high in one week; D", stricter="higher", low=1)


def find_hot_week(context: Context, p: HotWeek) -> Outcome:
    """In a city several things happen far more often than in the half year before.

    A week in which 2 or more of four series (adverts, new telephone numbers, persons who paid for a room,
    persons who moved cash at night) lie 3 or more robust spreads above the median of the 26 weeks before.
    Numbers about fewer than 10 persons are withheld and not judged.
    """
    hotspots = build_hotspots(context.ledger, context.adverts, context.settings, expected=False)
    high = (
        hotspots.cells.filter(pl.col("place").is_not_null(), pl.col("z") >= p.min_z)
        .group_by("place", "week")
        .agg(series_count=pl.len().cast(pl.Int64), least_z=pl.col("z").min())
        .filter(pl.col("series_count") >= p.min_series)
        .join(hotspots.places, on="place")
        .sort("place", "week")
    )
    monday = pl.col("week").cast(pl.Int64) * 7 - 3
    part = pl.when(pl.col("country").is_null()).then("city").otherwise(pl.format("{}, {}", "city", "country"))
    windows = high.select(
        "series_count",
        "least_z",
        subject=pl.col("place").cast(pl.UInt64),
        window_start=(monday * DAY).cast(pl.Datetime("us")),
        window_end=((monday + 7) * DAY - 1).cast(pl.Datetime("us")),
        part=part,
    )
    return Outcome(windows, context.no_legs())


HOT_01 = Indicator(
    id="CX-HOT-01",
    name="High week in a city",
    role="NET",
    weight="W",
    source="ABA Center for Human Rights, 2019 (large events do not change how many are exploited); FinCEN "
    "notice on the 2026 World Cup",
    evidence="V2, D",
    parameters=HotWeek(),
    values=(
        Value("series_count", "count", ">=", "min_series"),
        Value("least_z", "score", ">=", "min_z"),
    ),
    fact="{part}: {series_count} of adverts, new numbers, rooms and night cash are {least_z} or more robust "
    "spreads above the 26 weeks before",
    caution="fairs, seasons, a new platform or branch; an aid for staff and outreach, about no person",
    find=find_hot_week,
    needs=("city",),
    level="portfolio",
    uses_peers=True,
)


# ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Corridor:
    """Parameters of CX-CORR-02."""

    corridors: tuple[str, ...] = parameter(
        (), "chains of cities, such as `Toronto > Kingston > Montreal`; none is shipped"
    )
    min_cities: int = parameter(3, "cities in order; U", stricter="higher", low=2)
    window_days: float = parameter(21.0, "three weeks; U", stricter="lower", low=1)


def find_corridor(context: Context, p: Corridor) -> Outcome:
    """A person is lodged or advertises in cities of a configured chain, one after the other.

    In 21 days lodging or paid adverts in 3 or more cities of one chain, in its order or in the opposite one.
    """
    whole = context.whole
    rooms = placed(kept_charges(whole, "lodging").filter(~of_kind("remote_sale")))
    seen = [rooms.select(EVIDENCE).with_columns(rooms["place"], pl.col("subject").cast(pl.UInt64))]
    if whole.adverts is not None:
        ads = paid_adverts(whole).filter(pl.col("city").is_not_null())
        seen.append(ads.select(*EVIDENCE, place="city").select(seen[0].columns))
    visits = pl.concat(seen).sort("subject", "booked_at", "row")
    found = []
    for number, chain in enumerate(p.corridors):
        names = (
            pl.Series(chain.split(">"), dtype=pl.String).to_frame("place").select(normalised(pl.col("place")))
        )
        nodes = names.with_row_index("node").unique("place", keep="first", maintain_order=True)
        met = visits.join(nodes, on="place", maintain_order="left")
        met = met.filter(pl.col("place").n_unique().over("subject") >= p.min_cities)
        for (subject,), rows in met.group_by("subject", maintain_order=True):
            runs = _runs(rows["booked_at"].cast(pl.Int64).to_list(), rows["node"].to_list(), p)
            found += [(subject, number, *run) for run in runs]
    windows = pl.DataFrame(
        found,
        schema={"subject": pl.UInt64, "chain": pl.UInt32, "window_start": pl.Int64, "window_end": pl.Int64,
                "city_count": pl.Int64},
        orient="row",
    )  # fmt: skip
    instants = pl.col("window_start", "window_end").cast(pl.Datetime("us"))
    return Outcome(windows.with_columns(instants).drop("chain"), visits.select(EVIDENCE))


def _runs(at: Sequence[int], nodes: Sequence[int], p: Corridor) -> Iterator[tuple[int, int, int]]:
    """First instant, last instant and length of the longest passage along the chain that each visit ends."""
    width = days(p.window_days)
    for end in range(len(at)):
        best = (0, 0)
        for way in (1, -1):
            # Longest passage from each visit to this one: how many cities, and the latest start of as many.
            reach: list[tuple[int, int]] = [(1, at[end])] + [(0, 0)] * end
            for back in range(1, end + 1):
                place = end - back
                if at[end] - at[place] >= width:
                    break
                later = [
                    reach[other][0]
                    for other in range(back)
                    if reach[other][0] and way * nodes[place] < way * nodes[end - other]
                ]
                reach[back] = (1 + max(later), at[place]) if later else (0, 0)
            best = max(best, *reach)
        if best[0] >= p.min_cities:
            yield best[1], at[end], best[0]


CORR_02 = Indicator(
    id="CX-CORR-02",
    name="Along a corridor",
    role="NET",
    weight="W",
    source="FINTRAC-2021-OA001 (corridors reported by the police)",
    evidence="V1, U",
    parameters=Corridor(),
    values=(Value("city_count", "count", ">=", "min_cities"),),
    fact="rooms or adverts in {city_count} cities of one corridor, in its order, within {window_days} days",
    caution="everybody who travels along the same road; switched on where a corridor is set",
    find=find_corridor,
    needs=("merchant", "city"),
    enabled=False,
    across=True,
)


INDICATORS = (RES_03, HOT_01, CORR_02)
