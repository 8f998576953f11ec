"""The ledger: every leg of every held account, in memory, in the order that all stages share.

Stages (features, indicators, detection) read a `Ledger` and nothing else. Its order is total and does not depend on
the order of the input rows: accounts by id, legs by (account, booked_at, row_key, debit before credit).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import polars as pl

from finpat.rates import Rates
from finpat.schemas import CHANNEL_DTYPE

NO_PARTY = np.uint32(0xFFFFFFFF)  # counterparty code of a leg whose other side is unknown
DAY = 86_400_000_000  # microseconds
CONVERTED_AT_A_TIME = 1_000_000  # legs in a foreign currency; bounds the memory of exact 128-bit conversion

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


def _text_codes(column: pl.Series) -> tuple[npt.NDArray[np.uint32], pl.Series]:
    """Codes of a column of text (NO_PARTY for null), and the text of each code; some codes may be unused."""
    if not isinstance(column.dtype, (pl.Categorical, pl.Enum)):
        column = column.cast(pl.String).cast(pl.Categorical(pl.Categories.random()))
    known = column.dtype.categories
    codes = column.to_physical().cast(pl.UInt32).fill_null(int(NO_PARTY)).to_numpy()
    return codes, known if isinstance(known, pl.Series) else known.to_series()


def _party_codes(
    account_ids: pl.Series, counterparty_ids: pl.Series
) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.uint32], pl.Series]:
    """Both columns as codes in one sorted list of ids, and that list; NO_PARTY for an unknown counterparty."""
    coded = [_text_codes(column) for column in (account_ids, counterparty_ids)]
    used = []
    for codes, texts in coded:
        seen = np.zeros(len(texts) + 1, np.bool_)
        seen[np.minimum(codes, len(texts))] = True
        used.append(texts.filter(pl.Series(seen[:-1])))
    parties = pl.concat(used).unique().sort().alias("party_id")
    positions = []
    for codes, texts in coded:
        # Ids that occur in no row have no position; their entries are never read.
        place = texts.cast(pl.Enum(parties), strict=False).to_physical().cast(pl.UInt32)
        table = np.append(place.fill_null(int(NO_PARTY)).to_numpy(), NO_PARTY)
        positions.append(table[np.minimum(codes, len(texts))])
    return positions[0], positions[1], parties


def _ledger_order(payments: pl.DataFrame) -> npt.NDArray[np.uint32]:
    """Positions of the payments by (booked_at, row_key). Exports are mostly in time order already."""
    from finpat import ordering

    at = payments["booked_at"].cast(pl.Int64)
    if at.is_sorted():
        order = np.arange(payments.height, dtype=np.uint32)
    else:
        order = at.arg_sort().cast(pl.UInt32).to_numpy(writable=True)
    ordering.settle_ties(order, at.to_numpy(), payments["row_key"].to_numpy())
    return order


def _local_clock(payments: pl.DataFrame, reporting_zone: str) -> tuple[pl.Series, pl.Series]:
    """local_day and local_hour (see Ledger) of each payment."""
    at = payments["booked_at"]
    timed = payments["has_time"]
    zones = payments["local_zone"] if "local_zone" in payments.columns else None
    if zones is None or zones.null_count() == payments.height:
        wall = _wall_clock(at, reporting_zone)
        # A date without a time is already a local date: it must not be moved by a zone.
        day = wall if reporting_zone == "UTC" else wall.zip_with(timed, at)
        return day.dt.epoch("d").cast(pl.Int32), pl.Series([None], dtype=pl.Int8).new_from_index(0, len(at))
    zoned = pl.DataFrame({"at": at, "zone": zones.cast(pl.String), "timed": timed}).with_row_index("row")
    parts = []
    for (zone, has_time), rows in zoned.group_by("zone", "timed"):
        known = isinstance(zone, str)
        wall = _wall_clock(rows["at"], str(zone) if known else reporting_zone) if has_time else rows["at"]
        parts.append(
            pl.DataFrame(
                {
                    "row": rows["row"],
                    "local_day": wall.dt.epoch("d").cast(pl.Int32),
                    "local_hour": wall.dt.hour().cast(pl.Int8) if known and has_time else None,
                },
                schema_overrides={"local_hour": pl.Int8},
            )
        )
    clock = pl.concat(parts)
    clock = clock.select("local_day", "local_hour")[clock["row"].arg_sort()]
    return clock["local_day"], clock["local_hour"]


def _wall_clock(at: pl.Series, zone: str) -> pl.Series:
    """Naive UTC instants as naive instants on the wall clock of `zone`."""
    if zone == "UTC":
        return at
    return at.dt.replace_time_zone("UTC").dt.convert_time_zone(zone).dt.replace_time_zone(None)


def build_ledger(
    payments: pl.DataFrame,
    accounts: pl.DataFrame | None = None,
    *,
    reporting_zone: str = "UTC",
    rates: Rates | None = None,
) -> Ledger:
    """Expand stored payments into legs in the ledger's order.

    payments: booked_at, has_time, account_id, counterparty_id, direction, amount_minor, currency, channel,
        mirrored, row_key, and optionally local_zone and PLACE_COLUMNS. Text may be Categorical or Enum; that
        is read without a copy. accounts: rows of the accounts table. rates: convert amounts in another
        currency than the account's at the rate of the leg's local day; None converts nothing.
    """
    from finpat import ordering  # compiles numeric kernels: not for the commands that build no ledger

    account_party, counterparty, parties = _party_codes(payments["account_id"], payments["counterparty_id"])
    mirrored = payments["mirrored"].fill_null(False).to_numpy() & (counterparty != NO_PARTY)
    account_of_party = ordering.number_held(account_party, counterparty, mirrored, len(parties))
    party_of_account = np.flatnonzero(account_of_party != NO_PARTY).astype(np.uint32)
    offsets = ordering.count_legs(account_party, counterparty, mirrored, account_of_party, len(party_of_account))
    is_credit = (payments["direction"] == "credit").to_numpy()
    order = _ledger_order(payments)
    row, leg_party, leg_credit = ordering.place_legs(
        order, account_party, counterparty, mirrored, is_credit, account_of_party, offsets
    )
    del order, account_party, counterparty, mirrored, is_credit

    rows = pl.Series(row)
    local_day, local_hour = _local_clock(payments, reporting_zone)
    legs = {
        "account": pl.Series(ordering.account_of_legs(offsets)),
        "booked_at": payments["booked_at"].gather(rows),
        "is_credit": pl.Series(leg_credit),
        "amount_minor": payments["amount_minor"].gather(rows),
        "counterparty": pl.Series(leg_party),
        "channel": payments["channel"].cast(CHANNEL_DTYPE).gather(rows),
        "has_time": payments["has_time"].gather(rows),
        "local_day": local_day.gather(rows),
        "local_hour": local_hour.gather(rows),
        "row": rows,
    }
    del leg_credit, leg_party, local_day, local_hour
    optional = [
        name
        for name in PLACE_COLUMNS
        if name in payments.columns and payments[name].null_count() < payments.height
    ]
    for name in optional:
        column = payments[name]
        if not isinstance(column.dtype, pl.Categorical):
            column = column.cast(pl.String).cast(pl.Categorical)
        legs[name] = column.gather(rows)

    codes, known = _text_codes(payments["currency"])
    currencies = known.gather(np.unique(codes)).sort()
    if len(currencies) <= 1:
        account_currency = currencies.new_from_index(0, len(party_of_account)) if len(currencies) else currencies
        legs["account_minor"] = legs["amount_minor"]
    else:
        legs["currency"] = payments["currency"].cast(pl.String).cast(pl.Enum(currencies)).gather(rows)
        leg_currency = legs["currency"].to_physical().cast(pl.UInt32).to_numpy()
        main = ordering.commonest_code(offsets, leg_currency, len(currencies))
        account_currency = currencies.gather(main)
        legs["account_minor"] = _account_minor(legs, leg_currency, main, currencies, rates)

    first, last = offsets[:-1], offsets[1:] - 1
    summary = pl.DataFrame(
        {
            "account_id": parties.gather(party_of_account),
            "currency": account_currency,
            "leg_count": np.diff(offsets).astype(np.uint32),
            "first_at": legs["booked_at"].gather(first),
            "last_at": legs["booked_at"].gather(last),
        }
    )
    if accounts is not None:
        summary = summary.join(accounts, on="account_id", how="left", maintain_order="left")
    order_of_columns = [
        "account", "booked_at", "is_credit", "amount_minor", "account_minor", "counterparty", "channel",
        "has_time", "local_day", "local_hour", "row", *(["currency"] if len(currencies) > 1 else []), *optional,
    ]  # fmt: skip
    return Ledger(
        accounts=summary,
        parties=parties,
        legs=pl.DataFrame([legs[name].alias(name) for name in order_of_columns]),
        offsets=offsets,
        unconverted=legs["account_minor"].null_count(),
        present=frozenset(optional),
    )


def _account_minor(
    legs: dict[str, pl.Series],
    leg_currency: npt.NDArray[np.uint32],
    main: npt.NDArray[np.uint32],
    currencies: pl.Series,
    rates: Rates | None,
) -> pl.Series:
    """Amounts in the account's currency: as written where it is the leg's own, else converted, else null."""
    target = main[legs["account"].to_numpy()]
    amounts = pl.DataFrame({"minor": legs["amount_minor"], "own": leg_currency == target}).select(
        pl.when("own").then("minor")
    )["minor"]
    if rates is None:
        return amounts
    foreign = np.flatnonzero(leg_currency != target).astype(np.uint32)
    for begin in range(0, len(foreign), CONVERTED_AT_A_TIME):
        part = foreign[begin : begin + CONVERTED_AT_A_TIME]
        converted = pl.select(
            rates.convert(
                pl.lit(legs["amount_minor"].gather(part)),
                pl.lit(currencies.gather(leg_currency[part])),
                pl.lit(currencies.gather(target[part])),
                pl.lit(legs["local_day"].gather(part)),
            )
        ).to_series()
        amounts = amounts.scatter(part, converted)
    return amounts
