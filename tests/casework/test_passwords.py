"""Passwords: which are taken, how they are kept, what a one-time one looks like."""

from __future__ import annotations

import re

import pytest
from argon2 import PasswordHasher

from finpat.casework import passwords
from finpat.errors import UsageError


@pytest.fixture(autouse=True)
def cheap(monkeypatch):
    monkeypatch.setattr(passwords, "_HASHER", PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))


@pytest.mark.parametrize(
    "password",
    [
        "correct horse battery staple",
        "all lower case letters nothing else is asked",
        "Überraschend viele Äpfel im Keller",
        "кони бегут по зелёному полю",
        "8302 9175 4466 1093",
        "x7$kq-Wm2!pL9vR",
    ],
)
def test_a_long_password_of_any_kind_is_taken(password):
    passwords.check(password, "ana", 15)


@pytest.mark.parametrize(
    ("password", "why"),
    [
        ("fourteen chars", "expected 15 or more"),
        ("a" * 257, "at most 256"),
        ("aaaaaaaaaaaaaaaaaaaa", "repeats itself"),
        ("summer summer summer ", "repeats itself"),
        ("abcabcabcabcabcab", "repeats itself"),
        ("PasswordPassword1!", "repeats itself"),
        ("Password-Qwerty-2026!", "common words"),
        ("1234567890123456", "common words"),
        ("qwertyuiopasdfghjkl", "common words"),
        ("AdministratorAna2026", "common words"),
        ("Welcome-Finpat-Compliance-1", "common words"),
    ],
)
def test_what_is_guessed_first_is_refused(password, why):
    with pytest.raises(UsageError, match=why):
        passwords.check(password, "ana", 15)


def test_a_password_is_kept_as_argon2id_and_never_as_itself():
    kept = passwords.kept("correct horse battery staple")
    assert kept.startswith("$argon2id$")
    assert "horse" not in kept
    assert kept != passwords.kept("correct horse battery staple"), "each with a salt of its own"
    assert passwords.is_right("correct horse battery staple", kept)
    assert not passwords.is_right("correct horse battery stapl", kept)


def test_the_same_characters_are_right_whatever_keyboard_wrote_them():
    assert passwords.is_right("u\u0308ber\ufb01ll thirty", passwords.kept("überfill thirty"))


def test_where_no_password_is_kept_none_is_right_and_one_is_verified_all_the_same(monkeypatch):
    verified = []
    hasher = passwords._HASHER

    class Told:
        def verify(self, hashed, password):
            verified.append(password)
            return hasher.verify(hashed, password)

    monkeypatch.setattr(passwords, "_HASHER", Told())
    assert not passwords.is_right("correct horse battery staple", None)
    assert verified == ["correct horse battery staple"]


def test_parameters_are_at_least_those_of_owasp_and_rfc_9106(monkeypatch):
    monkeypatch.undo()
    hasher = passwords._HASHER
    assert (hasher.memory_cost, hasher.time_cost, hasher.parallelism) >= (65536, 3, 4)


def test_a_hash_with_other_parameters_is_outdated():
    assert not passwords.is_outdated(passwords.kept("correct horse battery staple"))
    weaker = PasswordHasher(time_cost=2, memory_cost=64, parallelism=1)
    assert passwords.is_outdated(weaker.hash("correct horse battery staple"))


def test_a_one_time_password_is_random_and_can_be_read_out():
    made = {passwords.one_time() for _ in range(50)}
    assert len(made) == 50
    assert all(re.fullmatch(r"[a-zA-Z2-9]{5}(-[a-zA-Z2-9]{5}){3}", one) for one in made)
    assert not set("".join(made)) & set("0O1lI")
