"""Sightings: the rows that say where somebody was, each with its city and its day on the clock there.

What counts: a room paid in the city, a card used on the spot, cash drawn or paid in there, an advert for it
that the account's payments go with. What does not: money that others send (its city is the payer's), what is
sold from afar (its city is the seller's), and what did not take effect. Cash paid in may come from anybody:
it shows money, and only the other kinds make a stay.
"""

from __future__ import annotations

import polars as pl

from finpat.adverts.adverts import Adverts
from finpat.config import Settings
from finpat.ledger import TEXT_COLUMNS, Ledger, effective_legs
from finpat.networks.persons import persons_of
from finpat.places import located, normalised, zone_of
from finpat.vocabulary import load_vocabulary, of_kind

SOURCES = ("advert", "lodging", "card", "cash_out", "cash_in")
SPENDING = ("lodging", "card", "cash_out")  # what puts the holder in a city

NIGHT_STARTS, NIGHT_ENDS = 22, 6  # FINTRAC Project Protect: between 22:00 and 06:00
IS_NIGHT = (pl.col("local_hour") >= NIGHT_STARTS) | (pl.col("local_hour") < NIGHT_ENDS)
# A night belongs to the date on which it starts.
NIGHT_DAY = pl.col("local_day") - (pl.col("local_hour") < NIGHT_ENDS).fill_null(False).cast(pl.Int32)

# What is sold without the buyer standing there: the city is the seller's.
SOLD_FROM_AFAR = (
    "remote_sale", "transport_far", "travel_agency", "delivery", "advert", "crypto", "gambling", "telecom",
    "utility", "payment_processor", "remittance", "tax", "recruitment",
)  # fmt: skip
# The card's holder stood there: a machine, or a purchase at a counter.
IS_PRESENT = (
    ((pl.col("channel") == "atm") | ((pl.col("channel") == "card") & ~pl.col("is_credit")))
    & pl.col("city").is_not_null()
    & ~of_kind(*SOLD_FROM_AFAR)
)
IS_CASH = pl.col("channel").is_in(["cash", "atm"])
IS_ROOM = of_kind("lodging") & ~of_kind("remote_sale") & ~pl.col("is_credit")  # paid to the house itself
SOURCE = pl.Enum(SOURCES)
PLACED = ("place", "city", "country", "latitude", "longitude")
# turn: what comes first of two at one instant, the same whatever order rows were loaded in.
EMPTY = pl.DataFrame(
    schema={"subject": pl.UInt32, "account": pl.UInt32, "at": pl.Datetime("us"), "has_time": pl.Boolean,
            "day": pl.Int32, "source": SOURCE, "row": pl.UInt32, "ad": pl.UInt32, "turn": pl.UInt32,
            "city": pl.String, "country": pl.String}
)  # fmt: skip


def legs_in_cities(
    ledger: Ledger, settings: Settings, where: pl.Expr, *columns: str, accounts: pl.Series | None = None
) -> pl.DataFrame:
    """Legs with a known city that took effect and that `where` keeps: subject, city, country, kinds, ...

    subject is the person; turn the place in the ledger. columns: of the legs, besides. accounts: one truth
    value per account; None for all.
    """
    legs = ledger.legs
    if "city" not in legs.columns:
        legs = legs.clear().with_columns(city=pl.lit(None, pl.Categorical))
    kept = legs.select(where & pl.col("city").is_not_null()).to_series()
    effective = effective_legs(ledger) if legs.height else None
    if effective is not None:
        kept = kept & pl.Series(effective)
    if accounts is not None:
        kept = kept & accounts.gather(legs["account"])
    texts = [name for name in (*TEXT_COLUMNS, "merchant_category") if name in legs.columns]
    wanted = dict.fromkeys(["account", "channel", "city", *columns, *texts])
    rows = legs.select(*wanted, *(["country"] if "country" in legs.columns else [])).with_row_index("turn")
    rows = rows.filter(kept)
    words = [rows[name] for name in texts if name != "merchant_category"]
    category = rows["merchant_category"] if "merchant_category" in texts else None
    kinds = pl.repeat(0, rows.height, dtype=pl.UInt64, eager=True)
    if texts:
        kinds = load_vocabulary(settings.dictionaries).kinds_of(category, words)
    if "country" not in rows.columns:
        rows = rows.with_columns(country=pl.lit(None, pl.String))
    persons = pl.Series("subject", persons_of(ledger.accounts))
    return rows.drop(texts).with_columns(persons.gather(rows["account"]), kinds=kinds)


def spending_sightings(ledger: Ledger, settings: Settings, persons: pl.Series | None = None) -> pl.DataFrame:
    """Rows of `persons` (None: of everybody) that tell a city: the columns of EMPTY."""
    accounts = None
    if persons is not None:
        accounts = pl.Series(persons_of(ledger.accounts)).is_in(persons.implode())
    columns = ("booked_at", "has_time", "local_day", "is_credit", "row")
    rows = legs_in_cities(ledger, settings, IS_CASH | ~pl.col("is_credit"), *columns, accounts=accounts)
    cash = pl.when("is_credit").then(pl.lit("cash_in")).otherwise(pl.lit("cash_out"))
    return (
        rows.with_columns(
            source=pl.when(IS_CASH)
            .then(cash)
            .when(IS_ROOM)
            .then(pl.lit("lodging"))
            .when(IS_PRESENT)
            .then(pl.lit("card"))
            .cast(SOURCE)
        )
        .filter(pl.col("source").is_not_null())
        .with_columns(pl.lit(None, pl.UInt32).alias("ad"), pl.col("city", "country").cast(pl.String))
        .rename({"booked_at": "at", "local_day": "day"})
        .select(EMPTY.columns)
    )


def advert_sightings(adverts: Adverts) -> pl.DataFrame:
    """Adverts for a city: ad, cluster (null for none) and the columns of EMPTY without subject and account.

    The day is that of the city's clock; where the clock is unknown, or the platform writes only dates, the
    day as written.
    """
    ads = adverts.ads.filter(pl.col("city").is_not_null(), pl.col("posted_at").is_not_null())
    zoned = ads.with_columns(zone=zone_of(pl.col("country"), pl.col("city")))
    local = [
        rows.with_columns(
            day=_on_clock(pl.col("posted_at"), str(zone[0]))
            if isinstance(zone[0], str) and timed
            else pl.col("posted_at").dt.date()
        )
        for (*zone, timed), rows in zoned.group_by("zone", "has_time")
    ]
    empty = zoned.clear().with_columns(day=pl.lit(None, pl.Date))
    return pl.concat([empty, *local]).select(
        "cluster", "ad", "has_time", "city", "country",
        at="posted_at",
        day=pl.col("day").dt.epoch("d").cast(pl.Int32),
        source=pl.lit("advert", SOURCE),
        row=pl.lit(None, pl.UInt32),
        turn=pl.col("ad_id").rank("ordinal").cast(pl.UInt32),
    )  # fmt: skip


def _on_clock(at: pl.Expr, zone: str) -> pl.Expr:
    return at.dt.replace_time_zone("UTC").dt.convert_time_zone(zone).dt.date()


def number_places(*sightings: pl.DataFrame) -> tuple[pl.DataFrame, list[pl.DataFrame]]:
    """The places of all sightings, and each frame with `place` (UInt32) instead of city and country.

    Places: place, city (its commonest spelling), country, latitude, longitude (null where the place is not
    clear). Spellings differ by case, accents and punctuation alone. A row without a country belongs to the
    one country that the other rows of its city name, if it is one.
    """
    written = pl.concat([frame.select("city", "country") for frame in sightings])
    spellings = written.group_by("city", "country").len()
    names = spellings.select(pl.col("city").unique()).with_columns(key=normalised(pl.col("city")))
    spellings = spellings.join(names, on="city").with_columns(
        nation=pl.col("country").str.strip_chars().str.to_uppercase()
    )
    nations = pl.col("nation").drop_nulls()
    only = pl.when(nations.n_unique().over("key") == 1).then(nations.max().over("key"))
    spellings = spellings.with_columns(pl.coalesce("nation", only)).filter(pl.col("key") != "")
    places = (
        spellings.sort(
            "key", "nation", "len", "city", descending=[False, False, True, False], nulls_last=True
        )
        .unique(["key", "nation"], keep="first", maintain_order=True)
        .select("key", "nation", "city", country="nation")
        .with_row_index("place")
    )
    codes = spellings.join(places.select("key", "nation", "place"), on=["key", "nation"], nulls_equal=True)
    codes = codes.select("city", "country", "place")
    numbered = [
        frame.join(codes, on=["city", "country"], nulls_equal=True, maintain_order="left").drop(
            "city", "country"
        )
        for frame in sightings
    ]
    return located(places).select(PLACED), numbered
