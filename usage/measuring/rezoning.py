"""After an organization changed its time zone, events that are still kept move to the days of the new one, in steps.

What is left is a mark; the newest days come first. What is wrong is found by looking at the events, so that a step
that is run again finds nothing to do. Days whose events are no longer kept stay those of the former zone.
"""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import connection
from django.db.backends.utils import CursorWrapper
from django.db.models import Sum
from django.db.models.functions import Now

from accounts.models import Organization
from tokentra.lib.tenancy import as_sweep, organization_scope
from usage.measured import Event, MeasuredDay, SummedTag
from usage.measuring import appearing, catching_up, keeping, local_days, rebuilding, sums_anew, telling_apart
from usage.measuring.grain import QUARTER, grain
from usage.measuring.stepping import step_through
from usage.zone_changes import ZoneChange

DAY = timedelta(days=1)
MOST = 10_000  # events that move in one step
OF_A_DAY = ("all_days", "measured_days", "tag_days")
HOURS = ((("measured_hours",), rebuilding.OF_UTC_DAY),)
MOVED = "day = %(day)s AND id = ANY(%(ids)s::uuid[])"
WRONG = """
SELECT event.id, local.day FROM unnest(%(starts)s::timestamptz[], %(ends)s::timestamptz[], %(days)s::date[])
    AS local (start_at, end_at, day)
JOIN usage_event event ON event.organization_id = %(organization)s AND event.day = %(day)s
    AND event.occurred_at >= local.start_at AND event.occurred_at < local.end_at AND event.zone_day <> local.day
LIMIT %(most)s"""
MOVE = """
UPDATE usage_event event SET zone_day = moved.day
FROM unnest(%(ids)s::uuid[], %(to)s::date[]) AS moved (id, day)
WHERE event.organization_id = %(organization)s AND event.day = %(day)s AND event.id = moved.id"""
VALUES = f"""
SELECT DISTINCT tag.name, day, tag.value FROM usage_event CROSS JOIN LATERAL jsonb_each_text(tags) AS tag (name, value)
WHERE organization_id = %(organization)s AND {MOVED} AND tag.name = ANY(%(begun)s::text[])"""  # noqa: S608  # words of ours


def changed(*, organization: Organization, former: str, **_: object) -> None:
    """Note that there is something to do, inside the scope in which its zone is changed."""
    changes_hours = any(is_by_quarter(zone) for zone in (former, organization.timezone))
    mine = ZoneChange.objects.owned_by(organization)
    under_way = mine.select_for_update().filter(due_at__isnull=False).first()
    change = under_way or ZoneChange(organization=organization, former=former, changes_hours=False)
    change.zone, change.next_day, change.due_at = organization.timezone, None, Now()
    change.changes_hours |= changes_hours
    change.save()


def is_by_quarter(zone: str) -> bool:
    """At some time of the year."""
    return any(grain(ZoneInfo(zone), datetime(2026, month, 1, tzinfo=UTC)) == QUARTER for month in (1, 7))


def move_due() -> bool:
    """Step after step for some seconds, every organization in turn; True when there is more to do."""
    return step_through(due(), move_next)


def due() -> list[UUID]:
    with as_sweep():
        return list(ZoneChange.objects.due().order_by("due_at").values_list("organization_id", flat=True))


def move_next(organization_id: UUID) -> bool:
    """Some events of one UTC day; False when nothing is due."""
    with organization_scope(organization_id), connection.cursor() as cursor:
        mine = ZoneChange.objects.filter(organization_id=organization_id)
        change = mine.due().select_for_update(skip_locked=True, of=("self",)).first()
        if change is None:
            return False
        keeping.hold(cursor, organization_id)
        catching_up.alone(cursor, organization_id)
        day = newest(organization_id, change.next_day)
        if day is None:
            finish(cursor, change)
        elif move(cursor, organization_id, day, ZoneInfo(change.zone)) < MOST:
            if change.changes_hours:
                rebuilding.make_anew(cursor, rebuilding.alone_with(cursor, organization_id, day), HOURS)
            older = newest(organization_id, day - DAY)  # of the oldest days `finish` knows whether they are kept whole
            for each in [day + DAY] if older in (None, day - DAY) else [day + DAY, day, day - DAY]:
                appearing.settle(cursor, organization_id, each, is_whole=True)
            change.next_day = day - DAY
            change.save(update_fields=["next_day"])
        return True


def hours_anew(cursor: CursorWrapper, params: dict[str, Any]) -> None:
    """After events of a day were taken out and added again: before that day's turn its hours had another grain."""
    changes = ZoneChange.objects.filter(organization_id=params["organization"], due_at__isnull=False)
    if changes.filter(changes_hours=True):
        rebuilding.make_anew(cursor, params, HOURS)


def newest(organization_id: UUID, up_to: date | None) -> date | None:
    """The newest UTC day of its events up to this one."""
    events = Event.objects.filter(organization_id=organization_id, day__lte=up_to or date.max)
    found: date | None = events.order_by("-day").values_list("day", flat=True).first()
    return found


def move(cursor: CursorWrapper, organization_id: UUID, day: date, zone: ZoneInfo) -> int:
    """Events of a UTC day that stand on another day than their zone's, and what they add up to; answers how many."""
    starts, ends, days = zip(*local_days.sharing(day, zone), strict=True)
    params: dict[str, Any] = {"organization": organization_id, "day": day, "most": MOST}
    cursor.execute(WRONG, params | {"starts": list(starts), "ends": list(ends), "days": list(days)})
    if not (found := cursor.fetchall()):
        return 0
    tags = list(SummedTag.objects.filter(organization_id=organization_id))
    params |= {"ids": [id for id, _ in found], "to": [to for _, to in found]}
    params |= {"grain": QUARTER, "tags": [tag.name for tag in tags]}  # sums of days know nothing of the first
    if begun := [tag.name for tag in tags if tag.due_at]:  # they may move to a day that is added up by it already
        cursor.execute(VALUES, params | {"begun": begun})
        telling_apart.admit(cursor, organization_id, cursor.fetchall())
    with rebuilding.true_if_full(cursor, organization_id, [day]):
        cursor.execute(sums_anew.taking_back(MOVED, *OF_A_DAY), params)
        for name in OF_A_DAY:
            cursor.execute(sums_anew.emptying(MOVED, name), params)
        cursor.execute(MOVE, params)
        cursor.execute(sums_anew.making(MOVED, *OF_A_DAY), params)
    return len(found)


def finish(cursor: CursorWrapper, change: ZoneChange) -> None:
    """Days that were added up from more than the events that are kept stay as they were, and the page says so."""
    events = Event.objects.filter(organization_id=change.organization_id)
    sums = MeasuredDay.objects.filter(organization_id=change.organization_id).of("all")
    oldest = events.order_by("day").values_list("day", flat=True).first()
    first_day = first_whole(oldest, ZoneInfo(change.zone)) if oldest else date.max
    added_up = sums.filter(day__lt=first_day).aggregate(calls=Sum("calls"))["calls"] or 0
    kept = events.filter(zone_day__lt=first_day).exclude(is_parent=True).count()
    is_whole = added_up <= kept
    for day in [oldest, oldest - DAY] if oldest else []:
        appearing.settle(cursor, change.organization_id, day, is_whole=is_whole)
    if is_whole or change.former == change.zone:
        change.delete()
        return
    change.due_at = None
    change.first_day = first_day if oldest else sums.latest("day").day + DAY
    change.save(update_fields=["due_at", "first_day"])


def first_whole(oldest: date, zone: ZoneInfo) -> date:
    """The first day of a zone that begins with or after a UTC day."""
    start = datetime.combine(oldest, time.min, UTC)
    local = start.astimezone(zone).date()
    return local if datetime.combine(local, time.min, zone) >= start else local + DAY
