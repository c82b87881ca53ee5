"""Events are kept as long as their organization says; sums stay."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import IntegrityError, OperationalError, connection, connections
from django.db.models import Sum
from django.utils import timezone

from tests.product import wait_for
from tests.usage.measuring.conftest import event
from tests.usage.measuring.test_catching_up import waits
from tests.usage.measuring.test_repricing import own_price
from tests.waits import sessions_that_wait
from tokentra.lib.tenancy import organization_scope
from usage import partitions
from usage.audit import Audit
from usage.measured import Event, MeasuredDay, MeasuredHour
from usage.measuring import keeping, rebuilding, repricing, tracking
from usage.models import DayRollup, PriceOverride
from usage.repricing import Asked
from usage.tasks import add_up_events

pytestmark = pytest.mark.worker


def sent(organization, at, **said):
    now = at + timedelta(minutes=1)
    assert tracking.track(organization.pk, [event(occurredAt=at.isoformat(), **said)], key_id=None, now=now).accepted


def days(organization):
    with organization_scope(organization.pk):
        return [day for (day,) in Event.objects.owned_by(organization).order_by("day").values_list("day")]


def keep(organization, event_days):
    with organization_scope(organization.pk):
        organization.event_days = event_days
        organization.save(update_fields=["event_days"])


def calls(organization):
    with organization_scope(organization.pk):
        return MeasuredDay.objects.owned_by(organization).of("all").aggregate(all=Sum("calls"))["all"] or 0


def monday_of(at):
    return at.date() - timedelta(days=at.weekday())


def test_each_organization_forgets_what_it_does_not_keep_and_keeps_its_sums(acme, elsewhere):
    now = timezone.now()
    keep(acme, 60)
    for age in (100, 70, 59, 1):
        for organization in (acme, elsewhere):
            sent(organization, now - timedelta(days=age))

    while keeping.forget_a_day(acme.pk, now.date()):
        pass

    assert days(acme) == [now.date() - timedelta(days=59), now.date() - timedelta(days=1)]
    assert len(days(elsewhere)) == 4
    with organization_scope(acme.pk):
        assert MeasuredDay.objects.owned_by(acme).filter(dimension="all").count() == 4


def test_a_day_of_the_zone_that_is_forgotten_in_part_is_not_taken_for_wrong(acme):
    now = timezone.now()
    with organization_scope(acme.pk):
        acme.timezone = "Europe/Berlin"
        acme.save(update_fields=["timezone"])
    keep(acme, 60)
    first = (now - timedelta(days=60)).replace(hour=0, minute=30)
    for at in (first - timedelta(hours=1), first, first + timedelta(days=1)):
        sent(acme, at)

    while keeping.forget_a_day(acme.pk, now.date()):
        pass

    assert len(days(acme)) == 2
    assert list(Audit(acme.pk, fix=True).run()) == []
    with organization_scope(acme.pk):
        assert MeasuredDay.objects.owned_by(acme).filter(dimension="all").aggregate(Sum("calls")) == {"calls__sum": 3}


def sums(organization):
    with organization_scope(organization.pk):
        tables = (MeasuredDay, MeasuredHour, DayRollup)
        return [sorted(map(repr, table.objects.owned_by(organization).values())) for table in tables]


def test_days_that_are_forgotten_while_sums_are_compared_keep_theirs(acme):
    now = timezone.now()
    keep(acme, 60)
    for age in (70, 1):
        sent(acme, now - timedelta(days=age), latencyMs=80)
    wanted, before = rebuilding.days_of(acme.pk), sums(acme)
    assert keeping.forget_a_day(acme.pk, now.date())

    assert list(rebuilding.compare(acme.pk, wanted, fix=True)) == []
    assert sums(acme) == before


@pytest.mark.django_db(transaction=True)
def test_nothing_is_forgotten_while_sums_are_made_anew(acme):
    """What was taken out of the sums could not be added to them again."""
    now = timezone.now()
    keep(acme, 60)
    own_price(acme, "2", model="gpt-4o-mini", since=(now - timedelta(days=90)).date())
    sent(acme, now - timedelta(days=70), tokens={"input": 10**6})
    with organization_scope(acme.pk):
        PriceOverride.objects.update(rates={"input": "3"})

    with ThreadPoolExecutor(1) as worker:
        forgetting = []

        def forget_meanwhile(execute, sql, *more):
            if sql == repricing.SET_PRICES:
                forgetting.append(worker.submit(forget, acme, now.date()))
                wait_for(
                    lambda: forgetting[0].done() or sessions_that_wait(), 30, "the day is forgotten, or is not yet"
                )
            return execute(sql, *more)

        with connection.execute_wrapper(forget_meanwhile):
            [change] = repricing.reprice(acme.pk, Asked(every_row=True), dry_run=False)

    assert forgetting[0].result()
    assert days(acme) == []
    with organization_scope(acme.pk):
        [kept] = MeasuredDay.objects.filter(dimension="all")
        assert (kept.calls, kept.amount) == (1, change.after) == (1, 3)


def forget(organization, today):
    try:
        return keeping.forget_a_day(organization.pk, today)
    finally:
        connections.close_all()


def test_what_may_still_come_is_never_forgotten_before(acme, settings):
    now = timezone.now()
    keep(acme, 35)
    settings.OLDEST_EVENT = timedelta(days=90)
    sent(acme, now - timedelta(days=80))

    assert not keeping.forget_a_day(acme.pk, now.date())


def test_a_week_goes_when_nobody_keeps_it(acme, elsewhere):
    now = timezone.now()
    keep(acme, 40)
    keep(elsewhere, 200)
    sent(acme, now - timedelta(days=150))
    add_up_events()
    monday = partitions.weeks(partitions.EVENTS)[0]

    assert keeping.drop_weeks(now.date()) == 0
    keep(elsewhere, 60)
    dropped = keeping.drop_weeks(now.date())

    assert dropped > 0
    assert monday not in partitions.weeks(partitions.EVENTS)
    assert (days(acme), calls(acme)) == ([], 1)


def test_no_week_goes_of_which_something_waits_to_be_added_up(acme, elsewhere):
    now = timezone.now()
    keep(acme, 60)
    keep(elsewhere, 40)
    sent(elsewhere, now - timedelta(days=170))
    assert days(elsewhere)
    sent(acme, now - timedelta(days=150))

    keeping.drop_weeks(now.date())  # what waits was not reached, as after days without a worker
    assert monday_of(now - timedelta(days=150)) in partitions.weeks(partitions.EVENTS)
    assert monday_of(now - timedelta(days=170)) not in partitions.weeks(partitions.EVENTS)
    assert days(acme) == [(now - timedelta(days=150)).date()]
    keeping.drop_weeks(now.date())

    assert days(acme) == []
    assert calls(acme) == 1


def test_one_whose_events_wait_lets_the_others_forget_theirs(acme, elsewhere):
    now = timezone.now()
    for organization in (acme, elsewhere):
        keep(organization, 60)
        sent(organization, now - timedelta(days=150))

    assert keeping.forget_a_day(elsewhere.pk, now.date())

    assert days(elsewhere) == []
    assert calls(elsewhere) == 1
    assert waits(acme) == (1, 0)


@pytest.mark.django_db(transaction=True)
def test_weeks_go_while_events_come_and_are_added_up(acme, elsewhere, weeks_may_go):
    now = timezone.now()
    keep(acme, 40)
    keep(elsewhere, 60)
    for week in range(12, 24):
        for organization in (acme, elsewhere):
            sent(organization, now - timedelta(weeks=week), id=f"old {week}")
    add_up_events()
    came, is_over = {acme: 0, elsewhere: 0}, threading.Event()

    def come(organization):
        try:
            while not is_over.is_set():
                number = came[organization]
                sent(organization, now - timedelta(days=number % 30), id=f"{number}", customerId=f"c{number}")
                came[organization] += 1
                if number % 3 == 0:
                    assert calls(organization) == 12 + came[organization]
        finally:
            connections.close_all()

    def is_dropped():
        keeping.drop_weeks(now.date())
        return partitions.weeks(partitions.EVENTS)[0] > now.date() - timedelta(days=70)

    with ThreadPoolExecutor(2) as threads:
        coming = [threads.submit(come, organization) for organization in came]
        try:
            wait_for(lambda: min(came.values()) > 3, 60, "some came")
            wait_for(is_dropped, 60, "the old weeks went")
        finally:
            is_over.set()
        for each in coming:
            each.result()

    assert keeping.drop_weeks(now.date()) == 0
    for organization, count in came.items():
        assert calls(organization) == 12 + count
        assert list(Audit(organization.pk).run()) == []


def test_an_event_of_a_week_that_went_is_refused_and_changes_nothing(acme):
    now = timezone.now()
    keep(acme, 40)
    old = now - timedelta(days=150)
    sent(acme, old, id="one")
    assert days(acme)
    keeping.drop_weeks(now.date())

    answer = tracking.track(acme.pk, [event(id="one", occurredAt=old.isoformat())], key_id=None, now=now)

    assert [(each.code, each.field) for each in answer.results] == [("timestamp_out_of_range", "occurredAt")]
    assert (days(acme), calls(acme)) == ([], 1)


@pytest.mark.django_db(transaction=True)
def test_a_week_that_went_though_events_may_come_for_it_is_made_again(acme, settings, weeks_may_go):
    """As while the web and the workers were not yet started anew with another oldest event."""
    now, of_workers, of_the_web = timezone.now(), timedelta(days=30), timedelta(days=200)
    keep(acme, 40)
    old = now - timedelta(days=100)
    settings.OLDEST_EVENT = of_the_web
    sent(acme, old, id="one")
    add_up_events()
    settings.OLDEST_EVENT = of_workers
    assert keeping.drop_weeks(now.date())

    settings.OLDEST_EVENT = of_the_web
    with pytest.raises(IntegrityError):
        tracking.track(acme.pk, [event(id="two", occurredAt=old.isoformat())], key_id=None, now=now)
    answer = tracking.track(acme.pk, [event(id="two", occurredAt=old.isoformat())], key_id=None, now=now)

    assert answer.accepted == 1
    assert calls(acme) == 2


def test_no_week_is_dropped_that_somebody_keeps(acme):
    recent = partitions.weeks(partitions.EVENTS)[-10]

    with pytest.raises(OperationalError, match="may still be wanted"), connection.cursor() as cursor:
        cursor.execute("SELECT usage_drop_events(%s)", [recent])
