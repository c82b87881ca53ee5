"""What the help page offers one person: what can be done again, and what has become useful or waits."""

from dataclasses import dataclass

from onboarding.guidance import tours, unlocks
from onboarding.guidance.guide import Guide
from onboarding.guidance.seen import Kind
from onboarding.guidance.tours import Tour
from onboarding.guidance.unlocks import Feature


@dataclass(frozen=True, slots=True)
class Standing:
    """A feature, and whether it is useful by now."""

    feature: Feature
    is_useful: bool


class Help:
    def __init__(self, guide: Guide) -> None:
        self.guide = guide

    @property
    def tours(self) -> list[tuple[Tour, bool]]:
        """Each with whether it has something to show, of one's own or of the sample."""
        return [(tour, tour.is_due(self.guide.facts)) for tour in tours.TOURS]

    @property
    def features(self) -> list[Standing]:
        is_sample = self.guide.organization.is_sample
        return [Standing(feature, is_sample or feature.id in self.guide.useful) for feature in unlocks.FEATURES]

    @property
    def total(self) -> str:
        return str(self.guide.checklist.total_count)

    @property
    def dismissed_tips(self) -> int:
        return sum(kind == Kind.TOOLTIP for kind, _ in self.guide.seen)
