"""Sign-in through another service, with that service played by recorded answers."""

from collections.abc import Sequence
from urllib.parse import parse_qs, urlsplit

import pytest
import responses
from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount
from django.test import Client

from accounts.invitations import REFUSED, invite
from accounts.models import JournalEntry, Organization, User
from accounts.permissions import Role
from tests import make
from tests.accounts.conftest import events_of, home_of
from tests.make import PASSWORD
from tokentra.lib.tenancy import organization_scope

ADDRESS = "dana@acme-labs.example"


@pytest.fixture
def github(settings):
    settings.SOCIALACCOUNT_PROVIDERS = {
        "github": {"APPS": [{"client_id": "id", "secret": "secret"}], "SCOPE": ["user:email"]}
    }
    with responses.RequestsMock(assert_all_requests_are_fired=False) as answers:
        yield answers


def come_back(
    answers: responses.RequestsMock,
    email: str = ADDRESS,
    *,
    verified: bool = True,
    client: Client | None = None,
    others: Sequence[dict[str, object]] = (),
):
    """Through the button, to the service, and back with its code."""
    browser = client or Client()
    sent = browser.post("/github/login/")["Location"]
    state = parse_qs(urlsplit(sent).query)["state"][0]
    answers.post("https://github.com/login/oauth/access_token", json={"access_token": "t", "token_type": "bearer"})
    answers.get("https://api.github.com/user", json={"id": 7, "login": "dana", "name": "Dana Day"})
    emails = [{"email": email, "primary": True, "verified": verified}] if email else []
    answers.get("https://api.github.com/user/emails", json=[*emails, *others])
    return browser, browser.get(f"/github/login/callback/?code=x&state={state}")


@pytest.mark.usefixtures("without_guidance")
def test_a_new_person_comes_by_another_service(mandatory, github, db):
    browser, answer = come_back(github)

    assert (answer.status_code, answer["Location"]) == (302, "/")
    user = User.objects.get(email=ADDRESS)
    assert (user.full_name, user.has_usable_password()) == ("Dana Day", False)
    home = home_of(ADDRESS)
    assert home.name == "Acme Labs"
    assert events_of(home)[2:] == ["signup_completed", "email_verified"]
    assert browser.get("/settings/profile/").status_code == 200


def invited(acme: Organization, alice: User, address: str) -> Client:
    """A browser in which the link of an invitation was opened."""
    browser = Client()
    [told] = invite(acme, [address], Role.VIEWER, by=alice)
    browser.get(f"/invitations/{told.link.rstrip('/').rsplit('/', 1)[-1]}/")
    return browser


@pytest.mark.parametrize("verified", [True, False])
def test_an_invited_person_who_comes_by_another_service_joins_with_the_proof(
    mandatory, github, acme, alice, code_sent_to, verified: bool
):
    browser, answer = come_back(github, verified=verified, client=invited(acme, alice, ADDRESS))

    if not verified:
        assert answer["Location"] == "/confirm-email/"
        browser.post("/confirm-email/", {"code": code_sent_to(ADDRESS)})
    assert home_of(ADDRESS) == acme
    with organization_scope(acme.pk):
        said = JournalEntry.objects.owned_by(acme).get(event="signup_completed").data
    assert said == {"method": "github", "invited": True}


def test_b7_another_address_of_that_service_gets_its_own_organization_and_uses_nothing_up(
    mandatory, github, acme, alice
):
    browser, answer = come_back(github, client=invited(acme, alice, "june@client.example"))

    assert answer["Location"] == "/invitations/"
    assert browser.get("/invitations/").status_code == 403
    assert home_of(ADDRESS).name == "Acme Labs"


def test_buttons_appear_only_for_services_that_are_configured(github, db, settings):
    assert "Continue with GitHub" in Client().get("/signup/").content.decode()
    assert "Continue with Google" not in Client().get("/signup/").content.decode()
    settings.SOCIALACCOUNT_PROVIDERS = {name: {"APPS": []} for name in ("google", "github", "microsoft")}
    for page in ("/signup/", "/login/"):
        assert "Continue with G" not in Client().get(page).content.decode()


def test_b4_an_address_that_has_an_account_is_not_joined_to_it(mandatory, github, alice):
    browser, answer = come_back(github, alice.email)

    assert answer.status_code == 409
    assert "Log in first, then connect GitHub." in answer.content.decode()
    assert not SocialAccount.objects.exists()
    assert "_auth_user_id" not in browser.session


def test_b1_an_address_that_nobody_vouched_for_is_answered_alike_known_or_not(mandatory, github, alice):
    pages = [come_back(github, address, verified=False)[1] for address in (alice.email, ADDRESS)]

    assert [page["Location"] for page in pages] == ["/confirm-email/"] * 2
    assert not SocialAccount.objects.filter(user=alice).exists()


@pytest.mark.parametrize("verified", [True, False])
def test_an_address_beside_that_of_an_account_is_kept_from_nobody(mandatory, github, db, verified):
    named = "dana@other.example"
    come_back(github, "other@private.example", others=[{"email": named, "primary": False, "verified": verified}])

    Client().post("/signup/", {"email": named, "password1": PASSWORD})

    assert User.objects.filter(email=named).exists()


def test_b4_an_address_that_the_service_does_not_vouch_for_waits_for_its_code(mandatory, github, db, code_sent_to):
    browser, answer = come_back(github, verified=False)

    assert answer["Location"] == "/confirm-email/"
    assert "_auth_user_id" not in browser.session
    assert browser.post("/confirm-email/", {"code": code_sent_to(ADDRESS)})["Location"] == "/"


@pytest.mark.django_db(transaction=True)
def test_b5_an_account_that_somebody_registered_for_anothers_address_gives_way(mandatory, github):
    Client().post("/signup/", {"email": ADDRESS, "password1": PASSWORD})
    planted = User.objects.get(email=ADDRESS).pk

    _, answer = come_back(github)

    assert answer["Location"] == "/"
    user = User.objects.get(email=ADDRESS)
    assert user.pk != planted
    assert not user.has_usable_password()
    assert EmailAddress.objects.get(email=ADDRESS).verified
    assert Organization.objects.using("owner").count() == 1


def test_b6_an_answer_that_nobody_asked_for_is_400(github, db):
    answer = Client().get("/github/login/callback/?code=x&state=forged")

    assert answer.status_code == 400
    assert "This sign-in link has expired" in answer.content.decode()


def test_a_cancelled_sign_in_leads_back_to_login(github, db):
    browser = Client()
    state = parse_qs(urlsplit(browser.post("/github/login/")["Location"]).query)["state"][0]

    answer = browser.get(f"/github/login/callback/?error=access_denied&state={state}")

    assert answer["Location"] == "/login/"


def test_a_throwaway_mailbox_is_refused_here_too(github, db):
    browser, answer = come_back(github, "x@mailinator.com")
    assert answer["Location"] == "/3rdparty/signup/"

    assert browser.post("/3rdparty/signup/", {"email": "x@mailinator.com"}).status_code == 422
    assert not User.objects.exists()


def test_b7_an_address_whose_domain_reads_like_another_one_is_not_that_one(mandatory, github, acme, alice):
    [told] = invite(acme, ["bob@strasse.example"], Role.ADMIN, by=alice)
    assert told.link

    _, answer = come_back(github, "bob@straße.example")

    assert answer["Location"] == "/3rdparty/signup/"  # it is asked for
    assert not EmailAddress.objects.filter(email="bob@strasse.example").exists()
    assert invite(acme, ["june@straße.example"], Role.VIEWER, by=alice)[0].status == REFUSED


def test_without_an_address_the_person_is_asked_for_one_and_a_known_one_is_told(github, alice):
    browser, answer = come_back(github, "")
    assert answer["Location"] == "/3rdparty/signup/"
    assert browser.get("/3rdparty/signup/").status_code == 200

    assert browser.post("/3rdparty/signup/", {"email": alice.email}).status_code == 422
    assert browser.post("/3rdparty/signup/", {"email": ADDRESS})["Location"] == "/"

    assert home_of(ADDRESS).name == "Acme Labs"


def test_only_identity_and_email_are_asked_for(db):
    from django.conf import settings

    asked = {name: scopes for name, (_, _, scopes) in settings.SOCIAL_PROVIDERS.items()}
    assert asked == {
        "google": ["openid", "email", "profile"],
        "github": ["user:email"],
        "microsoft": ["User.Read"],
    }


def test_a_person_without_a_password_can_set_one(mandatory, github, db):
    browser, _ = come_back(github)
    page = browser.get("/settings/security/").content.decode()
    assert "Set a password" in page
    assert "Current password" not in page

    answer = browser.post("/password/set/", {"password1": make.PASSWORD})

    assert answer["Location"] == "/settings/security/"
    assert browser.get("/settings/security/").status_code == 200


def test_b4_somebody_who_is_logged_in_connects_the_service(mandatory, github, alice, acme):
    browser = Client()
    browser.post("/login/", {"login": alice.email, "password": PASSWORD})
    page = browser.get("/settings/security/").content.decode()
    assert "Connect GitHub" in page
    assert "/github/login/?process=connect" in page

    sent = browser.post("/github/login/?process=connect")["Location"]
    state = parse_qs(urlsplit(sent).query)["state"][0]
    github.post("https://github.com/login/oauth/access_token", json={"access_token": "t", "token_type": "bearer"})
    github.get("https://api.github.com/user", json={"id": 7, "login": "alice", "name": "Alice"})
    github.get("https://api.github.com/user/emails", json=[{"email": alice.email, "primary": True, "verified": True}])
    back = browser.get(f"/github/login/callback/?code=x&state={state}")
    assert back["Location"] == "/reauthenticate/"
    assert browser.get("/reauthenticate/").status_code == 200
    browser.post("/reauthenticate/", {"password": PASSWORD})

    assert SocialAccount.objects.get().user == alice
    assert browser.get("/3rdparty/").status_code == 200
    assert come_back(github, alice.email)[1]["Location"] == "/"
