"""What every organization watches for from the beginning, until it decides otherwise."""

from datetime import datetime

from accounts.models import Organization
from budgets.alerting.kinds import GIVEN
from budgets.alerting.models import AlertRule


def ensure(organization: Organization, *, now: datetime) -> None:
    """Make those rules once; one that was switched off is there, and stays off."""
    mine = AlertRule.objects.owned_by(organization).filter(is_given=True)
    known = set(mine.values_list("kind", flat=True))
    missing = [kind for kind in GIVEN if kind.id not in known]
    if missing:
        AlertRule.objects.bulk_create(
            [
                AlertRule(
                    organization=organization,
                    kind=kind.id,
                    name=kind.label,
                    severity=kind.severity,
                    is_given=True,
                    created_at=now,
                    changed_at=now,
                )
                for kind in missing
            ],
            ignore_conflicts=True,
        )
