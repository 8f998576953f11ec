"""The ensemble: its members with their settings and reasons.

Two members look at everything, three at one family of features: among some 150 features the plain ones of a
family (totals, counterparties) would be outvoted. Kinds and families were chosen out of 190 declared
compositions by what they reach on labelled sets that the choice had not seen, with one configuration for all;
figures, and what was left out, are in docs/evaluation.md.
"""

from __future__ import annotations

from functools import partial

from finpat.detection.base import Detector, View
from finpat.detection.models import IsolationTrees, Mixture, NearestReferences

TREES = 100  # PyOD's default
COMPONENTS = 4  # chosen: kinds of account that a mixture can tell apart


def _forest(name: str, families: tuple[str, ...], rationale: str) -> Detector:
    view: View = "level"
    return Detector(
        name,
        families,
        partial(IsolationTrees.fit, view=view, trees=TREES),
        partial(IsolationTrees.restore, view=view),
        rationale,
    )


DETECTORS: tuple[Detector, ...] = (
    _forest(
        "forest",
        (),
        "PyOD IForest over all features by size: the many payers, the large sums, parted by few cuts.",
    ),
    Detector(
        name="nearest_shape",
        families=(),
        fit=partial(NearestReferences.fit, view="shape", subsets=20, size=32),
        restore=partial(NearestReferences.restore, view="shape"),
        rationale="Unlike any of a few random accounts (twenty subsets of PyOD's Sampling) by proportion, so "
        "that small accounts with an odd mix stand out too.",
    ),
    _forest(
        "counterparty_forest",
        ("counterparties",),
        "PyOD IForest over counterparties alone: how many, how new, met once or again, shared or exclusive.",
    ),
    _forest(
        "totals_forest",
        ("aggregates",),
        "PyOD IForest over what an account moves in all: numbers, sums, means, active days.",
    ),
    Detector(
        name="totals_density",
        families=("aggregates",),
        fit=partial(Mixture.fit, view="shape", components=COMPONENTS),
        restore=partial(Mixture.restore, view="shape"),
        rationale="PyOD GMM over the same by proportion: totals that fit none of the common kinds of "
        "account, though none is extreme by itself.",
    ),
)
