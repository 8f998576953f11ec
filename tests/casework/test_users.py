"""Users, signing in and sessions, on SQLite and PostgreSQL."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from argon2 import PasswordHasher
from sqlalchemy import select

from finpat.casework import audit, passwords, requests, reveals, sessions, tables, users
from finpat.casework.refusals import SignInError
from finpat.config import CaseworkSettings, DashboardSettings, Settings
from finpat.errors import CaseworkError, UsageError
from tests.casework.conftest import NOON

SETTINGS = DashboardSettings()
GOOD = "correct horse battery staple"
HERE = "192.0.2.7"


@pytest.fixture(autouse=True)
def cheap(monkeypatch):
    monkeypatch.setattr(passwords, "_HASHER", PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))


def after(**time):
    return NOON + timedelta(**time)


def write(database, function, *arguments, at=NOON, actor="root", **named):
    with database.writing(actor, at) as change:
        return function(change, *arguments, **named)


def actions(database):
    with database.reading() as connection:
        return [entry.action for entry in reversed(audit.entries(connection))]


def sign_in(database, name="ana", password=GOOD, token="t1", address=HERE, at=NOON, settings=SETTINGS):
    sessions.sign_in(database, name, password, token, address, at, settings)


def current(database, token="t1", at=NOON, **named):
    return sessions.current(database, token, at, SETTINGS, **named)


@pytest.fixture
def ana(database):
    """An analyst with a password of her own, and an administrator beside her."""
    write(database, users.add, "root2", "administrator")
    password = write(database, users.add, "ana", "analyst")
    sign_in(database, password=password, token="first")
    sessions.change_password(database, "ana", password, GOOD, "second", HERE, NOON, SETTINGS)
    sessions.sign_out(database, "second", NOON)
    return "ana"


def test_the_first_start_makes_one_administrator_with_a_one_time_password(database):
    name, password = users.first_administrator(database, NOON)
    assert users.first_administrator(database, NOON) is None
    sign_in(database, name, password)
    session = current(database)
    assert (session.user, session.role, session.must_change_password) == ("admin", "administrator", True)
    with database.reading() as connection:
        [user] = users.listed(connection)
        assert password not in str(connection.execute(select(tables.users)).all())
        assert password not in str(audit.entries(connection))
    assert user.one_time_until == after(hours=24)


def test_two_processes_that_start_at_once_make_one_administrator(folder, url, database):
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda _: users.first_administrator(database, NOON), range(4)))
    assert sum(one is not None for one in made) == 1


def test_a_one_time_password_is_good_for_a_day(database):
    password = write(database, users.add, "ana", "analyst")
    with pytest.raises(SignInError):
        sign_in(database, password=password, at=after(hours=24, seconds=1))


def test_choosing_a_password_ends_the_one_time_one_and_every_other_session(database, ana):
    sign_in(database, token="here")
    sign_in(database, token="there")
    other = "several words that do not go together"
    sessions.change_password(database, ana, GOOD, other, "anew", HERE, NOON, SETTINGS)
    assert current(database, "here") is None
    assert current(database, "there") is None
    assert current(database, "anew").must_change_password is False
    with pytest.raises(SignInError):
        sign_in(database)
    sign_in(database, password=other)


def test_the_current_password_is_asked_for_and_guessing_it_waits(database, ana):
    for _ in range(SETTINGS.attempts_per_user):
        with pytest.raises(SignInError, match="wrong"):
            sessions.change_password(database, ana, "guess", GOOD + "!", "t", HERE, NOON, SETTINGS)
    with pytest.raises(SignInError, match="Wait"):
        sessions.change_password(database, ana, GOOD, GOOD + "!", "t", HERE, NOON, SETTINGS)


@pytest.mark.parametrize("chosen", ["short", GOOD, "ana ana ana ana ana"])
def test_a_bad_choice_changes_nothing(database, ana, chosen):
    sign_in(database)
    with pytest.raises(UsageError):
        sessions.change_password(database, ana, GOOD, chosen, "t", HERE, NOON, SETTINGS)
    assert current(database) is not None
    sign_in(database, token="t2")


def test_unknown_disabled_and_wrong_get_one_answer_and_the_same_work(database, ana, monkeypatch):
    write(database, users.add, "gone", "analyst")
    write(database, users.disable, "gone")
    verified = []
    real = passwords.is_right
    monkeypatch.setattr(passwords, "is_right", lambda *words: verified.append(1) or real(*words))
    told = []
    for name in ("ana", "gone", "nobody"):
        with pytest.raises(SignInError) as refused:
            sign_in(database, name, "wrong")
        told.append(str(refused.value))
    assert told == ["Name or password is wrong."] * 3
    assert len(verified) == 3


def seconds_to_wait(database, at):
    """How long the next attempt has to wait; 0 for not at all."""
    with database.reading() as connection:
        until = [row.wait_until for row in connection.execute(select(tables.refusals)) if row.wait_until]
    return max(((moment - at).total_seconds() for moment in until), default=0)


@pytest.mark.parametrize("name", ["ana", "ANA", "nobody"])
def test_a_name_waits_longer_after_each_wrong_password_whether_anybody_has_it(database, ana, name):
    at, waited = NOON, []
    for attempt in range(12):
        with pytest.raises(SignInError, match="wrong"):
            sign_in(database, name, "guess", at=at, address=f"198.51.100.{attempt}")
        waited.append(seconds_to_wait(database, at))
        at += timedelta(seconds=waited[-1])
    assert waited == [0, 0, 0, 0, 30, 60, 120, 240, 480, 900, 900, 900]


def test_who_waits_is_refused_even_with_the_right_password_and_it_is_not_tried(database, ana, monkeypatch):
    for _ in range(SETTINGS.attempts_per_user):
        with pytest.raises(SignInError, match="wrong"):
            sign_in(database, password="guess")
    with monkeypatch.context() as patch:
        patch.setattr(passwords, "is_right", lambda *_: pytest.fail("a password was tried"))
        with pytest.raises(SignInError, match="Wait 29 seconds"):
            sign_in(database, at=after(seconds=1))
    sign_in(database, at=after(seconds=30))
    with pytest.raises(SignInError, match="wrong"):  # and is free to err anew
        sign_in(database, password="guess", at=after(seconds=31))


def test_an_address_waits_whatever_names_it_tries_and_others_do_not(database, ana):
    for attempt in range(SETTINGS.attempts_per_address):
        with pytest.raises(SignInError, match="wrong"):
            sign_in(database, f"name{attempt}", "guess")
    with pytest.raises(SignInError, match="Wait"):
        sign_in(database)
    sign_in(database, address="192.0.2.8")


def test_a_right_password_does_not_wash_an_address_clean(database, ana):
    for attempt in range(SETTINGS.attempts_per_address - 1):
        with pytest.raises(SignInError, match="wrong"):
            sign_in(database, f"name{attempt}", "guess")
    sign_in(database)
    with pytest.raises(SignInError, match="wrong"):
        sign_in(database, "somebody", "guess")
    with pytest.raises(SignInError, match="Wait"):
        sign_in(database, "somebody else", "guess")


def test_attempts_at_the_same_time_all_count(database, ana):
    def attempt(number):
        try:
            sign_in(database, password="guess", address=f"198.51.100.{number}")
        except SignInError as refused:
            return "wrong" in str(refused)

    with ThreadPoolExecutor(8) as pool:
        tried = sum(pool.map(attempt, range(16)))
    assert tried == SETTINGS.attempts_per_user


def test_refusals_are_forgotten_after_a_day_and_by_a_reset(database, ana):
    for _ in range(SETTINGS.attempts_per_user):
        with pytest.raises(SignInError):
            sign_in(database, password="guess")
    password = write(database, users.reset, "ana")
    sign_in(database, password=password)
    for _ in range(SETTINGS.attempts_per_user - 1):
        with pytest.raises(SignInError, match="wrong"):
            sign_in(database, password="guess")
    with pytest.raises(SignInError, match="wrong"):
        sign_in(database, password="guess", at=after(days=1))
    assert seconds_to_wait(database, after(days=1)) == 0


def test_every_sign_in_refusal_and_wait_is_in_the_trail_and_no_password_is(database, ana):
    before = len(actions(database))
    for _ in range(SETTINGS.attempts_per_user):
        with pytest.raises(SignInError):
            sign_in(database, password="hunter2hunter2")
    with pytest.raises(SignInError):
        sign_in(database, name="my password, typed into the wrong field", password="guess")
    sign_in(database, at=after(minutes=1))
    sessions.sign_out(database, "t1", after(minutes=2))
    told = actions(database)[before:]
    assert told == ["user.refused"] * 5 + ["user.locked", "user.refused", "user.signed_in", "user.signed_out"]
    with database.reading() as connection:
        trail = str(audit.entries(connection))
    assert "hunter2" not in trail
    assert "wrong field" not in trail
    assert database.verify().fault is None


def test_a_session_ends_when_nobody_uses_it(database, ana):
    sign_in(database)
    assert current(database, at=after(minutes=29)) is not None
    assert current(database, at=after(minutes=58)) is not None, "it was used in between"
    assert current(database, at=after(minutes=88, seconds=1)) is None


def test_what_a_page_asks_by_itself_keeps_no_session_open(database, ana):
    sign_in(database)
    for minute in range(1, 30):
        assert current(database, at=after(minutes=minute), is_used=False) is not None
    assert current(database, at=after(minutes=30), is_used=False) is None


def test_a_session_ends_after_its_longest_time_however_it_is_used(database, ana):
    sign_in(database)
    for minute in range(0, 12 * 60, 20):
        assert current(database, at=after(minutes=minute)) is not None
    assert current(database, at=after(hours=12)) is None


def test_the_database_holds_no_token_that_opens_a_session(database, ana):
    sign_in(database, token="a token of the browser")
    with database.reading() as connection:
        [row] = connection.execute(select(tables.sessions)).all()
    assert row.token_hash != "a token of the browser"
    assert current(database, row.token_hash) is None


@pytest.mark.parametrize(
    "end",
    [
        lambda database: sessions.sign_out(database, "t1", NOON),
        lambda database: write(database, users.disable, "ana"),
        lambda database: write(database, users.set_role, "ana", "lead"),
        lambda database: write(database, users.reset, "ana"),
    ],
)
def test_signing_out_disabling_another_role_and_a_reset_end_sessions(database, ana, end):
    sign_in(database)
    end(database)
    assert current(database) is None


def test_who_is_disabled_signs_in_no_more_until_enabled(database, ana):
    write(database, users.disable, ana)
    with pytest.raises(SignInError, match="wrong"):
        sign_in(database)
    write(database, users.enable, ana)
    sign_in(database)


def test_a_password_kept_with_weaker_parameters_is_kept_anew_when_used(database, ana, monkeypatch):
    stronger = PasswordHasher(time_cost=2, memory_cost=64, parallelism=1)
    monkeypatch.setattr(passwords, "_HASHER", stronger)
    sign_in(database)
    with database.reading() as connection:
        kept = connection.scalar(select(tables.users.c.password_hash).where(tables.users.c.name == ana))
    assert not stronger.check_needs_rehash(kept)
    sign_in(database, token="t2")


@pytest.mark.parametrize("change", [users.disable, lambda c, name: users.set_role(c, name, "viewer")])
def test_the_last_administrator_stays_one(database, change):
    write(database, users.add, "only", "administrator")
    with pytest.raises(CaseworkError, match="last administrator"):
        write(database, change, "only")


@pytest.mark.parametrize("change", [users.disable, lambda c, name: users.set_role(c, name, "lead")])
def test_nobody_changes_their_own_rights(database, ana, change):
    with pytest.raises(CaseworkError, match="their own"):
        write(database, change, "ana", actor="ANA")


def test_names_are_one_whatever_their_capitals(database, ana):
    with pytest.raises(UsageError, match="already"):
        write(database, users.add, "Ana", "viewer")
    sign_in(database, "ANA")
    assert current(database).user == "ana"


@pytest.mark.parametrize("name", ["", "a/b", "<script>", "a\u202eb", "x" * 65, "a\nb"])
def test_names_that_could_be_taken_for_something_else_are_refused(database, name):
    with pytest.raises(UsageError):
        write(database, users.add, name, "viewer")


def test_a_role_or_user_that_is_not_there_is_named_with_the_nearest(database, ana):
    with pytest.raises(UsageError, match="Did you mean 'analyst'"):
        write(database, users.add, "bo", "analist")
    with pytest.raises(UsageError, match="Did you mean 'ana'"):
        write(database, users.disable, "anna")


def test_personal_data_is_revealed_to_one_session_of_one_object_for_a_while(database, ana):
    sign_in(database, token="t1")
    sign_in(database, token="t2")
    mine, other = current(database, "t1").token_hash, current(database, "t2").token_hash
    reason = "request of the court"
    until, _ = write(database, reveals.reveal, mine, "account", "A-1", reason, Settings(), actor="ana")
    assert until == after(minutes=15)
    with database.reading() as connection:
        assert reveals.shown_to(connection, mine, after(minutes=14)) == {("account", "A-1"): until}
        assert reveals.shown_to(connection, mine, after(minutes=15)) == {}
        assert reveals.shown_to(connection, other, NOON) == {}
        [entry] = audit.entries(connection, action="data.revealed")
    assert (entry.actor, entry.object_kind, entry.object_id) == ("ana", "account", "A-1")
    assert "request of the court" in entry.details
    sessions.sign_out(database, "t1", NOON)
    with database.reading() as connection:
        assert connection.execute(select(tables.reveals)).all() == []


@pytest.mark.parametrize("reason", ["", "   ", "x" * 201])
def test_nothing_is_revealed_without_a_reason(database, ana, reason):
    sign_in(database)
    with pytest.raises(UsageError):
        write(database, reveals.reveal, current(database).token_hash, "account", "A-1", reason, Settings())


def test_with_four_eyes_somebody_else_approves_before_anything_is_revealed(database, ana):
    settings = Settings(casework=CaseworkSettings(four_eyes=("reveal",)))
    sign_in(database)
    mine = current(database).token_hash

    def ask(at=NOON):
        return write(
            database, reveals.reveal, mine, "account", "A-1", "court order", settings, actor="ana", at=at
        )

    until, request = ask()
    assert until is None
    assert ask() == (None, request), "asking again makes no second request"
    with pytest.raises(CaseworkError, match="own"):
        write(database, requests.settle, request, True, "", settings.casework, actor="ana")
    write(database, requests.settle, request, True, "", settings.casework, actor="lea")
    assert ask() == (after(minutes=15), None)
    assert ask()[0] is None, "an approval is good for once"
