"""Before anything is read, every endpoint that will be read is tried, within the patience of a person."""

import time
from datetime import timedelta

import pytest

from providers.connectors import CONNECTORS
from providers.connectors.base import ConnectorError, Outcome
from tests.fake_provider import KEYS, FakeProvider
from tests.providers.connectors.conftest import NOW, calling, key
from tokentra.lib import http

OPENAI, ANTHROPIC = CONNECTORS["openai"], CONNECTORS["anthropic"]
FORBIDDEN = {"action": "status", "status": 403, "message": "Missing scopes: api.usage.read"}


def identified(connector, secret="", **more):
    with calling(connector, **more) as client:
        return connector.identify(client, key(secret or KEYS[connector.key]), now=NOW)


@pytest.mark.parametrize("via", ["analytics", "reports"])
@pytest.mark.parametrize("connector", [OPENAI, ANTHROPIC], ids=lambda each: each.key)
def test_every_endpoint_that_will_be_read_is_tried(fake: FakeProvider, connector, via):
    if via == "reports":
        fake.world.anthropic.settings.analytics_refused_with = 403

    account = identified(connector)

    tried = {check.endpoint for check in account.checks if check.ok}
    assert {endpoint.name for endpoint in connector.endpoints_for(account.capabilities)} <= tried
    asked = {f"GET {seen.path}" for seen in fake.requests}
    assert {path for path in asked if "/projects/proj" not in path} <= set(connector.card.calls)


def test_an_endpoint_that_is_refused_is_told_and_takes_nothing_from_the_others(fake: FakeProvider):
    fake.script([{"match": {"path": "usage/(images|embeddings)"}, "do": FORBIDDEN}])

    account = identified(OPENAI)

    refused = {check.endpoint: check.outcome for check in account.checks if not check.ok}
    assert refused == {"usage.embeddings": Outcome.MISSING_SCOPE, "usage.images": Outcome.MISSING_SCOPE}
    assert "usage.vector_stores" in account.capabilities


def test_a_key_that_works_is_not_called_unknown_because_one_endpoint_says_so(fake: FakeProvider):
    fake.script([{"match": {"path": "usage/images"}, "do": {"action": "status", "status": 401}}])

    refused = [check.endpoint for check in identified(OPENAI).checks if not check.ok]

    assert refused == ["usage.images"]


@pytest.mark.parametrize("connector", [OPENAI, ANTHROPIC], ids=lambda each: each.key)
def test_figures_name_projects_that_prove_the_account(fake: FakeProvider, connector):
    fake.world.anthropic.usage[:] = [fact for fact in fake.world.anthropic.usage if fact.workspace_id]

    seen = identified(connector).seen

    assert seen
    assert all(each.startswith(("proj_", "wrkspc_")) for each in seen)


def test_when_the_provider_slows_us_down_no_other_endpoint_is_asked(fake: FakeProvider):
    fake.script([{"match": {"path": "usage/embeddings"}, "do": {"action": "rate_limited", "retry_after": 30}}])

    account = identified(OPENAI)

    asked = [seen.path.rsplit("/", 1)[-1] for seen in fake.requests]
    assert asked == ["costs", "completions", "projects", "embeddings"]
    messages = {check.endpoint: check.message for check in account.checks if not check.ok}
    assert "fewer requests" in messages["usage.embeddings"]
    assert messages["usage.images"] == "Not asked yet, there was no time left for it. Its first reading tells."


def test_a_slow_provider_keeps_nobody_waiting_past_the_deadline(fake: FakeProvider):
    fake.script([{"match": {"path": "usage/embeddings"}, "do": {"action": "hang", "seconds": 60}}])
    began = time.monotonic()

    account = identified(OPENAI, deadline=began + 2)

    assert time.monotonic() - began < 20
    works = [check.endpoint for check in account.checks if check.ok]
    assert works[:3] == ["costs", "usage.completions", "projects"]
    assert any("Not asked yet" in check.message for check in account.checks)


@pytest.mark.parametrize("connector", [OPENAI, ANTHROPIC], ids=lambda each: each.key)
def test_a_provider_that_asks_for_patience_does_not_get_it_from_a_person(fake: FakeProvider, connector):
    slept: list[float] = []
    fake.script([{"do": {"action": "status", "status": 503, "headers": {"retry-after": "20"}}}])

    with pytest.raises(ConnectorError) as away:
        identified(connector, sleep=slept.append, patience=http.WHILE_A_PERSON_WAITS)

    assert away.value.outcome is Outcome.PROVIDER_DOWN
    assert "503" in away.value.message
    assert away.value.retry_after == timedelta(seconds=20)
    assert slept == []
