"""The named questions, and following CURRENT."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from decimal import Decimal

import duckdb
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


def test_tables_without_a_frame_answer_empty(model):
    assert model.networks().height == 0
    assert model.network("N1") is None
    for answer in (model.members_of("N1"), model.edges_of("N1"), model.links_of("007"), model.ad_clusters()):
        assert answer.height == 0
    assert (
        model.ads_of("C1").height == model.ad_links_of("007").height == model.ad_matches_of("007").height == 0
    )


@pytest.fixture
def networked(tmp_path):
    """Two networks that share account VICTIM; the second ties Z and VICTIM by a phone."""
    networks = pl.DataFrame(
        {"network_id": ["N2", "N1", "N0"], "kind": ["phone", "sweep", "sweep"], "member_count": [2, 2, 2],
         "score": [400, 900, None], "amount_minor": [None, 29_997_00, 1], "currency": [None, "EUR", "JPY"]}
    )  # fmt: skip
    members = pl.DataFrame(
        {"network_id": ["N2", "N1", "N2", "N1"], "account_id": ["Z", "VICTIM", "VICTIM", "007"],
         "possible_role": ["unclear", "possible_victim", "possible_victim", "possible_controller"]}
    )  # fmt: skip
    edges = pl.DataFrame(
        {"network_id": ["N2", "N1"], "from_id": ["Z", "VICTIM"], "to_id": ["VICTIM", "007"],
         "kind": ["phone", "payment"], "count": [1, 3], "amount_minor": [None, 29_997_00],
         "currency": [None, "EUR"], "evidence": [[], ["S1-2", "S1-3"]]}
    )  # fmt: skip
    tables = {"networks": networks, "network_members": members, "network_edges": edges}
    with ReadModel(publish_sample(tmp_path, **tables)) as opened:
        yield opened


def test_networks_come_best_first_with_exact_amounts(networked):
    assert networked.networks().select("network_id", "amount").rows() == [
        ("N1", Decimal(29_997)),
        ("N2", None),
        ("N0", Decimal("0.01")),
    ]
    assert networked.networks(min_score=401)["network_id"].to_list() == ["N1"]
    assert networked.networks(top=1).height == 1
    assert networked.network("N2")["kind"] == "phone"


def test_members_come_with_their_place_in_the_list(networked):
    assert networked.members_of("N1").select("account_id", "possible_role", "rank").rows() == [
        ("007", "possible_controller", 1),
        ("VICTIM", "possible_victim", 2),
    ]


def test_links_of_an_account_are_the_edges_at_either_end_in_all_its_networks(networked):
    assert networked.links_of("VICTIM").select("network_id", "kind").rows() == [
        ("N1", "payment"),
        ("N2", "phone"),
    ]
    assert networked.links_of("Z")["evidence"].to_list() == [[]]
    assert networked.edges_of("N1")["evidence"].to_list() == [["S1-2", "S1-3"]]


def test_adverts_clusters_links_and_matches_are_told_together(tmp_path):
    at = [datetime(2026, 3, day) for day in (1, 2)]
    tables = {
        "ads": pl.DataFrame({"ad_id": ["a1", "a2"], "platform": ["P", "P"], "posted_at": at}),
        "ad_clusters": pl.DataFrame({"cluster_id": ["C1"], "ad_count": [2], "reason": ["one phone"]}),
        "ad_cluster_members": pl.DataFrame({"cluster_id": ["C1", "C1"], "ad_id": ["a2", "a1"]}),
        "ad_payment_links": pl.DataFrame(
            {"account_id": ["007"], "cluster_id": ["C1"], "k": [4], "expected": [0.2], "p_value": [1e-4]}
        ),
        "ad_payment_matches": pl.DataFrame(
            {"payment_id": [None, "p1"], "transaction_id": ["S1-2", None], "ad_id": ["a2", "a1"],
             "account_id": ["007", "007"], "delay_s": [60.0, 30.0]}
        ),
    }  # fmt: skip
    with ReadModel(publish_sample(tmp_path, **tables)) as model:
        assert model.ad_clusters()["cluster_id"].to_list() == ["C1"]
        assert model.ads_of("C1").select("ad_id", "posted_at").rows() == [("a1", at[0]), ("a2", at[1])]
        assert model.ad_links_of("007").select("k", "ad_count", "reason").rows() == [(4, 2, "one phone")]
        matches = model.ad_matches_of("007")
        assert matches.select("ad_id", "payment_id", "transaction_id", "platform").rows() == [
            ("a1", "p1", None, "P"),
            ("a2", None, "S1-2", "P"),
        ]


def test_a_run_that_another_version_published_says_so_in_one_line(tmp_path):
    path = publish_sample(tmp_path)
    with duckdb.connect(str(path)) as connection:
        connection.execute("DROP TABLE rm.role_arguments")
    with ReadModel(path) as older, pytest.raises(RunError, match=r"another version of finpat .*`finpat run`"):
        older.role_arguments_of("007")
