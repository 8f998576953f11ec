"""Circuits as tables of the read model: every account of a person shows what all of the person's tell."""

from __future__ import annotations

import polars as pl

from finpat.adverts.adverts import Adverts
from finpat.ledger import Ledger
from finpat.movement.agreement import AGREEMENT
from finpat.movement.circuits import Movement
from finpat.networks.persons import persons_of

_DAYS = ("day", "city", "country", "latitude", "longitude", "sources", "row_count", "evidence")
_STAYS = (
    "circuit", "first_day", "last_day", "city", "country", "latitude", "longitude", "sources", "day_count",
    "row_count", "first_at", "last_at", "km", "hours", "kmh",
)  # fmt: skip


def movement_tables(
    movement: Movement, ledger: Ledger, adverts: Adverts | None, ids: pl.Series
) -> dict[str, pl.DataFrame]:
    """Frames of rm.movements, rm.stays, rm.circuit_agreements and rm.deposits_elsewhere.

    ids: transaction_id of each of `movement.rows`, in their order.
    """
    names = ledger.accounts["account_id"]
    holders = pl.DataFrame({"account_id": names, "subject": persons_of(ledger.accounts)})
    written = pl.DataFrame({"rows": movement.rows, "id": ids.cast(pl.String)})
    ads = pl.Series([], dtype=pl.String) if adverts is None else adverts.ads["ad_id"]
    posted = pl.DataFrame({"ads": pl.int_range(len(ads), dtype=pl.UInt32, eager=True), "id": ads})
    days, days_of_clusters = (
        _readable(_with_evidence(cells, written, posted), movement, "day")
        for cells in (movement.persons, movement.clusters)
    )
    stays, stays_of_clusters = (
        _readable(frame, movement, "first_day", "last_day")
        for frame in (movement.stays, movement.cluster_stays.with_columns(circuit=pl.lit("adverts")))
    )
    pairs = movement.elsewhere
    waited = (pl.col("at_there") - pl.col("booked_at")).dt.total_microseconds() / 3.6e9
    return {
        "movements": _of_both(days.join(holders, on="subject"), days_of_clusters, _DAYS),
        "stays": _of_both(stays.join(holders, on="subject"), stays_of_clusters, _STAYS),
        "circuit_agreements": movement.agreements.join(holders, on="subject").select(
            "account_id", *AGREEMENT, cluster_id="cluster"
        ),
        "deposits_elsewhere": pairs.select(
            "city", "country", "city_there", "country_there", "km",
            account_id=names.gather(pairs["account"]),
            transaction_id=_looked_up(pairs["row"], written),
            deposited_at="booked_at",
            account_id_there=names.gather(pairs["account_there"]),
            transaction_id_there=_looked_up(pairs["row_there"], written),
            spent_at="at_there",
            hours=waited,
        ),
    }  # fmt: skip


def _of_both(of_accounts: pl.DataFrame, of_clusters: pl.DataFrame, columns: tuple[str, ...]) -> pl.DataFrame:
    """Rows of accounts and rows of clusters of adverts in one frame."""
    nobody = pl.lit(None, pl.String)
    return pl.concat(
        [
            of_accounts.select(pl.col("account_id"), nobody.alias("cluster_id"), *columns),
            of_clusters.select(nobody.alias("account_id"), pl.col("cluster").alias("cluster_id"), *columns),
        ]
    )


def _readable(frame: pl.DataFrame, movement: Movement, *days: str) -> pl.DataFrame:
    """`frame` with dates, the names of sources and of places in place of codes."""
    words = pl.col("sources").list.eval(pl.element().cast(pl.String))
    return frame.with_columns(pl.col(days).cast(pl.Date), words).join(movement.places, on="place")


def _looked_up(rows: pl.Series, written: pl.DataFrame) -> pl.Series:
    """The id of each row."""
    return rows.to_frame("rows").join(written, on="rows", how="left", maintain_order="left")["id"]


def _with_evidence(cells: pl.DataFrame, written: pl.DataFrame, posted: pl.DataFrame) -> pl.DataFrame:
    """`cells` with `evidence`: the ids of their rows, then of their adverts."""
    cells = cells.with_row_index("cell")
    named = [
        cells.select("cell", name)
        .explode(name, empty_as_null=True)
        .join(known, on=name, maintain_order="left")
        .select("cell", "id")
        for name, known in (("rows", written), ("ads", posted))
    ]
    evidence = pl.concat(named).group_by("cell", maintain_order=True).agg(evidence="id")
    return cells.join(evidence, on="cell", how="left", maintain_order="left")
