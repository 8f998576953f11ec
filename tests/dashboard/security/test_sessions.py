"""Signing in and out in HTTP: cookies, fixation, forged requests, enumeration, waits."""

from __future__ import annotations

import pytest

from dashboard.security import tokens
from finpat.casework import users
from tests.dashboard.security.conftest import PASSWORD, now


def layout_of(client):
    return client.get("/_dash-layout").status_code


def test_signing_in_leads_to_the_page_that_was_asked_for(fresh):
    client = fresh.stranger()
    assert client.get("/queue?band=high").headers["Location"] == "/sign-in?next=%2Fqueue%3Fband%3Dhigh"
    page = client.get("/sign-in?next=%2Fqueue%3Fband%3Dhigh")
    assert 'value="/queue?band=high"' in page.text
    answer = client.form("/sign-in", {"name": "analyst", "password": PASSWORD, "next": "/queue?band=high"})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/queue?band=high")
    assert layout_of(client) == 200


@pytest.mark.parametrize(
    "wanted",
    ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)", "evil", "",
     "/_dash-layout", "/\n/evil.example", "http:/evil", "/sign-in"],
)  # fmt: skip
def test_signing_in_never_leads_to_another_server(fresh, wanted):
    client = fresh.stranger()
    client.get("/sign-in")
    answer = client.form("/sign-in", {"name": "analyst", "password": PASSWORD, "next": wanted})
    assert answer.headers["Location"] == "/"


def test_a_session_of_before_signing_in_is_not_the_one_after(fresh):
    client = fresh.stranger()
    client.get("/sign-in")
    planted = client.token
    client.sign_in("analyst")
    assert client.token != planted
    thief = fresh.stranger()
    thief.token = planted
    assert layout_of(thief) == 401


def test_a_token_that_nobody_was_given_opens_nothing(fresh):
    client = fresh.stranger()
    for token in ("", "x", "a" * 3000, "' OR 1=1 --", "\u00e9"):
        client.token = token
        assert layout_of(client) == 401


def test_signing_out_ends_the_session_on_the_server(fresh):
    client = fresh.signed_in("analyst")
    token = client.token
    assert layout_of(client) == 200
    assert client.form("/sign-out").headers["Location"] == "/sign-in"
    again = fresh.stranger()
    again.token = token
    assert layout_of(again) == 401
    assert fresh.trail()[0].action == "user.signed_out"


def test_signing_out_takes_a_form_not_a_link(fresh):
    client = fresh.signed_in("analyst")
    assert client.get("/sign-out").status_code in (404, 405, 200)
    assert layout_of(client) == 200


def test_disabling_a_user_ends_what_they_have_open(fresh):
    client = fresh.signed_in("analyst")
    with fresh.database.writing("root", now()) as change:
        users.disable(change, "analyst")
    assert layout_of(client) == 401


def test_choosing_a_password_ends_other_sessions_and_changes_the_token(fresh):
    here, there = fresh.signed_in("analyst"), fresh.signed_in("analyst")
    before = here.token
    chosen = "several words that do not go together"
    answer = here.form("/password", {"current": PASSWORD, "chosen": chosen, "again": chosen})
    assert answer.status_code == 303
    assert here.token != before
    assert (layout_of(here), layout_of(there)) == (200, 401)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"current": PASSWORD, "chosen": "a b c d e f g h i j", "again": "another"}, "differ"),
        ({"current": PASSWORD, "chosen": "short", "again": "short"}, "15 or more"),
        ({"current": "wrong", "chosen": "x" * 20, "again": "x" * 20}, "wrong"),
    ],
)
def test_a_password_that_is_not_taken_is_told_and_not_shown(fresh, fields, said):
    answer = fresh.signed_in("analyst").form("/password", fields)
    assert answer.status_code == 422
    assert said in answer.text
    assert fields["chosen"] not in answer.text
    assert PASSWORD not in answer.text


POSTS = ["/sign-in", "/sign-out", "/password", "/_dash-update-component"]


@pytest.mark.parametrize("path", POSTS)
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {tokens.PROOF_HEADER: ""},
        {tokens.PROOF_HEADER: "0" * 64},
        {tokens.PROOF_HEADER: tokens.proof("the token of somebody else")},
        {tokens.PROOF_HEADER: "\u00e9"},
    ],
    ids=["none", "empty", "made up", "of another", "no ASCII"],
)
def test_a_post_without_the_proof_of_its_session_does_nothing(home, path, headers):
    client = home.signed_in("analyst")
    before = home.trail()[0].sequence
    answer = client.client.post(path, data={"name": "analyst", "password": PASSWORD}, headers=headers)
    assert answer.status_code == 400
    assert home.trail()[0].sequence == before
    assert layout_of(client) == 200


@pytest.mark.parametrize("path", POSTS)
@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_a_post_that_another_site_caused_does_nothing_even_with_the_proof(home, path, site):
    client = home.signed_in("analyst")
    assert client.form(path, headers={"Sec-Fetch-Site": site}).status_code == 400
    assert layout_of(client) == 200


def test_every_route_that_takes_a_post_is_among_those_that_are_tested(home):
    taking = {rule.rule for rule in home.app.server.url_map.iter_rules() if "POST" in rule.methods}
    assert taking == set(POSTS)


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
def test_a_callback_takes_json_and_nothing_else(home, kind):
    client = home.signed_in("analyst")
    answer = client.client.post(
        "/_dash-update-component", data='{"output": "x"}', content_type=kind, headers=client.proof
    )
    assert answer.status_code == 415


def test_json_that_is_none_is_told(home):
    client = home.signed_in("analyst")
    answer = client.client.post(
        "/_dash-update-component", data="{", content_type="application/json", headers=client.proof
    )
    assert answer.status_code == 400


def test_a_request_that_is_too_large_is_refused_before_it_is_read(home):
    client = home.signed_in("analyst")
    large = b'{"output": "' + b"x" * (home.settings.request_mb << 20) + b'"}'
    answer = client.client.post(
        "/_dash-update-component", data=large, content_type="application/json", headers=client.proof
    )
    assert answer.status_code == 413


@pytest.mark.parametrize(
    ("name", "password"),
    [
        ("analyst", "wrong"),
        ("nobody", "wrong"),
        ("gone", PASSWORD),
        ("", ""),
        ("' OR '1'='1", "x"),
        ("a\x00b", "x"),
    ],
)
def test_every_refusal_looks_the_same(fresh, name, password):
    with fresh.database.writing("root", now()) as change:
        users.add(change, "gone", "viewer")
        users.disable(change, "gone")
    client = fresh.stranger()
    answer = client.sign_in(name, password)
    assert answer.status_code == 403
    assert "Name or password is wrong." in answer.text
    assert not password or f'"{password}"' not in answer.text
    assert layout_of(client) == 401


def test_after_five_wrong_passwords_a_name_waits_in_every_browser(fresh):
    for _ in range(5):
        assert "wrong" in fresh.stranger().sign_in("analyst", "guess").text
    answer = fresh.stranger().sign_in("analyst")
    assert answer.status_code == 403
    assert "Too many attempts. Wait" in answer.text
    assert [entry.action for entry in fresh.trail()][:2] == ["user.locked", "user.refused"]
    assert fresh.stranger().sign_in("lead").status_code == 303


def test_what_was_typed_is_shown_as_text(fresh):
    answer = fresh.stranger().sign_in('"><script>alert(1)</script>', "x")
    assert "<script>" not in answer.text
    assert "&lt;script&gt;" in answer.text


def test_polling_keeps_no_session_open_and_a_person_does(fresh, monkeypatch):
    from dashboard.security import gate

    with fresh.app.server.test_request_context(
        gate.CALLBACKS, method="POST", json={"changedPropIds": ["newer-run-check.n_intervals"]}
    ):
        assert gate._is_polling()
    for asked in ([], ["queue-filter.value"], ["a.n_intervals", "b.n_clicks"]):
        with fresh.app.server.test_request_context(
            gate.CALLBACKS, method="POST", json={"changedPropIds": asked}
        ):
            assert not gate._is_polling()
