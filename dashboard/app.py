"""The application: one Dash app with its pages, served from here alone."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import dash
import dash_mantine_components as dmc
from dash import MATCH, Dash, Input, Output, State, dcc, html
from flask import Flask, g
from werkzeug.exceptions import HTTPException

from dashboard import access, ids, masking, paths, state
from dashboard.components.page import page, refused
from dashboard.security import gate, tokens
from finpat.casework.database import Database
from finpat.config import Settings
from finpat.errors import FinpatError

_LOG = logging.getLogger(__name__)
FOLDER = Path(__file__).resolve().parent
CHECK_SECONDS = 60  # how often an open page asks whether a newer run is published
# Title, address, and the right that shows the entry.
NAVIGATION: tuple[tuple[str, str, access.Right], ...] = (
    ("Overview", paths.OVERVIEW, "view"),
    ("Queue", paths.QUEUE, "view"),
    ("Protect and refer", paths.PROTECT, "view"),
    ("Networks", paths.NETWORKS, "view"),
    ("Trace", paths.TRACE, "view"),
    ("Adverts", paths.ADVERTS, "view"),
    ("Hotspots", paths.HOTSPOTS, "view"),
    ("Indicators", paths.INDICATORS, "view"),
    ("Scheduled queries", paths.QUERIES, "view"),
    ("Runs", paths.RUNS, "view"),
    ("Data", paths.DATA, "view"),
    ("Audit", paths.AUDIT, "audit"),
    ("Users", paths.USERS, "users"),
)


def create_app(
    models: state.ReadModels, casework: Database | None = None, settings: Settings | None = None
) -> Dash:
    """The dashboard over the published runs and the casework of one workspace.

    Its server is a Flask application (`app.server`) that any WSGI server can serve;
    `dashboard.security.protect` puts sign-in, rights and headers around it.
    """
    server = Flask("finpat", static_folder=None)
    state.serve(server, models, casework, settings)
    app = Dash(
        "finpat",
        server=server,
        use_pages=True,
        pages_folder=str(FOLDER / "pages"),
        assets_folder=str(FOLDER / "assets"),
        suppress_callback_exceptions=True,  # parts of pages come and go
        title="finpat",
        update_title="",
        serve_locally=True,
        on_error=_told,
        csrf_token_name="_csrf_token",
        csrf_header_name="X-CSRFToken",
    )
    # Dash's own page names no language, which a screen reader has to know.
    app.index_string = app.index_string.replace("<html>", '<html lang="en">', 1)
    app.layout = _frame
    # On the app, not on the module: every application of a process has its own.
    app.callback(
        Output(ids.NEWER_RUN, "children"),
        Input(ids.NEWER_RUN_CHECK, "n_intervals"),
        State(ids.RUN, "data"),
        prevent_initial_call=True,
    )(_newer_run)
    app.callback(
        Output({"type": ids.REVEAL_SAID, "kind": MATCH, "object": MATCH}, "children"),
        Input({"type": ids.REVEAL, "kind": MATCH, "object": MATCH}, "n_clicks"),
        State({"type": ids.REVEAL_REASON, "kind": MATCH, "object": MATCH}, "value"),
        prevent_initial_call=True,
    )(masking.give_reason)
    app.clientside_callback(
        "function (asked) { if (asked) location.reload(); return null; }",
        Output(ids.RELOADED, "data"),
        Input(ids.RELOAD, "data"),
        prevent_initial_call=True,
    )
    # Dash collects callbacks and routes before its first request; done here, the application is whole: two
    # of one process do not take each other's callbacks, and what it may run is known.
    with server.test_request_context("/"):
        server.preprocess_request()
    return app


def _frame() -> dmc.MantineProvider:
    """What stands around every page: skip link, header, navigation, main."""
    who = access.user()
    links = [
        dcc.Link(title, href=path, className="nav-link")
        for title, path, right in NAVIGATION
        if who.may(right)
    ]
    header = html.Header(
        [
            dcc.Link("finpat", href=paths.OVERVIEW, className="brand"),
            html.Span(id=ids.NEWER_RUN, role="status"),
            html.Span(className="spring"),
            html.Button("Light or dark", id=ids.SCHEME, className="quiet", type="button"),
            *_own(who),
        ],
        className="top",
    )
    return dmc.MantineProvider(
        html.Div(
            [
                html.A("Skip to the page", href=f"#{ids.MAIN}", className="skip"),
                header,
                html.Nav(links, className="side", **{"aria-label": "Pages"}),
                html.Main(dash.page_container, id=ids.MAIN, tabIndex="-1"),
                dcc.Interval(id=ids.NEWER_RUN_CHECK, interval=CHECK_SECONDS * 1000),
                dcc.Store(id=ids.RELOAD),
                dcc.Store(id=ids.RELOADED),
                dmc.NotificationContainer(id=ids.NOTIFICATIONS),
            ],
            className=f"frame {state.scheme()}",
        ),
        forceColorScheme=state.scheme(),
    )


def _own(who: access.User) -> list[Any]:
    """Who is signed in, with the way to the own password and out; for the guest the name alone."""
    name = f"{who.name}, {who.role_name}"
    if not who.session:
        return [html.Span(name, className="who")]
    proof = dcc.Input(type="hidden", name=tokens.PROOF_FIELD, value=tokens.proof(g.token))
    leave = html.Form(
        [proof, html.Button("Sign out", className="quiet", type="submit")],
        action=gate.SIGN_OUT,
        method="POST",
    )
    return [html.A(name, href=gate.PASSWORD, className="who", title="Change your password"), leave]


def _told(error: Exception) -> Any:
    """An error inside a callback, said on the page: what happened, and what to do."""
    if isinstance(error, HTTPException):
        title, message = "Not allowed" if error.code == 403 else str(error.name), str(error.description)
    elif isinstance(error, FinpatError):
        title, message = "That did not work", str(error)
    else:
        _LOG.exception("a callback failed")
        title, message = "Something unforeseen happened", "It is in the server's log; load the page anew."
    outputs = dash.ctx.outputs_list
    if (
        isinstance(outputs, list) and outputs and outputs[0]["id"] == "_pages_content"
    ):  # one output is no list
        return page("Not shown", refused(title + ".", message)), {"title": "finpat"}
    dash.set_props(
        ids.NOTIFICATIONS,
        {"sendNotifications": [{"action": "show", "title": title, "message": message, "color": "red"}]},
    )
    return dash.no_update


def _newer_run(_: int, shown: str | None) -> Any:
    """Says that a newer run is published than the one that the page shows."""
    newest = state.read_model().run_id
    if shown is None or newest == shown:
        return None
    return html.A(f"Run {newest} is published; this page shows run {shown}. Load it anew", href="")
