"""Single sign-on by OpenID Connect: authorization code with PKCE, state and nonce.

Everything that ties the answer to the question (state, nonce, code verifier) is derived from the browser's
own token, which nobody else has; so nothing is kept between the two, and an answer that another browser asked
for fails. The id token has to be signed with a public key of the provider and be for this client, now.

Needs the extra `oidc` (authlib, requests).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import logging
import secrets
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from finpat.config import OidcSettings
from finpat.errors import FinpatError, SettingsError

_LOG = logging.getLogger(__name__)
# A provider's public key signs; `none` does not, and HS256 would take the public key for a shared secret.
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
_PATIENCE = 10.0  # seconds that the provider has for an answer
_LEEWAY = 60  # seconds by which two clocks may differ


class SingleSignOnError(FinpatError):
    """The provider's answer cannot be believed or does not come; the message says nothing of why."""


@dataclass(frozen=True)
class Person:
    """Who the provider says it is: issuer and id, a name, and the role that the settings give them."""

    subject: str
    name: str
    role: str | None


@dataclass(frozen=True)
class Provider:
    """The provider of the settings."""

    settings: OidcSettings
    client_secret: str | None

    def question(self, token: str, answer_to: str, wanted: str) -> str:
        """The provider's address that asks who it is.

        token: the browser's. answer_to: our address for the answer. wanted: the page to go to afterwards.

        Raises:
            SingleSignOnError: the provider does not answer.
        """
        salt = secrets.token_urlsafe(16)
        place = base64.urlsafe_b64encode(wanted.encode()).decode().rstrip("=")
        challenge = hashlib.sha256(_derived(token, "verifier", salt).encode()).digest()
        asked = {
            "response_type": "code",
            "client_id": self.settings.client_id,
            "redirect_uri": answer_to,
            "scope": self.settings.scopes,
            "state": f"{salt}.{place}.{_derived(token, 'state', salt + place)}",
            "nonce": _derived(token, "nonce", salt),
            "code_challenge": base64.urlsafe_b64encode(challenge).decode().rstrip("="),
            "code_challenge_method": "S256",
        }
        where = str(self._metadata()["authorization_endpoint"])
        return f"{where}{'&' if '?' in where else '?'}{urlencode(asked)}"

    def answer(self, token: str, answer_to: str, code: str, state: str) -> tuple[Person, str]:
        """Who it is, and the page that was wanted.

        Raises:
            SingleSignOnError: it is no answer to a question of this browser, or cannot be believed.
        """
        salt, place, proof = (*state.split("."), "", "", "")[:3]
        expected = _derived(token, "state", salt + place)
        if not code or not hmac.compare_digest(proof.encode(), expected.encode()):
            raise _unbelievable("the state is not of this browser")
        claims = self._claims(token, salt, answer_to, code)
        wanted = base64.urlsafe_b64decode(place + "=" * (-len(place) % 4)).decode()
        name = claims.get(self.settings.name_claim) or claims["sub"]
        subject = f"{self.settings.issuer}|{claims['sub']}"
        return Person(subject, str(name), self._role(claims)), wanted

    def _claims(self, token: str, salt: str, answer_to: str, code: str) -> dict[str, Any]:
        """What the id token says, after everything about it was checked."""
        from authlib.integrations.requests_client import OAuth2Session
        from authlib.oidc.core import CodeIDToken
        from joserfc import jwt
        from joserfc.jwk import KeySet

        metadata = self._metadata()
        try:
            with OAuth2Session(
                self.settings.client_id, self.client_secret, redirect_uri=answer_to, default_timeout=_PATIENCE
            ) as session:
                answered = session.fetch_token(
                    metadata["token_endpoint"],
                    grant_type="authorization_code",
                    code=code,
                    code_verifier=_derived(token, "verifier", salt),
                )
            published: Any = self._fetched(metadata["jwks_uri"])
            keys = KeySet.import_key_set(published)
            signed = jwt.decode(answered["id_token"], keys, algorithms=list(ALGORITHMS))
            claims = CodeIDToken(
                signed.claims,
                signed.header,
                {
                    "iss": {"essential": True, "value": self.settings.issuer},
                    "aud": {"essential": True, "value": self.settings.client_id},
                    "nonce": {"essential": True, "value": _derived(token, "nonce", salt)},
                },
                {
                    "nonce": _derived(token, "nonce", salt),
                    "client_id": self.settings.client_id,
                    "access_token": answered.get("access_token"),
                },
            )
            claims.validate(leeway=_LEEWAY)
        except Exception as error:  # whatever libraries and network raise: nobody is signed in
            raise _unbelievable(f"{type(error).__name__}: {error}") from error
        return dict(claims)

    def _metadata(self) -> dict[str, Any]:
        """What the provider publishes of itself; its issuer has to be the one of the settings."""
        metadata = self._fetched(self.settings.issuer.rstrip("/") + "/.well-known/openid-configuration")
        if metadata.get("issuer") != self.settings.issuer:
            raise _unbelievable(f"the issuer calls itself {metadata.get('issuer')!r}")
        return metadata

    def _fetched(self, address: str) -> dict[str, Any]:
        import requests

        try:
            answer = requests.get(address, timeout=_PATIENCE)
            answer.raise_for_status()
            told: dict[str, Any] = answer.json()
        except (requests.RequestException, ValueError) as error:
            raise _unbelievable(f"{address}: {error}") from error
        return told

    def _role(self, claims: dict[str, Any]) -> str | None:
        """The first role of the settings whose word the claim holds."""
        held: Any = claims
        for part in self.settings.role_claim.split("."):
            held = held.get(part) if isinstance(held, dict) else None
        words = {held} if isinstance(held, str) else set(held or ())
        return next((role for word, role in self.settings.roles.items() if word in words), None)


def provider(settings: OidcSettings, client_secret: str | None) -> Provider | None:
    """The provider of the settings; None where there is none.

    Raises:
        SettingsError: the libraries are missing.
    """
    if not settings.issuer:
        return None
    try:
        import authlib  # noqa: F401
        import requests  # noqa: F401
    except ModuleNotFoundError:
        raise SettingsError("dashboard.oidc needs further packages: pip install 'finpat[oidc]'") from None
    return Provider(settings, client_secret)


def _derived(token: str, what: str, salt: str) -> str:
    return hmac.new(token.encode(), f"oidc {what} {salt}".encode(), hashlib.sha256).hexdigest()


def _unbelievable(why: str) -> SingleSignOnError:
    _LOG.warning("single sign-on: %s", why)
    return SingleSignOnError("Single sign-on did not work; the server's log says why. Try again.")
