"""Stories of an analyst: a card and its threshold, adverts, a trace, a query, hotspots."""

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


def test_from_one_account_to_everything_tied_to_it_possible_victims_apart(base, visit):
    page = visit(f"{base}/trace?value=3025648911")
    protected = page.get_by_role("region", name="Possible victims reached: protect and refer")
    expect(protected.get_by_role("link", name="3064028566")).to_be_visible(timeout=30_000)
    others = page.get_by_role("region", name="Accounts reached")
    expect(others.get_by_role("link", name="3064028566")).to_have_count(0)


def test_a_value_that_nothing_has_is_told_with_what_was_looked_for(base, visit):
    page = visit(f"{base}/trace?value=nobody-at-all")
    expect(page.get_by_role("alert")).to_contain_text("looked for", timeout=30_000)


def test_a_query_is_answered_now_with_possible_victims_apart(base, visit):
    page = visit(f"{base}/queries/pass_through_accounts")
    page.get_by_role("button", name="Run now").click()
    expect(page.locator("#query-answer")).to_contain_text("of run 0001", timeout=60_000)
    expect(page.get_by_role("region", name="Rows").get_by_role("row")).not_to_have_count(1)


def test_hotspots_say_what_they_do_not_mean(base, visit):
    page = visit(f"{base}/hotspots")
    expect(page.get_by_role("heading", name="What this does not mean")).to_be_visible(timeout=30_000)
    expect(page.get_by_role("region", name="all cities together: adverts")).to_be_visible()
