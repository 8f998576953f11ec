"""Working on an alert beside the evidence: take, note, close, assign many, export."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pytest
from flask import g
from playwright.sync_api import expect

from dashboard.access import User
from dashboard.app import create_app
from dashboard.state import ReadModels
from finpat.alerting import follow
from finpat.casework import alerts, questions, users
from finpat.casework.database import Database
from finpat.config import Settings
from finpat.readmodel import ReadModel
from tests.dashboard.accessibility import faults
from tests.dashboard.sample import publish_run

expect.set_options(timeout=15_000)
AT = datetime(2026, 4, 2, 9)


@dataclass
class House:
    base: str
    database: Database
    who: dict[str, User]

    def alert_of(self, account_id: str) -> dict[str, Any]:
        with self.database.reading() as connection:
            held = questions.alerts_of(connection, account_id)
            return questions.alert(connection, held[0]["number"])


@pytest.fixture
def house(tmp_path, serve):
    settings = Settings()
    path = publish_run(tmp_path)
    with Database.open(tmp_path / "casework") as database:
        with database.writing("finpat users", AT) as change:
            users.add(change, "ada", "analyst")
            users.add(change, "lea", "lead")
        with ReadModel(path) as model:
            follow(model, database, settings.casework, AT)
        app = create_app(ReadModels(tmp_path / "readmodel"), database, settings)
        signed_in = {"user": User("ada", "analyst")}
        # In place of the gate, which has its own tests: everybody is who the test says.
        app.server.before_request_funcs.setdefault(None, []).append(
            lambda: setattr(g, "user", signed_in["user"])
        )
        yield House(serve(app), database, signed_in)


def test_an_analyst_takes_notes_and_closes_beside_the_evidence(house, visit):
    page = visit(f"{house.base}/accounts/A-1")
    beside = page.get_by_role("complementary", name="Casework")
    expect(beside.get_by_text("nobody")).to_be_visible()
    page.wait_for_load_state("networkidle")
    assert faults(page) == []
    beside.get_by_role("button", name="Take it").click()
    expect(beside.get_by_text("in review")).to_be_visible()
    assert house.alert_of("A-1")["assignee"] == "ada"
    beside.get_by_label("Note, or reason for what is done").fill("The deposits follow market days.")
    beside.get_by_role("button", name="Add as note").click()
    expect(beside.get_by_role("heading", name="Notes")).to_be_visible()
    beside.get_by_label("Note, or reason for what is done").fill("Takings of a market stall, contract seen.")
    beside.get_by_role("textbox", name="Decision").click()
    page.get_by_role("option", name="not suspicious").click()
    beside.get_by_role("button", name="Close").click()
    expect(beside.get_by_role("heading", name="Decisions")).to_be_visible()
    closed = house.alert_of("A-1")
    assert (closed["state"], closed["disposition"]) == ("closed", "not_suspicious")


def test_what_somebody_else_changed_since_is_not_overwritten(house, visit):
    page = visit(f"{house.base}/accounts/A-1")
    beside = page.get_by_role("complementary", name="Casework")
    beside.get_by_role("button", name="Take it").wait_for()
    number = house.alert_of("A-1")["number"]
    with house.database.writing("eve", AT) as change:
        alerts.claim(change, number)
    beside.get_by_role("button", name="Take it").click()
    expect(page.get_by_text(re.compile("eve"))).to_be_visible()
    assert house.alert_of("A-1")["assignee"] == "eve"


def test_a_viewer_sees_the_state_and_no_button(house, visit):
    house.who["user"] = User("vic", "viewer")
    page = visit(f"{house.base}/accounts/A-1")
    beside = page.get_by_role("complementary", name="Casework")
    expect(beside.get_by_text("nobody")).to_be_visible()
    expect(beside.get_by_role("button")).to_have_count(0)
    page.goto(f"{house.base}/queue")
    page.get_by_label("Search").wait_for()
    expect(page.get_by_role("button", name="Export CSV")).to_have_count(0)


def test_a_lead_filters_by_state_gives_alerts_away_and_exports_what_is_shown(house, visit):
    house.who["user"] = User("lea", "lead")
    page = visit(f"{house.base}/queue?state=new&sort=rank")
    page.locator(".ag-center-cols-container [row-index='1']").wait_for()
    shown = house.database
    with shown.reading() as connection:
        open_alerts = questions.queue(connection, questions.Choice(states=("new",)), limit=1000).total
    expect(page.get_by_text(f"{open_alerts} accounts")).to_be_visible()
    for row in (0, 1):
        page.locator(f".ag-pinned-left-cols-container [row-index='{row}'] input, "
                     f"[row-index='{row}'] .ag-checkbox-input").first.check()  # fmt: skip
    page.get_by_role("textbox", name="Give the ticked alerts to").click()
    page.get_by_role("option", name="ada").click()
    page.get_by_role("button", name="Assign").click()
    expect(page.locator(".ag-center-cols-container [row-index='1']")).to_contain_text("ada")
    assert house.alert_of("A-1")["assignee"] == house.alert_of("A-2")["assignee"] == "ada"
    with page.expect_download() as download:
        page.get_by_role("button", name="Export CSV").click()
    lines = download.value.path().read_text(encoding="utf-8").splitlines()
    assert download.value.suggested_filename == "queue-run-0001.csv"
    assert len(lines) == open_alerts + 1
    assert '"A-1"' in lines[1]


def test_a_view_is_saved_and_comes_back(house, visit):
    page = visit(f"{house.base}/queue?band=critical")
    page.get_by_label("Name of this view").fill("Monday")
    page.get_by_role("button", name="Save view").click()
    expect(page.get_by_role("link", name="Monday")).to_be_visible()
    page.get_by_role("button", name="Clear filters").click()
    expect(page.get_by_text("119 accounts")).to_be_visible()
    page.get_by_role("link", name="Monday").click()
    expect(page.get_by_text("6 accounts")).to_be_visible()
