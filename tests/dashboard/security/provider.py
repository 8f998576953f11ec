"""An OpenID Connect provider on loopback, made of authlib's server: discovery, code with PKCE, signed tokens.

Whoever comes to its authorization endpoint is `person`. `sign` makes the id token and can be replaced by one
that a good provider would never make.
"""

from __future__ import annotations

import base64
import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.oauth2.rfc6749 import ClientMixin, grants
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oidc.core import UserInfo
from authlib.oidc.core.grants import OpenIDCode
from flask import Flask, jsonify, request
from joserfc import jwt
from joserfc.jwk import RSAKey
from werkzeug.serving import make_server

CLIENT, SECRET = "finpat", "the client's secret"


class Client(ClientMixin):
    """The one client that is registered."""

    client_id = CLIENT
    id_token_signed_response_alg = "RS256"

    def __init__(self, redirect_uri: str) -> None:
        self.redirect_uri = redirect_uri

    def get_client_id(self) -> str:
        return CLIENT

    def get_default_redirect_uri(self) -> str:
        return self.redirect_uri

    def get_allowed_scope(self, scope: str) -> str:
        return scope

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        return redirect_uri == self.redirect_uri

    def check_client_secret(self, client_secret: str) -> bool:
        return client_secret == SECRET

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return method == "client_secret_basic"

    def check_response_type(self, response_type: str) -> bool:
        return response_type == "code"

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type == "authorization_code"


@dataclass
class Provider:
    """A running provider: its issuer, who comes to it, and how it signs."""

    issuer: str = ""
    redirect_uri: str = ""
    person: dict[str, Any] = field(default_factory=lambda: {"sub": "17", "preferred_username": "ana"})
    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, auto_kid=True))
    codes: dict[str, Any] = field(default_factory=dict)
    sign: Callable[[dict[str, Any]], str] | None = None

    def signed(self, claims: dict[str, Any]) -> str:
        """An id token as it should be."""
        return jwt.encode({"alg": "RS256", "kid": self.key.kid}, claims, self.key)


def _grants(provider: Provider) -> tuple[type, Any]:
    class Code(grants.AuthorizationCodeGrant):
        TOKEN_ENDPOINT_AUTH_METHODS = ("client_secret_basic",)

        def save_authorization_code(self, code, asked):
            # Read now: the request is gone when the code is exchanged.
            data, scope, redirect_uri = dict(asked.payload.data), asked.scope, asked.payload.redirect_uri
            provider.codes[code] = SimpleNamespace(
                code=code,
                redirect_uri=redirect_uri,
                scope=scope,
                nonce=data.get("nonce"),
                code_challenge=data.get("code_challenge"),
                code_challenge_method=data.get("code_challenge_method"),
                get_redirect_uri=lambda: redirect_uri,
                get_scope=lambda: scope,
                get_nonce=lambda: data.get("nonce"),
                get_auth_time=lambda: int(time.time()),
                get_acr=lambda: None,
                get_amr=lambda: None,
            )

        def query_authorization_code(self, code, client):
            return provider.codes.get(code)

        def delete_authorization_code(self, authorization_code):
            del provider.codes[authorization_code.code]

        def authenticate_user(self, authorization_code):
            return provider.person

    class Token(OpenIDCode):
        def exists_nonce(self, nonce, request):
            return False

        def get_client_claims(self, client):
            now = int(time.time())
            return {"iss": provider.issuer, "aud": [CLIENT], "iat": now, "exp": now + 300}

        def get_client_algorithm(self, client):
            return "RS256"

        def resolve_client_private_key(self, client):
            return provider.key

        def generate_user_info(self, user, scope):
            return UserInfo(user)

        def encode_id_token(self, token, asked):
            """The claims of the library, signed by `sign` where a test has one."""
            made = super().encode_id_token(token, asked)
            claims = dict(jwt.decode(made, provider.key, algorithms=["RS256"]).claims)
            return (provider.sign or provider.signed)(claims)

    return Code, Token


def _application(provider: Provider) -> Flask:
    app = Flask("provider")
    server = AuthorizationServer(
        app, query_client=lambda _: Client(provider.redirect_uri), save_token=lambda *_: None
    )
    code, token = _grants(provider)
    server.register_grant(code, [token(), CodeChallenge(required=True)])

    @app.get("/.well-known/openid-configuration")
    def configuration():
        return jsonify(
            issuer=provider.issuer,
            authorization_endpoint=f"{provider.issuer}/authorize",
            token_endpoint=f"{provider.issuer}/token",
            jwks_uri=f"{provider.issuer}/keys",
            response_types_supported=["code"],
            subject_types_supported=["public"],
            id_token_signing_alg_values_supported=["RS256"],
        )

    @app.get("/authorize")
    def authorize():
        grant = server.get_consent_grant(end_user=provider.person)
        return server.create_authorization_response(grant=grant, grant_user=provider.person)

    @app.post("/token")
    def give():
        return server.create_token_response(request)

    @app.get("/keys")
    def keys():
        return jsonify(keys=[provider.key.as_dict(private=False)])

    return app


@contextmanager
def running() -> Iterator[Provider]:
    """The provider on a free port of this machine, over real HTTP."""
    os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"  # loopback
    provider = Provider()
    server = make_server("127.0.0.1", 0, _application(provider), threaded=True)
    provider.issuer = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        del os.environ["AUTHLIB_INSECURE_TRANSPORT"]


def unsigned(claims: dict[str, Any]) -> str:
    """The claims as a token that says of itself that nobody signed it."""
    parts = [json.dumps(part).encode() for part in ({"alg": "none"}, claims)]
    return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts) + "."
