"""What the queues ask: accounts by rank, filtered and searched, possible victims apart."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from typing import Literal

import polars as pl

from finpat.errors import UsageError
from finpat.readmodel.api import ReadModel
from finpat.readmodel.rows import Condition, Kind, Listing, Rows, Wanted

Which = Literal["subjects", "protect"]
BANDS = ("critical", "high", "medium", "low")
_COLUMNS: dict[str, Kind] = {
    "rank": "number", "account_id": "text", "score": "number", "band": "text", "possible_role": "text",
    "typologies": "text", "indicators": "text", "indicator_count": "number", "anomaly_percentile": "number",
    "amount_in": "number", "amount_out": "number", "currency": "text", "first_seen": "instant",
    "last_seen": "instant", "network_id": "text", "reason": "text", "searched": "text",
}  # fmt: skip


def _listing(only: str) -> Listing:
    return Listing(
        "SELECT *, CASE WHEN indicators = '' THEN 0 ELSE len(string_split(indicators, ';')) END "
        "AS indicator_count, "
        "concat_ws(' ', account_id, indicators, typologies, network_id, reason) AS searched "
        f"FROM rm.flagged_accounts WHERE possible_role IS {only} 'possible_victim'",
        _COLUMNS,
        ("rank",),
        (("rank", False),),
    )


# A possible victim is never among those who are looked at as subjects (FIN-2020-A008).
LISTINGS: dict[Which, Listing] = {
    "subjects": _listing("DISTINCT FROM"),
    "protect": _listing("NOT DISTINCT FROM"),
}


@dataclass(frozen=True)
class Filters:
    """Which accounts of a queue; what is empty leaves a thing open.

    search: in id, indicators, typologies, network and reason. typologies, indicators: any of them.
    accounts, not_accounts: only these, and not these (what casework knows of them).
    """

    search: str = ""
    bands: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    typologies: tuple[str, ...] = ()
    indicators: tuple[str, ...] = ()
    least_score: int = 0
    seen_since: date | None = None
    accounts: Collection[str] | None = None
    not_accounts: Collection[str] = ()

    def conditions(self) -> tuple[Condition, ...]:
        """The filters as conditions on the columns of the queue."""
        wanted = [
            (self.search, Condition("searched", "contains", (self.search,))),
            (self.bands, Condition("band", "any_of", self.bands)),
            (self.roles, Condition("possible_role", "any_of", self.roles)),
            (self.typologies, Condition("typologies", "lists", self.typologies)),
            (self.indicators, Condition("indicators", "lists", self.indicators)),
            (self.least_score, Condition("score", "at_least", (self.least_score,))),
            (self.seen_since, Condition("last_seen", "at_least", (self.seen_since,))),
            (self.accounts is not None, Condition("account_id", "any_of", tuple(self.accounts or ()))),
            (self.not_accounts, Condition("account_id", "none_of", tuple(self.not_accounts))),
        ]
        return tuple(condition for given, condition in wanted if given)


def queue(model: ReadModel, which: Which, filters: Filters, wanted: Wanted) -> Rows:
    """A page of a queue, best ranked first where no order is asked for."""
    asked = Wanted(wanted.offset, wanted.limit, (*filters.conditions(), *wanted.conditions), wanted.order)
    return LISTINGS[_known(which)].rows(model, asked)


def whole_queue(model: ReadModel, which: Which, filters: Filters, wanted: Wanted) -> pl.DataFrame:
    """Every account that the same filters and order show, for an export."""
    asked = Wanted(conditions=(*filters.conditions(), *wanted.conditions), order=wanted.order)
    return LISTINGS[_known(which)].all_rows(model, asked).drop("indicator_count", "searched")


def counts(model: ReadModel, which: Which) -> dict[str, pl.DataFrame]:
    """What can be filtered by, with how many accounts each: band, possible_role, typology, indicator.

    Frames of value and accounts, bands from critical to low, all others by name.
    """
    source = LISTINGS[_known(which)].sql
    frames = {
        name: model.ask(
            f"SELECT {name} AS value, count(*) AS accounts FROM ({source}) GROUP BY 1 ORDER BY {order}"
        )
        for name, order in (
            ("band", f"list_position({list(BANDS)!r}, value)"),
            ("possible_role", "value"),
        )
    }
    for name, column in (("typology", "typologies"), ("indicator", "indicators")):
        frames[name] = model.ask(
            f"SELECT value, count(*) AS accounts FROM (SELECT unnest(string_split({column}, ';')) AS value "
            f"FROM ({source})) WHERE value != '' GROUP BY 1 ORDER BY value"
        )
    return frames


def _known(which: Which) -> Which:
    if which not in LISTINGS:
        raise UsageError.unknown("queue", which, LISTINGS)
    return which
