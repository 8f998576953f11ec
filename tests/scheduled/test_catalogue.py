"""Front matter: what a file may say of itself, and how it is told what is wrong."""

from __future__ import annotations

from datetime import date, datetime

import pytest

from finpat.errors import QueryError, UsageError
from finpat.scheduled.catalogue import parse_front_matter, read_catalogue, read_query
from finpat.scheduled.parameters import Parameter, bind
from tests.scheduled.case import query_of, write_query

SQL = "select account_id from rm.flagged_accounts order by account_id"


def told(tmp_path, **front):
    with pytest.raises(QueryError) as caught:
        read_query(write_query(tmp_path, SQL, **front))
    return str(caught.value)


def test_a_query_is_its_front_matter_and_its_text(tmp_path):
    query = query_of(tmp_path, SQL, schedule="0 6 * * 1", zone="Europe/Sofia", outputs=["csv", "parquet new"])
    assert (query.name, query.typology, query.front.grain) == ("asked", "own", ("account_id",))
    assert [(out.format, out.rows) for out in query.front.outputs] == [("csv", "all"), ("parquet", "new")]
    assert query.text.endswith(SQL + "\n")
    assert len(query.text_sha256) == 64


@pytest.mark.parametrize(
    ("front", "marked", "words"),
    [
        ({"titel": "x y z"}, "titel:", "unknown key 'titel'. Did you mean 'title'?"),
        ({"title": None}, "name:", "title is missing"),
        ({"schedule": "0 25 * * 1"}, "schedule:", "schedule = '0 25 * * 1': no due time follows from it"),
        ({"schedule": "0 6 * *"}, "schedule:", "expected five fields"),
        ({"schedule": "0 0 30 2 *"}, "schedule:", "no due time follows from it"),
        ({"zone": "Europe/Sofa"}, "zone:", "no such time zone. Did you mean 'Europe/Sofia'?"),
        ({"catch_up": "lost"}, "catch_up:", "expected 'all' or 'last'. Did you mean 'last'?"),
        ({"params": {"as_of": {"type": "dat"}}}, "type: dat", "Did you mean 'date'?"),
        (
            {"params": {"n": {"type": "int", "defualt": 3}}},
            "defualt:",
            "unknown key 'params.n.defualt'. Did you mean 'default'?",
        ),
        (
            {"params": {"n": {"type": "int", "default": "many"}}},
            "n:",
            "default 'many': expected a whole number",
        ),
        (
            {"params": {"n": {"type": "int", "default": 9, "least": 10}}},
            "n:",
            "default 9: expected 10 or more",
        ),
        ({"params": {"n": {"type": "int"}}, "schedule": "0 6 * * 1"}, "name:", "n has no default"),
        ({"outputs": ["cvs"]}, "- cvs", "Did you mean 'csv'?"),
        ({"outputs": ["csv", "csv"]}, "name:", "outputs: the same file twice"),
        ({"max_rows": 0}, "max_rows:", "max_rows = 0"),
        ({"reveals": ["accounts.phone"]}, "name:", "reveals and reveal_reason go together"),
        ({"grain": []}, "grain:", "grain"),
    ],
)
def test_what_cannot_be_used_is_named_with_file_line_and_key(tmp_path, front, marked, words):
    message = told(tmp_path, **front)
    path = tmp_path / "own" / "asked.sql"
    lines = [
        n for n, line in enumerate(path.read_text("utf-8").splitlines(), 1) if line.strip().startswith(marked)
    ]
    assert f"asked.sql line {lines[0]}: " in message
    assert words in message


def test_the_name_is_that_of_the_file(tmp_path):
    path = write_query(tmp_path, SQL)
    path.rename(path.with_name("other.sql"))
    with pytest.raises(QueryError, match=r"other\.sql line 2: name is 'asked', the file's name is 'other'"):
        read_query(path.with_name("other.sql"))


def test_a_key_that_stands_there_twice_is_told_and_not_the_last_one_taken(tmp_path):
    path = write_query(tmp_path, SQL)
    path.write_text(path.read_text("utf-8").replace("owner:", "title: another\nowner:"), "utf-8")
    with pytest.raises(QueryError, match=r"line 4: 'title' stands there twice"):
        read_query(path)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("select 1", "line 1: expected '/* ---'"),
        ("/* ---\nname: x\nselect 1", "line 3: the front matter has no end"),
        ("/* ---\nname: [x\n--- */\nselect 1", "no valid YAML"),
        ("/* ---\njust words\n--- */\nselect 1", "expected keys and values"),
    ],
)
def test_a_text_without_readable_front_matter_is_refused(tmp_path, text, words):
    with pytest.raises(QueryError) as caught:
        parse_front_matter(text, tmp_path / "x.sql")
    assert words in str(caught.value)


def test_one_broken_file_stops_nobody_elses_queries(tmp_path):
    shipped = tmp_path / "shipped"
    write_query(shipped, SQL, name="good")
    write_query(shipped, SQL, name="bad", title=None)
    catalogue = read_catalogue(None, shipped)
    assert [query.name for query in catalogue] == ["good"]
    with pytest.raises(QueryError, match=r"bad\.sql line 2: title is missing"):
        catalogue.get("bad")
    with pytest.raises(UsageError, match=r"unknown query 'goood'. Did you mean 'good'\?"):
        catalogue.get("goood")


def test_a_query_of_ones_own_does_not_take_the_place_of_a_shipped_one(tmp_path):
    write_query(tmp_path / "shipped", SQL)
    own = write_query(tmp_path / "workspace", SQL, title="Another question")
    catalogue = read_catalogue(tmp_path / "workspace", tmp_path / "shipped")
    assert [query.front.title for query in catalogue] == ["Accounts of a test"]
    assert "has this name already" in str(catalogue.broken[str(own)])


def test_today_is_the_due_time_and_as_a_day_that_of_the_querys_zone():
    declared = {
        "at": Parameter(type="instant", default="today"),
        "on": Parameter(type="date", default="today"),
    }
    due = datetime(2026, 3, 1, 22, 30)  # half past midnight of 2 March in Sofia
    assert bind(declared, {}, due, "Europe/Sofia") == {"at": due, "on": date(2026, 3, 2)}
    assert bind(declared, {"at": "2026-03-01T12:00+02:00"}, due, "UTC")["at"] == datetime(2026, 3, 1, 10)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"lokback": "3"}, "no parameter 'lokback'. Did you mean 'lookback'?"),
        ({"lookback": "three"}, "parameter lookback = 'three': expected a whole number"),
        ({"lookback": str(2**40)}, "expected a whole number"),
        ({"kind": "cush"}, "expected one of cash, card. Did you mean 'cash'?"),
        ({}, "parameter kind has no default"),
    ],
)
def test_a_parameter_that_does_not_fit_is_told_by_name(given, words):
    declared = {
        "lookback": Parameter(type="int", default=90),
        "kind": Parameter(type="text", choices=("cash", "card")),
    }
    with pytest.raises(QueryError) as caught:
        bind(declared, {"kind": "cash", **given} if given else given, datetime(2026, 1, 1), "UTC")
    assert words in str(caught.value)
