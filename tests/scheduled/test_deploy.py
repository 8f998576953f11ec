"""What is shipped to run the schedule: units, a cron line and a container file that call real commands."""

from __future__ import annotations

import configparser
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from cronsim import CronSim

from finpat.cli import app

DEPLOY = Path(__file__).parents[2] / "deploy"
UNITS = sorted((*DEPLOY.glob("*.service"), *DEPLOY.glob("*.timer")))


def unit(name):
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str
    parser.read(DEPLOY / name)
    return parser


def options():
    return {option for parameter in app.commands["schedule"].params for option in parameter.opts}


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not on this machine")
@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_systemd_finds_no_fault_in_a_unit(path):
    done = subprocess.run(
        ["systemd-analyze", "verify", str(path)], capture_output=True, text=True, check=False
    )
    assert path.name not in done.stderr, done.stderr


@pytest.mark.parametrize("name", ["finpat-schedule.service", "finpat-schedule-once.service"])
def test_a_unit_starts_a_command_that_is_there_with_options_that_it_takes(name):
    service = unit(name)["Service"]
    words = service["ExecStart"].split()
    assert words[1:3] == ["finpat", "schedule"]
    assert {word for word in words if word.startswith("--")} <= options()
    assert (service["NoNewPrivileges"], service["ProtectSystem"], service["UMask"]) == (
        "yes",
        "strict",
        "0077",
    )


def test_the_service_is_given_time_for_the_longest_query_before_it_is_killed():
    from finpat.scheduled.catalogue import FrontMatter

    longest = next(item.le for item in FrontMatter.model_fields["timeout_s"].metadata if hasattr(item, "le"))
    assert int(unit("finpat-schedule.service")["Service"]["TimeoutStopSec"]) > longest


def test_the_timer_starts_the_pass_and_catches_up_after_the_machine_was_off():
    timer = unit("finpat-schedule-once.timer")["Timer"]
    assert timer["Persistent"] == "true"
    assert (DEPLOY / "finpat-schedule-once.service").exists()


def test_the_cron_line_is_one_and_calls_one_pass():
    lines = [line for line in (DEPLOY / "finpat.cron").read_text().splitlines() if re.match(r"[\d*]", line)]
    (line,) = lines
    fields = line.split()
    next(CronSim(" ".join(fields[:5]), __import__("datetime").datetime(2026, 1, 1)))
    assert fields[5:9] == ["finpat", "finpat", "schedule", "--once"]


def test_the_container_runs_the_schedule_as_a_user_without_rights():
    text = (DEPLOY / "Containerfile").read_text()
    assert 'ENTRYPOINT ["finpat"]' in text
    assert 'CMD ["schedule"]' in text
    assert text.index("USER finpat") < text.index("ENTRYPOINT")
    assert "--require-hashes" in text
