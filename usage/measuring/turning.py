"""Measured events count while no connection covers their provider's day (decisions.md 5); this turns them."""

from collections.abc import Collection
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from django.db import connection

from usage.measuring import catching_up

OF_HOUR = "(held.hour AT TIME ZONE 'UTC')::date"
TABLES = (
    ("usage_hourrollup", OF_HOUR, "hour >= %(start)s AND hour < %(end)s AND dimension = ANY(%(dimensions)s)"),
    ("usage_daydimension", "held.day", "dimension = ANY(%(dimensions)s)"),
    ("usage_dayrollup", "held.day", "true"),
)
TURN = """
UPDATE {table} AS held SET counted = NOT counted, tokens_counted = NOT counted
WHERE organization_id = %(organization)s AND ledger = 'measured' AND provider = %(provider)s
    AND {day} = ANY(%(days)s) AND {narrow}
    AND counted = EXISTS (
        SELECT FROM usage_ledgerday l
        WHERE l.organization_id = %(organization)s AND l.day = {day} AND l.provider = %(provider)s
    )"""
DIMENSIONS = ["model", "project", "api_key", "service_tier", "user"]


def turn(organization_id: UUID, provider: str, days: Collection[date]) -> None:
    """Make the measured events of these UTC days count, or not, as the ledger days of the provider now say.

    Inside the organization's scope, after its ledger days were made or deleted.
    """
    if not days:
        return
    params: dict[str, Any] = {
        "organization": organization_id,
        "provider": provider,
        "days": sorted(days),
        "dimensions": DIMENSIONS,
        "start": datetime.combine(min(days), time.min, UTC),
        "end": datetime.combine(max(days) + timedelta(days=1), time.min, UTC),
    }
    with connection.cursor() as cursor:
        catching_up.alone(cursor, organization_id)
        for table, day, narrow in TABLES:
            cursor.execute(TURN.format(table=table, day=day, narrow=narrow), params)
