"""Random payments with ties, dates without time and unknown fields, and the legs of a ledger as a plain
frame."""

from __future__ import annotations

from datetime import timedelta

import polars as pl
from hypothesis import strategies as st

from finpat.ledger import Ledger
from tests.factory import START, payments

MINUTES = st.one_of(
    st.integers(0, 5).map(lambda hours: hours * 60),  # ties, and gaps of exactly one hour
    st.integers(0, 60).map(lambda days: days * 24 * 60),  # exactly 24 hours, 7 and 30 days
    st.integers(0, 90 * 24 * 60),
)


@st.composite
def random_payments(draw: st.DrawFn, max_size: int = 40) -> pl.DataFrame:
    """Payments of a few accounts that meet often."""
    row = st.fixed_dictionaries(
        {
            "minutes": MINUTES,
            "has_time": st.sampled_from([True, True, True, False]),
            "account_id": st.sampled_from(["A", "B", "C"]),
            "counterparty_id": st.sampled_from(["A", "B", "X", "Y", "Z", None]),
            "direction": st.sampled_from(["credit", "debit"]),
            "amount_minor": st.one_of(
                st.sampled_from([50_00, 100_00, 9_500_00, 10_000_00]), st.integers(1, 2_000_000)
            ),
            "currency": st.sampled_from(["EUR", "EUR", "EUR", "SEK"]),
            "channel": st.sampled_from(["transfer", "cash", "card", "atm"]),
            "local_zone": st.sampled_from(["Europe/Sofia", "America/New_York", None]),
            "city": st.sampled_from(["Varna", "Plovdiv", None]),
            "mirrored": st.sampled_from([False, True]),
        }
    )
    rows = []
    for index, values in enumerate(draw(st.lists(row, min_size=1, max_size=max_size))):
        moment = START + timedelta(minutes=values.pop("minutes"))
        if not values["has_time"]:
            moment = moment.replace(hour=0, minute=0)
        mirrored = values["mirrored"] and values["counterparty_id"] in ("A", "B")
        rows.append({**values, "booked_at": moment, "mirrored": mirrored, "row_key": (index * 7919) % 10007})
    return payments(*rows)


def legs_of(ledger: Ledger) -> pl.DataFrame:
    """The legs with counterparty_id in place of its code, in the ledger's order."""
    codes = pl.DataFrame({"counterparty": range(len(ledger.parties)), "counterparty_id": ledger.parties})
    return ledger.legs.with_row_index("position").join(
        codes.with_columns(pl.col("counterparty").cast(pl.UInt32)),
        on="counterparty",
        how="left",
        maintain_order="left",
    )
