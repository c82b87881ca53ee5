"""A transaction of an organization that is held open while others go on, or wait for it."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event
from typing import Any
from uuid import UUID

from django.db import connections

from tests.product import wait_for
from tests.waits import sessions_that_wait
from tokentra.lib.tenancy import organization_scope

Beside = Callable[[Callable[[], Any]], "Future[Any]"]


@contextmanager
def held_open(organization_id: UUID, work: Callable[[UUID], object]) -> Iterator[Beside]:
    """The work is done, and committed when the block ends. Yields what begins another in a thread of its own.

    That one is over then, or waits.
    """
    is_done, may_commit = Event(), Event()

    def hold() -> None:
        with organization_scope(organization_id, up_to_date=False):
            work(organization_id)
            is_done.set()
            assert may_commit.wait(60)

    with ThreadPoolExecutor(2) as threads:

        def begin(work: Callable[[], Any]) -> "Future[Any]":
            begun = threads.submit(and_close, work)
            wait_for(lambda: begun.done() or sessions_that_wait(), 60, "it is over, or waits")
            return begun

        holding = threads.submit(and_close, hold)
        try:
            wait_for(lambda: is_done.is_set() or holding.done(), 60, "the work is done")
            yield begin
        finally:
            may_commit.set()
        holding.result()


def and_close(work: Callable[[], Any]) -> Any:
    try:
        return work()
    finally:
        connections.close_all()
