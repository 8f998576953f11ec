"""Alerts follow a run: what opens, joins, comes back, is held back, and who is drawn."""

from __future__ import annotations

import json
from datetime import date, timedelta

import pytest
from sqlalchemy import select

from finpat.casework import alerts, audit, decisions, questions, suppressions
from finpat.casework.following import follow_run, lot
from finpat.casework.run_list import CONTEXT, GROUPS
from finpat.casework.tables import alerts as table
from finpat.config import CaseworkSettings
from finpat.errors import CaseworkError
from finpat.indicators import INDICATORS
from tests.casework.conftest import NOON
from tests.casework.factory import QUIET, follow, minutes, ranked

DONE = decisions.Decision("not_suspicious", "salary of a seasonal worker")


def rows(database):
    with database.reading() as connection:
        return [dict(row) for row in connection.execute(select(table).order_by(table.c.number)).mappings()]


def close(database, number, decision=DONE, settings=QUIET):
    with database.writing("ana", minutes(1)) as change:
        return decisions.close(change, number, decision, settings)


def shown(database, **choice):
    with database.reading() as connection:
        return questions.queue(connection, questions.Choice(**choice)).rows


def test_accounts_of_the_alerting_bands_get_an_alert_each(database):
    done = follow(
        database,
        ranked("A", band="critical"),
        ranked("B"),
        ranked("C", band="medium"),
        ranked("D", band="low"),
    )
    assert (done.accounts, done.opened, done.drawn) == (4, 2, 0)
    assert [(row["account_id"], row["state"], row["origin"]) for row in rows(database)] == [
        ("A", "new", "band"),
        ("B", "new", "band"),
    ]


@pytest.mark.parametrize(("band", "opened"), [("critical", 1), ("high", 2), ("medium", 3), ("low", 4)])
def test_the_lowest_band_that_alerts_is_a_setting(database, band, opened):
    settings = CaseworkSettings(quota_share=0, band=band)
    accounts = [
        ranked(name, band=band)
        for name, band in zip("ABCD", ("critical", "high", "medium", "low"), strict=True)
    ]
    assert follow(database, *accounts, settings=settings).opened == opened


def test_the_first_of_the_list_get_one_whatever_their_band(database):
    settings = CaseworkSettings(quota_share=0, top_n=2)
    follow(database, *(ranked(name, band="low") for name in "ABC"), settings=settings)
    assert [(row["account_id"], row["origin"]) for row in rows(database)] == [("A", "top"), ("B", "top")]


def test_following_the_same_run_again_changes_nothing_at_all(database):
    follow(database, ranked("A"), ranked("B", possible_role="possible_victim"), ranked("C", band="low"))
    before = rows(database), database.verify().entries
    again = follow(
        database, ranked("A"), ranked("B", possible_role="possible_victim"), ranked("C", band="low")
    )
    assert (again.opened, again.joined, again.reopened) == (0, 0, 0)
    assert (rows(database), database.verify().entries) == before


def test_a_further_run_opens_no_alert_for_the_same_facts_open_or_closed(database):
    follow(database, ranked("A"), ranked("B"))
    close(database, 1)
    assert follow(database, ranked("A"), ranked("B"), run_id="0002").opened == 0
    assert [row["state"] for row in rows(database)] == ["closed", "new"]


def test_a_further_run_is_seen_by_the_alert_without_changing_its_version(database):
    follow(database, ranked("A"))
    follow(database, ranked("A", score=850, findings=4, band="critical"), run_id="0002")
    (row,) = rows(database)
    assert (row["score"], row["findings"], row["band"], row["seen_run"]) == (850, 4, "critical", "0002")
    assert (row["version"], row["basis_score"], row["basis_findings"]) == (1, 800, 2)


def test_facts_of_another_group_join_the_open_alert(database):
    follow(database, ranked("A"))
    done = follow(database, ranked("A", indicators=("ST-STRUCT-01", "HT-ADS-01")), run_id="0002")
    assert (done.opened, done.joined) == (0, 1)
    (row,) = shown(database)
    assert (row["groups"], row["version"]) == (["exploitation", "money movement"], 2)
    with database.reading() as connection:
        assert questions.alert(connection, 1)["indicators"] == ["HT-ADS-01", "ST-STRUCT-01"]


def test_facts_of_another_group_open_a_further_alert_once_the_first_is_closed(database):
    follow(database, ranked("A"))
    close(database, 1)
    follow(database, ranked("A", indicators=("ST-STRUCT-01", "HT-ADS-01")), run_id="0002")
    assert [(row["state"], row["groups"]) for row in shown(database)] == [
        ("closed", ["money movement"]),
        ("new", ["exploitation"]),
    ]


def test_an_account_that_only_the_detectors_name_has_a_group_of_its_own(database):
    follow(database, ranked("A", indicators=()), ranked("B", indicators=("CX-CORR-02",)))
    assert [row["groups"] for row in shown(database)] == [["unusual"], ["unusual"]]


def test_every_family_of_indicators_belongs_to_a_group():
    families = {indicator.id.split("-")[0] for indicator in INDICATORS}
    assert families - {CONTEXT} <= set(GROUPS)


@pytest.mark.parametrize(
    ("score", "findings", "state"),
    [(899, 4, "closed"), (900, 2, "reopened"), (800, 5, "reopened"), (700, 1, "closed")],
)
def test_a_closed_alert_comes_back_when_the_account_has_grown_past_the_bounds(
    database, score, findings, state
):
    follow(database, ranked("A"))
    close(database, 1)
    follow(database, ranked("A", score=score, findings=findings), run_id="0002")
    (row,) = rows(database)
    assert (row["state"], row["reopened_count"]) == (state, int(state == "reopened"))
    assert (row["closed_at"] is None) == (state == "reopened")


def test_growth_is_measured_from_what_was_known_when_it_was_closed(database):
    follow(database, ranked("A"))
    follow(database, ranked("A", score=880), run_id="0002")
    close(database, 1)
    follow(database, ranked("A", score=950), run_id="0003")
    assert rows(database)[0]["state"] == "closed"
    follow(database, ranked("A", score=980), run_id="0004")
    assert rows(database)[0]["state"] == "reopened"


def test_a_reopened_alert_tells_from_what_to_what_it_grew(database):
    follow(database, ranked("A"))
    close(database, 1)
    follow(database, ranked("A", score=930, findings=6), run_id="0002")
    with database.reading() as connection:
        last = alerts.history(connection, 1)[0]
    assert last.action == "alert.reopened"
    assert json.loads(last.details)["score"] == [800, 930]
    assert json.loads(last.details)["findings"] == [2, 6]


def test_a_possible_victim_has_a_queue_of_their_own_and_is_never_among_subjects(database):
    done = follow(database, ranked("A"), ranked("B", possible_role="possible_victim"))
    assert (done.opened, done.protect) == (2, 1)
    assert [row["account_id"] for row in shown(database)] == ["A"]
    assert [row["account_id"] for row in shown(database, queue="protect")] == ["B"]


@pytest.mark.parametrize("band", ["high", "low"])
def test_an_alert_moves_to_the_possible_victims_when_the_run_says_so_and_back_only_by_a_person(
    database, band
):
    follow(database, ranked("A"))
    follow(database, ranked("A", band=band, possible_role="possible_victim"), run_id="0002")
    assert shown(database) == []
    follow(database, ranked("A"), run_id="0003")
    (row,) = shown(database, queue="protect")
    with database.writing("ana", NOON) as change:
        alerts.move(change, row["number"], "subjects", "statement of the shelter", version=row["version"])
    assert [row["queue"] for row in shown(database)] == ["subjects"]


def test_a_suppressed_account_opens_nothing_until_the_day_it_expires(database):
    with database.writing("ana", NOON) as change:
        suppressions.make(
            change, "A", "known charity", date(2026, 5, 1), indicator_id=None, score=800, findings=2
        )
    assert follow(database, ranked("A"), at=NOON).suppressed == 1
    assert follow(database, ranked("A"), run_id="0002", at=NOON + timedelta(days=29)).opened == 0
    assert follow(database, ranked("A"), run_id="0003", at=NOON + timedelta(days=30)).opened == 1


@pytest.mark.parametrize(("score", "opened"), [(899, 0), (900, 1)])
def test_growth_ends_a_suppression(database, score, opened):
    with database.writing("ana", NOON) as change:
        suppressions.make(
            change, "A", "known charity", date(2026, 5, 1), indicator_id=None, score=800, findings=2
        )
    assert follow(database, ranked("A", score=score)).opened == opened
    with database.reading() as connection:
        (kept,) = questions.suppressions_of(connection, "A")
        ended = audit.entries(connection, action="suppression.ended")
    assert (kept["ended_at"] is not None) == bool(opened) == bool(ended)


def test_a_suppressed_indicator_holds_back_only_what_rests_on_it_alone(database):
    with database.writing("ana", NOON) as change:
        for account in "AB":
            suppressions.make(
                change,
                account,
                "daily takings",
                date(2026, 5, 1),
                indicator_id="ST-STRUCT-01",
                score=800,
                findings=2,
            )
    done = follow(database, ranked("A"), ranked("B", indicators=("HT-ADS-01", "ST-STRUCT-01")))
    assert (done.opened, done.suppressed) == (1, 1)
    assert [(row["account_id"], row["groups"]) for row in shown(database)] == [("B", ["exploitation"])]


def test_a_lifted_suppression_holds_nothing_back(database):
    with database.writing("ana", NOON) as change:
        number = suppressions.make(
            change, "A", "known charity", date(2026, 5, 1), indicator_id=None, score=800, findings=2
        )
    with database.writing("ben", NOON) as change:
        suppressions.lift(change, number, "charity closed")
    assert follow(database, ranked("A")).opened == 1

    def again():
        with database.writing("ben", NOON) as change:
            suppressions.lift(change, number, "again")

    with pytest.raises(CaseworkError, match=f"suppression {number} has ended already"):
        again()


QUOTA = CaseworkSettings(quota_share=0.3)


def drawn_of(database):
    return {row["account_id"]: row["drawn_share"] for row in rows(database) if row["origin"] == "drawn"}


def test_some_accounts_below_the_line_are_drawn_and_their_share_is_kept(database):
    accounts = [*(ranked(f"R{n}") for n in range(10)), *(ranked(f"U{n:03}", band="low") for n in range(200))]
    done = follow(database, *accounts, settings=QUOTA)
    assert (done.opened, done.drawn) == (10, 3)
    expected = sorted((f"U{n:03}" for n in range(200)), key=lambda name: lot("0001", name))[:3]
    assert drawn_of(database) == dict.fromkeys(sorted(expected), 3 / 200)


def test_the_draw_depends_on_the_run_and_on_nothing_else():
    names = [f"U{n:03}" for n in range(200)]
    first, second = (sorted(names, key=lambda name, run=run: lot(run, name))[:20] for run in ("0001", "0002"))
    assert first != second
    assert first == sorted(reversed(names), key=lambda name: lot("0001", name))[:20]


def test_a_drawn_alert_looks_like_any_other_in_queue_and_history(database):
    follow(
        database,
        *(ranked(name) for name in "AB"),
        *(ranked(f"U{n}", band="low") for n in range(5)),
        settings=QUOTA,
    )
    assert len(drawn_of(database)) == 1
    (account,) = drawn_of(database)
    with database.reading() as connection:
        page = questions.queue(connection)
        told = [entry.details for entry in questions.history(connection, account)]
        full = questions.queue(connection, with_origin=True)
    assert page.total == 3
    assert all("origin" not in row and "drawn_share" not in row for row in page.rows)
    assert not any("drawn" in details or "origin" in details for details in told)
    assert {row["origin"] for row in full.rows} == {"band", "drawn"}


def test_an_account_under_review_is_not_drawn_and_one_that_was_drawn_can_be_reached_later(database):
    follow(database, ranked("A"), ranked("U", band="low"), settings=QUOTA)
    assert drawn_of(database) == {"U": 1.0}
    done = follow(database, ranked("A"), ranked("B"), ranked("U"), run_id="0002", settings=QUOTA)
    assert (done.opened, done.joined, done.drawn) == (1, 1, 0)
    assert follow(database, ranked("C"), ranked("U", band="low"), run_id="0003", settings=QUOTA).drawn == 0


def test_a_reviewed_draw_takes_no_group_from_facts_that_come_later(database):
    follow(database, ranked("A"), ranked("U", band="low"), settings=QUOTA)
    close(database, 2)
    assert follow(database, ranked("U"), run_id="0002").opened == 1


def test_an_older_run_is_refused_once_a_newer_one_is_followed(database):
    follow(database, ranked("A"), run_id="0010")
    with pytest.raises(CaseworkError, match="run 0009 is older than run 0010"):
        follow(database, ranked("A"), run_id="0009")


def test_a_list_that_is_not_best_first_is_refused_whole(database):
    def wrong():
        with database.writing("run", NOON) as change:
            follow_run(change, "0001", [ranked("A", rank=2), ranked("B", rank=1)], QUIET)

    with pytest.raises(CaseworkError, match="rank 1 comes after rank 2"):
        wrong()
    assert rows(database) == []


def test_what_a_run_did_is_in_the_trail(database):
    follow(database, ranked("A"), ranked("B", possible_role="possible_victim"), ranked("C", band="low"))
    with database.reading() as connection:
        (followed,) = audit.entries(connection, action="run.followed")
        opened = audit.entries(connection, action="alert.opened")
    assert json.loads(followed.details) == {
        "accounts": 3, "opened": 2, "protect": 1, "joined": 0, "reopened": 0, "suppressed": 0, "drawn": 0
    }  # fmt: skip
    assert [json.loads(entry.details)["account_id"] for entry in opened] == ["B", "A"]
    assert database.verify().fault is None
