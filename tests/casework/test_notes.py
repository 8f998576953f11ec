"""Notes with files: kept by what is in them, under a name that harms nobody, for downloading only."""

from __future__ import annotations

import hashlib
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from finpat.casework import attachments, notes
from finpat.errors import CaseworkError, UsageError
from tests.casework.factory import follow, minutes, ranked
from tests.casework.test_alerts import doing, row


@pytest.fixture
def work(database):
    follow(database, ranked("A"))
    return database


def stored(folder, name, content, limit=1):
    return attachments.store(folder, name, io.BytesIO(content), limit)


def test_notes_of_two_people_at_once_are_both_kept(work):
    doing(work, "ana", notes.add_note, 1, "called the branch\r\nno answer ", at=minutes(1))
    doing(work, "ben", notes.add_note, 1, "statement is here", at=minutes(2))
    assert [(note["text"], note["written_by"]) for note in row(work)["notes"]] == [
        ("called the branch\nno answer", "ana"),
        ("statement is here", "ben"),
    ]
    assert row(work)["version"] == 1


def test_the_trail_holds_the_digest_of_a_note_and_not_its_text(work):
    doing(work, "ana", notes.add_note, 1, "called the branch")
    with work.reading() as connection:
        from finpat.casework import audit

        (entry,) = audit.entries(connection, action="alert.noted")
    assert "branch" not in entry.details
    assert hashlib.sha256(b"called the branch").hexdigest() in entry.details


@pytest.mark.parametrize("text", ["", "  \n ", "a\x00b", "x" * 20_001, "right\u202eleft"])
def test_a_note_that_says_nothing_or_cannot_be_shown_is_refused(work, text):
    with pytest.raises(UsageError, match="note: "):
        doing(work, "ana", notes.add_note, 1, text)


def test_a_note_on_no_alert_is_refused(work):
    with pytest.raises(CaseworkError, match="there is no alert 9"):
        doing(work, "ana", notes.add_note, 9, "x")


def test_a_file_is_kept_by_its_content_and_found_by_its_note(work, folder):
    one = stored(folder, "C:\\fakepath\\statement.pdf", b"%PDF-1.7 ...")
    doing(work, "ana", notes.add_note, 1, "statement", [one])
    (file,) = row(work)["files"]
    assert (file["name"], file["bytes"], file["content_type"]) == ("statement.pdf", 12, "application/pdf")
    with work.reading() as connection:
        found, path = notes.open_file(connection, folder, file["number"])
    assert path.read_bytes() == b"%PDF-1.7 ..."
    assert path.name == found["sha256"] == hashlib.sha256(b"%PDF-1.7 ...").hexdigest()
    assert row(work)["notes"][0]["number"] == file["note"]


def test_the_same_content_is_kept_once(folder):
    assert stored(folder, "a.txt", b"same").sha256 == stored(folder, "b.txt", b"same").sha256
    assert len([path for path in (folder / "attachments").rglob("*") if path.is_file()]) == 1


def test_a_file_that_was_changed_after_it_was_attached_is_not_given_out(work, folder):
    one = stored(folder, "a.txt", b"as it was")
    doing(work, "ana", notes.add_note, 1, "x", [one])
    path = attachments.read(folder, one.sha256)
    path.write_bytes(b"as it is now")
    number = row(work)["files"][0]["number"]
    with (
        work.reading() as connection,
        pytest.raises(CaseworkError, match="was changed after it was attached"),
    ):
        notes.open_file(connection, folder, number)
    path.unlink()
    with work.reading() as connection, pytest.raises(CaseworkError, match="cannot be read"):
        notes.open_file(connection, folder, number)
    with work.reading() as connection, pytest.raises(CaseworkError, match="there is no attached file 999"):
        notes.open_file(connection, folder, 999)


@pytest.mark.parametrize("name", ["../../finpat.toml", "0" * 63, "0" * 64 + "/x", "G" * 64, ""])
def test_nothing_outside_the_attachments_can_be_asked_for(folder, name):
    with pytest.raises(CaseworkError, match="no attachment has such a name"):
        attachments.read(folder, name)


@pytest.mark.parametrize(
    ("content", "told"), [(b"", "is empty"), (b"x" * (1 << 20) + b"x", "larger than 1 MB")]
)
def test_a_file_of_a_size_that_is_not_kept_leaves_nothing_behind(folder, content, told):
    with pytest.raises(UsageError, match=told):
        stored(folder, "big.bin", content)
    assert [path for path in (folder / "attachments").rglob("*") if path.is_file()] == []


def test_a_file_of_exactly_the_limit_is_kept(folder):
    assert stored(folder, "big.bin", b"x" * (1 << 20)).bytes == 1 << 20


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("statement.pdf", "statement.pdf"),
        ("../../etc/passwd", "passwd"),
        ("..\\..\\boot.ini", "boot.ini"),
        ("  .hidden", "hidden"),
        ("a\x00b\nc.txt", "abc.txt"),
        ("invoice\u202efdp.exe", "invoicefdp.exe"),
        ('x<>:"|?*.txt', "x_______.txt"),
        ("con.txt", "_con.txt"),
        ("LPT1", "_LPT1"),
        ("", "attachment"),
        ("...", "attachment"),
        ("/", "attachment"),
        ("U\u0308bersicht.pdf", "Übersicht.pdf"),
        ("x" * 300 + ".pdf", "x" * 116 + ".pdf"),
    ],
)
def test_names_of_files_are_cleaned(name, kept):
    assert attachments.clean_name(name) == kept


@given(st.text(max_size=300))
def test_a_cleaned_name_is_one_that_every_system_can_hold(name):
    kept = attachments.clean_name(name)
    assert 0 < len(kept) <= attachments.LONGEST_NAME
    assert not set(kept) & set('/\\<>:"|?*\n\r\t\x00')
    assert kept.strip(" .") == kept
    assert attachments.clean_name(kept) == kept


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"\x89PNG\r\n\x1a\n...", "image/png"),
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"PK\x03\x04", "application/zip"),
        (b"plain words, a;b;c\r\n", "text/plain"),
        ("Überweisung".encode(), "text/plain"),
        ("Überweisung".encode("latin-1"), "application/octet-stream"),
        (("x" * 4095 + "ü").encode()[:4096], "text/plain"),
        (b"<html><script>alert(1)</script>", "application/octet-stream"),
        (b"  \n <svg onload=alert(1)>", "application/octet-stream"),
        (b"words, then < script>", "application/octet-stream"),
        (b"MZ\x90\x00", "application/octet-stream"),
    ],
)
def test_the_content_says_what_a_file_is_and_what_could_run_is_just_bytes(head, kind):
    assert attachments.content_type(head) == kind


def test_files_are_given_out_for_saving_never_for_showing():
    told = attachments.headers('Übersicht "x"\r\n.html')
    assert told["Content-Type"] == "application/octet-stream"
    assert told["Content-Disposition"].startswith("attachment; filename=")
    assert not set("".join(told.values())) & set("\r\n")
    assert told["X-Content-Type-Options"] == "nosniff"
    told["Content-Disposition"].encode("latin-1")
