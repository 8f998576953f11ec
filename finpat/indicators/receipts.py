"""Third-party receipts (HT-P2P): money that persons send to one account, and what happens to it.

What counts as money from a person is written in parties.py. Windows belong to the person who holds the
accounts, in one currency; payers are counted as persons too. References are read for what kind of words they
hold and never quoted.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from finpat.indicators.aliases import with_alias
from finpat.indicators.base import Indicator, Outcome, Value, parameter
from finpat.indicators.context import FEW_PEERS, IS_CREDIT, SMALLEST_PEER_GROUP, Context, days
from finpat.indicators.parties import is_personal, receipts_from_persons, with_ordinal, with_payer
from finpat.indicators.structuring import EVIDENCE
from finpat.indicators.sweeps import SweptToOne, payee_of_party, sweeps, swept_to_one
from finpat.indicators.tallies import lacking, tally
from finpat.indicators.windows import Timeline, with_rows
from finpat.vocabulary import of_kind

OFTEN = 3  # a payer's third payment: from here on the payer comes back


def holder_types(context: Context, frame: pl.DataFrame) -> pl.DataFrame:
    """`frame` (with account) plus holder_type as text."""
    types = context.accounts.select("account", pl.col("holder_type").cast(pl.String))
    return frame.join(types, on="account", how="left", maintain_order="left")


# ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ManyPayers:
    """Parameters of HT-P2P-01."""

    min_payers: int = parameter(15, "different payers; D", stricter="higher", low=2)
    min_once_share: float = parameter(
        0.7, "of them have paid once or twice ever; D", stricter="higher", low=0, high=1
    )
    min_z_peer: float = parameter(
        3.0, "spreads above what peers reach at most, instead of min_payers; catalogue",
        stricter="higher", low=0,
    )  # fmt: skip
    min_payers_beside_peers: int = parameter(
        5, "different payers, however few peers have; D", stricter="higher", low=2
    )
    window_days: float = parameter(30.0, "one month; D", low=0.1)


def many_payers(context: Context, p: ManyPayers) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Windows of HT-P2P-01, the receipts they are drawn from, and accounts that lack peers."""

    def highest(part: Context) -> pl.DataFrame:
        every = receipts_from_persons(part, where=~of_kind("invoice"))
        most = tally(every, days(p.window_days), distinct={"payer_count": pl.col("payer")})
        return most.group_by("subject").agg(
            pl.col("account").min(), pl.col("currency").first(), x=pl.col("payer_count").max()
        )

    least = min(p.min_payers, p.min_payers_beside_peers)
    receipts = receipts_from_persons(context, where=~of_kind("invoice"))
    receipts = with_ordinal(receipts.filter(pl.col("payer").n_unique().over("subject") >= least))
    windows = (
        tally(
            receipts,
            days(p.window_days),
            sums={"receipt_count": pl.lit(1), "sum_minor": pl.col("amount_minor")},
            distinct={
                "payer_count": pl.col("payer"),
                "regular_count": pl.when(pl.col("ordinal") >= OFTEN).then("payer"),
            },
        )
        .with_columns(once_share=1 - pl.col("regular_count") / pl.col("payer_count"))
        .filter(pl.col("payer_count") >= least, pl.col("once_share") >= p.min_once_share - 1e-12)
    )
    held = context.against_peers(("payers", p.window_days), windows, highest)
    beside = pl.col("peer_median") + p.min_z_peer * pl.max_horizontal("peer_spread", 1)
    has_peers = (pl.col("peers") >= SMALLEST_PEER_GROUP).fill_null(False)
    held = held.with_columns(
        payers_needed=pl.when(has_peers)
        .then(pl.min_horizontal(p.min_payers, pl.max_horizontal(beside, p.min_payers_beside_peers)))
        .otherwise(p.min_payers),
        peer_median=pl.when(has_peers).then("peer_median"),
        lacks_peers=~has_peers,
    )
    is_found = pl.col("payer_count") >= pl.col("payers_needed")
    few = held.filter(~is_found, "lacks_peers").select("account", missing_field=pl.lit(FEW_PEERS))
    return held.filter(is_found), receipts, few.unique()


def find_many_payers(context: Context, p: ManyPayers) -> Outcome:
    """Many persons pay one person, most of them once or twice.

    In 30 days receipts from 15 or more persons, or from 5 or more where that lies 3 spreads above what peers
    reach at their highest; 0.7 or more of them have paid at most twice up to then. Receipts that name an
    invoice or order are left out.
    """
    windows, receipts, few = many_payers(context, p)
    return Outcome(windows, receipts.select(EVIDENCE), few)


P2P_01 = Indicator(
    id="HT-P2P-01",
    name="Many one-off payers",
    role="NET",
    weight="M",
    source="FINTRAC Project Protect indicators (patterns, rows 4 and 9); FINTRAC ML/TF indicators for "
    "financial entities (wires); FinCEN FIN-2014-A008",
    evidence="V1, V2, D",
    parameters=ManyPayers(),
    values=(
        Value("payer_count", "count", ">=", "payers_needed"),
        Value("once_share", "share", ">=", "min_once_share"),
        Value("peer_median", "count"),
        Value("receipt_count", "count"),
        Value("sum_minor", "money"),
    ),
    fact="{payer_count} persons paid in within {window_days} days, {once_share} of them once or twice ever, "
    "{sum} in all",
    caution="people who sell on marketplaces, tutors, barbers, clubs",
    find=find_many_payers,
    needs=("p2p",),
    uses_peers=True,
    across=False,
)


# ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class PriceList:
    """Parameters of HT-P2P-02."""

    min_count: int = parameter(12, "receipts with a local hour; D", stricter="higher", low=2)
    amounts: int = parameter(4, "amounts of a price list; D", stricter="lower", low=1)
    step: int = parameter(10, "units of currency that the prices are multiples of; D", low=1)
    min_price_share: float = parameter(
        0.7, "of the receipts have one of the amounts; D", stricter="higher", low=0, high=1
    )
    evening_from: int = parameter(18, "local hour; D", low=0, high=23)
    evening_until: int = parameter(4, "local hour, not itself included; D", low=0, high=23)
    min_evening_share: float = parameter(
        0.5, "of the receipts arrive then; D", stricter="higher", low=0, high=1
    )
    min_new_share: float = parameter(
        0.6, "of the payers pay for the first time; D", stricter="higher", low=0, high=1
    )
    window_days: float = parameter(30.0, "one month; D", low=0.1)


def find_price_list(context: Context, p: PriceList) -> Outcome:
    """Receipts of a few round amounts, many in the evening and at night, from payers who are new.

    In 30 days 12 or more receipts from persons; 0.7 or more of them have one of the 4 most frequent amounts
    that are multiples of 10 units, half or more arrive from 18:00 to before 04:00 local time, and 0.6 or more
    of the payers pay this person for the first time. Receipts without a local hour are left out.
    """
    receipts = with_ordinal(receipts_from_persons(context, "local_hour"))
    known = with_rows(receipts.filter(pl.col("local_hour").is_not_null()), p.min_count)
    hour = pl.col("local_hour")
    late, early = hour >= p.evening_from, hour < p.evening_until
    evening = late | early if p.evening_from > p.evening_until else late & early
    round_amount = pl.col("amount_minor") % (p.step * context.minor_per_unit()) == 0
    windows = (
        tally(
            known,
            days(p.window_days),
            sums={
                "receipt_count": pl.lit(1),
                "evening_count": evening,
                "sum_minor": pl.col("amount_minor"),
            },
            distinct={
                "payer_count": pl.col("payer"),
                "new_count": pl.when("is_first").then("payer"),
            },
            commonest={"price_count": (pl.when(round_amount).then("amount_minor"), p.amounts)},
        )
        .with_columns(
            price_share=pl.col("price_count") / pl.col("receipt_count"),
            evening_share=pl.col("evening_count") / pl.col("receipt_count"),
            new_share=pl.col("new_count") / pl.col("payer_count"),
        )
        .filter(
            pl.col("receipt_count") >= p.min_count,
            pl.col("price_share") >= p.min_price_share,
            pl.col("evening_share") >= p.min_evening_share,
            pl.col("new_share") >= p.min_new_share,
        )
    )
    unknown = lacking(receipts.filter(pl.col("local_hour").is_null()), p.min_count, "local_hour")
    return Outcome(windows, known.select(EVIDENCE), unknown)


P2P_02 = Indicator(
    id="HT-P2P-02",
    name="Receipts as from a price list",
    role="PV/NET",
    weight="M",
    source="inference from FINTRAC-2021-OA001 (transfers between persons are the primary receipt)",
    evidence="V1, D",
    parameters=PriceList(),
    values=(
        Value("receipt_count", "count", ">=", "min_count"),
        Value("price_share", "share", ">=", "min_price_share"),
        Value("evening_share", "share", ">=", "min_evening_share"),
        Value("new_share", "share", ">=", "min_new_share"),
        Value("payer_count", "count"),
        Value("sum_minor", "money"),
    ),
    fact="{receipt_count} receipts from {payer_count} persons within {window_days} days, {price_share} of "
    "them of at most {amounts} round amounts, {evening_share} in the evening or at night, {new_share} of the "
    "payers new",
    caution="hairdressers and tutors with price lists, who are paid by day",
    find=find_price_list,
    needs=("p2p", "local_hour"),
)


# ----------------------------------------------------------------------------------------------------


def payees_of_many(context: Context) -> pl.DataFrame:
    """Who meets HT-P2P-01: target (party code of the person's first account), known_from.

    known_from: the end of the first window that shows it.
    """
    whole = context.whole

    def build() -> pl.DataFrame:
        windows, _, _ = many_payers(whole, whole.find_parameters("HT-P2P-01"))
        heads = whole.party_of_account[whole.persons]
        return (
            windows.with_columns(target=pl.Series(heads[windows["account"].to_numpy()], dtype=pl.UInt32))
            .group_by("target")
            .agg(known_from=pl.col("window_end").min())
            .sort("target")
        )

    frame: pl.DataFrame = whole.once("payees of many", build)
    return frame


@dataclass(frozen=True)
class Collector:
    """Parameters of HT-P2P-03."""

    min_payers: int = parameter(5, "persons who pay in; D", stricter="higher", low=2)
    min_share: float = parameter(0.6, "of it is sent on; D", stricter="higher", low=0.01, high=1)
    within_hours: float = parameter(72.0, "receipt to payment; D", low=0)
    window_days: float = parameter(30.0, "one month; D", low=0.1)


def find_collector(context: Context, p: Collector) -> Outcome:
    """A person is paid by several others and sends it on to somebody who is paid by many.

    In 30 days receipts from 5 or more persons, 0.6 or more of which is sent on within 72 hours, first in
    first out, to payees who by then meet HT-P2P-01 (with the parameters set there), and up to then the person
    has paid for no advert and no lodging.
    """
    inflow = is_personal(context) & context.counterparty_known()
    found = sweeps(context, "from persons", inflow, p.within_hours, least=p.min_payers)
    sent = (
        found.pieces.join(payees_of_many(context), on="target")
        .filter(pl.col("out_at") >= pl.col("known_from"))
        .group_by("account", "in_row")
        .agg(sent_minor=pl.col("piece_minor").sum(), last_out=pl.col("out_at").max())
    )
    legs = context.legs(IS_CREDIT & inflow, "counterparty", own=False)
    came = (
        with_payer(context, legs.join(sent.select("account").unique(), on="account", how="semi"))
        .join(found.inflows, left_on=["account", "row"], right_on=["account", "in_row"])
        .join(sent, left_on=["account", "row"], right_on=["account", "in_row"], how="left")
        .sort("subject", "booked_at", "row")
    )
    busy = context.legs(of_kind("advert", "lodging") & ~IS_CREDIT, person=True)
    person = pl.Series("person", context.persons, dtype=pl.UInt32)
    of_account = context.accounts.select("account", person=person)
    spent_from = (
        busy.join(of_account, on="account").group_by("person").agg(spent_at=pl.col("booked_at").min())
    )
    windows = (
        tally(
            came,
            days(p.window_days),
            sums={"in_minor": pl.col("inflow_minor"), "sent_minor": pl.col("sent_minor")},
            distinct={"payer_count": pl.col("payer")},
        )
        .drop("currency")  # amounts are in the account's own
        .with_columns(sent_share=pl.col("sent_minor") / pl.col("in_minor"))
        .filter(pl.col("payer_count") >= p.min_payers, pl.col("sent_share") >= p.min_share)
        .join(of_account, on="account")
        .join(spent_from, on="person", how="left")
        .filter((pl.col("spent_at") > pl.col("window_end")).fill_null(True))
    )
    out = found.pieces.join(payees_of_many(context), on="target").filter(
        pl.col("out_at") >= pl.col("known_from")
    )
    rows = pl.concat(
        [
            came.select(EVIDENCE),
            out.select(subject="account", account="account", booked_at="out_at", row="out_row").unique(),
        ]
    )
    return Outcome(_until_sent(windows, came), rows)


def _until_sent(windows: pl.DataFrame, came: pl.DataFrame) -> pl.DataFrame:
    """`windows` that reach to the last payment by which their receipts were sent on."""
    # First in, first out: no later receipt is sent on before an earlier one.
    sent = came.select(pl.col("last_out").forward_fill().over("subject")).to_series().gather(windows["last"])
    return windows.with_columns(window_end=pl.max_horizontal("window_end", sent.alias("sent_at")))


P2P_03 = Indicator(
    id="HT-P2P-03",
    name="Collector",
    role="NET",
    weight="S",
    source="FINTRAC-2021-OA001, list (may be a financial intermediary, nominee or collector; some are "
    "themselves exploited)",
    evidence="V1, D",
    parameters=Collector(),
    values=(
        Value("payer_count", "count", ">=", "min_payers"),
        Value("sent_share", "share", ">=", "min_share"),
        Value("in_minor", "money"),
        Value("sent_minor", "money"),
    ),
    fact="{payer_count} persons paid in {in} within {window_days} days, and {sent_share} of it was sent on "
    "within {within_hours} hours to somebody whom many pay",
    caution="treasurers of groups",
    find=find_collector,
    needs=("p2p", "merchant"),
    across=True,
)


# ----------------------------------------------------------------------------------------------------


def find_swept_to_one(context: Context, p: SweptToOne) -> Outcome:
    """What persons and cash bring in leaves for one payee at once, day after day.

    On 5 or more days within 30 days 0.7 or more of the day's receipts from persons and in cash leaves within
    24 hours, first in first out, for the same payee, or is drawn in cash at the machine that payee uses most.
    The finding is about the account that is emptied; who receives from several such accounts is a matter of
    HT-CTL-04.
    """
    windows, found = swept_to_one(context, p)
    return Outcome(windows, found.rows(windows))


P2P_04 = Indicator(
    id="HT-P2P-04",
    name="Swept to one payee",
    role="PV",
    weight="S",
    source="FINTRAC Project Protect indicators (patterns, row 6: deposits followed rapidly by withdrawals or "
    "transfers); FinCEN FIN-2020-A008, typology 3",
    evidence="V1, D",
    parameters=SweptToOne(),
    values=(
        Value("day_count", "count", ">=", "min_days"),
        Value("swept_share", "share", ">=", "min_share"),
        Value("swept_minor", "money"),
    ),
    fact="on {day_count} days within {window_days} days what persons and cash brought in left for one payee "
    "within {within_hours} hours, {swept} in all, {swept_share} of it",
    caution="teenagers, couples who keep house together, and tenants; strong only together with HT-CTL-04",
    find=find_swept_to_one,
)


# ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class FundedByOne:
    """Parameters of HT-P2P-05."""

    min_share: float = parameter(0.7, "of what came in; D", stricter="higher", low=0.01, high=1)
    min_count: int = parameter(3, "payments of the payer; chosen", stricter="higher", low=1)
    window_days: float = parameter(60.0, "two months; D", low=0.1)


def find_funded_by_one(context: Context, p: FundedByOne) -> Outcome:
    """An account lives on one person who is paid by many.

    In 60 days 0.7 or more of all that came in, in 3 or more payments, came from one payer who by then meets
    HT-P2P-01 (with the parameters set there).
    """
    payers = payees_of_many(context)
    heads = payee_of_party(context)
    parties = pl.DataFrame({"target": heads}).with_row_index("counterparty")
    listed = parties.join(payers, on="target", how="semi")["counterparty"]
    given = context.legs(
        IS_CREDIT & pl.col("counterparty").is_in(listed.implode()),
        "amount_minor",
        "counterparty",
        person=True,
        own=False,
    )
    given = (
        with_payer(context, given)
        .join(payers.rename({"target": "payer"}), on="payer", maintain_order="left")
        .rename({"subject": "receiver"})
        .sort("receiver", "payer", "booked_at", "row")
        .with_columns(subject=pl.struct("receiver", "payer").rle_id())
    )
    given = with_rows(given, p.min_count)
    inflow = context.legs(
        IS_CREDIT, "amount_minor", person=True, own=False, accounts=_held_by(context, given["account"])
    )
    windows = tally(
        given,
        days(p.window_days),
        sums={"receipt_count": pl.lit(1), "given_minor": pl.col("amount_minor")},
    )
    end = windows["window_end"].cast(pl.Int64).to_numpy()
    receiver = given["receiver"].gather(windows["last"]).to_numpy()
    total = Timeline.of(inflow).total(
        inflow["amount_minor"].to_numpy(), receiver, end - days(p.window_days), end
    )
    windows = windows.with_columns(
        given_share=pl.col("given_minor") / pl.Series(total, dtype=pl.Int64),
        known_from=given["known_from"].gather(windows["last"]),
    ).filter(
        pl.col("receipt_count") >= p.min_count,
        pl.col("given_share") >= p.min_share,
        pl.col("known_from") <= pl.col("window_end"),
    )
    return Outcome(windows, given.select(EVIDENCE))


def _held_by(context: Context, accounts: pl.Series) -> npt.NDArray[np.bool_]:
    """Per account: whether its holder holds one of `accounts`."""
    return np.isin(context.persons, context.persons[accounts.unique().to_numpy()])


P2P_05 = Indicator(
    id="HT-P2P-05",
    name="Lives on one payer whom many pay",
    role="PV",
    weight="M",
    source="FINTRAC-2021-OA001, list (mainly funded by one similar account)",
    evidence="V1, D",
    parameters=FundedByOne(),
    values=(
        Value("given_share", "share", ">=", "min_share"),
        Value("receipt_count", "count", ">=", "min_count"),
        Value("given_minor", "money"),
    ),
    fact="{given_share} of what came in within {window_days} days, {given} in {receipt_count} payments, came "
    "from one person whom many pay",
    caution="couples",
    find=find_funded_by_one,
    needs=("p2p",),
    across=True,
)


# ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Alias:
    """Parameters of HT-P2P-06."""

    min_payers: int = parameter(3, "payers who write one; D", stricter="higher", low=1)
    window_days: float = parameter(60.0, "two months; D", low=0.1)


def find_alias(context: Context, p: Alias) -> Outcome:
    """Payers write a second name in brackets or quotation marks.

    In 60 days references of 3 or more persons hold, in brackets or quotation marks, one or two words that
    could be a name (letters only, a capital first, no word of the vocabulary) and share no word with the name
    of the account's holder.
    """
    receipts = with_alias(context, receipts_from_persons(context, "description"))
    named = receipts.filter("is_alias")
    windows = tally(
        named,
        days(p.window_days),
        sums={"receipt_count": pl.lit(1), "sum_minor": pl.col("amount_minor")},
        distinct={"payer_count": pl.col("payer")},
    ).filter(pl.col("payer_count") >= p.min_payers)
    unknown = receipts.filter(pl.col("is_alias").is_null())
    unknown = unknown.filter(pl.col("payer").n_unique().over("subject") >= p.min_payers)
    return Outcome(windows, named.select(EVIDENCE), lacking(unknown, 1, "holder_name"))


P2P_06 = Indicator(
    id="HT-P2P-06",
    name="Second name in references",
    role="NET",
    weight="M",
    source="FINTRAC Project Protect indicators (patterns: a payee's second name in brackets)",
    evidence="V1, D",
    parameters=Alias(),
    values=(
        Value("payer_count", "count", ">=", "min_payers"),
        Value("receipt_count", "count"),
        Value("sum_minor", "money"),
    ),
    fact="{payer_count} persons wrote a second name for the payee within {window_days} days, in "
    "{receipt_count} references",
    caution="nicknames, stage names, and people who have changed their name",
    find=find_alias,
    needs=("p2p", "description", "holder_name"),
)


# ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ServiceWords:
    """Parameters of HT-P2P-07."""

    min_payers: int = parameter(3, "payers who write one; D", stricter="higher", low=1)
    window_days: float = parameter(60.0, "two months; D", low=0.1)


def find_service_words(context: Context, p: ServiceWords) -> Outcome:
    """References of several payers hold words of a reviewed list.

    In 60 days references of 3 or more persons hold a word of kind `service_words` of the vocabulary, to which
    `[dictionaries]` adds one's own. The words are never shown.
    """
    receipts = receipts_from_persons(context, where=of_kind("service_words"))
    windows = tally(
        receipts,
        days(p.window_days),
        sums={"receipt_count": pl.lit(1), "sum_minor": pl.col("amount_minor")},
        distinct={"payer_count": pl.col("payer")},
    ).filter(pl.col("payer_count") >= p.min_payers)
    return Outcome(windows, receipts.select(EVIDENCE))


P2P_07 = Indicator(
    id="HT-P2P-07",
    name="Words of a reviewed list in references",
    role="NET",
    weight="M",
    source="FINTRAC-2021-OA001, general list (references)",
    evidence="V1, D",
    parameters=ServiceWords(),
    values=(
        Value("payer_count", "count", ">=", "min_payers"),
        Value("receipt_count", "count"),
        Value("sum_minor", "money"),
    ),
    fact="references of {payer_count} persons within {window_days} days hold words of a reviewed list, "
    "{receipt_count} receipts of {sum} in all",
    caution="jokes among friends, and lawful independent work",
    find=find_service_words,
    needs=("p2p", "description"),
)


# ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ProcessorInflow:
    """Parameters of HT-P2P-08."""

    min_count: int = parameter(4, "payouts; D", stricter="higher", low=1)
    window_days: float = parameter(30.0, "one month; D", low=0.1)


def find_processor_inflow(context: Context, p: ProcessorInflow) -> Outcome:
    """A company that collects payments for others pays into a personal account.

    In 30 days 4 or more receipts from payment companies (kind `payment_processor` of the vocabulary) on
    accounts that a natural person holds. Money given back is left out.
    """
    paid = of_kind("payment_processor") & ~of_kind("refund") & IS_CREDIT
    receipts = holder_types(context, context.legs(paid, "amount_minor", person=True, own=False))
    personal = receipts.filter(pl.col("holder_type") == "person")
    windows = tally(
        personal,
        days(p.window_days),
        sums={"receipt_count": pl.lit(1), "sum_minor": pl.col("amount_minor")},
    ).filter(pl.col("receipt_count") >= p.min_count)
    unknown = lacking(receipts.filter(pl.col("holder_type").is_null()), p.min_count, "holder_type")
    return Outcome(windows, personal.select(EVIDENCE), unknown)


P2P_08 = Indicator(
    id="HT-P2P-08",
    name="Payment company pays a person",
    role="NET",
    weight="W",
    source="FINTRAC-2021-OA001, general list; FinCEN FIN-2020-A008, financial indicator 9",
    evidence="V1, D",
    parameters=ProcessorInflow(),
    values=(Value("receipt_count", "count", ">=", "min_count"), Value("sum_minor", "money")),
    fact="{receipt_count} receipts from payment companies on a personal account within {window_days} days, "
    "{sum} in all",
    caution="people who lawfully sell their work or pictures, and freelancers",
    find=find_processor_inflow,
    needs=("merchant", "holder_type"),
)


INDICATORS = (P2P_01, P2P_02, P2P_03, P2P_04, P2P_05, P2P_06, P2P_07, P2P_08)
