"""Commands of casework: `finpat case ...`, what the dashboard does as well, for scripts and terminals."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from finpat.commands.analysis import open_run, open_workspace
from finpat.commands.casework import casework_of, follow_run, user_option
from finpat.commands.terminal import instant, json_option, note, now, say, say_json, table, workspace_option
from finpat.errors import UsageError

if TYPE_CHECKING:
    from finpat.casework.decisions import Decision

_DAY = click.DateTime(["%Y-%m-%d"])
version_option = click.option(
    "--version",
    type=int,
    metavar="N",
    help="The version that you saw; where somebody has changed the alert since, nothing is done.",
)
reason_option = click.option("--reason", required=True, metavar="TEXT", help="Why.")


@click.command("list", epilog="Example: finpat case list --state new --state reopened --assignee ana")
@click.option(
    "--queue", default="subjects", show_default=True, help="subjects or protect (possible victims)."
)
@click.option("--state", "states", multiple=True, help="Only alerts in this state; may be given again.")
@click.option("--assignee", metavar="NAME", help="Only this person's alerts; '' for nobody's.")
@click.option("--account", metavar="ID", help="Only accounts whose id begins so.")
@click.option("--decision", metavar="KIND", help="Only where the latest decision is this one.")
@click.option("--indicator", metavar="ID", help="Only where this indicator found something.")
@click.option(
    "--order", default="score", show_default=True, help="score, band, opened, changed, due or account."
)
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True, help="At most so many.")
@click.option("--offset", type=click.IntRange(0), default=0, help="Leave so many out first.")
@workspace_option
@json_option
def list_alerts(
    queue: str,
    states: tuple[str, ...],
    assignee: str | None,
    account: str | None,
    decision: str | None,
    indicator: str | None,
    order: str,
    limit: int,
    offset: int,
    workspace: Path,
    as_json: bool,
) -> None:
    """Alerts of one queue; possible victims stand in their own, to be protected and referred."""
    from finpat.casework import questions

    choice = questions.Choice(queue, states, assignee, account, decision, indicator)
    with casework_of(workspace) as work, work.database.reading() as connection:
        page = questions.queue(connection, choice, order=order, offset=offset, limit=limit)
    if as_json:
        say_json({"total": page.total, "alerts": page.rows})
        return
    if queue == "protect" and page.rows:
        say("Possible victims: protect and refer, no subjects of a report")
    names = ("number", "account_id", "score", "band", "state", "assignee", "disposition", "groups")
    table(
        ("alert", *names[1:]),
        [[", ".join(row[name]) if name == "groups" else row[name] for name in names] for row in page.rows],
        right=("alert", "score"),
    )
    if page.total > offset + len(page.rows):
        note(f"{len(page.rows):,} of {page.total:,} alerts; --limit and --offset show others")


@click.command("show", epilog="Example: finpat case show 17")
@click.argument("number", type=int, required=False)
@click.option("--account", metavar="ID", help="In place of a number: all alerts of an account.")
@workspace_option
@json_option
def show_alert(number: int | None, account: str | None, workspace: Path, as_json: bool) -> None:
    """One alert whole, or all of an account: decisions, notes, files, and what was done by whom."""
    from finpat.casework import questions

    if (number is None) == (account is None):
        raise UsageError("give the number of an alert, or --account ID")
    with casework_of(workspace) as work, work.database.reading() as connection:
        if number is not None:
            found = [questions.alert(connection, number)]
        else:
            held = questions.alerts_of(connection, str(account))
            found = [questions.alert(connection, row["number"]) for row in held]
        done = {row["number"]: questions.done_to(connection, row["number"]) for row in found}
    if as_json:
        say_json([row | {"history": [vars(entry) for entry in done[row["number"]]]} for row in found])
        return
    if not found:
        note(f"account {account} has no alert")
    for row in found:
        _show(row)
        for entry in reversed(done[row["number"]]):
            say(f"  {instant(entry.at)}  {entry.actor}: {entry.action.partition('.')[2]}")


def _show(row: dict[str, Any]) -> None:
    say(f"alert {row['number']} of account {row['account_id']}, version {row['version']}")
    say(f"  {row['band']}, score {row['score']}, {', '.join(row['groups']) or 'no group'}")
    say(f"  {row['state'].replace('_', ' ')}, with {row['assignee'] or 'nobody'}, queue {row['queue']}")
    if row["queue"] == "protect":
        say("  possible victim: protect and refer, no subject of a report")
    for found in row["decisions"]:
        where = f", {found['reference']} of {found['reference_on']}" if found["reference"] else ""
        approved = f", approved by {found['approved_by']}" if found["approved_by"] else ""
        say(f"  decided {found['kind']}{where} by {found['decided_by']}{approved}: {found['reason']}")
    for found in row["notes"]:
        say(f"  note {found['number']} by {found['written_by']}: {found['text']}")
    for found in row["files"]:
        say(f"  file {found['number']}: {found['name']} ({found['bytes']:,} bytes, {found['content_type']})")


@click.command("workload", epilog="Example: finpat case workload --json")
@workspace_option
@json_option
def show_workload(workspace: Path, as_json: bool) -> None:
    """Open alerts by queue, person and state, with the oldest of each."""
    from finpat.casework import questions

    with casework_of(workspace) as work, work.database.reading() as connection:
        rows = questions.workload(connection)
    if as_json:
        say_json(rows)
        return
    table(
        ("queue", "assignee", "state", "alerts", "oldest"),
        [
            (
                row["queue"],
                row["assignee"] or "nobody",
                row["state"],
                row["alerts"],
                instant(row["oldest_at"]),
            )
            for row in rows
        ],
        right=("alerts",),
    )


@click.command("claim", epilog="Example: finpat case claim 17")
@click.argument("number", type=int)
@version_option
@user_option
@workspace_option
def claim(number: int, version: int | None, user: str, workspace: Path) -> None:
    """Take an alert: you review it now."""
    from finpat.casework import alerts

    with casework_of(workspace) as work, work.change(user, "work") as change:
        alerts.claim(change, number, version=version)
    say(f"alert {number}: in review by {user}")


@click.command("assign", epilog="Example: finpat case assign 17 18 19 --to ben")
@click.argument("numbers", type=int, nargs=-1, required=True, metavar="NUMBER...")
@click.option("--to", "assignee", metavar="NAME", help="Who gets them.")
@click.option("--to-nobody", is_flag=True, help="Give them back to the queue.")
@user_option
@workspace_option
def assign(
    numbers: tuple[int, ...], assignee: str | None, to_nobody: bool, user: str, workspace: Path
) -> None:
    """Give alerts to somebody, all of them or none."""
    from finpat.casework import alerts

    if (assignee is None) != to_nobody:
        raise UsageError("give --to NAME or --to-nobody")
    with casework_of(workspace) as work:
        who = work.known(assignee, "work") if assignee else None
        with work.change(user, "assign") as change:
            alerts.assign(change, dict.fromkeys(numbers), who)
    say(f"{len(numbers)} alerts given to {who or 'nobody'}")


@click.command("note", epilog="Example: finpat case note 17 'Called the branch' --file statement.pdf")
@click.argument("number", type=int)
@click.argument("text")
@click.option(
    "--file",
    "files",
    multiple=True,
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="A file to attach; may be given again.",
)
@user_option
@workspace_option
def add_note(number: int, text: str, files: tuple[Path, ...], user: str, workspace: Path) -> None:
    """Write a note on an alert, with files; it is never changed, a further one corrects it."""
    from finpat.casework import attachments, notes

    with casework_of(workspace) as work:
        work.known(user, "work")
        stored = []
        for path in files:
            with path.open("rb") as content:
                stored.append(attachments.store(work.folder, path.name, content, work.settings.attachment_mb))
        with work.change(user, "work") as change:
            made = notes.add_note(change, number, text, stored)
    say(f"note {made} on alert {number}, {len(stored)} files")


@click.command("save", epilog="Example: finpat case save 23 --out statement.pdf")
@click.argument("number", type=int)
@click.option("--out", type=click.Path(path_type=Path), help="Write here; default: its name, in this folder.")
@click.option("--force", is_flag=True, help="Replace a file that is there.")
@user_option
@workspace_option
def save_file(number: int, out: Path | None, force: bool, user: str, workspace: Path) -> None:
    """Save an attached file, by the number that `finpat case show` gives it."""
    import shutil

    from finpat.casework import notes

    with casework_of(workspace) as work:
        work.known(user, "work")
        with work.database.reading() as connection:
            row, path = notes.open_file(connection, work.folder, number)
    target = out or Path(row["name"])
    if target.exists() and not force:
        raise UsageError(f"{target}: is there already; choose another --out, or --force to replace it")
    try:
        shutil.copyfile(path, target)
    except OSError as error:
        raise UsageError(f"{target}: cannot be written: {error.strerror}") from None
    say(str(target))


@click.command("wait", epilog="Example: finpat case wait 17 --reason 'asked the branch' --until 2026-04-09")
@click.argument("number", type=int)
@reason_option
@click.option("--until", type=_DAY, metavar="DAY", help="The day to look again.")
@version_option
@user_option
@workspace_option
def wait(
    number: int, reason: str, until: datetime | None, version: int | None, user: str, workspace: Path
) -> None:
    """Put an alert on hold, for a reply or a document."""
    from finpat.casework import alerts

    with casework_of(workspace) as work, work.change(user, "work") as change:
        alerts.wait(change, number, reason, until=_day(until), version=version)
    say(f"alert {number}: on hold")


@click.command("resume", epilog="Example: finpat case resume 17")
@click.argument("number", type=int)
@version_option
@user_option
@workspace_option
def resume(number: int, version: int | None, user: str, workspace: Path) -> None:
    """Take up an alert that was on hold."""
    from finpat.casework import alerts

    with casework_of(workspace) as work, work.change(user, "work") as change:
        alerts.resume(change, number, version=version)
    say(f"alert {number}: in review")


@click.command("reopen", epilog="Example: finpat case reopen 17 --reason 'a further statement came in'")
@click.argument("number", type=int)
@reason_option
@version_option
@user_option
@workspace_option
def reopen(number: int, reason: str, version: int | None, user: str, workspace: Path) -> None:
    """Open a closed alert again."""
    from finpat.casework import alerts

    with casework_of(workspace) as work, work.change(user, "work") as change:
        alerts.reopen(change, number, reason, version=version)
    say(f"alert {number}: reopened")


@click.command("move", epilog="Example: finpat case move 17 protect --reason 'statement of the shelter'")
@click.argument("number", type=int)
@click.argument("queue", metavar="subjects|protect")
@reason_option
@version_option
@user_option
@workspace_option
def move(number: int, queue: str, reason: str, version: int | None, user: str, workspace: Path) -> None:
    """Move an alert between subjects and possible victims."""
    from finpat.casework import alerts

    with casework_of(workspace) as work, work.change(user, "work") as change:
        alerts.move(change, number, queue, reason, version=version)
    say(f"alert {number}: in queue {queue}")


as_option = click.option("--as", "kind", required=True, metavar="KIND", help="What the alert came to.")
reference_option = click.option(
    "--reference", metavar="TEXT", help="Number of the report or answer, or what confirmed it."
)
reference_on_option = click.option(
    "--reference-date", "reference_on", type=_DAY, help="Date of the reference."
)


@click.command(
    "decide", epilog="Example: finpat case decide 17 --as suspicious --reason 'money passes through'"
)
@click.argument("number", type=int)
@as_option
@reason_option
@reference_option
@reference_on_option
@version_option
@user_option
@workspace_option
def decide(
    number: int,
    kind: str,
    reason: str,
    reference: str | None,
    reference_on: datetime | None,
    version: int | None,
    user: str,
    workspace: Path,
) -> None:
    """Keep a decision on an alert, open or closed, without closing it.

    KIND is suspicious, reported, feedback, confirmed, not_suspicious, undetermined or referred: what an
    analyst thinks, what was filed, what the authority answered and what was established stay apart.
    """
    from finpat.casework import decisions

    decision = _decision(kind, reason, reference, reference_on)
    with casework_of(workspace) as work, work.change(user, "work") as change:
        decisions.decide(change, number, decision, version=version)
    say(f"alert {number}: {kind}")


@click.command("close", epilog="Example: finpat case close 17 --as not_suspicious --reason 'seasonal wages'")
@click.argument("number", type=int)
@as_option
@reason_option
@reference_option
@reference_on_option
@version_option
@user_option
@workspace_option
def close(
    number: int,
    kind: str,
    reason: str,
    reference: str | None,
    reference_on: datetime | None,
    version: int | None,
    user: str,
    workspace: Path,
) -> None:
    """Close an alert with a decision; where the settings ask for four eyes, ask for approval.

    KIND as in `finpat case decide`. Nothing happens to the account itself.
    """
    from finpat.casework import decisions

    decision = _decision(kind, reason, reference, reference_on)
    with casework_of(workspace) as work, work.change(user, "work") as change:
        done = decisions.close(change, number, decision, work.settings, version=version)
    if done.request is None:
        say(f"alert {number}: closed, {kind}")
    else:
        say(f"alert {number}: request {done.request} waits for somebody else's approval")


def _decision(kind: str, reason: str, reference: str | None, reference_on: datetime | None) -> Decision:
    from finpat.casework.decisions import Decision

    return Decision(kind, reason, reference, _day(reference_on))


@click.command("suppress", epilog="Example: finpat case suppress A17 --until 2026-09-01 --reason 'a charity'")
@click.argument("account")
@click.option(
    "--until", type=_DAY, required=True, metavar="DAY", help="The day from which it no longer holds."
)
@reason_option
@click.option("--indicator", metavar="ID", help="Only what rests on this indicator alone.")
@user_option
@workspace_option
def suppress(
    account: str, until: datetime, reason: str, indicator: str | None, user: str, workspace: Path
) -> None:
    """For a time, let an account open no alerts; growth past the bounds of the settings ends it."""
    from finpat.casework import decisions

    with open_run(open_workspace(workspace)) as model:
        place = model.ranked().filter(account_id=account)
    if place.is_empty():
        raise UsageError(f"account {account!r} is not in the newest run")
    with casework_of(workspace) as work, work.change(user, "work") as change:
        made, request = decisions.suppress(
            change,
            account,
            reason,
            until.date(),
            work.settings,
            indicator_id=indicator,
            score=place["score"][0],
            findings=place["findings"][0],
        )
    if made is not None:
        say(f"suppression {made}: account {account} until {until.date()}")
    else:
        say(f"account {account}: request {request} waits for somebody else's approval")


@click.command("lift", epilog="Example: finpat case lift 31 --reason 'the charity closed'")
@click.argument("number", type=int)
@reason_option
@user_option
@workspace_option
def lift(number: int, reason: str, user: str, workspace: Path) -> None:
    """End a suppression before its time."""
    from finpat.casework import suppressions

    with casework_of(workspace) as work, work.change(user, "work") as change:
        suppressions.lift(change, number, reason)
    say(f"suppression {number}: ended")


@click.command("requests", epilog="Example: finpat case requests")
@workspace_option
@json_option
def list_requests(workspace: Path, as_json: bool) -> None:
    """What waits for a second person."""
    from finpat.casework import requests

    with casework_of(workspace) as work, work.database.reading() as connection:
        rows = requests.unsettled(connection)
    if as_json:
        say_json([dict(row) | {"details": requests.details_of(row)} for row in rows])
        return
    table(
        ("request", "asked at", "by", "to", "of", "reason"),
        [
            (
                row["number"],
                instant(row["requested_at"]),
                row["requested_by"],
                row["action"],
                f"{row['object_kind']} {row['object_id']}",
                row["reason"],
            )
            for row in rows
        ],
        right=("request",),
    )


@click.command("ask", epilog="Example: finpat case ask export list 0007 --reason 'monthly report'")
@click.argument("action", metavar="export|reveal")
@click.argument("kind", metavar="list|account")
@click.argument("object_id", metavar="ID")
@reason_option
@user_option
@workspace_option
def ask(action: str, kind: str, object_id: str, reason: str, user: str, workspace: Path) -> None:
    """Ask somebody else to approve an export or a reveal, which may then be used once."""
    from finpat.casework import requests

    if action not in requests.PERMISSIONS:
        raise UsageError.unknown("request", action, requests.PERMISSIONS)
    with casework_of(workspace) as work, work.change(user, action) as change:
        made = requests.ask(change, action, kind, object_id, reason)
    say(f"request {made} waits for somebody else's approval")


@click.command("approve", epilog="Example: finpat case approve 41")
@click.argument("request", type=int)
@click.option("--reason", default="", metavar="TEXT", help="Why, where something is to be said.")
@user_option
@workspace_option
def approve(request: int, reason: str, user: str, workspace: Path) -> None:
    """Approve somebody else's request; nobody approves their own."""
    from finpat.casework import decisions

    with casework_of(workspace) as work, work.change(user, "approve") as change:
        asked = decisions.approve(change, request, work.settings, reason)
    say(f"request {request}: approved, {asked['action']} {asked['object_kind']} {asked['object_id']}")


@click.command("refuse", epilog="Example: finpat case refuse 41 --reason 'the cash is not explained'")
@click.argument("request", type=int)
@reason_option
@user_option
@workspace_option
def refuse(request: int, reason: str, user: str, workspace: Path) -> None:
    """Refuse somebody else's request."""
    from finpat.casework import decisions

    with casework_of(workspace) as work, work.change(user, "approve") as change:
        asked = decisions.refuse(change, request, work.settings, reason)
    say(f"request {request}: refused, {asked['action']} {asked['object_kind']} {asked['object_id']}")


@click.command("withdraw", epilog="Example: finpat case withdraw 41")
@click.argument("request", type=int)
@user_option
@workspace_option
def withdraw(request: int, user: str, workspace: Path) -> None:
    """Take back a request of your own."""
    from finpat.casework import decisions

    with casework_of(workspace) as work, work.change(user, "work") as change:
        decisions.withdraw(change, request)
    say(f"request {request}: taken back")


@click.command("judge", epilog="Example: finpat case judge person P1 P2 --as same --reason 'same passport'")
@click.argument("kind")
@click.argument("one", metavar="ID")
@click.argument("other", metavar="ID")
@click.option("--as", "verdict", required=True, metavar="same|not_same|undecided", help="The judgement.")
@reason_option
@user_option
@workspace_option
def judge(kind: str, one: str, other: str, verdict: str, reason: str, user: str, workspace: Path) -> None:
    """Say whether two ids of one KIND stand for the same one; later runs are told."""
    from finpat.casework import judgements

    with casework_of(workspace) as work, work.change(user, "work") as change:
        made = judgements.judge(change, kind, one, other, verdict, reason)
    say(f"judgement {made}: {kind} {one} and {other}: {verdict}")


@click.command("judgements", epilog="Example: finpat case judgements --json")
@workspace_option
@json_option
def list_judgements(workspace: Path, as_json: bool) -> None:
    """The judgement in force on each pair of ids."""
    from finpat.casework import judgements

    with casework_of(workspace) as work, work.database.reading() as connection:
        rows = [dict(row) for row in judgements.current_judgements(connection)]
    if as_json:
        say_json(rows)
        return
    names = ("number", "kind", "left_id", "right_id", "verdict", "judged_by", "reason")
    table(("judgement", *names[1:]), [[row[name] for name in names] for row in rows], right=("judgement",))


@click.command("undo", epilog="Example: finpat case undo 52 --reason 'wrong pair'")
@click.argument("judgement", type=int)
@reason_option
@user_option
@workspace_option
def undo(judgement: int, reason: str, user: str, workspace: Path) -> None:
    """Take a judgement out of force; the one before it holds again."""
    from finpat.casework import judgements

    with casework_of(workspace) as work, work.change(user, "work") as change:
        judgements.undo(change, judgement, reason)
    say(f"judgement {judgement}: undone")


@click.command("follow", epilog="Example: finpat case follow")
@workspace_option
@json_option
def follow(workspace: Path, as_json: bool) -> None:
    """Bring the alerts up to date with the newest run; `finpat run` does it by itself."""
    with open_run(open_workspace(workspace)) as model:
        done = follow_run(workspace, model)
    if as_json:
        say_json(vars(done))
    else:
        say(f"run {done.run_id}: {done.in_words()}")


@click.command("purge", epilog="Example: finpat case purge")
@user_option
@workspace_option
@json_option
def purge(user: str, workspace: Path, as_json: bool) -> None:
    """Drop texts and files of alerts that came to nothing, once they are as old as the settings say."""
    from finpat.casework import retention

    with casework_of(workspace) as work:
        with work.change(user, "settings") as change:
            done = retention.purge(change, work.settings)
        with work.database.reading() as connection:
            swept = retention.sweep(connection, work.folder, now())
    if as_json:
        say_json(vars(done) | {"swept": swept})
    else:
        say(f"{done.alerts:,} alerts: {done.notes:,} notes and {done.files:,} files dropped")
        note(f"{swept:,} files removed from the workspace")


def _day(moment: datetime | None) -> date | None:
    return moment.date() if moment else None


COMMANDS = (
    list_alerts, show_alert, show_workload, claim, assign, add_note, save_file, wait, resume, reopen, move,
    decide, close, suppress, lift, list_requests, ask, approve, refuse, withdraw, judge, list_judgements,
    undo, follow, purge,
)  # fmt: skip
