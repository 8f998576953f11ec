"""Serving the dashboard: `finpat dashboard`, and the demonstration for one person on this machine."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from finpat.commands.casework import open_casework
from finpat.commands.terminal import note, now, say, workspace_option
from finpat.errors import SettingsError

if TYPE_CHECKING:
    from finpat.config import DashboardSettings

host_option = click.option("--host", metavar="ADDRESS", help="Address to listen on; 127.0.0.1 unless set.")
port_option = click.option(
    "--port", type=click.IntRange(1, 65535), help="Port to listen on; 8050 unless set."
)


def chosen_address(settings: DashboardSettings, host: str | None, port: int | None) -> DashboardSettings:
    """The settings with the address that the command names."""
    return settings.model_copy(
        update={name: value for name, value in (("host", host), ("port", port)) if value is not None}
    )


def check_guest_address(host: str | None, port: int | None) -> DashboardSettings:
    """The address of a dashboard that nobody signs in to.

    Raises:
        UsageError: it is another than loopback.
    """
    from dashboard.serve import check_address
    from finpat.config import DashboardSettings

    settings = chosen_address(DashboardSettings(), host, port)
    check_address(settings, guest=True)
    return settings


def serve_guest(workspace: Path, host: str | None, port: int | None) -> None:
    """Serve a workspace to whoever sits at this machine: read-only, nobody signs in.

    Raises:
        UsageError: another address than loopback is named.
    """
    from dashboard.app import create_app
    from dashboard.security import protect
    from dashboard.serve import serve
    from dashboard.state import ReadModels

    settings = check_guest_address(host, port)
    with open_casework(workspace) as casework:
        app = protect(create_app(ReadModels(workspace / "readmodel"), casework), settings, None)
        serve(app.server, settings, _listening)


def _client_secret(workspace: Path, settings: DashboardSettings) -> str | None:
    """The secret at the provider of single sign-on: FINPAT_OIDC_SECRET, or the file of the settings.

    Raises:
        SettingsError: the file cannot be read.
    """
    file = settings.oidc.client_secret_file
    if (given := os.environ.get("FINPAT_OIDC_SECRET")) or not file:
        return given
    try:
        return (workspace / file).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"dashboard.oidc.client_secret_file: {error}") from None


def _listening(address: str) -> None:
    say(f"The dashboard is at {address}")
    note("Ctrl-C ends it.")


@click.command(epilog="Example: finpat dashboard --port 8060")
@host_option
@port_option
@workspace_option
def dashboard(host: str | None, port: int | None, workspace: Path) -> None:
    """Serve the dashboard of a workspace; people sign in.

    Other machines reach it once finpat.toml says under which address: `[dashboard] url`.
    """
    from dashboard.app import create_app
    from dashboard.security import protect
    from dashboard.serve import check_address, serve
    from dashboard.state import ReadModels
    from finpat.casework.users import ONE_TIME_HOURS, first_administrator
    from finpat.commands.analysis import open_workspace
    from finpat.config import load_settings

    folder = open_workspace(workspace)
    chosen = load_settings(folder.path)
    settings = chosen_address(chosen.dashboard, host, port)
    check_address(settings, guest=False)
    with open_casework(workspace) as casework:
        made = first_administrator(casework, now())
        if made is not None:
            name, password = made
            say(f"First start. Sign in as {name} with this one-time password, shown once:")
            say(f"   {password}")
            note(f"It is good for {ONE_TIME_HOURS} hours; `finpat user reset {name}` gives another one.")
        app = create_app(ReadModels(folder.readmodel), casework, chosen)
        app = protect(app, settings, casework, _client_secret(folder.path, settings))
        serve(app.server, settings, _listening)
