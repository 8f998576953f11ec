"""The tables that a query may read: schema, name, columns; of personal data, which columns are masked.

`rm` is the published run; `previous` the run that the query read last time on its schedule (by hand: the run
before), with the same tables; `store` what was loaded and what is in quarantine; `casework` alerts and what
was decided; `ref` the thresholds and indicators of the run that is read. All but `rm` and `previous` are
small and copied into memory.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from finpat.readmodel import schema
from finpat.readmodel.schema import MONEY, Column

READ_MODELS = ("rm", "previous")
# Contacts and texts as they were published: `ReadModel` shows them for a reason, a query never.
SEALED = frozenset((name, table.name) for name in READ_MODELS for table in schema.SENSITIVE)
MASKED = "(masked)"
# Column -> the tables of the read model whose column of that name holds personal data.
PERSONAL: Mapping[str, tuple[str, ...]] = {
    "holder_name": ("accounts", "flagged_accounts"),
    "phone": ("accounts",),
    "email": ("accounts",),
    "address": ("accounts",),
    "authorised_users": ("accounts",),
    "access_phones": ("accounts",),
    "counterparty_name": ("transactions",),
    "description": ("transactions",),
    "ip": ("transactions",),
    "conductor_id": ("transactions",),
    "extra": ("transactions",),
}


@dataclass(frozen=True)
class Table:
    """One table beside the read model."""

    doc: str
    columns: tuple[Column, ...]


_STORE = {
    "files": Table(
        "The loaded files, one row each.",
        (
            Column("file_id", "INTEGER", "The file."),
            Column("file", "VARCHAR", "Its name when it was loaded."),
            Column("table_name", "VARCHAR", "Canonical table that it was loaded as."),
            Column("mapping", "VARCHAR", "Mapping that it was read with."),
            Column("sha256", "VARCHAR", "Hash of its bytes."),
            Column("rows", "BIGINT", "Rows in the file: loaded + duplicate + quarantined."),
            Column("loaded", "BIGINT", "Rows loaded."),
            Column("duplicate", "BIGINT", "Rows that were there already."),
            Column("quarantined", "BIGINT", "Rows set aside with a reason."),
            Column("first_at", "TIMESTAMP", "Earliest row (UTC)."),
            Column("last_at", "TIMESTAMP", "Latest row (UTC)."),
            Column("loaded_at", "TIMESTAMP", "When it was loaded (UTC)."),
        ),
    ),
    "quarantine": Table(
        "Rows that could not be loaded, without their contents: `finpat quarantine list` shows those.",
        (
            Column("file_id", "INTEGER", "File that the row is in."),
            Column("source_line", "BIGINT", "Line of the file."),
            Column("column_name", "VARCHAR", "Column that is wrong; null where the whole row is."),
            Column("reason", "VARCHAR", "Name of the rule that the row broke."),
            Column("state", "VARCHAR", "`open`, or `corrected` where a later file brought the row."),
            Column("corrected_by", "INTEGER", "The file that brought it."),
        ),
    ),
    "days": Table(
        "Rows of a file on each day: what gaps are read from.",
        (
            Column("file_id", "INTEGER", "The file."),
            Column("table_name", "VARCHAR", "Canonical table that it was loaded as."),
            Column("day", "DATE", "The day."),
            Column("row_count", "BIGINT", "Its rows."),
            Column("credit_count", "BIGINT", "Of them, those that came in."),
        ),
    ),
}
_REF = {
    "thresholds": Table(
        "Legal thresholds under the settings of the run that is read.",
        (
            Column("rule", "VARCHAR", "Jurisdiction and instrument."),
            Column("jurisdiction", "VARCHAR", "Whose rule it is."),
            Column("instrument", "VARCHAR", "What it is called."),
            Column("use", "VARCHAR", "What indicators test against it; empty: nothing, for reference."),
            Column("currency", "VARCHAR", "Currency of the payments that it is held against."),
            Column("operator", "VARCHAR", "`>`: the amount itself is not yet caught; `>=`: it is."),
            Column("amount", MONEY, "In units of `currency`."),
            Column("legal_window", "VARCHAR", "Over which payments are summed."),
            Column("aggregation", "VARCHAR", "Whose payments are summed, in words."),
            Column("valid_from", "DATE", "First day."),
            Column("valid_to", "DATE", "Day from which it no longer applies; null: open."),
            Column(
                "preference",
                "INTEGER",
                "1 for the rule that a payment of this use and currency is held against; null: not applied.",
            ),
            Column("source", "VARCHAR", "Where it is written."),
        ),
    ),
    "indicators": Table(
        "The indicators of the catalogue under the settings of the run that is read.",
        (
            Column("indicator_id", "VARCHAR", "The indicator."),
            Column("name", "VARCHAR", "What it is called."),
            Column("typology", "VARCHAR", "Method that it belongs to."),
            Column("weight", "VARCHAR", "How much it says alone: `strong`, `medium` or `weak`."),
            Column("role", "VARCHAR", "Role that it argues for, in words."),
            Column("is_enabled", "BOOLEAN", "Whether the run evaluated it."),
            Column("source", "VARCHAR", "The documents that it comes from."),
            Column("caution", "VARCHAR", "Who shows the same innocently."),
        ),
    ),
}
_CASEWORK = {
    "alerts": Table(
        "Alerts as casework has them at this moment, without texts that people wrote.",
        (
            Column("number", "BIGINT", "The alert."),
            Column("account_id", "VARCHAR", "Its account."),
            Column("queue", "VARCHAR", "`subjects` or `protect`."),
            Column("state", "VARCHAR", "Where work on it stands; `closed` at the end."),
            Column("assignee", "VARCHAR", "Who works on it; null: nobody."),
            Column("disposition", "VARCHAR", "What was decided last; null: nothing."),
            Column("opened_at", "TIMESTAMP", "When it was opened (UTC)."),
            Column("opened_run", "VARCHAR", "Run that opened it."),
            Column("changed_at", "TIMESTAMP", "Its last change (UTC)."),
            Column("closed_at", "TIMESTAMP", "When it was closed (UTC)."),
            Column("waits_until", "DATE", "Day until which it waits."),
            Column("reopened_count", "BIGINT", "How often new findings opened it again."),
            Column("score", "BIGINT", "Score in the run that was followed last, 0 to 1000."),
            Column("findings", "BIGINT", "Findings in that run."),
            Column("band", "VARCHAR", "Band in that run."),
            Column("possible_role", "VARCHAR", "Possible role in that run."),
        ),
    ),
    "alert_indicators": Table(
        "Indicators that took part in an alert.",
        (
            Column("alert", "BIGINT", "The alert (alerts.number)."),
            Column("indicator_id", "VARCHAR", "The indicator."),
            Column("run_id", "VARCHAR", "The first run that found it."),
        ),
    ),
    "dispositions": Table(
        "Decisions about alerts, one row each, without their reasons.",
        (
            Column("number", "BIGINT", "The decision."),
            Column("alert", "BIGINT", "The alert (alerts.number)."),
            Column("kind", "VARCHAR", "What was decided."),
            Column("decided_by", "VARCHAR", "Who decided."),
            Column("decided_at", "TIMESTAMP", "When (UTC)."),
            Column("approved_by", "VARCHAR", "Who approved, where two are needed."),
        ),
    ),
    "suppressions": Table(
        "Findings that are not alerted on for a time, without their reasons.",
        (
            Column("number", "BIGINT", "The suppression."),
            Column("account_id", "VARCHAR", "The account."),
            Column("indicator_id", "VARCHAR", "The indicator; null: all."),
            Column("owner", "VARCHAR", "Who answers for it."),
            Column("made_at", "TIMESTAMP", "When it was made (UTC)."),
            Column("expires_on", "DATE", "Day on which it ends."),
            Column("ended_at", "TIMESTAMP", "When it was ended before that (UTC)."),
        ),
    ),
}
BESIDE: Mapping[str, Mapping[str, Table]] = {"store": _STORE, "ref": _REF, "casework": _CASEWORK}
# Every table by schema and name, with its declared columns.
TABLES: Mapping[str, Mapping[str, tuple[Column, ...]]] = {
    **{name: {table.name: table.columns for table in schema.TABLES} for name in READ_MODELS},
    **{name: {table: made.columns for table, made in tables.items()} for name, tables in BESIDE.items()},
}
