"""The page of an organization's sign-on in each of its states in a real browser: what axe finds, and what fits."""

from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, expect
from pytest_django.live_server_helper import LiveServer

from accounts.models import Organization, User
from accounts.sign_on import setting_up
from accounts.sign_on.kept import LAPSES_AFTER, SignOnDomain
from tests.accounts.sign_on import certificate, turn_on
from tests.accounts.test_people_pages import Theme, faults, log_in, page_of
from tokentra.lib.tenancy import organization_scope

OPENID = {"kind": "oidc", "issuer": "https://login.acme.example/tenant/0198c0de", "client_id": "0198c0de-1234-5678"}
SAML = {"kind": "saml", "entity_id": "https://idp.acme.example/metadata", "sso_url": "https://idp.acme.example/sso"}


@pytest.mark.long
@pytest.mark.parametrize(("width", "theme"), [(1280, "light"), (1280, "dark"), (390, "light"), (390, "dark")])
def test_the_page_of_the_sign_on_has_no_fault_in_any_state(
    browser: Browser, live_server: LiveServer, acme: Organization, alice: User, width: int, theme: Theme
):
    def domain(**fields: Any) -> None:
        with organization_scope(acme.pk):
            SignOnDomain.objects.update(**fields)

    def save(values: dict[str, str], *, required: bool = False) -> None:
        told = values | {"default_role": "member", "certificate": certificate()[1] if values is SAML else ""}
        setting_up.save(acme, told, secret="a secret" if values is OPENID else "", by=alice)
        turn_on(acme, by=alice, required=required)

    states: dict[str, Callable[[], Any]] = {
        "empty": lambda: None,
        "proved, OpenID": lambda: (domain(proved_at=timezone.now()), save(OPENID)),
        "missing, SAML, required": lambda: (domain(missed=3), save(SAML, required=True)),
        "lapsed": lambda: domain(missed=LAPSES_AFTER),
    }
    page = page_of(browser, live_server, width=width, theme=theme)
    page.goto("/login/")
    log_in(page, alice.email)
    for name, reached in states.items():
        reached()
        page.goto("/settings/sign-on/")
        page.wait_for_load_state("networkidle")
        assert faults(page) == [], name
        if name == "empty":
            page.get_by_label("Protocol").select_option("saml")
            expect(page.get_by_label("Certificate")).to_be_visible()
            expect(page.get_by_label("Issuer")).to_be_hidden()
            page.get_by_label("Protocol").select_option("oidc")
            expect(page.get_by_label("Certificate")).to_be_hidden()
            page.get_by_label("Domain", exact=True).fill("a-domain-with-a-name-of-some-length.acme.example")
            page.get_by_role("button", name="Add domain").click()
            page.wait_for_load_state("networkidle")
            assert faults(page) == [], "not proved"
    page.context.close()
