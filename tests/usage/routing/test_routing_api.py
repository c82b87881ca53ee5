"""GET /api/routing, as programs read it about each minute."""

import pytest
from django.test import Client

from accounts.permissions import Scope
from tests.sdk_keys.conftest import issued
from tests.usage.measuring.conftest import NOON
from tokentra.lib.tenancy import organization_scope
from usage.routing import making
from usage.rules.routing import Call

pytestmark = pytest.mark.django_db
PATH = "/api/routing"
CHAT = {"feature": "chat", "provider": "openai", "model": "gpt-4o", "useModel": "gpt-4o-mini"}


@pytest.fixture
def rule(acme, alice):
    with organization_scope(acme.pk):
        making.make(acme, Call("off", "openai", "gpt-4o"), "gpt-4o-mini", basis={}, by=alice, now=NOON)
        made = making.make(acme, Call("chat", "openai", "gpt-4o"), "gpt-4o-mini", basis={}, by=alice, now=NOON)
        making.enable(made, by=alice, now=NOON)
        return made


def ask(key, **headers):
    told = {name.replace("_", "-"): value for name, value in headers.items()}
    return Client().get(PATH, headers={"Authorization": f"Bearer {key.clear}"} | told)


def test_a_key_that_sends_events_reads_the_rules_that_are_on(acme, rule):
    answer = ask(issued(acme, Scope.INGEST))

    assert answer.status_code == 200
    assert answer.json()["rules"] == [CHAT]
    assert answer["ETag"] == f'"{answer.json()["version"]}"'


def test_what_did_not_change_is_answered_304_and_what_did_anew(acme, alice, rule):
    key = issued(acme, Scope.INGEST)
    etag = ask(key)["ETag"]

    same = ask(key, If_None_Match=etag)
    with organization_scope(acme.pk):
        making.disable(rule, by=alice, now=NOON)
    changed = ask(key, If_None_Match=etag)

    assert (same.status_code, same.content, same["ETag"]) == (304, b"", etag)
    assert (changed.status_code, changed.json()["rules"]) == (200, [])


def test_a_member_reads_them_and_nobody_else_does(acme, rule, alices, mallorys, elsewhere):
    assert alices.get(PATH).json()["rules"] == [CHAT]
    assert mallorys.get(PATH).json()["rules"] == []
    assert ask(issued(elsewhere, Scope.INGEST)).json()["rules"] == []
    assert ask(issued(acme, Scope.READ)).status_code == 403
    assert Client().get(PATH).status_code == 401


def test_it_is_cheap(acme, rule, django_assert_max_num_queries):
    key = issued(acme, Scope.INGEST)
    ask(key)

    with django_assert_max_num_queries(10):  # two of them read; the rest enters the scope and leaves it
        ask(key)
