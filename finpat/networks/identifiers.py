"""Identifiers: what accounts and adverts have in common, written alike, with who uses each.

A shared identifier ties accounts, it never makes one person of two (see persons.py). How much it says is a
matter of how many share it: a value of two is nearly a name, a value of thousands is a placeholder, an office
or a building. Telephone numbers and e-mail addresses of accounts have the form that adverts' have, so that an
account's number meets the advert that shows it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import polars as pl
import polars_hash  # noqa: F401  (registers Expr.nchash: a hash that is the same in every release)

from finpat.adverts.normalise import email_key, handle_key, phone_keys, url_key
from finpat.adverts.rarity import rarity
from finpat.ledger import IS_OWN_ACT, NO_PARTY, Ledger, effective_part
from finpat.networks.persons import persons_of
from finpat.places import normalised

if TYPE_CHECKING:
    from finpat.adverts.adverts import Adverts

CONTACT_KINDS = ("phone", "email", "address")
IDENTIFIER_KINDS = ("holder", *CONTACT_KINDS, "device", "wallet", "url", "handle")
_ONE_DIGIT = r"^\D*(?:" + "|".join(rf"{digit}[{digit}\D]*" for digit in range(10)) + ")$"
FEWEST_DIGITS = 7  # of a telephone number; fewer are an extension or a placeholder
EVIDENCE_ROWS = 10  # rows kept of one use, the oldest


def account_phones(numbers: pl.Series, countries: pl.Series) -> pl.Series:
    """Telephone numbers of accounts as `adverts.normalise.phone_keys`, read by the plan of the country.

    Null where one has too few digits, or only one digit, to be anybody's.
    """
    told = pl.DataFrame({"key": phone_keys(numbers, countries), "written": numbers.cast(pl.String)})
    digits = pl.col("key").str.replace_all(r"\D", "")
    one_digit = pl.any_horizontal(pl.col("key", "written").str.contains(_ONE_DIGIT))
    return told.select(pl.when(digits.str.len_chars() >= FEWEST_DIGITS, ~one_digit).then("key")).to_series()


def address_key(column: pl.Expr) -> pl.Expr:
    """An address folded (case, accents, punctuation); null where it names no house: no digit, or one word."""
    text = normalised(column)
    return pl.when(text.str.contains(r"\d") & text.str.contains(" ")).then(text)


def wallet_key(column: pl.Expr) -> pl.Expr:
    """A wallet address or other funding instrument without space around it; hexadecimal in lower case."""
    text = column.str.strip_chars()
    return (
        pl.when(text.str.contains(r"^0[xX][0-9a-fA-F]{40}$"))
        .then(text.str.to_lowercase())
        .when(text != "")
        .then(text)
    )


def _trimmed(column: pl.Expr) -> pl.Expr:
    text = column.str.strip_chars()
    return pl.when(text != "").then(text)


_KEYS: dict[str, Callable[[pl.Expr], pl.Expr]] = {
    "holder": _trimmed, "email": email_key, "address": address_key, "device": _trimmed, "wallet": wallet_key,
    "url": url_key,
}  # fmt: skip


def contacts(accounts: pl.DataFrame) -> pl.DataFrame:
    """Account (row number), kind, value: the telephone numbers, e-mails and addresses that are usable.

    accounts: one row per account in the order of its code; phone, email, address where they are known;
    country is the region of numbers.
    """
    parts = [pl.DataFrame(schema={"account": pl.UInt32, "kind": pl.String, "value": pl.String})]
    numbered = accounts.with_columns(account=pl.int_range(pl.len(), dtype=pl.UInt32))
    if "phone" in accounts.columns:
        values = account_phones(accounts["phone"].cast(pl.String), _countries(accounts))
        parts.append(numbered.select("account", kind=pl.lit("phone"), value=values))
    parts += [
        numbered.select("account", kind=pl.lit(kind), value=_KEYS[kind](pl.col(kind).cast(pl.String)))
        for kind in ("email", "address")
        if kind in accounts.columns
    ]
    return pl.concat(parts).drop_nulls("value").sort("kind", "value", "account")


def _countries(accounts: pl.DataFrame) -> pl.Series:
    if "country" in accounts.columns:
        return accounts["country"].cast(pl.String)
    return pl.repeat(None, accounts.height, dtype=pl.String, eager=True)


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


USE: dict[str, pl.DataType | type[pl.DataType]] = {
    "kind": pl.String, "value": pl.String, "account": pl.UInt32, "ad": pl.UInt32, "how": pl.String,
    "count": pl.Int64, "first_at": pl.Datetime("us"), "last_at": pl.Datetime("us"),
    "rows": pl.List(pl.UInt32), "payment_ids": pl.List(pl.String),
}  # fmt: skip
# What a use rests on.
STATED = "stated"  # by the accounts file, or shown by the advert
MAY_USE = "authorised"  # the accounts file names who may use the account besides its holder
REACHED_FOR = "access"  # the number tried to reach the account
PAID_FROM = "payments"  # the device or wallet of the account's own payments
PAYER = "payer"  # whoever paid for an advert gave it


def _of_uses(frame: pl.DataFrame) -> pl.DataFrame:
    """`frame` with the columns of USE, those it lacks as nulls."""
    absent = {name: dtype for name, dtype in USE.items() if name not in frame.columns}
    filled = frame.with_columns(pl.lit(None, dtype).alias(name) for name, dtype in absent.items())
    return filled.select(pl.col(name).cast(dtype) for name, dtype in USE.items()).drop_nulls("value")


def identifier_uses(ledger: Ledger, adverts: Adverts | None, ad_payments: pl.DataFrame) -> pl.DataFrame:
    """Who uses which identifier, and what says so; one row per kind, value, user and `how`, sorted.

    Columns: kind (IDENTIFIER_KINDS), value (normalised), account (code) or ad (position in `adverts.ads`),
    how, count (rows that say so), first_at and last_at (of the account's or the value's rows, or of the
    adverts), rows (of the ledger, the oldest), payment_ids (of ad_payments).
    ad_payments: of the store's table; it ties the payer's contacts to account and advert. Devices and wallets
    are those of payments that took effect.
    """
    ledger = effective_part(ledger)
    uses = pl.concat([_of_uses(part) for part in _uses(ledger, adverts, ad_payments)])
    return uses.sort("kind", "value", "account", "ad", "how", nulls_last=True)


def _uses(ledger: Ledger, adverts: Adverts | None, ad_payments: pl.DataFrame) -> Iterator[pl.DataFrame]:
    accounts = ledger.accounts.with_columns(account=pl.int_range(pl.len(), dtype=pl.UInt32))
    used = accounts.select("account", "first_at", "last_at")
    stated = [contacts(ledger.accounts).with_columns(how=pl.lit(STATED))]
    if "holder_id" in accounts.columns:
        holder = _trimmed(pl.col("holder_id").cast(pl.String))
        stated.append(accounts.select("account", kind=pl.lit("holder"), value=holder, how=pl.lit(STATED)))
    for name, kind, how in (
        ("authorised_users", "holder", MAY_USE),
        ("access_phones", "phone", REACHED_FOR),
    ):
        if name in accounts.columns:
            stated.append(_listed(accounts, name, kind, how))
    columns = ["account", "kind", "value", "how"]
    yield (
        pl.concat([part.select(columns) for part in stated])
        .unique()
        .join(used, on="account")
        .with_columns(count=pl.lit(1))
    )
    yield _of_legs(ledger, "device")
    yield _of_legs(ledger, "wallet")
    if adverts is not None:
        posted = adverts.ads.select("ad", first_at="posted_at", last_at="posted_at")
        told = adverts.contacts.select("ad", "value", pl.col("kind").cast(pl.String), how=pl.lit(STATED))
        yield told.join(posted, on="ad").with_columns(count=pl.lit(1))
    yield from _of_payers(ledger, adverts, ad_payments)


def _listed(accounts: pl.DataFrame, name: str, kind: str, how: str) -> pl.DataFrame:
    """Uses by the ids or numbers of a list in one cell."""
    each = (
        accounts.select("account", *(["country"] if "country" in accounts.columns else []), entry=dated_list(
            pl.col(name).cast(pl.String)))
        .explode("entry", empty_as_null=True)
        .drop_nulls("entry")
        .with_columns(value=pl.col("entry").struct.field("value"))
    )  # fmt: skip
    if kind == "phone":
        each = each.with_columns(value=account_phones(each["value"], _countries(each)))
    return each.select("account", "value", kind=pl.lit(kind), how=pl.lit(how))


def _of_legs(ledger: Ledger, kind: str) -> pl.DataFrame:
    """Devices that an account acted with, or wallets on the other side of its crypto payments."""
    legs = ledger.legs.lazy()
    if kind == "device":
        if "device_id" not in ledger.legs.columns:
            return pl.DataFrame(schema={"value": pl.String})
        chosen = legs.filter(pl.col("device_id").is_not_null(), IS_OWN_ACT)
        code = pl.col("device_id").cast(pl.String)
    else:
        held = ledger.parties.is_in(ledger.accounts["account_id"].implode())
        outside = pl.Series("outside", ~held)
        chosen = legs.filter(pl.col("channel") == "crypto", pl.col("counterparty") != int(NO_PARTY)).filter(
            pl.lit(outside).gather(pl.col("counterparty"))
        )
        code = pl.col("counterparty")
    grouped = (
        chosen.group_by("account", code=code)
        .agg(
            count=pl.len(),
            first_at=pl.col("booked_at").min(),
            last_at=pl.col("booked_at").max(),
            rows=pl.col("row").sort_by("booked_at", "row").head(EVIDENCE_ROWS),
        )
        .collect()
    )
    value = grouped["code"] if kind == "device" else ledger.parties.gather(grouped["code"])
    return grouped.with_columns(value=value, kind=pl.lit(kind), how=pl.lit(PAID_FROM)).with_columns(
        value=_KEYS[kind](pl.col("value").cast(pl.String))
    )


def _of_payers(ledger: Ledger, adverts: Adverts | None, ad_payments: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """What payers of adverts gave, tied to the account and to the advert that the payment names."""
    if ad_payments.is_empty():
        return
    codes = ledger.accounts.select("account_id", account=pl.int_range(pl.len(), dtype=pl.UInt32))
    named = ad_payments
    for name in ("account_id", "ad_id"):
        if name not in named.columns:
            named = named.with_columns(pl.lit(None, pl.String).alias(name))
    named = named.join(codes, on="account_id", how="left")
    if adverts is None:
        named = named.with_columns(ad=pl.lit(None, pl.UInt32), country=pl.lit(None, pl.String))
    else:
        named = named.join(adverts.ads.select("ad_id", "ad", "country"), on="ad_id", how="left")
    for column, kind in (("phone", "phone"), ("email", "email"), ("payer_reference", "wallet")):
        if column not in named.columns:
            continue
        text = named[column].cast(pl.String)
        value = (
            account_phones(text, named["country"])
            if kind == "phone"
            else text.to_frame("text").select(_KEYS[kind](pl.col("text"))).to_series()
        )
        given = named.with_columns(value=value, kind=pl.lit(kind), how=pl.lit(PAYER))
        for user in ("account", "ad"):
            yield (
                given.drop_nulls([user, "value"])
                .sort("paid_at", "payment_id")
                .group_by("kind", "value", user, "how", maintain_order=True)
                .agg(
                    count=pl.len(),
                    first_at=pl.col("paid_at").min(),
                    last_at=pl.col("paid_at").max(),
                    payment_ids=pl.col("payment_id").head(EVIDENCE_ROWS),
                )
            )


def identifier_id(kind: pl.Expr, value: pl.Expr) -> pl.Expr:
    """Name of an identifier that stays the same in every run: its kind and a hash of its normalised value.

    It hides the value from a reader's eye and from nobody who can guess it.
    """
    told = pl.concat_str(kind, pl.lit("\x1f"), value)
    digest = told.chash.sha2_256().str.slice(0, 16)  # type: ignore[attr-defined]
    return pl.format("{}:{}", kind, digest)


def identifier_tables(
    uses: pl.DataFrame, ledger: Ledger, adverts: Adverts | None, transaction_ids: pl.Series
) -> dict[str, pl.DataFrame]:
    """Frames of the read model: identifiers, identifier_uses, identifier_values (without `shape`).

    transaction_ids: by the ledger's `row`.
    """
    distinct = uses.select("kind", "value").unique(maintain_order=True)
    distinct = distinct.with_columns(identifier_id=identifier_id(pl.col("kind"), pl.col("value")))
    named = uses.join(distinct, on=["kind", "value"], maintain_order="left").with_columns(
        person=pl.Series(persons_of(ledger.accounts)).gather(uses["account"])
    )
    if adverts is not None:
        ads = adverts.ads.select("ad_id", poster=pl.coalesce("cluster", "ad_id"))[uses["ad"]]
        named = named.hstack(ads)
    else:
        named = named.with_columns(ad_id=pl.lit(None, pl.String), poster=pl.lit(None, pl.String))
    counted = named.group_by("identifier_id").agg(
        account_count=pl.col("account").drop_nulls().n_unique(),
        person_count=pl.col("person").drop_nulls().n_unique(),
        ad_count=pl.col("ad").drop_nulls().n_unique(),
        poster_count=pl.col("poster").drop_nulls().n_unique(),
    )
    shared_by = pl.col("person_count") + pl.col("poster_count")
    row = named.select("rows").with_row_index("use").explode("rows", empty_as_null=True).drop_nulls("rows")
    behind = (
        row.with_columns(id=transaction_ids.cast(pl.String).gather(row["rows"]))
        .group_by("use")
        .agg(ids=pl.col("id").unique(maintain_order=True))
    )
    evidence = (
        named.with_row_index("use")
        .join(behind, on="use", how="left", maintain_order="left")
        .select(evidence=pl.coalesce("ids", "payment_ids"))
    )
    return {
        "identifiers": distinct.join(counted, on="identifier_id", maintain_order="left")
        .with_columns(shared_by=shared_by)
        .with_columns(weight=rarity(pl.col("shared_by"))),
        "identifier_values": distinct.select("identifier_id", "value"),
        "identifier_uses": named.select(
            "identifier_id", "ad_id", "how", "count", "first_at", "last_at",
            account_id=ledger.accounts["account_id"].cast(pl.String).gather(uses["account"]),
        ).hstack(evidence),
    }  # fmt: skip


def written_forms(value: str, countries: list[str]) -> pl.DataFrame:
    """kind, value: every identifier that a text may stand for, in the form that identifiers have.

    countries: ISO 3166-1 alpha-2, by whose numbering plans a number without country code is read.
    """
    text = pl.DataFrame({"text": [value]})
    forms = {kind: text.select(key(pl.col("text"))).item() for kind, key in _KEYS.items()}
    forms["handle"] = text.select(handle_key(pl.col("text"))).item()
    regions = [None, *countries]
    numbers = account_phones(
        pl.Series([value] * len(regions), dtype=pl.String), pl.Series(regions, dtype=pl.String)
    )
    told = [{"kind": kind, "value": form} for kind, form in forms.items() if form is not None]
    told += [{"kind": "phone", "value": number} for number in numbers.drop_nulls()]
    return pl.DataFrame(told, schema={"kind": pl.String, "value": pl.String}).unique(maintain_order=True)
