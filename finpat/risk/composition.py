"""The band and the score: what the indicators found, together with how unusual the account is.

    points    = sum over families of weight (S 3, M 2, W 1) x distinction, of its heaviest finding
    alert     = 6 points or more, from two families or more, at least one of them strong (S)
    watch     = 4 points or more

    critical  = alert, and more unusual than 95 % of the accounts
    high      = alert; or watch, and more unusual than 99 %
    medium    = watch; or more unusual than 99 %
    low       = everything else

    evidence  = min(1, points / 6)
    rarity    = min(1, -log10(1 - percentile) / 4): 1 of 10 gives a quarter, 1 of 10,000 all
    place     = 0.9 x rarity + 0.1 x evidence
    score     = lowest score of the band + place x (the band's width): no account of a lower band stands above
                one of a higher

Alert and watch are the composition rule of the catalogue: no single flag is a clear indicator (FinCEN
FIN-2020-A008), a constellation of factors is (FINTRAC-2021-OA001). Families count and not findings, because
members of a family see the same rows. Structuring, velocity and networks alone (ST, VE, NW) make an alert of
money laundering; what may be said about trafficking is decided in `roles`, never here. Being unusual alone
is never more than medium: a list without a fact is a reason to look later.

Distinction is 1 for an indicator found on 20 accounts or fewer, or on 1 % of them, 0 from a fifth of them on,
logarithmic between: what many accounts show is a trait of the data and tells none of them apart. Below 200
accounts nobody can say what is common, and distinction is 1.

Red flags give the reasons, the model gives the order within a band. Shares and distinction were chosen by
average precision over the labelled sets together (docs/evaluation.md).
"""

from __future__ import annotations

import math

import polars as pl

WEIGHT_POINTS = {"S": 3, "M": 2, "W": 1}
FULL_EVIDENCE = 6.0
FULL_RARITY = 4.0  # decades: 1 account of 10,000
RARITY_SHARE = 0.9
EVIDENCE_SHARE = 0.1
DISTINCT_UP_TO = 0.01  # share of the accounts that have a finding of the indicator
DISTINCT_ACCOUNTS = 20  # chosen: one case with its members is no trait of a small portfolio
COMMON_FROM = 0.2
MIN_ACCOUNTS = 200

ALERT_POINTS = 6.0
ALERT_FAMILIES = 2
WATCH_POINTS = 4.0
UNUSUAL = 95.0  # percentile; chosen: an alert on one of the odder twentieth is looked at first
RARE = 99.0  # percentile; chosen: one in a hundred is what a team can look at

# Lowest score of each band, best first, and the score that none exceeds.
BANDS: tuple[tuple[str, float], ...] = (("critical", 800.0), ("high", 600.0), ("medium", 350.0), ("low", 0.0))
HIGHEST_SCORE = 1000.0


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
    """account_id, points, families, strong of those of the `accounts` accounts that have a finding.

    families: those that give points. strong: whether a finding of weight S gives points.
    """
    share = pl.col("account_id").n_unique().over("indicator_id") / accounts
    if accounts < MIN_ACCOUNTS:
        distinction = pl.lit(1.0)
    else:
        decline = math.log(COMMON_FROM / max(DISTINCT_UP_TO, DISTINCT_ACCOUNTS / accounts))
        distinction = ((COMMON_FROM / share).log() / decline).clip(0.0, 1.0)
    return (
        found.with_columns(points=pl.col("points") * distinction)
        .group_by("account_id", "family")
        .agg(pl.col("points").max(), strong=((pl.col("weight") == "S") & (pl.col("points") > 0)).any())
        .sort("account_id", "family")
        .group_by("account_id", maintain_order=True)
        .agg(pl.col("points").sum(), families=(pl.col("points") > 0).sum(), strong=pl.col("strong").any())
    )


def band_of(points: pl.Expr, families: pl.Expr, strong: pl.Expr, percentile: pl.Expr) -> pl.Expr:
    """The band by the rule above. percentile: of the anomaly score, 0 to 100."""
    alert = (points >= ALERT_POINTS) & (families >= ALERT_FAMILIES) & strong
    watch = points >= WATCH_POINTS
    return (
        pl.when(alert & (percentile >= UNUSUAL))
        .then(pl.lit("critical"))
        .when(alert | (watch & (percentile >= RARE)))
        .then(pl.lit("high"))
        .when(watch | (percentile >= RARE))
        .then(pl.lit("medium"))
        .otherwise(pl.lit("low"))
    )


def place_in_band(points: pl.Expr, percentile: pl.Expr) -> pl.Expr:
    """How far up in its band an account stands, 0 to 1. percentile: 0 to 100."""
    left = (1.0 - percentile / 100.0).clip(lower_bound=10.0**-FULL_RARITY)
    rarity = -left.log10() / FULL_RARITY
    evidence = (points / FULL_EVIDENCE).clip(upper_bound=1.0)
    return RARITY_SHARE * rarity + EVIDENCE_SHARE * evidence


def exact_score(band: pl.Expr, place: pl.Expr) -> pl.Expr:
    """The score before rounding, 0 to 1000: within a band's bounds even when rounded to whole points."""
    score = pl.lit(None, pl.Float64)
    above = HIGHEST_SCORE + 1.0
    for name, lowest in BANDS:
        score = pl.when(band == name).then(lowest + place * (above - 1.0 - lowest)).otherwise(score)
        above = lowest
    return score
