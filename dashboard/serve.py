"""The dashboard's server: waitress, one process with threads, until it is told to stop."""

from __future__ import annotations

import errno
import ipaddress
import signal
import socket
import threading
from collections.abc import Callable
from typing import Any

import waitress
from flask import Flask

from finpat.config import DashboardSettings
from finpat.errors import FinpatError, UsageError


class ServerError(FinpatError):
    """The address cannot be listened on."""


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach the address; a name other than `localhost` is not looked up."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def check_address(settings: DashboardSettings, *, guest: bool) -> None:
    """Refuse an address that more people reach than may.

    guest: nobody signs in.

    Raises:
        UsageError: it is another than loopback, and nobody signs in or no `url` is set.
    """
    if is_loopback(settings.host):
        return
    if guest:
        raise UsageError(
            f"--host {settings.host}: where nobody signs in, the dashboard is served on this machine only "
            "(127.0.0.1); to serve others, use `finpat dashboard`"
        )
    if not settings.url:
        raise UsageError(
            f"--host {settings.host}: others can reach it, so set the address that they type in finpat.toml, "
            'e.g. [dashboard] url = "https://finpat.example.org" (the encryption is a proxy\'s work)'
        )


def serve(server: Flask, settings: DashboardSettings, listening: Callable[[str], None]) -> None:
    """Answer requests until SIGTERM or Ctrl-C; those under way are finished before it returns.

    listening: told the address once it can be opened.

    Raises:
        ServerError: the address is taken or is none of this machine.
    """
    listener = _bound(settings.host, settings.port)
    running = waitress.create_server(
        server,
        sockets=[listener],
        threads=settings.threads,
        ident=None,  # which server answers is nobody's business
        max_request_body_size=settings.request_mb << 20,
        # The application believes as many proxies as the settings say; see `security.protect`.
        clear_untrusted_proxy_headers=settings.proxies == 0,
    )

    def stop(*_: Any) -> None:
        raise SystemExit(0)  # waitress finishes what is under way, then returns

    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, stop)
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    listening(settings.url or f"http://{host}:{settings.port}")
    running.run()


def _bound(host: str, port: int) -> socket.socket:
    """A socket that listens there: before anything is made that would have to be taken down again."""
    try:
        family, *_, place = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        return socket.create_server(place[:2], family=family)
    except OSError as error:
        taken = "the port is taken; choose another with --port"
        reason = taken if error.errno == errno.EADDRINUSE else str(error.strerror or error)
        raise ServerError(f"{host}:{port}: {reason}") from None
