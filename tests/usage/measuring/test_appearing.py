"""Who was there on which day is compared with the events, and made anew where it differs."""

from datetime import timedelta
from uuid import UUID

import pytest
from django.core.management import call_command
from django.db.models import F
from django.utils import timezone

from tests.usage.measuring import oracle
from tests.usage.measuring.conftest import NOON, event
from tests.usage.measuring.test_adding_up import story
from tests.usage.measuring.test_keeping import keep
from tests.usage.measuring.test_rezoning import all_steps, move_to
from tokentra.lib.tenancy import organization_scope
from usage.appearances import Appearance, AppearanceCount
from usage.audit import Audit
from usage.measuring import keeping, rezoning

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
STRANGER = UUID(int=7)


def lose_and_invent(organization, day):
    """All runs of a day but one, a customer, and one in a count."""
    with organization_scope(organization.pk):
        there = Appearance.objects.owned_by(organization).filter(day=day)
        runs = there.filter(kind="run")
        runs.exclude(value=runs.first().value).delete()
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

    assert found[day] == {"usage_appearance", "usage_appearancecount"}
    assert list(Audit(acme.pk).run()) == []
    oracle.assert_true(acme)


@pytest.mark.worker
def test_whoever_was_there_on_a_day_that_is_forgotten_stays_and_the_command_says_so(acme, elsewhere, capsys, send):
    now = timezone.now()
    keep(acme, 60)
    for age in (70, 65, 1):
        at = now - age * DAY
        send(event(id=str(age), occurredAt=at.isoformat(), customerId=f"c{age}"), now=at)
    while keeping.forget_a_day(acme.pk, now.date()):
        pass
    with organization_scope(acme.pk):
        before = set(Appearance.objects.owned_by(acme).values_list("value", "day"))

    call_command("audit_rollups", fix=True)

    assert capsys.readouterr().out.splitlines() == [
        f"{acme.slug}: 1 days looked at; 2 older ones, of which no calls are kept, stay as they are",
        f"{elsewhere.slug}: 0 days looked at",
    ]
    with organization_scope(acme.pk):
        assert set(Appearance.objects.owned_by(acme).values_list("value", "day")) == before
    assert len(before) == 3


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
