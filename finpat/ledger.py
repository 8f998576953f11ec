"""The ledger: every leg of every held account, in memory, in the order that all stages share.

Stages (features, indicators, detection) read a `Ledger` and nothing else. Its order is total and does not
depend on
the order of the input rows: accounts by id, legs by (account, booked_at, row_key, debit before credit).
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
import polars as pl

from finpat.rates import Rates
from finpat.schemas import CHANNEL_DTYPE, NOT_EFFECTIVE

NO_PARTY = np.uint32(0xFFFFFFFF)  # counterparty code of a leg whose other side is unknown
DAY = 86_400_000_000  # microseconds
CONVERTED_AT_A_TIME = 1_000_000  # legs in a foreign currency; bounds the memory of exact 128-bit conversion

# Optional leg columns: carried when a source had them, absent otherwise.
PLACE_COLUMNS = ("city", "country", "merchant_category", "branch_id", "device_id", "conductor_id", "status")
# What is written on a payment; seen from the account whose statement it is.
TEXT_COLUMNS = ("counterparty_name", "description")

# Whether the account's own side acted: it paid, or it paid cash or a cheque in. The device of any other
# payment in is its payer's.
IS_OWN_ACT = ~pl.col("is_credit") | pl.col("channel").is_in(["cash", "atm", "cheque"])
BALANCE = "balance_after_minor"


@dataclass(frozen=True)
class Ledger:
    """Legs of every held account up to `as_of`.

    accounts: row i is account code i, sorted by account_id. Columns: account_id, currency (most legs; ties by
        code), leg_count, first_at, last_at, and those columns of the accounts table that were loaded (null
        where unknown).
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
        local_day Int32           days since 1970-01-01 on the wall clock of the place (else reporting zone)
        local_hour Int8?          0..23 on the wall clock of the place; null if place or time is unknown
        row UInt32                position in the payments the ledger was built from (evidence look-up)
        currency Enum?            only where the data has more than one currency
        PLACE_COLUMNS Categorical?    only where a source had them; conductor_id: who stood at the counter,
                                  status: booked, declined, reversed, ...
        TEXT_COLUMNS Categorical? only where a source had them; counterparty_name is null on the other side's
                                  leg of a two-sided row, whose counterparty it does not name
        balance_after_minor Int64? only where a source had it: the account's balance after the leg, in the
                                  leg's currency; null on the other side's leg of a two-sided row
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


def effective_legs(ledger: Ledger) -> npt.NDArray[np.bool_] | None:
    """Per leg: whether it took effect, as far as its status says; None where all legs did."""
    if "status" not in ledger.legs.columns:
        return None
    return _effective(ledger.legs["status"])


def _effective(status: pl.Series) -> npt.NDArray[np.bool_] | None:
    codes, used, texts = _coded(status)  # a few words: judged once each and not leg by leg
    is_out = texts.str.strip_chars().str.to_lowercase().is_in(NOT_EFFECTIVE).to_numpy()
    if not is_out.any():
        return None
    kept = np.ones(int(used.max()) + 2, np.bool_)
    kept[used[is_out]] = False
    return kept[codes]


def effective_part(ledger: Ledger) -> Ledger:
    """The ledger of the legs that took effect: money that moved. Accounts and parties are the same.

    An account may be left without a leg. `accounts` still tells of all legs.
    """
    kept = effective_legs(ledger)
    if kept is None:
        return ledger
    legs = ledger.legs.filter(pl.Series(kept))
    return replace(ledger, legs=legs, offsets=_offsets_of(ledger.offsets, kept))


def _offsets_of(offsets: npt.NDArray[np.int64], kept: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    """Offsets of the accounts in the legs that are kept."""
    before = np.zeros(kept.size + 1, np.int64)
    np.cumsum(kept, out=before[1:])
    return before[offsets]


def _coded(column: pl.Series) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.uint32], pl.Series]:
    """A column of text as codes, the codes that occur, and their texts; null has a code beyond theirs."""
    if not isinstance(column.dtype, (pl.Categorical, pl.Enum)):
        column = column.cast(pl.String).cast(pl.Categorical(pl.Categories.random()))
    present = column.unique().drop_nulls()
    used = present.to_physical().cast(pl.UInt32).to_numpy()
    null = int(used.max(initial=0)) + 1
    return column.to_physical().cast(pl.UInt32).fill_null(null).to_numpy(), used, present.cast(pl.String)


def _recoded(
    codes: npt.NDArray[np.uint32], used: npt.NDArray[np.uint32], texts: pl.Series, known: pl.Series
) -> npt.NDArray[np.uint32]:
    """Codes as positions in the sorted list `known`; NO_PARTY for null."""
    table = np.full(int(used.max(initial=0)) + 2, NO_PARTY, np.uint32)
    table[used] = texts.cast(pl.Enum(known)).to_physical().to_numpy()
    return table[codes]


def _party_codes(
    account_ids: pl.Series, counterparty_ids: pl.Series
) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.uint32], pl.Series]:
    """Both columns as codes in one sorted list of ids, and that list; NO_PARTY where unknown."""
    accounts, counterparties = _coded(account_ids), _coded(counterparty_ids)
    parties = pl.concat([accounts[2], counterparties[2]]).unique().sort().alias("party_id")
    return _recoded(*accounts, parties), _recoded(*counterparties, parties), parties


def _ledger_order(payments: pl.DataFrame) -> npt.NDArray[np.uint32]:
    """Positions of the payments by (booked_at, row_key). Exports are mostly in time order already."""
    from finpat import ordering

    at = payments["booked_at"].cast(pl.Int64)
    if at.is_sorted():
        order = np.arange(payments.height, dtype=np.uint32)
    else:
        order = at.arg_sort().cast(pl.UInt32).to_numpy(writable=True)
    ordering.settle_ties(
        order, ordering.frozen(at.to_numpy()), ordering.frozen(payments["row_key"].to_numpy())
    )
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
        mirrored, row_key, and optionally local_zone, PLACE_COLUMNS and TEXT_COLUMNS. Text may be Categorical
        or Enum; that is read without a copy. accounts: rows of the accounts table. rates: convert amounts in
        another currency than the account's at the rate of the leg's local day; None converts nothing.
    """
    from finpat import ordering  # compiles numeric kernels: not for the commands that build no ledger

    account_party, counterparty, parties = _party_codes(payments["account_id"], payments["counterparty_id"])
    account_party, counterparty = ordering.frozen(account_party), ordering.frozen(counterparty)
    mirrored = ordering.frozen(payments["mirrored"].fill_null(False).to_numpy() & (counterparty != NO_PARTY))
    account_of_party = ordering.number_held(account_party, counterparty, mirrored, len(parties))
    party_of_account = np.flatnonzero(account_of_party != NO_PARTY).astype(np.uint32)
    offsets = ordering.count_legs(
        account_party, counterparty, mirrored, account_of_party, len(party_of_account)
    )
    is_credit = ordering.frozen((payments["direction"] == "credit").to_numpy())
    order = _ledger_order(payments)
    row, leg_party, leg_credit = ordering.place_legs(
        order, account_party, counterparty, mirrored, is_credit, account_of_party, offsets
    )
    turned = leg_credit != is_credit[row]  # the other side's leg of a two-sided row
    del order, account_party, counterparty, mirrored, is_credit

    local_day, local_hour = _local_clock(payments, reporting_zone)
    optional = [
        name
        for name in (*PLACE_COLUMNS, *TEXT_COLUMNS)
        if name in payments.columns and payments[name].null_count() < payments.height
    ]
    has_balance = BALANCE in payments.columns and payments[BALANCE].null_count() < payments.height
    codes, used, texts = _coded(payments["currency"])
    currencies = texts.sort()
    sources = {
        "booked_at": payments["booked_at"],
        "amount_minor": payments["amount_minor"],
        "channel": payments["channel"].cast(CHANNEL_DTYPE),
        "has_time": payments["has_time"],
        "local_day": local_day,
        "local_hour": local_hour,
        **{name: _categorical(payments[name]) for name in optional},
        **({BALANCE: payments[BALANCE]} if has_balance else {}),
    }
    if len(currencies) > 1:
        position = pl.Series(_recoded(codes, used, texts, currencies))
        sources["currency"] = position.cat.to(pl.Enum(currencies))
    del codes, local_day, local_hour
    legs = {
        "account": pl.Series(ordering.account_of_legs(offsets)),
        "is_credit": pl.Series(leg_credit),
        "counterparty": pl.Series(leg_party),
        "row": pl.Series(row),
        **_dealt(sources, pl.Series(row)),
    }
    # The other side of a two-sided row knows neither the name of its own counterparty nor its own balance.
    for told in ("counterparty_name", BALANCE):
        if told in legs and turned.any():
            sides = pl.DataFrame({"told": legs[told], "turned": turned})
            legs[told] = sides.select(pl.when(~pl.col("turned")).then("told")).to_series()
    del sources, leg_credit, leg_party, turned
    if len(currencies) <= 1:
        account_currency = pl.Series(currencies.to_list() * len(party_of_account), dtype=pl.String)
        legs["account_minor"] = legs["amount_minor"]
    else:
        leg_currency = ordering.frozen(legs["currency"].to_physical().cast(pl.UInt16).to_numpy())
        main = ordering.commonest_code(offsets, leg_currency, len(currencies))
        if "status" in legs and (kept := _effective(legs["status"])) is not None:
            # A booking that failed does not choose the account's currency, unless there is none other.
            moved = _offsets_of(offsets, kept)
            chosen = ordering.commonest_code(moved, ordering.frozen(leg_currency[kept]), len(currencies))
            main = np.where(np.diff(moved) > 0, chosen, main)
        account_currency = currencies.gather(main)
        legs["account_minor"] = _account_minor(legs, leg_currency, main, currencies, rates)

    first, last = offsets[:-1], offsets[1:] - 1
    summary = pl.DataFrame(
        {
            "account_id": parties.gather(party_of_account),
            "currency": account_currency,
            "leg_count": np.diff(offsets).astype(np.uint32),
            "first_at": legs["booked_at"][first],
            "last_at": legs["booked_at"][last],
        }
    )
    if accounts is not None:
        summary = summary.join(accounts, on="account_id", how="left", maintain_order="left")
    order_of_columns = [
        "account", "booked_at", "is_credit", "amount_minor", "account_minor", "counterparty", "channel",
        "has_time", "local_day", "local_hour", "row", *({"currency"} & legs.keys()), *optional,
        *({BALANCE} & legs.keys()),
    ]  # fmt: skip
    return Ledger(
        accounts=summary,
        parties=parties,
        legs=pl.DataFrame([legs[name].alias(name) for name in order_of_columns]),
        offsets=offsets,
        unconverted=legs["account_minor"].null_count(),
        present=frozenset(optional),
    )


def _categorical(column: pl.Series) -> pl.Series:
    return column if isinstance(column.dtype, pl.Categorical) else column.cast(pl.String).cast(pl.Categorical)


def _dealt(columns: dict[str, pl.Series], rows: pl.Series) -> dict[str, pl.Series]:
    """Columns of payments as columns of legs.

    Two at a time, since looking up waits for memory and not for the processor.
    """
    # In one piece first: looking up in a column of many pieces takes several times as long.
    with ThreadPoolExecutor(2) as pool:
        return dict(
            zip(columns, pool.map(lambda column: column.rechunk()[rows], columns.values()), strict=True)
        )


def _account_minor(
    legs: dict[str, pl.Series],
    leg_currency: npt.NDArray[np.unsignedinteger],
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
