"""Scores: the same alone and in a crowd, in any order, on any number of threads, after saving and loading."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from finpat.config import Settings
from finpat.detection import DETECTORS, explain, fit, load, save, score, warm
from finpat.detection.scoring import INPUTS, Reference
from finpat.errors import RunError
from tests.detection.accounts import currency_of, feature_table

ONE_THREAD = Settings(threads=1)
PLANTED = {
    **{
        f"{name}_{window}_peak": 900.0
        for name in ("payer_count", "credit_count")
        for window in ("1h", "24h", "7d", "30d")
    },
    **{f"passed_on_share_{window}": 1.0 for window in ("2h", "24h", "48h", "7d")},
    **dict.fromkeys(("payer_count", "one_off_payer_count", "counterparty_count", "credit_count"), 900.0),
    "paid_in_minor": 40_000_000.0,
    "relay_strength": 4.2,
    "new_payers_30d_peak": 900.0,
}
TABLE = feature_table(400, night_share={11: None}, **{name: {7: value} for name, value in PLANTED.items()})
CURRENCIES = currency_of(TABLE)
MODEL = fit(TABLE, CURRENCIES, ONE_THREAD)
SCORED = score(MODEL, TABLE, CURRENCIES)


def scores_of(table, currencies=None, model=MODEL):
    return score(model, table, currency_of(table) if currencies is None else currencies).scores


@given(st.lists(st.integers(0, TABLE.height - 1), min_size=1, max_size=12, unique=True))
@settings(max_examples=25, deadline=None)
def test_an_account_scores_the_same_alone_and_in_any_company(rows):
    assert scores_of(TABLE[rows]).equals(SCORED.scores[rows])


def test_threads_do_not_change_a_bit():
    assert fit(TABLE, CURRENCIES, Settings(threads=4)).references.keys() == MODEL.references.keys()
    assert score(MODEL, TABLE, CURRENCIES, threads=1).scores.equals(
        score(MODEL, TABLE, CURRENCIES, threads=3).scores
    )


def test_the_order_of_the_rows_does_not_change_the_model():
    shuffled = TABLE.sample(fraction=1.0, shuffle=True, seed=3)
    again = scores_of(TABLE, model=fit(shuffled, currency_of(shuffled), Settings(threads=2)))
    assert again.equals(SCORED.scores)


def test_the_same_seed_makes_the_same_model_and_another_seed_another():
    assert scores_of(TABLE, model=fit(TABLE, CURRENCIES, ONE_THREAD)).equals(SCORED.scores)
    other = Settings(threads=1, detection={"seed": 8})
    assert not scores_of(TABLE, model=fit(TABLE, CURRENCIES, other)).equals(SCORED.scores)


def test_a_saved_model_scores_as_before_and_equal_models_make_equal_files(tmp_path):
    save(MODEL, tmp_path / "a.npz")
    save(fit(TABLE, CURRENCIES, ONE_THREAD), tmp_path / "b.npz")
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
    loaded = load(tmp_path / "a.npz")
    again = score(loaded, TABLE, CURRENCIES)
    assert again.scores.equals(SCORED.scores)
    assert again.contributions.equals(SCORED.contributions)
    assert (loaded.accounts, loaded.seed) == (400, 7)


def test_a_model_of_another_version_and_a_file_that_is_no_model_are_refused(tmp_path, monkeypatch):
    path = tmp_path / "model.npz"
    monkeypatch.setattr("finpat.detection.persistence.FORMAT", 99)
    save(MODEL, path)
    monkeypatch.undo()
    with pytest.raises(RunError, match="model of format 99"):
        load(path)
    path.write_bytes(b"no model at all")
    with pytest.raises(RunError, match="cannot be read as a fitted model"):
        load(path)
    np.save(tmp_path / "code.npy", np.array([{"pickled": True}], dtype=object), allow_pickle=True)
    with pytest.raises(RunError, match="cannot be read as a fitted model"):
        load(tmp_path / "code.npy")


def test_every_account_has_finite_scores_in_range():
    for name in ("anomaly_score", *(detector.name for detector in DETECTORS)):
        assert SCORED.scores[name].is_between(0, 1).all()
        assert SCORED.scores[name].is_finite().all()
    assert SCORED.scores["anomaly_percentile"].is_between(0, 100).all()
    assert SCORED.scores["account_id"].equals(TABLE["account_id"])


def test_percentiles_rise_strictly_with_the_score_even_beyond_the_fitted_accounts():
    reference = Reference.of(np.array([1.0, 2.0, 2.0, 5.0]))
    shares = reference.percentile(np.array([-3.0, 0.0, 1.0, 1.5, 2.0, 4.0, 5.0, 6.0, 9.0]))
    assert (np.diff(shares) > 0).all()
    assert shares.min() > 0
    assert shares.max() < 1
    assert reference.percentile(np.array([2.0]))[0] == pytest.approx((1 + 2 / 2) / 4)


def test_the_planted_account_comes_first_and_is_explained_by_what_was_planted():
    assert SCORED.scores.sort("anomaly_score", descending=True)["account_id"][0] == "A0007"
    top = SCORED.contributions.filter(pl.col("account_id") == "A0007")
    for name in ("anomaly_score", "counterparty_forest", "nearest_shape"):
        told = top.filter(pl.col("detector") == name)
        planted = told.filter(pl.col("feature").is_in(list(PLANTED)))
        assert planted.height >= 3, name
        assert set(planted["direction"]) == {"high"}
    told = top.filter(pl.col("detector") == "nearest_shape", pl.col("feature").str.contains("_count_"))
    assert told["value"].to_list() == [900] * told.height
    assert told["peer_median"][0] == pytest.approx(TABLE[told["feature"][0]].median())
    assert told["peer_spread"][0] > 0


def test_every_detector_explains_itself_and_shares_fall_and_stay_below_one():
    assert set(SCORED.contributions["detector"]) == {
        "anomaly_score",
        *(detector.name for detector in DETECTORS),
    }
    grouped = SCORED.contributions.group_by("account_id", "detector", maintain_order=True).agg("share")
    for shares in grouped["share"].to_list():
        assert shares == sorted(shares, reverse=True)
        assert 0 < sum(shares) <= 1 + 1e-9


@pytest.mark.parametrize("name", [detector.name for detector in DETECTORS])
def test_the_parts_of_a_score_sum_to_it(name):
    from finpat.detection.inputs import inputs_of

    detector = next(detector for detector in DETECTORS if detector.name == name)
    inputs = detector.view_of(inputs_of(MODEL.preparation, TABLE, CURRENCIES))
    member = MODEL.members[name]
    assert member.parts(inputs).sum(axis=1) == pytest.approx(member.score(inputs, 1), rel=1e-4, abs=1e-6)


def test_any_account_can_be_explained_not_only_the_highest():
    few = score(MODEL, TABLE, CURRENCIES, explained=3).contributions
    assert few["account_id"].n_unique() == 3
    one = explain(MODEL, TABLE[[200]], CURRENCIES[[200]])
    assert one["account_id"].unique().to_list() == ["A0200"]
    whole = SCORED.contributions.filter(pl.col("account_id") == "A0200")
    assert one.equals(whole)


def test_an_unknown_value_is_never_a_reason_and_never_raises_the_score():
    extreme = feature_table(400, seed=1, payer_count_7d_peak={7: 900})
    unknown = feature_table(400, seed=1, payer_count_7d_peak={7: None})
    high, low = (scores_of(table)["anomaly_score"][7] for table in (extreme, unknown))
    assert low < high
    told = explain(MODEL, unknown[[7]], CURRENCIES[[7]])
    assert "payer_count_7d_peak" not in told["feature"].to_list()


def test_an_unknown_value_counts_as_the_median_one():
    median = float(np.median(TABLE["paid_in_variation"].to_numpy()))
    table = feature_table(400, paid_in_variation={5: median})
    nothing = feature_table(400, paid_in_variation={5: None})
    assert scores_of(table)["anomaly_score"][5] == pytest.approx(
        scores_of(nothing)["anomaly_score"][5], abs=1e-3
    )


def test_money_of_another_currency_is_compared_by_its_own_typical_payment():
    yen = TABLE.with_columns(
        pl.col([column.name for column in INPUTS if column.kind == "money"]) * 160,
        account_id=pl.col("account_id").str.replace("A", "B"),
    )
    both = pl.concat([TABLE, yen])
    currencies = pl.concat([CURRENCIES, currency_of(yen, "JPY")])
    model = fit(both, currencies, ONE_THREAD)
    scored = scores_of(both, currencies, model)
    euro, yen_scores = scored["anomaly_score"][:400], scored["anomaly_score"][400:]
    assert euro.to_numpy() == pytest.approx(yen_scores.to_numpy(), abs=1e-6)


def test_money_of_a_currency_the_model_has_never_seen_is_unknown_and_not_taken_one_to_one():
    rich = feature_table(400, paid_in_max_minor={3: 10**12})
    seen, unseen = (scores_of(rich, currency_of(rich, code))["anomaly_score"][3] for code in ("EUR", "GBP"))
    assert unseen < seen


@pytest.mark.parametrize("accounts", [1, 2, 5, 40])
def test_few_accounts_are_scored_too(accounts):
    table = feature_table(accounts)
    scored = score(fit(table, currency_of(table), ONE_THREAD), table, currency_of(table)).scores
    assert scored.height == accounts
    assert scored["anomaly_score"].is_finite().all()


def test_equal_accounts_score_equally_in_the_middle():
    table = pl.concat([feature_table(1)] * 30).with_columns(
        account_id=pl.format("A{}", pl.int_range(pl.len()))
    )
    scored = score(fit(table, currency_of(table), ONE_THREAD), table, currency_of(table)).scores
    assert scored["anomaly_percentile"].to_list() == [50.0] * 30


def test_a_sample_is_taken_of_many_accounts_and_all_are_scored(monkeypatch):
    monkeypatch.setattr("finpat.detection.scoring.FIT_ACCOUNTS", 100)
    sampled = fit(TABLE, CURRENCIES, ONE_THREAD)
    assert sampled.accounts == 100
    assert scores_of(TABLE, model=sampled).height == 400
    shuffled = TABLE.sample(fraction=1.0, shuffle=True, seed=9)
    assert scores_of(TABLE, model=fit(shuffled, CURRENCIES, ONE_THREAD)).equals(
        scores_of(TABLE, model=sampled)
    )


def test_no_accounts_and_a_table_without_a_feature_are_refused():
    with pytest.raises(RunError, match="no accounts to score"):
        fit(TABLE.clear(), CURRENCIES.clear(), ONE_THREAD)
    with pytest.raises(RunError, match="the feature table lacks payer_count"):
        fit(TABLE.drop("payer_count"), CURRENCIES, ONE_THREAD)


def test_each_detector_has_its_own_name_and_reason_and_families_that_features_have():
    assert len({detector.name for detector in DETECTORS}) == len(DETECTORS)
    assert len({detector.rationale for detector in DETECTORS}) == len(DETECTORS)
    assert {family for detector in DETECTORS for family in detector.families} <= {
        column.family for column in INPUTS
    }


def test_a_detector_of_one_family_names_features_of_that_family_only():
    families = {column.name: column.family for column in INPUTS}
    for detector in DETECTORS:
        told = SCORED.contributions.filter(pl.col("detector") == detector.name)
        named = {families[feature] for feature in told["feature"].unique()}
        assert named <= set(detector.families or families.values())
        assert named


def test_scoring_in_pieces_changes_no_bit(monkeypatch):
    monkeypatch.setattr("finpat.detection.scoring.AT_A_TIME", 37)
    assert scores_of(TABLE).equals(SCORED.scores)


def test_warming_compiles_every_kernel_of_the_detectors():
    from finpat.detection import kernels

    warm(lambda line: None)
    for name in ("nearest_references", "walk_trees", "mixture_surprise"):
        before = list(getattr(kernels, name).signatures)
        assert before, name
        scores_of(TABLE)
        explain(MODEL, TABLE[:3], CURRENCIES[:3])
        assert list(getattr(kernels, name).signatures) == before
