"""The three kinds of fitted detector: nearest references, whitened distance, risk side.

PyOD's models are fitted; scoring is done here, on the arrays they leave behind, for three reasons: a score
must be the same to the last bit in any batch and on any number of threads, every score must come apart into
features, and a model file must be data, never code. (PyOD 3.6: `ECOD` and `COPOD` re-rank each batch, `PCA`
and `IForest` keep no share per feature, all are saved as pickles.)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from finpat.compiled import in_blocks
from finpat.detection.base import Arrays, Column, Floats, Inputs, View
from finpat.detection.kernels import add_tails, covariance_sums, nearest_references, whitened_squares

Saved = Mapping[str, npt.NDArray[np.generic]]

BLOCK = 2_048  # accounts scored at a time
REFERENCE_SHARE = (
    16  # a subset holds at most one fitted account of so many, else accounts are their own neighbours
)
POOL = 4_096  # fitted accounts that subsets are drawn from (in hashed order, so these are random ones)
RIDGE = (
    0.1  # chosen: variance added to each direction, in mean variances; directions of noise then count little
)
KNOTS = 512  # points that a tail is stored with


def _blocks(accounts: int) -> list[tuple[int, int]]:
    return [(first, min(first + BLOCK, accounts)) for first in range(0, accounts, BLOCK)]


@dataclass(frozen=True)
class NearestReferences:
    """Mean distance to the nearest account of several small random subsets.

    After Sugiyama and Borgwardt (2013) and Pang, Ting and Albrecht (2015).
    Small subsets see clusters of odd accounts that a neighbour search over all accounts takes for ordinary:
    of an odd twentieth, a subset of 32 holds one or two, and most subsets none near a given one.

    references: columns x references (float32). ends: where each subset ends.
    """

    columns: tuple[Column, ...]
    view: View
    references: npt.NDArray[np.float32]
    ends: npt.NDArray[np.int64]

    @classmethod
    def fit(cls, inputs: Inputs, seed: int, view: View, subsets: int, size: int) -> NearestReferences:
        """Draw the subsets with PyOD's Sampling, a seed for each."""
        from pyod.models.sampling import Sampling

        values = inputs.view(view)[:POOL]
        size = max(1, min(size, values.shape[0] // REFERENCE_SHARE))
        # Sampling scores all rows while fitting; only its draw is wanted, so it gets the row numbers.
        numbers = np.arange(values.shape[0], dtype=np.float64).reshape(-1, 1)
        drawn = []
        for index in range(subsets):
            model = Sampling(subset_size=size, random_state=seed + index)
            model.fit(numbers)
            drawn.append(model.subset[:, 0].astype(np.int64))
        chosen = values[np.concatenate(drawn)]
        ends = np.arange(1, subsets + 1, dtype=np.int64) * size
        return cls(inputs.columns, view, np.ascontiguousarray(chosen.T.astype(np.float32)), ends)

    def _nearest(self, inputs: Inputs, threads: int) -> tuple[Floats, npt.NDArray[np.int32]]:
        values = np.ascontiguousarray(inputs.view(self.view), dtype=np.float32)
        distances = np.zeros(values.shape[0])
        nearest = np.zeros((values.shape[0], self.ends.size), np.int32)

        def work(first: int, last: int) -> None:
            nearest_references(values, self.references, self.ends, first, last, distances, nearest)

        in_blocks(_blocks(values.shape[0]), threads, lambda: work)
        return distances, nearest

    def score(self, inputs: Inputs, threads: int) -> Floats:
        """Mean distance, in robust spreads."""
        return self._nearest(inputs, threads)[0]

    def parts(self, inputs: Inputs) -> Floats:
        """Each column's part of the squared distance, as a share of the distance; they sum to the score."""
        values = inputs.view(self.view)
        _, nearest = self._nearest(inputs, 1)
        parts = np.zeros_like(values)
        for subset in range(self.ends.size):
            squares = (values - self.references[:, nearest[:, subset]].T) ** 2
            distance = np.sqrt(squares.sum(axis=1, keepdims=True))
            parts += np.divide(squares, distance, out=np.zeros_like(squares), where=distance > 0)
        return parts / self.ends.size

    def arrays(self) -> Arrays:
        """References and where each subset ends."""
        return {"references": self.references, "ends": self.ends}

    @classmethod
    def restore(cls, columns: tuple[Column, ...], saved: Saved, view: View) -> NearestReferences:
        """From saved arrays."""
        return cls(columns, view, saved["references"].astype(np.float32), saved["ends"].astype(np.int64))


@dataclass(frozen=True)
class WhitenedDistance:
    """Distance from the mean account where features that usually go together count once.

    Mahalanobis' (1936), with a ridge.
    A large account whose counts, sums and counterparties are all large in proportion is near; one with many
    payments and few counterparties is far. precision: inverse of the covariance, columns x columns.
    """

    columns: tuple[Column, ...]
    view: View
    mean: Floats
    precision: Floats

    @classmethod
    def fit(cls, inputs: Inputs, seed: int, view: View) -> WhitenedDistance:
        """Mean and ridged covariance of the fitted accounts; no chance involved."""
        values = inputs.view(view)
        count = values.shape[1]
        if values.shape[0] < 2 or count == 0:
            return cls(inputs.columns, view, np.zeros(count), np.eye(count))
        mean = values.mean(axis=0)
        upper = np.zeros((count, count))
        covariance_sums(np.ascontiguousarray(values), mean, upper)
        covariance = (upper + np.triu(upper, 1).T) / (values.shape[0] - 1)
        ridge = RIDGE * float(np.mean(np.diag(covariance))) or 1.0
        return cls(inputs.columns, view, mean, np.linalg.inv(covariance + ridge * np.eye(count)))

    def parts(self, inputs: Inputs) -> Floats:
        """Each column's term of the squared distance; negative where it makes the account more ordinary."""
        offsets = inputs.view(self.view) - self.mean
        projected = np.zeros_like(offsets)
        for column in range(offsets.shape[1]):
            projected += offsets[:, column, None] * self.precision[column]
        return offsets * projected

    def score(self, inputs: Inputs, threads: int) -> Floats:
        """Squared distance."""
        # A kernel and not BLAS, whose sums depend on how many rows are multiplied at once.
        values = np.ascontiguousarray(inputs.view(self.view))
        squares = np.zeros(values.shape[0])

        def work(first: int, last: int) -> None:
            whitened_squares(values, self.mean, self.precision, first, last, squares)

        in_blocks(_blocks(values.shape[0]), threads, lambda: work)
        return squares

    def arrays(self) -> Arrays:
        """Mean and inverse covariance."""
        return {"mean": self.mean, "precision": self.precision}

    @classmethod
    def restore(cls, columns: tuple[Column, ...], saved: Saved, view: View) -> WhitenedDistance:
        """From saved arrays."""
        return cls(columns, view, saved["mean"].astype(np.float64), saved["precision"].astype(np.float64))


@dataclass(frozen=True)
class RiskSide:
    """How rare it is to be so far on the side that red flags point to: mean of -log P(X >= x).

    One side of ECOD's tails (Li et al. 2022).
    The share of the fitted accounts that reach a value is read from stored knots, so that it depends on
    nobody else in the batch. Only columns with a known risk side take part.

    chosen: positions of those columns. sides: 1 where high is the risk side, -1 where low. knots, tails:
    columns x KNOTS, values (times side) in rising order and -log of the share that reaches them. usual: mean
    tail of the fitted accounts, which stands for an unknown value.
    """

    columns: tuple[Column, ...]
    chosen: npt.NDArray[np.int64]
    sides: npt.NDArray[np.int64]
    knots: Floats
    tails: Floats
    usual: Floats

    @classmethod
    def fit(cls, inputs: Inputs, seed: int, sides: Mapping[str, int]) -> RiskSide:
        """Tails of the fitted accounts; no chance involved."""
        chosen = [index for index, column in enumerate(inputs.columns) if column.name in sides]
        signs = np.array([sides[inputs.columns[index].name] for index in chosen], np.int64)
        knots, tails, usual = (
            np.zeros((len(chosen), KNOTS)),
            np.zeros((len(chosen), KNOTS)),
            np.zeros(len(chosen)),
        )
        for place, index in enumerate(chosen):
            values = np.sort(inputs.shape[inputs.known[:, index], index] * signs[place])
            if not values.size:
                continue
            distinct = np.unique(values)
            reach = -np.log1p(-np.searchsorted(values, distinct, side="left") / values.size)
            usual[place] = float(np.mean(reach[np.searchsorted(distinct, values)]))
            picks = np.unique(np.linspace(0, distinct.size - 1, KNOTS).round().astype(np.int64))
            # Repeats of the last knot fill the row: interpolation over them changes nothing.
            knots[place] = np.pad(distinct[picks], (0, KNOTS - picks.size), mode="edge")
            tails[place] = np.pad(reach[picks], (0, KNOTS - picks.size), mode="edge")
        return cls(inputs.columns, np.array(chosen, np.int64), signs, knots, tails, usual)

    def parts(self, inputs: Inputs) -> Floats:
        """Each column's tail beyond the usual one, over the number of columns; they sum to the score."""
        parts = np.zeros_like(inputs.shape)
        for place, index in enumerate(self.chosen):
            values = inputs.shape[:, index] * self.sides[place]
            tail = np.interp(values, self.knots[place], self.tails[place])
            parts[:, index] = (
                np.where(inputs.known[:, index], tail - self.usual[place], 0.0) / self.chosen.size
            )
        return parts

    def score(self, inputs: Inputs, threads: int) -> Floats:
        """Mean tail beyond the usual one."""
        values, known = np.ascontiguousarray(inputs.shape), np.ascontiguousarray(inputs.known)
        totals = np.zeros(values.shape[0])

        def work(first: int, last: int) -> None:
            for place, column in enumerate(self.chosen):
                add_tails(
                    values, known, column, self.sides[place], self.knots[place], self.tails[place],
                    self.usual[place], first, last, totals,
                )  # fmt: skip

        in_blocks(_blocks(values.shape[0]), threads, lambda: work)
        return totals / max(1, self.chosen.size)

    def arrays(self) -> Arrays:
        """Everything but the columns."""
        return {
            "chosen": self.chosen, "sides": self.sides, "knots": self.knots, "tails": self.tails,
            "usual": self.usual,
        }  # fmt: skip

    @classmethod
    def restore(cls, columns: tuple[Column, ...], saved: Saved) -> RiskSide:
        """From saved arrays."""
        return cls(
            columns,
            saved["chosen"].astype(np.int64),
            saved["sides"].astype(np.int64),
            saved["knots"].astype(np.float64),
            saved["tails"].astype(np.float64),
            saved["usual"].astype(np.float64),
        )
