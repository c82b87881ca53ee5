"""Whose request is next: senders take turns, and none of them ever holds the last place. Pure."""

from collections import Counter, deque
from collections.abc import Hashable
from typing import Generic, TypeVar

Request = TypeVar("Request")


class Turns(Generic[Request]):
    """Requests that wait for one of so many places.

    The next is one of the sender who holds the fewest places, and among those of who has waited longest since their
    last turn. So whoever sends much waits behind everybody else's first request, and nobody waits behind all of theirs.
    """

    def __init__(self, places: int) -> None:
        self.places, self.most_of_one = places, max(places - 1, 1)
        self._waiting: dict[Hashable, deque[Request]] = {}  # in the order of turns
        self._held: Counter[Hashable] = Counter()

    def come(self, sender: Hashable, request: Request) -> None:
        self._waiting.setdefault(sender, deque()).append(request)

    def next(self) -> tuple[Hashable, Request] | None:
        """It takes a place until `end`; None where nobody may have one now."""
        if self._held.total() >= self.places:
            return None
        allowed = (sender for sender in self._waiting if self._held[sender] < self.most_of_one)
        sender = min(allowed, key=self._held.__getitem__, default=None)
        if sender is None:
            return None
        requests = self._waiting.pop(sender)
        request = requests.popleft()
        if requests:
            self._waiting[sender] = requests  # behind all others
        self._held[sender] += 1
        return sender, request

    @property
    def has_room(self) -> bool:
        """Whether somebody who comes now has a place at once."""
        return not self._waiting and self._held.total() < self.places

    def end(self, sender: Hashable) -> None:
        self._held[sender] -= 1
        if not self._held[sender]:
            del self._held[sender]
