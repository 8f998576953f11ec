"""What the page of one account asks: its time, its hours, its other sides, its places, its peers.

Answers are summed where they are kept, so that an account of years costs a page no more than one of days.
Only rows that took effect are summed (`schemas.NOT_EFFECTIVE` are told, not added). Amounts are of one
currency; rows in others are counted beside. Days are those of the run's reporting zone.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from math import ceil
from typing import Any, Literal, NamedTuple

import polars as pl

from finpat.money import decimals_of
from finpat.places import coordinates_of, zone_of
from finpat.readmodel.api import ReadModel
from finpat.readmodel.rows import Listing, Rows, Wanted
from finpat.schemas import CASH, NOT_EFFECTIVE
from finpat.vocabulary import load_vocabulary, of_kind

Step = Literal["day", "week", "month"]
# The longest range that is drawn by days and by weeks, in days: some 150 bars are what a screen can show.
DRAWN_BY: tuple[tuple[int, Step], ...] = ((150, "day"), (3 * 365, "week"))
NEW_DAYS = 30  # a counterparty first seen within so many days before the run's as-of instant is new
MARKED = ("lodging", "advert")  # what is marked on the timeline
# Beyond so many different texts an account is a business; its marks would be one bar, and cost seconds.
MARKED_TEXTS = 20_000
LANES = 10  # indicators whose windows are drawn under the timeline
CONTRIBUTIONS_SHOWN = 8  # features of one detector that are told
PROTECTED = "(protected: not shown)"
BINS = 40

_TOOK_EFFECT = (
    "coalesce(lower(trim(status)), 'booked') NOT IN ("
    + ", ".join(f"'{word}'" for word in NOT_EFFECTIVE)
    + ")"
)
_LOCAL = "timezone($zone, timezone('UTC', booked_at))"
_OWN = f"FROM rm.transactions WHERE account_id = $account_id AND {_TOOK_EFFECT}"


class Timeline(NamedTuple):
    """An account's money over a range of days, bar by bar.

    frame: period (first day), amount_in, amount_out, cash_in, cash_out, count_in, count_out, balance (the
    last one told in the period, null where none is); periods without a row are left out. elsewhere: rows of
    the range in other currencies. not_effective: rows that moved no money.
    """

    step: Step
    first: date
    last: date
    currency: str | None
    frame: pl.DataFrame
    elsewhere: int
    not_effective: int


def reporting_zone(model: ReadModel) -> str:
    """The zone in which the run's days begin."""
    return str(model.manifest()["settings"].get("reporting_zone", "UTC"))


def step_for(first: date, last: date) -> Step:
    """How a range is summed so that a screen can show it."""
    days = (last - first).days
    return next((step for most, step in DRAWN_BY if days <= most), "month")


def timeline(
    model: ReadModel, account_id: str, first: date | None = None, last: date | None = None
) -> Timeline | None:
    """The account's money from `first` to `last` (both included); all of it where they are not given.

    None where the account has no row.
    """
    zone = reporting_zone(model)
    whole = model.one(
        f"SELECT min({_LOCAL})::DATE AS first, max({_LOCAL})::DATE AS last, mode(currency) AS currency "
        "FROM rm.transactions WHERE account_id = $account_id",
        account_id=account_id,
        zone=zone,
    )
    if whole is None or whole["first"] is None:
        return None
    account = model.one(
        "SELECT currency FROM rm.accounts WHERE account_id = $account_id", account_id=account_id
    )
    currency = (account or {}).get("currency") or whole["currency"]
    begin, end = first or whole["first"], last or whole["last"]
    step = step_for(begin, end)
    bounds = {"account_id": account_id, "zone": zone, "first": begin, "last": end}
    own = f"AND {_LOCAL}::DATE BETWEEN $first AND $last"
    sums = ", ".join(
        f"coalesce(sum(amount) FILTER (direction = '{direction}'{only}), 0)::DOUBLE AS {name}"
        for name, direction, only in (
            ("amount_in", "credit", ""),
            ("amount_out", "debit", ""),
            ("cash_in", "credit", " AND channel IN ('cash', 'atm')"),
            ("cash_out", "debit", " AND channel IN ('cash', 'atm')"),
        )
    )
    frame = model.ask(
        f"SELECT date_trunc('{step}', {_LOCAL})::DATE AS period, {sums}, "
        "count(*) FILTER (direction = 'credit') AS count_in, "
        "count(*) FILTER (direction = 'debit') AS count_out, "
        "arg_max(balance_after, (booked_at, source_line)) FILTER (balance_after IS NOT NULL)::DOUBLE "
        f"AS balance {_OWN} {own} AND currency = $currency GROUP BY 1 ORDER BY 1",
        currency=currency,
        **bounds,
    )
    beside = model.one(
        f"SELECT count(*) FILTER ({_TOOK_EFFECT} AND currency != $currency) AS elsewhere, "
        f"count(*) FILTER (NOT {_TOOK_EFFECT}) AS not_effective "
        f"FROM rm.transactions WHERE account_id = $account_id {own}",
        currency=currency,
        **bounds,
    )
    counted = beside or {"elsewhere": 0, "not_effective": 0}
    return Timeline(step, begin, end, currency, frame, counted["elsewhere"], counted["not_effective"])


def lanes(model: ReadModel, account_id: str) -> list[tuple[str, datetime, datetime]]:
    """What lasted: the life of the account, the time it was seen, and the windows of its findings.

    Title, first and last instant; of findings the LANES strongest indicators, the weakest last.
    """
    account = model.one(
        "SELECT opened_on::TIMESTAMP AS opened, closed_on::TIMESTAMP AS closed, first_seen, last_seen "
        "FROM rm.accounts WHERE account_id = $account_id",
        account_id=account_id,
    )
    drawn: list[tuple[str, datetime, datetime]] = []
    if account and account["opened"]:
        drawn.append(("Account open", account["opened"], account["closed"] or _as_of(model)))
    if account and account["first_seen"]:
        drawn.append(("Account seen", account["first_seen"], account["last_seen"]))
    found = findings(model, account_id).filter(pl.col("window_start").is_not_null())
    kept = found["indicator_id"].unique(maintain_order=True).head(LANES)
    windows = found.filter(pl.col("indicator_id").is_in(kept.implode()))
    drawn += windows.select("indicator_id", "window_start", "window_end").rows()
    return drawn


def cities(cells: pl.DataFrame) -> pl.DataFrame:
    """The cities of `days_in_cities`, those of most days first: city, country, days, count, first, last."""
    return (
        cells.group_by("city", "country")
        .agg(days=pl.len(), count=pl.col("count").sum(), first=pl.col("day").min(), last=pl.col("day").max())
        .sort("days", "city", "country", descending=[True, False, False])
    )


def marked_days(model: ReadModel, account_id: str) -> pl.DataFrame:
    """Days on which the account paid for lodging or adverts: day, kind, count, amount, currency.

    Empty where the account has too many different texts to be read (MARKED_TEXTS).
    """
    texts = model.ask(
        "SELECT merchant_category, counterparty_name, description, count(*) AS n "
        f"{_OWN} AND direction = 'debit' GROUP BY ALL LIMIT {MARKED_TEXTS + 1}",
        account_id=account_id,
    )
    empty = pl.DataFrame(
        schema={"day": pl.Date, "kind": pl.String, "count": pl.Int64, "amount": pl.Float64,
                "currency": pl.String}
    )  # fmt: skip
    if not 0 < texts.height <= MARKED_TEXTS:
        return empty
    words = ["merchant_category", "counterparty_name", "description"]
    judged = texts.with_columns(kinds=_kinds_of(model, texts))
    chosen = [
        judged.filter(of_kind(kind)).select(*words, kind=pl.lit(kind))
        for kind in MARKED
    ]  # fmt: skip
    wanted = pl.concat(chosen)
    if not wanted.height:
        return empty
    return model.ask(
        "WITH wanted AS (SELECT unnest($wanted, recursive := true)) "
        f"SELECT {_LOCAL}::DATE AS day, w.kind, count(*) AS count, sum(amount)::DOUBLE AS amount, currency "
        "FROM rm.transactions t JOIN wanted w "
        "ON t.merchant_category IS NOT DISTINCT FROM w.merchant_category "
        "AND t.counterparty_name IS NOT DISTINCT FROM w.counterparty_name "
        "AND t.description IS NOT DISTINCT FROM w.description "
        f"WHERE account_id = $account_id AND direction = 'debit' AND {_TOOK_EFFECT} "
        "GROUP BY ALL ORDER BY day, w.kind, currency",
        account_id=account_id,
        zone=reporting_zone(model),
        wanted=wanted.to_dicts(),
    )


def _kinds_of(model: ReadModel, frame: pl.DataFrame) -> pl.Series:
    own = model.manifest()["settings"].get("dictionaries") or {}
    vocabulary = load_vocabulary(own)
    return vocabulary.kinds_of(frame["merchant_category"], [frame["counterparty_name"], frame["description"]])


class Hours(NamedTuple):
    """Rows by hour of the week.

    frame: weekday (1 Monday to 7), hour (0 to 23), count_in, count_out; hours without a row are left out.
    placed: rows drawn. unplaced: rows whose place, and so whose clock, is not known. dateless: rows that
    have a day only. zone: None where each row is on the clock of its own place.
    """

    frame: pl.DataFrame
    placed: int
    unplaced: int
    dateless: int
    zone: str | None


def hours(model: ReadModel, account_id: str, *, at_the_place: bool = True) -> Hours:
    """When in the week the account is used: on the clock of the place, or of the reporting zone."""
    reporting = reporting_zone(model)
    places = model.ask(
        f"SELECT country, city, count(*) AS n {_OWN} AND time_precision != 'day' GROUP BY ALL",
        account_id=account_id,
    ).with_columns(zone=zone_of(pl.col("country"), pl.col("city")))
    if not at_the_place:
        places = places.with_columns(zone=pl.lit(reporting))
    known = places.filter(pl.col("zone").is_not_null())
    frame = pl.DataFrame(
        schema={"weekday": pl.Int64, "hour": pl.Int64, "count_in": pl.Int64, "count_out": pl.Int64}
    )
    if known.height:
        frame = model.ask(
            "WITH places AS (SELECT unnest($places, recursive := true)), local AS ("
            "SELECT direction, timezone(p.zone, timezone('UTC', t.booked_at)) AS local_at "
            "FROM rm.transactions t JOIN places p ON t.country IS NOT DISTINCT FROM p.country "
            "AND t.city IS NOT DISTINCT FROM p.city "
            f"WHERE account_id = $account_id AND time_precision != 'day' AND {_TOOK_EFFECT}) "
            "SELECT isodow(local_at) AS weekday, hour(local_at) AS hour, "
            "count(*) FILTER (direction = 'credit') AS count_in, "
            "count(*) FILTER (direction = 'debit') AS count_out FROM local GROUP BY ALL ORDER BY ALL",
            account_id=account_id,
            places=known.select("country", "city", "zone").to_dicts(),
        )
    dateless = model.one(f"SELECT count(*) AS n {_OWN} AND time_precision = 'day'", account_id=account_id)
    placed = int(known["n"].sum())
    return Hours(
        frame,
        placed,
        int(places["n"].sum()) - placed,
        int(dateless["n"]) if dateless else 0,
        None if at_the_place else reporting,
    )


_COUNTERPARTIES = f"""
SELECT coalesce(t.counterparty_id, t.counterparty_name, 'unknown, by ' || channel) AS counterparty,
    any_value(t.counterparty_name) AS name, any_value(t.merchant_category) AS merchant_category,
    string_agg(DISTINCT channel, ';' ORDER BY channel) AS channels,
    count(*) FILTER (direction = 'credit') AS count_in,
    coalesce(sum(amount) FILTER (direction = 'credit'), 0)::DECIMAL(28, 8) AS amount_in,
    count(*) FILTER (direction = 'debit') AS count_out,
    coalesce(sum(amount) FILTER (direction = 'debit'), 0)::DECIMAL(28, 8) AS amount_out,
    t.currency, min(booked_at) AS first_at, max(booked_at) AS last_at,
    CASE WHEN min(booked_at) > $new_since THEN 'new' END AS news,
    any_value(f.band) AS band, any_value(f.score) AS score,
    any_value(f.account_id) AS held
FROM rm.transactions t LEFT JOIN rm.flagged_accounts f ON f.account_id = t.counterparty_id
WHERE t.account_id = $account_id AND {_TOOK_EFFECT.replace("status", "t.status")}
GROUP BY counterparty, t.currency"""
COUNTERPARTIES = Listing(
    _COUNTERPARTIES,
    {
        "counterparty": "text", "channels": "text", "count_in": "number",
        "amount_in": "number", "count_out": "number", "amount_out": "number", "currency": "text",
        "first_at": "instant", "last_at": "instant", "news": "text", "band": "text", "score": "number",
    },
    ("counterparty", "currency"),
    (("amount_in", True), ("amount_out", True)),
    sums=True,
)  # fmt: skip


def counterparties(model: ReadModel, account_id: str, wanted: Wanted) -> Rows:
    """The account's other sides, one row each and currency, those who paid in most first.

    `news` is `new` where the first payment with it lies within NEW_DAYS before the run's as-of instant;
    `held`, `band` and `score` are filled where it is an account of the institution.
    """
    since = _as_of(model) - timedelta(days=NEW_DAYS)
    frame, total = COUNTERPARTIES.rows(model, wanted, account_id=account_id, new_since=since)
    shown = frame.rename({"name": "counterparty_name"}).with_columns(description=pl.lit(None, pl.String))
    hidden = _without_protected(model, shown, "counterparty", "counterparty_name")
    return Rows(hidden.drop("description"), total)


TRANSACTIONS = Listing(
    "SELECT booked_at, time_precision, transaction_id, direction, amount, currency, counterparty_id, "
    "counterparty_name, channel, merchant_category, description, city, country, status, balance_after, "
    "device_id, branch_id, conductor_id, mirrored, source_file, source_line "
    "FROM rm.transactions WHERE account_id = $account_id",
    {
        "booked_at": "instant", "transaction_id": "text", "direction": "text", "amount": "number",
        "currency": "text", "counterparty_id": "text", "channel": "text", "merchant_category": "text",
        "city": "text", "country": "text", "status": "text", "balance_after": "number", "device_id": "text",
        "branch_id": "text", "source_file": "text", "source_line": "number",
    },
    ("booked_at", "transaction_id", "direction"),
    (("booked_at", True), ("transaction_id", True), ("direction", True)),
)  # fmt: skip


def transactions(model: ReadModel, account_id: str, wanted: Wanted) -> Rows:
    """The account's rows, newest first where no order is asked for; also those that moved no money."""
    frame, total = TRANSACTIONS.rows(model, wanted, account_id=account_id)
    return Rows(
        _without_protected(model, frame, "counterparty_id", "counterparty_name", "description"), total
    )


def _without_protected(model: ReadModel, frame: pl.DataFrame, *columns: str) -> pl.DataFrame:
    """Rows to shelters, legal aid and the like keep amount and day, and lose who it was."""
    protected = of_kind("protected")
    return (
        frame.with_columns(kinds=_kinds_of(model, frame))
        .with_columns(
            pl.when(protected).then(pl.lit(PROTECTED)).otherwise(name).alias(name) for name in columns
        )
        .drop("kinds")
    )


def evidence_of_finding(model: ReadModel, finding_id: str) -> pl.DataFrame:
    """The rows behind one finding, in order of time: transactions and, masked, adverts.

    position, source_file, source_line, and of a transaction: booked_at, time_precision, transaction_id,
    account_id, direction, amount, currency, counterparty_id, counterparty_name, channel, city, description,
    merchant_category; of an advert: ad_id, booked_at (when it was posted), channel (`advert`), city,
    counterparty_id (the platform).
    """
    frame = model.ask(
        "SELECT e.position, e.ad_id, e.source_file, e.source_line, "
        "coalesce(t.booked_at, a.posted_at) AS booked_at, "
        "t.time_precision, e.transaction_id, e.account_id, e.direction, t.amount, t.currency, "
        "coalesce(t.counterparty_id, a.platform) AS counterparty_id, t.counterparty_name, "
        "CASE WHEN e.ad_id IS NOT NULL THEN 'advert' ELSE t.channel END AS channel, "
        "coalesce(t.city, a.city) AS city, t.description, t.merchant_category FROM rm.finding_evidence e "
        "LEFT JOIN rm.transactions t ON t.account_id = e.account_id "
        "AND t.transaction_id = e.transaction_id AND t.direction = e.direction "
        "LEFT JOIN rm.ads a ON a.ad_id = e.ad_id WHERE e.finding_id = $finding_id ORDER BY e.position",
        finding_id=finding_id,
    )
    return _without_protected(model, frame, "counterparty_id", "counterparty_name", "description")


def findings(model: ReadModel, account_id: str) -> pl.DataFrame:
    """What was found on the account, the strongest indicator first, with what its card says.

    The columns of rm.findings, and of the card: name, definition, source, also_common_for,
    measured_precision; place (1 for the latest window of its indicator) and of (how many it has).
    """
    return model.ask(
        "SELECT f.*, i.name, i.definition, i.source, i.also_common_for, i.measured_precision, "
        "row_number() OVER (PARTITION BY f.indicator_id ORDER BY f.window_end DESC, f.finding_id) AS place, "
        'count(*) OVER (PARTITION BY f.indicator_id) AS "of", '
        "min(list_position(['strong', 'medium', 'weak'], f.weight)) "
        "OVER (PARTITION BY f.indicator_id) AS _weight "
        "FROM rm.findings f LEFT JOIN rm.indicators i USING (indicator_id) "
        "WHERE f.account_id = $account_id AND f.state = 'found' "
        "ORDER BY _weight, NOT starts_with(f.indicator_id, 'HT-'), f.indicator_id, place",
        account_id=account_id,
    ).drop("_weight")


def unjudged(model: ReadModel, account_id: str) -> pl.DataFrame:
    """What could not be judged: indicator_id, name, missing_field, whole (whether of all data)."""
    return model.ask(
        "SELECT f.indicator_id, i.name, f.missing_field, f.account_id IS NULL AS whole FROM rm.findings f "
        "LEFT JOIN rm.indicators i USING (indicator_id) WHERE f.state = 'not_evaluable' "
        "AND (f.account_id = $account_id OR f.account_id IS NULL) ORDER BY whole, f.indicator_id",
        account_id=account_id,
    )


def finding(model: ReadModel, finding_id: str) -> dict[str, Any] | None:
    """One finding with its indicator's card; None where there is none of that name."""
    return model.one(
        "SELECT f.*, i.name, i.source, i.also_common_for, i.measured_precision FROM rm.findings f "
        "LEFT JOIN rm.indicators i USING (indicator_id) WHERE f.finding_id = $finding_id",
        finding_id=finding_id,
    )


def others_with(model: ReadModel, indicator_id: str, value_name: str) -> pl.DataFrame:
    """One number of an indicator over all accounts on which it was found: account_id, value (the highest)."""
    return model.ask(
        'WITH each AS (SELECT account_id, unnest("values") AS v FROM rm.findings '
        "WHERE indicator_id = $indicator_id AND state = 'found' AND account_id IS NOT NULL) "
        "SELECT account_id, max(v.value) AS value FROM each WHERE v.name = $name AND v.value IS NOT NULL "
        "GROUP BY account_id ORDER BY account_id",
        indicator_id=indicator_id,
        name=value_name,
    )


class Peers(NamedTuple):
    """One feature of an account among all accounts.

    histogram: low, high, count of equal bins up to the 99.5th percentile; `beyond` are above them. value,
    median: in the feature's unit, money in whole units. share_below: of the accounts that have the feature,
    0 to 1. known: how many have it.
    """

    feature: str
    doc: str
    kind: str
    histogram: pl.DataFrame
    beyond: int
    value: float | None
    median: float | None
    share_below: float | None
    known: int


def peers_of(model: ReadModel, account_id: str, feature: str) -> Peers | None:
    """How all accounts stand in one feature, and this one among them; None where there is no such feature."""
    declared = model.one("SELECT doc, kind FROM rm.features WHERE feature = $feature", feature=feature)
    if declared is None:
        return None
    doc, kind = declared["doc"], declared["kind"]
    column = f'"{feature}"'
    unit = _unit_of(model, account_id) if kind == "money" else 1.0
    known = model.ask(
        f"SELECT account_id, {column}::DOUBLE / {unit!r} AS value FROM rm.account_features "
        f"WHERE {column} IS NOT NULL"
    )
    values = known["value"]
    own = known.filter(pl.col("account_id") == account_id)["value"]
    value = float(own[0]) if own.len() else None
    if not values.len():
        empty = pl.DataFrame(schema={"low": pl.Float64, "high": pl.Float64, "count": pl.Int64})
        return Peers(feature, doc, kind, empty, 0, value, None, None, 0)
    low, most = float(values.min() or 0), float(values.quantile(0.995) or 0)  # type: ignore[arg-type]
    width = (most - low) / BINS or 1.0
    if kind == "count":  # a bin holds whole numbers
        width = float(ceil(width))
    inside = values.filter(values <= low + BINS * width)
    binned = (
        inside.to_frame("value")
        .select(bin=((pl.col("value") - low) / width).floor().clip(0, BINS - 1).cast(pl.Int64))
        .group_by("bin")
        .agg(count=pl.len().cast(pl.Int64))
        .sort("bin")
        .select(low=low + pl.col("bin") * width, high=low + (pl.col("bin") + 1) * width, count="count")
    )
    below = None if value is None else int((values < value).sum()) / values.len()
    median = float(values.median() or 0)  # type: ignore[arg-type]
    return Peers(feature, doc, kind, binned, values.len() - inside.len(), value, median, below, values.len())


def contributions(model: ReadModel, account_id: str) -> pl.DataFrame:
    """What made the anomaly score, the largest share of each detector first, with what each feature says.

    detector, feature, doc, kind, value, peer_median, peer_spread, direction, share, place (1 for the largest
    share of its detector); money in whole units.
    """
    unit = _unit_of(model, account_id)
    in_units = ", ".join(
        f"CASE WHEN d.kind = 'money' THEN c.{name} / $unit ELSE c.{name} END AS {name}"
        for name in ("value", "peer_median", "peer_spread")
    )
    return model.ask(
        f"SELECT c.detector, c.feature, d.doc, d.kind, {in_units}, c.direction, c.share, "
        "row_number() OVER (PARTITION BY c.detector ORDER BY c.share DESC, c.feature) AS place "
        "FROM rm.anomaly_contributions c LEFT JOIN rm.features d USING (feature) "
        "WHERE c.account_id = $account_id ORDER BY c.detector, place",
        account_id=account_id,
        unit=unit,
    )


def _unit_of(model: ReadModel, account_id: str) -> float:
    """Minor units of one unit of the account's currency."""
    row = model.one("SELECT currency FROM rm.accounts WHERE account_id = $account_id", account_id=account_id)
    return float(10 ** decimals_of(row["currency"])) if row and row["currency"] else 1.0


def days_in_cities(model: ReadModel, account_id: str) -> pl.DataFrame:
    """Where the account's cards were used and cash was drawn or paid in: one row per local day and city.

    day, city, country, count, first_at, channels (joined by `;`), latitude, longitude (null where the city is
    not clear). Money that others send says where they are, and is left out.
    """
    places = model.ask(
        f"SELECT country, city, count(*) AS n {_OWN} AND city IS NOT NULL GROUP BY ALL", account_id=account_id
    )
    if not places.height:
        return pl.DataFrame(
            schema={"day": pl.Date, "city": pl.String, "country": pl.String, "count": pl.Int64,
                    "first_at": pl.Datetime("us"), "channels": pl.String, "latitude": pl.Float32,
                    "longitude": pl.Float32}
        )  # fmt: skip
    reporting = reporting_zone(model)
    zoned = places.with_columns(zone=zone_of(pl.col("country"), pl.col("city")).fill_null(reporting))
    cells = model.ask(
        "WITH places AS (SELECT unnest($places, recursive := true)) "
        "SELECT timezone(p.zone, timezone('UTC', t.booked_at))::DATE AS day, t.city, t.country, "
        "count(*) AS count, min(booked_at) AS first_at, "
        "string_agg(DISTINCT channel, ';' ORDER BY channel) AS channels "
        "FROM rm.transactions t JOIN places p ON t.country IS NOT DISTINCT FROM p.country "
        "AND t.city IS NOT DISTINCT FROM p.city WHERE account_id = $account_id "
        "AND (channel IN ('cash', 'atm') OR (channel = 'card' AND direction = 'debit')) "
        f"AND {_TOOK_EFFECT} GROUP BY ALL ORDER BY day, first_at, city, country",
        account_id=account_id,
        places=zoned.select("country", "city", "zone").to_dicts(),
    )
    at = coordinates_of(pl.col("country"), pl.col("city"))
    return cells.with_columns(at.struct.field("latitude"), at.struct.field("longitude"))


def further_columns(model: ReadModel, account_id: str) -> pl.DataFrame:
    """What the bank's further columns hold: name, rows with a value, distinct_values, commonest."""
    return model.ask(
        "WITH each AS (SELECT e.key AS name, e.value ->> '$' AS value "
        "FROM rm.transactions t, json_each(t.extra) e "
        "WHERE t.account_id = $account_id AND t.extra IS NOT NULL), "
        "counted AS (SELECT name, value, count(*) AS n FROM each WHERE value IS NOT NULL GROUP BY ALL) "
        "SELECT name, sum(n)::BIGINT AS rows, count(*) AS distinct_values, "
        "list({'value': value, 'count': n} ORDER BY n DESC, value)[:5] AS commonest "
        "FROM counted GROUP BY name ORDER BY name",
        account_id=account_id,
    )


def ad_payments_of(model: ReadModel, account_id: str) -> pl.DataFrame:
    """What platforms say that the account paid for adverts, newest first; payers' contacts are masked."""
    return model.ask(
        "SELECT * FROM rm.ad_payments WHERE account_id = $account_id ORDER BY paid_at DESC, payment_id",
        account_id=account_id,
    )


def cash_and_unknown(model: ReadModel, account_id: str) -> dict[str, Any]:
    """How many of the account's rows are cash, and of how many the other side is not known."""
    row = model.one(
        "SELECT count(*) AS rows, "
        "count(*) FILTER (channel IN ('cash', 'atm') OR counterparty_id = $cash) AS cash, "
        f"count(*) FILTER (counterparty_id IS NULL AND counterparty_name IS NULL) AS unknown {_OWN}",
        account_id=account_id,
        cash=CASH,
    )
    return row or {"rows": 0, "cash": 0, "unknown": 0}


def places_in(models: Sequence[ReadModel], account_id: str) -> pl.DataFrame:
    """The account's place in several runs: run_id, as_of, rank, of, score, band, possible_role, indicators.

    A run that does not know the account has no row.
    """
    rows = []
    for model in models:
        row = model.one(
            "SELECT r.run_id, r.as_of, r.account_count AS of, r.data_fingerprint, r.settings_hash, f.rank, "
            "f.score, f.band, f.possible_role, f.indicators FROM rm.flagged_accounts f, rm.runs r "
            "WHERE f.account_id = $account_id",
            account_id=account_id,
        )
        if row is not None:
            rows.append(row)
    return pl.DataFrame(rows, infer_schema_length=None)


def _as_of(model: ReadModel) -> datetime:
    return datetime.fromisoformat(model.manifest()["as_of"])
