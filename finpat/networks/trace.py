"""Tracing: from one thing (an account, a number, an advert's poster) to all that is tied to it, with paths.

Ties are followed hop by hop, all of one hop before the next, so that every thing is reached by a shortest
path, and among those by the one that weighs most. A path weighs the product of its ties, and passing through
a shared value costs its rarity. What too many share is named and not followed.

Where the ties come from is the caller's matter (`Ties`): a published run, or frames in a test.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import polars as pl

THING: dict[str, type[pl.DataType]] = {"kind": pl.String, "id": pl.String}
TIE: dict[str, pl.DataType | type[pl.DataType]] = {
    "from_kind": pl.String, "from_id": pl.String, "to_kind": pl.String, "to_id": pl.String, "how": pl.String,
    "weight": pl.Float64, "count": pl.Int64, "first_at": pl.Datetime("us"), "last_at": pl.Datetime("us"),
    "amount": pl.Decimal(38, 8), "currency": pl.String, "evidence": pl.List(pl.String),
}  # fmt: skip
ABOUT: dict[str, type[pl.DataType]] = THING | {
    "label": pl.String, "shared_by": pl.Int64, "rarity": pl.Float64,
}  # fmt: skip
# Why a thing was not followed further.
HUB = "shared by too many"
LAST_HOP = "last hop"


@dataclass(frozen=True)
class Reach:
    """How far a trace goes.

    hops: ties from the start at most. shared_by: a value that more share is named and not followed.
    least: weight of a path below which its end is left out. things: how many are reached at most.
    """

    hops: int = 4
    shared_by: int = 25
    least: float = 0.05
    things: int = 500


@dataclass(frozen=True)
class Trace:
    """What a trace reached.

    starts: kind, id, label, shared_by of what the value stands for.
    things: everything reached, nearest first, then weightiest: kind, id, label, shared_by (persons and
        posters who have the value; null for an account, an advert, a poster), hops, weight (of the path from
        the start, 0 to 1), stopped (HUB, LAST_HOP, or null where it was followed), and the last tie of that
        path: from_kind, from_id and the columns of TIE from `how` on, `tie_weight` in place of `weight`.
    ties: every tie between two of these things, each once, with the columns of TIE.
    too_weak: things whose path weighs less than the least. left_out: things beyond the number allowed.
    """

    starts: pl.DataFrame
    things: pl.DataFrame
    ties: pl.DataFrame
    reach: Reach
    too_weak: int
    left_out: int

    def path_to(self, kind: str, id: str) -> pl.DataFrame:
        """The rows of `things` along the path to one of them, from the first hop on."""
        rows = {(row["kind"], row["id"]): row for row in self.things.to_dicts()}
        path = []
        here = rows.get((kind, id))
        while here is not None:
            path.append(here)
            here = rows.get((here["from_kind"], here["from_id"]))
        return pl.DataFrame(path[::-1], schema=self.things.schema)


class Ties(Protocol):
    """Where a trace gets its ties from."""

    def ties_of(self, things: pl.DataFrame) -> pl.DataFrame:
        """The ties (TIE) that go out from these things (kind, id); `weight` is what following one costs."""

    def about(self, things: pl.DataFrame) -> pl.DataFrame:
        """Label, shared_by and rarity (ABOUT) of these things; rarity null is 1."""


def follow_ties(starts: pl.DataFrame, source: Ties, reach: Reach) -> Trace:
    """Everything within reach of the starts (kind, id).

    A start is followed however many share it. The answer does not depend on the order in which the source
    gives ties.
    """
    known = _told(starts.select(THING.keys()).unique(maintain_order=True), source)
    front = known.select("kind", "id", path_weight=pl.lit(1.0))
    reached = front
    parts: list[pl.DataFrame] = []
    seen: list[pl.DataFrame] = []
    weak, beyond = [_NOTHING], [_NOTHING]
    for hop in range(1, reach.hops + 1):
        if front.is_empty():
            break
        ties = source.ties_of(front.select(THING.keys())).select(TIE.keys()).cast(TIE)  # type: ignore[arg-type]
        seen.append(ties)
        from_ = front.rename({"kind": "from_kind", "id": "from_id"})
        fresh = (
            ties.join(from_, on=["from_kind", "from_id"])
            .join(reached, left_on=["to_kind", "to_id"], right_on=["kind", "id"], how="anti")
            .rename({"to_kind": "kind", "to_id": "id", "weight": "tie_weight"})
        )
        if fresh.is_empty():
            break
        about = _told(fresh.select(THING.keys()).unique(), source)
        found = (
            fresh.join(about, on=["kind", "id"], how="left")
            .with_columns(
                hops=pl.lit(hop, pl.Int64),
                weight=pl.col("path_weight") * pl.col("tie_weight") * pl.col("rarity").fill_null(1.0),
            )
            .sort(
                "weight", "kind", "id", "from_kind", "from_id", "how",
                descending=[True, False, False, False, False, False],
            )
            .unique(["kind", "id"], keep="first", maintain_order=True)
        )  # fmt: skip
        strong = found.filter(pl.col("weight") >= reach.least)
        weak.append(found.filter(pl.col("weight") < reach.least).select(THING.keys()))
        room = reach.things - sum(part.height for part in parts)
        beyond.append(strong.slice(room).select(THING.keys()))
        strong = strong.head(room).with_columns(
            stopped=pl.when(pl.col("shared_by") > reach.shared_by)
            .then(pl.lit(HUB))
            .when(pl.lit(hop == reach.hops))
            .then(pl.lit(LAST_HOP))
        )
        parts.append(strong)
        reached = pl.concat([reached, strong.select("kind", "id", path_weight="weight")])
        front = strong.filter(pl.col("stopped").is_null()).select("kind", "id", path_weight="weight")
    things = pl.concat([_NO_THINGS, *(part.select(_NO_THINGS.columns) for part in parts)])
    starts = known.select("kind", "id", "label", "shared_by")
    return Trace(
        starts, things, _among(seen, reached), reach, _not_in(weak, reached), _not_in(beyond, reached)
    )


_NOTHING = pl.DataFrame(schema=THING)
_NO_THINGS = pl.DataFrame(
    schema={name: dtype for name, dtype in ABOUT.items() if name != "rarity"}
    | {"hops": pl.Int64, "weight": pl.Float64, "stopped": pl.String}
    | {
        "tie_weight" if name == "weight" else name: dtype
        for name, dtype in TIE.items()
        if not name.startswith("to_")
    }
)


def _not_in(parts: list[pl.DataFrame], reached: pl.DataFrame) -> int:
    """How many different things of `parts` were not reached on any other way."""
    return pl.concat(parts).unique().join(reached, on=["kind", "id"], how="anti").height


def _told(things: pl.DataFrame, source: Ties) -> pl.DataFrame:
    """Things with what the source says about them; their id as label where it says nothing."""
    about = source.about(things).select(ABOUT.keys()).cast(ABOUT)  # type: ignore[arg-type]
    told = things.join(about, on=["kind", "id"], how="left", maintain_order="left")
    return told.with_columns(pl.coalesce("label", "id").alias("label"))


def _among(seen: list[pl.DataFrame], reached: pl.DataFrame) -> pl.DataFrame:
    """The ties whose two ends were reached, each once: a tie that was met from both ends is told one way."""
    ties = pl.concat([pl.DataFrame(schema=TIE), *seen])
    for side in ("from", "to"):
        ties = ties.join(reached, left_on=[f"{side}_kind", f"{side}_id"], right_on=["kind", "id"], how="semi")
    one = pl.format("{}\x1f{}", "from_kind", "from_id")
    two = pl.format("{}\x1f{}", "to_kind", "to_id")
    return (
        ties.with_columns(low=pl.min_horizontal(one, two), high=pl.max_horizontal(one, two))
        .sort("low", "high", "how", "from_kind", "from_id")
        .unique(["low", "high", "how"], keep="first", maintain_order=True)
        .drop("low", "high")
    )
