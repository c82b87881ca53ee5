"""Statements that are sent together."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import date
from typing import Any

import psycopg
import pytest
from django.db import connection

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


def test_the_last_answer_is_told_with_its_types(session):
    found = at_once.last(
        session, b"SELECT 1; SELECT DATE '2026-01-31', NULL, 'x' UNION ALL SELECT '2026-02-01', 2, 'y'"
    )

    assert at_once.rows(session, found) == [(date(2026, 1, 31), None, "x"), (date(2026, 2, 1), 2, "y")]


@pytest.mark.parametrize("text", ["it's", "a \\ b", '%s "é" $1', "'; DROP TABLE x; --"])
def test_a_quoted_text_stays_a_text(session, text):
    found = at_once.last(session, b"SELECT " + at_once.quoted(session, text.encode()))

    assert at_once.rows(session, found) == [(text,)]


def test_one_that_fails_takes_back_those_before_it(session):
    at_once.last(session, b"CREATE TEMP TABLE said (word text UNIQUE)")

    with pytest.raises(psycopg.errors.UniqueViolation):
        at_once.last(session, b"INSERT INTO said VALUES ('a'); INSERT INTO said VALUES ('a'); SELECT 1")

    assert at_once.rows(session, at_once.last(session, b"SELECT count(*) FROM said")) == [(0,)]


def test_a_session_that_went_away_is_told_as_by_a_cursor(session):
    with suppress(psycopg.OperationalError):  # its own end, told or found
        at_once.last(session, b"SELECT pg_terminate_backend(pg_backend_pid())")

    with pytest.raises(psycopg.OperationalError):
        at_once.last(session, b"SELECT 1")
    assert session.closed


def test_other_threads_go_on_meanwhile(session):
    """The first waits for a lock that the second lets go of."""
    with psycopg.connect(session.info.dsn, password=session.info.password, autocommit=True) as other:
        at_once.last(other, b"SELECT pg_advisory_lock(4711)")
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(at_once.last, session, b"SELECT pg_advisory_lock(4711); SELECT 1")
            at_once.last(other, b"SELECT pg_advisory_unlock(4711)")

            assert waiting.result(timeout=10).get_value(0, 0) == b"1"
