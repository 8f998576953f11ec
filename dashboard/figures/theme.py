"""The one look of all figures, light and dark."""

from __future__ import annotations

from dataclasses import dataclass

from plotly.graph_objects import Figure, Layout
from plotly.graph_objs.layout import Template


@dataclass(frozen=True)
class Palette:
    """Colours of one scheme; text on ground has at least 4.5:1, marks on ground 3:1."""

    ground: str
    text: str
    soft: str
    line: str
    paid_in: str
    paid_out: str
    accent: str
    own: str
    threshold: str
    quiet: str
    series: tuple[str, ...]
    scale: tuple[tuple[float, str], ...]


PALETTES = {
    "light": Palette(
        ground="#ffffff",
        text="#1b2430",
        soft="#55606f",
        line="#d5dae1",
        paid_in="#0072b2",
        paid_out="#c2520a",
        accent="#0b5cad",
        own="#8f1d2c",
        threshold="#1b2430",
        quiet="#7f93aa",
        series=("#0072b2", "#c2520a", "#00795a", "#9c4a86", "#7a6a00", "#2a7fa8", "#5b5b5b"),
        scale=((0.0, "#eef3f8"), (0.25, "#b9d3ea"), (0.5, "#6ea6d4"), (0.75, "#2b73b3"), (1.0, "#08386b")),
    ),
    "dark": Palette(
        ground="#19212b",
        text="#e8edf3",
        soft="#a9b5c3",
        line="#344152",
        paid_in="#56b4e9",
        paid_out="#e69f00",
        accent="#7cb8f5",
        own="#ff9fa9",
        threshold="#e8edf3",
        quiet="#6f8299",
        series=("#56b4e9", "#e69f00", "#3fc79a", "#e29ac9", "#f0e442", "#9ad0f0", "#c4c4c4"),
        scale=((0.0, "#202a36"), (0.25, "#1f4a6e"), (0.5, "#2e7fb8"), (0.75, "#6fb9ea"), (1.0, "#d8efff")),
    ),
}
FONT = 'system-ui, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif'


def palette(scheme: str) -> Palette:
    """The colours of `light` or `dark`."""
    return PALETTES[scheme]


def drawn(figure: Figure, scheme: str) -> Figure:
    """The figure in the house's look."""
    return figure.update_layout(template=_TEMPLATES[scheme])


def _template(colours: Palette) -> Template:
    axis = {
        "gridcolor": colours.line,
        "linecolor": colours.line,
        "zerolinecolor": colours.soft,
        "zerolinewidth": 1,
        "ticks": "",
        "automargin": True,
    }
    return Template(
        layout=Layout(
            paper_bgcolor="rgba(0,0,0,0)",
            plot_bgcolor="rgba(0,0,0,0)",
            font={"family": FONT, "size": 12, "color": colours.text},
            colorway=colours.series,
            margin={"l": 8, "r": 8, "t": 8, "b": 8},
            hovermode="x unified",
            hoverlabel={
                "bgcolor": colours.ground,
                "bordercolor": colours.line,
                "font": {"color": colours.text, "family": FONT},
            },
            xaxis=axis,
            yaxis=axis,
            legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0, "font": {"size": 12}},
            bargap=0.15,
            modebar={"bgcolor": "rgba(0,0,0,0)", "color": colours.soft, "activecolor": colours.accent},
            dragmode="zoom",
            geo={
                "bgcolor": "rgba(0,0,0,0)",
                "landcolor": colours.scale[0][1],
                "lakecolor": colours.ground,
                "oceancolor": colours.ground,
                "countrycolor": colours.soft,
                "coastlinecolor": colours.soft,
                "framecolor": colours.line,
            },
        )
    )


_TEMPLATES = {scheme: _template(colours) for scheme, colours in PALETTES.items()}
