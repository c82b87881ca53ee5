"""Following up: whoever is due to be looked at, one transaction each, however many workers look."""

import logging
from datetime import datetime, timedelta
from time import monotonic
from uuid import UUID

from django.utils import timezone

from accounts.models import Membership
from onboarding import abandoning, nudges
from tokentra.lib import chaos
from tokentra.lib.tenancy import as_sweep, organization_scope

log = logging.getLogger(__name__)

STEP = 10  # seconds: a task is a short step, the next one goes on
AT_ONCE = 500
PAUSE = timedelta(hours=1)  # before a look that failed is tried again


def follow_up_due(*, now: datetime | None = None) -> int:
    """Look at everybody who is due, for a few seconds; returns at how many."""
    now, until, looked = now or timezone.now(), monotonic() + STEP, 0
    for organization, membership in due(now):
        if monotonic() > until:
            break
        try:
            looked += follow_up(organization, membership, now=now)
        except Exception:  # one that fails must not keep the others waiting
            log.exception("following up on membership %s failed", membership)
            put_off(organization, membership, until=now + PAUSE)
    return looked


def due(now: datetime) -> list[tuple[UUID, UUID]]:
    """(organization, membership) of everybody to look at, the longest due first."""
    with as_sweep():
        marks = Membership.objects.filter(look_at__lte=now).order_by("look_at")
        return list(marks.values_list("organization_id", "pk")[:AT_ONCE])


def follow_up(organization: UUID, membership: UUID, *, now: datetime) -> bool:
    """Do what is due about one person; False when somebody else does, or did. The mark moves with the work."""
    with organization_scope(organization):
        mine = Membership.objects.filter(organization_id=organization, pk=membership, look_at__lte=now)
        held = mine.select_related("organization", "user").select_for_update(of=("self",), skip_locked=True).first()
        if held is None:
            return False
        looks = [] if held.organization.is_sample else [abandoning.look(held, now=now), nudges.look(held, now=now)]
        held.look_at = min((at for at in looks if at), default=None)
        held.save(update_fields=["look_at"])
        chaos.point("follow.before_commit")
    chaos.point("follow.after_commit")
    return True


def put_off(organization: UUID, membership: UUID, *, until: datetime) -> None:
    with organization_scope(organization):
        Membership.objects.filter(organization_id=organization, pk=membership).update(look_at=until)
