"""The catalogue: every indicator has a card that holds together, and the page says what the code says."""

import dataclasses
import re
from pathlib import Path

import pytest

from finpat.config import IndicatorSettings, Settings
from finpat.errors import SettingsError
from finpat.indicators import INDICATORS, MODULES
from finpat.indicators.base import ROLES, TYPOLOGIES, WEIGHTS, Indicator
from finpat.indicators.document import PAGE, README, render, render_table, with_table
from finpat.indicators.evaluation import resolve

FAMILIES = {
    "ST": "STRUCT-01 STRUCT-02 STRUCT-03 STRUCT-04 STRUCT-05 BUNCH-06 ID3K-07 ID1K-08 OUT-09 SPLIT-10 "
    "RETRY-11 ROUND-12 "
    "BENF-13 REMIT-14",
    "VE": "PASS-01 LAT-02 SPIKE-03 AMT-04 DORM-05 NEW-06 FUNNEL-07 MIRROR-08 BURST-09 MIX-10 DEPSEND-11",
    "NW": "FANIN-01 FANOUT-02 GS-03 SG-04 CYCLE-05 BIP-06 STACK-07 CHAIN-08 LFAN-09 COPAY-10 RING-11",
    "HT-ADS": " ".join(f"{n:02}" for n in range(1, 19)),
    "HT-MOV": "01 02 03 04 05 06 07 08 09 10 11 12",
    "HT-NIT": "01 02 03",
    "HT-SPD": "01 02 03 04 05 06 07 08 09",
    "HT-P2P": "01 02 03 04 05 06 07 08",
    "HT-RES": "01 02 03",
    "HT-FRT": "01 02 03 04 05 06",
    "CX": "HOT-01 CORR-02",
    "CR": "ONRAMP-01 MICRO-02 BROKER-03 ADPAY-04 RISK-05",
    "HT-CTL": " ".join(f"{n:02}" for n in range(1, 11)),
    "HT-LAB": " ".join(f"{n:02}" for n in range(1, 12)),
}
NEVER_WRITTEN = re.compile(r"trafficker|prostitut|criminal|(?<!possible )victim", re.IGNORECASE)
each = pytest.mark.parametrize("indicator", INDICATORS, ids=lambda indicator: indicator.id)


def test_the_families_are_complete():
    expected = [f"{family}-{name}" for family, names in FAMILIES.items() for name in names.split()]
    assert sorted(indicator.id for indicator in INDICATORS) == sorted(expected)


def test_every_indicator_in_the_code_is_in_its_modules_tuple():
    for module in MODULES:
        declared = [item for item in vars(module).values() if isinstance(item, Indicator)]
        assert {item.id for item in declared} == {item.id for item in module.INDICATORS}, module.__name__


@pytest.mark.parametrize("field", ["id", "name", "fact", "definition", "find"])
def test_no_two_indicators_share(field):
    values = [getattr(indicator, field) for indicator in INDICATORS]
    assert len(set(values)) == len(values)


@each
def test_a_card_is_complete(indicator):
    assert indicator.source
    assert indicator.caution
    assert indicator.definition.endswith(".")
    assert indicator.weight in WEIGHTS
    assert set(indicator.role.split("/")) <= set(ROLES)
    assert re.search(r"\b(V1|V2|M|D|S|U)\b", indicator.evidence)
    assert all(field.metadata["why"] for field in indicator.parameter_fields())
    assert indicator.family in TYPOLOGIES


@each
def test_no_number_hides_in_the_facts_template_and_no_name_is_unknown(indicator):
    names = set(re.findall(r"\{(\w+)\}", indicator.fact))
    values = {value.name.removesuffix("_minor") for value in indicator.values}
    parameters = {field.name for field in indicator.parameter_fields()}
    assert names <= values | {f"{name}_bound" for name in values} | parameters | {"part"}


@each
def test_unfair_words_never_occur(indicator):
    told = " ".join(
        (indicator.name, indicator.fact, indicator.caution, indicator.definition, indicator.source)
    )
    assert not NEVER_WRITTEN.search(told)
    assert not any(NEVER_WRITTEN.search(value.name) for value in indicator.values)


@each
def test_an_indicator_has_tests_of_its_own(indicator):
    folder = Path(__file__).parent
    tests = "".join(path.read_text() for path in folder.glob("test_*.py") if path.name != "test_registry.py")
    assert tests.count(f'"{indicator.id}"') >= 2


@each
def test_defaults_lie_inside_their_own_bounds(indicator):
    assert indicator.with_parameters(dataclasses.asdict(indicator.parameters)) == indicator.parameters


def test_the_committed_page_is_the_generated_one():
    assert PAGE.read_text(encoding="utf-8") == render(), "run: python -m finpat.indicators.document"


def test_the_table_of_the_readme_is_the_generated_one():
    text = README.read_text(encoding="utf-8")
    assert text == with_table(text, render_table()), "run: python -m finpat.indicators.document"
    assert all(f"[{indicator.id}]" in text for indicator in INDICATORS)


def test_the_page_uses_no_unfair_word():
    assert not NEVER_WRITTEN.search(render())


@pytest.mark.parametrize(
    ("indicators", "message"),
    [
        ({"ST-STRUCT-1": {}}, "indicators.ST-STRUCT-1: no such indicator. Did you mean 'ST-STRUCT-01'"),
        ({"ST-STRUCT-01": {"min_cont": 4}}, "no such parameter. Did you mean 'min_count'"),
        ({"ST-STRUCT-01": {"min_count": "4"}}, "expected a whole number like 3"),
        ({"ST-STRUCT-01": {"min_count": True}}, "expected a whole number like 3"),
        ({"ST-STRUCT-01": {"min_count": 1}}, "expected at least 2"),
        ({"ST-STRUCT-01": {"floor_share": 1.2}}, "expected 0.1 to 0.99"),
        ({"ST-STRUCT-01": {"floor_share": float("nan")}}, "expected 0.1 to 0.99"),
    ],
)
def test_a_setting_that_cannot_be_used_is_named(indicators, message):
    settings = Settings(indicators={name: IndicatorSettings(**values) for name, values in indicators.items()})
    with pytest.raises(SettingsError, match=re.escape(message)):
        resolve(INDICATORS, settings)


def test_a_whole_number_is_a_number():
    settings = Settings(indicators={"ST-STRUCT-01": IndicatorSettings(window_days=5)})
    assert resolve(INDICATORS, settings)["ST-STRUCT-01"][1].window_days == 5.0
