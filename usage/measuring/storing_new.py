"""Stores a request in one exchange with the database, a transaction of its own, where nothing stands in the way."""

from collections.abc import Mapping

from django.db import DEFAULT_DB_ALIAS, connections
from psycopg import IntegrityError
from psycopg.errors import UniqueViolation

from tokentra.lib import chaos
from usage.measuring import at_once, discards, storing
from usage.measuring.around import Around
from usage.measuring.discards import Discarded
from usage.measuring.storing import Told


def store_new(told: Told, discarded: Mapping[str, Discarded], *, around: Around | None = None) -> bool:
    """Whether all of the events are stored, as new ones, and what was left out beside them is counted.

    False inside a transaction, and where one of them is held, one that is held would change by those that came, or
    something has to be there first: then nothing is stored. Raises what the database raises, but for the first.
    """
    if not told.events:
        return not discarded and around is None
    own = connections[DEFAULT_DB_ALIAS]  # looked up once: each look takes a microsecond
    if own.in_atomic_block:
        return False
    own.close_if_health_check_failed()
    own.ensure_connection()
    with own.wrap_database_errors:
        session, columns = storing.prepared(own.connection), told.columns()
        if not storing.is_plain(session, told, columns):
            return False
        params: at_once.Params = [*storing.params_of(told), discards.encoded(told.key_id, discarded, now=told.now)]
        rows: at_once.Params = storing.arrays_of(columns)
        chaos.point("track.before_commit")
        try:
            if around:
                stores, more = around.stores
                _, found = at_once.in_turn(session, around.opens, (stores, [*params, *more, *rows]))
            else:
                found = at_once.prepared(session, "tt_store_new", [*params, *rows])
        except UniqueViolation:
            return False
        except IntegrityError:
            storing.forget_weeks()
            raise
    return found.get_value(0, 0) == b"%d" % len(told.events)
