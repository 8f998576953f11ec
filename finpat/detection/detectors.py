"""The ensemble: its members with their settings and reasons.

One member looks at everything, five at one family of features: among some 200 features the plain ones of a
family (totals, counterparties, new payers) would be outvoted. One, relays, asks no comparison at all. Kinds
and families were chosen out of declared compositions with one configuration for all labelled sets; figures,
and what was left out, are in docs/evaluation.md.
"""

from __future__ import annotations

from functools import partial

from finpat.detection.base import Detector, View
from finpat.detection.models import BeyondChance, IsolationTrees, Mixture, NearestReferences, UpperTail

TREES = 100  # PyOD's default
COMPONENTS = 4  # chosen: kinds of account that a mixture can tell apart
# Powers of ten that relays can add. A relay counts from one in a thousand, and money passed on counts in full
# where it is half of all that came in. Chosen: the most that costs no other set its place.
MOST_EVIDENCE = 1.5
RELAYS = {
    "relay_strength": (3.0, 1.0),
    "relayed_on_strength": (3.0, 1.0),
    "relayed_to_strength": (3.0, 1.0),
    "relayed_minor_share": (0.0, 2.0 * MOST_EVIDENCE),
}

FAN_IN = ("new_payers_30d_peak",)


def _forest(name: str, families: tuple[str, ...], view: View, rationale: str) -> Detector:
    return Detector(
        name,
        families,
        partial(IsolationTrees.fit, view=view, trees=TREES),
        partial(IsolationTrees.restore, view=view),
        rationale,
    )


def _mixture(name: str, families: tuple[str, ...], view: View, rationale: str) -> Detector:
    return Detector(
        name,
        families,
        partial(Mixture.fit, view=view, components=COMPONENTS),
        partial(Mixture.restore, view=view),
        rationale,
    )


DETECTORS: tuple[Detector, ...] = (
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
        "level",
        "PyOD IForest over counterparties by size: how many, how new, met once or again, shared.",
    ),
    _forest(
        "counterparty_mix",
        ("counterparties",),
        "shape",
        "PyOD IForest over the same by proportion: an odd mix of few counterparties, too.",
    ),
    _mixture(
        "totals_density",
        ("aggregates", "dormancy"),
        "shape",
        "PyOD GMM over what an account moves in all (numbers, sums, means, active days, silences) by "
        "proportion: totals that fit none of the common kinds of account, though none is extreme by itself.",
    ),
    _mixture(
        "totals_size",
        ("aggregates", "dormancy"),
        "level",
        "PyOD GMM over the same by size: more, or larger, than any common kind of account.",
    ),
    Detector(
        name="fan_in",
        families=("motifs",),
        fit=partial(UpperTail.fit, names=FAN_IN),
        restore=partial(UpperTail.restore, names=FAN_IN),
        rationale="The upper tail of PyOD's ECOD over the persons who paid the account for the first time "
        "within a month: collectors, whose single payments look like anybody's.",
    ),
    Detector(
        name="relays",
        families=("relays",),
        fit=partial(BeyondChance.fit, counts=RELAYS, most=MOST_EVIDENCE),
        restore=partial(BeyondChance.restore, counts=RELAYS, most=MOST_EVIDENCE),
        rationale="Amounts that go on unchanged to somebody else, weighed by what chance would give: "
        "conduits of one or two payments, which no total shows.",
        certain=tuple(RELAYS),
    ),
)
