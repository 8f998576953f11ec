"""/networks: groups of accounts tied by money, persons, contacts or adverts, best first."""

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
from dashboard.words import count, day, money, number
from finpat.readmodel.network_page import networks_page

dash.register_page(__name__, path=paths.NETWORKS, title="Networks – finpat", name="Networks")

KIND, TEXT, PAGE, LIST = "networks-kind", "networks-text", "networks-page", "networks-list"
ROWS = 50
ANYTHING = "anything"
KINDS = (ANYTHING, "payment", "sweep", "holder", "phone", "email", "address", "device", "wallet", "ad")
COLUMNS = columns(
    "Network", "#Score", "#Accounts", "#Persons", "Tied by", "#Moved between them", "@From", "@To"
)


@requires("view")
def layout(kind: str = ANYTHING, text: str = "", **_query: str) -> html.Div:
    """The list with its two filters, which the address may carry."""
    choices = html.Div(
        [
            dmc.Select(label="Tied by", data=KINDS, value=kind, id=KIND, allowDeselect=False),
            dmc.TextInput(label="Network or account", value=text, id=TEXT, debounce=400),
            dmc.NumberInput(label="Page", value=1, id=PAGE, min=1, debounce=400, w="6rem"),
        ],
        className="actions",
    )
    return page(
        "Networks",
        section("Choose", choices),
        html.Div(id=LIST),
        run_id=read_model().run_id,
        lead="Groups of accounts tied by money, persons, contacts or adverts. A tie is a reason to look.",
    )


@callback(
    Output(LIST, "children"), Input(KIND, "value"), Input(TEXT, "value"), Input(PAGE, "value"),
    State(ids.RUN, "data"),
)  # fmt: skip
@requires("view")
def listed(kind: str | None, text: str | None, number_of_page: int | None, run_id: str) -> Any:
    """The networks that the filters choose."""
    start = ((number_of_page or 1) - 1) * ROWS
    rows, total = networks_page(
        read_model(run_id),
        kind="" if kind in (None, ANYTHING) else kind,
        text=(text or "").strip(),
        start=start,
        limit=ROWS,
    )
    if not rows.height:
        return nothing("No network is like this.", "Choose another tie, or clear the search.")
    cells = [
        (
            dcc.Link(row["network_id"], href=paths.to(paths.NETWORK, network_id=row["network_id"])),
            number(row["score"]), number(row["member_count"]), number(row["person_count"]),
            (row["kind"] or "").replace(";", ", "), money(row["amount"], row["currency"]),
            day(row["first_at"]), day(row["last_at"]),
        )
        for row in rows.iter_rows(named=True)
    ]  # fmt: skip
    shown = f"{count(total, 'network')}, best first; {start + 1} to {start + rows.height} shown"
    return section(shown, table("Networks", COLUMNS, cells))
