"""The thread that adds up: whose turn it is, when it lags behind, how it ends and begins anew."""

import threading
import time
from uuid import uuid4

import pytest

from tests.product import wait_for
from usage.measuring import beside
from usage.measuring.beside import Beside

ONE, OTHER = uuid4(), uuid4()


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr(beside, "ENOUGH", 10)
    monkeypatch.setattr(beside, "REST", 0)
    monkeypatch.setattr(beside, "MOST_LEFT", 20)
    monkeypatch.setattr(beside, "MOST_BEHIND", 40)
    monkeypatch.setattr(beside, "IDLE", 0.1)
    yield
    wait_for(lambda: "adding up" not in [each.name for each in threading.enumerate()], 30, "no thread is left")


class Slow:
    """Adds up one at a time, each when it is let go."""

    def __init__(self):
        self.begun, self.free = [], threading.Semaphore(0)

    def __call__(self, organization_id):
        self.begun.append(organization_id)
        assert self.free.acquire(timeout=30)
        return False

    def has_begun(self, *organizations):
        wait_for(lambda: self.begun == [*organizations], 30, f"begun: {organizations}")


def test_it_begins_once_enough_came():
    slow = Slow()
    mine = Beside(slow)

    assert [mine.came(ONE, 9), slow.begun] == [False, []]
    mine.came(ONE, 1)

    slow.has_begun(ONE)
    slow.free.release()


def test_organizations_take_turns():
    slow = Slow()
    mine = Beside(slow)
    mine.came(ONE, 10)
    slow.has_begun(ONE)

    mine.came(ONE, 15)
    mine.came(OTHER, 15)
    mine.came(ONE, 15)
    slow.free.release(3)

    slow.has_begun(ONE, ONE, OTHER)


@pytest.mark.parametrize("count", [10, 19])
def test_after_a_step_it_rests_and_takes_what_came_meanwhile_together(count, monkeypatch):
    monkeypatch.setattr(beside, "REST", 0.5)
    slow = Slow()
    mine = Beside(slow)
    slow.free.release(3)
    began = time.monotonic()
    mine.came(ONE, 10)
    slow.has_begun(ONE)

    mine.came(ONE, count)
    mine.came(OTHER, 10)  # has had no step

    slow.has_begun(ONE, OTHER, ONE)
    assert time.monotonic() - began >= 0.5


def test_it_does_not_rest_while_a_good_many_wait(monkeypatch):
    monkeypatch.setattr(beside, "REST", 3600)
    slow = Slow()
    mine = Beside(slow)
    slow.free.release(2)
    mine.came(ONE, 10)
    slow.has_begun(ONE)

    mine.came(ONE, 19)
    wait_for(lambda: mine._bell._waiters, 30, "it rests")
    mine.came(ONE, 1)

    slow.has_begun(ONE, ONE)


def test_whoever_comes_while_it_lags_far_behind_is_told_once():
    slow = Slow()
    mine = Beside(slow)
    mine.came(ONE, 10)
    slow.has_begun(ONE)

    told = [mine.came(ONE, 15) for _ in range(4)]

    assert told == [False, False, True, False]
    slow.free.release(2)


def test_one_that_had_nothing_to_do_ends_and_another_begins():
    slow = Slow()
    mine = Beside(slow)
    for count in (1, 2):
        mine.came(ONE, 10)
        slow.has_begun(*[ONE] * count)
        slow.free.release()
        wait_for(lambda: not [each for each in threading.enumerate() if each.name == "adding up"], 30, "it has ended")


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_one_that_fails_is_followed_by_another():
    begun = []

    def fails(organization_id):
        begun.append(organization_id)
        raise ArithmeticError

    mine = Beside(fails)
    mine.came(ONE, 10)
    wait_for(lambda: begun == [ONE] and mine.came(OTHER, 0) is False and mine._thread is None, 30, "it failed")
    mine.came(ONE, 10)

    wait_for(lambda: begun == [ONE, ONE], 30, "another one has begun")
