"""The corner of a page: the checklist, and at most one thing that asks for attention."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.cache import cache
from django.urls import reverse

from accounts import organizations
from accounts.models import Membership
from onboarding.guidance import attention, seen, tips, tours
from onboarding.guidance.attention import Kind as Asks
from onboarding.guidance.guide import DASHBOARD, Guide, Step
from onboarding.guidance.seen import CHECKLIST, Kind, State
from onboarding.guidance.tips import Tip
from onboarding.guidance.tours import Tour
from onboarding.models import Journey, Seen
from onboarding.segments import Path
from tokentra.lib.tenancy import name_within, organization_scope
from usage import optimization

HELP = "guidance:help"
# pages on which somebody is in the middle of something: nothing lies over them, and nothing is used up there
BUSY = frozenset(
    {
        *("providers:connect", "providers:ask", "providers:key", "providers:disconnect"),
        *("sdk_keys:new", "sdk_keys:replace", "sdk_keys:troubleshooting"),
        *("accounts:email", "accounts:security", "accounts:team_member"),
        *("usage:own_prices", "usage:new_own_price"),
        *("accounts:delete_account", "accounts:delete_organization"),
    }
)
OVER = {State.COMPLETED, State.SKIPPED, State.DISMISSED}
NOTHING_FOUND = 3600  # seconds until savings are looked for again, for a tip about them


@dataclass(frozen=True, slots=True)
class TourShown:
    tour: Tour
    starts: bool  # by itself; otherwise it is offered
    is_wanted: bool = False

    @property
    def steps(self) -> list[dict[str, Any]]:
        return [
            {"id": step.id, "target": step.target, "title": step.title, "content": step.content, "side": step.side,
             "wide": step.wide}
            for step in self.tour.steps
        ]  # fmt: skip


@dataclass(frozen=True, slots=True)
class TipShown:
    tip: Tip
    content: str

    @property
    def href(self) -> str:
        return reverse(self.tip.link.view) if self.tip.link else ""


class Corner:
    """Read inside the organization's scope; `path` is the one of the person's own journey."""

    def __init__(self, guide: Guide, view: str, *, path: Path, toured: list[str]) -> None:
        self.guide, self.view, self.path, self.toured = guide, view, path, toured
        if view == DASHBOARD and not guide.organization.is_sample:
            seen.count_view(guide.membership, DASHBOARD, now=guide.now)
        guide.note_completion()
        self.asks: Asks | None = None
        self.said: Any = None
        self.is_all_set = self.has_launcher = False
        if view in BUSY:
            return
        asks = {
            Asks.WANTED_TOUR: self.wanted_tour,
            Asks.CELEBRATION: lambda: guide.to_celebrate,
            Asks.TOUR: self.tour,
            Asks.TOOLTIP: self.tip,
        }
        if found := attention.first(asks):
            self.asks, self.said = found
        self.is_all_set = self.asks is not Asks.CELEBRATION and self.sets_off()
        self.has_launcher = self.shows_launcher()

    @property
    def is_empty(self) -> bool:
        return not (self.asks or self.is_all_set or self.has_launcher)

    @property
    def next_step(self) -> Step | None:
        """Left out on the page that it leads to."""
        step = self.guide.next_step
        return step if step and step.item.view != self.view else None

    def shows_launcher(self) -> bool:
        guide = self.guide
        if guide.is_checklist_dismissed or guide.checklist.is_complete or self.view == HELP:
            return False
        if (Kind.CARD, CHECKLIST) not in guide.seen:
            seen.mark(guide.membership, Kind.CARD, CHECKLIST, State.STARTED, now=guide.now)
        return True

    def sets_off(self) -> bool:
        """Once, for somebody who had the list and finished it."""
        guide = self.guide
        had_it = (Kind.CARD, CHECKLIST) in guide.seen and not guide.is_checklist_dismissed
        was_told = (Kind.CELEBRATION, CHECKLIST) in guide.seen
        if not had_it or was_told or not guide.checklist.is_complete or not guide.checklist.entries:
            return False
        seen.mark(guide.membership, Kind.CELEBRATION, CHECKLIST, State.COMPLETED, now=guide.now)
        return True

    def wanted_tour(self) -> TourShown | None:
        for tour, held in self.tours():
            if held and held.state == State.ASKED:
                return TourShown(tour, starts=True, is_wanted=True)
        return None

    def tour(self) -> TourShown | None:
        for tour, held in self.tours():
            if tour.id not in self.toured and not (held and held.state in OVER):
                return TourShown(tour, starts=held is None and self.path is Path.GUIDED_TOUR)
        return None

    def tours(self) -> Iterator[tuple[Tour, Seen | None]]:
        """Those of this page, never before there is something to see."""
        for tour in tours.TOURS:
            if tour.view == self.view and tour.is_due(self.guide.facts):
                yield tour, self.guide.seen.get((Kind.TOUR, tour.id))

    def tip(self) -> TipShown | None:
        guide = self.guide
        dismissed = {key for kind, key in guide.seen if kind == Kind.TOOLTIP}
        for tip in tips.waiting(self.view, guide.facts, useful=guide.useful, dismissed=dismissed):
            if not tip.counts_ways:
                return TipShown(tip, tip.content)
            if ways := self.ways():
                return TipShown(tip, tip.content.format(ways=tips.in_words(ways)))
        return None

    def ways(self) -> int:
        """How many savings there really are; where none were found, not looked for again within the hour."""
        name = name_within(self.guide.organization.pk, "no-savings")
        if cache.get(name):
            return 0
        found = len(optimization.look(self.guide.organization, self.guide.now).suggestions)
        if not found:
            cache.set(name, True, NOTHING_FOUND)
        return found


def path_of(membership: Membership, *, now: datetime) -> Path:
    """Where a person's answers lead them; in a sample workspace, those they gave at home. Opens scopes of its own."""
    home: Membership | None = membership
    if membership.organization.is_sample:
        mine = organizations.memberships(membership.user)
        home = next((each for each in mine if not each.organization.is_sample), None)
    if home is None:
        return Path.QUICK_CONNECT
    with organization_scope(home.organization_id):
        journey = Journey.objects.owned_by(home.organization).filter(user=membership.user_id).first()
    return Path(journey.path) if journey else Path.QUICK_CONNECT
