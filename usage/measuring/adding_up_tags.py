"""What an organization kept before it chose a tag is added up by it in steps of a day, the newest first."""

from datetime import date, timedelta
from typing import Any
from uuid import UUID

from django.db import connection

from tokentra.lib.tenancy import as_sweep, organization_scope
from usage.measured import Event, SummedTag
from usage.measuring import rebuilding, telling_apart
from usage.measuring.stepping import step_through

DAY = timedelta(days=1)
OF_TAGS = ((("tag_days",), f"{rebuilding.OF_ZONE_DAY} AND tags ? %(name)s"),)
OF_A_DAY = """
SELECT %(name)s, day, value FROM (
    SELECT day, value, row_number() OVER (PARTITION BY day ORDER BY min(occurred_at)) AS place
    FROM usage_event CROSS JOIN LATERAL (VALUES (tags ->> %(name)s)) AS told (value)
    WHERE organization_id = %(organization)s AND day BETWEEN %(day)s - 1 AND %(day)s + 1
        AND zone_day = %(day)s AND tags ? %(name)s
    GROUP BY day, value
) AS numbered WHERE place <= %(most)s"""


def add_up_due() -> bool:
    """Step after step for some seconds, every organization in turn; True when there is more to do."""
    return step_through(due(), add_up_next)


def due() -> list[UUID]:
    with as_sweep():
        return list(SummedTag.objects.due().order_by("due_at").values_list("organization_id", flat=True).distinct())


def add_up_next(organization_id: UUID) -> bool:
    """One day of one tag; False when nothing is due that nobody else is at."""
    with organization_scope(organization_id):
        mine = SummedTag.objects.due().filter(organization_id=organization_id).order_by("due_at", "pk")
        tag = mine.select_for_update(skip_locked=True, of=("self",)).first()
        if tag is None:
            return False
        if day := next_day(organization_id, tag):
            tell_apart(organization_id, tag, day)
    with organization_scope(organization_id):
        same = SummedTag.objects.due().filter(organization_id=organization_id, pk=tag.pk, next_day=tag.next_day)
        if not same.select_for_update(skip_locked=True, of=("self",)):  # somebody else did it, or it was left off
            return True
        if day:
            with connection.cursor() as cursor:
                params = rebuilding.alone_with(cursor, organization_id, day) | {"tags": [tag.name], "name": tag.name}
                rebuilding.make_anew(cursor, params, OF_TAGS)
            tag.next_day = day - DAY
        else:
            tag.due_at = None
        tag.save(update_fields=["next_day", "due_at"])
        return True


def next_day(organization_id: UUID, tag: SummedTag) -> date | None:
    """The newest day that is left, as far as there are events."""
    events = Event.objects.filter(organization_id=organization_id).order_by("day").values_list("day", flat=True)
    first, last = events.first(), events.last()
    day = min(tag.next_day or date.max, last + DAY) if last else None
    return None if first is None or day is None or day < first - DAY else day


def tell_apart(organization_id: UUID, tag: SummedTag, day: date) -> None:
    """In a transaction of its own: it looks at all of a day, and whoever sends events does not wait for that."""
    params: dict[str, Any] = {"organization": organization_id, "day": day, "name": tag.name}
    with connection.cursor() as cursor:
        cursor.execute(OF_A_DAY, params | {"most": telling_apart.MOST_VALUES})
        telling_apart.admit(cursor, organization_id, cursor.fetchall())
