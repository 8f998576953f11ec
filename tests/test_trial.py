"""A threshold tried on the data of a run: who is found, who no longer, who lies just below."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

import polars as pl
import pytest

from finpat.cli import run_command
from finpat.errors import SettingsError, UsageError
from finpat.trial import try_indicator


def deposits(account: str, days: list[int]) -> list[dict[str, str]]:
    """Cash just below 10,000 on these days, after half a year of small payments."""
    start = datetime(2025, 7, 1, 12)
    quiet = [(start + timedelta(days=day), "debit", "20.00", "card") for day in range(0, 240, 3)]
    cash = [(datetime(2026, 3, 1, 12) + timedelta(days=day), "credit", "9500.00", "cash") for day in days]
    return [
        {
            "transaction_id": f"{account}-{at}", "booked_at": when.isoformat() + "Z", "account_id": account,
            "direction": way, "amount": amount, "currency": "USD", "channel": channel, "country": "US",
        }
        for at, (when, way, amount, channel) in enumerate([*quiet, *cash])
    ]  # fmt: skip


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    folder = tmp_path_factory.mktemp("trial")
    rows = deposits("THREE", [0, 1, 2]) + deposits("FOUR", [0, 1, 2, 3]) + deposits("TWO", [0, 1])
    pl.DataFrame(rows).write_csv(folder / "rows.csv")
    place = ["-w", str(folder / "ws")]
    assert run_command(["ingest", str(folder / "rows.csv"), "--as", "transactions", *place]) == 0
    assert run_command(["run", *place]) == 0
    return folder / "ws"


def test_a_stricter_count_loses_the_account_just_below_it_and_says_so(workspace):
    trial = try_indicator(workspace, "0001", "ST-STRUCT-01", {"min_count": 4})
    assert (trial.found, trial.gained, trial.lost) == (("FOUR",), (), ("THREE",))
    assert trial.parameters == (("min_count", 3, 4),)
    assert (trial.loosened, trial.below, trial.drawn) == ((("min_count", 4, 3),), 1, ("THREE",))


def test_a_looser_count_gains_accounts(workspace):
    trial = try_indicator(workspace, "0001", "ST-STRUCT-01", {"min_count": 2})
    assert trial.gained == ("TWO",)
    assert trial.lost == ()


def test_the_runs_own_value_changes_nothing(workspace):
    trial = try_indicator(workspace, "0001", "ST-STRUCT-01", {"min_count": 3})
    assert (trial.gained, trial.lost) == ((), ())


def test_what_cannot_be_tried_is_named_with_the_nearest_right_one(workspace):
    with pytest.raises(SettingsError, match="min_count"):
        try_indicator(workspace, "0001", "ST-STRUCT-01", {"min_counts": 4})
    with pytest.raises(UsageError, match="Did you mean"):
        try_indicator(workspace, "0001", "ST-STRUCT-00", {"min_count": 4})


def test_the_command_prints_what_would_change_and_leaves_runs_as_they_are(workspace, capsys):
    before = sorted(path.name for path in (workspace / "runs").iterdir())
    capsys.readouterr()
    command = ["try", "ST-STRUCT-01", "--set", "min_count=4", "--json", "-w", str(workspace)]
    assert run_command(command) == 0
    assert json.loads(capsys.readouterr().out)["lost"] == ["THREE"]
    assert sorted(path.name for path in (workspace / "runs").iterdir()) == before


@pytest.mark.parametrize("words", [[], ["--set", "min_count"], ["--set", "=4"]])
def test_a_change_that_says_nothing_is_refused_in_one_line(workspace, words, capsys):
    assert run_command(["try", "ST-STRUCT-01", *words, "-w", str(workspace)]) == 2
    assert capsys.readouterr().err.count("\n") == 1
