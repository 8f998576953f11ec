"""The overview in a browser."""

from __future__ import annotations

import polars as pl
from playwright.sync_api import expect

from tests.dashboard.accessibility import faults
from tests.dashboard.sample import app_of, flagged, publish_run

expect.set_options(timeout=15_000)


def test_a_first_run_says_that_there_is_nothing_to_compare_it_with(tmp_path, serve, visit):
    publish_run(tmp_path)
    page = visit(serve(app_of(tmp_path)))
    expect(page.get_by_text("This is the first run")).to_be_visible()
    first = page.get_by_role("region", name="First in the queue")
    expect(first.get_by_role("link", name="A-1", exact=True)).to_be_visible()
    expect(first.get_by_role("link", name="A-3", exact=True)).to_have_count(0)


def test_a_further_run_says_what_changed_and_why_and_leads_there(tmp_path, serve, visit):
    publish_run(tmp_path, "0001")
    entered = pl.col("account_id") == "A-50"
    raised = flagged(run_id="0002").with_columns(
        score=pl.when(entered).then(990).otherwise("score"),
        band=pl.when(entered).then(pl.lit("critical")).otherwise("band"),
    )
    publish_run(tmp_path, "0002", changed={"settings_hash": "h2"}, flagged_accounts=raised)
    page = visit(serve(app_of(tmp_path)))
    expect(page.get_by_text("Since run 0001 changed: settings.")).to_be_visible()
    changed = page.get_by_role("region", name="Accounts that changed")
    expect(changed.get_by_role("row")).to_have_count(2)
    page.wait_for_load_state("networkidle")
    assert faults(page) == []
    changed.get_by_role("link", name="A-50").click()
    expect(page.get_by_role("heading", name="Account A-50")).to_be_visible()


def test_a_band_leads_to_its_accounts(tmp_path, serve, visit):
    publish_run(tmp_path)
    page = visit(serve(app_of(tmp_path)))
    page.locator(".tile", has_text="critical").get_by_role("link").click()
    expect(page).to_have_url(f"{page.url.split('/queue')[0]}/queue?band=critical")
    expect(page.get_by_text("6 accounts")).to_be_visible()
