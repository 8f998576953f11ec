"""Decisions are kept apart by what they prove; what takes four eyes takes two people."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from finpat.casework import decisions, questions, requests
from finpat.casework.decisions import Decision
from finpat.errors import CaseworkError, ConflictError, UsageError
from tests.casework.conftest import NOON
from tests.casework.factory import FOUR_EYES, QUIET, follow, minutes, ranked
from tests.casework.test_alerts import DONE, doing, row

SUSPICIOUS = Decision("suspicious", "money passes through within an hour")
REPORTED = Decision("reported", "filed", "SAR-2026-17", date(2026, 4, 3))
FEEDBACK = Decision("feedback", "taken up by the authority", "FIU 8/26", date(2026, 5, 20))
CONFIRMED = Decision("confirmed", "judgment of the regional court", "3 KLs 12/26", date(2026, 9, 1))


@pytest.fixture
def work(database):
    """Alert 1 of a subject, alert 2 of a possible victim."""
    follow(database, ranked("A"), ranked("V", possible_role="possible_victim"))
    return database


def decided(database, number=1):
    return [
        (found["kind"], found["reference"], found["reference_on"])
        for found in row(database, number)["decisions"]
    ]


def test_an_alert_collects_its_decisions_in_the_course_of_time_also_after_closing(work):
    doing(work, "ana", decisions.decide, 1, SUSPICIOUS)
    doing(work, "ana", decisions.close, 1, REPORTED, QUIET)
    doing(work, "lea", decisions.decide, 1, FEEDBACK)
    assert row(work)["disposition"] == "reported"
    doing(work, "lea", decisions.decide, 1, CONFIRMED)
    assert decided(work) == [
        ("suspicious", None, None),
        ("reported", "SAR-2026-17", date(2026, 4, 3)),
        ("feedback", "FIU 8/26", date(2026, 5, 20)),
        ("confirmed", "3 KLs 12/26", date(2026, 9, 1)),
    ]
    assert (row(work)["state"], row(work)["disposition"]) == ("closed", "confirmed")
    first = row(work)["decisions"][0]
    assert (first["decided_by"], first["decided_at"], first["reason"]) == ("ana", NOON, SUSPICIOUS.reason)


@pytest.mark.parametrize(
    ("decision", "told"),
    [
        (REPORTED, "'reported' comes after 'suspicious'"),
        (FEEDBACK, "'feedback' comes after 'reported'"),
        (Decision("referred", "to the counselling centre"), "is not about a possible victim"),
    ],
)
def test_what_has_not_happened_is_not_built_upon(work, decision, told):
    with pytest.raises(CaseworkError, match=told):
        doing(work, "ana", decisions.decide, 1, decision)
    assert decided(work) == []


@pytest.mark.parametrize(
    ("decision", "told"),
    [
        (Decision("reported", "filed"), "give the report's number and its date"),
        (Decision("reported", "filed", "SAR-1"), "give the report's number and its date"),
        (Decision("suspicous", "x"), "Did you mean 'suspicious'"),
        (Decision("suspicious", " "), "reason: is empty"),
        (Decision("confirmed", "x", None, date(2026, 1, 1)), "a date of a reference needs the reference"),
    ],
)
def test_a_decision_that_is_not_whole_is_refused(work, decision, told):
    with pytest.raises(UsageError, match=told):
        doing(work, "ana", decisions.decide, 1, decision)


def test_nothing_is_closed_as_feedback(work):
    doing(work, "ana", decisions.decide, 1, SUSPICIOUS)
    doing(work, "ana", decisions.decide, 1, REPORTED)
    with pytest.raises(CaseworkError, match="nothing is closed as 'feedback'"):
        doing(work, "ana", decisions.close, 1, FEEDBACK, QUIET)


@pytest.mark.parametrize("decision", [SUSPICIOUS, REPORTED, CONFIRMED], ids=lambda decision: decision.kind)
def test_a_possible_victim_is_protected_and_referred_and_never_the_subject_of_a_report(work, decision):
    for function, rest in (
        (decisions.decide, ()),
        (decisions.close, (QUIET,)),
        (decisions.close, (FOUR_EYES,)),
    ):
        with pytest.raises(CaseworkError, match="protect and refer, never the subject of a report"):
            doing(work, "ana", function, 2, decision, *rest)
    doing(work, "ana", decisions.close, 2, Decision("referred", "to the counselling centre"), QUIET)
    assert decided(work, 2) == [("referred", None, None)]


def test_closing_takes_a_second_person_where_the_settings_ask(work):
    doing(work, "ana", decisions.decide, 1, SUSPICIOUS)
    asked = doing(work, "ana", decisions.close, 1, REPORTED, FOUR_EYES, at=minutes(1))
    assert (asked.decision, row(work)["state"], row(work)["disposition"]) == (
        None,
        "pending_approval",
        "suspicious",
    )
    doing(work, "lea", decisions.approve, asked.request, FOUR_EYES, at=minutes(2))
    assert (row(work)["state"], row(work)["disposition"]) == ("closed", "reported")
    last = row(work)["decisions"][-1]
    assert (last["decided_by"], last["approved_by"], last["reference"]) == ("ana", "lea", "SAR-2026-17")
    assert last["reference_on"] == date(2026, 4, 3)


@pytest.mark.parametrize("name", ["ana", "Ana", "ANA"])
def test_nobody_settles_a_request_of_their_own(work, name):
    asked = doing(work, "ana", decisions.close, 1, DONE, FOUR_EYES)
    for settle, rest in ((decisions.approve, ()), (decisions.refuse, ("no",))):
        with pytest.raises(CaseworkError, match="is ana's own; somebody else has to settle it"):
            doing(work, name, settle, asked.request, FOUR_EYES, *rest)
    assert row(work)["state"] == "pending_approval"


def test_a_refused_closing_gives_the_alert_back_as_it_was(work):
    asked = doing(work, "ana", decisions.close, 1, DONE, FOUR_EYES)
    with pytest.raises(UsageError, match="reason: is empty"):
        doing(work, "lea", decisions.refuse, asked.request, FOUR_EYES, "")
    doing(work, "lea", decisions.refuse, asked.request, FOUR_EYES, "the cash is not explained")
    assert (row(work)["state"], row(work)["disposition"]) == ("new", None)
    assert row(work)["requests"][0]["settled_reason"] == "the cash is not explained"
    with pytest.raises(CaseworkError, match="is refused by lea already"):
        doing(work, "leo", decisions.approve, asked.request, FOUR_EYES)


def test_whoever_asked_may_take_it_back_and_nobody_else(work):
    asked = doing(work, "ana", decisions.close, 1, DONE, FOUR_EYES)
    with pytest.raises(CaseworkError, match="is ana's; only they can take it back"):
        doing(work, "ben", decisions.withdraw, asked.request)
    doing(work, "ana", decisions.withdraw, asked.request)
    assert row(work)["state"] == "new"


def test_a_report_on_somebody_who_became_a_possible_victim_meanwhile_is_not_approved(work):
    doing(work, "ana", decisions.decide, 1, SUSPICIOUS)
    asked = doing(work, "ana", decisions.close, 1, REPORTED, FOUR_EYES)
    follow(work, ranked("A", possible_role="possible_victim"), run_id="0002")
    with pytest.raises(CaseworkError, match="protect and refer"):
        doing(work, "lea", decisions.approve, asked.request, FOUR_EYES)
    doing(work, "lea", decisions.refuse, asked.request, FOUR_EYES, "refer instead")
    assert (row(work)["state"], row(work)["queue"]) == ("new", "protect")


def test_two_approvers_at_once_close_once(work):
    asked = doing(work, "ana", decisions.close, 1, DONE, FOUR_EYES)
    doing(work, "lea", decisions.approve, asked.request, FOUR_EYES)
    with pytest.raises(CaseworkError, match=r"request \d+ is approved by lea already"):
        doing(work, "leo", decisions.approve, asked.request, FOUR_EYES)
    assert len(row(work)["decisions"]) == 1


def test_requests_that_wait_are_listed_oldest_first(work):
    first = doing(work, "ana", decisions.close, 1, DONE, FOUR_EYES).request
    second = doing(work, "ana", requests.ask, "reveal", "account", "A", "name for the report")
    with work.reading() as connection:
        assert [found["number"] for found in requests.unsettled(connection)] == [first, second]
        assert [found["number"] for found in requests.unsettled(connection, ("reveal",))] == [second]


def test_an_approved_permission_is_used_once_by_whoever_asked_in_time(work):
    asked = doing(work, "ana", requests.ask, "reveal", "account", "A", "name for the report")
    use = (requests.use, asked, "reveal", "account", "A")
    with pytest.raises(CaseworkError, match="is open, not approved"):
        doing(work, "ana", *use)
    doing(work, "lea", decisions.approve, asked, FOUR_EYES)
    with pytest.raises(CaseworkError, match="is ana's; ask for one of your own"):
        doing(work, "ben", *use)
    with pytest.raises(CaseworkError, match="is to reveal account A, not to reveal account B"):
        doing(work, "ana", requests.use, asked, "reveal", "account", "B")
    with pytest.raises(CaseworkError, match="could be used until"):
        doing(work, "ana", *use, at=NOON + timedelta(hours=24))
    doing(work, "ana", *use, at=NOON + timedelta(hours=23))
    with pytest.raises(CaseworkError, match="is used, not approved"):
        doing(work, "ana", *use)


def test_an_export_asks_once_waits_and_uses_the_approval_up(work):
    export = (requests.use_or_ask, "export", "run", "0001", "the queue's list")
    asked = doing(work, "ana", *export, FOUR_EYES)
    assert asked is not None
    assert doing(work, "ana", *export, FOUR_EYES) == asked, "pressed again, it waits for the same request"
    doing(work, "lea", decisions.approve, asked, FOUR_EYES)
    assert doing(work, "ben", *export, FOUR_EYES) != asked, "an approval is for who asked"
    assert doing(work, "ana", *export, FOUR_EYES) is None
    assert doing(work, "ana", *export, FOUR_EYES) not in (None, asked), "used up: the next one asks anew"


def test_where_no_second_person_is_wanted_nothing_is_asked(work):
    assert doing(work, "ana", requests.use_or_ask, "export", "run", "0001", "the list", QUIET) is None


def test_a_suppression_takes_a_second_person_where_the_settings_ask(work):
    day = date(2026, 6, 1)
    made, asked = doing(
        work, "ana", decisions.suppress, "A", "known charity", day, FOUR_EYES, score=800, findings=2
    )
    assert made is None
    doing(work, "lea", decisions.approve, asked, FOUR_EYES)
    with work.reading() as connection:
        (kept,) = questions.suppressions_of(connection, "A")
    assert (kept["owner"], kept["approved_by"], kept["expires_on"]) == ("ana", "lea", day)


@pytest.mark.parametrize("day", [date(2026, 4, 1), date(2020, 1, 1), NOON.date() + timedelta(days=181)])
def test_a_suppression_expires_after_today_and_within_the_time_of_the_settings(work, day):
    with pytest.raises(UsageError, match="expected a day after 2026-04-01 and up to 2026-09-28"):
        doing(work, "ana", decisions.suppress, "A", "x", day, QUIET, score=800, findings=2)


def test_an_approval_of_what_the_trail_no_longer_fits_is_told_as_one_line(work):
    with pytest.raises(CaseworkError, match="there is no request 77"):
        doing(work, "lea", decisions.approve, 77, FOUR_EYES)
    with pytest.raises(CaseworkError, match="there is no request to 'open'"):
        doing(work, "ana", requests.ask, "open", "account", "A", "x")


def test_a_decision_on_a_version_that_is_no_longer_is_a_conflict(work):
    doing(work, "ben", decisions.decide, 1, SUSPICIOUS)
    with pytest.raises(ConflictError):
        doing(work, "ana", decisions.close, 1, DONE, QUIET, version=1)
