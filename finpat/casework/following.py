"""Alerts follow a run: `follow_run` opens, joins, reopens and moves them by what its list says.

For each account in an alerting band or among the first of the list:
- facts of a group of typologies that no alert of the account holds open one alert for all such groups, or
join
  the account's open alert;
- a closed alert comes back when score or findings have grown past its basis by the bounds of the settings.
The
  basis is what they were when it was opened, and again when it was closed;
- a suppression keeps both from happening until it expires or they have grown past *its* basis;
- a possible victim's alert goes to the queue `protect` and stays there until a person moves it (no subject of
a
  report: FIN-2020-A008).

Some accounts that were not reached are drawn for blind review: those whose SHA-256 of run and account is
lowest, so that the same run draws the same ones whoever follows it. The share of the accounts that were drawn
stays with each, because what the list misses can only be estimated with it.

Following the same run again changes nothing.
"""

from __future__ import annotations

import hashlib
import heapq
import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import RowMapping, bindparam, insert, select, update

from finpat.casework import alerts as states
from finpat.casework import suppressions
from finpat.casework.database import Change
from finpat.casework.run_list import POSSIBLE_VICTIM, Ranked
from finpat.casework.tables import alert_groups, alert_indicators, alerts, followed_runs
from finpat.config import CaseworkSettings
from finpat.errors import CaseworkError

BANDS = ("critical", "high", "medium", "low")
BAND, TOP, DRAWN, PERSON = "band", "top", "drawn", "person"  # what opened an alert


@dataclass(frozen=True)
class Followed:
    """How many accounts a run lists, and what it did to alerts.

    protect: how many of those opened are about possible victims. suppressed: accounts that were held back.
    drawn: alerts opened for blind review, which `opened` leaves out.
    """

    run_id: str
    accounts: int
    opened: int
    protect: int
    joined: int
    reopened: int
    suppressed: int
    drawn: int

    def in_words(self) -> str:
        """What was done, for a line of output."""
        return (
            f"{self.opened:,} alerts opened ({self.protect:,} to protect and refer), {self.joined:,} joined "
            f"by further facts, {self.reopened:,} reopened by growth; {self.suppressed:,} accounts suppressed"
        )


def follow_run(
    change: Change, run_id: str, ranking: Iterable[Ranked], settings: CaseworkSettings
) -> Followed:
    """Bring the alerts up to date with a published run; `ranking` is its whole list, best first.

    Raises:
        CaseworkError: a later run has been followed already, or the list is not best first.
    """
    done = change.ask(select(followed_runs.c.run_id)).scalars().all()
    if newer := [name for name in done if _order(name) > _order(run_id)]:
        raise CaseworkError(
            f"run {run_id} is older than run {max(newer, key=_order)}, which the alerts follow already"
        )
    work = _Following(change, run_id, settings)
    for account in _best_first(ranking):
        work.consider(account)
    work.draw()
    work.write()
    followed = work.followed()
    if run_id not in done:
        work.write_seen()
        told = {name: value for name, value in vars(followed).items() if name != "run_id"}
        change.execute(insert(followed_runs), [{"run_id": run_id, "at": change.at} | told])
        change.record("run.followed", "run", run_id, told)
    return followed


def _order(run_id: str) -> tuple[int, str]:
    return (int(run_id) if run_id.isdigit() else 0, run_id)


def _best_first(ranking: Iterable[Ranked]) -> Iterable[Ranked]:
    before = 0
    for account in ranking:
        if account.rank <= before:
            raise CaseworkError(f"rank {account.rank} comes after rank {before}: the list is not best first")
        before = account.rank
        yield account


def lot(run_id: str, account_id: str) -> int:
    """The account's lot in the draw of a run; the lowest ones are drawn."""
    return int.from_bytes(hashlib.sha256(f"{run_id}\n{account_id}".encode()).digest()[:8])


@dataclass
class _Following:
    """The state of following one run: what there was, what has been done so far."""

    change: Change
    run_id: str
    settings: CaseworkSettings
    accounts: int = 0
    counts: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    unreached: int = 0
    _pool: list[tuple[int, str, Ranked]] = field(default_factory=list)
    _seen: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        ask = self.change.ask
        self._alerts: dict[str, list[RowMapping]] = defaultdict(list)
        for alert in ask(select(alerts).order_by(alerts.c.number)).mappings():
            self._alerts[alert["account_id"]].append(alert)
        self._holder = {(row.account_id, row.typology_group): row.alert for row in ask(select(alert_groups))}
        self._indicators: dict[int, set[str]] = defaultdict(set)
        for row in ask(select(alert_indicators)):
            self._indicators[row.alert].add(row.indicator_id)
        self._suppressed = suppressions.active(self.change.connection, self.change.at)
        self._new: list[dict[str, Any]] = []
        self._new_groups: list[dict[str, Any]] = []
        self._new_indicators: list[dict[str, Any]] = []

    def consider(self, account: Ranked) -> None:
        """Do what one account of the list calls for."""
        self.accounts += 1
        known: Sequence[RowMapping] = self._alerts.get(account.account_id, ())
        if account.possible_role == POSSIBLE_VICTIM:
            known = [self._protected(row) for row in known]
        origin = self._origin(account)
        if origin is None:
            self._pool_for_draw(account, known)
        elif self._held_back(account):
            self.counts["suppressed"] += 1
        else:
            self._raise(account, origin, known)
        for row in known:
            self._seen.append(
                {
                    "at_number": row["number"],
                    "score": account.score,
                    "findings": account.findings,
                    "band": account.band,
                    "possible_role": account.possible_role,
                }
            )

    def _origin(self, account: Ranked) -> str | None:
        if account.band in BANDS[: BANDS.index(self.settings.band) + 1]:
            return BAND
        return TOP if account.rank <= self.settings.top_n else None

    def _grown(self, account: Ranked, score: int, findings: int) -> bool:
        """Whether the account stands further up than this basis by more than the settings tolerate."""
        return (
            account.score >= score + self.settings.growth_score
            or account.findings >= findings + self.settings.growth_findings
        )

    def _held_back(self, account: Ranked) -> bool:
        """Whether suppressions cover all that the account stands for; those it has outgrown end here."""
        kept = []
        for row in self._suppressed.get(account.account_id, ()):
            if self._grown(account, row["basis_score"], row["basis_findings"]):
                suppressions.outgrown(self.change, row, self.run_id, account.score, account.findings)
            else:
                kept.append(row)
        self._suppressed[account.account_id] = kept
        if any(row["indicator_id"] is None for row in kept):
            return True
        return account.rests_on(frozenset(row["indicator_id"] for row in kept))

    def _raise(self, account: Ranked, origin: str, known: Sequence[RowMapping]) -> None:
        """Open an alert of what is new, join it to the running one, or reopen the one that has outgrown."""
        quiet = frozenset(row["indicator_id"] for row in self._suppressed.get(account.account_id, ()))
        groups = account.groups(quiet)
        fresh = sorted(group for group in groups if (account.account_id, group) not in self._holder)
        running = next((row for row in reversed(known) if row["state"] != states.CLOSED), None)
        if running is None:
            latest = self._latest(account.account_id, groups, known)
            if latest is not None and self._grown(account, latest["basis_score"], latest["basis_findings"]):
                running = self._reopen(latest, account)
        if fresh and running is None:
            self._open(account, origin, fresh)
        elif fresh and running is not None:
            self.counts["joined"] += 1
            self._revised(running, "alert.joined", {"groups": fresh, "run_id": self.run_id})
            self._keep_groups(account, running["number"], fresh)

    def _latest(
        self, account_id: str, groups: frozenset[str], rows: Sequence[RowMapping]
    ) -> RowMapping | None:
        """The newest alert that holds one of these groups."""
        holders = {self._holder.get((account_id, group)) for group in groups}
        return next((row for row in reversed(rows) if row["number"] in holders), None)

    def _reopen(self, row: RowMapping, account: Ranked) -> RowMapping:
        self.counts["reopened"] += 1
        return self._revised(
            row,
            "alert.reopened",
            {
                "run_id": self.run_id,
                "score": [row["basis_score"], account.score],
                "findings": [row["basis_findings"], account.findings],
            },
            state=states.REOPENED,
            assignee=None,
            closed_at=None,
            reopened_count=row["reopened_count"] + 1,
            basis_score=account.score,
            basis_findings=account.findings,
        )

    def _protected(self, row: RowMapping) -> RowMapping:
        """The alert in the queue of possible victims."""
        if row["queue"] == states.PROTECT:
            return row
        return self._revised(
            row, "alert.moved", {"before": row["queue"], "run_id": self.run_id}, queue=states.PROTECT
        )

    def _revised(self, row: RowMapping, action: str, told: dict[str, Any], **values: Any) -> RowMapping:
        states.revise(self.change, row, action, told, **values)
        return states.row_of(self.change.connection, row["number"])

    def _open(
        self, account: Ranked, origin: str, groups: Sequence[str], drawn_share: float | None = None
    ) -> None:
        number = self.change.number
        queue = states.PROTECT if account.possible_role == POSSIBLE_VICTIM else states.SUBJECTS
        self.counts["drawn" if origin == DRAWN else "opened"] += 1
        self.counts["protect"] += queue == states.PROTECT and origin != DRAWN
        self._new.append(
            {
                "number": number,
                "account_id": account.account_id,
                "queue": queue,
                "origin": origin,
                "state": states.NEW,
                "version": 1,
                "opened_at": self.change.at,
                "opened_run": self.run_id,
                "changed_at": self.change.at,
                "changed_by": self.change.actor,
                "reopened_count": 0,
                "basis_score": account.score,
                "basis_findings": account.findings,
                "score": account.score,
                "findings": account.findings,
                "band": account.band,
                "possible_role": account.possible_role,
                "seen_run": self.run_id,
                "drawn_share": drawn_share,
            }
        )
        self.change.record(
            "alert.opened",
            "alert",
            number,
            {
                "account_id": account.account_id,
                "state": states.NEW,
                "assignee": None,
                "queue": queue,
                "version": 1,
                "run_id": self.run_id,
                "origin": origin,
                "groups": list(groups),
                "score": account.score,
                "findings": account.findings,
            },
        )
        self._keep_groups(account, number, groups)

    def _keep_groups(self, account: Ranked, number: int, groups: Sequence[str]) -> None:
        for group in groups:
            self._holder[account.account_id, group] = number
            self._new_groups.append(
                {"account_id": account.account_id, "typology_group": group, "alert": number}
            )
        for indicator in account.indicators:
            if indicator not in self._indicators[number]:
                self._indicators[number].add(indicator)
                self._new_indicators.append(
                    {"alert": number, "indicator_id": indicator, "run_id": self.run_id}
                )

    def _pool_for_draw(self, account: Ranked, known: Sequence[RowMapping]) -> None:
        """Remember the account if its lot is among the lowest so far.

        No lower band stands above a higher one, so by now all alerts of the run are opened.
        """
        if any(row["state"] != states.CLOSED or row["opened_run"] == self.run_id for row in known):
            return
        self.unreached += 1
        wanted = self._quota()
        entry = (-lot(self.run_id, account.account_id), account.account_id, account)
        if len(self._pool) < wanted:
            heapq.heappush(self._pool, entry)
        elif wanted and entry > self._pool[0]:
            heapq.heapreplace(self._pool, entry)

    def _quota(self) -> int:
        return math.ceil(self.settings.quota_share * self.counts["opened"])

    def draw(self) -> None:
        """Open alerts of the accounts that were drawn."""
        for _, _, account in sorted(self._pool, key=lambda entry: entry[1]):
            share = len(self._pool) / self.unreached
            self._open(account, DRAWN, (), drawn_share=share)

    def write(self) -> None:
        """Write the alerts that were opened."""
        for table, rows in (
            (alerts, self._new),
            (alert_groups, self._new_groups),
            (alert_indicators, self._new_indicators),
        ):
            if rows:
                self.change.execute(insert(table), rows)

    def write_seen(self) -> None:
        """Keep what the run says of accounts that have alerts: no change of an alert, its version stays."""
        if self._seen:
            said: dict[str, Any] = {
                name: bindparam(name) for name in ("score", "findings", "band", "possible_role")
            }
            self.change.execute(
                update(alerts)
                .where(alerts.c.number == bindparam("at_number"))
                .values(said | {"seen_run": self.run_id}),
                self._seen,
            )

    def followed(self) -> Followed:
        """What was done."""
        names = ("opened", "protect", "joined", "reopened", "suppressed", "drawn")
        return Followed(self.run_id, self.accounts, **{name: self.counts[name] for name in names})
