"""How much it says that several have a value in common: the more share it, the less."""

from __future__ import annotations

import polars as pl


def rarity(shared_by: pl.Expr) -> pl.Expr:
    """Weight of a value that `shared_by` (two or more) have in common: 1 / log2(shared_by), at most 1."""
    return 1.0 / pl.max_horizontal(shared_by, 2).cast(pl.Float64).log(2)
