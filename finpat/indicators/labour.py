"""Wages, recruitment fees and remittances (HT-LAB): who gets, keeps and collects what people earn or borrow.

A wage is a credit of kind `payroll`; its employer is the counterparty. Employees are told apart by what the
booking's text says beyond words of pay and period (see `employee_references`). Holders who share an address
or a family name count once, as in the family HT-CTL. Nobody's nationality is looked at: a country here is
where a payment goes, and corridors are named by the user alone, never shipped.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from finpat.indicators.base import Indicator, Outcome, Value, parameter
from finpat.indicators.context import FEW_PEERS, IS_CASH, IS_CREDIT, SMALLEST_PEER_GROUP, Context, days
from finpat.indicators.control import few_payers, holders, not_kin, unrelated
from finpat.indicators.parties import is_personal, with_payer
from finpat.indicators.structuring import DEPOSITS, EVIDENCE, empty_windows, z_self_count
from finpat.indicators.sweeps import (
    SENDING,
    WAGES,
    Sweeps,
    SweptWages,
    payee_of_party,
    received,
    sweeps,
    swept_wages,
)
from finpat.indicators.windows import Timeline, allocate, trailing, with_rows
from finpat.ledger import TEXT_COLUMNS
from finpat.networks.identifiers import dated_list
from finpat.places import normalised
from finpat.vocabulary import load_vocabulary, of_kind

# Words of pay and period beside those of the kind `payroll`; they tell no employee.
_NOT_A_NAME = (
    "employee emp personnel personal staff pers mitarbeiter nr no id number num ref reference for of the to "
    "per from by von vom an fuer month monthly weekly week wk period pay payment payslip net gross transfer "
    "bacs sepa ach credit direct deposit shift night day weekend overtime bonus allowance advance holiday "
    "monat abrechnung bezuege "
    "jan feb mar apr may jun jul aug sep sept oct nov dec january february march april june july august "
    "september october november december januar februar maerz mai juni juli oktober dezember janvier fevrier "
    "mars avril juin juillet aout septembre octobre novembre decembre enero febrero marzo abril mayo junio "
    "julio agosto septiembre octubre noviembre diciembre gennaio febbraio aprile maggio giugno luglio "
    "settembre ottobre dicembre"
).split()
_A_PERIOD = r"^((19|20)\d{2}((0[1-9]|1[0-2])(\d{2})?)?|\d{2}(0[1-9]|1[0-2])(19|20)\d{2})$"
_AN_IBAN = r"^\s*([A-Za-z]{2})\d{2}[A-Za-z0-9 ]{11,}\s*$"
HAIR = 1e-6  # of a minor unit, so that exactly a share counts although 0.7 is no binary number
FEES = IS_CREDIT & of_kind("recruitment") & ~of_kind("invoice", "refund", "protected", "payment_processor")


def month_of(day: str = "local_day") -> pl.Expr:
    """The calendar month of a local day, counted on without a gap from year to year."""
    date = pl.col(day).cast(pl.Date)
    return date.dt.year().cast(pl.Int32) * 12 + date.dt.month()


def in_a_row(months: pl.DataFrame, least: int, *figures: pl.Expr) -> pl.DataFrame:
    """Windows of `least` or more calendar months that follow each other.

    months: one row per subject and month that meets a definition: subject, month, first_at, last_at (of its
    evidence). Returns subject, month_count, window_start, window_end and `figures` of the months.
    """
    return (
        months.sort("subject", "month")
        .with_columns(run=pl.col("month") - pl.int_range(pl.len()).over("subject"))
        .group_by("subject", "run", maintain_order=True)
        .agg(
            *figures,
            month_count=pl.len().cast(pl.Int64),
            window_start=pl.col("first_at").min(),
            window_end=pl.col("last_at").max(),
        )
        .filter(pl.col("month_count") >= least)
        .drop("run")
    )


def employee_references(context: Context, wages: pl.DataFrame) -> pl.Series:
    """Whom each wage is for, as far as its text tells: two words of a name or more, else a number; or null.

    wages: description and counterparty_name where the data has them. Words of pay and period, the employer's
    own name, and numbers of fewer than three digits or that read as a year, month or date tell nobody. Each
    distinct text is judged once; the order of a name's words does not matter.
    """
    if "description" not in wages.columns:
        return pl.repeat(None, wages.height, dtype=pl.String, eager=True)
    texts = wages.select(pl.col(name).cast(pl.String) for name in TEXT_COLUMNS if name in wages.columns)
    pay = load_vocabulary(context.settings.dictionaries).words.get("payroll", ())
    silent = sorted({*_NOT_A_NAME, *(word for phrase in pay for word in phrase.split())})
    payer = pl.col("counterparty_name").fill_null("") if "counterparty_name" in texts.columns else pl.lit("")
    word = pl.element()
    is_name = word.str.contains(r"^\p{L}+$")
    is_number = word.str.contains(r"\d.*\d.*\d") & ~word.str.contains(_A_PERIOD)
    judged = (
        texts.unique()
        .with_columns(
            words=normalised(pl.col("description"))
            .str.split(" ")
            .list.set_difference(normalised(payer).str.split(" "))
            .list.set_difference(pl.lit(silent, pl.List(pl.String)))
        )
        .with_columns(
            names=pl.col("words").list.eval(word.filter(is_name)).list.sort(),
            numbers=pl.col("words").list.eval(word.filter(is_number)).list.sort(),
        )
        .with_columns(
            reference=pl.when(pl.col("names").list.len() >= 2)
            .then(pl.col("names").list.join(" "))
            .when(pl.col("numbers").list.len() >= 1)
            .then(pl.col("numbers").list.join(" "))
        )
    )
    told = judged.select(*texts.columns, "reference")
    found = texts.join(told, on=texts.columns, how="left", nulls_equal=True, maintain_order="left")
    return found["reference"]


def with_relations(context: Context, frame: pl.DataFrame, party: str) -> pl.DataFrame:
    """`frame` plus person, home and family of the party in the column `party` (see control.holders).

    A party that is not held here stands for itself.
    """
    names = ("person", "home", "family")
    known = holders(context.whole).select(
        pl.Series(party, context.whole.party_of_account[context.whole.persons]),
        *(pl.col(name).cast(pl.Int64) for name in names),
    )
    alone = -1 - pl.col(party).cast(pl.Int64)
    return frame.join(
        known.unique(party, keep="first", maintain_order=True), on=party, how="left", maintain_order="left"
    ).with_columns(pl.col(name).fill_null(alone) for name in names)


def letters(country: str) -> pl.Expr:
    """A country's two letters in capitals; null for an empty text."""
    text = pl.col(country).cast(pl.String).str.strip_chars().str.to_uppercase()
    return pl.when(text != "").then(text)


def with_places(context: Context, legs: pl.DataFrame) -> pl.DataFrame:
    """`legs` (with counterparty) plus residence and place: the holder's country, and where the other side is.

    Where the other side's id reads as an IBAN its country counts, else the leg's. Null where unknown.
    """
    whole = context.whole
    banks = whole.once(
        "country of party",
        lambda: whole.ledger.parties.to_frame("id").select(
            pl.col("id").cast(pl.String).str.extract(_AN_IBAN).str.to_uppercase()
        )["id"],
    )
    party = np.minimum(legs["counterparty"].to_numpy(), len(banks))
    bank = pl.concat([banks, pl.Series([None], dtype=pl.String)]).gather(party)
    where = letters("country") if "country" in legs.columns else pl.lit(None, pl.String)
    homes = context.accounts.select("account", residence=letters("country"))
    placed = legs.with_columns(place=pl.coalesce(pl.lit(bank), where))
    return placed.join(homes, on="account", how="left", maintain_order="left")


def accounts_of(context: Context, holder_type: str) -> npt.NDArray[np.bool_]:
    """Per account: whether it is held by a `person` or a `business`, as far as known."""
    held: npt.NDArray[np.bool_] = (
        (context.accounts["holder_type"].cast(pl.String) == holder_type).fill_null(False).to_numpy()
    )
    return held


# ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class SeveralWages:
    """Parameters of HT-LAB-01."""

    min_employees: int = parameter(3, "employees; two may be a couple; D", stricter="higher", low=2)
    max_employers: int = parameter(2, "employers of a month; D", stricter="lower", low=1)
    min_months: int = parameter(2, "months in a row; D", stricter="higher", low=2)


def find_several_wages(context: Context, p: SeveralWages) -> Outcome:
    """The wages of several employees arrive with one holder, month after month.

    In 2 or more calendar months in a row the wages of 3 or more employees, paid by 2 employers at most.
    Employees are told apart by the reference in the booking's text, which has to be there in the month before
    or after as well: a number that is new with every payment is nobody's.
    """
    legs = context.legs(
        WAGES & context.counterparty_known(),
        "amount_minor", "counterparty", "local_day", *TEXT_COLUMNS, person=True, own=False,
    )  # fmt: skip
    key = ["subject", "month"]
    rows = (
        with_payer(context, legs)
        .with_columns(month=month_of(), reference=employee_references(context, legs))
        .with_columns(employer_count=pl.col("payer").n_unique().over(key).cast(pl.Int64))
        .filter(pl.col("employer_count") <= p.max_employers)
    )
    seen = rows.drop_nulls("reference").select(*key, "reference").unique()
    beside = pl.concat([seen.with_columns(pl.col("month") + step) for step in (-1, 1)]).unique()
    counted = rows.join(beside, on=[*key, "reference"], how="semi")
    months = (
        counted.group_by(key)
        .agg(
            pl.col("employer_count", "currency").first(),
            employee_count=pl.col("reference").n_unique().cast(pl.Int64),
            sum_minor=pl.col("amount_minor").sum(),
            first_at=pl.col("booked_at").min(),
            last_at=pl.col("booked_at").max(),
        )
        .filter(pl.col("employee_count") >= p.min_employees)
    )
    windows = in_a_row(
        months,
        p.min_months,
        pl.col("employee_count", "employer_count").max(),
        pl.col("sum_minor").sum(),
        pl.col("currency").first(),
    )
    silent = rows.filter(pl.col("reference").is_null()).with_columns(subject="account")
    many = (
        silent.group_by(key)
        .agg(count=pl.len(), first_at=pl.col("booked_at").min(), last_at=pl.col("booked_at").max())
        .filter(pl.col("count") >= p.min_employees)
    )
    unknown = in_a_row(many, p.min_months).select(
        account=pl.col("subject").cast(pl.UInt32), missing_field=pl.lit("reference to the employee")
    )
    return Outcome(windows, counted.select(EVIDENCE), unknown)


LAB_01 = Indicator(
    id="HT-LAB-01",
    name="Several wages in one account",
    role="PC",
    weight="S",
    source="FinCEN FIN-2020-A008, typology 2 (salaries of several employees in the same account)",
    evidence="V1, D",
    parameters=SeveralWages(),
    values=(
        Value("employee_count", "count", ">=", "min_employees"),
        Value("month_count", "count", ">=", "min_months"),
        Value("employer_count", "count", "<=", "max_employers"),
        Value("sum_minor", "money"),
    ),
    fact="wages of {employee_count} employees of {employer_count} employers arrived with one holder in "
    "{month_count} months in a row, {sum} in all",
    caution="couples and relatives at one employer, and accountants who pass wages on",
    find=find_several_wages,
    needs=("description",),
)


# ----------------------------------------------------------------------------------------------------


def find_swept_wages(context: Context, p: SweptWages) -> Outcome:
    """Wages are cashed or sent on at once, payday after payday.

    On 3 or more paydays in a row 0.8 of the wage leaves within 24 hours, in cash or by transfer; other money
    of the account that came earlier leaves first. Accounts of businesses are left out: they earn no wages.
    """
    windows, found = swept_wages(context, p)
    business = pl.Series(np.flatnonzero(accounts_of(context, "business")).astype(np.uint32))
    windows = windows.filter(~pl.col("account").is_in(business.implode()))
    return Outcome(windows, found.rows(windows))


LAB_02 = Indicator(
    id="HT-LAB-02",
    name="Wages swept at once",
    role="PV",
    weight="S",
    source="FinCEN FIN-2020-A008, typology 2 (immediate withdrawal or transfer of wages)",
    evidence="V1, D",
    parameters=SweptWages(),
    values=(
        Value("payday_count", "count", ">=", "min_paydays"),
        Value("swept_share", "share", ">=", "min_share"),
        Value("swept_minor", "money"),
        Value("inflow_minor", "money"),
    ),
    fact="on {payday_count} paydays in a row wages left within {within_hours} hours in cash or by transfer, "
    "{swept} of {inflow}",
    caution="workers who prefer cash or send money home; one payee for several people says more (HT-CTL-04)",
    find=find_swept_wages,
    needs=("merchant",),
)


# ----------------------------------------------------------------------------------------------------


def wage_shares(
    context: Context, within_hours: float, min_share: float, payment: pl.Expr
) -> tuple[pl.DataFrame, Sweeps]:
    """What part of each wage its earner sent to each payee by payments that `payment` keeps.

    Columns: account, target (payee's party), employer (party), month, in_row, inflow_minor, swept_minor,
    in_at, out_at, person, home, family (of the earner). And the sweeps behind, of those payments alone.
    """
    found = sweeps(context, "wages", WAGES, within_hours)
    earns = np.zeros(context.ledger.account_count, np.bool_)
    earns[found.inflows["account"].unique().to_numpy()] = True
    columns = ("counterparty", "channel", "kinds")
    debits = context.legs(
        ~IS_CREDIT & pl.col("channel").is_in(SENDING) & payment, *columns, own=False, accounts=earns
    )
    sent = debits.select("account", out_row="row")
    pieces = found.pieces.filter(~pl.col("is_cash")).join(sent, on=["account", "out_row"], how="semi")
    own = Sweeps(found.inflows, pieces)
    paid = context.legs(WAGES & context.counterparty_known(), "counterparty", own=False, accounts=earns)
    employers = with_payer(context, paid).select("account", in_row="row", employer="payer")
    shares = (
        own.of_inflows(min_share)
        .join(employers, on=["account", "in_row"])
        .join(holders(context), on="account")
        .with_columns(month=month_of())
    )
    return shares, own


def month_after_month(
    shares: pl.DataFrame, min_workers: int, min_months: int
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Windows in which `min_workers` unrelated earners pay one payee, and the shares that make them.

    shares: of `wage_shares`; a subject is an employer and a payee.
    """
    numbered = shares.with_columns(subject=pl.struct("employer", "target").rank("dense").cast(pl.UInt32))
    months = (
        numbered.group_by("subject", "month")
        .agg(
            worker_count=unrelated(),
            first_at=pl.col("in_at").min(),
            last_at=pl.col("out_at").max(),
        )
        .filter(pl.col("worker_count") >= min_workers)
    )
    windows = in_a_row(months, min_months, pl.col("worker_count").max())
    return windows, numbered.join(windows.select("subject").unique(), on="subject", how="semi")


@dataclass(frozen=True)
class CoWorkersPay:
    """Parameters of HT-LAB-03."""

    min_workers: int = parameter(3, "employees of one employer; D", stricter="higher", low=2)
    min_share: float = parameter(0.2, "of the wage; D", stricter="higher", low=0.01, high=1)
    within_hours: float = parameter(72.0, "of the payday; D", low=0)
    min_months: int = parameter(2, "months in a row; D", stricter="higher", low=1)
    min_spread: float = parameter(
        0.05, "spread over mean of one worker's payments; equal ones are rent; D", stricter="higher", low=0
    )
    max_payers: int = parameter(
        500, "accounts that pay it in all, beyond which it is a business; D", stricter="lower", low=2
    )


def find_co_workers_pay(context: Context, p: CoWorkersPay) -> Outcome:
    """Several employees of one employer send part of the wage to one person who is not the employer.

    In 2 or more months in a row 3 or more of them, related neither to each other nor to the payee as far as
    is known, send 0.2 of a wage within 72 hours, by P2P or to an account that a person holds. Rent, invoices,
    payments that are always equal, and payees whom more than 500 accounts pay are left out.
    """
    payment = is_personal(context) & ~of_kind("rent", "invoice")
    shares, found = wage_shares(context, p.within_hours, p.min_share, payment)
    varied = (
        found.pieces.group_by("account", "target", "out_row")
        .agg(pl.col("piece_minor").sum())
        .group_by("account", "target")
        .agg(spread=(pl.col("piece_minor").std() / pl.col("piece_minor").mean()).fill_null(0.0))
        .filter(pl.col("spread") >= p.min_spread)
    )
    others = (
        shares.filter(pl.col("target") != pl.col("employer"))
        .join(varied, on=["account", "target"], how="semi")
        .join(few_payers(context, shares["target"], p.max_payers), on="target", how="semi")
    )
    windows, named = month_after_month(not_kin(context, others), p.min_workers, p.min_months)
    rows = [
        found.rows(named).with_columns(role=pl.lit("PV")),
        received(context, named).with_columns(role=pl.lit("PC")),
    ]
    return Outcome(windows, pl.concat(rows).unique())


LAB_03 = Indicator(
    id="HT-LAB-03",
    name="Co-workers pay one person",
    role="PC",
    weight="S",
    source="FinCEN FIN-2020-A008 (fees withheld from wages); FATF, Financial flows from human trafficking "
    "(2018)",
    evidence="V1, M, D",
    parameters=CoWorkersPay(),
    values=(
        Value("worker_count", "count", ">=", "min_workers"),
        Value("month_count", "count", ">=", "min_months"),
    ),
    fact="{worker_count} employees of one employer sent part of the wage to one person within {within_hours} "
    "hours, in {month_count} months in a row",
    caution="a landlord of a shared house, car pools and savings clubs",
    find=find_co_workers_pay,
    needs=("merchant", "p2p"),
    across=True,
)


# ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class KickBack:
    """Parameters of HT-LAB-04."""

    within_days: float = parameter(7.0, "of the payday; D", low=0)
    min_share: float = parameter(0.1, "of the wage; D", stricter="higher", low=0.01, high=1)
    max_share: float = parameter(0.6, "of the wage, beyond which it is swept; D", stricter="lower", high=1)
    min_workers: int = parameter(2, "workers who return part of it; D", stricter="higher", low=2)
    min_months: int = parameter(2, "months in a row; D", stricter="higher", low=1)


def find_kick_back(context: Context, p: KickBack) -> Outcome:
    """Workers return part of the wage to the employer, its director or its staff.

    In 2 or more months in a row 2 or more unrelated workers send 0.1 to 0.6 of a wage within 7 days back to
    who paid it, to somebody who may use the employer's account, or to somebody whom it pays wages too. Loans
    and invoices are left out.
    """
    payment = ~of_kind("credit_disbursement", "invoice")
    shares, found = wage_shares(context, p.within_days * 24, p.min_share, payment)
    share = pl.col("swept_minor") <= p.max_share * pl.col("inflow_minor") + HAIR
    people = _people_of_employers(context, shares)
    back = pl.concat(
        [
            shares.filter(share, pl.col("target") == pl.col("employer")),
            not_kin(context, shares.filter(share, pl.col("target") != pl.col("employer"))).join(
                people, on=["employer", "target"], how="semi"
            ),
        ]
    )
    windows, named = month_after_month(back, p.min_workers, p.min_months)
    is_employer = pl.col("target") == pl.col("employer")
    role = pl.when(is_employer).then(pl.lit("BIZ")).otherwise(pl.lit("PC"))
    whose = named.select("subject", role=role).unique()
    rows = [
        found.rows(named).with_columns(role=pl.lit("PV")),
        received(context, named).join(whose, on="subject"),
    ]
    return Outcome(windows, pl.concat(rows).unique())


def _people_of_employers(context: Context, shares: pl.DataFrame) -> pl.DataFrame:
    """employer, target (parties): whom an employer pays wages, and who may use its accounts."""
    of_account = context.party_of_account[context.persons]
    paid = with_payer(context, context.legs(WAGES & context.counterparty_known(), "counterparty", own=False))
    staff = paid.select(employer="payer", target=pl.Series(of_account[paid["account"].to_numpy()]))
    parts = [staff.join(shares.select("employer").unique(), on="employer", how="semi")]
    if "authorised_users" in context.accounts.columns:
        named = context.accounts.with_columns(party=pl.Series(of_account))
        users = named.select(
            employer="party", entry=dated_list(pl.col("authorised_users").cast(pl.String))
        ).explode("entry", empty_as_null=True)
        users = users.drop_nulls("entry").unnest("entry").select("employer", holder_id="value")
        people = named.select(target="party", holder_id=pl.col("holder_id").cast(pl.String))
        parts.append(users.join(people, on="holder_id").select("employer", "target"))
    return pl.concat(parts).filter(pl.col("employer") != pl.col("target")).unique()


LAB_04 = Indicator(
    id="HT-LAB-04",
    name="Wages paid back",
    role="BIZ/PC",
    weight="S",
    source="FinCEN FIN-2020-A008, typology 2 (wages retained by the employer)",
    evidence="V1, D",
    parameters=KickBack(),
    values=(
        Value("worker_count", "count", ">=", "min_workers"),
        Value("month_count", "count", ">=", "min_months"),
    ),
    fact="{worker_count} workers sent part of the wage back to the employer or its people within "
    "{within_days} days, in {month_count} months in a row",
    caution="loans to staff that are written down, and colleagues who share costs",
    find=find_kick_back,
    needs=("merchant",),
    across=True,
)


# ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class FeeFanIn:
    """Parameters of HT-LAB-05."""

    min_payers: int = parameter(10, "new payers; D", stricter="higher", low=2)
    window_days: float = parameter(30.0, "in which they pay; D", low=0.1)
    min_fee: float = parameter(100.0, "units of the currency: hundreds; V1", stricter="higher", low=0)
    max_fee: float = parameter(20_000.0, "units: tens of thousands; V1", stricter="lower", low=1)
    tolerance: float = parameter(0.15, "of an amount to its price; D", stricter="lower", low=0, high=0.9)
    max_prices: int = parameter(3, "prices that the amounts lie at; D", stricter="lower", low=1, high=20)
    min_left: float = parameter(0.5, "of the fees that leave; D", stricter="higher", low=0.01, high=1)
    left_days: float = parameter(7.0, "in which they leave; D", stricter="lower", low=0)


def find_fee_fan_in(context: Context, p: FeeFanIn) -> Outcome:
    """Fees for jobs, visas or training come from many new payers, and leave in cash or abroad.

    Within 30 days 10 or more payers who are not shown to be related, and who never paid the account before,
    pay 100 to 20,000 units with words of recruitment; all amounts lie within 0.15 of 3 prices; and 0.5 of
    them leaves within 7 days in cash, through a money transfer company or to another country. Payments for an
    invoice do not count.
    """
    amount = pl.col("amount_minor")
    of_size = amount.is_between(p.min_fee * context.minor_per_unit(), p.max_fee * context.minor_per_unit())
    known = context.counterparty_known()
    fees = context.legs(FEES & known, "amount_minor", "account_minor", "counterparty", own=False)
    fees = with_rows(with_payer(context, fees).filter(of_size), p.min_payers)
    if fees.is_empty():
        return Outcome(empty_windows(), context.no_legs())
    able = np.zeros(context.ledger.account_count, np.bool_)
    able[fees["account"].unique().to_numpy()] = True
    paid = with_payer(context, context.legs(IS_CREDIT & known, "counterparty", own=False, accounts=able))
    first = paid.group_by("account", "payer").agg(booked_at=pl.col("booked_at").min())
    new = fees.join(first, on=["account", "payer", "booked_at"], how="semi", maintain_order="left")
    new = with_relations(
        context, new.unique(["account", "payer"], keep="first", maintain_order=True), "payer"
    )
    gone = passed_on(context, FEES, _out_of_reach(context), p.left_days, able)
    left = gone.group_by("account", row="in_row").agg(
        left_minor=pl.col("piece_minor").sum(), left_at=pl.col("out_at").max()
    )
    rows = new.join(left, on=["account", "row"], how="left", maintain_order="left")
    windows = (
        trailing(
            rows,
            days(p.window_days),
            unrelated().alias("payer_count"),
            _prices(amount, p.tolerance, p.max_prices).alias("price_count"),
            pl.col("account_minor").sum().alias("sum_minor"),
            pl.col("left_minor").sum(),
            pl.col("left_at").max(),
        )
        .filter(
            pl.col("payer_count") >= p.min_payers,
            pl.col("price_count") <= p.max_prices,
            pl.col("left_minor") >= p.min_left * pl.col("sum_minor") - HAIR,
        )
        .with_columns(
            left_share=pl.col("left_minor") / pl.col("sum_minor"),
            window_end=pl.max_horizontal("window_end", "left_at"),
        )
    )
    leaving = gone.join(new.select("account", in_row="row"), on=["account", "in_row"], how="semi")
    out = leaving.select(subject="account", account="account", booked_at="out_at", row="out_row").unique()
    return Outcome(windows.drop("left_at"), pl.concat([new.select(EVIDENCE), out]))


def _prices(amount: pl.Expr, tolerance: float, most: int) -> pl.Expr:
    """Fewest prices such that every amount lies within `tolerance` of one; never more than `most` + 1."""
    reach = (1 + tolerance) / (1 - tolerance) * (1 + 1e-12)
    covered: pl.Expr = pl.lit(0.0)
    needed: pl.Expr = pl.lit(0, pl.Int64)
    for _ in range(most + 1):
        smallest = amount.filter(amount > covered).min()
        needed = needed + smallest.is_not_null().cast(pl.Int64)
        covered = smallest * reach
    return needed


def _out_of_reach(context: Context) -> pl.Expr:
    """Whether an outflow leaves in cash, through a money transfer company or for another country."""
    abroad = (pl.col("place") != pl.col("residence")).fill_null(False) & pl.col("channel").is_in(SENDING)
    return IS_CASH | context.is_cash_party() | of_kind("remittance") | abroad


def passed_on(
    context: Context, inflow: pl.Expr, way: pl.Expr, within_days: float, accounts: npt.NDArray[np.bool_]
) -> pl.DataFrame:
    """Parts of outflows of the given way that are allocated to inflows of a kind, first in, first out.

    way: a condition on the outflow, with `residence` and `place` (see `with_places`). accounts: one truth
    value per account, whether it is looked at.
    Columns: account, in_row, in_at, out_row, out_at, place, piece_minor (account currency).
    """
    columns = ("is_credit", "account_minor", "counterparty", "channel", "country", "kinds")
    legs = context.legs(pl.col("account_minor").is_not_null(), *columns, own=False, accounts=accounts)
    legs = with_places(context, legs.rename({"account_minor": "moved_minor"}))
    ordered, pieces = allocate(legs, days(within_days))
    came = ordered.filter((IS_CREDIT & inflow).fill_null(False))
    went = ordered.filter((~IS_CREDIT & way).fill_null(False))
    return (
        pieces.join(came.select("account", in_leg="leg", in_at="booked_at", in_row="row"), on="in_leg")
        .join(went.select("place", out_leg="leg", out_at="booked_at", out_row="row"), on="out_leg")
        .sort("in_leg", "out_leg")
        .select("account", "in_row", "in_at", "out_row", "out_at", "place", "piece_minor")
    )


LAB_05 = Indicator(
    id="HT-LAB-05",
    name="Recruitment fees from many",
    role="PC",
    weight="S",
    source="FinCEN FIN-2020-A008, typology 2 (recruitment fees of hundreds to tens of thousands of dollars); "
    "FinCEN FIN-2014-A008 (agencies without a licence)",
    evidence="V1, V2, D",
    parameters=FeeFanIn(),
    values=(
        Value("payer_count", "count", ">=", "min_payers"),
        Value("left_share", "share", ">=", "min_left"),
        Value("price_count", "count", "<=", "max_prices"),
        Value("sum_minor", "money"),
    ),
    fact="{payer_count} new payers paid fees for jobs, visas or training within {window_days} days, {sum} in "
    "all at {price_count} prices, and {left_share} of it left within {left_days} days in cash or abroad",
    caution="licensed agencies, schools and visa services, which keep their money in the business",
    find=find_fee_fan_in,
    needs=("merchant",),
)


# ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Instalments:
    """Parameters of HT-LAB-06."""

    min_payers: int = parameter(3, "payers; D", stricter="higher", low=2)
    max_variation: float = parameter(0.1, "spread over mean of the instalments; D", stricter="lower", low=0)
    min_instalments: int = parameter(6, "days on which each pays; D", stricter="higher", low=2)
    window_days: float = parameter(365.0, "in which the payers' latest instalments lie; chosen", low=1)


def find_instalments(context: Context, p: Instalments) -> Outcome:
    """Several people pay a recruiter the same instalment again and again.

    3 or more payers, related neither to each other nor to the payee as far as is known, have each paid it 6
    times running amounts whose spread is 0.1 of their mean at most. The payee has been paid for recruitment,
    visas or tickets by then, as everybody who meets HT-LAB-05 has. Instalments on an invoice do not count.
    """
    since = _recruiters(context)
    if since.is_empty():
        return Outcome(empty_windows(), context.no_legs())
    whole = context.whole
    codes = np.flatnonzero(np.isin(payee_of_party(context), since["payee"].to_numpy())).astype(np.uint32)
    held = np.flatnonzero(np.isin(whole.party_of_account, codes)).astype(np.uint32)
    to_them = (IS_CREDIT & pl.col("account").is_in(held.tolist())) | (
        ~IS_CREDIT & pl.col("counterparty").is_in(codes.tolist())
    )
    kept = pl.col("channel").is_in(SENDING) & ~of_kind("invoice", "refund", "protected")
    legs = payments(context, to_them & kept, "local_day")
    pair = ["payee", "payer", "currency"]
    # A payment that two statements show is one payment.
    paid_days = (
        legs.unique([*pair, "row"], keep="any")
        .group_by(*pair, "local_day")
        .agg(pl.col("amount_minor").sum(), pl.col("booked_at").max(), began=pl.col("booked_at").min())
        .sort(*pair, "local_day")
    )
    size = p.min_instalments
    recent = pl.col("amount_minor").cast(pl.Float64)
    variation = recent.rolling_std(size) / recent.rolling_mean(size)
    equal = (
        paid_days.with_columns(
            variation=variation.over(pair), started=pl.col("began").shift(size - 1).over(pair)
        )
        .filter(pl.col("variation") <= p.max_variation + 1e-9)
        .join(since, on="payee")
    )
    met = not_kin(context, with_relations(context, equal, "payer").with_columns(target="payee"))
    met = met.with_columns(subject="payee").sort("subject", "booked_at", "payer")
    windows = (
        met.rolling("booked_at", period=f"{days(p.window_days)}us", group_by="subject")
        .agg(
            payer_count=unrelated(),
            window_start=pl.col("started").min(),
            since=pl.col("since").first(),
            variation=pl.col("variation").max(),
        )
        .filter(pl.col("payer_count") >= p.min_payers, pl.col("since") <= pl.col("booked_at"))
        .rename({"booked_at": "window_end"})
    )
    named = met.select("subject", "payer").unique().join(windows.select("subject").unique(), on="subject")
    role = pl.when(IS_CREDIT).then(pl.lit("PC")).otherwise(pl.lit("PV"))
    rows = legs.drop("subject").join(named, left_on=["payee", "payer"], right_on=["subject", "payer"])
    return Outcome(windows.drop("since"), rows.select(*EVIDENCE[1:], subject="payee", role=role))


def payments(context: Context, where: pl.Expr, *columns: str) -> pl.DataFrame:
    """Legs between known parties with payee and payer: party codes, one for all accounts of a holder."""
    legs = context.legs(
        where & context.counterparty_known(), "is_credit", "amount_minor", "counterparty", *columns, own=False
    )
    legs = with_payer(context, legs)
    own = context.party_of_account[context.persons[legs["account"].to_numpy()]]
    other = pl.col("payer")
    return legs.with_columns(
        payee=pl.when(IS_CREDIT).then(pl.lit(pl.Series(own))).otherwise(other),
        payer=pl.when(IS_CREDIT).then(other).otherwise(pl.lit(pl.Series(own))),
    )


def _recruiters(context: Context) -> pl.DataFrame:
    """payee, since: who was paid for recruitment, visas or tickets, and since when."""
    named = payments(context, of_kind("recruitment", "travel_agency") & ~of_kind("refund"))
    return named.group_by("payee").agg(since=pl.col("booked_at").min())


LAB_06 = Indicator(
    id="HT-LAB-06",
    name="Endless instalments to a recruiter",
    role="PC",
    weight="S",
    source="FinCEN FIN-2020-A008 (debts for recruitment that take years to repay)",
    evidence="V1, D",
    parameters=Instalments(),
    values=(
        Value("payer_count", "count", ">=", "min_payers"),
        Value("variation", "ratio", "<=", "max_variation"),
    ),
    fact="{payer_count} people each paid a recruiter the same instalment {min_instalments} times or more",
    caution="loan clubs and plans for tuition",
    find=find_instalments,
    needs=("merchant",),
    across=True,
)


# ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class NoPayroll:
    """Parameters of HT-LAB-07."""

    min_multiple: float = parameter(3.0, "of what peers take in; D", stricter="higher", low=0.1)
    window_days: float = parameter(90.0, "without staff or bills; D", low=1)


def takings(context: Context, window_days: float) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Windows of what each business took in, and the rows; the business was there before each window.

    Columns of the windows: subject, account, person, currency, inflow_minor, window_start, window_end.
    """
    width = days(window_days)
    begun = context.accounts.select(
        "account", began=pl.col("first_at").min().over(pl.Series(context.persons))
    )
    kept = IS_CREDIT & ~of_kind("refund", "interest", "credit_disbursement")
    legs = context.legs(
        kept, "amount_minor", person=True, own=False, accounts=accounts_of(context, "business")
    )
    windows = trailing(
        legs,
        width,
        pl.col("amount_minor").sum().alias("inflow_minor"),
        pl.col("account", "currency").last(),
    ).join(begun, on="account", how="left", maintain_order="left")
    known = windows.filter(pl.col("window_end") - pl.col("began") >= pl.duration(microseconds=width))
    person = pl.Series("person", context.persons[known["account"].to_numpy()])
    return known.drop("began").with_columns(person), legs


def find_no_payroll(context: Context, p: NoPayroll) -> Outcome:
    """A business takes in much more than its peers and pays neither staff nor taxes nor utilities.

    Within 90 days a business takes in 3 times or more of what peers reach at their highest (their median),
    and pays no wages, taxes or utilities from any of its accounts here. It has been there for all of the 90
    days.
    """

    def highest(part: Context) -> pl.DataFrame:
        sums = takings(part, p.window_days)[0]
        return sums.group_by("account", "currency").agg(x=pl.col("inflow_minor").max())

    windows, rows = takings(context, p.window_days)
    held = context.against_peers(("takings", p.window_days), windows, highest)
    costs = context.legs(~IS_CREDIT & of_kind("payroll", "tax", "utility"))
    costs = costs.with_columns(subject=pl.Series(context.persons[costs["account"].to_numpy()]))
    staff = Timeline.of(costs.sort("subject", "booked_at"))
    end = held["window_end"].cast(pl.Int64).to_numpy()
    bills = staff.count(held["person"].to_numpy(), end - days(p.window_days), end)
    quiet = held.with_columns(
        bill_count=pl.Series(bills), bound_minor=p.min_multiple * pl.col("peer_median")
    ).filter(pl.col("bill_count") == 0)
    few = quiet.filter(pl.col("peers") < SMALLEST_PEER_GROUP).select(
        "account", missing_field=pl.lit(FEW_PEERS)
    )
    found = quiet.filter(
        pl.col("peers") >= SMALLEST_PEER_GROUP, pl.col("inflow_minor") >= pl.col("bound_minor")
    )
    return Outcome(found, rows.select(EVIDENCE), few.unique())


LAB_07 = Indicator(
    id="HT-LAB-07",
    name="Employer without payroll",
    role="BIZ",
    weight="M",
    source="FinCEN FIN-2014-A008; FINTRAC ML/TF indicators for financial entities (activity against profile)",
    evidence="V2, V1, D",
    parameters=NoPayroll(),
    values=(Value("inflow_minor", "money", ">=", "bound_minor"),),
    fact="a business took in {inflow} within {window_days} days and paid no wages, taxes or utilities",
    caution="sole traders, holding companies, and businesses whose payroll bureau or other bank pays",
    find=find_no_payroll,
    needs=("holder_type", "merchant"),
    uses_peers=True,
    across=False,
)


# ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Provisioning:
    """Parameters of HT-LAB-08."""

    min_z_peer: float = parameter(3.0, "spreads above peers; D", stricter="higher")
    window_days: float = parameter(30.0, "one month; D", low=0.1)
    min_kinds: int = parameter(2, "of lodging, food and vehicles; chosen", stricter="higher", low=1, high=3)


HOSPITALITY = (
    "lodging", "grocery", "convenience", "food_fast", "delivery", "travel_agency", "vehicle_rental",
)  # fmt: skip
LODGING, FOOD, VEHICLES = (of_kind(kind) for kind in ("lodging", "grocery", "vehicle_rental"))


def provisions(context: Context, p: Provisioning) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Windows of what each business outside the trade spent on rooms, food and vehicles; the rows."""
    names = context.accounts["holder_name"] if "holder_name" in context.accounts.columns else None
    able = accounts_of(context, "business")
    if names is not None:
        trades = load_vocabulary(context.settings.dictionaries).kinds_of(None, [names.cast(pl.String)])
        host = pl.DataFrame({"kinds": trades}).select(of_kind(*HOSPITALITY))
        able = able & ~host.to_series().to_numpy()
    bought = ~IS_CREDIT & (LODGING | FOOD | VEHICLES)
    legs = context.legs(bought, "amount_minor", "kinds", person=True, own=False, accounts=able)
    windows = trailing(
        legs,
        days(p.window_days),
        pl.col("amount_minor").sum().alias("spent_minor"),
        pl.sum_horizontal(kind.any().cast(pl.Int64) for kind in (LODGING, FOOD, VEHICLES)).alias(
            "kind_count"
        ),
        pl.col("account", "currency").last(),
    )
    return windows, legs


def find_provisioning(context: Context, p: Provisioning) -> Outcome:
    """A business outside the trade pays for rooms, food and vehicles as if it housed and moved people.

    Within 30 days its spending on lodging, groceries and rented vehicles, on 2 of the three at least, lies 3
    or more spreads above what peers reach at their highest. Businesses whose name is of those trades are left
    out.
    """

    def highest(part: Context) -> pl.DataFrame:
        sums = provisions(part, p)[0]
        return sums.group_by("account", "currency").agg(x=pl.col("spent_minor").max())

    windows, rows = provisions(context, p)
    enough = windows.filter(pl.col("kind_count") >= p.min_kinds)
    held = context.against_peers(("provisions", p.window_days), enough, highest)
    few = held.filter(pl.col("peers") < SMALLEST_PEER_GROUP).select(
        "account", missing_field=pl.lit(FEW_PEERS)
    )
    spread = pl.max_horizontal("peer_spread", context.minor_per_unit())
    found = (
        held.filter(pl.col("peers") >= SMALLEST_PEER_GROUP)
        .with_columns(z_peer=(pl.col("spent_minor") - pl.col("peer_median")) / spread)
        .filter(pl.col("z_peer") >= p.min_z_peer)
    )
    return Outcome(found, rows.select(EVIDENCE), few.unique())


LAB_08 = Indicator(
    id="HT-LAB-08",
    name="Business provisions people",
    role="BIZ",
    weight="M",
    source="FinCEN FIN-2014-A008, appendix B (housing, lodging, vehicle rentals, large amounts of food)",
    evidence="V2, D",
    parameters=Provisioning(),
    values=(
        Value("z_peer", "score", ">=", "min_z_peer"),
        Value("kind_count", "count", ">=", "min_kinds"),
        Value("spent_minor", "money"),
    ),
    fact="a business spent {spent} on lodging, food and rented vehicles within {window_days} days, {z_peer} "
    "spreads above peers",
    caution="construction, film crews, and farms with declared housing",
    find=find_provisioning,
    needs=("holder_type", "merchant"),
    uses_peers=True,
    across=False,
)


# ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ManyToOneAbroad:
    """Parameters of HT-LAB-09."""

    min_senders: int = parameter(5, "unrelated senders; D", stricter="higher", low=2)
    window_days: float = parameter(30.0, "in which they send; D", low=0.1)
    min_cities: int = parameter(2, "cities they send from; D", stricter="higher", low=1)
    max_senders: int = parameter(
        500, "accounts that pay it in all, beyond which it is a business; D", stricter="lower", low=2
    )


def find_many_to_one_abroad(context: Context, p: ManyToOneAbroad) -> Outcome:
    """Many senders from several cities pay one beneficiary abroad, in amounts below where identity is asked.

    Within 30 days 5 or more holders who are not shown to be related, from 2 or more cities, send to one
    beneficiary in another country than their own, by transfer, P2P or a money transfer company, and the
    median is below the legal threshold for transfers of their currency. Beneficiaries whom more than 500
    accounts pay, and the transfer companies themselves, are left out. The city is the booking's, where the
    booking does not lie abroad.
    """
    sent = ~IS_CREDIT & context.counterparty_known() & ~of_kind("refund", "protected")
    legs = context.legs(
        sent & (pl.col("channel").is_in(SENDING) | of_kind("remittance")),
        "amount_minor", "counterparty", "channel", "city", "country", "counterparty_name", own=False,
    )  # fmt: skip
    companies = (
        load_vocabulary(context.settings.dictionaries).kinds_of(None, [legs["counterparty_name"]])
        if "counterparty_name" in legs.columns
        else pl.repeat(0, legs.height, dtype=pl.UInt64, eager=True)
    )
    placed = with_places(context, legs.with_columns(kinds=companies).filter(~of_kind("remittance")))
    where = letters("country") if "country" in legs.columns else pl.lit(None, pl.String)
    city = normalised(pl.col("city").cast(pl.String)) if "city" in legs.columns else pl.lit(None, pl.String)
    at_home = where.is_null() | (where == pl.col("residence"))
    abroad = (
        with_payer(context, placed.with_columns(from_city=pl.when(at_home).then(city)))
        .filter(pl.col("place") != pl.col("residence"))
        .rename({"payer": "target"})
        .with_columns(subject=context.coded(pl.col("target")))
        .filter(pl.col("account").n_unique().over("subject") >= p.min_senders)
        .join(holders(context), on="account")
    )
    abroad = not_kin(
        context, abroad.join(few_payers(context, abroad["target"], p.max_senders), on="target", how="semi")
    )
    limits = abroad.sort("subject", "booked_at", "account", "row")
    for use in ("transfer_identification", "transfer_record"):  # the record's limit where there is one
        limits = context.thresholds.attach(limits, use).rename({"limit_minor": use})
        limits = limits.drop("reportable_from_minor", "legal_window", "threshold_rule")
    rows = limits.with_columns(limit=pl.coalesce("transfer_record", "transfer_identification"))
    windows = trailing(
        rows,
        days(p.window_days),
        unrelated().alias("sender_count"),
        pl.col("from_city").drop_nulls().n_unique().cast(pl.Int64).alias("city_count"),
        pl.col("from_city").null_count().alias("unplaced"),
        pl.col("amount_minor").median().alias("median_minor"),
        pl.col("amount_minor").sum().alias("sum_minor"),
        pl.col("limit").last().alias("limit_minor"),
        pl.col("currency").last(),
    ).filter(pl.col("sender_count") >= p.min_senders)
    low = (pl.col("median_minor") < pl.col("limit_minor")).fill_null(False)
    found = windows.filter(pl.col("city_count") >= p.min_cities, low)
    open_ = windows.filter(
        pl.col("limit_minor").is_null() | (low & (pl.col("city_count") + pl.col("unplaced") >= p.min_cities))
    ).join(found.select("subject").unique(), on="subject", how="anti")
    field = (
        pl.when(pl.col("limit_minor").is_null())
        .then(pl.format("legal threshold for {}", pl.col("currency").cast(pl.String)))
        .otherwise(pl.lit("city of the sender"))
    )
    lacking = rows.join(
        open_.select("subject", missing_field=field).unique("subject", keep="first", maintain_order=True),
        on="subject",
    ).select("account", "missing_field")
    named = rows.join(found.select("subject").unique(), on="subject", how="semi")
    evidence = [
        named.select(EVIDENCE).with_columns(role=pl.lit("NET")),
        received(context, named).with_columns(pl.col("subject").cast(pl.UInt64), role=pl.lit("NET/PC")),
    ]
    return Outcome(found, pl.concat(evidence).unique(), lacking.unique())


LAB_09 = Indicator(
    id="HT-LAB-09",
    name="Remittances of many to one abroad",
    role="NET/PC",
    weight="S",
    source="FinCEN FIN-2023-Alert001, red flags 1, 2 and 5; FinCEN FIN-2014-A008, appendix A (below $3,000, "
    "common beneficiary)",
    evidence="V1, V2, D",
    parameters=ManyToOneAbroad(),
    values=(
        Value("sender_count", "count", ">=", "min_senders"),
        Value("city_count", "count", ">=", "min_cities"),
        Value("median_minor", "money", "<", "limit_minor"),
        Value("sum_minor", "money"),
    ),
    fact="{sender_count} senders not shown to be related, in {city_count} cities, paid one beneficiary "
    "abroad within {window_days} days, {sum} in all and {median} in the middle",
    caution="people who collect for a village, and families whose relation is not in the data",
    find=find_many_to_one_abroad,
    needs=("country",),
    across=True,
)


# ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class CashToCorridor:
    """Parameters of HT-LAB-10."""

    corridors: tuple[str, ...] = parameter(
        (), "countries, two letters each, which an institution names; none"
    )
    min_share: float = parameter(0.7, "of the cash that goes there; D", stricter="higher", low=0.01, high=1)
    within_hours: float = parameter(72.0, "of the deposit; D", stricter="lower", low=0)
    window_days: float = parameter(30.0, "days; D", low=1)
    min_z: float = parameter(3.0, "spreads above the own past; D", stricter="higher")
    history_days: int = parameter(180, "own past that the count is held against", low=30)


def find_cash_to_corridor(context: Context, p: CashToCorridor) -> Outcome:
    """Cash is paid in and sent on to countries that the institution has named.

    Of the cash of 30 days 0.7 goes within 72 hours, by transfer or a money transfer company, to a country of
    `corridors`, in 3 spreads more payments than in the account's own earlier months. Where no country is
    named nothing can be said; none is shipped, because such a list stands for where people come from.
    """
    deposits = context.legs(DEPOSITS & pl.col("account_minor").is_not_null(), "account_minor", own=False)
    able = np.zeros(context.ledger.account_count, np.bool_)
    able[deposits["account"].unique().to_numpy()] = True
    named = [code.strip().upper() for code in p.corridors]
    if not named:
        everybody = pl.DataFrame({"account": np.flatnonzero(able).astype(np.uint32)})
        lacking = everybody.with_columns(missing_field=pl.lit("corridors (a setting)"))
        return Outcome(empty_windows(), context.no_legs(), lacking)
    way = (pl.col("channel").is_in(SENDING) | of_kind("remittance")) & pl.col("place").is_in(named)
    sent = passed_on(context, DEPOSITS, way.fill_null(False), p.within_hours / 24, able)
    left = sent.group_by("account", row="in_row").agg(
        left_minor=pl.col("piece_minor").sum(), left_at=pl.col("out_at").max()
    )
    rows = deposits.join(left, on=["account", "row"], how="left", maintain_order="left")
    width = days(p.window_days)
    windows = trailing(
        rows,
        width,
        pl.col("account_minor").sum().alias("cash_minor"),
        pl.col("left_minor").sum(),
        pl.col("left_at").max(),
    ).filter(pl.col("left_minor") >= p.min_share * pl.col("cash_minor") - HAIR)
    windows = windows.with_columns(
        sent_share=pl.col("left_minor") / pl.col("cash_minor"),
        window_end=pl.max_horizontal("window_end", "left_at"),
    )
    out = sent.select(subject="account", account="account", booked_at="out_at", row="out_row").unique()
    out = out.sort("subject", "booked_at", "row")
    begun = context.accounts["first_at"].cast(pl.Int64).to_numpy()
    subject, end = windows["subject"].to_numpy(), windows["window_end"].cast(pl.Int64).to_numpy()
    z, complete = z_self_count(Timeline.of(out), subject, end, begun[subject], width, days(p.history_days))
    told = windows.with_columns(z_self=pl.Series(z, nan_to_null=True), months=pl.Series(complete))
    lacking = told.filter(pl.col("months") == 0).select(
        account="subject", missing_field=pl.lit("history before the window")
    )
    found = told.filter(pl.col("z_self") >= p.min_z)
    came = rows.filter(pl.col("left_minor").is_not_null())
    return Outcome(found, pl.concat([came.select(EVIDENCE), out.select(EVIDENCE)]), lacking.unique())


LAB_10 = Indicator(
    id="HT-LAB-10",
    name="Cash in, corridor transfer out",
    role="NET",
    weight="W",
    source="FinCEN FIN-2023-Alert001, red flag 3; FinCEN FIN-2020-A008, financial indicator 1",
    evidence="V1, D",
    parameters=CashToCorridor(),
    values=(
        Value("sent_share", "share", ">=", "min_share"),
        Value("z_self", "score", ">=", "min_z"),
        Value("left_minor", "money"),
        Value("cash_minor", "money"),
    ),
    fact="{left} of {cash} paid in as cash within {window_days} days went to a named country within "
    "{within_hours} hours, {z_self} spreads above the own past",
    caution="people who send their wages home: sending money abroad is no offence",
    find=find_cash_to_corridor,
    enabled=False,
)


# ----------------------------------------------------------------------------------------------------

# What a package holds: words beside the kinds `travel_agency` and `recruitment` of the vocabulary.
_PERMITS = ("visa", "visum", "viza", "permit", "wize", "visumgebuehr")
_COURSES = ("training", "course", "kurs", "schulung", "formation", "curso", "szkolenie")


@dataclass(frozen=True)
class Package:
    """Parameters of HT-LAB-11."""

    within_days: float = parameter(14.0, "between ticket, visa and training; D", stricter="lower", low=0)
    window_days: float = parameter(365.0, "in which the wage follows; D", stricter="lower", low=1)


def find_package(context: Context, p: Package) -> Outcome:
    """Somebody pays one payee for ticket, visa and training; then the first wage from abroad is swept.

    All three within 14 days to one payee, and within 365 days the next wage from another country than the
    holder's leaves as HT-LAB-02 says (0.8 within 24 hours, in cash or by transfer).
    """
    lacking = context.accounts.filter(pl.lit(False)).select("account", missing_field=pl.lit(""))
    bought = (
        ~IS_CREDIT & context.counterparty_known() & of_kind("travel_agency", "recruitment", "transport_far")
    )
    legs = context.legs(bought, "counterparty", "kinds", "description", own=False)
    said = normalised(pl.col("description").cast(pl.String)) if "description" in legs.columns else pl.lit("")
    padded = pl.format(" {} ", said.fill_null(""))
    visa, course = (
        padded.str.contains_any([f" {word} " for word in words]) for words in (_PERMITS, _COURSES)
    )
    parts = with_payer(context, legs).with_columns(
        ticket=of_kind("travel_agency", "transport_far"),
        visa=of_kind("recruitment") & visa,
        course=of_kind("recruitment") & course,
    )
    packages = (
        parts.sort("account", "payer", "booked_at", "row")
        .rolling("booked_at", period=f"{days(p.within_days)}us", closed="both", group_by=["account", "payer"])
        .agg(
            pl.col("ticket", "visa", "course").any(),
            window_start=pl.col("booked_at").first(),
            bought_rows=pl.col("row"),
        )
        .filter("ticket", "visa", "course")
        .rename({"booked_at": "bought_at"})
        .sort("account", "bought_at", "window_start", "payer")
    )
    if packages.is_empty():
        return Outcome(empty_windows(), context.no_legs(), lacking)
    rules = context.find_parameters("HT-LAB-02")
    found = sweeps(context, "wages", WAGES, rules.within_hours)
    paid = with_places(
        context, context.legs(WAGES, "counterparty", "country", own=False).filter(
            pl.col("account").is_in(packages["account"].unique().implode())
        ),
    )  # fmt: skip
    lacking = paid.filter(pl.col("place").is_null() | pl.col("residence").is_null()).select(
        "account", missing_field=pl.lit("country of the employer, or of the holder")
    )
    foreign = paid.filter(pl.col("place") != pl.col("residence")).select(
        "account", in_at="booked_at", in_row="row"
    )
    follows = (
        packages.sort("bought_at")
        .join_asof(
            foreign.sort("in_at", "in_row"),
            left_on="bought_at", right_on="in_at", by="account", strategy="forward",
            allow_exact_matches=False, check_sortedness=False,
        )
        .filter(pl.col("in_at") - pl.col("bought_at") <= pl.duration(microseconds=days(p.window_days)))
    )  # fmt: skip
    swept = found.of_inflows(rules.min_share, any_target=True).select(
        "account", "in_row", "out_at", "swept_minor", "inflow_minor"
    )
    windows = (
        follows.join(swept, on=["account", "in_row"])
        .with_columns(subject="account", swept_share=pl.col("swept_minor") / pl.col("inflow_minor"))
        .rename({"out_at": "window_end"})
        .with_columns(months=(pl.col("in_at") - pl.col("bought_at")).dt.total_days())
    )
    spent = windows.select("account", row="bought_rows").explode("row").unique()
    sides = [
        legs.join(spent, on=["account", "row"], how="semi").select(EVIDENCE),
        found.inflows.join(windows, on=["account", "in_row"], how="semi").select(
            subject="account", account="account", booked_at="in_at", row="in_row"
        ),
        found.pieces.join(windows, on=["account", "in_row"], how="semi").select(
            subject="account", account="account", booked_at="out_at", row="out_row"
        ),
    ]
    told = windows.drop("bought_rows", "account", "payer").rename({"months": "day_count"})
    return Outcome(told, pl.concat(sides).unique(), lacking.unique())


LAB_11 = Indicator(
    id="HT-LAB-11",
    name="Travel package before swept wages",
    role="PV",
    weight="M",
    source="FinCEN FIN-2020-A008 (fees and changed contracts); FATF, Financial flows from human trafficking "
    "(2018)",
    evidence="V1, M, D",
    parameters=Package(),
    values=(
        Value("swept_share", "share"),
        Value("day_count", "days", "<=", "window_days"),
        Value("swept_minor", "money"),
    ),
    fact="one payee was paid for ticket, visa and training within {within_days} days, and the next wage from "
    "abroad, {day_count} days later, left at once ({swept})",
    caution="people who study or work abroad and send money home",
    find=find_package,
    needs=("merchant", "country", "description"),
)


INDICATORS = (
    LAB_01, LAB_02, LAB_03, LAB_04, LAB_05, LAB_06, LAB_07, LAB_08, LAB_09, LAB_10, LAB_11,
)  # fmt: skip
