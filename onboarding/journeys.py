"""A person's way through onboarding: begin, answer, skip, come back, arrive. Each step is stored as it is taken."""

from datetime import datetime
from typing import Any

from django.conf import settings
from django.utils import timezone

from accounts import journal, organizations
from accounts.journal import Event
from accounts.models import Membership, Organization, User
from accounts.permissions import Permission
from onboarding import answers, sales, segments, steps
from onboarding.models import CompanyAnswers, Journey
from onboarding.questions import BY_KEY, Question, Screen
from onboarding.steps import DASHBOARD, SDK, Came, Traveller
from providers.models import Connection


class Travel:
    """A journey with all that its steps depend on, read once inside the organization's scope."""

    def __init__(self, journey: Journey, membership: Membership, company: CompanyAnswers) -> None:
        self.journey, self.membership, self.company = journey, membership, company
        self.organization: Organization = membership.organization
        self.user: User = membership.user
        self.is_connected = Connection.objects.owned_by(self.organization).active().exists()

    @property
    def may_have_figures(self) -> bool:
        """By a connection, also by one that ended and left its figures."""
        return self.is_connected or Connection.objects.owned_by(self.organization).exists()

    @property
    def manages(self) -> bool:
        """Writing company answers, inviting and connecting go together: owners and admins."""
        return self.membership.may(Permission.MANAGE_SETTINGS)

    @property
    def traveller(self) -> Traveller:
        return Traveller(
            came=Came(self.journey.came),
            path=segments.Path(self.journey.path),
            manages=self.manages,
            has_sales=has_sales(),
            is_solo=self.company.company_size == "solo",
            is_connected=self.is_connected,
        )

    @property
    def values(self) -> dict[str, Any]:
        return answers.read(self.journey, self.company)

    @property
    def position(self) -> str:
        return steps.resume(self.traveller, self.dealt_with)

    @property
    def dealt_with(self) -> set[str]:
        return {*self.journey.done_steps, *self.journey.skipped_steps}

    def asked(self, screen: Screen) -> tuple[Question, ...]:
        return steps.asked(self.traveller, screen.questions)

    @property
    def is_questionnaire_complete(self) -> bool:
        """Every screen that is theirs was answered, handed in or skipped."""
        values = self.values
        screens = [screen for screen in BY_KEY.values() if self.asked(screen)]
        return all(each.key in self.dealt_with or answers.is_answered(self.asked(each), values) for each in screens)

    @property
    def open_screen(self) -> Screen | None:
        """The first screen with a question of theirs that has no answer; without such a one their first screen."""
        values = self.values
        screens = [screen for screen in BY_KEY.values() if self.asked(screen)]
        unanswered = (each for each in screens if not answers.is_answered(self.asked(each), values))
        return next(unanswered, screens[0] if screens else None)


def of(membership: Membership, *, now: datetime | None = None) -> Travel:
    """This person's journey here, begun when there is none, and held for this transaction with the company's answers.

    Two who write at once write one after the other, so that neither takes back what the other said.
    """
    organization, user = membership.organization, membership.user
    mine = Journey.objects.owned_by(organization).filter(user=user).select_for_update(no_key=True, of=("self",))
    journey = mine.first()
    if journey is None:
        begin(membership, now=now or timezone.now())
        journey = mine.get()
    return Travel(journey, membership, answers.held_company_of(organization))


def look(membership: Membership, *, now: datetime) -> Travel:
    """The same without beginning one: a journey that is not stored stands at its first step."""
    organization, user = membership.organization, membership.user
    journey = Journey.objects.owned_by(organization).filter(user=user).first()
    if journey is None:
        journey = Journey(organization=organization, user=user, **first_values(membership, now=now))
    return Travel(journey, membership, answers.company_of(organization))


def begin(membership: Membership, *, now: datetime) -> Journey:
    """Two tabs that begin at once get the same journey."""
    journey, is_new = Journey.objects.get_or_create(
        organization=membership.organization,
        user=membership.user,
        defaults=first_values(membership, now=now),
    )
    if is_new:
        membership.look_soon(now)
    return journey


def first_values(membership: Membership, *, now: datetime) -> dict[str, Any]:
    placed = segments.place(segments.Answers(), has_sales=has_sales())
    return {
        "came": came_of(membership),
        "step": next(iter(BY_KEY)),
        "path": placed.path,
        "rule_version": segments.VERSION,
        "started_at": now,
        "active_at": now,
    }


def came_of(membership: Membership) -> Came:
    if membership.is_invitee:
        return Came.INVITED
    first = organizations.memberships(membership.user)[0]
    return Came.FOUNDED if first.pk == membership.pk else Came.ANOTHER


def has_sales() -> bool:
    return bool(settings.SALES_CONTACT_URL)


def open_screen(travel: Travel, *, now: datetime) -> None:
    """Somebody looks at a question: the questionnaire has begun."""
    if journal.record_once(Event.QUESTIONNAIRE_STARTED, travel.user, travel.organization):
        travel.membership.look_soon(now)
    moved(travel, now=now)


def answer(travel: Travel, screen: Screen, given: answers.Values, *, now: datetime) -> str:
    """Store a screen's answers and go on; returns the next step. Handing in nothing at all is skipping."""
    write(travel, given)
    if not any(given.get(question.name) for question in screen.questions):
        return skip(travel, screen.key, now=now)
    return note_answered(travel, screen, now=now)


def write(travel: Travel, given: answers.Values) -> None:
    """Store answers and let segment and path follow them. The caller knows whose they are to give."""
    answers.write(travel.journey, travel.company, given, by=travel.user)
    place_anew(travel)


def note_answered(travel: Travel, screen: Screen, *, now: datetime) -> str:
    """A screen was handed in; returns the next step."""
    deal_with(travel, screen.key, "done_steps", "skipped_steps")
    journal.record(Event.QUESTIONNAIRE_STEP_COMPLETED, travel.user, travel.organization, step=screen.key)
    return go_on(travel, after=screen.key, now=now)


def skip(travel: Travel, step: str, *, now: datetime) -> str:
    """Pass by a step, recorded as such; earlier answers stay. Returns the next step."""
    deal_with(travel, step, "skipped_steps", "done_steps")
    if step in BY_KEY:
        journal.record(Event.QUESTIONNAIRE_STEP_SKIPPED, travel.user, travel.organization, step=step)
    if step == SDK:
        journal.record(Event.SDK_SETUP_SKIPPED, travel.user, travel.organization)
    return go_on(travel, after=step, now=now)


def deal_with(travel: Travel, step: str, into: str, out_of: str) -> None:
    journey = travel.journey
    setattr(journey, into, [*(key for key in getattr(journey, into) if key != step), step])
    setattr(journey, out_of, [key for key in getattr(journey, out_of) if key != step])


def go_on(travel: Travel, *, after: str, now: datetime) -> str:
    """The step that follows for somebody who goes through them in order."""
    place = steps.place(travel.traveller, after)
    moved(travel, now=now)
    return place.after if place else travel.position


def moved(travel: Travel, *, now: datetime) -> None:
    journey = travel.journey
    journey.active_at = now
    if journey.questionnaire_completed_at is None and travel.is_questionnaire_complete:
        journey.questionnaire_completed_at = now
        said = {"segment": journey.segment or None, "path": journey.path}
        journal.record_once(Event.QUESTIONNAIRE_COMPLETED, travel.user, travel.organization, **said)
    if not journey.is_over:  # else answers change, and nothing begins again
        journey.step = travel.position
        journey.finished_at = now if journey.step == DASHBOARD else None
    journey.save()


def place_anew(travel: Travel) -> None:
    """Segment, path and tier follow the answers, with what they were derived from."""
    journey, company = travel.journey, travel.company
    told = segments.Answers(company.company_size, journey.user_role, company.monthly_ai_spend, sorted(journey.goals))
    placed = segments.place(told, has_sales=has_sales(), sales_from=settings.SALES_SPEND_FROM)
    is_new_lead = placed.path is segments.Path.SALES_ASSISTED and journey.path != placed.path
    journey.segment, journey.path = placed.segment or "", placed.path
    journey.spend_tier, journey.rule_version = placed.tier or "", segments.VERSION
    journey.rule_inputs = {
        "size": told.size,
        "role": told.role,
        "spend": told.spend,
        "goals": list(told.goals),
        "has_sales": has_sales(),
        "sales_from": settings.SALES_SPEND_FROM,
    }
    if is_new_lead:
        sales.led_here(journey, company, travel.organization, travel.user)


def passed(travel: Travel, step: str, *, now: datetime) -> str:
    """A step that asks nothing has done its work: they carried on, or connected. Returns the next step."""
    deal_with(travel, step, "done_steps", "skipped_steps")
    return go_on(travel, after=step, now=now)


def dismiss(travel: Travel, *, now: datetime) -> None:
    """Leave the way for good; what is left can be answered in the settings and from the checklist."""
    if not travel.journey.is_over:
        travel.journey.dismissed_at = now
    moved(travel, now=now)
