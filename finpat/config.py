"""Settings: every choice a run depends on, read once from finpat.toml; defaults documented field by field.

`docs/settings.md` is generated from this file. A key or value that cannot be used is named, with the nearest
right one.
"""

from __future__ import annotations

import tomllib
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal, get_args
from zoneinfo import available_timezones

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from finpat.errors import SettingsError, nearest

FILE_NAME = "finpat.toml"


class Section(BaseModel):
    """A group of settings: unknown keys are refused, values never change after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class FxSettings(Section):
    """Exchange rates."""

    rates_file: str | None = Field(
        None,
        description="CSV of own rates: date (ISO), currency, units of it per one euro; used before the ECB "
        "reference rates that travel with finpat. Relative to the workspace.",
    )
    max_age_days: int = Field(
        7, ge=0, description="A rate older than this on the transaction's date is no rate."
    )


class IngestSettings(Section):
    """Loading of export files."""

    piece_mb: int = Field(4, ge=1, le=256, description="Megabytes of a text file parsed at a time.")
    max_line_mb: int = Field(4, ge=1, le=1024, description="A longer line is quarantined unread.")
    max_reject_share: float = Field(
        1.0,
        ge=0,
        le=1,
        description="A file with a larger share of bad rows is refused whole; at 1 none is, its bad rows are "
        "quarantined and the load says that the mapping may be wrong.",
    )


class DetectionSettings(Section):
    """Anomaly detectors."""

    seed: int = Field(7, ge=0, description="Seed of every detector that draws at random.")


class CaseworkSettings(Section):
    """Alerts, decisions and the audit trail."""

    url: str = Field(
        "",
        description="`postgresql://user@host/database` for casework shared by several machines; empty: "
        "SQLite in the workspace. Leave the password out and give it in PostgreSQL's own way (`~/.pgpass`, "
        "`PGPASSWORD`).",
    )
    band: Literal["critical", "high", "medium", "low"] = Field(
        "high", description="An account in this band or above gets an alert."
    )
    top_n: int = Field(
        0, ge=0, description="So many of the list's first accounts get one whatever their band."
    )
    quota_share: float = Field(
        0.05,
        ge=0,
        le=1,
        description="Blind review: accounts drawn at random from those without an alert, as a share of the "
        "alerts that a run opens, rounded up. They look like any other alert and tell how much is missed.",
    )
    growth_score: int = Field(
        100, ge=1, description="A closed or suppressed alert comes back when the score rises by so much."
    )
    growth_findings: int = Field(
        3, ge=1, description="A closed or suppressed alert comes back with so many further findings."
    )
    four_eyes: tuple[Literal["close", "export", "reveal", "suppress"], ...] = Field(
        (),
        description="What takes a second person: one asks, another one with the right approves or refuses.",
    )
    approval_hours: int = Field(
        24, ge=1, description="An approved export or reveal may be used once, within so many hours."
    )
    suppression_days: int = Field(
        180, ge=1, description="The longest time for which alerts of an account can be suppressed."
    )
    attachment_mb: int = Field(
        10,
        ge=1,
        le=1024,
        description="Largest file that can be attached to a note; the dashboard takes it in one request of "
        "`dashboard.request_mb`, a third larger than the file.",
    )
    retention_months: int = Field(
        12,
        ge=1,
        description="Notes, files, reasons of alerts that came to nothing are dropped so long after closing "
        "(`finpat case purge`); what was found suspicious is kept for as long as your law says.",
    )


class OidcSettings(Section):
    """Single sign-on by OpenID Connect; off where no issuer is named. Needs the extra `oidc`."""

    issuer: str = Field(
        "", description="The provider, e.g. `https://login.example.org/realms/bank`; https, or loopback."
    )
    client_id: str = Field("", description="What the provider calls this dashboard.")
    client_secret_file: str = Field(
        "",
        description="File with the client's secret, relative to the workspace; or FINPAT_OIDC_SECRET. "
        "None for a public client. PKCE is used either way.",
    )
    scopes: str = Field("openid profile email", description="What is asked for.")
    name_claim: str = Field("preferred_username", description="Claim that holds the user's name.")
    role_claim: str = Field(
        "roles",
        description="Claim that holds roles or groups; points lead into it, e.g. `realm_access.roles`.",
    )
    roles: dict[str, Literal["viewer", "analyst", "lead", "compliance_officer", "administrator"]] = Field(
        default_factory=dict,
        description="Word of the provider -> role here; the first that applies counts, nobody else comes in.",
    )
    label: str = Field("Single sign-on", description="What its button says.")

    @field_validator("issuer")
    @classmethod
    def _encrypted(cls, value: str) -> str:
        from urllib.parse import urlsplit

        parts = urlsplit(value)
        loopback = parts.scheme == "http" and parts.hostname in ("127.0.0.1", "localhost", "::1")
        if value and not (parts.scheme == "https" and parts.hostname) and not loopback:
            raise ValueError("expected https://HOST/...")
        return value

    @model_validator(mode="after")
    def _usable(self) -> OidcSettings:
        if self.issuer and not (self.client_id and self.roles):
            raise ValueError("single sign-on needs client_id and roles besides issuer")
        return self


class DashboardSettings(Section):
    """The dashboard: its address, sessions and limits. No run depends on it."""

    host: str = Field(
        "127.0.0.1", description="Address that is listened on; another than loopback needs `url`."
    )
    port: int = Field(8050, ge=1, le=65535, description="Port that is listened on.")
    threads: int = Field(8, ge=1, le=256, description="Requests answered at the same time.")
    url: str = Field(
        "",
        description="Address that people type, e.g. `https://finpat.example.org`. With https, cookies travel "
        "encrypted only and browsers are told to use nothing else; encryption itself is a proxy's work.",
    )
    proxies: int = Field(
        0, ge=0, le=8, description="Reverse proxies in front whose `X-Forwarded-*` headers are believed."
    )
    request_mb: int = Field(16, ge=1, le=1024, description="Megabytes of one request, attachments included.")
    idle_minutes: int = Field(30, ge=1, description="A session that nobody uses ends after so long.")
    session_hours: int = Field(12, ge=1, description="Any session ends after so long.")
    password_length: int = Field(
        15,
        ge=8,
        le=64,
        description="Fewest characters of a password (NIST SP 800-63B-4: 15 where it is all).",
    )
    attempts_per_user: int = Field(
        5, ge=1, description="Wrong passwords of one name, known or not, before it has to wait."
    )
    attempts_per_address: int = Field(
        20, ge=1, description="Wrong passwords from one address before it has to wait."
    )
    first_wait_seconds: int = Field(
        30, ge=1, description="The first wait; each further wrong password doubles it, up to 15 minutes."
    )
    reveal_minutes: int = Field(
        15, ge=1, description="Personal data of one object stays shown to who gave a reason for so long."
    )

    oidc: OidcSettings = Field(default_factory=OidcSettings, description="Single sign-on.")

    @field_validator("url")
    @classmethod
    def _an_address(cls, value: str) -> str:
        from urllib.parse import urlsplit

        parts = urlsplit(value)
        plain = parts.path in ("", "/") and not parts.query and not parts.fragment
        if value and not (parts.scheme in ("http", "https") and parts.hostname and plain):
            raise ValueError("expected https://HOST or http://HOST, with a port if it is not the usual one")
        return value.rstrip("/")

    @property
    def hosts(self) -> tuple[str, ...]:
        """Host names that requests may name besides those of this machine."""
        from urllib.parse import urlsplit

        name = urlsplit(self.url).hostname
        return (name,) if name else ()


class FincenSettings(Section):
    """The institution's own data in drafts for FinCEN; a draft is not written while one is missing."""

    institution: str = Field("", description="Legal name of the institution that files.")
    ein: str = Field("", description="Its employer identification number: nine digits.")
    transmitter_control_code: str = Field("", description="Its control code for E-Filing.")
    regulator: str = Field(
        "",
        description="Code of its federal regulator: 1 Federal Reserve, 2 FDIC, 3 NCUA, 4 OCC, 6 SEC, 7 IRS, "
        "9 CFTC, 13 FHFA, 99 none of them.",
    )
    street: str = Field("", description="Its street address.")
    city: str = Field("", description="Its city.")
    state: str = Field("", description="Its state: two capitals.")
    zip: str = Field("", description="Its ZIP code: five or nine digits.")
    country: str = Field("", description="Its country (ISO 3166-1 alpha-2).")
    contact: str = Field("", description="Office that answers questions about a report.")
    phone: str = Field("", description="Telephone of that office, digits only.")


class ReportsSettings(Section):
    """Drafts of reports. No run depends on them."""

    fincen: FincenSettings = Field(default_factory=FincenSettings, description="Drafts for FinCEN.")


class ThresholdSettings(Section):
    """One legal threshold of one's own; it replaces the shipped rules of its jurisdiction and instrument."""

    jurisdiction: str = Field(min_length=1, description="Whose rule it is, e.g. `GB`.")
    instrument: str = Field(min_length=1, description="What it is called, e.g. `internal cash limit`.")
    use: Literal[
        "", "cash_report", "instrument_identification", "transfer_record", "transfer_identification"
    ] = Field("cash_report", description="What indicators test against it; `''`: nothing, for reference.")
    currency: str = Field(description="Currency of the payments it is held against.")
    operator: Literal[">", ">="] = Field(">=", description="`>`: the amount itself is not yet caught.")
    amount: Decimal = Field(gt=0, description="In units of the currency.")
    window: Literal["single", "business_day", "rolling_24h", "calendar_month", "12_month", "linked"] = Field(
        "single", description="Over which payments are summed."
    )
    aggregation: str = Field("", description="Whose payments are summed, in words.")
    valid_from: date = Field(date(1970, 1, 1), description="First day.")
    valid_to: date | None = Field(None, description="Day from which it no longer applies; none: open.")
    source: str = Field("own setting", description="Where it is written.")

    @field_validator("currency")
    @classmethod
    def _currency_exists(cls, value: str) -> str:
        from finpat.money import is_iso_currency

        if not is_iso_currency(value):
            raise ValueError("expected a currency code of ISO 4217 in capitals, e.g. GBP")
        return value

    @field_validator("amount", mode="before")
    @classmethod
    def _exact(cls, value: Any) -> Any:
        return str(value) if isinstance(value, float) else value  # 0.1 is what the file says

    @model_validator(mode="after")
    def _usable(self) -> ThresholdSettings:
        from finpat.money import to_minor

        to_minor(self.amount, self.currency)
        if self.valid_to is not None and self.valid_to <= self.valid_from:
            raise ValueError("valid_to has to be later than valid_from")
        return self


class IndicatorSettings(BaseModel):
    """One indicator: `enabled`, and any of its own parameters by name (checked against the indicator)."""

    model_config = ConfigDict(extra="allow", frozen=True)
    enabled: bool | None = Field(None, description="Overrides what the catalogue ships.")

    @property
    def parameters(self) -> dict[str, Any]:
        """Overridden parameters by name."""
        return dict(self.model_extra or {})


class Settings(Section):
    """All settings of a workspace."""

    reporting_currency: str = Field(
        "auto", description="Currency of totals over accounts: a code, or `auto` for the one with most rows."
    )
    reporting_zone: str = Field(
        "UTC", description="IANA zone of dates where the place of a transaction is unknown."
    )
    jurisdictions: tuple[str, ...] = Field(
        (),
        description="Jurisdictions whose legal thresholds apply, e.g. ['US', 'EU']; empty: those whose "
        "currency the transaction is in.",
    )
    threads: int = Field(
        0, ge=0, description="Threads of one run; 0: all cores. Results do not depend on it."
    )
    fx: FxSettings = Field(default_factory=FxSettings, description="Exchange rates.")
    ingest: IngestSettings = Field(default_factory=IngestSettings, description="Loading of export files.")
    detection: DetectionSettings = Field(default_factory=DetectionSettings, description="Anomaly detectors.")
    casework: CaseworkSettings = Field(
        default_factory=CaseworkSettings,
        description="Alerts, decisions and the audit trail; no run depends on it.",
    )
    dashboard: DashboardSettings = Field(
        default_factory=DashboardSettings, description="The dashboard; no run depends on it."
    )
    reports: ReportsSettings = Field(
        default_factory=ReportsSettings, description="Drafts of reports; no run depends on them."
    )
    indicators: dict[str, IndicatorSettings] = Field(
        default_factory=dict, description="Per indicator id: `enabled` and any of its parameters."
    )
    thresholds: tuple[ThresholdSettings, ...] = Field(
        (),
        description="Own legal thresholds, one `[[thresholds]]` section each; they replace the shipped "
        "rules of the same jurisdiction and instrument.",
    )
    dictionaries: dict[str, tuple[str, ...]] = Field(
        default_factory=dict,
        description="Own words by kind of payment, added to the shipped ones (finpat/vocabulary), e.g. "
        "`lodging = ['Zum Wilden Mann']`; `['@words.txt']` reads them from a text file of the workspace, one "
        "a line.",
    )

    @field_validator("dictionaries")
    @classmethod
    def _kinds_exist(cls, value: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        from finpat.vocabulary import KINDS

        for kind in value:
            if kind not in KINDS:
                raise ValueError(f"no such kind of payment: {kind!r}.{nearest(kind, KINDS)}")
        return value

    @field_validator("reporting_zone")
    @classmethod
    def _zone_exists(cls, value: str) -> str:
        if value not in available_timezones():
            raise ValueError(f"no such time zone.{nearest(value, available_timezones())}")
        return value

    @field_validator("reporting_currency")
    @classmethod
    def _currency_exists(cls, value: str) -> str:
        from finpat.money import is_iso_currency

        if value != "auto" and not is_iso_currency(value):
            raise ValueError("expected `auto` or a currency code of ISO 4217 in capitals, e.g. EUR")
        return value


def _keys_at(location: tuple[int | str, ...]) -> list[str]:
    """Names that are valid at the place where pydantic met an unknown key."""
    model: Any = Settings
    for part in location[:-1]:
        if isinstance(part, int):  # the number of a section in a list of them
            continue
        field = model.model_fields.get(part)
        model = _section_of(field.annotation) if field is not None else None
        if model is None:
            return []
    return list(model.model_fields)


def _section_of(annotation: Any) -> type[BaseModel] | None:
    """The section that a field holds, one or many of; None where it holds plain values."""
    for kind in (annotation, *get_args(annotation)):
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            return kind
    return None


def parse_settings(values: dict[str, Any], origin: str = FILE_NAME) -> Settings:
    """Settings from a parsed TOML document.

    Raises:
        SettingsError: naming the first key or value that cannot be used and the nearest right key.
    """
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        if first["type"] == "extra_forbidden":
            hint = nearest(str(first["loc"][-1]), _keys_at(first["loc"]))
            raise SettingsError(f"{origin}: unknown key {where!r}.{hint}") from None
        if first["type"] == "missing":
            raise SettingsError(f"{origin}: {where} is missing") from None
        if first["type"] == "literal_error":
            known = first["ctx"]["expected"]
            hint = nearest(
                str(first["input"]), [word.strip(" '") for word in known.replace(" or ", ",").split(",")]
            )
            raise SettingsError(f"{origin}: {where} = {first['input']!r}: expected {known}.{hint}") from None
        reason = first["msg"].removeprefix("Value error, ")
        raise SettingsError(f"{origin}: {where} = {first['input']!r}: {reason}") from None


def load_settings(workspace: Path) -> Settings:
    """Settings of a workspace; the defaults where it has no finpat.toml.

    Raises:
        SettingsError: the file is no TOML, or a key or value cannot be used.
    """
    path = workspace / FILE_NAME
    if not path.exists():
        return Settings()
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: not valid TOML: {error}") from None
    listed = values.get("dictionaries")
    if isinstance(listed, dict):
        values["dictionaries"] = {kind: _words(workspace, kind, words) for kind, words in listed.items()}
    return parse_settings(values, str(path))


def _words(workspace: Path, kind: str, words: Any) -> Any:
    """`words` with those of the files that it names in their place, so that a run keeps the words it used."""
    if not isinstance(words, list):
        return words
    read: list[Any] = []
    for word in words:
        if not (isinstance(word, str) and word.startswith("@")):
            read.append(word)
            continue
        path = workspace / word[1:]
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError(
                f"dictionaries.{kind}: {path} cannot be read as UTF-8 text: {error}"
            ) from None
        read += [line.strip() for line in lines if line.strip()]
    return read


def settings_table() -> str:
    """Every setting with its default and meaning, as Markdown (docs/settings.md)."""
    lines = [
        "# Settings",
        "",
        "`finpat.toml` in the workspace; every key may be left out. Generated from `finpat/config.py` by",
        "`python run.py docs`.",
        "",
        "| key | default | meaning |",
        "| --- | --- | --- |",
    ]

    def add(model: type[BaseModel], prefix: str) -> None:
        for name, field in model.model_fields.items():
            annotation = field.annotation
            if isinstance(annotation, type) and issubclass(annotation, Section):
                add(annotation, f"{prefix}{name}.")
                continue
            default = field.get_default(call_default_factory=True)
            shown = {"": '`""`'}.get(str(default), f"`{default!r}`")
            if field.is_required():
                shown = "required"
            lines.append(f"| `{prefix}{name}` | {shown} | {field.description} |")

    add(Settings, "")
    add(ThresholdSettings, "thresholds[].")
    return "\n".join(lines) + "\n"
