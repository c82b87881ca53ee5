"""An organization's own OpenID Connect provider: who it lets in, where they may go, and what it may not do."""

from datetime import timedelta

import pytest
import time_machine
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.models import SocialAccount, SocialLogin
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone

from accounts import closing, invitations
from accounts.models import AuditLine, Membership, Organization, User
from accounts.permissions import Role
from accounts.sign_on import domains, setting_up, taking_in, vouching
from accounts.sign_on.unwelcome import Unwelcome
from tests import make
from tests.accounts.conftest import home_of
from tests.accounts.identity_provider import SECRET, IdentityProvider
from tests.accounts.sign_on import DANA, proved, through, with_openid
from tests.accounts.test_second_factor import password
from tests.conftest import Browser
from tests.make import PASSWORD
from tokentra.lib.tenancy import organization_scope

pytestmark = pytest.mark.django_db


@pytest.fixture
def provider(settings):
    with IdentityProvider() as started:
        settings.ALERT_HOSTS = frozenset({started.host})
        yield started


@pytest.fixture
def connected(provider, acme, alice) -> Organization:
    with_openid(acme, provider, by=alice)
    return acme


def role_in(of: Organization, email: str) -> str:
    with organization_scope(of.pk):
        return Membership.objects.get(organization=of, user__email=email).role


def actions(of: Organization) -> list[str]:
    with organization_scope(of.pk):
        return list(AuditLine.objects.owned_by(of).order_by("at").values_list("action", flat=True))


def enters(browser: Client) -> bool:
    return browser.get("/settings/team/").status_code == 200


def test_somebody_new_becomes_a_member_with_the_default_role(mandatory, provider, connected):
    browser, answer = through(provider)

    assert answer["Location"] == "/"
    assert enters(browser)
    assert home_of(DANA) == connected
    assert role_in(connected, DANA) == Role.MEMBER
    assert User.objects.get(email=DANA).full_name == "Dana Day"
    assert "joined_by_sign_on" in actions(connected)


def test_the_second_time_they_are_the_same_person(mandatory, provider, connected):
    through(provider)
    browser, answer = through(provider)

    assert (answer.status_code, enters(browser)) == (302, True)
    assert (SocialAccount.objects.count(), User.objects.filter(email=DANA).count()) == (1, 1)


def test_a_member_is_known_by_their_address_and_keeps_their_role(mandatory, provider, connected, bob):
    browser, _ = through(provider, bob.email)

    assert enters(browser)
    assert SocialAccount.objects.get().user == bob
    assert role_in(connected, bob.email) == Role.MEMBER
    assert User.objects.get(pk=bob.pk).has_usable_password()


@pytest.mark.parametrize("address", ["eve@evil.example", "eve@sub.acme.example", "eve@acme.example.evil.example", ""])
def test_a_provider_speaks_for_its_proved_domains_alone(provider, connected, address: str):
    browser, answer = through(provider, address)

    assert answer.status_code == 403
    assert "_auth_user_id" not in browser.session
    assert User.objects.count() == 1


def test_a_provider_does_not_speak_for_a_domain_that_another_organization_proved(
    provider, connected, elsewhere, mallory
):
    proved(elsewhere, "elsewhere.example", by=mallory)

    assert through(provider, mallory.email)[1].status_code == 403


@pytest.mark.parametrize(
    "lie",
    [
        {"aud": "another-client"},
        {"iss": "https://evil.example"},
        {"exp": 1},
        {"sub": "somebody else"},
    ],
    ids=["wrong audience", "wrong issuer", "expired", "two people"],
)
def test_a_token_that_is_not_for_us_opens_nothing(provider, connected, lie):
    provider.lie = lie
    browser, answer = through(provider)

    assert answer.status_code == 400
    assert "_auth_user_id" not in browser.session


def test_b6_an_answer_of_another_browser_or_a_used_one_opens_nothing(provider, connected):
    browser = Client()
    provider.person = {"sub": "42", "email": DANA}
    back = provider.agree(browser.post("/sso/", {"email": DANA})["Location"]).replace("http://testserver", "")
    assert Client().get(back).status_code == 400
    assert browser.get(back).status_code == 302

    assert browser.get(back).status_code == 400


def test_b4_the_staff_of_the_installation_never_come_in_by_a_customers_provider(provider, connected, bob):
    User.objects.filter(pk=bob.pk).update(is_staff=True)
    browser, answer = through(provider, bob.email)

    assert (answer.status_code, "_auth_user_id" in browser.session) == (403, False)


def test_b5_what_somebody_planted_at_an_unproved_address_is_discarded(settings, provider, connected):
    attacker = Client()
    attacker.post("/signup/", {"email": DANA, "password1": PASSWORD})

    browser, _ = through(provider)

    assert enters(browser)
    assert not User.objects.get(email=DANA).has_usable_password()
    assert attacker.get("/settings/profile/").status_code == 302


# where a session that came so may go


def test_a_session_that_came_by_a_sign_on_works_in_that_organization_alone(provider, connected, elsewhere, bob):
    with organization_scope(elsewhere.pk):
        Membership.objects.create(organization=elsewhere, user=bob, role=Role.ADMIN)
    browser, _ = through(provider, bob.email)

    answer = browser.post(f"/organizations/{elsewhere.pk}/enter/")

    assert answer["Location"] == f"/sso/{elsewhere.pk}/"
    assert browser.get(answer["Location"]).status_code == 200
    for path in ("/settings/team/", "/organizations/", "/dashboard/"):
        assert "Elsewhere" not in browser.get(path).content.decode()
    assert browser.get("/api/auth/me").json()["organization"]["name"] == "Acme"
    own = password(bob.email)
    assert own.post(f"/organizations/{elsewhere.pk}/enter/")["Location"] == "/"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("get", "/password/set/"),
        ("post", "/password/set/"),
        ("post", "/email/"),
        ("get", "/2fa/webauthn/add/"),
        ("post", "/2fa/totp/activate/"),
        ("post", "/settings/security/"),
        ("get", "/settings/profile/export/"),
        ("post", "/settings/profile/delete/"),
        ("post", "/3rdparty/"),
        ("post", "/github/login/?process=connect"),
        ("post", "/github/login/"),
        ("post", "/settings/profile/"),
        ("post", "/invitations/0198c0de-0000-7000-8000-00000000000a/accept/"),
    ],
)
def test_such_a_session_changes_nothing_of_how_its_person_logs_in(provider, connected, method, path):
    browser, _ = through(provider)

    assert getattr(browser, method)(path, {"password1": PASSWORD, "process": "connect"}).status_code == 403
    assert not User.objects.get(email=DANA).has_usable_password()


def test_b4_nor_does_a_service_that_answers_to_it_become_its_persons_own(provider, connected, rf):
    browser, _ = through(provider)
    request = rf.get("/github/login/callback/")
    request.user, request.session = User.objects.get(email=DANA), browser.session
    login = SocialLogin(account=SocialAccount(provider="github", uid="7"))
    login.state = {"process": "connect"}

    with pytest.raises(ImmediateHttpResponse) as refused:
        get_adapter(request).pre_social_login(request, login)

    assert refused.value.response.status_code == 403


def test_such_a_session_is_not_told_where_else_its_person_is_asked_to(provider, connected, elsewhere, mallory):
    invitations.invite(elsewhere, [DANA], Role.VIEWER, by=mallory)
    browser, _ = through(provider)

    assert elsewhere.name not in browser.get("/organizations/").content.decode()


@pytest.mark.parametrize("how", ["off", "removed", "another certificate", "domain dropped"])
def test_sessions_end_once_their_provider_may_not_vouch_any_more(provider, connected, alice, bob, how):
    browser, _ = through(provider)
    bobs = password(bob.email)
    with organization_scope(connected.pk):
        kept = setting_up.of(connected)
    if how == "off":
        setting_up.switch(connected, is_on=False, is_required=False, by=alice)
    elif how == "removed":
        setting_up.remove(connected, by=alice)
    elif how == "another certificate":
        values = {name: getattr(kept, name) for name in setting_up.FIELDS} | {"certificate": "another"}
        setting_up.save(connected, values, secret="", by=alice)
    else:
        with organization_scope(connected.pk):
            domain = connected.sign_on_domains.select_related("organization").get()
        domains.drop(domain, by=alice)

    assert (enters(browser), enters(bobs)) == (False, True)


@pytest.mark.parametrize("how", ["acts elsewhere", "disconnected"])
def test_so_they_do_whatever_they_act_for_and_are_connected_with(provider, connected, elsewhere, alice, bob, how):
    with organization_scope(elsewhere.pk):
        Membership.objects.create(organization=elsewhere, user=bob, role=Role.ADMIN)
    browser, _ = through(provider, bob.email)
    bobs = password(bob.email)
    if how == "acts elsewhere":
        browser.post(f"/organizations/{elsewhere.pk}/enter/")
    else:
        bobs.post("/reauthenticate/", {"password": PASSWORD})
        bobs.post("/3rdparty/", {"account": SocialAccount.objects.get(user=bob).pk})
        assert not SocialAccount.objects.filter(user=bob).exists()
    assert enters(browser)

    setting_up.switch(connected, is_on=False, is_required=False, by=alice)

    assert (enters(browser), enters(bobs)) == (False, True)


def test_without_one_of_two_domains_those_of_the_other_go_on(provider, connected, alice, bob):
    proved(connected, "acme.test", by=alice)
    danas, bobs = through(provider)[0], through(provider, bob.email, sub="7")[0]
    dana = User.objects.get(email=DANA)
    dana.email = "dana@private.example"
    dana.save()
    bob.email = "bob@acme.test"
    bob.save()
    with organization_scope(connected.pk):
        domain = connected.sign_on_domains.select_related("organization").get(name="acme.example")

    domains.drop(domain, by=alice)

    assert (enters(danas), enters(bobs)) == (False, True)


def test_without_a_domain_it_is_required_no_longer(required, alice, bob):
    with organization_scope(required.pk):
        domain = required.sign_on_domains.select_related("organization").get()

    domains.drop(domain, by=alice)

    assert enters(password(bob.email))


def test_somebody_without_a_password_logs_in_again_before_a_dangerous_act(provider, connected):
    browser, _ = through(provider)
    make_owner(connected, DANA)
    with time_machine.travel(timezone.now() + timedelta(minutes=11), tick=True):
        answer = browser.get("/settings/organization/export/")

    assert answer.status_code == 403
    assert "Log out and log in again" in answer.content.decode()


def make_owner(of: Organization, email: str) -> None:
    with organization_scope(of.pk):
        Membership.objects.filter(user__email=email).update(role=Role.OWNER)


# required


@pytest.fixture
def required(provider, acme, alice, bob) -> Organization:
    with_openid(acme, provider, by=alice, required=True)
    return acme


def test_where_it_is_required_a_password_opens_the_account_but_not_the_organization(provider, required, bob):
    browser = password(bob.email)
    assert browser.get("/settings/team/")["Location"] == "/organizations/none/"
    page = browser.get("/organizations/none/").content.decode()
    assert f"/sso/{required.pk}/" in page
    assert browser.get("/api/usage/stats?from=2026-11-01&to=2026-11-02").status_code == 403

    sent = browser.post(f"/sso/{required.pk}/begin/")
    provider.person = {"sub": "7", "email": bob.email}
    browser.get(provider.agree(sent["Location"]).replace("http://testserver", ""))

    assert enters(browser)


def test_an_owner_comes_in_past_it_on_the_day_it_fails_and_that_is_audited(required, alice):
    assert enters(password(alice.email))

    assert actions(required).count("owner_came_past_sign_on") == 1


def test_it_cannot_be_required_before_somebody_came_in_by_it(provider, connected, alice):
    with pytest.raises(setting_up.NotReady, match="once yourself"):
        setting_up.switch(connected, is_on=True, is_required=True, by=alice)
    through(provider)

    setting_up.switch(connected, is_on=True, is_required=True, by=alice)


def test_a_provider_that_is_off_or_removed_lets_nobody_in(provider, connected, alice):
    browser = Client()
    sent = browser.post("/sso/", {"email": DANA})["Location"]
    provider.person = {"sub": "42", "email": DANA}
    back = provider.agree(sent).replace("http://testserver", "")
    setting_up.switch(connected, is_on=False, is_required=False, by=alice)

    assert browser.get(back).status_code == 404
    assert Client().post("/sso/", {"email": DANA}).status_code == 422


@pytest.mark.django_db(transaction=True)
def test_whoever_comes_twice_at_once_begins_again(provider, connected, bob, monkeypatch):
    def came_elsewhere(*_: object) -> None:
        SocialAccount.objects.create(provider=connected.pk.hex, uid="42", user=bob)

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(vouching, "prove", came_elsewhere)  # after it was asked whether they are known
        _, answer = through(provider, bob.email)

    assert (answer.status_code, "Begin again" in answer.content.decode()) == (400, True)
    assert enters(through(provider, bob.email)[0])


def test_a_provider_that_is_removed_while_somebody_comes_in_lets_nobody_in(connected, alice, bob):
    setting_up.remove(connected, by=alice)

    with pytest.raises(Unwelcome):
        taking_in.join(connected.pk, bob, bob.email)


def test_another_provider_begins_without_the_identities_of_the_one_before(provider, connected, alice):
    through(provider)
    values = {"kind": "oidc", "issuer": "https://other.example", "client_id": "x", "default_role": "viewer"}

    setting_up.save(connected, values, secret="", by=alice)

    assert not SocialAccount.objects.exists()


def test_a_deleted_organization_lets_nobody_in_and_frees_its_domains(provider, connected, alice):
    with organization_scope(connected.pk):
        closing.begin(connected, typed=connected.name, by=alice)

    assert Client().post("/sso/", {"email": DANA}).status_code == 422
    assert setting_up.app_for(connected.pk.hex) is None


# addresses that a customer typed


def test_b44_nothing_inside_is_asked(provider, connected, settings):
    settings.ALERT_HOSTS = frozenset()
    provider.asked.clear()

    answer = Client().post("/sso/", {"email": DANA})

    assert answer.status_code == 422
    assert "does not answer as it should" in answer.content.decode()
    assert provider.asked == []


def test_a_provider_that_answers_nonsense_is_told_as_such(provider, connected):
    provider.discovery = lambda: ["nonsense"]

    assert Client().post("/sso/", {"email": DANA}).status_code == 422


@pytest.mark.parametrize("issuer", ["https://idp.other.example", "", None])
def test_a_provider_that_calls_itself_by_another_issuer_is_not_believed(provider, connected, issuer):
    told = provider.discovery()
    provider.discovery = lambda: told | {"issuer": issuer}

    answer = Client().post("/sso/", {"email": DANA})

    assert answer.status_code == 422
    assert "does not answer as it should" in answer.content.decode()


@pytest.mark.worker
def test_e1_the_client_secret_is_sealed_shown_nowhere_and_moves_to_a_new_master(provider, connected, alice, settings):
    import os

    page = Browser(alice).get("/settings/sign-on/").content.decode()
    with organization_scope(connected.pk):
        kept = setting_up.of(connected)
    assert SECRET not in page
    assert SECRET not in repr(kept.__dict__)
    settings.ENCRYPTION_KEYS = [os.urandom(32), *settings.ENCRYPTION_KEYS]

    assert sum(setting_up.references().values()) == 1
    assert (setting_up.rewrap_all(), setting_up.rewrap_all()) == (1, 0)
    settings.ENCRYPTION_KEYS = settings.ENCRYPTION_KEYS[:1]
    assert setting_up.app_for(connected.pk.hex).secret == SECRET


def test_b2_guessing_at_the_door_ends_in_429(settings, db):
    settings.ACCOUNT_RATE_LIMITS = {"sign_on": "3/m/ip"}
    answers = [Client().post("/sso/", {"email": "x@nobody.example"}) for _ in range(4)]

    assert [answer.status_code for answer in answers] == [422] * 3 + [429]
    assert 0 < int(answers[-1]["Retry-After"]) <= 60


def test_the_saml_door_keeps_nothing_of_strangers(provider, connected):
    for slug in ("x", "0" * 32, connected.pk.hex):
        assert Client().post(f"/saml/{slug}/acs/", {"SAMLResponse": "x"}).status_code == 404
        assert Client().get(f"/saml/{slug}/metadata/").status_code == 404
    assert Client().post("/saml/x/acs/", {"SAMLResponse": "x" * 300_000}).status_code == 413
    assert Session.objects.count() == 0


@pytest.mark.parametrize("role", [Role.ADMIN, Role.FINANCE, Role.MEMBER, Role.VIEWER])
def test_other_roles_see_no_sign_on(acme, role):
    person = make.member(acme, "carol@acme.example", role)

    assert Browser(person).get("/settings/sign-on/").status_code == 403
