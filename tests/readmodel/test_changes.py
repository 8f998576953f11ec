"""What changed from one run to the next."""

from __future__ import annotations

import polars as pl
import pytest

from finpat.readmodel import ReadModel
from finpat.readmodel.changes import bands, changes, health
from finpat.readmodel.publish import publish, runs_row
from tests.readmodel.published import flagged_row, manifest, publication


def run(folder, run_id, accounts, **changed):
    """A published run of accounts: id -> (score, band) or with further columns of the list."""
    made = manifest(run_id) | changed
    rows = [
        flagged_row(rank, account, score=score, band=band, **more)
        for rank, (account, (score, band, more)) in enumerate(accounts.items(), start=1)
    ]
    listed = pl.DataFrame(
        rows, schema_overrides={"network_id": pl.String, "holder_name": pl.String}
    ).with_columns(pl.col("amount_in", "amount_out").cast(pl.Decimal(28, 8)))
    base = publication(run_id, flagged_accounts=listed, runs=runs_row(made))
    return ReadModel(publish(folder, type(base)(run_id, made, base.tables, base.legs)))


@pytest.fixture
def told(tmp_path):
    before = run(
        tmp_path, "0001",
        {"same": (700, "high", {}), "up": (600, "high", {}), "down": (660, "high", {}),
         "left": (650, "high", {}), "sank": (600, "high", {}), "rose": (300, "low", {}),
         "barely": (400, "medium", {}), "seen": (90, "low", {"possible_role": "possible_victim"})},
    )  # fmt: skip
    after = run(
        tmp_path, "0002",
        {"same": (700, "high", {}), "up": (650, "high", {"indicators": "A-1;B-2"}), "down": (601, "high", {}),
         "sank": (310, "medium", {}), "rose": (700, "high", {}), "barely": (449, "medium", {}),
         "fresh": (800, "critical", {}), "seen": (900, "critical", {"possible_role": "possible_victim"})},
        settings_hash="h2",
    )  # fmt: skip
    with before, after:
        yield changes(before, after)


def test_new_and_gone_are_those_who_enter_and_leave_the_upper_bands(told):
    kinds = dict(told.frame.select("account_id", "kind").rows())
    assert kinds == {
        "fresh": "new", "rose": "new", "left": "gone", "sank": "gone", "up": "risen", "down": "fallen",
    }  # fmt: skip
    assert told.counts == {"risen": 1, "fallen": 1, "new": 2, "gone": 2}


def test_the_largest_change_comes_first_and_a_possible_victim_is_not_among_them(told):
    assert told.frame["account_id"].to_list() == ["fresh", "left", "rose", "sank", "down", "up"]


def test_what_was_gained_and_lost_is_told(told):
    up = told.frame.row(by_predicate=pl.col("account_id") == "up", named=True)
    assert (up["score_before"], up["score"]) == (600, 650)
    assert (up["gained"], up["lost"]) == ("A-1;B-2", "ST-STRUCT-01")


def test_settings_are_told_apart_from_data(told):
    assert (told.data, told.settings, told.version) == (False, True, False)
    assert (told.cause, told.earlier, told.later) == ("settings", "0001", "0002")


def test_a_run_against_itself_changed_nothing_for_no_cause(tmp_path):
    with run(tmp_path, "0001", {"a": (900, "critical", {})}) as one:
        same = changes(one, one)
    assert (same.frame.height, same.cause) == (0, "")


def test_bands_count_possible_victims_apart(tmp_path):
    victim = {"possible_role": "possible_victim"}
    listed = {"a": (900, "critical", {}), "b": (800, "critical", victim), "c": (100, "low", {})}
    with run(tmp_path, "0001", listed) as one:
        assert bands(one).rows() == [("critical", 1, 1), ("low", 1, 0)]


def test_health_sums_what_was_read_and_what_was_set_aside(tmp_path):
    sources = pl.DataFrame(
        {"source_id": ["1", "2"], "rows": [10, 5], "loaded": [8, 5], "duplicate": [1, 0],
         "quarantined": [1, 0]}
    )  # fmt: skip
    base = publication("0001", sources=sources)
    with ReadModel(publish(tmp_path, base)) as one:
        assert health(one) == {
            "files": 2, "rows": 15, "loaded": 13, "duplicate": 1, "quarantined": 1, "not_evaluable": 1,
        }  # fmt: skip
