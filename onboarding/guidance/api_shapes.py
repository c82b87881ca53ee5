"""Bodies of the guidance routes, exactly as programs send and read them."""

from typing import Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from accounts.api_shapes import Camel, Strict
from onboarding.guidance import tips, tours, unlocks
from providers.connectors import CONNECTORS


class ChecklistItem(Camel):
    id: str
    title: str
    description: str
    icon: str
    completed: bool
    completion_event: str
    action_url: str
    action_label: str
    priority: int
    category: str
    optional: bool


class ChecklistAnswer(Camel):
    items: list[ChecklistItem]
    completed_count: int
    total_count: int
    percent_complete: int


class UnlockedFeature(Camel):
    id: str
    name: str
    celebration_message: str
    next_steps: list[str]


class EventAnswer(Camel):
    success: Literal[True] = True
    unlocked_features: list[UnlockedFeature]


class EventBody(Strict):
    event_name: str = Field(max_length=60)
    event_data: dict[str, Any] | None = None


# what may stand in `eventData`, by event


class Nothing(Strict):
    """These events say all by their name."""


def known(value: str, among: object, what: str) -> str:
    names = sorted(among)  # type: ignore[call-overload]  # a mapping or a set of names
    if value not in names:
        raise ValueError(f"There is no {what} of this name. There are: {', '.join(names)}.")
    return value


class OfTour(Strict):
    tour_id: str = Field(max_length=40)

    @field_validator("tour_id")
    @classmethod
    def is_known(cls, value: str) -> str:
        return known(value, tours.BY_ID, "tour")


class OfStep(OfTour):
    step_id: str = Field(max_length=40)

    @model_validator(mode="after")
    def is_of_tour(self) -> Self:
        known(self.step_id, tours.BY_ID[self.tour_id].step_ids, "step of this tour")
        return self


class OfTip(Strict):
    tooltip_id: str = Field(max_length=40)

    @field_validator("tooltip_id")
    @classmethod
    def is_known(cls, value: str) -> str:
        return known(value, tips.BY_ID, "tooltip")


class OfFeature(Strict):
    feature_id: str = Field(max_length=40)

    @field_validator("feature_id")
    @classmethod
    def is_known(cls, value: str) -> str:
        return known(value, unlocks.BY_ID, "feature")


class OfProvider(Strict):
    provider: str | None = Field(None, max_length=40)

    @field_validator("provider")
    @classmethod
    def is_known(cls, value: str | None) -> str | None:
        return value if value is None else known(value, CONNECTORS, "provider")


class OfLanguage(Strict):
    language: str = Field(pattern=r"^[a-z][a-z0-9+#._-]{0,39}$")


class PerhapsOfLanguage(Strict):
    language: str | None = Field(None, pattern=r"^[a-z][a-z0-9+#._-]{0,39}$")
