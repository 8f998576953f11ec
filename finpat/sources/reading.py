"""A source and a mapping -> batches; and which ready mapping a source fits."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import lru_cache

import polars as pl

from finpat.config import Settings
from finpat.errors import AmbiguousSourceError, SourceError
from finpat.sources.convert import CODED, OFTEN_CODED, Batch, Converter, resolve
from finpat.sources.dates import find_formats, has_clock, read_instants
from finpat.sources.delimited import LINE, Layout, RawPiece, find_layout, read_delimited
from finpat.sources.mapping import Dialect, Mapping, Origin, ready_mappings
from finpat.sources.source import Source
from finpat.sources.statements import KINDS as STATEMENTS
from finpat.sources.statements import read_statement, statement_columns
from finpat.sources.structured import parquet_columns, read_json, read_ndjson, read_parquet

_HEAD_BYTES = 1 << 18
_AHEAD = 1  # pieces parsed while earlier ones are converted and written
_FEW = 100  # distinct values that are few in any file
_INSTANT = {
    "transactions": "booked_at",
    "ads": "posted_at",
    "ad_payments": "paid_at",
    "accounts": "opened_on",
}
_MEGABYTE = 1 << 20
_ENTRY_BYTES = 2048  # of a statement entry in XML, roughly; entries of the other formats are shorter


@lru_cache(64)
def layout_of(source: Source, dialect: Dialect | None = None) -> Layout:
    """The layout of a delimited source.

    Raises:
        SourceError: the source is no delimited text.
    """
    if source.kind != "delimited":
        raise SourceError(f"{source.path}: no delimited text")
    dialect = dialect or Dialect()
    head = source.head(_HEAD_BYTES, dialect.encoding)
    return find_layout(head, len(head.encode()) < _HEAD_BYTES, dialect)


def read_pieces(
    source: Source,
    dialect: Dialect,
    settings: Settings,
    columns: list[str] | None = None,
    repetitive: Iterable[str] = (),
    ahead: int = 0,
) -> Iterator[RawPiece]:
    """The source's rows as they are written, piece by piece.

    columns: only these, where the format allows to leave out the others. repetitive: columns of few distinct
    values. ahead: pieces of delimited text that are parsed meanwhile.
    """
    piece = settings.ingest.piece_mb * _MEGABYTE
    line = settings.ingest.max_line_mb * _MEGABYTE
    if source.kind == "parquet":
        yield from read_parquet(source, columns)
    elif source.kind == "json":
        yield from read_json(source, piece_bytes=piece, line_bytes=line, encoding=dialect.encoding)
    elif source.kind == "ndjson":
        yield from read_ndjson(source, piece_bytes=piece, line_bytes=line, encoding=dialect.encoding)
    elif source.kind in STATEMENTS:
        yield from read_statement(source, dialect.encoding, max(1, piece // _ENTRY_BYTES))
    else:
        layout = replace(layout_of(source, dialect), repetitive=frozenset(repetitive))
        yield from read_delimited(
            source.text(piece, dialect.encoding), layout, piece_bytes=piece, line_bytes=line, ahead=ahead
        )


def columns_of(source: Source, dialect: Dialect | None = None) -> tuple[str, ...]:
    """The names of the source's columns; "1", "2", ... where it has no header."""
    if source.kind == "parquet":
        return parquet_columns(source)
    if source.kind == "delimited":
        return layout_of(source, dialect).columns
    if source.kind in STATEMENTS:
        return statement_columns(source)
    return tuple(name for name in _sample(source, dialect or Dialect()).columns if name != LINE)


def _sample(source: Source, dialect: Dialect) -> pl.DataFrame:
    """The source's first rows."""
    return next(read_pieces(source, dialect, in_small_pieces(Settings()))).frame


def in_small_pieces(settings: Settings) -> Settings:
    """The settings with pieces of one megabyte: for looking at a file's first rows."""
    return settings.model_copy(update={"ingest": settings.ingest.model_copy(update={"piece_mb": 1})})


def detect_mapping(source: Source, table: str) -> Mapping | None:
    """The ready mapping that fits the source best, or None.

    Columns decide; among mappings with the same columns, the values and patterns that the first rows show.
    """
    fitting: list[tuple[int, str]] = []
    samples: dict[Dialect, pl.DataFrame] = {}
    names: dict[Dialect, set[str]] = {}
    kind = source.kind if source.kind in STATEMENTS else None
    for name, mapping in ready_mappings().items():
        if mapping.detect is None or mapping.table != table or mapping.detect.kind != kind:
            continue
        dialect = mapping.dialect
        if dialect not in names:
            names[dialect] = {column.casefold().strip() for column in columns_of(source, dialect)}
        wanted = {column.casefold() for column in mapping.detect.columns}
        if not wanted <= names[dialect] or (mapping.detect.closed and wanted != names[dialect]):
            continue
        if mapping.detect.values or mapping.detect.patterns:
            if dialect not in samples:
                samples[dialect] = _sample(source, dialect)
            if not _shows(samples[dialect], mapping):
                continue
        weight = 2 * len(wanted) + 3 * len(mapping.detect.values) + 3 * len(mapping.detect.patterns)
        fitting.append((-weight, name))
    return ready_mappings()[min(fitting)[1]] if fitting else None


def _shows(sample: pl.DataFrame, mapping: Mapping) -> bool:
    assert mapping.detect is not None
    known = {name.casefold().strip(): name for name in sample.columns}

    def column(name: str) -> pl.Series:
        found = known.get(name.casefold())
        return (
            pl.Series([], dtype=pl.String)
            if found is None
            else sample[found].cast(pl.String).str.strip_chars()
        )

    return all(column(name).is_in(values).any() for name, values in mapping.detect.values.items()) and all(
        column(name).str.contains(pattern).any() for name, pattern in mapping.detect.patterns.items()
    )


def read_batches(source: Source, mapping: Mapping, settings: Settings) -> Iterator[Batch]:
    """The source's rows in the mapping's table (see docs/architecture.md), batch by batch.

    Raises:
        SourceError: the mapping does not fit the file, or the file is damaged.
        AmbiguousSourceError: dates can be read with the day or with the month first, and the mapping does not
        say.
    """
    columns = columns_of(source, mapping.dialect)
    resolve(mapping, columns, str(source.path))
    formats = instant_formats(source, mapping, settings)
    notes: list[str] = []
    is_day = False
    if mapping.table == "transactions":
        is_day = _is_day_only(source, mapping, settings, formats)
        if is_day and mapping.time.precision == "auto":
            notes.append(
                f"{source.name}: no row has a time of day; only dates are known (time_precision = day)"
            )
    if source.encoding in ("cp1252", "latin-1") and mapping.dialect.encoding is None:
        notes.append(f"{source.name}: not UTF-8; read as {source.encoding}")
    repetitive = _repetitive(source, mapping)
    converter = Converter(
        mapping,
        columns,
        origin=str(source.path),
        formats=formats,
        is_day=is_day,
        repetitive=repetitive,
    )
    pieces = read_pieces(source, mapping.dialect, settings, repetitive=repetitive, ahead=_AHEAD)
    if mapping.dialect.continuation:
        text = converter.origins.get("description")
        if text is None or len(text.source) != 1:
            raise SourceError(
                f"{source.path}: dialect.continuation needs columns.description to be one column"
            )
        pieces = _continued(pieces, text.source[0])
    for piece in pieces:
        yield replace(converter.convert(piece), notes=(*notes, *piece.notes))
        notes = []


def _repetitive(source: Source, mapping: Mapping) -> tuple[str, ...]:
    """Columns that hold the same few words again and again, as the file's first rows tell."""
    if mapping.table != "transactions" or mapping.dialect.continuation:
        return ()
    origins = resolve(mapping, columns_of(source, mapping.dialect), str(source.path))
    names = {
        origins[key].source[0]
        for key in (*CODED, *OFTEN_CODED)
        if key in origins and len(origins[key].source) == 1
    }
    sample = _sample(source, mapping.dialect)
    few = [
        name
        for name in names
        if name in sample.columns
        and not sample.schema[name].is_nested()
        and sample[name].n_unique() <= max(_FEW, sample.height // 4)
    ]
    return tuple(sorted(few))


def instant_formats(source: Source, mapping: Mapping, settings: Settings) -> tuple[str, ...]:
    """The strptime formats of the source's instants: stated, or found; empty where the column is typed.

    Raises:
        AmbiguousSourceError: over the whole file, day and month could be either.
    """
    key = _INSTANT.get(mapping.table)
    if key is None or mapping.time.formats or mapping.time.unit is not None:
        return mapping.time.formats
    origins = resolve(mapping, columns_of(source, mapping.dialect), str(source.path))
    keys = [name for name in (key, "closed_on") if name in origins and origins[name].constant is None]
    if not keys:
        return ()
    seen: dict[str, None] = {}  # in the file's order, on which the sample depends
    small = in_small_pieces(settings)
    for piece in read_pieces(source, mapping.dialect, small, _columns(source, origins, keys)):
        for name in keys:
            values = _instant_text(piece.frame, origins, name)
            if values is None:
                return ()
            seen.update(dict.fromkeys(values))
        orders = find_formats(seen, 0.9)
        if not orders.ambiguous and len(seen) > 20:
            return orders.formats
        if len(seen) > 100_000:
            break
    orders = find_formats(seen, 0.9) if len(seen) > 10 else find_formats(seen, 0.5)
    if orders.ambiguous:
        raise AmbiguousSourceError(
            f"{source.path}: every date in {origins[key].source[0]!r} can be read with the day or the month "
            f"first; state time.formats = {list(orders.day_first)} or {list(orders.month_first)} "
            "in the mapping"
        )
    return orders.formats


def _columns(source: Source, origins: dict[str, Origin], keys: list[str]) -> list[str] | None:
    if source.kind != "parquet":
        return None
    names = [name for key in [*keys, "time"] if key in origins for name in origins[key].source]
    return list(dict.fromkeys(names))


def _instant_text(frame: pl.DataFrame, origins: dict[str, Origin], key: str) -> list[str] | None:
    """What stands in an instant's column (with its time column); None where the column is typed."""
    names = origins[key].source
    if any(frame.schema[name] != pl.String for name in names):
        return None
    dates = frame.select(pl.coalesce([pl.col(name).str.strip_chars() for name in names]).alias("d"))["d"]
    clock = origins.get("time")
    if clock is not None:
        times = frame[clock.source[0]].cast(pl.String).str.strip_chars()
        dates = pl.select(
            pl.when(times.is_null() | (times == "")).then(dates).otherwise(dates + " " + times)
        ).to_series()
    return dates.drop_nulls().unique(maintain_order=True).to_list()


def _is_day_only(source: Source, mapping: Mapping, settings: Settings, formats: tuple[str, ...]) -> bool:
    """Whether no row of the whole file has a time of day."""
    time = mapping.time
    if time.precision != "auto":
        return time.precision == "day"
    if time.unit is not None:
        return time.unit == "d"
    if formats and not any(has_clock(form) for form in formats):
        return "time" not in mapping.columns or True
    origins = resolve(mapping, columns_of(source, mapping.dialect), str(source.path))
    names = [name for key in ("booked_at", "time") if key in origins for name in origins[key].source]
    if not names:
        return False
    rows = 0
    only = names if source.kind == "parquet" else None
    for piece in read_pieces(source, mapping.dialect, in_small_pieces(settings), only):
        converter = Converter(
            _instants_only(mapping),
            [name for name in piece.frame.columns if name != LINE], origin=str(source.path), formats=formats,
        )  # fmt: skip
        frame = converter.trimmed(piece)
        at, _, _ = read_instants(converter.raw(frame, "booked_at"), converter.clock(frame), formats, mapping)
        at = at.drop_nulls()
        rows += len(at)
        if (at != at.dt.truncate("1d")).any():
            return False
    return rows > 0


def _instants_only(mapping: Mapping) -> Mapping:
    kept = {key: origin for key, origin in mapping.columns.items() if key in ("booked_at", "time")}
    return mapping.model_copy(update={"columns": kept, "lenient": True})


def _continued(pieces: Iterator[RawPiece], text: str) -> Iterator[RawPiece]:
    """Rows that hold nothing but `text` are joined to the `text` of the row above, across pieces."""
    held: tuple[pl.DataFrame, str] | None = None
    for piece in pieces:
        frame = piece.frame
        before = 0 if held is None else 1
        if held is not None:
            frame = pl.concat([held[0], frame])
        if frame.is_empty():
            yield piece
            continue
        rest = [name for name in frame.columns if name not in (LINE, text)]
        bare = frame.select(
            (pl.all_horizontal(pl.col(rest).is_null()) & pl.col(text).is_not_null()).alias("bare")
        ).to_series()
        group = (~bare).cum_sum()
        first = group.min()
        starts = [*(~bare | (group == 0)).arg_true().to_list(), frame.height]
        merged = (
            frame.with_columns(
                _group=pl.when(group > 0)
                .then(group.cast(pl.Int64))
                .otherwise(-group.cum_count().cast(pl.Int64))
            )
            .group_by("_group", maintain_order=True)
            .agg(pl.exclude(text).first(), pl.col(text).drop_nulls().str.strip_chars().str.join(" "))
            .select(frame.columns)
            .with_columns(pl.when(pl.col(text) != "").then(text).alias(text))
        )
        del first

        def raw(
            positions: list[int],
            piece: RawPiece = piece,
            starts: list[int] = starts,
            before: int = before,
            kept: str = held[1] if held else "",
        ) -> list[str]:
            texts = []
            for position in positions:
                rows = range(starts[position], starts[position + 1])
                lines = piece.raw([row - before for row in rows if row >= before])
                texts.append("\n".join([kept, *lines] if before and rows[0] == 0 else lines))
            return texts

        held = (merged.tail(1), raw([merged.height - 1])[0])
        yield replace(piece, frame=merged.head(-1), raw=raw)
    if held is not None:
        last = held[1]
        yield RawPiece(held[0], (), lambda positions: [last for _ in positions])
