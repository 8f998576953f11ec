"""The demonstration: from the sample exports to the top accounts with their reasons, in one command."""

from __future__ import annotations

import os
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

import click

from finpat.commands.analysis import follow, open_run
from finpat.commands.data import load_file
from finpat.commands.serve import check_guest_address, host_option, port_option, serve_guest
from finpat.commands.terminal import note, now, rows_read, say, stages
from finpat.errors import UsageError

if TYPE_CHECKING:
    import polars as pl

DEMO_WORKSPACE = Path("finpat-demo")
TOP = 10
PROTECTED = 3  # possible victims that are shown
# File, and the mapping beside it that reads it.
SAMPLES = (
    ("accounts.csv", "sample_accounts"),
    ("bank_umsaetze.csv", "sample_bank"),
    ("card_statement.csv", "sample_card"),
    ("ledger.parquet", "sample_ledger"),
    ("wallet_2026q1.csv", "sample_wallet"),
    ("wallet_2026q2.ndjson", "sample_wallet"),
    ("adverts.ndjson", "sample_adverts"),
    ("cityads_invoices.csv", "sample_invoices"),
)


def samples_folder() -> Path:
    """Where the sample exports are: inside the installed package, else at the top of the checkout.

    Raises:
        UsageError: neither place has them.
    """
    package = Path(__file__).resolve().parents[1]
    for folder in (package / "_bundle" / "data_samples", package.parent / "data_samples"):
        if folder.is_dir():
            return folder
    raise UsageError("the sample data is missing from this installation; install finpat anew")


def _show(listed: pl.DataFrame) -> None:
    """Accounts with score, band, possible role and reason."""
    for row in listed.iter_rows(named=True):
        say()
        say(
            f"   {row['rank']:>2}. {row['account_id']}  score {row['score']} ({row['band']}), "
            f"role: {row['possible_role'].replace('_', ' ')}"
        )
        for line in textwrap.wrap(row["reason"], 96):
            say(f"       {line}")


@click.command(epilog="Example: finpat demo --serve")
@click.option(
    "--workspace",
    "-w",
    envvar="FINPAT_WORKSPACE",
    metavar="DIR",
    type=click.Path(path_type=Path),
    default=DEMO_WORKSPACE,
    help="The workspace folder (or FINPAT_WORKSPACE); ./finpat-demo where none is named.",
)
@click.option(
    "--serve", is_flag=True, help="Then serve the dashboard, read-only and without sign-in, to this machine."
)
@host_option
@port_option
def demo(workspace: Path, serve: bool, host: str | None, port: int | None) -> None:
    """Load the sample exports, score every account, and print the top accounts with their reasons."""
    if not serve and (host or port):
        raise UsageError("--host and --port go with --serve")
    if serve:
        check_guest_address(host, port)  # before the work, not after it
    samples = samples_folder()
    from finpat import pipeline
    from finpat.config import load_settings
    from finpat.exports.flagged import split_subjects
    from finpat.sources import load_mapping, open_source
    from finpat.store.workspace import Workspace

    folder = Workspace.create(workspace)
    settings = load_settings(folder.path)
    say(f"1. Loading the sample exports from {samples}")
    for file, mapping in SAMPLES:
        with rows_read(file) as progress:
            read_by = load_mapping(samples / "mappings" / f"{mapping}.toml")
            report = load_file(folder, open_source(samples / file), read_by, settings, progress)
        say(
            f"   {file:22} as {report.table:12} {report.loaded:>7,} loaded {report.duplicate:>6,} duplicate "
            f"{report.quarantined:>4,} quarantined"
        )
    say("2. Scoring every account: features, indicators, anomaly detectors, risk")
    with stages() as notify:
        made = pipeline.run(folder, settings, None, now(), notify)
    counts = made.manifest["counts"]
    say(
        f"   run {made.run_id}: {counts['accounts']:,} accounts, {counts['transactions']:,} transactions, "
        f"{counts['findings']:,} findings"
    )
    if followed := follow(folder, made.run_id):
        say(f"   {followed.in_words()}")
    say(f"3. The {TOP} accounts to look at first (a reason to look, never a finding of guilt)")
    with open_run(folder) as model:
        subjects, protected = split_subjects(model.flagged())
    _show(subjects.head(TOP))
    if protected.height:
        say()
        say(f"   Possible victims stand apart: protect and refer, never subjects ({protected.height:,})")
        _show(protected.head(PROTECTED))
    say()
    say("Files")
    say(f"   workspace   {folder.path}")
    say(f"   read model  {made.readmodel}  (schema rm; open it read-only with any DuckDB client)")
    say(f"   manifest    {made.folder / 'manifest.json'}")
    say()
    option = f" --workspace {folder.path}" if os.environ.get("FINPAT_WORKSPACE") is None else ""
    first = subjects["account_id"][0]
    say("Next")
    if not serve:
        say(f"   finpat demo --serve{option}")
    say(f"   finpat explain {first}{option}")
    say(f"   finpat flagged --format xlsx{option}")
    say(f"   finpat verify {made.run_id}{option}")
    say("   finpat ingest YOUR-EXPORT.csv --as transactions")
    note("The sample data is synthetic: no person or account in it exists.")
    if serve:
        say()
        serve_guest(folder.path, host, port)
