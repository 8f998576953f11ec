"""Where what was learned is kept: a numbered folder beside the runs, complete or absent."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from finpat.learning.card import card_as_text
from finpat.store.failures import told_in_one_line


@dataclass(frozen=True)
class LearnedRun:
    """A kept result: folder `<run_id>-<number>` with scores.parquet, card.json and card.md."""

    folder: Path

    def scores(self) -> pl.DataFrame:
        """The scores, most probable first (see model.Learned)."""
        return pl.read_parquet(self.folder / "scores.parquet")

    def card(self) -> dict[str, Any]:
        """The model card."""
        card: dict[str, Any] = json.loads((self.folder / "card.json").read_text("utf-8"))
        return card


def save_learned(folder: Path, run_id: str, scores: pl.DataFrame, card: Mapping[str, Any]) -> LearnedRun:
    """Keep a result under the next number of `run_id`; killed midway, nothing is there.

    Raises:
        StoreError: the folder cannot be written.
    """
    with told_in_one_line(folder, "keeping what was learned"):
        folder.mkdir(exist_ok=True)
        for leftover in folder.glob(".*.building"):
            shutil.rmtree(leftover, ignore_errors=True)
        number = max((int(path.name.rpartition("-")[2]) for path in _kept(folder, run_id)), default=0) + 1
        name = f"{run_id}-{number:02d}"
        draft = folder / f".{name}.building"
        draft.mkdir()
        scores.write_parquet(draft / "scores.parquet")
        (draft / "card.json").write_text(json.dumps(card, indent=1, ensure_ascii=False), encoding="utf-8")
        (draft / "card.md").write_text(card_as_text(card), encoding="utf-8")
        os.replace(draft, folder / name)
    return LearnedRun(folder / name)


def latest_learned(folder: Path, run_id: str) -> LearnedRun | None:
    """What was learned last on a run; None where nothing was."""
    kept = sorted(_kept(folder, run_id), key=lambda path: int(path.name.rpartition("-")[2]))
    return LearnedRun(kept[-1]) if kept else None


def _kept(folder: Path, run_id: str) -> list[Path]:
    return [path for path in folder.glob(f"{run_id}-*") if path.name.rpartition("-")[2].isdigit()]
