"""Which thread works next."""

import threading

from tests.product import wait_for
from tokentra.machine.turn_taking import Threads


def test_whoever_worked_last_works_next():
    threads, gate = Threads(3), threading.Barrier(3)
    done = [threads.submit(sender, gate.wait) for sender in "ab"]
    gate.wait(10)
    names = []
    for sender in "cdefgh":
        wait_for(lambda: len(threads._idle) == 2, 10, "both rest")
        names.append(threads.submit(sender, lambda: threading.current_thread().name).result(10))

    assert all(each.done() for each in done)
    assert len(set(names)) == 1
    threads.shutdown()
