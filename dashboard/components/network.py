"""A network as it is drawn: accounts as nodes, ties as edges."""

from __future__ import annotations

import math
from typing import Any

import dash_cytoscape as cyto
import polars as pl

from finpat.readmodel.network_page import Drawing

# Shape says the role and colour the band; both stand in words in the table of members.
SHAPES = {
    "possible_controller": "diamond", "possible_victim": "round-hexagon", "possible_mule": "round-triangle",
    "possible_front_business": "round-rectangle", "unclear": "ellipse",
}  # fmt: skip
BAND_COLOURS = {"critical": "#8f1d2c", "high": "#d2691e", "medium": "#b59b00", "low": "#6f8499"}
KIND_COLOURS = {
    "payment": "#0b5cad", "sweep": "#0b5cad", "holder": "#3f5468", "phone": "#5b2a86", "email": "#5b2a86",
    "address": "#7a5c00", "device": "#7a5c00", "wallet": "#00695c", "ad": "#a8005c",
}  # fmt: skip


def elements(
    drawing: Drawing, outside: pl.DataFrame | None = None, of: str | None = None
) -> list[dict[str, Any]]:
    """Nodes at their places, and edges, as Cytoscape wants them.

    outside: counterparties of the member `of` (network_page.counterparties_of), set in a ring around it; what
    one piece leaves out is a node of its own that says how many there are.
    """
    parts: list[dict[str, Any]] = []
    places: dict[str, tuple[float, float]] = {}
    for row in drawing.nodes.iter_rows(named=True):
        places[row["account_id"]] = (row["x"], row["y"])
        parts.append(
            {
                "data": {"id": row["account_id"], "label": row["account_id"]},
                "position": {"x": row["x"], "y": row["y"] * 0.55},
                "classes": f"{row['possible_role'] or 'unclear'} band-{row['band'] or 'low'}",
            }
        )
    for at, row in enumerate(drawing.edges.iter_rows(named=True)):
        parts.append(
            {
                "data": {
                    "id": f"edge-{at}", "source": row["from_id"], "target": row["to_id"], "kind": row["kind"],
                    "width": 1 + 4 * (row["weight"] or 0.0),
                },
                "classes": f"kind-{row['kind']}",
            }
        )  # fmt: skip
    if outside is not None and of is not None and outside.height:
        parts += _ring(outside, of, places)
    return parts


def _ring(outside: pl.DataFrame, of: str, places: dict[str, tuple[float, float]]) -> list[dict[str, Any]]:
    """Counterparties of one member, and the node that stands for those not shown."""
    x, y = places[of]
    named = outside["counterparty_id"].unique(maintain_order=True).to_list()
    new = [name for name in named if name not in places]
    remaining = int(outside["remaining"][0])
    ring = [*new, f"more:{of}"] if remaining else new
    parts: list[dict[str, Any]] = []
    for at, name in enumerate(ring):
        angle = 2 * math.pi * at / len(ring)
        more = name.startswith("more:")
        parts.append(
            {
                "data": {"id": name, "label": f"{remaining} more" if more else _short(name)},
                "position": {"x": x + 190 * math.cos(angle), "y": (y * 0.55) + 190 * math.sin(angle)},
                "classes": "more" if more else "outside",
            }
        )
    for at, row in enumerate(outside.iter_rows(named=True)):
        ends = (row["counterparty_id"], of) if row["direction"] == "credit" else (of, row["counterparty_id"])
        data = {"id": f"out-{at}", "source": ends[0], "target": ends[1], "kind": "payment", "width": 1}
        parts.append({"data": data, "classes": "kind-payment dashed"})
    if remaining:
        data = {"id": "out-more", "source": of, "target": f"more:{of}", "width": 1}
        parts.append({"data": data, "classes": "dashed"})
    return parts


def _short(name: str) -> str:
    """The end of a long account number, which is where numbers differ."""
    return name if len(name) <= 12 else f"…{name[-8:]}"


def network_drawing(id: str, parts: list[dict[str, Any]], dark: bool) -> cyto.Cytoscape:
    """The drawing itself; its height is fixed, since taps miss after the page has moved."""
    text, line = ("#e8edf3", "#8a99a8") if dark else ("#1b2430", "#7b8794")
    style: list[dict[str, Any]] = [
        {"selector": "node", "style": {
            "label": "data(label)", "font-size": 11, "color": text, "text-valign": "bottom",
            "text-margin-y": 4, "width": 26, "height": 26, "border-width": 2, "border-color": line,
        }},
        {"selector": "edge", "style": {
            "width": "data(width)", "curve-style": "bezier", "line-color": line, "target-arrow-color": line,
            "target-arrow-shape": "none",
        }},
        {"selector": ".kind-payment, .kind-sweep", "style": {"target-arrow-shape": "triangle"}},
        {"selector": ".dashed", "style": {"line-style": "dashed"}},
        {"selector": ".outside", "style": {"width": 16, "height": 16, "background-color": line}},
        {"selector": ".more", "style": {"shape": "round-rectangle", "width": 40, "background-color": line}},
        {"selector": ":selected", "style": {
            "border-color": "#f59e0b", "border-width": 5, "line-color": "#f59e0b",
        }},
    ]  # fmt: skip
    style += [{"selector": f".{role}", "style": {"shape": shape}} for role, shape in SHAPES.items()]
    style += [
        {"selector": f".band-{name}", "style": {"background-color": colour}}
        for name, colour in BAND_COLOURS.items()
    ]
    style += [
        {"selector": f".kind-{kind}", "style": {"line-color": colour, "target-arrow-color": colour}}
        for kind, colour in KIND_COLOURS.items()
        if not dark
    ]
    return cyto.Cytoscape(
        id=id,
        elements=parts,
        layout={"name": "preset", "fit": True, "padding": 40},
        style={"height": "560px", "width": "100%"},
        stylesheet=style,
        minZoom=0.2,
        maxZoom=3,
        responsive=True,
    )
