"""Settings of the schedule: schedule.toml, on which no run depends; nothing is sent by default.

Secrets are read from files, never from here, so that this file can be shown and kept with others.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, ValidationError, field_validator, model_validator

from finpat.config import Section
from finpat.errors import SettingsError, nearest

FILE_NAME = "schedule.toml"
LOOPBACK = ("localhost", "127.0.0.1", "::1")


class EmailSettings(Section):
    """Notices by e-mail."""

    host: str = Field("", description="Mail server; empty: no e-mail is sent.")
    port: int = Field(587, ge=1, le=65535, description="Its port.")
    security: Literal["starttls", "tls", "none"] = Field(
        "starttls", description="`none` only to a server on this machine."
    )
    username: str = Field("", description="Name to sign in with; empty: without signing in.")
    password_file: str = Field("", description="File with the password, relative to the workspace.")
    sender: str = Field("", description="Address that notices come from.")
    recipients: tuple[str, ...] = Field((), description="Addresses that get them.")

    @model_validator(mode="after")
    def _usable(self) -> EmailSettings:
        if self.host and not (self.sender and self.recipients):
            raise ValueError("sender and recipients are needed")
        if self.security == "none" and self.host and self.host not in LOOPBACK:
            raise ValueError("security 'none' is for a server on this machine only")
        if any(character in address for address in (self.sender, *self.recipients) for character in "\r\n,"):
            raise ValueError("an address has a comma or a line break; list addresses one by one")
        return self


class WebhookSettings(Section):
    """Notices by webhook, signed."""

    url: str = Field("", description="https address that notices are posted to; empty: none is.")
    secret_file: str = Field("", description="File with the key of the signature, relative to the workspace.")

    @field_validator("url")
    @classmethod
    def _is_safe(cls, value: str) -> str:
        parts = urlsplit(value)
        if value and parts.scheme != "https" and (parts.scheme != "http" or parts.hostname not in LOOPBACK):
            raise ValueError("expected an https address (http only to this machine)")
        return value

    @model_validator(mode="after")
    def _signed(self) -> WebhookSettings:
        if self.url and not self.secret_file:
            raise ValueError("secret_file is needed: notices are signed")
        return self


class ScheduleSettings(Section):
    """All settings of the schedule."""

    attempts: int = Field(
        4, ge=1, le=20, description="Tries of a run or delivery that failed to read or send."
    )
    first_wait_s: float = Field(1.0, ge=0, description="Seconds before the second try; doubled each time.")
    give_up_hours: int = Field(24, ge=1, description="Hours for which later passes try to deliver a notice.")
    email: EmailSettings = Field(default_factory=EmailSettings, description="Notices by e-mail.")
    webhook: WebhookSettings = Field(default_factory=WebhookSettings, description="Notices by webhook.")


def load_schedule_settings(workspace: Path) -> ScheduleSettings:
    """Settings of a workspace's schedule; the defaults where it has no schedule.toml.

    Raises:
        SettingsError: the file is no TOML, or a key or value cannot be used.
    """
    path = workspace / FILE_NAME
    if not path.exists():
        return ScheduleSettings()
    try:
        return ScheduleSettings.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: not valid TOML: {error}") from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        if first["type"] == "extra_forbidden":
            known = [
                *ScheduleSettings.model_fields,
                *EmailSettings.model_fields,
                *WebhookSettings.model_fields,
            ]
            raise SettingsError(
                f"{path}: unknown key {where!r}.{nearest(str(first['loc'][-1]), known)}"
            ) from None
        raise SettingsError(f"{path}: {where}: {first['msg'].removeprefix('Value error, ')}") from None


def read_secret(workspace: Path, name: str) -> str:
    """A secret from its file, without the line's end.

    Raises:
        SettingsError: the file cannot be read, or is empty.
    """
    path = workspace / name
    try:
        secret = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: the secret cannot be read: {error}") from None
    if not secret:
        raise SettingsError(f"{path}: is empty; expected a secret")
    return secret
