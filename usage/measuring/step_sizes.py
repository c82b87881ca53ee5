"""How many events a step at an organization's sums takes: fewer where they take long, as new names do."""

from typing import Any
from uuid import UUID

from psycopg import ClientCursor

MOST = 20_000  # where many of one day come, half as many cost a fifth more each, and twice as many no less
FEWEST = 250
LONG, SHORT = 5.0, 1.0  # seconds for which readers wait for a step
MOST_REMEMBERED = 1_000
# Requests with more events wait in parts, of which the first steps need not take all. Whoever runs it is the only one
# who takes events of this kind.
CUT = """
WITH whole AS (
    DELETE FROM usage_waiting
    WHERE organization_id = %(organization)s AND in_totals = %(in_totals)s AND events > %(most)s RETURNING *
)
INSERT INTO usage_waiting (organization_id, id, days, ids, events, zone, in_totals)
SELECT organization_id, gen_random_uuid(), days[first:last], ids[first:last], last - first + 1, zone, in_totals
FROM whole CROSS JOIN LATERAL generate_series(1, events, %(most)s) AS part (first)
CROSS JOIN LATERAL (SELECT least(first + %(most)s - 1, events) AS last) AS ends"""

_learned: dict[tuple[UUID, str], int] = {}


def of(organization_id: UUID, step: str) -> int:
    return _learned.get((organization_id, step), MOST)


def can_be_fewer(organization_id: UUID, step: str) -> bool:
    """Whether a step that took longer than it may is tried with fewer: from here on it is."""
    size = of(organization_id, step)
    learn(organization_id, step, size // 20)
    return size > of(organization_id, step)


def took(organization_id: UUID, step: str, seconds: float, *, is_full: bool) -> None:
    """So long; where it was not full, that says little of what as many as it may take would."""
    size = of(organization_id, step)
    if seconds > LONG:
        learn(organization_id, step, int(size * LONG / seconds))
    elif seconds < SHORT and is_full and size < MOST:
        learn(organization_id, step, size * 2)


def learn(organization_id: UUID, step: str, size: int) -> None:
    if len(_learned) >= MOST_REMEMBERED:
        _learned.clear()
    _learned[organization_id, step] = min(max(size, FEWEST), MOST)


def cut(own: ClientCursor[Any], organization_id: UUID, *, in_totals: bool, most: int) -> None:
    """What waits, so that a step can take no more than so many."""
    if most < MOST:
        own.execute(CUT, {"organization": organization_id, "in_totals": in_totals, "most": most})
