"""One organization with millions of usage rows and a thousand small ones beside it, written by SQL.

Runs as a program of its own (`python -m tests.bench.crowd SLUG ROWS ORGANIZATIONS`) in the environment of a product.
"""

import os
import sys
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import django

HOURS = 90 * 24
ROW = """
INSERT INTO usage_usagerecord (
    organization_id, day, id, connection_id, ledger, endpoint, start, seconds, provider, model, project, api_key, user_ref,
    service_tier, batch, context_window, line_item, kind, extra, input, cache_read, cache_write_5m, cache_write_30m,
    cache_write_1h, cache_write_12h, output, audio_in, audio_out, image_in, image_out, reasoning, units, requests, amount,
    currency, basis, rate_ref, first_seen_at, seen_at)
SELECT %(organization)s, (%(day)s::timestamptz + h * interval '1 hour')::date, gen_random_uuid(), %(connection)s, 'usage',
    'usage.completions', %(day)s::timestamptz + h * interval '1 hour', 3600, 'openai', 'model-' || n %% 40,
    'proj_' || n %% 30, 'key_' || n %% 97, '', 'default', false, '', '', 'tokens', '{}', 900 + n, 100, 0, 0, 0, 0, 45 + n,
    0, 0, 0, 0, 0, '{}', 3, (900 + n) * 0.00000125, 'USD', 'computed', 'bench', now(), now()
FROM generate_series(0, 23) h, generate_series(1, %(an_hour)s) n"""


def fill(organization_id: UUID, connection_id: UUID, an_hour: int, days: int) -> None:
    """`an_hour` rows for each hour of the last `days` days, and their rollups."""
    from django.db import connection
    from django.utils import timezone

    from tokentra.lib.tenancy import organization_scope
    from usage import partitions, rollup
    from usage.models import LedgerDay

    today = timezone.now().date()
    for back in range(days):
        day: date = today - timedelta(days=back)
        with organization_scope(organization_id):
            partitions.ensure([day])
            LedgerDay.objects.create(
                organization_id=organization_id, connection_id=connection_id, day=day, provider="openai",
                usage_read_at=timezone.now(),
            )  # fmt: skip
            midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
            with connection.cursor() as cursor:
                cursor.execute("SET LOCAL statement_timeout = 0")
                params: dict[str, Any] = {
                    "organization": organization_id,
                    "connection": connection_id,
                    "day": midnight,
                    "an_hour": an_hour,
                }
                cursor.execute(ROW, params)
            rollup.rebuild(organization_id, connection_id, [day])


def main(slug: str, rows: int, beside: int) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tokentra.settings")
    django.setup()
    from django.db import connection

    from accounts.models import Membership, Organization, User
    from accounts.permissions import Role
    from tokentra.lib.ids import uuid7
    from tokentra.lib.tenancy import organization_scope

    owner = User.objects.get()
    fill(Organization.objects.get(slug=slug).pk, uuid7(), max(1, rows // HOURS), 90)
    for number in range(beside):
        pk = uuid7()
        with organization_scope(pk):
            neighbour = Organization.objects.create(id=pk, name=f"Neighbour {number}", slug=f"neighbour-{number}")
            if number == 0:
                Membership.objects.create(organization=neighbour, user=owner, role=Role.OWNER)
        fill(pk, uuid7(), 1, 2)
    for table in ("usage_usagerecord", "usage_dayrollup", "usage_daydimension", "usage_hourrollup", "usage_ledgerday"):
        with connection.cursor() as cursor:
            cursor.execute(f"ANALYZE {table}")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
