"""What of usage goes with an organization that is deleted."""

from django.db.models import Sum

from accounts.models import Organization
from usage.measured import MeasuredDay
from usage.models import UsageRecord


def count(organization: Organization) -> list[tuple[int, str, str]]:
    """Inside the organization's scope."""
    rows = UsageRecord.objects.filter(organization_id=organization.pk).count()
    measured = MeasuredDay.objects.owned_by(organization).of("all").aggregate(calls=Sum("calls"))
    return [
        (rows, "row of usage and bills", "rows of usage and bills"),
        (measured["calls"] or 0, "call that your code measured", "calls that your code measured"),
    ]
