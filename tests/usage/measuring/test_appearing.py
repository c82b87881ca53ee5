"""Who was there on which day is compared with the events, and made anew where it differs."""

import random
from datetime import timedelta
from uuid import UUID

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.models import F
from django.utils import timezone
from psycopg import ClientCursor

from tests.usage.measuring import oracle
from tests.usage.measuring.conftest import NOON, event
from tests.usage.measuring.test_adding_up import story
from tests.usage.measuring.test_keeping import keep
from tests.usage.measuring.test_rezoning import all_steps, move_to
from tokentra.lib.tenancy import organization_scope
from usage.appearances import Appearance, AppearanceCount
from usage.audit import Audit
from usage.measured import Run
from usage.measuring import appearing, keeping, rezoning, statements

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
STRANGER = UUID(int=7)


def lose_and_invent(organization, day):
    """All runs of a day but one, which is there on every day; a customer, and one in a count."""
    with organization_scope(organization.pk):
        runs = Run.objects.owned_by(organization)
        every = sorted({each for run in runs for each in run.days})
        first, *others = sorted((run for run in runs if day in run.days), key=lambda run: (len(run.days), run.run))
        assert others
        for run in others:
            runs.filter(id=run.id).update(days=[each for each in run.days if each != day])
        runs.filter(id=first.id).update(days=every)
        Appearance.objects.create(organization=organization, kind="customer", value=STRANGER, day=day)
        counts = AppearanceCount.objects.owned_by(organization).filter(day=day, kind="customer")
        assert counts.update(count=F("count") + 1)


@pytest.mark.parametrize("day", [NOON.date() - DAY, NOON.date()])
@pytest.mark.parametrize("zone", ["UTC", "Asia/Kolkata"])
def test_what_differs_is_found_and_made_anew(zone, day, acme, send):
    with organization_scope(acme.pk):
        acme.timezone = zone
        acme.save(update_fields=["timezone"])
    send(*story(5, 150))
    assert list(Audit(acme.pk).run()) == []
    lose_and_invent(acme, day)

    found = {wrong.day: set(wrong.tables) for wrong in Audit(acme.pk).run()}
    list(Audit(acme.pk, fix=True).run())

    assert found[day] == {"usage_appearance", "usage_run", "usage_appearancecount"}
    assert list(Audit(acme.pk).run()) == []
    oracle.assert_true(acme)


@pytest.mark.worker
def test_whoever_was_there_on_a_day_that_is_forgotten_stays_and_the_command_says_so(acme, elsewhere, capsys, send):
    now = timezone.now()
    keep(acme, 60)
    for age in (70, 65, 1):
        at = now - age * DAY
        send(event(id=str(age), occurredAt=at.isoformat(), customerId=f"c{age}", runId=f"r{age}"), now=at)
    while keeping.forget_a_day(acme.pk, now.date()):
        pass
    before = appearances(acme)

    call_command("audit_rollups", fix=True)

    assert capsys.readouterr().out.splitlines() == [
        f"{acme.slug}: 1 days looked at; 2 older ones, of which no calls are kept, stay as they are",
        f"{elsewhere.slug}: 0 days looked at",
    ]
    assert appearances(acme) == before
    assert len(before) == 6


def test_nobody_is_taken_for_wrong_while_days_move_to_another_zone(acme, alice, send, monkeypatch):
    monkeypatch.setattr(rezoning, "MOST", 20)
    send(*story(6, 100))
    move_to(acme, "Pacific/Auckland", by=alice)

    rezoning.move_next(acme.pk)
    rezoning.move_next(acme.pk)
    assert list(Audit(acme.pk, fix=True).run()) == []
    all_steps(acme)

    assert list(Audit(acme.pk).run()) == []
    oracle.assert_true(acme)


@pytest.mark.parametrize("seed", range(4))
def test_counts_follow_whoever_comes_to_a_day_and_goes_from_it(seed, acme):
    chosen = random.Random(seed)
    there = {}
    with organization_scope(acme.pk), ClientCursor(connection.connection) as own:
        for _ in range(40):
            day, is_whole = NOON.date() + chosen.randrange(8) * DAY, chosen.random() < 0.5
            names = {name for name in "abcdef" if chosen.random() < 0.4}
            there[day] = names | (set() if is_whole else there.get(day, set()))
            params = {"customers": list(names), "is_whole": is_whole}
            own.execute(appearing.SETTLE, params | {"organization": acme.pk, "day": day})

            counted = [each for each in AppearanceCount.objects.owned_by(acme) if each.count]
            days = {name: sorted(day for day, names in there.items() if name in names) for name in "abcdef"}
            steps = [pair for mine in days.values() for pair in zip([AppearanceCount.NEVER, *mine], mine, strict=False)]
            assert {(each.before, each.day): each.count for each in counted} == {
                step: steps.count(step) for step in steps
            }


def test_whoever_comes_once_more_is_counted_without_a_look_at_all_of_the_days_before(acme, send):
    send(*(event(id=str(age), occurredAt=(NOON - age * DAY).isoformat(), customerId="c") for age in range(1, 30)))
    assert appearing_days(acme) == 29
    send(event(id="today", customerId="c"))

    with organization_scope(acme.pk, up_to_date=False), ClientCursor(connection.connection) as own:
        statements.prepare(own, "tt_add_up")
        asked = "EXPLAIN (ANALYZE, FORMAT JSON) EXECUTE tt_add_up (%s, '1 hour', '{}', 'UTC', false, 20000)"
        [(plan,)] = statements.by_key(own, asked, [acme.pk])

    read = [node for node in nodes(plan) if is_read(node)]
    assert sum(node["Actual Rows"] * node["Actual Loops"] for node in read) == 1  # when it was there before


def appearances(organization):
    with organization_scope(organization.pk):
        runs = {(run.run, day) for run in Run.objects.owned_by(organization) for day in run.days}
        return runs | set(Appearance.objects.owned_by(organization).values_list("value", "day"))


def appearing_days(organization):
    with organization_scope(organization.pk):
        return Appearance.objects.owned_by(organization).count()


def is_read(node):
    return node.get("Relation Name") == "usage_appearance" and "Scan" in node["Node Type"]


def nodes(plan):
    """All of a plan, from its top."""
    for node in plan:
        yield from nodes([node["Plan"]] if "Plan" in node else node.get("Plans", []))
        if "Node Type" in node:
            yield node
