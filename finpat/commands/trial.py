"""`finpat try`: an indicator's thresholds tried on a run's data before they are saved."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from finpat.commands.analysis import open_run, open_workspace
from finpat.commands.terminal import json_option, say, say_json, table, workspace_option
from finpat.errors import UsageError

SHOWN = 20


@click.command("try", epilog="Example: finpat try ST-STRUCT-01 --set min_count=4")
@click.argument("indicator")
@click.option("--set", "changes", multiple=True, metavar="NAME=VALUE", help="A parameter and its value.")
@click.option("--run", "run_id", metavar="RUN", help="The run whose data is judged; the newest otherwise.")
@workspace_option
@json_option
def try_thresholds(
    indicator: str, changes: tuple[str, ...], run_id: str | None, workspace: Path, as_json: bool
) -> None:
    """Judge a run's data with other parameters of one indicator; nothing is saved.

    Says which accounts would be found, which are new or no longer found, and who lies just below the line.
    """
    wanted = dict(_change(word) for word in changes)
    if not wanted:
        raise UsageError(f"say what to change: finpat try {indicator} --set NAME=VALUE")
    from finpat.trial import try_indicator

    with open_run(open_workspace(workspace), run_id) as model:
        run = model.run_id
        trial = try_indicator(workspace, run, indicator.upper(), wanted)
        if as_json:
            say_json(asdict(trial))
            return
        for name, before, tried in trial.parameters:
            say(f"{name}: {before} in run {run}, tried {tried}")
        say(f"found: {len(trial.found)}; new: {len(trial.gained)}; no longer: {len(trial.lost)}")
        looser = ", ".join(f"{name} {value}" for name, _, value in trial.loosened)
        if looser:
            say(f"just below the line (with {looser}): {trial.below}")
        from finpat.readmodel.indicator_page import accounts_in_list

        for title, accounts in (("new", trial.gained), ("no longer", trial.lost), ("below", trial.drawn)):
            rows = accounts_in_list(model, list(accounts), SHOWN)
            if rows.height:
                say()
                say(f"{title}:" if len(accounts) <= SHOWN else f"{title} (the first {SHOWN}):")
                shown = rows.select("rank", "account_id", "score", "band", "possible_role")
                table(shown.columns, shown.rows(), right=("rank", "score"))


def _change(word: str) -> tuple[str, Any]:
    """`min_count=4` as a name and a value as finpat.toml would read it."""
    import tomllib

    name, equals, value = word.partition("=")
    if not equals or not name.strip():
        raise UsageError(f"--set {word!r}: expected NAME=VALUE, as in --set min_count=4")
    try:
        return name.strip(), tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        return name.strip(), value
