"""Which programs follow the routing rules, as the page of routing shows it."""

from datetime import timedelta

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from accounts.permissions import Role
from tests import make
from tests.conftest import Browser
from tests.sdk_keys.conftest import issued

pytestmark = pytest.mark.django_db
CORNER, RULES = "/settings/sdk/following/", "/api/routing"


def read_rules(clear):
    return Client().get(RULES, headers={"Authorization": f"Bearer {clear}"})


def test_a_key_by_which_rules_are_read_follows_until_it_falls_silent(acme, alice):
    issued(acme, "ingest", name="Idle")
    made = issued(acme, "ingest", name="Shop")
    browser = Browser(alice)
    assert "No program has read the rules yet" in browser.get(CORNER).text

    assert read_rules(made.clear).status_code == 200

    page = browser.get(CORNER).text
    assert "Shop" in page
    assert made.key.masked in page
    assert "Idle" not in page
    assert "Follows" in page
    with time_machine.travel(timezone.now() + timedelta(minutes=6)):
        assert "Silent" in Browser(alice).get(CORNER).text


def test_reading_rules_is_no_event_for_whoever_waits_for_one(acme, alice):
    read_rules(issued(acme, "ingest", by=alice).clear)

    browser = Browser(alice)
    waiting = browser.get("/settings/sdk/arriving/").text
    assert "Waiting for your first event" in waiting
    assert "Routing rules read" not in waiting
    assert "Routing rules read" in browser.get("/settings/sdk/troubleshooting/").text


def test_a_refused_key_does_not_follow(acme, alice):
    assert read_rules(issued(acme, "read").clear).status_code == 403

    assert "No program has read the rules yet" in Browser(alice).get(CORNER).text


def test_whoever_sees_their_own_keys_alone_reads_that_somebody_follows_and_not_who(acme):
    made = issued(acme, "ingest", name="Shop")
    read_rules(made.clear)

    page = Browser(make.member(acme, "member@acme.example", Role.MEMBER)).get(CORNER).text

    assert "A key of somebody else" in page
    assert "Shop" not in page
    assert made.key.last_four not in page


def test_b13_programs_of_another_organization_are_not_there(acme, mallory, elsewhere):
    read_rules(issued(acme, "ingest", name="Shop").clear)

    assert "No program has read the rules yet" in Browser(mallory).get(CORNER).text
