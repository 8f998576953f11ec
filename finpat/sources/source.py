"""An export file as it lies on disk: what it is, whether it is whole, and its bytes, in bounded memory.

`open_source` reads the file once from end to end: for its fingerprint, and because only the whole file can
tell whether it is cut off and in which encoding it is written (a statement may hold its first accent in the
last row).
"""

from __future__ import annotations

import codecs
import hashlib
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal, cast

import pyarrow as pa

from finpat.errors import SourceError
from finpat.sources.workbook import is_workbook, sheet_as_text

Kind = Literal["delimited", "parquet", "json", "ndjson", "camt", "ofx", "mt940", "qif", "bai2"]
Compression = Literal["none", "gzip", "zstd", "excel"]  # excel: a table in a workbook

BLOCK_BYTES = 1 << 20
_HEAD_BYTES = 1 << 16

_COMPRESSED: tuple[tuple[bytes, Compression], ...] = ((b"\x1f\x8b", "gzip"), (b"\x28\xb5\x2f\xfd", "zstd"))

# First bytes of files that people hand over by mistake, and what to do instead.
_FOREIGN = (
    (b"PK\x03\x04", "a ZIP archive; unpack it"),
    (b"%PDF", "a PDF; ask the bank for CSV, camt.053 or MT940"),
    (b"SQLite format 3", "an SQLite database; export the table as CSV or Parquet"),
    (b"BZh", "compressed with bzip2; use gzip or zstd, or unpack it"),
    (b"\xfd7zXZ", "compressed with xz; use gzip or zstd, or unpack it"),
    (b"\x89PNG", "a picture; finpat reads CSV, Parquet and JSON"),
    (b"\xff\xd8\xff", "a picture; finpat reads CSV, Parquet and JSON"),
    (b"\x7fELF", "a program; finpat reads CSV, Parquet and JSON"),
    (b"ARROW1", "an Arrow file; save it as Parquet"),
)
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_CP1252_HOLES = bytes([0x81, 0x8D, 0x8F, 0x90, 0x9D])  # byte values without a character in Windows-1252


@dataclass(frozen=True)
class Source:
    """One readable export file.

    size: bytes on disk. sha256: of the bytes on disk. encoding: Python codec of a text file (empty for
    Parquet).
    """

    path: Path
    kind: Kind
    compression: Compression
    encoding: str
    size: int
    sha256: str

    @property
    def name(self) -> str:
        """The file's name without its folder."""
        return self.path.name

    def blocks(self, size: int = BLOCK_BYTES) -> Iterator[bytes]:
        """The decompressed bytes, at most `size` at a time.

        Raises:
            SourceError: the file vanished, changed, or its compressed stream ends early.
        """
        return _blocks(self.path, self.compression, size)

    def text(self, size: int = BLOCK_BYTES, encoding: str | None = None) -> Iterator[bytes]:
        """The file's text as UTF-8 without byte-order mark, about `size` bytes at a time.

        encoding: read with this codec in place of the one that was found.

        Raises:
            SourceError: bytes that the codec does not know.
        """
        codec = encoding or self.encoding
        if codec in ("utf-8", "utf-8-sig"):
            yield from self._checked_utf8(size, codec)
            return
        decoder = _decoder(codec, self.name)
        try:
            for block in self.blocks(size):
                yield decoder.decode(block).encode()
            yield decoder.decode(b"", True).encode()
        except UnicodeDecodeError as error:
            raise SourceError(
                f"{self.name}: not {codec}: byte 0x{error.object[error.start]:02x} has no character in it; "
                "state the right `encoding` under [dialect] in the mapping"
            ) from None

    def _checked_utf8(self, size: int, codec: str) -> Iterator[bytes]:
        if not self.encoding.startswith("utf-8"):  # stated in a mapping against what the file holds
            raise SourceError(
                f"{self.name}: not UTF-8 (it reads as {self.encoding}); state the right `encoding` under "
                "[dialect] in the mapping"
            )
        first = True
        for block in self.blocks(size):
            if first and block.startswith(codecs.BOM_UTF8):
                block = block[len(codecs.BOM_UTF8) :]
            first = False
            yield block

    def head(self, size: int = _HEAD_BYTES, encoding: str | None = None) -> str:
        """The first `size` bytes of text, decoded; ends anywhere in a line."""
        found = bytearray()
        for block in self.text(min(size, BLOCK_BYTES), encoding):
            found += block
            if len(found) >= size:
                break
        return bytes(found).decode("utf-8", "ignore")


def open_source(path: Path | str) -> Source:
    """Look at the file and say what it is.

    Raises:
        SourceError: the file is missing, not readable, empty, cut off, or no kind of file that finpat reads.
    """
    path = Path(path)
    if not path.exists():
        raise SourceError(f"{path}: no such file")
    if path.is_dir():
        raise SourceError(f"{path}: is a folder; name the export files in it")
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            magic = file.read(16)
    except OSError as error:
        raise SourceError(f"{path}: cannot be read: {error.strerror}") from None
    if size == 0:
        raise SourceError(f"{path}: the file is empty")
    if magic.startswith(b"PAR1"):
        _check_parquet_end(path, size)
        return Source(path, "parquet", "none", "", size, _fingerprint(path))
    compression = next((name for start, name in _COMPRESSED if magic.startswith(start)), "none")
    if is_workbook(path, magic):
        compression = "excel"
    survey = _survey(path, cast(Compression, compression))
    if survey.head.strip() == b"":
        raise SourceError(f"{path}: the file is empty")
    return Source(
        path, _kind(path, survey), cast(Compression, compression), survey.encoding, size, survey.sha256
    )


@dataclass(frozen=True)
class _Survey:
    head: bytes
    encoding: str
    sha256: str


def _survey(path: Path, compression: Compression) -> _Survey:
    """One pass over the whole file: fingerprint, encoding, wholeness."""
    digest = hashlib.sha256()
    decoder = codecs.getincrementaldecoder("utf-8")()
    is_utf8, pending, high = True, False, 0
    head = b""
    for block in _blocks(path, compression, BLOCK_BYTES):
        if compression == "none":
            digest.update(block)
        if len(head) < _HEAD_BYTES:
            head += block[: _HEAD_BYTES - len(head)]
        if block.isascii() and not pending:
            continue
        if is_utf8:
            try:
                decoder.decode(block)
                pending = bool(decoder.getstate()[0])
            except UnicodeDecodeError:
                is_utf8, pending = False, False
        high |= any(bytes([hole]) in block for hole in _CP1252_HOLES)
    is_utf8 = is_utf8 and not pending
    return _Survey(
        head,
        _encoding(path, head, is_utf8, bool(high)),
        digest.hexdigest() if compression == "none" else _fingerprint(path),
    )


def _encoding(path: Path, head: bytes, is_utf8: bool, has_holes: bool) -> str:
    for bom, codec in _BOMS:
        if head.startswith(bom):
            return codec
    if head.startswith(b"PAR1"):
        raise SourceError(f"{path}: a compressed Parquet file; unpack it (Parquet is compressed inside)")
    for magic, what in _FOREIGN:
        if head.startswith(magic):
            raise SourceError(f"{path}: {what}")
    even, odd = head[0:4096:2].count(0), head[1:4096:2].count(0)
    if max(even, odd) > len(head[:4096]) // 5 and min(even, odd) * 8 < max(even, odd):
        return "utf-16-le" if odd > even else "utf-16-be"
    controls = sum(head.count(byte) for byte in range(32) if byte not in b"\t\n\r\x0c\x1a\x1c\x1d\x1e\x1f")
    if b"\0" in head or controls * 50 > len(head):
        raise SourceError(f"{path}: a binary file; finpat reads CSV, Parquet, JSON and NDJSON")
    if is_utf8:
        return "utf-8"
    return "latin-1" if has_holes else "cp1252"


# How the statement formats begin. A SWIFT message may lie in its envelope or between control characters.
_STATEMENTS: tuple[tuple[Kind, re.Pattern[str]], ...] = (
    ("ofx", re.compile(r"OFXHEADER\s*:|<OFX>", re.IGNORECASE)),
    (
        "camt",
        re.compile(r"<(?:\w+:)?(?:BkToCstmrStmt|BkToCstmrAcctRpt|BkToCstmrDbtCdtNtfctn)\b|camt\.05[234]\b"),
    ),
    ("mt940", re.compile(r"^:20:[\s\S]*?^:(?:25|28C?|60[FM]|61):", re.MULTILINE)),
    ("bai2", re.compile(r"01,[^,\n]*,[^,\n]*,\d{6},\d{0,4},[^\n]*/\s*02,")),
    ("qif", re.compile(r"!(?:type|account|option|clear)\s*:?", re.IGNORECASE)),
)
_AT_START = ("bai2", "qif")
_XML_START = ("<", "OFXHEADER")


def _statement(text: str) -> Kind | None:
    """The statement format of a text; None if it is none."""
    for kind, pattern in _STATEMENTS:
        if kind in ("ofx", "camt") and not text.startswith(_XML_START):
            continue
        if pattern.match(text) if kind in _AT_START else pattern.search(text):
            return kind
    return None


def _kind(path: Path, survey: _Survey) -> Kind:
    text = survey.head.decode(survey.encoding, "ignore").lstrip("\ufeff \t\r\n")
    if (statement := _statement(text)) is not None:
        return statement
    if re.match(r"<(?:\?xml|!DOCTYPE|[A-Za-z])", text):
        raise SourceError(
            f"{path}: XML or HTML that is no bank statement; finpat reads camt.052, camt.053, camt.054 "
            "and OFX"
        )
    if text.startswith("["):
        return "json" if text[1:].lstrip()[:1] in ("{", "]") else "delimited"
    if text.startswith("{"):
        return (
            "ndjson" if _is_ndjson(text) else ("json" if text[1:].lstrip()[:1] in ('"', "}") else "delimited")
        )
    return "delimited"


def _is_ndjson(text: str) -> bool:
    first = text.split("\n", 1)[0].rstrip()
    return first.endswith("}") and "\n" in text


def _check_parquet_end(path: Path, size: int) -> None:
    with path.open("rb") as file:
        file.seek(max(0, size - 4))
        if size < 12 or file.read(4) != b"PAR1":
            raise SourceError(f"{path}: the Parquet file is cut off; copy it again")


def _fingerprint(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _decoder(codec: str, name: str) -> codecs.IncrementalDecoder:
    try:
        return codecs.getincrementaldecoder(codec)()
    except LookupError:
        raise SourceError(
            f"{name}: no encoding is called {codec!r}; e.g. utf-8, cp1252, latin-1, utf-16"
        ) from None


def _blocks(path: Path, compression: Compression, size: int) -> Iterator[bytes]:
    try:
        with _open(path, compression) as file:
            while block := file.read(size):
                yield block
    except FileNotFoundError:
        raise SourceError(f"{path}: no such file") from None
    except OSError as error:
        if compression == "none":
            raise SourceError(f"{path}: cannot be read: {error}") from None
        raise SourceError(f"{path}: the {compression} file is cut off or damaged; copy it again") from None


def _open(path: Path, compression: Compression) -> BinaryIO:
    if compression == "none":
        return path.open("rb")
    if compression == "excel":
        version = path.stat()
        return io.BytesIO(sheet_as_text(path, (version.st_mtime_ns, version.st_size)))
    return cast(BinaryIO, pa.CompressedInputStream(pa.OSFile(str(path), "rb"), compression))
