"""Domains that an organization proves by a TXT record, and the page where sign-on is set up."""

import pytest
from django.test import Client

from accounts.models import AuditLine, Organization
from accounts.sign_on import domains, setting_up
from accounts.sign_on.kept import SignOnDomain
from tests.accounts.name_server import NameServer
from tests.accounts.sign_on import certificate, proved
from tests.accounts.test_second_factor import password
from tests.conftest import Browser
from tests.make import PASSWORD
from tokentra.lib.tenancy import organization_scope

pytestmark = pytest.mark.django_db
PAGE = "/settings/sign-on/"


@pytest.fixture
def names(settings):
    with NameServer() as server:
        settings.DNS_SERVER = server.address
        yield server


@pytest.fixture
def alices(alice, acme) -> Client:
    return password(alice.email)


def claimed(browser: Client, of: Organization, name: str = "acme.example") -> SignOnDomain:
    assert browser.post(f"{PAGE}domains/", {"name": name}).status_code == 302
    with organization_scope(of.pk):
        return SignOnDomain.objects.get(organization=of)


def check(browser: Client, domain: SignOnDomain) -> str:
    answer = browser.post(f"{PAGE}domains/{domain.pk}/check/")
    return browser.get(answer["Location"]).content.decode()


def test_a_domain_is_proved_by_the_token_in_its_dns(names, alices, acme):
    domain = claimed(alices, acme, " ACME.example. ")
    assert domain.token in alices.get(PAGE).content.decode()
    assert "no TXT record" in check(alices, domain)
    names.texts["acme.example"] = ["v=spf1 -all", "tokentra-domain=of-somebody-else"]
    assert "none of them ours" in check(alices, domain)
    assert not domains.speaks_for(acme.pk, "dana@acme.example")

    names.texts["acme.example"].append(domain.token)

    assert "is yours" in check(alices, domain)
    assert domains.speaks_for(acme.pk, "dana@acme.example")
    with organization_scope(acme.pk):
        actions = set(AuditLine.objects.owned_by(acme).values_list("action", flat=True))
    assert {"sign_on_domain_claimed", "sign_on_domain_proved"} <= actions


def test_a_domain_belongs_to_one_organization(names, alices, acme, elsewhere, mallory):
    proved(elsewhere, "acme.example", by=mallory)
    domain = claimed(alices, acme)
    names.texts["acme.example"] = [domain.token]

    assert "Another organization" in check(alices, domain)
    assert domains.organization_of("dana@acme.example") == elsewhere.pk


def test_the_token_of_one_organization_proves_nothing_for_another(names, alices, acme, elsewhere, mallory):
    theirs = domains.claim(elsewhere, "acme.example", by=mallory)
    names.texts["acme.example"] = [theirs.token]

    check(alices, claimed(alices, acme))

    assert domains.organization_of("dana@acme.example") is None


@pytest.mark.parametrize("name", ["", "acme", "gmail.com", "1.2.3.4", "acme..example", "a b.example", "x" * 260])
def test_what_is_no_domain_of_ones_own_is_refused(alices, name: str):
    assert alices.post(f"{PAGE}domains/", {"name": name}).status_code == 422


def test_a_name_server_that_is_silent_is_not_waited_for(settings, alices, acme, monkeypatch):
    settings.DNS_SERVER = "127.0.0.1:9"
    monkeypatch.setattr("tokentra.lib.dns_text.SECONDS", 0.2)

    assert "no TXT record" in check(alices, claimed(alices, acme))


def test_b13_a_domain_of_another_organization_is_not_there(alices, acme, elsewhere, mallory):
    theirs = proved(elsewhere, "elsewhere.example", by=mallory)

    for act in ("check", "remove"):
        assert alices.post(f"{PAGE}domains/{theirs.pk}/{act}/").status_code == 404
    with organization_scope(acme.pk):
        assert not SignOnDomain.objects.exists()


OIDC = {"kind": "oidc", "default_role": "viewer", "issuer": "https://idp.acme.example", "client_id": "x"}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"issuer": "http://idp.acme.example", "client_secret": "s"}, "issuer"),
        ({"issuer": "https://127.0.0.1/", "client_secret": "s"}, "issuer"),
        ({"client_secret": ""}, "client_secret"),
        (
            {"kind": "saml", "entity_id": "x", "sso_url": "https://idp.acme.example", "certificate": "MIIB"},
            "certificate",
        ),
        ({"default_role": "owner", "client_secret": "s"}, "default_role"),
    ],
)
def test_b44_what_cannot_work_or_should_not_is_refused(alices, acme, change, field: str):
    answer = alices.post(PAGE, OIDC | change)

    assert answer.status_code == 422
    assert field in answer.context["form"].errors
    with organization_scope(acme.pk):
        assert setting_up.of(acme) is None


def test_a_provider_is_saved_switched_and_removed(alices, acme, alice):
    assert alices.post(f"{PAGE}switch/", {"is_on": "on"}).status_code == 409
    saml = {
        "kind": "saml",
        "default_role": "viewer",
        "entity_id": "https://idp.acme.example",
        "certificate": certificate()[1],
    }
    assert alices.post(PAGE, saml | {"sso_url": "https://idp.acme.example/sso"}).status_code == 302
    assert alices.post(f"{PAGE}switch/", {"is_on": "on"}).status_code == 409  # no domain yet
    proved(acme, by=alice)
    assert alices.post(f"{PAGE}switch/", {"is_on": "on", "is_required": "on"}).status_code == 409
    assert alices.post(f"{PAGE}switch/", {"is_on": "on"}).status_code == 302
    assert setting_up.app_for(acme.pk.hex) is not None

    assert alices.post(f"{PAGE}remove/").status_code == 302

    assert setting_up.app_for(acme.pk.hex) is None


def test_e13_setting_it_up_asks_again_after_ten_minutes(alice, acme):
    browser = Browser(alice)  # a session without a proof

    for path, form in ((PAGE, OIDC | {"client_secret": "s"}), (f"{PAGE}switch/", {}), (f"{PAGE}remove/", {})):
        assert browser.post(path, form)["Location"].startswith("/reauthenticate/")
    browser.post("/reauthenticate/", {"password": PASSWORD})
    assert browser.post(PAGE, OIDC | {"client_secret": "s"})["Location"] == PAGE


def test_whoever_is_new_is_a_viewer_unless_something_else_is_chosen(alices):
    page = alices.get(PAGE).content.decode()

    assert '<option value="viewer" selected>' in page
    assert page.count("form-optional") == 0


def test_what_cannot_be_used_of_the_protocol_out_of_sight_is_no_fault_of_the_one_that_is_chosen(alices, acme):
    told = {
        "kind": "saml",
        "default_role": "viewer",
        "entity_id": "https://idp.acme.example/metadata",
        "sso_url": "https://idp.acme.example/sso",
        "certificate": certificate()[1],
        "issuer": "http://half-typed",
    }

    answer = alices.post(PAGE, told)

    assert answer.status_code == 302, answer.content.decode()
    with organization_scope(acme.pk):
        kept = setting_up.of(acme)
    assert (kept.kind, kept.issuer) == ("saml", "")
    assert alices.post(PAGE, told | {"kind": "oidc", "client_id": "1", "client_secret": "x"}).status_code == 422
