"""A threshold tried before it is saved: who would be found, who no longer, and who lies just below the line.

    tried = try_indicator(Path("finpat-workspace"), "0004", "ST-STRUCT-01", {"min_count": 4})

The trial reads the files, settings and as-of instant of a published run, so that what differs is the
threshold alone. It writes nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl

from finpat import indicators, pipeline
from finpat.config import IndicatorSettings, Settings, parse_settings
from finpat.errors import UsageError
from finpat.indicators.base import Indicator
from finpat.ledger import Ledger, build_ledger
from finpat.rates import load_rates
from finpat.store.catalogue import read_files
from finpat.store.payments import read_payments, read_table
from finpat.store.workspace import Workspace

DRAWN = 10  # accounts of the sample below the line
STEP = 0.1  # share by which a bound is loosened to find who lies just below it; whole numbers by 1 at least


@dataclass(frozen=True)
class Trial:
    """What a change of parameters does to one indicator.

    parameters: those tried, each with the run's own value: (name, before, tried). found: accounts found with
    them; gained, lost: against the run's own; all in order of account_id. loosened: the parameters a step
    looser than tried, as (name, tried, looser); empty where none has a looser side. below: accounts that only
    the looser values find; `drawn` is a sample of them, drawn by the run's number and so the same each time.
    """

    indicator_id: str
    run_id: str
    parameters: tuple[tuple[str, Any, Any], ...]
    found: tuple[str, ...]
    gained: tuple[str, ...]
    lost: tuple[str, ...]
    loosened: tuple[tuple[str, Any, Any], ...]
    below: int
    drawn: tuple[str, ...]


def try_indicator(folder: Path, run_id: str, indicator_id: str, overrides: Mapping[str, Any]) -> Trial:
    """Evaluate one indicator over a run's data with other parameters.

    Raises:
        UsageError: there is no such indicator, or it needs adverts (their links are computed by a run).
        SettingsError: no such parameter, or a value it cannot have; the nearest right one is named.
        RunError: there is no such run.
    """
    card = _card(indicator_id)
    workspace = Workspace.open(folder)
    manifest = pipeline.read_manifest(workspace, run_id)
    settings = parse_settings(manifest["settings"], f"manifest of run {run_id}")
    own = settings.indicators.get(card.id)
    was = card.with_parameters(own.parameters if own else {})
    tried = (own.parameters if own else {}) | dict(overrides)
    values = card.with_parameters(tried)
    ledger = _ledger(workspace, settings, manifest)
    features = pl.read_parquet(workspace.runs / run_id / "features.parquet")

    def found_with(parameters: Mapping[str, Any]) -> set[str]:
        # All cards are given, since one may ask another's parameters; all but this one are switched off.
        only = {item.id: IndicatorSettings(enabled=False) for item in indicators.INDICATORS}
        only[card.id] = IndicatorSettings.model_validate({"enabled": True, **parameters})
        chosen = settings.model_copy(update={"indicators": only})
        found = indicators.evaluate(ledger, features, chosen).findings
        return set(found.filter(pl.col("state") == "found")["account_id"].drop_nulls())

    before, after = found_with(own.parameters if own else {}), found_with(tried)
    looser = _loosened(card, values, overrides)
    below = found_with(tried | looser) - after if looser else set()
    return Trial(
        card.id,
        run_id,
        tuple((name, getattr(was, name), getattr(values, name)) for name in overrides),
        tuple(sorted(after)),
        tuple(sorted(after - before)),
        tuple(sorted(before - after)),
        tuple((name, getattr(values, name), value) for name, value in looser.items()),
        len(below),
        tuple(sorted(below, key=lambda account: _lot(run_id, card.id, account))[:DRAWN]),
    )


def _card(indicator_id: str) -> Indicator:
    known = {item.id: item for item in indicators.INDICATORS}
    if indicator_id not in known:
        raise UsageError.unknown("indicator", indicator_id, known)
    card = known[indicator_id]
    if "adverts" in card.needs:
        raise UsageError(f"{card.id} needs adverts: set its parameters in finpat.toml and make a run")
    return card


def _ledger(workspace: Workspace, settings: Settings, manifest: Mapping[str, Any]) -> Ledger:
    """The ledger that the run saw."""
    wanted = {entry["id"] for entry in manifest["data"]["files"]}
    files = [file for file in read_files(workspace) if file.file_id in wanted]
    as_of = datetime.fromisoformat(manifest["as_of"])
    ids = {
        table: [file.file_id for file in files if file.table_name == table]
        for table in ("transactions", "accounts")
    }
    holders = read_table(workspace, "accounts", as_of, ids["accounts"])
    return build_ledger(
        read_payments(workspace, as_of, ids["transactions"]),
        holders.drop("source_line", "file_id", strict=False) if holders.height else None,
        reporting_zone=settings.reporting_zone,
        rates=load_rates(settings.fx, workspace.path),
    )


def _loosened(card: Indicator, values: Any, changed: Mapping[str, Any]) -> dict[str, Any]:
    """The changed parameters, one step towards finding more; those without a known side are left out."""
    looser: dict[str, Any] = {}
    for item in card.parameter_fields():
        value, side = getattr(values, item.name), item.metadata["stricter"]
        if item.name not in changed or not side or isinstance(value, bool | str | tuple):
            continue
        step = max(1, round(abs(value) * STEP)) if isinstance(value, int) else abs(value) * STEP
        moved = value - step if side == "higher" else value + step
        low, high = item.metadata["low"], item.metadata["high"]
        moved = moved if low is None else max(moved, low)
        moved = moved if high is None else min(moved, high)
        if moved != value:
            looser[item.name] = moved
    return looser


def _lot(run_id: str, indicator_id: str, account_id: str) -> str:
    return hashlib.sha256(f"{run_id}\n{indicator_id}\n{account_id}".encode()).hexdigest()
