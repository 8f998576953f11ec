"""The command that learns from decided cases: learn."""

from __future__ import annotations

from pathlib import Path

import click

from finpat.commands.analysis import open_run, open_workspace
from finpat.commands.terminal import json_option, note, say, say_json, stages, table, workspace_option


@click.command(epilog="Example: finpat learn --labels decided.csv")
@click.option(
    "--labels",
    type=click.Path(path_type=Path),
    required=True,
    metavar="FILE",
    help="Decided cases: csv or parquet with account_id and label (1 confirmed, 0 cleared).",
)
@click.option(
    "--top", type=click.IntRange(0), default=20, show_default=True, help="So many are printed; 0: all."
)
@click.option("--run", "run_id", metavar="RUN", help="A run's number; default: the newest.")
@workspace_option
@json_option
def learn(labels: Path, top: int, run_id: str | None, workspace: Path, as_json: bool) -> None:
    """Learn from decided cases: a second order beside the list, with a model card; the list stays."""
    import hashlib

    from finpat import learning
    from finpat.config import parse_settings
    from finpat.evaluation import read_labels
    from finpat.learning.card import model_card

    folder = open_workspace(workspace)
    with open_run(folder, run_id) as model, stages() as notify:
        manifest = model.manifest()
        answers = read_labels(labels)
        notify("reading the run")
        inputs = learning.read_inputs(model)
        notify("learning and judging")
        seed = parse_settings(manifest["settings"]).detection.seed
        learned = learning.learn(inputs, answers, seed)
        card = model_card(
            learned,
            inputs,
            {
                "run_id": manifest["run_id"],
                "as_of": manifest["as_of"],
                "fingerprint": manifest["data"]["fingerprint"],
            },
            {
                "file": labels.name,
                "sha256": hashlib.sha256(labels.read_bytes()).hexdigest(),
                "rows": answers.height,
                "not_in_run": answers.height - learned.positives - learned.negatives,
            },
            seed,
        )
        with folder.writing("keep what was learned"):
            kept = learning.save_learned(folder.learned, manifest["run_id"], learned.scores, card)
        ranks = inputs.accounts.select("account_id", "rank")
    if as_json:
        say_json({"folder": str(kept.folder), "card": card})
        return
    shown = learned.scores.head(top) if top else learned.scores
    rows = shown.join(ranks, on="account_id", maintain_order="left")
    table(
        ("learned_rank", "rank", "account_id", "probability", "labelled"),
        [
            (row["learned_rank"], row["rank"], row["account_id"], f"{row['probability']:.3f}",
             "yes" if row["is_labelled"] else "")
            for row in rows.iter_rows(named=True)
        ],
        right=("learned_rank", "rank", "probability"),
    )  # fmt: skip
    folds = card["folds"]
    for name, of in (("learned", "learned"), ("the list", "list")):
        figure = folds[of]["average_precision"]
        say(
            f"average precision of {name}: {figure['value']:.3f} "
            f"({figure['low']:.3f} to {figure['high']:.3f}) "
            f"on {folds['accounts']:,} labelled accounts, networks apart"
        )
    if folds["gain"]["low"] <= 0:
        say("on these labels the list is as good: the interval of the gain includes nothing gained")
    note("the list is unchanged; a probability says how much an account resembles earlier cases, no more")
    say(f"model card: {kept.folder / 'card.md'}; all scores: {kept.folder / 'scores.parquet'}")
