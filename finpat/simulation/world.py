"""One simulated world: settings in, frames out."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import polars as pl

from finpat.simulation.book import Book
from finpat.simulation.people import FAR, INNOCENTS, befriend, live
from finpat.simulation.scenarios import SCENARIOS


@dataclass(frozen=True)
class World:
    """What is simulated.

    seed: same seed, same world. accounts: ordinary persons. days: length. difficulty: 0 (as the advisories
    have it) to 1 (hardly to be seen). episodes: of each scenario. innocents: of each look-alike.
    """

    seed: int = 7
    accounts: int = 400
    days: int = 120
    difficulty: float = 0.0
    episodes: int = 2
    innocents: int = 4


@dataclass(frozen=True)
class Simulated:
    """The tables of a world, as their exports hold them, and what is true in it.

    transactions, accounts, ads, ad_payments: of the canonical tables. labels: account_id, label, role,
    typology. episodes: episode_id, scenario, account_id, role, difficulty. truth: ad_id, account_id (who paid
    for the advert). innocents: account_id, kind (of look-alike).
    """

    transactions: pl.DataFrame
    accounts: pl.DataFrame
    ads: pl.DataFrame
    ad_payments: pl.DataFrame
    labels: pl.DataFrame
    episodes: pl.DataFrame
    truth: pl.DataFrame
    innocents: pl.DataFrame

    def tables(self) -> dict[str, pl.DataFrame]:
        """Every frame by its name."""
        return dict(vars(self))


def simulate(world: World) -> Simulated:
    """The world of these settings.

    Raises:
        ValueError: the difficulty is not from 0 to 1, or there is no room for an episode.
    """
    if not 0 <= world.difficulty <= 1:
        raise ValueError(f"difficulty {world.difficulty}: expected 0 to 1")
    if world.days < 30 or world.accounts < 2:
        raise ValueError(f"{world.days} days, {world.accounts} accounts: expected 30 and 2 at least")
    book = Book(world.seed, world.days, world.difficulty)
    people = []
    for number in range(world.accounts):
        person = book.open("person", number, FAR[number % len(FAR)])
        live(book, person, book.dice("person", number))
        people.append(person)
    befriend(book, people)
    alike = []
    for kind, make in INNOCENTS.items():
        for number in range(world.innocents):
            before = len(book.accounts)
            make(book, number)
            alike += [(account.account_id, kind) for account in book.accounts[before:]]
    for scenario in SCENARIOS.values():
        for number in range(world.episodes):
            scenario(book, number)
    return _frames(book, alike)


def _frames(book: Book, alike: list[tuple[str, str]]) -> Simulated:
    amount = (pl.col("amount").cast(pl.Int64) * Decimal("0.01")).cast(pl.Decimal(18, 2))
    signed = pl.when(pl.col("direction") == "credit").then("amount").otherwise(-pl.col("amount"))
    rows = pl.DataFrame(book.payments, infer_schema_length=None).with_row_index("written")
    transactions = (
        rows.with_columns(pl.coalesce("transaction_id", pl.format("t{}", "written")).alias("transaction_id"))
        .sort("booked_at", "written")
        .with_columns(balance_after=(signed.cum_sum().over("account_id") + 80_000) * Decimal("0.01"))
        .with_columns(
            amount, pl.lit("USD").alias("currency"), pl.col("balance_after").cast(pl.Decimal(18, 2))
        )
        .drop("written")
    )
    accounts = pl.DataFrame(
        [
            {
                "account_id": a.account_id,
                "holder_id": a.holder_id,
                "holder_type": a.holder_type,
                "opened_on": a.opened_on.date(),
                "phone": a.phone,
                "country": "US",
            }
            for a in book.accounts
        ]
    ).sort("account_id")
    of_adverts: dict[str, Any] = {
        "ad_id": pl.String,
        "platform": pl.String,
        "posted_at": pl.Datetime("us"),
        "city": pl.String,
        "country": pl.String,
        "phone": pl.String,
        "text": pl.String,
        "price": pl.Int64,
    }
    ads = pl.DataFrame(book.adverts, schema=of_adverts).with_columns(
        (pl.col("price") * Decimal("0.01")).cast(pl.Decimal(18, 2))
    )
    truth = pl.DataFrame(book.advert_payments, schema={"ad_id": pl.String, "account_id": pl.String})
    paid = (
        ads.join(truth, on="ad_id", maintain_order="left")
        # Every third payment names its account: a platform knows some of its payers.
        .with_row_index("number")
        .select(
            "platform",
            payment_id=pl.format("p{}", "number"),
            paid_at=pl.col("posted_at") - pl.duration(minutes=1),
            amount="price",
            currency=pl.lit("USD"),
            account_id=pl.when(pl.col("number") % 3 == 0).then("account_id"),
            ad_id=pl.when(pl.col("number") % 3 == 0).then("ad_id"),
        )
    )
    of_episodes: dict[str, Any] = {
        "episode_id": pl.String,
        "scenario": pl.String,
        "account_id": pl.String,
        "role": pl.String,
        "difficulty": pl.Float64,
    }
    episodes = pl.DataFrame(book.episodes, schema=of_episodes)
    labels = accounts.select("account_id").join(
        episodes.select("account_id", "role", typology="scenario").unique("account_id", keep="first"),
        on="account_id",
        how="left",
        maintain_order="left",
    )
    labels = labels.with_columns(label=pl.col("role").is_not_null().cast(pl.Int8))
    innocents = pl.DataFrame(alike, schema={"account_id": pl.String, "kind": pl.String}, orient="row")
    return Simulated(transactions, accounts, ads, paid, labels, episodes, truth, innocents)
