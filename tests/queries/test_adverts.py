"""Rows in and rows out: queries/adverts and the places of queries/movement."""

from __future__ import annotations

import pytest

from finpat.errors import QueryError
from tests.queries.case import answer, days_before, evidence, finding, flagged, leg, published, rows, value


def cluster(name, ads=3, cities=1):
    return {"cluster_id": name, "ad_count": ads, "city_count": cities, "last_posted_at": days_before(2)}


def test_payers_are_ordered_by_advertised_persons_stated_or_in_time(tmp_path):
    model = published(
        tmp_path / "ws",
        flagged_accounts=[flagged(1, "ONE"), flagged(2, "MANY")],
        ad_clusters=[cluster("C1"), cluster("C2", 4, 5), cluster("C3", 2)],
        ad_cluster_members=[{"cluster_id": "C3", "ad_id": "ad3"}, {"cluster_id": "C1", "ad_id": "ad1"}],
        ad_payment_links=[
            {"account_id": "MANY", "cluster_id": "C1", "k": 6, "p_value": 1e-9},
            {"account_id": "MANY", "cluster_id": "C2", "k": 5, "p_value": 1e-6},
            {"account_id": "ONE", "cluster_id": "C1", "k": 5, "p_value": 1e-5},
        ],
        ad_payment_matches=[
            {"payment_id": "p1", "ad_id": "ad3", "account_id": "MANY", "is_stated": True},
            {"payment_id": "p2", "ad_id": "ad1", "account_id": "MANY", "is_stated": True},
            {"payment_id": "p3", "ad_id": "ad3", "account_id": "ONE", "is_stated": False},
        ],
    )
    result = answer("advert_payers_by_advertised_persons", model)
    names = ("account_id", "advertised_persons", "ad_count", "most_cities", "stated_by_platform")
    assert rows(result, *names) == [("MANY", 3, 9, 5, 2), ("ONE", 1, 3, 1, 0)]
    assert answer("advert_payers_by_advertised_persons", model, least_persons=2).count == 1


def test_the_way_from_prepaid_card_to_advert_is_told_by_its_chains(tmp_path):
    model = published(
        tmp_path / "ws",
        flagged_accounts=[flagged(1, "A")],
        findings=[
            finding("F1", "A", "HT-ADS-10", values=[value("chain_count", 4)]),
            finding("F2", "A", "CR-ADPAY-04", values=[value("purchase_count", 5)]),
            finding("F3", "A", "HT-ADS-13"),
        ],
    )
    result = answer("prepaid_to_crypto_to_adverts", model)
    names = ("account_id", "chain_findings", "most_chains", "before_advert_findings", "most_purchases")
    assert rows(result, *names) == [("A", 1, 4, 1, 5)]


def test_contacts_are_listed_from_so_many_clusters_on_and_masked(tmp_path):
    def contact(name, clusters, ties):
        return {"contact_id": name, "kind": "phone", "shape": "...22", "ad_count": 9,
                "cluster_count": clusters, "weight": 0.5, "ties": ties}  # fmt: skip

    model = published(
        tmp_path / "ws",
        ad_shared_contacts=[contact("c1", 2, True), contact("c2", 40, False), contact("c3", 1, True)],
    )
    result = answer("contacts_that_tie_adverts", model)
    assert rows(result, "contact_id", "cluster_count", "ties") == [("c1", 2, True), ("c2", 40, False)]


def places(persons, city):
    legs = [leg(f"{city}{n}", f"{city}{n}", "debit", 100, city=city, country="BG") for n in range(persons)]
    findings = [
        finding(f"{city}{n}", f"{city}{n}", "HT-MOV-01", typology="accommodation and movement")
        for n in range(persons)
    ]
    shown = [
        row for n in range(persons) for row in evidence(f"{city}{n}", (f"{city}{n}", f"{city}{n}", "debit"))
    ]
    return legs, findings, shown


def test_no_city_below_the_privacy_floor_is_listed_and_the_floor_cannot_be_lowered(tmp_path):
    ten, nine = places(10, "Sofia"), places(9, "Varna")
    others = [leg(f"x{n}", f"X{n}", "debit", 100, city="Sofia", country="BG") for n in range(10)]
    model = published(
        tmp_path / "ws", [*ten[0], *nine[0], *others], findings=ten[1] + nine[1],
        finding_evidence=ten[2] + nine[2],
    )  # fmt: skip
    result = answer("hotspots_above_privacy_floor", model)
    assert rows(result) == [("BG", "Sofia", 10, 20, 0.5)]
    with pytest.raises(QueryError, match="expected 10 or more"):
        answer("hotspots_above_privacy_floor", model, floor=9)


def test_accounts_of_one_holder_are_one_person_of_a_cell(tmp_path):
    legs, findings, shown = places(10, "Sofia")
    accounts = [{"account_id": f"Sofia{n}", "holder_id": f"P{n // 2}"} for n in range(10)]
    model = published(tmp_path / "ws", legs, findings=findings, finding_evidence=shown, accounts=accounts)
    assert answer("hotspots_above_privacy_floor", model).count == 0
