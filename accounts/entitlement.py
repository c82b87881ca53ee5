"""What an organization may do by its plan: asked inside workflows, which raise when it may not."""

from datetime import datetime
from typing import TYPE_CHECKING

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.utils import timezone

from accounts.plans import LINE_OF, Feature, Standing, Switch, in_force, least

if TYPE_CHECKING:
    from accounts.models import Organization


class NotInPlan(PermissionDenied):
    """The page that says what and why, or 403 over JSON. `feature` was asked for where `standing` holds."""

    def __init__(self, feature: Feature, standing: Standing, organization: str) -> None:
        self.feature, self.standing, self.organization = feature, standing, organization
        super().__init__(f"{self.what} {self.why}")

    @property
    def is_switched_off(self) -> bool:
        return self.standing.is_switched_off(self.feature)

    @property
    def what(self) -> str:
        line, plan = LINE_OF[self.feature], least(self.feature)
        if self.is_switched_off:
            return f"{line.label} is switched off on this installation."
        return f"{line.label}: the plan {plan} has {line.words(plan)}."

    @property
    def why(self) -> str:
        if self.is_switched_off:
            return "Whoever operates it decides that for everybody, whatever the plan."
        held = LINE_OF[self.feature].words(self.standing.plan)
        return f"{self.organization} has the plan {self.standing.plan}, with {held}."


def standing_of(organization: "Organization", now: datetime | None = None) -> Standing:
    """A sample workspace shows everything there is."""
    now = now or timezone.now()
    ends = organization.trial_ends_at
    plan = in_force(organization.plan, ends, now)
    on_trial = plan != organization.plan
    return Standing(
        plan,
        is_enforced=settings.PLANS_ENFORCED and not organization.is_sample,
        switched_off=frozenset(switch for switch in Switch if not settings.SWITCHES[switch]),
        trial_ends_at=ends if on_trial else None,
    )


def require(organization: "Organization", feature: Feature) -> None:
    """Raises NotInPlan unless the organization may."""
    standing = standing_of(organization)
    if not standing.can(feature):
        raise NotInPlan(feature, standing, organization.name)
