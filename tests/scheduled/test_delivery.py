"""Notices: sent to real servers, signed, without a row of any result, tried again and recorded."""

from __future__ import annotations

import json
import socket
import threading
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from aiosmtpd.controller import Controller

from finpat.errors import SettingsError
from finpat.scheduled import delivery
from finpat.scheduled.ledger import Ledger
from finpat.scheduled.settings import ScheduleSettings, load_schedule_settings
from tests.scheduled.test_service import DAY, runs_of, settled, workspace

__all__ = ["workspace"]
MORNING = DAY - timedelta(days=1) + timedelta(hours=7)


class Mailbox:
    """What a real SMTP server got; answers the first `refusals` messages with a temporary error."""

    def __init__(self, refusals=0, answer="451 later"):
        self.messages, self.refusals, self.answer = [], refusals, answer

    async def handle_DATA(self, server, session, envelope):
        if self.refusals:
            self.refusals -= 1
            return self.answer
        self.messages.append((envelope.mail_from, envelope.rcpt_tos, envelope.content.decode()))
        return "250 OK"


@pytest.fixture
def post_office():
    started = []

    def start(mailbox):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        controller = Controller(mailbox, hostname="127.0.0.1", port=port, ready_timeout=30)
        controller.start()
        started.append(controller)
        return port

    yield start
    for controller in started:
        controller.stop()


@pytest.fixture
def receiver():
    """A real HTTP server: its address, what it got, and the answers that it gives in turn."""
    got, answers = [], []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            got.append((dict(self.headers), body))
            self.send_response(answers.pop(0) if answers else 204)
            self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/hook?team=1", got, answers
    server.shutdown()
    thread.join()
    server.server_close()


def by_mail(port, **changes):
    email = {"host": "127.0.0.1", "port": port, "security": "none", "sender": "finpat@bank.example",
             "recipients": ["team@bank.example"], **changes}  # fmt: skip
    return ScheduleSettings.model_validate({"first_wait_s": 0, "email": email})


def by_webhook(workspace, url):
    (workspace.path / "hook.key").write_text("a secret\n")
    return ScheduleSettings.model_validate(
        {"first_wait_s": 0, "webhook": {"url": url, "secret_file": "hook.key"}}
    )


def notices(workspace):
    with Ledger(workspace.schedule) as ledger:
        return [
            (item["channel"], item["state"], item["tries"], item["error"]) for item in ledger.deliveries()
        ]


def test_a_mail_tells_counts_and_file_names_and_no_row(workspace, post_office):
    mailbox = Mailbox()
    settled(workspace, MORNING, settings=by_mail(post_office(mailbox)))
    ((sender, recipients, text),) = mailbox.messages
    assert (sender, recipients) == ("finpat@bank.example", ["team@bank.example"])
    assert "Subject: finpat: asked ok, 2 rows" in text
    assert "asked-20260302T0600+0000-run0001.csv" in text
    for value in ("998", "999", "account_id"):
        assert value not in text.replace("Message-ID", "")
    assert notices(workspace) == [("email", "sent", 1, None)]


def test_a_mail_that_the_server_cannot_take_now_is_tried_again_under_one_message_id(workspace, post_office):
    mailbox = Mailbox(refusals=2)
    settled(workspace, MORNING, settings=by_mail(post_office(mailbox)))
    assert len(mailbox.messages) == 1
    assert notices(workspace) == [("email", "sent", 3, None)]


def test_a_mail_that_is_refused_for_good_is_recorded_and_asks_for_a_person(workspace, post_office):
    done = settled(workspace, MORNING, settings=by_mail(post_office(Mailbox(9, "554 no"))))
    assert not done.is_clean
    assert notices(workspace) == [("email", "given_up", 1, "mail server answered 554")]


def test_a_webhook_is_signed_over_its_time_and_body_and_holds_no_row(workspace, receiver):
    url, got, _ = receiver
    settled(workspace, MORNING, settings=by_webhook(workspace, url))
    ((headers, body),) = got
    expected = delivery.signature("a secret", headers["X-Finpat-Timestamp"], body)
    assert headers["X-Finpat-Signature"] == f"sha256={expected}"
    assert delivery.signature("another", headers["X-Finpat-Timestamp"], body) != expected
    notice = json.loads(body)
    assert (notice["id"], notice["state"], notice["rows"]) == ("asked/2026-03-02T06:00:00", "ok", 2)
    assert headers["X-Finpat-Delivery"] == notice["id"]
    assert {"error", "parameters"} & notice.keys() == set()
    assert all("/" not in file["file"] for file in notice["files"])
    assert notices(workspace) == [("webhook", "sent", 1, None)]


@pytest.mark.parametrize(
    ("answers", "told"),
    [
        ([503, 429, 204], ("webhook", "sent", 3, None)),
        ([500, 500, 500, 500], ("webhook", "pending", 4, "the server answered 500")),
        ([404], ("webhook", "given_up", 1, "the server answered 404")),
        ([302], ("webhook", "given_up", 1, "the server answered 302")),
    ],
)
def test_a_webhook_is_tried_again_only_where_that_may_help(workspace, receiver, answers, told):
    url, _, queue = receiver
    queue.extend(answers)
    settled(workspace, MORNING, settings=by_webhook(workspace, url))
    assert notices(workspace) == [told]


def test_what_could_not_be_sent_is_sent_by_a_later_pass_and_the_query_does_not_run_again(workspace, receiver):
    url, got, queue = receiver
    queue.extend([500] * 4)
    settings = by_webhook(workspace, url)
    settled(workspace, MORNING, settings=settings)
    settled(workspace, MORNING + timedelta(minutes=5), settings=settings)
    assert len(runs_of(workspace)) == 1
    assert notices(workspace) == [("webhook", "sent", 5, None)]
    assert len({headers["X-Finpat-Delivery"] for headers, _ in got}) == 1, (
        "the other side can drop a second one"
    )


def test_after_so_many_hours_a_notice_is_given_up(workspace):
    settings = by_webhook(workspace, "http://127.0.0.1:9/closed")
    settled(workspace, MORNING, settings=settings)
    assert notices(workspace)[0][1] == "pending"
    settled(workspace, MORNING + timedelta(hours=22), settings=settings)
    settled(workspace, MORNING + timedelta(hours=25), settings=settings)
    with Ledger(workspace.schedule) as ledger:
        assert {item["slot"]: item["state"] for item in ledger.deliveries()}[
            "2026-03-02T06:00:00"
        ] == "given_up"


def test_a_failed_run_is_told_without_its_error(workspace, receiver):
    url, got, _ = receiver
    settled(
        workspace, MORNING, "select account_id::integer as account_id from rm.flagged_accounts order by all",
        settings=by_webhook(workspace, url),
    )  # fmt: skip
    notice = json.loads(got[0][1])
    assert (notice["state"], notice["rows"]) == ("failed", None)
    assert "convert" not in got[0][1].decode().lower()
    assert runs_of(workspace)[0]["error"]


def test_without_settings_nothing_is_sent_and_nothing_waits(workspace):
    settled(workspace, MORNING)
    assert notices(workspace) == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[email]\nhots = "x"', "unknown key 'email.hots'. Did you mean 'host'?"),
        ('[email]\nhost = "mail"', "sender and recipients are needed"),
        (
            '[email]\nhost = "mail"\nsecurity = "none"\nsender = "a@b"\nrecipients = ["c@d"]',
            "on this machine only",
        ),
        ('[webhook]\nurl = "http://example.org/x"\nsecret_file = "k"', "expected an https address"),
        ('[webhook]\nurl = "https://example.org/x"', "secret_file is needed"),
        ("attempts = 0", "attempts"),
        ("attempts =", "not valid TOML"),
    ],
)
def test_settings_that_cannot_be_used_are_named(tmp_path, text, words):
    (tmp_path / "schedule.toml").write_text(text)
    with pytest.raises(SettingsError) as caught:
        load_schedule_settings(tmp_path)
    assert words in str(caught.value)


def test_a_secret_that_is_missing_is_told_and_the_run_is_kept(workspace, receiver):
    url, got, _ = receiver
    settings = by_webhook(workspace, url)
    (workspace.path / "hook.key").unlink()
    done = settled(workspace, MORNING, settings=settings)
    assert (len(done.ok), done.undelivered, got) == (1, 1, [])
    assert datetime.fromisoformat(runs_of(workspace)[0]["slot"]) == datetime(2026, 3, 2, 6)
