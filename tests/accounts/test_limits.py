"""How often somebody may try, counted by what they cannot choose (reliability B2)."""

import pytest
from django.test import Client

from accounts.http import plain
from accounts.models import AuditLine
from accounts.permissions import Role
from tests import make
from tests.accounts.conftest import home_of
from tests.make import PASSWORD
from tokentra.lib.tenancy import organization_scope

pytestmark = pytest.mark.django_db

HOSTS = [f"localhost:{port}" for port in range(1, 4)] + ["127.0.0.1", "localhost", "127.0.0.1:8000"]


@pytest.mark.parametrize(("path", "field"), [("/login/", "login"), ("/api/auth/login", "email")])
def test_b2_guessing_under_other_names_of_this_site_counts_as_guessing(path, field, alice):
    sent = {"content_type": "application/json"} if path.startswith("/api/") else {}

    answers = [
        Client(REMOTE_ADDR=f"203.0.{place}.1").post(
            path, {field: alice.email, "password": "wrong"}, headers={"Host": host}, **sent
        )
        for place, host in enumerate(HOSTS)
    ]

    assert [answer.status_code for answer in answers[:5]] == [answers[0].status_code] * 5
    assert answers[5].status_code == 429
    assert int(answers[5]["Retry-After"]) > 60


def test_b2_guessing_under_other_spellings_of_an_address_counts_as_guessing(acme):
    make.member(acme, "kissing@acme.example", Role.MEMBER)
    spellings = ["kissing", "KISSING", "ki\u017fsing", "kis\u017fing", "\u212aissing", "ki\u017f\u017fing"]

    answers = [
        Client(REMOTE_ADDR=f"203.0.{place}.1").post("/login/", {"login": f"{name}@acme.example", "password": "wrong"})
        for place, name in enumerate(spellings)
    ]

    assert answers[-1].status_code == 429


def test_b2_the_right_password_is_refused_as_well_while_the_account_is_guessed_at(alice):
    for place in range(6):
        Client(REMOTE_ADDR=f"203.0.{place}.1").post("/login/", {"login": alice.email, "password": "wrong"})

    answer = Client(REMOTE_ADDR="198.51.100.1").post("/login/", {"login": alice.email, "password": PASSWORD})

    assert answer.status_code == 429


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        ("198.51.100.7", "198.51.100.7"),
        ("198.51.100.7:50123", "198.51.100.7"),
        ("[2001:db8::7]:50123", "2001:db8::7"),
        ("fe80::7%eth0", "fe80::7"),
    ],
)
def test_b65_what_a_proxy_tells_is_kept_only_if_it_is_an_address(told, kept, settings):
    settings.TRUSTED_PROXIES = settings.ALLAUTH_TRUSTED_PROXY_COUNT = 1

    answer = Client().post(
        "/signup/",
        {"email": "ann@acme.example", "password1": PASSWORD},
        headers={"X-Forwarded-For": f"6.6.6.6, {told}"},
    )

    assert answer.status_code == 302
    home = home_of("ann@acme.example")
    with organization_scope(home.pk):
        assert AuditLine.objects.owned_by(home).get().ip == kept


@pytest.mark.parametrize("told", ["", "unknown", "1' OR '1'='1", "1.2.3.4.5", "1.2.3.4:x", "[::1", None])
def test_b65_what_is_no_address_is_kept_as_none(told):
    assert plain(told) is None
