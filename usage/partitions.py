"""Weeks of rows: made ahead by a daily task, and on demand, so that no write ever finds its week missing."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta

from django.db import connection

AHEAD = timedelta(days=60)
WEEK = timedelta(days=7)


RECORDS, EVENTS = "usage_usagerecord", "usage_event"


def ensure(days: Iterable[date], *, table: str = RECORDS) -> int:
    """Make the partitions of these days where they are missing; answers how many were.

    The table belongs to tt_owner, and workers do not: they call the owner's function, which makes the
    week of a day and can do nothing else. Raises DataError for a day before 2020 or over a year ahead.
    """
    mondays = {day - timedelta(days=day.weekday()) for day in days}
    with connection.cursor() as cursor:
        missing = sorted(mondays.difference(weeks(table)))
        for monday in missing:
            cursor.execute("SELECT usage_make_partition(%s, %s)", [table, monday])
    return len(missing)


def weeks(table: str) -> list[date]:
    """The Mondays of the weeks that a table has, oldest first."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid "
            "WHERE i.inhparent = %s::regclass",
            [table],
        )
        return sorted(datetime.strptime(name[-8:], "%Y%m%d").date() for (name,) in cursor.fetchall())  # noqa: DTZ007


def make_ahead(today: date) -> int:
    """The weeks from this one to two months ahead; answers how many were missing."""
    weeks = [today + WEEK * n for n in range(AHEAD // WEEK + 2)]
    return ensure(weeks) + ensure(weeks, table=EVENTS)
