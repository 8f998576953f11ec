"""What the movement tests share: rows that tell a city, and adverts in the form of the adverts room."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import polars as pl

from finpat.adverts.adverts import Adverts
from finpat.adverts.cluster import cluster_adverts
from finpat.adverts.link import LINK_SCHEMA
from finpat.adverts.normalise import contacts_of
from finpat.config import Settings
from finpat.ledger import Ledger
from finpat.movement import Movement, build_movement
from tests.factory import at, ledger

__all__ = ["advert", "adverts", "at", "built", "card", "cash", "days", "ledger", "stays"]


def card(day: float, city: str, **changes: Any) -> dict[str, Any]:
    """A card used in a shop of a German city."""
    row = {"booked_at": at(day), "direction": "debit", "channel": "card", "city": city, "country": "DE"}
    return row | {"counterparty_id": "SHOP", "merchant_category": "5411", **changes}


def cash(day: float, city: str, direction: str = "debit", **changes: Any) -> dict[str, Any]:
    """Cash drawn or paid in at a machine."""
    row = {"booked_at": at(day), "direction": direction, "channel": "atm", "city": city, "country": "DE"}
    return row | {"counterparty_id": "CASH", **changes}


def advert(ad_id: str, day: float, city: str, **changes: Any) -> dict[str, Any]:
    """An advert; `cluster` and `account` (who pays for it) as wanted."""
    row = {"ad_id": ad_id, "platform": "board", "posted_at": at(day), "city": city, "country": "DE"}
    return row | {"cluster": None, "account": None, "has_time": True, **changes}


def adverts(*rows: dict[str, Any]) -> Adverts:
    """Adverts whose clusters and payers are given."""
    frame = pl.DataFrame(
        rows,
        schema={
            "ad_id": pl.String, "platform": pl.String, "posted_at": pl.Datetime("us"), "city": pl.String,
            "country": pl.String, "cluster": pl.String, "account": pl.UInt32, "has_time": pl.Boolean,
        },
    ).with_row_index("ad")  # fmt: skip
    absent = [pl.lit(None, pl.String).alias(name) for name in ("phone", "email", "url", "title", "text")]
    bare = frame.select("ad_id", "posted_at", "city", "country", *absent)
    contacts = contacts_of(bare)
    paid = frame.filter(pl.col("account").is_not_null()).select(
        "account", "ad", "cluster",
        row=pl.lit(None, pl.UInt32), payment_id=pl.lit("P"), delay_s=pl.lit(0.0), is_stated=pl.lit(True),
    )  # fmt: skip
    links = pl.DataFrame(schema={"account": pl.UInt32, **LINK_SCHEMA, "rail": pl.UInt32})
    return Adverts(frame.drop("account"), contacts, cluster_adverts(bare, contacts), links, paid)


def built(data: Ledger, known: Adverts | None = None) -> Movement:
    """The circuits of a ledger."""
    return build_movement(data, known, Settings())


def days(movement: Movement, subject: int = 0) -> list[tuple[int, str, list[str]]]:
    """(days since the first row of the factory's calendar, city, sources) of a person."""
    start = (at().date() - datetime(1970, 1, 1).date()).days
    cells = movement.persons.filter(pl.col("subject") == subject).join(
        movement.places, on="place", maintain_order="left"
    )
    return [
        (day - start, city, sources)
        for day, city, sources in cells.select("day", "city", "sources").iter_rows()
    ]


def stays(movement: Movement, circuit: str = "spending", subject: int = 0) -> list[tuple[int, int, str]]:
    """(first day, last day, city) of a person's stays."""
    start = (at().date() - datetime(1970, 1, 1).date()).days
    own = movement.stays.filter(pl.col("subject") == subject, pl.col("circuit") == circuit)
    own = own.join(movement.places, on="place", maintain_order="left")
    told = own.select("first_day", "last_day", "city").iter_rows()
    return [(first - start, last - start, city) for first, last, city in told]
