"""What measured events add up to, asked of their rollups by value, by day or by hour."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from functools import cache
from typing import Any, cast

from django.contrib.postgres.aggregates import JSONBAgg
from django.db.models import BigIntegerField, F, Max, Min, Q, Sum, TextField
from django.db.models.expressions import Combinable
from django.db.models.functions import Cast, Coalesce, Floor, JSONObject, NullIf

from accounts.models import Organization
from tokentra.lib import money
from usage.latency import Quantile, quantile
from usage.measured import OUTGOING, RARE, RARE_TOKENS, SPREAD, MeasuredDay, MeasuredHour, MeasuredSums, SumsQuerySet
from usage.measuring.dimensions import dimension_of
from usage.measuring.hashes import series_of
from usage.querying import SumUnits
from usage.rows import Tokens
from usage.spenders.spans import Span

ZERO = Decimal(0)
USD = Q(currency="USD")
COUNTS = (
    "calls",
    "errors",
    "unpriced_calls",
    "unpriced_tokens",
    "partly_priced",
    "tokens_in",
    "tokens_cached",
    "tokens_out",
    "latency_ms",
)
ADDED = ("cost", "priced", "told", *COUNTS)
Table = type[MeasuredDay] | type[MeasuredHour]


@dataclass(frozen=True)
class Sums:
    """`value` is what they are of; `priced` counts calls with a price in dollars, `told` those that told a latency.

    `partly_priced` are those with a price that leaves units of theirs out. `others` are amounts in other currencies, in
    the order of their codes.
    """

    value: Any = ""
    cost: Decimal = ZERO
    others: dict[str, Decimal] = field(default_factory=dict)
    priced: int = 0
    calls: int = 0
    errors: int = 0
    unpriced_calls: int = 0
    unpriced_tokens: int = 0
    partly_priced: int = 0
    tokens_in: int = 0
    tokens_cached: int = 0
    tokens_out: int = 0
    latency_ms: int = 0
    told: int = 0
    first_at: datetime | None = None
    last_at: datetime | None = None
    spread: Sequence[int] = ()
    rare: Mapping[str, int] = field(default_factory=dict)
    units: Mapping[str, Decimal] = field(default_factory=dict)

    def __add__(self, other: "Sums") -> "Sums":
        """The value is dropped: it is of both. Classes of tokens and units are not added."""
        firsts = [at for at in (self.first_at, other.first_at) if at]
        lasts = [at for at in (self.last_at, other.last_at) if at]
        spreads = [each.spread for each in (self, other) if each.spread]
        added = {name: getattr(self, name) + getattr(other, name) for name in ADDED}
        return Sums(
            **added,
            others=amounts_of((*self.others.items(), *other.others.items())),
            first_at=min(firsts, default=None),
            last_at=max(lasts, default=None),
            spread=[sum(counts) for counts in zip(*spreads, strict=True)],
        )

    def __sub__(self, part: "Sums") -> "Sums":
        """What is left without a part of it, as far as that can be counted."""
        left = {name: getattr(self, name) - getattr(part, name) for name in ADDED}
        others = {name: amount - part.others.get(name, ZERO) for name, amount in self.others.items()}
        return Sums(**left, others={name: amount for name, amount in others.items() if amount})

    @property
    def tokens(self) -> int:
        return self.tokens_in + self.tokens_out

    @property
    def classes(self) -> Tokens:
        """Where they were asked for."""
        rare_out = sum(self.rare.get(name, 0) for name in OUTGOING)
        rare_in = sum(self.rare.values()) - rare_out - self.rare.get("reasoning", 0)
        return Tokens(
            input=self.tokens_in - self.tokens_cached - rare_in,
            cache_read=self.tokens_cached,
            output=self.tokens_out - rare_out,
            **self.rare,
        )

    @property
    def known(self) -> Decimal | None:
        """The cost where there is one: None where all that was used has no price, or one in another currency."""
        return self.cost if self.cost or not (self.unpriced_calls or self.partly_priced or self.others) else None

    @property
    def unpriced_words(self) -> str:
        """How much has no price: tokens, or calls where they used none."""
        if self.unpriced_tokens:
            return f"unpriced: {money.tokens(self.unpriced_tokens)} tokens"
        return f"unpriced: {money.exact(self.unpriced_calls)} {'call' if self.unpriced_calls == 1 else 'calls'}"

    @property
    def average(self) -> Decimal | None:
        """Dollars a call, over the calls that have a price in dollars."""
        return self.cost / self.priced if self.priced else None

    @property
    def latency(self) -> int | None:
        return self.latency_ms // self.told if self.told else None

    @property
    def p50(self) -> Quantile | None:
        return quantile(self.spread, 0.5)

    @property
    def p95(self) -> Quantile | None:
        return quantile(self.spread, 0.95)

    @property
    def error_share(self) -> Decimal | None:
        return Decimal(self.errors) / self.calls if self.calls else None


def rows(organization: Organization, dimension: str, span: Span, *, by: str = "") -> "SumsQuerySet[Any]":
    """Of the values of one dimension, crossed with another one by day only."""
    return _of(_table(dimension, span, by).objects.all(), organization, dimension, span, by)


def added_up(
    organization: Organization, dimension: str, span: Span, key: str, *, by: str = "", spread: bool = False
) -> "SumsQuerySet[Any]":
    """What these rows add up to for each value of a column, in no order."""
    return _of(_of_nobody(_table(dimension, span, by), key, spread), organization, dimension, span, by)


def _table(dimension: str, span: Span, by: str) -> Table:
    return MeasuredHour if span.by_hour and not by and dimension_of(dimension).by_hour else MeasuredDay


def _of(
    found: "SumsQuerySet[Any]", organization: Organization, dimension: str, span: Span, by: str
) -> "SumsQuerySet[Any]":
    return found.owned_by(organization).of(dimension, by).filter(within(span, found.model))


@cache
def _of_nobody(table: Table, key: str, spread: bool) -> "SumsQuerySet[Any]":
    """Put together once: Django takes longer for it than Postgres to answer it."""
    return cast("SumsQuerySet[Any]", table.objects.values(key).annotate(**measures(spread=spread)).order_by())


def within(span: Span, table: type[MeasuredSums]) -> Q:
    if table is MeasuredHour:
        return Q(hour__gte=span.start, hour__lt=span.end)
    return Q(day__gte=span.first_day, day__lt=span.end_day)


def has_any(organization: Organization, dimension: str = "all") -> bool:
    return MeasuredDay.objects.owned_by(organization).of(dimension).exists()


@cache
def measures(*, spread: bool = False, classes: bool = False) -> dict[str, Combinable]:
    """What `sums_of` reads; the buckets of latencies, and the classes of tokens and units, only where asked for.

    Made once, since Django takes long to make them; what a list may be sorted by is zero where it is nothing.
    """
    found: dict[str, Combinable] = {f"sum_{name}": Sum(name) for name in COUNTS}
    found |= {
        "sum_errors": Coalesce(Sum("errors"), 0),
        "sum_cost": Coalesce(Sum("amount", filter=USD), ZERO),
        "sum_priced": Sum(F("calls") - Coalesce("unpriced_calls", 0), filter=USD),
        "sum_told": Sum(F("calls") - Coalesce("untold", 0)),
        "sum_others": JSONBAgg(JSONObject(currency="currency", amount=Cast("amount", TextField())), filter=~USD),
        "sum_first_at": Min("first_at"),
        "sum_last_at": Max("last_at"),
    }
    if spread:
        found["sum_spread"] = Sum("spread")
    if classes:
        found |= {"sum_rare_tokens": Sum("rare_tokens"), "sum_units": SumUnits("units", filter=~Q(units={}))}
    return found


# What a table may be sorted by; made of what `measures` adds up.
DERIVED: dict[str, Combinable] = {
    "average": Coalesce(F("sum_cost") / NullIf(F("sum_priced"), 0), Decimal(-1)),
    "latency": Coalesce(Cast(Floor(F("sum_latency_ms") / NullIf(F("sum_told"), 0)), BigIntegerField()), -1),
    "tokens": F("sum_tokens_in") + F("sum_tokens_out"),
}


def totals(organization: Organization, dimensions: Collection[str], span: Span) -> dict[str, Sums]:
    """Of whole dimensions, all kept by the hour where the span is of hours; with the spread of latencies."""
    is_by_hour = span.by_hour and all(dimension_of(name).by_hour for name in dimensions)
    table: Table = MeasuredHour if is_by_hour else MeasuredDay
    of = _of_nobody(table, "dimension", spread=True).owned_by(organization).filter(within(span, table))
    grouped = of.filter(series__in=map(series_of, dimensions))
    held = {row["dimension"]: sums_of("", row) for row in grouped}
    return {name: held.get(name, Sums()) for name in dimensions}


def by(
    organization: Organization, dimension: str, value: str, other: str, span: Span, *, most: int | None = None
) -> list[Sums]:
    """One value's sums by another dimension, the dearest first; latencies are not kept here."""
    found = added_up(organization, dimension, span.in_whole_days, "by_value", by=other).of_values([value])
    grouped = found.order_by("-sum_cost", "by_value")
    return [sums_of(row["by_value"], row) for row in grouped[:most]]


def in_time(
    organization: Organization, dimension: str, span: Span, *, value: str | None = None
) -> list[tuple[Any, Sums]]:
    """By day, or by hour where the span is of hours."""
    time = "hour" if _table(dimension, span, "") is MeasuredHour else "day"
    of = added_up(organization, dimension, span, time, spread=True)
    found = of if value is None else of.of_values([value])
    return [(row[time], sums_of("", row)) for row in found.order_by(time)]


def costs_in_time(
    organization: Organization, dimension: str, value: str, other: str, span: Span
) -> Iterator[tuple[Any, str, Decimal]]:
    """Day, value of the other dimension, cost in dollars."""
    found = rows(organization, dimension, span, by=other).of_values([value]).filter(USD)
    yield from found.values_list("day", "by_value").annotate(sum_cost=Sum("amount")).order_by()


def providers(organization: Organization, dimension: str, values: Collection[str], span: Span) -> dict[str, list[str]]:
    """Which providers each of these values used."""
    of = rows(organization, dimension, span.in_whole_days, by="model").of_values(values)
    found: dict[str, set[str]] = {}
    for value, model in of.values_list("value", "by_value").distinct():
        found.setdefault(value, set()).add(model.partition("/")[0])
    return {value: sorted(names) for value, names in found.items()}


def tools(organization: Organization, dimension: str, values: Collection[str], span: Span) -> dict[str, list[str]]:
    """Which tools each of these values used."""
    of = rows(organization, dimension, span.in_whole_days, by="tool").of_values(values)
    found: dict[str, list[str]] = {}
    for value, tool in of.values_list("value", "by_value").distinct().order_by("value", "by_value"):
        found.setdefault(value, []).append(tool)
    return found


def first_seen(organization: Organization, dimension: str, values: Collection[str]) -> dict[str, datetime]:
    """When each of these values was there for the first time, whatever the span."""
    of = MeasuredDay.objects.owned_by(organization).of(dimension).of_values(values)
    return dict(of.values_list("value").annotate(first=Min("first_at")).order_by())


def sums_of(value: Any, row: dict[str, Any]) -> Sums:
    """What the database says of nothing is NULL."""
    lines = row.get("sum_others") or ()
    counts: dict[str, Any] = {name: row.get(f"sum_{name}") or 0 for name in ADDED}
    return Sums(
        value,
        others=amounts_of((line["currency"], Decimal(line["amount"])) for line in lines),
        first_at=row["sum_first_at"],
        last_at=row["sum_last_at"],
        spread=SPREAD.unpacked(row.get("sum_spread")),
        rare=dict(zip(RARE, RARE_TOKENS.unpacked(row.get("sum_rare_tokens")), strict=True)),
        units={name: Decimal(str(count)) for name, count in (row.get("sum_units") or {}).items()},
        **counts,
    )


def amounts_of(lines: Iterable[tuple[str, Decimal]]) -> dict[str, Decimal]:
    """Amounts by currency, added up, in the order of the codes."""
    found: dict[str, Decimal] = {}
    for currency, amount in lines:
        found[currency] = found.get(currency, ZERO) + amount
    return dict(sorted(found.items()))
