"""What every answer tells the browser: which scripts may run, who may frame it, what may be kept."""

from __future__ import annotations

from dash import Dash
from flask import Flask, Response, request

_YEAR = 365 * 24 * 3600
# Fingerprinted by name or by query; they hold no data of the workspace.
_KEEPABLE = ("/_dash-component-suites/", "/assets/", "/_favicon.ico")
_FIXED = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",  # for browsers that do not know frame-ancestors
    # Not `no-referrer`: with it, forms would send `Origin: null`.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}


def content_policy(app: Dash) -> str:
    """The Content-Security-Policy of a complete application: everything from here, no eval.

    Inline scripts run by their hash alone: Dash's start and the client-side callbacks that exist by now.
    Styles may stand inline, because the grid and the components write theirs while they run.
    """
    rules = {
        "default-src": "'self'",
        "script-src": " ".join(["'self'", *dict.fromkeys(app.csp_hashes())]),
        "script-src-attr": "'none'",
        "style-src": "'self' 'unsafe-inline'",
        "img-src": "'self' data: blob:",  # figures are saved as images
        "font-src": "'self' data:",
        "worker-src": "'self' blob:",
        "connect-src": "'self'",
        "form-action": "'self'",
        "frame-src": "'none'",
        "frame-ancestors": "'none'",
        "object-src": "'none'",
        "base-uri": "'none'",
    }
    return "; ".join(f"{name} {value}" for name, value in rules.items())


def send_headers(server: Flask, policy: str, *, https: bool) -> None:
    """Put the headers on every answer of the server, errors included.

    https: the address is served over TLS; browsers are told to use nothing else for a year.
    """

    def put(response: Response) -> Response:
        response.headers.update(_FIXED)
        response.headers["Content-Security-Policy"] = policy
        if https:
            response.headers["Strict-Transport-Security"] = f"max-age={_YEAR}"
        if not request.path.startswith(_KEEPABLE) or response.status_code >= 400:
            response.headers["Cache-Control"] = "no-store"
        return response

    server.after_request(put)
