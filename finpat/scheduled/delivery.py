"""Notices of due runs by e-mail and webhook: counts and file names, no row of a result.

The one module that can send anything, and only where schedule.toml names a server. An error's text stays in
the ledger: it may quote a row.
"""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
import smtplib
import ssl
from collections.abc import Mapping
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from finpat.scheduled.settings import EmailSettings, ScheduleSettings, WebhookSettings, read_secret

TIMEOUT_S = 20
_SHOWN = ("query", "slot", "state", "run_id", "rows", "rows_apart", "new_rows", "is_cut", "finished_at")
_AGAIN = (408, 425, 429)  # answers of a server that ask to try later


class Refused(Exception):
    """The other side will not take it, however often it is sent."""


def channels(settings: ScheduleSettings) -> list[tuple[str, str]]:
    """(channel, target) of every notice that a settled run leads to; none unless the settings name some."""
    found = [("email", address) for address in settings.email.recipients if settings.email.host]
    return found + ([("webhook", settings.webhook.url)] if settings.webhook.url else [])


def notice_of(run: Mapping[str, Any], title: str) -> dict[str, Any]:
    """What is told of a run; its `id` is the same each time, so that a second one can be dropped."""
    files = [{"file": Path(file["file"]).name, "sha256": file["sha256"]} for file in run["files"]]
    told = {name: run[name] for name in _SHOWN}
    return {"id": f"{run['query']}/{run['slot']}", "title": title, **told, "files": files}


def send(
    channel: str, target: str, notice: Mapping[str, Any], settings: ScheduleSettings, workspace: Path,
    now: datetime,
) -> None:  # fmt: skip
    """Send one notice.

    Raises:
        Refused: the other side will not take it.
        OSError: it could not be reached, or asks to try later.
        SettingsError: the secret cannot be read.
    """
    if channel == "email":
        _send_email(target, notice, settings.email, workspace, now)
    else:
        _post(notice, settings.webhook, workspace, now)


def _send_email(
    address: str, notice: Mapping[str, Any], settings: EmailSettings, workspace: Path, now: datetime
) -> None:
    message = EmailMessage()
    message["From"], message["To"] = settings.sender, address
    message["Subject"] = f"finpat: {notice['query']} {notice['state']}, {notice['rows'] or 0} rows"
    message["Date"] = format_datetime(now.replace(tzinfo=UTC))
    name = hashlib.sha256(f"{notice['id']} {address}".encode()).hexdigest()[:32]
    message["Message-ID"] = f"<{name}@finpat.invalid>"
    message.set_content("\n".join(_lines(notice)) + "\n")
    context = ssl.create_default_context()
    try:
        if settings.security == "tls":
            server: smtplib.SMTP = smtplib.SMTP_SSL(
                settings.host, settings.port, timeout=TIMEOUT_S, context=context
            )
        else:
            server = smtplib.SMTP(settings.host, settings.port, timeout=TIMEOUT_S)
        with server:
            if settings.security == "starttls":
                server.starttls(context=context)
            if settings.username:
                server.login(settings.username, read_secret(workspace, settings.password_file))
            server.send_message(message)
    except smtplib.SMTPRecipientsRefused as error:
        codes = [code for code, _ in error.recipients.values()]
        if all(code >= 500 for code in codes):
            raise Refused(f"mail server answered {codes[0]}") from None
        raise OSError(f"mail server answered {codes[0]}") from None
    except smtplib.SMTPResponseException as error:
        if error.smtp_code >= 500:
            raise Refused(f"mail server answered {error.smtp_code}") from None
        raise OSError(f"mail server answered {error.smtp_code}") from None


def _lines(notice: Mapping[str, Any]) -> list[str]:
    """The notice as text for people."""
    lines = [str(notice["title"]), "", f"Query {notice['query']}, due {notice['slot']}Z: {notice['state']}."]
    if notice["rows"] is not None:
        lines.append(f"{notice['rows']} rows of run {notice['run_id']}, {notice['new_rows']} of them new.")
        if notice["rows_apart"]:
            lines.append(f"{notice['rows_apart']} rows stand apart: protect and refer.")
        if notice["is_cut"]:
            lines.append("The row limit was reached: there are more.")
    else:
        lines.append("`finpat schedule status` tells why.")
    lines += ["", "Files, in the workspace's exports:", *(f"  {file['file']}" for file in notice["files"])]
    return lines


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """HMAC-SHA256 over timestamp, a full stop and the body, in hexadecimal."""
    return hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()


def _post(notice: Mapping[str, Any], settings: WebhookSettings, workspace: Path, now: datetime) -> None:
    """Post a notice; redirections are not followed, so that it goes nowhere else."""
    parts = urlsplit(settings.url)
    body = json.dumps(notice, ensure_ascii=False, sort_keys=True).encode()
    timestamp = str(int(now.replace(tzinfo=UTC).timestamp()))
    secret = read_secret(workspace, settings.secret_file)
    headers = {
        "Content-Type": "application/json",
        "X-Finpat-Delivery": str(notice["id"]),
        "X-Finpat-Timestamp": timestamp,
        "X-Finpat-Signature": f"sha256={signature(secret, timestamp, body)}",
    }
    connection: http.client.HTTPConnection
    if parts.scheme == "https":
        context = ssl.create_default_context()
        connection = http.client.HTTPSConnection(
            parts.hostname or "", parts.port, timeout=TIMEOUT_S, context=context
        )
    else:
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=TIMEOUT_S)
    try:
        connection.request(
            "POST", (parts.path or "/") + (f"?{parts.query}" if parts.query else ""), body, headers
        )
        status = connection.getresponse().status
    except http.client.HTTPException as error:
        raise OSError(f"no answer that is HTTP: {type(error).__name__}") from None
    finally:
        connection.close()
    if status in _AGAIN or status >= 500:
        raise OSError(f"the server answered {status}")
    if not 200 <= status < 300:
        raise Refused(f"the server answered {status}")
