"""Ties between accounts: what networks are made of, each with the instant from which it holds.

Nine kinds: `holder` (two accounts of one person), `phone`, `email`, `address`, `device`, `wallet`,
`authorised` (a value that few persons share; who may use an account is the last), `advert` (accounts that one
poster's adverts lead to), `payment` (repeated payments that are much of what one sends and of what the other
receives) and `sweep` (one passes most of what comes in on to the other within two days, again and again).

A tie is judged by rows up to its instant alone, so later rows add ties and take none away. Two things may:
a value that more persons come to share than the cap, and a contact that a later accounts file replaces.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import polars as pl

from finpat.adverts.rarity import rarity
from finpat.ledger import NO_PARTY, Ledger
from finpat.networks.identifiers import MAY_USE, PAID_FROM, PAYER, STATED

if TYPE_CHECKING:
    from finpat.adverts.adverts import Adverts

# Persons who share a value; more tie nobody; chosen. An address is a house sooner than a telephone is a desk.
MOST_SHARING = {"phone": 10, "email": 10, "address": 6, "device": 10, "wallet": 10, "authorised": 10}
MOST_LED_TO = 10  # persons whom one poster's adverts lead to; chosen as above
PAYMENT_CHANNELS = ("transfer", "p2p", "wallet", "crypto")
MIN_PAYMENTS = 3  # within the window before they tie; chosen
WINDOW_DAYS = 90
MIN_STRENGTH = 0.3  # geometric mean of the shares of what one sends and the other receives; chosen
SWEPT_SHARE = 0.7  # of what came in within two days; as HT-CTL-04
SWEPT_WITHIN = "2d"
MOST_SWEPT = 10  # persons who sweep to one; more are customers; chosen
EVIDENCE_ROWS = 20  # rows kept of one tie, the oldest
EVIDENCE_ADS = 10  # adverts kept of one tie, the oldest

TIE: dict[str, pl.DataType | type[pl.DataType]] = {
    "account": pl.UInt32, "other": pl.UInt32, "kind": pl.String,
    "value": pl.String,  # what they share; null for payments
    "weight": pl.Float64,
    "shared_by": pl.Int64, "count": pl.Int64, "amount_minor": pl.Int64, "currency": pl.String,
    "born_at": pl.Datetime("us"),  # it holds from here
    "born_weight": pl.Float64,  # what it weighed then
    "grown_at": pl.Datetime("us"),  # from when it weighs `grown_weight`, if it has grown since
    "grown_weight": pl.Float64,
    "first_at": pl.Datetime("us"), "last_at": pl.Datetime("us"), "rows": pl.List(pl.UInt32),
    "ad_ids": pl.List(pl.String),
}  # fmt: skip
STRONG = 0.5  # a payment tie has grown when it reaches this; see networks.WEAK


def build_ties(
    ledger: Ledger,
    persons: npt.NDArray[np.uint32],
    uses: pl.DataFrame,
    adverts: Adverts | None,
    denied: pl.DataFrame,
) -> pl.DataFrame:
    """All ties (TIE) between accounts of a ledger whose legs took effect, one for each value that two share.

    uses: of identifiers.identifier_uses. denied: of judgements.denied_pairs; what rests on rows up to the
    judgement is left out, and so is what has no date.
    """
    legs = _payment_legs(ledger, persons, denied)
    parts = [
        _holder_ties(ledger, persons),
        _value_ties(uses, persons, denied),
        _advert_ties(uses, persons, adverts, denied),
        _payment_ties(ledger, legs),
        _sweep_ties(ledger, legs, persons),
    ]
    return pl.concat(parts)


def _of_ties(frame: pl.DataFrame) -> pl.DataFrame:
    """`frame` with the columns of a tie, those it lacks as nulls."""
    absent = {name: dtype for name, dtype in TIE.items() if name not in frame.columns}
    filled = frame.with_columns(pl.lit(None, dtype).alias(name) for name, dtype in absent.items())
    return filled.select(pl.col(name).cast(dtype) for name, dtype in TIE.items())


def _holder_ties(ledger: Ledger, persons: npt.NDArray[np.uint32]) -> pl.DataFrame:
    """Each further account of a person, tied to the person's first one from when both are in use."""
    codes = np.arange(ledger.account_count, dtype=np.uint32)
    used = ledger.accounts.select("first_at", "last_at", account=pl.Series(codes))
    own = used.with_columns(other=pl.Series(persons)).filter(pl.col("account") != pl.col("other"))
    first = used.select(other="account", other_first="first_at", other_last="last_at")
    return _of_ties(
        own.join(first, on="other").select(
            account="other",
            other="account",
            kind=pl.lit("holder"),
            weight=pl.lit(1.0),
            born_weight=pl.lit(1.0),
            count=pl.lit(0),
            born_at=pl.max_horizontal("first_at", "other_first"),
            first_at=pl.min_horizontal("first_at", "other_first"),
            last_at=pl.max_horizontal("last_at", "other_last"),
        )
    )


# --------------------------------------------------------------------------------------- shared values


def _value_ties(uses: pl.DataFrame, persons: npt.NDArray[np.uint32], denied: pl.DataFrame) -> pl.DataFrame:
    """Accounts of different persons that share a rare value."""
    by_holder = pl.col("kind") == "holder"
    tied = (
        uses.filter(
            pl.col("account").is_not_null(),
            pl.when(by_holder)
            .then(pl.col("how").is_in([STATED, MAY_USE]))
            .otherwise(pl.col("how").is_in([STATED, PAID_FROM, PAYER])),
        )
        .with_columns(kind=pl.col("kind").replace({"holder": "authorised"}))
        .filter(pl.col("kind").is_in(list(MOST_SHARING)))
        .sort("kind", "value", "account", "first_at", "how")
        .group_by("kind", "value", "account", maintain_order=True)
        .agg(
            pl.col("first_at").min(),
            pl.col("last_at").max(),
            count=pl.col("count").filter(pl.col("how") != STATED).sum(),
            rows=pl.col("rows").explode(empty_as_null=True).drop_nulls().head(EVIDENCE_ROWS // 2),
            is_dated=pl.col("how").is_in([PAID_FROM, PAYER]).all(),
        )
    )
    tied = tied.with_columns(person=pl.Series(persons).gather(tied["account"]))
    shared_by = pl.col("person").n_unique().over("kind", "value").cast(pl.Int64)
    most = pl.col("kind").replace_strict(MOST_SHARING, return_dtype=pl.Int64)
    rare = tied.with_columns(shared_by=shared_by).filter(pl.col("shared_by") > 1, pl.col("shared_by") <= most)
    pairs = (
        rare.join(rare, on=["kind", "value", "shared_by"], suffix="_other")
        .filter(pl.col("account") < pl.col("account_other"), pl.col("person") != pl.col("person_other"))
        .with_columns(born_at=pl.max_horizontal("first_at", "first_at_other"))
        .rename({"account_other": "other"})
    )
    came = rare.group_by("kind", "value", "person").agg(came_at=pl.col("first_at").min())
    at_birth = (
        pairs.select("kind", "value", "account", "other", "born_at")
        .join(came, on=["kind", "value"])
        .filter(pl.col("came_at") <= pl.col("born_at"))
        .group_by("kind", "value", "account", "other")
        .agg(then=pl.len().cast(pl.Int64))
    )
    pairs = pairs.join(at_birth, on=["kind", "value", "account", "other"])
    if denied.height:
        new = pl.col("is_dated") & pl.col("is_dated_other") & (
            pl.min_horizontal("last_at", "last_at_other") > pl.col("judged_at")
        )  # fmt: skip
        pairs = pairs.join(denied, on=["account", "other"], how="left").filter(
            pl.col("judged_at").is_null() | new
        )
    return _of_ties(
        pairs.select(
            "account", "other", "kind", "value", "shared_by", "born_at",
            weight=rarity(pl.col("shared_by")),
            born_weight=rarity(pl.col("then")),
            count=pl.col("count") + pl.col("count_other"),
            first_at=pl.min_horizontal("first_at", "first_at_other"),
            last_at=pl.max_horizontal("last_at", "last_at_other"),
            rows=pl.concat_list("rows", "rows_other"),
        )
    )  # fmt: skip


# --------------------------------------------------------------------------------------------- adverts


def _led_to(uses: pl.DataFrame, persons: npt.NDArray[np.uint32], adverts: Adverts) -> pl.DataFrame:
    """account, cluster, weight, first_at, last_at, rows, ad_ids: accounts that a poster's adverts lead to.

    By a contact of the account that an advert shows (the rarer, the more it weighs), by a payment that the
    platform ties to account and advert, or by a link of times and prices.
    """
    poster = adverts.ads.select("ad", "ad_id", "posted_at", cluster=pl.coalesce("cluster", "ad_id"))
    shown = uses.filter(pl.col("ad").is_not_null()).select("kind", "value", "ad").join(poster, on="ad")
    held = uses.filter(pl.col("account").is_not_null(), pl.col("kind") != "holder")
    held = held.select("kind", "value", "account", used_at="first_at").with_columns(
        person=pl.Series(persons).gather(held["account"])
    )
    # Who shares a contact: persons and posters, as rm.identifiers counts them.
    posters = shown.group_by("kind", "value").agg(posters=pl.col("cluster").n_unique())
    holders = held.group_by("kind", "value").agg(holders=pl.col("person").n_unique())
    most = pl.col("kind").replace_strict(MOST_SHARING, default=MOST_LED_TO, return_dtype=pl.Int64)
    rare = (
        posters.join(holders, on=["kind", "value"])
        .with_columns(shared_by=(pl.col("posters") + pl.col("holders")).cast(pl.Int64))
        .filter(pl.col("shared_by") <= most)
    )
    by_contact = (
        held.join(rare.select("kind", "value", "shared_by"), on=["kind", "value"])
        .join(shown, on=["kind", "value"])
        .select(
            "account", "cluster", "ad_id", "posted_at",
            weight=rarity(pl.col("shared_by")),
            since=pl.max_horizontal("used_at", "posted_at"),
            row=pl.lit(None, pl.UInt32),
        )
    )  # fmt: skip
    linked = adverts.links.select(
        "account", "cluster", linked=(1.0 - pl.col("expected") / pl.col("k")).clip(0.0, 1.0)
    )
    by_payment = (
        adverts.paid.select("account", "ad", "row", "is_stated")
        .join(poster, on="ad")
        .join(linked, on=["account", "cluster"], how="left")
        .select(
            "account", "cluster", "ad_id", "posted_at",
            weight=pl.when("is_stated").then(1.0).otherwise("linked").fill_null(0.0),
            since="posted_at",
            row=pl.col("row").cast(pl.UInt32),
        )
    )  # fmt: skip
    return (
        pl.concat([by_contact, by_payment])
        .sort("account", "cluster", "since", "ad_id", "row", nulls_last=True)
        .group_by("account", "cluster", maintain_order=True)
        .agg(
            pl.col("weight").max(),
            since=pl.col("since").first(),
            first_at=pl.col("posted_at").min(),
            last_at=pl.col("posted_at").max(),
            count=pl.col("ad_id").n_unique(),
            rows=pl.col("row").drop_nulls().head(EVIDENCE_ROWS // 2),
            ad_ids=pl.col("ad_id").unique(maintain_order=True).head(EVIDENCE_ADS // 2),
        )
    )


def _advert_ties(
    uses: pl.DataFrame, persons: npt.NDArray[np.uint32], adverts: Adverts | None, denied: pl.DataFrame
) -> pl.DataFrame:
    """Accounts of different persons that one poster's adverts lead to."""
    if adverts is None:
        return pl.DataFrame(schema=TIE)
    led = _led_to(uses, persons, adverts)
    led = led.with_columns(person=pl.Series(persons).gather(led["account"]))
    led = led.with_columns(shared_by=pl.col("person").n_unique().over("cluster").cast(pl.Int64)).filter(
        pl.col("shared_by") > 1, pl.col("shared_by") <= MOST_LED_TO
    )
    pairs = (
        led.join(led, on=["cluster", "shared_by"], suffix="_other")
        .filter(pl.col("account") < pl.col("account_other"), pl.col("person") != pl.col("person_other"))
        .rename({"account_other": "other"})
        .with_columns(born_at=pl.max_horizontal("since", "since_other"))
    )
    if denied.height:
        pairs = pairs.join(denied, on=["account", "other"], how="left").filter(
            pl.col("judged_at").is_null() | (pl.col("born_at") > pl.col("judged_at"))
        )
    weight = pl.min_horizontal("weight", "weight_other") * rarity(pl.col("shared_by"))
    return _of_ties(
        pairs.select(
            "account", "other", "shared_by", "born_at",
            kind=pl.lit("advert"),
            value="cluster",
            weight=weight,
            born_weight=weight,
            count=pl.col("count") + pl.col("count_other"),
            first_at=pl.min_horizontal("first_at", "first_at_other"),
            last_at=pl.max_horizontal("last_at", "last_at_other"),
            rows=pl.concat_list("rows", "rows_other"),
            ad_ids=pl.concat_list("ad_ids", "ad_ids_other").list.unique(maintain_order=True),
        )
    )  # fmt: skip


# -------------------------------------------------------------------------------------------- payments


def _payment_legs(ledger: Ledger, persons: npt.NDArray[np.uint32], denied: pl.DataFrame) -> pl.DataFrame:
    """Legs of payments that are not between accounts of one person: those of PAYMENT_CHANNELS.

    other: the account on the other side, -1 where it is not held here. is_kept is false for payments of a
    pair up to the instant at which it was judged not to belong together.
    """
    codes = np.full(len(ledger.parties) + 1, -1, np.int64)
    position = pl.DataFrame({"account_id": ledger.parties}).with_row_index("party")
    own = ledger.accounts.select("account_id").join(position, on="account_id", maintain_order="left")
    codes[own["party"].to_numpy()] = np.arange(ledger.account_count)
    columns = ["account", "booked_at", "is_credit", "account_minor", "counterparty", "row"]
    legs = ledger.legs.filter(
        pl.col("channel").is_in(PAYMENT_CHANNELS),
        pl.col("account_minor").is_not_null(),
        pl.col("counterparty") != int(NO_PARTY),
    ).select(columns)
    other = codes[np.minimum(legs["counterparty"].to_numpy(), len(ledger.parties))]
    legs = legs.with_columns(other=pl.Series(other)).filter(
        pl.Series(persons[legs["account"].to_numpy()]) != _person(other, persons)
    )
    if denied.is_empty():
        return legs.with_columns(is_kept=pl.lit(True))
    told = denied.with_columns(pl.col("other").cast(pl.Int64))
    legs = legs.join(told, on=["account", "other"], how="left", maintain_order="left")
    return legs.with_columns(
        is_kept=pl.col("judged_at").is_null() | (pl.col("booked_at") > pl.col("judged_at"))
    ).drop("judged_at")


def _person(other: npt.NDArray[np.int64], persons: npt.NDArray[np.uint32]) -> pl.Series:
    """Who holds each account of `other`; -1 where it is not held here."""
    if not len(persons):
        return pl.Series(other)
    return pl.Series(np.where(other >= 0, persons[np.maximum(other, 0)].astype(np.int64), -1))


def _often(legs: pl.DataFrame) -> pl.DataFrame:
    """Legs between two held accounts, told from payer and payee; pairs with MIN_PAYMENTS that way."""
    pairs = legs.filter("is_kept", pl.col("other") >= 0).with_columns(
        payer=pl.when("is_credit").then("other").otherwise("account").cast(pl.UInt32),
        payee=pl.when("is_credit").then("account").otherwise("other").cast(pl.UInt32),
    )
    return pairs.filter(pl.len().over("payer", "payee", "is_credit") >= MIN_PAYMENTS)


def _payment_ties(ledger: Ledger, legs: pl.DataFrame) -> pl.DataFrame:
    """Pairs with repeated payments that are much of what one sends and of what the other receives.

    3 payments or more in 90 days, whose geometric mean share (of what the payer sends, of what the payee
    receives, by transfer, P2P, wallet or crypto in those 90 days) reaches 0.3. Payments between persons only.
    """
    period = f"{WINDOW_DAYS}d"
    often = _often(legs)
    # What the windows of these pairs are shares of: all that one side sends, or receives.
    whole = legs.join(often.select("account", "is_credit").unique(), on=["account", "is_credit"], how="semi")
    totals = (
        whole.sort("account", "is_credit", "booked_at")
        .rolling("booked_at", period=period, group_by=["account", "is_credit"])
        .agg(total_minor=pl.col("account_minor").sum())
        .unique(["account", "is_credit", "booked_at"], keep="last", maintain_order=True)
    )
    sides = (
        often.sort("payer", "payee", "is_credit", "booked_at", "row")
        .rolling("booked_at", period=period, group_by=["payer", "payee", "is_credit"])
        .agg(payments=pl.len(), own_minor=pl.col("account_minor").sum())
        .unique(["payer", "payee", "is_credit", "booked_at"], keep="last", maintain_order=True)
        .with_columns(account=pl.when("is_credit").then("payee").otherwise("payer"))
        .join(totals, on=["account", "is_credit", "booked_at"])
        .with_columns(share=pl.col("own_minor") / pl.col("total_minor"))
    )
    sent = sides.filter(~pl.col("is_credit")).select("payer", "payee", "booked_at", "payments", "share")
    got = sides.filter("is_credit").select("payer", "payee", "booked_at", got="share")
    strength = pl.col("strength")
    born = (
        sent.join(got, on=["payer", "payee", "booked_at"])
        .with_columns(strength=(pl.col("share") * pl.col("got")).sqrt())
        .filter(pl.col("payments") >= MIN_PAYMENTS, strength >= MIN_STRENGTH)
        .sort("payer", "payee", "booked_at")
        .group_by("payer", "payee", maintain_order=True)
        .agg(
            born_at=pl.col("booked_at").first(),
            born_weight=strength.first(),
            grown_at=pl.col("booked_at").filter(strength >= STRONG).first(),
            grown_weight=strength.filter(strength >= STRONG).first(),
            weight=strength.max(),
        )
    )
    return _of_ties(_told(ledger, often, born, "payment"))


def _sweep_ties(ledger: Ledger, legs: pl.DataFrame, persons: npt.NDArray[np.uint32]) -> pl.DataFrame:
    """Pairs of which one passes what comes in on to the other.

    3 payments or more in 90 days, each 0.7 or more of all that came in to the payer in the two days up to it
    and not more than came in. A payee to whom more than 10 persons do so has customers. The weight is the
    share of the payer's payments to the payee that are such.
    """
    paid = _often(legs).filter(~pl.col("is_credit"))
    if paid.is_empty():
        return pl.DataFrame(schema=TIE)
    came = (
        ledger.legs.filter(pl.col("account").is_in(paid["payer"].unique().implode()))
        .select("account", "booked_at", came=pl.when("is_credit").then("account_minor").otherwise(0))
        .sort("account", "booked_at")
        .rolling("booked_at", period=SWEPT_WITHIN, group_by="account")
        .agg(pl.col("came").sum())
        .unique(["account", "booked_at"], keep="last", maintain_order=True)
    )
    passed = (
        paid.join(came, on=["account", "booked_at"])
        .with_columns(
            is_passed=(pl.col("came") > 0)
            & (pl.col("account_minor") >= SWEPT_SHARE * pl.col("came"))
            & (pl.col("account_minor") <= pl.col("came"))
        )
        .sort("payer", "payee", "booked_at", "row")
    )
    share = pl.col("is_passed").cum_sum() / pl.int_range(1, pl.len() + 1)
    born = (
        passed.with_columns(share=share.over("payer", "payee"))
        .filter("is_passed")
        .rolling("booked_at", period=f"{WINDOW_DAYS}d", group_by=["payer", "payee"])
        .agg(passing=pl.len(), share=pl.col("share").last())
        .unique(["payer", "payee", "booked_at"], keep="last", maintain_order=True)
        .filter(pl.col("passing") >= MIN_PAYMENTS)
        .group_by("payer", "payee", maintain_order=True)
        .agg(
            born_at=pl.col("booked_at").first(),
            born_weight=pl.col("share").first(),
            weight=pl.col("share").last(),
        )
    )
    born = born.with_columns(sweeper=pl.Series(persons).gather(born["payer"])).with_columns(
        shared_by=pl.col("sweeper").n_unique().over("payee").cast(pl.Int64)
    )
    few = born.filter(pl.col("shared_by") <= MOST_SWEPT).drop("sweeper")
    return _of_ties(_told(ledger, passed.filter("is_passed"), few, "sweep"))


def _told(ledger: Ledger, legs: pl.DataFrame, born: pl.DataFrame, kind: str) -> pl.DataFrame:
    """`born` pairs of payer and payee as ties, with the payer's legs behind them."""
    currency = ledger.accounts["currency"].cast(pl.String)
    paid = (
        legs.filter(~pl.col("is_credit"))
        .join(born, on=["payer", "payee"])
        .sort("payer", "payee", "booked_at", "row")
        .group_by("payer", "payee", maintain_order=True)
        .agg(
            pl.col([name for name in born.columns if name not in ("payer", "payee")]).first(),
            count=pl.len(),
            amount_minor=pl.col("account_minor").sum(),
            first_at=pl.col("booked_at").min(),
            last_at=pl.col("booked_at").max(),
            rows=pl.col("row").head(EVIDENCE_ROWS),
        )
    )
    return paid.rename({"payer": "account", "payee": "other"}).with_columns(
        kind=pl.lit(kind), currency=currency.gather(paid["payer"])
    )
