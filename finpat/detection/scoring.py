"""Fit the ensemble to account features, and score accounts with it, each by its own row alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl
import polars_hash  # noqa: F401  (registers Expr.nchash: a hash that is the same in every release)

from finpat.compiled import announcing_compilation, thread_count
from finpat.config import Settings
from finpat.detection.base import Column, Fitted, Floats, Inputs, Scores
from finpat.detection.contributions import contributions_of
from finpat.detection.detectors import DETECTORS
from finpat.detection.inputs import Preparation, inputs_of, prepare
from finpat.errors import RunError
from finpat.features import FEATURES

FIT_ACCOUNTS = 20_000  # more are sampled; quantiles are then good to a few thousandths
EXPLAINED_ACCOUNTS = 1_000  # accounts whose contributions a run keeps; any other is explained on demand
AT_A_TIME = 32_768  # accounts whose inputs are in memory together
COMBINED = "anomaly_score"
TOGETHER = "together"  # reference of the votes of the detectors that compare accounts
VOTE = 2.0  # powers of ten that a vote counts in full: one account in a hundred
BEYOND = 0.1  # what each further one counts: order is kept, and no single member outvotes the others

INPUTS: tuple[Column, ...] = tuple(
    Column(feature.name, feature.kind, feature.family) for feature in FEATURES if feature.role == "detector"
)


@dataclass(frozen=True)
class Reference:
    """Scores of the fitted accounts, which turn any score into a percentile.

    scores: distinct, rising. shares: the share of the fitted accounts that score lower, those that score the
    same counted half.
    """

    scores: Floats
    shares: Floats

    @classmethod
    def of(cls, scores: Floats) -> Reference:
        """The reference of some scores."""
        distinct, counts = np.unique(scores, return_counts=True)
        below = np.cumsum(counts) - counts
        return cls(distinct, (below + counts / 2) / scores.size)

    def percentile(self, scores: Floats) -> Floats:
        """Share (0 to 1) for each score; it rises beyond the fitted accounts' highest and lowest, too."""
        shares = np.interp(scores, self.scores, self.shares)
        first, last = self.scores[0], self.scores[-1]
        width = last - first or 1.0
        above, below = scores > last, scores < first
        shares[above] = 1.0 - (1.0 - self.shares[-1]) * np.exp(-(scores[above] - last) / width)
        shares[below] = self.shares[0] * np.exp((scores[below] - first) / width)
        return shares


@dataclass(frozen=True)
class FittedModel:
    """The fitted ensemble: everything that scoring needs.

    accounts: number of accounts it was fitted on. seed: of every draw. references: scores of the fitted
    accounts of each detector that compares, of their mean vote (TOGETHER) and of the whole (COMBINED).
    """

    preparation: Preparation
    members: Mapping[str, Fitted]
    references: Mapping[str, Reference]
    accounts: int
    seed: int

    def weights(self, inputs: Inputs) -> dict[str, Floats]:
        """Share of each account's anomaly score that each detector adds; they sum to 1."""
        said = votes(seen(self.references, _raw_scores(self.members, inputs, 1)))
        together = tail(self.references[TOGETHER].percentile(mean_vote(said)))
        total = together + sum(said[detector.name] for detector in CERTAIN)
        mean = mean_vote(said)
        adds = {
            detector.name: together * said[detector.name] / (len(COMPARING) * np.maximum(mean, 1e-300))
            for detector in COMPARING
        } | {detector.name: said[detector.name] for detector in CERTAIN}
        return {name: added / np.maximum(total, 1e-300) for name, added in adds.items()}


def _fitting_rows(features: pl.DataFrame, seed: int) -> npt.NDArray[np.int64]:
    """Rows to fit on, in an order that depends on account ids and seed alone."""
    key = pl.concat_str(pl.lit(f"{seed}:"), pl.col("account_id"))
    order = (
        features.select("account_id", row=pl.int_range(pl.len(), dtype=pl.Int64), key=key.nchash.xxhash64())  # type: ignore[attr-defined]
        .sort("key", "account_id")
        .head(FIT_ACCOUNTS)
    )
    return order["row"].to_numpy()


COMPARING = tuple(detector for detector in DETECTORS if not detector.certain)
CERTAIN = tuple(detector for detector in DETECTORS if detector.certain)


def tail(percentiles: Floats) -> Floats:
    """Powers of ten by which a percentile is rare: 0.9 gives 1, 0.99 gives 2."""
    return -np.log10(np.maximum(1.0 - percentiles, 1e-15))


def vote(percentiles: Floats) -> Floats:
    """Powers of ten that a percentile counts: in full up to VOTE, a little beyond."""
    rarity = tail(percentiles)
    return np.minimum(rarity, VOTE) + BEYOND * np.maximum(rarity - VOTE, 0.0)


def seen(references: Mapping[str, Reference], raw: Mapping[str, Floats]) -> dict[str, Floats]:
    """Each raw score as its percentile (0 to 1); of a detector of certainties its own powers of ten."""
    return {
        detector.name: raw[detector.name]
        if detector.certain
        else references[detector.name].percentile(raw[detector.name])
        for detector in DETECTORS
    }


def votes(percentiles: Mapping[str, Floats]) -> dict[str, Floats]:
    """What each detector says of each account, in powers of ten, of what `seen` gives; never below 0.

    Of a detector that compares accounts it is the share of the fitted accounts at least as odd, in full up to
    VOTE; so agreement of several counts for more than one of them at its extreme (thresholded sums, Aggarwal
    and Sathe, Outlier Ensembles, 2017, chapter 4). A detector of certainties says its own.
    """
    return {
        detector.name: percentiles[detector.name] if detector.certain else vote(percentiles[detector.name])
        for detector in DETECTORS
    }


def mean_vote(said: Mapping[str, Floats]) -> Floats:
    """Mean over the detectors that compare accounts."""
    total = np.zeros_like(next(iter(said.values())))
    for detector in COMPARING:
        total += said[detector.name]
    return total / len(COMPARING)


def anomaly(together: Reference, said: Mapping[str, Floats]) -> Floats:
    """The anomaly score, 0 to 1: 1 - 10^-(rarity of the mean vote + powers of ten beyond chance)."""
    total = tail(together.percentile(mean_vote(said)))
    for detector in CERTAIN:
        total += said[detector.name]
    return np.asarray(1.0 - 10.0**-total)


def shown(percentiles: Mapping[str, Floats]) -> dict[str, Floats]:
    """Each detector's own column, 0 to 1: its percentile, or how sure it is that chance is no explanation."""
    return {
        detector.name: 1.0 - 10.0 ** -percentiles[detector.name]
        if detector.certain
        else percentiles[detector.name]
        for detector in DETECTORS
    }


def _raw_scores(members: Mapping[str, Fitted], inputs: Inputs, threads: int) -> dict[str, Floats]:
    return {
        detector.name: members[detector.name].score(detector.view_of(inputs), threads)
        for detector in DETECTORS
    }


def fit(features: pl.DataFrame, currencies: pl.Series, settings: Settings) -> FittedModel:
    """Fit all detectors to the accounts of a feature table (account_id and the columns of FEATURES).

    currencies: each account's currency, in the same order. Neither the order of the rows nor the threads
    matter; of more than FIT_ACCOUNTS accounts a sample by hashed account id is taken.

    Raises:
        RunError: there is no account, or a declared feature is missing from the table.
    """
    if features.is_empty():
        raise RunError("no accounts to score: load transactions first.")
    missing = [column.name for column in INPUTS if column.name not in features.columns]
    if missing:
        raise RunError(f"the feature table lacks {', '.join(missing)}: build it with this version of finpat.")
    seed, threads = settings.detection.seed, thread_count(settings.threads)
    chosen = _fitting_rows(features, seed)
    features, currencies = features[chosen], currencies[chosen]
    certain = frozenset(name for detector in CERTAIN for name in detector.certain)
    preparation = prepare(features, currencies, INPUTS, certain)
    inputs = inputs_of(preparation, features, currencies)
    members = {detector.name: detector.fit(detector.view_of(inputs), seed) for detector in DETECTORS}
    raw = _raw_scores(members, inputs, threads)
    references = {detector.name: Reference.of(raw[detector.name]) for detector in COMPARING}
    said = votes(seen(references, raw))
    references[TOGETHER] = Reference.of(mean_vote(said))
    references[COMBINED] = Reference.of(anomaly(references[TOGETHER], said))
    return FittedModel(preparation, members, references, features.height, seed)


def score(
    model: FittedModel,
    features: pl.DataFrame,
    currencies: pl.Series,
    *,
    threads: int = 0,
    explained: int = EXPLAINED_ACCOUNTS,
) -> Scores:
    """Scores of every account, and contributions of the `explained` highest (ties: lower account id first).

    An account's score depends on the model and on its own row: alone or among a million, it is the same
    number.
    """
    workers = thread_count(threads)
    combined = np.zeros(features.height)
    columns = {detector.name: np.zeros(features.height) for detector in DETECTORS}
    for first in range(0, features.height, AT_A_TIME):
        some = slice(first, first + AT_A_TIME)
        inputs = inputs_of(model.preparation, features[some], currencies[some])
        percentiles = seen(model.references, _raw_scores(model.members, inputs, workers))
        combined[some] = anomaly(model.references[TOGETHER], votes(percentiles))
        for name, values in shown(percentiles).items():
            columns[name][some] = values
    scores = pl.DataFrame(
        {
            "account_id": features["account_id"],
            "anomaly_score": combined,
            "anomaly_percentile": 100.0 * model.references[COMBINED].percentile(combined),
            **columns,
        }
    )
    highest = (
        scores.select("account_id", "anomaly_score", row=pl.int_range(pl.len(), dtype=pl.Int64))
        .sort("anomaly_score", "account_id", descending=[True, False])
        .head(explained)["row"]
        .to_numpy()
    )
    return Scores(scores, explain(model, features[highest], currencies[highest]))


def explain(model: FittedModel, features: pl.DataFrame, currencies: pl.Series) -> pl.DataFrame:
    """Contributions (see `Scores`) of the given accounts, whatever their scores."""
    inputs = inputs_of(model.preparation, features, currencies)
    return contributions_of(model, inputs, features, currencies)


def warm(notify: Callable[[str], None]) -> None:
    """Compile, or load from disk, every kernel of the detectors.

    notify: called once with one line where something has to be compiled. Loading compiled code from disk says
        nothing.
    """
    rows = np.arange(1, 65, dtype=np.int64)
    table = pl.DataFrame(
        {
            "account_id": rows.astype(str),
            **{column.name: (rows * (place + 3)) % 61 for place, column in enumerate(INPUTS)},
        }
    )
    currencies = pl.Series("currency", ["XXX"] * table.height)
    with announcing_compilation(notify):
        score(fit(table, currencies, Settings(threads=1)), table, currencies, threads=1, explained=1)
