"""Forty people with known ways from sign-up to first data, made by the product's own workflows at set times."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import time_machine
from django.utils import timezone

from accounts import invitations, journal, presence, signup
from accounts.journal import Event
from accounts.models import Membership, Organization, User, Visit
from accounts.permissions import Role
from onboarding import journeys
from onboarding.questions import BY_KEY
from onboarding.steps import CONNECT, SDK
from tests.make import PASSWORD
from tokentra.lib.tenancy import organization_scope

NOW = datetime(2026, 3, 31, 12, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)

STARTUP = {"company_size": "2-10", "user_role": "engineering"}
FINOPS = {"company_size": "51-200", "user_role": "finops_finance"}
AGENCY = {"company_size": "2-10", "user_role": "founder_ceo", "goals": ["client_billing"]}


@dataclass(frozen=True)
class Way:
    """Times are counted from the sign-up; None means never."""

    name: str
    people: int
    signup: datetime
    utm: str = ""
    referrer: str = ""
    answers: dict | None = None  # the whole questionnaire, at `questionnaire`
    questionnaire: timedelta | None = None
    opens: timedelta | None = None  # only looks at the first question
    leaves: timedelta | None = None  # skips all of it
    offers: timedelta | None = None
    connects: timedelta | None = None
    data: timedelta | None = None
    optimizes: timedelta | None = None
    finishes: timedelta | None = None
    seen: timedelta = HOUR


def march(day: int, hour: int = 9) -> datetime:
    return datetime(2026, 3, day, hour, tzinfo=UTC)


WAYS = (
    Way("a", 8, march(2), utm="ProductHunt", answers=STARTUP, questionnaire=3 * MINUTE, offers=4 * MINUTE,
        connects=4 * MINUTE, finishes=5 * MINUTE, data=8 * MINUTE, optimizes=HOUR, seen=10 * DAY),
    Way("b", 4, march(3, 10), referrer="https://www.news.example/today", answers=FINOPS, questionnaire=5 * MINUTE,
        connects=30 * MINUTE, finishes=31 * MINUTE, data=60 * MINUTE, seen=2 * DAY),
    Way("c", 4, march(10, 8), leaves=MINUTE, connects=2 * DAY, data=2 * DAY + HOUR, seen=9 * DAY),
    Way("d", 5, march(11), answers=STARTUP, questionnaire=10 * MINUTE, offers=12 * MINUTE),
    Way("e", 4, march(17), opens=MINUTE),
    Way("f", 3, march(18), utm="producthunt", answers=FINOPS, questionnaire=6 * MINUTE, connects=20 * MINUTE,
        finishes=21 * MINUTE, seen=NOW - DAY - march(18)),
    Way("g", 2, march(25, 12), seen=timedelta(0)),
    Way("h", 2, march(31, 0), utm="producthunt", answers=STARTUP, questionnaire=2 * MINUTE, connects=3 * MINUTE,
        finishes=4 * MINUTE, data=6 * MINUTE),
    Way("i", 2, march(4), answers=AGENCY, questionnaire=MINUTE, data=5 * MINUTE, connects=15 * MINUTE,
        finishes=16 * MINUTE, seen=7 * DAY),
    Way("j", 1, march(5), data=5 * MINUTE),
)  # fmt: skip
BEFORE = Way("early", 1, datetime(2026, 2, 27, 9, tzinfo=UTC), connects=MINUTE, data=2 * MINUTE)
STAFF = Way("staff", 1, march(6), connects=MINUTE, data=2 * MINUTE)
SAMPLE = Way("sample", 1, march(7), connects=MINUTE, data=2 * MINUTE)


def make_forty() -> None:
    made = {way.name: [make(way, number) for number in range(way.people)] for way in (*WAYS, BEFORE, STAFF, SAMPLE)}
    User.objects.filter(pk=made["staff"][0].user_id).update(is_staff=True)
    sample = made["sample"][0]
    with organization_scope(sample.organization_id):
        Organization.objects.filter(pk=sample.organization_id).update(is_sample=True)
    for number in range(2):
        join(made["a"][0], f"invited{number}@forty.example", march(12))


def make(way: Way, number: int) -> Membership:
    with at(way.signup):
        email = f"{way.name}{number}@forty.example"
        user, organization = signup.create_person_and_organization(
            email, PASSWORD, f"{way.name} {number}", verified=True, staff=False
        )
        if way.utm or way.referrer:
            Visit.objects.create(first_seen_at=way.signup, utm_source=way.utm, referrer=way.referrer, user=user)
        with organization_scope(organization.pk):
            membership = Membership.objects.select_related("organization", "user").get(user=user)
    for moment, act in sorted(acts(way), key=lambda each: each[0]):
        with at(way.signup + moment), organization_scope(organization.pk):
            act(membership)
    presence.noted(membership, way.signup + way.seen)
    return membership


def acts(way: Way) -> Iterator[tuple[timedelta, object]]:
    if way.answers:
        yield way.questionnaire, lambda membership: answer_all(membership, way.answers)
    if way.opens:
        yield way.opens, lambda membership: journeys.open_screen(journeys.of(membership), now=timezone.now())
    if way.leaves:
        yield way.leaves, lambda membership: journeys.dismiss(journeys.of(membership), now=timezone.now())
    if way.finishes:
        yield way.finishes, pass_by
    for event, moment in (
        (Event.PROVIDER_CONNECTION_STARTED, way.offers),
        (Event.PROVIDER_CONNECTION_COMPLETED, way.connects),
        (Event.DASHBOARD_DATA_LOADED, way.data),
        (Event.OPTIMIZATION_FIRST_VIEW, way.optimizes),
    ):
        if moment:
            yield (
                moment,
                lambda membership, event=event: journal.record(event, membership.user, membership.organization),
            )


def pass_by(membership: Membership) -> None:
    """What is left after the questions."""
    for step in (SDK, CONNECT):
        journeys.skip(journeys.of(membership), step, now=timezone.now())


def answer_all(membership: Membership, answers: dict) -> None:
    for screen in BY_KEY.values():
        travel = journeys.of(membership)
        if asked := travel.asked(screen):
            given = {question.name: answers[question.name] for question in asked if question.name in answers}
            journeys.open_screen(travel, now=timezone.now())
            journeys.answer(travel, screen, given, now=timezone.now())


def join(host: Membership, email: str, moment: datetime) -> None:
    """Somebody signs up through an invitation."""
    from allauth.account.models import EmailAddress

    from accounts.invited import Invitation

    with at(moment):
        with organization_scope(host.organization_id):
            invitations.invite(host.organization, [email], Role.MEMBER, by=host.user)
        user = User.objects.create_user(email, PASSWORD)
        EmailAddress.objects.create(user=user, email=email, verified=True, primary=True)
        with organization_scope(host.organization_id):
            offer = Invitation.objects.get(email=email)
            signup.welcome(user, host.organization_id, signup.Arrival(invitation=offer))


def at(moment: datetime) -> time_machine.travel:
    return time_machine.travel(moment, tick=False)
