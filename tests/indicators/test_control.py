"""Control of accounts: HT-CTL-01 to HT-CTL-10."""

from datetime import date, timedelta

import polars as pl
import pytest

from tests.factory import START, at
from tests.indicators.support import found, judge, ledger, missing, values

TODAY = START.date()


def people(*rows):
    """Accounts data: one dict each; what is not stated is null."""
    defaults = {
        "holder_id": None, "holder_name": None, "holder_type": None, "opened_on": None, "phone": None,
        "email": None, "address": None, "employer": None, "introducer": None, "authorised_users": None,
        "access_phones": None,
    }  # fmt: skip
    schema = dict.fromkeys(["account_id", *defaults], pl.String) | {"opened_on": pl.Date}
    return pl.DataFrame([{**defaults, **row} for row in rows], schema=schema)


def names(count, **changes):
    return [{"account_id": f"V{n}", **changes} for n in range(count)]


def leg(account, day=0.0, amount=50, **changes):
    return {
        "account_id": account, "booked_at": at(day), "amount_minor": round(amount * 100),
        "counterparty_id": f"shop of {account}", "direction": "debit", **changes,
    }  # fmt: skip


def roles(indicator_id, data, **parameters):
    findings = judge(indicator_id, data, **parameters).findings.filter(pl.col("state") == "found")
    return dict(findings.select("account_id", "role").iter_rows())


# HT-CTL-01


def device_days(accounts=3, on=(0, 1), **changes):
    return [leg(f"V{n}", day, device_id="D", **changes) for n in range(accounts) for day in on]


def test_three_holders_with_two_days_each_on_one_device_are_found():
    data = ledger(*device_days(), leg("W", device_id="own"))
    assert found("HT-CTL-01", data) == ["V0", "V1", "V2"]
    assert set(roles("HT-CTL-01", data).values()) == {"PV/PC"}


@pytest.mark.parametrize(
    ("why", "rows", "accounts"),
    [
        ("two holders", device_days(2), None),
        ("one day each", device_days(on=(0,)), None),
        ("the third uses it once", device_days()[:-1], None),
        ("money that comes in has its payer's device", device_days(direction="credit", channel="p2p"), None),
        ("each on another device", [{**row, "device_id": row["account_id"]} for row in device_days()], None),
        ("one holder with three accounts", device_days(), people(*names(3, holder_id="h"))),
        ("they share an address", device_days(), people(*names(3, address="Main St. 1"))),
        ("they share a name", device_days(), people(*names(3, holder_name="Ann Roe"))),
        ("days too far apart", device_days(on=(0, 30)), None),
        ("failed payments", device_days(status="failed"), None),
    ],
)
def test_no_shared_device(why, rows, accounts):
    assert found("HT-CTL-01", ledger(*rows, leg("W", device_id="X"), accounts=accounts)) == [], why


def test_a_device_of_everybody_is_a_public_one():
    assert found("HT-CTL-01", ledger(*device_days(50))) != []
    assert found("HT-CTL-01", ledger(*device_days(51))) == []


def test_sessions_a_hair_within_the_window_belong_together():
    rows = [leg(f"V{n}", day, device_id="D") for n in range(3) for day in (0, 29.99)]
    assert len(found("HT-CTL-01", ledger(*rows))) == 3


def test_without_devices_nothing_can_be_said():
    assert missing("HT-CTL-01", ledger(leg("A"))) == [(None, "device_id")]


# HT-CTL-02 and HT-CTL-03


def using(count):
    return [leg(f"V{n}", n) for n in range(count)]


def test_three_holders_of_one_number_however_written_are_found():
    spelt = [{"phone": "+44 (20) 7946-0018"}, {"phone": "0044 20 79460018"}, {"phone": "+442079460018"}]
    accounts = people(*({"account_id": f"V{n}", **one} for n, one in enumerate(spelt)))
    assert found("HT-CTL-02", ledger(*using(3), accounts=accounts)) == ["V0", "V1", "V2"]
    assert set(roles("HT-CTL-02", ledger(*using(3), accounts=accounts)).values()) == {"NET"}


@pytest.mark.parametrize(
    ("why", "count", "contact"),
    [
        ("two holders of a number", 2, {"phone": "+442079460018"}),
        ("a placeholder", 3, {"phone": "0000000000"}),
        ("an extension", 3, {"phone": "4711"}),
        ("no e-mail", 3, {"email": "none"}),
        ("an address needs five", 4, {"address": "12 Mill Lane"}),
        ("a town is no address", 5, {"address": "Springfield"}),
        ("a shelter is protected", 5, {"address": "Women's shelter, 12 Mill Lane"}),
        ("a hall of residence", 5, {"address": "Hall of residence, 12 Mill Lane"}),
        ("more than fifty", 51, {"email": "office@example.com"}),
        ("one holder", 3, {"phone": "+442079460018", "holder_id": "h"}),
        ("a family", 3, {"phone": "+442079460018", "holder_name": "Roe"}),
    ],
)
def test_no_shared_contact(why, count, contact):
    assert found("HT-CTL-02", ledger(*using(count), accounts=people(*names(count, **contact)))) == [], why


def test_five_holders_at_one_address_are_found_though_an_address_relates():
    # Those who share an address are otherwise counted once; here the address itself is the finding.
    accounts = people(*names(5, address="12 Mill Lane"))
    assert len(found("HT-CTL-02", ledger(*using(5), accounts=accounts))) == 5


def test_accounts_in_use_half_a_year_apart_are_not_together():
    accounts = people(*names(3, phone="+442079460018"))
    assert found("HT-CTL-02", ledger(leg("V0"), leg("V1", 90), leg("V2", 180), accounts=accounts)) == []
    assert len(found("HT-CTL-02", ledger(leg("V0"), leg("V1", 90), leg("V2", 179.9), accounts=accounts))) == 3


def test_own_words_exclude_an_address():
    from finpat.config import Settings
    from finpat.indicators import evaluate

    accounts = people(*names(5, address="12 Mill Lane"))
    settings = Settings(dictionaries={"shared_address": ("12 Mill Lane",)})
    findings = evaluate(ledger(*using(5), accounts=accounts), pl.DataFrame(), settings).findings
    assert "HT-CTL-02" not in findings.filter(pl.col("state") == "found")["indicator_id"].to_list()


def test_two_holders_at_one_hotel_are_found():
    accounts = people(*names(2, address="Hotel Sun, 12 Mill Lane"))
    data = ledger(*using(2), accounts=accounts)
    assert found("HT-CTL-03", data) == ["V0", "V1"]
    assert set(roles("HT-CTL-03", data).values()) == {"PV"}


@pytest.mark.parametrize(
    ("why", "accounts"),
    [
        ("one holder", people(*names(1, address="Hotel Sun, 12 Mill Lane"))),
        ("a house", people(*names(2, address="12 Mill Lane"))),
        ("a shelter in a hotel", people(*names(2, address="Shelter, Hotel Sun, 12 Mill Lane"))),
        ("two hotels", people({"account_id": "V0", "address": "Hotel Sun, 1 Mill Lane"},
                              {"account_id": "V1", "address": "Hotel Sun, 2 Mill Lane"})),
    ],
)  # fmt: skip
def test_no_hotel_address(why, accounts):
    assert found("HT-CTL-03", ledger(*using(2), accounts=accounts)) == [], why


def test_without_addresses_nothing_can_be_said_of_hotels():
    assert missing("HT-CTL-03", ledger(leg("A"))) == [(None, "address")]


# HT-CTL-04


def swept_account(name, to="U", day=0, amounts=(70, 80, 90, 75, 85), kind="p2p"):
    rows = []
    for number, amount in enumerate(amounts):
        rows.append(
            leg(
                name,
                day + number,
                amount + 10,
                channel=kind,
                direction="credit",
                counterparty_id=f"client {name} {number}",
            )
        )
        rows.append(
            leg(name, day + number + 0.1, amount, channel="transfer", counterparty_id=to, mirrored=True)
        )
    return rows  # fmt: skip


STAR = [row for n in range(3) for row in swept_account(f"V{n}", day=n)]


def test_three_accounts_swept_to_one_are_found_each_in_its_role():
    assert roles("HT-CTL-04", ledger(*STAR)) == {"U": "PC", "V0": "PV", "V1": "PV", "V2": "PV"}


def test_a_payee_elsewhere_is_no_account_but_those_swept_are_found():
    rows = [{**row, "mirrored": False} for row in STAR]
    assert roles("HT-CTL-04", ledger(*rows)) == {"V0": "PV", "V1": "PV", "V2": "PV"}


def test_swept_wages_count_too():
    months = [
        part
        for month in range(3)
        for part in (
            leg("V2", 20 * month, 1_000, direction="credit", description="salary", channel="transfer"),
            leg("V2", 20 * month + 0.5, 850 + 60 * month, counterparty_id="U", mirrored=True),
        )
    ]  # fmt: skip
    rows = [*swept_account("V0", day=38), *swept_account("V1", day=38)]
    assert roles("HT-CTL-04", ledger(*rows, *months)) == {"U": "PC", "V0": "PV", "V1": "PV", "V2": "PV"}


@pytest.mark.parametrize(
    ("why", "rows", "accounts"),
    [
        ("two accounts", STAR[:20], None),
        ("the third to somebody else", STAR[:20] + swept_account("V2", to="W"), None),
        ("the third long after", STAR[:20] + swept_account("V2", day=66), None),
        ("equal payments are rent",
         STAR[:20] + swept_account("V2", amounts=(80,) * 5), None),
        ("one holder of two", STAR, people(*names(2, holder_id="h"))),
        ("a family at home", STAR, people(*names(3, address="12 Mill Lane"))),
        ("related to the payee", STAR,
         people(*({"account_id": name, "holder_name": f"{name} Roe"} for name in ("U", "V0")))),
        ("a care home", [{**row, "description": "care home fee"} for row in STAR], None),
        ("a shelter", [{**row, "description": "shelter"} for row in STAR], None),
        ("a merchant whom five hundred others pay",
         STAR + [leg(f"P{n}", counterparty_id="U") for n in range(498)], None),
    ],
)  # fmt: skip
def test_no_star(why, rows, accounts):
    assert found("HT-CTL-04", ledger(*rows, accounts=accounts)) == [], why


def test_up_to_five_hundred_payers_a_payee_is_no_merchant():
    rows = STAR + [leg(f"P{n}", counterparty_id="U") for n in range(497)]
    assert len(found("HT-CTL-04", ledger(*rows))) == 4


# HT-CTL-05


def queue(day, *people_in_order, gap=5.0, machine="ATM-7", **changes):
    return [
        {**leg(name, 0), "booked_at": at(day, minute=gap * place), "channel": "atm", "branch_id": machine,
         "counterparty_id": None, **changes}
        for place, name in enumerate(people_in_order)
    ]  # fmt: skip


QUEUES = [row for day in (0, 10, 20) for row in queue(day, "V0", "V1", "V2")]


def test_the_same_cards_one_after_the_other_on_three_days_are_found():
    data = ledger(*QUEUES)
    assert found("HT-CTL-05", data) == ["V0", "V1", "V2"]
    assert set(roles("HT-CTL-05", data).values()) == {"PV"}


@pytest.mark.parametrize(
    ("why", "rows"),
    [
        ("two days", QUEUES[:6]),
        ("more than ten minutes", [row for d in (0, 10, 20) for row in queue(d, "V0", "V1", "V2", gap=5.01)]),
        ("two holders", [row for d in (0, 10, 20) for row in queue(d, "V0", "V1")]),
        ("other people each day",
         queue(0, "V0", "V1", "V2") + queue(10, "V3", "V4", "V5") + queue(20, "V6", "V7", "V8")),
        ("another order each day",
         queue(0, "V0", "V1", "V2") + queue(10, "V2", "V1", "V0") + queue(20, "V1", "V0", "W")),
        ("another machine each day",
         [row for d in (0, 10, 20) for row in queue(d, "V0", "V1", "V2", machine=f"M{d}")]),
        ("deposits", [{**row, "direction": "credit"} for row in QUEUES]),
        ("too far apart", [row for d in (0, 30, 60) for row in queue(d, "V0", "V1", "V2")]),
        ("a queue on payday",
         [row for d in (0, 10, 20) for row in queue(d, *(f"V{n:02}" for n in range(21)), gap=0.4)]),
    ],
)  # fmt: skip
def test_no_card_after_card(why, rows):
    assert found("HT-CTL-05", ledger(*rows)) == [], why


def test_without_times_of_day_nothing_can_be_said_of_machines():
    assert missing("HT-CTL-05", ledger(*[{**row, "has_time": False} for row in QUEUES])) == [(None, "time")]


# HT-CTL-06 and HT-CTL-07


def test_three_users_added_within_a_quarter_are_found():
    users = "a@2026-01-01; b@2026-02-01;c@2026-03-31"
    assert found(
        "HT-CTL-06", ledger(leg("A"), accounts=people({"account_id": "A", "authorised_users": users}))
    ) == ["A"]
    users = users.replace("03-31", "04-01")
    assert (
        found("HT-CTL-06", ledger(leg("A"), accounts=people({"account_id": "A", "authorised_users": users})))
        == []
    )


def test_one_person_who_may_use_four_others_accounts_is_found_on_each():
    accounts = people(
        *names(4, authorised_users="x"), {"account_id": "own", "authorised_users": "x", "holder_id": "x"}
    )
    data = ledger(*using(4), leg("own"), accounts=accounts)
    assert found("HT-CTL-06", data) == ["V0", "V1", "V2", "V3"]
    fewer = people(*names(3, authorised_users="x"), {"account_id": "V3", "authorised_users": "y"})
    assert found("HT-CTL-06", ledger(*using(4), accounts=fewer)) == []


def test_users_added_nobody_knows_when_cannot_be_judged():
    accounts = people({"account_id": "A", "authorised_users": "a;b;c"})
    assert missing("HT-CTL-06", ledger(leg("A"), accounts=accounts)) == [
        ("A", "day on which authorised_users were added")
    ]
    assert missing("HT-CTL-06", ledger(leg("A"))) == [(None, "authorised_users")]


def numbers(*days):
    return ";".join(f"+44 20 7946 00{n:02}@{TODAY + timedelta(days=day)}" for n, day in enumerate(days))


def test_four_numbers_within_a_month_are_found():
    for days, expected in (((0, 1, 2, 29), ["A"]), ((0, 1, 2, 30), []), ((0, 1, 2), [])):
        accounts = people({"account_id": "A", "access_phones": numbers(*days)})
        assert found("HT-CTL-07", ledger(leg("A"), accounts=accounts)) == expected


def test_numbers_without_a_day_cannot_be_judged():
    listed = "+442079460001;+442079460002;+442079460003;+442079460004"
    accounts = people({"account_id": "A", "access_phones": listed})
    assert missing("HT-CTL-07", ledger(leg("A"), accounts=accounts)) == [("A", "day of access_phones")]
    assert missing("HT-CTL-07", ledger(leg("A"))) == [(None, "access_phones")]


# HT-CTL-08


def opened(name, day, leaves=70, hour=1.0):
    return [
        leg(name, day, 100, direction="credit"),
        leg(name, day + hour / 24, leaves, channel="p2p", counterparty_id="any"),
    ]


def cohort(*days, **changes):
    return people(
        *(
            {"account_id": f"V{n}", "opened_on": date(2026, 2, 1) + timedelta(days=day), "employer": "Works",
             **changes}
            for n, day in enumerate(days)
        )
    )  # fmt: skip


COHORT = [row for n in range(3) for row in opened(f"V{n}", n)]


@pytest.mark.parametrize("shared", [
    {}, {"employer": None, "introducer": "I"}, {"employer": None, "address": "12 Mill Lane"},
    {"employer": None, "phone": "+442079460018"},
])  # fmt: skip
def test_three_accounts_opened_in_a_fortnight_and_swept_at_once_are_found(shared):
    data = ledger(*COHORT, accounts=cohort(0, 7, 14, **shared))
    assert found("HT-CTL-08", data) == ["V0", "V1", "V2"]


def test_one_device_joins_them_as_well():
    rows = [{**row, "device_id": "D"} for row in COHORT]
    assert found("HT-CTL-08", ledger(*rows, accounts=cohort(0, 7, 14, employer=None))) == ["V0", "V1", "V2"]


def test_one_payer_of_wages_joins_them_as_well():
    rows = [
        {**row, "counterparty_id": "Works", "description": "wages"} if row["direction"] == "credit" else row
        for row in COHORT
    ]
    assert found("HT-CTL-08", ledger(*rows, accounts=cohort(0, 7, 14, employer=None))) == ["V0", "V1", "V2"]


@pytest.mark.parametrize(
    ("why", "rows", "accounts"),
    [
        ("fifteen days", COHORT, cohort(0, 7, 15)),
        ("two accounts", COHORT, cohort(0, 7)),
        ("nothing shared", COHORT, cohort(0, 1, 2, employer=None)),
        ("the third keeps its money", COHORT[:4] + opened("V2", 2, 69.99), cohort(0, 1, 2)),
        ("the third's leaves later", COHORT[:4] + opened("V2", 2, hour=48.01), cohort(0, 1, 2)),
        ("only its second inflow leaves",
         [*COHORT, leg("V2", -1, 5, direction="credit")], cohort(0, 1, 2)),
        ("one holder", COHORT, cohort(0, 1, 2, holder_id="h")),
        ("a hall of residence", COHORT, cohort(0, 1, 2, employer=None, address="Hall of residence 1")),
    ],
)  # fmt: skip
def test_no_cohort(why, rows, accounts):
    assert found("HT-CTL-08", ledger(*rows, accounts=accounts)) == [], why


def test_without_the_day_of_opening_nothing_can_be_said():
    assert missing("HT-CTL-08", ledger(leg("A"))) == [(None, "opened_on")]


# HT-CTL-09


def loan(day=0.0, amount=1_000, **changes):
    return leg(
        "A", day, amount, direction="credit", description="loan payout", counterparty_id="Bank", **changes
    )


def leaving(day=1.0, amount=800, **changes):
    return leg("A", day, amount, **{"channel": "transfer", "counterparty_id": "New", **changes})


@pytest.mark.parametrize("rows", [
    [loan(), leaving()],
    [loan(), leaving(2.0)],
    [loan(), leaving(channel="atm", counterparty_id=None)],
    [loan(), leaving(amount=400), leaving(amount=400, channel="cash", counterparty_id="CASH")],
])  # fmt: skip
def test_a_first_loan_that_leaves_in_cash_or_to_somebody_new_is_found(rows):
    assert found("HT-CTL-09", ledger(*rows)) == ["A"]
    assert values("HT-CTL-09", ledger(*rows)) == {"left": 800, "left_share": 0.8, "loan": 1_000}


@pytest.mark.parametrize(
    ("why", "rows"),
    [
        ("less than the share", [loan(), leaving(amount=799.99)]),
        ("later", [loan(), leaving(2.001)]),
        ("to a payee known before", [leaving(-30, 10), loan(), leaving()]),
        ("no loan", [{**loan(), "description": "gift"}, leaving()]),
        ("not the first", [loan(-100), loan(), leaving()]),
        ("to a shelter", [loan(), leaving(description="shelter")]),
    ],
)
def test_no_coerced_credit(why, rows):
    assert found("HT-CTL-09", ledger(*rows)) == [], why


@pytest.mark.parametrize(("age", "expected"), [(179, ["A"]), (180, [])])
def test_a_later_loan_counts_on_a_young_account(age, expected):
    accounts = people({"account_id": "A", "opened_on": TODAY - timedelta(days=age)})
    assert found("HT-CTL-09", ledger(loan(-100), loan(), leaving(), accounts=accounts)) == expected


def test_without_texts_and_categories_loans_are_not_known():
    assert missing("HT-CTL-09", ledger(leg("A"))) == [(None, "merchant")]


# HT-CTL-10


def benefit(name, day=0.0, amount=500):
    return leg(name, day, amount, direction="credit", description="child benefit", counterparty_id="State")


def handed(name, day=0.5, amount=350, **changes):
    return leg(
        name, day, amount, **{"channel": "transfer", "counterparty_id": "U", "mirrored": True, **changes}
    )


CAPTURED = [row for n in range(3) for row in (benefit(f"V{n}", 10 * n), handed(f"V{n}", 10 * n + 3))]


def test_benefits_of_three_that_go_to_one_account_are_found_each_in_its_role():
    assert roles("HT-CTL-10", ledger(*CAPTURED)) == {"U": "PC", "V0": "PV", "V1": "PV", "V2": "PV"}


def test_benefits_of_three_drawn_at_one_machine_within_the_hour_are_found():
    def drawn(last):
        return [
            row
            for n, minute in enumerate((0, 30, last))
            for row in (
                benefit(f"V{n}"),
                {**handed(f"V{n}", channel="atm", branch_id="M", counterparty_id=None, mirrored=False),
                 "booked_at": at(0, 5, minute)},
            )
        ]  # fmt: skip

    assert roles("HT-CTL-10", ledger(*drawn(60))) == {"V0": "PV", "V1": "PV", "V2": "PV"}
    assert found("HT-CTL-10", ledger(*drawn(60.1))) == []


@pytest.mark.parametrize(
    ("why", "rows", "accounts"),
    [
        ("two holders", CAPTURED[:4], None),
        ("less than the share", [*CAPTURED[:5], handed("V2", 23, 349.99)], None),
        ("later", [*CAPTURED[:5], handed("V2", 23.01)], None),
        ("two months apart", [*CAPTURED[:4], benefit("V2", 61), handed("V2", 63.01)], None),
        (
            "no benefit",
            [{**row, "description": None} for row in CAPTURED] + [leg("W", description="x")],
            None,
        ),
        (
            "a care home",
            [{**row, "description": row.get("description", "care home")} for row in CAPTURED],
            None,
        ),
        ("one holder", CAPTURED, people(*names(3, holder_id="h"))),
        ("a family", CAPTURED, people(*names(3, holder_name="Ann Roe"))),
    ],
)
def test_no_captured_benefits(why, rows, accounts):
    assert found("HT-CTL-10", ledger(*rows, accounts=accounts)) == [], why


def test_without_texts_and_categories_benefits_are_not_known():
    assert missing("HT-CTL-10", ledger(leg("A"))) == [(None, "merchant")]
