# mypy: allow-untyped-defs, allow-untyped-calls
"""Standing: how far an account is from the accounts like it, feature by feature.

Accounts are alike that have the same currency, holder type, age, size of home place and turnover. What is
not known (no holder type, no date of opening, no city) is a class of its own: such accounts are compared with
each other. A group of fewer than 30 is no yardstick: its accounts are not evaluable.

Deviation: (value - median) / (1.4826 MAD) over the members whose value is known, the divisor being at least
one unit: one payment or counterparty, one unit of the currency, one per cent, one hour. Medians move by no
single member, however far out. For people: no detector reads these (docs/evaluation.md has the figures), so
that an account's anomaly score stays a matter of the fitted model and the account's own row.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import polars as pl

from finpat.compiled import frozen, kernel
from finpat.features.base import DAY, HOUR, NO_PAYMENT, Feature, Ints, Legs
from finpat.features.own_past import NORMAL
from finpat.ledger import IS_OWN_ACT
from finpat.money import decimals_of

LEAST_PEERS = 30
AGES = {91: "up to 3 months", 182: "up to 6 months", 365: "up to 12 months"}  # days, as dormancy practice has
PLACE_SIZES = (100, 1_000, 10_000)  # chosen: held accounts at home in the place, a new class from each on
MONTH = 30 * DAY
SHARE_FLOOR = 0.01
# Chosen: what advisories speak of (how much at once, how many people, cash, quick onward payment, nights).
COMPARED = (
    "credit_count_30d_peak",
    "debit_count_30d_peak",
    "paid_in_minor_30d_peak",
    "paid_in_max_minor",
    "payer_count",
    "beneficiary_count",
    "new_payers_30d_peak",
    "new_beneficiaries_30d_peak",
    "cash_in_share",
    "cash_out_share",
    "passed_on_share_48h",
    "credit_night_share",
)
_NO_TURNOVER = f"{NO_PAYMENT}, or in one direction none could be converted to the account's currency"
GROUP = ["currency", "holder", "age", "place", "turnover"]
PEERS = "peer_count"


def standing_features(declared: tuple[Feature, ...]) -> tuple[Feature, ...]:
    """What is declared here: one column for each of COMPARED, and how many peers there are."""
    known = {feature.name: feature for feature in declared}

    def features() -> Iterator[Feature]:
        yield Feature(
            PEERS,
            "standing",
            "count",
            "Accounts of its currency, holder type, age, size of home place and turnover, itself included.",
            _NO_TURNOVER,
            role="display",
        )
        for name in COMPARED:
            yield Feature(
                f"{name}_among_peers",
                "standing",
                "score",
                f"Robust deviations from its peers: {known[name].doc[0].lower()}{known[name].doc[1:]}",
                f"fewer than {LEAST_PEERS} peers have a value; {PEERS} is null; {known[name].null_rule}",
                known[name].window,
                role="display",
            )

    return tuple(features())


@kernel
def _homes(offsets, places, counts, homes):
    """Fill homes: the place of most legs of each account, of several the first met; -1 where none is known.

    counts: zeros, one for each place, and zeros again afterwards.
    """
    for account in range(homes.size):
        homes[account] = -1
        for leg in range(offsets[account], offsets[account + 1]):
            if places[leg] >= 0:
                counts[places[leg]] += 1
        most = 0
        for leg in range(offsets[account], offsets[account + 1]):
            place = places[leg]
            if place >= 0 and counts[place] > most:
                most, homes[account] = counts[place], place
        for leg in range(offsets[account], offsets[account + 1]):
            if places[leg] >= 0:
                counts[places[leg]] = 0


def home_places(legs: Legs) -> Ints:
    """Code of each account's home place: the city (and country) where it mostly acts itself; -1: unknown.

    The city of money that others send is theirs.
    """
    frame = legs.ledger.legs
    homes = np.full(legs.account_count, -1, np.int64)
    if "city" not in frame.columns or not frame.height:
        return homes
    city = frame["city"].to_physical()
    codes = city.cast(pl.Int64).fill_null(0).to_numpy().copy()
    if "country" in frame.columns:
        country = frame["country"].to_physical().cast(pl.Int64).fill_null(-1).to_numpy() + 1
        codes += country * (int(codes.max()) + 1)
    met = np.zeros(int(codes.max()) + 1, np.bool_)
    met[codes] = True
    places = (np.cumsum(met) - 1)[codes]
    places[(city.is_null() | ~frame.select(IS_OWN_ACT).to_series()).to_numpy()] = -1
    _homes(legs.offsets, frozen(places), np.zeros(int(met.sum()), np.int64), homes)
    return homes


def peer_groups(table: pl.DataFrame, legs: Legs) -> pl.DataFrame:
    """The columns of GROUP, a row for each account.

    Age is counted at the end of the ledger. Turnover is money in and out for each 30 days between the first
    payment and the last (at least one such month), in powers of ten of minor units; null where no payment
    took effect or none could be converted, -1 where nothing moved.
    """
    accounts = legs.ledger.accounts
    unknown = pl.lit(None, pl.String)
    holder = pl.col("holder_type").cast(pl.String) if "holder_type" in accounts.columns else unknown
    age = unknown
    if "opened_on" in accounts.columns:
        last = pl.lit(legs.end).cast(pl.Datetime("us")).cast(pl.Date)
        days = (last - pl.col("opened_on").cast(pl.Date)).dt.total_days()
        age = pl.when(days.is_not_null()).then(pl.lit("over 12 months"))
        for bound, name in sorted(AGES.items(), reverse=True):
            age = pl.when(days < bound).then(pl.lit(name)).otherwise(age)
    home = pl.Series("home", home_places(legs))
    months = (table["span_hours"] / (MONTH / HOUR)).clip(1.0)
    moved = table["paid_in_minor"].cast(pl.Float64) + table["paid_out_minor"].cast(pl.Float64)
    return (
        accounts.select("currency", holder=holder, age=age)
        .with_columns(home, monthly=moved / months)
        .with_columns(here=pl.len().over("home"))
        .with_columns(
            place=pl.when(pl.col("home") >= 0).then(
                pl.sum_horizontal((pl.col("here") >= size).cast(pl.Int64) for size in PLACE_SIZES)
            ),
            turnover=pl.when(pl.col("monthly") > 0)
            .then(pl.col("monthly").log10().floor().cast(pl.Int64))
            .when(pl.col("monthly") == 0)
            .then(pl.lit(-1)),
        )
        .select(GROUP)
    )


def compare(table: pl.DataFrame, legs: Legs, declared: tuple[Feature, ...]) -> list[pl.Series]:
    """The columns of `standing_features(declared)`.

    table: the features `declared`, a row for each account, in order.
    """
    kinds = {feature.name: feature.kind for feature in declared}
    groups = peer_groups(table, legs)
    units = {code: 10.0 ** decimals_of(code) for code in groups["currency"].unique().drop_nulls()}
    unit = pl.col("currency").cast(pl.String).replace_strict(units, default=None, return_dtype=pl.Float64)
    values = groups.with_columns(
        table.select(pl.col(COMPARED).cast(pl.Float64)), group=pl.struct(GROUP).rank("dense"), unit=unit
    )
    compared = values.select(
        pl.when(pl.col("turnover").is_not_null()).then(pl.len().over("group")).cast(pl.Int64).alias(PEERS),
        *(_deviation(name, kinds[name]).alias(f"{name}_among_peers") for name in COMPARED),
    )
    return compared.get_columns()


def _deviation(name: str, kind: str) -> pl.Expr:
    value = pl.col(name)
    floor = pl.col("unit") if kind == "money" else pl.lit(SHARE_FLOOR if kind == "share" else 1.0)
    distance = value - value.median().over("group")
    spread = pl.max_horizontal(NORMAL * distance.abs().median().over("group"), floor)
    is_judged = pl.col("turnover").is_not_null() & (value.count().over("group") >= LEAST_PEERS)
    return pl.when(is_judged).then(distance / spread)
