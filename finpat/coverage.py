"""Red-flag coverage: of simulated episodes, the share that each indicator catches, up to which difficulty.

Each difficulty is a world of its own (`finpat.simulation`), written as exports, loaded, run and read back as
an institution's own data would be. An episode is caught by an indicator that finds one of its accounts.
Nothing is learned from it: the parameters in force are those of the settings.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl

from finpat import pipeline
from finpat.config import Settings
from finpat.readmodel import ReadModel
from finpat.simulation import Simulated, World, simulate, write_world
from finpat.sources import load_mapping, open_source
from finpat.store.load import load
from finpat.store.workspace import Workspace

DIFFICULTIES = (0.0, 0.25, 0.5, 0.75, 1.0)
MAPPINGS = {
    "accounts": "canonical_accounts",
    "transactions": "canonical",
    "ads": "canonical_ads",
    "ad_payments": "canonical_ad_payments",
}
HALF = 0.5  # of the episodes: what counts as firing


@dataclass(frozen=True)
class Coverage:
    """What was caught.

    caught: scenario, indicator_id, difficulty, episodes, share (of the episodes that it finds an account of);
        indicators that find none at any difficulty are left out.
    ranks: scenario, difficulty, median_best_rank (of an episode's best account), top_share (of the episodes
        with an account in the first 2 % of the list), accounts (on the list).
    elsewhere: kind (of innocent look-alike, or `ordinary`), indicator_id, share of its accounts found, over
        all difficulties.
    """

    caught: pl.DataFrame
    ranks: pl.DataFrame
    elsewhere: pl.DataFrame

    def stops(self) -> pl.DataFrame:
        """scenario, indicator_id, share at difficulty 0, stops_at: the first where under half is caught.

        Null where it fires at all difficulties. Only what catches half of a scenario's episodes at 0.
        """
        firing = self.caught.filter(pl.col("difficulty") == 0, pl.col("share") >= HALF)
        below = self.caught.filter(pl.col("share") < HALF).group_by("scenario", "indicator_id")
        return (
            firing.select("scenario", "indicator_id", "share")
            .join(below.agg(stops_at=pl.col("difficulty").min()), on=["scenario", "indicator_id"], how="left")
            .sort("scenario", "share", "indicator_id", descending=[False, True, False])
        )

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        tables = {
            "caught": self.caught,
            "ranks": self.ranks,
            "elsewhere": self.elsewhere,
            "stops": self.stops(),
        }
        return {name: frame.to_dicts() for name, frame in tables.items()}


def measure(world: World, settings: Settings, now: datetime, notify: Callable[[str], None]) -> Coverage:
    """Coverage in this world at each of DIFFICULTIES; its own difficulty does not matter."""
    caught, held, ranks, elsewhere = [], [], [], []
    for difficulty in DIFFICULTIES:
        notify(f"difficulty {difficulty:g}")
        simulated = simulate(replace(world, difficulty=difficulty))
        listed, found = _run(simulated, settings, now)
        caught.append(_caught(simulated, found))
        held.append(
            simulated.episodes.group_by("scenario", "difficulty").agg(
                episodes=pl.col("episode_id").n_unique()
            )
        )
        ranks.append(_ranks(simulated, listed).with_columns(difficulty=pl.lit(difficulty)))
        elsewhere.append(_elsewhere(simulated, found))
    everything = pl.concat(caught)
    ever = everything.select("scenario", "indicator_id").unique()
    grid = ever.join(pl.concat(held), on="scenario").join(
        everything, on=["scenario", "indicator_id", "difficulty"], how="left"
    )
    return Coverage(
        grid.select(
            "scenario", "indicator_id", "difficulty", "episodes",
            share=pl.col("seen").fill_null(0) / pl.col("episodes"),
        ).sort("scenario", "indicator_id", "difficulty"),
        pl.concat(ranks).sort("scenario", "difficulty"),
        pl.concat(elsewhere).group_by("kind", "indicator_id").agg(pl.col("share").sum() / len(DIFFICULTIES))
        .sort("kind", "share", "indicator_id", descending=[False, True, False]),
    )  # fmt: skip


def _run(simulated: Simulated, settings: Settings, now: datetime) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The list, and account_id and indicator_id of what was found."""
    with tempfile.TemporaryDirectory(prefix="finpat-coverage-") as scratch:
        folder = Path(scratch)
        write_world(simulated, folder)
        workspace = Workspace.create(folder / "workspace")
        for name, mapping in MAPPINGS.items():
            source = open_source(folder / f"{name}.csv")
            load(workspace, source, load_mapping(mapping), settings=settings, now=now)
        run = pipeline.run(workspace, settings, None, now, lambda _: None)
        with ReadModel(run.readmodel) as model:
            found = model.table("findings").filter(
                pl.col("state") == "found", pl.col("account_id").is_not_null()
            )
            return model.flagged(), found.select("account_id", "indicator_id").unique()


def _caught(simulated: Simulated, found: pl.DataFrame) -> pl.DataFrame:
    """scenario, indicator_id, difficulty, seen: episodes of which the indicator finds an account."""
    return (
        simulated.episodes.join(found, on="account_id")
        .group_by("scenario", "indicator_id", "difficulty")
        .agg(seen=pl.col("episode_id").n_unique())
    )


def _ranks(simulated: Simulated, listed: pl.DataFrame) -> pl.DataFrame:
    """Where the best account of each episode stands, by scenario."""
    first = max(1, round(0.02 * listed.height))
    return (
        simulated.episodes.join(listed.select("account_id", "rank"), on="account_id")
        .group_by("scenario", "episode_id")
        .agg(pl.col("rank").min())
        .group_by("scenario")
        .agg(
            median_best_rank=pl.col("rank").median(),
            top_share=(pl.col("rank") <= first).mean(),
            accounts=pl.lit(listed.height),
        )
    )


def _elsewhere(simulated: Simulated, found: pl.DataFrame) -> pl.DataFrame:
    """Shares of the accounts in no episode that each indicator finds, by kind of account."""
    kinds = (
        simulated.accounts.select("account_id")
        .join(simulated.episodes.select("account_id"), on="account_id", how="anti")
        .join(simulated.innocents, on="account_id", how="left")
        .with_columns(pl.col("kind").fill_null("ordinary"))
    )
    sizes = kinds.group_by("kind").agg(accounts=pl.len())
    return (
        kinds.join(found, on="account_id")
        .group_by("kind", "indicator_id")
        .agg(seen=pl.len())
        .join(sizes, on="kind")
        .select("kind", "indicator_id", share=pl.col("seen") / pl.col("accounts"))
    )
