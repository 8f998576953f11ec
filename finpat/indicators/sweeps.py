"""Sweeps: money that leaves an account soon after it came, to one payee or at one cash machine.

Inflows are allocated first in, first out over all money of the account within the horizon, so that every
outflow serves once and money of another kind that came earlier leaves first. Transfers between accounts of
one holder move nothing and are left out, as are legs without a rate to the account's currency. Money for
shelters, legal aid and those who lawfully receive it for others (kinds `protected` and `custodian`) is never
a sweep. What two definitions of the catalogue call a sweep is written here once (HT-P2P-04, HT-LAB-02); the
families that build on them (HT-P2P, HT-LAB, HT-CTL) share it.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from finpat.indicators.base import parameter
from finpat.indicators.context import IS_CASH, IS_CREDIT, Context, days, hours
from finpat.indicators.structuring import EVIDENCE
from finpat.indicators.windows import allocate
from finpat.ledger import NO_PARTY
from finpat.vocabulary import of_kind

SENDING = ("transfer", "p2p", "wallet", "crypto")
THIRD_PARTY_INFLOW = IS_CREDIT & pl.col("channel").is_in(["p2p", "wallet", "cash", "atm"])
WAGES = IS_CREDIT & of_kind("payroll")
USUAL_FROM = 3  # withdrawals before a person has a usual machine


@dataclass(frozen=True)
class Sweeps:
    """Inflows of one kind and where their money went within the horizon.

    inflows: account, in_at, in_row, local_day (of the inflow), inflow_minor (account currency): every inflow
        of the kind, of the accounts that were looked at.
    pieces: account, in_row, target, is_cash, out_at, out_row, piece_minor: one row per part of an outflow
        that is allocated to such an inflow; other uses of the money (card payments, fees) are left out.
        target: party code of the payee (of a held payee its holder's first account), or of the machine that
        paid cash (see `Places`); null where cash was drawn nobody knows where.
    """

    inflows: pl.DataFrame
    pieces: pl.DataFrame

    def of_inflows(self, min_share: float, *, any_target: bool = False) -> pl.DataFrame:
        """Inflows of which `min_share` went to one target: one row per inflow and target.

        any_target: whatever the targets, all transfers and cash taken together (target null). Columns:
        account, target, local_day, inflow_minor, swept_minor, in_at, in_row, out_at (of the last outflow).
        """
        return self._swept(["in_row"], min_share, any_target)

    def of_days(self, min_share: float, *, any_target: bool = False) -> pl.DataFrame:
        """Days of which `min_share` of the inflow went to one target; a day is the inflow's local date.

        Columns: account, target, local_day, inflow_minor, swept_minor, in_at (first), out_at (last).
        """
        return self._swept([], min_share, any_target)

    def _swept(self, grain: list[str], min_share: float, any_target: bool) -> pl.DataFrame:
        group = ["account", "local_day", *grain]
        whole = self.inflows.group_by(group).agg(pl.col("inflow_minor").sum(), pl.col("in_at").min())
        day = self.inflows.select("account", "in_row", "local_day")
        pieces = self.pieces if not any_target else self.pieces.with_columns(target=pl.lit(None, pl.UInt32))
        if not any_target:
            pieces = pieces.filter(pl.col("target").is_not_null())
        return (
            pieces.join(day, on=["account", "in_row"])
            .group_by(*group, "target")
            .agg(swept_minor=pl.col("piece_minor").sum(), out_at=pl.col("out_at").max())
            .join(whole, on=group)
            # A hair of slack, so that exactly the share counts although 0.7 is no binary number.
            .filter(pl.col("swept_minor") >= min_share * pl.col("inflow_minor") - 1e-6)
            .sort("account", "target", "in_at", *grain)
        )

    def rows(self, pairs: pl.DataFrame) -> pl.DataFrame:
        """The swept inflows and the outflows that sweep them: subject, account, booked_at, row.

        pairs: subject, account and target (null: any).
        """
        given = pairs.select("subject", "account", "target").unique()
        named = self.pieces.join(given.filter(pl.col("target").is_not_null()), on=["account", "target"])
        others = given.filter(pl.col("target").is_null()).drop("target")
        taken = pl.concat(
            [
                part.select("subject", "account", "in_row", "out_at", "out_row")
                for part in (named, self.pieces.join(others, on="account"))
            ]
        )
        came = taken.select("subject", "account", "in_row").unique()
        inflows = came.join(self.inflows.select("account", "in_row", "in_at"), on=["account", "in_row"])
        sides = [
            inflows.select("subject", "account", booked_at="in_at", row="in_row"),
            taken.select("subject", "account", booked_at="out_at", row="out_row"),
        ]
        return pl.concat(sides).unique()


@dataclass(frozen=True)
class Places:
    """Where cash was drawn, as codes beyond those of the parties.

    names: branch or terminal, sorted; the one at position i has the code `first` + i. A machine that a source
    names as the counterparty has that party's code.
    """

    names: pl.Series
    first: int


def places(context: Context) -> Places:
    """The branches and terminals of the data."""
    context = context.whole

    def build() -> Places:
        legs = context.ledger.legs
        names = (
            legs["branch_id"].cast(pl.String).unique().drop_nulls().sort()
            if "branch_id" in legs.columns
            else pl.Series("branch_id", [], dtype=pl.String)
        )
        return Places(names, len(context.ledger.parties))

    built: Places = context.once("sweep places", build)
    return built


def payee_of_party(context: Context) -> npt.NDArray[np.uint32]:
    """Party code -> the party that stands for it: of a held account its holder's first one, else itself."""

    def build() -> npt.NDArray[np.uint32]:
        parties = np.arange(len(whole.ledger.parties), dtype=np.uint32)
        parties[whole.party_of_account] = whole.party_of_account[whole.persons]
        return parties

    whole = context.whole
    payees: npt.NDArray[np.uint32] = whole.once("payee of party", build)
    return payees


def targets(context: Context, legs: pl.DataFrame) -> pl.DataFrame:
    """`legs` (with channel, counterparty, branch_id?) plus `is_cash` and `target` as in `Sweeps.pieces`."""
    cash = IS_CASH | context.is_cash_party()
    known = places(context)
    frame = legs.with_columns(is_cash=cash.fill_null(False))
    party = frame["counterparty"].to_numpy()
    payees = np.append(payee_of_party(context), np.uint32(NO_PARTY))
    payee = pl.Series("payee", payees[np.minimum(party, len(payees) - 1)])
    has_party = pl.lit(payee) != int(NO_PARTY)
    machine = pl.lit(None, pl.UInt32)
    if "branch_id" in frame.columns and len(known.names):
        codes = frame["branch_id"].cast(pl.String).cast(pl.Enum(known.names)).to_physical().cast(pl.UInt32)
        machine = pl.lit(codes + known.first)
    named = pl.when(has_party & ~context.is_cash_party()).then(pl.lit(payee))
    return frame.with_columns(
        target=pl.when("is_cash")
        .then(pl.coalesce(machine, named))
        .when(pl.col("channel").is_in(SENDING))
        .then(named)
        .cast(pl.UInt32)
    )


def sweeps(
    context: Context, name: Hashable, inflow: pl.Expr, within_hours: float, *, least: int = 1
) -> Sweeps:
    """Where the money of the inflows that `inflow` keeps went within the horizon, both ends included.

    name: what the condition is called, so that indicators that ask alike share the answer. least: accounts
    with fewer inflows of the kind, or with no transfer and no cash going out, are not looked at.
    """

    def build() -> Sweeps:
        parts = context.slices() if context.part is None else [context]
        swept = [(part, _swept(part, inflow, hours(within_hours), least)) for part in parts]
        if context.part is not None:
            return swept[0][1]
        return Sweeps(
            pl.concat([part.in_whole(found.inflows) for part, found in swept]),
            pl.concat([part.in_whole(found.pieces) for part, found in swept]),
        )

    built: Sweeps = context.once(("sweeps", name, within_hours, least), build)
    return built


def _swept(context: Context, inflow: pl.Expr, horizon_us: int, least: int) -> Sweeps:
    known = pl.col("account_minor").is_not_null()
    leaving = ~IS_CREDIT & (pl.col("channel").is_in(SENDING) | IS_CASH | context.is_cash_party())
    credits = context.legs(known & IS_CREDIT & inflow, own=False)["account"].to_numpy()
    debits = context.legs(known & leaving, own=False)["account"].to_numpy()
    size = context.ledger.account_count
    able = (np.bincount(credits, minlength=size) >= least) & (np.bincount(debits, minlength=size) > 0)
    wanted = [name for name in inflow.meta.root_names() if name not in ("is_credit", "account_minor")]
    columns = ("is_credit", "account_minor", "counterparty", "channel", "branch_id", "local_day", "kinds")
    legs = context.legs(known, *columns, *wanted, own=False, accounts=able)
    legs = legs.rename({"account_minor": "moved_minor"}).with_columns(
        goes_in=(IS_CREDIT & inflow).fill_null(False)
    )
    ordered, pieces = allocate(legs, horizon_us)
    ordered = targets(context, ordered)
    came = ordered.filter("goes_in").select(
        "account", "local_day", in_leg="leg", in_at="booked_at", in_row="row", inflow_minor="moved_minor"
    )
    left = ordered.filter(~IS_CREDIT, ~of_kind("protected", "custodian")).filter(
        pl.col("is_cash") | pl.col("target").is_not_null()
    )
    out = left.select("target", "is_cash", out_leg="leg", out_at="booked_at", out_row="row")
    told = (
        pieces.join(came.select("in_leg", "account", "in_row"), on="in_leg")
        .join(out, on="out_leg")
        .sort("in_leg", "out_leg")
        .select("account", "in_row", "target", "is_cash", "out_at", "out_row", "piece_minor")
    )
    return Sweeps(came.drop("in_leg"), told)


def usual_machines(context: Context) -> pl.DataFrame:
    """Where each person draws most cash: payee (party code of the person's first account), machine.

    The branch or terminal of most withdrawals, at least 3, ties by its name; a person without one is left
    out.
    """
    context = context.whole

    def build() -> pl.DataFrame:
        drawn = context.legs(
            ~IS_CREDIT & (IS_CASH | context.is_cash_party()), "counterparty", "channel", "branch_id"
        )
        first = context.party_of_account[context.persons[drawn["account"].to_numpy()]]
        return (
            targets(context, drawn)
            .with_columns(payee=pl.Series(first))
            .filter(pl.col("target").is_not_null())
            .group_by("payee", machine="target")
            .agg(count=pl.len())
            .filter(pl.col("count") >= USUAL_FROM)
            .sort("payee", "count", "machine", descending=[False, True, False])
            .unique("payee", keep="first", maintain_order=True)
            .select("payee", "machine")
        )

    frame: pl.DataFrame = context.once("usual machines", build)
    return frame


def with_usual_machines(context: Context, found: Sweeps) -> Sweeps:
    """The same, cash drawn at a payee's usual machine counted as gone to that payee.

    Only for payees whom the account pays besides: a stranger who draws cash at the same machine says nothing.
    """
    machines = usual_machines(context)
    paid = (
        found.pieces.filter(~pl.col("is_cash"))
        .select("account", "target")
        .unique()
        .join(machines, left_on="target", right_on="payee")
        # One machine may be usual for several payees: the money went to one, the first by name.
        .sort("account", "machine", "target")
        .unique(["account", "machine"], keep="first", maintain_order=True)
        .rename({"target": "payee"})
    )
    pieces = found.pieces.join(
        paid,
        left_on=["account", "target"],
        right_on=["account", "machine"],
        how="left",
        maintain_order="left",
    ).with_columns(target=pl.coalesce("payee", "target"))
    return Sweeps(found.inflows, pieces.drop("payee"))


# ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class SweptToOne:
    """Parameters of HT-P2P-04."""

    min_share: float = parameter(
        0.7, "of a day's inflow that has to leave for one payee; D", stricter="higher", low=0.01, high=1
    )
    within_hours: float = parameter(24.0, "followed rapidly; D", low=0)
    min_days: int = parameter(5, "days on which it happens; D", stricter="higher", low=1)
    window_days: float = parameter(30.0, "days; D", low=0.1)


def swept_to_one(context: Context, p: SweptToOne) -> tuple[pl.DataFrame, Sweeps]:
    """Accounts whose P2P and cash inflow is swept to one payee: windows of HT-P2P-04, and the sweeps.

    Per account and payee the days on which `min_share` of the inflow (P2P, wallet, cash paid in) leaves for
    the payee within the horizon, or is drawn in cash at the payee's usual machine; `min_days` of them within
    `window_days`. Columns: account, target (the payee's party code), subject (numbers the pair), day_count,
    swept_minor, inflow_minor, swept_share, window_start (first inflow), window_end (last outflow).
    """

    def build() -> tuple[pl.DataFrame, Sweeps]:
        found = with_usual_machines(
            context, sweeps(context, "third party", THIRD_PARTY_INFLOW, p.within_hours, least=p.min_days)
        )
        to_payees = found.of_days(p.min_share).filter(pl.col("target") < len(context.ledger.parties))
        payees = found.pieces.filter(~pl.col("is_cash")).select("account", "target").unique()
        return _windows(to_payees.join(payees, on=["account", "target"], how="semi"), p), found

    built: tuple[pl.DataFrame, Sweeps] = context.once(("swept to one", p), build)
    return built


def _windows(swept: pl.DataFrame, p: SweptToOne) -> pl.DataFrame:
    """Windows of `window_days` with `min_days` swept days, per account and target."""
    ordered = swept.sort("account", "target", "in_at")
    pair = pl.struct("account", "target").rle_id()
    return (
        ordered.with_columns(subject=pair)
        .rolling("in_at", period=f"{days(p.window_days)}us", group_by=["subject", "account", "target"])
        .agg(
            day_count=pl.len(),
            swept_minor=pl.col("swept_minor").sum(),
            inflow_minor=pl.col("inflow_minor").sum(),
            window_start=pl.col("in_at").first(),
            window_end=pl.col("out_at").max(),
        )
        .filter(pl.col("day_count") >= p.min_days)
        .with_columns(swept_share=pl.col("swept_minor") / pl.col("inflow_minor"))
        .drop("in_at")
    )


@dataclass(frozen=True)
class SweptWages:
    """Parameters of HT-LAB-02."""

    min_share: float = parameter(0.8, "of the wage; D", stricter="higher", low=0.01, high=1)
    within_hours: float = parameter(24.0, "at once; D", low=0)
    min_paydays: int = parameter(3, "paydays in a row; D", stricter="higher", low=1)


def swept_wages(context: Context, p: SweptWages, *, one_payee: bool = False) -> tuple[pl.DataFrame, Sweeps]:
    """Accounts whose wages are cashed or sent on at once: windows of HT-LAB-02, and the sweeps.

    `min_paydays` paydays in a row (local dates with a wage) of which `min_share` of the wage leaves within
    the horizon, in cash or by transfer; with `one_payee` all to the same payee or at the same machine.
    Columns: account, target (null without `one_payee`), subject, payday_count, swept_minor, inflow_minor,
    swept_share, window_start (first wage), window_end (last outflow).
    """

    def build() -> tuple[pl.DataFrame, Sweeps]:
        found = sweeps(context, "wages", WAGES, p.within_hours, least=p.min_paydays)
        swept = found.of_days(p.min_share, any_target=not one_payee)
        paydays = (
            found.inflows.select("account", "local_day")
            .unique()
            .sort("account", "local_day")
            .with_columns(number=pl.int_range(pl.len()).over("account"))
        )
        key = ["account", "target"]
        windows = (
            swept.join(paydays, on=["account", "local_day"])
            .sort(*key, "number")
            .with_columns(run=pl.col("number") - pl.int_range(pl.len()).over(key))
            .group_by(*key, "run", maintain_order=True)
            .agg(
                payday_count=pl.len(),
                swept_minor=pl.col("swept_minor").sum(),
                inflow_minor=pl.col("inflow_minor").sum(),
                window_start=pl.col("in_at").min(),
                window_end=pl.col("out_at").max(),
            )
            .filter(pl.col("payday_count") >= p.min_paydays)
            .with_columns(
                swept_share=pl.col("swept_minor") / pl.col("inflow_minor"),
                subject=pl.struct(key).rle_id(),
            )
            .drop("run")
        )
        return windows, found

    built: tuple[pl.DataFrame, Sweeps] = context.once(("swept wages", p, one_payee), build)
    return built


def received(context: Context, pairs: pl.DataFrame) -> pl.DataFrame:
    """The legs on which held payees receive from the accounts that they sweep.

    pairs: subject, account (swept), target (the payee's party code), of the whole data. Columns: subject,
    account (the payee's), booked_at, row.
    """
    context = context.whole
    holders = pl.DataFrame(
        {
            "payee_account": np.arange(context.ledger.account_count, dtype=np.uint32),
            "target": context.party_of_account[context.persons],
        }
    )
    given = pairs.select("subject", "account", "target").unique()
    swept = pl.Series(context.party_of_account[given["account"].to_numpy()])
    wanted = given.with_columns(counterparty=swept).join(holders, on="target")
    is_payee = np.zeros(context.ledger.account_count, np.bool_)
    is_payee[wanted["payee_account"].to_numpy()] = True
    credits = context.legs(IS_CREDIT, "counterparty", accounts=is_payee)
    return (
        credits.drop("subject")
        .join(wanted, left_on=["account", "counterparty"], right_on=["payee_account", "counterparty"])
        .select(EVIDENCE)
    )
