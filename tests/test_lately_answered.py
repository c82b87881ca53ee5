"""Whether a session is asked if it is still there before a program's next request."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import OperationalError, connection

from tokentra.lib import lately_answered

pytestmark = pytest.mark.django_db


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [1000.0]
    monkeypatch.setattr(lately_answered, "monotonic", lambda: now[0])
    return now


def is_spared() -> bool:
    connection.health_check_done = False  # as each request begins
    with lately_answered.trusted():
        return bool(connection.health_check_done)


def test_a_session_that_answered_a_moment_ago_is_spared_the_question(clock):
    connection.ensure_connection()
    is_spared()

    assert is_spared()
    clock[0] += lately_answered.MOMENT - 0.1
    assert is_spared()
    clock[0] += lately_answered.MOMENT + 0.1
    assert not is_spared()


def test_one_that_another_thread_used_is_asked(clock):
    connection.ensure_connection()
    is_spared()

    with ThreadPoolExecutor(1) as other:
        assert not other.submit(in_a_thread).result()


def in_a_thread() -> bool:
    try:
        connection.ensure_connection()
        return is_spared()
    finally:
        connection.close()


def test_one_that_failed_is_asked_again(clock):
    connection.ensure_connection()
    is_spared()
    with pytest.raises(OperationalError), lately_answered.trusted():
        raise OperationalError("the connection is closed")

    assert not is_spared()
    assert is_spared()
