"""The thread that adds up: whose turn it is, when it lags behind, how it ends and begins anew."""

import threading
import time
from concurrent import futures
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
from django.db import OperationalError

from tests.product import wait_for
from usage.measuring import beside, catching_up
from usage.measuring.beside import Beside
from usage.measuring.stepping import Left

ONE, OTHER = uuid4(), uuid4()


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr(beside, "IDLE", 0.1)
    of_process = catching_up._beside
    with of_process._bell:  # what other tests have stored is nobody's any more
        of_process._came.clear()
        of_process._bell.notify()
    wait_for(is_no_thread_left, 30, "nobody adds up")
    monkeypatch.setattr(beside, "ENOUGH", 10)
    monkeypatch.setattr(beside, "REST", 0)
    monkeypatch.setattr(beside, "MOST_LEFT", 20)
    monkeypatch.setattr(beside, "MOST_BEHIND", 40)
    yield
    wait_for(is_no_thread_left, 30, "no thread is left")


def is_no_thread_left():
    return "adding up" not in [each.name for each in threading.enumerate()]


class Slow:
    """Adds up one at a time, each when it is let go."""

    def __init__(self):
        self.begun, self.free = [], threading.Semaphore(0)

    def __call__(self, organization_id):
        self.begun.append(organization_id)
        assert self.free.acquire(timeout=30)
        return Left.NOTHING

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


def test_whoever_waits_goes_on_when_the_step_under_way_ends_and_what_came_has_another():
    slow = Slow()
    mine = Beside(slow)
    assert mine.wait(ONE) is False
    mine.came(ONE, 10)
    slow.has_begun(ONE)
    assert mine.came(ONE, 40)
    assert mine.wait(OTHER) is False

    with ThreadPoolExecutor() as others:
        waiting = others.submit(mine.wait, ONE)
        wait_for(lambda: mine._over._cond._waiters, 30, "one waits")
        slow.free.release()
        assert waiting.result(30) is True
        slow.has_begun(ONE, ONE)
        slow.free.release()


def test_nobody_waits_for_a_first_step_that_has_not_begun():
    mine = Beside(Slow())
    mine._busy = ONE  # as between its turn and its step

    with ThreadPoolExecutor() as others:
        waiting = others.submit(mine.wait, ONE)
        done, _ = futures.wait([waiting], timeout=5)
        mine._over.set()  # so that it ends where it is wrong
    assert done


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_whoever_waits_goes_on_when_the_step_fails():
    free = threading.Event()

    def fails(_):
        assert free.wait(30)
        raise ArithmeticError

    mine = Beside(fails)
    mine.came(ONE, 10)
    wait_for(lambda: mine._busy == ONE and not mine._over.is_set(), 30, "it has begun")

    with ThreadPoolExecutor() as others:
        waiting = others.submit(mine.wait, ONE)
        wait_for(lambda: mine._over._cond._waiters, 30, "one waits")
        free.set()
        assert waiting.result(30) is True


def test_one_that_had_nothing_to_do_ends_and_another_begins():
    slow = Slow()
    mine = Beside(slow)
    for count in (1, 2):
        mine.came(ONE, 10)
        slow.has_begun(*[ONE] * count)
        slow.free.release()
        wait_for(is_no_thread_left, 30, "it has ended")


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


def asking(mine, *organizations):
    """Threads that ask, and what they heard."""
    heard = []

    def ask(organization):
        try:
            heard.append(mine.add_up(organization))
        except Exception as problem:
            heard.append(type(problem))

    threads = [threading.Thread(target=ask, args=[each]) for each in organizations]
    for thread in threads:
        thread.start()
    return threads, heard


@pytest.mark.parametrize("left", Left)
def test_whoever_asks_hears_what_is_left(left):
    steps = iter([left, Left.NOTHING, Left.NOTHING])
    assert Beside(lambda _: next(steps)).add_up(ONE) is left


def test_some_that_are_left_are_added_up_at_once_and_others_after_a_rest(monkeypatch):
    monkeypatch.setattr(beside, "REST", 0.5)
    begun, steps = [], iter([Left.SOME, Left.OTHERS, Left.NOTHING])
    mine = Beside(lambda _: begun.append(time.monotonic()) or next(steps))

    mine.came(ONE, 10)
    wait_for(lambda: len(begun) == 3, 30, "the others are added up as well")

    assert begun[2] - begun[0] >= 0.5


def test_whoever_asks_has_another_step_than_what_came():
    asked, unasked = Slow(), Slow()
    mine = Beside(asked, unasked=unasked)
    mine.came(ONE, 10)
    unasked.has_begun(ONE)
    askers, heard = asking(mine, ONE)
    wait_for(lambda: ONE in mine._asked, 30, "one waits")

    unasked.free.release()
    asked.has_begun(ONE)
    asked.free.release()
    askers[0].join(30)

    assert (heard, unasked.begun) == ([Left.NOTHING], [ONE])


def test_those_who_ask_meanwhile_share_a_step_of_their_own():
    slow = Slow()
    mine = Beside(slow)
    mine.came(ONE, 10)
    slow.has_begun(ONE)
    askers, heard = asking(mine, ONE, ONE)
    wait_for(lambda: len(mine._asked) == 1 and len(mine._asked[ONE]._condition._waiters) == 2, 30, "two wait")

    slow.free.release(2)
    for each in askers:
        each.join(30)

    assert (slow.begun, heard) == ([ONE, ONE], [Left.NOTHING, Left.NOTHING])


def test_nobody_waits_here_for_another_organization():
    slow = Slow()
    mine = Beside(slow)
    mine.came(OTHER, 10)
    slow.has_begun(OTHER)

    assert mine.add_up(ONE) is None
    slow.free.release()


def test_a_step_that_was_asked_for_takes_along_what_came():
    slow = Slow()
    mine = Beside(slow)
    mine.came(ONE, 9)
    slow.free.release(2)
    assert mine.add_up(ONE) is Left.NOTHING

    mine.came(ONE, 9)
    mine.came(OTHER, 10)

    slow.has_begun(ONE, OTHER)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.parametrize("problem", [OperationalError, ArithmeticError])
def test_whoever_asks_hears_of_a_failure(problem):
    def fails(_):
        raise problem

    mine = Beside(fails)
    for _ in range(2):
        with pytest.raises(problem):
            mine.add_up(ONE)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_whoever_waits_for_a_thread_that_failed_asks_another():
    free = threading.Event()

    def fails(_):
        assert free.wait(30)
        raise ArithmeticError

    mine = Beside(fails)
    mine.came(ONE, 10)
    wait_for(lambda: mine._busy == ONE, 30, "it has begun")
    askers, heard = asking(mine, ONE)
    wait_for(lambda: ONE in mine._asked, 30, "one waits")
    free.set()
    askers[0].join(30)

    assert heard == [Left.SOME]


def refuse(_):
    raise RuntimeError("can't start new thread")


def test_where_no_thread_can_be_had_nobody_fails_and_the_next_one_tries_again(monkeypatch):
    mine = Beside(lambda _: Left.NOTHING)
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        assert mine.add_up(ONE) is None
        assert mine.came(ONE, 10) is False

    assert mine.add_up(ONE) is Left.NOTHING
