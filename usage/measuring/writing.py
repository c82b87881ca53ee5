"""The SQL that stores events, as they are given, which statements.py prepares."""

from tokentra.lib.tenancy import opened
from usage.measured import Event
from usage.measuring import around, discards, given
from usage.measuring.given import COMMON
from usage.measuring.transactions import together

EVENT_COLUMNS = [str(field.column) for field in Event._meta.concrete_fields]


def noted(where: str = "") -> str:
    return f"noted AS ({discards.adding('$1', '$2', '$8', where)}), "


# Writes rows and lets them wait to be added up. Answers how many were written; unless all were, in a line with each.
# $1 and $2: as COMMON says; $3: what the waiting row is called; $4: how many rows there are; $5: the zone of their
# days; $6: their kinds; $7: the lock that writers share; the last ones: rows.
WRITE = f"""
WITH {{sources}}events AS (
    INSERT INTO usage_event ({", ".join(EVENT_COLUMNS)})
    SELECT {", ".join(COMMON.get(name, name) for name in EVENT_COLUMNS)}
    FROM {{scope}}{together("$7")}, {{rows}}
    {{held}} RETURNING day, id
), waiting AS (
    INSERT INTO usage_waiting (organization_id, id, days, ids, events, zone)
    SELECT $1, $3, array_agg(day), array_agg(id), count(*), $5 FROM events HAVING count(*) > 0
), {{noted}}new AS (SELECT count(*) AS events FROM events)
SELECT new.events, events.day, events.id FROM new LEFT JOIN events ON new.events < $4"""  # noqa: S608  # names of ours
STORE = WRITE.format(rows=given.events(8, "$6"), sources="", scope="", held="ON CONFLICT DO NOTHING", noted="")
# Takes a fifth less, and fails where one of them is held already. $8: what was left out.
STORE_NEW = WRITE.format(rows=given.events(9, "$6"), sources="", scope=f"{opened('$1')}, ", held="", noted=noted())


def store_around(first: int, *sources: str) -> str:
    """As STORE_NEW in an open scope, where each of these named queries finds nothing; else nothing is written. Rows are
    given from the `first` parameter on."""
    free = "WHERE " + " AND ".join(f"NOT EXISTS (SELECT FROM {source.split()[0]})" for source in sources)
    rows = given.events(first, "$6")
    return WRITE.format(rows=rows, sources=", ".join([*sources, ""]), scope="", held=free, noted=noted(free))


# On days from $9 to $10: what waits for any of these spans ($11), and what counts and would be a parent by them ($12).
BELOW = f"below AS ({around.below('$11', '$9', '$10')})"
COUNTED = f"counted AS ({around.counted('$12', '$9', '$10')})"
STORE_SPANS, STORE_FAMILIES = store_around(12, BELOW), store_around(13, BELOW, COUNTED)
