"""Inputs of the detectors: feature columns made comparable over units, currencies and heavy tails.

Money is divided by the median payment of the account's currency, so that no exchange rate is needed: 3.0
means three typical payments, in yen as in euro. Each column is then centred on the fitted accounts' median
and divided by a robust spread. A column that does not vary among the fitted accounts is left out.

A missing value stands at the median of the fitted accounts, and where tails are added up at their mean: what
is not known is never a reason. (Leaving it out of the distance instead, so that the known columns count for
more, was
measured: average precision fell on every labelled set that has missing values, because accounts of three
payments then look extreme.) Money is missing, too, where the model has never seen the account's currency.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from finpat.detection.base import Column, Floats, Inputs, View

# Standard deviations between the 10 % and the 90 % quantile of a normal distribution: makes the spread
# comparable with one where tails are normal, and blind to a tenth of the accounts on either side where they
# are not.
DECILE_WIDTH = 2.563
LIMIT = 10.0  # spreads; chosen: beyond it a single column would outvote all others
LOGARITHMIC = ("count", "money", "duration", "ratio", "score")
TYPICAL_AMOUNTS = ("paid_in_median_minor", "paid_out_median_minor")


@dataclass(frozen=True)
class Preparation:
    """How features become inputs, fixed when the model is fitted.

    scales: currency -> its median payment in minor units. centre, spread: per view and column. median,
    deviation: of the fitted accounts in the feature's own unit (money: in median payments), for people who
    read a contribution.
    """

    columns: tuple[Column, ...]
    scales: dict[str, float]
    centre: dict[View, Floats]
    spread: dict[View, Floats]
    median: Floats
    deviation: Floats


def currency_scales(features: pl.DataFrame, currencies: pl.Series) -> dict[str, float]:
    """Median over a currency's accounts of their median payment (minor units); 1 where it has none."""
    present = [name for name in TYPICAL_AMOUNTS if name in features.columns]
    if not present:
        return dict.fromkeys(currencies.drop_nulls().unique().sort().to_list(), 1.0)
    medians = (
        features.select(typical=pl.mean_horizontal(pl.col(present).cast(pl.Float64)), currency=currencies)
        .group_by("currency")
        .agg(pl.col("typical").median())
        .drop_nulls("currency")
        .sort("currency")
    )
    return {
        code: float(typical) if typical else 1.0
        for code, typical in zip(medians["currency"], medians["typical"], strict=True)
    }


def raw_values(
    features: pl.DataFrame, currencies: pl.Series, columns: tuple[Column, ...], scales: dict[str, float]
) -> Floats:
    """Feature values as floats, NaN where unknown; money in median payments of the account's currency."""
    if not columns:
        return np.empty((features.height, 0))
    scale = currencies.cast(pl.String).replace_strict(scales, default=None, return_dtype=pl.Float64)
    money = [column.name for column in columns if column.kind == "money"]
    floats = features.select(pl.col([column.name for column in columns]).cast(pl.Float64))
    floats = floats.with_columns(pl.col(money) / scale) if money else floats
    values = (
        floats.select(pl.all().fill_null(float("nan")))
        .to_numpy(order="fortran")
        .astype(np.float64, order="F")
    )
    values[~np.isfinite(values)] = np.nan
    return values


def _views(values: Floats, columns: tuple[Column, ...]) -> dict[View, Floats]:
    shape = values.copy(order="F")
    for index, column in enumerate(columns):
        if column.kind in LOGARITHMIC:
            shape[:, index] = np.copysign(np.log1p(np.abs(values[:, index])), values[:, index])
    return {"level": values, "shape": shape}


def _spread(values: Floats) -> tuple[Floats, Floats]:
    """Median and robust spread of each column; a spread of 0 where nothing varies or nothing is known."""
    count = values.shape[1]
    centre, spread = np.zeros(count), np.zeros(count)
    for column in range(count):
        known = values[:, column]
        known = known[~np.isnan(known)]
        if not known.size:
            continue
        low, centre[column], high = np.quantile(known, [0.1, 0.5, 0.9])
        spread[column] = (high - low) / DECILE_WIDTH
        # Rare things (a share that is 0 for nine accounts of ten) have no decile width: their deviation
        # stands in.
        if spread[column] <= 1e-12 * max(1.0, abs(centre[column])):
            spread[column] = np.std(known)
        if spread[column] <= 1e-9 * max(1.0, abs(centre[column])):
            spread[column] = 0.0
    return centre, spread


def prepare(
    features: pl.DataFrame,
    currencies: pl.Series,
    columns: tuple[Column, ...],
    kept_always: frozenset[str] = frozenset(),
) -> Preparation:
    """Measure scales, centres and spreads on the fitted accounts.

    Constant columns are dropped but for `kept_always`, which then have a spread of 1.
    """
    scales = currency_scales(features, currencies)
    values = raw_values(features, currencies, columns, scales)
    measured = {view: _spread(matrix) for view, matrix in _views(values, columns).items()}
    varied = (measured["level"][1] > 0) & (measured["shape"][1] > 0)
    for _, spread in measured.values():
        spread[~varied] = 1.0
    kept = np.flatnonzero(varied | np.array([column.name in kept_always for column in columns], bool))
    return Preparation(
        columns=tuple(columns[index] for index in kept),
        scales=scales,
        centre={view: centre[kept] for view, (centre, _) in measured.items()},
        spread={view: spread[kept] for view, (_, spread) in measured.items()},
        median=measured["level"][0][kept],
        deviation=measured["level"][1][kept],
    )


def inputs_of(preparation: Preparation, features: pl.DataFrame, currencies: pl.Series) -> Inputs:
    """The inputs of each account, row by row: no account's numbers depend on another's."""
    values = raw_values(features, currencies, preparation.columns, preparation.scales)
    known = ~np.isnan(values)
    views = {}
    for view, matrix in _views(values, preparation.columns).items():
        scaled = (matrix - preparation.centre[view]) / preparation.spread[view]
        views[view] = np.where(known, np.clip(scaled, -LIMIT, LIMIT), 0.0)
    return Inputs(preparation.columns, level=views["level"], shape=views["shape"], known=known, raw=values)
