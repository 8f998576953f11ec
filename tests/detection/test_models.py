"""Members score as the PyOD models that they were fitted with, number by number."""

from __future__ import annotations

import numpy as np
import pytest
from pyod.models.gmm import GMM
from pyod.models.iforest import IForest
from pyod.models.sampling import Sampling

from finpat.detection.base import Column, Inputs
from finpat.detection.models import BeyondChance, IsolationTrees, Mixture, NearestReferences, UpperTail

COLUMNS = tuple(Column(f"c{index}", "count", "aggregates") for index in range(6))
VALUES = np.random.default_rng(5).standard_t(3, (700, 6)).round(1)  # rounded: ties at the cuts
INPUTS = Inputs(COLUMNS, VALUES, VALUES, np.ones(VALUES.shape, bool), VALUES)
NEW = np.random.default_rng(6).standard_t(3, (300, 6))
NEW_INPUTS = Inputs(COLUMNS, NEW, NEW, np.ones(NEW.shape, bool), NEW)


def test_isolation_trees_give_the_path_lengths_of_pyod():
    member = IsolationTrees.fit(INPUTS, seed=3, view="level", trees=60)
    forest = IForest(n_estimators=60, random_state=3).fit(VALUES)
    root = member.length[member.roots].mean() / member.usual
    for inputs, values in ((INPUTS, VALUES), (NEW_INPUTS, NEW)):
        paths = root - member.score(inputs, 1)
        assert 2.0**-paths + forest.offset_ == pytest.approx(forest.decision_function(values), abs=1e-12)


def test_accounts_cut_off_sooner_than_usual_score_above_zero_and_others_below():
    member = IsolationTrees.fit(INPUTS, seed=3, view="level", trees=60)
    zeros, known = np.zeros((1, 6)), np.ones((1, 6), bool)
    far = Inputs(COLUMNS, np.full((1, 6), 50.0), zeros, known, zeros)
    middle = Inputs(COLUMNS, zeros, zeros, known, zeros)
    assert member.score(far, 1)[0] > 0 > member.score(middle, 1)[0]


def test_a_cut_column_and_no_other_gets_its_part():
    values = np.zeros((700, 6))
    values[:, 2] = VALUES[:, 2]
    inputs = Inputs(COLUMNS, values, values, np.ones(values.shape, bool), values)
    parts = IsolationTrees.fit(inputs, seed=3, view="level", trees=20).parts(inputs)
    assert np.abs(parts[:, 2]).max() > 0.1
    assert not np.delete(parts, 2, axis=1).any()


@pytest.mark.parametrize("components", [1, 4])
def test_a_mixture_gives_the_density_of_pyod(components):
    member = Mixture.fit(INPUTS, seed=3, view="shape", components=components)
    model = GMM(n_components=components, covariance_type="diag", random_state=3).fit(VALUES)
    for inputs, values in ((INPUTS, VALUES), (NEW_INPUTS, NEW)):
        surprise = member.score(inputs, 1) + member.usual.sum()
        assert surprise == pytest.approx(model.decision_function(values), rel=1e-9)


def test_the_parts_of_a_mixture_are_zero_on_average_over_the_fitted_accounts():
    member = Mixture.fit(INPUTS, seed=3, view="shape", components=4)
    assert member.parts(INPUTS).mean(axis=0) == pytest.approx(np.zeros(6), abs=1e-9)


def test_one_subset_gives_the_distance_of_pyod():
    member = NearestReferences.fit(INPUTS, seed=3, view="shape", subsets=1, size=32)
    model = Sampling(subset_size=32, random_state=3).fit(VALUES)
    distance = model.decision_function(NEW)
    assert member.score(NEW_INPUTS, 1) == pytest.approx(distance, rel=1e-5)


@pytest.mark.parametrize("accounts", [0, 1, 2, 19])
@pytest.mark.parametrize("columns", [0, 6])
def test_few_accounts_and_no_columns_make_a_member_that_scores(accounts, columns):
    few = INPUTS.rows(np.arange(accounts)).only(np.arange(columns))
    new = NEW_INPUTS.only(np.arange(columns))
    for member in (
        IsolationTrees.fit(few, 3, "level", 10),
        Mixture.fit(few, 3, "shape", 4),
    ):
        assert np.isfinite(member.score(new, 1)).all()
        assert member.parts(new).sum(axis=1) == pytest.approx(member.score(new, 1), abs=1e-9)


@pytest.mark.parametrize(
    ("value", "powers"), [(-4.0, 0.0), (2.0, 0.0), (2.5, 0.5), (3.5, 1.5), (9.0, 1.5), (np.nan, 0.0)]
)
def test_what_is_beyond_chance_counts_from_its_start_up_to_a_limit(value, powers):
    values = np.full((1, 6), 100.0)
    values[0, 3] = value
    inputs = Inputs(COLUMNS, values, values, ~np.isnan(values), values)
    member = BeyondChance.fit(inputs, 3, counts={"c3": (2.0, 1.0)}, most=1.5)
    assert member.score(inputs, 1) == pytest.approx([powers])
    assert member.parts(inputs)[0].tolist() == pytest.approx([0, 0, 0, powers, 0, 0])


def test_of_several_certainties_about_the_same_payments_the_largest_counts_alone():
    values = np.array([[1.0, 0.4, 0.0, 0.0, 0.0, 0.0]])
    inputs = Inputs(COLUMNS, values, values, np.ones(values.shape, bool), values)
    member = BeyondChance.fit(inputs, 3, counts={"c0": (0.0, 1.0), "c1": (0.0, 3.0)}, most=1.5)
    assert member.parts(inputs)[0].tolist() == pytest.approx([0, 1.2, 0, 0, 0, 0])


def test_an_upper_tail_counts_its_columns_and_being_low_is_not_unusual():
    values = np.array([[9.0, 2.0, 1.0, 0, 0, 0], [9.0, -3.0, 0.5, 0, 0, 0]])
    inputs = Inputs(COLUMNS, values, values, np.ones(values.shape, bool), values)
    member = UpperTail.fit(inputs, 3, names=("c1", "c2"))
    assert member.score(inputs, 1).tolist() == [3.0, -2.5]
    assert member.parts(inputs)[0].tolist() == [0, 2, 1, 0, 0, 0]
