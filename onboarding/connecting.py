"""Which providers the connect step offers, and in which order."""

from collections.abc import Collection
from dataclasses import dataclass

from providers.connectors import CONNECTORS
from providers.connectors.base import Connector


@dataclass(frozen=True, slots=True)
class Offers:
    recommended: tuple[Connector, ...]
    others: tuple[Connector, ...]


def offers(used: Collection[str]) -> Offers:
    """Those that a company said it uses come first, in its own order."""
    recommended = tuple(CONNECTORS[name] for name in used if name in CONNECTORS)
    others = tuple(each for each in CONNECTORS.values() if each not in recommended)
    return Offers(recommended, others)
