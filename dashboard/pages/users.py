"""/users: who may sign in, in which role."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import dash
import dash_mantine_components as dmc
from dash import ALL, Input, Output, State, callback, ctx, html
from dash.exceptions import PreventUpdate

from dashboard import access, paths
from dashboard.access import RIGHTS, requires
from dashboard.components.page import nothing, page, refused, section
from dashboard.components.tables import columns, table
from dashboard.state import casework, now
from dashboard.words import count, instant, name
from finpat.casework import users
from finpat.casework.database import Change
from finpat.errors import FinpatError

dash.register_page(__name__, path=paths.USERS, title="Users – finpat", name="Users")

LIST, SAID, ADD, NEW_NAME, NEW_ROLE = "users-list", "users-said", "users-add", "users-name", "users-role"
DO, ROLE = "users-do", "users-role-of"  # types of the controls beside each user
COLUMNS = columns("User", "Role", "Signs in with", "@Last signed in", "@Added", "By", "Change")
MEANING = {
    "viewer": "reads lists and findings; personal data stay masked",
    "analyst": "works on alerts, reveals personal data for a reason",
    "lead": "an analyst who also assigns, approves, exports, and changes settings",
    "compliance_officer": "an analyst who also approves, exports, and reads the audit trail",
    "administrator": "keeps users and settings, reads the audit trail; does not work on cases",
}


@requires("users")
def layout(**_query: str) -> html.Div:
    """Everybody who may sign in, and the form to add somebody."""
    roles = [{"value": role, "label": name(role)} for role in RIGHTS]
    return page(
        "Users",
        html.Div(id=SAID, role="status"),
        section("Who may sign in", html.Div(_list(), id=LIST)),
        section(
            "Add a user",
            html.Div(
                [
                    dmc.TextInput(label="Name", id=NEW_NAME),
                    dmc.Select(label="Role", data=roles, value="analyst", id=NEW_ROLE, allowDeselect=False),
                    html.Button("Add", id=ADD, type="button"),
                ],
                className="row",
            ),
            html.Dl([html.Div([html.Dt(name(role)), html.Dd(what)]) for role, what in MEANING.items()]),
            help="They get a one-time password, which you hand over; they choose their own at sign-in.",
        ),
        lead="Nobody is removed, because the audit trail names them: who leaves is disabled.",
        actions=html.A("Change your own password", href="/password", className="button quiet"),
    )


def _list() -> Any:
    with casework().reading() as connection:
        listed = users.listed(connection)
    if not listed:
        return nothing("There is nobody.", "Add a user below.")
    return table(count(len(listed), "user"), COLUMNS, [_row(user) for user in listed])


def _row(user: users.User) -> list[Any]:
    own = user.name == access.user().name
    return [
        user.name,
        name(user.role) if own else _role(user),
        user.state,
        instant(user.signed_in_at),
        instant(user.added_at),
        user.added_by,
        html.Span("this is you", className="help") if own else _buttons(user),
    ]


def _role(user: users.User) -> dmc.Select:
    return dmc.Select(
        data=[{"value": role, "label": name(role)} for role in RIGHTS],
        value=user.role,
        id={"type": ROLE, "name": user.name},
        allowDeselect=False,
        size="xs",
        **{"aria-label": f"Role of {user.name}"},
    )


def _buttons(user: users.User) -> html.Div:
    whether = "enable" if user.disabled_at else "disable"
    wanted = [whether] if user.subject else [whether, "reset"]
    return html.Div(
        [
            html.Button(
                {"reset": "New password"}.get(do, do.capitalize()),
                id={"type": DO, "do": do, "name": user.name},
                className="quiet",
                type="button",
                **{"aria-label": f"{do} {user.name}"},
            )
            for do in wanted
        ],
        className="row",
    )


@callback(
    Output(LIST, "children", allow_duplicate=True),
    Output(SAID, "children", allow_duplicate=True),
    Output(NEW_NAME, "value"),
    Input(ADD, "n_clicks"),
    State(NEW_NAME, "value"),
    State(NEW_ROLE, "value"),
    prevent_initial_call=True,
)
@requires("users")
def add(clicks: int | None, new: str | None, role: str) -> tuple[Any, Any, str]:
    """Add a user, and show the one-time password once."""
    if not clicks:
        raise PreventUpdate
    new = (new or "").strip()
    said = _done(lambda change: _handed_over(new, users.add(change, new, role)))
    return _list(), said, ""


@callback(
    Output(LIST, "children", allow_duplicate=True),
    Output(SAID, "children", allow_duplicate=True),
    Input({"type": DO, "do": ALL, "name": ALL}, "n_clicks"),
    prevent_initial_call=True,
)
@requires("users")
def change_one(_clicks: list[int | None]) -> tuple[Any, Any]:
    """Disable, enable or reset the user whose button was pressed."""
    pressed = ctx.triggered_id
    if pressed is None or not ctx.triggered[0]["value"]:
        raise PreventUpdate
    return _list_after(pressed["do"], pressed["name"])


def _list_after(do: str, whom: str) -> tuple[Any, Any]:
    if do == "reset":
        said = _done(lambda change: _handed_over(whom, users.reset(change, whom)))
    elif do == "disable":
        said = _done(lambda change: users.disable(change, whom), f"{whom} can sign in no more.")
    else:
        said = _done(lambda change: users.enable(change, whom), f"{whom} can sign in again.")
    return _list(), said


@callback(
    Output(LIST, "children", allow_duplicate=True),
    Output(SAID, "children", allow_duplicate=True),
    Input({"type": ROLE, "name": ALL}, "value"),
    prevent_initial_call=True,
)
@requires("users")
def change_role(_roles: list[str]) -> tuple[Any, Any]:
    """Give the user another role, unless it is the one they have (the list was only drawn anew)."""
    chosen = ctx.triggered_id
    if chosen is None:
        raise PreventUpdate
    whom, role = chosen["name"], ctx.triggered[0]["value"]
    with casework().reading() as connection:
        if users.get(connection, whom).role == role:
            raise PreventUpdate
    said = _done(lambda change: users.set_role(change, whom, role), f"{whom} is {name(role)} now.")
    return _list(), said


def _done(act: Callable[[Change], Any], said: str | None = None) -> Any:
    """What came of a change, or `said`; a change that is refused is told, and nothing is kept of it."""
    try:
        with casework().writing(access.user().name, now()) as change:
            came = act(change)
    except FinpatError as error:
        return refused("Nothing was changed.", str(error))
    return came if said is None else html.P(said)


def _handed_over(whom: str, password: str) -> html.Div:
    return html.Div(
        [
            html.P(["One-time password of ", html.Strong(whom), ":"]),
            html.P(password, className="mono one-time"),
            html.P(
                f"Shown once. Good for {users.ONE_TIME_HOURS} hours; changed at the first sign-in.",
                className="help",
            ),
        ],
        className="card",
    )
