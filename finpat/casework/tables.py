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

from sqlalchemy import BigInteger, Column, Date, DateTime, Double, ForeignKey, MetaData, Table, Text

metadata = MetaData()

migrations = Table("migrations", metadata, Column("number", BigInteger, primary_key=True))

users = Table(
    "users",
    metadata,
    Column("name", Text, primary_key=True),
    Column("role", Text, nullable=False),
    Column("password_hash", Text),
    Column("one_time_until", DateTime),
    Column("subject", Text, unique=True),
    Column("disabled_at", DateTime),
    Column("added_at", DateTime, nullable=False),
    Column("added_by", Text, nullable=False),
    Column("signed_in_at", DateTime),
)

sessions = Table(
    "sessions",
    metadata,
    Column("token_hash", Text, primary_key=True),
    Column("user_name", Text, ForeignKey("users.name"), nullable=False),
    Column("started_at", DateTime, nullable=False),
    Column("seen_at", DateTime, nullable=False),
    Column("ends_at", DateTime, nullable=False),
    Column("address", Text, nullable=False),
)

refusals = Table(
    "refusals",
    metadata,
    Column("of_what", Text, primary_key=True),
    Column("attempts", BigInteger, nullable=False),
    Column("last_at", DateTime, nullable=False),
    Column("wait_until", DateTime),
)

reveals = Table(
    "reveals",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("token_hash", Text, ForeignKey("sessions.token_hash", ondelete="CASCADE"), nullable=False),
    Column("object_kind", Text, nullable=False),
    Column("object_id", Text, nullable=False),
    Column("until", DateTime, nullable=False),
)

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

alerts = Table(
    "alerts",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("account_id", Text, nullable=False),
    Column("queue", Text, nullable=False),
    Column("origin", Text, nullable=False),  # following.py: band, top, drawn; hidden from reviewers
    Column("state", Text, nullable=False),
    Column("assignee", Text),
    Column("disposition", Text),  # the latest decision that is no feedback
    Column("version", BigInteger, nullable=False),
    Column("opened_at", DateTime, nullable=False),
    Column("opened_run", Text, nullable=False),
    Column("changed_at", DateTime, nullable=False),
    Column("changed_by", Text, nullable=False),
    Column("closed_at", DateTime),
    Column("waits_until", Date),
    Column("reopened_count", BigInteger, nullable=False),
    Column("basis_score", BigInteger, nullable=False),  # what growth is measured from
    Column("basis_findings", BigInteger, nullable=False),
    Column("score", BigInteger, nullable=False),  # from here on: what run `seen_run` says of the account
    Column("findings", BigInteger, nullable=False),
    Column("band", Text, nullable=False),
    Column("possible_role", Text, nullable=False),
    Column("seen_run", Text, nullable=False),
    Column("drawn_share", Double),  # chance that the account had in the draw for blind review
    Column("purged_at", DateTime),
)

alert_groups = Table(
    "alert_groups",
    metadata,
    Column("account_id", Text, primary_key=True),
    Column("typology_group", Text, primary_key=True),
    Column("alert", BigInteger, ForeignKey("alerts.number"), nullable=False),
)

alert_indicators = Table(
    "alert_indicators",
    metadata,
    Column("alert", BigInteger, ForeignKey("alerts.number"), primary_key=True, autoincrement=False),
    Column("indicator_id", Text, primary_key=True),
    Column("run_id", Text, nullable=False),
)

followed_runs = Table(
    "followed_runs",
    metadata,
    Column("run_id", Text, primary_key=True),
    Column("at", DateTime, nullable=False),
    Column("accounts", BigInteger, nullable=False),
    Column("opened", BigInteger, nullable=False),
    Column("protect", BigInteger, nullable=False),
    Column("joined", BigInteger, nullable=False),
    Column("reopened", BigInteger, nullable=False),
    Column("suppressed", BigInteger, nullable=False),
    Column("drawn", BigInteger, nullable=False),
)

dispositions = Table(
    "dispositions",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("alert", BigInteger, ForeignKey("alerts.number"), nullable=False),
    Column("kind", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("decided_by", Text, nullable=False),
    Column("decided_at", DateTime, nullable=False),
    Column("approved_by", Text),
    Column("reference", Text),
    Column("reference_on", Date),
)

notes = Table(
    "notes",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("alert", BigInteger, ForeignKey("alerts.number"), nullable=False),
    Column("text", Text, nullable=False),
    Column("written_by", Text, nullable=False),
    Column("written_at", DateTime, nullable=False),
)

attachments = Table(
    "attachments",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("note", BigInteger, ForeignKey("notes.number"), nullable=False),
    Column("name", Text, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("content_type", Text, nullable=False),
)

requests = Table(
    "requests",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("action", Text, nullable=False),
    Column("object_kind", Text, nullable=False),
    Column("object_id", Text, nullable=False),
    Column("details", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("requested_by", Text, nullable=False),
    Column("requested_at", DateTime, nullable=False),
    Column("state", Text, nullable=False),
    Column("settled_by", Text),
    Column("settled_at", DateTime),
    Column("settled_reason", Text),
    Column("usable_until", DateTime),
    Column("used_at", DateTime),
)

suppressions = Table(
    "suppressions",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("account_id", Text, nullable=False),
    Column("indicator_id", Text),
    Column("owner", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("made_at", DateTime, nullable=False),
    Column("expires_on", Date, nullable=False),
    Column("approved_by", Text),
    Column("basis_score", BigInteger, nullable=False),
    Column("basis_findings", BigInteger, nullable=False),
    Column("ended_at", DateTime),
    Column("ended_by", Text),
    Column("ended_reason", Text),
)

judgements = Table(
    "judgements",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("kind", Text, nullable=False),
    Column("left_id", Text, nullable=False),
    Column("right_id", Text, nullable=False),
    Column("verdict", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("judged_by", Text, nullable=False),
    Column("judged_at", DateTime, nullable=False),
    Column("undone_by", Text),
    Column("undone_at", DateTime),
    Column("undone_reason", Text),
)

saved_views = Table(
    "saved_views",
    metadata,
    Column("owner", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("definition", Text, nullable=False),
    Column("saved_at", DateTime, nullable=False),
)
