"""Circuits: a subject's days in cities, its stays, and the legs from one stay to the next.

A circuit is read off sightings (presence.py). Subjects are persons, or clusters of adverts. Nothing is filled
in: a day without a row is a day of which nothing is known.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from finpat.adverts.adverts import Adverts
from finpat.config import Settings
from finpat.ledger import Ledger
from finpat.movement.agreement import AGREEMENT, agreement
from finpat.movement.deposits import spent_elsewhere
from finpat.movement.presence import (
    EMPTY,
    SPENDING,
    advert_sightings,
    number_places,
    spending_sightings,
)
from finpat.networks.persons import persons_of
from finpat.places import distance_km

MAX_GAP_DAYS = 3  # without a sighting, in one stay; chosen: a long weekend
ROWS_NAMED = 20  # rows of one day and city that are named as its evidence
FAR_KM = 100.0  # deposit here, spend there: as HT-MOV-09
SOON_HOURS = 36.0


def day_cells(sightings: pl.DataFrame) -> pl.DataFrame:
    """One row per subject, day and place, in the order in which the places were reached.

    sightings: subject, day, place, at, has_time, source, row, ad, turn. Cells: subject, day, place, sources
    (list, in the order of SOURCES), row_count, first_at, last_at, has_time (of all rows), rows and ads (lists
    of at most ROWS_NAMED). Within a day the clock decides; where one of the day's rows has none, the place
    that was left comes before the place that is stayed in.
    """
    cells = (
        sightings.sort("subject", "day", "place", "at", "source", "turn")
        .group_by("subject", "day", "place", maintain_order=True)
        .agg(
            sources=pl.col("source").unique().sort(),
            row_count=pl.len().cast(pl.Int32),
            first_at=pl.col("at").min(),
            last_at=pl.col("at").max(),
            has_time=pl.col("has_time").all(),
            rows=pl.col("row").drop_nulls().head(ROWS_NAMED),
            ads=pl.col("ad").drop_nulls().head(ROWS_NAMED),
        )
    )
    other_day = cells.select("subject", "place", "day")
    seen = {
        name: other_day.with_columns(pl.col("day") + shift, pl.lit(True).alias(name))
        for name, shift in (("before", 1), ("after", -1))
    }
    for name, days in seen.items():
        cells = cells.join(days, on=["subject", "place", "day"], how="left", maintain_order="left")
        cells = cells.with_columns(pl.col(name).fill_null(False))
    clocked = pl.col("has_time").all().over("subject", "day")
    turn = pl.col("after").cast(pl.Int8) - pl.col("before").cast(pl.Int8)
    return (
        cells.with_columns(_clock=pl.when(clocked).then("first_at"), _turn=turn)
        .sort("subject", "day", "_clock", "_turn", "place")
        .drop("before", "after", "_clock", "_turn")
    )


def stays_of(cells: pl.DataFrame, places: pl.DataFrame) -> pl.DataFrame:
    """Stays, and how each was reached from the one before, in order of subject and time.

    A stay is a run of a subject's cells in one place, with no day in another and no more than MAX_GAP_DAYS
    days from one sighting to the next. Columns: subject, place, first_day, last_day, day_count (days with a
    sighting), row_count, sources, first_at, last_at; of the leg: km (from the stay before; null for the
    first, or where a place is not clear), hours (from its last sighting to this one's first; null where one
    has no time of day), kmh (null where an hour or a distance is unknown, or no time passed).
    """
    same = (pl.col("subject") == pl.col("subject").shift(1)).fill_null(False)
    goes_on = same & (pl.col("place") == pl.col("place").shift(1)) & (pl.col("day").diff() <= MAX_GAP_DAYS)
    runs = cells.with_columns(stay=(~goes_on.fill_null(False)).cum_sum())
    stays = runs.group_by("stay", maintain_order=True).agg(
        pl.col("subject", "place").first(),
        first_day=pl.col("day").min(),
        last_day=pl.col("day").max(),
        day_count=pl.col("day").n_unique().cast(pl.Int32),
        row_count=pl.col("row_count").sum(),
        sources=pl.col("sources").list.explode().unique().sort(),
        first_at=pl.col("first_at").min(),
        last_at=pl.col("last_at").max(),
        _starts=pl.col("has_time").first(),
        _ends=pl.col("has_time").last(),
    )
    where = places.select("place", "latitude", "longitude")
    before = pl.col("last_at", "_ends", "latitude", "longitude").shift(1).name.suffix("_before")
    waited = (pl.col("first_at") - pl.col("last_at_before")).dt.total_microseconds() / 3.6e9
    hours = pl.when(same & pl.col("_starts") & pl.col("_ends_before")).then(waited.clip(lower_bound=0))
    return (
        stays.join(where, on="place", how="left", maintain_order="left")
        .with_columns(before)
        .with_columns(km=pl.when(same).then(distance_km("_before")), hours=hours)
        .with_columns(kmh=pl.when(pl.col("hours") > 0).then(pl.col("km") / pl.col("hours")))
        .select(
            "subject", "place", "first_day", "last_day", "day_count", "row_count", "sources", "first_at",
            "last_at", "km", "hours", "kmh",
        )
    )  # fmt: skip


@dataclass(frozen=True)
class Movement:
    """The circuits of one run.

    places: place, city, country, latitude, longitude.
    persons: cells (of day_cells) of persons who were seen in two places; subject is the person: the code of
        one of the person's accounts. clusters: cells of clusters of adverts, with `cluster`.
    stays, cluster_stays: of stays_of. A person's stays are made of what puts the holder there (SPENDING), and
        apart from these of the adverts that the account's payments go with; `circuit` says which: `spending`
        or `adverts`.
    agreements: subject, cluster (null: all adverts that the person's payments go with), and the columns of
        agreement.AGREEMENT.
    elsewhere: cash paid in here and spending there (deposits.PAIRS).
    """

    places: pl.DataFrame
    persons: pl.DataFrame
    clusters: pl.DataFrame
    stays: pl.DataFrame
    cluster_stays: pl.DataFrame
    agreements: pl.DataFrame
    elsewhere: pl.DataFrame

    @property
    def rows(self) -> pl.Series:
        """The rows (of the ledger) that the tables name."""
        named = self.persons["rows"].explode(empty_as_null=True).drop_nulls()
        return pl.concat([named, self.elsewhere["row"], self.elsewhere["row_there"]]).unique().sort()


def build_movement(
    ledger: Ledger, adverts: Adverts | None, settings: Settings, accounts: pl.Series | None = None
) -> Movement:
    """Circuits of persons and clusters of adverts, how they agree, and deposits spent elsewhere.

    accounts: codes of the accounts whose holders are looked at (None: all), besides those whose payments go
    with adverts.
    """
    persons = pl.Series("subject", persons_of(ledger.accounts))
    posted = EMPTY.drop("subject", "account").with_columns(cluster=pl.lit(None, pl.String))
    paid = pl.DataFrame(schema={"account": pl.UInt32, "ad": pl.UInt32, "cluster": pl.String})
    linked = paid.select("account", "cluster")
    if adverts is not None:
        posted = advert_sightings(adverts)
        paid = adverts.paid.select("account", "ad", "cluster")
        linked = pl.concat([paid.select("account", "cluster"), adverts.links.select("account", "cluster")])
    linked = linked.select(persons.gather(linked["account"]), "cluster")
    among = None if accounts is None else pl.concat([persons.gather(accounts), linked["subject"]]).unique()
    spent = spending_sightings(ledger, settings, among)
    places, (spent, posted) = number_places(spent, posted)
    own = (
        paid.select("ad", persons.gather(paid["account"]))
        .unique()
        .join(posted, on="ad")
        .with_columns(account=pl.lit(None, pl.UInt32))
        .select(spent.columns)
    )
    everything = pl.concat([spent, own])
    roaming = everything.group_by("subject").agg(many=pl.col("place").n_unique() > 1).filter("many")
    everything = everything.join(roaming, on="subject", how="semi")
    puts_there = pl.col("source").is_in(SPENDING)
    circuits = {"spending": day_cells(everything.filter(puts_there)), "adverts": day_cells(own)}
    clusters = day_cells(
        posted.filter(pl.col("cluster").is_not_null()).with_columns(
            subject=pl.col("cluster").rank("dense").cast(pl.UInt32)
        )
    )
    names = posted.select("cluster", subject=pl.col("cluster").rank("dense").cast(pl.UInt32)).unique()
    named = clusters.join(names, on="subject", maintain_order="left")
    return Movement(
        places=places,
        persons=day_cells(everything),
        clusters=named,
        stays=pl.concat(
            stays_of(cells, places).with_columns(circuit=pl.lit(name)) for name, cells in circuits.items()
        ),
        cluster_stays=stays_of(clusters, places).join(names, on="subject", maintain_order="left"),
        agreements=_agreements(linked, circuits["adverts"], named, day_cells(spent.filter(puts_there))),
        elsewhere=_elsewhere(everything, places),
    )


def _agreements(
    linked: pl.DataFrame, own: pl.DataFrame, clusters: pl.DataFrame, spent: pl.DataFrame
) -> pl.DataFrame:
    """How the adverts of each linked cluster, and all paid adverts together, agree with the spending.

    linked: subject, cluster. own, spent: cells of persons. clusters: cells with their cluster.
    """
    columns = ("subject", "cluster", "day", "place")
    adverts = pl.concat(
        [
            linked.drop_nulls().unique().join(clusters.select(columns[1:]), on="cluster").select(columns),
            own.with_columns(cluster=pl.lit(None, pl.String)).select(columns),
        ]
    )
    pairs = adverts.select("subject", "cluster").unique().sort("subject", "cluster", nulls_last=True)
    pairs = pairs.with_row_index("pair")
    told = agreement(
        adverts.join(pairs, on=["subject", "cluster"], nulls_equal=True).select("pair", "day", "place"),
        pairs.join(spent, on="subject").select("pair", "day", "place"),
    )
    return pairs.join(told, on="pair", maintain_order="left").select("subject", "cluster", *AGREEMENT)


def _elsewhere(sightings: pl.DataFrame, places: pl.DataFrame) -> pl.DataFrame:
    """Cash that a person's account took in, each with the next spending far away soon after."""
    named = places.select("place", "city", "country")
    rows = sightings.filter("has_time").join(named, on="place").with_columns(booked_at="at")
    rows = rows.sort("subject", "booked_at", "turn")
    return spent_elsewhere(
        rows.filter(pl.col("source") == "cash_in"),
        rows.filter(pl.col("source").is_in(SPENDING)),
        FAR_KM,
        round(SOON_HOURS * 3_600_000_000),
    )[0]
