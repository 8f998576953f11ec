"""Commands that make and read runs: run, flagged, explain, evaluate, verify, verify-export, path."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from finpat.commands.casework import approval_option, follow_run, keep_record, states_of, user_option
from finpat.commands.terminal import (
    json_option,
    note,
    now,
    say,
    say_json,
    stages,
    table,
    workspace_option,
)
from finpat.errors import CaseworkError, UsageError

if TYPE_CHECKING:
    from datetime import datetime

    from finpat.casework.following import Followed
    from finpat.readmodel import ReadModel
    from finpat.store.workspace import Workspace

DEFAULT_TOP = 100
_INDICATOR_ID = re.compile(r"[A-Z]{2}-[A-Z0-9]+-[0-9]{2}")
PLACES = ("readmodel", "exports", "workspace")
_SHOWN = ("rank", "account_id", "score", "band", "possible_role", "reason")


def open_workspace(folder: Path) -> Workspace:
    """The workspace at `folder`."""
    from finpat.store.workspace import Workspace

    return Workspace.open(folder)


def open_run(workspace: Workspace, run_id: str | None = None) -> ReadModel:
    """The read model of a run, or of the newest one."""
    from finpat.errors import RunError
    from finpat.readmodel import ReadModel, current_path

    if run_id is None:
        return ReadModel(current_path(workspace.readmodel))
    known = sorted(path.stem for path in workspace.readmodel.glob("[0-9]*.duckdb"))
    wanted = run_id.zfill(4) if run_id.isdigit() else run_id
    if wanted not in known:
        raise RunError(
            f"no run {run_id!r}; there {'are' if known else 'is none yet'} {', '.join(known[-9:])}".rstrip()
        )
    return ReadModel(workspace.readmodel / f"{wanted}.duckdb")


def parse_instant(text: str) -> datetime:
    """An instant that a user wrote: 2026-03-31 (the end of that day) or 2026-03-31T12:00Z.

    Without a zone it is UTC.

    Raises:
        UsageError: it is no such instant.
    """
    from datetime import UTC, datetime, time

    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(
            f"--as-of {text!r}: expected an instant such as 2026-03-31 or 2026-03-31T12:00Z"
        ) from None
    if len(text) <= len("2026-03-31"):
        return datetime.combine(moment, time.max)
    return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment


@click.command(epilog="Example: finpat run --as-of 2026-03-31")
@click.option(
    "--as-of",
    metavar="INSTANT",
    help="Leave later rows out; default: the newest row. A date means all of that day.",
)
@workspace_option
@json_option
def run(as_of: str | None, workspace: Path, as_json: bool) -> None:
    """Score every account: features, indicators, anomaly scores, risk; an immutable, numbered run."""
    moment = parse_instant(as_of) if as_of else None
    folder = open_workspace(workspace)
    from finpat import pipeline
    from finpat.commands.casework import judgements_in_force
    from finpat.config import load_settings

    settings = load_settings(folder.path)
    judged = judgements_in_force(folder, settings.casework.url or None)
    with stages() as notify:
        made = pipeline.run(folder, settings, moment, now(), notify, judged)
    followed = follow(folder, made.run_id)
    if as_json:
        say_json({**made.manifest, "alerts": vars(followed) if followed else None})
        return
    counts = made.manifest["counts"]
    say(
        f"run {made.run_id}: {counts['accounts']:,} accounts, {counts['transactions']:,} transactions "
        f"up to {made.manifest['as_of']}Z, {counts['findings']:,} findings"
    )
    for warning in made.manifest["warnings"]:
        note(f"note: {warning}")
    if followed is not None:
        say(followed.in_words())
    say(f"read model: {made.readmodel}")
    say("next: finpat flagged, finpat explain ACCOUNT")


def follow(workspace: Workspace, run_id: str) -> Followed | None:
    """Let the alerts follow a run that was made; where they cannot, the run stands and the user is told."""
    try:
        with open_run(workspace, run_id) as model:
            return follow_run(workspace.path, model)
    except CaseworkError as error:
        note(f"note: the alerts do not follow this run yet: {error}; repeat with `finpat case follow`")
        return None


@click.command(epilog="Example: finpat flagged --top 200 --out flagged.xlsx")
@click.option(
    "--top", type=click.IntRange(0), default=DEFAULT_TOP, show_default=True, help="So many; 0: all."
)
@click.option("--min-score", type=click.IntRange(0, 1000), default=0, help="Least score, 0 to 1000.")
@click.option("--new-since", metavar="RUN", help="Only accounts that the same choice did not give in RUN.")
@click.option("--format", "format_", metavar="csv|xlsx|parquet|json", help="Default: as --out ends.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write here; with --format alone: into the workspace's exports; with neither: print.",
)
@click.option("--force", is_flag=True, help="Replace files that are there.")
@click.option(
    "--profile",
    default="victim-safe",
    show_default=True,
    metavar="victim-safe|full",
    help="full shows the names of those who are to be protected, too; they stay apart and marked.",
)
@click.option("--reason", metavar="TEXT", help="Why they must be shown; --profile full asks for it.")
@click.option("--run", "run_id", metavar="RUN", help="A run's number; default: the newest.")
@approval_option
@user_option
@workspace_option
@json_option
def flagged(
    top: int,
    min_score: int,
    new_since: str | None,
    format_: str | None,
    out: Path | None,
    force: bool,
    profile: str,
    reason: str | None,
    run_id: str | None,
    approval: int | None,
    user: str,
    workspace: Path,
    as_json: bool,
) -> None:
    """Print or export the flagged-account list, best first; possible victims apart, never as subjects."""
    from finpat.exports import FORMATS, Choice, export_flagged
    from finpat.exports.flagged import check_profile

    chosen = format_ or (out.suffix.lstrip(".").lower() if out else None)
    if out is not None and chosen not in FORMATS and format_ is None:
        raise UsageError(f"{out}: the format is not clear from the name; add --format {'|'.join(FORMATS)}")
    if chosen is not None and chosen not in FORMATS:
        raise UsageError.unknown("format", chosen, FORMATS)
    check_profile(profile, reason)
    folder = open_workspace(workspace)
    with open_run(folder, run_id) as model:
        earlier = open_run(folder, new_since) if new_since else None
        choice = Choice(top, min_score, earlier.run_id if earlier else None)
        if chosen is None:
            _print_list(model, choice, earlier, states_of(folder.path), as_json)
            return
        target = out or folder.exports / f"flagged-{model.run_id}.{chosen}"
        details = {
            "file": target.name,
            "format": chosen,
            "choice": vars(choice),
            "profile": profile,
            "reason": reason,
        }
        keep_record(folder.path, user, "export", ("list", model.run_id), approval, details)
        done = export_flagged(
            model,
            target,
            chosen,
            choice,
            made_at=now(),
            made_by=user,
            profile=profile,
            reason=reason,
            earlier=earlier,
            states=states_of(folder.path),
            force=force,
        )
    if as_json:
        say_json(
            {
                "run_id": model_run(done.manifest),
                "files": [str(path) for path in done.files],
                "manifest": str(done.manifest),
                "subjects": done.subjects,
                "possible_victims_apart": done.protected,
            }
        )
        return
    for path in (*done.files, done.manifest):
        say(str(path))
    note(f"{done.subjects:,} accounts, {done.protected:,} possible victims apart (protect and refer)")
    if done.neutralised:
        note(f"{done.neutralised:,} cells begin like a formula; an apostrophe was put before them")


@click.command("verify-export", epilog="Example: finpat verify-export flagged.csv")
@click.argument("file", type=click.Path(path_type=Path), metavar="FILE")
@workspace_option
@json_option
def check_export(file: Path, workspace: Path, as_json: bool) -> None:
    """Hold an exported list against its manifest and against its run; exit code 1 where anything differs."""
    from finpat.exports import read_manifest, verify_export

    told = read_manifest(file)
    folder = open_workspace(workspace)
    verdict = verify_export(file, told, lambda number: open_run(folder, number))
    if as_json:
        say_json({"same": not verdict.differences, **vars(verdict)})
    elif verdict.differences:
        for difference in verdict.differences:
            say(f"differs: {difference}")
    else:
        say(f"run {verdict.run_id}: everything is the same ({', '.join(verdict.compared)})")
    if verdict.differences:
        raise click.exceptions.Exit(1)


def model_run(manifest: Path) -> str:
    """The run that an export's manifest names."""
    import json

    return str(json.loads(manifest.read_text("utf-8"))["run_id"])


def _print_list(
    model: ReadModel,
    choice: Any,
    earlier: ReadModel | None,
    states: dict[str, str] | None,
    as_json: bool,
) -> None:
    """The list on stdout: a table for people, the whole rows as JSON."""
    from finpat.exports.flagged import json_rows, split_subjects, with_states

    listed = with_states(model.flagged(choice.top, choice.min_score, earlier), states)
    subjects, protected = split_subjects(listed)
    if as_json:
        say_json({"run_id": model.run_id, "accounts": json_rows(subjects), "protect": json_rows(protected)})
        return
    table(_SHOWN, subjects.select(_SHOWN).rows(), right=("rank", "score"))
    if protected.height:
        say()
        say("Possible victims: protect and refer, no subjects of a report")
        table(_SHOWN, protected.select(_SHOWN).rows(), right=("rank", "score"))
    total = model.account_count()
    shown = subjects.height + protected.height
    if shown < total:
        note(f"{shown:,} of {total:,} accounts of run {model.run_id}; --top 0 lists all, --out FILE exports")


@click.command(epilog="Example: finpat explain DE89370400440532013000; finpat explain ST-STRUCT-01")
@click.argument("account", metavar="ACCOUNT")
@click.option("--run", "run_id", metavar="RUN", help="A run's number; default: the newest.")
@click.option("--reveal", is_flag=True, help="Show names and texts of bookings, which are masked otherwise.")
@click.option("--reason", metavar="TEXT", help="Why they must be shown; --reveal asks for it.")
@approval_option
@user_option
@workspace_option
@json_option
def explain(
    account: str,
    run_id: str | None,
    reveal: bool,
    reason: str | None,
    approval: int | None,
    user: str,
    workspace: Path,
    as_json: bool,
) -> None:
    """Say why an account stands where it stands: facts, numbers, evidence rows, what could not be judged.

    With an indicator's id in place of an account: the indicator's card.
    """
    if reveal and not (reason or "").strip():
        raise UsageError("--reveal shows personal data: say why with --reason TEXT")
    if reason is not None and not reveal:
        raise UsageError("--reason goes with --reveal, which shows personal data")
    from finpat import explain as explaining

    if _INDICATOR_ID.fullmatch(account.upper()):
        from finpat.indicators import INDICATORS

        cards = {indicator.id: indicator for indicator in INDICATORS}
        if account.upper() in cards:
            card = explaining.explain_indicator(cards[account.upper()])
            if as_json:
                say_json(card)
            else:
                for line in explaining.card_as_text(card):
                    say(line)
            return
    with open_run(open_workspace(workspace), run_id) as model:
        if reveal and model.account(account) is not None:
            keep_record(workspace, user, "reveal", ("account", account), approval, {"reason": reason})
        explanation = explaining.explain_account(model, account, reveal=reason)
    if as_json:
        say_json(explanation)
    else:
        for line in explaining.as_text(explanation):
            say(line)


@click.command(epilog="Example: finpat evaluate --labels labels.csv --json; finpat evaluate --coverage")
@click.option(
    "--labels",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="csv or parquet with account_id, label, and perhaps role, typology.",
)
@click.option(
    "--coverage",
    is_flag=True,
    help="Instead: simulate episodes of the advisories' patterns, and say which indicators catch them.",
)
@click.option("--seed", type=int, default=7, show_default=True, help="Of the simulated world.")
@click.option("--run", "run_id", metavar="RUN", help="A run's number; default: the newest.")
@workspace_option
@json_option
def evaluate(
    labels: Path | None, coverage: bool, seed: int, run_id: str | None, workspace: Path, as_json: bool
) -> None:
    """Hold the list against known answers: AUROC, average precision, precision at k, recall at a share.

    Or, with --coverage, the indicators against simulated episodes; the workspace's own data is not touched.
    """
    if (labels is None) is not coverage:
        raise UsageError("say what to hold the list against: either --labels FILE or --coverage")
    if labels is None:
        _print_coverage(seed, workspace, as_json)
        return
    from finpat import evaluation

    folder = open_workspace(workspace)
    answers = evaluation.read_labels(labels)
    with open_run(folder, run_id) as model:
        figures = evaluation.evaluate(model.flagged(), answers).as_dict()
        learned = _learned_figures(folder, model.run_id, answers)
    if as_json:
        say_json(figures | ({"learned": learned} if learned else {}))
        return
    for name, value in figures.items():
        if not isinstance(value, dict):
            say(f"{name:26} {value if isinstance(value, int) else _figure(value)}")
    for name in ("precision_at", "recall_at_share"):
        for at, value in figures[name].items():
            say(f"{name + ' ' + at:26} {_figure(value)}")
    for name in ("by_role", "by_typology"):
        for group, inner in figures[name].items():
            say(
                f"{name} {group}: {inner['positives']} positives, average precision "
                f"{_figure(inner['average_precision'])}, recall at 1 % "
                f"{_figure(inner['recall_at_share']['0.01'])}"
            )
    if learned:
        say(
            f"learned ({learned['folder']}): average precision {_figure(learned['average_precision'])}, "
            f"recall at 1 % {_figure(learned['recall_at_share']['0.01'])}; {learned['out_of_fold']:,} of "
            "these accounts were labelled when it learned: judged by a model that did not see their networks"
        )


def _print_coverage(seed: int, workspace: Path, as_json: bool) -> None:
    """Red-flag coverage, with the settings of the workspace where there is one."""
    from finpat import coverage
    from finpat.config import load_settings
    from finpat.simulation import World

    with stages() as notify:
        measured = coverage.measure(World(seed=seed), load_settings(workspace), now(), notify)
    if as_json:
        say_json(measured.as_dict())
        return
    say("Where the episodes stand on the list")
    table(
        ("scenario", "difficulty", "median best rank", "in first 2 %", "of accounts"),
        [(scenario, difficulty, f"{rank:g}", f"{100 * share:.0f} %", accounts)
         for scenario, rank, share, accounts, difficulty in measured.ranks.select(
            "scenario", "median_best_rank", "top_share", "accounts", "difficulty").iter_rows()],
        right=("difficulty", "median best rank", "in first 2 %", "of accounts"),
    )  # fmt: skip
    say()
    say("Which indicators catch half the episodes or more at difficulty 0, and where that ends")
    table(
        ("scenario", "indicator", "caught at 0", "under half from"),
        [(scenario, indicator, f"{100 * share:.0f} %", "never" if end is None else f"{end:g}")
         for scenario, indicator, share, end in measured.stops().iter_rows()],
        right=("caught at 0", "under half from"),
    )  # fmt: skip
    say()
    say("Which of them find people who are in no episode")
    table(
        ("who", "indicator", "accounts found"),
        [
            (kind, indicator, f"{100 * share:.1f} %")
            for kind, indicator, share in measured.elsewhere.iter_rows()
        ],
        right=("accounts found",),
    )


@click.command(epilog="Example: finpat simulate --out simulated --difficulty 0.5")
@click.option(
    "--out", type=click.Path(path_type=Path), required=True, metavar="DIR", help="A folder to write into."
)
@click.option("--seed", type=int, default=7, show_default=True, help="Same seed, same world.")
@click.option("--accounts", type=click.IntRange(2), default=400, show_default=True, help="Ordinary persons.")
@click.option("--days", type=click.IntRange(30), default=120, show_default=True, help="Length of the data.")
@click.option(
    "--difficulty",
    type=click.FloatRange(0, 1),
    default=0.0,
    show_default=True,
    help="0: as the advisories have it; 1: hardly to be seen.",
)
@click.option("--episodes", type=click.IntRange(0), default=2, show_default=True, help="Of each scenario.")
def simulate(out: Path, seed: int, accounts: int, days: int, difficulty: float, episodes: int) -> None:
    """Write an invented world as exports, and what is true in it: labels, episodes, who paid which advert."""
    from finpat import simulation

    if out.exists() and any(out.iterdir()):
        raise UsageError(f"{out}: is not empty; name a new folder")
    world = simulation.World(seed, accounts, days, difficulty, episodes)
    for path in simulation.write_world(simulation.simulate(world), out):
        say(str(path))
    note("invented: no person, account or advert in it exists")


def _learned_figures(folder: Workspace, run_id: str, answers: Any) -> dict[str, Any] | None:
    """Figures of what was learned last on the run; None where nothing was learned."""
    from finpat import evaluation
    from finpat.learning.store import latest_learned

    kept = latest_learned(folder.learned, run_id)
    if kept is None:
        return None
    scores = kept.scores()
    judged = scores.join(answers.select("account_id"), on="account_id")
    return {
        "folder": kept.folder.name,
        "out_of_fold": int(judged["out_of_fold"].sum()),
        **evaluation.evaluate(scores.sort("learned_rank").select("account_id"), answers).as_dict(),
    }


def _figure(value: float | None) -> str:
    return "no meaning here" if value is None else f"{value:.4f}"


@click.command(epilog="Example: finpat verify 0001")
@click.argument("run_id", metavar="RUN")
@workspace_option
@json_option
def verify(run_id: str, workspace: Path, as_json: bool) -> None:
    """Rebuild a run from the same files and settings and compare; exit code 1 where anything differs."""
    from finpat import pipeline

    folder = open_workspace(workspace)
    with stages() as notify:
        verdict = pipeline.verify(folder, run_id.zfill(4) if run_id.isdigit() else run_id, notify)
    if as_json:
        say_json({"run_id": verdict.run_id, "same": verdict.same, "differences": verdict.differences})
    elif verdict.same:
        say(f"run {verdict.run_id}: rebuilt, everything is the same ({', '.join(verdict.compared)})")
    else:
        for difference in verdict.differences:
            say(f"differs: {difference}")
    if not verdict.same:
        raise click.exceptions.Exit(1)


@click.command(epilog="Example: finpat hotspots --series lodging --weeks 8")
@click.option("--series", metavar="SERIES", help="adverts, new_phones, lodging or night_cash; default: all.")
@click.option("--city", metavar="CITY", help="One city only; default: all.")
@click.option("--weeks", type=click.IntRange(1), default=1, show_default=True, help="So many of the newest.")
@click.option("--run", "run_id", metavar="RUN", help="A run's number; default: the newest.")
@workspace_option
@json_option
def hotspots(
    series: str | None, city: str | None, weeks: int, run_id: str | None, workspace: Path, as_json: bool
) -> None:
    """Show cities week by week against what was expected of them; no number is about fewer than ten persons.

    With what the numbers do not mean. --json prints all weeks.
    """
    import polars as pl

    from finpat.movement.hotspots import NOT_MEANT, SERIES

    if series is not None and series not in SERIES:
        raise UsageError.unknown("series", series, SERIES)
    with open_run(open_workspace(workspace), run_id) as model:
        told, number = model.hotspots(series), model.run_id
    if city is not None:
        cities = told["city"].drop_nulls().unique().to_list()
        if city not in cities:
            raise UsageError.unknown("city", city, cities)
        told = told.filter(pl.col("city") == city)
    if as_json:
        say_json({"run_id": number, "not_meant": NOT_MEANT, "series": SERIES, "weeks": told.to_dicts()})
        return
    newest = told.filter(pl.col("value").is_not_null())["week"].unique().sort().tail(weeks)
    shown = told.filter(pl.col("week").is_in(newest.implode())).sort(
        "week", "series", pl.col("city").is_not_null(), pl.col("z").abs(), "city",
        descending=[True, False, False, True, False], nulls_last=True,
    )  # fmt: skip
    table(
        ("week", "series", "city", "country", "value", "expected", "low", "high", "z"),
        [_hotspot_line(row) for row in shown.iter_rows(named=True)],
        right=("value", "expected", "low", "high", "z"),
    )
    for name in sorted(set(shown["series"])):
        note(f"{name}: {SERIES[name]}")
    note(f"{NOT_MEANT} Cells under ten persons are withheld, and others where they would give one away.")


def _hotspot_line(row: dict[str, Any]) -> tuple[object, ...]:
    """One city and week for people."""
    figures = ("" if row[name] is None else f"{row[name]:.1f}" for name in ("forecast", "low", "high", "z"))
    value = "withheld" if row["is_withheld"] else row["value"]
    return row["week"], row["series"], row["city"] or "all cities", row["country"], value, *figures


@click.command(epilog='Example: duckdb -readonly "$(finpat path readmodel)"')
@click.argument("place", metavar="|".join(PLACES))
@workspace_option
def path(place: str, workspace: Path) -> None:
    """Print where the current read model, the exports or the workspace is."""
    if place not in PLACES:
        raise UsageError.unknown("place", place, PLACES)
    folder = open_workspace(workspace)
    if place == "readmodel":
        from finpat.readmodel import current_path

        say(str(current_path(folder.readmodel).resolve()))
    else:
        say(str((folder.exports if place == "exports" else folder.path).resolve()))
