"""`manage.py bootstrap`: a first owner from the environment, as often as it is run."""

from io import StringIO

import pytest
from allauth.account.models import EmailAddress
from django.core.management import CommandError, call_command
from django.test import Client

from accounts.mailed import OutboxMail
from accounts.models import User
from tests.accounts.conftest import home_of
from tests.make import PASSWORD

pytestmark = [pytest.mark.worker, pytest.mark.django_db]


@pytest.fixture
def environment(monkeypatch):
    def given(**values: str) -> None:
        for name in ("EMAIL", "PASSWORD", "ORGANIZATION", "STAFF", "API_KEY_FILE"):
            monkeypatch.delenv(f"TOKENTRA_BOOTSTRAP_{name}", raising=False)
        for name, value in values.items():
            monkeypatch.setenv(f"TOKENTRA_BOOTSTRAP_{name}", value)

    given(EMAIL="Olive@Acme.example", PASSWORD=PASSWORD, ORGANIZATION="Acme & Co")
    return given


def run() -> tuple[str, str]:
    out, err = StringIO(), StringIO()
    call_command("bootstrap", stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


def test_a_verified_owner_and_an_organization_are_made(environment):
    said, _ = run()

    assert said == "olive@acme.example owns Acme & Co (acme-co): made.\n"
    assert EmailAddress.objects.get(email="olive@acme.example").verified
    assert home_of("olive@acme.example").name == "Acme & Co"
    assert not User.objects.get().is_staff
    assert not OutboxMail.objects.exists()
    browser = Client()
    assert browser.post("/login/", {"login": "olive@acme.example", "password": PASSWORD})["Location"] == "/"


def test_running_it_again_changes_nothing(environment):
    run()
    environment(EMAIL="olive@acme.example", PASSWORD="quite another horse", ORGANIZATION="Acme & Co")
    said, _ = run()

    assert said.endswith(": there already.\n")
    assert User.objects.get().check_password(PASSWORD)
    home_of("olive@acme.example")


def test_it_can_make_staff_later_too(environment):
    run()
    environment(EMAIL="olive@acme.example", PASSWORD=PASSWORD, ORGANIZATION="Acme & Co", STAFF="1")
    run()

    assert User.objects.get().is_staff


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"PASSWORD": PASSWORD}, "TOKENTRA_BOOTSTRAP_EMAIL"),
        ({"EMAIL": "olive", "PASSWORD": PASSWORD}, "valid email"),
        ({"EMAIL": "olive@acme.example"}, "TOKENTRA_BOOTSTRAP_PASSWORD"),
        ({"EMAIL": "olive@acme.example", "PASSWORD": "short"}, "at least 10 characters"),
        ({"EMAIL": "olive@acme.example", "PASSWORD": "password1234"}, "too common"),
        ({"EMAIL": "olive@acme.example", "PASSWORD": PASSWORD, "ORGANIZATION": "A\nB"}, "one line"),
    ],
)
def test_what_cannot_be_is_refused_with_a_sentence(environment, values: dict[str, str], sentence: str):
    environment(**values)

    with pytest.raises(CommandError, match=sentence):
        run()
    assert not User.objects.exists()
