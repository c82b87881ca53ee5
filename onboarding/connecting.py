"""Which providers the connect step offers, and in which order."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from onboarding.questions import AI_PROVIDERS, OTHER
from providers.connectors import CONNECTORS
from providers.connectors.base import Connector


@dataclass(frozen=True, slots=True)
class Offers:
    """`unreadable` are the names of those that a company uses and nobody can connect here."""

    recommended: tuple[Connector, ...]
    others: tuple[Connector, ...]
    unreadable: tuple[str, ...]

    def __iter__(self) -> Iterator[Connector]:
        yield from self.recommended
        yield from self.others


def offers(used: Collection[str]) -> Offers:
    """Those that a company said it uses come first, in its own order."""
    recommended = tuple(CONNECTORS[name] for name in used if name in CONNECTORS)
    others = tuple(each for each in CONNECTORS.values() if each not in recommended)
    unreadable = tuple(AI_PROVIDERS.label_of(name) for name in used if name not in {*CONNECTORS, OTHER})
    return Offers(recommended, others, unreadable)
