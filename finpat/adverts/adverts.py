"""What a run knows of adverts: contacts, clusters, and which account's payments go with which advert."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from finpat.adverts.cluster import Clusters, cluster_adverts, cluster_table
from finpat.adverts.link import DAY, LINK_SCHEMA, Linking, link_payments
from finpat.adverts.normalise import contacts_of
from finpat.config import Settings
from finpat.ledger import TEXT_COLUMNS, Ledger, effective_legs
from finpat.places import normalised
from finpat.vocabulary import kind_bits, load_vocabulary

# What an account pays adverts with, each kind tested alone: the platform's export, payments that name an
# advert platform, and means that hide it (prepaid cards, vouchers, crypto-assets).
RAILS = ("platform", "advert", "means")
MEANS = ("prepaid", "gift_card", "crypto", "payment_processor")
SAME_PAYMENT = 3 * DAY  # a platform's payment is on the statement within so long


@dataclass(frozen=True)
class Adverts:
    """Adverts up to `as_of` and what they have to do with accounts.

    ads: ad (row number, UInt32), ad_id, platform, posted_at, city, country, text_cluster, cluster, reason,
        is_hidden (it shows its number only in disguise), is_job (it offers work), is_service (it offers
        intimate services, as far as the reviewed words tell), has_time (its platform writes the time of day).
    contacts: ad, kind, value (normalised).
    clusters: what adverts share.
    links: account (code), cluster, and the rest of link.LINK_SCHEMA, rail; the least likely by chance of each
        account and cluster.
    paid: adverts that an account's payment goes with: account, ad, row (of the ledger; null where the
        statement does not show it), payment_id (null for a transaction), delay_s, cluster, is_stated (the
        platform names account and advert; else consistent with having paid for, by a link).
    """

    ads: pl.DataFrame
    contacts: pl.DataFrame
    clusters: Clusters
    links: pl.DataFrame
    paid: pl.DataFrame

    def tables(self, ledger: Ledger, transaction_ids: pl.Series | None = None) -> dict[str, pl.DataFrame]:
        """Frames of the read model: ad_clusters, ad_cluster_members, ad_payment_links, ad_payment_matches.

        transaction_ids: by the ledger's `row`.
        """
        names = ledger.accounts["account_id"]
        ids = self.ads["ad_id"]
        members = self.ads.filter(pl.col("cluster").is_not_null())
        row = self.paid["row"]
        named = (
            pl.repeat(None, len(row), dtype=pl.String, eager=True)
            if transaction_ids is None
            else transaction_ids.cast(pl.String).gather(row)
        )
        return {
            "ad_clusters": cluster_table(self.ads, self.clusters),
            "ad_cluster_members": members.select(
                "ad_id", "reason", cluster_id="cluster", text_cluster_id="text_cluster"
            ),
            "ad_payment_links": self.links.with_columns(
                account_id=names.gather(self.links["account"]),
                cluster_id="cluster",
                rail=pl.col("rail").replace_strict(dict(enumerate(RAILS)), return_dtype=pl.String),
            ),
            "ad_payment_matches": self.paid.select(
                "payment_id",
                "delay_s",
                "is_stated",
                transaction_id=named,
                ad_id=ids.gather(self.paid["ad"]),
                account_id=names.gather(self.paid["account"]),
            ),
        }


def build_adverts(
    ads: pl.DataFrame, ad_payments: pl.DataFrame, ledger: Ledger, settings: Settings
) -> Adverts:
    """Clusters and links of all adverts.

    ads, ad_payments: of the store's tables, any optional column absent; amounts as amount_minor.
    """
    ads = _complete(ads, ("city", "country", "phone", "email", "url", "title", "text")).with_columns(
        pl.col("country").str.strip_chars().str.to_uppercase()
    )
    contacts = contacts_of(ads)
    clusters = cluster_adverts(ads, contacts)
    hidden = contacts.filter("is_hidden")["ad"].unique()
    told = ads.select("ad_id", "platform", "posted_at", "city", "country").with_row_index("ad")
    told = told.hstack(clusters.members.select("text_cluster", "cluster", "reason")).with_columns(
        is_hidden=pl.col("ad").is_in(hidden.implode()),
        is_job=_is_of(ads, settings, "recruitment"),
        is_service=_is_of(ads, settings, "service_words"),
        has_time=_has_time("posted_at", "platform"),
    )
    stated, asked = _payments(ad_payments, told, ledger, settings)
    offered = told.select("cluster", "posted_at", "has_time", platform=normalised(pl.col("platform")))
    offered = offered.with_columns(
        ads["price"].cast(pl.Decimal(38, 8)) if "price" in ads.columns else pl.lit(None).alias("price")
    )
    found = link_payments(asked.drop("payment_id", "row", "account"), offered, Linking())
    accounts = asked.select("payer", "account", "rail").unique("payer")
    links = (
        found.links.join(accounts, on="payer")
        .sort("account", "cluster", "p_value", "payer")
        .unique(["account", "cluster"], keep="first", maintain_order=True)
        .select("account", *(name for name in LINK_SCHEMA if name != "payer"), "rail")
    )
    of_payment = asked.select("account", "rail", "payment_id", "row").with_row_index("payment")
    matched = (
        found.matches.join(of_payment, on="payment")
        .join(links.select("account", "cluster", "rail"), on=["account", "cluster", "rail"], how="semi")
        .select("account", "ad", "row", "payment_id", "delay_s", "cluster", is_stated=pl.lit(False))
    )
    paid = (
        pl.concat([stated.join(told.select("ad", "cluster"), on="ad").select(matched.columns), matched])
        .sort(
            "account", "ad", "is_stated", "payment_id", "row", descending=[False, False, True, False, False]
        )
        .unique(["account", "ad"], keep="first", maintain_order=True)
    )
    return Adverts(told, contacts.drop("is_hidden"), clusters, links, paid)


def _complete(frame: pl.DataFrame, names: tuple[str, ...]) -> pl.DataFrame:
    absent = [pl.lit(None, pl.String).alias(name) for name in names if name not in frame.columns]
    return frame.with_columns(absent)


def _has_time(instant: str, group: str) -> pl.Expr:
    """Whether a source writes the time of day: any of the group's rows is not at midnight."""
    return (pl.col(instant).dt.time() != pl.time(0, 0, 0)).any().over(group)


def _is_of(ads: pl.DataFrame, settings: Settings, kind: str) -> pl.Series:
    """Whether an advert's platform, title or text has a word of the kind."""
    texts = [ads[name] for name in ("platform", "title", "text")]
    kinds = load_vocabulary(settings.dictionaries).kinds_of(None, texts)
    return pl.DataFrame({"kinds": kinds}).select((pl.col("kinds") & kind_bits(kind)) != 0).to_series()


def _payments(
    ad_payments: pl.DataFrame, ads: pl.DataFrame, ledger: Ledger, settings: Settings
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Payments that name account and advert, and all payments as link_payments takes them.

    stated: account, ad, row, payment_id, delay_s, is_stated. all: payer (account and rail as one code),
    account, rail, paid_at, has_time, platform, amount_minor, currency, payment_id, row.
    """
    own = _own_payments(ledger, ads, settings)
    codes = ledger.accounts.select("account_id").with_row_index("account")
    frame = _complete(ad_payments, ("payer_reference", "account_id", "ad_id"))
    if frame.is_empty():
        exported = own.clear()
        known = exported.with_columns(ad_id=pl.lit(None, pl.String))
    else:
        # A card or wallet that names its account once has named it for all its payments.
        named = pl.col("account_id").drop_nulls()
        by_reference = pl.when(named.n_unique() == 1).then(named.first()).over("payer_reference")
        account_id = pl.coalesce(
            "account_id", pl.when(pl.col("payer_reference").is_not_null()).then(by_reference)
        )
        known = (
            frame.with_columns(account_id=account_id)
            .join(codes, on="account_id")
            .select(
                "account",
                "paid_at",
                "amount_minor",
                "payment_id",
                "ad_id",
                pl.col("currency").cast(pl.String),
                has_time=_has_time("paid_at", "platform"),
                platform=normalised(pl.col("platform")),
                rail=pl.lit(0, pl.UInt32),
            )
        )
        known = _on_statement(known, ledger).select(*own.columns, "ad_id")
        exported = known.drop("ad_id")
    posted = ads.select("ad", "ad_id", "posted_at")
    stated = known.join(posted, on="ad_id").select(
        "account",
        "ad",
        "row",
        "payment_id",
        delay_s=(pl.col("posted_at") - pl.col("paid_at")).dt.total_microseconds() / 1e6,
        is_stated=pl.lit(True),
    )
    everything = pl.concat([exported, own]).with_columns(
        payer=pl.col("account") * len(RAILS) + pl.col("rail")
    )
    return stated, everything.sort("payer", "paid_at", "row", "payment_id", nulls_last=True)


def _on_statement(payments: pl.DataFrame, ledger: Ledger) -> pl.DataFrame:
    """`payments` with row: the account's own payment out of that amount nearest in time; null for none."""
    legs = _debits(ledger, payments["account"].unique()).select(
        "account", "amount_minor", "currency", "booked_at", "row"
    )
    key = ["account", "amount_minor", "currency"]
    return payments.sort(*key, "paid_at", "payment_id").join_asof(
        legs.sort(*key, "booked_at", "row"),
        left_on="paid_at",
        right_on="booked_at",
        by=key,
        strategy="nearest",
        tolerance=f"{SAME_PAYMENT}us",
        check_sortedness=False,
    )


def _debits(ledger: Ledger, accounts: pl.Series | None = None) -> pl.DataFrame:
    """Payments out that took effect: account, booked_at, has_time, amount_minor, currency, row, texts."""
    legs = ledger.legs
    kept = ~legs["is_credit"]
    effective = effective_legs(ledger)
    if effective is not None:
        kept = kept & pl.Series(effective)
    if accounts is not None:
        kept = kept & legs["account"].is_in(accounts.implode())
    texts = [name for name in (*TEXT_COLUMNS, "merchant_category") if name in legs.columns]
    frame = legs.select("account", "booked_at", "has_time", "amount_minor", "row", *texts,
                        *(["currency"] if "currency" in legs.columns else [])).filter(kept)  # fmt: skip
    if "currency" not in frame.columns:
        code = ledger.accounts["currency"].cast(pl.String).gather(frame["account"])
        return frame.with_columns(currency=code)
    return frame.with_columns(pl.col("currency").cast(pl.String))


def _own_payments(ledger: Ledger, ads: pl.DataFrame, settings: Settings) -> pl.DataFrame:
    """Payments on the accounts' own statements that may be for adverts; platform where the text names it."""
    legs = _debits(ledger)
    texts = [name for name in TEXT_COLUMNS if name in legs.columns]
    category = legs["merchant_category"] if "merchant_category" in legs.columns else None
    if category is None and not texts:
        kinds = pl.repeat(0, legs.height, dtype=pl.UInt64, eager=True)
    else:
        kinds = load_vocabulary(settings.dictionaries).kinds_of(category, [legs[name] for name in texts])
    is_advert = (pl.col("kinds") & kind_bits("advert")) != 0
    is_means = (pl.col("kinds") & kind_bits(*MEANS)) != 0
    chosen = legs.with_columns(kinds=kinds).filter(is_advert | is_means)
    platforms = ads.select(name=normalised(pl.col("platform"))).unique().sort("name")["name"].drop_nulls()
    written = pl.concat_str(
        [pl.col(name).cast(pl.String).fill_null("") for name in texts] or [pl.lit("")], separator=" "
    )
    words = chosen.with_columns(text=written)["text"]
    distinct = pl.DataFrame({"text": words.unique()}).with_columns(
        platform=pl.format(" {} ", normalised(pl.col("text")))
        .str.extract_many([f" {name} " for name in platforms], leftmost=True)
        .list.first()
        .str.strip_chars()
    )
    named = pl.DataFrame({"text": words}).join(distinct, on="text", how="left", maintain_order="left")
    return chosen.select(
        "account",
        pl.when(is_advert).then(1).otherwise(2).cast(pl.UInt32).alias("rail"),
        pl.col("booked_at").alias("paid_at"),
        "has_time",
        named["platform"],
        "amount_minor",
        "currency",
        pl.lit(None, pl.String).alias("payment_id"),
        "row",
    )
