"""What the dimensions of measured events are called on screen and in addresses."""

from dataclasses import dataclass

from django.urls import reverse


@dataclass(frozen=True, slots=True)
class Word:
    """`field` is how a sender says it; `view` is the page of one value, where it has one."""

    one: str
    many: str
    field: str
    view: str = ""


WORDS = {
    "customer": Word("Customer", "Customers", "customerId", "usage:customer"),
    "feature": Word("Feature", "Features", "feature"),
    "team": Word("Team", "Teams", "team"),
    "agent": Word("Agent", "Agents", "agent", "usage:agent"),
    "user": Word("User", "Users", "userId"),
    "prompt": Word("Prompt", "Prompts", "prompt"),
    "tool": Word("Tool", "Tools", "tool"),
    "environment": Word("Environment", "Environments", "environment"),
    "cost_center": Word("Cost centre", "Cost centres", "costCenter"),
    "project": Word("Project", "Projects", "project"),
    "model": Word("Model", "Models", "model"),
}


def href(dimension: str, value: str, query: str = "") -> str:
    """The page of one value, in the same period."""
    view = WORDS[dimension].view
    path = reverse(view, args=[value]) if view else reverse("usage:measured_value", args=[dimension, value])
    return f"{path}?{query}" if query else path
