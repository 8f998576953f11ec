"""What the page of a network asks: whom to draw where, what lies behind an edge, who else a member pays.

A drawing has at most `DRAWN` members: the best placed in the list first, the rest counted. Positions are
computed here, since browsers take seconds where igraph takes milliseconds, and are the same each time for the
same members.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

import igraph
import polars as pl

from finpat.readmodel.api import ReadModel

DRAWN = 150
STEP = 12  # counterparties that one expansion adds


class Drawing(NamedTuple):
    """A network as it is drawn.

    nodes: account_id, person_id, possible_role, reason, rank, score, band, x, y (0 to 1000); edges: rows of
    rm.network_edges between them; left_out: members that are not drawn.
    """

    nodes: pl.DataFrame
    edges: pl.DataFrame
    left_out: int


def drawing(
    model: ReadModel,
    network_id: str,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    kinds: Sequence[str] = (),
) -> Drawing:
    """The network's best placed members, and what ties them between two instants (both included).

    kinds: kinds of ties that are drawn; all where none is named. A tie without an instant (a shared phone)
    holds at every time. Positions do not depend on the choice, so that nothing jumps when it changes.
    """
    members = model.members_of(network_id)
    nodes = members.head(DRAWN)
    shown = nodes["account_id"].to_list()
    every = model.ask(
        "SELECT * FROM rm.network_edges WHERE network_id = $network_id "
        "AND from_id IN (SELECT unnest($shown::VARCHAR[])) AND to_id IN (SELECT unnest($shown::VARCHAR[])) "
        "ORDER BY from_id, to_id, kind",
        network_id=network_id,
        shown=shown,
    )
    edges = every
    if since is not None:
        edges = edges.filter(pl.col("last_at").is_null() | (pl.col("last_at") >= since))
    if until is not None:
        edges = edges.filter(pl.col("first_at").is_null() | (pl.col("first_at") <= until))
    if kinds:
        edges = edges.filter(pl.col("kind").is_in(list(kinds)))
    positions = _positions(shown, every.select("from_id", "to_id").rows())
    return Drawing(pl.concat([nodes, positions], how="horizontal"), edges, members.height - nodes.height)


def _positions(names: Sequence[str], pairs: Sequence[tuple[str, str]]) -> pl.DataFrame:
    """`x` and `y` of each name, 0 to 1000, by Kamada and Kawai's springs from a circle."""
    place = {name: at for at, name in enumerate(names)}
    graph = igraph.Graph(len(names), sorted({(place[a], place[b]) for a, b in pairs if a != b}))
    circle = [
        (math.cos(2 * math.pi * at / len(names)), math.sin(2 * math.pi * at / len(names)))
        for at in range(len(names))
    ]
    layout = graph.layout_kamada_kawai(seed=circle) if len(names) > 2 else igraph.Layout(circle)
    layout.fit_into((1000, 1000), keep_aspect_ratio=False)
    columns = {"x": [x for x, _ in layout.coords], "y": [y for _, y in layout.coords]}
    return pl.DataFrame(columns, schema={"x": pl.Float64, "y": pl.Float64})


def path_between(model: ReadModel, network_id: str, start: str, end: str) -> pl.DataFrame:
    """The strongest way from one member to another: rows of rm.network_edges, in order; empty for none.

    Each step costs 1 / weight, so that one strong tie goes before two weak ones.
    """
    edges = model.edges_of(network_id)
    names = sorted({*edges["from_id"], *edges["to_id"]})
    if start not in names or end not in names:
        return edges.clear()
    place = {name: at for at, name in enumerate(names)}
    pairs = [(place[a], place[b]) for a, b in edges.select("from_id", "to_id").rows()]
    costs = (1 / edges["weight"].fill_null(1.0).clip(1e-6)).to_list()
    steps = igraph.Graph(len(names), pairs).get_shortest_path(
        place[start], place[end], weights=costs, output="epath"
    )
    return edges[list(steps)]


def counterparties_of(model: ReadModel, account_id: str, start: int = 0, limit: int = STEP) -> pl.DataFrame:
    """Whom the account pays and is paid by, most money first, ranked in pieces: the rest is one click away.

    Columns: counterparty_id, direction, count, amount (in the legs' own currency; one row per currency),
    currency, first_at, last_at, known (whether it is an account of this run), shared_by (accounts of the run
    that have the same counterparty), remaining (rows after this piece).
    """
    return model.ask(
        "WITH mine AS (SELECT counterparty_id, direction, currency, count(*) AS count, "
        "sum(amount) AS amount, min(booked_at) AS first_at, max(booked_at) AS last_at FROM rm.transactions "
        "WHERE account_id = $account_id AND counterparty_id IS NOT NULL GROUP BY ALL), "
        "ranked AS (SELECT *, count(*) OVER () AS total FROM mine "
        "ORDER BY amount DESC, counterparty_id, direction, currency LIMIT $limit OFFSET $start), "
        "sharing AS (SELECT counterparty_id, count(DISTINCT account_id) AS shared_by FROM rm.transactions "
        "WHERE counterparty_id IN (SELECT counterparty_id FROM ranked) GROUP BY counterparty_id) "
        "SELECT r.counterparty_id, r.direction, r.count::BIGINT AS count, "
        "r.amount::DECIMAL(28, 8) AS amount, r.currency, r.first_at, r.last_at, "
        "a.account_id IS NOT NULL AS known, s.shared_by, "
        "greatest(0, r.total - $start - $limit) AS remaining "
        "FROM ranked r LEFT JOIN sharing s USING (counterparty_id) "
        "LEFT JOIN rm.accounts a ON a.account_id = r.counterparty_id "
        "ORDER BY amount DESC, counterparty_id, direction, currency",
        account_id=account_id,
        start=start,
        limit=limit,
    )


def behind_edge(
    model: ReadModel, network_id: str, from_id: str, to_id: str, limit: int = 100
) -> pl.DataFrame:
    """The transactions behind what ties two members, both ways, in order of time; at most `limit`."""
    return model.ask(
        "SELECT t.* FROM rm.transactions t WHERE t.account_id IN ($from_id, $to_id) AND t.transaction_id IN "
        "(SELECT unnest(evidence) FROM rm.network_edges WHERE network_id = $network_id "
        "AND from_id IN ($from_id, $to_id) AND to_id IN ($from_id, $to_id)) "
        "ORDER BY booked_at, transaction_id, account_id, direction LIMIT $limit",
        network_id=network_id,
        from_id=from_id,
        to_id=to_id,
        limit=limit,
    )


def ties_between(model: ReadModel, network_id: str, one: str, other: str) -> pl.DataFrame:
    """Every tie of two members: rows of rm.network_edges."""
    return model.ask(
        "SELECT * FROM rm.network_edges WHERE network_id = $network_id AND from_id IN ($one, $other) "
        "AND to_id IN ($one, $other) ORDER BY kind, from_id",
        network_id=network_id,
        one=one,
        other=other,
    )


def networks_page(
    model: ReadModel, *, kind: str = "", text: str = "", start: int = 0, limit: int = 50
) -> tuple[pl.DataFrame, int]:
    """One page of the networks, best first, and how many the choice has.

    kind: a tie that they have (`payment`, `phone`, ...); text: part of a network's id or a member's.
    """
    chosen = model.ask(
        "SELECT *, count(*) OVER () AS total FROM rm.networks n "
        "WHERE ($kind = '' OR list_contains(string_split(kind, ';'), $kind)) AND ($text = '' "
        "OR contains(lower(network_id), lower($text)) OR EXISTS (SELECT 1 FROM rm.network_members m "
        "WHERE m.network_id = n.network_id AND contains(lower(m.account_id), lower($text)))) "
        "ORDER BY score DESC NULLS LAST, network_id LIMIT $limit OFFSET $start",
        kind=kind,
        text=text,
        start=start,
        limit=limit,
    )
    total = int(chosen["total"][0]) if chosen.height else 0
    return chosen.drop("total"), total
