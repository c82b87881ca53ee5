"""Google, GitHub and Microsoft, played on loopback by a server that speaks their protocol: codes, PKCE, tokens, profiles."""

from urllib.parse import parse_qs, urlsplit

import pytest
from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount
from allauth.socialaccount.providers.github.views import GitHubOAuth2Adapter
from allauth.socialaccount.providers.google import views as google
from django.test import Client

from accounts.models import User
from tests.accounts.conftest import home_of
from tests.accounts.identity_provider import CLIENT, SECRET, IdentityProvider
from tests.make import PASSWORD

pytestmark = pytest.mark.django_db

DANA = "dana@acme-labs.example"
SERVICES = ["google", "github", "microsoft"]
VOUCHING = ["google", "github"]  # Microsoft does not say whether an address is proved


@pytest.fixture
def service(settings, monkeypatch):
    with IdentityProvider() as server:
        app = {"client_id": CLIENT, "secret": SECRET}
        at = {"login_url": server.issuer, "graph_url": server.issuer, "tenant": "common"}
        settings.SOCIALACCOUNT_PROVIDERS = {
            "google": {"APPS": [app], "SCOPE": ["openid", "email", "profile"], "OAUTH_PKCE_ENABLED": True},
            "github": {"APPS": [app], "SCOPE": ["user:email"], "OAUTH_PKCE_ENABLED": True},
            "microsoft": {"APPS": [app | {"settings": at}], "SCOPE": ["User.Read"], "OAUTH_PKCE_ENABLED": True},
        }
        for name, path in {"access_token_url": "token", "authorize_url": "authorize"}.items():
            monkeypatch.setattr(google.GoogleOAuth2Adapter, name, f"{server.issuer}/{path}")
            monkeypatch.setattr(GitHubOAuth2Adapter, name, f"{server.issuer}/login/oauth/{path}")
        monkeypatch.setattr(google, "ID_TOKEN_ISSUER", server.issuer)
        monkeypatch.setattr(GitHubOAuth2Adapter, "profile_url", f"{server.issuer}/api/v3/user")
        monkeypatch.setattr(GitHubOAuth2Adapter, "emails_url", f"{server.issuer}/api/v3/user/emails")
        yield server


def person(name: str, address: str, *, verified: bool = True) -> dict[str, object]:
    """The same person as each service tells of them."""
    return {
        "google": {"sub": "42", "email": address, "email_verified": verified, "name": "Dana Day"},
        "github": {
            "id": 42,
            "login": "dana",
            "name": "Dana Day",
            "emails": [{"email": address, "primary": True, "verified": verified}],
        },
        "microsoft": {"id": "42", "displayName": "Dana Day", "mail": address, "userPrincipalName": address},
    }[name]


def begun(service: IdentityProvider, name: str, browser: Client, path: str = "") -> str:
    sent = browser.post(f"/{name}/login/{path}")["Location"]
    assert sent.startswith(service.issuer)
    return service.agree(sent).replace("http://testserver", "")


def through(service: IdentityProvider, name: str, address: str = DANA, *, verified: bool = True):
    service.person = person(name, address, verified=verified)
    browser = Client()
    return browser, browser.get(begun(service, name, browser))


@pytest.mark.parametrize("name", SERVICES)
def test_somebody_new_comes_by_each_service(mandatory, service, code_sent_to, name: str):
    browser, answer = through(service, name)
    if name not in VOUCHING:
        assert answer["Location"] == "/confirm-email/"
        answer = browser.post("/confirm-email/", {"code": code_sent_to(DANA)})

    assert answer["Location"] == "/"
    assert browser.get("/settings/profile/").status_code == 200
    assert (home_of(DANA).name, SocialAccount.objects.get().provider) == ("Acme Labs", name)
    again, _ = through(service, name)
    assert again.get("/settings/profile/").status_code == 200
    assert User.objects.count() == 1


@pytest.mark.parametrize("verified", [True, False])
@pytest.mark.parametrize("name", SERVICES)
def test_b4_no_service_joins_an_account_by_its_address(mandatory, service, alice, name: str, verified: bool):
    browser, answer = through(service, name, alice.email, verified=verified)

    if verified and name in VOUCHING:
        assert (answer.status_code, "Log in first, then connect" in answer.content.decode()) == (409, True)
    else:  # as for an address that nobody knows
        assert answer["Location"] == "/confirm-email/"
    assert not SocialAccount.objects.exists()
    assert "_auth_user_id" not in browser.session


@pytest.mark.parametrize("name", VOUCHING)
def test_b5_a_planted_account_gives_way_to_whom_the_service_vouches_for(mandatory, service, name: str):
    Client().post("/signup/", {"email": DANA, "password1": PASSWORD})
    planted = User.objects.get(email=DANA).pk

    through(service, name)

    user = User.objects.get(email=DANA)
    assert (user.pk != planted, user.has_usable_password()) == (True, False)
    assert EmailAddress.objects.get(email=DANA).verified


@pytest.mark.parametrize("name", SERVICES)
def test_b6_an_answer_opens_the_browser_that_asked_and_once(service, name: str):
    service.person = person(name, DANA)
    browser = Client()
    back = begun(service, name, browser)
    state = parse_qs(urlsplit(back).query)["state"][0]

    for stranger, path in ((Client(), back), (browser, back.replace(state, "forged"))):
        answer = stranger.get(path)
        assert (answer.status_code, "_auth_user_id" in stranger.session) == (400, False)
        assert "This sign-in link has expired" in answer.content.decode()
    assert browser.get(back).status_code == 302
    assert browser.get(back).status_code == 400


@pytest.mark.parametrize("name", SERVICES)
def test_b6_a_code_of_somebody_elses_login_is_refused_by_its_proof_of_possession(service, name: str):
    """An attacker's code in the victim's browser: the verifier is another one."""
    service.person = person(name, "eve@evil.example")
    stolen = parse_qs(urlsplit(begun(service, name, Client())).query)["code"][0]
    victim = Client()
    back = begun(service, name, victim)
    own = parse_qs(urlsplit(back).query)["code"][0]

    answer = victim.get(back.replace(own, stolen))

    assert (answer.status_code, "_auth_user_id" in victim.session) == (400, False)


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example/", "/\\evil.example"])
def test_b6_a_service_leads_back_to_own_paths_only(mandatory, service, target: str):
    service.person = person("google", DANA)
    browser = Client()

    answer = browser.get(begun(service, "google", browser, f"?next={target}"))

    assert answer["Location"] == "/"


@pytest.mark.parametrize("lie", [{"aud": "another-client"}, {"iss": "https://evil.example"}, {"exp": 1}])
def test_b4_a_token_that_google_made_for_somebody_else_opens_nothing(service, lie):
    service.lie = lie
    browser, answer = through(service, "google")

    assert (answer.status_code, "_auth_user_id" in browser.session) == (400, False)
