"""Payments whose times and amounts are consistent with having paid for a cluster's adverts.

A platform publishes an advert as soon as it is paid for (Portnoff et al., KDD 2017), so a poster's payments
fall just before the poster's adverts. Single coincidences prove nothing where thousands of adverts appear a
day: counting three within five minutes is wrong three times in four. So payments of one payer are tested
against adverts of one cluster. What chance gives is measured by moving the payments by whole days, which
keeps prices, hours of the day and shared posting slots, and destroys only what the payer and this cluster
have in common. A link says "consistent with having paid for", never more.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy.optimize import linear_sum_assignment  # type: ignore[import-untyped]
from scipy.sparse import coo_array  # type: ignore[import-untyped]
from scipy.sparse.csgraph import connected_components  # type: ignore[import-untyped]
from scipy.stats import poisson  # type: ignore[import-untyped]

from finpat.adverts import link_kernels
from finpat.compiled import frozen
from finpat.money import decimals_of

SECOND = 1_000_000  # microseconds
DAY = 86_400 * SECOND
HOUR = 3_600 * SECOND
FITS_AT_ONCE = 10_000_000  # fitting pairs held at a time
SHIFTS = np.array([*range(-14, -1), *range(2, 15)], np.int64) * DAY  # a day either way is too near
LINK_SCHEMA = {
    "payer": pl.UInt32, "cluster": pl.String, "k": pl.Int32, "expected": pl.Float64, "p_value": pl.Float64,
    "tested": pl.Int64, "method": pl.String, "precision": pl.String, "matched": pl.Int32,
    "median_delay_s": pl.Float64, "mad_delay_s": pl.Float64, "payment_share": pl.Float64,
    "ad_share": pl.Float64,
}  # fmt: skip
RUN_SCHEMA = {name: dtype for name, dtype in LINK_SCHEMA.items() if not name.endswith("_share")}
MATCH_SCHEMA = {
    "payer": pl.UInt32, "cluster": pl.String, "payment": pl.UInt32, "ad": pl.UInt32, "delay_s": pl.Float64,
}  # fmt: skip


@dataclass(frozen=True)
class Linking:
    """When a payment fits an advert, and when a payer fits a cluster.

    before_s, after_s: the advert appears at most so many seconds before or after its payment. least: payments
    that fit. level: chance of one false link over all pairs tested (Bonferroni). least_span_days: of adverts,
    below which whole days cannot be shifted and rates by hour of the week stand in. listed_amounts,
    listed_share: a platform's prices, for adverts without one: its commonest amounts, at most so many, that
    cover so much of its payments.
    """

    before_s: float = 60.0
    after_s: float = 300.0
    least: int = 3
    level: float = 0.05
    least_span_days: float = 21.0
    listed_amounts: int = 30
    listed_share: float = 0.8


@dataclass(frozen=True)
class Links:
    """Payers and clusters that fit, and the single rows.

    links: payer, cluster, k (payments of the payer that have a fitting advert of the cluster), expected (by
        chance), p_value (of k or more), tested (pairs), method (`day_shift`, or `hour_of_week` where adverts
        span less than three weeks), precision (`time`, or `day` for rows that have only a date), matched
        (one to one), median_delay_s, mad_delay_s (from payment to advert), payment_share (of the payer's
        payments, matched), ad_share (of the cluster's adverts, matched). Sorted by payer, cluster.
    matches: payer, cluster, payment, ad (positions in what was given), delay_s; one to one in each link.
    """

    links: pl.DataFrame
    matches: pl.DataFrame


def link_payments(payments: pl.DataFrame, ads: pl.DataFrame, rules: Linking | None = None) -> Links:
    """Links of payers to clusters.

    payments: payer (UInt32), paid_at, has_time, platform (null: unknown, any fits), amount_minor, currency.
    ads: cluster (null: alone, not tested), platform, posted_at, has_time, price (Decimal in units of the
    currency that the platform is paid in; null: any amount that the platform commonly takes). Rows without a
    time of day are tested in a run of their own, by days. The result does not depend on the order of rows.
    """
    rules = rules or Linking()
    payments = payments.with_row_index("payment")
    seen = ads["posted_at"].drop_nulls().cast(pl.Int64).to_numpy()
    ads = ads.with_row_index("ad").filter(pl.col("cluster").is_not_null(), pl.col("posted_at").is_not_null())
    if payments.is_empty() or ads.is_empty():
        return Links(pl.DataFrame(schema=LINK_SCHEMA), pl.DataFrame(schema=MATCH_SCHEMA))
    span = int(seen.min()), int(seen.max())
    offered, asked = _keyed(payments, ads, rules)
    timed = _tested(
        asked.filter("has_time", "ad_has_time"),
        offered.filter("has_time"),
        rules,
        (round(rules.before_s * SECOND), round(rules.after_s * SECOND)),
        span,
        "time",
    )
    by_day = pl.col("paid_at").dt.truncate("1d"), pl.col("posted_at").dt.truncate("1d")
    dated = _tested(
        asked.filter(~(pl.col("has_time") & pl.col("ad_has_time"))).with_columns(by_day[0]),
        offered.with_columns(by_day[1]),
        rules,
        (0, DAY),
        span,
        "day",
    )
    links = pl.concat([timed.links, dated.links])
    # Found by time and by day: the less likely by chance is told.
    links = links.sort("payer", "cluster", "p_value", "precision").unique(
        ["payer", "cluster"], keep="first", maintain_order=True
    )
    links = (
        links.join(payments.group_by("payer").agg(payments=pl.len()), on="payer")
        .join(ads.group_by("cluster").agg(ads=pl.len()), on="cluster")
        .with_columns(
            payment_share=pl.col("matched") / pl.col("payments"), ad_share=pl.col("matched") / pl.col("ads")
        )
        .select(LINK_SCHEMA.keys())
        .sort("payer", "cluster")
    )
    kept = links.select("payer", "cluster", "precision")
    matches = pl.concat(
        [run.matches.with_columns(precision=pl.lit(name)) for run, name in ((timed, "time"), (dated, "day"))]
    ).join(kept, on=["payer", "cluster", "precision"], how="semi")
    return Links(links, matches.drop("precision").sort("payer", "cluster", "payment", "ad"))


def _keyed(payments: pl.DataFrame, ads: pl.DataFrame, rules: Linking) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Adverts and payments under the keys at which they can meet.

    A key is a platform, a currency and an amount; of adverts without a price, any of the platform's common
    amounts; and whether the advert has a time of day. Payments to an unknown platform stand under all.
    """
    platforms = ads.select("platform").unique()
    known = payments.filter(pl.col("platform").is_not_null())
    unknown = payments.filter(pl.col("platform").is_null()).drop("platform")
    placed = pl.concat(
        [known, unknown.join(platforms, how="cross").select(known.columns)], how="vertical_relaxed"
    ).join(platforms, on="platform", how="semi")
    paid = placed.select("platform", "currency").unique()
    units = {code: 10 ** decimals_of(code) for code in paid["currency"].unique().to_list()}
    if "price" not in ads.columns:
        ads = ads.with_columns(price=pl.lit(None, pl.Decimal(38, 8)))
    scale = pl.col("currency").replace_strict(units, return_dtype=pl.Int64)
    priced = (
        ads.filter(pl.col("price").is_not_null())
        .join(paid, on="platform")
        .with_columns(amount_minor=(pl.col("price").cast(pl.Decimal(38, 8)) * scale).round().cast(pl.Int64))
    )
    any_price = ads.filter(pl.col("price").is_null()).with_columns(
        currency=pl.lit(None, pl.String), amount_minor=pl.lit(None, pl.Int64)
    )
    columns = ["ad", "cluster", "posted_at", "has_time", "platform", "currency", "amount_minor"]
    offered = pl.concat([priced.select(columns), any_price.select(columns)], how="vertical_relaxed")
    group = ["platform", "currency"]
    common = (
        placed.group_by(*group, "amount_minor")
        .agg(paid=pl.len().cast(pl.Int64))
        .filter(pl.col("paid") > 1)
        .sort(*group, "paid", "amount_minor", descending=[False, False, True, False])
        .with_columns(
            before=(pl.col("paid").cum_sum() - pl.col("paid")).over(group),
            place=pl.int_range(pl.len()).over(group),
            total=pl.col("paid").sum().over(group),
        )
        .filter(
            pl.col("before") < rules.listed_share * pl.col("total"), pl.col("place") < rules.listed_amounts
        )
    )
    wild = placed.join(common.select(*group, "amount_minor"), on=[*group, "amount_minor"], how="semi")
    wild = wild.with_columns(currency=pl.lit(None, pl.String), amount_minor=pl.lit(None, pl.Int64))
    columns = ["payment", "payer", "paid_at", "has_time", "platform", "currency", "amount_minor"]
    asked = pl.concat([placed.select(columns), wild.select(columns)], how="vertical_relaxed")
    key = ["platform", "currency", "amount_minor", "ad_has_time"]
    offered = offered.with_columns(ad_has_time="has_time")
    codes = offered.select(key).unique().sort(key, nulls_last=True).with_row_index("key")
    codes = codes.with_columns(pl.col("key").cast(pl.Int64))
    offered = offered.join(codes, on=key, nulls_equal=True).select(
        "ad", "cluster", "posted_at", "has_time", "key"
    )
    asked = asked.join(codes, on=key[:3], nulls_equal=True).select(
        "payment", "payer", "paid_at", "has_time", "ad_has_time", "key"
    )
    return offered, asked


def _tested(
    asked: pl.DataFrame,
    offered: pl.DataFrame,
    rules: Linking,
    window: tuple[int, int],
    span: tuple[int, int],
    precision: str,
) -> Links:
    """One run: the pairs that fit more often than chance explains, and their rows one to one.

    window: microseconds before and after. span: when any adverts were seen, clustered or not.
    """
    none = Links(pl.DataFrame(schema=RUN_SCHEMA), pl.DataFrame(schema=MATCH_SCHEMA))
    if asked.is_empty() or offered.is_empty():
        return none
    meeting = _meet(asked, offered, window)
    blocks, tested, parts = meeting.blocks(), 0, []
    for block in np.unique(blocks):
        counted = (
            meeting.fits(blocks == block)
            .group_by("payer", "cluster")
            .agg(k=pl.col("payment").n_unique().cast(pl.Int32))
        )
        tested += counted.height
        parts.append(counted.filter(pl.col("k") >= rules.least))
    pairs = pl.concat(parts).sort("payer", "cluster")
    if pairs.is_empty():
        return none
    shifted = span[1] - span[0] >= rules.least_span_days * DAY
    expected = (_by_shifts if shifted else _by_hours)(pairs, asked, offered, window, span)
    links = pairs.with_columns(
        expected=pl.Series(expected),
        p_value=pl.Series(poisson.sf(pairs["k"].to_numpy() - 1, expected)),
        tested=pl.lit(tested, pl.Int64),
        method=pl.lit("day_shift" if shifted else "hour_of_week"),
        precision=pl.lit(precision),
    ).filter(pl.col("p_value") < rules.level / tested)
    if links.is_empty():
        return none
    fits = meeting.fits(meeting.pays["payer"].is_in(links["payer"].implode()).to_numpy())
    matches = _one_to_one(fits.join(links.select("payer", "cluster"), on=["payer", "cluster"], how="semi"))
    delay = pl.col("delay_s")
    told = matches.group_by("payer", "cluster").agg(
        matched=pl.len().cast(pl.Int32),
        median_delay_s=delay.median(),
        mad_delay_s=(delay - delay.median()).abs().median(),
    )
    links = links.join(told, on=["payer", "cluster"]).sort("payer", "cluster")
    return Links(
        links.select(RUN_SCHEMA.keys()).cast(RUN_SCHEMA),  # type: ignore[arg-type]
        matches.select(MATCH_SCHEMA.keys()).cast(MATCH_SCHEMA),  # type: ignore[arg-type]
    )


@dataclass(frozen=True)
class _Meeting:
    """Payments and adverts by key and instant, and per payment its first fitting advert and how many fit."""

    pays: pl.DataFrame
    posts: pl.DataFrame
    first: npt.NDArray[np.int64]
    count: npt.NDArray[np.int64]

    def blocks(self) -> npt.NDArray[np.int64]:
        """Per payment: a number shared by some whole payers that have about FITS_AT_ONCE fits together."""
        fits = self.pays.select("payer", fits=pl.Series(self.count))
        block = fits.group_by("payer").agg(pl.col("fits").sum()).sort("payer")
        block = block.with_columns(block=pl.col("fits").cum_sum() // FITS_AT_ONCE)
        joined = fits.select("payer").join(block, on="payer", how="left", maintain_order="left")
        numbers: npt.NDArray[np.int64] = joined["block"].to_numpy()
        return numbers

    def fits(self, chosen: npt.NDArray[np.bool_]) -> pl.DataFrame:
        """payer, payment, cluster, ad, delay_s: each chosen payment with every advert that fits it."""
        rows = np.flatnonzero(chosen)
        count = self.count[rows]
        pay = np.repeat(rows, count)
        ad = (
            np.arange(len(pay))
            - np.repeat(np.cumsum(count) - count, count)
            + np.repeat(self.first[rows], count)
        )
        pays = self.pays.select("payer", "payment", "paid_at")[pay]
        posts = self.posts.select("cluster", "ad", "posted_at")[ad]
        fits: pl.DataFrame = pl.concat([pays, posts], how="horizontal").select(
            "payer",
            "payment",
            "cluster",
            "ad",
            delay_s=(pl.col("posted_at") - pl.col("paid_at")).dt.total_microseconds() / SECOND,
        )
        return fits.unique(["payment", "ad"], maintain_order=True)


def _meet(asked: pl.DataFrame, offered: pl.DataFrame, window: tuple[int, int]) -> _Meeting:
    pays = asked.sort("key", "paid_at", "payment")
    posts = offered.sort("key", "posted_at", "ad")
    first, count = link_kernels.first_fits(
        frozen(pays["key"].to_numpy()),
        frozen(pays["paid_at"].cast(pl.Int64).to_numpy()),
        frozen(posts["key"].to_numpy()),
        frozen(posts["posted_at"].cast(pl.Int64).to_numpy()),
        *window,
    )
    return _Meeting(pays, posts, first, count)


def _ranges(values: pl.Series, wanted: pl.Series) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """First and one past the last place of each wanted value in the sorted `values`."""
    places = (
        pl.DataFrame({"value": values})
        .with_row_index("at")
        .group_by("value")
        .agg(begin=pl.col("at").min().cast(pl.Int64), end=pl.col("at").max().cast(pl.Int64) + 1)
    )
    found = pl.DataFrame({"value": wanted}).join(places, on="value", how="left", maintain_order="left")
    return frozen(found["begin"].to_numpy()), frozen(found["end"].to_numpy())


def _by_shifts(
    pairs: pl.DataFrame,
    asked: pl.DataFrame,
    offered: pl.DataFrame,
    window: tuple[int, int],
    span: tuple[int, int],
) -> npt.NDArray[np.float64]:
    """Coincidences expected by chance: their mean over the payments moved by whole days.

    A payment that moves out of the time in which adverts were seen at all is made up for. Half a coincidence
    is added to all shifts together, since none seen does not mean none possible.
    """
    pays = asked.join(pairs, on="payer", how="semi").sort("payer", "payment", "key")
    posts = offered.join(pairs, on="cluster", how="semi").sort("cluster", "key", "posted_at", "ad")
    counted, stayed, there = link_kernels.shifted_counts(
        *_ranges(pays["payer"], pairs["payer"]),
        *_ranges(posts["cluster"], pairs["cluster"]),
        frozen(pays["payment"].cast(pl.Int64).to_numpy()),
        frozen(pays["key"].to_numpy()),
        frozen(pays["paid_at"].cast(pl.Int64).to_numpy()),
        frozen(posts["key"].to_numpy()),
        frozen(posts["posted_at"].cast(pl.Int64).to_numpy()),
        *window,
        SHIFTS,
        *span,
    )
    coverage = np.minimum(stayed / (len(SHIFTS) * np.maximum(there, 1)), 1.0)
    made_up: npt.NDArray[np.float64] = counted / np.maximum(coverage, 1 / len(SHIFTS))
    return (made_up + 0.5) / (len(SHIFTS) + 1)


def _hour_of_week(instant: str) -> pl.Expr:
    return (pl.col(instant).cast(pl.Int64) // HOUR) % 168


def _by_hours(
    pairs: pl.DataFrame,
    asked: pl.DataFrame,
    offered: pl.DataFrame,
    window: tuple[int, int],
    span: tuple[int, int],
) -> npt.NDArray[np.float64]:
    """Coincidences expected by chance where adverts span less than three weeks.

    A payment meets one of the cluster's adverts at the rate at which it posts, under that key, in that hour
    of the week. Adverts that were paid for are in the rate too, so it is on the high side.
    """
    weeks = max((span[1] - span[0]) / (7 * DAY), 1.0)
    rates = offered.group_by("cluster", "key", hour=_hour_of_week("posted_at")).agg(posted=pl.len())
    seen = (
        asked.join(pairs.select("payer", "cluster"), on="payer")
        .with_columns(hour=_hour_of_week("paid_at"))
        .join(rates, on=["cluster", "key", "hour"])
        .group_by("payer", "cluster", "payment")
        .agg(rate=pl.col("posted").sum() / weeks * (sum(window) / HOUR))
        .group_by("payer", "cluster")
        .agg(expected=(1.0 - (-pl.col("rate")).exp()).sum())
    )
    told = pairs.join(seen, on=["payer", "cluster"], how="left", maintain_order="left")["expected"]
    return (told.fill_null(0.0) + 0.5 / (len(SHIFTS) + 1)).to_numpy()


def _one_to_one(fits: pl.DataFrame) -> pl.DataFrame:
    """Each payment with one advert at most, and the other way round, in each pair of payer and cluster.

    As many as can be are matched, their delays as near the pair's median as together they can be.
    """
    parts = []
    for _, pair in fits.sort("payer", "cluster", "payment", "ad").group_by(
        "payer", "cluster", maintain_order=True
    ):
        cost = (pair["delay_s"] - pair["delay_s"].median()).abs().to_numpy()
        pay = pair["payment"].rank("dense").cast(pl.Int64).to_numpy() - 1
        ad = pair["ad"].rank("dense").cast(pl.Int64).to_numpy() - 1
        pays, ads = int(pay.max()) + 1, int(ad.max()) + 1
        graph = coo_array((np.ones(len(pay)), (pay, ad + pays)), shape=(pays + ads, pays + ads))
        _, group = connected_components(graph, directed=False)
        chosen = []
        order = np.argsort(group[pay], kind="stable")
        for rows in np.split(order, np.flatnonzero(np.diff(group[pay][order])) + 1):
            chosen.append(_assigned(rows, pay[rows], ad[rows], cost[rows]))
        parts.append(pair[np.sort(np.concatenate(chosen))])
    return pl.concat(parts)


def _assigned(
    rows: npt.NDArray[np.int64],
    pay: npt.NDArray[np.int64],
    ad: npt.NDArray[np.int64],
    cost: npt.NDArray[np.float64],
) -> npt.NDArray[np.int64]:
    """The rows of one connected group of candidates that are matched."""
    pays, row = np.unique(pay, return_inverse=True)
    ads, column = np.unique(ad, return_inverse=True)
    absent = (cost.max() + 1.0) * (min(len(pays), len(ads)) + 1)  # dearer than all candidates together
    table = np.full((len(pays), len(ads)), absent)
    place = np.full((len(pays), len(ads)), -1, np.int64)
    table[row, column], place[row, column] = cost, rows
    found = place[linear_sum_assignment(table)]
    matched: npt.NDArray[np.int64] = found[found >= 0]
    return matched
