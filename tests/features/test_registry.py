"""What every feature declares, and that the table is what was declared."""

import pytest

from finpat.config import Settings
from finpat.features import FEATURES, GROUPS, build_features
from finpat.features.base import INTEGER_KINDS
from tests import factory
from tests.factory import at


def test_no_two_features_share_a_name_or_a_docstring():
    assert len({feature.name for feature in FEATURES}) == len(FEATURES)
    texts = [feature.doc for feature in FEATURES if feature.kind != "instant"]
    assert len(set(texts)) == len(texts)


@pytest.mark.parametrize("feature", FEATURES, ids=lambda feature: feature.name)
def test_a_feature_says_what_it_is_and_when_it_is_null(feature):
    assert feature.doc.endswith(".")
    assert feature.null_rule
    assert not feature.null_rule.endswith(".")
    assert feature.unit


def test_an_instant_is_for_people_and_no_input_of_detectors():
    assert {feature.role for feature in FEATURES if feature.kind == "instant"} == {"display"}


def test_a_name_says_its_window():
    for feature in FEATURES:
        if feature.window != "all" and feature.family in ("velocity", "structuring"):
            assert f"_{feature.window}" in feature.name


def test_the_table_has_the_declared_columns_and_the_rows_of_the_accounts():
    ledger = factory.ledger(
        *(
            {"account_id": name, "counterparty_id": "Z", "booked_at": at(day)}
            for day in range(9)
            for name in "CAB"
        )
    )
    table = build_features(ledger, Settings())
    assert table.columns == ["account_id", *(feature.name for feature in FEATURES)]
    assert table["account_id"].to_list() == ["A", "B", "C"]
    for feature in FEATURES:
        assert table.schema[feature.name] == feature.dtype, feature.name
    assert not any(table[f.name].is_nan().any() for f in FEATURES if f.kind not in INTEGER_KINDS)


def test_a_ledger_without_payments_gives_a_table_without_rows():
    table = build_features(factory.ledger(), Settings())
    assert table.height == 0
    assert table.columns == ["account_id", *(feature.name for feature in FEATURES)]


@pytest.mark.parametrize(
    "feature", [f for f in FEATURES if f.null_rule == "never"], ids=lambda feature: feature.name
)
def test_a_feature_that_is_never_null_is_not_null_for_one_bare_payment(feature):
    table = build_features(factory.ledger({"counterparty_id": None, "has_time": False}), Settings())
    assert table[feature.name].null_count() == 0


def test_each_group_fills_what_it_declares():
    rows = [
        {"account_id": "A", "counterparty_id": f"P{day % 5}", "booked_at": at(day * 0.7),
         "city": f"C{day % 3}", "country": "BG", "device_id": f"D{day % 4}", "branch_id": "B",
         "merchant_category": "5411",
         "direction": "debit" if day % 3 else "credit", "amount_minor": 4_500_00 + day % 2,
         "channel": "cash" if day % 7 else "transfer", "local_zone": "Europe/Sofia"}
        for day in range(240)
    ]  # fmt: skip
    payer = {"account_id": "P0", "counterparty_id": "A", "direction": "debit", "booked_at": at(9)}
    table = build_features(factory.ledger(*rows, payer), Settings())[:1]  # A deals with a held account
    for group in GROUPS:
        empty = [feature.name for feature in group.features if table[feature.name].null_count()]
        assert empty == [name for name in empty if name.startswith("gap_before_busiest")]
