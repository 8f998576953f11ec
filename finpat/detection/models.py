"""The kinds of fitted detector: trees, mixture, nearest references, upper tail, beyond chance.

PyOD's models are fitted; scoring is done here, on the arrays they leave behind, for three reasons: a score
must be the same to the last bit in any batch and on any number of threads, every score must come apart into
features, and a model file must be data, never code (PyOD keeps its models as pickles). For IForest and GMM
the scores rise with PyOD's own `decision_function`, number by number (tests/detection/test_models.py).
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from finpat.compiled import in_blocks
from finpat.detection.base import Arrays, Column, Floats, Inputs, View
from finpat.detection.kernels import mixture_surprise, nearest_references, walk_trees

Saved = Mapping[str, npt.NDArray[np.generic]]

BLOCK = 2_048  # accounts scored at a time
REFERENCE_SHARE = (
    16  # a subset holds at most one fitted account of so many, else accounts are their own neighbours
)
POOL = 4_096  # fitted accounts that subsets and trees draw from (in hashed order, so these are random ones)
COMPONENT_SHARE = 20  # chosen: a mixture has at most one component for so many fitted accounts


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
        values = np.ascontiguousarray(inputs.view(self.view))  # so that sums round alike in any batch
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
class IsolationTrees:
    """How few random cuts part an account from the others: PyOD's isolation forest (Liu, Ting, Zhou 2008).

    The trees are PyOD's; what is kept of them is plain arrays. A node's `length` is the mean path length of
    the fitted accounts below it, a leaf's the path to it. The score is the forest's mean length less the
    account's own, over the length that is usual for a tree of that size: it rises with PyOD's
    `decision_function`, and each cut on the way down adds its part of it.

    left, right, feature, threshold, length: of the nodes of all trees; left is -1 at a leaf. roots: first
    node of each tree. usual: path length that scores are measured in.
    """

    columns: tuple[Column, ...]
    view: View
    left: npt.NDArray[np.int32]
    right: npt.NDArray[np.int32]
    feature: npt.NDArray[np.int32]
    threshold: Floats
    length: Floats
    roots: npt.NDArray[np.int64]
    usual: float

    @classmethod
    def fit(cls, inputs: Inputs, seed: int, view: View, trees: int) -> IsolationTrees:
        """Fit PyOD's IForest to the accounts and keep its trees."""
        from pyod.models.iforest import IForest

        # PyOD scores every row that it is fitted with, and a tree draws 256 of them anyway.
        values = inputs.view(view)[:POOL]
        nothing = np.zeros(0, np.int32)
        if values.shape[0] < 2 or values.shape[1] == 0:
            return cls(
                inputs.columns, view, nothing, nothing, nothing, np.zeros(0), np.zeros(0),
                np.zeros(0, np.int64), 1.0,
            )  # fmt: skip
        forest = IForest(n_estimators=trees, random_state=seed).fit(values)
        pieces: dict[str, list[npt.NDArray[np.generic]]] = {
            name: [] for name in ("left", "right", "feature", "threshold", "length")
        }
        roots, first = [], 0
        for tree, features in zip(forest.estimators_, forest.estimators_features_, strict=True):
            nodes = tree.tree_
            inner = nodes.children_left >= 0
            pieces["left"].append(np.where(inner, nodes.children_left + first, -1).astype(np.int32))
            pieces["right"].append(np.where(inner, nodes.children_right + first, -1).astype(np.int32))
            pieces["feature"].append(
                np.where(inner, features[np.maximum(nodes.feature, 0)], 0).astype(np.int32)
            )
            pieces["threshold"].append(nodes.threshold)
            pieces["length"].append(
                _path_lengths(nodes.children_left, nodes.children_right, nodes.n_node_samples)
            )
            roots.append(first)
            first += nodes.node_count
        joined = {name: np.concatenate(arrays) for name, arrays in pieces.items()}
        usual = float(_usual_length(np.array([forest.max_samples_]))[0])
        return cls(inputs.columns, view, **joined, roots=np.array(roots, np.int64), usual=usual or 1.0)

    def _walk(self, inputs: Inputs, threads: int, parts: Floats) -> Floats:
        values = np.ascontiguousarray(inputs.view(self.view), dtype=np.float32)
        totals = np.zeros(values.shape[0])

        def work(first: int, last: int) -> None:
            walk_trees(
                values, self.left, self.right, self.feature, self.threshold, self.length, self.roots, first,
                last, totals, parts,
            )  # fmt: skip

        in_blocks(_blocks(values.shape[0]), threads, lambda: work)
        return totals

    def score(self, inputs: Inputs, threads: int) -> Floats:
        """Mean over the trees of how much shorter than usual the account's path is."""
        return self._walk(inputs, threads, np.zeros((0, 0))) / (max(1, self.roots.size) * self.usual)

    def parts(self, inputs: Inputs) -> Floats:
        """What the cuts by each column shorten the path by; they sum to the score."""
        parts = np.zeros(inputs.view(self.view).shape)
        self._walk(inputs, 1, parts)
        return parts / (max(1, self.roots.size) * self.usual)

    def arrays(self) -> Arrays:
        """The trees."""
        return {
            "left": self.left, "right": self.right, "feature": self.feature, "threshold": self.threshold,
            "length": self.length, "roots": self.roots, "usual": np.array(self.usual),
        }  # fmt: skip

    @classmethod
    def restore(cls, columns: tuple[Column, ...], saved: Saved, view: View) -> IsolationTrees:
        """From saved arrays."""
        return cls(
            columns,
            view,
            saved["left"].astype(np.int32),
            saved["right"].astype(np.int32),
            saved["feature"].astype(np.int32),
            saved["threshold"].astype(np.float64),
            saved["length"].astype(np.float64),
            saved["roots"].astype(np.int64),
            float(saved["usual"].item()),
        )


def _usual_length(sizes: npt.NDArray[np.int64]) -> Floats:
    """Mean path length in a random binary tree of so many accounts (Liu, Ting, Zhou 2008, equation 1)."""
    sizes = sizes.astype(np.float64)
    several = np.maximum(sizes, 3.0)
    lengths = 2.0 * (np.log(several - 1.0) + np.euler_gamma) - 2.0 * (several - 1.0) / several
    return np.where(sizes > 2, lengths, np.where(sizes == 2, 1.0, 0.0))


def _path_lengths(
    left: npt.NDArray[np.int64], right: npt.NDArray[np.int64], sizes: npt.NDArray[np.int64]
) -> Floats:
    """Path length from the root to each leaf; for the other nodes the mean over the accounts below.

    Accounts that a leaf leaves together count by the usual length. Nodes have lower numbers than their
    children.
    """
    depth = np.zeros(left.size)
    for node in np.flatnonzero(left >= 0):
        depth[left[node]] = depth[right[node]] = depth[node] + 1
    lengths = depth + _usual_length(sizes)
    for node in np.flatnonzero(left >= 0)[::-1]:
        one, other = left[node], right[node]
        lengths[node] = (sizes[one] * lengths[one] + sizes[other] * lengths[other]) / sizes[node]
    return lengths


@dataclass(frozen=True)
class Mixture:
    """How rare an account's numbers are among several kinds of account: PyOD's Gaussian mixture.

    Each component is a kind of account with its own means and spreads, column by column. The score is -log of
    the density, as PyOD's `decision_function`, less what is usual for the fitted accounts.

    offsets: log of each component's weight and normalisation. means, sharpness: components x columns, centre
    and one over the standard deviation. usual: mean part of each column over the fitted accounts.
    """

    columns: tuple[Column, ...]
    view: View
    offsets: Floats
    means: Floats
    sharpness: Floats
    usual: Floats

    @classmethod
    def fit(cls, inputs: Inputs, seed: int, view: View, components: int) -> Mixture:
        """Fit PyOD's GMM to the accounts, with fewer components where there are few accounts."""
        from pyod.models.gmm import GMM
        from sklearn.exceptions import ConvergenceWarning
        from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

        values = inputs.view(view)
        accounts, count = values.shape
        if accounts < 2 or count == 0:
            empty = np.zeros((0, count))
            return cls(inputs.columns, view, np.zeros(0), empty, empty, np.zeros(count))
        model = GMM(
            n_components=max(1, min(components, accounts // COMPONENT_SHARE)),
            covariance_type="diag",
            random_state=seed,
        )
        # On one thread, for sums over threads round differently from run to run. A mixture that is still
        # moving after the last iteration is as good a fixed yardstick as a settled one.
        with threadpool_limits(1), warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            model.fit(values)
        sharpness = np.asarray(model.precisions_cholesky_, np.float64)
        offsets = (
            np.log(model.weights_) + np.log(sharpness).sum(axis=1) - 0.5 * count * math.log(2.0 * math.pi)
        )
        unused = cls(inputs.columns, view, offsets, np.asarray(model.means_), sharpness, np.zeros(count))
        return replace(unused, usual=unused.parts(inputs).mean(axis=0))

    def parts(self, inputs: Inputs) -> Floats:
        """What each column's deviation adds, beyond the usual; they sum to the score.

        A column's deviation is that from each component, by how likely the account belongs to it.
        """
        values = np.ascontiguousarray(inputs.view(self.view))  # so that sums round alike in any batch
        if not self.offsets.size:
            return np.zeros(values.shape)
        count = values.shape[1]
        deviations = 0.5 * ((values[:, None, :] - self.means) * self.sharpness) ** 2
        densities = self.offsets - deviations.sum(axis=2)
        highest = densities.max(axis=1, keepdims=True)
        belonging = np.exp(densities - highest)
        total = belonging.sum(axis=1, keepdims=True)
        parts = np.zeros_like(values)
        for component in range(self.offsets.size):
            parts += (belonging / total)[:, component, None] * deviations[:, component]
        score = -(highest + np.log(total))[:, 0]
        # What no column tells (how large and how wide the components are) is spread evenly.
        rest = (score - parts.sum(axis=1)) / count
        return np.asarray(parts + rest[:, None] - self.usual)

    def score(self, inputs: Inputs, threads: int) -> Floats:
        """-log density, beyond the usual."""
        values = np.ascontiguousarray(inputs.view(self.view))
        totals = np.zeros(values.shape[0])
        if not self.offsets.size:
            return totals

        def work(first: int, last: int) -> None:
            mixture_surprise(values, self.offsets, self.means, self.sharpness, first, last, totals)

        in_blocks(_blocks(values.shape[0]), threads, lambda: work)
        return totals - float(self.usual.sum())

    def arrays(self) -> Arrays:
        """The components, and what is usual."""
        return {
            "offsets": self.offsets, "means": self.means, "sharpness": self.sharpness, "usual": self.usual,
        }  # fmt: skip

    @classmethod
    def restore(cls, columns: tuple[Column, ...], saved: Saved, view: View) -> Mixture:
        """From saved arrays."""
        offsets, means, sharpness, usual = (
            saved[name].astype(np.float64) for name in ("offsets", "means", "sharpness", "usual")
        )
        return cls(columns, view, offsets, means, sharpness, usual)


@dataclass(frozen=True)
class UpperTail:
    """How far up an account stands in some columns: their sum, in robust spreads.

    One column alone gives the order of its numbers, and so of the upper tail of PyOD's ECOD; being low is
    nothing unusual.
    """

    columns: tuple[Column, ...]
    names: tuple[str, ...]

    @classmethod
    def fit(cls, inputs: Inputs, seed: int, names: tuple[str, ...]) -> UpperTail:
        """The rule; what is usual is already in the inputs."""
        return cls(inputs.columns, names)

    def parts(self, inputs: Inputs) -> Floats:
        """Each column's own distance from the median."""
        counted = np.array([column.name in self.names for column in self.columns], bool)
        return np.where(counted, inputs.level, 0.0)

    def score(self, inputs: Inputs, threads: int) -> Floats:
        """Robust spreads above the median."""
        return np.asarray(self.parts(inputs).sum(axis=1))

    def arrays(self) -> Arrays:
        """Nothing: the rule is in DETECTORS."""
        return {}

    @classmethod
    def restore(cls, columns: tuple[Column, ...], saved: Saved, names: tuple[str, ...]) -> UpperTail:
        """The rule, as it stands."""
        return cls(columns, names)


@dataclass(frozen=True)
class BeyondChance:
    """Evidence that is a matter of chance and not of comparison: powers of ten beyond it.

    Each of some columns counts from its own start, so much for each unit, up to `most`; the score is the
    largest of them, for they speak of the same payments. There is nothing to fit: a relay that chance gives
    once in ten thousand is as rare among honest accounts as in a portfolio full of relays.

    counts: column -> start, powers of ten for each unit beyond it.
    """

    columns: tuple[Column, ...]
    counts: Mapping[str, tuple[float, float]]
    most: float

    @classmethod
    def fit(
        cls, inputs: Inputs, seed: int, counts: Mapping[str, tuple[float, float]], most: float
    ) -> BeyondChance:
        """The rule, as it stands."""
        return cls(inputs.columns, counts, most)

    def parts(self, inputs: Inputs) -> Floats:
        """The score, with the column that it comes from; the first one where several say the same."""
        parts: Floats = np.zeros((inputs.raw.shape[0], len(self.columns)))
        for index, column in enumerate(self.columns):
            if column.name in self.counts:
                start, each = self.counts[column.name]
                known = np.where(inputs.known[:, index], inputs.raw[:, index], start)
                parts[:, index] = np.clip((known - start) * each, 0.0, self.most)
        if not self.columns:
            return parts
        largest = parts.argmax(axis=1)[:, None]
        return np.where(np.arange(len(self.columns)) == largest, parts, 0.0)

    def score(self, inputs: Inputs, threads: int) -> Floats:
        """Powers of ten beyond chance, 0 where nothing speaks."""
        return np.asarray(self.parts(inputs).sum(axis=1))

    def arrays(self) -> Arrays:
        """Nothing: the rule is in DETECTORS."""
        return {}

    @classmethod
    def restore(
        cls, columns: tuple[Column, ...], saved: Saved, counts: Mapping[str, tuple[float, float]], most: float
    ) -> BeyondChance:
        """The rule, as it stands."""
        return cls(columns, counts, most)
