"""Ways in that lead over another site, and a link that is handed over, in a real browser: each once right and once wrong."""

import re
from collections.abc import Callable, Iterator

import pytest
from allauth.socialaccount.models import SocialAccount
from allauth.socialaccount.providers.github.views import GitHubOAuth2Adapter
from allauth.socialaccount.providers.google.views import GoogleOAuth2Adapter
from allauth.socialaccount.providers.microsoft.views import MicrosoftGraphOAuth2Adapter
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from accounts.models import Membership, Organization, User
from accounts.permissions import Role
from tests.accounts.identity_door import IdentityDoor
from tests.accounts.identity_provider import CLIENT, SECRET, IdentityProvider
from tests.accounts.test_sign_on_domains import names
from tests.accounts.test_sign_on_saml import ENTITY, Provider
from tests.accounts.test_social_protocol import person, service
from tests.conftest import PATIENCE
from tests.make import PASSWORD
from tokentra.lib.tenancy import organization_scope

__all__ = ["names", "service"]

NAMES = {"google": "Google", "github": "GitHub", "microsoft": "Microsoft"}
Opened = Callable[[], Page]


@pytest.fixture
def door() -> Iterator[IdentityDoor]:
    with IdentityDoor() as started:
        yield started


@pytest.fixture
def opened(browser: Browser, live_server: LiveServer) -> Opened:
    """A browser of somebody's own, which knows nothing of us yet. No feature is celebrated in the middle of a field."""

    def page() -> Page:
        here = browser.new_context(base_url=live_server.url, ignore_https_errors=True).new_page()
        here.set_default_timeout(PATIENCE)
        here.route(re.compile("/onboarding/guide/"), lambda route: route.fulfill(status=204))
        return here

    return page


def log_in(page: Page, email: str, password: str = PASSWORD) -> None:
    page.goto("/login/")
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password", exact=True).fill(password)
    page.get_by_role("button", name="Log in", exact=True).click()


def is_in(page: Page, *, organization: str) -> None:
    page.goto("/settings/team/")
    expect(page.locator(".organization-name")).to_have_text(organization)


def is_out(page: Page) -> None:
    page.goto("/settings/team/")
    expect(page).to_have_url(re.compile("/(login|confirm-email)/"))


def agree(page: Page, word: str = "Agree") -> None:
    expect(page.get_by_role("heading", name="Identity provider")).to_be_visible()
    page.get_by_role("button", name=word).click()


# Google, GitHub, Microsoft


def test_each_service_lets_somebody_new_in_and_joins_nobody_by_their_address(
    mandatory, opened, door, service, monkeypatch, acme, alice, code_sent_to
):
    door.openid = service
    for adapter in (GoogleOAuth2Adapter, GitHubOAuth2Adapter, MicrosoftGraphOAuth2Adapter):
        monkeypatch.setattr(adapter, "authorize_url", f"{door.url}/authorize")

    for name, label in NAMES.items():
        page, new = opened(), f"dana@{name}.example"
        service.person = person(name, new)
        page.goto("/login/")
        page.get_by_role("button", name=f"Continue with {label}").click()
        agree(page, "Cancel")
        expect(page.get_by_text("You cancelled the sign-in.")).to_be_visible()

        page.get_by_role("button", name=f"Continue with {label}").click()
        agree(page)
        if name == "microsoft":  # does not say whether an address is proved
            page.get_by_label("Code").fill("000000")
            page.get_by_role("button", name="Verify address").click()
            expect(page.get_by_text("This is not the code that was sent last.")).to_be_visible()
            page.get_by_label("Code").fill(code_sent_to(new))
            page.get_by_role("button", name="Verify address").click()
        expect(page).to_have_url(re.compile("/onboarding/"))
        assert SocialAccount.objects.get(provider=name).user.email == new

        page.context.clear_cookies()
        service.person = person(name, alice.email) | {"sub": "7", "id": 7}
        page.goto("/login/")
        page.get_by_role("button", name=f"Continue with {label}").click()
        agree(page)
        # of an address that nobody proved it is not said whether it has an account
        told = "Enter the code" if name == "microsoft" else "Log in first"
        expect(page.get_by_role("heading", name=told)).to_be_visible()
        is_out(page)
        page.context.close()


# an organization's own provider


def test_an_organizations_provider_is_set_up_and_its_people_come_in_by_both_protocols(
    mandatory, opened, door, names, settings, acme: Organization, alice: User
):
    with IdentityProvider() as openid:
        settings.ALERT_HOSTS = frozenset({openid.host, door.host})
        openid.discovery = with_door(openid.discovery, door)
        door.openid = openid
        owner, dana = opened(), opened()
        log_in(owner, alice.email)
        owner.goto("/settings/sign-on/")
        owner.get_by_label("Domain", exact=True).fill("acme.example")
        owner.get_by_role("button", name="Add domain").click()
        owner.get_by_role("button", name="Check the record").click()
        expect(owner.get_by_text("acme.example shows no TXT record yet")).to_be_visible()
        names.texts["acme.example"] = [owner.get_by_text(re.compile("^tokentra-domain=")).inner_text()]
        owner.get_by_role("button", name="Check the record").click()
        expect(owner.get_by_text("acme.example is yours")).to_be_visible()
        owner.get_by_label("Issuer").fill(openid.issuer)
        owner.get_by_label("Client id").fill(CLIENT)
        owner.get_by_label("Client secret").fill(SECRET)
        owner.get_by_role("button", name="Save provider").click()
        owner.get_by_label("People of your domains log in through it").check()
        owner.get_by_role("button", name="Save switches").click()
        expect(owner.get_by_text("The switches were saved.")).to_be_visible()

        ask_at_door(dana, "dana@nobody.example")
        expect(dana.get_by_text("No organization here has a sign-on for this address.")).to_be_visible()
        openid.person = {"sub": "42", "email": "dana@acme.example", "name": "Dana Day"}
        ask_at_door(dana, "dana@acme.example")
        agree(dana, "Cancel")
        expect(dana.get_by_text("You cancelled the sign-in.")).to_be_visible()
        is_out(dana)
        openid.person = {"sub": "13", "email": "eve@evil.example"}
        ask_at_door(dana, "dana@acme.example")
        agree(dana)
        expect(dana.get_by_role("heading", name="You cannot come in this way")).to_be_visible()
        is_out(dana)
        openid.person = {"sub": "42", "email": "dana@acme.example", "name": "Dana Day"}
        ask_at_door(dana, "dana@acme.example")
        agree(dana)
        is_in(dana, organization="Acme")

    saml, erin = Provider(acme), opened()
    saml.base = f"{url_of(erin)}/saml/{acme.pk.hex}"
    door.acs = f"{saml.base}/acs/"
    owner.goto("/settings/sign-on/")
    owner.get_by_label("Protocol").select_option("saml")
    owner.get_by_role("textbox", name="Entity id").fill(ENTITY)
    owner.get_by_label("Single sign-on address").fill(f"{door.url}/sso")
    owner.get_by_label("Certificate").fill(saml.certificate)
    owner.get_by_role("button", name="Save provider").click()
    expect(owner.get_by_text("The identity provider was saved.")).to_be_visible()
    is_out(dana)  # the provider before vouched for them

    door.saml = lambda request: saml.response(request, email="erin@acme.example", audience="https://else.example")
    ask_at_door(erin, "erin@acme.example")
    agree(erin)
    expect(erin.get_by_role("heading", name="This sign-in link has expired")).to_be_visible()
    is_out(erin)
    door.saml = lambda request: saml.response(request, email="erin@acme.example")
    ask_at_door(erin, "erin@acme.example")
    agree(erin)
    is_in(erin, organization="Acme")
    with organization_scope(acme.pk):
        roles = dict(Membership.objects.filter(organization=acme).values_list("user__email", "role"))
    assert roles == {alice.email: Role.OWNER} | dict.fromkeys(
        ("dana@acme.example", "erin@acme.example"), Role.VIEWER.value
    )


def with_door(discovery: Callable[[], dict[str, object]], door: IdentityDoor) -> Callable[[], dict[str, object]]:
    return lambda: discovery() | {"authorization_endpoint": f"{door.url}/authorize"}


def url_of(page: Page) -> str:
    page.goto("/login/")
    return page.url.removesuffix("/login/")


def ask_at_door(page: Page, address: str) -> None:
    page.goto("/login/")
    page.get_by_role("link", name="Single sign-on of your organization").click()
    page.get_by_label("Email").fill(address)
    page.get_by_role("button", name="Continue").click()


# a password, and a link to a new one where no mail is sent


def test_a_wrong_password_is_told_and_a_link_that_an_owner_hands_over_sets_another_one(opened, acme, alice, bob):
    owner, there = opened(), opened()
    log_in(there, bob.email, "not the password at all")
    expect(there.get_by_text("That address and password do not belong together.")).to_be_visible()
    is_out(there)

    log_in(owner, alice.email)
    owner.goto("/settings/team/?q=bob")
    owner.get_by_role("link", name="Change").click()
    owner.get_by_role("button", name="Make a reset link").click()
    link = owner.locator("copy-button").first.get_attribute("data-text")
    there.goto(link)
    there.get_by_label("New password").fill("too short")
    there.get_by_role("button", name="Save password").click()
    expect(there.get_by_text("This password is too short.")).to_be_visible()
    there.get_by_label("New password").fill("another horse battery")
    there.get_by_role("button", name="Save password").click()
    log_in(there, bob.email)
    expect(there.get_by_text("That address and password do not belong together.")).to_be_visible()
    log_in(there, bob.email, "another horse battery")
    is_in(there, organization="Acme")

    late = opened()
    late.goto(link)
    expect(late.get_by_text("This link has expired")).to_be_visible()
