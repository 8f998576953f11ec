"""Passwords: how they are kept, which are taken, and the one-time ones that somebody is given.

Kept as Argon2id with the parameters of RFC 9106 (its second choice, 64 MiB); a password that was kept with
others is kept anew when it is used. Rules are those of NIST SP 800-63B-4, section 3.1.1.2: length and a list
of what is guessed first, no composition, no change by calendar.
"""

from __future__ import annotations

import re
import secrets
import threading
import unicodedata

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from finpat.errors import UsageError

LONGEST = 256  # characters; 64 at least have to be taken
_HASHER = PasswordHasher()
# Two at a time: each takes 64 MiB, and attempts must not be able to fill the machine.
_ROOM = threading.BoundedSemaphore(2)
# What is verified where there is no password, so that the answer takes as long.
_NOBODYS = _HASHER.hash(secrets.token_urlsafe(16))
# No 0/O, 1/l/I: it is read from one screen and typed at another.
_LETTERS = "abcdefghjkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"
_GUESSED = (
    "password passwort passw0rd parola haslo heslo senha contrasena motdepasse wachtwoord letmein welcome "
    "willkommen bienvenue admin administrator administrateur root user guest login signin master secret "
    "geheim qwerty qwertz azerty uiop asdfgh yxcvbn zxcvbn iloveyou sunshine princess football baseball "
    "dragon monkey shadow superman batman trustno finpat bank compliance analyst changeme default test "
    "summer winter spring autumn fall january february march april june july august september october "
    "november december monday friday hello"
).split()
_ROWS = ("abcdefghijklmnopqrstuvwxyz", "01234567890123456789", "qwertyuiop", "qwertzuiop", "asdfghjkl")


def kept(password: str) -> str:
    """The password as it is kept."""
    with _ROOM:
        return _HASHER.hash(_normal(password))


def is_right(password: str, hashed: str | None) -> bool:
    """Whether it is the kept password; takes as long where none is kept."""
    with _ROOM:
        try:
            _HASHER.verify(hashed or _NOBODYS, _normal(password)[:LONGEST])
        except (VerificationError, InvalidHashError):
            return False
    return hashed is not None


def is_outdated(hashed: str) -> bool:
    """Whether it was kept with other parameters than today's."""
    return _HASHER.check_needs_rehash(hashed)


def one_time() -> str:
    """A password to be handed over and changed at the first sign-in: 115 random bits in groups of five."""
    letters = [secrets.choice(_LETTERS) for _ in range(20)]
    return "-".join("".join(letters[at : at + 5]) for at in range(0, 20, 5))


def check(password: str, name: str, shortest: int) -> None:
    """Refuse a password that is guessed first.

    Raises:
        UsageError: it is too short or long, or little more than a common word, a row of keys, a repetition or
            the name of the user.
    """
    normal = _normal(password)
    if len(normal) < shortest:
        raise UsageError(f"password: has {len(normal)} characters; expected {shortest} or more, of any kind")
    if len(normal) > LONGEST:
        raise UsageError(f"password: has {len(normal)} characters; at most {LONGEST} are taken")
    plain = normal.casefold()
    if re.fullmatch(r"(.{1,8}?)\1+.{0,7}", plain):
        raise UsageError("password: repeats itself; choose several words that do not go together")
    rest = plain
    for word in sorted({name.casefold(), *_GUESSED}, key=len, reverse=True):
        if len(word) > 2:
            rest = rest.replace(word, " ")
    rest = re.sub(r"[\W_]", "", _without_rows(rest))
    if len(rest) < 6 or len(set(rest)) < 4:
        raise UsageError(
            "password: little more than common words, rows of keys or the name; choose several words that do "
            "not go together"
        )


def _without_rows(text: str) -> str:
    """The text without runs of four or more neighbours in the alphabet, the digits or on the keyboard."""
    for row in (*_ROWS, *(row[::-1] for row in _ROWS)):
        for length in range(len(row), 3, -1):
            for at in range(len(row) - length + 1):
                text = text.replace(row[at : at + length], " ")
    return text


def _normal(password: str) -> str:
    """The same characters whatever keyboard wrote them."""
    return unicodedata.normalize("NFKC", password)
