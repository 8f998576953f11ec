"""The tables that finpat reads and keeps: one declaration for each, the source of the data dictionary.

A source row of `transactions` is stored once. Where an export shows both sides of a payment and the
institution holds both accounts, the row is `mirrored`: it stands for two legs, the written one and its
mirror (account and counterparty swapped, direction turned). `ledger.build_ledger` and the read model expand
it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import polars as pl

CHANNELS = (
    "cash", "atm", "card", "prepaid", "transfer", "p2p", "wallet", "crypto", "cheque", "fee", "other",
)  # fmt: skip
BETWEEN_PERSONS = ("transfer", "p2p", "wallet", "crypto", "cheque", "other")  # the other side may be a person
DIRECTIONS = ("credit", "debit")
STATUSES = ("booked", "pending", "failed", "reversed")
# Words for a booking that has not taken effect, or was taken back: its money has not moved. The stored states
# and what a ledger made elsewhere may call them.
NOT_EFFECTIVE = (
    "pending", "failed", "declined", "cancelled", "canceled", "rejected", "void", "voided",
    "reversed", "reversal", "refunded", "chargeback", "returned",
)  # fmt: skip
TIME_PRECISIONS = ("second", "day")
CASH = "CASH"  # counterparty_id of a payment whose other side is cash

Kind = Literal["text", "instant", "date", "decimal", "choice", "flag"]


@dataclass(frozen=True)
class Column:
    """One column of a canonical table."""

    name: str
    kind: Kind
    doc: str
    required: bool = False
    choices: tuple[str, ...] = ()


@dataclass(frozen=True)
class Table:
    """One canonical table: its columns in order, and the columns that name a row."""

    name: str
    doc: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]

    def column(self, name: str) -> Column:
        """The column called `name`. Raises KeyError if the table has none."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)

    @property
    def names(self) -> tuple[str, ...]:
        """Column names in order."""
        return tuple(column.name for column in self.columns)

    @property
    def required(self) -> tuple[str, ...]:
        """Names of the columns that must have a value in every row."""
        return tuple(column.name for column in self.columns if column.required)


TRANSACTIONS = Table(
    "transactions",
    "One row per leg, as seen from an account that the institution holds.",
    ("transaction_id", "account_id", "direction"),
    (
        Column(
            "transaction_id",
            "text",
            "The source's own id, else a hash of the content and its occurrence.",
            True,
        ),
        Column("booked_at", "instant", "When it took effect (UTC).", True),
        Column("time_precision", "choice", "`day` where the source has only a date.", True, TIME_PRECISIONS),
        Column("account_id", "text", "The account whose statement this is.", True),
        Column("direction", "choice", "Into (`credit`) or out of (`debit`) account_id.", True, DIRECTIONS),
        Column("amount", "decimal", "Positive, in the row's own currency.", True),
        Column("currency", "text", "ISO 4217 code or crypto ticker.", True),
        Column("counterparty_id", "text", "Other side: account, wallet address, card merchant id, or CASH."),
        Column("counterparty_name", "text", "Name of the other side."),
        Column("channel", "choice", "How the money moved.", True, CHANNELS),
        Column("merchant_category", "text", "ISO 18245 merchant category code, four digits."),
        Column("description", "text", "Free text of the booking."),
        Column("city", "text", "Where it happened."),
        Column("country", "text", "Where it happened (ISO 3166-1 alpha-2)."),
        Column("device_id", "text", "Device that started the payment."),
        Column("branch_id", "text", "Branch or terminal."),
        Column("ip", "text", "Network address that started the payment."),
        Column("conductor_id", "text", "Who stood at the counter or machine: a person, not an account."),
        Column(
            "status",
            "choice",
            "State of the booking, null for booked. Only booked rows count in features and indicators.",
            False,
            STATUSES,
        ),
        Column("balance_after", "decimal", "Balance of account_id after this row."),
    ),
)

ACCOUNTS = Table(
    "accounts",
    "One row per account that the institution holds. One seen only in transactions is analysed all the same.",
    ("account_id",),
    (
        Column("account_id", "text", "The account.", True),
        Column("holder_id", "text", "The customer who holds it."),
        Column("holder_name", "text", "The customer's name (personal data: masked by default)."),
        Column("holder_type", "choice", "Natural person or business.", False, ("person", "business")),
        Column("opened_on", "date", "First day of the account."),
        Column("closed_on", "date", "Last day of the account."),
        Column("phone", "text", "Telephone (personal data)."),
        Column("email", "text", "E-mail (personal data)."),
        Column("address", "text", "Postal address (personal data)."),
        Column("country", "text", "Country of the address (ISO 3166-1 alpha-2)."),
        Column("occupation", "text", "Stated occupation."),
        Column("declared_monthly_income", "decimal", "Stated income per month."),
        Column("employer", "text", "Stated employer."),
        Column("introducer", "text", "Who introduced the customer or opened the account with them."),
        Column(
            "authorised_users",
            "text",
            "Who may use it besides the holder: ids joined by `;`, each with the day it was added where that "
            "is known (`C7@2026-01-31;C9`).",
        ),
        Column(
            "access_phones",
            "text",
            "Telephone numbers that tried to reach the account, as `number@2026-01-31` joined by `;` "
            "(personal data).",
        ),
    ),
)

ADS = Table(
    "ads",
    "One row per online advert.",
    ("ad_id",),
    (
        Column("ad_id", "text", "The platform's id of the advert.", True),
        Column("platform", "text", "Where it was posted.", True),
        Column("posted_at", "instant", "When it appeared (UTC).", True),
        Column("city", "text", "City it advertises."),
        Column("country", "text", "Country it advertises (ISO 3166-1 alpha-2)."),
        Column("phone", "text", "Contact telephone (sensitive)."),
        Column("email", "text", "Contact e-mail (sensitive)."),
        Column("url", "text", "Contact or advert address (sensitive)."),
        Column("title", "text", "Title (sensitive)."),
        Column("text", "text", "Body (sensitive)."),
        Column("price", "decimal", "Price paid for the placement."),
    ),
)

AD_PAYMENTS = Table(
    "ad_payments",
    "One row per payment for adverts, as the platform or its processor exports it.",
    ("payment_id",),
    (
        Column("payment_id", "text", "The source's id of the payment.", True),
        Column("paid_at", "instant", "When it was paid (UTC).", True),
        Column("platform", "text", "Platform paid.", True),
        Column("amount", "decimal", "Positive, in the row's own currency.", True),
        Column("currency", "text", "ISO 4217 code or crypto ticker.", True),
        Column("payer_reference", "text", "Card token, wallet address or other funding instrument."),
        Column("account_id", "text", "Account that paid, where known."),
        Column("ad_id", "text", "Advert paid for, where known."),
        Column("method", "text", "How it was paid."),
        Column("email", "text", "Payer's e-mail (personal data)."),
        Column("phone", "text", "Payer's telephone (personal data)."),
        Column("ip", "text", "Payer's network address (personal data)."),
    ),
)

LABELS = Table(
    "labels",
    "Known answers, for `finpat evaluate` only; never an input to scoring.",
    ("account_id",),
    (
        Column("account_id", "text", "The account.", True),
        Column("label", "choice", "1 for a positive.", True, ("0", "1")),
        Column("role", "text", "Role in the case."),
        Column("typology", "text", "Typology of the case; several joined by `;`."),
    ),
)

WATCHLIST = Table(
    "watchlist",
    "An investigation's starting points.",
    ("value", "kind"),
    (
        Column("value", "text", "The identifier.", True),
        Column("kind", "choice", "What the value is.", True,
               ("account", "phone", "email", "wallet", "device", "name", "address", "url")),
        Column("list_name", "text", "Which list it is on.", True),
        Column("note", "text", "Why it is on the list."),
    ),
)  # fmt: skip

TABLES = {table.name: table for table in (TRANSACTIONS, ACCOUNTS, ADS, AD_PAYMENTS, LABELS, WATCHLIST)}

# Columns of one stored transactions segment, beyond those of the table itself (see docs/architecture.md):
#   amount_minor Int64   amount as minor units (money.decimals_of) in place of `amount`
#   mirrored     Boolean counterparty_id is held too: the row stands for two legs
#   local_zone   String? IANA zone of the place where it happened, null where unknown
#   source_line  Int64   line of the source file where the row starts (row number for Parquet and JSON)
#   row_key      UInt64  xxhash64 of transaction_id (both legs of a payment share it)
#   extra        Struct? further columns of the source as text, untouched
CHANNEL_DTYPE = pl.Enum(CHANNELS)
DIRECTION_DTYPE = pl.Enum(DIRECTIONS)
