"""Who waits for whom in the database of a test."""

from django.db import connections

WAITING = """
SELECT count(DISTINCT pid) FROM pg_locks JOIN pg_stat_activity USING (pid)
WHERE NOT granted AND datname = current_database()"""  # other tests have databases of their own beside this one


def sessions_that_wait() -> int:
    """For what another one has locked."""
    with connections["owner"].cursor() as cursor:
        cursor.execute(WAITING)
        return int(cursor.fetchone()[0])
