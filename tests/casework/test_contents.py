"""Verifying holds the tables against the trail: a row changed behind its back is named."""

from __future__ import annotations

import io
import os
from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import text

from finpat.casework import alerts, attachments, decisions, judgements, notes, questions, requests, retention
from finpat.casework.decisions import Decision
from tests.casework.conftest import NOON
from tests.casework.factory import FOUR_EYES, QUIET, follow, minutes, ranked
from tests.casework.test_alerts import DONE, doing, row


@pytest.fixture
def work(database, folder):
    """Something of each kind, touched by all that can be done to it."""
    follow(database, ranked("A"), ranked("B"), ranked("V", possible_role="possible_victim"))
    doing(database, "ana", alerts.claim, 1)
    file = attachments.store(folder, "statement.txt", io.BytesIO(b"words"), 1)
    doing(database, "ana", notes.add_note, 1, "called the branch", [file])
    doing(database, "ana", decisions.decide, 1, Decision("suspicious", "pass-through"))
    asked = doing(
        database,
        "ana",
        decisions.close,
        1,
        Decision("reported", "filed", "SAR-1", date(2026, 4, 2)),
        FOUR_EYES,
    )
    doing(database, "lea", decisions.approve, asked.request, FOUR_EYES)
    doing(database, "ben", decisions.close, 2, DONE, QUIET)
    doing(database, "ben", alerts.reopen, 2, "new statement")
    doing(database, "ben", decisions.suppress, "B", "charity", date(2026, 5, 1), QUIET, score=800, findings=2)
    judged = doing(database, "ben", judgements.judge, "person", "P1", "P2", "same", "passport")
    doing(database, "ben", judgements.undo, judged, "wrong")
    used = doing(database, "ben", requests.ask, "reveal", "account", "A", "for the report")
    doing(database, "lea", decisions.approve, used, FOUR_EYES)
    doing(database, "ben", requests.use, used, "reveal", "account", "A")
    refused = doing(database, "ben", requests.ask, "export", "list", "0001", "for the report")
    doing(database, "lea", decisions.refuse, refused, FOUR_EYES, "too early")
    doing(database, "ben", requests.ask, "export", "list", "0002", "for the report")
    return database


def test_what_was_done_by_this_room_is_as_the_trail_tells(work):
    assert work.verify().fault is None


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("UPDATE alerts SET state = 'closed' WHERE number = 3", "alert 3 is not as the trail tells: state"),
        ("UPDATE alerts SET queue = 'subjects' WHERE number = 3", "alert 3 is not as the trail tells: queue"),
        ("UPDATE alerts SET assignee = 'x', version = 9 WHERE number = 2", "alert 2 .* assignee, version"),
        ("UPDATE notes SET text = 'something else'", "note 6 is not as the trail tells: text"),
        ("UPDATE notes SET written_by = 'ben'", "note 6 is not as the trail tells: written_by"),
        ("DELETE FROM attachments", "attached file 7 was removed"),
        ("UPDATE attachments SET name = 'other.txt'", "attached file 7 is not as the trail tells: name"),
        ("UPDATE dispositions SET kind = 'confirmed' WHERE kind = 'reported'", "decision 12 .*: kind"),
        (
            "UPDATE dispositions SET reference_on = '2026-04-09' WHERE kind = 'reported'",
            "decision 12 .*: reference_on",
        ),
        ("UPDATE dispositions SET approved_by = NULL WHERE kind = 'reported'", "decision 12 .*: approved_by"),
        ("DELETE FROM dispositions WHERE kind = 'suspicious'", "decision 8 was removed"),
        ("UPDATE suppressions SET expires_on = '2030-01-01'", r"suppression \d+ .*: expires_on"),
        ("UPDATE judgements SET undone_by = NULL", r"judgement \d+ .*: undone_by"),
        ("UPDATE requests SET state = 'approved' WHERE object_id = '0002'", r"request \d+ .*: state"),
        ("UPDATE requests SET settled_by = 'ana' WHERE action = 'close'", r"request 9 .*: settled_by"),
        (
            "INSERT INTO notes VALUES (99, 1, 'x', 'ana', '2026-04-01 12:00:00.000000')",
            "note 99 is told of by no entry of the trail",
        ),
    ],
)  # fmt: skip
def test_a_row_changed_behind_the_trail_is_named(work, statement, told):
    with work.engine.begin() as connection:
        connection.execute(text(statement))
    with pytest.raises(AssertionError, match=told):
        assert work.verify().fault is None, work.verify().fault


LATER = datetime(2027, 5, 2)


def close_with_texts(database, folder):
    file = attachments.store(folder, "passport.txt", io.BytesIO(b"a name"), 1)
    doing(database, "ana", notes.add_note, 1, "called the branch", [file])
    asked = doing(database, "ana", decisions.close, 1, DONE, FOUR_EYES)
    doing(database, "lea", decisions.approve, asked.request, FOUR_EYES)


def test_texts_of_what_came_to_nothing_are_dropped_when_their_time_is_over_and_the_trail_stays_whole(
    database, folder
):
    follow(database, ranked("A"))
    close_with_texts(database, folder)
    done = doing(database, "lea", retention.purge, QUIET, at=LATER)
    assert (done.alerts, done.notes, done.files) == (1, 1, 1)
    alert = row(database)
    assert (
        [note["text"] for note in alert["notes"]]
        == [decision["reason"] for decision in alert["decisions"]]
        == [""]
    )
    assert (alert["files"], alert["disposition"], alert["purged_at"]) == ([], "not_suspicious", LATER)
    assert (alert["requests"][0]["reason"], alert["requests"][0]["details"]) == ("", "")
    assert database.verify().fault is None
    assert doing(database, "lea", retention.purge, QUIET, at=LATER).alerts == 0


@pytest.mark.parametrize(
    ("at", "count"), [(datetime(2027, 4, 30, 23), 0), (datetime(2027, 5, 1), 1)], ids=["too early", "due"]
)
def test_texts_are_kept_for_the_months_of_the_settings(database, folder, at, count):
    follow(database, ranked("A"))
    close_with_texts(database, folder)
    assert doing(database, "lea", retention.purge, QUIET, at=at).alerts == count


@pytest.mark.parametrize("kind", ["suspicious", "confirmed"])
def test_texts_of_what_was_found_suspicious_are_kept(database, kind):
    follow(database, ranked("A"))
    doing(database, "ana", decisions.decide, 1, Decision(kind, "pass-through"))
    doing(database, "ana", decisions.close, 1, DONE, QUIET)
    assert doing(database, "lea", retention.purge, QUIET, at=LATER).alerts == 0


def test_texts_of_an_open_alert_are_kept(database):
    follow(database, ranked("A"))
    doing(database, "ana", notes.add_note, 1, "called the branch")
    assert doing(database, "lea", retention.purge, QUIET, at=LATER).alerts == 0


def test_files_that_no_note_has_are_removed_once_no_note_can_be_under_way(database, folder):
    follow(database, ranked("A"))
    kept = attachments.store(folder, "a.txt", io.BytesIO(b"kept"), 1)
    lost = attachments.store(folder, "b.txt", io.BytesIO(b"lost"), 1)
    doing(database, "ana", notes.add_note, 1, "x", [kept])
    stamp = datetime(2026, 4, 1).timestamp()
    for stored in (kept, lost):
        os.utime(attachments.read(folder, stored.sha256), (stamp, stamp))
    with database.reading() as connection:
        assert retention.sweep(connection, folder, datetime(2026, 4, 1) + timedelta(hours=6)) == 0
        assert retention.sweep(connection, folder, NOON + timedelta(days=3)) == 1
    assert attachments.read(folder, kept.sha256).exists()
    assert not (folder / "attachments" / lost.sha256[:2] / lost.sha256).exists()


def test_queries_can_read_every_exported_table_with_its_columns_and_without_texts(work):
    with work.reading() as connection:
        for table in questions.EXPORTED:
            kinds = questions.exported_columns(table.name)
            rows = list(questions.rows_of(connection, table.name))
            assert rows or table.name == "followed_runs"
            assert all(set(found) == set(kinds) for found in rows)
            assert not set(kinds) & {"text", "reason", "details"}
    assert minutes(0) == NOON
