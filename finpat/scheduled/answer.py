"""A query of a workspace answered from one of its published runs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from finpat.scheduled.catalogue import Query, read_catalogue
from finpat.scheduled.reach import published_runs, reach_of
from finpat.scheduled.runner import Result, run_query
from finpat.scheduled.statement import parse_statement
from finpat.store.workspace import Workspace


def answer(
    folder: Path,
    query: Query | str,
    run_id: str,
    given: Mapping[str, Any] | None = None,
    *,
    previous: str | None = None,
) -> Result:
    """Answer a query, or the one of that name, from a run.

    previous: the run that the schema `previous` shows; the one before `run_id` where none is named.

    Raises:
        QueryError: the query breaks a rule or a limit.
        UsageError: there is no such query, or a parameter does not fit.
    """
    workspace = Workspace.open(folder)
    chosen = read_catalogue(workspace.queries).get(query) if isinstance(query, str) else query
    path = workspace.readmodel / f"{run_id}.duckdb"
    if previous is not None:
        before: Path | None = workspace.readmodel / f"{previous}.duckdb"
    else:
        before = max((other for other in published_runs(workspace) if other < path), default=None)
    return run_query(chosen, reach_of(workspace, path, before, parse_statement(chosen).tables), given)
