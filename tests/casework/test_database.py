"""The casework database: opened, migrated and changed alike in SQLite and PostgreSQL."""

from __future__ import annotations

import sqlite3
import threading

import pytest
import sqlalchemy
from sqlalchemy import insert, select, text

from finpat.casework import audit, tables
from finpat.casework.database import SCHEMA, Database
from finpat.casework.migrations import migrations
from finpat.errors import CaseworkError, UsageError
from tests.casework.conftest import NOON


def shape(table):
    """What a table is made of, in words that both databases and the declaration share."""
    families = {
        "BIGINT": "whole", "INTEGER": "whole", "TEXT": "text", "BOOLEAN": "flag", "DATETIME": "instant",
        "TIMESTAMP": "instant", "DATE": "date", "FLOAT": "number", "REAL": "number", "DOUBLE": "number",
        "DOUBLE PRECISION": "number",
    }  # fmt: skip
    return {
        (column.name, families[str(column.type).split("(")[0]], column.nullable, column.primary_key)
        for column in table.columns
    }


def test_the_tables_that_migrations_make_are_the_declared_ones(database):
    made = sqlalchemy.MetaData()
    made.reflect(database.engine)
    assert set(made.tables) == set(tables.metadata.tables)
    for name, table in tables.metadata.tables.items():
        assert shape(made.tables[name]) == shape(table), name


def test_opening_again_changes_nothing(folder, url):
    with Database.open(folder, url) as first, first.writing("ana", NOON) as change:
        change.record("test.done", "test", 1)
    with Database.open(folder, url) as again:
        assert again.verify().entries == 1


def test_every_step_is_numbered_once_and_for_both_databases():
    numbers = [step.number for step in migrations("sqlite")]
    assert numbers == sorted(set(numbers)) == [step.number for step in migrations("postgresql")]
    assert numbers[0] == 1


def test_a_newer_schema_is_refused_in_one_line(folder, url):
    with Database.open(folder, url) as database, database.engine.begin() as connection:
        connection.execute(insert(tables.migrations), {"number": 9999})
    with pytest.raises(
        CaseworkError, match=r"has schema 9999, this finpat knows up to \d+; install a newer finpat$"
    ):
        Database.open(folder, url)


def test_an_unfinished_creation_is_finished(folder):
    folder.mkdir()
    sqlite3.connect(folder / "casework.sqlite").close()
    with Database.open(folder) as database:
        assert database.verify().entries == 0


@pytest.mark.parametrize("url", ["mysql://u:secret@h/d", "no url", "sqlite:///x.db"])
def test_a_url_that_cannot_be_used_is_told_without_what_is_secret_in_it(folder, url):
    with pytest.raises(UsageError, match="expected postgresql://user@host/database") as told:
        Database.open(folder, url)
    assert "secret" not in str(told.value)


def test_a_server_that_cannot_be_reached_is_told_without_its_password(folder):
    with pytest.raises(CaseworkError, match="while opening it") as told:
        Database.open(folder, "postgresql://ana:secret@127.0.0.1:1/none")
    assert "secret" not in str(told.value)


def test_a_file_that_is_no_database_is_told_in_one_line(folder):
    folder.mkdir()
    (folder / "casework.sqlite").write_text("something else" * 1000)
    with pytest.raises(CaseworkError, match=r"casework\.sqlite: file is not a database"):
        Database.open(folder)


def test_a_folder_that_cannot_be_written_is_told_in_one_line(folder):
    folder.parent.mkdir(exist_ok=True)
    folder.write_text("a file in its place")
    with pytest.raises(CaseworkError, match=r"casework: cannot be made \(File exists\)"):
        Database.open(folder)
    folder.unlink()
    (folder / "open.lock").mkdir(parents=True)
    with pytest.raises(CaseworkError, match=r"casework: cannot be written"):
        Database.open(folder)


def test_sqlite_writes_ahead_checks_keys_and_syncs_what_is_committed(folder):
    with Database.open(folder) as database, database.reading() as connection:
        told = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "foreign_keys", "synchronous")
        }
    assert told == {"journal_mode": "wal", "foreign_keys": 1, "synchronous": 2}


def test_tables_are_in_a_schema_of_their_own_in_postgresql(folder, postgresql_server):
    from tests.casework.conftest import fresh_postgresql

    with Database.open(folder, fresh_postgresql(postgresql_server)) as database:
        assert sqlalchemy.inspect(database.engine).has_table("audit", schema=SCHEMA)
        assert not sqlalchemy.inspect(database.engine).has_table("audit", schema="public")


def test_what_fails_in_the_middle_leaves_nothing(database):
    def failing():
        with database.writing("ana", NOON) as change:
            change.record("test.done", "test", 1)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        failing()
    assert database.verify().entries == 0


def test_a_change_that_nobody_tells_of_is_not_made(database):
    with database.writing("ana", NOON) as change:
        change.record("test.done", "test", 1)

    def silent():
        with database.writing("ana", NOON) as change:
            change.execute(insert(tables.migrations), [{"number": 77}])

    with pytest.raises(RuntimeError, match="without an entry in the audit trail"):
        silent()
    with database.reading() as connection:
        assert (
            connection.execute(select(tables.migrations).where(tables.migrations.c.number == 77)).all() == []
        )


def test_a_reader_sees_one_moment_while_others_write(database):
    with database.writing("ana", NOON) as change:
        change.record("test.done", "test", 1)
    with database.reading() as connection:
        before = audit.newest(connection)
        with database.writing("ben", NOON) as change:
            change.record("test.done", "test", 2)
        assert audit.newest(connection) == before
    with database.reading() as connection:
        assert audit.newest(connection).sequence == 2


def test_many_writers_at_once_make_one_whole_chain(database):
    def work(name):
        for number in range(10):
            with database.writing(name, NOON) as change:
                change.record("test.done", "test", f"{name}-{number}")

    workers = [threading.Thread(target=work, args=(f"user{n}",)) for n in range(6)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    verdict = database.verify()
    assert (verdict.entries, verdict.fault, verdict.unanchored) == (60, None, 0)
    with database.reading() as connection:
        done = {entry.object_id for entry in audit.entries(connection, limit=100)}
    assert done == {f"user{n}-{number}" for n in range(6) for number in range(10)}


@pytest.mark.parametrize("actor", ["", "  ", "a\nb", "x" * 300, "a\x00b", "right\u202eleft"])
def test_nobody_without_a_name_that_can_be_shown_changes_anything(database, actor):
    def nameless():
        with database.writing(actor, NOON) as change:
            change.record("test.done", "test", 1)

    with pytest.raises(UsageError, match="user: "):
        nameless()
    assert database.verify().entries == 0


def test_a_failing_statement_is_told_in_one_line(database):
    def wrong():
        with database.writing("ana", NOON) as change:
            change.record("test.done", "test", 1)
            change.execute(text("INSERT INTO nowhere VALUES (1)"))

    with pytest.raises(CaseworkError, match=r"nowhere.*while writing to it; nothing was changed") as told:
        wrong()
    assert "\n" not in str(told.value)
    assert database.verify().entries == 0
