"""The protected application over the small published run, with a user in each role."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher
from dash import Dash

from dashboard.access import RIGHTS
from dashboard.app import create_app
from dashboard.security import protect, tokens
from dashboard.state import ReadModels
from finpat.casework import audit, passwords, sessions, users
from finpat.casework.database import Database
from finpat.config import DashboardSettings, Settings
from tests.readmodel.published import publish_sample

PASSWORD = "correct horse battery staple"
HTML = {"Accept": "text/html"}


def now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)


class Client:
    """A browser without scripts: keeps cookies, sends the proof along as Dash and the forms do."""

    def __init__(self, app: Dash) -> None:
        self.client = app.server.test_client()
        self.name = tokens.cookie_name(False)

    @property
    def token(self) -> str:
        cookie = self.client.get_cookie(self.name)
        return cookie.value if cookie else ""

    @token.setter
    def token(self, value: str) -> None:
        self.client.set_cookie(self.name, value)

    @property
    def proof(self) -> dict[str, str]:
        return {tokens.PROOF_HEADER: tokens.proof(self.token)}

    def get(self, path: str, **headers: str) -> Any:
        return self.client.get(path, headers={**HTML, **headers}, buffered=True)

    def form(self, path: str, fields: dict[str, str] | None = None, **more: Any) -> Any:
        headers = {**HTML, **self.proof, **more.pop("headers", {})}
        return self.client.post(path, data=fields or {}, headers=headers, buffered=True, **more)

    def sign_in(self, name: str, password: str = PASSWORD) -> Any:
        self.get("/sign-in")
        return self.form("/sign-in", {"name": name, "password": password})

    def ask(self, body: Any, **headers: str) -> Any:
        """A callback, as Dash's script asks it."""
        return self.client.post(
            "/_dash-update-component", json=body, headers={**self.proof, **headers}, buffered=True
        )


@dataclass
class House:
    """The protected application with its database."""

    app: Dash
    database: Database
    settings: DashboardSettings

    def stranger(self) -> Client:
        return Client(self.app)

    def signed_in(self, role: str) -> Client:
        """A client of the user who has this role, and the role for a name."""
        client = Client(self.app)
        client.token = tokens.fresh()
        with self.database.writing(role, now()) as change:
            sessions.begin(change, role, client.token, "127.0.0.1", self.settings)
        return client

    def trail(self) -> list[audit.Entry]:
        with self.database.reading() as connection:
            return audit.entries(connection, limit=1000)


def house(folder: Path, settings: Settings | None = None, client_secret: str | None = None) -> House:
    """An application with one user per role, all with PASSWORD."""
    chosen = settings or Settings()
    publish_sample(folder)
    database = Database.open(folder / "casework")
    for role in RIGHTS:
        with database.writing("root", now()) as change:
            one_time = users.add(change, role, role)
        sessions.change_password(
            database, role, one_time, PASSWORD, f"first {role}", "127.0.0.1", now(), chosen.dashboard
        )
    app = create_app(ReadModels(folder / "readmodel"), database, chosen)
    return House(protect(app, chosen.dashboard, database, client_secret), database, chosen.dashboard)


@pytest.fixture(scope="package", autouse=True)
def cheap():
    """Argon2 with parameters that take no time; the real ones have their own test."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "_HASHER", PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))
        yield


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """The application of a module's tests; those that end sessions or lock somebody take `fresh`."""
    made = house(tmp_path_factory.mktemp("home"))
    yield made
    made.database.close()


@pytest.fixture
def fresh(tmp_path):
    """An application of the test's own."""
    made = house(tmp_path)
    yield made
    made.database.close()


@pytest.fixture(scope="module")
def guest_app(tmp_path_factory):
    """What `finpat demo --serve` serves."""
    folder = tmp_path_factory.mktemp("guest")
    publish_sample(folder)
    with Database.open(folder / "casework") as database:
        yield protect(create_app(ReadModels(folder / "readmodel"), database), DashboardSettings(), None)
