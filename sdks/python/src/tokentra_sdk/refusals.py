"""Why a call was not made: what a program catches where it asks TokenTra before its calls."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Optional


class CallRefused(Exception):
    """The call was not made, and cost nothing. `str` of it is a sentence for people; `told` is what TokenTra said."""

    def __init__(self, message: str, told: Mapping[str, Any] | None = None) -> None:
        super().__init__(message, dict(told or {}))
        self.message, self.told = message, dict(told or {})

    def __str__(self) -> str:
        return self.message


class BudgetReached(CallRefused):
    """A budget has too little left for the call."""

    @property
    def _refusing(self) -> Mapping[str, Any]:
        """The one that begins anew last."""
        budgets = self.told.get("budgets")
        refusing = [each for each in budgets or () if isinstance(each, Mapping) and each.get("state") == "refuses"]
        return max(refusing, key=lambda each: str(each.get("periodEnd") or ""), default={})

    @property
    def budget(self) -> str:
        return str(self._refusing.get("name") or "")

    @property
    def value(self) -> str:
        """Whose budget, where each customer, user or alike has one; else empty."""
        return str(self._refusing.get("value") or "")

    @property
    def since(self) -> Optional[datetime]:
        """When it was used up; None while only calls under way leave no room for this one."""
        return moment(self._refusing.get("reachedAt"))

    @property
    def until(self) -> Optional[datetime]:
        """When it begins anew."""
        return moment(self._refusing.get("periodEnd"))

    @property
    def ask(self) -> str:
        """Who can allow more."""
        return str(self.told.get("ask") or "")

    @property
    def ask_url(self) -> str:
        return str(self.told.get("askUrl") or "")


class PromptTooLong(CallRefused):
    """The prompt has more tokens than the organization allows."""


class CheckUnavailable(CallRefused):
    """TokenTra could not be asked, and the program chose to make no calls then."""


KINDS: Mapping[str, type[CallRefused]] = {"budget_reached": BudgetReached, "prompt_too_long": PromptTooLong}


def refusal(told: Mapping[str, Any]) -> CallRefused:
    kind = KINDS.get(str(told.get("code")), CallRefused)
    return kind(str(told.get("message") or "TokenTra refused this call."), told)


def moment(said: Any) -> Optional[datetime]:
    try:
        return datetime.fromisoformat(str(said).replace("Z", "+00:00"))
    except ValueError:
        return None
