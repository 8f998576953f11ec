"""The model card: what was learned from what, how well it does, and what it must not be used for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from finpat.learning.inputs import Inputs
from finpat.learning.model import FOLDS, LATER_SHARE, MANY, Comparison, Learned

NOT_FOR = (
    "No account is closed, frozen or limited, and no customer is written to, because of this probability.",
    "It says how much an account resembles cases that were decided before, not what its holder does.",
    "It learns what was decided: what nobody looked at counts as nothing, and one-sided cases return in it.",
    "It stands beside the list and never changes its score, band or order.",
)


def model_card(
    learned: Learned, inputs: Inputs, run: Mapping[str, Any], labels: Mapping[str, Any], seed: int
) -> dict[str, Any]:
    """The card as plain values. run: run_id, as_of, fingerprint; labels: file, sha256, rows, not_in_run."""
    return {
        "run": dict(run),
        "labels": {
            **labels,
            "positives": learned.positives,
            "negatives": learned.negatives,
            "networks": learned.groups,
        },
        "model": {"kind": learned.kind, "seed": seed, "columns": list(inputs.columns)},
        "accounts_scored": learned.scores.height,
        "folds": _figures(learned.folds),
        "later": None if learned.later is None else _figures(learned.later),
        "brier": learned.brier,
        "brier_of_base_rate": learned.brier_of_base_rate,
        "reliability": learned.reliability.to_dicts(),
        "importance": learned.importance.to_dicts(),
        "not_for": list(NOT_FOR),
    }


def _figures(compared: Comparison) -> dict[str, Any]:
    return {
        "accounts": compared.learned.accounts,
        "positives": compared.learned.positives,
        **{
            name: {
                "auroc": figures.auroc,
                "average_precision": asdict(interval),
                "precision_at": dict(figures.precision_at),
                "recall_at_share": dict(figures.recall_at_share),
            }
            for name, figures, interval in (
                ("learned", compared.learned, compared.learned_ap),
                ("list", compared.listed, compared.listed_ap),
            )
        },
        "gain": asdict(compared.gain),
    }


def card_as_text(card: Mapping[str, Any]) -> str:
    """The card as Markdown."""
    run, labels, model = card["run"], card["labels"], card["model"]
    lines = [
        f"# Model card: learned from {labels['file']} on run {run['run_id']}",
        "",
        "A second order of the accounts, beside the list and never in its place.",
        "",
        "## What it is not for",
        *[f"- {line}" for line in card["not_for"]],
        "",
        "## What it learned from",
        f"- Run {run['run_id']}, data up to {run['as_of']}Z, fingerprint {run['fingerprint'][:16]}.",
        f"- Labels {labels['file']} (SHA-256 {labels['sha256'][:16]}): {labels['positives']:,} positive and "
        f"{labels['negatives']:,} negative accounts, "
        f"in {labels['networks']:,} networks (an account that no network has is one of its own); "
        f"{labels['not_in_run']:,} labelled accounts are not in the run and were left out.",
        f"- {len(model['columns']):,} columns: features of money and time, the anomaly percentile, and how "
        "often each indicator was found. Nothing of the holder's person is among them.",
        f"- {model['kind']}, calibrated, seed {model['seed']}; boosted trees from {MANY} positives on.",
        "",
        "## How well it does on accounts that it did not learn from",
        "Average precision with its 95 % interval (networks drawn anew):",
        "",
        "| judged on | accounts | positives | learned | list | gain | recall at 1 %: learned, list |",
        "|---|---|---|---|---|---|---|",
        _row(f"{FOLDS} folds of whole networks", card["folds"]),
    ]
    if card["later"] is None:
        lines += ["", "Later networks: not judged, for too few labels lie there, or before."]
    else:
        lines.append(
            _row(f"the latest {LATER_SHARE:.0%} of first bookings, learned from those before", card["later"])
        )
    if card["folds"]["gain"]["low"] <= 0:
        lines += [
            "",
            "**The interval of the gain includes nothing gained: on these labels the list is as good.**",
        ]
    lines += [
        "",
        f"Calibration: Brier score {card['brier']:.4f}; always saying the base rate gives "
        f"{card['brier_of_base_rate']:.4f}.",
        "",
        "| tenth of the labelled accounts | mean probability | share positive |",
        "|---|---|---|",
        *[
            f"| {number} | {row['mean_probability']:.3f} | {row['positive_share']:.3f} |"
            for number, row in enumerate(card["reliability"], start=1)
        ],
        "",
        "## What it goes by",
        "Drop in average precision when the column is shuffled over the later accounts:",
        "",
        *([f"- {row['column']}: {row['drop']:.3f}" for row in card["importance"]] or ["- not measured"]),
    ]
    return "\n".join(lines) + "\n"


def _row(name: str, part: Mapping[str, Any]) -> str:
    def interval(figure: Mapping[str, float], sign: str = "") -> str:
        return f"{figure['value']:{sign}.3f} ({figure['low']:{sign}.3f} to {figure['high']:{sign}.3f})"

    def recall(of: str) -> str:
        value = part[of]["recall_at_share"]["0.01"]
        return "-" if value is None else f"{value:.3f}"

    return (
        f"| {name} | {part['accounts']:,} | {part['positives']:,} "
        f"| {interval(part['learned']['average_precision'])} | {interval(part['list']['average_precision'])} "
        f"| {interval(part['gain'], '+')} | {recall('learned')}, {recall('list')} |"
    )
