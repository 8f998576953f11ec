"""Identifiers that accounts have in common: telephone, e-mail, address, device; written alike, hubs known.

A shared identifier ties accounts, it never makes one person of two (see persons.py). Values that very many
persons share are placeholders, offices or buildings and tie nobody.
"""

from __future__ import annotations

import polars as pl

from finpat.places import normalised

CONTACT_KINDS = ("phone", "email", "address")
_ONE_DIGIT = "^(?:" + "|".join(f"{digit}+" for digit in range(10)) + ")$"
FEWEST_DIGITS = 7  # of a telephone number; fewer are an extension or a placeholder


def phone_key(column: pl.Expr) -> pl.Expr:
    """A telephone number as its digits without leading zeros; null where it has too few or only one digit.

    Without the country's plan: +44 20 7946 0018 and 0044 20 7946 0018 are alike, 020 7946 0018 is not.
    """
    digits = column.str.normalize("NFKC").str.replace_all(r"\D", "").str.strip_chars_start("0")
    return pl.when(digits.str.len_chars() >= FEWEST_DIGITS, ~digits.str.contains(_ONE_DIGIT)).then(digits)


def email_key(column: pl.Expr) -> pl.Expr:
    """An e-mail address in lower case without surrounding space; null where it is none."""
    text = column.str.normalize("NFKC").str.strip_chars().str.to_lowercase()
    return pl.when(text.str.contains(r"^[^@\s]+@[^@\s]+\.[^@\s]+$")).then(text)


def address_key(column: pl.Expr) -> pl.Expr:
    """An address folded (case, accents, punctuation); null where it names no house: no digit, or one word."""
    text = normalised(column)
    return pl.when(text.str.contains(r"\d") & text.str.contains(" ")).then(text)


KEYS = {"phone": phone_key, "email": email_key, "address": address_key}


def contacts(accounts: pl.DataFrame) -> pl.DataFrame:
    """Account (row number), kind, value: the telephone numbers, e-mails and addresses that are usable.

    accounts: one row per account in the order of its code; phone, email, address where they are known.
    """
    numbered = accounts.with_columns(account=pl.int_range(pl.len(), dtype=pl.UInt32))
    parts = [
        numbered.select("account", kind=pl.lit(kind), value=KEYS[kind](pl.col(kind).cast(pl.String)))
        for kind in CONTACT_KINDS
        if kind in accounts.columns
    ]
    empty = pl.DataFrame(schema={"account": pl.UInt32, "kind": pl.String, "value": pl.String})
    return pl.concat([empty, *parts]).drop_nulls("value").sort("kind", "value", "account")


def dated_list(column: pl.Expr) -> pl.Expr:
    """A list `id@2026-01-31;id` as structs of value (trimmed) and on (date, null where none is written)."""
    entry = pl.element().str.strip_chars()
    return (
        column.str.split(";")
        .list.eval(
            pl.struct(
                value=entry.str.replace(r"@\d{4}-\d{2}-\d{2}$", "").str.strip_chars(),
                on=entry.str.extract(r"@(\d{4}-\d{2}-\d{2})$").str.to_date("%Y-%m-%d", strict=False),
            ).filter(entry != "")
        )
    )  # fmt: skip
