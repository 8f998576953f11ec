"""What lies beside the read model for a query to see: loaded files, quarantine, thresholds, indicators."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

import polars as pl

from finpat.readmodel import ReadModel
from finpat.scheduled.sandbox import Reach
from finpat.scheduled.tables import BESIDE
from finpat.store.workspace import Workspace

_STORE = {
    "files": "select file_id, name as file, table_name, mapping_name as mapping, sha256, "
    "source_rows as rows, loaded, duplicate, quarantined, first_at, last_at, ingested_at as loaded_at "
    "from files order by file_id",
    "quarantine": 'select file_id, source_line, "column" as column_name, reason, '
    "if(corrected_by is null, 'open', 'corrected') as state, corrected_by from quarantine "
    "order by file_id, source_line, reason",
    "days": "select file_id, table_name, day, row_count, credit_count from days join files using (file_id) "
    "order by file_id, day",
}


def published_runs(workspace: Workspace) -> list[Path]:
    """The published read models, oldest first."""
    return sorted(workspace.readmodel.glob("[0-9]*.duckdb"))


def reach_of(
    workspace: Workspace, model: Path, previous: Path | None, tables: Collection[tuple[str, str]]
) -> Reach:
    """What a query that reads `tables` is shown.

    Raises:
        StoreError: a process is writing to the workspace, so that its catalogue cannot be read now.
    """
    beside: dict[tuple[str, str], pl.DataFrame] = {}
    wanted = sorted((name, table) for name, table in tables if name in BESIDE)
    if any(name == "store" for name, _ in wanted):
        beside |= _stored(workspace, [table for name, table in wanted if name == "store"])
    if any(name == "ref" for name, _ in wanted):
        beside |= _references(model)
    if any(name == "casework" for name, _ in wanted):
        beside |= _casework(workspace, [table for name, table in wanted if name == "casework"])
    return Reach(model, previous, beside)


def _stored(workspace: Workspace, tables: Collection[str]) -> dict[tuple[str, str], pl.DataFrame]:
    from finpat.store.catalogue import open_for_reading

    with open_for_reading(workspace) as connection:
        return {("store", table): connection.sql(_STORE[table]).pl() for table in tables}


def _casework(workspace: Workspace, tables: Collection[str]) -> dict[tuple[str, str], pl.DataFrame]:
    """Casework's tables at this moment, with the declared columns; empty where nobody has begun it."""
    from finpat.casework.database import FILE, Database
    from finpat.casework.questions import rows_of
    from finpat.config import load_settings

    url = load_settings(workspace.path).casework.url or None
    if url is None and not (workspace.casework / FILE).exists():
        return {}
    frames = {}
    with Database.open(workspace.casework, url) as database, database.reading() as connection:
        for table in tables:
            names = [column.name for column in BESIDE["casework"][table].columns]
            rows = [{name: row[name] for name in names} for row in rows_of(connection, table)]
            if rows:
                frames["casework", table] = pl.DataFrame(rows, infer_schema_length=None)
    return frames


def _references(model: Path) -> dict[tuple[str, str], pl.DataFrame]:
    """Thresholds and indicators under the settings that the run was made with."""
    from finpat.config import parse_settings  # the catalogue of indicators compiles: only who asks waits
    from finpat.indicators import INDICATORS
    from finpat.indicators.base import ROLES, TYPOLOGIES, WEIGHTS
    from finpat.indicators.thresholds import Thresholds

    with ReadModel(model) as published:
        manifest = published.manifest()
    settings = parse_settings(manifest.get("settings", {}), f"manifest of run {manifest['run_id']}")
    rules = Thresholds.in_force(settings)
    place = {
        id(rule): number
        for use, currency in sorted({(rule.use, rule.currency) for rule in rules.rules if rule.use})
        for number, rule in enumerate(rules.applying(use, currency), start=1)  # type: ignore[arg-type]
    }
    thresholds: list[dict[str, Any]] = [
        {
            "rule": rule.label,
            "jurisdiction": rule.jurisdiction,
            "instrument": rule.instrument,
            "use": rule.use,
            "currency": rule.currency,
            "operator": rule.operator,
            "amount": rule.amount,
            "legal_window": rule.window,
            "aggregation": rule.aggregation,
            "valid_from": rule.valid_from,
            "valid_to": rule.valid_to,
            "preference": place.get(id(rule)),
            "source": rule.source,
        }
        for rule in rules.rules
    ]
    indicators = []
    for item in INDICATORS:
        own = settings.indicators.get(item.id)
        enabled = item.enabled if own is None or own.enabled is None else own.enabled
        indicators.append(
            {
                "indicator_id": item.id,
                "name": item.name,
                "typology": TYPOLOGIES[item.family],
                "weight": WEIGHTS[item.weight],
                "role": " or ".join(ROLES[part] for part in item.role.split("/")),
                "is_enabled": enabled,
                "source": item.source,
                "caution": item.caution,
            }
        )
    types: dict[str, pl.DataType | type[pl.DataType]] = {
        "amount": pl.Decimal(28, 8),
        "preference": pl.Int32,
        "valid_to": pl.Date,
    }
    return {
        ("ref", "thresholds"): pl.DataFrame(thresholds, schema_overrides=types, infer_schema_length=None),
        ("ref", "indicators"): pl.DataFrame(indicators),
    }
