"""Deposit here, spend there: cash paid in in one city, and spending far away soon after."""

from __future__ import annotations

import polars as pl

from finpat.places import distance_km, located

WHERE = ("subject", "city", "country")
PAIRS = (
    "subject", "account", "booked_at", "row", "city", "country", "account_there", "at_there", "row_there",
    "city_there", "country_there", "km",
)  # fmt: skip
_THERE = {name: f"{name}_there" for name in ("city", "country", "latitude", "longitude")}


def spent_elsewhere(
    deposits: pl.DataFrame, spends: pl.DataFrame, min_km: float, within_us: int
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Each deposit with the first spending of its subject far away and soon; and what cannot be told.

    deposits, spends: subject, account, booked_at, row, city, country, in order of subject and time. Pairs:
    PAIRS, one row per deposit that has any, in order of the deposits; the spending is at least `min_km` away
    and at most `within_us` later. Unclear: subject, city, country of deposits that have a spending city to
    which the distance is unknown.
    """
    # Each deposit is tried with the cities where its holder spends, not with every payment there.
    apart = (
        located(deposits.select(WHERE).unique())
        .join(located(spends.select(WHERE).unique()).rename(_THERE), on="subject")
        .filter(pl.col("city") != pl.col("city_there"))
        .with_columns(km=distance_km("_there"))
    )
    far = apart.filter(pl.col("km") >= min_km).select(*WHERE, "city_there", "country_there", "km")
    tried = deposits.with_row_index("deposit").join(far, on=WHERE, nulls_equal=True)
    pairs = (
        tried.sort("booked_at", maintain_order=True)
        .join_asof(
            spends.with_row_index("spend").select(
                "subject", "spend", account_there="account", at_there="booked_at", row_there="row",
                city_there="city", country_there="country",
            ).sort("at_there", maintain_order=True),
            left_on="booked_at",
            right_on="at_there",
            by=["subject", "city_there", "country_there"],
            strategy="forward",
            tolerance=f"{within_us}us",
            check_sortedness=False,
        )
        .filter(pl.col("at_there").is_not_null())
        .sort("deposit", "at_there", "spend")
        .unique("deposit", keep="first", maintain_order=True)
        .select(PAIRS)
    )  # fmt: skip
    return pairs, apart.filter(pl.col("km").is_null()).select(WHERE).unique()
