"""What a query's SQL may be: one SELECT over known tables, whose answer depends on data and parameters alone.

The rules are held against DuckDB's own syntax tree, so that nothing hides in a comment or a text. The locked
connection (`sandbox`) refuses the same things once more, by other means.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import duckdb

from finpat.errors import QueryError, nearest
from finpat.scheduled.catalogue import Query
from finpat.scheduled.tables import PERSONAL, SEALED, TABLES

# Answers of these change without any data changing: a late run would not give the on-time answer.
_CLOCKS = frozenset(
    ("now", "today", "current_date", "current_time", "current_timestamp", "localtime", "localtimestamp",
     "get_current_timestamp", "get_current_time", "transaction_timestamp", "statement_timestamp",
     "current_localtime", "current_localtimestamp")
)  # fmt: skip
_CHANCE = frozenset(("random", "uuid", "uuidv4", "uuidv7", "gen_random_uuid", "setseed"))
_CLOCK_WORDS = frozenset(("now", "today", "yesterday", "tomorrow"))  # 'now'::TIMESTAMP
_STATE = frozenset(
    ("nextval", "currval", "current_setting", "getvariable", "getenv", "txid_current", "write_log",
     "pg_typeof", "current_query", "current_connection_id", "current_query_id", "which_secret")
)  # fmt: skip
_TABLE_FUNCTIONS = frozenset(("unnest", "range", "generate_series"))
_NO_PLACE = 2**63  # DuckDB writes 2**64 - 1 where a node has no place in the text


@dataclass(frozen=True)
class Statement:
    """A query's SELECT: which tables it reads, as (schema, table)."""

    tables: frozenset[tuple[str, str]]

    @property
    def schemas(self) -> frozenset[str]:
        """The schemas of the tables that it reads."""
        return frozenset(schema for schema, _ in self.tables)


def parse_statement(query: Query) -> Statement:
    """Hold a query's SQL against the rules.

    Raises:
        QueryError: the first rule that it breaks, with the line.
    """
    with duckdb.connect(":memory:") as connection:
        try:
            statements = connection.extract_statements(query.text)
        except duckdb.Error as error:
            raise _syntax_error(query, error) from None
        if len(statements) != 1:
            line = _first_line(query)
            if statements:
                line = query.text[: query.text.rindex(statements[1].query.strip())].count("\n") + 1
            raise QueryError.at(query.path, line, f"expected one SELECT, found {len(statements)} statements")
        (statement,) = statements
        if statement.type != duckdb.StatementType.SELECT:
            kind = str(statement.type).rpartition(".")[2]
            raise QueryError.at(query.path, _first_line(query), f"expected one SELECT, found {kind}")
        row = connection.execute("SELECT json_serialize_sql($1)", [query.text]).fetchone()
    tree = json.loads(str(row[0] if row else "{}"))
    if tree["error"]:  # PIVOT makes columns of the data: no result has a stated form
        raise QueryError.at(
            query.path, _first_line(query), f"is a SELECT that cannot be checked: {tree['error_message']}"
        )
    return _Reading(query).read(tree["statements"][0]["node"])


def _first_line(query: Query) -> int:
    """Line of the first word after the front matter."""
    head, _, body = query.text.partition("--- */")
    blank = len(body) - len(body.lstrip())
    return (head + "--- */" + body[:blank]).count("\n") + 1


def _syntax_error(query: Query, error: duckdb.Error) -> QueryError:
    """DuckDB's own message of an error, with the line it points at."""
    line, reason = error_place(query, error)
    return QueryError.at(query.path, line, reason)


def error_place(query: Query, error: duckdb.Error) -> tuple[int, str]:
    """(line, reason) of an error that DuckDB found in a query's text."""
    told = str(error)
    reason = told.splitlines()[0].partition(": ")[2] or told.splitlines()[0]
    for part in told.splitlines():
        if part.startswith("LINE "):
            number = part.removeprefix("LINE ").partition(":")[0]
            if number.isdigit():
                return int(number), reason
    return _first_line(query), reason


class _Reading:
    """One walk over a statement's syntax tree."""

    def __init__(self, query: Query) -> None:
        self.query = query
        self.tables: set[tuple[str, str]] = set()
        self.parameters: dict[str, int] = {}
        self.names: set[str] = set()

    def read(self, node: dict[str, Any]) -> Statement:
        self.names = {str(name).lower() for name in _cte_names(node)}
        for part in _nodes(node):
            self._look_at(part)
        self._check_parameters()
        self._check_order(node)
        return Statement(frozenset(self.tables))

    def _fault(self, part: dict[str, Any], message: str) -> QueryError:
        position = part.get("query_location")
        if not isinstance(position, int) or position >= _NO_PLACE:
            return QueryError.at(self.query.path, _first_line(self.query), message)
        return QueryError.at(self.query.path, self.query.line_at(position), message)

    def _look_at(self, part: dict[str, Any]) -> None:
        kind = part.get("type")
        if kind == "BASE_TABLE":
            self._table(part)
        elif kind == "TABLE_FUNCTION":
            name = _function_name(part.get("function", {}))
            if name not in _TABLE_FUNCTIONS:
                raise self._fault(
                    part, f"{name}() is not allowed: a query reads the tables of docs/data_dictionary.md"
                )
        elif kind == "SHOW_REF":
            raise self._fault(part, "SHOW, DESCRIBE and SUMMARIZE are no SELECT")
        elif part.get("class") == "FUNCTION":
            self._function(part)
        elif part.get("class") == "COLUMN_REF":
            self._column(part)
        elif part.get("class") == "PARAMETER":
            self.parameters.setdefault(str(part.get("identifier", "?")), int(part.get("query_location", 0)))
        elif part.get("class") == "CAST":
            self._cast(part)
        if part.get("sample"):
            raise self._fault(part, "a sample differs from run to run")

    def _table(self, part: dict[str, Any]) -> None:
        catalog, schema, name = (
            str(part.get(key, "")).lower() for key in ("catalog_name", "schema_name", "table_name")
        )
        if not schema and name in self.names:
            return
        told = ".".join(word for word in (catalog, schema, name) if word)
        if catalog or schema not in TABLES or name not in TABLES[schema]:
            known = [f"{schema}.{table}" for schema, tables in TABLES.items() for table in tables]
            guess = nearest(told, known)
            raise self._fault(part, f"there is no table {told!r}.{guess} `finpat query tables` lists them.")
        if (schema, name) in SEALED:
            raise self._fault(part, f"{told} is read for a stated reason only, never by a query")
        if part.get("at_clause"):
            raise self._fault(part, "AT is not supported")
        self.tables.add((schema, name))

    def _function(self, part: dict[str, Any]) -> None:
        name = _function_name(part)
        if name in _CLOCKS or (name == "age" and len(part.get("arguments", [])) == 1):
            raise self._fault(part, f"{name}() gives another answer later; use a parameter such as $as_of")
        if name in _CHANCE:
            raise self._fault(part, f"{name}() gives another answer each time")
        if name in _STATE:
            raise self._fault(part, f"{name}() is not allowed in a query")

    def _column(self, part: dict[str, Any]) -> None:
        names = [str(name).lower() for name in part.get("column_names", [])]
        if len(names) == 1 and names[0] in _CLOCKS:
            raise self._fault(part, f"{names[0]} gives another answer later; use a parameter such as $as_of")
        for name in names:
            allowed = {column.rpartition(".")[2] for column in self.query.front.reveals}
            if name in PERSONAL and name not in allowed:
                table = PERSONAL[name][0]
                raise self._fault(
                    part,
                    f"{name} is personal data; if the question cannot be asked without it, declare "
                    f"`reveals: [{table}.{name}]` and a `reveal_reason`",
                )

    def _cast(self, part: dict[str, Any]) -> None:
        child = part.get("child", {})
        value = (child.get("literal") or {}).get("text") or (child.get("value") or {}).get("value")
        if isinstance(value, str) and value.strip(" '").lower() in _CLOCK_WORDS:
            raise self._fault(part, f"{value!r} gives another answer later; use a parameter such as $as_of")

    def _check_parameters(self) -> None:
        declared = self.query.front.params
        for name, position in self.parameters.items():
            if name not in declared:
                hint = nearest(name, declared)
                raise QueryError.at(
                    self.query.path,
                    self.query.line_at(position),
                    f"${name} is not among the params of the front matter.{hint}",
                )
        for name in declared:
            if name not in self.parameters:
                line = next(
                    (n for n, text in enumerate(self.query.text.splitlines(), 1) if f"{name}:" in text), 1
                )
                raise QueryError.at(self.query.path, line, f"parameter {name} is declared, and never used")

    def _check_order(self, node: dict[str, Any]) -> None:
        """The result's order has to be total: by every column of the grain, the others before or between."""
        orders = [
            order["expression"]
            for modifier in node.get("modifiers", [])
            if modifier["type"] == "ORDER_MODIFIER"
            for order in modifier["orders"]
        ]
        if any(expression.get("class") == "STAR" for expression in orders):
            return
        named = {
            str(expression["column_names"][-1]).lower()
            for expression in orders
            if expression.get("class") == "COLUMN_REF"
        }
        open_ = [name for name in self.query.front.grain if name.lower() not in named]
        if open_:
            raise QueryError.at(
                self.query.path,
                len(self.query.text.rstrip().splitlines()),
                f"order by has to end in the grain, so that every run gives one order; {open_[0]} is missing",
            )


def _function_name(part: dict[str, Any]) -> str:
    return str(part.get("function_name", "")).lower()


def _nodes(value: Any) -> Iterator[dict[str, Any]]:
    """Every object of a syntax tree."""
    if isinstance(value, dict):
        yield value
        for inner in value.values():
            yield from _nodes(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _nodes(inner)


def _cte_names(node: Any) -> Iterator[str]:
    for part in _nodes(node):
        for entry in (part.get("cte_map") or {}).get("map", []):
            yield entry["key"]
        if part.get("type") == "RECURSIVE_CTE_NODE":
            yield str(part.get("cte_name", ""))
