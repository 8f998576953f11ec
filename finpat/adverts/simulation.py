"""A small seeded world of posters and payers, in which who paid for what is known: it measures the linking.

    python -m finpat.adverts.simulation [--ads-per-day 3000] [--days 28]

Settings follow the shape of the trade as the literature describes it: many posters, few prices, adverts that
appear minutes after payment, a bank that sees some of the payers, posters who share fixed posting slots,
payments for credits that no advert follows, and cluster labels that are partly wrong.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass

import numpy as np
import polars as pl

from finpat.adverts.link import SECOND, Linking, link_payments

START = 1_772_409_600  # 2026-03-02, a Monday, in seconds since 1970


@dataclass(frozen=True)
class World:
    """What is simulated.

    ads_per_day, days, posters: adverts in all and who posts them. seen: share of posters whose account the
    bank sees. wrong_labels: share of adverts in another poster's cluster. credits: share of payments that no
    advert follows. slots: share of posters who post at the same fixed minutes of every day. prices: how many
    different ones.
    """

    ads_per_day: int = 3_000
    days: int = 28
    posters: int = 6_000
    seen: float = 0.15
    wrong_labels: float = 0.1
    credits: float = 0.05
    slots: float = 0.15
    prices: int = 30
    seed: int = 7


def simulate(world: World) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Payments (of link_payments, and `ad`: the advert paid for, null for none) and adverts (`poster` too).

    payer is the poster whose account it is.
    """
    draw = np.random.default_rng(world.seed)
    count = world.ads_per_day * world.days
    share = draw.pareto(1.5, world.posters) + 0.2  # a few post most
    poster = draw.choice(world.posters, count, p=share / share.sum())
    price = draw.integers(2, 60, world.prices) * 5 - 1
    own = draw.integers(0, world.prices, (world.posters, 2))  # the placements that a poster buys
    posted = draw.integers(0, world.days * 1_440, count) * 60
    in_slots = np.isin(poster, np.flatnonzero(draw.random(world.posters) < world.slots))
    slot = draw.choice([9 * 60, 12 * 60, 18 * 60, 21 * 60], count) + draw.integers(-1, 2, count)
    posted = np.where(in_slots, (posted // 86_400) * 86_400 + slot * 60, posted)
    cost = price[own[poster, draw.integers(0, 2, count)]]
    label = np.where(draw.random(count) < world.wrong_labels, draw.choice(world.posters, count), poster)
    ads = pl.DataFrame(
        {
            "cluster": pl.Series([f"c{name}" for name in label]),
            "platform": pl.repeat("board", count, eager=True),
            "posted_at": pl.Series((START + posted) * SECOND).cast(pl.Datetime("us")),
            "has_time": pl.repeat(True, count, eager=True),
            "price": pl.Series(cost).cast(pl.Decimal(38, 8)),
            "poster": poster,
        }
    )
    seen = np.flatnonzero(np.isin(poster, np.flatnonzero(draw.random(world.posters) < world.seen)))
    delay = (draw.gamma(2.0, 45.0, len(seen)) // 60 * 60).astype(np.int64)
    is_credit = draw.random(len(seen)) < world.credits
    moved = draw.integers(0, world.days * 1_440, len(seen)) * 60
    paid = np.where(is_credit, moved, posted[seen] - delay)
    payments = pl.DataFrame(
        {
            "payer": pl.Series(poster[seen], dtype=pl.UInt32),
            "paid_at": pl.Series((START + paid) * SECOND).cast(pl.Datetime("us")),
            "has_time": pl.repeat(True, len(seen), eager=True),
            "platform": pl.repeat("board", len(seen), eager=True),
            "amount_minor": pl.Series(cost[seen] * 100, dtype=pl.Int64),
            "currency": pl.repeat("USD", len(seen), eager=True),
            "ad": pl.Series(np.where(is_credit, -1, seen)).replace(-1, None),
        }
    )
    return payments, ads


def measured(payments: pl.DataFrame, ads: pl.DataFrame, rules: Linking) -> dict[str, float]:
    """How the links of a simulated world hold: of accounts, and of single payments.

    payers: accounts with `least` payments or more for adverts under the poster's own label. recall: the share
    of them linked to their own cluster. precision: the share of links that are to the payer's own cluster.
    raw_precision: the same of all pairs with `least` coincidences. match_precision: of matched rows, those
    whose advert is the one paid for.
    """
    own = pl.format("c{}", "payer")
    paid = payments.filter(pl.col("ad").is_not_null())
    labels = paid.with_columns(label=ads["cluster"][paid["ad"]]).filter(pl.col("label") == own)
    able = labels.group_by("payer").len().filter(pl.col("len") >= rules.least)["payer"]
    found = link_payments(payments, ads, rules)
    right = found.links.filter(pl.col("cluster") == own)
    loose = link_payments(
        payments, ads, Linking(rules.before_s, rules.after_s, rules.least, level=float("inf"))
    ).links
    matched = found.matches.with_columns(truth=payments["ad"][found.matches["payment"]])
    return {
        "payers": float(len(able)),
        "links": float(found.links.height),
        "precision": right.height / max(found.links.height, 1),
        "recall": right.filter(pl.col("payer").is_in(able.implode())).height / max(len(able), 1),
        "raw_precision": loose.filter(pl.col("cluster") == own).height / max(loose.height, 1),
        "match_precision": float((matched["truth"] == matched["ad"]).fill_null(False).mean() or 0.0),  # type: ignore[arg-type]
    }


def main() -> None:
    """Print one line per window and share of posters in shared slots."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ads-per-day", type=int, default=World.ads_per_day)
    parser.add_argument("--days", type=int, default=World.days)
    chosen = parser.parse_args()
    for slots in (0.0, 0.15):
        for wrong in (0.1, 0.3):
            for after in (120.0, 300.0, 1_800.0):
                world = World(chosen.ads_per_day, chosen.days, slots=slots, wrong_labels=wrong)
                figures = measured(*simulate(world), Linking(after_s=after))
                told = ", ".join(f"{name} {value:.4g}" for name, value in figures.items())
                print(f"slots {slots}, wrong labels {wrong}, {after / 60:.0f} min: {told}")  # noqa: T201


if __name__ == "__main__":
    main()
