"""Learning from decided cases: apart by network, honest about few labels, beside the list."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import polars as pl
import pytest

from finpat.errors import SourceError
from finpat.learning.card import card_as_text, model_card
from finpat.learning.inputs import Inputs
from finpat.learning.model import LEAST_POSITIVES, MANY, learn
from finpat.learning.store import latest_learned, save_learned

START = datetime(2026, 1, 1)


def inputs_of(values: np.ndarray, groups: list[str] | None = None) -> Inputs:
    """Accounts in the list's order, one day apart, with these values."""
    count = len(values)
    ids = [f"A{number:04}" for number in range(count)]
    accounts = pl.DataFrame(
        {
            "account_id": ids,
            "rank": range(1, count + 1),
            "first_seen": [START + timedelta(days=(number * 37) % count) for number in range(count)],
            "group": groups or ids,
        }
    )
    return Inputs(accounts, values, tuple(f"c{at}" for at in range(values.shape[1])), frozenset())


def labels_of(inputs: Inputs, truth: np.ndarray) -> pl.DataFrame:
    return inputs.accounts.select("account_id").with_columns(is_positive=pl.Series(truth))


def told(count: int, share: float = 0.2, seed: int = 3) -> tuple[Inputs, pl.DataFrame]:
    """Accounts of which the second column tells the label, with noise; one value in ten is not evaluable."""
    draw = np.random.default_rng(seed)
    truth = draw.random(count) < share
    values = draw.normal(size=(count, 4))
    values[:, 1] += 2.5 * truth
    values[draw.random(values.shape) < 0.1] = np.nan
    values[:, 3] = np.nan  # a column that this data cannot fill
    inputs = inputs_of(values)
    return inputs, labels_of(inputs, truth)


@pytest.mark.parametrize(("count", "kind"), [(300, "logistic regression"), (1_500, "boosted trees")])
def test_what_the_labels_tell_is_learned_and_the_list_is_beaten_where_it_knows_nothing(count, kind):
    learned = learn(*told(count), seed=7)
    assert learned.kind == kind
    assert (learned.positives >= MANY) == (kind == "boosted trees")
    assert learned.folds.gain.low > 0.2
    assert learned.folds.learned_ap.low <= learned.folds.learned_ap.value <= learned.folds.learned_ap.high
    assert learned.later is not None
    assert learned.later.gain.value > 0.2
    assert learned.importance["column"][0] == "c1"
    assert learned.brier < learned.brier_of_base_rate


def test_a_network_tells_nothing_about_itself():
    """Values that only name the network, whose accounts share a label, are of no use to a judged account."""
    draw = np.random.default_rng(5)
    group = np.repeat(np.arange(60), 15)
    truth = (draw.random(60) < 0.3)[group]
    naming = draw.normal(size=(60, 3))[group]
    inputs = inputs_of(naming, [f"n{name}" for name in group])
    learned = learn(inputs, labels_of(inputs, truth), seed=7)
    assert learned.groups == 60
    assert learned.folds.learned.auroc < 0.65
    alone = learn(
        inputs_of(naming), labels_of(inputs, truth), seed=7
    )  # the same, if nobody knew the networks
    assert alone.folds.learned.auroc > 0.9


def test_every_account_of_the_run_gets_a_probability_and_says_whether_it_was_labelled():
    inputs, labels = told(400)
    learned = learn(inputs, labels.head(300), seed=7)
    assert learned.scores.height == 400
    assert learned.scores["learned_rank"].to_list() == list(range(1, 401))
    assert learned.scores["probability"].is_between(0, 1).all()
    assert learned.scores["probability"].is_sorted(descending=True)
    assert learned.scores["is_labelled"].sum() == 300
    assert (learned.scores["out_of_fold"] == learned.scores["is_labelled"]).all()


def test_equal_probabilities_stand_in_the_order_of_the_list():
    inputs, labels = told(300)
    flat = Inputs(inputs.accounts, np.zeros_like(inputs.values), inputs.columns, inputs.indicators)
    scores = learn(flat, labels.head(200), seed=7).scores.filter(~pl.col("is_labelled"))
    assert scores["account_id"].is_sorted()


def test_the_same_labels_in_another_order_learn_the_same():
    inputs, labels = told(300)
    again = learn(inputs, labels.sample(fraction=1.0, shuffle=True, seed=1), seed=7)
    assert again.scores.equals(learn(inputs, labels, seed=7).scores)


@pytest.mark.parametrize(
    ("positives", "why"),
    [(LEAST_POSITIVES - 1, f"19 positives \\(at least {LEAST_POSITIVES}\\)"), (281, "19 negatives")],
)
def test_too_few_labels_are_refused_with_their_number(positives, why):
    inputs, _ = told(300)
    truth = np.arange(300) < positives
    with pytest.raises(SourceError, match=f"too few labels to learn from: {why}"):
        learn(inputs, labels_of(inputs, truth), seed=7)


def test_enough_labels_are_enough():
    inputs, _ = told(300)
    assert learn(inputs, labels_of(inputs, np.arange(300) % 15 == 0), seed=7).positives == LEAST_POSITIVES


def test_positives_of_a_few_networks_are_too_few():
    values = np.random.default_rng(1).normal(size=(200, 2))
    inputs = inputs_of(values, [f"n{min(number // 10, 100)}" for number in range(200)])
    with pytest.raises(SourceError, match="5 networks with a positive"):
        learn(inputs, labels_of(inputs, np.arange(200) < 50), seed=7)


def test_the_card_says_when_nothing_was_gained(tmp_path):
    draw = np.random.default_rng(9)
    truth = draw.random(300) < 0.3
    inputs = inputs_of(draw.normal(size=(300, 3)))
    labels = labels_of(inputs, truth)
    learned = learn(inputs, labels, seed=7)
    run = {"run_id": "0001", "as_of": "2026-04-01", "fingerprint": "f" * 64}
    said = {"file": "decided.csv", "sha256": "0" * 64, "rows": 300, "not_in_run": 0}
    card = model_card(learned, inputs, run, said, 7)
    text = card_as_text(card)
    assert "on these labels the list is as good" in text
    assert "never in its place" in text

    kept = save_learned(tmp_path / "learned", "0001", learned.scores, card)
    more = save_learned(tmp_path / "learned", "0001", learned.scores, card)
    assert [kept.folder.name, more.folder.name] == ["0001-01", "0001-02"]
    latest = latest_learned(tmp_path / "learned", "0001")
    assert latest is not None
    assert latest.folder == more.folder
    assert latest.scores().equals(learned.scores)
    assert latest.card()["folds"] == card["folds"]
    assert latest_learned(tmp_path / "learned", "0002") is None
