"""Figures of one account: its money in time, its hours, its cities, its peers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

import polars as pl
from plotly.graph_objects import Bar, Figure, Heatmap, Scatter, Scattergeo
from plotly.subplots import make_subplots

from dashboard.figures.theme import drawn, palette

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
LANES_SHOWN = 8  # indicators whose windows have a lane of their own; the others share one
_STEP_MS = {"day": 86_400_000, "week": 7 * 86_400_000}
_MARKS = {"lodging": "square", "advert": "diamond"}
_MARK_NAMES = {"lodging": "Lodging paid", "advert": "Adverts paid"}


def timeline(
    frame: pl.DataFrame,
    lanes: Sequence[tuple[str, date | datetime, date | datetime]],
    marks: pl.DataFrame,
    *,
    shown: tuple[date, date],
    step: str,
    currency: str,
    scheme: str,
) -> Figure:
    """Money in and out, balance, and what lasted for how long, on one axis of time.

    frame: as `Timeline.frame`. lanes: title, first, last. marks: day, kind, count, amount, currency. shown:
    first and last day on the axis.
    """
    colours = palette(scheme)
    has_balance = frame["balance"].is_not_null().any()
    names = list(dict.fromkeys(name for name, _, _ in lanes))
    rows = 3 if has_balance else 2
    heights = [0.46, 0.22, 0.32] if has_balance else [0.6, 0.4]
    figure = make_subplots(rows=rows, cols=1, shared_xaxes=True, vertical_spacing=0.04, row_heights=heights)
    period = frame["period"].to_list()
    unit = {"day": "day", "week": "week from", "month": "month from"}[step]
    widths = {"width": _STEP_MS[step] * 0.8} if step in _STEP_MS else {}
    half = timedelta(days={"day": 0.5, "week": 3.5, "month": 15}[step])
    middles = [datetime.combine(day, datetime.min.time()) + half for day in period]
    for name, amounts, counts, cash, sign, colour in (
        ("In", "amount_in", "count_in", "cash_in", 1, colours.paid_in),
        ("Out", "amount_out", "count_out", "cash_out", -1, colours.paid_out),
    ):
        for label, values, shape in (
            (f"{name}, not cash", (frame[amounts] - frame[cash]).to_list(), ""),
            (f"{name}, cash", frame[cash].to_list(), "/"),
        ):
            if not any(values):
                continue
            figure.add_trace(
                Bar(
                    x=middles,
                    y=[sign * value for value in values],
                    name=label,
                    marker={
                        "color": colour,
                        "line": {"width": 0},
                        "pattern": {"shape": shape, "fgcolor": colours.ground, "bgcolor": colour},
                    },
                    customdata=list(zip(values, frame[counts].to_list(), strict=True)),
                    hovertemplate=f"%{{customdata[0]:,.2f}} {currency} (%{{customdata[1]}} rows)",
                    **widths,
                ),
                row=1,
                col=1,
            )
    if has_balance:
        known = frame.filter(pl.col("balance").is_not_null())
        figure.add_trace(
            Scatter(
                x=[datetime.combine(day, datetime.min.time()) + half for day in known["period"]],
                y=known["balance"].to_list(),
                name="Balance",
                mode="lines+markers" if known.height < 80 else "lines",
                line={"color": colours.text, "width": 1.5, "shape": "hv"},
                marker={"size": 4},
                hovertemplate=f"%{{y:,.2f}} {currency}",
            ),
            row=2,
            col=1,
        )
    for name, first, last in lanes:
        # A window of one instant still has to be seen.
        end = max(last, first + timedelta(days=max(1, (shown[1] - shown[0]).days // 150)))
        figure.add_trace(
            Scatter(
                x=[first, end],
                y=[name, name],
                mode="lines",
                line={"width": 7, "color": colours.accent if name.startswith("Account") else colours.own},
                name=name,
                showlegend=False,
                hovertemplate=f"{name}<br>{first:%Y-%m-%d} to {last:%Y-%m-%d}<extra></extra>",
            ),
            row=rows,
            col=1,
        )
    for kind in marks["kind"].unique(maintain_order=True).to_list():
        some = marks.filter(pl.col("kind") == kind)
        figure.add_trace(
            Scatter(
                x=some["day"].to_list(),
                y=[_MARK_NAMES[kind]] * some.height,
                mode="markers",
                marker={
                    "symbol": _MARKS[kind],
                    "size": 9,
                    "color": colours.series[3 if kind == "advert" else 2],
                },
                name=_MARK_NAMES[kind],
                showlegend=False,
                customdata=[
                    f"{row['count']} × {row['amount']:,.2f} {row['currency']}" for row in some.to_dicts()
                ],
                hovertemplate="%{x|%Y-%m-%d}: %{customdata}<extra></extra>",
            ),
            row=rows,
            col=1,
        )
        names.append(_MARK_NAMES[kind])
    drawn(figure, scheme)
    figure.update_layout(
        barmode="relative", hovermode="x unified", margin={"l": 8, "r": 8, "t": 30, "b": 8}, bargap=0.1
    )
    figure.update_xaxes(range=[shown[0], shown[1] + timedelta(days=1)], type="date", showgrid=True)
    figure.update_xaxes(hoverformat=f"{unit} %Y-%m-%d", row=1, col=1)
    figure.update_xaxes(showticklabels=True, row=rows, col=1)
    figure.update_yaxes(title=currency, tickformat="~s", row=1, col=1)
    if has_balance:
        figure.update_yaxes(title="Balance", tickformat="~s", row=2, col=1)
    figure.update_yaxes(
        type="category", categoryorder="array", categoryarray=names[::-1], showgrid=False, row=rows, col=1
    )
    return figure


def lane_height(lanes: int) -> int:
    """Pixels that a timeline with so many lanes needs."""
    return 330 + 20 * max(4, lanes)


def week(frame: pl.DataFrame, scheme: str) -> Figure:
    """Rows by hour of the week: weekdays from above, hours from the left. frame: as `Hours.frame`."""
    colours = palette(scheme)
    cells = [[0] * 24 for _ in WEEKDAYS]
    told = [[""] * 24 for _ in WEEKDAYS]
    for row in frame.iter_rows(named=True):
        day, hour = row["weekday"] - 1, row["hour"]
        cells[day][hour] = row["count_in"] + row["count_out"]
        told[day][hour] = f"{row['count_in']} in, {row['count_out']} out"
    figure = Figure(
        Heatmap(
            z=cells,
            x=[f"{hour:02d}" for hour in range(24)],
            y=list(WEEKDAYS),
            customdata=told,
            colorscale=[list(stop) for stop in colours.scale],
            xgap=2,
            ygap=2,
            hovertemplate="%{y}, %{x} h: %{customdata}<extra></extra>",
            colorbar={
                "title": {"text": "rows"},
                "thickness": 10,
                "outlinewidth": 0,
                "tickformat": "d",
                "nticks": 4,
            },
        )
    )
    drawn(figure, scheme)
    figure.update_layout(hovermode="closest")
    figure.update_xaxes(showgrid=False, type="category", title="hour begins")
    return figure.update_yaxes(showgrid=False, autorange="reversed")


def circuit(frame: pl.DataFrame, scheme: str) -> Figure:
    """City by day: each city a lane, each day there a mark. frame: day, city, country, count, channels."""
    cities = _cities(frame)
    colours = palette(scheme)
    figure = Figure()
    for number, kind in enumerate(frame["channels"].unique().sort().to_list()):
        some = frame.filter(pl.col("channels") == kind)
        figure.add_trace(
            Scatter(
                x=some["day"].to_list(),
                y=[_city(row) for row in some.iter_rows(named=True)],
                mode="markers",
                name=kind.replace(";", " and "),
                marker={
                    "symbol": ("square", "diamond", "circle", "cross", "triangle-up", "star")[number % 6],
                    "size": 9,
                    "color": colours.series[number % len(colours.series)],
                },
                customdata=some["count"].to_list(),
                hovertemplate="%{x|%a %Y-%m-%d}: %{customdata} rows<extra>%{y}</extra>",
            )
        )
    drawn(figure, scheme)
    figure.update_layout(hovermode="closest", margin={"t": 30})
    figure.update_xaxes(type="date")
    return figure.update_yaxes(type="category", categoryorder="array", categoryarray=cities[::-1])


def route(frame: pl.DataFrame, scheme: str) -> Figure:
    """The cities on a map, tied in the order in which they were reached. frame: as `circuit`, with places."""
    colours = palette(scheme)
    placed = frame.filter(pl.col("latitude").is_not_null()).sort("day", "first_at", "city")
    moved = placed.filter(
        (pl.col("city") != pl.col("city").shift(1)).fill_null(True)
        | (pl.col("country") != pl.col("country").shift(1)).fill_null(False)
    )
    cities: dict[tuple[str, str], dict[str, Any]] = {}
    for row in placed.iter_rows(named=True):
        seen = cities.setdefault((row["city"], row["country"]), {**row, "days": 0, "last": row["day"]})
        seen["days"] += 1
        seen["last"] = row["day"]
    points = list(cities.values())
    figure = Figure(
        [
            Scattergeo(
                lat=moved["latitude"].to_list(),
                lon=moved["longitude"].to_list(),
                mode="lines",
                line={"width": 1.2, "color": colours.quiet},
                hoverinfo="skip",
                showlegend=False,
            ),
            Scattergeo(
                lat=[point["latitude"] for point in points],
                lon=[point["longitude"] for point in points],
                mode="markers+text",
                text=[point["city"] for point in points],
                textposition="top center",
                textfont={"color": colours.text, "size": 11},
                marker={
                    "size": [min(24, 7 + point["days"] ** 0.5) for point in points],
                    "color": colours.paid_out,
                    "line": {"color": colours.ground, "width": 1},
                },
                customdata=[
                    f"{point['days']} days, {point['day']:%Y-%m-%d} to {point['last']:%Y-%m-%d}"
                    for point in points
                ],
                hovertemplate="%{text}: %{customdata}<extra></extra>",
                showlegend=False,
            ),
        ]
    )
    drawn(figure, scheme)
    latitudes = [point["latitude"] for point in points] or [0.0]
    longitudes = [point["longitude"] for point in points] or [0.0]
    # Left to itself the map shrinks to the points: one city would fill it without a border to know it by.
    around = 4.0
    figure.update_geos(
        fitbounds=False,
        projection_type="mercator",
        showcountries=True,
        showland=True,
        resolution=110,
        lataxis_range=[max(-60, min(latitudes) - around), min(78, max(latitudes) + around)],
        lonaxis_range=[max(-180, min(longitudes) - 2 * around), min(180, max(longitudes) + 2 * around)],
    )
    return figure.update_layout(hovermode="closest", margin={"l": 0, "r": 0, "t": 0, "b": 0})


def standing(histogram: pl.DataFrame, value: float | None, median: float | None, scheme: str) -> Figure:
    """All accounts in one feature, with this one. histogram: low, high, count."""
    colours = palette(scheme)
    figure = Figure(
        Bar(
            x=((histogram["low"] + histogram["high"]) / 2).to_list(),
            y=histogram["count"].to_list(),
            width=(histogram["high"] - histogram["low"]).to_list(),
            marker={"color": colours.quiet, "line": {"width": 0}},
            customdata=list(zip(histogram["low"].to_list(), histogram["high"].to_list(), strict=True)),
            hovertemplate="%{customdata[0]:,.4~g} to %{customdata[1]:,.4~g}: %{y:,} accounts<extra></extra>",
            showlegend=False,
        )
    )
    drawn(figure, scheme)
    _line(figure, median, "median", colours.soft, "dot")
    _line(figure, value, "this account", colours.own, "solid")
    figure.update_layout(hovermode="closest", bargap=0.02, margin={"t": 22})
    return figure.update_yaxes(title="accounts", type="log" if histogram.height > 1 else "linear", dtick=1)


def found_values(values: Sequence[float], own: float, threshold: float | None, scheme: str) -> Figure:
    """One number of an indicator over the accounts on which it was found: a strip with this one in it."""
    colours = palette(scheme)
    # Accounts of one value stand on each other, so that the strip shows how many there are.
    heights: dict[float, int] = {}
    ys = []
    for value in values:
        heights[value] = heights.get(value, 0) + 1
        ys.append(heights[value])
    figure = Figure(
        Scatter(
            x=list(values),
            y=ys,
            mode="markers",
            marker={"color": colours.quiet, "size": 7},
            hovertemplate="%{x:,.4~g}<extra></extra>",
            showlegend=False,
        )
    )
    drawn(figure, scheme)
    _line(figure, threshold, "threshold", colours.threshold, "dash")
    _line(figure, own, "this account", colours.own, "solid")
    figure.update_layout(hovermode="closest", margin={"t": 22})
    return figure.update_yaxes(title="accounts", rangemode="tozero", nticks=4)


def _line(figure: Figure, at: float | None, text: str, colour: str, dash: str) -> None:
    if at is not None:
        figure.add_vline(
            x=at,
            line={"color": colour, "width": 2, "dash": dash},
            annotation={
                "text": text, "font": {"color": colour, "size": 11}, "yref": "paper", "y": 1,
                "yanchor": "bottom", "showarrow": False,
            },
        )  # fmt: skip


def _city(row: dict[str, Any]) -> str:
    return f"{row['city']}, {row['country']}" if row["country"] else str(row["city"])


def _cities(frame: pl.DataFrame) -> list[str]:
    return list(dict.fromkeys(_city(row) for row in frame.sort("day", "first_at").iter_rows(named=True)))
