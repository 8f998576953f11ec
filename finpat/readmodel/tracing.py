"""The ties of a published run, as `networks.trace` follows them: identifiers, posters of adverts, payments.

Things are accounts, identifiers (of networks.identifiers), `cluster` (a poster's adverts), `advert` (one that
is in no cluster) and `counterparty` (the other side of payments, not held here). The id of an identifier is
its identifier_id, so that values never pass through a trace.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import polars as pl

from finpat.networks.identifiers import IDENTIFIER_KINDS, identifier_id, written_forms
from finpat.networks.trace import ABOUT, THING, TIE
from finpat.places import normalised
from finpat.schemas import BETWEEN_PERSONS, CASH, NOT_EFFECTIVE

Ask = Callable[..., pl.DataFrame]
LOOKED_AT = (
    "account", "holder", "holder's name", "phone", "email", "address", "device", "wallet", "url", "handle",
    "advert", "advert cluster", "counterparty",
)  # fmt: skip
EVIDENCE = 10  # ids told of one tie, the oldest
FULL_COUNT = 3  # payments from which a tie by payments weighs in full

# What ties accounts and counterparties: per pair, direction and currency its share of what either side moves
# that way. The pair is told by the direction and currency with the greatest geometric mean of both shares,
# and weighs that; fewer than FULL_COUNT payments weigh less in proportion. Shares never mix currencies.
_PAYMENTS = f"""
WITH moved AS (
    SELECT account_id, counterparty_id, direction, currency, amount, booked_at, transaction_id
    FROM rm.transactions
    WHERE channel IN ({", ".join(f"'{name}'" for name in BETWEEN_PERSONS)})
      AND coalesce(status, '') NOT IN ({", ".join(f"'{word}'" for word in NOT_EFFECTIVE)})
), pairs AS (
    SELECT account_id, counterparty_id, direction, currency, count(*) AS payments, sum(amount) AS amount,
        min(booked_at) AS first_at, max(booked_at) AS last_at,
        list(transaction_id ORDER BY booked_at, transaction_id)[:{EVIDENCE}] AS evidence
    FROM moved
    WHERE {{chosen}} AND counterparty_id <> '{CASH}'
    GROUP BY ALL
), own AS (
    SELECT account_id, direction, currency, sum(amount) AS total
    FROM moved WHERE account_id IN (SELECT account_id FROM pairs UNION SELECT counterparty_id FROM pairs)
    GROUP BY ALL
), told AS (
    SELECT counterparty_id, direction, currency, sum(amount) AS total
    FROM moved WHERE counterparty_id IN (SELECT counterparty_id FROM pairs) GROUP BY ALL
)
SELECT p.account_id, p.counterparty_id, p.direction, p.currency, p.payments, p.amount, p.first_at, p.last_at,
    p.evidence, h.account_id IS NOT NULL AS is_held,
    sqrt((p.amount / o.total)::DOUBLE * (p.amount / greatest(t.total, coalesce(c.total, 0)))::DOUBLE) AS share
FROM pairs p
JOIN own o USING (account_id, direction, currency)
JOIN told t USING (counterparty_id, direction, currency)
LEFT JOIN own c ON c.account_id = p.counterparty_id AND c.direction <> p.direction
    AND c.currency = p.currency
LEFT JOIN rm.accounts h ON h.account_id = p.counterparty_id
"""

_USES = """
SELECT u.*, i.kind, m.cluster_id FROM rm.identifier_uses u JOIN rm.identifiers i USING (identifier_id)
LEFT JOIN rm.ad_cluster_members m USING (ad_id)
WHERE {chosen}
"""


class PublishedTies:
    """`networks.trace.Ties` out of one read model.

    ask: runs one SQL question with named parameters. reveal: labels show values in place of their shapes.
    """

    def __init__(self, ask: Ask, *, reveal: bool) -> None:
        self._ask = ask
        self._reveal = reveal

    # ------------------------------------------------------------------------------------------- starts

    def starts(self, value: str) -> pl.DataFrame:
        """kind, id of everything that a text may stand for; empty where it is unknown.

        An id is taken as it is written; contacts in any spelling, numbers without country code by the
        numbering plans of the countries that accounts and adverts name.
        """
        text = value.strip()
        direct = self._ask(
            "SELECT 'account' AS kind, account_id AS id FROM rm.accounts WHERE account_id = $text UNION ALL "
            "SELECT kind, identifier_id FROM rm.identifiers WHERE identifier_id = $text UNION ALL "
            "SELECT 'cluster', cluster_id FROM rm.ad_clusters WHERE cluster_id = $text UNION ALL "
            "SELECT * FROM (SELECT CASE WHEN m.cluster_id IS NULL THEN 'advert' ELSE 'cluster' END, "
            "coalesce(m.cluster_id, a.ad_id) FROM rm.ads a LEFT JOIN rm.ad_cluster_members m USING (ad_id) "
            "WHERE a.ad_id = $text)",
            text=text,
        )
        countries = self._ask(
            "SELECT DISTINCT upper(trim(country)) AS country FROM (SELECT country FROM rm.accounts UNION ALL "
            "SELECT country FROM rm.ads) WHERE country IS NOT NULL ORDER BY country"
        )["country"].to_list()
        forms = written_forms(text, countries)
        forms = forms.select(identifier_id=identifier_id(pl.col("kind"), pl.col("value")))
        written = self._ask(
            "SELECT kind, identifier_id AS id FROM rm.identifiers "
            "WHERE identifier_id IN (SELECT unnest($ids::VARCHAR[]))",
            ids=forms["identifier_id"].to_list(),
        )
        found = pl.concat([part.cast(THING) for part in (direct, written, self._named(text))])  # type: ignore[arg-type]
        if found.is_empty():
            found = self._ask(
                "SELECT DISTINCT 'counterparty' AS kind, counterparty_id AS id FROM rm.transactions "
                "WHERE counterparty_id = $text",
                text=text,
            ).cast(THING)  # type: ignore[arg-type]
        return found.unique().sort("kind", "id")

    def _named(self, text: str) -> pl.DataFrame:
        """Accounts whose holder has this name, whatever its case and accents."""
        folded = pl.DataFrame({"text": [text]}).select(normalised(pl.col("text"))).item()
        words = folded.split()
        if not words:
            return pl.DataFrame(schema=THING)
        near = self._ask(
            "SELECT account_id AS id, holder_name FROM rm.accounts WHERE holder_name IS NOT NULL "
            "AND strip_accents(lower(holder_name)) LIKE '%' || $word || '%'",
            word=max(words, key=len),
        )
        same = near.filter(normalised(pl.col("holder_name")) == folded)
        return same.select(pl.lit("account").alias("kind"), "id").cast(THING)  # type: ignore[arg-type]

    def nearest(self, value: str) -> str | None:
        """The known account, advert or holder that is spelt most like `value`; None where none is near."""
        found = self._ask(
            "SELECT id FROM (SELECT account_id AS id FROM rm.accounts UNION ALL SELECT ad_id FROM rm.ads "
            "UNION ALL SELECT DISTINCT holder_id FROM rm.accounts) "
            "WHERE jaro_winkler_similarity(id, $text) > 0.8 "
            "ORDER BY jaro_winkler_similarity(id, $text) DESC, id LIMIT 1",
            text=value.strip(),
        )
        return None if found.is_empty() else str(found["id"][0])

    # --------------------------------------------------------------------------------------------- ties

    def ties_of(self, things: pl.DataFrame) -> pl.DataFrame:
        """The ties that go out from these things; see `networks.trace.Ties`."""
        ids = {str(kind): part["id"].to_list() for (kind,), part in things.group_by("kind")}
        parts = [pl.DataFrame(schema=TIE)]
        for found in self._ties(ids):
            absent = {name: dtype for name, dtype in TIE.items() if name not in found.columns}
            filled = found.with_columns(pl.lit(None, dtype).alias(name) for name, dtype in absent.items())
            parts.append(filled.select(TIE.keys()).cast(TIE))  # type: ignore[arg-type]
        return pl.concat(parts)

    def _ties(self, ids: dict[str, list[str]]) -> Iterator[pl.DataFrame]:
        identifiers = [one for kind in IDENTIFIER_KINDS for one in ids.get(kind, [])]
        accounts, clusters, adverts, others = (
            ids.get(kind, []) for kind in ("account", "cluster", "advert", "counterparty")
        )
        if accounts:
            yield _from_user(self._uses("u.account_id", accounts), "account", pl.col("account_id"))
            yield self._adverts_paid("s.account_id", accounts)
        if accounts or others:
            yield self._payments(accounts, others)
        if identifiers:
            yield _to_users(self._uses("u.identifier_id", identifiers))
        if clusters:
            yield _from_user(self._uses("m.cluster_id", clusters), "cluster", pl.col("cluster_id"))
            yield _turned(self._adverts_paid("cluster_id", clusters))
        if adverts:
            yield _from_user(self._uses("u.ad_id", adverts), "advert", pl.col("ad_id"))
            yield _turned(self._adverts_paid("s.ad_id", adverts))

    def _uses(self, column: str, ids: list[str]) -> pl.DataFrame:
        return self._ask(_USES.format(chosen=f"{column} IN (SELECT unnest($ids::VARCHAR[]))"), ids=ids)

    def _adverts_paid(self, column: str, ids: list[str]) -> pl.DataFrame:
        """Ties from accounts to the adverts that they paid for: stated, or by a link of times and prices."""
        chosen = f"{column} IN (SELECT unnest($ids::VARCHAR[]))"
        stated = self._ask(
            "SELECT s.account_id, m.cluster_id, s.ad_id, a.posted_at, "
            "coalesce(s.transaction_id, s.payment_id) AS evidence FROM rm.ad_payment_matches s "
            "LEFT JOIN rm.ad_cluster_members m USING (ad_id) LEFT JOIN rm.ads a USING (ad_id) "
            f"WHERE s.is_stated AND {chosen}",
            ids=ids,
        )
        in_cluster = pl.col("cluster_id").is_not_null()
        told = (
            stated.with_columns(
                to_kind=pl.when(in_cluster).then(pl.lit("cluster")).otherwise(pl.lit("advert")),
                to_id=pl.coalesce("cluster_id", "ad_id"),
            )
            .sort("account_id", "to_kind", "to_id", "posted_at", "evidence")
            .group_by("account_id", "to_kind", "to_id", maintain_order=True)
            .agg(
                count=pl.len(),
                first_at=pl.col("posted_at").min(),
                last_at=pl.col("posted_at").max(),
                evidence=pl.col("evidence").head(EVIDENCE),
                how=pl.lit("advert payment, stated"),
                weight=pl.lit(1.0),
            )
        )
        parts = [told]
        if column != "s.ad_id":
            parts.append(self._links(chosen, ids))
        ties = pl.concat(parts, how="diagonal_relaxed")
        return ties.with_columns(from_kind=pl.lit("account")).rename({"account_id": "from_id"})

    def _links(self, chosen: str, ids: list[str]) -> pl.DataFrame:
        """Links by time and price: they weigh the share of coincidences that chance does not explain."""
        return self._ask(
            "SELECT s.account_id, 'cluster' AS to_kind, s.cluster_id AS to_id, s.k AS count, "
            "'consistent with paying for adverts' AS how, greatest(1 - s.expected / s.k, 0) AS weight, "
            "e.first_at, e.last_at, e.evidence FROM rm.ad_payment_links s LEFT JOIN ("
            "SELECT t.account_id, m.cluster_id, min(a.posted_at) AS first_at, max(a.posted_at) AS last_at, "
            f"list(coalesce(t.transaction_id, t.payment_id) ORDER BY a.posted_at, t.ad_id)[:{EVIDENCE}] "
            "AS evidence FROM rm.ad_payment_matches t JOIN rm.ad_cluster_members m USING (ad_id) "
            "JOIN rm.ads a USING (ad_id) WHERE NOT t.is_stated GROUP BY ALL"
            f") e USING (account_id, cluster_id) WHERE {chosen}",
            ids=ids,
        )

    def _payments(self, accounts: list[str], others: list[str]) -> pl.DataFrame:
        """Ties by payments, from these accounts and counterparties."""
        chosen = (
            "(account_id IN (SELECT unnest($accounts::VARCHAR[])) "
            "OR counterparty_id IN (SELECT unnest($others::VARCHAR[])))"
        )
        found = self._ask(_PAYMENTS.format(chosen=chosen), accounts=accounts, others=others)
        is_start = pl.col("account_id").is_in(accounts)
        outward = found.filter(is_start).rename({"account_id": "from_id", "counterparty_id": "to_id"})
        inward = found.filter(pl.col("counterparty_id").is_in(others)).rename(
            {"account_id": "to_id", "counterparty_id": "from_id"}
        )
        held = pl.when("is_held").then(pl.lit("account")).otherwise(pl.lit("counterparty"))
        one = pl.concat(
            [
                outward.with_columns(from_kind=pl.lit("account"), to_kind=held),
                inward.with_columns(from_kind=pl.lit("counterparty"), to_kind=pl.lit("account")).select(
                    *outward.columns, "from_kind", "to_kind"
                ),
            ]
        )
        ends = ["from_kind", "from_id", "to_kind", "to_id"]
        most = one.sort(
            *ends, "share", "payments", "currency", "direction",
            descending=[False] * 4 + [True, True, False, False],
        ).unique(ends, keep="first", maintain_order=True)  # fmt: skip
        sent = pl.col("direction") == "debit"
        forward = pl.col("from_kind") == "account"
        return most.rename({"payments": "count"}).with_columns(
            how=pl.when(sent == forward).then(pl.lit("payments to")).otherwise(pl.lit("payments from")),
            weight=pl.col("share") * (pl.col("count") / FULL_COUNT).clip(0.0, 1.0),
        )

    # -------------------------------------------------------------------------------------------- about

    def about(self, things: pl.DataFrame) -> pl.DataFrame:
        """Label, shared_by and rarity of things; see `networks.trace.Ties`."""
        parts = [pl.DataFrame(schema=ABOUT)]
        for (kind,), part in things.group_by("kind"):
            ids = part["id"].to_list()
            if kind in IDENTIFIER_KINDS:
                value = "coalesce(v.value, i.shape)" if self._reveal else "i.shape"
                found = self._ask(
                    f"SELECT i.kind, i.identifier_id AS id, {value} AS label, i.shared_by, "
                    "i.weight AS rarity FROM rm.identifiers i "
                    "LEFT JOIN rm.identifier_values v USING (identifier_id) "
                    "WHERE i.identifier_id IN (SELECT unnest($ids::VARCHAR[]))",
                    ids=ids,
                )
            elif kind == "counterparty":
                # Its share of what each account moves is in the tie's weight already.
                found = self._ask(
                    "SELECT 'counterparty' AS kind, counterparty_id AS id, counterparty_id AS label, "
                    "count(DISTINCT account_id) AS shared_by, NULL AS rarity FROM rm.transactions "
                    "WHERE counterparty_id IN (SELECT unnest($ids::VARCHAR[])) GROUP BY ALL",
                    ids=ids,
                )
            else:
                continue
            parts.append(found.select(ABOUT.keys()).cast(ABOUT))  # type: ignore[arg-type]
        return pl.concat(parts)


def _from_user(uses: pl.DataFrame, kind: str, id: pl.Expr) -> pl.DataFrame:
    """Uses as ties from the account, advert or poster to the identifier."""
    return _counted(
        uses.with_columns(
            from_kind=pl.lit(kind), from_id=id, to_kind=pl.col("kind"), to_id=pl.col("identifier_id")
        )
    )


def _to_users(uses: pl.DataFrame) -> pl.DataFrame:
    """Uses as ties from the identifier to the account, the poster, or the advert that has no poster."""
    is_account, in_cluster = pl.col("account_id").is_not_null(), pl.col("cluster_id").is_not_null()
    return _counted(
        uses.with_columns(
            from_kind=pl.col("kind"),
            from_id=pl.col("identifier_id"),
            to_kind=pl.when(is_account)
            .then(pl.lit("account"))
            .when(in_cluster)
            .then(pl.lit("cluster"))
            .otherwise(pl.lit("advert")),
            to_id=pl.coalesce("account_id", "cluster_id", "ad_id"),
        )
    )


def _counted(ties: pl.DataFrame) -> pl.DataFrame:
    """One tie for all uses by one poster; an advert is its own evidence."""
    evidence = pl.when(pl.col("ad_id").is_not_null() & pl.col("evidence").is_null()).then(
        pl.concat_list("ad_id")
    )
    return (
        ties.with_columns(evidence=evidence.otherwise("evidence"))
        .sort("first_at", "ad_id", nulls_last=True)
        .group_by("from_kind", "from_id", "to_kind", "to_id", "how", maintain_order=True)
        .agg(
            pl.col("count").sum(),
            first_at=pl.col("first_at").min(),
            last_at=pl.col("last_at").max(),
            evidence=pl.col("evidence").explode(empty_as_null=True).drop_nulls().head(EVIDENCE),
            weight=pl.lit(1.0),
        )
    )


def _turned(ties: pl.DataFrame) -> pl.DataFrame:
    """Ties told from their other end."""
    return ties.rename(
        {"from_kind": "to_kind", "from_id": "to_id", "to_kind": "from_kind", "to_id": "from_id"}
    )
