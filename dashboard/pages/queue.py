"""/queue and /protect: every account by rank, and possible victims apart, as the address filters them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import dash
from dash import (
    ALL,
    MATCH,
    ClientsideFunction,
    Input,
    Output,
    State,
    callback,
    clientside_callback,
    ctx,
    dcc,
    html,
    no_update,
)

from dashboard import access, ids, paths
from dashboard.access import requires
from dashboard.components import queue as parts
from dashboard.components.grid import answer, wanted
from dashboard.components.page import page
from dashboard.state import casework, has_casework, now, read_model, settings
from dashboard.words import count, number
from finpat.casework import alerts, questions, requests, saved_views, users
from finpat.exports import shown_list
from finpat.readmodel import queue as asked
from finpat.readmodel.queue import Which
from finpat.readmodel.rows import Wanted

EXPORTED_AS = {"subjects": "queue", "protect": "protect"}


@requires("view")
def _layout(which: Which, query: Mapping[str, Any]) -> html.Div:
    model, view = read_model(), parts.View.read(query)
    worked, who = has_casework(), access.user()
    people = _people() if worked else []
    assign = worked and who.may("assign")
    saved = _saved(who.name) if worked else {}
    protect = (
        html.P(parts.PROTECT_TEXT, className="card protect", role="note") if which == "protect" else None
    )
    return page(
        parts.TITLES[which],
        dcc.Location(id=ids.QUEUE_URL, refresh="callback-nav"),
        dcc.Store(id=ids.QUEUE_WHICH, data=which),
        protect,
        *parts.views(saved, which, worked and who.may("work")),
        parts.bar(view, asked.counts(model, which), people, worked),
        html.Div(
            [
                html.Span(id=ids.QUEUE_TOTAL, role="status"),
                html.Button("Clear filters", id=ids.QUEUE_CLEAR, type="button", className="quiet"),
            ],
            className="chooser",
        ),
        html.Div(
            [parts.assigning(people)] if assign else [],
        ),
        html.Div(parts.queue_grid(view, which, worked, assign), key=view.query() or "all"),
        run_id=model.run_id,
        lead=f"Run {model.run_id}. A score is a reason to look, not a finding of guilt; a person decides.",
        actions=parts.exports() if who.may("export") else None,
    )


def layout(**query: str) -> html.Div:
    """Those who may be looked at as subjects; possible victims are in the other queue."""
    return _layout("subjects", query)


def protect_layout(**query: str) -> html.Div:
    """Possible victims, to be protected and referred."""
    return _layout("protect", query)


dash.register_page(__name__, path=paths.QUEUE, title="Queue – finpat", name="Queue", layout=layout)
dash.register_page(
    "pages.protect",
    path=paths.PROTECT,
    title="Protect and refer – finpat",
    name="Protect",
    layout=protect_layout,
)


def _alerts() -> dict[str, dict[str, Any]]:
    if not has_casework():
        return {}
    with casework().reading() as connection:
        return questions.account_states(connection)


def _people() -> list[str]:
    with casework().reading() as connection:
        return [
            user.name
            for user in users.listed(connection)
            if user.disabled_at is None and "work" in access.RIGHTS[user.role]
        ]


def _saved(owner: str) -> dict[str, dict[str, Any]]:
    with casework().reading() as connection:
        return saved_views.views_of(connection, owner)


@callback(
    Output({"type": ids.QUEUE_GRID, "query": MATCH, "which": MATCH}, "getRowsResponse"),
    Input({"type": ids.QUEUE_GRID, "query": MATCH, "which": MATCH}, "getRowsRequest"),
    State(ids.RUN, "data"),
    prevent_initial_call=True,
)
@requires("view")
def show_rows(request: Mapping[str, Any] | None, run_id: str) -> Any:
    """The accounts that the grid asks for."""
    grid = ctx.triggered_id
    if request is None or grid is None:
        return no_update
    known = _alerts()
    view = parts.View.of_query(grid["query"])
    which = cast(Which, grid["which"])
    rows = asked.queue(read_model(run_id), which, view.filters(known), wanted(request))
    dash.set_props(ids.QUEUE_TOTAL, {"children": count(rows.total, "account")})
    return answer(
        rows, [parts.queue_row(row, known.get(row["account_id"])) for row in rows.frame.iter_rows(named=True)]
    )


@callback(
    Output(ids.QUEUE_URL, "search"),
    Input({"type": ids.QUEUE_FILTER, "filter": ALL}, "value"),
    Input(ids.QUEUE_CLEAR, "n_clicks"),
    State({"type": ids.QUEUE_FILTER, "filter": ALL}, "id"),
    State(ids.QUEUE_URL, "search"),
    prevent_initial_call=True,
)
@requires("view")
def keep_filters(values: list[Any], _clear: int | None, names: list[Mapping[str, str]], search: str) -> Any:
    """The filters as the address of the page, which draws it anew; the way back leads to those before."""
    if ctx.triggered_id == ids.QUEUE_CLEAR:
        return ""
    said = {
        item["filter"]: ",".join(value) if isinstance(value, list) else str(value or "")
        for item, value in zip(names, values, strict=True)
    }
    before = parts.View.of_query(search or "")
    after = parts.View.read(said | {"sort": ",".join(before.sort)}).query()
    return no_update if after == before.query() else f"?{after}" if after else ""


# The order by which a grid is sorted goes into the address without drawing the page anew.
clientside_callback(
    ClientsideFunction("queue", "keep_order"),
    Output(ids.QUEUE_WHICH, "data"),
    Input({"type": ids.QUEUE_GRID, "query": ALL, "which": ALL}, "columnState"),
    prevent_initial_call=True,
)


@callback(
    Output(ids.QUEUE_FILE, "data"),
    Input({"type": ids.QUEUE_EXPORT, "format": ALL}, "n_clicks"),
    State({"type": ids.QUEUE_GRID, "query": ALL, "which": ALL}, "id"),
    State({"type": ids.QUEUE_GRID, "query": ALL, "which": ALL}, "getRowsRequest"),
    State(ids.RUN, "data"),
    prevent_initial_call=True,
)
@requires("export")
def export(
    clicks: list[int | None], grids: list[Mapping[str, str]], asked_for: list[Mapping[str, Any]], run_id: str
) -> Any:
    """Exactly the accounts that the grid shows, in its order, as a file; the audit trail keeps it."""
    chosen = ctx.triggered_id
    if not any(clicks) or not isinstance(chosen, dict) or not grids:
        return no_update
    model, view = read_model(run_id), parts.View.of_query(grids[0]["query"])
    which = cast(Which, grids[0]["which"])
    order = wanted(asked_for[0]) if asked_for and asked_for[0] else Wanted(order=view.order())
    listed = asked.whole_queue(model, which, view.filters(_alerts()), order)
    choice = {"filters": view.query(), "order": str(order.order or "rank")}
    made_at = now()
    content = shown_list(model, listed, chosen["format"], choice, made_at)
    if has_casework():
        told = {"format": chosen["format"], "accounts": listed.height, **choice}
        with casework().writing(access.user().name, made_at) as change:
            why = f"the queue's list of {count(listed.height, 'account')} as {chosen['format']}"
            request = requests.use_or_ask(change, "export", "run", run_id, why, settings().casework)
            if request is None:
                change.record("list.exported", "run", run_id, told)
        if request is not None:
            message = f"Request {request} waits for somebody else's approval; once approved, export again."
            dash.set_props(
                ids.NOTIFICATIONS,
                {"sendNotifications": [{"action": "show", "title": "Not yet exported", "message": message}]},
            )
            return no_update
    name = f"{EXPORTED_AS[which]}-run-{run_id}.{chosen['format']}"
    return dcc.send_bytes(content, name)


@callback(
    Output(ids.QUEUE_ASSIGNED, "children"),
    Input(ids.QUEUE_ASSIGN, "n_clicks"),
    State(ids.QUEUE_ASSIGNEE, "value"),
    State({"type": ids.QUEUE_GRID, "query": ALL, "which": ALL}, "selectedRows"),
    prevent_initial_call=True,
)
@requires("assign")
def assign(clicks: int | None, assignee: str | None, selected: list[list[Mapping[str, Any]] | None]) -> Any:
    """Give the alerts of the ticked accounts to somebody, all or none."""
    ticked = (selected[0] if selected else None) or []
    if not clicks:
        return no_update
    if not ticked or not assignee:
        return "Tick accounts and choose who is to have them."
    without = [row["account_id"] for row in ticked if row["alert"] is None]
    if without:
        return f"{count(len(without), 'account')} without an alert: {', '.join(without[:5])}. Untick them."
    with casework().writing(access.user().name, now()) as change:
        alerts.assign(
            change,
            {int(row["alert"]): int(row["version"]) for row in ticked},
            None if assignee == parts.NOBODY else assignee,
        )
    dash.set_props(ids.RELOAD, {"data": now().isoformat()})
    return f"{number(len(ticked))} given to {assignee}."


@callback(
    Output(ids.QUEUE_VIEW_NAME, "error"),
    Input(ids.QUEUE_VIEW_SAVE, "n_clicks"),
    Input(ids.QUEUE_VIEW_REMOVE, "n_clicks"),
    State(ids.QUEUE_VIEW_NAME, "value"),
    State(ids.QUEUE_URL, "search"),
    State({"type": ids.QUEUE_GRID, "query": ALL, "which": ALL}, "id"),
    prevent_initial_call=True,
)
@requires("work")
def keep_view(
    _save: int | None,
    _remove: int | None,
    name: str | None,
    search: str | None,
    grids: list[Mapping[str, str]],
) -> Any:
    """Save the view that is shown under a name, or forget the one of that name."""
    if not name:
        return "Give the view a name."
    with casework().writing(access.user().name, now()) as change:
        if ctx.triggered_id == ids.QUEUE_VIEW_REMOVE:
            saved_views.remove_view(change, name)
        else:
            query = parts.View.of_query(search or "").query()
            saved_views.save_view(change, name, {"page": grids[0]["which"], "query": query})
    dash.set_props(ids.RELOAD, {"data": now().isoformat()})
    return None
