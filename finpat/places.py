"""Places: the time zone and the coordinates of a city, offline and for whole columns at once.

A place is named by country (ISO 3166-1 alpha-2) and city, as exports write them. Where the name leaves the
answer open (Portland in the US lies in two zones, a country of several zones has no city, a city is unknown)
the answer is null: an hour of day that is not known must not be made up. The gazetteer's origin, licence and
rule of what is clear stand in finpat/gazetteer/README.md.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache
from importlib.resources import as_file, files

import polars as pl

EARTH_KM = 6_371.0  # mean radius
# Letters that Unicode does not take apart into a base letter and a mark.
_LETTERS = {"ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i"}


def normalised(name: pl.Expr) -> pl.Expr:
    """A place name as the gazetteer keys it: lower case, no accents, punctuation as one space."""
    return (
        name.str.normalize("NFKD")
        .str.replace_all(r"\p{M}", "")
        .str.to_lowercase()
        .str.replace_many(list(_LETTERS), list(_LETTERS.values()))
        .str.replace_all(r"[^\p{L}\p{N}]+", " ")
        .str.strip_chars()
    )


@cache
def _gazetteer() -> pl.DataFrame:
    with as_file(files("finpat").joinpath("gazetteer/places.parquet")) as path:
        return pl.read_parquet(path)


def _answers(country: pl.Series, city: pl.Series) -> pl.DataFrame:
    """zone, latitude, longitude for every row: looked up once for each distinct pair."""
    asked = pl.DataFrame({"country": country.cast(pl.String), "city": city.cast(pl.String)})
    distinct = asked.unique()
    keyed = distinct.with_columns(
        _country=pl.col("country").str.strip_chars().str.to_uppercase(),
        _city=normalised(pl.col("city")).fill_null(""),
    )
    gazetteer = _gazetteer()
    places = gazetteer.filter(pl.col("key").is_in(keyed["_city"].implode()) & (pl.col("key") != ""))
    countries = gazetteer.filter(pl.col("key") == "").select("country", country_zone="zone")
    zone = pl.coalesce("country_zone", "zone").cast(pl.String)
    found = (
        keyed.join(places, left_on=["_country", "_city"], right_on=["country", "key"], how="left")
        .join(countries, left_on="_country", right_on="country", how="left")
        .select("country", "city", "latitude", "longitude", zone=zone)
    )
    return asked.join(found, on=["country", "city"], how="left", nulls_equal=True, maintain_order="left")


def zone_of(country: pl.Expr, city: pl.Expr) -> pl.Expr:
    """IANA zone of the wall clock at the place; null where country and city do not settle it.

    A country whose clocks all agree needs no city, and a city that lies elsewhere cannot change its zone.
    """

    def look_up(columns: Sequence[pl.Series]) -> pl.Series:
        return _answers(columns[0], columns[1])["zone"]

    return pl.map_batches([country, city], look_up, return_dtype=pl.String)


def coordinates_of(country: pl.Expr, city: pl.Expr) -> pl.Expr:
    """Struct of latitude and longitude (degrees, Float32) of the city; both null where it is not clear."""

    def look_up(columns: Sequence[pl.Series]) -> pl.Series:
        return _answers(columns[0], columns[1]).select(pl.struct("latitude", "longitude")).to_series()

    return pl.map_batches(
        [country, city],
        look_up,
        return_dtype=pl.Struct({"latitude": pl.Float32, "longitude": pl.Float32}),
    )


def located(rows: pl.DataFrame, suffix: str = "") -> pl.DataFrame:
    """`rows` with latitude and longitude (degrees) of city and country; null where the place is not clear.

    suffix: of the columns that are read and of those that are made.
    """
    names = [f"country{suffix}", f"city{suffix}"]
    asked = rows.select(names).unique()
    country, city = (pl.col(name).cast(pl.String) for name in names)
    known = asked.with_columns(coordinates_of(country, city).alias("_at")).with_columns(
        pl.col("_at").struct.field("latitude").cast(pl.Float64).alias(f"latitude{suffix}"),
        pl.col("_at").struct.field("longitude").cast(pl.Float64).alias(f"longitude{suffix}"),
    )
    return rows.join(known.drop("_at"), on=names, how="left", nulls_equal=True, maintain_order="left")


def distance_km(suffix: str) -> pl.Expr:
    """Great-circle distance from (latitude, longitude) to the columns with `suffix`; null if one is."""
    radians = math.pi / 180
    latitude, other = pl.col("latitude") * radians, pl.col(f"latitude{suffix}") * radians
    turn = (pl.col(f"longitude{suffix}") - pl.col("longitude")) * radians
    chord = ((other - latitude) / 2).sin() ** 2 + latitude.cos() * other.cos() * (turn / 2).sin() ** 2
    return 2 * EARTH_KM * chord.clip(0, 1).sqrt().arcsin()
