"""Another time zone makes other days: events that are kept move to them in steps, older days stay and are told."""

import random
from datetime import date, datetime, timedelta
from hashlib import md5
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest
from django.db import DatabaseError, connection
from psycopg import ClientCursor

from accounts import organizations
from tests.conftest import Browser
from tests.usage.measuring.conftest import HOUR, NOON, event
from tests.usage.measuring.test_adding_up import assert_true_to_its_events, story
from tests.usage.measuring.test_tags import choose, expected, summed, wait_over
from tokentra.lib.tenancy import organization_scope
from usage.appearances import Appearance
from usage.audit import Audit
from usage.measured import Event, MeasuredDay
from usage.measuring import appearing, catching_up, keeping, local_days, rezoning, tracking
from usage.measuring.stepping import Left
from usage.zone_changes import ZoneChange

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def move_to(organization, zone, *, by, is_known=True):
    with organization_scope(organization.pk):
        organization.timezone = zone
        organizations.changed(organization, ["timezone"], by=by)
    if is_known:
        tracking.forget()


def all_steps(organization):
    steps = 0
    while rezoning.move_next(organization.pk):
        steps += 1
    return steps


def changes(organization):
    with organization_scope(organization.pk):
        return list(ZoneChange.objects.owned_by(organization).order_by("pk"))


def assert_in_zone(organization, zone, *, by_hour=True):
    """Every event and everything that is added up by day stands on the days of this zone."""
    with organization_scope(organization.pk):
        events = list(Event.objects.owned_by(organization))
        noted = set(Appearance.objects.owned_by(organization).values_list("kind", "value", "day"))
        there = {
            (kind, UUID(md5(name.encode(), usedforsecurity=False).hexdigest()), event.zone_day)
            for event in events
            for kind, name in (("run", event.run), ("customer", event.customer))
            if name
        }
        assert noted == {each for each in there if each[0] == appearing.CUSTOMER}
        days = sorted({day for _, _, day in there})
        for start, end in [(days[0], days[-1] + DAY), *((day, day + DAY) for day in days)]:
            for kind in (appearing.RUN, appearing.CUSTOMER):
                unique = {value for its_kind, value, day in there if its_kind == kind and start <= day < end}
                assert appearing.unique(organization, kind, start=start, end=end) == len(unique)
    assert all(each.zone_day == each.occurred_at.astimezone(ZoneInfo(zone)).date() for each in events)
    if by_hour:  # and not by its quarters
        assert_true_to_its_events(organization)
    assert list(Audit(organization.pk).run()) == []


@pytest.mark.parametrize("zone", ["Pacific/Auckland", "America/Los_Angeles", "Europe/London"])
def test_d3_kept_events_move_to_the_days_of_another_zone(zone, acme, alice, send):
    send(*story(11, 220))
    for hours in range(30):
        send(event(occurredAt=(NOON - timedelta(hours=hours)).isoformat(), units={"web_search": hours, "image": 1}))
    move_to(acme, zone, by=alice)
    send(*story(12, 30))

    all_steps(acme)

    assert_in_zone(acme, zone)
    assert changes(acme) == []  # no day stays as it was


def test_d3_steps_are_short_and_end_where_they_were_broken_off(acme, alice, send, monkeypatch):
    monkeypatch.setattr(rezoning, "MOST", 20)
    send(*story(13, 150))
    choose(acme, "region")
    send(
        *(
            event(id=f"t{n}", occurredAt=(NOON - n * timedelta(hours=3)).isoformat(), tags={"region": "eu"})
            for n in range(20)
        )
    )
    move_to(acme, "Pacific/Auckland", by=alice)

    for _ in range(3):
        assert rezoning.move_next(acme.pk)
        assert_true_to_its_events(acme)  # in between as well
    with monkeypatch.context() as broken:
        broken.setattr(rezoning, "MOVE", "SELECT 1 / 0")
        with pytest.raises(DatabaseError):
            rezoning.move_next(acme.pk)
    assert_true_to_its_events(acme)

    assert all_steps(acme) > 4
    assert_in_zone(acme, "Pacific/Auckland")
    assert summed(acme, "region") == expected(acme, "region") != {}


def test_d3_a_zone_that_changes_again_on_the_way_ends_in_the_last_one(acme, alice, send, monkeypatch):
    monkeypatch.setattr(rezoning, "MOST", 40)
    send(*story(14, 150))
    move_to(acme, "Pacific/Auckland", by=alice)
    for _ in range(3):
        rezoning.move_next(acme.pk)
    move_to(acme, "Asia/Kolkata", by=alice)
    [change] = changes(acme)
    assert (change.former, change.zone, change.next_day) == ("UTC", "Asia/Kolkata", None)

    all_steps(acme)
    assert_in_zone(acme, "Asia/Kolkata", by_hour=False)
    move_to(acme, "UTC", by=alice)
    all_steps(acme)

    assert_in_zone(acme, "UTC")


def test_d3_hours_become_quarters_where_the_zone_is_not_whole_hours_away(acme, alice, send):
    send(*(event(occurredAt=(NOON - timedelta(minutes=m)).isoformat()) for m in (1, 20, 40, 59, 1500)))
    move_to(acme, "Asia/Kolkata", by=alice)

    all_steps(acme)

    assert list(Audit(acme.pk).run()) == []
    with organization_scope(acme.pk):
        found = MeasuredDay.objects.filter(dimension="all").values_list("day", "calls").order_by("day")
        assert list(found) == [(date(2026, 11, 19), 1), (date(2026, 11, 20), 4)]


def test_d3_days_whose_events_are_gone_stay_and_the_page_says_so(acme, alice, send):
    for ago in (75, 70, 40, 3, 0):
        now = NOON - ago * DAY
        for hour in (1, 23):
            at = now.replace(hour=hour) - DAY
            send(event(id=f"{ago}-{hour}", occurredAt=at.isoformat(), customerId=f"c{ago}"), now=now)
    with organization_scope(acme.pk):
        acme.event_days = 60
        acme.save(update_fields=["event_days"])
    while keeping.forget_a_day(acme.pk, NOON.date()):
        continue
    before = day_sums(acme)

    move_to(acme, "Europe/Berlin", by=alice)
    browser = Browser(alice)
    assert "changed from UTC to Europe/Berlin. Days become those of the new zone in a moment" in page(browser)
    rezoning.move_next(acme.pk)
    assert "Days up to 18 Nov 2026 are still those of the former zone" in page(browser)
    all_steps(acme)

    kept = {day: calls for day, calls in before.items() if day < date(2026, 10, 10)}
    assert kept.items() <= day_sums(acme).items()
    assert sum(day_sums(acme).values()) == sum(before.values())
    assert "Days before 11 Oct 2026 are those of UTC" in page(browser, "?from=2026-09-01&to=2026-11-20")
    assert "those of UTC" not in page(browser, "?from=2026-10-11&to=2026-11-20")
    assert list(Audit(acme.pk).run()) == []
    [change] = changes(acme)
    assert change.due_at is None


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/Los_Angeles"])
def test_d3_who_was_there_on_a_day_whose_events_are_gone_stays_there(zone, acme, alice, send):
    for ago in range(58, 64):
        at = NOON - ago * DAY
        send(
            *(event(occurredAt=at.replace(hour=hour).isoformat(), customerId=f"c{ago}-{hour}") for hour in (1, 23)),
            now=at + DAY,
        )
    with organization_scope(acme.pk):
        acme.event_days = 60
        acme.save(update_fields=["event_days"])
    while keeping.forget_a_day(acme.pk, NOON.date()):
        continue
    first = NOON.date() - 60 * DAY  # that is kept
    before = customers_on(acme, first - DAY), customers_on(acme, first - 2 * DAY)

    move_to(acme, zone, by=alice)
    all_steps(acme)

    assert before == (2, 2)
    is_west = zone.startswith("America")  # the first hours of the first day come to the one before
    assert (customers_on(acme, first - DAY), customers_on(acme, first - 2 * DAY)) == (3 if is_west else 2, 2)
    assert list(Audit(acme.pk).run()) == []


def customers_on(organization, day):
    with organization_scope(organization.pk):
        return appearing.unique(organization, appearing.CUSTOMER, start=day, end=day + DAY)


def page(browser, query="?from=2026-09-01&to=2026-11-20"):
    answer = browser.get(f"/customers/{query}")
    assert answer.status_code == 200
    return answer.content.decode()


def day_sums(organization):
    with organization_scope(organization.pk):
        rows = MeasuredDay.objects.owned_by(organization).filter(dimension="all", by="")
        found: dict[date, int] = {}
        for day, calls in rows.values_list("day", "calls"):
            found[day] = found.get(day, 0) + calls
        return found


def test_d3_events_of_whoever_knows_the_former_zone_for_however_long_stand_on_the_right_days(
    acme, alice, send, monkeypatch
):
    monkeypatch.setattr(tracking, "KNOWN_FOR", 600)  # as one that stood still between reading and storing
    choose(acme, "region")
    wait_over(acme)
    tracking.forget()
    send(*story(16, 40), *nightly("before"))
    move_to(acme, "Pacific/Auckland", by=alice, is_known=False)
    send(*nightly("on the way"))
    all_steps(acme)

    send(*nightly("late"), *story(17, 40))

    assert changes(acme) == []
    assert_in_zone(acme, "Pacific/Auckland")
    assert summed(acme, "region") == expected(acme, "region") != {}


def test_d3_days_of_what_waits_are_put_right_in_steps_as_well(acme, alice, send, monkeypatch):
    monkeypatch.setattr(tracking, "KNOWN_FOR", 600)
    for number in range(3):
        send(*nightly(str(number)))
    move_to(acme, "Asia/Kolkata", by=alice, is_known=False)
    send(*nightly("late"))

    with organization_scope(acme.pk, up_to_date=False):
        assert catching_up.add_up(acme.pk) is Left.SOME
        assert catching_up.add_up(acme.pk) is Left.NOTHING

    all_steps(acme)
    assert_in_zone(acme, "Asia/Kolkata", by_hour=False)


def test_d3_what_waits_may_be_gone_before_its_days_are_put_right(acme):
    with organization_scope(acme.pk, up_to_date=False), ClientCursor(connection.connection) as own:
        local_days.put_right(own, acme.pk, [uuid4()], ZoneInfo("Asia/Kolkata"))


@pytest.mark.parametrize("zone", ["Pacific/Auckland", "America/Los_Angeles"])
def test_d3_a_day_of_the_zone_is_compared_that_has_only_calls_of_another_utc_day(zone, acme, alice, send):
    send(event(id="late", occurredAt=NOON.replace(hour=23).isoformat(), customerId="c"), now=NOON + DAY)
    send(event(id="early", occurredAt=NOON.replace(hour=1).isoformat(), customerId="c"))
    move_to(acme, zone, by=alice)
    all_steps(acme)
    with organization_scope(acme.pk):
        elsewhere = MeasuredDay.objects.owned_by(acme).exclude(day=NOON.date())
        assert elsewhere.update(calls=7)
        [day] = {row.day for row in elsewhere}

    [wrong] = Audit(acme.pk, fix=True).run()

    assert (wrong.day, list(wrong.tables)) == (day, ["usage_measuredday"])
    assert list(Audit(acme.pk).run()) == []
    assert_in_zone(acme, zone)


def nightly(of):
    """Calls around midnight, some of them of the day before."""
    return [
        event(id=f"{of}-{hours}", occurredAt=(NOON - hours * HOUR).isoformat(), customerId=of, tags={"region": of})
        for hours in (1, 11, 13, 20, 35, 60)
    ]


@pytest.mark.worker
def test_d3_the_worker_finds_what_is_due_and_nothing_is_noted_where_nothing_changed(acme, alice, send):
    send(*story(15, 30))
    with organization_scope(acme.pk):
        acme.name = "Acme Two"
        organizations.changed(acme, ["name", "timezone"], by=alice)
    assert changes(acme) == []
    move_to(acme, "Europe/Berlin", by=alice)

    assert rezoning.due() == [acme.pk]
    while rezoning.move_due():
        continue

    assert rezoning.due() == []
    assert_in_zone(acme, "Europe/Berlin")


@pytest.mark.parametrize(
    "zone", ["Asia/Kolkata", "America/Los_Angeles", "Australia/Lord_Howe", "Pacific/Kiritimati", "Africa/Cairo"]
)
def test_local_days_hold_every_instant_of_a_utc_day(zone):
    dice = random.Random(zone)
    for _ in range(300):
        day = date(2026, 1, 1) + dice.randint(0, 364) * DAY
        at = datetime(day.year, day.month, day.day, dice.randint(0, 23), dice.randint(0, 59), tzinfo=ZoneInfo("UTC"))
        [found] = [local for start, end, local in local_days.sharing(day, ZoneInfo(zone)) if start <= at < end]
        assert found == at.astimezone(ZoneInfo(zone)).date()
