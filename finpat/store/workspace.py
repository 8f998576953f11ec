"""The workspace: one folder with everything, and one writer at a time.

Every path inside is relative, so the folder can be copied, moved and backed up. Its layout is on the
architecture page.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from finpat.errors import StoreError
from finpat.store.failures import told_in_one_line

FORMAT = 1  # raised when an older finpat could no longer read the folder
MARKER = "workspace.json"
FOLDERS = ("store", "runs", "readmodel", "exports", "learned", "casework", "queries", "schedule")


@dataclass(frozen=True)
class Workspace:
    """A folder that has been checked to be a workspace of a format this finpat reads."""

    path: Path

    @classmethod
    def create(cls, path: Path) -> Workspace:
        """Make a workspace at `path`, or open the one that is there already.

        Raises:
            StoreError: the folder holds other things, cannot be written, or is a workspace of a newer format.
        """
        if (path / MARKER).is_file():
            return cls.open(path)
        with told_in_one_line(path, "making a workspace"):
            if path.exists() and not path.is_dir():
                raise StoreError(f"{path}: is a file; a workspace needs a folder of its own.")
            strangers = (
                sorted(set(os.listdir(path)) - {"finpat.toml", "schedule.toml", *FOLDERS, "lock"})
                if path.exists()
                else []
            )
            if strangers:
                raise StoreError(
                    f"{path}: is no workspace and not empty (it has {strangers[0]!r}); "
                    "name a new or empty folder."
                )
            path.mkdir(parents=True, exist_ok=True)
            for folder in FOLDERS:
                (path / folder).mkdir(exist_ok=True)
            # The marker comes last and in one step: a folder with it is complete.
            replace_text(path / MARKER, json.dumps({"format": FORMAT}) + "\n")
        return cls(path)

    @classmethod
    def open(cls, path: Path) -> Workspace:
        """The workspace at `path`.

        Raises:
            StoreError: there is none, its marker cannot be read, or a newer finpat made it.
        """
        marker = path / MARKER
        try:
            text = marker.read_text(encoding="utf-8")
        except (FileNotFoundError, NotADirectoryError):
            raise StoreError(
                f"{path}: there is no workspace; `finpat ingest` and `finpat demo` make one."
            ) from None
        except OSError as error:
            raise StoreError(f"{marker}: cannot be read ({error.strerror}).") from error
        try:
            version = json.loads(text)["format"]
        except (ValueError, TypeError, KeyError):
            raise StoreError(
                f'{marker}: expected {{"format": {FORMAT}}}; restore the file from a backup.'
            ) from None
        if not isinstance(version, int) or version > FORMAT:
            raise StoreError(
                f"{path}: has format {version}, this finpat reads up to {FORMAT}; "
                "install a newer finpat to open it."
            )
        return cls(path)

    @property
    def catalogue(self) -> Path:
        """The DuckDB file that says which files are loaded."""
        return self.path / "store" / "catalog.duckdb"

    @property
    def runs(self) -> Path:
        """Folder of the runs."""
        return self.path / "runs"

    @property
    def readmodel(self) -> Path:
        """Folder of the published read models."""
        return self.path / "readmodel"

    @property
    def learned(self) -> Path:
        """Folder of what was learned from labels."""
        return self.path / "learned"

    @property
    def casework(self) -> Path:
        """Folder of the casework database, its anchor and the files attached to notes."""
        return self.path / "casework"

    @property
    def exports(self) -> Path:
        """Folder for exports made without another place."""
        return self.path / "exports"

    @property
    def queries(self) -> Path:
        """Folder of the workspace's own queries; older workspaces have none."""
        return self.path / "queries"

    @property
    def schedule(self) -> Path:
        """Folder of the schedule's ledger; older workspaces have none."""
        return self.path / "schedule"

    def segments(self, table: str) -> Path:
        """Folder of a table's segments."""
        return self.path / "store" / table

    @contextmanager
    def writing(self, purpose: str) -> Iterator[None]:
        """Be the one process that writes; `purpose` is what another process is told meanwhile.

        Published read models are never written to, so reading them needs no lock.

        Raises:
            StoreError: another process is writing, named by number and purpose, or the folder is read-only.
        """
        lock = FileLock(self.path / "lock", timeout=0)
        holder = self.path / "lock.holder"
        with told_in_one_line(self.path, f"locking the workspace to {purpose}"):
            try:
                lock.acquire()
            except Timeout:
                raise StoreError(f"{self.path}: {_described(holder)}. Wait until it has finished.") from None
        try:
            with told_in_one_line(self.path, f"locking the workspace to {purpose}"):
                replace_text(holder, json.dumps({"process": os.getpid(), "purpose": purpose}) + "\n")
            yield
        finally:
            holder.unlink(missing_ok=True)
            lock.release()

    def writer(self) -> str | None:
        """Who is writing at this moment, as words for a message; None where nobody is."""
        lock = FileLock(self.path / "lock", timeout=0)
        try:
            lock.acquire()
        except Timeout:
            return _described(self.path / "lock.holder")
        except OSError:  # a read-only copy has no writer
            return None
        lock.release()
        return None


def _described(holder: Path) -> str:
    try:
        told = json.loads(holder.read_text(encoding="utf-8"))
        return f"process {told['process']} is using the workspace to {told['purpose']}"
    except (OSError, ValueError, KeyError):  # the other process has not said it yet
        return "another process is using the workspace"


def replace_text(path: Path, text: str) -> None:
    """Write a small file in one step: it is there whole or not at all, also after a power cut."""
    part = path.with_name(path.name + ".part")
    with part.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
    sync_folder(path.parent)


def sync_folder(path: Path) -> None:
    """Make a rename inside a folder durable, where the system lets a folder be synced."""
    if os.name == "nt":  # Windows has no such call; its file system journals renames
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
