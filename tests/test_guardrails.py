"""Guardrails: what no output may say, what no indicator may look at."""

import re
from pathlib import Path

import pytest

from finpat import schemas
from finpat.features import FEATURES
from finpat.indicators import INDICATORS
from finpat.indicators.base import ROLES
from finpat.readmodel import schema

DOCS = Path(__file__).parents[1] / "docs"
BANNED = re.compile(r"\btraffickers?\b|\bprostitut\w*|\bcriminals?\b", re.IGNORECASE)
UNQUALIFIED = re.compile(r"(?<!possible )(?<!possible_)\bvictims?\b(?! support)", re.IGNORECASE)
FORBIDDEN = {"sex", "gender", "age", "birth", "nationality", "ethnicity", "religion", "race"}


@pytest.mark.parametrize("page", ["indicators.md", "data_dictionary.md", "settings.md"])
def test_generated_pages_use_no_banned_word(page):
    text = (DOCS / page).read_text(encoding="utf-8")
    assert BANNED.findall(text) == []
    assert UNQUALIFIED.findall(text) == []


def test_no_column_of_the_read_model_says_a_banned_word():
    names = [column.name for table in schema.TABLES for column in table.columns]
    assert [name for name in names if BANNED.search(name) or "victim" in name] == []


def test_no_feature_and_no_stored_column_is_a_forbidden_attribute():
    names = [feature.name for feature in FEATURES]
    names += [column.name for table in schemas.TABLES.values() for column in table.columns]
    assert [name for name in names if FORBIDDEN & set(name.split("_")[:1])] == []


def test_every_indicator_argues_for_declared_roles_only():
    assert {role for item in INDICATORS for role in item.role.split("/")} <= set(ROLES)
