"""The adverts behind findings of indicators that need adverts; their transactions stand beside them."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from finpat.adverts.adverts import Adverts
from finpat.indicators.base import Indicator
from finpat.indicators.evaluation import Findings

OWN_CONTACT = "HT-ADS-11"  # rests on the account's contacts, and on no payment
MOST = 100  # adverts of one finding, the oldest


def adverts_behind(
    found: Findings,
    indicators: Sequence[Indicator],
    account_ids: pl.Series,
    adverts: Adverts,
    uses: pl.DataFrame,
) -> pl.DataFrame:
    """finding_id, ad (position in `adverts.ads`): the adverts behind each finding, by finding and time.

    Behind a finding of an account are the adverts that one of its evidence rows goes with, those that the
    platform says the account paid for within the finding's window though no statement shows it, and, where
    the finding is that an advert shows the account's own contact, those that do. account_ids: by account
    code. uses: of networks.identifiers.identifier_uses.
    """
    needing = [indicator.id for indicator in indicators if "adverts" in indicator.needs]
    codes = pl.DataFrame({"account_id": account_ids.cast(pl.String)}).with_row_index("account")
    asked = (
        found.findings.filter(
            pl.col("state") == "found",
            pl.col("account_id").is_not_null(),
            pl.col("indicator_id").is_in(needing),
        )
        .select(
            "finding_id", "indicator_id", "window_start", "window_end", pl.col("account_id").cast(pl.String)
        )
        .join(codes, on="account_id")
    )
    paid = adverts.paid.select("account", "ad", "row")
    posted = adverts.ads.select("ad", "posted_at")
    rows = found.evidence.join(asked.select("finding_id"), on="finding_id", how="semi")
    by_row = rows.join(paid.drop_nulls("row"), on="row").select("finding_id", "ad")
    unseen = paid.filter(pl.col("row").is_null()).join(posted, on="ad")
    by_statement = (
        asked.filter(pl.col("indicator_id") != OWN_CONTACT)
        .join(unseen, on="account")
        .filter(pl.col("posted_at").is_between("window_start", "window_end"))
        .select("finding_id", "ad")
    )
    shown = uses.filter(pl.col("ad").is_not_null(), pl.col("kind").is_in(["phone", "email"]))
    held = uses.filter(pl.col("account").is_not_null(), pl.col("how") == "stated")
    by_contact = (
        asked.filter(pl.col("indicator_id") == OWN_CONTACT)
        .join(held.select("account", "kind", "value"), on="account")
        .join(shown.select("ad", "kind", "value"), on=["kind", "value"])
        .select("finding_id", "ad")
    )
    return (
        pl.concat([by_row, by_statement, by_contact])
        .unique()
        .join(posted, on="ad")
        .sort("finding_id", "posted_at", "ad")
        .group_by("finding_id", maintain_order=True)
        .head(MOST)
        .select("finding_id", "ad")
    )
