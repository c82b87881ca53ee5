"""Reservations that no event came for go once their ten minutes are over, and rooms once their period is."""

import logging
import time
from datetime import datetime, timedelta
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
KEPT = timedelta(days=1)


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


def tidy() -> None:
    """Rooms of periods that ended go; a check that began before may need one for some moments more."""
    before = timezone.now() - KEPT
    for organization_id in Organization.objects.order_by("pk").values_list("pk", flat=True):
        try:
            tidy_one(organization_id, before)
        except Exception:
            log.exception("rooms of %s could not be tidied", organization_id)


def tidy_one(organization_id: UUID, before: datetime) -> None:
    with organization_scope(organization_id, up_to_date=False):
        organization = Organization.objects.get(pk=organization_id)
        empty = Room.objects.owned_by(organization).filter(reserved=0)
        budgets = {each.pk: each for each in Budget.objects.owned_by(organization)}
        for budget_id, first_day in list(empty.order_by().values_list("budget_id", "first_day").distinct()):
            span = span_of(first_day, ZoneInfo(organization.timezone), budgets[budget_id].rule)
            if span.end < before:
                empty.filter(budget_id=budget_id, first_day=first_day, reservations=None).delete()
