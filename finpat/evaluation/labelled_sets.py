"""The main job on labelled sets, with one configuration for all; `docs/evaluation.md` is made from it.

    python -m finpat.evaluation.labelled_sets FOLDER [SET ...]

Each set is a folder with transactions.parquet and labels_accounts.parquet. Labels are read after the list is
made. Accounts whose label names them as merchant or bank are no customers and are left out of the figures.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import polars as pl

from finpat import detection, indicators, risk
from finpat.config import Settings
from finpat.errors import SourceError
from finpat.evaluation.figures import Evaluation, evaluate
from finpat.evaluation.labels import read_labels
from finpat.features import build_features
from finpat.ledger import build_ledger
from finpat.rates import load_rates
from finpat.sources import detect_mapping, open_source
from finpat.store.load import load
from finpat.store.payments import read_payments
from finpat.store.workspace import Workspace

NOT_CUSTOMERS = ("merchant", "bank")
# Positives that a figure of its own leaves out: set -> (suffix, role). Conduits pass one or two payments;
# mules of that simulator exist for one transfer in and one cash-out.
WITHOUT = {"tide": ("core", "conduit"), "paysim": ("dealers", "mule")}
LOADED_AT = datetime(2026, 1, 1)  # of a workspace that lives for one measurement


@dataclass(frozen=True)
class Measured:
    """Figures of one set: of the list, and of the anomaly score and the indicators by themselves."""

    name: str
    listed: Evaluation
    anomaly_only: Evaluation
    indicators_only: Evaluation


def make_list(transactions: Path, settings: Settings) -> pl.DataFrame:
    """The flagged-account list of one export; besides anomaly_score, and found: number of indicators.

    Raises:
        SourceError: the file cannot be read, or no ready mapping knows its layout.
    """
    source = open_source(transactions)
    mapping = detect_mapping(source, "transactions")
    if mapping is None:
        raise SourceError(f"{transactions}: no ready mapping knows this layout.")
    with tempfile.TemporaryDirectory() as folder:
        workspace = Workspace.create(Path(folder) / "workspace")
        load(workspace, source, mapping, settings=settings, now=LOADED_AT)
        payments = read_payments(workspace)
        ledger = build_ledger(
            payments, reporting_zone=settings.reporting_zone, rates=load_rates(settings.fx, workspace.path)
        )
    features = build_features(ledger, settings)
    findings = indicators.evaluate(ledger, features, settings)
    currencies = ledger.accounts["currency"]
    model = detection.fit(features, currencies, settings)
    scores = detection.score(model, features, currencies, threads=settings.threads)
    listed = risk.rank(ledger.accounts, features, findings, scores, settings)
    found = pl.col("indicators").str.split(";").list.len() * (pl.col("indicators") != "")
    return listed.join(
        scores.scores.select("account_id", "anomaly_score"), on="account_id", maintain_order="left"
    ).with_columns(found=found)


def measure(folder: Path, settings: Settings) -> Iterator[Measured]:
    """Figures of one set, and of its harder part where it has one."""
    listed = make_list(folder / "transactions.parquet", settings)
    labels = read_labels(folder / "labels_accounts.parquet")
    labels = labels.filter(~pl.col("role").is_in(NOT_CUSTOMERS).fill_null(False))
    yield _measured(folder.name, listed, labels)
    for prefix, (suffix, role) in WITHOUT.items():
        if folder.name.startswith(prefix):
            yield _measured(f"{folder.name} {suffix}", listed, labels.filter(pl.col("role") != role))


def _measured(name: str, listed: pl.DataFrame, labels: pl.DataFrame) -> Measured:
    columns = listed.select("account_id", "anomaly_score", "found")
    return Measured(
        name,
        evaluate(columns.select("account_id"), labels),
        evaluate(columns.sort("anomaly_score", "account_id", descending=[True, False]), labels),
        evaluate(columns.sort("found", "account_id", descending=[True, False]), labels),
    )


def _spoken(figures: Evaluation) -> str:
    return (
        f"{figures.auroc or 0:.3f}/{figures.average_precision or 0:.3f}/{figures.precision_at['100']:.2f}/"
        f"{figures.recall_at_share['0.01'] or 0:.3f}"
    )


def main(arguments: list[str]) -> int:
    """Write a line per set: AUROC / average precision / precision at 100 / recall at 1 %; by typology."""
    root = Path(arguments[0])
    names = arguments[1:] or sorted(path.parent.name for path in root.glob("*/labels_accounts.parquet"))
    for name in names:
        for measured in measure(root / name, Settings()):
            listed = measured.listed
            sys.stdout.write(
                f"| {measured.name} | {listed.accounts:,} | {listed.positives:,} | {_spoken(listed)} | "
                f"{_spoken(measured.anomaly_only)} | {_spoken(measured.indicators_only)} |\n"
            )
            typologies = ", ".join(
                f"{typology} {group.recall_at_share['0.05']:.2f} of {group.positives}"
                for typology, group in listed.by_typology.items()
                if group.positives
            )
            if typologies:
                sys.stdout.write(f"    recall at 5 %: {typologies}\n")
            sys.stdout.flush()
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
