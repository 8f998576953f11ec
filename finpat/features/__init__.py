"""Features: one row of numbers for each account.

`FEATURES` is the dictionary of the columns, `build_features` computes them all. Adding a feature is a
declaration and a line in the kernel of its group; adding a group is a module and a line in `GROUPS`. What
compares accounts with each other (`standing`) is computed last, from the columns of the groups.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import polars as pl

from finpat.compiled import announcing_compilation, thread_count
from finpat.config import Settings
from finpat.features.amounts import AMOUNTS
from finpat.features.base import Feature, Group, Legs, read_legs
from finpat.features.change import CHANGE
from finpat.features.channels import CHANNEL_MIX
from finpat.features.motifs import MOTIFS
from finpat.features.movement import MOVEMENT
from finpat.features.own_past import OWN_PAST
from finpat.features.peers import PEERS
from finpat.features.places import PLACES
from finpat.features.relays import RELAYS
from finpat.features.rhythm import RHYTHM
from finpat.features.standing import compare, standing_features
from finpat.features.structuring import STRUCTURING
from finpat.features.velocity import VELOCITY
from finpat.ledger import Ledger, build_ledger, effective_part

__all__ = ["FEATURES", "GROUPS", "Feature", "Group", "Legs", "build_features", "warm_kernels"]

GROUPS: tuple[Group, ...] = (
    VELOCITY,
    AMOUNTS,
    STRUCTURING,
    MOVEMENT,
    RELAYS,
    PEERS,
    MOTIFS,
    CHANGE,
    OWN_PAST,
    CHANNEL_MIX,
    RHYTHM,
    PLACES,
)
_MEASURED: tuple[Feature, ...] = tuple(feature for group in GROUPS for feature in group.features)
FEATURES: tuple[Feature, ...] = (*_MEASURED, *standing_features(_MEASURED))


def build_features(ledger: Ledger, settings: Settings) -> pl.DataFrame:
    """All features of every account of the ledger.

    Returns account_id and one column per feature of FEATURES, rows in the order of `ledger.accounts`. Money
    is in minor units of the account's currency. Legs that did not take effect (`status`) count nowhere. The
    result does not depend on `settings.threads`.
    """
    legs = read_legs(effective_part(ledger))
    threads = thread_count(settings.threads)
    columns = [column for group in GROUPS for column in group.columns(legs, threads)]
    table = pl.DataFrame([ledger.accounts["account_id"], *columns])
    return table.with_columns(compare(table, legs, _MEASURED))


def warm_kernels(notify: Callable[[str], None]) -> None:
    """Compile, or load from disk, every kernel of ledger and features.

    notify: called once with one line where something has to be compiled: that takes tens of seconds after an
        installation. Loading compiled code from disk says nothing.
    """
    start = datetime(2026, 1, 1)
    row = {
        "booked_at": start,
        "has_time": True,
        "account_id": "A",
        "counterparty_id": "B",
        "direction": "credit",
        "amount_minor": 100_00,
        "currency": "EUR",
        "channel": "transfer",
        "mirrored": True,
        "city": "Sofia",
    }
    payments = pl.DataFrame(
        [{**row, "row_key": day, "booked_at": start + timedelta(days=day)} for day in range(6)],
        schema_overrides={"booked_at": pl.Datetime("us"), "row_key": pl.UInt64},
    )
    with announcing_compilation(notify):
        build_features(build_ledger(payments), Settings(threads=1))
