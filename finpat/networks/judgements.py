"""Judgements of people that a run obeys: who is the same one, who is not, whose an identifier is not.

A run is told of the judgements in force as one frame and keeps it, so that it can be rebuilt. `undecided`
changes nothing: it says that somebody looked.
"""

from __future__ import annotations

import polars as pl

from finpat.networks.identifiers import identifier_id

# kind: `account` (left and right are accounts) or `identifier` (an account and an identifier_id, in either
# order). judged_at: naive UTC.
JUDGEMENT: dict[str, pl.DataType | type[pl.DataType]] = {
    "kind": pl.String, "left_id": pl.String, "right_id": pl.String, "verdict": pl.String,
    "judged_at": pl.Datetime("us"),
}  # fmt: skip
OBEYED = ("account", "identifier")


def no_judgements() -> pl.DataFrame:
    """The frame of a run that nobody judged anything for."""
    return pl.DataFrame(schema=JUDGEMENT)


def without_denied(uses: pl.DataFrame, account_ids: pl.Series, judgements: pl.DataFrame) -> pl.DataFrame:
    """Uses of identifiers without those that are judged not to be the account's (a number given anew).

    uses: of `identifiers.identifier_uses`. account_ids: by account code.
    """
    denied = judgements.filter(pl.col("kind") == "identifier", pl.col("verdict") == "not_same")
    if denied.is_empty():
        return uses
    one = denied.select(identifier_id="left_id", account_id="right_id")
    other = denied.select(identifier_id="right_id", account_id="left_id")
    whose = account_ids.cast(pl.String).gather(uses["account"])
    named = uses.with_columns(account_id=whose, identifier_id=identifier_id(pl.col("kind"), pl.col("value")))
    return named.join(
        pl.concat([one, other]), on=["identifier_id", "account_id"], how="anti", maintain_order="left"
    ).drop("account_id", "identifier_id")


def denied_pairs(account_ids: pl.Series, judgements: pl.DataFrame) -> pl.DataFrame:
    """account, other (codes, both ways round), judged_at: accounts that are judged not to be the same one's.

    A tie of such a pair that rests on rows up to judged_at is cut; later rows are new evidence.
    """
    apart = judgements.filter(pl.col("kind") == "account", pl.col("verdict") == "not_same")
    codes = pl.DataFrame({"id": account_ids.cast(pl.String)}).with_row_index("code")
    found = (
        apart.join(codes.rename({"id": "left_id", "code": "account"}), on="left_id")
        .join(codes.rename({"id": "right_id", "code": "other"}), on="right_id")
        .select("account", "other", "judged_at")
    )
    turned = found.select(account="other", other="account", judged_at="judged_at")
    return pl.concat([found, turned]).group_by("account", "other").agg(pl.col("judged_at").max())


def not_obeyed(judgements: pl.DataFrame) -> list[str]:
    """Kinds of judgements that no stage reads, in one line each."""
    kinds = (
        judgements.filter(~pl.col("kind").is_in(OBEYED), pl.col("verdict") != "undecided")
        .group_by("kind")
        .len()
        .sort("kind")
    )
    return [f"{count:,} judgements of kind {kind} are kept and change no run" for kind, count in kinds.rows()]
