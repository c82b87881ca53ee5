"""A call that is about to be made: what its body says, what it may cost, and which budgets it counts against. Pure."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta, Struct

from budgets import scopes
from budgets.models import Budget, Ledger, Unit
from budgets.rules.periods import Span
from tokentra.lib.ids import uuid7
from tokentra.lib.problems import Problem
from usage.measured import TAG
from usage.measuring.prices import PriceTable, in_order
from usage.measuring.providers import known_as
from usage.measuring.reading import Refused, hashed, named, refusal
from usage.measuring.shape import LONGEST_ID, LONGEST_TAG, LONGEST_TEXT, MOST_COST, MOST_TAGS, Name, Sent, Text, Tokens
from usage.measuring.texts import unseparated
from usage.pricing import rounded

# as the sums name them, and as a call does
SAID = {
    "customer": "customer_id",
    "user": "user_id",
    "feature": "feature",
    "team": "team",
    "agent": "agent",
    "prompt": "prompt",
    "tool": "tool",
    "environment": "environment",
    "project": "project",
    "cost_center": "cost_center",
}
SAID_OF_BILLS = ("project", "service_tier")


class Call(Struct, rename="camel", forbid_unknown_fields=True):
    """What a program says before a call; the same names as in the event that it sends afterwards."""

    provider: Name
    model: Name
    id: Annotated[str, Meta(min_length=1, max_length=LONGEST_ID)] | None = None
    estimated_cost: Decimal | None = None
    tokens: Tokens | None = None
    service_tier: Text | None = None
    customer_id: Text | None = None
    user_id: Text | None = None
    feature: Text | None = None
    team: Text | None = None
    agent: Text | None = None
    prompt: Text | None = None
    environment: Text | None = None
    tool: Text | None = None
    project: Text | None = None
    cost_center: Text | None = None
    tags: Annotated[
        dict[Annotated[str, Meta(max_length=LONGEST_TAG)], Annotated[str, Meta(max_length=LONGEST_TEXT)]],
        Meta(max_length=MOST_TAGS),
    ] = {}


NO_TOKENS = Tokens()
decode = msgspec.json.Decoder(Call).decode


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a call may use: dollars and tokens, None where nobody can say; `basis` is given, priced or unknown."""

    cost: Decimal | None
    tokens: Decimal | None
    basis: str

    def amount(self, unit: str) -> Decimal | None:
        return self.cost if unit == Unit.USD else self.tokens


@dataclass(frozen=True, slots=True)
class Place:
    """One budget that a call counts against, in the period that goes on; `value` as in Standing."""

    budget: Budget
    value: str
    span: Span
    room_id: UUID


def place_of(budget: Budget, value: str, span: Span) -> Place:
    """A budget that is counted in something else has another room."""
    return Place(budget, value, span, UUID(hashed(f"{budget.pk} {budget.unit} {span.first_day} {value}".encode())))


def read(body: bytes) -> Call:
    """Raises a Problem: 400 for what is no JSON, 422 for a field that is missing, wrong or not known."""
    try:
        call = decode(body)
        whole = msgspec.json.encode(call)
    except msgspec.ValidationError as wrong:
        raise invalid(refusal(str(wrong))) from None
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        raise Problem(400, "unreadable_json", "Send a JSON object in the body.") from None
    if b"\\u0000" in whole:
        raise Problem(422, "invalid_field", "Leave out the NUL character.")
    if b"\\u001f" in whole:
        as_kept(call)
    if (cost := call.estimated_cost) is not None:
        if not (cost.is_finite() and 0 <= cost <= MOST_COST):
            raise invalid(Refused("invalid_field", f"A cost lies between 0 and {MOST_COST}.", "estimatedCost"))
        call.estimated_cost = rounded(cost).copy_abs()  # a zero may come with a sign
    call.provider, call.model = known_as(call.provider), call.model.strip()
    if not call.provider or not call.model:
        raise invalid(Refused("missing_field", "Send provider and model.", "provider"))
    return call


def as_kept(call: Call) -> None:
    """With names as events keep them."""
    for name in ("provider", "model", "service_tier", *SAID.values()):
        if text := getattr(call, name):
            setattr(call, name, unseparated(text))
    call.tags = {unseparated(name): unseparated(text) for name, text in call.tags.items()}


def invalid(reason: Refused) -> Problem:
    field = reason.field or "body"
    return Problem(422, "invalid_field", str(reason), fields={field: [str(reason)]})


def identity(call: Call) -> tuple[UUID, str]:
    """The id of the event that settles it, and how the program is to write it there."""
    if call.id is None:
        minted = uuid7()
        return minted, str(minted)
    return UUID(named(call.id)[0]), call.id


def estimate(call: Call, prices: PriceTable, now: datetime) -> Estimate:
    counts = sum(in_order(call.tokens)) if call.tokens else 0
    tokens = Decimal(counts) if call.tokens else None
    if call.estimated_cost is not None:
        return Estimate(call.estimated_cost, tokens, "given")
    if counts:
        sent = Sent(call.provider, call.model, tokens=call.tokens, service_tier=call.service_tier)
        price = prices.price(sent, now, {})
        if price.amount is not None:
            return Estimate(price.amount, tokens, "priced")
    return Estimate(None, tokens, "unknown")


def prompt_tokens(call: Call) -> int:
    """What goes in."""
    told = call.tokens or NO_TOKENS
    return sum(in_order(told)) - told.output - told.audio_out - told.image_out


def places(
    call: Call,
    budgets: Sequence[tuple[Budget, Mapping[str, Sequence[str]]]],
    *,
    key_id: UUID,
    place: Callable[[Budget, str], Place],
) -> list[Place]:
    """The budgets whose whole scope the call says; each with the values that it is narrowed to."""
    said: dict[str, Mapping[str, str]] = {}
    found = []
    for budget, scope in budgets:
        mine = said.get(budget.ledger) or said.setdefault(budget.ledger, values_of(call, budget.ledger, key_id))
        if all(mine.get(name) in values for name, values in scope.items()):
            value = mine.get(budget.each, "") if budget.each else ""
            if value or not budget.each:
                found.append(place(budget, value))
    return found


def values_of(call: Call, ledger: str, key_id: UUID) -> dict[str, str]:
    """What the sums will say of the call, by dimension: bare models where bills count, `provider/model` else."""
    if ledger == Ledger.COUNTED:
        told = {name: getattr(call, name) or "" for name in SAID_OF_BILLS}
        return told | {scopes.PROVIDER: call.provider, "model": call.model, "api_key": str(key_id)}
    told = {name: getattr(call, field) or "" for name, field in SAID.items()}
    tags = {f"{TAG}{name}": text for name, text in call.tags.items()}
    return told | tags | {"model": f"{call.provider}/{call.model}", "api_key": str(key_id)}


def can_be_told(ledger: str, dimensions: Iterable[str]) -> bool:
    """Whether a call tells before it is billed that it counts against a budget of these dimensions."""
    if ledger == Ledger.MEASURED:
        return True
    of = set(dimensions)
    return of <= {scopes.PROVIDER, "model"} or of in ({"project"}, {"api_key"})
