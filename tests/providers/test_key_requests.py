"""Asking somebody else for a key: the link works once, without an account, and lands where it was made."""

from datetime import timedelta

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from accounts.models import AuditLine, JournalEntry
from accounts.permissions import Role
from providers import key_requests
from providers.connectors import CONNECTORS
from providers.models import Connection, KeyRequest, Status
from tests import make
from tests.conftest import Browser
from tests.providers.conftest import KEYS
from tokentra.lib.masking import mask
from tokentra.lib.tenancy import organization_scope

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("short", "fake")]

OPENAI = CONNECTORS["openai"]


@pytest.fixture
def path(acme, alice) -> str:
    """Where the link leads that Alice made for an OpenAI key."""
    with organization_scope(acme.pk):
        _, link = key_requests.ask(acme, OPENAI, by=alice)
    return "/" + link.split("/", 3)[3]


def connections(organization) -> list[Connection]:
    with organization_scope(organization.pk):
        return list(Connection.objects.owned_by(organization))


def only(organization) -> KeyRequest:
    with organization_scope(organization.pk):
        return KeyRequest.objects.owned_by(organization).get()


def test_somebody_without_an_account_connects_the_right_organization(acme, alice, elsewhere, path):
    stranger = Client()

    page = stranger.get(path).content.decode()
    done = stranger.post(path, {"admin_key": KEYS["openai"]})

    assert "Connect OpenAI for Acme" in page
    assert "Alice Ames" in page
    assert (done.status_code, "OpenAI is connected" in done.content.decode()) == (200, True)
    assert [each.created_by for each in connections(acme)] == [alice]
    assert connections(elsewhere) == []
    assert only(acme).used_at
    with organization_scope(acme.pk):
        line = JournalEntry.objects.owned_by(acme).get(event="provider_connection_completed")
        used = AuditLine.objects.owned_by(acme).get(action="key_request_used")
    assert line.data["via"] == "key request"
    assert (used.actor, used.ip) == (None, "127.0.0.1")


def test_the_link_works_once(path, fake):
    stranger = Client()
    stranger.post(path, {"admin_key": KEYS["openai"]})
    asked = len(fake.requests)

    assert stranger.get(path).status_code == 410
    assert stranger.post(path, {"admin_key": KEYS["openai"]}).status_code == 410
    assert len(fake.requests) == asked


def test_a_wrong_key_is_explained_and_uses_nothing_up(acme, path):
    answer = Client().post(path, {"admin_key": KEYS["openai.project"]})

    assert answer.status_code == 422
    assert "project key" in answer.content.decode()
    assert connections(acme) == []
    assert Client().get(path).status_code == 200


def test_an_account_that_is_connected_already_closes_the_link(acme, alice, path, connect):
    connect(acme, by=alice)

    done = Client().post(path, {"admin_key": KEYS["openai"]}).content.decode()

    assert "had connected this account already" in done
    assert len(connections(acme)) == 1
    assert Client().get(path).status_code == 410


def test_e12_a_link_that_is_over_taken_back_or_made_up_is_gone(acme, alice, path):
    with time_machine.travel(timezone.now() + timedelta(days=7, minutes=1)):
        assert Client().get(path).status_code == 410

    assert Browser(alice).post(f"/providers/requests/{only(acme).pk}/revoke/").status_code == 302
    assert Client().get(path).status_code == 410
    assert Client().get(f"/providers/requests/tt_ask_{acme.pk.hex}_{'x' * 43}/").status_code == 410
    assert Client().get("/providers/requests/anything/").status_code == 410


def test_a_link_is_no_way_to_try_out_keys(acme, path, fake, monkeypatch):
    monkeypatch.setattr(key_requests, "MOST_TRIES", 3)
    tries = [Client().post(path, {"admin_key": KEYS["openai.deleted"]}).status_code for _ in range(4)]
    asked = len(fake.requests)

    assert tries == [422, 422, 422, 410]
    assert Client().post(path, {"admin_key": KEYS["openai"]}).status_code == 410
    assert len(fake.requests) == asked


def test_e12_the_token_has_256_bits_and_only_its_digest_is_kept(acme, path):
    token = path.rstrip("/").rsplit("/", 1)[-1]

    with organization_scope(acme.pk):
        kept = str(KeyRequest.objects.values().get())
    assert len(token.rsplit(f"{acme.pk.hex}_", 1)[1]) == 43
    assert token not in kept
    assert mask(f"GET {path} 200") == "GET /providers/requests/[masked]/ 200"


def test_the_page_shows_the_message_once_and_lists_what_is_open(acme, alice):
    browser = Browser(alice)

    made = browser.post("/providers/connect/openai/ask/")

    assert "no-store" in made["Cache-Control"]
    assert f"/providers/requests/tt_ask_{acme.pk.hex}_" in made.content.decode()
    assert "It shows Acme what it spends on AI" in made.content.decode()
    assert "Waiting for a key" in browser.get("/providers/").content.decode()
    assert "tt_ask_" not in browser.get("/providers/").content.decode()


def test_many_open_links_are_refused(acme, alice, monkeypatch):
    monkeypatch.setattr(key_requests, "MOST_OPEN", 1)
    browser = Browser(alice)
    browser.post("/providers/connect/openai/ask/")

    assert browser.post("/providers/connect/openai/ask/").status_code == 409


def test_b13_only_owners_and_admins_of_this_organization_ask_and_take_back(acme, mallory, elsewhere, path):
    request = only(acme)

    assert Browser(mallory).post(f"/providers/requests/{request.pk}/revoke/").status_code == 404
    for role in (Role.MEMBER, Role.FINANCE, Role.VIEWER):
        small = Browser(make.member(acme, f"{role}@acme.example", role))
        assert small.post("/providers/connect/openai/ask/").status_code == 403
        assert small.post(f"/providers/requests/{request.pk}/revoke/").status_code == 403
    assert only(acme).is_open


def test_the_page_keeps_its_link_to_itself(path):
    answer = Client().get(path)

    assert answer["Referrer-Policy"] == "strict-origin"
    assert "no-store" in answer["Cache-Control"]


def test_a_key_for_a_connection_that_needs_one_goes_into_it(acme, alice, path, connect):
    connection = connect(acme, by=alice)
    with organization_scope(acme.pk):
        Connection.objects.owned_by(acme).update(status=Status.BROKEN, blocked="key_refused", next_sync_at=None)

    done = Client().post(path, {"admin_key": KEYS["openai"]}).content.decode()

    [held] = connections(acme)
    assert held.pk == connection.pk
    assert (held.status, held.blocked) == (Status.VALIDATING, "")
    assert "sees its figures within minutes" in done


def test_b49_two_who_use_the_link_at_once_connect_once(acme, path, monkeypatch):
    def meanwhile(asked):
        with organization_scope(acme.pk):
            KeyRequest.objects.owned_by(acme).update(used_at=timezone.now())
        return True

    monkeypatch.setattr(key_requests, "try_once", meanwhile)

    assert Client().post(path, {"admin_key": KEYS["openai"]}).status_code == 410
    assert connections(acme) == []


def test_a_link_ends_with_the_right_of_who_made_it(acme, alice, path):
    with organization_scope(acme.pk):
        acme.memberships.filter(user=alice).update(role=Role.MEMBER)

    assert Client().get(path).status_code == 410
