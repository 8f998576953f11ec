"""Clusters of adverts: texts that are nearly the same, and contacts that adverts share.

Two steps, kept apart: adverts with nearly the same text are a text cluster; text clusters, and adverts
without one, that share a contact value are one poster. A value that many text clusters share (a platform's
own number) says little and ties nothing: its weight is 1 / log2(number of text clusters), 1 for two. An
e-mail address, web address or handle has to be rarer than a telephone number: a number is given out once,
those are chosen, and by and by the same name is chosen by others.

Texts are compared by the Jaccard index of their shingles (three words; characters where a script puts no
spaces), found by MinHash in bands. A phrase in more than 1 in 200 different texts is nobody's own: without
it, texts do not chain through boilerplate. A cluster is named after its oldest advert, and a text is only
compared with older ones, so that adverts added later leave the names as they are; two clusters may become
one, which keeps the older name.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from finpat.adverts import kernels
from finpat.adverts.normalise import CONTACT_KINDS, advert_words
from finpat.adverts.rarity import rarity
from finpat.compiled import frozen

TEXTS_AT_ONCE = 100_000
BANDS, ROWS = 32, 4  # of 128 permutations: 99 % of pairs at 0.6 meet in a band, 5 % of those at 0.2


@dataclass(frozen=True)
class Clustering:
    """How alike texts must be, and what ties nothing.

    likeness: least Jaccard index. same_number: the same of two texts with one telephone number, which are
    then versions of one text when boilerplate is counted, and tied by nothing else. boilerplate: a shingle in
    more than this share of the different texts, and in more than boilerplate_texts of them, is dropped;
    versions of one text count once. own_shingles: a text with fewer own ones is compared as a whole, and if
    more adverts than short_adverts have just that text, not at all. largest: adverts of a text cluster above
    which it is split again with a higher likeness. rarity: least weight of a shared telephone number that
    ties (100 text clusters). rarity_chosen: the same of any other contact (4 text clusters). compared: texts
    before it in a bucket that a text is compared with.
    """

    likeness: float = 0.6
    same_number: float = 0.3
    boilerplate: float = 0.005
    boilerplate_texts: int = 100
    own_shingles: int = 3
    short_adverts: int = 50
    largest: int = 5_000
    rarity: float = 0.15
    rarity_chosen: float = 0.5
    compared: int = 64


VERSIONS = Clustering(likeness=0.8)  # texts so alike are versions of one: boilerplate is counted over those


@dataclass(frozen=True)
class Clusters:
    """Clusters of adverts.

    members: ad (position in the adverts), text_cluster and cluster (ad_id of the oldest advert; null where an
        advert is alone), reason (`text`, `phone`, ... joined by `;`: what ties it to others of its cluster).
    edges: kind, value, ad_count, cluster_count (text clusters and single adverts that share it), weight (0 to
        1), ties (whether it is rare enough to tie); one row per contact value of two or more adverts.
    """

    members: pl.DataFrame
    edges: pl.DataFrame


def cluster_adverts(ads: pl.DataFrame, contacts: pl.DataFrame, rules: Clustering | None = None) -> Clusters:
    """Clusters of adverts.

    ads: ad_id, posted_at, and title and text where known. contacts: of `normalise.contacts_of(ads)`. The
    result does not depend on the order of the rows.
    """
    rules = rules or Clustering()
    # Old adverts first: the smallest number in a cluster names it.
    order = ads.select("posted_at", "ad_id").with_row_index("ad").sort("posted_at", "ad_id", nulls_last=True)
    age = np.empty(ads.height, np.int64)
    age[order["ad"].to_numpy()] = np.arange(ads.height)
    words = _words(ads)[order["ad"]]
    aged = contacts.with_columns(pl.Series("age", age)[contacts["ad"]])
    parent = _text_clusters(words, _numbers(aged, ads.height), rules)
    text_root = parent.copy()
    edges, ties = _shared(aged, text_root, rules)
    for (_,), part in ties.group_by("edge"):
        first = np.full(part.height, int(part["age"].min()))  # type: ignore[arg-type]
        kernels.join_pairs(parent, first, part["age"].to_numpy())
    kernels.flatten(parent)
    names = order["ad_id"]
    frame = pl.DataFrame({"ad": order["ad"], "text": text_root, "all": parent}).with_columns(
        in_text=pl.len().over("text") > 1, in_all=pl.len().over("all") > 1
    )
    shared = ties.group_by("age").agg(pl.col("kind").cast(pl.String).unique().sort())
    told = frame.with_columns(age=pl.int_range(pl.len())).join(
        shared, on="age", how="left", maintain_order="left"
    )
    reason = pl.concat_list(
        pl.when("in_text").then(pl.lit(["text"])).otherwise(pl.lit([], pl.List(pl.String))),
        pl.col("kind").fill_null([]),
    )
    members = told.select(
        "ad",
        text_cluster=pl.when("in_text").then(names.gather(frame["text"])),
        cluster=pl.when("in_all").then(names.gather(frame["all"])),
        reason=pl.when("in_all").then(reason.list.join(";")),
    ).sort("ad")
    return Clusters(members, edges)


def _words(ads: pl.DataFrame) -> pl.Series:
    columns = [name for name in ("title", "text") if name in ads.columns]
    if not columns:
        return pl.repeat(None, ads.height, dtype=pl.String, eager=True)
    written = ads.select(pl.concat_str(columns, separator=" \n ", ignore_nulls=True).alias("words"))
    return written.select(advert_words(pl.col("words"))).to_series()


def _numbers(contacts: pl.DataFrame, adverts: int) -> npt.NDArray[np.int64]:
    """Per advert (oldest first): a code of its telephone number; -1 where it has none."""
    numbers = np.full(adverts, -1, np.int64)
    first = (
        contacts.filter(pl.col("kind") == "phone")
        .with_columns(code=pl.col("value").rank("dense").cast(pl.Int64))
        .group_by("age")
        .agg(pl.col("code").min())
    )
    numbers[first["age"].to_numpy()] = first["code"].to_numpy()
    return numbers


def _text_clusters(
    words: pl.Series, numbers: npt.NDArray[np.int64], rules: Clustering
) -> npt.NDArray[np.int64]:
    """Per advert (oldest first): the oldest advert of its text cluster, itself where it has none."""
    parent = np.arange(len(words), dtype=np.int64)
    texts = (
        pl.DataFrame({"words": words})
        .with_row_index("age")
        .filter(pl.col("words").is_not_null())
        .group_by("words", maintain_order=True)
        .agg(pl.col("age").cast(pl.Int64))
        .with_columns(first=pl.col("age").list.first(), adverts=pl.col("age").list.len())
    )
    if texts.is_empty():
        return parent
    # Grouping keeps the order, so texts are in order of their oldest advert.
    array = texts["words"].to_arrow(compat_level=pl.CompatLevel.oldest())
    starts = np.frombuffer(array.buffers()[1], np.int64)[array.offset : array.offset + len(array) + 1]
    data = np.frombuffer(array.buffers()[2], np.uint8) if array.buffers()[2] else np.empty(0, np.uint8)
    hashes, offsets = _shingles(data, starts)
    versions = _like_texts(hashes, offsets, texts["adverts"].to_numpy(), np.diff(offsets) < 1, VERSIONS)
    # A text reworked again and again is no boilerplate: versions of one number need be less alike.
    number = numbers[texts["first"].to_numpy()]
    order = np.lexsort((np.arange(len(number)), number))
    order = order[number[order] >= 0]
    keys = frozen(number.astype(np.uint64))
    kernels.join_buckets(versions, order, keys, hashes, offsets, rules.same_number, rules.compared)
    kernels.flatten(versions)
    dropped = _boilerplate(hashes, offsets, versions, rules)
    own, bounds = kernels.without(frozen(hashes), frozen(offsets), frozen(dropped))
    adverts = texts["adverts"].to_numpy()
    short = np.diff(bounds) < rules.own_shingles
    trees = _like_texts(own, bounds, adverts, short, rules)
    # Adverts of one text are one cluster, unless it is short and everybody's.
    common = short & (adverts > rules.short_adverts)
    first = texts["first"].to_numpy()
    for_adverts = texts.select("age", root=pl.Series(first[trees]), common=pl.Series(common))
    each = for_adverts.filter(~pl.col("common")).explode("age")
    parent[each["age"].to_numpy()] = each["root"].to_numpy()
    return parent


def _shingles(
    data: npt.NDArray[np.uint8], starts: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.int64]]:
    """Shingles of all texts, and where each text's begin; some texts at a time, which bounds memory."""
    parts, sizes = [], [np.zeros(1, np.int64)]
    for begin in range(0, len(starts) - 1, TEXTS_AT_ONCE):
        hashes, offsets = kernels.shingles(frozen(data), frozen(starts[begin : begin + TEXTS_AT_ONCE + 1]))
        parts.append(hashes)
        sizes.append(np.diff(offsets))
    return np.concatenate(parts), np.cumsum(np.concatenate(sizes))


def _boilerplate(
    hashes: npt.NDArray[np.uint64],
    offsets: npt.NDArray[np.int64],
    versions: npt.NDArray[np.int64],
    rules: Clustering,
) -> npt.NDArray[np.uint64]:
    """Shingles, sorted, that stand in too many different texts to be anybody's own.

    versions: per text a number that versions of one text share. They count once, so that whoever posts much
    does not make boilerplate of their own words, however often they rework them.
    """
    most = max(int(rules.boilerplate * len(np.unique(versions))), rules.boilerplate_texts)
    ordered = np.sort(hashes)
    # In sorted order a value that stands there more than `most` times meets itself `most` places on.
    common = np.unique(ordered[most:][ordered[most:] == ordered[: max(len(ordered) - most, 0)]])
    if not len(common):
        return common
    place = np.minimum(np.searchsorted(common, hashes), len(common) - 1)
    held = common[place] == hashes
    counted = (
        pl.DataFrame({"hash": hashes[held], "version": np.repeat(versions, np.diff(offsets))[held]})
        .unique()
        .group_by("hash")
        .len()
        .filter(pl.col("len") > most)
    )
    return np.sort(counted["hash"].to_numpy())


def _like_texts(
    hashes: npt.NDArray[np.uint64],
    offsets: npt.NDArray[np.int64],
    adverts: npt.NDArray[np.int64],
    short: npt.NDArray[np.bool_],
    rules: Clustering,
) -> npt.NDArray[np.int64]:
    """Per text: the oldest text of its cluster; one that chained too far is split with a higher likeness."""
    texts = len(offsets) - 1
    draw = np.random.default_rng(7)
    factors = draw.integers(0, 2**64, BANDS * ROWS, np.uint64, endpoint=False) | np.uint64(1)
    keys = kernels.band_keys(frozen(hashes), frozen(offsets), factors, BANDS, ROWS)
    parent = np.arange(texts, dtype=np.int64)
    open_texts = np.flatnonzero(~short)
    least = rules.likeness
    while len(open_texts) and least < 1.0:
        for band in range(BANDS):
            own = keys[band]
            order = open_texts[np.argsort(own[open_texts], kind="stable")]
            kernels.join_buckets(parent, order, own, frozen(hashes), frozen(offsets), least, rules.compared)
        kernels.flatten(parent)
        size = np.bincount(parent, weights=adverts, minlength=texts)
        most = np.maximum(rules.largest, adverts.max(initial=0))
        open_texts = open_texts[size[parent[open_texts]] > most]
        least = round(least + 0.1, 1)
        if len(open_texts) and least < 1.0:
            parent[open_texts] = open_texts
    return parent


def _shared(
    contacts: pl.DataFrame, text_root: npt.NDArray[np.int64], rules: Clustering
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Contact values of several adverts (Clusters.edges), and the adverts tied: edge, age, kind."""
    each = contacts.with_columns(group=pl.Series(text_root)[contacts["age"]])
    edges = (
        each.group_by("kind", "value")
        .agg(ad_count=pl.col("age").n_unique(), cluster_count=pl.col("group").n_unique())
        .filter(pl.col("ad_count") > 1)
        .with_columns(weight=rarity(pl.col("cluster_count")))
        .with_columns(
            ties=pl.col("weight")
            >= pl.when(pl.col("kind") == "phone").then(rules.rarity).otherwise(rules.rarity_chosen)
        )
        .sort("kind", "value")
    )
    known = edges.filter("ties").select("kind", "value").with_row_index("edge")
    return edges, each.join(known, on=["kind", "value"]).select("edge", "age", "kind").sort("edge", "age")


def cluster_table(ads: pl.DataFrame, clusters: Clusters) -> pl.DataFrame:
    """One row per cluster: cluster_id, ad_count, first_posted_at, last_posted_at, city_count, reason."""
    known = clusters.members.filter(pl.col("cluster").is_not_null())
    columns = [name for name in ("posted_at", "city") if name in ads.columns]
    told = known.hstack(ads.select(columns)[known["ad"]])
    if "city" not in columns:
        told = told.with_columns(city=pl.lit(None, pl.String))
    kinds = ("text", *CONTACT_KINDS)
    return (
        told.group_by(cluster_id="cluster")
        .agg(
            ad_count=pl.len().cast(pl.Int32),
            first_posted_at=pl.col("posted_at").min(),
            last_posted_at=pl.col("posted_at").max(),
            city_count=pl.col("city").drop_nulls().n_unique().cast(pl.Int32),
            kinds=pl.col("reason").str.split(";").explode().unique(),
        )
        .with_columns(
            reason=pl.concat_str(
                [
                    pl.when(pl.col("kinds").list.contains(kind)).then(pl.lit(kind)).otherwise(pl.lit(None))
                    for kind in kinds
                ],
                separator=";",
                ignore_nulls=True,
            )
        )
        .drop("kinds")
        .sort("cluster_id")
    )
