"""The tables of the published read model (schema `rm`): one declaration each.

Publishing creates the tables from it; the comments inside the DuckDB file and `docs/data_dictionary.md`
repeat it. Tables that no stage fills yet exist all the same, empty: a query written today runs on later runs.
"""

from __future__ import annotations

from dataclasses import dataclass

from finpat import schemas

SCHEMA = "rm"
MONEY = "DECIMAL(28, 8)"  # holds every Int64 of minor units, at two decimals (cents) as at eight (satoshi)
DUCKDB_TYPES: dict[schemas.Kind, str] = {
    "text": "VARCHAR",
    "choice": "VARCHAR",
    "instant": "TIMESTAMP",
    "date": "DATE",
    "decimal": MONEY,
    "flag": "BOOLEAN",
}
# One number behind a finding: what was measured, in which unit, against which bound.
VALUES = "STRUCT(name VARCHAR, value DOUBLE, unit VARCHAR, threshold DOUBLE, operator VARCHAR)[]"


@dataclass(frozen=True)
class Column:
    """One column: name, DuckDB type, meaning."""

    name: str
    type: str
    doc: str


@dataclass(frozen=True)
class Table:
    """One table of the read model: its key, and the order in which its rows are stored."""

    name: str
    key: tuple[str, ...]
    order: tuple[str, ...]
    doc: str
    columns: tuple[Column, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Column names in order."""
        return tuple(column.name for column in self.columns)


def _canonical(table: schemas.Table) -> tuple[Column, ...]:
    """The columns of a canonical table as they appear to readers."""
    return tuple(Column(c.name, DUCKDB_TYPES[c.kind], c.doc) for c in table.columns)


_SOURCE = (
    Column("source_id", "VARCHAR", "File that the row came from (sources.source_id)."),
    Column("source_file", "VARCHAR", "Name of that file."),
    Column(
        "source_line", "BIGINT", "Line of the file where the row starts (its row number in Parquet, JSON)."
    ),
)

FLAGGED_ACCOUNTS = Table(
    "flagged_accounts",
    ("account_id",),
    ("rank",),
    "Every account with its place in the list, best first: the flagged-account list.",
    (
        Column("rank", "INTEGER", "1 is the account to look at first; no two accounts share a rank."),
        Column("account_id", "VARCHAR", "The account."),
        Column("holder_name", "VARCHAR", "The holder, where an accounts file named one (personal data)."),
        Column("score", "INTEGER", "0 to 1000: findings and anomaly together."),
        Column("band", "VARCHAR", "`critical`, `high`, `medium` or `low`."),
        Column(
            "possible_role",
            "VARCHAR",
            "`possible_controller`, `possible_victim`, `possible_mule`, `possible_front_business` "
            "or `unclear`. A possible victim is to be protected and referred, never listed as a subject.",
        ),
        Column("typologies", "VARCHAR", "Typologies of the findings, joined by `;`."),
        Column("indicators", "VARCHAR", "Ids of the indicators found, joined by `;`."),
        Column("anomaly_percentile", "DOUBLE", "Share of accounts with a lower anomaly score, 0 to 100."),
        Column("amount_in", MONEY, "Sum of credits in `currency`."),
        Column("amount_out", MONEY, "Sum of debits in `currency`."),
        Column("currency", "VARCHAR", "The account's currency: that of most of its transactions."),
        Column("first_seen", "TIMESTAMP", "Its first transaction (UTC)."),
        Column("last_seen", "TIMESTAMP", "Its last transaction (UTC)."),
        Column("network_id", "VARCHAR", "Network that it belongs to (networks.network_id)."),
        Column("reason", "VARCHAR", "One sentence naming the facts behind the score."),
        Column("status", "VARCHAR", "State of the alert in casework."),
        Column("run_id", "VARCHAR", "The run that made this row."),
    ),
)
LIST_COLUMNS = FLAGGED_ACCOUNTS.names  # what the exported list carries, in this order

FINDINGS = Table(
    "findings",
    ("finding_id",),
    ("account_id", "indicator_id", "finding_id"),
    "One row per indicator and account that matched or could not be judged. An indicator whose field no "
    "source has gives one row with account_id null.",
    (
        Column("finding_id", "VARCHAR", "Stable name of the finding."),
        Column("account_id", "VARCHAR", "The account; null where a field is missing from all data."),
        Column("indicator_id", "VARCHAR", "The indicator of the catalogue."),
        Column("typology", "VARCHAR", "Method that the indicator belongs to."),
        Column("state", "VARCHAR", "`found` or `not_evaluable`."),
        Column("missing_field", "VARCHAR", "What was missing where the state is `not_evaluable`."),
        Column("window_start", "TIMESTAMP", "First instant of the window that matched (UTC)."),
        Column("window_end", "TIMESTAMP", "Last instant of it (UTC)."),
        Column("values", VALUES, "What was measured, each against its threshold."),
        Column("fact", "VARCHAR", "What was found, in a few words."),
        Column(
            "sentence", "VARCHAR", "The finding in full: rows, parameters, source, innocent explanations."
        ),
        Column("weight", "VARCHAR", "How much it says alone: `strong`, `medium` or `weak`."),
        Column(
            "role",
            "VARCHAR",
            "Role that the indicator argues for, as in flagged_accounts; two are joined by `;`.",
        ),
    ),
)

FINDING_EVIDENCE = Table(
    "finding_evidence",
    ("finding_id", "position"),
    ("finding_id", "position"),
    "The rows behind a finding: its transactions in order of time, then its adverts.",
    (
        Column("finding_id", "VARCHAR", "The finding."),
        Column("position", "INTEGER", "1 for the first row."),
        Column("transaction_id", "VARCHAR", "The transaction; null where the row is an advert."),
        Column("account_id", "VARCHAR", "Account whose leg it is (transactions.account_id)."),
        Column("direction", "VARCHAR", "Direction of that leg."),
        Column("ad_id", "VARCHAR", "The advert; null where the row is a transaction."),
        *_SOURCE,
    ),
)

ROLE_ARGUMENTS = Table(
    "role_arguments",
    ("account_id", "possible_role"),
    ("account_id", "possible_role"),
    "Both sides of every role that a finding argues for. A role that nothing speaks for has no row. This is "
    "interpretation: a role is a hypothesis, and one document may settle it either way.",
    (
        Column("account_id", "VARCHAR", "The account."),
        Column("possible_role", "VARCHAR", "The role argued about, as in flagged_accounts."),
        Column(
            "standing",
            "VARCHAR",
            "`named` in the list; `contested`: facts speak for a controller and for a possible victim, so "
            "that the role stays unclear; `outranked`: its rules hold, and the list names another that goes "
            "before it; `not_enough`.",
        ),
        Column(
            "speaks_for", "VARCHAR[]", "What speaks for it, one argument per indicator, weightiest first."
        ),
        Column("speaks_against", "VARCHAR[]", "What speaks against it, in the same form."),
        Column("findings_for", "VARCHAR[]", "The finding that each argument of `speaks_for` is told by."),
        Column("findings_against", "VARCHAR[]", "The same of `speaks_against`."),
        Column(
            "strength_for",
            "VARCHAR",
            "Weight of the heaviest finding of trafficking (HT-) that speaks for it: `strong`, `medium` or "
            "`weak`; null where only other findings do.",
        ),
        Column("strength_against", "VARCHAR", "The same of what speaks against it."),
        Column(
            "control_gate",
            "BOOLEAN",
            "Whether a finding shows third-party control or many people organised; without one no role is "
            "named.",
        ),
        Column("lacking", "VARCHAR[]", "The rules for naming the role that do not hold."),
        Column("also_common_for", "VARCHAR[]", "Who shows the same innocently."),
        Column("settled_by", "VARCHAR", "The one document that would settle it best."),
        Column("verdict", "VARCHAR", "What follows, in one sentence."),
    ),
)

ANOMALY_CONTRIBUTIONS = Table(
    "anomaly_contributions",
    ("account_id", "detector", "feature"),
    ("account_id", "detector", "share", "feature"),
    "Which features made an account's anomaly score, detector by detector.",
    (
        Column("account_id", "VARCHAR", "The account."),
        Column("detector", "VARCHAR", "The detector of the ensemble."),
        Column("feature", "VARCHAR", "The feature (account_features column)."),
        Column("value", "DOUBLE", "The account's own value."),
        Column("peer_median", "DOUBLE", "Median over the accounts that the model was fitted on."),
        Column("peer_spread", "DOUBLE", "Their spread around it, in the feature's unit."),
        Column("direction", "VARCHAR", "Whether the value is `high` or `low` against its peers."),
        Column("share", "DOUBLE", "Share of the detector's score that the feature made, 0 to 1."),
    ),
)

# One further column per declared feature: finpat.features.FEATURES.
ACCOUNT_FEATURES = Table(
    "account_features",
    ("account_id",),
    ("account_id",),
    "One column per feature; null where the feature's null rule says so.",
    (Column("account_id", "VARCHAR", "The account."),),
)

TRANSACTIONS = Table(
    "transactions",
    schemas.TRANSACTIONS.key,
    ("account_id", "booked_at"),
    "One row per leg, as seen from an account that the institution holds, up to the run's as-of instant.",
    (
        *_canonical(schemas.TRANSACTIONS),
        Column("mirrored", "BOOLEAN", "True where the leg is the other side of a written row."),
        *_SOURCE,
        Column("extra", "JSON", "Further columns of the source, untouched."),
    ),
)

ACCOUNTS = Table(
    "accounts",
    ("account_id",),
    ("account_id",),
    "Every account with a transaction; holder columns are empty where no accounts file named it.",
    (
        *_canonical(schemas.ACCOUNTS),
        Column("currency", "VARCHAR", "Currency of most of its transactions."),
        Column("leg_count", "BIGINT", "Number of its transactions."),
        Column("first_seen", "TIMESTAMP", "Its first transaction (UTC)."),
        Column("last_seen", "TIMESTAMP", "Its last transaction (UTC)."),
    ),
)

ADS = Table(
    "ads",
    ("ad_id",),
    ("posted_at", "ad_id"),
    "Adverts. Contacts and texts are masked: two last digits, a domain, a host, a length.",
    (*_canonical(schemas.ADS), *_SOURCE),
)
AD_CONTENTS = Table(
    "ad_contents",
    ("ad_id",),
    ("ad_id",),
    "Contacts and texts of adverts as they were published: sensitive, read only with a reason.",
    tuple(
        column
        for column in _canonical(schemas.ADS)
        if column.name in ("ad_id", "phone", "email", "url", "title", "text")
    ),
)
AD_PAYMENTS = Table(
    "ad_payments",
    ("payment_id",),
    ("paid_at", "payment_id"),
    "Payments for adverts. Payers' contacts and references are masked.",
    (*_canonical(schemas.AD_PAYMENTS), *_SOURCE),
)

NETWORKS = Table(
    "networks",
    ("network_id",),
    ("network_id",),
    "Groups of accounts tied by money, people or adverts.",
    (
        Column("network_id", "VARCHAR", "The network; stable from run to run while its core stays."),
        Column("kind", "VARCHAR", "What ties it."),
        Column("member_count", "INTEGER", "Number of member accounts."),
        Column(
            "person_count", "INTEGER", "Number of persons behind them; null where no source names holders."
        ),
        Column("score", "INTEGER", "0 to 1000."),
        Column("amount", MONEY, "Money moved between its members, in `currency`; null where none moved."),
        Column("currency", "VARCHAR", "Currency of `amount`."),
        Column("first_at", "TIMESTAMP", "First row behind its edges (UTC)."),
        Column("last_at", "TIMESTAMP", "Last row behind them (UTC)."),
        Column("reason", "VARCHAR", "One sentence naming the facts."),
    ),
)
NETWORK_MEMBERS = Table(
    "network_members",
    ("network_id", "account_id"),
    ("network_id", "account_id"),
    "Who belongs to a network, in which role.",
    (
        Column("network_id", "VARCHAR", "The network."),
        Column("account_id", "VARCHAR", "The member."),
        Column("person_id", "VARCHAR", "The person whose account it is, as far as holder ids say."),
        Column("possible_role", "VARCHAR", "Role within the network; see flagged_accounts."),
        Column("reason", "VARCHAR", "Facts that argue for the role."),
    ),
)
NETWORK_EDGES = Table(
    "network_edges",
    ("network_id", "from_id", "to_id", "kind"),
    ("network_id", "from_id", "to_id", "kind"),
    "What ties two members, with the rows behind it.",
    (
        Column("network_id", "VARCHAR", "The network."),
        Column("from_id", "VARCHAR", "One end; the payer where money ties them."),
        Column("to_id", "VARCHAR", "The other end."),
        Column(
            "kind",
            "VARCHAR",
            "`payment`, `sweep` (one passes on to the other what comes in), `holder`, `authorised`, `phone`, "
            "`email`, `address`, `device`, `wallet`, `advert` (one poster's adverts lead to both).",
        ),
        Column("identifier_id", "VARCHAR", "What they share (identifiers.identifier_id); null for none."),
        Column("weight", "DOUBLE", "How strongly it ties, 0 to 1."),
        Column("shared_by", "INTEGER", "Persons who share the value; null where money ties them."),
        Column("count", "BIGINT", "Number of rows behind the edge."),
        Column("amount", MONEY, "Money moved along it, in `currency`; null where none moved."),
        Column("currency", "VARCHAR", "Currency of `amount`."),
        Column("first_at", "TIMESTAMP", "First row behind the edge (UTC)."),
        Column("last_at", "TIMESTAMP", "Last row behind it (UTC)."),
        Column("evidence", "VARCHAR[]", "transaction_id or ad_id of the rows behind the edge."),
    ),
)
AD_CLUSTERS = Table(
    "ad_clusters",
    ("cluster_id",),
    ("cluster_id",),
    "Adverts that seem to come from one poster.",
    (
        Column("cluster_id", "VARCHAR", "The cluster: ad_id of its oldest advert."),
        Column("ad_count", "INTEGER", "Number of adverts."),
        Column("first_posted_at", "TIMESTAMP", "First advert (UTC)."),
        Column("last_posted_at", "TIMESTAMP", "Last advert (UTC)."),
        Column("city_count", "INTEGER", "Distinct cities."),
        Column("reason", "VARCHAR", "What the adverts share."),
    ),
)
AD_CLUSTER_MEMBERS = Table(
    "ad_cluster_members",
    ("cluster_id", "ad_id"),
    ("cluster_id", "ad_id"),
    "Adverts of a cluster.",
    (
        Column("cluster_id", "VARCHAR", "The cluster."),
        Column("ad_id", "VARCHAR", "The advert."),
        Column("reason", "VARCHAR", "What ties it to the others."),
        Column(
            "text_cluster_id", "VARCHAR", "Adverts of nearly the same text, by the oldest; null for none."
        ),
    ),
)
AD_PAYMENT_LINKS = Table(
    "ad_payment_links",
    ("account_id", "cluster_id"),
    ("account_id", "cluster_id"),
    "Accounts whose payments coincide with a cluster's adverts more often than chance explains.",
    (
        Column("account_id", "VARCHAR", "The account."),
        Column("cluster_id", "VARCHAR", "The cluster of adverts."),
        Column("k", "INTEGER", "Coincidences seen."),
        Column("expected", "DOUBLE", "Coincidences that chance alone gives."),
        Column("p_value", "DOUBLE", "Chance of seeing k or more."),
        Column("median_delay_s", "DOUBLE", "Median seconds from payment to advert."),
        Column("mad_delay_s", "DOUBLE", "Median distance of the delays from that median, in seconds."),
        Column("matched", "INTEGER", "Payments matched to one advert each."),
        Column("payment_share", "DOUBLE", "Share of the account's payments of this kind that are matched."),
        Column("ad_share", "DOUBLE", "Share of the cluster's adverts that are matched."),
        Column("tested", "BIGINT", "Pairs of account and cluster tested; p_value is below 0.05 / tested."),
        Column(
            "method",
            "VARCHAR",
            "`day_shift`: chance is what payments moved by whole days give; `hour_of_week`: rates by hour of "
            "the week, where adverts span less than three weeks.",
        ),
        Column("precision", "VARCHAR", "`time`, or `day` where rows have only a date."),
        Column(
            "rail",
            "VARCHAR",
            "`platform`: payments exported by the platform; `advert`: the account's own payments to advert "
            "platforms; `means`: its prepaid cards, vouchers, crypto-assets, payment companies.",
        ),
    ),
)
AD_SHARED_CONTACTS = Table(
    "ad_shared_contacts",
    ("contact_id",),
    ("contact_id",),
    "Contacts that two or more adverts have, and how much sharing them says.",
    (
        Column("contact_id", "VARCHAR", "Kind and number of the contact in this run."),
        Column("kind", "VARCHAR", "`phone`, `email`, `url` or `handle`."),
        Column("shape", "VARCHAR", "The value, masked."),
        Column("ad_count", "INTEGER", "Adverts that have it."),
        Column("cluster_count", "INTEGER", "Clusters of like texts, and single adverts, that have it."),
        Column("weight", "DOUBLE", "1 / log2(cluster_count): 1 for two, less the more share it."),
        Column("ties", "BOOLEAN", "Whether it is rare enough to make its adverts one cluster."),
    ),
)
IDENTIFIERS = Table(
    "identifiers",
    ("identifier_id",),
    ("identifier_id",),
    "What accounts and adverts may have in common: telephone, e-mail, address, device, wallet, web address, "
    "handle, holder; and how common each value is.",
    (
        Column("identifier_id", "VARCHAR", "Kind and a hash of the value: the same in every run."),
        Column(
            "kind",
            "VARCHAR",
            "`holder`, `phone`, `email`, `address`, `device`, `wallet`, `url` or `handle`.",
        ),
        Column("shape", "VARCHAR", "The value, masked; ids of holders and devices are shown."),
        Column("account_count", "INTEGER", "Accounts that have it."),
        Column("person_count", "INTEGER", "Holders of those accounts."),
        Column("ad_count", "INTEGER", "Adverts that have it."),
        Column("poster_count", "INTEGER", "Clusters of those adverts, and single adverts."),
        Column("shared_by", "INTEGER", "person_count + poster_count."),
        Column("weight", "DOUBLE", "1 / log2(shared_by): 1 for two or fewer, less the more share it."),
    ),
)
IDENTIFIER_USES = Table(
    "identifier_uses",
    ("identifier_id", "account_id", "ad_id", "how"),
    ("identifier_id", "account_id", "ad_id", "how"),
    "Which account or advert has which identifier, and what says so.",
    (
        Column("identifier_id", "VARCHAR", "The identifier."),
        Column("account_id", "VARCHAR", "The account; null where an advert has it."),
        Column("ad_id", "VARCHAR", "The advert; null where an account has it."),
        Column(
            "how",
            "VARCHAR",
            "`stated`: by the accounts file or the advert; `payments`: device or wallet of the account's own "
            "payments; `payer`: given by whoever paid for an advert; `authorised`: may use the account; "
            "`access`: a number that tried to reach it.",
        ),
        Column("count", "BIGINT", "Rows that say so."),
        Column("first_at", "TIMESTAMP", "First of them, or of the account or advert (UTC)."),
        Column("last_at", "TIMESTAMP", "Last of them (UTC)."),
        Column("evidence", "VARCHAR[]", "transaction_id or payment_id of the oldest of them, 10 at most."),
    ),
)
IDENTIFIER_VALUES = Table(
    "identifier_values",
    ("identifier_id",),
    ("identifier_id",),
    "The values of identifiers in one form: sensitive, read only with a reason.",
    (
        Column("identifier_id", "VARCHAR", "The identifier."),
        Column("value", "VARCHAR", "The value as it is compared (telephone in E.164, e-mail in lower case)."),
    ),
)
AD_PAYMENT_MATCHES = Table(
    "ad_payment_matches",
    ("payment_id", "transaction_id", "ad_id"),
    ("account_id", "ad_id"),
    "Single payments matched to single adverts.",
    (
        Column("payment_id", "VARCHAR", "The platform's payment; null where the match is a transaction."),
        Column("transaction_id", "VARCHAR", "The transaction; null where the match is a platform payment."),
        Column("ad_id", "VARCHAR", "The advert."),
        Column("account_id", "VARCHAR", "The account that paid."),
        Column("delay_s", "DOUBLE", "Seconds from payment to advert."),
        Column(
            "is_stated",
            "BOOLEAN",
            "The platform names account and advert; else consistent with having paid for it.",
        ),
    ),
)

_PLACE = (
    Column("city", "VARCHAR", "The city, in its commonest spelling."),
    Column("country", "VARCHAR", "Its country (ISO 3166-1 alpha-2); null where no row names it."),
    Column("latitude", "DOUBLE", "Degrees; null where the name does not settle the place."),
    Column("longitude", "DOUBLE", "Degrees; null where the name does not settle the place."),
)
_SIGHTED = (
    "`advert` (an advert for the city), `lodging`, `card` (used on the spot), `cash_out`, `cash_in`. Cash "
    "paid in may come from anybody. Money that others send is not among them: its city is the payer's."
)
MOVEMENTS = Table(
    "movements",
    ("account_id", "cluster_id", "day", "city", "country"),
    ("account_id", "cluster_id", "day", "city", "country"),
    "City by local day: of accounts (with all that their holder's accounts tell, and the adverts that their "
    "payments go with) and of clusters of adverts. Published for the 2,000 best of the list and for "
    "accounts that adverts go with; holders who were seen in one city only have no rows.",
    (
        Column("account_id", "VARCHAR", "The account; null in rows of a cluster."),
        Column("cluster_id", "VARCHAR", "The cluster of adverts; null in rows of an account."),
        Column("day", "DATE", "The day on the clock of the city, or of the reporting zone if it is unknown."),
        *_PLACE,
        Column("sources", "VARCHAR[]", f"What says so: {_SIGHTED}"),
        Column("row_count", "INTEGER", "Number of rows and adverts that say so."),
        Column(
            "evidence",
            "VARCHAR[]",
            "transaction_id of the first 20 rows, then ad_id of the first 20 adverts.",
        ),
    ),
)
STAYS = Table(
    "stays",
    ("account_id", "cluster_id", "circuit", "first_day", "city", "country"),
    ("account_id", "cluster_id", "circuit", "first_day", "first_at", "city", "country"),
    "Runs of days in one city, at most three days from one sighting to the next and none elsewhere between, "
    "and how each was reached from the stay before. A day without a row is a day of which nothing is known.",
    (
        Column("account_id", "VARCHAR", "The account; null in rows of a cluster."),
        Column("cluster_id", "VARCHAR", "The cluster of adverts; null in rows of an account."),
        Column(
            "circuit",
            "VARCHAR",
            "`spending`: of what puts the holder there (lodging, card, cash drawn); `adverts`: of adverts.",
        ),
        Column("first_day", "DATE", "First day with a sighting, on the clock of the city."),
        Column("last_day", "DATE", "Last day with a sighting."),
        *_PLACE,
        Column("sources", "VARCHAR[]", "What says so; see movements."),
        Column("day_count", "INTEGER", "Days with a sighting."),
        Column("row_count", "INTEGER", "Number of rows and adverts behind it."),
        Column("first_at", "TIMESTAMP", "First of them (UTC)."),
        Column("last_at", "TIMESTAMP", "Last of them (UTC)."),
        Column(
            "km",
            "DOUBLE",
            "Great-circle distance from the stay before; null for the first, or where a place is not clear.",
        ),
        Column(
            "hours",
            "DOUBLE",
            "From the last sighting of the stay before to the first of this one; null without times of day.",
        ),
        Column(
            "kmh",
            "DOUBLE",
            "Speed that the two imply at least; null where one is unknown or no time passed.",
        ),
    ),
)
CIRCUIT_AGREEMENTS = Table(
    "circuit_agreements",
    ("account_id", "cluster_id"),
    ("account_id", "cluster_id"),
    "Whether the holder spends where and when adverts appear, against what chance gives: the same advert "
    "days moved by 7 to 28 days either way. Somebody who lives in the adverts' city agrees on all days, and "
    "so does chance; both together say nothing.",
    (
        Column("account_id", "VARCHAR", "The account; its holder's spending on all accounts is looked at."),
        Column(
            "cluster_id",
            "VARCHAR",
            "The cluster that its payments go with; null: all adverts that they go with.",
        ),
        Column("advert_days", "INTEGER", "Days times cities with adverts."),
        Column(
            "compared_days", "INTEGER", "Those with spending anywhere from the day before to the day after."
        ),
        Column("agreeing_days", "INTEGER", "Those with spending in that very city."),
        Column(
            "agreement_share", "DOUBLE", "agreeing_days / compared_days, 0 to 1; null where none is compared."
        ),
        Column("chance_share", "DOUBLE", "The mean of that share over the moved calendars; null below ten."),
        Column(
            "p_value",
            "DOUBLE",
            "Share of the calendars, the true one among them, that agree as well or better; 0.02 at best.",
        ),
        Column(
            "lag_days",
            "DOUBLE",
            "Median of spending day less advert day in the same city, the nearest within a week either way.",
        ),
    ),
)
DEPOSITS_ELSEWHERE = Table(
    "deposits_elsewhere",
    ("transaction_id", "account_id"),
    ("account_id", "deposited_at", "transaction_id"),
    "Deposit here, spend there: cash paid in, and the holder's next spending 100 km or more away within 36 "
    "hours. One row per deposit. Single ones are ordinary; HT-MOV-09 says from how many on they are not.",
    (
        Column("account_id", "VARCHAR", "The account that the cash came to."),
        Column("transaction_id", "VARCHAR", "The deposit."),
        Column("deposited_at", "TIMESTAMP", "When (UTC)."),
        Column("city", "VARCHAR", "Where the cash was paid in."),
        Column("country", "VARCHAR", "Its country (ISO 3166-1 alpha-2)."),
        Column("account_id_there", "VARCHAR", "The holder's account that was spent from."),
        Column("transaction_id_there", "VARCHAR", "The spending."),
        Column("spent_at", "TIMESTAMP", "When (UTC)."),
        Column("city_there", "VARCHAR", "Where it was spent."),
        Column("country_there", "VARCHAR", "Its country (ISO 3166-1 alpha-2)."),
        Column("km", "DOUBLE", "Great-circle distance between the two cities."),
        Column("hours", "DOUBLE", "From the deposit to the spending."),
    ),
)

HOTSPOTS = Table(
    "hotspots",
    ("series", "city", "country", "week"),
    ("series", "city", "country", "week"),
    "What cities look like week by week, in whole weeks and never about fewer than ten persons. "
    "A high week is no sign that anybody was exploited, and a low one none that nobody was; see "
    "`finpat hotspots`, which says what the numbers do not mean.",
    (
        Column(
            "series",
            "VARCHAR",
            "`adverts` for the city; `new_phones`: numbers first advertised there; `lodging`: persons who "
            "paid for a room there; `night_cash`: persons who drew or paid in cash between 22:00 and 06:00.",
        ),
        Column("city", "VARCHAR", "The city; null: all cities together. A city never shown is not named."),
        Column("country", "VARCHAR", "Its country (ISO 3166-1 alpha-2)."),
        Column("latitude", "DOUBLE", "Degrees; null where the name does not settle the place."),
        Column("longitude", "DOUBLE", "Degrees; null where the name does not settle the place."),
        Column("week", "DATE", "Monday of the week, on the clock of the city."),
        Column("value", "BIGINT", "What was counted; null where withheld, and in the weeks after the data."),
        Column(
            "is_withheld",
            "BOOLEAN",
            "Fewer than ten persons, none included; or it would give away a cell that is.",
        ),
        Column(
            "z",
            "DOUBLE",
            "Distance from the median of the 26 weeks before, in robust spreads (1.4826 MAD, at least the "
            "square root of the median); null with fewer weeks, or fewer than 12 of them shown.",
        ),
        Column("forecast", "DOUBLE", "Expected of the week from the weeks before; null with fewer than 12."),
        Column("low", "DOUBLE", "Lower bound of the 95 % interval."),
        Column("high", "DOUBLE", "Upper bound of it."),
    ),
)
INDICATORS = Table(
    "indicators",
    ("indicator_id",),
    ("indicator_id",),
    "The indicators as this run knew them.",
    (
        Column("indicator_id", "VARCHAR", "The indicator of the catalogue."),
        Column("name", "VARCHAR", "What it is called."),
        Column("typology", "VARCHAR", "Method that it belongs to."),
        Column("definition", "VARCHAR", "What it finds."),
        Column("role", "VARCHAR", "What it argues for, in words."),
        Column("weight", "VARCHAR", "How much it says alone: `strong`, `medium` or `weak`."),
        Column("source", "VARCHAR", "Documents that it is taken from."),
        Column("also_common_for", "VARCHAR", "Who shows the same innocently."),
        Column("measured_precision", "VARCHAR", "Measured precision, where there is a measurement."),
        Column("level", "VARCHAR", "`account`, or `portfolio` for a statement about all data."),
        Column("enabled", "BOOLEAN", "Whether it is on unless the settings say otherwise."),
        Column("parameters", "JSON", "Default and reason of each parameter, by name."),
    ),
)
FEATURES = Table(
    "features",
    ("feature",),
    ("feature",),
    "The columns of account_features as this run knew them.",
    (
        Column("feature", "VARCHAR", "Column of account_features."),
        Column("family", "VARCHAR", "Typology family that it belongs to."),
        Column("doc", "VARCHAR", "What it says."),
        Column("kind", "VARCHAR", "`count`, `money`, `ratio`, `share`, `duration`, `instant` or `score`."),
        Column("unit", "VARCHAR", "Unit of its numbers."),
        Column("time_window", "VARCHAR", "Length of its window; `all` for the whole history."),
        Column("null_rule", "VARCHAR", "When it is null."),
        Column("is_detector_input", "BOOLEAN", "Whether anomaly detectors may read it."),
    ),
)

RUNS = Table(
    "runs",
    ("run_id",),
    ("run_id",),
    "The run that made this file: one row.",
    (
        Column("run_id", "VARCHAR", "Number of the run."),
        Column("as_of", "TIMESTAMP", "Rows booked later were not seen (UTC)."),
        Column("started_at", "TIMESTAMP", "When the run was made (UTC)."),
        Column("data_fingerprint", "VARCHAR", "Hash over the files that were read."),
        Column("settings_hash", "VARCHAR", "Hash over all settings."),
        Column("finpat_version", "VARCHAR", "Version of finpat."),
        Column("seed", "BIGINT", "Seed of the detectors."),
        Column("account_count", "BIGINT", "Accounts scored."),
        Column("transaction_count", "BIGINT", "Legs seen."),
        Column("manifest", "JSON", "The whole manifest, as in runs/<run_id>/manifest.json."),
    ),
)
SOURCES = Table(
    "sources",
    ("source_id",),
    ("source_id",),
    "The files that the run read.",
    (
        Column("source_id", "VARCHAR", "The file, by its content."),
        Column("file", "VARCHAR", "Its name when it was loaded."),
        Column("table_name", "VARCHAR", "Canonical table that it was loaded as."),
        Column("mapping", "VARCHAR", "Mapping that it was read with."),
        Column("sha256", "VARCHAR", "Hash of its bytes."),
        Column("rows", "BIGINT", "Rows in the file: loaded + duplicate + quarantined."),
        Column("loaded", "BIGINT", "Rows loaded."),
        Column("duplicate", "BIGINT", "Rows that were there already."),
        Column("quarantined", "BIGINT", "Rows set aside with a reason."),
        Column("first_at", "TIMESTAMP", "Earliest row (UTC)."),
        Column("last_at", "TIMESTAMP", "Latest row (UTC)."),
        Column("loaded_at", "TIMESTAMP", "When it was loaded (UTC)."),
    ),
)
COVERAGE = Table(
    "coverage",
    ("source_id", "day"),
    ("source_id", "day"),
    "Rows of each file of transactions on each day: where data is, and where none came.",
    (
        Column("source_id", "VARCHAR", "The file (sources.source_id)."),
        Column("day", "DATE", "The day (UTC)."),
        Column("row_count", "BIGINT", "Its rows on that day."),
        Column("credit_count", "BIGINT", "How many of them came in."),
    ),
)
QUARANTINED = Table(
    "quarantined",
    ("source_id", "column_name", "reason"),
    ("source_id", "column_name", "reason"),
    "Rows that could not be loaded and were not corrected when the run was made, counted by reason. The rows "
    "themselves stay in the store: `finpat quarantine list`.",
    (
        Column("source_id", "VARCHAR", "The file (sources.source_id)."),
        Column("column_name", "VARCHAR", "The column at fault; null where it is the whole row."),
        Column("reason", "VARCHAR", "The rule that the rows broke."),
        Column("row_count", "BIGINT", "Rows."),
        Column("first_line", "BIGINT", "Line of the first of them."),
        Column("last_line", "BIGINT", "Line of the last."),
    ),
)

TABLES = (
    FLAGGED_ACCOUNTS, FINDINGS, FINDING_EVIDENCE, ROLE_ARGUMENTS, ANOMALY_CONTRIBUTIONS, ACCOUNT_FEATURES,
    TRANSACTIONS, ACCOUNTS, ADS, AD_CONTENTS, AD_PAYMENTS, NETWORKS, NETWORK_MEMBERS, NETWORK_EDGES,
    AD_CLUSTERS, AD_CLUSTER_MEMBERS, AD_SHARED_CONTACTS, AD_PAYMENT_LINKS, AD_PAYMENT_MATCHES,
    IDENTIFIERS, IDENTIFIER_USES, IDENTIFIER_VALUES,
    MOVEMENTS, STAYS, CIRCUIT_AGREEMENTS, DEPOSITS_ELSEWHERE, HOTSPOTS, INDICATORS, FEATURES,
    RUNS, SOURCES, COVERAGE, QUARANTINED,
)  # fmt: skip
# Shown for a reason only; no answer has them otherwise.
SENSITIVE = (AD_CONTENTS, IDENTIFIER_VALUES)
