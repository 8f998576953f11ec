"""Everything around the dashboard that keeps strangers out.

| module | what it does |
|---|---|
| `gate` | before every request: who asks, may they; what is open is listed, the rest is not |
| `tokens` | the browser's token, and the proof against forged requests made from it |
| `headers` | what may run, frame and be kept; on every answer |
| `sign_in` | the pages for signing in and out and for the own password |
"""

from __future__ import annotations

from dash import Dash
from werkzeug.middleware.proxy_fix import ProxyFix

from dashboard.access import GUEST
from dashboard.security import gate, headers
from finpat.config import DashboardSettings

LOOPBACK = ("localhost", "127.0.0.1", "[::1]")


def protect(app: Dash, settings: DashboardSettings) -> Dash:
    """Put gate, sign-in and headers around a complete application; returns it.

    Without users everybody is the guest, who looks and changes nothing: for this machine only.
    """
    server = app.server
    https = settings.url.startswith("https://")
    server.config["MAX_CONTENT_LENGTH"] = settings.request_mb << 20
    server.config["MAX_FORM_MEMORY_SIZE"] = 1 << 20
    gate.guard(app, lambda _: GUEST, hosts={*LOOPBACK, *settings.hosts}, https=https)
    headers.send_headers(server, headers.content_policy(app), https=https)
    if settings.proxies:
        hops = settings.proxies
        server.wsgi_app = ProxyFix(
            server.wsgi_app, x_for=hops, x_proto=hops, x_host=hops, x_port=0, x_prefix=0
        )
    return app
