"""The catalogue of queries: SQL files whose front matter says what they are, when they run, what bounds them.

A file begins with a comment from `/* ---` to `--- */` that holds YAML; the rest is one SELECT. The name is
the file's name, the folder is the typology. Shipped queries and those of a workspace obey the same rules.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any, Literal, get_args
from zoneinfo import available_timezones

import yaml
from cronsim import CronSim, CronSimError
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from finpat.errors import QueryError, UsageError, nearest
from finpat.scheduled.parameters import Parameter

Format = Literal["csv", "json", "parquet", "xlsx"]
FORMATS: tuple[str, ...] = get_args(Format)
NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
OPENING, CLOSING = "/* ---", "--- */"
Words = Annotated[str, Field(min_length=3)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Output(_Part):
    """One file that a due run writes."""

    format: Format = Field(description="`csv`, `json`, `parquet` or `xlsx`.")
    rows: Literal["all", "new"] = Field(
        "all", description="`new`: only rows whose grain the run before on this schedule did not give."
    )


class FrontMatter(_Part):
    """What a query's file says of itself."""

    name: str = Field(description="The file's name without `.sql`.")
    title: Words = Field(description="What a row is, in one line.")
    owner: Words = Field(description="Team that answers for the query.")
    schedule: str | None = Field(
        None, description="Cron expression of five fields; none: the query is run by hand only."
    )
    zone: str = Field("UTC", description="IANA time zone of the schedule and of days in parameters.")
    catch_up: Literal["all", "last"] = Field(
        "all",
        description="Missed slots: `all` run, in order; `last`: only the newest, the others are skipped.",
    )
    params: dict[str, Parameter] = Field(
        default_factory=dict, description="Typed parameters, `$name` in the SQL."
    )
    grain: tuple[str, ...] = Field(
        min_length=1, description="Columns that name a row; unique in the result, and never empty."
    )
    max_rows: int = Field(10_000, ge=1, le=1_000_000, description="Rows kept; more are cut, and it is said.")
    timeout_s: int = Field(60, ge=1, le=3600, description="Seconds after which the statement is stopped.")
    memory_mb: int = Field(1024, ge=64, le=16_384, description="Memory that the statement may take.")
    outputs: tuple[Output, ...] = Field(
        (Output(format="csv"),), min_length=1, description="Files of a due run."
    )
    reveals: tuple[str, ...] = Field(
        (), description="Columns of personal data that the query reads, e.g. `accounts.phone`."
    )
    reveal_reason: str | None = Field(None, description="Why they must be read; goes with `reveals`.")
    source: Words = Field(description="Rule, guidance or paper that the question comes from.")
    runbook: tuple[Words, ...] = Field(min_length=1, description="What to do with a row, step by step.")

    @field_validator("name")
    @classmethod
    def _is_a_name(cls, value: str) -> str:
        if not NAME.fullmatch(value):
            raise ValueError("expected small letters, digits and underscores, such as funnel_accounts")
        return value

    @field_validator("schedule")
    @classmethod
    def _is_cron(cls, value: str | None) -> str | None:
        if value is None:
            return None
        if len(value.split()) != 5:
            raise ValueError("expected five fields: minute, hour, day of month, month, day of week")
        try:
            next(CronSim(value, datetime(2026, 1, 1)))
        except (CronSimError, StopIteration) as error:
            raise ValueError(f"no due time follows from it ({error or 'never due'})") from None
        return value

    @field_validator("zone")
    @classmethod
    def _zone_exists(cls, value: str) -> str:
        if value not in available_timezones():
            raise ValueError(f"no such time zone.{nearest(value, available_timezones())}")
        return value

    @field_validator("outputs", mode="before")
    @classmethod
    def _short_form(cls, value: Any) -> Any:
        """`csv` stands for {format: csv}, `csv new` for {format: csv, rows: new}."""
        if not isinstance(value, list):
            return value
        return [_output(item) if isinstance(item, str) else item for item in value]

    @field_validator("runbook", mode="before")
    @classmethod
    def _one_step(cls, value: Any) -> Any:
        return [value] if isinstance(value, str) else value

    @model_validator(mode="after")
    def _whole(self) -> FrontMatter:
        if self.schedule is not None:
            open_ = [name for name, parameter in self.params.items() if parameter.default is None]
            if open_:
                raise ValueError(f"params: {open_[0]} has no default, so the query cannot run on a schedule")
        if bool(self.reveals) != bool((self.reveal_reason or "").strip()):
            raise ValueError("reveals and reveal_reason go together: personal data is read for a reason only")
        twice = {(item.format, item.rows) for item in self.outputs}
        if len(twice) < len(self.outputs):
            raise ValueError("outputs: the same file twice")
        return self


def _output(text: str) -> dict[str, str]:
    format_, _, rows = text.partition(" ")
    return {"format": format_} | ({"rows": rows.strip()} if rows else {})


@dataclass(frozen=True)
class Query:
    """One query: its front matter, and the file's whole text, which is valid SQL."""

    path: Path
    text: str
    front: FrontMatter
    is_shipped: bool

    @property
    def name(self) -> str:
        """Its name, which is the file's."""
        return self.front.name

    @property
    def typology(self) -> str:
        """The folder that it lies in."""
        return self.path.parent.name

    @property
    def place(self) -> str:
        """Folder and file, as messages name it."""
        return f"{self.typology}/{self.path.name}"

    @cached_property
    def text_sha256(self) -> str:
        """Hash of the file's text: which version of the query answered."""
        return sha256(self.text.encode("utf-8")).hexdigest()

    def line_at(self, position: int) -> int:
        """Line of the file at a byte position of its text."""
        return self.text.encode("utf-8")[:position].count(b"\n") + 1


@dataclass(frozen=True)
class Catalogue:
    """All queries by name; `broken`: what is wrong with each file that cannot be used, by its name.

    One broken file stops nobody else's queries.
    """

    queries: Mapping[str, Query]
    broken: Mapping[str, QueryError]

    def __iter__(self) -> Iterator[Query]:
        return iter(self.queries.values())

    def __len__(self) -> int:
        return len(self.queries)

    def get(self, name: str) -> Query:
        """The query called `name`.

        Raises:
            QueryError: its file cannot be used.
            UsageError: there is none; the message gives the nearest name.
        """
        if name in self.broken:
            raise self.broken[name]
        if name not in self.queries:
            raise UsageError.unknown("query", name, self.queries)
        return self.queries[name]


def shipped_folder() -> Path:
    """Where the shipped queries are: inside the installed package, else at the top of the checkout.

    Raises:
        UsageError: neither place has them.
    """
    package = Path(__file__).resolve().parents[1]
    for folder in (package / "_bundle" / "queries", package.parent / "queries"):
        if folder.is_dir():
            return folder
    raise UsageError("the shipped queries are missing from this installation; install finpat anew")


def query_files(folder: Path) -> list[Path]:
    """Files of queries in a folder and the folders of it, in order of their names."""
    return sorted((*folder.glob("*.sql"), *folder.glob("*/*.sql"))) if folder.is_dir() else []


def read_catalogue(own: Path | None = None, shipped: Path | None = None) -> Catalogue:
    """The shipped queries and those of the workspace's own folder; of two of one name the first stays."""
    found: dict[str, Query] = {}
    broken: dict[str, QueryError] = {}
    folders = [(shipped or shipped_folder(), True)] + ([(own, False)] if own else [])
    for folder, is_shipped in folders:
        for path in query_files(folder):
            try:
                query = read_query(path, is_shipped=is_shipped)
                if query.name in found:
                    other = found[query.name].path
                    raise QueryError.at(path, _line_of(query.text, "name"), f"{other} has this name already")
                found[query.name] = query
            except QueryError as error:
                broken[path.stem if path.stem not in found else str(path)] = error
    return Catalogue(dict(sorted(found.items())), broken)


def read_query(path: Path, *, is_shipped: bool = False) -> Query:
    """One query's file.

    Raises:
        QueryError: it cannot be read, or its front matter cannot be used: file, line, key and the nearest
            right one.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise QueryError(f"{path}: cannot be read as UTF-8 text: {error}") from None
    front = parse_front_matter(text, path)
    if front.name != path.stem:
        raise QueryError.at(
            path, _line_of(text, "name"), f"name is {front.name!r}, the file's name is {path.stem!r}"
        )
    return Query(path, text, front, is_shipped)


def _line_of(text: str, key: str) -> int:
    for number, line in enumerate(text.splitlines(), start=1):
        if line.startswith(f"{key}:"):
            return number
    return 1


def parse_front_matter(text: str, path: Path) -> FrontMatter:
    """What a query's text says of itself.

    Raises:
        QueryError: naming file, line and key of the first thing that cannot be used.
    """
    lines = text.splitlines()
    if not lines or lines[0].strip() != OPENING:
        raise QueryError.at(path, 1, f"expected {OPENING!r}: a query begins with its front matter")
    ends = [number for number, line in enumerate(lines) if line.strip() == CLOSING]
    if not ends:
        raise QueryError.at(path, len(lines), f"the front matter has no end; expected a line {CLOSING!r}")
    head = "\n".join(lines[1 : ends[0]])
    try:
        tree = yaml.compose(head, Loader=yaml.SafeLoader)
        values = yaml.safe_load(head)
    except yaml.MarkedYAMLError as error:
        line = (error.problem_mark.line if error.problem_mark else 0) + 2
        raise QueryError.at(path, line, f"no valid YAML: {error.problem}") from None
    if not isinstance(tree, yaml.MappingNode):
        raise QueryError.at(path, 2, "expected keys and values, such as `title: Accounts with ...`")
    places = dict(_places(tree, path))
    try:
        return FrontMatter.model_validate(values)
    except ValidationError as error:
        raise _told(error, places, path) from None


Location = tuple[str | int, ...]


def _places(node: yaml.Node, path: Path, at: Location = ()) -> Iterator[tuple[Location, int]]:
    """(location, line of the file) of every key and item of the front matter.

    Raises:
        QueryError: a key stands there twice, of which YAML would silently take the last.
    """
    if isinstance(node, yaml.MappingNode):
        seen = set()
        for key, value in node.value:
            line = key.start_mark.line + 2  # the opening stands above, and lines count from 1
            if key.value in seen:
                raise QueryError.at(path, line, f"{key.value!r} stands there twice")
            seen.add(key.value)
            yield (*at, key.value), line
            yield from _places(value, path, (*at, key.value))
    elif isinstance(node, yaml.SequenceNode):
        for number, item in enumerate(node.value):
            yield (*at, number), item.start_mark.line + 2
            yield from _places(item, path, (*at, number))


def _told(error: ValidationError, places: Mapping[Location, int], path: Path) -> QueryError:
    """The first thing that pydantic found, as one line."""
    first = error.errors()[0]
    location: Location = first["loc"]
    line = next(
        (places[location[:length]] for length in range(len(location), 0, -1) if location[:length] in places),
        2,
    )
    where = ".".join(str(part) for part in location) or "front matter"
    if first["type"] == "extra_forbidden":
        known = Parameter.model_fields if location[0] == "params" else FrontMatter.model_fields
        known = Output.model_fields if location[0] == "outputs" else known
        return QueryError.at(path, line, f"unknown key {where!r}.{nearest(str(location[-1]), known)}")
    if first["type"] == "missing":
        return QueryError.at(path, line, f"{where} is missing")
    if first["type"] == "literal_error":
        expected = first["ctx"]["expected"]
        hint = nearest(str(first["input"]), [word.strip(" '") for word in re.split(",| or ", expected)])
        return QueryError.at(path, line, f"{where} = {first['input']!r}: expected {expected}.{hint}")
    reason = first["msg"].removeprefix("Value error, ")
    shown = "" if isinstance(first["input"], dict) else f" = {first['input']!r}"
    return QueryError.at(path, line, f"{where}{shown}: {reason}")
