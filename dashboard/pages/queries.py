"""/queries: the compliance team's SQL: what is asked, and when it is due."""

from __future__ import annotations

from pathlib import Path

import dash
from dash import dcc, html

from dashboard import paths
from dashboard.access import requires
from dashboard.components.page import page, refused, section
from dashboard.components.tables import columns, table
from dashboard.state import read_model, read_models
from dashboard.words import count
from finpat.scheduled import read_catalogue

dash.register_page(__name__, path=paths.QUERIES, title="Scheduled queries – finpat", name="Queries")

LIST = columns("Query", "Folder", "Schedule", "Zone", "What a row is", "Owner")


def own_queries() -> Path | None:
    """The workspace's own queries, where it has any."""
    folder = read_models().folder.parent / "queries"
    return folder if folder.is_dir() else None


@requires("view")
def layout(**_query: str) -> html.Div:
    """Every query, shipped and own, and the files that cannot be used with the reason."""
    catalogue = read_catalogue(own_queries())
    cells = [
        (
            dcc.Link(query.name, href=paths.to(paths.QUERY, query=query.name)), query.typology,
            query.front.schedule or "by hand", query.front.zone, query.front.title, query.front.owner,
        )
        for query in sorted(catalogue, key=lambda query: (query.typology, query.name))
    ]  # fmt: skip
    return page(
        "Scheduled queries",
        *[refused(str(error), "It does not run until it is mended.") for error in catalogue.broken.values()],
        section(count(len(catalogue), "query", "queries"), table("Queries", LIST, cells)),
        run_id=read_model().run_id,
        lead="SQL over the published run. Put your own into the workspace's folder `queries/`; "
        "`finpat schedule` runs what is due.",
    )  # fmt: skip
