"""How much of its figures an organization sees by its plan: how far back, and by which dimensions."""

from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

from django.http import QueryDict

from accounts import entitlement
from accounts.models import Organization
from accounts.plans import Feature
from tokentra.lib.periods import DAY, PRESETS, Period, period
from usage import forms
from usage.forms import Lens

BASIC = ("provider", "model")


def look(query: QueryDict, organization: Organization, now: datetime, *extra: str) -> Lens:
    """What the address asks for, as far as the plan shows it. `now` may be what the clock of a zone shows."""
    return cut(forms.look(query, now, *extra), organization, now)


def cut(lens: Lens, organization: Organization, now: datetime) -> Lens:
    """A period that reaches further back begins where the plan does, and says so."""
    first = first_day(organization, now.date())
    if first is None or lens.period.first_day >= first:
        return lens
    asked = lens.period
    begin = datetime.combine(first, time.min, UTC)
    days = (now.date() - first).days + 1
    seen = Period(begin, asked.end) if asked.end > begin else Period(begin, begin + days * DAY)
    named = next((preset.key for preset in PRESETS if preset.days == days), "")
    if named and seen == replace(period(named, now), preset="custom"):
        seen = period(named, now)
    return replace(lens, period=seen, typed=(None, None), cut=days)


def first_day(organization: Organization, today: date) -> date | None:
    """The first day that is shown; None for all of them."""
    days = entitlement.standing_of(organization).history_days
    return None if days is None else today - timedelta(days=days - 1)


def offered(organization: Organization, names: Iterable[str]) -> tuple[str, ...]:
    """Those of these dimensions that the plan has."""
    every = organization.can(Feature.EVERY_DIMENSION)
    return tuple(name for name in names if every or name in BASIC)


def refuse_others(organization: Organization, asked: Collection[str], known: Iterable[str]) -> None:
    """Raises NotInPlan where one of the `known` dimensions is asked for that the plan does not have."""
    if {*asked} & {*known} - {*BASIC}:
        organization.require(Feature.EVERY_DIMENSION)
