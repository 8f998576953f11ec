"""What makes a row itself: its key, and an id for rows whose source gives none.

Hashes are xxhash64, which is fixed for good; they are kept in files, where a library's own hash must not be
used.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import polars as pl
import polars_hash as plh

from finpat.schemas import Table

MADE_ID = "x"  # first letter of an id made by finpat: x<content hash>-<occurrence>
# Tables of events: a key stands for one event for ever. In the others a later file may bring a newer version
# of a key.
EVENTS = ("transactions", "ad_payments")
_SEPARATOR = "\x1f"  # the ASCII unit separator: no export has it inside a value


def stored_name(column: str, table: Table) -> str:
    """Name of a canonical column in a stored segment: payments of either table keep money as minor units."""
    return f"{column}_minor" if table.name in EVENTS and table.column(column).kind == "decimal" else column


def id_column(table: Table) -> str:
    """The column that names a row of `table`; the first of its key."""
    return table.key[0]


def row_key(table: Table) -> pl.Expr:
    """UInt64 hash that two rows share if they may be the same row.

    For transactions of the id alone: the two legs of a payment share it, so that a row that stands for both
    legs and the rows of the single legs meet. Whether they are the same is then decided by their values,
    never by the hash.
    """
    names = (id_column(table),) if table.name == "transactions" else table.key
    text: Any = plh.col(names[0]) if len(names) == 1 else plh.concat_str(*names, separator=_SEPARATOR)
    key: pl.Expr = text.nchash.xxhash64()
    return key


def content_hash(table: Table, columns: Collection[str]) -> pl.Expr:
    """UInt64 hash of a row's canonical content, for a table whose source gives no ids.

    An absent column counts as an empty one. File, line and order are no content; neither are further columns
    of the source, since exports number their lines or print the day of the export there.
    """
    parts = []
    for column in table.columns:
        name = stored_name(column.name, table)
        if column.name == id_column(table):
            continue
        value = pl.col(name) if name in columns else pl.lit(None, pl.String)
        if column.kind in ("instant", "date"):  # numbers: the text form of a time may change between releases
            value = value.cast(pl.Int64)
        parts.append(value.cast(pl.String).fill_null(""))
    text: Any = plh.concat_str(*parts, separator=_SEPARATOR)
    hashed: pl.Expr = text.nchash.xxhash64()
    return hashed


def made_id(content: pl.Expr, occurrence: pl.Expr) -> pl.Expr:
    """Id of the n-th row with the same content within one file (n counts from 1)."""
    return pl.concat_str(pl.lit(MADE_ID), content.cast(pl.String), pl.lit("-"), occurrence.cast(pl.String))
