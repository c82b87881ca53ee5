"""The SDK for Python at the real door: what its clients' calls come to there."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import pytest
import tokentra_sdk
from answering import answering
from django.db.models import F
from families import FAMILIES
from tokentra_sdk import BudgetReached, TokenTra

from budgets import knowing
from budgets.reserved import Reservation, Room
from tests import make
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


def test_a_budget_at_the_real_door_lets_calls_pass_until_their_events_have_used_it_up(acme, live_server, tmp_path):
    tracking.forget()
    knowing.forget()
    make.budget(acme, "0.0015", name="Globex", mode="block", ledger="measured", scope={"customer": ["globex"]})
    key = issued(acme, "ingest").clear
    sdk = TokenTra(key, live_server.url, spool_directory=tmp_path, check="closed", check_timeout=10)
    with answering() as models, tokentra_sdk.attributes(customer_id="globex"):
        client = sdk.wrap(FAMILIES["anthropic"].make(models.url))

        def ask(most):
            asked = [{"role": "user", "content": "Hi"}]
            client.messages.create(model="claude-haiku-4-5", max_tokens=most, messages=asked, timeout=30)
            assert sdk.flush(30), sdk.stats()
            with organization_scope(acme.pk):  # as if some seconds had passed
                Room.objects.owned_by(acme).update(read_at=F("read_at") - timedelta(seconds=5))

        with pytest.raises(BudgetReached, match="less left than this call may cost"):
            ask(100_000)
        ask(10)
        ask(10)
        with pytest.raises(BudgetReached, match="used up since") as refused:
            ask(1)
        with tokentra_sdk.attributes(customer_id="initech"):
            ask(100_000)
    sdk.close()

    assert (refused.value.budget, refused.value.until.day) == ("Globex", 1)
    assert refused.value.since is not None
    assert refused.value.ask
    assert refused.value.ask_url.startswith("http")
    assert sdk.stats()["checks"] == {"asked": 5, "cached": 0, "refused": 2, "slowed": 0, "unchecked": 0}
    with organization_scope(acme.pk):
        assert Event.objects.count() == 3
        assert Reservation.objects.count() == 0  # the events have settled them


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
