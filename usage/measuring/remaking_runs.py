"""Runs that began on a UTC day against their calls, and made anew where they differ.

Calls are forgotten by the day, the oldest first: where those of a run's first day are kept, all of them are. A run that
reaches further than WEEK is left out, since all calls of so many days would have to be read for it.
"""

from datetime import timedelta
from typing import Any

from django.db.backends.utils import CursorWrapper

from usage.measuring import sums_anew
from usage.measuring.sums import ROLLUPS

RUNS = ROLLUPS["runs"]
MOST = 10_000  # runs that are compared at once
WEEK = timedelta(days=7)
# Those that a day's calls name, unless they began before, and those that are held for it, whatever their calls are;
# with the last UTC day of their calls, as far as it is known.
NAMED = f"""
WITH named AS (
    SELECT DISTINCT run FROM usage_event WHERE organization_id = %(organization)s AND day = %(day)s
), known AS (
    SELECT run, {RUNS.hashes["id"].replace("organization_id", "%(organization)s::uuid")} AS id FROM named
    WHERE run IS NOT NULL
), held AS (
    SELECT id, run, last_at FROM usage_run
    WHERE organization_id = %(organization)s AND started_at >= %(start)s AND started_at < %(end)s
        AND last_at < %(until)s
), begun AS (
    SELECT known.id, known.run, coalesce(of.last_at, %(until)s) AS last_at FROM known
    LEFT JOIN usage_run of ON of.organization_id = %(organization)s AND of.id = known.id
    WHERE of.id IS NULL OR of.started_at >= %(start)s AND of.last_at < %(until)s
)
SELECT id, run, (last_at AT TIME ZONE 'UTC')::date FROM (TABLE begun UNION TABLE held) AS every
ORDER BY id"""  # noqa: S608  # words of ours
THEIRS = "day BETWEEN %(day)s AND %(last)s AND run = ANY(%(runs)s)"


def compare(cursor: CursorWrapper, of_day: dict[str, Any], *, fix: bool) -> int:
    """How many runs are not what their calls add up to; `of_day` as alone_with answers it, and nobody else writes."""
    wrong = 0
    for params in chosen(cursor, of_day):
        cursor.execute(sums_anew.differing(THEIRS, "runs"), params)
        count = cursor.fetchone()[0]
        if count and fix:
            cursor.execute(sums_anew.forgetting(RUNS), params)
            cursor.execute(sums_anew.making(THEIRS, "runs"), params)
        wrong += count
    return wrong


def chosen(cursor: CursorWrapper, of_day: dict[str, Any]) -> list[dict[str, Any]]:
    """What the statements take, for some runs after the other."""
    cursor.execute(NAMED, of_day | {"until": of_day["end"] + WEEK})
    found = cursor.fetchall()
    parts = [found[start : start + MOST] for start in range(0, len(found), MOST)]
    return [
        of_day
        | {
            "ids": [id for id, _, _ in part],
            "runs": [run for _, run, _ in part],
            "last": max(last for _, _, last in part),
        }
        for part in parts
    ]
