"""Typed parameters of a query: declared in its front matter, bound by name, never pasted into the SQL."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, model_validator

from finpat.errors import QueryError, nearest

Type = Literal["date", "instant", "int", "decimal", "text", "flag"]
TODAY = "today"  # default of days and instants: the due time
# What DuckDB binds each type as; `_value` gives the Python value of it.
DUCKDB_TYPES: Mapping[str, str] = {
    "date": "DATE",
    "instant": "TIMESTAMP",
    "int": "INTEGER",
    "decimal": "DECIMAL",
    "text": "VARCHAR",
    "flag": "BOOLEAN",
}
_EXPECTED = {
    "date": "a day such as 2026-03-31",
    "instant": "an instant such as 2026-03-31T12:00Z",
    "int": "a whole number",
    "decimal": "a number such as 0.05",
    "text": "text",
    "flag": "true or false",
}
_FLAGS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
_INTEGERS = range(-(2**31), 2**31)  # DuckDB's to_days() and date arithmetic take INTEGER

Bound = date | datetime | int | Decimal | str | bool


class Parameter(BaseModel):
    """One parameter of a query."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    type: Type = Field(description="`date`, `instant` (UTC), `int`, `decimal`, `text` or `flag`.")
    default: Any = Field(
        None,
        description="Value where none is given. `today`, for days and instants: the due time on a schedule; "
        "by hand the instant up to which the run that is read has data.",
    )
    doc: str = Field("", description="What it does.")
    choices: tuple[str, ...] = Field((), description="The texts that are allowed; empty: any.")
    least: Decimal | None = Field(None, description="Smallest number that is allowed.")

    @model_validator(mode="after")
    def _default_fits(self) -> Parameter:
        if self.default is not None and not (self.default == TODAY and self.type in ("date", "instant")):
            try:
                self.parse(self.default)
            except ValueError as error:
                raise ValueError(f"default {self.default!r}: {error}") from None
        return self

    def parse(self, given: Any) -> Bound:
        """A given value as the parameter's type.

        Raises:
            ValueError: it is none of the type, or not allowed.
        """
        try:
            value = _value(self.type, given)
        except (ValueError, InvalidOperation):
            raise ValueError(f"expected {_EXPECTED[self.type]}") from None
        if self.choices and value not in self.choices:
            raise ValueError(f"expected one of {', '.join(self.choices)}.{nearest(str(value), self.choices)}")
        if self.least is not None and isinstance(value, int | Decimal) and value < self.least:
            raise ValueError(f"expected {self.least} or more")
        return value


def _value(type_: str, given: Any) -> Bound:
    text = str(given).strip()
    if type_ == "date":
        return date.fromisoformat(text)
    if type_ == "instant":
        moment = datetime.fromisoformat(text)
        return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment
    if type_ == "int":
        number = int(text)
        if number not in _INTEGERS:
            raise ValueError
        return number
    if type_ == "decimal":
        exact = Decimal(text)
        if not exact.is_finite():
            raise ValueError
        return exact
    if type_ == "flag":
        if text.lower() not in _FLAGS:
            raise ValueError
        return _FLAGS[text.lower()]
    return str(given)


def bind(
    declared: Mapping[str, Parameter], given: Mapping[str, Any], due: datetime, zone: str
) -> dict[str, Bound]:
    """A value for every declared parameter, by name.

    due: the instant (naive UTC) that `today` stands for; as a day, the one it has in `zone`.

    Raises:
        QueryError: a name that is not declared, a value that does not fit, or none and no default.
    """
    for name in given:
        if name not in declared:
            known = f" It takes {', '.join(sorted(declared))}." if declared else " It takes none."
            raise QueryError(f"no parameter {name!r}.{nearest(name, declared) or known}")
    bound: dict[str, Bound] = {}
    for name, parameter in declared.items():
        value = given.get(name, parameter.default)
        if value is None:
            raise QueryError(f"parameter {name} has no default: expected {_EXPECTED[parameter.type]}")
        if value == TODAY and parameter.type in ("date", "instant"):
            local = due.replace(tzinfo=UTC).astimezone(ZoneInfo(zone))
            bound[name] = due if parameter.type == "instant" else local.date()
            continue
        try:
            bound[name] = parameter.parse(value)
        except ValueError as error:
            raise QueryError(f"parameter {name} = {value!r}: {error}") from None
    return bound
