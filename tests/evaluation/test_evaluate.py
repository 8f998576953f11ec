"""Figures against labels, compared with sums done by hand and with scikit-learn."""

from __future__ import annotations

import json

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score

from finpat.errors import SourceError
from finpat.evaluation import evaluate, read_labels


def ranking(*ids):
    return pl.DataFrame({"account_id": list(ids)})


def labels(**labels):
    return pl.DataFrame({"account_id": list(labels), "label": list(labels.values())})


def test_figures_equal_those_done_by_hand():
    found = evaluate(ranking("a", "b", "c", "d", "e"), labels(a=1, b=0, c=1, d=0, e=0))
    assert (found.accounts, found.positives) == (5, 2)
    assert found.average_precision == pytest.approx((1 / 1 + 2 / 3) / 2)
    assert found.auroc == pytest.approx(5 / 6)  # of the six pairs only (c before b) is wrong
    assert found.precision_at["100"] == pytest.approx(2 / 5)
    assert found.recall_at_share["0.01"] == pytest.approx(1 / 2)  # one account is flagged, at least


def test_equal_scores_stand_in_the_order_of_the_list_and_not_in_that_of_the_labels():
    tied = ranking("b", "a").with_columns(score=500)
    assert evaluate(tied, labels(a=1, b=0)).average_precision == pytest.approx(1 / 2)
    assert evaluate(tied.reverse(), labels(b=0, a=1)).average_precision == 1.0


def test_a_rank_column_decides_over_the_order_of_the_rows():
    shuffled = pl.DataFrame({"account_id": ["b", "a"], "rank": [2, 1]})
    assert evaluate(shuffled, labels(a=1, b=0)).auroc == 1.0


def test_accounts_that_only_one_side_knows_are_left_out_and_counted():
    found = evaluate(ranking("x", "a", "b"), labels(a=1, b=0, idle=1, gone=0))
    assert (found.accounts, found.unlabelled, found.not_in_list, found.positives_not_in_list) == (2, 1, 2, 1)
    assert found.average_precision == 1.0


def test_a_share_of_the_list_is_rounded_down():
    ids = [f"{i:04}" for i in range(299)]
    found = evaluate(ranking(*ids), pl.DataFrame({"account_id": ids, "label": [i < 3 for i in range(299)]}))
    assert found.recall_at_share == pytest.approx({"0.005": 1 / 3, "0.01": 2 / 3, "0.02": 1.0, "0.05": 1.0})


def test_without_positives_or_negatives_a_figure_is_none_and_not_zero():
    found = evaluate(ranking("a"), labels(a=0))
    assert (found.auroc, found.average_precision, found.recall_at_share["0.01"]) == (None, None, None)
    assert evaluate(ranking("a"), labels(a=1)).auroc is None


def test_roles_and_typologies_are_compared_with_all_negatives():
    given = pl.DataFrame(
        {
            "account_id": ["a", "b", "c", "d", "e"],
            "label": [1, 0, 1, 0, 0],
            "role": ["mule", "shop", "core", "shop", None],
            "typology": ["fan_in;cycle", None, "cycle", None, None],
        }
    )
    found = evaluate(ranking("a", "b", "c", "d", "e"), given)
    assert set(found.by_role) == {"core", "mule", "shop"}
    assert found.by_role["core"].average_precision == pytest.approx(1 / 2)  # a is left out, b stands before
    assert found.by_role["core"].recall_at_share["0.05"] == 0.0
    assert found.by_role["shop"].positives == 0
    assert found.by_role["shop"].flagged_at_share["0.05"] == 0.0
    assert found.by_typology["cycle"].positives == 2
    assert found.by_typology["fan_in"].recall_at_share["0.01"] == 1.0
    assert json.loads(json.dumps(found.as_dict()))["by_typology"]["cycle"]["accounts"] == 2


@given(st.lists(st.booleans(), min_size=2, max_size=60).filter(lambda flags: 0 < sum(flags) < len(flags)))
def test_figures_agree_with_scikit_learn(flags):
    ids = [f"{i:03}" for i in range(len(flags))]
    found = evaluate(ranking(*ids), pl.DataFrame({"account_id": ids, "label": flags}))
    best_first = -np.arange(len(flags))
    assert found.auroc == pytest.approx(roc_auc_score(flags, best_first))
    assert found.average_precision == pytest.approx(average_precision_score(flags, best_first))


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_labels_are_read_from_csv_and_parquet_and_further_columns_ignored(tmp_path, suffix):
    frame = pl.DataFrame(
        {"account_id": ["007", "8"], "label": [1, 0], "bank": ["x", "y"], "role": ["core", ""]}
    )
    path = tmp_path / f"labels.{suffix}"
    frame.write_csv(path) if suffix == "csv" else frame.write_parquet(path)
    found = read_labels(path)
    assert found.columns == ["account_id", "is_positive", "role"]
    assert found["account_id"].to_list() == ["007", "8"]
    assert found["is_positive"].to_list() == [True, False]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("account_id,lable\na,1\n", "column 'label' is missing.*Did you mean 'lable'"),
        ("account_id,label\na,1\nb,2\n", "row 2: label is '2', expected 0 or 1"),
        ("account_id,label\na,1\nb,\n", "row 2: label is None"),
        ("account_id,label\na,1\na,0\n", "row 2: account 'a' is labelled a second time"),
        ("account_id,label\n,1\n", "row 1: account_id is empty"),
        ("account_id,label\n", "no rows"),
        ("", "cannot be read"),
    ],
)
def test_faulty_labels_are_refused_with_row_and_reason(tmp_path, text, message):
    path = tmp_path / "labels.csv"
    path.write_text(text)
    with pytest.raises(SourceError, match=message):
        read_labels(path)


def test_a_missing_labels_file_is_named(tmp_path):
    with pytest.raises(SourceError, match=r"nowhere\.csv: no such labels file"):
        read_labels(tmp_path / "nowhere.csv")


def test_labels_of_other_accounts_are_refused():
    with pytest.raises(SourceError, match="none of the 1 labelled accounts is in the list of 1"):
        evaluate(ranking("A"), labels(a=1))


def test_the_interval_of_a_figure_contains_it_and_narrows_with_more_accounts():
    from finpat.evaluation.figures import average_precision, interval

    def flags(accounts):
        return np.random.default_rng(1).random(accounts) < np.linspace(0.6, 0.0, accounts)

    widths = []
    for accounts in (200, 20_000):
        (low, high), (recall_low, recall_high) = interval(flags(accounts))
        assert low < average_precision(flags(accounts)) < high
        assert recall_low <= recall_high
        widths.append(high - low)
    assert widths[1] < widths[0] / 3


def test_without_positives_there_is_no_interval():
    from finpat.evaluation.figures import interval

    assert np.isnan(interval(np.zeros(20, bool))).all()
