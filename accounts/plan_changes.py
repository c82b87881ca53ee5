"""Staff change what plan an organization has; its audit log says so."""

from datetime import datetime
from uuid import UUID

from accounts import audit
from accounts.models import Organization, User
from accounts.plans import Plan
from tokentra.lib.tenancy import organization_scope


def change(organization_id: UUID, plan: Plan, trial_ends_at: datetime | None, *, by: User) -> bool:
    """False where nothing differs. Nothing is deleted on a smaller plan: what it hides is shown again on a larger one.

    Opens the organization's scope.
    """
    with organization_scope(organization_id):
        organization = Organization.objects.select_for_update(no_key=True).get(pk=organization_id)
        before = told(organization)
        organization.plan, organization.trial_ends_at = plan.value, trial_ends_at
        after = told(organization)
        if after == before:
            return False
        organization.save(update_fields=["plan", "trial_ends_at"])
        audit.note("plan_changed", organization, by, about=organization, before=before, after=after, staff=True)
    return True


def told(organization: Organization) -> dict[str, str | None]:
    ends = organization.trial_ends_at
    return {"plan": str(organization.plan), "trial_ends_at": ends.isoformat() if ends else None}
