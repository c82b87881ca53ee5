"""Many counts in one number: adding such numbers adds each count, in Postgres as in Python. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Packing:
    """How many counts there are, the first in the lowest places, and the decimal places of each."""

    counts: int
    places: int

    @property
    def digits(self) -> int:
        return self.counts * self.places

    @property
    def weights(self) -> list[str]:
        """What one of each count adds to the number, as SQL and Decimal read it."""
        return [f"1e{number * self.places}" for number in range(self.counts)]

    def unpacked(self, number: Decimal | int | None) -> list[int]:
        return list(self._unpacked(int(number or 0)))

    def _unpacked(self, left: int) -> Iterator[int]:
        for _ in range(self.counts):
            left, count = divmod(left, 10**self.places)
            yield count
