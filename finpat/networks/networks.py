"""Networks: accounts that people, things or money tie to each other.

Ties are of six kinds: `holder` (two accounts of one holder), `phone`, `email`, `address`, `device` (a value
that few persons share) and `payment` (repeated payments that are much of what one sends and of what the other
receives). Every tie has an instant from which it holds, judged by earlier rows alone, so that later rows add
ties and take none away. Ties are joined oldest first; one that would make a network of more than 50 accounts
is a bridge and is cut. A network is named after its oldest tie between two persons: when rows are only added
later in time its name stays, and where two networks merge the older one's name remains. A value that more
persons come to share than the cap, or a contact that a later accounts file replaces, ties nobody any more.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from finpat.ledger import IS_OWN_ACT, NO_PARTY, Ledger, effective_part
from finpat.networks.identifiers import contacts
from finpat.networks.persons import persons_of

MOST_SHARING = {"phone": 10, "email": 10, "address": 6, "device": 10}  # persons; more tie nobody; chosen
MOST_ACCOUNTS = 50  # of one network; chosen: what an analyst can look at
PAYMENT_CHANNELS = ("transfer", "p2p", "wallet", "crypto")
MIN_PAYMENTS = 3  # within the window before they tie; chosen
WINDOW_DAYS = 90
MIN_STRENGTH = 0.3  # geometric mean of the shares of what one sends and the other receives; chosen
EVIDENCE_ROWS = 20  # rows kept of one tie, the oldest


@dataclass(frozen=True)
class Networks:
    """Networks of one ledger; accounts as codes of the ledger.

    networks: network_id, kind (kinds of its ties, joined by `;`), member_count, person_count, first_at,
        last_at.
    members: network_id, account, person (smallest code of the holder's accounts).
    edges: network_id, account, other (the payee of payments; else the larger code), kind, weight (0 to 1),
        shared_by (persons who share the value; null for payments), count (rows), amount_minor and currency
        (payments only), first_at, last_at, rows (ledger rows, the oldest ones).
    bridges: ties that were cut because a network would have become too large.
    """

    networks: pl.DataFrame
    members: pl.DataFrame
    edges: pl.DataFrame
    bridges: int


def build_networks(ledger: Ledger) -> Networks:
    """The networks of a ledger. Legs that say they did not take effect tie nobody."""
    ledger = effective_part(ledger)
    persons = persons_of(ledger.accounts)
    ties = pl.concat(
        [_holder_ties(ledger, persons), _value_ties(ledger, persons), _payment_ties(ledger, persons)]
    )
    ids = ledger.accounts["account_id"]
    ties = ties.with_columns(name_one=ids.gather(ties["account"]), name_two=ids.gather(ties["other"])).sort(
        "born_at", "kind", "name_one", "name_two"
    )
    group, cut = _joined(ties["account"].to_numpy(), ties["other"].to_numpy(), ledger.account_count)
    bridges = int(cut.sum())
    ties = ties.filter(pl.Series(~cut)).with_columns(group=pl.Series(group[ties["account"].to_numpy()[~cut]]))
    key = pl.format("{}\x1f{}\x1f{}", "kind", "name_one", "name_two")
    # Two accounts of one holder are no network yet, so their tie gives no name.
    between = ties.filter(pl.col("kind") != "holder")
    names = between.group_by("group", maintain_order=True).agg(key=key.first())
    names = names.with_columns(network_id=pl.Series([_named(text) for text in names["key"]], dtype=pl.String))
    members = (
        pl.DataFrame({"account": np.arange(len(group), dtype=np.uint32), "group": group, "person": persons})
        .join(names.select("group", "network_id"), on="group")
        .filter(pl.col("person").n_unique().over("group") > 1)
        .select("network_id", "account", "person")
        .sort("network_id", "account")
    )
    edges = (
        ties.join(names.select("group", "network_id"), on="group")
        .join(members.select("network_id").unique(), on="network_id", how="semi")
        .select(
            "network_id", "account", "other", "kind", "weight", "shared_by", "count", "amount_minor",
            "currency", "first_at", "last_at", "rows",
        )
        .sort("network_id", "account", "other", "kind")
    )  # fmt: skip
    about = edges.group_by("network_id").agg(
        kind=pl.col("kind").unique().sort().str.join(";"),
        first_at=pl.col("first_at").min(),
        last_at=pl.col("last_at").max(),
    )
    networks = (
        members.group_by("network_id")
        .agg(member_count=pl.len(), person_count=pl.col("person").n_unique())
        .join(about, on="network_id")
        .sort("network_id")
    )
    return Networks(networks, members, edges, bridges)


def _named(key: str) -> str:
    """A network's id out of its oldest tie."""
    return "N" + hashlib.blake2b(key.encode(), digest_size=6).hexdigest()


def _joined(
    one: npt.NDArray[np.uint32], two: npt.NDArray[np.uint32], size: int
) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.bool_]]:
    """Accounts joined by ties in their order: account -> root, and per tie whether it was cut as a bridge."""
    root = np.arange(size, dtype=np.uint32)
    count = np.ones(size, np.int64)
    cut = np.zeros(len(one), np.bool_)

    def find(item: int) -> int:
        while root[item] != item:
            root[item] = root[root[item]]
            item = int(root[item])
        return item

    for tie, (left, right) in enumerate(zip(one.tolist(), two.tolist(), strict=True)):
        a, b = sorted((find(left), find(right)))
        if a == b:
            continue
        if count[a] + count[b] > MOST_ACCOUNTS:
            cut[tie] = True
            continue
        root[b] = a
        count[a] += count[b]
    return np.array([find(item) for item in range(size)], dtype=np.uint32), cut


_TIE: dict[str, pl.DataType | type[pl.DataType]] = {
    "account": pl.UInt32, "other": pl.UInt32, "kind": pl.String, "weight": pl.Float64, "shared_by": pl.Int64,
    "count": pl.Int64, "amount_minor": pl.Int64, "currency": pl.String, "born_at": pl.Datetime("us"),
    "first_at": pl.Datetime("us"), "last_at": pl.Datetime("us"), "rows": pl.List(pl.UInt32),
}  # fmt: skip


def _of_ties(frame: pl.DataFrame) -> pl.DataFrame:
    """`frame` with the columns of a tie, those it lacks as nulls."""
    absent = {name: dtype for name, dtype in _TIE.items() if name not in frame.columns}
    filled = frame.with_columns(pl.lit(None, dtype).alias(name) for name, dtype in absent.items())
    return filled.select(pl.col(name).cast(dtype) for name, dtype in _TIE.items())


def _used(ledger: Ledger) -> pl.DataFrame:
    """account, first_at, last_at."""
    codes = np.arange(ledger.account_count, dtype=np.uint32)
    return ledger.accounts.select("first_at", "last_at", account=pl.Series(codes))


def _holder_ties(ledger: Ledger, persons: npt.NDArray[np.uint32]) -> pl.DataFrame:
    """Each further account of a holder, tied to the holder's first one from when both are in use."""
    used = _used(ledger)
    own = used.with_columns(other=pl.Series(persons)).filter(pl.col("account") != pl.col("other"))
    first = used.select(other="account", other_first="first_at", other_last="last_at")
    return _of_ties(
        own.join(first, on="other").select(
            account="other",
            other="account",
            kind=pl.lit("holder"),
            weight=pl.lit(1.0),
            count=pl.lit(0),
            born_at=pl.max_horizontal("first_at", "other_first"),
            first_at=pl.min_horizontal("first_at", "other_first"),
            last_at=pl.max_horizontal("last_at", "other_last"),
        )
    )


def _value_ties(ledger: Ledger, persons: npt.NDArray[np.uint32]) -> pl.DataFrame:
    """Accounts of different persons that share a rare telephone, e-mail, address or device."""
    shared = contacts(ledger.accounts).join(_used(ledger), on="account")
    shared = shared.with_columns(count=pl.lit(0, pl.Int64), rows=pl.lit([], pl.List(pl.UInt32)))
    if "device_id" in ledger.legs.columns:
        used = (
            ledger.legs.lazy()
            .filter(pl.col("device_id").is_not_null(), IS_OWN_ACT)
            .group_by("account", value=pl.col("device_id").cast(pl.String))
            .agg(
                first_at=pl.col("booked_at").min(),
                last_at=pl.col("booked_at").max(),
                count=pl.len().cast(pl.Int64),
                rows=pl.col("row").sort_by("booked_at", "row").head(EVIDENCE_ROWS // 2),
            )
            .with_columns(kind=pl.lit("device"))
            .collect()
        )
        shared = pl.concat([shared, used.select(shared.columns)])
    most = pl.col("kind").replace_strict(MOST_SHARING, return_dtype=pl.Int64)
    rare = (
        shared.with_columns(person=pl.Series(persons).gather(shared["account"]))
        .with_columns(shared_by=pl.col("person").n_unique().over("kind", "value").cast(pl.Int64))
        .filter(pl.col("shared_by") > 1, pl.col("shared_by") <= most)
    )
    pairs = rare.join(rare, on=["kind", "value", "shared_by"], suffix="_other").filter(
        pl.col("account") < pl.col("account_other"), pl.col("person") != pl.col("person_other")
    )
    return _of_ties(
        pairs.select(
            "account",
            "kind",
            "shared_by",
            other="account_other",
            weight=1.0 / (pl.col("shared_by") - 1),
            count=pl.col("count") + pl.col("count_other"),
            born_at=pl.max_horizontal("first_at", "first_at_other"),
            first_at=pl.min_horizontal("first_at", "first_at_other"),
            last_at=pl.max_horizontal("last_at", "last_at_other"),
            rows=pl.concat_list("rows", "rows_other"),
        )
        # Two accounts may share several devices: one tie, the rarest.
        .sort("account", "other", "kind", "shared_by", "born_at")
        .unique(["account", "other", "kind"], keep="first", maintain_order=True)
    )


def _payment_ties(ledger: Ledger, persons: npt.NDArray[np.uint32]) -> pl.DataFrame:
    """Pairs with repeated payments that are much of what one sends and of what the other receives.

    3 payments or more in 90 days, whose geometric mean share (of what the payer sends, of what the payee
    receives, by transfer, P2P, wallet or crypto in those 90 days) reaches 0.3. Payments between persons only.
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
        pl.col("other").is_null()
        | (pl.Series(persons[legs["account"].to_numpy()]) != _person(other, persons))
    )
    period = f"{WINDOW_DAYS}d"
    pairs = legs.filter(pl.col("other") >= 0).with_columns(
        payer=pl.when("is_credit").then("other").otherwise("account").cast(pl.UInt32),
        payee=pl.when("is_credit").then("account").otherwise("other").cast(pl.UInt32),
    )
    often = pairs.filter(pl.len().over("payer", "payee", "is_credit") >= MIN_PAYMENTS)
    # What the windows of these pairs are shares of: all that one side sends, or receives.
    legs = legs.join(often.select("account", "is_credit").unique(), on=["account", "is_credit"], how="semi")
    totals = legs.sort("account", "is_credit", "booked_at").rolling(
        "booked_at", period=period, group_by=["account", "is_credit"]
    )
    whole = totals.agg(total_minor=pl.col("account_minor").sum()).unique(
        ["account", "is_credit", "booked_at"], keep="last", maintain_order=True
    )
    sides = (
        often.sort("payer", "payee", "is_credit", "booked_at", "row")
        .rolling("booked_at", period=period, group_by=["payer", "payee", "is_credit"])
        .agg(payments=pl.len(), own_minor=pl.col("account_minor").sum())
        .unique(["payer", "payee", "is_credit", "booked_at"], keep="last", maintain_order=True)
        .with_columns(account=pl.when("is_credit").then("payee").otherwise("payer"))
        .join(whole, on=["account", "is_credit", "booked_at"])
        .with_columns(share=pl.col("own_minor") / pl.col("total_minor"))
    )
    sent = sides.filter(~pl.col("is_credit")).select("payer", "payee", "booked_at", "payments", "share")
    got = sides.filter("is_credit").select("payer", "payee", "booked_at", got="share")
    strength = (pl.col("share") * pl.col("got")).sqrt()
    born = (
        sent.join(got, on=["payer", "payee", "booked_at"])
        .with_columns(weight=strength)
        .filter(pl.col("payments") >= MIN_PAYMENTS, pl.col("weight") >= MIN_STRENGTH)
        .group_by("payer", "payee")
        .agg(born_at=pl.col("booked_at").min(), weight=pl.col("weight").max())
    )
    currency = ledger.accounts["currency"].cast(pl.String)
    paid = (
        pairs.filter(~pl.col("is_credit"))
        .join(born, on=["payer", "payee"])
        .sort("payer", "payee", "booked_at", "row")
        .group_by("payer", "payee", maintain_order=True)
        .agg(
            pl.col("weight", "born_at").first(),
            count=pl.len(),
            amount_minor=pl.col("account_minor").sum(),
            first_at=pl.col("booked_at").min(),
            last_at=pl.col("booked_at").max(),
            rows=pl.col("row").head(EVIDENCE_ROWS),
        )
    )
    return _of_ties(
        paid.rename({"payer": "account", "payee": "other"}).with_columns(
            kind=pl.lit("payment"), currency=currency.gather(paid["payer"])
        )
    )


def _person(other: npt.NDArray[np.int64], persons: npt.NDArray[np.uint32]) -> pl.Series:
    """Who holds each account of `other`; -1 where it is not held here."""
    if not len(persons):
        return pl.Series(other)
    return pl.Series(np.where(other >= 0, persons[np.maximum(other, 0)].astype(np.int64), -1))


def network_tables(
    made: Networks, accounts: pl.DataFrame, listed: pl.DataFrame, transaction_ids: pl.Series
) -> dict[str, pl.DataFrame]:
    """The networks as the read model's tables `networks`, `network_members` and `network_edges`.

    accounts: `Ledger.accounts`. listed: account_id, score, possible_role, reason of every account.
    transaction_ids: of the rows of `made.edges`, one for each row in the order in which they stand there.
    """
    ids = accounts["account_id"].cast(pl.String)
    holder = accounts["holder_id"].cast(pl.String) if "holder_id" in accounts.columns else ids
    person = pl.coalesce(pl.Series("holder", holder).gather(made.members["account"]), pl.col("first"))
    members = made.members.with_columns(
        account_id=ids.gather(made.members["account"]), first=ids.gather(made.members["person"])
    ).with_columns(person_id=person)
    members = members.join(listed.select("account_id", "score", "possible_role", "reason"), on="account_id")
    edges = made.edges.with_row_index("edge").with_columns(
        from_id=ids.gather(made.edges["account"]), to_id=ids.gather(made.edges["other"])
    )
    rows = edges.select("edge", "rows").explode("rows", empty_as_null=True).drop_nulls("rows")
    named = (
        rows.with_columns(evidence=transaction_ids.cast(pl.String))
        .group_by("edge")
        .agg(pl.col("evidence").unique(maintain_order=True))
    )
    edges = edges.join(named, on="edge", how="left", maintain_order="left").drop(
        "edge", "rows", "account", "other"
    )
    one = pl.col("currency").drop_nulls()
    money = edges.group_by("network_id").agg(
        amount_minor=pl.when(one.n_unique() == 1).then(pl.col("amount_minor").sum()),
        currency=pl.when(one.n_unique() == 1).then(one.first()),
    )
    scored = members.group_by("network_id").agg(
        score=pl.col("score").max(), flagged=(pl.col("possible_role") != "unclear").sum()
    )
    told = pl.format(
        "{} accounts of {} persons tied by {}, from {} to {}", "member_count", "person_count",
        pl.col("kind").str.replace_all(";", ", "), pl.col("first_at").dt.date(), pl.col("last_at").dt.date(),
    )  # fmt: skip
    networks = (
        made.networks.join(money, on="network_id").join(scored, on="network_id").with_columns(reason=told)
    )
    if "holder_id" not in accounts.columns:
        networks = networks.with_columns(person_count=pl.lit(None, pl.Int64))
    return {
        "networks": networks.drop("flagged"),
        "network_members": members.drop("account", "person", "first", "score"),
        "network_edges": edges,
    }
