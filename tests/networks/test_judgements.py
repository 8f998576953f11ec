"""From casework's log of judgements to what a run is told."""

from __future__ import annotations

from datetime import datetime

from finpat.casework.database import Database
from finpat.casework.judgements import judge, undo
from finpat.commands.casework import judgements_in_force
from finpat.networks.judgements import JUDGEMENT
from finpat.store.workspace import Workspace

NOW = datetime(2026, 4, 1, 9)


def test_a_run_is_told_the_judgement_in_force_and_an_undone_one_is_not(tmp_path):
    folder = Workspace.create(tmp_path / "ws")
    assert judgements_in_force(folder, None).is_empty()
    assert list(folder.casework.iterdir()) == [], "asking makes no casework"
    with Database.open(folder.casework) as database:
        with database.writing("ana", NOW) as change:
            judge(change, "account", "B", "A", "not_same", "two people, seen both")
        with database.writing("ana", NOW) as change:
            number = judge(change, "account", "A", "B", "same", "one passport")
        told = judgements_in_force(folder, None)
        assert told.schema == JUDGEMENT
        assert told.rows() == [("account", "A", "B", "same", NOW)]
        with database.writing("eve", NOW) as change:
            undo(change, number, "another passport")
        assert judgements_in_force(folder, None)["verdict"].to_list() == ["not_same"]
