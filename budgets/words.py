"""Budgets in words: whose they are, how often they begin anew, how much they allow."""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal

from budgets import scopes
from budgets.asked import Raise
from budgets.models import Budget, Unit
from budgets.rules.periods import Every
from tokentra.lib import money
from usage.names import Names

EVERY = {
    Every.DAY: "Daily",
    Every.WEEK: "Weekly, from Monday",
    Every.MONTH: "Monthly",
    Every.QUARTER: "Quarterly",
    Every.CUSTOM: "From a day of your choice",
}
WHOLE = "Whole organization"


def period(budget: Budget) -> str:
    """`Monthly`; `Every 2 months from the 15th`."""
    if budget.every != Every.CUSTOM or budget.anchor is None:
        return EVERY[Every(budget.every)].split(",")[0]
    often = "Every month" if budget.months == 1 else f"Every {budget.months} months"
    return f"{often} from the {ordinal(budget.anchor)}"


def ordinal(day: date) -> str:
    number = day.day
    ending = "th" if 10 <= number % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


def whose(budget: Budget, names: Names) -> str:
    """`Whole organization`; `Customer Globex and model gpt-5`; `Each user of Research`."""
    parts = list(spelled(budget.scope, names))
    if budget.each:
        parts.insert(0, f"Each {scopes.label(budget.each).lower()}")
    if budget.department:
        parts.append(f"department {budget.department.name}" if parts else f"Department {budget.department.name}")
    return ", ".join(parts) or WHOLE


def spelled(scope: Mapping[str, Sequence[str]], names: Names) -> list[str]:
    return [f"{scopes.label(dimension)} {listed(values, dimension, names)}" for dimension, values in scope.items()]


def listed(values: Sequence[str], dimension: str, names: Names) -> str:
    shown = [names.shown(dimension, value) for value in values]
    return (
        shown[0] if len(shown) == 1 else f"{', '.join(shown[:2])}{f' and {len(shown) - 2} more' if shown[2:] else ''}"
    )


def of_value(raised: Raise, names: Names) -> str:
    """Whose limit a request is about; "" where the budget is one limit."""
    return names.shown(raised.budget.each, raised.value) if raised.value else ""


def amount(value: Decimal, unit: str) -> str:
    """`$100.00`, `12.3M tokens`."""
    return money.dollars(value) if unit == Unit.USD else f"{money.tokens(value)} tokens"


def exact(value: Decimal, unit: str) -> str:
    return money.exact_dollars(value) if unit == Unit.USD else f"{money.exact(value)} tokens"
