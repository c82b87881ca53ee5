"""The SDK for Python at the real door: what its clients' calls come to there."""

from collections.abc import Callable
from decimal import Decimal

import pytest
import tokentra_sdk
from answering import answering
from families import FAMILIES
from tokentra_sdk import TokenTra

from tests.sdk_keys.conftest import issued
from tokentra.lib.tenancy import organization_scope
from usage.measured import Event
from usage.measuring import tracking


@pytest.fixture
def told(acme, live_server, tmp_path) -> Callable[[], list[Event]]:
    """What the organization has of a call of every family, in the order of the calls."""
    tracking.forget()
    sdk = TokenTra(issued(acme, "ingest").clear, live_server.url, spool_directory=tmp_path, environment="production")
    with answering() as models, tokentra_sdk.attributes(feature="search", colour="blue"):
        for name, family in FAMILIES.items():
            with tokentra_sdk.attributes(customer_id=name), tokentra_sdk.run(f"run of {name}"):
                family.call(sdk.wrap(family.make(models.url)))
    assert sdk.flush(30), sdk.stats()
    assert sdk.stats()["lost"] == {}
    sdk.close()
    with organization_scope(acme.pk):
        return list(Event.objects.order_by("id"))


def test_every_event_of_every_family_is_kept_with_its_tokens_and_for_whom_it_was(told):
    found = {name: [event for event in told if event.customer == name] for name in FAMILIES}

    for name, family in FAMILIES.items():
        assert [used(event) for event in found[name]] == [without_nothing(each) for each in family.told], name
        assert {(event.run, event.feature, event.environment) for event in found[name]} == {
            (f"run of {name}", "search", "production")
        }
    assert len(told) == sum(len(family.told) for family in FAMILIES.values())
    assert {repr(event.tags) for event in told} == {"{'colour': 'blue'}"}
    assert "secret" not in repr([vars(event) for event in told])
    # 600 x 1 + 300 x 0.10 + 70 x 1.25 + 30 x 2 + 50 x 5 dollars a million: the price of claude-haiku-4-5
    assert {event.amount for event in found["anthropic"]} == {Decimal("0.0010275")}
    assert [event.basis for event in found["pinecone"]] == ["unpriced", "unpriced"]


NAMES = {
    "input": "input", "cacheRead": "cache_read", "cacheWrite5m": "cache_write_5m", "cacheWrite30m": "cache_write_30m",
    "cacheWrite1h": "cache_write_1h", "cacheWrite12h": "cache_write_12h", "output": "output", "reasoning": "reasoning",
    "audioIn": "audio_in", "audioOut": "audio_out", "imageIn": "image_in", "imageOut": "image_out",
}  # fmt: skip


def used(event: Event) -> dict[str, int]:
    tokens = {ours: getattr(event, name) for ours, name in NAMES.items() if getattr(event, name)}
    return tokens or {
        name: int(Decimal(number)) for name, number in (event.units or {}).items() if name != "web_search"
    }


def without_nothing(told: dict[str, int]) -> dict[str, int]:
    return {name: number for name, number in told.items() if number}
