"""Prepared statements that go to the database in one call and without a cursor."""

from collections.abc import Sequence
from typing import Any

from psycopg import Connection, OperationalError
from psycopg.abc import PQGen
from psycopg.adapt import Transformer
from psycopg.errors import error_from_result
from psycopg.generators import fetch_many, send
from psycopg.pq import DiagnosticField, ExecStatus
from psycopg.pq.abc import PGconn, PGresult

GOOD = (ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK)
Params = Sequence[str | bytes | None]


def prepared(session: Connection[Any], name: str, params: Params) -> PGresult:
    """What it answers to these, which are written as text. Raises what a cursor does; other threads go on meanwhile.

    Outside of a transaction it is one by itself. The parameters are no part of any SQL: nobody has to quote them or
    read them again, and they do not stand in the text of a statement that fails or takes long.
    """
    return good(session.pgconn.exec_prepared(name.encode(), written(params)))  # type: ignore[arg-type]  # None is null


def in_turn(session: Connection[Any], *each: tuple[str, Params]) -> list[PGresult]:
    """What several answer that are sent together, as one transaction; each sees what others committed before it began.

    Outside of a transaction. Raises what the first one raises that fails, or the end of the transaction; then nothing
    of any of them stays.
    """
    own = session.pgconn
    try:
        own.enter_pipeline_mode()
        for name, params in each:
            own.send_query_prepared(name.encode(), written(params))
        own.pipeline_sync()
        found = session.wait(answers(own, len(each)))
        own.exit_pipeline_mode()
    except BaseException:
        session.close()  # what is still to come would be taken for the answer to something else
        raise
    return [good(one) for one in found]


def answers(own: PGconn, count: int) -> PQGen[list[PGresult]]:
    yield from send(own)
    found = []
    for _ in range(count):
        found += yield from fetch_many(own)
    if (end := (yield from fetch_many(own)))[-1].status != ExecStatus.PIPELINE_SYNC:  # it failed as it was to end
        found += end
        yield from fetch_many(own)
    return found


def written(params: Params) -> list[bytes | None]:
    return [each.encode() if isinstance(each, str) else each for each in params]


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
