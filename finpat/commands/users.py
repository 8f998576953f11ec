"""Users of the dashboard: user add, list, role, disable, enable and reset."""

from __future__ import annotations

from pathlib import Path

import click

from finpat.commands.casework import open_casework, user_option
from finpat.commands.terminal import instant, json_option, note, now, say, say_json, table, workspace_option

_name = click.argument("name", metavar="NAME")
_ROLES = "viewer, analyst, lead, compliance_officer or administrator"


def _hand_over(name: str, password: str) -> None:
    """A one-time password, which is shown once and kept nowhere."""
    from finpat.casework.users import ONE_TIME_HOURS

    say(password)
    note(
        f"One-time password of {name}: shown once, good for {ONE_TIME_HOURS} hours, to be changed at sign-in."
    )


@click.command("add", epilog="Example: finpat user add ana --role analyst")
@_name
@click.option("--role", required=True, metavar="ROLE", help=f"What they may do: {_ROLES}.")
@user_option
@workspace_option
def add_user(name: str, role: str, user: str, workspace: Path) -> None:
    """Add a user and print the one-time password to hand over."""
    from finpat.casework import users

    with open_casework(workspace) as database, database.writing(user, now()) as change:
        password = users.add(change, name, role)
    _hand_over(name, password)


@click.command("list", epilog="Example: finpat user list --json")
@workspace_option
@json_option
def list_users(workspace: Path, as_json: bool) -> None:
    """List all users, the disabled ones included."""
    from finpat.casework import users

    with open_casework(workspace) as database, database.reading() as connection:
        listed = users.listed(connection)
    if as_json:
        say_json([vars(user) for user in listed])
        return
    rows = [
        (user.name, user.role, user.state, instant(user.signed_in_at), instant(user.added_at), user.added_by)
        for user in listed
    ]
    table(("user", "role", "state", "last signed in", "added", "by"), rows)
    if not listed:
        note("There is no user yet: `finpat dashboard` makes the first administrator, `finpat user add` any.")


@click.command("role", epilog="Example: finpat user role ana lead")
@_name
@click.argument("role", metavar="ROLE")
@user_option
@workspace_option
def change_role(name: str, role: str, user: str, workspace: Path) -> None:
    """Give a user another role; their open sessions end."""
    from finpat.casework import users

    with open_casework(workspace) as database, database.writing(user, now()) as change:
        users.set_role(change, name, role)
    note(f"{name} is {role.replace('_', ' ')} now.")


@click.command("disable", epilog="Example: finpat user disable ana")
@_name
@user_option
@workspace_option
def disable_user(name: str, user: str, workspace: Path) -> None:
    """Let a user sign in no more; their open sessions end, their name stays in the trail."""
    from finpat.casework import users

    with open_casework(workspace) as database, database.writing(user, now()) as change:
        users.disable(change, name)
    note(f"{name} can sign in no more.")


@click.command("enable", epilog="Example: finpat user enable ana")
@_name
@user_option
@workspace_option
def enable_user(name: str, user: str, workspace: Path) -> None:
    """Let a disabled user sign in again."""
    from finpat.casework import users

    with open_casework(workspace) as database, database.writing(user, now()) as change:
        users.enable(change, name)
    note(f"{name} can sign in again.")


@click.command("reset", epilog="Example: finpat user reset ana")
@_name
@user_option
@workspace_option
def reset_user(name: str, user: str, workspace: Path) -> None:
    """Print a one-time password for a user who forgot theirs, or is waiting after wrong ones."""
    from finpat.casework import users

    with open_casework(workspace) as database, database.writing(user, now()) as change:
        password = users.reset(change, name)
    _hand_over(name, password)
