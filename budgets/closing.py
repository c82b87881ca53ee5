"""An organization is deleted: addresses and secrets of its channels are overwritten at once."""

from django.utils import timezone

from accounts.models import Organization
from budgets.alerting.models import AlertRule
from budgets.channels import sealing
from budgets.channels.models import Channel
from budgets.models import Budget


def end_all(organization: Organization) -> None:
    """Inside the organization's scope."""
    for channel in Channel.objects.owned_by(organization):
        sealing.destroy(channel, now=timezone.now())


def count(organization: Organization) -> list[tuple[int, str, str]]:
    budgets, rules = (model.objects.owned_by(organization).count() for model in (Budget, AlertRule))
    return [(budgets, "budget", "budgets"), (rules, "alert rule", "alert rules")]
