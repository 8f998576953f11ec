"""What a feature is: one number per account, declared before it is computed.

Windows are (t - w, t]: a leg is in the window that ends at t if it was booked after t - w and not after t.
All legs of one instant are therefore in the same window, and a leg exactly w old is outside. Windows look
backwards only.

A thing that cannot be judged is null, never zero: zero says "looked, and there was none".
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt
import polars as pl

from finpat.compiled import account_blocks, frozen
from finpat.ledger import Ledger
from finpat.money import decimals_of

Kind = Literal["count", "money", "ratio", "share", "duration", "instant", "score"]
Role = Literal["detector", "display"]
Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

NULL = np.iinfo(np.int64).min  # "null" in the integer columns of a kernel; NaN in the float columns
NO_PAYMENT = "no payment took effect"  # null rule of what every account with a payment has
UNKNOWN_MINOR = -1  # account_minor of a leg without a rate (amounts are positive)
UNKNOWN_HOUR = -1
HOUR = 3_600_000_000
DAY = 24 * HOUR
WINDOWS = {"1h": HOUR, "24h": DAY, "7d": 7 * DAY, "30d": 30 * DAY}
INTEGER_KINDS = ("count", "money", "instant")
UNITS: dict[Kind, str] = {
    "count": "count",
    "money": "minor units of the account's currency",
    "ratio": "ratio",
    "share": "0 to 1",
    "duration": "hours",
    "instant": "UTC instant",
    "score": "score",
}


@dataclass(frozen=True)
class Feature:
    """One column of the feature table.

    Attributes:
        name: column name; unit and window as suffixes.
        family: typology family that it belongs to.
        kind: count, money and instant are integers (instants become Datetime), all others floats.
        doc: what it says, as an analyst reads it.
        null_rule: when it is null.
        window: length of its window, `all` for the account's whole history.
        role: `detector`: a number that anomaly detectors may use; `display`: context for people only.
        unit: unit of the numbers.
    """

    name: str
    family: str
    kind: Kind
    doc: str
    null_rule: str
    window: str = "all"
    role: Role = "detector"
    unit: str = ""

    def __post_init__(self) -> None:
        if not self.unit:
            object.__setattr__(self, "unit", UNITS[self.kind])

    @property
    def dtype(self) -> pl.DataType:
        """Polars type of the column."""
        if self.kind == "instant":
            return pl.Datetime("us")
        return pl.Int64() if self.kind in INTEGER_KINDS else pl.Float64()


@dataclass(frozen=True)
class Legs:
    """The ledger as arrays, one element per leg in the ledger's order, made once for all kernels.

    Attributes:
        offsets: legs of account i are [offsets[i], offsets[i + 1]); an account may be without a leg.
        instants: booked_at, microseconds since 1970.
        amounts: account_minor, UNKNOWN_MINOR where no rate is known.
        own: amount_minor in the leg's own currency.
        currencies: code of the leg's currency, position in `unit_sizes`.
        unit_sizes: minor units in one unit of each currency.
        credits, timed: is_credit, has_time.
        parties: counterparty code, NO_PARTY where unknown; below party_count.
        channels: position in schemas.CHANNELS.
        days: local_day. hours: local_hour, UNKNOWN_HOUR where null.
        end: the last instant of the ledger; periods such as "the last 30 days" are (end - 30 d, end].
    """

    ledger: Ledger
    offsets: Ints
    instants: Ints
    amounts: Ints
    own: Ints
    currencies: npt.NDArray[np.unsignedinteger]
    unit_sizes: Ints
    credits: npt.NDArray[np.bool_]
    timed: npt.NDArray[np.bool_]
    parties: npt.NDArray[np.uint32]
    channels: npt.NDArray[np.uint8]
    days: npt.NDArray[np.int32]
    hours: npt.NDArray[np.int8]
    party_count: int
    end: int
    blocks: list[tuple[int, int]] = field(repr=False)

    @property
    def account_count(self) -> int:
        """Number of accounts."""
        return self.offsets.size - 1

    @property
    def day_span(self) -> tuple[int, int]:
        """The first and the last local day; (0, 0) without a leg."""
        return (int(self.days.min()), int(self.days.max())) if self.days.size else (0, 0)


def read_legs(ledger: Ledger) -> Legs:
    """The arrays of a ledger; columns are shared with it where their type allows."""
    frame = ledger.legs
    own = frame["amount_minor"].to_numpy()
    converted = frame["account_minor"]
    if converted.null_count():
        amounts = converted.fill_null(UNKNOWN_MINOR).to_numpy()
    else:
        amounts = converted.to_numpy()
    if "currency" in frame.columns:
        codes = frame["currency"].to_physical().cast(pl.UInt16).to_numpy()
        known = pl.Series(frame.schema["currency"].categories).to_list()  # type: ignore[attr-defined]
    else:
        codes = np.zeros(frame.height, np.uint16)
        known = ledger.accounts["currency"].unique().to_list() or ["XXX"]
    instants = frame["booked_at"].cast(pl.Int64).to_numpy()
    return Legs(
        ledger=ledger,
        offsets=frozen(ledger.offsets),
        instants=frozen(instants),
        amounts=frozen(amounts),
        own=frozen(own),
        currencies=frozen(codes),
        unit_sizes=frozen(np.array([10 ** decimals_of(code) for code in known], np.int64)),
        credits=frozen(frame["is_credit"].to_numpy()),
        timed=frozen(frame["has_time"].to_numpy()),
        parties=frozen(frame["counterparty"].to_numpy()),
        channels=frozen(frame["channel"].to_physical().to_numpy()),
        days=frozen(frame["local_day"].to_numpy()),
        hours=frozen(frame["local_hour"].fill_null(UNKNOWN_HOUR).to_numpy()),
        party_count=len(ledger.parties),
        end=int(instants.max()) if frame.height else 0,
        blocks=account_blocks(ledger.offsets),
    )


@dataclass(frozen=True)
class Group:
    """Features that one pass computes.

    Attributes:
        features: the columns, in order.
        fill: called as fill(legs, ints, floats, threads). The k-th feature of an integer kind (count, money,
            instant) is row k of `ints`, the k-th of the other kinds row k of `floats`; both have one column
            per account and arrive filled with NULL and NaN.
    """

    features: tuple[Feature, ...]
    fill: Callable[[Legs, Ints, Floats, int], None]

    def columns(self, legs: Legs, threads: int) -> list[pl.Series]:
        """The columns of all accounts, in the order of `features`."""
        whole = [feature for feature in self.features if feature.kind in INTEGER_KINDS]
        ints = np.full((len(whole), legs.account_count), NULL, np.int64)
        floats = np.full((len(self.features) - len(whole), legs.account_count), np.nan)
        if legs.account_count:
            self.fill(legs, ints, floats, threads)
        int_rows, float_rows = iter(ints), iter(floats)
        made = []
        for feature in self.features:
            if feature.kind in INTEGER_KINDS:
                column = pl.Series(feature.name, next(int_rows))
                null = column == NULL
                column = column.set(null, None) if null.any() else column
            else:
                column = pl.Series(feature.name, next(float_rows), nan_to_null=True)
            made.append(column.cast(feature.dtype))
        return made
