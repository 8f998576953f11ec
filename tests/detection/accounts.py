"""Feature tables for tests: plain, slightly scattered values; a test states what matters to it."""

from __future__ import annotations

import numpy as np
import polars as pl

from finpat.features import FEATURES

_USUAL = {"count": 12.0, "money": 50_000.0, "ratio": 1.0, "share": 0.3, "duration": 20.0, "score": 1.0}


def feature_table(accounts: int, seed: int = 1, **changes: dict[int, float | None]) -> pl.DataFrame:
    """`accounts` ordinary accounts A0000...; changes: feature -> {row: value}."""
    random = np.random.default_rng(seed)
    size = random.lognormal(0.0, 0.1, accounts)  # busy accounts are busy in everything
    columns = {"account_id": [f"A{row:04}" for row in range(accounts)]}
    for feature in FEATURES:
        if feature.kind == "instant":
            continue
        usual = _USUAL[feature.kind]
        noise = random.lognormal(0.0, 0.2, accounts)
        values = np.minimum(usual * noise, 1.0) if feature.kind == "share" else usual * noise * size
        if feature.kind in ("count", "money"):
            values = np.round(values)
        if feature.family == "relays":
            values = np.zeros(accounts)  # ordinary accounts pass nothing on
        cells: list[float | None] = values.tolist()
        for row, value in changes.get(feature.name, {}).items():
            cells[row] = value
        columns[feature.name] = cells
    return pl.DataFrame(columns, strict=False)


def currency_of(table: pl.DataFrame, code: str = "EUR") -> pl.Series:
    """One currency for all accounts."""
    return pl.Series("currency", [code] * table.height)
