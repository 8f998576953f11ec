"""Hotspots: what a city looks like week by week, in numbers of which none is about few persons.

Cells under LEAST persons are withheld (guardrail G12), and with them what totals would give away. A forecast
is made of published numbers alone, so that it gives away nothing either. NOT_MEANT goes wherever they are
shown.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from finpat.adverts.adverts import Adverts
from finpat.config import Settings
from finpat.ledger import Ledger
from finpat.movement.presence import (
    IS_CASH,
    IS_NIGHT,
    IS_ROOM,
    NIGHT_DAY,
    advert_sightings,
    legs_in_cities,
    number_places,
)

SERIES = {
    "adverts": "adverts for the city",
    "new_phones": "telephone numbers first advertised there",
    "lodging": "persons who paid for a room there",
    "night_cash": "persons who drew or paid in cash there between 22:00 and 06:00",
}
LEAST = 10  # persons in a cell that is published (G12)
RUN_IN = 4  # weeks at the start of the adverts, in which nearly every number is new
HISTORY = 26  # weeks that a week is held against (CX-HOT-01)
FEWEST_WEEKS = 12  # published weeks that a forecast or a z needs; chosen: a quarter
AHEAD = 4  # weeks forecast beyond the data
SMOOTHING = (0.05, 0.1, 0.2, 0.3, 0.5)  # weights of the newest week; the likeliest is taken
MOST_FORECAST = 100  # series that are forecast, the fullest first; it bounds what a run costs
LEGS_AT_ONCE = 2_000_000
NOT_MEANT = (
    "A high week is no sign that anybody was exploited, and a low one none that nobody was. Events, seasons, "
    "prices, a platform that opens or closes and whom the institution serves all move these numbers; large "
    "events were not found to change how many persons are exploited (ABA, 2019). They help to plan help, "
    "outreach and staff. They are no measure of crime: where more is checked more is reported, and a high "
    "number must not be the reason to check more."
)
CELLS = ("series", "place", "week", "value", "persons")
FORECAST = ("forecast", "low", "high")


@dataclass(frozen=True)
class Hotspots:
    """City-week series as they may be shown.

    cells: series, place (null: all cities together), week (see week_of), value (null where withheld and after
        the data), is_withheld, z, forecast, low, high (null where there are too few weeks). Sorted by series,
        place, week.
    places: place, city, country, latitude, longitude.
    """

    cells: pl.DataFrame
    places: pl.DataFrame

    def table(self) -> pl.DataFrame:
        """The frame of rm.hotspots."""
        monday = (pl.col("week") * 7 - 3).cast(pl.Int32).cast(pl.Date)
        named = self.cells.with_columns(week=monday)
        return named.join(self.places, on="place", how="left", maintain_order="left").drop("place")


def week_of(day: pl.Expr) -> pl.Expr:
    """Number of the week, Monday to Sunday, of a day since 1970-01-01; week w begins on day 7 w - 3."""
    return (day + 3) // 7


def build_hotspots(
    ledger: Ledger, adverts: Adverts | None, settings: Settings, *, expected: bool = True
) -> Hotspots:
    """Series of all cities, withheld where they must be, with forecasts made of what is left.

    expected: with forecasts; without, cells have no forecast, low and high.
    """
    counts, spans, places = city_weeks(ledger, adverts, settings)
    cells = with_z(withhold(counts, spans))
    return Hotspots(with_forecasts(cells) if expected else cells, places)


def city_weeks(
    ledger: Ledger, adverts: Adverts | None, settings: Settings
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Counts per city and complete week; the weeks of each series; the places.

    Counts: CELLS, where anything was counted. `persons` of adverts are posters: clusters, and adverts like no
    other one by one. Spans: series, first and last week that the data (of adverts, of payments) has whole.
    """
    parts = [replace(ledger, legs=part) for part in ledger.legs.iter_slices(LEGS_AT_ONCE)]
    visits = pl.concat([_visits(part, settings) for part in parts or [ledger]]).unique()
    posted = _VISITS.with_columns(ad=pl.lit(None, pl.UInt32))
    if adverts is not None:
        posted = (
            advert_sightings(adverts)
            .with_columns(pl.coalesce("cluster", pl.format("{}", "ad")).alias("who"), week_of(pl.col("day")))
            .rename({"day": "week"})
            .select("who", "week", "city", "country", "ad", series=pl.lit("adverts"))
        )
    places, (visits, posted) = number_places(visits, posted)
    series = [
        visits,
        posted.select(visits.columns),
        _new_phones(adverts, posted) if adverts is not None else visits.clear(),
    ]
    seen = _whole_weeks(ledger.legs["local_day"])
    spans = {"lodging": seen, "night_cash": seen}
    if adverts is not None and posted.height:
        first, last = _whole_weeks(advert_sightings(adverts)["day"])
        spans |= {"adverts": (first, last), "new_phones": (first + RUN_IN, last)}
    told = pl.DataFrame(
        [(name, first, last) for name, (first, last) in spans.items()],
        schema={"series": pl.String, "first": pl.Int32, "last": pl.Int32},
        orient="row",
    )
    counts = (
        pl.concat(series)
        .join(told, on="series")
        .filter(pl.col("week").is_between("first", "last"))
        .group_by("series", "place", "week")
        .agg(value=pl.len().cast(pl.Int64), persons=pl.col("who").n_unique().cast(pl.Int64))
    )
    return counts.select(CELLS), told, places


_VISITS = pl.DataFrame(
    schema={"who": pl.String, "week": pl.Int32, "city": pl.String, "country": pl.String, "series": pl.String}
)


def _visits(ledger: Ledger, settings: Settings) -> pl.DataFrame:
    """Who paid for a room, and who moved cash at night, in which city and week: each once."""
    at_night = IS_CASH & IS_NIGHT.fill_null(False)
    rows = legs_in_cities(
        ledger, settings, at_night | ~pl.col("is_credit"), "local_day", "local_hour", "is_credit"
    )
    kinds = (("lodging", IS_ROOM, pl.col("local_day")), ("night_cash", at_night, NIGHT_DAY))
    return pl.concat(
        rows.filter(where)
        .select(
            pl.col("subject").cast(pl.String).alias("who"),
            week_of(day).cast(pl.Int32).alias("week"),
            pl.col("city", "country").cast(pl.String),
            series=pl.lit(name),
        )
        .unique()
        for name, where, day in kinds
    )


def _new_phones(adverts: Adverts, posted: pl.DataFrame) -> pl.DataFrame:
    """Telephone numbers by the city and the week of their first advert there."""
    phones = adverts.contacts.filter(pl.col("kind") == "phone").select("ad", number="value")
    return (
        posted.join(phones, on="ad")
        .group_by("place", "number")
        .agg(pl.col("week").min())
        .select(who="number", week="week", series=pl.lit("new_phones"), place="place")
    )


def _whole_weeks(days: pl.Series) -> tuple[int, int]:
    """First and last week of which all days lie from the first of `days` to the last."""
    if days.drop_nulls().is_empty():
        return 0, -1
    first, last = int(days.min()), int(days.max())  # type: ignore[arg-type]
    return (first + 9) // 7, (last - 3) // 7


def withhold(counts: pl.DataFrame, spans: pl.DataFrame) -> pl.DataFrame:
    """Every week of the cities that may be shown in any, and of all cities together.

    counts, spans: of city_weeks. Columns: series, place (null: all cities), week, value, is_withheld. A cell
    under LEAST persons is withheld, none at all included. The total of a week and its shown cells would give
    a single withheld cell away, or few persons in several: then the smallest shown cell is withheld too, and
    the total where there is none.
    """
    week = ["series", "week"]
    shown = pl.col("persons") >= LEAST
    hidden = pl.when(~shown).then("persons")
    told = (
        counts.sort(*week, ~shown, "persons", "place")  # of the shown ones the one of fewest persons first
        .with_columns(
            shown=shown,
            exposed=((hidden.count() == 1) | hidden.sum().is_between(1, LEAST - 1)).over(week),
            turn=pl.int_range(pl.len()).over(week),
        )
        .with_columns(shown=pl.col("shown") & ~(pl.col("exposed") & (pl.col("turn") == 0)))
    )
    totals = told.group_by(week).agg(
        pl.col("value", "persons").sum(),
        # After one shown cell more is withheld, two at least of LEAST persons or more are hidden together.
        covered=~pl.col("exposed").any() | (pl.col("persons") >= LEAST).any(),
    )
    totals = totals.select(
        "series", "week", "value", place=pl.lit(None, pl.UInt32),
        shown=pl.col("covered") & (pl.col("persons") >= LEAST),
    )  # fmt: skip
    cells = pl.concat([told.select("series", "place", "week", "value", "shown"),
                       totals.select("series", "place", "week", "value", "shown")])  # fmt: skip
    seen = cells.filter("shown").select("series", "place").unique()
    calendar = seen.join(spans, on="series").with_columns(
        week=pl.int_ranges("first", pl.col("last") + 1, dtype=pl.Int32)
    )
    return (
        calendar.explode("week", empty_as_null=False)
        .join(cells, on=["series", "place", "week"], how="left", nulls_equal=True)
        .select(
            "series", "place", "week",
            value=pl.when("shown").then("value"),
            is_withheld=~pl.col("shown").fill_null(False),
        )
        .sort("series", "place", "week", nulls_last=False)
    )  # fmt: skip


def with_z(cells: pl.DataFrame) -> pl.DataFrame:
    """`cells` with z: the value's distance from the median of the HISTORY weeks before, in robust spreads.

    The spread is 1.4826 times the median absolute deviation, or the square root of the median where that is
    more, since counts scatter so much by chance alone. Null where the value is withheld, the data has fewer
    than HISTORY weeks before, or FEWEST_WEEKS of them are not shown.
    """
    scores = []
    for (_, _), group in cells.group_by("series", "place", maintain_order=True):
        values = group["value"].cast(pl.Float64).fill_null(float("nan")).to_numpy()
        scores.append(pl.Series("z", _robust_z(values)))
    empty = pl.Series("z", [], pl.Float64)
    return cells.with_columns(pl.concat([empty, *scores]).fill_nan(None))


def _robust_z(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    scores = np.full(len(values), np.nan)
    for week in range(HISTORY, len(values)):
        before = values[week - HISTORY : week]
        before = before[~np.isnan(before)]
        if len(before) >= FEWEST_WEEKS:
            middle = np.median(before)
            spread = max(1.4826 * np.median(np.abs(before - middle)), np.sqrt(middle))
            scores[week] = (values[week] - middle) / spread
    return scores


def with_forecasts(cells: pl.DataFrame) -> pl.DataFrame:
    """`cells` with forecast, low and high (95 %) of each week from the weeks before, and AHEAD weeks more.

    Of at most MOST_FORECAST series, those with most values first, each with FEWEST_WEEKS values or more; a
    week's own forecast begins after as many. What is forecast of the data's weeks is one week ahead.
    """
    fullness = (
        cells.group_by("series", "place")
        .agg(weeks=pl.col("value").count(), total=pl.col("value").sum())
        .filter(pl.col("weeks") >= FEWEST_WEEKS)
        .sort("total", "series", "place", descending=[True, False, False])
        .head(MOST_FORECAST)
    )
    chosen = cells.join(fullness, on=["series", "place"], how="semi", nulls_equal=True, maintain_order="left")
    told = [pl.DataFrame(schema={"series": pl.String, "place": pl.UInt32, "week": pl.Int32,
                                 **dict.fromkeys(FORECAST, pl.Float64)})]  # fmt: skip
    for (series, place), group in chosen.group_by("series", "place", maintain_order=True):
        values = group["value"].cast(pl.Float64).fill_null(float("nan")).to_numpy()
        bands = dict(zip(FORECAST, forecast(values), strict=True))
        weeks = np.arange(len(values) + AHEAD) + int(group["week"][0])
        told.append(
            pl.DataFrame({"series": series, "place": place, "week": weeks, **bands}, schema=told[0].schema)
        )
    bands_of = pl.concat(told).with_columns(pl.col(FORECAST).fill_nan(None))
    joined = cells.join(bands_of, on=["series", "place", "week"], how="full", coalesce=True, nulls_equal=True)
    return joined.with_columns(pl.col("is_withheld").fill_null(False)).sort("series", "place", "week")


def forecast(values: npt.NDArray[np.float64]) -> tuple[npt.NDArray[np.float64], ...]:
    """Mean and 95 % bounds of each week given the weeks before it, and of AHEAD weeks more; nan for none.

    values: counts of successive weeks, nan where unknown. Simple exponential smoothing of square roots, whose
    chance scatter does not grow with the count; in statsmodels' state space form, which takes gaps. The last
    value has no part in how the model is set, so that it is held against what was expected of it. The scatter
    is taken for no less than that of independent counts.
    """
    roots = 2 * np.sqrt(values + 0.375)  # Anscombe, Biometrika 1948: variance 1 for a Poisson count
    tried = {weight: _scatter(_smoothed(roots[:-1], weight)) for weight in SMOOTHING}
    weight = max(tried, key=lambda weight: tried[weight][1])
    scale, smoothed = tried[weight][0], _smoothed(roots, weight)
    parts = smoothed.get_prediction(), smoothed.get_forecast(AHEAD)
    mean = np.concatenate([part.predicted_mean for part in parts])
    error = np.sqrt(scale) * np.concatenate([part.se_mean for part in parts])
    mean[: _first_week_after(values, FEWEST_WEEKS)] = np.nan
    bounds = mean, mean - 1.96 * error, mean + 1.96 * error
    return tuple(np.maximum(np.maximum(root, 0) ** 2 / 4 - 0.375, 0) for root in bounds)


def _smoothed(roots: npt.NDArray[np.float64], weight: float) -> Any:
    """Results of the smoothing, their errors in units of the scatter."""
    from statsmodels.tsa.statespace.exponential_smoothing import ExponentialSmoothing

    start = roots[~np.isnan(roots)][:FEWEST_WEEKS].mean()  # forecasts begin after these
    model = ExponentialSmoothing(
        roots, initialization_method="known", initial_level=start, concentrate_scale=False
    )
    return model.smooth([weight, 1.0])


def _scatter(smoothed: Any) -> tuple[float, float]:
    """Variance of the scatter, at least that of independent counts; the likelihood of the smoothing."""
    missed, variance = smoothed.forecasts_error[0], smoothed.forecasts_error_cov[0, 0]
    known = ~np.isnan(missed)
    squares = missed[known] ** 2 / variance[known]
    scale = max(1.0, float(np.mean(squares)))
    likelihood = -0.5 * float(np.sum(np.log(scale * variance[known]) + squares / scale))
    return scale, round(likelihood, 6)  # a tie goes to the first weight, not to the last bit


def _first_week_after(values: npt.NDArray[np.float64], count: int) -> int:
    """Position of the week after `count` known ones."""
    known = np.flatnonzero(~np.isnan(values))
    return int(known[count - 1]) + 1
