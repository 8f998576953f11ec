"""A calibrated classifier on decided cases, judged on accounts that it did not learn from.

Accounts of one network are learned from, or judged, together: else the model would be asked about the
neighbours of what it has seen. Two judgements are kept: five folds of networks, which give every labelled
account a probability from a model that never saw its network; and the later part of the networks by first
booking, judged by a model of the earlier part, as a team would use it.

Two kinds of model, by the number of positives: below MANY a logistic regression on ranks, which few labels
cannot bend far; from there on, boosted trees. Both are calibrated on folds of the training part (Platt 1999).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.inspection import permutation_importance
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import brier_score_loss
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import QuantileTransformer
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from finpat.errors import SourceError
from finpat.evaluation.figures import Evaluation, average_precision, evaluate
from finpat.learning.inputs import Floats, Inputs

Flags = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]

FOLDS = 5
CALIBRATION_FOLDS = 3
LATER_SHARE = 0.3  # chosen: part of the networks, the latest, that the time split judges
# Fewer cannot fill every fold of every split, and a figure on fewer would be noise.
LEAST_POSITIVES = 20
LEAST_GROUPS = 10  # networks with a positive, and networks with a negative
MANY = 200  # positives from which boosted trees are used
RESAMPLES = 500
IMPORTANT = 20  # columns that the card names
JUDGED_ACCOUNTS = 2_000  # of the later part, for the importance of columns


@dataclass(frozen=True)
class Interval:
    """A figure with its 95 % interval, networks drawn anew with replacement."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Comparison:
    """The list and what was learned, on the same labelled accounts.

    learned, listed: figures of the two orders. gain: average precision learned minus listed.
    """

    learned: Evaluation
    listed: Evaluation
    learned_ap: Interval
    listed_ap: Interval
    gain: Interval


@dataclass(frozen=True)
class Learned:
    """What was learned of one run.

    scores: account_id, probability, learned_rank (1: most probable; ties in the list's order), is_labelled,
        out_of_fold (a labelled account's probability comes from a model that did not see its network).
    later: None where the networks' first bookings leave no later part with both kinds of label.
    reliability: bins of out-of-fold probability: accounts, mean_probability, positive_share.
    importance: column, drop in average precision when the column is shuffled over the later part.
    """

    scores: pl.DataFrame
    kind: str
    positives: int
    negatives: int
    groups: int
    folds: Comparison
    later: Comparison | None
    brier: float
    brier_of_base_rate: float
    reliability: pl.DataFrame
    importance: pl.DataFrame


def learn(inputs: Inputs, labels: pl.DataFrame, seed: int) -> Learned:
    """Learn from `labels`; every account of the inputs gets a probability.

    labels: account_id, is_positive (of evaluation.read_labels). Labels of accounts that the run has not are
    left out. Depends on its arguments only.

    Raises:
        SourceError: too few labels to learn from and to judge what was learned.
    """
    # One thread: on a busy machine the trees' small steps wait for each other (a hundredfold, measured).
    with threadpool_limits(1):
        return _learn(inputs, labels, seed)


def _learn(inputs: Inputs, labels: pl.DataFrame, seed: int) -> Learned:
    labelled = inputs.accounts.with_row_index("place").join(
        labels.select("account_id", "is_positive"), on="account_id", maintain_order="left"
    )
    place = labelled["place"].to_numpy()
    truth: Flags = labelled["is_positive"].to_numpy().astype(np.bool_)
    group: Ints = labelled["group"].rank("dense").to_numpy().astype(np.int64)
    _enough(truth, group)
    values = inputs.values[place]
    kind = "boosted trees" if truth.sum() >= MANY else "logistic regression"

    out_of_fold = np.empty(len(truth))
    for train, test in _splits(truth, group, FOLDS, seed):
        out_of_fold[test] = _fitted(kind, values[train], truth[train], group[train], seed)(values[test])
    final = _fitted(kind, values, truth, group, seed)
    probability = final(inputs.values)
    probability[place] = out_of_fold

    is_labelled = np.zeros(inputs.accounts.height, np.bool_)
    is_labelled[place] = True
    scores = _ranked(inputs.accounts.select("account_id", "rank"), probability).with_columns(
        is_labelled=pl.Series(is_labelled), out_of_fold=pl.Series(is_labelled)
    )
    base_rate = float(truth.mean())
    later, importance = _later(kind, inputs, labelled, values, truth, group, seed)
    return Learned(
        scores=scores.sort("learned_rank").drop("rank"),
        kind=kind,
        positives=int(truth.sum()),
        negatives=int((~truth).sum()),
        groups=len(np.unique(group)),
        folds=_compared(labelled, out_of_fold, group, seed),
        later=later,
        brier=float(brier_score_loss(truth, out_of_fold)),
        brier_of_base_rate=base_rate * (1.0 - base_rate),
        reliability=_reliability(out_of_fold, truth),
        importance=importance,
    )


def _enough(truth: Flags, group: Ints) -> None:
    """Raise SourceError where there are too few labels."""
    counts = {
        "positives": int(truth.sum()),
        "negatives": int((~truth).sum()),
        "networks with a positive": len(np.unique(group[truth])),
        "networks with a negative": len(np.unique(group[~truth])),
    }
    least = dict(zip(counts, (LEAST_POSITIVES, LEAST_POSITIVES, LEAST_GROUPS, LEAST_GROUPS), strict=True))
    short = [
        f"{counts[name]:,} {name} (at least {least[name]})" for name in counts if counts[name] < least[name]
    ]
    if short:
        raise SourceError(
            f"too few labels to learn from: {'; '.join(short)}. The list stays as it is; add decided cases "
            "of accounts that the run has."
        )


def _splits(truth: Flags, group: Ints, folds: int, seed: int) -> Iterator[tuple[Ints, Ints]]:
    """Folds of whole groups with alike shares of positives."""
    splitter = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
    yield from splitter.split(np.empty((len(truth), 1)), truth, group)


class _Emptied(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Sets columns without any value among the rows learned from to 0: the trees cannot cut them (1.9)."""

    def fit(self, values: Floats, _truth: object = None) -> _Emptied:
        """Remember the columns without a value."""
        self.empty_ = np.isnan(values).all(axis=0)
        return self

    def transform(self, values: Floats) -> Floats:
        """The values, those columns 0."""
        return np.where(self.empty_, 0.0, values)


def _estimator(kind: str, rows: int, seed: int) -> BaseEstimator:
    if kind == "boosted trees":
        trees = HistGradientBoostingClassifier(
            max_iter=150, learning_rate=0.08, max_leaf_nodes=15, min_samples_leaf=20, l2_regularization=1.0,
            early_stopping=False, random_state=seed,
        )  # fmt: skip
        return make_pipeline(_Emptied(), trees)
    # Ranks: a heavy tail of one column cannot carry the model.
    return make_pipeline(
        SimpleImputer(strategy="median", keep_empty_features=True, add_indicator=False),
        QuantileTransformer(n_quantiles=min(1_000, rows // 2), subsample=None, random_state=seed),
        LogisticRegression(C=0.1, class_weight="balanced", max_iter=2_000),
    )


class _Model:
    """A fitted, calibrated model: values -> probabilities."""

    def __init__(self, classifier: Any) -> None:
        self.classifier = classifier

    def __call__(self, values: Floats) -> Floats:
        return np.asarray(self.classifier.predict_proba(values)[:, 1], dtype=np.float64)


def _fitted(kind: str, values: Floats, truth: Flags, group: Ints, seed: int) -> _Model:
    """A model of these rows, calibrated on folds of whole groups."""
    inner = [
        (train, test)
        for train, test in _splits(truth, group, CALIBRATION_FOLDS, seed)
        if truth[train].any() and truth[test].any() and not truth[train].all() and not truth[test].all()
    ]
    if len(inner) < CALIBRATION_FOLDS:
        raise SourceError(
            "too few labels to learn from: their positives lie in so few networks that none can be calibrated"
        )
    calibrated = CalibratedClassifierCV(
        _estimator(kind, len(truth), seed), method="sigmoid", cv=inner, ensemble=False
    )
    return _Model(calibrated.fit(values, truth))


def _ranked(accounts: pl.DataFrame, probability: Floats) -> pl.DataFrame:
    """`accounts` with probability and learned_rank; equal probabilities stand in the list's order."""
    return (
        accounts.with_columns(probability=pl.Series(probability))
        .sort(["probability", "rank"], descending=[True, False])
        .with_row_index("learned_rank", offset=1)
        .sort("rank")
    )


def _compared(labelled: pl.DataFrame, probability: Floats, group: Ints, seed: int) -> Comparison:
    """Both orders of these labelled accounts. labelled: account_id, rank, is_positive; row by row."""
    ranked = _ranked(labelled.select("account_id", "rank", "is_positive"), probability)
    answers = ranked.select("account_id", "is_positive")
    truth = labelled["is_positive"].to_numpy().astype(np.bool_)
    by_learned = np.lexsort((labelled["rank"].to_numpy(), -probability))
    by_list = np.argsort(labelled["rank"].to_numpy(), kind="stable")
    drawn = np.array(list(_resampled(truth, group, (by_learned, by_list), seed)))
    low, high = np.nanpercentile(drawn, [2.5, 97.5], axis=0)
    gained = drawn[:, 0] - drawn[:, 1]
    learned = evaluate(ranked.sort("learned_rank").select("account_id"), answers)
    listed = evaluate(ranked.sort("rank").select("account_id"), answers)
    ap = learned.average_precision or 0.0, listed.average_precision or 0.0
    return Comparison(
        learned=learned,
        listed=listed,
        learned_ap=Interval(ap[0], float(low[0]), float(high[0])),
        listed_ap=Interval(ap[1], float(low[1]), float(high[1])),
        gain=Interval(ap[0] - ap[1], *(float(x) for x in np.nanpercentile(gained, [2.5, 97.5]))),
    )


def _resampled(
    truth: Flags, group: Ints, orders: tuple[Ints, Ints], seed: int
) -> Iterator[tuple[float, float]]:
    """Average precision of both orders, over networks drawn with replacement."""
    draw = np.random.default_rng(seed)
    names, member = np.unique(group, return_inverse=True)
    for _ in range(RESAMPLES):
        times = np.bincount(draw.integers(0, len(names), len(names)), minlength=len(names))[member]
        figures = []
        for order in orders:
            repeated = np.repeat(truth[order], times[order])
            figures.append(average_precision(repeated) if repeated.any() else None)
        yield tuple(float("nan") if figure is None else figure for figure in figures)  # type: ignore[misc]


def _later(
    kind: str, inputs: Inputs, labelled: pl.DataFrame, values: Floats, truth: Flags, group: Ints, seed: int
) -> tuple[Comparison | None, pl.DataFrame]:
    """The later networks judged by a model of the earlier ones, and what that model goes by."""
    nothing = pl.DataFrame(schema={"column": pl.String, "drop": pl.Float64})
    begun = labelled.select(at=pl.col("first_seen").min().over("group"))["at"].to_physical().to_numpy()
    _, first_of_group = np.unique(group, return_index=True)
    begun_by_group = np.sort(begun[first_of_group])
    is_later = begun > begun_by_group[int(len(begun_by_group) * (1.0 - LATER_SHARE))]
    for part in (is_later, ~is_later):
        if len(np.unique(group[part & truth])) < CALIBRATION_FOLDS or (part & ~truth).sum() < LEAST_POSITIVES:
            return None, nothing
    earlier, later = np.flatnonzero(~is_later), np.flatnonzero(is_later)
    model = _fitted(kind, values[earlier], truth[earlier], group[earlier], seed)
    compared = _compared(labelled[later], model(values[later]), group[later], seed)
    shown = np.random.default_rng(seed).permutation(later)[:JUDGED_ACCOUNTS]
    if not truth[shown].any():
        return compared, nothing
    importance = permutation_importance(
        model.classifier,
        values[shown],
        truth[shown],
        scoring="average_precision",
        n_repeats=3,
        random_state=seed,
    )
    named = pl.DataFrame({"column": list(inputs.columns), "drop": importance.importances_mean})
    return compared, named.filter(pl.col("drop") > 0).sort(["drop", "column"], descending=[True, False]).head(
        IMPORTANT
    )


def _reliability(probability: Floats, truth: Flags) -> pl.DataFrame:
    """Ten bins of equally many accounts by probability, lowest first."""
    frame = pl.DataFrame({"probability": probability, "truth": truth})
    return (
        frame.with_columns(bin=(pl.col("probability").rank("ordinal") - 1) * 10 // pl.len())
        .group_by("bin")
        .agg(
            accounts=pl.len(),
            mean_probability=pl.col("probability").mean(),
            positive_share=pl.col("truth").cast(pl.Float64).mean(),
        )
        .sort("bin")
        .drop("bin")
    )
