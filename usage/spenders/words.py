"""What the dimensions of measured events are called on screen and in addresses."""

from dataclasses import dataclass
from urllib.parse import urlencode

from django.http import QueryDict
from django.urls import reverse
from django.utils.text import Truncator

from usage.forms import Segment
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
        return within(self.one)

    @property
    def many_within(self) -> str:
        return within(self.many)


def within(words: str) -> str:
    """Words of a heading as they stand inside of a sentence; what is written in capitals stays so."""
    return words if words[:2].isupper() else words[0].lower() + words[1:]


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
    "api_key": Word("API key", "API keys", ""),  # said by the header of each request
}


LONGEST = 32  # that has room beside others on a phone


def short(words: str) -> str:
    return Truncator(words).chars(LONGEST)


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


def views(current: str, query: str) -> list[Segment]:
    """The two tables of usage: what counts, and what was measured."""
    known = {
        "counted": ("What counts", "usage:explorer"),
        "measured": ("Measured by your code", "usage:explorer_of_measured"),
    }
    return [Segment(label, f"{reverse(view)}?{query}", name == current) for name, (label, view) in known.items()]


def measured_rows(query: QueryDict) -> str:
    """Where the rows of a question about measured calls are; nothing for another question."""
    if query.get("ledger") != "measured":
        return ""
    names = ("period", "from", "to", "group", *WORDS, *(name for name in query if name.startswith(TAG)))
    asked = [(name, value) for name in names for value in query.getlist(name)]
    rest = urlencode([(name, value) for name, value in asked if value and "\x00" not in value])
    return f"{reverse('usage:explorer_of_measured')}?{rest}" if rest else reverse("usage:explorer_of_measured")
