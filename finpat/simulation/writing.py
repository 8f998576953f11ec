"""A simulated world as files: the exports to load, and beside them what is true."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from finpat.simulation.world import Simulated

EXPORTS = ("accounts", "transactions", "ads", "ad_payments")


def write_world(world: Simulated, folder: Path) -> list[Path]:
    """Write every table as CSV in UTC; the first four are exports, the others the truth about them."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, frame in world.tables().items():
        path = folder / f"{name}.csv"
        instants = [column for column, dtype in frame.schema.items() if dtype == pl.Datetime]
        utc = [pl.col(column).dt.strftime("%Y-%m-%dT%H:%M:%SZ") for column in instants]
        frame.with_columns(utc).write_csv(path)
        written.append(path)
    return written
