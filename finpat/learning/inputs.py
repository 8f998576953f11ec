"""What is learned from: numbers of a published run, one row per account.

Columns are the features that detectors may use, the anomaly percentile, and for each indicator how often it
was found. Nothing of the holder is among them: no sex, age, nationality, name or address.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from finpat.features import FEATURES
from finpat.readmodel import ReadModel

Floats = npt.NDArray[np.float64]
DETECTOR_FEATURES = frozenset(feature.name for feature in FEATURES if feature.role == "detector")


@dataclass(frozen=True)
class Inputs:
    """One row per account of the run, best of the list first.

    accounts: account_id, rank, group (network_id, or the account itself), first_seen. values: accounts x
        columns, NaN where not evaluable. columns: what each column is; indicators by their id.
    """

    accounts: pl.DataFrame
    values: Floats
    columns: tuple[str, ...]
    indicators: frozenset[str]


def read_inputs(model: ReadModel) -> Inputs:
    """The inputs of the run that `model` has published."""
    listed = model.flagged().sort("rank")
    accounts = listed.select(
        "account_id", "rank", "first_seen", group=pl.coalesce("network_id", "account_id")
    )
    table = model.table("account_features")
    named = [name for name in table.columns if name in DETECTOR_FEATURES]
    features = table.select("account_id", pl.col(named).cast(pl.Float64))
    counts = (
        model.table("findings")
        .filter(pl.col("state") == "found", pl.col("account_id").is_not_null())
        .group_by("account_id", "indicator_id")
        .len()
        .sort("indicator_id")
        .pivot("indicator_id", index="account_id", values="len")
    )
    indicators = [name for name in counts.columns if name != "account_id"]
    joined = (
        listed.select("account_id", "anomaly_percentile")
        .join(features, on="account_id", how="left", maintain_order="left")
        .join(counts, on="account_id", how="left", maintain_order="left")
        .with_columns(pl.col(indicators).fill_null(0))
        .drop("account_id")
        .cast(pl.Float64)
    )
    return Inputs(
        accounts=accounts,
        values=joined.fill_null(float("nan")).to_numpy(),
        columns=tuple(joined.columns),
        indicators=frozenset(indicators),
    )
