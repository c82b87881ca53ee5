"""What keeps figures from coming: apps above say so by registering who knows, and those beside them ask here."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from accounts.models import Organization


@dataclass(frozen=True, slots=True)
class Trouble:
    """`key` tells it from others for as long as it lasts; `path` is where a person can do something."""

    key: str
    title: str
    text: str
    path: str
    needs_a_person: bool


class Knows(Protocol):
    def __call__(self, organization: Organization, *, now: datetime) -> Iterable[Trouble]:
        """Inside the organization's scope."""


_known: list[Knows] = []


def register(knows: Knows) -> Callable[..., Iterable[Trouble]]:
    if knows not in _known:
        _known.append(knows)
    return knows


def of(organization: Organization, *, now: datetime) -> Iterator[Trouble]:
    for knows in _known:
        yield from knows(organization, now=now)
