"""From a published run to casework: the alerts follow its list."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from finpat.casework.database import Database
from finpat.casework.following import Followed, follow_run
from finpat.casework.run_list import Ranked
from finpat.config import CaseworkSettings
from finpat.readmodel import ReadModel


def follow(model: ReadModel, database: Database, settings: CaseworkSettings, at: datetime) -> Followed:
    """Bring the alerts up to date with a run, in its name, at the instant `at` (naive UTC).

    Raises:
        CaseworkError: a later run has been followed already, or casework cannot be written.
    """
    run_id = model.run_id
    with database.writing(f"run {run_id}", at) as change:
        return follow_run(change, run_id, _ranking(model), settings)


def _ranking(model: ReadModel) -> Iterator[Ranked]:
    for account_id, rank, score, band, role, indicators, findings in model.ranked().iter_rows():
        found = tuple(indicators.split(";")) if indicators else ()
        yield Ranked(account_id, rank, score, band, role, found, findings)
