"""From the indicators' functions to findings: merging, ids, values, sentences."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from string import Formatter
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
import polars_hash as plh

from finpat.adverts.adverts import Adverts
from finpat.config import Settings
from finpat.errors import SettingsError, nearest
from finpat.indicators.base import Indicator, Outcome, Value, in_words
from finpat.indicators.context import NO_LEG, Context
from finpat.indicators.slices import LEGS_AT_ONCE
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
    notes: what was left out of the whole evaluation, a line each: caps and budgets that were reached.
    """

    findings: pl.DataFrame
    evidence: pl.DataFrame
    notes: tuple[str, ...] = ()


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
    indicators: Sequence[Indicator],
    ledger: Ledger,
    features: pl.DataFrame,
    settings: Settings,
    *,
    screening: bool = True,
    legs_at_once: int = LEGS_AT_ONCE,
    adverts: Adverts | None = None,
) -> Findings:
    """Run `indicators` over the ledger; those switched off are not run and leave no row.

    screening: leave out early the accounts that cannot be found; the findings are the same. legs_at_once:
    legs that are looked at together, about, by indicators that judge each person alone; the findings are the
    same. adverts: where any are loaded.

    Raises:
        SettingsError: a setting of an indicator, or a jurisdiction, cannot be used.
    """
    resolved = resolve(indicators, settings)
    whole = Context(
        ledger,
        features,
        settings,
        Thresholds.in_force(settings),
        lambda name: resolved[name][1],
        screening=screening,
        legs_at_once=legs_at_once,
        adverts=adverts,
    )
    judged = _Judged()
    able = []
    for indicator in indicators:
        if not resolved[indicator.id][0] or not ledger.account_count:
            continue
        missing = [name for name in indicator.needs if not whole.has(name)]
        if missing:
            named = pl.DataFrame({"account_id": [None], "missing_field": [", ".join(missing)]})
            judged.findings.append(_not_evaluable(indicator, named))
        else:
            able.append((indicator, resolved[indicator.id][1]))
    for indicator, parameters in able:
        if indicator.needs_all:
            judged.add(indicator, parameters, whole)
    for context in whole.slices() if ledger.account_count else ():
        for indicator, parameters in able:
            if not indicator.needs_all:
                judged.add(indicator, parameters, context)
    for indicator, _ in able:
        judged.name_unjudged(indicator, whole)
    return dataclasses.replace(judged.result(), notes=whole.notes)


class _Judged:
    """What has been found so far, and which accounts could not be judged."""

    def __init__(self) -> None:
        self.findings: list[pl.DataFrame] = []
        self.evidence: list[pl.DataFrame] = []
        self.unjudged: dict[str, list[pl.DataFrame]] = {}
        self.found: dict[str, list[pl.Series]] = {}

    def add(self, indicator: Indicator, parameters: Any, context: Context) -> None:
        """What an indicator finds in the whole data or in a slice of it."""
        outcome = indicator.find(context, parameters)
        outcome = dataclasses.replace(outcome, rows=context.in_whole(outcome.rows))
        frame, rows = _found(indicator, parameters, outcome, context.whole)
        if frame.height:
            self.findings.append(frame)
            self.evidence.append(rows)
            self.found.setdefault(indicator.id, []).append(frame["account_id"].unique())
        if outcome.unjudged is not None and outcome.unjudged.height:
            named = context.in_whole(outcome.unjudged.select("account", "missing_field").unique())
            self.unjudged.setdefault(indicator.id, []).append(named)

    def name_unjudged(self, indicator: Indicator, whole: Context) -> None:
        """Rows about the accounts that an indicator could not judge, of all slices together."""
        unjudged = self.unjudged.get(indicator.id)
        if not unjudged:
            return
        found = pl.concat([pl.Series("account_id", [], pl.String), *self.found.get(indicator.id, [])])
        named = _named(pl.concat(unjudged), whole)
        named = named.join(found.to_frame(), on="account_id", how="anti", nulls_equal=False)
        self.findings.append(_not_evaluable(indicator, named))

    def result(self) -> Findings:
        """Everything, in order."""
        return Findings(
            findings=pl.concat([pl.DataFrame(schema=FINDINGS_SCHEMA), *self.findings]).sort(
                "indicator_id", "account_id", "window_start", "finding_id", nulls_last=True
            ),
            evidence=pl.concat([pl.DataFrame(schema=EVIDENCE_SCHEMA), *self.evidence]).sort(
                "finding_id", "row"
            ),
        )


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


def _not_evaluable(indicator: Indicator, named: pl.DataFrame) -> pl.DataFrame:
    """Rows of state `not_evaluable` for the accounts (or null) and fields of `named`."""
    rows = [
        {
            "finding_id": _digest(indicator.id, account_id or "", 0, 0, field.encode()),
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
    return pl.DataFrame(rows, schema=FINDINGS_SCHEMA)


def _found(
    indicator: Indicator, parameters: Any, outcome: Outcome, context: Context
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Merge overlapping windows, draw their evidence, and tell each account's finding once."""
    if not outcome.windows.height:
        return pl.DataFrame(schema=FINDINGS_SCHEMA), pl.DataFrame(schema=EVIDENCE_SCHEMA)
    spans = _peaks(indicator, outcome.windows)
    if indicator.level == "portfolio":
        digest = pl.Series([b""] * spans.height, dtype=pl.Binary)
        spans = spans.with_columns(
            account_id=None, size=pl.lit(0), digest=digest, listed=pl.lit(0), places=pl.lit("")
        )
        return _findings(indicator, parameters, spans, spans["part"]), pl.DataFrame(schema=EVIDENCE_SCHEMA)
    roles = ["role"] if "role" in outcome.rows.columns else []
    evidence = (
        outcome.rows.select("subject", "account", "booked_at", "row", *roles)
        .join(spans.select("subject").unique(), on="subject", how="semi", maintain_order="left")
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
    codes = pl.col("currency").cast(pl.String)
    names = context.accounts.select("account", "account_id", account_currency=codes)
    shared = (
        content.filter(_is_new("span", "account"))
        .select("span", "account")
        .unique()
        .join(names, on="account")
        .join(spans, on="span")
        .join(_digests(content), on="span")
        .join(_places(content), on="span", how="left")
        .with_columns(pl.col("places").fill_null(""))
        .sort("span", "account_id")
    )
    if "currency" not in shared.columns:
        shared = shared.with_columns(currency="account_currency")
    shared = shared.with_columns(listed=pl.col("size").clip(upper_bound=indicator.rows_shown))
    if roles:
        each = evidence.group_by("span", "account").agg(pl.col("role").min())
        shared = shared.join(each, on=["span", "account"], how="left", maintain_order="left")
    frame = _findings(indicator, parameters, shared, shared["account_id"])
    # Two subjects may show an account the very same rows (a block that two complete at one instant).
    once = frame["finding_id"].is_first_distinct()
    frame, shared = frame.filter(once), shared.filter(once)
    rows = (
        shared.select("span")
        .with_columns(frame["finding_id"])
        .join(_listed(content, spans, indicator.rows_shown), on="span")
        .select("finding_id", "row")
    )
    return frame, rows


def _is_new(*columns: str) -> pl.Expr:
    """Whether a row differs from the one before: leaves little to do for `unique`."""
    return pl.any_horizontal(pl.col(name).ne_missing(pl.col(name).shift()) for name in columns)


def _listed(content: pl.DataFrame, spans: pl.DataFrame, most: int) -> pl.DataFrame:
    """span, row: the evidence rows that are kept, at most `most` of a span.

    Those of the most extreme window come first, then the others, each in order of time.
    """
    rows = content.filter("is_first").select("span", "row", "booked_at")
    size = pl.len().over("span")
    busy = rows.filter(size > most)
    if busy.is_empty():
        return rows.select("span", "row")
    # Spans are in order in both, so each row's window is found by the place of its span.
    ordered = spans.select("span", "window_start", "window_end").sort("span")
    window = ordered[np.searchsorted(ordered["span"].to_numpy(), busy["span"].to_numpy())]
    inside = pl.col("booked_at").is_between("window_start", "window_end")
    chosen = (
        busy.hstack(window.drop("span"))
        .sort("span", ~inside, "booked_at", "row")
        .filter(pl.int_range(pl.len()).over("span") < most)
    )
    return pl.concat([rows.filter(size <= most), chosen.select(rows.columns)]).select("span", "row")


def _findings(indicator: Indicator, parameters: Any, spans: pl.DataFrame, about: pl.Series) -> pl.DataFrame:
    """Rows of state `found`, one per row of `spans`.

    spans: account_id, first_at, last_at, size (evidence rows, 0: all), listed (how many of them are kept),
    digest (of what they say), places, role (where it is not the indicator's), and the columns of the
    indicator's values. about: what the id is made of besides: the account, or the part of the portfolio.
    """
    told = [_value(value, spans, parameters) for value in indicator.values]
    spoken = {value["name"]: _spoken_column(value, "value") for value in told}
    spoken |= {f"{value['name']}_bound": _spoken_column(value, "threshold") for value in told}
    if "part" in spans.columns:
        spoken["part"] = spans["part"]
    settings = {name: _spoken_parameter(value) for name, value in dataclasses.asdict(parameters).items()}
    fact = _filled(indicator.fact, settings, spoken)
    start, end = spans["first_at"], spans["last_at"]
    keys = zip(
        *(column.to_list() for column in (about, start.cast(pl.Int64), end.cast(pl.Int64), spans["digest"])),
        strict=True,
    )
    one_day, span = pl.format("on {}", "from"), pl.format("between {} and {}", "from", "to")
    period = pl.when(pl.col("from") == pl.col("to")).then(one_day).otherwise(span)
    place = pl.when(pl.col("places") == "").then(pl.lit("")).otherwise(pl.format("; {}", "places"))
    listed = ", ".join(f"{name}={value}" for name, value in settings.items())
    own = pl.repeat(indicator.role, spans.height, dtype=pl.String, eager=True)
    roles = spans["role"].fill_null(indicator.role) if "role" in spans.columns else own
    text = spans.select(
        "places",
        fact=fact,
        shown=pl.Series(["all rows" if not size else f"{size:,} rows" for size in spans["size"].to_list()]),
        cut=pl.when(pl.col("listed") < pl.col("size"))
        .then(pl.format(", {} of them listed", "listed"))
        .otherwise(pl.lit("")),
        **{"from": start.dt.strftime("%Y-%m-%d"), "to": end.dt.strftime("%Y-%m-%d")},
    )
    sentence = pl.concat_str(
        pl.col("fact").str.slice(0, 1).str.to_uppercase(),
        pl.col("fact").str.slice(1),
        pl.lit(" ("),
        "shown",
        pl.lit(" "),
        period,
        "cut",
        place,
        pl.lit(
            f"); parameters {listed}; seen in {indicator.source}. Also common for {indicator.caution}. Role: "
        ),
        roles.replace_strict({role: in_words(role) for role in roles.unique()}),
        pl.lit("."),
    )
    return (
        pl.DataFrame(
            {
                "finding_id": [_digest(indicator.id, *key) for key in keys],
                "account_id": spans["account_id"],
                "window_start": start,
                "window_end": end,
                "values": _structs(told),
                "sentence": text.select(sentence).to_series(),
                "fact": fact,
            }
        )
        .with_columns(
            indicator_id=pl.lit(indicator.id),
            typology=pl.lit(indicator.typology),
            weight=spans["weight"] if "weight" in spans.columns else pl.lit(indicator.weight),
            role=roles,
            state=pl.lit("found"),
            missing_field=pl.lit(None, pl.String),
        )
        .cast({"account_id": pl.String})
        .select(*FINDINGS_SCHEMA)
    )


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
    """Evidence with what its legs say: span, account, row, booked_at, city, is_first, said.

    One row per (span, row, debit or credit leg), sorted by them; is_first marks one of each (span, row); city
    is null where unknown; `said` is a hash of the leg's content, which does not depend on the order of the
    input.
    """
    table = context.ledger.legs
    owner = table["account"].to_numpy()
    span, account, row = (evidence[name].to_numpy() for name in ("span", "account", "row"))
    told = span.astype(np.uint64) << np.uint64(33) | row.astype(np.uint64) << np.uint64(1)
    keys = []
    for side, legs in enumerate(context.legs_of_rows):
        leg = legs[row]
        mine = np.flatnonzero(leg != NO_LEG)
        mine = mine[owner[leg[mine]] == account[mine]]
        keys.append(told[mine] | np.uint64(side))
    key = np.sort(np.concatenate(keys))  # np.unique hashes, which takes ten times as long
    key = key[np.diff(key, prepend=np.uint64(2**64 - 1)) != 0]
    row = (key >> np.uint64(1)).astype(np.uint32)
    debits, credits = context.legs_of_rows
    leg = np.where(key & np.uint64(1), credits[row], debits[row])
    content = table.select("account", "booked_at", "amount_minor", "counterparty")[leg]
    said = _mixed(
        content["booked_at"].cast(pl.Int64).to_numpy(),
        content["amount_minor"].to_numpy(),
        key & np.uint64(1),
        _party_hashes(content["counterparty"], context.ledger.parties),
    )
    known = "city" in table.columns
    told_by: pl.DataFrame = content.select(
        pl.Series("span", (key >> np.uint64(33)).astype(np.uint32)),
        "account",
        pl.Series("row", row),
        "booked_at",
        table["city"].gather(leg) if known else pl.lit(None, pl.Categorical).alias("city"),
        pl.Series("is_first", np.diff(key >> np.uint64(1), prepend=np.uint64(2**63)) != 0),
        pl.Series("said", said),
    )
    return told_by


def _party_hashes(codes: pl.Series, parties: pl.Series) -> npt.NDArray[np.uint64]:
    """A hash of each party's id, the same in every data set; 0 where unknown."""
    used = codes.unique().sort()
    used = used.filter(used != int(NO_PARTY))
    hashed = plh.col("party").nchash.xxhash64()
    known = pl.DataFrame({"party": parties.gather(used).cast(pl.String)}).select(hashed).to_series()
    place = np.searchsorted(used.to_numpy(), codes.to_numpy())
    return np.append(known.to_numpy(), np.uint64(0))[place]


def _mixed(*parts: npt.NDArray[Any]) -> npt.NDArray[np.uint64]:
    """64-bit hashes of rows of numbers: each part is mixed in by the finalizer of MurmurHash3."""
    mixed = np.zeros(len(parts[0]), np.uint64)
    for part in parts:
        mixed = mixed * np.uint64(0x9E3779B97F4A7C15) + part.astype(np.uint64)
        for factor in (0xFF51AFD7ED558CCD, 0xC4CEB9FE1A85EC53):
            mixed = (mixed ^ (mixed >> np.uint64(33))) * np.uint64(factor)
        mixed ^= mixed >> np.uint64(33)
    return mixed


def _digests(content: pl.DataFrame) -> pl.DataFrame:
    """Per span: size, the number of evidence rows; digest, bytes that change with what they say."""
    rows = content.filter("is_first")
    first = np.flatnonzero(rows["span"].ne_missing(rows["span"].shift()).to_numpy())
    size = np.diff(np.append(first, rows.height))
    total = np.add.reduceat(rows["said"].to_numpy(), first) if len(first) else np.empty(0, np.uint64)
    return pl.DataFrame(
        {
            "span": rows["span"].gather(first),
            "size": size,
            "digest": [value.to_bytes(8, "big") for value in total.tolist()],
        },
        schema_overrides={"size": pl.Int64, "digest": pl.Binary},
    )


def _places(content: pl.DataFrame) -> pl.DataFrame:
    """Per span: places, the cities of its evidence, most frequent first; spans without any are left out."""
    known = content.filter(pl.col("city").is_not_null())
    if known.is_empty():
        return pl.DataFrame(schema={"span": pl.UInt32, "places": pl.String})
    # Cities as places in their alphabet: what is counted and sorted below are numbers.
    names = known["city"].unique().cast(pl.String).sort()
    letter = known["city"].cast(pl.String).cast(pl.Enum(names)).to_physical().to_numpy().astype(np.uint64)
    key = np.sort(known["span"].to_numpy().astype(np.uint64) << np.uint64(32) | letter)
    first = np.flatnonzero(np.diff(key, prepend=~key[0]) != 0)
    count = np.diff(np.append(first, len(key)))
    span, letter = key[first] >> np.uint64(32), key[first] & np.uint64(0xFFFFFFFF)
    order = np.lexsort((letter, -count, span))
    span, letter = span[order], letter[order]
    begin = np.flatnonzero(np.diff(span, prepend=~span[0]) != 0)
    number = np.diff(np.append(begin, len(span)))
    kept = np.arange(len(span)) - np.repeat(begin, number) < CITIES_NAMED
    more = pl.col("count") - CITIES_NAMED
    return (
        pl.DataFrame({"span": span[kept].astype(np.uint32), "city": names.gather(letter[kept])})
        .group_by("span", maintain_order=True)
        .agg(pl.col("city").str.join(", "))
        .with_columns(pl.Series("count", number))
        .select(
            "span",
            places=pl.when(more > 0).then(pl.format("{} and {} more", "city", more)).otherwise("city"),
        )
    )


def _digest(indicator_id: str, about: str, start: int, end: int, evidence: bytes) -> str:
    """A finding's id: the same wherever and whenever the same rows show the same indicator."""
    key = f"{indicator_id}\x1f{about}\x1f{start}\x1f{end}\x1f".encode()
    return hashlib.blake2b(key + evidence, digest_size=8).hexdigest()


def _value(value: Value, spans: pl.DataFrame, parameters: Any) -> dict[str, Any]:
    """One value of the findings against its bound, as columns; money in units of its currency.

    Returns name (without `_minor`), value, unit, threshold and operator; the last three may be one for all.
    """
    number = spans[value.name].cast(pl.Float64)
    operator: Any = pl.repeat(value.operator, spans.height, dtype=pl.String, eager=True)
    if value.threshold == "reportable_from_minor":  # told as the law tells it: `> 10 000`, not `>= 10 000.01`
        bound = spans["limit_minor"].cast(pl.Float64)
        exclusive = spans["reportable_from_minor"] > spans["limit_minor"]
        outside = pl.repeat({">=": ">", "<": "<="}[value.operator], spans.height, dtype=pl.String, eager=True)
        operator = outside.zip_with(exclusive, operator)
    elif value.threshold in spans.columns:
        bound = spans[value.threshold].cast(pl.Float64)
    else:
        fixed = float(getattr(parameters, value.threshold)) if value.threshold else None
        bound = pl.repeat(fixed, spans.height, dtype=pl.Float64, eager=True)
    unit = pl.repeat(value.unit, spans.height, dtype=pl.String, eager=True)
    if value.unit == "money":
        unit = spans["currency"].cast(pl.String)
        units = {code: 10.0 ** decimals_of(code) for code in unit.unique()}
        scale = pl.Series([units[code] for code in unit.to_list()], dtype=pl.Float64)
        number = number / scale
        bound = bound / scale if value.threshold in spans.columns else bound
    name = value.name.removesuffix("_minor")
    return {"name": name, "value": number, "unit": unit, "threshold": bound, "operator": operator}


def _structs(told: list[dict[str, Any]]) -> pl.Series:
    """The values of each finding as a list of structs."""
    structs = [pl.DataFrame(value).to_struct() for value in told]
    frame = pl.DataFrame({str(place): struct for place, struct in enumerate(structs)})
    return frame.select(pl.concat_list(pl.all())).to_series().cast(VALUES_DTYPE)


def _spoken_column(value: dict[str, Any], field: str) -> pl.Series:
    """A column of values for people; each number is put into words once."""
    words: dict[tuple[float | None, str], str] = {}
    spoken = []
    for key in zip(value[field].to_list(), value["unit"].to_list(), strict=True):
        if key not in words:
            words[key] = _spoken(*key)
        spoken.append(words[key])
    return pl.Series(spoken, dtype=pl.String)


def _spoken(number: float | None, unit: str) -> str:
    """A value for people: `9,500.00 USD`, `92 %`, `3`."""
    if number is None:
        return "unknown"
    if unit in ("count", "days", "hours", "ratio", "score"):
        return f"{number:,.0f}" if number == int(number) else f"{number:,.1f}"
    if unit == "km":
        return f"{number:,.0f} km"
    if unit == "share":
        return f"{100 * number:.0f} %"
    if unit == "probability":
        return f"{number:.2g}"
    return f"{number:,.{min(decimals_of(unit), 8)}f} {unit}"


def _spoken_parameter(value: Any) -> str:
    if isinstance(value, tuple):
        return "/".join(str(item) for item in value)
    return f"{value:g}" if isinstance(value, float) else str(value)


_ONE_OF_MANY = r"(^|\s)1 (hour|day|week|month)s\b"  # "on 1 days" reads "on 1 day"


def _filled(template: str, settings: dict[str, str], spoken: dict[str, pl.Series]) -> pl.Series:
    """The template with every `{name}` replaced: a setting by its one value, a column row by row."""
    parts: list[pl.Expr] = []
    for literal, name, _, _ in Formatter().parse(template):
        parts.append(pl.lit(literal))
        if name is not None:
            parts.append(pl.lit(spoken[name]) if name in spoken else pl.lit(settings[name]))
    height = max((len(column) for column in spoken.values()), default=1)
    text = pl.concat_str(pl.col(""), *parts).str.replace_all(_ONE_OF_MANY, "${1}1 ${2}")
    return pl.repeat("", height, eager=True).to_frame("").select(text).to_series()
