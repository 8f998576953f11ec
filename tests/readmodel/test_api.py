"""The named questions, and following CURRENT."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from decimal import Decimal

import polars as pl
import pytest

from finpat.errors import RunError, UsageError
from finpat.readmodel import ReadModel, current_path, follow
from finpat.readmodel.api import Page
from finpat.readmodel.publish import Publication, make_current, publish
from tests.readmodel.published import HOSTILE, export, legs_of, manifest, publication, publish_sample


@pytest.fixture
def model(tmp_path):
    with ReadModel(publish_sample(tmp_path)) as opened:
        yield opened


def test_the_list_is_best_first_and_zero_means_all(model):
    assert model.flagged()["account_id"].to_list() == ["007", "VICTIM", "Z"]
    assert model.flagged(top=2)["account_id"].to_list() == ["007", "VICTIM"]


def test_pages_of_the_list_follow_each_other_by_rank(model):
    assert model.ranking(limit=2)["account_id"].to_list() == ["007", "VICTIM"]
    assert model.ranking(after_rank=2, limit=2)["account_id"].to_list() == ["Z"]
    assert model.ranking(after_rank=3).height == 0


@pytest.mark.parametrize(("min_score", "listed"), [(998, 2), (999, 1), (1000, 0)])
def test_the_least_score_itself_is_listed(model, min_score, listed):
    assert model.flagged(min_score=min_score).height == listed


def test_an_account_is_its_place_in_the_list_with_its_holder_and_counts(model):
    account = model.account("007")
    assert account is not None
    assert (account["rank"], account["holder_name"], account["leg_count"]) == (1, HOSTILE, 3)
    assert model.account("nobody") is None


def test_an_account_id_is_a_value_never_sql(model):
    assert model.account("007' OR '1'='1") is None
    assert model.transactions_for("x'; DROP TABLE rm.runs; --").height == 0


def test_findings_and_evidence_come_with_file_and_line(model):
    findings = model.findings_for(["007"])
    assert findings["indicator_id"].to_list() == ["ST-STRUCT-01"]
    assert findings["values"].to_list()[0][0]["threshold"] == 10000.0
    evidence = model.evidence_for(findings["finding_id"].to_list())
    assert evidence.select("position", "source_file", "source_line", "amount").rows() == [
        (1, "s1.csv", 3, Decimal(9999)),
        (2, "s1.csv", 4, Decimal(9999)),
        (3, "s1.csv", 2, Decimal(9999)),
    ]


def test_what_no_source_could_answer_names_the_missing_field(model):
    assert model.not_evaluable().rows() == [("ST-STRUCT-05", "structuring", "branch_id")]


def test_contributions_start_with_the_largest_share(model):
    assert model.contributions_for("007")["feature"].to_list() == ["cash_in_count_7d", "night_share"]


def test_peers_give_median_and_percentile_over_accounts_that_have_the_feature(model):
    assert model.peers("007").rows() == [("cash_in_count_7d", 3.0, 1.5, 50.0)]
    assert model.peers("Z").height == 0, "Z has no value"


def test_pages_of_transactions_neither_repeat_nor_skip_rows_of_one_instant(tmp_path):
    same = datetime(2026, 3, 1)
    rows = [{"account_id": "A", "booked_at": same, "transaction_id": f"t{n:02}"} for n in range(23)]
    model = ReadModel(
        publish(tmp_path / "readmodel", Publication("0001", {}, {}, legs_of(export(rows=rows))))
    )
    seen, after = [], None
    while (page := model.transactions_for("A", limit=5, after=after)).height:
        seen += page["transaction_id"].to_list()
        last = page.row(-1, named=True)
        after = Page(last["booked_at"], last["transaction_id"], last["direction"])
    assert seen == sorted((row["transaction_id"] for row in rows), reverse=True)


def test_one_model_answers_many_threads(model):
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: model.account("007"), range(64)))
    assert all(answer == answers[0] and answer is not None for answer in answers)


def test_a_table_by_name_and_the_nearest_name_when_it_is_misspelt(model):
    assert model.table("networks").height == 0
    with pytest.raises(UsageError, match="Did you mean 'findings'"):
        model.table("finding")


def test_without_a_run_the_message_says_how_to_make_one(tmp_path):
    with pytest.raises(RunError, match=r"no run yet.*finpat run"):
        current_path(tmp_path / "readmodel")


def test_a_damaged_file_is_one_clear_line(tmp_path):
    (tmp_path / "0001.duckdb").write_bytes(b"not a database" * 500)
    with pytest.raises(RunError, match="cannot be read") as error:
        ReadModel(tmp_path / "0001.duckdb")
    assert "\n" not in str(error.value)


def test_followers_see_the_next_run_once_current_names_it(tmp_path):
    publish_sample(tmp_path, "0001")
    current = follow(tmp_path / "readmodel")
    first = current()
    assert current() is first
    second = publish(tmp_path / "readmodel", publication("0002"))
    assert current().run_id == "0001", "published is not yet current"
    make_current(tmp_path / "readmodel", second)
    assert current().run_id == "0002"
    assert first.account("007") is not None, "a request in flight can finish"


def test_the_manifest_reads_back_as_it_was_written(model):
    assert model.manifest() == manifest()
    assert model.table("runs")["as_of"].dtype == pl.Datetime("us")
