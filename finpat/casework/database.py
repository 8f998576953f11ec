"""The casework database: SQLite in the workspace, or PostgreSQL by URL; and how anything in it is changed.

`Database.reading` gives one moment's state. `Database.writing` is one transaction, alone at its time (SQLite:
BEGIN IMMEDIATE; PostgreSQL: an advisory lock), because every change is an entry of one chain: it commits what
it changed together with the entries that tell of it, or nothing.

Clock and actor are parameters: only the command line and the dashboard know them.
"""

from __future__ import annotations

import hashlib
import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy
from filelock import FileLock, Timeout
from sqlalchemy import Connection, CursorResult, Engine, Executable, Select, event, exc, func, insert, select

from finpat.casework import anchor, audit, contents, texts
from finpat.casework import tables as declared
from finpat.casework.migrations import migrations
from finpat.errors import CaseworkError, UsageError

FILE = "casework.sqlite"
SCHEMA = "casework"  # where the tables are in PostgreSQL
PATIENCE = 15.0  # seconds that a writer waits for the one before it
_WRITERS = 0x66696E706174  # key of the advisory lock that PostgreSQL's writers take
_UPKEEP = _WRITERS + 1


@dataclass
class Change:
    """One transaction that changes casework; made by `Database.writing`.

    Whatever is executed has to be told by `record` before the transaction ends. login: who the system says it
    is, where the actor's name was only claimed (the command line); each entry keeps it.
    """

    connection: Connection
    actor: str
    at: datetime
    login: str | None
    _newest: audit.Anchor | None
    _entries: list[audit.Entry] = field(default_factory=list)
    _changed: bool = False

    @property
    def number(self) -> int:
        """Number of the entry that `record` writes next: also the number of a thing that this entry makes."""
        return (self._newest.sequence if self._newest else 0) + 1

    def ask(self, query: Select[Any]) -> CursorResult[Any]:
        """Read inside the transaction."""
        return self.connection.execute(query)

    def execute(
        self, statement: Executable, rows: Sequence[Mapping[str, Any]] | None = None
    ) -> CursorResult[Any]:
        """Insert, update or delete."""
        self._changed = True
        return self.connection.execute(statement, rows)

    def record(
        self, action: str, object_kind: str, object_id: object, details: Mapping[str, Any] | None = None
    ) -> int:
        """Tell what was done; `action` is `kind.what`, as `alert.claimed`. Returns the entry's number."""
        entry = audit.chained(
            self._newest,
            at=self.at,
            actor=self.actor,
            action=action,
            object_kind=object_kind,
            object_id=str(object_id),
            details=audit.canonical(dict(details or {}) | ({"login": self.login} if self.login else {})),
        )
        self._entries.append(entry)
        self._newest = audit.Anchor(entry.sequence, entry.hash)
        return entry.sequence

    def finish(self) -> audit.Anchor | None:
        """Write the entries; the newest entry, or None where nothing was told.

        Raises:
            RuntimeError: something was changed and nothing told: a mistake in this program.
        """
        if self._changed and not self._entries:
            raise RuntimeError("casework was changed without an entry in the audit trail")
        audit.append(self.connection, self._entries)
        return self._newest if self._entries else None


@dataclass(frozen=True)
class Database:
    """An open casework database in its newest schema.

    place: what messages call it, without a password. anchor: the file that anchors its audit trail.
    login: who the system says is working, for the trail, where names of users are only claimed.
    turn: writers of one process wait for each other here, in order; SQLite has them try again and again.
    """

    engine: Engine
    place: str
    anchor: Path
    login: str | None = None
    turn: threading.Lock = field(default_factory=threading.Lock, compare=False, repr=False)

    @classmethod
    def open(cls, folder: Path, url: str | None = None) -> Database:
        """The database at `url`, else the one in `folder` (the workspace's `casework`); made if need be.

        Raises:
            CaseworkError: it cannot be reached or written, or a newer finpat made it.
            UsageError: the URL is none that can be used.
        """
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise CaseworkError(f"{folder}: cannot be made ({error.strerror})") from None
        if url:
            opened = cls._postgresql(folder, url)
        else:
            opened = cls(_sqlite_engine(folder / FILE), str(folder / FILE), folder / "anchor.json")
        try:
            # One at a time: SQLite cannot turn to write-ahead logging while somebody else looks.
            with opened._told("opening it"), FileLock(folder / "open.lock", timeout=PATIENCE):
                opened._migrate()
        except BaseException as error:
            opened.close()
            if isinstance(error, Timeout):
                raise CaseworkError(f"{opened.place}: another process is opening it; repeat") from None
            if isinstance(error, OSError):
                raise CaseworkError(f"{folder}: cannot be written ({error.strerror})") from None
            raise
        return opened

    @classmethod
    def _postgresql(cls, folder: Path, url: str) -> Database:
        try:
            parsed = sqlalchemy.make_url(url)
        except exc.ArgumentError:
            raise UsageError("casework.url: expected postgresql://user@host/database") from None
        if parsed.drivername not in ("postgresql", "postgresql+psycopg", "postgres"):
            raise UsageError(
                f"casework.url: {parsed.drivername!r} is not supported; "
                "expected postgresql://user@host/database, or no URL for SQLite in the workspace"
            )
        try:
            engine = sqlalchemy.create_engine(
                parsed.set(drivername="postgresql+psycopg"), pool_size=8, max_overflow=24, pool_pre_ping=True
            )
        except ModuleNotFoundError:
            raise CaseworkError(
                "casework.url: PostgreSQL needs a further package: pip install 'finpat[postgres]'"
            ) from None
        event.listen(engine, "connect", _choose_schema)
        where = f"{parsed.host or parsed.query.get('host', '')}:{parsed.port or 5432}/{parsed.database}"
        name = hashlib.sha256(where.encode()).hexdigest()[:8]
        return cls(engine, parsed.render_as_string(hide_password=True), folder / f"anchor-{name}.json")

    def __enter__(self) -> Database:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of every connection."""
        self.engine.dispose()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection that sees one moment's state and changes nothing.

        Raises:
            CaseworkError: the database cannot be read.
        """
        # PostgreSQL shows each statement the newest state unless told otherwise; SQLite never does.
        options = {"isolation_level": "REPEATABLE READ"} if self._is_postgresql else {}
        with self._told("reading it"), self.engine.connect() as connection:
            yield connection.execution_options(**options)

    @contextmanager
    def writing(self, actor: str, at: datetime) -> Iterator[Change]:
        """One change by `actor` at the instant `at` (naive UTC): whole with its entries, or not at all.

        Raises:
            CaseworkError: the database cannot be written, or others have been writing for too long.
            UsageError: the actor's name cannot be kept.
        """
        actor = texts.line(actor, "user")
        with self._told("writing to it"), self._in_turn(), self.engine.connect() as connection:
            connection = connection.execution_options(immediate=True)
            with connection.begin():
                if self._is_postgresql:
                    connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{PATIENCE:.0f}s'")
                    connection.execute(select(func.pg_advisory_xact_lock(_WRITERS)))
                before = audit.newest(connection)
                anchored = self._anchored(connection, before)
                change = Change(connection, actor, at, self.login, before)
                yield change
                after = change.finish()
            if after is not None and anchored:
                # The change is kept by now; that its anchor is not, verifying tells (`Verdict.unanchored`).
                with suppress(OSError):
                    anchor.advance(self.anchor, after)

    @contextmanager
    def upkeep(self) -> Iterator[Connection]:
        """A change that is nobody's work and leaves no entry: when a session was seen, failed attempts.

        Raises:
            CaseworkError: as `writing`.
        """
        with self._told("writing to it"), self.engine.connect() as connection:
            connection = connection.execution_options(immediate=True)
            with connection.begin():
                if self._is_postgresql:
                    connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{PATIENCE:.0f}s'")
                    connection.execute(select(func.pg_advisory_xact_lock(_UPKEEP)))
                yield connection

    @contextmanager
    def _in_turn(self) -> Iterator[None]:
        if not self.turn.acquire(timeout=PATIENCE):
            raise CaseworkError(f"{self.place}: others have been writing for {PATIENCE:.0f} seconds; repeat")
        try:
            yield
        finally:
            self.turn.release()

    def _anchored(self, connection: Connection, newest: audit.Anchor | None) -> bool:
        """Whether the trail still has the entry that the anchor names, or has none and needs none."""
        try:
            kept = anchor.read(self.anchor)
        except CaseworkError:  # work goes on over a damaged file, which verifying tells
            return False
        return newest is None if kept is None else audit.holds(connection, kept)

    def verify(self, *, noted: audit.Anchor | None = None) -> audit.Verdict:
        """Walk the audit trail and hold the tables against it; `noted` is an anchor kept elsewhere."""
        with self.reading() as connection:
            # The file is read first: entries written meanwhile come after it.
            kept = anchor.read(self.anchor)
            anchors = {self.anchor.name: kept} if kept else {}
            if noted is not None:
                anchors["the noted anchor"] = noted
            verdict = audit.verify(connection, anchors)
            if verdict.fault is None:
                verdict = replace(verdict, fault=contents.first_difference(connection))
        if verdict.fault is None and verdict.entries and not anchors:
            fault = (
                f"{self.anchor}: is not there, so nobody can say whether entries were removed at the end; "
                "give one with --anchor NUMBER:HASH, or accept the trail as it is with `finpat audit anchor`"
            )
            return replace(verdict, fault=fault)
        return verdict

    def accept(self, actor: str, at: datetime, reason: str) -> audit.Anchor:
        """Anchor the trail as it is now, which is told in the trail: after a move, or a restored backup."""
        with self.writing(actor, at) as change:
            before = self.anchor.read_text("utf-8", "replace").strip() if self.anchor.exists() else None
            told = {"before": before, "reason": texts.line(reason, "reason")}
            change.record("audit.anchored", "audit", self.anchor.name, told)
        with self.reading() as connection:
            newest = audit.newest(connection)
        assert newest is not None
        self.anchor.unlink(missing_ok=True)
        anchor.advance(self.anchor, newest)
        return newest

    @property
    def _is_postgresql(self) -> bool:
        return self.engine.dialect.name == "postgresql"

    def _migrate(self) -> None:
        """Bring the schema to this program's version.

        Raises:
            CaseworkError: it is of a newer one.
        """
        steps = migrations(self.engine.dialect.name)
        newest = steps[-1].number
        with self.engine.connect() as connection:
            done = self._done(connection)
        if done and max(done) > newest:
            raise CaseworkError(
                f"{self.place}: has schema {max(done)}, this finpat knows up to {newest}; "
                "install a newer finpat"
            )
        if done.issuperset(step.number for step in steps):
            return
        if not self._is_postgresql and not done:
            with self.engine.connect() as connection:
                raw = connection.connection.dbapi_connection
                assert isinstance(raw, sqlite3.Connection)
                raw.execute("PRAGMA journal_mode = WAL")
        with self.engine.connect().execution_options(immediate=True) as connection, connection.begin():
            if self._is_postgresql:
                connection.execute(select(func.pg_advisory_xact_lock(_WRITERS)))
                connection.exec_driver_sql(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}")
            done = self._done(connection)
            for step in steps:
                if step.number not in done:
                    for statement in step.statements:
                        connection.exec_driver_sql(statement)
                    connection.execute(insert(declared.migrations), {"number": step.number})

    def _done(self, connection: Connection) -> set[int]:
        """Numbers of the steps that the database has gone through."""
        schema = SCHEMA if self._is_postgresql else None
        if not sqlalchemy.inspect(connection).has_table(declared.migrations.name, schema=schema):
            return set()
        return set(connection.scalars(select(declared.migrations.c.number)))

    @contextmanager
    def _told(self, doing: str) -> Iterator[None]:
        """A failure of the database in one line."""
        try:
            yield
        except exc.DBAPIError as error:
            reason = " ".join(str(error.orig).split())
            if "database is locked" in reason or "lock timeout" in reason:
                raise CaseworkError(
                    f"{self.place}: another process has been writing for {PATIENCE:.0f} seconds; repeat"
                ) from error
            raise CaseworkError(f"{self.place}: {reason}, while {doing}; nothing was changed") from error
        except exc.TimeoutError as error:
            raise CaseworkError(f"{self.place}: too many people at once, while {doing}; repeat") from error


def _sqlite_engine(path: Path) -> Engine:
    engine = sqlalchemy.create_engine(
        sqlalchemy.URL.create("sqlite", database=str(path)),
        pool_size=8,
        max_overflow=24,
        connect_args={"timeout": PATIENCE},
    )
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin)
    return engine


def _prepare(connection: sqlite3.Connection, _: object) -> None:
    connection.isolation_level = None  # transactions begin where `_begin` says, not at the first change
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA synchronous = FULL")  # what is committed outlives a power cut


def _begin(connection: Connection) -> None:
    immediate = connection.get_execution_options().get("immediate", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")


def _choose_schema(connection: Any, _: object) -> None:
    connection.execute(f"SET search_path TO {SCHEMA}")
    connection.commit()
