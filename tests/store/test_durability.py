"""What may happen to the folder: killed, full, read-only, shared, copied, of the future."""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from finpat.config import Settings
from finpat.errors import StoreError
from finpat.store.catalogue import orphans, read_files
from finpat.store.load import load_batches
from finpat.store.payments import fingerprint, locate, read_payments
from finpat.store.quarantine import list_quarantine
from finpat.store.replacement import read_retired
from finpat.store.workspace import Workspace
from tests.store.exports import NOW, ingest, origin, row
from tests.store.loader import load_when_told, pieces, replace_when_told

ROOT = Path(__file__).parents[2]
COUNT = 12_000
KILLS = 32


def loader(
    workspace: Path, *how: str, count: int = COUNT, prefix: tuple[str, ...] = ()
) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*prefix, sys.executable, "-m", "tests.store.loader", str(workspace), str(count), *how],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip


def wait_for(process: subprocess.Popen[str], word: str) -> None:
    assert process.stdout is not None
    while (line := process.stdout.readline().strip()) != word:
        assert line or process.poll() is None, process.communicate()[1]


def killed_load(
    workspace: Path, after: float | None, work: Callable[[str, int, Any], None] = load_when_told
) -> float | None:
    """Do `work` in a process of its own, killed with signal 9 `after` seconds.

    Returns the time it took, None if killed.

    The process is forked from a server that has imported everything and run nothing, which is quick; Polars
    does not survive a fork of a process that has run it.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.store.loader"])
    ready = context.Event()
    process = context.Process(target=work, args=(str(workspace), COUNT, ready))
    process.start()
    assert ready.wait(60)
    start = time.monotonic()
    if after is not None:
        process.join(after)
        process.kill()
    process.join(60)
    if process.exitcode == -signal.SIGKILL:
        return None
    assert process.exitcode == 0
    return time.monotonic() - start


def assert_whole_or_absent(workspace: Workspace) -> bool:
    """Check that the one file is loaded whole or not at all; returns which."""
    files = read_files(workspace)
    payments = read_payments(workspace)
    if not files:
        assert payments.is_empty()
        assert list_quarantine(workspace).is_empty()
        return False
    assert [(file.source_rows, file.loaded, file.quarantined) for file in files] == [(COUNT + 1, COUNT, 1)]
    assert payments.height == COUNT
    assert payments["amount_minor"].sum() == COUNT * (COUNT + 1) // 2
    assert list_quarantine(workspace).height == 1
    return True


@pytest.mark.slow
def test_kill_9_at_any_moment_loses_and_doubles_nothing(tmp_path: Path):
    whole = Workspace.create(tmp_path / "whole")
    killed_load(whole.path, None)  # the first start is slower than the others
    shutil.rmtree(whole.path)
    took = killed_load(Workspace.create(whole.path).path, None)
    assert took is not None
    assert assert_whole_or_absent(whole)
    outcomes = []
    for kill in range(KILLS):
        workspace = Workspace.create(tmp_path / str(kill))
        was_killed = killed_load(workspace.path, took * 1.1 * kill / (KILLS - 1)) is None
        loaded = assert_whole_or_absent(workspace)
        assert loaded or was_killed
        outcomes.append((was_killed, loaded))
        again = load_batches(workspace, pieces(COUNT), origin("big.csv"), settings=Settings(), now=NOW)
        assert again.already_loaded is loaded
        assert assert_whole_or_absent(workspace)
        assert fingerprint(workspace) == fingerprint(whole)
        assert orphans(workspace, read_files(workspace)) == []
    assert (True, False) in outcomes  # some were killed before the commit


@pytest.mark.slow
def test_kill_9_at_any_moment_of_a_replacement_leaves_the_old_load_or_the_new_one(tmp_path: Path):
    old = COUNT * (COUNT + 1) // 2
    first = Workspace.create(tmp_path / "first")
    load_batches(first, pieces(COUNT), origin("big.csv"), settings=Settings(), now=NOW)

    def state(workspace: Workspace) -> bool:
        """Check that exactly one of both loads is there, whole; returns whether it is the new one."""
        (file,) = read_files(workspace)
        is_new = file.mapping_name == "better"
        payments = read_payments(workspace)
        assert (file.loaded, payments.height) == (COUNT, COUNT)
        assert payments["amount_minor"].sum() == old + (COUNT if is_new else 0)
        assert list_quarantine(workspace).height == (0 if is_new else 1)
        assert len(read_retired(workspace)) == int(is_new)
        return is_new

    whole = Path(shutil.copytree(first.path, tmp_path / "whole"))
    took = killed_load(whole, None, replace_when_told)
    assert took is not None
    assert state(Workspace.open(whole))
    outcomes = []
    moments = KILLS // 2
    for kill in range(moments):
        workspace = Workspace.open(Path(shutil.copytree(first.path, tmp_path / str(kill))))
        after = took * 1.1 * kill / (moments - 1)
        was_killed = killed_load(workspace.path, after, replace_when_told) is None
        is_new = state(workspace)
        assert is_new or was_killed
        outcomes.append((was_killed, is_new))
        ingest(workspace, "other.csv", [row(transaction_id="other")])
        assert orphans(workspace, read_files(workspace)) == []
    assert (True, False) in outcomes  # some were killed before the commit


def test_what_a_killed_load_left_is_swept_by_the_next(workspace: Workspace):
    ingest(workspace, "a.csv", [row()])
    folder = workspace.segments("transactions")
    left = [folder / "2.parquet.part", folder / "2.parquet.draft", folder / "2.parquet"]
    for path in left:
        path.write_bytes(b"half a segment")
    mine = folder / "notes.txt"
    mine.write_text("not a segment: whoever put it here wants it")
    assert read_payments(workspace).height == 1
    ingest(workspace, "b.csv", [row(transaction_id="T2")])
    assert sorted(path.name for path in folder.iterdir()) == ["1.parquet", "2.parquet", "notes.txt"]
    assert read_payments(workspace).height == 2


def test_a_second_process_is_told_who_is_writing(workspace: Workspace):
    ingest(workspace, "a.csv", [row()])
    with loader(workspace.path, "hold") as first:
        try:
            wait_for(first, "holding")
            expected = f"process {first.pid} is using the workspace to load big.csv"
            assert workspace.writer() == expected
            with pytest.raises(StoreError, match=expected):
                ingest(workspace, "b.csv", [row(transaction_id="T2")])
            with pytest.raises(StoreError, match=rf"process {first.pid} is using the catalogue"):
                read_payments(workspace)
        finally:
            first.kill()
    assert workspace.writer() is None
    assert ingest(workspace, "b.csv", [row(transaction_id="T2")]).loaded == 1


def test_a_full_disk_is_told_in_one_line_and_leaves_nothing(workspace: Workspace):
    with loader(workspace.path, "1", count=200_000) as process:  # no file may grow beyond one megabyte
        output, errors = process.communicate(timeout=60)
    assert "loaded" not in output
    assert process.returncode == 2
    assert len(errors.splitlines()) == 1
    assert "the disk is full, while loading big.csv. Nothing of it was kept" in errors
    assert read_payments(workspace).is_empty()
    assert ingest(workspace, "big.csv", [row()]).loaded == 1
    assert orphans(workspace, read_files(workspace)) == []


def read_only_prefix(folder: Path) -> tuple[str, ...]:
    """How to start a process for which `folder` is read-only, also as root, who may write to any folder."""
    if os.geteuid() != 0:
        for path in (folder, *folder.rglob("*")):
            path.chmod(0o555 if path.is_dir() else 0o444)
        return ()
    script = f"mount --bind '{folder}' '{folder}' && mount -o remount,ro,bind '{folder}' && exec \"$@\""
    prefix = ("unshare", "--mount", "--map-root-user", "sh", "-c", script, "sh")
    try:
        works = subprocess.run([*prefix, "true"], capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        works = False
    if not works:
        pytest.skip("running as root, where no mount of its own can be made read-only")
    return prefix


def test_a_read_only_workspace_is_told_in_one_line_and_can_still_be_read(workspace: Workspace):
    ingest(workspace, "a.csv", [row()])
    prefix = read_only_prefix(workspace.path)
    with loader(workspace.path, count=10, prefix=prefix) as process:
        errors = process.communicate(timeout=60)[1]
    assert process.returncode == 2
    assert len(errors.splitlines()) == 1
    assert "cannot be written" in errors
    code = "import sys; from pathlib import Path; from finpat.store.workspace import Workspace; "
    code += "from finpat.store.payments import read_payments; "
    code += "print(read_payments(Workspace.open(Path(sys.argv[1]))).height)"
    read = subprocess.run(
        [*prefix, sys.executable, "-c", code, str(workspace.path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert read.stdout.strip() == "1"
    for path in (workspace.path, *workspace.path.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)


def test_a_workspace_can_be_copied_and_moved(workspace: Workspace, tmp_path: Path):
    ingest(workspace, "a.csv", [row(transaction_id="T1"), row(transaction_id="T2")])
    copy = Workspace.open(Path(shutil.copytree(workspace.path, tmp_path / "copy")))
    moved = Workspace.open(workspace.path.rename(tmp_path / "moved"))
    for place in (copy, moved):
        assert locate(place, [0, 1])["transaction_id"].to_list() == ["T1", "T2"]
        assert ingest(place, "b.csv", [row(transaction_id="T2"), row(transaction_id="T3")]).loaded == 1
    assert fingerprint(copy) == fingerprint(moved)


def test_a_missing_workspace_says_how_to_make_one(tmp_path: Path):
    with pytest.raises(StoreError, match=r"there is no workspace; `finpat ingest`"):
        Workspace.open(tmp_path / "nowhere")


def test_a_folder_with_other_things_is_not_made_a_workspace(tmp_path: Path):
    (tmp_path / "thesis.docx").touch()
    with pytest.raises(StoreError, match=r"not empty \(it has 'thesis.docx'\)"):
        Workspace.create(tmp_path)


def test_a_file_where_the_folder_should_be_is_named(tmp_path: Path):
    (tmp_path / "case").touch()
    with pytest.raises(StoreError, match="is a file; a workspace needs a folder of its own"):
        Workspace.create(tmp_path / "case")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (json.dumps({"format": 99}), "has format 99, this finpat reads up to 1; install a newer finpat"),
        ("{", "restore the file from a backup"),
        ("[]", "restore the file from a backup"),
    ],
)
def test_a_marker_of_the_future_or_a_broken_one_is_refused(workspace: Workspace, text: str, message: str):
    (workspace.path / "workspace.json").write_text(text)
    with pytest.raises(StoreError, match=message):
        Workspace.open(workspace.path)


def test_a_catalogue_of_the_future_is_refused(workspace: Workspace):
    ingest(workspace, "a.csv", [row()])
    with duckdb.connect(str(workspace.catalogue)) as connection:
        connection.execute("insert into migrations values (99)")
    with pytest.raises(StoreError, match="catalogue version 99"):
        read_payments(workspace)
    with pytest.raises(StoreError, match="catalogue version 99"):
        ingest(workspace, "b.csv", [row()])


def test_a_missing_segment_is_named(workspace: Workspace):
    ingest(workspace, "a.csv", [row()])
    (workspace.segments("transactions") / "1.parquet").unlink()
    with pytest.raises(StoreError, match=r"is missing, though a\.csv was loaded into it"):
        read_payments(workspace)
