"""Runs are compared with their calls, and made anew where they differ."""

from datetime import timedelta

import pytest
from django.db.models import F

from tests.usage.measuring import oracle
from tests.usage.measuring.conftest import NOON, event
from tests.usage.measuring.test_adding_up import story
from tests.usage.measuring.test_keeping import keep
from tests.usage.measuring.test_large_counts import EDGE, largest
from tokentra.lib.tenancy import organization_scope
from usage.audit import Audit
from usage.measured import Event, Run
from usage.measuring import keeping, remaking_runs
from usage.measuring.sums import MOST_SUMMED

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def call(id, run="r", *, days_ago=0, **said):
    return event(id=id, runId=run, occurredAt=(NOON - days_ago * DAY).isoformat(), **said)


def audited(organization, *, fix=False):
    return [(wrong.day, wrong.tables) for wrong in Audit(organization.pk, fix=fix).run()]


def change(organization, run="r", **fields):
    with organization_scope(organization.pk):
        assert Run.objects.owned_by(organization).filter(run=run).update(**fields) == 1


CHANGES = {
    "a call more": {"calls": F("calls") + 1},
    "an error": {"errors": 1},
    "a cent": {"amount": F("amount") + 1},
    "tokens": {"tokens_out": 0},
    "a currency": {"other_calls": 1},
    "a later day": {"started_at": NOON, "calls": 1},
}


@pytest.mark.parametrize("fields", CHANGES.values(), ids=CHANGES)
def test_a_run_that_differs_is_found_on_the_day_it_began_and_made_anew(fields, acme, send):
    send(call("one", days_ago=3), call("two", days_ago=1), call("three", "other", days_ago=1))
    assert audited(acme) == []
    change(acme, **fields)

    found = audited(acme)

    assert found[0] == ((NOON - 3 * DAY).date(), {"usage_run": 2})
    assert len(found) == (2 if "started_at" in fields else 1)  # once it is made anew, it began before its later day
    audited(acme, fix=True)
    assert audited(acme) == []
    oracle.assert_true(acme)


def test_a_run_that_is_missing_and_one_that_nobody_called_are_found(acme, send):
    send(call("one", "gone", days_ago=1), call("three", "gone"), call("two", "stays", days_ago=1))
    with organization_scope(acme.pk):
        held = Run.objects.owned_by(acme).get(run="gone")
        held.delete()
        fields = {name: getattr(held, name) for name in ("last_at", "calls", "errors", "unpriced_calls", "amount")}
        said = {"run": "invented", "id": acme.pk, "started_at": NOON - DAY, "tokens_in": 1, "tokens_out": 1}
        Run.objects.create(organization=acme, **fields | said)

    assert [(day, tables["usage_run"]) for day, tables in audited(acme)] == [((NOON - DAY).date(), 2), (NOON.date(), 1)]
    assert audited(acme, fix=True)[0] == ((NOON - DAY).date(), {"usage_run": 2, "usage_appearancecount": 2})
    assert audited(acme) == []
    oracle.assert_true(acme)


def test_a_story_of_many_runs_is_true_some_at_a_time(acme, send, monkeypatch):
    monkeypatch.setattr(remaking_runs, "MOST", 3)
    send(*story(8, 200, days=4))
    assert audited(acme) == []

    with organization_scope(acme.pk):
        Run.objects.owned_by(acme).update(calls=F("calls") + 1)
        number = Run.objects.owned_by(acme).count()
    assert sum(tables["usage_run"] for _, tables in audited(acme, fix=True)) == 2 * number
    oracle.assert_true(acme)


def test_the_first_of_several_names_is_not_wrong(acme, send):
    send(call("one", agent="planner", customerId="z", feature="z"))
    with organization_scope(acme.pk):  # they are added up
        assert Run.objects.owned_by(acme).get().agent == "planner"
    send(call("two", agent="editor", customerId="a", feature="a"))

    assert audited(acme) == []


@pytest.mark.parametrize("days", [7, 8])
def test_a_run_of_more_than_a_week_is_left_out(days, acme, send):
    send(call("one", days_ago=days), call("two"))
    assert audited(acme) == []
    change(acme, calls=5)

    assert len(audited(acme)) == (1 if days == 7 else 0)


def test_a_run_whose_first_day_is_forgotten_stays(acme, send):
    keep(acme, 60)
    for age in (61, 59):  # sent when it was allowed
        send(call(str(age), days_ago=age), now=NOON - age * DAY)
    while keeping.forget_a_day(acme.pk, NOON.date()):
        pass

    assert audited(acme, fix=True) == []

    with organization_scope(acme.pk):
        assert Run.objects.owned_by(acme).get().calls == 2


def test_a_run_of_more_than_has_room_is_compared_and_made_anew(acme, send):
    send(largest(id="one", runId="r"), largest(id="two", runId="r"))
    with organization_scope(acme.pk):
        Event.objects.owned_by(acme).update(output=EDGE - 10**13)

    [(_, tables)] = audited(acme, fix=True)

    assert tables["usage_run"] == 2
    assert audited(acme) == []
    with organization_scope(acme.pk):
        assert Run.objects.owned_by(acme).get().tokens_out == MOST_SUMMED
