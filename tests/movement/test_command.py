"""`finpat hotspots`: the newest weeks, and what they do not mean."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from finpat.cli import run_command
from finpat.movement import NOT_MEANT
from finpat.store.workspace import Workspace
from tests.readmodel.published import publish_sample


@pytest.fixture
def workspace(tmp_path: Path) -> str:
    rows = [
        ("lodging", None, date(2026, 3, 2), 40, False, 31.2),
        ("lodging", "Essen", date(2026, 3, 2), 25, False, None),
        ("lodging", "Essen", date(2026, 3, 9), None, True, None),
        ("night_cash", "Bremen", date(2026, 2, 23), 12, False, None),
        ("lodging", None, date(2026, 3, 16), None, False, 30.0),
    ]
    names = ["series", "city", "week", "value", "is_withheld", "forecast"]
    folder = Workspace.create(tmp_path / "ws").path
    publish_sample(folder, hotspots=pl.DataFrame(rows, schema=names, orient="row"))
    return str(folder)


def test_the_newest_week_is_shown_with_what_the_numbers_do_not_mean(workspace, capsys):
    assert run_command(["hotspots", "-w", workspace]) == 0
    out, err = capsys.readouterr()
    lines = out.splitlines()
    assert [line.split()[:2] for line in lines[1:]] == [["2026-03-02", "lodging"]] * 2
    assert "all cities" in lines[1]
    assert "31.2" in lines[1]
    assert NOT_MEANT in err


def test_more_weeks_one_series_one_city(workspace, capsys):
    assert run_command(["hotspots", "-w", workspace, "--weeks", "5", "--city", "Bremen"]) == 0
    assert "night_cash" in capsys.readouterr().out
    assert run_command(["hotspots", "-w", workspace, "--weeks", "5", "--series", "lodging"]) == 0
    assert "night_cash" not in capsys.readouterr().out


def test_json_has_all_weeks_and_the_warning(workspace, capsys):
    assert run_command(["hotspots", "-w", workspace, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["not_meant"] == NOT_MEANT
    assert len(told["weeks"]) == 5
    withheld = [week for week in told["weeks"] if week["is_withheld"]]
    assert [(week["city"], week["week"], week["value"]) for week in withheld] == [
        ("Essen", "2026-03-09", None)
    ]


@pytest.mark.parametrize(
    ("words", "named"), [(["--series", "lodgings"], "lodging"), (["--city", "Esen"], "Essen")]
)
def test_what_is_misspelt_is_answered_with_the_nearest_name(workspace, capsys, words, named):
    assert run_command(["hotspots", "-w", workspace, *words]) == 2
    assert named in capsys.readouterr().err
