"""The tables of casework, in SQLAlchemy Core: what statements are written with.

A table is made by a migration (`migrations/`), never from here: what a migration made stays as it was
written, while this file tells how the tables are now. A test holds the two against each other on SQLite and
on PostgreSQL.

A further table needs three things: its `Table` on this module's `metadata` (here, or in the module of its own
that works with it), `migrations/NNNN_what.sql` with the next free number, and its name in the module's tests.
Instants are naive UTC; JSON is text in canonical form (`audit.canonical`); numbers of things are those of the
audit entries that made them (`Change.number`), so no two things of any kind share one.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, DateTime, MetaData, Table, Text

metadata = MetaData()

migrations = Table("migrations", metadata, Column("number", BigInteger, primary_key=True))

audit = Table(
    "audit",
    metadata,
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    Column("at", DateTime, nullable=False),
    Column("actor", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("object_kind", Text, nullable=False),
    Column("object_id", Text, nullable=False),
    Column("details", Text, nullable=False),
    Column("previous_hash", Text, nullable=False),
    Column("hash", Text, nullable=False),
)
