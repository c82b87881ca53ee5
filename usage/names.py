"""The names that providers give to their ids, for pages and files."""

from functools import cached_property
from uuid import UUID

from accounts.models import Organization
from usage.models import Label

PROVIDERS = {"openai": "OpenAI", "anthropic": "Anthropic"}
NAMED = ("project", "api_key", "user")
NOTHING = {
    "model": "No model",
    "project": "No project",
    "api_key": "No API key",
    "user": "No user",
    "service_tier": "Standard",
    "line_item": "Usage",
}


def provider_name(key: str) -> str:
    return PROVIDERS.get(key, key.replace("_", " ").capitalize())


def name_of(organization_id: UUID, dimension: str, value: str) -> str:
    """What a person reads of a single one, inside the scope, for whoever cannot wait for all names."""
    if dimension == "provider":
        return provider_name(value)
    if dimension not in NAMED:
        return value
    mine = Label.objects.filter(organization_id=organization_id, dimension=dimension, value=value).exclude(name="")
    return mine.values_list("name", flat=True).first() or value


class Names:
    """Looks up once, when the first id is asked for."""

    def __init__(self, organization: Organization) -> None:
        self.organization = organization

    @cached_property
    def known(self) -> dict[tuple[str, str], str]:
        labels = Label.objects.owned_by(self.organization).filter(dimension__in=NAMED).exclude(name="")
        return {(label.dimension, label.value): label.name for label in labels.only("dimension", "value", "name")}

    def given(self, dimension: str, value: str) -> str:
        """The provider's name for an id, or ""."""
        return self.known.get((dimension, value), "") if dimension in NAMED and value else ""

    def shown(self, dimension: str, value: object) -> str:
        """What a person reads: the name, else the id, else that there is none."""
        text = str(value)
        if dimension == "provider":
            return provider_name(text)
        if dimension == "batch":
            return "Batch" if value is True or text == "true" else "Not batch"
        return self.given(dimension, text) or text or NOTHING.get(dimension, "None")
