"""Everything around the dashboard that keeps strangers out.

| module | what it does |
|---|---|
| `gate` | before every request: who asks, may they; what is open is listed, the rest is not |
| `tokens` | the browser's token, and the proof against forged requests made from it |
| `headers` | what may run, frame and be kept; on every answer |
| `sign_in` | the pages for signing in and out and for the own password |
| `oidc` | single sign-on: the question to the provider, and what of its answer is believed |
"""

from __future__ import annotations

from dash import Dash
from werkzeug.middleware.proxy_fix import ProxyFix

from dashboard import state
from dashboard.access import GUEST, User
from dashboard.security import gate, headers, oidc, sign_in
from finpat.casework import sessions
from finpat.casework.database import Database
from finpat.config import DashboardSettings

LOOPBACK = ("localhost", "127.0.0.1", "[::1]")


def protect(
    app: Dash, settings: DashboardSettings, users: Database | None, client_secret: str | None = None
) -> Dash:
    """Put gate, sign-in and headers around a complete application; returns it.

    users: the casework database, whose users may sign in; None: everybody is the guest, who looks and changes
    nothing (for this machine only). client_secret: of the client at the provider of single sign-on.

    Raises:
        SettingsError: single sign-on is set, and its libraries are missing.
    """
    server = app.server
    https = settings.url.startswith("https://")
    server.config["MAX_CONTENT_LENGTH"] = settings.request_mb << 20
    server.config["MAX_FORM_MEMORY_SIZE"] = 64 << 10  # of the pages for signing in; callbacks send JSON

    def who(token: str, is_used: bool) -> User | None:
        if users is None:
            return GUEST
        if not token:
            return None
        session = sessions.current(users, token, state.now(), settings, is_used=is_used)
        if session is None:
            return None
        return User(session.user, session.role, session.token_hash, session.must_change_password)

    if users is not None:
        provider = oidc.provider(settings.oidc, client_secret)
        server.register_blueprint(sign_in.pages(users, settings, provider))
    gate.guard(app, who, hosts={*LOOPBACK, *settings.hosts}, https=https)
    headers.send_headers(server, headers.content_policy(app), https=https)
    if settings.proxies:
        hops = settings.proxies
        server.wsgi_app = ProxyFix(
            server.wsgi_app, x_for=hops, x_proto=hops, x_host=hops, x_port=0, x_prefix=0
        )
    return app
