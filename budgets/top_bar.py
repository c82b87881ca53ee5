"""What the top bar of every page shows of an organization's budgets: kept for some seconds, as every page asks."""

from functools import partial
from typing import Any
from uuid import uuid4

from django.core.cache import cache
from django.db.transaction import on_commit

from accounts.models import Organization
from tokentra.lib.tenancy import name_within

KEPT = 20  # seconds
LOOKUP = 600  # seconds; no lookup takes longer


def turn(organization: Organization) -> str:
    """Ask for it before looking anything up: what was looked up before a change is kept where nobody asks any more."""
    found: str = cache.get(name(organization, "turn"), "")
    return found


def kept(organization: Organization, turn: str) -> dict[str, Any] | None:
    """None when it has to be looked up."""
    found: dict[str, Any] | None = cache.get(name(organization, turn))
    return found


def keep(organization: Organization, turn: str, shown: dict[str, Any]) -> None:
    cache.set(name(organization, turn), shown, KEPT)


def forget(organization: Organization) -> None:
    """A budget was made or changed; once that is committed, the next page shows it."""
    on_commit(partial(cache.set, name(organization, "turn"), uuid4().hex, KEPT + LOOKUP), robust=True)


def name(organization: Organization, of: str) -> str:
    return name_within(organization.pk, "budget-progress", of)
