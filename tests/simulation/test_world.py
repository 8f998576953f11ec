"""A simulated world: same seed, same world; what is true in it; harder episodes are fewer rows."""

from __future__ import annotations

import dataclasses

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from finpat.schemas import TABLES
from finpat.simulation import SCENARIOS, World, simulate, write_world
from finpat.simulation.people import INNOCENTS

SMALL = World(accounts=20, days=60, episodes=2, innocents=2)


@pytest.fixture(scope="module")
def world():
    return simulate(SMALL)


def test_the_same_seed_is_the_same_world_and_another_is_another(world):
    again = simulate(SMALL)
    for name, frame in world.tables().items():
        assert_frame_equal(frame, again.tables()[name])
    other = simulate(dataclasses.replace(SMALL, seed=8))
    assert not set(world.accounts["account_id"]) & set(other.accounts["account_id"])


def test_every_scenario_has_its_episodes_and_every_look_alike_its_accounts(world):
    counts = world.episodes.group_by("scenario").agg(pl.col("episode_id").n_unique())
    assert dict(counts.iter_rows()) == dict.fromkeys(SCENARIOS, SMALL.episodes)
    assert set(world.innocents["kind"]) == set(INNOCENTS)
    assert not set(world.innocents["account_id"]) & set(world.episodes["account_id"])


def test_labels_tell_every_account_and_positive_are_those_of_episodes(world):
    assert world.labels["account_id"].to_list() == world.accounts["account_id"].to_list()
    positive = world.labels.filter(pl.col("label") == 1)
    assert set(positive["account_id"]) == set(world.episodes["account_id"])
    assert set(world.labels["role"].drop_nulls()) == {
        "possible_controller", "possible_victim", "possible_mule", "possible_front_business",
    }  # fmt: skip


def test_exports_have_the_canonical_columns_and_tell_nothing_of_who_is_in_an_episode(world):
    for name in ("transactions", "accounts", "ads", "ad_payments"):
        frame = world.tables()[name]
        assert set(frame.columns) <= set(TABLES[name].names), name
        assert set(TABLES[name].required) - {"time_precision"} <= set(frame.columns), name
    ids = "".join(world.accounts["account_id"])
    assert not any(scenario in ids for scenario in SCENARIOS)


def test_both_statements_of_a_payment_between_held_accounts_tell_it(world):
    held = world.transactions.filter(pl.col("counterparty_id").is_in(world.accounts["account_id"].implode()))
    sides = held.group_by("transaction_id").agg(
        pl.len(), pl.col("direction").n_unique().alias("ways"), pl.col("amount").n_unique().alias("amounts")
    )
    assert sides.height > 100
    assert sides.select("len", "ways", "amounts").unique().rows() == [(2, 2, 1)]


def test_a_platform_names_some_payers_and_all_it_names_are_true(world):
    named = world.ad_payments.filter(pl.col("ad_id").is_not_null())
    assert 0 < named.height < world.ad_payments.height
    assert named.join(world.truth, on=["ad_id", "account_id"]).height == named.height


def test_difficulty_takes_payments_away_and_puts_ordinary_life_over_them():
    hard = simulate(dataclasses.replace(SMALL, difficulty=1.0))
    easy = simulate(SMALL)
    assert hard.ads.height < easy.ads.height
    groceries = []
    for made in (easy, hard):
        own = made.transactions.join(made.episodes.filter(pl.col("scenario") == "touring"), on="account_id")
        groceries.append(own.filter(pl.col("merchant_category") == "5411").height)
    assert groceries[1] > groceries[0]
    ordinary = [made.accounts.join(made.episodes, on="account_id", how="anti") for made in (easy, hard)]
    same = [
        made.transactions.join(rest, on="account_id", how="semi")
        for made, rest in zip((easy, hard), ordinary, strict=True)
    ]
    columns = ["account_id", "booked_at", "amount"]
    assert_frame_equal(same[0].select(columns), same[1].select(columns), check_row_order=False)


def test_a_further_scenario_leaves_the_ordinary_people_as_they_are(monkeypatch, world):
    monkeypatch.delitem(SCENARIOS, "mules")
    fewer = simulate(SMALL)
    people = fewer.accounts["account_id"].implode()
    columns = ["account_id", "booked_at", "amount", "balance_after"]
    own = world.transactions.filter(pl.col("account_id").is_in(people)).select(columns)
    assert_frame_equal(fewer.transactions.select(columns), own)


@pytest.mark.parametrize("wrong", [{"difficulty": -0.1}, {"difficulty": 1.1}, {"days": 29}, {"accounts": 1}])
def test_a_world_that_cannot_be_is_refused(wrong):
    with pytest.raises(ValueError, match="expected"):
        simulate(dataclasses.replace(SMALL, **wrong))


def test_a_world_is_written_as_files_that_say_the_same(tmp_path, world):
    paths = write_world(world, tmp_path / "out")
    assert {path.stem for path in paths} == set(world.tables())
    read = pl.read_csv(tmp_path / "out" / "ads.csv", infer_schema=False)
    assert read["ad_id"].to_list() == world.ads["ad_id"].to_list()
    assert read["posted_at"].str.ends_with("Z").all()
