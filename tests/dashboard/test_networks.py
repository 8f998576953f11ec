"""An analyst looks at a network of the sample data: list, drawing, counterparties, rows, ways."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from dashboard.app import create_app
from dashboard.state import ReadModels

pytestmark = pytest.mark.slow

# Where a node or the middle of an edge is on the page: a real click has to land there.
PLACE = """
([id, kind]) => {
  const box = [...document.querySelectorAll("#network-drawing, #network-drawing *")].find(e => e._cyreg);
  const cy = box._cyreg.cy, at = cy.getElementById(id), frame = box.getBoundingClientRect();
  const point = kind === "node" ? at.renderedPosition() : at.renderedMidpoint();
  return [frame.left + point.x, frame.top + point.y];
}
"""
NODES = """
() => [...document.querySelectorAll("#network-drawing, #network-drawing *")].find(e => e._cyreg)._cyreg.cy
  .nodes().map(node => node.id())
"""


def tap(page, id, kind):
    """A real click on a node or an edge, once the drawing has come to rest."""
    before = None
    while (at := page.evaluate(PLACE, [id, kind])) != before:
        before = at
        page.wait_for_timeout(300)
    page.mouse.click(*at)


@pytest.fixture
def base(sample_workspace, serve):
    return serve(create_app(ReadModels(sample_workspace / "readmodel")))


def test_from_the_list_to_a_network_to_an_account_to_the_rows_behind_a_tie(base, visit):
    page = visit(f"{base}/networks")
    page.locator("#networks-list a").first.wait_for()
    page.get_by_label("Network or account").fill("3025648911")
    page.get_by_label("Network or account").press("Enter")
    expect(page.get_by_role("heading", name=re.compile("^1 network"))).to_be_visible()
    page.locator("#networks-list a").first.click()
    expect(page.get_by_role("heading", name=re.compile("^Network N"))).to_be_visible()
    expect(page.locator("#network-drawing canvas").first).to_be_visible()
    page.wait_for_function(f"({NODES})().length > 3")
    before = page.evaluate(NODES)

    tap(page, "3025648911", "node")
    expect(page.get_by_role("heading", name="3025648911", exact=True)).to_be_visible()
    expect(page.get_by_role("link", name="Open the account")).to_be_visible()
    page.wait_for_function(f"({NODES})().length > {len(before)}")

    tap(page, "edge-3", "edge")
    expect(page.get_by_role("heading", name=re.compile("^What ties"))).to_be_visible()


def test_the_way_between_two_members_is_told_tie_by_tie(base, visit):
    page = visit(f"{base}/networks")
    page.get_by_label("Network or account").fill("3025648911")
    page.get_by_label("Network or account").press("Enter")
    expect(page.get_by_role("heading", name=re.compile("^1 network"))).to_be_visible()
    page.locator("#networks-list a").first.click()
    for label, account in (("From", "3064028566"), ("To", "3013882200")):
        page.get_by_role("textbox", name=label, exact=True).click()
        page.get_by_role("option", name=account).click()
    way = page.locator("#network-way")
    expect(way.get_by_role("row")).to_have_count(4)  # the head, and three ties


def test_a_network_of_another_run_says_so_and_leads_to_the_list(base, visit):
    page = visit(f"{base}/networks/N0")
    expect(page.get_by_role("alert")).to_contain_text("has no network N0")
    page.get_by_role("link", name="All networks").click()
    expect(page.get_by_role("heading", name="Networks", exact=True)).to_be_visible()
