"""The Users and Audit pages and signing in, as people meet them in Chromium."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from finpat.casework import users
from tests.dashboard.security.conftest import PASSWORD, now

CHOSEN = "several words that do not go together"


def sign_in(page, name, password=PASSWORD):
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()


def test_an_administrator_adds_somebody_who_signs_in_and_the_trail_tells(fresh, serve, visit):
    base = serve(fresh.app)
    admin = visit(base + "/users")
    sign_in(admin, "administrator")
    expect(admin.get_by_role("heading", name="Users")).to_be_visible()
    admin.get_by_label("Name").fill("zoe")
    admin.get_by_role("button", name="Add").click()
    password = admin.locator(".one-time").inner_text()
    assert re.fullmatch(r"\w{5}(-\w{5}){3}", password)
    expect(admin.get_by_role("cell", name="zoe", exact=True)).to_be_visible()

    zoe = visit(base + "/runs")
    sign_in(zoe, "zoe", password)
    zoe.get_by_label("Current password").fill(password)
    zoe.get_by_label("New password", exact=True).fill(CHOSEN)
    zoe.get_by_label("New password, once more").fill(CHOSEN)
    zoe.get_by_role("button", name="Change the password").click()
    expect(zoe.get_by_role("link", name="zoe, analyst")).to_be_visible()
    expect(zoe.get_by_role("link", name="Users")).to_have_count(0)
    zoe.goto(base + "/users")
    expect(zoe.get_by_text("your role, analyst, may not do this")).to_be_visible()

    admin.get_by_role("button", name="disable zoe").click()
    expect(admin.get_by_text("zoe can sign in no more.")).to_be_visible()
    expect(admin.locator(".one-time")).to_have_count(0)
    zoe.goto(base + "/runs")
    expect(zoe.get_by_role("heading", name="Sign in")).to_be_visible()

    admin.goto(base + "/audit?of=user:zoe")
    for told in ("user.added", "user.signed_in", "user.password_changed", "user.disabled"):
        expect(admin.get_by_text(told).first).to_be_visible()
    admin.get_by_role("button", name="Verify the trail").click()
    expect(admin.get_by_text("The trail is whole")).to_be_visible()


def test_a_session_that_ended_leads_to_signing_in_and_back(fresh, serve, visit, watch):
    watch.expected = ["401", "sign in first"]
    page = visit(serve(fresh.app) + "/users")
    sign_in(page, "administrator")
    expect(page.get_by_role("heading", name="Users")).to_be_visible()
    with fresh.database.writing("root", now()) as change:
        users.end_sessions(change, "administrator")
        change.record("user.sessions_ended", "user", "administrator")
    page.get_by_role("button", name="disable viewer").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    sign_in(page, "administrator")
    expect(page.get_by_role("heading", name="Users")).to_be_visible()
    assert page.url.endswith("/users")


def test_what_is_refused_is_said_on_the_page(fresh, serve, visit, watch):
    watch.expected = ["403", "may not do this"]
    page = visit(serve(fresh.app) + "/users")
    sign_in(page, "administrator")
    expect(page.get_by_role("button", name="disable viewer")).to_be_visible()
    with fresh.database.writing("root", now()) as change:
        change.execute(users.users.update().where(users.users.c.name == "administrator").values(role="lead"))
        change.record("user.role_changed", "user", "administrator")
    page.get_by_role("button", name="disable viewer").click()
    expect(page.get_by_text("your role, lead, may not do this")).to_be_visible()
    with fresh.database.reading() as connection:
        assert users.get(connection, "viewer").disabled_at is None


def test_signing_out_is_one_click(fresh, serve, visit):
    page = visit(serve(fresh.app) + "/")
    sign_in(page, "viewer")
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    page.go_back()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
