"""Named questions about one published run; the only way that exports, explain and the dashboard read it.

Answers are frames with the columns of `schema`, or plain dictionaries for single things. Every call has its
own cursor, so one `ReadModel` serves many threads.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import polars as pl

from finpat.errors import RunError, UsageError
from finpat.networks.trace import Reach, Trace, follow_ties
from finpat.readmodel import schema
from finpat.readmodel.publish import CURRENT
from finpat.readmodel.tracing import LOOKED_AT, PublishedTies

PIECE_ROWS = 500_000  # rows that are held at a time when a whole table is read


class Page(NamedTuple):
    """Place in an account's transactions, newest first: the last row that the reader has seen."""

    booked_at: datetime
    transaction_id: str
    direction: str


def current_path(folder: Path) -> Path:
    """The file that CURRENT names in a workspace's readmodel folder.

    Raises:
        RunError: no run has been published there.
    """
    try:
        name = (folder / CURRENT).read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        raise RunError(
            f"{folder.parent}: no run yet; load exports with `finpat ingest`, then `finpat run`"
        ) from None
    return folder / name


def _has_reason(reveal: str | None, what: str) -> bool:
    """Whether a reason for showing sensitive values is given; an empty one is none, and refused."""
    if reveal is not None and not reveal.strip():
        raise UsageError(f"{what}: say why they must be shown")
    return reveal is not None


class ReadModel:
    """One published run, opened read-only."""

    def __init__(self, path: Path, *, threads: int = 1) -> None:
        """Open the file; one thread answers look-ups fastest.

        Raises:
            RunError: the file is missing or cannot be read.
        """
        self.path = path
        if not path.exists():
            raise RunError(f"{path}: no such published run")
        try:
            self._connection = duckdb.connect(str(path), read_only=True, config={"threads": threads})
        except duckdb.Error as error:
            reason = str(error).splitlines()[0]
            raise RunError(f"{path}: cannot be read: {reason}; make it anew with `finpat run`") from None

    def __enter__(self) -> ReadModel:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    def ask(self, sql: str, **parameters: Any) -> pl.DataFrame:
        """Answer of one statement, for the question modules of this room; values go in as `$name`.

        Raises:
            RunError: the file lacks a table or column, since another version of finpat published it.
        """
        # A relation hands over frames, a cursor does not; and one connection holds one open result only.
        # Polars reads the stream itself: .pl() makes a pyarrow table first, which takes as long as the query.
        with self._connection.cursor() as cursor:
            try:
                return pl.DataFrame(cursor.sql(sql, params=parameters).to_arrow_reader())
            except duckdb.CatalogException as error:
                reason = str(error).splitlines()[0]
                raise RunError(
                    f"{self.path}: was published by another version of finpat ({reason}); make it anew with "
                    "`finpat run`"
                ) from None

    def one(self, sql: str, **parameters: Any) -> dict[str, Any] | None:
        """First row of an answer, or None; for the question modules of this room."""
        # One row needs no frame.
        with self._connection.cursor() as cursor:
            row = cursor.execute(sql, parameters).fetchone()
            return (
                None
                if row is None
                else dict(zip((name for name, *_ in cursor.description), row, strict=True))
            )

    def manifest(self) -> dict[str, Any]:
        """Manifest of the run: what it read, with which settings and versions."""
        row = self.one("SELECT manifest FROM rm.runs")
        if row is None:
            raise RunError(f"{self.path}: names no run")
        manifest: dict[str, Any] = json.loads(row["manifest"])
        return manifest

    @property
    def run_id(self) -> str:
        """Number of the run."""
        return str(self.manifest()["run_id"])

    def flagged(self, top: int = 0, min_score: int = 0, new_since: ReadModel | None = None) -> pl.DataFrame:
        """The list, best first: the `top` accounts (0: all) with at least `min_score`.

        `new_since` leaves out the accounts that the same choice gave in that earlier run.
        """
        limit = f"LIMIT {top:d}" if top else ""
        listed = self.ask(
            f"SELECT * FROM rm.flagged_accounts WHERE score >= $min_score ORDER BY rank {limit}",
            min_score=min_score,
        )
        if new_since is None:
            return listed
        before = new_since.flagged(top, min_score).select("account_id")
        return listed.join(before, on="account_id", how="anti", maintain_order="left")

    def ranking(self, after_rank: int = 0, limit: int = 50) -> pl.DataFrame:
        """One page of the list: the accounts ranked next after `after_rank`, best first."""
        # The list is stored by rank: a range of ranks is read alone, an OFFSET would read all before it.
        return self.ask(
            "SELECT * FROM rm.flagged_accounts WHERE rank > $after AND rank <= $last ORDER BY rank",
            after=after_rank,
            last=after_rank + limit,
        )

    def ranked(self) -> pl.DataFrame:
        """What alerts are opened by, of every account, best first.

        account_id, rank, score, band, possible_role, indicators (joined by `;`), findings (how many).
        """
        return self.ask(
            "SELECT account_id, rank, score, band, possible_role, indicators, coalesce(n, 0) AS findings "
            "FROM rm.flagged_accounts LEFT JOIN (SELECT account_id, count(*) AS n FROM rm.findings "
            "WHERE state = 'found' GROUP BY account_id) USING (account_id) ORDER BY rank"
        )

    def account(self, account_id: str) -> dict[str, Any] | None:
        """Everything about one account in one row: its place in the list, its holder, its counts."""
        # Two look-ups: planning a join takes longer than both.
        place = self.one(
            "SELECT * FROM rm.flagged_accounts WHERE account_id = $account_id", account_id=account_id
        )
        if place is None:
            return None
        holder = self.one("SELECT * FROM rm.accounts WHERE account_id = $account_id", account_id=account_id)
        return (holder or {}) | place

    def nearest_account(self, text: str) -> str | None:
        """The account whose id is spelt most like `text`; None where none is near."""
        row = self.one(
            "SELECT account_id FROM rm.accounts WHERE jaro_winkler_similarity(account_id, $text) > 0.8 "
            "ORDER BY jaro_winkler_similarity(account_id, $text) DESC, account_id LIMIT 1",
            text=text,
        )
        return None if row is None else str(row["account_id"])

    def account_ids(self) -> list[str]:
        """Every account, in order of its id."""
        return self.ask("SELECT account_id FROM rm.accounts ORDER BY account_id")["account_id"].to_list()

    def places_of(self, account_ids: Sequence[str]) -> pl.DataFrame:
        """Place in the list of these accounts, best first: rank, score, band, possible_role, network_id."""
        return self.ask(
            "SELECT account_id, rank, score, band, possible_role, network_id FROM rm.flagged_accounts "
            "WHERE account_id IN (SELECT unnest($ids::VARCHAR[])) ORDER BY rank",
            ids=list(account_ids),
        )

    def account_count(self) -> int:
        """Number of accounts scored."""
        return int(self.ask("SELECT count(*) AS n FROM rm.flagged_accounts").item())

    def peers(self, account_id: str) -> pl.DataFrame:
        """The account's features against all accounts: feature, value, peer_median, percentile (0 to 100).

        Only numeric features that the account has; a value's percentile counts the accounts below it.
        """
        numeric = [
            name
            for name, dtype in self.ask("SELECT * FROM rm.account_features LIMIT 0").schema.items()
            if dtype.is_numeric()
        ]
        if not numeric:
            columns = {"feature": pl.String, "value": pl.Float64}
            return pl.DataFrame(schema=columns | {"peer_median": pl.Float64, "percentile": pl.Float64})
        doubles = ", ".join(f'"{name}"::DOUBLE AS "{name}"' for name in numeric)
        names = ", ".join(f'"{name}"' for name in numeric)
        return self.ask(
            f"WITH own AS (UNPIVOT (SELECT {doubles} FROM rm.account_features "
            "WHERE account_id = $account_id) "
            f"ON {names} INTO NAME feature VALUE value), "
            f"everyone AS (UNPIVOT (SELECT {doubles} FROM rm.account_features) "
            f"ON {names} INTO NAME feature VALUE value) "
            "SELECT own.feature, own.value, median(everyone.value) AS peer_median, "
            "100.0 * count(*) FILTER (everyone.value < own.value) / count(*) AS percentile "
            "FROM own JOIN everyone USING (feature) GROUP BY own.feature, own.value ORDER BY feature",
            account_id=account_id,
        )

    def findings_for(self, account_ids: Sequence[str]) -> pl.DataFrame:
        """Findings of these accounts, found ones first, then by indicator."""
        return self.ask(
            "SELECT * FROM rm.findings WHERE account_id IN (SELECT unnest($ids::VARCHAR[])) "
            "ORDER BY account_id, state = 'not_evaluable', indicator_id, window_start, finding_id",
            ids=list(account_ids),
        )

    def role_arguments_of(self, account_id: str) -> pl.DataFrame:
        """Both sides of every role that a finding of the account argues for; the one named comes first."""
        return self.ask(
            "SELECT * FROM rm.role_arguments WHERE account_id = $account_id "
            "ORDER BY list_position(['named', 'contested', 'outranked', 'not_enough'], standing), "
            "possible_role",
            account_id=account_id,
        )

    def not_evaluable(self) -> pl.DataFrame:
        """Indicators that the whole data set could not answer: indicator_id, typology, missing_field."""
        return self.ask(
            "SELECT indicator_id, typology, missing_field FROM rm.findings "
            "WHERE account_id IS NULL AND state = 'not_evaluable' ORDER BY indicator_id"
        )

    def evidence_for(self, finding_ids: Sequence[str]) -> pl.DataFrame:
        """The transactions behind these findings: finding_id, position and the transaction's columns."""
        return self.ask(
            "SELECT e.finding_id, e.position, t.* FROM rm.finding_evidence e "
            "JOIN rm.transactions t USING (account_id, transaction_id, direction) "
            "WHERE e.finding_id IN (SELECT unnest($ids::VARCHAR[])) ORDER BY e.finding_id, e.position",
            ids=list(finding_ids),
        )

    def adverts_behind(self, finding_ids: Sequence[str]) -> pl.DataFrame:
        """The adverts behind these findings, masked: finding_id, position and the advert's columns."""
        return self.ask(
            "SELECT e.finding_id, e.position, a.* FROM rm.finding_evidence e JOIN rm.ads a USING (ad_id) "
            "WHERE e.finding_id IN (SELECT unnest($ids::VARCHAR[])) ORDER BY e.finding_id, e.position",
            ids=list(finding_ids),
        )

    def evidence_of(self, account_ids: Sequence[str], limit: int) -> pl.DataFrame:
        """At most `limit` evidence rows of what was found on these accounts, with indicator and sentence."""
        return self.ask(
            "SELECT f.account_id, f.indicator_id, f.sentence, f.finding_id, e.position, e.source_file, "
            "e.source_line, t.* EXCLUDE (account_id, source_id, source_file, source_line, extra) "
            "FROM rm.findings f JOIN rm.finding_evidence e USING (finding_id) "
            "LEFT JOIN rm.transactions t ON t.account_id = e.account_id "
            "AND t.transaction_id = e.transaction_id AND t.direction = e.direction "
            "WHERE e.ad_id IS NULL AND f.account_id IN (SELECT unnest($ids::VARCHAR[])) "
            "ORDER BY f.account_id, f.indicator_id, f.finding_id, e.position LIMIT $limit",
            ids=list(account_ids),
            limit=limit,
        )

    def transactions_for(self, account_id: str, limit: int = 200, after: Page | None = None) -> pl.DataFrame:
        """One page of an account's transactions, newest first; `after` is the last row of the page before."""
        where, parameters = "", {"account_id": account_id, "limit": limit}
        if after is not None:
            where = "AND (booked_at, transaction_id, direction) < ($at::TIMESTAMP, $id, $direction)"
            parameters |= {"at": after.booked_at, "id": after.transaction_id, "direction": after.direction}
        return self.ask(
            f"SELECT * FROM rm.transactions WHERE account_id = $account_id {where} "
            "ORDER BY booked_at DESC, transaction_id DESC, direction DESC LIMIT $limit",
            **parameters,
        )

    def contributions_for(self, account_id: str) -> pl.DataFrame:
        """What made the account's anomaly score, the largest share of each detector first."""
        return self.ask(
            "SELECT * FROM rm.anomaly_contributions WHERE account_id = $account_id "
            "ORDER BY detector, share DESC, feature",
            account_id=account_id,
        )

    def networks(self, top: int = 0, min_score: int = 0) -> pl.DataFrame:
        """The networks, best first: the `top` ones (0: all) with at least `min_score`."""
        limit = f"LIMIT {top:d}" if top else ""
        return self.ask(
            "SELECT * FROM rm.networks WHERE coalesce(score, 0) >= $min_score "
            f"ORDER BY score DESC NULLS LAST, network_id {limit}",
            min_score=min_score,
        )

    def network(self, network_id: str) -> dict[str, Any] | None:
        """One network; None where there is none of that name."""
        return self.one("SELECT * FROM rm.networks WHERE network_id = $network_id", network_id=network_id)

    def members_of(self, network_id: str) -> pl.DataFrame:
        """Members of a network, best ranked first, each with its place in the list."""
        return self.ask(
            "SELECT m.*, f.rank, f.score, f.band, f.holder_name FROM rm.network_members m "
            "LEFT JOIN rm.flagged_accounts f USING (account_id) WHERE m.network_id = $network_id "
            "ORDER BY f.rank NULLS LAST, account_id",
            network_id=network_id,
        )

    def edges_of(self, network_id: str) -> pl.DataFrame:
        """What ties the members of a network, with the rows behind each edge."""
        return self.ask(
            "SELECT * FROM rm.network_edges WHERE network_id = $network_id ORDER BY from_id, to_id, kind",
            network_id=network_id,
        )

    def links_of(self, account_id: str) -> pl.DataFrame:
        """What ties an account to others, in all its networks: the edges that it is one end of."""
        return self.ask(
            "SELECT * FROM rm.network_edges WHERE from_id = $account_id OR to_id = $account_id "
            "ORDER BY network_id, from_id, to_id, kind",
            account_id=account_id,
        )

    def ad_clusters(self) -> pl.DataFrame:
        """The clusters of adverts, the largest first."""
        return self.ask("SELECT * FROM rm.ad_clusters ORDER BY ad_count DESC NULLS LAST, cluster_id")

    def ads_of(self, cluster_id: str, *, reveal: str | None = None) -> pl.DataFrame:
        """The adverts of a cluster in order of time, with what ties each to the others (`reason`).

        Contacts and texts are masked. reveal: the reason for showing them.

        Raises:
            UsageError: the reason is empty.
        """
        contents = "c" if _has_reason(reveal, "contacts and texts of adverts") else "a"
        shown = ", ".join(f"{contents}.{name}" for name in schema.AD_CONTENTS.names if name != "ad_id")
        kept = ", ".join(schema.AD_CONTENTS.names)
        return self.ask(
            f"SELECT m.*, a.* EXCLUDE ({kept}), {shown} FROM rm.ad_cluster_members m "
            "LEFT JOIN rm.ads a USING (ad_id) LEFT JOIN rm.ad_contents c USING (ad_id) "
            "WHERE m.cluster_id = $cluster_id ORDER BY a.posted_at NULLS LAST, m.ad_id",
            cluster_id=cluster_id,
        )

    def ad_links_of(self, account_id: str) -> pl.DataFrame:
        """Clusters of adverts that an account's payments coincide with, the least by chance first."""
        return self.ask(
            "SELECT l.*, c.* EXCLUDE (cluster_id) FROM rm.ad_payment_links l "
            "LEFT JOIN rm.ad_clusters c USING (cluster_id) WHERE l.account_id = $account_id "
            "ORDER BY l.p_value NULLS LAST, l.cluster_id",
            account_id=account_id,
        )

    def ad_matches_of(self, account_id: str) -> pl.DataFrame:
        """Single payments of an account matched to single adverts, with the adverts, in order of time."""
        return self.ask(
            "SELECT m.*, a.* EXCLUDE (ad_id) FROM rm.ad_payment_matches m LEFT JOIN rm.ads a USING (ad_id) "
            "WHERE m.account_id = $account_id "
            "ORDER BY a.posted_at NULLS LAST, m.ad_id, m.payment_id, m.transaction_id",
            account_id=account_id,
        )

    def movements_of(self, account_id: str) -> pl.DataFrame:
        """City by day of an account's holder, with the rows that say so, in order of day.

        Empty where the holder was seen in one city only.
        """
        return self.ask(
            "SELECT * FROM rm.movements WHERE account_id = $account_id ORDER BY day, city, country",
            account_id=account_id,
        )

    def stays_of(self, account_id: str) -> pl.DataFrame:
        """Stays of an account's holder, and how each was reached: of spending, then of adverts."""
        return self.ask(
            "SELECT * FROM rm.stays WHERE account_id = $account_id "
            "ORDER BY circuit DESC, first_day, first_at, city, country",
            account_id=account_id,
        )

    def circuit_of(self, cluster_id: str) -> pl.DataFrame:
        """City by day of a cluster's adverts, and of the holders whose payments go with it, on one clock.

        Rows of the cluster have no account_id; those of accounts come without what only adverts say.
        """
        return self.ask(
            "SELECT * FROM rm.movements WHERE cluster_id = $cluster_id UNION ALL "
            "SELECT * FROM rm.movements WHERE sources <> ['advert'] AND account_id IN "
            "(SELECT account_id FROM rm.circuit_agreements WHERE cluster_id = $cluster_id) "
            "ORDER BY account_id NULLS FIRST, day, city, country",
            cluster_id=cluster_id,
        )

    def stays_of_cluster(self, cluster_id: str) -> pl.DataFrame:
        """Stays of a cluster's adverts in cities, in order of time."""
        return self.ask(
            "SELECT * FROM rm.stays WHERE cluster_id = $cluster_id "
            "ORDER BY first_day, first_at, city, country",
            cluster_id=cluster_id,
        )

    def agreements_of(self, account_id: str) -> pl.DataFrame:
        """How the holder's spending agrees with adverts: all that payments go with first, then by cluster."""
        return self.ask(
            "SELECT * FROM rm.circuit_agreements WHERE account_id = $account_id "
            "ORDER BY cluster_id NULLS FIRST",
            account_id=account_id,
        )

    def deposits_elsewhere_of(self, account_id: str) -> pl.DataFrame:
        """Cash paid in to the account and spent far away soon after, in order of time."""
        return self.ask(
            "SELECT * FROM rm.deposits_elsewhere WHERE account_id = $account_id "
            "ORDER BY deposited_at, transaction_id",
            account_id=account_id,
        )

    def trace(self, value: str, reach: Reach | None = None, *, reveal: str | None = None) -> Trace:
        """Everything tied to a value, hop by hop, with the path to each thing (`networks.trace.Trace`).

        value: an account, holder (id or name), telephone, e-mail, address, device, wallet, web address,
        handle, advert, advert cluster, counterparty, or an identifier_id; contacts in any spelling. Labels
        are masked. reveal: the reason for showing them.

        Raises:
            UsageError: the value is unknown (names the nearest spelling), or the reason is empty.
        """
        ties = PublishedTies(self.ask, reveal=_has_reason(reveal, "contacts"))
        starts = ties.starts(value)
        if starts.is_empty():
            near = ties.nearest(value)
            hint = f" Did you mean {near!r}?" if near else ""
            raise UsageError(
                f"nothing in run {self.run_id} is {value!r}; looked for {', '.join(LOOKED_AT)}.{hint}"
            )
        return follow_ties(starts, ties, reach or Reach())

    def hotspots(self, series: str | None = None) -> pl.DataFrame:
        """City-week series with forecasts, in order of series, city (all cities first) and week.

        Only what may be shown is in the file. Say beside it what it does not mean: movement.NOT_MEANT.
        """
        return self.ask(
            "SELECT * FROM rm.hotspots WHERE $series IS NULL OR series = $series "
            "ORDER BY series, city NULLS FIRST, country, week",
            series=series,
        )

    def sources(self) -> pl.DataFrame:
        """The files that the run read."""
        return self.ask("SELECT * FROM rm.sources ORDER BY source_id")

    def table(self, name: str, *, reveal: str | None = None) -> pl.DataFrame:
        """One whole table, in its stored order.

        Raises:
            UsageError: as `pieces`.
        """
        return pl.concat(self.pieces(name, reveal=reveal))

    def pieces(self, name: str, *, reveal: str | None = None) -> Iterator[pl.DataFrame]:
        """One whole table piece by piece, in its stored order; one empty piece where it has no rows.

        reveal: the reason for showing the tables of `schema.SENSITIVE`, which no other table needs.

        Raises:
            UsageError: the read model has no such table, or it is shown for a reason only.
        """
        known = {table.name for table in schema.TABLES}
        if name not in known:
            raise UsageError.unknown("table", name, known)
        if name in {table.name for table in schema.SENSITIVE} and not _has_reason(reveal, f"table {name}"):
            raise UsageError(f"table {name}: contacts and texts are shown for a reason only")
        # Without ORDER BY: DuckDB reads a table in the order in which its rows were inserted.
        with self._connection.cursor() as cursor:
            batches = cursor.sql(f"SELECT * FROM rm.{name}").arrow(PIECE_ROWS)
            empty = True
            for batch in batches:
                empty = False
                yield pl.DataFrame(batch)
            if empty:
                yield pl.DataFrame(batches.schema.empty_table())


def follow(folder: Path) -> Callable[[], ReadModel]:
    """A function that gives the current read model, opening the next one once CURRENT names it.

    The model before stays open until a third comes, so that a request in flight can finish.
    """
    lock = threading.Lock()
    held: list[ReadModel] = []

    def current() -> ReadModel:
        path = current_path(folder)
        with lock:
            if not held or held[-1].path != path:
                held.append(ReadModel(path))
                if len(held) > 2:
                    held.pop(0).close()
            return held[-1]

    return current
