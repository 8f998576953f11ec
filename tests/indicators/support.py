"""What the indicator tests share: evaluating one indicator on a few payments."""

from __future__ import annotations

from typing import Any

import polars as pl

from finpat.config import IndicatorSettings, Settings
from finpat.indicators import INDICATORS, Findings
from finpat.indicators.evaluation import evaluate_indicators
from finpat.ledger import Ledger
from tests.factory import ledger

__all__ = ["BY_ID", "found", "judge", "ledger", "missing", "values"]

BY_ID = {indicator.id: indicator for indicator in INDICATORS}


def judge(
    indicator_id: str, data: Ledger, *, jurisdictions: tuple[str, ...] = (), **parameters: Any
) -> Findings:
    """Evaluate one indicator, with overridden parameters (of other indicators: `id={...}` in `others`)."""
    others = parameters.pop("others", {})
    overrides = {indicator_id: parameters, **others}
    settings = Settings(
        jurisdictions=jurisdictions,
        indicators={name: IndicatorSettings(**values) for name, values in overrides.items() if values},
    )
    result = evaluate_indicators(INDICATORS, data, pl.DataFrame(), settings)
    own = result.findings.filter(pl.col("indicator_id") == indicator_id)
    return Findings(own, result.evidence.join(own.select("finding_id"), on="finding_id", how="semi"))


def found(indicator_id: str, data: Ledger, **parameters: Any) -> list[str]:
    """Accounts that the indicator finds, sorted."""
    findings = judge(indicator_id, data, **parameters).findings
    return findings.filter(pl.col("state") == "found")["account_id"].sort().to_list()


def missing(indicator_id: str, data: Ledger, **parameters: Any) -> list[tuple[str | None, str]]:
    """(account, missing field) of what the indicator could not judge."""
    findings = judge(indicator_id, data, **parameters).findings
    return list(
        findings.filter(pl.col("state") == "not_evaluable").select("account_id", "missing_field").iter_rows()
    )


def values(indicator_id: str, data: Ledger, **parameters: Any) -> dict[str, float]:
    """Values of the only finding."""
    (told,) = (
        judge(indicator_id, data, **parameters)
        .findings.filter(pl.col("state") == "found")["values"]
        .to_list()
    )
    return {value["name"]: value["value"] for value in told}
