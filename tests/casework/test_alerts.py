"""Working on alerts: taking, giving, holding, and what the second of two people is told."""

from __future__ import annotations

import re
from datetime import date

import pytest

from finpat.casework import alerts, decisions, notes, questions
from finpat.casework.decisions import Decision
from finpat.errors import CaseworkError, ConflictError, UsageError
from tests.casework.conftest import NOON
from tests.casework.factory import FOUR_EYES, QUIET, follow, minutes, ranked

DONE = Decision("not_suspicious", "salary of a seasonal worker")


@pytest.fixture
def work(database):
    """A database with three new alerts, 1 to 3."""
    follow(database, ranked("A"), ranked("B"), ranked("C"))
    return database


def doing(database, actor, function, *arguments, at=NOON, **named):
    with database.writing(actor, at) as change:
        return function(change, *arguments, **named)


def row(database, number=1):
    with database.reading() as connection:
        return questions.alert(connection, number)


def test_whoever_takes_an_alert_reviews_it(work):
    doing(work, "ana", alerts.claim, 1, version=1)
    assert (row(work)["state"], row(work)["assignee"], row(work)["version"]) == ("in_review", "ana", 2)
    assert (row(work)["changed_by"], row(work)["changed_at"]) == ("ana", NOON)


def test_many_alerts_are_given_at_once_or_none(work):
    doing(work, "lea", alerts.assign, {1: 1, 2: 1}, "ben")
    assert [row(work, number)["assignee"] for number in (1, 2, 3)] == ["ben", "ben", None]
    with pytest.raises(ConflictError, match="alert 2 of account B: lea gave it to somebody else"):
        doing(work, "ana", alerts.assign, {3: 1, 2: 1}, "carl")
    assert row(work, 3)["assignee"] is None


def test_an_alert_given_back_is_new_again(work):
    doing(work, "ana", alerts.claim, 1)
    doing(work, "lea", alerts.assign, {1: 2}, None)
    assert (row(work)["state"], row(work)["assignee"]) == ("new", None)


def test_an_alert_on_hold_says_until_when_and_is_taken_up_again(work):
    doing(work, "ana", alerts.wait, 1, "asked the branch", until=date(2026, 4, 9))
    assert (row(work)["state"], row(work)["waits_until"]) == ("waiting", date(2026, 4, 9))
    doing(work, "ana", alerts.resume, 1)
    assert (row(work)["state"], row(work)["waits_until"]) == ("in_review", None)
    with pytest.raises(CaseworkError, match="alert 1 is in review, not on hold"):
        doing(work, "ana", alerts.resume, 1)


def test_a_closed_alert_is_worked_on_only_after_it_was_reopened(work):
    doing(work, "ana", decisions.close, 1, DONE, QUIET)
    for function, arguments in (
        (alerts.claim, (1,)),
        (alerts.assign, ({1: None}, "ben")),
        (alerts.wait, (1, "x")),
    ):
        with pytest.raises(CaseworkError, match="alert 1 is closed; reopen it first"):
            doing(work, "ben", function, *arguments)
    doing(work, "ben", alerts.reopen, 1, "new statement came in")
    assert (row(work)["state"], row(work)["reopened_count"], row(work)["closed_at"]) == ("reopened", 1, None)
    doing(work, "ben", alerts.claim, 1)
    with pytest.raises(CaseworkError, match="only a closed one can be reopened"):
        doing(work, "ben", alerts.reopen, 1, "again")


def test_an_alert_that_waits_for_approval_is_left_alone(work):
    doing(work, "ana", decisions.close, 1, DONE, FOUR_EYES)
    for function, arguments in (
        (alerts.claim, (1,)),
        (alerts.assign, ({1: None}, "ben")),
        (alerts.move, (1, "protect", "x")),
        (decisions.close, (1, DONE, FOUR_EYES)),
        (decisions.decide, (1, DONE)),
    ):
        with pytest.raises(CaseworkError, match="alert 1 waits for approval"):
            doing(work, "ben", function, *arguments)


def test_a_missing_alert_is_told(work):
    with pytest.raises(CaseworkError, match="there is no alert 99"):
        doing(work, "ana", alerts.claim, 99)


def test_there_are_two_queues(work):
    with pytest.raises(CaseworkError, match="there is no queue 'bin'"):
        doing(work, "ana", alerts.move, 1, "bin", "x")
    with pytest.raises(CaseworkError, match="alert 1 is in queue subjects already"):
        doing(work, "ana", alerts.move, 1, "subjects", "x")


CHANGES = {
    "took it": (alerts.claim, (1,)),
    "gave it to somebody else": (alerts.assign, ({1: None}, "carl")),
    "put it on hold": (alerts.wait, (1, "asked the branch")),
    "moved it to another queue": (alerts.move, (1, "protect", "statement of the shelter")),
    "decided on it": (decisions.decide, (1, Decision("suspicious", "pass-through"))),
    "closed it": (decisions.close, (1, DONE, QUIET)),
    "asked for approval to close it": (decisions.close, (1, DONE, FOUR_EYES)),
}


@pytest.mark.parametrize("said", CHANGES)
def test_the_second_of_two_is_told_who_did_what_and_when_and_changes_nothing(work, said):
    function, arguments = CHANGES[said]
    doing(work, "ben", function, *arguments, at=minutes(7))
    before = row(work), work.verify().entries
    told = re.escape(
        f"alert 1 of account A: ben {said} at 2026-04-01 12:07 UTC, after you looked; nothing of yours"
    )
    for second, rest in (
        (alerts.claim, ()),
        (alerts.wait, ("x",)),
        (alerts.resume, ()),
        (alerts.reopen, ("x",)),
        (alerts.move, ("protect", "x")),
        (decisions.decide, (DONE,)),
        (decisions.close, (DONE, QUIET)),
    ):
        with pytest.raises(ConflictError, match=told):
            doing(work, "ana", second, 1, *rest, version=1, at=minutes(8))
    assert (row(work), work.verify().entries) == before


def test_every_action_on_an_alert_has_words_for_the_second_person(work):
    doing(work, "ana", alerts.claim, 1)
    doing(work, "ana", notes.add_note, 1, "called the branch")
    with work.reading() as connection:
        assert {entry.action for entry in alerts.history(connection, 1)} - set(alerts.DONE) == {"alert.noted"}


def test_a_run_that_adds_facts_is_told_like_a_person(work):
    follow(work, ranked("A", indicators=("HT-ADS-01",)), run_id="0002", at=minutes(5))
    with pytest.raises(ConflictError, match="run 0002 added further facts to it at 2026-04-01 12:05 UTC"):
        doing(work, "ana", decisions.close, 1, DONE, QUIET, version=1)


def test_the_same_version_can_be_seen_again_after_looking(work):
    doing(work, "ben", alerts.claim, 1)
    with pytest.raises(ConflictError):
        doing(work, "ana", alerts.claim, 1, version=1)
    doing(work, "ana", alerts.claim, 1, version=row(work)["version"])
    assert row(work)["assignee"] == "ana"


@pytest.mark.parametrize("assignee", ["", "a\nb"])
def test_nothing_is_given_to_a_name_that_is_none(work, assignee):
    with pytest.raises(UsageError, match="assignee: "):
        doing(work, "lea", alerts.assign, {1: None}, assignee)
