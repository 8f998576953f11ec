"""Networks: accounts that people, things, adverts or money tie to each other.

Ties (see ties.py) are joined oldest first. Two groups of three persons or more each become one network only
where the ties between them weigh 0.5 or more together: until then those are weak bridges, and cut. A tie that
would make a network of more than 50 accounts is cut as well. Each decision rests on earlier ties alone, so
later rows let networks grow and merge, never part.

A network is named after its oldest tie between two persons: when rows are only added later in time its name
stays, and where two networks merge the older one's name remains. What is judged (judgements.py), a value that
becomes common, a contact that is replaced, or a link of times and prices that more adverts make a matter of
chance may part one; the part with the oldest tie keeps the name.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import polars as pl

from finpat.ledger import Ledger, effective_part
from finpat.networks.identifiers import identifier_id, identifier_uses
from finpat.networks.judgements import denied_pairs, no_judgements
from finpat.networks.persons import persons_of
from finpat.networks.ties import build_ties

if TYPE_CHECKING:
    from finpat.adverts.adverts import Adverts

MOST_ACCOUNTS = 50  # of one network; chosen: what an analyst can look at
PART = 3  # persons from which a group is joined to another such group by strong ties only; chosen
WEAK = 0.5  # what ties between two such groups must weigh together: a value of four persons; chosen


@dataclass(frozen=True)
class Networks:
    """Networks of one ledger; accounts as codes of the ledger.

    networks: network_id, kind (kinds of its ties, joined by `;`), member_count, person_count, first_at,
        last_at.
    members: network_id, account, person (smallest code of the person's accounts).
    edges: network_id, account, other (the payee of payments; else the larger code), kind, identifier_id (of
        the value that they share), weight (0 to 1), shared_by (persons who share it; null for payments),
        count (rows or adverts), amount_minor and currency (payments only), first_at, last_at, rows (ledger
        rows, the oldest ones), ad_ids.
    bridges: ties that were cut because a network would have become too large, or weak_bridges because they
        alone tied two groups.
    """

    networks: pl.DataFrame
    members: pl.DataFrame
    edges: pl.DataFrame
    bridges: int
    weak_bridges: int


def build_networks(
    ledger: Ledger,
    uses: pl.DataFrame | None = None,
    adverts: Adverts | None = None,
    judgements: pl.DataFrame | None = None,
) -> Networks:
    """The networks of a ledger. Legs that say they did not take effect tie nobody.

    uses: of identifiers.identifier_uses; None: those of the ledger alone. judgements: of JUDGEMENT in
    judgements.py; whose accounts are whose is in the accounts already (persons.judged_persons).
    """
    if uses is None:
        uses = identifier_uses(ledger, adverts, pl.DataFrame())
    ledger = effective_part(ledger)
    persons = persons_of(ledger.accounts)
    ids = ledger.accounts["account_id"]
    denied = denied_pairs(ids, no_judgements() if judgements is None else judgements)
    ties = build_ties(ledger, persons, uses, adverts, denied)
    ties = ties.with_columns(name_one=ids.gather(ties["account"]), name_two=ids.gather(ties["other"])).sort(
        "born_at", "kind", "name_one", "name_two", "value"
    )
    group, too_large = _joined(ties, persons)
    one, two = ties["account"].to_numpy(), ties["other"].to_numpy()
    cut = group[one] != group[two]
    ties = ties.filter(pl.Series(~cut)).with_columns(group=pl.Series(group[one[~cut]]))
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
    shared = ~pl.col("kind").is_in(["advert", "authorised"])
    edges = (
        ties.join(names.select("group", "network_id"), on="group")
        .join(members.select("network_id").unique(), on="network_id", how="semi")
        # Two accounts may share several devices: told is the rarest.
        .sort("account", "other", "kind", -pl.col("weight"), "born_at", "value")
        .unique(["account", "other", "kind"], keep="first", maintain_order=True)
        .with_columns(
            identifier_id=pl.when(shared)
            .then(identifier_id(pl.col("kind"), pl.col("value")))
            .when(pl.col("kind") == "authorised")
            .then(identifier_id(pl.lit("holder"), pl.col("value")))
        )
        .select(
            "network_id", "account", "other", "kind", "identifier_id", "weight", "shared_by", "count",
            "amount_minor", "currency", "first_at", "last_at", "rows", "ad_ids",
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
    return Networks(networks, members, edges, too_large, int(cut.sum()) - too_large)


def _named(key: str) -> str:
    """A network's id out of its oldest tie."""
    return "N" + hashlib.blake2b(key.encode(), digest_size=6).hexdigest()


class _Groups:
    """Accounts in groups that grow and merge; between large ones, what weak ties have added up to."""

    def __init__(self, persons: npt.NDArray[np.uint32]) -> None:
        self.root = list(range(len(persons)))
        self.size = [1] * len(persons)
        self.people: dict[int, set[int]] = {}
        self.person = persons.tolist()
        # Per root, per other root: what ties the two, by what it rests on, and how much it weighs.
        self.bridges: dict[int, dict[int, dict[tuple[str, ...], float]]] = {}

    def find(self, item: int) -> int:
        while self.root[item] != item:
            self.root[item] = self.root[self.root[item]]
            item = self.root[item]
        return item

    def people_of(self, root: int) -> set[int]:
        return self.people.get(root) or {self.person[root]}

    def tie(self, left: int, right: int, basis: tuple[str, ...], weight: float) -> None:
        """Join the groups of two accounts, or keep the tie for when others come to support it."""
        a, b = sorted((self.find(left), self.find(right)))
        if a == b:
            return
        if basis[0] == "holder":
            self._merge(a, b)
            return
        known = self.bridges.setdefault(a, {}).setdefault(b, {})
        self.bridges.setdefault(b, {})[a] = known
        known[basis] = max(weight, known.get(basis, 0.0))
        self._settle(a, b)

    def _settle(self, a: int, b: int) -> None:
        known = self.bridges[a][b]
        apart = 1.0
        for weight in sorted(known.values()):
            apart *= 1.0 - weight
        small = min(len(self.people_of(a)), len(self.people_of(b))) < PART
        if small or 1.0 - apart >= WEAK - 1e-9:
            self._merge(a, b)

    def _merge(self, a: int, b: int) -> None:
        a, b = min(a, b), max(a, b)
        if self.size[a] + self.size[b] > MOST_ACCOUNTS:
            return
        self.people[a] = self.people_of(a) | self.people_of(b)
        self.people.pop(b, None)
        self.root[b] = a
        self.size[a] += self.size[b]
        moved = self.bridges.pop(b, {})
        mine = self.bridges.setdefault(a, {})
        mine.pop(b, None)
        moved.pop(a, None)
        for other, known in sorted(moved.items()):
            both = mine.setdefault(other, {})
            for basis, weight in known.items():
                both[basis] = max(weight, both.get(basis, 0.0))
            self.bridges[other].pop(b, None)
            self.bridges[other][a] = both
        for other in sorted(mine):
            if self.find(other) == other and other in self.bridges.get(self.find(a), {}):
                self._settle(*sorted((self.find(a), other)))


def _joined(ties: pl.DataFrame, persons: npt.NDArray[np.uint32]) -> tuple[npt.NDArray[np.uint32], int]:
    """Accounts joined by ties in the order in which they hold: account -> root, and how many were too large.

    A tie that weighs more later on (grown_at) is looked at again then.
    """
    groups = _Groups(persons)
    first = ties.select("born_at", "account", "other", "kind", "value", weight="born_weight").with_row_index(
        "tie"
    )
    grown = (
        ties.select("grown_at", "account", "other", "kind", "value", weight="grown_weight")
        .with_row_index("tie")
        .drop_nulls("grown_at")
        .rename({"grown_at": "born_at"})
    )
    events = pl.concat([first, grown]).sort("born_at", "tie", "weight")
    for left, right, kind, value, weight in events.select(
        "account", "other", "kind", "value", "weight"
    ).rows():
        basis = (kind, value) if value is not None else (kind, str(left), str(right))
        groups.tie(left, right, basis, weight)
    roots = np.array([groups.find(item) for item in range(len(persons))], dtype=np.uint32)
    too_large = 0
    for left, right in ties.select("account", "other").rows():
        a, b = int(roots[left]), int(roots[right])
        too_large += a != b and groups.size[a] + groups.size[b] > MOST_ACCOUNTS
    return roots, too_large


def network_tables(
    made: Networks, accounts: pl.DataFrame, listed: pl.DataFrame, transaction_ids: pl.Series
) -> dict[str, pl.DataFrame]:
    """The networks as the read model's tables `networks`, `network_members` and `network_edges`.

    accounts: `Ledger.accounts`. listed: account_id, score, possible_role, reason of every account.
    transaction_ids: of the rows of `made.edges`, one for each row in the order in which they stand there.
    """
    ids = accounts["account_id"].cast(pl.String)
    holder = accounts["holder_id"].cast(pl.String) if "holder_id" in accounts.columns else ids
    person = pl.coalesce(pl.Series("holder", holder).gather(made.members["person"]), pl.col("first"))
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
    edges = edges.join(named, on="edge", how="left", maintain_order="left").with_columns(
        evidence=pl.concat_list(pl.col("evidence", "ad_ids").fill_null([]))
    )
    edges = edges.drop("edge", "rows", "account", "other", "ad_ids")
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
