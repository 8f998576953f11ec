"""Graphs for the tests of motifs: payments between persons named by letters."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from finpat.ledger import Ledger
from finpat.networks.motifs_edges import Edges, build_edges
from tests import factory
from tests.factory import at

DAY = 86_400_000_000


def pay(sender: str, receiver: str, day: float, amount: float = 1_000, **more: Any) -> dict[str, Any]:
    """A payment that both sides' statements hold."""
    return {
        "account_id": sender,
        "counterparty_id": receiver,
        "direction": "debit",
        "booked_at": at(day),
        "amount_minor": round(amount * 100),
        "mirrored": True,
        **more,
    }


def graph(*rows: dict[str, Any], **options: Any) -> tuple[Ledger, Edges]:
    """A ledger and its payments between persons."""
    ledger = factory.ledger(*rows)
    return ledger, build_edges(ledger, **options)


def told(ledger: Ledger, edges: Edges) -> list[tuple[str, str, float, float]]:
    """(sender, receiver, sent, received) of every edge, in the graph's order."""
    names = ledger.parties.to_list()
    return [
        (names[sender], names[receiver], sent / 100, received / 100)
        for sender, receiver, sent, received in zip(
            edges.senders, edges.receivers, edges.sent, edges.received, strict=True
        )
    ]


def names_of(ledger: Ledger, nodes: Any) -> list[str]:
    """Names of nodes."""
    return [ledger.parties[int(node)] for node in nodes]


@st.composite
def random_payments(draw: Any, people: int = 6, most: int = 30) -> list[dict[str, Any]]:
    """Payments among a few people on few days, of few amounts, so that patterns are common."""
    rows = []
    for _ in range(draw(st.integers(0, most))):
        sender = draw(st.integers(0, people - 1))
        receiver = draw(st.integers(0, people - 2))
        receiver += receiver >= sender
        rows.append(
            pay(
                "ABCDEFGH"[sender],
                "ABCDEFGH"[receiver],
                draw(st.integers(0, 20)) / 2,
                draw(st.sampled_from([100, 95, 90, 81, 70])),
            )
        )
    return rows


def as_list(edges: Edges) -> list[tuple[int, int, int, int, int]]:
    """(sender, receiver, instant, sent, received) of every edge as whole numbers."""
    columns = (edges.senders, edges.receivers, edges.instants, edges.sent, edges.received)
    return list(zip(*(np.asarray(column).tolist() for column in columns), strict=True))
