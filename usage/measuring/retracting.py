"""Takes events out of the sums again, once it turns out that others tell the same."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import connection

from accounts.models import Organization
from usage.measured import SummedTag
from usage.measuring import catching_up, rebuilding, rezoning, sums_anew
from usage.measuring.grain import grain
from usage.measuring.sums import ROLLUPS

CHOSEN = "(day, id) IN (SELECT * FROM unnest(%(days)s::date[], %(ids)s::uuid[])) AND is_parent IS NOT TRUE"
TURN = f"UPDATE usage_event SET is_parent = true WHERE organization_id = %(organization)s AND {CHOSEN}"  # noqa: S608


def take_back(organization_id: UUID, keys: Sequence[tuple[date, UUID]], *, now: datetime) -> None:
    """Events by day and id stay, as parents that no sum counts; one that is a parent already changes nothing.

    Inside the organization's scope, and before its other sums are written there: nobody else writes any meanwhile.
    """
    days, ids = zip(*keys, strict=True)
    params: dict[str, Any] = {"organization": organization_id, "days": list(days), "ids": list(ids)}
    with connection.cursor() as cursor:
        catching_up.alone(cursor, organization_id)
        zone = ZoneInfo(Organization.objects.values_list("timezone", flat=True).get(pk=organization_id))
        tags = SummedTag.objects.filter(organization_id=organization_id).values_list("name", flat=True)
        params |= {"grain": grain(zone, now), "tags": list(tags)}
        with rebuilding.true_if_full(cursor, organization_id, days):
            cursor.execute(sums_anew.taking_back(CHOSEN, *ROLLUPS), params)
            for name in ROLLUPS:
                cursor.execute(sums_anew.emptying(CHOSEN, name), params)
            cursor.execute(TURN, params)
            for day in set(days):
                rezoning.hours_anew(cursor, params | {"day": day})
