"""The main job on labelled sets, with one configuration for all; `docs/evaluation.md` is made from it.

    python -m finpat.evaluation.labelled_sets [--anomaly-only] FOLDER [SET ...]

--anomaly-only leaves the indicators out; the list is then the order of the anomaly score.

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

import numpy as np
import polars as pl

from finpat import detection, indicators, risk
from finpat.config import Settings
from finpat.detection.scoring import Reference, tail, vote
from finpat.errors import SourceError
from finpat.evaluation.figures import Evaluation, evaluate, flagged_count, interval
from finpat.evaluation.labels import read_labels
from finpat.features import build_features
from finpat.indicators.evaluation import EVIDENCE_SCHEMA, FINDINGS_SCHEMA
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
ANOMALY_ONLY = "--anomaly-only"
NOTHING_FOUND = indicators.Findings(
    pl.DataFrame(schema=FINDINGS_SCHEMA),
    pl.DataFrame(schema=EVIDENCE_SCHEMA),
)
LOADED_AT = datetime(2026, 1, 1)  # of a workspace that lives for one measurement


@dataclass(frozen=True)
class Measured:
    """Figures of one set.

    Of the list, and of anomaly score, indicators and each detector by themselves; `without`: of the anomaly
    score less one detector. intervals: of the list's average precision and recall at 1 %.
    """

    name: str
    listed: Evaluation
    anomaly_only: Evaluation
    indicators_only: Evaluation
    detectors: dict[str, Evaluation]
    without: dict[str, Evaluation]
    intervals: tuple[tuple[float, float], tuple[float, float]]


def make_list(transactions: Path, settings: Settings, *, with_indicators: bool = True) -> pl.DataFrame:
    """The flagged-account list of one export; besides anomaly_score, each detector's, and found: indicators.

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
    findings = indicators.evaluate(ledger, features, settings) if with_indicators else NOTHING_FOUND
    currencies = ledger.accounts["currency"]
    model = detection.fit(features, currencies, settings)
    scores = detection.score(model, features, currencies, threads=settings.threads)
    listed = risk.rank(ledger.accounts, features, findings, scores, settings)
    found = pl.col("indicators").str.split(";").list.len() * (pl.col("indicators") != "")
    return listed.join(
        scores.scores.drop("anomaly_percentile"), on="account_id", maintain_order="left"
    ).with_columns(found=found)


def measure(folder: Path, settings: Settings, *, with_indicators: bool = True) -> Iterator[Measured]:
    """Figures of one set, and of its harder part where it has one."""
    listed = make_list(folder / "transactions.parquet", settings, with_indicators=with_indicators)
    labels = read_labels(folder / "labels_accounts.parquet")
    labels = labels.filter(~pl.col("role").is_in(NOT_CUSTOMERS).fill_null(False))
    yield _measured(folder.name, listed, labels)
    for prefix, (suffix, role) in WITHOUT.items():
        if folder.name.startswith(prefix):
            yield _measured(f"{folder.name} {suffix}", listed, labels.filter(pl.col("role") != role))


def _measured(name: str, listed: pl.DataFrame, labels: pl.DataFrame) -> Measured:
    def by(column: str) -> Evaluation:
        ordered = listed.sort(column, "account_id", descending=[True, False])
        return evaluate(ordered.select("account_id"), labels)

    return Measured(
        name,
        evaluate(listed.select("account_id"), labels),
        by("anomaly_score"),
        by("found"),
        {detector.name: by(detector.name) for detector in detection.DETECTORS},
        {
            detector.name: evaluate(_without(listed, detector.name), labels)
            for detector in detection.DETECTORS
        },
        interval(
            listed.select("account_id")
            .join(labels, on="account_id", how="inner", maintain_order="left")["is_positive"]
            .to_numpy()
        ),
    )


def _without(listed: pl.DataFrame, left_out: str) -> pl.DataFrame:
    """account_id in the order of the anomaly score that the other detectors give."""
    others = [detector for detector in detection.DETECTORS if detector.name != left_out]
    columns = {detector.name: listed[detector.name].to_numpy() for detector in others}
    mean = np.zeros(listed.height)
    for detector in others:
        if not detector.certain:
            mean += vote(columns[detector.name])
    total = tail(Reference.of(mean).percentile(mean))
    for detector in others:
        if detector.certain:
            total += tail(columns[detector.name])
    order = pl.DataFrame({"account_id": listed["account_id"], "total": total})
    return order.sort("total", "account_id", descending=[True, False]).select("account_id")


def _spoken(figures: Evaluation) -> str:
    return (
        f"{figures.auroc or 0:.3f}/{figures.average_precision or 0:.3f}/{figures.precision_at['100']:.2f}/"
        f"{figures.recall_at_share['0.01'] or 0:.3f}"
    )


def _false_alerts(figures: Evaluation) -> int:
    """Negatives among the first 1 % of the list."""
    flagged = flagged_count(figures.accounts, "0.01")
    return flagged - round((figures.recall_at_share["0.01"] or 0) * figures.positives)


def main(arguments: list[str]) -> int:
    """Write a line per set: AUROC / average precision / precision at 100 / recall at 1 %; then its parts.

    Set, accounts, positives, list, anomaly score alone, number of indicators alone, false alerts among the
    first 1 % of the list; below it AP / recall at 1 % of each detector, intervals of the list's, the anomaly
    score without each detector, and recall at 5 % by typology.
    """
    with_indicators = ANOMALY_ONLY not in arguments
    arguments = [argument for argument in arguments if argument != ANOMALY_ONLY]
    root = Path(arguments[0])
    names = arguments[1:] or sorted(path.parent.name for path in root.glob("*/labels_accounts.parquet"))
    for name in names:
        for measured in measure(root / name, Settings(), with_indicators=with_indicators):
            listed = measured.listed
            sys.stdout.write(
                f"| {measured.name} | {listed.accounts:,} | {listed.positives:,} | {_spoken(listed)} | "
                f"{_spoken(measured.anomaly_only)} | {_spoken(measured.indicators_only)} | "
                f"{_false_alerts(listed)} of {flagged_count(listed.accounts, '0.01')} |\n"
            )
            members = ", ".join(
                f"{detector} {figures.average_precision or 0:.3f}/{figures.recall_at_share['0.01'] or 0:.3f}"
                for detector, figures in measured.detectors.items()
            )
            sys.stdout.write(f"    alone: {members}\n")
            (low, high), (recall_low, recall_high) = measured.intervals
            sys.stdout.write(
                f"    95 % of resamplings: AP {low:.3f} to {high:.3f}, recall at 1 % {recall_low:.3f} to "
                f"{recall_high:.3f}\n"
            )
            left_out = ", ".join(
                f"{detector} {figures.average_precision or 0:.3f}/{figures.recall_at_share['0.01'] or 0:.3f}"
                for detector, figures in measured.without.items()
            )
            sys.stdout.write(f"    anomaly score without: {left_out}\n")
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
