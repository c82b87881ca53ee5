"""Prepared statements in one call."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import date
from typing import Any

import psycopg
import pytest
from django.db import connection

from tests.product import wait_for
from usage.measuring import at_once

Session = psycopg.Connection[Any]


@pytest.fixture
def session(django_db_setup: None, django_db_blocker: Any) -> Iterator[Session]:
    """One of its own, outside of a test's transaction."""
    with django_db_blocker.unblock():
        told = connection.get_connection_params()
    told.pop("cursor_factory", None)
    with psycopg.connect(**told, autocommit=True) as one:
        yield one


@pytest.fixture
def answer(session: Session) -> Callable[..., Any]:
    """Of a statement that is prepared as what it is here, to these parameters."""

    def answer(statement: str, *params: str | bytes, by: Session = session) -> Any:
        by.execute("DEALLOCATE ALL")
        by.execute(f"PREPARE asked {statement}".encode())
        return at_once.prepared(by, "asked", params)

    return answer


def test_an_answer_is_told_with_its_types(session, answer):
    found = answer("AS SELECT DATE '2026-01-31', NULL, 'x' UNION ALL SELECT '2026-02-01', 2, 'y'")

    assert at_once.rows(session, found) == [(date(2026, 1, 31), None, "x"), (date(2026, 2, 1), 2, "y")]


@pytest.mark.parametrize("text", ["it's", "a \\ b", '%s "é" $1', "'; DROP TABLE x; --"])
@pytest.mark.parametrize("kind", [str, str.encode])
def test_what_it_is_given_stays_a_text(session, answer, text, kind):
    assert at_once.rows(session, answer("(text, int) AS SELECT $1, $2", kind(text), "7")) == [(text, 7)]


def test_one_that_fails_says_why_and_nothing_of_it_stays(session, answer):
    session.execute("CREATE TEMP TABLE said (word text UNIQUE)")

    with pytest.raises(psycopg.errors.UniqueViolation, match="said_word_key"):
        answer("(text) AS INSERT INTO said VALUES ($1), ($1)", "a")
    assert session.execute("SELECT count(*) FROM said").fetchone() == (0,)


def test_a_session_that_went_away_is_told_as_by_a_cursor(session, answer):
    with suppress(psycopg.OperationalError):  # its own end, told or found
        answer("AS SELECT pg_terminate_backend(pg_backend_pid())")

    with pytest.raises(psycopg.OperationalError):
        at_once.prepared(session, "asked", [])
    assert session.closed


def test_other_threads_go_on_meanwhile(session, answer):
    """The first waits for a lock that the second lets go of."""
    with psycopg.connect(session.info.dsn, password=session.info.password, autocommit=True) as other:
        other.execute("SELECT pg_advisory_lock(4711)")
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(answer, "AS SELECT 1 FROM pg_advisory_lock(4711)")
            answer("AS SELECT pg_advisory_unlock(4711)", by=other)

            assert waiting.result(timeout=10).get_value(0, 0) == b"1"


# Several in turn


def prepare(session: Session, **statements: str) -> None:
    for name, statement in statements.items():
        session.execute(f"PREPARE {name} {statement}".encode())


def told(found: Iterable[Any]) -> list[bytes | None]:
    return [one.get_value(0, 0) for one in found]


def test_each_answers_and_all_are_one_transaction(session):
    prepare(session, opened="(text) AS SELECT set_config('tt.said', $1, true)")
    prepare(session, asked="(int) AS SELECT current_setting('tt.said') || $1 || pg_current_xact_id()")
    session.execute("SELECT set_config('tt.said', '', false)")

    first, second, third = told(at_once.in_turn(session, ("opened", ["x"]), ("asked", ["7"]), ("asked", [b"7"])))

    assert (first, second) == (b"x", third)
    assert second.startswith(b"x7")
    assert session.execute("SELECT current_setting('tt.said')").fetchone() == ("",)


def test_one_that_fails_says_why_and_nothing_of_the_others_stays(session):
    session.execute("CREATE TEMP TABLE said (word text UNIQUE)")
    prepare(session, said="(text) AS INSERT INTO said VALUES ($1)")

    with pytest.raises(psycopg.errors.UniqueViolation, match="said_word_key"):
        at_once.in_turn(session, ("said", ["a"]), ("said", ["a"]), ("said", ["b"]))
    assert session.execute("SELECT count(*) FROM said").fetchone() == (0,)


def test_one_that_fails_as_it_was_to_end_says_why_and_the_session_goes_on(session):
    session.execute("CREATE TEMP TABLE said (word text UNIQUE DEFERRABLE INITIALLY DEFERRED)")
    prepare(session, said="(text) AS INSERT INTO said VALUES ($1)")

    with pytest.raises(psycopg.errors.UniqueViolation, match="said_word_key"):
        at_once.in_turn(session, ("said", ["a"]), ("said", ["a"]))
    assert session.execute("SELECT count(*) FROM said").fetchone() == (0,)


def test_each_sees_what_others_wrote_while_the_one_before_waited(session):
    prepare(session, waits="AS SELECT FROM pg_advisory_xact_lock(4711)")
    prepare(session, looks="(xid8) AS SELECT pg_visible_in_snapshot($1, pg_current_snapshot())")
    with (
        psycopg.connect(session.info.dsn, password=session.info.password) as other,
        ThreadPoolExecutor(1) as pool,
    ):
        [number] = other.execute("SELECT pg_current_xact_id()::text FROM pg_advisory_lock(4711)").fetchone()
        waiting = pool.submit(at_once.in_turn, session, ("waits", []), ("looks", [number]))
        wait_until_it_waits(other, session.info.backend_pid)
        other.commit()
        other.execute("SELECT pg_advisory_unlock(4711)")
        *_, looked = waiting.result(timeout=10)

    assert looked.get_value(0, 0) == b"t"


def wait_until_it_waits(other: Session, pid: int) -> None:
    sql = "SELECT wait_event_type = 'Lock' FROM pg_stat_activity WHERE pid = %s"
    wait_for(lambda: other.execute(sql, [pid]).fetchone()[0], 20, "the first waits")


def test_a_session_that_went_away_in_between_is_told_and_closed(session):
    prepare(session, ends="AS SELECT pg_terminate_backend(pg_backend_pid())", goes_on="AS SELECT 1")

    with pytest.raises(psycopg.OperationalError):
        at_once.in_turn(session, ("ends", []), ("goes_on", []))
    assert session.closed


def test_a_session_is_closed_whose_answers_nobody_waited_for(session, monkeypatch):
    """They would be taken for those to the next question."""
    prepare(session, asked="AS SELECT 1")
    monkeypatch.setattr(session, "wait", raising(KeyboardInterrupt))

    with pytest.raises(KeyboardInterrupt):
        at_once.in_turn(session, ("asked", []))
    assert session.closed


def raising(error: type[BaseException]) -> Callable[..., None]:
    def fail(*_: object) -> None:
        raise error

    return fail
