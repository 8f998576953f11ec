"""The frame that every page has, and what a page says when there is nothing to show."""

from __future__ import annotations

from typing import Any

from dash import dcc, html

from dashboard import ids


def page(
    title: str, *content: Any, run_id: str | None = None, lead: str | None = None, actions: Any = None
) -> html.Div:
    """One page: its title, a sentence on what it is for, what can be done, and its content.

    run_id: the run that it was drawn from; its callbacks read that one.
    """
    head = html.Div(
        [
            html.Div([html.H1(title), html.P(told(lead), className="lead") if lead else None]),
            html.Div(actions, className="actions") if actions is not None else None,
        ],
        className="page-head",
    )
    return html.Div([dcc.Store(id=ids.RUN, data=run_id), head, *content], className="page")


def told(text: str) -> list[Any]:
    """A text whose parts between backticks are code."""
    return [html.Code(part) if at % 2 else part for at, part in enumerate(text.split("`")) if part]


def section(title: str, *content: Any, id: str | None = None, help: str | None = None) -> html.Section:
    """A titled part of a page; `help` says how to read it."""
    named = {"id": id} if id else {}
    explained = [html.P(told(help), className="help")] if help else []
    return html.Section([html.H2(title), *explained, *content], className="card", **named)


def nothing(what: str, do: str | None = None) -> html.Div:
    """Nothing to show: what is missing, and what to do about it."""
    return html.Div(
        [html.P(told(what)), html.P(told(do), className="help") if do else None],
        className="empty",
        role="status",
    )


def refused(what: str, do: str) -> html.Div:
    """Something went wrong: what happened, and what to do."""
    return html.Div(
        [html.P(told(what)), html.P(told(do), className="help")], className="refused", role="alert"
    )
