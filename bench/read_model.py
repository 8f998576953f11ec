"""Reading a published run: latency of pages under several reader processes, also while runs are published.

    python bench/read_model.py WORKSPACE [--readers 4] [--seconds 10] [--publish]

Each reader follows CURRENT as the dashboard does and asks in turn for an account (its place in the list and
its last 100 transactions) and for a page of the ranking, drawn by a seed. Prints a Markdown table of p50, p95
and the longest answer in milliseconds, and the errors. --publish: meanwhile the current file is published
again and again under the names of new runs, and CURRENT set back at the end.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
KINDS = ("account page", "ranking page")
PAGE = 50


def read(folder: Path, seconds: float, seed: int) -> dict[str, object]:
    """What one reader saw: milliseconds of each answer by kind, and errors."""
    from finpat.readmodel import follow

    current = follow(folder)
    draw = random.Random(seed)
    accounts = current().account_ids()
    took: dict[str, list[float]] = {kind: [] for kind in KINDS}
    errors: list[str] = []
    model, until = current(), time.monotonic() + seconds
    while time.monotonic() < until:
        account = draw.choice(accounts)
        start_rank = draw.randrange(max(1, len(accounts) - PAGE))
        for kind in KINDS:
            start = time.perf_counter()
            try:
                model = current()
                if kind == "account page":
                    found = model.account(account)
                    rows = model.transactions_for(account, limit=100)
                    if found is None or not rows.height:
                        errors.append(f"{account}: no answer")
                else:
                    if not model.ranking(after_rank=start_rank, limit=PAGE).height:
                        errors.append(f"rank {start_rank}: no answer")
            except Exception as error:  # every failure a reader could meet is what is counted here
                errors.append(f"{type(error).__name__}: {error}")
            took[kind].append(1000 * (time.perf_counter() - start))
    return {"took": took, "errors": errors}


def republish(folder: Path, seconds: float) -> int:
    """Publish copies of the current file as further runs for so long; returns how many."""
    from finpat.readmodel import current_path, make_current

    first, made = current_path(folder), []
    until = time.monotonic() + seconds
    try:
        while time.monotonic() < until:
            draft, target = folder / ".bench.building", folder / f"bench-{len(made)}.duckdb"
            shutil.copyfile(first, draft)
            os.replace(draft, target)
            make_current(folder, target)
            made.append(target)
            if len(made) > 2:
                made[-3].unlink()
    finally:
        make_current(folder, first)
        for path in made[-2:]:
            path.unlink(missing_ok=True)
    return len(made)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("workspace", type=Path)
    parser.add_argument("--readers", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--publish", action="store_true")
    parser.add_argument("--seed", type=int, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    folder = chosen.workspace / "readmodel"
    if chosen.seed is not None:
        print(json.dumps(read(folder, chosen.seconds, chosen.seed)))
        return
    command = [sys.executable, __file__, str(chosen.workspace), "--seconds", str(chosen.seconds)]
    readers = [
        subprocess.Popen([*command, "--seed", str(seed)], stdout=subprocess.PIPE, text=True)
        for seed in range(chosen.readers)
    ]
    published = republish(folder, chosen.seconds) if chosen.publish else 0
    seen = [json.loads(reader.communicate()[0]) for reader in readers]
    print(f"| {chosen.readers} readers | requests | p50 ms | p95 ms | longest ms |\n|---|---|---|---|---|")
    for kind in KINDS:
        took = [value for reader in seen for value in reader["took"][kind]]
        cuts = statistics.quantiles(took, n=20)
        print(f"| {kind} | {len(took):,} | {cuts[9]:.1f} | {cuts[18]:.1f} | {max(took):.0f} |")
    errors = [error for reader in seen for error in reader["errors"]]
    print(f"\n{len(errors)} errors{': ' + errors[0] if errors else ''}; {published} runs published meanwhile")


if __name__ == "__main__":
    main()
