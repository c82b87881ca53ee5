"""Leaves a provider that does not answer alone for a while, for everyone in this process."""

from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock
from time import monotonic

FAILURES = 5  # calls in a row, each already tried several times
COOLING = 30.0  # seconds


@dataclass
class Breaker:
    """Opens after FAILURES in a row; after COOLING one caller may try, and its luck decides for all."""

    clock: Callable[[], float] = monotonic
    failures: int = 0
    opened_at: float | None = None
    is_trying: bool = False
    _lock: Lock = field(default_factory=Lock)

    def admits(self) -> bool:
        with self._lock:
            if self.opened_at is None:
                return True
            if self.is_trying or self.clock() - self.opened_at < COOLING:
                return False
            self.is_trying = True
            return True

    def worked(self) -> None:
        with self._lock:
            self.failures, self.opened_at, self.is_trying = 0, None, False

    def failed(self) -> None:
        with self._lock:
            self.failures += 1
            if self.failures >= FAILURES:  # also after a trial that failed: only success resets the count
                self.opened_at, self.is_trying = self.clock(), False

    def abandoned(self) -> None:
        """The call ended without saying anything about the provider."""
        with self._lock:
            self.is_trying = False


_breakers: dict[str, Breaker] = {}
_registry = Lock()


def breaker_of(name: str) -> Breaker:
    """The one breaker of this name in this process."""
    with _registry:
        return _breakers.setdefault(name, Breaker())


def close_breakers() -> None:
    """Forget every failure, as a new process would."""
    with _registry:
        _breakers.clear()
