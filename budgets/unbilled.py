"""What code measured beyond what counts: bills, and usage that is read, come hours after the calls.

Of a provider's UTC day that an account covers, measured calls are no part of what counts (decisions.md 5). They are
told from those that an account has said by the hour in which it was last read: what began after it is added. Of the
calls before, and of a day whose bill counts, nobody can tell which ones it holds, so there the higher sum is taken,
of each provider and day alone.

Where a span begins within an hour, calls of the rest of that hour are known by the quarter of it, as in spending.py.

Nobody can tell either of which account, or report of one, a call is. So the one that was read longest ago says when: a
call that is held twice for a while refuses too early, one that is hidden lets a budget pass its limit.
"""

import json
from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import connection

from budgets.scopes import PROVIDER
from budgets.spending import QUARTERS, TOKENS, UTC_DAY, Ask, midnight, one_of
from usage.counting import Counted
from usage.measuring.grain import HOUR

BY_HOURS = timedelta(days=2)  # today and the two days before it; what is older was read, or is billed

FIGURE = f"(CASE WHEN a.is_tokens THEN {TOKENS} ELSE r.amount END)"
SUM = f"sum{FIGURE}"
USED = "(a.is_tokens OR r.currency = 'USD')"
COUNTS = "(CASE WHEN a.is_tokens THEN r.tokens_counted ELSE r.counted END)"
WITHIN = f"{one_of('r.value', 'values')} AND {one_of('r.provider', 'providers')} AND {USED}"
BEYOND = f"""
WITH asks AS MATERIALIZED (
    SELECT * FROM jsonb_to_recordset(%(asks)s::jsonb) AS a (key int, start timestamptz, "end" timestamptz,
        first_day date, end_day date, low timestamptz, whole_hour timestamptz, dimension text, "values" text[],
        providers text[], is_tokens boolean)
), covered AS MATERIALIZED (
    SELECT provider, day, bool_or(counted = '{Counted.BILL}') AS is_billed,
        min(CASE counted WHEN '{Counted.BILL}' THEN bill_read_at
            ELSE coalesce(reports.read_at, usage_read_at, bill_read_at) END) AS read_at
    FROM usage_ledgerday, LATERAL (
        SELECT min(at::timestamptz) AS read_at FROM jsonb_each_text(reads) AS report (name, at)
        WHERE at::timestamptz IS DISTINCT FROM bill_read_at
    ) AS reports
    WHERE organization_id = %(organization)s AND day >= %(split)s GROUP BY provider, day
), parts AS (
    SELECT a.key, r.provider, {UTC_DAY} AS day, r.hour, c.read_at, r.ledger = 'measured' AS is_call, {COUNTS} AS counts,
        {FIGURE} AS figure
    FROM asks a JOIN usage_hourrollup r ON r.organization_id = %(organization)s AND r.dimension = a.dimension
        AND r.hour >= a.low AND r.hour < a."end" AND {WITHIN}
    LEFT JOIN covered c ON c.provider = r.provider AND c.day = {UTC_DAY}
    WHERE CASE WHEN r.seconds >= 86400 OR c.is_billed THEN {UTC_DAY} >= a.first_day AND {UTC_DAY} < a.end_day
        ELSE r.hour >= a.start END
    UNION ALL
    SELECT a.key, r.provider, c.day, r.hour, c.read_at, true, false,
        CASE WHEN a.is_tokens THEN r.tokens_in + r.tokens_out ELSE r.amount END
    FROM asks a JOIN {QUARTERS} r ON r.organization_id = %(organization)s AND r.dimension = 'model'
        AND r.hour >= greatest(a.start, a.low) AND r.hour < a.whole_hour
        AND {one_of("r.provider", "providers")} AND {one_of("r.model", "values")} AND {USED}
    JOIN covered c ON c.provider = r.provider AND c.day = {UTC_DAY} AND NOT c.is_billed
    WHERE a.dimension = 'model'
), figures AS (
    SELECT a.key, {SUM} FILTER (WHERE {COUNTS}) AS counted,
        {SUM} FILTER (WHERE r.ledger = 'measured' AND NOT {COUNTS}) AS said, NULL::numeric AS since
    FROM asks a JOIN usage_daydimension r ON r.organization_id = %(organization)s AND r.dimension = a.dimension
        AND r.day >= a.first_day AND r.day < least(a.end_day, %(split)s) AND {WITHIN}
    GROUP BY a.key, r.provider, r.day
    UNION ALL
    SELECT key, sum(figure) FILTER (WHERE counts), sum(figure) FILTER (WHERE is_call AND NOT counts AND hour < read_at),
        sum(figure) FILTER (WHERE is_call AND NOT counts AND (hour < read_at) IS NOT TRUE)
    FROM parts GROUP BY key, provider, day
)
SELECT key, sum(greatest(coalesce(said, 0) - coalesce(counted, 0), 0) + coalesce(since, 0)) FROM figures GROUP BY key
"""  # noqa: S608  # ours


def beyond(organization_id: UUID, asks: Mapping[int, Ask], today: date) -> dict[int, Decimal]:
    """Dollars or tokens for each ask of what counts, inside the organization's scope; 0 where no sums tell."""
    split = today - BY_HOURS
    rows = [row_of(key, ask, split) for key, ask in asks.items() if ask.where.table == "hours"]
    found = dict.fromkeys(asks, Decimal(0))
    if rows:
        params: dict[str, Any] = {"organization": organization_id, "asks": json.dumps(rows), "split": split}
        with connection.cursor() as cursor:
            cursor.execute(BEYOND, params)
            found.update(cursor.fetchall())
    return found


def row_of(key: int, ask: Ask, split: date) -> dict[str, Any]:
    span = ask.span
    first = min(span.start, midnight(span.first_day))
    return {
        "key": key,
        "start": span.start.isoformat(),
        "end": span.end.isoformat(),
        "first_day": span.first_day.isoformat(),
        "end_day": span.end_day.isoformat(),
        "low": max(first, midnight(split)).isoformat(),
        "whole_hour": (span.start + (midnight(span.first_day) - span.start) % HOUR).isoformat(),
        "dimension": ask.where.dimension,
        "values": ask.scope.get(ask.where.dimension),
        "providers": ask.scope.get(PROVIDER),
        "is_tokens": ask.is_tokens,
    }
