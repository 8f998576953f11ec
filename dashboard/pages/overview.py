"""/: what the last run found, and what to do first."""

from __future__ import annotations

import dash
from dash import dcc, html

from dashboard import paths
from dashboard.components.page import page, section
from dashboard.state import read_model
from dashboard.words import count, number

dash.register_page(__name__, path=paths.OVERVIEW, title="Overview – finpat", name="Overview")


def layout(**_query: str) -> html.Div:
    """The overview of the newest run."""
    model = read_model()
    manifest = model.manifest()
    first = model.ranking(limit=10)
    return page(
        "Overview",
        section(
            "First in the list",
            html.Ol(
                [
                    html.Li(
                        [
                            dcc.Link(
                                row["account_id"], href=paths.to(paths.ACCOUNT, account_id=row["account_id"])
                            ),
                            html.Span(row["band"], className=f"band {row['band']}"),
                            " ",
                            number(row["score"]),
                            html.P(row["reason"]),
                        ]
                    )
                    for row in first.iter_rows(named=True)
                ]
            ),
        ),
        run_id=str(manifest["run_id"]),
        lead=f"Run {manifest['run_id']}, {count(model.account_count(), 'account')}",
    )
