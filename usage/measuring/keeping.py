"""For how long events are kept one by one: each organization says, and the week goes when nobody wants it any more."""

import logging
from datetime import date
from uuid import UUID

from django.db import OperationalError, connection
from django.db.backends.utils import CursorWrapper
from django.db.models import Max

from accounts.models import Organization
from accounts.retention import kept_from
from tokentra.lib.tenancy import name_within, organization_scope
from usage import partitions
from usage.measured import Event
from usage.measuring import catching_up
from usage.measuring.transactions import ALONE, together

log = logging.getLogger(__name__)

KEPT = "kept events"  # who makes sums of events anew holds this lock together, and who forgets events holds it alone
HOLD = f"SELECT FROM {together('%s')}"
FIRST_WAITING = "SELECT min(day) FROM usage_waiting, unnest(days) AS day WHERE organization_id = %s"


def hold(cursor: CursorWrapper, organization_id: UUID) -> None:
    """No event of the organization is forgotten until the transaction ends; those who send some go on meanwhile."""
    cursor.execute(HOLD, [name_within(organization_id, KEPT)])


def drop_weeks(today: date) -> int:
    """Drop the weeks that no organization wants; answers how many.

    One that is in use, or of which something waits to be added up, is left for the next time.
    """
    longest = Organization.objects.aggregate(most=Max("event_days"))["most"] or 0
    wanted = kept_from(today, longest)
    waiting = min((day for each in catching_up.due() if (day := first_waiting(each))), default=wanted)
    if waiting < wanted:
        log.warning("events of %s are not added up yet: their week is kept", waiting)
    dropped = 0
    for monday in partitions.weeks(partitions.EVENTS):
        if monday + partitions.WEEK > min(wanted, waiting):
            break
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT usage_drop_events(%s)", [monday])
                dropped += cursor.fetchone()[0]
        except OperationalError:  # somebody reads or writes it: the lock was not waited for
            break
    return dropped


def first_waiting(organization_id: UUID) -> date | None:
    """The oldest day of its events that wait to be added up."""
    with organization_scope(organization_id, up_to_date=False), connection.cursor() as cursor:
        cursor.execute(FIRST_WAITING, [organization_id])
        found: date | None = cursor.fetchone()[0]
        return found


def forget_a_day(organization_id: UUID, today: date) -> bool:
    """Delete the oldest day of an organization's events that it does not keep; answers whether there was one.

    What they added up to stays.
    """
    with organization_scope(organization_id), connection.cursor() as cursor:
        cursor.execute(ALONE, [name_within(organization_id, KEPT)])
        organization = Organization.objects.filter(pk=organization_id).first()
        if organization is None:  # it was deleted meanwhile
            return False
        old = Event.objects.filter(organization_id=organization_id, day__lt=kept_from(today, organization.event_days))
        oldest = old.order_by("day").values_list("day", flat=True).first()
        if oldest is None:
            return False
        old.filter(day=oldest).delete()
        return True
