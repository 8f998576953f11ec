"""Signing in and out, and the own password: plain pages of the server, without scripts and without data."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, Response, current_app, g, redirect, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from dashboard import state
from dashboard.access import user
from dashboard.security import gate, oidc, tokens
from finpat.casework import sessions
from finpat.casework.database import Database
from finpat.casework.refusals import SignInError
from finpat.config import DashboardSettings
from finpat.errors import FinpatError


def pages(casework: Database, settings: DashboardSettings, provider: oidc.Provider | None) -> Blueprint:
    """The pages, to be registered on the server; with the way to the provider of single sign-on, if any."""
    made = Blueprint("security", __name__, template_folder="templates")

    def asking(said: str = "", status: int = 200) -> Response:
        text = render_template(
            "sign_in.html",
            said=said,
            name=request.form.get("name", ""),
            wanted=_own_address(request.values.get("next", "")),
            single_sign_on=settings.oidc.label if provider else None,
            **_common(),
        )
        return current_app.response_class(text, status)

    @made.get(gate.SIGN_IN)
    def sign_in_page() -> AnyResponse:
        return redirect("/") if g.signed_in else asking()

    @made.post(gate.SIGN_IN)
    def sign_in() -> AnyResponse:
        token = tokens.fresh()  # a new one: who knew the one before knows nothing now
        form = request.form
        try:
            sessions.sign_in(
                casework,
                form.get("name", "")[:200],
                form.get("password", ""),
                token,
                request.remote_addr or "",
                state.now(),
                settings,
            )
        except SignInError as refused:
            return asking(str(refused), 403)
        g.token = token
        return redirect(_own_address(form.get("next", "")), 303)

    if provider is not None:
        _add_single_sign_on(made, casework, settings, provider, asking)

    @made.post(gate.SIGN_OUT)
    def sign_out() -> AnyResponse:
        sessions.sign_out(casework, g.token, state.now())
        g.token = tokens.fresh()
        return redirect(gate.SIGN_IN, 303)

    @made.get(gate.PASSWORD)
    def password_page() -> str:
        return _choosing(settings)

    @made.post(gate.PASSWORD)
    def choose_password() -> AnyResponse:
        form, who = request.form, user()
        if form.get("chosen", "") != form.get("again", ""):
            return current_app.response_class(_choosing(settings, "The two new passwords differ."), 422)
        token = tokens.fresh()
        try:
            sessions.change_password(
                casework,
                who.name,
                form.get("current", ""),
                form.get("chosen", ""),
                token,
                request.remote_addr or "",
                state.now(),
                settings,
            )
        except FinpatError as refused:
            return current_app.response_class(_choosing(settings, str(refused)), 422)
        g.token = token
        return redirect("/", 303)

    return made


def _add_single_sign_on(
    made: Blueprint,
    casework: Database,
    settings: DashboardSettings,
    provider: oidc.Provider,
    asking: Callable[[str, int], Response],
) -> None:
    def answer_to() -> str:
        return (settings.url or request.host_url.rstrip("/")) + gate.SINGLE_SIGN_ON_ANSWER

    @made.get(gate.SINGLE_SIGN_ON)
    def ask_provider() -> AnyResponse:
        try:
            where = provider.question(g.token or "", answer_to(), _own_address(request.args.get("next", "")))
        except oidc.SingleSignOnError as error:
            return asking(str(error), 502)
        return redirect(where)

    @made.get(gate.SINGLE_SIGN_ON_ANSWER)
    def hear_provider() -> AnyResponse:
        came, token = request.args, tokens.fresh()
        try:
            person, wanted = provider.answer(
                g.token or "", answer_to(), came.get("code", ""), came.get("state", "")
            )
            sessions.sign_in_single(
                casework,
                person.subject,
                person.name,
                person.role,
                token,
                request.remote_addr or "",
                state.now(),
                settings,
            )
        except (oidc.SingleSignOnError, SignInError) as error:
            return asking(str(error), 403)
        g.token = token
        return redirect(_own_address(wanted), 303)


def _choosing(settings: DashboardSettings, said: str = "") -> str:
    return render_template(
        "password.html",
        said=said,
        who=user(),
        shortest=settings.password_length,
        **_common(),
    )


def _common() -> dict[str, str]:
    return {"proof": tokens.proof(g.token or ""), "field": tokens.PROOF_FIELD, "scheme": state.scheme()}


def _own_address(wanted: str) -> str:
    """Where to go after signing in: a page of this server, whatever the link said."""
    is_own = wanted.startswith("/") and not wanted.startswith(("//", "/\\")) and wanted.isprintable()
    return wanted if is_own and not wanted.startswith(("/_", gate.SIGN_IN)) else "/"
