"""From the indicators' functions to findings: merging, ids, values, sentences."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import polars as pl

from finpat.config import Settings
from finpat.errors import SettingsError, nearest
from finpat.indicators.base import Indicator, Outcome, Value
from finpat.indicators.context import Context
from finpat.indicators.thresholds import Thresholds
from finpat.indicators.windows import merge
from finpat.ledger import NO_PARTY, Ledger
from finpat.money import decimals_of

VALUES_DTYPE = pl.List(
    pl.Struct(
        {
            "name": pl.String,
            "value": pl.Float64,
            "unit": pl.String,
            "threshold": pl.Float64,
            "operator": pl.String,
        }
    )
)
FINDINGS_SCHEMA: dict[str, Any] = {
    "finding_id": pl.String,
    "account_id": pl.String,
    "indicator_id": pl.String,
    "typology": pl.String,
    "window_start": pl.Datetime("us"),
    "window_end": pl.Datetime("us"),
    "values": VALUES_DTYPE,
    "sentence": pl.String,
    "fact": pl.String,
    "weight": pl.String,
    "role": pl.String,
    "state": pl.String,
    "missing_field": pl.String,
}
EVIDENCE_SCHEMA: dict[str, Any] = {"finding_id": pl.String, "row": pl.UInt32}

# A field that more accounts than this lack is missing from the data, not from an account: one row says so.
MOST_ACCOUNTS_NAMED = 1_000
CITIES_NAMED = 3


@dataclass(frozen=True)
class Findings:
    """What the indicators found, and what they could not judge.

    findings: finding_id, account_id (null: about the whole data), indicator_id, typology, window_start,
        window_end, values (structs name, value, unit, threshold, operator; money in units of the currency
        named as unit), sentence, fact (the sentence's first part), weight (S, M, W), role (PV, PC, NET, BIZ,
        or two joined by /), state (`found` or `not_evaluable`), missing_field. Sorted by indicator, account,
        window, id.
    evidence: finding_id, row (the ledger's `row`), sorted by both. Every account finding that is `found` has
    some.
    """

    findings: pl.DataFrame
    evidence: pl.DataFrame


def resolve(indicators: Sequence[Indicator], settings: Settings) -> dict[str, tuple[bool, Any]]:
    """Whether each indicator runs, and its parameters, after the settings' overrides.

    Raises:
        SettingsError: an id, name, type or value that cannot be used, with the nearest right one.
    """
    known = {indicator.id: indicator for indicator in indicators}
    for name in settings.indicators:
        if name not in known:
            raise SettingsError(f"indicators.{name}: no such indicator.{nearest(name, known)}")
    resolved = {}
    for indicator in indicators:
        override = settings.indicators.get(indicator.id)
        parameters = indicator.with_parameters(override.parameters) if override else indicator.parameters
        asked = override.enabled if override else None
        resolved[indicator.id] = (indicator.enabled if asked is None else asked, parameters)
    return resolved


def evaluate_indicators(
    indicators: Sequence[Indicator], ledger: Ledger, features: pl.DataFrame, settings: Settings
) -> Findings:
    """Run `indicators` over the ledger; those switched off are not run and leave no row.

    Raises:
        SettingsError: a setting of an indicator, or a jurisdiction, cannot be used.
    """
    resolved = resolve(indicators, settings)
    context = Context(
        ledger, features, settings, Thresholds.of(settings.jurisdictions), lambda name: resolved[name][1]
    )
    findings, evidence = [], []
    for indicator in indicators:
        enabled, parameters = resolved[indicator.id]
        if not enabled or not ledger.account_count:
            continue
        for frame, rows in _judge(indicator, parameters, context):
            findings.append(frame)
            evidence.append(rows)
    return Findings(
        findings=pl.concat([pl.DataFrame(schema=FINDINGS_SCHEMA), *findings]).sort(
            "indicator_id", "account_id", "window_start", "finding_id", nulls_last=True
        ),
        evidence=pl.concat([pl.DataFrame(schema=EVIDENCE_SCHEMA), *evidence]).sort("finding_id", "row"),
    )


def _judge(
    indicator: Indicator, parameters: Any, context: Context
) -> list[tuple[pl.DataFrame, pl.DataFrame]]:
    """The findings and evidence of one indicator, and its rows about what could not be judged."""
    missing = [name for name in indicator.needs if not context.has(name)]
    if missing:
        return [
            _not_evaluable(
                indicator, pl.DataFrame({"account_id": [None], "missing_field": [", ".join(missing)]})
            )
        ]
    outcome = indicator.find(context, parameters)
    judged = [_found(indicator, parameters, outcome, context)]
    if outcome.unjudged is not None and outcome.unjudged.height:
        found = judged[0][0].select("account_id").unique()
        named = _named(outcome.unjudged, context).join(found, on="account_id", how="anti", nulls_equal=False)
        judged.append(_not_evaluable(indicator, named))
    return judged


def _named(unjudged: pl.DataFrame, context: Context) -> pl.DataFrame:
    """account_id and missing_field, one row per account; of too many accounts one row, account_id null."""
    each = unjudged.unique(["account", "missing_field"]).join(
        context.accounts.select("account", "account_id"), on="account"
    )
    many = pl.len().over("missing_field") > MOST_ACCOUNTS_NAMED
    return (
        each.with_columns(account_id=pl.when(many).then(None).otherwise("account_id"))
        .unique(["account_id", "missing_field"])
        .group_by("account_id")
        .agg(pl.col("missing_field").sort().str.join(", "))
    )


def _not_evaluable(indicator: Indicator, named: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Rows of state `not_evaluable` for the accounts (or null) and fields of `named`."""
    rows = [
        {
            "finding_id": _digest(indicator.id, account_id or "", "not_evaluable", field.encode()),
            "account_id": account_id,
            "indicator_id": indicator.id,
            "typology": indicator.typology,
            "values": [],
            "sentence": f"{indicator.name}: not evaluable, because the data lacks: {field}.",
            "fact": f"not evaluable without {field}",
            "weight": indicator.weight,
            "role": indicator.role,
            "state": "not_evaluable",
            "missing_field": field,
        }
        for account_id, field in named.select("account_id", "missing_field")
        .sort(pl.all(), nulls_last=True)
        .iter_rows()
    ]
    return pl.DataFrame(rows, schema=FINDINGS_SCHEMA), pl.DataFrame(schema=EVIDENCE_SCHEMA)


def _found(
    indicator: Indicator, parameters: Any, outcome: Outcome, context: Context
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Merge overlapping windows, draw their evidence, and tell each account's finding once."""
    if not outcome.windows.height:
        return pl.DataFrame(schema=FINDINGS_SCHEMA), pl.DataFrame(schema=EVIDENCE_SCHEMA)
    spans = _peaks(indicator, outcome.windows)
    if indicator.level == "portfolio":
        return _portfolio(indicator, parameters, spans), pl.DataFrame(schema=EVIDENCE_SCHEMA)
    evidence = (
        outcome.rows.select("subject", "account", "booked_at", "row")
        .sort("subject", "booked_at")
        .join_asof(
            spans.select("subject", "span", "first_at", "last_at").sort("subject", "first_at"),
            left_on="booked_at",
            right_on="first_at",
            by="subject",
            strategy="backward",
            check_sortedness=False,
        )
        .filter(pl.col("booked_at") <= pl.col("last_at"))
    )
    content = _content(evidence, context)
    shared = (
        content.select("span", "account")
        .unique()
        .join(context.accounts.select("account", "account_id"), on="account")
        .join(spans, on="span")
        .sort("span", "account_id")
    )
    digests = _digests(content)
    places = _places(content, context)
    money = context.ledger.accounts["currency"].cast(pl.String)
    records = []
    for record in shared.iter_rows(named=True):
        span, account_id = record["span"], record["account_id"]
        record.setdefault("currency", money[record["account"]])
        values = [_value(value, record, parameters) for value in indicator.values]
        size, digest = digests[span]
        start, end = record["first_at"], record["last_at"]
        fact = _fact(indicator, parameters, values)
        records.append(
            {
                "finding_id": _digest(indicator.id, account_id, start.isoformat(), digest),
                "account_id": account_id,
                "indicator_id": indicator.id,
                "typology": indicator.typology,
                "window_start": start,
                "window_end": end,
                "values": values,
                "sentence": _sentence(indicator, parameters, fact, size, start, end, places.get(span, "")),
                "fact": fact,
                "weight": indicator.weight,
                "role": indicator.role,
                "state": "found",
                "missing_field": None,
                "span": span,
            }
        )
    frame = pl.DataFrame(records, schema={**FINDINGS_SCHEMA, "span": pl.UInt32})
    rows = (
        frame.select("finding_id", "span")
        .join(content.select("span", "row"), on="span")
        .select("finding_id", "row")
        .unique()
    )
    return frame.drop("span"), rows


def _portfolio(indicator: Indicator, parameters: Any, spans: pl.DataFrame) -> pl.DataFrame:
    """Findings about the whole data set: no account, no single rows of evidence."""
    records = []
    for record in spans.iter_rows(named=True):
        values = [_value(value, record, parameters) for value in indicator.values]
        fact = _fact(indicator, parameters, values).replace("{part}", record["part"])
        start, end = record["first_at"], record["last_at"]
        records.append(
            {
                "finding_id": _digest(
                    indicator.id, record["part"], start.isoformat(), end.isoformat().encode()
                ),
                "account_id": None,
                "indicator_id": indicator.id,
                "typology": indicator.typology,
                "window_start": start,
                "window_end": end,
                "values": values,
                "sentence": _sentence(indicator, parameters, fact, 0, start, end, ""),
                "fact": fact,
                "weight": indicator.weight,
                "role": indicator.role,
                "state": "found",
                "missing_field": None,
            }
        )
    return pl.DataFrame(records, schema=FINDINGS_SCHEMA)


def _peaks(indicator: Indicator, windows: pl.DataFrame) -> pl.DataFrame:
    """One row per merged span: its bounds, and the values of its most extreme window.

    The first declared value decides, then the others; of equal windows the earliest.
    """
    names = [value.name for value in indicator.values]
    descending = [value.operator not in ("<", "<=") for value in indicator.values]
    return (
        merge(windows)
        .sort("span", *names, "window_end", descending=[False, *descending, False], nulls_last=True)
        .group_by("span", maintain_order=True)
        .first()
    )


def _content(evidence: pl.DataFrame, context: Context) -> pl.DataFrame:
    """Evidence with what its rows say, in an order that does not depend on the order of the input rows.

    One row per (span, account, row), with city (null where unknown) and `said`, the leg's content as text.
    """
    legs, parties = context.ledger.legs, context.ledger.parties
    city = pl.col("city").cast(pl.String) if "city" in legs.columns else pl.lit(None, pl.String).alias("city")
    said = legs.lazy().select("account", "row", "is_credit", "amount_minor", "counterparty", city)
    content = (
        evidence.lazy()
        .join(said, on=["account", "row"], how="inner")
        .unique(["span", "account", "row", "is_credit"])
        .collect()
    )
    unknown = content["counterparty"] == int(NO_PARTY)
    named = parties.gather(content["counterparty"].set(unknown, 0)).set(unknown, None)
    return content.with_columns(
        said=pl.format(
            "{}|{}|{}|{}",
            pl.col("booked_at").cast(pl.Int64),
            "amount_minor",
            "is_credit",
            named.fill_null("").alias("party"),
        )
    ).sort("span", "booked_at", "said", "account", "row")


def _digests(content: pl.DataFrame) -> dict[int, tuple[int, bytes]]:
    """Per span: number of evidence rows, and a digest of what they say."""
    rows = content.unique(["span", "row"], keep="first", maintain_order=True)
    told = rows.group_by("span", maintain_order=True).agg(
        pl.len().alias("size"), pl.col("said").str.join("\n")
    )
    return {
        span: (size, hashlib.blake2b(said.encode(), digest_size=16).digest())
        for span, size, said in told.iter_rows()
    }


def _places(content: pl.DataFrame, context: Context) -> dict[int, str]:
    """Per span: the cities of its evidence, most frequent first; empty where the data has none."""
    cities = (
        content.filter(pl.col("city").is_not_null())
        .group_by("span", "city")
        .len()
        .sort("span", "len", "city", descending=[False, True, False])
        .group_by("span", maintain_order=True)
        .agg(pl.col("city").head(CITIES_NAMED), count=pl.len())
    )
    return {
        span: ", ".join(named) + (f" and {count - CITIES_NAMED} more" if count > CITIES_NAMED else "")
        for span, named, count in cities.iter_rows()
    }


def _digest(indicator_id: str, subject: str, start: str, evidence: bytes) -> str:
    """A finding's id: the same wherever and whenever the same rows show the same indicator."""
    key = "\x1f".join((indicator_id, subject, start)).encode()
    return hashlib.blake2b(key + b"\x1f" + evidence, digest_size=8).hexdigest()


def _value(value: Value, record: dict[str, Any], parameters: Any) -> dict[str, Any]:
    """One value of a finding against its bound; money in units of its currency, named without `_minor`."""
    number = record[value.name]
    operator: str = value.operator
    bound: Any = None
    if value.threshold == "reportable_from_minor":  # told as the law tells it: `> 10 000`, not `>= 10 000.01`
        bound = record["limit_minor"]
        if record["reportable_from_minor"] > bound:
            operator = {">=": ">", "<": "<="}[value.operator]
    elif value.threshold:
        bound = record[value.threshold] if value.threshold in record else getattr(parameters, value.threshold)
    unit: str = value.unit
    if value.unit == "money":
        unit = record["currency"]
        scale = 10 ** decimals_of(unit)
        number = None if number is None else number / scale
        bound = bound / scale if bound is not None and value.threshold in record else bound
    return {
        "name": value.name.removesuffix("_minor"),
        "value": None if number is None else float(number),
        "unit": unit,
        "threshold": None if bound is None else float(bound),
        "operator": operator,
    }


def _spoken(value: dict[str, Any]) -> str:
    """A value for people: `9,500.00 USD`, `92 %`, `3`."""
    number, unit = value["value"], value["unit"]
    if number is None:
        return "unknown"
    if unit in ("count", "days", "hours", "ratio", "score"):
        return f"{number:,.0f}" if number == int(number) else f"{number:,.1f}"
    if unit == "share":
        return f"{100 * number:.0f} %"
    if unit == "probability":
        return f"{number:.2g}"
    return f"{number:,.{min(decimals_of(unit), 8)}f} {unit}"


def _spoken_parameter(value: Any) -> str:
    if isinstance(value, tuple):
        return "/".join(str(item) for item in value)
    return f"{value:g}" if isinstance(value, float) else str(value)


def _fact(indicator: Indicator, parameters: Any, values: list[dict[str, Any]]) -> str:
    """The finding in a few words."""
    words = {name: _spoken_parameter(value) for name, value in dataclasses.asdict(parameters).items()}
    words |= {value["name"]: _spoken(value) for value in values}
    words |= {f"{value['name']}_bound": _spoken({**value, "value": value["threshold"]}) for value in values}
    return indicator.fact.format_map(words | {"part": "{part}"})


def _sentence(
    indicator: Indicator, parameters: Any, fact: str, size: int, start: datetime, end: datetime, places: str
) -> str:
    """The finding told in full: fact, rows, period, places, parameters, source, caution, role."""
    settings = ", ".join(
        f"{name}={_spoken_parameter(value)}" for name, value in dataclasses.asdict(parameters).items()
    )
    shown = f"{size:,} rows" if size else "all rows"
    period = (
        f"between {start:%Y-%m-%d} and {end:%Y-%m-%d}"
        if start.date() != end.date()
        else f"on {start:%Y-%m-%d}"
    )
    return (
        f"{fact[:1].upper()}{fact[1:]} ({shown} {period}{f'; {places}' if places else ''}); parameters "
        f"{settings}; "
        f"seen in {indicator.source}. Also common for {indicator.caution}. Role: {indicator.role_label}."
    )
