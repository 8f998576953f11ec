"""Parts of the two queues: filters that live in the address, the grid, what can be done with the chosen."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date
from typing import Any
from urllib.parse import parse_qsl, urlencode

import dash_mantine_components as dmc
import polars as pl
from dash import dcc, html

from dashboard import ids, paths
from dashboard.components.account import role_in_words
from dashboard.components.grid import column, grid, plain
from dashboard.words import MISSING, day, money, name, number
from finpat.readmodel.queue import Filters, Which

NO_ALERT = "no alert"
NOBODY = "nobody"
ADDRESS = {"subjects": paths.QUEUE, "protect": paths.PROTECT}
TITLES = {"subjects": "Queue", "protect": "Protect and refer"}
PROTECT_TEXT = (
    "Accounts of people who may be victims. They are no subjects: protect and refer. Do not close, freeze or "
    "limit an account, and do not write to its holder: who controls them may read it. Nothing here is a "
    "finding about the person."
)
STATES = (NO_ALERT, "new", "reopened", "in_review", "waiting", "pending_approval", "closed")


@dataclass(frozen=True)
class View:
    """What a queue shows, as its address says it; each field is a parameter of the address."""

    q: str = ""
    band: tuple[str, ...] = ()
    role: tuple[str, ...] = ()
    typology: tuple[str, ...] = ()
    indicator: tuple[str, ...] = ()
    score: int = 0
    since: date | None = None
    state: tuple[str, ...] = ()
    assignee: tuple[str, ...] = ()
    sort: tuple[str, ...] = ()

    @classmethod
    def read(cls, query: Mapping[str, Any]) -> View:
        """The view of an address; what it cannot read is left out, as a filter that nobody chose."""

        def several(key: str) -> tuple[str, ...]:
            return tuple(part for part in str(query.get(key) or "").split(",") if part)

        score, since = str(query.get("score") or ""), str(query.get("since") or "")
        try:
            seen = date.fromisoformat(since) if since else None
        except ValueError:
            seen = None
        return cls(
            q=str(query.get("q") or "").strip(),
            **{key: several(key) for key in ("band", "role", "typology", "indicator")},
            score=min(1000, int(score)) if score.isdecimal() else 0,
            since=seen,
            **{key: several(key) for key in ("state", "assignee", "sort")},
        )

    @classmethod
    def of_query(cls, text: str) -> View:
        """The view of the part of an address behind its question mark."""
        return cls.read(dict(parse_qsl(text.lstrip("?"))))

    def query(self) -> str:
        """The view as an address says it; empty where all is shown."""
        said: dict[str, str] = {}
        for item in fields(self):
            value = getattr(self, item.name)
            if value:
                said[item.name] = ",".join(value) if isinstance(value, tuple) else str(value)
        return urlencode(said, safe=",")

    def order(self) -> tuple[tuple[str, bool], ...]:
        """Columns with whether descending; `-score` is descending."""
        return tuple((part.lstrip("-"), part.startswith("-")) for part in self.sort)

    def filters(self, alerts: Mapping[str, Mapping[str, Any]]) -> Filters:
        """The view as the read model is asked; `alerts` is what casework knows of accounts."""
        accounts, without = _of_casework(self, alerts)
        return Filters(
            self.q,
            self.band,
            self.role,
            self.typology,
            self.indicator,
            self.score,
            self.since,
            accounts,
            without,
        )


def _of_casework(
    view: View, alerts: Mapping[str, Mapping[str, Any]]
) -> tuple[Collection[str] | None, Collection[str]]:
    """Accounts to show only, and accounts not to show, by state and assignee of their alerts."""
    if not view.state and not view.assignee:
        return None, ()
    fitting = [
        account
        for account, alert in alerts.items()
        if (not view.state or alert["state"] in view.state)
        and (not view.assignee or (alert["assignee"] or NOBODY) in view.assignee)
    ]
    unopened = NO_ALERT in view.state and (not view.assignee or NOBODY in view.assignee)
    if not unopened:
        return fitting, ()
    kept = set(fitting)
    return None, [account for account in alerts if account not in kept]


def bar(view: View, counts: Mapping[str, pl.DataFrame], assignees: Sequence[str], worked: bool) -> html.Form:
    """The filters, each with a label and what it can be set to."""

    def chosen(key: str, label: str, options: Sequence[Mapping[str, str]], value: Sequence[str]) -> Any:
        return dmc.MultiSelect(
            id={"type": ids.QUEUE_FILTER, "filter": key},
            label=label,
            data=list(options),
            value=list(value),
            clearable=False,
            searchable=True,
            debounce=400,
            size="xs",
            w=170 if key in ("band", "state", "assignee") else 210,
        )

    def listed(key: str, spoken: Any = name) -> list[dict[str, str]]:
        return [
            {"value": row["value"], "label": f"{spoken(row['value'])} ({number(row['accounts'])})"}
            for row in counts[key].iter_rows(named=True)
        ]

    casework = [
        chosen("state", "State", [{"value": s, "label": name(s)} for s in STATES], view.state),
        chosen(
            "assignee", "Assignee", [{"value": a, "label": a} for a in (NOBODY, *assignees)], view.assignee
        ),
    ]
    return html.Form(
        [
            dmc.TextInput(
                id={"type": ids.QUEUE_FILTER, "filter": "q"},
                label="Search",
                value=view.q,
                placeholder="account, indicator, network, words",
                debounce=600,
                size="xs",
                w=230,
            ),
            chosen("band", "Band", listed("band"), view.band),
            chosen("role", "Possible role", listed("possible_role", role_in_words), view.role),
            chosen("typology", "Typology", listed("typology"), view.typology),
            chosen("indicator", "Indicator", listed("indicator", str), view.indicator),
            dmc.NumberInput(
                id={"type": ids.QUEUE_FILTER, "filter": "score"},
                label="Least score",
                value=view.score or "",
                min=0,
                max=1000,
                step=50,
                hideControls=True,
                debounce=600,
                size="xs",
                w=100,
            ),
            dmc.TextInput(
                id={"type": ids.QUEUE_FILTER, "filter": "since"},
                label="Seen since",
                value=view.since.isoformat() if view.since else "",
                placeholder="2026-01-31",
                debounce=600,
                size="xs",
                w=110,
            ),
            *(casework if worked else ()),
        ],
        className="filters",
        role="search",
        action="",
        **{"aria-label": "Filters of the queue"},
    )


def queue_grid(view: View, which: Which, worked: bool, choosing: bool) -> html.Div:
    """The grid of a queue; the view is part of its id, so that another view is another grid."""
    order = dict(view.order())

    def shown(field: str, title: str, **more: Any) -> dict[str, Any]:
        sort = {"sort": "desc" if order[field] else "asc"} if field in order else {}
        return column(field, title, **sort, **{**more, "filter": False})

    columns = [
        shown("rank", "Rank", kind="number", width=90),
        shown("account_id", "Account", cellRenderer="Linked", width=170, pinned="left"),
        shown("score", "Score", kind="number", width=90),
        shown("band", "Band", cellRenderer="Band", width=105),
        shown("possible_role", "Possible role", width=150),
        shown("reason", "Why", flex=1, minWidth=380, tooltipField="reason"),
        shown("indicator_count", "Found", kind="number", width=95),
        shown("indicators", "Indicators", width=220, tooltipField="indicators"),
        shown("amount_in", "Paid in", kind="number", width=150),
        shown("amount_out", "Paid out", kind="number", width=150),
        shown("last_seen", "Last seen", kind="instant", width=120),
    ]
    if worked:
        columns[6:6] = [plain("state", "State", width=130), plain("assignee", "Assignee", width=120)]
    return grid(
        {"type": ids.QUEUE_GRID, "query": view.query(), "which": which},
        columns,
        label=f"{TITLES[which]}: accounts",
        height=640,
        choosing=choosing,
    )


def queue_row(row: Mapping[str, Any], alert: Mapping[str, Any] | None) -> dict[str, Any]:
    """One account as the grid shows it."""
    return {
        "key": row["account_id"],
        "rank": number(row["rank"]),
        "account_id": row["account_id"],
        "account_id_href": paths.to(paths.ACCOUNT, account_id=row["account_id"]),
        "score": number(row["score"]),
        "band": row["band"],
        "possible_role": role_in_words(row["possible_role"]),
        "reason": row["reason"],
        "indicator_count": number(row["indicator_count"]),
        "indicators": row["indicators"].replace(";", ", "),
        "amount_in": money(row["amount_in"], row["currency"]),
        "amount_out": money(row["amount_out"], row["currency"]),
        "last_seen": day(row["last_seen"]),
        "state": name(alert["state"]) if alert else NO_ALERT,
        "assignee": (alert or {}).get("assignee") or MISSING,
        "alert": alert["number"] if alert else None,
        "version": alert["version"] if alert else None,
    }


def exports() -> list[Any]:
    """The two files of what is shown."""
    return [
        html.Button(
            f"Export {format_.upper()}",
            id={"type": ids.QUEUE_EXPORT, "format": format_},
            type="button",
            className="quiet",
        )
        for format_ in ("csv", "xlsx")
    ] + [dcc.Download(id=ids.QUEUE_FILE)]


def assigning(people: Sequence[str]) -> html.Div:
    """Gives the ticked accounts' alerts to somebody."""
    return html.Div(
        [
            dmc.Select(
                id=ids.QUEUE_ASSIGNEE,
                label="Give the ticked alerts to",
                data=[*people, NOBODY],
                size="xs",
                w=190,
            ),
            html.Button("Assign", id=ids.QUEUE_ASSIGN, type="button"),
            html.Span(id=ids.QUEUE_ASSIGNED, role="status", className="help"),
        ],
        className="filters",
    )


def views(saved: Mapping[str, Mapping[str, Any]], which: Which, may_save: bool) -> list[Any]:
    """The reader's saved views as links, and a place to save this one."""
    mine = {title: kept for title, kept in saved.items() if kept.get("page") == which}
    links = [
        dcc.Link(title, href=f"{ADDRESS[which]}?{kept.get('query', '')}", className="button quiet small")
        for title, kept in mine.items()
    ]
    saving = html.Div(
        [
            dmc.TextInput(id=ids.QUEUE_VIEW_NAME, label="Name of this view", size="xs", w=180),
            html.Button("Save view", id=ids.QUEUE_VIEW_SAVE, type="button", className="quiet"),
            html.Button("Remove view", id=ids.QUEUE_VIEW_REMOVE, type="button", className="quiet"),
        ],
        className="filters",
    )
    return [html.Div(links, className="chooser"), *([saving] if may_save else [])]
