"""The gate: every route and every callback, for a stranger and for each role."""

from __future__ import annotations

import inspect

import dash
import pytest

from dashboard import access, state
from dashboard.access import RIGHTS, right_of
from dashboard.security import gate
from finpat.casework import users
from tests.dashboard.security.conftest import HTML, Client


def test_the_roles_of_the_dashboard_are_those_of_the_users():
    assert tuple(RIGHTS) == users.ROLES


# What a stranger reaches; a route that is added is closed until it is put here on purpose.
OPEN = {
    "/sign-in",
    "/single-sign-on",
    "/single-sign-on/answer",
    "/assets/<path:filename>",
    "/_favicon.ico",
}


def test_what_is_open_is_what_was_meant():
    assert gate.OPEN == OPEN


def test_a_stranger_is_led_to_sign_in_from_every_other_route(home):
    routes = {rule.rule for rule in home.app.server.url_map.iter_rules()}
    assert routes > OPEN - {"/single-sign-on", "/single-sign-on/answer"}
    for rule in home.app.server.url_map.iter_rules():
        if rule.rule in OPEN:
            continue
        path = rule.rule.replace("<path:", "").replace("<string:", "").replace("<", "").replace(">", "")
        for method in rule.methods - {"HEAD", "OPTIONS"}:
            client = home.stranger()
            client.get("/sign-in")
            answer = client.client.open(path, method=method, headers={**HTML, **client.proof}, buffered=True)
            is_page = method == "GET" and not path.startswith("/_")
            assert answer.status_code == (302 if is_page else 401), (method, rule.rule)
            if is_page:
                assert answer.headers["Location"].startswith("/sign-in"), rule.rule


def test_a_stranger_who_is_no_page_gets_401_and_no_cookie(home):
    answer = home.app.server.test_client().get("/_dash-layout", buffered=True)
    assert answer.status_code == 401
    assert "Set-Cookie" not in answer.headers
    assert "finpat" not in answer.text


def body_of(key):
    """A request of the callback `key` with nothing in its inputs."""
    outputs = key.strip(".").split("...") if key.startswith("..") else [key]
    named = [
        dict(zip(("id", "property"), output.split("@")[0].rsplit(".", 1), strict=True)) for output in outputs
    ]
    return {
        "output": key,
        "outputs": named if key.startswith("..") else named[0],
        "inputs": [],
        "state": [],
        "changedPropIds": [],
    }


@pytest.fixture(scope="module")
def clients(home):
    return {role: home.signed_in(role) for role in RIGHTS}


def test_no_callback_answers_a_stranger(home):
    client = home.stranger()
    client.get("/sign-in")
    assert len(home.app.callback_map) > 8
    for key in home.app.callback_map:
        assert client.ask(body_of(key)).status_code == 401, key


@pytest.mark.parametrize("role", RIGHTS)
def test_a_callback_answers_a_role_only_if_it_has_the_right(home, clients, role):
    refused = set()
    for key, made in home.app.callback_map.items():
        if "callback" not in made:  # runs in the browser
            continue
        right = right_of(made["callback"])
        if right not in RIGHTS[role]:
            answer = clients[role].ask(body_of(key))
            assert answer.status_code == 403, (role, key)
            assert "may not" in answer.json["message"]
            refused.add(right)
    asked = {right_of(made["callback"]) for made in home.app.callback_map.values() if "callback" in made}
    assert refused == asked - RIGHTS[role]


def test_a_callback_that_there_is_not_is_told_so(home, clients):
    for output in ("none.children", None, 7, ["a"], {"a": 1}):
        assert clients["analyst"].ask({"output": output}).status_code == 404
    for body in ([], "text", 7):
        assert clients["analyst"].ask(body).status_code in (400, 404)


@pytest.mark.parametrize("role", RIGHTS)
def test_a_page_is_drawn_for_a_role_only_if_it_has_the_right(home, clients, role):
    for page in dash.page_registry.values():
        if page["path_template"]:
            continue
        right = right_of(page["layout"])
        answer = draw(clients[role], page["path"])
        assert answer.status_code == 200
        shown = answer.get_data(as_text=True)
        assert ("your role, " in shown and "Not shown" in shown) == (right not in RIGHTS[role]), page["path"]


def draw(client, path):
    return client.ask(
        {
            "output": ".._pages_content.children..._pages_store.data..",
            "outputs": [
                {"id": "_pages_content", "property": "children"},
                {"id": "_pages_store", "property": "data"},
            ],
            "inputs": [
                {"id": "_pages_location", "property": "pathname", "value": path},
                {"id": "_pages_location", "property": "search", "value": ""},
            ],
            "changedPropIds": ["_pages_location.pathname"],
        }
    )


def test_a_callback_or_page_that_writes_asks_for_a_right_that_writes(home):
    """Read from the code: what calls casework to change something stands behind `requires`."""
    functions = {key: made["callback"] for key, made in home.app.callback_map.items() if "callback" in made}
    functions |= {page["path"]: page["layout"] for page in dash.page_registry.values()}
    writers = {}
    for name, function in functions.items():
        written = inspect.getsource(inspect.unwrap(function))
        if ".writing(" in written or "_done(" in written:
            writers[name] = right_of(function)
    assert len(writers) >= 3
    assert "view" not in writers.values(), writers


def test_what_forgot_to_ask_for_a_right_changes_nothing(home):
    with home.app.server.test_request_context("/"):
        from flask import g

        g.user = access.User("lead", "lead", "session")

        def forgot():
            with state.casework().writing("lead", state.now()) as change:
                change.record("alert.closed", "alert", 1)

        before = len(home.trail())
        with pytest.raises(Exception, match="403"):
            forgot()
        with pytest.raises(Exception, match="403"):
            access.requires("view")(forgot)()
        assert len(home.trail()) == before
        access.requires("work")(forgot)()
        assert home.trail()[0].actor == "lead"


def test_nobody_writes_in_another_s_name(home):
    with home.app.server.test_request_context("/"):
        from flask import g

        g.user = access.User("analyst", "analyst", "session")

        @access.requires("work")
        def write():
            with state.casework().writing("lead", state.now()):
                pass

        with pytest.raises(Exception, match="403"):
            write()


def test_the_guest_of_the_demonstration_looks_and_changes_nothing(guest_app):
    client = Client(guest_app)
    assert client.get("/").status_code == 200
    for key, made in guest_app.callback_map.items():
        if "callback" in made and right_of(made["callback"]) != "view":
            assert client.ask(body_of(key)).status_code == 403, key
    assert client.get("/sign-in").status_code == 200
    assert 'type="password"' not in client.get("/sign-in").text, "there is nothing to sign in to"


def test_a_role_without_any_right_sees_nothing(fresh, monkeypatch):
    client = fresh.signed_in("viewer")
    monkeypatch.setitem(RIGHTS, "viewer", frozenset())
    assert client.get("/_dash-layout").status_code == 403


def test_who_has_a_one_time_password_reaches_nothing_before_choosing_one(fresh):
    with fresh.database.writing("root", state.now()) as change:
        password = users.reset(change, "analyst")
    client = fresh.stranger()
    client.sign_in("analyst", password)
    assert client.get("/queue").headers["Location"] == "/password"
    for path in ("/_dash-layout", "/_dash-dependencies"):
        assert client.get(path).status_code == 403
    for key in fresh.app.callback_map:
        assert client.ask(body_of(key)).status_code == 403, key
    assert client.get("/password").status_code == 200
