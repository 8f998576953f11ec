"""Which features made a score, in which direction, and what is usual: for each detector and all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from finpat.detection.base import Floats, Inputs
from finpat.detection.detectors import DETECTORS

if TYPE_CHECKING:
    from finpat.detection.scoring import FittedModel

SHOWN = 8  # features named for each account and detector; chosen: what fits a page
CONTRIBUTIONS_SCHEMA = {
    "account_id": pl.String,
    "detector": pl.String,
    "feature": pl.String,
    "value": pl.Float64,
    "peer_median": pl.Float64,
    "peer_spread": pl.Float64,
    "direction": pl.String,
    "share": pl.Float64,
}


def _shares(parts: Floats, telling: Floats) -> Floats:
    """What each column adds, as a share of everything that raises the account's score."""
    raising = np.where(telling, np.maximum(parts, 0.0), 0.0)
    total = np.zeros(raising.shape[0])
    for column in range(raising.shape[1]):
        total += raising[:, column]
    return np.divide(raising, total[:, None], out=np.zeros_like(raising), where=total[:, None] > 0)


def contributions_of(
    model: FittedModel, inputs: Inputs, features: pl.DataFrame, currencies: pl.Series
) -> pl.DataFrame:
    """The SHOWN largest contributions to each detector's score, and to all together (`anomaly_score`).

    value, peer_median and peer_spread are in the feature's own unit, money in minor units of the account's
    currency.
    share: of everything that raises the score of that detector; for `anomaly_score` the detectors' shares,
    weighed by what each detector adds to it. A value that is unknown, or equal to the peers' median, is never
    named: it says nothing. Rows: accounts as given, detectors in the order of DETECTORS with `anomaly_score`
    first, shares falling, features in order.
    """
    names = [column.name for column in inputs.columns]
    if not names or not inputs.known.size:
        return pl.DataFrame(schema=CONTRIBUTIONS_SCHEMA)
    preparation = model.preparation
    scale = currencies.cast(pl.String).replace_strict(
        preparation.scales, default=None, return_dtype=pl.Float64
    )
    unit = np.where(
        np.array([column.kind == "money" for column in inputs.columns]),
        scale.fill_null(float("nan")).to_numpy()[:, None],
        1.0,
    )
    values = features.select(pl.col(names).cast(pl.Float64).fill_null(float("nan"))).to_numpy()
    median, spread = preparation.median * unit, preparation.deviation * unit
    telling = inputs.known & (inputs.level != 0.0)
    weights = model.weights(inputs)
    shares = {"anomaly_score": np.zeros(inputs.level.shape)}
    for detector in DETECTORS:
        positions = detector.positions(inputs.columns)
        seen = model.members[detector.name].parts(detector.view_of(inputs))
        share = np.zeros(inputs.level.shape)
        share[:, positions] = _shares(seen, telling[:, positions])
        shares[detector.name] = share
        shares["anomaly_score"] += share * weights[detector.name][:, None]
    ids = features["account_id"].to_numpy()
    pieces = []
    for place, detector_name in enumerate(shares):
        share = shares[detector_name]
        order = np.argsort(-share, axis=1, kind="stable")[:, :SHOWN]
        rows = np.repeat(np.arange(features.height), min(SHOWN, len(names)))
        columns = order.ravel()
        pieces.append(
            pl.DataFrame(
                {
                    "row": rows,
                    "place": np.full(rows.size, place),
                    "account_id": ids[rows],
                    "detector": np.full(rows.size, detector_name),
                    "feature": np.array(names)[columns],
                    "value": values[rows, columns],
                    "peer_median": median[rows, columns],
                    "peer_spread": spread[rows, columns],
                    "direction": np.where(inputs.level[rows, columns] > 0, "high", "low"),
                    "share": share[rows, columns],
                }
            )
        )
    return (
        pl.concat(pieces)
        .filter(pl.col("share") > 0)
        .sort("row", "place", maintain_order=True)
        .select(pl.col(name).cast(dtype) for name, dtype in CONTRIBUTIONS_SCHEMA.items())
    )
