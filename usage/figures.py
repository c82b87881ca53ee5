"""What can be asked of the rollups and what comes back: a question, and the figures of one group. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from tokentra.lib.periods import Period
from usage.rows import TOKEN_CLASSES, Tokens

ZERO = Decimal(0)
TIMES = ("hour", "day", "week", "month")
NARROW = ("model", "project", "api_key", "user", "service_tier")  # each has a rollup of its own
CROSSED = (*NARROW, "batch", "line_item")
EVERYWHERE = ("provider", "connection")
DIMENSIONS = (*EVERYWHERE, *CROSSED)
LEDGERS = ("counted", "billed", "computed", "measured")
NO_TOKENS = Tokens()


@dataclass(frozen=True)
class Question:
    """`order` names measures or keys, "-" for descending; keys follow by themselves, so that pages are stable.

    `without` are values of dimensions that are left out.
    """

    period: Period
    group_by: tuple[str, ...] = ()
    filters: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    ledger: str = "counted"
    order: str = ""
    without: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def dimensions(self) -> tuple[str, ...]:
        named = {*self.group_by, *self.filters, *self.without}
        return tuple(name for name in CROSSED if name in named)

    @property
    def answered_by(self) -> str:
        """A bill belongs to a day: by the hour, what counts is usage at the prices of the book, or measured."""
        return "hourly" if self.by_hour and self.ledger == "counted" else self.ledger

    @property
    def by_hour(self) -> bool:
        return "hour" in self.group_by or not self.period.is_whole_days


@dataclass(frozen=True)
class Figures:
    """One group's sums. `requests` is None when nobody says; `requests_partly` when somebody does not.

    `silent` names the providers that do not, where the sums are of everything that was asked for.
    `partly_priced` counts measured calls with a price that leaves units of theirs out, `tokenless` those without a
    price of which no tokens are known.
    """

    keys: dict[str, Any] = field(default_factory=dict)
    cost: Decimal = ZERO
    other_currencies: dict[str, Decimal] = field(default_factory=dict)
    tokens: Tokens = NO_TOKENS
    requests: int | None = None
    requests_partly: bool = False
    silent: tuple[str, ...] = ()
    units: dict[str, Decimal] = field(default_factory=dict)
    unpriced_tokens: int = 0
    partly_priced: int = 0
    tokenless: int = 0
    billed: Decimal = ZERO
    computed: Decimal = ZERO
    measured: Decimal = ZERO

    def __add__(self, other: "Figures") -> "Figures":
        known = [each.requests for each in (self, other) if each.requests is not None]
        return Figures(
            keys={name: value for name, value in self.keys.items() if other.keys.get(name) == value},
            cost=self.cost + other.cost,
            other_currencies=added(self.other_currencies, other.other_currencies),
            tokens=self.tokens + other.tokens,
            requests=sum(known) if known else None,
            requests_partly=self.requests_partly or other.requests_partly,
            silent=tuple(sorted({*self.silent, *other.silent})),
            units=added(self.units, other.units),
            unpriced_tokens=self.unpriced_tokens + other.unpriced_tokens,
            partly_priced=self.partly_priced + other.partly_priced,
            tokenless=self.tokenless + other.tokenless,
            billed=self.billed + other.billed,
            computed=self.computed + other.computed,
            measured=self.measured + other.measured,
        )

    @property
    def known(self) -> Decimal | None:
        """The cost where there is one: None where all that was used has no price, or one in another currency."""
        leaves_out = self.unpriced_tokens or self.partly_priced or self.tokenless or self.other_currencies
        return self.cost if self.cost or not leaves_out else None

    @property
    def is_empty(self) -> bool:
        return not (self.cost or self.other_currencies or self.tokens.total or self.requests or self.units)


def added(one: dict[str, Decimal], other: dict[str, Decimal]) -> dict[str, Decimal]:
    if not other:  # as mostly, and there may be thousands of the others
        return one
    return {name: one.get(name, ZERO) + other.get(name, ZERO) for name in sorted({*one, *other})}


class Whole:
    """Adds up figures one by one; what thousands of them count by names of their own is added up in place."""

    def __init__(self) -> None:
        self._sums = Figures()
        self._others: dict[str, Decimal] = {}
        self._units: dict[str, Decimal] = {}

    def add(self, each: Figures) -> None:
        for held, told in ((self._others, each.other_currencies), (self._units, each.units)):
            for name, amount in told.items():
                held[name] = held.get(name, ZERO) + amount
        self._sums += replace(each, other_currencies={}, units={})

    @property
    def total(self) -> Figures:
        return replace(
            self._sums, other_currencies=dict(sorted(self._others.items())), units=dict(sorted(self._units.items()))
        )


def total(figures: Iterable[Figures]) -> Figures:
    whole = Whole()
    for each in figures:
        whole.add(each)
    return whole.total


def position(question: Question, figures: Figures) -> list[Any]:
    """Where a group stands in the order: what `after` takes."""
    counts = {name: figures.tokens.get(name) for name in TOKEN_CLASSES}
    sums = {"cost": figures.cost, "tokens": figures.tokens.total, "requests": figures.requests or 0}
    values = {**counts, **sums, **figures.keys}
    return [values[name.removeprefix("-")] for name in ordering(question)]


def ordering(question: Question) -> tuple[str, ...]:
    chosen = (question.order,) if question.order else ()
    plain = question.order.removeprefix("-")
    return (*chosen, *(name for name in question.group_by if name != plain))


def turned(name: str) -> str:
    return name[1:] if name.startswith("-") else f"-{name}"


def written(value: Any) -> str:
    """A key as JSON and CSV have it."""
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%SZ")
    if isinstance(value, date):
        return value.isoformat()
    return ("true" if value else "false") if isinstance(value, bool) else str(value)
