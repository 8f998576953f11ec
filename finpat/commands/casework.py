"""Commands of casework: audit verify, list and anchor."""

from __future__ import annotations

import getpass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from finpat.commands.terminal import instant, json_option, note, now, say, say_json, table, workspace_option
from finpat.errors import UsageError

if TYPE_CHECKING:
    from finpat.casework.database import Database

user_option = click.option(
    "--user",
    envvar="FINPAT_USER",
    metavar="NAME",
    default=getpass.getuser,
    show_default="your login name",
    help="Who does this, for the audit trail (or FINPAT_USER).",
)


def open_casework(workspace: Path) -> Database:
    """The casework database of a workspace, made where it has none yet."""
    from finpat.casework.database import Database
    from finpat.config import load_settings
    from finpat.store.workspace import Workspace

    folder = Workspace.open(workspace)
    return Database.open(folder.casework, load_settings(folder.path).casework.url or None)


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
    with open_casework(workspace) as database:
        verdict = database.verify(noted=kept)
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
    with open_casework(workspace) as database, database.reading() as connection:
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
    with open_casework(workspace) as database:
        newest = database.accept(user, now(), reason)
    say(f"anchored: {newest}")
