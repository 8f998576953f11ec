"""The queues, as an analyst works through them."""

from __future__ import annotations

import re
from datetime import date

import pytest
from playwright.sync_api import expect

from dashboard.components.queue import NO_ALERT, NOBODY, View
from tests.dashboard.accessibility import faults
from tests.dashboard.sample import app_of, publish_run

expect.set_options(timeout=15_000)
ALERTS = {
    "A": {"state": "new", "assignee": None},
    "B": {"state": "closed", "assignee": "ada"},
    "C": {"state": "in_review", "assignee": "ada"},
}


class TestView:
    def test_an_address_says_the_view_and_the_view_says_the_address(self):
        text = "q=cash+box&band=high,low&score=600&since=2026-01-31&state=new&sort=-score"
        view = View.of_query(f"?{text}")
        assert view == View(
            q="cash box", band=("high", "low"), score=600, since=date(2026, 1, 31), state=("new",),
            sort=("-score",),
        )  # fmt: skip
        assert View.of_query(view.query()) == view
        assert view.order() == (("score", True),)

    def test_what_cannot_be_read_filters_nothing(self):
        assert View.of_query("score=abc&since=yesterday&nothing=1") == View()
        assert View().query() == ""

    @pytest.mark.parametrize(
        ("view", "only", "without"),
        [
            (View(), None, []),
            (View(state=("new",)), ["A"], []),
            (View(assignee=("ada",)), ["B", "C"], []),
            (View(assignee=(NOBODY,)), ["A"], []),
            (View(state=("closed",), assignee=("ada",)), ["B"], []),
            (View(state=(NO_ALERT,)), None, ["A", "B", "C"]),
            (View(state=(NO_ALERT, "new")), None, ["B", "C"]),
            (View(state=(NO_ALERT, "closed"), assignee=("ada",)), ["B"], []),
        ],
    )
    def test_states_and_assignees_are_those_of_casework(self, view, only, without):
        filters = view.filters(ALERTS)
        assert filters.accounts == only
        assert list(filters.not_accounts) == without


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    folder = tmp_path_factory.mktemp("queue")
    publish_run(folder)
    return folder


@pytest.fixture
def open_queue(workspace, serve, visit):
    base = serve(app_of(workspace))

    def opening(path="/queue", **options):
        page = visit(f"{base}{path}", **options)
        page.locator(".ag-center-cols-container [row-index='0']").wait_for()
        return page

    return opening


def first_account(page):
    return page.locator(".ag-pinned-left-cols-container [row-index='0']")


def test_the_queue_is_by_rank_and_has_no_possible_victim(open_queue):
    page = open_queue()
    expect(first_account(page)).to_contain_text("A-1")
    expect(page.get_by_text("119 accounts")).to_be_visible()
    expect(page.get_by_role("link", name="A-3", exact=True)).to_have_count(0)


def test_filter_drill_evidence_and_back(open_queue):
    page = open_queue()
    page.get_by_label("Search").fill("4 deposits")
    expect(page).to_have_url(re.compile(r"/queue\?q=4(\+|%20)deposits"))
    expect(page.get_by_text("12 accounts")).to_be_visible()
    expect(first_account(page)).to_contain_text("A-4")
    page.get_by_role("link", name="A-4", exact=True).click()
    expect(page.get_by_role("heading", name="Account A-4")).to_be_visible()
    page.locator("summary").first.click()
    expect(page.get_by_text("names no single rows")).to_be_visible()
    page.go_back()
    expect(page).to_have_url(re.compile(r"q=4"))
    expect(page.get_by_label("Search")).to_have_value("4 deposits")
    expect(first_account(page)).to_contain_text("A-4")
    page.go_back()
    expect(page.get_by_text("119 accounts")).to_be_visible()


def test_an_address_can_be_shared_with_filters_and_order(open_queue):
    page = open_queue("/queue?band=low&sort=-rank")
    expect(first_account(page)).to_contain_text("A-120")
    expect(page.get_by_text("97 accounts")).to_be_visible()
    page.get_by_role("button", name="Clear filters").click()
    expect(page.get_by_text("119 accounts")).to_be_visible()


def test_the_order_of_the_grid_goes_into_the_address(open_queue):
    page = open_queue()
    page.get_by_role("columnheader", name="Score").click()
    expect(page).to_have_url(re.compile("sort=score"))
    expect(first_account(page)).to_contain_text("A-120")


def test_possible_victims_have_a_queue_with_what_to_do_and_what_not(open_queue):
    page = open_queue("/protect")
    expect(first_account(page)).to_contain_text("A-3")
    expect(page.get_by_role("note")).to_contain_text("protect and refer")
    expect(page.get_by_text("1 account", exact=True)).to_be_visible()


def test_markup_in_a_reason_is_text(open_queue):
    expect(open_queue().get_by_text("<img src=x onerror=alert(1)>").first).to_be_visible()


@pytest.mark.parametrize("path", ["/queue", "/protect"])
def test_a_queue_has_no_serious_fault_of_accessibility(open_queue, path):
    page = open_queue(path)
    page.wait_for_load_state("networkidle")
    assert faults(page) == []
