"""Casework on the command line: who is working, and the audit trail (verify, list, anchor)."""

from __future__ import annotations

import getpass
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from finpat.commands.terminal import instant, json_option, note, now, say, say_json, table, workspace_option
from finpat.errors import CaseworkError, UsageError

if TYPE_CHECKING:
    import polars as pl

    from finpat.casework.database import Change, Database
    from finpat.casework.following import Followed
    from finpat.config import CaseworkSettings
    from finpat.readmodel import ReadModel
    from finpat.store.workspace import Workspace

user_option = click.option(
    "--user",
    envvar="FINPAT_USER",
    metavar="NAME",
    default=getpass.getuser,
    show_default="your login name",
    help="Who does this, for the audit trail (or FINPAT_USER); your login is kept beside another name.",
)


approval_option = click.option(
    "--approval",
    type=int,
    metavar="REQUEST",
    help="The approved request to do this, where the settings ask for a second person.",
)


@dataclass(frozen=True)
class Casework:
    """The casework of a workspace, open: its database, settings and folder."""

    database: Database
    settings: CaseworkSettings
    folder: Path

    @contextmanager
    def change(self, user: str, right: str) -> Iterator[Change]:
        """One change in the name of a user who has this right; anybody has it where there are no users.

        Raises:
            CaseworkError: the user is disabled or has no such right.
            UsageError: there are users, and none of this name.
        """
        name = self.known(user, right)
        login = getpass.getuser()
        database = replace(self.database, login=None if login == name else login)
        with database.writing(name, now()) as change:
            yield change

    def known(self, name: str, right: str) -> str:
        """The user's name as it is kept, if their role has this right.

        Raises:
            CaseworkError, UsageError: as `change`.
        """
        from dashboard.access import RIGHTS
        from finpat.casework import users

        with self.database.reading() as connection:
            if not users.listed(connection):
                return name
            user = users.get(connection, name)
        if user.disabled_at is not None:
            raise CaseworkError(f"user {user.name} is disabled")
        if right not in RIGHTS[user.role]:
            role = user.role.replace("_", " ")
            raise CaseworkError(f"user {user.name} is {role}, whose role has no right to {right}")
        return user.name


def open_casework(workspace: Path) -> Database:
    """The casework database of a workspace, made where it has none yet."""
    from finpat.casework.database import Database
    from finpat.config import load_settings
    from finpat.store.workspace import Workspace

    folder = Workspace.open(workspace)
    return Database.open(folder.casework, load_settings(folder.path).casework.url or None)


@contextmanager
def casework_of(workspace: Path) -> Iterator[Casework]:
    """The casework of a workspace with its settings."""
    from finpat.config import load_settings

    with open_casework(workspace) as database:
        yield Casework(database, load_settings(workspace).casework, workspace / "casework")


def follow_run(workspace: Path, model: ReadModel) -> Followed:
    """Bring the alerts up to date with a run.

    Raises:
        CaseworkError: a later run has been followed already, or casework cannot be written.
    """
    from finpat.alerting import follow

    with casework_of(workspace) as work:
        return follow(model, work.database, work.settings, now())


def states_of(workspace: Path) -> dict[str, str] | None:
    """The state of each account's alert; None where the workspace has no casework yet."""
    from finpat.config import load_settings

    kept = workspace / "casework" / "casework.sqlite"
    if not load_settings(workspace).casework.url and not kept.exists():
        return None
    from finpat.casework import questions

    try:
        with open_casework(workspace) as database, database.reading() as connection:
            found = questions.account_states(connection)
    except CaseworkError as error:  # a copy that may only be read, a server that is down: the list stands
        note(f"note: the states of alerts are not known: {error}")
        return None
    return {account_id: row["state"] for account_id, row in found.items()}


def keep_record(
    workspace: Path,
    user: str,
    action: Literal["export", "reveal"],
    thing: tuple[str, str],
    approval: int | None,
    details: Mapping[str, object],
) -> None:
    """Tell the trail that data is revealed or a list leaves, before it does; `thing` is its kind and id.

    Raises:
        CaseworkError: the user has no right to it, the settings ask for an approval that is not there, or
            casework cannot be written.
    """
    from finpat.casework import requests

    with casework_of(workspace) as work, work.change(user, action) as change:
        if action in work.settings.four_eyes:
            if approval is None:
                asking = f"`finpat case ask {action} {thing[0]} {thing[1]} --reason TEXT`"
                raise CaseworkError(
                    f"to {action} takes a second person here: {asking}, then repeat with --approval NUMBER"
                )
            requests.use(change, approval, action, *thing)
        change.record("list.exported" if action == "export" else "data.revealed", *thing, details)


def judgements_in_force(folder: Workspace, url: str | None) -> pl.DataFrame:
    """What casework says of who is who, as a run takes it; nothing is made where there is no casework yet."""
    from finpat.networks.judgements import JUDGEMENT, no_judgements

    if not url and not any(folder.casework.glob("*")):
        return no_judgements()
    import polars as pl

    from finpat.casework.database import Database
    from finpat.casework.judgements import current_judgements

    with Database.open(folder.casework, url) as database, database.reading() as connection:
        rows = current_judgements(connection)
    told = [{name: row[name] for name in JUDGEMENT} for row in rows]
    return pl.DataFrame(told, schema=JUDGEMENT)


@click.command("verify", epilog="Example: finpat audit verify --anchor 1204:9f86d081...")
@click.option(
    "--anchor", "noted", metavar="NUMBER:HASH", help="The newest entry as somebody noted it elsewhere."
)
@workspace_option
@json_option
def verify_audit(noted: str | None, workspace: Path, as_json: bool) -> None:
    """Walk the whole trail and name the first entry changed, removed, put in or moved; exit code 1 for any.

    Note the newest entry that it prints where nobody who can write to the database can.
    """
    from finpat.casework import anchor

    kept = anchor.parse(noted) if noted else None
    with casework_of(workspace) as work:
        verdict = work.database.verify(noted=kept)
    if as_json:
        say_json(
            {
                "whole": verdict.fault is None,
                "entries": verdict.entries,
                "fault": verdict.fault,
                "newest": str(verdict.newest) if verdict.newest else None,
                "unanchored": verdict.unanchored,
            }
        )
    elif verdict.fault:
        say(f"not whole: {verdict.fault}")
    else:
        say(f"whole: {verdict.entries:,} entries")
        if verdict.newest:
            say(f"newest: {verdict.newest}")
        if verdict.unanchored:
            note(
                f"{verdict.unanchored:,} entries are newer than the anchor: a process ended before moving it"
            )
    if verdict.fault:
        raise click.exceptions.Exit(1)


@click.command("list", epilog="Example: finpat audit list --by ana --action alert --since 2026-03-01")
@click.option("--by", "actor", metavar="NAME", help="Only what this user did.")
@click.option(
    "--action", metavar="ACTION", help="Only these: one (`alert.closed`) or all of a kind (`alert`)."
)
@click.option("--of", "thing", metavar="KIND:ID", help="Only what was done to one thing, e.g. alert:17.")
@click.option("--since", type=click.DateTime(["%Y-%m-%d"]), metavar="DAY", help="From this day on (UTC).")
@click.option("--until", type=click.DateTime(["%Y-%m-%d"]), metavar="DAY", help="Before this day (UTC).")
@click.option("--limit", type=click.IntRange(1), default=100, show_default=True, help="At most so many.")
@workspace_option
@json_option
def list_audit(
    actor: str | None,
    action: str | None,
    thing: str | None,
    since: datetime | None,
    until: datetime | None,
    limit: int,
    workspace: Path,
    as_json: bool,
) -> None:
    """What was done in casework, newest first."""
    import json

    from finpat.casework import audit

    kind, colon, object_id = (thing or "").partition(":")
    if thing and not (colon and object_id):
        raise UsageError(f"--of {thing!r}: expected KIND:ID, e.g. alert:17")
    with casework_of(workspace) as work, work.database.reading() as connection:
        found = audit.entries(
            connection,
            actor=actor,
            action=action,
            object_kind=kind or None,
            object_id=object_id or None,
            since=since,
            until=until,
            limit=limit + 1,
        )
    shown = found[:limit]
    if as_json:
        say_json([vars(entry) | {"details": json.loads(entry.details)} for entry in shown])
        return
    table(
        ("entry", "at", "user", "action", "of", "details"),
        [
            (
                entry.sequence,
                instant(entry.at),
                entry.actor,
                entry.action,
                f"{entry.object_kind}:{entry.object_id}",
                entry.details,
            )
            for entry in shown
        ],
        right=("entry",),
    )
    if len(found) > limit:
        note(f"the newest {limit:,} are shown; --limit shows more")


@click.command("anchor", epilog="Example: finpat audit anchor --reason 'restored from the backup of 3 March'")
@click.option("--reason", required=True, metavar="TEXT", help="Why the trail is accepted as it is.")
@user_option
@workspace_option
def anchor_audit(reason: str, user: str, workspace: Path) -> None:
    """Accept the end of the trail as it is now: on a further machine, after a restored backup.

    A broken chain stays broken; this moves the anchor, and the trail tells who moved it.
    """
    with casework_of(workspace) as work:
        newest = work.database.accept(work.known(user, "audit"), now(), reason)
    say(f"anchored: {newest}")
