"""The server as it is started: whom it listens to, what it says, how it stops."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from dashboard.serve import check_address, is_loopback
from finpat.cli import run_command
from finpat.config import DashboardSettings
from finpat.errors import UsageError
from finpat.store.workspace import Workspace
from tests.readmodel.published import publish_sample

ROOT = Path(__file__).parents[2]


@pytest.fixture
def workspace(tmp_path):
    folder = Workspace.create(tmp_path / "ws")
    publish_sample(folder.path)
    return folder.path


@pytest.fixture
def port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.mark.parametrize(
    ("host", "loopback"),
    [("127.0.0.1", True), ("127.9.9.9", True), ("::1", True), ("localhost", True), ("0.0.0.0", False),
     ("::", False), ("10.0.0.1", False), ("localhost.example.org", False), ("", False)],
)  # fmt: skip
def test_loopback_is_what_only_this_machine_reaches(host, loopback):
    assert is_loopback(host) is loopback


def test_an_address_that_others_reach_needs_the_name_they_type():
    with pytest.raises(UsageError, match="url = "):
        check_address(DashboardSettings(host="0.0.0.0"), guest=False)
    check_address(DashboardSettings(host="0.0.0.0", url="https://finpat.example.org"), guest=False)


def test_the_guest_is_served_on_this_machine_only(capsys, tmp_path):
    command = ["demo", "--serve", "--host", "0.0.0.0", "-w", str(tmp_path / "demo")]
    assert run_command(command) == 2
    assert "this machine only" in capsys.readouterr().err
    assert not (tmp_path / "demo").exists(), "refused before the work, not after it"


def test_a_port_that_is_taken_is_one_line(capsys, workspace, port):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", port))
        taken.listen()
        assert run_command(["dashboard", "--port", str(port), "-w", str(workspace)]) == 1
    assert f"127.0.0.1:{port}: the port is taken" in capsys.readouterr().err


def test_it_says_its_address_answers_and_stops_when_told(workspace, port):
    code = "import sys; from finpat.cli import main; sys.argv[0] = 'finpat'; main()"
    running = subprocess.Popen(
        [sys.executable, "-c", code, "dashboard", "--port", str(port), "-w", str(workspace)],
        env=os.environ | {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert running.stdout is not None
        told = running.stdout.readline()
        while told and not told.startswith("The dashboard is at"):
            told = running.stdout.readline()
        assert told == f"The dashboard is at http://127.0.0.1:{port}\n"
        answer = _answer(f"http://127.0.0.1:{port}/assets/app.css")
        assert answer.status == 200
        assert "Server" not in answer.headers, "which server it is, and of what version, is nobody's business"
    finally:
        running.send_signal(signal.SIGTERM)
        _, errors = running.communicate(timeout=30)
    assert running.returncode == 0, errors
    assert "Traceback" not in errors


def _answer(address):
    deadline = time.monotonic() + 30
    while True:
        try:
            return urllib.request.urlopen(address, timeout=10)
        except urllib.error.URLError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


@pytest.mark.parametrize("host", ["no.such.host.invalid", "203.0.113.9"])
def test_an_address_of_another_machine_is_one_line(capsys, workspace, host):
    (workspace / "finpat.toml").write_text('[dashboard]\nurl = "https://finpat.example.org"\n')
    assert run_command(["dashboard", "--host", host, "-w", str(workspace)]) == 1
    assert f"{host}:8050: " in capsys.readouterr().err
