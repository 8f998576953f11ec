"""Rows for tests: every column has a plain default, so that a test states only what matters to it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl

from finpat.ledger import Ledger, build_ledger

START = datetime(2026, 3, 2, 12, 0)  # a Monday, noon UTC


def at(day: float = 0, hour: float = 0, minute: float = 0, second: float = 0) -> datetime:
    """The instant `day` days, `hour` hours ... after START (naive UTC)."""
    return START + timedelta(days=day, hours=hour, minutes=minute, seconds=second)


DEFAULTS: dict[str, Any] = {
    "booked_at": START,
    "has_time": True,
    "account_id": "A",
    "counterparty_id": "B",
    "direction": "credit",
    "amount_minor": 100_00,
    "currency": "USD",
    "channel": "transfer",
    "mirrored": False,
    "local_zone": None,
    "city": None,
    "country": None,
    "merchant_category": None,
    "branch_id": None,
    "device_id": None,
    "conductor_id": None,
    "status": None,
    "counterparty_name": None,
    "description": None,
    "balance_after_minor": None,
}

SCHEMA = {
    "booked_at": pl.Datetime("us"),
    "has_time": pl.Boolean,
    "account_id": pl.String,
    "counterparty_id": pl.String,
    "direction": pl.String,
    "amount_minor": pl.Int64,
    "currency": pl.String,
    "channel": pl.String,
    "mirrored": pl.Boolean,
    "local_zone": pl.String,
    "city": pl.String,
    "country": pl.String,
    "merchant_category": pl.String,
    "branch_id": pl.String,
    "device_id": pl.String,
    "conductor_id": pl.String,
    "status": pl.String,
    "counterparty_name": pl.String,
    "description": pl.String,
    "balance_after_minor": pl.Int64,
    "row_key": pl.UInt64,
}


def payments(*rows: dict[str, Any]) -> pl.DataFrame:
    """Stored payments, one per dict; row_key counts up unless given."""
    filled = [{**DEFAULTS, "row_key": index, **row} for index, row in enumerate(rows)]
    return pl.DataFrame(filled, schema=SCHEMA)


def ledger(*rows: dict[str, Any], accounts: pl.DataFrame | None = None) -> Ledger:
    """A ledger of the given payments."""
    return build_ledger(payments(*rows), accounts)


def ledger_of_edges(frame: pl.DataFrame) -> Ledger:
    """A ledger from a two-sided labelled set (tx_id, ts, src, dst, amount, currency), channels left out."""
    frame = frame.with_columns(pl.col("src", "dst", "currency").cast(pl.String)).filter(pl.col("amount") > 0)
    return build_ledger(
        frame.select(
            booked_at="ts",
            has_time=pl.col("ts").dt.time() != pl.time(0, 0, 0)
            if frame["ts"].dt.hour().max()
            else pl.lit(False),
            account_id="src",
            counterparty_id="dst",
            direction=pl.lit("debit"),
            amount_minor=(pl.col("amount") * 100).round().cast(pl.Int64),
            currency="currency",
            channel=pl.lit("transfer"),
            mirrored=pl.lit(True),
            row_key=pl.col("tx_id").hash(),
        )
    )


def utc(moment: datetime) -> datetime:
    """`moment` as an aware UTC datetime."""
    return moment.replace(tzinfo=UTC)
