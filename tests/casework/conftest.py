from datetime import datetime

import psycopg
import pytest

from finpat.casework.database import Database
from tests.casework.postgresql import server

NOON = datetime(2026, 4, 1, 12)


@pytest.fixture(scope="session")
def postgresql_server():
    with server() as socket:
        yield socket


def fresh_postgresql(socket):
    """URL of a database without casework."""
    with psycopg.connect(f"host={socket} user=finpat dbname=postgres", autocommit=True) as connection:
        connection.execute("SET client_min_messages = error")
        connection.execute("DROP SCHEMA IF EXISTS casework CASCADE")
    return f"postgresql://finpat@/postgres?host={socket}"


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request):
    """URL of an empty database: None for SQLite in the workspace."""
    if request.param == "sqlite":
        return None
    return fresh_postgresql(request.getfixturevalue("postgresql_server"))


@pytest.fixture
def folder(tmp_path):
    """The workspace's casework folder."""
    return tmp_path / "casework"


@pytest.fixture
def database(folder, url):
    """An empty casework database, once of each kind."""
    with Database.open(folder, url) as opened:
        yield opened
