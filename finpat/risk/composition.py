"""The score: evidence points of the indicators and rarity of the anomaly score, in one formula.

    points   = sum over families of weight (S 3, M 2, W 1) x distinction, of its heaviest finding
    evidence = min(1, points / 6)
    rarity   = min(1, -log10(1 - percentile) / 4): 1 of 10 gives a quarter, 1 of 10,000 all
    score    = 1000 x (0.7 x rarity + 0.3 x evidence)

Families count and not findings, because members of a family see the same rows; six points are where an alert
is due by the composition rule of the catalogue. Distinction is 1 for an indicator found on 1 % of the
accounts or fewer, 0 from a fifth of them on, logarithmic between: what many accounts show is a trait of the
data and tells none of them apart. Below 100 accounts nobody can say what is common, and distinction is 1.

Red flags give the reasons, the model gives the order. Shares and distinction were chosen by average precision
over the labelled sets together (docs/evaluation.md).
"""

from __future__ import annotations

import math

import polars as pl

WEIGHT_POINTS = {"S": 3, "M": 2, "W": 1}
FULL_EVIDENCE = 6.0
FULL_RARITY = 4.0  # decades: 1 account of 10,000
RARITY_SHARE = 0.7
EVIDENCE_SHARE = 0.3
DISTINCT_UP_TO = 0.01  # share of the accounts that have a finding of the indicator
COMMON_FROM = 0.2
MIN_ACCOUNTS = 100

# Lowest score of each band, best first. `critical` needs findings: 700 is all that rarity alone can give.
BANDS: tuple[tuple[str, float], ...] = (("critical", 800.0), ("high", 600.0), ("medium", 350.0), ("low", 0.0))


def family_of(indicator_id: pl.Expr) -> pl.Expr:
    """Family of an indicator: `ST` of ST-STRUCT-01, `HT-ADS` of HT-ADS-03."""
    parts = indicator_id.str.split("-")
    first, second = parts.list.get(0), parts.list.get(1, null_on_oob=True)
    return pl.when(first == "HT").then(pl.concat_str(first, second, separator="-")).otherwise(first)


def account_findings(findings: pl.DataFrame) -> pl.DataFrame:
    """Findings that are about an account and were found, with `family` and `points`."""
    return findings.filter(pl.col("state") == "found", pl.col("account_id").is_not_null()).with_columns(
        family=family_of(pl.col("indicator_id")),
        points=pl.col("weight").replace_strict(WEIGHT_POINTS, return_dtype=pl.Int64),
    )


def evidence_points(found: pl.DataFrame, accounts: int) -> pl.DataFrame:
    """account_id, points of those of the `accounts` accounts that have a finding."""
    share = pl.col("account_id").n_unique().over("indicator_id") / accounts
    decline = math.log(COMMON_FROM / DISTINCT_UP_TO)
    distinction = (
        ((COMMON_FROM / share).log() / decline).clip(0.0, 1.0) if accounts >= MIN_ACCOUNTS else pl.lit(1.0)
    )
    return (
        found.with_columns(points=pl.col("points") * distinction)
        .group_by("account_id", "family")
        .agg(pl.col("points").max())
        .sort("account_id", "family")
        .group_by("account_id", maintain_order=True)
        .agg(pl.col("points").sum())
    )


def exact_score(points: pl.Expr, percentile: pl.Expr) -> pl.Expr:
    """The score before rounding, 0 to 1000. percentile: 0 to 100."""
    left = (1.0 - percentile / 100.0).clip(lower_bound=10.0**-FULL_RARITY)
    rarity = -left.log10() / FULL_RARITY
    evidence = (points / FULL_EVIDENCE).clip(upper_bound=1.0)
    return 1000.0 * (RARITY_SHARE * rarity + EVIDENCE_SHARE * evidence)


def band_of(score: pl.Expr) -> pl.Expr:
    """The band of a score as shown (whole points)."""
    band = pl.lit(BANDS[-1][0])
    for name, lowest in reversed(BANDS[:-1]):
        band = pl.when(score >= lowest).then(pl.lit(name)).otherwise(band)
    return band
