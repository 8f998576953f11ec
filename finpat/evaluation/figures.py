"""Figures of a ranked list against labels: AUROC, average precision, precision at k, recall at a share.

A list is a strict order, so nothing here ever ties: accounts with one score stand in the order in which the
list has them, and that order is what an analyst works through.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from finpat.errors import SourceError
from finpat.evaluation.labels import check_labels

Flags = npt.NDArray[np.bool_]

PRECISION_AT = (10, 50, 100, 500)
SHARES = ("0.005", "0.01", "0.02", "0.05")
RESAMPLES = 200
RESAMPLE_SEED = 7
TYPOLOGY_SEPARATORS = r"[;|]"


@dataclass(frozen=True)
class GroupFigures:
    """One role or typology: its positives against all negatives of the evaluation.

    recall_at_share: share of the group's positives within the flagged part of the *whole* list.
    flagged_at_share: share of all its accounts there; for a group without positives (look-alikes) this is the
    false-alarm rate.
    """

    accounts: int
    positives: int
    auroc: float | None
    average_precision: float | None
    recall_at_share: Mapping[str, float | None]
    flagged_at_share: Mapping[str, float]


@dataclass(frozen=True)
class Evaluation:
    """Figures of one list against one set of labels; see CONTRACT section 6 for the keys.

    accounts: labelled accounts that the list has. not_in_list: labelled accounts that it has not (no
    transactions), left out. unlabelled: accounts of the list without a label, left out. Figures are None
    where they have no meaning (no positive, or no negative).
    """

    accounts: int
    positives: int
    not_in_list: int
    positives_not_in_list: int
    unlabelled: int
    auroc: float | None
    average_precision: float | None
    precision_at: Mapping[str, float]
    recall_at_share: Mapping[str, float | None]
    by_role: Mapping[str, GroupFigures]
    by_typology: Mapping[str, GroupFigures]

    def as_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return asdict(self)


def auroc(is_positive: Flags) -> float | None:
    """Chance that a random positive stands before a random negative; flags in list order, best first."""
    positives = int(is_positive.sum())
    negatives = is_positive.size - positives
    if not positives or not negatives:
        return None
    negatives_before = np.cumsum(~is_positive)[is_positive].astype(np.int64).sum()
    return 1.0 - int(negatives_before) / (positives * negatives)


def average_precision(is_positive: Flags) -> float | None:
    """Mean over the positives of the precision at their position; flags in list order, best first."""
    positions = np.flatnonzero(is_positive) + 1
    if not positions.size:
        return None
    return float(np.mean(np.arange(1, positions.size + 1) / positions))


def flagged_count(accounts: int, share: str) -> int:
    """How many accounts a share of the list is: rounded down (never exceeded), but at least one."""
    return max(1, int(Fraction(share) * accounts)) if accounts else 0


def _recall(is_positive: Flags, share: str) -> float | None:
    positives = int(is_positive.sum())
    return (
        float(is_positive[: flagged_count(is_positive.size, share)].sum()) / positives if positives else None
    )


def interval(is_positive: Flags, share: str = "0.01") -> tuple[tuple[float, float], tuple[float, float]]:
    """95 % intervals of average precision and of recall at a share, from RESAMPLES resamplings of accounts.

    Flags in list order, best first; a resampled account keeps its place. (nan, nan) without positives.
    """
    random = np.random.default_rng(RESAMPLE_SEED)
    drawn = []
    for _ in range(RESAMPLES):
        flags = is_positive[np.sort(random.integers(0, is_positive.size, is_positive.size))]
        drawn.append((average_precision(flags), _recall(flags, share)))
    values = np.array(drawn, np.float64)
    values = values[~np.isnan(values).any(axis=1)]
    if not values.size:
        return (float("nan"),) * 2, (float("nan"),) * 2
    low, high = np.quantile(values, [0.025, 0.975], axis=0)
    return (float(low[0]), float(high[0])), (float(low[1]), float(high[1]))


def _group(is_positive: Flags, is_member: Flags) -> GroupFigures:
    mine = is_positive & is_member
    comparable = mine | ~is_positive
    members = int(is_member.sum())
    return GroupFigures(
        accounts=members,
        positives=int(mine.sum()),
        auroc=auroc(mine[comparable]),
        average_precision=average_precision(mine[comparable]),
        recall_at_share={share: _recall(mine, share) for share in SHARES},
        flagged_at_share={
            share: float(is_member[: flagged_count(is_member.size, share)].sum()) / members
            for share in SHARES
        },
    )


def _groups(ranked: pl.DataFrame, column: str) -> dict[str, GroupFigures]:
    if column not in ranked.columns:
        return {}
    is_positive = ranked["is_positive"].to_numpy()
    names = (
        ranked.select(
            place=pl.int_range(pl.len()),
            name=pl.col(column).str.replace_all(TYPOLOGY_SEPARATORS, ";").str.split(";"),
        )
        .explode("name")
        .with_columns(pl.col("name").str.strip_chars())
        .filter(pl.col("name").fill_null("") != "")
    )
    groups = {}
    for name in sorted(names["name"].unique().to_list()):
        is_member = np.zeros(ranked.height, bool)
        is_member[names.filter(pl.col("name") == name)["place"].to_numpy()] = True
        groups[name] = _group(is_positive, is_member)
    return groups


def in_list_order(ranking: pl.DataFrame) -> pl.DataFrame:
    """The ranking, best first: by its `rank` column where it has one, else as it stands."""
    return ranking.sort("rank") if "rank" in ranking.columns else ranking


def evaluate(ranking: pl.DataFrame, labels: pl.DataFrame) -> Evaluation:
    """Figures of `ranking` against `labels`.

    ranking: account_id, best first, or with `rank`. labels: account_id, label, role?, typology?.

    Several roles or typologies of one account are joined by `;` or `|`. precision_at k divides by k, or by
    the number of accounts where there are fewer.

    Raises:
        SourceError: the labels are faulty, or share no account with the ranking.
    """
    checked = labels if "is_positive" in labels.columns else check_labels(labels)
    ids = in_list_order(ranking).select(pl.col("account_id").cast(pl.String))
    ranked = ids.join(checked, on="account_id", how="inner", maintain_order="left")
    if ranked.is_empty():
        raise SourceError(
            f"none of the {checked.height:,} labelled accounts is in the list of {ids.height:,}: the ids "
            f"must be written alike. First label: {checked['account_id'][0]!r}."
        )
    is_positive = ranked["is_positive"].to_numpy()
    missing = checked.join(ids, on="account_id", how="anti")
    return Evaluation(
        accounts=ranked.height,
        positives=int(is_positive.sum()),
        not_in_list=missing.height,
        positives_not_in_list=int(missing["is_positive"].sum()),
        unlabelled=ids.height - ranked.height,
        auroc=auroc(is_positive),
        average_precision=average_precision(is_positive),
        precision_at={str(k): float(is_positive[:k].sum()) / min(k, is_positive.size) for k in PRECISION_AT},
        recall_at_share={share: _recall(is_positive, share) for share in SHARES},
        by_role=_groups(ranked, "role"),
        by_typology=_groups(ranked, "typology"),
    )
