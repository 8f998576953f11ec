"""Red-flag coverage: exports are written, loaded and run, and what is caught is counted by episode."""

from __future__ import annotations

from datetime import datetime

import polars as pl
import pytest

from finpat import coverage
from finpat.cli import run_command
from finpat.config import Settings
from finpat.coverage import Coverage, measure
from finpat.simulation import World

NOW = datetime(2026, 6, 1)


@pytest.fixture(scope="module")
def measured():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(coverage, "DIFFICULTIES", (0.0, 1.0))
        return measure(
            World(accounts=60, days=60, episodes=1, innocents=1), Settings(threads=1), NOW, lambda _: None
        )


@pytest.mark.slow
def test_structured_deposits_are_caught_by_the_book_and_not_when_spread_out(measured):
    own = measured.caught.filter(scenario="depositors", indicator_id="ST-STRUCT-01").sort("difficulty")
    assert own["share"].to_list() == [1.0, 0.0]
    stops = measured.stops().filter(scenario="depositors", indicator_id="ST-STRUCT-01")
    assert stops["stops_at"].to_list() == [1.0]


@pytest.mark.slow
def test_every_scenario_has_a_place_on_the_list_at_each_difficulty(measured):
    assert measured.ranks.height == 8 * 2
    assert (measured.ranks["median_best_rank"] <= measured.ranks["accounts"]).all()


@pytest.mark.slow
def test_people_in_no_episode_are_counted_by_kind(measured):
    assert set(measured.elsewhere["kind"]) <= {"ordinary", "independent", "traveller", "shop", "family"}
    assert measured.elsewhere["share"].is_between(0, 1).all()


def told(*rows: tuple[str, float, float]) -> Coverage:
    caught = pl.DataFrame(
        [("touring", name, difficulty, 2, share) for name, difficulty, share in rows],
        schema=["scenario", "indicator_id", "difficulty", "episodes", "share"],
        orient="row",
    )
    return Coverage(caught, pl.DataFrame(), pl.DataFrame())


def test_half_of_the_episodes_is_firing_and_less_is_the_end():
    held = told(
        ("A", 0.0, 0.5), ("A", 0.5, 0.5), ("A", 1.0, 0.49), ("B", 0.0, 0.49), ("B", 1.0, 1.0), ("C", 0.0, 1.0)
    )
    assert held.stops().rows() == [("touring", "C", 1.0, None), ("touring", "A", 0.5, 1.0)]


@pytest.mark.parametrize("words", [[], ["--labels", "x.csv", "--coverage"]])
def test_either_labels_or_coverage_is_asked_for(words, capsys):
    assert run_command(["evaluate", *words]) == 2
    assert "--coverage" in capsys.readouterr().err


def test_simulate_writes_a_world_into_a_new_folder_only(tmp_path, capsys):
    words = ["simulate", "--out", str(tmp_path / "out"), "--accounts", "5", "--days", "30", "--episodes", "1"]
    assert run_command(words) == 0
    assert len(capsys.readouterr().out.splitlines()) == 8
    assert run_command(words) == 2
    assert "not empty" in capsys.readouterr().err
