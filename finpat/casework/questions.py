"""What the dashboard and the command line ask of casework; nothing here changes anything.

Rows are plain dictionaries. They hold no name of a holder and no score but what the last run said: a page
joins them to the run's list by `account_id`. Who drew an alert for blind review stays hidden unless asked for
(`with_origin`), because a reviewer who knows it reviews differently.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, RowMapping, Select, and_, case, exists, func, select

from finpat.casework import alerts as states
from finpat.casework import audit, notes, tables
from finpat.casework.audit import Entry
from finpat.casework.following import BANDS
from finpat.casework.tables import alert_groups, alert_indicators, alerts, dispositions, suppressions
from finpat.errors import UsageError

_HIDDEN = ("origin", "drawn_share")
ORDERS: Mapping[str, ColumnElement[Any]] = {
    "score": alerts.c.score.desc(),
    "opened": alerts.c.opened_at,
    "changed": alerts.c.changed_at.desc(),
    "due": alerts.c.waits_until,
    "account": alerts.c.account_id,
    "band": case({band: place for place, band in enumerate(BANDS)}, value=alerts.c.band, else_=len(BANDS)),
}


@dataclass(frozen=True)
class Choice:
    """Which alerts: those that meet all that is given. None and empty leave a thing open.

    queue: `subjects` or `protect`, which are never listed together without being asked for. states: any of
        these. assignee: a name, or "" for nobody. account: its id begins so. disposition: the latest decision
        that is no feedback. indicator: among what it was opened or joined for. group: a group of typologies.
    """

    queue: str | None = states.SUBJECTS
    states: Sequence[str] = ()
    assignee: str | None = None
    account: str | None = None
    disposition: str | None = None
    indicator: str | None = None
    group: str | None = None
    opened_since: datetime | None = None
    opened_until: datetime | None = None


@dataclass(frozen=True)
class Page:
    """Part of a queue, and how many alerts there are in all of it."""

    rows: list[dict[str, Any]]
    total: int


def queue(
    connection: Connection,
    choice: Choice | None = None,
    *,
    order: str = "score",
    offset: int = 0,
    limit: int = 100,
    with_origin: bool = False,
) -> Page:
    """Alerts of this choice: one page of them, in an order that no two share.

    Raises:
        UsageError: there is no such order, queue or state.
    """
    choice = choice or Choice()
    if order not in ORDERS:
        raise UsageError.unknown("order", order, ORDERS)
    where = _where(choice)
    total = connection.execute(select(func.count()).select_from(alerts).where(*where)).scalar_one()
    query = select(alerts).where(*where)
    query = query.order_by(ORDERS[order].nulls_last(), alerts.c.number).offset(offset).limit(limit)
    rows = [_shown(row, with_origin) for row in connection.execute(query).mappings()]
    _add_groups(connection, rows)
    return Page(rows, total)


def _where(choice: Choice) -> list[ColumnElement[bool]]:
    if choice.queue is not None and choice.queue not in states.QUEUES:
        raise UsageError.unknown("queue", choice.queue, states.QUEUES)
    for state in choice.states:
        if state not in states.STATES:
            raise UsageError.unknown("state", state, states.STATES)
    found: list[ColumnElement[bool]] = []
    if choice.queue is not None:
        found.append(alerts.c.queue == choice.queue)
    if choice.states:
        found.append(alerts.c.state.in_(choice.states))
    if choice.assignee is not None:
        found.append(alerts.c.assignee == choice.assignee if choice.assignee else alerts.c.assignee.is_(None))
    if choice.account is not None:
        found.append(alerts.c.account_id.startswith(choice.account, autoescape=True))
    if choice.disposition is not None:
        found.append(alerts.c.disposition == choice.disposition)
    if choice.indicator is not None:
        held = and_(
            alert_indicators.c.alert == alerts.c.number, alert_indicators.c.indicator_id == choice.indicator
        )
        found.append(exists().where(held))
    if choice.group is not None:
        held = and_(alert_groups.c.alert == alerts.c.number, alert_groups.c.typology_group == choice.group)
        found.append(exists().where(held))
    if choice.opened_since is not None:
        found.append(alerts.c.opened_at >= choice.opened_since)
    if choice.opened_until is not None:
        found.append(alerts.c.opened_at < choice.opened_until)
    return found


def _shown(row: RowMapping, with_origin: bool) -> dict[str, Any]:
    return {str(name): value for name, value in row.items() if with_origin or name not in _HIDDEN}


def _add_groups(connection: Connection, rows: list[dict[str, Any]]) -> None:
    """Give each alert its groups of typologies, in order."""
    numbers = [row["number"] for row in rows]
    held: dict[int, list[str]] = {number: [] for number in numbers}
    query = (
        select(alert_groups).where(alert_groups.c.alert.in_(numbers)).order_by(alert_groups.c.typology_group)
    )
    for group in connection.execute(query):
        held[group.alert].append(group.typology_group)
    for row in rows:
        row["groups"] = held[row["number"]]


def account_states(
    connection: Connection, account_ids: Sequence[str] | None = None
) -> dict[str, dict[str, Any]]:
    """Of each account with an alert: number, queue, state, assignee, disposition and version of its newest.

    One still open goes before one closed later. account_ids: only of these, for one page of a list.
    """
    columns = ("account_id", "number", "queue", "state", "assignee", "disposition", "version")
    query = select(*(alerts.c[name] for name in columns)).order_by(
        case((alerts.c.state == states.CLOSED, 0), else_=1), alerts.c.number
    )
    if account_ids is not None:
        query = query.where(alerts.c.account_id.in_(account_ids))
    return {row[0]: dict(zip(columns, row, strict=True)) for row in connection.execute(query).all()}


def alert(connection: Connection, number: int, *, with_origin: bool = False) -> dict[str, Any]:
    """Everything about one alert: its row, groups, indicators, decisions, notes and files.

    Raises:
        CaseworkError: there is none of this number.
    """
    row = _shown(states.row_of(connection, number), with_origin)
    _add_groups(connection, [row])
    indicators = select(alert_indicators.c.indicator_id).where(alert_indicators.c.alert == number)
    decided = select(dispositions).where(dispositions.c.alert == number).order_by(dispositions.c.number)
    asked = (
        select(tables.requests)
        .where(tables.requests.c.object_kind == "alert", tables.requests.c.object_id == str(number))
        .order_by(tables.requests.c.number)
    )
    return row | {
        "indicators": sorted(connection.execute(indicators).scalars()),
        "decisions": [dict(found) for found in connection.execute(decided).mappings()],
        "requests": [dict(found) for found in connection.execute(asked).mappings()],
        "notes": [dict(found) for found in notes.notes_of(connection, number)],
        "files": [dict(found) for found in notes.files_of(connection, number)],
    }


def alerts_of(connection: Connection, account_id: str, *, with_origin: bool = False) -> list[dict[str, Any]]:
    """All alerts of an account, the one to work on first: open ones before closed, newest first."""
    query = (
        select(alerts)
        .where(alerts.c.account_id == account_id)
        .order_by(case((alerts.c.state == states.CLOSED, 1), else_=0), alerts.c.number.desc())
    )
    rows = [_shown(row, with_origin) for row in connection.execute(query).mappings()]
    _add_groups(connection, rows)
    return rows


def earlier_alerts(connection: Connection, account_id: str) -> list[dict[str, Any]]:
    """The closed alerts of an account with all their decisions, newest first."""
    rows = [row for row in alerts_of(connection, account_id) if row["state"] == states.CLOSED]
    return [row | {"decisions": alert(connection, row["number"])["decisions"]} for row in rows]


def suppressions_of(connection: Connection, account_id: str) -> list[dict[str, Any]]:
    """All suppressions of an account, newest first, those that have ended included."""
    query = (
        select(suppressions)
        .where(suppressions.c.account_id == account_id)
        .order_by(suppressions.c.number.desc())
    )
    return [dict(row) for row in connection.execute(query).mappings()]


def history(
    connection: Connection, account_id: str, *, limit: int = 1000, with_origin: bool = False
) -> list[Entry]:
    """What was done to the alerts of an account, newest first."""
    numbers = [str(row["number"]) for row in alerts_of(connection, account_id)]
    query = (
        select(tables.audit)
        .where(tables.audit.c.object_kind == "alert", tables.audit.c.object_id.in_(numbers))
        .order_by(tables.audit.c.sequence.desc())
        .limit(limit)
    )
    found = [Entry(*row) for row in connection.execute(query)]
    return found if with_origin else [_without_origin(entry) for entry in found]


def done_to(connection: Connection, number: int, *, with_origin: bool = False) -> list[Entry]:
    """What was done to one alert, newest first."""
    found = states.history(connection, number)
    return found if with_origin else [_without_origin(entry) for entry in found]


def _without_origin(entry: Entry) -> Entry:
    details = json.loads(entry.details)
    kept = {name: value for name, value in details.items() if name not in _HIDDEN}
    return replace(entry, details=audit.canonical(kept))


def workload(connection: Connection) -> list[dict[str, Any]]:
    """Open alerts by queue, assignee (None: nobody) and state: how many, and when the oldest was opened."""
    query = (
        select(
            alerts.c.queue,
            alerts.c.assignee,
            alerts.c.state,
            func.count().label("alerts"),
            func.min(alerts.c.opened_at).label("oldest_at"),
        )
        .where(alerts.c.state != states.CLOSED)
        .group_by(alerts.c.queue, alerts.c.assignee, alerts.c.state)
        .order_by(alerts.c.queue, alerts.c.assignee.nulls_first(), alerts.c.state)
    )
    return [dict(row) for row in connection.execute(query).mappings()]


# Tables that queries and reports may read as rows; texts that people wrote are left out of them.
_TEXTS = {"reason", "text", "settled_reason", "ended_reason", "undone_reason", "details", "definition"}
EXPORTED = (
    tables.alerts,
    tables.alert_groups,
    tables.alert_indicators,
    tables.dispositions,
    tables.followed_runs,
    tables.judgements,
    tables.notes,
    tables.requests,
    tables.suppressions,
)
_KINDS = {"BIGINT": "whole", "TEXT": "text", "DATETIME": "instant", "DATE": "date", "DOUBLE": "number"}


def exported_columns(name: str) -> dict[str, str]:
    """Columns of an exported table and their kinds: whole, number, text, instant (naive UTC) or date.

    Raises:
        UsageError: the table is none that is exported.
    """
    return {column.name: _KINDS[str(column.type)] for column in _exported(name)}


def rows_of(connection: Connection, name: str) -> Iterator[dict[str, Any]]:
    """The rows of one exported table in order of its key, without texts that people wrote.

    Raises:
        UsageError: the table is none that is exported.
    """
    columns = _exported(name)
    query: Select[Any] = select(*columns).order_by(*columns[0].table.primary_key)
    for row in connection.execution_options(yield_per=5_000).execute(query).mappings():
        yield dict(row)


def _exported(name: str) -> list[Any]:
    known = {table.name: table for table in EXPORTED}
    if name not in known:
        raise UsageError.unknown("table", name, known)
    return [column for column in known[name].columns if column.name not in _TEXTS]
