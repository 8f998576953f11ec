"""Indicators: ledger and features -> findings, three-valued, each with its evidence rows.

`INDICATORS` lists every indicator; nothing registers itself on import. `evaluate` runs them.
"""

from __future__ import annotations

import polars as pl

from finpat.config import Settings
from finpat.indicators import amounts, instruments, structuring, velocity
from finpat.indicators.base import Indicator
from finpat.indicators.evaluation import Findings, evaluate_indicators
from finpat.ledger import Ledger

INDICATORS: tuple[Indicator, ...] = (
    structuring.STRUCT_01,
    structuring.STRUCT_02,
    structuring.STRUCT_03,
    structuring.STRUCT_04,
    structuring.STRUCT_05,
    structuring.BUNCH_06,
    instruments.ID3K_07,
    instruments.ID1K_08,
    instruments.OUT_09,
    instruments.SPLIT_10,
    instruments.RETRY_11,
    amounts.ROUND_12,
    amounts.BENF_13,
    amounts.REMIT_14,
    velocity.PASS_01,
    velocity.LAT_02,
    velocity.SPIKE_03,
    velocity.AMT_04,
    velocity.DORM_05,
    velocity.NEW_06,
    velocity.FUNNEL_07,
    velocity.MIRROR_08,
    velocity.BURST_09,
    velocity.MIX_10,
    velocity.DEPSEND_11,
)

__all__ = ["INDICATORS", "Findings", "Indicator", "evaluate"]


def evaluate(ledger: Ledger, features: pl.DataFrame, settings: Settings) -> Findings:
    """The findings of all indicators that the settings leave switched on.

    features: one row per account in the order of `ledger.accounts` (of finpat.features).

    Raises:
        SettingsError: an indicator's setting, or a jurisdiction, cannot be used.
    """
    return evaluate_indicators(INDICATORS, ledger, features, settings)
