"""What a detector is: a PyOD model over a view of the account features, declared as data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import polars as pl

Floats = npt.NDArray[np.float64]
Singles = npt.NDArray[np.float32]
Flags = npt.NDArray[np.bool_]

View = Literal["level", "shape"]


@dataclass(frozen=True)
class Detector:
    """One member of the ensemble.

    Attributes:
        name: column of its score, and its name in every contribution.
        view: `level`: numbers as they are, so that size counts; `shape`: logarithms of counts, money and durations, so
            that proportion counts. Shares are the same in both.
        weight: its part of the mean that makes the anomaly score.
        build: makes one unfitted PyOD model from a seed and the number of accounts it will be fitted on.
        models: how many of them, each with a seed of its own; their scores are averaged.
        rationale: why it is in the ensemble.
    """

    name: str
    view: View
    weight: float
    build: Callable[[int, int], Any]
    models: int
    rationale: str


@dataclass(frozen=True)
class Scores:
    """Result of scoring.

    scores: account_id, anomaly_score (0 to 1), anomaly_percentile (0 to 100: share of the accounts that the model was
        fitted on which score lower), one column per detector; rows as given.
    contributions: account_id, detector, feature, value, peer_median, peer_spread, direction (`high`, `low`), share: the
        features that made an account's score, largest share first; see `contributions.explain`.
    """

    scores: pl.DataFrame
    contributions: pl.DataFrame
