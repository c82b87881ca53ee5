"""What the rules look at, and what a finding says."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import ROUND_DOWN, Decimal
from functools import reduce
from operator import add
from typing import Protocol

from tokentra.lib import money
from usage.rows import Tokens

PLACES = Decimal("1e-12")
ZERO = Decimal(0)
TIMES = "\N{MULTIPLICATION SIGN}"

Model = tuple[str, str]  # provider, model


class Price(Protocol):
    def __call__(self, provider: str, model: str, tokens: Tokens, *, batch: bool = False) -> Decimal | None:
        """Dollars for these tokens today, as calls of ordinary length; None when the book has no rate."""


@dataclass(frozen=True, slots=True)
class DayUse:
    """What one key asked of one model on one day: the finest grain at which calls look alike."""

    day: date
    provider: str
    model: str
    tokens: Tokens
    requests: int | None
    project: str = ""
    api_key: str = ""
    batch: bool = False

    @property
    def about(self) -> Model:
        return self.provider, self.model


@dataclass(frozen=True, slots=True)
class HourUse:
    start: datetime
    provider: str
    model: str
    tokens: int

    @property
    def about(self) -> Model:
        return self.provider, self.model


@dataclass(frozen=True, slots=True)
class Evidence:
    """A period's use and what it cost: `spend` is what counts for each model, in dollars."""

    start: date
    end: date
    days: tuple[DayUse, ...]
    hours: tuple[HourUse, ...]
    spend: Mapping[Model, Decimal]

    @property
    def length(self) -> int:
        return (self.end - self.start).days

    def by_model(self, price: Price) -> Iterable[tuple[Model, tuple[DayUse, ...], Decimal]]:
        """Models that cost something, dearest first, with their use that is no batch work, and its spend."""
        for about, spend in sorted(self.spend.items(), key=lambda item: (-item[1], item[0])):
            mine = [use for use in self.days if use.about == about]
            uses = tuple(use for use in mine if not use.batch)
            batched = tokens_of(use for use in mine if use.batch)
            waiting = price(*about, batched, batch=True) if batched.total else ZERO
            rest = price(*about, tokens_of(uses)) if uses else None
            if spend > 0 and rest and waiting is not None:
                yield about, uses, part(spend, rest / (rest + waiting))


@dataclass(frozen=True, slots=True)
class Fact:
    """One figure behind a finding; `kind` names the filter that writes it."""

    label: str
    value: Decimal | int | str
    kind: str = "text"  # or "dollars", "tokens", "exact", "percent"


@dataclass(frozen=True, slots=True)
class Finding:
    rule: str
    provider: str
    model: str
    title: str
    summary: str
    facts: tuple[Fact, ...]
    low: Decimal
    high: Decimal
    affected: Decimal  # the spend that the saving is a part of
    spend: Decimal  # what the model cost in the period, batch work apart
    confidence: str  # "low", "medium", "high"
    why_confidence: str
    formula: str

    @property
    def id(self) -> str:
        return f"{self.rule}-{self.provider}-{self.model}"


def tokens_of(uses: Iterable[DayUse]) -> Tokens:
    return reduce(add, (use.tokens for use in uses), Tokens())


def prompt_tokens(tokens: Tokens) -> int:
    """Everything that was sent to the model, cached or not."""
    return tokens.total - tokens.output - tokens.audio_out - tokens.image_out


def requests_of(uses: Iterable[DayUse]) -> int:
    return sum(use.requests or 0 for use in uses)


def part(spend: Decimal, share: Decimal) -> Decimal:
    """A share of a spend, rounded down and never outside of it."""
    return (spend * min(max(share, ZERO), Decimal(1))).quantize(PLACES, ROUND_DOWN)


def arithmetic(affected: Decimal, what: str, cheaper: Decimal, shares: tuple[Decimal, Decimal], done: str) -> str:
    """How both ends of a range come about, with every number in it."""
    low, high = (part(affected, cheaper * share) for share in shares)
    return (
        f"{money.dollars(affected)} spent on {what} {TIMES} {money.percent(cheaper)} lower price {TIMES} "
        f"{money.percent(shares[0])} to {money.percent(shares[1])} of it {done} "
        f"= {money.dollars(low)} to {money.dollars(high)}."
    )


def days_seen(count: int) -> str:
    return f"{count} {'day' if count == 1 else 'days'}"
