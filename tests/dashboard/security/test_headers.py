"""Headers: what browsers may run, frame and keep."""

from __future__ import annotations

import pytest

from dashboard.app import create_app
from dashboard.security import protect
from dashboard.state import ReadModels
from finpat.config import DashboardSettings
from tests.readmodel.published import publish_sample


def rules_of(response):
    policy = response.headers["Content-Security-Policy"]
    return dict(rule.strip().split(" ", 1) for rule in policy.split(";"))


@pytest.mark.parametrize("path", ["/", "/assets/app.css", "/no/such/page", "/_dash-layout", "/assets/none"])
def test_no_answer_may_be_framed_sniffed_or_run_foreign_scripts(guest_app, path):
    answer = guest_app.server.test_client().get(path, buffered=True)
    rules = rules_of(answer)
    assert rules["frame-ancestors"] == "'none'"
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "same-origin"
    scripts = rules["script-src"].split()
    assert scripts[0] == "'self'"
    assert all(script.startswith("'sha256-") for script in scripts[1:]), "no eval, no inline, no other host"
    for rule in ("default-src", "connect-src", "form-action"):
        assert rules[rule] == "'self'"
    for rule in ("object-src", "base-uri", "frame-src", "script-src-attr"):
        assert rules[rule] == "'none'"


@pytest.mark.parametrize(
    "path", ["/", "/accounts/007", "/_dash-layout", "/_dash-dependencies", "/assets/none"]
)
def test_what_may_hold_data_is_kept_by_nobody(guest_app, path):
    assert guest_app.server.test_client().get(path, buffered=True).headers["Cache-Control"] == "no-store"


def test_styles_and_scripts_may_be_kept(guest_app):
    answer = guest_app.server.test_client().get("/assets/app.css", buffered=True)
    assert "no-store" not in answer.headers.get("Cache-Control", "")


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "evil.example:8050", "localhost@evil.example", ""]
)
@pytest.mark.parametrize("path", ["/", "/assets/app.css", "/_dash-layout"])
def test_another_host_name_is_refused_before_anything_else(guest_app, host, path):
    answer = guest_app.server.test_client().get(path, headers={"Host": host})
    assert answer.status_code == 400
    assert "evil" not in answer.text


@pytest.mark.parametrize("host", ["127.0.0.1:8050", "localhost", "[::1]:8050"])
def test_names_of_this_machine_are_known(guest_app, host):
    assert guest_app.server.test_client().get("/", headers={"Host": host}).status_code == 200


@pytest.fixture
def public(tmp_path):
    """Behind one proxy that does the encryption."""
    publish_sample(tmp_path)
    settings = DashboardSettings(url="https://finpat.example.org", proxies=1)
    return protect(create_app(ReadModels(tmp_path / "readmodel")), settings, None).server


HTML = {"Accept": "text/html"}


def test_with_https_cookies_and_later_visits_are_encrypted_only(public):
    answer = public.test_client().get("/", headers={**HTML, "X-Forwarded-Host": "finpat.example.org"})
    assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"
    cookies = answer.headers.getlist("Set-Cookie")
    assert [cookie.split("=")[0] for cookie in cookies] == ["__Host-finpat", "_csrf_token"]
    assert all("Secure" in cookie and "SameSite=Lax" in cookie and "Path=/" in cookie for cookie in cookies)
    assert "HttpOnly" in cookies[0]
    assert not any("Domain" in cookie for cookie in cookies)


def test_without_https_nothing_claims_it(guest_app):
    answer = guest_app.server.test_client().get("/", headers=HTML)
    assert "Strict-Transport-Security" not in answer.headers
    assert [cookie.split("=")[0] for cookie in answer.headers.getlist("Set-Cookie")] == [
        "finpat",
        "_csrf_token",
    ]


def test_a_host_that_a_proxy_forwards_is_checked_like_any_other(public):
    answer = public.test_client().get("/", headers={"X-Forwarded-Host": "evil.example"})
    assert answer.status_code == 400


def test_forwarded_headers_are_nothing_where_no_proxy_is_set(guest_app):
    answer = guest_app.server.test_client().get(
        "/", headers={"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "https"}
    )
    assert answer.status_code == 200
    assert "evil" not in answer.text


def test_pages_run_under_the_policy(guest_app, serve, visit):
    page = visit(serve(guest_app))
    page.get_by_role("heading", name="Overview").wait_for()
    page.get_by_role("link", name="Queue", exact=True).click()
    page.get_by_role("heading", name="Not found").or_(page.get_by_role("heading", name="Queue")).wait_for()
