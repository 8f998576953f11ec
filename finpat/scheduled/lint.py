"""Checking queries without data: front matter, statement, and the result's columns on empty tables."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from finpat.errors import QueryError
from finpat.scheduled.catalogue import Query, query_files, read_query
from finpat.scheduled.parameters import bind
from finpat.scheduled.runner import check_columns, describe
from finpat.scheduled.sandbox import open_empty
from finpat.scheduled.statement import parse_statement

_ANY_DAY = datetime(2026, 1, 1)


def check_query(query: Query) -> dict[str, str]:
    """Hold a query against every rule that needs no data; returns its result's columns and their types.

    Raises:
        QueryError: the first rule that it breaks, with the line.
    """
    statement = parse_statement(query)
    # Any value of the right type will do: nothing is evaluated.
    stand_ins = {"int": "1", "decimal": "1", "text": "x", "flag": "true"}
    open_ = {
        name: parameter.choices[0] if parameter.choices else stand_ins.get(parameter.type, "2026-01-01")
        for name, parameter in query.front.params.items()
        if parameter.default is None
    }
    parameters = bind(query.front.params, open_, _ANY_DAY, query.front.zone)
    with open_empty(query, statement) as connection:
        columns = describe(connection, query, parameters)
    check_columns(query, columns)
    return columns


def lint_folder(folder: Path) -> tuple[int, list[QueryError]]:
    """Check every query of a folder: how many there are, and the first fault of each that has one."""
    faults = []
    files = query_files(folder)
    seen: dict[str, Path] = {}
    for path in files:
        try:
            query = read_query(path)
            if query.name in seen:
                raise QueryError.at(path, 1, f"{seen[query.name]} has the name {query.name!r} already")
            seen[query.name] = path
            check_query(query)
        except QueryError as error:
            faults.append(error)
    return len(files), faults
