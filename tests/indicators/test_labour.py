"""Wages, recruitment fees and remittances: HT-LAB-01 to HT-LAB-11."""

import polars as pl
import pytest

from tests.factory import at
from tests.indicators.support import found, judge, ledger, missing, values


def people(*rows):
    """Accounts data: one dict each; what is not stated is null."""
    columns = (
        "account_id",
        "holder_id",
        "holder_name",
        "holder_type",
        "address",
        "country",
        "authorised_users",
    )
    return pl.DataFrame(
        [dict.fromkeys(columns) | row for row in rows], schema=dict.fromkeys(columns, pl.String)
    )


def at_one_address(*names):
    return people(*({"account_id": name, "address": "1 Mill Lane"} for name in names))


def outgoing(rows, **changes):
    """`rows` with changes to the debits among them."""
    return [row | (changes if row["direction"] == "debit" else {}) for row in rows]


def leg(account, day=0.0, amount=50.0, **changes):
    return {
        "account_id": account, "booked_at": at(day), "amount_minor": round(amount * 100),
        "counterparty_id": f"shop of {account}", "direction": "debit", **changes,
    }  # fmt: skip


def wage(account, day=0.0, amount=1_000.0, employer="Works", text="wages", **changes):
    return leg(
        account, day, amount, counterparty_id=employer, direction="credit", description=text, **changes
    )


def roles(indicator_id, data, **parameters):
    findings = judge(indicator_id, data, **parameters).findings.filter(pl.col("state") == "found")
    return dict(findings.select("account_id", "role").iter_rows())


# START is 2 March 2026: days 0 to 29 are March, 30 to 59 April, 60 to 90 May.

# HT-LAB-01


def team(*days, employees=("Ion Popa", "Ana Radu", "Dan Rus"), employer="Works", **changes):
    return [
        wage("A", day, 900 + place, employer, f"Wages {name} 03/2026", **changes)
        for day in days
        for place, name in enumerate(employees)
    ]


def test_wages_of_three_employees_in_two_months_are_found():
    assert roles("HT-LAB-01", ledger(*team(0, 30))) == {"A": "PC"}
    assert values("HT-LAB-01", ledger(*team(0, 30))) == {
        "employee_count": 3, "month_count": 2, "employer_count": 1, "sum": 5406,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("why", "rows"),
    [
        ("a couple", team(0, 30, employees=("Ion Popa", "Ana Radu"))),
        ("one month", team(0, 20)),
        ("a month between", team(0, 60)),
        ("three employers", [
            wage("A", day, 900, f"Works {name}", f"wages {name}")
            for day in (0, 30) for name in ("Ion Popa", "Ana Radu", "Dan Rus")
        ]),
        ("no wages", [{**row, "description": row["description"][6:]} for row in team(0, 30)]),
        ("paid out", [{**row, "direction": "debit"} for row in team(0, 30)]),
        ("failed", team(0, 30, status="failed")),
        ("one person, however written", [
            wage("A", day, 900, text=text)
            for day in (0, 30) for text in ("Wages Ion Popa", "WAGES POPA, ION", "Salary Ion Popa net March")
        ]),
        ("kinds of pay of one person", [
            wage("A", day, 900, text=text)
            for day in (0, 30) for text in ("wages night shift", "wages overtime", "wages holiday allowance")
        ]),
        ("numbers of payments", [
            wage("A", day + n, 900, text=f"salary ref 88{day:02}{n}") for day in (0, 30) for n in range(3)
        ]),
        ("other employees each month", team(0) + team(30, employees=("Al Bo", "Cy De", "Ed Fu"))),
    ],
)  # fmt: skip
def test_no_several_wages(why, rows):
    assert found("HT-LAB-01", ledger(*rows)) == [], why


def test_numbers_of_employees_and_two_employers_count_too():
    rows = [
        wage("A", day, 900, f"Works {number % 2}", f"salary emp {number} 2026-03 ref {day}{number}")
        for day in (0, 30)
        for number in (4711, 4712, 4713)
    ]
    plain = [{**row, "description": row["description"].split(" ref")[0]} for row in rows]
    assert found("HT-LAB-01", ledger(*plain)) == ["A"]
    assert found("HT-LAB-01", ledger(*rows)) == []  # a number that is new each time is nobody's


def test_the_employers_own_name_is_no_employee():
    rows = [
        wage("A", day + n, 900, "W", f"wages Acme Steel {['Ion Popa', 'Ana Radu', ''][n]}",
             counterparty_name="Acme Steel")
        for day in (0, 30) for n in range(3)
    ]  # fmt: skip
    assert found("HT-LAB-01", ledger(*rows)) == []


def test_wages_on_two_accounts_of_one_holder_count_together():
    rows = [{**row, "account_id": f"A{place % 2}"} for place, row in enumerate(team(0, 30))]
    accounts = people(*({"account_id": f"A{n}", "holder_id": "h"} for n in range(2)))
    assert found("HT-LAB-01", ledger(*rows, accounts=accounts)) == ["A0", "A1"]
    assert found("HT-LAB-01", ledger(*rows)) == []


def test_wages_without_a_reference_cannot_be_judged():
    weekly = [wage("A", day, 300) for day in (0, 7, 14, 30, 37, 44)]
    assert missing("HT-LAB-01", ledger(*weekly)) == [("A", "reference to the employee")]
    assert missing("HT-LAB-01", ledger(*weekly[:5])) == []
    assert missing("HT-LAB-01", ledger(leg("A"))) == [(None, "description")]


# HT-LAB-02


def paydays(*days, share=0.8, hour=24.0, channel="transfer", account="A", payee="U", text="wages", **changes):
    return [
        row
        for place, day in enumerate(days)
        for row in (
            wage(account, day, 1_000 + 100 * place, text=text),
            leg(account, day + hour / 24, (1_000 + 100 * place) * share,
                channel=channel, counterparty_id=payee, **changes),
        )
    ]  # fmt: skip


@pytest.mark.parametrize("channel", ["transfer", "p2p", "atm", "cash"])
def test_wages_that_leave_at_once_on_three_paydays_are_found(channel):
    data = ledger(*paydays(0, 7, 14, channel=channel))
    assert roles("HT-LAB-02", data) == {"A": "PV"}
    assert values("HT-LAB-02", data) == {
        "payday_count": 3, "swept_share": 0.8, "swept": 2_640, "inflow": 3_300,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("why", "rows"),
    [
        ("two paydays", paydays(0, 7)),
        ("less than the share", paydays(0, 7) + paydays(14, share=0.799)),
        ("later", paydays(0, 7, 14, hour=24.01)),
        ("not in a row", [*paydays(0, 7, 21), wage("A", 14)]),
        ("card payments", paydays(0, 7, 14, channel="card")),
        ("no wages", paydays(0, 7, 14, text="gift")),
        ("a shelter", paydays(0, 7, 14, description="shelter")),
    ],
)
def test_no_swept_wages(why, rows):
    assert found("HT-LAB-02", ledger(*rows)) == [], why


def test_a_payroll_bureau_that_passes_wages_on_earns_none():
    for holder_type, expected in (("business", []), ("person", ["A"])):
        accounts = people({"account_id": "A", "holder_type": holder_type})
        assert found("HT-LAB-02", ledger(*paydays(0, 7, 14), accounts=accounts)) == expected


def test_without_texts_and_categories_wages_are_not_known():
    bare = ledger(*[{**row, "description": None} for row in paydays(0, 7, 14)])
    for indicator_id in ("HT-LAB-02", "HT-LAB-03", "HT-LAB-04", "HT-LAB-05", "HT-LAB-06"):
        assert missing(indicator_id, bare)[0][1].split(", ")[0] == "merchant"


# HT-LAB-03


def crew(*days, workers=3, to="U", share=0.2, hour=72.0, **changes):
    return [
        row
        for n in range(workers)
        for row in paydays(*days, account=f"V{n}", payee=to, share=share, hour=hour,
                           **{"channel": "p2p", "mirrored": True, **changes})
    ]  # fmt: skip


def test_three_co_workers_who_pay_one_person_are_found_each_in_his_role():
    assert roles("HT-LAB-03", ledger(*crew(0, 30))) == {"U": "PC", "V0": "PV", "V1": "PV", "V2": "PV"}


@pytest.mark.parametrize(
    ("why", "rows", "accounts"),
    [
        ("two workers", crew(0, 30, workers=2), None),
        ("one month", crew(0, 20), None),
        ("a month between", crew(0, 60), None),
        ("less than the share", crew(0, 30, workers=2) + crew(0, 30, share=0.199)[8:], None),
        ("later", crew(0, 30, hour=72.01), None),
        ("to the employer", crew(0, 30, to="Works"), None),
        ("rent", crew(0, 30, description="rent"), None),
        ("a transfer to nobody knows whom", crew(0, 30, channel="transfer"), None),
        ("to a business", crew(0, 30), people({"account_id": "U", "holder_type": "business"})),
        ("a family", crew(0, 30), at_one_address("V0", "V1", "V2")),
        ("related to the payee", crew(0, 30),
         at_one_address("U", "V0")),
        ("equal payments",
         outgoing(crew(0, 30), amount_minor=250_00), None),
        ("a business that five hundred others pay",
         crew(0, 30) + [leg(f"P{n:03}", counterparty_id="U") for n in range(498)], None),
        ("of three employers",
         [{**row, "counterparty_id": f"Works {row['account_id']}"} if row["direction"] == "credit" else row
          for row in crew(0, 30)], None),
    ],
)  # fmt: skip
def test_no_co_workers_who_pay(why, rows, accounts):
    assert found("HT-LAB-03", ledger(*rows, accounts=accounts)) == [], why


def test_transfers_to_a_person_held_here_count_as_well():
    accounts = people({"account_id": "U", "holder_type": "person"})
    assert len(found("HT-LAB-03", ledger(*crew(0, 30, channel="transfer"), accounts=accounts))) == 4


# HT-LAB-04


def back(*days, workers=2, to="Works", share=0.1, hour=168.0, **changes):
    return crew(*days, workers=workers, to=to, share=share, hour=hour, channel="transfer", **changes)


@pytest.mark.parametrize("share", [0.1, 0.6])
def test_two_workers_who_pay_the_employer_back_are_found(share):
    data = ledger(*back(0, 30, share=share))
    assert roles("HT-LAB-04", data) == {"Works": "BIZ", "V0": "PV", "V1": "PV"}


@pytest.mark.parametrize(
    ("more", "accounts"),
    [
        ([wage("U", 1)], None),  # on the employer's payroll
        ([], people({"account_id": "Works", "authorised_users": "x;h@2026-01-01"},
                    {"account_id": "U", "holder_id": "h"})),
    ],
)  # fmt: skip
def test_its_staff_and_its_director_count_for_the_employer(more, accounts):
    data = ledger(*back(0, 30, to="U"), leg("Works"), *more, accounts=accounts)
    assert roles("HT-LAB-04", data) == {"U": "PC", "V0": "PV", "V1": "PV"}


@pytest.mark.parametrize(
    ("why", "rows"),
    [
        ("one worker", back(0, 30, workers=1)),
        ("one month", back(0, 20)),
        ("less than the share", back(0, 30, share=0.099)),
        ("more than a part", back(0, 30, share=0.601)),
        ("later", back(0, 30, hour=168.01)),
        ("to somebody else", back(0, 30, to="U")),
        ("an invoice", back(0, 30, description="invoice 7")),
        ("a loan", back(0, 30, description="loan payout")),
        ("in its shop", outgoing(back(0, 30), channel="card")),
    ],
)  # fmt: skip
def test_no_wages_paid_back(why, rows):
    assert found("HT-LAB-04", ledger(*rows)) == [], why


# HT-LAB-05


def fees(count=10, day=0.0, amount=1_000.0, text="visa fee", step=1.0, **changes):
    return [
        leg(
            "A",
            day + step * n,
            amount,
            counterparty_id=f"P{n}",
            direction="credit",
            description=text,
            **changes,
        )
        for n in range(count)
    ]


def out(day=10.0, amount=5_000.0, **changes):
    return leg("A", day, amount, **{"channel": "cash", "counterparty_id": None, **changes})


def spread_out(last_day):
    """Ten fees that come and leave one by one, the last on `last_day`."""
    came = fees(step=last_day / 9)
    return [*came, *[out(last_day / 9 * n + 1, 500) for n in range(10)]]


HOME = people({"account_id": "A", "country": "DE"})


@pytest.mark.parametrize(
    ("leaving", "accounts"),
    [
        (out(9), None),
        (out(9, channel="atm"), None),
        (out(9, channel="card", description="western union", counterparty_id="W"), None),
        (out(9, channel="transfer", country="FR", counterparty_id="X"), HOME),
        (out(9, channel="transfer", counterparty_id="FR7630006000011234567890189"), HOME),
    ],
)
def test_fees_of_ten_new_payers_that_leave_are_found(leaving, accounts):
    data = ledger(*fees(step=0.2), {**leaving, "booked_at": at(7)}, accounts=accounts)
    assert roles("HT-LAB-05", data) == {"A": "PC"}
    assert values("HT-LAB-05", data) == {
        "payer_count": 10,
        "left_share": 0.5,
        "price_count": 1,
        "sum": 10_000,
    }


@pytest.mark.parametrize(
    ("why", "rows"),
    [
        ("nine payers", [*fees(9), out()]),
        ("too long", spread_out(30)),
        ("too small", [*fees(amount=99.99), out()]),
        ("too large", [*fees(amount=20_000.01), out(amount=120_000)]),
        ("less leaves", [*fees(step=0.2), out(5, 4_999.99)]),
        ("it leaves later", [*fees(step=0), out(7.01)]),
        ("it stays in the country", [*fees(step=0.2), out(5, channel="transfer", counterparty_id="X")]),
        ("no words of recruitment", [*fees(text="present"), out()]),
        ("a school with invoices", [*fees(text="training fee invoice 7"), out()]),
        ("one payer", [{**row, "counterparty_id": "P"} for row in fees()] + [out()]),
        ("payers known before",
         [*fees(), out(), *[row | {"booked_at": at(-9)} for row in fees(text="lunch")]]),
    ],
)  # fmt: skip
def test_no_fee_fan_in(why, rows):
    assert found("HT-LAB-05", ledger(*rows), **({"min_payers": 13} if why == "four prices" else {})) == [], (
        why
    )


def test_three_prices_are_a_list_of_prices():
    rows = [*fees(10, step=0.2), *[row | {"counterparty_id": f"Q{price}"} for price in (2_000, 4_000)
                                   for row in fees(1, 3, amount=price)], out(5, 8_000)]  # fmt: skip
    assert values("HT-LAB-05", ledger(*rows), min_payers=12)["price_count"] == 3
    more = [
        *rows,
        *[row | {"counterparty_id": "Q8000"} for row in fees(1, 3.5, amount=8_000)],
        out(5.5, 4_000),
    ]
    assert values("HT-LAB-05", ledger(*more), min_payers=13, max_prices=4)["price_count"] == 4
    assert found("HT-LAB-05", ledger(*more), min_payers=13) == []
    # 850 and 1,150 lie within 0.15 of 1,000; a little more does not.
    near = [
        *fees(9, step=0.2, amount=850),
        *[row | {"counterparty_id": "Q"} for row in fees(1, 3, amount=1_150)],
    ]
    assert values("HT-LAB-05", ledger(*near, out(5)))["price_count"] == 1
    far = [*near[:9], near[9] | {"amount_minor": 1_150_01}]
    assert values("HT-LAB-05", ledger(*far, out(5)))["price_count"] == 2


def test_payers_of_one_household_count_once():
    accounts = at_one_address("P0", "P1")
    rows = [*fees(step=0.2, mirrored=True), out(5)]
    assert found("HT-LAB-05", ledger(*rows)) == ["A"]
    assert found("HT-LAB-05", ledger(*rows, accounts=accounts)) == []


# HT-LAB-06


def instalments(payers=3, count=6, amount=200.0, step=30.0, text="job fee", **changes):
    return [
        leg(f"V{n}", step * number, amount, counterparty_id="U", channel="transfer", mirrored=True,
            **{"description": text, **changes})
        for n in range(payers) for number in range(count)
    ]  # fmt: skip


def test_three_who_pay_a_recruiter_the_same_again_and_again_are_found():
    data = ledger(*instalments())
    assert roles("HT-LAB-06", data) == {"U": "PC", "V0": "PV", "V1": "PV", "V2": "PV"}


def test_a_recruiter_elsewhere_is_no_account_but_the_payers_are_found():
    data = ledger(*[{**row, "mirrored": False} for row in instalments()])
    assert roles("HT-LAB-06", data) == {"V0": "PV", "V1": "PV", "V2": "PV"}


def test_payers_elsewhere_are_none_but_the_recruiter_is_found():
    rows = [
        {
            **row,
            "account_id": "U",
            "counterparty_id": row["account_id"],
            "direction": "credit",
            "mirrored": False,
        }
        for row in instalments()
    ]
    assert roles("HT-LAB-06", ledger(*rows)) == {"U": "PC"}


@pytest.mark.parametrize(("day", "expected"), [(150, 4), (150.1, 0)])
def test_a_recruiter_is_one_who_has_been_paid_for_it_by_the_last_instalment(day, expected):
    named = leg("X", day, counterparty_id="U", description="air ticket")
    assert len(found("HT-LAB-06", ledger(*instalments(text="thanks"), named))) == expected


@pytest.mark.parametrize(
    ("why", "rows", "accounts"),
    [
        ("two payers", instalments(2), None),
        ("five instalments", instalments(count=5), None),
        ("all on one day", instalments(step=0), None),
        ("amounts that differ",
         [{**row, "amount_minor": (200 + 60 * (n % 2)) * 100} for n, row in enumerate(instalments())], None),
        ("no recruiter", instalments(text="dues"), None),
        ("a plan for tuition with invoices", instalments(text="training fee invoice 3"), None),
        ("a household", instalments(),
         at_one_address("V0", "V1")),
        ("related to the payee", instalments(),
         at_one_address("U", "V0")),
    ],
)  # fmt: skip
def test_no_instalments(why, rows, accounts):
    assert found("HT-LAB-06", ledger(*rows, accounts=accounts)) == [], why


def test_instalments_that_differ_a_little_are_still_the_same():
    def uneven(high):
        return [{**row, "amount_minor": (round(high), 200_00)[n % 2]} for n, row in enumerate(instalments())]

    # Six amounts, three of them d above 200: spread 0.5477 d, mean 200 + d / 2, so d may be 40.18.
    assert len(found("HT-LAB-06", ledger(*uneven(240_15)))) == 4
    assert found("HT-LAB-06", ledger(*uneven(240_25))) == []


# HT-LAB-07 and HT-LAB-08


def businesses(count=30, **changes):
    named = [{"account_id": f"B{n:02}", "holder_type": "business", **changes} for n in range(count)]
    return people(*named, {"account_id": "A", "holder_type": "business", **changes})


def trading(amount=300.0, peers=30, **changes):
    """Peers take in 100 within 90 days; A takes in `amount`."""
    rows = [
        leg(name, day, size, direction="credit", description="sale")
        for name, size in [*((f"B{n:02}", 100) for n in range(peers)), ("A", amount)]
        for day in (0, 100)
    ]
    return [{**row, **changes} if row["account_id"] == "A" else row for row in rows]


def test_a_business_that_takes_in_much_and_pays_nobody_is_found():
    data = ledger(*trading(), accounts=businesses())
    assert roles("HT-LAB-07", data) == {"A": "BIZ"}
    assert values("HT-LAB-07", data) == {"inflow": 300}


@pytest.mark.parametrize(
    ("why", "rows", "accounts"),
    [
        ("less", trading(299.99), businesses()),
        ("wages", [*trading(), leg("A", 50, description="wages")], businesses()),
        ("taxes", [*trading(), leg("A", 50, description="income tax")], businesses()),
        ("utilities", [*trading(), leg("A", 50, description="electricity")], businesses()),
        ("refunds", trading(description="refund"), businesses()),
        ("a person", trading(), businesses(holder_type="person")),
        ("wages from another account of the holder",
         [*trading(), leg("B99", 50, description="wages")],
         pl.concat([businesses(30).filter(pl.col("account_id") != "A"),
                    people(*({"account_id": name, "holder_type": "business", "holder_id": "h"}
                             for name in ("A", "B99")))])),
    ],
)  # fmt: skip
def test_no_employer_without_payroll(why, rows, accounts):
    assert found("HT-LAB-07", ledger(*rows, accounts=accounts)) == [], why


def test_wages_before_the_window_and_a_young_business_say_nothing():
    early = [*trading(), leg("A", 9.9, description="wages")]
    assert found("HT-LAB-07", ledger(*early, accounts=businesses())) == ["A"]
    assert (
        found("HT-LAB-07", ledger(*[*early[:-1], leg("A", 10.1, description="wages")], accounts=businesses()))
        == []
    )
    young = [row for row in trading() if row["account_id"] != "A"]
    young += [leg("A", day, 300, direction="credit", description="sale") for day in (0, 89.9)]
    assert found("HT-LAB-07", ledger(*young, accounts=businesses())) == []


def test_too_few_peers_cannot_be_held_against():
    few = trading(peers=28)
    lacking = missing("HT-LAB-07", ledger(*few, accounts=businesses(28)))
    assert ("A", "peer group of 30 accounts") in lacking
    assert missing("HT-LAB-07", ledger(leg("A", description="x"))) == [(None, "holder_type")]


def spending(amounts=(100, 100, 0), peers=30, **changes):
    """Peers spend 10 each on rooms and food; A spends `amounts` on rooms, food and vehicles."""
    kinds = ("7011", "5411", "7512")
    rows = [
        leg(name, day, size, merchant_category=kind, channel="card", **(changes if name == "A" else {}))
        for name, sizes in [*((f"B{n:02}", (10, 10, 0)) for n in range(peers)), ("A", amounts)]
        for day, (kind, size) in enumerate(zip(kinds, sizes, strict=True))
        if size
    ]
    return rows


@pytest.mark.parametrize("amounts", [(13, 10, 0), (0, 13, 10), (12, 0, 11), (8, 8, 7)])
def test_a_business_that_houses_feeds_and_moves_people_is_found(amounts):
    assert roles("HT-LAB-08", ledger(*spending(amounts), accounts=businesses())) == {"A": "BIZ"}
    assert (
        values("HT-LAB-08", ledger(*spending(amounts), accounts=businesses()))["z_peer"] == 3
    )  # spread 1 at least


@pytest.mark.parametrize(
    ("why", "rows", "accounts"),
    [
        ("as peers do", spending((12.99, 10, 0)), businesses()),
        ("one kind alone", spending((500, 0, 0)), businesses()),
        ("a month apart", [{**row, "booked_at": at(30 if row["merchant_category"] == "5411" else 0)}
                           if row["account_id"] == "A" else row for row in spending()], businesses()),
        ("money back", spending(direction="credit"), businesses()),
        ("a hotel", spending(), businesses(holder_name="Hotel Sun")),
        ("a person", spending(), businesses(holder_type="person")),
    ],
)  # fmt: skip
def test_no_provisioning(why, rows, accounts):
    assert found("HT-LAB-08", ledger(*rows, accounts=accounts)) == [], why


def test_provisions_need_peers_and_business_accounts():
    few = ledger(*spending(peers=28), accounts=businesses(28))
    assert ("A", "peer group of 30 accounts") in missing("HT-LAB-08", few)
    assert missing("HT-LAB-08", ledger(*spending())) == [(None, "holder_type")]


# HT-LAB-09


def remittances(senders=5, amount=500.0, cities=("Ulm", "Bonn"), step=7.0, **changes):
    return [
        leg(f"V{n}", step * n, amount, currency="EUR", **{
            "channel": "transfer", "counterparty_id": "FR7630006000011234567890189",
            "city": cities[n % len(cities)], "country": "DE", **changes})
        for n in range(senders)
    ]  # fmt: skip


def at_home(count=5, **changes):
    return people(*({"account_id": f"V{n}", "country": "DE", **changes} for n in range(count)))


def test_five_senders_from_two_cities_to_one_beneficiary_abroad_are_found():
    data = ledger(*remittances(), accounts=at_home())
    assert roles("HT-LAB-09", data) == {f"V{n}": "NET" for n in range(5)}
    told = judge("HT-LAB-09", data).findings["values"]
    assert [[value["value"] for value in each] for each in told] == [[5, 2, 500, 2_500]] * 5


@pytest.mark.parametrize(
    ("why", "rows", "accounts"),
    [
        ("four senders", remittances(4), at_home()),
        ("too long", remittances(step=7.5), at_home()),
        ("one city", remittances(cities=("Ulm", "ULM")), at_home()),
        ("the median at the threshold", remittances(amount=1_000), at_home()),
        ("to the same country", remittances(counterparty_id="DE89370400440532013000"), at_home()),
        ("one holder", remittances(), at_home(holder_id="h")),
        ("a family", remittances(), at_home(holder_name="Ann Roe")),
        ("receipts", remittances(direction="credit"), at_home()),
        ("card payments", remittances(channel="card"), at_home()),
        ("a money transfer company stands for many",
         remittances(counterparty_name="Western Union", counterparty_id="W"), at_home()),
        ("a shop that everybody pays",
         remittances() + [{**remittances(1)[0], "account_id": f"P{n:03}", "booked_at": at(-99 - n)}
                          for n in range(496)], at_home()),
    ],
)  # fmt: skip
def test_no_remittances_of_many(why, rows, accounts):
    assert found("HT-LAB-09", ledger(*rows, accounts=accounts)) == [], why


def test_the_bounds_of_remittances():
    assert len(found("HT-LAB-09", ledger(*remittances(amount=999.99), accounts=at_home()))) == 5
    assert len(found("HT-LAB-09", ledger(*remittances(step=7.49), accounts=at_home()))) == 5
    dollars = [{**row, "currency": "USD"} for row in remittances(amount=2_999.99)]
    assert len(found("HT-LAB-09", ledger(*dollars, accounts=at_home()))) == 5


def test_remittances_without_a_city_a_threshold_or_a_country_cannot_be_judged():
    nowhere = ledger(*remittances(city=None), accounts=at_home())
    assert missing("HT-LAB-09", nowhere) == [(f"V{n}", "city of the sender") for n in range(5)]
    pounds = ledger(*[{**row, "currency": "GBP"} for row in remittances()], accounts=at_home())
    assert missing("HT-LAB-09", pounds)[0] == ("V0", "legal threshold for GBP")
    assert missing("HT-LAB-09", ledger(leg("A"))) == [(None, "country")]


# HT-LAB-10


def corridor(days=(60, 61, 62), share=0.7, hour=72.0, **changes):
    past = leg("A", -60, 5)
    pairs = [
        row
        for day in days
        for row in (
            leg("A", day, 100, channel="cash", direction="credit", counterparty_id=None),
            leg("A", day + hour / 24, 100 * share, **{"channel": "transfer", "country": "XX", **changes}),
        )
    ]
    return [past, *pairs]


CASH = {"corridors": ("xx",), "enabled": True}


def test_cash_that_goes_to_a_named_country_unlike_before_is_found():
    assert roles("HT-LAB-10", ledger(*corridor()), **CASH) == {"A": "NET"}
    assert values("HT-LAB-10", ledger(*corridor()), **CASH) == {
        "sent_share": 0.7, "z_self": 3, "left": 210, "cash": 300,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("why", "rows"),
    [
        ("twice", corridor((60, 61))),
        ("less", corridor(share=0.699)),
        ("later", corridor(hour=72.01)),
        ("another country", corridor(country="YY")),
        ("a card payment", corridor(channel="card")),
        ("as before", corridor((0, 1, 2, 32, 33, 34, 64, 65, 66))),
    ],
)
def test_no_cash_to_a_corridor(why, rows):
    told = judge("HT-LAB-10", ledger(*rows), **CASH).findings.filter(pl.col("state") == "found")
    assert told.filter(pl.col("window_end") > at(50)).is_empty(), why


def test_no_corridor_is_shipped():
    assert missing("HT-LAB-10", ledger(*corridor()), enabled=True) == [("A", "corridors (a setting)")]
    young = [row for row in corridor() if row["booked_at"] != at(-60)]
    assert missing("HT-LAB-10", ledger(*young), **CASH) == [("A", "history before the window")]


# HT-LAB-11


def package(days=(0, 7, 14), payee="U", texts=("flight ticket", "visa fee", "training fee"), **changes):
    return [
        leg("A", day, 400, counterparty_id=payee, description=text, **changes)
        for day, text in zip(days, texts, strict=True)
    ]


def abroad(day=100.0, share=0.8, hour=24.0, country="FR"):
    return [
        wage("A", day, country=country),
        leg("A", day + hour / 24, 1_000 * share, counterparty_id="X", country=country),
    ]


def test_a_package_before_a_swept_wage_from_abroad_is_found():
    assert roles("HT-LAB-11", ledger(*package(), *abroad(), accounts=HOME)) == {"A": "PV"}
    assert roles("HT-LAB-11", ledger(*package(), *abroad(14 + 365), accounts=HOME)) == {"A": "PV"}
    both = [
        leg("A", 0, 400, counterparty_id="U", description="visa and training fee and flight ticket, job fee")
    ]
    assert found("HT-LAB-11", ledger(*both, *abroad(), accounts=HOME)) == ["A"]


@pytest.mark.parametrize(
    ("why", "rows"),
    [
        ("no training", package(texts=("flight ticket", "visa fee", "job fee")) + abroad()),
        ("no visa", package(texts=("flight ticket", "job fee", "training fee")) + abroad()),
        ("no ticket", package(texts=("job fee", "visa fee", "training fee")) + abroad()),
        ("too long", package((0, 7, 14.01)) + abroad()),
        ("two payees", package()[:2] + package(payee="W")[2:] + abroad()),
        ("a wage at home", package() + abroad(country="de")),
        ("the wage stays", package() + abroad(share=0.799)),
        ("it leaves later", package() + abroad(hour=24.01)),
        ("the wage before", abroad(-10) + package()),
        ("a year later", package() + abroad(14 + 365.01)),
        ("the next wage stays", package() + abroad(90, share=0.1) + abroad()),
    ],
)
def test_no_package(why, rows):
    assert found("HT-LAB-11", ledger(*rows, accounts=HOME)) == [], why


def test_without_countries_packages_cannot_be_judged():
    nowhere = ledger(*package(), *abroad(), leg("Z", country="DE"))
    assert missing("HT-LAB-11", nowhere) == [("A", "country of the employer, or of the holder")]
    assert missing("HT-LAB-11", ledger(leg("A"))) == [(None, "merchant, country, description")]


# What shows each of them, for test_strictness.py

SHOWING = {
    "HT-LAB-01": lambda: ledger(*team(0, 30)),
    "HT-LAB-02": lambda: ledger(*paydays(0, 7, 14)),
    "HT-LAB-03": lambda: ledger(*crew(0, 30)),
    "HT-LAB-04": lambda: ledger(*back(0, 30, share=0.6)),
    "HT-LAB-05": lambda: ledger(*fees(step=0.2), out(7)),
    "HT-LAB-06": lambda: ledger(*instalments()),
    "HT-LAB-07": lambda: ledger(*trading(), accounts=businesses()),
    "HT-LAB-08": lambda: ledger(*spending((13, 10, 0)), accounts=businesses()),
    "HT-LAB-09": lambda: ledger(*remittances(), accounts=at_home()),
    "HT-LAB-10": lambda: ledger(*corridor()),
    "HT-LAB-11": lambda: ledger(*package(), *abroad(14 + 365), accounts=HOME),
}
