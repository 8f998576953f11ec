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
_IS_CASH = pl.col("channel").is_in(["cash", "atm"])
SOURCE = pl.Enum(SOURCES)
PLACED = ("place", "city", "country", "latitude", "longitude")
# turn: what comes first of two at one instant, the same whatever order rows were loaded in.
EMPTY = pl.DataFrame(
    schema={"subject": pl.UInt32, "account": pl.UInt32, "at": pl.Datetime("us"), "has_time": pl.Boolean,
            "day": pl.Int32, "source": SOURCE, "row": pl.UInt32, "ad": pl.UInt32, "turn": pl.UInt32,
            "city": pl.String, "country": pl.String}
)  # fmt: skip


def spending_sightings(ledger: Ledger, settings: Settings, advertised: pl.Series) -> pl.DataFrame:
    """Rows of the accounts that tell a city: the columns of EMPTY; subject is the person.

    Persons who are seen under one name of a place only are left out, for they have no circuit, unless they
    are among `advertised`.
    """
    legs = ledger.legs
    if "city" not in legs.columns:
        return EMPTY
    on_the_spot = _IS_CASH | ((pl.col("channel") == "card") & ~pl.col("is_credit"))
    kept = legs.select(on_the_spot & pl.col("city").is_not_null()).to_series()
    effective = effective_legs(ledger)
    if effective is not None:
        kept = kept & pl.Series(effective)
    texts = [name for name in TEXT_COLUMNS if name in legs.columns]
    optional = [name for name in ("country", "merchant_category", *texts) if name in legs.columns]
    persons = pl.Series("subject", persons_of(ledger.accounts))
    columns = ("account", "booked_at", "has_time", "local_day", "is_credit", "channel", "city", "row")
    rows = legs.select(*columns, *optional).with_row_index("turn").filter(kept)
    rows = rows.with_columns(persons.gather(rows["account"]))
    written = [name for name in ("city", "country") if name in rows.columns]
    many = pl.any_horizontal(pl.col(name).n_unique() > 1 for name in written)
    moving = rows.group_by("subject").agg(moves=many)
    asked = moving.filter(pl.col("moves") | pl.col("subject").is_in(advertised.implode()))
    rows = rows.join(asked, on="subject", how="semi", maintain_order="left")
    category = rows["merchant_category"] if "merchant_category" in rows.columns else None
    if category is not None or texts:
        kinds = load_vocabulary(settings.dictionaries).kinds_of(category, [rows[name] for name in texts])
    else:
        kinds = pl.repeat(0, rows.height, dtype=pl.UInt64, eager=True)
    cash = pl.when("is_credit").then(pl.lit("cash_in")).otherwise(pl.lit("cash_out"))
    bought = pl.when(of_kind("lodging")).then(pl.lit("lodging")).otherwise(pl.lit("card"))
    country = pl.col("country") if "country" in rows.columns else pl.lit(None)
    return (
        rows.with_columns(kinds=kinds)
        .filter(_IS_CASH | ~of_kind(*SOLD_FROM_AFAR))
        .select(
            "subject", "account", "has_time", "row", "turn", pl.col("city").cast(pl.String),
            at="booked_at",
            day="local_day",
            source=pl.when(_IS_CASH).then(cash).otherwise(bought).cast(SOURCE),
            ad=pl.lit(None, pl.UInt32),
            country=country.cast(pl.String),
        )
        .select(EMPTY.columns)
    )  # fmt: skip


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
