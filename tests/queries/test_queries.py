"""Every shipped query: checked on empty tables, described, and tested with rows in and rows out."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from finpat.scheduled import read_catalogue
from finpat.scheduled.catalogue import shipped_folder
from finpat.scheduled.lint import check_query, lint_folder

CATALOGUE = read_catalogue()
TESTS = "\n".join(path.read_text("utf-8") for path in Path(__file__).parent.glob("test_*.py"))


def test_no_shipped_file_is_broken():
    assert CATALOGUE.broken == {}
    assert lint_folder(shipped_folder()) == (len(CATALOGUE), [])


@pytest.mark.parametrize("query", list(CATALOGUE), ids=lambda query: query.name)
def test_a_shipped_query_runs_on_empty_tables_and_gives_its_grain(query):
    assert set(query.front.grain) <= check_query(query).keys()


@pytest.mark.parametrize("query", list(CATALOGUE), ids=lambda query: query.name)
def test_a_shipped_query_is_tested_with_rows_in_and_rows_out(query):
    assert f'"{query.name}"' in TESTS


@pytest.mark.parametrize("query", list(CATALOGUE), ids=lambda query: query.name)
def test_a_shipped_query_repeats_no_threshold_of_an_indicator(query):
    """Findings carry their thresholds; a query may compare with its parameters, and with 0, 1 and 2."""
    sql = query.text.partition("--- */")[2]
    bare = re.sub(r"'[^']*'|\$\w+|decimal\(\d+, \d+\)|--.*", "", sql)
    numbers = {float(number) for number in re.findall(r"[<>=]\s*(\d+(?:\.\d+)?)", bare)}
    assert numbers <= {0, 1, 2}
    assert not re.search(r"between\s+\d", bare)


def test_titles_and_texts_are_those_of_one_query_each():
    titles = [query.front.title for query in CATALOGUE]
    assert len(set(titles)) == len(titles)


def test_every_parameter_of_a_shipped_query_says_what_it_does():
    lacking = [
        f"{query.name}.{name}"
        for query in CATALOGUE
        for name, parameter in query.front.params.items()
        if not parameter.doc
    ]
    assert lacking == []


def test_no_shipped_query_reveals_personal_data():
    assert [query.name for query in CATALOGUE if query.front.reveals] == []
