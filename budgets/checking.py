"""The check before a call: its budgets are found, what it may cost is reserved, and the verdict says why.

Settling needs nothing of whoever stores events: a reservation counts until an event of its id is found among those
that are stored, or until its ten minutes are over. Both are looked for when what was spent is read anew, by a check
that finds it older than `FRESH`, or by the sweep.
"""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from functools import partial
from uuid import UUID

from budgets import calls, knowing, rooms
from budgets.calls import Call, Estimate, Place
from budgets.models import Mode
from budgets.rooms import Found, Wanted
from budgets.rules import thresholds, throttling
from tokentra.lib import chaos
from tokentra.lib.problems import Problem
from tokentra.lib.tenancy import name_within

ZERO = Decimal(0)
FRESH = 2.5  # seconds after which a check reads what was spent anew, or up to a second later
AGAIN = 1.0  # the same before it refuses
TRIES = 3


class Verdict(StrEnum):
    ALLOW = "allow"
    WARN = "warn"
    BLOCK = "block"


@dataclass(frozen=True, slots=True)
class State:
    """How one budget stands, what the call may take of it, None where nobody knows, and what that leads to."""

    place: Place
    limit: Decimal
    spent: Decimal
    amount: Decimal | None
    reserved: Decimal = ZERO  # by calls under way, this one included
    over: Decimal = ZERO
    full_since: datetime | None = None
    is_refused: bool = False

    @property
    def used(self) -> Decimal:
        return self.spent + self.reserved

    @property
    def is_reached(self) -> bool:
        return self.used >= self.limit

    @property
    def is_near(self) -> bool:
        """The last threshold below the limit is reached, or the limit."""
        below = [each for each in self.place.budget.thresholds if each < 100]
        return self.used >= thresholds.amount_at(max(below, default=100), self.limit)

    @property
    def delay(self) -> int:
        """Milliseconds."""
        return throttling.delay_of(self.used, self.limit) if self.place.budget.mode == Mode.THROTTLE else 0


@dataclass(frozen=True, slots=True)
class Answer:
    verdict: Verdict
    estimate: Estimate
    whom: str
    states: list[State] = field(default_factory=list)
    reservation: str | None = None
    prompt_limit: int | None = None  # where the prompt is longer

    @property
    def refusing(self) -> State | None:
        """The budget that begins anew last, of those that refuse."""
        refusing = [each for each in self.states if each.is_refused]
        return max(refusing, key=lambda each: each.place.span.end, default=None)

    @property
    def delay(self) -> int:
        return max((each.delay for each in self.states), default=0)


def check(organization_id: UUID, call: Call, *, key_id: UUID, now: datetime) -> Answer:
    """Reserve what the call may cost in every budget that blocks or slows it, or in none."""
    known = knowing.known_of(organization_id, now)
    estimate = calls.estimate(call, known.prices, now)
    if known.prompt_limit and calls.prompt_tokens(call) > known.prompt_limit:
        return Answer(Verdict.BLOCK, estimate, known.whom, prompt_limit=known.prompt_limit)
    places = calls.places(call, known.budgets, key_id=key_id, place=partial(known.place, now))
    ref, name = calls.identity(call)
    wanted = [
        Wanted(
            each,
            known.limit(each, now),
            estimate.amount(each.budget.unit) or ZERO,
            each.budget.mode == Mode.BLOCK,
        )
        for each in places
        if each.budget.mode != Mode.NOTIFY
    ]
    found = held(organization_id, ref, wanted, now) if wanted else {}
    notify = [each for each in places if each.budget.mode == Mode.NOTIFY]
    told = knowing.spent_of(organization_id, known, notify, now) if notify else {}
    is_refused = any(each.blocks and not found[each.place.room_id].fits for each in wanted)
    states = [state_of(each, found[each.place.room_id], estimate, is_refused=is_refused) for each in wanted]
    states += [
        State(place, known.limit(place, now), spent, estimate.amount(place.budget.unit))
        for place, spent in told.items()
    ]
    if is_refused:
        return Answer(Verdict.BLOCK, estimate, known.whom, states)
    is_unsure = any(each.blocks and estimate.amount(each.place.budget.unit) is None for each in wanted)
    verdict = Verdict.WARN if is_unsure or any(each.is_near for each in states) else Verdict.ALLOW
    return Answer(verdict, estimate, known.whom, states, name if wanted else None)


def held(organization_id: UUID, ref: UUID, wanted: list[Wanted], now: datetime) -> dict[UUID, Found]:
    """What the rooms answered, from figures that are new enough."""
    found = reserved(organization_id, ref, wanted)
    turn = knowing.turn(name_within(organization_id, "rooms"))
    if is_to_read(found):
        with turn.taken():
            for _ in range(TRIES):
                found = reserved(organization_id, ref, wanted)  # whoever had the turn before may have read it
                if not is_to_read(found):
                    break
                read_anew(organization_id, wanted, now)
            else:
                found = reserved(organization_id, ref, wanted)
        if not all(each.is_fresh for each in found.values()):
            raise Problem(503, "busy", "Nobody can say yet what was spent. Ask again.", headers={"Retry-After": "1"})
    elif is_older(found, FRESH + turn.lag):
        with turn.taken(waits=False) as is_ours:
            if is_ours:
                read_anew(organization_id, wanted, now)
    return found


def is_to_read(found: dict[UUID, Found]) -> bool:
    """Before anything is reserved, or refused, by it."""
    is_full = not all(each.fits for each in found.values())
    return not all(each.is_fresh for each in found.values()) or (is_full and is_older(found, AGAIN))


def is_older(found: dict[UUID, Found], seconds: float) -> bool:
    return any(each.age > seconds for each in found.values())


def reserved(organization_id: UUID, ref: UUID, wanted: list[Wanted]) -> dict[UUID, Found]:
    chaos.point("check.before_commit")  # what begins here ends in the database, whoever waits for it
    found = rooms.reserve(organization_id, ref, wanted)
    chaos.point("check.after_commit")
    return found


def read_anew(organization_id: UUID, wanted: list[Wanted], now: datetime) -> None:
    rooms.refresh(organization_id, {each.place: each.limit for each in wanted}, now)


def state_of(wanted: Wanted, found: Found, estimate: Estimate, *, is_refused: bool) -> State:
    takes = ZERO if is_refused else max(wanted.amount - found.held, ZERO)
    return State(
        wanted.place,
        wanted.limit,
        found.spent,
        estimate.amount(wanted.place.budget.unit),
        found.reserved + takes,
        found.over,
        found.full_since,
        is_refused=wanted.blocks and not found.fits,
    )
