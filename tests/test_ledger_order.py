"""The counted ledger against its plain form in Polars, and conversion into the account's currency."""

from decimal import ROUND_HALF_EVEN, Decimal

import polars as pl
from hypothesis import given, settings
from polars.testing import assert_frame_equal

from finpat.ledger import build_ledger
from finpat.rates import Rates
from tests import factory
from tests.factory import at
from tests.features.oracle import legs_of, random_payments


def legs_in_polars(payments: pl.DataFrame) -> pl.DataFrame:
    """Every leg by expanding, sorting and joining, as the ledger's docstring says it."""
    base = payments.with_row_index("row").with_columns(is_credit=pl.col("direction") == "credit")
    mirror = base.filter("mirrored").with_columns(
        account_id="counterparty_id", counterparty_id="account_id", is_credit=~pl.col("is_credit")
    )
    legs = pl.concat([base, mirror]).sort("account_id", "booked_at", "row_key", "is_credit")
    main = (
        legs.group_by("account_id", "currency").len()
        .sort("account_id", "len", "currency", descending=[False, True, False])
        .group_by("account_id", maintain_order=True).first()
    )  # fmt: skip
    legs = legs.join(main.select("account_id", main="currency"), on="account_id", maintain_order="left")
    zone = pl.col("local_zone").fill_null("UTC")
    clock = pl.lit(None, pl.Datetime("us"))
    for name in ("UTC", "Europe/Sofia", "America/New_York"):
        moved = pl.col("booked_at").dt.replace_time_zone("UTC").dt.convert_time_zone(name)
        clock = pl.when(zone == name).then(moved.dt.replace_time_zone(None)).otherwise(clock)
    clock = pl.when("has_time").then(clock).otherwise("booked_at")
    return legs.select(
        "account_id", "booked_at", "is_credit", "amount_minor",
        pl.when(pl.col("currency") == pl.col("main")).then("amount_minor").alias("account_minor"),
        "counterparty_id", "channel", "has_time",
        clock.dt.epoch("d").cast(pl.Int32).alias("local_day"),
        pl.when("has_time", pl.col("local_zone").is_not_null()).then(clock.dt.hour()).alias("local_hour"),
        "row", "city",
    )  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(payments=random_payments(max_size=60))
def test_the_legs_equal_their_definition(payments):
    ledger = build_ledger(payments)
    legs = legs_of(ledger)
    names = ledger.accounts["account_id"]
    legs = legs.with_columns(account_id=names.gather(legs["account"]))
    expected = legs_in_polars(payments)
    if "city" not in legs.columns:
        expected = expected.drop("city")
    found = legs.select(expected.columns).with_columns(pl.col("channel").cast(pl.String))
    if "city" in found.columns:
        found = found.with_columns(pl.col("city").cast(pl.String))
    assert_frame_equal(found, expected)
    facts = expected.group_by("account_id").agg(
        leg_count=pl.len(), first_at=pl.col("booked_at").min(), last_at=pl.col("booked_at").max()
    )
    assert_frame_equal(
        ledger.accounts.select("account_id", "leg_count", "first_at", "last_at"), facts.sort("account_id"),
        check_dtypes=False,
    )  # fmt: skip


def test_many_payments_of_one_instant_are_in_order_of_their_key():
    keys = [97 * number % 1000 for number in range(1000)]
    rows = [{"booked_at": at(), "row_key": key, "amount_minor": key + 1} for key in keys]
    assert factory.ledger(*rows).legs["amount_minor"].to_list() == list(range(1, 1001))


def test_text_may_come_as_categories():
    rows = factory.payments(
        *({"account_id": "AB"[n % 2], "counterparty_id": "CAB"[n % 3], "mirrored": n % 3 > 0, "city": "Varna",
           "currency": ["EUR", "SEK"][n % 4 == 0], "booked_at": at(n % 5)} for n in range(30))
    )  # fmt: skip
    text = [name for name, dtype in rows.schema.items() if dtype == pl.String]
    plain, coded = build_ledger(rows), build_ledger(rows.with_columns(pl.col(text).cast(pl.Categorical)))
    assert_frame_equal(plain.accounts, coded.accounts)
    assert_frame_equal(plain.legs, coded.legs)
    assert plain.parties.to_list() == coded.parties.to_list()


def test_foreign_money_is_converted_at_the_rate_of_its_day_and_rounded_half_to_even():
    days = [at(day).date() for day in (0, 1)]
    table = pl.DataFrame(
        {"currency": ["SEK", "SEK"], "day": days, "per_euro": [11_500_000_000_000, 8_000_000_000_000]}
    )
    ledger = build_ledger(
        factory.payments(
            *[{"currency": "EUR"}] * 5,
            {"currency": "SEK", "amount_minor": 1150_00},
                {"currency": "SEK", "booked_at": at(1), "amount_minor": 4},
            {"currency": "SEK", "booked_at": at(1), "amount_minor": 12},
            {"currency": "SEK", "booked_at": at(40)}, {"currency": "ZZZ"},
        ),
        rates=Rates((table,)),
    )  # fmt: skip
    found = {row["row"]: row["account_minor"] for row in ledger.legs.iter_rows(named=True)}
    half = [int((Decimal(minor) / 8).quantize(Decimal(1), ROUND_HALF_EVEN)) for minor in (4, 12)]
    assert half == [0, 2]
    assert [found[row] for row in range(10)] == [*[100_00] * 6, *half, None, None]
    assert ledger.unconverted == 2
