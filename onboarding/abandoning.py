"""A questionnaire that somebody began and left: a closed tab says nothing, a quiet day does."""

from datetime import datetime, timedelta

from accounts import journal, milestones
from accounts.journal import Event
from accounts.models import Membership
from onboarding import answers
from onboarding.journeys import Travel
from onboarding.models import Journey

QUIET = timedelta(hours=24)


def look(membership: Membership, *, now: datetime) -> datetime | None:
    """Note once that it was left, and at which step; answers when to look again.

    Whoever comes back later goes on where they were. The note stays: `active_at` after `abandoned_at` tells of both.
    """
    mine = Journey.objects.owned_by(membership.organization).filter(user=membership.user)
    journey = mine.select_for_update().first()
    if journey is None or journey.is_over or journey.questionnaire_completed_at or journey.abandoned_at:
        return None
    if now < journey.active_at + QUIET:
        return journey.active_at + QUIET
    travel = Travel(journey, membership, answers.company_of(membership.organization))
    if has_begun(journey) and not travel.is_questionnaire_complete:
        mine.update(abandoned_at=now)
        journal.record_once(Event.QUESTIONNAIRE_ABANDONED, membership.user, travel.organization, step=travel.position)
    return None


def has_begun(journey: Journey) -> bool:
    """Whether a question was seen or answered; programs may have a journey without either."""
    was_seen = milestones.is_reached(Event.QUESTIONNAIRE_STARTED, journey.user, journey.organization)
    return was_seen or bool(journey.done_steps or journey.skipped_steps)
