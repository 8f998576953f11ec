"""The page of one account, as an analyst works with it in a browser."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.dashboard.accessibility import faults
from tests.dashboard.sample import app_of, publish_run

expect.set_options(timeout=15_000)  # a shared machine may be slow; nothing waits longer than it must
TABS = (
    "summary", "time", "others", "places", "adverts", "model", "ties", "rows", "record", "file",
)  # fmt: skip


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    folder = tmp_path_factory.mktemp("account")
    publish_run(folder, "0001")
    publish_run(folder, "0002", changed={"settings_hash": "h2"})
    return folder


@pytest.fixture
def open_account(workspace, serve, visit):
    base = serve(app_of(workspace))

    def opening(tab="summary", account="A-1", **options):
        page = visit(f"{base}/accounts/{account}?tab={tab}", **options)
        page.get_by_role("heading", level=1).wait_for()
        page.wait_for_load_state("networkidle")
        return page

    return opening


def test_the_header_says_score_band_role_and_why_before_anything_else(open_account):
    page = open_account()
    place = page.get_by_label("Place in the list")
    for text in ("999", "critical", "role unclear", "rank 1 of 120", "A score is a reason to look"):
        expect(place).to_contain_text(text)
    expect(page.get_by_text("Would settle it: the payee's account file")).to_be_visible()


def test_a_finding_shows_its_rows_with_file_and_line_only_when_it_is_opened(open_account):
    page = open_account()
    expect(page.get_by_text("s1.csv:4")).to_have_count(0)
    page.get_by_text("12 deposits just under 10,000.", exact=False).first.click()
    expect(page.get_by_text("s1.csv:4")).to_be_visible()
    expect(page.get_by_text("Among the 11 accounts on which this was found.")).to_be_visible()
    expect(page.locator(".js-plotly-plot")).to_have_count(1)


def test_a_finding_opens_by_the_keyboard(open_account):
    page = open_account()
    page.locator("summary").first.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("s1.csv:4")).to_be_visible()


def test_each_part_has_an_address_and_the_way_back_leads_to_the_part_before(open_account):
    page = open_account()
    page.get_by_role("link", name="Places").click()
    expect(page.get_by_role("heading", name="City by day")).to_be_visible()
    assert page.url.endswith("tab=places")
    expect(page.get_by_role("cell", name="Vienna")).to_be_visible()
    page.go_back()
    expect(page.get_by_role("heading", name="What was found")).to_be_visible()


def test_the_timeline_is_summed_anew_for_the_time_that_is_chosen(open_account):
    page = open_account("time")
    note = page.locator("#account-timeline-note")
    expect(note).to_contain_text("By week, 2025-10-01 to 2026-03-27")
    page.get_by_role("button", name="30 days").click()
    expect(note).to_contain_text("By day, 2026-02-26 to 2026-03-27")
    page.get_by_role("button", name="All").click()
    expect(note).to_contain_text("By week")


def test_dragging_over_the_timeline_shows_that_time_by_days(open_account):
    page = open_account("time")
    page.locator("#account-timeline .nsewdrag").first.wait_for()
    box = page.locator("#account-timeline .nsewdrag").first.bounding_box()
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + 0.3 * box["width"], middle)
    page.mouse.down()
    page.mouse.move(box["x"] + 0.5 * box["width"], middle, steps=8)
    page.mouse.up()
    expect(page.locator("#account-timeline-note")).to_contain_text("By day, 2025-11")


def test_the_hours_can_be_read_on_the_clock_of_the_reports(open_account):
    page = open_account("time")
    expect(page.get_by_text("60 rows drawn; without 61 rows whose place")).to_be_visible()
    page.get_by_role("button", name="Clock of the reports (UTC)").click()
    expect(page.get_by_text("121 rows drawn.")).to_be_visible()


def test_transactions_are_paged_and_sorted_by_the_server(open_account):
    page = open_account("rows")
    first = page.locator(".ag-center-cols-container [row-index='0']")
    expect(first).to_contain_text("2026-03-27")
    page.get_by_role("columnheader", name=re.compile("^When")).click()
    expect(first).to_contain_text("2026-03-27")  # once more: descending, ascending goes by one click further
    page.get_by_role("columnheader", name=re.compile("^Amount")).click()
    expect(first).to_contain_text("80.00")
    page.get_by_role("columnheader", name=re.compile("^Amount")).click()
    expect(first).to_contain_text("950.00")


def test_a_counterparty_that_is_an_account_here_leads_to_it(open_account):
    page = open_account("others")
    page.get_by_role("link", name="A-2").click()
    expect(page.get_by_role("heading", name="Account A-2")).to_be_visible()
    page.go_back()
    expect(page.get_by_role("heading", name="Account A-1")).to_be_visible()


def test_a_feature_opens_into_all_accounts(open_account):
    page = open_account("model")
    page.get_by_text("Most cash deposits in 7 days").click()
    expect(page.get_by_text("of the 120 accounts that have it")).to_be_visible()


def test_earlier_runs_say_whether_data_or_settings_changed(open_account):
    page = open_account("record")
    row = page.get_by_role("row").filter(has_text="0002 (this one)")
    expect(row).to_contain_text("settings")
    expect(page.get_by_role("cell", name="fee")).to_be_visible()


def test_a_possible_victim_is_shown_with_what_to_do_and_what_not(open_account):
    page = open_account(account="A-3")
    expect(page.get_by_role("note")).to_contain_text("Protect and refer.")


def test_names_and_texts_are_masked_and_never_markup(open_account):
    page = open_account("rows")
    expect(page.get_by_text("<••• s••• o•••").first).to_be_visible()
    for tab in ("summary", "others", "file"):
        other = open_account(tab)
        assert "example.org" not in other.content()


def test_an_unknown_account_says_so_and_names_the_nearest(open_account):
    page = open_account(account="A-1x")
    expect(page.get_by_role("alert")).to_contain_text("Run 0002 has no account 'A-1x'.")
    page.get_by_role("link", name="A-1", exact=True).click()
    expect(page.get_by_role("heading", name="Account A-1")).to_be_visible()


def test_the_case_file_holds_everything_at_once(open_account):
    page = open_account("file")
    for title in ("Roles, argued both ways", "What was found", "Money in time", "Hours of the week",
                  "City by day", "Ties", "Where this comes from"):  # fmt: skip
        expect(page.get_by_role("heading", name=title, exact=True)).to_be_visible()
    expect(page.get_by_text("s1.csv:4")).to_be_visible()
    page.emulate_media(media="print")
    expect(page.get_by_role("navigation", name="Pages")).to_be_hidden()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_part_has_a_serious_fault_of_accessibility(open_account, scheme):
    page = open_account()
    page.context.add_cookies([{"name": "scheme", "value": scheme, "url": page.url}])
    found = {}
    for tab in TABS:
        page.goto(re.sub("tab=.*", f"tab={tab}", page.url))
        page.get_by_role("heading", level=1).wait_for()
        page.wait_for_load_state("networkidle")
        page.wait_for_timeout(300)
        if told := faults(page):
            found[tab] = told
    assert found == {}
