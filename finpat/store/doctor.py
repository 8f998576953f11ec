"""Is the workspace whole? Checks of the folder itself, and after them those of its data."""

from __future__ import annotations

import shutil
from collections.abc import Collection

from finpat.store import segment
from finpat.store.catalogue import orphans, read_files
from finpat.store.quality import Check, check_data
from finpat.store.workspace import Workspace

FREE_BYTES = 1 << 30  # chosen: a load of ten million rows needs about a third of it


def doctor(workspace: Workspace, *, rated: Collection[str] | None = None) -> list[Check]:
    """All checks, those of the folder first; a check without fault says so with severity `ok`.

    While another process writes, only that is told. rated: see `quality.check_data`.
    """
    writer = workspace.writer()
    if writer is not None:
        sentence = f"{writer}; ask again when it has finished."
        return [Check("WS-LOCK", "note", str(workspace.path), sentence)]
    checks = [
        Check("WS-LOCK", "ok", str(workspace.path), "nobody is writing to the workspace."),
        *_segments(workspace),
        _disk(workspace),
        _read_model(workspace),
    ]
    return [*checks, *check_data(workspace, rated=rated)] if _whole(checks) else checks


def _whole(checks: list[Check]) -> bool:
    return all(check.severity != "error" for check in checks)


def _segments(workspace: Workspace) -> list[Check]:
    files = read_files(workspace)
    found = []
    for file in files:
        if file.segment is None:
            continue
        path = workspace.path / file.segment
        if not path.exists():
            sentence = f"the rows of {file.name} are gone; restore the file from a backup."
            found.append(Check("WS-SEGMENT-MISSING", "error", file.segment, sentence))
        elif segment.checksum(path) != file.segment_sha256:
            sentence = (
                f"the rows of {file.name} are not those that were loaded; restore the file from a backup."
            )
            found.append(Check("WS-SEGMENT-CHANGED", "error", file.segment, sentence))
    for path in orphans(workspace, files):
        place = path.relative_to(workspace.path).as_posix()
        sentence = "belongs to no loaded file; what a killed load left is swept by the next one."
        found.append(Check("WS-ORPHAN", "note", place, sentence))
    if not found:
        loaded = sum(file.loaded for file in files)
        figures: dict[str, float | int | str] = {"files": len(files), "rows": loaded}
        sentence = f"{len(files)} files with {loaded:,} rows are as they were loaded."
        found.append(Check("WS-SEGMENTS", "ok", "store", sentence, figures))
    return found


def _disk(workspace: Workspace) -> Check:
    free = shutil.disk_usage(workspace.path).free
    sentence = f"{free / (1 << 30):.1f} GB are free."
    if free < FREE_BYTES:
        return Check("WS-DISK", "warning", str(workspace.path), f"only {sentence}", {"free_bytes": free})
    return Check("WS-DISK", "ok", str(workspace.path), sentence, {"free_bytes": free})


def _read_model(workspace: Workspace) -> Check:
    current = workspace.readmodel / "CURRENT"
    if not current.exists():
        sentence = "no run has been published yet; `finpat run` makes one."
        return Check("WS-READMODEL", "note", "readmodel", sentence)
    name = current.read_text(encoding="utf-8").strip()
    candidates = [workspace.readmodel / name, workspace.readmodel / f"{name}.duckdb"]
    if not any(path.is_file() for path in candidates):
        sentence = f"CURRENT names {name}, which is not there; `finpat run` publishes a new one."
        return Check("WS-READMODEL", "error", "readmodel", sentence)
    return Check("WS-READMODEL", "ok", "readmodel", f"the current one is {name}.")
