"""A mapping says how one export layout becomes a canonical table: a small TOML file, reviewed by a person.

Ready mappings lie in `finpat/sources/mappings`. Source columns are named as in the file's header; a file
without a header has the columns "1", "2", ... by position.
"""

from __future__ import annotations

import json
import re
import tomllib
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import available_timezones

import polars as pl
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from finpat.errors import SourceError, UsageError, nearest
from finpat.money import is_iso_currency
from finpat.schemas import TABLES, Table

FOLDER = Path(__file__).parent / "mappings"

# Keys of [columns] that are no canonical column but say how a source writes amounts, sides or times.
EXTRA_KEYS = {
    "transactions": {
        "credit": "Column with amounts into the account (two amount columns).",
        "debit": "Column with amounts out of the account (two amount columns).",
        "from_id": "Payer of a two-sided export.",
        "to_id": "Payee of a two-sided export.",
        "time": "Time of day, where `booked_at` has only the date.",
    },
    "ads": {"time": "Time of day, where `posted_at` has only the date."},
    "ad_payments": {"time": "Time of day, where `paid_at` has only the date."},
}


class Section(BaseModel):
    """A group of keys: unknown ones are refused, values never change after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Origin(Section):
    """Where a canonical column's value comes from: source columns or one constant for the file."""

    source: tuple[str, ...] = Field((), description="Source columns; the first that has a value counts.")
    join: str | None = Field(
        None, description="Put between the values of all `source` columns, which are then joined."
    )
    constant: str | None = Field(None, description="The same value in every row.")

    @model_validator(mode="after")
    def _one_of_both(self) -> Origin:
        if bool(self.source) == (self.constant is not None):
            raise ValueError("expected either source column(s) or a constant")
        return self


def _as_origin(value: Any) -> Any:
    if isinstance(value, str):
        return {"source": (value,)}
    if isinstance(value, list):
        return {"source": tuple(value)}
    if isinstance(value, dict) and isinstance(value.get("source"), str):
        return {**value, "source": (value["source"],)}
    return value


OriginField = Annotated[Origin, BeforeValidator(_as_origin)]


def _regex(value: str) -> str:
    try:
        pl.Series([""]).str.contains(value)
    except pl.exceptions.ComputeError as error:
        raise ValueError(f"not a regular expression (without look-around): {error}") from None
    return value


Pattern = Annotated[str, BeforeValidator(_regex)]


class Dialect(Section):
    """How the text is laid out. What is not stated is found in the file."""

    delimiter: str | None = Field(None, min_length=1, max_length=1, description="Character between fields.")
    quote: str = Field('"', min_length=1, max_length=1, description="Character around fields.")
    encoding: str | None = Field(None, description="Python codec, e.g. cp1252.")
    header_line: int | None = Field(
        None, ge=0, description="Line of the header, 1 for the first; 0: the file has none."
    )
    footer: tuple[Pattern, ...] = Field(
        (), description="A row whose text matches one of these ends the table."
    )
    continuation: bool = Field(
        False, description="A row without date and amount continues the description above it."
    )
    short_rows: Literal["reject", "fill"] = Field(
        "reject", description="What to do with a row that lacks last fields."
    )


class Detect(Section):
    """How the layout is recognised without being named."""

    kind: Literal["camt", "mt940", "ofx", "bai2"] | None = Field(
        None, description="Statement format that the file must have; absent: a table or a list of objects."
    )
    columns: tuple[str, ...] = Field((), description="Columns that must all be there.")
    values: dict[str, tuple[str, ...]] = Field(
        default_factory=dict, description="Per column: values of which at least one must occur."
    )
    patterns: dict[str, Pattern] = Field(
        default_factory=dict, description="Per column: a pattern that at least one value must match."
    )
    closed: bool = Field(False, description="No further columns may be there.")


class Time(Section):
    """How instants are written."""

    formats: tuple[str, ...] = Field(
        (), description="strptime formats, tried in order; empty: found in the file."
    )
    zone: str = Field("UTC", description="IANA zone of the clock that the source writes.")
    precision: Literal["auto", "second", "day"] = Field(
        "auto", description="`auto`: `day` if no row of the file has a time of day."
    )
    unit: Literal["us", "ms", "s", "min", "h", "d"] | None = Field(
        None, description="The column counts this unit since `origin`."
    )
    origin: datetime = Field(datetime(1970, 1, 1), description="Instant 0 of a column that counts.")

    @field_validator("zone")
    @classmethod
    def _zone_exists(cls, value: str) -> str:
        if value not in available_timezones():
            raise ValueError(f"no such time zone.{nearest(value, available_timezones())}")
        return value


class Amount(Section):
    """How amounts are written."""

    decimal: Literal[".", ","] = Field(".", description="Decimal mark.")
    thousands: Literal["", ".", ",", "'", " "] = Field(
        "", description="Mark between groups of three digits; a space stands for any kind of space."
    )
    sign: Literal["direction", "signed", "inverted"] = Field(
        "direction",
        description="`signed`: negative is money out; `inverted`: negative is money in (card statements); "
        "`direction`: amounts are positive and sides, direction or two columns tell.",
    )
    rounding: Literal["none", "half_even"] = Field(
        "none", description="What to do with more decimals than the currency holds: refuse the row, or round."
    )
    tickers: tuple[str, ...] = Field(
        (), description="Currency codes of this source that are neither ISO 4217 nor known."
    )

    @model_validator(mode="after")
    def _marks_differ(self) -> Amount:
        if self.decimal == self.thousands:
            raise ValueError("decimal and thousands are the same character")
        return self


class Sides(Section):
    """Which side of a two-sided row the institution holds."""

    turned: dict[str, tuple[str, ...]] = Field(
        default_factory=dict, description="Per source column: values for which payer and payee change places."
    )
    held: Literal["both", "from", "to"] = Field(
        "both", description="Side(s) that are accounts of the institution."
    )
    not_held: tuple[Pattern, ...] = Field(
        (), description="Ids that match are outside parties (merchants, other banks)."
    )
    cash: tuple[Pattern, ...] = Field((), description="Other ids that match stand for cash, not for a party.")
    from_outside: dict[str, tuple[str, ...]] = Field(
        default_factory=dict, description="Per source column: values for which the payer is an outside party."
    )
    to_outside: dict[str, tuple[str, ...]] = Field(
        default_factory=dict, description="Per source column: values for which the payee is an outside party."
    )


class Mapping(Section):
    """One layout of one canonical table."""

    name: str = Field(description="Its own name, as given to --mapping.")
    table: str = Field(description="Canonical table it makes.")
    doc: str = Field("", description="Where the layout comes from.")
    detect: Detect | None = Field(None, description="Absent: used only when named.")
    dialect: Dialect = Field(default_factory=Dialect, description="Layout of the text.")
    lenient: bool = Field(False, description="Optional columns may be absent from the file.")
    columns: dict[str, OriginField] = Field(description="Canonical column: source column(s), or a constant.")
    values: dict[str, dict[str, str]] = Field(
        default_factory=dict, description="Per canonical column: the source's word and what it stands for."
    )
    time: Time = Field(default_factory=Time, description="How instants are written.")
    amount: Amount = Field(default_factory=Amount, description="How amounts are written.")
    sides: Sides = Field(default_factory=Sides, description="Which side is held, for two-sided exports.")

    @property
    def schema_(self) -> Table:
        """The canonical table's declaration."""
        return TABLES[self.table]

    @property
    def two_sided(self) -> bool:
        """Whether a row names payer and payee."""
        return "from_id" in self.columns

    def source_columns(self) -> tuple[str, ...]:
        """Every source column that the mapping reads, once, in order."""
        named = [name for origin in self.columns.values() for name in origin.source]
        named += [*self.sides.turned, *self.sides.from_outside, *self.sides.to_outside]
        return tuple(dict.fromkeys(named))

    @field_validator("table")
    @classmethod
    def _table_exists(cls, value: str) -> str:
        if value not in TABLES:
            raise ValueError(f"no such table.{nearest(value, TABLES)}")
        return value

    @model_validator(mode="after")
    def _columns_fit(self) -> Mapping:
        known = {*self.schema_.names, *EXTRA_KEYS.get(self.table, {})}
        for key in [*self.columns, *self.values]:
            if key not in known:
                raise ValueError(f"the table {self.table} has no column {key!r}.{nearest(key, known)}")
        if self.table == "transactions":
            self._check_transactions()
        else:
            for name in self.schema_.required:
                if name not in self.columns:
                    raise ValueError(f"columns.{name} is missing")
        for column, words in self.values.items():
            choices = self.schema_.column(column).choices if column in self.schema_.names else ()
            for word in words.values():
                if choices and word not in choices:
                    raise ValueError(
                        f"values.{column}: {word!r} is none of {', '.join(choices)}.{nearest(word, choices)}"
                    )
        return self

    def _check_transactions(self) -> None:
        has = self.columns.keys()
        if "booked_at" not in has:
            raise ValueError("columns.booked_at is missing")
        if "currency" not in has:
            raise ValueError(
                'columns.currency is missing; a file in one currency states { constant = "EUR" }'
            )
        if ("from_id" in has) != ("to_id" in has):
            raise ValueError("columns.from_id and columns.to_id come together")
        if self.two_sided:
            clash = {"account_id", "direction", "counterparty_id", "credit", "debit"} & has
            if clash:
                raise ValueError(f"columns.{min(clash)} cannot stand beside from_id and to_id")
        elif "account_id" not in has:
            raise ValueError(
                'columns.account_id is missing; a statement of one account states { constant = "its number" }'
            )
        if ("credit" in has or "debit" in has) == ("amount" in has):
            raise ValueError("expected either columns.amount, or columns.credit and columns.debit")
        if ("credit" in has) != ("debit" in has):
            raise ValueError("columns.credit and columns.debit come together")
        if (
            "amount" in has
            and self.amount.sign == "direction"
            and not self.two_sided
            and "direction" not in has
        ):
            raise ValueError("nothing tells the direction: state columns.direction or amount.sign")
        currency = self.columns["currency"].constant
        if currency is not None and not (
            is_iso_currency(currency) or currency in {*TICKERS, *self.amount.tickers}
        ):
            raise ValueError(f"columns.currency: {currency!r} is no currency of ISO 4217 and no known ticker")


# Crypto tickers that are taken without being declared: those that exchange and wallet exports name most.
# Others go to quarantine until the mapping lists them in amount.tickers, so that a typing error in a currency
# never passes.
TICKERS = frozenset(
    "BTC XBT ETH ETC XRP LTC BCH BSV XMR ZEC DASH DOGE ADA DOT SOL TRX XLM EOS XTZ ATOM LINK UNI AVAX "
    "MATIC POL NEAR ALGO VET FIL ICP HBAR APT ARB OP SUI TON SHIB PEPE CRO BNB OKB LEO AAVE MKR COMP "
    "SNX CRV GRT SAND MANA AXS USDT USDC BUSD DAI TUSD USDP PYUSD FDUSD EURT EURC WBTC WETH STETH NEO "
    "IOTA KSM WAVES ZIL BAT SC DGB RVN ".split()
)


def parse_mapping(values: dict[str, Any], origin: str) -> Mapping:
    """A mapping from a parsed TOML document; `origin` is what messages call it.

    Raises:
        SourceError: naming the first key or value that cannot be used and the nearest right key.
    """
    try:
        return Mapping.model_validate(values)
    except ValidationError as error:
        # A misspelt key is also a missing one: the misspelling is the more useful word.
        first = min(error.errors(), key=lambda found: found["type"] != "extra_forbidden")
        where = ".".join(str(part) for part in first["loc"])
        if first["type"] == "extra_forbidden":
            hint = nearest(str(first["loc"][-1]), _keys_at(first["loc"]))
            raise SourceError(f"{origin}: unknown key {where!r}.{hint}") from None
        if first["type"] == "missing":
            raise SourceError(f"{origin}: the key {where!r} is missing") from None
        reason = first["msg"].removeprefix("Value error, ")
        shown = f"{where} = {first['input']!r}: " if where and not isinstance(first["input"], dict) else ""
        raise SourceError(f"{origin}: {shown}{reason}") from None


def _keys_at(location: tuple[int | str, ...]) -> list[str]:
    model: Any = Mapping
    for part in location[:-1]:
        field = model.model_fields.get(part) if isinstance(part, str) else None
        if field is None:
            return list(Origin.model_fields) if location[0] == "columns" else []
        inner = [
            kind
            for kind in (field.annotation, *getattr(field.annotation, "__args__", ()))
            if isinstance(kind, type)
        ]
        model = next((kind for kind in inner if issubclass(kind, BaseModel)), None)
        if model is None:
            return list(Origin.model_fields) if location[0] == "columns" else []
    return list(model.model_fields)


def read_mapping(path: Path) -> Mapping:
    """The mapping in a TOML file.

    Raises:
        SourceError: the file is missing, no TOML, or has a key or value that cannot be used.
    """
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SourceError(f"{path}: cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SourceError(f"{path}: not valid TOML: {error}") from None
    return parse_mapping({"name": path.stem, **values}, str(path))


@cache
def ready_mappings() -> dict[str, Mapping]:
    """The mappings that travel with finpat, by name."""
    return {path.stem: read_mapping(path) for path in sorted(FOLDER.glob("*.toml"))}


def load_mapping(name_or_file: str | Path, table: str | None = None) -> Mapping:
    """A ready mapping by name, or one from a TOML file.

    Raises:
        UsageError: no mapping or file is called so.
        SourceError: the file cannot be used, or makes another table than `table`.
    """
    ready = ready_mappings()
    path = Path(name_or_file)
    if str(name_or_file) in ready:
        mapping = ready[str(name_or_file)]
    elif path.suffix == ".toml" or path.exists():
        mapping = read_mapping(path)
    else:
        raise UsageError.unknown("mapping", str(name_or_file), ready)
    if table is not None and mapping.table != table:
        raise SourceError(
            f"the mapping {mapping.name} makes {mapping.table}, not {table}; say --as {mapping.table}"
        )
    return mapping


def to_toml(mapping: Mapping) -> str:
    """The mapping as a TOML document that `read_mapping` reads back; defaults are left out."""
    lines = [f"name = {_toml(mapping.name)}", f"table = {_toml(mapping.table)}"]
    if mapping.doc:
        lines.append(f"doc = {_toml(mapping.doc)}")
    if mapping.lenient:
        lines.append("lenient = true")
    if mapping.detect is not None:
        lines += _section("detect", mapping.detect.model_dump(exclude_defaults=True))
    lines += _section("dialect", mapping.dialect.model_dump(exclude_defaults=True))
    lines += ["", "[columns]"]
    for name, origin in mapping.columns.items():
        if origin.constant is not None or origin.join is not None:
            value: Any = origin.model_dump(exclude_none=True, exclude_defaults=True)
        else:
            value = origin.source[0] if len(origin.source) == 1 else origin.source
        lines.append(f"{_key(name)} = {_toml(value)}")
    for name, words in mapping.values.items():
        lines += _section(f"values.{name}", words)
    for title, part in (("time", mapping.time), ("amount", mapping.amount), ("sides", mapping.sides)):
        lines += _section(title, part.model_dump(exclude_defaults=True))
    return "\n".join(lines) + "\n"


def _section(title: str, values: dict[str, Any]) -> list[str]:
    return (
        ["", f"[{title}]", *(f"{_key(key)} = {_toml(value)}" for key, value in values.items())]
        if values
        else []
    )


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else _toml(name)


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{_key(key)} = {_toml(item)}" for key, item in value.items()) + " }"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_toml(item) for item in value) + "]"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, int):
        return str(value)
    return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")
