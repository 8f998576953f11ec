"""Rows of text -> typed canonical rows and rejects, by whole columns.

Every row ends in exactly one of the two. A reject names the first rule it breaks, in the order of the
columns.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from finpat.errors import SourceError, nearest
from finpat.money import decimals_of, is_iso_currency
from finpat.places import zone_of
from finpat.schemas import CASH, CHANNELS, Column
from finpat.sources.amounts import SYMBOLS, minor_of_floats, other_currency, plain_minor, plain_number, scaled
from finpat.sources.dates import has_zone, read_instants
from finpat.sources.delimited import LINE, RawPiece, Reject
from finpat.sources.mapping import TICKERS, Mapping, Origin

REJECTS = {
    "source_line": pl.Int64,
    "column": pl.String,
    "reason": pl.String,
    "message": pl.String,
    "raw": pl.String,
}
# Columns with few distinct words: Categorical in every batch, or (the second) where the file repeats them.
CODED = ("currency", "channel", "direction", "time_precision", "local_zone", "status")
OFTEN_CODED = ("merchant_category", "city", "country")
FIRST_YEAR, LAST_YEAR = 1900, 2199  # instants outside are typing errors or a wrong date format

# Words for money in and out, lower case, where the mapping gives none.
CREDIT_WORDS = (
    "credit", "cr", "c", "crdt", "cred", "in", "incoming", "+", "h", "haben", "gutschrift", "deposit",
    "received", "recv", "receive", "bij", "avere", "haber", "abono", "crédit", "kredit", "ind", "prijem",
    "příjem", "entrada",
)  # fmt: skip
DEBIT_WORDS = (
    "debit", "dr", "d", "dbit", "deb", "out", "outgoing", "-", "s", "soll", "lastschrift", "withdrawal",
    "sent", "send", "af", "dare", "debe", "cargo", "débit", "debet", "ud", "vydaj", "výdaj", "saída", "saida",
)  # fmt: skip

# Words for the state of a booking, lower case. Money that was only held or announced counts as pending.
STATUS_WORDS = {
    **dict.fromkeys(
        ("booked", "completed", "complete", "settled", "posted", "cleared", "success", "successful",
         "succeeded", "paid", "accepted", "executed", "done", "ok"), "booked"),
    **dict.fromkeys(
        ("pending", "processing", "in progress", "authorised", "authorized", "on hold", "held",
         "unclaimed", "scheduled"), "pending"),
    **dict.fromkeys(
        ("failed", "failure", "declined", "rejected", "refused", "denied", "cancelled", "canceled", "void",
         "voided", "expired"), "failed"),
    **dict.fromkeys(
        ("reversed", "reversal", "refunded", "chargeback", "charged back", "returned"), "reversed"),
}  # fmt: skip


@dataclass(frozen=True)
class Batch:
    """Some rows of a source: typed, or rejected; together every row that was read.

    rows: canonical columns of the table (docs/architecture.md), the same dtypes in every batch. rejects:
    source_line, column, reason,
    message, raw.
    notes: what a reader of the load's report should know, said once per file.
    """

    rows: pl.DataFrame
    rejects: pl.DataFrame
    source_rows: int
    notes: tuple[str, ...] = ()


@dataclass
class _Fault:
    """One rule that rows can break: `broken` is a Boolean column of the working frame."""

    column: str
    reason: str
    message: str
    broken: str
    shown: str | None = None  # column with the value to show


def rejects_frame(rejects: Iterable[Reject]) -> pl.DataFrame:
    """Rejects as a frame with the columns of Batch.rejects."""
    rows = [(r.line, r.column, r.reason, r.message, r.raw) for r in rejects]
    return pl.DataFrame(rows, schema=REJECTS, orient="row")


class Converter:
    """Turns the pieces of one file into batches.

    formats: strptime formats of instants. is_day: the file has no times of day. columns: those of the file.
    repetitive: those of few distinct values.

    Raises:
        SourceError: the mapping names a column that the file does not have.
    """

    def __init__(
        self,
        mapping: Mapping,
        columns: Sequence[str],
        *,
        origin: str,
        formats: Sequence[str] = (),
        is_day: bool = False,
        repetitive: Iterable[str] = (),
    ) -> None:
        self.mapping = mapping
        self.formats = tuple(formats) or mapping.time.formats
        self.is_day = is_day
        self.columns = tuple(columns)
        self.origins = resolve(mapping, columns, origin)
        self._known = {name.casefold().strip(): name for name in reversed(columns)}
        read = {name for key, o in self.origins.items() for name in o.source}
        self.read = read
        self.further = tuple(name for name in columns if name not in read)
        few = set(repetitive)
        self.coded = {*CODED, *(key for key in OFTEN_CODED if key in self.origins
                                and few.issuperset(self.origins[key].source))}  # fmt: skip
        self._zones: dict[tuple[str | None, str | None], str | None] = {}  # of the places seen so far

    def convert(self, piece: RawPiece) -> Batch:
        """The piece's rows and rejects. May be called for several pieces at a time."""
        frame = self.trimmed(piece)
        if self.mapping.table == "transactions":
            work, faults, output = self._transactions(frame)
        else:
            work, faults, output = self._plain(frame)
        return self._split(piece, work, faults, output)

    # --------------------------------------------------------------------------------------- columns of text

    def trimmed(self, piece: RawPiece) -> pl.DataFrame:
        """The piece with the columns that the mapping reads free of outer white space, null where empty."""
        if piece.is_trimmed:
            return piece.frame
        columns = []
        for name in self.read:
            column = piece.frame[name]
            if isinstance(column.dtype, (pl.Categorical, pl.Enum)):
                words = column.unique().drop_nulls().cast(pl.String)
                if not ((words != words.str.strip_chars()) | (words == "")).any():
                    columns.append(column.cast(pl.Categorical))
                    continue
            elif column.dtype != pl.String:
                continue
            text = pl.col(name).str.strip_chars()
            trimmed = column.cast(pl.String).to_frame().select(pl.when(text != "").then(text)).to_series()
            columns.append(trimmed.cast(column.dtype) if column.dtype == pl.Categorical else trimmed)
        return piece.frame.with_columns(columns)

    def _text(self, frame: pl.DataFrame, key: str) -> pl.Expr | None:
        """The text of a mapped column of a trimmed frame, null where empty; None where nothing is mapped."""
        origin = self.origins.get(key)
        if origin is None:
            return None
        if origin.constant is not None:
            text = pl.lit(origin.constant)
            return text.cast(pl.Categorical) if key in self.coded else text
        if len(origin.source) == 1 and key in self.coded and frame.schema[origin.source[0]] == pl.Categorical:
            return pl.col(origin.source[0])
        parts = [pl.col(name).cast(pl.String) for name in origin.source]
        if origin.join is not None:
            joined = pl.concat_str(parts, separator=origin.join, ignore_nulls=True)
            return pl.when(joined != "").then(joined)
        return parts[0] if len(parts) == 1 else pl.coalesce(parts)

    def _words(self, key: str, found: pl.Series, fallback: dict[str, str]) -> pl.Series:
        """The canonical word for each distinct source word, null where nothing says; Categorical."""
        words = {**fallback, **{word.casefold(): to for word, to in self.mapping.values.get(key, {}).items()}}
        return _replaced(found, lambda word: words.get(word.casefold()))

    # --------------------------------------------------------------------------------------- transactions

    def _transactions(self, frame: pl.DataFrame) -> tuple[pl.DataFrame, list[_Fault], list[pl.Expr]]:
        mapping = self.mapping
        skip = {"booked_at", "time", "amount", "credit", "debit", "balance_after", "time_precision"}
        texts = {key: self._text(frame, key) for key in self.origins if key not in skip}
        work = frame.select(LINE, **{key: expr for key, expr in texts.items() if expr is not None})
        work, faults = self._instant(frame, work, "booked_at")
        work = self._currency(work, faults)
        work = self._channel(frame, work)
        work = self._status(work, faults)
        if mapping.two_sided:
            work = self._sides(frame, work, faults)
        else:
            work = work.with_columns(mirrored=pl.lit(False))
            if mapping.sides.cash and "counterparty_id" in work.columns:
                work = work.with_columns(counterparty_id=_cash_as_one("counterparty_id", mapping.sides.cash))
        work = self._amount(frame, work, faults)
        if "balance_after" in self.origins:
            work = self._balance(frame, work, faults)
        if not mapping.two_sided:
            work = work.with_columns(_no_account=pl.col("account_id").is_null())
            faults.insert(0, _Fault("account_id", "missing_value", "no account", "_no_account"))
        work = self._local_zone(work)
        minor = {"amount": "amount_minor", "balance_after": "balance_after_minor"}
        order = [*(minor.get(name, name) for name in mapping.schema_.names), "mirrored", "local_zone"]
        if "transaction_id" not in work.columns:
            work = work.with_columns(transaction_id=pl.lit(None, pl.String))
        output = [
            pl.col(name).cast(pl.Categorical) if name in self.coded else pl.col(name)
            for name in order
            if name in work.columns
        ]
        return work, faults, output

    def _currency(self, work: pl.DataFrame, faults: list[_Fault]) -> pl.DataFrame:
        words = {symbol.casefold(): codes[0] for symbol, codes in SYMBOLS.items() if len(codes) == 1}
        stated = {word.casefold(): code for word, code in self.mapping.values.get("currency", {}).items()}
        known = {*TICKERS, *self.mapping.amount.tickers}

        def code_of(word: str) -> str | None:
            code = stated.get(word.casefold()) or words.get(word.casefold()) or word.upper()
            return code if is_iso_currency(code) or code in known else None

        found = work["currency"]
        work = work.with_columns(_currency_text=found, currency=_replaced(found, code_of))
        if work["currency"].null_count():
            work = work.with_columns(
                _no_currency=pl.col("_currency_text").is_null(),
                _bad_currency=pl.col("currency").is_null() & pl.col("_currency_text").is_not_null(),
            )
            faults.append(_Fault("currency", "missing_value", "no currency", "_no_currency"))
            faults.append(
                _Fault(
                    "currency",
                    "unknown_currency",
                    "no currency of ISO 4217 and no known ticker; list it in amount.tickers if it is right",
                    "_bad_currency",
                    "_currency_text",
                )
            )
        return work

    def _channel(self, frame: pl.DataFrame, work: pl.DataFrame) -> pl.DataFrame:
        if "channel" not in work.columns:
            return work.with_columns(channel=pl.lit("other").cast(pl.Categorical))
        found = work["channel"]
        canonical = {name: name for name in CHANNELS}
        meaning = self._words("channel", found, canonical)
        if meaning.null_count() > found.null_count():
            work = work.with_columns(_channel_text=pl.when(meaning.is_null()).then(found).cast(pl.String))
        if meaning.null_count():
            meaning = meaning.fill_null("other")
        return work.with_columns(channel=meaning)

    def _status(self, work: pl.DataFrame, faults: list[_Fault]) -> pl.DataFrame:
        if "status" not in work.columns:
            return work
        found = work["status"]
        meaning = self._words("status", found, STATUS_WORDS)
        work = work.with_columns(status=meaning)
        if meaning.null_count() > found.null_count():
            work = work.with_columns(_status_text=found, _bad_status=meaning.is_null() & found.is_not_null())
            faults.append(
                _Fault(
                    "status",
                    "unknown_status",
                    "none of the words for booked, pending, failed, reversed; state it under [values.status]",
                    "_bad_status",
                    "_status_text",
                )
            )
        return work

    def _sides(self, frame: pl.DataFrame, work: pl.DataFrame, faults: list[_Fault]) -> pl.DataFrame:
        sides = self.mapping.sides

        def outside(key: str, by_column: dict[str, tuple[str, ...]]) -> pl.Expr:
            return _matches(key, sides.not_held) | _matches(key, sides.cash) | self._says(frame, by_column)

        if sides.turned:
            turned = self._says(frame, sides.turned)
            work = work.with_columns(
                from_id=pl.when(turned).then("to_id").otherwise("from_id"),
                to_id=pl.when(turned).then("from_id").otherwise("to_id"),
            )
        from_id, to_id = pl.col("from_id"), pl.col("to_id")
        missing = from_id.is_null() | to_id.is_null()
        no_side = _Fault("account_id", "missing_value", "payer or payee is missing", "_no_side")
        if sides.held == "both" and not (
            sides.cash or sides.not_held or sides.from_outside or sides.to_outside
        ):  # every row stands for two legs
            faults.insert(0, no_side)
            return work.rename({"from_id": "account_id", "to_id": "counterparty_id"}).with_columns(
                mirrored=pl.lit(True),
                direction=pl.lit("debit").cast(pl.Categorical),
                _no_side=pl.col("account_id").is_null() | pl.col("counterparty_id").is_null(),
            )
        work = work.with_columns(
            _from=~outside("from_id", sides.from_outside)
            & from_id.is_not_null()
            & (sides.held in ("both", "from")),
            _to=~outside("to_id", sides.to_outside) & to_id.is_not_null() & (sides.held in ("both", "to")),
        )
        if sides.cash:
            work = work.with_columns(
                from_id=_cash_as_one("from_id", sides.cash, sides.not_held),
                to_id=_cash_as_one("to_id", sides.cash, sides.not_held),
            )
        held = pl.col("_from")
        work = work.with_columns(
            mirrored=held & pl.col("_to"),
            account_id=pl.when(held).then(from_id).otherwise(to_id),
            counterparty_id=pl.when(held).then(to_id).otherwise(from_id),
            direction=pl.when(held).then(pl.lit("debit")).otherwise(pl.lit("credit")),
        )
        work = work.with_columns(_no_side=missing, _none_held=~missing & ~pl.col("_from") & ~pl.col("_to"))
        faults.insert(0, no_side)
        faults.insert(
            1,
            _Fault(
                "account_id", "no_held_account", "neither side is an account of the institution", "_none_held"
            ),
        )
        return work

    def _says(self, frame: pl.DataFrame, by_column: dict[str, tuple[str, ...]]) -> pl.Expr:
        """Rows that have one of the values in one of the columns."""
        named = pl.lit(False)
        for column, values in by_column.items():
            source = self._known.get(column.casefold().strip())
            if source is not None:
                said = frame[source].cast(pl.String).str.strip_chars().is_in(values).fill_null(False)
                named = named | said
        return named

    # --------------------------------------------------------------------------------------- amounts

    def _amount(self, frame: pl.DataFrame, work: pl.DataFrame, faults: list[_Fault]) -> pl.DataFrame:
        mapping = self.mapping
        if "credit" in self.origins:
            work = self._minor(frame, work, "credit", faults)
            work = self._minor(frame, work, "debit", faults)
            into, out = pl.col("credit_minor").fill_null(0), pl.col("debit_minor").fill_null(0)
            signed = into - out.abs()
            work = work.with_columns(_two=(into != 0) & (out != 0), _signed=signed)
            work = work.with_columns(
                _missing=(pl.col("credit_minor").is_null() & pl.col("debit_minor").is_null())
            )
            faults.append(_Fault("amount", "two_amounts", "money in and money out in one row", "_two"))
        else:
            work = self._minor(frame, work, "amount", faults)
            signed = pl.col("amount_minor")
            work = work.with_columns(_signed=-signed if mapping.amount.sign == "inverted" else signed)
            work = work.with_columns(_missing=pl.col("_amount_empty"))
        faults.append(_Fault("amount", "missing_value", "no amount", "_missing"))
        if mapping.two_sided or ("direction" in self.origins and mapping.amount.sign == "direction"):
            if not mapping.two_sided:
                work = self._direction(work, faults)
            work = work.with_columns(
                _zero=pl.col("_signed") == 0,
                _negative=pl.col("_signed") < 0,
                amount_minor=pl.col("_signed").abs(),
            )
            faults.append(
                _Fault(
                    "amount",
                    "negative_amount",
                    "below zero in a layout whose amounts have no sign",
                    "_negative",
                )
            )
        else:
            work = work.with_columns(
                _zero=pl.col("_signed") == 0,
                direction=pl.when(pl.col("_signed") < 0).then(pl.lit("debit")).otherwise(pl.lit("credit")),
                amount_minor=pl.col("_signed").abs(),
            )
        faults.append(_Fault("amount", "zero_amount", "an amount of zero moves no money", "_zero"))
        return work

    def _direction(self, work: pl.DataFrame, faults: list[_Fault]) -> pl.DataFrame:
        fallback = {**dict.fromkeys(CREDIT_WORDS, "credit"), **dict.fromkeys(DEBIT_WORDS, "debit")}
        found = work["direction"]
        work = work.with_columns(_direction_text=found, direction=self._words("direction", found, fallback))
        if work["direction"].null_count():
            work = work.with_columns(
                _no_direction=pl.col("_direction_text").is_null(),
                _bad_direction=pl.col("direction").is_null() & pl.col("_direction_text").is_not_null(),
            )
            faults.append(_Fault("direction", "missing_value", "no direction", "_no_direction"))
            faults.append(
                _Fault(
                    "direction", "unknown_direction",
                    "neither credit nor debit; state it under [values.direction]",
                    "_bad_direction", "_direction_text",
                )
            )  # fmt: skip
        return work

    def _balance(self, frame: pl.DataFrame, work: pl.DataFrame, faults: list[_Fault]) -> pl.DataFrame:
        return self._minor(frame, work, "balance_after", faults)

    def _minor(self, frame: pl.DataFrame, work: pl.DataFrame, key: str, faults: list[_Fault]) -> pl.DataFrame:
        """Add `<key>_minor` (signed, null where not usable) and its faults."""
        origin = self.origins[key]
        name = next((name for name in origin.source), None)
        dtype = frame.schema[name] if name is not None and len(origin.source) == 1 else pl.String()
        currency = work["currency"]
        decimals = {code: decimals_of(code) for code in currency.unique().drop_nulls().to_list()}
        if dtype.is_numeric() and name is not None:
            value = frame[name]
            if dtype.is_float():
                text, minor, reasons = minor_of_floats(
                    value, currency, decimals, self.mapping.amount.rounding
                )
            else:
                text = value.cast(pl.String)
                minor, reasons = self._minor_of_text(text, currency, decimals, ".", "")
        else:
            expr = self._text(frame, key)
            assert expr is not None
            text = (
                frame.select(expr.alias(key)).to_series()
                if origin.constant is None
                else pl.Series([origin.constant] * frame.height)
            )
            minor, reasons = self._minor_of_text(
                text, currency, decimals, self.mapping.amount.decimal, self.mapping.amount.thousands
            )
        work = work.with_columns(minor.alias(f"{key}_minor"), text.is_null().alias(f"_{key}_empty"))
        for reason, (message, rows) in reasons.items():
            if rows.any():
                broken = f"_{key}_{reason}"
                work = work.with_columns(rows.alias(broken), text.alias(f"_{key}_text"))
                faults.append(_Fault(key, reason, message, broken, f"_{key}_text"))
        return work

    def _minor_of_text(
        self, text: pl.Series, currency: pl.Series, decimals: dict[str, int], decimal: str, thousands: str
    ) -> tuple[pl.Series, dict[str, tuple[str, pl.Series]]]:
        if decimal == "." and (minor := plain_minor(text, currency, decimals)) is not None:
            return minor, {}
        data = pl.DataFrame({"text": text, "currency": currency.cast(pl.String)})
        reasons: dict[str, tuple[str, pl.Series]] = {}
        if (decimal, thousands) == (".", "") and data["text"].str.contains(
            r"^[-+]?\d{1,15}(?:\.\d*)?$"
        ).all():
            data = data.with_columns(plain="text")
        else:
            data = data.with_columns(plain_number(pl.col("text"), decimal, thousands))
            clash = other_currency(data)
            if clash is not None:
                reasons["other_currency"] = ("the amount names another currency than the row", clash)
                data = data.with_columns(plain=pl.when(~clash).then("plain"))
        data = scaled(data, decimals, self.mapping.amount.rounding)
        known = data["text"].is_not_null() & ~_any([rows for _, rows in reasons.values()], data.height)
        text_upper = data["text"].str.to_lowercase().str.strip_chars("+-")
        bad = known & data["plain"].is_null()
        not_finite = bad & text_upper.is_in(["nan", "inf", "infinity", "1.#inf", "1.#qnan"]).fill_null(False)
        reasons["not_finite"] = ("not a finite number", not_finite)
        reasons["not_a_number"] = (
            f"not an amount with decimal mark {decimal!r}"
            + (f" and thousands mark {thousands!r}" if thousands else " and without thousands mark"),
            bad & ~not_finite,
        )
        usable = data["plain"].is_not_null() & data["currency"].is_not_null()
        fine = usable & data["minor"].is_null()
        reasons["too_large"] = ("larger than any amount that can be kept", fine & data["too_large"])
        reasons["too_many_decimals"] = (
            "more decimals than its currency holds; state amount.rounding in the mapping to round",
            fine & ~data["too_large"],
        )
        return data["minor"], reasons

    # --------------------------------------------------------------------------------------- instants

    def _instant(
        self, frame: pl.DataFrame, work: pl.DataFrame, key: str
    ) -> tuple[pl.DataFrame, list[_Fault]]:
        time = self.mapping.time
        origin = self.origins[key]
        parsed, text, has_time = read_instants(
            self.raw(frame, key), self.clock(frame), self.formats, self.mapping
        )
        day = self.is_day or time.precision == "day"
        timed = None if day or has_time is None else pl.col("_has_time")  # None: the same in every row

        columns = {key: parsed, "_at_text": text}
        if has_time is not None:
            columns["_has_time"] = has_time
        work = work.with_columns(**columns)
        if "time_precision" in self.origins:
            stated = self._text(frame, "time_precision")
            if stated is not None and not day:
                precision = frame.select(stated.alias("p")).to_series().cast(pl.String)
                told = precision.fill_null("second") != "day"
                timed = pl.lit(told) if timed is None else timed & told
        if key == "booked_at":
            always = pl.lit("day" if day else "second").cast(pl.Categorical)
            work = work.with_columns(
                time_precision=always
                if timed is None
                else pl.when(timed).then(pl.lit("second")).otherwise(pl.lit("day"))
            )
        if day:
            work = work.with_columns(pl.col(key).dt.truncate("1d"))
        elif time.zone != "UTC" and not _is_utc_already(frame, origin, self.formats):
            local = pl.col(key)
            utc = (
                local.dt.replace_time_zone(time.zone, ambiguous="earliest", non_existent="null")
                .dt.convert_time_zone("UTC")
                .dt.replace_time_zone(None)
            )
            clock = ~_names_zone(pl.col("_at_text"), self.formats)
            if timed is not None:
                clock = timed & clock
            work = work.with_columns(_wall=local).with_columns(
                pl.when(clock).then(utc).otherwise(local).alias(key)
            )
            work = work.with_columns(_in_gap=pl.col(key).is_null() & pl.col("_wall").is_not_null())
        faults = []
        at = pl.col(key)
        if (
            work[key].null_count()
            or not work.select(
                (at.min() >= pl.datetime(FIRST_YEAR, 1, 1)) & (at.max() < pl.datetime(LAST_YEAR + 1, 1, 1))
            ).item()
        ):
            in_gap = pl.col("_in_gap") if "_in_gap" in work.columns else pl.lit(False)
            work = work.with_columns(
                _no_at=pl.col("_at_text").is_null(),
                _gap=in_gap,
                _bad_at=(at.is_null() | ~at.dt.year().is_between(FIRST_YEAR, LAST_YEAR))
                & pl.col("_at_text").is_not_null() & ~in_gap,
            )  # fmt: skip
            expected = f"not a date as {' or '.join(self.formats)}" if self.formats else "not a date"
            faults = [
                _Fault(key, "missing_value", "no date", "_no_at"),
                _Fault(
                    key,
                    "zone_gap",
                    f"this time does not exist in {time.zone} (clocks went forward)",
                    "_gap",
                    "_at_text",
                ),
                _Fault(key, "impossible_date", expected, "_bad_at", "_at_text"),
            ]
        return work, faults

    def raw(self, frame: pl.DataFrame, key: str) -> pl.Series:
        """A mapped column as the source types it, else its text."""
        origin = self.origins[key]
        if len(origin.source) == 1 and frame.schema[origin.source[0]] != pl.String:
            return frame[origin.source[0]]
        expr = self._text(frame, key)
        assert expr is not None
        found = frame.select(expr.alias(key)).to_series()
        return found if len(found) == frame.height else found.new_from_index(0, frame.height)

    def clock(self, frame: pl.DataFrame) -> pl.Series | None:
        """The column with the time of day, where it is one of its own."""
        return self.raw(frame, "time") if "time" in self.origins else None

    def _local_zone(self, work: pl.DataFrame) -> pl.DataFrame:
        """Zone of the place where it happened, else the zone whose clock the source writes."""
        zone = self.mapping.time.zone
        named = zone if "/" in zone and not zone.startswith("Etc/") else None
        stated = pl.lit(named, pl.String)
        if "country" not in work.columns and "city" not in work.columns:
            return work.with_columns(local_zone=stated.cast(pl.Categorical))
        if work.is_empty():
            return work.with_columns(local_zone=pl.lit(None, pl.Categorical))
        if all(work.schema.get(name, pl.Categorical) == pl.Categorical for name in ("country", "city")):
            return work.with_columns(local_zone=self._zones_of_codes(work, named))
        unknown = pl.repeat(None, work.height, dtype=pl.String, eager=True)
        places = work.select(name for name in ("country", "city") if name in work.columns)
        places = places.cast(pl.String).with_columns(
            unknown.alias(name) for name in ("country", "city") if name not in work.columns
        )
        zones = places.select(zone_of(pl.col("country"), pl.col("city")).alias("zone")).to_series()
        return work.with_columns(local_zone=pl.coalesce(zones, stated))

    def _zones_of_codes(self, work: pl.DataFrame, otherwise: str | None) -> pl.Series:
        """Zone of every row's place, looked up once for each pair of country and city in the file."""
        (country, countries), (city, cities) = (
            _numbered(work[name]) if name in work.columns else (np.zeros(work.height, np.uint32), [None])
            for name in ("country", "city")
        )
        size = len(countries) * len(cities)
        pairs: npt.NDArray[np.integer[Any]]
        if size <= _DENSE_PAIRS:
            key = country * np.uint32(len(cities)) + city
            seen = np.zeros(size, np.bool_)
            seen[key] = True
            pairs = np.flatnonzero(seen)
            rank = np.zeros(size, np.uint32)
            rank[pairs] = np.arange(len(pairs))
            rows = rank[key]
        else:
            wide = country.astype(np.int64) * len(cities) + city
            pairs, inverse = np.unique(wide, return_inverse=True)
            rows = inverse.astype(np.uint32)
        places = [(countries[pair // len(cities)], cities[pair % len(cities)]) for pair in pairs.tolist()]
        new = [place for place in places if place not in self._zones]
        if new:
            asked = pl.DataFrame(new, {"country": pl.String, "city": pl.String}, orient="row")
            zones = asked.select(zone_of(pl.col("country"), pl.col("city"))).to_series().to_list()
            self._zones.update(zip(new, zones, strict=True))
        answers = pl.Series([self._zones[place] or otherwise for place in places], dtype=pl.String)
        return answers.cast(pl.Categorical).gather(pl.Series(rows))

    # --------------------------------------------------------------------------------------- other tables

    def _plain(self, frame: pl.DataFrame) -> tuple[pl.DataFrame, list[_Fault], list[pl.Expr]]:
        table = self.mapping.schema_
        columns = [column for column in table.columns if column.name in self.origins]
        texts = {c.name: self._text(frame, c.name) for c in columns if c.kind in ("text", "choice")}
        work = frame.select(LINE, **{name: expr for name, expr in texts.items() if expr is not None})
        faults: list[_Fault] = []
        names = []
        for column in columns:
            work, found, name = self._plain_column(frame, work, column)
            faults += found
            names.append(name)
        return work, faults, [pl.col(name) for name in names]

    def _plain_column(
        self, frame: pl.DataFrame, work: pl.DataFrame, column: Column
    ) -> tuple[pl.DataFrame, list[_Fault], str]:
        faults: list[_Fault] = []
        name = column.name
        if column.kind in ("instant", "date"):
            parsed, text, _ = read_instants(
                self.raw(frame, name),
                self.clock(frame) if column.kind == "instant" else None,
                self.formats,
                self.mapping,
            )
            zone = self.mapping.time.zone
            if column.kind == "instant" and zone != "UTC":
                parsed = (
                    parsed.dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null")
                    .dt.convert_time_zone("UTC").dt.replace_time_zone(None)
                )  # fmt: skip
            if column.kind == "date":
                parsed = parsed.dt.date()
            bad = text.is_not_null() & (
                parsed.is_null() | ~parsed.dt.year().is_between(FIRST_YEAR, LAST_YEAR).fill_null(False)
            )
            work = work.with_columns(
                parsed.alias(name), bad.alias(f"_bad_{name}"), text.alias(f"_text_{name}")
            )
            faults.append(_Fault(name, "impossible_date", "not a date", f"_bad_{name}", f"_text_{name}"))
        elif column.kind == "decimal":
            if name == "amount" and "currency" in self.origins:
                work = self._currency(work, faults)
                work = self._minor(frame, work, name, faults)
                work = work.with_columns(
                    _zero=pl.col("amount_minor") == 0, _negative=pl.col("amount_minor") < 0
                )
                faults.append(_Fault(name, "negative_amount", "below zero", "_negative"))
                faults.append(_Fault(name, "zero_amount", "an amount of zero moves no money", "_zero"))
                work = work.with_columns(_no_amount=pl.col("_amount_empty"))
                faults.append(_Fault(name, "missing_value", "no amount", "_no_amount"))
                return work, faults, "amount_minor"
            text = self.raw(frame, name).cast(pl.String)
            plain = pl.DataFrame({"text": text}).select(
                plain_number(pl.col("text"), self.mapping.amount.decimal, self.mapping.amount.thousands)
            )["plain"]
            value = plain.cast(pl.Decimal(38, 8), strict=False)
            work = work.with_columns(
                value.alias(name),
                (text.is_not_null() & value.is_null()).alias(f"_bad_{name}"),
                text.alias(f"_text_{name}"),
            )
            faults.append(_Fault(name, "not_a_number", "not a number", f"_bad_{name}", f"_text_{name}"))
        elif column.kind == "choice":
            found = work[name]
            choices = {choice.casefold(): choice for choice in column.choices} | _CHOICES.get(name, {})
            meaning = self._words(name, found, choices).cast(pl.String)
            work = work.with_columns(
                meaning.alias(name),
                (meaning.is_null() & found.is_not_null()).alias(f"_bad_{name}"),
                found.alias(f"_text_{name}"),
            )
            faults.append(
                _Fault(
                    name,
                    "unknown_value",
                    f"none of {', '.join(column.choices)}",
                    f"_bad_{name}",
                    f"_text_{name}",
                )
            )
        if column.required and not (name == "amount" or name == "currency"):
            empty = pl.col(name) if f"_text_{name}" not in work.columns else pl.col(f"_text_{name}")
            work = work.with_columns(empty.is_null().alias(f"_no_{name}"))
            faults.append(_Fault(name, "missing_value", f"no {name}", f"_no_{name}"))
        return work, faults, name

    # --------------------------------------------------------------------------------------- rows and rejects

    def _split(
        self, piece: RawPiece, work: pl.DataFrame, faults: list[_Fault], output: list[pl.Expr]
    ) -> Batch:
        struct = self._extra(piece.frame, work)
        if struct is not None:
            work = work.with_columns(struct)
        output = [*output, pl.col(LINE).alias("source_line")]
        if struct is not None:
            output.append(pl.col("extra"))
        broken = [fault for fault in faults if work[fault.broken].any()]
        rejects = list(piece.rejects)
        count = piece.frame.height + len(rejects)
        if broken:
            reason = pl.lit(None, pl.Int32)
            for index in range(len(broken) - 1, -1, -1):
                reason = pl.when(pl.col(broken[index].broken).fill_null(False)).then(index).otherwise(reason)
            codes = work.select(reason.alias("code")).to_series()
            bad = codes.is_not_null()
            positions = bad.arg_true().to_list()
            blank = self._blank(piece.frame, positions)
            raws = piece.raw(positions)
            for position, raw in zip(positions, raws, strict=True):
                if position in blank:
                    count -= 1
                    continue
                fault = broken[codes[position]]
                value = work[fault.shown][position] if fault.shown else None
                message = fault.message if value is None else f"{str(value)[:80]!r}: {fault.message}"
                rejects.append(Reject(int(work[LINE][position]), fault.column, fault.reason, message, raw))
            work = work.filter(~bad)
        return Batch(
            work.select(output), rejects_frame(sorted(rejects, key=lambda reject: reject.line)), count
        )

    def _extra(self, frame: pl.DataFrame, work: pl.DataFrame) -> pl.Series | None:
        """Columns that the mapping does not read, as text, and channel words that it does not know."""
        fields = [
            _nested(name) if frame.schema[name].is_nested() else pl.col(name).cast(pl.String)
            for name in self.further
        ]
        kept = frame.select(fields) if fields else pl.DataFrame()
        channel = self.origins.get("channel")
        if self.mapping.table == "transactions" and channel is not None and channel.source:
            known = "_channel_text" not in work.columns
            words = (
                pl.repeat(None, frame.height, dtype=pl.String, eager=True) if known else work["_channel_text"]
            )
            kept = pl.DataFrame([*kept.get_columns(), words.alias(channel.source[0])])
        return kept.to_struct("extra") if kept.width else None

    def _blank(self, frame: pl.DataFrame, positions: list[int]) -> set[int]:
        """Of these rows, those in which every cell is empty: spreadsheets export them, they are no rows."""
        cells = frame[positions].select(
            pl.all_horizontal(pl.exclude(LINE).cast(pl.String).fill_null("").str.strip_chars() == "")
        )
        return {
            position for position, blank in zip(positions, cells.to_series().to_list(), strict=True) if blank
        }


_CHOICES = {
    "label": {"true": "1", "false": "0", "yes": "1", "no": "0", "1.0": "1", "0.0": "0"},
    "holder_type": {
        **dict.fromkeys(("individual", "private", "natural"), "person"),
        **dict.fromkeys(("company", "organisation", "organization", "legal", "corporate"), "business"),
    },
}  # fmt: skip


def resolve(mapping: Mapping, columns: Sequence[str], origin: str) -> dict[str, Origin]:
    """The mapping's origins with the file's own spelling of its columns.

    Raises:
        SourceError: a column is not in the file (an optional one may be missing if the mapping is lenient).
    """
    known = {name.casefold().strip(): name for name in reversed(columns)}
    known |= {name: name for name in columns}
    table = mapping.schema_
    needed = {*table.required, "from_id", "to_id", "credit", "debit"} - {
        "channel",
        "transaction_id",
        "time_precision",
    }
    found: dict[str, Origin] = {}
    for key, wanted in mapping.columns.items():
        if wanted.constant is not None:
            found[key] = wanted
            continue
        names = [known.get(name) or known.get(name.casefold().strip()) for name in wanted.source]
        present = tuple(name for name in names if name is not None)
        partial = len(present) < len(names) and not mapping.lenient and wanted.join is not None
        if present and not partial:
            found[key] = wanted.model_copy(update={"source": present})
        elif key in needed or not mapping.lenient:
            missing = next(name for name, there in zip(wanted.source, names, strict=True) if there is None)
            hint = nearest(missing, columns)
            if key in ("currency", "account_id"):
                hint = f' State it in a mapping: columns.{key} = {{ constant = "..." }}.' + hint
            raise SourceError(
                f"{origin}: no column {missing!r} for {key} (mapping {mapping.name}).{hint} "
                f"The file has: {', '.join(columns)}"
            )
    return found


_DENSE_PAIRS = 1 << 22  # of countries and cities: a table of them is quicker than sorting the rows


def _numbered(column: pl.Series) -> tuple[npt.NDArray[np.uint32], list[str | None]]:
    """A Categorical column as positions in the list of its words; null is the last of them."""
    codes = column.to_physical()
    beyond = int(codes.max() or 0) + 1  # type: ignore[arg-type]
    rows = (codes.fill_null(beyond) if codes.null_count() else codes).to_numpy()
    example = np.full(beyond + 1, len(rows), np.uint32)  # of each code: a row that has it
    example[rows] = np.arange(len(rows), dtype=np.uint32)
    found = np.flatnonzero(example[:beyond] < len(rows))
    number = np.full(beyond + 1, len(found), np.uint32)
    number[found] = np.arange(len(found), dtype=np.uint32)
    words = column.gather(pl.Series(example[found])).cast(pl.String).to_list()
    return number[rows], [*words, None]


def _replaced(found: pl.Series, meaning: Callable[[str], str | None]) -> pl.Series:
    """Each word's meaning, asked once for each distinct word; Categorical."""
    if found.dtype != pl.Categorical:
        found = found.cast(pl.String).cast(pl.Categorical)
    rows, words = _numbered(found)
    meanings = [meaning(word) if word is not None else None for word in words]
    if meanings == words:
        return found
    return pl.Series(meanings, dtype=pl.String).cast(pl.Categorical).gather(pl.Series(rows))


def _matches(key: str, patterns: tuple[str, ...]) -> pl.Expr:
    if not patterns:
        return pl.lit(False)
    return pl.any_horizontal([pl.col(key).str.contains(pattern) for pattern in patterns]).fill_null(False)


def _cash_as_one(key: str, cash: tuple[str, ...], unless: tuple[str, ...] = ()) -> pl.Expr:
    return pl.when(_matches(key, cash) & ~_matches(key, unless)).then(pl.lit(CASH)).otherwise(pl.col(key))


def _any(columns: list[pl.Series], height: int) -> pl.Series:
    found = pl.repeat(False, height, dtype=pl.Boolean, eager=True)
    for column in columns:
        found = found | column
    return found


def _nested(name: str) -> pl.Expr:
    return pl.struct(name).struct.json_encode().alias(name)


def _names_zone(text: pl.Expr, formats: Sequence[str]) -> pl.Expr:
    """Rows that state their own offset, in a file where others do not."""
    if not any(has_zone(form) for form in formats):
        return pl.lit(False)
    return text.str.contains(r":\d\d(?:\.\d+)? ?(?:Z|UTC|[-+]\d\d:?\d\d)$").fill_null(False)


def _is_utc_already(frame: pl.DataFrame, origin: Origin, formats: Sequence[str]) -> bool:
    if len(origin.source) == 1:
        dtype = frame.schema[origin.source[0]]
        if isinstance(dtype, pl.Datetime):
            return dtype.time_zone is not None
    return bool(formats) and all(has_zone(form) for form in formats)
