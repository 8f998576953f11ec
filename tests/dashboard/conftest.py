"""The dashboard in a real Chromium: a server in a thread, and a page that fails on whatever must not happen.

Without Chromium (`/usr/bin/chromium`, or where FINPAT_CHROMIUM says) these tests are skipped; with
FINPAT_REQUIRE_BROWSER=1 they fail instead.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from dash import Dash
from filelock import FileLock
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, sync_playwright
from werkzeug.serving import WSGIRequestHandler, make_server

from finpat.cli import run_command

CHROMIUM = Path(os.environ.get("FINPAT_CHROMIUM", "/usr/bin/chromium"))
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
]  # fmt: skip
WITHIN = ("data:", "blob:", "about:")  # addresses that reach nobody


class _Silent(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: Any) -> None:
        """Say nothing: a request is no result of a test."""


@contextmanager
def served(app: Dash) -> Iterator[str]:
    """The application on a free port of this machine; gives its address without a slash at the end."""
    server = make_server("127.0.0.1", 0, app.server, threaded=True, request_handler=_Silent)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Watch:
    """What a browser did that it must not: outside requests, errors of scripts, dialogs.

    `expected` are words of console errors that a test provokes on purpose.
    """

    def __init__(self) -> None:
        self.faults: list[str] = []
        self.expected: list[str] = []
        self._at_home: set[str] = set()

    def follow(self, context: BrowserContext, base: str) -> None:
        self._at_home.add(base)
        context.on("request", self._request)
        context.on("console", self._console)
        context.on("weberror", lambda error: self.faults.append(f"script error: {error.error}"))
        context.on("page", self._page)

    def _page(self, page: Page) -> None:
        page.on("dialog", self._dialog)

    def _dialog(self, dialog: Any) -> None:
        self.faults.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def _request(self, request: Request) -> None:
        home = tuple(f"{base}/" for base in self._at_home)
        if not f"{request.url}/".startswith(home) and not request.url.startswith(WITHIN):
            self.faults.append(f"outside request: {request.url}")

    def _console(self, message: ConsoleMessage) -> None:
        if message.type == "error" and not any(words in message.text for words in self.expected):
            self.faults.append(f"console: {message.text}")


@pytest.fixture(scope="session")
def sample_workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The workspace of `finpat demo`, made once for all processes of a test run; nothing writes to it."""
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    folder = shared / "sample-workspace"
    with FileLock(f"{folder}.lock"):
        if not (folder / "readmodel" / "CURRENT").exists():
            assert run_command(["demo", "-w", str(folder)]) == 0
    return folder


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """One Chromium for all tests of this process."""
    if not CHROMIUM.exists():
        reason = f"no Chromium at {CHROMIUM}; install it or name it in FINPAT_CHROMIUM"
        if os.environ.get("FINPAT_REQUIRE_BROWSER") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def serve() -> Iterator[Callable[[Dash], str]]:
    """`serve(app)` gives the address of an application that runs until the test ends."""
    with ExitStack() as running:
        yield lambda app: running.enter_context(served(app))


@pytest.fixture
def watch() -> Iterator[Watch]:
    """What must not happen in any browser of this test; looked at when the test ends."""
    watching = Watch()
    yield watching
    assert watching.faults == []


@pytest.fixture
def visit(chromium: Browser, watch: Watch) -> Iterator[Callable[..., Page]]:
    """`visit(address)` opens it in a browser of its own (own cookies), which `watch` follows.

    Options of Playwright's `new_context` may follow: `color_scheme`, `viewport`, `locale`.
    """
    with ExitStack() as opened:

        def visiting(address: str, **options: Any) -> Page:
            base = "/".join(address.split("/")[:3])
            context = chromium.new_context(**{"viewport": {"width": 1400, "height": 1000}, **options})
            opened.callback(context.close)
            watch.follow(context, base)
            page = context.new_page()
            page.set_default_timeout(15_000)
            page.goto(address)
            return page

        yield visiting
