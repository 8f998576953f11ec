"""Indicators: ledger and features -> findings, three-valued, each with its evidence rows.

`INDICATORS` lists every indicator; nothing registers itself on import. `evaluate` runs them.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import polars as pl

from finpat.adverts.adverts import Adverts
from finpat.compiled import announcing_compilation
from finpat.config import IndicatorSettings, Settings
from finpat.indicators import (
    advert_feed,
    advert_payments,
    amounts,
    circumstances,
    control,
    crypto,
    fronts,
    instruments,
    labour,
    movement,
    networks,
    night,
    receipts,
    spending,
    structuring,
    velocity,
)
from finpat.indicators.base import Indicator
from finpat.indicators.evaluation import Findings, evaluate_indicators
from finpat.ledger import Ledger, build_ledger

# The catalogue's order: each module lists its own.
MODULES = (
    structuring,
    instruments,
    amounts,
    velocity,
    networks,
    advert_payments,
    movement,
    night,
    spending,
    receipts,
    fronts,
    crypto,
    control,
    labour,
    advert_feed,
    circumstances,
)
INDICATORS: tuple[Indicator, ...] = tuple(item for module in MODULES for item in module.INDICATORS)

__all__ = ["INDICATORS", "Findings", "Indicator", "evaluate", "warm_kernels"]


def evaluate(
    ledger: Ledger, features: pl.DataFrame, settings: Settings, adverts: Adverts | None = None
) -> Findings:
    """The findings of all indicators that the settings leave switched on.

    features: one row per account in the order of `ledger.accounts` (of finpat.features). adverts: None where
    no adverts are loaded; indicators that need them are not evaluable then.

    Raises:
        SettingsError: an indicator's setting, or a jurisdiction, cannot be used.
    """
    return evaluate_indicators(INDICATORS, ledger, features, settings, adverts=adverts)


def warm_kernels(notify: Callable[[str], None]) -> None:
    """Compile, or load from disk, every kernel of the indicators.

    notify: called once with one line where something has to be compiled (see
    compiled.announcing_compilation).
    """
    start = datetime(2026, 1, 1)
    row = {
        "has_time": True,
        "account_id": "A",
        "counterparty_id": "B",
        "amount_minor": 100_00,
        "currency": "EUR",
        "mirrored": True,
        # What the kernels behind a field need: no indicator may stay out for lack of it.
        "local_zone": "Europe/Berlin",
        "country": "DE",
        "city": "Berlin",
        "merchant_category": "7311",
        "description": "text",
    }
    payments = pl.DataFrame(
        [
            {
                **row,
                "row_key": number,
                "booked_at": start + timedelta(hours=number),
                "direction": ("credit", "debit")[number % 2],
                "channel": ("cash", "p2p")[number % 2],
            }
            for number in range(12)
        ],
        schema_overrides={"booked_at": pl.Datetime("us"), "row_key": pl.UInt64},
    )
    few = {  # so few rows reach the inner kernels too
        "VE-PASS-01": {"min_cycles": 1, "min_in": 0},
        "VE-LAT-02": {"min_count": 1},
        "VE-AMT-04": {"min_weeks": 2},
        "VE-MIRROR-08": {"min_count": 1},
        "VE-DEPSEND-11": {"min_count": 1},
    }
    settings = Settings(
        threads=1, indicators={name: IndicatorSettings(**values) for name, values in few.items()}
    )
    with announcing_compilation(notify):
        evaluate(build_ledger(payments), pl.DataFrame(), settings)
