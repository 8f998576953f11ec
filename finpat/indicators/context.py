"""What an indicator's function may look at: legs, accounts, persons, thresholds, peers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl

from finpat.config import Settings
from finpat.indicators.thresholds import Thresholds, Use
from finpat.ledger import NO_PARTY, Ledger
from finpat.money import decimals_of

# Words that sources write for a booking that did not take effect, or was taken back. Such legs count nowhere,
# except
# where an indicator asks for them.
NOT_EFFECTIVE = (
    "declined",
    "cancelled",
    "canceled",
    "rejected",
    "failed",
    "reversed",
    "reversal",
    "refunded",
    "chargeback",
    "void",
    "voided",
    "returned",
)
REFUSED = ("declined", "cancelled", "canceled", "rejected", "failed", "void", "voided")

CASH_CHANNELS = ("cash", "atm")
CAPPED_CHANNELS = ("atm", "p2p", "wallet", "prepaid")  # networks set limits per payment here
SMALLEST_PEER_GROUP = 30  # smaller groups have no stable median or spread

IS_CASH = pl.col("channel").is_in(CASH_CHANNELS)
IS_CREDIT = pl.col("is_credit")


def days(count: float) -> int:
    """Microseconds of `count` days."""
    return round(count * 86_400_000_000)


def hours(count: float) -> int:
    """Microseconds of `count` hours."""
    return round(count * 3_600_000_000)


@dataclass(frozen=True)
class Context:
    """The data of one evaluation.

    find_parameters: parameters in force of another indicator, by id; some definitions build on others.
    """

    ledger: Ledger
    features: pl.DataFrame
    settings: Settings
    thresholds: Thresholds
    find_parameters: Callable[[str], Any]
    _cache: dict[Any, Any] = field(default_factory=dict, compare=False)

    def once(self, key: Any, build: Callable[[], Any]) -> Any:
        """`build()`, computed once for this evaluation and shared by the indicators that need it."""
        if key not in self._cache:
            self._cache[key] = build()
        return self._cache[key]

    @cached_property
    def accounts(self) -> pl.DataFrame:
        """Held accounts with `account` (code, UInt32) and the columns that holders' data lacks as nulls."""
        frame = self.ledger.accounts.with_row_index("account")
        absent = {
            "holder_id": pl.String,
            "holder_type": pl.String,
            "opened_on": pl.Date,
            "country": pl.String,
        }
        return frame.with_columns(
            pl.lit(None, dtype).alias(name) for name, dtype in absent.items() if name not in frame.columns
        )

    @cached_property
    def persons(self) -> np.ndarray[Any, np.dtype[np.uint32]]:
        """Account code -> person: the smallest code of the holder's accounts; unknown holder: itself."""
        codes = self.accounts.select(
            pl.when(pl.col("holder_id").is_not_null())
            .then(pl.col("account").min().over("holder_id"))
            .otherwise("account")
        )
        return codes.to_series().to_numpy().astype(np.uint32)

    @cached_property
    def party_of_account(self) -> np.ndarray[Any, np.dtype[np.uint32]]:
        """Account code -> its code among the ledger's parties."""
        parties = self.ledger.parties
        codes = pl.DataFrame({"account_id": parties}).with_row_index("party")
        joined = (
            self.accounts.select("account", "account_id")
            .join(codes, on="account_id", how="left")
            .sort("account")
        )
        return joined["party"].to_numpy().astype(np.uint32)

    @cached_property
    def own_accounts(self) -> pl.DataFrame:
        """Pairs (account, counterparty) of one holder: money between them has not moved."""
        known = self.accounts.filter(pl.col("holder_id").is_not_null()).select("account", "holder_id")
        shared = known.filter(pl.len().over("holder_id") > 1)
        parties = pl.DataFrame(
            {
                "other": np.arange(self.ledger.account_count, dtype=np.uint32),
                "counterparty": self.party_of_account,
            }
        )
        return (
            shared.join(shared.rename({"account": "other"}), on="holder_id")
            .filter(pl.col("account") != pl.col("other"))
            .join(parties, on="other")
            .select("account", "counterparty")
            .sort("account", "counterparty")
        )

    def has(self, column: str) -> bool:
        """Whether the data knows `column`: an optional leg or account column, `time` or `local_hour`."""
        legs = self.ledger.legs
        if column == "time":
            return bool(legs["has_time"].any())
        if column in legs.columns:
            return legs[column].null_count() < legs.height
        accounts = self.ledger.accounts
        return column in accounts.columns and accounts[column].null_count() < accounts.height

    def legs(
        self, where: pl.Expr, *columns: str, person: bool = False, effective: bool = True, own: bool = True
    ) -> pl.DataFrame:
        """The legs that `where` keeps, in order of (subject, booked_at, ledger order).

        Always has subject, account, booked_at, row and currency (String); `columns` are added. subject is the
        account or, with `person`, the person who holds it and the currency in one code, so that sums never
        mix currencies. Legs whose status says that they did not take effect are left out while `effective`;
        transfers between accounts of one holder are left out unless `own`.
        """
        lazy = self.ledger.legs.lazy()
        if "currency" not in self.ledger.legs.columns:
            codes = self.ledger.accounts["currency"].cast(pl.String)
            lazy = lazy.with_columns(currency=pl.lit(codes[0] if len(codes) else None, pl.String))
        if effective and "status" in self.ledger.legs.columns:
            word = pl.col("status").cast(pl.String).str.strip_chars().str.to_lowercase()
            lazy = lazy.filter(~word.is_in(NOT_EFFECTIVE).fill_null(False))
        wanted = list(dict.fromkeys(["account", "booked_at", "row", "currency", *columns]))
        legs = lazy.with_row_index("_order").filter(where)
        pairs = pl.DataFrame() if own else self.own_accounts
        if pairs.height:
            legs = legs.join(pairs.lazy(), on=["account", "counterparty"], how="anti")
        frame = legs.select("_order", *wanted).collect()
        frame = frame.with_columns(pl.col("currency").cast(pl.String))
        if not person:
            return frame.sort("_order").drop("_order").with_columns(subject="account")
        holder = pl.Series("subject", self.persons[frame["account"].to_numpy()])
        return frame.with_columns(self.coded(holder)).sort("subject", "booked_at", "_order").drop("_order")

    def coded(self, who: pl.Series | pl.Expr) -> pl.Expr:
        """`who` (any code) and the leg's currency as one code named subject."""
        code = pl.lit(who) if isinstance(who, pl.Series) else who
        code = code.cast(pl.UInt64)
        if len(self.currencies) > 1:
            number = pl.col("currency").replace_strict(
                self.currencies, range(len(self.currencies)), return_dtype=pl.UInt64
            )
            code = code * len(self.currencies) + number
        return code.alias("subject")

    @cached_property
    def currencies(self) -> list[str]:
        """Currencies of the data, sorted."""
        legs = self.ledger.legs
        column = legs["currency"] if "currency" in legs.columns else self.ledger.accounts["currency"]
        found: list[str] = column.cast(pl.String).unique().drop_nulls().sort().to_list()
        return found

    def minor_per_unit(self) -> pl.Expr:
        """Minor units in one unit of the leg's currency."""
        units = {code: 10 ** decimals_of(code) for code in self.currencies}
        return pl.col("currency").replace_strict(units, return_dtype=pl.Int64)

    def with_limit(self, legs: pl.DataFrame, use: Use) -> pl.DataFrame:
        """Add the legal threshold of each leg and `is_reportable`: caught alone (null: no rule).

        See `Thresholds.attach` for the other columns.
        """
        return self.thresholds.attach(legs, use).with_columns(
            is_reportable=pl.col("amount_minor") >= pl.col("reportable_from_minor")
        )

    def without_limit(self, legs: pl.DataFrame, at_least: int) -> pl.DataFrame:
        """Accounts with `at_least` legs (of `with_limit`) in a currency without a known threshold."""
        return (
            legs.filter(pl.col("limit_minor").is_null())
            .group_by("account", "currency")
            .len()
            .filter(pl.col("len") >= at_least)
            .select("account", missing_field=pl.format("legal threshold for {}", "currency"))
        )

    def without_caps(self, legs: pl.DataFrame, sharing: int) -> pl.DataFrame:
        """`legs` with is_cap: whether the amount is the per-payment limit of its network, not a choice.

        The largest amount of a capped channel (per currency and direction) is taken for its limit when at
        least `sharing` accounts reach exactly that amount. Needs the columns channel, is_credit and
        amount_minor.
        """
        caps = self.once(("caps", sharing), lambda: self._caps(sharing))
        key = ["channel", "currency", "is_credit", "amount_minor"]
        if not caps.height:
            return legs.with_columns(is_cap=pl.lit(False))
        return legs.join(caps, on=key, how="left", maintain_order="left").with_columns(
            pl.col("is_cap").fill_null(False)
        )

    def _caps(self, sharing: int) -> pl.DataFrame:
        legs = self.legs(pl.col("channel").is_in(CAPPED_CHANNELS), "channel", "is_credit", "amount_minor")
        group = ["channel", "currency", "is_credit"]
        return (
            legs.filter(pl.col("amount_minor") == pl.col("amount_minor").max().over(group))
            .group_by(*group, "amount_minor")
            .agg(pl.col("account").n_unique().alias("accounts"))
            .filter(pl.col("accounts") >= sharing)
            .select(*group, "amount_minor", is_cap=pl.lit(True))
        )

    def peer_groups(self) -> pl.DataFrame:
        """account, peer_group: holder type x age of the account.

        Ages are measured at the last booking of the data, in the bands that dormancy practice uses (up to 3,
        6 and 12 months, older, unknown). Unknown holder types are a group of their own.
        """
        last = self.ledger.accounts["last_at"].max()
        age = (pl.lit(last).cast(pl.Date) - pl.col("opened_on")).dt.total_days()
        band = (
            pl.when(age < 91)
            .then(pl.lit("3m"))
            .when(age < 182)
            .then(pl.lit("6m"))
            .when(age < 365)
            .then(pl.lit("12m"))
            .when(age.is_not_null())
            .then(pl.lit("older"))
            .otherwise(pl.lit("?"))
        )
        kind = pl.col("holder_type").cast(pl.String).fill_null("?")
        return self.accounts.select("account", peer_group=pl.format("{}|{}", kind, band))

    def peer_spread(self, values: pl.DataFrame) -> pl.DataFrame:
        """Median and spread of an amount among peers, never mixing currencies.

        values: account, currency, x (one row per account and currency that has the thing measured). Returns
        peer_group, currency, peers (how many), peer_median, peer_spread (1.4826 x median absolute deviation).
        """
        key = ["peer_group", "currency"]
        return (
            values.join(self.peer_groups(), on="account")
            .with_columns(peer_median=pl.col("x").median().over(key))
            .group_by(key)
            .agg(
                peers=pl.len(),
                peer_median=pl.col("peer_median").first(),
                peer_spread=1.4826 * (pl.col("x") - pl.col("peer_median")).abs().median(),
            )
        )

    def counterparty_known(self) -> pl.Expr:
        """Whether the other side of a leg is known, and is not cash."""
        cash = self.ledger.parties.index_of("CASH")
        known = pl.col("counterparty") != int(NO_PARTY)
        return known if cash is None else known & (pl.col("counterparty") != cash)

    def is_cash_party(self) -> pl.Expr:
        """Whether the other side of a leg is cash."""
        cash = self.ledger.parties.index_of("CASH")
        return pl.lit(False) if cash is None else pl.col("counterparty") == cash
