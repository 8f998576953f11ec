"""A published run for tests of pages: an account with half a year of life, and a hundred others."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
from dash import Dash

from dashboard.app import create_app
from dashboard.state import ReadModels
from finpat.readmodel import Publication, make_current, publish
from finpat.readmodel.publish import runs_row
from tests.readmodel.published import HOSTILE, export, flagged_row, legs_of, manifest

FIRST = datetime(2025, 10, 1, 11)
LAST = FIRST + timedelta(days=177, hours=5)
MARKUP = "<img src=x onerror=alert(1)>"  # what must be shown as the text that it is
CITIES = (("Berlin", "DE"), ("Hamburg", "DE"), ("Vienna", "AT"))
OTHERS = 120
ROLES = {3: "possible_victim", 5: "possible_controller", 7: "possible_mule"}
BANDS = ("critical", "high", "medium", "low")


def rows() -> list[dict[str, Any]]:
    """Account A-1: paid cash every third day, spends by card in three cities, pays a held account."""
    made: list[dict[str, Any]] = []
    for number in range(60):
        at = FIRST + timedelta(days=3 * number)
        city, country = CITIES[number // 20]
        made.append(
            {"account_id": "A-1", "booked_at": at, "direction": "credit", "channel": "cash",
             "amount_minor": 950_00, "counterparty_id": "CASH", "balance_after_minor": 100_00 * number}
        )  # fmt: skip
        made.append(
            {"account_id": "A-1", "booked_at": at + timedelta(hours=5), "channel": "card",
             "amount_minor": 80_00, "counterparty_id": "M-1", "merchant_category": "7011",
             "description": MARKUP, "city": city, "country": country, "extra": '{"fee": "1.50"}'}
        )  # fmt: skip
    made.append(
        {"account_id": "A-1", "counterparty_id": "A-2", "counterparty_name": MARKUP, "amount_minor": 500_00,
         "booked_at": FIRST + timedelta(days=170)}
    )  # fmt: skip
    return made


def flagged(**changes: Any) -> pl.DataFrame:
    """The list: A-1 first, then A-2 and so on, one of each role among them."""
    listed = []
    for rank in range(1, OTHERS + 1):
        band = BANDS[min(3, rank // 8)]
        listed.append(
            flagged_row(
                rank,
                f"A-{rank}",
                holder_name=HOSTILE if rank == 1 else None,
                band=band,
                possible_role=ROLES.get(rank, "unclear"),
                indicators="ST-STRUCT-01;HT-P2P-01" if rank % 2 else "HT-P2P-01",
                typologies="structuring;third-party receipts" if rank % 2 else "third-party receipts",
                reason=f"{MARKUP} 3 cash deposits just under 10,000." if rank == 1 else f"{rank} deposits.",
                network_id="N1" if rank < 3 else None,
                first_seen=FIRST,
                last_seen=LAST,
                **changes,
            )
        )
    return pl.DataFrame(
        listed, schema_overrides={"network_id": pl.String, "holder_name": pl.String}, infer_schema_length=None
    ).with_columns(pl.col("amount_in", "amount_out").cast(pl.Decimal(28, 8)))


def tables(run_id: str) -> dict[str, pl.DataFrame]:
    """All but the transactions."""
    measured = {"name": "deposit_count", "value": 12.0, "unit": "count", "threshold": 3.0, "operator": ">="}
    shared = {"indicator_id": "ST-STRUCT-01", "typology": "structuring", "state": "found",
              "missing_field": None, "window_start": FIRST, "window_end": FIRST + timedelta(days=30),
              "fact": "12 deposits just under 10,000", "sentence": "12 deposits just under 10,000 (12 rows).",
              "weight": "strong", "role": "unclear"}  # fmt: skip
    findings = [
        {"finding_id": f"F{n}", "account_id": f"A-{n}", **shared,
         "values": [{**measured, "value": float(n + 2)}]}
        for n in range(1, 12)
    ]  # fmt: skip
    evidence = pl.DataFrame(
        {
            "finding_id": ["F1"] * 3,
            "position": [1, 2, 3],
            "transaction_id": ["S1-2", "S1-4", "S1-6"],
            "account_id": ["A-1"] * 3,
            "direction": ["credit"] * 3,
            "source_id": ["S1"] * 3,
            "source_file": ["s1.csv"] * 3,
            "source_line": [2, 4, 6],
        }
    )
    arguments = pl.DataFrame(
        {
            "account_id": ["A-1"], "possible_role": ["possible_mule"], "standing": ["not_enough"],
            "speaks_for": [["passes money on soon after it comes"]], "speaks_against": [[]],
            "findings_for": [["F1"]], "findings_against": [[]], "strength_for": ["medium"],
            "strength_against": [None], "control_gate": [False], "lacking": [["three cycles"]],
            "also_common_for": [["traders"]], "settled_by": ["the payee's account file"],
            "verdict": ["Not enough to name this role."],
        },
        schema_overrides={"strength_against": pl.String, "speaks_against": pl.List(pl.String),
                          "findings_against": pl.List(pl.String)},
    )  # fmt: skip
    ids = [f"A-{n}" for n in range(1, OTHERS + 1)]
    return {
        "flagged_accounts": flagged(run_id=run_id),
        "findings": pl.DataFrame(findings),
        "finding_evidence": evidence,
        "role_arguments": arguments,
        "anomaly_contributions": pl.DataFrame(
            {"account_id": ["A-1"], "detector": ["cash"], "feature": ["cash_in_count_7d"], "value": [3.0],
             "peer_median": [0.0], "peer_spread": [0.5], "direction": ["high"], "share": [0.8]}
        ),
        "account_features": pl.DataFrame(
            {"account_id": ids, "cash_in_count_7d": [n % 9 for n in range(OTHERS)]}
        ),
        "features": pl.DataFrame(
            {"feature": ["cash_in_count_7d"], "doc": ["Most cash deposits in 7 days."], "kind": ["count"]}
        ),
        "indicators": pl.DataFrame(
            {"indicator_id": ["HT-P2P-01", "ST-STRUCT-01"],
             "name": ["Many one-off payers", "Repeated just below"], "weight": ["medium", "strong"],
             "source": ["FinCEN", "FFIEC"], "also_common_for": ["clubs", "shops"]}
        ),
        "accounts": pl.DataFrame(
            {"account_id": ids, "currency": ["EUR"] * OTHERS, "leg_count": [121, *[1] * (OTHERS - 1)],
             "holder_name": [HOSTILE, *[None] * (OTHERS - 1)], "opened_on": [date(2025, 9, 1)] * OTHERS,
             "first_seen": [FIRST] * OTHERS, "last_seen": [LAST] * OTHERS}
        ),
        "network_edges": pl.DataFrame(
            {"network_id": ["N1"], "from_id": ["A-1"], "to_id": ["A-2"], "kind": ["payment"],
             "weight": [0.7], "count": [1], "amount": ["500"], "currency": ["EUR"], "first_at": [FIRST],
             "last_at": [FIRST]}
        ).with_columns(pl.col("amount").cast(pl.Decimal(28, 8))),
    }  # fmt: skip


def publish_run(
    folder: Path, run_id: str = "0001", *, changed: dict[str, Any] | None = None, **more: Any
) -> Path:
    """Publish the run under `folder`/readmodel; `changed` goes into its manifest, `more` are tables."""
    made = manifest(run_id) | {"settings": {"reporting_zone": "UTC"}} | (changed or {})
    made["counts"] = {"accounts": OTHERS, "transactions": 121}
    path = publish(
        folder / "readmodel",
        Publication(
            run_id=run_id,
            manifest=made,
            tables=tables(run_id) | {"runs": runs_row(made)} | more,
            legs=legs_of(export(rows=rows())),
        ),
    )
    make_current(folder / "readmodel", path)
    return path


def app_of(folder: Path) -> Dash:
    """The dashboard over the runs published there."""
    return create_app(ReadModels(folder / "readmodel"))
