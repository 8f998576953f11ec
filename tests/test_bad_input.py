"""docs/bad-input.md, row by row: exit code, words, and that nothing is lost."""

from __future__ import annotations

import gzip
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
HEADER = "transaction_id,booked_at,account_id,direction,amount,currency,channel\n"
GOOD = "T1,2026-01-05T10:00:00Z,A,credit,10.00,EUR,card\n"
INGEST = ("ingest", "{case}.csv", "--as", "transactions")


def table_rows():
    """Name, exit code and words of every row of every table of the page."""
    for line in (ROOT / "docs" / "bad-input.md").read_text(encoding="utf-8").splitlines():
        if cells := re.fullmatch(r"\| `(\w+)` \| .* \| (\d) \| (.*) \|", line):
            yield cells[1], int(cells[2]), cells[3]


def with_row(row: str) -> str:
    """A file of one good row and one other."""
    return HEADER + GOOD + row + "\n"


TEXTS = {
    "wrong_columns": "a,b,c\nx,y,z\n",
    "wrong_type": with_row("T2,2026-01-05T10:00:00Z,A,credit,ten,EUR,card"),
    "empty_file": "",
    "header_only": HEADER,
    "not_a_number_amount": with_row("T2,2026-01-05T10:00:00Z,A,credit,NaN,EUR,card"),
    "infinite_amount": with_row("T2,2026-01-05T10:00:00Z,A,credit,inf,EUR,card"),
    "negative_amount": with_row("T2,2026-01-05T10:00:00Z,A,credit,-5.00,EUR,card"),
    "zero_amount": with_row("T2,2026-01-05T10:00:00Z,A,credit,0.00,EUR,card"),
    "too_many_decimals": with_row("T2,2026-01-05T10:00:00Z,A,credit,5.001,EUR,card"),
    "impossible_date": with_row("T2,2026-02-30T10:00:00Z,A,credit,5.00,EUR,card"),
    "unknown_currency": with_row("T2,2026-01-05T10:00:00Z,A,credit,5.00,EURO,card"),
    "missing_account": with_row("T2,2026-01-05T10:00:00Z,,credit,5.00,EUR,card"),
    "repeated_key": HEADER + GOOD + GOOD + GOOD.replace("T1", "T2"),
    "conflicting_key": HEADER + GOOD + GOOD.replace("10.00", "11.00") + GOOD.replace("T1", "T2"),
    "day_or_month": "Date;Description;Amount;Currency;Account\n03/04/2026;Rent;-500.00;EUR;A\n"
    "05/06/2026;Pay;900.00;EUR;A\n",
    "misspelt_mapping_key": HEADER + GOOD,
    "mapping_without_column": "a,b\n1,2\n",
}
COMMANDS = {
    "truncated_gzip": ("ingest", "truncated_gzip.csv.gz", "--as", "transactions"),
    "unknown_table": ("ingest", "good.csv", "--as", "transaction"),
    "misspelt_mapping_key": (*INGEST, "--mapping", "misspelt.toml"),
    "mapping_without_column": (*INGEST, "--mapping", "canonical"),
    "no_workspace": ("run", "--workspace", "nowhere"),
    "no_data": ("run",),
    "no_run": ("flagged",),
    "unknown_account": ("explain", "NOBODY"),
    "misspelt_setting": ("run",),
    "existing_export": ("flagged", "--format", "csv", "--out", "good.csv"),
}


# The command, and what it held at most into a file: ru_maxrss counts the process that it was forked from too.
TOLD = """
import re
import sys
from pathlib import Path
from finpat.cli import run_command
code = run_command(sys.argv[1:])
Path("peak_kb.txt").write_text(re.search("VmHWM:[^0-9]*([0-9]+)", Path("/proc/self/status").read_text())[1])
sys.exit(code)
"""


def finpat(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run one command in `folder` as a user would."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("FINPAT")}
    return subprocess.run(
        [sys.executable, "-c", TOLD, *words],
        cwd=folder,
        env=kept | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def prepare(folder: Path, case: str) -> None:
    """Put the case's files into `folder`."""
    if case in TEXTS:
        (folder / f"{case}.csv").write_text(TEXTS[case], encoding="utf-8")
    (folder / "good.csv").write_text(HEADER + GOOD, encoding="utf-8")
    match case:
        case "truncated_gzip":
            whole = gzip.compress(
                "".join([HEADER, *(GOOD.replace("T1", f"T{n}") for n in range(20_000))]).encode()
            )
            (folder / "truncated_gzip.csv.gz").write_bytes(whole[: len(whole) // 2])
        case "binary_file":
            (folder / "binary_file.csv").write_bytes(bytes(range(256)) * 20)
        case "folder_for_file":
            (folder / "folder_for_file.csv").mkdir()
        case "misspelt_mapping_key":
            (folder / "misspelt.toml").write_text('tabel = "transactions"\n', encoding="utf-8")
        case "endless_line":
            with (folder / "endless_line.csv").open("wb") as file:
                file.write((HEADER + GOOD).encode())
                for _ in range(1024):
                    file.write(b"y" * (1 << 20))
                file.write(("\n" + GOOD.replace("T1", "T2")).encode())
        case "no_data":
            from finpat.store.workspace import Workspace

            Workspace.create(folder / "finpat-workspace")
        case "no_run" | "misspelt_setting":
            assert finpat(folder, "ingest", "good.csv", "--as", "transactions").returncode == 0
            if case == "misspelt_setting":
                settings = folder / "finpat-workspace" / "finpat.toml"
                settings.write_text('reporting_zones = "UTC"\n', encoding="utf-8")
        case "unknown_account" | "existing_export":
            from finpat.store.workspace import Workspace
            from tests.readmodel.published import publish_sample

            publish_sample(Workspace.create(folder / "finpat-workspace").path)


@pytest.mark.parametrize(("case", "code", "words"), list(table_rows()))
def test_bad_input(case, code, words, tmp_path):
    prepare(tmp_path, case)
    command = [word.format(case=case) for word in COMMANDS.get(case, INGEST)]
    done = finpat(tmp_path, *command)
    said = done.stderr + done.stdout
    assert done.returncode == code, said
    assert "Traceback" not in said
    pattern = ".*".join(re.escape(part.strip()) for part in words.split("…"))
    assert re.search(pattern, said, re.DOTALL), said
    if code:
        assert len(done.stderr.strip().splitlines()) == 1, "one clear line"
        assert done.stdout == ""
    if case == "endless_line":
        peak_mb = int((tmp_path / "peak_kb.txt").read_text()) / 1024
        assert peak_mb < 1000, "the line is not held in memory"


def test_every_case_is_on_the_page():
    assert {*TEXTS, *COMMANDS} <= {name for name, *_ in table_rows()}
