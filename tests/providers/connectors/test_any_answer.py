"""Whatever JSON a provider answers with, a connector reads it, lists it, or says that it is unexpected."""

import json
from datetime import timedelta
from typing import Any

import httpx2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from providers.connectors import CONNECTORS
from providers.connectors.base import ConnectorError
from tests.providers.connectors.conftest import NOW, answering, key, recorded
from tokentra.lib import breaker

NAMES = {
    "openai": ("openai_costs", "openai_usage_completions", "openai_projects"),
    "anthropic": (
        "anthropic_analytics_cost",
        "anthropic_analytics_usage",
        "anthropic_usage_report",
        "anthropic_cost_report",
        "anthropic_workspaces",
        "anthropic_me",
    ),
}
SECRETS = {"openai": "sk-admin-0123456789abcdef", "anthropic": "sk-ant-admin01-0123456789abcdef"}
WORDS = ("", "NaN", "-1", "1e99", "2026-10-31T14:00:00Z", "usd", "wrkspc_1", "\ud800\0")
odd = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(-5, 2**70), st.floats(), st.sampled_from(WORDS), st.text(max_size=8)
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=2), st.dictionaries(st.sampled_from(("id", "data")), inner, max_size=2)
    ),
    max_leaves=4,
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place inside a JSON value."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for name, each in inner for place in places(each, (*path, name)))]


@st.composite
def spoilt(draw: st.DrawFn, provider: str) -> str:
    """A recorded answer of the provider with something odd in one or two places."""
    body = recorded(draw(st.sampled_from(NAMES[provider])))
    for _ in range(draw(st.integers(1, 2))):
        *path, last = draw(st.sampled_from(places(body)[1:]))
        target = body
        for step in path:
            target = target[step]
        target[last] = draw(odd)
        if not isinstance(body, dict) or not places(body)[1:]:
            break
    return json.dumps(body)


@pytest.mark.parametrize("provider", CONNECTORS)
@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_answer_is_read_or_is_an_error_of_ours(provider: str, data: st.DataObject):
    connector, credentials = CONNECTORS[provider], key(SECRETS[provider])
    body = data.draw(spoilt(provider))
    capability = data.draw(st.sampled_from(("analytics", "reports")))
    endpoint = data.draw(st.sampled_from(connector.endpoints_for(frozenset({capability}))))
    start = NOW.replace(month=10, day=30, hour=0, minute=0)
    breaker.close_breakers()

    def ask(what: str, client: Any) -> Any:
        if what == "identify":
            return connector.identify(client, credentials, now=NOW)
        if what == "names":
            return connector.names(client, credentials)
        return connector.read(client, credentials, endpoint, start, start + timedelta(days=3), now=NOW)

    for what in ("identify", "names", "read"):
        with answering(connector, lambda request: httpx2.Response(200, text=body)) as client:
            try:
                ask(what, client)
            except ConnectorError as error:
                assert error.message.endswith(".")  # noqa: PT017  # most examples raise nothing
