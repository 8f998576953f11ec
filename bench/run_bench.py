"""Time and memory of finpat's stages in fresh processes, beside yardstick scripts in turn (A B A B ...).

    python bench/run_bench.py [--rows 1_000_000 10_000_000] [--data DIR] [--runs 3] [--yardstick DIR]
                              [--write docs/performance.md]

Makes the exports that are missing, then prints a Markdown table: for each stage the median CPU and wall
seconds and the peak memory of the process, and how they grow with the rows. CPU seconds are those of all
threads inside the stage, imports left out. --yardstick: a folder with reference_pipeline.py,
polars_pipeline.py and pandas_pipeline.py (script CSV OUT); their figures are of the whole process, and so are
those of `finpat, whole`. The chain is the real one: `finpat ingest` into a fresh workspace, then `finpat run`
stage by stage, with the read model published. --write puts the tables into a document, between its two marks.
--kernels compares the window kernel (24 h and 7 d; count, sum, and distinct counterparties) with Polars'
rolling_sum_by, both from columns in memory.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"
YARDSTICKS = ("reference_pipeline.py", "polars_pipeline.py", "pandas_pipeline.py")


class Stages:
    """Measured stages of one process: name -> wall and CPU seconds, and the peak so far in MB."""

    def __init__(self) -> None:
        self.figures: dict[str, dict[str, float]] = {}

    def measure(self, name: str, work: Callable[[], Any]) -> Any:
        wall, cpu = time.perf_counter(), time.process_time()
        result = work()
        self.note(name, wall, cpu)
        return result

    def note(self, name: str, wall: float, cpu: float) -> None:
        """Keep a stage that began at these readings of the two clocks and ends now."""
        self.figures[name] = {
            "wall": time.perf_counter() - wall,
            "cpu": time.process_time() - cpu,
            "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        }


def read_csv(path: Path) -> Any:
    """The export as the payments that a ledger is built from (for the stages after ingest)."""
    import polars as pl

    text = pl.Categorical
    stamp = pl.col("ts").str.strptime(pl.Datetime("us"), "%Y-%m-%dT%H:%M:%S%.f", cache=False)
    return (
        pl.scan_csv(path, infer_schema=False)
        .select(
            booked_at=stamp, has_time=pl.lit(True),
            account_id=pl.col("from_account").cast(text), counterparty_id=pl.col("to_account").cast(text),
            direction=pl.lit("debit").cast(text),
            amount_minor=pl.col("amount").str.to_decimal(scale=2).to_physical().cast(pl.Int64),
            currency=pl.lit("USD").cast(text),  # the yardsticks know no currencies
            channel=pl.col("channel").replace({"wire": "transfer"}).cast(text), mirrored=pl.lit(True),
            row_key=pl.col("tx_id").cast(pl.UInt64),
        ).collect()
    )  # fmt: skip


def measure_chain(path: Path) -> Stages:
    """`finpat ingest` into a fresh workspace, then `finpat run`, stage by stage."""
    from finpat import pipeline
    from finpat.config import Settings
    from finpat.features import warm_kernels
    from finpat.sources import detect_mapping, open_source
    from finpat.store.load import load
    from finpat.store.workspace import Workspace

    stages = Stages()
    stages.measure("load kernels", lambda: warm_kernels(lambda line: print(line, file=sys.stderr)))
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        workspace = Workspace.create(Path(folder) / "workspace")
        source = open_source(path)
        mapping = detect_mapping(source, "transactions")
        now = datetime(2026, 7, 1)
        stages.measure("ingest", lambda: load(workspace, source, mapping, settings=Settings(), now=now))
        started: list[tuple[str, float, float]] = []

        def notify(name: str) -> None:
            """Each stage is announced as it starts, which is when the one before it ended."""
            if started:
                stages.note(f"run: {started[-1][0]}", *started[-1][1:])
            started.append((name, time.perf_counter(), time.process_time()))

        pipeline.run(workspace, Settings(), None, now, notify)
        notify("end")
    return stages


def measure_kernels(path: Path) -> Stages:
    """Windows of 24 h and 7 d of the paying side at every payment: kernel against Polars."""
    import numpy as np
    import polars as pl

    from finpat.features import warm_kernels
    from finpat.features.base import DAY, read_legs
    from finpat.features.velocity import fill_peaks
    from finpat.ledger import build_ledger

    stages = Stages()
    warm_kernels(lambda line: print(line, file=sys.stderr))
    payments = read_csv(path).select(pl.exclude("mirrored"), mirrored=pl.lit(False))
    legs = read_legs(build_ledger(payments))
    widths = [DAY, 7 * DAY]
    tables = [np.zeros((24, legs.account_count), np.int64) for _ in range(2)]
    stages.measure(
        "kernel: count, sum", lambda: fill_peaks(legs, tables[0], widths, [False] * 2, 2, distinct=False)
    )
    stages.measure("kernel: and distinct", lambda: fill_peaks(legs, tables[1], widths, [False] * 2, 2))
    rows = payments.lazy().select(
        "booked_at", "amount_minor", pl.col("account_id").to_physical(), one=pl.lit(1)
    )
    over = [
        pl.col(column).rolling_sum_by("booked_at", width).over("account_id").alias(f"{column}_{width}")
        for column in ("one", "amount_minor") for width in ("24h", "7d")
    ]  # fmt: skip
    stages.measure(
        "polars: count, sum", lambda: rows.with_columns(over).group_by("account_id").max().collect()
    )
    return stages


MEASURES = {"chain": measure_chain, "kernels": measure_kernels}


def run_once(command: list[str]) -> tuple[dict[str, float], str]:
    """Wall and CPU seconds and peak MB of a whole process, and what it printed."""
    wall = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    printed = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} failed with {process.returncode}")
    return {
        "wall": time.perf_counter() - wall,
        "cpu": usage.ru_utime + usage.ru_stime,
        "peak": usage.ru_maxrss / 1024,
    }, printed


def median(figures: list[dict[str, float]]) -> dict[str, float]:
    return {key: statistics.median(figure[key] for figure in figures) for key in ("wall", "cpu", "peak")}


def compare(
    path: Path, measures: list[str], yardstick: Path | None, runs: int
) -> dict[str, dict[str, float]]:
    """Medians of `runs` turns; in each turn every variant runs once."""
    variants: dict[str, list[str]] = {
        f"finpat, whole ({name})": [sys.executable, __file__, "--measure", name, "--file", str(path)]
        for name in measures
    }
    scripts = [yardstick / name for name in YARDSTICKS if (yardstick / name).exists()] if yardstick else []
    with tempfile.TemporaryDirectory() as folder:
        for script in scripts:
            out = str(Path(folder) / "out.parquet")
            variants[f"{script.stem}, whole"] = [sys.executable, str(script), str(path), out]
        seen: dict[str, list[dict[str, float]]] = {}
        if "reference_pipeline, whole" in variants:  # compiles its kernels the first time: not measured
            run_once(variants["reference_pipeline, whole"])
        for _ in range(runs):
            for name, command in variants.items():
                whole, printed = run_once(command)
                seen.setdefault(name, []).append(whole)
                if name.startswith("finpat"):
                    for stage, figures in json.loads(printed.splitlines()[-1]).items():
                        seen.setdefault(stage, []).append(figures)
    return {name: median(figures) for name, figures in seen.items()}


def table(results: dict[int, dict[str, dict[str, float]]]) -> str:
    """Markdown: one row per stage; growth of CPU seconds from the smallest to the largest size."""
    sizes = sorted(results)
    heads = [f"{rows:,} rows: CPU s | wall s | peak MB | x reference CPU" for rows in sizes]
    lines = [f"| stage | {' | '.join(heads)} | growth |", "|---" * (2 + 4 * len(sizes)) + "|"]
    for stage in results[sizes[0]]:
        cells = []
        for rows in sizes:
            figures = results[rows].get(stage)
            base = results[rows].get("reference_pipeline, whole")
            if figures is None:
                cells.append("| | |")
                continue
            ratio = f"{figures['cpu'] / base['cpu']:.2f}" if base else ""
            cells.append(f"{figures['cpu']:.2f} | {figures['wall']:.2f} | {figures['peak']:.0f} | {ratio}")
        first, last = results[sizes[0]][stage], results[sizes[-1]].get(stage)
        growth = f"{last['cpu'] / first['cpu']:.1f}" if last and len(sizes) > 1 and first["cpu"] else ""
        lines.append(f"| {stage} | {' | '.join(cells)} | {growth} |")
    return "\n".join(lines)


def provenance(runs: int) -> str:
    """When, on what and how busy a machine: what a reader needs to judge the figures."""
    import duckdb
    import polars as pl

    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    load = f"; load average {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    return (
        f"{datetime.now():%Y-%m-%d %H:%M}, {cores} cores{load} at the end; median of {runs} turns. "
        f"Python {sys.version.split()[0]}, polars {pl.__version__}, duckdb {duckdb.__version__}. "
        f"A load average above {cores} means that the machine was shared: compare CPU, not wall."
    )


def targets(results: dict[int, dict[str, dict[str, float]]]) -> str:
    """Markdown: what is aimed at, and what was reached at each size."""

    def total(stages: dict[str, dict[str, float]], key: str, *, published: bool) -> float:
        late = ("run: evidence", "run: publishing")
        wanted = [name for name in stages if name == "ingest" or name.startswith("run: ")]
        return sum(stages[name][key] for name in wanted if published or name not in late)

    rows: list[tuple[str, str, Callable[[int, dict[str, dict[str, float]]], float | None], str]] = [
        ("T1", "export to ranked list, CPU, x reference (<= 1.3)",
         lambda n, s: _ratio(total(s, "cpu", published=False), s, "reference_pipeline", "cpu"), "x"),
        ("T1", "the same with the read model published",
         lambda n, s: _ratio(total(s, "cpu", published=True), s, "reference_pipeline", "cpu"), "x"),
        ("T1b", "from the store to the ranked list, CPU, x reference",
         lambda n, s: _ratio(
             total(s, "cpu", published=False) - s["ingest"]["cpu"], s, "reference_pipeline", "cpu"
         ),
         "x"),
        ("T2", "pandas' wall time, x ours (>= 15 at 1M with distinct counterparties)",
         lambda n, s: s["pandas_pipeline, whole"]["wall"] / total(s, "wall", published=False)
         if "pandas_pipeline, whole" in s else None, "x"),
        ("T3", "peak memory (<= 2,000 MB at 10M)",
         lambda n, s: s["finpat, whole (chain)"]["peak"], " MB"),
        ("T4", "ingest and run, wall seconds (10M <= 8 x 1M)",
         lambda n, s: total(s, "wall", published=True), " s"),
        ("T5", "ingest, million rows a second, wall (>= 2.0)",
         lambda n, s: n / 1e6 / s["ingest"]["wall"], ""),
        ("T6", "windows: sum and count, kernel CPU / Polars CPU (<= 1.3)",
         lambda n, s: s["kernel: count, sum"]["cpu"] / s["polars: count, sum"]["cpu"]
         if "kernel: count, sum" in s else None, "x"),
        ("T7", "windows with distinct counterparties, CPU seconds",
         lambda n, s: s["kernel: and distinct"]["cpu"] if "kernel: and distinct" in s else None, " s"),
        ("T9", "detection, CPU seconds (<= 1.8 at 100,000 accounts)",
         lambda n, s: s["run: detection"]["cpu"], " s"),
    ]  # fmt: skip
    sizes = sorted(results)
    lines = [f"| | aim | {' | '.join(f'{size:,}' for size in sizes)} |", "|---" * (2 + len(sizes)) + "|"]
    for name, aim, measured, unit in rows:
        values = [measured(size, results[size]) for size in sizes]
        cells = [f"{value:,.2f}{unit}" if value is not None else "not measured" for value in values]
        lines.append(f"| {name} | {aim} | {' | '.join(cells)} |")
    help_ = [sys.executable, "-c", "from finpat.cli import main; main()", "--help"]
    start = statistics.median(run_once(help_)[0]["wall"] for _ in range(5))
    lines.append(f"| T12 | `finpat --help`, wall seconds (<= 0.15) | {start:.2f} s{' | ' * len(sizes)}|")
    lines.append(f"| T13 | same results for any threads and row order | held by tests{' | ' * len(sizes)}|")
    return "\n".join(lines)


def _ratio(value: float, stages: dict[str, dict[str, float]], yardstick: str, key: str) -> float | None:
    base = stages.get(f"{yardstick}, whole")
    return value / base[key] if base else None


def write_block(document: Path, text: str) -> None:
    """Replace what stands between the document's two marks."""
    old = document.read_text(encoding="utf-8")
    if BEGIN not in old or END not in old:
        raise SystemExit(f"{document}: has no lines {BEGIN} and {END} to write between")
    head, tail = old.partition(BEGIN)[0], old.partition(END)[2]
    document.write_text(f"{head}{BEGIN}\n{text}\n{END}{tail}", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--rows", type=lambda text: int(text.replace("_", "")), nargs="+", default=[1_000_000]
    )
    parser.add_argument("--data", type=Path, default=Path(tempfile.gettempdir()) / "finpat-bench")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--yardstick", type=Path)
    parser.add_argument(
        "--kernels", action="store_true", help="compare the window kernel with Polars as well"
    )
    parser.add_argument("--write", type=Path, help="document to put the tables into, between its marks")
    parser.add_argument("--measure", choices=MEASURES, help=argparse.SUPPRESS)
    parser.add_argument("--file", type=Path, help="an export made elsewhere with the same columns")
    chosen = parser.parse_args()
    if chosen.measure:
        print(json.dumps(MEASURES[chosen.measure](chosen.file).figures))
        return
    measures = ["chain", *(["kernels"] if chosen.kernels else [])]
    results = {}
    for rows in chosen.rows:
        path = chosen.file or chosen.data / f"payments-{rows}.csv"
        if not path.exists():
            from generate import write

            path.parent.mkdir(parents=True, exist_ok=True)
            write(path, rows)
        results[rows] = compare(path, measures, chosen.yardstick, chosen.runs)
    told = "\n\n".join([provenance(chosen.runs), table(results), targets(results)])
    print(told)
    if chosen.write:
        write_block(chosen.write, told)


if __name__ == "__main__":
    main()
