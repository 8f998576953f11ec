"""Rows in and rows out: queries/velocity, networks, wages, control, crypto."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from tests.queries.case import answer, days_before, evidence, finding, flagged, leg, published, rows, value


def test_a_funnel_account_is_told_with_cities_and_exact_sums_per_currency(tmp_path):
    model = published(
        tmp_path / "ws",
        [leg("t1", "A", "credit", 100_10, city="Ghent"), leg("t2", "A", "credit", 200_20, city="Lille"),
         leg("t3", "A", "debit", 250_00, city="Sofia"), leg("t4", "A", "credit", 9, city="Ulm")],
        flagged_accounts=[flagged(1, "A", band="high"), flagged(2, "B")],
        findings=[finding("F1", "A", "VE-FUNNEL-07"), finding("F2", "A", "VE-PASS-01")],
        finding_evidence=[
            *evidence("F1", ("t1", "A", "credit"), ("t2", "A", "credit"), ("t3", "A", "debit")),
            *evidence("F2", ("t4", "A", "credit")),
        ],
    )  # fmt: skip
    result = answer("funnel_accounts", model)
    assert rows(result, "account_id", "deposit_cities", "amount_in", "drawn_in", "amount_drawn") == [
        ("A", 2, Decimal("300.30"), "Sofia", Decimal(250))
    ]
    assert answer("funnel_accounts", model, due=days_before(8)).count == 0


def test_pass_through_is_told_by_its_most_cycles_and_its_shortest_dwell(tmp_path):
    model = published(
        tmp_path / "ws",
        flagged_accounts=[flagged(1, "A"), flagged(2, "B")],
        findings=[
            finding("F1", "A", "VE-PASS-01", values=[value("cycle_count", 4), value("ratio", 0.9),
                                                     value("dwell_hours", 13.5)]),
            finding("F2", "A", "VE-PASS-01", values=[value("cycle_count", 3), value("ratio", 0.97),
                                                     value("dwell_hours", 2.0)]),
            finding("F3", "A", "VE-MIRROR-08"), finding("F4", "B", "VE-SPIKE-03"),
        ],
    )  # fmt: skip
    result = answer("pass_through_accounts", model)
    names = ("account_id", "indicators", "most_cycles", "highest_out_share", "shortest_dwell_hours")
    assert rows(result, *names) == [("A", "VE-MIRROR-08;VE-PASS-01", 4, 0.97, 2.0)]


def test_a_sleeping_account_that_woke_is_told_with_days_and_sum(tmp_path):
    woke = [value("slept_days", 209.1), value("row_count", 16), value("sum", 18874.24, unit="EUR")]
    model = published(
        tmp_path / "ws",
        flagged_accounts=[flagged(1, "A"), flagged(2, "B")],
        accounts=[{"account_id": "A", "opened_on": date(2020, 1, 5)}],
        findings=[finding("F1", "A", "VE-DORM-05", values=woke),
                  finding("F2", "B", "VE-DORM-05", state="not_evaluable")],
    )  # fmt: skip
    result = answer("dormant_then_active", model)
    assert rows(result, "account_id", "slept_days", "payment_count", "amount", "opened_on") == [
        ("A", 209.1, 16, Decimal("18874.24"), date(2020, 1, 5))
    ]


def test_a_new_account_of_a_possible_victim_stands_apart(tmp_path):
    new = [value("new", 636.9, unit="EUR"), value("cycle_count", 4)]
    model = published(
        tmp_path / "ws",
        flagged_accounts=[flagged(1, "A", possible_role="possible_victim"), flagged(2, "B")],
        accounts=[{"account_id": "B", "opened_on": date(2026, 2, 20)}],
        findings=[finding("F1", "A", "VE-NEW-06", values=new), finding("F2", "B", "VE-NEW-06", values=new)],
    )
    result = answer("new_accounts_passing_on", model)
    assert result.rows.select("account_id", "days_since_opening", "amount_in").rows() == [
        ("B", 33, Decimal("636.9"))
    ]
    assert result.protect["account_id"].to_list() == ["A"]


def test_money_that_comes_back_is_summed_by_currency(tmp_path):
    def back(number, amount, payments, share):
        told = [value("payment_count", payments), value("sent", amount, unit="EUR"),
                value("returned_share", share)]  # fmt: skip
        return finding(number, "A", "NW-CYCLE-05", values=told)

    model = published(
        tmp_path / "ws",
        flagged_accounts=[flagged(1, "A")],
        findings=[back("F1", 160, 3, 0.69), back("F2", 40.5, 5, 0.9), finding("F3", "A", "NW-CHAIN-08")],
    )
    result = answer("money_that_comes_back", model)
    names = ("account_id", "currency", "round_count", "shortest_round", "amount_sent")
    assert rows(result, *names) == [("A", "EUR", 2, 3, Decimal("200.5"))]


def test_a_network_is_listed_when_it_is_new_or_grew_and_not_when_it_shrank(tmp_path):
    def networks(**members):
        return [{"network_id": name, "kind": "phone", "member_count": n, "score": 5}
                for name, n in members.items()]  # fmt: skip

    before = published(tmp_path / "ws", networks=networks(SAME=2, GREW=2, SHRANK=3))
    model = published(
        tmp_path / "ws", run_id="0002", networks=networks(SAME=2, GREW=4, SHRANK=2, NEW=2),
        network_members=[{"network_id": "NEW", "account_id": "A", "possible_role": "possible_victim"},
                         {"network_id": "NEW", "account_id": "B", "possible_role": "possible_controller"}],
    )  # fmt: skip
    result = answer("networks_new_or_grown", model, before)
    names = ("network_id", "change", "previous_member_count", "possible_controllers", "to_be_protected")
    assert rows(result, *names) == [("GREW", "grown", 2, 0, 0), ("NEW", "new", None, 1, 1)]


def test_collecting_accounts_are_ordered_by_their_payers(tmp_path):
    model = published(
        tmp_path / "ws",
        flagged_accounts=[flagged(1, "A"), flagged(2, "B")],
        findings=[
            finding("F1", "A", "NW-FANIN-01", values=[value("partner_count", 5)]),
            finding("F2", "B", "NW-FANIN-01", values=[value("partner_count", 4)]),
            finding("F3", "B", "NW-GS-03", values=[value("payer_count", 7), value("beneficiary_count", 3)]),
        ],
    )
    result = answer("collecting_accounts", model)
    assert rows(result, "account_id", "fan_in_findings", "most_payers", "most_beneficiaries") == [
        ("B", 1, 7, 3), ("A", 1, 5, None)
    ]  # fmt: skip


def test_who_is_swept_to_is_told_by_number_of_accounts_and_who_is_swept_is_not(tmp_path):
    swept = [leg(f"t{n}", f"V{n}", "debit", 100_00 + n, counterparty_id="PAYEE") for n in range(3)]
    model = published(
        tmp_path / "ws",
        [*swept, leg("c1", "V0", "debit", 50_00, counterparty_id="CASH"),
         leg("o1", "V0", "debit", 5_00, counterparty_id="ONCE")],
        flagged_accounts=[flagged(1, "PAYEE", possible_role="possible_controller"),
                          *(flagged(n + 2, f"V{n}", possible_role="possible_victim") for n in range(3))],
        findings=[*(finding(f"F{n}", f"V{n}", "HT-LAB-02") for n in range(3)),
                  finding("G0", "V0", "HT-CTL-04")],
        finding_evidence=[
            *(row for n in range(3) for row in evidence(f"F{n}", (f"t{n}", f"V{n}", "debit"))),
            *evidence("G0", ("c1", "V0", "debit"), ("o1", "V0", "debit")),
        ],
    )  # fmt: skip
    result = answer("swept_wages", model)
    names = ("payee_account_id", "swept_accounts", "payment_count", "amount", "possible_role")
    assert rows(result, *names) == [("PAYEE", 3, 3, Decimal("300.03"), "possible_controller")]
    assert answer("swept_wages", model, least_accounts=1).count == 2


def test_a_payment_that_two_findings_show_is_counted_and_summed_once(tmp_path):
    model = published(
        tmp_path / "ws",
        [leg("t1", "A", "debit", 100_00, counterparty_id="P"),
         leg("t2", "B", "debit", 1_00, counterparty_id="P")],
        findings=[finding("F1", "A", "HT-LAB-02"), finding("F2", "A", "HT-CTL-04"),
                  finding("F3", "B", "HT-CTL-04")],
        finding_evidence=[*evidence("F1", ("t1", "A", "debit")), *evidence("F2", ("t1", "A", "debit")),
                          *evidence("F3", ("t2", "B", "debit"))],
    )  # fmt: skip
    assert rows(answer("swept_wages", model), "payment_count", "amount") == [(2, Decimal(101))]


def test_wage_collectors_are_told_by_employees_and_months(tmp_path):
    model = published(
        tmp_path / "ws",
        flagged_accounts=[flagged(1, "A"), flagged(2, "B")],
        findings=[
            finding("F1", "A", "HT-LAB-01", values=[value("employee_count", 5), value("month_count", 6)]),
            finding("F2", "B", "HT-LAB-03", values=[value("worker_count", 3), value("month_count", 2)]),
        ],
    )
    result = answer("wage_collectors", model)
    assert rows(result, "account_id", "indicator_id", "most_workers", "most_months") == [
        ("A", "HT-LAB-01", 5, 6), ("B", "HT-LAB-03", 3, 2)
    ]  # fmt: skip


def test_recruitment_fees_are_told_by_distinct_payers(tmp_path):
    fees = [leg(f"t{n}", "AGENT", "credit", 500_00, counterparty_id=f"P{n % 2}") for n in range(3)]
    model = published(
        tmp_path / "ws",
        [*fees, leg("o1", "AGENT", "debit", 900_00)],
        flagged_accounts=[flagged(1, "AGENT")],
        findings=[finding("F1", "AGENT", "HT-LAB-05"), finding("F2", "AGENT", "HT-LAB-06")],
        finding_evidence=[
            *evidence("F1", *((f"t{n}", "AGENT", "credit") for n in range(3)), ("o1", "AGENT", "debit")),
            *evidence("F2", ("t0", "AGENT", "credit")),
        ],
    )
    result = answer("recruitment_fee_fan_in", model)
    assert rows(result, "account_id", "payer_count", "payment_count", "amount_in", "indicators") == [
        ("AGENT", 2, 3, Decimal(1500), "HT-LAB-05;HT-LAB-06")
    ]


def test_what_accounts_share_is_told_also_where_a_finding_has_no_window(tmp_path):
    model = published(
        tmp_path / "ws",
        flagged_accounts=[flagged(1, "A"), flagged(2, "B"), flagged(3, "C")],
        findings=[
            finding("F1", "A", "HT-CTL-02", values=[value("holder_count", 3)], window_end=None),
            finding("F2", "B", "HT-CTL-01", values=[value("holder_count", 4)]),
            finding("F3", "C", "HT-CTL-01", values=[value("holder_count", 4)], window_end=days_before(300)),
        ],
    )
    result = answer("shared_devices_and_contacts", model)
    assert rows(result, "account_id", "most_holders") == [("B", 4), ("A", 3)]


def test_crypto_assets_are_told_by_purchases_and_payers(tmp_path):
    model = published(
        tmp_path / "ws",
        flagged_accounts=[flagged(1, "A")],
        findings=[
            finding("F1", "A", "CR-ONRAMP-01", typology="crypto-assets", values=[value("purchase_count", 2)]),
            finding("F2", "A", "CR-BROKER-03", typology="crypto-assets", values=[value("payer_count", 3)]),
        ],
    )
    result = answer("money_turned_into_crypto", model)
    assert rows(result, "account_id", "indicators", "most_purchases", "most_payers") == [
        ("A", "CR-BROKER-03;CR-ONRAMP-01", 2, 3)
    ]


@pytest.mark.parametrize(("least", "listed"), [(1, ["A", "B"]), (2, ["A"])])
def test_a_stay_alone_is_not_listed_unless_asked_for(tmp_path, least, listed):
    model = published(
        tmp_path / "ws",
        flagged_accounts=[flagged(1, "A"), flagged(2, "B")],
        findings=[
            finding("F1", "A", "HT-MOV-01", values=[value("city_count", 4)]),
            finding("F2", "A", "HT-MOV-09", values=[value("event_count", 3)]),
            finding("F3", "B", "HT-MOV-01", values=[value("city_count", 9)]),
        ],
    )
    result = answer("stays_and_far_spending", model, least_indicators=least)
    assert result.rows["account_id"].to_list() == listed
