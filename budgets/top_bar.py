"""What the top bar of every page shows of an organization's budgets: kept for some seconds, as every page asks."""

from functools import partial
from typing import Any

from django.core.cache import cache
from django.db.transaction import on_commit

from accounts.models import Organization
from tokentra.lib.tenancy import name_within

KEPT = 20  # seconds


def kept(organization: Organization) -> dict[str, Any] | None:
    """None when it has to be looked up."""
    found: dict[str, Any] | None = cache.get(name(organization))
    return found


def keep(organization: Organization, shown: dict[str, Any]) -> None:
    cache.set(name(organization), shown, KEPT)


def forget(organization: Organization) -> None:
    """A budget was made or changed; once that is committed, the next page shows it."""
    on_commit(partial(cache.delete, name(organization)), robust=True)


def name(organization: Organization) -> str:
    return name_within(organization.pk, "budget-progress")
