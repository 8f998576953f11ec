"""The ledger of due runs: one row for each query and slot, in SQLite; the only state of the schedule.

A slot is claimed before its query runs, and settled in one transaction with its files, the rows that it gave
and the notices that are to be sent. A slot that a killed process left running is run again, under the same
name; a slot that is settled never is.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from finpat.errors import StoreError

FILE_NAME = "ledger.sqlite"
RUNNING, OK, FAILED, SKIPPED = "running", "ok", "failed", "skipped"
PENDING, SENT, GIVEN_UP = "pending", "sent", "given_up"
_VERSION = 1
_TABLES = """
CREATE TABLE queries (query TEXT PRIMARY KEY, since TEXT NOT NULL);
CREATE TABLE runs (
    query TEXT NOT NULL, slot TEXT NOT NULL, state TEXT NOT NULL, tries INTEGER NOT NULL,
    started_at TEXT, finished_at TEXT, text_sha256 TEXT, parameters TEXT, run_id TEXT,
    data_fingerprint TEXT, rows INTEGER, rows_apart INTEGER, new_rows INTEGER, is_cut INTEGER,
    seconds REAL, error TEXT,
    PRIMARY KEY (query, slot)
);
CREATE TABLE files (
    query TEXT NOT NULL, slot TEXT NOT NULL, file TEXT NOT NULL, rows INTEGER NOT NULL,
    bytes INTEGER NOT NULL, sha256 TEXT NOT NULL,
    PRIMARY KEY (query, slot, file)
);
CREATE TABLE deliveries (
    query TEXT NOT NULL, slot TEXT NOT NULL, channel TEXT NOT NULL, target TEXT NOT NULL, state TEXT NOT NULL,
    tries INTEGER NOT NULL, error TEXT, due_at TEXT NOT NULL, settled_at TEXT,
    PRIMARY KEY (query, slot, channel, target)
);
CREATE TABLE row_keys (query TEXT NOT NULL, key BLOB NOT NULL, PRIMARY KEY (query, key)) WITHOUT ROWID;
"""


class Delivery(NamedTuple):
    """One notice that is to be sent."""

    query: str
    slot: datetime
    channel: str
    target: str
    due_at: datetime


class Ledger:
    """The open ledger of a workspace's schedule."""

    def __init__(self, folder: Path) -> None:
        """Open `folder`/ledger.sqlite, made if need be.

        Raises:
            StoreError: it cannot be opened, or a newer finpat made it.
        """
        self.path = folder / FILE_NAME
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(self.path, isolation_level=None, timeout=30)
            self._connection.row_factory = sqlite3.Row
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute("PRAGMA synchronous = FULL")
            version = self._connection.execute("PRAGMA user_version").fetchone()[0]
            if version == 0:
                self._connection.executescript(f"BEGIN;{_TABLES};PRAGMA user_version = {_VERSION};COMMIT;")
        except (OSError, sqlite3.Error) as error:
            raise StoreError(f"{self.path}: cannot be opened: {error}") from None
        if version > _VERSION:
            self._connection.close()
            raise StoreError(f"{self.path}: was made by a newer finpat; install it to go on")

    def __enter__(self) -> Ledger:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    @contextmanager
    def _whole(self) -> Iterator[sqlite3.Connection]:
        """All or nothing."""
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield self._connection
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")

    def _ask(self, sql: str, *values: Any) -> list[sqlite3.Row]:
        return self._connection.execute(sql, values).fetchall()

    def known_since(self, query: str, now: datetime) -> datetime:
        """When the query was first on the schedule: slots count from then on. Notes `now` for a new one."""
        self._connection.execute("INSERT OR IGNORE INTO queries VALUES (?, ?)", (query, now.isoformat()))
        ((since,),) = self._ask("SELECT since FROM queries WHERE query = ?", query)
        return datetime.fromisoformat(since)

    def last_slot(self, query: str) -> datetime | None:
        """The newest slot that was claimed or skipped."""
        ((slot,),) = self._ask("SELECT max(slot) FROM runs WHERE query = ?", query)
        return datetime.fromisoformat(slot) if slot else None

    def left_running(self, query: str) -> list[datetime]:
        """Slots that a killed process left, oldest first."""
        found = self._ask("SELECT slot FROM runs WHERE query = ? AND state = ? ORDER BY slot", query, RUNNING)
        return [datetime.fromisoformat(slot) for (slot,) in found]

    def claim(self, query: str, slot: datetime, now: datetime) -> int:
        """Take a slot: how often it has been taken, 1 the first time; 0 where it is settled already."""
        with self._whole() as connection:
            changed = connection.execute(
                "INSERT INTO runs (query, slot, state, tries, started_at) VALUES (?, ?, ?, 1, ?) "
                "ON CONFLICT (query, slot) DO UPDATE SET tries = tries + 1, started_at = excluded.started_at "
                "WHERE state = ?",
                (query, slot.isoformat(), RUNNING, now.isoformat(), RUNNING),
            ).rowcount
            if not changed:
                return 0
            ((tries,),) = self._ask(
                "SELECT tries FROM runs WHERE query = ? AND slot = ?", query, slot.isoformat()
            )
        return int(tries)

    def skip(self, query: str, slots: Sequence[datetime], reason: str) -> None:
        """Settle slots that are not run."""
        with self._whole() as connection:
            connection.executemany(
                "INSERT INTO runs (query, slot, state, tries, error) VALUES (?, ?, ?, 0, ?) "
                "ON CONFLICT (query, slot) DO UPDATE SET state = excluded.state, error = excluded.error "
                "WHERE state = 'running'",
                [(query, slot.isoformat(), SKIPPED, reason) for slot in slots],
            )

    def settle(
        self,
        query: str,
        slot: datetime,
        told: Mapping[str, Any],
        *,
        files: Sequence[tuple[str, int, int, str]] = (),
        keys: frozenset[bytes] | None = None,
        deliveries: Sequence[tuple[str, str]] = (),
    ) -> None:
        """Settle a claimed slot in one step.

        told: columns of `runs`. files: (name, rows, bytes, sha256). keys: of the rows that it gave, in place
        of those of the run before. deliveries: (channel, target) of the notices to be sent.
        """
        at = slot.isoformat()
        columns = ", ".join(f"{name} = ?" for name in told)
        with self._whole() as connection:
            connection.execute(
                f"UPDATE runs SET {columns} WHERE query = ? AND slot = ? AND state = '{RUNNING}'",
                (*(_stored(value) for value in told.values()), query, at),
            )
            connection.executemany(
                "INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?, ?, ?)",
                [(query, at, *file) for file in files],
            )
            if keys is not None:
                connection.execute("DELETE FROM row_keys WHERE query = ?", (query,))
                connection.executemany(
                    "INSERT INTO row_keys VALUES (?, ?)", [(query, key) for key in sorted(keys)]
                )
            connection.executemany(
                "INSERT OR IGNORE INTO deliveries VALUES (?, ?, ?, ?, ?, 0, NULL, ?, NULL)",
                [
                    (query, at, channel, target, PENDING, _stored(told["finished_at"]))
                    for channel, target in deliveries
                ],
            )

    def keys_before(self, query: str) -> frozenset[bytes]:
        """Keys of the rows that the last successful run of the query gave."""
        return frozenset(key for (key,) in self._ask("SELECT key FROM row_keys WHERE query = ?", query))

    def run_before(self, query: str) -> str | None:
        """The published run that the last successful run of the query read."""
        found = self._ask(
            "SELECT run_id FROM runs WHERE query = ? AND state = ? ORDER BY slot DESC LIMIT 1", query, OK
        )
        return str(found[0][0]) if found else None

    def pending(self) -> list[Delivery]:
        """Notices that are to be sent, oldest first."""
        found = self._ask(
            "SELECT query, slot, channel, target, due_at FROM deliveries WHERE state = ? "
            "ORDER BY due_at, query, channel, target",
            PENDING,
        )
        return [
            Delivery(q, datetime.fromisoformat(slot), channel, target, datetime.fromisoformat(due))
            for q, slot, channel, target, due in found
        ]

    def note_delivery(
        self, delivery: Delivery, state: str, tries: int, error: str | None, now: datetime
    ) -> None:
        """Record what became of a notice."""
        self._connection.execute(
            "UPDATE deliveries SET state = ?, tries = tries + ?, error = ?, settled_at = ? "
            "WHERE query = ? AND slot = ? AND channel = ? AND target = ?",
            (
                state, tries, error, None if state == PENDING else now.isoformat(),
                delivery.query, delivery.slot.isoformat(), delivery.channel, delivery.target,
            ),
        )  # fmt: skip

    def run_of(self, query: str, slot: datetime) -> dict[str, Any]:
        """One run with the names of its files."""
        (row,) = self._ask("SELECT * FROM runs WHERE query = ? AND slot = ?", query, slot.isoformat())
        return self._with_files(dict(row))

    def runs(self, query: str | None = None, last: int = 0) -> list[dict[str, Any]]:
        """Runs, newest slot first; the `last` ones (0: all), of one query or of all."""
        limit = f"LIMIT {last:d}" if last else ""
        where = "WHERE query = ?" if query else ""
        found = self._ask(
            f"SELECT * FROM runs {where} ORDER BY slot DESC, query {limit}", *([query] if query else [])
        )
        return [self._with_files(dict(row)) for row in found]

    def _with_files(self, run: dict[str, Any]) -> dict[str, Any]:
        files = self._ask(
            "SELECT file, rows, bytes, sha256 FROM files WHERE query = ? AND slot = ? ORDER BY file",
            run["query"],
            run["slot"],
        )
        run["parameters"] = json.loads(run["parameters"]) if run["parameters"] else None
        run["is_cut"] = None if run["is_cut"] is None else bool(run["is_cut"])
        return run | {"files": [dict(file) for file in files]}

    def deliveries(self) -> list[dict[str, Any]]:
        """Every notice and what became of it, newest first."""
        return [dict(row) for row in self._ask("SELECT * FROM deliveries ORDER BY due_at DESC, query")]

    def counts(self, table: str, by: Sequence[str]) -> list[tuple[Any, ...]]:
        """Number of rows of `runs` or `deliveries` by columns."""
        names = ", ".join(by)
        return [
            tuple(row)
            for row in self._ask(f"SELECT {names}, count(*) FROM {table} GROUP BY {names} ORDER BY {names}")
        ]


def scheduled_runs(folder: Path, query: str | None = None, last: int = 0) -> list[dict[str, Any]]:
    """`Ledger.runs` for who only reads: nothing is made where no schedule ever ran."""
    if not (folder / FILE_NAME).exists():
        return []
    with Ledger(folder) as ledger:
        return ledger.runs(query, last)


def _stored(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    return json.dumps(value, default=str) if isinstance(value, dict) else value
