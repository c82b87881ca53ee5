"""The SQL that makes the sums of some events anew, takes them back or compares them, made of what sums.py declares."""

from collections.abc import Iterable

from usage.measuring.appearing import COUNT_RUNS
from usage.measuring.given import by_name
from usage.measuring.rollups import Rollup
from usage.measuring.statements import ADD_KINDS, CHANGES, FILLED, WHOLE, WIDENED, added, adding_up, of_kind, summed
from usage.measuring.sums import ROLLUPS


def in_words(sql: str) -> str:
    return by_name(sql, "%(organization)s::uuid", "%(grain)s::interval", "%(tags)s::text[]")


ADDING_KINDS = by_name(ADD_KINDS, "%(organization)s::uuid", "%(kinds)s::json")


def forgetting(rollup: Rollup) -> str:
    return in_words(deleting(rollup, f"organization_id = $1 AND {rollup.of_day}"))


def deleting(rollup: Rollup, where: str, *before: str) -> str:
    """With what follows from that; `before` are queries that the condition may ask."""
    deleted = f"DELETE FROM {rollup.table} WHERE {where}"  # noqa: S608  # names of ours
    if rollup.returning:
        before, deleted = (*before, f"runs AS ({deleted} {rollup.telling})", COUNT_RUNS), "SELECT"
    return f"WITH {', '.join(before)} {deleted}" if before else deleted


def chosen(events: str) -> str:
    return (
        f"SELECT {WHOLE} FROM (SELECT * FROM usage_event WHERE organization_id = $1 AND {events}) AS event "  # noqa: S608
        f"{of_kind('event')}"
    )


def rollups_of(names: Iterable[str]) -> dict[str, Rollup]:
    return {name: ROLLUPS[name] for name in names}


def making(events: str, *names: str) -> str:
    """Adds up the events that a condition chooses, however many they are."""
    return in_words(f"WITH events AS ({chosen(events)}), {adding_up(rollups_of(names), is_long=True)} SELECT 1")


def taking_back(events: str, *names: str) -> str:
    """Takes the events that a condition chooses out of what was added up; whoever runs it is alone."""
    return in_words(f"WITH events AS ({chosen(events)}), {adding_up(rollups_of(names), sign='-')} SELECT 1")


def key_in_sql(rollup: Rollup) -> str:
    """Of rows that are added up."""
    return ", ".join(rollup.hashes.get(column, column) for column in rollup.key.split(", "))


def emptying(events: str, name: str) -> str:
    """Deletes the groups of a rollup in which, of the events that a condition chooses, no call is left."""
    rollup = ROLLUPS[name]
    calls = next(name for name in ("calls", "requests") if name in rollup.sums)
    touched = f"touched AS (SELECT {key_in_sql(rollup)} FROM ({added(rollup)}) AS added)"  # noqa: S608  # names of ours
    is_empty = f"({rollup.key}) IN (SELECT * FROM touched) AND {calls} = 0"  # noqa: S608  # as above
    return in_words(deleting(rollup, is_empty, f"events AS ({chosen(events)})", summed([rollup]), touched))


def differing(events: str, name: str) -> str:
    """How many groups of a rollup, by its key, are not what the events that a condition chooses add up to."""
    rollup = ROLLUPS[name]
    sums = tuple(column for column in rollup.sums if column not in WIDENED and CHANGES.get(column) != FILLED)
    held = (
        f"SELECT {', '.join((rollup.key, *sums))} FROM {rollup.table} "  # noqa: S608  # names of ours
        f"WHERE organization_id = %(organization)s AND {rollup.of_day}"
    )
    return in_words(
        f"WITH events AS ({chosen(events)}), {summed([rollup], is_long=True)}, held AS ({held}), "  # noqa: S608
        f"made AS (SELECT {', '.join((key_in_sql(rollup), *sums))} "
        f"FROM ({added(rollup, sums, is_long=True)}) AS added) "
        "SELECT (SELECT count(*) FROM (SELECT * FROM made EXCEPT ALL SELECT * FROM held) AS missing) "
        "+ (SELECT count(*) FROM (SELECT * FROM held EXCEPT ALL SELECT * FROM made) AS wrong)"
    )
