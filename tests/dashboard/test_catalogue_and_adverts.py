"""An analyst reads an indicator's card, tries a threshold, and looks at who paid in time with adverts."""

from __future__ import annotations

import re

import pytest
from flask import g
from playwright.sync_api import expect

from dashboard.access import User
from dashboard.app import create_app
from dashboard.state import ReadModels

pytestmark = pytest.mark.slow


@pytest.fixture
def base(sample_workspace, serve):
    app = create_app(ReadModels(sample_workspace / "readmodel"))
    app.server.before_request(lambda: setattr(g, "user", User("ada", "analyst")))
    return serve(app)


def test_a_threshold_is_tried_before_it_is_saved(base, visit):
    page = visit(f"{base}/indicators?text=just+below")
    page.get_by_role("link", name="ST-STRUCT-01").click()
    expect(page.get_by_role("heading", name=re.compile("^ST-STRUCT-01"))).to_be_visible()
    page.get_by_role("textbox", name="min count").fill("4")
    page.get_by_role("button", name="Try", exact=True).click()
    tried = page.locator("#indicator-tried")
    expect(tried).to_contain_text("min_count 3 to 4", timeout=120_000)
    expect(tried).to_contain_text("[indicators.ST-STRUCT-01]")


def test_a_link_of_payments_and_adverts_is_told_with_what_chance_gives(base, visit):
    page = visit(f"{base}/adverts")
    page.get_by_role("switch", name="Only with payments in time").check()
    expect(page.get_by_role("heading", name=re.compile(r"^[2-9] clusters of two"))).to_be_visible()
    page.locator("#adverts-list a").first.click()
    payers = page.get_by_role("region", name="Accounts whose payments go with the adverts")
    expect(payers.get_by_role("row")).not_to_have_count(1)
    adverts = page.get_by_role("region", name="Adverts", exact=True)
    expect(adverts).to_contain_text("characters)")  # texts are masked
    expect(adverts).not_to_contain_text("555")
