"""What the indicator tests share: evaluating one indicator on a few payments."""

from __future__ import annotations

from typing import Any

import polars as pl
from polars.testing import assert_frame_equal

from finpat.config import IndicatorSettings, Settings
from finpat.indicators import INDICATORS, Findings
from finpat.indicators.evaluation import evaluate_indicators
from finpat.indicators.slices import LEGS_AT_ONCE
from finpat.ledger import Ledger
from tests.factory import ledger

__all__ = ["BY_ID", "found", "judge", "ledger", "missing", "values"]

BY_ID = {indicator.id: indicator for indicator in INDICATORS}


def judge(
    indicator_id: str, data: Ledger, *, jurisdictions: tuple[str, ...] = (), **parameters: Any
) -> Findings:
    """Evaluate one indicator, with overridden parameters (of other indicators: `id={...}` in `others`).

    parameters: also `adverts`, where any are loaded.

    It is evaluated once more person by person, with the same result: what an indicator says about one person
    must not depend on which persons it sees together, unless its card says `across`.
    """
    adverts = parameters.pop("adverts", None)
    overrides = {indicator_id: parameters, **parameters.pop("others", {})}
    settings = Settings(
        jurisdictions=jurisdictions,
        indicators={
            name: IndicatorSettings(**{"enabled": name == indicator_id, **overrides.get(name, {})})
            for name in BY_ID
        },
    )
    whole, parts = (
        evaluate_indicators(INDICATORS, data, pl.DataFrame(), settings, legs_at_once=size, adverts=adverts)
        for size in (LEGS_AT_ONCE, 1)
    )
    assert_frame_equal(whole.findings, parts.findings)
    assert_frame_equal(whole.evidence, parts.evidence)
    own = whole.findings.filter(pl.col("indicator_id") == indicator_id)
    return Findings(own, whole.evidence.join(own.select("finding_id"), on="finding_id", how="semi"))


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
