"""What was sent and not kept, as its owner sees it."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.conftest import Browser
from tests.usage.measuring.conftest import event
from tokentra.lib.tenancy import organization_scope
from usage.measuring import discards, tracking


def sent(organization, *events):
    tracking.track(organization.pk, list(events), key_id=None, now=datetime.now(UTC))


def now(**said):
    return event(occurredAt=datetime.now(UTC).isoformat(), **said)


def test_c7_every_reason_is_counted_for_its_owner_alone(alice, mallory, acme, elsewhere):
    sent(acme, now(model=None), now(model=None, provider="x"), now(content="words"))

    mine = Browser(alice).get("/usage/not-kept/").content.decode()
    theirs = Browser(mallory).get("/usage/not-kept/").content.decode()

    assert "<code>invalid_field</code>" in mine
    assert "<code>model</code>" in mine
    assert "Text of prompts or answers, which is not stored." in mine
    assert "invalid_field" not in theirs
    assert "Nothing was left out" in theirs
    with organization_scope(acme.pk):
        totals = {total.reason: total.count for total in discards.since(acme, datetime.now(UTC).date())}
    assert totals == {"invalid_field": 2, "content": 1}


def test_what_is_older_is_not_shown(acme, in_acme):
    sent(acme, now(model=None))

    assert discards.since(acme, datetime.now(UTC).date() + timedelta(days=1)) == []


@pytest.mark.parametrize("name", ["<b>x</b>", "x" * 200, "a b"])
def test_of_what_was_sent_only_a_field_of_ours_is_kept(name, acme):
    sent(acme, now(tokens={name: 1}))

    with organization_scope(acme.pk):
        [total] = discards.since(acme, datetime.now(UTC).date())
    assert (total.reason, total.field) == ("unknown_field", "")


def test_every_reason_has_its_words():
    assert all(words.endswith(".") for words in discards.REASONS.values())
