"""Single calls, found by the index on their time: the newest of one value, those of one run, and one alone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Max, Min, Sum

from accounts.models import Organization
from accounts.plans import Feature
from accounts.retention import kept_from
from usage.call_kinds import CallKind
from usage.measured import Event, MeasuredHour, Run
from usage.minutes import Minute

MOST = 50
MOST_LOOKED_AT = 20_000  # calls of everybody, among which the wanted ones are
MOST_OF_RUN, MOST_AROUND_RUN = 1_000, 40_000
AROUND = timedelta(minutes=5)  # a parent begins before its first child, and is not counted in the run's times
COLUMN = {"customer": "customer", "agent": "agent"}

# Without what the lists do not show.
FIELDS = [field.attname for field in Event._meta.concrete_fields if field.name not in ("units", "tags")]
OF_KIND = [field.attname for field in CallKind._meta.concrete_fields]
NAMES = ", ".join((*(f"event.{name}" for name in FIELDS), *(f"kind.{name}" for name in OF_KIND)))
KIND = "JOIN usage_callkind kind ON kind.organization_id = event.organization_id AND kind.id = event.kind_id"

MINUTE = Minute.of("occurred_at")

# The newest calls of everybody within each window, looked through for those of one value.
NEWEST = f"""
SELECT {{columns}} FROM unnest(%(starts)s::timestamptz[], %(ends)s::timestamptz[]) AS span (start_at, end_at)
CROSS JOIN LATERAL (
    SELECT * FROM usage_event WHERE organization_id = %(organization)s
        AND day BETWEEN (span.start_at AT TIME ZONE 'UTC')::date AND (span.end_at AT TIME ZONE 'UTC')::date
        AND {MINUTE} BETWEEN {Minute.of("span.start_at")} AND {Minute.of("span.end_at")}
        AND occurred_at BETWEEN span.start_at AND span.end_at
    ORDER BY {MINUTE} DESC, occurred_at DESC LIMIT %(each)s
) AS event {KIND} WHERE event.{{column}} = %(value)s AND event.is_parent IS NOT TRUE
ORDER BY event.occurred_at DESC, event.id LIMIT %(most)s"""  # noqa: S608  # words of ours
OF_RUN = f"""
SELECT {{columns}} FROM (
    (SELECT * FROM usage_event WHERE organization_id = %(organization)s AND day BETWEEN %(first)s AND %(last)s
        AND {MINUTE} BETWEEN {Minute.of("%(start)s")} AND {Minute.of("%(end)s")}
        AND occurred_at >= %(start)s AND occurred_at <= %(end)s ORDER BY {MINUTE}, occurred_at LIMIT %(looked)s)
    UNION ALL
    (SELECT * FROM usage_event WHERE organization_id = %(organization)s AND day BETWEEN %(first)s AND %(last)s
        AND {MINUTE} BETWEEN {Minute.of("%(early)s")} AND {Minute.of("%(start)s")}
        AND occurred_at >= %(early)s AND occurred_at < %(start)s
        ORDER BY {MINUTE} DESC, occurred_at DESC LIMIT %(looked)s)
) AS event {KIND} WHERE event.run = %(run)s ORDER BY event.occurred_at, event.id LIMIT %(most)s"""  # noqa: S608


@dataclass(frozen=True)
class Newest:
    """`is_whole` is false where others' calls stood so close that not all could be looked through."""

    calls: list[Event]
    is_whole: bool


def newest(organization: Organization, dimension: str, value: str, *, today: date) -> Newest:
    """The newest calls that are still kept one by one, found through the hours in which there were some."""
    kept = datetime.combine(kept_from(today, organization.event_days), time.min, UTC)
    hours = MeasuredHour.objects.owned_by(organization).of(dimension).of_values([value]).filter(hour__gte=kept)
    found = hours.values("hour").annotate(count=Sum("calls"), first=Min("first_at"), last=Max("last_at"))
    windows: list[tuple[datetime, datetime]] = []
    counted = 0
    for row in found.order_by("-hour")[:MOST]:
        windows.append((row["first"], row["last"]))
        counted += row["count"]
        if counted >= MOST:
            break
    if not windows:
        return Newest([], True)
    starts, ends = zip(*windows, strict=True)
    values = {
        "organization": organization.pk,
        "starts": list(starts),
        "ends": list(ends),
        "value": value,
        "each": MOST_LOOKED_AT // len(windows),
        "most": MOST,
    }
    calls = found_by(NEWEST.format(columns=NAMES, column=COLUMN[dimension]), values)
    return Newest(calls, len(calls) >= min(counted, MOST))


def of_run(organization: Organization, run: Run) -> Sequence[Event]:
    """In the order of time; the first thousand of a longer run."""
    early = run.started_at - AROUND
    values: dict[str, Any] = {
        "organization": organization.pk,
        "run": run.run,
        "first": early.astimezone(UTC).date(),
        "last": run.last_at.astimezone(UTC).date(),
        "start": run.started_at,
        "end": run.last_at,
        "early": early,
        "looked": MOST_AROUND_RUN,
        "most": MOST_OF_RUN,
    }
    return found_by(OF_RUN.format(columns=NAMES), values)


def found_by(sql: str, values: Mapping[str, Any]) -> list[Event]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return [call_of(row) for row in cursor.fetchall()]


def call_of(row: Sequence[Any]) -> Event:
    call = Event.from_db(connection.alias, FIELDS, row[: len(FIELDS)])
    call.kind = CallKind.from_db(connection.alias, OF_KIND, row[len(FIELDS) :])
    return call


def one(organization: Organization, day: date, id: UUID) -> Event | None:
    organization.require(Feature.EVERY_DIMENSION)
    return Event.objects.owned_by(organization).filter(day=day, id=id).first()
