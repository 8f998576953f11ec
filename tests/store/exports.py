"""Batches for tests: what `sources` hands to the store, made by hand."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import polars as pl

from finpat.config import Settings
from finpat.sources import Batch
from finpat.sources.convert import REJECTS
from finpat.store.load import LoadReport, Origin, load_batches
from finpat.store.workspace import Workspace

NOW = datetime(2026, 4, 1, 9, 30)

ROW: dict[str, Any] = {
    "transaction_id": "T1",
    "booked_at": datetime(2026, 3, 2, 12, 0),
    "time_precision": "second",
    "account_id": "A",
    "direction": "debit",
    "amount_minor": 100_00,
    "currency": "USD",
    "counterparty_id": "B",
    "channel": "transfer",
    "description": "rent",
    "mirrored": False,
}


def piece(rows: pl.DataFrame | None = None, rejects: pl.DataFrame | None = None) -> Batch:
    rows = pl.DataFrame() if rows is None else rows
    rejects = pl.DataFrame(schema=REJECTS) if rejects is None else rejects
    return Batch(rows, rejects, rows.height + rejects.height)


def row(**changes: Any) -> dict[str, Any]:
    return {**ROW, **changes}


def frame(rows: list[dict[str, Any]], first_line: int = 2) -> pl.DataFrame:
    made = pl.DataFrame(rows, infer_schema_length=None)
    if "source_line" not in made.columns:
        made = made.with_columns(
            source_line=pl.int_range(first_line, first_line + made.height, dtype=pl.Int64)
        )
    return made.with_columns(pl.col(pl.Datetime).cast(pl.Datetime("us")), pl.col(pl.Null).cast(pl.String))


def batches(rows: list[dict[str, Any]], size: int = 1000) -> Iterator[Batch]:
    whole = frame(rows)
    for rows_of_piece in whole.iter_slices(size):
        yield piece(rows_of_piece)


def reject(
    line: int, reason: str = "no_amount", column: str | None = "amount", raw: str = "x;y"
) -> dict[str, Any]:
    return {"source_line": line, "column": column, "reason": reason, "message": f"{reason} here", "raw": raw}


def rejected(*rejects: dict[str, Any]) -> Batch:
    return piece(rejects=pl.DataFrame(list(rejects), schema=REJECTS))


def origin(
    name: str, *, content: object = None, mapping: str = "bank", table: str = "transactions"
) -> Origin:
    digest = hashlib.sha256(repr((name, content)).encode()).hexdigest()
    return Origin(table, name, digest, 1000, mapping, f"name = '{mapping}'")


def ingest(
    workspace: Workspace, name: str, rows: list[dict[str, Any]], *, size: int = 1000, mapping: str = "bank",
    table: str = "transactions", settings: Settings | None = None,
) -> LoadReport:  # fmt: skip
    return load_batches(
        workspace, batches(rows, size), origin(name, content=rows, mapping=mapping, table=table),
        settings=settings or Settings(), now=NOW,
    )  # fmt: skip
