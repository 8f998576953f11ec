"""The legs of a run as Arrow batches for rm.transactions, in the order in which they are stored there.

The ledger has the legs already sorted by account and time. What no stage computes with (ids, texts,
file and line) is looked up by the position of the payment, so nothing is sorted again and only one batch of
legs is held beside the ledger.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from finpat.ledger import NO_PARTY, PLACE_COLUMNS, Ledger
from finpat.readmodel.schema import TRANSACTIONS

BATCH_LEGS = 1_000_000  # bounds the memory; the texts of a dictionary are handed over once for each batch
DIRECTIONS = ("debit", "credit")
PRECISIONS = ("day", "second")
# Of one side of a payment only: what they tell belongs to the leg as written, not to its mirror.
WRITTEN_SIDE = ("counterparty_name", "balance_after_minor")
LOOKED_UP = ("transaction_id", "source_line", "description", "ip", "extra")
# What `Legs.payments` may have beside file_id; the first three it must have.
PAYMENT_COLUMNS = ("transaction_id", "direction", "source_line", *WRITTEN_SIDE, *LOOKED_UP[2:])
# What is read from the ledger's legs, further columns being for the stages that compute.
_LEDGER_COLUMNS = (
    "account", "booked_at", "is_credit", "amount_minor", "currency", "counterparty", "channel", "has_time",
    "row",
    *(name for name in PLACE_COLUMNS if name in TRANSACTIONS.names),
)  # fmt: skip


def published_part(ledger: Ledger) -> Ledger:
    """The ledger without the leg columns that are not published, so that their memory can be had back."""
    computed = [name for name in ledger.legs.columns if name not in _LEDGER_COLUMNS]
    return replace(ledger, legs=ledger.legs.drop(computed))


@dataclass(frozen=True)
class Legs:
    """What rm.transactions is made of.

    payments: one row per payment, in the order that the ledger's `row` counts: file_id and PAYMENT_COLUMNS.
    currency: of all legs, where the ledger has one currency and so no such column.
    files: name of each file_id.
    """

    ledger: Ledger
    payments: pl.DataFrame
    files: Mapping[int, str]

    @property
    def currencies(self) -> list[str]:
        """The currencies of the legs."""
        legs = self.ledger.legs
        if "currency" in legs.columns:
            return sorted(legs["currency"].unique().drop_nulls().cast(pl.String).to_list())
        return self.ledger.accounts["currency"].unique().drop_nulls().to_list()

    def reader(self) -> pa.RecordBatchReader:
        """The legs, batch by batch."""
        batches = self._batches()
        first = next(batches)

        def all_batches() -> Iterator[pa.RecordBatch]:
            yield first
            yield from batches

        return pa.RecordBatchReader.from_batches(first.schema, all_batches())

    def _batches(self) -> Iterator[pa.RecordBatch]:
        written_credit = (self.payments["direction"] == "credit").rechunk()
        payments = self.payments.drop("direction").rechunk()
        ids, parties = self.ledger.accounts["account_id"], self.ledger.parties
        file_ids = sorted(self.files)
        source_ids = pa.array([str(number) for number in file_ids])
        source_files = pa.array([self.files[number] for number in file_ids])
        for begin in range(0, max(1, self.ledger.legs.height), BATCH_LEGS):
            legs = self.ledger.legs.slice(begin, BATCH_LEGS)
            row, is_credit = legs["row"], legs["is_credit"]
            mirrored = is_credit != written_credit.gather(row)
            columns = {
                name: payments[name].gather(row).to_arrow() for name in LOOKED_UP if name in payments.columns
            }
            for name in WRITTEN_SIDE:
                if name in payments.columns:
                    seen = pl.DataFrame({"value": payments[name].gather(row), "mirrored": mirrored})
                    columns[name] = seen.select(pl.when(~pl.col("mirrored")).then("value"))[
                        "value"
                    ].to_arrow()
            account = legs["account"].to_numpy()
            low = int(account[0]) if account.size else 0
            high = int(account[-1]) + 1 if account.size else 0
            file = np.searchsorted(file_ids, payments["file_id"].gather(row).to_numpy())
            columns |= {
                "account_id": _coded(account - np.uint32(low), ids.slice(low, high - low).to_arrow()),
                "counterparty_id": _parties(legs["counterparty"].to_numpy(), parties),
                "direction": _coded(is_credit.to_numpy(), DIRECTIONS),
                "time_precision": _coded(legs["has_time"].to_numpy(), PRECISIONS),
                "mirrored": mirrored.to_arrow(),
                "source_id": _coded(file, source_ids),
                "source_file": _coded(file, source_files),
                **{
                    name: legs[name].to_arrow()
                    for name in ("booked_at", "amount_minor", "currency", "channel", *PLACE_COLUMNS)
                    if name in legs.columns and (name in TRANSACTIONS.names or name == "amount_minor")
                },
            }
            if "currency" not in columns:
                one = pa.array(self.currencies or ["XXX"])
                columns["currency"] = _coded(np.zeros(legs.height, np.uint8), one)
            yield pa.RecordBatch.from_pydict(columns)


def _coded(codes: npt.NDArray[np.generic], texts: Sequence[str]) -> pa.DictionaryArray:
    # Made here: the first pa.array of a list imports pandas where that is installed, which takes a second.
    return pa.DictionaryArray.from_arrays(pa.array(codes.astype(np.int32)), pa.array(texts))


def _parties(codes: npt.NDArray[np.uint32], parties: pl.Series) -> pa.DictionaryArray:
    """Ids of counterparties, null where unknown; only those that occur are handed over."""
    seen = np.zeros(len(parties) + 1, np.bool_)
    known = codes != NO_PARTY
    places = np.where(known, codes, len(parties))
    seen[places] = True
    seen[-1] = False
    number = np.cumsum(seen, dtype=np.int32) - np.int32(1)
    texts = parties.gather(np.flatnonzero(seen)).to_arrow()
    return pa.DictionaryArray.from_arrays(pa.array(number[places], mask=~known), texts)
