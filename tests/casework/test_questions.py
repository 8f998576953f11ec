"""What the dashboard asks: queues, one alert, history, workload, views; nothing of it changes anything."""

from __future__ import annotations

import json
from datetime import date

import pytest

from finpat.casework import alerts, decisions, notes, questions, saved_views
from finpat.casework.decisions import Decision
from finpat.casework.questions import Choice
from finpat.errors import CaseworkError, UsageError
from tests.casework.conftest import NOON
from tests.casework.factory import QUIET, follow, minutes, ranked
from tests.casework.test_alerts import DONE, doing


@pytest.fixture
def work(database):
    """Six alerts: 1 to 5 of subjects, 6 of a possible victim; 1 closed, 2 ana's, 3 on hold, 4 and 5 new."""
    follow(
        database,
        ranked("A1", score=990, band="critical"),
        ranked("A2", score=980, band="critical", indicators=("HT-ADS-01", "ST-STRUCT-01")),
        ranked("B3", score=800),
        ranked("B4", score=800, indicators=("HT-ADS-01",)),
        ranked("B_5", score=700),
        ranked("V", score=650, possible_role="possible_victim"),
    )
    doing(database, "ana", decisions.close, 1, DONE, QUIET, at=minutes(1))
    doing(database, "ana", alerts.claim, 2, at=minutes(2))
    doing(database, "ben", alerts.wait, 3, "asked the branch", until=date(2026, 4, 9), at=minutes(3))
    return database


def numbers(database, choice=None, **page):
    with database.reading() as connection:
        found = questions.queue(connection, choice, **page)
    return [row["number"] for row in found.rows], found.total


def test_without_a_choice_all_subjects_are_listed_by_score_and_nobody_to_be_protected(work):
    assert numbers(work) == ([1, 2, 3, 4, 5], 5)


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        (Choice(queue="protect"), [6]),
        (Choice(queue=None), [1, 2, 3, 4, 5, 6]),
        (Choice(states=("new", "waiting")), [3, 4, 5]),
        (Choice(assignee="ana"), [2]),
        (Choice(assignee=""), [1, 3, 4, 5]),
        (Choice(account="B"), [3, 4, 5]),
        (Choice(account="B_"), [5]),
        (Choice(account="%"), []),
        (Choice(disposition="not_suspicious"), [1]),
        (Choice(indicator="HT-ADS-01"), [2, 4]),
        (Choice(group="money movement"), [1, 2, 3, 5]),
        (Choice(group="exploitation", states=("new",)), [4]),
        (Choice(opened_since=minutes(1)), []),
        (Choice(opened_since=NOON, opened_until=minutes(1)), [1, 2, 3, 4, 5]),
    ],
)
def test_alerts_are_chosen_by_all_that_is_given(work, choice, expected):
    assert numbers(work, choice) == (expected, len(expected))


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ("score", [1, 2, 3, 4, 5]),
        ("band", [1, 2, 3, 4, 5]),
        ("opened", [1, 2, 3, 4, 5]),
        ("changed", [3, 2, 1, 4, 5]),
        ("due", [3, 1, 2, 4, 5]),
        ("account", [1, 2, 3, 4, 5]),
    ],
)
def test_every_order_is_total_so_that_pages_neither_repeat_nor_lose_an_alert(work, order, expected):
    assert numbers(work, order=order)[0] == expected
    pages = [numbers(work, order=order, offset=at, limit=2) for at in (0, 2, 4)]
    assert [number for rows, _ in pages for number in rows] == expected
    assert {total for _, total in pages} == {5}


@pytest.mark.parametrize(
    ("choice", "order", "told"),
    [
        (Choice(queue="subject"), "score", "Did you mean 'subjects'"),
        (Choice(states=("closd",)), "score", "Did you mean 'closed'"),
        (None, "scroe", "Did you mean 'score'"),
    ],
)
def test_a_misspelt_queue_state_or_order_is_told_with_the_nearest(work, choice, order, told):
    with pytest.raises(UsageError, match=told):
        numbers(work, choice, order=order)


def test_an_alert_is_told_with_everything_about_it(work):
    doing(work, "ana", notes.add_note, 2, "called the branch")
    doing(work, "ana", decisions.decide, 2, Decision("suspicious", "pass-through"))
    with work.reading() as connection:
        told = questions.alert(connection, 2)
        with pytest.raises(CaseworkError, match="there is no alert 99"):
            questions.alert(connection, 99)
    assert (told["groups"], told["indicators"]) == (
        ["exploitation", "money movement"], ["HT-ADS-01", "ST-STRUCT-01"]
    )  # fmt: skip
    assert [note["text"] for note in told["notes"]] == ["called the branch"]
    assert [found["kind"] for found in told["decisions"]] == ["suspicious"]
    assert (told["files"], told["requests"]) == ([], [])


def test_an_account_shows_its_open_alert_first_and_its_closed_ones_with_what_they_came_to(work):
    follow(work, ranked("A1", score=995, band="critical", indicators=("HT-ADS-01",)), run_id="0002")
    with work.reading() as connection:
        held = questions.alerts_of(connection, "A1")
        (earlier,) = questions.earlier_alerts(connection, "A1")
        done = [entry.action for entry in questions.history(connection, "A1")]
        states = questions.account_states(connection)
        assert questions.account_states(connection, ["V", "none"]) == {"V": states["V"]}
    assert [row["state"] for row in held] == ["new", "closed"]
    assert (earlier["number"], earlier["decisions"][0]["kind"]) == (1, "not_suspicious")
    assert done == ["alert.opened", "alert.closed", "alert.opened"]
    assert (states["A1"]["state"], states["A1"]["number"]) == ("new", held[0]["number"])
    assert states["V"]["queue"] == "protect"


def test_an_account_without_alerts_has_no_past(work):
    with work.reading() as connection:
        assert questions.alerts_of(connection, "Z") == questions.earlier_alerts(connection, "Z") == []
        assert questions.history(connection, "Z") == []


def test_the_workload_counts_open_alerts_by_queue_person_and_state(work):
    with work.reading() as connection:
        told = [tuple(row.values()) for row in questions.workload(connection)]
    assert told == [
        ("protect", None, "new", 1, NOON),
        ("subjects", None, "new", 2, NOON),
        ("subjects", None, "waiting", 1, NOON),
        ("subjects", "ana", "in_review", 1, NOON),
    ]


def test_views_belong_to_who_saved_them(database):
    mine = {"states": ["new"], "order": "due", "columns": {"score": 80}}
    doing(database, "ana", saved_views.save_view, "My week", {"order": "score"})
    doing(database, "ana", saved_views.save_view, "My week", mine)
    doing(database, "ben", saved_views.save_view, "My week", {})
    with database.reading() as connection:
        assert saved_views.views_of(connection, "ana") == {"My week": mine}
    doing(database, "ana", saved_views.remove_view, "My week")
    with database.reading() as connection:
        assert saved_views.views_of(connection, "ana") == {}
        assert saved_views.views_of(connection, "ben") == {"My week": {}}
    with pytest.raises(CaseworkError, match="ana has no view 'My week'"):
        doing(database, "ana", saved_views.remove_view, "My week")
    with pytest.raises(UsageError, match="larger than 10,000 characters"):
        doing(database, "ana", saved_views.save_view, "big", {"x": "y" * 10_000})


def test_tables_that_queries_read_are_named(work):
    with work.reading() as connection:
        rows = list(questions.rows_of(connection, "alerts"))
        assert [row["number"] for row in rows] == [1, 2, 3, 4, 5, 6]
        assert json.dumps(rows, default=str)
        with pytest.raises(UsageError, match=r"unknown table 'alert'\. Did you mean 'alerts'"):
            list(questions.rows_of(connection, "alert"))
    assert questions.exported_columns("dispositions")["reference_on"] == "date"
