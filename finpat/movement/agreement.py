"""Whether two circuits are one: adverts for cities, and spending in them.

A person who lives where the adverts appear agrees on every day, and so does chance: the same advert days,
moved as a whole, tell in what the two calendars would agree anyhow.
"""

from __future__ import annotations

import polars as pl

NEAR_DAYS = 1  # a sighting on the day itself, the day before or after; FINTRAC: the same or the next day
LAG_DAYS = 7  # how far spending is looked for to say who comes first
SHIFTS = tuple(days for count in range(7, 29) for days in (-count, count))  # a week at least: beyond one stay
FEWEST_SHIFTS = 10  # fewer moved calendars that can be compared say nothing about chance
AGREEMENT = (
    "advert_days", "compared_days", "agreeing_days", "agreement_share", "chance_share", "p_value", "lag_days",
)  # fmt: skip


def agreement(adverts: pl.DataFrame, spending: pl.DataFrame) -> pl.DataFrame:
    """How often spending is seen in an advert's city around the advert's day, and how often by chance.

    adverts, spending: pair (of the two circuits), day, place; repeated rows count once. Columns, one row per
    pair of `adverts`:
    advert_days: days times places with adverts. compared_days: those with spending anywhere from the day
    before to the day after; the others say nothing. agreeing_days: those with spending in the very place.
    agreement_share: agreeing / compared (null where none is compared). chance_share: the mean of that share
    over the SHIFTS that leave half as many days to compare, or more; null below FEWEST_SHIFTS of them.
    p_value: the share of moved calendars that agree as well or better, the true one counted in; null as
    chance_share. lag_days: median of spending day less advert day, the nearest within LAG_DAYS in the place;
    null where there is none.
    """
    cells = adverts.select("pair", "day", "place").unique()
    spent = spending.select("pair", "day", "place").unique()
    around = spent.with_columns(
        day=pl.concat_list(pl.col("day") + d for d in range(-NEAR_DAYS, NEAR_DAYS + 1))
    )
    there = around.explode("day").unique()
    anywhere = there.select("pair", "day").unique()
    moved = cells.with_columns(shift=pl.lit([0, *SHIFTS], pl.List(pl.Int32))).explode("shift")
    moved = (
        moved.with_columns(pl.col("day") + pl.col("shift"))
        .join(anywhere.with_columns(compared=True), on=["pair", "day"], how="left")
        .join(there.with_columns(agrees=True), on=["pair", "day", "place"], how="left")
    )
    shares = (
        moved.group_by("pair", "shift")
        .agg(days=pl.len(), compared=pl.col("compared").sum(), agreeing=pl.col("agrees").sum())
        .with_columns(share=pl.when(pl.col("compared") > 0).then(pl.col("agreeing") / pl.col("compared")))
    )
    true = shares.filter(pl.col("shift") == 0).drop("shift")
    chance = (
        shares.filter(pl.col("shift") != 0)
        .join(true.select("pair", own="share", most="compared"), on="pair")
        .filter(pl.col("compared") > 0, 2 * pl.col("compared") >= pl.col("most"))
        .sort("pair", "shift")
        .group_by("pair", maintain_order=True)
        .agg(
            shifts=pl.len(),
            chance_share=pl.col("share").mean(),
            p_value=(1 + (pl.col("share") >= pl.col("own")).sum()) / (1 + pl.len()),
        )
        .filter(pl.col("shifts") >= FEWEST_SHIFTS)
    )
    return (
        true.join(chance, on="pair", how="left")
        .join(_lags(cells, spent), on="pair", how="left")
        .select(
            "pair",
            pl.col("days").cast(pl.Int32).alias("advert_days"),
            pl.col("compared").cast(pl.Int32).alias("compared_days"),
            pl.col("agreeing").cast(pl.Int32).alias("agreeing_days"),
            agreement_share="share",
            chance_share="chance_share",
            p_value=pl.when(pl.col("compared") > 0).then("p_value"),
            lag_days="lag_days",
        )
        .sort("pair")
    )


def _lags(adverts: pl.DataFrame, spending: pl.DataFrame) -> pl.DataFrame:
    """Pair and lag_days: median of the days from an advert to the nearest spending in its place."""
    offers = pl.concat_list(pl.lit(d, pl.Int32) for d in range(-LAG_DAYS, LAG_DAYS + 1))
    near = (
        adverts.with_columns(lag=offers)
        .explode("lag")
        .join(
            spending.select("pair", "place", seen="day"),
            left_on=["pair", "place", pl.col("day") + pl.col("lag")],
            right_on=["pair", "place", "seen"],
            how="semi",
        )
    )
    # Of two as near the later one: an advert is paid for before it is worked under.
    nearest = near.sort("pair", "place", "day", pl.col("lag").abs(), -pl.col("lag")).unique(
        ["pair", "place", "day"], keep="first", maintain_order=True
    )
    return nearest.group_by("pair").agg(lag_days=pl.col("lag").cast(pl.Float64).median())
