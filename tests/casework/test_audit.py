"""The audit trail: append-only, chained, anchored; verifying names the first entry that is not as it was."""

from __future__ import annotations

import json
import shutil
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from finpat.casework import anchor, audit
from finpat.casework.database import Database
from finpat.errors import CaseworkError
from tests.casework.conftest import NOON

LENGTH = 9
UNGUARDED = {
    "sqlite": ("DROP TRIGGER audit_unchanged", "DROP TRIGGER audit_kept"),
    "postgresql": ("ALTER TABLE audit DISABLE TRIGGER USER",),
}


@pytest.fixture
def trail(database):
    """A trail of LENGTH entries by two users."""
    for number in range(1, LENGTH + 1):
        with database.writing("ana" if number % 2 else "ben", NOON + timedelta(minutes=number)) as change:
            change.record(
                "alert.noted" if number % 3 else "case.made", "test", number, {"text": f"n{number} ü"}
            )
    return database


def tamper(database, *statements):
    """What somebody with the rights of a database's owner can do."""
    with database.engine.begin() as connection:
        for statement in (*UNGUARDED[database.engine.dialect.name], *statements):
            connection.execute(text(statement))


def test_a_trail_that_nobody_touched_is_whole(trail):
    verdict = trail.verify()
    assert (verdict.entries, verdict.fault, verdict.unanchored) == (LENGTH, None, 0)
    assert verdict.newest.sequence == LENGTH
    assert anchor.read(trail.anchor) == verdict.newest


@pytest.mark.parametrize(
    "statement", ["UPDATE audit SET actor = 'x' WHERE sequence = 2", "DELETE FROM audit"]
)
def test_the_database_itself_refuses_to_change_or_remove_entries(trail, statement):
    with pytest.raises(DBAPIError, match="append-only"), trail.engine.begin() as connection:
        connection.execute(text(statement))
    assert trail.verify().fault is None


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("actor", "'carl'"),
        ("action", "'alert.closed'"),
        ("object_kind", "'case'"),
        ("object_id", "'77'"),
        ("details", "'{}'"),
        ("at", "'2026-04-01 12:00:00.000001'"),
        ("hash", f"'{'0' * 64}'"),
        ("previous_hash", f"'{'0' * 64}'"),
    ],
)
def test_a_changed_entry_is_named(trail, column, value):
    tamper(trail, f"UPDATE audit SET {column} = {value} WHERE sequence = 4")
    assert trail.verify().fault.startswith("entry 4 was changed")


def test_a_removed_entry_is_named(trail):
    tamper(trail, "DELETE FROM audit WHERE sequence = 5")
    assert trail.verify().fault == "entry 5 was removed: entry 6 comes next"


def test_the_first_entry_removed_is_named(trail):
    tamper(trail, "DELETE FROM audit WHERE sequence = 1")
    assert trail.verify().fault == "entry 1 was removed: entry 2 comes next"


def test_a_removed_entry_whose_place_was_closed_up_is_named(trail):
    tamper(
        trail,
        "DELETE FROM audit WHERE sequence = 5",
        *(
            f"UPDATE audit SET sequence = {number - 1} WHERE sequence = {number}"
            for number in range(6, LENGTH + 1)
        ),
    )
    assert trail.verify().fault.startswith("entry 5 was changed or put in another place")


def test_entries_that_changed_places_are_named(trail):
    tamper(
        trail,
        "UPDATE audit SET sequence = 99 WHERE sequence = 3",
        "UPDATE audit SET sequence = 3 WHERE sequence = 6",
        "UPDATE audit SET sequence = 6 WHERE sequence = 99",
    )
    assert trail.verify().fault.startswith("entry 3 was changed or put in another place")


def test_an_entry_changed_together_with_its_hash_is_named_by_the_one_after_it(trail):
    with trail.reading() as connection:
        old = next(entry for entry in audit.entries(connection) if entry.sequence == 4)
        before = next(entry for entry in audit.entries(connection) if entry.sequence == 3)
    forged = audit.chained(
        audit.Anchor(before.sequence, before.hash), at=old.at, actor="carl", action=old.action,
        object_kind=old.object_kind, object_id=old.object_id, details=old.details,
    )  # fmt: skip
    tamper(trail, f"UPDATE audit SET actor = 'carl', hash = '{forged.hash}' WHERE sequence = 4")
    assert trail.verify().fault.startswith("entry 4 was changed: entry 5 was written after another one")


@pytest.mark.parametrize("number", [0, -3])
def test_an_entry_put_in_before_the_first_is_named(trail, number):
    zero = "0" * 64
    tamper(
        trail,
        f"INSERT INTO audit VALUES ({number}, '2026-04-01 12:00:00.000000', 'x', 'a.b', 'c', 'd', '{{}}', "
        f"'{zero}', '{zero}')",
    )
    assert trail.verify().fault == f"entry {number} was put in: the trail begins at 1"


def test_an_entry_put_in_at_the_end_is_named(trail):
    zero = "0" * 64
    tamper(
        trail,
        f"INSERT INTO audit VALUES ({LENGTH + 1}, '2026-04-01 12:00:00.000000', 'x', 'a.b', 'c', 'd', "
        f"'{{}}', '{zero}', '{zero}')",
    )
    assert trail.verify().fault.startswith(f"entry {LENGTH + 1} was changed")


@pytest.mark.parametrize(
    ("kept", "told"),
    [(LENGTH - 1, f"entry {LENGTH} was removed"), (6, "entries 7 to 9 were removed"), (0, "entries 1 to")],
)
def test_entries_removed_at_the_end_are_named_by_the_anchor(trail, kept, told):
    tamper(trail, f"DELETE FROM audit WHERE sequence > {kept}")
    assert trail.verify().fault.startswith(told)
    assert (
        trail.verify().fault.endswith(f"anchor.json has entry {LENGTH} for the newest")
        or "postgresql" in trail.place
    )


def test_a_cut_end_stays_told_when_work_goes_on_over_it(trail):
    tamper(trail, "DELETE FROM audit WHERE sequence > 6")
    for number in range(6):
        with trail.writing("ana", NOON) as change:
            change.record("test.done", "test", number)
    assert trail.verify().fault.startswith(f"entry {LENGTH} is not the one that was written: anchor")


def test_a_trail_written_anew_from_some_entry_on_is_named_by_an_anchor_noted_elsewhere(trail):
    noted = anchor.parse(str(trail.verify().newest))
    tamper(trail, "DELETE FROM audit WHERE sequence > 6")
    trail.anchor.unlink()
    for number in range(6):
        with trail.writing("ana", NOON) as change:
            change.record("test.done", "test", number)
    assert trail.verify(noted=noted).fault == (
        f"entry {LENGTH} is not the one that was written: the noted anchor has another hash for it"
    )


def test_without_an_anchor_the_end_is_not_vouched_for_until_somebody_accepts_it(trail):
    trail.anchor.unlink()
    assert "finpat audit anchor" in trail.verify().fault
    with trail.writing("ana", NOON) as change:
        change.record("test.done", "test", 1)
    assert "finpat audit anchor" in trail.verify().fault
    accepted = trail.accept("lea", NOON, "moved to another machine")
    assert trail.verify().fault is None
    with trail.reading() as connection:
        (entry,) = audit.entries(connection, action="audit.anchored")
    assert (entry.sequence, entry.actor) == (accepted.sequence, "lea")
    assert json.loads(entry.details)["reason"] == "moved to another machine"


def test_a_kill_between_commit_and_anchor_leaves_a_whole_trail_that_is_one_ahead(trail):
    old = trail.anchor.read_text()
    with trail.writing("ana", NOON) as change:
        change.record("test.done", "test", 1)
    trail.anchor.write_text(old)
    assert (trail.verify().fault, trail.verify().unanchored) == (None, 1)
    with trail.writing("ana", NOON) as change:
        change.record("test.done", "test", 2)
    assert (trail.verify().fault, trail.verify().unanchored) == (None, 0)


def test_a_copied_workspace_verifies(tmp_path):
    with Database.open(tmp_path / "a") as database, database.writing("ana", NOON) as change:
        change.record("test.done", "test", 1)
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    with Database.open(tmp_path / "b") as copy:
        assert (copy.verify().entries, copy.verify().fault) == (1, None)


def test_an_anchor_that_cannot_be_read_is_told(trail):
    trail.anchor.write_text("[]")
    with pytest.raises(CaseworkError, match="is no anchor of an audit trail"):
        trail.verify()
    with trail.writing("ana", NOON) as change:
        change.record("test.done", "test", 1)
    assert trail.anchor.read_text() == "[]"
    trail.accept("lea", NOON, "damaged by a full disk")
    assert trail.verify().fault is None


def test_a_change_whose_anchor_cannot_be_written_is_kept_and_told_as_unanchored(trail):
    trail.anchor.with_suffix(".part").mkdir()
    with trail.writing("ana", NOON) as change:
        change.record("test.done", "test", 1)
    assert (trail.verify().fault, trail.verify().unanchored) == (None, 1)


@pytest.mark.parametrize("noted", ["", "9", "9:abc", "x:" + "0" * 64, "9:" + "G" * 64])
def test_a_noted_anchor_that_is_none_is_told(noted):
    with pytest.raises(CaseworkError, match="expected NUMBER:HASH"):
        anchor.parse(noted)


def test_entries_are_chosen_by_thing_person_action_and_time(trail):
    def chosen(**choice):
        with trail.reading() as connection:
            return [entry.sequence for entry in audit.entries(connection, **choice)]

    assert chosen() == list(range(LENGTH, 0, -1))
    assert chosen(actor="ben") == [8, 6, 4, 2]
    assert chosen(action="case.made") == [9, 6, 3]
    assert chosen(action="alert", limit=2) == [8, 7]
    assert chosen(action="al%") == []
    assert chosen(object_kind="test", object_id="7") == [7]
    assert chosen(since=NOON + timedelta(minutes=3), until=NOON + timedelta(minutes=5)) == [4, 3]
    assert chosen(before=3) == [2, 1]


TEXTS = st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=20)
DETAILS = st.dictionaries(
    TEXTS,
    st.one_of(
        st.none(), st.integers(), st.booleans(), TEXTS, st.floats(allow_nan=False, allow_infinity=False)
    ),
)


RECORDED = st.lists(st.tuples(DETAILS, TEXTS, st.datetimes()), min_size=1, max_size=8)


@given(recorded=RECORDED)
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_recorded_reads_back_as_it_was_hashed(database, recorded):
    for details, thing, at in recorded:
        with database.writing("ana", at) as change:
            change.record("test.done", "test", thing, details)
    with database.reading() as connection:
        found = audit.entries(connection, limit=len(recorded))[::-1]
    told = [(json.loads(entry.details), entry.object_id, entry.at) for entry in found]
    assert told == [(json.loads(json.dumps(details)), thing, at) for details, thing, at in recorded]
    assert database.verify().fault is None


def test_an_amount_that_json_has_no_exact_form_for_is_refused():
    assert audit.canonical({"b": 1, "a": NOON}) == '{"a":"2026-04-01T12:00:00","b":1}'
    with pytest.raises(TypeError, match="no canonical form"):
        audit.canonical({"a": object()})
    with pytest.raises(ValueError, match="not JSON compliant"):
        audit.canonical({"a": float("nan")})
