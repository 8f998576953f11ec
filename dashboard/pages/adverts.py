"""/adverts: clusters of adverts that seem to come from one poster, those with payments in time first."""

from __future__ import annotations

from typing import Any

import dash
import dash_mantine_components as dmc
from dash import Input, Output, State, callback, dcc, html

from dashboard import ids, paths
from dashboard.access import requires
from dashboard.components.page import nothing, page, section
from dashboard.components.tables import columns, table
from dashboard.state import read_model
from dashboard.words import count, day, name, number
from finpat.readmodel import advert_page

dash.register_page(__name__, path=paths.ADVERTS, title="Adverts – finpat", name="Adverts")

CITY, LINKED, PAGE, LIST = "adverts-city", "adverts-linked", "adverts-page", "adverts-list"
ROWS = 50
CLUSTERS = columns(
    "Cluster", "#Adverts", "#Cities", "#Sites", "@First", "@Last", "Held together by", "#Accounts linked"
)
CONTACTS = columns("Contact", "Shape", "#Adverts", "#Groups of like texts", "#Weight", "Ties its adverts")


@requires("view")
def layout(**_query: str) -> html.Div:
    """The list with its filters, and the contacts that adverts share."""
    model = read_model()
    lead = "Adverts that seem to come from one poster. An advert says nothing about who is advertised: "
    lead += "many are placed by the people themselves."
    if not advert_page.has_adverts(model):
        empty = nothing(
            "No adverts are loaded.",
            "Load a crawl with `finpat ingest FILE --as ads`, invoices with `--as ad_payments`; then run.",
        )
        return page("Adverts", empty, run_id=model.run_id, lead=lead)
    contacts = [
        (
            name(row["kind"]), row["shape"], number(row["ad_count"]), number(row["cluster_count"]),
            number(row["weight"], 2), "yes" if row["ties"] else "no: too many share it",
        )
        for row in advert_page.shared_contacts(model).iter_rows(named=True)
    ]  # fmt: skip
    return page(
        "Adverts",
        html.Div(
            [
                dmc.TextInput(label="City", id=CITY, debounce=400),
                dmc.NumberInput(label="Page", value=1, id=PAGE, min=1, debounce=400, w="6rem"),
                dmc.Switch(label="Only with payments in time", id=LINKED, checked=False),
            ],
            className="actions card",
        ),
        html.Div(id=LIST),
        section(
            "Contacts that adverts share",
            table("Contacts that adverts share", CONTACTS, contacts),
            help="A contact says more the fewer share it; one that too many have (a hotel's desk, a call "
            "centre) ties nobody.",
        ),
        run_id=model.run_id,
        lead=lead,
    )  # fmt: skip


@callback(
    Output(LIST, "children"), Input(CITY, "value"), Input(LINKED, "checked"), Input(PAGE, "value"),
    State(ids.RUN, "data"),
)  # fmt: skip
@requires("view")
def listed(city: str | None, linked: bool | None, number_of_page: Any, run_id: str) -> Any:
    """The clusters that the filters choose."""
    start = (int(number_of_page or 1) - 1) * ROWS
    rows, total = advert_page.clusters_page(
        read_model(run_id), city=(city or "").strip(), linked=bool(linked), start=start, limit=ROWS
    )
    if not rows.height:
        return nothing("No cluster is like this.", "Choose another city, or all payments.")
    cells = [
        (
            dcc.Link(row["cluster_id"], href=paths.to(paths.AD_CLUSTER, cluster_id=row["cluster_id"])),
            number(row["ad_count"]), number(row["city_count"]), number(row["platforms"]),
            day(row["first_posted_at"]), day(row["last_posted_at"]),
            (row["reason"] or "").replace(";", ", "), number(row["payers"]),
        )
        for row in rows.iter_rows(named=True)
    ]  # fmt: skip
    shown = f"{count(total, 'cluster')} of two adverts or more; {start + 1} to {start + rows.height} shown"
    return section(shown, table("Clusters of adverts", CLUSTERS, cells))
