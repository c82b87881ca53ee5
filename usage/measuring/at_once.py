"""A prepared statement that goes to the database in one call and without a cursor."""

from collections.abc import Sequence
from typing import Any

from psycopg import Connection, OperationalError
from psycopg.adapt import Transformer
from psycopg.errors import error_from_result
from psycopg.pq import DiagnosticField, ExecStatus
from psycopg.pq.abc import PGresult

GOOD = (ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK)


def prepared(session: Connection[Any], name: str, params: Sequence[str | bytes]) -> PGresult:
    """What it answers to these, which are written as text. Raises what a cursor does; other threads go on meanwhile.

    Outside of a transaction it is one by itself. The parameters are no part of any SQL: nobody has to quote them or
    read them again, and they do not stand in the text of a statement that fails or takes long.
    """
    written = [each if isinstance(each, bytes) else each.encode() for each in params]
    return good(session.pgconn.exec_prepared(name.encode(), written))


def good(found: PGresult) -> PGresult:
    if found.status in GOOD:
        return found
    if found.error_field(DiagnosticField.SQLSTATE):
        raise error_from_result(found)
    raise OperationalError(found.get_error_message())


def rows(session: Connection[Any], found: PGresult) -> list[tuple[Any, ...]]:
    reader = Transformer(session)
    reader.set_pgresult(found)
    return reader.load_rows(0, found.ntuples, tuple)
