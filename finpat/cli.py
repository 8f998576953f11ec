"""The command line: one entry, one line per error, exit codes 0 (done), 2 (usage or input), 1 (the rest).

Only the command line reads the clock, the environment and the working directory.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Sequence

import click

from finpat import __version__
from finpat.commands import (
    analysis,
    cases,
    casework,
    data,
    demo,
    learning,
    queries,
    reports,
    schedule,
    serve,
    trial,
    users,
)
from finpat.commands.terminal import note
from finpat.commands.tracing import trace
from finpat.errors import FinpatError, nearest

INTERRUPTED = 130  # 128 + SIGINT, as shells count
_MESSAGE = 400  # characters of an unexpected error that are shown without --debug


class _Commands(click.Group):
    """A group that names the nearest command for a misspelt one."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in self.commands and not args[0].startswith("-"):
            ctx.fail(f"unknown command {args[0]!r}.{nearest(args[0], self.commands)}")
        return super().resolve_command(ctx, args)


@click.group(
    cls=_Commands,
    invoke_without_command=True,
    epilog="Start with `finpat demo`, or with `finpat ingest FILE --as transactions` and `finpat run`.",
)
@click.version_option(__version__, prog_name="finpat", message="%(prog)s %(version)s")
@click.option("--debug", is_flag=True, help="Show where an error came from; goes anywhere in a command.")
@click.pass_context
def app(context: click.Context, debug: bool) -> None:
    """Find accounts worth a look in bank, wallet and payment exports, with reasons and evidence rows."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


@click.group(cls=_Commands)
def quarantine() -> None:
    """Rows that could not be loaded: list them, export them to be corrected."""


@click.group(cls=_Commands)
def user() -> None:
    """Users of the dashboard: add, list, another role, disable, enable, reset."""


@click.group(cls=_Commands)
def case() -> None:
    """Alerts, and what people do with them: take, note, decide, approve; nothing happens to an account."""


@click.group(cls=_Commands)
def audit() -> None:
    """The audit trail of casework: verify that nothing in it was changed, list it, anchor it."""


@click.group(cls=_Commands)
def query() -> None:
    """SQL queries over the newest run: list them, run them, check your own."""


for command in (
    demo.demo, data.inspect, data.ingest, analysis.run, analysis.flagged, analysis.explain, analysis.evaluate,
    learning.learn, analysis.verify, analysis.hotspots, analysis.simulate, quarantine, query, data.doctor,
    case, audit, serve.dashboard, user, analysis.path, trial.try_thresholds,
    schedule.schedule,
):  # fmt: skip
    app.add_command(command)
app.add_command(trace)
app.add_command(analysis.check_export)
app.add_command(reports.draft)
quarantine.add_command(data.list_quarantine)
quarantine.add_command(data.export_quarantine)
for command in (
    users.add_user, users.list_users, users.change_role, users.disable_user, users.enable_user,
    users.reset_user,
):  # fmt: skip
    user.add_command(command)
for command in (casework.verify_audit, casework.list_audit, casework.anchor_audit):
    audit.add_command(command)
for command in cases.COMMANDS:
    case.add_command(command)
for command in (
    queries.list_queries, queries.show_query, queries.list_tables, queries.run_one, queries.lint,
):  # fmt: skip
    query.add_command(command)


def run_command(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code; every error ends as one line on stderr."""
    debug = "--debug" in arguments
    words = [word for word in arguments if word != "--debug"]
    try:
        code = app.main(args=words, prog_name="finpat", standalone_mode=False)
    except (KeyboardInterrupt, click.Abort):
        note("finpat: interrupted; what was under way is not kept, everything before it is")
        return INTERRUPTED
    except click.ClickException as error:
        context = getattr(error, "ctx", None)
        where = context.command_path if context is not None else "finpat"
        note(f"finpat: {_one_line(error.format_message()).rstrip('.')}; see `{where} --help`")
        return error.exit_code
    except FinpatError as error:
        if debug:
            traceback.print_exc()
        note(f"finpat: {_one_line(str(error))}")
        return error.exit_code
    except Exception as error:
        if debug:
            traceback.print_exc()
        hint = "" if debug else "; repeat the command with --debug and send what it prints"
        reason = _one_line(f"{type(error).__name__}: {error}")
        note(f"finpat: unexpected error, please report it: {reason[:_MESSAGE]}{hint}")
        return 1
    return code if isinstance(code, int) else 0


def _one_line(text: str) -> str:
    return " ".join(text.split())


def main() -> None:
    """Entry point `finpat`."""
    sys.exit(run_command(sys.argv[1:]))
