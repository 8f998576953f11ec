"""Statement files of banks (camt, MT940, OFX, BAI2, QIF) -> pieces of rows under canonical names.

Each format has a file of its own that turns a source into entries; the ready mapping of the same name makes
them transactions. Parsers are imported when such a file is read.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from importlib import import_module

from finpat.sources.delimited import RawPiece
from finpat.sources.source import Source
from finpat.sources.statements.entries import Entry, Format, is_announced, pieces_of

KINDS = ("camt", "mt940", "ofx", "bai2", "qif")
_SHORT = 6  # a reference with fewer characters is a number within its statement, not the bank's own id


def statement_columns(source: Source) -> tuple[str, ...]:
    """The columns of the rows that `read_statement` gives."""
    return _format(source).columns


def read_statement(source: Source, encoding: str | None = None, rows: int = 20_000) -> Iterator[RawPiece]:
    """The file's entries, at most `rows` at a time; LINE is the line where an entry starts.

    encoding: read with this codec in place of the one that was found.

    `transaction_id` is the bank's own reference where no other entry of the file has the same, else null; a
    reference as it is written stays in `reference`.

    Raises:
        SourceError: the file is cut off, or is not what its first lines promised.
    """
    form = _format(source)
    yield from pieces_of(form, source, encoding, _repeated(source, encoding), rows)


def _format(source: Source) -> Format:
    form: Format = import_module(f"finpat.sources.statements.{source.kind}").FORMAT
    return form


@lru_cache(maxsize=2)
def _repeated(source: Source, encoding: str | None) -> frozenset[str]:
    """References that do not name one booking of the file: they occur again, or are too short to be ids."""
    seen: set[str] = set()
    repeated: set[str] = set()
    for item in _format(source).read(source, encoding):
        if isinstance(item, Entry) and not is_announced(item) and (reference := item.values.get("reference")):
            if reference in seen or len(reference) < _SHORT:
                repeated.add(reference)
            seen.add(reference)
    return frozenset(repeated)
