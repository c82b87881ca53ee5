"""Statements that go to the database together and of which the last one's answer is wanted: one call, and no cursor."""

from typing import Any

from psycopg import Connection, OperationalError
from psycopg.adapt import Transformer
from psycopg.errors import error_from_result
from psycopg.pq import DiagnosticField, Escaping, ExecStatus
from psycopg.pq.abc import PGresult

GOOD = (ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK)


def last(session: Connection[Any], sql: bytes) -> PGresult:
    """What the last of these statements answers. Raises what a cursor does; other threads go on meanwhile.

    Outside of a transaction they are one by themselves.
    """
    found = session.pgconn.exec_(sql)
    if found.status in GOOD:
        return found
    if found.error_field(DiagnosticField.SQLSTATE):
        raise error_from_result(found)
    raise OperationalError(found.get_error_message())


def quoted(session: Connection[Any], text: bytes) -> bytes:
    return bytes(Escaping(session.pgconn).escape_literal(text))


def rows(session: Connection[Any], found: PGresult) -> list[tuple[Any, ...]]:
    reader = Transformer(session)
    reader.set_pgresult(found)
    return reader.load_rows(0, found.ntuples, tuple)
