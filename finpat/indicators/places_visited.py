"""Where persons were: stays, home cities, distances, and charges without those that were given back.

Rows here belong to persons whatever their currency: subject is the person's code (`Context.persons`), which
is the code of one of the person's accounts. Places are city names without case, accents and punctuation.
Where a source knows only dates, its dates stand for the events; hours are told of timed rows alone.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
import polars as pl

from finpat.indicators.context import IS_CREDIT, Context, days, hours
from finpat.indicators.windows import Timeline, mirror, trailing, usual_word
from finpat.money import decimals_of
from finpat.movement.presence import IS_PRESENT
from finpat.places import normalised
from finpat.vocabulary import of_kind

_TEXT = ("city", "country", "branch_id", "counterparty_name", "description")

STAY_GAP = hours(48)  # charges of one city further apart belong to two stays
REFUND_HORIZON = days(30)  # what is given back within this time was not spent
REFUND_TOLERANCE = 0.01
HOME_DAYS, HOME_ROWS = 180, 10  # home is the city of most card purchases; fewer than these tell nothing


def by_person(
    context: Context,
    where: pl.Expr,
    *columns: str,
    accounts: npt.NDArray[np.bool_] | None = None,
    own: bool = True,
) -> pl.DataFrame:
    """The legs that `where` keeps, subject being the person, in order of (subject, booked_at, ledger order).

    columns, own, accounts: as of `Context.legs`; a text column that the data lacks is null.
    """
    known = set(context.ledger.legs.columns)
    if not set(where.meta.root_names()) <= known | {"kinds"}:
        where = pl.col("row").is_null()  # the data lacks what the condition asks about: nothing meets it
    present = [name for name in columns if name in known or name not in _TEXT]
    legs = context.legs(where, *present, accounts=accounts, own=own)
    legs = legs.with_columns(
        pl.Series("subject", context.persons[legs["account"].to_numpy()], dtype=pl.UInt32),
        *[pl.lit(None, pl.Categorical).alias(name) for name in columns if name not in present],
    )
    return legs if context.is_one_each else legs.sort("subject", "booked_at", maintain_order=True)


def by_holding(
    context: Context,
    where: pl.Expr,
    *columns: str,
    accounts: npt.NDArray[np.bool_] | None = None,
    own: bool = True,
) -> pl.DataFrame:
    """As `by_person`, subject being what a person holds in one currency; `moved_minor` is in it.

    Legs without a rate to the currency of their account are left out.
    """
    convertible = pl.col("account_minor").is_not_null()
    legs = by_person(context, convertible & where, "account_minor", *columns, accounts=accounts, own=own)
    names = _account_currencies(context)
    codes = context.accounts["currency"].cast(pl.String).cast(pl.Enum(names)).to_physical().cast(pl.UInt64)
    code = pl.col("subject").cast(pl.UInt64) * max(len(names), 1) + codes.gather(legs["account"])
    return (
        legs.rename({"account_minor": "moved_minor"})
        .with_columns(subject=code)
        .sort("subject", "booked_at", maintain_order=True)
    )


def _account_currencies(context: Context) -> list[str]:
    found: list[str] = context.accounts["currency"].cast(pl.String).unique().drop_nulls().sort().to_list()
    return found


def holders(context: Context, subjects: pl.Series) -> pl.DataFrame:
    """Subject (of `by_holding`), account (one of the person's), currency, unit_minor and the peer_group."""
    names = _account_currencies(context)
    units = pl.DataFrame(
        {"currency": names, "unit_minor": [10 ** decimals_of(name) for name in names]},
        schema={"currency": pl.String, "unit_minor": pl.Int64},
    ).with_row_index("_code")
    return (
        subjects.unique().sort().to_frame("subject")
        .with_columns(
            account=(pl.col("subject") // max(len(names), 1)).cast(pl.UInt32),
            _code=(pl.col("subject") % max(len(names), 1)).cast(pl.UInt32),
        )
        .join(units, on="_code", how="left", maintain_order="left")
        .drop("_code")
        .join(context.peer_groups(), on="account", how="left", maintain_order="left")
    )  # fmt: skip


def accounts_of(context: Context, persons: pl.Series | Iterable[int]) -> npt.NDArray[np.bool_]:
    """One truth value per account: whether one of `persons` holds it."""
    wanted = np.zeros(context.ledger.account_count, np.bool_)
    wanted[np.asarray(persons, dtype=np.int64)] = True
    held: npt.NDArray[np.bool_] = wanted[context.persons]
    return held


def placed(rows: pl.DataFrame) -> pl.DataFrame:
    """`rows` with a known city, and its `place`."""
    rows = rows.filter(pl.col("city").is_not_null())
    names = rows.select(pl.col("city").unique()).with_columns(
        place=normalised(pl.col("city").cast(pl.String))
    )
    return rows.join(names, on="city", how="left", maintain_order="left")


# What tells the merchant of a leg and whether it came back.
RETURN_COLUMNS = ("is_credit", "amount_minor", "counterparty", "counterparty_name")
CHARGE_COLUMNS = (
    *RETURN_COLUMNS, "kinds", "city", "country", "local_day", "local_hour", "has_time", "channel",
    "description",
)  # fmt: skip
_NAMES_FROM = 1 << 33  # beyond every code of a counterparty


def merchants(legs: pl.DataFrame, context: Context) -> pl.DataFrame:
    """`legs` (with counterparty and its name) with `merchant`: a code of whatever names it, or null."""
    name = pl.col("counterparty_name").to_physical().cast(pl.UInt64) + _NAMES_FROM
    known = pl.when(context.counterparty_known()).then(pl.col("counterparty").cast(pl.UInt64))
    return legs.with_columns(merchant=known.otherwise(name))


def with_returns(context: Context, legs: pl.DataFrame) -> pl.DataFrame:
    """`legs` (with RETURN_COLUMNS) with `merchant` and `is_returned`.

    A debit is returned if the same merchant gave back the amount (within 1 %) within 30 days, each refund
    serving once; only the refunds among `legs` are seen.
    """
    legs = merchants(legs, context).with_row_index("charge")
    returned = refunds(legs, REFUND_HORIZON, REFUND_TOLERANCE)["charge"]
    return legs.with_columns(is_returned=pl.col("charge").is_in(returned.implode())).drop("charge")


def charges(context: Context, *kinds: str) -> pl.DataFrame:
    """What persons were charged for `kinds`, and what of it came back.

    One row per leg, in order of (subject, booked_at): CHARGE_COLUMNS and those of `with_returns`.
    """
    frame: pl.DataFrame = context.once(
        ("charges", kinds),
        lambda: with_returns(context, by_person(context, of_kind(*kinds), *CHARGE_COLUMNS)),
    )
    return frame


def kept_charges(context: Context, *kinds: str) -> pl.DataFrame:
    """The debits of `charges` that were not given back."""
    return charges(context, *kinds).filter(~IS_CREDIT, ~pl.col("is_returned"))


def refunds(legs: pl.DataFrame, horizon_us: int, tolerance: float) -> pl.DataFrame:
    """Charges that the same merchant gave back: charge, refund (both values of the column `charge`).

    legs: charge (number of the leg), subject, merchant, currency, booked_at, is_credit, amount_minor, in
    ledger order. A refund belongs to the oldest charge at most `horizon_us` older whose amount is the same
    within `tolerance` of it; each belongs to one.
    """
    key = ["subject", "merchant", "currency"]
    legs = legs.filter(pl.col("merchant").is_not_null())
    giving = legs.filter(IS_CREDIT).select(key).unique()
    both = legs.join(giving, on=key, how="semi", maintain_order="left")
    groups = both.select(key).unique().with_row_index("group")
    turned = (
        both.join(groups, on=key, how="left", maintain_order="left")
        .with_columns(
            is_charge=~IS_CREDIT,
            # Raised by the tolerance, so that `no larger than` leaves room on both sides.
            moved_minor=pl.when(IS_CREDIT)
            .then("amount_minor")
            .otherwise((pl.col("amount_minor") * (1 + tolerance)).floor().cast(pl.Int64)),
        )
        .select(
            "charge",
            "booked_at",
            "moved_minor",
            subject="group",
            is_credit="is_charge",
            counterparty=pl.col("is_charge").cast(pl.UInt32),
        )
        .sort("subject", "booked_at", maintain_order=True)
    )
    ordered, source = mirror(turned, horizon_us, (1 - tolerance) / (1 + tolerance) - 1e-9)
    paired = np.flatnonzero(source >= 0)
    number = ordered["charge"]
    return pl.DataFrame({"charge": number.gather(source[paired]), "refund": number.gather(paired)})


def stays(context: Context) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Stays of persons in a city, and the lodging charges they are made of.

    A stay is a run of lodging charges of one person in one city no more than 48 hours apart. Stays: stay (its
    number), subject, place, check_in and check_out (first and last charge), booked_at (= check_out),
    first_day and last_day (local), nights (the days begun from first to last charge, and one), is_timed.
    Sorted by (subject, booked_at). Charges: as of `charges`, with place and stay. Booking sites tell no city.
    """

    def build() -> tuple[pl.DataFrame, pl.DataFrame]:
        rooms = placed(kept_charges(context, "lodging").filter(~of_kind("remote_sale")))
        rooms = rooms.sort("subject", "place", "booked_at", maintain_order=True)
        gap = pl.col("booked_at").diff().over("subject", "place").dt.total_microseconds()
        rooms = rooms.with_columns(stay=((gap > STAY_GAP).fill_null(True)).cast(pl.UInt32).cum_sum())
        span = (pl.col("check_out") - pl.col("check_in")).dt.total_microseconds() / days(1)
        found = (
            rooms.group_by("stay")
            .agg(
                pl.col("subject", "place").first(),
                check_in=pl.col("booked_at").min(),
                check_out=pl.col("booked_at").max(),
                first_day=pl.col("local_day").min(),
                last_day=pl.col("local_day").max(),
                is_timed=pl.col("has_time").all(),
            )
            .with_columns(nights=span.ceil().cast(pl.Int64) + 1, booked_at="check_out")
            .sort("subject", "booked_at", "place", "stay")
        )
        return found, rooms.sort("subject", "booked_at", maintain_order=True)

    found: tuple[pl.DataFrame, pl.DataFrame] = context.once("stays", build)
    return found


def with_home(context: Context, asked: pl.DataFrame) -> pl.DataFrame:
    """`asked` (subject, booked_at) with `home`: the place of most card purchases of the 180 days up to then.

    Null where there are fewer than 10, lodging and what is sold from afar left out; of equals the first.
    """
    wanted = IS_PRESENT & (pl.col("channel") == "card") & ~of_kind("lodging")
    cards = placed(
        by_person(context, wanted, "city", accounts=accounts_of(context, asked["subject"].unique()))
    )
    return asked.with_columns(usual_word(cards, "place", asked, days(HOME_DAYS), HOME_ROWS).alias("home"))


def during_stays(rows: pl.DataFrame, chosen: pl.DataFrame, before_us: int, after_us: int) -> pl.DataFrame:
    """The `rows` (subject, place, booked_at) made in the city of a stay around it, with the `stay`.

    From `before_us` before its first charge to `after_us` after its last, both included.
    """
    open_from = chosen.select(
        "subject",
        "place",
        "stay",
        opens=pl.col("check_in") - pl.duration(microseconds=before_us),
        closes=pl.col("check_out") + pl.duration(microseconds=after_us),
    ).sort("opens")
    return (
        rows.sort("booked_at", maintain_order=True)
        .join_asof(
            open_from,
            left_on="booked_at",
            right_on="opens",
            by=["subject", "place"],
            strategy="backward",
            check_sortedness=False,
        )
        .filter(pl.col("booked_at") <= pl.col("closes"))
        .sort("subject", "booked_at", maintain_order=True)
    )


def count_before(rows: pl.DataFrame, asked: pl.DataFrame, width_us: int, at: str = "window_end") -> pl.Series:
    """For each of `asked` (subject, `at`): how many of `rows` its subject has in (at - width, at]."""
    end = asked[at].cast(pl.Int64).to_numpy()
    counted = Timeline.of(rows).count(asked["subject"].to_numpy(), end - width_us, end)
    return pl.Series("count", counted, dtype=pl.Int64)


def total_before(
    rows: pl.DataFrame, amounts: str, asked: pl.DataFrame, width_us: int, at: str = "window_end"
) -> pl.Series:
    """For each of `asked` (subject, `at`): the sum of `amounts` of its subject in (at - width, at]."""
    end = asked[at].cast(pl.Int64).to_numpy()
    sums = Timeline.of(rows).total(rows[amounts].to_numpy(), asked["subject"].to_numpy(), end - width_us, end)
    return pl.Series("sum", sums, dtype=pl.Int64)


def first_before(rows: pl.DataFrame, asked: pl.DataFrame, width_us: int, at: str = "window_end") -> pl.Series:
    """For each of `asked` (subject, `at`): the instant of its subject's first row after `at` - width.

    There has to be one: ask about windows that hold a row.
    """
    end = asked[at].cast(pl.Int64).to_numpy()
    first = Timeline.of(rows).position(asked["subject"].to_numpy(), end - width_us)
    return rows["booked_at"].gather(first)


def repeated(events: pl.DataFrame, width_us: int, at_least: int, *values: pl.Expr) -> pl.DataFrame:
    """Windows with `at_least` events: subject, window_start, window_end, event_count and `values`.

    events: subject, booked_at (when the event is complete), start_at (its first row); several that fall
    together count each.
    """
    often = events.filter(pl.len().over("subject") >= at_least).sort(
        "subject", "booked_at", "start_at", maintain_order=True
    )
    return (
        trailing(often, width_us, pl.len().alias("event_count"), pl.col("start_at").min(), *values)
        .filter(pl.col("event_count") >= at_least)
        .with_columns(window_start="start_at")
        .drop("start_at")
    )
