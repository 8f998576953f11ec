"""Parquet, JSON and NDJSON -> pieces of rows, in bounded memory."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from finpat.errors import SourceError
from finpat.sources.delimited import LINE, RawPiece, Reject
from finpat.sources.source import Source

FURTHER = "further"  # JSON keys that the file's first rows do not have, as one JSON text
_ROWS = 200_000
_SHOWN = 500
_DECODER = json.JSONDecoder(
    parse_float=str, parse_int=str, parse_constant=str
)  # numbers stay what was written


def read_parquet(source: Source, columns: list[str] | None = None, rows: int = _ROWS) -> Iterator[RawPiece]:
    """Rows of a Parquet file, LINE being the row number from 1.

    columns: only these.

    Raises:
        SourceError: the file is damaged.
    """
    try:
        with pq.ParquetFile(source.path) as file:
            first = 1
            for group in range(file.num_row_groups):  # over several, iter_batches keeps the bytes of all
                for batch in file.iter_batches(rows, [group], columns):
                    frame = pl.DataFrame(pl.from_arrow(pa.Table.from_batches([batch])))
                    numbers = pl.int_range(first, first + batch.num_rows, dtype=pl.Int64, eager=True)
                    frame = frame.with_columns(numbers.alias(LINE))
                    first += batch.num_rows
                    yield _typed_piece(frame)
    except (pa.ArrowException, OSError) as error:
        raise SourceError(
            f"{source.path}: the Parquet file is damaged: {str(error).splitlines()[0]}"
        ) from None


def parquet_columns(source: Source) -> tuple[str, ...]:
    """Column names of a Parquet file."""
    try:
        return tuple(pq.read_schema(source.path).names)
    except (pa.ArrowException, OSError) as error:
        raise SourceError(
            f"{source.path}: the Parquet file is damaged: {str(error).splitlines()[0]}"
        ) from None


def _typed_piece(frame: pl.DataFrame) -> RawPiece:
    def raw(positions: list[int]) -> list[str]:
        rows = frame.drop(LINE)[positions].to_dicts()
        return [json.dumps(row, ensure_ascii=False, default=str) for row in rows]

    return RawPiece(frame, (), raw)


def read_json(
    source: Source, *, piece_bytes: int, line_bytes: int, encoding: str | None = None
) -> Iterator[RawPiece]:
    """Objects of a JSON array, or of the one array of objects inside a JSON object; LINE is the row number.

    Raises:
        SourceError: the file is no JSON, or holds something else than rows.
    """
    yield from _object_pieces(_array_items(source, piece_bytes, line_bytes, encoding), piece_bytes)


def read_ndjson(
    source: Source, *, piece_bytes: int, line_bytes: int, encoding: str | None = None
) -> Iterator[RawPiece]:
    """One JSON object per line; LINE is the line. A line that is no object is rejected."""
    yield from _object_pieces(_lines(source, piece_bytes, line_bytes, encoding), piece_bytes)


_Item = tuple[int, dict[str, Any] | None, str, str]  # line, object, reason, text


def _lines(source: Source, piece_bytes: int, line_bytes: int, encoding: str | None) -> Iterator[_Item]:
    rest, number, dropping = b"", 0, False
    for block in _with_end(source.text(min(piece_bytes, 1 << 20), encoding)):
        *lines, rest = (rest + block).split(b"\n")
        for line in lines:
            if dropping:
                dropping = False
                continue
            number += 1
            if len(line) > line_bytes:
                yield number, None, "line_too_long", line[:_SHOWN].decode("utf-8", "replace")
            elif line.strip():
                yield number, *_object(line.decode("utf-8", "backslashreplace"))
        if len(rest) > line_bytes:
            if not dropping:
                number += 1
                yield number, None, "line_too_long", rest[:_SHOWN].decode("utf-8", "replace")
            rest, dropping = b"", True


def _with_end(blocks: Iterator[bytes]) -> Iterator[bytes]:
    yield from blocks
    yield b"\n"


def _object(text: str) -> tuple[dict[str, Any] | None, str, str]:
    try:
        value = _DECODER.decode(text)
    except (ValueError, RecursionError):
        return None, "malformed_json", text
    return (value, "", text) if isinstance(value, dict) else (None, "malformed_json", text)


def _array_items(source: Source, piece_bytes: int, line_bytes: int, encoding: str | None) -> Iterator[_Item]:
    text = ""
    blocks = source.text(min(piece_bytes, 1 << 20), encoding)
    number, inside, done = 0, False, False
    for block in _decoded(blocks):
        text = (text + block).lstrip() if not text else text + block
        if not inside:
            at = text.find("[")
            if at < 0:
                if len(text) > line_bytes:
                    break
                continue
            inside, text = True, text[at + 1 :]
        at = 0
        while True:
            while at < len(text) and text[at] in " \t\r\n,":
                at += 1
            if at == len(text):
                break
            if text[at] == "]":
                done = True
                break
            try:
                value, end = _DECODER.raw_decode(text, at)
            except (ValueError, RecursionError):
                if len(text) - at > line_bytes:
                    raise SourceError(f"{source.path}: no valid JSON after row {number}") from None
                break  # the object goes on in the next block
            if end == len(text) and text[at] not in "{[":
                break  # a number may go on
            number += 1
            if isinstance(value, dict):
                yield number, value, "", text[at:end]
            else:
                yield number, None, "malformed_json", text[at:end]
            at = end
        text = text[at:]
        if done:
            return
    raise SourceError(
        f"{source.path}: the JSON ends inside the list of rows (after row {number}); copy it again"
    )


def _decoded(blocks: Iterator[bytes]) -> Iterator[str]:
    rest = b""
    for block in blocks:
        data = rest + block
        cut = len(data)
        while cut and cut > len(data) - 4 and data[cut - 1] & 0xC0 == 0x80:
            cut -= 1
        cut = cut - 1 if cut and data[cut - 1] >= 0xC0 else len(data)
        yield data[:cut].decode("utf-8", "backslashreplace")
        rest = data[cut:]
    if rest:
        yield rest.decode("utf-8", "backslashreplace")


def _object_pieces(items: Iterator[_Item], piece_bytes: int) -> Iterator[RawPiece]:
    columns: tuple[str, ...] | None = None
    rows: list[tuple[int, dict[str, Any], str]] = []
    rejects: list[Reject] = []
    length = 0
    messages = {"malformed_json": "no JSON object", "line_too_long": "longer than ingest.max_line_mb allows"}
    for number, value, reason, text in items:
        length += len(text)
        if value is None:
            rejects.append(Reject(number, None, reason, messages[reason], text))
        else:
            rows.append((number, value, text))
        if length >= piece_bytes:
            columns = columns or _keys(rows)
            yield _piece(rows, rejects, columns)
            rows, rejects, length = [], [], 0
    if rows or rejects or columns is None:
        yield _piece(rows, rejects, columns or _keys(rows))


def _keys(rows: list[tuple[int, dict[str, Any], str]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(key for _, value, _ in rows for key in _flat(value)))


def _flat(value: dict[str, Any], prefix: str = "") -> dict[str, str | None]:
    """Nested objects as `outer.inner`; lists as JSON text."""
    flat: dict[str, str | None] = {}
    for key, item in value.items():
        if isinstance(item, dict) and item:
            flat |= _flat(item, f"{prefix}{key}.")
        else:
            flat[prefix + key] = _as_text(item)
    return flat


def _as_text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value or None
    return ("false", "true")[value] if isinstance(value, bool) else json.dumps(value, ensure_ascii=False)


def _piece(
    rows: list[tuple[int, dict[str, Any], str]], rejects: list[Reject], columns: tuple[str, ...]
) -> RawPiece:
    flat = [_flat(value) for _, value, _ in rows]
    known = set(columns)
    data: dict[str, Any] = {name: [row.get(name) for row in flat] for name in columns}
    further = [{key: item for key, item in row.items() if key not in known} for row in flat]
    data[FURTHER] = [json.dumps(row, ensure_ascii=False) if row else None for row in further]
    frame = pl.DataFrame(data, schema={name: pl.String for name in data}).with_columns(
        pl.Series(LINE, [number for number, _, _ in rows], pl.Int64)
    )
    texts = [text for _, _, text in rows]
    return RawPiece(frame, tuple(rejects), lambda positions: [texts[row] for row in positions])
