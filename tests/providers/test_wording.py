"""Every state has its words, and they are true (reliability P5, E8)."""

import re
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path

import pytest

from providers import wording
from providers.connectors import CONNECTORS
from providers.connectors.base import Outcome
from providers.models import Blocked, Connection, EndpointState, Status
from providers.windows import Marks
from tokentra.lib.ids import uuid7

NOW = datetime(2026, 11, 20, 14, 30, tzinfo=UTC)
TEMPLATES = Path(__file__).resolve().parents[2] / "templates" / "providers"


def marks(status: str, blocked: str = "", outcome: str = "ok") -> Marks:
    connection = Connection(
        name="Acme",
        provider="openai",
        status=status,
        blocked=blocked,
        blocked_at=NOW - timedelta(hours=1) if blocked else None,
        wait_until=NOW + timedelta(minutes=35) if blocked else None,
        last_sync_at=NOW - timedelta(days=1),
        next_sync_at=NOW,
        key_set_at=NOW,
    )
    state = EndpointState(
        endpoint="costs", label="Costs", outcome=outcome, failing_since=NOW - timedelta(hours=2), retry_at=NOW
    )
    return Marks(connection, CONNECTORS["openai"], (), {"costs": state})


@pytest.mark.parametrize(
    ("status", "blocked", "outcome"), list(product(Status.values, ["", *Blocked.values], ["", *Outcome]))
)
def test_every_state_says_something_whole(status, blocked, outcome):
    said = wording.said(marks(status, blocked, outcome), now=NOW)

    assert said.title
    assert said.text.endswith(".")
    assert "{" not in said.title + said.text
    assert "None" not in said.text


@pytest.mark.parametrize("outcome", ["", *Outcome])
def test_every_outcome_of_an_endpoint_has_words(outcome):
    state = EndpointState(endpoint="costs", outcome=outcome, failing_since=NOW, retry_at=NOW)

    assert "{" not in wording.endpoint(state, NOW)


def test_what_needs_a_person_says_what_to_do():
    for (status, reason), said in wording.SAID.items():
        if status in {Status.BROKEN, Status.PAUSED, Status.DISCONNECTED} and reason != "taken_over":
            assert said.act


def test_an_account_that_another_connection_reads_says_so():
    ended = marks(Status.DISCONNECTED)
    ended.connection.taken_over_by = uuid7()

    assert "Another connection reads this account now" in wording.said(ended, now=NOW).text


def test_times_are_named_with_their_day_when_it_is_another_one():
    assert wording.moment(NOW, NOW) == "14:30 UTC"
    assert wording.moment(NOW - timedelta(days=1), NOW) == "19 Nov 14:30 UTC"


def test_healthy_states_are_no_problem():
    assert wording.problem(marks("healthy"), now=NOW) is None
    assert wording.problem(marks("failing", "refused"), now=NOW)


def test_e8_nothing_claims_that_keys_are_never_seen():
    texts = [path.read_text() for path in TEMPLATES.rglob("*.html")]
    texts += [said.text for said in wording.SAID.values()]
    texts += [str(connector.card) + str(connector.form().as_p()) for connector in CONNECTORS.values()]

    for text in texts:
        assert not re.search(r"never see|we don't see|stay on your provider", text, re.I)


def test_e8_the_forms_ask_for_the_least_and_say_what_an_anthropic_key_can_do():
    openai, anthropic = (str(CONNECTORS[key].form().as_p()) for key in ("openai", "anthropic"))

    assert "Read only" in openai
    assert "everything an admin can" in anthropic
