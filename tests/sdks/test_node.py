"""The SDK for Node: its own checks, and what its calls come to at the real door."""

import json
from collections import Counter
from decimal import Decimal

import pytest

from budgets import knowing
from budgets.reserved import Reservation
from tests import make
from tests.sdk_keys.conftest import issued
from tests.sdks.node import node, npm
from tests.usage.measuring.otlp import model_server
from tokentra.lib.tenancy import organization_scope
from usage.measured import Event
from usage.measuring import tracking

# gpt-4o-mini: 600 x 0.15 + 400 x 0.075 + 50 x 0.60 dollars a million
CALL = Decimal("0.00015")


@pytest.mark.parametrize("script", ["lint", "types"])
def test_the_sdk_for_node_passes_its_own_checks(script: str):
    assert npm("run", "--silent", script).returncode == 0


def test_the_sdk_for_node_passes_its_own_tests():
    assert npm("test", "--silent", "--", "--quick").returncode == 0


@pytest.fixture(scope="module")
def built() -> None:
    assert npm("run", "--silent", "build").returncode == 0


def test_costs_by_customer_feature_agent_and_run_are_what_the_models_said(acme, live_server, built):
    tracking.forget()
    key = issued(acme, "ingest").clear
    with model_server.serving() as models:
        done = node("tests/door.mjs", models, env={"TOKENTRA_URL": live_server.url, "TOKENTRA_API_KEY": key})
    assert done.returncode == 0
    with organization_scope(acme.pk):
        events = list(Event.objects.all())

    told = json.loads(done.stdout)
    assert (told["isSent"], told["recorded"], told["delivered"], told["lost"]) == (True, 8, 8, {})
    assert spent(events, "customer") == {"acme": 3 * CALL, "globex": 4 * CALL, None: 0}
    assert spent(events, "feature") == {"summary": 3 * CALL, None: 4 * CALL}
    assert spent(events, "agent") == {"planner": 4 * CALL, None: 3 * CALL}
    assert spent(events, "run") == {"run-of-acme": 2 * CALL, "run-of-globex": 2 * CALL, None: 3 * CALL}
    assert spent(events, "tool") == {"search": 2 * CALL, None: 5 * CALL}
    assert {(event.project, event.environment, event.provider) for event in events} == {
        ("checkout", "production", "openai")
    }
    searches = [event for event in events if event.tool]
    assert {event.parent for event in searches} == {str(event.id) for event in events if event.is_streamed}
    [failed] = [event for event in events if event.status == "error"]
    assert (failed.model, failed.error_code, failed.amount) == ("broken", "400 BadRequestError", 0)
    assert "secret" not in repr([vars(event) for event in events])


def test_a_budget_at_the_real_door_refuses_what_it_has_no_room_for(acme, live_server, built):
    tracking.forget()
    knowing.forget()
    make.budget(acme, "0.01", name="Globex", mode="block", ledger="measured", scope={"customer": ["globex"]})
    env = {"TOKENTRA_URL": live_server.url, "TOKENTRA_API_KEY": issued(acme, "ingest").clear}
    with model_server.serving() as models:
        done = node("tests/budget.mjs", models, env=env)
    assert done.returncode == 0

    told = json.loads(done.stdout)
    refused, made = told["came"]
    assert made == "made"
    assert "has less left than this call may cost" in refused["message"]
    assert (refused["budget"], refused["until"][8:10]) == ("Globex", "01")
    assert refused["ask"]
    assert refused["askUrl"].startswith("http")
    assert told["checks"] == {"asked": 2, "cached": 0, "refused": 1, "slowed": 0, "unchecked": 0}
    with organization_scope(acme.pk):
        [event], [held] = Event.objects.all(), Reservation.objects.all()
        assert (held.ref, event.customer, event.amount) == (event.id, "globex", CALL)


def spent(events, name):
    sums = Counter()
    for event in events:
        sums[getattr(event, name)] += event.amount
    return dict(sums)
