"""What an indicator's function may look at: legs, accounts, persons, thresholds, peers."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl

from finpat.adverts.adverts import Adverts
from finpat.compiled import frozen
from finpat.config import Settings
from finpat.features.base import Legs, read_legs
from finpat.indicators.slices import LEGS_AT_ONCE, Slice, cut
from finpat.indicators.thresholds import Thresholds, Use
from finpat.ledger import NO_PARTY, TEXT_COLUMNS, Ledger, effective_legs
from finpat.money import decimals_of
from finpat.networks.persons import persons_of
from finpat.schemas import CHANNEL_DTYPE, CHANNELS
from finpat.vocabulary import load_vocabulary

REFUSED = ("declined", "cancelled", "canceled", "rejected", "failed", "void", "voided")

CASH_CHANNELS = ("cash", "atm")
CAPPED_CHANNELS = ("atm", "p2p", "wallet", "prepaid")  # networks set limits per payment here
NO_LEG = 0xFFFFFFFF
SMALLEST_PEER_GROUP = 30  # smaller groups have no stable median or spread
FEW_PEERS = f"peer group of {SMALLEST_PEER_GROUP} accounts"  # what an account lacks that has fewer

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
    """The data of one evaluation, or a slice of it: some whole persons.

    What is said about the data (has, currencies, limits of networks, ...) is the same in every slice.

    find_parameters: parameters in force of another indicator, by id; some definitions build on others.
    screening: leave out early the accounts that cannot be found (screens.py); the findings are the same.
    legs_at_once: legs in one slice, about. adverts: where any are loaded; accounts in them are codes of the
    whole data. part, origin: the slice, and the context it was cut from; None for
    the whole data.
    """

    ledger: Ledger
    features: pl.DataFrame
    settings: Settings
    thresholds: Thresholds
    find_parameters: Callable[[str], Any]
    screening: bool = True
    legs_at_once: int = LEGS_AT_ONCE
    adverts: Adverts | None = None
    part: Slice | None = None
    origin: Context | None = None
    _cache: dict[Any, Any] = field(default_factory=dict, compare=False)

    @property
    def whole(self) -> Context:
        """The context of all accounts: for what is measured against everybody else."""
        return self.origin or self

    def slices(self) -> Iterator[Context]:
        """Contexts of some whole persons each, all accounts once. One context has no need of another's."""
        assert self.part is None, "a slice is not cut again"
        if self.ledger.legs.height <= self.legs_at_once:
            yield self
            return
        for part in cut(self.ledger, self.persons, self.legs_at_once):
            features = self.features[part.accounts] if self.features.height else self.features
            yield replace(self, ledger=part.ledger, features=features, part=part, origin=self, _cache={})

    def over_slices(self, key: Any, build: Callable[[Context], pl.DataFrame]) -> pl.DataFrame:
        """What `build` makes of every slice, once for the whole data; `account` is the code in the whole.

        For figures of one account (or person) against which others are held: they are built a slice at a
        time too.
        """

        def gather() -> pl.DataFrame:
            return pl.concat([part.in_whole(build(part)) for part in self.whole.slices()])

        made: pl.DataFrame = self.whole.once(key, gather)
        return made

    def in_whole(self, frame: pl.DataFrame) -> pl.DataFrame:
        """`frame` with the account's code in the whole data in place of its code in the slice."""
        if self.part is None:
            return frame
        return frame.with_columns(account=pl.Series(self.part.accounts[frame["account"].to_numpy()]))

    def here(self, frame: pl.DataFrame) -> pl.DataFrame:
        """The rows of `frame`, whose accounts are of the whole data, about this slice, with its codes."""
        if self.part is None:
            return frame
        own = pl.DataFrame({"account": self.part.accounts}).with_row_index("here")
        kept = frame.join(own, on="account", maintain_order="left")
        return kept.with_columns(account="here").drop("here")

    def of_accounts(self, values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        """`values`, one per account of the whole data, for the accounts of this slice."""
        return values if self.part is None else values[self.part.accounts]

    def of_legs(self, values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        """`values`, one per leg of the whole data, for the legs of this slice."""
        return values if self.part is None else values[self.part.legs]

    def once(self, key: Any, build: Callable[[], Any]) -> Any:
        """`build()`, computed once and shared by the indicators that need it; a slice has its own.

        For what is about everybody: `context.whole.once`.
        """
        if key not in self._cache:
            self._cache[key] = build()
        return self._cache[key]

    def note(self, line: str) -> None:
        """Keep one line about what was left out of the whole evaluation; a line is kept once."""
        self.whole.once("notes", dict)[line] = None

    @property
    def notes(self) -> tuple[str, ...]:
        """The lines kept so far, sorted."""
        return tuple(sorted(self.whole.once("notes", dict)))

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
        if self.part is not None:  # whole persons, so the smallest code is in the slice as well
            persons = self.whole.persons[self.part.accounts]
            return np.searchsorted(self.part.accounts, persons).astype(np.uint32)
        return persons_of(self.accounts)

    @cached_property
    def is_one_each(self) -> bool:
        """Whether nobody is known to hold two accounts."""
        if self.part is not None:
            return self.whole.is_one_each
        return bool((self.persons == np.arange(len(self.persons))).all())

    @cached_property
    def party_of_account(self) -> np.ndarray[Any, np.dtype[np.uint32]]:
        """Account code -> its code among the ledger's parties."""
        if self.part is not None:
            return self.of_accounts(self.whole.party_of_account)
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
        """Pairs (account, counterparty) of one person: money between them has not moved."""
        known = self.accounts.select("account", person=pl.Series(self.persons))
        shared = known.filter(pl.len().over("person") > 1)
        parties = pl.DataFrame(
            {
                "other": np.arange(self.ledger.account_count, dtype=np.uint32),
                "counterparty": self.party_of_account,
            }
        )
        return (
            shared.join(shared.rename({"account": "other"}), on="person")
            .filter(pl.col("account") != pl.col("other"))
            .join(parties, on="other")
            .select("account", "counterparty")
            .sort("account", "counterparty")
        )

    @cached_property
    def kinds(self) -> pl.Series:
        """Per leg: what it was for, as bits of finpat.vocabulary (UInt64); 0 where nothing tells."""
        if self.part is not None:  # each word is judged once, not once a slice
            legs_at = self.part.legs
            if isinstance(legs_at, slice):
                return self.whole.kinds.slice(legs_at.start, legs_at.stop - legs_at.start)
            return self.whole.kinds[legs_at]
        legs = self.ledger.legs
        texts = [legs[name] for name in TEXT_COLUMNS if name in legs.columns]
        category = legs["merchant_category"] if "merchant_category" in legs.columns else None
        if category is None and not texts:
            return pl.repeat(0, legs.height, dtype=pl.UInt64, eager=True).alias("kinds")
        return load_vocabulary(self.settings.dictionaries).kinds_of(category, texts)

    def has(self, column: str) -> bool:
        """Whether the data knows `column`.

        An optional leg or account column, `time` (of day), `local_hour`, `merchant`: anything that tells
        what a payment was for, `p2p`: anything that tells payments between persons, or `crypto`: anything
        that tells payments for crypto-assets.
        """
        if self.part is not None:
            return self.whole.has(column)
        legs = self.ledger.legs
        if column == "adverts":
            return self.adverts is not None
        if column == "p2p":
            return self.has("holder_type") or bool(legs["channel"].is_in(["p2p", "wallet"]).any())
        if column == "crypto":
            return self.has("merchant") or bool((legs["channel"] == "crypto").any())
        if column == "merchant":
            return any(self.has(name) for name in ("merchant_category", *TEXT_COLUMNS))
        if column == "time":
            return bool(legs["has_time"].any())
        if column in legs.columns:
            return legs[column].null_count() < legs.height
        accounts = self.ledger.accounts
        return column in accounts.columns and accounts[column].null_count() < accounts.height

    def screened(self, screen: Callable[[], Any]) -> np.ndarray[Any, np.dtype[np.bool_]] | None:
        """The accounts that a screen leaves; None, for all of them, where screening is off."""
        return screen() if self.screening else None

    @property
    def threads(self) -> int:
        """Threads of kernels, as set."""
        return self.settings.threads

    @cached_property
    def arrays(self) -> Legs:
        """The ledger as arrays, for kernels."""
        legs = read_legs(self.ledger)
        return legs if self.part is None else replace(legs, end=self.whole.arrays.end)

    @cached_property
    def legs_of_rows(self) -> tuple[np.ndarray[Any, np.dtype[np.uint32]], ...]:
        """Position in the ledger of each row's debit leg, and of its credit leg; NO_LEG where it has none."""
        row, credit = self.ledger.legs["row"].to_numpy(), self.arrays.credits
        sides = []
        for side in (~credit, credit):
            legs = np.full(int(row.max(initial=0)) + 1, NO_LEG, np.uint32)
            legs[row[side]] = np.flatnonzero(side)
            sides.append(legs)
        return tuple(sides)

    def by_group(self, **figures: np.ndarray[Any, Any]) -> pl.DataFrame:
        """channel, is_credit, currency and `figures`: arrays by (is_credit, channel, currency)."""
        side, channel, currency = np.indices(next(iter(figures.values())).shape).reshape(3, -1)
        return pl.DataFrame(
            {
                "channel": pl.Series(CHANNELS, dtype=CHANNEL_DTYPE).gather(channel),
                "is_credit": side.astype(np.bool_),
                "currency": pl.Series(self.currencies, dtype=self.currency_type).gather(currency),
                **{name: values.reshape(-1) for name, values in figures.items()},
            }
        )

    def no_legs(self) -> pl.DataFrame:
        """The evidence of what is about the whole data."""
        return self.ledger.legs.select("account", "booked_at", "row", subject="account").clear()

    @cached_property
    def effective(self) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """Per leg: whether it took effect, as far as its status says."""
        kept = effective_legs(self.ledger)
        return frozen(np.ones(self.ledger.legs.height, np.bool_) if kept is None else kept)

    @cached_property
    def moving(self) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """Per leg: whether it took effect and is no transfer between accounts of one holder."""
        if self.is_one_each:
            return self.effective
        person_of_party = self.whole.person_of_party
        account = self.ledger.legs["account"].to_numpy()
        party = np.minimum(self.arrays.parties, len(self.ledger.parties))
        other = person_of_party[party]
        persons = self.of_accounts(self.whole.persons)
        own = (other == persons[account]) & (party != self.party_of_account[account])
        return frozen(self.effective & ~own)

    @cached_property
    def person_of_party(self) -> np.ndarray[Any, np.dtype[np.int64]]:
        """Party code -> who holds it (person of the whole data) or -1; and one -1 for unknown parties."""
        persons = np.full(len(self.ledger.parties) + 1, -1, np.int64)
        persons[self.party_of_account] = self.persons
        return persons

    def legs(
        self,
        where: pl.Expr,
        *columns: str,
        person: bool = False,
        effective: bool = True,
        own: bool = True,
        accounts: np.ndarray[Any, np.dtype[np.bool_]] | None = None,
    ) -> pl.DataFrame:
        """The legs that `where` keeps, in order of (subject, booked_at, ledger order).

        Always has subject, account, booked_at, row and currency (Enum of the data's currencies); `columns`
        are
        added. subject is the account or, with `person`, the person who holds it and the currency in one code,
        so that sums never mix currencies. Legs whose status says that they did not take effect are left out
        while `effective`; transfers between accounts of one holder are left out unless `own`.

        accounts: one truth value per account; the legs of the others are left out. `kinds` is a column too
        (condition: finpat.vocabulary.of_kind). A column that the data lacks is left out: say it in `needs`.
        """
        wanted = list(dict.fromkeys(["account", "booked_at", "row", *columns]))
        known = self.ledger.legs.columns
        asked = set(wanted) | set(where.meta.root_names()) | ({"currency"} & set(known))
        legs = self.ledger.legs.select(name for name in known if name in asked)
        if "kinds" in asked:
            legs = legs.with_columns(self.kinds)
        if accounts is not None:
            legs = legs.filter(pl.Series(np.repeat(accounts, np.diff(self.ledger.offsets))))
        # A condition on no column at all holds for every leg.
        if where.meta.root_names():
            kept = legs.select(where.fill_null(False)).to_series()
        else:
            kept = pl.repeat(True, legs.height, eager=True)
        mask = self.effective if effective and own else self.moving if effective else None
        if mask is not None and not mask.all():
            if accounts is not None:
                mask = mask[np.repeat(accounts, np.diff(self.ledger.offsets))]
            kept = kept & pl.Series(mask)
        frame = legs.select(*(name for name in legs.columns if name in {*wanted, "currency"})).filter(kept)
        if "currency" in frame.columns:
            frame = frame.with_columns(pl.col("currency").cast(self.currency_type))
        else:
            code = pl.Series("currency", self.currencies[:1] or [None], dtype=self.currency_type)
            frame = frame.with_columns(code.new_from_index(0, frame.height))
        more = (name for name in wanted[3:] if name in frame.columns and name != "currency")
        frame = frame.select(*wanted[:3], "currency", *more)
        if not person:
            return frame.with_columns(subject="account")
        holder = pl.Series("subject", self.persons[frame["account"].to_numpy()])
        frame = frame.with_columns(self.coded(holder))
        if self.is_one_each and len(self.currencies) <= 1:
            return frame
        return frame.sort("subject", "booked_at", maintain_order=True)

    @cached_property
    def currency_type(self) -> pl.Enum:
        """Type of the column currency: the codes of the data."""
        return pl.Enum(self.currencies)

    def coded(self, who: pl.Series | pl.Expr) -> pl.Expr:
        """`who` (any code) and the leg's currency as one code named subject."""
        code = pl.lit(who) if isinstance(who, pl.Series) else who
        code = code.cast(pl.UInt64)
        if len(self.currencies) > 1:
            code = code * len(self.currencies) + pl.col("currency").to_physical().cast(pl.UInt64)
        return code.alias("subject")

    @cached_property
    def currencies(self) -> list[str]:
        """Currencies of the data, sorted."""
        if self.part is not None:
            return self.whole.currencies
        legs = self.ledger.legs
        column = legs["currency"] if "currency" in legs.columns else self.ledger.accounts["currency"]
        found: list[str] = column.cast(pl.String).unique().drop_nulls().sort().to_list()
        return found

    def minor_per_unit(self) -> pl.Expr:
        """Minor units in one unit of the leg's currency."""
        units = {code: 10 ** decimals_of(code) for code in self.currencies}
        return pl.col("currency").cast(pl.String).replace_strict(units, return_dtype=pl.Int64)

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
            .select(
                "account",
                missing_field=pl.format("legal threshold for {}", pl.col("currency").cast(pl.String)),
            )
        )

    def without_caps(self, legs: pl.DataFrame, sharing: int) -> pl.DataFrame:
        """`legs` with is_cap: whether the amount is the per-payment limit of its network, not a choice.

        The largest amount of a capped channel (per currency and direction) is taken for its limit when at
        least `sharing` accounts reach exactly that amount. Needs the columns channel, is_credit and
        amount_minor.
        """
        caps = self.whole.once(("caps", sharing), lambda: self.whole._caps(sharing))
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
        last = self.whole.ledger.accounts["last_at"].max()
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
        """Median and spread of an amount among peers of the whole data, never mixing currencies.

        values: account, currency, x (one row per account and currency that has the thing measured). Returns
        peer_group, currency, peers (how many), peer_median, peer_spread (1.4826 x median absolute deviation).
        """
        key = ["peer_group", "currency"]
        return (
            values.join(self.whole.peer_groups(), on="account")
            .with_columns(peer_median=pl.col("x").median().over(key))
            .group_by(key)
            .agg(
                peers=pl.len(),
                peer_median=pl.col("peer_median").first(),
                peer_spread=1.4826 * (pl.col("x") - pl.col("peer_median")).abs().median(),
            )
        )

    def against_peers(
        self, name: Hashable, windows: pl.DataFrame, highest: Callable[[Context], pl.DataFrame]
    ) -> pl.DataFrame:
        """`windows` (account, currency) with peers, peer_median and peer_spread of what peers reach at most.

        highest: context -> account, currency, x; name: of it, so that it is made once.
        """

        def spread() -> pl.DataFrame:
            return self.whole.peer_spread(self.over_slices(("highest", name), highest))

        peers = self.whole.once(("peers", name), spread)
        groups = windows.join(self.peer_groups(), on="account", how="left", maintain_order="left")
        return groups.join(peers, on=["peer_group", "currency"], how="left", maintain_order="left")

    def counterparty_known(self) -> pl.Expr:
        """Whether the other side of a leg is known, and is not cash."""
        cash = self.ledger.parties.index_of("CASH")
        known = pl.col("counterparty") != int(NO_PARTY)
        return known if cash is None else known & (pl.col("counterparty") != cash)

    def is_cash_party(self) -> pl.Expr:
        """Whether the other side of a leg is cash."""
        cash = self.ledger.parties.index_of("CASH")
        return pl.lit(False) if cash is None else pl.col("counterparty") == cash
