"""How a person dealt with guidance: the latest state of each piece, inside the organization's scope."""

from datetime import datetime

from django.db.models import F

from accounts.models import Membership
from onboarding.models import Seen

Kind, State = Seen.Kind, Seen.State
Key = tuple[str, str]
CHECKLIST = "checklist"
ENOUGH_VIEWS = 3  # nothing depends on more


def all_of(membership: Membership) -> dict[Key, Seen]:
    mine = Seen.objects.owned_by(membership.organization).filter(user=membership.user_id)
    return {(each.kind, each.key): each for each in mine}


def mark(membership: Membership, kind: Seen.Kind, key: str, state: Seen.State, *, now: datetime, **values: int) -> None:
    Seen.objects.update_or_create(
        organization=membership.organization,
        user=membership.user,
        kind=kind,
        key=key,
        defaults={"state": state, "at": now, **values},
    )


def count_view(membership: Membership, page: str, *, now: datetime) -> None:
    """One more look at a page, up to as many as matter."""
    mine = Seen.objects.owned_by(membership.organization).filter(user=membership.user_id, kind=Kind.PAGE, key=page)
    if not mine.filter(times__lt=ENOUGH_VIEWS).update(times=F("times") + 1, at=now):
        values = {"state": State.STARTED, "at": now, "times": 1}
        Seen.objects.get_or_create(
            organization=membership.organization, user=membership.user, kind=Kind.PAGE, key=page, defaults=values
        )


def forget(membership: Membership, kind: Seen.Kind) -> None:
    """As if no piece of this kind had been shown; the journal keeps what happened."""
    Seen.objects.owned_by(membership.organization).filter(user=membership.user_id, kind=kind).delete()
