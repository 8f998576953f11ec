"""The score: evidence points of the indicators and rarity of the anomaly score, in one formula.

    evidence = min(1, points / 6)                 points: sum over families of the heaviest finding (S 3, M 2,
    W 1) rarity   = min(1, -log10(1 - percentile) / 4)     1 of 10 gives a quarter, 1 of 100 a half, 1 of
    10,000 all score    = 1000 x (0.6 x rarity + 0.4 x evidence)

Families count and not findings, because members of a family see the same rows; six points are where an alert
is due by the composition rule of the catalogue (two families, one of them strong). Red flags give reasons,
the model gives the
order: a weak finding (67 points) moves an account as far as being half as common does, and neither part alone
reaches `high`. The shares were chosen by average precision over all labelled sets together
(docs/evaluation.md).
"""

from __future__ import annotations

import polars as pl

WEIGHT_POINTS = {"S": 3, "M": 2, "W": 1}
FULL_EVIDENCE = 6.0
FULL_RARITY = 4.0  # decades: 1 account of 10,000
RARITY_SHARE = 0.6
EVIDENCE_SHARE = 0.4

# Lowest score of each band, best first. `high` needs both parts: 600 is all that rarity alone can give.
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


def evidence_points(found: pl.DataFrame) -> pl.DataFrame:
    """account_id, points: the sum over families of the heaviest finding's points."""
    return (
        found.group_by("account_id", "family")
        .agg(pl.col("points").max())
        .group_by("account_id")
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
