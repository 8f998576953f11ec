"""/trace: from any identifier to everything tied to it, with the path and how common each shared value is."""

from __future__ import annotations

from typing import Any

import dash
import dash_mantine_components as dmc
from dash import Input, Output, State, callback, dcc, html
from dash.exceptions import PreventUpdate

from dashboard import ids, paths
from dashboard.access import requires
from dashboard.components.page import nothing, page, refused, section
from dashboard.components.tables import account_link, band, columns, table
from dashboard.state import read_model
from dashboard.words import MISSING, count, day, money, name, number
from finpat.errors import UsageError
from finpat.readmodel.indicator_page import accounts_in_list

dash.register_page(__name__, path=paths.TRACE, title="Trace – finpat", name="Trace")

VALUE, GO, FOUND = "trace-value", "trace-go", "trace-found"
SHOWN = 200
ACCOUNTS = columns("Account", "#Rank", "#Score", "Band", "Possible role", "#Ties away", "#Weight of the way")
THINGS = columns(
    "What", "Value", "#Ties away", "Reached from", "By", "#Rows", "#Money", "@First", "@Last",
    "#Shared by", "#Weight", "Followed",
)  # fmt: skip


@requires("view")
def layout(value: str = "", **_query: str) -> html.Div:
    """The field, and what the address asks for."""
    return page(
        "Trace",
        html.Div(
            [
                dmc.TextInput(
                    label="Account, holder, telephone, e-mail, wallet, device, address or advert",
                    value=value,
                    id=VALUE,
                    style={"minWidth": "28rem"},
                ),
                html.Button("Trace", id=GO, type="button"),
            ],
            className="actions card",
            style={"alignItems": "end"},
        ),
        html.Div(id=FOUND, role="status"),
        run_id=read_model().run_id,
        lead="From anything to everything tied to it. What too many share is named, and not followed.",
    )


@callback(
    Output(FOUND, "children"), Input(GO, "n_clicks"), Input(VALUE, "n_submit"),
    State(VALUE, "value"), State(ids.RUN, "data"),
)  # fmt: skip
@requires("view")
def traced(_: int | None, _submitted: int | None, value: str | None, run_id: str) -> Any:
    """What is tied to the value; contacts masked."""
    wanted = (value or "").strip()
    if not wanted:
        raise PreventUpdate
    model = read_model(run_id)
    try:
        found = model.trace(wanted)
    except UsageError as error:
        return refused(str(error), "Numbers may be written in any way; names need their exact spelling.")
    things = found.things.to_dicts()
    if not things:
        return nothing("Nothing else is tied to it.")
    reach = found.reach
    reached = {row["id"]: row for row in things if row["kind"] == "account"}
    places = accounts_in_list(model, list(reached), SHOWN).to_dicts()
    protected = [row for row in places if row["possible_role"] == "possible_victim"]
    others = [row for row in places if row["possible_role"] != "possible_victim"]
    parts = [
        section(title, table(title, ACCOUNTS, [_account(row, reached[row["account_id"]]) for row in group]))
        for title, group in (
            ("Accounts reached", others),
            ("Possible victims reached: protect and refer", protected),
        )
        if group
    ]
    told = f"{count(len(things), 'thing')} reached"
    parts.append(
        section(
            told if len(things) <= SHOWN else f"{told}, the nearest {SHOWN} shown",
            table("Ties", THINGS, [_thing(row) for row in things[:SHOWN]]),
            help=f"At most {reach.hops} ties away; what more than {reach.shared_by} share is not followed; a "
            f"way weighs {reach.least} or more ({number(found.too_weak)} weaker ones and "
            f"{number(found.left_out)} beyond {number(reach.things)} are left out).",
        )
    )
    return html.Div(parts, className="page")


def _account(place: dict[str, Any], reached: dict[str, Any]) -> tuple[Any, ...]:
    return (
        account_link(place["account_id"]), number(place["rank"]), number(place["score"]), band(place["band"]),
        name(place["possible_role"]), number(reached["hops"]), number(reached["weight"], 2),
    )  # fmt: skip


def _thing(row: dict[str, Any]) -> tuple[Any, ...]:
    return (
        name(row["kind"]), _value(row), number(row["hops"]), f"{name(row['from_kind'])} {row['from_id']}",
        name(row["how"]), number(row["count"]), money(row["amount"], row["currency"]), day(row["first_at"]),
        day(row["last_at"]), number(row["shared_by"]), number(row["weight"], 2),
        f"no: {row['stopped']}" if row["stopped"] else "yes",
    )  # fmt: skip


def _value(row: dict[str, Any]) -> Any:
    if row["kind"] == "account":
        return account_link(row["id"])
    if row["kind"] == "ad_cluster":
        return dcc.Link(row["id"], href=paths.to(paths.AD_CLUSTER, cluster_id=row["id"]))
    return row["label"] or MISSING
