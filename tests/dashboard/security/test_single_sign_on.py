"""Single sign-on against a real provider: who comes in, in which role; every answer that is not believed."""

from __future__ import annotations

import time
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey

from finpat.casework import users
from finpat.config import DashboardSettings, OidcSettings, Settings, parse_settings
from finpat.errors import SettingsError
from tests.dashboard.security import provider as providers
from tests.dashboard.security.conftest import house, now

ROLES = {"finpat-leads": "lead", "finpat-analysts": "analyst"}
ANA = {"sub": "17", "preferred_username": "ana", "groups": {"roles": ["staff", "finpat-analysts"]}}


@pytest.fixture(scope="module")
def provider():
    with providers.running() as running:
        yield running


@pytest.fixture
def home(tmp_path, provider):
    """The application that asks this provider; its own users of each role are there too."""
    provider.person, provider.sign = dict(ANA), None
    provider.redirect_uri = "http://localhost/single-sign-on/answer"
    oidc = OidcSettings(
        issuer=provider.issuer, client_id=providers.CLIENT, roles=ROLES, role_claim="groups.roles"
    )
    made = house(tmp_path, Settings(dashboard=DashboardSettings(oidc=oidc)), providers.SECRET)
    yield made
    made.database.close()


def come(client, wanted="/queue"):
    """Press the button, be known by the provider, come back: the application's answer."""
    client.get(f"/sign-in?next={wanted}")
    asked = client.get(f"/single-sign-on?next={wanted}")
    assert asked.status_code == 302, asked.text
    back = requests.get(asked.headers["Location"], allow_redirects=False, timeout=10)
    assert back.status_code == 302, back.text
    return client.get(back.headers["Location"].removeprefix("http://localhost"))


def known(home):
    with home.database.reading() as connection:
        return {user.name: user for user in users.listed(connection) if user.subject}


def is_in(client):
    return client.get("/_dash-layout").status_code == 200


def test_who_the_provider_knows_comes_in_with_the_role_of_the_settings(home, provider):
    client = home.stranger()
    before = client.token
    answer = come(client)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/queue")
    assert is_in(client)
    assert client.token != before
    user = known(home)["ana"]
    assert (user.role, user.subject, user.state) == ("analyst", f"{provider.issuer}|17", "single sign-on")
    told = [entry.action for entry in home.trail()][:2]
    assert told == ["user.signed_in", "user.added"]


def test_the_button_is_on_the_sign_in_page(home):
    assert "/single-sign-on?next=%2Fqueue" in home.stranger().get("/sign-in?next=/queue").text.replace(
        "/queue", "%2Fqueue"
    )


def test_coming_again_is_the_same_user_whatever_their_name_is_now(home, provider):
    come(home.stranger())
    provider.person["preferred_username"] = "ana.new"
    come(home.stranger())
    assert list(known(home)) == ["ana"]


def test_a_name_that_somebody_has_here_is_not_given_to_another(home, provider):
    provider.person["preferred_username"] = "Administrator"
    come(home.stranger())
    assert list(known(home)) == ["Administrator-2"]


def test_a_role_follows_the_provider_and_the_first_of_the_settings_counts(home, provider):
    first = home.stranger()
    come(first)
    provider.person["groups"] = {"roles": ["finpat-analysts", "finpat-leads"]}
    come(home.stranger())
    assert known(home)["ana"].role == "lead"
    assert not is_in(first), "what was open under the other role has ended"


@pytest.mark.parametrize(
    "groups", [{"roles": ["staff"]}, {"roles": []}, {}, None, "finpat-leads", {"roles": None}]
)
def test_who_has_no_role_stays_outside_and_is_told(home, provider, groups):
    provider.person["groups"] = groups
    client = home.stranger()
    answer = come(client)
    assert answer.status_code == 403
    assert "no role here" in answer.text
    assert not is_in(client)
    assert known(home) == {}
    assert home.trail()[0].action == "user.refused"


def test_who_is_disabled_here_stays_outside(home):
    come(home.stranger())
    with home.database.writing("root", now()) as change:
        users.disable(change, "ana")
    client = home.stranger()
    assert come(client).status_code == 403
    assert not is_in(client)


def test_a_user_of_single_sign_on_has_no_password_here(home):
    come(home.stranger())
    client = home.stranger()
    assert client.sign_in("ana", "").status_code == 403
    with home.database.writing("root", now()) as change, pytest.raises(Exception, match="no password here"):
        users.reset(change, "ana")


OTHER = RSAKey.generate_key(2048)
# A good provider never signs these: how the claims are changed, and how they are signed.
FORGED = {
    "another nonce": lambda p, c: p.signed({**c, "nonce": "of another question"}),
    "no nonce": lambda p, c: p.signed({k: v for k, v in c.items() if k != "nonce"}),
    "for another client": lambda p, c: p.signed({**c, "aud": ["another"]}),
    "for no client": lambda p, c: p.signed({k: v for k, v in c.items() if k != "aud"}),
    "of another issuer": lambda p, c: p.signed({**c, "iss": "https://evil.example"}),
    "expired": lambda p, c: p.signed({**c, "iat": time.time() - 900, "exp": time.time() - 600}),
    "without an end": lambda p, c: p.signed({k: v for k, v in c.items() if k != "exp"}),
    "of tomorrow": lambda p, c: p.signed({**c, "nbf": time.time() + 86_400}),
    "without a subject": lambda p, c: p.signed({k: v for k, v in c.items() if k != "sub"}),
    "not signed": lambda p, c: providers.unsigned(c),
    "signed by another key": lambda p, c: jwt.encode({"alg": "RS256", "kid": p.key.kid}, c, OTHER),
    "signed with the public key as a secret": lambda p, c: jwt.encode(
        {"alg": "HS256"}, c, OctKey.import_key(p.key.as_pem(private=False)), algorithms=["HS256"]
    ),
    "changed after signing": lambda p, c: _changed(p.signed(c)),
    "no token": lambda p, c: "",
    "for another access token": lambda p, c: p.signed({**c, "at_hash": "AAAAAAAAAAAAAAAAAAAAAA"}),
}


def _changed(token):
    head, claims, signature = token.split(".")
    return ".".join((head, claims[:-2] + ("AA" if claims[-2:] != "AA" else "BB"), signature))


@pytest.mark.filterwarnings("ignore::joserfc.errors.SecurityWarning")
@pytest.mark.parametrize("how", FORGED)
def test_an_id_token_is_not_believed(home, provider, how):
    provider.sign = lambda claims: FORGED[how](provider, claims)
    client = home.stranger()
    answer = come(client)
    assert answer.status_code == 403
    assert "Single sign-on did not work" in answer.text
    assert not is_in(client)
    assert known(home) == {}


def answer_of(client):
    asked = client.get("/single-sign-on")
    back = requests.get(asked.headers["Location"], allow_redirects=False, timeout=10)
    return back.headers["Location"].removeprefix("http://localhost")


def test_an_answer_to_another_browser_s_question_is_not_believed(home):
    """Somebody who sends their own answer to another person would let them work in the wrong name."""
    mine, other = home.stranger(), home.stranger()
    for client in (mine, other):
        client.get("/sign-in")
    address = answer_of(mine)
    assert other.get(address).status_code == 403
    assert not is_in(other)


@pytest.mark.parametrize("state", ["", "x", "a.b.c", "a.b.c.d", "....", "\u00e9"])
def test_a_made_up_state_is_not_believed(home, state):
    client = home.stranger()
    client.get("/sign-in")
    answer = client.get(f"/single-sign-on/answer?code=x&state={state}")
    assert answer.status_code == 403
    assert not is_in(client)


def test_a_code_is_good_for_once(home):
    client = home.stranger()
    client.get("/sign-in")
    before, address = client.token, answer_of(client)
    assert client.get(address).status_code == 303
    thief = home.stranger()
    thief.token = before
    assert thief.get(address).status_code == 403


def test_a_code_without_the_verifier_of_its_question_is_worth_nothing(home, provider):
    client = home.stranger()
    client.get("/sign-in")
    code = parse_qs(urlsplit(answer_of(client)).query)["code"][0]
    fields = {"grant_type": "authorization_code", "code": code, "redirect_uri": provider.redirect_uri}
    stolen = requests.post(
        f"{provider.issuer}/token", fields, auth=(providers.CLIENT, providers.SECRET), timeout=10
    )
    assert stolen.status_code == 400


def test_a_refusal_of_the_provider_is_told(home):
    client = home.stranger()
    client.get("/sign-in")
    answer = client.get("/single-sign-on/answer?error=access_denied&state=x")
    assert answer.status_code == 403


def test_a_provider_that_does_not_answer_leaves_passwords(tmp_path):
    oidc = OidcSettings(issuer="http://127.0.0.1:9", client_id="finpat", roles=ROLES)
    made = house(tmp_path, Settings(dashboard=DashboardSettings(oidc=oidc)))
    client = made.stranger()
    client.get("/sign-in")
    assert client.get("/single-sign-on").status_code == 502
    assert client.sign_in("analyst").status_code == 303
    made.database.close()


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"issuer": "http://login.example.org", "client_id": "x", "roles": ROLES}, "expected https"),
        ({"issuer": "https://login.example.org"}, "needs client_id and roles"),
        ({"issuer": "https://l.example", "client_id": "x", "roles": {"a": "boss"}}, "expected 'viewer'"),
    ],
)
def test_settings_that_cannot_work_are_named(values, said):
    with pytest.raises(SettingsError, match=said):
        parse_settings({"dashboard": {"oidc": values}})
