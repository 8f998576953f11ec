"""What the pages of adverts ask: clusters of one poster, where and when they appeared, who paid in time.

Contacts and texts are masked here as everywhere; `ReadModel.ads_of` shows them for a reason.
"""

from __future__ import annotations

from typing import Any

import polars as pl

from finpat.readmodel.api import ReadModel


def clusters_page(
    model: ReadModel, *, city: str = "", linked: bool = False, start: int = 0, limit: int = 50
) -> tuple[pl.DataFrame, int]:
    """One page of the clusters of at least two adverts, linked ones first, then the largest; and how many.

    city: part of a city's name. linked: only those that an account's payments coincide with. Columns of
    rm.ad_clusters, and platforms (their number), payers (accounts linked), p_value (of the best link).
    """
    rows = model.ask(
        "WITH about AS (SELECT m.cluster_id, count(DISTINCT a.platform) AS platforms "
        "FROM rm.ad_cluster_members m JOIN rm.ads a USING (ad_id) GROUP BY m.cluster_id), "
        "paid AS (SELECT cluster_id, count(*) AS payers, min(p_value) AS p_value "
        "FROM rm.ad_payment_links GROUP BY cluster_id) "
        "SELECT c.*, b.platforms, coalesce(p.payers, 0) AS payers, p.p_value, count(*) OVER () AS total "
        "FROM rm.ad_clusters c LEFT JOIN about b USING (cluster_id) LEFT JOIN paid p USING (cluster_id) "
        "WHERE c.ad_count > 1 AND (NOT $linked OR p.payers > 0) AND ($city = '' OR EXISTS ("
        "SELECT 1 FROM rm.ad_cluster_members m JOIN rm.ads a USING (ad_id) "
        "WHERE m.cluster_id = c.cluster_id AND contains(lower(a.city), lower($city)))) "
        "ORDER BY payers > 0 DESC, p.p_value NULLS LAST, c.ad_count DESC, c.cluster_id "
        "LIMIT $limit OFFSET $start",
        city=city,
        linked=linked,
        start=start,
        limit=limit,
    )
    total = int(rows["total"][0]) if rows.height else 0
    return rows.drop("total"), total


def cluster(model: ReadModel, cluster_id: str) -> dict[str, Any] | None:
    """One cluster; None where there is none of that id."""
    return model.one("SELECT * FROM rm.ad_clusters WHERE cluster_id = $cluster_id", cluster_id=cluster_id)


def city_days(model: ReadModel, cluster_id: str) -> pl.DataFrame:
    """Adverts of a cluster by city, platform and day (UTC): city, platform, day, adverts."""
    return model.ask(
        "SELECT coalesce(a.city, 'not named') AS city, a.platform, a.posted_at::DATE AS day, "
        "count(*) AS adverts FROM rm.ad_cluster_members m JOIN rm.ads a USING (ad_id) "
        "WHERE m.cluster_id = $cluster_id AND a.posted_at IS NOT NULL GROUP BY ALL ORDER BY ALL",
        cluster_id=cluster_id,
    )


def payers_of(model: ReadModel, cluster_id: str) -> pl.DataFrame:
    """Accounts whose payments coincide with the cluster's adverts, least by chance first, with ranks."""
    return model.ask(
        "SELECT l.*, f.rank, f.score, f.band, f.possible_role FROM rm.ad_payment_links l "
        "LEFT JOIN rm.flagged_accounts f USING (account_id) WHERE l.cluster_id = $cluster_id "
        "ORDER BY l.p_value NULLS LAST, l.account_id",
        cluster_id=cluster_id,
    )


def matches_of(model: ReadModel, cluster_id: str, limit: int = 200) -> pl.DataFrame:
    """Single payments matched to single adverts of the cluster, in order of time; at most `limit`.

    Columns: account_id, transaction_id or payment_id, ad_id, posted_at, platform, city, delay_s, is_stated.
    """
    return model.ask(
        "SELECT x.account_id, x.transaction_id, x.payment_id, x.ad_id, a.posted_at, a.platform, a.city, "
        "x.delay_s, x.is_stated FROM rm.ad_payment_matches x "
        "JOIN rm.ad_cluster_members m USING (ad_id) JOIN rm.ads a USING (ad_id) "
        "WHERE m.cluster_id = $cluster_id ORDER BY a.posted_at, x.ad_id, x.transaction_id LIMIT $limit",
        cluster_id=cluster_id,
        limit=limit,
    )


def shared_contacts(model: ReadModel, limit: int = 50) -> pl.DataFrame:
    """Contacts shared most widely that still tie adverts, rarest first within a kind; masked."""
    return model.ask(
        "SELECT * FROM rm.ad_shared_contacts ORDER BY ties DESC, weight DESC, ad_count DESC, contact_id "
        "LIMIT $limit",
        limit=limit,
    )


def has_adverts(model: ReadModel) -> bool:
    """Whether any advert is loaded."""
    return bool(model.ask("SELECT EXISTS (SELECT 1 FROM rm.ads) AS any").item())
