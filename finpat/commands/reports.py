"""Drafts of reports about one account: nothing is filed or sent."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from finpat.commands.analysis import open_run, open_workspace
from finpat.commands.casework import approval_option, keep_record, user_option
from finpat.commands.terminal import json_option, note, now, say, say_json, workspace_option
from finpat.errors import UsageError


@click.group()
def draft() -> None:
    """Drafts of reports about an account: checked field by field, never filed, never sent."""


def _network_options(command: Callable[..., None]) -> Callable[..., None]:
    """What both forms of a network take."""
    for option in (
        workspace_option,
        user_option,
        approval_option,
        click.option("--run", "run_id", metavar="RUN", help="A run's number; default: the newest."),
        click.option("--force", is_flag=True, help="Replace a file that is there."),
        click.option(
            "--out", type=click.Path(path_type=Path), required=True, metavar="FILE", help="Write here."
        ),
        click.argument("account", metavar="ACCOUNT"),
    ):
        command = option(command)
    return command


@draft.command("sar", epilog="Example: finpat draft sar 4401 --out draft.xml --reason 'alert 17'")
@click.argument("account", metavar="ACCOUNT")
@click.option("--out", type=click.Path(path_type=Path), required=True, metavar="FILE", help="Write here.")
@click.option("--reason", required=True, metavar="TEXT", help="Why; the draft shows the holder's name.")
@click.option(
    "--subtype",
    "subtypes",
    multiple=True,
    metavar="CODE",
    help="Suspicious activity subtype, e.g. 927; may be repeated; default: what the crosswalk proposes.",
)
@click.option("--subject-unknown", is_flag=True, help="Nothing is known of the holder.")
@click.option("--force", is_flag=True, help="Replace a file that is there.")
@click.option("--run", "run_id", metavar="RUN", help="A run's number; default: the newest.")
@approval_option
@user_option
@workspace_option
@json_option
def draft_fincen(
    account: str,
    out: Path,
    reason: str,
    subtypes: tuple[str, ...],
    subject_unknown: bool,
    force: bool,
    run_id: str | None,
    approval: int | None,
    user: str,
    workspace: Path,
    as_json: bool,
) -> None:
    """Write a draft for FinCEN (batch XML), or say what is missing, field by field; exit code 1 then."""
    from finpat.config import load_settings
    from finpat.explain import explain_account
    from finpat.reports import fincen_draft

    if not reason.strip():
        raise UsageError("--reason: say why the draft is made; it shows the holder's name")
    if out.exists() and not force:
        raise UsageError(f"{out}: is there already; choose another --out, or --force to replace it")
    folder = open_workspace(workspace)
    with open_run(folder, run_id) as model:
        number = model.run_id
        explanation = explain_account(model, account, reveal=reason)
    made = fincen_draft(
        explanation,
        load_settings(folder.path).reports.fincen,
        now().date(),
        subtypes=subtypes,
        subject_unknown=subject_unknown,
    )
    if made.document is not None:
        details = {"file": out.name, "run_id": number, "report": "draft", "reason": reason}
        keep_record(folder.path, user, "export", ("account", account), approval, details)
        _write(out, made.document)
    if as_json:
        faults = [vars(fault) for fault in made.faults]
        say_json(
            {
                "run_id": number,
                "file": str(out) if made.document is not None else None,
                "missing_or_invalid": faults,
                "to_complete": made.to_complete,
            }
        )
    elif made.document is None:
        for fault in made.faults:
            say(str(fault))
        note(f"nothing written: {len(made.faults)} fields are missing or cannot be used")
    else:
        say(str(out))
        for item in made.to_complete:
            note(f"to complete: {item}")
        note("a draft: nothing was filed or sent")
    if made.document is None:
        raise click.exceptions.Exit(1)


def _draft_network(
    form: str,
    account: str,
    out: Path,
    force: bool,
    run_id: str | None,
    approval: int | None,
    user: str,
    workspace: Path,
) -> None:
    """Write the network of an account for another tool, and tell the trail before."""
    from finpat.reports.network import as_followthemoney, as_stix, network_of

    if out.exists() and not force:
        raise UsageError(f"{out}: is there already; choose another --out, or --force to replace it")
    folder = open_workspace(workspace)
    with open_run(folder, run_id) as model:
        network = network_of(model, account)
    text = as_stix(network, now()) if form == "stix" else as_followthemoney(network)
    details = {"file": out.name, "run_id": network.run_id, "network": form}
    keep_record(folder.path, user, "export", ("account", account), approval, details)
    _write(out, text.encode("utf-8"))
    say(str(out))
    note(
        f"{len(network.accounts):,} accounts, {len(network.ties):,} ties; {network.left_out:,} accounts of "
        "possible victims left out; a draft: nothing was sent"
    )


@draft.command("stix", epilog="Example: finpat draft stix 4401 --out network.json")
@_network_options
def draft_stix(**options: Any) -> None:
    """Write the network of an account as STIX 2.1, without names."""
    _draft_network("stix", **options)


@draft.command("ftm", epilog="Example: finpat draft ftm 4401 --out network.ftm.json")
@_network_options
def draft_followthemoney(**options: Any) -> None:
    """Write the network of an account as FollowTheMoney entities, one a line, without names."""
    _draft_network("ftm", **options)


def _write(out: Path, document: bytes) -> None:
    """The file whole or not at all, for its owner alone."""
    building = out.with_name(f".{out.name}.building")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        building.unlink(missing_ok=True)
        with os.fdopen(os.open(building, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as handle:
            handle.write(document)
        os.replace(building, out)
    except OSError as error:
        raise UsageError(f"{out}: cannot be written: {error.strerror or error}") from None
    finally:
        building.unlink(missing_ok=True)
