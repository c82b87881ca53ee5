"""Reservations that no event came for go once their ten minutes are over; the audit log says how many."""

import logging
import time
from uuid import UUID
from zoneinfo import ZoneInfo

from django.utils import timezone

from accounts.models import Organization
from budgets import rooms
from budgets.calls import Place
from budgets.models import Budget
from budgets.reserved import Reservation, Room
from budgets.rules.periods import span_of
from budgets.standing import approved, limit_of, parts_of, with_parts
from tokentra.lib.tenancy import as_sweep, organization_scope

log = logging.getLogger(__name__)

BUDGETED = 15.0  # seconds that one task may take


def sweep_due() -> bool:
    """As many organizations as a step has time for; whether any is left."""
    began = time.monotonic()
    with as_sweep():
        due = list(Reservation.objects.due().order_by().values_list("organization_id", flat=True).distinct())
    for organization_id in due:
        if time.monotonic() - began > BUDGETED:
            return True
        try:
            sweep(organization_id)
        except Exception:
            log.exception("reservations of %s could not be swept", organization_id)
    return False


def sweep(organization_id: UUID) -> int:
    """How many expired; those whose event came meanwhile are settled."""
    with organization_scope(organization_id, up_to_date=False):
        organization = Organization.objects.get(pk=organization_id)
        now = timezone.now()
        due = Reservation.objects.owned_by(organization).due().values("room")
        held = list(Room.objects.owned_by(organization).filter(pk__in=due))
        mine = Budget.objects.owned_by(organization).filter(pk__in={each.budget_id for each in held})
        budgets = {each.pk: each for each in with_parts(mine)}
        raises = approved(organization, now)
        wanted = {}
        for room in held:
            budget = budgets[room.budget_id]
            span = span_of(room.first_day, ZoneInfo(organization.timezone), budget.rule)
            limit, _ = limit_of(budget, room.value, parts_of(budget), raises, now)
            wanted[Place(budget, room.value, span, room.pk)] = limit
    return rooms.refresh(organization_id, wanted, now) if wanted else 0
