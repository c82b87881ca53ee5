"""How long a prompt may be: one limit for the whole organization, set and lifted in its scope, each time audited."""

from datetime import datetime

from accounts import audit
from accounts.models import Organization, User
from budgets.models import PromptLimit

MOST = 100_000_000  # tokens


def limit_of(organization: Organization) -> PromptLimit | None:
    """None where a prompt may be of any length."""
    return PromptLimit.objects.owned_by(organization).select_related("changed_by").first()


def allow(organization: Organization, tokens: int | None, *, by: User | None, now: datetime) -> None:
    """At most so many; None lifts the limit. Checks go by it within seconds (`knowing.KNOWN_FOR`)."""
    organization.lock()
    mine = PromptLimit.objects.owned_by(organization)
    was = mine.values_list("tokens", flat=True).first()
    if tokens == was:
        return
    if tokens is None:
        mine.delete()
    else:
        PromptLimit.objects.bulk_create(
            [PromptLimit(organization=organization, tokens=tokens, changed_by=by, changed_at=now)],
            update_conflicts=True,
            unique_fields=["organization"],
            update_fields=["tokens", "changed_by", "changed_at"],
        )
    audit.note("prompt_limit_changed", organization, by, tokens=tokens, was=was)
