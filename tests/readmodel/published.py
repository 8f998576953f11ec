"""A small published run for tests: three accounts, one a possible victim, one with a hostile name."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from finpat.readmodel import Legs, Publication, make_current, publish
from finpat.readmodel.legs import PAYMENT_COLUMNS, published_part
from finpat.readmodel.publish import runs_row
from tests import factory

AS_OF = datetime(2026, 4, 1)
HOSTILE = '=HYPERLINK("http://example.org","click")'


def manifest(run_id: str = "0001") -> dict[str, Any]:
    """The manifest of a run, as the pipeline writes it."""
    return {
        "run_id": run_id,
        "as_of": AS_OF.isoformat(),
        "started_at": "2026-04-01T09:00:00",
        "data": {"fingerprint": "f1", "files": ["S1"]},
        "settings_hash": "h1",
        "settings": {},
        "versions": {"finpat": "0.1.0"},
        "seed": 7,
        "counts": {"accounts": 3, "transactions": 5},
    }


class Export(NamedTuple):
    """Payments of one loaded file, and what only the read model shows of them."""

    name: str
    rows: list[dict[str, Any]]


def export(name: str = "S1", rows: list[dict[str, Any]] | None = None, **columns: Any) -> Export:
    """A loaded file `<name>.csv`; every column has a plain default."""
    defaults: dict[str, Any] = {
        "account_id": "A",
        "direction": "debit",
        "amount_minor": 100_00,
        "currency": "EUR",
        "booked_at": datetime(2026, 3, 2, 12),
    }
    filled = [
        {"transaction_id": f"{name}-{line}", "source_line": line, **defaults, **columns, **row}
        for line, row in enumerate([{}] if rows is None else rows, start=2)
    ]
    return Export(name, filled)


def legs_of(*exports: Export) -> Legs:
    """The ledger of these files, ready to be published."""
    rows = [
        {"file_id": number, **row} for number, loaded in enumerate(exports, start=1) for row in loaded.rows
    ]
    shown = ("file_id", *PAYMENT_COLUMNS)
    keep = ("account_id", "direction")
    paid = [{name: value for name, value in row.items() if name not in shown or name in keep} for row in rows]
    written = pl.DataFrame(
        [{name: row[name] for name in shown if name in row} for row in rows],
        schema_overrides={"balance_after_minor": pl.Int64} if any("balance_after_minor" in r for r in rows)
        else None,
        infer_schema_length=None,
    )  # fmt: skip
    files = {number: f"{loaded.name.lower()}.csv" for number, loaded in enumerate(exports, start=1)}
    return Legs(published_part(factory.ledger(*paid)), written, files)


def flagged_row(rank: int, account_id: str, **changes: Any) -> dict[str, Any]:
    """One row of the flagged-account list."""
    return {
        "rank": rank,
        "account_id": account_id,
        "holder_name": None,
        "score": 1000 - rank,
        "band": "high",
        "possible_role": "unclear",
        "typologies": "structuring",
        "indicators": "ST-STRUCT-01",
        "anomaly_percentile": 99.5,
        "amount_in": "1234.50",
        "amount_out": "0.05",
        "currency": "EUR",
        "first_seen": datetime(2026, 3, 2, 12),
        "last_seen": datetime(2026, 3, 9, 12),
        "network_id": None,
        "reason": "3 cash deposits just under 10,000.",
        "status": "new",
        "run_id": "0001",
        **changes,
    }


def publication(run_id: str = "0001", **tables: pl.DataFrame) -> Publication:
    """A run over three accounts: 007 (hostile name), VICTIM (possible victim) and Z."""
    rows = [
        {"account_id": "007", "amount_minor": 999_900, "direction": "credit", "channel": "cash",
         "counterparty_id": None, "booked_at": datetime(2026, 3, day, 12)}
        for day in (4, 2, 3)
    ]  # fmt: skip
    rows.append({"account_id": "VICTIM", "counterparty_id": "Z", "mirrored": True, "description": HOSTILE})
    flagged = pl.DataFrame(
        [
            flagged_row(1, "007", holder_name=HOSTILE, reason="+1 more than peers"),
            flagged_row(2, "VICTIM", possible_role="possible_victim"),
            flagged_row(
                3, "Z", score=10, band="low", indicators="", typologies="", reason="Nothing stands out."
            ),
        ],
        schema_overrides={"network_id": pl.String, "holder_name": pl.String},
    ).with_columns(pl.col("amount_in", "amount_out").cast(pl.Decimal(28, 8)))
    value = {"name": "total", "value": 29997.0, "unit": "EUR", "threshold": 10000.0, "operator": ">"}
    findings = pl.DataFrame(
        [
            {"finding_id": "F1", "account_id": "007", "indicator_id": "ST-STRUCT-01",
             "typology": "structuring", "state": "found", "missing_field": None,
             "window_start": datetime(2026, 3, 2, 12),
             "window_end": datetime(2026, 3, 4, 12), "values": [value],
             "fact": "3 deposits under 10,000", "sentence": "3 deposits under 10,000.",
             "weight": "strong", "role": "unclear"},
            {"finding_id": "F2", "account_id": None, "indicator_id": "ST-STRUCT-05",
             "typology": "structuring", "state": "not_evaluable", "missing_field": "branch_id",
             "window_start": None, "window_end": None,
             "values": [], "fact": None, "sentence": None, "weight": "medium", "role": "unclear"},
        ]
    )  # fmt: skip
    evidence = pl.DataFrame(
        {
            "finding_id": ["F1"] * 3,
            "position": [1, 2, 3],
            "transaction_id": ["S1-3", "S1-4", "S1-2"],
            "account_id": ["007"] * 3,
            "direction": ["credit"] * 3,
            "source_id": ["S1"] * 3,
            "source_file": ["s1.csv"] * 3,
            "source_line": [3, 4, 2],
        }
    )
    contributions = pl.DataFrame(
        {
            "account_id": ["007", "007"],
            "detector": ["iforest", "iforest"],
            "feature": ["cash_in_count_7d", "night_share"],
            "value": [3.0, 0.1],
            "peer_median": [0.0, 0.1],
            "peer_spread": [0.5, 0.1],
            "direction": ["high", "high"],
            "share": [0.8, 0.2],
        }
    )
    features = pl.DataFrame({"account_id": ["007", "VICTIM", "Z"], "cash_in_count_7d": [3, 0, None]})
    accounts = pl.DataFrame(
        {
            "account_id": ["007", "VICTIM", "Z"],
            "holder_name": [HOSTILE, None, None],
            "currency": ["EUR"] * 3,
            "leg_count": [3, 1, 1],
        }
    )
    made = manifest(run_id)
    return Publication(
        run_id=run_id,
        manifest=made,
        tables={
            "flagged_accounts": flagged,
            "findings": findings,
            "finding_evidence": evidence,
            "anomaly_contributions": contributions,
            "account_features": features,
            "accounts": accounts,
            "runs": runs_row(made),
            **tables,
        },
        legs=legs_of(export(rows=rows)),
    )


def publish_sample(folder: Path, run_id: str = "0001", **tables: pl.DataFrame) -> Path:
    """Publish the sample run under `folder`/readmodel and make it current."""
    path = publish(folder / "readmodel", publication(run_id, **tables))
    make_current(folder / "readmodel", path)
    return path
