"""Judgements on pairs of ids: a log of which the newest that stands counts."""

from __future__ import annotations

import pytest

from finpat.casework import judgements
from finpat.casework.judgements import current_judgements, judge, judgements_of, undo
from finpat.errors import CaseworkError, UsageError
from tests.casework.factory import minutes
from tests.casework.test_alerts import doing


def current(database, kind=None):
    with database.reading() as connection:
        return [
            (row["left_id"], row["right_id"], row["verdict"], row["judged_by"])
            for row in current_judgements(connection, kind)
        ]


def test_the_order_of_two_ids_says_nothing(database):
    doing(database, "ana", judge, "person", "P2", "P1", "same", "same passport")
    assert current(database) == [("P1", "P2", "same", "ana")]


def test_a_later_judgement_takes_the_place_of_an_earlier_one_and_gives_it_back_when_undone(database):
    doing(database, "ana", judge, "person", "P1", "P2", "same", "same passport")
    later = doing(database, "ben", judge, "person", "P2", "P1", "not_same", "father and son")
    assert current(database) == [("P1", "P2", "not_same", "ben")]
    doing(database, "lea", undo, later, "wrong pair")
    assert current(database) == [("P1", "P2", "same", "ana")]
    with database.reading() as connection:
        log = judgements_of(connection, "person", "P1")
    assert [(row["verdict"], row["undone_by"]) for row in log] == [("not_same", "lea"), ("same", None)]


def test_pairs_of_different_kinds_are_apart(database):
    doing(database, "ana", judge, "account", "1", "2", "undecided", "asked the branch", at=minutes(1))
    doing(database, "ana", judge, "person", "1", "2", "same", "same passport", at=minutes(2))
    assert current(database, "account") == [("1", "2", "undecided", "ana")]
    assert len(current(database)) == 2


def test_what_cannot_be_judged_is_refused(database):
    for arguments, told in (
        (("person", "P1", "P1", "same", "x"), "is the same as itself"),
        (("person", "P1", "P2", "sam", "x"), "Did you mean 'same'"),
        (("person", "P1", "", "same", "x"), "second id: is empty"),
        (("person", "P1", "P2", "same", ""), "reason: is empty"),
    ):
        with pytest.raises(UsageError, match=told):
            doing(database, "ana", judge, *arguments)
    assert judgements.VERDICTS == ("same", "not_same", "undecided")


def test_a_judgement_is_undone_once(database):
    number = doing(database, "ana", judge, "person", "P1", "P2", "same", "x")
    doing(database, "ben", undo, number, "y")
    with pytest.raises(CaseworkError, match="was undone by ben already"):
        doing(database, "ana", undo, number, "z")
    with pytest.raises(CaseworkError, match="there is no judgement 99"):
        doing(database, "ana", undo, 99, "z")
