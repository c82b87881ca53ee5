"""The sums of measured events, runs, and who was there, against the events, and made anew where they differ.

Those of days whose events are no longer kept stay as they are: there is nothing left to make them of.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from secrets import SystemRandom
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import connection
from django.db.backends.utils import CursorWrapper
from django.db.models import QuerySet

from accounts.models import Organization
from tokentra.lib.tenancy import organization_scope
from usage.measured import Event, MeasuredDay, SummedTag
from usage.measuring import appearing, catching_up, keeping, remaking_runs, sums_anew
from usage.measuring.grain import grain
from usage.measuring.sums import MOST_SUMMED, ROLLUPS
from usage.models import DayRollup
from usage.rows import Ledger
from usage.zone_changes import ZoneChange

DAY = timedelta(days=1)
BY_UTC_DAY = ("hours", "days", "crossed_days", "measured_hours")
BY_ZONE_DAY = ("all_days", "measured_days", "tag_days")
OF_UTC_DAY = "day = %(day)s"
OF_ZONE_DAY = "day BETWEEN %(day)s - 1 AND %(day)s + 1 AND zone_day = %(day)s"
Sets = tuple[tuple[tuple[str, ...], str], ...]  # rollups, and the condition that chooses their events
SETS: Sets = ((BY_UTC_DAY, OF_UTC_DAY), (BY_ZONE_DAY, OF_ZONE_DAY))


@dataclass(frozen=True)
class Wrong:
    """A day of an organization whose sums differ from its events: how many groups, by table."""

    organization_id: UUID
    day: date
    tables: dict[str, int]

    def __str__(self) -> str:
        counts = ", ".join(f"{count} in {table}" for table, count in sorted(self.tables.items()))
        return f"organization {self.organization_id}, events of {self.day}: {counts}"


def days_of(organization_id: UUID, sample: int | None = None) -> list[date]:
    """The days of the events that are kept, of UTC or of the zone, or some of them picked at random."""
    with organization_scope(organization_id):
        days = set(
            Event.objects.filter(organization_id=organization_id).order_by().values_list("day", flat=True).distinct()
        )
        beside = {day + way for day in days for way in (-DAY, DAY)} - days
        days |= {day for day in beside if on_zone_day(organization_id, day).exists()}
    return sorted(days if sample is None else SystemRandom().sample(sorted(days), min(sample, len(days))))


def older_than(organization_id: UUID, days: list[date]) -> int:
    """How many days with sums lie before all of these."""
    with organization_scope(organization_id):
        sums = MeasuredDay.objects.filter(organization_id=organization_id, day__lt=min(days, default=date.max))
        return sums.of("all").values("day").distinct().count()


def compare(organization_id: UUID, days: list[date], *, fix: bool = False) -> Iterator[Wrong]:
    """Each day that is wrong, in a transaction of its own in which nobody writes; `fix` makes it anew."""
    with suppress(Organization.DoesNotExist):  # it was deleted meanwhile
        for day in days:
            if tables := _compare_day(organization_id, day, fix=fix):
                yield Wrong(organization_id, day, tables)


def _compare_day(organization_id: UUID, day: date, *, fix: bool) -> dict[str, int]:
    with organization_scope(organization_id), connection.cursor() as cursor:
        params = alone_with(cursor, organization_id, day)
        tables: Counter[str] = Counter()
        sets = sets_of(organization_id, day)  # nothing, where they were forgotten meanwhile: its sums stay
        for names, events in sets:
            for name in names:
                cursor.execute(sums_anew.differing(events, name), params)
                if count := cursor.fetchone()[0]:
                    tables[ROLLUPS[name].table] += count
        if tables and fix:
            make_anew(cursor, params, sets)
        if SETS[0] in sets and (count := remaking_runs.compare(cursor, params, fix=fix)):
            tables[remaking_runs.RUNS.table] = count
        tables.update(_compare_appearances(cursor, organization_id, day, is_whole=SETS[1] in sets, fix=fix))
    return tables


def _compare_appearances(
    cursor: CursorWrapper, organization_id: UUID, day: date, *, is_whole: bool, fix: bool
) -> dict[str, int]:
    if ZoneChange.objects.filter(organization_id=organization_id, due_at__isnull=False).exists():
        return {}  # they follow the last step of each day
    wrong = appearing.differing(cursor, organization_id, day, is_whole=is_whole)
    if wrong and fix:
        appearing.make_anew(cursor, organization_id, day, is_whole=is_whole)
    return wrong


def sets_of(organization_id: UUID, day: date) -> Sets:
    """What can be made anew of a day, since all events are kept that it was made of."""
    of_utc_day = SETS[:1] if Event.objects.filter(organization_id=organization_id, day=day).exists() else ()
    is_whole = on_zone_day(organization_id, day).exists() and not is_forgotten_in_part(organization_id, day)
    return of_utc_day + (SETS[1:] if is_whole else ())


def on_zone_day(organization_id: UUID, day: date) -> QuerySet[Event]:
    return Event.objects.filter(organization_id=organization_id, day__range=(day - DAY, day + DAY), zone_day=day)


def is_forgotten_in_part(organization_id: UUID, day: date) -> bool:
    """Whether the zone's day may hold calls of a UTC day whose events are no longer kept, though its sums are."""
    of, around = {"organization_id": organization_id}, (day - DAY, day + DAY)
    added_up = DayRollup.objects.filter(ledger=Ledger.MEASURED, day__range=around, **of).order_by()
    days = added_up.values_list("day", flat=True).distinct()
    return not all(Event.objects.filter(day=each, **of).exists() for each in days)


def make_anew(cursor: CursorWrapper, params: dict[str, Any], sets: Sets = SETS) -> None:
    for names, events in sets:
        for name in names:
            cursor.execute(sums_anew.forgetting(ROLLUPS[name]), params)
        cursor.execute(sums_anew.making(events, *names), params)


@contextmanager
def true_if_full(cursor: CursorWrapper, organization_id: UUID, days: Iterable[date]) -> Iterator[None]:
    """What is taken out of a sum that has stopped leaves too little: the days around these are made anew then.

    Whoever takes events of these UTC days out of sums, or moves them, is alone. Runs that began on those days are, too,
    but for what remaking_runs leaves out.
    """
    around = {each for day in days for each in (day - DAY, day, day + DAY)}
    of_all = MeasuredDay.objects.filter(organization_id=organization_id, day__in=around).of("all")
    held = [(row.tokens_in + row.tokens_out, row.latency_ms) for row in of_all]  # no other sum is larger
    yield
    if any(sum(column) >= MOST_SUMMED for column in zip(*held, strict=True)):
        for day in sorted(around):
            sets, params = sets_of(organization_id, day), alone_with(cursor, organization_id, day)
            make_anew(cursor, params, sets)
            if SETS[0] in sets:
                remaking_runs.compare(cursor, params, fix=True)


def alone_with(cursor: CursorWrapper, organization_id: UUID, day: date) -> dict[str, Any]:
    """Nobody else writes the organization's sums, or forgets what they are made of, until the transaction ends.

    Answers what the statements take; raises Organization.DoesNotExist.
    """
    keeping.hold(cursor, organization_id)
    catching_up.alone(cursor, organization_id)
    zone = ZoneInfo(Organization.objects.values_list("timezone", flat=True).get(pk=organization_id))
    start = datetime.combine(day, time.min, UTC)
    tags = SummedTag.objects.filter(organization_id=organization_id, due_at=None).values_list("name", flat=True)
    return {
        "organization": organization_id,
        "day": day,
        "start": start,
        "end": start + DAY,
        "grain": grain(zone, start),
        "tags": list(tags),
    }
