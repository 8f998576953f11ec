"""The flagged-account list: every account, best first, in a strict order."""

from __future__ import annotations

from typing import Protocol

import polars as pl

from finpat.config import Settings
from finpat.detection.base import Scores
from finpat.money import CRYPTO_DECIMALS, MIN_FIAT_DECIMALS, decimals_of
from finpat.risk.composition import (
    account_findings,
    band_of,
    evidence_points,
    exact_score,
    place_in_band,
)
from finpat.risk.reasons import anomaly_reasons, finding_reasons
from finpat.risk.roles import UNCLEAR, possible_roles

COLUMNS = (
    "rank", "account_id", "holder_name", "score", "band", "possible_role", "typologies", "indicators",
    "anomaly_percentile", "amount_in", "amount_out", "currency", "first_seen", "last_seen", "network_id",
    "reason", "status", "run_id",
)  # fmt: skip
NEW = "new"


class FoundFacts(Protocol):
    """What the indicators found: findings and their evidence rows (see docs/architecture.md)."""

    @property
    def findings(self) -> pl.DataFrame:
        """One row per finding."""

    @property
    def evidence(self) -> pl.DataFrame:
        """finding_id, row."""


def _amount(minor: pl.Expr, decimals: int, width: int) -> pl.Expr:
    """Exact decimal of minor units with `decimals` decimals, kept with `width` of them."""
    return minor.cast(pl.Decimal(38, width)) / pl.lit(10**decimals)


def _amounts(accounts: pl.DataFrame) -> pl.DataFrame:
    """With amount_in and amount_out: two decimals, or eight for all where a crypto ticker is among them."""
    places = {
        code: decimals_of(code) for code in accounts["currency"].cast(pl.String).drop_nulls().unique().sort()
    }
    width = CRYPTO_DECIMALS if max(places.values(), default=0) > MIN_FIAT_DECIMALS else MIN_FIAT_DECIMALS
    columns = {"amount_in": "paid_in_minor", "amount_out": "paid_out_minor"}
    for name, minor in columns.items():
        amount = pl.lit(None, pl.Decimal(38, width))
        for decimals in sorted(set(places.values())):
            codes = [code for code, count in places.items() if count == decimals]
            here = pl.col("currency").cast(pl.String).is_in(codes)
            amount = pl.when(here).then(_amount(pl.col(minor), decimals, width)).otherwise(amount)
        accounts = accounts.with_columns(amount.alias(name))
    return accounts


def rank(
    accounts: pl.DataFrame, features: pl.DataFrame, findings: FoundFacts, scores: Scores, settings: Settings
) -> pl.DataFrame:
    """Every account with the columns of COLUMNS, rank 1 first.

    accounts: account_id, currency, first_at, last_at, holder_name? (`Ledger.accounts`). features: account_id,
    paid_in_minor, paid_out_minor. The order is by exact score, then evidence points, then anomaly score (all
    falling), then account_id; `score` shows whole points. network_id and run_id are null, status is `new`:
    the stages that know them fill them in.
    """
    found = account_findings(findings.findings)
    listed = (
        found.sort("account_id", "points", "indicator_id", descending=[False, True, False])
        .group_by("account_id", maintain_order=True)
        .agg(
            pl.col("typology").unique(maintain_order=True), pl.col("indicator_id").unique(maintain_order=True)
        )
        .select(
            "account_id",
            typologies=pl.col("typology").list.sort().list.join(";"),
            indicators=pl.col("indicator_id").list.sort().list.join(";"),
        )
    )
    base = accounts.select(
        "account_id",
        pl.col("currency").cast(pl.String),
        first_seen="first_at",
        last_seen="last_at",
        holder_name=pl.col("holder_name") if "holder_name" in accounts.columns else pl.lit(None, pl.String),
    )
    quiet = scores.scores.join(
        found.select("account_id").unique(), on="account_id", how="anti", maintain_order="left"
    )
    reasons = pl.concat(
        [
            finding_reasons(found),
            anomaly_reasons(quiet, scores.contributions, base.select("account_id", "currency")),
        ]
    )
    pieces = (
        scores.scores.select("account_id", "anomaly_score", "anomaly_percentile"),
        features.select("account_id", "paid_in_minor", "paid_out_minor"),
        evidence_points(found, accounts.height),
        listed,
        possible_roles(found, findings.evidence),
        reasons,
    )
    for piece in pieces:
        base = base.join(piece, on="account_id", how="left", maintain_order="left")
    points = pl.col("points").fill_null(0.0)
    families, strong = pl.col("families").fill_null(0), pl.col("strong").fill_null(False)
    percentile = pl.col("anomaly_percentile")
    ranked = (
        _amounts(base)
        .with_columns(band=band_of(points, families, strong, percentile))
        .with_columns(
            exact=exact_score(pl.col("band"), place_in_band(points, percentile)), points=points,
            typologies=pl.col("typologies").fill_null(""), indicators=pl.col("indicators").fill_null(""),
            possible_role=pl.col("possible_role").fill_null(UNCLEAR), status=pl.lit(NEW),
            network_id=pl.lit(None, pl.String), run_id=pl.lit(None, pl.String),
        )
        .sort("exact", "points", "anomaly_score", "account_id", descending=[True, True, True, False])
        .with_columns(
            score=pl.col("exact").round().cast(pl.Int64), rank=pl.int_range(1, pl.len() + 1, dtype=pl.Int64)
        )
    )  # fmt: skip
    return ranked.select(COLUMNS)
