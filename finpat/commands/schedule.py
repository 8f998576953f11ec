"""Commands of the schedule: run it as a service or once, and tell how it stands."""

from __future__ import annotations

import signal
import threading
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from finpat.commands.queries import catalogue_of
from finpat.commands.terminal import json_option, note, now, say, say_json, table, workspace_option

if TYPE_CHECKING:
    from finpat.scheduled.service import Pass


@click.group("schedule", invoke_without_command=True, epilog="Example: finpat schedule --once")
@click.option("--once", is_flag=True, help="Settle what is due and end: for cron and timers.")
@click.option(
    "--metrics-port",
    type=click.IntRange(1, 65535),
    metavar="PORT",
    help="As a service: metrics on 127.0.0.1:PORT.",
)
@workspace_option
@json_option
@click.pass_context
def schedule(
    context: click.Context, once: bool, metrics_port: int | None, workspace: Path, as_json: bool
) -> None:
    """Run due queries, catch up on missed ones, write their outputs; a service, or --once.

    Exit code 1 where a run failed or a notice could not be sent: the alarm of whatever called it.
    """
    if context.invoked_subcommand is not None:
        return
    from finpat.scheduled.service import BusyError, only_scheduler, run_due, serve
    from finpat.scheduled.settings import load_schedule_settings
    from finpat.store.workspace import Workspace

    folder = Workspace.open(workspace)
    settings = load_schedule_settings(folder.path)
    try:
        with only_scheduler(folder):
            if once:
                catalogue = catalogue_of(workspace)
                done = run_due(folder, catalogue, settings, now(), now)
                _tell(done, as_json)
                for error in catalogue.broken.values():
                    note(f"finpat: {error}")
                if not done.is_clean or catalogue.broken:
                    raise click.exceptions.Exit(1)
                return
            stop = threading.Event()
            for name in (signal.SIGTERM, signal.SIGINT):
                signal.signal(name, lambda *_: stop.set())
            if metrics_port is not None:
                _serve_metrics(folder.schedule, metrics_port)
            note(
                f"finpat: scheduling {len(catalogue_of(workspace))} queries of {workspace}; stop with Ctrl-C"
            )
            serve(
                folder, lambda: catalogue_of(workspace), settings, now, stop, lambda done: _tell(done, False)
            )
    except BusyError as error:
        # No alarm: the other one does the work. A timer that fires during a long pass ends here.
        note(f"finpat: {error}")
        if as_json:
            say_json({"busy": True})


def _serve_metrics(folder: Path, port: int) -> None:
    from prometheus_client import start_http_server

    from finpat.scheduled.metrics import registry

    start_http_server(port, addr="127.0.0.1", registry=registry(folder, now))


def _tell(done: Pass, as_json: bool) -> None:
    settled = [("ok", done.ok), ("failed", done.failed), ("skipped", done.skipped)]
    if as_json:
        told: dict[str, Any] = {
            state: [{"query": query, "slot": slot.isoformat() + "Z"} for query, slot in found]
            for state, found in settled
        }
        say_json(told | {"undelivered": done.undelivered})
        return
    for state, found in settled:
        for query, slot in found:
            say(f"{state:8} {query}  due {slot.isoformat()}Z")
    if done.undelivered:
        note(f"{done.undelivered:,} notices could not be sent; `finpat schedule status` tells why")


@schedule.command("status", epilog="Example: finpat schedule status --last 50")
@click.option("--last", type=click.IntRange(0), default=20, show_default=True, help="So many runs; 0: all.")
@click.option("--query", "query", metavar="NAME", help="Only the runs of one query.")
@workspace_option
@json_option
def status(last: int, query: str | None, workspace: Path, as_json: bool) -> None:
    """Tell how the schedule stands: what ran, what failed and why, what is due next, what was sent."""
    from finpat.scheduled.due import next_slot
    from finpat.scheduled.ledger import Ledger
    from finpat.store.workspace import Workspace

    folder = Workspace.open(workspace)
    catalogue = catalogue_of(workspace)
    if query is not None:
        catalogue.get(query)
    due = sorted(
        (slot, item.name)
        for item in catalogue
        if (slot := next_slot(item, now())) and query in (None, item.name)
    )
    with Ledger(folder.schedule) as ledger:
        runs, notices = ledger.runs(query, last), ledger.deliveries()
    if as_json:
        upcoming = [{"query": name, "slot": slot.isoformat() + "Z"} for slot, name in due]
        say_json({"next": upcoming, "runs": runs, "deliveries": notices})
        return
    shown = [
        (
            run["query"],
            _shown(run["slot"]),
            run["state"],
            run["run_id"],
            run["rows"],
            run["new_rows"],
            run["error"],
        )
        for run in runs
    ]
    table(("query", "due", "state", "run", "rows", "new", "error"), shown, right=("rows", "new"))
    unsent = [item for item in notices if item["state"] != "sent"]
    for item in unsent[:20]:
        say(f"notice {item['state']}: {item['query']} {item['channel']} {item['tries']}x {item['error']}")
    say()
    table(("next", "query"), [(_shown(slot.isoformat()), name) for slot, name in due[:10]])


def _shown(slot: str) -> str:
    return datetime.fromisoformat(slot).strftime("%Y-%m-%d %H:%MZ")
