"""Which rollup answers a question, and what it is asked: sums of nobody yet, and whose they are to be."""

from collections.abc import Collection, Iterable, Mapping
from functools import lru_cache
from typing import Any, NamedTuple, cast

from django.contrib.postgres.aggregates import ArrayAgg, BoolOr, JSONBAgg
from django.db.models import (
    Aggregate,
    BigIntegerField,
    Case,
    Count,
    F,
    Func,
    JSONField,
    Max,
    Q,
    Sum,
    TextField,
    Value,
    When,
    Window,
)
from django.db.models.expressions import Combinable
from django.db.models.functions import Cast, Coalesce, JSONObject, TruncDay, TruncMonth, TruncWeek

from accounts.models import Organization
from accounts.owned import OwnedQuerySet
from usage.figures import DIMENSIONS, EVERYWHERE, NARROW, TIMES, ZERO, Question
from usage.models import DayDimension, DayRollup, HourRollup
from usage.rows import TOKEN_CLASSES
from usage.unpriced import PARTLY, TOKENLESS

KINDS = 200  # of queries that a process remembers: pages ask some twenty, programs any combination of keys
COLUMNS = {"user": "user_ref", "connection": "connection_id"}

HOURLY = Q(ledger="usage") | Q(ledger="measured", counted=True)
CONDITIONS: dict[str, tuple[Q, Q]] = {  # whose money, whose tokens
    "counted": (Q(counted=True), Q(tokens_counted=True)),
    "hourly": (HOURLY, HOURLY),
    "billed": (Q(ledger="billed"), Q(ledger="billed")),
    "computed": (Q(ledger="usage"), Q(ledger="usage")),
    "measured": (Q(ledger="measured"), Q(ledger="measured")),
}


ALL_TOKENS = Func(
    *TOKEN_CLASSES, template="(%(expressions)s)", arg_joiner=" + ", output_field=BigIntegerField()
)  # ten sums inside one another take Django ten times as long to write


class SumUnits(Aggregate):
    """Counts by name, added up by name; the function comes with the rollups."""

    function = "usage_sum_units"
    output_field = JSONField()


class Unanswerable(ValueError):
    """No rollup holds this combination; the text says which ones do."""


class Source(NamedTuple):
    """A rollup: its table, the one dimension it is read by ("" where it holds them all), and its grain."""

    rows: Any
    dimension: str
    time: str

    @property
    def columns(self) -> dict[str, str]:
        named = {**dict.fromkeys(EVERYWHERE), self.dimension: "value"} if self.dimension else dict.fromkeys(DIMENSIONS)
        return {name: column or COLUMNS.get(name, name) for name, column in named.items()}

    def keys(self, names: Iterable[str]) -> dict[str, Combinable]:
        return {f"by_{name}": key(name, self) for name in names}

    def kept(self, name: str, keep: Collection[str]) -> Case:
        """A key of these values; null for all others."""
        column = self.columns[name]
        return Case(When(**{f"{column}__in": keep}, then=F(column)))

    def all(self) -> OwnedQuerySet[Any]:
        rows = self.rows.objects.filter(dimension=self.dimension) if self.dimension else self.rows.objects
        return cast("OwnedQuerySet[Any]", rows.order_by())


def source_of(question: Question) -> Source:
    dimensions = question.dimensions
    narrow = len(dimensions) <= 1 and not {"batch", "line_item"} & set(dimensions)
    name = dimensions[0] if dimensions else "model"
    if question.by_hour:
        if not narrow:
            raise Unanswerable(
                "By hour there is one of " + ", ".join(NARROW) + " at a time, beside provider and connection."
            )
        return Source(HourRollup, name, "hour")
    return Source(DayDimension, name, "day") if narrow else Source(DayRollup, "", "day")


# What is added up, of nobody yet. Django takes longer to put such a query together than Postgres to answer it, so
# each kind is put together once; `asked_of` says of whom, when, and which.


@lru_cache(maxsize=KINDS)
def sums(source: Source, group_by: tuple[str, ...], ledger: str, order: str) -> OwnedQuerySet[Any]:
    return grouped(source, source.keys(group_by), ledger, order)


def grouped(
    source: Source, keys: Mapping[str, Combinable], ledger: str, order: str = "", *, only: Collection[str] = ()
) -> OwnedQuerySet[Any]:
    """Every measure, or `only` those of these names, which are put together sooner."""
    money, counts = CONDITIONS[ledger]
    dollars = money & Q(currency="USD")
    measures: dict[str, Combinable] = {
        **{f"sum_{name}": Sum(name, filter=counts) for name in (*TOKEN_CLASSES, "reasoning")},
        "cost": Sum("amount", filter=dollars),
        "sum_requests": Sum("requests", filter=counts),
        "has_counts": BoolOr(counts),
        "has_unknown": BoolOr(Q(requests_known=False), filter=counts),
        "unpriced": Sum("unpriced_tokens", filter=money),
        "partly": Sum("requests", filter=money & Q(basis=PARTLY)),
        "tokenless": Sum("requests", filter=money & Q(basis=TOKENLESS)),
        "billed": Sum("amount", filter=dollars & Q(ledger="billed")),
        "computed": Sum("amount", filter=dollars & Q(ledger="usage")),
        "measured": Sum("amount", filter=dollars & Q(ledger="measured")),
        "others": JSONBAgg(other_currency(), filter=money & ~Q(currency="USD")),
        "sum_units": SumUnits("units", filter=counts & ~Q(units={})),
    }
    ordered = column_of(order.removeprefix("-"))
    if ordered == "tokens":
        measures["tokens"] = Sum(ALL_TOKENS, filter=counts)
    if ordered in measures:  # where there is nothing to add up stands among the zeros
        measures |= {ordered: Coalesce(measures[ordered], Value(ZERO if ordered == "cost" else 0))}
    if not keys:
        measures["silent"] = ArrayAgg("provider", filter=counts & Q(requests_known=False), distinct=True)
    measures = {name: measure for name, measure in measures.items() if name in (only or measures)}
    rows = source.all().filter(money | counts).values(**keys or {"whole": Value(1)}).annotate(**measures)
    return cast("OwnedQuerySet[Any]", rows)


@lru_cache(maxsize=KINDS)
def ranks(source: Source, group_by: tuple[str, ...], ledger: str, order: str, place: int) -> OwnedQuerySet[Any]:
    """Which of several questions it is and how many groups there are stands in each row."""
    measure = column_of(order.removeprefix("-"))
    some = sums(source, group_by, ledger, order).exclude(**{measure: 0})
    told = some.annotate(place=Value(place), number=Window(Count("*")), owner=Max("provider"))
    keys = [column_of(name) for name in group_by]
    ordered = told.order_by(order_of(order), *keys).values_list(*keys, measure, "place", "number", "owner")
    return cast("OwnedQuerySet[Any]", ordered)


@lru_cache(maxsize=KINDS)
def headlines(source: Source, ledger: str) -> OwnedQuerySet[Any]:
    money, counts = CONDITIONS[ledger]
    by_time = source.all().filter(money | counts).values_list(source.time)
    return cast(
        "OwnedQuerySet[Any]",
        by_time.annotate(
            cost=sum_where("amount", money & Q(currency="USD")),
            tokens=sum_where(ALL_TOKENS, counts),
            sum_requests=sum_where("requests", counts),
        ),
    )


def asked_of(
    organization: Organization, question: Question, source: Source, rows: OwnedQuerySet[Any]
) -> OwnedQuerySet[Any]:
    span = question.period
    start, end = (span.start, span.end) if source.time == "hour" else (span.first_day, span.end_day)
    wanted: dict[str, Any] = {f"{source.time}__gte": start, f"{source.time}__lt": end}
    for name, values in question.filters.items():
        chosen = [value == "true" for value in values] if name == "batch" else values
        wanted[f"{source.columns[name]}__in"] = chosen
    found = rows.owned_by(organization).filter(**wanted)
    for name, values in question.without.items():
        found = found.exclude(**{f"{source.columns[name]}__in": values})
    return found


def key(name: str, source: Source) -> Combinable:
    if name in TIMES:
        if name == source.time:
            return F(name)
        return {"day": TruncDay, "week": TruncWeek, "month": TruncMonth}[name](source.time)
    return F(source.columns[name])


def sum_where(what: str | Combinable, condition: Q) -> Sum:
    return Sum(what, filter=condition, default=ZERO if what == "amount" else 0)


def other_currency() -> JSONObject:
    return JSONObject(currency="currency", amount=Cast("amount", TextField()))


def column_of(name: str) -> str:
    if name in ("cost", "tokens", "unpriced", "partly", "tokenless"):
        return name
    return f"sum_{name}" if name == "requests" or name in TOKEN_CLASSES else f"by_{name}"


def order_of(name: str) -> str:
    return f"-{column_of(name[1:])}" if name.startswith("-") else column_of(name)
