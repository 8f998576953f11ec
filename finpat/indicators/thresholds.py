"""Legal thresholds as data: which amount, by which operator, over which window, in which currency, from when.

`thresholds.csv` holds the rules with their sources and evidence tags (V1 the text was read, V2 a secondary
source, M from memory: verify before citing). Only rules with a `use` are tested by indicators; the others
document what is in force. A leg is tested against the rule of its own currency on its own date, never against
a converted amount.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from importlib.resources import files
from typing import Literal, get_args

import polars as pl

from finpat.config import Settings
from finpat.errors import SettingsError, nearest
from finpat.money import to_minor

Use = Literal["cash_report", "instrument_identification", "transfer_record", "transfer_identification"]
WINDOWS = ("single", "business_day", "rolling_24h", "calendar_month", "12_month", "linked")
FILE = "thresholds.csv"


@dataclass(frozen=True)
class Threshold:
    """One rule: `operator amount` in `currency`, summed over `window`.

    In force from valid_from to before valid_to (None: open). Where `source` does not give the first day,
    valid_from is from memory (M); it only decides for transactions many years old.
    """

    jurisdiction: str
    instrument: str
    use: str
    currency: str
    operator: str
    amount: Decimal
    window: str
    aggregation: str
    valid_from: date
    valid_to: date | None
    source: str
    evidence: str

    @property
    def label(self) -> str:
        """Jurisdiction and instrument."""
        return f"{self.jurisdiction} {self.instrument}"

    @property
    def amount_minor(self) -> int:
        """The amount in minor units of its currency."""
        return to_minor(self.amount, self.currency)

    def first_reportable_minor(self) -> int:
        """Smallest amount that the operator catches: 10 000.01 for `> 10 000.00`."""
        return self.amount_minor + (self.operator == ">")


def parse_thresholds(lines: Iterable[str], origin: str = FILE) -> tuple[Threshold, ...]:
    """Rules of a CSV with the columns of `Threshold`, in the file's order.

    Raises:
        SettingsError: naming file, line and column of the first value that cannot be used.
    """
    rules = []
    for number, row in enumerate(csv.DictReader(lines), start=2):
        column = "window"
        try:
            if row["window"] not in WINDOWS:
                raise ValueError(f"expected one of {', '.join(WINDOWS)}")
            column = "use"
            if row["use"] not in ("", *get_args(Use)):
                raise ValueError(f"expected nothing or one of {', '.join(get_args(Use))}")
            column = "operator"
            if row["operator"] not in (">", ">=", "<") or (row["use"] and row["operator"] == "<"):
                raise ValueError("expected > or >=")
            column = "amount"
            amount = Decimal(row["amount"])
            to_minor(amount, row["currency"])
            column = "valid_from"
            valid_from = date.fromisoformat(row["valid_from"])
            column = "valid_to"
            valid_to = date.fromisoformat(row["valid_to"]) if row["valid_to"] else None
        except KeyError as missing:
            raise SettingsError(f"{origin}: column {missing} is missing; expected those of {FILE}") from None
        except (ValueError, ArithmeticError) as error:
            raise SettingsError(f"{origin}, line {number}, {column} = {row[column]!r}: {error}") from None
        rules.append(
            Threshold(
                row["jurisdiction"],
                row["instrument"],
                row["use"],
                row["currency"],
                row["operator"],
                amount,
                row["window"],
                row["aggregation"],
                valid_from,
                valid_to,
                row["source"],
                row["evidence"],
            )
        )
    return tuple(rules)


@cache
def shipped_thresholds() -> tuple[Threshold, ...]:
    """The rules that travel with finpat."""
    text = files("finpat.indicators").joinpath(FILE).read_text(encoding="utf-8")
    return parse_thresholds(text.splitlines())


@dataclass(frozen=True)
class Thresholds:
    """The rules that apply to one run.

    jurisdictions: those configured, in order of preference; empty means every jurisdiction, so that a rule is
    picked by the transaction's currency alone. Among rules that fit equally, the earlier one wins.
    """

    rules: tuple[Threshold, ...]
    jurisdictions: tuple[str, ...] = ()

    @classmethod
    def in_force(cls, settings: Settings) -> Thresholds:
        """The shipped rules with those of the settings in place of their namesakes.

        Raises:
            SettingsError: a jurisdiction without any rule.
        """
        own = tuple(
            Threshold(
                **{name: getattr(rule, name) for name in type(rule).model_fields}, evidence="own setting"
            )
            for rule in settings.thresholds
        )
        replaced = {(rule.jurisdiction, rule.instrument) for rule in own}
        kept = (rule for rule in shipped_thresholds() if (rule.jurisdiction, rule.instrument) not in replaced)
        # Own rules come first: among rules that fit equally the earlier one wins.
        return cls.of(settings.jurisdictions, (*own, *kept))

    @classmethod
    def of(cls, jurisdictions: tuple[str, ...], rules: tuple[Threshold, ...] | None = None) -> Thresholds:
        """The shipped rules (or `rules`) of the configured jurisdictions.

        Raises:
            SettingsError: a jurisdiction without any rule; the message gives the nearest one that has some.
        """
        rules = shipped_thresholds() if rules is None else rules
        known = {rule.jurisdiction for rule in rules}
        for name in jurisdictions:
            if name not in known:
                hint = nearest(name, known) or f" Known: {', '.join(sorted(known))}."
                raise SettingsError(f"jurisdictions: no thresholds for {name!r}.{hint}")
        return cls(rules, jurisdictions)

    def applying(self, use: Use, currency: str) -> list[Threshold]:
        """Rules of a use in a currency, preferred first, each with its time of validity."""
        rules = [rule for rule in self.rules if rule.use == use and rule.currency == currency]
        if self.jurisdictions:
            order = {name: place for place, name in enumerate(self.jurisdictions)}
            rules = sorted(
                (rule for rule in rules if rule.jurisdiction in order),
                key=lambda rule: order[rule.jurisdiction],
            )
        return rules

    def attach(self, legs: pl.DataFrame, use: Use) -> pl.DataFrame:
        """Add the rule each leg is tested against, by its currency and date.

        Adds limit_minor (Int64, the threshold's amount), reportable_from_minor (Int64, the smallest amount
        the operator catches), legal_window (Enum of WINDOWS) and threshold_rule (Enum, jurisdiction and
        instrument); all null where no rule applies.
        """
        amount = pl.lit(None, pl.Int64)
        start = pl.lit(None, pl.Int64)
        windows, labels = pl.Enum(WINDOWS), pl.Enum(sorted({rule.label for rule in self.rules}))
        window, label = pl.lit(None, windows), pl.lit(None, labels)
        for currency in legs["currency"].unique().cast(pl.String).sort():
            for rule in reversed(self.applying(use, currency)):
                fits = (pl.col("currency") == currency) & (pl.col("booked_at") >= rule.valid_from)
                if rule.valid_to is not None:
                    fits &= pl.col("booked_at") < rule.valid_to
                amount = pl.when(fits).then(pl.lit(rule.amount_minor, pl.Int64)).otherwise(amount)
                start = pl.when(fits).then(pl.lit(rule.first_reportable_minor(), pl.Int64)).otherwise(start)
                window = pl.when(fits).then(pl.lit(rule.window, windows)).otherwise(window)
                label = pl.when(fits).then(pl.lit(rule.label, labels)).otherwise(label)
        return legs.with_columns(
            limit_minor=amount, reportable_from_minor=start, legal_window=window, threshold_rule=label
        )
