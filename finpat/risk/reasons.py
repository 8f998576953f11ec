"""The reason: one sentence that names facts, with the innocent explanation in it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import polars as pl

from finpat.features import FEATURES
from finpat.money import decimals_of, from_minor

FACTS_TOLD = 2  # the strongest findings of different families; the others are named by `indicators`
CAUTION = r"Also common for (.+?)\. Role:"  # how a finding's sentence names who shows the same innocently
_FEATURES = {feature.name: feature for feature in FEATURES}


def _day(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d}"


def finding_reasons(found: pl.DataFrame) -> pl.DataFrame:
    """account_id, reason from the strongest findings: heaviest first, then latest, one per family."""
    told = (
        found.with_columns(caution=pl.col("sentence").str.extract(CAUTION))
        .sort(
            "account_id",
            "points",
            "window_end",
            "indicator_id",
            "finding_id",
            descending=[False, True, True, False, False],
        )
        .unique(["account_id", "family"], keep="first", maintain_order=True)
        .group_by("account_id", maintain_order=True)
        .agg(
            pl.col("fact", "window_start", "window_end", "caution").head(FACTS_TOLD),
            others=pl.len() - FACTS_TOLD,
        )
    )
    reasons = [_told(record) for record in told.iter_rows(named=True)]
    return pl.DataFrame({"account_id": told["account_id"], "reason": pl.Series(reasons, dtype=pl.String)})


def _told(record: dict[str, Any]) -> str:
    pieces = []
    for fact, start, end in zip(record["fact"], record["window_start"], record["window_end"], strict=True):
        if start is None or end is None:
            pieces.append(fact)
        elif start.date() == end.date():
            pieces.append(f"{fact} (on {_day(end)})")
        else:
            pieces.append(f"{fact} ({_day(start)} to {_day(end)})")
    text = "; ".join(pieces)
    cautions = list(dict.fromkeys(caution for caution in record["caution"] if caution))
    if cautions:
        text += f"; also common for {' and '.join(cautions)}"
    return f"{text[:1].upper()}{text[1:]}."


def _number(value: float, kind: str, currency: str) -> str:
    if kind == "money":
        return f"{from_minor(round(value), currency):,.{min(2, decimals_of(currency))}f} {currency}"
    if kind == "share":
        return f"{100 * value:.1f} %"
    if kind == "duration":
        return f"{value:,.1f} h"
    return f"{value:,.0f}" if value == round(value) else f"{value:,.2f}"


def anomaly_reasons(
    scores: pl.DataFrame, contributions: pl.DataFrame, currencies: pl.DataFrame
) -> pl.DataFrame:
    """account_id, reason of accounts without a finding: how unusual, and by which feature most.

    currencies: account_id, currency.
    """
    top = (
        contributions.filter(pl.col("detector") == "anomaly_score")
        .unique("account_id", keep="first", maintain_order=True)
        .select("account_id", "feature", "value", "peer_median", "peer_spread", "direction")
    )
    told = scores.join(top, on="account_id", how="left", maintain_order="left").join(
        currencies, on="account_id", how="left", maintain_order="left"
    )
    plain = pl.format(
        "No red flag found; more unusual than {} % of accounts.",
        (pl.col("anomaly_percentile") - 0.05).clip(0.0).round(1),
    )
    named = told.filter(pl.col("feature").is_not_null())
    reasons = [_unusual(record) for record in named.iter_rows(named=True)]
    return pl.concat(
        [
            told.filter(pl.col("feature").is_null()).select("account_id", reason=plain),
            pl.DataFrame({"account_id": named["account_id"], "reason": pl.Series(reasons, dtype=pl.String)}),
        ]
    )


def _unusual(record: dict[str, Any]) -> str:
    feature = _FEATURES[record["feature"]]
    value = _number(record["value"], feature.kind, record["currency"])
    median = _number(record["peer_median"], feature.kind, record["currency"])
    spread = _number(record["peer_spread"], feature.kind, record["currency"])
    doc = feature.doc.rstrip(".")
    share = max(0.0, record["anomaly_percentile"] - 0.05)
    return (
        f"No red flag found; more unusual than {share:.1f} % of accounts, most by this number: "
        f"{doc[:1].lower()}{doc[1:]}: {value}, where the median account has {median}, give or take {spread}, "
        "which by itself is no sign of wrongdoing."
    )
