"""What the dimensions of measured events are called on screen and in addresses."""

from dataclasses import dataclass
from urllib.parse import urlencode

from django.http import QueryDict
from django.urls import reverse

from usage.measured import TAG


@dataclass(frozen=True, slots=True)
class Word:
    """`field` is how a sender says it; `view` is the page of one value, where it has one."""

    one: str
    many: str
    field: str
    view: str = ""

    @property
    def one_within(self) -> str:
        """Inside of a sentence."""
        return self.one[0].lower() + self.one[1:]

    @property
    def many_within(self) -> str:
        return self.many[0].lower() + self.many[1:]


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


def word_of(dimension: str) -> Word:
    """Of a dimension or a tag that is summed."""
    if dimension.startswith(TAG):
        tag = dimension.removeprefix(TAG)
        return Word(f"Value of {tag}", f"Values of {tag}", f"tags.{tag}")
    return WORDS[dimension]


def href(dimension: str, value: str, query: str = "") -> str:
    """The page of one value, in the same period."""
    view = word_of(dimension).view
    path = reverse(view, args=[value]) if view else reverse("usage:measured_value", args=[dimension, value])
    return f"{path}?{query}" if query else path


def measured_rows(query: QueryDict) -> tuple[str, list[str]]:
    """Where the rows of a question about measured calls are, or why there are none; nothing for another question."""
    if query.get("ledger") != "measured":
        return "", []
    groups = [name for name in query.getlist("group") if name in WORDS]
    given = [(name, str(query.get(name, ""))) for name in WORDS]
    filters = [(name, value) for name, value in given if value and "\x00" not in value]
    period = urlencode([(name, query[name]) for name in ("period", "from", "to") if name in query])
    if len({*groups}) > 1 or len(filters) > 1 or (groups and filters):
        return "", ["Measured calls are listed by one dimension at a time. /api/usage/stats answers by two of them."]
    if filters:
        return href(*filters[0], period), []
    path = reverse("usage:measured", args=[groups[0] if groups else "customer"])
    return f"{path}?{period}" if period else path, []
