"""Days of an account change hands: the figures that one connection holds become another's."""

from collections.abc import Collection
from datetime import date
from typing import Any
from uuid import UUID

from django.db import connection

from tokentra.lib.ids import uuid7
from usage import rollup
from usage.models import Label, LedgerDay, Revision, UsageRecord
from usage.repricing import as_row

RENAME = """
UPDATE usage_usagerecord SET connection_id = %(target)s, id = new.id
FROM unnest(%(before)s::uuid[], %(after)s::uuid[]) AS new (before, id)
WHERE organization_id = %(organization)s AND day = %(day)s AND usage_usagerecord.id = new.before"""


def hand_over(organization_id: UUID, *, source: UUID, target: UUID, days: Collection[date]) -> list[date]:
    """Give those of these UTC days that `source` holds to `target`, in place of what that one has of them.

    Inside the organization's scope and in its transaction. A row's id depends on its connection: each gets
    the one that `target` would give it, so that reading it again changes nothing. Answers the days.
    """
    both = {"organization_id": organization_id, "connection_id__in": (source, target)}
    held = LedgerDay.objects.filter(**both, day__in=days).select_for_update().order_by("day", "connection_id")
    days = [day for day, holder in held.values_list("day", "connection_id") if holder == source]
    if not days:
        return []
    for model in (UsageRecord, LedgerDay, Revision):
        model._default_manager.filter(organization_id=organization_id, connection_id=target, day__in=days).delete()
    for day in days:
        _rename(organization_id, source, target, day)
    for marks in (LedgerDay, Revision):
        of_source = marks._default_manager.filter(organization_id=organization_id, connection_id=source, day__in=days)
        of_source.update(connection_id=target)
    _name_alike(organization_id, source, target)
    for each in (source, target):
        rollup.rebuild(organization_id, each, days)
    return days


def _rename(organization_id: UUID, source: UUID, target: UUID, day: date) -> None:
    rows = UsageRecord.objects.filter(organization_id=organization_id, connection_id=source, day=day)
    ids = {record.id: as_row(record).key(target) for record in rows}
    params: dict[str, Any] = {"organization": organization_id, "target": target, "day": day}
    with connection.cursor() as cursor:
        cursor.execute(RENAME, params | {"before": list(ids), "after": list(ids.values())})


def _name_alike(organization_id: UUID, source: UUID, target: UUID) -> None:
    """Projects, keys and people keep their names, where `target` has none for them yet."""
    known = Label.objects.filter(organization_id=organization_id, connection_id=source).exclude(dimension="connection")
    Label.objects.bulk_create(
        [
            Label(
                id=uuid7(),
                organization_id=organization_id,
                connection_id=target,
                dimension=label.dimension,
                value=label.value,
                name=label.name,
                detail=label.detail,
            )
            for label in known
        ],
        ignore_conflicts=True,
    )
