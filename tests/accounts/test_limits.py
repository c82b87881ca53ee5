"""How often somebody may try, counted by what they cannot choose (reliability B2)."""

import pytest
from django.test import Client

from accounts.permissions import Role
from tests import make
from tests.make import PASSWORD

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
