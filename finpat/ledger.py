"""The ledger: every leg of every held account, in memory, in the order that all stages share.

Stages (features, indicators, detection) read a `Ledger` and nothing else. Its order is total and does not depend on
the order of the input rows: accounts by id, legs by (account, booked_at, row_key, debit before credit).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import polars as pl

from finpat.schemas import CHANNEL_DTYPE

NO_PARTY = np.uint32(0xFFFFFFFF)  # counterparty code of a leg whose other side is unknown

# Optional leg columns: carried when a source had them, absent otherwise.
PLACE_COLUMNS = ("city", "country", "merchant_category", "branch_id", "device_id", "conductor_id", "status")


@dataclass(frozen=True)
class Ledger:
    """Legs of every held account up to `as_of`.

    accounts: row i is account code i, sorted by account_id. Columns: account_id, currency (most legs; ties by code),
        leg_count, first_at, last_at, and those columns of the accounts table that were loaded (null where unknown).
    parties: String, sorted; code -> id of everything seen as account or counterparty.
    legs: one row per leg. Columns:
        account UInt32            code in `accounts`
        booked_at Datetime[us]    UTC, naive
        is_credit Boolean         into the account
        amount_minor Int64        in the leg's own currency (money.decimals_of)
        account_minor Int64?      in the account's currency; null where no rate is known
        counterparty UInt32       code in `parties`, NO_PARTY where unknown
        channel Enum(CHANNELS)
        has_time Boolean          False: only the date is known; hour-of-day features skip the leg
        local_day Int32           days since 1970-01-01 on the wall clock of the place (else of the reporting zone)
        local_hour Int8?          0..23 on the wall clock of the place; null if the place or the time is unknown
        row UInt32                position in the payments frame the ledger was built from (evidence look-up)
        currency Enum?            only where the data has more than one currency
        city, country, merchant_category, branch_id, device_id, conductor_id (who stood at the counter), status (booked,
        declined, reversed, ...) Categorical?   only where a source had them
    offsets: Int64, len(accounts)+1; the legs of account i are legs[offsets[i]:offsets[i+1]].
    """

    accounts: pl.DataFrame
    parties: pl.Series
    legs: pl.DataFrame
    offsets: npt.NDArray[np.int64]
    unconverted: int = 0  # legs without account_minor: their currency has no rate to the account's
    present: frozenset[str] = field(default_factory=frozenset)  # optional columns with at least one value

    @property
    def account_count(self) -> int:
        """Number of held accounts."""
        return self.accounts.height

    def column(self, name: str) -> npt.NDArray[np.generic]:
        """The leg column `name` as a NumPy array, without a copy where the dtype allows it."""
        series = self.legs[name]
        if name == "channel":
            series = series.to_physical()
        if series.dtype == pl.Datetime("us"):
            series = series.cast(pl.Int64)
        return series.to_numpy()


def local_clock(payments: pl.LazyFrame, reporting_zone: str) -> pl.LazyFrame:
    """Add local_day and local_hour (see Ledger) from booked_at, has_time and the optional local_zone."""
    columns = payments.collect_schema().names()
    if "local_zone" not in columns:
        payments = payments.with_columns(local_zone=pl.lit(None, pl.String))
    at = pl.col("booked_at")

    def wall(zone: str) -> pl.Expr:
        if zone == "UTC":
            return at
        return at.dt.replace_time_zone("UTC").dt.convert_time_zone(zone).dt.replace_time_zone(None)

    zones = payments.select(pl.col("local_zone").unique()).collect().to_series().drop_nulls().sort().to_list()
    timed = wall(reporting_zone)
    for zone in zones:
        timed = pl.when(pl.col("local_zone") == zone).then(wall(zone)).otherwise(timed)
    # A date without a time is already a local date: it must not be moved by a zone.
    clock = pl.when(pl.col("has_time")).then(timed).otherwise(at)
    return (
        payments.with_columns(_clock=clock)
        .with_columns(
            local_day=pl.col("_clock").dt.epoch("d").cast(pl.Int32),
            local_hour=pl.when(pl.col("has_time") & pl.col("local_zone").is_not_null()).then(
                pl.col("_clock").dt.hour().cast(pl.Int8)
            ),
        )
        .drop("_clock")
    )


def build_ledger(
    payments: pl.DataFrame, accounts: pl.DataFrame | None = None, *, reporting_zone: str = "UTC"
) -> Ledger:
    """Expand stored payments into legs in the ledger's order.

    payments: booked_at, has_time, account_id, counterparty_id, direction, amount_minor, currency, channel, mirrored,
        row_key, and optionally local_zone and PLACE_COLUMNS. accounts: rows of the accounts table.
    """
    optional = [name for name in PLACE_COLUMNS if name in payments.columns and payments[name].null_count() < payments.height]
    present = frozenset(optional)
    base = (
        local_clock(payments.lazy().with_row_index("row"), reporting_zone)
        .select(
            "row", "booked_at", "has_time", "account_id", "counterparty_id", "amount_minor", "currency", "mirrored",
            "row_key", "local_day", "local_hour",
            is_credit=pl.col("direction").cast(pl.String) == "credit",
            channel=pl.col("channel").cast(pl.String).cast(CHANNEL_DTYPE),
            *[pl.col(name).cast(pl.String).cast(pl.Categorical) for name in optional],
        )
    )  # fmt: skip
    mirror = base.filter("mirrored").with_columns(
        account_id="counterparty_id", counterparty_id="account_id", is_credit=~pl.col("is_credit")
    )
    legs = pl.concat([base, mirror]).drop("mirrored").collect()

    held = legs["account_id"].unique().sort()
    parties = pl.concat([held, legs["counterparty_id"].drop_nulls()]).unique().sort()
    accounts_dtype, parties_dtype = pl.Enum(held), pl.Enum(parties)
    legs = (
        legs.with_columns(
            account=pl.col("account_id").cast(accounts_dtype).to_physical().cast(pl.UInt32),
            counterparty=pl.col("counterparty_id").cast(parties_dtype).to_physical().cast(pl.UInt32).fill_null(int(NO_PARTY)),
        )
        .drop("account_id", "counterparty_id")
        .sort("account", "booked_at", "row_key", "is_credit")
        .drop("row_key")
    )
    currencies = (
        legs.group_by("account", "currency").len()
        .sort("account", "len", "currency", descending=[False, True, False])
        .group_by("account", maintain_order=True).first()
        .select("account", account_currency="currency")
    )  # fmt: skip
    legs = legs.join(currencies, on="account", how="left", maintain_order="left").with_columns(
        account_minor=pl.when(pl.col("currency") == pl.col("account_currency")).then("amount_minor")
    )
    summary = (
        legs.group_by("account")
        .agg(leg_count=pl.len(), first_at=pl.col("booked_at").min(), last_at=pl.col("booked_at").max())
        .join(currencies, on="account")
        .sort("account")
        .select(account_id=pl.Series("account_id", held), currency="account_currency", leg_count="leg_count",
                first_at="first_at", last_at="last_at")
    )  # fmt: skip
    if accounts is not None:
        summary = summary.join(accounts, on="account_id", how="left", maintain_order="left")
    offsets = np.concatenate([[0], np.cumsum(summary["leg_count"].to_numpy())]).astype(np.int64)
    many = legs["currency"].n_unique() > 1
    legs = legs.with_columns(pl.col("currency").cast(pl.Enum(legs["currency"].unique().sort())))
    order = [
        "account", "booked_at", "is_credit", "amount_minor", "account_minor", "counterparty", "channel", "has_time",
        "local_day", "local_hour", "row", *(["currency"] if many else []), *optional,
    ]  # fmt: skip
    return Ledger(
        accounts=summary,
        parties=parties,
        legs=legs.select(order),
        offsets=offsets,
        unconverted=legs["account_minor"].null_count(),
        present=present,
    )
