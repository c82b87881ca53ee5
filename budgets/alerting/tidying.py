"""Alerts that were over long ago go, with their stories and deliveries."""

from datetime import timedelta

from django.utils import timezone

from accounts.models import Organization
from budgets.alerting.models import Alert, State
from tokentra.lib.tenancy import organization_scope

KEPT = timedelta(days=400)  # over a year, so that the same month can be compared


def tidy() -> None:
    before = timezone.now() - KEPT
    for organization_id in Organization.objects.order_by("pk").values_list("pk", flat=True):
        with organization_scope(organization_id, up_to_date=False):
            Alert.objects.filter(organization_id=organization_id, state=State.RESOLVED, resolved_at__lt=before).delete()
