"""The days of a zone: which of them share an instant with a UTC day, and events that wait put on the right ones."""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from psycopg import ClientCursor

DAY = timedelta(days=1)
UTC_DAYS = """
SELECT DISTINCT day FROM usage_waiting CROSS JOIN LATERAL unnest(days) AS day
WHERE organization_id = %(organization)s AND id = ANY(%(ids)s::uuid[])"""
PUT = """
UPDATE usage_event event SET zone_day = local.day
FROM usage_waiting waiting CROSS JOIN LATERAL unnest(waiting.days, waiting.ids) AS one (day, id)
JOIN unnest(%(utc_days)s::date[], %(starts)s::timestamptz[], %(ends)s::timestamptz[], %(days)s::date[])
    AS local (utc_day, start_at, end_at, day) ON local.utc_day = one.day
WHERE waiting.organization_id = %(organization)s AND waiting.id = ANY(%(ids)s::uuid[])
    AND event.organization_id = %(organization)s AND event.day = one.day AND event.id = one.id
    AND event.occurred_at >= local.start_at AND event.occurred_at < local.end_at AND event.zone_day <> local.day"""
NOTE = "UPDATE usage_waiting SET zone = %(zone)s WHERE organization_id = %(organization)s AND id = ANY(%(ids)s::uuid[])"


def sharing(day: date, zone: ZoneInfo) -> Iterator[tuple[datetime, datetime, date]]:
    """The days of a zone that share an instant with a UTC day: when each begins and ends."""
    start = datetime.combine(day, time.min, UTC)
    local, last = start.astimezone(zone).date(), (start + DAY - timedelta(microseconds=1)).astimezone(zone).date()
    while local <= last:
        begins, ends = (datetime.combine(each, time.min, zone).astimezone(UTC) for each in (local, local + DAY))
        yield begins, ends, local
        local += DAY


def put_right(own: ClientCursor[Any], organization_id: UUID, ids: Sequence[UUID], zone: ZoneInfo) -> None:
    """Events of requests that wait stand on the days of this zone, whichever was theirs. Nobody else adds them up."""
    params: dict[str, Any] = {"organization": organization_id, "ids": ids, "zone": zone.key}
    own.execute(UTC_DAYS, params)
    locals_ = [(day, *local) for (day,) in own.fetchall() for local in sharing(day, zone)]
    if not locals_:  # their organization is going, and they went meanwhile
        return
    columns = zip(("utc_days", "starts", "ends", "days"), map(list, zip(*locals_, strict=True)), strict=True)
    own.execute(PUT, params | dict(columns))
    own.execute(NOTE, params)
