"""/adverts/<cluster_id>: one poster's adverts over time and place, and whose payments go with them."""

from __future__ import annotations

from typing import Any

import dash
from dash import dcc, html

from dashboard import paths
from dashboard.access import requires
from dashboard.components.graph import graph
from dashboard.components.page import nothing, page, refused, section
from dashboard.components.reveal import reveal_button
from dashboard.components.tables import account_link, band, columns, facts, table
from dashboard.figures.adverts import city_lanes, lanes_height
from dashboard.masking import reason_for
from dashboard.state import read_model, scheme
from dashboard.words import MISSING, count, duration, instant, money, name, number, share
from finpat.readmodel import advert_page

dash.register_page(__name__, path_template=paths.AD_CLUSTER, title="Adverts – finpat", name="Advert cluster")

SHOWN = 100
PAYERS = columns(
    "Account", "#Rank", "Band", "Possible role", "#Coincidences", "#By chance", "#Probability",
    "Middle delay", "#Payments matched", "#Of its payments", "#Of the adverts", "Seen in",
)  # fmt: skip
MATCHES = columns("@Posted", "Advert", "Site", "City", "Account", "Payment", "#Delay", "Basis")
ADVERTS = columns(
    "@Posted", "Site", "City", "Title", "Text", "Phone", "E-mail", "Address", "#Price", "Tied by"
)


@requires("view")
def layout(cluster_id: str = "", **_query: str) -> html.Div:
    """The cluster with its payers, matches and adverts; contacts and texts masked unless revealed."""
    model = read_model()
    cluster = advert_page.cluster(model, cluster_id)
    if cluster is None:
        return page(
            "Advert cluster",
            refused(f"Run {model.run_id} has no cluster {cluster_id}.", "It may be of another run."),
            dcc.Link("All clusters", href=paths.ADVERTS),
            run_id=model.run_id,
        )
    days = advert_page.city_days(model, cluster_id)
    ads = model.ads_of(cluster_id, reveal=reason_for(cluster_id, "ad_cluster"))
    return page(
        f"Adverts of cluster {cluster_id}",
        facts(
            [
                ("Adverts", number(cluster["ad_count"])),
                ("Cities", number(cluster["city_count"])),
                ("First", instant(cluster["first_posted_at"])),
                ("Last", instant(cluster["last_posted_at"])),
                ("Held together by", (cluster["reason"] or MISSING).replace(";", ", ")),
            ]
        ),
        section(
            "Whose payments go with them",
            _payers(advert_page.payers_of(model, cluster_id)),
            help="Chance is what the same payments give when moved by whole days. A link is consistent with "
            "having paid for these adverts; who pays for own adverts shows the same.",
        ),
        section(
            "City by day",
            graph(
                city_lanes(days, scheme()),
                lanes_height(days),
                label=f"Adverts by city and day: {count(days['city'].n_unique(), 'city', 'cities')}",
            )
            if days.height
            else nothing("No advert of the cluster has a time."),
        ),
        section(
            "Single payments and adverts", _matches(advert_page.matches_of(model, cluster_id)),
            help="Each payment goes with one advert at most, and each advert with one payment.",
        ),
        section(
            f"{count(ads.height, 'advert')}{f', the first {SHOWN} shown' if ads.height > SHOWN else ''}",
            table("Adverts", ADVERTS, [_ad(row) for row in ads.head(SHOWN).iter_rows(named=True)]),
        ),
        run_id=model.run_id,
        lead="Adverts that seem to come from one poster: like texts, or contacts that few others have.",
        actions=reveal_button("ad_cluster", cluster_id),
    )  # fmt: skip


def _payers(rows: Any) -> Any:
    if not rows.height:
        return nothing("No account's payments coincide with these adverts more often than chance explains.")
    cells = [
        (
            account_link(row["account_id"]), number(row["rank"]), band(row["band"]),
            name(row["possible_role"]),
            number(row["k"]), number(row["expected"], 3), f"{row['p_value']:.1e}",
            duration(row["median_delay_s"]), number(row["matched"]), share(row["payment_share"]),
            share(row["ad_share"]), name(row["rail"]),
        )
        for row in rows.iter_rows(named=True)
    ]  # fmt: skip
    return table("Accounts whose payments go with the adverts", PAYERS, cells)


def _matches(rows: Any) -> Any:
    if not rows.height:
        return nothing("No single payment is matched to a single advert.")
    cells = [
        (
            instant(row["posted_at"]), row["ad_id"], row["platform"], row["city"] or MISSING,
            account_link(row["account_id"]) if row["account_id"] else MISSING,
            row["transaction_id"] or row["payment_id"], duration(row["delay_s"]),
            "stated by the site" if row["is_stated"] else "in time with it",
        )
        for row in rows.iter_rows(named=True)
    ]  # fmt: skip
    return table("Payments matched to adverts", MATCHES, cells)


def _ad(row: dict[str, Any]) -> tuple[Any, ...]:
    return (
        instant(row["posted_at"]), row["platform"], row["city"] or MISSING, row["title"] or MISSING,
        row["text"] or MISSING, row["phone"] or MISSING, row["email"] or MISSING, row["url"] or MISSING,
        money(row["price"], None), (row["reason"] or "").replace(";", ", "),
    )  # fmt: skip
