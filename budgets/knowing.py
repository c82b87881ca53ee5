"""What a process keeps of an organization's budgets for some seconds, so that most checks ask for it once."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from random import random
from threading import Lock
from uuid import UUID
from zoneinfo import ZoneInfo

from accounts.models import Membership, Organization
from accounts.permissions import ALLOWED, Permission
from budgets import rooms
from budgets.calls import Place, place_of
from budgets.models import Budget, PromptLimit
from budgets.rules.periods import span_at
from budgets.standing import Raises, approved, limit_of, loaded, parts_of, scope_of
from tokentra.lib.tenancy import name_within, organization_scope
from usage.measuring import tracking
from usage.measuring.prices import PriceTable

KNOWN_FOR = 5.0  # seconds: so late a changed budget holds, and so old is the standing of one that only notifies
RENEWED_AT = 3.0  # and up to a second later, so that processes that began together do not go on together
MOST_ASKED_AGAIN = 100  # budgets, or values of one, that only notify
MOST_KNOWN = 1_000
MOST_NAMED = 3


class Turn:
    """Whose turn it is among the threads of a process. `lag` is how much longer than others, in seconds, it waits.

    Whoever had the turn draws anew, and of several processes that wait for the same figures mostly one reads them.
    """

    def __init__(self) -> None:
        self.lock = Lock()
        self.lag = random()  # noqa: S311  # nothing secret

    @contextmanager
    def taken(self, *, waits: bool = True) -> Iterator[bool]:
        """Yields whether it is ours: always, unless nobody `waits` for it."""
        is_ours = self.lock.acquire(blocking=waits)
        try:
            yield is_ours
        finally:
            if is_ours:
                self.lag = random()  # noqa: S311  # nothing secret
                self.lock.release()


@dataclass
class Known:
    """Budgets with their scopes, limits and whom to ask. `spent` and `found` fill up with what is asked for."""

    at: float
    zone: ZoneInfo
    budgets: list[tuple[Budget, Mapping[str, list[str]]]]
    parts: Mapping[UUID, Mapping[str, Decimal]]
    raises: Raises
    prompt_limit: int | None
    approvers: list[str]
    prices: PriceTable
    spent: dict[Place, Decimal] = field(default_factory=dict)
    found: dict[tuple[UUID, str], Place] = field(default_factory=dict)

    def place(self, now: datetime, budget: Budget, value: str) -> Place:
        """In the period that goes on."""
        found = self.found.get((budget.pk, value))
        if found is None or not found.span.holds(now):
            found = place_of(budget, value, span_at(now, self.zone, budget.rule))
            self.found[budget.pk, value] = found
        return found

    def same(self, before: "Known", now: datetime) -> list[Place]:
        """What was asked for of the budgets as they were."""
        budgets = {each.pk: each for each, _ in self.budgets}
        return [
            self.place(now, budgets[each.budget.pk], each.value) for each in before.spent if each.budget.pk in budgets
        ]

    def limit(self, place: Place, now: datetime) -> Decimal:
        return limit_of(place.budget, place.value, self.parts[place.budget.pk], self.raises, now)[0]

    @property
    def whom(self) -> str:
        return " or ".join(self.approvers) if self.approvers else "an owner"


_known: dict[str, Known] = {}
_turns: dict[str, Turn] = {}


def forget() -> None:
    """So that what was changed holds at once."""
    _known.clear()
    _turns.clear()


def known_of(organization_id: UUID, now: datetime) -> Known:
    """At most KNOWN_FOR seconds old. Somewhat before that one reads it anew while the others go by what is known; of
    those who find nothing, one reads and the others wait for it."""
    name = name_within(organization_id, "check")
    mine, found = turn(name), young(name)
    if found is None:
        with mine.taken():
            return young(name) or renewed(organization_id, name, now)
    if time.monotonic() - found.at > RENEWED_AT + mine.lag:
        with mine.taken(waits=False) as is_ours:
            if is_ours and _known.get(name) is found:
                return renewed(organization_id, name, now, before=found)
    return found


def renewed(organization_id: UUID, name: str, now: datetime, *, before: Known | None = None) -> Known:
    with organization_scope(organization_id, up_to_date=False):
        found = read(organization_id, now)
    if before:
        spent_of(organization_id, found, found.same(before, now)[:MOST_ASKED_AGAIN], now)
    if len(_known) >= MOST_KNOWN:
        _known.clear()
    _known[name] = found
    return found


def young(name: str) -> Known | None:
    found = _known.get(name)
    return found if found and time.monotonic() - found.at < KNOWN_FOR else None


def turn(name: str) -> Turn:
    if len(_turns) >= MOST_KNOWN * 2:
        _turns.clear()
    return _turns.get(name) or _turns.setdefault(name, Turn())


def read(organization_id: UUID, now: datetime) -> Known:
    at = time.monotonic()
    organization = Organization.objects.get(pk=organization_id)
    budgets = loaded(organization)
    limit = PromptLimit.objects.owned_by(organization).values_list("tokens", flat=True).first()
    may = Membership.objects.filter(organization=organization, role__in=ALLOWED[Permission.APPROVE_BUDGET])
    people = may.select_related("user").order_by("created_at")
    return Known(
        at,
        ZoneInfo(organization.timezone),
        [(each, scope_of(each)) for each in budgets],
        {each.pk: parts_of(each) for each in budgets},
        approved(organization, now),
        limit,
        [each.user.full_name for each in people if each.user.full_name][:MOST_NAMED],
        tracking.known_of(organization_id).prices,
    )


def spent_of(organization_id: UUID, known: Known, places: list[Place], now: datetime) -> dict[Place, Decimal]:
    """Of budgets in which nothing is reserved."""
    missing = [each for each in places if each not in known.spent]
    if missing:
        with organization_scope(organization_id):
            known.spent.update(zip(missing, rooms.spent(organization_id, missing, now), strict=True))
    return {each: known.spent[each] for each in places}
