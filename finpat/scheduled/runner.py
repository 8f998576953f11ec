"""Running one query: checked, bound, within its limits, its result a typed frame with a unique grain."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import duckdb
import polars as pl

from finpat.errors import QueryError
from finpat.readmodel import ReadModel
from finpat.scheduled.catalogue import Query
from finpat.scheduled.parameters import Bound, bind
from finpat.scheduled.sandbox import Reach, open_locked
from finpat.scheduled.statement import Statement, error_place, parse_statement

BATCH_ROWS = 10_000
_POSSIBLE_VICTIM = "possible_victim"


@dataclass(frozen=True)
class Result:
    """What a query answered.

    rows: in the query's order. protect: rows that name a possible victim's account, kept apart: they are
    protected and referred, never listed as subjects. cut: the row limit was reached and there are more.
    run_id, data_fingerprint, as_of: of the published run that was read.
    """

    query: Query
    rows: pl.DataFrame
    protect: pl.DataFrame
    cut: bool
    parameters: Mapping[str, Bound]
    run_id: str
    previous_run_id: str | None
    data_fingerprint: str
    as_of: datetime
    seconds: float

    @property
    def count(self) -> int:
        """Rows, those apart included."""
        return self.rows.height + self.protect.height


def run_query(
    query: Query, reach: Reach, given: Mapping[str, Any] | None = None, due: datetime | None = None
) -> Result:
    """Answer a query from a published run.

    given: values of parameters by name, as text or typed. due: the instant (naive UTC) that `today` stands
    for; without one, that up to which the run has data.

    Raises:
        QueryError: the query breaks a rule (with the line), a parameter does not fit, a limit was passed, or
            the grain is not unique.
        RunError: the published run cannot be read.
    """
    statement = parse_statement(query)
    with ReadModel(reach.model) as model:
        manifest = model.manifest()
    as_of = datetime.fromisoformat(manifest["as_of"])
    try:
        parameters = bind(query.front.params, given or {}, due or as_of, query.front.zone)
    except QueryError as error:
        raise QueryError(f"{query.name}: {error}") from None
    started = time.monotonic()
    with open_locked(reach, query, statement) as connection:
        check_columns(query, describe(connection, query, parameters))
        rows, cut = _fetch(connection, query, parameters)
        _check_grain(query, rows)
        named = _account_columns(rows)
        protected = _possible_victims(connection, reach, statement) if named else frozenset()
    subjects, protect = _apart(rows, protected)
    return Result(
        query,
        subjects,
        protect,
        cut,
        parameters,
        str(manifest["run_id"]),
        reach.previous.stem if reach.previous else None,
        str(manifest["data"]["fingerprint"]),
        as_of,
        time.monotonic() - started,
    )


def describe(
    connection: duckdb.DuckDBPyConnection, query: Query, parameters: Mapping[str, Bound]
) -> dict[str, str]:
    """Columns of the result and their DuckDB types, without running the query.

    Raises:
        QueryError: with the line; a column that is not there, types that do not go together.
    """
    try:
        rows = connection.execute(f"DESCRIBE {query.text}", dict(parameters)).fetchall()
    except duckdb.Error as error:
        line, reason = error_place(query, error)
        raise QueryError.at(query.path, line, reason) from None
    names = [str(name) for name, *_ in rows]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise QueryError.at(
            query.path, 1, f"the result has two columns {twice[0]!r}; name one anew with `as`"
        )
    return {str(name): str(type_) for name, type_, *_ in rows}


def check_columns(query: Query, columns: Mapping[str, str]) -> None:
    """Hold the result's columns against the front matter and the rules of money and time.

    Raises:
        QueryError: a column of the grain is missing, or a type does not hold what it should.
    """
    for name in query.front.grain:
        if name not in columns:
            raise QueryError.at(query.path, _line_of(query, "grain:"), f"grain: the result has no {name!r}")
    for name, type_ in columns.items():
        line = _line_of(query, name)
        if type_ in ("HUGEINT", "UHUGEINT"):
            raise QueryError.at(query.path, line, f"{name} is {type_}: cast the sum, `sum(...)::bigint`")
        if type_.startswith("DECIMAL") and "currency" not in columns:
            raise QueryError.at(
                query.path,
                line,
                f"{name} is money ({type_}): the result needs `currency`, and sums are grouped by it",
            )
        if type_.startswith("DECIMAL(38"):
            raise QueryError.at(query.path, line, f"{name} is {type_}: cast it to decimal(28, 8)")
        if type_.startswith(("TIMESTAMP WITH", "TIME", "INTERVAL")) and type_ != "TIMESTAMP":
            raise QueryError.at(
                query.path, line, f"{name} is {type_}: expected TIMESTAMP (UTC), DATE or a number"
            )


def _line_of(query: Query, word: str) -> int:
    """The last line of the file that has the word: where a column of the result is made, as a rule."""
    lines = [n for n, text in enumerate(query.text.splitlines(), start=1) if word in text]
    return (lines[0] if word.endswith(":") else lines[-1]) if lines else 1


def _fetch(
    connection: duckdb.DuckDBPyConnection, query: Query, parameters: Mapping[str, Bound]
) -> tuple[pl.DataFrame, bool]:
    """The rows up to the limit, and whether there are more."""
    front = query.front
    late = threading.Event()

    def stop() -> None:
        late.set()
        connection.interrupt()

    timer = threading.Timer(front.timeout_s, stop)
    timer.daemon = True
    timer.start()
    try:
        reader = connection.sql(query.text, params=dict(parameters)).to_arrow_reader(BATCH_ROWS)
        pieces, height = [pl.DataFrame(reader.schema.empty_table())], 0
        for batch in reader:
            pieces.append(pl.DataFrame(batch))
            height += batch.num_rows
            if height > front.max_rows:
                break
    except duckdb.InterruptException:
        if not late.is_set():
            raise
        raise QueryError(
            f"{query.name}: stopped after {front.timeout_s} s, its time limit; narrow the question or raise "
            "`timeout_s`"
        ) from None
    except duckdb.OutOfMemoryException:
        raise QueryError(
            f"{query.name}: needs more than its {front.memory_mb} MB of memory; narrow the question or raise "
            "`memory_mb`"
        ) from None
    except duckdb.IOException as error:
        raise OSError(f"{query.name}: reading failed: {str(error).splitlines()[0]}") from error
    except duckdb.Error as error:
        line, reason = error_place(query, error)
        raise QueryError.at(query.path, line, reason) from None
    finally:
        timer.cancel()
    rows = pl.concat(pieces)
    return rows.head(front.max_rows), rows.height > front.max_rows


def _check_grain(query: Query, rows: pl.DataFrame) -> None:
    """Raise QueryError where two rows share a grain, or a part of it is null."""
    grain = list(query.front.grain)
    line = _line_of(query, "grain:")
    for name in grain:
        if rows[name].null_count():
            raise QueryError.at(
                query.path,
                line,
                f"grain: {name} is null in {rows[name].null_count():,} rows, which name no row",
            )
    repeated = rows.filter(pl.struct(grain).is_duplicated())
    if repeated.height:
        first = repeated.select(grain).row(0)
        shown = ", ".join(f"{name} = {value}" for name, value in zip(grain, first, strict=True))
        raise QueryError.at(query.path, line, f"grain: {repeated.height:,} rows are not unique ({shown})")


def _account_columns(rows: pl.DataFrame) -> list[str]:
    """Columns that name an account, which a reader may take for a subject."""
    return [
        name
        for name, dtype in rows.schema.items()
        if (name == "account_id" or name.endswith("_account_id")) and dtype == pl.String
    ]


def _possible_victims(
    connection: duckdb.DuckDBPyConnection, reach: Reach, statement: Statement
) -> frozenset[str]:
    """Accounts of possible victims in the runs that are shown, and those that casework protects."""
    asked = [
        f"SELECT account_id FROM {name}_file.rm.flagged_accounts WHERE possible_role = '{_POSSIBLE_VICTIM}'"
        for name, path in (("rm", reach.model), ("previous", reach.previous))
        if path is not None
    ]
    if ("casework", "alerts") in statement.tables:
        asked.append("SELECT account_id FROM casework.alerts WHERE queue = 'protect'")
    rows = connection.execute(" UNION ".join(asked)).fetchall()
    return frozenset(str(account) for (account,) in rows)


def _apart(rows: pl.DataFrame, protected: frozenset[str]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The rows without those that name a protected account, and those."""
    named = _account_columns(rows)
    if not named or not protected:
        return rows, rows.clear()
    is_protected = pl.any_horizontal(pl.col(name).is_in(list(protected)).fill_null(False) for name in named)
    return rows.filter(~is_protected), rows.filter(is_protected)
