"""What changed from one run to the next, and whether the data or the settings changed."""

from __future__ import annotations

from typing import NamedTuple

import polars as pl

from finpat.readmodel.api import ReadModel

RISEN, FALLEN, NEW, GONE = KINDS = ("risen", "fallen", "new", "gone")
NOTICEABLE = 50  # points of 1,000 by which a score has to move; chosen: a twentieth of the scale
_ALERTING = ("critical", "high")


class Changes(NamedTuple):
    """Two runs held against each other.

    frame: kind, account_id, rank, score, band, possible_role, reason (of the later run; of the earlier for
    those gone), score_before, band_before, gained, lost (indicators, joined by `;`); largest change first.
    counts: accounts of each kind; an account may be new in the list's upper bands without being new in the
    data. data, settings, version: whether they differ.
    """

    earlier: str
    later: str
    frame: pl.DataFrame
    counts: dict[str, int]
    data: bool
    settings: bool
    version: bool

    @property
    def cause(self) -> str:
        """What may have caused the changes, in words."""
        causes = [
            word
            for word, changed in (("data", self.data), ("settings", self.settings), ("finpat", self.version))
            if changed
        ]
        return " and ".join(causes)


def changes(earlier: ReadModel, later: ReadModel) -> Changes:
    """What changed between two runs, of all accounts but possible victims.

    new: in the bands critical and high, and not so before (or not there at all). gone: the other way round.
    risen, fallen: by NOTICEABLE points or more, without being new or gone.
    """
    before, after = _listed(earlier), _listed(later)
    joined = after.join(before, on="account_id", how="full", coalesce=True, suffix="_before")
    alerting = pl.col("band").is_in(_ALERTING).fill_null(False)
    was_alerting = pl.col("band_before").is_in(_ALERTING).fill_null(False)
    moved = pl.col("score").fill_null(0) - pl.col("score_before").fill_null(0)
    told = (
        joined.with_columns(
            moved=moved,
            kind=pl.when(alerting & ~was_alerting)
            .then(pl.lit(NEW))
            .when(was_alerting & ~alerting)
            .then(pl.lit(GONE))
            .when(moved >= NOTICEABLE)
            .then(pl.lit(RISEN))
            .when(moved <= -NOTICEABLE)
            .then(pl.lit(FALLEN)),
        )
        .filter(pl.col("kind").is_not_null())
        .sort(pl.col("moved").abs(), "account_id", descending=[True, False])
    )
    found, found_before = (
        pl.col(name).fill_null("").str.split(";") for name in ("indicators", "indicators_before")
    )
    frame = told.select(
        "kind",
        "account_id",
        *(pl.coalesce(name, f"{name}_before").alias(name) for name in ("possible_role", "reason")),
        "rank",
        "score",
        "band",
        "score_before",
        "band_before",
        "moved",
        gained=found.list.set_difference(found_before).list.sort().list.join(";"),
        lost=found_before.list.set_difference(found).list.sort().list.join(";"),
    )
    number = dict(frame.group_by("kind").len().rows())
    old, new = earlier.manifest(), later.manifest()
    return Changes(
        str(old["run_id"]),
        str(new["run_id"]),
        frame,
        {kind: number.get(kind, 0) for kind in KINDS},
        old["data"]["fingerprint"] != new["data"]["fingerprint"],
        old["settings_hash"] != new["settings_hash"],
        old["versions"]["finpat"] != new["versions"]["finpat"],
    )


def _listed(model: ReadModel) -> pl.DataFrame:
    return model.ask(
        "SELECT account_id, rank, score, band, possible_role, indicators, reason FROM rm.flagged_accounts "
        "WHERE possible_role IS DISTINCT FROM 'possible_victim'"
    )


def bands(model: ReadModel) -> pl.DataFrame:
    """Accounts by band, possible victims apart: band, subjects, protect; from critical to low."""
    return model.ask(
        "SELECT band, count(*) FILTER (possible_role IS DISTINCT FROM 'possible_victim') AS subjects, "
        "count(*) FILTER (possible_role = 'possible_victim') AS protect FROM rm.flagged_accounts "
        "GROUP BY band ORDER BY list_position(['critical', 'high', 'medium', 'low'], band)"
    )


def health(model: ReadModel) -> dict[str, int]:
    """What the run could read and judge: files, rows, loaded, duplicate, quarantined, not_evaluable."""
    row = model.one(
        "SELECT count(*) AS files, coalesce(sum(rows), 0)::BIGINT AS rows, "
        "coalesce(sum(loaded), 0)::BIGINT AS loaded, coalesce(sum(duplicate), 0)::BIGINT AS duplicate, "
        "coalesce(sum(quarantined), 0)::BIGINT AS quarantined FROM rm.sources"
    )
    unjudged = model.one(
        "SELECT count(*) AS n FROM rm.findings WHERE account_id IS NULL AND state = 'not_evaluable'"
    )
    return (row or {}) | {"not_evaluable": int(unjudged["n"]) if unjudged else 0}
