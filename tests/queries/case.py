"""A read model made by hand, and what a query answers from it.

`published(folder, ...)` takes rows per table, each stating only what matters; the project's own publishing
writes them. `answer(name, folder, ...)` runs a shipped query on it.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl

from finpat.readmodel import Publication, make_current, publish, schema
from finpat.readmodel.publish import runs_row
from finpat.scheduled.catalogue import read_query, shipped_folder
from finpat.scheduled.reach import reach_of
from finpat.scheduled.runner import Result, run_query
from finpat.scheduled.sandbox import Reach
from finpat.scheduled.statement import parse_statement
from finpat.store.workspace import Workspace
from tests.readmodel.published import export, flagged_row, legs_of, manifest

AS_OF = datetime(2026, 4, 1)  # up to which the run of `manifest` has data
_TYPES = {
    "VARCHAR": pl.String, "VARCHAR[]": pl.List(pl.String), "JSON": pl.String, "BOOLEAN": pl.Boolean,
    "INTEGER": pl.Int32, "BIGINT": pl.Int64, "DOUBLE": pl.Float64,
    "TIMESTAMP": pl.Datetime("us"), "DATE": pl.Date,
    schema.MONEY: pl.Decimal(28, 8),
    schema.VALUES: pl.List(
        pl.Struct({"name": pl.String, "value": pl.Float64, "unit": pl.String, "threshold": pl.Float64,
                   "operator": pl.String})
    ),
}  # fmt: skip


def days_before(days: float) -> datetime:
    """So many days before the end of the run's data."""
    return AS_OF - timedelta(days=days)


def finding(finding_id: str, account_id: str | None, indicator_id: str, **changes: Any) -> dict[str, Any]:
    """A row of rm.findings, found a week before the end of the data."""
    return {
        "finding_id": finding_id, "account_id": account_id, "indicator_id": indicator_id,
        "typology": "structuring", "state": "found", "missing_field": None, "window_start": days_before(10),
        "window_end": days_before(7), "values": [], "fact": "fact", "sentence": "fact.", "weight": "medium",
        "role": "unclear", **changes,
    }  # fmt: skip


def value(name: str, number: float, threshold: float | None = None, operator: str = "", unit: str = "count"):
    """One number of a finding."""
    bound = None if threshold is None else float(threshold)
    return {"name": name, "value": float(number), "unit": unit, "threshold": bound, "operator": operator}


def evidence(finding_id: str, *legs: tuple[str, str, str]) -> list[dict[str, Any]]:
    """Rows of rm.finding_evidence: (transaction_id, account_id, direction) each."""
    return [
        {"finding_id": finding_id, "position": place, "transaction_id": transaction, "account_id": account,
         "direction": direction}
        for place, (transaction, account, direction) in enumerate(legs, start=1)
    ]  # fmt: skip


def leg(
    transaction_id: str, account_id: str, direction: str, amount_minor: int, **changes: Any
) -> dict[str, Any]:
    """A row of rm.transactions: a transfer in euro, a week before the end of the data."""
    return {
        "transaction_id": transaction_id, "account_id": account_id, "direction": direction,
        "amount_minor": amount_minor, "currency": "EUR", "booked_at": days_before(7), **changes,
    }  # fmt: skip


def flagged(rank: int, account_id: str, **changes: Any) -> dict[str, Any]:
    """A row of rm.flagged_accounts."""
    return flagged_row(rank, account_id, **changes)


def frame_of(table: str, rows: list[dict[str, Any]]) -> pl.DataFrame:
    """Rows as a frame with a table's declared columns; what a row does not state is null."""
    declared = next(made for made in schema.TABLES if made.name == table)
    types = {column.name: _TYPES[column.type] for column in declared.columns}
    further = sorted({name for row in rows for name in row} - types.keys())
    assert table == "account_features" or not further, f"{table} has no column {further}"
    types |= dict.fromkeys(further, pl.Float64)
    filled = [{name: row.get(name) for name in types} for row in rows]
    money = [name for name, dtype in types.items() if isinstance(dtype, pl.Decimal)]
    loose = types | dict.fromkeys(money, pl.String)
    for row in filled:
        row |= {name: None if row[name] is None else str(row[name]) for name in money}
    return pl.DataFrame(filled, schema=loose).with_columns(pl.col(name).cast(types[name]) for name in money)


def published(
    folder: Path, transactions: list[dict[str, Any]] | None = None, run_id: str = "0001",
    settings: dict[str, Any] | None = None, started_at: str | None = None, **tables: list[dict[str, Any]],
) -> Path:  # fmt: skip
    """Publish these rows in the workspace at `folder` and make the run current."""
    workspace = Workspace.create(folder)
    made = manifest(run_id) | {"settings": settings or {}}
    made |= {"started_at": started_at} if started_at else {}
    frames = {name: frame_of(name, rows) for name, rows in tables.items()}
    legs = legs_of(export(rows=transactions)) if transactions else None
    path = publish(workspace.readmodel, Publication(run_id, made, {"runs": runs_row(made), **frames}, legs))
    make_current(workspace.readmodel, path)
    return path


def answer(
    name: str, model: Path, previous: Path | None = None, due: datetime | None = None,
    beside: dict[tuple[str, str], pl.DataFrame] | None = None, **parameters: Any,
) -> Result:  # fmt: skip
    """What a shipped query answers from a published run; `beside`: tables of the other schemas."""
    (path,) = shipped_folder().glob(f"*/{name}.sql")
    query = read_query(path)
    statement = parse_statement(query)
    workspace = Workspace(model.parents[1])
    reach = reach_of(workspace, model, previous, statement.tables)
    return run_query(query, Reach(model, previous, {**reach.beside, **(beside or {})}), parameters, due)


def rows(result: Result, *columns: str) -> list[tuple[Any, ...]]:
    """The rows of a result, of these columns or all; none stands apart."""
    assert result.protect.is_empty(), "rows stand apart: ask for them by name"
    return result.rows.select(columns or result.rows.columns).rows()
