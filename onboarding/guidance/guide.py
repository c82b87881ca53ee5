"""What guides one person in one organization: facts, checklist, unlocks and what they have seen, read once."""

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from django.urls import NoReverseMatch, reverse

from accounts import journal
from accounts.journal import Event
from accounts.models import Membership
from accounts.permissions import Permission
from onboarding import journeys
from onboarding.guidance import checklist, reading, seen, unlocking, unlocks
from onboarding.guidance.checklist import Checklist, Item, Reader
from onboarding.guidance.conditions import DASHBOARD_VIEWS, Facts, is_over
from onboarding.guidance.seen import CHECKLIST, Key, Kind, State
from onboarding.guidance.unlocks import Feature
from onboarding.journeys import Travel
from onboarding.models import Seen
from onboarding.segments import Path

DASHBOARD = "usage:dashboard"


@dataclass(frozen=True, slots=True)
class Step:
    """An item of the checklist as it is drawn."""

    item: Item
    completed: bool
    priority: int
    href: str


class Guide:
    """Everything in here needs the organization's scope."""

    def __init__(self, membership: Membership, *, now: datetime) -> None:
        self.membership, self.now = membership, now
        self.organization, self.user = membership.organization, membership.user

    @cached_property
    def seen(self) -> dict[Key, Seen]:
        return seen.all_of(self.membership)

    @cached_property
    def facts(self) -> Facts:
        looked = self.seen.get((Kind.PAGE, DASHBOARD))
        counts = {DASHBOARD_VIEWS: looked.times if looked else 0}
        return reading.facts_of(self.organization, self.user, now=self.now, counts=counts)

    @cached_property
    def unlocked_at(self) -> dict[str, datetime]:
        """What has become useful and when; what did so since somebody last looked is recorded now."""
        return unlocking.settle(self.organization, self.facts, unlocking.recorded(self.organization))

    @cached_property
    def useful(self) -> set[str]:
        return unlocks.unlocked(self.facts, self.unlocked_at)

    @property
    def to_celebrate(self) -> list[Feature]:
        """Unlocks that this person has not been told of; who joined later than one is not bothered with it."""
        return [
            unlocks.with_what_is_left(feature, self.unlocked_at)
            for feature in unlocks.FEATURES
            if (at := self.unlocked_at.get(feature.id))
            and at >= self.membership.created_at
            and (Kind.CELEBRATION, feature.id) not in self.seen
            and not is_over(feature.condition, self.facts)
        ]

    @cached_property
    def travel(self) -> Travel:
        return journeys.look(self.membership, now=self.now)

    @cached_property
    def checklist(self) -> Checklist:
        """Empty in a sample workspace, where there is nothing to set up."""
        if self.organization.is_sample:
            return Checklist(())
        return checklist.of(self.reader, self.facts, [item for item in checklist.ITEMS if leads_somewhere(item)])

    @property
    def reader(self) -> Reader:
        return Reader(
            path=Path(self.travel.journey.path),
            goals=self.travel.journey.goals,
            may=frozenset(each for each in Permission if self.membership.may(each)),
            is_asked=self.travel.open_screen is not None,
            is_solo=self.travel.traveller.is_solo,
        )

    @property
    def steps(self) -> list[Step]:
        return [
            Step(entry.item, entry.completed, entry.priority, self.href(entry.item)) for entry in self.checklist.entries
        ]

    @property
    def next_step(self) -> Step | None:
        entry = self.checklist.next
        return next((step for step in self.steps if entry and step.item is entry.item), None)

    def href(self, item: Item) -> str:
        """Completing a profile begins at the first question without an answer."""
        screen = self.travel.open_screen
        return reverse(f"onboarding:{screen.key}" if item.id == "complete_profile" and screen else item.view)

    @property
    def is_checklist_dismissed(self) -> bool:
        held = self.seen.get((Kind.CARD, CHECKLIST))
        return held is not None and held.state == State.DISMISSED

    def note_completion(self) -> None:
        """A list that is done is in the journal once for each person."""
        if self.checklist.entries and self.checklist.is_complete:
            journal.record_once(Event.CHECKLIST_FULLY_COMPLETED, self.user, self.organization)


def leads_somewhere(item: Item) -> bool:
    """An item is offered when its page is there, like an entry of the sidebar."""
    try:
        reverse(item.view)
    except NoReverseMatch:
        return False
    return True
