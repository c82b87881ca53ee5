"""What of usage goes with an organization that is deleted."""

from uuid import UUID

from django.db.models import Sum

from accounts import closing
from accounts.models import Organization
from usage.facts import OwnedFact
from usage.measured import MeasuredDay, Waiting
from usage.models import UsageRecord


def count(organization: Organization) -> list[tuple[int, str, str]]:
    """Inside the organization's scope."""
    rows = UsageRecord.objects.filter(organization_id=organization.pk).count()
    measured = MeasuredDay.objects.owned_by(organization).of("all").aggregate(calls=Sum("calls"))
    return [
        (rows, "row of usage and bills", "rows of usage and bills"),
        (measured["calls"] or 0, "call that your code measured", "calls that your code measured"),
    ]


def forget_late(organization_id: UUID) -> bool:
    """Some of what was stored after the organization was gone, by whoever did not know it; True when more may be left.

    The mark goes last.
    """
    facts = [model for model in closing.owned() if issubclass(model, OwnedFact)]  # the database refuses all others
    facts.sort(key=lambda model: model is Waiting)
    return any(closing.delete_some(organization_id, model) for model in facts)
