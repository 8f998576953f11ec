"""A grid of any number of rows: it asks the server for those that are seen, in the order chosen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import dash_ag_grid as dag
from dash import html

from dashboard.state import scheme
from finpat.readmodel.rows import Condition, Rows, Wanted

PAGE = 100  # rows asked for at a time
_TEXT = {
    "contains": "contains",
    "notContains": "not_contains",
    "equals": "equals",
    "notEqual": "not_equal",
    "startsWith": "starts",
    "endsWith": "ends",
    "blank": "empty",
    "notBlank": "filled",
}
_OTHER = {
    "equals": "equals",
    "notEqual": "not_equal",
    "lessThan": "less",
    "lessThanOrEqual": "at_most",
    "greaterThan": "greater",
    "greaterThanOrEqual": "at_least",
    "inRange": "between",
    "blank": "empty",
    "notBlank": "filled",
}


def column(field: str, title: str, *, kind: str = "text", **more: Any) -> dict[str, Any]:
    """One column: sorted and filtered on the server. kind: `text`, `number` or `instant`."""
    filters = {
        "text": "agTextColumnFilter",
        "number": "agNumberColumnFilter",
        "instant": "agDateColumnFilter",
    }
    aligned = {"cellClass": "amount", "headerClass": "amount"} if kind == "number" else {}
    return {
        "field": field,
        "headerName": title,
        "filter": filters[kind],
        "filterParams": {"maxNumConditions": 1, "buttons": ["apply", "reset"], "closeOnApply": True},
        **aligned,
        **more,
    }


def plain(field: str, title: str, **more: Any) -> dict[str, Any]:
    """A column that is shown only."""
    return {"field": field, "headerName": title, "sortable": False, "filter": False, **more}


def grid(
    id: str | Mapping[str, Any],
    columns: Sequence[Mapping[str, Any]],
    *,
    label: str,
    height: int = 560,
    key: str = "key",
    choosing: bool = False,
) -> html.Div:
    """The grid; its callback answers `getRowsRequest` with `answer(...)`.

    key: field that names a row. choosing: whether rows can be ticked.
    """
    options: dict[str, Any] = {
        "rowModelType": "infinite",
        "cacheBlockSize": PAGE,
        "maxBlocksInCache": 10,
        "infiniteInitialRowCount": 1,
        "rowHeight": 34,
        "headerHeight": 36,
        "suppressCellFocus": False,
        "ensureDomOrder": True,  # read and tabbed in the order seen
        "enableCellTextSelection": True,
        "theme": {"function": "themeQuartz.withPart(colorSchemeVariable)"},
    }
    if choosing:
        options["rowSelection"] = {"mode": "multiRow", "headerCheckbox": False, "enableClickSelection": False}
    made = dag.AgGrid(
        id=id,
        columnDefs=list(columns),
        defaultColDef={
            "sortable": True,
            "resizable": True,
            "suppressHeaderMenuButton": False,
            "minWidth": 60,
        },
        rowModelType="infinite",
        getRowId=f"params.data.{key}",
        dashGridOptions=options,
        style={"height": f"{height}px"},
    )
    return html.Div(
        made, className="grid", role="region", **{"aria-label": label, "data-ag-theme-mode": scheme()}
    )


def wanted(request: Mapping[str, Any], further: Sequence[Condition] = ()) -> Wanted:
    """What a grid asks for, and `further` conditions of the page."""
    filters = request.get("filterModel") or {}
    conditions = [_condition(name, model) for name, model in filters.items()]
    order = tuple((item["colId"], item["sort"] == "desc") for item in request.get("sortModel") or [])
    first, last = int(request["startRow"]), int(request["endRow"])
    return Wanted(first, max(1, min(last - first, 10 * PAGE)), (*further, *conditions), order)


def _condition(name: str, model: Mapping[str, Any]) -> Condition:
    operators = _TEXT if model.get("filterType") == "text" else _OTHER
    operator = operators[model["type"]]
    given = ("dateFrom", "dateTo") if model.get("filterType") == "date" else ("filter", "filterTo")
    values = [model[field] for field in given if model.get(field) is not None]
    if operator in ("empty", "filled"):
        values = []
    if model.get("filterType") == "date" and operator == "equals":
        # A day is chosen, rows are instants.
        return Condition(name, "between", (values[0], values[0][:10] + " 23:59:59.999999"))
    return Condition(name, operator, tuple(values[: 2 if operator == "between" else 1]))


def answer(rows: Rows, shown: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What a grid is answered: the rows as they are shown, and how many there are in all."""
    return {"rowData": list(shown), "rowCount": rows.total}
