"""The gate before every request: nobody passes who is not signed in, nothing runs that the role may not do.

What is open to everybody is listed here by its route; any other route, one added later included, is not.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from typing import Any
from urllib.parse import urlencode

from dash import Dash
from flask import Response, abort, g, jsonify, redirect, request
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as AnyResponse

from dashboard.access import User, right_of
from dashboard.security import tokens

SIGN_IN = "/sign-in"
PASSWORD = "/password"
SIGN_OUT = "/sign-out"
SINGLE_SIGN_ON = "/single-sign-on"
SINGLE_SIGN_ON_ANSWER = "/single-sign-on/answer"
CALLBACKS = "/_dash-update-component"

OPEN = frozenset(
    {
        SIGN_IN,
        SINGLE_SIGN_ON,
        SINGLE_SIGN_ON_ANSWER,
        "/assets/<path:filename>",  # styles, scripts, the world map: the same for everybody
        "/_favicon.ico",
    }
)
UNFINISHED = frozenset({PASSWORD, SIGN_OUT})  # all that is open to who has to choose a password first
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


def guard(app: Dash, who: Callable[[str, bool], User | None], *, hosts: Collection[str], https: bool) -> None:
    """Put the gate before every request of a complete application.

    who: the user of a browser's token, or None; told whether a person does something, which keeps a session
    open. hosts: names by which the server may be called (another one is a page that has bent its own name to
    this machine).
    """
    server = app.server

    def pass_or_refuse() -> AnyResponse | None:
        if _host_name() not in hosts:
            abort(400, description="this address is not known here by that name")
        token = tokens.received(https)
        g.token = token or (tokens.fresh() if _is_navigation() else None)
        user = who(token or "", not _is_polling())
        g.signed_in = user is not None
        if user is not None:
            g.user = user
        if request.method not in _SAFE and not tokens.is_proven(token):
            abort(400, description="this page is out of date; load it anew and repeat")
        route = request.url_rule.rule if request.url_rule is not None else ""
        if route in OPEN:
            return None
        if user is None:
            return _to_sign_in()
        if user.must_change_password and route not in UNFINISHED:
            return (
                redirect(PASSWORD) if _is_navigation() else abort(403, description="choose a password first")
            )
        if not user.may("view"):
            abort(403, description="your role may not see anything here")
        if route == CALLBACKS:
            _ask_right(app, user)
        return None

    server.before_request(pass_or_refuse)
    server.after_request(lambda response: tokens.hand_over(response, https=https))
    server.register_error_handler(HTTPException, _told)


def _host_name() -> str:
    """The host that the request names, without its port; empty where it is none."""
    # Not Flask's TRUSTED_HOSTS, which knows no IPv6 address (werkzeug 3.2).
    named = re.fullmatch(r"(\[[0-9a-f:]+\]|[a-z0-9._-]+)(:[0-9]+)?", request.headers.get("Host", "").lower())
    return named[1] if named else ""


def _ask_right(app: Dash, user: User) -> None:
    """Refuse a callback that there is not, or that the user's role may not run."""
    if not request.is_json:
        abort(415, description="expected JSON")
    body: Any = request.get_json()
    output = body.get("output") if isinstance(body, dict) else None
    callback = app.callback_map.get(output) if isinstance(output, str) else None
    if callback is None:
        abort(404, description="there is no such callback")
    right = right_of(callback["callback"])
    if not user.may(right):
        abort(403, description=f"your role, {user.role_name}, may not do this")


def _is_polling() -> bool:
    """Whether the page asks by itself, by the clock."""
    if request.path != CALLBACKS or not request.is_json:
        return False
    body: Any = request.get_json(silent=True)
    asked_by = (body.get("changedPropIds") if isinstance(body, dict) else None) or []
    return asked_by != [] and all(str(asking).endswith(".n_intervals") for asking in asked_by)


def _is_navigation() -> bool:
    """Whether a person opens an address, rather than a script asking for something."""
    return (
        request.method == "GET"
        and not request.path.startswith("/_")
        and "text/html" in str(request.accept_mimetypes)
    )


def _to_sign_in() -> AnyResponse:
    if not _is_navigation():
        abort(401, description="sign in first; your session may have ended")
    wanted = request.full_path.rstrip("?")
    return redirect(SIGN_IN if wanted == "/" else f"{SIGN_IN}?{urlencode({'next': wanted})}")


def _told(error: HTTPException) -> Response | HTTPException:
    """An error as JSON for a script, as the short page of the server for a person."""
    if _is_navigation() or error.code is None:
        return error
    answer = jsonify(message=error.description)
    answer.status_code = error.code
    return answer
