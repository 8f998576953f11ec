"""What a request may ask: the read model of the run that its page shows.

A page is drawn from the newest run and keeps that run's number (`ids.RUN`); its callbacks name the number,
so that a page never mixes two runs, also where a new one is published while it is open.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from flask import Flask, abort, current_app, g, has_request_context, request

from dashboard import access
from finpat.casework.database import Change, Database
from finpat.config import Settings
from finpat.errors import RunError
from finpat.readmodel import ReadModel
from finpat.readmodel.api import current_path

OPEN_RUNS = 4  # newest first; a page whose run was let go opens it again
_KEY = "FINPAT_READ_MODELS"
_CASEWORK = "FINPAT_CASEWORK"
_SETTINGS = "FINPAT_SETTINGS"


class ReadModels:
    """The published runs of one workspace, opened when asked for."""

    def __init__(self, folder: Path) -> None:
        """Serve the runs of a workspace's `readmodel` folder."""
        self.folder = folder
        self._lock = threading.Lock()
        self._open: OrderedDict[Path, ReadModel] = OrderedDict()

    def current(self) -> ReadModel:
        """The run that CURRENT names.

        Raises:
            RunError: no run is published.
        """
        return self._opened(current_path(self.folder))

    def of(self, run_id: str | None) -> ReadModel:
        """The run of that number, or the newest where none is named.

        Raises:
            RunError: there is no such run.
        """
        if run_id is None:
            return self.current()
        if not run_id.isalnum():
            raise RunError(f"run {run_id!r}: a run's name has letters and digits only")
        return self._opened(self.folder / f"{run_id}.duckdb")

    def newest(self, most: int = OPEN_RUNS) -> list[ReadModel]:
        """The published runs that can be read, newest first."""
        names = sorted((path.stem for path in self.folder.glob("*.duckdb")), reverse=True)
        return [self.of(name) for name in names[:most] if name.isalnum()]

    def _opened(self, path: Path) -> ReadModel:
        with self._lock:
            if path not in self._open:
                self._open[path] = ReadModel(path)
                # One more than is served stays open, so that a request in flight can finish.
                if len(self._open) > OPEN_RUNS + 1:
                    self._open.popitem(last=False)[1].close()
            self._open.move_to_end(path)
            return self._open[path]


class GuardedCasework(Database):
    """Casework as a request may change it: in the user's own name, by a right that the callback asked for.

    What forgot to ask (`access.requires`) changes nothing, and the guest of the demonstration never does.
    """

    @contextmanager
    def writing(self, actor: str, at: datetime) -> Iterator[Change]:
        """One change, as `Database.writing`; refused (403) to who may only look."""
        if g.get("right", "view") == "view" or actor != access.user().name:
            abort(403, description="nothing can be changed here")
        with super().writing(actor, at) as change:
            yield change


def serve(
    server: Flask, models: ReadModels, casework: Database | None = None, settings: Settings | None = None
) -> None:
    """Let requests of this server read `models`, and work with `casework` under `settings`."""
    server.config[_KEY] = models
    server.config[_SETTINGS] = settings or Settings()
    if casework is not None:
        server.config[_CASEWORK] = GuardedCasework(casework.engine, casework.place, casework.anchor)


def read_models() -> ReadModels:
    """All published runs of the workspace that is served."""
    models: ReadModels = current_app.config[_KEY]
    return models


def read_model(run_id: str | None = None) -> ReadModel:
    """The read model of a run: the page's own in a callback, the newest where a page is drawn."""
    return read_models().of(run_id)


def casework() -> Database:
    """The casework of the workspace; writes pass only behind `access.requires`."""
    kept: Database = current_app.config[_CASEWORK]
    return kept


def has_casework() -> bool:
    """Whether alerts are worked on here; a read model can be looked at without."""
    return _CASEWORK in current_app.config


def settings() -> Settings:
    """The settings of the workspace, as they were when the dashboard was started."""
    kept: Settings = current_app.config[_SETTINGS]
    return kept


def now() -> datetime:
    """This instant (naive UTC): the dashboard's one reading of the clock."""
    return datetime.now(UTC).replace(tzinfo=None)


def scheme() -> str:
    """`light` or `dark`, as the reader chose; light where nothing was chosen."""
    chosen = request.cookies.get("scheme", "") if has_request_context() else ""
    return "dark" if chosen == "dark" else "light"
