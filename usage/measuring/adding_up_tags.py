"""What an organization kept before it chose a tag is added up by it in steps of a day, the newest first."""

from datetime import date, timedelta
from uuid import UUID

from django.db import connection

from tokentra.lib.tenancy import as_sweep, organization_scope
from usage.measured import Event, SummedTag
from usage.measuring import rebuilding, telling_apart
from usage.measuring.stepping import step_through

DAY = timedelta(days=1)
OF_TAGS = ((("tag_days",), rebuilding.OF_ZONE_DAY),)
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
    """One day of one tag; False when nothing is due."""
    with organization_scope(organization_id):
        mine = SummedTag.objects.filter(organization_id=organization_id)
        tag = mine.due().select_for_update(skip_locked=True, of=("self",)).order_by("due_at", "pk").first()
        if tag is None:
            return False
        events = Event.objects.filter(organization_id=organization_id).order_by("day").values_list("day", flat=True)
        first, last = events.first(), events.last()
        day = min(tag.next_day or date.max, last + DAY) if last else None
        if first is None or day is None or day < first - DAY:
            tag.due_at = None
        else:
            with connection.cursor() as cursor:
                params = rebuilding.alone_with(cursor, organization_id, day) | {"tags": [tag.name]}
                cursor.execute(OF_A_DAY, params | {"name": tag.name, "most": telling_apart.MOST_VALUES})
                telling_apart.admit(cursor, organization_id, cursor.fetchall())
                rebuilding.make_anew(cursor, params, OF_TAGS)
            tag.next_day = day - DAY
        tag.save(update_fields=["next_day", "due_at"])
        return True
