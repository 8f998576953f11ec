"""Adverts and who pays for them (HT-ADS): what only adverts and payments together tell.

An advert is an account's where the platform says that the account paid for it, or where its payments are
consistent with having paid for its cluster (adverts/link.py) and this one is matched; only payments that
the account's statement shows count, since they are the evidence. Windows belong to the person who pays, and
follow the payments; where a telephone number or a text is looked at, everybody who pays for it gets the
finding. Contact values are compared and never shown.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from finpat.adverts.adverts import Adverts
from finpat.adverts.normalise import phone_keys, phone_zones
from finpat.indicators.base import Indicator, Outcome, Value, parameter
from finpat.indicators.context import IS_CREDIT, Context, days, hours
from finpat.indicators.structuring import EVIDENCE
from finpat.indicators.tallies import tally
from finpat.places import distance_km, located, normalised, zone_of
from finpat.vocabulary import of_kind

KDD17 = "Portnoff et al., Backpage and Bitcoin, KDD 2017"
PROTECT = "FINTRAC Project Protect indicators"
AD_COLUMNS = ("city", "country", "platform", "posted_at", "text_cluster", "cluster", "is_hidden", "is_job",
              "is_service")  # fmt: skip
ROOM_KM = 50.0  # of one city and its surroundings, which takes no travel


def _adverts(context: Context) -> Adverts:
    assert context.whole.adverts is not None, "an indicator that needs adverts is not called without"
    return context.whole.adverts


def paid_adverts(context: Context) -> pl.DataFrame:
    """Adverts that persons pay for, by the payment: EVIDENCE columns, ad, phone, and AD_COLUMNS.

    subject is the person; phone the first number of the advert (null for none); city is folded. Sorted by
    subject, booked_at.
    """
    whole = context.whole

    def build() -> pl.DataFrame:
        adverts = _adverts(whole)
        debits, _ = whole.legs_of_rows
        paid = adverts.paid.filter(pl.col("row").is_not_null())
        leg = debits[paid["row"].to_numpy()]
        told = paid.select("account", "row", "ad", "is_stated").with_columns(
            whole.ledger.legs["booked_at"].gather(leg),
            subject=pl.Series(whole.persons[paid["account"].to_numpy()]).cast(pl.UInt64),
        )
        phones = (
            adverts.contacts.filter(pl.col("kind") == "phone").group_by("ad").agg(phone=pl.col("value").min())
        )
        return (
            told.join(adverts.ads.select("ad", *AD_COLUMNS), on="ad")
            .join(phones, on="ad", how="left")
            .with_columns(city=_city())
            .sort("subject", "booked_at", "row", "ad")
        )

    rows: pl.DataFrame = whole.once("paid adverts", build)
    return rows


def _city() -> pl.Expr:
    city = normalised(pl.col("city"))
    return pl.when(city != "").then(city)


def by_payers(context: Context, groups: pl.DataFrame, key: str, values: tuple[str, ...]) -> Outcome:
    """Findings about all who pay for a group of adverts, in the times that `groups` names.

    groups: key, window_start, window_end (of the adverts), and the values. A person's finding stretches over
    the person's payments for the adverts of one time.
    """
    paid = paid_adverts(context).filter(pl.col(key).is_not_null())
    times = groups.with_row_index("time")
    rows = (
        paid.join(times, on=key)
        .filter(pl.col("posted_at").is_between("window_start", "window_end"))
        .with_columns(subject=pl.struct("subject", "time").rank("dense").cast(pl.UInt64))
    )
    windows = rows.group_by("subject").agg(
        window_start=pl.col("booked_at").min(),
        window_end=pl.col("booked_at").max(),
        **{name: pl.col(name).first() for name in values},
    )
    return Outcome(windows, rows.select(EVIDENCE).unique())


def posted(context: Context, key: str) -> pl.DataFrame:
    """All adverts with a value of `key` (`phone` or a column): subject, booked_at (posted), AD_COLUMNS.

    An advert with several numbers stands there once for each.
    """
    adverts = _adverts(context)
    if key == "phone":
        values = adverts.contacts.filter(pl.col("kind") == "phone").select("ad", phone="value")
        rows = adverts.ads.join(values, on="ad")
    else:
        rows = adverts.ads.filter(pl.col(key).is_not_null())
    return rows.with_columns(
        city=_city(), subject=pl.col(key).rank("dense").cast(pl.UInt64), booked_at="posted_at"
    ).sort("subject", "booked_at", "ad")


# ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ManyCities:
    """Parameters of HT-ADS-02."""

    window_days: float = parameter(7.0, "few days; D", low=0.1)
    min_cities: int = parameter(3, "more than home and one neighbour; D", stricter="higher", low=2)
    longer_days: float = parameter(21.0, "of the second tier; U", low=0.1)
    longer_cities: int = parameter(4, "in the longer window; U", stricter="higher", low=2)


def find_many_cities(context: Context, p: ManyCities) -> Outcome:
    """One person pays for adverts in many cities.

    In 7 days adverts in 3 or more cities, or in 21 days in 4 or more.
    """
    paid = paid_adverts(context).filter(pl.col("city").is_not_null())
    tiers = [
        tally(paid, days(width), sums={"ad_count": pl.lit(1)}, distinct={"city_count": pl.col("city")})
        .with_columns(least_cities=pl.lit(least, pl.Int64))
        .filter(pl.col("city_count") >= least)
        for width, least in ((p.window_days, p.min_cities), (p.longer_days, p.longer_cities))
    ]
    return Outcome(pl.concat(tiers), paid.select(EVIDENCE))


ADS_02 = Indicator(
    id="HT-ADS-02",
    name="Adverts in many cities",
    role="NET",
    weight="W",
    source=f"{PROTECT} (across different cities within short timelines)",
    evidence="V1, U, D",
    parameters=ManyCities(),
    values=(Value("city_count", "count", ">=", "least_cities"), Value("ad_count", "count")),
    fact="payments consistent with {ad_count} adverts in {city_count} cities within {window_days} days, or "
    "{longer_days} days for {longer_cities} cities",
    caution="people who tour with their own work: wording about movement was less often a sign of force than "
    "of ordinary work (NIJ), so this says nothing without signs of control",
    find=find_many_cities,
    needs=("adverts",),
    across=True,
)


# ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ManyAdvertised:
    """Parameters of HT-ADS-03."""

    window_days: float = parameter(30.0, "one month; D", low=0.1)
    min_persons: int = parameter(3, "two numbers are common for one person; D", stricter="higher", low=2)
    min_other: int = parameter(
        2, "of the other kind, since one person may change numbers; D", stricter="higher", low=1
    )
    min_ads: int = parameter(2, "adverts with each number or text; D", stricter="higher", low=1)


def find_many_advertised(context: Context, p: ManyAdvertised) -> Outcome:
    """One person pays for adverts of several advertised persons.

    In 30 days adverts with 3 or more telephone numbers, or with 3 or more texts that are not alike, 2 adverts
    or more with each; and 2 or more of the other of the two, so that one person who changes numbers does not
    count for several.
    """
    paid = paid_adverts(context)
    often = (
        pl.col(name).drop_nulls().unique_counts().ge(p.min_ads).sum() for name in ("phone", "text_cluster")
    )
    phones, texts = (count.cast(pl.Int64) for count in often)
    windows = (
        paid.with_columns(at="booked_at")
        .rolling("booked_at", period=f"{days(p.window_days)}us", group_by="subject")
        .agg(
            window_start=pl.col("at").min(),
            phone_count=phones,
            text_count=texts,
            ad_count=pl.len().cast(pl.Int64),
        )
        .unique(["subject", "booked_at"], maintain_order=True)
        .with_columns(person_count=pl.max_horizontal("phone_count", "text_count"))
        .filter(
            pl.col("person_count") >= p.min_persons,
            pl.min_horizontal("phone_count", "text_count") >= p.min_other,
        )
        .rename({"booked_at": "window_end"})
    )
    return Outcome(windows, paid.select(EVIDENCE))


ADS_03 = Indicator(
    id="HT-ADS-03",
    name="One payer, many advertised persons",
    role="PC",
    weight="S",
    source=f"{KDD17} (several persons in several states posted by one owner)",
    evidence="V1, D",
    parameters=ManyAdvertised(),
    values=(
        Value("person_count", "count", ">=", "min_persons"),
        Value("phone_count", "count"),
        Value("text_count", "count"),
        Value("ad_count", "count"),
    ),
    fact="payments consistent with {ad_count} adverts with {phone_count} telephone numbers and {text_count} "
    "different texts within {window_days} days",
    caution="licensed agencies, people who write and place adverts for others, shared flats",
    find=find_many_advertised,
    needs=("adverts",),
    across=True,
)


# ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class SharedNumber:
    """Parameters of HT-ADS-04."""

    window_days: float = parameter(30.0, "longer, and the number may have been given anew; D", low=0.1)
    min_payers: int = parameter(2, "persons; ownership overlaps only by sharing; D", stricter="higher", low=2)


def find_shared_number(context: Context, p: SharedNumber) -> Outcome:
    """Several persons pay for adverts with one telephone number.

    In 30 days 2 or more persons who live at no common address that is known here.
    """
    paid = paid_adverts(context).filter(pl.col("phone").is_not_null())
    accounts = context.whole.accounts
    known = pl.col("address") if "address" in accounts.columns else pl.lit(None, pl.String)
    homes = accounts.select("account", home=normalised(known.cast(pl.String)))
    person = pl.format("person {}", "subject")
    rows = (
        paid.join(homes, on="account", how="left")
        .with_columns(household=pl.coalesce(pl.when(pl.col("home") != "").then("home"), person))
        .with_columns(subject=pl.col("phone").rank("dense").cast(pl.UInt64))
        .sort("subject", "booked_at", "row", "ad")
    )
    windows = tally(
        rows, days(p.window_days), sums={"ad_count": pl.lit(1)}, distinct={"payer_count": pl.col("household")}
    ).filter(pl.col("payer_count") >= p.min_payers)
    return Outcome(windows, rows.select(EVIDENCE))


ADS_04 = Indicator(
    id="HT-ADS-04",
    name="One advertised number, several payers",
    role="NET",
    weight="S",
    source=f"FinCEN FIN-2020-A008, financial indicator 6 (shared identifiers); {KDD17}",
    evidence="V1, M",
    parameters=SharedNumber(),
    values=(Value("payer_count", "count", ">=", "min_payers"), Value("ad_count", "count")),
    fact="{payer_count} persons made payments consistent with {ad_count} adverts with one telephone number "
    "within {window_days} days",
    caution="partners who pay for each other, and numbers that were given to somebody new",
    find=find_shared_number,
    needs=("adverts",),
    across=True,
)


# ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Replicated:
    """Parameters of HT-ADS-05."""

    window_hours: float = parameter(48.0, "one campaign; D", low=0.1)
    min_platforms: int = parameter(3, "platforms; D", stricter="higher", low=2)


def find_replicated(context: Context, p: Replicated) -> Outcome:
    """The same advert, by its number or its text, on several platforms at once.

    Adverts with one telephone number, or with texts that are alike, on 3 or more platforms within 48 hours.
    """
    outcomes = []
    for key in ("phone", "text_cluster"):
        rows = posted(context, key)
        windows = tally(
            rows,
            hours(p.window_hours),
            sums={"ad_count": pl.lit(1)},
            distinct={"platform_count": pl.col("platform")},
        ).filter(pl.col("platform_count") >= p.min_platforms)
        named = windows.with_columns(rows[key].gather(windows["first"]))
        outcomes.append(by_payers(context, named, key, ("ad_count", "platform_count")))
    return joined(outcomes)


def joined(outcomes: list[Outcome]) -> Outcome:
    """Outcomes about the same persons as one; their subjects are kept apart."""
    count = len(outcomes)
    return Outcome(
        pl.concat([o.windows.with_columns(pl.col("subject") * count + n) for n, o in enumerate(outcomes)]),
        pl.concat([o.rows.with_columns(pl.col("subject") * count + n) for n, o in enumerate(outcomes)]),
    )


ADS_05 = Indicator(
    id="HT-ADS-05",
    name="One advert on many platforms",
    role="NET",
    weight="M",
    source="Dubrawski et al., J. Human Trafficking 2015; Nagpal et al., WNUT 2017",
    evidence="M, D",
    parameters=Replicated(),
    values=(Value("platform_count", "count", ">=", "min_platforms"), Value("ad_count", "count")),
    fact="payments consistent with adverts that appeared on {platform_count} platforms within {window_hours} "
    "hours, {ad_count} in all",
    caution="everybody who posts with software for several platforms",
    find=find_replicated,
    needs=("adverts",),
    across=True,
)


# ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class MovingNumber:
    """Parameters of HT-ADS-06."""

    window_days: float = parameter(14.0, "two weeks; D", low=0.1)
    min_cities: int = parameter(3, "cities; D", stricter="higher", low=2)
    max_speed_kmh: float = parameter(900.0, "an airliner; faster is no journey", low=1)


def find_moving_number(context: Context, p: MovingNumber) -> Outcome:
    """An advertised telephone number travels.

    In 14 days adverts with one number in 3 or more cities, each reached from the one before at no more than
    900 km/h; a number that is in two far cities at once belongs to no traveller.
    """
    rows = posted(context, "phone").filter(pl.col("city").is_not_null())
    rows = located(rows)
    rows = rows.with_columns(pl.col("latitude", "longitude").shift(1).name.suffix("_before"))
    hops = (distance_km("_before") - ROOM_KM) / p.max_speed_kmh * 3_600_000_000
    waited = (pl.col("booked_at") - pl.col("booked_at").shift(1)).dt.total_microseconds()
    same = pl.col("subject") == pl.col("subject").shift(1)
    rows = rows.with_columns(is_leap=(same & (hops > waited)).fill_null(False))
    windows = tally(
        rows,
        days(p.window_days),
        sums={"ad_count": pl.lit(1), "leap_count": pl.col("is_leap")},
        distinct={"city_count": pl.col("city")},
    ).filter(pl.col("city_count") >= p.min_cities, pl.col("leap_count") == 0)
    named = windows.with_columns(rows["phone"].gather(windows["first"]))
    return by_payers(context, named, "phone", ("city_count", "ad_count"))


ADS_06 = Indicator(
    id="HT-ADS-06",
    name="An advertised number travels",
    role="NET",
    weight="W",
    source=f"{PROTECT} (contextual); Ibanez and Suthers, HICSS 2014 (the number is the key to movement)",
    evidence="V1, D",
    parameters=MovingNumber(),
    values=(Value("city_count", "count", ">=", "min_cities"), Value("ad_count", "count")),
    fact="payments consistent with adverts of a telephone number that was advertised in {city_count} cities "
    "within {window_days} days",
    caution="people who tour with their own work, and agencies with one number for all",
    find=find_moving_number,
    needs=("adverts",),
    across=True,
)


# ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class OwnContact:
    """Parameters of HT-ADS-11."""

    min_ads: int = parameter(1, "adverts; the source names no number", stricter="higher", low=1)
    around_days: float = parameter(7.0, "bookings so near to the adverts are shown; D", low=0)


def find_own_contact(context: Context, p: OwnContact) -> Outcome:
    """A telephone number or e-mail address of the account stands in an advert.

    1 advert or more, compared in full. The evidence is what the account booked from 7 days before the first
    of the adverts to 7 days after the last.
    """
    accounts = context.whole.accounts
    own = []
    if "phone" in accounts.columns:
        own.append(("phone", phone_keys(accounts["phone"], accounts["country"])))
    if "email" in accounts.columns:
        own.append(("email", accounts["email"].cast(pl.String).str.strip_chars().str.to_lowercase()))
    contacts = _adverts(context).contacts.with_columns(pl.col("kind").cast(pl.String))
    empty = accounts.select("account", kind=pl.lit(""), value=pl.lit("")).clear()
    held = pl.concat(
        [empty, *(accounts.select("account", kind=pl.lit(kind), value=value) for kind, value in own)]
    )
    margin = pl.duration(microseconds=days(p.around_days))
    shown = (
        held.join(contacts, on=["kind", "value"])
        .join(_adverts(context).ads.select("ad", "posted_at"), on="ad")
        .group_by("account")
        .agg(
            ad_count=pl.col("ad").n_unique().cast(pl.Int64),
            begin=pl.col("posted_at").min() - margin,
            end=pl.col("posted_at").max() + margin,
        )
        .filter(pl.col("ad_count") >= p.min_ads)
    )
    rows = (
        context.whole.legs(pl.col("account").is_in(shown["account"].implode()))
        .join(shown, on="account")
        .filter(pl.col("booked_at").is_between("begin", "end"))
        .with_columns(pl.col("subject").cast(pl.UInt64))
    )
    windows = rows.group_by("subject").agg(
        pl.col("ad_count").first(),
        window_start=pl.col("booked_at").min(),
        window_end=pl.col("booked_at").max(),
    )
    return Outcome(windows, rows.select(EVIDENCE))


ADS_11 = Indicator(
    id="HT-ADS-11",
    name="The account's own contact in an advert",
    role="PV",
    weight="M",
    source="FinCEN FIN-2020-A008, financial indicator 6; FINTRAC Project Protect indicators (identification)",
    evidence="V1, V2",
    parameters=OwnContact(),
    values=(Value("ad_count", "count", ">=", "min_ads"),),
    fact="the account's telephone number or e-mail address stands in {ad_count} adverts",
    caution="everybody who advertises for themselves, which is legal in many places, and numbers that were "
    "given to somebody new; the comparison needs a legal basis",
    find=find_own_contact,
    needs=("adverts",),
    across=True,
)


# ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class TimedLink:
    """Parameters of HT-ADS-12."""

    min_count: int = parameter(3, "payments that fit; single ones prove nothing; S", stricter="higher", low=3)


def find_timed_link(context: Context, p: TimedLink) -> Outcome:
    """Payments fit the times and prices of one cluster of adverts more often than chance explains.

    3 or more payments, each at most 5 minutes before (or 1 minute after) an advert of its price, where
    payments moved by whole days fit so seldom that one false link is expected in twenty data sets. Where
    adverts span less than three weeks, or rows have only a date, the finding weighs less.
    """
    whole = context.whole
    adverts = _adverts(whole)
    debits, _ = whole.legs_of_rows
    links = adverts.links.filter(pl.col("k") >= p.min_count).with_row_index("subject")
    matched = adverts.paid.filter(~pl.col("is_stated"), pl.col("row").is_not_null())
    rows = matched.join(links.select("account", "cluster", "subject"), on=["account", "cluster"])
    rows = rows.with_columns(
        whole.ledger.legs["booked_at"].gather(debits[rows["row"].to_numpy()]),
        pl.col("subject").cast(pl.UInt64),
    )
    seen = rows.group_by("subject").agg(
        window_start=pl.col("booked_at").min(), window_end=pl.col("booked_at").max()
    )
    sure = (pl.col("method") == "day_shift") & (pl.col("precision") == "time")
    windows = seen.join(links.with_columns(pl.col("subject").cast(pl.UInt64)), on="subject").select(
        "subject",
        "window_start",
        "window_end",
        "expected",
        "p_value",
        payment_count=pl.col("k").cast(pl.Int64),
        bound=0.05 / pl.col("tested"),
        delay_minutes=pl.col("median_delay_s") / 60,
        weight=pl.when(sure).then(pl.lit("S")).otherwise(pl.lit("M")),
    )
    return Outcome(windows, rows.select(EVIDENCE))


ADS_12 = Indicator(
    id="HT-ADS-12",
    name="Payments in time with adverts",
    role="PC/NET",
    weight="S",
    source=f"{KDD17} (a platform publishes as soon as it is paid)",
    evidence="V1, S",
    parameters=TimedLink(),
    values=(
        Value("payment_count", "count", ">=", "min_count"),
        Value("expected", "count"),
        Value("p_value", "probability", "<", "bound"),
        Value("delay_minutes", "ratio"),
    ),
    fact="{payment_count} payments consistent with having paid for adverts of one cluster, where chance "
    "gives {expected} (probability {p_value}), {delay_minutes} minutes before them in the middle",
    caution="posters who keep the same hours, credits and top-ups; who pays for own adverts shows the same",
    find=find_timed_link,
    needs=("adverts",),
    across=True,
    measured="0.98 or more in the simulated world of docs/evaluation.md",
)


# ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ForeignNumber:
    """Parameters of HT-ADS-14."""

    window_days: float = parameter(30.0, "one month; D", low=0.1)
    min_share: float = parameter(
        0.5, "of the adverts with a known region; D", stricter="higher", low=0, high=1
    )
    min_cities: int = parameter(3, "cities; D", stricter="higher", low=1)


def find_foreign_number(context: Context, p: ForeignNumber) -> Outcome:
    """Advertised telephone numbers come from elsewhere than the adverts.

    In 30 days half or more of a person's adverts show a number that was given out in another time zone than
    that of the advert's city, in 3 or more cities. Adverts whose number or city has no known zone are left
    out.
    """
    paid = paid_adverts(context).filter(pl.col("phone").is_not_null())
    paid = paid.with_columns(
        zones=phone_zones(paid["phone"]), zone=zone_of(pl.col("country"), pl.col("city"))
    ).filter(pl.col("zone").is_not_null(), pl.col("zones").list.len() > 0)
    elsewhere = ~pl.col("zones").list.contains(pl.col("zone"))
    windows = (
        tally(
            paid,
            days(p.window_days),
            sums={"ad_count": pl.lit(1), "foreign_count": elsewhere},
            distinct={"city_count": pl.col("city")},
        )
        .with_columns(foreign_share=pl.col("foreign_count") / pl.col("ad_count"))
        .filter(pl.col("foreign_share") >= p.min_share, pl.col("city_count") >= p.min_cities)
    )
    return Outcome(windows, paid.select(EVIDENCE))


ADS_14 = Indicator(
    id="HT-ADS-14",
    name="Numbers from elsewhere",
    role="NET",
    weight="W",
    source="ABA Banking Journal, January 2019 (area codes from out of the market in adverts around an event)",
    evidence="V2, D",
    parameters=ForeignNumber(),
    values=(
        Value("foreign_share", "share", ">=", "min_share"),
        Value("city_count", "count", ">=", "min_cities"),
        Value("ad_count", "count"),
    ),
    fact="{foreign_share} of {ad_count} adverts in {city_count} cities within {window_days} days show a "
    "number from another time zone",
    caution="numbers that are kept when moving, and internet telephony",
    find=find_foreign_number,
    needs=("adverts",),
    across=True,
)


# ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class HiddenNumber:
    """Parameters of HT-ADS-15."""

    window_days: float = parameter(30.0, "one month; D", low=0.1)
    min_hidden: int = parameter(2, "adverts that hide their number; D", stricter="higher", low=1)
    min_share: float = parameter(0.5, "of the person's adverts; D", stricter="higher", low=0, high=1)


def find_hidden_number(context: Context, p: HiddenNumber) -> Outcome:
    """Adverts write their telephone number so that it is hard to read for a program.

    In 30 days 2 or more, and half or more of a person's adverts, spell a number out, space it, or write it in
    pictographs or other digits, and nowhere plainly.
    """
    paid = paid_adverts(context)
    windows = (
        tally(paid, days(p.window_days), sums={"ad_count": pl.lit(1), "hidden_count": pl.col("is_hidden")})
        .with_columns(hidden_share=pl.col("hidden_count") / pl.col("ad_count"))
        .filter(pl.col("hidden_count") >= p.min_hidden, pl.col("hidden_share") >= p.min_share)
    )
    return Outcome(windows, paid.select(EVIDENCE))


ADS_15 = Indicator(
    id="HT-ADS-15",
    name="Hidden telephone numbers",
    role="NET",
    weight="M",
    source="NIJ and JIRN, study of 1,263 adverts with known outcome (ICPSR 38328)",
    evidence="V1, D",
    parameters=HiddenNumber(),
    values=(
        Value("hidden_share", "share", ">=", "min_share"),
        Value("hidden_count", "count", ">=", "min_hidden"),
        Value("ad_count", "count"),
    ),
    fact="{hidden_count} of {ad_count} adverts within {window_days} days hide their telephone number",
    caution="people who keep their number from programs that collect adverts",
    find=find_hidden_number,
    needs=("adverts",),
    across=True,
)


# ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class WorkAndService:
    """Parameters of HT-ADS-16."""

    window_days: float = parameter(180.0, "half a year; D", low=0.1)
    min_jobs: int = parameter(1, "adverts that offer work; D", stricter="higher", low=1)
    min_services: int = parameter(1, "adverts of intimate services; D", stricter="higher", low=1)


def find_work_and_service(context: Context, p: WorkAndService) -> Outcome:
    """One person pays for adverts that offer work and for adverts of intimate services.

    In 180 days 1 or more of each, as far as the reviewed words tell them.
    """
    paid = paid_adverts(context)
    windows = tally(
        paid,
        days(p.window_days),
        sums={"job_count": pl.col("is_job"), "service_count": pl.col("is_service") & ~pl.col("is_job")},
    ).filter(pl.col("job_count") >= p.min_jobs, pl.col("service_count") >= p.min_services)
    return Outcome(windows, paid.select(EVIDENCE))


ADS_16 = Indicator(
    id="HT-ADS-16",
    name="Adverts of work and of intimate services",
    role="PC",
    weight="S",
    source="FINTRAC-2021-OA001, foreign nationals (recruitment by false offers of work)",
    evidence="V1, D",
    parameters=WorkAndService(),
    values=(
        Value("job_count", "count", ">=", "min_jobs"),
        Value("service_count", "count", ">=", "min_services"),
    ),
    fact="payments consistent with {job_count} adverts that offer work and {service_count} of intimate "
    "services within {window_days} days",
    caution="general advertising agencies",
    find=find_work_and_service,
    needs=("adverts",),
    across=True,
)


# ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ManyIdentities:
    """Parameters of HT-ADS-17."""

    min_ads: int = parameter(3, "adverts of nearly one text; D", stricter="higher", low=2)
    min_identities: int = parameter(2, "telephone numbers, or payers; D", stricter="higher", low=2)


def find_many_identities(context: Context, p: ManyIdentities) -> Outcome:
    """Nearly one text, several identities.

    3 or more adverts whose texts are alike show 2 or more telephone numbers, or 2 or more persons pay for
    them.
    """
    adverts = _adverts(context)
    phones = adverts.contacts.filter(pl.col("kind") == "phone").select("ad", "value")
    alike = adverts.ads.filter(pl.col("text_cluster").is_not_null())
    numbers = alike.join(phones, on="ad").group_by("text_cluster").agg(phone_count=pl.col("value").n_unique())
    payers = paid_adverts(context).group_by("text_cluster").agg(payer_count=pl.col("subject").n_unique())
    groups = (
        alike.group_by("text_cluster")
        .agg(
            ad_count=pl.len().cast(pl.Int64),
            window_start=pl.col("posted_at").min(),
            window_end=pl.col("posted_at").max(),
        )
        .join(numbers, on="text_cluster", how="left")
        .join(payers, on="text_cluster", how="left")
        .with_columns(pl.col("phone_count", "payer_count").fill_null(0).cast(pl.Int64))
        .with_columns(identity_count=pl.max_horizontal("phone_count", "payer_count"))
        .filter(pl.col("ad_count") >= p.min_ads, pl.col("identity_count") >= p.min_identities)
        .sort("text_cluster")
    )
    return by_payers(
        context, groups, "text_cluster", ("identity_count", "phone_count", "payer_count", "ad_count")
    )


ADS_17 = Indicator(
    id="HT-ADS-17",
    name="One text, many identities",
    role="NET",
    weight="M",
    source="InfoShield (ICDE 2021), DeltaShield (ACM TKDD 2023): 84 % of such groups right on expert labels",
    evidence="V1, D",
    parameters=ManyIdentities(),
    values=(
        Value("identity_count", "count", ">=", "min_identities"),
        Value("phone_count", "count"),
        Value("payer_count", "count"),
        Value("ad_count", "count", ">=", "min_ads"),
    ),
    fact="payments consistent with adverts of which {ad_count} have nearly one text, {phone_count} telephone "
    "numbers and {payer_count} payers",
    caution="templates of platforms and people who write adverts for others; one group in six is wrong",
    find=find_many_identities,
    needs=("adverts",),
    across=True,
)


# ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class LodgingFollows:
    """Parameters of HT-MOV-02."""

    within_hours: float = parameter(48.0, "between advert and lodging, either way; D", low=0)
    min_cities: int = parameter(2, "cities; D", stricter="higher", low=1)
    window_days: float = parameter(30.0, "one month; D", low=0.1)


def find_lodging_follows(context: Context, p: LodgingFollows) -> Outcome:
    """Lodging is paid where the same person's adverts appear.

    In 30 days in 2 or more cities, an advert within 48 hours of a lodging payment there.
    """
    whole = context.whole
    lodging = whole.legs(of_kind("lodging") & ~IS_CREDIT, "city", "kinds", "is_credit", person=True)
    lodging = (
        lodging.with_columns(pl.col("city").cast(pl.String))
        .with_columns(city=_city())
        .filter(pl.col("city").is_not_null())
    )
    lodging = lodging.with_columns(
        subject=pl.Series(whole.persons[lodging["account"].to_numpy()]).cast(pl.UInt64)
    )
    paid = paid_adverts(context)
    near = (pl.col("posted_at") - pl.col("stayed_at")).dt.total_microseconds().abs() <= hours(p.within_hours)
    met = (
        lodging.select("subject", "city", stay_row="row", stay_account="account", stayed_at="booked_at")
        .join(paid.select(*EVIDENCE, "city", "posted_at"), on=["subject", "city"])
        .filter(near)
    )
    stays = met.select(
        "subject", "city", account="stay_account", booked_at="stayed_at", row="stay_row"
    ).unique()
    stays = stays.sort("subject", "booked_at", "row")
    windows = tally(
        stays, days(p.window_days), sums={"stay_count": pl.lit(1)}, distinct={"city_count": pl.col("city")}
    ).filter(pl.col("city_count") >= p.min_cities)
    return Outcome(windows, pl.concat([stays.select(EVIDENCE), met.select(EVIDENCE)]).unique())


MOV_02 = Indicator(
    id="HT-MOV-02",
    name="Lodging follows the adverts",
    role="PV/NET",
    weight="M",
    source=f"{PROTECT} (accommodation and advertising together)",
    evidence="V1, D",
    parameters=LodgingFollows(),
    values=(Value("city_count", "count", ">=", "min_cities"), Value("stay_count", "count")),
    fact="lodging paid in {city_count} cities within {within_hours} hours of adverts there, which payments "
    "of the same person are consistent with",
    caution="people who tour with their own work",
    find=find_lodging_follows,
    needs=("adverts", "merchant", "city"),
    across=True,
)


# ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class BoughtThenAdvert:
    """Parameters of CR-ADPAY-04."""

    within_hours: float = parameter(24.0, "purchase to advert; D", stricter="lower", low=0)
    min_count: int = parameter(2, "such purchases; one may be for anything; D", stricter="higher", low=1)
    window_days: float = parameter(30.0, "one month; D", low=0.1)


def find_bought_then_advert(context: Context, p: BoughtThenAdvert) -> Outcome:
    """Crypto-assets are bought shortly before adverts that the account's payments are in time with.

    In 30 days 2 or more purchases, each at most 24 hours before an advert that is matched to the person by
    times and prices.
    """
    whole = context.whole
    bought = whole.legs(
        (of_kind("crypto") | (pl.col("channel") == "crypto")) & ~IS_CREDIT, "kinds", "is_credit", "channel"
    )
    bought = bought.with_columns(
        subject=pl.Series(whole.persons[bought["account"].to_numpy()]).cast(pl.UInt64)
    ).sort("subject", "booked_at", "row")
    matched = (
        _adverts(whole)
        .paid.filter(~pl.col("is_stated"))
        .join(_adverts(whole).ads.select("ad", "posted_at"), on="ad")
    )
    matched = matched.select(
        "posted_at", subject=pl.Series(whole.persons[matched["account"].to_numpy()]).cast(pl.UInt64)
    ).sort("subject", "posted_at")
    followed = bought.join_asof(
        matched,
        left_on="booked_at",
        right_on="posted_at",
        by="subject",
        strategy="forward",
        tolerance=f"{hours(p.within_hours)}us",
        coalesce=False,
        check_sortedness=False,
    ).filter(pl.col("posted_at").is_not_null())
    windows = tally(followed, days(p.window_days), sums={"purchase_count": pl.lit(1)}).filter(
        pl.col("purchase_count") >= p.min_count
    )
    return Outcome(windows, followed.select(EVIDENCE))


CR_ADPAY_04 = Indicator(
    id="CR-ADPAY-04",
    name="Crypto-assets, then an advert",
    role="PC",
    weight="S",
    source=f"{KDD17}; FinCEN FIN-2020-A008, case study 2",
    evidence="V1, D",
    parameters=BoughtThenAdvert(),
    values=(Value("purchase_count", "count", ">=", "min_count"),),
    fact="{purchase_count} purchases of crypto-assets within {window_days} days, each at most {within_hours} "
    "hours before an advert that payments are in time with",
    caution="people who buy crypto-assets for other ends",
    find=find_bought_then_advert,
    needs=("adverts", "crypto"),
    across=True,
)

ADS = (ADS_02, ADS_03, ADS_04, ADS_05, ADS_06, ADS_11, ADS_12, ADS_14, ADS_15, ADS_16, ADS_17)
INDICATORS = (*ADS, MOV_02, CR_ADPAY_04)
