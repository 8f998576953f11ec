"""Seeded two-sided payment exports of any size for the benchmark; rows in time order, memory flat.

    python bench/generate.py --rows 1_000_000 --out FILE.csv [--seed 7]

Accounts are a hundredth of the rows. Their activity falls off like a power of their rank (few busy, many
quiet), most payments go to a handful of usual counterparties, and a day has hours. Two payments in a thousand
belong to planted patterns (deposits just below 10,000; money passed on within a day), so that a detector
has something to find. Columns: tx_id, ts, from_account, to_account, amount, currency, channel, mcc, city,
country.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import polars as pl

DAY = 86_400_000_000
SPAN_DAYS = 180
START = 1_767_225_600_000_000  # 2026-01-01 UTC, microseconds
CHANNELS = np.array(["card", "p2p", "wire", "cash", "atm", "crypto"])
CHANNEL_SHARES = np.cumsum([0.50, 0.21, 0.11, 0.09, 0.06, 0.03])
LOG_MEANS = np.array([3.3, 4.1, 6.8, 5.4, 4.7, 5.9])
LOG_SPREADS = np.array([1.0, 1.2, 1.4, 1.3, 0.6, 1.5])
USUAL = 8  # usual counterparties of an account
PLANTED_SHARE = 0.002


def ranks(rng: np.random.Generator, accounts: int, size: int, exponent: float, offset: float) -> np.ndarray:
    """Ranks drawn with probability (rank + offset) ** -exponent."""
    weights = np.cumsum((np.arange(accounts) + offset) ** -exponent)
    return np.searchsorted(weights, rng.random(size) * weights[-1]).astype(np.int64).clip(max=accounts - 1)


def planted(rng: np.random.Generator, accounts: int, rows: int) -> dict[str, np.ndarray]:
    """Deposits just below a limit, and money passed on within a day; in time order."""
    deposits, passes = rows // 16, rows // 4
    target = np.repeat(rng.integers(0, accounts, deposits), 8)
    at = np.repeat(rng.integers(0, (SPAN_DAYS - 6) * DAY, deposits), 8) + rng.integers(
        0, 5 * DAY, deposits * 8
    )
    mule, into = rng.integers(0, accounts, passes), rng.integers(0, (SPAN_DAYS - 2) * DAY, passes)
    value = rng.integers(200_000, 4_000_000, passes)
    columns = {
        "at": np.concatenate([at, into, into + rng.integers(DAY // 24, DAY, passes)]),
        "payer": np.concatenate([rng.integers(0, accounts, deposits * 8 + passes), mule]),
        "payee": np.concatenate([target, mule, rng.integers(0, accounts, passes)]),
        "minor": np.concatenate(
            [rng.integers(810_000, 999_000, deposits * 8), value, value * rng.integers(90, 99, passes) // 100]
        ),
        "channel": np.repeat([3, 2], [deposits * 8, 2 * passes]),
    }
    order = np.argsort(columns["at"], kind="stable")
    return {name: column[order] for name, column in columns.items()}


def write(path: Path, rows: int, seed: int = 7, piece: int = 1_000_000) -> None:
    """Write the export."""
    rng = np.random.default_rng(seed)
    accounts = max(100, rows // 100)
    shuffled, usual = rng.permutation(accounts), ranks(rng, accounts, accounts * USUAL, 1.0, 5.0)
    special = planted(rng, accounts, int(rows * PLANTED_SHARE))
    plain = rows - special["at"].size
    pieces = max(1, -(-plain // piece))
    edges = np.linspace(0, SPAN_DAYS * DAY, pieces + 1).astype(np.int64)
    home = rng.integers(0, 800, accounts)
    number = 0
    with path.open("wb") as file:
        for index in range(pieces):
            size = plain * (index + 1) // pieces - plain * index // pieces
            at = rng.integers(edges[index], edges[index + 1], size)
            hour = (rng.beta(2.0, 1.7, size) * DAY).astype(np.int64)
            at = np.clip(at // DAY * DAY + hour, edges[index], edges[index + 1] - 1)
            payer = shuffled[ranks(rng, accounts, size, 0.9, 10.0)]
            payee = shuffled[ranks(rng, accounts, size, 1.05, 5.0)]
            familiar = rng.random(size) < 0.6
            slot = np.minimum(rng.geometric(0.35, size), USUAL) - 1
            payee = np.where(familiar, usual[payer * USUAL + slot], payee)
            channel = np.searchsorted(CHANNEL_SHARES, rng.random(size)).clip(max=5)
            minor = np.exp(rng.normal(LOG_MEANS[channel], LOG_SPREADS[channel])) * 100
            mine = slice(*np.searchsorted(special["at"], edges[index : index + 2]))
            columns = {
                "at": at, "payer": payer, "payee": payee, "minor": minor.astype(np.int64).clip(1, 10**10),
                "channel": channel,
            }  # fmt: skip
            columns = {
                name: np.concatenate([values, special[name][mine]]) for name, values in columns.items()
            }
            order = np.argsort(columns["at"], kind="stable")
            columns = {name: values[order] for name, values in columns.items()}
            payer, payee = columns["payer"], columns["payee"]
            payee = np.where(payee == payer, (payer + 1) % accounts, payee)
            size = order.size
            city = np.where(rng.random(size) < 0.1, rng.integers(0, 800, size), home[columns["payer"]])
            frame = pl.DataFrame(
                {
                    "tx_id": np.arange(number, number + size),
                    "ts": pl.Series(START + columns["at"]).cast(pl.Datetime("us")),
                    "payer": columns["payer"], "payee": payee, "minor": columns["minor"],
                    "channel": CHANNELS[columns["channel"]], "mcc": rng.integers(1000, 1300, size),
                    "city": city,
                }
            )  # fmt: skip
            frame.select(
                "tx_id", "ts",
                from_account=pl.format("AC{}", pl.col("payer").cast(pl.String).str.zfill(9)),
                to_account=pl.format("AC{}", pl.col("payee").cast(pl.String).str.zfill(9)),
                amount=pl.format(
                    "{}.{}",
                    pl.col("minor") // 100,
                    (pl.col("minor") % 100).cast(pl.String).str.zfill(2),
                ),
                currency=pl.lit("USD"), channel="channel",
                mcc=pl.when(pl.col("channel") == "card").then(pl.col("mcc").cast(pl.String)),
                city=pl.format("City{}", "city"), country=pl.format("C{}", pl.col("city") % 10),
            ).write_csv(file, include_header=index == 0, datetime_format="%Y-%m-%dT%H:%M:%S%.6f")  # fmt: skip
            number += size


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=lambda text: int(text.replace("_", "")), default=1_000_000)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=7)
    chosen = parser.parse_args()
    write(chosen.out, chosen.rows, chosen.seed)
