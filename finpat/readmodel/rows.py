"""Rows of a table as a grid asks for them: some at a time, filtered, in a total order.

Columns and operators are looked up in what the caller declares; values are bound, never written into SQL.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import polars as pl

from finpat.errors import UsageError
from finpat.readmodel.api import ReadModel

Kind = Literal["text", "number", "instant"]
LONGEST_PAGE = 1_000  # rows of one answer; a grid asks for some tens
_COMPARED = {"equals": "=", "not_equal": "!=", "less": "<", "at_most": "<=", "greater": ">", "at_least": ">="}
_SEARCHED = {
    "contains": "contains({column}, {value})",
    "not_contains": "NOT contains({column}, {value})",
    "starts": "starts_with({column}, {value})",
    "ends": "ends_with({column}, {value})",
}
_LISTED = "list_has_any(string_split({column}, ';'), ${name}::VARCHAR[])"
OPERATORS = (*_COMPARED, *_SEARCHED, "between", "any_of", "none_of", "lists", "empty", "filled")


@dataclass(frozen=True)
class Condition:
    """One bound on one column.

    operator: one of OPERATORS; text is compared without case. `between` takes two values, both included;
    `any_of` and `none_of` take some (a missing value is of none); `lists` too, of a column that joins several
    by `;`; `empty` and `filled` take none.
    """

    column: str
    operator: str
    values: tuple[Any, ...] = ()


@dataclass(frozen=True)
class Wanted:
    """Which rows: from `offset` on at most `limit` of those that meet all conditions.

    order: (column, whether descending), the first goes first; the table's key breaks ties.
    """

    offset: int = 0
    limit: int = 100
    conditions: tuple[Condition, ...] = ()
    order: tuple[tuple[str, bool], ...] = ()


class Rows(NamedTuple):
    """Some rows, and how many there are in all."""

    frame: pl.DataFrame
    total: int


@dataclass(frozen=True)
class Listing:
    """What rows are asked of: SQL of a table, its columns by kind, the key that makes any order total.

    first: the order where none is asked for. sums: the SQL sums many rows up, so that asking a second time
    for their number costs more than carrying it along.
    """

    sql: str
    columns: Mapping[str, Kind]
    key: tuple[str, ...]
    first: tuple[tuple[str, bool], ...] = ()
    sums: bool = False

    def rows(self, model: ReadModel, wanted: Wanted, **parameters: Any) -> Rows:
        """The rows wanted, and how many meet the conditions.

        Raises:
            UsageError: an unknown column or operator, or a page that is too long.
        """
        if wanted.limit > LONGEST_PAGE or wanted.offset < 0:
            raise UsageError(f"rows: expected at most {LONGEST_PAGE} at a time, from row 0 on")
        where, bound = self._where(wanted.conditions)
        bound |= parameters
        order = self._order(wanted.order)
        counted = ", count(*) OVER () AS _total" if self.sums else ""
        frame = model.ask(
            f"SELECT *{counted} FROM ({self.sql}) WHERE {where} ORDER BY {order} "
            f"LIMIT {wanted.limit:d} OFFSET {wanted.offset:d}",
            **bound,
        )
        if self.sums and frame.height:
            return Rows(frame.drop("_total"), int(frame["_total"][0]))
        total = model.one(f"SELECT count(*) AS n FROM ({self.sql}) WHERE {where}", **bound)
        return Rows(frame.drop("_total", strict=False), int(total["n"]) if total else 0)

    def all_rows(self, model: ReadModel, wanted: Wanted, **parameters: Any) -> pl.DataFrame:
        """Every row that meets the conditions, in the order wanted, for an export."""
        where, bound = self._where(wanted.conditions)
        return model.ask(
            f"SELECT * FROM ({self.sql}) WHERE {where} ORDER BY {self._order(wanted.order)}",
            **bound,
            **parameters,
        )

    def _known(self, column: str) -> str:
        if column not in self.columns:
            raise UsageError.unknown("column", column, self.columns)
        return f'"{column}"'

    def _order(self, order: Sequence[tuple[str, bool]]) -> str:
        asked = tuple(order) or self.first
        named = {column for column, _ in asked}
        terms = [f"{self._known(column)} {'DESC' if down else 'ASC'} NULLS LAST" for column, down in asked]
        terms += [f"{self._known(column)} ASC NULLS LAST" for column in self.key if column not in named]
        return ", ".join(terms)

    def _where(self, conditions: Sequence[Condition]) -> tuple[str, dict[str, Any]]:
        terms: list[str] = ["true"]
        bound: dict[str, Any] = {}
        for number, condition in enumerate(conditions):
            term, values = self._term(condition, f"_{number}")
            terms.append(term)
            bound |= values
        return " AND ".join(terms), bound

    def _term(self, condition: Condition, name: str) -> tuple[str, dict[str, Any]]:
        column, kind = self._known(condition.column), self.columns[condition.column]
        values, operator = condition.values, condition.operator
        if operator in ("empty", "filled"):
            return f"{column} IS {'NOT ' if operator == 'filled' else ''}NULL", {}
        if operator in ("any_of", "none_of"):
            listed = f"{column} IN (SELECT unnest(${name}::VARCHAR[]))"
            # Of nothing known it cannot be said that it is one of them.
            term = listed if operator == "any_of" else f"NOT coalesce({listed}, false)"
            return term, {name: [str(value) for value in values]}
        if operator == "lists":
            return _LISTED.format(column=column, name=name), {name: [str(value) for value in values]}
        text = kind == "text" or operator in _SEARCHED
        shown = f"lower({column}::VARCHAR)" if text else column
        typed = {"text": "lower({}::VARCHAR)", "number": "{}::DOUBLE", "instant": "{}::TIMESTAMP"}
        as_value = "lower({}::VARCHAR)" if text else typed[kind]
        if operator == "between":
            low, high = values
            first, last = as_value.format(f"${name}a"), as_value.format(f"${name}b")
            return f"{shown} BETWEEN {first} AND {last}", {f"{name}a": low, f"{name}b": high}
        value = as_value.format(f"${name}")
        if operator in _SEARCHED:
            return _SEARCHED[operator].format(column=shown, value=value), {name: values[0]}
        if operator in _COMPARED:
            return f"{shown} {_COMPARED[operator]} {value}", {name: values[0]}
        raise UsageError.unknown("operator", operator, OPERATORS)
