"""Of whom a budget can be: which dimensions each ledger tells apart, alone and together. Pure."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from usage.figures import NARROW
from usage.measured import TAG
from usage.measuring.dimensions import DIMENSIONS, dimension_of

COUNTED, MEASURED = "counted", "measured"
PROVIDER = "provider"
OF_LEDGER: dict[str, tuple[str, ...]] = {
    COUNTED: (PROVIDER, *NARROW),
    MEASURED: tuple(each.name for each in DIMENSIONS if each.name != "all"),
}
LABELS = {
    "provider": "Provider",
    "model": "Model",
    "project": "Project",
    "api_key": "API key",
    "user": "User",
    "service_tier": "Service tier",
    "customer": "Customer",
    "feature": "Feature",
    "team": "Team",
    "agent": "Agent",
    "prompt": "Prompt",
    "tool": "Tool",
    "environment": "Environment",
    "cost_center": "Cost centre",
}
MOST_VALUES = 50  # of one dimension
LONGEST_VALUE = 256


class BadScope(ValueError):
    """No figures are kept of this; the text says of what they are."""


@dataclass(frozen=True, slots=True)
class Where:
    """Where the figures of a scope are kept. `by` is the dimension that another one is crossed with."""

    table: str  # hours, days or measured
    dimension: str = ""
    by: str = ""


def where(ledger: str, dimensions: Collection[str]) -> Where:
    """Raises BadScope for what no table tells apart."""
    unknown = [name for name in dimensions if not is_known(ledger, name)]
    if unknown:
        raise BadScope(f"{label(unknown[0])} is nothing that {IN_WORDS[ledger]} says.")
    if ledger == COUNTED:
        narrow = [name for name in dimensions if name != PROVIDER]
        return Where("hours", narrow[0] if narrow else "model") if len(narrow) <= 1 else Where("days")
    match sorted(dimensions):
        case []:
            return Where("measured", "all")
        case [one]:
            return Where("measured", one)
        case [one, other]:
            for first, second in ((one, other), (other, one)):
                if second in dimension_of(first).crossed_with:
                    return Where("measured", first, second)
    raise BadScope(TOGETHER)


IN_WORDS = {COUNTED: "a bill or a provider's usage", MEASURED: "your code"}
TOGETHER = (
    "Calls are added up by one of these, by one and the model, or by customer and feature, or agent and tool. "
    "Choose one of those combinations."
)


def is_known(ledger: str, name: str) -> bool:
    return name in OF_LEDGER[ledger] or (ledger == MEASURED and name.startswith(TAG) and len(name) > len(TAG))


def label(dimension: str) -> str:
    return f"Tag {dimension.removeprefix(TAG)}" if dimension.startswith(TAG) else LABELS.get(dimension, dimension)


def narrowed(scope: Mapping[str, Collection[str]], dimension: str, values: Collection[str]) -> dict[str, list[str]]:
    """A scope within some values of a dimension; those that both allow, where it names the dimension itself."""
    held = scope.get(dimension)
    left = sorted(set(values) & set(held)) if held is not None else sorted(values)
    return {**{name: sorted(each) for name, each in scope.items()}, dimension: left}
