"""Delimited text of any dialect -> frames of text with exact source lines, in bounded memory.

The stream is cut into pieces at row ends. A piece whose structure is regular (every quote opens or closes a
field, every row has the expected number of fields) is parsed by Arrow; any other by Python's csv module, row
by row. Both give the same rows, so the result does not depend on where the pieces were cut.
"""

from __future__ import annotations

import csv
import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa
import pyarrow.csv as arrow_csv

from finpat.sources.mapping import Dialect

Item = TypeVar("Item")
Result = TypeVar("Result")

LINE = "_source_line"
_BLANKS = (b" ", b"\t", b"\v", b"\f")  # what is stripped from ASCII cells; ends of lines stand in none
_SHOWN_BYTES = 500  # of a line that is quarantined unread
csv.field_size_limit(1 << 30)  # rows are bounded by max_line_mb, not by csv's 128 kB


@dataclass(frozen=True)
class Reject:
    """One source row that cannot be taken: where, why, and what it was."""

    line: int
    column: str | None
    reason: str
    message: str
    raw: str


@dataclass(frozen=True)
class Layout:
    """The dialect of one file, found or stated. first_line: where its rows start, 1 for the first line."""

    delimiter: str
    quote: str
    columns: tuple[str, ...]
    first_line: int
    short_rows: str = "reject"
    footer: tuple[str, ...] = ()
    header_line: int = 0
    cr_ends: bool = False  # lines end with CR alone, as old Macintosh files do
    repetitive: frozenset[str] = frozenset()  # columns of few distinct values, worth keeping as codes


@dataclass(frozen=True)
class RawPiece:
    """Rows as text: `frame` has the source's columns and LINE; `raw` gives the text of rows by position.

    Columns of few distinct values may be Categorical. is_trimmed: no cell begins or ends with white space,
    and an empty one is null.
    """

    frame: pl.DataFrame
    rejects: tuple[Reject, ...]
    raw: Callable[[list[int]], list[str]]
    ended: bool = False  # a footer row ended the table
    notes: tuple[str, ...] = ()  # what a reader of the load's report should know
    is_trimmed: bool = False


@dataclass
class _Piece:
    data: bytes
    line: int  # source line of its first row
    line_count: int  # ends of lines in data
    regular: bool
    row_ends: npt.NDArray[np.int64] | None = None  # only for regular pieces with quotes
    rejects: list[Reject] = field(default_factory=list)


def read_delimited(
    blocks: Iterable[bytes], layout: Layout, *, piece_bytes: int, line_bytes: int, ahead: int = 0
) -> Iterator[RawPiece]:
    """Rows of the table in `blocks` of UTF-8 text; `ahead` pieces are parsed meanwhile.

    A row longer than `line_bytes` and a row with an unclosed quote are rejected by their first line alone;
    reading goes on in the next line. Blank lines are no rows.
    """
    some = False
    if layout.cr_ends:
        blocks = (block.replace(b"\r", b"\n") for block in blocks)
    cut = _split(blocks, layout, piece_bytes, line_bytes)
    for parsed in in_order(lambda piece: _parse(piece, layout), cut, ahead):
        some = True
        yield parsed
        if parsed.ended:
            return
    if not some:  # a header without rows
        yield RawPiece(
            pl.DataFrame(schema={**dict.fromkeys(layout.columns, pl.String), LINE: pl.Int64}),
            (),
            lambda _: [],
        )


def in_order(work: Callable[[Item], Result], items: Iterable[Item], ahead: int) -> Iterator[Result]:
    """The results of `work` in the order of the items, up to `ahead` of them made meanwhile by threads."""
    if not ahead:
        yield from map(work, items)
        return
    waiting: deque[Future[Result]] = deque()
    with ThreadPoolExecutor(ahead) as pool:
        try:
            for item in items:
                waiting.append(pool.submit(work, item))
                del item  # whoever works on it is the only one to hold it
                if len(waiting) > ahead:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


# ------------------------------------------------------------------------------------------------- cutting


def _split(blocks: Iterable[bytes], layout: Layout, piece_bytes: int, line_bytes: int) -> Iterator[_Piece]:
    """Cut the stream at row ends. Pieces are whole rows; what they leave out is in their rejects."""
    cutter = _Cutter(layout, line_bytes)
    for block in _regrouped(blocks, piece_bytes):
        yield from cutter.feed(block)
    yield from cutter.feed(b"", final=True)


def _regrouped(blocks: Iterable[bytes], size: int) -> Iterator[bytes]:
    """The bytes in blocks of `size` or more that end with a line, so that cutting copies nothing again."""
    held: list[bytes] = []
    length = 0
    for block in blocks:
        length += len(block)
        if length < size:
            held.append(block)
            continue
        end = block.rfind(b"\n") + 1 or len(block)
        yield b"".join([*held, memoryview(block)[:end]])
        held = [block[end:]]
        length = len(held[0])
    if length:
        yield b"".join(held)


class _Cutter:
    def __init__(self, layout: Layout, line_bytes: int) -> None:
        self.layout = layout
        self.quote = layout.quote.encode()
        self.delimiter = layout.delimiter.encode()
        self.line_bytes = line_bytes
        self.rest = b""
        self.line = 1  # of the first byte of `rest`
        self.skip = layout.first_line - 1  # lines before the table
        self.dropping = False  # inside a line that is too long
        self.pending: list[Reject] = []

    def feed(self, block: bytes, final: bool = False) -> Iterator[_Piece]:
        data = self.rest + block
        if self.dropping:
            data = self._drop(data)
        while self.skip and not self.dropping:
            end = data.find(b"\n")
            if end < 0:
                if not final:
                    break
                end = len(data) - 1
            data, self.skip, self.line = data[end + 1 :], self.skip - 1, self.line + 1
            if not data:
                break
        if self.skip:
            self.rest = data
            return
        while data:
            piece, data, more = self._cut(data, final)
            if piece is not None:
                piece.rejects, self.pending = [*self.pending, *piece.rejects], []
                yield piece
            if not more:
                break
        self.rest = data
        if final and self.pending:
            yield _Piece(b"", self.line, 0, False, None, self.pending)
            self.pending = []

    def _cut(self, data: bytes, final: bool) -> tuple[_Piece | None, bytes, bool]:
        """One piece, what is left, and whether to cut again before more bytes come."""
        start = _long_line(data, self.line_bytes)
        if start is not None:
            if start:  # first what comes before the long line
                return self._cut_whole(data[:start], data[start:], final)
            return None, self._reject_line(data, "line_too_long"), True
        if final and not data.endswith(b"\n"):
            data += b"\n"
        end = data.rfind(b"\n") + 1
        if not end:
            return None, data, False
        return self._cut_whole(data[:end], data[end:], final)

    def _cut_whole(self, lines: bytes, tail: bytes, final: bool) -> tuple[_Piece | None, bytes, bool]:
        """Cut whole lines at the last row end; a row that runs on stays with `tail`."""
        last = final or len(tail) > self.line_bytes  # nothing can close a quote any more within the limit
        lone_cr = b"\r" in lines and lines.count(b"\r") != lines.count(b"\r\n")
        if self.quote not in lines:
            return self._take(lines, len(lines), tail, not lone_cr, None)
        scan = None if lone_cr else _scan_quotes(lines, self.quote, self.delimiter, self.line_bytes)
        if scan is not None and scan[0]:
            end, row_ends = scan
            return self._take(lines, end, tail, True, row_ends)
        end, unclosed = _last_row_end(lines, self.layout, self.line_bytes, last)
        if end:
            return self._take(lines, end, tail, False, None)
        if unclosed:
            return None, self._reject_line(lines + tail, "unclosed_quote"), True
        return None, lines + tail, False

    def _take(
        self, lines: bytes, end: int, tail: bytes, regular: bool, row_ends: npt.NDArray[np.int64] | None
    ) -> tuple[_Piece, bytes, bool]:
        # Five times as fast as bytes.count, which looks for each end of a line on its own.
        count = int(np.count_nonzero(np.frombuffer(lines, np.uint8, end) == 10)) if end else 0
        piece = _Piece(lines[:end], self.line, count, regular, row_ends)
        self.line += count
        rest = lines[end:] + tail
        return piece, rest, len(rest) > self.line_bytes or b"\n" in tail

    def _reject_line(self, data: bytes, reason: str) -> bytes:
        shown = data[:_SHOWN_BYTES].split(b"\n", 1)[0].decode("utf-8", "replace")
        message = {
            "line_too_long": f"line longer than {self.line_bytes:,} bytes (settings: ingest.max_line_mb)",
            "unclosed_quote": f"a {self.layout.quote} opens a field and is never closed",
        }[reason]
        self.pending.append(Reject(self.line, None, reason, message, shown))
        self.dropping = True
        return self._drop(data)

    def _drop(self, data: bytes) -> bytes:
        """What follows the line that is dropped; empty, and still dropping, if it does not end in `data`."""
        end = data.find(b"\n")
        if end < 0:
            return b""
        self.dropping = False
        self.line += 1
        return data[end + 1 :]


def _long_line(data: bytes, limit: int) -> int | None:
    """Start of the first line with more than `limit` bytes, else None."""
    half = max(1, limit // 2)
    if all(data.find(b"\n", at, at + half) >= 0 for at in range(0, max(1, len(data) - half + 1), half)):
        return None  # a line over the limit covers one of these blocks whole
    ends = np.flatnonzero(np.frombuffer(data, np.uint8) == 10)
    starts = np.concatenate([[0], ends + 1])
    lengths = np.concatenate([ends, [len(data)]]) - starts
    long = np.flatnonzero(lengths > limit)
    return int(starts[long[0]]) if len(long) else None


def _scan_quotes(
    data: bytes, quote: bytes, delimiter: bytes, line_bytes: int
) -> tuple[int, npt.NDArray[np.int64]] | None:
    """(end of the last whole row, ends of all rows) if every quote is where RFC 4180 has it, else None."""
    text = np.frombuffer(data, np.uint8)
    quotes = np.flatnonzero(text == quote[0])
    lines = np.flatnonzero(text == 10)
    ends = lines[np.searchsorted(quotes, lines) % 2 == 0]
    if not len(ends):
        return None
    end = int(ends[-1]) + 1
    quotes = quotes[quotes < end]
    opens, closes = quotes[0::2], quotes[1::2]
    before = text[np.maximum(opens - 1, 0)]
    starts_field = (opens == 0) | (before == delimiter[0]) | (before == 10)
    doubled = np.zeros(len(opens), bool)
    doubled[1:] = opens[1:] == closes[:-1] + 1
    after = text[closes + 1]
    ends_field = (
        (after == delimiter[0])
        | (after == 10)
        | ((after == 13) & (text[np.minimum(closes + 2, end - 1)] == 10))
    )
    ends_field[:-1] |= doubled[1:]
    lengths = np.diff(np.concatenate([[0], ends + 1]))
    if not (np.all(starts_field | doubled) and np.all(ends_field)) or int(lengths.max()) > line_bytes:
        return None
    return end, ends


class _Lines:
    """Lines of a text for csv.reader, which asks for a further one while a quote is open."""

    def __init__(self, lines: list[str], limit: int) -> None:
        self.lines, self.limit = lines, limit
        self.at = 0  # index of the next line
        self.start = 0  # index of the first line of the row being read
        self.length = 0
        self.starved = False

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        if self.at > self.start:  # a row that runs on
            self.length += len(self.lines[self.at - 1])
            if self.at == len(self.lines) or self.length > self.limit:
                self.starved = True
                raise StopIteration
        if self.at == len(self.lines):
            raise StopIteration
        self.at += 1
        return self.lines[self.at - 1]

    def begin(self) -> None:
        self.start, self.length, self.starved = self.at, 0, False


def _rows(lines: list[str], layout: Layout, limit: int) -> Iterator[tuple[int, int, list[str] | None, str]]:
    """(first line, line after it, fields, fault) of each row; fields is None where there is a fault.

    Faults: `unclosed_quote` and `malformed_row`; such a row is its first line alone.
    """
    feed = _Lines(lines, limit)
    reader = csv.reader(feed, delimiter=layout.delimiter, quotechar=layout.quote)
    while feed.at < len(lines):
        feed.begin()
        start = feed.start
        try:
            fields: list[str] | None = next(reader)
            fault = ""
        except csv.Error:
            # Where a quote was open at the end of the line, how far one could read on is chance of the cut.
            fields, fault = None, "malformed_row" if feed.at == start + 1 else "unclosed_quote"
        except StopIteration:
            return
        if feed.starved:
            fields, fault = None, "unclosed_quote"
        elif (
            fields is not None
            and feed.at > start + 1
            and not _is_sound(lines[start : feed.at], fields, layout)
        ):
            fields, fault = None, "unclosed_quote"  # it swallowed lines that are rows of their own
        if fields is None:
            feed.at = start + 1
            reader = csv.reader(feed, delimiter=layout.delimiter, quotechar=layout.quote)
        yield start, feed.at, fields, fault


def _is_sound(lines: list[str], fields: list[str], layout: Layout) -> bool:
    """Whether a row over several lines is one: of the expected width, every quote where RFC 4180 has it."""
    if len(fields) != len(layout.columns):
        return False
    try:
        list(csv.reader(lines, delimiter=layout.delimiter, quotechar=layout.quote, strict=True))
    except csv.Error:
        return False
    return True


def _last_row_end(data: bytes, layout: Layout, limit: int, last: bool) -> tuple[int, bool]:
    """(bytes up to the end of the last whole row, whether nothing but an unclosed quote is there)."""
    lines = data.decode("utf-8", "surrogateescape").split("\n")[:-1]
    lines = [line + "\n" for line in lines]
    if last:
        return len(data), False
    done = 0
    for start, after, _, fault in _rows(lines, layout, limit):
        if fault == "unclosed_quote" and sum(map(len, lines[start:])) <= limit:
            break  # more bytes may close it
        done = after
    return sum(len(line.encode("utf-8", "surrogateescape")) for line in lines[:done]), False


# ------------------------------------------------------------------------------------------------- parsing


def _parse(piece: _Piece, layout: Layout) -> RawPiece:
    parsed = _parse_fast(piece, layout) if piece.regular else None
    return _parse_exactly(piece, layout) if parsed is None else parsed


def _parse_fast(piece: _Piece, layout: Layout) -> RawPiece | None:
    """The rows by Arrow, or None where it takes a closer look: rows of another width, blank ones, footers."""
    data, width = piece.data, len(layout.columns)
    if width < 2 or _meets_footer(data, layout):
        return None
    quoted = piece.row_ends is not None
    count = len(piece.row_ends) if piece.row_ends is not None else piece.line_count
    coded = pa.dictionary(pa.int32(), pa.string())
    try:
        table = arrow_csv.read_csv(
            pa.py_buffer(data),
            arrow_csv.ReadOptions(
                use_threads=False, block_size=len(data) + 1, column_names=list(layout.columns)
            ),
            arrow_csv.ParseOptions(
                delimiter=layout.delimiter,
                quote_char=layout.quote if quoted else False,
                newlines_in_values=quoted,
                ignore_empty_lines=False,
            ),
            arrow_csv.ConvertOptions(
                column_types={
                    name: coded if name in layout.repetitive else pa.string() for name in layout.columns
                },
                strings_can_be_null=True,
                quoted_strings_can_be_null=True,
                null_values=[""],
            ),
        )
    except pa.ArrowInvalid:
        return None  # bytes that are no UTF-8, or rows of another width
    if table.num_rows != count:
        return None
    frame = pl.DataFrame(pl.from_arrow(table))
    if all(frame[name].null_count() for name in frame.columns) and _has_blank(frame):
        return None
    if quoted:
        lines = pl.Series(_first_lines(piece))
    else:
        lines = pl.int_range(piece.line, piece.line + count, dtype=pl.Int64, eager=True)
    return RawPiece(
        frame.with_columns(lines.alias(LINE)),
        tuple(piece.rejects),
        lambda rows: _raw_rows(piece, rows),
        is_trimmed=_is_trimmed(data, layout),
    )


def _has_blank(frame: pl.DataFrame) -> bool:
    return bool(frame.select(pl.all_horizontal(pl.all().is_null()).any()).item())


def _is_trimmed(data: bytes, layout: Layout) -> bool:
    """Whether no cell begins or ends with white space; False where it is not plain."""
    if not data.isascii():
        return False
    if not any(blank in data for blank in _BLANKS):
        return True
    text = np.frombuffer(data, np.uint8)
    blanks = np.flatnonzero(text <= 32)
    blanks = blanks[~np.isin(text[blanks], [10, 13, ord(layout.delimiter)])]
    if not len(blanks):
        return True
    if blanks[0] == 0 or np.any(text[blanks] != 32):
        return False
    edges = [10, 13, ord(layout.delimiter), ord(layout.quote)]
    return not (np.isin(text[blanks - 1], edges).any() or np.isin(text[blanks + 1], edges).any())


def _meets_footer(data: bytes, layout: Layout) -> bool:
    if not layout.footer:
        return False
    text = data.decode("utf-8", "backslashreplace")
    return any(re.search(pattern, text, re.MULTILINE) for pattern in layout.footer)


def _same_width(piece: _Piece, layout: Layout) -> bool:
    assert piece.row_ends is not None
    text = np.frombuffer(piece.data, np.uint8)
    quotes = np.flatnonzero(text == ord(layout.quote))
    marks = np.flatnonzero(text == ord(layout.delimiter))
    marks = marks[np.searchsorted(quotes, marks) % 2 == 0]
    per_row = np.bincount(np.searchsorted(piece.row_ends, marks), minlength=len(piece.row_ends))
    return bool(np.all(per_row == len(layout.columns) - 1))


def _first_lines(piece: _Piece) -> npt.NDArray[np.int64]:
    assert piece.row_ends is not None
    lines = np.flatnonzero(np.frombuffer(piece.data, np.uint8) == 10)
    before = np.searchsorted(lines, np.concatenate([[0], piece.row_ends[:-1] + 1]))
    return (before + piece.line).astype(np.int64)


def _raw_rows(piece: _Piece, rows: list[int]) -> list[str]:
    ends = piece.row_ends
    if ends is None:
        ends = np.flatnonzero(np.frombuffer(piece.data, np.uint8) == 10)
    starts = np.concatenate([[0], ends + 1])
    return [piece.data[starts[row] : ends[row]].decode("utf-8", "replace").removesuffix("\r") for row in rows]


def _parse_exactly(piece: _Piece, layout: Layout) -> RawPiece:
    """The rows by the csv module: any width, stray quotes, blank lines, bytes that are no UTF-8."""
    width = len(layout.columns)
    rejects = list(piece.rejects)
    footers = [re.compile(pattern) for pattern in layout.footer]
    lines = [line + "\n" for line in piece.data.decode("utf-8", "backslashreplace").split("\n")[:-1]]
    rows: list[list[str | None]] = []
    numbers: list[int] = []
    raws: list[str] = []
    ended = False
    for start, after, fields, fault in _rows(lines, layout, 1 << 40):
        raw = "".join(lines[start:after]).removesuffix("\n").removesuffix("\r")
        number = piece.line + start
        if fields is None:
            message = (
                f"a {layout.quote} opens a field and is not closed in this row"
                if fault == "unclosed_quote"
                else "a carriage return stands inside the row"
            )
            rejects.append(Reject(number, None, fault, message, raw))
            continue
        if not any(fields):
            continue
        if footers and any(pattern.search(raw) for pattern in footers):
            ended = True
            break
        while len(fields) > width and not fields[-1]:
            fields.pop()
        if len(fields) > width or (len(fields) < width and layout.short_rows == "reject"):
            message = f"{len(fields)} fields, expected {width} as in the header"
            rejects.append(Reject(number, None, "wrong_number_of_fields", message, raw))
            continue
        rows.append([value or None for value in fields] + [None] * (width - len(fields)))
        numbers.append(number)
        raws.append(raw)
    frame = pl.DataFrame(
        rows, schema={name: pl.String for name in layout.columns}, orient="row"
    ).with_columns(pl.Series(LINE, numbers, pl.Int64))
    return RawPiece(frame, tuple(rejects), lambda positions: [raws[row] for row in positions], ended)


# ------------------------------------------------------------------------------------------------- layout


def find_layout(head: str, whole: bool, dialect: Dialect) -> Layout:
    """The layout of a file from its first lines, and from what the mapping states.

    whole: `head` is the whole file. Lines above the table (letterhead) are left out.
    """
    cr_ends = "\r" in head and "\n" not in head
    lines = head.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    if not whole and len(lines) > 1:
        lines.pop()  # may be cut off
    delimiter = dialect.delimiter or _delimiter(lines, dialect.quote)
    records = _records(lines, delimiter, dialect.quote)
    if dialect.header_line is None:
        header = find_header(records)
    else:
        header = next((i for i, (at, _, _) in enumerate(records) if at == dialect.header_line), None)
    if dialect.header_line == 0 or header is None:
        body = next((i for i, (_, _, row) in enumerate(records) if len(row) == _usual_width(records)), 0)
        width = (
            max((len(row) for _, _, row in records[body:]), default=1)
            if not dialect.footer
            else _usual_width(records)
        )
        width = _usual_width(records) or width
        columns = tuple(str(i + 1) for i in range(width))
        first = records[body][0] if records else 1
        return Layout(delimiter, dialect.quote, columns, first, _short(dialect), dialect.footer, 0, cr_ends)
    at, after, names = records[header]
    short = _short(dialect)
    return Layout(delimiter, dialect.quote, _unique(names), after, short, dialect.footer, at, cr_ends)


def _short(dialect: Dialect) -> str:
    return "fill" if dialect.continuation else dialect.short_rows


def _records(lines: list[str], delimiter: str, quote: str) -> list[tuple[int, int, list[str]]]:
    """(first line, line after it, fields) of each record that is not blank, lines counted from 1."""
    found = []
    layout = Layout(delimiter, quote, (), 1)
    feed = _Lines([line + "\n" for line in lines], 1 << 20)
    while feed.at < len(feed.lines):
        feed.begin()
        start = feed.start
        try:
            fields = next(csv.reader(feed, delimiter=layout.delimiter, quotechar=quote))
        except (csv.Error, StopIteration):
            fields = [lines[start]]
        if feed.starved:
            feed.at, fields = start + 1, lines[start].split(delimiter)
        if any(value.strip() for value in fields):
            found.append((start + 1, feed.at + 1, [value.strip() for value in fields]))
    return found


def _usual_width(records: list[tuple[int, int, list[str]]]) -> int:
    counts: dict[int, int] = {}
    for _, _, row in records:
        if len(row) > 1:
            counts[len(row)] = counts.get(len(row), 0) + 1
    return max(counts, key=lambda width: (counts[width] * (width - 1), width), default=1)


def _delimiter(lines: list[str], quote: str) -> str:
    """The candidate whose usual number of fields is both wide and frequent."""
    best, score = ",", 0
    for candidate in (",", ";", "\t", "|", "^", "~"):
        records = _records(lines[:400], candidate, quote)
        width = _usual_width(records)
        found = sum(len(row) == width for _, _, row in records) * (width - 1)
        if found > score:
            best, score = candidate, found
    return best


_DATA = re.compile(
    r"^[-+(]?\s*(?:[$€£¥]|[A-Z]{3})?\s*[-+]?[\d.,' \u00a0\u202f]*\d[\d.,' \u00a0\u202f]*"
    r"\)?\s*-?(?:[$€£¥]|[A-Z]{3})?$"
    r"|^\d{1,4}[-/. ](?:\d{1,2}|[^\W\d]{3,9}\.?)[-/. ]\d{1,4}\b"
    r"|^\d{4}-\d\d-\d\dT|^[0-9a-fA-F]{16,}$"
)


def find_header(records: list[tuple[int, int, list[str]]]) -> int | None:
    """Index of the header among the records, or None where the file has none.

    The header is the last row without any date or number before the first row that has some, of about the
    usual width, and its names do not repeat below it.
    """
    width = _usual_width(records)
    candidate = None
    for index, (_, _, row) in enumerate(records):
        cells = [cell for cell in row if cell]
        looks_like_data = any(_DATA.match(cell) for cell in cells)
        if looks_like_data:
            if abs(len(row) - width) <= 1:
                return candidate
            continue
        if abs(len(row) - width) <= 1 and len(cells) * 2 > len(row):
            candidate = index if candidate is None or len(row) >= len(records[candidate][2]) else candidate
    # No row has a date or a number: the first row names the columns if its words do not come again.
    if candidate is None:
        return None
    first = next(i for i, (_, _, row) in enumerate(records) if abs(len(row) - width) <= 1)
    return first


def _unique(names: list[str]) -> tuple[str, ...]:
    """Column names without a repeat or a gap: `x`, `x_2`; an empty one is called by its position."""
    found: list[str] = []
    for position, name in enumerate(names, 1):
        base = name.strip().strip("\ufeff") or str(position)
        unique, count = base, 2
        while unique in found or unique == LINE:
            unique, count = f"{base}_{count}", count + 1
        found.append(unique)
    return tuple(found)
