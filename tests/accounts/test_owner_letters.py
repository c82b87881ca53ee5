"""Letters about keys to the owners, and about a new browser to its person."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts import audit
from accounts.mailed import OutboxMail
from accounts.models import User
from accounts.permissions import Role
from tests import make
from tests.make import PASSWORD
from tokentra.lib.tenancy import organization_scope

pytestmark = pytest.mark.django_db
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:131.0) Gecko/20100101 Firefox/131.0"
SAFARI = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Version/18.0 Safari/604.1"


def written() -> list[tuple[str, str]]:
    return list(OutboxMail.objects.order_by("created_at").values_list("to", "subject"))


@pytest.mark.parametrize(
    ("action", "is_told"), [("key_created", True), ("connection_key_replaced", True), ("budget_changed", False)]
)
def test_owners_hear_of_keys_that_others_make_and_end(acme, alice, bob, action, is_told):
    make.member(acme, "olga@acme.example", Role.OWNER)
    with organization_scope(acme.pk):
        audit.note(action, acme, bob, name="Worker")

    assert [to for to, _ in written()] == (["alice@acme.example", "olga@acme.example"] if is_told else [])
    if is_told:
        letter = OutboxMail.objects.first()
        assert letter
        assert ("Worker" in letter.text, "bob@acme.example did it" in letter.text) == (True, True)


def test_whoever_did_it_is_not_written_to(acme, alice):
    with organization_scope(acme.pk):
        audit.note("key_revoked", acme, alice, name="Worker")

    assert written() == []


def test_a_login_with_a_new_browser_is_told_once(acme, alice):
    User.objects.filter(pk=alice.pk).update(created_at=timezone.now() - timedelta(days=9))
    for agent in (FIREFOX, SAFARI, FIREFOX):
        browser = Client(HTTP_USER_AGENT=agent)
        browser.post("/login/", {"login": alice.email, "password": PASSWORD})
        browser.get("/settings/profile/")

    assert written() == [
        (alice.email, "Your TokenTra account was opened with Firefox on Linux"),
        (alice.email, "Your TokenTra account was opened with Safari on iPhone"),
    ]


def test_the_first_hour_brings_no_such_letter(acme, alice):
    Client(HTTP_USER_AGENT=SAFARI).post("/login/", {"login": alice.email, "password": PASSWORD})

    assert written() == []
