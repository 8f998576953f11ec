"""Control of accounts (HT-CTL): identifiers, devices, machines and sweeps that join accounts of many holders.

Holders count as persons (accounts of one holder are one); those who share an address or a family name count
once, since a family that shares things is no sign of control. A value that very many share (a placeholder, an
office, a public machine) joins nobody. Addresses of kind `protected` or `shared_address` of the vocabulary
never count, and money sent to a payee of kind `custodian` or `protected` is no sweep.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import polars as pl

from finpat.indicators.base import Indicator, Outcome, Value, parameter
from finpat.indicators.context import IS_CASH, IS_CREDIT, Context, days, hours
from finpat.indicators.structuring import EVIDENCE, empty_windows
from finpat.indicators.sweeps import (
    WAGES,
    Sweeps,
    SweptToOne,
    SweptWages,
    payee_of_party,
    received,
    sweeps,
    swept_to_one,
    swept_wages,
    targets,
)
from finpat.ledger import IS_OWN_ACT
from finpat.networks.identifiers import account_phones, address_key, contacts, dated_list
from finpat.vocabulary import kind_bits, load_vocabulary, of_kind

BENEFITS = IS_CREDIT & of_kind("benefit")
LOANS = IS_CREDIT & of_kind("credit_disbursement")
Rules = TypeVar("Rules", SweptToOne, SweptWages)


def holders(context: Context) -> pl.DataFrame:
    """account, person, home, family: codes by which holders are counted, by person, address, family name.

    A person without a usable address, or a business, or one without a name, is a home or family alone.
    """
    whole = context.whole

    def build() -> pl.DataFrame:
        accounts = whole.accounts
        blank = pl.lit(None, pl.String)
        address = address_key(pl.col("address")) if "address" in accounts.columns else blank
        name = (
            pl.col("holder_name").str.normalize("NFKD").str.to_lowercase().str.extract(r"(\p{L}+)\W*$")
            if "holder_name" in accounts.columns
            else blank
        )
        is_person = pl.col("holder_type").cast(pl.String).eq("business").fill_null(False).not_()
        person = pl.Series("person", whole.persons)
        alone = pl.format("#{}", pl.lit(person))
        return accounts.select(
            "account",
            person=person,
            home=pl.coalesce(address, alone).rank("dense"),
            family=pl.coalesce(pl.when(is_person).then(name), alone).rank("dense"),
        )

    frame: pl.DataFrame = whole.once("holders", build)
    return context.here(frame)


def unrelated() -> pl.Expr:
    """Holders of a group of rows that are not shown to be related (see `holders`)."""
    return pl.min_horizontal(pl.col(name).n_unique() for name in ("person", "home", "family")).cast(pl.Int64)


def first_of_days(context: Context, accounts: pl.Series) -> pl.DataFrame:
    """The first leg of every day of some accounts: account, booked_at, row, person, home, family."""
    chosen = np.zeros(context.ledger.account_count, np.bool_)
    chosen[accounts.unique().to_numpy()] = True
    return (
        context.legs(pl.lit(True), "local_day", accounts=chosen)
        .unique(["account", "local_day"], keep="first", maintain_order=True)
        .select("account", "booked_at", "row")
        .join(holders(context), on="account", maintain_order="left")
    )


def in_common(
    context: Context, shared: pl.DataFrame, window_days: float, least: pl.Expr, most: int
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Windows in which accounts that share a value were in use by `least` or more unrelated holders.

    shared: account, kind, value, least (holders needed). An account is in use on a day with a booking. Values
    that more than `most` persons share are left out. Windows have holder_count, account_count and least.
    """
    # That they share an address is what is asked; then it cannot relate them.
    elsewhere = pl.when(pl.col("kind") == "address").then("person").otherwise("home")
    people = shared.join(holders(context), on="account").with_columns(home=elsewhere.cast(pl.UInt32))
    known = people.with_columns(
        everybody=pl.col("person").n_unique().over("kind", "value"), count=unrelated().over("kind", "value")
    )
    groups = (
        known.filter(pl.col("everybody") <= most, pl.col("count") >= least)
        .sort("kind", "value", "account")
        .with_columns(subject=pl.struct("kind", "value").rle_id())
    )
    if groups.is_empty():
        return empty_windows(), context.no_legs()
    rows = (
        first_of_days(context, groups["account"])
        .drop("home")
        .join(groups.select("subject", "account", "home", "least"), on="account")
        .sort("subject", "booked_at", "account")
    )
    windows = (
        rows.rolling("booked_at", period=f"{days(window_days)}us", group_by="subject")
        .agg(
            holder_count=unrelated(),
            account_count=pl.col("account").n_unique(),
            least=pl.col("least").first(),
            window_start=pl.col("booked_at").first(),
        )
        .rename({"booked_at": "window_end"})
        .filter(pl.col("holder_count") >= pl.col("least"))
    )
    return windows, rows.select(EVIDENCE)


def address_kinds(context: Context) -> pl.Series:
    """Per account: the kinds (bits of the vocabulary) of its address; 0 where nothing tells."""
    accounts = context.accounts
    if "address" not in accounts.columns:
        return pl.repeat(0, accounts.height, dtype=pl.UInt64, eager=True).alias("kinds")
    return load_vocabulary(context.settings.dictionaries).kinds_of(None, [accounts["address"]])


def counted_contacts(context: Context) -> pl.DataFrame:
    """account, kind, value: contacts without the addresses that never count (protected, shared by nature)."""
    found = contacts(context.accounts)
    excluded = address_kinds(context) & kind_bits("protected", "shared_address") != 0
    return found.filter((pl.col("kind") != "address") | ~excluded.gather(found["account"]))


# ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class SharedDevice:
    """Parameters of HT-CTL-01."""

    min_holders: int = parameter(3, "holders; D", stricter="higher", low=2)
    min_sessions: int = parameter(2, "days on which each uses it; D", stricter="higher", low=1)
    window_days: float = parameter(30.0, "days; D", low=0.1)
    max_holders: int = parameter(
        50, "more persons make it a kiosk or a branch's own machine; chosen", stricter="lower", low=2
    )


def find_shared_device(context: Context, p: SharedDevice) -> Outcome:
    """One device pays from the accounts of several holders who are not shown to be related.

    Within 30 days 3 or more holders, each with payments from it on 2 days or more. A device of more than 50
    persons is public and left out; network addresses are not devices. The device of money that comes in is
    its payer's and does not count.
    """
    used = (
        context.legs(pl.col("device_id").is_not_null() & IS_OWN_ACT, "device_id", "local_day")
        .unique(["device_id", "account", "local_day"], keep="first", maintain_order=True)
        .join(holders(context), on="account")
        .with_columns(
            count=unrelated().over("device_id"), everybody=pl.col("person").n_unique().over("device_id")
        )
        .filter(pl.col("count") >= p.min_holders, pl.col("everybody") <= p.max_holders)
        .with_columns(subject=pl.col("device_id").cast(pl.String).rank("dense").cast(pl.UInt32))
        .sort("subject", "booked_at", "account")
    )
    # A second session within the window makes a holder count from that session on.
    sessions = used.unique(["subject", "person", "local_day"], keep="first", maintain_order=True)
    earlier = pl.col("booked_at").shift(p.min_sessions - 1).over("subject", "person", order_by="booked_at")
    counted = sessions.with_columns(since=earlier).filter(
        pl.col("booked_at") - pl.col("since") < pl.duration(microseconds=days(p.window_days))
    )
    counted = counted.sort("subject", "booked_at")
    ends = counted.select("subject", "booked_at").unique().rename({"booked_at": "window_end"})
    width = pl.duration(microseconds=days(p.window_days))
    windows = (
        ends.join(counted, on="subject")
        .filter(pl.col("booked_at") <= pl.col("window_end"), pl.col("since") > pl.col("window_end") - width)
        .group_by("subject", "window_end")
        .agg(holder_count=unrelated(), window_start=pl.col("since").min())
        .filter(pl.col("holder_count") >= p.min_holders)
    )
    return Outcome(windows, used.select(EVIDENCE))


CTL_01 = Indicator(
    id="HT-CTL-01",
    name="One device, several holders",
    role="PV/PC",
    weight="S",
    source="FinCEN FIN-2020-A008 (device and contact data asked for in reports); FINTRAC FINTRAC-2021-OA001 "
    "(access by others)",
    evidence="V1, D",
    parameters=SharedDevice(),
    values=(Value("holder_count", "count", ">=", "min_holders"),),
    fact="one device was used for accounts of {holder_count} holders not shown to be related within "
    "{window_days} days, by each on {min_sessions} days or more",
    caution="kiosks, carers, families and shared flats",
    find=find_shared_device,
    needs=("device_id",),
    across=True,
)


# ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class SharedContact:
    """Parameters of HT-CTL-02."""

    min_contact: int = parameter(3, "holders of one telephone or e-mail; D", stricter="higher", low=2)
    min_address: int = parameter(5, "holders of one address; D", stricter="higher", low=2)
    window_days: float = parameter(180.0, "in which their accounts are in use; D", low=0.1)
    max_holders: int = parameter(
        50, "more persons make it a placeholder, an office or a large house; chosen", stricter="lower", low=2
    )


def find_shared_contact(context: Context, p: SharedContact) -> Outcome:
    """One telephone number, e-mail or address stands for holders who are not shown to be related.

    3 or more holders of one telephone or e-mail, or 5 or more of one address, with accounts in use within 180
    days of each other. Values are compared in one spelling; those of more than 50 persons are left out, and
    so are addresses of kind `protected` or `shared_address`.
    """
    kept = counted_contacts(context)
    needed = pl.when(pl.col("kind") == "address").then(p.min_address).otherwise(p.min_contact)
    shared = kept.with_columns(least=needed.cast(pl.Int64))
    windows, rows = in_common(context, shared, p.window_days, pl.col("least"), p.max_holders)
    return Outcome(windows, rows)


CTL_02 = Indicator(
    id="HT-CTL-02",
    name="Shared telephone, e-mail or address",
    role="NET",
    weight="S",
    source="FINTRAC ML/TF indicators for financial entities (common identifiers); FINTRAC-2016-OA003 (common "
    "address)",
    evidence="V1, D",
    parameters=SharedContact(),
    values=(Value("holder_count", "count", ">=", "least"), Value("account_count", "count")),
    fact="{holder_count} holders not shown to be related have one telephone number, e-mail or address",
    caution="families, shared flats, tax advisers, and houses that take people in (exclude their addresses)",
    find=find_shared_contact,
    across=True,
)


# ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class HotelAddress:
    """Parameters of HT-CTL-03."""

    min_holders: int = parameter(2, "holders at one house; D", stricter="higher", low=1)
    window_days: float = parameter(180.0, "in which their accounts are in use; D", low=0.1)


def find_hotel_address(context: Context, p: HotelAddress) -> Outcome:
    """A hotel is the address of several holders who are not shown to be related.

    2 or more holders whose address names lodging (vocabulary), the same in one spelling, with accounts in use
    within 180 days of each other. Addresses of kind `protected` or `shared_address` never count.
    """
    kinds = address_kinds(context)
    lodging = (kinds & kind_bits("lodging") != 0) & (kinds & kind_bits("protected", "shared_address") == 0)
    found = contacts(context.accounts)
    shared = found.filter(pl.col("kind") == "address", lodging.gather(found["account"])).with_columns(
        least=pl.lit(p.min_holders, pl.Int64)
    )
    windows, rows = in_common(
        context, shared, p.window_days, pl.col("least"), max(context.ledger.account_count, 1)
    )
    return Outcome(windows, rows)


CTL_03 = Indicator(
    id="HT-CTL-03",
    name="Hotel as the address of several holders",
    role="PV",
    weight="M",
    source="FINTRAC ML/TF indicators for financial entities (one hotel address of several clients); "
    "FINTRAC-2016-OA003 (temporary address)",
    evidence="V1, D",
    parameters=HotelAddress(),
    values=(Value("holder_count", "count", ">=", "min_holders"),),
    fact="{holder_count} holders not shown to be related have the same hotel as their address",
    caution="people placed there by a city, contractors and seasonal workers",
    find=find_hotel_address,
    needs=("address",),
    across=True,
)


# ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class SweptStar:
    """Parameters of HT-CTL-04."""

    min_holders: int = parameter(3, "swept holders; D", stricter="higher", low=2)
    window_days: float = parameter(60.0, "in which all are swept; D", low=0.1)
    min_spread: float = parameter(
        0.05, "spread over mean of a swept account's payments; equal ones are rent or dues; D",
        stricter="higher", low=0,
    )  # fmt: skip
    max_payers: int = parameter(
        500,
        "accounts that pay it in all, beyond which it is a merchant or utility; D",
        stricter="lower",
        low=2,
    )


def sweep_pairs(context: Context) -> tuple[pl.DataFrame, list[Sweeps]]:
    """Who is swept to whom by HT-P2P-04 or HT-LAB-02 (one payee), and the sweeps behind.

    Columns: account, target (a payee's party code), source (position in the list), window_start, window_end.
    """
    third, one = swept_to_one(context, _rules(context, "HT-P2P-04", SweptToOne()))
    wages, two = swept_wages(context, _rules(context, "HT-LAB-02", SweptWages()), one_payee=True)
    names = ("account", "target", "window_start", "window_end")
    pairs = pl.concat(
        part.select(*names, source=pl.lit(place)) for place, part in enumerate((third, wages))
    ).filter(pl.col("target") < len(context.ledger.parties))
    return pairs, [one, two]


def _rules(context: Context, indicator_id: str, default: Rules) -> Rules:
    """Parameters in force of the indicator that defines the sweep; its defaults where it is not listed."""
    try:
        rules = context.find_parameters(indicator_id)
    except KeyError:
        return default
    return rules if isinstance(rules, type(default)) else default


def find_swept_star(context: Context, p: SweptStar) -> Outcome:
    """Several accounts of unrelated holders are swept to one payee.

    Within 60 days 3 or more holders, related neither to each other nor to the payee as far as is known, have
    P2P and cash receipts (HT-P2P-04) or wages (HT-LAB-02) swept to it. Swept accounts whose payments are
    equal (rent, dues, a savings club), and payees whom more than 500 accounts pay, are left out. The payee,
    where it is held, is found as possible controller, the swept accounts as possible victims.
    """
    pairs, found = sweep_pairs(context)
    if pairs.is_empty():
        return Outcome(empty_windows(), context.no_legs())
    paid = pl.concat(
        part.pieces.join(pairs.filter(pl.col("source") == place), on=["account", "target"], how="semi")
        for place, part in enumerate(found)
    )
    varied = (
        paid.group_by("account", "target", "out_row")
        .agg(pl.col("piece_minor").sum())
        .group_by("account", "target")
        .agg(spread=(pl.col("piece_minor").std() / pl.col("piece_minor").mean()).fill_null(0.0))
        .filter(pl.col("spread") >= p.min_spread)
    )
    known = (
        pairs.join(varied, on=["account", "target"], how="semi")
        .join(few_payers(context, pairs["target"], p.max_payers), on="target", how="semi")
        .join(holders(context), on="account")
    )
    known = not_kin(context, known).with_columns(subject="target")
    windows = _met(known, p.window_days, p.min_holders)
    named = known.join(windows.select("subject"), on="subject", how="semi")
    swept = pl.concat(part.rows(named.filter(pl.col("source") == place)) for place, part in enumerate(found))
    rows = pl.concat(
        [
            swept.with_columns(role=pl.lit("PV")),
            received(context, named).with_columns(role=pl.lit("PC")),
        ]
    )
    return Outcome(windows, rows.unique())


def _met(pairs: pl.DataFrame, window_days: float, least: int) -> pl.DataFrame:
    """Windows in which `least` unrelated holders were swept to one target (subject).

    A sweep counts from its first to its last row; windows end with a sweep's last row and look back.
    """
    width = pl.duration(microseconds=days(window_days))
    ends = pairs.select("subject", end="window_end").unique()
    return (
        ends.join(pairs, on="subject")
        .filter(pl.col("window_end") <= pl.col("end"), pl.col("window_end") > pl.col("end") - width)
        .group_by("subject", "end")
        .agg(
            holder_count=unrelated(),
            account_count=pl.col("account").n_unique(),
            window_start=pl.col("window_start").min(),
        )
        .filter(pl.col("holder_count") >= least)
        .rename({"end": "window_end"})
    )


def few_payers(context: Context, wanted: pl.Series, most: int) -> pl.DataFrame:
    """target: those of the wanted payees whom `most` accounts pay at most."""
    payees = payee_of_party(context)
    codes = pl.Series(np.flatnonzero(np.isin(payees, wanted.unique().to_numpy())).astype(np.uint32))
    debits = context.legs(~IS_CREDIT & pl.col("counterparty").is_in(codes.implode()), "counterparty")
    return (
        debits.with_columns(target=pl.Series(payees[debits["counterparty"].to_numpy()]))
        .group_by("target")
        .agg(payers=pl.col("account").n_unique())
        .filter(pl.col("payers") <= most)
        .select("target")
    )


def not_kin(context: Context, pairs: pl.DataFrame) -> pl.DataFrame:
    """`pairs` (account with home and family, target) without those related to a held payee."""
    payees = holders(context).select(
        target=pl.Series(context.party_of_account[context.persons]), payee_home="home", payee_family="family"
    )
    kin = (pl.col("home") == pl.col("payee_home")) | (pl.col("family") == pl.col("payee_family"))
    return (
        pairs.join(payees.unique("target", keep="first", maintain_order=True), on="target", how="left")
        .filter(~kin.fill_null(False))
        .drop("payee_home", "payee_family")
    )


CTL_04 = Indicator(
    id="HT-CTL-04",
    name="Star of swept accounts",
    role="PC",
    weight="S",
    source="FinCEN FIN-2020-A008 (funnel accounts: people directed to deposit into accounts others use)",
    evidence="V1, D",
    parameters=SweptStar(),
    values=(Value("holder_count", "count", ">=", "min_holders"), Value("account_count", "count")),
    fact="the receipts or wages of {holder_count} holders not shown to be related were swept to one payee "
    "within {window_days} days",
    caution="payroll bureaus, landlords and savings clubs",
    find=find_swept_star,
    across=True,
)


# ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class CardAfterCard:
    """Parameters of HT-CTL-05."""

    min_holders: int = parameter(3, "holders at one machine; D", stricter="higher", low=2)
    gap_minutes: float = parameter(10.0, "minutes; 1.5 is the strong form; D", stricter="lower", low=0.1)
    min_days: int = parameter(3, "days with the same two holders; D", stricter="higher", low=2)
    window_days: float = parameter(60.0, "days; D", low=0.1)
    max_holders: int = parameter(
        20, "more holders in the minutes make it a queue on payday; chosen", stricter="lower", low=3
    )


def find_card_after_card(context: Context, p: CardAfterCard) -> Outcome:
    """One machine pays cash to several holders within minutes, day after day to the same ones.

    3 or more holders draw cash at one branch or terminal within 10 minutes, on 3 or more days of 60 two of
    them being the same, one after the other in the same order. More than 20 holders in those minutes are a
    queue on payday. Rows without a time of day are left out.
    """
    drawn = context.legs(
        ~IS_CREDIT & IS_CASH & pl.col("has_time"), "counterparty", "channel", "branch_id", "local_day"
    )
    visits = (
        targets(context, drawn)
        .filter(pl.col("target").is_not_null())
        .join(holders(context), on="account")
        .with_columns(subject="target")
        .sort("subject", "booked_at", "account")
    )
    width = round(p.gap_minutes * 60_000_000)
    # Both ends of the minutes belong to them.
    bursts = (
        visits.rolling("booked_at", period=f"{width}us", closed="both", group_by="subject")
        .agg(
            holder_count=unrelated(),
            everybody=pl.col("person").n_unique(),
            began=pl.col("booked_at").first(),
            persons=pl.col("person").unique(maintain_order=True),
            local_day=pl.col("local_day").last(),
        )
        .filter(
            pl.col("holder_count") >= p.min_holders,
            pl.col("everybody").max().over("subject", "local_day") <= p.max_holders,
        )
    )
    place = bursts.explode("persons").with_columns(
        place=pl.int_range(pl.len()).over("subject", "booked_at", "began", "local_day")
    )
    key = ["subject", "booked_at", "began", "local_day", "holder_count"]
    pairs = (
        place.join(place, on=key, suffix="_then")
        .filter(pl.col("place") < pl.col("place_then"))
        .group_by("subject", "persons", "persons_then", "local_day")
        .agg(pl.col("holder_count").max(), booked_at=pl.col("booked_at").max(), began=pl.col("began").min())
        .sort("subject", "persons", "persons_then", "booked_at")
    )
    windows = (
        pairs.rolling(
            "booked_at", period=f"{days(p.window_days)}us", group_by=["subject", "persons", "persons_then"]
        )
        .agg(
            day_count=pl.col("local_day").n_unique().cast(pl.Int64),
            holder_count=pl.col("holder_count").max(),
            window_start=pl.col("began").min(),
        )
        .filter(pl.col("day_count") >= p.min_days)
        .rename({"booked_at": "window_end"})
    )
    days_of = bursts.explode("persons").select("subject", "local_day", person="persons").unique()
    rows = visits.join(days_of, on=["subject", "local_day", "person"], how="semi")
    return Outcome(windows.drop("persons", "persons_then"), rows.select(EVIDENCE))


CTL_05 = Indicator(
    id="HT-CTL-05",
    name="One machine, card after card",
    role="PV",
    weight="S",
    source="United Kingdom guidance on labour exploitation (many bank cards at one cash machine)",
    evidence="V2, D",
    parameters=CardAfterCard(),
    values=(
        Value("day_count", "count", ">=", "min_days"),
        Value("holder_count", "count", ">=", "min_holders"),
    ),
    fact="cash of {holder_count} holders was drawn at one machine within {gap_minutes} minutes, on "
    "{day_count} days with two of them in the same order",
    caution="queues on payday, workers who come by one bus",
    find=find_card_after_card,
    needs=("time",),
    across=True,
)


# ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class AuthorisedUsers:
    """Parameters of HT-CTL-06."""

    min_added: int = parameter(3, "users added to one account; D", stricter="higher", low=1)
    min_accounts: int = parameter(4, "accounts of others one person may use; D", stricter="higher", low=2)
    window_days: float = parameter(90.0, "in which they are added; D", low=1)


def find_authorised_users(context: Context, p: AuthorisedUsers) -> Outcome:
    """An unusual number of people may use an account, or one may use the accounts of many.

    3 or more users were added to one account within 90 days, or one person may use the accounts of 4 or more
    other holders. Users added on an unknown day are not counted among the added ones.
    """
    holder = pl.col("holder_id").cast(pl.String)
    accounts = context.accounts.with_columns(person=pl.Series(context.persons))
    listed = dated_list(pl.col("authorised_users").cast(pl.String))
    users = (
        accounts.select("account", "person", holder_id=holder, entry=listed)
        .explode("entry", empty_as_null=True)
        .drop_nulls("entry")
        .unnest("entry")
        .filter((pl.col("value") != pl.col("holder_id")).fill_null(True))
    )
    added = (
        users.drop_nulls("on")
        .sort("account", "on")
        .rolling("on", period=f"{round(p.window_days)}d", group_by="account")
        .agg(user_count=pl.col("value").n_unique().cast(pl.Int64), began=pl.col("on").first())
        .filter(pl.col("user_count") >= p.min_added)
        .group_by("account")
        .agg(pl.col("user_count").max())
    )
    busy = (
        users.with_columns(account_count=pl.col("person").n_unique().over("value").cast(pl.Int64))
        .filter(pl.col("account_count") >= p.min_accounts)
        .group_by("account")
        .agg(pl.col("account_count").max())
    )
    found = added.join(busy, on="account", how="full", coalesce=True).fill_null(0)
    undated = (
        users.filter(pl.col("on").is_null())
        .group_by("account")
        .agg(count=pl.col("value").n_unique())
        .filter(pl.col("count") >= p.min_added)
        .select("account", missing_field=pl.lit("day on which authorised_users were added"))
    )
    windows, rows = _in_use(context, found, p.window_days)
    return Outcome(windows, rows, undated)


def _in_use(context: Context, found: pl.DataFrame, window_days: float) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Windows of what stands in the accounts' data: the last days of use, with the first leg of each."""
    if found.is_empty():
        return empty_windows(), context.no_legs()
    rows = first_of_days(context, found["account"]).with_columns(subject="account")
    width = pl.duration(microseconds=days(window_days))
    recent = rows.filter(pl.col("booked_at") > pl.col("booked_at").max().over("account") - width)
    spans = recent.group_by("subject").agg(
        window_start=pl.col("booked_at").min(), window_end=pl.col("booked_at").max()
    )
    return spans.join(found, left_on="subject", right_on="account"), recent.select(EVIDENCE)


CTL_06 = Indicator(
    id="HT-CTL-06",
    name="Many authorised users",
    role="PC",
    weight="M",
    source="FINTRAC-2016-OA003 (joint holders and authorised users)",
    evidence="V1, D",
    parameters=AuthorisedUsers(),
    values=(
        Value("user_count", "count", ">=", "min_added"),
        Value("account_count", "count", ">=", "min_accounts"),
    ),
    fact="people authorised to use the account: {user_count} added within {window_days} days; one of them "
    "may use accounts of {account_count} holders",
    caution="carers, lawyers and accountants",
    find=find_authorised_users,
    needs=("authorised_users",),
    across=True,
)


# ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ManyNumbers:
    """Parameters of HT-CTL-07."""

    min_numbers: int = parameter(4, "telephone numbers; D", stricter="higher", low=2)
    window_days: float = parameter(30.0, "in which they appear; D", low=1)


def find_many_numbers(context: Context, p: ManyNumbers) -> Outcome:
    """Many telephone numbers try to reach one account.

    4 or more numbers within 30 days, by the days that the accounts table gives. Numbers without a day are not
    counted.
    """
    tried = (
        context.accounts.with_columns(entry=dated_list(pl.col("access_phones").cast(pl.String)))
        .select("account", "country", "entry")
        .explode("entry", empty_as_null=True)
        .drop_nulls("entry")
        .unnest("entry")
    )
    tried = tried.with_columns(value=account_phones(tried["value"], tried["country"])).drop_nulls("value")
    found = (
        tried.drop_nulls("on")
        .sort("account", "on")
        .rolling("on", period=f"{round(p.window_days)}d", group_by="account")
        .agg(number_count=pl.col("value").n_unique().cast(pl.Int64))
        .filter(pl.col("number_count") >= p.min_numbers)
        .group_by("account")
        .agg(pl.col("number_count").max())
    )
    undated = (
        tried.filter(pl.col("on").is_null())
        .group_by("account")
        .agg(count=pl.col("value").n_unique())
        .filter(pl.col("count") >= p.min_numbers)
        .select("account", missing_field=pl.lit("day of access_phones"))
    )
    windows, rows = _in_use(context, found, p.window_days)
    return Outcome(windows, rows, undated)


CTL_07 = Indicator(
    id="HT-CTL-07",
    name="Many numbers try to reach an account",
    role="PV",
    weight="M",
    source="FINTRAC FINTRAC-2021-OA001 (several telephone numbers try to access an account)",
    evidence="V1, D",
    parameters=ManyNumbers(),
    values=(Value("number_count", "count", ">=", "min_numbers"),),
    fact="{number_count} telephone numbers tried to reach the account within {window_days} days",
    caution="people who change numbers to be safe from somebody: ask with care",
    find=find_many_numbers,
    needs=("access_phones",),
)


# ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class CohortOpening:
    """Parameters of HT-CTL-08."""

    min_holders: int = parameter(3, "holders; D", stricter="higher", low=2)
    within_days: int = parameter(14, "between the openings; D", stricter="lower", low=0)
    min_share: float = parameter(
        0.7, "of the first inflow that leaves; D", stricter="higher", low=0.01, high=1
    )
    sweep_hours: float = parameter(48.0, "in which it leaves; D", stricter="lower", low=0)
    max_holders: int = parameter(
        50, "more persons who share the value make it an office or a large employer; chosen",
        stricter="lower", low=2,
    )  # fmt: skip


def find_cohort_opening(context: Context, p: CohortOpening) -> Outcome:
    """Accounts opened together, sharing something, whose first money leaves at once.

    3 or more holders who share a device, address, telephone, e-mail, employer (stated, or who pays the wages)
    or introducer opened accounts within 14 days, and 0.7 of the first inflow of each left within 48 hours in
    cash or by transfer. Values of more than 50 persons, and addresses of kind `protected` or
    `shared_address`, do not count.
    """
    opened = context.accounts.select("account", "opened_on").drop_nulls()
    passing = sweeps(context, "any inflow", IS_CREDIT, p.sweep_hours)
    first = passing.inflows.unique("account", keep="first", maintain_order=True).select("account", "in_row")
    swept = passing.of_inflows(p.min_share, any_target=True).join(first, on=["account", "in_row"])
    shared = (
        _shared_values(context)
        .join(holders(context), on="account")
        .filter(pl.col("person").n_unique().over("kind", "value") <= p.max_holders)
        .join(opened, on="account")
        .join(swept.select("account", "in_at", "in_row", "out_at"), on="account")
        .sort("kind", "value", "opened_on", "account")
        .with_columns(subject=pl.struct("kind", "value").rle_id())
    )
    if shared.is_empty():
        return Outcome(empty_windows(), context.no_legs())
    cohorts = (
        shared.rolling("opened_on", period=f"{p.within_days + 1}d", group_by="subject")
        .agg(
            holder_count=pl.col("person").n_unique().cast(pl.Int64),
            window_start=pl.col("in_at").min(),
            window_end=pl.col("out_at").max(),
            accounts=pl.col("account"),
        )
        .filter(pl.col("holder_count") >= p.min_holders)
    )
    members = cohorts.select("subject", account="accounts").explode("account").unique()
    some = shared.select("subject", "account", "in_row").join(members, on=["subject", "account"], how="semi")
    pieces = passing.pieces.join(some, on=["account", "in_row"])
    rows = pl.concat(
        [
            some.join(passing.inflows, on=["account", "in_row"]).select(
                "subject", "account", booked_at="in_at", row="in_row"
            ),
            pieces.select("subject", "account", booked_at="out_at", row="out_row"),
        ]
    )
    return Outcome(cohorts.drop("accounts", "opened_on"), rows.unique())


def _shared_values(context: Context) -> pl.DataFrame:
    """account, kind, value: what may join accounts that were opened together."""
    accounts = context.accounts
    parts = [counted_contacts(context)]
    for kind in ("employer", "introducer"):
        if kind in accounts.columns:
            value = pl.col(kind).cast(pl.String).str.strip_chars().str.to_lowercase()
            parts.append(accounts.select("account", kind=pl.lit(kind), value=value).drop_nulls("value"))
    paid = context.legs(WAGES & context.counterparty_known(), "counterparty")
    payer = pl.col("counterparty").cast(pl.String)
    parts.append(paid.select("account", kind=pl.lit("payer of wages"), value=payer).unique())
    if context.has("device_id"):
        used = context.legs(pl.col("device_id").is_not_null() & IS_OWN_ACT, "device_id")
        parts.append(
            used.select("account", kind=pl.lit("device"), value=pl.col("device_id").cast(pl.String)).unique()
        )
    return pl.concat(parts)


CTL_08 = Indicator(
    id="HT-CTL-08",
    name="Accounts opened together",
    role="PV",
    weight="S",
    source="FinCEN FIN-2020-A008, case study 1 and funnel accounts (accounts opened in own names for others)",
    evidence="V1, D",
    parameters=CohortOpening(),
    values=(Value("holder_count", "count", ">=", "min_holders"),),
    fact="accounts of {holder_count} holders who share a device, address, number, employer or introducer "
    "were opened within {within_days} days, and the first money of each left within {sweep_hours} hours",
    caution="seasonal workers and students, whose first money does not leave at once",
    find=find_cohort_opening,
    needs=("opened_on",),
    across=True,
)


# ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class CoercedCredit:
    """Parameters of HT-CTL-09."""

    min_share: float = parameter(0.8, "of the credit that leaves; D", stricter="higher", low=0.01, high=1)
    within_hours: float = parameter(48.0, "in which it leaves; D", stricter="lower", low=0)
    max_age_days: int = parameter(180, "of the account, unless it is the first credit; D", low=1)


def find_coerced_credit(context: Context, p: CoercedCredit) -> Outcome:
    """A loan is paid out and leaves at once, in cash, to a new payee or to one who is swept to.

    0.8 of a loan or credit leaves within 48 hours in cash, to payees whom the account never paid before, or
    to payees of sweeps (HT-P2P-04, HT-LAB-02); the account is younger than 180 days, or it is the holder's
    first credit in the data.
    """
    found = sweeps(context, "loans", LOANS, p.within_hours)
    if found.inflows.is_empty():
        return Outcome(empty_windows(), context.no_legs())
    stars = sweep_pairs(context)[0].select("target").unique().with_columns(is_star=pl.lit(True))
    opened = context.accounts.select("account", "opened_on", person=pl.Series(context.persons))
    taken = found.inflows.join(opened, on="account")
    age = (pl.col("in_at").dt.date() - pl.col("opened_on")).dt.total_days()
    is_first = pl.col("in_at") == pl.col("in_at").min().over("person")
    taken = taken.filter((age < p.max_age_days).fill_null(False) | is_first)
    pieces = (
        found.pieces.join(
            taken.select("account", "in_row", "in_at", "inflow_minor"), on=["account", "in_row"]
        )
        .join(stars, on="target", how="left")
        .join(_first_paid(context, found.pieces), on=["account", "target"], how="left")
    )
    is_new = pl.col("first_paid_at") >= pl.col("in_at")
    gone = pieces.filter(
        pl.col("is_cash") | pl.col("is_star").fill_null(False) | is_new.fill_null(False)
    ).with_columns(subject=pl.struct("account", "in_row").rank("dense").cast(pl.UInt32))
    windows = (
        gone.group_by("subject", "account", "in_row")
        .agg(
            left_minor=pl.col("piece_minor").sum(),
            loan_minor=pl.col("inflow_minor").first(),
            window_start=pl.col("in_at").first(),
            window_end=pl.col("out_at").max(),
        )
        .filter(pl.col("left_minor") >= p.min_share * pl.col("loan_minor") - 1e-6)
        .with_columns(left_share=pl.col("left_minor") / pl.col("loan_minor"))
    )
    rows = pl.concat(
        [
            gone.select("subject", "account", booked_at="in_at", row="in_row"),
            gone.select("subject", "account", booked_at="out_at", row="out_row"),
        ]
    )
    return Outcome(windows.drop("account", "in_row"), rows.unique())


def _first_paid(context: Context, pieces: pl.DataFrame) -> pl.DataFrame:
    """account, target, first_paid_at: when each account first paid each payee of `pieces`."""
    chosen = np.zeros(context.ledger.account_count, np.bool_)
    chosen[pieces["account"].unique().to_numpy()] = True
    paid = targets(context, context.legs(~IS_CREDIT, "counterparty", "channel", "branch_id", accounts=chosen))
    return (
        paid.filter(pl.col("target").is_not_null())
        .group_by("account", "target")
        .agg(first_paid_at=pl.col("booked_at").min())
    )


CTL_09 = Indicator(
    id="HT-CTL-09",
    name="Credit that leaves at once",
    role="PV",
    weight="S",
    source="Clewer Initiative; Polaris National Survivor Study 2023 (accounts and credit used by others)",
    evidence="V2, D",
    parameters=CoercedCredit(),
    values=(
        Value("left_share", "share", ">=", "min_share"),
        Value("left_minor", "money"),
        Value("loan_minor", "money"),
    ),
    fact="{left} of a credit of {loan} left within {within_hours} hours in cash or to a payee new to the "
    "account",
    caution="people who pay off other debts or buy a car",
    find=find_coerced_credit,
    needs=("merchant",),
    across=True,
)


# ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class CapturedBenefits:
    """Parameters of HT-CTL-10."""

    min_holders: int = parameter(3, "holders; D", stricter="higher", low=2)
    min_share: float = parameter(
        0.7, "of a welfare payment that goes there; D", stricter="higher", low=0.01, high=1
    )
    within_hours: float = parameter(72.0, "of the payment in which it goes; D", stricter="lower", low=0)
    cash_hours: float = parameter(
        1.0, "between the withdrawals at one machine; D", stricter="lower", low=0.01
    )
    window_days: float = parameter(60.0, "in which it goes to one payee; D", low=0.1)
    max_payers: int = parameter(
        500,
        "accounts that pay it in all, beyond which it is a merchant or utility; D",
        stricter="lower",
        low=2,
    )


def find_captured_benefits(context: Context, p: CapturedBenefits) -> Outcome:
    """Welfare payments of several holders go to one account, or are drawn at one machine one after another.

    0.7 of the welfare payments of 3 or more unrelated holders goes to one payee within 72 hours of each and
    within 60 days in all, or is drawn at one machine within one hour. Payees of kind `custodian` (care homes,
    appointees), payees whom more than 500 accounts pay, and relatives are left out.
    """
    found = sweeps(context, "benefits", BENEFITS, p.within_hours)
    swept = found.of_inflows(p.min_share).with_columns(window_start="in_at", window_end="out_at")
    if swept.is_empty():
        return Outcome(empty_windows(), context.no_legs())
    known = swept.join(holders(context), on="account")
    to_payees = known.filter(pl.col("target") < len(context.ledger.parties))
    to_payees = to_payees.join(
        found.pieces.filter(~pl.col("is_cash")).select("account", "target").unique(),
        on=["account", "target"],
        how="semi",
    )
    few = few_payers(context, to_payees["target"], p.max_payers)
    to_payees = not_kin(context, to_payees.join(few, on="target", how="semi"))
    drawn = known.join(
        found.pieces.filter("is_cash").select("account", "target").unique(),
        on=["account", "target"],
        how="semi",
    ).filter(pl.lit(context.has("time")))
    sides = (
        (to_payees, p.window_days * 24, 0),
        (drawn, p.cash_hours, int(known["target"].max()) + 1),  # type: ignore[arg-type]
    )
    windows, rows = [], []
    for side, width_hours, code in sides:
        numbered = side.with_columns(subject=pl.col("target").cast(pl.Int64) + code)
        met = _together(numbered, hours(width_hours), p.min_holders)
        windows.append(met)
        kept = numbered.join(met.select("subject"), on="subject", how="semi")
        rows.append(found.rows(kept).with_columns(role=pl.lit("PV")))
        if side is to_payees:
            rows.append(received(context, kept).with_columns(role=pl.lit("PC")))
    return Outcome(pl.concat(windows), pl.concat(rows).unique())


def _together(swept: pl.DataFrame, width_us: int, least: int) -> pl.DataFrame:
    """Windows in which the money of `least` unrelated holders went to one subject, by when it left."""
    return (
        swept.sort("subject", "out_at", "account")
        .rolling("out_at", period=f"{width_us}us", closed="both", group_by="subject")
        .agg(
            holder_count=unrelated(),
            sum_minor=pl.col("swept_minor").sum(),
            window_start=pl.col("in_at").min(),
        )
        .filter(pl.col("holder_count") >= least)
        .rename({"out_at": "window_end"})
    )


CTL_10 = Indicator(
    id="HT-CTL-10",
    name="Welfare payments captured",
    role="PC",
    weight="S",
    source="Europol, The THB financial business model (2015): benefits of exploited people taken by others",
    evidence="V2, D",
    parameters=CapturedBenefits(),
    values=(Value("holder_count", "count", ">=", "min_holders"),),
    fact="welfare payments of {holder_count} holders not shown to be related went to one payee or were drawn "
    "at one machine",
    caution="appointees and care homes (list of excluded payees)",
    find=find_captured_benefits,
    needs=("merchant",),
    across=True,
)


INDICATORS = (CTL_01, CTL_02, CTL_03, CTL_04, CTL_05, CTL_06, CTL_07, CTL_08, CTL_09, CTL_10)
