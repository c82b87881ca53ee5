"""Tries what a key may read, one endpoint after the other, and notes what each of them said."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from providers.connectors.base import Check, ConnectorError, Outcome
from providers.connectors.calling import NotEnoughTime

REFUSED = frozenset({Outcome.INVALID_CREDENTIALS, Outcome.WRONG_KEY_KIND})
Found = TypeVar("Found")


@dataclass
class Probes:
    """The essential endpoints come first: once the provider slows us down or time is up, no other is asked."""

    checks: list[Check] = field(default_factory=list)
    failures: list[ConnectorError] = field(default_factory=list)
    is_over: bool = False

    def ask(
        self,
        endpoint: str,
        label: str,
        call: Callable[[], Found],
        *,
        fine: Callable[[Found], str] | None = None,
        required: bool = False,
    ) -> Found | None:
        """What the endpoint answers. A refusal of the key itself is raised while nothing has worked."""
        if self.is_over:
            message = "Not asked yet, there was no time left for it. Its first reading tells."
            self.checks.append(Check(endpoint, label, False, message, Outcome.PROVIDER_DOWN, required))
            return None
        try:
            found = call()
        except ConnectorError as reason:
            if reason.outcome in REFUSED and not any(check.ok for check in self.checks):
                raise
            self.refused(endpoint, label, reason, required=required)
            return None
        self.works(endpoint, label, fine(found) if fine else f"{label} can be read", required=required)
        return found

    def works(self, endpoint: str, label: str, message: str, *, required: bool = False) -> None:
        self.checks.append(Check(endpoint, label, True, message, required=required))

    def refused(self, endpoint: str, label: str, reason: ConnectorError, *, required: bool = False) -> None:
        self.checks.append(Check(endpoint, label, False, reason.message, reason.outcome, required))
        self.failures.append(reason)
        self.is_over = isinstance(reason, NotEnoughTime) or reason.outcome is Outcome.RATE_LIMITED
