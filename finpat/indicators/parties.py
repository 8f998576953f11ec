"""Who stands on the other side of a payment: a person, and which one.

Money comes from a person where the payment's way says so (p2p, wallet), or where a transfer comes from an
account that a person holds. Payments of a company that collects for others, and money given back, are no
person's; neither is what comes from an account held by a business. Protected payers (shelters, legal aid and
the like) are never counted.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from finpat.indicators.context import IS_CREDIT, Context
from finpat.indicators.sweeps import payee_of_party
from finpat.ledger import NO_PARTY
from finpat.vocabulary import of_kind

PERSONAL_CHANNELS = ("p2p", "wallet")
NOT_A_PERSON = of_kind("payment_processor", "refund", "interest", "protected")


def parties_held_by(context: Context, holder_type: str) -> pl.Series:
    """Codes of the parties whose account here is held by a `person` or a `business`, as far as known."""
    whole = context.whole
    held = whole.accounts["holder_type"].cast(pl.String).fill_null("") == holder_type
    return pl.Series("counterparty", whole.party_of_account[held.to_numpy()])


def is_personal(context: Context) -> pl.Expr:
    """Whether a leg, of either direction, has a person on its other side (a condition on legs)."""
    party = pl.col("counterparty")
    persons, businesses = (
        party.is_in(parties_held_by(context, kind).implode()) for kind in ("person", "business")
    )
    by_way = pl.col("channel").is_in(PERSONAL_CHANNELS) & ~businesses
    return (by_way | ((pl.col("channel") == "transfer") & persons)) & ~NOT_A_PERSON


def receipts_from_persons(context: Context, *columns: str, where: pl.Expr | None = None) -> pl.DataFrame:
    """What persons paid in, by the person who got it: the columns of `Context.legs`, amount_minor, payer.

    Only receipts whose payer is known; transfers between accounts of one holder are none. payer: see
    `with_payer`. where: a further condition on legs.
    """
    condition = IS_CREDIT & context.counterparty_known() & is_personal(context)
    if where is not None:
        condition = condition & where
    legs = context.legs(condition, "amount_minor", "counterparty", *columns, person=True, own=False)
    return with_payer(context, legs)


def with_payer(context: Context, legs: pl.DataFrame) -> pl.DataFrame:
    """`legs` with payer: the counterparty, one code for all accounts of one holder."""
    head = np.append(payee_of_party(context), NO_PARTY)
    codes = np.minimum(legs["counterparty"].to_numpy(), len(head) - 1)
    return legs.with_columns(payer=pl.Series(head[codes], dtype=pl.UInt32))


def with_ordinal(receipts: pl.DataFrame) -> pl.DataFrame:
    """`receipts` with ordinal and is_first: which payment of this payer to this person it is.

    ordinal counts from 1; payments of one instant have that of the last of them. is_first: none came before
    that instant.
    """
    pair = ["subject", "payer"]
    return receipts.with_columns(
        ordinal=pl.int_range(1, pl.len() + 1).over(pair),
        is_first=pl.col("booked_at") == pl.col("booked_at").first().over(pair),
    ).with_columns(pl.col("ordinal").max().over(*pair, "booked_at"))
