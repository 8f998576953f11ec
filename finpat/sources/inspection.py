"""What an unknown file looks like: its layout, a proposed mapping, and what only a person can answer.

A question is asked where the whole file leaves something open (day or month first, decimal mark, sign, zone,
currency, whose account it is); nothing is guessed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import polars as pl

from finpat.config import Settings
from finpat.errors import AmbiguousSourceError
from finpat.money import is_iso_currency
from finpat.schemas import TABLES
from finpat.sources.amounts import SYMBOLS
from finpat.sources.convert import CREDIT_WORDS, DEBIT_WORDS, STATUS_WORDS
from finpat.sources.dates import DateOrders, find_formats, has_clock, has_zone
from finpat.sources.delimited import LINE
from finpat.sources.mapping import TICKERS, Dialect, Mapping, load_mapping, parse_mapping, to_toml
from finpat.sources.reading import columns_of, detect_mapping, in_small_pieces, layout_of, read_pieces
from finpat.sources.source import Source, open_source
from finpat.sources.words import CHANNEL_WORDS, HEADERS, TOTALS, folded, header_score

_SAMPLES = 3
_ACCOUNT = re.compile(
    r"(?i)(?:account|konto|kontonummer|compte|cuenta|conto|rekening|ucet|účet|iban|a/c|acct)[^\d\n]{0,40}?"
    r"([A-Z]{2}\d{2}[A-Z0-9 ]{10,30}|\d[\d /.-]{4,30}\d)"
)
_CURRENCY = re.compile(
    r"(?i)(?:currency|währung|waehrung|devise|moneda|valuta|munt|měna|mena|ccy)\W{1,10}([A-Z]{3})\b"
)
_NUMBER = re.compile(r"\d[\d.,'’ \u00a0\u202f]*\d|\d|[.,]\d+")


@dataclass(frozen=True)
class Question:
    """Something that the file leaves open. `option` is the mapping's key that settles it."""

    option: str
    text: str
    choices: tuple[str, ...] = ()


@dataclass(frozen=True)
class ColumnProposal:
    """A source column, what it seems to be (None: a further column), how sure, and some values."""

    name: str
    canonical: str | None
    confidence: float
    samples: tuple[str, ...]


@dataclass(frozen=True)
class Inspection:
    """The proposal for one file. `draft` is the mapping as plain values, complete but for the questions."""

    source: Source
    table: str
    layout: dict[str, str]
    columns: tuple[ColumnProposal, ...]
    questions: tuple[Question, ...]
    draft: dict[str, Any]
    ready: str | None = None
    notes: tuple[str, ...] = field(default=())

    def mapping(self, answers: dict[str, Any] | None = None) -> Mapping:
        """The proposed mapping, with answers to its questions by option ("time.zone": "Europe/Berlin").

        Raises:
            AmbiguousSourceError: a question is open; the message names the option that settles it.
            SourceError: an answer cannot be used.
        """
        answers = answers or {}
        names = [column.name for column in self.columns]
        if self.ready is not None:
            return with_answers(load_mapping(self.ready, self.table), answers, names, str(self.source.path))
        settled = set(answers)
        if {"columns.credit", "columns.debit"} <= settled:
            settled |= {"columns.amount", "amount.sign"}
        open_questions = [question for question in self.questions if question.option not in settled]
        if open_questions:
            first = open_questions[0]
            more = (
                f" ({len(open_questions) - 1} more: finpat inspect shows them)" if open_questions[1:] else ""
            )
            raise AmbiguousSourceError(
                f"{self.source.path}: {first.text}; state {first.option} in a mapping "
                f"(finpat inspect --write){more}"
            )
        return parse_mapping(_answered(self.draft, answers, names), str(self.source.path))

    def to_toml(self) -> str:
        """The mapping as TOML for review; open questions are comments at its head."""
        if not self.questions:
            return to_toml(self.mapping())
        asked = []
        for question in self.questions:
            choices = f" One of: {', '.join(question.choices)}." if question.choices else ""
            asked.append(f"# To settle: {question.text}. Key: {question.option}.{choices}")
        return "\n".join(asked) + "\n\n" + _draft_toml(self.draft)


def with_answers(mapping: Mapping, answers: dict[str, Any], columns: Sequence[str], origin: str) -> Mapping:
    """The mapping with keys set by option ("time.zone": "Europe/Berlin"); columns: those of the file.

    Raises:
        SourceError: an answer cannot be used; `origin` is what the message calls the mapping.
    """
    if not answers:
        return mapping
    draft = mapping.model_dump(mode="json", exclude_defaults=True)
    return parse_mapping(_answered(draft, answers, columns), origin)


def _answered(draft: dict[str, Any], answers: dict[str, Any], columns: Sequence[str]) -> dict[str, Any]:
    draft = json.loads(json.dumps(draft))
    for option, value in answers.items():
        place = draft
        *outer, last = option.split(".", 2 if option.startswith("values.") else -1)
        for part in outer:
            place = place.setdefault(part, {})
        if outer == ["columns"] and isinstance(value, str) and value not in columns:
            value = {"constant": value}  # no column is called so: it is the value itself
        if option == "time.formats" and isinstance(value, str):
            value = json.loads(value) if value.startswith("[") else [value]
        place[last] = value
    return draft


def inspect_source(path: Path | str, table: str | None = None) -> Inspection:
    """Look at a file and propose how to read it.

    table: the canonical table it holds; None: found by its columns, transactions where nothing says.

    Raises:
        SourceError: the file is missing, damaged or of no kind that finpat reads.
    """
    source = open_source(path)
    for candidate in [table] if table else list(TABLES):
        ready = detect_mapping(source, candidate)
        if ready is not None:
            return _ready(source, ready)
    return _proposed(source, table or "transactions")


def propose_mapping(source: Source, table: str) -> Mapping:
    """The ready mapping that fits, else the proposed one.

    Raises:
        AmbiguousSourceError: the file leaves something open that the user has to settle.
    """
    ready = detect_mapping(source, table)
    return ready if ready is not None else _proposed(source, table).mapping()


def _proposed(source: Source, table: str) -> Inspection:
    if source.kind == "qif" and table == "transactions":
        return _quicken(source)
    return _Proposal(source, table).inspection()


def _quicken(source: Source) -> Inspection:
    """The mapping of QIF, less what the file does not state: currency, account, day or month first."""
    mapping = load_mapping("qif")
    found = _ready(source, mapping)
    draft = mapping.model_dump(mode="json", exclude_defaults=True) | {
        "name": re.sub(r"\W+", "_", source.path.stem).strip("_").lower() or "qif",
        "columns": {key: origin.source[0] for key, origin in mapping.columns.items() if key != "currency"},
    }
    questions = []
    dates: set[str] = set()
    has_account = False
    for piece in read_pieces(source, mapping.dialect, in_small_pieces(Settings()), None):
        dates.update(piece.frame["booked_at"].drop_nulls())
        has_account |= piece.frame["account_id"].is_not_null().any()
    orders = find_formats(dates, 0.9)
    if orders.ambiguous:
        both = (json.dumps(list(orders.day_first)), json.dumps(list(orders.month_first)))
        text = "every date can be read with the day or the month first"
        questions.append(Question("time.formats", text, both))
    questions.append(Question("columns.currency", 'QIF states no currency; e.g. { constant = "EUR" }'))
    if not has_account:
        del draft["columns"]["account_id"]
        text = 'no !Account record says whose account this is; e.g. { constant = "the account number" }'
        questions.append(Question("columns.account_id", text))
    return replace(found, ready=None, questions=tuple(questions), draft=draft)


def _layout(source: Source, dialect: Dialect) -> dict[str, str]:
    described = {"kind": source.kind, "encoding": source.encoding, "compression": source.compression}
    if source.kind == "delimited":
        layout = layout_of(source, dialect)
        names = {"\t": "tab", ",": "comma", ";": "semicolon", "|": "bar"}
        described["delimiter"] = names.get(layout.delimiter, layout.delimiter)
        described["header"] = f"line {layout.header_line}" if layout.header_line else "none"
        described["first row"] = f"line {layout.first_line}"
    return {key: value for key, value in described.items() if (value and value != "none") or key == "header"}


def _ready(source: Source, mapping: Mapping) -> Inspection:
    frame = next(read_pieces(source, mapping.dialect, in_small_pieces(Settings()))).frame
    read = {name.casefold(): key for key, origin in mapping.columns.items() for name in origin.source}
    columns = tuple(
        ColumnProposal(
            name, read.get(name.casefold()), 1.0 if name.casefold() in read else 0.0, _samples(frame[name])
        )
        for name in columns_of(source, mapping.dialect)
    )
    layout = _layout(source, mapping.dialect)
    return Inspection(source, mapping.table, layout, columns, (), {}, mapping.name, (mapping.doc,))


def _samples(column: pl.Series) -> tuple[str, ...]:
    return tuple(column.drop_nulls().cast(pl.String).unique(maintain_order=True).head(_SAMPLES).to_list())


class _Proposal:
    """Works out one file's draft, its questions and how sure each column is."""

    def __init__(self, source: Source, table: str) -> None:
        self.source = source
        self.table = table
        self.dialect = Dialect()
        self.frame = next(
            read_pieces(source, Dialect(short_rows="fill"), in_small_pieces(Settings()))
        ).frame.drop(LINE)
        self.totals = self._without_totals()
        self.texts = {
            name: [
                v.strip()
                for v in self.frame[name].cast(pl.String).drop_nulls().head(5000).to_list()
                if v.strip()
            ]
            for name in self.frame.columns
            if not self.frame.schema[name].is_nested()
        }
        self.header = source.kind != "delimited" or layout_of(source).header_line > 0
        self.letterhead = self._letterhead()
        self.orders = {name: self._orders(name) for name in self.texts}
        self.questions: list[Question] = []
        self.notes: list[str] = []
        self.draft: dict[str, Any] = {
            "name": re.sub(r"\W+", "_", source.path.stem).strip("_").lower(),
            "table": table,
        }
        self.found: dict[str, tuple[str, float]] = {}  # canonical key -> (source column, confidence)

    def _without_totals(self) -> list[str]:
        """Take rows of totals out of the sample; the words that they begin with."""
        if self.source.kind != "delimited" or not self.frame.width:
            return []
        first = self.frame.to_series(0).cast(pl.String).fill_null("")
        words = [word for word in first.unique().to_list() if folded(word.rstrip(":")) in TOTALS]
        self.frame = self.frame.filter(~first.is_in(words))
        return sorted(word.strip() for word in words)

    def _letterhead(self) -> str:
        if self.source.kind != "delimited":
            return ""
        layout = layout_of(self.source)
        until = (layout.header_line or layout.first_line) - 1
        return "\n".join(self.source.head().split("\n")[:until])

    def _orders(self, name: str) -> DateOrders:
        dtype = self.frame.schema[name]
        if dtype.is_temporal():
            return DateOrders(("typed",), ("typed",))
        if dtype.is_numeric():
            return DateOrders((), ())
        values = self.texts[name][:300]
        dated = [v for v in values if re.search(r"\d", v) and len(v) >= 6 and not _looks_numeric(v)]
        if len(dated) * 2 < len(values) or not dated:
            return DateOrders((), ())
        return find_formats(values, 0.8)

    def inspection(self) -> Inspection:
        if self.header:
            self._by_header()
        self._by_values()
        self._write_columns()
        columns = tuple(
            ColumnProposal(name, *self._proposal_of(name), _samples(self.frame[name]))
            for name in self.frame.columns
        )
        layout = _layout(self.source, self.dialect)
        return Inspection(
            self.source,
            self.table,
            layout,
            columns,
            tuple(self.questions),
            self.draft,
            None,
            tuple(self.notes),
        )

    def _proposal_of(self, name: str) -> tuple[str | None, float]:
        for key, (column, confidence) in self.found.items():
            if column == name:
                return key, round(confidence, 2)
        return None, 0.0

    # ----------------------------------------------------------------------------------- which column is what

    def _by_header(self) -> None:
        keys = list(HEADERS) if self.table == "transactions" else list(TABLES[self.table].names)
        scores: list[tuple[float, str, str]] = []
        for name in self.texts:
            for key in keys:
                if self.table == "transactions" or key in HEADERS:
                    score = header_score(name, key)
                else:
                    score = 1.0 if folded(name) == folded(key) else 0.0
                score *= self._fits(name, key)
                if score > 0.2:
                    scores.append((score, key, name))
        taken: set[str] = set()
        for score, key, name in sorted(scores, key=lambda s: (-s[0], keys.index(s[1]), s[2])):
            if key in self.found or name in taken:
                continue
            self.found[key] = (name, score)
            taken.add(name)
        if ("credit" in self.found) != ("debit" in self.found):
            self.found.pop("credit", None)
            self.found.pop("debit", None)
        if "credit" in self.found and "amount" in self.found:
            signed = any("-" in value or "(" in value for value in self.texts[self.found["amount"][0]])
            for key in ("credit", "debit") if signed else ("amount",):
                self.found.pop(key)
        if ("from_id" in self.found) != ("to_id" in self.found):
            self.found.pop("from_id", None)
            self.found.pop("to_id", None)
        if "from_id" in self.found:
            for key in ("account_id", "counterparty_id", "direction", "credit", "debit"):
                self.found.pop(key, None)
        if "direction" in self.found and not self._is_direction(self.found["direction"][0]):
            self.found.pop("direction")

    def _fits(self, name: str, key: str) -> float:
        """How well a column's values suit a canonical column, 0 to 1; an empty column suits any."""
        values = self.texts[name]
        if not values:
            return 0.6
        if key in ("booked_at", "posted_at", "paid_at"):
            return 1.0 if self.orders[name].day_first or self.orders[name].month_first else 0.0
        if key in ("amount", "credit", "debit", "balance_after"):
            return 1.0 if _share(values, _looks_numeric) > 0.7 else 0.0
        if key == "currency":
            return 1.0 if _share(values, _is_currency) > 0.7 else 0.0
        if key == "time":
            return 1.0 if _share(values, lambda v: bool(re.match(r"\d{1,2}[:.]\d\d", v))) > 0.8 else 0.0
        if key == "merchant_category":
            return 1.0 if _share(values, lambda v: bool(re.fullmatch(r"\d{4}", v))) > 0.7 else 0.0
        if key == "country":
            return 1.0 if _share(values, lambda v: bool(re.fullmatch(r"[A-Z]{2,3}", v))) > 0.7 else 0.1
        if key in ("account_id", "from_id", "to_id"):
            return 1.0 if _share(values, lambda v: bool(re.search(r"\d", v))) > 0.5 else 0.4
        if key == "counterparty_name":
            return 0.2 if _share(values, lambda v: bool(re.search(r"[^\W\d]", v))) < 0.3 else 1.0
        if key == "status":
            return 1.0 if _share(values, lambda v: v.casefold() in STATUS_WORDS) > 0.7 else 0.0
        if key == "transaction_id":
            return 1.0 if len(set(values)) == len(values) else 0.0
        return 1.0

    def _is_direction(self, name: str) -> bool:
        known = {*CREDIT_WORDS, *DEBIT_WORDS}
        words = {value.casefold() for value in self.texts[name]}
        return bool(words) and words <= known

    def _by_values(self) -> None:
        """Columns that their header does not name, by what stands in them."""
        if self.table != "transactions":
            return
        taken = {name for name, _ in self.found.values()}
        free = [name for name in self.texts if name not in taken and self.texts[name]]
        if "booked_at" not in self.found:
            dated = [name for name in free if self.orders[name].day_first or self.orders[name].month_first]
            if dated:
                self.found["booked_at"] = (dated[0], 0.8)
                free.remove(dated[0])
        if "currency" not in self.found:
            coded = [name for name in free if _share(self.texts[name], _is_currency) == 1.0]
            if coded:
                self.found["currency"] = (coded[0], 0.8)
                free.remove(coded[0])
        if not {"amount", "credit"} & self.found.keys():
            self._amount_by_values([name for name in free if _share(self.texts[name], _is_money) > 0.9])
            free = [name for name in free if name not in {column for column, _ in self.found.values()}]
        if "direction" not in self.found and "amount" in self.found and "from_id" not in self.found:
            worded = [name for name in self.texts if self._is_direction(name)]
            if worded:
                old = next((key for key, (name, _) in self.found.items() if name == worded[0]), None)
                if old in (None, "channel", "description", "transaction_id"):
                    self.found["direction"] = (worded[0], 0.8)
                    if old is not None:
                        self.found.pop(old)
        if "description" not in self.found and not self.header:
            lettered = [
                name
                for name in free
                if _share(self.texts[name], lambda v: bool(re.search(r"[^\W\d]{2}", v))) > 0.6
            ]
            if lettered:
                longest = max(
                    lettered, key=lambda name: sum(map(len, self.texts[name])) / len(self.texts[name])
                )
                self.found["description"] = (longest, 0.6)

        if "channel" not in self.found:
            taken = {name for name, _ in self.found.values()}
            worded = [name for name in self.texts if name not in taken and self.texts[name]]
            named = [(_share(self.texts[name], _names_channel), name) for name in worded]
            share, name = max(named, key=lambda found: found[0], default=(0.0, ""))
            if share > 0.6:
                self.found["channel"] = (name, 0.8 * share)

    def _channels(self) -> None:
        """The channels that the booking words of the file name; shown, since a person has to agree."""
        name = self.draft["columns"].get("channel")
        if not isinstance(name, str):
            return
        words = {word: CHANNEL_WORDS[folded(word)] for word in self.texts[name] if _names_channel(word)}
        words = {word: channel for word, channel in sorted(words.items()) if word.casefold() != channel}
        if words:
            self.draft["values"] = {"channel": words}
            told = ", ".join(f"{word!r} is {channel}" for word, channel in words.items())
            self.notes.append(f"channel: {told}")

    def _amount_by_values(self, money: list[str]) -> None:
        if not money:
            return
        signed = [name for name in money if any(re.search(r"^\(|-|\+", value) for value in self.texts[name])]
        if len(money) == 1 or len(signed) == 1:
            chosen = signed[0] if len(signed) == 1 else money[0]
            self.found["amount"] = (chosen, 0.7)
            rest = [name for name in money if name != chosen and self.texts[name]]
            if len(rest) == 1:
                self.found["balance_after"] = (rest[0], 0.5)
            return
        self.questions.append(
            Question(
                "columns.amount", f"several columns could hold the amount ({', '.join(money)})", tuple(money)
            )
        )

    # ----------------------------------------------------------------------------------- the draft

    def _write_columns(self) -> None:
        columns = {key: name for key, (name, _) in self.found.items()}
        if self.table != "transactions":
            for key in TABLES[self.table].required:
                if key not in columns:
                    self.questions.append(
                        Question(f"columns.{key}", f"which column is {key}", tuple(self.texts))
                    )
            self.draft["columns"] = columns
            self._dates("posted_at" if self.table == "ads" else "paid_at")
            return
        self.draft["columns"] = columns
        if "booked_at" not in columns:
            self.questions.append(Question("columns.booked_at", "no column holds dates", tuple(self.texts)))
        if not {"amount", "credit"} & columns.keys() and not any(
            q.option == "columns.amount" for q in self.questions
        ):
            self.questions.append(Question("columns.amount", "no column holds amounts", tuple(self.texts)))
        self._dates("booked_at")
        self._marks()
        self._currency()
        self._account()
        self._sign()
        self._channels()
        self._rows()

    def _dates(self, key: str) -> None:
        name = self.draft["columns"].get(key)
        if name is None:
            return
        orders = self.orders[name]
        if orders.day_first == ("typed",):
            timed = self.frame[name].dtype != pl.Date
            zoned = (
                isinstance(self.frame[name].dtype, pl.Datetime)
                and self.frame[name].dtype.time_zone is not None
            )
        else:
            time = self.draft["columns"].get("time")
            if time is not None:
                both = self.frame.select(pl.concat_str(name, time, separator=" ")).to_series().drop_nulls()
                orders = find_formats(both.head(300).to_list(), 0.8)
            orders = self._orders_of_whole(name, time, orders)
            if orders.ambiguous:
                self.questions.append(
                    Question(
                        "time.formats",
                        f"every date in {name!r} can be read with the day or the month first",
                        (json.dumps(list(orders.day_first)), json.dumps(list(orders.month_first))),
                    )
                )
            elif orders.formats:
                self.draft["time"] = {"formats": list(orders.formats)}
            forms = orders.day_first or orders.month_first
            timed = any(has_clock(form) for form in forms)
            zoned = all(has_zone(form) for form in forms)
        if timed and not zoned and not self._at_midnight(name):
            if re.search(r"(?i)\b(utc|gmt)\b", name):
                self.draft.setdefault("time", {})["zone"] = "UTC"
            else:
                self.questions.append(
                    Question(
                        "time.zone",
                        f"the times in {name!r} have no zone; whose clock is it, e.g. Europe/Berlin or UTC",
                    )
                )

    def _at_midnight(self, name: str) -> bool:
        return all(
            re.search(r"[T ]00[:.]00(?:[:.]00(?:\.0+)?)?$", value) for value in self.texts[name]
        ) and bool(self.texts[name])

    def _orders_of_whole(self, name: str, time: str | None, orders: DateOrders) -> DateOrders:
        """A sample may leave open what the whole file settles."""
        if not orders.ambiguous or self.source.kind != "delimited":
            return orders
        seen: set[str] = set()
        for piece in read_pieces(self.source, Dialect(short_rows="fill"), Settings()):
            columns = [name] if time is None else [name, time]
            values = (
                piece.frame.select(pl.concat_str(columns, separator=" ")).to_series().drop_nulls().unique()
            )
            seen.update(values.to_list())
            if len(seen) > 100_000 or not find_formats(seen, 0.9).ambiguous:
                break
        return find_formats(seen, 0.8)

    def _marks(self) -> None:
        keys = [key for key in ("amount", "credit", "debit", "balance_after") if key in self.draft["columns"]]
        names = [self.draft["columns"][key] for key in keys]
        values = [v for name in names if not self.frame.schema[name].is_numeric() for v in self.texts[name]]
        decimal, thousands = find_marks(values)
        if decimal is None:
            self.questions.append(
                Question(
                    "amount.decimal",
                    "amounts such as 1.234 or 1,234 can mean thousands or decimals",
                    (".", ","),
                )
            )
            return
        marks = {"decimal": decimal, "thousands": thousands}
        if (decimal, thousands) != (".", ""):
            self.draft["amount"] = {key: value for key, value in marks.items() if value}

    def _currency(self) -> None:
        columns = self.draft["columns"]
        if "currency" in columns:
            if self.texts[columns["currency"]]:
                return
            del columns["currency"]
        headers = [columns[key] for key in ("amount", "credit", "debit") if key in columns]
        codes = {
            code for name in headers for code in re.findall(r"\b([A-Z]{3})\b", name) if is_iso_currency(code)
        }
        for name in headers:
            for value in self.texts[name][:500]:
                symbol = re.sub(r"[\d\s.,'+()\-\u00a0\u202f]", "", value)
                known = SYMBOLS.get(symbol, ())
                if len(known) == 1 or symbol in ("£", "¥"):
                    codes.add(known[0] if symbol != "¥" else symbol)
                elif _is_currency(symbol):
                    codes.add(symbol)
        codes = {code for code in codes if len(code) >= 3}
        if not codes:
            codes = {
                code.upper() for code in _CURRENCY.findall(self.letterhead) if is_iso_currency(code.upper())
            }
        if len(codes) == 1:
            columns["currency"] = {"constant": codes.pop()}
        else:
            self.questions.append(
                Question(
                    "columns.currency",
                    'nothing says the currency; e.g. { constant = "EUR" }',
                    tuple(sorted(codes)),
                )
            )

    def _account(self) -> None:
        columns = self.draft["columns"]
        if "account_id" in columns or "from_id" in columns:
            name = columns.get("account_id")
            if name is None:
                return
            stated = self.frame[name].cast(pl.String).str.strip_chars()
            if (stated != "").sum() >= 0.99 * self.frame.height:
                return
            constants = set(self.texts[name])
            if len(constants) == 1:
                columns["account_id"] = {"constant": constants.pop()}
                return
        found = {match.strip() for match in _ACCOUNT.findall(self.letterhead)}
        if len(found) == 1:
            columns["account_id"] = {"constant": re.sub(r"\s+", "", found.pop())}
            return
        columns.pop("account_id", None)
        self.questions.append(
            Question(
                "columns.account_id",
                'nothing says whose statement this is; e.g. { constant = "the account number" }',
            )
        )

    def _sign(self) -> None:
        columns = self.draft["columns"]
        if "amount" not in columns or "from_id" in columns:
            return
        values = self.texts[columns["amount"]]
        negative = [bool(re.search(r"^\s*\(|[-\u2212]|(?i:\bdr\b)", value)) for value in values]
        direction = columns.get("direction")
        if not any(negative):
            if direction is None:
                self.questions.append(
                    Question(
                        "amount.sign",
                        "all amounts are positive and no column says in or out",
                        ("signed", "inverted"),
                    )
                )
            return
        sign = "signed"
        if direction is not None:
            rows = self.frame.select(
                pl.col(direction).cast(pl.String), pl.col(columns["amount"]).cast(pl.String)
            ).drop_nulls()
            credit_negative = [
                ("-" in amount or amount.lstrip().startswith("("))
                == (word.strip().casefold() in CREDIT_WORDS)
                for word, amount in rows.iter_rows()
            ]
            if credit_negative and sum(credit_negative) > 0.9 * len(credit_negative):
                sign = "inverted"
        columns.pop("direction", None)
        self.draft.setdefault("amount", {})["sign"] = sign

    def _rows(self) -> None:
        """Rows that continue the one above, and rows below the table."""
        columns = self.draft["columns"]
        dialect: dict[str, Any] = {}
        money = [columns[key] for key in ("amount", "credit", "debit") if isinstance(columns.get(key), str)]
        text = columns.get("description")
        if isinstance(columns.get("booked_at"), str) and isinstance(text, str) and money:
            bare = self.frame.select(
                pl.all_horizontal(
                    [pl.col(name).cast(pl.String).is_null() for name in [columns["booked_at"], *money]]
                )
                & pl.col(text).is_not_null()
            ).to_series()
            if bare.any() and not (self.source.kind != "delimited"):
                first = [str(v).strip() for v in self.frame[text].filter(bare).to_list()]
                if any(folded(value) not in TOTALS for value in first):
                    dialect["continuation"] = True
        if self.totals:
            dialect["footer"] = [f'^"?{re.escape(word)}' for word in self.totals]
        if dialect:
            self.draft["dialect"] = dialect


def find_marks(values: Iterable[str]) -> tuple[str | None, str]:
    """(decimal mark or None where it is open, thousands mark) of amounts as they are written."""
    decimal: set[str] = set()
    thousands: set[str] = set()
    open_marks: set[str] = set()
    for value in values:
        match = _NUMBER.search(value)
        if match is None:
            continue
        number = match.group().replace("’", "'")
        spaced = re.sub(r"[ \u00a0\u202f]", " ", number)
        if re.search(r"\d \d{3}\b", spaced):
            thousands.add(" ")
        if re.search(r"\d'\d{3}\b", number):
            thousands.add("'")
        marks = re.findall(r"[.,]", number)
        if not marks:
            continue
        last, digits = marks[-1], len(re.split(r"[.,]", number)[-1])
        if len(set(marks)) == 2:
            decimal.add(last)
            thousands.add("," if last == "." else ".")
        elif len(marks) > 1:
            thousands.add(last)
            decimal.add("," if last == "." else ".")
        elif (
            digits == 3
            and not re.match(r"^0?[.,]", number)
            and not ({"'", " "} & set(spaced.replace("’", "'")))
        ):
            open_marks.add(last)
        else:
            decimal.add(last)
    if len(decimal) == 1:
        mark = decimal.pop()
        other = "," if mark == "." else "."
        if other in open_marks:
            thousands.add(other)
        found = thousands - {mark}
        return mark, found.pop() if len(found) == 1 else ""
    if not decimal and not open_marks:
        found = thousands & {" ", "'"}
        return ".", found.pop() if len(found) == 1 else ""
    return None, ""


def _looks_numeric(value: str) -> bool:
    return bool(
        re.fullmatch(r"[-+(]?\s*\D{0,3}\s*[-+]?[\d.,'’ \u00a0\u202f]*\d[\d.,'’ \u00a0\u202f]*\D{0,4}", value)
    ) and not re.search(r"\d[/:-]\d|\d\.\d{1,2}\.\d", value)


def _is_money(value: str) -> bool:
    return _looks_numeric(value) and bool(re.search(r"[.,]\d", value) or value.strip() == "0")


def _is_currency(value: str) -> bool:
    return bool(re.fullmatch(r"[A-Z]{3,5}", value)) and (is_iso_currency(value) or value in TICKERS)


def _names_channel(value: str) -> bool:
    return folded(value) in CHANNEL_WORDS


def _share(values: list[str], test: Any) -> float:
    return sum(map(test, values)) / len(values) if values else 0.0


def _draft_toml(draft: dict[str, Any]) -> str:
    from finpat.sources.mapping import _key, _section, _toml

    lines = [f"{key} = {_toml(value)}" for key, value in draft.items() if not isinstance(value, dict)]
    lines += [
        "",
        "[columns]",
        *(f"{_key(key)} = {_toml(value)}" for key, value in draft.get("columns", {}).items()),
    ]
    for key, words in draft.get("values", {}).items():
        lines += _section(f"values.{key}", words)
    for title in ("dialect", "time", "amount"):
        lines += _section(title, draft.get(title, {}))
    return "\n".join(lines) + "\n"
