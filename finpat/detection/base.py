"""What a detector is: a way to find accounts unlike the others, declared as data and scored row by row."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
import numpy.typing as npt
import polars as pl

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Arrays = dict[str, npt.NDArray[np.generic]]

View = Literal["level", "shape"]


@dataclass(frozen=True)
class Column:
    """One input: a feature's name, kind and family as the feature table declares them."""

    name: str
    kind: str
    family: str


@dataclass(frozen=True)
class Inputs:
    """Accounts as numbers: one row each, one column per input feature.

    Attributes:
        columns: the inputs, in order.
        level: distance from the fitted accounts' median in robust spreads; size counts.
        shape: the same of the logarithms of counts, money, durations, ratios and scores; proportion counts.
        known: False where the feature is null. There both views are 0: the median.
        raw: the numbers themselves, money in typical payments of its currency; NaN where the feature is null.
    """

    columns: tuple[Column, ...]
    level: Floats
    shape: Floats
    known: Flags
    raw: Floats

    def view(self, name: View) -> Floats:
        """The matrix of a view."""
        return self.level if name == "level" else self.shape

    def only(self, positions: npt.NDArray[np.int64]) -> Inputs:
        """Some of the columns."""
        columns = tuple(self.columns[index] for index in positions)
        return Inputs(
            columns, self.level[:, positions], self.shape[:, positions], self.known[:, positions],
            self.raw[:, positions],
        )  # fmt: skip

    def rows(self, chosen: npt.NDArray[np.int64]) -> Inputs:
        """Some of the accounts, in the order given."""
        return Inputs(
            self.columns, self.level[chosen], self.shape[chosen], self.known[chosen], self.raw[chosen]
        )


class Fitted(Protocol):
    """A fitted detector. Its scores depend on the model and on the account's own row alone."""

    def score(self, inputs: Inputs, threads: int) -> Floats:
        """One number per account, higher for the more unusual."""

    def parts(self, inputs: Inputs) -> Floats:
        """Accounts x columns: what each input adds to the account's score; may be negative."""

    def arrays(self) -> Arrays:
        """Everything that the fitted detector is, for saving."""


@dataclass(frozen=True)
class Detector:
    """One member of the ensemble.

    Attributes:
        name: column of its score, and its name in every contribution.
        families: families of features that it looks at; empty: all of them.
        fit: fits it on the inputs of the fitted accounts with a seed.
        restore: makes it again from the input columns and its saved arrays.
        rationale: why it is in the ensemble.
        certain: columns that it reads as powers of ten beyond chance. Such a detector is no comparison with
            other accounts: its columns are kept though they may not vary among the fitted accounts, and its
            score is added to the others' verdict as it is (see `scoring.anomaly`).
    """

    name: str
    families: tuple[str, ...]
    fit: Callable[[Inputs, int], Fitted]
    restore: Callable[[tuple[Column, ...], Mapping[str, npt.NDArray[np.generic]]], Fitted]
    rationale: str
    certain: tuple[str, ...] = ()

    def positions(self, columns: tuple[Column, ...]) -> npt.NDArray[np.int64]:
        """Which of the columns it looks at."""
        chosen = [
            index
            for index, column in enumerate(columns)
            if not self.families or column.family in self.families
        ]
        return np.array(chosen, np.int64)

    def view_of(self, inputs: Inputs) -> Inputs:
        """The inputs that it looks at."""
        return inputs.only(self.positions(inputs.columns)) if self.families else inputs


@dataclass(frozen=True)
class Scores:
    """Result of scoring.

    Attributes:
        scores: account_id, anomaly_score (0 to 1), anomaly_percentile (0 to 100: share of the fitted accounts
            that score lower), one column per detector (0 to 1: its own percentile, or how sure it is that
            chance is no explanation); rows as given.
        contributions: account_id, detector, feature, value, peer_median, peer_spread, direction, share: which
            inputs made the scores of the highest accounts (see `contributions.contributions_of`).
    """

    scores: pl.DataFrame
    contributions: pl.DataFrame
