"""Second names in references: words in brackets or quotation marks that could be a name of the payee.

Each distinct text is judged once. Nothing here is ever shown: only whether there is such a name leaves the
module.
"""

from __future__ import annotations

import polars as pl

from finpat.indicators.context import Context
from finpat.places import normalised
from finpat.vocabulary import load_vocabulary

# Brackets and quotation marks in pairs; a single mark counts only where no letter touches its outer side,
# since it is an apostrophe otherwise.
ENCLOSED = "|".join(
    (
        r"\([^()]+\)",
        r"\[[^\[\]]+\]",
        r'"[^"]+"',
        r'[“„][^“”"„]+[“”"]',
        r"«[^«»]+»",
        r"»[^«»]+«",
        r"(?:^|\s)['‘’][^'‘’]+['’](?:\s|$)",
    )
)
MARKS = list("()[]\"“”„«»'‘’")
NAME = r"^\p{Lu}\p{L}{1,19}([ '’-]\p{L}{2,20})?$"


def second_names(texts: pl.Series, vocabulary_words: dict[str, tuple[str, ...]]) -> pl.DataFrame:
    """text, alias: the folded names that distinct texts hold in brackets or quotation marks, one a row.

    A word of the vocabulary, of whatever kind, is no name.
    """
    inside = (
        texts.cast(pl.String)
        .unique()
        .drop_nulls()
        .to_frame("text")
        .filter(pl.col("text").str.contains_any(MARKS))
        .with_columns(piece=pl.col("text").str.extract_all(ENCLOSED))
        .explode("piece")
        .drop_nulls()
        .with_columns(piece=pl.col("piece").str.replace_all(r"^[^\p{L}\p{N}]+|[^\p{L}\p{N}]+$", ""))
        .filter(pl.col("piece").str.contains(NAME))
        .select("text", alias=normalised(pl.col("piece")))
        .unique()
    )
    known = sorted({word for words in vocabulary_words.values() for word in words})
    is_word = (
        pl.col("alias").is_in(known)
        | pl.col("alias").str.split(" ").list.eval(pl.element().is_in(known)).list.any()
    )
    return inside.filter(~is_word)


def with_alias(context: Context, receipts: pl.DataFrame) -> pl.DataFrame:
    """`receipts` (account, description) plus is_alias: whether a reference holds a second name of the payee.

    Null where it holds a name and the holder's name is unknown, which leaves open whose name it is.
    """
    words = dict(load_vocabulary(context.settings.dictionaries).words)
    names = second_names(receipts["description"], words)
    holders = context.accounts.select(
        "account", holder=normalised(pl.col("holder_name").cast(pl.String)).str.split(" ")
    )
    said = receipts.select("account", text=pl.col("description").cast(pl.String)).unique()
    judged = (
        said.join(names, on="text")
        .join(holders, on="account", how="left")
        .with_columns(is_other=pl.col("alias").str.split(" ").list.set_intersection("holder").list.len() == 0)
        .group_by("account", "text")
        .agg(
            is_alias=pl.when(pl.col("holder").is_null().any()).then(None).otherwise(pl.col("is_other").any())
        )
    )
    return (
        receipts.with_columns(text=pl.col("description").cast(pl.String))
        .join(
            judged.with_columns(is_judged=pl.lit(True)),
            on=["account", "text"],
            how="left",
            maintain_order="left",
        )
        .with_columns(is_alias=pl.when("is_judged").then("is_alias").otherwise(False))
        .drop("text", "is_judged")
    )
