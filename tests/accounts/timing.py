"""Whether the time that an answer takes tells who has an account."""

from collections.abc import Callable
from statistics import median
from time import thread_time

from django.core.cache import cache
from django.test import Client

TURNS = 8


def apart(ask: Callable[[Client, str], object], known: str) -> float:
    """How far answers for ``known`` and for addresses without an account are apart, as a part of what is allowed: at 1
    the one can be told from the other.

    Allowed are 5 ms on a quiet machine; what a busy one adds grows with the time itself. A missing hash of a password is
    30 ms of the least that each takes and of every turn; a machine that is twice as fast for a second tells them apart in
    one of the two only, so that the smaller counts.
    """

    def spent(email: str) -> float:
        cache.clear()
        client = Client()
        began = thread_time()  # waiting for a busy machine does not count
        ask(client, email)
        return thread_time() - began

    spent("warm@acme.example"), spent(known)
    of_known, of_unknown, within_turns = [], [], []
    for turn in range(TURNS):
        took = spent(f"new{turn}@acme.example"), spent(known), spent(known), spent(f"other{turn}@acme.example")
        of_unknown += took[::3]
        of_known += took[1:3]
        within_turns.append((sum(took[1:3]) - sum(took[::3])) / 2)

    gap = min(abs(median(within_turns)), abs(min(of_known) - min(of_unknown)))
    return gap / max(0.005, 0.15 * min(of_unknown))
