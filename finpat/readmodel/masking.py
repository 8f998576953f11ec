"""What of a person, an advert or its payer may be seen without a reason: shapes in place of values."""

from __future__ import annotations

import polars as pl


def _shape_of(name: str) -> pl.Expr:
    value = pl.col(name)
    if name in ("phone", "payer_reference", "ip", "wallet"):
        return pl.format("...{}", value.str.slice(-2))
    if name == "email":
        return pl.format("{}...@{}", value.str.slice(0, 1), value.str.extract(r"@(.+)$", 1).fill_null("..."))
    if name == "url":
        return pl.format("{}/...", value.str.extract(r"^(?:[A-Za-z]+://)?([^/?]+)", 1).fill_null("..."))
    if name == "handle":
        return pl.format("{}:...", value.str.extract(r"^([a-z]*):", 1).fill_null("@"))
    return pl.format("({} characters)", value.str.len_chars())


SENSITIVE = ("phone", "email", "url", "title", "text", "payer_reference", "ip", "wallet", "handle", "address")


def name_shape(text: str) -> str:
    """A name, address or telephone as its shape: the first character of each word, then three dots."""
    return " ".join(f"{word[0]}..." for word in text.split())


def masked(frame: pl.DataFrame) -> pl.DataFrame:
    """`frame` with the shape of each sensitive value: two last digits, a domain, a host, a length."""
    present = [name for name in SENSITIVE if name in frame.columns]
    return frame.with_columns(
        pl.when(pl.col(name).is_not_null()).then(_shape_of(name)).alias(name) for name in present
    )


def shapes_of(kinds: pl.Series, values: pl.Series) -> pl.Series:
    """Values of identifiers as they may be shown, each by its kind; those of other kinds as they are."""
    frame = pl.DataFrame({"kind": kinds.cast(pl.String), "value": values}).with_row_index("at")
    parts = []
    for (kind,), part in frame.group_by("kind"):
        if kind in SENSITIVE:
            part = masked(part.rename({"value": str(kind)})).rename({str(kind): "value"})
        parts.append(part.select("at", "value"))
    empty = frame.clear().select("at", "value")
    return pl.concat([empty, *parts]).sort("at")["value"].alias("shape")
