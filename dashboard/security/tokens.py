"""The token that a browser holds, and the proof against forged requests that is made from it.

One cookie names the browser's session: a random token, before sign-in as after it. The server keeps the hash
of those that belong to somebody (`finpat.casework.users`), nothing of the others. A form or callback sends
`proof(token)` along, which a page of another site cannot know, since it can read neither cookie. So there is
no secret of the server to keep, to share between machines or to lose.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from typing import Any

from flask import Response, g, request

PROOF_COOKIE = "_csrf_token"  # Dash copies it into the header below
PROOF_HEADER = "X-CSRFToken"
PROOF_FIELD = "_csrf_token"


def cookie_name(https: bool) -> str:
    """The token's cookie; over TLS a name that no other host and no unencrypted page can set."""
    return "__Host-finpat" if https else "finpat"


def received(https: bool) -> str | None:
    """The token that came with the request."""
    return request.cookies.get(cookie_name(https)) or None


def fresh() -> str:
    """A token nobody had: 256 random bits."""
    return secrets.token_urlsafe(32)


def proof(token: str) -> str:
    """What a request of the token's holder brings along besides the cookie."""
    return hmac.new(token.encode(), b"finpat request", hashlib.sha256).hexdigest()


def is_proven(token: str | None) -> bool:
    """Whether the request brought the token's proof, and comes from a page of this very address."""
    brought = request.headers.get(PROOF_HEADER) or request.form.get(PROOF_FIELD, "")
    if token is None or not hmac.compare_digest(brought.encode(), proof(token).encode()):
        return False
    # Every browser since 2023 tells where a request comes from.
    return request.headers.get("Sec-Fetch-Site", "same-origin") in ("same-origin", "none")


def hand_over(response: Response, *, https: bool) -> Response:
    """Set the cookies where the request has none or has to get others (`g.token`)."""
    token: str | None = g.get("token")
    if token is None:
        return response
    flags: dict[str, Any] = {"secure": https, "samesite": "Lax", "path": "/"}
    if received(https) != token:
        response.set_cookie(cookie_name(https), token, httponly=True, **flags)
    if request.cookies.get(PROOF_COOKIE) != proof(token):
        response.set_cookie(PROOF_COOKIE, proof(token), **flags)  # Dash's script has to read it
    return response
